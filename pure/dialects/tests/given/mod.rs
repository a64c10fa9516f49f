//! What several stories begin with.
#![allow(dead_code, reason = "each story uses what it needs")]

use dialects::Dialect;
use iso8583::Writer;
use terms::{BusinessDate, Outgoing, Stan, Text};

pub(crate) const PIN_BLOCK: [u8; 8] = [0x1A, 0x2B, 0x3C, 0x4D, 0x5E, 0x6F, 0x70, 0x81];

pub(crate) fn today() -> BusinessDate {
    BusinessDate::new(2026, 11, 22).expect("a day")
}

pub(crate) fn dialect(name: &str) -> Dialect {
    Dialect::named(name).unwrap_or_else(|| panic!("{name} is shipped and loads"))
}

pub(crate) fn loaded(toml: &str) -> Dialect {
    Dialect::load(toml).unwrap_or_else(|findings| panic!("{findings:#?}\n{toml}"))
}

pub(crate) fn ours() -> Outgoing {
    Outgoing {
        stan: Stan(777_001),
        rrn: Text::clipped(b"632618000123"),
        transmitted_at: Text::clipped(b"1122091530"),
        repeat: false,
    }
}

/// A message of these elements, each as text (hex where the element holds bytes).
pub(crate) fn message(dialect: &Dialect, mti: &[u8; 4], elements: &[(usize, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    let bitmaps = 1 + elements.iter().map(|(de, _)| (de - 1) / 64).max().unwrap_or(0);
    let mut writer = Writer::new(dialect.spec(), *mti, bitmaps, &mut out);
    for (de, text) in elements {
        writer.put_text(*de, text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    }
    writer.finish().expect("the message is legal");
    out
}

/// The 21 elements of a cash-back purchase with chip data, as a load generator sends them.
pub(crate) fn purchase() -> Vec<(usize, &'static str)> {
    vec![
        (2, "4111111111111111"),
        (3, "000000"),
        (4, "000000012345"),
        (7, "1122091500"),
        (11, "000123"),
        (12, "181500"),
        (13, "1122"),
        (18, "5411"),
        (22, "051"),
        (25, "00"),
        (32, "12345678901"),
        (35, "4111111111111111=30122011234567800000"),
        (37, "000000004711"),
        (41, "TERM0001"),
        (42, "MERCHANT0000001"),
        (43, "ACME STORES 42         SPRINGFIELD  ILUS"),
        (48, "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGH"),
        (49, "840"),
        (52, "1A2B3C4D5E6F7081"),
        (
            55,
            "9F2608A1B2C3D4E5F607189F2701809F101206010A03A0A002010A010000000000AABBCC9F3704DEADBEEF9F36020042950500800080009A032501019C01009F02060000000123455F2A020840820239009F1A0208409F03060000000000009F3303E0F8C89F34034203009F3501228407A0000000031010",
        ),
        (64, "0123456789ABCDEF"),
    ]
}

/// One element of a message as text.
pub(crate) fn element(dialect: &Dialect, body: &[u8], de: usize) -> Option<String> {
    let message = iso8583::decode(dialect.spec(), body).unwrap_or_else(|refusal| panic!("{refusal}"));
    let mut text = Vec::new();
    message.get(de)?.text_into(&mut text);
    Some(String::from_utf8(text).expect("text"))
}

pub(crate) fn mti(dialect: &Dialect, body: &[u8]) -> [u8; 4] {
    iso8583::decode(dialect.spec(), body).unwrap_or_else(|refusal| panic!("{refusal}")).mti()
}
