//! What a write does to the place of its id: decided from what is there, without touching it.
//!
//! Every engine must decide the same (semantics 1.2, 1.5, 5.1 to 5.3), so the decisions stand here once, as functions without
//! I/O. An engine that has whole records at hand asks [`Write::decide`]; one that is in more of a hurry asks [`Incoming`].

use std::time::{SystemTime, UNIX_EPOCH};

use crate::{
    error::{Error, Result},
    id::Id,
    record::{BoundChanges, Draft, Envelope, RecordCodec, Schema, Stored},
    store::write::{Effect, Write, Written},
    version::Version,
};

/// How a record goes to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Only where nothing is.
    Create,
    /// Only where something is.
    Update,
    /// Whatever is there.
    Upsert,
}

/// Refuses a write that expects another version than the one that is there (semantics 5.2).
///
/// # Errors
/// `Conflict`.
#[inline]
pub fn check_version(expected: Option<&Version>, found: Option<&Envelope>, id: &Id) -> Result<()> {
    match (expected, found) {
        (None, _) => Ok(()),
        (Some(expected), Some(found)) if found.version() == Some(expected) => Ok(()),
        (Some(_), Some(_)) => Err(Error::conflict("the record's version has moved on; read it again").at_id(id)),
        (Some(_), None) => Err(gone(id)),
    }
}

#[cold]
pub(crate) fn gone(id: &Id) -> Error {
    Error::conflict("the record that had this version is gone").at_id(id)
}

/// Of a write that was tried again and again.
#[cold]
pub(crate) fn overtaken(id: &Id) -> Error {
    Error::conflict("too many others write the same record").at_id(id).retryable(true)
}

#[cold]
pub(crate) fn missing(id: &Id) -> Error {
    Error::not_found("there is no such record").at_id(id)
}

#[cold]
pub(crate) fn taken(id: &Id) -> Error {
    Error::already_exists("the id is taken").at_id(id)
}

/// What is decided of a draft before anybody looks at its place. The draft goes along with it, sealed and owning its record:
/// it stays where it is until the record has its place, because a record that is handed on is copied each time.
#[derive(Clone, Debug)]
pub struct Incoming {
    mode: Mode,
    id: Id,
    now: i64,
}

impl Incoming {
    /// Seals a draft and settles its id; a new record that brings none gets a fresh one. A borrowed record is cloned here,
    /// so that it need not be under a lock.
    ///
    /// # Errors
    /// `Invalid` for what cannot be stored, and for a write that names no record to replace.
    #[inline]
    pub fn new<R: RecordCodec>(mode: Mode, draft: &mut Draft<'_, R>, schema: &Schema) -> Result<Incoming> {
        draft.seal(schema)?;
        let id = match draft.settle_id(schema)? {
            Some(id) => id,
            None if mode == Mode::Create => Id::generate(),
            None => return Err(Error::invalid("the write names no record: give the draft an id")),
        };
        draft.record.to_mut();
        Ok(Incoming { mode, id, now: now() })
    }

    /// The id of its place.
    #[inline]
    pub fn id(&self) -> &Id {
        &self.id
    }

    /// What the draft does to a place where `old` is.
    ///
    /// # Errors
    /// `AlreadyExists`, `NotFound` or `Conflict` (semantics 5.1, 5.2).
    #[inline]
    pub fn check<R: RecordCodec>(&self, draft: &Draft<'_, R>, old: Option<&Envelope>) -> Result<Effect> {
        match (self.mode, old) {
            (Mode::Create, Some(_)) => Err(taken(&self.id)),
            (Mode::Update, None) => Err(missing(&self.id)),
            _ => check_version(draft.expected(), old, &self.id)
                .map(|()| if old.is_some() { Effect::Updated } else { Effect::Created }),
        }
    }

    /// The record as it will be stored where `old` was, still without a version: times never go backwards, and metadata stays
    /// unless some was given (semantics 5.3, 1.5).
    #[inline]
    pub fn stored<R: RecordCodec>(self, draft: Draft<'_, R>, old: Option<&Envelope>) -> Stored<R> {
        let (created, updated) = self.times(&draft, old.map(Envelope::microseconds));
        let metadata = draft.metadata.or_else(|| old.map(|old| old.metadata().clone())).unwrap_or_default();
        let envelope = Envelope::of(self.id).with_microseconds(created, updated).with_metadata(metadata);
        Stored { envelope, record: draft.record.into_owned() }
    }

    /// The same where nothing was, with its version.
    #[inline]
    pub(crate) fn created<R: RecordCodec>(self, draft: Draft<'_, R>, version: Version) -> Stored<R> {
        let mut stored = self.stored(draft, None);
        stored.envelope.set_version(version);
        stored
    }

    /// The same, in the place of the old one. The draft has what was replaced then, to be dropped where that may take its time.
    #[inline]
    pub(crate) fn replace<R: RecordCodec>(&self, draft: &mut Draft<'_, R>, old: &mut Stored<R>, version: Version) {
        let (created, updated) = self.times(draft, Some(old.envelope.microseconds()));
        draft.metadata = old.envelope.rewrite(version, created, updated, draft.metadata.take());
        std::mem::swap(&mut old.record, draft.record.to_mut());
    }

    #[inline]
    fn times<R: RecordCodec>(&self, draft: &Draft<'_, R>, old: Option<(i64, i64)>) -> (i64, i64) {
        let (created, updated) = match old {
            Some((created, updated)) => (created, self.now.max(updated)),
            None => (self.now, self.now),
        };
        let micros = |moment: Option<jiff::Timestamp>| moment.map(|m| m.as_microsecond());
        match draft.given_times() {
            Some((c, u)) => (micros(c).unwrap_or(created), micros(u).unwrap_or(updated)),
            None => (created, updated),
        }
    }
}

impl<R: RecordCodec> Draft<'static, R> {
    /// A record that is there, with changes applied to a copy: for an update of the version that the changes were made from.
    ///
    /// # Errors
    /// `Invalid`, with the field, for a value that does not fit.
    pub fn patched(old: &Stored<R>, changes: &BoundChanges<R>, schema: &Schema) -> Result<Self> {
        let (mut record, mut metadata) = (old.record.clone(), old.envelope.metadata().clone());
        changes.apply(schema, &mut record, &mut metadata).map_err(|e| e.at_id(old.envelope.id()))?;
        let draft = Draft::of(record).metadata(metadata).id(old.envelope.id())?;
        Ok(draft.expect(old.envelope.version().cloned()))
    }
}

/// Microseconds since 1970, now.
#[inline]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // In words: `as_micros` would do it in pairs of them.
    i64::try_from(since.as_secs())
        .unwrap_or(i64::MAX)
        .saturating_mul(1_000_000)
        .saturating_add(since.subsec_micros().into())
}

/// What is to be done about a write.
#[derive(Clone, Debug)]
pub enum Decision<R> {
    /// Put this record, which has no version yet, in the place of its id.
    Put(Stored<R>, Effect),
    /// Take the record with this id away.
    Remove(Id),
    /// There is nothing to take away.
    Nothing(Id),
}

impl<R> Decision<R> {
    /// The outcome, once it is done.
    pub fn written(&self, version: Option<Version>) -> Written {
        match self {
            Decision::Put(stored, effect) => Written { id: stored.envelope.id().clone(), version, effect: *effect },
            Decision::Remove(id) => Written { id: id.clone(), version: None, effect: Effect::Deleted },
            Decision::Nothing(id) => Written { id: id.clone(), version: None, effect: Effect::Absent },
        }
    }
}

impl<R: RecordCodec> Write<'_, R> {
    /// What this write does, where `find` says what is there. For engines that have whole records at hand; unique values are
    /// still to be looked at.
    ///
    /// # Errors
    /// Why the write is refused; what `find` returned.
    pub fn decide(self, schema: &Schema, find: impl FnOnce(&Id) -> Result<Option<Stored<R>>>) -> Result<Decision<R>> {
        match self {
            Write::Create(draft) => put(Mode::Create, draft, schema, find),
            Write::Update(draft) => put(Mode::Update, draft, schema, find),
            Write::Upsert(draft) => put(Mode::Upsert, draft, schema, find),
            Write::Patch { id, changes, expected } => {
                let changes = changes.bind(schema)?;
                let old = find(&id)?.ok_or_else(|| missing(&id))?;
                check_version(expected.as_ref(), Some(&old.envelope), &id)?;
                put(Mode::Update, Draft::patched(&old, &changes, schema)?, schema, |_| Ok(Some(old)))
            }
            Write::Delete { id, expected } => {
                let old = find(&id)?;
                check_version(expected.as_ref(), old.as_ref().map(|old| &old.envelope), &id)?;
                Ok(if old.is_some() { Decision::Remove(id) } else { Decision::Nothing(id) })
            }
        }
    }
}

fn put<R: RecordCodec>(
    mode: Mode,
    mut draft: Draft<'_, R>,
    schema: &Schema,
    find: impl FnOnce(&Id) -> Result<Option<Stored<R>>>,
) -> Result<Decision<R>> {
    let incoming = Incoming::new(mode, &mut draft, schema)?;
    let old = find(incoming.id())?;
    let old = old.as_ref().map(|old| &old.envelope);
    let effect = incoming.check(&draft, old)?;
    Ok(Decision::Put(incoming.stored(draft, old), effect))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{document, error::ErrorKind, record::Document};

    fn schema() -> Schema {
        Schema::open("people")
    }

    fn stored(updated: i64) -> Stored<Document> {
        let id = Id::new("a").expect("an id");
        let times = (Timestamp::from_microsecond(1).ok(), Timestamp::from_microsecond(updated).ok());
        let envelope = Envelope::of(id).with_times(times.0, times.1).with_version(Version::counter(3));
        Stored { envelope, record: document! { "n" => 1 } }
    }

    fn decided(write: Write<'_, Document>, there: Option<Stored<Document>>) -> Result<Decision<Document>> {
        write.decide(&schema(), |_| Ok(there))
    }

    fn draft() -> Draft<'static, Document> {
        Draft::of(document! { "n" => 2 }).id("a").expect("an id")
    }

    #[test]
    fn each_write_meets_a_place_that_is_taken_or_free() {
        let kind = |decided: Result<Decision<Document>>| decided.map(|d| d.written(None).effect).map_err(|e| e.kind());
        let delete = || Write::Delete { id: Id::new("a").expect("an id"), expected: None };
        assert_eq!(kind(decided(Write::Create(draft()), None)), Ok(Effect::Created));
        assert_eq!(kind(decided(Write::Create(draft()), Some(stored(1)))), Err(ErrorKind::AlreadyExists));
        assert_eq!(kind(decided(Write::Update(draft()), None)), Err(ErrorKind::NotFound));
        assert_eq!(kind(decided(Write::Update(draft()), Some(stored(1)))), Ok(Effect::Updated));
        assert_eq!(kind(decided(Write::Upsert(draft()), None)), Ok(Effect::Created));
        assert_eq!(kind(decided(Write::Upsert(draft()), Some(stored(1)))), Ok(Effect::Updated));
        assert_eq!(kind(decided(delete(), None)), Ok(Effect::Absent));
        assert_eq!(kind(decided(delete(), Some(stored(1)))), Ok(Effect::Deleted));
        let nameless = Write::Update(Draft::of(document! { "n" => 2 }));
        assert_eq!(kind(decided(nameless, None)), Err(ErrorKind::Invalid));
    }

    #[test]
    fn a_version_that_moved_on_is_a_conflict_and_so_is_one_that_is_gone() {
        let with = |count| Write::Upsert(draft().expect(Version::counter(count)));
        assert!(decided(with(3), Some(stored(1))).is_ok());
        assert!(decided(with(2), Some(stored(1))).is_err_and(|e| e.is_conflict()));
        assert!(decided(with(3), None).is_err_and(|e| e.is_conflict()));
    }

    #[test]
    fn times_never_go_backwards() {
        let future = 253_000_000_000_000_000;
        let Ok(Decision::Put(now, _)) = decided(Write::Update(draft()), Some(stored(future))) else {
            panic!("an update of what is there is no error")
        };
        assert_eq!(now.envelope.microseconds(), (1, future));
    }
}
