//! Cutovers under load: every day balances with the centre's own books, and nobody waits long for it.
//!
//! The long form: `SEKISHO_CUTOVERS=1000 cargo test -p sekisho --test cutovers -- --nocapture`

mod centre;
mod typed;

use centre::Center;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use stories::*;
use terms::Code;
use typed::typed_at;

const CLIENTS: usize = 8;
/// A day that is told may be so far ahead of the calendar, so one switch can be cut over no more often.
const PER_SWITCH: usize = 300;
const BETWEEN: Duration = Duration::from_millis(25);

/// One question of a client: when it was asked, and when it was answered.
type Asked = (Instant, Instant);

fn stage() -> (Setup, String) {
    let link = "host = { business_day = \"told\", days_ahead_max = 366 }\n\
                management = { sign_on = \"automatic\", echo_idle_ms = 0 }\n\
                reconciliation = { currency = 392, reconcile_after_ms = 500, repeat_ms = 1000, \
                says = { receiver_id = \"1\" } }";
    let (mut setup, script) = centre::stage(2, link, "");
    setup.links[0].reply_timeout_ms = 10_000;
    (setup, script)
}

/// Asks until it is told to stop.
fn ask_on(daemon: &Daemon, number: usize, round: usize, stop: &AtomicBool) -> Vec<Asked> {
    let mut line = Client::of(daemon, "acquirer");
    let mut terminal = Terminal::named(&format!("T{round:02}{number:05}"));
    let mut asked = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let answer = line.ask(&terminal.withdraws(10_000));
        assert_eq!(answer.code, Some(Code::Approved), "a cutover declines nobody");
        asked.push((began, Instant::now()));
    }
    asked
}

fn compared(setup: &Setup, days: usize) -> Vec<Value> {
    wait_for(&format!("{days} days to be compared"), || {
        let said = typed_at(setup, &["recon", "status", "--json"]).json();
        let all = said["data"].as_array().expect("a list").clone();
        (all.len() == days && all.iter().all(|one| one["compared_at"].is_string())).then_some(all)
    })
}

/// One switch, so many cutovers: how many days were wrong, and the longest wait beside each cutover.
fn one_round(round: usize, cutovers: usize) -> (usize, usize, Vec<Duration>) {
    let (setup, script) = stage();
    let daemon = setup.spawn();
    daemon.wait_until_ready();
    let mut center = Center::spawn(&setup, &script);
    typed_at(&setup, &["wait", "link", "core", "--for", "signed-on", "--timeout", "60"]).ends(0);
    let stop = AtomicBool::new(false);
    let mut windows: Vec<Asked> = Vec::new();
    let asked: Vec<Asked> = std::thread::scope(|scope| {
        let (daemon, stop) = (&daemon, &stop);
        let clients: Vec<_> =
            (0..CLIENTS).map(|number| scope.spawn(move || ask_on(daemon, number, round, stop))).collect();
        for times in 1..=cutovers {
            std::thread::sleep(BETWEEN);
            let began = Instant::now();
            center.types("cutover");
            center.wait_to_say("cutover: the switch answered approved", times);
            windows.push((began, Instant::now()));
        }
        stop.store(true, Ordering::Relaxed);
        clients.into_iter().flat_map(|client| client.join().expect("it asked")).collect()
    });
    // What was asked after the last cutover belongs to a day that is open: it is ended, too.
    center.types("cutover");
    let days = compared(&setup, cutovers + 1);
    let wrong = days.iter().filter(|day| day["state"] != "balanced").count();
    let counted: i64 = days.iter().filter_map(|day| day["ours"]["debits_number"].as_i64()).sum();
    assert_eq!(counted, asked.len() as i64, "what was told approved is counted once");
    let verified = typed_at(&setup, &["recon", "show", "--verify", "--json"]).ends(0).json();
    assert_eq!(verified["agree"], true, "{verified}");
    let overlaps = |(began, ended): &Asked, (from, to): &Asked| began < to && from < ended;
    let longest = windows.iter().map(|window| {
        let beside = asked.iter().filter(|one| overlaps(one, window));
        beside.map(|(began, ended)| *ended - *began).max().unwrap_or_default()
    });
    (wrong, asked.len(), longest.collect())
}

#[test]
fn cutovers_under_load_leave_no_wrong_totals_and_nobody_waits_long() {
    let long = std::env::var("SEKISHO_CUTOVERS").ok().and_then(|text| text.parse::<usize>().ok());
    let wanted = long.unwrap_or(20);
    // The short form runs beside other tests.
    let limit = Duration::from_millis(if long.is_some() { 250 } else { 2_000 });
    let (mut left, mut wrong, mut asked, mut pauses) = (wanted, 0, 0, Vec::new());
    for round in 0.. {
        let cutovers = left.min(PER_SWITCH);
        let (wrong_here, asked_here, pauses_here) = one_round(round, cutovers);
        (wrong, asked) = (wrong + wrong_here, asked + asked_here);
        pauses.extend(pauses_here);
        left -= cutovers;
        if left == 0 {
            break;
        }
    }
    pauses.sort_unstable();
    let p99 = pauses[(pauses.len() * 99).div_ceil(100) - 1];
    println!(
        "{wanted} cutovers under {CLIENTS} clients, {asked} transactions: {wrong} days with wrong totals, \
         pause p50 {:?}, p99 {p99:?}, max {:?}",
        pauses[pauses.len() / 2],
        pauses[pauses.len() - 1]
    );
    assert_eq!(wrong, 0, "days with wrong totals");
    assert!(p99 <= limit, "pause p99 {p99:?}");
}
