//! What the program says and does when it cannot start: the code scripts trust, and words that name the thing.

mod typed;

use ::journal::{Step, Walk};
use disk::Disk;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use stories::*;
use terms::Outcome;
use typed::typed_at;

const CONFIG: Option<i32> = Some(78);

/// Failed for now: a supervisor starts it again.
const FOR_NOW: Option<i32> = Some(1);

/// Starts it, expects it to end with 78, and gives back its words.
fn refused(setup: &Setup) -> String {
    refused_with(CONFIG, setup)
}

fn refused_with(wanted: Option<i32>, setup: &Setup) -> String {
    let (code, said) = setup.spawn().end();
    assert_eq!(code, wanted, "{said}");
    said
}

fn some_setup() -> (Host, Setup) {
    let host = Host::approving();
    let setup = Setup::with_host(&host);
    (host, setup)
}

/// Leaves a journal of a few transactions behind, as after a power cut.
fn leave_a_journal(setup: &Setup) {
    let mut daemon = setup.start();
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    for _ in 0..5 {
        assert_eq!(client.ask(&terminal.withdraws(1_000)).outcome, Some(Outcome::Approved));
    }
    daemon.kill();
}

fn first_segment(setup: &Setup) -> PathBuf {
    setup.data.join("journal/00000001.seg")
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_one_known() {
    let (_host, setup) = some_setup();
    let wrong = setup.toml().replace("reply_timeout_ms", "response_timeout_ms");
    let line = 1 + wrong.lines().position(|line| line.contains("response_timeout_ms")).expect("it is there");
    setup.write_text(&wrong);
    let (code, said) = Daemon::spawn(&setup.config_path(), &[]).end();
    assert_eq!(code, CONFIG, "{said}");
    for words in [format!("line {line}:"), "`response_timeout_ms`".into(), "mean `reply_timeout_ms`".into()] {
        assert!(said.contains(&words), "{words} in: {said}");
    }
    assert!(!setup.data.exists(), "nothing was begun");
}

#[test]
fn a_configuration_that_is_not_there_is_said_so() {
    let (_host, setup) = some_setup();
    let (code, said) = Daemon::spawn(&setup.config_path(), &[]).end();
    assert_eq!(code, CONFIG);
    assert!(said.contains("sekisho.toml") && said.contains("cannot be read"), "{said}");
}

#[test]
fn a_port_that_somebody_has_is_named() {
    let (_host, mut setup) = some_setup();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it has an address");
    setup.acquirer = address;
    let said = refused_with(FOR_NOW, &setup);
    assert!(said.contains(&format!("cannot listen on {address}")) && said.contains("SYS1021-E"), "{said}");
    assert!(said.contains(&format!("ss -ltnp 'sport = :{}'", address.port())), "what to type: {said}");
    setup.write_text(&setup.toml().replace(&format!("listen = \"{address}\""), "listen = \"127.0.0.1:0\""));
    let page = fs::read_to_string(setup.config_path()).expect("it was written");
    let page = page.replacen("listen = \"127.0.0.1:0\"", &format!("listen = \"{address}\""), 1);
    setup.write_text(&page);
    let (code, said) = Daemon::spawn(&setup.config_path(), &[]).end();
    assert_eq!(code, FOR_NOW, "{said}");
    assert!(said.contains(&format!("cannot listen on {address} for HTTP")), "{said}");
    // Of the network kept for documents, in which no machine has an address.
    setup.write_text(&page.replacen(&address.to_string(), "192.0.2.1:0", 1));
    let (code, said) = Daemon::spawn(&setup.config_path(), &[]).end();
    assert_eq!(code, FOR_NOW, "an interface may come up late: {said}");
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named() {
    let (_host, mut setup) = some_setup();
    let file = setup.scratch.path().join("a-file");
    fs::write(&file, "not a directory").expect("the scratch directory can be written");
    setup.data = file.join("data");
    let said = refused(&setup);
    assert!(said.contains(&setup.data.display().to_string()), "{said}");
    assert!(said.contains("cannot create") && said.contains("Not a directory"), "and why: {said}");
    assert!(said.contains("namei -l"), "and what to type: {said}");
}

#[test]
fn a_second_instance_on_the_same_data_is_refused_and_told_who_has_it() {
    let (_host, mut setup) = some_setup();
    setup.acquirer = free_address();
    let mut first = setup.start();
    // Also where both would listen on one port, which says less.
    let said = refused_with(FOR_NOW, &setup);
    assert!(said.contains("it runs already: sekisho status --config"), "{said}");
    assert!(said.contains("is in use by"), "{said}");
    assert!(said.contains(&format!("process {}", first.id())), "{said}");
    let mut client = Client::of(&first, "acquirer");
    let answer = client.ask(&Terminal::named("TERM0001").withdraws(1_000));
    assert_eq!(answer.outcome, Some(Outcome::Approved), "the first one does not notice");
    assert!(first.is_running());
}

#[test]
fn the_data_of_a_killed_process_is_free_at_once() {
    let (_host, setup) = some_setup();
    leave_a_journal(&setup);
    let daemon = setup.start();
    assert!(daemon.figure("/recovered/records") >= 10);
    assert_eq!(daemon.status()["recovered"]["was_closed"], false);
}

#[test]
fn a_switch_that_dies_often_keeps_snapshots_all_the_same() {
    let (_host, mut setup) = some_setup();
    // More than any one of these lives writes.
    setup.journal_more = "snapshot_every_records = 60".into();
    for life in 0..6 {
        let mut daemon = setup.start();
        let (mut client, mut terminal) =
            (Client::of(&daemon, "acquirer"), Terminal::named(&format!("LIFE{life}")));
        (0..5).for_each(|_| drop(client.ask(&terminal.withdraws(1_000))));
        daemon.kill();
    }
    let daemon = setup.start();
    Client::of(&daemon, "acquirer").ask(&Terminal::named("TERM0002").withdraws(1_000));
    wait_for("a snapshot", || {
        let files = fs::read_dir(setup.data.join("journal")).expect("a journal");
        files.flatten().any(|file| file.path().extension().is_some_and(|end| end == "snapshot")).then_some(())
    });
}

#[test]
fn a_damaged_journal_is_refused_with_segment_and_offset_and_left_as_it_is() {
    let (_host, setup) = some_setup();
    leave_a_journal(&setup);
    let path = first_segment(&setup);
    let mut bytes = fs::read(&path).expect("a segment");
    // In the records of the very first batch, long before the last one.
    bytes[512 + 64 + 10] ^= 0x10;
    fs::write(&path, &bytes).expect("it can be written");
    let said = refused(&setup);
    assert!(said.contains("segment 1 is damaged at offset 512"), "{said}");
    assert!(fs::read(&path).expect("a segment") == bytes, "not a byte was changed");
}

/// Leaves a journal behind whose newest snapshot stands for all of it but the clean mark.
fn leave_a_journal_in_order(setup: &Setup) {
    leave_a_journal(setup);
    let mut daemon = setup.start();
    daemon.signal("TERM");
    assert_eq!(daemon.end().0, Some(0));
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("a file of the journal");
    bytes[at] ^= 0x10;
    fs::write(path, &bytes).expect("it can be written");
}

#[test]
fn damage_before_the_snapshot_stops_nobody_and_is_said_everywhere() {
    let (_host, setup) = some_setup();
    leave_a_journal_in_order(&setup);
    flip(&first_segment(&setup), 512 + 64 + 10);
    let daemon = setup.start();
    let answer = Client::of(&daemon, "acquirer").ask(&Terminal::named("TERM0002").withdraws(1_000));
    assert_eq!(answer.outcome, Some(Outcome::Approved), "business goes on from the snapshot");
    let said = daemon.wait_to_say("the journal is damaged before the snapshot");
    assert!(said.contains("ERROR") && said.contains("segment 1 is damaged at offset 512"), "{said}");
    let verified = wait_for("the status to tell", || {
        let verified = daemon.status()["journal"]["verified"].clone();
        (verified["state"] == "damaged").then_some(verified)
    });
    assert!(verified["said"].as_str().is_some_and(|said| said.contains("offset 512")), "{verified}");
    assert!(daemon.get("/metrics").1.contains("\nsekisho_journal_damaged 1\n"));
    let checked = typed_at(&setup, &["check", "journal"]).ends(2);
    assert!(checked.out.contains("offset 512"), "{checked:?}");
    let next = format!("sekisho journal verify --config {}", setup.config_path().display());
    let doctor = typed_at(&setup, &["doctor", "--json"]).ends(1).json();
    let journal =
        doctor["data"].as_array().expect("a list").iter().find(|one| one["next"].to_string().contains(&next));
    assert_eq!(journal.expect("what to type")["verdict"], "critical", "{doctor}");
    assert!(typed_at(&setup, &["status"]).ends(0).out.contains("DAMAGED before the snapshot"));
    typed_at(&setup, &["journal", "verify"]).ends(1);
}

#[test]
fn a_whole_journal_is_read_again_beside_business_and_found_so() {
    let (_host, setup) = some_setup();
    leave_a_journal_in_order(&setup);
    let daemon = setup.start();
    daemon.wait_to_say("the whole journal is as it was written");
    wait_for("the status to tell", || {
        (daemon.status()["journal"]["verified"]["state"] == "whole").then_some(())
    });
    assert!(daemon.figure("/journal/verified/records") >= 12, "{}", daemon.status()["journal"]);
}

#[test]
fn a_damaged_snapshot_is_passed_over_and_said() {
    let (_host, setup) = some_setup();
    leave_a_journal_in_order(&setup);
    let files =
        fs::read_dir(setup.data.join("journal")).expect("a journal").flatten().map(|file| file.path());
    let snapshots = files.filter(|path| path.extension().is_some_and(|end| end == "snapshot"));
    snapshots.for_each(|path| flip(&path, 200));
    let verified = typed_at(&setup, &["journal", "verify"]).ends(1);
    assert!(
        verified.out.contains("A SNAPSHOT IS DAMAGED") && verified.out.contains("NOT WHOLE"),
        "{verified:?}"
    );
    let daemon = setup.start();
    assert!(daemon.wait_to_say("a snapshot is damaged").contains("ERROR"));
    assert_eq!(daemon.figure("/recovered/bad_snapshots"), 1);
    assert!(daemon.figure("/recovered/records") >= 12, "the records were read instead");
}

#[test]
fn a_missing_segment_is_refused() {
    let (_host, setup) = some_setup();
    leave_a_journal(&setup);
    fs::rename(first_segment(&setup), setup.data.join("journal/00000002.seg")).expect("it can be renamed");
    let said = refused(&setup);
    assert!(said.contains("segment 1 is damaged at offset 0: it is missing"), "{said}");
}

/// The last batch of the journal: where it begins and how long it is.
fn last_batch(setup: &Setup) -> (u64, u64) {
    let mut disk = Disk::open_for_reading(&setup.data).expect("there is a journal");
    let mut last = (0, 0);
    let walked = Walk::from_the_start().run(&mut disk, |step| {
        if let Step::Batch { offset, bytes, .. } = step {
            last = (offset, u64::from(bytes));
        }
    });
    walked.expect("the journal is whole");
    last
}

#[test]
fn a_torn_tail_is_cut_and_said_and_business_goes_on() {
    let host = Host::acting(|_| Act::Hold);
    let setup = Setup::with_host(&host);
    let mut daemon = setup.start();
    let (speech, mut terminal) = (Speech::named("iso87-ascii"), Terminal::named("TERM0001"));
    // Forty at once, so that one batch covers many sectors.
    let burst: Vec<u8> =
        (0..40).flat_map(|_| speech.frame(&speech.body(&terminal.withdraws(1_000)))).collect();
    Client::of(&daemon, "acquirer").send_bytes(&burst);
    host.wait_for_requests(40);
    daemon.kill();
    // As if its sync had never returned: the first sector is there, the others are not.
    let (offset, bytes) = last_batch(&setup);
    let from = (offset / 512 + 1) * 512;
    assert!(offset + bytes > from, "the last batch covers more than a sector: {bytes} bytes at {offset}");
    let segment = fs::OpenOptions::new().write(true).open(first_segment(&setup)).expect("a segment");
    let zeros = vec![0; usize::try_from(offset + bytes - from).expect("a batch is small")];
    segment.write_all_at(&zeros, from).expect("it can be written");
    drop(segment);

    let mut daemon = setup.start();
    assert!(daemon.figure("/recovered/cut_bytes") > 0);
    assert!(daemon.wait_to_say("journal replayed").contains("\"cut_bytes\":"));
    host.acts(|_| Act::Answer);
    let answer = Client::of(&daemon, "acquirer").ask(&Terminal::named("TERM0002").withdraws(1_000));
    assert_eq!(answer.outcome, Some(Outcome::Approved));
    daemon.signal("TERM");
    assert_eq!(daemon.end().0, Some(0));
    assert!(!read_journal(&setup.data).torn);
}

#[test]
fn a_key_that_is_gone_or_open_to_others_is_refused() {
    let (_host, setup) = some_setup();
    leave_a_journal(&setup);
    let key = setup.data.join("journal.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("it is ours");
    let said = refused(&setup);
    assert!(said.contains("journal.key") && said.contains("chmod 600"), "{said}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("it is ours");
    fs::write(&key, [1; 31]).expect("it is ours");
    assert!(refused(&setup).contains("a data key has 32"));
    fs::remove_file(&key).expect("it is ours");
    let said = refused(&setup);
    assert!(said.contains("journal.key is missing"), "{said}");
    assert!(!key.exists(), "no new one was made");
}

#[test]
fn the_key_of_another_journal_is_refused_before_anything_is_written() {
    let (_host, setup) = some_setup();
    leave_a_journal(&setup);
    let (key, before) = (setup.data.join("journal.key"), fs::read(first_segment(&setup)).expect("a segment"));
    let right = fs::read(&key).expect("a key");
    fs::write(&key, [1; 32]).expect("it is ours");
    let said = refused(&setup);
    assert!(said.contains("does not open under this data key"), "{said}");
    assert!(fs::read(first_segment(&setup)).expect("a segment") == before, "not a byte was written");
    fs::write(&key, right).expect("it is ours");
    setup.start();
}

#[test]
fn running_without_syncs_is_said_loudly_everywhere() {
    let (_host, setup) = some_setup();
    setup.write();
    let daemon = Daemon::spawn(&setup.config_path(), &["--unsafe-no-sync"]);
    daemon.wait_until_ready();
    daemon.wait_to_say("NOTHING THIS SWITCH SAYS IS DURABLE");
    daemon.wait_to_say("nothing is durable");
    assert_eq!(daemon.status()["durable"], false);
    let metrics = daemon.get("/metrics").1;
    assert!(metrics.lines().any(|line| line == "sekisho_durable 0"), "{metrics}");
}

/// What `doctor` says of the switch, and what to type next.
fn doctor_about_the_switch(setup: &Setup) -> (String, String) {
    let list = typed_at(setup, &["doctor", "--json"]).ends(1).json();
    let all = list["data"].as_array().expect("a list").clone();
    let found = all.iter().find(|one| one["group"] == "switch").expect("the switch is looked at");
    let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
    (text("said"), text("next"))
}

#[test]
fn doctor_says_what_a_start_would_end_with_and_what_to_do() {
    let (_host, setup) = some_setup();
    leave_a_journal_in_order(&setup);
    let (config, key) = (setup.config_path().display().to_string(), setup.data.join("journal.key"));
    let (said, next) = doctor_about_the_switch(&setup);
    assert_eq!(next, format!("sekisho run --config {config}"), "{said}");

    let right = fs::read(&key).expect("a key");
    fs::remove_file(&key).expect("it is ours");
    let (said, next) = doctor_about_the_switch(&setup);
    assert!(said.contains("journal.key is missing") && next.contains("from a copy"), "{said} {next}");
    assert!(!key.exists(), "looking makes none");
    fs::write(&key, [1; 32]).expect("it is ours");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("it is ours");
    let (said, next) = doctor_about_the_switch(&setup);
    assert!(
        said.contains("does not open under this data key") && next.contains("journal.key"),
        "{said} {next}"
    );
    fs::write(&key, right).expect("it is ours");

    let files =
        fs::read_dir(setup.data.join("journal")).expect("a journal").flatten().map(|file| file.path());
    let snapshots = files.filter(|path| path.extension().is_some_and(|end| end == "snapshot"));
    snapshots.for_each(|path| fs::remove_file(path).expect("it is ours"));
    flip(&first_segment(&setup), 512 + 64 + 10);
    let (said, next) = doctor_about_the_switch(&setup);
    assert!(said.contains("segment 1 is damaged at offset 512"), "{said}");
    assert!(next.contains(&format!("sekisho journal verify --config {config}")), "{next}");
    let (_, refused) = setup.spawn().end();
    assert!(
        refused.contains("SYS1024-E") && refused.contains("sekisho journal verify"),
        "as a start: {refused}"
    );
}

#[test]
fn certificates_that_are_not_there_are_found_before_a_start() {
    let (_host, mut setup) = some_setup();
    setup.listeners_more = "tls = { certificate = \"no.pem\", key = \"no.key\" }\n".into();
    let said = refused(&setup);
    assert!(said.contains("no.pem: No such file or directory"), "{said}");
    let config = setup.config_path().display().to_string();
    let checked = typed::sekisho(&["config", "check", &config]).ends(78);
    assert!(checked.err.contains("listener `acquirer`: cannot read"), "{checked:?}");
    assert!(typed_at(&setup, &["doctor"]).ends(1).out.contains("no.pem"), "doctor says it too");
}

#[test]
fn what_surprises_is_warned_of_and_what_cannot_be_is_refused() {
    let (_host, mut setup) = some_setup();
    setup.consistency = None;
    setup.write();
    let config = setup.config_path().display().to_string();
    let checked = typed::sekisho(&["config", "check", &config]).ends(0);
    assert!(checked.err.contains("warning: listener `acquirer` has no consistency"), "{checked:?}");
    let address = free_address();
    setup.acquirer = address;
    setup.tables_more = format!("[api]\nlisten = \"{address}\"\ndefault_link = \"core\"\n");
    setup.write();
    let checked = typed::sekisho(&["config", "check", &config]).ends(78);
    assert!(checked.err.contains(&format!("[api] listens on {address} already")), "{checked:?}");
}
