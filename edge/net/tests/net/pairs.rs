//! A peer that calls first, and is called back.

use crate::stage::*;
use net::{CloseReason, DialConfig, LinkHandle, LinkState, Net, PairRule};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;
use terms::LinkId;
use tokio::net::{TcpListener, TcpStream};

/// A centre: where it is called back, and the link that waits for it.
struct Centre {
    listener: TcpListener,
    link: LinkHandle,
}

/// One pair as the centre holds it: its own connection first.
struct Pair(Vec<TcpStream>);

impl Centre {
    async fn awaited(net: &Net, backs: u16, pairs: u16, scribe: &Rc<Scribe>) -> Self {
        let listener = TcpListener::bind(any_port()).await.expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let link = dial(net, address, backs, pairs, Ipv4Addr::LOCALHOST.into(), scribe);
        Self { listener, link }
    }

    fn door(&self) -> SocketAddr {
        self.link.awaits_at().expect("the peer calls first")
    }

    /// Calls, and takes so many calls back.
    async fn call(&self, backs: usize) -> Pair {
        let mut all = vec![TcpStream::connect(self.door()).await.expect("it waits")];
        for _ in 0..backs {
            all.push(self.listener.accept().await.expect("it calls back").0);
        }
        Pair(all)
    }
}

fn dial(
    net: &Net,
    address: SocketAddr,
    connections: u16,
    pairs: u16,
    peer: IpAddr,
    scribe: &Rc<Scribe>,
) -> LinkHandle {
    let mut config = DialConfig::new(name("centre"), LinkId(3), address.to_string(), ascii4());
    (config.connections, config.reconnect_ms) = (connections, 10);
    config.pairs = Some(PairRule { listen: any_port(), pairs, peers: vec![peer] });
    net.dial(config, scribe.clone()).expect("a free port")
}

async fn until_up(link: &LinkHandle, count: usize) {
    while link.up() != count {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Waits until every connection of a pair has ended.
async fn until_ended(pair: &mut Pair) {
    for stream in &mut pair.0 {
        let _ = rest(stream).await;
    }
}

#[test]
fn nobody_is_dialled_before_the_peer_has_called_and_then_as_often_as_agreed() {
    on_a_net(async |net| {
        let centre = Centre::awaited(&net, 3, 1, &Scribe::silent()).await;
        assert_eq!(centre.link.states(), vec![LinkState::Awaited; 4]);
        assert!(centre.link.next_conn().is_none());
        let _pair = centre.call(3).await;
        until_up(&centre.link, 4).await;
        let slots: BTreeSet<u64> =
            (0..8).filter_map(|_| centre.link.next_conn()).map(|conn| conn.id().0).collect();
        assert_eq!(slots.len(), 4, "all of them are sent on, each in its turn");
    });
}

#[test]
fn whichever_connection_is_lost_the_whole_pair_goes_and_is_built_when_the_peer_calls_again() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let centre = Centre::awaited(&net, 2, 1, &scribe).await;
        for lost in 0..3 {
            let mut pair = centre.call(2).await;
            until_up(&centre.link, 3).await;
            drop(pair.0.remove(lost));
            until_ended(&mut pair).await;
            until_up(&centre.link, 0).await;
            while centre.link.states() != vec![LinkState::Awaited; 3] {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        let told = scribe.told.borrow();
        let closed = told.iter().filter(|told| matches!(told, Told::Closed(..))).count();
        assert_eq!(closed, 9, "the switch was told of each of them");
    });
}

#[test]
fn a_peer_that_calls_once_more_has_lost_its_oldest_pair() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let centre = Centre::awaited(&net, 1, 2, &scribe).await;
        let mut oldest = centre.call(1).await;
        until_up(&centre.link, 2).await;
        let mut other = centre.call(1).await;
        until_up(&centre.link, 4).await;
        let mut newest = centre.call(1).await;
        until_ended(&mut oldest).await;
        until_up(&centre.link, 4).await;
        for pair in [&mut other, &mut newest] {
            for stream in &mut pair.0 {
                say(stream, &framed(b"1804")).await;
            }
        }
        assert_eq!(scribe.frames_until(4).await.len(), 4, "the two that stand speak on");
    });
}

#[test]
fn a_peer_that_cannot_be_called_back_yet_is_tried_as_long_as_it_stands() {
    on_a_net(async |net| {
        let nowhere = TcpListener::bind(any_port()).await.expect("a free port");
        let address = nowhere.local_addr().expect("it has an address");
        drop(nowhere);
        let link = dial(&net, address, 1, 1, Ipv4Addr::LOCALHOST.into(), &Scribe::silent());
        let first = TcpStream::connect(link.awaits_at().expect("it waits")).await.expect("it waits");
        until_counted(link.counters(), |now| now.connect_failures >= 3).await;
        assert_eq!(link.up(), 1, "the peer's own connection stands meanwhile");
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("an option");
        socket.bind(address).expect("it is free again");
        let back = socket.listen(8).expect("it listens");
        let (_back, _) = back.accept().await.expect("it calls back");
        until_up(&link, 2).await;
        drop(first);
        until_up(&link, 0).await;
    });
}

#[test]
fn a_stranger_is_refused_and_pushes_nobody_out() {
    on_a_net(async |net| {
        let listener = TcpListener::bind(any_port()).await.expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        let elsewhere = Ipv4Addr::new(192, 0, 2, 1).into();
        let link = dial(&net, address, 1, 1, elsewhere, &Scribe::silent());
        let mut stranger = TcpStream::connect(link.awaits_at().expect("it waits")).await.expect("it waits");
        turned_away(&mut stranger).await;
        assert_eq!((link.up(), link.states()), (0, vec![LinkState::Awaited; 2]));
    });
}

#[test]
fn what_is_no_frame_ends_the_pair() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let centre = Centre::awaited(&net, 1, 1, &scribe).await;
        let mut pair = centre.call(1).await;
        until_up(&centre.link, 2).await;
        say(&mut pair.0[1], b"nonsense").await;
        assert!(matches!(scribe.closed().await, CloseReason::Framing(_)));
        until_ended(&mut pair).await;
        until_up(&centre.link, 0).await;
    });
}

#[test]
fn a_link_that_is_closed_lets_go_of_its_pairs_and_takes_nobody_in() {
    on_a_net(async |net| {
        let centre = Centre::awaited(&net, 1, 1, &Scribe::silent()).await;
        let mut pair = centre.call(1).await;
        until_up(&centre.link, 2).await;
        centre.link.close();
        until_ended(&mut pair).await;
        while centre.link.states() != vec![LinkState::Stopped; 2] {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let door = centre.door();
        while TcpStream::connect(door).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

#[test]
fn dialling_at_once_disturbs_no_pair_that_stands() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let centre = Centre::awaited(&net, 1, 1, &scribe).await;
        let mut pair = centre.call(1).await;
        until_up(&centre.link, 2).await;
        centre.link.dial_now();
        for stream in &mut pair.0 {
            say(stream, &framed(b"1804")).await;
        }
        assert_eq!(scribe.frames_until(2).await.len(), 2);
        assert_eq!(centre.link.up(), 2);
    });
}

#[test]
fn a_peer_that_dials_at_once_what_it_has_lost_pushes_out_no_pair_that_lives() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let centre = Centre::awaited(&net, 1, 2, &scribe).await;
        let mut oldest = centre.call(1).await;
        let mut lost = centre.call(1).await;
        for _ in 0..20 {
            until_up(&centre.link, 4).await;
            drop(lost);
            // Before the switch has had a moment to hear of the loss.
            lost = centre.call(1).await;
        }
        until_up(&centre.link, 4).await;
        for stream in &mut oldest.0 {
            say(stream, &framed(b"1804")).await;
        }
        assert_eq!(scribe.frames_until(2).await.len(), 2, "it stood through all of it");
    });
}

#[test]
fn a_peer_that_loses_every_pair_and_dials_at_once_has_all_of_them_built_anew() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let centre = Centre::awaited(&net, 2, 3, &scribe).await;
        let mut pairs = Vec::new();
        for again in 0..10 {
            pairs.clear();
            for _ in 0..3 {
                pairs.push(centre.call(2).await);
            }
            let count = (again + 1) * 9;
            let opened = |told: &[Told]| told.iter().filter(|told| matches!(told, Told::Opened(_))).count();
            scribe.until(|told| (opened(told) == count).then_some(())).await;
            until_up(&centre.link, 9).await;
        }
        let told = scribe.told.borrow();
        let closed = told.iter().filter(|told| matches!(told, Told::Closed(..))).count();
        assert_eq!(closed, 81, "of each connection that is gone the switch was told once");
    });
}
