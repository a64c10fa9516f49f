//! The switch of a demo: on threads of this process, or a process of its own where somebody means to kill it.

use super::hosts::CAST;
use super::security;
use super::world::DemoError;
use crate::commands::control::Way;
use crate::config::{Config, ConfigError};
use crate::run::status::Status;
use crate::run::{Board, Options, Order, Plan, Running, Stopped, start_on};
use serde_json::Value;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long a switch may take until it says how it is.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long it may take to drain.
const DRAINED_WITHIN: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// What is to be run, and where.
#[derive(Clone, Debug)]
pub(super) struct SwitchPlan {
    /// The data directory.
    pub(super) data: PathBuf,
    /// Where terminals come in.
    pub(super) iso: SocketAddr,
    /// Where the hosts of the cast listen.
    pub(super) hosts: Vec<SocketAddr>,
    /// Where the security modules listen.
    pub(super) modules: Vec<SocketAddr>,
    /// The link to the card centre, as it is written in a configuration.
    pub(super) center: String,
    /// As a process of its own, with its status page there.
    pub(super) apart: Option<SocketAddr>,
}

/// A switch at work.
pub(super) enum Switch {
    Inside { running: Running, board: Board },
    Apart(Apart),
}

/// A switch in a process of its own, and how to begin it again.
pub(super) struct Apart {
    config: PathBuf,
    socket: PathBuf,
    log: PathBuf,
    child: Child,
    starts: usize,
}

/// How a switch is, as much as a demo shows of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Glance {
    pub(super) unknown: u64,
    pub(super) in_flight: u64,
    pub(super) pending: u64,
    pub(super) business_date: String,
    pub(super) is_stopped: bool,
    pub(super) links_up: bool,
}

impl SwitchPlan {
    /// Starts it; returns when it listens, and says where.
    pub(super) fn start(&self) -> Result<(Switch, SocketAddr), DemoError> {
        let text = self.config();
        let path = self.data.join("demo.toml");
        if self.apart.is_some() {
            let cannot = |source| DemoError::Directory { directory: path.clone(), source };
            fs::write(&path, text).map_err(cannot)?;
            let (socket, log) = (self.data.join("control.sock"), self.data.join("switch.log"));
            let child = spawn(&path, &log)?;
            let mut apart = Apart { config: path, socket, log, child, starts: 1 };
            apart.wait_until_ready()?;
            return Ok((Switch::Apart(apart), self.iso));
        }
        let refuse = |complaints| ConfigError { path: path.clone(), complaints };
        let config = Config::parse(&text).map_err(refuse)?;
        let board = Board::default();
        let running = start_on(board.clone(), Plan::of(&config, &path)?, Options::default())?;
        let iso = running.listeners.first().map_or(self.iso, |(_, address)| *address);
        Ok((Switch::Inside { running, board }, iso))
    }

    /// The configuration, as a person would have written it.
    fn config(&self) -> String {
        let data = toml::Value::String(self.data.display().to_string());
        let page = self.apart.map_or(String::new(), |page| format!("[http]\nlisten = \"{page}\"\n\n"));
        let mut text = format!(
            "[journal]\ndir = {data}\nsegment_bytes = 16777216\n\n{page}[[listener]]\nname = \"atm\"\n\
             kind = \"access\"\nconsistency = \"reversal\"\nlisten = \"{}\"\ndialect = \"iso87-ascii\"\n{}",
            self.iso,
            security::OF_LISTENER
        );
        for (cast, address) in CAST.iter().zip(&self.hosts) {
            text += &format!(
                "\n[[link]]\nname = \"{}\"\ndial = \"{address}\"\ndialect = \"{}\"\nreply_timeout_ms = 2000\n\
                 reconnect_ms = 500\nforward = {{ reply_timeout_ms = 1000, repeat_ms = 2000 }}\nhost = {}\n{}\
                 \n[[route]]\nprefix = \"{}\"\nlink = \"{}\"\n",
                cast.name,
                cast.dialect,
                cast.contract,
                security::OF_HOST,
                &cast.card_prefix[..1],
                cast.name
            );
        }
        text + &self.center + &security::tables(&self.modules)
    }
}

impl Switch {
    /// How it is; `None` while it does not say.
    pub(super) fn glance(&self) -> Option<Glance> {
        match self {
            Self::Inside { board, .. } => board.read().map(|(status, _)| Glance::of(&status)),
            Self::Apart(apart) => apart.glance(),
        }
    }

    /// Its figures, where it keeps them in this process.
    pub(super) fn board(&self) -> Option<&Board> {
        match self {
            Self::Inside { board, .. } => Some(board),
            Self::Apart(_) => None,
        }
    }

    /// Its process, where that is not this one.
    pub(super) fn process(&self) -> Option<u32> {
        match self {
            Self::Inside { .. } => None,
            Self::Apart(apart) => Some(apart.child.id()),
        }
    }

    /// How often it was started.
    pub(super) fn starts(&self) -> usize {
        match self {
            Self::Inside { .. } => 1,
            Self::Apart(apart) => apart.starts,
        }
    }

    /// Whether it has ended, which nobody told it to.
    pub(super) fn has_ended(&mut self) -> bool {
        match self {
            Self::Inside { board, .. } => board.read().is_some_and(|(status, _)| status.state == "stopped"),
            Self::Apart(apart) => !matches!(apart.child.try_wait(), Ok(None)),
        }
    }

    /// Pulls its cord, and starts it again.
    pub(super) fn kill(&mut self) -> Result<(), DemoError> {
        match self {
            Self::Inside { .. } => Err(DemoError::CannotBeKilled),
            Self::Apart(apart) => apart.kill_and_start_again(),
        }
    }

    /// Drains it and waits for its end.
    pub(super) async fn drain(self) -> Result<Stopped, DemoError> {
        match self {
            Self::Inside { mut running, .. } => {
                running.order(Order::Drain);
                let stopped = running.ended().await;
                running.join();
                Ok(stopped)
            }
            Self::Apart(apart) => apart.drain().await,
        }
    }
}

impl Apart {
    fn glance(&self) -> Option<Glance> {
        let reply =
            Way::Socket(self.socket.clone()).get("/v1/status").ok().filter(|reply| reply.status == 200)?;
        Some(Glance::read(&reply.body))
    }

    fn wait_until_ready(&mut self) -> Result<(), DemoError> {
        let deadline = Instant::now() + READY_WITHIN;
        while self.glance().is_none() {
            let has_ended = !matches!(self.child.try_wait(), Ok(None));
            if has_ended || Instant::now() > deadline {
                return Err(DemoError::Switch { said: last_lines(&self.log) });
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    fn kill_and_start_again(&mut self) -> Result<(), DemoError> {
        self.child.kill().and_then(|()| self.child.wait()).map_err(DemoError::Process)?;
        self.child = spawn(&self.config, &self.log)?;
        self.starts += 1;
        self.wait_until_ready()
    }

    async fn drain(mut self) -> Result<Stopped, DemoError> {
        send_signal(self.child.id(), "TERM").map_err(DemoError::Process)?;
        let deadline = Instant::now() + DRAINED_WITHIN;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().map_err(DemoError::Process)? {
                return match status.success() {
                    true => Ok(Stopped::Drained),
                    false => Err(DemoError::Switch { said: last_lines(&self.log) }),
                };
            }
            sleep(PAUSE).await;
        }
        Ok(Stopped::Abandoned)
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // Whoever leaves early leaves nothing running. Where it has ended already, that is not possible and not
        // needed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Glance {
    fn of(status: &Status) -> Self {
        Self {
            unknown: status.transactions.unknown,
            in_flight: status.transactions.in_flight as u64,
            pending: status.transactions.pending as u64,
            business_date: status.business_date.clone(),
            is_stopped: status.state == "stopped",
            links_up: status.links.iter().all(|link| link.state == "up"),
        }
    }

    fn read(status: &Value) -> Self {
        let count = |name: &str| status["transactions"][name].as_u64().unwrap_or(0);
        let links = status["links"].as_array();
        Self {
            unknown: count("unknown"),
            in_flight: count("in_flight"),
            pending: count("pending"),
            business_date: status["business_date"].as_str().unwrap_or_default().to_owned(),
            is_stopped: status["state"] == "stopped",
            links_up: links.is_some_and(|links| links.iter().all(|link| link["state"] == "up")),
        }
    }

    /// Nothing is under way and nothing owed.
    pub(super) fn is_settled(&self) -> bool {
        self.in_flight == 0 && self.pending == 0
    }
}

/// This same program as a switch, out of reach of the keyboard: Ctrl-C is the demo's to understand.
fn spawn(config: &Path, log: &Path) -> Result<Child, DemoError> {
    let said = fs::File::options().create(true).append(true).open(log).map_err(DemoError::Process)?;
    let program = std::env::current_exe().map_err(DemoError::Process)?;
    let mut command = Command::new(program);
    command.arg("run").arg("--config").arg(config).env("SEKISHO_LOG", "warn").env("NO_COLOR", "1");
    command.env_remove("NOTIFY_SOCKET").process_group(0);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said);
    command.spawn().map_err(DemoError::Process)
}

/// By the shell, which knows how on every system.
pub(super) fn send_signal(pid: u32, name: &str) -> std::io::Result<()> {
    let script = format!("kill -{name} {pid}");
    Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).status().map(drop)
}

fn last_lines(log: &Path) -> String {
    let said = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_of_a_demo_is_one_the_switch_takes() {
        let address: SocketAddr = "127.0.0.1:1".parse().expect("an address");
        let page: SocketAddr = "127.0.0.1:2".parse().expect("an address");
        for apart in [None, Some(page)] {
            let data = PathBuf::from("/some \"where\"/data");
            let (hosts, modules, center) = (vec![address; 2], vec![address; 2], String::new());
            let plan = SwitchPlan { data: data.clone(), iso: address, hosts, modules, center, apart };
            let config = Config::parse(&plan.config()).expect("a configuration");
            assert_eq!((config.link.len(), config.journal.dir), (2, data));
        }
    }
}
