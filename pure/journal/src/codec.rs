//! Records as bytes: little-endian base-128 numbers, texts with a length byte, nothing aligned.
//!
//! A kind's number means one layout for ever. A new layout takes a new number, and a journal with a number
//! this program does not know was written by a newer one and is not read by guessing.
use crate::vault::SEALED_BYTES;
use crate::{
    Card, DecidedBy, Declined, Kept, Key, Named, Observation, Observed, Owed, Record, Remembered, SealedPan,
    Sent, Vault,
};
use alloc::vec::Vec;
use terms::{
    Amount, BusinessDate, Code, Currency, Kind, LinkId, LocalTime, MessageType, Outcome, SourceId, Stan,
    Text, Timestamp, TxnId,
};

#[rustfmt::skip]
mod kind {
    // 1..=15 the journal itself, 16..=31 a transaction's life, 32..=47 what decides nothing. 48 and above are
    // free for what is owed (reversals, advices), days and keys.
    pub(super) const OPENED: u8 = 1;
    pub(super) const CLOSED: u8 = 2;
    pub(super) const SENT: u8 = 16;
    pub(super) const INQUIRED: u8 = 17;
    pub(super) const DECIDED: u8 = 18;
    pub(super) const TIMED_OUT: u8 = 19;
    pub(super) const NOT_SENT: u8 = 20;
    pub(super) const DECLINED: u8 = 21;
    pub(super) const OBSERVED: u8 = 32;
    pub(super) const NAMED: u8 = 3;
    pub(super) const KEPT: u8 = 4;
    pub(super) const NUMBERS: u8 = 5;
}

/// Why the bytes of a record (whose checksum is right) are not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A newer program wrote it.
    #[error("record of kind {kind}, which this version does not know: a newer version wrote this journal")]
    UnknownKind {
        /// The number that stands there.
        kind: u8,
    },
    /// It ends in the middle of a field.
    #[error("record of kind {kind} ends in the middle of {field}")]
    Truncated {
        /// Which kind of record.
        kind: u8,
        /// Which of its fields.
        field: &'static str,
    },
    /// A field holds what its type cannot mean.
    #[error("record of kind {kind}: impossible {field} at byte {at}")]
    Impossible {
        /// Which kind of record.
        kind: u8,
        /// Which of its fields.
        field: &'static str,
        /// Where in the record the next field would begin.
        at: usize,
    },
    /// Bytes are left over behind its last field.
    #[error("record of kind {kind} has {left_bytes} bytes too many")]
    Trailing {
        /// Which kind of record.
        kind: u8,
        /// How many.
        left_bytes: usize,
    },
}

/// Appends kind and fields of `record`.
pub(crate) fn encode(record: &Record, vault: &Vault, out: &mut Vec<u8>) {
    let mut out = Writer { out, vault };
    match record {
        Record::Opened { version, synced, at } => {
            out.byte(kind::OPENED);
            out.text(version);
            out.byte(u8::from(*synced));
            out.timestamp(*at);
        }
        Record::Closed { at } => {
            out.byte(kind::CLOSED);
            out.timestamp(*at);
        }
        Record::Sent(sent) => {
            out.byte(kind::SENT);
            out.sent(sent);
        }
        Record::Inquired(sent) => {
            out.byte(kind::INQUIRED);
            out.sent(sent);
        }
        Record::Decided { id, answer, wire_code, at } => {
            out.byte(kind::DECIDED);
            out.number(id.0);
            out.remembered(answer);
            out.text(wire_code);
            out.timestamp(*at);
        }
        Record::TimedOut { id, answer, owes, at } => {
            out.byte(kind::TIMED_OUT);
            out.number(id.0);
            out.remembered(answer);
            out.byte(place(&OWED, owes));
            out.timestamp(*at);
        }
        Record::NotSent { id, answer, at } => {
            out.byte(kind::NOT_SENT);
            out.number(id.0);
            out.remembered(answer);
            out.timestamp(*at);
        }
        Record::Declined(declined) => {
            out.byte(kind::DECLINED);
            out.declined(declined);
        }
        Record::Observed(observed) => {
            out.byte(kind::OBSERVED);
            out.observed(observed);
        }
        Record::Named { what, number, name } => {
            out.byte(kind::NAMED);
            out.byte(place(&NAMED, what));
            out.number(u64::from(*number));
            out.text(name);
        }
        Record::Kept(kept) => {
            out.byte(kind::KEPT);
            out.kept(kept);
        }
        Record::Numbers { next_id, link, last_stan } => {
            out.byte(kind::NUMBERS);
            out.number(next_id.0);
            out.number(link.map_or(0, |link| u64::from(link.0) + 1));
            out.number(u64::from(last_stan.0));
        }
    }
}

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
        kind::SENT => Record::Sent(from.sent()?),
        kind::INQUIRED => Record::Inquired(from.sent()?),
        kind::DECIDED => Record::Decided {
            id: from.id()?,
            answer: from.remembered()?,
            wire_code: from.text("wire_code")?,
            at: from.timestamp("at")?,
        },
        kind::TIMED_OUT => Record::TimedOut {
            id: from.id()?,
            answer: from.remembered()?,
            owes: from.one_of(&OWED, "owes")?,
            at: from.timestamp("at")?,
        },
        kind::NOT_SENT => {
            Record::NotSent { id: from.id()?, answer: from.remembered()?, at: from.timestamp("at")? }
        }
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
            link: from.link_plus_one()?,
            last_stan: from.stan("last_stan")?,
        },
        kind => return Err(RecordError::UnknownKind { kind }),
    };
    from.end()?;
    Ok(record)
}

// A place in one of these is what stands on disk: add at the end, never move.
const OUTCOMES: [Outcome; 4] = [Outcome::Approved, Outcome::Refused, Outcome::Unknown, Outcome::NotSent];
const OWED: [Owed; 2] = [Owed::Nothing, Owed::Reversal];
const NAMED: [Named; 2] = [Named::Link, Named::Source];
const DECIDED_BY: [DecidedBy; 4] = [DecidedBy::Host, DecidedBy::Silence, DecidedBy::Unsent, DecidedBy::Us];
const OBSERVATIONS: [Observation; 5] = [
    Observation::Late,
    Observation::Repeated,
    Observation::Stranger,
    Observation::Garbled,
    Observation::AskedAgain,
];

fn place<T: PartialEq>(all: &[T], one: &T) -> u8 {
    all.iter().position(|other| other == one).expect("the table lists every one") as u8
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    vault: &'a Vault,
}

impl Writer<'_> {
    fn byte(&mut self, byte: u8) {
        self.out.push(byte);
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.out.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }

    fn text<const N: usize>(&mut self, text: &Text<N>) {
        self.out.push(text.as_bytes().len() as u8);
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Signed, so that a clock before 1970 costs bytes and not the truth.
    fn timestamp(&mut self, at: Timestamp) {
        let ms = at.as_unix_ms();
        self.number(((ms << 1) ^ (ms >> 63)) as u64);
    }

    fn date(&mut self, date: Option<BusinessDate>) {
        self.number(date.map_or(0, |date| u64::from(date.as_yyyymmdd())));
    }

    fn local_time(&mut self, time: Option<LocalTime>) {
        self.date(time.map(|time| time.date));
        if let Some(time) = time {
            self.number(u64::from(time.second_of_day));
        }
    }

    fn card(&mut self, id: TxnId, card: &Card) {
        let sealed = match card {
            Card::None => return self.byte(0),
            Card::Clear(pan) => self.vault.seal(id, pan),
            Card::Sealed(sealed) => *sealed,
        };
        self.byte(1);
        self.out.extend_from_slice(&sealed.bytes);
    }

    fn key(&mut self, key: &Key) {
        self.number(u64::from(key.source.0));
        self.text(&key.terminal_id);
        self.number(u64::from(key.stan.0));
        self.local_time(key.local_time);
    }

    fn message(&mut self, message: MessageType) {
        let [class, function, origin] = message.digits().map(u64::from);
        self.number(class * 100 + function * 10 + origin);
    }

    fn remembered(&mut self, answer: &Remembered) {
        self.byte(place(&OUTCOMES, &answer.outcome));
        self.byte(answer.code as u8);
        self.text(&answer.approval_code);
        self.text(&answer.rrn);
        self.date(answer.settlement_date);
    }

    fn sent(&mut self, sent: &Sent) {
        self.number(sent.id.0);
        self.key(&sent.key);
        self.fingerprint(sent.fingerprint);
        self.message(sent.message);
        self.byte(sent.kind as u8);
        self.text(&sent.processing_code);
        self.card(sent.id, &sent.pan);
        self.number(sent.amount.minor_units());
        self.number(u64::from(sent.currency.number()));
        self.text(&sent.rrn);
        self.text(&sent.acquirer_id);
        self.text(&sent.transmitted_at);
        self.number(u64::from(sent.link.0));
        self.number(u64::from(sent.host_stan.0));
        self.text(&sent.host_rrn);
        self.text(&sent.host_transmitted_at);
        self.date(Some(sent.business_date));
        self.text(&sent.route);
        self.timestamp(sent.at);
    }

    fn fingerprint(&mut self, fingerprint: u64) {
        self.out.extend_from_slice(&fingerprint.to_le_bytes());
    }

    fn kept(&mut self, kept: &Kept) {
        self.number(kept.id.0);
        self.key(&kept.key);
        self.fingerprint(kept.fingerprint);
        self.byte(kept.kind as u8);
        self.byte(u8::from(kept.asked_host.is_some()));
        if let Some((link, stan)) = kept.asked_host {
            self.number(u64::from(link.0));
            self.number(u64::from(stan.0));
        }
        self.remembered(&kept.answer);
        self.byte(place(&DECIDED_BY, &kept.by));
    }

    fn declined(&mut self, declined: &Declined) {
        self.number(declined.id.0);
        self.key(&declined.key);
        self.fingerprint(declined.fingerprint);
        self.byte(u8::from(declined.takes_key));
        self.message(declined.message);
        self.byte(declined.kind as u8);
        self.card(declined.id, &declined.pan);
        self.number(declined.amount.minor_units());
        self.number(u64::from(declined.currency.number()));
        self.remembered(&declined.answer);
        self.text(&declined.reason);
        self.timestamp(declined.at);
    }

    fn observed(&mut self, observed: &Observed) {
        self.byte(place(&OBSERVATIONS, &observed.kind));
        self.number(u64::from(observed.link.0));
        self.number(u64::from(observed.host_stan.0));
        // Transactions are numbered from 1, so 0 is free to mean none.
        self.number(observed.id.map_or(0, |id| id.0));
        self.text(&observed.wire_code);
        self.timestamp(observed.at);
    }
}

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

    fn sent(&mut self) -> Result<Sent, RecordError> {
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
            business_date: self.date("business_date")?.ok_or_else(|| self.impossible("business_date"))?,
            route: self.text("route")?,
            at: self.timestamp("at")?,
            key,
        })
    }

    fn fingerprint(&mut self) -> Result<u64, RecordError> {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(self.take(8, "fingerprint")?);
        Ok(u64::from_le_bytes(bytes))
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
            asked_host: match self.flag("asked_host")? {
                true => Some((self.link()?, self.stan("host_stan")?)),
                false => None,
            },
            answer: self.remembered()?,
            by: self.one_of(&DECIDED_BY, "by")?,
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
