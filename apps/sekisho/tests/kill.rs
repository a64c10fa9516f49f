//! The power cord is pulled at random moments under load, again and again on the same data. What a terminal was
//! told is never forgotten and never told differently; what a host was sent was written down first; nobody is
//! asked twice; and what nobody knows the end of is given back.
//!
//! Two stories: one of terminals that ask as fast as they can, and one of whole days with everything in them
//! (silence, partial dispenses, reversals and reports from below), judged by everybody's books.
//! `SEKISHO_KILLS=1000` says how often.

mod daemon;

use daemon::*;
use sekisho::sim::cash::Cash;
use sekisho::sim::customers::{Crowd, Mix};
use sekisho::sim::luck::Luck as CrowdLuck;
use sekisho::sim::mishaps::Mishaps;
use sekisho::sim::speech::{Speech as Spoken, on_one_thread};
use sekisho::sim::street::{Seen as StreetSeen, Sight, StreetPlan};
use sekisho::sim::terminal::Habits;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use terms::Txn;
use tokio::sync::watch;

const CLIENTS: usize = 4;
/// Requests one client has under way at once.
const WINDOW: usize = 8;
/// In the long form the whole journal is read after each so many kills, and after the last.
const READ_EVERY: usize = 25;

/// Longest time from the last start until everything is decided, paid and told.
const STUCK_AFTER: Duration = Duration::from_secs(60);

fn kills() -> usize {
    std::env::var("SEKISHO_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(20)
}

/// A question and what its terminal was told.
type Acknowledged = (Txn, Told);

/// Asks and asks until the switch is gone; gives back what was answered and what was not.
fn ask_until_the_end(mut client: Client, mut terminal: Terminal) -> (Vec<Acknowledged>, Vec<Txn>) {
    let (mut answered, mut open): (Vec<Acknowledged>, Vec<Txn>) = (Vec::new(), Vec::new());
    loop {
        while open.len() < WINDOW {
            let question = terminal.withdraws(1_000);
            client.send(&question);
            open.push(question);
        }
        let Some(answer) = client.next_if_any() else { return (answered, open) };
        let at = open.iter().position(|question| question.stan == answer.stan);
        let question = open.swap_remove(at.expect("an answer is to a question, and comes once"));
        answered.push((question, Told::of(&answer)));
    }
}

/// One life: started, loaded, killed at a moment nobody chose.
fn live_and_die(setup: &Setup, life: usize, luck: &mut Luck) -> (Vec<Acknowledged>, Vec<Txn>) {
    let mut daemon = setup.start();
    let before_kill = Duration::from_micros(luck.next() % 120_000);
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|at| {
                let client = Client::of(&daemon, "acquirer");
                let terminal = Terminal::named(&format!("K{life:05}{at:02}"));
                scope.spawn(move || ask_until_the_end(client, terminal))
            })
            .collect();
        std::thread::sleep(before_kill);
        daemon.kill();
        let (mut answered, mut open) = (Vec::new(), Vec::new());
        for client in clients {
            let (more_answered, more_open) = client.join().expect("a client ends with its connection");
            answered.extend(more_answered);
            open.extend(more_open);
        }
        (answered, open)
    })
}

/// What the journal says, against what the terminals were told and the host was sent.
fn every_book_agrees(setup: &Setup, host: &Host, answered: &[Acknowledged]) {
    let found = read_journal(&setup.data);
    for (question, told) in answered {
        let recorded = found.decided.get(&(question.terminal_id, question.stan));
        assert_eq!(recorded, Some(told), "{} {}", question.terminal_id, question.stan);
    }
    let mut asked = HashSet::new();
    for seen in host.seen() {
        let key = (seen.txn.stan, seen.txn.terminal_id);
        assert!(found.sent.contains_key(&key), "the host was sent {key:?}, and the journal does not know");
        assert!(asked.insert(key), "the host was sent {key:?} twice");
    }
}

/// The same question again gets the same answer.
fn the_same_is_said_again(daemon: &Daemon, answered: &[Acknowledged]) {
    let mut client = Client::of(daemon, "acquirer");
    for (question, told) in answered {
        let mut again = question.clone();
        again.message.origin = 1;
        assert_eq!(Told::of(&client.ask(&again)), *told, "{} {}", question.terminal_id, question.stan);
    }
}

#[test]
fn nothing_acknowledged_is_lost_however_often_the_cord_is_pulled() {
    let kills = kills();
    let (mut luck, began) = (Luck::from_environment(20_261_122), Instant::now());
    let host = Host::approving();
    let mut setup = Setup::with_host(&host);
    // Finished transactions are remembered for every repeat below.
    setup.links[0].reply_timeout_ms = 10_000;
    let (mut answered, mut open): (Vec<Acknowledged>, Vec<Txn>) = (Vec::new(), Vec::new());
    for life in 0..kills {
        let before = answered.len();
        let (more_answered, more_open) = live_and_die(&setup, life, &mut luck);
        answered.extend(more_answered);
        open.extend(more_open);
        if kills <= READ_EVERY || life % READ_EVERY == 0 {
            every_book_agrees(&setup, &host, &answered[before..]);
        }
    }
    every_book_agrees(&setup, &host, &answered);
    let asked_before = host.seen_count();
    let mut daemon = setup.start();
    // Of the long form the last hundred thousand: that many are remembered.
    let recent = &answered[answered.len().saturating_sub(100_000)..];
    the_same_is_said_again(&daemon, recent);
    let recovered = daemon.status()["recovered"].clone();
    // What nobody was told is told now, whatever it is, and the host is not asked again for what it was sent.
    let undecided = read_journal(&setup.data).open;
    assert_eq!(undecided, 0, "what was in flight was decided at the start");
    assert_eq!(host.seen_count(), asked_before, "a repeat asks no host");
    wait_for("everything owed to be paid", || (daemon.figure("/transactions/pending") == 0).then_some(()));
    daemon.signal("TERM");
    assert_eq!(daemon.end().0, Some(0));
    let found = read_journal(&setup.data);
    assert!(found.was_closed);
    found.assert_given_back(&host);
    let (owed, exceptions) = (host.owed_seen().len(), found.kinds.get("exception").copied().unwrap_or(0));
    assert_eq!(exceptions, 0, "no work for people");
    println!(
        "{kills} kills in {:?}: {} answers acknowledged, {} questions cut off, {} requests at the host, \
         {owed} reversals, last start: {recovered}",
        began.elapsed(),
        answered.len(),
        open.len(),
        asked_before
    );
    assert!(answered.len() > kills, "there was load: {} answers", answered.len());
}

/// Posts and says nothing now and then, as hosts do.
const RULES: &str = r#"
    delay_us = 1000
    jitter_us = 4000
    opening_balance = 100000000
    every = { silent = 101, twice = 97 }
    [[rule]]
    percent = 3
    code = "wrong_pin"
"#;

/// Terminals at work until they are told to stop: most ask again and again, and give up in the end; one in six
/// pays out less than it was told to.
fn open_street(address: SocketAddr, tps: f64) -> Street {
    let (seen, (stop, stopped)) = (StreetSeen::default(), watch::channel(false));
    let theirs = seen.clone();
    let thread = std::thread::spawn(move || {
        let played = on_one_thread(async {
            let cash = Cash::default();
            (1..=TERMINALS).step_by(6).for_each(|number| cash.run_short(Some(number)));
            let habits = Habits {
                address,
                speech: Spoken::named("iso87-ascii", None)?,
                one_shot: false,
                answer_timeout: Duration::from_secs(3),
                repeats_max: 2,
                insists_max: 10_000,
                cash,
                mishaps: Mishaps::now_and_then(),
            };
            let crowd = Crowd::new(Mix::default(), vec!["411111".into()], 1_000, CrowdLuck::seeded(1));
            let luck = CrowdLuck::seeded(2);
            let plan = StreetPlan { habits, terminals: TERMINALS, tps, crowd, luck, keeps_view: true };
            plan.run(theirs, stopped).await;
            Ok(())
        });
        played.expect("the dialect is there");
    });
    Street { seen, stop, thread }
}

const TERMINALS: usize = 24;

struct Street {
    seen: StreetSeen,
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Street {
    /// Lets every terminal finish what it is doing, and gives back what they saw.
    fn close(self) -> Sight {
        self.stop.send_replace(true);
        self.thread.join().expect("terminals do not panic");
        self.seen.with(|sight| sight.clone())
    }
}

#[test]
fn whenever_it_is_killed_in_a_day_of_troubles_every_book_agrees() {
    let (kills, mut luck, began) = (kills(), Luck::from_environment(20_261_122), Instant::now());
    let host = LedgerHost::open(RULES);
    let mut setup = Setup::with_links(vec![LinkSetup {
        name: "core",
        dial: host.address(),
        dialect: LedgerHost::DIALECT,
        reply_timeout_ms: 800,
        in_flight_max: 4_096,
        more: "breaker = { unanswered_percent = 0 }\nhost = { tombstones = true }\n\
               forward = { reply_timeout_ms = 500, repeat_ms = 1000 }"
            .into(),
    }]);
    setup.journal_more = "snapshot_every_records = 20000\n[lane]\nremembered_max = 10000".into();
    setup.acquirer = free_address();
    let mut daemon = setup.spawn();
    daemon.wait_until_ready();
    let street = open_street(setup.acquirer, 1_500.0);
    for _ in 0..kills {
        std::thread::sleep(Duration::from_micros(luck.next() % 500_000));
        daemon.kill();
        daemon = setup.spawn();
        daemon.wait_until_ready();
    }
    // With time for a little business after the last one.
    let (recovered, revived) = (daemon.status()["recovered"].clone(), Instant::now());
    std::thread::sleep(Duration::from_millis(500));
    let sight = street.close();
    let settled = daemon.wait_until_settled() - revived;
    assert!(settled < STUCK_AFTER, "stuck for {settled:?}");
    daemon.signal("TERM");
    assert_eq!(daemon.end().0, Some(0));
    let verdict = compare_books(&setup.data, &sight.view, host.close());
    println!(
        "{kills} kills in {:.0?}, all settled {settled:.1?} after the last start ({recovered}): asked {}, repeats \
         {}, taken back {}, reported {}\n{verdict}",
        began.elapsed(),
        sight.asked,
        sight.repeats,
        sight.taken_back,
        sight.reported
    );
    assert!(verdict.is_clean() && verdict.told_approved.count > 0, "{verdict}");
    assert!(verdict.owed > 0 && sight.repeats > 0, "there was trouble: {verdict}");
}
