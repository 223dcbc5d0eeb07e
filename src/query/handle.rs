//! What a field is called in a query: `Person::AGE`, `Person::ADDRESS.at(Address::CITY)`.
//!
//! A derived field is a zero-sized [`Member`]; users hold it in a handle of this crate, so that the operators are inherent
//! methods: no import, and no clash with `PartialOrd` or `Iterator`. The kind of handle follows from the field's type.
//! A [`Member`] says null itself, so `Option`, paths through `Option<Nested>` and text need no special case.

use std::marker::PhantomData;

use crate::{
    query::{
        filter::Operand,
        literal::Literal,
        predicate::{
            Between, Compare, Eq, Ge, Gt, Has, In, IsNull, Le, Lt, Matches, Not, Prefix, Resembles, Search, Substring,
            Suffix, Where,
        },
    },
    record::{
        Changes, Path, Typed,
        field_type::{Item, Listed, Nested, Nullable, Number, Scalar, Text},
    },
    value::Value,
};

/// One field of a derived record, as a type without size. The derive writes one for each field.
pub trait Member: Copy + Send + Sync + 'static {
    /// The struct.
    type Record: 'static;
    /// The field's type.
    type Type: 'static;
    /// The only value.
    const SELF: Self;
    /// The field's name in the store.
    const NAME: &'static str;
    /// The field.
    fn get(record: &Self::Record) -> &Self::Type;
    /// Whether it is null.
    fn is_null(record: &Self::Record) -> bool;
    /// A value of the field as data; `None` for one that cannot be written as JSON.
    fn to_value(value: &Self::Type) -> Option<Value>;
}

/// What leads to a field: a [`Member`], or [`At`] one inside another.
pub trait Reach: Copy + Send + Sync + 'static {
    /// The record it starts from.
    type Record: 'static;
    /// The only value.
    const SELF: Self;
    /// The path as data.
    fn path(self) -> Path;
    /// Whether it, or a record on the way, is null.
    fn is_null(self, record: &Self::Record) -> bool;
}

/// What leads to a field that can be given a value of its type.
pub trait SetField: Reach {
    /// The field's type.
    type Type;
    /// A value of it as data; `None` for one that cannot be written as JSON.
    fn to_value(value: &Self::Type) -> Option<Value>;
}

/// What leads to a scalar.
pub trait Field: Reach {
    /// The scalar's type.
    type Value: Scalar;
    /// The value; `None` is null.
    fn get(self, record: &Self::Record) -> Option<<Self::Value as Scalar>::Ref<'_>>;
    /// The field as data.
    fn operand(self) -> Operand {
        Operand::Field(self.path())
    }
}

/// What leads to a list.
pub trait ListField: Reach {
    /// The type of its items.
    type Item: Item;
    /// The items; `None` is null.
    fn items(self, record: &Self::Record) -> Option<&[Self::Item]>;
}

/// What leads to a record.
pub trait NestedField: Reach {
    /// The record.
    type Inner: Typed;
    /// The record; `None` is null.
    fn inner(self, record: &Self::Record) -> Option<&Self::Inner>;
}

impl<M: Member> Reach for M {
    type Record = M::Record;
    const SELF: Self = M::SELF;
    fn path(self) -> Path {
        Path::field(M::NAME)
    }
    #[inline]
    fn is_null(self, record: &M::Record) -> bool {
        M::is_null(record)
    }
}

impl<M: Member> SetField for M {
    type Type = M::Type;
    fn to_value(value: &M::Type) -> Option<Value> {
        M::to_value(value)
    }
}

impl<M: Member<Type: Nullable>> Field for M {
    type Value = <M::Type as Nullable>::Scalar;
    #[inline]
    fn get(self, record: &M::Record) -> Option<<Self::Value as Scalar>::Ref<'_>> {
        M::get(record).seen()
    }
}

impl<M: Member<Type: Listed>> ListField for M {
    type Item = <M::Type as Listed>::Item;
    #[inline]
    fn items(self, record: &M::Record) -> Option<&[Self::Item]> {
        M::get(record).items()
    }
}

impl<M: Member<Type: Nested>> NestedField for M {
    type Inner = <M::Type as Nested>::Record;
    #[inline]
    fn inner(self, record: &M::Record) -> Option<&Self::Inner> {
        M::get(record).inner()
    }
}

/// A field inside a record inside the record.
#[derive(Clone, Copy, Debug)]
pub struct At<A, B>(A, B);

impl<A: NestedField, B: Reach<Record = A::Inner>> Reach for At<A, B> {
    type Record = A::Record;
    const SELF: Self = At(A::SELF, B::SELF);
    fn path(self) -> Path {
        let outer = self.0.path();
        outer.segments().iter().rev().fold(self.1.path(), |path, segment| path.under(segment.clone()))
    }
    #[inline]
    fn is_null(self, record: &A::Record) -> bool {
        self.0.inner(record).is_none_or(|inner| self.1.is_null(inner))
    }
}

impl<A: NestedField, B: SetField<Record = A::Inner>> SetField for At<A, B> {
    type Type = B::Type;
    fn to_value(value: &B::Type) -> Option<Value> {
        B::to_value(value)
    }
}

impl<A: NestedField, B: Field<Record = A::Inner>> Field for At<A, B> {
    type Value = B::Value;
    #[inline]
    fn get(self, record: &A::Record) -> Option<<B::Value as Scalar>::Ref<'_>> {
        self.0.inner(record).and_then(|inner| self.1.get(inner))
    }
}

impl<A: NestedField, B: ListField<Record = A::Inner>> ListField for At<A, B> {
    type Item = B::Item;
    #[inline]
    fn items(self, record: &A::Record) -> Option<&[B::Item]> {
        self.0.inner(record).and_then(|inner| self.1.items(inner))
    }
}

impl<A: NestedField, B: NestedField<Record = A::Inner>> NestedField for At<A, B> {
    type Inner = B::Inner;
    #[inline]
    fn inner(self, record: &A::Record) -> Option<&B::Inner> {
        self.0.inner(record).and_then(|inner| self.1.inner(inner))
    }
}

/// The length of a list, as a field.
#[derive(Clone, Copy, Debug)]
pub struct Len<F>(F);

impl<F: ListField> Reach for Len<F> {
    type Record = F::Record;
    const SELF: Self = Len(F::SELF);
    fn path(self) -> Path {
        self.0.path()
    }
    fn is_null(self, record: &F::Record) -> bool {
        self.0.is_null(record)
    }
}

impl<F: ListField> Field for Len<F> {
    type Value = u64;
    #[inline]
    fn get(self, record: &F::Record) -> Option<u64> {
        self.0.items(record).map(|items| items.len() as u64)
    }
    fn operand(self) -> Operand {
        Operand::Len(self.0.path())
    }
}

// ---- kinds

/// How handles of a field type behave: which of the four handles it gets.
pub trait HandleKind {
    /// The handle of such a field.
    type Handle<M: Member>: Handle;
}

/// A handle has one value.
pub trait Handle: Copy {
    /// It.
    const NEW: Self;
}

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident for $(#[$kind_doc:meta])* $kind:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name<F>(PhantomData<F>);
        impl<F: Reach> Handle for $name<F> {
            const NEW: Self = $name(PhantomData);
        }
        impl<F: Reach> $name<F> {
            /// True of records in which it is null, or missing, or inside a record that is (semantics 3.5, 3.9).
            pub fn is_null(self) -> Where<IsNull<F>> {
                Where(IsNull(F::SELF))
            }
            /// The complement of [`is_null`](Self::is_null).
            pub fn not_null(self) -> Where<Not<IsNull<F>>> {
                Where(Not(IsNull(F::SELF)))
            }
            /// The path as data.
            pub fn path(self) -> Path {
                F::SELF.path()
            }
            /// Sets it to null. A field that is not nullable refuses that when the change is applied.
            pub fn clear(self) -> Changes<F::Record> {
                Changes::set(F::SELF.path(), Value::Null)
            }
        }
        impl<R, B: FieldOf<R>> Nest<R> for $name<B> {
            type Output<A: NestedField<Inner = R>> = $name<B::Under<A>>;
            fn nest<A: NestedField<Inner = R>>(self) -> Self::Output<A> {
                Handle::NEW
            }
        }
        $(#[$kind_doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $kind;
        impl HandleKind for $kind {
            type Handle<M: Member> = $name<M>;
        }
    )* };
}

handles! {
    /// Handle of a scalar field, with the comparisons of semantics 3.
    Column for
    /// Kind of scalars.
    ScalarKind;
    /// Handle of a list field: `contains`, `is_empty`, `len` (semantics 3.9).
    ListColumn for
    /// Kind of lists.
    ListKind;
    /// Handle of a record inside the record; [`at`](RecordColumn::at) leads on.
    RecordColumn for
    /// Kind of records.
    RecordKind;
    /// Handle of a field without comparisons: JSON, vectors, large text. It can be tested for null, and set.
    OpaqueColumn for
    /// Kind of what cannot be compared.
    OpaqueKind;
}

/// What leads to a field of `R`. The derive writes it for each field.
///
/// It holds for one `R` alone, and the longer path is a type of it: so a field of another record has no longer path, and what
/// is made of that is no second mistake.
#[diagnostic::on_unimplemented(
    message = "this is not a field of `{R}`",
    label = "the path has come to `{R}`: name one of its fields"
)]
pub trait FieldOf<R>: Reach<Record = R> {
    /// The same, from a record in which `A` leads to `R`.
    type Under<A: NestedField<Inner = R>>: Reach<Record = A::Record>;
}

impl<R, X: NestedField<Record = R> + FieldOf<R>, Y: Reach<Record = X::Inner>> FieldOf<R> for At<X, Y> {
    type Under<A: NestedField<Inner = R>> = At<A, At<X, Y>>;
}

impl<R, F: ListField<Record = R> + FieldOf<R>> FieldOf<R> for Len<F> {
    type Under<A: NestedField<Inner = R>> = At<A, Len<F>>;
}

/// A handle that can stand below a [`RecordColumn`] of an `R`.
#[diagnostic::on_unimplemented(message = "this is not the handle of a field", label = "write `.at({R}::FIELD)`")]
pub trait Nest<R> {
    /// The handle of the longer path.
    type Output<A: NestedField<Inner = R>>;
    /// The longer path.
    fn nest<A: NestedField<Inner = R>>(self) -> Self::Output<A>;
}

impl<A: NestedField> RecordColumn<A> {
    /// A field inside. A path through a null record is null (semantics 3.9).
    pub fn at<H: Nest<A::Inner>>(self, inner: H) -> H::Output<A> {
        inner.nest::<A>()
    }
}

// ---- operators

impl<F: Field> Column<F> {
    /// Equal. False of null (semantics 3.2).
    pub fn eq(self, literal: impl Literal<F::Value>) -> Where<Compare<F, Eq>> {
        Where(Compare::new(F::SELF, literal))
    }
    /// Not equal: the complement of [`eq`](Self::eq), so **true of null**, unlike SQL's (semantics 3.3). Whoever wants
    /// SQL's answer adds `.and(field.not_null())`.
    pub fn ne(self, literal: impl Literal<F::Value>) -> Where<Not<Compare<F, Eq>>> {
        self.eq(literal).not()
    }
    /// Greater. False of null.
    pub fn gt(self, literal: impl Literal<F::Value>) -> Where<Compare<F, Gt>> {
        Where(Compare::new(F::SELF, literal))
    }
    /// Greater or equal. False of null.
    #[doc(alias = "gte")]
    pub fn ge(self, literal: impl Literal<F::Value>) -> Where<Compare<F, Ge>> {
        Where(Compare::new(F::SELF, literal))
    }
    /// Less. False of null.
    pub fn lt(self, literal: impl Literal<F::Value>) -> Where<Compare<F, Lt>> {
        Where(Compare::new(F::SELF, literal))
    }
    /// Less or equal. False of null.
    #[doc(alias = "lte")]
    pub fn le(self, literal: impl Literal<F::Value>) -> Where<Compare<F, Le>> {
        Where(Compare::new(F::SELF, literal))
    }
    /// From `low` to `high`, both ends included; reversed bounds match nothing (semantics 3.4). False of null.
    pub fn between(self, low: impl Literal<F::Value>, high: impl Literal<F::Value>) -> Where<Between<F>> {
        Where(Between::new(F::SELF, low, high))
    }
    /// The complement of [`between`](Self::between): true of null.
    pub fn not_between(self, low: impl Literal<F::Value>, high: impl Literal<F::Value>) -> Where<Not<Between<F>>> {
        self.between(low, high).not()
    }
    /// One of these; none of nothing (semantics 3.4). False of null. A list is taken by value or by reference:
    /// `is_in(["Ann", "Bo"])`, `is_in(&names)`.
    #[doc(alias = "in")]
    pub fn is_in<L: Literal<F::Value>>(self, list: impl IntoIterator<Item = L>) -> Where<In<F>> {
        Where(In::new(F::SELF, list))
    }
    /// The complement of [`is_in`](Self::is_in): true of null.
    pub fn not_in<L: Literal<F::Value>>(self, list: impl IntoIterator<Item = L>) -> Where<Not<In<F>>> {
        self.is_in(list).not()
    }
    /// Gives the field this value.
    pub fn set(self, literal: impl Literal<F::Value>) -> Changes<F::Record> {
        Changes::set(F::SELF.path(), <F::Value as Scalar>::value(&literal.literal()))
    }
}

impl<F: Field> Column<F> {
    /// Adds to the number; null stays null, and a sum that does not fit the field is refused.
    #[allow(clippy::should_implement_trait, reason = "it makes a change as data, and takes a literal, not a handle")]
    pub fn add(self, amount: impl Literal<F::Value>) -> Changes<F::Record>
    where
        F::Value: Number,
    {
        Changes::add(F::SELF.path(), <F::Value as Scalar>::value(&amount.literal()))
    }
}

impl<F: Field> Column<F> {
    /// The whole text is like the pattern, case-sensitive: `%` any run, `_` one character, `\` escapes (semantics 3.6).
    /// False of null. A trailing lone `\` is an error when the query is run.
    pub fn like(self, pattern: &str) -> Where<Resembles<F>>
    where
        F::Value: Text,
    {
        Where(Resembles::new(F::SELF, pattern, false))
    }
    /// The complement of [`like`](Self::like): true of null.
    pub fn not_like(self, pattern: &str) -> Where<Not<Resembles<F>>>
    where
        F::Value: Text,
    {
        self.like(pattern).not()
    }
    /// As [`like`](Self::like), with ASCII letters of both cases alike.
    pub fn ilike(self, pattern: &str) -> Where<Resembles<F>>
    where
        F::Value: Text,
    {
        Where(Resembles::new(F::SELF, pattern, true))
    }
    /// The text begins with this. False of null.
    pub fn starts_with(self, prefix: &str) -> Where<Prefix<F>>
    where
        F::Value: Text,
    {
        Where(Prefix::new(F::SELF, prefix))
    }
    /// The text ends with this. False of null.
    pub fn ends_with(self, suffix: &str) -> Where<Suffix<F>>
    where
        F::Value: Text,
    {
        Where(Suffix::new(F::SELF, suffix))
    }
    /// The text holds this somewhere. False of null.
    pub fn contains(self, part: &str) -> Where<Substring<F>>
    where
        F::Value: Text,
    {
        Where(Substring::new(F::SELF, part))
    }
    /// The regular expression (syntax of the `regex` crate) matches somewhere in the text; anchor it with `^` and `$`.
    /// False of null. Needs an engine that provides [`Regex`](crate::capability::Regex).
    pub fn matches(self, pattern: &str) -> Where<Matches<F>>
    where
        F::Value: Text,
    {
        Where(Matches::new(F::SELF, pattern))
    }
    /// The text has these words, as people write them into a search box: `quick "brown fox" -lazy or hound`. Words are those
    /// of the language that `#[record(text = "..")]` names, in any of their forms; nothing that can be written is an error, and
    /// what holds no word matches nothing. False of null. Needs an engine that provides
    /// [`FullText`](crate::capability::FullText); [`hits`](crate::Searching::hits) gives rank and highlights too.
    pub fn search(self, words: &str) -> Where<Search<F>>
    where
        F::Value: Text,
    {
        Where(Search::new(F::SELF, words))
    }
}

impl<F: SetField> OpaqueColumn<F> {
    /// Gives the field this value. One that cannot be written as JSON is refused when the change is applied.
    ///
    /// ```
    /// use dk_data::{Record, backend::memory::Memory, Database, Store};
    ///
    /// #[derive(Record, Clone)]
    /// #[record(name = "notes")]
    /// struct Note {
    ///     #[record(large)]
    ///     text: String,
    ///     #[record(json)]
    ///     marks: Vec<(u32, u32)>,
    ///     embedding: [f32; 2],
    /// }
    ///
    /// let notes = Memory::new().store::<Note>()?;
    /// let id = notes.create(Note { text: String::new(), marks: vec![], embedding: [0.0; 2] })?.id;
    /// notes.patch(&id, Note::TEXT.set("long").and(Note::MARKS.set([(1, 2)])).and(Note::EMBEDDING.set([0.5, 1.0])))?;
    /// let note = notes.read(&id)?.expect("it is there");
    /// assert_eq!((note.text.as_str(), note.marks[0], note.embedding), ("long", (1, 2), [0.5, 1.0]));
    /// # Ok::<(), dk_data::Error>(())
    /// ```
    pub fn set(self, value: impl Into<F::Type>) -> Changes<F::Record> {
        match F::to_value(&value.into()) {
            Some(value) => Changes::set(F::SELF.path(), value),
            None => Changes::refused(F::SELF.path()),
        }
    }
}

impl<F: Field> OpaqueColumn<F> {
    /// The text has these words, as people write them into a search box: `quick "brown fox" -lazy or hound`. Words are those
    /// of the language that `#[record(text = "..")]` names, in any of their forms; nothing that can be written is an error, and
    /// what holds no word matches nothing. False of null. Needs an engine that provides
    /// [`FullText`](crate::capability::FullText); [`hits`](crate::Searching::hits) gives rank and highlights too.
    pub fn search(self, words: &str) -> Where<Search<F>>
    where
        F::Value: Text,
    {
        Where(Search::new(F::SELF, words))
    }
}

impl<F: ListField> ListColumn<F> {
    /// The length, with all comparisons of a number; null where the list is.
    pub fn len(self) -> Column<Len<F>> {
        Handle::NEW
    }
    /// No items. False of null (semantics 3.2).
    pub fn is_empty(self) -> Where<Compare<Len<F>, Eq>> {
        self.len().eq(0)
    }
}

impl<F: ListField<Item: Scalar>> ListColumn<F> {
    /// The list holds this item. False of null.
    pub fn contains(self, item: impl Literal<F::Item>) -> Where<Has<F>> {
        Where(Has::new(F::SELF, item))
    }
    /// Gives the field this list.
    pub fn set<L: Literal<F::Item>>(self, items: impl IntoIterator<Item = L>) -> Changes<F::Record> {
        let items = items.into_iter().map(|item| <F::Item as Scalar>::value(&item.literal()));
        Changes::set(F::SELF.path(), Value::List(items.collect()))
    }
}

// ---- what is not compared

macro_rules! uncompared {
    ($($column:ident, $refused:ident: $message:literal, $label:literal;)*) => { $(
        #[doc(hidden)]
        #[diagnostic::on_unimplemented(message = $message, label = $label)]
        pub trait $refused {}
        // Without these the compiler would find the methods of `Iterator`, and speak of those.
        #[doc(hidden)]
        impl<F: Reach> $column<F> {
            uncompared!(@ $refused eq ne gt ge lt le);
        }
    )* };
    (@ $refused:ident $($name:ident)*) => { $(
        pub fn $name<L>(self, _: L) -> Where<IsNull<F>>
        where
            F: $refused,
        {
            Where(IsNull(F::SELF))
        }
    )* };
}
uncompared! {
    OpaqueColumn, ComparedOpaque: "a field that is large, JSON or a vector is not compared",
        "use `is_null` or `not_null`, or leave `#[record(large)]` out";
    RecordColumn, ComparedRecord: "a record inside a record is not compared as a whole",
        "name one of its fields first, with `.at(..)`";
    ListColumn, ComparedList: "a list is not compared as a whole", "use `contains`, `len` or `is_empty`";
}
