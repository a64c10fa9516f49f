//! Dialects on one thread: a purchase request from bytes to a transaction, on to a host, and its answer back.

use crate::codec::{Content, ELEMENTS, encode, measure, message_of_elements, table_head};
use dialects::Dialect;
use iso8583::{Spec, decode};
use std::hint::black_box;
use terms::{Answer, BusinessDate, Code, Noun, Outcome, Outgoing, Stan, Text, Txn};

const NAMES: [&str; 3] = ["iso87-ascii", "iso87-binary", "iso93-ascii"];

/// Prints, for each dialect, what reading and writing take and allocate, and how that compares with decoding and
/// encoding the same bytes without asking what they mean.
pub(crate) fn run() {
    println!(
        "0200 with {} elements, and its answer with chip data of the issuer, one thread",
        ELEMENTS.len()
    );
    table_head();
    let source = dialect(NAMES[0]);
    let body = message_of_elements(source.spec());
    let asked = source.read(&body, today()).expect("a legal message");
    for name in NAMES {
        measure_dialect(name, &dialect(name), &asked);
    }
}

/// `asked` is the request as the source said it; the dialect under measurement writes it, reads what it wrote, and
/// writes the answer.
fn measure_dialect(name: &str, dialect: &Dialect, asked: &Txn) {
    let (ours, answer) = (ours(), answer());
    let (mut request, mut response) = (Vec::new(), Vec::new());
    dialect.write_request(asked, &ours, &mut request).expect("every mandatory element is there");
    let txn = dialect.read(&request, today()).expect("what was written");
    dialect.write_answer(&txn, &answer, &mut response).expect("every mandatory element is there");
    let spec = dialect.spec();
    let decoded = measure(&format!("{name}: decode"), request.len(), || {
        black_box(decode(black_box(spec), black_box(&request)).is_ok())
    });
    let read = measure(&format!("{name}: read"), request.len(), || {
        black_box(black_box(dialect).read(black_box(&request), today()).is_ok())
    });
    let mut out = Vec::with_capacity(4_096);
    let asking = measure_encode(&format!("{name}: encode 0200"), spec, &request);
    let requested = measure(&format!("{name}: write_request"), request.len(), || {
        out.clear();
        black_box(dialect).write_request(black_box(&txn), black_box(&ours), &mut out).expect("as before");
        black_box(out.len())
    });
    let answering = measure_encode(&format!("{name}: encode 0210"), spec, &response);
    let answered = measure(&format!("{name}: write_answer"), response.len(), || {
        out.clear();
        black_box(dialect).write_answer(black_box(&txn), black_box(&answer), &mut out).expect("as before");
        black_box(out.len())
    });
    assert_eq!(out, response, "what is measured is right");
    println!(
        "{name}: read is {:.1} of decode, write_request {:.1} of encode, write_answer {:.1}",
        read / decoded,
        requested / asking,
        answered / answering
    );
}

/// Measures writing the elements of `body` when somebody else has said already what belongs into each.
fn measure_encode(name: &str, spec: &Spec, body: &[u8]) -> f64 {
    let message = decode(spec, body).expect("what was written");
    let mti = message.mti();
    let contents: Vec<(usize, Content)> = (message.iter())
        .map(|(de, value)| {
            let mut held = Vec::new();
            value.bytes_into(&mut held);
            (de, if value.is_bytes() { Content::Bytes(held) } else { Content::Text(held) })
        })
        .collect();
    let mut out = Vec::with_capacity(4_096);
    let median = measure(name, body.len(), || {
        out.clear();
        encode(black_box(spec), mti, black_box(&contents), &mut out);
        black_box(out.len())
    });
    assert_eq!(out, body, "what is measured is right");
    median
}

fn dialect(name: &str) -> Dialect {
    Dialect::named(name).expect("it is shipped")
}

fn today() -> BusinessDate {
    BusinessDate::new(2026, 1, 1).expect("a day of the calendar")
}

fn ours() -> Outgoing {
    let (rrn, transmitted_at) = (Text::clipped(b"012345678901"), Text::clipped(b"0101000001"));
    Outgoing { stan: Stan(123_456), rrn, transmitted_at, repeat: false }
}

fn answer() -> Answer {
    let mut answer = Answer::ours(Code::Approved, Outcome::Approved);
    answer.approval_code = Text::clipped(b"A12345");
    answer.carried.push(Noun::IccData, &[0x91, 0x0A, 1, 2, 3, 4, 5, 6, 7, 8, 0x30, 0x30]);
    answer
}
