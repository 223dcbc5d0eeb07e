//! How a record becomes something else and back: visitors over fields, with no tree in between.
//!
//! A record type implements [`RecordCodec`] (the derive writes it); a format or a backend implements [`Encoder`] and
//! [`Decoder`]. A type that a field can have implements [`FieldType`]. This module holds contracts only.

use std::{borrow::Cow, ops::Deref};

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    error::{Error, Result},
    id::Id,
    query::{bound, filter::Op},
    record::{
        field_type::FieldType,
        schema::{FieldDef, Schema, Shared, Type},
        target::Step,
    },
    value::{Value, ValueRef},
};

/// A type that can be a record: a struct with `#[derive(Record)]`, or [`Document`](crate::Document).
#[diagnostic::on_unimplemented(message = "`{Self}` is not a record", label = "write `#[derive(Record, Clone)]` on it")]
pub trait RecordCodec: Clone + Send + Sync + 'static {
    /// How a store keeps the schema: `&'static Schema` for a derived struct, `Arc<Schema>` for documents.
    type Shape: Deref<Target = Schema> + Clone + Send + Sync + 'static;

    /// Visits the fields in the order of the schema.
    ///
    /// # Errors
    /// What the encoder reports.
    fn encode<E: Encoder>(&self, schema: &Schema, out: &mut E) -> Result<()>;

    /// Builds a record from the fields that the decoder offers, in whatever order.
    ///
    /// # Errors
    /// `Invalid`, with the field, where one is missing or holds what its type cannot.
    fn decode<D: Decoder>(schema: &Schema, from: &mut D) -> Result<Self>;

    /// The value at the end of `steps`, null where a record on the way is null. `steps` were resolved against the schema
    /// of this record and are never empty.
    fn cell(&self, steps: &[Step]) -> ValueRef<'_>;

    /// Whether the value of the declared type at the end of `steps` compares so with a literal of that type: what comparing its
    /// [`cell`](RecordCodec::cell) says, without making one.
    #[inline]
    fn compares(&self, steps: &[Step], op: Op, literal: &Value) -> bool {
        bound::compares(&self.cell(steps), op, literal)
    }

    /// Sets the value at the end of `steps`; the way changes of single fields are applied (semantics 5.10).
    ///
    /// # Errors
    /// `Invalid`, with the field, where its type cannot hold the value, or where a record on the way is null.
    fn put(&mut self, schema: &Schema, steps: &[Step], value: Value) -> Result<()>;

    /// Refuses what no store may hold (NaN, U+0000, text over its limit: semantics 2.5, 2.6, 2.8) and says whether the
    /// record already is in its stored form.
    ///
    /// # Errors
    /// `Invalid`, with the field.
    fn check(&self, schema: &Schema) -> Result<Form>;

    /// Brings the record into its stored form: timestamps cut to microseconds, no -0.0 (semantics 2.4, 2.5).
    fn normalize(&mut self, schema: &Schema);

    /// The id that the record itself carries, where its type names one (`#[record(id)]`, semantics 1.2).
    ///
    /// # Errors
    /// `Invalid` where that field holds what cannot be an id (semantics 1.1).
    fn own_id(&self, schema: &Schema) -> Result<Option<Id>>;
}

/// A record type whose schema is a constant: what `#[derive(Record)]` makes.
pub trait Typed: RecordCodec<Shape = &'static Schema> {
    /// The schema of the type.
    const SCHEMA: &'static Schema;
    /// Every kind of type that occurs in it, for the compile-time check against what an engine can hold (semantics 2.3).
    const TYPES: TypeSet;
}

/// Whether a record is in the form in which stores keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Form {
    /// As it is stored.
    Stored,
    /// [`normalize`](RecordCodec::normalize) has something to do.
    Loose,
}

impl Form {
    /// Stored only if both are.
    pub fn and(self, other: Form) -> Form {
        if self == Form::Stored { other } else { Form::Loose }
    }
}

/// A set of field types, computed at compile time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeSet(u32);

impl TypeSet {
    /// No type.
    pub const NONE: TypeSet = TypeSet(0);
    /// Every type of semantics 2.3.
    pub const ALL: TypeSet = TypeSet(!0);
    /// Integers over `i64::MAX`.
    pub const U64: TypeSet = TypeSet(1);
    /// Exact decimals.
    pub const DECIMAL: TypeSet = TypeSet(1 << 1);
    /// Raw bytes.
    pub const BYTES: TypeSet = TypeSet(1 << 2);
    /// Timestamps and dates.
    pub const TIME: TypeSet = TypeSet(1 << 3);
    /// Lists of scalars.
    pub const LIST: TypeSet = TypeSet(1 << 4);
    /// Records inside records.
    pub const RECORD: TypeSet = TypeSet(1 << 5);
    /// Arbitrary JSON.
    pub const JSON: TypeSet = TypeSet(1 << 6);
    /// Vectors.
    pub const VECTOR: TypeSet = TypeSet(1 << 7);
    /// Unique fields other than the id.
    pub const UNIQUE: TypeSet = TypeSet(1 << 8);
    /// Lists of records.
    pub const RECORDS: TypeSet = TypeSet(1 << 9);
    /// What every engine holds: bool, integers of up to `i64`, floats, text, UUIDs, enums.
    pub const PLAIN: TypeSet = TypeSet(1 << 10);

    /// Both.
    #[must_use]
    pub const fn or(self, other: TypeSet) -> TypeSet {
        TypeSet(self.0 | other.0)
    }
    /// Whether all of this is in `other`.
    pub const fn within(self, other: TypeSet) -> bool {
        self.0 & !other.0 == 0
    }
}

/// Takes a record's fields in the order of its schema: a CSV row, a JSON object, a COPY tuple, an Arrow row.
///
/// Every method gets the definition of the field. An encoder that writes positions must write something for every call;
/// one that writes names may leave nulls out (semantics 2.1).
pub trait Encoder: Sized {
    /// Nothing there.
    fn null(&mut self, field: &FieldDef) -> Result<()>;
    /// `bool`
    fn bool(&mut self, field: &FieldDef, value: bool) -> Result<()>;
    /// Signed integers of up to 64 bits.
    fn int(&mut self, field: &FieldDef, value: i64) -> Result<()>;
    /// `u64`
    fn uint(&mut self, field: &FieldDef, value: u64) -> Result<()>;
    /// `f32`, for formats that write its shortest text.
    fn float32(&mut self, field: &FieldDef, value: f32) -> Result<()>;
    /// `f64`
    fn float(&mut self, field: &FieldDef, value: f64) -> Result<()>;
    /// Exact decimal.
    fn decimal(&mut self, field: &FieldDef, value: Decimal) -> Result<()>;
    /// Text, and the names of enums.
    fn text(&mut self, field: &FieldDef, value: &str) -> Result<()>;
    /// Raw bytes.
    fn bytes(&mut self, field: &FieldDef, value: &[u8]) -> Result<()>;
    /// UUID.
    fn uuid(&mut self, field: &FieldDef, value: Uuid) -> Result<()>;
    /// A moment in UTC.
    fn timestamp(&mut self, field: &FieldDef, value: Timestamp) -> Result<()>;
    /// A calendar day.
    fn date(&mut self, field: &FieldDef, value: Date) -> Result<()>;
    /// A vector of fixed dimension.
    fn vector(&mut self, field: &FieldDef, value: &[f32]) -> Result<()>;
    /// Arbitrary JSON, not null at the top.
    fn json<T: Serialize>(&mut self, field: &FieldDef, value: &T) -> Result<()>;
    /// A list: each item encodes itself against the definition `item` into what this encoder hands it.
    fn list<T: FieldType>(&mut self, field: &FieldDef, item: &FieldDef, items: &[T]) -> Result<()>;
    /// A record inside the record.
    fn record<N: RecordCodec>(&mut self, field: &FieldDef, schema: &Schema, record: &N) -> Result<()>;
}

/// Why a record was refused in which a field stands twice.
pub(crate) const REPEATED: &str = "the field stands twice in the record, and which of the two is meant is not known";

/// Which field a decoder has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A declared field, by its place in the schema.
    Field(usize),
    /// A field that the schema does not declare; typed records skip it, open documents ask for its [name](Decoder::name).
    Undeclared,
    /// The record has no more fields.
    End,
}

/// Offers the fields of one record. After [`next`](Decoder::next) has named a field, exactly one of the other methods is
/// called for it. Every scalar is `None` where it is null.
pub trait Decoder: Sized {
    /// The next field that is there. Aliases count as names ([`FieldDef::is_called`]).
    fn next(&mut self, schema: &Schema) -> Result<Next>;
    /// The name of the [undeclared](Next::Undeclared) field that the decoder has come to.
    fn name(&self) -> &str;
    /// Whether a name that comes twice is a mistake, as it is in a text. A row of a store may complete one column by another one: the
    /// later value counts there.
    fn names_once(&self) -> bool {
        false
    }
    /// Passes over the field.
    fn skip(&mut self) -> Result<()>;
    /// `bool`
    fn bool(&mut self, field: &FieldDef) -> Result<Option<bool>>;
    /// Any signed integer of up to 64 bits; the caller checks the field's own range.
    fn int(&mut self, field: &FieldDef) -> Result<Option<i64>>;
    /// `u64`
    fn uint(&mut self, field: &FieldDef) -> Result<Option<u64>>;
    /// `f32`: the nearest one to what is written.
    fn float32(&mut self, field: &FieldDef) -> Result<Option<f32>>;
    /// `f64`
    fn float(&mut self, field: &FieldDef) -> Result<Option<f64>>;
    /// Exact decimal.
    fn decimal(&mut self, field: &FieldDef) -> Result<Option<Decimal>>;
    /// Text, and the names of enums.
    fn text(&mut self, field: &FieldDef) -> Result<Option<Cow<'_, str>>>;
    /// Raw bytes.
    fn bytes(&mut self, field: &FieldDef) -> Result<Option<Vec<u8>>>;
    /// UUID.
    ///
    /// By its 128 bits, the first of its bytes highest ([`Uuid::from_u128`]): an integer that stands beside an error stays in
    /// registers, where sixteen bytes are taken apart and put together again.
    fn uuid(&mut self, field: &FieldDef) -> Result<Option<u128>>;
    /// A moment in UTC.
    fn timestamp(&mut self, field: &FieldDef) -> Result<Option<Timestamp>>;
    /// A calendar day.
    fn date(&mut self, field: &FieldDef) -> Result<Option<Date>>;
    /// A vector; the caller checks the dimension.
    fn vector(&mut self, field: &FieldDef) -> Result<Option<Vec<f32>>>;
    /// Arbitrary JSON; null at the top is `None`.
    fn json<T: DeserializeOwned>(&mut self, field: &FieldDef) -> Result<Option<T>>;
    /// A list, item by item against the definition `item`.
    fn list<T: FieldType>(&mut self, field: &FieldDef, item: &FieldDef) -> Result<Option<Vec<T>>>;
    /// A record inside the record.
    fn record<N: RecordCodec>(&mut self, field: &FieldDef, schema: &Schema) -> Result<Option<N>>;
    /// Whatever is there, for fields of [`Type::Any`] and undeclared ones.
    fn any(&mut self) -> Result<Value>;

    /// The error of a value that its field cannot hold; formats add line and column.
    fn misfit(&self, field: &FieldDef, why: impl Into<Cow<'static, str>>) -> Error {
        Error::invalid(why).at_field(field.name.clone())
    }
}

impl TypeSet {
    /// The kinds of type that a derived schema needs an engine to hold.
    pub const fn of(schema: &'static Schema) -> TypeSet {
        let mut all = TypeSet::NONE;
        let fields = derived_fields(schema);
        let mut at = 0;
        while at < fields.len() {
            all = all.or(TypeSet::of_field(&fields[at].ty));
            if fields[at].unique {
                all = all.or(TypeSet::UNIQUE);
            }
            at += 1;
        }
        all
    }

    const fn of_field(ty: &'static Type) -> TypeSet {
        match ty {
            Type::List(Shared::Static(item)) => {
                let inside = TypeSet::of_field(&item.ty);
                assert!(
                    !TypeSet::UNIQUE.within(inside),
                    "the records of a list cannot have a `unique` field: no engine keeps its values apart (semantics 2.3)"
                );
                TypeSet::listed(&item.ty).or(inside)
            }
            Type::Record(Shared::Static(schema)) => TypeSet::RECORD.or(TypeSet::of(schema)),
            ty => ty.kind(),
        }
    }

    const fn listed(item: &Type) -> TypeSet {
        match item {
            Type::Record(_) => TypeSet::RECORDS,
            _ => TypeSet::LIST,
        }
    }
}

/// The fields of a derived schema, which are never owned.
pub(crate) const fn derived_fields(schema: &'static Schema) -> &'static [FieldDef] {
    match &schema.fields {
        Cow::Borrowed(fields) => fields,
        Cow::Owned(_) => &[],
    }
}

impl FieldDef {
    /// What it needs an engine to hold.
    pub fn needs(&self) -> TypeSet {
        if self.unique { self.ty.needs().or(TypeSet::UNIQUE) } else { self.ty.needs() }
    }
}

impl Type {
    /// The kinds of type that it needs an engine to hold.
    pub fn needs(&self) -> TypeSet {
        match self {
            Type::List(item) => item.needs().or(TypeSet::listed(&item.ty)),
            Type::Record(schema) => schema.fields.iter().fold(TypeSet::RECORD, |all, field| all.or(field.needs())),
            ty => ty.kind(),
        }
    }

    /// The kind of a type that holds no other.
    const fn kind(&self) -> TypeSet {
        match self {
            Type::U64 => TypeSet::U64,
            Type::Decimal => TypeSet::DECIMAL,
            Type::Bytes => TypeSet::BYTES,
            Type::Timestamp | Type::Date => TypeSet::TIME,
            Type::Json => TypeSet::JSON,
            Type::Vector(_) => TypeSet::VECTOR,
            _ => TypeSet::PLAIN,
        }
    }
}
