//! Batches: runs of equal writes go to the server together, by COPY and set-based statements, and each record has its own
//! outcome all the same (semantics 5.4).

use std::sync::Arc;

use foldhash::fast::RandomState;
use tokio_postgres::error::SqlState;

use super::{
    codec,
    copy::Refusal,
    drafts::{Drafts, Places, Seal},
    error::{failure, is_lost, is_of_change},
    link::{Link, Transaction},
    live::{self, Opened},
    offenders::{Refused, is_of_no_row},
    pool::{Backend, Pool, Session},
    query::Statement,
    rows::id_of,
    schema::VersionAt,
    stage::{Rows, Source, Told},
    statement::Brings,
    store::PostgresStore,
    wire::Values,
    write::{Sealed, Verb, ambiguous, has_token, moved_on, now, push_item, set_aside, version_given},
};
use crate::{
    error::{Error, ErrorKind, Result},
    id::Id,
    record::{Envelope, RecordCodec, Schema},
    store::{
        Limits,
        decide::{missing, taken},
        effort,
        write::{Effect, Outcome, Write, Written},
    },
};

type HashMap<K, V> = hashbrown::HashMap<K, V, RandomState>;
type HashSet<T> = hashbrown::HashSet<T, RandomState>;

/// Writes below which each goes alone.
const FEW: usize = 8;
/// Records that are looked for together when a reply was lost.
const LOOKED_FOR: usize = 10_000;

/// Records below which a connection of its own is not worth it.
const LEAST_SHARE: usize = 5_000;

/// What writes have in common that go together.
#[derive(Clone, Copy, PartialEq)]
enum Sort {
    Put(Verb, Brings),
    Delete,
    Alone,
}

fn sort_of<R: RecordCodec>(write: &Write<'_, R>) -> Sort {
    let (verb, draft) = match write {
        Write::Create(draft) => (Verb::Create, draft),
        Write::Update(draft) => (Verb::Update, draft),
        Write::Upsert(draft) => (Verb::Upsert, draft),
        Write::Delete { expected: None, .. } => return Sort::Delete,
        _ => return Sort::Alone,
    };
    let brings = Brings::of(draft);
    match verb {
        Verb::Create | Verb::Upsert if brings.expected => Sort::Alone,
        // What a new record brings makes no difference to how it is stored.
        Verb::Create => Sort::Put(verb, Brings::default()),
        verb => Sort::Put(verb, brings),
    }
}

impl<R: RecordCodec> PostgresStore<R> {
    /// Over how many connections new records go.
    pub(super) fn connections(&self) -> usize {
        match &self.link {
            Link::Pool(pool) => pool.config.load_connections,
            Link::Transaction(_) => 1,
        }
    }

    pub(super) fn write_block(&self, mut rest: &mut [Write<'_, R>], limits: &Limits, outcomes: &mut Vec<Outcome>) {
        if let Some(opened) = self.statements.renewed.get() {
            return PostgresStore::new(self.link.clone(), opened, self.shape.clone())
                .write_block(rest, limits, outcomes);
        }
        if let Err(error) = self.give_ids(rest, limits) {
            let told = of_each(error, rest.len()).into_iter();
            return outcomes.extend(told.map(|outcome| outcome.map_err(|e| e.in_store(&self.name))));
        }
        while let Some(first) = rest.first() {
            let sort = sort_of(first);
            let count = rest.iter().take_while(|write| sort_of(write) == sort).count();
            let (run, behind) = rest.split_at_mut(count);
            rest = behind;
            let done = match sort {
                _ if count < FEW => run.iter_mut().map(|write| self.write_single(write, limits)).collect(),
                Sort::Put(Verb::Create, _) => self.create_run(run, limits),
                Sort::Put(verb, brings) => self.put_share(verb, brings, run, &Places::default(), limits),
                Sort::Delete => self.delete_run(run, limits).unwrap_or_else(|error| of_each(error, count)),
                Sort::Alone => run.iter_mut().map(|write| self.write_single(write, limits)).collect(),
            };
            outcomes.extend(done.into_iter().map(|outcome: Outcome| outcome.map_err(|e| e.in_store(&self.name))));
        }
    }

    /// New records, over several connections where that was asked for. Each share stands by itself: what becomes of one says
    /// nothing of another.
    fn create_run(&self, run: &mut [Write<'_, R>], limits: &Limits) -> Vec<Outcome> {
        let repeated = self.repeated(run);
        let connections = self.connections().min(run.len() / LEAST_SHARE);
        if connections <= 1 {
            return self.create_share(run, &repeated, limits);
        }
        let (length, mut begun) = (run.len().div_ceil(connections), 0);
        std::thread::scope(|scope| {
            let shares = run.chunks_mut(length).map(|share| {
                let here = begun..begun + share.len();
                begun = here.end;
                let repeated: Places =
                    repeated.iter().filter(|place| here.contains(place)).map(|place| place - here.start).collect();
                (share.len(), scope.spawn(move || self.create_share(share, &repeated, limits)))
            });
            let threads: Vec<_> = shares.collect();
            let joined =
                threads.into_iter().map(|(count, thread)| thread.join().unwrap_or_else(|_| of_each(stopped(), count)));
            joined.flatten().collect()
        })
    }

    /// Where ids come again: the first of each that can be stored is created, and the others find it there.
    fn repeated(&self, run: &[Write<'_, R>]) -> Places {
        let stores = |write: &Write<'_, R>| match write {
            Write::Create(draft) => Sealed::of(self, Verb::Create, &mut draft.by_ref())
                .is_ok_and(|sealed| sealed.push_row(self, now(), &mut Values::default()).is_ok()),
            _ => false,
        };
        if self.ascend(run) {
            return Places::default();
        }
        let mut first: HashMap<Id, usize> = HashMap::with_capacity_and_hasher(run.len(), RandomState::default());
        let mut repeated = Places::default();
        for (place, write) in run.iter().enumerate() {
            let Some(id) = self.id_named(write) else { continue };
            let known = *first.entry(id).or_insert(place);
            if known == place {
                continue;
            }
            match run.get(known).is_some_and(stores) {
                true => drop(repeated.insert(place)),
                false => drop(self.id_named(write).and_then(|id| first.insert(id, place))),
            }
        }
        repeated
    }

    /// New records over one connection.
    fn create_share(&self, run: &mut [Write<'_, R>], repeated: &Places, limits: &Limits) -> Vec<Outcome> {
        self.put_share(Verb::Create, Brings::default(), run, repeated, limits)
    }

    /// Puts with one verb over one connection. Drafts are sealed while they are sent: new records straight into the table, others,
    /// of which no id comes again, by way of a table beside it. Where the server refuses some of them, and where ids come again, all
    /// of them are sealed before.
    fn put_share(
        &self,
        verb: Verb,
        brings: Brings,
        run: &mut [Write<'_, R>],
        repeated: &Places,
        limits: &Limits,
    ) -> Vec<Outcome> {
        let at_once = match verb {
            Verb::Create => matches!(self.table.version, VersionAt::Token(_)),
            _ => self.ascend(run),
        };
        let seals = Vec::with_capacity(if at_once { run.len() } else { 0 });
        let mut drafts = Drafts { store: self, verb, run, repeated, seals };
        let refusal = match verb {
            _ if !at_once => None,
            Verb::Create => match self.retried(|| self.copy_over(&mut drafts, limits)) {
                Ok(taken) => return self.copied(drafts.seals, taken, limits),
                Err(refusal) => Some(refusal),
            },
            _ => match self.retried(|| self.stage_over(verb, brings, &mut drafts, limits)) {
                Ok(told) => return self.told_drafts(verb, drafts, told, limits),
                Err(refusal) => Some(refusal),
            },
        };
        let Drafts { run, seals, .. } = drafts;
        let is_changed = match &refusal {
            Some(Refusal::Server(cause)) => is_of_change(cause),
            refusal => matches!(refusal, Some(Refusal::Changed(_))),
        };
        if is_changed && let Some(store) = self.renewed() {
            return store.put_share(verb, brings, run, repeated, limits);
        }
        let sealed = self.sealed_again(verb, run, repeated, seals);
        let rows: Vec<_> = sealed.iter().flatten().collect();
        // An id that is taken is no refusal where rows go by way of a stage.
        let is_taken = |refusal: &Refusal| {
            verb == Verb::Create
                && matches!(refusal, Refusal::Server(cause) if cause.code() == Some(&SqlState::UNIQUE_VIOLATION))
        };
        let done = match refusal {
            None => self.put_rounds(verb, brings, &rows, limits),
            Some(refusal) if is_taken(&refusal) => self.put_rows(verb, brings, &rows, limits),
            Some(refusal) => self.put_refused(verb, brings, &rows, refusal, limits),
        };
        let mut done = done.into_iter();
        let outcome =
            |sealed: Result<Sealed<'_, R>>| sealed.and_then(|_| done.next().unwrap_or_else(|| Err(passed_over())));
        sealed.into_iter().map(outcome).collect()
    }

    /// The same store on the table as it is now, where that is another one than it was: single statements may fit it all the
    /// same, and a COPY does not.
    #[cold]
    fn renewed(&self) -> Option<PostgresStore<R>> {
        let table = live::find(&self.link, &self.shape, &self.name).ok().flatten()?;
        if table == *self.table {
            return None;
        }
        let opened = Arc::new(Opened::new(Schema::clone(&self.shape), table));
        // What a transaction sees may be undone.
        if let Link::Pool(_) = self.link {
            drop(self.statements.renewed.set(opened.clone()));
        }
        Some(PostgresStore::new(self.link.clone(), &opened, self.shape.clone()))
    }

    /// The outcomes of records that were copied. Where the table took fewer than were sent, it is asked for each.
    fn copied(&self, seals: Vec<Result<Seal>>, taken: u64, limits: &Limits) -> Vec<Outcome> {
        let sent = seals.iter().flatten().count() as u64;
        if taken == sent {
            return seals.into_iter().map(|seal| seal.map(Seal::created)).collect();
        }
        let ids: Vec<_> = seals.iter().flatten().map(|seal| seal.id.clone()).collect();
        let found = self.envelopes_of(&ids, limits);
        let asked = |seal: Seal| match &found {
            Ok(found) if found.get(&seal.id).is_some_and(|there| has_token(there, seal.version)) => Ok(seal.created()),
            Ok(_) => Err(set_aside().at_id(&seal.id)),
            Err(error) => Err(ambiguous(again(error)).at_id(&seal.id)),
        };
        seals.into_iter().map(|seal| seal.and_then(asked)).collect()
    }

    /// All drafts of a run, with the versions that were sent: by them a record is recognised.
    fn sealed_again<'d>(
        &self,
        verb: Verb,
        run: &'d mut [Write<'_, R>],
        repeated: &Places,
        seals: Vec<Result<Seal>>,
    ) -> Vec<Result<Sealed<'d, R>>> {
        let mut seals = seals.into_iter();
        let sealed = |(place, write)| match seals.next() {
            Some(Err(error)) => Err(error),
            Some(Ok(seal)) => self.sealed(verb, write).map(|new| Sealed { version: seal.version, id: seal.id, ..new }),
            None if repeated.contains(&place) => {
                Err(self.sealed(verb, write).map_or_else(|error| error, |new| taken(&new.id)))
            }
            None => self.sealed(verb, write),
        };
        run.iter_mut().enumerate().map(sealed).collect()
    }

    /// Copies over a connection of the pool, or that of the transaction.
    fn copy_over(&self, drafts: &mut Drafts<'_, '_, '_, R>, limits: &Limits) -> Result<u64, Refusal> {
        let mut copied = |session: &mut Session| {
            drafts.begin();
            let now = now();
            self.copy_in(session, drafts.len(), |place, out| drafts.push(place, now, out))
        };
        match &self.link {
            Link::Transaction(transaction) => guarded(transaction, limits, copied),
            Link::Pool(pool) => {
                let mut loan = pool.get_fresh(limits).map_err(Refusal::whole)?;
                let backend = loan.backend;
                copied(&mut loan).map_err(|refusal| refusal.committing(backend))
            }
        }
    }

    /// What is told of drafts that went by way of a stage, as their outcomes.
    fn told_drafts(
        &self,
        verb: Verb,
        drafts: Drafts<'_, '_, '_, R>,
        told: Vec<Option<Told>>,
        limits: &Limits,
    ) -> Vec<Outcome> {
        let Drafts { run, seals, .. } = drafts;
        let written = |seal: Seal, told: Told| {
            let version = told.version(&self.table, seal.version);
            Written { id: seal.id, version, effect: told.effect }
        };
        let (mut left, mut outcomes) = (Vec::new(), Vec::with_capacity(run.len()));
        for ((write, seal), told) in run.iter_mut().zip(seals).zip(told) {
            match (seal, told) {
                (Err(error), _) => outcomes.push(Err(error)),
                (Ok(seal), Some(told)) => outcomes.push(Ok(written(seal, told))),
                (Ok(_), None) => {
                    left.push((outcomes.len(), self.sealed(verb, write)));
                    outcomes.push(Err(passed_over()));
                }
            }
        }
        let rows: Vec<_> = left.iter().filter_map(|(_, sealed)| sealed.as_ref().ok()).collect();
        let mut explained = self.explained(verb, &rows, limits).into_iter();
        for (place, sealed) in left {
            outcomes[place] = sealed.and_then(|_| explained.next().unwrap_or_else(|| Err(passed_over())));
        }
        outcomes
    }

    /// Rows of which an id may come again: it waits for the round after its first.
    fn put_rounds(&self, verb: Verb, brings: Brings, rows: &[&Sealed<'_, R>], limits: &Limits) -> Vec<Outcome> {
        let mut outcomes: Vec<Option<Outcome>> = rows.iter().map(|_| None).collect();
        for places in rounds(rows) {
            let some: Vec<_> = places.iter().map(|place| rows[*place]).collect();
            let done = self.put_rows(verb, brings, &some, limits);
            places.into_iter().zip(done).for_each(|(place, outcome)| outcomes[place] = Some(outcome));
        }
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| Err(passed_over()))).collect()
    }

    /// Rows of different ids, together; in halves where the server refuses something that it does not point at.
    fn put_rows(&self, verb: Verb, brings: Brings, rows: &[&Sealed<'_, R>], limits: &Limits) -> Vec<Outcome> {
        if rows.len() < FEW {
            return rows.iter().map(|row| self.put_sealed(verb, row, limits)).collect();
        }
        match self.retried(|| self.stage_rows(verb, brings, rows, limits)) {
            Ok(outcomes) => outcomes,
            Err(Refusal::Record(bad, error)) if bad < rows.len() => {
                let (before, after) = (&rows[..bad], &rows[bad + 1..]);
                let mut outcomes = self.put_rows(verb, brings, before, limits);
                outcomes.push(Err(error));
                outcomes.extend(self.put_rows(verb, brings, after, limits));
                outcomes
            }
            Err(refusal) => self.put_refused(verb, brings, rows, refusal, limits),
        }
    }

    /// Rows that were refused together: those that are good apart from the others.
    fn put_refused(
        &self,
        verb: Verb,
        brings: Brings,
        rows: &[&Sealed<'_, R>],
        refusal: Refusal,
        limits: &Limits,
    ) -> Vec<Outcome> {
        let apart = || match self.retried(|| self.put_apart(verb, brings, rows, limits)) {
            Ok(outcomes) => outcomes,
            Err(refusal) => {
                self.given_up(rows, refusal, limits).unwrap_or_else(|()| self.put_halves(verb, brings, rows, limits))
            }
        };
        self.given_up(rows, refusal, limits).unwrap_or_else(|()| apart())
    }

    /// In halves: what is refused is only known at the end of the transaction.
    fn put_halves(&self, verb: Verb, brings: Brings, rows: &[&Sealed<'_, R>], limits: &Limits) -> Vec<Outcome> {
        let (left, right) = rows.split_at(rows.len() / 2);
        let mut outcomes = self.put_rows(verb, brings, left, limits);
        outcomes.extend(self.put_rows(verb, brings, right, limits));
        outcomes
    }

    /// The outcomes of rows that went together and were refused together; none where they might fare better otherwise.
    fn given_up(&self, rows: &[&Sealed<'_, R>], refusal: Refusal, limits: &Limits) -> Result<Vec<Outcome>, ()> {
        let error = match refusal {
            Refusal::Lost(backend, error) => return Ok(self.trace_rows(rows, backend, error, limits)),
            Refusal::Changed(error) => return Ok(of_each(error, rows.len())),
            Refusal::Server(cause) => failure(cause),
            Refusal::Undone(error) | Refusal::Record(_, error) => error,
        };
        if is_of_no_row(&error) { Ok(of_each(error, rows.len())) } else { Err(()) }
    }

    /// Rows in one go; again where the way to the server broke before anything could take effect.
    fn retried<T>(&self, mut put: impl FnMut() -> Result<T, Refusal>) -> Result<T, Refusal> {
        const TRIES: usize = 3;
        for _ in 1..TRIES {
            match put() {
                Err(Refusal::Undone(_)) if matches!(self.link, Link::Pool(_)) => effort::repeated(),
                done => return done,
            }
        }
        put()
    }

    /// Rows by way of a table of the session alone, in one transaction.
    fn stage_over<S: Source>(
        &self,
        verb: Verb,
        brings: Brings,
        rows: &mut S,
        limits: &Limits,
    ) -> Result<Vec<Option<Told>>, Refusal> {
        self.as_one(limits, |session| self.staged(session, verb, brings, rows).map_err(Refusal::uncommitted))
    }

    /// Runs something all or nothing: in a transaction of its own, or between two marks of the one that there is.
    pub(super) fn as_one<T>(
        &self,
        limits: &Limits,
        work: impl FnOnce(&mut Session) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        match &self.link {
            Link::Pool(pool) => in_transaction(pool, limits, work),
            Link::Transaction(transaction) => guarded(transaction, limits, work),
        }
    }

    /// The same, with the outcome of each row.
    fn stage_rows(
        &self,
        verb: Verb,
        brings: Brings,
        rows: &[&Sealed<'_, R>],
        limits: &Limits,
    ) -> Result<Vec<Outcome>, Refusal> {
        let told = self.stage_over(verb, brings, &mut Rows(self, rows), limits)?;
        Ok(self.outcomes(verb, rows, told, Refused::default(), limits))
    }

    /// The outcome of each row: of those that were not written, and were not refused either, it is found out.
    pub(super) fn outcomes(
        &self,
        verb: Verb,
        rows: &[&Sealed<'_, R>],
        told: Vec<Option<Told>>,
        mut refused: Refused,
        limits: &Limits,
    ) -> Vec<Outcome> {
        let all = || rows.iter().zip(&told).enumerate();
        let left = all().filter(|(place, (_, told))| told.is_none() && !refused.contains_key(place));
        let left: Vec<_> = left.map(|(_, (row, _))| *row).collect();
        let mut explained = self.explained(verb, &left, limits).into_iter();
        let outcome = |(place, (row, told)): (usize, (&&Sealed<'_, R>, &Option<Told>))| match told {
            Some(told) => Ok(row.written(told.version(&self.table, row.version), told.effect)),
            None => match refused.remove(&place) {
                Some(error) => Err(error),
                None => explained.next().unwrap_or_else(|| Err(passed_over())),
            },
        };
        all().map(outcome).collect()
    }

    /// Says of rows that were not written why. What was written is, also where nobody can be asked any more about these.
    fn explained(&self, verb: Verb, rows: &[&Sealed<'_, R>], limits: &Limits) -> Vec<Outcome> {
        if rows.is_empty() {
            return Vec::new();
        }
        let there = match self.ids_there(rows.iter().map(|row| &row.id), limits) {
            Ok(there) => there,
            Err(error) => return rows.iter().map(|row| Err(again(&error).at_id(&row.id))).collect(),
        };
        let outcome = |row: &&Sealed<'_, R>| match (verb, there.contains(&row.id)) {
            (Verb::Update, false) => Err(missing(&row.id)),
            (Verb::Update, true) => Err(moved_on(&row.id)),
            (_, true) => Err(taken(&row.id)),
            // Not the id: alone, it is told what it is, or it is written now.
            (_, false) => self.put_sealed(verb, row, limits),
        };
        rows.iter().map(outcome).collect()
    }

    /// Which of these ids are there.
    fn ids_there<'i>(&self, ids: impl Iterator<Item = &'i Id>, limits: &Limits) -> Result<HashSet<Id>> {
        let (table, id) = (&*self.table, &self.table.id);
        let mut statement = Statement::new(format!("SELECT {} FROM {} WHERE ", id.quoted, table.qualified));
        let mut items = Values::default();
        ids.for_each(|each| push_item(each, table, &mut items));
        statement.among(table, &items);
        let rows = self.link.read(limits, |session| session.query(&statement))?;
        rows.iter().map(|row| id_of(codec::raw(row, 0)?, id.kind)).collect()
    }

    /// What became of rows that were copied straight into the table and whose reply was lost, once the server's side of their
    /// connection is known to be gone: they stand or fall together, so one that is found tells of all.
    #[cold]
    fn trace_rows(&self, rows: &[&Sealed<'_, R>], backend: Backend, lost: Error, limits: &Limits) -> Vec<Outcome> {
        let Link::Pool(pool) = &self.link else { return of_each(lost, rows.len()) };
        let committed = pool.after_outage(limits, |session| backend.end(session)).and_then(|_| {
            for some in rows.chunks(LOOKED_FOR) {
                let ids: Vec<_> = some.iter().map(|row| row.id.clone()).collect();
                let found = self.envelopes_of(&ids, limits)?;
                if some.iter().any(|row| found.get(&row.id).is_some_and(|there| has_token(there, row.version))) {
                    return Ok(true);
                }
            }
            Ok(false)
        });
        let created = |row: &&Sealed<'_, R>| match committed {
            Ok(true) => Ok(row.written(version_given(&self.table, row.version, None), Effect::Created)),
            _ => Err(again(&lost).at_id(&row.id)),
        };
        rows.iter().map(created).collect()
    }

    fn envelopes_of(&self, ids: &[Id], limits: &Limits) -> Result<HashMap<Id, Envelope>> {
        use crate::store::Driver;
        let found = self.fetch(ids, limits)?;
        Ok(found.into_iter().flatten().map(|stored| (stored.envelope.id().clone(), stored.envelope)).collect())
    }

    /// Deletes without conditions.
    fn delete_run(&self, run: &[Write<'_, R>], limits: &Limits) -> Result<Vec<Outcome>> {
        let (table, id) = (&*self.table, &self.table.id);
        let ids: Vec<Id> = run
            .iter()
            .filter_map(|write| if let Write::Delete { id, .. } = write { Some(id.clone()) } else { None })
            .collect();
        let mut items = Values::default();
        ids.iter().for_each(|each| push_item(each, table, &mut items));
        let mut statement = Statement::new(format!("DELETE FROM {} WHERE ", table.qualified));
        statement.among(table, &items);
        statement.push(&format!(" RETURNING {}", id.quoted));
        let (rows, _) = self.link.write_once(&statement, limits)?;
        let mut gone: HashSet<Id> =
            rows.iter().map(|row| id_of(codec::raw(row, 0)?, id.kind)).collect::<Result<_>>()?;
        // The first of an id in the batch is the one that deleted it.
        let outcome = |id: Id| {
            let effect = if gone.remove(&id) { Effect::Deleted } else { Effect::Absent };
            Ok(Written { id, version: None, effect })
        };
        Ok(ids.into_iter().map(outcome).collect())
    }
}

/// The places of rows, such that no round has an id twice: one that comes again waits for the next.
fn rounds<R: RecordCodec>(rows: &[&Sealed<'_, R>]) -> Vec<Vec<usize>> {
    if rows.is_sorted_by(|a, b| a.id < b.id) {
        return vec![(0..rows.len()).collect()];
    }
    let mut rounds: Vec<Vec<usize>> = vec![Vec::with_capacity(rows.len())];
    let mut seen: HashMap<&Id, usize> = HashMap::with_capacity_and_hasher(rows.len(), RandomState::default());
    for (place, row) in rows.iter().enumerate() {
        let round = *seen.entry(&row.id).and_modify(|round| *round += 1).or_insert(0);
        rounds.resize_with(rounds.len().max(round + 1), Vec::new);
        rounds[round].push(place);
    }
    rounds
}

#[cold]
fn passed_over() -> Error {
    Error::backend("a write of the batch was passed over")
}

#[cold]
fn stopped() -> Error {
    Error::new(ErrorKind::Ambiguous, "a thread that copied records stopped")
}

/// The same error once more, for another record.
#[cold]
pub(super) fn again(error: &Error) -> Error {
    Error::new(error.kind(), error.message().to_owned()).retryable(error.is_retryable())
}

/// What kept many records from being written, as the outcome of each.
#[cold]
fn of_each(error: Error, count: usize) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = (1..count).map(|_| Err(again(&error))).collect();
    outcomes.push(Err(error));
    outcomes.truncate(count);
    outcomes
}

/// Whether a write failed because nobody was there to take it.
pub(super) fn was_lost(outcome: &Outcome) -> bool {
    matches!(outcome, Err(error) if is_lost(error))
}

/// Runs something in the user's transaction, whose failure takes nothing else of that with it.
fn guarded<T>(
    transaction: &Transaction,
    limits: &Limits,
    work: impl FnOnce(&mut Session) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let mut refused = None;
    let done = transaction.guarded(limits, |session| {
        work(session).map_err(|refusal| {
            refused = Some(refusal);
            Error::backend("the batch was refused")
        })
    });
    match refused {
        Some(refusal) => Err(refusal),
        None => done.map_err(Refusal::whole),
    }
}

/// Runs something in a transaction of its own.
fn in_transaction<T>(
    pool: &Pool,
    limits: &Limits,
    work: impl FnOnce(&mut Session) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let mut loan = pool.get_fresh(limits).map_err(Refusal::whole)?;
    loan.batch("BEGIN").map_err(Refusal::undone)?;
    loan.in_transaction = true;
    match work(&mut loan) {
        Ok(done) => {
            pool.commit(&mut loan).map_err(Refusal::undone)?;
            loan.in_transaction = false;
            Ok(done)
        }
        Err(refusal) => {
            loan.in_transaction = loan.batch("ROLLBACK").is_err();
            Err(refusal)
        }
    }
}
