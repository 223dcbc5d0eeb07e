//! Single writes: one prepared statement and one round trip each, and what is done when the reply gets lost.

use jiff::Timestamp;

use super::{
    codec, error, key,
    link::Link,
    pool::{Loan, Pool, Session},
    query::Statement,
    rows::Output,
    schema::{Table, VersionAt},
    statement::{Brings, version_compared, version_kind},
    store::PostgresStore,
    tagged,
    wire::{Scalar, Values},
};
use crate::{
    error::{Error, ErrorKind, Result},
    id::{Id, IdBuffer},
    record::{Draft, Envelope, Metadata, RecordCodec},
    store::{
        Limits,
        decide::{missing, taken},
        effort,
        write::{Effect, Outcome, Write, Written},
    },
    version::Version,
};

/// What a write does to the place of its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Create,
    Update,
    Upsert,
}

/// A draft that was checked, with the id that it will have and what it brings.
pub(super) struct Sealed<'d, R: RecordCodec> {
    pub(super) id: Id,
    pub(super) draft: &'d Draft<'d, R>,
    pub(super) brings: Brings,
    pub(super) version: [u8; 16],
}

impl<'d, R: RecordCodec> Sealed<'d, R> {
    /// Checks a draft, brings it into its stored form where it is, and settles its id.
    pub(super) fn of(store: &PostgresStore<R>, verb: Verb, draft: &'d mut Draft<'_, R>) -> Result<Sealed<'d, R>> {
        draft.seal(&store.shape)?;
        let id = match store.settle_id(draft)? {
            Some(id) => id,
            None if verb == Verb::Create => store.table.new_id()?,
            None => return Err(Error::invalid("the write names no record: give the draft an id")),
        };
        let brings = Brings::of(draft);
        store.refuse_lacking(draft, brings).map_err(|e| e.at_id(&id))?;
        Ok(Sealed { id, draft, brings, version: crate::id::random_token() })
    }

    /// Appends the columns of [`Table::written`].
    pub(super) fn push_row(&self, store: &PostgresStore<R>, now: i64, out: &mut Values) -> Result<()> {
        let table = &*store.table;
        codec::encode_record(self.draft.record(), &store.shape, table, out).map_err(|e| e.at_id(&self.id))?;
        if table.has_own_id() {
            let mark = out.mark();
            if put_id(&self.id, table, out).is_none() {
                return Err(unfit(&self.id, table));
            }
            out.since(mark).try_for_each(|id| table.id.refuse_misfit(id)).map_err(|e| e.at_id(&self.id))?;
        }
        if let VersionAt::Token(_) = table.version {
            out.uuid(self.version);
        }
        let (created, updated) = self.times(now)?;
        if table.created_at.is_some() {
            out.i64(created);
        }
        if table.updated_at.is_some() {
            out.i64(updated);
        }
        if table.metadata.is_some() {
            push_metadata(self.draft.given_metadata(), out)?;
        }
        Ok(())
    }

    /// Both times, in microseconds as the server counts them.
    fn times(&self, now: i64) -> Result<(i64, i64)> {
        let (created, updated) = self.draft.given_times().unwrap_or_default();
        let micros = |moment: Option<Timestamp>| match moment {
            None => Ok(now),
            Some(moment) => super::wire::micros_of(crate::record::field_type::to_microseconds(moment))
                .ok_or_else(|| Error::invalid("PostgreSQL holds no time before 4714 BC").at_id(&self.id)),
        };
        Ok((micros(created)?, micros(updated)?))
    }

    /// The parameters of an update.
    fn update_values(&self, store: &PostgresStore<R>, now: i64) -> Result<Values> {
        let mut out = Values::default();
        let table = &*store.table;
        codec::encode_record(self.draft.record(), &store.shape, table, &mut out).map_err(|e| e.at_id(&self.id))?;
        if let VersionAt::Token(_) = table.version {
            out.uuid(self.version);
        }
        let (created, updated) = self.times(now)?;
        if table.updated_at.is_some() {
            out.i64(updated);
        }
        if self.brings.created_at && table.created_at.is_some() {
            out.i64(created);
        }
        if self.brings.metadata && table.metadata.is_some() {
            push_metadata(self.draft.given_metadata(), &mut out)?;
        }
        push_id(&self.id, table, &mut out);
        if let Some(expected) = self.draft.expected() {
            push_version(expected, &mut out);
        }
        Ok(out)
    }

    pub(super) fn written(&self, version: Option<Version>, effect: Effect) -> Written {
        Written { id: self.id.clone(), version, effect }
    }
}

/// Microseconds since 2000.
pub(super) fn now() -> i64 {
    super::wire::micros_of(Timestamp::now()).unwrap_or_default()
}

/// Appends an id in the kind of its column; null where no row can have it.
pub(super) fn push_id(id: &Id, table: &Table, out: &mut Values) {
    if put_id(id, table, out).is_none() {
        out.null();
    }
}

/// Appends an id as an item of an array, where a row can have it: an array has no place for nothing.
pub(super) fn push_item(id: &Id, table: &Table, items: &mut Values) {
    let _ = put_id(id, table, items);
}

/// Appends an id where a row can have it.
fn put_id(id: &Id, table: &Table, out: &mut Values) -> Option<()> {
    match table.id.kind.scalar {
        Scalar::Text if !table.can_have(id) => return None,
        Scalar::Text => out.put(id.text(&mut IdBuffer::new()).as_bytes()),
        Scalar::Uuid => out.uuid(id.as_uuid()?.into_bytes()),
        scalar => match id.as_integer() {
            Some(number) => codec::put_integer(out, scalar, number)?,
            None => key::literal_of(id, scalar)?.push(scalar, out),
        },
    }
    Some(())
}

/// The error of a new record whose id its table's key cannot hold.
#[cold]
fn unfit(id: &Id, table: &Table) -> Error {
    let why = format!("the key of its table is {}, of which this is no value as an id writes it", table.id.kind.sql());
    Error::invalid(why).at_id(id).at_field(table.id.name.clone())
}

/// Appends a version; one of another engine equals none of ours.
pub(super) fn push_version(version: &Version, out: &mut Values) {
    match (version.as_token(), version.as_counter()) {
        (Some(token), _) => out.uuid(token),
        (_, Some(count)) => out.i64(i64::try_from(count).unwrap_or(i64::MAX)),
        _ => out.null(),
    }
}

pub(super) fn push_metadata(metadata: Option<&Metadata>, out: &mut Values) -> Result<()> {
    let Some(metadata) = metadata.filter(|metadata| !metadata.is_empty()) else {
        out.null();
        return Ok(());
    };
    let map: serde_json::Map<_, _> = metadata.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    out.with(|bytes| {
        bytes.push(1);
        tagged::push_json(&map, bytes).map_err(|cause| Error::invalid("the metadata has no JSON form").caused_by(cause))
    })
}

#[cold]
pub(super) fn moved_on(id: &Id) -> Error {
    Error::conflict("the record's version has moved on, or it is gone; read it again").at_id(id)
}

/// The version that a write gave its record.
pub(super) fn version_given(table: &Table, token: [u8; 16], xmin: Option<&[u8]>) -> Option<Version> {
    match table.version {
        VersionAt::Token(_) => Some(Version::token(token)),
        VersionAt::Xmin => Some(Version::counter(u32::from_be_bytes(xmin?.try_into().ok()?).into())),
        VersionAt::Nowhere { .. } => None,
    }
}

/// Whether a record is what was written with this token.
pub(super) fn has_token(there: &Envelope, token: [u8; 16]) -> bool {
    there.version() == Some(&Version::token(token))
}

/// A cell of the row that a write gave back, where it gave one.
fn cell(row: Option<&tokio_postgres::Row>, at: usize) -> Option<&[u8]> {
    codec::raw(row.filter(|row| at < row.len())?, at).ok()?
}

impl<R: RecordCodec> PostgresStore<R> {
    /// Refuses what an existing table has no column for.
    fn refuse_lacking(&self, draft: &Draft<'_, R>, brings: Brings) -> Result<()> {
        let table = &self.table;
        match () {
            () if table.metadata.is_none() && draft.given_metadata().is_some_and(|m| !m.is_empty()) => {
                Err(table.lacks("_metadata"))
            }
            () if brings.expected => self.refuse_conditions(),
            () => Ok(()),
        }
    }

    /// Refuses to look at versions that rows do not have.
    pub(super) fn refuse_conditions(&self) -> Result<()> {
        match self.table.version {
            VersionAt::Nowhere { .. } => Err(Error::unsupported("its rows have no version: a view keeps none")),
            _ => Ok(()),
        }
    }

    pub(super) fn write_single(&self, write: &mut Write<'_, R>, limits: &Limits) -> Outcome {
        self.give_ids(std::slice::from_mut(write), limits)?;
        match write {
            Write::Create(draft) => self.put(Verb::Create, draft, limits),
            Write::Update(draft) => self.put(Verb::Update, draft, limits),
            Write::Upsert(draft) => self.put(Verb::Upsert, draft, limits),
            Write::Patch { id, changes, expected } => self.patch(id, changes, expected.as_ref(), limits),
            Write::Delete { id, expected } => self.delete(id.clone(), expected.as_ref(), limits),
        }
    }

    pub(super) fn put(&self, verb: Verb, draft: &mut Draft<'_, R>, limits: &Limits) -> Outcome {
        self.put_sealed(verb, &Sealed::of(self, verb, draft)?, limits)
    }

    /// A checked record, by itself.
    pub(super) fn put_sealed(&self, verb: Verb, sealed: &Sealed<'_, R>, limits: &Limits) -> Outcome {
        let done = match verb {
            Verb::Create if sealed.brings.expected => self.create_expecting(sealed, limits),
            Verb::Create => self.insert(sealed, limits),
            // A conditional upsert finds its record, or it loses.
            Verb::Upsert if sealed.brings.expected => match self.update(sealed, limits) {
                Err(error) if error.is_not_found() => Err(moved_on(&sealed.id)),
                done => done,
            },
            Verb::Upsert => self.upsert_one(sealed, limits),
            Verb::Update => self.update(sealed, limits),
        };
        done.map_err(|e| e.at_id(&sealed.id))
    }

    /// A new record that must have had a version: it is there, or it had none.
    #[cold]
    fn create_expecting(&self, sealed: &Sealed<'_, R>, limits: &Limits) -> Outcome {
        match self.version_now(&sealed.id, limits)? {
            Some(_) => Err(taken(&sealed.id)),
            None => Err(moved_on(&sealed.id)),
        }
    }

    fn insert(&self, sealed: &Sealed<'_, R>, limits: &Limits) -> Outcome {
        let now = now();
        let mut values = Values::default();
        sealed.push_row(self, now, &mut values)?;
        let statement = self.statements.insert(&self.table).with(values);
        let run =
            |session: &mut Session| session.try_execute(&statement).map_err(|cause| self.violation(&sealed.id, cause));
        let evidence = Evidence { id: &sealed.id, token: Some(sealed.version), before: None };
        let (rows, touched) = match self.write_over(limits, run, evidence)? {
            Ran::Answered(answer) => answer,
            Ran::Found(envelope) => return Ok(sealed.written(Some(found_version(&envelope, sealed)), Effect::Created)),
        };
        if touched == 0 {
            return Err(set_aside());
        }
        let version = version_given(&self.table, sealed.version, cell(rows.first(), 0));
        Ok(sealed.written(version, Effect::Created))
    }

    fn upsert_one(&self, sealed: &Sealed<'_, R>, limits: &Limits) -> Outcome {
        let mut values = Values::default();
        sealed.push_row(self, now(), &mut values)?;
        let statement = self.statements.upsert(&self.table, sealed.brings).with(values);
        let run =
            |session: &mut Session| session.try_execute(&statement).map_err(|cause| self.violation(&sealed.id, cause));
        let evidence = Evidence { id: &sealed.id, token: Some(sealed.version), before: None };
        let (rows, _) = match self.write_over(limits, run, evidence)? {
            Ran::Answered(answer) => answer,
            Ran::Found(envelope) => {
                let effect =
                    if envelope.created_at() == envelope.updated_at() { Effect::Created } else { Effect::Updated };
                return Ok(sealed.written(Some(found_version(&envelope, sealed)), effect));
            }
        };
        let row = rows.first().ok_or_else(set_aside)?;
        let is_new = codec::raw(row, 0)? == Some(&[1]);
        let version = version_given(&self.table, sealed.version, cell(Some(row), 1));
        let effect = if is_new { Effect::Created } else { Effect::Updated };
        Ok(sealed.written(version, effect))
    }

    fn update(&self, sealed: &Sealed<'_, R>, limits: &Limits) -> Outcome {
        let statement = self.statements.update(&self.table, sealed.brings).with(sealed.update_values(self, now())?);
        let run =
            |session: &mut Session| session.try_execute(&statement).map_err(|cause| self.violation(&sealed.id, cause));
        let evidence = Evidence { id: &sealed.id, token: Some(sealed.version), before: sealed.draft.expected() };
        let (rows, touched) = match self.write_over(limits, run, evidence)? {
            Ran::Answered(answer) => answer,
            Ran::Found(envelope) => return Ok(sealed.written(Some(found_version(&envelope, sealed)), Effect::Updated)),
        };
        if touched == 0 {
            return Err(match self.version_now(&sealed.id, limits)? {
                None => missing(&sealed.id),
                Some(_) if sealed.brings.expected => moved_on(&sealed.id),
                Some(_) => set_aside(),
            });
        }
        let version = version_given(&self.table, sealed.version, cell(rows.first(), 0));
        Ok(sealed.written(version, Effect::Updated))
    }

    fn delete(&self, id: Id, expected: Option<&Version>, limits: &Limits) -> Outcome {
        let mut statement =
            Statement::new(format!("DELETE FROM {} WHERE {}", self.table.qualified, self.table.id_is(1)));
        statement.kinds.push(self.table.id.kind);
        push_id(&id, &self.table, &mut statement.values);
        if let Some(expected) = expected {
            self.refuse_conditions().map_err(|e| e.at_id(&id))?;
            statement.push(&format!(" AND {} = ", version_compared(&self.table)));
            statement.bind(version_kind(&self.table), |out| push_version(expected, out));
        }
        let run = |session: &mut Session| session.execute(&statement);
        let evidence = Evidence { id: &id, token: None, before: expected };
        let touched = match self.write_over(limits, run, evidence).map_err(|e| e.at_id(&id))? {
            Ran::Answered((_, touched)) => touched,
            Ran::Found(_) => 0,
        };
        match (touched, expected) {
            (0, Some(_)) => Err(moved_on(&id)),
            (0, None) => Ok(Written { id, version: None, effect: Effect::Absent }),
            _ => Ok(Written { id, version: None, effect: Effect::Deleted }),
        }
    }

    /// The version of a record, where it is there.
    fn version_now(&self, id: &Id, limits: &Limits) -> Result<Option<Option<Version>>> {
        let found = self.link.read(limits, |session| envelope_now(session, &self.table, id))?;
        Ok(found.map(|envelope| envelope.version().cloned()))
    }

    /// What a unique index or a constraint refuses.
    pub(super) fn violation(&self, id: &Id, cause: tokio_postgres::Error) -> Error {
        let index = error::constraint(&cause)
            .and_then(|name| self.table.indexes.iter().find(|index| index.name == name))
            .map(|index| index.field.clone());
        let error = error::failure(cause);
        match (error.kind(), index) {
            (ErrorKind::AlreadyExists, Some(field)) => {
                Error::already_exists("another record has this value").at_id(id).at_field(field).because(error)
            }
            (ErrorKind::AlreadyExists, None) => taken(id).because(error),
            _ => error.at_id(id),
        }
    }

    /// Runs a write. Where its reply gets lost, the record is looked at (semantics 5.6).
    fn write_over<T>(
        &self,
        limits: &Limits,
        run: impl Fn(&mut Session) -> Result<T>,
        evidence: Evidence<'_>,
    ) -> Result<Ran<T>> {
        let pool = match &self.link {
            Link::Transaction(transaction) => return transaction.guarded(limits, &run).map(Ran::Answered),
            Link::Pool(pool) => pool,
        };
        for _ in 0..3 {
            let mut loan = pool.get_fresh(limits)?;
            let error = match run(&mut loan) {
                Err(error) if error::is_lost(&error) => error,
                done => return done.map(Ran::Answered),
            };
            match self.look_back(pool, loan, &evidence, limits) {
                Ok(Trace::Done(envelope)) => return Ok(Ran::Found(envelope)),
                Ok(Trace::NotDone) => effort::repeated(),
                Ok(Trace::Unknown) => return Err(ambiguous(error)),
                Err(unreachable) => return Err(ambiguous(unreachable)),
            }
        }
        Err(Error::new(ErrorKind::Connection, "the connection broke three times over the same write"))
    }

    /// Looks for what a write left behind, once the server's side of its connection is gone. Where that is not known, the write may
    /// still happen.
    #[cold]
    fn look_back(&self, pool: &Pool, loan: Loan, evidence: &Evidence<'_>, limits: &Limits) -> Result<Trace> {
        let backend = loan.backend;
        drop(loan);
        let (ended, found) = pool.after_outage(limits, |session| {
            let ended = backend.end(session)?;
            Ok((ended, envelope_now(session, &self.table, evidence.id)?))
        })?;
        let version = found.as_ref().and_then(|envelope| envelope.version().cloned());
        Ok(match (found, version) {
            (Some(envelope), Some(version)) if evidence.token.is_some_and(|token| version == Version::token(token)) => {
                Trace::Done(envelope)
            }
            (Some(_), Some(version)) if ended && evidence.before == Some(&version) => Trace::NotDone,
            _ => Trace::Unknown,
        })
    }
}

/// The version of a record that was found after its write's reply was lost.
fn found_version<R: RecordCodec>(envelope: &Envelope, sealed: &Sealed<'_, R>) -> Version {
    envelope.version().cloned().unwrap_or_else(|| Version::token(sealed.version))
}

/// What a write leaves behind, by which it is recognised.
struct Evidence<'e> {
    id: &'e Id,
    token: Option<[u8; 16]>,
    before: Option<&'e Version>,
}

/// What the record says of a write whose reply was lost.
enum Trace {
    Done(Envelope),
    NotDone,
    Unknown,
}

/// How it is known that a write ran.
enum Ran<T> {
    Answered(T),
    Found(Envelope),
}

/// What is said of a record that the server took and did not store.
#[cold]
pub(super) fn set_aside() -> Error {
    Error::backend("a trigger or a rule of the table has kept the record from being stored")
}

#[cold]
pub(super) fn ambiguous(cause: Error) -> Error {
    let why = "the reply of the server was lost, and the record does not tell whether the write took effect";
    Error::new(ErrorKind::Ambiguous, why).because(cause)
}

/// The envelope of a record, where it is there.
fn envelope_now(session: &mut Session, table: &Table, id: &Id) -> Result<Option<Envelope>> {
    let output = Output::envelope(table);
    let mut values = Values::default();
    push_id(id, table, &mut values);
    let statement = super::statement::fetch_one(table, &output).with(values);
    let rows = session.query(&statement)?;
    rows.first().map(|row| output.envelope_of(row, id.clone())).transpose()
}
