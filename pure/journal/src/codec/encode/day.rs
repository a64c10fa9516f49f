//! What is remembered of days, as bytes.

use super::{Writer, kind, place};
use crate::codec::BALANCES;
use crate::{Compared, Counted, DayRecord, Tallied};
use terms::{Statement, Tally};

impl Writer<'_> {
    pub(super) fn day(&mut self, day: &DayRecord) {
        match day {
            DayRecord::Own { date, by, at } => {
                self.byte(kind::OWN_DATE);
                self.date(Some(*date));
                self.text(by);
                self.timestamp(*at);
            }
            DayRecord::Frozen { link, date, at } => {
                self.byte(kind::DAY_FROZEN);
                self.number(u64::from(link.0));
                self.date(Some(*date));
                self.timestamp(*at);
            }
            DayRecord::TotalsSent { link, date, currency, number, host_stan, said, at } => {
                self.byte(if said.is_none() { kind::TOTALS_SENT } else { kind::TOTALS_SAID });
                self.number(u64::from(link.0));
                self.date(Some(*date));
                self.number(u64::from(currency.number()));
                self.number(u64::from(*number));
                self.number(u64::from(host_stan.0));
                said.iter().for_each(|said| self.statement(said));
                self.timestamp(*at);
            }
            DayRecord::CutoverSaid { link, ends, stan, transmitted_at, at } => {
                self.byte(kind::CUTOVER_SAID);
                self.number(u64::from(link.0));
                self.byte(u8::from(*ends));
                self.number(u64::from(stan.0));
                self.text(transmitted_at);
                self.timestamp(*at);
            }
            DayRecord::Compared(compared) => self.compared(compared),
            DayRecord::CompareOrdered { link, date, by, at } => {
                self.byte(kind::COMPARE_ORDERED);
                self.number(u64::from(link.0));
                self.date(Some(*date));
                self.text(by);
                self.timestamp(*at);
            }
            DayRecord::Ended { link, date, compares, at } => {
                self.byte(kind::DAY_ENDED);
                self.number(u64::from(link.0));
                self.date(Some(*date));
                self.byte(u8::from(*compares));
                self.timestamp(*at);
            }
            DayRecord::CountedAnew => self.byte(kind::COUNTED_ANEW),
            DayRecord::Counted(counted) => self.counted(counted),
            DayRecord::Tallied(Tallied { id, second, state, date, part }) => {
                self.byte(if part.is_none() { kind::TALLIED } else { kind::TALLIED_PART });
                self.number(id.0);
                self.byte(*state << 1 | u8::from(*second));
                self.date(Some(*date));
                part.iter().for_each(|part| self.number(part.minor_units()));
            }
        }
    }

    fn compared(&mut self, compared: &Compared) {
        self.byte(kind::TOTALS_COMPARED);
        self.number(u64::from(compared.link.0));
        self.date(Some(compared.date));
        self.number(u64::from(compared.currency.number()));
        self.byte(place(&BALANCES, &compared.balance));
        self.statement(&compared.ours);
        self.statement(&compared.theirs);
        self.text(&compared.wire_code);
        self.byte(u8::from(compared.asked_by_peer));
        self.timestamp(compared.at);
    }

    fn counted(&mut self, counted: &Counted) {
        self.byte(kind::COUNTED);
        self.number(u64::from(counted.link.0));
        self.date(Some(counted.date));
        self.number(u64::from(counted.currency.number()));
        self.byte(u8::from(counted.late));
        for Tally { count, sum } in &counted.tallies {
            self.number(*count);
            self.number_128(*sum);
        }
        self.number(counted.exceptions);
    }

    /// Which figures are said, as bits, and then each of them.
    fn statement(&mut self, statement: &Statement) {
        let bits = statement.iter().fold(0, |bits, (figure, _)| bits | 1_u64 << figure as u8);
        self.number(bits);
        for (_, value) in statement.iter() {
            self.number_128(((value << 1) ^ (value >> 127)) as u128);
        }
    }

    fn number_128(&mut self, mut number: u128) {
        while number >= 0x80 {
            self.out.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }
}
