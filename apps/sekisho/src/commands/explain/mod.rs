//! `sekisho explain`: what a code, a message type, a field or a route means, in words. Opens nothing.

mod catalogue;
mod code;
mod coded;
mod field;
mod mti;
mod route;

use std::process::ExitCode;

/// What to explain.
#[derive(Debug, clap::Subcommand)]
#[command(
    after_help = "A code that a command or the client API has said is explained as it stands: sekisho explain \
                        LNK2104\nExit: 0 explained · 1 there is no route · 5 no such thing"
)]
pub enum Command {
    /// A response code: its meaning, what it says about the money, what the switch does
    Rc(code::Args),
    /// A message type: what its digits say
    Mti(mti::Args),
    /// A data element: its name, its format, what the switch knows it as
    Field(field::Args),
    /// Which route a card takes: every line considered, and why it was not chosen
    Route(route::Args),
    /// A code that a command or the client API has said, such as LNK2104: what it means, and what to do
    #[command(external_subcommand)]
    Code(Vec<String>),
}

/// Does it. Exit: 0 explained, 1 there is no route, 2 no message type, 5 no such code or field, 66 no such
/// dialect, 78 the configuration is wrong.
pub fn run(command: Command) -> ExitCode {
    match command {
        Command::Rc(args) => code::run(&args),
        Command::Mti(args) => mti::run(&args),
        Command::Field(args) => field::run(&args),
        Command::Route(args) => route::run(&args),
        Command::Code(words) => coded::run(&words),
    }
}
