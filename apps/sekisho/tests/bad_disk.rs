//! Disks that are full or fail, and the order of syncing and speaking as the kernel saw it.

mod typed;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use stories::*;
use terms::{Code, Kind, Outcome, Txn};
use typed::typed_at;

/// A small disk of its own, gone with the test.
struct TinyDisk(PathBuf);

impl TinyDisk {
    /// `None`, said aloud, where this process may not mount one.
    fn of_mib(scratch: &Scratch, mib: u32) -> Option<Self> {
        let path = scratch.path().join("disk");
        fs::create_dir(&path).expect("the scratch directory can be written");
        if mount(&["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"], &path) {
            return Some(Self(path));
        }
        println!("skipped: a tmpfs cannot be mounted here; run as root to see a full disk");
        None
    }

    fn set_mib(&self, mib: u32) {
        assert!(mount(&["-o", &format!("remount,size={mib}m")], &self.0), "it can be made {mib} MiB");
    }

    /// Takes all the room that is left, until the ballast is thrown off again.
    fn fill(&self) -> PathBuf {
        let ballast = self.0.join("ballast");
        let mut file = fs::File::create(&ballast).expect("a file without a byte has room");
        while std::io::Write::write_all(&mut file, &[1; 4_096]).is_ok() {}
        ballast
    }
}

impl Drop for TinyDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).stderr(Stdio::null()).status();
    }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    let mounted = Command::new("mount").args(arguments).arg(at).stderr(Stdio::null()).status();
    mounted.is_ok_and(|status| status.success())
}

/// Asks until the switch is gone or refuses; what was answered, and the question that was not.
fn ask_until_the_end(client: &mut Client, terminal: &mut Terminal) -> (Vec<(Txn, Told)>, Txn) {
    let mut answered = Vec::new();
    loop {
        let question = terminal.withdraws(1_000);
        client.send(&question);
        match client.next_if_any() {
            Some(answer) => answered.push((question, Told::of(&answer))),
            None => return (answered, question),
        }
        assert!(answered.len() < 5_000, "the fault never comes");
    }
}

/// After the fault is mended: what was told stands and is told again, and what was not told is decided.
fn nothing_was_lost(setup: &Setup, host: &Host, answered: &[(Txn, Told)], unanswered: &Txn) {
    let mut daemon = setup.start();
    let mut client = Client::of(&daemon, "acquirer");
    let asked = host.seen_count();
    for (question, told) in answered {
        assert_eq!(Told::of(&client.ask(question)), *told, "{}", question.stan);
    }
    assert_eq!(host.seen_count(), asked, "repeats ask nobody");
    client.ask(unanswered);
    assert_eq!(client.ask(&Terminal::named("AFTER001").withdraws(1_000)).outcome, Some(Outcome::Approved));
    wait_for("everything owed to be paid", || (daemon.figure("/transactions/pending") == 0).then_some(()));
    daemon.signal("TERM");
    assert_eq!(daemon.end().0, Some(0));
    let found = read_journal(&setup.data);
    for (question, told) in answered {
        assert_eq!(found.decided.get(&(question.terminal_id, question.stan)), Some(told));
    }
    assert!(
        host.seen().iter().all(|seen| found.sent.contains_key(&seen.request())),
        "what was sent was written first"
    );
    found.assert_given_back(host);
}

#[test]
fn on_a_full_disk_new_requests_are_refused_until_there_is_room_again() {
    let host = Host::approving();
    let mut setup = Setup::with_host(&host);
    let Some(disk) = TinyDisk::of_mib(&setup.scratch, 64) else { return };
    setup.data = disk.0.join("data");
    setup.start().kill();
    // Room for the segment in use, and for none in reserve.
    for entry in fs::read_dir(setup.data.join("journal")).expect("it was begun") {
        let path = entry.expect("it can be listed").path();
        if path.extension().is_none_or(|end| end != "seg") {
            fs::remove_file(path).expect("it is ours");
        }
    }
    disk.set_mib(6);
    let mut daemon = setup.start();
    daemon.wait_to_say("cannot prepare a journal segment");
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    let refused = client.ask(&terminal.withdraws(1_000));
    assert_eq!(refused.code, Some(Code::Malfunction));
    assert_eq!(client.ask(&terminal.asks(Kind::BalanceInquiry, 0)).code, Some(Code::Malfunction));
    assert_eq!(host.seen_count(), 0, "nothing was begun");
    a_full_disk_is_said_everywhere(&setup, &daemon);
    disk.set_mib(64);
    wait_for("business to go on by itself", || {
        let answer = client.ask(&terminal.withdraws(1_000));
        (answer.outcome == Some(Outcome::Approved)).then_some(())
    });
    daemon.wait_to_say("there is room for the journal again");
    wait_for("it to be ready again", || (daemon.get("/readyz").0 == 200).then_some(()));
    typed_at(&setup, &["check", "ready"]).ends(0);
    daemon.signal("TERM");
    assert_eq!(daemon.end().0, Some(0));
    let found = read_journal(&setup.data);
    assert_eq!(found.sent.len(), host.seen_count());
}

/// In the log, by every monitor and on the page an operator looks at first.
fn a_full_disk_is_said_everywhere(setup: &Setup, daemon: &Daemon) {
    assert!(daemon.wait_to_say("the disk is full").contains("ERROR"));
    let (code, readiness) = wait_for("the status to tell", || {
        let page = daemon.get("/readyz");
        (page.0 == 503).then_some(page)
    });
    assert!(
        readiness.contains(r#""taking_requests":false"#) && readiness.contains("no_room"),
        "{code} {readiness}"
    );
    let metrics = wait_for("both to be counted", || {
        let text = daemon.get("/metrics").1;
        text.contains("\nsekisho_turned_away_requests_total 2\n").then_some(text)
    });
    assert!(metrics.contains("\nsekisho_takes_requests 0\n"), "{metrics}");
    let ready = typed_at(setup, &["check", "ready"]).ends(2);
    assert!(ready.out.contains("disk is full") && ready.out.contains("check disk --config"), "{ready:?}");
    assert!(typed_at(setup, &["check", "journal"]).ends(2).out.contains("no room"));
    let status = typed_at(setup, &["status"]).ends(0);
    assert!(status.out.contains("EVERY NEW REQUEST IS DECLINED: the disk is full"), "{status:?}");
    let words: Vec<_> = status.out.split_whitespace().collect();
    assert!(words.join(" ").contains("2 turned away"), "{status:?}");
    assert!(typed_at(setup, &["doctor"]).ends(1).out.contains("declines every new request"));
}

#[test]
fn a_disk_that_fills_up_costs_snapshots_and_no_transaction_while_there_is_a_reserve() {
    let host = Host::approving();
    let mut setup = Setup::with_host(&host);
    let Some(disk) = TinyDisk::of_mib(&setup.scratch, 24) else { return };
    setup.data = disk.0.join("data");
    setup.journal_more = "snapshot_every_records = 60".into();
    let mut daemon = setup.start();
    wait_for("the reserve to stand", || disk.0.join("data/journal/00000004.ready").exists().then_some(()));
    let ballast = disk.fill();
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    let mut answered = Vec::new();
    for _ in 0..100 {
        let question = terminal.withdraws(1_000);
        let answer = client.ask(&question);
        assert_eq!(answer.outcome, Some(Outcome::Approved));
        answered.push((question, Told::of(&answer)));
    }
    daemon.wait_to_say("cannot keep a snapshot");
    daemon.kill();
    fs::remove_file(ballast).expect("it can be thrown off");
    nothing_was_lost(&setup, &host, &answered, &Terminal::named("TERM0002").withdraws(1_000));
}

/// A switch whose journal fails from some moment on, in that way.
fn a_failing_journal_stops_the_switch(fault: &str, message: &str) {
    if !can_trace() {
        return;
    }
    let host = Host::approving();
    let setup = Setup::with_host(&host);
    setup.write();
    // Counted by thread: the one that prepares segments gets to 48, the one that commits goes on for ever.
    let (call, error) = fault.split_once(':').expect("call and error");
    let (trace, inject) = (format!("trace={call}"), format!("inject={call}:error={error}:when=60+"));
    let options = ["-f", "-o", "/dev/null", "-e", &trace, "-e", &inject].map(AsRef::as_ref);
    let mut daemon = Daemon::spawn_under("strace", &options, &setup.config_path());
    daemon.wait_until_ready();
    daemon.wait_for_link("core", "up");
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    let (answered, unanswered) = ask_until_the_end(&mut client, &mut terminal);
    let (code, said) = daemon.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains(message), "{said}");
    assert!(said.contains("stopping at once, nothing more is sent"), "{said}");
    assert!((20..60).contains(&answered.len()), "{} were answered before", answered.len());
    nothing_was_lost(&setup, &host, &answered, &unanswered);
}

#[test]
fn a_sync_that_fails_stops_the_switch_at_once_and_nothing_told_is_lost() {
    a_failing_journal_stops_the_switch("fdatasync:EIO", "cannot sync segment 1: os error 5");
}

#[test]
fn a_write_that_finds_no_room_stops_the_switch_at_once_and_nothing_told_is_lost() {
    a_failing_journal_stops_the_switch("pwrite64:ENOSPC", "cannot write segment 1: no space left");
}

/// What the kernel saw, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    /// Bytes go to a segment of the journal.
    Written,
    /// A sync of a segment has returned.
    Synced,
    /// The first byte goes to the host.
    ToHost,
    /// The first byte goes to the terminal.
    ToTerminal,
}

/// Reads a trace: begun writes and sends count where they begin, syncs where they have ended.
fn seen_in(trace: &str, host_port: u16, listener_port: u16) -> Vec<Call> {
    let (to_host, from_listener) = (format!("->127.0.0.1:{host_port}]"), format!(":{listener_port}->"));
    let mut syncing = std::collections::HashSet::new();
    let mut seen = Vec::new();
    for line in trace.lines() {
        let thread = line.split_whitespace().next().unwrap_or_default();
        let is_call = |names: &[&str]| names.iter().any(|name| line.contains(&format!(" {name}(")));
        if is_call(&["fdatasync"]) && line.contains(".seg>") {
            match line.contains("<unfinished") {
                true => drop(syncing.insert(thread)),
                false => seen.push(Call::Synced),
            }
        } else if line.contains("<... fdatasync resumed>") && syncing.remove(thread) {
            seen.push(Call::Synced);
        } else if is_call(&["pwrite64"]) && line.contains(".seg>") {
            seen.push(Call::Written);
        } else if is_call(&["sendto", "sendmsg", "write", "writev"]) && line.contains(&to_host) {
            seen.push(Call::ToHost);
        } else if is_call(&["sendto", "sendmsg", "write", "writev"]) && line.contains(&from_listener) {
            seen.push(Call::ToTerminal);
        }
    }
    seen
}

#[test]
fn the_kernel_sees_every_sync_return_before_the_first_byte_that_needs_it() {
    const TRANSACTIONS: usize = 20;
    if !can_trace() {
        return;
    }
    let host = Host::approving();
    let setup = Setup::with_host(&host);
    setup.write();
    let trace = setup.scratch.path().join("trace");
    let calls = "trace=fdatasync,pwrite64,sendto,sendmsg,write,writev";
    let options = ["-f".as_ref(), "-yy".as_ref(), "-s".as_ref(), "1".as_ref(), "-e".as_ref(), calls.as_ref()];
    let options = [&options[..], &["-o".as_ref(), trace.as_os_str()]].concat();
    let mut daemon = Daemon::spawn_under("strace", &options, &setup.config_path());
    daemon.wait_until_ready();
    daemon.wait_for_link("core", "up");
    let listener_port = daemon.listener("acquirer").port();
    let (mut client, mut terminal) = (Client::of(&daemon, "acquirer"), Terminal::named("TERM0001"));
    for _ in 0..TRANSACTIONS {
        // One at a time, so that whatever is written between two sends belongs to the second.
        assert_eq!(client.ask(&terminal.withdraws(1_000)).outcome, Some(Outcome::Approved));
    }
    daemon.kill();
    let trace = fs::read_to_string(trace).expect("a trace");
    let seen = seen_in(&trace, host.address().port(), listener_port);
    let sends = seen.iter().filter(|seen| matches!(seen, Call::ToHost | Call::ToTerminal)).count();
    assert_eq!(sends, 2 * TRANSACTIONS, "each transaction is two sends");
    let (mut before, mut expected) = (Vec::new(), Call::ToHost);
    for (at, &one) in seen.iter().enumerate() {
        if one != Call::ToHost && one != Call::ToTerminal {
            before.push(one);
            continue;
        }
        assert_eq!(one, expected, "call {at}: a question, then its answer");
        let written = before.iter().rposition(|one| *one == Call::Written);
        let synced = before.iter().rposition(|one| *one == Call::Synced);
        assert!(written.is_some(), "call {at}: nothing was written before {one:?}");
        assert!(written < synced, "call {at}: {one:?} before its sync had returned: {before:?}");
        before.clear();
        expected = if one == Call::ToHost { Call::ToTerminal } else { Call::ToHost };
    }
    println!("{TRANSACTIONS} transactions: {sends} sends, each after a write and a sync of its own");
}
