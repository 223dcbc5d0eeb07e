//! [`Document`]: a record whose fields are known at run time.

mod codec;
mod filling;
mod keep;
mod reader;
mod typed;
mod writer;

use std::{borrow::Cow, cmp::Ordering, fmt, ops::Index, sync::Arc};

use self::filling::Filling;
pub use self::{reader::DocumentReader, typed::FromValue, writer::DocumentWriter};
use crate::{
    error::Result,
    record::{path::Path, schema::Name},
    value::Value,
};

/// A record whose fields are known at run time: named values, in the order in which they were set.
///
/// A field that is null is one that is missing (semantics 2.1), so [`set`](Document::set)ting null removes it. Two documents
/// are equal when they have equal values under the same names, in whatever order. A store of documents has a
/// [`Schema`](crate::Schema), closed or open; the document itself does not mind.
///
/// ```
/// use dk_data::{Document, document};
/// let mut doc = document! { "name" => "Ann", "age" => 40, "home" => document! { "city" => "Oslo" } };
/// assert_eq!(doc.get_as::<String>("home.city")?.as_deref(), Some("Oslo"));
/// assert_eq!(doc.get_as::<u8>("age")?, Some(40));
/// doc.set("age", None::<i64>);
/// assert_eq!(doc.names().collect::<Vec<_>>(), ["name", "home"]);
/// # Ok::<(), dk_data::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Document {
    /// Shared between the rows of one source; copied when a document of it gets a new name.
    names: Arc<Vec<Name>>,
    /// One value for each name; null where this document lacks it.
    values: Vec<Value>,
}

/// So many names are gone through one by one; more are looked up.
const FEW: usize = 32;

impl Document {
    /// A document without fields.
    pub fn new() -> Document {
        Document::default()
    }

    /// The value of a field, `None` where it is null or missing. The name is taken as it is; for a nested one see
    /// [`at`](Document::at).
    pub fn get(&self, name: &str) -> Option<&Value> {
        let place = self.names.iter().position(|n| n == name)?;
        self.values.get(place).filter(|v| !v.is_null())
    }

    /// The value at a path, `None` where it or a record on the way is null or missing.
    pub fn at(&self, path: &Path) -> Option<&Value> {
        let (last, parents) = path.segments().split_last()?;
        let mut here = self;
        for parent in parents {
            match here.get(parent)? {
                Value::Record(inside) => here = inside,
                _ => return None,
            }
        }
        here.get(last)
    }

    /// The value at a dotted path, as a native type; `None` where it is null or missing.
    ///
    /// # Errors
    /// `Query` where the path does not parse, `Invalid` where the value is of another type or out of its range.
    pub fn get_as<T: FromValue>(&self, path: &str) -> Result<Option<T>> {
        let path: Path = path.parse()?;
        self.at(&path).map(|value| T::from_value(value)).transpose().map_err(|e| e.at_field(path.to_string()))
    }

    /// Sets a field; null removes it. The name is taken as it is.
    pub fn set(&mut self, name: impl Into<Name>, value: impl Into<Value>) -> &mut Self {
        let name = name.into();
        match self.names.iter().position(|n| *n == name) {
            Some(place) => self.values[place] = value.into(),
            None => self.push(name, value.into()),
        }
        self
    }

    /// Appends a field that is known to be new.
    fn push(&mut self, name: Name, value: Value) {
        if !value.is_null() {
            Arc::make_mut(&mut self.names).push(name);
            self.values.push(value);
        }
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        let place = self.names.iter().position(|n| n == name)?;
        let taken = std::mem::take(&mut self.values[place]);
        (!taken.is_null()).then_some(taken)
    }

    /// A field to change in place, made a record where it was not there.
    fn record_mut(&mut self, name: &str) -> Option<&mut Document> {
        let place = self.names.iter().position(|n| n == name)?;
        match &mut self.values[place] {
            Value::Record(inside) => Some(inside),
            _ => None,
        }
    }

    /// The fields that are there, with their names, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.names.iter().map(AsRef::as_ref).zip(&self.values).filter(|(_, v)| !v.is_null())
    }

    /// The names of the fields that are there, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|(name, _)| name)
    }

    /// How many fields are there.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether no field is there.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// By names, then values: a total order, for sorting.
    pub(crate) fn order(&self, other: &Document) -> Ordering {
        let (a, b) = (self.by_name(), other.by_name());
        let pairs = a.iter().zip(&b).map(|(a, b)| a.0.cmp(b.0).then_with(|| a.1.as_ref().order(&b.1.as_ref())));
        pairs.into_iter().find(|o| o.is_ne()).unwrap_or_else(|| a.len().cmp(&b.len()))
    }

    fn by_name(&self) -> Vec<(&str, &Value)> {
        let mut fields: Vec<_> = self.iter().collect();
        fields.sort_by_key(|(name, _)| *name);
        fields
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Document) -> bool {
        if self.names.len() > FEW {
            return self.by_name() == other.by_name();
        }
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

static NULL: Value = Value::Null;

impl Index<&str> for Document {
    type Output = Value;
    /// The value of a field, null where it is missing.
    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&NULL)
    }
}

impl<N: Into<Name>, V: Into<Value>> FromIterator<(N, V)> for Document {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Document {
        let mut document = Filling::default();
        for (name, value) in fields {
            document.set(name.into(), value.into());
        }
        document.done()
    }
}

impl IntoIterator for Document {
    type Item = (Name, Value);
    type IntoIter = std::vec::IntoIter<(Name, Value)>;
    /// The fields that are there, in order.
    fn into_iter(self) -> Self::IntoIter {
        let names = Arc::unwrap_or_clone(self.names);
        let fields: Vec<_> = names.into_iter().zip(self.values).filter(|(_, v)| !v.is_null()).collect();
        fields.into_iter()
    }
}

/// Makes a [`Document`]: `document! { "name" => "Ann", "age" => 40 }`.
#[macro_export]
macro_rules! document {
    ($($name:expr => $value:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut document = $crate::Document::new();
        $( document.set($name, $value); )*
        document
    }};
}

/// A borrowed name for a field of which only the name is known.
pub(crate) fn undeclared(name: &str) -> crate::record::schema::FieldDef {
    crate::record::schema::FieldDef {
        name: Cow::Owned(name.to_owned()),
        nullable: true,
        ..crate::record::schema::FieldDef::EMPTY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_source_share_their_names_until_one_changes() {
        let names = Arc::new(vec![Cow::Borrowed("a"), Cow::Borrowed("b")]);
        let one = Document { names: names.clone(), values: vec![1.into(), Value::Null] };
        let mut two = one.clone();
        two.set("c", 3);
        assert_eq!((Arc::strong_count(&names), one.len(), two.len()), (2, 1, 2));
    }

    #[test]
    fn order_of_fields_and_nulls_are_no_difference() {
        assert_eq!(document! { "a" => 1, "b" => 2 }, document! { "b" => 2, "a" => 1, "c" => None::<bool> });
        assert_ne!(document! { "a" => 1 }, document! { "a" => 1, "b" => 2 });
    }
}
