//! From a transaction to bytes: requests to hosts, answers to sources.

use crate::{
    dialect::{Dialect, two_digits},
    elements::Elements,
    error::WriteError,
    index::Index,
    original,
    presence::Message,
    reconciliation::settlement_code,
    role::Form,
    slot::{Slot, longest},
};
use alloc::{vec, vec::Vec};
use iso8583::{
    Writer,
    spec::{Coding, Shape},
};
use terms::{
    Amount, Answer, BusinessDate, Carried, Class, Code, Comparison, Currency, Figure, Kind, LocalTime,
    MessageType, Network, Noun, Original, Outgoing, Rrn, Stan, Text, Txn,
};

impl Dialect {
    /// Writes a request to a host: his edition's message type, our trace number, reference number and time,
    /// everything else from the transaction. Appended to `out`; on an error `out` is as it was.
    ///
    /// - Errors: [`WriteError`]; the host must then be told nothing and the source gets an answer of ours.
    /// - Cost: linear in the message; no allocation but growth of `out`.
    pub fn write_request(&self, txn: &Txn, ours: &Outgoing, out: &mut Vec<u8>) -> Result<(), WriteError> {
        self.write_request_as(txn, ours, false, out)
    }

    /// [`Dialect::write_request`] with room for the authentication code, where messages of this type carry one: see
    /// [`Dialect::covered`].
    pub fn write_request_with_room(
        &self,
        txn: &Txn,
        ours: &Outgoing,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        self.write_request_as(txn, ours, true, out)
    }

    fn write_request_as(
        &self,
        txn: &Txn,
        ours: &Outgoing,
        coded: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        let mut wanted = txn.message;
        wanted.origin |= u8::from(ours.repeat);
        let message = self.named_message(wanted)?;
        if !self.can_say(txn) {
            return Err(WriteError::UnknownKind { kind: txn.kind });
        }
        let carried = Index::of(self, &txn.carried);
        let mut said = Said::request(self, txn, &carried);
        said.stan = Some(ours.stan);
        said.rrn = ours.rrn;
        said.transmitted_at = ours.transmitted_at;
        let room = self.room_in(message, coded)?;
        Writing { dialect: self, message, said: &said, repeated: None, lenient: false, room }.write(out)
    }

    /// The element that is kept free for the authentication code of such a message.
    fn room_in(&self, message: &Message, coded: bool) -> Result<Option<u8>, WriteError> {
        let Some(kind) = MessageType::from_digits(message.digits).filter(|_| coded) else { return Ok(None) };
        match self.mac().filter(|_| self.authenticates(kind)).map(|rule| rule.position_in(kind)) {
            Some(de) if message.allowed.contains(de) => Ok(Some(de)),
            Some(de) => Err(WriteError::Missing { de }),
            None => Ok(None),
        }
    }

    /// Writes the answer to a request: the type that answers it, the elements this dialect repeats as the
    /// request had them, the code by its table, the rest from the answer. Appended to `out`; on an error `out`
    /// is as it was.
    ///
    /// An answer that reports a format error is written with whatever was read of the request, complete or
    /// not. Where something the host added does not fit this source's elements, the answer is written without
    /// what the host added: the decision is worth more than its trimmings.
    ///
    /// - Errors: [`WriteError`]. Cost: linear in the message; no allocation but growth of `out`.
    pub fn write_answer(&self, request: &Txn, answer: &Answer, out: &mut Vec<u8>) -> Result<(), WriteError> {
        self.write_answer_as(request, answer, false, out)
    }

    /// [`Dialect::write_answer`] with room for the authentication code, where messages of this type carry one.
    pub fn write_answer_with_room(
        &self,
        request: &Txn,
        answer: &Answer,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        self.write_answer_as(request, answer, true, out)
    }

    fn write_answer_as(
        &self,
        request: &Txn,
        answer: &Answer,
        coded: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), WriteError> {
        let wanted = request.message.answered_by().ok_or(WriteError::WantsNoAnswer)?;
        let message = self.named_message(wanted)?;
        let asked = Index::of(self, &request.carried);
        let repeated = Said { rrn: or(request.rrn, answer.rrn), ..Said::request(self, request, &asked) };
        // What the source did not say itself does not come back to it.
        let repeated = Said { card_in_track: request.pan_in_track, ..repeated };
        let lenient = answer.code == Code::FormatError;
        let room = self.room_in(message, coded)?;
        let write = |carried: &Carried, out: &mut Vec<u8>| {
            let carried = Index::of(self, carried);
            let said = Said::answer(self, request, answer, &carried);
            Writing { dialect: self, message, said: &said, repeated: Some(&repeated), lenient, room }
                .write(out)
        };
        match write(&answer.carried, out) {
            Err(WriteError::Encode(_)) if !answer.carried.is_empty() => write(&Carried::default(), out),
            written => written,
        }
    }

    /// Whether what is carried says the card here too, in a track or in the data of its chip.
    fn says_track(&self, carried: &Index<'_>) -> bool {
        let said = |noun| carried.get(noun).is_some() && self.places[noun as usize].is_some();
        said(Noun::Track2) || said(Noun::IccData)
    }

    fn named_message(&self, wanted: MessageType) -> Result<&Message, WriteError> {
        let [class, function, _] = wanted.digits();
        self.messages.to_write(wanted).ok_or(WriteError::UnknownMessage { class, function })
    }

    /// Whether there are digits for what is wanted: not where the source's own mean something else here and
    /// there are none for this, nor where the source never wrote any, as for the legs of a transfer.
    fn can_say(&self, txn: &Txn) -> bool {
        let digits = txn.processing_code.as_bytes();
        let &[tens, ones, ..] = digits else { return true };
        let means = self.kinds[two_digits([tens, ones])];
        let is_leg = matches!(txn.kind, Kind::TransferOut | Kind::TransferIn);
        let says_this = means == Some(txn.kind) || (means.is_none() && !is_leg);
        says_this || txn.kind == Kind::Purchase || self.writes_kind(txn.kind)
    }

    /// The processing code as this network writes it: the source's own digits where they mean the same here,
    /// otherwise this network's digits for the kind and the source's for the accounts.
    fn processing_code(&self, txn: &Txn) -> Text<6> {
        let digits = txn.processing_code.as_bytes();
        let means = |tens, ones| self.kinds[two_digits([tens, ones])];
        match digits {
            &[tens, ones, ..] if means(tens, ones).unwrap_or(Kind::Purchase) == txn.kind => {
                txn.processing_code
            }
            _ => match self.kind_texts.iter().find(|(_, kind)| *kind == txn.kind) {
                None => txn.processing_code,
                Some(([tens, ones], _)) => {
                    let mut code = *b"000000";
                    let accounts = digits.get(2..6).unwrap_or(b"0000");
                    code[..2].copy_from_slice(&[*tens, *ones]);
                    code[2..].copy_from_slice(accounts);
                    Text::clipped(&code)
                }
            },
        }
    }
}

fn or(first: Rrn, second: Rrn) -> Rrn {
    if first.is_empty() { second } else { first }
}

/// Everything there is to say, from one side.
struct Said<'a> {
    /// What only a request knows: card, amount, terminal and so on.
    txn: Option<&'a Txn>,
    processing_code: Text<6>,
    stan: Option<Stan>,
    rrn: Rrn,
    transmitted_at: Text<10>,
    settlement_date: Option<BusinessDate>,
    approval_code: Text<6>,
    code: Text<4>,
    totals: Option<&'a Comparison>,
    /// Whether the card need not be said, because the track that says it comes along.
    card_in_track: bool,
    carried: &'a Index<'a>,
}

impl<'a> Said<'a> {
    fn request(dialect: &Dialect, txn: &'a Txn, carried: &'a Index<'a>) -> Self {
        Self {
            txn: Some(txn),
            processing_code: dialect.processing_code(txn),
            stan: Some(txn.stan),
            rrn: txn.rrn,
            transmitted_at: txn.transmitted_at,
            settlement_date: txn.settlement_date,
            approval_code: txn.approval_code,
            code: txn.wire_code,
            totals: txn.totals.as_deref(),
            card_in_track: txn.pan_in_track && dialect.says_track(carried),
            carried,
        }
    }

    fn answer(dialect: &Dialect, request: &Txn, answer: &'a Answer, carried: &'a Index<'a>) -> Self {
        Self {
            txn: None,
            processing_code: Text::EMPTY,
            stan: None,
            rrn: or(answer.rrn, request.rrn),
            transmitted_at: Text::EMPTY,
            settlement_date: answer.settlement_date,
            approval_code: answer.approval_code,
            totals: answer.totals.as_deref(),
            code: match answer.wire_code {
                _ if let Some(code) = verdict(dialect, answer) => code,
                said if dialect.codes.says(said.as_bytes(), answer.code, answer.outcome, request.message) => {
                    said
                }
                _ => dialect.codes.write(answer.code, request.message),
            },
            card_in_track: false,
            carried,
        }
    }
}

/// What one element is to hold.
enum Datum<'a> {
    Nothing,
    Number(u64),
    Text(&'a [u8]),
    Digits([u8; 3]),
    /// An original, in the layout of 1987.
    OriginalOf1987(&'a Original),
    /// An original, in the layout of 1993.
    OriginalOf1993(&'a Original),
    /// What remains valid, in the layout of DE 95 of 1987.
    Remaining(Amount),
    /// What was asked for, in the layout of DE 30 of 1993.
    OriginalAmount(Amount),
    /// What is left of a day's amounts.
    Net(i128),
    Bytes(&'a [u8]),
    /// Bytes for an element that holds digits or hex characters.
    Unpacked(&'a [u8]),
    /// Room for the authentication code.
    Room,
}

struct Writing<'a> {
    dialect: &'a Dialect,
    message: &'a Message,
    said: &'a Said<'a>,
    /// In an answer: the request, for the elements that are repeated from it.
    repeated: Option<&'a Said<'a>>,
    lenient: bool,
    /// The element kept free for the authentication code.
    room: Option<u8>,
}

impl Writing<'_> {
    fn write(&self, out: &mut Vec<u8>) -> Result<(), WriteError> {
        let start = out.len();
        let written = self.write_all(out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    fn write_all(&self, out: &mut Vec<u8>) -> Result<(), WriteError> {
        let candidates = self.candidates();
        let bitmaps = self.bitmaps(candidates);
        let mut writer = Writer::new(&self.dialect.spec, self.dialect.mti(self.message.digits), bitmaps, out);
        let mut present = Elements::default();
        for de in candidates.iter() {
            if self.put(de, &mut writer)? {
                present.insert(de);
            }
        }
        writer.finish()?;
        // The authentication code is computed over what stands here, so it comes after.
        match self.message.demanded.first_outside(&present) {
            Some(de) if !self.lenient => Err(WriteError::Missing { de }),
            _ => Ok(()),
        }
    }

    fn width_of(&self, de: u8) -> usize {
        shape(self.dialect, de).map_or(0, |shape| usize::from(longest(shape)))
    }

    /// How many bitmaps there must be for those of the candidates in which there is something to say.
    fn bitmaps(&self, candidates: Elements) -> usize {
        let said = |de: &u8| !matches!(self.datum(*de), Datum::Nothing);
        match candidates.beyond_64().iter().filter(said).last() {
            None | Some(..=64) => 1,
            Some(65..=128) => 2,
            Some(_) => 3,
        }
    }

    /// The elements there may be something to say in: a few more than there will be, never fewer.
    fn candidates(&self) -> Elements {
        let repeated = self.repeated.map_or(Elements::default(), |said| said.carried.elements);
        let said = self.said.carried.elements.or(repeated.and(self.message.echo));
        let mut said = said.or(self.dialect.decided).or(self.message.demanded).and(self.message.writable);
        if let Some(de) = self.room {
            said.insert(de);
        }
        said
    }

    #[inline]
    fn put(&self, de: u8, writer: &mut Writer<'_>) -> Result<bool, WriteError> {
        match self.datum(de) {
            Datum::Nothing => return Ok(false),
            Datum::Number(number) => writer.put_number(usize::from(de), number)?,
            Datum::Text(text) => writer.put_text(usize::from(de), text)?,
            Datum::Digits(digits) => writer.put_text(usize::from(de), &digits)?,
            Datum::OriginalOf1987(held) => put_made(de, original::to_1987(held), writer)?,
            Datum::OriginalOf1993(held) => put_made(de, original::to_1993(held), writer)?,
            Datum::Remaining(amount) => put_made(de, replacement_amounts(amount), writer)?,
            Datum::OriginalAmount(amount) => put_made(de, original_amounts(amount), writer)?,
            Datum::Net(net) => put_made(de, net_amount(net, self.width_of(de)), writer)?,
            Datum::Bytes(bytes) => writer.put_bytes(usize::from(de), bytes)?,
            Datum::Unpacked(bytes) => writer.put_text(usize::from(de), &unpacked(bytes))?,
            Datum::Room => {
                let shape = shape(self.dialect, de);
                let characters = usize::from(shape.map_or(0, longest));
                match shape.is_some_and(|shape| is_bytes(shape.coding)) {
                    true => writer.put_bytes(usize::from(de), &vec![0; characters])?,
                    false => writer.put_text(usize::from(de), &vec![b'0'; characters])?,
                }
            }
        }
        Ok(true)
    }

    /// What is written to an element that must be there and for which nobody has anything.
    fn stand_in(&self, de: u8) -> Datum<'_> {
        match (self.message.default_of(de), self.dialect.slots[usize::from(de)]) {
            (Some(text), _) => Datum::Text(text),
            // A transaction without an amount is one of nothing.
            (None, Slot::Amount) if !self.lenient => Datum::Number(0),
            (None, _) => Datum::Nothing,
        }
    }

    /// What this element is to hold: the request's own word where it is repeated, otherwise what this side
    /// says, otherwise the default where it must be there.
    #[inline(always)]
    fn datum(&self, de: u8) -> Datum<'_> {
        if self.room == Some(de) {
            return Datum::Room;
        }
        let repeated = self.repeated.filter(|_| self.message.echo.contains(de));
        let datum = said_of(self.dialect, repeated.unwrap_or(self.said), de, self.message);
        match datum {
            Datum::Nothing => self.datum_else(de, repeated.is_some()),
            datum => datum,
        }
    }

    /// The same where the first to be asked has nothing.
    #[cold]
    fn datum_else(&self, de: u8, is_repeated: bool) -> Datum<'_> {
        let own =
            if is_repeated { said_of(self.dialect, self.said, de, self.message) } else { Datum::Nothing };
        match own {
            Datum::Nothing if self.message.demanded.contains(de) => self.stand_in(de),
            own => own,
        }
    }
}

/// What `said` has for an element.
// Inlined always: a datum that is returned is copied through memory, and there is one for every element.
#[inline(always)]
fn said_of<'a>(dialect: &Dialect, said: &'a Said<'a>, de: u8, message: &Message) -> Datum<'a> {
    let of_request = |pick: fn(&'a Txn) -> Datum<'a>| said.txn.map_or(Datum::Nothing, pick);
    match dialect.slots[usize::from(de)] {
        Slot::Unmapped => Datum::Nothing,
        Slot::Pan if said.card_in_track && !message.demanded.contains(de) => Datum::Nothing,
        Slot::Pan => {
            of_request(|txn| if txn.pan.is_none() { Datum::Nothing } else { Datum::Text(txn.pan.expose()) })
        }
        Slot::ProcessingCode => filled(said.processing_code.as_bytes()),
        Slot::Amount if let Some((_, _, remaining)) = part_of(dialect, said, message) => {
            Datum::Number(remaining.minor_units())
        }
        Slot::Amount => of_request(|txn| match txn.amount.minor_units() {
            0 if txn.currency == Currency::NONE => Datum::Nothing,
            units => Datum::Number(units),
        }),
        Slot::TransmittedAt => filled(said.transmitted_at.as_bytes()),
        Slot::Stan => said.stan.map_or(Datum::Nothing, |stan| Datum::Number(u64::from(stan.0))),
        Slot::TimeOfDay => local(said, time_of_day),
        Slot::LocalDate => local(said, |time| month_day(time.date)),
        Slot::DateAndTime => local(said, date_and_time),
        Slot::SettlementMonthDay => {
            said.settlement_date.map_or(Datum::Nothing, |date| Datum::Number(month_day(date)))
        }
        Slot::SettlementDate => {
            said.settlement_date.map_or(Datum::Nothing, |date| Datum::Number(year_month_day(date)))
        }
        Slot::AcquirerId => of_request(|txn| filled(txn.acquirer_id.as_bytes())),
        Slot::Rrn => filled(said.rrn.as_bytes()),
        Slot::ApprovalCode => filled(said.approval_code.as_bytes()),
        // In a request it is a reason in the sender's own digits; filled up to another width it would be another.
        Slot::ResponseCode => match shape(dialect, de) {
            Some(shape) if said.code.as_bytes().len() == usize::from(longest(shape)) => {
                filled(said.code.as_bytes())
            }
            _ => Datum::Nothing,
        },
        Slot::TerminalId => of_request(|txn| filled(txn.terminal_id.as_bytes())),
        Slot::Currency => of_request(|txn| match txn.currency {
            Currency::NONE => Datum::Nothing,
            currency => Datum::Digits(three_digits(currency.number())),
        }),
        Slot::NetworkCode => network_code(dialect, said),
        Slot::NetworkOrFunction if message.digits[0] == Class::Network as u8 => network_code(dialect, said),
        Slot::NetworkOrFunction | Slot::Carried(Noun::FunctionCode, _)
            if let Some((code, ..)) = part_of(dialect, said, message) =>
        {
            Datum::Digits(code)
        }
        Slot::Carried(Noun::OriginalAmount, _)
            if let Some((_, whole, _)) = part_of(dialect, said, message) =>
        {
            Datum::OriginalAmount(whole)
        }
        Slot::NetworkOrFunction => said.carried.get(Noun::FunctionCode).map_or(Datum::Nothing, Datum::Text),
        Slot::OriginalOf1987 => {
            of_request(|txn| txn.original.as_ref().map_or(Datum::Nothing, Datum::OriginalOf1987))
        }
        Slot::OriginalOf1993 => {
            of_request(|txn| txn.original.as_ref().map_or(Datum::Nothing, Datum::OriginalOf1993))
        }
        Slot::Remaining => of_request(|txn| txn.remaining.map_or(Datum::Nothing, Datum::Remaining)),
        Slot::Figure(figure) => {
            let value = said.totals.and_then(|totals| totals.statement.get(figure));
            match (figure, value) {
                (_, None) => Datum::Nothing,
                (Figure::Net, Some(net)) => Datum::Net(net),
                // More than there is room for is said as what fits nowhere, and refused there.
                (_, Some(value)) => Datum::Number(u64::try_from(value).unwrap_or(u64::MAX)),
            }
        }
        Slot::ReconciledDate => match (said.totals.and_then(|totals| totals.date), shape(dialect, de)) {
            (Some(date), Some(shape)) if longest(shape) == 6 => Datum::Number(year_month_day(date)),
            (Some(date), Some(_)) => Datum::Number(month_day(date)),
            _ => Datum::Nothing,
        },
        Slot::SettlementCode => {
            let balance = said.totals.and_then(|totals| totals.balance);
            balance.map_or(Datum::Nothing, |balance| Datum::Number(settlement_code(balance)))
        }
        // Each leg has its own authentication code, made when the rest stands there.
        Slot::Carried(Noun::Mac, _) => Datum::Nothing,
        Slot::Carried(noun, form) => match (said.carried.get(noun), shape(dialect, de)) {
            (Some(held), Some(shape)) => carried(held, form, shape),
            _ => Datum::Nothing,
        },
    }
}

/// In a reversal that leaves a part valid, where a function code says so: that code, what was asked for, and
/// what remains.
#[inline]
fn part_of(dialect: &Dialect, said: &Said<'_>, message: &Message) -> Option<([u8; 3], Amount, Amount)> {
    let code = dialect.partial_reversal.filter(|_| message.digits[0] == Class::Reversal as u8)?;
    let txn = said.txn?;
    Some((code, txn.amount, txn.remaining?))
}

#[inline]
fn shape(dialect: &Dialect, de: u8) -> Option<&Shape> {
    dialect.spec.fields.get(usize::from(de))?.as_ref()
}

fn filled(text: &[u8]) -> Datum<'_> {
    if text.is_empty() { Datum::Nothing } else { Datum::Text(text) }
}

fn local<'a>(said: &Said<'a>, number: fn(LocalTime) -> u64) -> Datum<'a> {
    said.txn.and_then(|txn| txn.local_time).map_or(Datum::Nothing, |time| Datum::Number(number(time)))
}

fn carried<'a>(held: &'a [u8], form: Form, shape: &Shape) -> Datum<'a> {
    match form {
        _ if is_bytes(shape.coding) => Datum::Bytes(held),
        Form::Bytes => Datum::Unpacked(held),
        // Digits in this edition: bytes that hold no digits cannot be said, and nobody could use them.
        Form::Packed if held.iter().all(|byte| byte >> 4 <= 9 && byte & 0xF <= 9) => Datum::Unpacked(held),
        Form::Packed => Datum::Nothing,
        Form::Trimmed => Datum::Text(&held[..held.len().min(usize::from(longest(shape)))]),
        Form::Text | Form::Track => Datum::Text(held),
    }
}

/// Whether values in this coding are bytes, and not characters.
const fn is_bytes(coding: Coding) -> bool {
    matches!(coding, Coding::Binary | Coding::HexAscii | Coding::HexEbcdic)
}

fn network_code<'a>(dialect: &Dialect, said: &'a Said<'a>) -> Datum<'a> {
    let Some(txn) = said.txn else { return Datum::Nothing };
    let own = said.carried.get(Noun::FunctionCode);
    let means =
        |digits: &[u8]| dialect.network.iter().find(|(one, _)| one == digits).map(|&(_, network)| network);
    match own {
        // The digits that were sent, wherever they mean here what was meant.
        Some(digits) if txn.network == Network::Other || means(digits) == Some(txn.network) => {
            Datum::Text(digits)
        }
        _ => match dialect.network.iter().find(|(_, network)| *network == txn.network) {
            Some((digits, _)) => Datum::Digits(*digits),
            None => Datum::Nothing,
        },
    }
}

/// DE 95 of 1987: what remains of the amount, nothing said of settlement and fees.
fn replacement_amounts(remaining: Amount) -> Text<42> {
    let mut out = *b"000000000000000000000000C00000000C00000000";
    let mut rest = remaining.minor_units();
    for digit in out[..12].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    Text::clipped(&out)
}

/// DE 30 of 1993: what was asked for, nothing said of its reconciliation.
fn original_amounts(whole: Amount) -> Text<42> {
    let mut out = [b'0'; 24];
    let mut rest = whole.minor_units();
    for digit in out[..12].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    Text::clipped(&out)
}

/// `C` or `D`, and so many digits as fill the element.
fn net_amount(net: i128, width: usize) -> Text<42> {
    let mut out = [b'0'; 42];
    out[0] = if net < 0 { b'D' } else { b'C' };
    let width = width.clamp(1, out.len());
    let mut rest = net.unsigned_abs();
    for digit in out[1..width].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    Text::clipped(&out[..width])
}

/// The response code of a verdict, where this partner has codes for that.
fn verdict(dialect: &Dialect, answer: &Answer) -> Option<Text<4>> {
    let balance = answer.totals.as_ref()?.balance;
    let code = dialect.reconciliation.as_ref()?.code_of(balance);
    (!code.is_empty()).then_some(code)
}

fn put_made(de: u8, made: Text<42>, writer: &mut Writer<'_>) -> Result<(), WriteError> {
    Ok(writer.put_text(usize::from(de), made.as_bytes())?)
}

fn time_of_day(time: LocalTime) -> u64 {
    let (hour, minute, second) = time.hms();
    u64::from(hour) * 10_000 + u64::from(minute) * 100 + u64::from(second)
}

fn month_day(date: BusinessDate) -> u64 {
    u64::from(date.as_yyyymmdd() % 10_000)
}

fn year_month_day(date: BusinessDate) -> u64 {
    u64::from(date.as_yyyymmdd() % 1_000_000)
}

fn date_and_time(time: LocalTime) -> u64 {
    year_month_day(time.date) * 1_000_000 + time_of_day(time)
}

fn three_digits(number: u16) -> [u8; 3] {
    [number / 100 % 10, number / 10 % 10, number % 10].map(|digit| b'0' + digit as u8)
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 0xF)]]).collect()
}
