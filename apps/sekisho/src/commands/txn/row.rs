//! One transaction in one row: what was asked, and how it stands.

use crate::commands::journal::facts::card;
use crate::commands::journal::names::Names;
use crate::commands::journal::summary::money;
use journal::{Card, Debited, Duty, Forward, Key, Record, Remembered, Ruling, Sent, Vault};
use serde::Serialize;
use terms::{Amount, Currency, Timestamp, TxnId};

/// `--json` of a transaction in a list. Fields are added to it, never changed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) object: &'static str,
    /// Its number.
    pub(crate) txn: u64,
    /// When it was asked, UTC.
    pub(crate) at: String,
    /// What was wanted.
    pub(crate) kind: &'static str,
    /// In minor units.
    pub(crate) amount: u64,
    /// ISO 4217, three digits.
    pub(crate) currency: String,
    /// Masked.
    pub(crate) pan: String,
    pub(crate) source: String,
    pub(crate) terminal_id: String,
    pub(crate) stan: String,
    pub(crate) rrn: String,
    /// Where it went; `null` where no host heard of it.
    pub(crate) link: Option<String>,
    pub(crate) host_stan: Option<String>,
    /// In a transfer between two hosts: where its credit goes, and our trace number there once it was sent.
    pub(crate) credit_link: Option<String>,
    pub(crate) credit_stan: Option<String>,
    pub(crate) route: Option<String>,
    pub(crate) business_date: Option<String>,
    /// `open` until it is decided.
    pub(crate) outcome: &'static str,
    /// What the source is told.
    pub(crate) code: Option<&'static str>,
    /// The characters the host wrote for it.
    pub(crate) wire_code: Option<String>,
    /// From the request to the decision.
    pub(crate) took_ms: Option<u64>,
    /// How it stands: as decided, or what is owed or was done afterwards.
    pub(crate) stands: &'static str,
    /// Why the switch declined it, or why a person has it.
    pub(crate) reason: Option<String>,
    #[serde(skip)]
    pub(crate) at_ms: i64,
    #[serde(skip)]
    host_rrn: String,
}

/// The card of the transaction that begins with this record.
pub(super) fn card_of(record: &Record) -> Option<&Card> {
    match record {
        Record::Sent(sent)
        | Record::Inquired(sent)
        | Record::Debited(Debited { sent, .. })
        | Record::Advised { sent, .. } => Some(&sent.pan),
        Record::Stranded(report) => Some(&report.pan),
        Record::Declined(declined) => Some(&declined.pan),
        _ => None,
    }
}

impl Row {
    /// The row of the transaction that begins with this record.
    pub(crate) fn begin(record: &Record, names: &Names, vault: Option<&Vault>) -> Option<Self> {
        match record {
            Record::Sent(sent) | Record::Inquired(sent) => Some(Self::of_sent(sent, names, vault)),
            Record::Debited(Debited { sent, onward }) => {
                let mut row = Self::of_sent(sent, names, vault);
                row.credit_link = Some(names.link(onward.link));
                Some(row)
            }
            Record::Stranded(report) => {
                let mut row = Self::new(report.id, &report.key, report.at, names);
                row.kind = report.kind.name();
                (row.amount, row.currency) = (report.amount.minor_units(), report.currency.to_string());
                row.pan = card(&report.pan, vault);
                row.decide(&report.answer, report.at);
                (row.stands, row.reason) = ("a_persons", Some(report.reason.to_string()));
                Some(row)
            }
            Record::Advised { sent, forward } => {
                let mut row = Self::of_sent(sent, names, vault);
                (row.outcome, row.code, row.took_ms) = ("approved", Some("approved"), Some(0));
                row.owe(Some(forward));
                Some(row)
            }
            Record::Declined(declined) => {
                let mut row = Self::new(declined.id, &declined.key, declined.at, names);
                row.kind = declined.kind.name();
                (row.amount, row.currency) = (declined.amount.minor_units(), declined.currency.to_string());
                row.pan = card(&declined.pan, vault);
                row.decide(&declined.answer, declined.at);
                row.reason = Some(declined.reason.to_string());
                Some(row)
            }
            Record::Kept(kept) => {
                let mut row = Self::new(kept.id, &kept.key, kept.at, names);
                row.kind = kept.kind.name();
                row.decide(&kept.answer, kept.at);
                row.reason = Some("its reversal came first".into());
                Some(row)
            }
            _ => None,
        }
    }

    fn new(id: TxnId, key: &Key, at: Timestamp, names: &Names) -> Self {
        Self {
            object: "txn",
            txn: id.0,
            at: at.to_string(),
            kind: "",
            amount: 0,
            currency: String::new(),
            pan: String::new(),
            source: names.source(key.source),
            terminal_id: key.terminal_id.to_string().trim().to_string(),
            stan: key.stan.to_string(),
            rrn: String::new(),
            link: None,
            host_stan: None,
            credit_link: None,
            credit_stan: None,
            route: None,
            business_date: None,
            outcome: "open",
            code: None,
            wire_code: None,
            took_ms: None,
            stands: "open",
            reason: None,
            at_ms: at.as_unix_ms(),
            host_rrn: String::new(),
        }
    }

    fn of_sent(sent: &Sent, names: &Names, vault: Option<&Vault>) -> Self {
        Self {
            kind: sent.kind.name(),
            amount: sent.amount.minor_units(),
            currency: sent.currency.to_string(),
            pan: card(&sent.pan, vault),
            rrn: sent.rrn.to_string().trim().to_string(),
            link: Some(names.link(sent.link)),
            host_stan: Some(sent.host_stan.to_string()),
            route: Some(sent.route.to_string()),
            business_date: Some(sent.business_date.to_string()),
            host_rrn: sent.host_rrn.to_string().trim().to_string(),
            ..Self::new(sent.id, &sent.key, sent.at, names)
        }
    }

    /// Takes in what happened to it afterwards; whether anything changed.
    pub(crate) fn take(&mut self, record: &Record) -> bool {
        match record {
            Record::Decided { answer, wire_code, owes, at, .. } => {
                self.decide(answer, *at);
                self.wire_code = Some(wire_code.to_string());
                self.owe(owes.as_ref());
            }
            Record::TimedOut { answer, owes, at, .. } => {
                self.decide(answer, *at);
                self.owe(owes.as_ref());
            }
            Record::NotSent { answer, owes, at, .. } => {
                self.decide(answer, *at);
                self.owe(owes.as_ref());
            }
            Record::Credited(credited) => self.credit_stan = Some(credited.host_stan.to_string()),
            Record::Owed { forward, .. } => self.owe(Some(forward)),
            Record::Forwarded { owes: Some(forward), .. } => self.owe(Some(forward)),
            Record::Forwarded { owes: None, .. } => {
                self.stands = match self.stands {
                    "advice_owed" => "confirmed",
                    _ => "reversed",
                }
            }
            Record::Withdrawn { owes: Some(forward), .. } => self.owe(Some(forward)),
            Record::Withdrawn { owes: None, .. } => self.stands = "reversed",
            Record::Exception { reason, .. } => {
                self.stands = "a_persons";
                self.reason = Some(reason.to_string());
            }
            Record::Ruled { ruling: Ruling::Settle, reason, .. } => {
                self.stands = "settled";
                self.reason = Some(reason.as_str().to_string());
            }
            _ => return false,
        }
        true
    }

    fn decide(&mut self, answer: &Remembered, at: Timestamp) {
        self.outcome = answer.outcome.name();
        self.code = Some(answer.code.name());
        self.took_ms = Some((at.as_unix_ms() - self.at_ms).max(0) as u64);
        self.stands = "as_decided";
    }

    fn owe(&mut self, forward: Option<&Forward>) {
        match forward.map(|forward| forward.duty) {
            Some(Duty::Reversal) => self.stands = "reversal_owed",
            Some(Duty::Advice) => self.stands = "advice_owed",
            None => {}
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.outcome == "open"
    }

    /// Whether it may still change by itself.
    pub(crate) fn is_live(&self) -> bool {
        self.is_open() || self.stands.ends_with("_owed")
    }

    /// Whether this reference number is the source's or the one its host saw.
    pub(crate) fn has_rrn(&self, rrn: &str) -> bool {
        self.rrn == rrn || self.host_rrn == rrn
    }

    /// The amount with the decimals of its currency; `-` where there is none.
    pub(crate) fn money(&self) -> String {
        let currency = self.currency.parse().ok().and_then(Currency::numeric).unwrap_or(Currency::NONE);
        match self.amount {
            0 => "-".into(),
            amount => money(Amount::minor(amount), currency),
        }
    }

    /// How it ended, in words.
    pub(crate) fn result(&self) -> String {
        let code = self
            .code
            .filter(|code| *code != self.outcome)
            .map_or_else(String::new, |code| format!(" ({code})"));
        let then = match self.stands {
            "open" | "as_decided" => String::new(),
            stands => format!(", {}", in_words(stands)),
        };
        format!("{}{code}{then}", self.outcome)
    }
}

fn in_words(stands: &str) -> &str {
    match stands {
        "reversal_owed" => "reversal owed",
        "advice_owed" => "advice owed",
        "a_persons" => "a person's",
        "settled" => "settled by hand",
        other => other,
    }
}
