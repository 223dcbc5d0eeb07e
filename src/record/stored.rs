//! What a store keeps beside a record: [`Envelope`], [`Metadata`], and both together as [`Stored`].

use std::{collections::BTreeMap, fmt, ops::Deref};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    error::{Error, Result},
    id::Id,
    record::{document::Document, field_type::to_microseconds},
    value::{Value, ValueRef},
    version::Version,
};

/// A record as a store keeps it: with its id, version, times and metadata.
///
/// Dereferences to the record alone, so that a record's own `id` or `created_at` is never shadowed (semantics 1.4).
#[derive(Clone, Debug, PartialEq)]
pub struct Stored<R> {
    /// What the store adds.
    pub envelope: Envelope,
    /// The record, in its stored form.
    pub record: R,
}

impl<R> Deref for Stored<R> {
    type Target = R;
    fn deref(&self) -> &R {
        &self.record
    }
}

impl<R> Stored<R> {
    /// Storage id of the record.
    pub fn storage_id(&self) -> &Id {
        &self.envelope.id
    }
    /// The record alone.
    pub fn into_record(self) -> R {
        self.record
    }
}

/// What a store adds to a record (semantics 1.4). Rows of foreign files and tables may lack any part but the id.
#[derive(Clone, PartialEq)]
pub struct Envelope {
    id: Id,
    version: Option<Version>,
    created_at: Micros,
    updated_at: Micros,
    metadata: Metadata,
}

/// Microseconds since 1970, with one value to spare for "not known".
#[derive(Clone, Copy, PartialEq, Eq)]
struct Micros(i64);

impl Micros {
    const UNKNOWN: Micros = Micros(i64::MIN);

    fn of(moment: Option<Timestamp>) -> Micros {
        moment.map_or(Micros::UNKNOWN, |m| Micros(to_microseconds(m).as_microsecond()))
    }
    fn get(self) -> Option<Timestamp> {
        Timestamp::from_microsecond(self.0).ok()
    }
}

impl Envelope {
    /// An envelope of which only the id is known.
    pub fn of(id: Id) -> Envelope {
        Envelope {
            id,
            version: None,
            created_at: Micros::UNKNOWN,
            updated_at: Micros::UNKNOWN,
            metadata: Metadata::new(),
        }
    }
    /// Sets the version.
    #[must_use]
    pub fn with_version(mut self, version: impl Into<Option<Version>>) -> Envelope {
        self.version = version.into();
        self
    }
    /// Sets the version in place.
    pub(crate) fn set_version(&mut self, version: Version) {
        self.version = Some(version);
    }
    /// Sets in place what a write changes; gives back the metadata that was there, if it was replaced.
    #[inline]
    pub(crate) fn rewrite(
        &mut self,
        version: Version,
        created: i64,
        updated: i64,
        metadata: Option<Metadata>,
    ) -> Option<Metadata> {
        self.version = Some(version);
        (self.created_at, self.updated_at) = (Micros(created), Micros(updated));
        metadata.map(|metadata| std::mem::replace(&mut self.metadata, metadata))
    }
    /// Sets both times; digits below the microsecond are cut off.
    #[must_use]
    pub fn with_times(
        mut self,
        created: impl Into<Option<Timestamp>>,
        updated: impl Into<Option<Timestamp>>,
    ) -> Envelope {
        (self.created_at, self.updated_at) = (Micros::of(created.into()), Micros::of(updated.into()));
        self
    }
    /// Both times in microseconds since 1970, for engines that keep them so.
    #[must_use]
    pub(crate) fn with_microseconds(mut self, created: i64, updated: i64) -> Envelope {
        (self.created_at, self.updated_at) = (Micros(created), Micros(updated));
        self
    }
    /// Sets the metadata.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Envelope {
        self.metadata = metadata;
        self
    }
    /// The storage id (semantics 1.1).
    pub fn id(&self) -> &Id {
        &self.id
    }
    /// The version, where the record has one (semantics 5.2).
    pub fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }
    /// When the record was created, to the microsecond (semantics 5.3).
    pub fn created_at(&self) -> Option<Timestamp> {
        self.created_at.get()
    }
    /// When it was last written, to the microsecond (semantics 5.3).
    pub fn updated_at(&self) -> Option<Timestamp> {
        self.updated_at.get()
    }
    pub(crate) fn microseconds(&self) -> (i64, i64) {
        (self.created_at.0, self.updated_at.0)
    }
    /// What the caller attached (semantics 1.5).
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }
}

impl fmt::Debug for Envelope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("id", &self.id)
            .field("version", &self.version)
            .field("created_at", &self.created_at())
            .field("updated_at", &self.updated_at())
            .field("metadata", &self.metadata)
            .finish()
    }
}

/// What a caller attaches to a record: names of 1 to 128 bytes with JSON values, 64 KiB in all (semantics 1.5).
///
/// ```
/// use dk_data::Metadata;
/// let metadata: Metadata = [("source", "csv")].into_iter().collect();
/// assert_eq!(metadata.get("source").and_then(|v| v.as_str()), Some("csv"));
/// ```
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
#[allow(clippy::box_collection, reason = "most records have none, and then it is one word")]
pub struct Metadata(Option<Box<BTreeMap<String, Json>>>);

impl Metadata {
    /// The most bytes that the whole may have, as JSON.
    pub const MAX_BYTES: usize = 64 * 1024;
    /// The most bytes that a name may have.
    pub const MAX_NAME_BYTES: usize = 128;

    /// Nothing attached.
    pub fn new() -> Metadata {
        Metadata(None)
    }
    /// Attaches a value; null takes the name out.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Json>) -> &mut Self {
        match value.into() {
            Json::Null => self.remove(&name.into()),
            value => self.0.get_or_insert_default().insert(name.into(), value),
        };
        self
    }
    /// Takes a name out.
    pub fn remove(&mut self, name: &str) -> Option<Json> {
        let taken = self.0.as_mut()?.remove(name);
        if self.is_empty() {
            self.0 = None;
        }
        taken
    }
    /// The value under a name.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0.as_ref()?.get(name)
    }
    /// All names with their values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().flat_map(|map| map.iter()).map(|(name, value)| (name.as_str(), value))
    }
    /// Whether nothing is attached.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|map| map.is_empty())
    }

    /// The value as predicates see it: JSON text as text, numbers as numbers, arrays as lists, objects as JSON.
    pub(crate) fn cell(&self, name: &str) -> ValueRef<'_> {
        self.get(name).map_or(ValueRef::Null, plain)
    }

    /// Refuses names and sizes over the limits (semantics 1.5).
    ///
    /// # Errors
    /// `Invalid`, with the name.
    pub fn check(&self) -> Result<()> {
        let Some(map) = &self.0 else { return Ok(()) };
        for (name, value) in map.iter() {
            let refused = |why: &'static str| Err(Error::invalid(why).at_field(format!("_metadata.{name}")));
            let field = crate::record::document::undeclared(name);
            match name.len() {
                0 => return refused("a metadata name cannot be empty"),
                1..=Self::MAX_NAME_BYTES if !name.contains('\0') => {
                    crate::record::json_field::check_json(value, &field)?
                }
                1..=Self::MAX_NAME_BYTES => return refused("a metadata name holds U+0000"),
                _ => return refused("a metadata name holds at most 128 bytes"),
            }
        }
        let bytes = serde_json::to_vec(map).map_or(usize::MAX, |json| json.len());
        match bytes {
            0..=Self::MAX_BYTES => Ok(()),
            _ => Err(Error::invalid(format!("metadata of {bytes} bytes; at most {} are kept", Self::MAX_BYTES))
                .at_field("_metadata")),
        }
    }
}

/// JSON as predicates see it.
fn plain(json: &Json) -> ValueRef<'_> {
    match json {
        Json::Null => ValueRef::Null,
        Json::Bool(v) => ValueRef::Bool(*v),
        Json::String(v) => ValueRef::text(v),
        Json::Number(v) => match v.as_i128() {
            Some(int) => ValueRef::Int(int),
            None => v.as_f64().map_or(ValueRef::Null, ValueRef::Float),
        },
        Json::Array(items) => ValueRef::List(items.iter().map(|item| plain(item).into_owned()).collect()),
        object => ValueRef::Json(std::borrow::Cow::Borrowed(object)),
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<N: Into<String>, V: Into<Json>> FromIterator<(N, V)> for Metadata {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Metadata {
        let mut metadata = Metadata::new();
        for (name, value) in pairs {
            metadata.set(name, value);
        }
        metadata
    }
}

/// A value as metadata keeps it: as JSON, where it has a JSON form of its own, else as text.
pub(crate) fn json_of(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(v) => Json::Bool(*v),
        Value::Int(v) => i64::try_from(*v)
            .map(Json::from)
            .or_else(|_| u64::try_from(*v).map(Json::from))
            .unwrap_or_else(|_| Json::from(v.to_string())),
        Value::Float(v) => Json::from(*v),
        Value::Text(v) => Json::from(v.as_str()),
        Value::Json(v) => v.clone(),
        Value::List(items) => Json::Array(items.iter().map(json_of).collect()),
        Value::Record(inside) => json_of_document(inside),
        Value::Vector(v) => Json::from(v.as_slice()),
        Value::Decimal(v) => Json::from(v.to_string()),
        Value::Uuid(v) => Json::from(v.to_string()),
        Value::Timestamp(v) => Json::from(v.to_string()),
        Value::Date(v) => Json::from(v.to_string()),
        Value::Bytes(v) => Json::from(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, v)),
    }
}

fn json_of_document(document: &Document) -> Json {
    Json::Object(document.iter().map(|(name, value)| (name.to_owned(), json_of(value))).collect())
}
