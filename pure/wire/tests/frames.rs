//! Frames of every kind, whole, split, merged and broken.

use proptest::prelude::*;
use wire::{FrameError, Framing, Next, WriteError};

const NAMES: &[&str] = &[
    "ascii4",
    "ascii4i",
    "ascii1",
    "ascii2",
    "ascii6",
    "bin1",
    "bin2",
    "bin2i",
    "bin3",
    "bin4",
    "binle2",
    "binle4i",
    "bcd2",
    "bcd2i",
    "bcd3",
    "hex2",
    "hex4",
    "hex8i",
    "ebcdic4",
    "none+etx",
    "none+tpdu+end=FF",
    "bin2+tpdu",
    "bin2+tpdu+etx",
    "ascii4+etxc",
    "ascii4i+hdr12+etxc+ka",
    "bin2+hdr46+ka",
    "ascii4+hdr5=6000030000",
    "ascii4+hdr3=0+max=8192",
    "bin2+hdr2~0102",
    "ascii5+max=60000",
];

fn named(name: &str) -> Framing {
    Framing::named(name).expect("a known name")
}

fn framed(framing: &Framing, header: &[u8], body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let written = framing.write(header, &mut out, |out| {
        out.extend_from_slice(body);
        Ok::<(), ()>(())
    });
    written.expect("the body fits the frame");
    out
}

#[test]
fn every_name_is_written_as_it_is_read() {
    for name in NAMES {
        assert_eq!(named(name).to_string(), *name);
    }
}

#[test]
fn what_names_no_framing_is_refused() {
    for bad in [
        "",
        "+",
        "ascii",
        "ascii0",
        "ascii7",
        "bcd4",
        "bin5",
        "hex1",
        "hex9",
        "asciii",
        "nonei",
        "ascii4+",
        "ascii4+x",
        "ascii4+hdr",
        "ascii4+hdr0",
        "ascii4+hdr65",
        "ascii4+hdr2=01",
        "ascii4+hdr2~0",
        "ascii4+max=0",
        "ascii4+end=0102",
        "é",
    ] {
        assert!(Framing::named(bad).is_err(), "{bad}");
    }
}

#[test]
fn frames_split_and_merged_at_every_byte_come_out_whole() {
    for name in NAMES {
        let framing = named(name);
        let header = framing.request_header();
        let bodies: [&[u8]; 3] = [b"0800822", b"1", b"02007"];
        let stream: Vec<u8> =
            bodies.iter().flat_map(|body| framed(&framing, header.as_bytes(), body)).collect();
        for split in 0..=stream.len() {
            let mut got = Vec::new();
            let mut buffer = Vec::new();
            for piece in [&stream[..split], &stream[split..]] {
                buffer.extend_from_slice(piece);
                loop {
                    match framing.next(&buffer).expect("a legal stream") {
                        Next::Frame { header: found, body, consumed } => {
                            assert_eq!(found, header.as_bytes());
                            got.push(body.to_vec());
                            buffer.drain(..consumed);
                        }
                        Next::NeedMore { at_least } => {
                            assert!(at_least >= 1, "{name} at {split}");
                            break;
                        }
                        Next::KeepAlive { .. } => unreachable!("no frame of length zero was written"),
                    }
                }
            }
            assert_eq!(got, bodies, "{name} split at {split}");
        }
    }
}

#[test]
fn what_is_missing_is_never_overstated() {
    for name in NAMES {
        let framing = named(name);
        let whole = framed(&framing, framing.request_header().as_bytes(), b"0200ABC");
        for length in 0..whole.len() {
            match framing.next(&whole[..length]) {
                Ok(Next::NeedMore { at_least }) => {
                    assert!(length + at_least <= whole.len(), "{name} at {length}")
                }
                other => unreachable!("{name} at {length}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_length_that_is_not_digits_is_refused_with_the_first_bytes() {
    let found = |name, bytes: &[u8]| named(name).next(bytes).map(|_| ());
    assert_eq!(found("ascii4", b"G"), Err(FrameError::LengthNotDigits { at: 0, found: b'G' }));
    assert_eq!(found("ascii4", b"00 1x"), Err(FrameError::LengthNotDigits { at: 2, found: b' ' }));
    assert_eq!(found("bcd2", b"\x01\x2A"), Err(FrameError::LengthNotDigits { at: 1, found: 0x2A }));
    assert_eq!(found("hex4", b"0x"), Err(FrameError::LengthNotDigits { at: 1, found: b'x' }));
    assert_eq!(found("ebcdic4", b"0004"), Err(FrameError::LengthNotDigits { at: 0, found: b'0' }));
}

#[test]
fn a_length_out_of_range_is_refused_before_the_body_comes() {
    let found = |name, bytes: &[u8]| named(name).next(bytes).map(|_| ());
    assert_eq!(
        found("ascii4", b"4097"),
        Err(FrameError::Oversize { claimed_bytes: 4_097, limit_bytes: 4_096 })
    );
    assert_eq!(found("bin4", &[0xFF; 4]).map_err(|e| matches!(e, FrameError::Oversize { .. })), Err(true));
    assert_eq!(found("bin2+tpdu", &[0, 4]), Err(FrameError::TooShort { claimed_bytes: 4, needed_bytes: 5 }));
    assert_eq!(found("ascii4i", b"0003"), Err(FrameError::TooShort { claimed_bytes: 3, needed_bytes: 4 }));
    assert_eq!(found("ascii4", b"0000"), Err(FrameError::Empty));
    assert_eq!(found("ascii4i", b"0004"), Err(FrameError::Empty));
}

#[test]
fn a_frame_of_length_zero_is_a_sign_of_life_where_the_link_has_such() {
    assert_eq!(named("ascii4+ka").next(b"00000800"), Ok(Next::KeepAlive { consumed: 4 }));
    assert_eq!(named("bin2i+ka").next(&[0, 2]), Ok(Next::KeepAlive { consumed: 2 }));
}

#[test]
fn a_wrong_trailer_is_refused() {
    let found = named("ascii4+etx").next(b"0002AB\x04");
    assert_eq!(found, Err(FrameError::TrailerWrong { at: 6, expected: 3, found: 4 }));
}

#[test]
fn an_answer_swaps_the_addresses_of_a_tpdu_and_echoes_a_fixed_header() {
    let tpdu = named("bin2+tpdu");
    assert_eq!(tpdu.answer_header(&[0x60, 0, 3, 0, 9]).as_bytes(), [0x60, 0, 9, 0, 3]);
    assert_eq!(tpdu.answer_header(&[]).as_bytes(), [0x60, 0, 0, 0, 0]);
    assert_eq!(named("bin2+hdr3").answer_header(b"abc").as_bytes(), b"abc");
    assert_eq!(named("bin2+hdr3").request_header().as_bytes(), [0; 3]);
    assert_eq!(named("bin2+hdr2=0102").answer_header(b"ab").as_bytes(), [1, 2]);
    assert_eq!(named("bin2+hdr2~0102").answer_header(b"ab").as_bytes(), b"ab");
    assert_eq!(named("bin2+hdr2~0102").request_header().as_bytes(), [1, 2]);
}

#[test]
fn a_frame_that_cannot_be_written_leaves_nothing() {
    let mut out = b"before".to_vec();
    let refused = named("ascii4").write(b"", &mut out, |out| {
        out.extend_from_slice(b"half");
        Err("no")
    });
    assert_eq!(refused, Err(WriteError::Body("no")));
    let refused = named("ascii2").write(b"", &mut out, |out| {
        out.resize(out.len() + 100, b'x');
        Ok::<(), ()>(())
    });
    assert_eq!(refused, Err(WriteError::Oversize { found_bytes: 100, limit_bytes: 99 }));
    let refused = named("bin2+tpdu").write(b"", &mut out, |_| Ok::<(), ()>(()));
    assert_eq!(refused, Err(WriteError::Header { found_bytes: 0, expected_bytes: 5 }));
    assert_eq!(out, b"before");
}

proptest! {
    #[test]
    fn any_bytes_are_frames_or_refused(at in 0..NAMES.len(), bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(Next::Frame { consumed, .. } | Next::KeepAlive { consumed }) = named(NAMES[at]).next(&bytes) {
            prop_assert!(consumed >= 1 && consumed <= bytes.len());
        }
    }

    #[test]
    fn every_body_that_is_written_is_read(at in 0..NAMES.len(), body in proptest::collection::vec(0x20_u8..0x7F, 1..9)) {
        let framing = named(NAMES[at]);
        let header = framing.request_header();
        let bytes = framed(&framing, header.as_bytes(), &body);
        let expected = Next::Frame { header: header.as_bytes(), body: &body, consumed: bytes.len() };
        prop_assert_eq!(framing.next(&bytes), Ok(expected));
    }
}
