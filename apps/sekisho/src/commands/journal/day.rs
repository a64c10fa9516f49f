//! What the journal remembers of days, as facts and in a line.

use super::facts::Facts;
use super::names::Names;
use journal::{Compared, Counted, DayRecord};
use terms::{Balance, Statement};

impl Facts {
    /// Everything a record about a day says.
    pub(super) fn of_day(&mut self, day: &DayRecord, names: &Names) {
        match day {
            DayRecord::Own { date, by, .. } => {
                self.text("date", date);
                self.some("by", by.as_str());
            }
            DayRecord::Frozen { link, date, .. } | DayRecord::Ended { link, date, .. } => {
                self.text("link", names.link(*link));
                self.text("date", date);
            }
            DayRecord::TotalsSent { link, date, currency, number, host_stan, .. } => {
                self.text("link", names.link(*link));
                self.text("date", date);
                self.text("currency", currency);
                self.number("number", (*number).into());
                self.text("host_stan", host_stan);
            }
            DayRecord::CutoverSaid { link, ends, stan, transmitted_at, .. } => {
                self.text("link", names.link(*link));
                self.text("says", if *ends { "end" } else { "begin" });
                self.text("stan", stan);
                self.some("transmitted_at", transmitted_at.as_str());
            }
            DayRecord::Compared(compared) => {
                self.text("link", names.link(compared.link));
                self.text("date", compared.date);
                self.text("currency", compared.currency);
                self.text("balance", balance(compared.balance));
                self.some("ours", said(&compared.ours));
                self.some("theirs", said(&compared.theirs));
                self.some("wire_code", compared.wire_code);
                self.text("asked_by", if compared.asked_by_peer { "peer" } else { "us" });
            }
            DayRecord::CompareOrdered { link, date, by, .. } => {
                self.text("link", names.link(*link));
                self.text("date", date);
                self.some("by", by.as_str());
            }
            DayRecord::CountedAnew => {}
            DayRecord::Counted(counted) => {
                let Counted { link, date, currency, late, exceptions, .. } = **counted;
                self.text("link", names.link(link));
                self.text("date", date);
                self.text("currency", currency);
                self.text("late", if late { "yes" } else { "no" });
                self.number("exceptions", exceptions);
            }
            DayRecord::Tallied(tallied) => {
                self.text("date", tallied.date);
                self.number("txn", tallied.id.0);
            }
        }
    }
}

/// A record about a day in a line.
pub(super) fn line(day: &DayRecord, names: &Names) -> String {
    match day {
        DayRecord::Own { date, by, .. } => format!("our day is {date}, by {}", by.as_str()),
        DayRecord::Frozen { link, date, .. } => format!("totals of {date} with {} stand", names.link(*link)),
        DayRecord::Ended { link, date, .. } => format!("{} {date} ended", names.link(*link)),
        DayRecord::TotalsSent { link, date, currency, number, host_stan, .. } => {
            format!("totals of {date} in {currency} to {} {host_stan}, attempt {number}", names.link(*link))
        }
        DayRecord::CutoverSaid { link, ends, stan, .. } => {
            let what = if *ends { "changes" } else { "begins to change" };
            format!("{} {what} its day by {stan}, and does not say which", names.link(*link))
        }
        DayRecord::Compared(compared) => {
            let Compared { link, date, currency, .. } = **compared;
            let whose = if compared.asked_by_peer { "asked by" } else { "with" };
            let balance = balance(compared.balance);
            format!("totals of {date} in {currency} compared, {whose} {}: {balance}", names.link(link))
        }
        DayRecord::CompareOrdered { link, date, by, .. } => {
            format!("totals of {date} with {} again, by {}", names.link(*link), by.as_str())
        }
        DayRecord::CountedAnew => "what follows is what was counted".into(),
        DayRecord::Counted(counted) => format!("{} {}", names.link(counted.link), counted.date),
        DayRecord::Tallied(tallied) => format!("{} under {}", tallied.id, tallied.date),
    }
}

/// A comparison's end, as people and JSON write it.
pub(crate) const fn balance(balance: Option<Balance>) -> &'static str {
    match balance {
        Some(balance) => balance.name(),
        None => "refused",
    }
}

fn said(statement: &Statement) -> String {
    let figures = statement.iter().filter(|(_, value)| *value != 0);
    figures.map(|(figure, value)| format!("{}={value}", figure.name())).collect::<Vec<_>>().join(" ")
}
