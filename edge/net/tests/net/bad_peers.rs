//! Peers that send what is no frame, too slowly, too much, or read too slowly.

use crate::stage::*;
use net::{AllowedPeer, BanRule, CloseReason, Net, Role};
use std::net::Ipv4Addr;
use std::rc::Rc;
use terms::SourceId;
use tokio::net::{TcpSocket, TcpStream};

/// The good peer talks before and after; the bad one must not matter to it.
async fn beside_a_good_peer(net: &Net, bad: &[u8]) -> (Rc<Scribe>, CloseReason) {
    let scribe = Scribe::echoing();
    let listening = listen(net, persistent(), &scribe);
    let mut good = call(&listening).await;
    say(&mut good, &framed(b"before")).await;
    assert_eq!(hear(&mut good).await, b"before");
    let mut peer = call(&listening).await;
    say(&mut peer, bad).await;
    let why = scribe.closed().await;
    say(&mut good, &framed(b"after")).await;
    assert_eq!(hear(&mut good).await, b"after");
    (scribe, why)
}

#[test]
fn a_length_that_is_none_closes_only_its_own_connection() {
    #[rustfmt::skip]
    let table: [(&[u8], &str); 5] = [
        // bytes                    what
        (b"GET / HTTP/1.1\r\n",    "another protocol"),
        (b"00x4body",              "a letter in the length"),
        (b"9999",                  "longer than any message may be"),
        (b"\x16\x03\x01\x02\x00",  "the beginning of TLS where none is spoken"),
        (b"-001x",                 "a negative length"),
    ];
    for (bad, what) in table {
        on_a_net(async |net| {
            let (_, why) = beside_a_good_peer(&net, bad).await;
            assert!(matches!(why, CloseReason::Framing(_)), "{what}: {why}");
        });
    }
}

#[test]
fn frames_before_the_garbage_are_still_handed_over() {
    on_a_net(async |net| {
        let bad = [framed(b"good"), b"bad!".to_vec()].concat();
        let (scribe, _) = beside_a_good_peer(&net, &bad).await;
        assert_eq!(scribe.frames(), [&b"before"[..], b"good", b"after"]);
    });
}

#[test]
fn a_frame_that_is_never_finished_times_out_however_slowly_it_dribbles() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let mut config = persistent();
        config.limits.frame_timeout_ms = 200;
        let listening = listen(&net, config, &scribe);
        let mut peer = call(&listening).await;
        say(&mut peer, b"0100").await;
        let dribbling = async {
            loop {
                if tokio::io::AsyncWriteExt::write_all(&mut peer, b"x").await.is_err() {
                    std::future::pending::<()>().await;
                }
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        let why = tokio::select! { why = scribe.closed() => why, () = dribbling => unreachable!() };
        assert!(matches!(why, CloseReason::FrameTimeout { timeout_ms: 200, .. }), "{why}");
    });
}

#[test]
fn a_peer_that_stops_inside_a_frame_is_told_apart_from_one_that_stops_between_two() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let listening = listen(&net, persistent(), &scribe);
        let mut peer = call(&listening).await;
        say(&mut peer, b"0100abc").await;
        drop(peer);
        assert_eq!(scribe.closed().await, CloseReason::PeerClosedMidFrame { pending_bytes: 7 });
    });
}

#[test]
fn a_thousand_peers_that_send_noise_do_not_disturb_a_good_one() {
    on_a_net(async |net| {
        let scribe = Scribe::echoing();
        let listening = listen(&net, persistent(), &scribe);
        let mut good = call(&listening).await;
        let mut noise = 0x5eed_u64;
        for round in 0..1_000 {
            let mut bad = call(&listening).await;
            let bytes: Vec<u8> = (0..300).map(|_| next_noise(&mut noise)).collect();
            // Some are reset before they said it all.
            let _ = tokio::io::AsyncWriteExt::write_all(&mut bad, &bytes).await;
            let question = format!("round {round}").into_bytes();
            say(&mut good, &framed(&question)).await;
            assert_eq!(hear(&mut good).await, question, "after noise of seed 0x5eed");
        }
        until_counted(listening.counters(), |now| now.open == 1).await;
        assert_eq!(net.open(), 1);
    });
}

fn next_noise(state: &mut u64) -> u8 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state as u8
}

#[test]
fn silence_is_allowed_unless_configured_otherwise() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let mut config = persistent();
        config.limits.idle_timeout_ms = Some(50);
        let listening = listen(&net, config, &scribe);
        let _peer = call(&listening).await;
        assert_eq!(scribe.closed().await, CloseReason::Idle { timeout_ms: 50 });
    });
}

#[test]
fn a_peer_that_does_not_read_is_closed_before_it_costs_memory() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let mut config = persistent();
        config.limits.unsent_bytes_max = 100_000;
        let listening = listen(&net, config, &scribe);
        let _peer = call(&listening).await;
        let conn = scribe.first().await;
        let body = vec![b'0'; 4_000];
        let mut sent = 0_u64;
        let refused = loop {
            match conn.send_bytes(b"", &body) {
                Ok(()) => sent += 1,
                Err(refused) => break refused,
            }
            assert!(sent < 1_000_000, "the kernel has room for {sent} frames");
            net.flush();
        };
        assert!(matches!(refused, net::SendError::SlowReader { .. }), "{refused}");
        let why = scribe.closed().await;
        assert!(matches!(why, CloseReason::SlowReader { unsent_bytes } if unsent_bytes < 110_000), "{why}");
        assert_eq!(listening.counters().snapshot().closed_slow_reader, 1);
    });
}

#[test]
fn a_peer_that_stopped_reading_is_given_up_after_a_while() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let mut config = persistent();
        config.limits.write_stall_ms = 100;
        let listening = listen(&net, config, &scribe);
        let _peer = call(&listening).await;
        let conn = scribe.first().await;
        let body = vec![b'0'; 4_000];
        // More than the kernel takes, less than the limit of unsent bytes.
        while conn.unsent_bytes() < 500_000 {
            conn.send_bytes(b"", &body).expect("below the limit");
            net.flush();
        }
        let why = scribe.closed().await;
        assert!(matches!(why, CloseReason::WriteStalled { timeout_ms: 100, .. }), "{why}");
        assert_eq!(net.open(), 0);
    });
}

#[test]
fn a_slow_but_willing_reader_gets_everything() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let listening = listen(&net, persistent(), &scribe);
        let mut peer = call(&listening).await;
        let conn = scribe.first().await;
        let mut sent = 0_u32;
        // More than the kernel takes, less than the limit: the rest is the task's to finish.
        while conn.unsent_bytes() < 500_000 {
            let body = format!("{sent:04000}");
            conn.send_bytes(b"", body.as_bytes()).expect("below the limit");
            net.flush();
            sent += 1;
        }
        for number in 0..sent {
            assert_eq!(hear(&mut peer).await, format!("{number:04000}").into_bytes());
        }
        assert_eq!(conn.unsent_bytes(), 0);
        assert!(conn.is_open());
    });
}

#[test]
fn one_address_gets_only_its_share_of_connections() {
    on_a_net(async |net| {
        let scribe = Scribe::echoing();
        let mut config = persistent();
        config.per_address_max = 2;
        let listening = listen(&net, config, &scribe);
        let (mut first, second) = (call(&listening).await, call(&listening).await);
        scribe.opened(2).await;
        let mut third = call(&listening).await;
        turned_away(&mut third).await;
        until_counted(listening.counters(), |now| now.refused_address == 1).await;
        say(&mut first, &framed(b"still here")).await;
        assert_eq!(hear(&mut first).await, b"still here");
        drop(second);
        until_counted(listening.counters(), |now| now.open == 1).await;
        let mut fourth = call(&listening).await;
        say(&mut fourth, &framed(b"room again")).await;
        assert_eq!(hear(&mut fourth).await, b"room again");
    });
}

#[test]
fn a_full_listener_goes_on_accepting_and_refusing() {
    on_a_net(async |net| {
        let scribe = Scribe::echoing();
        let mut config = persistent();
        config.connections_max = 1;
        let listening = listen(&net, config, &scribe);
        let mut only = call(&listening).await;
        scribe.opened(1).await;
        for refused in 1..=50 {
            let mut peer = call(&listening).await;
            turned_away(&mut peer).await;
            until_counted(listening.counters(), |now| now.refused_total == refused).await;
        }
        say(&mut only, &framed(b"undisturbed")).await;
        assert_eq!(hear(&mut only).await, b"undisturbed");
    });
}

async fn call_from(listening: &net::Listening, last: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into()).expect("all of 127/8 is this machine");
    socket.connect(listening.local_addr()).await.expect("a listener accepts")
}

#[test]
fn peers_are_known_by_their_address_and_strangers_refused() {
    on_a_net(async |net| {
        let scribe = Scribe::echoing();
        let mut config = persistent();
        let west = AllowedPeer {
            address: Ipv4Addr::new(127, 0, 0, 2).into(),
            name: name("branch-west"),
            source: SourceId(7),
        };
        config.allow = Some(vec![west]);
        let listening = listen(&net, config, &scribe);
        let mut stranger = call_from(&listening, 3).await;
        turned_away(&mut stranger).await;
        let mut west = call_from(&listening, 2).await;
        say(&mut west, &framed(b"hello")).await;
        assert_eq!(hear(&mut west).await, b"hello");
        let conn = scribe.first().await;
        assert_eq!((conn.name(), conn.role()), (&name("branch-west"), Role::Source(SourceId(7))));
        assert_eq!(listening.counters().snapshot().refused_unknown, 1);
        assert_eq!(scribe.conns.borrow().len(), 1);
    });
}

#[test]
fn the_list_of_peers_can_be_changed_while_others_talk() {
    on_a_net(async |net| {
        let scribe = Scribe::echoing();
        let listening = listen(&net, persistent(), &scribe);
        let mut before = call(&listening).await;
        scribe.opened(1).await;
        listening.set_allow(Some(Vec::new()));
        turned_away(&mut call(&listening).await).await;
        say(&mut before, &framed(b"still in")).await;
        assert_eq!(hear(&mut before).await, b"still in");
        listening.set_allow(None);
        let mut after = call(&listening).await;
        say(&mut after, &framed(b"in again")).await;
        assert_eq!(hear(&mut after).await, b"in again");
    });
}

#[test]
fn an_address_that_keeps_sending_garbage_is_shut_out_alone() {
    on_a_net(async |net| {
        let scribe = Scribe::echoing();
        let mut config = persistent();
        config.ban = Some(BanRule { errors: 3, loopback: true, ..BanRule::default() });
        let listening = listen(&net, config, &scribe);
        for errors in 1..=3 {
            let mut bad = call_from(&listening, 9).await;
            say(&mut bad, b"garbage!").await;
            until_counted(listening.counters(), |now| now.closed_framing == errors).await;
        }
        let mut bad = call_from(&listening, 9).await;
        turned_away(&mut bad).await;
        until_counted(listening.counters(), |now| now.refused_banned == 1 && now.bans == 1).await;
        let mut good = call_from(&listening, 8).await;
        say(&mut good, &framed(b"not me")).await;
        assert_eq!(hear(&mut good).await, b"not me");
    });
}

#[test]
fn a_port_in_use_is_said_to_be_in_use() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let listening = listen(&net, persistent(), &scribe);
        let mut config = persistent();
        config.address = listening.local_addr();
        let refused = net.listen(config, scribe).err().expect("the port is taken");
        assert!(matches!(refused, net::NetError::InUse { .. }), "{refused}");
    });
}
