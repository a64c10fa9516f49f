//! Frames: what is found does not depend on how the bytes arrived, and what is found can be written again.

use crate::messages::{golden, shipped};
use std::sync::LazyLock;
use wire::{Framing, Next};

const NAMES: &[&str] = &[
    "ascii4",
    "ascii4i",
    "ascii6",
    "bin1",
    "bin2",
    "bin4",
    "bin2i",
    "binle2",
    "bcd2",
    "hex4",
    "ebcdic4",
    "bin2+tpdu",
    "ascii4+hdr12",
    "bin2+hdr5=6000030000",
    "ascii4+etx",
    "ascii4+etxc",
    "none+end=0D",
    "bin2+ka",
    "ascii4+max=300",
];

static FRAMINGS: LazyLock<Vec<Framing>> =
    LazyLock::new(|| NAMES.iter().map(|name| Framing::named(name).expect("a framing")).collect());

/// The first byte chooses the framing, the rest is a stream.
pub fn check(bytes: &[u8]) {
    let Some((&which, mut stream)) = bytes.split_first() else { return };
    let framing = &FRAMINGS[usize::from(which) % FRAMINGS.len()];
    let mut frames = 0;
    while frames < 64 {
        frames += 1;
        match framing.next(stream) {
            Ok(Next::Frame { header, body, consumed }) => {
                assert!(consumed > 0 && consumed <= stream.len(), "consumed {consumed} of {}", stream.len());
                assert!(body.len() <= framing.body_bytes_max, "the limit holds");
                arrives_in_parts(framing, stream, consumed);
                is_written_again(framing, header, body);
                stream = &stream[consumed..];
            }
            Ok(Next::KeepAlive { consumed }) => {
                assert!(consumed > 0 && consumed <= stream.len(), "consumed {consumed} of {}", stream.len());
                stream = &stream[consumed..];
            }
            Ok(Next::NeedMore { at_least }) => {
                assert!(at_least > 0, "more is needed, and it is nothing");
                return;
            }
            Err(error) => return drop(error.to_string()),
        }
    }
}

/// No beginning of a frame is taken for a frame or for a fault, and none asks for more than is missing.
fn arrives_in_parts(framing: &Framing, stream: &[u8], consumed: usize) {
    for cut in (0..consumed).filter(|cut| *cut < 16 || cut % 37 == 0 || *cut + 4 > consumed) {
        match framing.next(&stream[..cut]) {
            Ok(Next::NeedMore { at_least }) => {
                assert!(cut + at_least <= consumed, "asks for {at_least} at byte {cut} of {consumed}");
            }
            other => panic!("{cut} bytes of a frame of {consumed} are {other:?}"),
        }
    }
}

fn is_written_again(framing: &Framing, header: &[u8], body: &[u8]) {
    let mut out = Vec::new();
    let written = framing.write::<()>(header, &mut out, |out| {
        out.extend_from_slice(body);
        Ok(())
    });
    assert!(written.is_ok(), "what was read can be written: {written:?}");
    match framing.next(&out) {
        Ok(Next::Frame { header: h, body: b, consumed }) => {
            assert!(h == header && b == body && consumed == out.len(), "it is read as it was written");
        }
        // Headers from outside may be fixed to other bytes; they are read as they are.
        other => panic!("what was written is {other:?}"),
    }
}

/// Two good frames under every framing.
pub fn seeds() -> Vec<Vec<u8>> {
    let body = shipped().iter().find_map(|dialect| golden(dialect).first().cloned()).expect("a message");
    let frames = |(at, framing): (usize, &Framing)| {
        let mut bytes = vec![at as u8];
        for _ in 0..2 {
            let header = framing.request_header();
            let short = &body[..body.len().min(200)];
            let write = |out: &mut Vec<u8>| -> Result<(), ()> {
                out.extend_from_slice(short);
                Ok(())
            };
            framing.write(header.as_bytes(), &mut bytes, write).expect("two hundred bytes fit everywhere");
        }
        bytes
    };
    FRAMINGS.iter().enumerate().map(frames).collect()
}
