//! The night shift: what is owed is seen, held, released, retried and settled, and every transaction can be told.

mod typed;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use stories::*;
use terms::Code;
use typed::{Said, sekisho, typed_at};

/// Silence is waited out, so it is short; a failed attempt is not repeated within a test.
fn patient(host: &Host) -> Setup {
    let mut setup = Setup::with_host(host);
    setup.links[0].reply_timeout_ms = 300;
    setup.links[0].more = "breaker = { unanswered_percent = 0 }\n\
                           forward = { reply_timeout_ms = 300, repeat_ms = 600000 }"
        .into();
    setup
}

/// A host that answers nothing, not what it is owed either.
fn silent_host() -> Host {
    let host = Host::acting(|_| Act::Silence);
    host.acts_when_owed(|_| Act::Silence);
    host
}

/// A withdrawal nobody answered, and its reversal, tried once and due again much later. Its number.
fn one_is_owed(daemon: &Daemon, setup: &Setup) -> u64 {
    let mut client = Client::of(daemon, "acquirer");
    let answer = client.ask(&Terminal::named("TERM0001").withdraws(30_000));
    assert_eq!(answer.code, Some(Code::NoAnswer));
    wait_for("the first attempt to fail", || {
        let listed = ls(setup);
        let first = &listed["data"][0];
        (first["state"] == "due" && first["attempts"] == 1).then(|| first["id"].as_u64())?
    })
}

fn ls(setup: &Setup) -> serde_json::Value {
    typed_at(setup, &["saf", "ls", "--json"]).ends(0).json()
}

fn order(setup: &Setup, what: &str, id: u64) -> Said {
    let id = id.to_string();
    typed_at(setup, &["saf", what, &id, "--by", "suzuki", "--reason", "CHG-881"])
}

#[test]
fn what_is_owed_is_seen_held_released_and_paid() {
    let host = silent_host();
    let setup = patient(&host);
    let daemon = setup.start();
    let id = one_is_owed(&daemon, &setup);
    let seen = typed_at(&setup, &["saf", "ls"]).ends(0).fits();
    for word in ["reversal", "core", "due", "30000 (392)", "TRIES"] {
        assert!(seen.out.contains(word), "{word}: {}", seen.out);
    }
    typed_at(&setup, &["saf", "hold", &id.to_string()]).ends(2);
    assert!(order(&setup, "hold", id).ends(0).out.contains("it is held now"));
    assert!(order(&setup, "hold", id).ends(0).out.contains("already held"));
    let refused = order(&setup, "retry", id).ends(6);
    assert!(
        refused.err.contains("it is held; release it") && refused.err.contains("saf release"),
        "{refused:?}"
    );
    let shown = typed_at(&setup, &["saf", "show", &id.to_string()]).ends(0).fits();
    assert!(shown.out.contains("held by suzuki: CHG-881"), "{}", shown.out);

    host.acts_when_owed(|_| Act::Answer);
    order(&setup, "release", id).ends(0);
    daemon.wait_for_figure("/transactions/paid", 1);
    assert!(typed_at(&setup, &["saf", "ls"]).ends(0).out.contains("nothing is owed"));
    let gone = order(&setup, "hold", id).ends(5);
    assert!(gone.err.contains("no message") && gone.err.contains("next"), "{gone:?}");
    let story = typed_at(&setup, &["saf", "show", &id.to_string()]).ends(0).out;
    assert!(story.contains("not owed any more") && story.contains("paid by attempt 2"), "{story}");
    assert_eq!(host.owed_seen().len(), 2);
}

#[test]
fn a_retry_does_not_wait_for_its_turn() {
    let host = silent_host();
    let setup = patient(&host);
    let daemon = setup.start();
    let id = one_is_owed(&daemon, &setup);
    host.acts_when_owed(|_| Act::Answer);
    order(&setup, "retry", id).ends(0);
    daemon.wait_for_figure("/transactions/paid", 1);
}

#[test]
fn what_was_settled_by_hand_is_never_sent_again() {
    let host = silent_host();
    let setup = patient(&host);
    let mut daemon = setup.start();
    let id = one_is_owed(&daemon, &setup);
    let settled = order(&setup, "settle", id).ends(0);
    assert!(settled.out.contains("it is settled now"), "{settled:?}");
    let again = order(&setup, "settle", id).ends(0);
    assert!(again.out.contains("already settled; it is settled now"), "{again:?}");
    order(&setup, "hold", id).ends(5);
    daemon.kill();
    let daemon = setup.start();
    assert_eq!(daemon.figure("/transactions/pending"), 0, "the order was durable before it was confirmed");
    let rows = typed_at(&setup, &["txn", "ls", "--json"]).ends(0).json();
    assert_eq!(
        (&rows["data"][0]["stands"], &rows["data"][0]["reason"]),
        (&"settled".into(), &"CHG-881".into())
    );
}

#[test]
fn without_a_switch_the_journal_is_read_and_nothing_is_ordered() {
    let host = silent_host();
    let setup = patient(&host);
    let mut daemon = setup.start();
    let id = one_is_owed(&daemon, &setup);
    daemon.kill();
    let alone = order(&setup, "hold", id).ends(3);
    assert!(alone.err.contains("nothing was changed") && alone.err.contains("--local"), "{alone:?}");
    typed_at(&setup, &["saf", "ls"]).ends(3);
    let listed = typed_at(&setup, &["saf", "ls", "--local", "--json"]).ends(0).json();
    let first = &listed["data"][0];
    assert_eq!((&first["amount"], &first["kind"]), (&30_000.into(), &"withdrawal".into()));
    assert_eq!((&first["attempts"], &first["id"]), (&1.into(), &id.into()));
    typed_at(&setup, &["saf", "show", &id.to_string()]).ends(0).fits();
    typed_at(&setup, &["saf", "show", "999"]).ends(5);
}

#[test]
fn the_socket_of_a_dead_switch_is_replaced_and_that_of_a_live_one_is_not() {
    let host = Host::approving();
    let setup = patient(&host);
    let socket = setup.data.join("control.sock");
    let mut daemon = setup.start();
    let mode = std::fs::metadata(&socket).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    daemon.kill();
    assert!(socket.exists(), "nobody was there to take it away");
    let mut again = setup.start();
    assert_eq!(ls(&setup)["data"], serde_json::json!([]));

    let mut other = Setup::with_host(&host);
    other.journal_more = format!("[control]\nsocket = \"{}\"", socket.display());
    let mut refused = other.spawn();
    let (code, said) = refused.end();
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("another process answers on the control socket"), "{said}");
    ls(&setup);

    again.signal("TERM");
    assert_eq!(again.end().0, Some(0));
    assert!(!socket.exists(), "who stops in order takes it away");
}

#[test]
fn an_order_is_signed_and_nothing_of_it_is_cut_off() {
    let host = silent_host();
    let setup = patient(&host);
    let daemon = setup.start();
    let id = one_is_owed(&daemon, &setup).to_string();
    let long = "x".repeat(65);
    for reason in ["", "  ", "two\nlines", &long] {
        let said = typed_at(&setup, &["saf", "hold", &id, "--by", "suzuki", "--reason", reason]).ends(6);
        assert!(said.err.contains("`reason`"), "{said:?}");
    }
    order(&setup, "hold", id.parse().expect("a number")).ends(0);
}

#[test]
fn an_order_whose_answer_does_not_come_is_not_called_undone() {
    let scratch = Scratch::new();
    let socket = scratch.path().join("control.sock");
    let listener = std::os::unix::net::UnixListener::bind(&socket).expect("a short path");
    let gone = std::thread::spawn(move || drop(listener.accept()));
    let path = socket.display().to_string();
    let said = sekisho(&["saf", "settle", "7", "--socket", &path, "--reason", "CHG-881"]).ends(8);
    assert!(said.err.contains("not known") && said.err.contains("saf show 7"), "{said:?}");
    gone.join().expect("it saw one visitor");
}

#[test]
fn what_a_host_refuses_is_listed_for_a_person() {
    let host = silent_host();
    host.acts_when_owed(|_| Act::Refuse(Code::DoNotHonour));
    let setup = patient(&host);
    let daemon = setup.start();
    let mut client = Client::of(&daemon, "acquirer");
    client.ask(&Terminal::named("TERM0001").withdraws(30_000));
    daemon.wait_for_figure("/transactions/exceptions", 1);
    assert!(typed_at(&setup, &["saf", "ls"]).ends(0).out.contains("nothing is owed"));
    let seen = typed_at(&setup, &["saf", "ls", "--exceptions"]).ends(0).fits();
    assert!(seen.out.contains("refused by the host"), "{}", seen.out);
    let row = typed_at(&setup, &["txn", "ls", "--json"]).ends(0).json()["data"][0].clone();
    assert_eq!((&row["outcome"], &row["stands"]), (&"unknown".into(), &"a_persons".into()));
}

/// Transactions of every end: approved, refused, declined here, unknown and reversed.
fn a_morning(daemon: &Daemon, host: &Host) {
    let mut client = Client::of(daemon, "acquirer");
    let mut terminal = Terminal::named("TERM0001");
    host.acts(|_| Act::Answer);
    client.ask(&terminal.withdraws(1_000));
    host.acts(|_| Act::Refuse(Code::InsufficientFunds));
    client.ask(&terminal.withdraws(2_000));
    host.acts(|_| Act::Silence);
    client.ask(&Terminal::with_card("TERM0002", "5500000000000004").withdraws(3_000));
    daemon.wait_for_figure("/transactions/paid", 1);
}

#[test]
fn transactions_are_listed_and_found_beside_a_switch_at_work() {
    let host = Host::approving();
    let setup = patient(&host);
    let daemon = setup.start();
    a_morning(&daemon, &host);
    let rows = |words: &[&str]| {
        let said = typed_at(&setup, &[&["txn"], words, &["--json"]].concat()).ends(0).json();
        let data = said["data"].as_array().expect("a list").clone();
        data.iter().map(|row| row["amount"].as_u64().expect("a number")).collect::<Vec<_>>()
    };
    for (words, wanted) in [
        (&["ls"][..], &[1_000, 2_000, 3_000][..]),
        (&["ls", "--last", "1"], &[3_000]),
        (&["ls", "--outcome", "refused"], &[2_000]),
        (&["ls", "--outcome", "unknown"], &[3_000]),
        (&["ls", "--terminal", "TERM0001"], &[1_000, 2_000]),
        (&["ls", "--link", "core", "--since", "1h", "--last", "2"], &[2_000, 3_000]),
        (&["ls", "--link", "nobody"], &[]),
        (&["ls", "--since", "2099-01-01"], &[]),
        (&["find", "--terminal", "TERM0001", "--stan", "2"], &[2_000]),
        (&["find", "--pan-last4", "0004"], &[3_000]),
        (&["find", "--txn", "1"], &[1_000]),
    ] {
        assert_eq!(rows(words), wanted, "{words:?}");
    }
    // By the whole number, which is typed and never an argument; shown is what a list shows.
    let data = setup.data.display().to_string();
    let by_card = |typed: &str| {
        typed::sekisho_as("tester", &["txn", "find", &data, "--pan", "--json"], typed.as_bytes())
    };
    for card in ["5500000000000004", "5500 0000 0000 0004\n", "5500-0000-0000-0004"] {
        let found = by_card(card).ends(0);
        assert!(!found.out.contains("5500000000000004"), "{found:?}");
        let rows = found.json()["data"].as_array().expect("a list").clone();
        assert_eq!(
            rows.iter().map(|row| row["amount"].as_u64()).collect::<Vec<_>>(),
            [Some(3_000)],
            "{card}"
        );
    }
    for (typed, code) in [("5500000000000012", 5), ("550000000000000", 5), ("nobody", 78), ("", 78)] {
        let none = by_card(typed).ends(code);
        assert!(!none.err.contains("55000000"), "{none:?}");
    }
    typed_at(&setup, &["txn", "find", "--rrn", "nowhere"]).ends(5);
    typed_at(&setup, &["txn", "find"]).ends(2);
    typed_at(&setup, &["txn", "show", "999"]).ends(5);
    let listed = typed_at(&setup, &["txn", "ls"]).ends(0).fits();
    assert!(listed.out.contains("refused"), "{}", listed.out);
}

#[test]
fn one_transaction_is_told_from_first_byte_to_last_with_its_reasons() {
    let host = Host::approving();
    let setup = patient(&host);
    let daemon = setup.start();
    a_morning(&daemon, &host);
    let told = typed_at(&setup, &["txn", "show", "3"]).ends(0).fits();
    let flat = told.out.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "withdrawal 3000 (392) 550000******0004",
        "unknown (no_answer), reversed",
        "route \"default of acquirer\" decided, on disk before its first byte left",
        "the reply time-out of the link was over",
        "owed to core: a reversal, saf/1: no answer came in",
        "core reversal saf/1, attempt 1",
        "paid by attempt 1",
        "business day",
    ] {
        assert!(flat.contains(words), "{words}:\n{}", told.out);
    }
    assert!(!told.out.contains("5500000000000004"), "a card is never shown whole");
    let json = typed_at(&setup, &["txn", "show", "3", "--json"]).ends(0).json();
    let kinds: Vec<_> =
        json["records"].as_array().expect("a list").iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(kinds, ["sent", "timed_out", "attempt", "forwarded"]);
    assert_eq!(json["summary"]["stands"], "reversed");
    assert!(json["timeline"][0]["mark"].is_string());
}

#[test]
fn a_restart_in_the_middle_is_part_of_the_story() {
    let host = Host::acting(|_| Act::Silence);
    let mut setup = patient(&host);
    setup.links[0].reply_timeout_ms = 60_000;
    let mut daemon = setup.start();
    let mut client = Client::of(&daemon, "acquirer");
    client.send(&Terminal::named("TERM0001").withdraws(1_000));
    host.wait_for_requests(1);
    daemon.kill();
    let daemon = setup.start();
    daemon.wait_for_figure("/transactions/paid", 1);
    let told = typed_at(&setup, &["txn", "show", "1"]).ends(0).out;
    let flat = told.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("the switch was started again"), "{told}");
    assert!(flat.contains("the switch was not running when the answer may have come"), "{told}");
}

#[test]
fn a_tail_shows_what_is_decided_while_it_watches() {
    let host = Host::approving();
    let setup = patient(&host);
    let daemon = setup.start();
    let mut client = Client::of(&daemon, "acquirer");
    let mut terminal = Terminal::named("TERM0001");
    client.ask(&terminal.withdraws(1_000));
    let mut tail = Tail::of(&setup.data);
    assert_eq!(tail.next()["amount"], 1_000, "it begins with the last ones");
    for amount in [2_000, 3_000] {
        client.ask(&terminal.withdraws(amount));
        assert_eq!(tail.next()["amount"], amount);
    }
}

/// `sekisho txn tail`, ended with its test.
struct Tail {
    child: std::process::Child,
    lines: std::io::Lines<std::io::BufReader<std::process::ChildStdout>>,
}

impl Tail {
    fn of(data: &Path) -> Self {
        use std::io::BufRead;
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_sekisho"))
            .args(["txn", "tail", "--json"])
            .arg(data)
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("it starts");
        let lines = std::io::BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, lines }
    }

    fn next(&mut self) -> serde_json::Value {
        let line = self.lines.next().expect("it goes on").expect("text");
        serde_json::from_str(&line).expect("one object a line")
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
