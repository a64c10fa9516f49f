//! The end of a switch by order, and how well it is while it lives: `sekisho stop|status|check|doctor`.

mod typed;

use std::os::unix::fs::PermissionsExt;
use stories::*;
use terms::{Class, Code, Network};
use typed::{sekisho, typed_at};

/// A switch whose only link signs on by itself, and the host.
fn signed_on() -> (Host, Setup, Daemon) {
    let host = Host::speaking("iso87-ascii", |_| Act::Answer);
    let mut setup = Setup::with_host(&host);
    setup.links[0].dialect = "iso87-ascii";
    setup.links[0].more = "timers = { t801_ms = 500 }\n\
                           management = { sign_on = \"automatic\", echo_idle_ms = 0 }"
        .into();
    let daemon = setup.start();
    typed_at(&setup, &["wait", "link", "core", "--for", "signed-on", "--timeout", "20"]).ends(0);
    (host, setup, daemon)
}

fn sign_offs(host: &Host) -> usize {
    host.heard_about().into_iter().filter(|about| *about == Network::SignOff).count()
}

#[test]
fn who_is_signed_on_is_not_stopped_in_order_and_business_goes_on() {
    let (_host, setup, daemon) = signed_on();
    let refused = typed_at(&setup, &["stop"]).ends(6);
    assert!(
        refused.err.starts_with("error SYS1003-E") && refused.err.contains("sign-off core"),
        "{refused:?}"
    );
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    assert_eq!(client.ask(&terminal.withdraws(1_000)).code, Some(Code::Approved));

    typed_at(&setup, &["link", "sign-off", "core"]).ends(0);
    assert_eq!(typed_at(&setup, &["stop"]).ends(0).out, "stopped in order\n");
    assert!(read_journal(&setup.data).was_closed);
    typed_at(&setup, &["stop"]).ends(3);
}

#[test]
fn a_stop_that_signs_off_waits_for_what_is_in_flight_and_for_the_answer() {
    let (host, setup, mut daemon) = signed_on();
    host.acts(|txn| if txn.message.class == Class::Network { Act::Answer } else { Act::Hold });
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    client.send(&terminal.withdraws(1_000));
    wait_for("the request at the host", || daemon.figure("/transactions/in_flight").eq(&1).then_some(()));
    typed_at(&setup, &["stop", "--sign-off", "--no-wait", "--by", "suzuki"]).ends(0);
    daemon.wait_to_say("draining");
    assert_eq!(sign_offs(&host), 0, "something is in flight");
    host.release();
    assert_eq!(client.answer().code, Some(Code::Approved));
    let (code, said) = daemon.end();
    assert_eq!((code, sign_offs(&host)), (Some(0), 1), "{said}");
    assert!(read_journal(&setup.data).was_closed);
}

#[test]
fn term_signs_off_and_does_not_wait_for_ever_for_a_silent_peer() {
    let (host, setup, mut daemon) = signed_on();
    host.acts(|_| Act::Silence);
    daemon.signal("TERM");
    let (code, said) = daemon.end();
    assert_eq!((code, sign_offs(&host)), (Some(0), 1), "{said}");
    assert!(read_journal(&setup.data).was_closed);
}

#[test]
fn a_stop_by_force_leaves_no_clean_mark_and_the_next_start_is_a_recovery() {
    let (host, setup, mut daemon) = signed_on();
    host.acts(|txn| if txn.message.class == Class::Network { Act::Answer } else { Act::Silence });
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    client.send(&terminal.withdraws(1_000));
    wait_for("the request at the host", || daemon.figure("/transactions/in_flight").eq(&1).then_some(()));
    let said = typed_at(&setup, &["stop", "--force", "--json"]).ends(0).json();
    assert_eq!((&said["force"], &said["ended"]), (&true.into(), &true.into()));
    assert_eq!(daemon.end().0, Some(0));
    assert!(!read_journal(&setup.data).was_closed);

    host.acts(|_| Act::Answer);
    let daemon = Daemon::spawn(&setup.config_path(), &["--recover", "ask"]);
    daemon.wait_until_ready();
    assert_eq!(typed_at(&setup, &["recovery", "--json"]).ends(0).json()["state"], "needed");
    let waits = typed_at(&setup, &["check", "ready"]).ends(2);
    assert!(waits.out.contains("recovery"), "{waits:?}");
    assert!(typed_at(&setup, &["status"]).ends(0).out.contains("needed"));
    typed_at(&setup, &["recovery", "run"]).ends(0);
    typed_at(&setup, &["check", "ready"]).ends(0);
}

#[test]
fn monitoring_hears_one_line_and_an_exit_code_for_every_question() {
    let (_host, setup, daemon) = signed_on();
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    (0..25).for_each(|_| assert_eq!(client.ask(&terminal.withdraws(1_000)).code, Some(Code::Approved)));
    wait_for("the figures", || daemon.figure("/transactions/approved").eq(&25).then_some(()));
    let table = [
        (vec!["alive"], 0, "ALIVE OK - version"),
        (vec!["ready"], 0, "READY OK - running since"),
        (vec!["link", "core"], 0, "LINK OK - core: signed-on"),
        (vec!["link"], 0, "LINK OK - 1 links are open"),
        (vec!["link", "nobody"], 3, "LINK UNKNOWN - no link is called `nobody`"),
        (vec!["saf"], 0, "SAF OK - 0 messages owed to hosts wait | 'pending'=0.000;100;1000"),
        (vec!["exceptions"], 0, "EXCEPTIONS OK - 0 items"),
        (vec!["approval-rate"], 0, "APPROVAL_RATE OK - 100.0 % of 25 requests"),
        (vec!["approval-rate", "--min-count", "26"], 3, "APPROVAL_RATE UNKNOWN - 25 requests"),
        (vec!["approval-rate", "-w", "101", "-c", "100.5"], 2, "APPROVAL_RATE CRITICAL"),
        (vec!["silence", "-w", "-2", "-c", "-1"], 2, "SILENCE CRITICAL - the last request came "),
        (vec!["latency", "-w", "60000", "-c", "90000"], 0, "LATENCY OK - from question to decision"),
        (vec!["journal", "-w", "60000", "-c", "90000"], 0, "JOURNAL OK - "),
        (vec!["disk", "-w", "100", "-c", "101"], 0, "DISK OK - "),
        (vec!["recovery"], 0, "RECOVERY OK - no recovery is needed"),
    ];
    for (words, code, begins) in table {
        let said = typed_at(&setup, &[&["check"], &words[..], &["--format", "nagios"]].concat()).ends(code);
        assert!(said.out.starts_with(begins) && said.out.lines().count() == 1, "{words:?}: {said:?}");
    }
    let json = typed_at(&setup, &["check", "saf", "--format", "json"]).ends(0).json();
    assert_eq!((&json["question"], &json["verdict"]), (&"saf".into(), &"ok".into()));
    assert_eq!(json["figure"]["warn"], 100.0);
}

#[test]
fn without_a_switch_nobody_says_that_it_is_well() {
    let (_host, setup, daemon) = signed_on();
    drop(daemon);
    typed_at(&setup, &["status"]).ends(3);
    typed_at(&setup, &["check", "alive"]).ends(2);
    typed_at(&setup, &["check", "saf"]).ends(3);
    let doctor = typed_at(&setup, &["doctor"]).ends(1);
    assert!(doctor.out.contains("switch   FAIL  no switch answers"), "{doctor:?}");
}

#[test]
fn the_doctor_finds_what_is_wrong_and_mends_what_it_may() {
    let (host, setup, _daemon) = signed_on();
    let well = typed_at(&setup, &["doctor"]).fits();
    assert!(well.out.contains("core: signed-on since"), "{well:?}");

    let key = setup.data.join("journal.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
    let ill = typed_at(&setup, &["doctor", "--only", "secrets"]).ends(1);
    assert!(ill.out.contains("FAIL") && ill.out.contains("chmod 600"), "{ill:?}");
    typed_at(&setup, &["doctor", "--only", "secrets", "--fix", "--yes"]).ends(0);
    typed_at(&setup, &["doctor", "--only", "secrets"]).ends(0);

    host.set_open(false);
    typed_at(&setup, &["wait", "link", "core", "--for", "disconnected"]).ends(0);
    assert!(
        typed_at(&setup, &["doctor", "--only", "links"]).ends(1).out.contains("FAIL  core: disconnected")
    );
    let text = std::fs::read_to_string(setup.config_path()).expect("it was written");
    let wrong = setup.scratch.path().join("wrong.toml");
    std::fs::write(&wrong, text.replace("iso87-ascii", "iso87-asci")).expect("room for a test");
    let wrong = sekisho(&["doctor", "--only", "config", "--json", "--config", &wrong.display().to_string()]);
    assert_eq!(wrong.ends(1).json()["data"][0]["verdict"], "critical");
}

#[test]
fn scripts_wait_for_what_they_need_and_no_longer_than_they_say() {
    let (_host, setup, mut daemon) = signed_on();
    typed_at(&setup, &["wait", "switch", "--for", "running"]).ends(0);
    assert_eq!(typed_at(&setup, &["wait", "recovery"]).ends(0).out, "recovery not needed\n");
    assert_eq!(typed_at(&setup, &["wait", "saf", "core"]).ends(0).out, "nothing is owed\n");
    typed_at(&setup, &["wait", "day", "core", "--for", "2026-01-01"]).ends(0);
    let late = typed_at(&setup, &["wait", "day", "core", "--for", "2999-12-31", "--timeout", "0"]).ends(7);
    assert!(late.err.contains("LNK2106-E") && late.err.contains("cutover status"), "{late:?}");
    typed_at(&setup, &["wait", "day", "core", "--for", "tomorrow"]).ends(2);
    typed_at(&setup, &["wait", "day", "nobody", "--for", "2026-01-01"]).ends(5);
    typed_at(&setup, &["stop", "--sign-off", "--no-wait"]).ends(0);
    typed_at(&setup, &["wait", "switch", "--for", "stopped"]).ends(0);
    assert_eq!(daemon.end().0, Some(0));
    typed_at(&setup, &["wait", "switch", "--for", "running", "--timeout", "0"]).ends(7);
    typed_at(&setup, &["wait", "saf"]).ends(3);
}
