//! What a record means in the life of its transaction, and why it came to that.

use crate::commands::journal::names::Names;
use journal::{
    Credited, Debited, Declined, Duty, Forward, Key, Mark, Observation, Observed, Record, Remembered, Ruling,
    Sent, Seq, Why,
};
use serde::Serialize;
use std::collections::BTreeMap;
use terms::{Code, ForwardId, MessageType, Outcome};

/// One line of a life. Fields are added to it, never changed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Line {
    /// After the first of its records.
    pub(crate) after_ms: u64,
    /// Which record says so.
    pub(crate) seq: u64,
    /// `<-` came in, `->` went out, `*` happened here, `!` wants a person.
    pub(crate) mark: &'static str,
    pub(crate) what: String,
    /// Why; empty where it needs no reason.
    pub(crate) because: String,
    #[serde(skip)]
    pub(crate) at_ms: i64,
}

/// Tells a life record by record; remembers what a later one refers to.
pub(crate) struct Teller<'a> {
    names: &'a Names,
    asker: String,
    host: String,
    asked_ms: i64,
    was_restarted: bool,
    is_transfer: bool,
    is_credit: bool,
    debts: BTreeMap<ForwardId, Debt>,
}

struct Debt {
    to: String,
    duty: Duty,
    since_ms: i64,
    attempts: u32,
    last_ms: i64,
}

const IN: &str = "<-";
const OUT: &str = "->";
const HERE: &str = "*";
const PERSON: &str = "!";

impl<'a> Teller<'a> {
    pub(crate) fn of(names: &'a Names) -> Self {
        let (asker, host) = (String::new(), String::new());
        Self {
            names,
            asker,
            host,
            asked_ms: 0,
            was_restarted: false,
            is_transfer: false,
            is_credit: false,
            debts: BTreeMap::new(),
        }
    }

    /// What this record says.
    pub(crate) fn tell(&mut self, seq: Seq, record: &Record) -> Vec<Line> {
        let at_ms = record.at().as_unix_ms();
        let said = self.said(record, at_ms);
        let line = |(mark, what, because)| Line { after_ms: 0, seq: seq.0, mark, what, because, at_ms };
        said.into_iter().map(line).collect()
    }

    fn said(&mut self, record: &Record, at_ms: i64) -> Vec<(&'static str, String, String)> {
        match record {
            Record::Sent(sent) => self.of_sent(sent, "on disk before its first byte left"),
            Record::Debited(Debited { sent, onward }) => {
                self.is_transfer = true;
                let mut said = self.of_sent(sent, "on disk before its first byte left");
                let to = self.names.link(onward.link);
                let because = format!("\"{}\": the debit goes first, and its credit to {to}", onward.route);
                said.insert(1, (HERE, "a transfer between two hosts".into(), because));
                said
            }
            Record::Credited(credited) => self.of_credited(credited, at_ms),
            Record::Noted { .. } => Vec::new(),
            Record::Stranded(report) => {
                self.asker = self.asker(&report.key);
                let what = format!("{} reported what had happened, STAN {}", self.asker, report.key.stan);
                let because = "no route leads to a host that could be told; accepted all the same".into();
                vec![(IN, what, because)]
            }
            Record::Inquired(sent) => self.of_sent(sent, "it moves no money, so nothing waited for the disk"),
            Record::Declined(declined) => self.of_declined(declined),
            Record::Kept(kept) => {
                self.asker = self.asker(&kept.key);
                let what = format!("{} took back STAN {}", self.asker, kept.key.stan);
                vec![(IN, what, "before the request itself, which is refused when it comes".into())]
            }
            Record::Decided { answer, wire_code, owes, .. } => {
                let took = seconds(at_ms - self.asked_ms);
                let mut said = vec![
                    (IN, format!("{} answered {wire_code} after {took}", self.host), String::new()),
                    self.told(answer),
                ];
                said.extend(owes.map(|forward| {
                    let why = match (answer.outcome, self.is_credit, self.is_transfer) {
                        (Outcome::Approved, ..) => "the source had taken the request back meanwhile",
                        (_, true, _) => "the credit was refused, so the debit is given back",
                        (_, false, true) => "the credit could not be sent, so the debit is given back",
                        (_, false, false) => "another amount was approved than was asked for",
                    };
                    self.owe(&forward, at_ms, why)
                }));
                said
            }
            Record::TimedOut { answer, owes, .. } => self.of_silence(answer, owes.as_ref(), at_ms),
            Record::NotSent { answer, owes, .. } => {
                let because = match answer.code {
                    Code::HostDown => "no connection stood, or it did not fit the host's format".to_owned(),
                    code => format!("what guards it could not be put into it. {}", code.meaning()),
                };
                let mut said =
                    vec![(HERE, "proved: not one byte left us".into(), because), self.told(answer)];
                let why = "the credit never left, so the debit is given back";
                said.extend(owes.map(|forward| self.owe(&forward, at_ms, why)));
                said
            }
            Record::Owed { forward, why, .. } => {
                let why = match why {
                    Why::Asked => "the source took it back after it was decided",
                    Why::Undelivered => "proved: the connection was gone before a byte of the answer left",
                    Why::OtherLeg => "the other half of the transfer failed",
                };
                vec![self.owe(forward, at_ms, why)]
            }
            Record::Marked { mark: Mark::Reverse { .. }, .. } => {
                let because = "acknowledged; undone when the host turns out to have done it".into();
                vec![(IN, format!("{} took it back before the host answered", self.asker), because)]
            }
            Record::Marked { mark: Mark::Confirm, .. } => {
                let because = "acknowledged; posted when the host turns out not to have".into();
                vec![(IN, format!("{} reported it done before the host answered", self.asker), because)]
            }
            Record::Advised { sent, forward } => {
                self.begin(sent);
                let what = format!("{} reported what had happened, STAN {}", self.asker, sent.key.stan);
                let because =
                    "no request came before it; accepted at once, because the cash has moved".into();
                let owed = self.owe(forward, at_ms, "its host has not heard of it");
                vec![(IN, what, because), owed]
            }
            Record::Attempt { forward, number, host_stan, .. } => {
                vec![self.attempt(*forward, *number, host_stan, at_ms)]
            }
            Record::Forwarded { forward, wire_code, owes, .. } => {
                let mut said = vec![self.paid(*forward, wire_code, at_ms)];
                let why = match self.is_transfer {
                    true => "the credit is undone, so now the debit is given back",
                    false => "it was taken back while it was being posted, so now it is undone",
                };
                said.extend(owes.map(|forward| self.owe(&forward, at_ms, why)));
                said
            }
            Record::Withdrawn { forward, owes, .. } => {
                let because = "it was taken back, and not a byte of this had left".to_owned();
                let mut said = vec![(HERE, format!("saf/{forward} withdrawn, never sent"), because)];
                let why = "the host may have the request, so it is told to undo it";
                said.extend(owes.map(|forward| self.owe(&forward, at_ms, why)));
                said
            }
            Record::Exception { forward, reason, .. } => {
                let about = forward.map_or_else(String::new, |id| format!("saf/{id} is not sent any more, "));
                vec![(PERSON, format!("{about}a person has to settle it"), reason.to_string())]
            }
            Record::Ruled { forward, ruling, by, reason, .. } => {
                let done = match ruling {
                    Ruling::Hold => "held",
                    Ruling::Release => "released",
                    Ruling::Retry => "sent at once",
                    Ruling::Settle => "settled by hand, never sent again",
                };
                let by = if by.is_empty() { "a person" } else { by.as_str() };
                vec![(HERE, format!("saf/{forward} {done} by {by}"), reason.as_str().to_string())]
            }
            Record::Observed(observed) => vec![self.of_observed(observed)],
            Record::Opened { version, .. } => {
                self.was_restarted = true;
                vec![(HERE, format!("the switch was started again, version {version}"), String::new())]
            }
            Record::Resolved { after, .. } => vec![(HERE, after.name().into(), String::new())],
            Record::Closed { .. }
            | Record::Named { .. }
            | Record::HostDate { .. }
            | Record::Cutover { .. }
            | Record::LinkOrdered { .. }
            | Record::Ticketed { .. }
            | Record::Day(_)
            | Record::Numbers { .. }
            | Record::Remembers { .. } => Vec::new(),
        }
    }

    /// The debit's answer and the credit's going, which are one record.
    fn of_credited(&mut self, credited: &Credited, at_ms: i64) -> Vec<(&'static str, String, String)> {
        let took = seconds(at_ms - self.asked_ms);
        let debit = format!("{} answered the debit {} after {took}", self.host, credited.wire_code);
        (self.host, self.is_credit, self.asked_ms) = (self.names.link(credited.link), true, at_ms);
        let went = format!("{} x200 STAN {}, the credit", self.host, credited.host_stan);
        let because = "the debit is approved; on disk before its first byte left".into();
        vec![(IN, debit, String::new()), (OUT, went, because)]
    }

    fn begin(&mut self, sent: &Sent) {
        self.asker = self.asker(&sent.key);
        self.host = self.names.link(sent.link);
        self.asked_ms = sent.at.as_unix_ms();
    }

    fn of_sent(&mut self, sent: &Sent, durable: &str) -> Vec<(&'static str, String, String)> {
        self.begin(sent);
        let rrn = sent.rrn.to_string();
        let rrn = if rrn.trim().is_empty() { String::new() } else { format!(" RRN {}", rrn.trim()) };
        let (asker, host) = (&self.asker, &self.host);
        let asked = format!("{asker} {} STAN {}{rrn}", digits(sent.message), sent.key.stan);
        let went = format!("{host} {} STAN {}", digits(sent.message), sent.host_stan);
        let because = format!("route \"{}\" decided, {durable}", sent.route);
        vec![(IN, asked, String::new()), (OUT, went, because)]
    }

    fn of_declined(&mut self, declined: &Declined) -> Vec<(&'static str, String, String)> {
        self.asker = self.asker(&declined.key);
        let asked = format!("{} {} STAN {}", self.asker, digits(declined.message), declined.key.stan);
        let reason = declined.reason.to_string();
        let more = why_declined(&reason).map_or_else(String::new, |more| format!(". {more}"));
        let (mark, told, _) = self.told(&declined.answer);
        vec![
            (IN, asked, String::new()),
            (mark, told, format!("declined here, no host heard of it: {reason}{more}")),
        ]
    }

    fn of_silence(
        &mut self,
        answer: &Remembered,
        owes: Option<&Forward>,
        at_ms: i64,
    ) -> Vec<(&'static str, String, String)> {
        let took = seconds(at_ms - self.asked_ms);
        let why = match (self.was_restarted, answer.code) {
            (true, _) => "the switch was not running when the answer may have come",
            (false, Code::NoAnswer) => "the reply time-out of the link was over",
            (false, _) => "the host answered that it does not know",
        };
        let what = format!("no answer came in {took}: what became of it is unknown");
        let mut said = vec![(HERE, what, why.into()), self.told(answer)];
        said.extend(owes.map(|forward| {
            let why = match (forward.duty, self.is_credit) {
                (Duty::Advice, true) => {
                    format!("no answer came in {took}: the debit stands, so it must be credited")
                }
                _ => format!("no answer came in {took}, and the host may have done it"),
            };
            self.owe(forward, at_ms, &why)
        }));
        said
    }

    fn owe(&mut self, forward: &Forward, at_ms: i64, why: &str) -> (&'static str, String, String) {
        let to = self.names.link(forward.link);
        let debt = Debt { to, duty: forward.duty, since_ms: at_ms, attempts: 0, last_ms: at_ms };
        self.debts.insert(forward.id, debt);
        let part = match forward.remaining.minor_units() {
            0 => String::new(),
            rest => format!(", of which {rest} remains valid"),
        };
        let what = format!(
            "owed to {}: a {}, saf/{}{part}",
            self.names.link(forward.link),
            forward.duty.name(),
            forward.id
        );
        (HERE, what, why.into())
    }

    fn attempt(
        &mut self,
        id: ForwardId,
        number: u32,
        host_stan: &terms::Stan,
        at_ms: i64,
    ) -> (&'static str, String, String) {
        let Some(debt) = self.debts.get_mut(&id) else {
            return (OUT, format!("saf/{id}, attempt {number}, STAN {host_stan}"), String::new());
        };
        let because = match debt.attempts {
            0 => "on disk before its first byte left".into(),
            _ => format!("not accepted in {} since the last", seconds(at_ms - debt.last_ms)),
        };
        (debt.attempts, debt.last_ms) = (number, at_ms);
        let (to, duty) = (&debt.to, debt.duty.name());
        let what = format!("{to} {duty} saf/{id}, attempt {number}, STAN {host_stan}");
        (OUT, what, because)
    }

    fn paid(
        &mut self,
        id: ForwardId,
        wire_code: &terms::Text<4>,
        at_ms: i64,
    ) -> (&'static str, String, String) {
        let host = self.debts.get(&id).map_or(&self.host, |debt| &debt.to);
        let what = format!("{host} accepted saf/{id} with {wire_code}");
        let because = self.debts.get(&id).map_or_else(String::new, |debt| {
            format!(
                "paid by attempt {}, {} after it came to be owed",
                debt.attempts,
                seconds(at_ms - debt.since_ms)
            )
        });
        (IN, what, because)
    }

    fn of_observed(&self, observed: &Observed) -> (&'static str, String, String) {
        let (host, code) = (&self.host, observed.wire_code);
        let (what, because) = match observed.kind {
            Observation::Late => {
                (format!("{host} answered {code}, LATE"), "the decision stands; what is owed puts it right")
            }
            Observation::Repeated => (format!("{host} answered {code} again"), "it had answered before"),
            Observation::Stranger => (format!("{host} sent {code}"), "it answers nothing that was asked"),
            Observation::Garbled => (format!("{host} sent what cannot be read"), ""),
            Observation::AskedAgain => (
                format!("{} asked again, and was told the same", self.asker),
                "the same request twice is one request",
            ),
        };
        (IN, what, because.into())
    }

    fn told(&self, answer: &Remembered) -> (&'static str, String, String) {
        let approval = answer.approval_code.to_string();
        let approval = if approval.trim().is_empty() {
            String::new()
        } else {
            format!(", approval {}", approval.trim())
        };
        let (code, outcome) = (answer.code.name(), answer.outcome.name());
        let outcome = if code == outcome { String::new() } else { format!(" ({outcome})") };
        let what = format!("{} is told {code}{outcome}{approval}", self.asker);
        let because = match answer.outcome {
            Outcome::Approved | Outcome::Refused => "",
            Outcome::Unknown => "it must not take this for yes or for no",
            Outcome::NotSent => "nothing was posted",
        };
        (OUT, what, because.into())
    }

    fn asker(&self, key: &Key) -> String {
        format!("{}/{}", self.names.source(key.source), key.terminal_id.to_string().trim())
    }
}

/// What stands behind the few words of a refusal, where they leave a question.
#[rustfmt::skip]
fn why_declined(reason: &str) -> Option<&'static str> {
    Some(match reason {
        // reason                        what it means, and where it is set
        "too much under way"          => "lane.in_flight_max is near; the least important are declined first",
        "terminal has one under way"  => "listener.per_terminal_max; it asked again before it had an answer",
        "no route"                    => "no [[route]] and no default_link fits: see `sekisho explain route`",
        "host down"                   => "the link had no connection",
        "receiving host down"         => "the transfer's credit could not have gone: nothing was debited",
        "receiving host limit"        => "the transfer's credit could not have gone: nothing was debited",
        "receiving breaker open"      => "the transfer's credit could not have gone: nothing was debited",
        "receiving host recovers"     => "that host hears first of what it is owed: nothing was debited",
        "host in-flight limit"        => "link.in_flight_max requests were unanswered there",
        "circuit breaker open"        => "the host had stopped answering: link.breaker",
        "no way to consistency"       => "listener.consistency is not set, so its terminals get no cash services",
        "no free trace number"        => "all trace numbers of the link are in use",
        "same identity, other content" => "another request had the same terminal, STAN and time",
        _ => return None,
    })
}

fn seconds(ms: i64) -> String {
    let ms = ms.max(0);
    match ms {
        0..=999 => format!("{ms} ms"),
        _ => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
    }
}

fn digits(message: MessageType) -> String {
    let [class, function, origin] = message.digits();
    format!("x{class}{function}{origin}")
}
