//! The real program, a host that does what it is told, a client, and a place to put data: what the stories of
//! these tests are played with. Everything waits for events, each wait has an end, and every process dies with
//! the test that started it.
#![allow(dead_code, unused_imports, reason = "each story uses what it needs")]

mod client;
mod host;
mod journal;
mod luck;
mod money;
mod process;
mod question;
mod setup;

pub(crate) use client::Client;
pub(crate) use host::{Act, Host, Seen};
pub(crate) use journal::{Told, read_journal};
pub(crate) use luck::Luck;
pub(crate) use money::{LedgerHost, compare_books};
pub(crate) use process::{Daemon, can_trace, send_signal};
pub(crate) use question::{Speech, Terminal};
pub(crate) use setup::{LinkSetup, Scratch, Setup, free_address};

use std::time::{Duration, Instant};

/// Longest wait for something that must happen. Generous: it is only ever waited out by a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Asks again and again until there is an answer; panics with what was waited for when there is none.
pub(crate) fn wait_for<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited {} s for {what}", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(10));
    }
}
