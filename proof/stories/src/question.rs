use dialects::Dialect;
use terms::{
    Amount, BusinessDate, Class, Currency, Function, Kind, LocalTime, MessageType, Noun, Outgoing, Pan, Stan,
    TerminalId, Text, Txn,
};
use wire::Framing;

/// How one line is spoken.
pub struct Speech {
    /// How fields are written.
    pub dialect: Dialect,
    /// How messages are told apart.
    pub framing: Framing,
}

impl Speech {
    /// A shipped dialect in the framing it suggests.
    pub fn named(name: &str) -> Self {
        let dialect = Dialect::named(name).expect("a shipped dialect");
        let framing = Framing::named(dialect.framing()).expect("it suggests a framing");
        Self { dialect, framing }
    }

    /// The body of a request as the terminal wrote it.
    pub fn body(&self, txn: &Txn) -> Vec<u8> {
        let mut body = Vec::new();
        let said = Outgoing {
            stan: txn.stan,
            rrn: txn.rrn,
            transmitted_at: txn.transmitted_at,
            repeat: txn.message.is_repeat(),
        };
        self.dialect.write_request(txn, &said, &mut body).expect("a legal request");
        body
    }

    /// A body in its frame.
    pub fn frame(&self, body: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let header = self.framing.request_header();
        let written = self.framing.write::<()>(header.as_bytes(), &mut out, |out| {
            out.extend_from_slice(body);
            Ok(())
        });
        written.expect("a body of legal length");
        out
    }
}

/// The day these stories are set on; the terminals' idea of it, not the machine's.
pub(crate) fn today() -> BusinessDate {
    BusinessDate::new(2026, 11, 22).expect("a day")
}

/// A terminal with its own trace numbers.
#[derive(Clone, Debug)]
pub struct Terminal {
    /// Its name.
    pub id: TerminalId,
    /// The trace number it used last.
    pub stan: Stan,
    /// The card in it.
    pub card: Pan,
}

impl Terminal {
    /// With the usual card.
    pub fn named(id: &str) -> Self {
        Self::with_card(id, "4111111111111111")
    }

    /// With that card.
    pub fn with_card(id: &str, card: &str) -> Self {
        Self {
            id: Text::new(id.as_bytes()).expect("at most sixteen characters"),
            stan: Stan(0),
            card: Pan::new(card.as_bytes()).expect("digits"),
        }
    }

    /// The next request: money out, under the next trace number.
    pub fn withdraws(&mut self, minor_units: u64) -> Txn {
        self.asks(Kind::Withdrawal, minor_units)
    }

    /// The next request, under the next trace number.
    pub fn asks(&mut self, kind: Kind, minor_units: u64) -> Txn {
        self.stan = self.stan.next();
        let message = MessageType { class: Class::Financial, function: Function::Request, origin: 0 };
        let mut txn = Txn::new(message);
        txn.kind = kind;
        txn.pan = self.card.clone();
        txn.amount = Amount::minor(minor_units);
        txn.currency = Currency::numeric(392).expect("three digits");
        txn.stan = self.stan;
        txn.terminal_id = self.id;
        txn.acquirer_id = Text::clipped(b"12345678901");
        txn.transmitted_at = Text::clipped(b"1122091500");
        txn.local_time = LocalTime::new(today(), 18, 15, 0);
        for (noun, contents) in CARRIED {
            txn.carried.push(*noun, contents);
        }
        txn
    }
}

/// What some dialects demand of every request, and two secrets that no log may show.
const CARRIED: &[(Noun, &[u8])] = &[
    (Noun::MerchantType, b"6011"),
    (Noun::EntryMode, b"051"),
    (Noun::ConditionCode, b"00"),
    (Noun::ForwarderId, b"12345678901"),
    (Noun::Track2, b"4111111111111111=30122011234567800000"),
    (Noun::AcceptorId, b"MERCHANT0000001"),
    (Noun::AcceptorName, b"ACME STORES 42         SPRINGFIELD  ILUS"),
    (Noun::PinBlock, b"\x1A\x2B\x3C\x4D\x5E\x6F\x70\x81"),
];
