//! Connections: a pool of them, and what is kept with each. No connection goes back in the middle of a transaction, and
//! none is asked whether it lives before it is used.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use r2d2::ManageConnection;
use tokio_postgres::{Row, Statement as Prepared};

use super::{
    client::{Client, Road},
    config::PostgresConfig,
    error::{failure, is_lost, is_passing, is_refusal, is_stale, timed_out},
    query::Statement,
    silence::{About, Doing, GRACE, Watch},
    wire::{Raw, Scalar},
};
use crate::{
    error::{Error, ErrorKind, Result},
    store::{Limits, effort},
};

/// The most prepared statements that a connection keeps; what was used longest ago goes first.
const MAX_STATEMENTS: usize = 256;
/// A connection that lay idle for this long is looked at before a write is sent over it.
const IDLE: Duration = Duration::from_millis(2);
/// How long a call waits for a connection before it looks why there is none.
const FIRST_WAIT: Duration = Duration::from_millis(20);
/// The most between two tries to make a connection that could not be made.
const RETRY: Duration = Duration::from_secs(1);

/// Runs something that blocks: here, or in a thread of its own where this one may drive an async runtime.
pub(super) fn elsewhere(blocking: impl FnOnce() + Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        Err(_) => blocking(),
        Ok(_) => drop(thread::spawn(blocking)),
    }
}

/// The server's side of a connection, by which it is found again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Backend {
    pub(super) pid: i32,
    /// Microseconds since 2000.
    pub(super) started: i64,
    /// Whether it works for this connection alone: there is no pooler between, which may have given it to another client.
    own: bool,
}

impl Backend {
    /// Of a new connection, with the time-out of its statements in milliseconds; zero is none.
    fn of(client: &mut Client) -> Result<(Backend, i64), tokio_postgres::Error> {
        let sql = "SELECT pid, backend_start, \
                   (extract(epoch FROM current_setting('statement_timeout')::interval) * 1000)::bigint \
                   FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        let row = client.query_unprepared(sql)?.pop();
        let int = |at: usize| row.as_ref().and_then(|row| row.try_get::<_, Option<Raw<'_>>>(at).ok().flatten());
        let pid = int(0).and_then(|raw| raw.0.try_into().ok()).map_or(0, i32::from_be_bytes);
        let long = |at: usize| int(at).and_then(|raw| raw.0.try_into().ok()).map_or(0, i64::from_be_bytes);
        let (started, timeout) = (long(1), long(2));
        Ok((Backend { pid, started, own: client.process() == Some(pid) }, timeout))
    }

    /// Makes sure that the server's side of a lost connection does nothing any more; says whether that is known.
    pub(super) fn end(&self, session: &mut Session) -> Result<bool> {
        const PATIENCE: usize = 250;
        if !self.own {
            return Ok(false);
        }
        let mut statement = Statement::new("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ");
        self.push_condition(&mut statement);
        for _ in 0..PATIENCE {
            if session.query(&statement)?.is_empty() {
                return Ok(true);
            }
            thread::sleep(Duration::from_millis(20));
        }
        Err(Error::new(ErrorKind::Connection, "the server still works on a connection that was lost"))
    }

    /// Asks whether it waits for us, and since when; nothing where it is gone.
    fn activity(&self) -> Statement {
        let mut statement = Statement::new(
            "SELECT state IN ('idle', 'idle in transaction', 'idle in transaction (aborted)'), state_change FROM pg_stat_activity WHERE ",
        );
        self.push_condition(&mut statement);
        statement
    }

    /// Appends the condition that a row of `pg_stat_activity` is its own.
    fn push_condition(&self, statement: &mut Statement) {
        statement.push("pid = ");
        statement.bind(Scalar::Int4.one(), |out| out.i32(self.pid));
        // Another one may have got the number after a restart.
        statement.push(" AND backend_start = ");
        statement.bind(Scalar::TimestampTz.one(), |out| out.i64(self.started));
    }
}

/// A connection and what is known about it.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) backend: Backend,
    watch: Arc<Watch>,
    /// What was prepared on it and when it was used last, by the number of its template or by its text.
    templates: HashMap<u64, (Prepared, u64), RandomState>,
    statements: HashMap<String, (Prepared, u64), RandomState>,
    tick: u64,
    used: Instant,
    /// A transaction is open; the connection is closed rather than handed on.
    pub(super) in_transaction: bool,
    /// The time-out that its statements have of their own, by whomever it was set; zero is none.
    pub(super) statement_timeout_ms: i64,
    /// A deadline has set another one.
    deadline: bool,
}

impl Session {
    fn new(
        mut client: Client,
        watch: Arc<Watch>,
        config: &Arc<PostgresConfig>,
    ) -> Result<Session, tokio_postgres::Error> {
        let (backend, statement_timeout_ms) = Backend::of(&mut client)?;
        watch.wait_until(None);
        let _ = watch.about.set(About { config: config.clone(), backend });
        Ok(Session {
            backend,
            client,
            watch,
            templates: HashMap::default(),
            statements: HashMap::default(),
            tick: 0,
            used: Instant::now(),
            in_transaction: false,
            statement_timeout_ms,
            deadline: false,
        })
    }

    /// Says whether the server owes an answer, and with it whether its silence means anything.
    #[inline]
    pub(super) fn expect(&self, answer: bool) {
        self.watch.expect(answer);
    }

    /// Runs something that ends with the server's answer.
    #[inline]
    fn answered<T>(&mut self, work: impl FnOnce(&mut Session) -> T) -> T {
        self.expect(true);
        let done = work(self);
        self.expect(false);
        done
    }

    /// The statement, prepared once on this connection.
    pub(super) fn prepare(&mut self, statement: &Statement) -> Result<Prepared, tokio_postgres::Error> {
        self.tick += 1;
        if let Some(template) = &statement.template {
            if let Some((prepared, used)) = self.templates.get_mut(&template.number) {
                *used = self.tick;
                return Ok(prepared.clone());
            }
        } else if let Some((prepared, used)) = self.statements.get_mut(statement.sql())
            && prepared.params().len() == statement.kinds().len()
            && prepared.params().iter().zip(statement.kinds()).all(|(known, kind)| *known == kind.oid())
        {
            *used = self.tick;
            return Ok(prepared.clone());
        }
        self.prepare_anew(statement)
    }

    #[cold]
    fn prepare_anew(&mut self, statement: &Statement) -> Result<Prepared, tokio_postgres::Error> {
        let types: Vec<_> = statement.kinds().iter().map(|kind| kind.oid()).collect();
        let prepared = self.client.prepare(statement.sql(), &types)?;
        if self.statements.len() + self.templates.len() >= MAX_STATEMENTS {
            self.forget_oldest();
        }
        let known = (prepared.clone(), self.tick);
        match &statement.template {
            Some(template) => drop(self.templates.insert(template.number, known)),
            None => drop(self.statements.insert(statement.sql().to_owned(), known)),
        }
        Ok(prepared)
    }

    /// Lets go of all prepared statements.
    pub(super) fn forget_all(&mut self) {
        self.statements.clear();
        self.templates.clear();
    }

    fn forget_oldest(&mut self) {
        let template = self.templates.iter().min_by_key(|(_, (_, used))| *used).map(|(key, (_, used))| (*key, *used));
        let written = self.statements.iter().min_by_key(|(_, (_, used))| *used);
        match (template, written) {
            (Some((number, used)), Some((_, (_, other)))) if used < *other => drop(self.templates.remove(&number)),
            (_, Some((sql, _))) => {
                let sql = sql.clone();
                drop(self.statements.remove(&sql));
            }
            (Some((number, _)), None) => drop(self.templates.remove(&number)),
            (None, None) => {}
        }
    }

    /// All rows of a statement.
    pub(super) fn query(&mut self, statement: &Statement) -> Result<Vec<Row>> {
        self.try_query(statement).map_err(failure)
    }

    /// The same with the driver's own error.
    pub(super) fn try_query(&mut self, statement: &Statement) -> Result<Vec<Row>, tokio_postgres::Error> {
        self.planned(|session| {
            let prepared = session.prepare(statement)?;
            session.client.query(&prepared, statement.values.iter())
        })
    }

    /// The rows that a write gives back, and how many it touched.
    pub(super) fn execute(&mut self, statement: &Statement) -> Result<(Vec<Row>, u64)> {
        self.try_execute(statement).map_err(failure)
    }

    /// The same with the driver's own error.
    pub(super) fn try_execute(&mut self, statement: &Statement) -> Result<(Vec<Row>, u64), tokio_postgres::Error> {
        self.planned(|session| {
            let prepared = session.prepare(statement)?;
            if prepared.columns().is_empty() {
                return Ok((Vec::new(), session.client.execute(&prepared, statement.values.iter())?));
            }
            // A write that gives rows back gives back each that it touched.
            let rows = session.client.query(&prepared, statement.values.iter())?;
            let touched = rows.len() as u64;
            Ok((rows, touched))
        })
    }

    /// Runs a statement. One whose plan went stale is made anew, once: it did not run. In a transaction it has
    /// ended that.
    fn planned<T>(
        &mut self,
        run: impl Fn(&mut Session) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, tokio_postgres::Error> {
        match self.answered(&run) {
            Err(cause) if is_stale(&cause) => {
                self.forget_all();
                if self.in_transaction { Err(cause) } else { self.answered(run) }
            }
            done => done,
        }
    }

    /// The rows of a statement that is not worth preparing, without parameters.
    pub(super) fn query_unprepared(&mut self, sql: &str) -> Result<Vec<Row>> {
        self.answered(|session| session.client.query_unprepared(sql)).map_err(failure)
    }

    /// Runs statements without parameters and answers.
    pub(super) fn batch(&mut self, sql: &str) -> Result<()> {
        self.answered(|session| session.client.batch(sql)).map_err(failure)
    }

    /// Sends statements ahead of those that come next in the transaction, which fail where these do.
    pub(super) fn ahead(&mut self, sql: &str) -> Result<()> {
        self.client.ahead(sql).map_err(failure)
    }

    /// Gives the server the deadline of a call, or takes away that of the call before.
    pub(super) fn limit(&mut self, limits: &Limits) -> Result<()> {
        limits.check()?;
        self.watch.wait_until(limits.deadline.and_then(|deadline| deadline.checked_add(GRACE)));
        let Some(deadline) = limits.deadline else {
            return if std::mem::take(&mut self.deadline) { self.set("RESET statement_timeout") } else { Ok(()) };
        };
        let left = deadline.saturating_duration_since(Instant::now()).as_millis();
        let left = i64::try_from(left).unwrap_or(i64::MAX).clamp(1, i32::MAX.into());
        let own = Some(self.statement_timeout_ms).filter(|own| *own > 0);
        self.deadline = true;
        self.set(&format!("SET statement_timeout = {}", own.map_or(left, |own| own.min(left))))
    }

    /// Outside of a transaction it is waited for: a connection that turns out to be dead is replaced then.
    fn set(&mut self, sql: &str) -> Result<()> {
        if self.in_transaction { self.ahead(sql) } else { self.batch(sql) }
    }

    /// Says that the time-out is what it was some time ago: a part of a transaction was undone.
    pub(super) fn time_out_unknown(&mut self) {
        self.deadline = true;
    }

    /// Whether the connection can be written over. One that lay idle is listened to for a moment, so that what the server
    /// said meanwhile, a farewell above all, is heard before anything is sent.
    fn is_fresh(&mut self) -> bool {
        let idle = self.used.elapsed();
        self.used = Instant::now();
        if idle < IDLE {
            return !self.client.is_closed();
        }
        let heard = self.client.notification(Duration::ZERO);
        heard.is_ok() && !self.client.is_closed()
    }
}

/// How the pool makes connections.
pub(super) struct Manager {
    config: Arc<PostgresConfig>,
    road: Road,
    /// The connection by which it was found out that the server can be reached; the pool begins with it.
    first: Mutex<Option<Session>>,
    /// Why the last connections could not be made: the pool tries again and tells nobody.
    failed: Arc<Mutex<Option<Failed>>>,
}

/// Connections that could not be made since the last that was.
struct Failed {
    times: u32,
    error: Error,
    /// It was the server that refused, and not the way to it.
    refused: bool,
    /// It may take one a moment later.
    passing: bool,
}

impl Manager {
    fn of(config: &Arc<PostgresConfig>) -> Result<Manager> {
        Ok(Manager { config: config.clone(), road: Road::of(config)?, first: Mutex::default(), failed: Arc::default() })
    }

    fn make(&self, patience: Option<Duration>) -> Result<Session> {
        let watch = Watch::new(patience, doing);
        watch.wait_until(Instant::now().checked_add(self.config.connect_timeout));
        let client = Client::connect(&self.config, &self.road, &watch)?;
        Session::new(client, watch, &self.config).map_err(failure)
    }

    /// Connects, and gives up when the other side takes the connection and then says nothing: the driver would wait for ever.
    fn probe(config: &Arc<PostgresConfig>) -> Result<(Manager, Session)> {
        let manager = Manager::of(config)?;
        let (answer, waiting) = mpsc::channel();
        // Where nobody waits any more the thread ends when the other side does.
        thread::spawn(move || {
            let made = manager.make(manager.config.silence);
            drop(answer.send(made.map(|session| (manager, session))));
        });
        let silent = || {
            let within = config.connect_timeout;
            Error::new(ErrorKind::Connection, format!("the server did not answer within {within:?}"))
        };
        // The driver's own limit is for each address; its error is the better one.
        let patience = config.connect_timeout.saturating_add(Duration::from_millis(200));
        let made = match waiting.recv_timeout(patience) {
            Ok(Err(cause)) if timed_out(&cause) => Err(silent().because(cause)),
            Ok(made) => made,
            Err(_) => Err(silent()),
        };
        made.map_err(|error| error.at_url(&config.shown()))
    }
}

/// Finds out over another connection what the server does for one that says nothing.
fn doing(watch: &Watch) -> Doing {
    let Some(About { config, backend }) = watch.about.get() else { return Doing::Something };
    let Ok(manager) = Manager::of(config) else { return Doing::Something };
    // What the server refuses, it lives to refuse.
    let lives = |error: &Error| if is_refusal(error) { Doing::Something } else { Doing::Nothing };
    let mut session = match manager.make(None) {
        Ok(session) => session,
        Err(error) => return lives(&error),
    };
    if !backend.own {
        return Doing::Something;
    }
    session.watch.wait_until(Instant::now().checked_add(config.connect_timeout));
    match session.query(&backend.activity()) {
        Err(error) => lives(&error),
        Ok(rows) => rows.first().map_or(Doing::Nothing, |row| {
            let bytes = |at: usize| row.try_get::<_, Option<Raw<'_>>>(at).ok().flatten().map(|raw| raw.0);
            let since = bytes(1).and_then(|raw| raw.try_into().ok()).map(i64::from_be_bytes);
            match (bytes(0), since) {
                (Some([1]), Some(since)) => Doing::Waiting(since),
                _ => Doing::Something,
            }
        }),
    }
}

impl ManageConnection for Manager {
    /// In a box: the pool moves it about.
    type Connection = Box<Session>;
    type Error = Error;

    fn connect(&self) -> Result<Box<Session>> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        let made = first.map_or_else(|| self.make(self.config.silence), Ok);
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        *failed = made.as_ref().err().map(|error| Failed {
            times: failed.as_ref().map_or(1, |before| before.times.saturating_add(1)),
            error: Error::new(error.kind(), error.message().to_owned()).at_url(&self.config.shown()),
            refused: is_refusal(error),
            passing: is_passing(error),
        });
        drop(failed);
        made.map(Box::new)
    }
    fn is_valid(&self, session: &mut Box<Session>) -> Result<()> {
        session.batch("")
    }
    fn has_broken(&self, session: &mut Box<Session>) -> bool {
        session.client.is_closed() || session.in_transaction
    }
}

/// A connection on loan.
pub(super) type Loan = r2d2::PooledConnection<Manager>;

/// The connections of one database.
#[derive(Clone)]
pub(super) struct Pool {
    pool: r2d2::Pool<Manager>,
    pub(super) config: Arc<PostgresConfig>,
    failed: Arc<Mutex<Option<Failed>>>,
    /// Whoever takes several connections does so alone.
    spare: Arc<Mutex<()>>,
}

impl Pool {
    /// Opens one connection, so that what is wrong is said at once, and a pool that begins with it.
    pub(super) fn open(config: PostgresConfig) -> Result<Pool> {
        refuse_in_runtime()?;
        config.check()?;
        let config = Arc::new(config);
        let (mut manager, first) = Manager::probe(&config)?;
        manager.first = Mutex::new(Some(first));
        let failed = manager.failed.clone();
        let pool = r2d2::Pool::builder()
            .max_size(config.pool_size)
            .min_idle(Some(config.pool_idle.min(config.pool_size)))
            .test_on_check_out(false)
            // Half of it is the most between two tries.
            .connection_timeout(RETRY * 2)
            .build_unchecked(manager);
        Ok(Pool { pool, config, failed, spare: Arc::default() })
    }

    /// A connection.
    ///
    /// # Errors
    /// `Connection`, with the real reason, where none can be made; `Timeout` where all are in use.
    pub(super) fn get(&self, limits: &Limits) -> Result<Loan> {
        refuse_in_runtime()?;
        limits.check()?;
        let wait = limits.deadline.map_or(self.config.pool_timeout, |deadline| {
            deadline.saturating_duration_since(Instant::now()).min(self.config.pool_timeout)
        });
        let first = wait.min(FIRST_WAIT);
        let mut loan = match self.pool.get_timeout(first) {
            Ok(loan) => loan,
            Err(_) => self.wait_on(limits, first, wait)?,
        };
        loan.limit(limits)?;
        Ok(loan)
    }

    /// Waits on for a connection, as long as there is hope for one.
    #[cold]
    fn wait_on(&self, limits: &Limits, mut waited: Duration, wait: Duration) -> Result<Loan> {
        let (mut step, mut before) = (waited, u32::MAX);
        while waited < wait {
            if let Some(error) = self.hopeless(&mut before) {
                return Err(error);
            }
            // Each look makes the pool try one more connection, unless it has all that it may have.
            let full = self.pool.state().connections >= self.config.pool_size;
            step = if full { wait } else { step * 2 }.min(wait - waited);
            if let Ok(loan) = self.pool.get_timeout(step) {
                return Ok(loan);
            }
            waited += step;
        }
        Err(limits.check().err().unwrap_or_else(|| self.exhausted()))
    }

    /// Why no connection will come, as far as is known: none can be made, and none that is in use can be hoped for. What failed
    /// `before` the call says nothing, and what failed once may go well the next time.
    fn hopeless(&self, before: &mut u32) -> Option<Error> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        *before = failed.as_ref().map_or(0, |failed| failed.times).min(*before);
        let failed = failed.as_ref().filter(|failed| failed.times > before.saturating_add(1))?;
        let wait = failed.passing || (failed.refused && self.pool.state().connections > 0);
        (!wait).then(|| failed.again())
    }

    /// A connection to write over: one that was closed while it lay idle is replaced before anything is sent.
    pub(super) fn get_fresh(&self, limits: &Limits) -> Result<Loan> {
        // At most every connection of the pool is stale at once.
        for _ in 0..=self.config.pool_size {
            let mut loan = match self.get(limits) {
                Err(error) if is_lost(&error) && error.place().url.is_none() => continue,
                got => got?,
            };
            if loan.is_fresh() {
                return Ok(loan);
            }
        }
        self.get(limits)
    }

    /// Up to so many more connections: those that are to be had without waiting for anybody who holds one. One is left.
    pub(super) fn spare(&self, most: usize) -> Vec<Loan> {
        // One that has to be made first may take this long; the server may also take no more.
        const PATIENCE: Duration = Duration::from_secs(3);
        let _alone = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        let mut loans = Vec::new();
        for _ in 0..most.saturating_add(self.config.pool_size as usize) {
            let state = self.pool.state();
            let free = state.idle_connections + self.config.pool_size.saturating_sub(state.connections);
            if free <= 1 || loans.len() == most {
                break;
            }
            let Ok(mut loan) = self.pool.get_timeout(PATIENCE.min(self.config.pool_timeout)) else { break };
            // One that died meanwhile is replaced.
            if loan.is_fresh() {
                loans.push(loan);
            }
        }
        loans
    }

    /// Runs something that can be run again: over a new connection where the first turns out to be dead.
    pub(super) fn read<T>(&self, limits: &Limits, mut work: impl FnMut(&mut Session) -> Result<T>) -> Result<T> {
        for _ in 0..self.config.pool_size {
            let mut loan = match self.get(limits) {
                // Setting its time-out was what found it dead.
                Err(error) if is_lost(&error) && error.place().url.is_none() => continue,
                got => got?,
            };
            match work(&mut loan) {
                Err(error) if is_lost(&error) && loan.client.is_closed() => effort::repeated(),
                done => return done,
            }
        }
        work(&mut *self.get(limits)?)
    }

    /// Runs something once the server answers again: it may be starting. It is given the time that a call waits for a
    /// connection.
    pub(super) fn after_outage<T>(
        &self,
        limits: &Limits,
        mut work: impl FnMut(&mut Session) -> Result<T>,
    ) -> Result<T> {
        const PAUSE: Duration = Duration::from_millis(50);
        let start = Instant::now();
        loop {
            match self.read(limits, &mut work) {
                Err(error) if is_lost(&error) && start.elapsed() < self.config.pool_timeout => thread::sleep(PAUSE),
                done => return done,
            }
        }
    }

    /// Tells the server to stop what a connection is doing. What fails here is of no consequence.
    pub(super) fn cancel(&self, loan: &Loan) {
        if refuse_in_runtime().is_err() || loan.client.is_closed() {
            return;
        }
        let Ok(road) = Road::of(&self.config) else { return };
        let watch = Watch::new(None, doing);
        watch.wait_until(Instant::now().checked_add(self.config.connect_timeout));
        let _ = loan.client.cancel(&self.config, &road, &watch);
    }

    /// Why the last connection could not be made; nothing where it was made.
    pub(super) fn failure(&self) -> Option<Error> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(Failed::again)
    }

    /// Why there is no connection.
    #[cold]
    fn exhausted(&self) -> Error {
        let size = self.config.pool_size;
        let why = match self.pool.state().connections < size {
            false => format!(
                "all {size} connections of the pool are in use: streams and transactions hold one each; end them, or raise `pool_size`"
            ),
            true => match Manager::probe(&self.config) {
                Err(error) => return error,
                Ok(_) => "no connection was made in time; the server is slow to take new ones".to_owned(),
            },
        };
        let error = Error::new(ErrorKind::Timeout, why).at_url(&self.config.shown());
        match self.failure() {
            Some(failed) => error.because(failed),
            None => error,
        }
    }
}

impl Failed {
    /// The error, for one more who asks.
    fn again(&self) -> Error {
        let Failed { error, .. } = self;
        let url = error.place().url.as_deref().unwrap_or_default();
        Error::new(error.kind(), error.message().to_owned()).retryable(error.is_retryable()).at_url(url)
    }
}

/// Refuses to block a thread that drives an async runtime, where the driver would panic.
///
/// Inside a runtime's context it is only known by trying whether this thread may block: the threads of `spawn_blocking`
/// may, and have the same context.
pub(super) fn refuse_in_runtime() -> Result<()> {
    let Ok(handle) = tokio::runtime::Handle::try_current() else { return Ok(()) };
    match catch_unwind(AssertUnwindSafe(|| handle.block_on(std::future::ready(())))) {
        Ok(()) => Ok(()),
        Err(_) => Err(Error::unsupported(
            "this thread drives an async runtime, which a blocking call would stop: call from `tokio::task::spawn_blocking`",
        )),
    }
}
