//! Batches: runs of equal writes go to the server together, by COPY and set-based statements, and each record has its own
//! outcome all the same (semantics 5.4).

use foldhash::fast::RandomState;

use super::{
    codec,
    copy::{Refusal, Stage},
    error::{failure, is_lost},
    link::Link,
    pool::{Backend, Pool, Session, refuse_in_runtime},
    query::Statement,
    rows::id_of,
    schema::VersionAt,
    statement::{Brings, names, on_conflict, update_from},
    store::PostgresStore,
    wire::{Kind, Values, array_items},
    write::{Sealed, Verb, ambiguous, missing, moved_on, now, push_item, taken},
};
use crate::{
    error::{Error, ErrorKind, Result},
    id::Id,
    record::{Envelope, RecordCodec},
    store::{
        Limits, effort,
        write::{Atomicity, Effect, Outcome, Write, Written},
    },
    version::Version,
};

type HashMap<K, V> = hashbrown::HashMap<K, V, RandomState>;
type HashSet<T> = hashbrown::HashSet<T, RandomState>;

/// Writes below which each goes alone.
const FEW: usize = 8;
/// Records that are copied together: enough to make the way there and back count for nothing.
const BLOCK: usize = 250_000;

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
    let (created, updated) = draft.given_times().unwrap_or_default();
    let brings = Brings {
        metadata: draft.given_metadata().is_some(),
        created_at: created.is_some(),
        updated_at: updated.is_some(),
        expected: draft.expected().is_some(),
    };
    match verb {
        Verb::Create | Verb::Upsert if brings.expected => Sort::Alone,
        // What a new record brings makes no difference to how it is stored.
        Verb::Create => Sort::Put(verb, Brings::default()),
        verb => Sort::Put(verb, brings),
    }
}

impl<R: RecordCodec> PostgresStore<R> {
    pub(super) fn write_batch(
        &self,
        writes: Vec<Write<'_, R>>,
        atomicity: Atomicity,
        limits: &Limits,
    ) -> Result<Vec<Outcome>> {
        if let Link::Pool(_) = self.link {
            refuse_in_runtime()?;
        }
        match atomicity {
            Atomicity::Each => self.write_each(writes, limits),
            Atomicity::All => self.write_all(writes, limits),
        }
    }

    fn write_each(&self, writes: Vec<Write<'_, R>>, limits: &Limits) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::with_capacity(writes.len());
        let mut writes = writes.into_iter().peekable();
        while let Some(first) = writes.next() {
            let sort = sort_of(&first);
            let mut run = vec![first];
            while sort != Sort::Alone
                && run.len() < BLOCK
                && let Some(next) = writes.next_if(|next| sort_of(next) == sort)
            {
                run.push(next);
            }
            let count = run.len();
            let done = match sort {
                _ if count < FEW => run.into_iter().map(|write| self.write_single(write, limits)).collect(),
                Sort::Put(verb, brings) => self.put_run(verb, brings, run, limits),
                Sort::Delete => self.delete_run(run, limits).unwrap_or_else(|error| of_each(error, count)),
                Sort::Alone => run.into_iter().map(|write| self.write_single(write, limits)).collect(),
            };
            outcomes.extend(done.into_iter().map(|outcome: Outcome| outcome.map_err(|e| e.in_store(&self.name))));
        }
        unreached(outcomes)
    }

    /// All or nothing: in a transaction, or between two marks of the one that there is.
    fn write_all(&self, writes: Vec<Write<'_, R>>, limits: &Limits) -> Result<Vec<Outcome>> {
        let all = |store: &Self| {
            let outcomes = store.write_each(writes, limits)?;
            outcomes.into_iter().map(|outcome| outcome.map(Ok)).collect::<Result<Vec<_>>>()
        };
        match &self.link {
            Link::Transaction(transaction) => transaction.savepoint(|| all(self)),
            Link::Pool(pool) => {
                let database = super::Postgres::on(pool.clone());
                database.transaction_on(|link| all(&PostgresStore { link, ..self.clone() }))
            }
        }
    }

    /// Puts with one verb. An id that comes again waits for the round after its first (in a batch of creates it is taken).
    fn put_run(&self, verb: Verb, brings: Brings, run: Vec<Write<'_, R>>, limits: &Limits) -> Vec<Outcome> {
        let sealed: Vec<_> = run.into_iter().map(|write| self.sealed(verb, write)).collect();
        let mut outcomes: Vec<Option<Outcome>> = Vec::with_capacity(sealed.len());
        let mut rounds: Vec<Vec<usize>> = vec![Vec::with_capacity(sealed.len())];
        let mut seen: HashMap<&Id, usize> = HashMap::with_capacity_and_hasher(sealed.len(), RandomState::default());
        for (place, sealed) in sealed.iter().enumerate() {
            let Ok(sealed) = sealed else {
                outcomes.push(None);
                continue;
            };
            let round = seen.entry(&sealed.id).and_modify(|round| *round += 1).or_insert(0);
            match (*round, verb) {
                (0, _) => rounds[0].push(place),
                (_, Verb::Create) => {
                    outcomes.push(Some(Err(taken(&sealed.id))));
                    continue;
                }
                (round, _) => {
                    rounds.resize_with(rounds.len().max(round + 1), Vec::new);
                    rounds[round].push(place);
                }
            }
            outcomes.push(None);
        }
        drop(seen);
        for places in rounds {
            let rows: Vec<_> = places.iter().filter_map(|place| sealed[*place].as_ref().ok()).collect();
            let done = self.put_shares(verb, brings, &rows, limits);
            places.into_iter().zip(done).for_each(|(place, outcome)| outcomes[place] = Some(outcome));
        }
        let lost = || Error::backend("a write of the batch was passed over");
        let settled = sealed.into_iter().zip(outcomes).map(|(sealed, outcome)| match (sealed, outcome) {
            (Err(error), _) => Err(error),
            (Ok(_), outcome) => outcome.unwrap_or_else(|| Err(lost())),
        });
        settled.collect()
    }

    /// Rows of different ids, over several connections where that was asked for. Each share stands by itself: what becomes of
    /// one says nothing of another.
    fn put_shares(&self, verb: Verb, brings: Brings, rows: &[&Sealed<'_, R>], limits: &Limits) -> Vec<Outcome> {
        let connections = match (&self.link, verb) {
            (Link::Pool(pool), Verb::Create) => pool.config.load_connections.min(rows.len() / LEAST_SHARE),
            _ => 1,
        };
        if connections <= 1 {
            return self.put_rows(verb, brings, rows, limits);
        }
        std::thread::scope(|scope| {
            let shares = rows.chunks(rows.len().div_ceil(connections));
            let threads: Vec<_> = shares
                .map(|share| (share.len(), scope.spawn(move || self.put_rows(verb, brings, share, limits))))
                .collect();
            let joined =
                threads.into_iter().map(|(count, thread)| thread.join().unwrap_or_else(|_| of_each(stopped(), count)));
            joined.flatten().collect()
        })
    }

    fn sealed<'a>(&self, verb: Verb, write: Write<'a, R>) -> Result<Sealed<'a, R>> {
        match write {
            Write::Create(draft) | Write::Update(draft) | Write::Upsert(draft) => Sealed::of(self, verb, draft),
            _ => Err(Error::backend("a write went with others of another sort")),
        }
    }

    /// Rows of different ids, together; in halves where the server refuses something that it does not point at.
    fn put_rows(&self, verb: Verb, brings: Brings, rows: &[&Sealed<'_, R>], limits: &Limits) -> Vec<Outcome> {
        if rows.len() < FEW {
            return rows.iter().map(|row| self.put_sealed(verb, row, limits)).collect();
        }
        let error = match self.put_together(verb, brings, rows, limits) {
            Ok(outcomes) => return outcomes,
            Err(Refusal::Record(bad, error)) if bad < rows.len() => {
                let (before, after) = (&rows[..bad], &rows[bad + 1..]);
                let mut outcomes = self.put_rows(verb, brings, before, limits);
                outcomes.push(Err(error));
                outcomes.extend(self.put_rows(verb, brings, after, limits));
                return outcomes;
            }
            Err(Refusal::Lost(backend, error)) => return self.trace_rows(verb, rows, backend, error, limits),
            Err(Refusal::Server(cause)) => failure(cause),
            Err(Refusal::Undone(error) | Refusal::Record(_, error)) => error,
        };
        match error.kind() {
            ErrorKind::Connection | ErrorKind::Timeout | ErrorKind::Cancelled => of_each(error, rows.len()),
            _ if error.is_retryable() => of_each(error, rows.len()),
            _ => {
                let (left, right) = rows.split_at(rows.len() / 2);
                let mut outcomes = self.put_rows(verb, brings, left, limits);
                outcomes.extend(self.put_rows(verb, brings, right, limits));
                outcomes
            }
        }
    }

    /// Rows in one go; again where the way to the server broke before anything could take effect.
    fn put_together(
        &self,
        verb: Verb,
        brings: Brings,
        rows: &[&Sealed<'_, R>],
        limits: &Limits,
    ) -> Result<Vec<Outcome>, Refusal> {
        const TRIES: usize = 3;
        let put = || match verb {
            Verb::Create => self.create_rows(rows, limits),
            _ => self.stage_rows(verb, brings, rows, limits),
        };
        for _ in 1..TRIES {
            match put() {
                Err(Refusal::Undone(_)) if matches!(self.link, Link::Pool(_)) => effort::repeated(),
                done => return done,
            }
        }
        put()
    }

    /// New rows, straight into the table; where some of them are there already, by way of a table beside it.
    fn create_rows(&self, rows: &[&Sealed<'_, R>], limits: &Limits) -> Result<Vec<Outcome>, Refusal> {
        if let VersionAt::Token(_) = self.table.version {
            let now = now();
            match self.copy_over(rows, now, limits) {
                Ok(()) => {
                    let written = |row: &&Sealed<'_, R>| Written {
                        id: row.id.clone(),
                        version: Some(Version::token(row.version)),
                        effect: Effect::Created,
                    };
                    return Ok(rows.iter().map(|row| Ok(written(row))).collect());
                }
                Err(Refusal::Server(cause)) if is_unique(&cause) => {}
                Err(other) => return Err(other),
            }
        }
        self.stage_rows(Verb::Create, Brings::default(), rows, limits)
    }

    /// Copies over a connection of the pool, or that of the transaction.
    fn copy_over(&self, rows: &[&Sealed<'_, R>], now: i64, limits: &Limits) -> Result<(), Refusal> {
        let pool = match &self.link {
            Link::Transaction(transaction) => {
                let mut refused = None;
                let done = transaction.guarded(limits, |session| match self.copy_in(session, rows, now) {
                    Ok(()) => Ok(()),
                    Err(refusal) => {
                        refused = Some(refusal);
                        Err(Error::backend("the copy was refused"))
                    }
                });
                return match (done, refused) {
                    (Err(_), Some(refusal)) => Err(refusal),
                    (done, _) => done.map_err(Refusal::whole),
                };
            }
            Link::Pool(pool) => pool,
        };
        let mut loan = pool.get_fresh(limits).map_err(Refusal::whole)?;
        self.copy_in(&mut loan, rows, now).map_err(|refusal| refusal.committing(loan.backend))
    }

    /// Rows by way of a table of the session alone, in one transaction.
    fn stage_rows(
        &self,
        verb: Verb,
        brings: Brings,
        rows: &[&Sealed<'_, R>],
        limits: &Limits,
    ) -> Result<Vec<Outcome>, Refusal> {
        let staged = |session: &mut Session| self.staged(session, verb, brings, rows).map_err(Refusal::uncommitted);
        let mut outcomes = match &self.link {
            Link::Pool(pool) => in_transaction(pool, limits, staged)?,
            Link::Transaction(transaction) => {
                let mut refused = None;
                let done = transaction.guarded(limits, |session| {
                    staged(session).map_err(|refusal| {
                        refused = Some(refusal);
                        Error::backend("the batch was refused")
                    })
                });
                match (done, refused) {
                    (Err(_), Some(refusal)) => return Err(refusal),
                    (done, _) => done.map_err(Refusal::whole)?,
                }
            }
        };
        // What was written is, also where nobody can be asked any more about the rest.
        let explained = self.explain_refused(verb, rows, &mut outcomes, limits);
        let refused = |row: &Sealed<'_, R>| match &explained {
            Ok(()) => taken(&row.id),
            Err(error) => again(error).at_id(&row.id),
        };
        let outcomes = outcomes.into_iter().zip(rows);
        Ok(outcomes.map(|(outcome, row)| outcome.unwrap_or_else(|| Err(refused(row)))).collect())
    }

    /// One outcome for each row; `None` where the row was not written.
    fn staged(
        &self,
        session: &mut Session,
        verb: Verb,
        brings: Brings,
        rows: &[&Sealed<'_, R>],
    ) -> Result<Vec<Option<Outcome>>, Refusal> {
        let whole = Refusal::whole;
        let stage = Stage::make(session, &self.table, brings.expected).map_err(undone)?;
        self.copy_to_stage(session, &stage, rows, now())?;
        let version = match self.table.version {
            VersionAt::Xmin => "xmin::text::bigint",
            _ => "NULL::bigint",
        };
        let columns = names(self.table.written());
        let sql = match verb {
            Verb::Update => format!(
                "{} RETURNING stage._place, false AS is_new, {} AS version",
                update_from(&self.table, brings, stage.name),
                version.replace("xmin", "target.xmin")
            ),
            Verb::Create => format!(
                "INSERT INTO {} ({columns}) SELECT {columns} FROM {} ON CONFLICT DO NOTHING RETURNING {} AS id, true AS is_new, {version} AS version",
                self.table.qualified, stage.name, self.table.id.quoted
            ),
            Verb::Upsert => format!(
                "INSERT INTO {} ({columns}) SELECT {columns} FROM {}{} RETURNING (xmax = 0) AS is_new, {version} AS version",
                self.table.qualified,
                stage.name,
                on_conflict(&self.table, brings)
            ),
        };
        let outcomes = match verb {
            Verb::Upsert => self.in_order(session, &sql, rows)?,
            _ => self.by_key(session, verb, &sql, rows)?,
        };
        stage.drop(session).map_err(whole)?;
        Ok(outcomes)
    }

    /// Outcomes of a statement that answers for every row, in the order in which they were staged: as two arrays, which is
    /// far less to send than a row for each.
    fn in_order(
        &self,
        session: &mut Session,
        sql: &str,
        rows: &[&Sealed<'_, R>],
    ) -> Result<Vec<Option<Outcome>>, Refusal> {
        let sql = format!("WITH done AS ({sql}) SELECT array_agg(is_new), array_agg(coalesce(version, 0)) FROM done");
        let (answer, _) = session.try_query(&Statement::new(sql))?;
        let items = |at: usize| {
            let raw = answer.first().and_then(|row| codec::raw(row, at).ok().flatten());
            raw.and_then(array_items).unwrap_or_default()
        };
        let (is_new, versions) = (items(0), items(1));
        let outcome = |(place, row): (usize, &&Sealed<'_, R>)| {
            let effect = if *is_new.get(place)? == [1] { Effect::Created } else { Effect::Updated };
            Some(Ok(self.done(row, effect, versions.get(place).copied())))
        };
        Ok(rows.iter().enumerate().map(outcome).collect())
    }

    /// Outcomes of a statement that answers for the rows that it wrote.
    fn by_key(
        &self,
        session: &mut Session,
        verb: Verb,
        sql: &str,
        rows: &[&Sealed<'_, R>],
    ) -> Result<Vec<Option<Outcome>>, Refusal> {
        let whole = Refusal::whole;
        let (answer, _) = session.try_query(&Statement::new(sql))?;
        let mut outcomes: Vec<Option<Outcome>> = rows.iter().map(|_| None).collect();
        let places: HashMap<&Id, usize> = match verb {
            Verb::Create => rows.iter().enumerate().map(|(place, row)| (&row.id, place)).collect(),
            _ => HashMap::default(),
        };
        for row in &answer {
            let key = codec::raw(row, 0).map_err(whole)?;
            let place = match verb {
                Verb::Create => places.get(&id_of(key, self.table.id.kind).map_err(whole)?).copied(),
                _ => key
                    .and_then(|raw| raw.try_into().ok())
                    .and_then(|raw| usize::try_from(i32::from_be_bytes(raw)).ok()),
            };
            let Some(place) = place.filter(|place| *place < rows.len()) else { continue };
            let effect = if verb == Verb::Create { Effect::Created } else { Effect::Updated };
            let version = codec::raw(row, 2).map_err(whole)?;
            outcomes[place] = Some(Ok(self.done(rows[place], effect, version)));
        }
        Ok(outcomes)
    }

    fn done(&self, row: &Sealed<'_, R>, effect: Effect, xmin: Option<&[u8]>) -> Written {
        let version = match self.table.version {
            VersionAt::Token(_) => Some(Version::token(row.version)),
            VersionAt::Xmin => xmin
                .and_then(|raw| raw.try_into().ok())
                .and_then(|raw| u64::try_from(i64::from_be_bytes(raw)).ok())
                .map(Version::counter),
            VersionAt::Nowhere => None,
        };
        Written { id: row.id.clone(), version, effect }
    }

    /// Says of each row that was not written why.
    fn explain_refused(
        &self,
        verb: Verb,
        rows: &[&Sealed<'_, R>],
        outcomes: &mut [Option<Outcome>],
        limits: &Limits,
    ) -> Result<()> {
        let refused: Vec<_> =
            outcomes.iter().enumerate().filter(|(_, outcome)| outcome.is_none()).map(|(at, _)| at).collect();
        if refused.is_empty() {
            return Ok(());
        }
        let there = self.ids_there(refused.iter().map(|at| &rows[*at].id), limits)?;
        for at in refused {
            let row = rows[at];
            outcomes[at] = Some(match (verb, there.contains(&row.id)) {
                (Verb::Update, false) => Err(missing(&row.id)),
                (Verb::Update, true) => Err(moved_on(&row.id)),
                (_, true) => Err(taken(&row.id)),
                // Not the id: alone, it is told what it is, or it is written now.
                (_, false) => self.put_sealed(verb, row, limits),
            });
        }
        Ok(())
    }

    /// Which of these ids are there.
    fn ids_there<'i>(&self, ids: impl Iterator<Item = &'i Id>, limits: &Limits) -> Result<HashSet<Id>> {
        let id = &self.table.id;
        let mut statement =
            Statement::new(format!("SELECT {0} FROM {1} WHERE {0} = ANY(", id.quoted, self.table.qualified));
        let mut items = Values::default();
        ids.for_each(|each| push_item(each, id.kind, &mut items));
        statement.bind(Kind { array: true, ..id.kind }, |out| out.array(id.kind.scalar, &items));
        statement.push(")");
        let (rows, _) = self.link.read(limits, |session| session.query(&statement))?;
        rows.iter().map(|row| id_of(codec::raw(row, 0)?, id.kind)).collect()
    }

    /// What became of rows whose reply was lost, once the server's side of their connection is known to be gone: they stand or
    /// fall together, so one that is found tells of all.
    #[cold]
    fn trace_rows(
        &self,
        verb: Verb,
        rows: &[&Sealed<'_, R>],
        backend: Backend,
        lost: Error,
        limits: &Limits,
    ) -> Vec<Outcome> {
        let Link::Pool(pool) = &self.link else { return of_each(lost, rows.len()) };
        let found = pool.after_outage(limits, |session| backend.end(session)).and_then(|()| {
            let mut found = HashMap::with_capacity_and_hasher(rows.len(), RandomState::default());
            for some in rows.chunks(LOOKED_FOR) {
                let ids: Vec<_> = some.iter().map(|row| row.id.clone()).collect();
                found.extend(self.envelopes_of(&ids, limits)?);
            }
            Ok(found)
        });
        let Ok(found) = found else { return of_each(lost, rows.len()) };
        let is_ours = |row: &Sealed<'_, R>, there: &Envelope| there.version() == Some(&Version::token(row.version));
        let committed = rows.iter().any(|row| found.get(&row.id).is_some_and(|there| is_ours(row, there)));
        let outcome = |row: &&Sealed<'_, R>| match (committed, found.get(&row.id)) {
            (false, _) => Err(again(&lost).at_id(&row.id)),
            // It was not there to be updated, or somebody has deleted it since.
            (true, None) if verb == Verb::Update => Err(again(&lost).at_id(&row.id)),
            (true, None) => Ok(self.done(row, Effect::Created, None)),
            (true, Some(there)) => {
                let is_new = verb == Verb::Create || is_ours(row, there) && there.created_at() == there.updated_at();
                let effect = if is_new && verb != Verb::Update { Effect::Created } else { Effect::Updated };
                Ok(self.done(row, effect, None))
            }
        };
        rows.iter().map(outcome).collect()
    }

    fn envelopes_of(&self, ids: &[Id], limits: &Limits) -> Result<HashMap<Id, Envelope>> {
        use crate::store::Driver;
        let found = self.fetch(ids, limits)?;
        Ok(found.into_iter().flatten().map(|stored| (stored.envelope.id().clone(), stored.envelope)).collect())
    }

    /// Deletes without conditions.
    fn delete_run(&self, run: Vec<Write<'_, R>>, limits: &Limits) -> Result<Vec<Outcome>> {
        let id = &self.table.id;
        let ids: Vec<Id> = run
            .into_iter()
            .filter_map(|write| if let Write::Delete { id, .. } = write { Some(id) } else { None })
            .collect();
        let mut items = Values::default();
        ids.iter().for_each(|each| push_item(each, id.kind, &mut items));
        let mut statement = Statement::new(format!("DELETE FROM {} WHERE {} = ANY(", self.table.qualified, id.quoted));
        statement.bind(Kind { array: true, ..id.kind }, |out| out.array(id.kind.scalar, &items));
        statement.push(&format!(") RETURNING {}", id.quoted));
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

#[cold]
fn stopped() -> Error {
    Error::new(ErrorKind::Ambiguous, "a thread that copied records stopped")
}

/// The same error once more, for another record.
#[cold]
fn again(error: &Error) -> Error {
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

/// The outcomes of a batch; one error where no record of it was reached.
fn unreached(outcomes: Vec<Outcome>) -> Result<Vec<Outcome>> {
    let lost = |outcome: &Outcome| matches!(outcome, Err(error) if is_lost(error));
    match outcomes.iter().all(lost) {
        true => outcomes.into_iter().map(|outcome| outcome.map(Ok)).collect(),
        false => Ok(outcomes),
    }
}

fn is_unique(cause: &postgres::Error) -> bool {
    cause.code().is_some_and(|code| code.code() == "23505")
}

/// What failed before anything could take effect: work that is lost with its connection can be done again.
fn undone(error: Error) -> Refusal {
    if is_lost(&error) { Refusal::Undone(error) } else { Refusal::whole(error) }
}

/// Runs something in a transaction of its own.
fn in_transaction<T>(
    pool: &Pool,
    limits: &Limits,
    work: impl FnOnce(&mut Session) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let mut loan = pool.get_fresh(limits).map_err(Refusal::whole)?;
    loan.batch("BEGIN").map_err(undone)?;
    loan.in_transaction = true;
    match work(&mut loan) {
        Ok(done) => {
            loan.batch("COMMIT").map_err(|error| match is_lost(&error) {
                true => Refusal::Lost(loan.backend, ambiguous(error)),
                false => Refusal::whole(error),
            })?;
            loan.in_transaction = false;
            Ok(done)
        }
        Err(refusal) => {
            loan.in_transaction = loan.batch("ROLLBACK").is_err();
            Err(refusal)
        }
    }
}
