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

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[tokio::test]
    async fn a_prepared_connection_sends_at_once_and_notices_a_dead_peer() {
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let (stream, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let _peer = stream.expect("it listens");
        let (stream, _) = accepted.expect("somebody came");
        prepare(&stream).expect("socket options");
        let socket = SockRef::from(&stream);
        assert!(stream.nodelay().expect("an option"));
        assert!(socket.keepalive().expect("an option"));
        assert_eq!(socket.tcp_keepalive_time().expect("an option"), Duration::from_secs(15));
        assert_eq!(socket.tcp_user_timeout().expect("an option"), Some(Duration::from_secs(20)));
    }
}
