//! The power cord is pulled at random moments under load, again and again on the same data. What a terminal was
//! told is never forgotten and never told differently; what a host was sent was written down first; nobody is
//! asked twice; and what nobody knows the end of is given back.

use std::collections::HashSet;
use std::time::{Duration, Instant};
use stories::*;
use terms::Txn;

const CLIENTS: usize = 4;
/// Requests one client has under way at once.
const WINDOW: usize = 8;
/// In the long form the whole journal is read after each so many kills, and after the last.
const READ_EVERY: usize = 25;

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
    let kills = std::env::var("SEKISHO_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
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
