use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// Connections the operating system may hold ready for us.
const BACKLOG: i32 = 4_096;
/// A silent peer is asked whether it lives after this, then as often, so many times.
const KEEP_ALIVE_S: (u64, u64, u32) = (15, 5, 3);
/// Keep-alive is not asked while bytes are under way; those have this time to be acknowledged.
const USER_TIMEOUT_S: u64 = 20;

pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A listener that was closed a moment ago leaves connections that are only fading away.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// No waiting for more bytes to send together; a peer that is gone is noticed within 35 seconds, silent or not.
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    let (after_s, every_s, times) = KEEP_ALIVE_S;
    let keep_alive = TcpKeepalive::new()
        .with_time(Duration::from_secs(after_s))
        .with_interval(Duration::from_secs(every_s))
        .with_retries(times);
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    socket.set_tcp_keepalive(&keep_alive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(Duration::from_secs(USER_TIMEOUT_S)))?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
const _: u64 = USER_TIMEOUT_S;

/// Ends a connection nobody was told about, with a reset: it costs us nothing to remember.
pub(crate) fn refuse(stream: TcpStream) {
    // A peer that is gone already needs no telling.
    let _ = stream.set_zero_linger();
    drop(stream);
}
