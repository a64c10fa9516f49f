use super::{PATIENCE, wait_for};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The program as somebody started it, with everything it wrote to stderr.
pub(crate) struct Daemon {
    child: Child,
    /// The switch itself: another process than `child` where that is a tracer.
    pid: Option<u32>,
    lines: Arc<Mutex<Vec<String>>>,
    reader: std::thread::JoinHandle<()>,
}

impl Daemon {
    /// `sekisho run --config CONFIG --log json MORE`.
    pub(crate) fn spawn(config: &Path, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        command.args(run_arguments(config)).args(more);
        Self::watch(command)
    }

    /// The same under another program, such as a tracer.
    pub(crate) fn spawn_under(tool: &str, arguments: &[&OsStr], config: &Path) -> Self {
        let mut command = Command::new(tool);
        command.args(arguments).arg(env!("CARGO_BIN_EXE_sekisho")).args(run_arguments(config));
        let mut daemon = Self::watch(command);
        daemon.pid = None;
        daemon
    }

    fn watch(mut command: Command) -> Self {
        command.env("SEKISHO_LOG", "info").env_remove("NOTIFY_SOCKET");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stderr = child.stderr.take().expect("it is piped");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let written = lines.clone();
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                written.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
        let pid = Some(child.id());
        Self { child, pid, lines, reader }
    }

    /// Its process, or the tracer's where it has one.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn stderr(&self) -> String {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    /// Waits until it says it listens.
    pub(crate) fn wait_until_ready(&self) {
        self.find_line("that it serves its status page", |line| line.contains("status page"));
    }

    pub(crate) fn wait_to_say(&self, words: &str) -> String {
        self.find_line(words, |line| line.contains(words))
    }

    fn find_line(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let find = || {
            let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
            lines.iter().find(|line| wanted(line)).cloned()
        };
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            if let Some(line) = find() {
                return line;
            }
            let waited_long = std::time::Instant::now() >= deadline;
            assert!(!waited_long, "it never said: {what}. It said:\n{}", self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Where a listener listens.
    pub(crate) fn listener(&self, name: &str) -> SocketAddr {
        let wanted = format!("\"listener\":\"{name}\"");
        address_in(&self.find_line(&wanted, |line| line.contains(&wanted)))
    }

    fn page(&self) -> SocketAddr {
        address_in(&self.wait_to_say("status page"))
    }

    /// Body and status code of a page.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        try_get(self.page(), path).expect("the status page is open, and answers")
    }

    pub(crate) fn status(&self) -> Value {
        let (code, body) = self.get("/v1/status");
        assert_eq!(code, 200, "{body}");
        serde_json::from_str(&body).expect("the status is JSON")
    }

    /// A figure of the status, by its place in it, such as `/transactions/repeats`.
    pub(crate) fn figure(&self, place: &str) -> u64 {
        let status = self.status();
        let figure = status.pointer(place).and_then(Value::as_u64);
        figure.unwrap_or_else(|| panic!("no figure {place} in {status:#}"))
    }

    /// Waits until a figure has at least this value: the status is put up a few times a second.
    pub(crate) fn wait_for_figure(&self, place: &str, at_least: u64) {
        wait_for(&format!("{place} >= {at_least}"), || (self.figure(place) >= at_least).then_some(()));
    }

    /// Whether nothing is in flight and nothing owed, as its last status says; `None` where it gives none.
    pub(crate) fn is_settled(&self) -> Option<bool> {
        let page = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let page = page.iter().find(|line| line.contains("status page")).map(|line| address_in(line))?;
        let counts = try_get(page, "/v1/status").ok().filter(|(code, _)| *code == 200)?.1;
        let counts = serde_json::from_str::<Value>(&counts).ok()?["transactions"].clone();
        Some(counts["pending"] == 0 && counts["in_flight"] == 0)
    }

    /// Waits until nothing is in flight and nothing owed, for longer than a status may be old; says since when.
    pub(crate) fn wait_until_settled(&self) -> std::time::Instant {
        let mut since = std::time::Instant::now();
        wait_for("everything decided and everything owed paid", || {
            if self.is_settled() != Some(true) {
                since = std::time::Instant::now();
            }
            (since.elapsed() > Duration::from_millis(500)).then_some(since)
        })
    }

    /// One link of the status.
    pub(crate) fn link(&self, name: &str) -> Value {
        named(&self.status()["links"], name)
    }

    /// One count of a listener.
    pub(crate) fn count(&self, listener: &str, count: &str) -> u64 {
        let counts = named(&self.status()["listeners"], listener)["counts"].clone();
        let pair = counts.as_array().and_then(|all| all.iter().find(|pair| pair[0] == count).cloned());
        pair.and_then(|pair| pair[1].as_u64()).unwrap_or_else(|| panic!("no count {count}"))
    }

    pub(crate) fn wait_for_link(&self, name: &str, state: &str) {
        wait_for(&format!("link {name} {state}"), || (self.link(name)["state"] == state).then_some(()));
    }

    /// Kibibytes of memory now (`VmRSS`) or at most so far (`VmHWM`).
    pub(crate) fn memory_kib(&self, what: &str) -> u64 {
        let path = format!("/proc/{}/status", self.pid.expect("started directly"));
        let text = std::fs::read_to_string(path).expect("it runs");
        let line = text.lines().find(|line| line.starts_with(what)).expect("a line of that name");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
    }

    /// The switch itself, under a tracer too; `None` when it has ended.
    pub(crate) fn pid_of_switch(&self) -> Option<u32> {
        let children = || {
            let path = format!("/proc/{0}/task/{0}/children", self.child.id());
            std::fs::read_to_string(path).ok()?.split_whitespace().next()?.parse().ok()
        };
        self.pid.or_else(children)
    }

    /// One of its threads, by its name.
    pub(crate) fn thread(&self, name: &str) -> Option<u32> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid_of_switch()?)).ok()?;
        let is_it =
            |path: &Path| std::fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim() == name);
        let found = tasks.filter_map(Result::ok).map(|task| task.path()).find(|path| is_it(path))?;
        found.file_name()?.to_str()?.parse().ok()
    }

    /// Sends a signal by its name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        send_signal(self.pid.unwrap_or_else(|| self.child.id()), name);
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("it is our child").is_none()
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let deadline = std::time::Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            assert!(std::time::Instant::now() < deadline, "it does not end. It said:\n{}", self.stderr());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Its exit code and all it said, once both are there.
    pub(crate) fn end(&mut self) -> (Option<i32>, String) {
        let status = self.wait();
        // The pipe may hold a last line for a moment longer than the process lives.
        let deadline = std::time::Instant::now() + PATIENCE;
        while !self.reader.is_finished() && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        (status.code(), self.stderr())
    }

    /// The power cord of this process.
    pub(crate) fn kill(&mut self) {
        // A tracer that dies leaves what it traces running.
        if self.pid.is_none() && self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let children = format!("/proc/{0}/task/{0}/children", self.child.id());
            for pid in std::fs::read_to_string(children).unwrap_or_default().split_whitespace() {
                let _ = Command::new("kill").args(["-KILL", pid]).status();
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- what the switch said:\n{}\n---", self.stderr());
        }
    }
}

pub(crate) fn send_signal(pid: u32, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).status();
    assert!(sent.expect("the system has `kill`").success(), "signal {name} to {pid}");
}

fn run_arguments(config: &Path) -> [&OsStr; 5] {
    ["run".as_ref(), "--config".as_ref(), config.as_os_str(), "--log".as_ref(), "json".as_ref()]
}

fn address_in(line: &str) -> SocketAddr {
    let value: Value = serde_json::from_str(line).expect("a line of the log is JSON");
    let address = value["fields"]["address"].as_str().and_then(|text| text.parse().ok());
    address.unwrap_or_else(|| panic!("no address in {line}"))
}

fn try_get(page: SocketAddr, path: &str) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(page)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n")?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let code = text.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
    code.zip(body).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}

fn named(list: &Value, name: &str) -> Value {
    let found = list.as_array().and_then(|all| all.iter().find(|one| one["name"] == name).cloned());
    found.unwrap_or_else(|| panic!("no {name} in {list:#}"))
}

/// Whether there is a tracer and it may trace; says so where not.
pub(crate) fn can_trace() -> bool {
    let tried = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).status();
    let can = tried.is_ok_and(|status| status.success());
    if !can {
        println!("skipped: strace is not here or may not trace");
    }
    can
}
