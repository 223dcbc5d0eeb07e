//! Schemas as data: what a record type or a document store holds, serialisable, printable and comparable.

use std::{borrow::Cow, collections::BTreeMap, fmt, ops::Deref, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    record::{TypeSet, path::Path},
};

/// A name: borrowed in a derived schema, owned in one that was made at run time.
pub type Name = Cow<'static, str>;

/// The fields of one record type, in order.
///
/// A derived schema is a constant ([`Typed::SCHEMA`](crate::Typed)); a schema for [`Document`](crate::Document)s is built
/// with [`Schema::new`] or read from JSON. Two schemas are compared with [`diff`](Schema::diff).
///
/// ```
/// use dk_data::{FieldDef, Schema, Type};
/// let old = Schema::new("people").field(FieldDef::new("name", Type::Text));
/// let new = Schema::new("people").field(FieldDef::new("name", Type::Text).nullable()).field(FieldDef::new("age", Type::U8));
/// let changes: Vec<String> = old.diff(&new).iter().map(ToString::to_string).collect();
/// assert_eq!(changes, ["name: now nullable", "age: added as u8"]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// The default name of a store of this record.
    pub name: Name,
    /// The declared fields, in order.
    pub fields: Cow<'static, [FieldDef]>,
    /// Whether fields that are not declared are kept, with the types that their values have.
    #[serde(default, skip_serializing_if = "is_false")]
    pub open: bool,
}

/// One field of a [`Schema`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldDef {
    /// The name in the store: after `rename` and `rename_all`.
    pub name: Name,
    /// What it holds.
    #[serde(rename = "type")]
    pub ty: Type,
    /// Whether null is a value of it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nullable: bool,
    /// Whether a record that lacks it still reads, with the type's default.
    #[serde(default, skip_serializing_if = "is_false")]
    pub default: bool,
    /// Whether it is the record's id (semantics 1.2).
    #[serde(default, skip_serializing_if = "is_false")]
    pub id: bool,
    /// Whether the store should index it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub index: bool,
    /// Whether no two records may share a value of it; null is shared by any number.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unique: bool,
    /// Whether it may hold long text and gives up comparisons for it (semantics 2.8).
    #[serde(default, skip_serializing_if = "is_false")]
    pub large: bool,
    /// Precision and scale of a decimal: the most digits that it has, and how many of them stand behind the point. A value
    /// that does not fit is refused when it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decimal: Option<(u8, u8)>,
    /// The language whose words the store should find in it, as the engine calls it: `english`, `simple`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Name>,
    /// Old names that are accepted when reading.
    #[serde(default, skip_serializing_if = "<[Name]>::is_empty")]
    pub aliases: Cow<'static, [Name]>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// What a field holds (semantics 2.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    /// `bool`
    Bool,
    /// `i8`
    I8,
    /// `i16`
    I16,
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `u8`
    U8,
    /// `u16`
    U16,
    /// `u32`
    U32,
    /// `u64`
    U64,
    /// `f32`
    F32,
    /// `f64`
    F64,
    /// Exact decimal of up to 28 digits.
    Decimal,
    /// Unicode text.
    Text,
    /// Raw bytes.
    Bytes,
    /// UUID.
    Uuid,
    /// A moment in UTC, to the microsecond.
    Timestamp,
    /// A calendar day.
    Date,
    /// One of these names, stored as text.
    Enum(Cow<'static, [Name]>),
    /// A list; the item's name is of no meaning.
    List(Shared<FieldDef>),
    /// A record inside the record.
    Record(Shared<Schema>),
    /// Arbitrary JSON.
    Json,
    /// A vector of `f32` with this many dimensions.
    Vector(u32),
    /// Whatever the value is: the type of undeclared fields in an open schema.
    Any,
}

/// A part of a schema that is a constant or shared.
#[derive(Clone, Debug)]
pub enum Shared<T: 'static> {
    /// Part of a derived schema.
    Static(&'static T),
    /// Made at run time.
    Owned(Arc<T>),
}

impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        match self {
            Shared::Static(part) => part,
            Shared::Owned(part) => part,
        }
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T> From<T> for Shared<T> {
    fn from(part: T) -> Self {
        Shared::Owned(Arc::new(part))
    }
}

impl<T: Serialize> Serialize for Shared<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Shared<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Shared::from)
    }
}

impl Type {
    /// A list of items of `item`.
    pub fn list(item: Type) -> Type {
        Type::List(FieldDef::new("item", item).into())
    }
    /// A record of `schema` inside a record.
    pub fn record(schema: Schema) -> Type {
        Type::Record(schema.into())
    }
    /// The least and the greatest value of an integer type.
    pub fn integer_range(&self) -> Option<(i128, i128)> {
        Some(match self {
            Type::I8 => (i8::MIN.into(), i8::MAX.into()),
            Type::I16 => (i16::MIN.into(), i16::MAX.into()),
            Type::I32 => (i32::MIN.into(), i32::MAX.into()),
            Type::I64 => (i64::MIN.into(), i64::MAX.into()),
            Type::U8 => (0, u8::MAX.into()),
            Type::U16 => (0, u16::MAX.into()),
            Type::U32 => (0, u32::MAX.into()),
            Type::U64 => (0, u64::MAX.into()),
            _ => return None,
        })
    }
    /// Whether values of it have an order that predicates can use.
    pub fn is_ordered(&self) -> bool {
        !matches!(self, Type::List(_) | Type::Record(_) | Type::Json | Type::Vector(_))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Enum(names) => write!(f, "enum({})", names.join(", ")),
            Type::List(item) => write!(f, "list<{}>", item.ty),
            Type::Record(schema) => write!(f, "{{ {} }}", Fields(&schema.fields)),
            Type::Vector(n) => write!(f, "vector<{n}>"),
            plain => f.write_str(plain.word()),
        }
    }
}

impl Type {
    fn word(&self) -> &'static str {
        match self {
            Type::Bool => "bool",
            Type::I8 => "i8",
            Type::I16 => "i16",
            Type::I32 => "i32",
            Type::I64 => "i64",
            Type::U8 => "u8",
            Type::U16 => "u16",
            Type::U32 => "u32",
            Type::U64 => "u64",
            Type::F32 => "f32",
            Type::F64 => "f64",
            Type::Decimal => "decimal",
            Type::Text => "text",
            Type::Bytes => "bytes",
            Type::Uuid => "uuid",
            Type::Timestamp => "timestamp",
            Type::Date => "date",
            Type::Enum(_) => "enum",
            Type::List(_) => "list",
            Type::Record(_) => "record",
            Type::Json => "json",
            Type::Vector(_) => "vector",
            Type::Any => "any",
        }
    }
}

struct Fields<'a>(&'a [FieldDef]);

impl fmt::Display for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, field) in self.0.iter().enumerate() {
            write!(f, "{}{field}", if i > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

impl FieldDef {
    /// A field that is there in every record.
    pub fn new(name: impl Into<Name>, ty: Type) -> FieldDef {
        FieldDef { name: name.into(), ty, ..FieldDef::EMPTY }
    }
    /// What a derived field starts from.
    #[doc(hidden)]
    pub const EMPTY: FieldDef = FieldDef {
        name: Cow::Borrowed(""),
        ty: Type::Any,
        nullable: false,
        default: false,
        id: false,
        index: false,
        unique: false,
        large: false,
        decimal: None,
        text: None,
        aliases: Cow::Borrowed(&[]),
    };
    /// Null is a value of it.
    #[must_use]
    pub fn nullable(mut self) -> FieldDef {
        self.nullable = true;
        self
    }
    /// It is the record's id.
    #[must_use]
    pub fn id(mut self) -> FieldDef {
        self.id = true;
        self
    }
    /// The store should index it.
    #[must_use]
    pub fn indexed(mut self) -> FieldDef {
        self.index = true;
        self
    }
    /// No two records may share a value of it.
    #[must_use]
    pub fn unique(mut self) -> FieldDef {
        self.unique = true;
        self
    }
    /// It may hold long text and is not compared.
    #[must_use]
    pub fn large(mut self) -> FieldDef {
        self.large = true;
        self
    }
    /// It is a decimal of so many digits, so many of which stand behind the point.
    ///
    /// ```
    /// use dk_data::{FieldDef, Schema, Type};
    /// let shop = Schema::new("shop").field(FieldDef::new("price", Type::Decimal).decimal(9, 2));
    /// assert_eq!(shop.to_string(), "shop { price: decimal(9, 2) }");
    /// ```
    #[must_use]
    pub fn decimal(mut self, precision: u8, scale: u8) -> FieldDef {
        self.decimal = Some((precision, scale));
        self
    }
    /// The store should find its words, those of this language as the engine calls it: `english`, `simple`.
    #[must_use]
    pub fn searched(mut self, language: impl Into<Name>) -> FieldDef {
        self.text = Some(language.into());
        self
    }
    /// The most bytes of text that may be written to it (semantics 2.8); `None` where there is no limit.
    pub fn text_limit(&self) -> Option<usize> {
        match self {
            FieldDef { large: true, .. } => None,
            FieldDef { index: true, .. } | FieldDef { unique: true, .. } | FieldDef { id: true, .. } => Some(2_048),
            _ => Some(32_766),
        }
    }
    /// Whether a key of this spelling means this field.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }
    /// The name and the aliases.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        [&self.name].into_iter().chain(self.aliases.iter()).map(AsRef::as_ref)
    }
}

impl fmt::Display for FieldDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.ty)?;
        self.decimal.iter().try_for_each(|(precision, scale)| write!(f, "({precision}, {scale})"))?;
        f.write_str(if self.nullable { "?" } else { "" })?;
        for (set, word) in [(self.id, " id"), (self.index, " index"), (self.unique, " unique"), (self.large, " large")]
        {
            f.write_str(if set { word } else { "" })?;
        }
        self.text.iter().try_for_each(|language| write!(f, " text({language})"))
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {{ {}{} }}", self.name, Fields(&self.fields), if self.open { ", .." } else { "" })
    }
}

impl Schema {
    /// A schema without fields; add them with [`field`](Schema::field).
    pub fn new(name: impl Into<Name>) -> Schema {
        Schema { name: name.into(), fields: Cow::Borrowed(&[]), open: false }
    }
    /// A schema that keeps any field, with the type that its value has.
    pub fn open(name: impl Into<Name>) -> Schema {
        Schema { open: true, ..Schema::new(name) }
    }
    /// Adds a field.
    #[must_use]
    pub fn field(mut self, field: FieldDef) -> Schema {
        self.fields.to_mut().push(field);
        self
    }
    /// Place and definition of the field with this name or alias.
    pub fn find(&self, name: &str) -> Option<(usize, &FieldDef)> {
        self.fields.iter().enumerate().find(|(_, f)| f.is_called(name))
    }
    /// The field that is the record's id.
    pub fn id_field(&self) -> Option<(usize, &FieldDef)> {
        self.fields.iter().enumerate().find(|(_, f)| f.id)
    }

    /// Refuses a schema that no store can keep: empty or repeated names, names that begin with `_` (semantics 3.9), two
    /// ids, an id that is nullable, more than 1,000 fields or 32 levels.
    ///
    /// # Errors
    /// `Configuration`, with the field.
    pub fn validate(&self) -> Result<()> {
        self.validate_at(0)
    }

    fn validate_at(&self, depth: usize) -> Result<()> {
        if depth > 32 {
            return Err(Error::configuration("records nest more than 32 levels deep"));
        }
        if self.fields.len() > 1_000 {
            return Err(Error::configuration("a record has more than 1,000 fields"));
        }
        let mut names = BTreeMap::new();
        for field in self.fields.iter() {
            let fault = field.fault().or_else(|| self.clash(field, &mut names));
            if let Some(fault) = fault {
                return Err(Error::configuration(fault).at_field(field.name.clone()));
            }
            field.ty.validate_at(depth).map_err(|e| e.under_field(&field.name))?;
        }
        Ok(())
    }

    fn clash<'a>(&self, field: &'a FieldDef, names: &mut BTreeMap<&'a str, ()>) -> Option<&'static str> {
        let repeated = std::iter::once(&field.name).chain(field.aliases.iter()).any(|n| names.insert(n, ()).is_some());
        let second_id = field.id && self.id_field().is_some_and(|(_, first)| first.name != field.name);
        match () {
            () if repeated => Some("two fields have this name or alias; rename one"),
            () if second_id => Some("a record has one id; mark the other field `unique`"),
            () => None,
        }
    }
}

impl FieldDef {
    fn fault(&self) -> Option<&'static str> {
        let id_type = matches!(self.ty, Type::Text | Type::Uuid | Type::Any) || self.ty.integer_range().is_some();
        match () {
            () if self.name.is_empty() => Some("a field has no name"),
            () if self.name.starts_with('_') => Some("names that begin with `_` belong to the envelope; use `rename`"),
            () if self.name.contains('\0') => Some("a name holds U+0000"),
            () if self.id && self.nullable => Some("an id cannot be null"),
            () if self.id && !id_type => Some("an id is a text, a uuid or an integer"),
            () if self.decimal.is_some() && self.ty != Type::Decimal => {
                Some("only a decimal has a precision and a scale")
            }
            () if self.decimal.is_some_and(|(digits, scale)| !(1..=76).contains(&digits) || scale > digits) => {
                Some("a decimal has a precision from 1 to 76 and a scale from 0 to that")
            }
            () if self.text.is_some() && self.ty != Type::Text => Some("only text is searched for words"),
            () if self.text.as_ref().is_some_and(|language| language.contains('\0')) => Some("a language holds U+0000"),
            () if self.unique && self.ty.is_composed() => Some("only a scalar can be unique"),
            () if matches!(&self.ty, Type::List(item) if TypeSet::UNIQUE.within(item.ty.needs())) => {
                Some("the records of a list cannot have a unique field: no engine keeps its values apart")
            }
            () if self.large && self.unique => Some("a large field cannot be unique: it is never compared"),
            () if self.large && self.index => Some("a large field cannot be indexed: it is never compared"),
            () => None,
        }
    }
}

impl Type {
    /// Whether its values are equal or not, and have no order.
    fn is_composed(&self) -> bool {
        matches!(self, Type::List(_) | Type::Record(_) | Type::Json | Type::Vector(_))
    }

    fn validate_at(&self, depth: usize) -> Result<()> {
        match self {
            Type::Record(schema) => schema.validate_at(depth + 1),
            Type::List(item) => item.ty.validate_at(depth + 1),
            _ => Ok(()),
        }
    }
}

/// One difference between two schemas, as [`Schema::diff`] names it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SchemaChange {
    /// The field; a nested one by its path.
    pub path: Path,
    /// What became of it.
    pub change: FieldChange,
}

/// What became of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FieldChange {
    /// It is new.
    Added(Type),
    /// It is gone.
    Removed(Type),
    /// It has another name; the old one is an alias.
    Renamed {
        /// The old name.
        from: Name,
    },
    /// It has another type.
    Retyped {
        /// The old type.
        from: Type,
        /// The new type.
        to: Type,
    },
    /// Null became a value of it, or ceased to be one.
    Nullable(bool),
    /// It is indexed now, or no longer.
    Index(bool),
    /// It is unique now, or no longer.
    Unique(bool),
    /// It is the id now, or no longer.
    Id(bool),
    /// It is large now, or no longer.
    Large(bool),
    /// It has another precision and scale, or none.
    Decimal(Option<(u8, u8)>),
}

impl fmt::Display for SchemaChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.change)
    }
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = |f: &mut fmt::Formatter<'_>, yes: bool, word: &str| {
            write!(f, "{} {word}", if yes { "now" } else { "no longer" })
        };
        match self {
            FieldChange::Added(ty) => write!(f, "added as {ty}"),
            FieldChange::Removed(ty) => write!(f, "removed, was {ty}"),
            FieldChange::Renamed { from } => write!(f, "renamed from {from}"),
            FieldChange::Retyped { from, to } => write!(f, "was {from}, is {to}"),
            FieldChange::Nullable(yes) => now(f, *yes, "nullable"),
            FieldChange::Index(yes) => now(f, *yes, "indexed"),
            FieldChange::Unique(yes) => now(f, *yes, "unique"),
            FieldChange::Id(yes) => now(f, *yes, "the id"),
            FieldChange::Large(yes) => now(f, *yes, "large"),
            FieldChange::Decimal(Some((precision, scale))) => write!(f, "now decimal({precision}, {scale})"),
            FieldChange::Decimal(None) => write!(f, "now without a precision and a scale"),
        }
    }
}

impl Schema {
    /// What must change to get from this schema to `new`: fields in the order of `new`, removed ones last. Nested records
    /// are compared field by field. The order of fields and the name of the record are no difference.
    pub fn diff(&self, new: &Schema) -> Vec<SchemaChange> {
        let mut changes = Vec::new();
        self.diff_into(new, &[], &mut changes);
        changes
    }

    fn diff_into(&self, new: &Schema, parents: &[Name], changes: &mut Vec<SchemaChange>) {
        let at =
            |name: &Name| parents.iter().rev().fold(Path::field(name.clone()), |p, parent| p.under(parent.clone()));
        let previous = |field: &FieldDef| self.fields.iter().find(|old| field.is_called(&old.name));
        for field in new.fields.iter() {
            let path = at(&field.name);
            match previous(field) {
                None => changes.push(SchemaChange { path, change: FieldChange::Added(field.ty.clone()) }),
                Some(old) => old.diff_field(field, path, parents, changes),
            }
        }
        for old in self.fields.iter().filter(|old| !new.fields.iter().any(|field| field.is_called(&old.name))) {
            changes.push(SchemaChange { path: at(&old.name), change: FieldChange::Removed(old.ty.clone()) });
        }
    }

    /// Walks the difference of two fields of one name; records inside are walked, not compared whole.
    fn diff_nested(&self, new: &Schema, parents: &[Name], name: &Name, changes: &mut Vec<SchemaChange>) {
        let inside: Vec<Name> = parents.iter().cloned().chain([name.clone()]).collect();
        self.diff_into(new, &inside, changes);
    }
}

impl FieldDef {
    fn diff_field(&self, new: &FieldDef, path: Path, parents: &[Name], changes: &mut Vec<SchemaChange>) {
        let mut note = |change| changes.push(SchemaChange { path: path.clone(), change });
        if self.name != new.name {
            note(FieldChange::Renamed { from: self.name.clone() });
        }
        let flags = [
            (self.nullable, new.nullable, FieldChange::Nullable as fn(bool) -> FieldChange),
            (self.id, new.id, FieldChange::Id),
            (self.index, new.index, FieldChange::Index),
            (self.unique, new.unique, FieldChange::Unique),
            (self.large, new.large, FieldChange::Large),
        ];
        flags.into_iter().filter(|(old, new, _)| old != new).for_each(|(_, new, change)| note(change(new)));
        if self.decimal != new.decimal {
            note(FieldChange::Decimal(new.decimal));
        }
        match (&self.ty, &new.ty) {
            (Type::Record(old), Type::Record(inner)) => old.diff_nested(inner, parents, &new.name, changes),
            (old, ty) if old != ty => note(FieldChange::Retyped { from: old.clone(), to: ty.clone() }),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> Schema {
        Schema::new("people")
            .field(FieldDef::new("email", Type::Text).id())
            .field(FieldDef::new("age", Type::U8).nullable())
            .field(FieldDef::new(
                "home",
                Type::record(Schema::new("home").field(FieldDef::new("city", Type::Text).indexed())),
            ))
    }

    #[test]
    fn a_schema_survives_json() {
        let text = serde_json::to_string(&people()).unwrap_or_default();
        assert_eq!(serde_json::from_str::<Schema>(&text).ok(), Some(people()));
    }

    #[test]
    fn a_schema_reads_like_a_declaration() {
        assert_eq!(people().to_string(), "people { email: text id, age: u8?, home: { city: text index } }");
    }

    #[test]
    fn a_difference_is_named_at_its_place() {
        let mut new = people();
        new.fields.to_mut()[2].ty = Type::record(Schema::new("home").field(FieldDef::new("city", Type::Json)));
        let changes: Vec<String> = people().diff(&new).iter().map(ToString::to_string).collect();
        assert_eq!(changes, ["home.city: no longer indexed", "home.city: was text, is json"]);
        assert!(people().diff(&people()).is_empty());
    }

    #[test]
    fn a_decimal_says_its_precision_and_scale_and_nothing_else_does() {
        let priced =
            |ty, precision, scale| Schema::new("shop").field(FieldDef::new("price", ty).decimal(precision, scale));
        let shop = priced(Type::Decimal, 9, 2);
        assert_eq!(shop.to_string(), "shop { price: decimal(9, 2) }");
        assert_eq!(
            serde_json::from_str::<Schema>(&serde_json::to_string(&shop).unwrap_or_default()).ok(),
            Some(shop.clone())
        );
        let changes: Vec<String> = shop.diff(&priced(Type::Decimal, 18, 4)).iter().map(ToString::to_string).collect();
        assert_eq!(changes, ["price: now decimal(18, 4)"]);
        assert!(shop.validate().is_ok() && priced(Type::Decimal, 76, 76).validate().is_ok());
        for wrong in [
            priced(Type::F64, 9, 2),
            priced(Type::Decimal, 0, 0),
            priced(Type::Decimal, 77, 2),
            priced(Type::Decimal, 2, 3),
        ] {
            assert_eq!(
                wrong.validate().err().and_then(|e| e.place().field.clone()).as_deref(),
                Some("price"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn impossible_schemas_are_refused_with_their_field() {
        let twice = people().field(FieldDef::new("age", Type::Text));
        let envelope = people().field(FieldDef::new("_id", Type::Text));
        let ids = people().field(FieldDef::new("n", Type::U64).id());
        let listed =
            |field| people().field(FieldDef::new("n", Type::list(Type::record(Schema::new("n").field(field)))));
        let in_list = listed(FieldDef::new("code", Type::Text).unique());
        let list = people().field(FieldDef::new("n", Type::list(Type::Text)).unique());
        assert!(listed(FieldDef::new("code", Type::Text)).validate().is_ok());
        for (schema, field) in [(twice, "age"), (envelope, "_id"), (ids, "n"), (in_list, "n"), (list, "n")] {
            assert_eq!(schema.validate().err().and_then(|e| e.place().field.clone()).as_deref(), Some(field));
        }
    }
}
