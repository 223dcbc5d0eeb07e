//! What the derives make: schemas, both directions of the codec, handles, and code that stands beside whatever names the
//! user has.

use std::collections::BTreeMap;

use dk_data::{
    Change, Database, Document, Error, FieldDef, Id, Path, Query, Record, RecordCodec, Result, Schema, Store, SubsetOf,
    TextEnum, Type, Typed, Value, ValueRef,
    backend::memory::Memory,
    document,
    record::{DocumentReader, DocumentWriter, Form, Step, TypeSet},
};
use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use uuid::Uuid;

/// A record as a document.
fn written<R: Typed>(record: &R) -> Result<Document> {
    DocumentWriter::document_of(record, R::SCHEMA)
}

/// A document as a record.
fn read<R: Typed>(document: &Document) -> Result<R> {
    R::decode(R::SCHEMA, &mut DocumentReader::new(document))
}

#[track_caller]
fn assert_round_trip<R: Typed + PartialEq + std::fmt::Debug>(record: &R) {
    let document = written(record).unwrap();
    assert_eq!(&read::<R>(&document).unwrap(), record, "{document:?}");
}

fn steps<R: Typed>(path: &str) -> Vec<Step> {
    let path: Path = path.parse().unwrap();
    R::SCHEMA.resolve(&path).unwrap().steps().to_vec()
}

fn cell<'a, R: Typed>(record: &'a R, path: &str) -> ValueRef<'a> {
    record.cell(&steps::<R>(path))
}

fn put<R: Typed>(record: &mut R, path: &str, value: impl Into<Value>) -> Result<()> {
    record.put(R::SCHEMA, &steps::<R>(path), value.into())
}

fn field_of<T>(result: Result<T>) -> Option<String> {
    result.err().and_then(|e: Error| e.place().field.clone())
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Everything {
    #[record(id)]
    key: Uuid,
    bool: bool,
    i8: i8,
    i16: i16,
    i32: i32,
    i64: i64,
    u8: u8,
    u16: u16,
    u32: u32,
    u64: u64,
    f32: f32,
    f64: f64,
    text: String,
    bytes: Vec<u8>,
    uuid: Uuid,
    at: Timestamp,
    day: Date,
    price: Decimal,
    colour: Colour,
    maybe: Option<i32>,
    words: Vec<String>,
    maybe_words: Option<Vec<String>>,
    blobs: Vec<Vec<u8>>,
    colours: Vec<Colour>,
    maybe_colour: Option<Colour>,
    home: Home,
    maybe_home: Option<Home>,
    homes: Vec<Home>,
    #[record(json)]
    json: BTreeMap<String, i32>,
    #[record(json)]
    maybe_json: Option<Vec<u8>>,
    vector: [f32; 3],
    maybe_vector: Option<[f32; 2]>,
}

#[derive(TextEnum, Clone, Debug, PartialEq)]
#[record(rename_all = "kebab-case")]
enum Colour {
    DarkRed,
    #[record(rename = "blue!", alias = "blue", alias = "azure")]
    Blue,
    r#None,
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Home {
    city: Option<String>,
    place: Option<Place>,
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Place {
    latitude: f64,
}

fn everything() -> Everything {
    let home = Home { city: Some("Oslo".into()), place: Some(Place { latitude: 59.9 }) };
    Everything {
        key: Uuid::max(),
        bool: true,
        i8: i8::MIN,
        i16: i16::MIN,
        i32: i32::MIN,
        i64: i64::MIN,
        u8: u8::MAX,
        u16: u16::MAX,
        u32: u32::MAX,
        u64: u64::MAX,
        f32: f32::MIN_POSITIVE,
        f64: 1e308,
        text: " \"\r\n".into(),
        bytes: vec![0, 255],
        uuid: Uuid::nil(),
        at: Timestamp::UNIX_EPOCH,
        day: Date::constant(9999, 12, 31),
        price: Decimal::new(110, 2),
        colour: Colour::DarkRed,
        maybe: Some(-1),
        words: vec![String::new()],
        maybe_words: Some(vec![]),
        blobs: vec![vec![], vec![1]],
        colours: vec![Colour::Blue, Colour::None],
        maybe_colour: Some(Colour::Blue),
        home: home.clone(),
        maybe_home: Some(Home { city: None, place: None }),
        homes: vec![home],
        json: BTreeMap::from([("a".into(), 1)]),
        maybe_json: Some(vec![1, 2]),
        vector: [1.0, -2.5, 0.0],
        maybe_vector: Some([0.5, 0.25]),
    }
}

/// semantics 2.2, 2.3
#[test]
fn every_field_type_comes_back_from_a_document() {
    assert_round_trip(&everything());
    let mut bare = everything();
    (bare.maybe, bare.maybe_words, bare.maybe_colour, bare.maybe_home) = (None, None, None, None);
    (bare.maybe_json, bare.maybe_vector) = (None, None);
    (bare.words, bare.homes) = (vec![], vec![]);
    assert_round_trip(&bare);
}

#[test]
fn a_schema_says_what_was_declared() {
    let schema = Everything::SCHEMA;
    assert_eq!(schema.name, "everything");
    assert_eq!(schema.validate().map_err(|e| e.to_string()), Ok(()));
    let shown = schema.to_string();
    for part in [
        "key: uuid id",
        "colour: enum(dark-red, blue!, none)",
        "words: list<text>",
        "maybe_home: { city: text?, place: { latitude: f64 }? }?",
        "homes: list<{ city",
        "json: json",
        "vector: vector<3>",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

#[test]
fn the_types_that_an_engine_must_hold_are_known_at_compile_time() {
    const _: () = assert!(TypeSet::LIST.within(<Everything as Typed>::TYPES));
    const _: () = assert!(TypeSet::RECORDS.within(<Everything as Typed>::TYPES));
    const _: () = assert!(TypeSet::JSON.or(TypeSet::VECTOR).within(<Everything as Typed>::TYPES));
    const _: () = assert!(!TypeSet::UNIQUE.within(<Everything as Typed>::TYPES));
    const _: () = assert!(TypeSet::UNIQUE.within(<Account as Typed>::TYPES));
    const _: () = assert!(<Place as Typed>::TYPES.within(TypeSet::PLAIN));
}

#[test]
fn a_cell_is_reached_through_records_and_null_where_one_is_null() {
    let mut record = everything();
    assert_eq!(cell(&record, "home.place.latitude"), ValueRef::Float(59.9));
    assert_eq!(cell(&record, "maybe_home.place.latitude"), ValueRef::Null);
    assert_eq!(cell(&record, "colour"), ValueRef::text("dark-red"));
    record.maybe_json = None;
    assert_eq!(cell(&record, "maybe_json"), ValueRef::Null);
}

#[test]
fn a_cell_takes_what_its_type_can_hold_and_nothing_else() {
    let mut record = everything();
    put(&mut record, "home.place.latitude", 1.5).unwrap();
    put(&mut record, "colour", "azure").unwrap();
    put(&mut record, "json", serde_json::json!({ "b": 2 })).unwrap();
    assert_eq!(record.home.place, Some(Place { latitude: 1.5 }));
    assert_eq!((record.colour.clone(), record.json.get("b")), (Colour::Blue, Some(&2)));
    assert_eq!(field_of(put(&mut record, "u8", 256)).as_deref(), Some("u8"));
    assert_eq!(field_of(put(&mut record, "home.place.latitude", "x")).as_deref(), Some("home.place.latitude"));
    assert_eq!(field_of(put(&mut record, "json", 1)).as_deref(), Some("json"));
    assert_eq!(field_of(put(&mut record, "i8", Value::Null)).as_deref(), Some("i8"));
    let large = put(&mut record, "f32", 1e300).unwrap_err();
    assert!(large.message().contains("out of the range of f32") && large.place().value.is_some(), "{large}");
    assert!(record.put(Everything::SCHEMA, &[], Value::Null).is_err());
}

/// semantics 2.4, 2.5, 2.6
#[test]
fn what_no_store_holds_is_refused_and_what_is_loose_is_brought_into_form() {
    let mut record = everything();
    assert_eq!(record.check(Everything::SCHEMA).unwrap(), Form::Stored);
    record.homes[0].place = Some(Place { latitude: -0.0 });
    record.at = Timestamp::constant(1, 1);
    assert_eq!(record.check(Everything::SCHEMA).unwrap(), Form::Loose);
    record.normalize(Everything::SCHEMA);
    assert_eq!(record.check(Everything::SCHEMA).unwrap(), Form::Stored);
    assert_eq!(record.at, Timestamp::constant(1, 0));
    record.home.place = Some(Place { latitude: f64::NAN });
    assert_eq!(field_of(record.check(Everything::SCHEMA)).as_deref(), Some("home.place.latitude"));
}

#[derive(Record, Clone, Debug, Default, PartialEq)]
#[record(name = "accounts", rename_all = "camelCase")]
struct Account {
    #[record(id)]
    user_name: String,
    #[record(unique, alias = "mail", alias = "e-mail")]
    email: Option<String>,
    #[record(index, rename = "AGE")]
    age: u8,
    #[record(default)]
    visit_count: u64,
    #[record(default, json)]
    tags: Vec<String>,
    #[record(large)]
    body: Option<String>,
    #[record(skip)]
    cached: Option<std::time::Duration>,
    #[record(handle = "KIND")]
    r#type: String,
    #[record(handle = none)]
    hidden: bool,
}

#[test]
fn attributes_are_kept_in_the_schema() {
    let text = "accounts { userName: text id, email: text? unique, AGE: u8 index, visitCount: u64, tags: json?, \
                body: text? large, type: text, hidden: bool }";
    assert_eq!(Account::SCHEMA.to_string(), text);
    assert_eq!(*Account::SCHEMA.fields[1].aliases, ["mail", "e-mail"]);
    assert_eq!(Account::SCHEMA.fields.iter().filter(|field| field.default).count(), 2);
    assert_eq!(Account::KIND.path().to_string(), "type");
    assert_eq!(Account::USER_NAME.path().to_string(), "userName");
}

#[test]
fn a_missing_field_is_its_default_its_null_or_an_error() {
    let least = document! { "userName" => "ann", "AGE" => 4, "type" => "x", "hidden" => false };
    let account: Account = read(&least).unwrap();
    assert_eq!((account.visit_count, account.email, account.tags.len()), (0, None, 0));
    for name in ["userName", "AGE", "type", "hidden"] {
        let mut less = least.clone();
        less.remove(name);
        assert_eq!(field_of(read::<Account>(&less)).as_deref(), Some(name));
    }
}

#[test]
fn an_old_name_is_read_and_never_written() {
    let old = document! { "userName" => "ann", "AGE" => 4, "type" => "x", "hidden" => true, "e-mail" => "a@b" };
    let account: Account = read(&old).unwrap();
    assert_eq!(account.email.as_deref(), Some("a@b"));
    let new = written(&account).unwrap();
    assert_eq!((new.get("e-mail"), new.get("email")), (None, Some(&Value::from("a@b"))));
}

#[test]
fn a_skipped_field_is_neither_written_nor_read() {
    let account = Account { cached: Some(std::time::Duration::ZERO), ..Account::default() };
    let document = written(&account).unwrap();
    assert_eq!(document.get("cached"), None);
    assert_eq!(read::<Account>(&document).unwrap().cached, None);
}

/// semantics 1.2
#[test]
fn the_id_is_the_canonical_text_of_its_field() {
    let id = everything().own_id(Everything::SCHEMA).unwrap();
    assert_eq!(id, Some(Id::from(Uuid::max())));
    assert_eq!(field_of(Account::default().own_id(Account::SCHEMA)).as_deref(), Some("userName"));
    assert_eq!(Place { latitude: 0.0 }.own_id(Place::SCHEMA).unwrap(), None);
}

#[test]
fn queries_name_fields_by_handles() {
    let by_handle = Everything::query()
        .filter(Everything::I32.ge(18).and(Everything::TEXT.starts_with("a")))
        .filter(Everything::HOME.at(Home::PLACE).at(Place::LATITUDE).lt(60.0))
        .filter(Everything::MAYBE_HOME.at(Home::CITY).eq("Oslo"))
        .filter(Everything::WORDS.contains("x").or(Everything::HOMES.is_empty()))
        .filter(Everything::COLOUR.eq(Colour::Blue).or(Everything::MAYBE_COLOUR.is_in([Colour::DarkRed])))
        .filter(Everything::COLOURS.contains(Colour::None))
        .filter(Everything::JSON.not_null().and(Everything::VECTOR.not_null()))
        .sort(Everything::AT.desc());
    let shown = format!("{:?}", by_handle.dynamic().unwrap());
    assert!(shown.contains("maybe_home") && shown.contains("latitude"), "{shown}");
}

#[test]
fn a_variant_is_compared_by_its_name() {
    assert_eq!(Colour::NAMES, ["dark-red", "blue!", "none"]);
    assert_eq!([Colour::from_name("azure"), Colour::from_name("Blue")], [Some(Colour::Blue), None]);
    let changes = Everything::COLOUR.set(Colour::None);
    assert_eq!(changes.list(), [Change::Set(Path::field("colour"), Value::from("none"))]);
    let bad = document! { "latitude" => 1.0, "colour" => "blu" };
    #[derive(Record, Clone)]
    struct Painted {
        #[allow(dead_code)]
        colour: Colour,
    }
    let message = read::<Painted>(&bad).map(|_| ()).unwrap_err().to_string();
    assert!(message.contains("did you mean `blue!`"), "{message}");
}

// ---- parts

#[derive(Record, Clone, Debug, PartialEq)]
#[record(of = Account, rename_all = "camelCase")]
struct Login {
    user_name: String,
    visit_count: u64,
    #[record(skip)]
    seen: bool,
}

/// semantics 4.5
#[test]
fn a_part_has_the_same_named_fields() {
    let account = Account { user_name: "ann".into(), visit_count: 3, ..Account::default() };
    assert_eq!(Login::pick(&account), Login { user_name: "ann".into(), visit_count: 3, seen: false });
    let _ = Account::query().select::<Login>();
}

// ---- generics

#[derive(Record, Clone, Debug, PartialEq)]
struct Tagged<T, const N: usize>
where
    T: std::fmt::Debug,
{
    value: Option<T>,
    list: Vec<T>,
    vector: [f32; N],
    plain: u8,
    #[record(json)]
    json: u8,
}

#[test]
fn a_generic_record_has_a_schema_for_each_type() {
    let record = Tagged::<String, 2> { value: None, list: vec!["a".into()], vector: [1.0; 2], plain: 1, json: 2 };
    assert_round_trip(&record);
    let schema = Tagged::<bool, 7>::SCHEMA.to_string();
    assert_eq!(schema, "tagged { value: bool?, list: list<bool>, vector: vector<7>, plain: u8, json: json? }");
    let _ = Tagged::<String, 2>::query().filter(Tagged::<String, 2>::VALUE.like("a%"));
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Wrapper<T> {
    #[record(json)]
    inner: T,
}

#[test]
fn a_generic_json_field_takes_any_serde_type() {
    assert_round_trip(&Wrapper { inner: vec![(1, "a".to_owned())] });
}

// ---- visibility

mod inner {
    #[derive(dk_data::Record, Clone)]
    pub(crate) struct Shared {
        pub(super) n: u8,
        secret: Option<String>,
    }
    impl Shared {
        pub fn new() -> Shared {
            Shared { n: 1, secret: None }
        }
    }
    pub mod deep {
        #[derive(dk_data::Record, Clone)]
        pub(in crate::derive) struct Deep {
            pub(super) shared: super::Shared,
        }
        impl Deep {
            pub(in crate::derive) fn new() -> Deep {
                Deep { shared: super::Shared::new() }
            }
        }
    }
    #[derive(dk_data::Record, Clone, Default)]
    struct Private {
        n: u8,
    }
    pub fn private() -> String {
        let changes = Private::N.set(Private::default().n);
        format!("{:?}", changes.list())
    }
}

#[test]
fn handles_are_as_visible_as_the_struct() {
    use inner::{Shared, deep::Deep};
    let _ = Shared::query().filter(Shared::SECRET.is_null().and(Shared::N.ge(1)));
    let _ = Deep::query().filter(Deep::SHARED.at(Shared::N).eq(inner::Shared::new().n));
    assert_eq!(cell(&Deep::new(), "shared.n"), ValueRef::Int(1));
    assert!(inner::private().contains("Set"));
}

#[test]
fn a_record_may_be_local_to_a_function() {
    #[derive(Record, Clone, Debug, PartialEq)]
    struct Local {
        n: u8,
        level: Level,
    }
    #[derive(TextEnum, Clone, Debug, PartialEq)]
    enum Level {
        Low,
    }
    assert_round_trip(&Local { n: 1, level: Level::Low });
    let _ = Local::query().filter(Local::N.ge(1).and(Local::LEVEL.eq(Level::Low)));
}

// ---- names

mod hostile {
    #![allow(dead_code, non_camel_case_types, non_upper_case_globals)]

    // What the emitted code would meet if it named anything by its short name.
    pub struct Option;
    pub struct Some;
    pub struct None;
    pub struct Ok;
    pub struct Err;
    pub struct Result;
    pub struct Vec;
    pub struct String;
    pub struct Cow;
    pub struct Schema;
    pub struct Value;
    pub struct Error;
    pub struct Default;
    pub struct Self_;
    pub trait Clone {}
    pub trait Decoder {}
    pub trait Encoder {}
    pub trait FieldType {}
    pub const schema: u8 = 0;
    pub const from: u8 = 0;
    pub const out: u8 = 0;
    pub const index: u8 = 0;
    pub static i: u8 = 0;
    pub mod core {}
    pub mod std {}

    #[derive(dk_data::Record, ::core::clone::Clone, Debug, PartialEq)]
    pub struct Hostile {
        pub schema: u8,
        pub from: ::std::string::String,
        pub out: ::core::option::Option<bool>,
        pub self_: ::std::vec::Vec<u8>,
        pub i: u64,
        pub index: u8,
        pub field: u8,
        pub record: u8,
        pub r#type: u8,
        pub r#match: u8,
        pub query: u8,
        pub types: u8,
        pub value: u8,
        pub steps: u8,
        pub kind: u8,
    }

    #[derive(dk_data::TextEnum, ::core::clone::Clone, Debug, PartialEq)]
    pub enum Names {
        Some,
        None,
        Ok,
        Self_,
        r#type,
    }
}

#[test]
fn fields_may_be_called_as_anything_that_the_derive_uses() {
    let record = hostile::Hostile {
        schema: 1,
        from: "a".into(),
        out: None,
        self_: vec![1],
        i: 2,
        index: 3,
        field: 4,
        record: 5,
        r#type: 6,
        r#match: 7,
        query: 8,
        types: 9,
        value: 10,
        steps: 11,
        kind: 12,
    };
    assert_round_trip(&record);
    let _ = hostile::Hostile::query().filter(hostile::Hostile::SCHEMA.eq(1).and(hostile::Hostile::SELF_.not_null()));
    assert_eq!(hostile::Names::from_name("type"), Some(hostile::Names::r#type));
}

#[derive(Record, Clone, Debug, PartialEq)]
#[record(handles = none)]
struct Quiet {
    age: u8,
}

impl Quiet {
    const AGE: &'static str = "mine";
    fn query() -> u8 {
        7
    }
}

#[derive(Record, Clone, Debug, PartialEq)]
#[record(query = none)]
struct Asked {
    age: u8,
}

impl Asked {
    fn query(&self) -> u8 {
        self.age
    }
}

#[test]
fn without_query_that_name_alone_is_the_users() {
    assert_eq!(Asked { age: 7 }.query(), 7);
    assert_eq!(Query::<Asked>::new().sort(Asked::AGE.asc()).keys().len(), 1);
}

/// JSON has no numbers but finite ones, and no names but texts: what serde cannot write is no value to set.
#[test]
fn a_value_without_a_form_as_json_is_refused_when_the_change_is_bound() {
    #[derive(Record, Clone)]
    struct Odd {
        #[record(json)]
        pairs: BTreeMap<(u8, u8), u8>,
    }
    let changes = Odd::PAIRS.set([((1, 2), 3)]);
    let refused = changes.clone().and(Odd::PAIRS.set([])).bind(Odd::SCHEMA).map(drop);
    assert_eq!(field_of(refused).as_deref(), Some("pairs"));
    assert!(Odd::PAIRS.set([]).bind(Odd::SCHEMA).is_ok());
    assert_eq!(changes.list(), []);
    drop(Odd { pairs: BTreeMap::new() }.pairs);
}

#[test]
fn without_handles_the_names_are_the_users() {
    assert_eq!((Quiet::AGE, Quiet::query()), ("mine", 7));
    assert_round_trip(&Quiet { age: 1 });
    let _ = Query::<Quiet>::new();
}

// What is emitted passes the strictest lints that a user may set.
mod linted {
    #![deny(warnings, missing_docs, unused_qualifications, unreachable_pub, clippy::all)]
    //! A module without a fault.

    /// A record.
    #[derive(dk_data::Record, Clone, Debug)]
    #[allow(unreachable_pub)]
    pub struct Documented {
        /// A field.
        #[deprecated]
        pub age: u8,
        /// A name.
        pub user_name: String,
    }

    /// An enum.
    #[derive(dk_data::TextEnum, Clone, Debug)]
    #[allow(unreachable_pub)]
    pub enum Word {
        /// A variant.
        One,
    }
}

#[test]
fn an_enum_type_is_its_names() {
    let field = FieldDef::new("word", <linted::Word as dk_data::FieldType>::TYPE);
    assert_eq!(field.ty, Type::Enum(vec!["One".into()].into()));
    assert!(linted::Documented::SCHEMA.diff(&Schema::new("none")).len() == 2);
}

/// A public struct may have fields of types that are not.
mod hidden {
    use dk_data::{Database, Query, Record, Store, TextEnum, backend::memory::Memory};

    #[derive(Record, Clone, Debug, Default)]
    pub struct Person {
        pub name: String,
        address: Option<Address>,
        pub(crate) kind: Kind,
        past: Vec<Address>,
    }

    #[derive(Record, Clone, Debug, PartialEq)]
    struct Address {
        city: String,
    }

    #[derive(TextEnum, Clone, Debug, Default, PartialEq)]
    pub(crate) enum Kind {
        #[default]
        Guest,
    }

    #[test]
    fn fields_of_private_types_have_handles() {
        let people = Memory::new().store::<Person>().expect("memory opens");
        let address = Some(Address { city: "Oslo".to_owned() });
        people.create(Person { name: "Ann".to_owned(), address, ..Person::default() }).expect("it is new");
        let query = Query::new()
            .filter(Person::ADDRESS.at(Address::CITY).eq("Oslo"))
            .filter(Person::KIND.eq(Kind::Guest))
            .filter(Person::PAST.is_empty());
        assert_eq!(people.count(query).expect("memory counts"), 1);
    }
}

#[test]
fn what_is_public_of_a_record_with_private_parts_is_asked_from_outside() {
    let query = hidden::Person::query().filter(hidden::Person::NAME.eq("Ann") & hidden::Person::KIND.not_null());
    let people = Database::store::<hidden::Person>(&Memory::new()).expect("memory opens");
    assert_eq!(people.count(query).expect("memory counts"), 0);
}
