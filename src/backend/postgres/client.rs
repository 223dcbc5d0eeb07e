//! The driver's client, driven by the thread that calls.
//!
//! The driver is written for an async runtime: a client puts what is asked for into a queue, and a connection sends it and hands
//! the answer on. Here the caller's own thread does both in turns and waits in the socket itself, where a runtime would wait in
//! its event loop, beside its timers: a call is one system call there and one back.

use std::{
    collections::VecDeque,
    future::Future,
    io::{self, Read},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes};
use futures_util::{SinkExt, StreamExt};
use tokio_postgres::{
    AsyncMessage, CopyInSink, CopyOutStream, Error as Failure, NoTls, Notification, Row, RowStream, Statement,
    error::Severity, tls::NoTlsStream, types::Type,
};

use super::{
    config::PostgresConfig,
    error::{failure, is_broken, unreachable},
    line::Line,
    peer,
    silence::{Turn, Watch},
    wire::{Param, ValuesIter},
};
use crate::error::Result;

/// How the way to the server is protected.
#[derive(Clone)]
pub(super) enum Road {
    Plain,
    #[cfg(feature = "postgres-tls")]
    Tls(super::tls::Connector),
}

impl Road {
    pub(super) fn of(config: &PostgresConfig) -> Result<Road> {
        match &config.tls {
            super::config::Tls::Off => Ok(Road::Plain),
            #[cfg(feature = "postgres-tls")]
            tls => Ok(Road::Tls(super::tls::connector(tls)?)),
            #[cfg(not(feature = "postgres-tls"))]
            _ => Err(crate::error::Error::configuration(
                "TLS for PostgreSQL needs the feature `postgres-tls` of this crate",
            )),
        }
    }
}

/// The driver's side that sends and receives.
enum Connection {
    Plain(Box<tokio_postgres::Connection<Line, NoTlsStream>>),
    #[cfg(feature = "postgres-tls")]
    Tls(Box<tokio_postgres::Connection<Line, super::tls::Encrypted>>),
}

impl Connection {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<AsyncMessage, Failure>>> {
        match self {
            Connection::Plain(connection) => connection.poll_message(cx),
            #[cfg(feature = "postgres-tls")]
            Connection::Tls(connection) => connection.poll_message(cx),
        }
    }
}

/// Whether one of the two sides has something for the other.
#[derive(Default)]
struct News(AtomicBool);

impl Wake for News {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A connection to a server.
pub(super) struct Client {
    client: tokio_postgres::Client,
    driver: Driver,
}

/// What stands between the driver's two sides, and does what a runtime would do.
struct Driver {
    /// None once it has ended: with it goes whatever waits for its answers.
    connection: Option<Connection>,
    notifications: VecDeque<Notification>,
    watch: Arc<Watch>,
    news: Arc<News>,
    waker: Waker,
}

impl Client {
    /// Connects, as long as the watch waits.
    ///
    /// # Errors
    /// `Connection` where nobody answers; what the server refuses, in its words.
    pub(super) fn connect(config: &PostgresConfig, road: &Road, watch: &Arc<Watch>) -> Result<Client> {
        let line = Line::connect(config, watch.clone()).map_err(unreachable)?;
        let driver = config.driver();
        let (client, connection) = match road {
            Road::Plain => {
                let (client, connection) = alone(watch, driver.connect_raw(line, NoTls)).map_err(failure)?;
                (client, Connection::Plain(Box::new(connection)))
            }
            #[cfg(feature = "postgres-tls")]
            Road::Tls(connector) => {
                let tls = super::tls::to_host(connector, &config.host)?;
                let (client, connection) = alone(watch, driver.connect_raw(line, tls)).map_err(failure)?;
                (client, Connection::Tls(Box::new(connection)))
            }
        };
        let news = Arc::new(News::default());
        let driver = Driver {
            connection: Some(connection),
            notifications: VecDeque::new(),
            watch: watch.clone(),
            waker: Waker::from(news.clone()),
            news,
        };
        Ok(Client { client, driver })
    }

    /// Tells the server to stop what a connection does, over another one.
    pub(super) fn cancel(&self, config: &PostgresConfig, road: &Road, watch: &Arc<Watch>) -> Result<()> {
        let line = Line::connect(config, watch.clone()).map_err(unreachable)?;
        let token = self.client.cancel_token();
        match road {
            Road::Plain => alone(watch, token.cancel_query_raw(line, NoTls)),
            #[cfg(feature = "postgres-tls")]
            Road::Tls(connector) => {
                let tls = super::tls::to_host(connector, &config.host)?;
                alone(watch, token.cancel_query_raw(line, tls))
            }
        }
        .map_err(failure)
    }

    /// The number of the process at the other end, as that has named it.
    pub(super) fn process(&self) -> Option<i32> {
        peer::process(&self.client.cancel_token())
    }

    /// Whether the connection has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.driver.connection.is_none() || self.client.is_closed()
    }

    pub(super) fn prepare(&mut self, sql: &str, types: &[Type]) -> Result<Statement, Failure> {
        let Client { client, driver } = self;
        driver.block_on(client.prepare_typed(sql, types))
    }

    /// All rows of a statement.
    pub(super) fn query(&mut self, statement: &Statement, values: ValuesIter<'_>) -> Result<Vec<Row>, Failure> {
        let Client { client, driver } = self;
        driver.block_on(async { all(client.query_raw(statement, values).await?).await })
    }

    /// All rows of a statement that is not prepared, without parameters.
    pub(super) fn query_unprepared(&mut self, sql: &str) -> Result<Vec<Row>, Failure> {
        let none: [(Param<'_>, Type); 0] = [];
        let Client { client, driver } = self;
        driver.block_on(async { all(client.query_typed_raw(sql, none).await?).await })
    }

    /// How many rows a statement touched.
    pub(super) fn execute(&mut self, statement: &Statement, values: ValuesIter<'_>) -> Result<u64, Failure> {
        let Client { client, driver } = self;
        driver.block_on(client.execute_raw(statement, values))
    }

    /// Runs statements without parameters and answers.
    pub(super) fn batch(&mut self, sql: &str) -> Result<(), Failure> {
        let Client { client, driver } = self;
        driver.block_on(client.batch_execute(sql))
    }

    /// Sends statements without parameters ahead of what is asked for next, without a turn of their own. Nobody hears what
    /// becomes of them: where they fail in a transaction, so does what comes behind them.
    pub(super) fn ahead(&mut self, sql: &str) -> Result<(), Failure> {
        let Client { client, driver } = self;
        // The first look at it puts it into the queue.
        match pin!(client.batch_execute(sql)).poll(&mut Context::from_waker(&driver.waker)) {
            Poll::Ready(done) => done,
            Poll::Pending => Ok(()),
        }
    }

    /// Starts a statement whose rows are asked for one by one, with [`next`](Client::next).
    pub(super) fn stream(&mut self, statement: &Statement, values: ValuesIter<'_>) -> Result<Rows, Failure> {
        let Client { client, driver } = self;
        driver.block_on(client.query_raw(statement, values)).map(Box::pin)
    }

    #[inline]
    pub(super) fn next(&mut self, rows: &mut Rows) -> Option<Result<Row, Failure>> {
        self.driver.block_on(async { rows.next().await.transpose() }).transpose()
    }

    /// Starts a COPY into the server.
    pub(super) fn copy_in(&mut self, statement: &Statement) -> Result<CopyIn<'_>, Failure> {
        let Client { client, driver } = self;
        let sink = driver.block_on(client.copy_in(statement))?;
        Ok(CopyIn { driver, sink: Box::pin(sink) })
    }

    /// Starts a COPY out of the server.
    pub(super) fn copy_out(&mut self, statement: &Statement) -> Result<CopyOut<'_>, Failure> {
        let Client { client, driver } = self;
        let stream = driver.block_on(client.copy_out(statement))?;
        Ok(CopyOut { driver, stream: Box::pin(stream), piece: Bytes::new() })
    }

    /// What the server says of itself within a time; what is there already, where it is none.
    pub(super) fn notification(&mut self, within: Duration) -> Result<Option<Notification>, Failure> {
        let end = Instant::now().checked_add(within);
        let mut left = within;
        loop {
            if let Some(notification) = self.driver.notifications.pop_front() {
                return Ok(Some(notification));
            }
            if self.is_closed() {
                return Ok(None);
            }
            self.driver.turn(Turn::Listen(left))?;
            if left.is_zero() {
                return Ok(self.driver.notifications.pop_front());
            }
            left = end.map_or(within, |end| end.saturating_duration_since(Instant::now()));
        }
    }
}

impl Drop for Client {
    /// Says farewell, without waiting for anything: the server gives up what is still going on.
    fn drop(&mut self) {
        self.client.__private_api_close();
        let _ = self.driver.turn(Turn::Rest);
    }
}

/// Rows that come while they are asked for.
pub(super) type Rows = Pin<Box<RowStream>>;

async fn all(rows: RowStream) -> Result<Vec<Row>, Failure> {
    let (mut rows, mut all) = (pin!(rows), Vec::new());
    while let Some(row) = rows.next().await {
        all.push(row?);
    }
    Ok(all)
}

impl Driver {
    /// Runs something that the connection answers.
    #[inline]
    fn block_on<T>(&mut self, future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let mut future = pin!(future);
        loop {
            match future.as_mut().poll(&mut Context::from_waker(&self.waker)) {
                Poll::Pending => self.advance()?,
                Poll::Ready(Ok(done)) => return Ok(done),
                Poll::Ready(Err(cause)) => {
                    self.end_behind(&cause);
                    return Err(cause);
                }
            }
        }
    }

    /// Sends what was asked for and hands on what has come; waits where neither is there.
    fn advance(&mut self) -> Result<(), Failure> {
        self.news.0.store(false, Ordering::Relaxed);
        self.turn(Turn::Rest)?;
        if self.news.0.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.watch.grant_next();
        self.poll()
    }

    fn turn(&mut self, turn: Turn) -> Result<(), Failure> {
        self.watch.grant(turn);
        self.poll()
    }

    fn poll(&mut self) -> Result<(), Failure> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let ended = loop {
            match connection.poll(&mut Context::from_waker(&self.waker)) {
                Poll::Pending => return Ok(()),
                Poll::Ready(Some(Ok(AsyncMessage::Notification(told)))) => self.notifications.push_back(told),
                Poll::Ready(Some(Ok(AsyncMessage::Notice(notice)))) => {
                    log::info!("{}: {}", notice.severity(), notice.message());
                }
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(cause))) => break Err(cause),
                Poll::Ready(None) => break Ok(()),
            }
        };
        self.connection = None;
        ended
    }

    /// After its last word the server closes the connection, which is heard a moment later.
    #[cold]
    fn end_behind(&mut self, cause: &Failure) {
        let severity = cause.as_db_error().and_then(|report| report.parsed_severity());
        if matches!(severity, Some(Severity::Fatal | Severity::Panic)) {
            self.connection = None;
        }
    }
}

/// Runs something that reads and writes by itself: a connection that is being made.
fn alone<T>(watch: &Watch, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
        watch.grant_next();
    }
}

/// A COPY into the server. Left without [`finish`](CopyIn::finish), it is undone.
pub(super) struct CopyIn<'c> {
    driver: &'c mut Driver,
    sink: Pin<Box<CopyInSink<Bytes>>>,
}

impl CopyIn<'_> {
    pub(super) fn send(&mut self, piece: Bytes) -> Result<(), Failure> {
        self.driver.block_on(self.sink.send(piece))
    }
    pub(super) fn finish(mut self) -> Result<u64, Failure> {
        self.driver.block_on(self.sink.as_mut().finish())
    }
}

/// A COPY out of the server. Its errors are the driver's, inside those of a reader.
pub(super) struct CopyOut<'c> {
    driver: &'c mut Driver,
    stream: Pin<Box<CopyOutStream>>,
    piece: Bytes,
}

impl CopyOut<'_> {
    /// Waits for what the server says behind the last row: not before then does it check references.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        // To the driver the answer ends with the rows, and the word that all is well is out of place behind them.
        match self.driver.block_on(async { self.stream.next().await.transpose() }) {
            Err(cause) if cause.as_db_error().is_some() || is_broken(&cause) => Err(cause),
            _ => Ok(()),
        }
    }
}

impl Read for CopyOut<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let CopyOut { driver, stream, .. } = self;
            match driver.block_on(async { stream.next().await.transpose() }) {
                Ok(Some(piece)) => self.piece = piece,
                Ok(None) => return Ok(0),
                Err(cause) => return Err(io::Error::other(cause)),
            }
        }
        let length = out.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut out[..length]);
        Ok(length)
    }
}
