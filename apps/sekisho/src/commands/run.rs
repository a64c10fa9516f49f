//! `sekisho run`

use crate::config::Config;
use crate::exit;
use crate::run::api::{Api, tcp};
use crate::run::recovery::Recover;
use crate::run::refused::{Next, cannot_listen};
use crate::run::{Options, Order, Plan, Running, StartError, Stopped, control, http, start};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// How to run the switch.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Signals: TERM or INT drains and stops, a second one stops at once; HUP takes over routes, \
                        timers and limits of the changed configuration and keeps the old one when it is wrong.\n\
                        Exit: 0 stopped in order, 1 failed for now, as where a port is taken or a disk is full (start \
                        again), 78 will fail again."
)]
pub struct Args {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "sekisho.toml")]
    pub config: PathBuf,
    /// How to log: human or json
    #[arg(long, value_name = "FORM", default_value = "human")]
    pub log: LogForm,
    /// What to do when the switch was not stopped in order: tell hosts what they are owed at once, wait for
    /// `sekisho recovery run`, or do not start
    #[arg(long, value_name = "HOW", default_value = "auto")]
    pub recover: Recover,
    /// Do not sync the journal: NOTHING IS DURABLE. For measuring only
    #[arg(long)]
    pub unsafe_no_sync: bool,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogForm {
    /// For people.
    Human,
    /// One object a line.
    Json,
}

/// Runs until told to stop.
pub fn run(args: Args) -> ExitCode {
    begin_logging(args.log);
    match serve(&args) {
        Ok(Stopped::Drained) => {
            tracing::info!("stopped in order");
            ExitCode::SUCCESS
        }
        Ok(Stopped::Abandoned) => {
            tracing::warn!("stopped at once; what was in flight is decided by silence at the next start");
            ExitCode::SUCCESS
        }
        Ok(Stopped::JournalFailed(_)) => ExitCode::from(exit::NO),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.exit)
        }
    }
}

/// Why it does not start.
#[derive(Debug, thiserror::Error)]
#[error("error {code}  {said}\n  state   {}\n  next    {next}", state(*.exit))]
struct Failure {
    code: &'static str,
    said: String,
    next: String,
    exit: u8,
}

const fn state(exit: u8) -> &'static str {
    match exit {
        exit::CONFIG => "not started, and it stays so until that is mended",
        _ => "not started; it may start by itself when it is tried again",
    }
}

impl Failure {
    fn new(said: impl ToString, is_permanent: bool, (code, next): Next) -> Self {
        let exit = if is_permanent { exit::CONFIG } else { exit::NO };
        Self { code, said: said.to_string(), next, exit }
    }

    fn start(error: &StartError, config: &Path) -> Self {
        Self::new(error, error.is_permanent(), error.next(config))
    }
}

fn plan(path: &Path) -> Result<Plan, Failure> {
    let next = || ("SYS1020-E", format!("mend it, then: sekisho config check {}", path.display()));
    let plan = Config::load(path).and_then(|config| Plan::of(&config, path));
    let plan = plan.and_then(|plan| plan.check_files(path).map(|()| plan));
    plan.map_err(|error| Failure::new(error, true, next()))
}

fn serve(args: &Args) -> Result<Stopped, Failure> {
    let plan = plan(&args.config)?;
    let socket = plan.config.control_socket();
    let settings = plan.config.api.clone();
    if args.unsafe_no_sync {
        eprintln!(
            "*** --unsafe-no-sync: NOTHING THIS SWITCH SAYS IS DURABLE. A crash loses money. Measure with it, \
             never run with it. ***"
        );
    }
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::start(&StartError::Thread(error), &args.config))?;
    // Before anything is listened on: of two on one directory the second is told that, and not that a port is taken.
    let directory = plan.config.journal.dir.clone();
    if let Some(holder) = disk::holder(&directory) {
        let held = StartError::Disk(disk::DiskError::Held { directory, holder });
        return Err(Failure::start(&held, &args.config));
    }
    let open_files_max = net::raise_open_files_max();
    tracing::info!(open_files_max, "starting");
    runtime.block_on(async {
        let page = match &plan.config.http {
            Some(http) => Some(http::bind(http.listen).await.map_err(|error| {
                let next = cannot_listen(&http.listen, &error.source);
                Failure::new(&error, net::refusal_is_permanent(&error.source), next)
            })?),
            None => None,
        };
        let over_tcp = tcp::bind(settings.as_ref()).await.map_err(|error| {
            let next = error.next(&args.config);
            Failure::new(&error, error.is_permanent(), next)
        })?;
        let mut running = start(plan, Options { unsafe_no_sync: args.unsafe_no_sync, recover: args.recover })
            .map_err(|error| Failure::start(&error, &args.config))?;
        // The journal is ours by now, so whatever lies at the usual place was left by a process that died.
        let api = match control::bind(&socket) {
            Ok(door) => {
                let (board, orders) = (running.board.clone(), running.orders());
                let api = Api::new(settings.as_ref(), board.clone(), orders.clone(), running.doors.clone());
                let app = control::router(board, orders, api.clone());
                tokio::spawn(api.ringing());
                tokio::spawn(control::serve(door, app.clone(), api.clone()));
                if let Some(over_tcp) = over_tcp {
                    if let Some(address) = over_tcp.address() {
                        tracing::info!(%address, "API for callers with a key");
                    }
                    tokio::spawn(over_tcp.serve(app, api.clone()));
                }
                api
            }
            Err(error) => {
                running.order(Order::Drain);
                running.ended().await;
                let next = format!("ls -l {}   ([control] socket names it)", socket.display());
                return Err(Failure::new(error, true, ("SYS1023-E", next)));
            }
        };
        tracing::info!(socket = %socket.display(), "control socket");
        announce(&running, page.as_ref().and_then(|page| page.local_addr().ok()));
        if let Some(page) = page {
            tokio::spawn(http::serve(page, running.board.clone()));
        }
        let stopped = watch(running, &args.config).await;
        api.settled().await;
        // When somebody took it away before, all the better.
        let _ = std::fs::remove_file(&socket);
        Ok(stopped)
    })
}

fn announce(running: &Running, page: Option<std::net::SocketAddr>) {
    if let Some((status, _)) = running.board.read() {
        let recovered = &status.recovered;
        tracing::info!(
            records = recovered.records,
            took_ms = recovered.took_ms,
            clean = recovered.was_closed,
            was_in_flight = recovered.was_in_flight,
            cut_bytes = recovered.cut_bytes,
            "journal replayed"
        );
        if status.takes_none_because == Some("recovery_needed") {
            tracing::warn!(
                "recovery waits for a person, and every request is declined: sekisho recovery --plan shows what would \
                 be sent, sekisho recovery run sends it and takes requests"
            );
        }
        if !status.durable {
            tracing::warn!("--unsafe-no-sync: nothing is durable");
        }
    }
    for (name, address) in &running.listeners {
        tracing::info!(listener = name, %address, "listening");
    }
    if let Some(address) = page {
        tracing::info!(%address, "status page");
    }
    drop(sd_notify::notify(&[sd_notify::NotifyState::Ready]));
}

/// Passes signals on until the switch has ended.
async fn watch(mut running: Running, config: &Path) -> Stopped {
    let orders = running.orders();
    let signals = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
    let [Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)] = signals else {
        tracing::error!("signals cannot be caught on this system; the switch can only be killed");
        return running.ended().await;
    };
    let mut draining = false;
    let ended = running.ended();
    tokio::pin!(ended);
    loop {
        tokio::select! {
            stopped = &mut ended => return stopped,
            _ = terminate.recv() => draining = stop(&orders, draining),
            _ = interrupt.recv() => draining = stop(&orders, draining),
            _ = hangup.recv() => reload(&orders, config),
        }
    }
}

type Orders = tokio::sync::mpsc::UnboundedSender<Order>;

fn stop(orders: &Orders, draining: bool) -> bool {
    drop(sd_notify::notify(&[sd_notify::NotifyState::Stopping]));
    drop(orders.send(if draining { Order::Stop } else { Order::Drain }));
    true
}

fn reload(orders: &Orders, config: &Path) {
    match plan(config) {
        Ok(plan) => drop(orders.send(Order::Reload(Box::new(plan)))),
        Err(Failure { said, .. }) => {
            tracing::error!("configuration not taken over, the old one stays:\n{said}");
        }
    }
}

fn begin_logging(form: LogForm) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("SEKISHO_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    match form {
        LogForm::Human => lines.with_target(false).with_ansi(colours).init(),
        LogForm::Json => lines.json().init(),
    }
}
