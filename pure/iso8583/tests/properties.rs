//! Equations over formats and messages nobody thought of.

use iso8583::{
    Line, Spec, Tree, Unmask, Writer, decode, describe, encode_tree, lint,
    spec::{Alphabet, Coding, Counts, Inside, Length, Pad, Secret, Shape, TagLength},
    tables::{Style, edition_1987, edition_1993},
};
use proptest::{collection::vec, prelude::*, sample::select};

const LEFT: Coding = Coding::Bcd { left: true, fill: 0 };
const RIGHT: Coding = Coding::Bcd { left: false, fill: 0xF };
const TEXT: [Coding; 3] = [Coding::Ascii, Coding::Ebcdic037, Coding::Ebcdic500];
const BYTES: [Coding; 3] = [Coding::Binary, Coding::HexAscii, Coding::HexEbcdic];

/// Any shape without parts that the lint lets pass.
fn plain() -> impl Strategy<Value = Shape> {
    let texts = (
        select(&[Alphabet::A, Alphabet::An, Alphabet::Ans, Alphabet::Ns, Alphabet::As][..]),
        select(&TEXT[..]),
    );
    let digits = (
        select(&[Alphabet::N, Alphabet::Z, Alphabet::Xn][..]),
        select(&[Coding::Ascii, Coding::Ebcdic037, LEFT, RIGHT][..]),
    );
    let bytes = (Just(Alphabet::B), select(&BYTES[..]));
    let kinds = prop_oneof![texts, digits, bytes];
    (kinds, length()).prop_map(|((alphabet, coding), length)| Shape {
        name: "any".into(),
        length: whole_bytes(length, coding),
        coding,
        alphabet,
        pad: Pad::Never,
        secret: Secret::Open,
        inside: Inside::Plain,
    })
}

fn length() -> impl Strategy<Value = Length> {
    let prefixes = (
        2_u8..=3,
        select(&[Coding::Ascii, Coding::Ebcdic037, LEFT, Coding::Binary][..]),
        select(&[Counts::Characters, Counts::WireBytes][..]),
        1_u16..=9,
        9_u16..=40,
    );
    prop_oneof![
        (1_u16..=24).prop_map(Length::Fixed),
        prefixes.prop_map(|(digits, coding, counts, min, max)| Length::Var {
            digits,
            coding,
            counts,
            min,
            max
        }),
    ]
}

/// A length in bytes cannot say an odd number of BCD digits, so such shapes count characters.
fn whole_bytes(length: Length, coding: Coding) -> Length {
    match (length, coding) {
        (Length::Var { digits, coding: prefix, min, max, .. }, Coding::Bcd { .. }) => {
            Length::Var { digits, coding: prefix, counts: Counts::Characters, min, max }
        }
        _ => length,
    }
}

/// A shape, and sometimes a composite of such.
fn any_shape() -> impl Strategy<Value = Shape> {
    let list = vec(plain(), 1..4);
    let held = |inside| Shape {
        name: "composite".into(),
        length: Length::Var {
            digits: 3,
            coding: Coding::Ascii,
            counts: Counts::Characters,
            min: 0,
            max: 999,
        },
        coding: Coding::Binary,
        alphabet: Alphabet::Any,
        pad: Pad::Never,
        secret: Secret::Open,
        inside,
    };
    let positional = (list, any::<bool>())
        .prop_map(move |(parts, optional_tail)| held(Inside::Positional { parts, optional_tail }));
    let bitmapped = (vec(proptest::option::of(plain()), 1..9), select(&BYTES[..])).prop_map(
        move |(mut parts, bitmap)| {
            if parts.iter().all(Option::is_none) {
                parts = vec![Some(Shape { length: Length::Fixed(1), ..digits_shape() })];
            }
            held(Inside::Bitmapped { bitmap, bitmap_bytes: 2, parts })
        },
    );
    let tagged = (vec(plain(), 1..4), any::<bool>(), select(&TEXT[..])).prop_map(
        move |(shapes, length_first, coding)| {
            let parts =
                shapes.into_iter().enumerate().map(|(at, shape)| (format!("T{at}").into(), shape)).collect();
            held(Inside::TagLength(Box::new(TagLength {
                tag_width: 2,
                tag_coding: coding,
                length_width: 3,
                length_coding: coding,
                length_first,
                parts,
                otherwise: None,
            })))
        },
    );
    prop_oneof![6 => plain(), 1 => positional, 1 => bitmapped, 1 => tagged]
}

fn digits_shape() -> Shape {
    Shape {
        name: "digits".into(),
        length: Length::Fixed(3),
        coding: Coding::Ascii,
        alphabet: Alphabet::N,
        pad: Pad::Never,
        secret: Secret::Open,
        inside: Inside::Plain,
    }
}

fn any_spec() -> impl Strategy<Value = Spec> {
    let heads = (
        0_u8..=2,
        select(&[Coding::Ascii, Coding::Ebcdic037, LEFT][..]),
        select(&BYTES[..]),
        select(&[65_usize, 129, 193][..]),
    );
    (heads, vec((2_usize..193, any_shape()), 1..12)).prop_map(|((version, mti, bitmap, reach), shapes)| {
        let mut fields = vec![None; reach];
        for (de, shape) in shapes {
            let de = 2 + (de - 2) % (reach - 2);
            if de != 65 && de != 129 {
                fields[de] = Some(shape);
            }
        }
        Spec { version, mti, bitmap, fields }
    })
}

/// Legal text of a shape from dice; the tree says the same of composites.
fn legal(shape: &Shape, dice: &mut impl Iterator<Item = u8>) -> String {
    let (min, max) = match shape.length {
        Length::Fixed(length) => (length, length),
        Length::Var { min, max, .. } => (min, max),
    };
    let mut roll = || usize::from(dice.next().unwrap_or(0));
    let count = usize::from(min) + roll() % usize::from(max - min + 1);
    let letters: &[u8] = match shape.alphabet {
        Alphabet::A => b"ABYZabyz ",
        Alphabet::N | Alphabet::Xn => b"0123456789",
        Alphabet::An => b"AZaz09 ",
        Alphabet::Ans => b"AZaz09 ~!^[]",
        Alphabet::Ns => b"09 /&+",
        Alphabet::As => b"AZaz /&+",
        Alphabet::Z => b"0123456789=",
        Alphabet::B | Alphabet::Any => b"0123456789ABCDEF",
    };
    let width = if shape.alphabet == Alphabet::B { 2 } else { 1 };
    let mut text: String = (0..count * width).map(|_| letters[roll() % letters.len()] as char).collect();
    if shape.alphabet == Alphabet::Xn {
        text.replace_range(0..1, "D");
    }
    text
}

fn fill(tree: &mut Tree, path: String, shape: &Shape, dice: &mut impl Iterator<Item = u8>) {
    match &shape.inside {
        Inside::Plain => tree.insert(&path, &legal(shape, dice)),
        Inside::Positional { parts, optional_tail } => {
            let cut = if *optional_tail {
                1 + usize::from(dice.next().unwrap_or(0)) % parts.len()
            } else {
                parts.len()
            };
            for (at, part) in parts.iter().take(cut).enumerate() {
                fill(tree, format!("{path}.{}", at + 1), part, dice);
            }
        }
        Inside::Bitmapped { parts, .. } => {
            for (at, part) in parts.iter().enumerate() {
                if let Some(part) = part {
                    fill(tree, format!("{path}.{}", at + 1), part, dice);
                }
            }
        }
        Inside::TagLength(format) => {
            for (tag, part) in &format.parts {
                fill(tree, format!("{path}.{tag}"), part, dice);
            }
        }
        Inside::BerTlv { .. } => unreachable!("these formats have none"),
    }
}

fn message_of(spec: &Spec, dice: Vec<u8>) -> Tree {
    let mut dice = dice.into_iter().cycle();
    let mut tree = Tree::default();
    for (de, shape) in spec.fields.iter().enumerate() {
        if let Some(shape) = shape
            && dice.next().is_none_or(|die| die % 8 != 0)
        {
            fill(&mut tree, de.to_string(), shape, &mut dice);
        }
    }
    tree
}

fn texts(lines: &[Line]) -> Vec<(String, String)> {
    lines.iter().filter_map(|line| Some((line.path.clone(), line.value.clone()?))).collect()
}

fn flat(tree: &Tree, path: &str, out: &mut Vec<(String, String)>) {
    for (name, node) in &tree.nodes {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match node {
            iso8583::Node::Value(text) => out.push((path, text.clone())),
            iso8583::Node::Parts(parts) => flat(parts, &path, out),
        }
    }
}

/// A legal body of the 1987 edition with most elements.
fn wide_body(style: Style) -> (Spec, Vec<u8>) {
    let spec = edition_1987(style);
    let mut tree = Tree::default();
    for (de, shape) in spec.fields.iter().enumerate().filter_map(|(de, shape)| Some((de, shape.as_ref()?))) {
        if de % 3 != 0 && de != 55 {
            tree.insert(&de.to_string(), &legal(shape, &mut [1_u8, 2, 3].into_iter().cycle()));
        }
    }
    tree.insert("55.9F26", "0102030405060708");
    tree.insert("55.71.9F18", "00000001");
    let mut body = Vec::new();
    encode_tree(&spec, *b"0200", &tree, &mut body).unwrap_or_else(|error| unreachable!("{error}"));
    (spec, body)
}

fn check_any(spec: &Spec, body: &[u8]) -> Result<(), TestCaseError> {
    match decode(spec, body) {
        Ok(message) => {
            let lines = describe(&message, Unmask::Yes);
            prop_assert!(lines.iter().all(|line| line.offset <= body.len()));
        }
        Err(refusal) => {
            prop_assert!(refusal.error.offset <= body.len(), "{}", refusal);
            let _ = describe(&refusal.partial, Unmask::No);
            prop_assert!(!refusal.to_string().is_empty());
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_written_under_any_format_is_read_again(spec in any_spec(), dice in vec(any::<u8>(), 1..200)) {
        let complaints = lint(&spec);
        prop_assert!(complaints.iter().all(|complaint| complaint.flaw.to_string().contains("parts need")), "{complaints:?}");
        let tree = message_of(&spec, dice);
        let mut expected = Vec::new();
        flat(&tree, "", &mut expected);
        let mti = [b'0' + spec.version, b'2', b'0', b'0'];
        let mut body = b"before".to_vec();
        let written = encode_tree(&spec, mti, &tree, &mut body);
        prop_assert!(written.is_ok(), "{:?}", written);
        let body = body.split_off(6);
        let message = decode(&spec, &body);
        prop_assert!(message.is_ok(), "{}", message.expect_err("refused"));
        let message = message.expect("legal");
        prop_assert_eq!(message.mti(), mti);
        let lines = describe(&message, Unmask::Yes);
        prop_assert_eq!(texts(&lines), expected);
        let mut again = Vec::new();
        prop_assert_eq!(encode_tree(&spec, mti, &Tree::of_lines(&lines), &mut again), Ok(()));
        prop_assert_eq!(again, body);
    }

    #[test]
    fn any_bytes_under_any_format_are_read_or_refused(spec in any_spec(), body in vec(any::<u8>(), 0..300)) {
        check_any(&spec, &body)?;
    }

    #[test]
    fn any_bytes_behind_a_good_beginning_are_read_or_refused(
        style in select(&[Style::Ascii, Style::Binary, Style::Ebcdic][..]),
        later: bool,
        tail in vec(any::<u8>(), 0..300),
    ) {
        let spec = if later { edition_1993(style) } else { edition_1987(style) };
        let mut body = Vec::new();
        Writer::new(&spec, [b'0' + spec.version, b'1', b'0', b'0'], 1, &mut body).finish().expect("a message of nothing");
        let bitmap = body.len() - if style == Style::Ascii { 16 } else { 8 };
        body.truncate(bitmap);
        body.extend_from_slice(&tail);
        check_any(&spec, &body)?;
    }

    #[test]
    fn chip_data_of_any_bytes_holds_together_or_is_refused(bytes in vec(any::<u8>(), 0..120)) {
        for style in [Style::Ascii, Style::Binary] {
            let spec = edition_1987(style);
            let mut out = Vec::new();
            let mut writer = Writer::new(&spec, *b"0200", 1, &mut out);
            if writer.put_bytes(55, &bytes).is_ok() {
                writer.finish().expect("one legal element");
                let message = decode(&spec, &out);
                prop_assert!(message.is_ok());
                check_any(&spec, &out)?;
            }
        }
    }
}

#[test]
fn every_changed_byte_and_every_cut_of_a_wide_message_is_read_or_refused() {
    for style in [Style::Ascii, Style::Binary, Style::Ebcdic] {
        let (spec, body) = wide_body(style);
        for at in 0..body.len() {
            check_any(&spec, &body[..at]).unwrap_or_else(|error| unreachable!("cut at {at}: {error}"));
            assert!(decode(&spec, &body[..at]).is_err(), "a cut message is never whole: {at}");
            let mut changed = body.clone();
            for byte in [0x00, 0x0F, 0x20, b'0', b'9', b'A', 0x7F, 0xC4, 0xF0, 0xF9, 0xFF] {
                changed[at] = byte;
                check_any(&spec, &changed)
                    .unwrap_or_else(|error| unreachable!("0x{byte:02X} at {at}: {error}"));
            }
        }
    }
}
