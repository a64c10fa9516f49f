//! Which dialect a message is in, when nobody says: all are tried, and the one that explains most is taken.

use super::frames::{NoFrame, Unframed, guesses, unframe};
use super::input::Reading;
use super::oddity::oddities;
use dialects::Dialect;
use iso8583::{Message, Refusal, decode};
use std::cmp::Reverse;
use wire::Framing;

/// One dialect, one framing, one way to understand the input, and what came of it.
pub(super) struct Attempt<'a> {
    pub(super) dialect: &'a Dialect,
    pub(super) reading: &'a Reading,
    /// The message without its frame; `None` where there is no such frame.
    pub(super) unframed: Option<Unframed<'a>>,
    pub(super) end: End<'a>,
    /// What is odd about it, where it decodes.
    pub(super) oddities: Vec<String>,
    /// How many likelier ways there are to understand the input.
    unlikely: usize,
}

/// What came of an attempt.
pub(super) enum End<'a> {
    Whole(Box<Message<'a>>),
    Broken(Box<Refusal<'a>>),
    NoFrame(NoFrame),
}

/// The attempt taken, and why.
pub(super) struct Choice<'a> {
    pub(super) taken: Attempt<'a>,
    pub(super) tried: usize,
    pub(super) why: String,
    /// Dialects that read it as well as the one taken.
    pub(super) also: Vec<&'a str>,
}

/// Tries every dialect on every reading, in the framing asked for or in all usual ones.
pub(super) fn choose<'a>(
    dialects: &'a [Dialect],
    framing: Option<&Framing>,
    readings: &'a [Reading],
) -> Option<Choice<'a>> {
    let mut attempts = Vec::new();
    for (unlikely, reading) in readings.iter().enumerate() {
        for dialect in dialects {
            attempts.extend(
                attempts_at(dialect, framing, reading).map(|attempt| Attempt { unlikely, ..attempt }),
            );
        }
    }
    let tried = attempts.len();
    // The first of equals wins: readings, dialects and framings are tried in the order of their likelihood.
    attempts.sort_by_key(|attempt| Reverse(attempt.merit()));
    let best = attempts.first()?.merit();
    let mut also: Vec<&str> = Vec::new();
    for attempt in attempts.iter().skip(1).take_while(|attempt| attempt.merit() == best) {
        let name = attempt.dialect.name();
        if name != attempts[0].dialect.name() && !also.contains(&name) {
            also.push(name);
        }
    }
    let whole = attempts.iter().filter(|attempt| matches!(attempt.end, End::Whole(_))).count();
    let taken = attempts.swap_remove(0);
    let why = taken.why(whole, dialects.len());
    Some(Choice { taken, tried, why, also })
}

fn attempts_at<'a>(
    dialect: &'a Dialect,
    framing: Option<&Framing>,
    reading: &'a Reading,
) -> impl Iterator<Item = Attempt<'a>> {
    let found = match framing {
        Some(framing) => vec![unframe(framing, &reading.bytes)],
        None => guesses(dialect, &reading.bytes).into_iter().map(Ok).collect(),
    };
    found.into_iter().map(move |unframed| match unframed {
        Ok(unframed) => Attempt::of(dialect, reading, unframed),
        Err(no_frame) => Attempt::without_frame(dialect, reading, no_frame),
    })
}

/// What makes one attempt better than another, the weightiest first: all of it read, few oddities, a message
/// type found, nothing skipped to find it, then how far it got.
type Merit = (bool, Reverse<usize>, bool, Reverse<bool>, Reverse<usize>, usize, Reverse<usize>);

impl<'a> Attempt<'a> {
    fn of(dialect: &'a Dialect, reading: &'a Reading, unframed: Unframed<'a>) -> Self {
        let (end, oddities) = match decode(dialect.spec(), unframed.body) {
            Ok(message) => {
                let odd = oddities(dialect, &message);
                (End::Whole(Box::new(message)), odd)
            }
            Err(refusal) => (End::Broken(refusal), Vec::new()),
        };
        Self { dialect, reading, unframed: Some(unframed), end, oddities, unlikely: 0 }
    }

    fn without_frame(dialect: &'a Dialect, reading: &'a Reading, no_frame: NoFrame) -> Self {
        let end = End::NoFrame(no_frame);
        Self { dialect, reading, unframed: None, end, oddities: Vec::new(), unlikely: 0 }
    }

    /// What was read: all of the message, or what stood before the error.
    pub(super) fn message(&self) -> Option<&Message<'a>> {
        match &self.end {
            End::Whole(message) => Some(message),
            End::Broken(refusal) => Some(&refusal.partial),
            End::NoFrame(_) => None,
        }
    }

    /// Its message type, where that was read.
    pub(super) fn mti(&self) -> Option<[u8; 4]> {
        let mti = self.message().map(Message::mti)?;
        (matches!(self.end, End::Whole(_)) || mti != *b"0000").then_some(mti)
    }

    fn merit(&self) -> Merit {
        let is_whole = matches!(self.end, End::Whole(_));
        let odd = Reverse(self.oddities.len());
        let assumptions = self.unframed.as_ref().map_or(usize::MAX, Unframed::assumptions);
        let skips = self.unframed.as_ref().is_some_and(Unframed::skips);
        // Only a message that is read to its end proves an unlikely reading of the input, or a skipped header.
        let (skips, unlikely) = if is_whole { (false, 0) } else { (skips, self.unlikely) };
        let found_type = self.mti().is_some();
        (
            is_whole,
            odd,
            found_type,
            Reverse(skips),
            Reverse(unlikely),
            self.bytes_read(),
            Reverse(assumptions),
        )
    }

    /// How far it got; nothing counts before the message type.
    fn bytes_read(&self) -> usize {
        match &self.end {
            End::Broken(refusal) if self.mti().is_some() => refusal.error.offset,
            _ => 0,
        }
    }

    fn why(&self, whole: usize, dialects: usize) -> String {
        match &self.end {
            End::Whole(_) if whole == 1 => {
                format!("nothing else of {dialects} dialects and the usual frames reads it wholly")
            }
            End::Whole(_) if self.oddities.is_empty() => {
                format!("it reads all of it and finds nothing odd; {whole} ways read all of it")
            }
            End::Whole(_) => {
                format!("it reads all of it and finds least odd; {whole} ways read all of it")
            }
            End::Broken(refusal) if self.mti().is_some() => format!(
                "none of {dialects} dialects reads all of it; this one got furthest: {} elements, to byte {}",
                refusal.partial.len(),
                refusal.error.offset
            ),
            End::Broken(_) => format!("none of {dialects} dialects finds even a message type in it"),
            End::NoFrame(_) => "there is no such frame".to_string(),
        }
    }
}
