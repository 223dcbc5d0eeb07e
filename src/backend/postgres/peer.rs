//! Who is at the other end of a connection: the server's own process, or a pooler that may give it to others as well.
//!
//! A server names its process with the key by which statements are cancelled, and a pooler has keys of its own. The driver shows
//! the key to nobody, but it writes it into whatever a request to cancel goes to.

use std::{
    future::{Future, Ready, ready},
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    CancelToken,
    tls::{ChannelBinding, TlsConnect, TlsStream},
};

/// Takes a request to cancel, which goes nowhere.
#[derive(Default)]
struct Sink(Vec<u8>);

/// The number of the process that the other end has named.
pub(super) fn process(token: &CancelToken) -> Option<i32> {
    // It ends with this number and a secret, of four bytes each.
    const END: usize = 8;
    let mut sink = Sink::default();
    let done = pin!(token.cancel_query_raw(&mut sink, NoTls)).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Ok(())) = done else { return None };
    let end = sink.0.get(sink.0.len().checked_sub(END)?..)?;
    Some(i32::from_be_bytes(*end.first_chunk()?))
}

impl AsyncRead for Sink {
    /// Says that it can be encrypted, whoever asks.
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        out.put_slice(b"S");
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Sink {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Leaves it as it is.
struct NoTls;

impl<'s> TlsConnect<&'s mut Sink> for NoTls {
    type Stream = &'s mut Sink;
    type Error = io::Error;
    type Future = Ready<io::Result<&'s mut Sink>>;
    fn connect(self, sink: &'s mut Sink) -> Self::Future {
        ready(Ok(sink))
    }
}

impl TlsStream for &mut Sink {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}
