//! A host that falls silent under load: more requests are in flight than one batch of the journal can decide.

use stories::*;

/// Decisions by silence, each with the reversal it owes: more than one batch can hold.
const REQUESTS: usize = 80_000;

/// A switch that has asked a silent host so much, and the terminals' connection.
fn all_in_flight(reply_timeout_ms: u32) -> (Host, Setup, Daemon, Client) {
    let host = Host::acting(|_| Act::Silence);
    host.acts_when_owed(|_| Act::Silence);
    let mut setup = Setup::with_host(&host);
    setup.links[0].reply_timeout_ms = reply_timeout_ms;
    setup.links[0].in_flight_max = 2 * REQUESTS as u32;
    setup.links[0].more = "breaker = { unanswered_percent = 0 }\nforward = { window = 1 }".into();
    let daemon = setup.start();
    let mut client = Client::of(&daemon, "acquirer");
    let (speech, mut terminal) = (Speech::named("iso87-ascii"), Terminal::named("TERM0001"));
    for sent in 1..=REQUESTS / 1_000 {
        let thousand: Vec<u8> =
            (0..1_000).flat_map(|_| speech.frame(&speech.body(&terminal.withdraws(1_000)))).collect();
        client.send_bytes(&thousand);
        // No faster than the host reads: one that reads too slowly is cut off.
        host.wait_for_requests(sent * 1_000);
    }
    (host, setup, daemon, client)
}

fn every_one_is_owed(setup: &Setup, daemon: &mut Daemon) {
    daemon.wait_for_figure("/transactions/owed", REQUESTS as u64);
    assert!(daemon.is_running());
    daemon.kill();
    let found = read_journal(&setup.data);
    // The link may have been tried with a message of its own meanwhile.
    assert_eq!(found.open, 0, "each is decided, once");
    assert!(found.decided.len() >= REQUESTS && found.kinds["timed_out"] >= REQUESTS as u64);
}

#[test]
fn all_that_runs_out_of_time_together_is_decided_in_as_many_batches_as_it_takes() {
    let (_host, setup, mut daemon, _client) = all_in_flight(30_000);
    every_one_is_owed(&setup, &mut daemon);
}

#[test]
fn a_switch_that_died_with_more_in_flight_than_a_batch_can_hold_starts_again() {
    let (_host, setup, mut daemon, _client) = all_in_flight(600_000);
    daemon.kill();
    let mut daemon = setup.start();
    assert!(daemon.figure("/recovered/was_in_flight") >= REQUESTS as u64);
    every_one_is_owed(&setup, &mut daemon);
}
