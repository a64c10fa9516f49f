//! Frames that are none, and messages that are wrong, through the door of the real program: each meets its
//! defined end, and a good client on another connection is served before, while and after.

use stories::*;
use terms::{Code, Kind, Outcome, Stan};

/// A switch, its host, and a good client whose every question must be answered.
struct Stage {
    daemon: Daemon,
    good: Client,
    terminal: Terminal,
    _setup: Setup,
    _host: Host,
}

impl Stage {
    fn set(change: impl FnOnce(&mut Setup)) -> Self {
        let host = Host::approving();
        let mut setup = Setup::with_host(&host);
        change(&mut setup);
        let daemon = setup.start();
        let good = Client::of(&daemon, "acquirer");
        let mut stage =
            Self { daemon, good, terminal: Terminal::named("GOOD0001"), _setup: setup, _host: host };
        stage.good_client_is_served();
        stage
    }

    fn good_client_is_served(&mut self) {
        let answer = self.good.ask(&self.terminal.asks(Kind::BalanceInquiry, 0));
        assert_eq!(answer.outcome, Some(Outcome::Approved));
    }

    fn visitor(&self) -> Client {
        Client::of(&self.daemon, "acquirer")
    }
}

/// A message of these elements as they are given, right or wrong, behind a bitmap that promises them.
fn raw(mti: &str, elements: &[(u32, &str)]) -> Vec<u8> {
    let promised = elements.iter().fold(0_u64, |bits, (de, _)| bits | 1 << (64 - de));
    let values: String = elements.iter().map(|(_, value)| *value).collect();
    format!("{mti}{promised:016X}{values}").into_bytes()
}

/// A good withdrawal, with one element replaced.
fn but(de: u32, value: &str) -> Vec<u8> {
    let mut elements = GOOD.to_vec();
    match elements.iter_mut().find(|element| element.0 == de) {
        Some(element) => element.1 = value,
        None => {
            elements.push((de, value));
            elements.sort_by_key(|element| element.0);
        }
    }
    raw("0200", &elements)
}

fn without(de: u32) -> Vec<u8> {
    let elements: Vec<_> = GOOD.iter().copied().filter(|element| element.0 != de).collect();
    raw("0200", &elements)
}

fn good() -> Vec<u8> {
    raw("0200", GOOD)
}

#[rustfmt::skip]
const GOOD: &[(u32, &str)] = &[
    ( 2, "164111111111111111"),
    ( 3, "010000"),
    ( 4, "000000030000"),
    ( 7, "1122091500"),
    (11, "000481"),
    (12, "181500"),
    (13, "1122"),
    (35, "374111111111111111=30122011234567800000"),
    (41, "TERM0001"),
    (49, "392"),
    (52, "1A2B3C4D5E6F7081"),
];

#[test]
fn bytes_that_are_no_frame_end_their_connection_and_no_other() {
    let mut stage = Stage::set(|_| ());
    #[rustfmt::skip]
    let table: &[(&str, &[u8], &str)] = &[
        // what it is            bytes             counted as
        ("letters for a length", b"abcd",          "closed_framing"),
        ("a sign in a length",   b"-012",          "closed_framing"),
        ("spaces in a length",   b"  12",          "closed_framing"),
        ("one wrong digit",      b"00",            ""),
        ("a length of nothing",  b"0000",          "closed_framing"),
        ("a length too big",     b"9999",          "closed_framing"),
        ("one byte too big",     b"4097",          "closed_framing"),
        ("a TLS client",         b"\x16\x03\x01",  "closed_framing"),
        ("a web browser",        b"GET / HTTP/1.1\r\n\r\n", "closed_framing"),
    ];
    for (what, bytes, count) in table {
        let before = if count.is_empty() { 0 } else { stage.daemon.count("acquirer", count) };
        let mut visitor = stage.visitor();
        visitor.send_bytes(bytes);
        stage.good_client_is_served();
        if count.is_empty() {
            // Not wrong yet: two more digits might make it a frame. It is these that are wrong.
            visitor.send_bytes(b"x");
        }
        assert_eq!(visitor.wait_for_end(), 0, "{what}");
        if !count.is_empty() {
            wait_for(what, || (stage.daemon.count("acquirer", count) > before).then_some(()));
        }
        stage.good_client_is_served();
    }
    assert_eq!(stage.daemon.figure("/transactions/unreadable"), 0, "none of it was taken for a message");
}

#[test]
fn a_frame_that_is_never_completed_ends_its_connection_in_time() {
    let mut stage = Stage::set(|setup| setup.frame_timeout_ms = 300);
    let mut visitors: Vec<Client> = (0..3).map(|_| stage.visitor()).collect();
    for (visitor, bytes) in visitors.iter_mut().zip([&b"0"[..], b"0120", b"01200200"]) {
        visitor.send_bytes(bytes);
    }
    for visitor in &mut visitors {
        stage.good_client_is_served();
        assert_eq!(visitor.wait_for_end(), 0);
    }
    wait_for("three time-outs counted", || {
        (stage.daemon.count("acquirer", "closed_frame_timeout") == 3).then_some(())
    });
    stage.good_client_is_served();
}

#[test]
fn a_frame_may_be_split_at_any_byte() {
    let mut stage = Stage::set(|_| ());
    let speech = Speech::named("iso87-ascii");
    let (mut visitor, mut terminal) = (stage.visitor(), Terminal::named("SPLIT001"));
    for at in 1.. {
        let question = terminal.asks(Kind::BalanceInquiry, 0);
        let frame = speech.frame(&speech.body(&question));
        let Some((head, tail)) = frame.split_at_checked(at).filter(|(_, tail)| !tail.is_empty()) else {
            assert!(at > 200, "the message is long enough to mean something");
            break;
        };
        visitor.send_bytes(head);
        // While this is answered, the switch has had its turn with the first part.
        stage.good_client_is_served();
        visitor.send_bytes(tail);
        assert_eq!(visitor.answer().stan, question.stan, "split at byte {at}");
    }
}

#[test]
fn frames_may_arrive_merged_at_any_byte() {
    let mut stage = Stage::set(|_| ());
    let speech = Speech::named("iso87-ascii");
    let (mut visitor, mut terminal) = (stage.visitor(), Terminal::named("MERGE001"));
    let mut frame = |stan: &mut Stan| {
        let question = terminal.asks(Kind::BalanceInquiry, 0);
        *stan = question.stan;
        speech.frame(&speech.body(&question))
    };
    let mut stans = [Stan(0); 3];
    let length = frame(&mut stans[0]).len();
    for at in (1..length).step_by(7) {
        let [first, second, third] = &mut stans;
        let bytes = [frame(first), frame(second), frame(third)].concat();
        let (head, tail) = bytes.split_at(length + at);
        visitor.send_bytes(head);
        stage.good_client_is_served();
        visitor.send_bytes(tail);
        let mut answered = [visitor.answer().stan, visitor.answer().stan, visitor.answer().stan];
        answered.sort_unstable();
        assert_eq!(answered, stans, "merged at byte {at} of the second");
    }
}

/// How a wrong message is told so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answered {
    /// With a format error under its own trace number.
    With(Stan),
    /// Not at all: it is not known what it was, or it cannot be said whose.
    Not,
}

#[test]
fn a_wrong_message_is_answered_with_a_format_error_and_its_connection_goes_on() {
    use Answered::{Not, With};
    let mut stage = Stage::set(|_| ());
    let own = With(Stan(481));
    let nobodys = With(Stan(0));
    #[rustfmt::skip]
    let table: &[(&str, Vec<u8>, Answered)] = &[
        ("a field promised and absent",     good()[..good().len() - 16].to_vec(),     own),
        ("everything promised, all absent", b"0200FFFFFFFFFFFFFFFF".to_vec(),          nobodys),
        ("bytes behind the last field",     [good(), b"tail".to_vec()].concat(),      own),
        ("a field too long",                but(35, "394111111111111111=3012201123456780000000"), own),
        ("a field too short",               but(52, "1A2B3C4D5E6F70"),                own),
        ("a length that is no number",      but(35, "3x4111111111111111=30122011234567800000"), own),
        ("letters in an amount",            but(4, "0000000300x0"),                   nobodys),
        ("no hex in a PIN block",           but(52, "1A2B3C4D5E6F708G"),              own),
        ("control characters in a name",    but(41, "TERM\u{1}\u{2}\u{3}\u{4}"),      own),
        ("a month that is none",            but(13, "1322"),                          own),
        ("a mandatory field missing",       without(3),                               own),
        ("a bitmap that is no hex",         b"0200Z23A400128808002".to_vec(),          nobodys),
        ("a type nobody knows",             raw("0299", GOOD),                        Not),
        ("a type of another edition",       raw("1200", GOOD),                        Not),
        ("a type that is no number",        raw("02x0", GOOD),                        Not),
        ("a body of one byte",              b"0".to_vec(),                            Not),
        ("an answer nobody asked for",      raw("0210", &[(11, "000481")]),           Not),
    ];
    for (what, body, expected) in table {
        let mut visitor = stage.visitor();
        visitor.send_body(body);
        stage.good_client_is_served();
        let mut terminal = Terminal::named("AFTER001");
        terminal.stan = Stan(700_000 + u32::try_from(what.len()).expect("a short text"));
        let question = terminal.asks(Kind::BalanceInquiry, 0);
        visitor.send(&question);
        let first = visitor.answer();
        match expected {
            With(stan) => {
                assert_eq!((first.code, first.stan), (Some(Code::FormatError), *stan), "{what}");
                assert_eq!(visitor.answer().stan, question.stan, "{what}: it goes on");
            }
            Not => assert_eq!(first.stan, question.stan, "{what}: no answer, and it goes on"),
        }
    }
    let wrong = table.len() as u64;
    stage.daemon.wait_for_figure("/transactions/unreadable", wrong);
    assert_eq!(stage.daemon.figure("/transactions/unreadable"), wrong);
}

#[test]
fn the_fifth_wrong_message_ends_its_connection() {
    let mut stage = Stage::set(|_| ());
    let mut visitor = stage.visitor();
    for _ in 0..5 {
        visitor.send_body(&but(4, "0000000300x0"));
        stage.good_client_is_served();
    }
    assert_eq!(visitor.wait_for_end(), 5, "each was answered, the last one too");
    stage.good_client_is_served();
}

#[test]
fn no_card_number_track_or_pin_block_is_ever_shown() {
    let mut stage = Stage::set(|_| ());
    for wrong in [but(49, "39x"), but(35, "3x4111111111111111=30122011234567800000"), b"0200".to_vec()] {
        let mut visitor = stage.visitor();
        // Where it is most tempting: the value itself is what is wrong.
        for body in [wrong, but(2, "164111111111x11111"), but(52, "1A2B3C4D5E6F708G")] {
            visitor.send_body(&body);
            assert_eq!(visitor.answer().code, Some(Code::FormatError));
        }
    }
    stage.good_client_is_served();
    stage.daemon.wait_for_figure("/transactions/unreadable", 9);
    let status = stage.daemon.get("/v1/status").1;
    let specimens = stage.daemon.status()["specimens"].as_array().map_or(0, Vec::len);
    assert!(specimens >= 9, "specimens are kept: {specimens}");
    let shown = [status, stage.daemon.get("/metrics").1, stage.daemon.stderr()].concat();
    for secret in ["411111111111", "4111111111x1", "30122011234567", "1A2B3C4D5E6F70", "1a2b3c4d5e6f70"] {
        assert!(!shown.contains(secret), "{secret} is shown");
    }
}

#[test]
fn a_terminal_with_one_request_to_a_connection_meets_the_same_ends() {
    let mut stage = Stage::set(|setup| setup.frame_timeout_ms = 300);
    let at_the_atm = |stage: &Stage| Client::of(&stage.daemon, "atm");
    for bytes in [&b"abcd"[..], b"0000", b"9999", b"01200200"] {
        let mut visitor = at_the_atm(&stage);
        visitor.send_bytes(bytes);
        assert_eq!(visitor.wait_for_end(), 0);
        stage.good_client_is_served();
    }
    let mut visitor = at_the_atm(&stage);
    visitor.send_body(&but(4, "0000000300x0"));
    assert_eq!(visitor.answer().code, Some(Code::FormatError));
    assert_eq!(visitor.wait_for_end(), 0, "answered, and therefore ended");
    for unanswerable in [raw("0299", GOOD), raw("0210", &[(11, "000481"), (39, "00")]), b"0".to_vec()] {
        let mut visitor = at_the_atm(&stage);
        visitor.send_body(&unanswerable);
        assert_eq!(visitor.wait_for_end(), 0, "no answer, and no place kept for one");
        stage.good_client_is_served();
    }
    let mut visitor = at_the_atm(&stage);
    let mut terminal = Terminal::named("ATM00001");
    assert_eq!(visitor.ask(&terminal.withdraws(30_000)).outcome, Some(Outcome::Approved));
    assert_eq!(visitor.wait_for_end(), 0);
}

#[test]
fn a_terminal_that_asks_again_elsewhere_leaves_its_first_connection() {
    let host = Host::acting(|_| Act::Hold);
    let setup = Setup::with_host(&host);
    let daemon = setup.start();
    let question = Terminal::named("ATM00001").withdraws(30_000);
    let (mut first, mut second) = (Client::of(&daemon, "atm"), Client::of(&daemon, "atm"));
    first.send(&question);
    host.wait_for_requests(1);
    second.send(&question);
    assert_eq!(first.wait_for_end(), 0, "it would wait in vain and keep its place in the pool");
    host.release();
    assert_eq!(second.answer().outcome, Some(Outcome::Approved));
    assert_eq!(host.seen_count(), 1, "the host was asked once");
}
