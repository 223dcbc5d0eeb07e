//! Predicates as types: each inlines to the loop that one would write by hand, and lowers to a [`Filter`].
//!
//! Two-valued throughout (semantics 3.1): a comparison with null is false, and every negative operator is [`Not`] of the
//! positive one. This module evaluates decoded records only; everything else goes through [`Bound`](crate::query::Bound).

use std::{cmp::Ordering, marker::PhantomData, ops, sync::Arc};

use memchr::memmem;

use crate::{
    capability::{Caps, FullText, OwnCode, Provides, Regex},
    error::{Error, Result},
    like::{CaseFold, Pattern},
    query::{
        filter::{Filter, Op, Operand},
        handle::{Field, ListField, Reach},
        literal::Literal,
        widen::{Side, complement, conjunction, disjunction},
    },
    record::{Envelope, Stored, field_type::Scalar},
    value::Value,
};

/// What a predicate looks at. A record that is in no store is seen with an empty envelope.
pub struct Seen<'a, R> {
    /// The record.
    pub record: &'a R,
    /// What the store keeps beside it.
    pub envelope: &'a Envelope,
}

impl<'a, R> Seen<'a, R> {
    /// A stored record.
    pub fn of(stored: &'a Stored<R>) -> Self {
        Seen { record: &stored.record, envelope: &stored.envelope }
    }
}

impl<R> Clone for Seen<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<R> Copy for Seen<'_, R> {}

/// True or false of every record of type `R`.
///
/// The law: [`matches`](Predicate::matches) and the filter of [`lower`](Predicate::lower), where there is one, mean the
/// same. A type of the user's own returns `None` there and implements [`RunsOn`] for engines that have records at hand:
/// `impl<E: Provides<OwnCode>> RunsOn<E> for MyPredicate {}`. It must not panic, and may use any store.
///
/// A verb of a store takes it as `store.count(Where(mine))`, a query as `Query::new().filter(mine)`. Bare it is no query: an impl of
/// [`AsQuery`](crate::query::AsQuery) for all predicates would meet that of [`Query`](crate::Query), which another crate may make a
/// predicate over records of its own.
///
/// ```
/// use dk_data::{Database, Document, Filter, Predicate, Query, RunsOn, Schema, Seen, Store, backend::memory::Memory, document};
/// use dk_data::{capability::{OwnCode, Provides}, query::Where};
///
/// #[derive(Clone)]
/// struct Palindrome;
/// impl Predicate<Document> for Palindrome {
///     fn matches(&self, row: Seen<'_, Document>) -> bool {
///         row.record["word"].as_text().is_some_and(|word| word.chars().eq(word.chars().rev()))
///     }
///     fn lower(&self) -> Option<Filter> {
///         None
///     }
/// }
/// impl<E: Provides<OwnCode>> RunsOn<E> for Palindrome {}
///
/// let words = Memory::new().documents("words", Schema::open("words"))?;
/// words.create_batch([document! { "word" => "level" }, document! { "word" => "lever" }])?;
/// assert_eq!((words.count(Where(Palindrome))?, words.count(Query::new().filter(Palindrome))?), (1, 1));
/// # Ok::<(), dk_data::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "this is not a predicate over `{R}`",
    label = "expected a predicate over `{R}`",
    note = "a query grows by one type for every filter; after about 120 the compiler's recursion limit is reached: call `.dynamic()?` on the query and `narrow` it in the loop, or use `all_of`/`any_of` with a list"
)]
pub trait Predicate<R>: Clone + Send + Sync + 'static {
    /// Whether it is true of this record.
    fn matches(&self, row: Seen<'_, R>) -> bool;
    /// The same as data; `None` where no data form exists (a user's own code).
    fn lower(&self) -> Option<Filter>;
    /// A filter that is true at least ([`Side::Above`]) or at most ([`Side::Below`]) where the predicate is: the same as
    /// [`lower`](Predicate::lower) where there is one, else as much of it as has a data form (semantics 3.11).
    fn bound(&self, side: Side) -> Filter {
        self.lower().unwrap_or_else(|| side.coarsest())
    }
    /// Whether it is known to be true of every record without looking at any: a filter that leaves nothing out.
    fn is_all(&self) -> bool {
        false
    }
    /// What an engine must provide to run it: unless said otherwise, what its data form needs, and where there is none, that it
    /// runs code of the user's.
    fn needs(&self) -> Caps {
        self.lower().map_or(Caps::OWN_CODE, |filter| filter.needs())
    }
    /// Refuses a predicate that was built wrong: a pattern that does not parse. Called before anything runs.
    ///
    /// # Errors
    /// `Query`, with the field.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// The compile-time proof that an engine can run a predicate (see [`capability`](crate::capability)).
#[diagnostic::on_unimplemented(
    message = "`{E}` cannot run this predicate",
    label = "needs an engine that can",
    note = "the engine lacks a capability that the predicate needs; let the client do it with `store.emulated(budget)`"
)]
pub trait RunsOn<E> {}

/// One wrapper around every predicate: `and`, `or`, `not`, `&`, `|`, `!` exist once and need no import.
#[derive(Clone, Debug)]
pub struct Where<P>(pub P);

impl<P> Where<P> {
    /// Both.
    pub fn and<Q>(self, other: Where<Q>) -> Where<And<P, Q>> {
        Where(And(self.0, other.0))
    }
    /// At least one.
    pub fn or<Q>(self, other: Where<Q>) -> Where<Or<P, Q>> {
        Where(Or(self.0, other.0))
    }
    /// The exact complement (semantics 3.1).
    #[allow(clippy::should_implement_trait, reason = "`!` is there too; the method reads better at the end of a chain")]
    pub fn not(self) -> Where<Not<P>> {
        Where(Not(self.0))
    }
}

impl<P, Q> ops::BitAnd<Where<Q>> for Where<P> {
    type Output = Where<And<P, Q>>;
    fn bitand(self, other: Where<Q>) -> Self::Output {
        Where(And(self.0, other.0))
    }
}
impl<P, Q> ops::BitOr<Where<Q>> for Where<P> {
    type Output = Where<Or<P, Q>>;
    fn bitor(self, other: Where<Q>) -> Self::Output {
        Where(Or(self.0, other.0))
    }
}
impl<P> ops::Not for Where<P> {
    type Output = Where<Not<P>>;
    fn not(self) -> Self::Output {
        Where(Not(self.0))
    }
}

impl<R, P: Predicate<R>> Predicate<R> for Where<P> {
    #[inline]
    fn matches(&self, row: Seen<'_, R>) -> bool {
        self.0.matches(row)
    }
    fn lower(&self) -> Option<Filter> {
        self.0.lower()
    }
    fn bound(&self, side: Side) -> Filter {
        self.0.bound(side)
    }
    fn is_all(&self) -> bool {
        self.0.is_all()
    }
    fn needs(&self) -> Caps {
        self.0.needs()
    }
    fn check(&self) -> Result<()> {
        self.0.check()
    }
}
impl<E, P: RunsOn<E>> RunsOn<E> for Where<P> {}

// ---- logic

/// True of every record.
#[derive(Clone, Copy, Debug)]
pub struct All;
/// Both.
#[derive(Clone, Debug)]
pub struct And<A, B>(pub A, pub B);
/// At least one.
#[derive(Clone, Debug)]
pub struct Or<A, B>(pub A, pub B);
/// The complement.
#[derive(Clone, Debug)]
pub struct Not<A>(pub A);
/// The predicate where there is one, else true of every record: what `filter_opt` makes.
#[derive(Clone, Debug)]
pub struct Maybe<A>(pub Option<A>);
/// At least one of a list of predicates of one type; true of nothing where the list is empty (semantics 3.4).
#[derive(Clone, Debug)]
pub struct AnyOf<A>(pub Vec<A>);
/// All of a list of predicates of one type; true of everything where the list is empty (semantics 3.4).
#[derive(Clone, Debug)]
pub struct AllOf<A>(pub Vec<A>);

/// At least one of these; of none, nothing matches (semantics 3.4).
pub fn any_of<P>(list: impl IntoIterator<Item = Where<P>>) -> Where<AnyOf<P>> {
    Where(AnyOf(list.into_iter().map(|p| p.0).collect()))
}
/// All of these; of none, everything matches (semantics 3.4).
pub fn all_of<P>(list: impl IntoIterator<Item = Where<P>>) -> Where<AllOf<P>> {
    Where(AllOf(list.into_iter().map(|p| p.0).collect()))
}

impl<R> Predicate<R> for All {
    #[inline]
    fn matches(&self, _: Seen<'_, R>) -> bool {
        true
    }
    fn lower(&self) -> Option<Filter> {
        Some(Filter::all())
    }
    fn is_all(&self) -> bool {
        true
    }
    fn needs(&self) -> Caps {
        Caps::NONE
    }
}
impl<E> RunsOn<E> for All {}

macro_rules! pair {
    ($name:ident, $op:tt, $lower:path, $bound:path) => {
        impl<R, A: Predicate<R>, B: Predicate<R>> Predicate<R> for $name<A, B> {
            #[inline]
            fn matches(&self, row: Seen<'_, R>) -> bool {
                self.0.matches(row) $op self.1.matches(row)
            }
            fn lower(&self) -> Option<Filter> {
                Some($lower(vec![self.0.lower()?, self.1.lower()?]))
            }
            fn bound(&self, side: Side) -> Filter {
                $bound([self.0.bound(side), self.1.bound(side)].into_iter())
            }
            fn is_all(&self) -> bool {
                self.0.is_all() $op self.1.is_all()
            }
            fn needs(&self) -> Caps {
                self.0.needs().or(self.1.needs())
            }
            fn check(&self) -> Result<()> {
                self.0.check().and(self.1.check())
            }
        }
        impl<E, A: RunsOn<E>, B: RunsOn<E>> RunsOn<E> for $name<A, B> {}
    };
}
pair!(And, &&, Filter::and, conjunction);
pair!(Or, ||, Filter::or, disjunction);

macro_rules! list {
    ($name:ident, $method:ident, $lower:path, $bound:path) => {
        impl<R, A: Predicate<R>> Predicate<R> for $name<A> {
            #[inline]
            fn matches(&self, row: Seen<'_, R>) -> bool {
                self.0.iter().$method(|p| p.matches(row))
            }
            fn lower(&self) -> Option<Filter> {
                self.0.iter().map(Predicate::lower).collect::<Option<Vec<_>>>().map($lower)
            }
            fn bound(&self, side: Side) -> Filter {
                $bound(self.0.iter().map(|p| p.bound(side)))
            }
            fn is_all(&self) -> bool {
                self.0.iter().$method(Predicate::is_all)
            }
            fn needs(&self) -> Caps {
                self.0.iter().fold(Caps::NONE, |caps, p| caps.or(p.needs()))
            }
            fn check(&self) -> Result<()> {
                self.0.iter().try_for_each(Predicate::check)
            }
        }
        impl<E, A: RunsOn<E>> RunsOn<E> for $name<A> {}
    };
}
list!(AnyOf, any, Filter::or, disjunction);
list!(AllOf, all, Filter::and, conjunction);

impl<R, A: Predicate<R>> Predicate<R> for Not<A> {
    #[inline]
    fn matches(&self, row: Seen<'_, R>) -> bool {
        !self.0.matches(row)
    }
    fn lower(&self) -> Option<Filter> {
        self.0.lower().map(Filter::not)
    }
    fn bound(&self, side: Side) -> Filter {
        complement(self.0.bound(side.other()))
    }
    fn needs(&self) -> Caps {
        self.0.needs()
    }
    fn check(&self) -> Result<()> {
        self.0.check()
    }
}
impl<E, A: RunsOn<E>> RunsOn<E> for Not<A> {}

impl<R, A: Predicate<R>> Predicate<R> for Maybe<A> {
    #[inline]
    fn matches(&self, row: Seen<'_, R>) -> bool {
        self.0.as_ref().is_none_or(|p| p.matches(row))
    }
    fn lower(&self) -> Option<Filter> {
        self.0.as_ref().map_or(Some(Filter::all()), Predicate::lower)
    }
    fn bound(&self, side: Side) -> Filter {
        self.0.as_ref().map_or_else(Filter::all, |p| p.bound(side))
    }
    fn is_all(&self) -> bool {
        self.0.as_ref().is_none_or(Predicate::is_all)
    }
    fn needs(&self) -> Caps {
        self.0.as_ref().map_or(Caps::NONE, Predicate::needs)
    }
    fn check(&self) -> Result<()> {
        self.0.as_ref().map_or(Ok(()), Predicate::check)
    }
}
impl<E, A: RunsOn<E>> RunsOn<E> for Maybe<A> {}

// ---- comparisons

/// A relation between two values of an order.
pub trait Relation: Copy + Send + Sync + 'static {
    /// The same as data.
    const OP: Op;
    /// Whether it holds.
    fn holds<T: PartialOrd>(a: &T, b: &T) -> bool;
}

macro_rules! relations {
    ($($(#[$doc:meta])* $name:ident $op:tt;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;
        impl Relation for $name {
            const OP: Op = Op::$name;
            #[inline]
            fn holds<T: PartialOrd>(a: &T, b: &T) -> bool { a $op b }
        }
    )* };
}
relations! {
    /// Equal.
    Eq ==;
    /// Greater.
    Gt >;
    /// Greater or equal.
    Ge >=;
    /// Less.
    Lt <;
    /// Less or equal.
    Le <=;
}

type LiteralOf<F> = <<F as Field>::Value as Scalar>::Literal;

/// A field compared with a literal.
pub struct Compare<F: Field, O> {
    field: F,
    literal: LiteralOf<F>,
    relation: PhantomData<O>,
}
/// A field between two literals, both ends included.
pub struct Between<F: Field> {
    field: F,
    low: LiteralOf<F>,
    high: LiteralOf<F>,
}
/// A field that is one of a list.
pub struct In<F: Field> {
    field: F,
    /// In order, so that long lists are searched in logarithmic time.
    list: Vec<LiteralOf<F>>,
}

impl<F: Field, O> Compare<F, O> {
    pub(crate) fn new(field: F, literal: impl Literal<F::Value>) -> Self {
        Compare { field, literal: literal.literal(), relation: PhantomData }
    }
}
impl<F: Field> Between<F> {
    pub(crate) fn new(field: F, low: impl Literal<F::Value>, high: impl Literal<F::Value>) -> Self {
        Between { field, low: low.literal(), high: high.literal() }
    }
}
impl<F: Field> In<F> {
    pub(crate) fn new<L: Literal<F::Value>>(field: F, list: impl IntoIterator<Item = L>) -> Self {
        let mut list: Vec<_> = list.into_iter().map(Literal::literal).collect();
        // What does not equal itself (NaN) equals nothing, and would spoil the order.
        list.retain(|l| F::Value::view(l) == F::Value::view(l));
        list.sort_unstable_by(|a, b| order::<F::Value>(F::Value::view(a), F::Value::view(b)));
        In { field, list }
    }
}

/// The order of two values that were stored or equal themselves: total, because no NaN is among them.
#[inline]
pub(crate) fn order<'a, V: Scalar>(a: V::Ref<'a>, b: V::Ref<'a>) -> Ordering {
    a.partial_cmp(&b).unwrap_or(Ordering::Equal)
}

impl<F: Field, O: Relation> Predicate<F::Record> for Compare<F, O> {
    #[inline]
    fn matches(&self, row: Seen<'_, F::Record>) -> bool {
        // No closures here: each would be one more function for every field and operator.
        let Some(v) = self.field.get(row.record) else { return false };
        O::holds(&v, &F::Value::view(&self.literal))
    }
    fn lower(&self) -> Option<Filter> {
        Some(Filter::compare(self.field.operand(), O::OP, F::Value::value(&self.literal)))
    }
    fn needs(&self) -> Caps {
        Caps::NONE
    }
}
impl<F: Field> Predicate<F::Record> for Between<F> {
    #[inline]
    fn matches(&self, row: Seen<'_, F::Record>) -> bool {
        let Some(v) = self.field.get(row.record) else { return false };
        v >= F::Value::view(&self.low) && v <= F::Value::view(&self.high)
    }
    fn lower(&self) -> Option<Filter> {
        Some(Filter::between(self.field.operand(), F::Value::value(&self.low), F::Value::value(&self.high)))
    }
    fn needs(&self) -> Caps {
        Caps::NONE
    }
}
impl<F: Field> Predicate<F::Record> for In<F> {
    #[inline]
    fn matches(&self, row: Seen<'_, F::Record>) -> bool {
        let Some(v) = self.field.get(row.record) else { return false };
        match self.list.len() {
            0..=8 => self.list.iter().any(|l| F::Value::view(l) == v),
            // A stored value has a place in the order; what a caller asks of a record in no store may have none (NaN).
            _ => {
                v.partial_cmp(&v).is_some()
                    && self.list.binary_search_by(|l| order::<F::Value>(F::Value::view(l), v)).is_ok()
            }
        }
    }
    fn lower(&self) -> Option<Filter> {
        Some(Filter::is_in(self.field.operand(), self.list.iter().map(F::Value::value).collect::<Vec<_>>()))
    }
    fn needs(&self) -> Caps {
        Caps::NONE
    }
}

// ---- text

/// A text that is like a pattern.
pub struct Resembles<F> {
    field: F,
    source: String,
    fold: bool,
    pattern: Option<Pattern>,
}
/// A text that begins with another.
pub struct Prefix<F> {
    field: F,
    text: String,
}
/// A text that ends with another.
pub struct Suffix<F> {
    field: F,
    text: String,
}
/// A text that holds another.
pub struct Substring<F> {
    field: F,
    part: Arc<Part>,
}
/// A text to be found in others: shared, because it is large, and compiled once for all fields.
struct Part {
    text: String,
    finder: memmem::Finder<'static>,
}
/// A text in which a regular expression matches.
pub struct Matches<F> {
    field: F,
    source: String,
    regex: Option<regex::Regex>,
}

impl<F> Resembles<F> {
    pub(crate) fn new(field: F, source: &str, fold: bool) -> Self {
        let pattern = Pattern::new(source, if fold { CaseFold::Ascii } else { CaseFold::No }).ok();
        Resembles { field, source: source.to_owned(), fold, pattern }
    }
}
impl<F> Prefix<F> {
    pub(crate) fn new(field: F, text: &str) -> Self {
        Prefix { field, text: text.to_owned() }
    }
}
impl<F> Suffix<F> {
    pub(crate) fn new(field: F, text: &str) -> Self {
        Suffix { field, text: text.to_owned() }
    }
}
impl<F> Substring<F> {
    pub(crate) fn new(field: F, text: &str) -> Self {
        Substring { field, part: Part::new(text) }
    }
}
impl Part {
    #[inline(never)]
    fn new(text: &str) -> Arc<Part> {
        Arc::new(Part { text: text.to_owned(), finder: memmem::Finder::new(text).into_owned() })
    }
    #[inline(never)]
    fn is_in(&self, text: &str) -> bool {
        self.finder.find(text.as_bytes()).is_some()
    }
}
impl<F> Matches<F> {
    pub(crate) fn new(field: F, source: &str) -> Self {
        Matches { field, source: source.to_owned(), regex: regex::Regex::new(source).ok() }
    }
}

impl<F: Field> Predicate<F::Record> for Resembles<F> {
    #[inline]
    fn matches(&self, row: Seen<'_, F::Record>) -> bool {
        let Some(pattern) = &self.pattern else { return false };
        self.field.get(row.record).is_some_and(|seen| F::Value::is_text_that(seen, |text| pattern.matches(text)))
    }
    fn lower(&self) -> Option<Filter> {
        Some(Filter::like(self.field.operand(), &self.source, self.fold))
    }
    fn check(&self) -> Result<()> {
        let fold = if self.fold { CaseFold::Ascii } else { CaseFold::No };
        Pattern::new(&self.source, fold).map(drop).map_err(|e| Error::from(e).at_field(self.field.path().to_string()))
    }
    fn needs(&self) -> Caps {
        Caps::NONE
    }
}
impl<F: Field> Predicate<F::Record> for Prefix<F> {
    #[inline]
    fn matches(&self, row: Seen<'_, F::Record>) -> bool {
        self.field
            .get(row.record)
            .is_some_and(|seen| F::Value::is_text_that(seen, |text| text.starts_with(self.text.as_str())))
    }
    fn lower(&self) -> Option<Filter> {
        Some(Filter::starts_with(self.field.operand(), self.text.as_str()))
    }
    fn needs(&self) -> Caps {
        Caps::NONE
    }
}
impl<F: Field> Predicate<F::Record> for Suffix<F> {
    #[inline]
    fn matches(&self, row: Seen<'_, F::Record>) -> bool {
        self.field
            .get(row.record)
            .is_some_and(|seen| F::Value::is_text_that(seen, |text| text.ends_with(self.text.as_str())))
    }
    fn lower(&self) -> Option<Filter> {
        Some(Filter::ends_with(self.field.operand(), self.text.as_str()))
    }
    fn needs(&self) -> Caps {
        Caps::NONE
    }
}
impl<F: Field> Predicate<F::Record> for Substring<F> {
    #[inline]
    fn matches(&self, row: Seen<'_, F::Record>) -> bool {
        self.field.get(row.record).is_some_and(|seen| F::Value::is_text_that(seen, |text| self.part.is_in(text)))
    }
    fn lower(&self) -> Option<Filter> {
        Some(Filter::contains(self.field.operand(), Value::from(self.part.text.as_str())))
    }
    fn needs(&self) -> Caps {
        Caps::NONE
    }
}
impl<F: Field> Predicate<F::Record> for Matches<F> {
    #[inline]
    fn matches(&self, row: Seen<'_, F::Record>) -> bool {
        let Some(regex) = &self.regex else { return false };
        self.field.get(row.record).is_some_and(|seen| F::Value::is_text_that(seen, |text| regex.is_match(text)))
    }
    fn lower(&self) -> Option<Filter> {
        Some(Filter::matches(self.field.operand(), self.source.as_str()))
    }
    fn needs(&self) -> Caps {
        Caps::REGEX
    }
    fn check(&self) -> Result<()> {
        check_regex(&self.source).map(drop).map_err(|e| e.at_field(self.field.path().to_string()))
    }
}

/// Compiles a regular expression, or says what is wrong with it.
pub(crate) fn check_regex(source: &str) -> Result<regex::Regex> {
    regex::Regex::new(source).map_err(|cause| no_regex(source, &cause.to_string()))
}

/// The longest expression that an error shows whole, with a mark where it is wrong; of a longer one it shows the beginning.
const MAX_SHOWN: usize = 200;

/// The error of what is no regular expression, from the compiler's own words, which repeat the expression before they say why.
pub(crate) fn no_regex(source: &str, words: &str) -> Error {
    if source.len() <= MAX_SHOWN {
        return Error::query(format!("not a regular expression: {words}"));
    }
    let why = words.rsplit_once("error: ").map_or(words, |(_, why)| why);
    Error::query(format!("not a regular expression: {why}")).with_value(source)
}

/// A text that has words; see [`Column::search`](crate::query::handle::Column::search).
pub struct Search<F> {
    field: F,
    words: String,
}

impl<F> Search<F> {
    pub(crate) fn new(field: F, words: &str) -> Self {
        Search { field, words: words.to_owned() }
    }
}

impl<F: Reach> Predicate<F::Record> for Search<F> {
    /// Only an engine knows; one that has no full text refuses the query before it comes here.
    fn matches(&self, _: Seen<'_, F::Record>) -> bool {
        false
    }
    fn lower(&self) -> Option<Filter> {
        Some(Filter::search(self.field.path(), self.words.as_str()))
    }
    fn needs(&self) -> Caps {
        Caps::FULL_TEXT
    }
    fn check(&self) -> Result<()> {
        check_search(&self.words).map_err(|e| e.at_field(self.field.path().to_string()))
    }
}

/// The longest text of words to search for, in bytes.
const MAX_SEARCH: usize = 16_384;

/// Refuses what nobody writes into a search box; there is no other way to write it wrong.
pub(crate) fn check_search(words: &str) -> Result<()> {
    match words.len() {
        0..=MAX_SEARCH => Ok(()),
        bytes => Err(Error::query(format!("{bytes} bytes of words to search for; {MAX_SEARCH} are the most"))),
    }
}

// ---- null, lists

/// A field that is null.
pub struct IsNull<F>(pub(crate) F);

impl<F: Reach> Predicate<F::Record> for IsNull<F> {
    #[inline]
    fn matches(&self, row: Seen<'_, F::Record>) -> bool {
        self.0.is_null(row.record)
    }
    fn lower(&self) -> Option<Filter> {
        Some(Filter::is_null(Operand::Field(self.0.path())))
    }
    fn needs(&self) -> Caps {
        Caps::NONE
    }
}

/// A list that holds an item.
pub struct Has<F: ListField<Item: Scalar>> {
    field: F,
    item: <F::Item as Scalar>::Literal,
}

impl<F: ListField<Item: Scalar>> Has<F> {
    pub(crate) fn new(field: F, item: impl Literal<F::Item>) -> Self {
        Has { field, item: item.literal() }
    }
}

impl<F: ListField<Item: Scalar>> Predicate<F::Record> for Has<F> {
    #[inline]
    fn matches(&self, row: Seen<'_, F::Record>) -> bool {
        let wanted = <F::Item as Scalar>::view(&self.item);
        self.field.items(row.record).is_some_and(|items| items.iter().any(|item| item.look() == wanted))
    }
    fn lower(&self) -> Option<Filter> {
        Some(Filter::contains(Operand::Field(self.field.path()), <F::Item as Scalar>::value(&self.item)))
    }
    fn needs(&self) -> Caps {
        Caps::NONE
    }
}

// ---- a user's own code

/// A closure as a predicate; see [`own`].
#[derive(Clone)]
pub struct Own<C>(C);

/// A closure as a predicate. It runs where records are at hand: on memory, and anywhere through `emulated`.
///
/// ```
/// use dk_data::{Document, own};
/// let palindrome = own(|doc: &Document| {
///     doc["word"].as_text().is_some_and(|w| w.chars().eq(w.chars().rev()))
/// });
/// ```
pub fn own<R, C: Fn(&R) -> bool + Clone + Send + Sync + 'static>(test: C) -> Where<Own<C>> {
    Where(Own(test))
}

impl<R, C: Fn(&R) -> bool + Clone + Send + Sync + 'static> Predicate<R> for Own<C> {
    #[inline]
    fn matches(&self, row: Seen<'_, R>) -> bool {
        (self.0)(row.record)
    }
    fn lower(&self) -> Option<Filter> {
        None
    }
    fn needs(&self) -> Caps {
        Caps::OWN_CODE
    }
}
impl<E: Provides<OwnCode>, C> RunsOn<E> for Own<C> {}

// ---- what all of them have in common; written by hand because a derive would ask the field for more than it needs

impl<F: Field, O> Clone for Compare<F, O> {
    fn clone(&self) -> Self {
        Compare { field: self.field, literal: self.literal.clone(), relation: PhantomData }
    }
}
impl<F: Field> Clone for Between<F> {
    fn clone(&self) -> Self {
        Between { field: self.field, low: self.low.clone(), high: self.high.clone() }
    }
}
impl<F: Field> Clone for In<F> {
    fn clone(&self) -> Self {
        In { field: self.field, list: self.list.clone() }
    }
}
impl<F: Copy> Clone for Resembles<F> {
    fn clone(&self) -> Self {
        Resembles { field: self.field, source: self.source.clone(), fold: self.fold, pattern: self.pattern.clone() }
    }
}
impl<F: Copy> Clone for Prefix<F> {
    fn clone(&self) -> Self {
        Prefix { field: self.field, text: self.text.clone() }
    }
}
impl<F: Copy> Clone for Suffix<F> {
    fn clone(&self) -> Self {
        Suffix { field: self.field, text: self.text.clone() }
    }
}
impl<F: Copy> Clone for Substring<F> {
    fn clone(&self) -> Self {
        Substring { field: self.field, part: self.part.clone() }
    }
}
impl<F: Copy> Clone for Matches<F> {
    fn clone(&self) -> Self {
        Matches { field: self.field, source: self.source.clone(), regex: self.regex.clone() }
    }
}
impl<F: Copy> Clone for Search<F> {
    fn clone(&self) -> Self {
        Search { field: self.field, words: self.words.clone() }
    }
}
impl<F: Copy> Clone for IsNull<F> {
    fn clone(&self) -> Self {
        IsNull(self.0)
    }
}
impl<F: ListField<Item: Scalar>> Clone for Has<F> {
    fn clone(&self) -> Self {
        Has { field: self.field, item: self.item.clone() }
    }
}

macro_rules! core_operator {
    ($($name:ident<$($p:ident $(: $bound:path)?),+>),* $(,)?) => { $(
        impl<E, $($p $(: $bound)?),+> RunsOn<E> for $name<$($p),+> {}
    )* };
}
core_operator!(Compare<F: Field, O>, Between<F: Field>, In<F: Field>, Resembles<F>, Prefix<F>, Suffix<F>, Substring<F>, IsNull<F>);
impl<E, F: ListField<Item: Scalar>> RunsOn<E> for Has<F> {}
impl<E: Provides<Regex>, F> RunsOn<E> for Matches<F> {}
impl<E: Provides<FullText>, F> RunsOn<E> for Search<F> {}
