//! Listeners that take one request per connection.

use crate::stage::*;
use net::{CloseReason, PoolRule};
use tokio::io::AsyncWriteExt;

fn pool_of(size: u32) -> PoolRule {
    PoolRule { size_min: size, size_initial: size, size_max: size, check_ms: 20, ..PoolRule::default() }
}

#[test]
fn one_request_gets_one_answer_and_then_the_end() {
    on_a_net(async |net| {
        let scribe = Scribe::echoing();
        let listening = listen(&net, one_request(pool_of(4)), &scribe);
        let mut peer = call(&listening).await;
        say(&mut peer, &framed(b"0200")).await;
        assert_eq!(rest(&mut peer).await, Ok(framed(b"0200")));
        assert_eq!(scribe.closed().await, CloseReason::Answered);
        assert_eq!(listening.counters().snapshot().pool_busy, 0);
    });
}

#[test]
fn a_peer_that_says_it_has_no_more_to_say_still_gets_its_answer() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let listening = listen(&net, one_request(pool_of(4)), &scribe);
        let mut peer = call(&listening).await;
        say(&mut peer, &framed(b"0200")).await;
        peer.shutdown().await.expect("half a connection can be closed");
        scribe.frames_until(1).await;
        let conn = scribe.first().await;
        conn.send_bytes(b"", b"0210").expect("it still listens");
        assert_eq!(rest(&mut peer).await, Ok(framed(b"0210")));
    });
}

#[test]
fn what_comes_after_the_one_request_is_ignored_and_does_not_spoil_the_answer() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let listening = listen(&net, one_request(pool_of(4)), &scribe);
        let mut peer = call(&listening).await;
        say(&mut peer, &[framed(b"first"), framed(b"second"), b"garbage".to_vec()].concat()).await;
        scribe.frames_until(1).await;
        say(&mut peer, &vec![b'!'; 10_000]).await;
        until_counted(listening.counters(), |now| now.bytes_in > 10_000).await;
        let conn = scribe.first().await;
        conn.send_bytes(b"", b"answer").expect("open");
        assert_eq!(conn.send_bytes(b"", b"again"), Err(net::SendError::Answered));
        assert_eq!(rest(&mut peer).await, Ok(framed(b"answer")));
        assert_eq!(scribe.frames(), [b"first"]);
    });
}

#[test]
fn an_answer_that_never_comes_frees_the_place() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let mut config = one_request(pool_of(1));
        config.limits.answer_timeout_ms = 100;
        let listening = listen(&net, config, &scribe);
        let mut peer = call(&listening).await;
        say(&mut peer, &framed(b"0200")).await;
        assert_eq!(scribe.closed().await, CloseReason::Unanswered { timeout_ms: 100 });
        assert_eq!(listening.counters().snapshot().pool_busy, 0);
    });
}

#[test]
fn a_peer_that_asks_nothing_frees_the_place() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let mut config = one_request(pool_of(1));
        config.limits.idle_timeout_ms = Some(100);
        let listening = listen(&net, config, &scribe);
        let _peer = call(&listening).await;
        assert_eq!(scribe.closed().await, CloseReason::Idle { timeout_ms: 100 });
    });
}

#[test]
fn connections_beyond_the_pool_wait_in_line_and_beyond_the_line_are_refused() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let rule = PoolRule { waiting_max: 1, ..pool_of(1) };
        let listening = listen(&net, one_request(rule), &scribe);
        let mut first = call(&listening).await;
        say(&mut first, &framed(b"first")).await;
        scribe.frames_until(1).await;
        let mut second = call(&listening).await;
        say(&mut second, &framed(b"second")).await;
        until_counted(listening.counters(), |now| now.pool_waiting == 1).await;
        let mut third = call(&listening).await;
        turned_away(&mut third).await;
        until_counted(listening.counters(), |now| now.refused_pool == 1).await;
        assert_eq!(scribe.frames().len(), 1, "who waits is not heard yet");

        let conn = scribe.first().await;
        conn.send_bytes(b"", b"done").expect("open");
        assert_eq!(rest(&mut first).await, Ok(framed(b"done")));
        assert_eq!(scribe.frames_until(2).await[1], b"second");
    });
}

#[test]
fn who_waits_in_line_too_long_is_refused() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let rule = PoolRule { waiting_timeout_ms: 50, ..pool_of(1) };
        let listening = listen(&net, one_request(rule), &scribe);
        let _first = call(&listening).await;
        scribe.opened(1).await;
        let mut second = call(&listening).await;
        turned_away(&mut second).await;
        assert_eq!(listening.counters().snapshot().refused_waited, 1);
    });
}

#[test]
fn a_busy_pool_grows_and_an_idle_one_shrinks_again() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let rule = PoolRule { size_min: 1, size_max: 4, step: 1, idle_checks: 2, ..pool_of(1) };
        let listening = listen(&net, one_request(rule), &scribe);
        let mut peers = Vec::new();
        for _ in 0..4 {
            let mut peer = call(&listening).await;
            say(&mut peer, &framed(b"0200")).await;
            peers.push(peer);
        }
        // Nobody is answered, so the only way to hear all four is a pool of four.
        scribe.frames_until(4).await;
        assert_eq!(listening.counters().snapshot().pool_size, 4);
        drop(peers);
        for conn in scribe.conns.borrow().iter() {
            conn.send_bytes(b"", b"0210").expect("open as far as we know");
        }
        until_counted(listening.counters(), |now| now.pool_size == 1 && now.pool_shrunk == 3).await;
    });
}

#[test]
fn a_listener_that_stops_finishes_what_it_has_begun() {
    on_a_net(async |net| {
        let scribe = Scribe::silent();
        let listening = listen(&net, one_request(pool_of(1)), &scribe);
        let mut first = call(&listening).await;
        say(&mut first, &framed(b"0200")).await;
        scribe.frames_until(1).await;
        let mut waiting = call(&listening).await;
        until_counted(listening.counters(), |now| now.pool_waiting == 1).await;
        listening.stop();
        turned_away(&mut waiting).await;
        let conn = scribe.first().await;
        conn.send_bytes(b"", b"0210").expect("open");
        assert_eq!(rest(&mut first).await, Ok(framed(b"0210")));
        let refused = tokio::net::TcpStream::connect(listening.local_addr()).await;
        assert!(refused.is_err(), "nobody listens any more");
    });
}
