//! One record as names and values: the same for people and for programs.

use super::names::Names;
use journal::{
    Account, Card, Credited, Debited, DecidedBy, Declined, Forward, Kept, Key, Mark, Named, Observed, Record,
    Remembered, Sent, Seq, Vault,
};
use serde::{Serialize, Serializer};
use std::fmt;
use terms::{MessageType, TxnId};

/// A record that was read, where it stands, and how its secrets may be shown.
pub(crate) struct Read {
    pub(crate) segment: u32,
    pub(crate) offset: u64,
    pub(crate) seq: Seq,
    pub(crate) bytes: u32,
    pub(crate) record: Record,
}

/// Names and values in the order they are shown. As JSON, an object. Names are added to it, never changed.
pub(crate) struct Facts(pub(crate) Vec<(&'static str, Fact)>);

/// One value.
pub(crate) enum Fact {
    Text(String),
    Number(u64),
    Flag(bool),
    Nothing,
}

impl Read {
    /// All there is to say.
    pub(crate) fn facts(&self, names: &Names, vault: Option<&Vault>) -> Facts {
        let mut facts = Facts(Vec::with_capacity(32));
        facts.number("seq", self.seq.0);
        facts.text("kind", self.record.name());
        let at = self.record.at();
        facts.add("at", if at.as_unix_ms() == 0 { Fact::Nothing } else { Fact::Text(at.to_string()) });
        facts.add("txn", self.record.id().map_or(Fact::Nothing, |id| Fact::Number(id.0)));
        facts.number("segment", self.segment.into());
        facts.number("offset", self.offset);
        facts.number("bytes", self.bytes.into());
        facts.of_record(&self.record, names, vault);
        facts
    }
}

impl Facts {
    fn of_record(&mut self, record: &Record, names: &Names, vault: Option<&Vault>) {
        match record {
            Record::Opened { version, synced, .. } => {
                self.text("version", version);
                self.add("synced", Fact::Flag(*synced));
            }
            Record::Closed { .. } => {}
            Record::Sent(sent) | Record::Inquired(sent) => self.of_sent(sent, names, vault),
            Record::Debited(Debited { sent, onward }) => {
                self.of_sent(sent, names, vault);
                self.text("credit_link", names.link(onward.link));
                self.some("credit_route", onward.route);
            }
            Record::Credited(credited) => self.of_credited(credited, names),
            Record::Decided { answer, wire_code, owes, .. } => {
                self.of_answer(answer);
                self.some("wire_code", wire_code);
                self.of_debt(owes.as_ref(), names);
            }
            Record::TimedOut { answer, owes, .. } => {
                self.of_answer(answer);
                self.of_debt(owes.as_ref(), names);
            }
            Record::Owed { forward, why, .. } => {
                self.text("why", why.name());
                self.of_debt(Some(forward), names);
            }
            Record::Marked { mark, .. } => match mark {
                Mark::Confirm => self.text("mark", "confirm"),
                Mark::Reverse { remaining } => {
                    self.text("mark", "reverse");
                    self.number("remaining", remaining.minor_units());
                }
            },
            Record::Advised { sent, forward } => {
                self.of_sent(sent, names, vault);
                self.of_debt(Some(forward), names);
            }
            Record::Attempt { forward, number, host_stan, .. } => {
                self.number("forward", forward.0);
                self.number("attempt", (*number).into());
                self.text("host_stan", host_stan);
            }
            Record::Forwarded { forward, wire_code, owes, .. } => {
                self.number(if owes.is_some() { "paid_forward" } else { "forward" }, forward.0);
                self.some("wire_code", wire_code);
                if owes.is_some() {
                    self.of_debt(owes.as_ref(), names);
                }
            }
            Record::Withdrawn { forward, owes, .. } => {
                self.number(if owes.is_some() { "withdrawn_forward" } else { "forward" }, forward.0);
                if owes.is_some() {
                    self.of_debt(owes.as_ref(), names);
                }
            }
            Record::Exception { forward, reason, .. } => {
                self.some("forward", forward.map(|forward| forward.to_string()).unwrap_or_default());
                self.text("reason", reason);
            }
            Record::Ruled { forward, ruling, by, reason, .. } => {
                self.number("forward", forward.0);
                self.text("ruling", ruling.name());
                self.some("by", by.as_str());
                self.some("reason", reason.as_str());
            }
            Record::HostDate { link, date, .. } => {
                self.text("link", names.link(*link));
                self.text("date", date);
            }
            Record::Cutover { link, stage, date, .. } => {
                self.text("link", names.link(*link));
                self.text("stage", stage.name());
                self.text("date", date);
            }
            Record::LinkOrdered { link, order, by, .. } => {
                self.text("link", names.link(*link));
                self.text("order", order.name());
                self.some("by", by.as_str());
            }
            Record::Ticketed { ticket, .. } => {
                self.text("name", format_args!("{:032x}", ticket.name));
                self.text("contents", format_args!("{:016x}", ticket.contents));
                self.text("caller", format_args!("{:016x}", ticket.caller));
            }
            Record::Day(day) => self.of_day(day, names),
            Record::Resolved { after, .. } => self.text("after", after.name()),
            Record::Noted { matter, .. } => self.text("matter", matter.name()),
            Record::Remembers { most } => self.text("most", most),
            Record::NotSent { answer, owes, .. } => {
                self.of_answer(answer);
                if owes.is_some() {
                    self.of_debt(owes.as_ref(), names);
                }
            }
            Record::Declined(declined) | Record::Stranded(declined) => {
                self.of_declined(declined, names, vault)
            }
            Record::Observed(observed) => self.of_observed(observed, names),
            Record::Named { what, number, name } => {
                self.text("what", if *what == Named::Link { "link" } else { "source" });
                self.number("number", (*number).into());
                self.text("name", name);
            }
            Record::Kept(kept) => self.of_kept(kept, names),
            Record::Numbers { next_id: TxnId(next), next_forward, link, last_stan } => {
                self.number("next_txn", *next);
                self.number("next_forward", next_forward.0);
                self.some("link", link.map(|link| names.link(link)).unwrap_or_default());
                self.text("last_stan", last_stan);
            }
        }
    }

    fn of_sent(&mut self, sent: &Sent, names: &Names, vault: Option<&Vault>) {
        self.of_key(&sent.key, names);
        self.text("message", digits(sent.message));
        self.text("wanted", sent.kind.name());
        self.some("processing_code", sent.processing_code);
        self.some("pan", card(&sent.pan, vault));
        self.number("amount", sent.amount.minor_units());
        self.text("currency", sent.currency);
        self.some("rrn", sent.rrn);
        self.some("acquirer_id", sent.acquirer_id);
        self.some("transmitted_at", sent.transmitted_at);
        self.text("link", names.link(sent.link));
        self.text("host_stan", sent.host_stan);
        self.some("host_rrn", sent.host_rrn);
        self.some("host_transmitted_at", sent.host_transmitted_at);
        self.text("business_date", sent.business_date);
        if let Some(own) = sent.own_date {
            self.text("own_date", own);
        }
        self.some("route", sent.route);
        if !sent.to_account.is_none() {
            self.text("to_account", account(&sent.to_account, vault));
        }
    }

    fn of_credited(&mut self, credited: &Credited, names: &Names) {
        self.some("wire_code", credited.wire_code);
        self.some("approval_code", credited.approval_code);
        self.text("link", names.link(credited.link));
        self.text("host_stan", credited.host_stan);
        self.some("host_transmitted_at", credited.host_transmitted_at);
        self.text("business_date", credited.business_date);
    }

    /// What a host came to be owed; nothing where it came to nothing.
    fn of_debt(&mut self, forward: Option<&Forward>, names: &Names) {
        self.some("owes", forward.map_or("", |forward| forward.duty.name()));
        let Some(forward) = forward else { return };
        self.number("forward", forward.id.0);
        self.text("to", names.link(forward.link));
        self.text("forward_stan", forward.host_stan);
        self.number("remaining", forward.remaining.minor_units());
        self.text("forward_date", forward.business_date);
    }

    fn of_declined(&mut self, declined: &Declined, names: &Names, vault: Option<&Vault>) {
        self.of_key(&declined.key, names);
        self.add("takes_key", Fact::Flag(declined.takes_key));
        self.text("message", digits(declined.message));
        self.text("wanted", declined.kind.name());
        self.some("pan", card(&declined.pan, vault));
        self.number("amount", declined.amount.minor_units());
        self.text("currency", declined.currency);
        self.of_answer(&declined.answer);
        self.some("reason", declined.reason);
    }

    fn of_observed(&mut self, observed: &Observed, names: &Names) {
        self.text("observation", observed.kind.name());
        self.text("link", names.link(observed.link));
        self.text("host_stan", observed.host_stan);
        self.some("wire_code", observed.wire_code);
    }

    fn of_kept(&mut self, kept: &Kept, names: &Names) {
        self.of_key(&kept.key, names);
        self.text("wanted", kept.kind.name());
        self.some("transmitted_at", kept.transmitted_at);
        self.of_answer(&kept.answer);
        self.text("decided_by", decided_by(kept.by));
    }

    fn of_key(&mut self, key: &Key, names: &Names) {
        self.text("source", names.source(key.source));
        self.some("terminal_id", key.terminal_id);
        self.text("stan", key.stan);
        let local = key.local_time.map(|local| {
            let (hour, minute, second) = local.hms();
            format!("{}T{hour:02}:{minute:02}:{second:02}", local.date)
        });
        self.some("local_time", local.unwrap_or_default());
    }

    fn of_answer(&mut self, answer: &Remembered) {
        self.text("outcome", answer.outcome.name());
        self.text("code", answer.code.name());
        self.some("approval_code", answer.approval_code);
        self.some("answer_rrn", answer.rrn);
        self.some("settlement_date", answer.settlement_date.map(|date| date.to_string()).unwrap_or_default());
    }

    pub(super) fn text(&mut self, name: &'static str, value: impl fmt::Display) {
        self.add(name, Fact::Text(value.to_string()));
    }

    /// A text, or nothing where it is empty.
    pub(super) fn some(&mut self, name: &'static str, value: impl fmt::Display) {
        let text = value.to_string();
        self.add(name, if text.trim().is_empty() { Fact::Nothing } else { Fact::Text(text) });
    }

    pub(super) fn number(&mut self, name: &'static str, value: u64) {
        self.add(name, Fact::Number(value));
    }

    pub(crate) fn add(&mut self, name: &'static str, fact: Fact) {
        self.0.push((name, fact));
    }
}

/// A card as people may see it: its ends; `sealed` where nobody could open it; empty where there is none.
pub(crate) fn card(card: &Card, vault: Option<&Vault>) -> String {
    match (card, vault.map(|vault| card.open(vault))) {
        (Card::None, _) => String::new(),
        (_, Some(Ok(pan))) => pan.masked().to_string(),
        (_, None | Some(Err(_))) => "sealed".into(),
    }
}

/// An account as people may see it: its last four characters, because it may be a card number.
pub(crate) fn account(account: &Account, vault: Option<&Vault>) -> String {
    match (account, vault.map(|vault| account.open(vault))) {
        (Account::None, _) => String::new(),
        (_, Some(Ok(digits))) => {
            let shown = digits.to_string();
            let hidden = shown.chars().count().saturating_sub(4);
            shown.chars().enumerate().map(|(at, one)| if at < hidden { '*' } else { one }).collect()
        }
        (_, None | Some(Err(_))) => "sealed".into(),
    }
}

const fn decided_by(by: DecidedBy) -> &'static str {
    match by {
        DecidedBy::Host => "host",
        DecidedBy::Silence => "silence",
        DecidedBy::Unsent => "unsent",
        DecidedBy::Us => "us",
        DecidedBy::Tombstone => "tombstone",
        DecidedBy::Source => "source",
    }
}

/// A message type without its version, as `x200`.
fn digits(message: MessageType) -> String {
    let [class, function, origin] = message.digits();
    format!("x{class}{function}{origin}")
}

impl Serialize for Facts {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().map(|(name, fact)| (name, fact)))
    }
}

impl Serialize for Fact {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => to.serialize_str(text),
            Self::Number(number) => to.serialize_u64(*number),
            Self::Flag(flag) => to.serialize_bool(*flag),
            Self::Nothing => to.serialize_none(),
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Number(number) => number.fmt(f),
            Self::Flag(flag) => f.write_str(if *flag { "yes" } else { "no" }),
            Self::Nothing => f.write_str("-"),
        }
    }
}
