//! `[reconciliation]`: where a partner has the totals of a day, and how he makes them.

use crate::{
    document::{Entry, Item, Section, element_key, text_of},
    finding::{Findings, did_you_mean},
    message::message_type,
    model::Placed,
};
use alloc::{format, string::String, vec::Vec};
use terms::{Balance, Class, Code, Figure, MessageType, NetRule, Outcome, ReversalBucket, Text};

/// How totals are compared with a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconciliationRule {
    /// As which type ours are sent.
    pub message: MessageType,
    /// On which side reversals stand.
    pub reversals: ReversalBucket,
    /// How the net is made.
    pub net: NetRule,
    /// The response codes of each verdict; the first is the one written. `None` for totals that are told and were
    /// not compared.
    codes: Vec<(Option<Balance>, Vec<Text<4>>)>,
}

impl ReconciliationRule {
    /// The response code that says this; empty where it is said otherwise.
    pub(crate) fn code_of(&self, balance: Option<Balance>) -> Text<4> {
        let texts = self.codes.iter().find(|(one, _)| *one == balance).map(|(_, texts)| texts);
        texts.and_then(|texts| texts.first().copied()).unwrap_or(Text::EMPTY)
    }

    /// What a response code says of totals, where it says something.
    pub(crate) fn balance_of(&self, text: &[u8]) -> Option<Option<Balance>> {
        let says = |texts: &[Text<4>]| texts.iter().any(|one| one.as_bytes() == text);
        self.codes.iter().find(|(_, texts)| says(texts)).map(|(balance, _)| *balance)
    }
}

/// A verdict as code and outcome: that totals differ is an answer, and not a refusal.
pub(crate) const fn code_and_outcome(balance: Option<Balance>) -> (Code, Outcome) {
    match balance {
        None | Some(Balance::Balanced | Balance::OutOfBalance) => (Code::Approved, Outcome::Approved),
        Some(Balance::NotAvailable) => (Code::NotFound, Outcome::Refused),
    }
}

/// The digit of DE 66 of 1987.
pub(crate) const fn settlement_code(balance: Balance) -> u64 {
    match balance {
        Balance::Balanced => 1,
        Balance::OutOfBalance => 2,
        Balance::NotAvailable => 3,
    }
}

/// What such a digit says; 0 says nothing.
pub(crate) fn of_settlement_code(digit: u64) -> Option<Balance> {
    Balance::ALL.into_iter().find(|balance| settlement_code(*balance) == digit)
}

/// The table as it is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReconciliationModel {
    sent_as: Option<Placed<[u8; 3]>>,
    reversals: ReversalBucket,
    net: NetRule,
    /// The element with the day, where it is another than the settlement date.
    pub(crate) date: Option<Placed<u8>>,
    /// The element with the verdict.
    pub(crate) verdict: Option<Placed<u8>>,
    codes: Vec<(Option<Balance>, Vec<Text<4>>)>,
    pub(crate) figures: Vec<(Figure, Placed<u8>)>,
}

impl ReconciliationModel {
    /// Reads the table over what is inherited.
    pub(crate) fn read(
        entries: &[Entry],
        inherited: Option<Self>,
        version: Option<u8>,
        findings: &mut Findings,
    ) -> Self {
        let mut model = inherited.unwrap_or_default();
        let mut section = Section::new("[reconciliation]", entries);
        if let Some((line, text)) = section.text("as", findings) {
            model.sent_as = message_type(text, line, version, findings)
                .filter(|digits| is_comparison(*digits, text, line, findings))
                .map(|digits| (Some(line), digits));
        }
        if let Some((line, text)) = section.text("reversals", findings) {
            match ReversalBucket::ALL.into_iter().find(|rule| rule.name() == text) {
                Some(rule) => model.reversals = rule,
                None => findings.error(line, "`reversals` is \"original\" or \"effect\""),
            }
        }
        if let Some((line, text)) = section.text("net", findings) {
            match NetRule::ALL.into_iter().find(|rule| rule.name() == text) {
                Some(rule) => model.net = rule,
                None => findings.error(line, "`net` is \"signed\", \"plain\" or \"none\""),
            }
        }
        for (key, place) in [("date", &mut model.date), ("verdict", &mut model.verdict)] {
            let Some(entry) = section.take(key) else { continue };
            match &entry.node.item {
                Item::Number(de @ 2..=192) => *place = Some((Some(entry.line), *de as u8)),
                Item::Text(text) if text == "none" => *place = None,
                _ => findings.error(entry.line, format!("`{key}` is the number of an element, or \"none\"")),
            }
        }
        for (key, balance) in [
            ("balanced", Some(Balance::Balanced)),
            ("out_of_balance", Some(Balance::OutOfBalance)),
            ("not_available", Some(Balance::NotAvailable)),
            ("told", None),
        ] {
            let Some((_, list)) = section.list(key, findings) else { continue };
            let texts = list.iter().filter_map(|node| {
                let text = text_of(node, key, findings)?;
                let code = Text::new(text.as_bytes());
                if code.is_none() {
                    findings.error(node.line, format!("`{text}` is no response code"));
                }
                code
            });
            let texts = texts.collect();
            model.codes.retain(|(one, _)| *one != balance);
            model.codes.push((balance, texts));
        }
        if let Some((_, entries)) = section.table("figures", findings) {
            entries.iter().for_each(|entry| model.read_figure(entry, findings));
        }
        section.finish(findings);
        model
    }

    /// `74 = "credits_number"`, or `74 = "none"`.
    fn read_figure(&mut self, entry: &Entry, findings: &mut Findings) {
        let Some(de) = element_key(entry, findings) else { return };
        let Some(name) = text_of(&entry.node, &entry.key, findings) else { return };
        self.figures.retain(|(_, (_, other))| *other != de);
        if name == "none" {
            return;
        }
        match Figure::named(name) {
            Some(figure) => self.figures.push((figure, (Some(entry.line), de))),
            None => {
                let near = did_you_mean(name, Figure::ALL.map(Figure::name));
                findings.error(entry.line, format!("`{name}` is no figure of a day{near}"));
            }
        }
    }

    pub(crate) fn forget_lines(&mut self) {
        let places = [&mut self.date, &mut self.verdict];
        places.into_iter().flatten().for_each(|place| place.0 = None);
        self.sent_as.iter_mut().for_each(|sent_as| sent_as.0 = None);
        self.figures.iter_mut().for_each(|(_, place)| place.0 = None);
    }

    /// What is asked while messages pass; `None` where the table does not say as what totals are sent.
    pub(crate) fn rule(
        &self,
        has_message: impl Fn([u8; 3]) -> bool,
        findings: &mut Findings,
    ) -> Option<ReconciliationRule> {
        let Some((line, digits)) = self.sent_as else {
            findings.error(None, "[reconciliation] does not say as which message totals are sent: `as`");
            return None;
        };
        if !has_message(digits) {
            let name: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
            if line.is_some() {
                findings.error(line, format!("[reconciliation]: no [message] table is for type {name}"));
            }
            return None;
        }
        let message = MessageType::from_digits(digits)?;
        let (reversals, net, codes) = (self.reversals, self.net, self.codes.clone());
        Some(ReconciliationRule { message, reversals, net, codes })
    }
}

fn is_comparison(digits: [u8; 3], text: &str, line: usize, findings: &mut Findings) -> bool {
    let message = MessageType::from_digits(digits);
    let is = message.is_some_and(|one| one.class == Class::Reconciliation && one.asks());
    if !is {
        findings.error(line, format!("`{text}` is no message that compares totals"));
    }
    is
}
