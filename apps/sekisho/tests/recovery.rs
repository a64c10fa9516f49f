//! An unclean stop, and what people see and order afterwards: `sekisho run --recover` and `sekisho recovery`.

mod typed;

use stories::*;
use terms::{Code, Outcome};
use typed::{Said, sekisho};

/// A switch that died with so many requests at a silent host, and the host.
fn died_with(in_flight: usize) -> (Host, Setup) {
    let host = Host::acting(|_| Act::Silence);
    let mut setup = Setup::with_host(&host);
    setup.links[0].reply_timeout_ms = 60_000;
    let mut daemon = setup.start();
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    (0..in_flight).for_each(|_| client.send(&terminal.withdraws(1_000)));
    host.wait_for_requests(in_flight);
    daemon.kill();
    host.acts(|_| Act::Answer);
    (host, setup)
}

/// The switch again, started in that way.
fn start(setup: &Setup, recover: &str) -> Daemon {
    let daemon = Daemon::spawn(&setup.config_path(), &["--recover", recover]);
    daemon.wait_until_ready();
    daemon.wait_for_link("core", "up");
    daemon
}

fn recovery(setup: &Setup, words: &[&str]) -> Said {
    let config = setup.config_path().display().to_string();
    sekisho(&[&["recovery"], words, &["--config", &config]].concat())
}

#[test]
fn the_plan_is_what_is_sent_and_nothing_is_sent_before_a_person_says_so() {
    let (host, setup) = died_with(3);
    let plan = recovery(&setup, &["--plan", "--json"]).ends(0).json();
    assert_eq!((&plan["needed"], &plan["decided"]), (&true.into(), &false.into()));
    assert_eq!(plan["was_in_flight"], 3);
    let planned: Vec<_> =
        plan["data"].as_array().expect("a list").iter().map(|one| one["host_stan"].clone()).collect();
    assert_eq!(planned.len(), 3);

    let daemon = start(&setup, "ask");
    assert!(recovery(&setup, &[]).ends(0).out.starts_with("NEEDED: 3 were in flight"));
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0002"));
    let early = client.ask(&terminal.withdraws(1_000));
    assert_eq!((early.code, early.outcome), (Some(Code::HostDown), Some(Outcome::Refused)));
    assert!(host.owed_seen().is_empty(), "no host was told anything");
    assert!(daemon.wait_to_say("recovery waits for a person").contains("sekisho recovery run"));
    let (code, readiness) = daemon.get("/readyz");
    assert!(code == 503 && readiness.contains("recovery_needed"), "{code} {readiness}");

    let done = recovery(&setup, &["run", "--by", "suzuki"]).ends(0);
    assert!(done.out.starts_with("done: 3 were in flight"), "{done:?}");
    let mut sent: Vec<_> =
        host.wait_for_owed(3).iter().map(|seen| seen.txn.stan.to_string().into()).collect();
    sent.sort_by_key(|stan: &serde_json::Value| stan.to_string());
    assert_eq!(sent, planned, "what was planned is what was sent");
    assert_eq!(client.ask(&terminal.withdraws(1_000)).code, Some(Code::Approved));
    wait_for("it to be ready", || (daemon.get("/readyz").0 == 200).then_some(()));
}

#[test]
fn a_switch_told_to_refuse_does_not_start_after_an_unclean_stop_and_changes_nothing() {
    let (host, setup) = died_with(1);
    let mut daemon = Daemon::spawn(&setup.config_path(), &["--recover", "refuse"]);
    let (code, said) = daemon.end();
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("sekisho recovery --plan"), "it says what to do: {said}");
    assert_eq!(recovery(&setup, &["--plan", "--json"]).ends(0).json()["was_in_flight"], 1);
    let daemon = start(&setup, "auto");
    host.wait_for_owed(1);
    wait_for("an end of it", || (recovery(&setup, &[]).out.starts_with("done")).then_some(()));
    daemon.wait_until_settled();
}

#[test]
fn after_an_orderly_stop_there_is_nothing_to_recover() {
    let host = Host::approving();
    let setup = Setup::with_host(&host);
    setup.write();
    for recover in ["refuse", "ask"] {
        let mut daemon = start(&setup, recover);
        assert!(recovery(&setup, &[]).ends(0).out.starts_with("not needed"));
        recovery(&setup, &["run", "--by", "suzuki"]).ends(6);
        daemon.signal("TERM");
        assert_eq!(daemon.end().0, Some(0));
    }
    assert!(recovery(&setup, &["--plan"]).ends(0).out.starts_with("no recovery"));
    recovery(&setup, &[]).ends(3);
}
