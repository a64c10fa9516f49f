use super::{Daemon, Host};
use sekisho::sim::port::lasting_address;
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory of one test, gone when the test has passed.
pub struct Scratch(PathBuf);

impl Scratch {
    #[allow(clippy::new_without_default, reason = "each is another directory")]
    /// An empty one.
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = place_for_tests().join(name);
        std::fs::create_dir_all(&path).expect("the target directory can be written");
        Self(path)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("kept for a look: {}", self.0.display());
        } else {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// Beside the build, where there is room and a real disk.
fn place_for_tests() -> PathBuf {
    let this = std::env::current_exe().expect("a test is a program");
    let build = this.ancestors().nth(3).expect("it lies in a folder of the build");
    build.join("tmp")
}

/// An address for whoever must listen on the same one again: below the ports that the system gives to connections,
/// so that none of them takes it meanwhile.
pub fn free_address() -> SocketAddr {
    lasting_address(Ipv4Addr::LOCALHOST.into()).expect("one in a thousand is free")
}

/// One `[[link]]`.
#[derive(Clone, Debug)]
pub struct LinkSetup {
    /// Its name.
    pub name: &'static str,
    /// The host's address.
    pub dial: SocketAddr,
    /// What the host speaks.
    pub dialect: &'static str,
    /// Silence after which the outcome is unknown.
    pub reply_timeout_ms: u32,
    /// Requests unanswered at once.
    pub in_flight_max: u32,
    /// More lines of the table, such as `connections = 2`.
    pub more: String,
}

impl LinkSetup {
    /// The link `core` to that host, with more patience than any test.
    pub fn to(host: &Host) -> Self {
        Self {
            name: "core",
            dial: host.address(),
            dialect: host.dialect(),
            reply_timeout_ms: 20_000,
            in_flight_max: 4_096,
            more: String::new(),
        }
    }
}

/// A configuration, and the directory it lies in. Two listeners: `acquirer` (persistent) and `atm` (one request
/// each), both in `iso87-ascii`; every port is chosen by the system.
pub struct Setup {
    /// Where everything lies.
    pub scratch: Scratch,
    /// The data directory.
    pub data: PathBuf,
    /// Bytes of one segment file.
    pub segment_bytes: u64,
    /// More lines of `[journal]`.
    pub journal_more: String,
    /// More tables, such as `[lane]`.
    pub tables_more: String,
    /// Where the listener `acquirer` listens.
    pub acquirer: SocketAddr,
    /// First byte of a frame to its last.
    pub frame_timeout_ms: u32,
    /// How terminals make an unknown outcome consistent; without it they get no cash services.
    pub consistency: Option<&'static str>,
    /// Requests of one terminal under way at once.
    pub per_terminal_max: u32,
    /// More lines of both listeners.
    pub listeners_more: String,
    /// Where requests go; what no route names goes to the first.
    pub links: Vec<LinkSetup>,
    /// Prefix and link.
    pub routes: Vec<(&'static str, &'static str)>,
}

impl Setup {
    /// With a link to that host.
    pub fn with_host(host: &Host) -> Self {
        Self::with_links(vec![LinkSetup::to(host)])
    }

    /// With these links.
    pub fn with_links(links: Vec<LinkSetup>) -> Self {
        let scratch = Scratch::new();
        let data = scratch.path().join("data");
        let acquirer = SocketAddr::from(([127, 0, 0, 1], 0));
        let (frame_timeout_ms, segment_bytes) = (10_000, 4 << 20);
        Self {
            scratch,
            data,
            segment_bytes,
            journal_more: String::new(),
            tables_more: String::new(),
            acquirer,
            frame_timeout_ms,
            consistency: Some("reversal"),
            per_terminal_max: 0,
            listeners_more: String::new(),
            links,
            routes: Vec::new(),
        }
    }

    /// The file that is written.
    pub fn config_path(&self) -> PathBuf {
        self.scratch.path().join("sekisho.toml")
    }

    /// What is written into it.
    pub fn toml(&self) -> String {
        let default_link = self.links.first().expect("a link").name;
        let mut toml = format!(
            "[journal]\ndir = \"{}\"\nsegment_bytes = {}\n{}\n\n[http]\nlisten = \"127.0.0.1:0\"\n{}\n",
            self.data.display(),
            self.segment_bytes,
            self.journal_more,
            self.tables_more
        );
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        for (name, kind, listen) in [("acquirer", "access", self.acquirer), ("atm", "atmc", free)] {
            let (timeout_ms, more) = (self.frame_timeout_ms, &self.listeners_more);
            let consistency =
                self.consistency.map_or(String::new(), |way| format!("consistency = \"{way}\"\n"));
            let per_terminal_max = self.per_terminal_max;
            write!(
                toml,
                "\n[[listener]]\nname = \"{name}\"\nkind = \"{kind}\"\n{consistency}per_terminal_max = {per_terminal_max}\nlisten = \"{listen}\"\n\
                 dialect = \"iso87-ascii\"\ndefault_link = \"{default_link}\"\n\
                 frame_timeout_ms = {timeout_ms}\n{more}\n"
            )
            .expect("a string takes everything");
        }
        for link in &self.links {
            let LinkSetup { name, dial, dialect, reply_timeout_ms, in_flight_max, more } = link;
            write!(
                toml,
                "\n[[link]]\nname = \"{name}\"\ndial = \"{dial}\"\ndialect = \"{dialect}\"\n\
                 reply_timeout_ms = {reply_timeout_ms}\nin_flight_max = {in_flight_max}\n\
                 reconnect_ms = 50\n{more}\n"
            )
            .expect("a string takes everything");
        }
        for (prefix, link) in &self.routes {
            write!(toml, "\n[[route]]\nprefix = \"{prefix}\"\nlink = \"{link}\"\n")
                .expect("a string takes everything");
        }
        toml
    }

    /// Writes the configuration as it is now.
    pub fn write(&self) {
        self.write_text(&self.toml());
    }

    /// Writes another one.
    pub fn write_text(&self, toml: &str) {
        std::fs::write(self.config_path(), toml).expect("the scratch directory can be written");
    }

    /// Writes it and starts the program; returns when it listens and every link stands.
    pub fn start(&self) -> Daemon {
        let daemon = self.spawn();
        daemon.wait_until_ready();
        for link in &self.links {
            daemon.wait_for_link(link.name, "up");
        }
        daemon
    }

    /// Writes it and starts the program; waits for nothing.
    pub fn spawn(&self) -> Daemon {
        self.write();
        Daemon::spawn(&self.config_path(), &[])
    }
}
