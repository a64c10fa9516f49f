//! A message as the switch's door for applications wants it: JSON made of fields.

use crate::message::Message;
use crate::rc::Rc;
use serde_json::{Map, Value, json};

/// What a message asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Auth = 1,
    Sale = 2,
    Withdrawal = 3,
    Deposit = 4,
    Balance = 5,
    Refund = 6,
    Advice = 7,
    Cancel = 8,
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::Auth,
        Self::Sale,
        Self::Withdrawal,
        Self::Deposit,
        Self::Balance,
        Self::Refund,
        Self::Advice,
        Self::Cancel,
    ];

    /// The one of that number in the header.
    pub(crate) fn numbered(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as u32 == number)
    }

    /// As the switch calls it. A cancel is not submitted: it takes back what was.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Auth => "authorization",
            Self::Sale => "purchase",
            Self::Withdrawal => "withdrawal",
            Self::Deposit => "deposit",
            Self::Balance => "balance_inquiry",
            Self::Refund => "refund",
            Self::Advice => "capture",
            Self::Cancel => "cancel",
        }
    }
}

/// Fields that are passed on unread, by the names the switch has for them. Numbers as in ISO 8583:1993.
#[rustfmt::skip]
pub(crate) const PASSED_ON: [(u32, &str); 21] = [
    (17, "capture_date"),         (22, "pos_data"),             (24, "function_code"),
    (25, "reason_code"),          (33, "forwarder_id"),         (40, "service_code"),
    (44, "additional_response"),  (47, "additional_national"),  (48, "additional_private"),
    (52, "pin_block"),            (53, "security_info"),        (54, "additional_amounts"),
    (55, "icc_data"),             (59, "transport_data"),       (60, "reserved_60"),
    (61, "reserved_61"),          (62, "reserved_62"),          (63, "reserved_63"),
    (98, "payee"),                (100, "receiver_id"),         (102, "account_1"),
];

/// A transaction submitted: of that kind, under that sequence number. Errors: [`Rc::INVALID_MSG`] for a field that
/// is not what it should be, or that nobody could pass on.
pub(crate) fn transaction(message: &Message<'_>, kind: Kind, seq: u32, session: &str) -> Result<Value, Rc> {
    let mut body = Map::new();
    let mut parts = [("card", Map::new()), ("merchant", Map::new()), ("fields", Map::new())];
    body.insert("type".into(), json!(kind.name()));
    body.insert("stan".into(), json!(seq));
    body.insert("session".into(), json!(session));
    for (number, bytes) in message.fields() {
        let text = std::str::from_utf8(bytes).map_err(|_| Rc::INVALID_MSG)?;
        let (part, name, value) = match number {
            2 => ("card", "pan", json!(text)),
            14 => ("card", "expiry", json!(text)),
            23 => ("card", "sequence", json!(text)),
            35 => ("card", "track2", json!(text)),
            26 => ("merchant", "category", json!(text)),
            42 => ("merchant", "id", json!(text.trim_end())),
            43 => ("merchant", "name", json!(text.trim_end())),
            3 => ("", "processing_code", json!(text)),
            4 => ("", "amount", json!(text.parse::<u64>().map_err(|_| Rc::INVALID_MSG)?)),
            11 if text.parse() == Ok(seq) => continue,
            12 => ("", "local_time", json!(local_time(text).ok_or(Rc::INVALID_MSG)?)),
            32 => ("", "acquirer", json!(text)),
            37 => ("", "rrn", json!(text)),
            41 => ("", "terminal", json!(text.trim_end())),
            49 => ("", "currency", json!(text)),
            103 => ("", "to_account", json!(text)),
            number => {
                let known = PASSED_ON.iter().find(|(known, _)| *known == number).ok_or(Rc::INVALID_MSG)?;
                ("fields", known.1, json!(text))
            }
        };
        match parts.iter_mut().find(|(known, _)| *known == part) {
            Some((_, into)) => into.insert(name.into(), value),
            None => body.insert(name.into(), value),
        };
    }
    for (name, part) in parts.into_iter().filter(|(_, part)| !part.is_empty()) {
        body.insert(name.into(), Value::Object(part));
    }
    if kind == Kind::Balance {
        // A question has no amount; an amount of nothing needs no currency either.
        body.retain(|name, value| !(name == "amount" && *value == json!(0)));
    }
    Ok(Value::Object(body))
}

/// The capture of a transaction the switch knows by that name. Nothing of the session stands in it: captured twice,
/// it is the same capture.
pub(crate) fn capture(message: &Message<'_>, of: &str) -> Result<Value, Rc> {
    let mut body = json!({ "type": Kind::Advice.name(), "of": of });
    if let Some(amount) = message.text(4) {
        body["amount"] = json!(amount.parse::<u64>().map_err(|_| Rc::INVALID_MSG)?);
    }
    if let Some(day) = message.text(17) {
        body["fields"] = json!({ "capture_date": day });
    }
    Ok(body)
}

/// YYMMDDhhmmss as the switch writes it.
fn local_time(text: &str) -> Option<String> {
    if text.len() != 12 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |at: usize| &text[at..at + 2];
    Some(format!("20{}-{}-{}T{}:{}:{}", part(0), part(2), part(4), part(6), part(8), part(10)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::SIZE;

    #[test]
    fn every_name_passed_on_is_one_the_switch_knows() {
        for (number, name) in PASSED_ON {
            assert!(terms::Noun::named(name).is_some(), "{number} {name}");
        }
    }

    #[test]
    fn fields_become_what_the_switch_calls_them() {
        let mut room = [0; SIZE];
        let mut message = Message::fresh(&mut room);
        for (number, text) in [
            (2, "4999123412341234"),
            (4, "000000010000"),
            (11, "000042"),
            (12, "261122140311"),
            (41, "TERM0001"),
            (42, "SHOP  "),
            (49, "392"),
            (55, "9F2608"),
        ] {
            message.set(number, text.as_bytes()).expect("room");
        }
        let body = transaction(&message, Kind::Sale, 42, "ses_1").expect("good");
        assert_eq!(
            body,
            json!({ "type": "purchase", "stan": 42, "session": "ses_1", "amount": 10000, "currency": "392",
                    "local_time": "2026-11-22T14:03:11", "terminal": "TERM0001", "merchant": { "id": "SHOP" },
                    "card": { "pan": "4999123412341234" }, "fields": { "icc_data": "9F2608" } })
        );
    }

    #[test]
    fn what_nobody_could_pass_on_is_refused() {
        for (number, text) in [(4, "12a"), (11, "43"), (12, "2611221403"), (64, "00"), (128, "00"), (4, "-1")]
        {
            let mut room = [0; SIZE];
            let mut message = Message::fresh(&mut room);
            message.set(number, text.as_bytes()).expect("room");
            assert_eq!(transaction(&message, Kind::Sale, 42, "s"), Err(Rc::INVALID_MSG), "{number} {text}");
        }
    }
}
