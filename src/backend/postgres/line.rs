//! The socket under a connection, as the driver reads and writes it: blocking, with a clock.
//!
//! The driver asks for bytes as an async runtime would have it, many times for each that comes. Here it gets those that are
//! there; the socket is read when the [`Watch`] grants a turn, which is when there is nothing left to do but wait. A read then
//! waits as long as the call may, by the time-out of the socket itself: no timer is set and no clock is read for an answer that
//! comes in time.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpStream, ToSocketAddrs},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    thread,
    time::{Duration, Instant},
};

#[cfg(unix)]
use std::os::unix::net::UnixStream;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    config::PostgresConfig,
    silence::{Turn, Watch},
};

/// What is read from the socket at once, at most.
const BUFFER: usize = 64 * 1024;
/// How long a write that cannot go on waits before what comes in is looked at: the other side may be saying why.
const STALL: Duration = Duration::from_millis(50);
/// How often it is looked whether a question about a silent server has been answered.
const GLANCE: Duration = Duration::from_millis(50);
/// The socket takes no shorter time-out than nothing at all, which is for ever.
const LEAST: Duration = Duration::from_millis(1);

/// A socket of either kind.
enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Local(UnixStream),
}

/// Calls a method that both kinds have.
macro_rules! either {
    ($socket:expr, $inner:ident => $call:expr) => {
        match $socket {
            Socket::Tcp($inner) => $call,
            #[cfg(unix)]
            Socket::Local($inner) => $call,
        }
    };
}

impl Socket {
    fn connect(config: &PostgresConfig) -> io::Result<Socket> {
        let socket = match config.is_local() {
            #[cfg(unix)]
            true => Socket::Local(UnixStream::connect(format!("{}/.s.PGSQL.{}", config.host, config.port))?),
            _ => Socket::Tcp(connect_tcp(config)?),
        };
        either!(&socket, inner => inner.set_write_timeout(Some(STALL)))?;
        Ok(socket)
    }
}

/// The first of the host's addresses that takes the connection.
fn connect_tcp(config: &PostgresConfig) -> io::Result<TcpStream> {
    let mut refused = None;
    for address in (config.host.as_str(), config.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, config.connect_timeout.max(LEAST)) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                let socket = SockRef::from(&stream);
                #[cfg(any(target_os = "linux", target_os = "android"))]
                socket.set_tcp_user_timeout(config.tcp_user_timeout)?;
                if let Some(idle) = config.keepalive {
                    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(idle))?;
                }
                return Ok(stream);
            }
            Err(cause) => refused = Some(cause),
        }
    }
    Err(refused.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host has no address")))
}

/// A connection to a server, for the driver.
pub(super) struct Line {
    socket: Socket,
    watch: Arc<Watch>,
    /// What has come, and which part of it was not taken yet.
    buffer: Box<[u8]>,
    begin: usize,
    end: usize,
    /// The time-out that the socket has.
    timeout: Option<Duration>,
    /// Since when nothing has come or gone; known once something has timed out.
    silent_since: Option<Instant>,
    asking: Option<thread::JoinHandle<()>>,
}

impl Line {
    pub(super) fn connect(config: &PostgresConfig, watch: Arc<Watch>) -> io::Result<Line> {
        let (socket, buffer) = (Socket::connect(config)?, vec![0; BUFFER].into_boxed_slice());
        Ok(Line { socket, watch, buffer, begin: 0, end: 0, timeout: None, silent_since: None, asking: None })
    }

    fn stir(&mut self) {
        self.silent_since = None;
        self.watch.stir();
    }

    /// Reads once, within a time; `None` where that is over.
    fn read_within(&mut self, limit: Option<Duration>) -> io::Result<Option<usize>> {
        let limit = limit.map(|limit| limit.max(LEAST));
        if self.timeout != limit {
            either!(&self.socket, inner => inner.set_read_timeout(limit))?;
            self.timeout = limit;
        }
        self.read()
    }

    fn read(&mut self) -> io::Result<Option<usize>> {
        loop {
            match either!(&mut self.socket, inner => inner.read(&mut self.buffer)) {
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) if is_timeout(&cause) => return Ok(None),
                done => {
                    self.stir();
                    return done.map(Some);
                }
            }
        }
    }

    /// What is there already.
    fn glance(&mut self) -> io::Result<Option<usize>> {
        either!(&self.socket, inner => inner.set_nonblocking(true))?;
        let read = self.read();
        either!(&self.socket, inner => inner.set_nonblocking(false))?;
        read
    }

    /// Reads what comes next, as long as it may be waited for.
    fn wait(&mut self) -> io::Result<usize> {
        let mut limit = self.watch.patience();
        if let Some(until) = self.watch.until() {
            let left = until.saturating_duration_since(Instant::now());
            limit = Some(limit.map_or(left, |limit| limit.min(left)));
        }
        loop {
            match self.read_within(limit)? {
                Some(read) => return Ok(read),
                None => limit = self.overdue(limit.unwrap_or_default())?,
            }
        }
    }

    /// Nothing has come or gone for this long: gives up, or says how long to wait now. After some time of silence the server is
    /// asked about it over another connection.
    #[cold]
    fn overdue(&mut self, waited: Duration) -> io::Result<Option<Duration>> {
        if self.watch.is_gone() {
            return Err(silent("the server fell silent, and works for this connection no more"));
        }
        let (now, until) = (Instant::now(), self.watch.until());
        if until.is_some_and(|until| now >= until) {
            return Err(silent("the deadline has passed, and the server says nothing"));
        }
        let mut limit = until.map(|until| until - now);
        if let Some(patience) = self.watch.patience() {
            let since = self.silent_since.get_or_insert_with(|| now.checked_sub(waited).unwrap_or(now));
            let mut left = patience.saturating_sub(now - *since);
            if left.is_zero() {
                // The next look is as much later.
                (*since, left) = (now, patience);
                if self.asking.as_ref().is_none_or(thread::JoinHandle::is_finished) {
                    let watch = self.watch.clone();
                    self.asking = thread::Builder::new().spawn(move || watch.look_after()).ok();
                }
            }
            if self.asking.as_ref().is_some_and(|asking| !asking.is_finished()) {
                left = left.min(GLANCE);
            }
            limit = Some(limit.map_or(left, |limit| limit.min(left)));
        }
        Ok(limit)
    }
}

fn is_timeout(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

#[cold]
fn silent(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, why)
}

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let line = &mut *self;
        if line.begin == line.end {
            let read = match line.watch.take_turn() {
                Turn::Rest => return Poll::Pending,
                Turn::Wait => Some(line.wait()?),
                Turn::Listen(Duration::ZERO) => line.glance()?,
                Turn::Listen(within) => line.read_within(Some(within))?,
            };
            let Some(read) = read else { return Poll::Pending };
            (line.begin, line.end) = (0, read);
        }
        let length = out.remaining().min(line.end - line.begin);
        out.put_slice(&line.buffer[line.begin..line.begin + length]);
        line.begin += length;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            match either!(&mut self.socket, inner => inner.write(bytes)) {
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) if is_timeout(&cause) => {
                    self.overdue(STALL)?;
                    self.watch.stall();
                    return Poll::Pending;
                }
                done => {
                    self.stir();
                    return Poll::Ready(done);
                }
            }
        }
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(either!(&self.socket, inner => inner.shutdown(Shutdown::Write)))
    }
}
