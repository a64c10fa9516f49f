mod day;

use super::{
    DECIDED_BY, DUTIES, HOLDS_ACCOUNT, HOLDS_KEPT, NAMED, OBSERVATIONS, OUTCOMES, RecordError, WHYS, kind,
};
use crate::vault::{SEALED_ACCOUNT_BYTES, SEALED_BYTES};
use crate::{
    Account, After, Card, Credited, CutStage, Debited, Declined, Forward, Kept, Key, LinkOrder, Mark, Matter,
    Observed, Onward, Record, Remembered, Ruling, SealedAccount, SealedPan, Sent, Ticket,
};
use terms::{
    Amount, BusinessDate, Carried, Code, Currency, ForwardId, Kind, LinkId, LocalTime, MessageType, Noun,
    SourceId, Stan, Text, Timestamp, TxnId,
};

/// Reads a record of kind and fields; all of it or nothing. Card numbers stay sealed.
pub(crate) fn decode(bytes: &[u8]) -> Result<Record, RecordError> {
    let (&kind, rest) = bytes.split_first().ok_or(RecordError::Truncated { kind: 0, field: "kind" })?;
    let mut from = Reader { kind, rest, length: bytes.len() };
    let record = match kind {
        kind::OPENED => Record::Opened {
            version: from.text("version")?,
            synced: from.flag("synced")?,
            at: from.timestamp("at")?,
        },
        kind::CLOSED => Record::Closed { at: from.timestamp("at")? },
        kind::SENT => Record::Sent(from.sent(0)?),
        kind::SENT_TO => Record::Sent(from.sent(HOLDS_ACCOUNT)?),
        kind::SENT_KEEPING => Record::Sent(from.sent_keeping()?),
        kind::SENT_DATED => Record::Sent(from.sent_dated(HOLDS_BOTH)?),
        kind::INQUIRED => Record::Inquired(from.sent(0)?),
        kind::INQUIRED_DATED => Record::Inquired(from.sent_dated(HOLDS_ACCOUNT)?),
        kind::INQUIRED_TO => Record::Inquired(from.sent(HOLDS_ACCOUNT)?),
        kind::DEBITED | kind::DEBITED_DATED => Record::Debited(from.debited()?),
        kind::CREDITED => Record::Credited(from.credited()?),
        kind::STRANDED => Record::Stranded(from.declined()?),
        kind::NOTED => Record::Noted { id: from.id()?, matter: from.one_of(&Matter::ALL, "matter")? },
        kind::REMEMBERS => Record::Remembers { most: from.number("most")? },
        kind::DECIDED | kind::DECIDED_OTHER => Record::Decided {
            id: from.id()?,
            answer: from.remembered()?,
            wire_code: from.text("wire_code")?,
            owes: from.owes()?,
            approved: if kind == kind::DECIDED { None } else { Some(from.amount()?) },
            at: from.timestamp("at")?,
        },
        kind::TIMED_OUT => Record::TimedOut {
            id: from.id()?,
            answer: from.remembered()?,
            owes: from.owes()?,
            at: from.timestamp("at")?,
        },
        kind::NOT_SENT | kind::NOT_SENT_OWING => Record::NotSent {
            id: from.id()?,
            answer: from.remembered()?,
            owes: from.owes_where(kind == kind::NOT_SENT_OWING)?,
            at: from.timestamp("at")?,
        },
        kind::DECLINED => Record::Declined(from.declined()?),
        kind::OBSERVED => Record::Observed(from.observed()?),
        kind::NAMED => Record::Named {
            what: from.one_of(&NAMED, "what")?,
            number: from.narrow("number")?,
            name: from.text("name")?,
        },
        kind::KEPT => Record::Kept(from.kept()?),
        kind::NUMBERS => Record::Numbers {
            next_id: from.id()?,
            next_forward: from.forward_id()?,
            link: from.link_plus_one()?,
            last_stan: from.stan("last_stan")?,
        },
        kind::OWED => Record::Owed {
            id: from.id()?,
            forward: from.forward()?,
            why: from.one_of(&WHYS, "why")?,
            at: from.timestamp("at")?,
        },
        kind::MARKED => Record::Marked { id: from.id()?, mark: from.mark()?, at: from.timestamp("at")? },
        kind::ADVISED => Record::Advised { sent: from.sent(0)?, forward: from.forward()? },
        kind::ADVISED_TO => Record::Advised { sent: from.sent(HOLDS_ACCOUNT)?, forward: from.forward()? },
        kind::ADVISED_KEEPING => Record::Advised { sent: from.sent_keeping()?, forward: from.forward()? },
        kind::ADVISED_DATED => {
            Record::Advised { sent: from.sent_dated(HOLDS_BOTH)?, forward: from.forward()? }
        }
        kind::ATTEMPT => Record::Attempt {
            forward: from.forward_id()?,
            number: from.narrow("number")?,
            host_stan: from.stan("host_stan")?,
            at: from.timestamp("at")?,
        },
        kind::WITHDRAWN => Record::Withdrawn {
            id: from.id()?,
            forward: from.forward_id()?,
            owes: from.owes()?,
            at: from.timestamp("at")?,
        },
        kind::FORWARDED | kind::FORWARDED_OWING => Record::Forwarded {
            forward: from.forward_id()?,
            wire_code: from.text("wire_code")?,
            settlement_date: None,
            owes: from.owes_where(kind == kind::FORWARDED_OWING)?,
            at: from.timestamp("at")?,
        },
        kind::FORWARDED_DATED => Record::Forwarded {
            forward: from.forward_id()?,
            wire_code: from.text("wire_code")?,
            settlement_date: Some(from.sure_date("settlement_date")?),
            owes: from.owes()?,
            at: from.timestamp("at")?,
        },
        kind::EXCEPTION => Record::Exception {
            id: from.id()?,
            forward: Some(from.forward_id()?).filter(|forward| forward.0 != 0),
            reason: from.text("reason")?,
            at: from.timestamp("at")?,
        },
        kind::RULED => Record::Ruled {
            forward: from.forward_id()?,
            ruling: from.one_of(&Ruling::ALL, "ruling")?,
            by: from.text("by")?,
            reason: from.text("reason")?,
            at: from.timestamp("at")?,
        },
        kind::HOST_DATE => Record::HostDate {
            link: from.link()?,
            date: from.sure_date("date")?,
            compares: from.flag("compares")?,
            at: from.timestamp("at")?,
        },
        kind::CUTOVER => Record::Cutover {
            link: from.link()?,
            stage: from.one_of(&CutStage::ALL, "stage")?,
            date: from.sure_date("date")?,
            at: from.timestamp("at")?,
        },
        kind::LINK_ORDERED => Record::LinkOrdered {
            link: from.link()?,
            order: from.one_of(&LinkOrder::ALL, "order")?,
            by: from.text("by")?,
            at: from.timestamp("at")?,
        },
        kind::TICKETED => Record::Ticketed {
            id: from.id()?,
            ticket: Ticket {
                name: u128::from_le_bytes(from.array("name")?),
                contents: u64::from_le_bytes(from.array("contents")?),
                caller: u64::from_le_bytes(from.array("caller")?),
            },
            key: from.key()?,
            at: from.timestamp("at")?,
        },
        kind::RESOLVED => Record::Resolved { id: from.id()?, after: from.after()? },
        kind => match from.day()? {
            Some(day) => Record::Day(day),
            None => return Err(RecordError::UnknownKind { kind }),
        },
    };
    from.end()?;
    Ok(record)
}

const HOLDS_BOTH: u8 = HOLDS_ACCOUNT | HOLDS_KEPT;

struct Reader<'a> {
    kind: u8,
    rest: &'a [u8],
    length: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], RecordError> {
        let (taken, rest) =
            (self.rest.split_at_checked(count)).ok_or(RecordError::Truncated { kind: self.kind, field })?;
        self.rest = rest;
        Ok(taken)
    }

    fn impossible(&self, field: &'static str) -> RecordError {
        RecordError::Impossible { kind: self.kind, field, at: self.length - self.rest.len() }
    }

    fn byte(&mut self, field: &'static str) -> Result<u8, RecordError> {
        Ok(self.take(1, field)?[0])
    }

    fn flag(&mut self, field: &'static str) -> Result<bool, RecordError> {
        match self.byte(field)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.impossible(field)),
        }
    }

    fn number(&mut self, field: &'static str) -> Result<u64, RecordError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(field)?;
            let low = u64::from(byte & 0x7F);
            // Only what the writer writes: nothing beyond 64 bits, and no zeros in front.
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

    fn narrow<T: TryFrom<u64>>(&mut self, field: &'static str) -> Result<T, RecordError> {
        T::try_from(self.number(field)?).map_err(|_| self.impossible(field))
    }

    fn text<const N: usize>(&mut self, field: &'static str) -> Result<Text<N>, RecordError> {
        let length = usize::from(self.byte(field)?);
        let bytes = self.take(length, field)?;
        Text::new(bytes).ok_or_else(|| self.impossible(field))
    }

    fn timestamp(&mut self, field: &'static str) -> Result<Timestamp, RecordError> {
        let zigzag = self.number(field)?;
        Ok(Timestamp::from_unix_ms((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64)))
    }

    fn date(&mut self, field: &'static str) -> Result<Option<BusinessDate>, RecordError> {
        match self.narrow::<u32>(field)? {
            0 => Ok(None),
            number => match BusinessDate::from_yyyymmdd(number) {
                None => Err(self.impossible(field)),
                date => Ok(date),
            },
        }
    }

    fn local_time(&mut self, field: &'static str) -> Result<Option<LocalTime>, RecordError> {
        let Some(date) = self.date(field)? else { return Ok(None) };
        match self.narrow(field)? {
            second_of_day if second_of_day < 86_400 => Ok(Some(LocalTime { date, second_of_day })),
            _ => Err(self.impossible(field)),
        }
    }

    fn one_of<T: Copy>(&mut self, all: &[T], field: &'static str) -> Result<T, RecordError> {
        let place = usize::from(self.byte(field)?);
        all.get(place).copied().ok_or_else(|| self.impossible(field))
    }

    fn id(&mut self) -> Result<TxnId, RecordError> {
        Ok(TxnId(self.number("id")?))
    }

    fn stan(&mut self, field: &'static str) -> Result<Stan, RecordError> {
        Ok(Stan(self.narrow(field)?))
    }

    fn link(&mut self) -> Result<LinkId, RecordError> {
        Ok(LinkId(self.narrow("link")?))
    }

    fn amount(&mut self) -> Result<Amount, RecordError> {
        Ok(Amount::minor(self.number("amount")?))
    }

    fn currency(&mut self) -> Result<Currency, RecordError> {
        let number = self.narrow("currency")?;
        Currency::numeric(number).ok_or_else(|| self.impossible("currency"))
    }

    fn transaction_kind(&mut self) -> Result<Kind, RecordError> {
        let number = self.byte("kind")?;
        Kind::numbered(number).ok_or_else(|| self.impossible("kind"))
    }

    fn card(&mut self, id: TxnId) -> Result<Card, RecordError> {
        if !self.flag("pan")? {
            return Ok(Card::None);
        }
        let mut bytes = [0; SEALED_BYTES];
        bytes.copy_from_slice(self.take(SEALED_BYTES, "pan")?);
        Ok(Card::Sealed(SealedPan { id, bytes }))
    }

    fn key(&mut self) -> Result<Key, RecordError> {
        Ok(Key {
            source: SourceId(self.narrow("source")?),
            terminal_id: self.text("terminal_id")?,
            stan: self.stan("stan")?,
            local_time: self.local_time("key's local_time")?,
        })
    }

    fn message(&mut self) -> Result<MessageType, RecordError> {
        let number = self.number("message")?;
        let digits = [(number / 100) as u8, (number / 10 % 10) as u8, (number % 10) as u8];
        (number < 1_000)
            .then_some(digits)
            .and_then(MessageType::from_digits)
            .ok_or(self.impossible("message"))
    }

    fn remembered(&mut self) -> Result<Remembered, RecordError> {
        let outcome = self.one_of(&OUTCOMES, "outcome")?;
        let number = self.byte("code")?;
        let code = Code::numbered(number).ok_or_else(|| self.impossible("code"))?;
        Ok(Remembered {
            outcome,
            code,
            approval_code: self.text("approval_code")?,
            rrn: self.text("rrn")?,
            settlement_date: self.date("settlement_date")?,
        })
    }

    /// One that holds more than an account, or its own kind would have been written.
    fn sent_keeping(&mut self) -> Result<Sent, RecordError> {
        match self.byte("what it holds")? {
            holds @ (HOLDS_KEPT | HOLDS_BOTH) => self.sent(holds),
            _ => Err(self.impossible("what it holds")),
        }
    }

    fn sent_dated(&mut self, holds_most: u8) -> Result<Sent, RecordError> {
        let holds = self.byte("what it holds")?;
        if holds > holds_most {
            return Err(self.impossible("what it holds"));
        }
        let own_date = Some(self.sure_date("own_date")?);
        Ok(Sent { own_date, ..self.sent(holds)? })
    }

    fn sent(&mut self, holds: u8) -> Result<Sent, RecordError> {
        let id = self.id()?;
        let key = self.key()?;
        Ok(Sent {
            id,
            fingerprint: self.fingerprint()?,
            message: self.message()?,
            kind: self.transaction_kind()?,
            processing_code: self.text("processing_code")?,
            pan: self.card(id)?,
            amount: self.amount()?,
            currency: self.currency()?,
            rrn: self.text("rrn")?,
            acquirer_id: self.text("acquirer_id")?,
            transmitted_at: self.text("transmitted_at")?,
            link: self.link()?,
            host_stan: self.stan("host_stan")?,
            host_rrn: self.text("host_rrn")?,
            host_transmitted_at: self.text("host_transmitted_at")?,
            business_date: self.sure_date("business_date")?,
            own_date: None,
            route: self.text("route")?,
            to_account: self.account(id, holds & HOLDS_ACCOUNT != 0)?,
            kept: self.besides(holds & HOLDS_KEPT != 0)?,
            at: self.timestamp("at")?,
            key,
        })
    }

    fn account(&mut self, id: TxnId, is_named: bool) -> Result<Account, RecordError> {
        if !is_named {
            return Ok(Account::None);
        }
        let mut bytes = [0; SEALED_ACCOUNT_BYTES];
        bytes.copy_from_slice(self.take(SEALED_ACCOUNT_BYTES, "to_account")?);
        Ok(Account::Sealed(SealedAccount { id, bytes }))
    }

    fn besides(&mut self, is_there: bool) -> Result<Carried, RecordError> {
        let mut kept = Carried::default();
        if !is_there {
            return Ok(kept);
        }
        let count: u8 = self.narrow("kept")?;
        if count == 0 {
            return Err(self.impossible("kept"));
        }
        for _ in 0..count {
            let number = self.byte("kept")?;
            // A secret is in no record, so what claims to be one is none.
            let noun = Noun::numbered(number).filter(|noun| !noun.is_secret());
            let noun = noun.ok_or_else(|| self.impossible("kept"))?;
            let length: u16 = self.narrow("kept")?;
            kept.push(noun, self.take(usize::from(length), "kept")?);
        }
        Ok(kept)
    }

    fn debited(&mut self) -> Result<Debited, RecordError> {
        let sent = match self.kind {
            kind::DEBITED_DATED => self.sent_dated(HOLDS_BOTH)?,
            _ => match self.byte("what it holds")? {
                holds @ 0..=HOLDS_BOTH => self.sent(holds)?,
                _ => return Err(self.impossible("what it holds")),
            },
        };
        Ok(Debited { sent, onward: Onward { link: self.link()?, route: self.text("route")? } })
    }

    fn credited(&mut self) -> Result<Credited, RecordError> {
        Ok(Credited {
            id: self.id()?,
            wire_code: self.text("wire_code")?,
            approval_code: self.text("approval_code")?,
            link: self.link()?,
            host_stan: self.stan("host_stan")?,
            host_transmitted_at: self.text("host_transmitted_at")?,
            business_date: self.sure_date("business_date")?,
            at: self.timestamp("at")?,
        })
    }

    fn fingerprint(&mut self) -> Result<u64, RecordError> {
        Ok(u64::from_le_bytes(self.array("fingerprint")?))
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], RecordError> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N, field)?);
        Ok(bytes)
    }

    fn link_plus_one(&mut self) -> Result<Option<LinkId>, RecordError> {
        let number: u32 = self.narrow("link")?;
        match number.checked_sub(1).map(u16::try_from) {
            None => Ok(None),
            Some(Ok(link)) => Ok(Some(LinkId(link))),
            Some(Err(_)) => Err(self.impossible("link")),
        }
    }

    fn kept(&mut self) -> Result<Kept, RecordError> {
        Ok(Kept {
            id: self.id()?,
            key: self.key()?,
            fingerprint: self.fingerprint()?,
            kind: self.transaction_kind()?,
            transmitted_at: self.text("transmitted_at")?,
            answer: self.remembered()?,
            by: self.one_of(&DECIDED_BY, "by")?,
            at: self.timestamp("at")?,
        })
    }

    fn forward_id(&mut self) -> Result<ForwardId, RecordError> {
        Ok(ForwardId(self.number("forward")?))
    }

    fn sure_date(&mut self, field: &'static str) -> Result<BusinessDate, RecordError> {
        self.date(field)?.ok_or_else(|| self.impossible(field))
    }

    fn owes(&mut self) -> Result<Option<Forward>, RecordError> {
        let owes = self.flag("owes")?;
        self.owes_where(owes)
    }

    fn owes_where(&mut self, owes: bool) -> Result<Option<Forward>, RecordError> {
        if owes { Ok(Some(self.forward()?)) } else { Ok(None) }
    }

    fn forward(&mut self) -> Result<Forward, RecordError> {
        Ok(Forward {
            id: self.forward_id()?,
            duty: self.one_of(&DUTIES, "duty")?,
            link: self.link()?,
            host_stan: self.stan("host_stan")?,
            remaining: self.amount()?,
            business_date: self.sure_date("business_date")?,
        })
    }

    fn mark(&mut self) -> Result<Mark, RecordError> {
        match self.flag("mark")? {
            false => Ok(Mark::Confirm),
            true => Ok(Mark::Reverse { remaining: self.amount()? }),
        }
    }

    fn after(&mut self) -> Result<After, RecordError> {
        Ok(match self.byte("after")? {
            0 => After::Nothing,
            1 => After::Reversing(self.forward_id()?),
            2 => After::Reversed,
            3 => After::Confirming(self.forward_id()?),
            4 => After::Confirmed,
            5 => After::Exception,
            6 => After::Captured(self.id()?),
            _ => return Err(self.impossible("after")),
        })
    }

    fn declined(&mut self) -> Result<Declined, RecordError> {
        let id = self.id()?;
        Ok(Declined {
            id,
            key: self.key()?,
            fingerprint: self.fingerprint()?,
            takes_key: self.flag("takes_key")?,
            message: self.message()?,
            kind: self.transaction_kind()?,
            pan: self.card(id)?,
            amount: self.amount()?,
            currency: self.currency()?,
            answer: self.remembered()?,
            reason: self.text("reason")?,
            at: self.timestamp("at")?,
        })
    }

    fn observed(&mut self) -> Result<Observed, RecordError> {
        Ok(Observed {
            kind: self.one_of(&OBSERVATIONS, "kind")?,
            link: self.link()?,
            host_stan: self.stan("host_stan")?,
            id: Some(self.id()?).filter(|id| id.0 != 0),
            wire_code: self.text("wire_code")?,
            at: self.timestamp("at")?,
        })
    }

    fn end(self) -> Result<(), RecordError> {
        match self.rest.len() {
            0 => Ok(()),
            left_bytes => Err(RecordError::Trailing { kind: self.kind, left_bytes }),
        }
    }
}
