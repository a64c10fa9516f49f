//! The codec on one thread: a purchase request of 21 elements with 120 bytes of chip data.

use crate::counting::allocations;
use iso8583::{
    Spec, Writer, decode,
    spec::{Coding, Counts, Length},
    tables::{Style, edition_1987},
};
use std::{hint::black_box, time::Instant};

const BATCHES: usize = 60;
const OPERATIONS: u32 = 20_000;

/// The elements as text; bytes as hex. Numbers and names are invented, the card number is a test number.
#[rustfmt::skip]
pub(crate) const ELEMENTS: &[(usize, &str)] = &[
    ( 2, "4111111111111111"),
    ( 3, "000000"),
    ( 4, "000000012345"),
    ( 7, "0101000000"),
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
    (55, "9F2608A1B2C3D4E5F607189F2701809F101206010A03A0A002010A010000000000AABBCC9F3704DEADBEEF9F36020042\
          950500800080009A032501019C01009F02060000000123455F2A020840820239009F1A0208409F03060000000000009F33\
          03E0F8C89F34034203009F3501228407A0000000031010"),
    (64, "0123456789ABCDEF"),
];

/// What is put into a writer: text as it is, bytes as bytes where the style has them raw.
pub(crate) enum Content {
    Text(Vec<u8>),
    Bytes(Vec<u8>),
}

/// Prints, for each style, what decoding and encoding take and allocate, and how that compares with the least
/// any reader must do, a walk over the same bytes that checks nothing.
pub(crate) fn run() {
    println!(
        "0200 with {} elements, one thread, {BATCHES} batches of {OPERATIONS}; ns per operation",
        ELEMENTS.len()
    );
    table_head();
    for (name, style) in
        [("iso87 ascii", Style::Ascii), ("iso87 binary", Style::Binary), ("iso87 ebcdic", Style::Ebcdic)]
    {
        measure_style(name, &edition_1987(style));
    }
}

/// The columns [`measure`] prints.
pub(crate) fn table_head() {
    println!("{:<28} {:>7} {:>7} {:>7} {:>7} {:>9}", "", "bytes", "min", "median", "max", "allocs/op");
}

/// The message of the yardstick under `spec`.
pub(crate) fn message_of_elements(spec: &Spec) -> Vec<u8> {
    let contents: Vec<(usize, Content)> =
        ELEMENTS.iter().map(|(de, text)| (*de, content(spec, *de, text))).collect();
    let mut body = Vec::new();
    encode(spec, *b"0200", &contents, &mut body);
    body
}

fn measure_style(name: &str, spec: &Spec) {
    let contents: Vec<(usize, Content)> =
        ELEMENTS.iter().map(|(de, text)| (*de, content(spec, *de, text))).collect();
    let mut body = Vec::new();
    encode(spec, *b"0200", &contents, &mut body);
    let bytes = body.len();
    let first = decode(spec, &body).expect("what was written").get(2).expect("a card number").offset();
    let lies = lies(spec);
    let start = first - lies[0].prefix_bytes;
    assert_eq!(walk(&lies, start, &body).0, bytes, "the walk ends where the message does");
    let floor =
        measure(&format!("{name}: blind walk"), bytes, || walk(black_box(&lies), start, black_box(&body)));
    let decoded = measure(&format!("{name}: decode"), bytes, || {
        black_box(decode(black_box(spec), black_box(&body)).is_ok())
    });
    measure(&format!("{name}: decode, read 8"), bytes, || read_eight(black_box(spec), black_box(&body)));
    let mut out = Vec::with_capacity(4_096);
    let encoded = measure(&format!("{name}: encode"), bytes, || {
        out.clear();
        encode(black_box(spec), *b"0200", black_box(&contents), &mut out);
        black_box(out.len())
    });
    assert_eq!(out, body, "what is measured is right");
    println!("{name}: decode is {:.1} blind walks, encode {:.1}", decoded / floor, encoded / floor);
}

/// Warms up, then times batches; prints and gives the median in ns.
pub(crate) fn measure<T>(name: &str, bytes: usize, mut operation: impl FnMut() -> T) -> f64 {
    for _ in 0..OPERATIONS {
        black_box(operation());
    }
    let before = allocations();
    let mut times: Vec<f64> = Vec::with_capacity(BATCHES);
    for _ in 0..BATCHES {
        let start = Instant::now();
        for _ in 0..OPERATIONS {
            black_box(operation());
        }
        times.push(start.elapsed().as_nanos() as f64 / f64::from(OPERATIONS));
    }
    let operations = BATCHES as f64 * f64::from(OPERATIONS);
    let allocated = (allocations() - before) as f64 / operations;
    times.sort_by(f64::total_cmp);
    let median = times[BATCHES / 2];
    println!(
        "{name:<28} {bytes:>7} {:>7.0} {median:>7.0} {:>7.0} {allocated:>9.2}",
        times[0],
        times[BATCHES - 1]
    );
    median
}

fn content(spec: &Spec, de: usize, text: &str) -> Content {
    let shape = spec.fields[de].as_ref().expect("the table has the element");
    match shape.coding {
        Coding::Binary => {
            let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("hex"));
            Content::Bytes(pairs.map(|pair| u8::from_str_radix(pair, 16).expect("hex")).collect())
        }
        _ => Content::Text(text.as_bytes().to_vec()),
    }
}

/// Writes the elements as a message of one bitmap.
pub(crate) fn encode(spec: &Spec, mti: [u8; 4], contents: &[(usize, Content)], out: &mut Vec<u8>) {
    let mut writer = Writer::new(spec, mti, 1, out);
    for (de, content) in contents {
        match content {
            Content::Text(text) => writer.put_text(*de, text),
            Content::Bytes(bytes) => writer.put_bytes(*de, bytes),
        }
        .expect("a legal element");
    }
    writer.finish().expect("a legal message");
}

fn read_eight(spec: &Spec, body: &[u8]) -> u64 {
    let message = decode(spec, body).expect("a legal message");
    let numbers = [3, 4, 7, 11].map(|de| message.get(de).and_then(|value| value.number()).unwrap_or(0));
    let lengths = [2, 37, 41, 55].map(|de| message.get(de).map_or(0, |value| value.length() as u64));
    numbers.iter().chain(&lengths).fold(0, |sum, number| sum ^ number)
}

/// Where each element of the body lies: the bytes of its length prefix, what reads that, and bytes per count.
struct Lie {
    prefix_bytes: usize,
    base: usize,
    halves: usize,
    fixed_bytes: usize,
}

/// The least a reader can do: step from element to element by lengths alone, believing everything.
fn walk(lies: &[Lie], start: usize, body: &[u8]) -> (usize, u64) {
    let (mut at, mut sum) = (start, 0_u64);
    for lie in lies {
        let mut length = lie.fixed_bytes;
        if lie.prefix_bytes > 0 {
            let digits = body[at..at + lie.prefix_bytes].iter();
            let count = digits.fold(0, |n, &b| {
                n * lie.base
                    + if lie.base == 100 { usize::from(b >> 4) * 10 } else { 0 }
                    + usize::from(b & 15)
            });
            length = (count * lie.halves).div_ceil(2);
            at += lie.prefix_bytes;
        }
        sum ^= u64::from(body[at]) << (at % 8);
        at += length;
    }
    (at, sum)
}

fn lies(spec: &Spec) -> Vec<Lie> {
    let lie = |(de, _): &(usize, &str)| {
        let shape = spec.fields[*de].as_ref().expect("the table has the element");
        let halves = match shape.coding {
            Coding::Bcd { .. } => 1,
            Coding::HexAscii | Coding::HexEbcdic => 4,
            _ => 2,
        };
        match shape.length {
            Length::Fixed(count) => Lie {
                prefix_bytes: 0,
                base: 0,
                halves,
                fixed_bytes: (usize::from(count) * halves).div_ceil(2),
            },
            Length::Var { digits, coding, counts, .. } => {
                let halves = if counts == Counts::WireBytes { 2 } else { halves };
                match coding {
                    Coding::Bcd { .. } => Lie {
                        prefix_bytes: usize::from(digits).div_ceil(2),
                        base: 100,
                        halves,
                        fixed_bytes: 0,
                    },
                    _ => Lie { prefix_bytes: usize::from(digits), base: 10, halves, fixed_bytes: 0 },
                }
            }
        }
    };
    ELEMENTS.iter().map(lie).collect()
}
