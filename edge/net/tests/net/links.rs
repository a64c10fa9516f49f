//! Connections we dial.

use crate::stage::*;
use net::{CloseReason, ConnectError, DialConfig, LinkHandle, LinkState, Net};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use terms::LinkId;
use tokio::net::TcpListener;

async fn host() -> (TcpListener, SocketAddr) {
    let host = TcpListener::bind(any_port()).await.expect("a free port");
    let address = host.local_addr().expect("it has an address");
    (host, address)
}

fn to(address: SocketAddr) -> DialConfig {
    let mut config = DialConfig::new(name("host"), LinkId(3), address.to_string(), ascii4());
    config.reconnect_ms = 10;
    config
}

fn dial(net: &Net, config: DialConfig, scribe: &Rc<Scribe>) -> LinkHandle {
    net.dial(config, scribe.clone()).expect("there is something to dial")
}

async fn until_up(link: &LinkHandle, count: usize) {
    while link.up() != count {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn frames_go_both_ways_on_a_link() {
    on_a_net(async |net| {
        let (host, address) = host().await;
        let scribe = Scribe::silent();
        let link = dial(&net, to(address), &scribe);
        let (mut peer, _) = host.accept().await.expect("it dials");
        until_up(&link, 1).await;
        let conn = link.next_conn().expect("one is up");
        assert_eq!(conn.role(), net::Role::Link { link: LinkId(3), slot: 0 });
        conn.send_bytes(b"", b"0200").expect("open");
        assert_eq!(hear(&mut peer).await, b"0200");
        say(&mut peer, &framed(b"0210")).await;
        assert_eq!(scribe.frames_until(1).await, [b"0210"]);
    });
}

#[test]
fn a_host_that_comes_up_later_is_reached_then() {
    on_a_net(async |net| {
        let (gone, address) = host().await;
        drop(gone);
        let link = dial(&net, to(address), &Scribe::silent());
        until_counted(link.counters(), |now| now.connect_failures >= 3).await;
        assert!(link.next_conn().is_none());
        let failed = LinkState::Failed(ConnectError::Refused(std::io::ErrorKind::ConnectionRefused));
        assert!([failed, LinkState::Connecting].contains(&link.states()[0]), "{:?}", link.states());
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("a socket option");
        socket.bind(address).expect("the port is still free");
        let host = socket.listen(16).expect("it can be listened on");
        let _peer = host.accept().await.expect("it dials again");
        until_up(&link, 1).await;
    });
}

#[test]
fn a_lost_connection_is_dialled_again_and_has_another_number() {
    on_a_net(async |net| {
        let (host, address) = host().await;
        let scribe = Scribe::silent();
        let link = dial(&net, to(address), &scribe);
        let (peer, _) = host.accept().await.expect("it dials");
        scribe.opened(1).await;
        let before = link.next_conn().expect("one is up").id();
        drop(peer);
        assert_eq!(scribe.closed().await, CloseReason::PeerClosed);
        let _peer = host.accept().await.expect("it dials again");
        scribe.opened(2).await;
        assert_ne!(link.next_conn().expect("one is up").id(), before);
    });
}

#[test]
fn several_connections_of_a_link_take_turns() {
    on_a_net(async |net| {
        let (host, address) = host().await;
        let mut config = to(address);
        config.connections = 3;
        let link = dial(&net, config, &Scribe::silent());
        let mut peers = Vec::new();
        for _ in 0..3 {
            peers.push(host.accept().await.expect("it dials"));
        }
        until_up(&link, 3).await;
        let ids: Vec<_> = (0..6).map(|_| link.next_conn().expect("three are up").id()).collect();
        assert_eq!(ids[..3], ids[3..]);
        assert!(ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2], "{ids:?}");
    });
}

#[test]
fn a_closed_link_dials_no_more() {
    on_a_net(async |net| {
        let (host, address) = host().await;
        let scribe = Scribe::silent();
        let link = dial(&net, to(address), &scribe);
        let (mut peer, _) = host.accept().await.expect("it dials");
        until_up(&link, 1).await;
        link.next_conn().expect("one is up").send_bytes(b"", b"last words").expect("open");
        link.close();
        assert_eq!(rest(&mut peer).await, Ok(framed(b"last words")));
        drop(peer);
        assert_eq!(scribe.closed().await, CloseReason::Ours);
        while link.states() != [LinkState::Stopped] {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

#[test]
fn a_link_waiting_for_its_next_attempt_can_be_told_to_try_now() {
    on_a_net(async |net| {
        let (gone, address) = host().await;
        drop(gone);
        let mut config = to(address);
        config.reconnect_ms = 3_600_000;
        let link = dial(&net, config, &Scribe::silent());
        for failures in 1..=3 {
            until_counted(link.counters(), |now| now.connect_failures == failures).await;
            link.dial_now();
        }
    });
}

#[test]
fn a_host_that_resets_inside_a_frame_is_a_lost_connection() {
    on_a_net(async |net| {
        let (host, address) = host().await;
        let scribe = Scribe::silent();
        let _link = dial(&net, to(address), &scribe);
        let (mut peer, _) = host.accept().await.expect("it dials");
        say(&mut peer, b"0100ab").await;
        scribe.opened(1).await;
        peer.set_zero_linger().expect("a socket option");
        drop(peer);
        let why = scribe.closed().await;
        let lost = CloseReason::Reset(std::io::ErrorKind::ConnectionReset);
        assert_eq!(why, lost);
    });
}
