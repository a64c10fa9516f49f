//! Hosts that answer twice, garble, lie, fall silent, stop reading or go away: what the terminal is told, what
//! is counted, and that everything else goes on.

use std::time::{Duration, Instant};
use stories::*;
use terms::{Code, Outcome};

/// A host is given this long; short, because silence is waited out.
const REPLY_TIMEOUT_MS: u32 = 400;
/// What is decided at once takes less than this, however busy the machine is. Far below a time-out.
const AT_ONCE: Duration = Duration::from_secs(5);
/// What is owed is sent this soon where the link stands. Far below the time until it is sent again.
const SOON: Duration = Duration::from_secs(1);

fn impatient(host: &Host) -> Setup {
    let mut setup = Setup::with_host(host);
    setup.links[0].reply_timeout_ms = REPLY_TIMEOUT_MS;
    // One silence after the other: the circuit breaker has its own story.
    setup.links[0].more = "breaker = { unanswered_percent = 0 }".into();
    setup
}

/// The reversals a host was sent, each with the request it names, are for exactly these, in this order.
fn assert_reversed(host: &Host, requests: &[Seen]) {
    let owed = host.wait_for_owed(requests.len());
    assert!(owed.iter().all(Seen::is_reversal), "money nobody knows of is given back");
    let (named, asked): (Vec<_>, Vec<_>) =
        (owed.iter().map(Seen::request).collect(), requests.iter().map(Seen::request).collect());
    assert_eq!(named, asked);
}

fn link_count(daemon: &Daemon, link: &str, count: &str) -> u64 {
    daemon.link(link)[count].as_u64().unwrap_or_else(|| panic!("no {count} on link {link}"))
}

fn wait_for_link_count(daemon: &Daemon, count: &str, value: u64) {
    wait_for(&format!("{count} = {value}"), || (link_count(daemon, "core", count) == value).then_some(()));
}

const APPROVED: (Option<Code>, Option<Outcome>) = (Some(Code::Approved), Some(Outcome::Approved));
const NO_ANSWER: (Option<Code>, Option<Outcome>) = (Some(Code::NoAnswer), Some(Outcome::Unknown));

fn verdict(answer: &terms::Txn) -> (Option<Code>, Option<Outcome>) {
    (answer.code, answer.outcome)
}

#[test]
fn whatever_a_host_does_the_terminal_is_told_what_is_known_and_the_next_is_served() {
    let host = Host::approving();
    let setup = impatient(&host);
    let daemon = setup.start();
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    let refused = (Some(Code::InsufficientFunds), Some(Outcome::Refused));
    #[rustfmt::skip]
    let table = [
        // the host ...                          the terminal is told   counted as, on the link
        (Act::Answer,                            APPROVED,              "answered"),
        (Act::Refuse(Code::InsufficientFunds),   refused,               "answered"),
        (Act::Twice,                             APPROVED,              "late"),
        (Act::Garble,                            NO_ANSWER,             "unanswered"),
        (Act::OtherStan,                         NO_ANSWER,             "strange"),
        (Act::OtherTerminal,                     NO_ANSWER,             "strange"),
        (Act::Silence,                           NO_ANSWER,             "unanswered"),
        (Act::ResetMidFrame,                     NO_ANSWER,             "unanswered"),
    ];
    let mut unknown = Vec::new();
    for (act, told, count) in table {
        let before = link_count(&daemon, "core", count);
        host.acts(move |_| act);
        let question = terminal.withdraws(1_000);
        assert_eq!(verdict(&client.ask(&question)), told, "{act:?}");
        if told == NO_ANSWER {
            let told_at = Instant::now();
            unknown.extend(host.seen().last().cloned());
            let reversal = host.wait_for_owed(unknown.len()).pop().expect("there is one");
            assert!(reversal.at.saturating_duration_since(told_at) < SOON, "{act:?}: owed, and late");
        }
        wait_for(&format!("{act:?}: {count}"), || {
            (link_count(&daemon, "core", count) > before).then_some(())
        });
        host.acts(|_| Act::Answer);
        daemon.wait_for_link("core", "up");
        assert_eq!(verdict(&client.ask(&terminal.withdraws(1_000))), APPROVED, "after {act:?}");
        assert_eq!(verdict(&client.ask(&question)), told, "{act:?}: a repeat is told the same");
    }
    assert_eq!(daemon.figure("/transactions/garbled"), 1);
    assert_reversed(&host, &unknown);
    daemon.wait_for_figure("/transactions/paid", unknown.len() as u64);
    assert_eq!(daemon.figure("/transactions/pending"), 0);
    let (asked, mut daemon) = (host.seen_count(), daemon);
    assert_eq!(asked, 2 * table.len(), "and no question was put to the host twice");
    daemon.signal("TERM");
    assert_eq!(daemon.end().0, Some(0));
    let found = read_journal(&setup.data);
    assert_eq!((found.sent.len(), found.open), (asked, 0));
}

#[test]
fn a_late_answer_never_changes_a_decision_and_a_late_approval_is_given_back() {
    let host = Host::acting(|_| Act::Hold);
    host.acts_when_owed(|_| Act::Silence);
    let mut setup = impatient(&host);
    setup.links[0].more += "\nforward = { reply_timeout_ms = 300, repeat_ms = 300 }";
    let mut daemon = setup.start();
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    let question = terminal.withdraws(1_000);
    assert_eq!(verdict(&client.ask(&question)), NO_ANSWER);
    assert_reversed(&host, &host.seen());
    host.release();
    wait_for_link_count(&daemon, "late", 1);
    // The host has done it, as everybody knows by now: the reversal goes on until it is accepted.
    let repeats = host.owed_seen().len() + 1;
    host.wait_for_owed(repeats);
    host.acts_when_owed(|_| Act::Answer);
    daemon.wait_for_figure("/transactions/paid", 1);
    let owed = host.owed_seen();
    assert!(owed.iter().all(|seen| seen.request() == owed[0].request() && seen.txn.stan == owed[0].txn.stan));
    let repeats: Vec<bool> = owed.iter().map(|seen| seen.txn.message.is_repeat()).collect();
    assert!(
        !repeats[0] && repeats[1..].iter().all(|repeat| *repeat),
        "each but the first says it is a repeat"
    );
    assert_eq!(verdict(&client.ask(&question)), NO_ANSWER, "what was told stays told");
    assert_eq!(daemon.figure("/transactions/unknown"), 1);
    assert_eq!(daemon.figure("/transactions/owed"), 1);
    assert_eq!(daemon.figure("/transactions/approved"), 0);
    daemon.kill();
    let found = read_journal(&setup.data);
    assert_eq!(found.decided[&(question.terminal_id, question.stan)].outcome, Outcome::Unknown);
    assert_eq!(found.kinds.get("observed"), Some(&2), "the late answer and the repeat are written down");
}

#[test]
fn a_host_that_stops_reading_costs_its_own_customers_only_and_never_more_than_its_limit() {
    let (stuck, sound) = (Host::acting(|_| Act::StopReading), Host::approving());
    let links = vec![LinkSetup::to(&stuck), LinkSetup { name: "other", ..LinkSetup::to(&sound) }];
    let mut setup = Setup::with_links(links);
    setup.links[0].reply_timeout_ms = 1_500;
    setup.links[0].in_flight_max = 8;
    setup.links[0].more = "breaker = { unanswered_percent = 0 }".into();
    setup.routes = vec![("5", "other")];
    let daemon = setup.start();
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    let mut elsewhere = Client::of(&daemon, "acquirer");
    let mut other_card = Terminal::with_card("TERM0002", "5500000000000004");
    for _ in 0..20 {
        client.send(&terminal.withdraws(1_000));
    }
    let began = Instant::now();
    for _ in 0..12 {
        let answer = client.answer();
        let busy = (Some(Code::Busy), Some(Outcome::Refused));
        assert_eq!(verdict(&answer), busy, "beyond the limit nobody waits");
        assert_eq!(verdict(&elsewhere.ask(&other_card.withdraws(1_000))), APPROVED, "the other host");
    }
    assert!(began.elapsed() < AT_ONCE);
    for _ in 0..8 {
        assert_eq!(verdict(&client.answer()), NO_ANSWER);
    }
    assert_eq!(verdict(&elsewhere.ask(&other_card.withdraws(1_000))), APPROVED);
    stuck.acts(|_| Act::Answer);
    stuck.read_on();
    // What it reads now was decided long ago; its answers come late, and everything it did is given back.
    wait_for("seven late answers", || (link_count(&daemon, "core", "late") == 7).then_some(()));
    assert_reversed(&stuck, &stuck.seen());
    daemon.wait_for_figure("/transactions/paid", 8);
    assert!(sound.owed_seen().is_empty());
    assert_eq!(verdict(&client.ask(&terminal.withdraws(1_000))), APPROVED, "it is asked again");
}

#[test]
fn a_host_that_is_down_means_an_immediate_no_and_nothing_is_kept_for_later() {
    let host = Host::approving();
    let setup = Setup::with_host(&host);
    let daemon = setup.start();
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    host.set_open(false);
    daemon.wait_for_link("core", "down");
    let (question, began) = (terminal.withdraws(1_000), Instant::now());
    assert_eq!(client.ask(&question).code, Some(Code::HostDown));
    assert!(began.elapsed() < AT_ONCE);
    host.set_open(true);
    daemon.wait_for_link("core", "up");
    assert_eq!(verdict(&client.ask(&terminal.withdraws(1_000))), APPROVED);
    assert_eq!(client.ask(&question).code, Some(Code::HostDown), "decided is decided, also for a repeat");
    assert_eq!(host.seen_count(), 1, "the declined one was never sent");
    assert!(host.owed_seen().is_empty(), "and nothing is owed for it");
}

#[test]
fn a_request_in_flight_when_the_host_goes_away_is_unknown_and_not_sent_again() {
    let host = Host::acting(|_| Act::Hold);
    let setup = impatient(&host);
    let daemon = setup.start();
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    client.send(&terminal.withdraws(1_000));
    host.wait_for_requests(1);
    host.set_open(false);
    daemon.wait_for_link("core", "down");
    host.acts(|_| Act::Answer);
    host.set_open(true);
    daemon.wait_for_link("core", "up");
    assert_eq!(verdict(&client.answer()), NO_ANSWER);
    assert_reversed(&host, &host.seen());
    assert_eq!(host.seen_count(), 1, "a new connection brings no second request");
}

#[test]
fn a_silent_host_is_left_alone_until_one_request_finds_it_awake() {
    let host = Host::acting(|_| Act::Silence);
    // A host that answers what it is owed is not silent: its breaker would close.
    host.acts_when_owed(|_| Act::Silence);
    let mut setup = impatient(&host);
    setup.links[0].more =
        "breaker = { requests_min = 4, unanswered_percent = 50, probe_after_ms = 5000 }".into();
    let daemon = setup.start();
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    for _ in 0..4 {
        client.send(&terminal.withdraws(1_000));
    }
    for _ in 0..4 {
        assert_eq!(verdict(&client.answer()), NO_ANSWER);
    }
    let began = Instant::now();
    assert_eq!(client.ask(&terminal.withdraws(1_000)).code, Some(Code::HostDown));
    assert!(began.elapsed() < Duration::from_millis(u64::from(REPLY_TIMEOUT_MS)), "nobody waits for it");
    assert_eq!(host.seen_count(), 4, "it was not asked");
    host.acts(|_| Act::Answer);
    wait_for("one request to find it awake", || {
        let answer = client.ask(&terminal.withdraws(1_000));
        (answer.outcome == Some(Outcome::Approved)).then_some(())
    });
    wait_for("a closed breaker", || (daemon.link("core")["breaker"] == "closed").then_some(()));
    assert_eq!(verdict(&client.ask(&terminal.withdraws(1_000))), APPROVED);
}
