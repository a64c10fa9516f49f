//! Frames in and out of persistent connections.

use crate::stage::*;
use net::CloseReason;

#[test]
fn an_answer_goes_back_where_the_question_came_from() {
    on_a_net(async |net| {
        let scribe = Scribe::echoing();
        let listening = listen(&net, persistent(), &scribe);
        let (mut first, mut second) = (call(&listening).await, call(&listening).await);
        say(&mut first, &framed(b"one")).await;
        say(&mut second, &framed(b"two")).await;
        assert_eq!(hear(&mut second).await, b"two");
        assert_eq!(hear(&mut first).await, b"one");
        drop(first);
        assert_eq!(scribe.closed().await, CloseReason::PeerClosed);
    });
}

#[test]
fn frames_split_and_merged_at_every_byte_arrive_whole_and_in_order() {
    on_a_net(async |net| {
        let scribe = Scribe::echoing();
        let listening = listen(&net, persistent(), &scribe);
        let bodies: [&[u8]; 3] = [b"0200 first", b"x", b"0800 the third one"];
        let stream = bodies.map(framed).concat();
        for cut in 0..=stream.len() {
            let mut peer = call(&listening).await;
            peer.set_nodelay(true).expect("a socket option");
            let before = listening.counters().snapshot().bytes_in;
            say(&mut peer, &stream[..cut]).await;
            until_counted(listening.counters(), |now| now.bytes_in == before + cut as u64).await;
            say(&mut peer, &stream[cut..]).await;
            for body in bodies {
                assert_eq!(hear(&mut peer).await, body, "cut at {cut}");
            }
        }
        assert_eq!(scribe.frames(), bodies.repeat(stream.len() + 1));
    });
}

#[test]
fn frames_that_arrive_together_end_in_one_turn_and_leave_in_one_piece() {
    on_a_net(async |net| {
        let scribe = Scribe::echoing();
        let listening = listen(&net, persistent(), &scribe);
        let mut peer = call(&listening).await;
        scribe.opened(1).await;
        scribe.told.borrow_mut().clear();
        say(&mut peer, &[framed(b"a"), framed(b"b"), framed(b"c")].concat()).await;
        let mut answers = [0; 15];
        tokio::io::AsyncReadExt::read_exact(&mut peer, &mut answers).await.expect("three answers");
        assert_eq!(&answers, b"0001a0001b0001c");
        let told = scribe.told.borrow();
        let turns = told.iter().filter(|told| **told == Told::TurnEnded).count();
        assert_eq!((told.len(), turns), (4, 1), "{told:?}");
        assert_eq!(told.last(), Some(&Told::TurnEnded));
    });
}

#[test]
fn what_one_connection_says_may_be_sent_on_another_at_once() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let listening = listen(&net, persistent(), &scribe);
        let (mut first, _second) = (call(&listening).await, call(&listening).await);
        scribe.opened(2).await;
        let conns = scribe.conns.borrow().clone();
        let of_first = conns.iter().find(|conn| Some(conn.peer()) == first.local_addr().ok());
        let of_first = of_first.expect("the first connection was told");
        of_first.send_bytes(b"", b"unasked").expect("it is open");
        net.flush();
        assert_eq!(hear(&mut first).await, b"unasked");
        assert_eq!(net.conn(of_first.id()).map(|conn| conn.id()), Some(of_first.id()));
        of_first.set_tag(42);
        assert_eq!(net.conn(of_first.id()).map(|conn| conn.tag()), Some(42));
    });
}

#[test]
fn a_sign_of_life_is_counted_and_not_answered() {
    on_a_net(async |net| {
        let scribe = Scribe::echoing();
        let mut config = persistent();
        config.framing.keep_alive_zero = true;
        let listening = listen(&net, config, &scribe);
        let mut peer = call(&listening).await;
        say(&mut peer, &[b"00000000".to_vec(), framed(b"real"), b"0000".to_vec()].concat()).await;
        assert_eq!(hear(&mut peer).await, b"real");
        until_counted(listening.counters(), |now| now.keep_alives == 3).await;
        assert_eq!(listening.counters().snapshot().frames_out, 1);
    });
}

#[test]
fn a_number_of_a_connection_never_comes_again() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let listening = listen(&net, persistent(), &scribe);
        let mut seen = std::collections::HashSet::new();
        for count in 1..=20_u64 {
            let peer = call(&listening).await;
            scribe.opened(count as usize).await;
            let conn = scribe.conns.borrow().last().cloned().expect("one was told");
            assert!(seen.insert(conn.id()), "{:?} came again", conn.id());
            drop(peer);
            until_counted(listening.counters(), |now| now.closed_peer == count).await;
            assert!(net.conn(conn.id()).is_none(), "a connection that is gone is not found");
            assert!(!conn.is_open());
            assert!(conn.send_bytes(b"", b"late").is_err());
        }
    });
}

#[test]
fn closing_in_good_order_sends_what_was_queued_first() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let listening = listen(&net, persistent(), &scribe);
        let mut peer = call(&listening).await;
        let conn = scribe.first().await;
        let body = vec![b'7'; 4_000];
        for _ in 0..200 {
            conn.send_bytes(b"", &body).expect("it is open and below the limit");
        }
        conn.close();
        assert!(conn.send_bytes(b"", b"more").is_err());
        for _ in 0..200 {
            assert_eq!(hear(&mut peer).await, body);
        }
        assert_eq!(rest(&mut peer).await, Ok(Vec::new()));
        assert_eq!(scribe.closed().await, CloseReason::Ours);
    });
}

#[test]
fn a_body_that_cannot_be_written_leaves_nothing_behind() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let listening = listen(&net, persistent(), &scribe);
        let mut peer = call(&listening).await;
        let conn = scribe.first().await;
        let failed = conn.send(b"", |out| {
            out.extend_from_slice(b"half of it");
            Err("no more")
        });
        assert!(matches!(failed, Err(net::SendError::Frame(_))), "{failed:?}");
        conn.send_bytes(b"", b"whole").expect("the connection is as it was");
        assert_eq!(hear(&mut peer).await, b"whole");
    });
}

#[test]
fn two_thousand_idle_connections_cost_little_memory() {
    on_a_net(async |net| {
        const CONNECTIONS: usize = 2_000;
        let scribe = Scribe::echoing();
        let mut config = persistent();
        config.per_address_max = CONNECTIONS as u32;
        let listening = listen(&net, config, &scribe);
        let before = resident_bytes();
        let mut peers = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut peer = call(&listening).await;
            say(&mut peer, &framed(b"one message, then silence")).await;
            assert_eq!(hear(&mut peer).await.len(), 25);
            peers.push(peer);
        }
        assert_eq!(net.open(), CONNECTIONS);
        // Both ends live in this process, so the figure is above what a connection costs the switch.
        let each = (resident_bytes().saturating_sub(before)) / CONNECTIONS;
        println!("{each} bytes of memory per idle connection, both ends");
        assert!(each < 10_000, "{each} bytes each");
    });
}

fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or_default() * 4_096
}
