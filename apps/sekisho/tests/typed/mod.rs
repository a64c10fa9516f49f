//! The real program, typed at a terminal.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What it said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Its answer as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails unless it ended with that code and without a panic.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert!(!self.err.contains("panicked"), "{self:?}");
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Fails unless every line of the answer fits 80 columns.
    #[track_caller]
    pub(crate) fn fits(self) -> Self {
        for line in self.out.lines() {
            assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
        }
        self
    }
}

/// `sekisho` and these words, nothing on standard input.
pub(crate) fn sekisho(words: &[&str]) -> Said {
    sekisho_reading(words, b"")
}

/// The same, about the switch of that configuration.
pub(crate) fn typed_at(setup: &stories::Setup, words: &[&str]) -> Said {
    let config = setup.config_path().display().to_string();
    sekisho(&[words, &["--config", &config]].concat())
}

/// `sekisho` and these words, with something on standard input.
pub(crate) fn sekisho_reading(words: &[&str], input: &[u8]) -> Said {
    sekisho_as("tester", words, input)
}

/// The same, typed by somebody whom the system calls so.
pub(crate) fn sekisho_as(who: &str, words: &[&str], input: &[u8]) -> Said {
    typed_by(who, &[], words, input)
}

/// `sekisho` and these words, where the environment says that.
pub(crate) fn sekisho_where(environment: &[(&str, &str)], words: &[&str]) -> Said {
    typed_by("tester", environment, words, b"")
}

pub(crate) fn typed_by(who: &str, environment: &[(&str, &str)], words: &[&str], input: &[u8]) -> Said {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sekisho"))
        .args(words)
        .env_remove("COLUMNS")
        .env("SUDO_USER", who)
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program was built for this test");
    // It need not read what it is given, and may be gone before it is.
    let _ = child.stdin.take().expect("piped").write_all(input);
    let output = child.wait_with_output().expect("it ends");
    Said {
        code: output.status.code().expect("it ends by itself"),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// A place for one test's files, empty at first and gone afterwards.
pub(crate) struct Place(PathBuf);

impl std::ops::Deref for Place {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn place(name: &str) -> Place {
    let place =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("typed-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&place);
    std::fs::create_dir_all(&place).expect("room for a test");
    Place(place)
}

/// A file in such a place, as a word to type.
pub(crate) fn file(place: &Path, name: &str, contents: impl AsRef<[u8]>) -> String {
    let path = place.join(name);
    std::fs::write(&path, contents).expect("room for a test");
    path.display().to_string()
}
