//! Ports for whoever must find the same one again.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where the search begins and how far it may go. Reason: below 32768, where Linux begins to give ports to
/// connections, and above those that well-known services have.
const FIRST: u16 = 16_000;
const COUNT: u32 = 15_000;
/// Ports tried before the search is given up.
const TRIED: usize = 1_000;

/// An address whose port is free and stays it: the system gives it to nobody who asks for any port, neither to a
/// listener nor to a connection. Processes that ask at the same time begin at different places.
///
/// # Errors
/// What the system said to the last of a thousand ports that were tried.
pub fn lasting_address(ip: IpAddr) -> io::Result<SocketAddr> {
    lasting_listener(ip)?.local_addr()
}

/// The same, listened on already, so that nobody comes in between.
///
/// # Errors
/// As [`lasting_address`].
pub fn lasting_listener(ip: IpAddr) -> io::Result<TcpListener> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let begin = std::process::id().wrapping_mul(61);
    let mut refused = None;
    for _ in 0..TRIED {
        let step = begin.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % COUNT;
        let address = SocketAddr::new(ip, FIRST + step as u16);
        match TcpListener::bind(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => refused = Some(error),
        }
    }
    Err(refused.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn two_who_ask_get_different_ports_that_no_connection_gets() {
        let ask = || lasting_address(Ipv4Addr::LOCALHOST.into()).expect("one in a thousand is free");
        let (one, other) = (ask(), ask());
        assert_ne!(one, other);
        assert!([one, other].iter().all(|address| (16_000..31_000).contains(&address.port())));
    }
}
