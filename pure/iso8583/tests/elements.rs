//! Every element of both editions in every style: what fits goes through, what does not is refused by name.

use iso8583::{
    Expected, Head, Spec, Writer, decode,
    spec::{Alphabet, Coding, Inside, Length, Pad, Shape},
    tables::{Style, edition_1987, edition_1993},
};

const STYLES: [Style; 3] = [Style::Ascii, Style::Binary, Style::Ebcdic];

fn specs() -> impl Iterator<Item = (Spec, [u8; 4])> {
    let later = STYLES.into_iter().map(|style| (edition_1993(style), *b"1200"));
    STYLES.into_iter().map(|style| (edition_1987(style), *b"0200")).chain(later)
}

fn elements(spec: &Spec) -> impl Iterator<Item = (usize, &Shape)> {
    spec.fields.iter().enumerate().filter_map(|(de, shape)| Some((de, shape.as_ref()?)))
}

fn bounds(shape: &Shape) -> (usize, usize) {
    match shape.length {
        Length::Fixed(length) => (usize::from(length), usize::from(length)),
        Length::Var { min, max, .. } => (usize::from(min), usize::from(max)),
    }
}

fn is_bytes(shape: &Shape) -> bool {
    matches!(shape.coding, Coding::Binary | Coding::HexAscii | Coding::HexEbcdic)
}

/// A legal text of so many characters.
fn legal(shape: &Shape, characters: usize) -> Vec<u8> {
    match (&shape.inside, shape.alphabet) {
        // One object that fills the element: tag, length, zeros.
        (Inside::BerTlv { .. }, _) => match characters {
            0 => Vec::new(),
            1 => b"00".to_vec(),
            2..=129 => format!("9A{:02X}{}", characters - 2, "00".repeat(characters - 2)).into_bytes(),
            130 => format!("9A7F{}00", "00".repeat(127)).into_bytes(),
            _ => format!("9A81{:02X}{}", characters - 3, "00".repeat(characters - 3)).into_bytes(),
        },
        (_, Alphabet::Xn) => [b"C".as_slice(), &b"7".repeat(characters.saturating_sub(1))].concat(),
        _ if is_bytes(shape) => b"A7".repeat(characters),
        (_, Alphabet::A | Alphabet::As) => b"Q".repeat(characters),
        _ => b"7".repeat(characters),
    }
}

fn written(spec: &Spec, mti: [u8; 4], de: usize, text: &[u8]) -> Result<Vec<u8>, iso8583::EncodeError> {
    let mut out = Vec::new();
    let mut writer = Writer::new(spec, mti, de.div_ceil(64), &mut out);
    writer.put_text(de, text).map_err(|error| *error)?;
    writer.finish().map_err(|error| *error)?;
    Ok(out)
}

#[test]
fn both_editions_have_every_element() {
    for (spec, _) in specs() {
        assert_eq!(elements(&spec).map(|(de, _)| de).collect::<Vec<_>>(), (2..=128).collect::<Vec<_>>());
        assert_eq!(iso8583::lint(&spec), []);
    }
}

#[test]
fn the_shortest_and_the_longest_of_every_element_go_through() {
    for (spec, mti) in specs() {
        for (de, shape) in elements(&spec) {
            let (min, max) = bounds(shape);
            for characters in [min, max] {
                let text = legal(shape, characters);
                let body = written(&spec, mti, de, &text).unwrap_or_else(|error| unreachable!("{error}"));
                let message = decode(&spec, &body).unwrap_or_else(|refusal| unreachable!("{refusal}"));
                let value = message.get(de).expect("the element written");
                let mut again = Vec::new();
                value.text_into(&mut again);
                let kept = value.text::<40>();
                assert_eq!(kept.is_some(), again.len() <= 40, "DE {de}");
                assert!(kept.is_none_or(|kept| kept.as_bytes() == again), "DE {de}");
                assert_eq!((value.length(), again), (characters, text), "DE {de}");
            }
        }
    }
}

#[test]
fn a_value_too_long_or_too_short_is_never_written() {
    for (spec, mti) in specs() {
        for (de, shape) in elements(&spec) {
            let (min, max) = bounds(shape);
            let error = written(&spec, mti, de, &legal(shape, max + 1)).expect_err("too long");
            assert_eq!(error.element.head, Head::Field(de as u8));
            assert!(matches!(error.expected, Expected::Length { .. }), "{error}");
            if shape.pad == Pad::Never {
                let error = written(&spec, mti, de, &legal(shape, min - 1)).expect_err("too short");
                assert!(matches!(error.expected, Expected::Length { .. }), "{error}");
            }
        }
    }
}

#[test]
fn a_character_of_another_alphabet_is_refused_where_it_stands() {
    for (spec, mti) in specs() {
        for (de, shape) in elements(&spec) {
            let (_, max) = bounds(shape);
            let mut body = written(&spec, mti, de, &legal(shape, max)).expect("legal");
            let (offset, length) = {
                let message = decode(&spec, &body).expect("legal");
                let value = message.get(de).expect("written");
                (value.offset(), value.wire().len())
            };
            if shape.coding == Coding::Binary {
                continue; // Every byte is legal.
            }
            let at = offset + length - 1;
            body[at] = if matches!(shape.coding, Coding::Bcd { .. }) { 0xBA } else { 0x07 };
            let refusal = decode(&spec, &body).expect_err("a control character");
            assert_eq!(refusal.error.element.head, Head::Field(de as u8));
            assert_eq!(refusal.error.offset, at, "{refusal}");
        }
    }
}

#[test]
fn an_element_that_is_promised_and_absent_is_refused() {
    for (spec, mti) in specs() {
        for (de, shape) in elements(&spec) {
            let (min, max) = bounds(shape);
            let body = written(&spec, mti, de, &legal(shape, max)).expect("legal");
            let (offset, wire) = {
                let message = decode(&spec, &body).expect("legal");
                let value = message.get(de).expect("written");
                (value.offset(), value.wire().len())
            };
            for cut in
                [body.len() - 1, offset + wire / 2, offset, offset.saturating_sub(usize::from(min != max))]
            {
                if cut == body.len() {
                    continue;
                }
                let refusal = decode(&spec, &body[..cut]).expect_err("cut off");
                assert_eq!(refusal.error.element.head, Head::Field(de as u8), "{refusal}");
                assert!(refusal.error.offset <= cut, "{refusal}");
                assert_eq!(refusal.partial.mti(), mti);
            }
            let refusal_of_more = [&body[..], b"0"].concat();
            let refusal = decode(&spec, &refusal_of_more).expect_err("one byte too many");
            assert_eq!((refusal.error.element.head, refusal.error.offset), (Head::End, body.len()));
        }
    }
}

#[test]
fn a_bit_without_a_shape_is_refused() {
    let mut spec = edition_1987(Style::Binary);
    spec.fields[11] = None;
    let mut out = b"\x02\x00".to_vec();
    out.extend_from_slice(&(1_u64 << (64 - 11)).to_be_bytes());
    let refusal = decode(&spec, &out).expect_err("an element nobody defined");
    assert_eq!(
        refusal.to_string(),
        "DE 11 at byte 10: expected an element that the format defines, found one it does not"
    );
}

#[test]
fn elements_are_put_in_ascending_order_within_the_bitmaps_or_not_at_all() {
    let spec = edition_1987(Style::Ascii);
    let mut out = b"kept".to_vec();
    for (first, second, bitmaps) in
        [(11, 3, 1), (11, 11, 1), (11, 70, 1), (11, 129, 2), (11, 1, 1), (11, 0, 1)]
    {
        let mut writer = Writer::new(&spec, *b"0800", bitmaps, &mut out);
        writer.put_number(first, 1).expect("the first");
        let error = writer.put_number(second, 1).expect_err("the second");
        assert_eq!(writer.finish().expect_err("the first error stays"), error);
        assert_eq!(out, b"kept", "nothing of {second} after {first} is left");
    }
    drop(Writer::new(&spec, *b"0800", 1, &mut out));
    assert_eq!(out, b"kept", "what is not finished is taken back");
    for (mti, bitmaps) in [(*b"08x0", 1), (*b"1800", 1), (*b"0800", 3), (*b"0800", 0)] {
        assert!(Writer::new(&spec, mti, bitmaps, &mut out).finish().is_err());
    }
}

#[test]
fn a_short_value_is_filled_up_as_its_shape_says() {
    let spec = edition_1987(Style::Binary);
    let mut out = Vec::new();
    let mut writer = Writer::new(&spec, *b"0200", 1, &mut out);
    writer.put_text(4, b"5").expect("an amount");
    writer.put_text(41, b"T1").expect("a terminal");
    writer.finish().expect("a message");
    assert!(out.ends_with(b"\x00\x00\x00\x00\x00\x05T1      "));
}
