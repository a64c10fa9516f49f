//! From bytes to a transaction: decode, presence, and what each element is known as.

use crate::{
    card::named_in_track,
    dialect::{Dialect, two_digits},
    elements::Elements,
    error::{ReadError, ReadRefusal},
    original,
    reconciliation::{code_and_outcome, of_settlement_code},
    role::Form,
    slot::Slot,
};
use alloc::{boxed::Box, vec::Vec};
use iso8583::{Message, Value, decode, spec::Coding};
use terms::{
    Amount, BusinessDate, Carried, Class, Comparison, Currency, Figure, Kind, LocalTime, MessageType,
    Network, Noun, Pan, Stan, Text, Txn,
};
use wire::write::append;

/// A result whose error is the part of a [`ReadError`] that one element knows.
type Read<T> = Result<T, Wrong>;

/// What is wrong with a value that its element allows.
enum Wrong {
    NoSuchTime,
    Expected(&'static str),
}

impl Dialect {
    /// Reads one message body: decodes it, checks which elements are present, and says it in the switch's
    /// words.
    ///
    /// - `today` supplies the year where a message has none.
    /// - Errors: [`ReadRefusal`] with the first fault and whatever could be read in spite of it. Panics: never.
    /// - Cost: linear in `body.len()`; one allocation (what is carried), more where the message is refused.
    pub fn read(&self, body: &[u8], today: BusinessDate) -> Result<Txn, Box<ReadRefusal>> {
        match decode(&self.spec, body) {
            Ok(message) => self.understand(&message, None, today),
            Err(refusal) => self.understand(&refusal.partial, Some(ReadError::Decode(refusal.error)), today),
        }
    }

    /// What was said, when neither `fault` nor anything else is wrong with it.
    fn understand(
        &self,
        message: &Message<'_>,
        fault: Option<ReadError>,
        today: BusinessDate,
    ) -> Result<Txn, Box<ReadRefusal>> {
        let mti = message.mti();
        let digits = [mti[1], mti[2], mti[3]].map(|digit| digit.wrapping_sub(b'0'));
        let Some(message_type) = MessageType::from_digits(digits) else {
            return Err(refuse(fault.unwrap_or(ReadError::UnknownMessage { mti }), None));
        };
        let mut reading = Reading::new(self, message_type, message.body().len(), today);
        for (de, value) in message.iter() {
            if let Err(wrong) = reading.take(self.slots[de], &value) {
                reading.fault.get_or_insert(wrong.at(de as u8, value.offset()));
            }
        }
        reading.join_date_and_time();
        reading.look_for_card();
        reading.look_for_part();
        reading.look_for_totals();
        let fault = fault.or_else(|| self.fault_of_presence(message, digits)).or(reading.fault);
        match fault {
            None => Ok(reading.txn),
            Some(fault) => Err(refuse(fault, Some(reading.txn))),
        }
    }

    /// Whether the type is known, and all that must be there is there and nothing else.
    #[inline]
    fn fault_of_presence(&self, message: &Message<'_>, digits: [u8; 3]) -> Option<ReadError> {
        let Some(expected) = self.messages.get(digits) else {
            return Some(ReadError::UnknownMessage { mti: message.mti() });
        };
        let present = Elements::of_bitmaps(message.present());
        if let Some(de) = expected.mandatory.first_outside(&present) {
            return Some(ReadError::Missing { de });
        }
        let de = present.first_outside(&expected.allowed)?;
        let offset = message.get(usize::from(de)).map_or(0, |value| value.offset());
        Some(ReadError::Forbidden { de, offset })
    }
}

#[cold]
fn refuse(error: ReadError, partial: Option<Txn>) -> Box<ReadRefusal> {
    Box::new(ReadRefusal { error, partial })
}

impl Wrong {
    fn at(self, de: u8, offset: usize) -> ReadError {
        match self {
            Self::NoSuchTime => ReadError::NoSuchTime { de, offset },
            Self::Expected(expected) => ReadError::Impossible { de, offset, expected },
        }
    }
}

/// A transaction being put together from its elements.
struct Reading<'d> {
    dialect: &'d Dialect,
    today: BusinessDate,
    txn: Txn,
    time_of_day: Option<[u8; 3]>,
    local_date: Option<BusinessDate>,
    totals: Comparison,
    fault: Option<ReadError>,
}

impl<'d> Reading<'d> {
    fn new(dialect: &'d Dialect, message: MessageType, size: usize, today: BusinessDate) -> Self {
        let mut txn = Txn::new(message);
        // Digits packed two to a byte become characters, so what is carried can be longer than the body.
        txn.carried = Carried::with_capacity(size + size / 2 + 64);
        let totals = Comparison::default();
        Self { dialect, today, txn, time_of_day: None, local_date: None, totals, fault: None }
    }

    #[inline]
    fn take(&mut self, slot: Slot, value: &Value<'_>) -> Read<()> {
        let txn = &mut self.txn;
        match slot {
            Slot::Unmapped => {}
            Slot::Pan => txn.pan = pan(value)?,
            Slot::ProcessingCode => self.take_processing_code(value)?,
            Slot::Amount => txn.amount = Amount::minor(value.number().ok_or(Wrong::Expected("an amount"))?),
            Slot::TransmittedAt => txn.transmitted_at = text(value)?,
            Slot::Stan => txn.stan = Stan(number(value, "a trace number")?),
            Slot::TimeOfDay => self.time_of_day = Some(pairs(value)?),
            Slot::LocalDate => self.local_date = month_and_day(self.today, pairs(value)?)?,
            Slot::DateAndTime => txn.local_time = Some(date_and_time(self.today, pairs(value)?)?),
            Slot::SettlementMonthDay => txn.settlement_date = month_and_day(self.today, pairs(value)?)?,
            Slot::SettlementDate => txn.settlement_date = dated(self.today, pairs(value)?)?,
            Slot::AcquirerId => txn.acquirer_id = trimmed(value)?,
            Slot::Rrn => txn.rrn = text(value)?,
            Slot::ApprovalCode => txn.approval_code = text(value)?,
            Slot::ResponseCode => self.take_code(value)?,
            Slot::TerminalId => txn.terminal_id = trimmed(value)?,
            Slot::Currency => txn.currency = currency(value)?,
            Slot::NetworkCode => self.take_network(value)?,
            Slot::NetworkOrFunction if txn.message.class == Class::Network => self.take_network(value)?,
            Slot::NetworkOrFunction => carry(&mut txn.carried, Noun::FunctionCode, Form::Text, value)?,
            Slot::OriginalOf1987 => txn.original = Some(original::from_1987(digits(value).as_bytes())),
            Slot::OriginalOf1993 => txn.original = Some(original::from_1993(digits(value).as_bytes())),
            Slot::Remaining => txn.remaining = Some(remaining(value)?),
            Slot::Figure(Figure::Net) => self.totals.statement.set(Figure::Net, net(value)?),
            Slot::Figure(figure) => {
                let number = value.number().ok_or(Wrong::Expected("digits"))?;
                self.totals.statement.set(figure, i128::from(number));
            }
            Slot::ReconciledDate => self.totals.date = day_compared(self.today, value)?,
            Slot::SettlementCode => self.totals.balance = value.number().and_then(of_settlement_code),
            Slot::Carried(Noun::Account2, form) => {
                txn.to_account = text(value)?;
                carry(&mut txn.carried, Noun::Account2, form, value)?;
            }
            Slot::Carried(noun, form) => carry(&mut txn.carried, noun, form, value)?,
        }
        Ok(())
    }

    fn take_processing_code(&mut self, value: &Value<'_>) -> Read<()> {
        let code: Text<6> = text(value)?;
        if let &[tens, ones, ..] = code.as_bytes() {
            self.txn.kind = self.dialect.kinds[two_digits([tens, ones])].unwrap_or(Kind::Purchase);
        }
        self.txn.processing_code = code;
        Ok(())
    }

    /// In a request this element says why, not what became of it: then only its characters are kept.
    fn take_code(&mut self, value: &Value<'_>) -> Read<()> {
        self.txn.wire_code = text(value)?;
        if !self.txn.message.asks() {
            let (code, outcome) = self.dialect.codes.read(self.txn.wire_code.as_bytes(), self.txn.message);
            self.txn.code = Some(code);
            self.txn.outcome = Some(outcome);
            self.take_verdict();
        }
        Ok(())
    }

    /// In an answer to totals some codes say what the comparison came to, which is neither yes nor no.
    fn take_verdict(&mut self) {
        if self.txn.message.class != Class::Reconciliation {
            return;
        }
        let rule = self.dialect.reconciliation.as_ref();
        if let Some(balance) = rule.and_then(|rule| rule.balance_of(self.txn.wire_code.as_bytes())) {
            let (code, outcome) = code_and_outcome(balance);
            (self.txn.code, self.txn.outcome) = (Some(code), Some(outcome));
            self.totals.balance = balance;
        }
    }

    /// The digits are carried too, because an answer repeats them even where nobody knows what they mean.
    fn take_network(&mut self, value: &Value<'_>) -> Read<()> {
        let code: Text<3> = text(value)?;
        let known = self.dialect.network.iter().find(|(digits, _)| digits == code.as_bytes());
        self.txn.network = known.map_or(Network::Other, |&(_, network)| network);
        self.txn.carried.push(Noun::FunctionCode, code.as_bytes());
        Ok(())
    }

    /// A terminal that sends the track need not say the number besides; routing and reversals want it.
    #[inline]
    fn look_for_card(&mut self) {
        if self.txn.pan.is_none() && self.txn.message.asks() {
            self.txn.pan = named_in_track(&self.txn.carried);
            self.txn.pan_in_track = !self.txn.pan.is_none();
        }
    }

    /// Where a function code says that a part of the amount remains valid, the amount is that part, and what was
    /// asked for stands beside it.
    fn look_for_part(&mut self) {
        let Some(code) = self.dialect.partial_reversal else { return };
        let txn = &mut self.txn;
        if txn.message.class != Class::Reversal || txn.carried.get(Noun::FunctionCode) != Some(&code[..]) {
            return;
        }
        let whole = txn.carried.get(Noun::OriginalAmount).and_then(|digits| digits.get(..12));
        let whole = whole.filter(|digits| digits.iter().all(u8::is_ascii_digit)).unwrap_or_default();
        let whole = whole.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        txn.remaining = Some(core::mem::replace(&mut txn.amount, Amount::minor(whole)));
    }

    /// What the message says of a day, where it is one about that.
    fn look_for_totals(&mut self) {
        if self.txn.message.class != Class::Reconciliation {
            return;
        }
        let said = self.txn.carried.get(Noun::SettlementCurrency);
        let number = said.filter(|digits| digits.len() == 3 && digits.iter().all(u8::is_ascii_digit));
        let number =
            number.map(|digits| digits.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')));
        let currency = number.and_then(Currency::numeric).unwrap_or(self.txn.currency);
        self.txn.totals = Some(Box::new(Comparison { currency, ..self.totals }));
    }

    fn join_date_and_time(&mut self) {
        let Some([hour, minute, second]) = self.time_of_day else { return };
        self.txn.local_time = LocalTime::new(self.local_date.unwrap_or(self.today), hour, minute, second);
        if self.txn.local_time.is_none() && self.fault.is_none() {
            let at = self.dialect.slots.iter().position(|slot| *slot == Slot::TimeOfDay);
            self.fault = Some(ReadError::NoSuchTime { de: at.unwrap_or(0) as u8, offset: 0 });
        }
    }
}

#[inline]
fn text<const N: usize>(value: &Value<'_>) -> Read<Text<N>> {
    value.text::<N>().ok_or(Wrong::Expected("fewer characters"))
}

/// Without the spaces that fill up a fixed element.
#[inline]
fn trimmed<const N: usize>(value: &Value<'_>) -> Read<Text<N>> {
    if value.coding() == Coding::Ascii && value.length() <= N {
        return Ok(Text::clipped(value.wire().trim_ascii_end()));
    }
    let whole: Text<N> = text(value)?;
    Ok(Text::clipped(whole.as_bytes().trim_ascii_end()))
}

#[inline]
fn number(value: &Value<'_>, expected: &'static str) -> Read<u32> {
    value.number().and_then(|number| u32::try_from(number).ok()).ok_or(Wrong::Expected(expected))
}

#[inline]
fn pan(value: &Value<'_>) -> Read<Pan> {
    match value.coding() {
        Coding::Ascii => pan_of(value.wire()),
        _ => pan_of(text::<19>(value)?.as_bytes()),
    }
}

#[inline]
fn pan_of(digits: &[u8]) -> Read<Pan> {
    if digits.is_empty() { Ok(Pan::NONE) } else { Pan::new(digits).ok_or(Wrong::Expected("digits")) }
}

#[inline]
fn currency(value: &Value<'_>) -> Read<Currency> {
    let expected = Wrong::Expected("three digits of a currency");
    match value.number().filter(|_| value.length() == 3) {
        Some(number) => Currency::numeric(number as u16).ok_or(expected),
        None => match text::<3>(value)?.as_bytes() {
            b"   " | b"" => Ok(Currency::NONE),
            _ => Err(expected),
        },
    }
}

/// The value as `N` numbers of two digits each.
#[inline]
fn pairs<const N: usize>(value: &Value<'_>) -> Read<[u8; N]> {
    let mut number = value.number().filter(|_| value.length() == 2 * N).ok_or(Wrong::NoSuchTime)?;
    let mut pairs = [0; N];
    for pair in pairs.iter_mut().rev() {
        *pair = (number % 100) as u8;
        number /= 100;
    }
    Ok(pairs)
}

/// A net: `C` or `D`, and digits.
fn net(value: &Value<'_>) -> Read<i128> {
    let expected = "C or D, and digits";
    let text = digits(value);
    let (sign, number) = text.as_bytes().split_first().ok_or(Wrong::Expected(expected))?;
    if number.is_empty() || number.len() > 30 || !number.iter().all(u8::is_ascii_digit) {
        return Err(Wrong::Expected(expected));
    }
    let number = number.iter().fold(0, |sum, digit| sum * 10 + i128::from(digit - b'0'));
    match sign {
        b'C' => Ok(number),
        b'D' => Ok(-number),
        _ => Err(Wrong::Expected(expected)),
    }
}

/// The day that is compared, with a year or without.
fn day_compared(today: BusinessDate, value: &Value<'_>) -> Read<Option<BusinessDate>> {
    if value.length() == 6 { dated(today, pairs(value)?) } else { month_and_day(today, pairs(value)?) }
}

/// The day that `MMDD` means near `today`; zeros mean that nobody said.
fn month_and_day(today: BusinessDate, [month, day]: [u8; 2]) -> Read<Option<BusinessDate>> {
    if [month, day] == [0, 0] {
        return Ok(None);
    }
    let (year, this_month, _) = today.ymd();
    // Within four months the nearest such day is this year's; only the others need a calendar.
    let near = if this_month.abs_diff(month) <= 4 { BusinessDate::new(year, month, day) } else { None };
    near.or_else(|| today.nearest(month, day)).map(Some).ok_or(Wrong::NoSuchTime)
}

/// The day that `YYMMDD` means: the century is the one nearest to `today`.
fn dated(today: BusinessDate, [year, month, day]: [u8; 3]) -> Read<Option<BusinessDate>> {
    if [year, month, day] == [0, 0, 0] {
        return Ok(None);
    }
    let this_year = i32::from(today.ymd().0);
    let away = (i32::from(year) - this_year).rem_euclid(100);
    let full = this_year + if away > 50 { away - 100 } else { away };
    let date = u16::try_from(full).ok().and_then(|year| BusinessDate::new(year, month, day));
    date.map(Some).ok_or(Wrong::NoSuchTime)
}

fn date_and_time(today: BusinessDate, [year, month, day, hour, minute, second]: [u8; 6]) -> Read<LocalTime> {
    dated(today, [year, month, day])?
        .and_then(|date| LocalTime::new(date, hour, minute, second))
        .ok_or(Wrong::NoSuchTime)
}

#[inline]
fn carry(carried: &mut Carried, noun: Noun, form: Form, value: &Value<'_>) -> Read<()> {
    let mut fits = true;
    carried.push_with(noun, |out| match form {
        Form::Text => copy(value, out),
        Form::Trimmed => {
            let start = out.len();
            copy(value, out);
            let kept = out[start..].trim_ascii_end().len();
            out.truncate(start + kept);
        }
        Form::Track => {
            let start = out.len();
            copy(value, out);
            out[start..]
                .iter_mut()
                .for_each(|one| *one = if matches!(one, b'D' | b'd') { b'=' } else { *one });
        }
        Form::Bytes | Form::Packed if value.is_bytes() => value.bytes_into(out),
        Form::Bytes | Form::Packed => fits = pack(value, out),
    });
    if fits { Ok(()) } else { Err(Wrong::Expected("an even number of hex digits")) }
}

/// Appends a value as it is carried; most are short text and stand there already.
#[inline]
fn copy(value: &Value<'_>, out: &mut Vec<u8>) {
    match value.coding() {
        Coding::Ascii => append(value.wire(), out),
        _ => value.bytes_into(out),
    }
}

/// Hex characters of a text element as the bytes they stand for.
fn pack(value: &Value<'_>, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    value.text_into(out);
    let kept = out[start..].trim_ascii_end().len();
    if !kept.is_multiple_of(2) {
        out.truncate(start);
        return false;
    }
    for at in 0..kept / 2 {
        let nibble = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
        let (Some(high), Some(low)) = (nibble(out[start + 2 * at]), nibble(out[start + 2 * at + 1])) else {
            out.truncate(start);
            return false;
        };
        out[start + at] = high << 4 | low;
    }
    out.truncate(start + kept / 2);
    true
}

fn digits(value: &Value<'_>) -> Text<64> {
    value.text().unwrap_or(Text::EMPTY)
}

/// The first twelve digits: the amount of the transaction that remains valid.
fn remaining(value: &Value<'_>) -> Read<Amount> {
    let said = digits(value);
    let amount = said.as_bytes().get(..12).filter(|amount| amount.iter().all(u8::is_ascii_digit));
    let amount = amount.ok_or(Wrong::Expected("an amount of twelve digits"))?;
    Ok(Amount::minor(amount.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'))))
}
