//! What engines can do beyond the core: one fact with a compile-time face ([`Provides`]) and a run-time face ([`Caps`]).

use crate::{error::Error, record::TypeSet};

/// An engine: what runs the queries of a store. A marker without values in most cases.
pub trait Engine: 'static {
    /// Its name in plans and errors.
    const NAME: &'static str;
    /// What it provides beyond the core; must agree with its [`Provides`] impls, and the suite checks that it does.
    const PROVIDES: Caps;
    /// The field types that it holds exactly (semantics 2.3).
    const HOLDS: TypeSet = TypeSet::ALL;
}

/// The proof that an engine provides a capability.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no native `{C}`",
    label = "this query needs `{C}`",
    note = "let the client do it with `store.emulated(budget)` (all but `FullText`), or take an engine that provides it"
)]
pub trait Provides<C> {}

macro_rules! capabilities {
    ($($(#[$doc:meta])* $name:ident, $constant:ident, $bit:literal, $words:literal;)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;
        )*
        impl Caps {
            $( $(#[$doc])* pub const $constant: Caps = Caps(1 << $bit); )*
            const TABLE: &'static [(Caps, &'static str)] = &[$((Caps::$constant, $words)),*];
        }
    };
}

/// A set of capabilities, as data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps(u32);

capabilities! {
    /// Predicates that are a user's own code, run where records are at hand.
    OwnCode, OWN_CODE, 0, "own code";
    /// Regular expressions, in the syntax of the `regex` crate.
    Regex, REGEX, 1, "regular expressions";
    /// Aggregates and groups (semantics 4.8).
    Aggregates, AGGREGATES, 2, "aggregates";
    /// Words of texts, found as a search engine finds them, with rank and highlights.
    FullText, FULL_TEXT, 3, "full text";
}

impl Caps {
    /// Nothing beyond the core.
    pub const NONE: Caps = Caps(0);
    /// Everything: for stores chosen at run time, which ask again.
    pub const ALL: Caps = Caps(!0);

    /// Both.
    #[must_use]
    pub const fn or(self, other: Caps) -> Caps {
        Caps(self.0 | other.0)
    }
    /// Whether all of this is in `other`.
    pub const fn within(self, other: Caps) -> bool {
        self.0 & !other.0 == 0
    }
    /// The names of what is in the set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Caps::TABLE.iter().filter(move |(cap, _)| cap.within(self)).map(|(_, name)| *name)
    }
    /// The error of an engine that lacks some of it.
    pub(crate) fn missing_in(self, provided: Caps, engine: &str) -> Error {
        let missing = Caps(self.0 & !provided.0);
        let names = missing.names().collect::<Vec<_>>().join(", ");
        // What words a text has, no client computes.
        let hint = if Caps::FULL_TEXT.within(missing) { "" } else { "; try `store.emulated(budget)`" };
        Error::unsupported(format!("{engine} has no native {names}{hint}"))
    }
}
