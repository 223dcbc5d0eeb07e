//! Changes as they happen: a trigger tells the channel of a table which record was written, and whoever listens reads it.
//!
//! What travels is an operation and an id, never a record: a notification has 8,000 bytes, and a record may have any number.
//! What was told while nobody was connected is lost, so a watch that had to connect again says that there is a gap. So is what
//! happened while the triggers were away, which a watch looks for now and then.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{
    Postgres, alone,
    error::{failure, is_lost},
    key,
    link::Link,
    live::text,
    name::{fitted, quoted},
    pool::{Loan, Pool, Session, refuse_in_runtime},
    query::{Lowering, Statement},
    rows::Output,
    schema::{Table, literal},
    store::{PostgresStore, filter_of},
    wire::Values,
    write::push_item,
};
use crate::{
    error::{Error, ErrorKind, Result},
    id::Id,
    query::{AsQuery, Filter, RunsOn, Whole},
    record::{RecordCodec, Stored},
    store::Limits,
    version::Version,
};

/// The most records that are read at once.
const CHUNK: usize = 1_000;
/// Between two tries to connect again.
const PAUSE: Duration = Duration::from_millis(100);
/// Between two looks whether the table still tells its changes.
const CHECK: Duration = Duration::from_secs(10);

/// What happened to the records that a watch looks at.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event<R> {
    /// A record was created or changed, and the predicate is true of it. This is what it is now: of several changes that came
    /// close together, the last may be told alone.
    Written(Stored<R>),
    /// The record was deleted, or changed so that the predicate is not true of it, whether or not it was before. Whoever keeps
    /// a copy lets it go.
    Gone(Id),
    /// Changes may have been missed: the connection broke and was made again, all rows went at once, or the table did not tell its
    /// changes for a while. What comes from here on is whole again; whoever keeps copies reads them all again.
    Gap,
}

impl<R> Event<R> {
    /// The record that it is about; none of a gap.
    pub fn id(&self) -> Option<&Id> {
        match self {
            Event::Written(stored) => Some(stored.envelope.id()),
            Event::Gone(id) => Some(id),
            Event::Gap => None,
        }
    }
    /// The version that the record has, where the table has versions: that which the write returned, so that one's own writes
    /// are known among those of others, and what is told twice is known the second time.
    pub fn version(&self) -> Option<&Version> {
        match self {
            Event::Written(stored) => stored.envelope.version(),
            _ => None,
        }
    }
}

/// The channel of a table that has this name in SQL. The server says what the table is really called, so that whoever tells and
/// whoever listens agree, by whatever way each of them came to the table.
fn channel(relation: &str) -> String {
    format!(
        "(SELECT {} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.oid = coalesce(pg_partition_root({relation}), {relation}))",
        channel_of("format('%I.%I', n.nspname, c.relname)")
    )
}

/// The same by its full name: short enough whatever that is.
fn channel_of(name: &str) -> String {
    format!("'dk.' || hashtextextended({name} COLLATE \"C\", 0)")
}

/// The table in SQL.
fn relation(table: &Table) -> String {
    format!("to_regclass({})", literal(&table.qualified))
}

/// Tells a table's watches that they may miss something.
fn tell_gap(table: &Table) -> String {
    format!("SELECT pg_notify({}, 'T')", channel(&relation(table)))
}

/// The function that tells the channel of a table what happened to a row.
fn function(table: &Table) -> String {
    let own = fitted(format!("{}.watch", table.name));
    match table.qualified.rsplit_once("\".\"") {
        Some((namespace, _)) => format!("{namespace}\".{}", quoted(&own)),
        None => quoted(&own),
    }
}

/// What the function does.
fn body(table: &Table) -> String {
    let tell = |op: &str, row: &str| {
        // A key that does not fit into a notification must not make the write fail.
        let id = table.id_sql(&format!("{row}."));
        let id = match table.id.kind {
            kind if key::is_foreign(kind) => key::text_sql(&id, kind.scalar),
            _ => format!("{id}::text"),
        };
        let told = format!("CASE WHEN octet_length({id}) < 7000 THEN '{op}' || {id} ELSE 'T' END");
        format!("PERFORM pg_notify(channel, {told});")
    };
    // The rows of a partition are those of the whole table; to look that up for each row of any other would take too long.
    format!(
        "DECLARE channel text := {}; BEGIN IF pg_partition_root(TG_RELID) IS NOT NULL THEN channel := {}; END IF; \
         IF TG_OP = 'INSERT' THEN {} ELSIF TG_OP = 'DELETE' THEN {} ELSIF TG_OP = 'UPDATE' THEN \
         IF {} IS DISTINCT FROM {} THEN {} END IF; {} \
         ELSE PERFORM pg_notify(channel, 'T'); END IF; RETURN NULL; END",
        channel_of("format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME)"),
        channel("TG_RELID::regclass"),
        tell("I", "NEW"),
        tell("D", "OLD"),
        table.id_sql("OLD."),
        table.id_sql("NEW."),
        tell("D", "OLD"),
        tell("U", "NEW"),
    )
}

/// The statements that make a table tell its changes.
pub(super) fn make(table: &Table) -> String {
    let (on, function) = (&table.qualified, function(table));
    format!(
        "CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS {}; \
         DROP TRIGGER IF EXISTS dk_watch ON {on}; DROP TRIGGER IF EXISTS dk_watch_all ON {on}; \
         CREATE TRIGGER dk_watch AFTER INSERT OR UPDATE OR DELETE ON {on} FOR EACH ROW EXECUTE FUNCTION {function}(); \
         CREATE TRIGGER dk_watch_all AFTER TRUNCATE ON {on} FOR EACH STATEMENT EXECUTE FUNCTION {function}(); {}",
        literal(&body(table)),
        tell_gap(table)
    )
}

/// How a table tells its changes.
#[derive(Debug, Default, PartialEq)]
struct Made {
    channel: String,
    /// Other triggers have another one, and those that were away for a while.
    stamp: String,
}

/// How a table tells its changes, where it does: all of them, and in the way that is understood here.
fn made(session: &mut Session, table: &Table) -> Result<Option<Made>> {
    let on = relation(table);
    let mut ask = Statement::new(format!(
        "SELECT {}, string_agg(format('%s:%s', t.oid, t.xmin), ' ' ORDER BY t.oid) \
         FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE t.tgname IN ('dk_watch', 'dk_watch_all') \
         AND t.tgenabled IN ('O', 'A') AND t.tgrelid = {on} AND p.prosrc = ",
        channel(&on)
    ));
    ask.bind_text(&body(table));
    ask.push(" HAVING count(*) = 2");
    let rows = session.query(&ask)?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Made { channel: text(row, 0)?, stamp: text(row, 1)? }))
}

/// Whether a table tells its changes.
pub(super) fn is_made(link: &Link, table: &Table) -> Result<bool> {
    Ok(link.read(Limits::NONE, |session| made(session, table))?.is_some())
}

impl<R: RecordCodec> PostgresStore<R> {
    /// Makes the table tell its changes, where it does not yet: a function and two triggers, which every writer of the table
    /// then pays for, whatever program it is. The owner of the table may do this.
    ///
    /// # Errors
    /// What the server refuses.
    pub fn ensure_watch(&self) -> Result<()> {
        let make = |link: &Link| {
            link.read(Limits::NONE, |session| session.batch(&alone(&self.table.qualified)))?;
            // Another may have been faster.
            match is_made(link, &self.table)? {
                true => Ok(()),
                false => link.read(Limits::NONE, |session| session.batch(&make(&self.table))),
            }
        };
        let run = || match &self.link {
            link if is_made(link, &self.table)? => Ok(()),
            Link::Pool(pool) => Postgres::on(pool.clone()).transaction_on(|link| make(&link)),
            link => make(link),
        };
        run().map_err(|e: Error| e.in_store(&self.name))
    }

    /// Takes away what [`ensure_watch`](PostgresStore::ensure_watch) made. Watches of the table answer with an error from then on,
    /// and with an [`Event::Gap`] once it is made again.
    ///
    /// # Errors
    /// What the server refuses.
    pub fn drop_watch(&self) -> Result<()> {
        let (on, function) = (&self.table.qualified, function(&self.table));
        let sql = format!(
            "DROP TRIGGER IF EXISTS dk_watch ON {on}; DROP TRIGGER IF EXISTS dk_watch_all ON {on}; \
             DROP FUNCTION IF EXISTS {function}(); {}",
            tell_gap(&self.table)
        );
        self.link.read(Limits::NONE, |session| session.batch(&sql)).map_err(|e| e.in_store(&self.name))
    }

    /// The changes of the records of which a predicate is true, from now on, by whomever they are made; what a transaction
    /// changes comes when it commits. Every change is told at least once as long as the connection holds; when it broke, there is
    /// an [`Event::Gap`]. Watch first and read then what is there, so that nothing falls between.
    ///
    /// A watch holds one connection of the pool until it is dropped. What it has not been asked for waits in its memory.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use dk_data::{Database, Document, Filter, Schema, Store, backend::postgres::{Event, Postgres}};
    /// let orders = Postgres::connect("postgres://app:secret@localhost/shop")?.documents("orders", Schema::open("orders"))?;
    /// orders.ensure_watch()?;
    /// let mut open = orders.watch(Filter::eq("state", "open").bind::<Document>(orders.schema())?)?;
    /// loop {
    ///     match open.next_within(Duration::from_secs(1))? {
    ///         Some(Event::Written(order)) => println!("{}: {:?}", order.storage_id(), order.record),
    ///         Some(Event::Gone(id)) => println!("{id}: not open any more"),
    ///         Some(_) => println!("read all open orders again"),
    ///         None => {}
    ///     }
    /// }
    /// # #[allow(unreachable_code)]
    /// # Ok::<(), dk_data::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Configuration` where the table does not tell its changes; `Query` for a query with an order or a page; `Unsupported` in a
    /// transaction; what keeps the server from answering.
    pub fn watch<Q>(&self, query: Q) -> Result<PostgresWatch<R>>
    where
        Q: AsQuery<R, Select = Whole>,
        Q::Predicate: RunsOn<Postgres>,
    {
        self.try_watch(query).map_err(|e| e.in_store(&self.name))
    }

    fn try_watch<Q>(&self, query: Q) -> Result<PostgresWatch<R>>
    where
        Q: AsQuery<R, Select = Whole>,
        Q::Predicate: RunsOn<Postgres>,
    {
        let query = query.into_query().on::<Postgres>(&self.shape)?;
        if query.is_ordered() {
            return Err(Error::query("changes come as they happen: leave order, limit, offset and cursor out"));
        }
        let Link::Pool(pool) = &self.link else {
            return Err(Error::unsupported("a transaction hears of changes only when it is over: watch outside of it"));
        };
        let filter = filter_of(&query)?;
        // What cannot be asked is refused now, not at the first change.
        self.lowering().condition(&filter, &mut Statement::default())?;
        let mut watch = PostgresWatch {
            pool: pool.clone(),
            name: self.name.clone(),
            shape: self.shape.clone(),
            table: self.table.clone(),
            output: self.output.clone(),
            filter,
            loan: None,
            made: Made::default(),
            checked: Instant::now(),
            told: VecDeque::new(),
            events: VecDeque::new(),
        };
        watch.listen(Limits::NONE)?;
        Ok(watch)
    }
}

/// What a notification says.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Created(Id),
    Changed(Id),
    Deleted(Id),
    /// All of it at once, or what could not be named.
    Much,
}

impl Told {
    fn of(payload: &str) -> Told {
        let mut chars = payload.chars();
        let op = chars.next();
        match (op, Id::new(chars.as_str())) {
            (Some('I'), Ok(id)) => Told::Created(id),
            (Some('U'), Ok(id)) => Told::Changed(id),
            (Some('D'), Ok(id)) => Told::Deleted(id),
            _ => Told::Much,
        }
    }
}

/// The changes of a table; see [`PostgresStore::watch`]. Owns its connection; `Send`.
pub struct PostgresWatch<R: RecordCodec> {
    pool: Pool,
    name: Arc<str>,
    shape: R::Shape,
    table: Arc<Table>,
    output: Arc<Output>,
    filter: Filter,
    /// The connection that listens; none after it broke.
    loan: Option<Loan>,
    /// How the table told its changes when it began to, and when that was looked at last.
    made: Made,
    checked: Instant,
    /// What was told and not yet looked at.
    told: VecDeque<Told>,
    events: VecDeque<Event<R>>,
}

impl<R: RecordCodec> PostgresWatch<R> {
    /// The next change; `None` where there was none within this time. A time of zero looks at what has come already.
    ///
    /// # Errors
    /// `Connection` where the server cannot be reached within this time: a server that is gone is not one where nothing
    /// happens. `Configuration` where the table does not tell its changes any more, which is noticed within ten seconds. The
    /// watch goes on: call again, and the first thing after all is well again is an [`Event::Gap`].
    pub fn next_within(&mut self, wait: Duration) -> Result<Option<Event<R>>> {
        let name = self.name.clone();
        self.try_next(wait).map_err(|e| e.in_store(&name))
    }

    fn try_next(&mut self, wait: Duration) -> Result<Option<Event<R>>> {
        refuse_in_runtime()?;
        let end = Instant::now().checked_add(wait);
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            let left = end.map_or(wait, |end| end.saturating_duration_since(Instant::now()));
            match self.loan.as_mut() {
                None => {
                    self.listen_again(left)?;
                    // One gap is as good as many.
                    self.told.retain(|told| *told != Told::Much);
                    self.events.push_back(Event::Gap);
                }
                Some(_) if self.checked.elapsed() >= CHECK => self.check()?,
                Some(loan) => match heard(
                    loan,
                    if self.told.is_empty() {
                        left.min(CHECK.saturating_sub(self.checked.elapsed()))
                    } else {
                        Duration::ZERO
                    },
                ) {
                    Heard::Some(told) => {
                        self.told.extend(told);
                        self.look()?;
                    }
                    Heard::Nothing if !self.told.is_empty() => self.look()?,
                    Heard::Nothing if left.is_zero() => return Ok(None),
                    Heard::Nothing => {}
                    // What was told before is not lost; the rest is, and whoever asks hears of it first.
                    Heard::Lost => self.loan = None,
                },
            }
        }
    }

    /// Reads the records that were told of.
    fn look(&mut self) -> Result<()> {
        if self.told.front() == Some(&Told::Much) {
            self.told.pop_front();
            // All rows went, or the triggers did.
            self.check()?;
            if self.loan.is_some() {
                self.events.push_back(Event::Gap);
            }
            return Ok(());
        }
        let (order, count) = gathered(&self.told);
        let ids: Vec<&Id> = order.iter().map(|(id, _)| id).collect();
        let lowering = Lowering { table: &self.table, schema: &self.shape };
        let statement = self.statement(&lowering, &ids)?;
        let Some(loan) = self.loan.as_mut() else { return Ok(()) };
        let rows = match loan.query(&statement) {
            // It is looked at again over the next connection.
            Err(error) if is_lost(&error) => {
                self.loan = None;
                return Ok(());
            }
            // The table may have changed under a statement that was prepared before.
            Err(_) => {
                loan.forget_all();
                loan.query(&statement)?
            }
            Ok(rows) => rows,
        };
        let (mut found, mut damaged) = (HashMap::with_capacity(rows.len()), Ok(()));
        for row in &rows {
            let stored = self.output.stored::<R>(row, &self.shape);
            match stored {
                Ok(stored) => drop(found.insert(stored.envelope.id().clone(), stored)),
                Err(error) => damaged = Err(error),
            }
        }
        for (id, may_be_known) in order {
            match found.remove(&id) {
                Some(stored) => self.events.push_back(Event::Written(stored)),
                None if may_be_known => self.events.push_back(Event::Gone(id)),
                None => {}
            }
        }
        self.told.drain(..count);
        // It is told once, and does not keep the others from being told.
        damaged
    }

    /// The records of these ids of which the predicate is true.
    fn statement(&self, lowering: &Lowering<'_>, ids: &[&Id]) -> Result<Statement> {
        let table = &self.table;
        let mut statement = Statement::new(format!("SELECT {} FROM {} WHERE ", self.output.sql, table.qualified));
        let mut items = Values::default();
        ids.iter().for_each(|id| push_item(id, table, &mut items));
        statement.among(table, &items);
        if !self.filter.is_all() {
            statement.push(" AND ");
            lowering.condition(&self.filter, &mut statement)?;
        }
        Ok(statement)
    }

    /// Looks whether the table still tells its changes as it did. Where not, it is as if the connection had broken.
    fn check(&mut self) -> Result<()> {
        let Some(loan) = self.loan.as_mut() else { return Ok(()) };
        self.checked = Instant::now();
        match made(loan, &self.table) {
            Ok(made) if made.as_ref() == Some(&self.made) => {}
            Err(error) if !is_lost(&error) => return Err(error),
            _ => self.loan = None,
        }
        Ok(())
    }

    /// Listens over a connection of the pool.
    fn listen(&mut self, limits: &Limits) -> Result<()> {
        let mut loan = self.pool.get_fresh(limits)?;
        let made = made(&mut loan, &self.table)?.ok_or_else(|| {
            Error::configuration("the table does not tell its changes; make it do so with `ensure_watch`")
        })?;
        // It is nobody else's: others would hear what it hears.
        loan.in_transaction = true;
        loan.limit(Limits::NONE)?;
        loan.batch(&format!("LISTEN {}", quoted(&made.channel)))?;
        (self.loan, self.made, self.checked) = (Some(loan), made, Instant::now());
        Ok(())
    }

    /// Listens again, within a time.
    fn listen_again(&mut self, wait: Duration) -> Result<()> {
        let end = Instant::now().checked_add(wait);
        loop {
            let left = end.map_or(wait, |end| end.saturating_duration_since(Instant::now()));
            match self.listen(&Limits::NONE.clone().deadline_in(left.max(PAUSE))) {
                Ok(()) => return Ok(()),
                Err(error)
                    if left > PAUSE
                        && matches!(
                            error.kind(),
                            ErrorKind::Connection | ErrorKind::Timeout | ErrorKind::Configuration
                        ) =>
                {
                    thread::sleep(PAUSE);
                }
                // The time is over while the server is not there: that is what there is to say.
                Err(error) if error.kind() == ErrorKind::Timeout => return Err(self.pool.failure().unwrap_or(error)),
                Err(error) => return Err(error),
            }
        }
    }
}

enum Heard {
    Some(Vec<Told>),
    Nothing,
    Lost,
}

/// What a connection hears within a time, and what has come with it.
fn heard(loan: &mut Loan, wait: Duration) -> Heard {
    let mut told = Vec::new();
    let first = loan.client.notification(wait);
    match first.map_err(failure) {
        Ok(Some(note)) => told.push(Told::of(note.payload())),
        Ok(None) if loan.client.is_closed() => return Heard::Lost,
        Ok(None) => return Heard::Nothing,
        Err(_) => return Heard::Lost,
    }
    // Whether the connection broke behind them is seen the next time.
    while let Ok(Some(note)) = loan.client.notification(Duration::ZERO) {
        told.push(Told::of(note.payload()));
    }
    Heard::Some(told)
}

/// The ids of what was told up to the first that names none, each once, in the order of their last mention; whether somebody may
/// know the record already; and how many notifications that is.
fn gathered(told: &VecDeque<Told>) -> (Vec<(Id, bool)>, usize) {
    let mut places: HashMap<&Id, (usize, bool)> = HashMap::new();
    let mut count = 0;
    for (place, told) in told.iter().enumerate().take(CHUNK) {
        let (id, known) = match told {
            Told::Created(id) => (id, false),
            Told::Changed(id) | Told::Deleted(id) => (id, true),
            Told::Much => break,
        };
        let entry = places.entry(id).or_insert((place, false));
        *entry = (place, entry.1 || known);
        count += 1;
    }
    let mut order: Vec<_> = places.into_iter().collect();
    order.sort_unstable_by_key(|(_, (place, _))| *place);
    (order.into_iter().map(|(id, (_, known))| (id.clone(), known)).collect(), count)
}

impl<R: RecordCodec> std::fmt::Debug for PostgresWatch<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresWatch").field("store", &self.name).field("filter", &self.filter).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Id {
        Id::new(text).expect("an id")
    }

    #[test]
    fn what_is_told_is_read_back() {
        assert_eq!(Told::of("Ia b"), Told::Created(id("a b")));
        assert_eq!(Told::of("U7"), Told::Changed(id("7")));
        assert_eq!(Told::of("Dé"), Told::Deleted(id("é")));
        for odd in ["", "T", "X1", "I", "é"] {
            assert_eq!(Told::of(odd), Told::Much, "{odd:?}");
        }
    }

    #[test]
    fn ids_are_gathered_up_to_what_names_none() {
        let told: VecDeque<_> = ["Ia", "Ib", "Ua", "Db", "Ic", "T", "Id"].map(Told::of).into();
        let wanted = vec![(id("a"), true), (id("b"), true), (id("c"), false)];
        assert_eq!(gathered(&told), (wanted, 5));
    }
}
