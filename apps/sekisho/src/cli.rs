//! The command line: one definition, from which the parser, `--help` and completions follow.

use crate::commands;
use crate::fx;
use crate::sim;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Payment transaction switch for ISO 8583.
#[derive(Debug, Parser)]
#[command(name = "sekisho", version, about, long_about = None, after_help = AFTER_HELP)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "Exit: 0 done · 1 the answer is no · 2 usage · 3 no switch answers · 4 not allowed · 5 no such thing · \
                          6 refused · 7 timed out · 8 not known · 65 not decodable · 66 no input · 73 cannot create · \
                          78 configuration\nStart with: sekisho demo";

/// Every command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a switch with simulated ATMs and hosts in one process
    Demo(sim::demo::Args),
    /// Run the switch in the foreground
    Run(commands::run::Args),
    /// Check a configuration
    #[command(subcommand)]
    Config(commands::config::Command),
    /// A running switch on half a screen
    Status(commands::status::Args),
    /// Stop a running switch, in order or by force
    Stop(commands::stop::Args),
    /// Examine this machine, the configuration and every link; say what to mend
    Doctor(commands::doctor::Args),
    /// Ask one question about health; answers for people and for monitoring
    Check(commands::check::Args),
    /// Lines to hosts and networks: list, show, sign on and off, echo, drain, maintenance
    #[command(subcommand)]
    Link(commands::link::Command),
    /// Business day of each host: see it, ask for the next
    #[command(subcommand)]
    Cutover(commands::cutover::Command),
    /// Callers of the client API: make, list and remove their keys
    #[command(subcommand)]
    Api(commands::api::Command),
    /// Security modules: list, status, test
    #[command(subcommand)]
    Hsm(commands::hsm::Command),
    /// Wait until something is in a state
    #[command(subcommand)]
    Wait(commands::wait::Command),
    /// Messages owed to hosts: list, show, hold, release, retry, settle
    #[command(subcommand)]
    Saf(commands::saf::Command),
    /// Transactions: list, tail, find, show one from first byte to last
    #[command(subcommand)]
    Txn(commands::txn::Command),
    /// Totals of each day with each host, counted from the journal
    #[command(subcommand)]
    Recon(commands::recon::Command),
    /// Recovery after an unclean stop: how it stands, what it will send, the order to begin
    Recovery(commands::recovery::Args),
    /// Keys by reference and check value: list, generate, import, export, activate, roll back, suspend, destroy
    #[command(subcommand)]
    Key(commands::key::Command),
    /// Make a key of components that two people enter, each alone
    #[command(subcommand)]
    Ceremony(commands::ceremony::Command),
    /// Who did what to which key, and the proof that nobody bent it
    #[command(subcommand)]
    Audit(commands::audit::Command),
    /// Say in words what a code, a message type, a field or a route means
    #[command(subcommand)]
    Explain(commands::explain::Command),
    /// Look at the journal: verify, list, show
    #[command(subcommand)]
    Journal(commands::journal::Command),
    /// Message formats: list, show, check, import
    #[command(subcommand)]
    Dialect(commands::dialect::Command),
    /// Decode and encode messages
    #[command(subcommand)]
    Tool(commands::tool::Command),
    /// Simulated terminals and hosts
    #[command(subcommand)]
    Sim(sim::Command),
    /// Put load on a switch and measure it
    Load(sim::load::Args),
    /// Measure this switch on this machine, beside a bare relay
    Bench(sim::bench::Args),
    /// Names of an older product: fxmsg_cn signon and its family, and links to be called by them
    Fx(fx::Args),
}

impl Command {
    /// Whether keys or cards of living people are in its memory.
    const fn holds_secrets(&self) -> bool {
        matches!(
            self,
            Self::Run(_) | Self::Demo(_) | Self::Key(_) | Self::Ceremony(_) | Self::Journal(_) | Self::Txn(_)
        )
    }

    /// Does it.
    pub fn run(self) -> ExitCode {
        if self.holds_secrets() {
            match keystore::keep_memory_to_ourselves() {
                keystore::Locking::Locked => {}
                // Said where it lasts: a command that ends at once is not swapped out.
                keystore::Locking::NotAllowed if matches!(self, Self::Run(_)) => eprintln!(
                    "memory is not locked: it may be swapped out (systemd: LimitMEMLOCK=infinity). No core file is \
                     written"
                ),
                keystore::Locking::NotAllowed => {}
            }
        }
        match self {
            Self::Demo(args) => sim::demo::run(args),
            Self::Run(args) => commands::run::run(args),
            Self::Config(command) => commands::config::run(command),
            Self::Status(args) => commands::status::run(&args),
            Self::Stop(args) => commands::stop::run(&args),
            Self::Doctor(args) => commands::doctor::run(&args),
            Self::Check(args) => commands::check::run(&args),
            Self::Link(command) => commands::link::run(command),
            Self::Cutover(command) => commands::cutover::run(command),
            Self::Api(command) => commands::api::run(command),
            Self::Hsm(command) => commands::hsm::run(command),
            Self::Wait(command) => commands::wait::run(command),
            Self::Saf(command) => commands::saf::run(command),
            Self::Txn(command) => commands::txn::run(command),
            Self::Recon(command) => commands::recon::run(command),
            Self::Recovery(args) => commands::recovery::run(&args),
            Self::Key(command) => commands::key::run(command),
            Self::Ceremony(command) => commands::ceremony::run(command),
            Self::Audit(command) => commands::audit::run(command),
            Self::Explain(command) => commands::explain::run(command),
            Self::Journal(command) => commands::journal::run(command),
            Self::Dialect(command) => commands::dialect::run(command),
            Self::Tool(command) => commands::tool::run(command),
            Self::Sim(command) => sim::run(command),
            Self::Load(args) => sim::load::run(args),
            Self::Bench(args) => sim::bench::run(args),
            Self::Fx(args) => fx::run(args),
        }
    }
}
