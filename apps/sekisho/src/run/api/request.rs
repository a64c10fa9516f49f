//! A transaction as an application writes it, and as the lane wants it.

use super::currency;
use super::ids;
use super::problem::{Problem, Wrong};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use terms::{
    Amount, BusinessDate, Class, Function, Kind, LocalTime, MessageType, Noun, Pan, Stan, Text, Txn, TxnId,
};
use utoipa::ToSchema;
use zeroize::Zeroize;

/// A transaction to be done.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTransaction {
    /// What is wanted: `authorization` (may this be bought?), `purchase`, `withdrawal`, `deposit`, `transfer`,
    /// `balance_inquiry`, `refund` and the others; `advice` for what has happened already, `capture` for what an
    /// earlier authorization allowed.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Minor units: 30,000 yen are 30000, 300.00 yuan are 30000 too.
    pub(crate) amount: Option<u64>,
    /// ISO 4217: three letters or three digits.
    pub(crate) currency: Option<String>,
    /// The card.
    pub(crate) card: Option<Card>,
    /// The terminal.
    pub(crate) terminal: Option<String>,
    /// The merchant.
    pub(crate) merchant: Option<Merchant>,
    /// The acquirer.
    pub(crate) acquirer: Option<String>,
    /// The application's trace number, 1 to 999999; without it we draw one.
    pub(crate) stan: Option<u32>,
    /// The application's reference number.
    pub(crate) rrn: Option<String>,
    /// Date and time at the terminal, `YYYY-MM-DDThh:mm:ss`; what follows them is ignored. Without it, now.
    pub(crate) local_time: Option<String>,
    /// Account types or other digits of the processing code, where the kind alone does not say them.
    pub(crate) processing_code: Option<String>,
    /// In transfers: the account that receives.
    pub(crate) to_account: Option<String>,
    /// In captures: the transaction that is captured.
    pub(crate) of: Option<String>,
    /// The session it belongs to.
    pub(crate) session: Option<String>,
    /// Further elements by name, passed to the host as they are. Binary ones (`icc_data`, `pin_block`,
    /// `new_pin_block`, `security_info`) in hex.
    #[serde(default)]
    pub(crate) fields: BTreeMap<String, String>,
}

/// A card.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Card {
    /// Its number. Never in an answer.
    pub(crate) pan: Option<String>,
    /// Its second track, with `=` or `D`. Never in an answer and never kept.
    pub(crate) track2: Option<String>,
    /// `YYMM`
    pub(crate) expiry: Option<String>,
    /// Which of several cards of one number.
    pub(crate) sequence: Option<String>,
}

/// A merchant.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Merchant {
    /// Its number with the acquirer.
    pub(crate) id: Option<String>,
    /// Name and place.
    pub(crate) name: Option<String>,
    /// What it sells (ISO 18245).
    pub(crate) category: Option<String>,
}

impl Drop for NewTransaction {
    /// Cards, tracks and PIN blocks are in it: what was read is wiped.
    fn drop(&mut self) {
        if let Some(card) = &mut self.card {
            card.pan.zeroize();
            card.track2.zeroize();
            card.expiry.zeroize();
        }
        self.fields.values_mut().for_each(String::zeroize);
    }
}

impl fmt::Debug for NewTransaction {
    /// Nothing of the card.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewTransaction")
            .field("type", &self.kind)
            .field("amount", &self.amount)
            .finish_non_exhaustive()
    }
}

/// What is asked in the end, and of which transaction.
pub(crate) struct Asked {
    pub(crate) txn: Txn,
    pub(crate) of: Option<TxnId>,
}

impl NewTransaction {
    /// As the lane wants it.
    pub(crate) fn understood(&self) -> Result<Asked, Problem> {
        let (message, kind) = meaning(&self.kind)?;
        let of = match (&self.of, self.kind.as_str()) {
            (Some(of), "capture") => {
                Some(ids::txn(of).ok_or_else(|| wrong("of", "a transaction is called txn_ and a number"))?)
            }
            (None, "capture") => return Err(wrong("of", "a capture says of which transaction")),
            (Some(_), _) => return Err(wrong("of", "only a capture is of another transaction")),
            (None, _) => None,
        };
        let mut txn = Txn { kind, ..Txn::new(message) };
        self.put_money(&mut txn)?;
        self.put_parties(&mut txn)?;
        if let Some(card) = &self.card {
            card.put(&mut txn)?;
        }
        for (name, value) in &self.fields {
            put_field(&mut txn, name, value)?;
        }
        Ok(Asked { txn, of })
    }

    fn put_money(&self, txn: &mut Txn) -> Result<(), Problem> {
        let needs_amount = txn.kind.moves_money()
            && !matches!(txn.kind, Kind::PinChange | Kind::CardActivation)
            && self.kind != "capture";
        match self.amount {
            Some(units) if units > Amount::MAX_12.minor_units() => {
                return Err(wrong("amount", "an amount has at most twelve digits"));
            }
            Some(0) if needs_amount => return Err(wrong("amount", "an amount is more than nothing")),
            None if needs_amount => return Err(wrong("amount", "`amount` is missing")),
            units => txn.amount = Amount::minor(units.unwrap_or(0)),
        }
        match &self.currency {
            Some(name) => {
                let known = currency::named(name);
                txn.currency =
                    known.ok_or_else(|| wrong("currency", "three letters or digits of ISO 4217"))?;
            }
            None if self.amount.is_some() && self.kind != "capture" => {
                return Err(wrong("currency", "an amount needs its `currency`"));
            }
            None => {}
        }
        if let Some(digits) = &self.processing_code {
            txn.processing_code = short("processing_code", digits)?;
            if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(wrong("processing_code", "six digits"));
            }
        }
        Ok(())
    }

    fn put_parties(&self, txn: &mut Txn) -> Result<(), Problem> {
        if let Some(terminal) = &self.terminal {
            txn.terminal_id = short("terminal", terminal)?;
        }
        if let Some(acquirer) = &self.acquirer {
            txn.acquirer_id = short("acquirer", acquirer)?;
        }
        if let Some(rrn) = &self.rrn {
            txn.rrn = short("rrn", rrn)?;
        }
        if let Some(account) = &self.to_account {
            txn.to_account = short("to_account", account)?;
            txn.carried.push(Noun::Account2, account.as_bytes());
        }
        match self.stan {
            Some(number @ 1..=999_999) => txn.stan = Stan(number),
            Some(_) => return Err(wrong("stan", "a trace number is 1 to 999999")),
            None => {}
        }
        if let Some(time) = &self.local_time {
            let time = local_time(time).ok_or_else(|| wrong("local_time", "YYYY-MM-DDThh:mm:ss"))?;
            txn.local_time = Some(time);
        }
        if let Some(merchant) = &self.merchant {
            let mut carry = |name: &str, noun, value: &Option<String>, most| {
                let Some(value) = value else { return Ok(()) };
                if value.is_empty() || value.len() > most || !value.bytes().all(is_plain) {
                    return Err(wrong(name, &format!("1 to {most} printable ASCII characters")));
                }
                txn.carried.push(noun, value.as_bytes());
                Ok(())
            };
            carry("merchant.id", Noun::AcceptorId, &merchant.id, 15)?;
            carry("merchant.name", Noun::AcceptorName, &merchant.name, 99)?;
            carry("merchant.category", Noun::MerchantType, &merchant.category, 4)?;
        }
        Ok(())
    }
}

impl Card {
    fn put(&self, txn: &mut Txn) -> Result<(), Problem> {
        let digits = |name: &str, value: &str, lengths: std::ops::RangeInclusive<usize>| match lengths
            .contains(&value.len())
            && value.bytes().all(|byte| byte.is_ascii_digit())
        {
            true => Ok(()),
            false => Err(wrong(name, &format!("{} to {} digits", lengths.start(), lengths.end()))),
        };
        if let Some(pan) = &self.pan {
            digits("card.pan", pan, 8..=19)?;
            txn.pan = Pan::new(pan.as_bytes()).unwrap_or_default();
        }
        if let Some(track) = &self.track2 {
            let number = track.split(['=', 'D', 'd']).next().unwrap_or_default();
            digits("card.track2", number, 8..=19)?;
            if track.len() > 37 || !track.bytes().all(|byte| byte.is_ascii_digit() || b"=Dd".contains(&byte))
            {
                return Err(wrong("card.track2", "at most 37 digits and one `=`"));
            }
            let written: Vec<u8> =
                track.bytes().map(|byte| if byte.is_ascii_digit() { byte } else { b'=' }).collect();
            txn.carried.push(Noun::Track2, &written);
            match (txn.pan.is_none(), txn.pan.expose() == number.as_bytes()) {
                (true, _) => {
                    txn.pan = Pan::new(number.as_bytes()).unwrap_or_default();
                    txn.pan_in_track = true;
                }
                (false, true) => {}
                (false, false) => return Err(wrong("card.track2", "the track is another card's")),
            }
        }
        if let Some(expiry) = &self.expiry {
            digits("card.expiry", expiry, 4..=4)?;
            txn.carried.push(Noun::Expiry, expiry.as_bytes());
        }
        if let Some(sequence) = &self.sequence {
            digits("card.sequence", sequence, 1..=3)?;
            txn.carried.push(Noun::CardSequence, format!("{sequence:0>3}").as_bytes());
        }
        Ok(())
    }
}

/// Class, function and kind of what an application calls it.
fn meaning(name: &str) -> Result<(MessageType, Kind), Problem> {
    let message = |class, function| MessageType { class, function, origin: 0 };
    let request = message(Class::Financial, Function::Request);
    Ok(match name {
        "authorization" => (message(Class::Authorization, Function::Request), Kind::Purchase),
        "advice" | "capture" => (message(Class::Financial, Function::Advice), Kind::Purchase),
        // The halves of a transfer are ours to make.
        "transfer_out" | "transfer_in" => return Err(unknown_kind(name)),
        name => (request, Kind::named(name).ok_or_else(|| unknown_kind(name))?),
    })
}

fn unknown_kind(name: &str) -> Problem {
    let known = ["authorization", "capture", "advice"].into_iter();
    let known =
        known.chain(Kind::ALL.iter().map(|kind| kind.name()).filter(|one| !one.starts_with("transfer_")));
    let hint = dialects::did_you_mean(name, known);
    wrong("type", &format!("this type of transaction is not known{hint}"))
}

/// Puts what is carried unread.
fn put_field(txn: &mut Txn, name: &str, value: &str) -> Result<(), Problem> {
    let at = || format!("fields.{name}");
    let own = |noun| {
        matches!(noun, Noun::Track1 | Noun::Track2 | Noun::Track3 | Noun::Mac | Noun::Header | Noun::Expiry)
    };
    let noun = Noun::named(name).filter(|noun| !own(*noun)).ok_or_else(|| {
        let known = Noun::ALL.iter().filter(|noun| !own(**noun)).map(|noun| noun.name());
        wrong(&at(), &format!("no element is called that{}", dialects::did_you_mean(name, known)))
    })?;
    if txn.carried.get(noun).is_some() {
        return Err(wrong(&at(), "it is said already"));
    }
    if value.len() > FIELD_BYTES_MAX {
        return Err(wrong(&at(), &format!("at most {FIELD_BYTES_MAX} characters")));
    }
    let is_binary = matches!(noun, Noun::PinBlock | Noun::NewPinBlock | Noun::IccData | Noun::SecurityInfo);
    if is_binary {
        let bytes = from_hex(value).ok_or_else(|| wrong(&at(), "hex digits, two for each byte"))?;
        txn.carried.push(noun, &bytes);
    } else if value.bytes().all(is_plain) {
        txn.carried.push(noun, value.as_bytes());
    } else {
        return Err(wrong(&at(), "printable ASCII characters"));
    }
    Ok(())
}

/// Characters of one further element. No element of any dialect holds more.
const FIELD_BYTES_MAX: usize = 1_998;

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some((digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?) as u8)).collect()
}

const fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7E)
}

fn short<const N: usize>(name: &str, value: &str) -> Result<Text<N>, Problem> {
    let fits = !value.is_empty() && value.bytes().all(is_plain);
    let text = Text::new(value.as_bytes()).filter(|_| fits);
    text.ok_or_else(|| wrong(name, &format!("1 to {N} printable ASCII characters")))
}

/// Of `YYYY-MM-DDThh:mm:ss` and whatever follows: fractions and offsets say nothing about the terminal's clock.
fn local_time(text: &str) -> Option<LocalTime> {
    let number = |from: usize, to: usize| -> Option<u16> {
        let digits = text.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let well_formed = marks.iter().all(|&(at, mark)| text.as_bytes().get(at) == Some(&mark));
    let date = BusinessDate::new(number(0, 4)?, number(5, 7)? as u8, number(8, 10)? as u8)
        .filter(|_| well_formed)?;
    LocalTime::new(date, number(11, 13)? as u8, number(14, 16)? as u8, number(17, 19)? as u8)
}

fn wrong(param: &str, said: &str) -> Problem {
    Wrong::InvalidRequest.said(said).at(param)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn understood(body: serde_json::Value) -> Result<Txn, Problem> {
        let asked: NewTransaction = serde_json::from_value(body).expect("of the right shape");
        asked.understood().map(|asked| asked.txn)
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_name() {
        let good = json!({"type": "withdrawal", "amount": 30000, "currency": "JPY",
                          "card": {"pan": "4111111111111111"}, "terminal": "ATM0007"});
        assert!(understood(good.clone()).is_ok());
        for (member, value, param) in [
            ("type", json!("withdrawl"), "type"),
            ("type", json!("transfer_in"), "type"),
            ("amount", json!(0), "amount"),
            ("amount", json!(1_000_000_000_000_u64), "amount"),
            ("currency", json!("YEN"), "currency"),
            ("currency", json!(null), "currency"),
            ("card", json!({"pan": "4111x"}), "card.pan"),
            ("card", json!({"pan": "4111111111111111", "track2": "5555555555554444=3012"}), "card.track2"),
            ("card", json!({"track2": "4111111111111111=3012?"}), "card.track2"),
            ("card", json!({"expiry": "123"}), "card.expiry"),
            ("terminal", json!("12345678901234567"), "terminal"),
            ("stan", json!(0), "stan"),
            ("local_time", json!("2026-02-30T00:00:00"), "local_time"),
            ("local_time", json!("today"), "local_time"),
            ("merchant", json!({"category": "54111"}), "merchant.category"),
            ("fields", json!({"mac": "00"}), "fields.mac"),
            ("fields", json!({"icc_data": "9F2"}), "fields.icc_data"),
            ("fields", json!({"reserved_60": "\u{3042}"}), "fields.reserved_60"),
            ("of", json!("txn_1"), "of"),
        ] {
            let mut bad = good.clone();
            bad[member] = value.clone();
            let problem = understood(bad).expect_err(param);
            assert_eq!(problem.param.as_deref(), Some(param), "{value}");
            assert!(!problem.detail.contains("4111"), "{}", problem.detail);
        }
    }

    #[test]
    fn a_track_says_the_card_and_is_carried() {
        let txn = understood(json!({"type": "purchase", "amount": 5, "currency": "392",
                                    "card": {"track2": "4111111111111111D30121010000012300000"}}))
        .expect("good");
        assert!(txn.pan_in_track);
        assert_eq!(txn.pan.expose(), b"4111111111111111");
        assert_eq!(txn.carried.get(Noun::Track2), Some(&b"4111111111111111=30121010000012300000"[..]));
        assert_eq!(txn.currency.number(), 392);
    }
}
