//! `sekisho tool`: one message, looked at or made, without a switch.

mod choice;
mod decode;
mod encode;
mod frames;
mod input;
mod oddity;
mod packet;
mod shown;

use std::process::ExitCode;

/// What to do with a message.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show a message element by element; without --dialect, find out what it is
    Decode(decode::Args),
    /// Make a message from JSON and print it as hex
    Encode(encode::Args),
}

/// Does it. Exit: 0 done, 65 the message does not fit its dialect, 66 no input, 78 a dialect file is wrong.
pub fn run(command: Command) -> ExitCode {
    match command {
        Command::Decode(args) => decode::run(&args),
        Command::Encode(args) => encode::run(&args),
    }
}
