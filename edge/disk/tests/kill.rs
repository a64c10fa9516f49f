//! A process that writes is killed at some moment, again and again; whatever it said was durable is there.
use disk::{Disk, DiskOptions, GroupCommit};
use journal::{Journal, Record, Vault};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use terms::Timestamp;

const DIRECTORY: &str = "SEKISHO_TEST_KILLED_IN";
const KILLS: usize = 12;

fn options() -> DiskOptions {
    DiskOptions { segment_bytes: 4 << 20, reserve: 1, ..DiskOptions::default() }
}

/// Opens the journal and gives back the numbers found in it.
fn open(directory: &Path) -> (Journal<Disk>, Vec<i64>) {
    let disk = Disk::open(directory, options()).expect("the last holder is dead");
    let mut found = Vec::new();
    let (journal, _) = Journal::open(disk, 0, &mut |record| found.push(record.at().as_unix_ms()))
        .expect("a kill is no damage");
    (journal, found)
}

/// Not a test of its own: the process that is killed. Writes numbers and says which are durable.
#[test]
fn the_one_who_is_killed() {
    let Some(directory) = std::env::var_os(DIRECTORY) else { return };
    let (journal, found) = open(Path::new(&directory));
    let vault = Vault::new([1; 32], 0);
    let (commits, mut batch) = GroupCommit::spawn(journal, |durable| {
        let seq = durable.expect("the disk works");
        writeln!(std::io::stderr(), "durable {seq}").expect("the parent listens");
    })
    .expect("a thread can be started");
    for n in found.len() as i64.. {
        batch.push(&Record::Closed { at: Timestamp::from_unix_ms(n) }, &vault);
        if n % 5 == 0 {
            commits.submit(&mut batch).expect("the journal runs");
        }
    }
}

#[test]
fn nothing_that_was_durable_is_missing_after_a_kill() {
    let directory = std::env::temp_dir().join(format!("sekisho-kill-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("the temporary directory can be written");
    let mut least = 0;
    for life in 0..KILLS {
        let acknowledged = live_and_be_killed(&directory, 3 + life * 7);
        let (_, found) = open(&directory);
        assert!(
            found.len() >= acknowledged,
            "life {life}: {} found, {acknowledged} acknowledged",
            found.len()
        );
        assert!(found.len() > least && found.iter().copied().eq(0..found.len() as i64), "life {life}");
        least = found.len();
    }
    fs::remove_dir_all(&directory).expect("it is ours");
}

/// Starts a writer, listens to so many acknowledgements, kills it, and says what it acknowledged last.
fn live_and_be_killed(directory: &Path, acknowledgements: usize) -> usize {
    let mut writer = Command::new(std::env::current_exe().expect("this test is a program"))
        .args(["--exact", "the_one_who_is_killed", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this program can be started");
    let mut lines = BufReader::new(writer.stderr.take().expect("it is piped")).lines();
    let mut durable = |line: std::io::Result<String>| -> Option<usize> {
        line.ok()?.strip_prefix("durable ")?.parse().ok()
    };
    let mut last = 0;
    for _ in 0..acknowledgements {
        last = lines.by_ref().find_map(&mut durable).expect("the writer writes");
    }
    writer.kill().expect("it is ours");
    // What it said before it died counts too.
    last = lines.filter_map(durable).last().unwrap_or(last);
    writer.wait().expect("it is ours");
    last
}
