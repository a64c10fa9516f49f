//! Measures what PROMISES.md promises: `cargo run --release -p bench -- codec`.

mod codec;
mod counting;
mod dialect;
mod hsm;
mod journal;
mod lane;
mod recovery;
mod relay;

use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args().nth(1).as_deref() {
        Some("codec") => codec::run(),
        Some("dialect") => dialect::run(),
        Some("hsm") => hsm::run(),
        Some("journal") => journal::run(),
        Some("lane") => lane::run(),
        Some("replay") => journal::replay(),
        Some("recovery") => recovery::run(),
        Some("relay") => return relay::run(),
        other => {
            eprintln!(
                "what to measure? known: codec, dialect, hsm, journal, lane, replay, recovery, relay{}",
                other.map_or(String::new(), |name| format!("; not {name}"))
            );
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
