//! Keys of a switch that runs: what people and time change reaches it, and what it does is audited.

mod typed;

use std::time::{SystemTime, UNIX_EPOCH};
use stories::*;
use typed::{Said, sekisho_as};

/// A module whose master key is that of the store.
const MODULE: &str = "[[hsm]]\nname = \"soft\"\nsoftware = \"store\"\n";

fn types(setup: &Setup, line: &str) -> Said {
    let keys = setup.data.join("keys").display().to_string();
    let words: Vec<&str> = line.split_whitespace().chain(["--keys", &keys]).collect();
    sekisho_as("mori", &words, b"").ends(0)
}

fn newest(setup: &Setup, owner: &str) -> serde_json::Value {
    let shown = types(setup, &format!("key show {owner} --json")).json();
    shown["data"].as_array().expect("a list").last().expect("a key").clone()
}

fn states(setup: &Setup, owner: &str) -> Vec<String> {
    let shown = types(setup, &format!("key show {owner} --json")).json();
    let rows = shown["data"].as_array().expect("a list");
    rows.iter().map(|row| row["state"].as_str().expect("text").to_owned()).collect()
}

#[test]
fn a_key_comes_into_force_at_the_moment_agreed_on_and_the_one_before_runs_out() {
    let host = Host::approving();
    let mut setup = Setup::with_host(&host);
    setup.tables_more = format!("{MODULE}[keys]\noverlap_ms = 600\n");
    types(&setup, "ceremony draw --for-tests --reason test");
    for generation in 1..=2 {
        types(&setup, "key generate link/core zak --reason test");
        let check = newest(&setup, "link/core")["check_value"].as_str().expect("text").to_owned();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
        let when = if generation == 1 { String::new() } else { format!(" --at {}", now + 1_500) };
        types(&setup, &format!("key activate link/core zak --check {check} --reason test{when}"));
    }
    assert_eq!(states(&setup, "link/core"), ["active", "confirmed"]);
    let daemon = setup.start();
    // One person made its master key: whoever looks is told.
    let warning = daemon.status()["hsm"]["data"][0]["warning"].as_str().expect("text").to_owned();
    assert!(warning.contains("drawn by one person, for tests"), "{warning}");
    assert!(daemon.stderr().contains("drawn by one person, for tests"), "{}", daemon.stderr());
    wait_for("the moment to come", || (states(&setup, "link/core") == ["previous", "active"]).then_some(()));
    wait_for("the overlap to end", || (states(&setup, "link/core") == ["retired", "active"]).then_some(()));
    let audit = types(&setup, "audit ls --json").json();
    let last = audit["data"].as_array().expect("a list").last().expect("entries").clone();
    assert_eq!((last["by"].as_str(), last["act"].as_str()), (Some("sekisho"), Some("time")));
    assert!(!daemon.stderr().contains("cannot be kept"), "{}", daemon.stderr());
}

#[test]
fn a_moment_that_cannot_be_written_down_is_tried_again_until_it_can() {
    let host = Host::approving();
    let mut setup = Setup::with_host(&host);
    setup.tables_more = MODULE.into();
    types(&setup, "ceremony draw --for-tests --reason test");
    types(&setup, "key generate link/core zak --reason test");
    let check = newest(&setup, "link/core")["check_value"].as_str().expect("text").to_owned();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    types(&setup, &format!("key activate link/core zak --check {check} --reason test --at {}", now + 1_000));
    // A directory stands where the file is written: no disk that is full could refuse more firmly.
    let in_the_way = setup.data.join("keys/link.core.json.next");
    std::fs::create_dir_all(in_the_way.join("full")).expect("room");
    let daemon = setup.start();
    wait_for("it to be told", || daemon.stderr().contains("cannot be written down").then_some(()));
    std::fs::remove_dir_all(&in_the_way).expect("ours");
    let start = daemon.stderr();
    assert!(start.contains("audit of keys"), "{start}");
    wait_for("the moment to be written", || (states(&setup, "link/core") == ["active"]).then_some(()));
}

#[test]
fn a_store_that_was_bent_stops_the_start_and_says_what_to_look_at() {
    let host = Host::approving();
    let mut setup = Setup::with_host(&host);
    setup.tables_more = MODULE.into();
    types(&setup, "ceremony draw --for-tests --reason test");
    types(&setup, "key generate link/core zak --reason test");
    let file = setup.data.join("keys/link.core.json");
    let text = std::fs::read_to_string(&file).expect("it is there");
    std::fs::write(&file, text.replace("generated", "active")).expect("room");
    let mut daemon = setup.spawn();
    let (code, said) = daemon.end();
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("its seal does not fit"), "{said}");
}

/// Entries that are about no file of keys leave no other trace: without a note elsewhere nobody would miss them.
#[test]
fn an_audit_whose_end_was_cut_off_or_made_anew_is_found_at_the_start() {
    let host = Host::approving();
    let mut setup = Setup::with_host(&host);
    setup.tables_more = MODULE.into();
    types(&setup, "ceremony draw --for-tests --reason test");
    types(&setup, "ceremony start house cvk --reason test");
    types(&setup, "ceremony abort --reason test");
    let mut daemon = setup.start();
    let hsm = daemon.status()["hsm"].clone();
    assert!(hsm["memory_locked"].is_boolean(), "{hsm}");
    daemon.signal("TERM");
    daemon.end();
    let log = setup.data.join("keys/audit.log");
    let whole = std::fs::read_to_string(&log).expect("it is there");
    let (before, _) = whole.trim_end().rsplit_once('\n').expect("several lines");
    let starts = |text: &str| {
        std::fs::write(&log, text).expect("room");
        let mut daemon = setup.spawn();
        daemon.end()
    };
    let (code, said) = starts(&format!("{before}\n"));
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("entry 2, and entry 3 was written: its end was cut off"), "{said}");
    // Cut off, and others written in their place.
    std::fs::write(&log, format!("{before}\n")).expect("room");
    types(&setup, "ceremony start house pvk --reason test");
    types(&setup, "ceremony abort --reason test");
    let made_anew = std::fs::read_to_string(&log).expect("it is there");
    let (code, said) = starts(&made_anew);
    assert_eq!(code, Some(78), "{said}");
    assert!(said.contains("entry 3 is not the one that was noted"), "{said}");
    // The right one, and entries after it: nothing is wrong.
    std::fs::write(&log, &whole).expect("room");
    types(&setup, "ceremony start house cvk --reason test");
    types(&setup, "ceremony abort --reason test");
    setup.start();
}
