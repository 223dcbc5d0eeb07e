//! A crate as strict as crates get: what the derives write is no warning in it, and meets no name of its user's.
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused_qualifications)]
#![deny(unused_lifetimes, single_use_lifetimes, trivial_casts, let_underscore_drop, clippy::pedantic)]

use dk_data::{Filter, Predicate, Record, TextEnum};

/// A person, with every kind of attribute.
#[derive(Record, Clone, Debug)]
#[record(name = "people", rename_all = "camelCase")]
pub struct Person {
    /// The id.
    #[record(id)]
    pub email: String,
    /// What the person is.
    pub role: Option<Role>,
    /// Where the person lives.
    pub home: Option<Home>,
    /// Any JSON.
    #[record(json)]
    pub more: More,
    /// Long text.
    #[record(large, default)]
    pub letter: String,
    /// Not stored.
    #[record(skip)]
    pub seen: u64,
    /// A word of the language, on both sides.
    pub r#type: u8,
    /// A word of the language in the store alone.
    #[record(rename = "fn", alias = "struct")]
    pub function: Vec<String>,
    pub(crate) embedding: [f32; 4],
    score: f64,
}

/// What any serde type is.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct More {
    /// Some number.
    pub n: u8,
}

/// A home.
#[derive(Record, Clone, Debug)]
pub struct Home {
    /// The city.
    pub city: String,
}

/// A part of a person.
#[derive(Record, Clone, Debug)]
#[record(of = Person, rename_all = "camelCase")]
pub struct Name {
    /// The id.
    pub email: String,
}

/// A role.
#[derive(TextEnum, Clone, Copy, Debug)]
#[record(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Reader,
    /// Writes.
    Writer,
}

/// A record of any field type.
#[derive(Record, Clone, Debug)]
pub struct Pair<T> {
    /// One.
    pub first: T,
    /// Several.
    pub rest: Vec<u16>,
}

/// A record whose fields are as many as a macro likes, and called as it and its user like.
macro_rules! wide {
    ($(#[$doc:meta])* $vis:vis struct $name:ident { $($field:ident)* }) => {
        $(#[$doc])*
        #[derive(dk_data::Record, Clone, Debug, Default)]
        $vis struct $name {
            $(
                /// A number.
                $vis $field: Option<u32>,
            )*
            /// A name that the macro gives.
            $vis record: Option<u32>,
        }
    };
}

wide! {
    /// Sixty fields, and names that the derive uses inside.
    pub struct Wide {
        a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 c0 c1 c2 c3 c4 c5 c6 c7 c8 c9
        d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 schema out from steps value field name type_ rest id
    }
}

/// Names of the user's that code without paths would meet.
pub mod hostile {
    #![allow(non_camel_case_types, dead_code, clippy::upper_case_acronyms)]

    struct Option;
    struct Some;
    struct None;
    struct Result;
    struct Ok;
    struct Err;
    struct Vec;
    struct String;
    struct Box;
    struct Clone;
    struct Default;
    struct Send;
    struct Sync;
    struct str;
    struct u8;
    struct bool;
    mod core {}
    mod std {}
    mod dk_data {}
    const N: i8 = 3;
    const SCHEMA: i8 = 3;
    const TYPES: i8 = 3;

    /// A record among them.
    #[derive(::dk_data::Record, ::core::clone::Clone, ::core::fmt::Debug)]
    pub struct Hostile {
        /// A field whose handle is called as a constant is.
        pub n: ::core::primitive::u32,
        /// A field of a generic type.
        pub list: ::std::vec::Vec<::std::string::String>,
    }
}

/// Where nothing is called anything that no path says.
#[no_implicit_prelude]
pub mod bare {
    #![allow(non_camel_case_types, dead_code)]

    struct str;
    struct bool;

    /// A record there.
    #[::core::prelude::v1::derive(::dk_data::Record, ::core::clone::Clone, ::core::fmt::Debug)]
    #[record(query = none)]
    pub struct Bare {
        /// Whether it is what its names say.
        pub kind: ::core::option::Option<Kind>,
        /// Others.
        pub kinds: ::std::vec::Vec<Kind>,
    }

    /// An enum there, which need not be shown.
    #[::core::prelude::v1::derive(::dk_data::TextEnum, ::core::clone::Clone, ::core::fmt::Debug)]
    pub enum Kind {
        /// One.
        One,
        /// Other.
        #[record(alias = "another")]
        Other,
    }

    impl Bare {
        /// A function that is called as one of the derive's would be.
        #[must_use]
        pub fn query(&self) -> ::core::primitive::bool {
            ::core::option::Option::is_some(&self.kind)
        }
    }
}

/// Values that are only looked at.
#[must_use]
pub fn looked_at(names: &[String], words: &[&str], ages: &[u8], roles: &[Role]) -> [Option<Filter>; 4] {
    let each = words.iter().map(|word| Person::EMAIL.ne(word).and(Person::FUNCTION.contains(word)));
    [
        Person::EMAIL.is_in(names).and(Person::EMAIL.not_in(words)).lower(),
        Person::TYPE.is_in(ages).or(Person::TYPE.is_in(&ages[1..])).lower(),
        Person::ROLE.is_in(roles).lower(),
        dk_data::all_of(each).lower(),
    ]
}

/// Changes of fields that are not compared.
#[must_use]
pub fn changes(more: &More) -> dk_data::Changes<Person> {
    Person::MORE.set(more.clone()).and(Person::LETTER.set("long")).and(Person::EMBEDDING.set([0.0; 4]))
}

/// A record inside a function, private, whose handles are renamed or left out.
#[must_use]
pub fn local() -> Option<Filter> {
    #[derive(Record, Clone, Debug)]
    struct Local {
        #[record(handle = "YEARS")]
        age: u8,
        #[record(handle = none)]
        name: String,
    }
    #[derive(Record, Clone, Debug)]
    #[record(handles = none)]
    struct Bare {
        n: u8,
    }
    impl Bare {
        const N: u8 = 7;
    }
    let local = Local { age: Bare { n: Bare::N }.n, name: String::new() };
    Local::YEARS.ge(local.age).lower().filter(|_| local.name.is_empty())
}

/// Predicates on every kind of handle.
#[must_use]
pub fn predicates(person: &Person) -> [Option<Filter>; 5] {
    let grown = Person::ROLE.ne(Role::Reader) & !Person::EMAIL.ends_with(".org") & Person::TYPE.le(person.r#type);
    let placed = Person::HOME.at(Home::CITY).eq("Oslo") | Person::MORE.is_null() | Person::LETTER.not_null();
    let scored = Person::SCORE.between(person.score, 1.0) & Person::EMBEDDING.not_null();
    let pairs = Pair::<u8>::FIRST.ge(1) & Pair::<u8>::REST.len().eq(2);
    let wide = Wide::E9.eq(1) | Wide::RECORD.is_null() | Wide::SCHEMA.ge(1);
    let hostile = hostile::Hostile::N.ge(1) | hostile::Hostile::LIST.contains("x");
    let query = Person::query().filter(grown.clone()).sort(Person::EMAIL.asc()).limit(person.embedding.len());
    drop(query.select::<Name>());
    [(grown & placed).lower(), scored.lower(), pairs.lower(), wide.lower(), hostile.lower()]
}
