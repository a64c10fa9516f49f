//! Every flaw a format can have, found where it is.

use iso8583::{
    Flaw, Spec, lint,
    spec::{Alphabet, Coding, Counts, Inside, Length, Pad, Secret, Shape, TagLength},
    tables::{Style, edition_1987},
};

const BCD: Coding = Coding::Bcd { left: true, fill: 0 };

fn shape(alphabet: Alphabet, coding: Coding, length: Length) -> Shape {
    Shape {
        name: "x".into(),
        length,
        coding,
        alphabet,
        pad: Pad::Never,
        secret: Secret::Open,
        inside: Inside::Plain,
    }
}

fn var(digits: u8, coding: Coding, counts: Counts, min: u16, max: u16) -> Length {
    Length::Var { digits, coding, counts, min, max }
}

fn digits(length: Length) -> Shape {
    shape(Alphabet::N, Coding::Ascii, length)
}

fn holding(inside: Inside) -> Shape {
    Shape { inside, ..shape(Alphabet::Any, Coding::Binary, var(3, Coding::Ascii, Counts::Characters, 0, 20)) }
}

fn tags(tag_coding: Coding, tags: &[&str]) -> Shape {
    let parts = tags.iter().map(|tag| ((*tag).into(), digits(Length::Fixed(3)))).collect();
    holding(Inside::TagLength(Box::new(TagLength {
        tag_width: 2,
        tag_coding,
        length_width: 2,
        length_coding: Coding::Ascii,
        length_first: false,
        parts,
        otherwise: None,
    })))
}

fn nested(levels: usize) -> Shape {
    (0..levels).fold(digits(Length::Fixed(1)), |inner, _| {
        holding(Inside::Positional { parts: vec![inner], optional_tail: false })
    })
}

fn flaws_of(shape: Shape) -> Vec<(String, Flaw)> {
    let mut spec = edition_1987(Style::Ascii);
    spec.fields[48] = Some(shape);
    lint(&spec).into_iter().map(|complaint| (complaint.element.to_string(), complaint.flaw)).collect()
}

#[test]
fn every_flaw_of_an_element_is_found_where_it_is() {
    use Counts::{Characters, WireBytes};
    use Length::Fixed;
    let ascii = |digits, min, max| var(digits, Coding::Ascii, Characters, min, max);
    let bitmapped = |bitmap, bitmap_bytes, parts| holding(Inside::Bitmapped { bitmap, bitmap_bytes, parts });
    let positional = |parts| holding(Inside::Positional { parts, optional_tail: false });
    let ans = |coding| shape(Alphabet::Ans, coding, Fixed(3));
    #[rustfmt::skip]
    let cases: Vec<(Shape, &str, Flaw)> = vec![
        (digits(Fixed(0)),                                   "48",   Flaw::LengthZero),
        (digits(ascii(2, 0, 0)),                             "48",   Flaw::LengthZero),
        (digits(ascii(2, 9, 8)),                             "48",   Flaw::LengthOrder { min: 9, max: 8 }),
        (digits(ascii(2, 1, 100)),                           "48",   Flaw::PrefixTooNarrow { says_at_most: 99, needed: 100 }),
        (digits(ascii(5, 1, 100)),                           "48",   Flaw::PrefixWidth),
        (digits(var(2, Coding::HexAscii, Characters, 1, 9)), "48",   Flaw::PrefixCoding),
        (digits(ascii(0, 1, 9)),                             "48",   Flaw::OpenEnd),
        (shape(Alphabet::B, Coding::HexAscii, var(2, Coding::Ascii, WireBytes, 1, 50)), "48",
                                                                     Flaw::PrefixTooNarrow { says_at_most: 99, needed: 100 }),
        (shape(Alphabet::N, BCD, var(2, Coding::Ascii, WireBytes, 1, 19)), "48", Flaw::BcdOddInBytes),
        (ans(BCD),                                           "48",   Flaw::BcdAlphabet),
        (shape(Alphabet::N, Coding::Bcd { left: true, fill: 16 }, Fixed(3)), "48", Flaw::BcdFiller),
        (shape(Alphabet::B, Coding::Ascii, Fixed(3)),        "48",   Flaw::BytesAsText),
        (ans(Coding::Binary),                                "48",   Flaw::TextAsBytes),
        (Shape { pad: Pad::Left(b' '), ..digits(Fixed(3)) }, "48",   Flaw::PadAlphabet),
        (Shape { pad: Pad::Left(b'0'), ..digits(ascii(2, 1, 9)) }, "48", Flaw::PadVariable),
        (Shape { coding: BCD, alphabet: Alphabet::N, length: Fixed(4), ..nested(1) }, "48", Flaw::CompositeCoding),
        (Shape { alphabet: Alphabet::Ans, coding: Coding::Ascii, ..holding(Inside::BerTlv { secrets: vec![] }) }, "48",
                                                                     Flaw::CompositeAlphabet),
        (holding(Inside::BerTlv { secrets: vec![(0x9F, Secret::Key)] }), "48", Flaw::Tag),
        (nested(5),                                          "48.1.1.1.1", Flaw::TooDeep),
        (positional(vec![]),                                 "48",   Flaw::NoParts),
        (positional(vec![digits(Fixed(0))]),                 "48.1", Flaw::LengthZero),
        (positional(vec![digits(ascii(0, 0, 9)), digits(Fixed(1))]), "48.1", Flaw::OpenEnd),
        (positional(vec![digits(Fixed(21))]),                "48",   Flaw::PartsTooLong { needed: 21, has: 20 }),
        (bitmapped(Coding::Ascii, 1, vec![Some(digits(Fixed(1)))]), "48", Flaw::BitmapCoding),
        (bitmapped(Coding::Binary, 17, vec![Some(digits(Fixed(1)))]), "48", Flaw::PartBitmapWidth),
        (bitmapped(Coding::Binary, 1, vec![Some(digits(Fixed(1))); 9]), "48", Flaw::PartBeyondBitmap),
        (bitmapped(Coding::Binary, 1, vec![None]),           "48",   Flaw::NoParts),
        (tags(Coding::Ascii, &["AO", "AO"]),                 "48.AO", Flaw::TagTwice),
        (tags(Coding::Ascii, &["AOX"]),                      "48.AOX", Flaw::Tag),
        (tags(Coding::Binary, &["9f26"]),                    "48.9f26", Flaw::Tag),
        (tags(Coding::Ascii, &[]),                           "48",   Flaw::NoParts),
    ];
    for (shape, element, flaw) in cases {
        let found = flaws_of(shape.clone());
        assert!(
            found.contains(&(element.to_string(), flaw)),
            "{flaw:?} of {element} not in {found:?}: {shape:?}"
        );
    }
}

#[test]
fn every_flaw_of_the_frame_of_a_format_is_found() {
    let flaw_of = |change: &dyn Fn(&mut Spec)| {
        let mut spec = edition_1987(Style::Ascii);
        change(&mut spec);
        lint(&spec).into_iter().map(|complaint| complaint.flaw).collect::<Vec<_>>()
    };
    assert_eq!(flaw_of(&|spec| spec.version = 10), [Flaw::Version]);
    assert_eq!(flaw_of(&|spec| spec.mti = Coding::HexAscii), [Flaw::MtiCoding]);
    assert_eq!(flaw_of(&|spec| spec.bitmap = Coding::Ascii), [Flaw::BitmapCoding]);
    assert_eq!(flaw_of(&|spec| spec.fields.resize(194, None)), [Flaw::TooManyElements, Flaw::OverlapsBitmap]);
    assert_eq!(flaw_of(&|spec| spec.fields[1] = spec.fields[2].clone()), [Flaw::OverlapsBitmap]);
    assert_eq!(
        flaw_of(&|spec| spec.fields.resize(193, None)),
        [Flaw::OverlapsBitmap],
        "65 announces a third bitmap"
    );
}

#[test]
fn a_format_that_lint_refuses_still_never_panics() {
    let mut spec = edition_1987(Style::Binary);
    for (de, coding) in [(3, Coding::Bcd { left: true, fill: 99 }), (4, Coding::Ascii), (11, Coding::Binary)]
    {
        if let Some(shape) = &mut spec.fields[de] {
            shape.coding = coding;
            shape.alphabet = Alphabet::Xn;
            shape.length = var(200, coding, Counts::WireBytes, 5, 1);
        }
    }
    spec.version = 255;
    for byte in [0x00, 0x31, 0xFF] {
        assert!(iso8583::decode(&spec, &[byte; 64]).is_err());
    }
    spec.version = 0;
    let body = [b"\x02\x00\x38\x20\0\0\0\0\0\0".as_slice(), &[0xFF; 240]].concat();
    assert!(iso8583::decode(&spec, &body).is_err());
    let mut out = Vec::new();
    let mut writer = iso8583::Writer::new(&spec, *b"0200", 1, &mut out);
    assert!(writer.put_text(3, b"123456").is_err());
}
