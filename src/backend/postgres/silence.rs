//! A server that falls silent in the middle of an answer: the stream under a connection, which does not wait for ever.
//!
//! The driver has no clock of its own. It lets whoever encrypts its connections stand between it and the socket, and that is
//! where the clock is, encrypted or not: a read that waits longer than its call may ends with an error, and the connection
//! with it. A call without a deadline may wait as long as the server works for it: after some time of silence the server is
//! asked over another connection whether it does.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker, ready},
    thread,
    time::{Duration, Instant},
};

use postgres::{
    Socket,
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Sleep,
};

/// How much longer than its deadline a call waits: the server is told the deadline too, and its answer is the better one.
pub(super) const GRACE: Duration = Duration::from_millis(500);
/// How long a server that has nothing to do for a connection may take to say so on it.
const SETTLED: Duration = Duration::from_secs(1);

/// What the other side of a connection does, as far as it can be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// It works, or it cannot be told.
    Something,
    /// It waits for us since this moment: what it said before has been lost.
    Waiting(i64),
    /// It is gone, or the server does not answer at all.
    Nothing,
}

/// Finds out what the other side does; takes a while.
type Ask = fn(&Watch) -> Doing;

/// How long a connection waits, said by whoever uses it.
#[derive(Debug)]
pub(super) struct Watch {
    /// When reading gives up, in milliseconds since `start`; never, where it is the greatest number.
    until_ms: AtomicU64,
    start: Instant,
    /// How often something went either way.
    stirs: AtomicU64,
    /// The number of stirs at which the other side was found to be gone, and one more.
    gone_at: AtomicU64,
    /// How long silence lasts before the server is asked about it.
    patience: Option<Duration>,
    ask: Ask,
    /// Whether the server owes an answer; where not, its silence means nothing.
    expecting: AtomicBool,
    /// Who is asked about, once it is known.
    pub(super) about: OnceLock<About>,
    waker: Mutex<Option<Waker>>,
}

/// Whose silence it is.
#[derive(Debug)]
pub(super) struct About {
    pub(super) config: Arc<super::PostgresConfig>,
    pub(super) backend: super::pool::Backend,
}

impl Watch {
    pub(super) fn new(patience: Option<Duration>, ask: Ask) -> Arc<Watch> {
        Arc::new(Watch {
            until_ms: AtomicU64::new(u64::MAX),
            start: Instant::now(),
            stirs: AtomicU64::new(0),
            gone_at: AtomicU64::new(0),
            patience,
            ask,
            expecting: AtomicBool::new(false),
            about: OnceLock::new(),
            waker: Mutex::default(),
        })
    }

    /// Sets when reading gives up.
    pub(super) fn wait_until(&self, until: Option<Instant>) {
        let millis = until.map_or(u64::MAX, |until| {
            u64::try_from(until.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX)
        });
        self.until_ms.store(millis, Ordering::Relaxed);
    }

    /// Says whether the server owes an answer.
    #[inline]
    pub(super) fn expect(&self, answer: bool) {
        self.expecting.store(answer, Ordering::Relaxed);
    }

    fn patience(&self) -> Option<Duration> {
        self.patience.filter(|_| self.expecting.load(Ordering::Relaxed))
    }

    fn until(&self) -> Option<Instant> {
        match self.until_ms.load(Ordering::Relaxed) {
            u64::MAX => None,
            millis => self.start.checked_add(Duration::from_millis(millis)),
        }
    }

    fn is_gone(&self) -> bool {
        self.gone_at.load(Ordering::Acquire) == self.stirs.load(Ordering::Relaxed) + 1
    }

    /// Asks about the other side, and wakes whoever reads when it is known to be gone. Where it has said something meanwhile,
    /// the answer counts for nothing.
    fn look_after(&self) {
        let stirs = self.stirs.load(Ordering::Relaxed);
        let doing = (self.ask)(self);
        if doing == Doing::Something {
            return;
        }
        thread::sleep(SETTLED);
        if (self.ask)(self) == doing {
            self.gone_at.store(stirs + 1, Ordering::Release);
            let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

/// A stream that gives up reading when its watch says so.
pub(super) struct Watched<S> {
    inner: S,
    watch: Arc<Watch>,
    alarm: Option<Pin<Box<Sleep>>>,
    /// Whether something went either way since silence was last looked at.
    stirred: bool,
    silent_since: Instant,
    asking: Option<thread::JoinHandle<()>>,
}

impl<S> Watched<S> {
    fn new(inner: S, watch: Arc<Watch>) -> Watched<S> {
        Watched { inner, watch, alarm: None, stirred: true, silent_since: Instant::now(), asking: None }
    }

    fn stir(&mut self) {
        self.stirred = true;
        self.watch.stirs.fetch_add(1, Ordering::Relaxed);
    }

    /// Nothing to read: waits on, or gives up.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.watch.is_gone() {
            return Poll::Ready(Err(silent("the server fell silent, and works for this connection no more")));
        }
        if self.stirred {
            self.stirred = false;
            self.silent_since = Instant::now();
        }
        let ask_at = self.watch.patience().and_then(|patience| self.silent_since.checked_add(patience));
        let until = self.watch.until();
        let Some(first) = until.into_iter().chain(ask_at).min() else { return Poll::Pending };
        // An alarm that goes off too early is set again then; most are never needed.
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(first.into())));
        if alarm.deadline().into_std() > first || alarm.is_elapsed() {
            alarm.as_mut().reset(first.into());
        }
        loop {
            ready!(alarm.as_mut().poll(cx));
            let now = Instant::now();
            if until.is_some_and(|until| now >= until) {
                return Poll::Ready(Err(silent("the deadline has passed, and the server says nothing")));
            }
            if now < first {
                alarm.as_mut().reset(first.into());
                continue;
            }
            // Silent for as long as patience lasts: the server is asked, and the next look is as much later.
            self.silent_since = now;
            if self.asking.as_ref().is_none_or(thread::JoinHandle::is_finished) {
                *self.watch.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
                let watch = self.watch.clone();
                self.asking = thread::Builder::new().spawn(move || watch.look_after()).ok();
            }
            let next = self.watch.patience().and_then(|patience| now.checked_add(patience));
            let Some(next) = until.into_iter().chain(next).min() else { return Poll::Pending };
            alarm.as_mut().reset(next.into());
        }
    }
}

#[cold]
fn silent(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, why)
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.inner).poll_read(cx, out) {
            Poll::Pending => self.wait(cx),
            ready => {
                self.stir();
                ready
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        if written.is_ready() {
            self.stir();
        }
        written
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Watched<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

/// Puts the clock on a connection that is not encrypted. To the driver it is a kind of encryption that begins at once.
#[derive(Clone)]
pub(super) struct Plain(pub(super) Arc<Watch>);

impl MakeTlsConnect<Socket> for Plain {
    type Stream = Watched<Socket>;
    type TlsConnect = Plain;
    type Error = io::Error;
    fn make_tls_connect(&mut self, _: &str) -> io::Result<Plain> {
        Ok(self.clone())
    }
}

impl TlsConnect<Socket> for Plain {
    type Stream = Watched<Socket>;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Watched<Socket>>>;
    fn connect(self, socket: Socket) -> Self::Future {
        std::future::ready(Ok(Watched::new(socket, self.0)))
    }
}

/// The same under a connection that is encrypted.
#[cfg(feature = "postgres-tls")]
#[derive(Clone)]
pub(super) struct Under<C>(pub(super) C, pub(super) Arc<Watch>);

#[cfg(feature = "postgres-tls")]
impl<C: MakeTlsConnect<Watched<Socket>>> MakeTlsConnect<Socket> for Under<C> {
    type Stream = C::Stream;
    type TlsConnect = Under<C::TlsConnect>;
    type Error = C::Error;
    fn make_tls_connect(&mut self, host: &str) -> Result<Self::TlsConnect, C::Error> {
        Ok(Under(self.0.make_tls_connect(host)?, self.1.clone()))
    }
}

#[cfg(feature = "postgres-tls")]
impl<C: TlsConnect<Watched<Socket>>> TlsConnect<Socket> for Under<C> {
    type Stream = C::Stream;
    type Error = C::Error;
    type Future = C::Future;
    fn connect(self, socket: Socket) -> C::Future {
        self.0.connect(Watched::new(socket, self.1))
    }
}
