//! The simulated centre as somebody started it, with everything it said.
#![allow(dead_code, unreachable_pub, reason = "each test program uses its own part")]

use super::typed::typed_at;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use stories::*;

/// A switch whose link `core` waits for a centre's calls, so many pairs, with these tables of the link besides; and
/// the centre's script, with these lines besides.
pub fn stage(pairs: u16, link: &str, script: &str) -> (Setup, String) {
    let (listen, calls) = (free_address(), free_address());
    let mut setup = Setup::with_links(vec![LinkSetup {
        name: "core",
        dial: listen,
        dialect: "card-center",
        reply_timeout_ms: 2_000,
        in_flight_max: 4_096,
        more: format!(
            "breaker = {{ unanswered_percent = 0 }}\n\
             pairs = {{ listen = \"{calls}\", count = {pairs} }}\n{link}"
        ),
    }]);
    setup.routes.clear();
    let script = format!(
        "listen = \"{listen}\"\ncalls = \"{calls}\"\ncall_count = {pairs}\ncall_again_ms = 50\n{script}\n"
    );
    (setup, script)
}

/// That switch, once it listens; nobody has called yet.
pub fn start(setup: &Setup) -> Daemon {
    let daemon = setup.spawn();
    daemon.wait_until_ready();
    daemon
}

/// Waits until its link is in that state.
pub fn wait_until(setup: &Setup, state: &str) {
    typed_at(setup, &["wait", "link", "core", "--for", state, "--timeout", "20"]).ends(0);
}

/// The simulated centre as somebody started it, with everything it said.
pub struct Center {
    child: Child,
    words: ChildStdin,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Center {
    pub fn spawn(setup: &Setup, script: &str) -> Self {
        let path = setup.scratch.path().join("center.toml");
        std::fs::write(&path, script).expect("the scratch directory can be written");
        let mut child = Command::new(env!("CARGO_BIN_EXE_sekisho"))
            .args(["sim", "center", "--config"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the program starts");
        let (words, out) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                written.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        let mut center = Self { child, words, lines };
        wait_for("the centre to listen", || {
            let ended = center.child.try_wait().expect("its end can be asked for");
            assert_eq!(ended, None, "the centre ended before it listened");
            center.has_said("listening on", 1).then_some(())
        });
        center
    }

    /// Types a word.
    pub fn types(&mut self, word: &str) {
        writeln!(self.words, "{word}").expect("it reads");
    }

    /// Waits until it has said that so often.
    pub fn wait_to_say(&self, words: &str, times: usize) {
        let deadline = Instant::now() + PATIENCE;
        while !self.has_said(words, times) {
            let said = || self.lines.lock().unwrap_or_else(PoisonError::into_inner).join("\n");
            assert!(Instant::now() < deadline, "`{words}` {times} times, and the centre said:\n{}", said());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn has_said(&self, words: &str, times: usize) -> bool {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().filter(|line| line.contains(words)).count() >= times
    }
}

impl Drop for Center {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
