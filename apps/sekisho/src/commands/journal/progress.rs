//! How far a long look at a journal has come, on standard error.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// Nothing is said before this: what is quick needs no progress.
const FIRST_AFTER: Duration = Duration::from_millis(500);
const EACH_ON_TERMINAL: Duration = Duration::from_millis(200);
const EACH_ELSEWHERE: Duration = Duration::from_secs(10);

/// A line that is written again and again at a terminal, and one line now and then elsewhere.
pub(super) struct Progress {
    began: Instant,
    next: Instant,
    total_bytes: u64,
    is_terminal: bool,
    was_shown: bool,
}

impl Progress {
    /// Of about so many bytes.
    pub(super) fn of(total_bytes: u64) -> Self {
        let (began, is_terminal) = (Instant::now(), io::stderr().is_terminal());
        let next = began + if is_terminal { FIRST_AFTER } else { EACH_ELSEWHERE };
        Self { began, next, total_bytes, is_terminal, was_shown: false }
    }

    /// So many bytes and records are behind us.
    pub(super) fn at(&mut self, bytes: u64, records: u64) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        let seconds = now.duration_since(self.began).as_secs_f64();
        let per_second = bytes as f64 / seconds;
        let left = self.total_bytes.saturating_sub(bytes) as f64 / per_second.max(1.0);
        let line = format!(
            "{} of {} MiB, {records} records, {:.0} MiB/s, at most {left:.0} s left; safe to interrupt",
            bytes >> 20,
            self.total_bytes >> 20,
            per_second / f64::from(1 << 20),
        );
        self.show(&line);
        self.next = now + if self.is_terminal { EACH_ON_TERMINAL } else { EACH_ELSEWHERE };
    }

    fn show(&mut self, line: &str) {
        let mut err = io::stderr().lock();
        // Whether anybody sees it changes nothing about the answer.
        let _ = if self.is_terminal { write!(err, "\r\x1b[K{line}") } else { writeln!(err, "{line}") };
        let _ = err.flush();
        self.was_shown = true;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_terminal && self.was_shown {
            eprint!("\r\x1b[K");
        }
    }
}
