use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

/// How much a [`Finding`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The file does not load.
    Error,
    /// The file loads and somebody should look.
    Warning,
}

/// One thing that is wrong, or looks wrong, in a dialect file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Whether the file loads in spite of it.
    pub severity: Severity,
    /// The line it is about, from 1; `None` where it is about something the file does not say.
    pub line: Option<usize>,
    /// The data element it is about, where a line would not say so.
    pub de: Option<u8>,
    /// What is wrong, where, and what would be right.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        let kind = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{kind}: {}", self.message)
    }
}

/// Findings as they are made.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    pub(crate) fn error(&mut self, line: impl Into<Option<usize>>, message: impl fmt::Display) {
        self.push(Severity::Error, line.into(), message.to_string());
    }

    /// An error about an element that the file may have inherited, and so has no line for.
    pub(crate) fn error_of(&mut self, de: u8, line: impl Into<Option<usize>>, message: impl fmt::Display) {
        let (severity, line, message) = (Severity::Error, line.into(), message.to_string());
        self.0.push(Finding { severity, line, de: Some(de), message });
    }

    pub(crate) fn warning(&mut self, line: impl Into<Option<usize>>, message: impl fmt::Display) {
        self.push(Severity::Warning, line.into(), message.to_string());
    }

    pub(crate) fn any_error(&self) -> bool {
        self.0.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Everything found, in the order of lines; what has no line comes first.
    pub(crate) fn into_sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| finding.line);
        self.0
    }

    fn push(&mut self, severity: Severity, line: Option<usize>, message: String) {
        self.0.push(Finding { severity, line, de: None, message });
    }
}

/// The candidate that looks most like `word`, where one looks like it at all.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let far = 1 + word.len() / 3;
    candidates
        .into_iter()
        .map(|candidate| (distance(word.as_bytes(), candidate.as_bytes()), candidate))
        .filter(|&(distance, _)| distance <= far)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `; did you mean X?`, where one of the candidates looks like `word`, otherwise nothing: for whoever refuses an
/// unknown word and wants to help.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |near| alloc::format!("; did you mean `{near}`?"))
}

/// Insertions, deletions and exchanges that lead from `a` to `b` (Levenshtein). Words are short: a longer one
/// than 64 bytes is as far from everything as it is long.
fn distance(a: &[u8], b: &[u8]) -> usize {
    if a.len() > 64 || b.len() > 64 {
        return a.len().max(b.len());
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, &from) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &to) in b.iter().enumerate() {
            let exchanged = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_word_and_nonsense_finds_none() {
        let words = ["mandatory", "optional", "forbidden", "echo"];
        assert_eq!(nearest("mandatroy", words), Some("mandatory"));
        assert_eq!(nearest("ecko", words), Some("echo"));
        assert_eq!(nearest("zzzzzz", words), None);
    }
}
