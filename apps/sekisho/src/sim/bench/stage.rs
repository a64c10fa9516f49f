//! The processes of a measurement: begun, waited for, asked for figures, ended.

use crate::sim::keyring::{install, key_named, test_master, write_partner};
use crate::sim::load::Report;
use crate::sim::port::lasting_address;
use crate::sim::speech::SimError;
use hsm::ops::Role;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a process may take until it is ready.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// The switch as it runs for money.
    Switch,
    /// The switch without syncing.
    SwitchUnsynced,
    /// A relay that decides and writes nothing.
    Relay,
    /// The switch as it runs for money, with PINs and authentication codes on both legs.
    Guarded,
}

/// Who guards, where PINs and codes are measured.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Modules {
    /// Simulated modules; none is the built-in one.
    pub(super) devices: u8,
    /// Commands each works off in a second.
    pub(super) calls_per_second: Option<u32>,
    /// One of them is killed so many seconds into the load.
    pub(super) kill_after: Option<Duration>,
}

impl Subject {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Switch => "switch",
            Self::SwitchUnsynced => "UNSYNCED",
            Self::Relay => "relay",
            Self::Guarded => "guarded",
        }
    }
}

/// One measurement.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    pub(super) load: Report,
    pub(super) records_per_sync: f64,
    pub(super) sync_us_mean: u64,
}

/// Why it could not be measured. For people.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The operating system refuses something.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// A process ended, or was not ready in time.
    #[error("{name} did not become ready; it said:\n{said}")]
    NotReady {
        /// Which.
        name: &'static str,
        /// The end of what it said.
        said: String,
    },
    /// The generator told nothing that can be understood.
    #[error("the generator failed; it said:\n{said}")]
    NoReport {
        /// The end of what it said.
        said: String,
    },
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> BenchError {
    move |source| BenchError::System { what, source }
}

/// A directory of our own and a host that serves all measurements.
pub(super) struct Stage {
    directory: PathBuf,
    host: Process,
    guarded: Option<Modules>,
}

impl Stage {
    pub(super) fn set(data: &Path, guarded: Option<Modules>) -> Result<Self, BenchError> {
        let directory = data.join(std::process::id().to_string());
        fs::create_dir_all(&directory).map_err(system("cannot make the data directory"))?;
        let keys = directory.join("host-keys.toml").display().to_string();
        let mut words = vec!["sim", "host", "--listen", "127.0.0.1:0"];
        if guarded.is_some() {
            write_partners(&directory)?;
            words.extend(["--keys", &keys]);
        }
        let host = Process::announcing("host", &directory, &words)?;
        Ok(Self { directory, host, guarded })
    }

    /// The machine in a line.
    pub(super) fn machine(&self) -> String {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let load = read("/proc/loadavg");
        let load = load.split(' ').next().unwrap_or("?");
        format!(
            "{cores} cores   {}   Linux {}   load before {load}",
            model.map_or("processor unknown", |(_, model)| model),
            read("/proc/sys/kernel/osrelease").trim()
        )
    }

    /// Measures one subject once, in a process and a journal of its own.
    pub(super) fn measure(&self, subject: Subject, load: &[String]) -> Result<Measured, BenchError> {
        match subject {
            Subject::Relay => {
                let host = self.host.address.to_string();
                let words = ["sim", "relay", "--listen", "127.0.0.1:0", "--host", &host];
                let relay = Process::announcing("relay", &self.directory, &words)?;
                let load = self.put_load(&relay, load)?;
                Ok(Measured { load, records_per_sync: 0.0, sync_us_mean: 0 })
            }
            Subject::Switch | Subject::SwitchUnsynced | Subject::Guarded => {
                let devices = self.begin_devices(subject)?;
                let (switch, page) = self.begin_switch(subject, &devices)?;
                let before = JournalFigures::read(page)?;
                let mut load = load.to_vec();
                if subject == Subject::Guarded {
                    load.extend([
                        "--keys".into(),
                        self.directory.join("load-keys.toml").display().to_string(),
                    ]);
                }
                let killer = self.kill_one_later(devices);
                let load = self.put_load(&switch, &load)?;
                drop(killer.join());
                let after = JournalFigures::read(page)?;
                drop(switch);
                self.forget_journal()?;
                let syncs = after.syncs.saturating_sub(before.syncs).max(1);
                let records = after.synced_records.saturating_sub(before.synced_records);
                let records_per_sync = records as f64 / syncs as f64;
                Ok(Measured { load, records_per_sync, sync_us_mean: after.sync_us_mean })
            }
        }
    }

    /// The modules of a measurement, killed when it is over.
    fn begin_devices(&self, subject: Subject) -> Result<Vec<Process>, BenchError> {
        let modules = self.guarded.filter(|_| subject == Subject::Guarded).unwrap_or_default();
        let pace = modules.calls_per_second.map(|pace| pace.to_string());
        let mut words = vec!["sim", "hsm", "--listen", "127.0.0.1:0"];
        words.extend(pace.iter().flat_map(|pace| ["--calls-per-second", pace]));
        (0..modules.devices).map(|_| Process::announcing("hsm", &self.directory, &words)).collect()
    }

    /// Keeps the modules until the load is over, but for the one that is to die.
    fn kill_one_later(&self, mut devices: Vec<Process>) -> std::thread::JoinHandle<Vec<Process>> {
        let after = self.guarded.and_then(|modules| modules.kill_after);
        std::thread::spawn(move || {
            if let Some(after) = after {
                sleep(after);
                drop(devices.pop());
            }
            devices
        })
    }

    fn begin_switch(
        &self,
        subject: Subject,
        devices: &[Process],
    ) -> Result<(Process, SocketAddr), BenchError> {
        let (listen, page) = (free_address()?, free_address()?);
        let path = self.directory.join("switch.toml");
        let mut config = config(&self.directory.join("journal"), listen, page, self.host.address);
        if subject == Subject::Guarded {
            let keys = self.directory.join("journal").join("keys");
            install_keys(&keys)?;
            let addresses: Vec<SocketAddr> = devices.iter().map(|device| device.address).collect();
            config = guarded(&config, &addresses);
        }
        fs::write(&path, config).map_err(system("cannot write the configuration"))?;
        let path = path.display().to_string();
        let mut words = vec!["run", "--config", &path];
        if subject == Subject::SwitchUnsynced {
            words.push("--unsafe-no-sync");
        }
        let mut switch = Process::begin("switch", &self.directory, &words, listen)?;
        switch.wait_until(|| get(page, "/readyz").is_ok_and(|(code, _)| code == 200))?;
        switch.wait_until(|| modules_are_well(page))?;
        Ok((switch, page))
    }

    fn put_load(&self, subject: &Process, load: &[String]) -> Result<Report, BenchError> {
        let mut command = Command::new(own_path()?);
        command.arg("load").args(["--addr", &subject.address.to_string(), "--json"]).args(load);
        command.args(["--pid", &format!("subject={}", subject.child.id())]);
        command.args(["--pid", &format!("host={}", self.host.child.id())]);
        let output = command.output().map_err(system("cannot start the generator"))?;
        let said = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(said.trim())
            .map_err(|_| BenchError::NoReport { said: String::from_utf8_lossy(&output.stderr).into_owned() })
    }

    /// What one measurement wrote is not to be read by the next.
    fn forget_journal(&self) -> Result<(), BenchError> {
        fs::remove_dir_all(self.directory.join("journal")).map_err(system("cannot remove a journal"))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What cannot be removed is left for a person: it holds test cards only.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Whether every security module is; where there is none, none is sick.
fn modules_are_well(page: SocketAddr) -> bool {
    let Ok((_, body)) = get(page, "/v1/status") else { return false };
    let status: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
    let modules = status["hsm"]["data"].as_array();
    modules.is_some_and(|modules| modules.iter().all(|module| module["state"] == "well"))
}

const TERMINALS: [&str; 2] = ["bench ZAK of terminals", "bench ZPK of terminals"];
const HOST: [&str; 2] = ["bench ZAK of the host", "bench ZPK of the host"];

/// What generator and host know of keys.
fn write_partners(directory: &Path) -> Result<(), BenchError> {
    for (file, [mac, pin]) in [("load-keys.toml", TERMINALS), ("host-keys.toml", HOST)] {
        write_partner(&directory.join(file), "x919", &key_named(mac), Some(&key_named(pin))).map_err(sim)?;
    }
    Ok(())
}

/// What the switch knows of them.
fn install_keys(keys: &Path) -> Result<(), BenchError> {
    let made = [("listener/acquirer", TERMINALS), ("link/host", HOST)]
        .map(|(owner, [mac, pin])| [(owner, Role::Zak, key_named(mac)), (owner, Role::Zpk, key_named(pin))]);
    let made: Vec<(&str, Role, &hsm::Key)> =
        made.iter().flatten().map(|(owner, role, key)| (*owner, *role, key)).collect();
    let parent = keys.parent().unwrap_or(keys);
    fs::create_dir_all(parent).map_err(system("cannot make the data directory"))?;
    install(keys, &test_master().1, 0, &made).map_err(sim)
}

fn sim(error: SimError) -> BenchError {
    system("cannot make test keys")(io::Error::other(error.to_string()))
}

/// The same configuration with PINs and codes on both legs.
fn guarded(config: &str, devices: &[SocketAddr]) -> String {
    let (lmk, check) = test_master();
    let mut config = config
        .replace(
            "default_link = \"host\"",
            "default_link = \"host\"\nsecurity = { keys = \"listener\", mac = \"x919\", pin_format = 0 }",
        )
        .replace("reconnect_ms = 500", "reconnect_ms = 500\nsecurity = { mac = \"x919\", pin_format = 0 }");
    config += "\n[security]\nallow_test_lmk = true\n";
    if devices.is_empty() {
        config += "\n[[hsm]]\nname = \"soft\"\nsoftware = \"public-test\"\n";
    }
    for (at, address) in devices.iter().enumerate() {
        let number = at + 1;
        config += &format!(
            "\n[[hsm]]\nname = \"hsm-{number}\"\naddress = \"{address}\"\nlmk = \"{lmk}\"\n\
             lmk_check = \"{check}\"\n"
        );
    }
    config
}

fn config(journal: &Path, listen: SocketAddr, page: SocketAddr, host: SocketAddr) -> String {
    let journal = toml::Value::String(journal.display().to_string());
    format!(
        r#"
[journal]
dir = {journal}

[http]
listen = "{page}"

[[listener]]
name = "acquirer"
kind = "access"
consistency = "reversal"
per_terminal_max = 0
listen = "{listen}"
dialect = "iso87-ascii"
framing = "ascii4"
default_link = "host"

[[link]]
name = "host"
dial = "{host}"
dialect = "iso87-ascii"
framing = "ascii4"
reply_timeout_ms = 30000
reconnect_ms = 500
"#
    )
}

/// A process of ours, killed when dropped: a switch outlives that, and its journal is thrown away anyway.
struct Process {
    name: &'static str,
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl Process {
    /// Begins a process whose first line ends with the address it listens on.
    fn announcing(name: &'static str, directory: &Path, words: &[&str]) -> Result<Self, BenchError> {
        let mut process = Self::begin(name, directory, words, SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let mut line = String::new();
        if let Some(out) = process.child.stdout.take() {
            BufReader::new(out).read_line(&mut line).map_err(system("cannot read from a process"))?;
        }
        match line.trim().rsplit(' ').next().and_then(|word| word.parse().ok()) {
            Some(address) => {
                process.address = address;
                Ok(process)
            }
            None => Err(process.not_ready()),
        }
    }

    fn begin(
        name: &'static str,
        directory: &Path,
        words: &[&str],
        address: SocketAddr,
    ) -> Result<Self, BenchError> {
        let log = directory.join(format!("{name}.log"));
        let errors = fs::File::create(&log).map_err(system("cannot write to the data directory"))?;
        let mut command = Command::new(own_path()?);
        command.args(words).env("SEKISHO_LOG", "warn").stdin(Stdio::null());
        let child = command.stdout(Stdio::piped()).stderr(errors).spawn();
        Ok(Self { name, child: child.map_err(system("cannot start a process"))?, address, log })
    }

    fn wait_until(&mut self, is_ready: impl Fn() -> bool) -> Result<(), BenchError> {
        let deadline = Instant::now() + READY_WITHIN;
        while !is_ready() {
            let has_ended = self.child.try_wait().is_ok_and(|ended| ended.is_some());
            if has_ended || Instant::now() > deadline {
                return Err(self.not_ready());
            }
            sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn not_ready(&self) -> BenchError {
        let said = fs::read_to_string(&self.log).unwrap_or_default();
        let last = said.char_indices().rev().nth(2_000).map_or(0, |(at, _)| at);
        BenchError::NotReady { name: self.name, said: said[last..].to_owned() }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the switch says of its journal.
struct JournalFigures {
    syncs: u64,
    synced_records: u64,
    sync_us_mean: u64,
}

impl JournalFigures {
    fn read(page: SocketAddr) -> Result<Self, BenchError> {
        let (_, body) = get(page, "/v1/status").map_err(system("cannot read the status page"))?;
        let status: serde_json::Value = serde_json::from_str(&body)
            .map_err(|error| system("the status page is no JSON")(error.into()))?;
        let figure = |name: &str| status["journal"][name].as_u64().unwrap_or(0);
        Ok(Self {
            syncs: figure("syncs"),
            synced_records: figure("synced_records"),
            sync_us_mean: figure("sync_us_mean"),
        })
    }
}

/// Fetches a page: its code and its body.
fn get(address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok((code, body.to_owned()))
}

fn free_address() -> Result<SocketAddr, BenchError> {
    lasting_address(Ipv4Addr::LOCALHOST.into()).map_err(system("cannot find a free port"))
}

fn own_path() -> Result<PathBuf, BenchError> {
    std::env::current_exe().map_err(system("cannot find this program"))
}
