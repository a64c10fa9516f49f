//! A long backlog and a host that comes and goes: everything owed is paid, once, in order and fast enough; who asks
//! meanwhile is answered as fast as ever; and who asks does not keep the backlog from being paid.
//!
//! `SEKISHO_BACKLOG=100000 SEKISHO_UP_DOWN_S=30 cargo test --release -p sekisho --test backlog -- --nocapture` is the
//! long form.

mod daemon;

use daemon::*;
use sekisho::sim::books::{Afterwards, Asked, Key, Told as Heard};
use sekisho::sim::host::Trouble;
use sekisho::sim::rules::Manner;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use terms::{Amount, Outcome, Txn};

/// Questions of one connection while the backlog is made.
const EACH: usize = 500;
/// What those who ask meanwhile want: this host answers it at once, and takes its time for what it is owed.
const ONLINE: u64 = 1_000;
const RULES: &str = r#"
    delay_us = 5000
    [[rule]]
    amount_to = 1000
    delay_us = 0
"#;
const CLIENTS: usize = 4;
const PAUSE: Duration = Duration::from_millis(5);
/// Promised of a release build, with turns long enough that coming back does not count for much.
const DRAINED_PER_S: f64 = 500.0;
/// Of a debug build in short turns.
const DRAINED_PER_S_IN_SHORT: f64 = 100.0;

/// What the online clients are in the middle of.
const BEFORE: usize = 0;
const DRAINING: usize = 1;
const HOST_AWAY: usize = 2;
const AFTER: usize = 3;
const OVER: usize = 4;

fn number(name: &str, otherwise: f64) -> f64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

fn asked(question: &Txn, answer: &Txn) -> Asked {
    let key = Key { terminal_id: question.terminal_id, stan: question.stan, local_time: question.local_time };
    let told =
        answer.code.zip(answer.outcome).map_or(Heard::Nothing, |(code, outcome)| Heard::Said(code, outcome));
    let is_paid_out = answer.outcome == Some(Outcome::Approved);
    let held = if is_paid_out { question.amount } else { Amount::default() };
    Asked { key, kind: question.kind, amount: question.amount, told, held, afterwards: Afterwards::Nothing }
}

/// Asks so much on one connection, and hears every answer.
fn ask_all(mut client: Client, mut terminal: Terminal) -> Vec<Asked> {
    let questions: Vec<Txn> = (0..EACH).map(|_| terminal.withdraws(20_000)).collect();
    questions.iter().for_each(|question| client.send(question));
    let answers: HashMap<_, Txn> =
        (0..EACH).map(|_| client.answer()).map(|answer| (answer.stan, answer)).collect();
    questions.iter().map(|question| asked(question, &answers[&question.stan])).collect()
}

/// Asks now and then until it is over: what it was told, and how long each approval took, by phase.
fn ask_now_and_then(
    mut client: Client,
    mut terminal: Terminal,
    phase: &AtomicUsize,
) -> (Vec<Asked>, Vec<(usize, u64)>) {
    let (mut view, mut took_us) = (Vec::new(), Vec::new());
    loop {
        let now = phase.load(Ordering::Relaxed);
        if now == OVER {
            return (view, took_us);
        }
        let (question, began) = (terminal.withdraws(ONLINE), Instant::now());
        let answer = client.ask(&question);
        let took = began.elapsed();
        if answer.outcome == Some(Outcome::Approved) && phase.load(Ordering::Relaxed) == now {
            took_us.push((now, took.as_micros() as u64));
        }
        view.push(asked(&question, &answer));
        std::thread::sleep(PAUSE);
    }
}

fn p99_us(took_us: &[(usize, u64)], phase: usize) -> (usize, u64) {
    let mut of_phase: Vec<u64> =
        took_us.iter().filter(|(of, _)| *of == phase).map(|(_, took)| *took).collect();
    of_phase.sort_unstable();
    (of_phase.len(), of_phase.get(of_phase.len() * 99 / 100).copied().unwrap_or(0))
}

#[test]
fn a_backlog_is_paid_in_order_while_its_host_comes_and_goes_and_nobody_waits_for_it() {
    let connections = (number("SEKISHO_BACKLOG", 3_000.0) as usize).div_ceil(EACH);
    let turn = Duration::from_secs_f64(number("SEKISHO_UP_DOWN_S", 1.0));
    let quiet = turn.clamp(Duration::from_secs(2), Duration::from_secs(20));
    let backlog = connections * EACH;
    let host = LedgerHost::open(RULES);
    let mut setup = Setup::with_links(vec![LinkSetup {
        name: "core",
        dial: host.address(),
        dialect: LedgerHost::DIALECT,
        reply_timeout_ms: 3_000 + backlog as u32 / 5,
        in_flight_max: 262_144,
        more: "breaker = { unanswered_percent = 0 }\nhost = { tombstones = true }\n\
               forward = { reply_timeout_ms = 2000, repeat_ms = 2000 }"
            .into(),
    }]);
    setup.listeners_more = "per_address_max = 10000".into();
    let mut daemon = setup.start();
    let phase = AtomicUsize::new(BEFORE);
    let (mut view, mut took_us, mut up, mut turns) = (Vec::new(), Vec::new(), Duration::ZERO, 0);
    std::thread::scope(|scope| {
        let online = |at: usize| {
            let client = Client::of(&daemon, "acquirer");
            let phase = &phase;
            scope.spawn(move || ask_now_and_then(client, Terminal::named(&format!("ONLINE{at:02}")), phase))
        };
        let online: Vec<_> = (0..CLIENTS).map(online).collect();
        std::thread::sleep(quiet);
        phase.store(HOST_AWAY, Ordering::Relaxed);

        // It posts everything, says nothing, and is gone.
        host.suffers(Trouble::Always(Manner::Silent));
        let askers: Vec<_> = (0..connections)
            .map(|at| {
                let client = Client::of(&daemon, "acquirer");
                scope.spawn(move || ask_all(client, Terminal::named(&format!("BACK{at:04}"))))
            })
            .collect();
        wait_for_a_while("all of it at the host", || {
            daemon.link("core")["asked"].as_u64().is_some_and(|asked| asked >= backlog as u64)
        });
        host.suffers(Trouble::Down);
        wait_for_a_while("all of it owed", || daemon.figure("/transactions/pending") >= backlog as u64);
        for asker in askers {
            view.extend(asker.join().expect("it is answered"));
        }
        let pending = |daemon: &Daemon| daemon.figure("/transactions/pending");
        while pending(&daemon) > 0 {
            host.suffers(Trouble::None);
            let began = Instant::now();
            phase.store(DRAINING, Ordering::Relaxed);
            while began.elapsed() < turn && pending(&daemon) > 0 {
                std::thread::sleep(Duration::from_millis(10));
            }
            (up, turns) = (up + began.elapsed(), turns + 1);
            if pending(&daemon) > 0 {
                phase.store(HOST_AWAY, Ordering::Relaxed);
                host.suffers(Trouble::Down);
                std::thread::sleep(turn);
            }
            assert!(up < Duration::from_secs(600), "it is never paid");
        }
        host.suffers(Trouble::None);
        daemon.wait_until_settled();
        phase.store(AFTER, Ordering::Relaxed);
        std::thread::sleep(quiet);
        phase.store(OVER, Ordering::Relaxed);
        for client in online {
            let (more_view, more_took_us) = client.join().expect("it is answered");
            view.extend(more_view);
            took_us.extend(more_took_us);
        }
    });
    daemon.wait_until_settled();
    daemon.signal("TERM");
    assert_eq!(daemon.end().0, Some(0));
    let books = host.close();
    let given_back = |terminal: &str| terminal.starts_with("BACK");
    let order: Vec<_> = (books.reversals.iter())
        .filter(|reversal| given_back(&reversal.key.terminal_id.to_string()))
        .map(|reversal| reversal.key.stan)
        .collect();
    let late = order.windows(2).filter(|pair| pair[1] < pair[0]).count();
    let posted: HashMap<_, usize> =
        books.postings.iter().enumerate().map(|(at, one)| (one.key, at)).collect();
    assert!(
        books.reversals.iter().all(|one| posted.contains_key(&one.key)),
        "what was posted, and nothing else"
    );
    let verdict = compare_books(&setup.data, &view, books);
    assert!(verdict.is_clean(), "{verdict}");
    assert_eq!(order.len(), backlog, "each was given back, once");

    let drained_per_s = backlog as f64 / up.as_secs_f64();
    println!(
        "{backlog} owed, paid in {turns} turns of {:.1} s with the host away as long between: {drained_per_s:.0}/s \
         while it was there; {late} behind a younger one after a cut\n{verdict}",
        turn.as_secs_f64()
    );
    for (name, of) in [("before", BEFORE), ("while the backlog is paid", DRAINING), ("after", AFTER)] {
        let (count, p99_us) = p99_us(&took_us, of);
        println!("  online {name}: {count} approvals, p99 {p99_us} us");
        assert!(count > 0, "there was business {name}");
    }
    let promised = if turn >= Duration::from_secs(10) { DRAINED_PER_S } else { DRAINED_PER_S_IN_SHORT };
    assert!(drained_per_s >= promised, "{drained_per_s:.0}/s");
}

/// The long form takes longer than anything should that is waited for otherwise.
fn wait_for_a_while(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + 4 * PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
