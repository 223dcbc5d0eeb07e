//! Handles of the envelope's parts: `meta("source").eq("csv")`, `created_at().ge(..)`, `id().is_in(..)`.
//!
//! Their literals are values of run-time type; one that does not fit is refused when the query is run.

use std::sync::{Arc, OnceLock};

use crate::{
    capability::Caps,
    error::Result,
    query::{
        bound::{Bound, Cells},
        filter::Filter,
        order::Key,
        predicate::{Predicate, RunsOn, Seen, Where},
    },
    record::{Changes, Document, Envelope, Path, Schema, Target},
    value::{Value, ValueRef},
};

/// A part of the envelope, as a handle.
#[derive(Clone, Debug)]
pub struct EnvelopeColumn(Path);

/// A metadata value (semantics 1.5): `meta("source").eq("csv")`.
///
/// ```
/// use dk_data::{Query, Document, meta};
/// let query = Query::<Document>::new().filter(meta("source").eq("csv") & !meta("rows").ge(10)).sort(meta("rows").desc());
/// ```
pub fn meta(name: impl Into<crate::record::Name>) -> EnvelopeColumn {
    EnvelopeColumn(Path::field("_metadata").then(name))
}
/// The storage id.
pub fn id() -> EnvelopeColumn {
    EnvelopeColumn(Path::field("_id"))
}
/// When the record was created.
pub fn created_at() -> EnvelopeColumn {
    EnvelopeColumn(Path::field("_created_at"))
}
/// When the record was last written.
pub fn updated_at() -> EnvelopeColumn {
    EnvelopeColumn(Path::field("_updated_at"))
}

/// A predicate over the envelope alone, over records of any type.
#[derive(Clone, Debug)]
pub struct OnEnvelope {
    filter: Filter,
    bound: Arc<OnceLock<Option<Bound<Document>>>>,
}

impl OnEnvelope {
    fn new(filter: Filter) -> Where<OnEnvelope> {
        Where(OnEnvelope { filter, bound: Arc::default() })
    }
    fn bind(&self) -> Result<Bound<Document>> {
        self.filter.clone().bind(&Schema::open(""))
    }
}

/// An envelope as a row without fields.
struct Row<'a>(&'a Envelope);

impl Cells for Row<'_> {
    type Error = std::convert::Infallible;
    fn cell(&self, _: usize, target: &Target) -> Result<ValueRef<'_>, Self::Error> {
        Ok(self.0.cell(target))
    }
}

impl<R> Predicate<R> for OnEnvelope {
    fn matches(&self, row: Seen<'_, R>) -> bool {
        let bound = self.bound.get_or_init(|| self.bind().ok());
        bound.as_ref().is_some_and(|bound| {
            let Ok(holds) = bound.test(&Row(row.envelope));
            holds
        })
    }
    fn lower(&self) -> Option<Filter> {
        Some(self.filter.clone())
    }
    fn check(&self) -> Result<()> {
        self.bind().map(drop)
    }
    fn needs(&self) -> Caps {
        Caps::NONE
    }
}
impl<E> RunsOn<E> for OnEnvelope {}

impl EnvelopeColumn {
    /// Equal. False of null.
    pub fn eq(self, value: impl Into<Value>) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::eq(self.0, value))
    }
    /// Not equal; true of null (semantics 3.3).
    pub fn ne(self, value: impl Into<Value>) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::ne(self.0, value))
    }
    /// Greater. False of null.
    pub fn gt(self, value: impl Into<Value>) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::gt(self.0, value))
    }
    /// Greater or equal. False of null.
    pub fn ge(self, value: impl Into<Value>) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::ge(self.0, value))
    }
    /// Less. False of null.
    pub fn lt(self, value: impl Into<Value>) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::lt(self.0, value))
    }
    /// Less or equal. False of null.
    pub fn le(self, value: impl Into<Value>) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::le(self.0, value))
    }
    /// A text that holds this, or a list that holds this item. False of null.
    pub fn contains(self, value: impl Into<Value>) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::contains(self.0, value))
    }
    /// Both ends included. False of null.
    pub fn between(self, low: impl Into<Value>, high: impl Into<Value>) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::between(self.0, low, high))
    }
    /// The complement of [`between`](Self::between): true of null.
    pub fn not_between(self, low: impl Into<Value>, high: impl Into<Value>) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::between(self.0, low, high).not())
    }
    /// Null or missing.
    pub fn is_null(self) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::is_null(self.0))
    }
    /// Not null.
    pub fn not_null(self) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::is_null(self.0).not())
    }
    /// One of these. False of null.
    pub fn is_in<V: Into<Value>>(self, list: impl IntoIterator<Item = V>) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::is_in(self.0, list))
    }
    /// The complement of [`is_in`](Self::is_in): true of null.
    pub fn not_in<V: Into<Value>>(self, list: impl IntoIterator<Item = V>) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::is_in(self.0, list).not())
    }
    /// Like a pattern (semantics 3.6). False of null.
    pub fn like(self, pattern: &str) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::like(self.0, pattern, false))
    }
    /// The complement of [`like`](Self::like): true of null.
    pub fn not_like(self, pattern: &str) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::like(self.0, pattern, false).not())
    }
    /// Like a pattern, ASCII letters of both cases alike. False of null.
    pub fn ilike(self, pattern: &str) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::like(self.0, pattern, true))
    }
    /// A text that begins with this. False of null.
    pub fn starts_with(self, prefix: &str) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::starts_with(self.0, prefix))
    }
    /// A text that ends with this. False of null.
    pub fn ends_with(self, suffix: &str) -> Where<OnEnvelope> {
        OnEnvelope::new(Filter::ends_with(self.0, suffix))
    }
    /// A sort key, from the least to the greatest.
    pub fn asc<R>(self) -> Key<R> {
        Key::asc(self.0)
    }
    /// A sort key, from the greatest to the least.
    pub fn desc<R>(self) -> Key<R> {
        Key::desc(self.0)
    }
    /// Gives metadata this value; other parts refuse it when the change is applied.
    pub fn set<R>(self, value: impl Into<Value>) -> Changes<R> {
        Changes::set(self.0, value)
    }
    /// The path as data.
    pub fn path(&self) -> &Path {
        &self.0
    }
}
