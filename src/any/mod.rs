//! [`AnyDatabase`]: the backend chosen at run time, by a URL. A closed enum, written by one macro that names each backend
//! once; inside a store everything stays generic.

#[macro_use]
mod forward;

use crate::{
    backend::memory::Memory,
    capability::{Caps, Engine, Provides},
    error::{Error, Result},
    id::Id,
    query::{
        Plan, Predicate, Runnable, Select, Whole,
        aggregate::{Aggregate, GroupKeys},
    },
    record::{Changes, Document, RecordCodec, Schema, Stored},
    store::{
        Aggregating, Database, Driver, Highlight, Hit, Limits, Searching, Split, Transactional,
        write::{Atomicity, Outcome, Write},
    },
};

/// Names each backend once: its variant, its database, the schemes of its URLs, what it provides of what not all do, and
/// how it is opened from what stands behind the scheme. What a backend lacks leaves an empty pair of brackets.
macro_rules! backends {
    ($(
        $(#[doc = $doc:expr])+
        $name:ident($database:ty), built $when:tt, schemes [$($scheme:literal),+],
        provides [$($transactions:ident)?] $split:tt $aggregates:tt $search:tt,
        open $open:expr;
    )+) => {
        /// A database whose backend was chosen at run time.
        ///
        /// | URL | backend |
        /// |---|---|
        /// | `memory:` | [`Memory`], empty and its own |
        /// | `postgres://user:password@host/database` | PostgreSQL, with the feature `postgres` |
        /// | `file:data`, `file:data/people.csv?id=email` | `Files`: a folder, or one file; feature `file` |
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
        pub enum AnyDatabase { $($(#[doc = $doc])+ #[cfg $when] $name($database)),+ }

        /// A transaction of an [`AnyDatabase`].
        #[non_exhaustive]
        pub enum AnyTransaction<'t> {
            $($(
                #[doc = concat!("In [`AnyDatabase::", stringify!($name), "`].")]
                #[cfg $when]
                $name(transaction!($transactions 't $database)),
            )?)+
        }

        any_store! {
            /// A store of an [`AnyDatabase`].
            AnyStore [], AnyRows;
            $(
                $(#[doc = $doc])+
                $name(<$database as Database>::Store<R>), $when, $split, $aggregates, $search;
            )+
        }

        any_store! {
            /// A store of an [`AnyTransaction`].
            AnyTransactionStore ['t], AnyTransactionRows;
            $($(
                #[doc = concat!("In [`AnyDatabase::", stringify!($name), "`].")]
                $name(transaction_store!($transactions 't $database)), $when, $split, $aggregates, $search;
            )?)+
        }

        /// Each scheme, and whether its backend is built in.
        const SCHEMES: &[(&str, bool)] = &[$($(($scheme, cfg! $when)),+),+];

        impl AnyDatabase {
            /// Opens the database that a URL names. No secret of the URL enters an error.
            ///
            /// # Errors
            /// `Configuration` for an unknown scheme, with the nearest known one; what the backend reports.
            pub fn open_url(url: &str) -> Result<AnyDatabase> {
                let (scheme, rest) = url.split_once(':').ok_or_else(|| unknown_scheme(url))?;
                match scheme {
                    $(#[cfg $when] $($scheme)|+ => {
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
                match self { $(#[cfg $when] AnyDatabase::$name(db) => {
                    crate::store::check_held::<<$database as Database>::Engine>(&shape)?;
                    db.open(name, shape).map(AnyStore::$name)
                })+ }
            }
            fn documents(&self, name: &str, schema: Schema) -> Result<AnyStore<Document>> {
                match self { $(#[cfg $when] AnyDatabase::$name(db) => db.documents(name, schema).map(AnyStore::$name)),+ }
            }
        }

        /// A backend without transactions answers with `Unsupported`, before `work` is run.
        impl Transactional for AnyDatabase {
            type Transaction<'t> = AnyTransaction<'t>;
            fn transaction<T, E: From<Error>>(
                &self,
                work: impl FnOnce(&AnyTransaction<'_>) -> Result<T, E>,
            ) -> Result<T, E> {
                match self { $(
                    #[allow(unused_variables, reason = "a backend that cannot is not asked")]
                    #[cfg $when] AnyDatabase::$name(db) => provided!(
                        [$($transactions)?],
                        db.transaction(|transaction| work(&AnyTransaction::$name(transaction))),
                        Err(Error::unsupported(concat!(stringify!($name), " has no transactions")).into())
                    )
                ),+ }
            }
        }

        impl<'t> Database for AnyTransaction<'t> {
            type Engine = AnyDatabase;
            type Store<R: RecordCodec> = AnyTransactionStore<'t, R>;
            fn open<R: RecordCodec>(&self, name: &str, shape: R::Shape) -> Result<AnyTransactionStore<'t, R>> {
                match self { $($(#[cfg $when] AnyTransaction::$name(transaction) => {
                    crate::store::check_held::<<transaction!($transactions 't $database) as Database>::Engine>(&shape)?;
                    transaction.open(name, shape).map(AnyTransactionStore::$name)
                })?)+ }
            }
            fn documents(&self, name: &str, schema: Schema) -> Result<AnyTransactionStore<'t, Document>> {
                match self { $($(#[cfg $when] AnyTransaction::$name(transaction) => {
                    let inside: &transaction!($transactions 't $database) = transaction;
                    inside.documents(name, schema).map(AnyTransactionStore::$name)
                })?)+ }
            }
        }
    };
}

/// The transaction of a database that provides them: lent by the call that began it.
macro_rules! transaction {
    (transactions $life:lifetime $database:ty) => { &$life <$database as Transactional>::Transaction<$life> };
}

/// A store in the transaction of a database that provides them.
macro_rules! transaction_store {
    (transactions $life:lifetime $database:ty) => {
        <<$database as Transactional>::Transaction<$life> as Database>::Store<R>
    };
}

backends! {
    /// Records in this process.
    Memory(Memory), built (all()), schemes ["memory"],
    provides [transactions] [split] [aggregates] [],
    open |rest| match rest {
        "" => Ok(Memory::new()),
        _ => Err(Error::configuration("`memory:` takes nothing behind the colon")),
    };
    /// Tables of a PostgreSQL database.
    Postgres(crate::backend::postgres::Postgres), built (feature = "postgres"), schemes ["postgres", "postgresql"],
    provides [transactions] [split] [aggregates] [search],
    open |rest| crate::backend::postgres::Postgres::open_rest(rest);

    /// Records in the user's own files.
    Files(crate::backend::file::Files), built (feature = "file"), schemes ["file"],
    provides [transactions] [split] [aggregates] [],
    open crate::backend::file::Files::open_url;
}

impl Engine for AnyDatabase {
    const NAME: &'static str = "any";
    /// Everything compiles; the chosen backend is asked when a query is run.
    const PROVIDES: Caps = Caps::ALL;
}
impl<C> Provides<C> for AnyDatabase {}

#[cold]
fn unknown_scheme(scheme: &str) -> Error {
    // What stands before the first colon is shown only where it can hold no secret.
    let shown: String = scheme.chars().take_while(char::is_ascii_alphanumeric).take(20).collect();
    if SCHEMES.contains(&(&*shown, false)) {
        return Error::configuration(format!("the backend of `{shown}:` is not built in: turn its cargo feature on"));
    }
    let known = || SCHEMES.iter().filter(|(_, built)| *built).map(|(name, _)| *name);
    let nearest = crate::record::target::nearest(&shown, known());
    let hint = nearest.map_or(String::new(), |name| format!("; did you mean `{name}:`?"));
    let known = known().collect::<Vec<_>>().join(", ");
    Error::configuration(format!("no backend is called `{shown}`{hint}; known: {known}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semantics_7_6_a_url_is_refused_with_what_is_known_and_without_its_secrets() {
        let refused = |url: &str| AnyDatabase::open_url(url).map(|_| String::new()).unwrap_or_else(|e| e.to_string());
        assert!(refused("memry:").contains("did you mean `memory:`?"));
        assert!(refused("memory").contains("memory"));
        assert!(refused("memory:x").contains("nothing behind the colon"));
        assert!(!refused("user:secret@host").contains("secret"));
        for (scheme, _) in SCHEMES.iter().filter(|(_, built)| !built) {
            assert!(refused(&format!("{scheme}:x")).contains("cargo feature"), "{scheme}");
        }
    }
}
