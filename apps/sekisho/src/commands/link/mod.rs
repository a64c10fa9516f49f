//! `sekisho link`: lines to hosts and networks, what state they are in, and what a person may do about it.

pub(crate) mod door;
pub(crate) mod lines;
mod list;
pub(crate) mod order;
mod sessions;
mod show;
mod watch;

use std::process::ExitCode;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// All links: state, connections, business day, last word (reads)
    Ls(list::Args),
    /// One link: session, echoes, last failure, history (reads)
    Show(show::Args),
    /// Applications that are in, by their sessions (reads)
    Sessions(sessions::Args),
    /// Ask to sign on and wait for the answer (changes)
    SignOn(order::Args),
    /// Let what is in flight end, sign off and wait for the answer (changes)
    SignOff(order::SignOffArgs),
    /// Ask whether anybody is there, and time it (changes)
    Echo(order::Args),
    /// Begin nothing new, let what is in flight end (changes)
    Drain(order::Args),
    /// Back to business after drain or maint (changes)
    Ready(order::Args),
    /// Out of service until it is made ready, over restarts too (changes)
    Maint(order::Args),
    /// Changes of state as they happen (reads)
    Watch(watch::Args),
    /// Every connection of one link (reads)
    Lines(lines::Args),
    /// Close one connection of a link; it is built anew (changes)
    Cut(lines::CutArgs),
}

/// Does it. Exit: 0 done or already so, 3 no switch answers, 5 no such link, 6 refused by the peer or as things
/// stand, 7 no answer in time, 8 not known whether it was done, 78 the configuration is wrong.
pub fn run(command: Command) -> ExitCode {
    use journal::LinkOrder;
    let done = match command {
        Command::Ls(args) => list::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Sessions(args) => sessions::run(&args),
        Command::SignOn(args) => order::run(&args, LinkOrder::SignOn),
        Command::SignOff(args) => order::sign_off(&args),
        Command::Echo(args) => order::run(&args, LinkOrder::Echo),
        Command::Drain(args) => order::run(&args, LinkOrder::Drain),
        Command::Ready(args) => order::run(&args, LinkOrder::Ready),
        Command::Maint(args) => order::run(&args, LinkOrder::Maintain),
        Command::Watch(args) => watch::run(&args),
        Command::Lines(args) => lines::run(&args),
        Command::Cut(args) => lines::run_cut(&args),
    };
    done.unwrap_or_else(|failure| {
        eprintln!("{failure}");
        ExitCode::from(failure.exit_code())
    })
}
