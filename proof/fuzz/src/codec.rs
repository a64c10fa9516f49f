//! Messages: what is decoded can be encoded, and is then read as the same; what is not decoded is refused with
//! a place inside the message and without its contents.

use crate::messages::{golden, shipped, today};
use dialects::Dialect;
use iso8583::{Line, Message, Tree, Unmask, decode, describe, encode_tree};
use std::sync::LazyLock;
use terms::Outgoing;

static DIALECTS: LazyLock<Vec<Dialect>> = LazyLock::new(shipped);

/// The first byte chooses the dialect, the rest is a body.
pub fn check(bytes: &[u8]) {
    let Some((&which, body)) = bytes.split_first() else { return };
    let dialect = &DIALECTS[usize::from(which) % DIALECTS.len()];
    match decode(dialect.spec(), body) {
        Ok(message) => survives(dialect, &message),
        Err(refusal) => {
            let (error, size) = (&refusal.error, body.len());
            assert!(error.offset <= size, "the fault lies at byte {} of {size}", error.offset);
            tells_no_contents(&error.to_string());
            drop(describe(&refusal.partial, Unmask::No));
        }
    }
    understood(dialect, body);
    authenticated(dialect, body);
}

/// A code that is put into a message is found there, and covers what it covered before.
fn authenticated(dialect: &Dialect, body: &[u8]) {
    let Ok(covered) = dialect.covered(body) else { return };
    let mut coded = body.to_vec();
    if dialect.put_code(&covered, &[0x5A; 8], &mut coded).is_ok() {
        let again = dialect.covered(&coded).expect("it is a message as before");
        assert!(again.data.expose() == covered.data.expose(), "what is covered changed with the code");
        let code = again.code.expect("it was put there");
        assert!(code.iter().all(|&byte| byte == 0x5A), "another code is read than was written");
    }
}

/// decode ∘ encode ∘ decode = decode, and encode ∘ decode is at rest after one step.
fn survives(dialect: &Dialect, message: &Message<'_>) {
    let (spec, lines) = (dialect.spec(), describe(message, Unmask::Yes));
    let mut once = Vec::new();
    if encode_tree(spec, message.mti(), &Tree::of_lines(&lines), &mut once).is_err() {
        // A tree cannot say some things twice, such as the same tag.
        assert!(has_twins(&lines), "what was decoded cannot be encoded");
        return;
    }
    let again = decode(spec, &once).unwrap_or_else(|refusal| panic!("our own words: {refusal}"));
    let said_again = describe(&again, Unmask::Yes);
    if has_twins(&lines) {
        return;
    }
    assert_eq!(said(&said_again), said(&lines), "it is read as it was");
    let mut twice = Vec::new();
    encode_tree(spec, again.mti(), &Tree::of_lines(&said_again), &mut twice).expect("it was encoded before");
    assert!(once == twice, "the second encoding differs from the first");
}

fn said(lines: &[Line]) -> Vec<(&str, Option<&str>)> {
    lines.iter().map(|line| (line.path.as_str(), line.value.as_deref())).collect()
}

fn has_twins(lines: &[Line]) -> bool {
    let mut paths: Vec<_> = lines.iter().map(|line| &line.path).collect();
    paths.sort();
    paths.windows(2).any(|pair| pair[0] == pair[1])
}

/// What a dialect understands it can say again, and then understands as the same.
fn understood(dialect: &Dialect, body: &[u8]) {
    let txn = match dialect.read(body, today()) {
        Ok(txn) => txn,
        Err(refusal) => return tells_no_contents(&refusal.error.to_string()),
    };
    drop(format!("{txn:?}"));
    if !txn.message.asks() {
        return;
    }
    let said = Outgoing {
        stan: txn.stan,
        rrn: txn.rrn,
        transmitted_at: txn.transmitted_at,
        repeat: txn.message.is_repeat(),
    };
    let mut out = Vec::new();
    if dialect.write_request(&txn, &said, &mut out).is_err() {
        assert!(out.is_empty(), "what cannot be said leaves nothing behind");
        return;
    }
    let again =
        dialect.read(&out, today()).unwrap_or_else(|refusal| panic!("our own words: {}", refusal.error));
    assert_eq!((again.amount, again.currency, again.stan), (txn.amount, txn.currency, txn.stan));
    assert!(again.pan == txn.pan, "the card is the same");
    assert_eq!((again.terminal_id, again.kind), (txn.terminal_id, txn.kind));
}

/// No run of digits long enough to be a card number, a track or a PIN block.
fn tells_no_contents(text: &str) {
    let longest = text
        .split(|letter: char| !letter.is_ascii_hexdigit())
        .map(|run| if run.bytes().any(|byte| byte.is_ascii_digit()) { run.len() } else { 0 });
    assert!(longest.max().unwrap_or(0) < 10, "an error shows what stood there");
}

/// Good messages of every dialect.
pub fn seeds() -> Vec<Vec<u8>> {
    let of_dialect = |(at, dialect): (usize, &Dialect)| {
        golden(dialect).into_iter().map(move |body| [vec![at as u8], body].concat())
    };
    DIALECTS.iter().enumerate().flat_map(of_dialect).collect()
}
