//! One message of 21 elements, decoded and encoded in every style.

use iso8583::{
    Head, Message, Spec, Tree, Unmask, Writer, decode, describe, encode_tree,
    tables::{Style, edition_1987, edition_1993},
};

const EMV: &str = "9F2608A1B2C3D4E5F607189F2701809F101206010A03A0A002010A010000000000AABBCC9F3704DEADBEEF9F3602004295050\
0800080009A032501019C01009F02060000000123455F2A020840820239009F1A0208409F03060000000000009F3303E0F8C89F34034203009F350122\
8407A0000000031010";

/// The elements, as text; bytes as hex.
const ELEMENTS: &[(usize, &str)] = &[
    (2, "4111111111111111"),
    (3, "000000"),
    (4, "000000012345"),
    (7, "0101000000"),
    (11, "000001"),
    (12, "000000"),
    (13, "0101"),
    (18, "5411"),
    (22, "051"),
    (25, "00"),
    (32, "12345678901"),
    (35, "4111111111111111=30122011234567800000"),
    (37, "000000000000"),
    (41, "T0000000"),
    (42, "MERCHANT0000001"),
    (43, "ACME STORES 42         SPRINGFIELD  ILUS"),
    (48, "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGH"),
    (49, "840"),
    (52, "1A2B3C4D5E6F7081"),
    (55, EMV),
    (64, "0123456789ABCDEF"),
];

fn encoded(spec: &Spec) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(spec, *b"0200", 1, &mut out);
    for (de, text) in ELEMENTS {
        writer.put_text(*de, text.as_bytes()).expect("a legal element");
    }
    writer.finish().expect("legal elements");
    out
}

fn texts(message: &Message<'_>) -> Vec<(usize, String)> {
    let text = |(de, value): (usize, iso8583::Value<'_>)| {
        let mut text = Vec::new();
        value.text_into(&mut text);
        (de, String::from_utf8(text).expect("text"))
    };
    message.iter().map(text).collect()
}

#[test]
fn the_same_elements_go_through_every_style() {
    for style in [Style::Ascii, Style::Binary, Style::Ebcdic] {
        let spec = edition_1987(style);
        let body = encoded(&spec);
        let message = decode(&spec, &body).expect("a legal message");
        assert_eq!(message.mti(), *b"0200");
        let expected: Vec<(usize, String)> =
            ELEMENTS.iter().map(|(de, text)| (*de, text.to_string())).collect();
        assert_eq!(texts(&message), expected, "{style:?}");
        assert_eq!(message.get(4).and_then(|amount| amount.number()), Some(12_345));
        assert_eq!(
            message.get(41).and_then(|id| id.text::<8>()).map(|id| id.as_str().to_string()),
            Some("T0000000".into())
        );
        assert_eq!(message.get(55).map(|icc| icc.parts().count()), Some(17));
        assert!(!message.has(3 + 128) && !message.has(0) && message.get(5).is_none());
    }
}

#[test]
fn the_ascii_style_is_ascii_throughout() {
    let body = encoded(&edition_1987(Style::Ascii));
    assert_eq!(body.len(), 559);
    assert!(body.starts_with(b"02007238448128E19201"));
    let de55 = body.windows(4).position(|window| window == b"9F26").expect("the cryptogram");
    assert_eq!(&body[de55 - 3..de55], b"240", "the length of chip data counts what is sent");
}

#[test]
fn a_described_message_hides_its_secrets_and_can_be_written_again_when_it_does_not() {
    for style in [Style::Ascii, Style::Binary, Style::Ebcdic] {
        let spec = edition_1987(style);
        let body = encoded(&spec);
        let message = decode(&spec, &body).expect("a legal message");
        let lines = describe(&message, Unmask::No);
        let all = format!("{lines:?} {message:?}");
        for secret in ["4111111111111111", "30122011234567800000", "1A2B3C4D5E6F7081"] {
            assert!(!all.contains(secret), "{secret} in {all}");
        }
        assert!(all.contains("411111******1111"));
        let cryptogram = lines.iter().find(|line| line.path == "55.9F26").expect("the cryptogram");
        assert_eq!(cryptogram.value.as_deref(), Some("A1B2C3D4E5F60718"));
        let tree = Tree::of_lines(&describe(&message, Unmask::Yes));
        let mut again = Vec::new();
        encode_tree(&spec, message.mti(), &tree, &mut again).expect("what was read can be written");
        assert_eq!(again, body);
    }
}

#[test]
fn a_second_bitmap_is_announced_and_read() {
    for spec in [edition_1987(Style::Ascii), edition_1987(Style::Binary), edition_1987(Style::Ebcdic)] {
        let mut out = Vec::new();
        let mut writer = Writer::new(&spec, *b"0800", 2, &mut out);
        writer.put_number(11, 7).expect("a trace number");
        writer.put_number(70, 301).expect("a code");
        writer.finish().expect("a message");
        let message = decode(&spec, &out).expect("what was written");
        assert_eq!(texts(&message), [(11, "000007".to_string()), (70, "301".to_string())]);
    }
}

#[test]
fn an_error_names_element_byte_expectation_and_finding_and_keeps_what_was_read() {
    let spec = edition_1987(Style::Ascii);
    let mut body = encoded(&spec);
    let amount = decode(&spec, &body).expect("legal").get(4).expect("an amount").offset();
    body[amount + 3] = b'A';
    let refusal = decode(&spec, &body).expect_err("a letter in an amount");
    assert_eq!(refusal.to_string(), format!("DE 4 at byte {}: expected 12 digits, found 0x41", amount + 3));
    assert_eq!(refusal.partial.mti(), *b"0200");
    assert_eq!(refusal.partial.iter().map(|(de, _)| de).collect::<Vec<_>>(), [2, 3]);
    assert!(!format!("{refusal:?}").contains("4111111111111111"));
}

#[test]
fn the_version_of_the_message_type_is_the_formats() {
    let body = encoded(&edition_1987(Style::Ascii));
    let later = edition_1993(Style::Ascii);
    let refusal = decode(&later, &body).map(|_| ()).expect_err("another version");
    assert_eq!(refusal.error.element.head, Head::Mti);
}
