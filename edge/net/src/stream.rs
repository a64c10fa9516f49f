use crate::Conn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio_rustls::TlsStream;

/// A connected stream before it is driven.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// The part of a stream its task keeps: the reading half of a plain one, all of a TLS one.
pub(crate) enum Source {
    Plain(OwnedReadHalf),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Splits off what the connection writes by itself and leaves it with `conn`.
    pub(crate) fn attach(self, conn: &Conn) -> Source {
        match self {
            Self::Plain(stream) => {
                let (reading, writing) = stream.into_split();
                conn.keep_direct(writing);
                Source::Plain(reading)
            }
            Self::Tls(stream) => Source::Tls(stream),
        }
    }
}

impl Source {
    /// Reads what is there into `buffer`; zero bytes read means the peer said its last.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(half) => Pin::new(half).poll_read(cx, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }

    /// Writes all that `conn` has queued, and what TLS made of it. Ready when the operating system has it all.
    pub(crate) fn poll_write_queued(&mut self, conn: &Conn, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while conn.unsent_bytes() > 0 {
            let taken = match conn.with_unsent(|unsent| self.poll_write(conn, cx, unsent)) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(taken)) => taken,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            };
            conn.taken(taken);
        }
        match self {
            Self::Plain(_) => Poll::Ready(Ok(())),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_write(&mut self, conn: &Conn, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(_) => conn.poll_direct(cx, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    /// Says our last, then waits until the peer said its own: closing with something unread would reset the
    /// connection, and a reset may overtake the answer we just sent.
    pub(crate) async fn part(self, conn: &Conn) {
        match self {
            Self::Plain(mut reading) => {
                // Dropping the writing half is what says it.
                drop(conn.take_direct());
                swallow(&mut reading).await;
            }
            Self::Tls(mut stream) => {
                if stream.shutdown().await.is_ok() {
                    swallow(&mut stream).await;
                }
            }
        }
    }

    /// Makes the closing a reset, which frees what the operating system still holds for the peer.
    pub(crate) fn reset(&self) {
        let stream = match self {
            Self::Plain(half) => half.as_ref(),
            Self::Tls(stream) => stream.get_ref().0,
        };
        // A socket that is gone already cannot be told, and need not be.
        let _ = stream.set_zero_linger();
    }
}

async fn swallow(reading: &mut (impl AsyncRead + Unpin)) {
    let mut nowhere = [0; 512];
    // Whether it ends with an end or an error is the same to us now.
    while let Ok(1..) = reading.read(&mut nowhere).await {}
}
