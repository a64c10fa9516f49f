//! Composites: BER-TLV, tagged, positional, with bitmaps of their own, in one another.

use iso8583::{
    EncodeError, PartsWriter, Spec, Step, Tree, Unmask, Writer, decode, describe, encode_tree, lint,
    spec::{Alphabet, Coding, Counts, Inside, Length, Pad, Secret, Shape, TagLength},
    tables::{Style, edition_1987},
};

fn shape(alphabet: Alphabet, coding: Coding, length: Length) -> Shape {
    Shape {
        name: "part".into(),
        length,
        coding,
        alphabet,
        pad: Pad::Never,
        secret: Secret::Open,
        inside: Inside::Plain,
    }
}

fn var(digits: u8, max: u16) -> Length {
    Length::Var { digits, coding: Coding::Ascii, counts: Counts::Characters, min: 0, max }
}

fn digits(length: u16) -> Shape {
    shape(Alphabet::N, Coding::Ascii, Length::Fixed(length))
}

fn with_48(coding: Coding, inside: Inside) -> Spec {
    let mut spec = edition_1987(Style::Ascii);
    spec.fields[48] = Some(Shape { inside, ..shape(Alphabet::Any, coding, var(3, 400)) });
    assert_eq!(lint(&spec), [], "the format itself is right");
    spec
}

type Fill<'f> = &'f dyn Fn(&mut PartsWriter<'_>) -> Result<(), Box<EncodeError>>;

fn written(spec: &Spec, de: usize, fill: Fill<'_>) -> Result<Vec<u8>, Box<EncodeError>> {
    let mut out = Vec::new();
    let mut writer = Writer::new(spec, *b"0200", 1, &mut out);
    writer.put_parts(de, fill)?;
    writer.finish()?;
    Ok(out)
}

/// Path and text of every part, and whether the tree of them is written as the same bytes.
fn parts(spec: &Spec, body: &[u8]) -> Vec<(String, String)> {
    let message = decode(spec, body).unwrap_or_else(|refusal| unreachable!("{refusal}"));
    let lines = describe(&message, Unmask::Yes);
    let mut again = Vec::new();
    encode_tree(spec, message.mti(), &Tree::of_lines(&lines), &mut again)
        .expect("what was read can be written");
    assert_eq!(again, body);
    lines.into_iter().filter_map(|line| Some((line.path, line.value?))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(path, value)| (path.to_string(), value.to_string())).collect()
}

#[test]
fn positional_parts_stand_one_after_another() {
    let last = shape(Alphabet::Ans, Coding::Ascii, var(0, 40));
    let spec = with_48(
        Coding::Ascii,
        Inside::Positional {
            parts: vec![digits(2), shape(Alphabet::An, Coding::Ascii, var(2, 9)), last],
            optional_tail: true,
        },
    );
    let whole = written(&spec, 48, &|to| {
        to.put_text(Step::Part(1), b"12")?;
        to.put_text(Step::Part(2), b"ABC")?;
        to.put_text(Step::Part(3), b"the rest")
    });
    let whole = whole.expect("three parts");
    assert!(whole.ends_with(b"0151203ABCthe rest"));
    assert_eq!(parts(&spec, &whole), pairs(&[("48.1", "12"), ("48.2", "ABC"), ("48.3", "the rest")]));
    let short = written(&spec, 48, &|to| to.put_text(Step::Part(1), b"12")).expect("the tail is optional");
    assert_eq!(parts(&spec, &short), pairs(&[("48.1", "12")]));
    let gap = written(&spec, 48, &|to| to.put_text(Step::Part(2), b"ABC")).expect_err("part 1 is missing");
    assert_eq!(gap.to_string(), "DE 48.2: expected elements in ascending order, found one out of order");
    let wrong = decode(&spec, &[&whole[..whole.len() - 18], b"0021x"].concat())
        .map(|_| ())
        .map_err(|r| r.to_string());
    assert_eq!(
        wrong,
        Err(format!("DE 48.1 at byte {}: expected 2 digits, found 0x78", whole.len() - 18 + 4))
    );
}

#[test]
fn a_composite_with_a_bitmap_has_the_parts_it_promises() {
    for bitmap in [Coding::Binary, Coding::HexAscii] {
        let list = vec![Some(digits(3)), None, Some(shape(Alphabet::Ans, Coding::Ascii, var(2, 20)))];
        let spec = with_48(Coding::Ascii, Inside::Bitmapped { bitmap, bitmap_bytes: 1, parts: list });
        let body = written(&spec, 48, &|to| {
            to.put_text(Step::Part(1), b"007")?;
            to.put_text(Step::Part(3), b"x")
        });
        assert_eq!(parts(&spec, &body.expect("two parts")), pairs(&[("48.1", "007"), ("48.3", "x")]));
        let undefined = written(&spec, 48, &|to| to.put_text(Step::Part(2), b"x")).expect_err("no such part");
        assert_eq!(
            undefined.to_string(),
            "DE 48.2: expected an element that the format defines, found one it does not"
        );
    }
}

#[test]
fn tagged_values_are_known_or_refused_whichever_comes_first_tag_or_length() {
    for length_first in [false, true] {
        let format = TagLength {
            tag_width: 2,
            tag_coding: Coding::Ascii,
            length_width: 3,
            length_coding: Coding::Ascii,
            length_first,
            parts: vec![
                ("AO".into(), shape(Alphabet::Ans, Coding::Ascii, var(3, 20))),
                (
                    "KY".into(),
                    Shape { secret: Secret::Key, ..shape(Alphabet::B, Coding::HexAscii, var(3, 8)) },
                ),
            ],
            otherwise: None,
        };
        let spec = with_48(Coding::Ascii, Inside::TagLength(Box::new(format)));
        let body = written(&spec, 48, &|to| {
            to.put_text(Step::label("AO"), b"hello")?;
            to.put_bytes(Step::label("KY"), &[0xAB, 0xCD])
        });
        let body = body.expect("two tags");
        let on_the_wire: &[u8] = if length_first { b"007AOhello004KYABCD" } else { b"AO005helloKY002ABCD" };
        assert!(body.ends_with(on_the_wire), "{}", String::from_utf8_lossy(&body));
        assert_eq!(parts(&spec, &body), pairs(&[("48.AO", "hello"), ("48.KY", "ABCD")]));
        let message = decode(&spec, &body).expect("legal");
        assert!(!format!("{:?}", describe(&message, Unmask::No)).contains("ABCD"), "keys are not shown");
        let de48 = message.get(48).expect("written");
        assert_eq!(de48.labelled("AO").and_then(|v| v.text::<8>()).map(|t| t.as_str().len()), Some(5));
        assert!(written(&spec, 48, &|to| to.put_text(Step::label("ZZ"), b"1")).is_err());
    }
}

#[test]
fn an_unknown_tag_is_read_where_the_format_says_how() {
    let format = TagLength {
        tag_width: 1,
        tag_coding: Coding::Binary,
        length_width: 1,
        length_coding: Coding::Binary,
        length_first: false,
        parts: Vec::new(),
        otherwise: Some(shape(Alphabet::Any, Coding::Binary, var(1, 255))),
    };
    let spec = with_48(Coding::HexAscii, Inside::Plain);
    assert_eq!(spec.fields.len(), 129);
    let spec = with_48(Coding::Binary, Inside::TagLength(Box::new(format)));
    let body = written(&spec, 48, &|to| to.put_bytes(Step::label("DF"), b"\x01\x02")).expect("any tag");
    assert!(body.ends_with(b"004\xDF\x02\x01\x02"));
    assert_eq!(parts(&spec, &body), pairs(&[("48.DF", "0102")]));
}

fn with_55(style: Style) -> Spec {
    edition_1987(style)
}

#[test]
fn objects_are_made_of_objects() {
    for style in [Style::Ascii, Style::Binary, Style::Ebcdic] {
        let spec = with_55(style);
        let body = written(&spec, 55, &|to| {
            to.put_text(Step::Tag(0x9F26), b"0102030405060708")?;
            to.put_parts(Step::Tag(0x71), |script| {
                script.put_bytes(Step::Tag(0x9F18), &[0; 4])?;
                script.put_bytes(Step::Tag(0x86), &[7; 130][..64])
            })
        });
        let expected = [
            ("55.9F26", "0102030405060708".to_string()),
            ("55.71.9F18", "00000000".to_string()),
            ("55.71.86", "07".repeat(64)),
        ];
        let got = parts(&spec, &body.expect("objects"));
        assert_eq!(got, expected.map(|(path, value)| (path.to_string(), value)));
    }
}

#[test]
fn long_lengths_are_read_in_their_shortest_form_only() {
    let spec = with_55(Style::Binary);
    let decoded = |objects: &[u8]| {
        let mut out = Vec::new();
        let mut writer = Writer::new(&spec, *b"0200", 1, &mut out);
        writer.put_bytes(55, objects).map_err(|error| error.to_string())?;
        writer.finish().map_err(|error| error.to_string())?;
        decode(&spec, &out)
            .map(|message| message.get(55).map_or(0, |v| v.parts().count()))
            .map_err(|r| r.to_string())
    };
    let long = |head: &[u8], count: usize| [head, &vec![1; count]].concat();
    assert_eq!(decoded(&long(&[0x86, 0x7F], 0x7F)), Ok(1));
    assert_eq!(decoded(&long(&[0x86, 0x81, 0x80], 0x80)), Ok(1));
    assert_eq!(
        decoded(&[0x86, 0x00, 0x00, 0x00, 0x9A, 0x00]),
        Ok(2),
        "zeros between objects are passed over"
    );
    let length = "expected a definite length in its shortest form";
    for bad in [
        &[0x86, 0x80, 0][..],
        &[0x86, 0x81, 1, 1],
        &[0x86, 0x82, 0, 1, 1],
        &[0x86, 0x83, 0, 0, 1, 1],
        &[0x86],
        &[0x86, 0x81],
    ] {
        assert!(decoded(bad).is_err_and(|error| error.contains(length)), "{bad:?} {:?}", decoded(bad));
    }
    assert!(decoded(&[0x9F, 0x85, 0x85, 0x85, 0x05, 0]).is_err_and(|error| error.contains("a tag")));
    let cut = decoded(&[0x9F, 0x26, 8, 1]);
    assert_eq!(cut, Err("DE 55.9F26: expected 8 bytes, found 1 bytes".to_string()));
}

#[test]
fn depth_and_number_of_objects_are_bounded() {
    let spec = with_55(Style::Binary);
    let put = |objects: &[u8]| {
        let mut out = Vec::new();
        Writer::new(&spec, *b"0200", 1, &mut out).put_bytes(55, objects).map_err(|error| error.to_string())
    };
    let mut nested = vec![0x86, 0x00];
    for level in 0..6 {
        nested = [&[0x71, nested.len() as u8][..], &nested].concat();
        assert_eq!(put(&nested).is_ok(), level < 3, "{} levels: {:?}", level + 2, put(&nested));
    }
    let many = |count: usize| [0x86, 0x00].repeat(count);
    assert_eq!(put(&many(127)), Ok(()));
    let mut wide = edition_1987(Style::Binary);
    if let Some(Shape { length: Length::Var { max, .. }, .. }) = &mut wide.fields[55] {
        *max = 999;
    }
    let mut out = Vec::new();
    assert!(Writer::new(&wide, *b"0200", 1, &mut out).put_bytes(55, &many(129)).is_err());
}

#[test]
fn chip_data_hides_what_the_stripe_holds() {
    let spec = with_55(Style::Ascii);
    let body = written(&spec, 55, &|to| {
        to.put_text(Step::Tag(0x57), b"4111111111111111D30122010000000000")?;
        to.put_text(Step::Tag(0x5A), b"6228481234567890123F")?;
        to.put_text(Step::Tag(0x9F1F), b"303030")?;
        to.put_text(Step::Tag(0x5F24), b"301231")
    });
    let body = body.expect("objects");
    let lines = describe(&decode(&spec, &body).expect("legal"), Unmask::No);
    let value = |path: &str| lines.iter().find(|line| line.path == path).and_then(|line| line.value.clone());
    assert_eq!(value("55"), None, "the whole would show its parts");
    assert_eq!(value("55.57").as_deref(), Some("***"));
    assert_eq!(value("55.5A").as_deref(), Some("622848*********0123F"));
    assert_eq!(value("55.9F1F").as_deref(), Some("***"));
    assert_eq!(value("55.5F24").as_deref(), Some("301231"));
}
