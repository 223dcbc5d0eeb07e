//! [`AnyDatabase`]: the backend chosen at run time, by a URL. A closed enum, written by one macro that names each backend
//! once; inside a store everything stays generic.

use crate::{
    backend::memory::Memory,
    capability::{Caps, Engine, Provides},
    error::{Error, Result},
    id::Id,
    query::{
        Plan, Predicate, Runnable, Select, Whole,
        aggregate::{Aggregate, GroupKeys},
    },
    record::{RecordCodec, Stored},
    store::{
        Aggregating, Database, Driver, Limits,
        write::{Atomicity, Outcome, Write},
    },
};

/// Names each backend once: its variant, its database, the schemes of its URLs, and how it is opened from what stands
/// behind the scheme.
macro_rules! backends {
    ($($(#[$doc:meta])* $name:ident($database:ty), [$($scheme:literal),+], $open:expr;)+) => {
        /// A database whose backend was chosen at run time.
        ///
        /// | URL | backend |
        /// |---|---|
        /// | `memory:` | [`Memory`], empty and its own |
        ///
        /// What the chosen backend cannot do is answered with `Unsupported`, before anything is sent.
        ///
        /// ```
        /// use dk_data::{AnyDatabase, Database, Document, Query, Schema, Store, document};
        /// let db = AnyDatabase::open_url("memory:")?;
        /// let people = db.documents("people", Schema::open("people"))?;
        /// people.create(document! { "name" => "Ann" })?;
        /// assert_eq!(people.count(Query::new())?, 1);
        /// # Ok::<(), dk_data::Error>(())
        /// ```
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub enum AnyDatabase { $($(#[$doc])* $name($database)),+ }

        /// A store of an [`AnyDatabase`].
        #[derive(Clone)]
        #[non_exhaustive]
        pub enum AnyStore<R: RecordCodec> { $($(#[$doc])* $name(<$database as Database>::Store<R>)),+ }

        /// The records of a query on an [`AnyStore`].
        #[non_exhaustive]
        pub enum AnyRows<R: RecordCodec, P: Predicate<R>, S: Select<R>> {
            $($(#[$doc])* $name(<<$database as Database>::Store<R> as Driver<R>>::Rows<P, S>)),+
        }

        const SCHEMES: &[&str] = &[$($($scheme),+),+];

        impl AnyDatabase {
            /// Opens the database that a URL names. No secret of the URL enters an error.
            ///
            /// # Errors
            /// `Configuration` for an unknown scheme, with the nearest known one; what the backend reports.
            pub fn open_url(url: &str) -> Result<AnyDatabase> {
                let (scheme, rest) = url.split_once(':').ok_or_else(|| unknown_scheme(url))?;
                match scheme {
                    $($($scheme)|+ => {
                        let open: fn(&str) -> Result<$database> = $open;
                        open(rest).map(AnyDatabase::$name)
                    })+
                    _ => Err(unknown_scheme(scheme)),
                }
            }
        }

        impl Database for AnyDatabase {
            type Engine = AnyDatabase;
            type Store<R: RecordCodec> = AnyStore<R>;
            fn open<R: RecordCodec>(&self, name: &str, shape: R::Shape) -> Result<AnyStore<R>> {
                match self { $(AnyDatabase::$name(db) => {
                    check_types::<R, $database>(&shape)?;
                    db.open(name, shape).map(AnyStore::$name)
                })+ }
            }
        }

        impl<R: RecordCodec, P: Predicate<R>, S: Select<R>> Iterator for AnyRows<R, P, S> {
            type Item = Result<Stored<S::Out>>;
            fn next(&mut self) -> Option<Self::Item> {
                match self { $(AnyRows::$name(rows) => rows.next()),+ }
            }
        }

        impl<R: RecordCodec> Driver<R> for AnyStore<R> {
            type Engine = AnyDatabase;
            type Rows<P: Predicate<R>, S: Select<R>> = AnyRows<R, P, S>;

            fn shape(&self) -> &R::Shape {
                match self { $(AnyStore::$name(store) => store.shape()),+ }
            }
            fn name(&self) -> &str {
                match self { $(AnyStore::$name(store) => store.name()),+ }
            }
            fn write<'a>(
                &self,
                writes: impl IntoIterator<Item = Write<'a, R>>,
                atomicity: Atomicity,
                limits: &Limits,
            ) -> Result<Vec<Outcome>>
            where
                R: 'a,
            {
                match self { $(AnyStore::$name(store) => store.write(writes, atomicity, limits)),+ }
            }
            fn fetch(&self, ids: &[Id], limits: &Limits) -> Result<Vec<Option<Stored<R>>>> {
                match self { $(AnyStore::$name(store) => store.fetch(ids, limits)),+ }
            }
            fn scan<P: Predicate<R>, S: Select<R>>(
                &self,
                query: Runnable<AnyDatabase, R, P, S>,
                limits: &Limits,
            ) -> Result<AnyRows<R, P, S>> {
                match self { $(AnyStore::$name(store) => store.scan(query.retarget()?, limits).map(AnyRows::$name)),+ }
            }
            fn count_matching<P: Predicate<R>, S: Select<R>>(
                &self,
                query: Runnable<AnyDatabase, R, P, S>,
                limits: &Limits,
            ) -> Result<u64> {
                match self { $(AnyStore::$name(store) => store.count_matching(query.retarget()?, limits)),+ }
            }
            fn plan<P: Predicate<R>, S: Select<R>>(&self, query: &Runnable<AnyDatabase, R, P, S>) -> Result<Plan> {
                match self { $(AnyStore::$name(store) => store.plan(&query.clone().retarget()?)),+ }
            }
            fn write_one(&self, write: Write<'_, R>, limits: &Limits) -> Outcome {
                match self { $(AnyStore::$name(store) => store.write_one(write, limits)),+ }
            }
            fn fetch_one(&self, id: &Id, limits: &Limits) -> Result<Option<Stored<R>>> {
                match self { $(AnyStore::$name(store) => store.fetch_one(id, limits)),+ }
            }
            fn show<T>(&self, id: &Id, look: impl FnOnce(&Stored<R>) -> T, limits: &Limits) -> Result<Option<T>> {
                match self { $(AnyStore::$name(store) => store.show(id, look, limits)),+ }
            }
            fn close(self) -> Result<()> {
                match self { $(AnyStore::$name(store) => store.close()),+ }
            }
        }

        impl<R: RecordCodec> Aggregating<R> for AnyStore<R> {
            fn fold<P: Predicate<R>, K: GroupKeys<R>, A: Aggregate<R>>(
                &self,
                query: Runnable<AnyDatabase, R, P, Whole>,
                keys: &K,
                aggregates: &A,
                limits: &Limits,
            ) -> Result<Vec<(K::Row, A::Out)>> {
                match self { $(AnyStore::$name(store) => store.fold(query.retarget()?, keys, aggregates, limits)),+ }
            }
        }
    };
}

backends! {
    /// Records in this process.
    Memory(Memory), ["memory"], |rest| match rest {
        "" => Ok(Memory::new()),
        _ => Err(Error::configuration("`memory:` takes nothing behind the colon")),
    };
}

impl Engine for AnyDatabase {
    const NAME: &'static str = "any";
    /// Everything compiles; the chosen backend is asked when a query is run.
    const PROVIDES: Caps = Caps::ALL;
}
impl<C> Provides<C> for AnyDatabase {}

/// Refuses a type that the chosen backend cannot hold: what a backend named in the code refuses when it compiles.
fn check_types<R: RecordCodec, D: Database>(shape: &R::Shape) -> Result<()> {
    let holds = <D::Engine as Engine>::HOLDS;
    match shape.fields.iter().find(|field| !field.ty.needs().within(holds)) {
        None => Ok(()),
        Some(field) => {
            let why = format!("{} cannot hold a {} exactly", <D::Engine as Engine>::NAME, field.ty);
            Err(Error::unsupported(why).at_field(field.name.clone()))
        }
    }
}

#[cold]
fn unknown_scheme(scheme: &str) -> Error {
    // What stands before the first colon is shown only where it can hold no secret.
    let shown: String = scheme.chars().take_while(char::is_ascii_alphanumeric).take(20).collect();
    let nearest = crate::record::target::nearest(&shown, SCHEMES.iter().copied());
    let hint = nearest.map_or(String::new(), |name| format!("; did you mean `{name}:`?"));
    Error::configuration(format!("no backend is called `{shown}`{hint}; known: {}", SCHEMES.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_refused_with_what_is_known_and_without_its_secrets() {
        let refused = |url| AnyDatabase::open_url(url).map(|_| String::new()).unwrap_or_else(|e| e.to_string());
        assert!(refused("memry:").contains("did you mean `memory:`?"));
        assert!(refused("memory").contains("memory"));
        assert!(refused("memory:x").contains("nothing behind the colon"));
        assert!(!refused("user:secret@host").contains("secret"));
    }
}
