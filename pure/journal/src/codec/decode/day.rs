//! Bytes as what is remembered of days.

use super::{Reader, RecordError, kind};
use crate::codec::BALANCES;
use crate::{Compared, Counted, DayRecord, Tallied};
use alloc::boxed::Box;
use terms::{Figure, Statement, Tally};

impl Reader<'_> {
    /// `None` where the kind is none of these.
    pub(super) fn day(&mut self) -> Result<Option<DayRecord>, RecordError> {
        Ok(Some(match self.kind {
            kind::OWN_DATE => DayRecord::Own {
                date: self.sure_date("date")?,
                by: self.text("by")?,
                at: self.timestamp("at")?,
            },
            kind::DAY_FROZEN => DayRecord::Frozen {
                link: self.link()?,
                date: self.sure_date("date")?,
                at: self.timestamp("at")?,
            },
            kind::TOTALS_SENT | kind::TOTALS_SAID => DayRecord::TotalsSent {
                link: self.link()?,
                date: self.sure_date("date")?,
                currency: self.currency()?,
                number: self.narrow("number")?,
                host_stan: self.stan("host_stan")?,
                said: match self.kind {
                    kind::TOTALS_SAID => Some(Box::new(self.statement("said")?)),
                    _ => None,
                },
                at: self.timestamp("at")?,
            },
            kind::CUTOVER_SAID => DayRecord::CutoverSaid {
                link: self.link()?,
                ends: self.flag("ends")?,
                stan: self.stan("stan")?,
                transmitted_at: self.text("transmitted_at")?,
                at: self.timestamp("at")?,
            },
            kind::TOTALS_COMPARED => DayRecord::Compared(Box::new(Compared {
                link: self.link()?,
                date: self.sure_date("date")?,
                currency: self.currency()?,
                balance: self.one_of(&BALANCES, "balance")?,
                ours: self.statement("ours")?,
                theirs: self.statement("theirs")?,
                wire_code: self.text("wire_code")?,
                asked_by_peer: self.flag("asked_by_peer")?,
                at: self.timestamp("at")?,
            })),
            kind::COMPARE_ORDERED => DayRecord::CompareOrdered {
                link: self.link()?,
                date: self.sure_date("date")?,
                by: self.text("by")?,
                at: self.timestamp("at")?,
            },
            kind::DAY_ENDED => DayRecord::Ended {
                link: self.link()?,
                date: self.sure_date("date")?,
                compares: self.flag("compares")?,
                at: self.timestamp("at")?,
            },
            kind::COUNTED_ANEW => DayRecord::CountedAnew,
            kind::COUNTED => DayRecord::Counted(Box::new(self.counted()?)),
            kind::TALLIED | kind::TALLIED_PART => {
                let id = self.id()?;
                let state = self.byte("state")?;
                if state >> 1 > 0xF {
                    return Err(self.impossible("state"));
                }
                let date = self.sure_date("date")?;
                let part = if self.kind == kind::TALLIED { None } else { Some(self.amount()?) };
                DayRecord::Tallied(Tallied { id, second: state & 1 == 1, state: state >> 1, date, part })
            }
            _ => return Ok(None),
        }))
    }

    fn counted(&mut self) -> Result<Counted, RecordError> {
        Ok(Counted {
            link: self.link()?,
            date: self.sure_date("date")?,
            currency: self.currency()?,
            late: self.flag("late")?,
            tallies: {
                let mut tallies = [Tally::default(); Counted::TALLIES];
                for tally in &mut tallies {
                    *tally = Tally { count: self.number("count")?, sum: self.number_128("sum")? };
                }
                tallies
            },
            exceptions: self.number("exceptions")?,
        })
    }

    fn statement(&mut self, field: &'static str) -> Result<Statement, RecordError> {
        let mut statement = Statement::default();
        let bits = self.number(field)?;
        if bits >> Figure::ALL.len() != 0 {
            return Err(self.impossible(field));
        }
        for figure in Figure::ALL.into_iter().filter(|figure| bits >> *figure as u8 & 1 == 1) {
            let zigzag = self.number_128(field)?;
            statement.set(figure, (zigzag >> 1) as i128 ^ -((zigzag & 1) as i128));
        }
        Ok(statement)
    }

    fn number_128(&mut self, field: &'static str) -> Result<u128, RecordError> {
        let mut number = 0;
        for shift in (0..128).step_by(7) {
            let byte = self.byte(field)?;
            let low = u128::from(byte & 0x7F);
            if low << shift >> shift != low || (byte == 0 && shift > 0) {
                return Err(self.impossible(field));
            }
            number |= low << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.impossible(field))
    }
}
