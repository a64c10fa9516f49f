//! `sekisho tool`: messages, and what is in them, looked at or made without a switch.

mod choice;
mod decode;
mod encode;
mod frames;
mod hexed;
mod input;
mod kcv;
mod keyblock;
mod luhn;
mod mac;
mod oddity;
mod packet;
mod pinblock;
mod shown;
mod tlv;
mod track2;

use std::process::ExitCode;

/// What to do with a message, or with a part of one.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Show a message element by element; without --dialect, find out what it is
    Decode(decode::Args),
    /// Make a message from JSON and print it as hex
    Encode(encode::Args),
    /// Make a PIN block of a test PIN, or take one apart
    Pinblock(pinblock::Args),
    /// Make a MAC with a test key
    Mac(mac::Args),
    /// Make the check value of a test key
    Kcv(kcv::Args),
    /// Open or make a key block with test keys
    #[command(subcommand)]
    Keyblock(keyblock::Command),
    /// Show BER-TLV objects, as chip data is made of
    Tlv(tlv::Args),
    /// Take track 2 apart
    Track2(track2::Args),
    /// Check the check digit of a card number
    Luhn(luhn::Args),
}

/// Does it. Exit: 0 done, 1 the answer is no, 65 what was given does not fit, 66 no input, 78 a dialect file is
/// wrong.
pub fn run(command: Command) -> ExitCode {
    match command {
        Command::Decode(args) => decode::run(&args),
        Command::Encode(args) => encode::run(&args),
        Command::Pinblock(args) => pinblock::run(&args),
        Command::Mac(args) => mac::run(&args),
        Command::Kcv(args) => kcv::run(&args),
        Command::Keyblock(command) => keyblock::run(&command),
        Command::Tlv(args) => tlv::run(&args),
        Command::Track2(args) => track2::run(&args),
        Command::Luhn(args) => luhn::run(&args),
    }
}
