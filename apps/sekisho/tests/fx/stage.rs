//! A place of its own: the configurations of `deploy/` on free ports, the centre, the old names on a path.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use stories::{Scratch, free_address, wait_for};

const CENTER: &str = include_str!("../../../../deploy/center.toml");
const CENTER_SIM: &str = include_str!("../../../../deploy/center-sim.toml");

/// What a tool said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// Fails unless it ended so, without a panic.
    #[track_caller]
    pub(crate) fn ends(self, code: i32) -> Self {
        assert!(!self.err.contains("panicked"), "{self:?}");
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    /// Fails unless it said that.
    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(self.out.contains(words) || self.err.contains(words), "`{words}` in {self:?}");
        self
    }
}

/// Where a test plays.
pub(crate) struct Stage {
    scratch: Scratch,
    /// Replaced in the centre's script before it starts.
    pub(crate) center_edits: Vec<(&'static str, &'static str)>,
    addresses: Vec<(String, String)>,
}

impl Stage {
    /// With the old names installed and both configurations written.
    pub(crate) fn new() -> Self {
        let old = ["127.0.0.1:19100", "127.0.0.1:19101", "127.0.0.1:19102", "127.0.0.1:18584"];
        let addresses = old.map(|old| (old.to_owned(), free_address().to_string())).into();
        let stage = Self { scratch: Scratch::new(), center_edits: Vec::new(), addresses };
        fs::write(stage.path("center.toml"), stage.with_addresses(CENTER)).expect("room for a test");
        let bin = stage.path("bin").display().to_string();
        stage.sekisho(&["fx", "install", "--dir", &bin]).ends(0).says("fxmsg_cn");
        stage
    }

    /// The same switch under edited settings.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        let path = self.path("center.toml");
        let text = fs::read_to_string(&path).expect("it was written");
        assert!(text.contains(from), "deploy/center.toml has no `{from}` any more");
        fs::write(path, text.replace(from, to)).expect("room for a test");
    }

    /// Sends the totals of a closed day at once, where people wait five minutes.
    pub(crate) fn soon_reconciled(&self) {
        self.edit("reconcile_after_ms = 5000", "reconcile_after_ms = 200");
    }

    fn with_addresses(&self, text: &str) -> String {
        self.addresses.iter().fold(text.to_owned(), |text, (old, new)| text.replace(old, new))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    fn said(&self, mut command: Command) -> Said {
        command.current_dir(self.scratch.path()).env("FX_CONF", self.path("center.toml"));
        command.env("LC_ALL", "C").env_remove("SEKISHO_LANG").env_remove("FX_LINK");
        let output = command.stdin(Stdio::null()).output().expect("the program was built for this test");
        Said {
            code: output.status.code().expect("it ends by itself"),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        }
    }

    /// `sekisho` and these words.
    pub(crate) fn sekisho(&self, words: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        command.args(words);
        self.said(command)
    }

    /// One of the old names and these words.
    pub(crate) fn fx(&self, typed: &str) -> Said {
        let mut words = typed.split_whitespace();
        let mut command = Command::new(self.path("bin").join(words.next().expect("a name")));
        command.args(words);
        self.said(command)
    }

    /// Starts something beside the test, where the switch is found.
    pub(crate) fn spawn(&self, mut command: Command) -> Process {
        if command.get_envs().all(|(name, _)| name != "FX_CONF") {
            command.env("FX_CONF", self.path("center.toml"));
        }
        command.current_dir(self.scratch.path());
        Process::spawn(command)
    }

    /// Starts the daemon by its old name.
    pub(crate) fn daemon(&self) -> Process {
        let mut daemon = self.spawn(Command::new(self.path("bin/fxumain_cn")));
        wait_for("the daemon to answer", || {
            assert_eq!(daemon.ended(), None, "{}", daemon.said());
            (self.fx("fxctrl_cn status").code == 0).then_some(())
        });
        daemon
    }

    /// Writes the centre's script.
    pub(crate) fn write_center(&self) {
        let script = self.with_addresses(CENTER_SIM).replace("call_again_ms = 1000", "call_again_ms = 100");
        let script = self.center_edits.iter().fold(script, |script, (from, to)| {
            assert!(script.contains(from), "deploy/center-sim.toml has no `{from}` any more");
            script.replace(from, to)
        });
        fs::write(self.path("center-sim.toml"), script).expect("room for a test");
    }

    /// Starts the centre.
    pub(crate) fn center(&self) -> Process {
        self.write_center();
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        command.args(["sim", "center", "--config", "center-sim.toml"]);
        let mut center = self.spawn(command);
        center.wait_to_say("listening on", 1);
        center
    }

    /// Waits until the status page says that.
    pub(crate) fn wait_for_status(&self, words: &str) {
        wait_for(&format!("the status to say `{words}`"), || {
            self.fx("fxctrl_cn status").out.contains(words).then_some(())
        });
    }

    /// An application, about no link of its own, that is in until this is dropped.
    pub(crate) fn opens_a_session(&self) -> UnixStream {
        let socket = self.path("center-data/control.sock");
        let ask = |question: String| {
            let mut line = UnixStream::connect(&socket).expect("it listens");
            line.write_all(question.as_bytes()).expect("it reads");
            line
        };
        let body = "{\"application\":\"TILL\"}";
        let opening = format!("POST /v1/sessions HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let mut opened = String::new();
        ask(opening).read_to_string(&mut opened).expect("it answers");
        let id = opened.split("\"id\":\"").nth(1).and_then(|rest| rest.split('"').next()).expect("an id");
        let mut line = ask(format!("GET /v1/sessions/{id}/events HTTP/1.0\r\n\r\n"));
        line.read_exact(&mut [0; 12]).expect("it is heard");
        line
    }

    /// A sale by HTTP under that name and trace number; what is answered.
    pub(crate) fn submits(&self, name: &str, stan: u32) -> String {
        let body = format!(
            "{{\"type\":\"purchase\",\"amount\":1200,\"currency\":\"JPY\",\"terminal\":\"TERM0001\",\"stan\":{stan},\
             \"card\":{{\"pan\":\"4111111111111111\",\"expiry\":\"3012\"}}}}"
        );
        let mut line = UnixStream::connect(self.path("center-data/control.sock")).expect("it listens");
        let head = format!(
            "POST /v1/transactions HTTP/1.0\r\nIdempotency-Key: {name}\r\nContent-Length: {}",
            body.len()
        );
        line.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).expect("it reads");
        let mut said = String::new();
        line.read_to_string(&mut said).expect("it answers");
        said
    }

    /// The line of the status page that begins so.
    pub(crate) fn status_line(&self, name: &str) -> String {
        let status = self.fx("fxctrl_cn status").ends(0).out;
        let line = status.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("no line {name} in {status}")).to_owned()
    }
}

/// Something that runs beside, with everything it said. It dies with the test.
pub(crate) struct Process {
    child: Child,
    words: ChildStdin,
    lines: Arc<Mutex<Vec<String>>>,
    readers: Vec<std::thread::JoinHandle<()>>,
}

impl Process {
    fn spawn(mut command: Command) -> Self {
        // Cargo's would find the library of another build.
        command.env_remove("LD_LIBRARY_PATH");
        command.env("LC_ALL", "C").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let words = child.stdin.take().expect("piped");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let mut readers = Vec::new();
        let (out, err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        for reader in [Box::new(out) as Box<dyn Read + Send>, Box::new(err)] {
            let written = lines.clone();
            readers.push(std::thread::spawn(move || {
                for line in BufReader::new(reader).lines().map_while(Result::ok) {
                    written.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
            }));
        }
        Self { child, words, lines, readers }
    }

    /// Types a word.
    pub(crate) fn types(&mut self, word: &str) {
        writeln!(self.words, "{word}").expect("it reads");
    }

    /// Types a word to the centre and waits until it has read it: the echo behind it is asked for then.
    pub(crate) fn does(&mut self, word: &str) {
        let before = self.said().matches("asked: echo").count();
        self.types(word);
        self.types("echo");
        self.wait_to_say("asked: echo", before + 1);
    }

    /// Everything it said so far.
    pub(crate) fn said(&self) -> String {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// Waits until it has said that so often.
    pub(crate) fn wait_to_say(&mut self, words: &str, times: usize) {
        wait_for(&format!("`{words}` {times} times"), || {
            let ended = self.ended();
            let has = self.said().lines().filter(|line| line.contains(words)).count() >= times;
            assert!(has || ended.is_none(), "it ended and never said `{words}`:\n{}", self.said());
            has.then_some(())
        });
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        self.child.try_wait().expect("its end can be asked for").map(|status| status.code().unwrap_or(-1))
    }

    /// Waits until it has ended, and until everything it said was heard: its last words come behind its end.
    pub(crate) fn wait(&mut self) -> i32 {
        let code = wait_for("its end", || self.ended());
        wait_for("its last words", || self.readers.iter().all(|reader| reader.is_finished()).then_some(()));
        code
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
