//! The simulators through the front door: as processes, by their exit codes and what they print.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

fn sekisho(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
    command.args(words).stdin(Stdio::null());
    command
}

fn run(words: &[&str]) -> Output {
    sekisho(words).output().expect("the program starts")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A simulated host, killed when dropped.
struct Host {
    child: Child,
    address: String,
}

impl Host {
    fn begin(words: &[&str]) -> Self {
        let mut command = sekisho(&["sim", "host", "--listen", "127.0.0.1:0"]);
        let mut child = command.args(words).stdout(Stdio::piped()).spawn().expect("the program starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output is piped");
        BufReader::new(out).read_line(&mut line).expect("it says a line");
        let address = line.trim().rsplit(' ').next().expect("a last word").to_owned();
        Self { child, address }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
    }
}

const BRIEF: [&str; 6] = ["--clients", "2", "--seconds", "0.3", "--warmup", "0.1"];

fn load(host: &Host, words: &[&str]) -> Output {
    let mut command = sekisho(&["load", "--addr", &host.address]);
    command.args(BRIEF).args(words).output().expect("the program starts")
}

#[test]
fn load_says_how_it_went_and_ends_with_nought() {
    let host = Host::begin(&["--dialect", "iso93-ascii"]);
    let pid = format!("host={}", host.child.id());
    let output = load(&host, &["--json", "--dialect", "iso93-ascii", "--pid", &pid]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
    assert!(report["approved"].as_u64() > Some(0), "{report}");
    assert_eq!(report["processes"][0]["name"], "host");
}

#[test]
fn load_ends_with_three_when_an_answer_is_a_refusal() {
    let host = Host::begin(&["--answer", "do_not_honour"]);
    let output = load(&host, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("declined: do_not_honour"), "{}", said(&output));
}

#[test]
fn what_makes_no_sense_is_refused_in_words() {
    for (words, code, wanted) in [
        (&["load", "--dialect", "iso99"][..], 1, "no dialect is called `iso99`"),
        (&["load", "--rate", "0"], 2, "no number above 0"),
        (&["sim", "host", "--answer", "aproved"], 2, "`aproved` is no code"),
        (&["sim", "host", "--framing", "ascii9x"], 1, "framing `ascii9x`"),
        (&["sim", "host", "--rules", "/nowhere/rules.toml"], 1, "/nowhere/rules.toml"),
        (&["sim", "atm", "--kinds", "theft:1"], 2, "`theft` is no kind of transaction"),
        (&["demo", "--for", "5 days"], 2, "is no unit"),
    ] {
        let output = run(words);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", said(&output));
        assert!(said(&output).contains(wanted), "{words:?}: {}", said(&output));
    }
}

#[test]
fn atms_ask_a_host_and_say_what_they_were_told() {
    let host = Host::begin(&[]);
    let words =
        ["sim", "atm", "--connect", &host.address, "--seconds", "1", "--tps", "100", "--terminals", "3"];
    let output = run(&words);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("refused 0   unknown 0   unheard 0"), "{}", said(&output));
}

#[test]
fn bench_measures_switch_and_relay_and_leaves_nothing_behind() {
    let data = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}", std::process::id()));
    let place = data.display().to_string();
    let words = ["bench", "--clients", "2", "--rounds", "1", "--seconds", "0.3", "--warmup", "0.1"];
    let output = sekisho(&words).args(["--json", "--data", &place]).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one object");
    let rows = figures["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 2, "{figures}");
    for row in rows {
        assert!(row["tps"]["median"].as_f64() > Some(0.0), "{row}");
        assert!(row["rss_mb"].as_f64() > Some(0.0), "{row}");
    }
    assert!(rows[0]["records_per_sync"].as_f64() >= Some(1.0), "{figures}");
    assert!(rows[0]["of_relay"].as_f64() > Some(0.0), "{figures}");
    assert_eq!(std::fs::read_dir(&data).expect("it was made").count(), 0);
    std::fs::remove_dir(&data).expect("it is empty");
}
