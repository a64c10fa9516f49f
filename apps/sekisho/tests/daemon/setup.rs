use super::{Daemon, Host};
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory of one test, gone when the test has passed.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).expect("the target directory can be written");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
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

/// An address for whoever must listen on the same one again: below the ports that the system gives to connections,
/// so that none of them takes it meanwhile.
pub(crate) fn free_address() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let ports =
        || std::process::id().wrapping_mul(61).wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % 15_000;
    let addresses = (0..1_000).map(|_| SocketAddr::from(([127, 0, 0, 1], 16_000 + ports() as u16)));
    addresses
        .into_iter()
        .find(|at| std::net::TcpListener::bind(at).is_ok())
        .expect("one in a thousand is free")
}

/// One `[[link]]`.
#[derive(Clone, Debug)]
pub(crate) struct LinkSetup {
    pub(crate) name: &'static str,
    pub(crate) dial: SocketAddr,
    pub(crate) dialect: &'static str,
    pub(crate) reply_timeout_ms: u32,
    pub(crate) in_flight_max: u32,
    /// More lines of the table, such as `connections = 2`.
    pub(crate) more: String,
}

impl LinkSetup {
    pub(crate) fn to(host: &Host) -> Self {
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
pub(crate) struct Setup {
    pub(crate) scratch: Scratch,
    pub(crate) data: PathBuf,
    pub(crate) segment_bytes: u64,
    /// More lines of `[journal]`.
    pub(crate) journal_more: String,
    pub(crate) acquirer: SocketAddr,
    pub(crate) frame_timeout_ms: u32,
    /// More lines of both listeners.
    pub(crate) listeners_more: String,
    pub(crate) links: Vec<LinkSetup>,
    /// Prefix and link.
    pub(crate) routes: Vec<(&'static str, &'static str)>,
}

impl Setup {
    pub(crate) fn with_host(host: &Host) -> Self {
        Self::with_links(vec![LinkSetup::to(host)])
    }

    pub(crate) fn with_links(links: Vec<LinkSetup>) -> Self {
        let scratch = Scratch::new();
        let data = scratch.path().join("data");
        let acquirer = SocketAddr::from(([127, 0, 0, 1], 0));
        let (frame_timeout_ms, segment_bytes) = (10_000, 4 << 20);
        Self {
            scratch,
            data,
            segment_bytes,
            journal_more: String::new(),
            acquirer,
            frame_timeout_ms,
            listeners_more: String::new(),
            links,
            routes: Vec::new(),
        }
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.scratch.path().join("sekisho.toml")
    }

    pub(crate) fn toml(&self) -> String {
        let default_link = self.links.first().expect("a link").name;
        let mut toml = format!(
            "[journal]\ndir = \"{}\"\nsegment_bytes = {}\n{}\n\n[http]\nlisten = \"127.0.0.1:0\"\n",
            self.data.display(),
            self.segment_bytes,
            self.journal_more
        );
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        for (name, kind, listen) in [("acquirer", "access", self.acquirer), ("atm", "atmc", free)] {
            let (timeout_ms, more) = (self.frame_timeout_ms, &self.listeners_more);
            write!(
                toml,
                "\n[[listener]]\nname = \"{name}\"\nkind = \"{kind}\"\nconsistency = \"reversal\"\nper_terminal_max = 0\nlisten = \"{listen}\"\n\
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
    pub(crate) fn write(&self) {
        self.write_text(&self.toml());
    }

    pub(crate) fn write_text(&self, toml: &str) {
        std::fs::write(self.config_path(), toml).expect("the scratch directory can be written");
    }

    /// Writes it and starts the program; returns when it listens and every link stands.
    pub(crate) fn start(&self) -> Daemon {
        let daemon = self.spawn();
        daemon.wait_until_ready();
        for link in &self.links {
            daemon.wait_for_link(link.name, "up");
        }
        daemon
    }

    /// Writes it and starts the program; waits for nothing.
    pub(crate) fn spawn(&self) -> Daemon {
        self.write();
        Daemon::spawn(&self.config_path(), &[])
    }
}
