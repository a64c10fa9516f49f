//! Good messages, as our own encoder writes them.

use dialects::Dialect;
use terms::{
    Amount, BusinessDate, Currency, Kind, LocalTime, MessageType, Network, Noun, Outgoing, Pan, Stan, Text,
    Txn,
};

pub(crate) fn today() -> BusinessDate {
    BusinessDate::new(2026, 11, 22).expect("a day")
}

/// The shipped dialects, in their order.
pub(crate) fn shipped() -> Vec<Dialect> {
    let load = |(_, text): &(&str, &str)| Dialect::load(text).expect("a shipped dialect loads");
    Dialect::shipped().iter().map(load).collect()
}

/// Messages of every type that this dialect can write out of a full transaction.
pub(crate) fn golden(dialect: &Dialect) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for digits in [[2, 0, 0], [1, 0, 0], [2, 2, 0], [4, 2, 0], [8, 0, 0], [2, 0, 1]] {
        for kind in [Kind::Withdrawal, Kind::BalanceInquiry, Kind::Purchase] {
            let txn = transaction(MessageType::from_digits(digits).expect("a type"), kind);
            let said = Outgoing {
                stan: txn.stan,
                rrn: txn.rrn,
                transmitted_at: txn.transmitted_at,
                repeat: txn.message.is_repeat(),
            };
            let mut body = Vec::new();
            // Not every dialect has every type, and some demand what this transaction does not have.
            if dialect.write_request(&txn, &said, &mut body).is_ok() {
                all.push(body);
            }
        }
    }
    all
}

fn transaction(message: MessageType, kind: Kind) -> Txn {
    let mut txn = Txn::new(message);
    txn.kind = kind;
    txn.network = if message.digits()[0] == 8 { Network::Echo } else { Network::Other };
    txn.pan = Pan::new(b"4111111111111111").expect("digits");
    txn.amount = Amount::minor(30_000);
    txn.currency = Currency::numeric(392).expect("three digits");
    txn.stan = Stan(481);
    txn.rrn = Text::clipped(b"632614000481");
    txn.terminal_id = Text::clipped(b"TERM0001");
    txn.acquirer_id = Text::clipped(b"12345678901");
    txn.transmitted_at = Text::clipped(b"1122091500");
    txn.local_time = LocalTime::new(today(), 18, 15, 0);
    for (noun, contents) in CARRIED {
        txn.carried.push(*noun, contents);
    }
    txn
}

const CARRIED: &[(Noun, &[u8])] = &[
    (Noun::MerchantType, b"6011"),
    (Noun::EntryMode, b"051"),
    (Noun::ConditionCode, b"00"),
    (Noun::ForwarderId, b"12345678901"),
    (Noun::Track2, b"4111111111111111=30122011234567800000"),
    (Noun::AcceptorId, b"MERCHANT0000001"),
    (Noun::AcceptorName, b"ACME STORES 42         SPRINGFIELD  ILUS"),
    (Noun::AdditionalPrivate, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    (Noun::PinBlock, b"\x1A\x2B\x3C\x4D\x5E\x6F\x70\x81"),
    (
        Noun::IccData,
        b"\x9F\x26\x08\xA1\xB2\xC3\xD4\xE5\xF6\x07\x18\x9F\x36\x02\x00\x42\x95\x05\x00\x80\x00\x80\x00",
    ),
];
