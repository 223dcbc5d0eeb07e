//! Connections: a pool of them, and what is kept with each. No connection goes back in the middle of a transaction, and
//! none is asked whether it lives before it is used.

use std::{
    collections::HashMap,
    ops::{Deref, DerefMut},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
    time::{Duration, Instant},
};

use fallible_iterator::FallibleIterator;
use postgres::{Client, NoTls, Row, Statement as Prepared, types::Type as Oid};
use r2d2::ManageConnection;
use r2d2_postgres::PostgresConnectionManager;

use super::{
    config::PostgresConfig,
    error::{failure, is_lost, is_stale},
    query::Statement,
    wire::{Kind, Param, Raw},
};
use crate::{
    error::{Error, ErrorKind, Result},
    store::Limits,
};

/// The most prepared statements that a connection keeps; what was used longest ago goes first.
const MAX_STATEMENTS: usize = 256;
/// A connection that lay idle for this long is looked at before a write is sent over it.
const IDLE: Duration = Duration::from_millis(2);

/// The driver's client. Its farewell blocks, which a thread that drives an async runtime must not do: there a thread of its
/// own says it.
pub(super) struct Held(Option<Client>);

impl Deref for Held {
    type Target = Client;
    fn deref(&self) -> &Client {
        self.0.as_ref().unwrap_or_else(|| unreachable!("it is taken out only when it is dropped"))
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Client {
        self.0.as_mut().unwrap_or_else(|| unreachable!("it is taken out only when it is dropped"))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(client) = self.0.take() else { return };
        elsewhere(move || drop(client));
    }
}

/// Runs something that blocks: here, or in a thread of its own where this one may drive an async runtime.
pub(super) fn elsewhere(blocking: impl FnOnce() + Send + 'static) {
    match tokio::runtime::Handle::try_current() {
        Err(_) => blocking(),
        Ok(_) => drop(thread::spawn(blocking)),
    }
}

/// The server's side of a connection, by which it is found again.
#[derive(Clone, Debug)]
pub(super) struct Backend {
    pub(super) pid: i32,
    /// Microseconds since 2000.
    pub(super) started: i64,
}

impl Backend {
    fn of(client: &mut Client) -> Result<Backend, postgres::Error> {
        let none: [(Param<'_>, Oid); 0] = [];
        let sql = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        let row = client.query_typed_raw(sql, none)?.next()?;
        let int = |at: usize| row.as_ref().and_then(|row| row.try_get::<_, Option<Raw<'_>>>(at).ok().flatten());
        let pid = int(0).and_then(|raw| raw.0.try_into().ok()).map_or(0, i32::from_be_bytes);
        let started = int(1).and_then(|raw| raw.0.try_into().ok()).map_or(0, i64::from_be_bytes);
        Ok(Backend { pid, started })
    }
}

/// A connection and what is known about it.
pub(super) struct Session {
    pub(super) client: Held,
    pub(super) backend: Backend,
    statements: HashMap<String, (Prepared, u64)>,
    tick: u64,
    used: Instant,
    /// A transaction is open; the connection is closed rather than handed on.
    pub(super) in_transaction: bool,
    /// The statement time-out that a deadline has set.
    deadline: bool,
}

impl Session {
    fn new(mut client: Client) -> Result<Session, postgres::Error> {
        Ok(Session {
            backend: Backend::of(&mut client)?,
            client: Held(Some(client)),
            statements: HashMap::new(),
            tick: 0,
            used: Instant::now(),
            in_transaction: false,
            deadline: false,
        })
    }

    /// The statement, prepared once on this connection.
    pub(super) fn prepare(&mut self, sql: &str, kinds: &[Kind]) -> Result<Prepared, postgres::Error> {
        self.tick += 1;
        if let Some((prepared, used)) = self.statements.get_mut(sql)
            && prepared.params().len() == kinds.len()
            && prepared.params().iter().zip(kinds).all(|(known, kind)| *known == kind.oid())
        {
            *used = self.tick;
            return Ok(prepared.clone());
        }
        let types: Vec<_> = kinds.iter().map(|kind| kind.oid()).collect();
        let prepared = self.client.prepare_typed(sql, &types)?;
        if self.statements.len() >= MAX_STATEMENTS {
            self.forget_oldest();
        }
        self.statements.insert(sql.to_owned(), (prepared.clone(), self.tick));
        Ok(prepared)
    }

    /// Lets go of all prepared statements.
    pub(super) fn forget_all(&mut self) {
        self.statements.clear();
    }

    fn forget_oldest(&mut self) {
        let oldest = self.statements.iter().min_by_key(|(_, (_, used))| *used).map(|(sql, _)| sql.clone());
        oldest.and_then(|sql| self.statements.remove(&sql));
    }

    /// All rows of a statement, and how many it touched.
    pub(super) fn query(&mut self, statement: &Statement) -> Result<(Vec<Row>, u64)> {
        self.try_query(statement).map_err(failure)
    }

    /// The same with the driver's own error. A statement whose plan went stale is made anew, once: it did not run.
    pub(super) fn try_query(&mut self, statement: &Statement) -> Result<(Vec<Row>, u64), postgres::Error> {
        match self.query_once(statement) {
            Err(cause) if is_stale(&cause) && !self.in_transaction => {
                self.forget_all();
                self.query_once(statement)
            }
            done => done,
        }
    }

    fn query_once(&mut self, statement: &Statement) -> Result<(Vec<Row>, u64), postgres::Error> {
        let prepared = self.prepare(&statement.sql, &statement.kinds)?;
        let mut rows = self.client.query_raw(&prepared, statement.values.iter())?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(row);
        }
        let touched = rows.rows_affected().unwrap_or(0);
        Ok((all, touched))
    }

    /// The rows of a statement that is not worth preparing, without parameters.
    pub(super) fn query_unprepared(&mut self, sql: &str) -> Result<Vec<Row>> {
        let none: [(Param<'_>, Oid); 0] = [];
        let rows = self.client.query_typed_raw(sql, none).map_err(failure)?;
        rows.collect().map_err(failure)
    }

    /// Runs statements without parameters and answers.
    pub(super) fn batch(&mut self, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).map_err(failure)
    }

    /// Gives the server the deadline of a call, or takes away that of the call before.
    pub(super) fn limit(&mut self, limits: &Limits, config: &PostgresConfig) -> Result<()> {
        limits.check()?;
        let millis = match limits.deadline {
            Some(deadline) => deadline.saturating_duration_since(Instant::now()).as_millis().max(1),
            None if self.deadline => config.statement_timeout.map_or(0, |limit| limit.as_millis()),
            None => return Ok(()),
        };
        self.deadline = limits.deadline.is_some();
        self.batch(&format!("SET statement_timeout = {}", millis.min(i32::MAX as u128)))
    }

    /// Whether the connection can be written over. One that lay idle is listened to for a moment, so that what the server
    /// said meanwhile, a farewell above all, is heard before anything is sent.
    fn is_fresh(&mut self) -> bool {
        let idle = self.used.elapsed();
        self.used = Instant::now();
        if idle < IDLE {
            return !self.client.is_closed();
        }
        let heard = self.client.notifications().timeout_iter(Duration::ZERO).next();
        heard.is_ok() && !self.client.is_closed()
    }
}

/// How the pool makes connections.
pub(super) struct Manager {
    road: Road,
    /// The connection by which it was found out that the server can be reached; the pool begins with it.
    first: Mutex<Option<Session>>,
}

enum Road {
    Plain(PostgresConnectionManager<NoTls>),
    #[cfg(feature = "postgres-tls")]
    Tls(PostgresConnectionManager<super::tls::Connector>),
}

impl Manager {
    fn of(config: &PostgresConfig) -> Result<Manager> {
        let road = match &config.tls {
            super::config::Tls::Off => Road::Plain(PostgresConnectionManager::new(config.driver(), NoTls)),
            #[cfg(feature = "postgres-tls")]
            tls => Road::Tls(PostgresConnectionManager::new(config.driver(), super::tls::connector(tls)?)),
            #[cfg(not(feature = "postgres-tls"))]
            _ => return Err(Error::configuration("TLS for PostgreSQL needs the feature `postgres-tls` of this crate")),
        };
        Ok(Manager { road, first: Mutex::default() })
    }

    fn make(&self) -> Result<Session, postgres::Error> {
        match &self.road {
            Road::Plain(manager) => manager.connect().and_then(Session::new),
            #[cfg(feature = "postgres-tls")]
            Road::Tls(manager) => manager.connect().and_then(Session::new),
        }
    }

    /// Connects, and gives up when the other side takes the connection and then says nothing: the driver would wait for ever.
    fn probe(config: &PostgresConfig) -> Result<(Manager, Session)> {
        let manager = Manager::of(config)?;
        let (answer, waiting) = mpsc::channel();
        // Where nobody waits any more the thread ends when the other side does.
        thread::spawn(move || drop(answer.send(manager.make().map(|session| (manager, session)))));
        let silent = || {
            let within = config.connect_timeout;
            Error::new(ErrorKind::Connection, format!("the server did not answer within {within:?}"))
        };
        // The driver's own limit is for each address; its error is the better one.
        let patience = config.connect_timeout.saturating_add(Duration::from_millis(200));
        let answered = waiting.recv_timeout(patience).map_err(|_| silent());
        answered.and_then(|made| made.map_err(failure)).map_err(|error| error.at_url(&config.shown()))
    }
}

impl ManageConnection for Manager {
    type Connection = Session;
    type Error = postgres::Error;

    fn connect(&self) -> Result<Session, postgres::Error> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        first.map_or_else(|| self.make(), Ok)
    }
    fn is_valid(&self, session: &mut Session) -> Result<(), postgres::Error> {
        session.client.simple_query("").map(drop)
    }
    fn has_broken(&self, session: &mut Session) -> bool {
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
}

impl Pool {
    /// Opens one connection, so that what is wrong is said at once, and a pool that begins with it.
    pub(super) fn open(config: PostgresConfig) -> Result<Pool> {
        refuse_in_runtime()?;
        let (mut manager, first) = Manager::probe(&config)?;
        manager.first = Mutex::new(Some(first));
        let pool = r2d2::Pool::builder()
            .max_size(config.pool_size)
            .min_idle(Some(config.pool_idle.min(config.pool_size)))
            .test_on_check_out(false)
            .connection_timeout(config.pool_timeout)
            .build_unchecked(manager);
        Ok(Pool { pool, config: Arc::new(config) })
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
        let mut loan = self.pool.get_timeout(wait).map_err(|_| self.exhausted())?;
        loan.limit(limits, &self.config)?;
        Ok(loan)
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

    /// Runs something that can be run again: over a new connection where the first turns out to be dead.
    pub(super) fn read<T>(&self, limits: &Limits, mut work: impl FnMut(&mut Session) -> Result<T>) -> Result<T> {
        for _ in 0..self.config.pool_size {
            let mut loan = match self.get(limits) {
                // Setting its time-out was what found it dead.
                Err(error) if is_lost(&error) && error.place().url.is_none() => continue,
                got => got?,
            };
            match work(&mut loan) {
                Err(error) if is_lost(&error) && loan.client.is_closed() => {}
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
        let token = loan.client.cancel_token();
        match &self.config.tls {
            super::config::Tls::Off => drop(token.cancel_query(NoTls)),
            #[cfg(feature = "postgres-tls")]
            tls => drop(super::tls::connector(tls).map(|connector| token.cancel_query(connector))),
            #[cfg(not(feature = "postgres-tls"))]
            _ => {}
        }
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
        Error::new(ErrorKind::Timeout, why).at_url(&self.config.shown())
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
