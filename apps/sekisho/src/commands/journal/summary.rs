//! One record in a line.

use super::facts::card;
use super::names::Names;
use journal::{Debited, Declined, Forward, Key, Mark, Observed, Record, Remembered, Sent, Vault};
use terms::{Amount, Currency};

/// What a record says, as far as a line holds.
pub(crate) fn summary(record: &Record, names: &Names, vault: Option<&Vault>) -> String {
    match record {
        Record::Opened { version, synced: true, .. } => format!("version {version}"),
        Record::Opened { version, synced: false, .. } => {
            format!("version {version}, NOT SYNCED: nothing is durable")
        }
        Record::Closed { .. } => "in order".into(),
        Record::Sent(sent) | Record::Inquired(sent) => of_sent(sent, names, vault),
        Record::Debited(Debited { sent, onward }) => {
            format!("{}, then its credit > {}", of_sent(sent, names, vault), names.link(onward.link))
        }
        Record::Credited(credited) => {
            let (link, stan) = (names.link(credited.link), credited.host_stan);
            format!("debit approved {}, credit > {link} {stan}", credited.wire_code)
        }
        Record::Stranded(report) => format!("reported: {}", of_declined(report, vault)),
        Record::Noted { matter, .. } => format!("a person knows of it: {}", matter.name()),
        Record::Remembers { most } => format!("{most} finished transactions from here on"),
        Record::Decided { answer, wire_code, owes, .. } => {
            format!("{}, host said {wire_code}{}", of_answer(answer), of_debt(owes.as_ref()))
        }
        Record::TimedOut { answer, owes, .. } => format!("{}{}", of_answer(answer), of_debt(owes.as_ref())),
        Record::Owed { forward, why, .. } => format!("{}{}", why.name(), of_debt(Some(forward))),
        Record::Marked { mark: Mark::Confirm, .. } => "post it when it is not".into(),
        Record::Marked { mark: Mark::Reverse { .. }, .. } => "undo it when it is done".into(),
        Record::Advised { sent, forward } => {
            format!("{}{}", of_sent(sent, names, vault), of_debt(Some(forward)))
        }
        Record::Attempt { forward, number, host_stan, .. } => {
            format!("owed {forward}, attempt {number} {host_stan}")
        }
        Record::Forwarded { forward, wire_code, owes, .. } => {
            format!("owed {forward}, host said {wire_code}: paid{}", of_debt(owes.as_ref()))
        }
        Record::Withdrawn { forward, owes, .. } => {
            format!("owed {forward}, withdrawn before it was sent{}", of_debt(owes.as_ref()))
        }
        Record::Exception { reason, .. } => format!("for a person: {reason}"),
        Record::Ruled { forward, ruling, by, reason, .. } => {
            format!("owed {forward}: {} by {}: {}", ruling.name(), by.as_str(), reason.as_str())
        }
        Record::HostDate { link, date, .. } => format!("{} {date}", names.link(*link)),
        Record::Cutover { link, stage, date, .. } => format!("{} {date} {}", names.link(*link), stage.name()),
        Record::LinkOrdered { link, order, by, .. } => {
            format!("{} {} by {}", names.link(*link), order.name(), by.as_str())
        }
        Record::Ticketed { ticket, .. } => format!("submitted under name {:032x}", ticket.name),
        Record::Day(day) => super::day::line(day, names),
        Record::Resolved { after, .. } => after.name().into(),
        Record::NotSent { answer, owes, .. } => format!("{}{}", of_answer(answer), of_debt(owes.as_ref())),
        Record::Declined(declined) => of_declined(declined, vault),
        Record::Observed(observed) => of_observed(observed, names),
        Record::Named { number, name, what } => format!("{what:?} {number} is {name}").to_lowercase(),
        Record::Kept(kept) => format!("{} {}", kept.kind.name(), of_answer(&kept.answer)),
        Record::Numbers { next_id, .. } => format!("next transaction {next_id}"),
    }
}

fn of_sent(sent: &Sent, names: &Names, vault: Option<&Vault>) -> String {
    let what = what(sent.kind.name(), sent.amount, sent.currency, &card(&sent.pan, vault), &sent.key);
    format!("{what} > {} {}", names.link(sent.link), sent.host_stan)
}

fn of_declined(declined: &Declined, vault: Option<&Vault>) -> String {
    let Declined { kind, amount, currency, key, .. } = declined;
    let what = what(kind.name(), *amount, *currency, &card(&declined.pan, vault), key);
    format!("{}: {what} ({})", of_answer(&declined.answer), declined.reason)
}

fn of_observed(observed: &Observed, names: &Names) -> String {
    let Observed { kind, link, host_stan, wire_code, .. } = observed;
    format!("{} {} {host_stan} {wire_code}", kind.name(), names.link(*link)).trim_end().to_string()
}

/// What is owed from here on, to hang behind what happened.
fn of_debt(forward: Option<&Forward>) -> String {
    forward.map_or_else(String::new, |forward| format!(", owes {} {}", forward.duty.name(), forward.id))
}

fn of_answer(answer: &Remembered) -> String {
    match (answer.outcome.name(), answer.code.name()) {
        (outcome, code) if outcome == code => outcome.to_string(),
        (outcome, code) => format!("{outcome} {code}"),
    }
}

fn what(kind: &str, amount: Amount, currency: Currency, card: &str, key: &Key) -> String {
    let money = if amount == Amount::minor(0) { String::new() } else { money(amount, currency) };
    let (terminal, stan) = (key.terminal_id.to_string(), key.stan.to_string());
    let words = [kind, &money, card, terminal.trim(), &stan];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// An amount with the decimals of its currency, and the currency's number.
pub(crate) fn money(amount: Amount, currency: Currency) -> String {
    format!("{} ({currency})", decimal(amount.minor_units().into(), currency))
}

/// So many minor units with the decimals of their currency.
pub(crate) fn decimal(units: u128, currency: Currency) -> String {
    let one = 10_u128.pow(currency.decimals().into());
    let (whole, part) = (units / one, units % one);
    match usize::from(currency.decimals()) {
        0 => whole.to_string(),
        decimals => format!("{whole}.{part:0decimals$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_the_decimals_of_its_currency() {
        let of =
            |units, number| money(Amount::minor(units), Currency::numeric(number).expect("three digits"));
        assert_eq!(of(3_000_050, 156), "30000.50 (156)");
        assert_eq!(of(30_000, 392), "30000 (392)");
        assert_eq!(of(5, 48), "0.005 (048)");
    }
}
