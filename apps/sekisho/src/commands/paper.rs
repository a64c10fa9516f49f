//! Standard output for answers: whole lines, and silence once nobody reads on.

use std::fmt;
use std::io::{self, BufWriter, StdoutLock, Write};

/// Where an answer is written. When the reader has gone (`| head`), the rest is dropped without a word.
pub(crate) struct Paper {
    out: BufWriter<StdoutLock<'static>>,
    is_closed: bool,
}

impl Paper {
    /// Standard output.
    pub(crate) fn new() -> Self {
        Self { out: BufWriter::with_capacity(64 * 1_024, io::stdout().lock()), is_closed: false }
    }

    /// Writes one line, or several.
    pub(crate) fn line(&mut self, line: impl fmt::Display) {
        self.attempt(|out| writeln!(out, "{line}"));
    }

    /// Writes without ending the line.
    pub(crate) fn text(&mut self, text: impl fmt::Display) {
        self.attempt(|out| write!(out, "{text}"));
    }

    /// Writes JSON: in lines for a person at a terminal, in one line for a program.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) {
        let is_terminal = io::IsTerminal::is_terminal(&io::stdout());
        let text =
            if is_terminal { serde_json::to_string_pretty(value) } else { serde_json::to_string(value) };
        self.line(text.expect("what we print has texts as keys and no numbers JSON lacks"));
    }

    /// Lets whoever reads see all of it now.
    pub(crate) fn flush(&mut self) {
        self.attempt(Write::flush);
    }

    /// Whether nobody reads any more: a long answer may stop here.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    fn attempt(&mut self, write: impl FnOnce(&mut BufWriter<StdoutLock<'static>>) -> io::Result<()>) {
        if !self.is_closed {
            self.is_closed = write(&mut self.out).is_err();
        }
    }
}

impl Drop for Paper {
    fn drop(&mut self) {
        self.attempt(Write::flush);
    }
}
