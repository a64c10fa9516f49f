//! What a simulated terminal asks: legal requests in the switch's own words, for any dialect to write.
//!
//! Cards are of test ranges, PIN blocks and chip data are constants: nothing here opens anything.

use terms::{
    Amount, BusinessDate, Carried, Class, Currency, Function, Kind, LocalTime, MessageType, Noun, Original,
    Outgoing, Pan, Rrn, Stan, TerminalId, Text, Txn,
};

/// A financial request, 0200 in the 1987 edition.
pub const REQUEST: MessageType =
    MessageType { class: Class::Financial, function: Function::Request, origin: 0 };

/// Chip data of a made-up card: application cryptogram, its information, unpredictable number, counter,
/// results, date, type, amount, currency, profile, country, other amount, capabilities, PIN method.
const CHIP: &[u8] = b"\x9F\x26\x08\xA1\xB2\xC3\xD4\xE5\xF6\x07\x18\x9F\x27\x01\x80\x9F\x10\x12\x06\x01\x0A\x03\xA0\
    \xA0\x02\x01\x0A\x01\x00\x00\x00\x00\x00\xAA\xBB\xCC\x9F\x37\x04\xDE\xAD\xBE\xEF\x9F\x36\x02\x00\x42\x95\x05\
    \x00\x80\x00\x80\x00\x9A\x03\x26\x11\x22\x9C\x01\x01\x9F\x02\x06\x00\x00\x00\x01\x23\x45\x5F\x2A\x02\x03\x92\
    \x82\x02\x39\x00\x9F\x1A\x02\x03\x92\x9F\x03\x06\x00\x00\x00\x00\x00\x00\x9F\x33\x03\xE0\xF8\xC8\x9F\x34\x03\
    \x42\x03\x00";
const PIN_BLOCK: &[u8; 8] = b"\x1A\x2B\x3C\x4D\x5E\x6F\x70\x81";

/// Where a simulated terminal stands.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its identity.
    pub terminal_id: TerminalId,
    /// Who runs it.
    pub acquirer_id: Text<11>,
    /// What it pays out.
    pub currency: Currency,
}

impl Place {
    /// The terminal of that number, with a letter or three before it.
    pub fn numbered(letters: &str, number: usize) -> Self {
        let width = 8_usize.saturating_sub(letters.len());
        let id = format!("{letters}{number:0width$}");
        let yen = Currency::numeric(392).expect("three digits");
        Self {
            terminal_id: Text::clipped(id.as_bytes()),
            acquirer_id: Text::clipped(b"12345678901"),
            currency: yen,
        }
    }
}

/// The test card of that number under these first digits: 16 digits, the last one the check digit.
pub fn card(prefix: &str, number: u64) -> Pan {
    let width = 15_usize.saturating_sub(prefix.len());
    let body = format!("{prefix}{:0width$}", number % 10_u64.pow(width.min(15) as u32));
    (0..=9)
        .filter_map(|check| Pan::new(format!("{body}{check}").as_bytes()))
        .find(Pan::luhn_holds)
        .expect("one of ten check digits fits, and a prefix is at most fourteen digits")
}

/// Where this customer sends money: by his card, to an account that begins with 4 or with 5.
fn account_for(card: &Pan) -> Text<28> {
    let mut account = Text::<28>::clipped(b"4000000000");
    let digits = card.expose();
    let [.., tens, _] = digits else { return account };
    if tens % 2 == 1 {
        account = Text::clipped(b"5000000000");
    }
    account
}

/// A request that still lacks its time and numbers: see [`stamp`].
pub fn question(kind: Kind, card: &Pan, amount: Amount, place: &Place) -> Txn {
    let mut txn = Txn::new(REQUEST);
    txn.kind = kind;
    txn.pan = card.clone();
    txn.amount = amount;
    txn.currency = place.currency;
    txn.terminal_id = place.terminal_id;
    txn.acquirer_id = place.acquirer_id;
    txn.carried = carried(card);
    if kind == Kind::Transfer {
        txn.to_account = account_for(card);
        txn.carried.push(Noun::Account2, txn.to_account.as_bytes());
    }
    txn
}

/// Takes a request back, under a number of its own: the original is named in it, and so much of it remains.
/// Neither track nor PIN is said again.
pub fn taken_back(request: &Txn, remains: Amount, stan: Stan, at: LocalTime) -> Txn {
    let original = Original {
        message: Some(request.message),
        stan: Some(request.stan),
        transmitted_at: request.transmitted_at,
        acquirer_id: request.acquirer_id,
        ..Original::default()
    };
    Txn {
        message: MessageType { class: Class::Reversal, function: Function::Advice, origin: 0 },
        stan,
        transmitted_at: transmitted_at(at),
        original: Some(original),
        remaining: (remains != Amount::default()).then_some(remains),
        carried: without_secrets(&request.carried),
        ..request.clone()
    }
}

/// Reports that a request has happened, whatever became of it.
pub fn reported(request: &Txn) -> Txn {
    Txn {
        message: MessageType { function: Function::Advice, ..request.message },
        carried: without_secrets(&request.carried),
        ..request.clone()
    }
}

fn without_secrets(carried: &Carried) -> Carried {
    let mut open = Carried::default();
    let nouns = carried.iter().filter_map(|(noun, contents)| Some((Noun::numbered(noun)?, contents)));
    nouns.filter(|(noun, _)| !noun.is_secret()).for_each(|(noun, contents)| open.push(noun, contents));
    open
}

/// Gives a request its numbers and the time at the terminal.
pub fn stamp(txn: &mut Txn, stan: Stan, rrn: Rrn, at: LocalTime) {
    txn.stan = stan;
    txn.rrn = rrn;
    txn.local_time = Some(at);
    txn.transmitted_at = transmitted_at(at);
}

/// What is the terminal's own in a request: its numbers as they stand.
pub fn as_stamped(txn: &Txn, repeat: bool) -> Outgoing {
    Outgoing { stan: txn.stan, rrn: txn.rrn, transmitted_at: txn.transmitted_at, repeat }
}

/// A reference number as acquirers make them: year, day of the year, hour, trace number (`YDDDhhNNNNNN`).
pub fn reference_number(at: LocalTime, stan: Stan) -> Rrn {
    let (year, ..) = at.date.ymd();
    let new_year = BusinessDate::new(year, 1, 1).map_or(0, BusinessDate::days);
    let day = (at.date.days() - new_year + 1) as u64;
    let hour = u64::from(at.second_of_day / 3_600);
    digits((u64::from(year % 10) * 1_000 + day) * 100_000_000 + hour * 1_000_000 + u64::from(stan.0))
}

/// `MMDDhhmmss`.
pub fn transmitted_at(at: LocalTime) -> Text<10> {
    let (hour, minute, second) = at.hms();
    let time = u64::from(hour) * 10_000 + u64::from(minute) * 100 + u64::from(second);
    digits(u64::from(at.date.as_yyyymmdd() % 10_000) * 1_000_000 + time)
}

/// The number in exactly `N` digits; what does not fit is lost on the left.
pub fn digits<const N: usize>(number: u64) -> Text<N> {
    let (mut text, mut rest) = ([b'0'; N], number);
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    Text::clipped(&text)
}

fn carried(card: &Pan) -> Carried {
    let mut carried = Carried::with_capacity(512);
    carried.push(Noun::Expiry, b"3012");
    carried.push(Noun::MerchantType, b"6011");
    carried.push(Noun::EntryMode, b"051");
    carried.push(Noun::ConditionCode, b"00");
    carried.push_with(Noun::Track2, |out| {
        out.extend_from_slice(card.expose());
        out.extend_from_slice(b"=30122011234567800000");
    });
    carried.push(Noun::AcceptorId, b"MERCHANT0000001");
    carried.push(Noun::AcceptorName, b"SEKISHO DEMO BANK      TOKYO          JP");
    carried.push(Noun::AdditionalPrivate, b"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGH");
    carried.push(Noun::PinBlock, PIN_BLOCK);
    carried.push(Noun::IccData, CHIP);
    carried
}

#[cfg(test)]
mod tests {
    use super::*;
    use dialects::Dialect;

    fn at(hour: u8) -> LocalTime {
        let date = BusinessDate::new(2026, 11, 22).expect("a day");
        LocalTime::new(date, hour, 3, 11).expect("a time")
    }

    #[test]
    fn test_cards_have_check_digits_that_hold() {
        for number in [0, 1, 7, 999_999, u64::MAX] {
            assert!(card("411111", number).luhn_holds());
            assert!(card("411111", number).starts_with(b"411111"));
        }
        assert_eq!(card("411111", 111_111_111).expose(), b"4111111111111111");
    }

    #[test]
    fn numbers_and_times_are_written_as_the_trade_writes_them() {
        assert_eq!(reference_number(at(14), Stan(481)).as_bytes(), b"632614000481");
        assert_eq!(transmitted_at(at(9)).as_bytes(), b"1122090311");
        assert_eq!(Place::numbered("ATM", 7).terminal_id.as_bytes(), b"ATM00007");
    }

    #[test]
    fn every_neutral_dialect_can_write_the_question_and_read_it_again() {
        for name in ["iso87-ascii", "iso87-binary", "iso87-ebcdic", "iso93-ascii", "iso93-binary", "pos-tpdu"]
        {
            let dialect = Dialect::named(name).expect("a shipped dialect");
            for kind in [Kind::Withdrawal, Kind::BalanceInquiry, Kind::Deposit] {
                let place = Place::numbered("ATM", 1);
                let mut txn = question(kind, &card("411111", 1), Amount::minor(30_000), &place);
                stamp(&mut txn, Stan(5), reference_number(at(14), Stan(5)), at(14));
                let mut out = Vec::new();
                let written = dialect.write_request(&txn, &as_stamped(&txn, false), &mut out);
                assert_eq!(written, Ok(()), "{name} {kind}");
                let read = dialect.read(&out, at(14).date).expect("its own words");
                assert_eq!((read.kind, read.amount, read.pan), (kind, txn.amount, txn.pan), "{name}");
                assert_eq!((read.stan, read.terminal_id), (txn.stan, txn.terminal_id), "{name}");
            }
        }
    }
}
