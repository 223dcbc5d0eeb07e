//! [`Draft`]: a record on its way into a store, with what the caller wants to say beside it.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::{
    error::{Error, Result},
    id::Id,
    record::{
        codec::{Form, RecordCodec},
        schema::Schema,
        stored::{Metadata, Stored},
    },
    version::Version,
};

/// A record on its way into a store, with an id, metadata or an expected version.
///
/// A write takes anything that is [`IntoDraft`]: a record, a reference to one, a [`Stored`] on its way elsewhere, or a draft.
///
/// ```
/// # use dk_data::{Draft, document};
/// let draft = Draft::of(document! { "name" => "Ann" }).id("ann")?.meta("source", "form");
/// # Ok::<(), dk_data::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Draft<'a, R: RecordCodec> {
    pub(crate) record: Cow<'a, R>,
    pub(crate) id: Option<Id>,
    pub(crate) metadata: Option<Metadata>,
    pub(crate) expected: Option<Version>,
    pub(crate) history: Option<History>,
}

/// Times that a copy or a restore brings along (semantics 5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct History {
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) updated_at: Option<Timestamp>,
    /// They came with a stored record; nobody asked for them by name.
    carried: bool,
}

impl<'a, R: RecordCodec> Draft<'a, R> {
    /// A draft of this record.
    pub fn of(record: impl IntoDraft<'a, R>) -> Self {
        record.into_draft()
    }
    #[inline]
    fn new(record: Cow<'a, R>) -> Self {
        Draft { record, id: None, metadata: None, expected: None, history: None }
    }
    /// The id to store it under. A record type with an id field of its own is stored under that, and any other id is
    /// refused (semantics 1.2).
    ///
    /// # Errors
    /// `Invalid` where the text cannot be an id (semantics 1.1).
    pub fn id(mut self, id: impl IntoId) -> Result<Self> {
        self.id = Some(id.into_id()?);
        Ok(self)
    }
    /// Attaches one metadata value. A draft that says nothing of metadata leaves what is stored as it is; one that says
    /// something replaces all of it (semantics 1.5).
    #[must_use]
    pub fn meta(mut self, name: impl Into<String>, value: impl Into<Json>) -> Self {
        self.metadata.get_or_insert_default().set(name, value);
        self
    }
    /// Replaces all metadata.
    #[must_use]
    pub fn metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = Some(metadata);
        self
    }
    /// The write loses with `Conflict` unless the stored record has this version (semantics 5.2).
    #[must_use]
    pub fn expect(mut self, version: impl Into<Option<Version>>) -> Self {
        self.expected = version.into();
        self
    }
    /// Brings times along, as copy and restore do (semantics 5.3).
    #[must_use]
    pub fn times(mut self, created_at: Option<Timestamp>, updated_at: Option<Timestamp>) -> Self {
        self.history = Some(History { created_at, updated_at, carried: false });
        self
    }
    /// The draft without the times that came with a stored record: an update of what was read is a change of today.
    #[inline]
    pub(crate) fn without_carried_times(mut self) -> Self {
        self.forget_carried_times();
        self
    }
    /// The same in place: a draft that is handed on is copied each time.
    #[inline]
    pub(crate) fn forget_carried_times(&mut self) {
        if self.history.is_some_and(|history| history.carried) {
            self.history = None;
        }
    }
    /// A draft that borrows from this one, to be written to several stores.
    pub fn by_ref(&self) -> Draft<'_, R> {
        Draft {
            record: Cow::Borrowed(&*self.record),
            id: self.id.clone(),
            metadata: self.metadata.clone(),
            expected: self.expected.clone(),
            history: self.history,
        }
    }
    /// The record.
    pub fn record(&self) -> &R {
        &self.record
    }
    /// The id that the caller gave, if any.
    pub fn given_id(&self) -> Option<&Id> {
        self.id.as_ref()
    }
    /// The version that the stored record must have, if any.
    pub fn expected(&self) -> Option<&Version> {
        self.expected.as_ref()
    }
    /// The metadata to store, if any was given.
    pub fn given_metadata(&self) -> Option<&Metadata> {
        self.metadata.as_ref()
    }
    /// The times to store, if any were given: created, updated.
    pub fn given_times(&self) -> Option<(Option<Timestamp>, Option<Timestamp>)> {
        self.history.map(|h| (h.created_at, h.updated_at))
    }
    /// The record, owned.
    pub fn into_record(self) -> R {
        self.record.into_owned()
    }

    /// Checks the record and its metadata and brings the record into its stored form; every engine does this first
    /// (semantics 2.4–2.8). A borrowed record is cloned only where its form must change (semantics 1.4).
    ///
    /// # Errors
    /// `Invalid`, with the field.
    #[inline]
    pub fn seal(&mut self, schema: &Schema) -> Result<()> {
        if self.record.check(schema)? == Form::Loose {
            self.record.to_mut().normalize(schema);
        }
        self.metadata.as_ref().map_or(Ok(()), Metadata::check)
    }

    /// The id to store the record under: the record's own, else the one given, else none, so that the store assigns one.
    ///
    /// # Errors
    /// `Invalid` where the record has an id of its own and another one was given (semantics 1.2).
    #[inline]
    pub fn settle_id(&self, schema: &Schema) -> Result<Option<Id>> {
        let own = self.record.own_id(schema)?;
        match (own, &self.id) {
            (Some(own), Some(given)) if own != *given => Err(other_id(&own, given)),
            (Some(own), _) => Ok(Some(own)),
            (None, given) => Ok(given.clone()),
        }
    }
}

#[cold]
pub(crate) fn other_id(own: &Id, given: &Id) -> Error {
    Error::invalid(format!("the record's own id is `{own}`, so it cannot be stored under `{given}`")).at_id(given)
}

/// What a write takes: a record, `&record`, a [`Stored`] (keeps id, metadata and times), or a [`Draft`].
///
/// A trait of this crate and not `Into<Draft>`, because with a record type still to be inferred that one asks too much of
/// the compiler.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written to a store of `{R}`",
    label = "expected a `{R}`, a reference to one, a `Stored<{R}>` or a `Draft` of one"
)]
pub trait IntoDraft<'a, R: RecordCodec> {
    /// The draft.
    fn into_draft(self) -> Draft<'a, R>;
}

impl<'a, R: RecordCodec> IntoDraft<'a, R> for R {
    #[inline]
    fn into_draft(self) -> Draft<'a, R> {
        Draft::new(Cow::Owned(self))
    }
}

impl<'a, R: RecordCodec> IntoDraft<'a, R> for &'a R {
    #[inline]
    fn into_draft(self) -> Draft<'a, R> {
        Draft::new(Cow::Borrowed(self))
    }
}

impl<'a, R: RecordCodec> IntoDraft<'a, R> for Stored<R> {
    fn into_draft(self) -> Draft<'a, R> {
        let Stored { record, envelope } = self;
        Draft {
            id: Some(envelope.id().clone()),
            metadata: Some(envelope.metadata().clone()),
            history: Some(History {
                created_at: envelope.created_at(),
                updated_at: envelope.updated_at(),
                carried: true,
            }),
            ..Draft::new(Cow::Owned(record))
        }
    }
}

impl<'a, R: RecordCodec> IntoDraft<'a, R> for Draft<'a, R> {
    #[inline]
    fn into_draft(self) -> Draft<'a, R> {
        self
    }
}

/// What names a record: an [`Id`], its text, a UUID or an integer.
pub trait IntoId {
    /// The id.
    ///
    /// # Errors
    /// `Invalid` where the text cannot be an id (semantics 1.1).
    fn into_id(self) -> Result<Id>;
}

macro_rules! into_id {
    ($($native:ty => |$v:ident| $id:expr),* $(,)?) => { $(
        impl IntoId for $native { #[inline] fn into_id(self) -> Result<Id> { let $v = self; $id } }
    )* };
}
into_id! {
    Id => |v| Ok(v), &Id => |v| Ok(v.clone()),
    &str => |v| Ok(Id::new(v)?), String => |v| Ok(Id::new(&v)?), &String => |v| Ok(Id::new(v)?),
    uuid::Uuid => |v| Ok(v.into()), &uuid::Uuid => |v| Ok((*v).into()),
    i8 => |v| Ok(v.into()), i16 => |v| Ok(v.into()), i32 => |v| Ok(v.into()), i64 => |v| Ok(v.into()),
    u8 => |v| Ok(v.into()), u16 => |v| Ok(v.into()), u32 => |v| Ok(v.into()), u64 => |v| Ok(v.into()),
}
