//! Frames in and out of persistent connections.

use crate::stage::*;
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
