//! Codes on their way from a host to a terminal: what retains a card, what comes back as it was written.

mod given;

use dialects::Dialect;
use given::{dialect, element, message, purchase, today};
use terms::{Answer, Code, Outcome, Txn};

/// Refusals of 1987 that retain the card; in 1993 they are all that begin with a 2.
const RETAINING: [&str; 11] = ["04", "07", "33", "34", "35", "36", "37", "38", "41", "43", "67"];

fn retains(text: &str) -> bool {
    if text.len() == 3 { text.starts_with('2') } else { RETAINING.contains(&text) }
}

fn width(dialect: &Dialect) -> usize {
    dialect.code_text(Code::Approved).as_str().len()
}

/// The purchase as this dialect's own terminals send it.
fn request_of(source: &Dialect) -> Txn {
    let old = dialect("iso87-ascii");
    let mut elements = purchase();
    elements.push((33, "00000900"));
    elements.sort_by_key(|(de, _)| *de);
    let txn = old.read(&message(&old, b"0200", &elements), today()).expect("understood");
    let mut out = Vec::new();
    source.write_request(&txn, &given::ours(), &mut out).expect("writable");
    source.read(&out, today()).unwrap_or_else(|refusal| panic!("{}: {refusal}", source.name()))
}

/// What this host's answer says: an approval of ours, with its code replaced.
fn reply_of(host: &Dialect, text: &str) -> Txn {
    let mut body = Vec::new();
    let approved = Answer::ours(Code::Approved, Outcome::Approved);
    host.write_answer(&request_of(host), &approved, &mut body).expect("writable");
    let elements: Vec<(usize, String)> =
        (2..=128).filter_map(|de| element(host, &body, de).map(|held| (de, held))).collect();
    let elements: Vec<(usize, &str)> =
        elements.iter().map(|(de, held)| (*de, if *de == 39 { text } else { held.as_str() })).collect();
    let body = message(host, &given::mti(host, &body), &elements);
    host.read(&body, today()).unwrap_or_else(|refusal| panic!("{} {text}: {refusal}", host.name()))
}

/// What a source is told where the host said this.
fn told(source: &Dialect, request: &Txn, reply: &Txn) -> String {
    let mut answer = Answer::ours(reply.code.expect("a code"), reply.outcome.expect("an outcome"));
    answer.wire_code = reply.wire_code;
    let mut out = Vec::new();
    source.write_answer(request, &answer, &mut out).expect("writable");
    element(source, &out, 39).expect("an answer has a code")
}

#[test]
fn no_card_is_retained_by_translation_and_none_that_should_be_is_given_back() {
    let all: Vec<Dialect> = Dialect::shipped().iter().map(|(name, _)| dialect(name)).collect();
    let asked: Vec<Txn> = all.iter().map(request_of).collect();
    for host in &all {
        let width = width(host);
        for number in 0..10_usize.pow(width as u32) {
            let text = format!("{number:0width$}");
            let reply = reply_of(host, &text);
            for (source, request) in all.iter().zip(&asked) {
                let told = told(source, request, &reply);
                let way = format!("{} {text} -> {} {told}", host.name(), source.name());
                assert_eq!(retains(&told), retains(&text), "{way}");
            }
        }
    }
}

#[test]
fn what_both_sides_read_alike_comes_back_as_it_was_written() {
    let pairs = [
        ("iso87-binary", "iso87-ascii", &["11", "16", "07", "33", "02", "34", "36", "59", "62"][..]),
        ("iso87-ebcdic", "pos-tpdu", &["11", "16", "07", "33", "02", "45"][..]),
        ("iso93-binary", "iso93-ascii", &["103", "112", "114", "202", "204", "129"][..]),
    ];
    for (host, source, texts) in pairs {
        let (host, source) = (dialect(host), dialect(source));
        let request = request_of(&source);
        for text in texts.iter().filter(|text| host.name() != "iso87-ebcdic" || **text != "45") {
            assert_eq!(told(&source, &request, &reply_of(&host, text)), **text, "{}", host.name());
        }
    }
}

#[test]
fn a_code_of_the_other_edition_is_the_one_that_says_the_same() {
    let (old, new) = (dialect("iso87-ascii"), dialect("iso93-ascii"));
    #[rustfmt::skip]
    let table = [
        ("01", "107"), ("34", "200"), ("36", "200"), ("38", "206"), ("41", "208"), ("43", "209"),
        ("57", "119"), ("59", "102"), ("62", "104"), ("99", "126"), ("22", "909"), ("51", "116"),
    ];
    for (in_old, in_new) in table {
        assert_eq!(told(&new, &request_of(&new), &reply_of(&old, in_old)), in_new, "{in_old}");
    }
    #[rustfmt::skip]
    let table = [
        ("102", "59"), ("129", "59"), ("104", "62"), ("125", "62"), ("202", "04"), ("204", "04"),
        ("206", "38"), ("208", "41"), ("209", "43"), ("107", "01"), ("126", "99"),
    ];
    for (in_new, in_old) in table {
        assert_eq!(told(&old, &request_of(&old), &reply_of(&new, in_new)), in_old, "{in_new}");
    }
}

#[test]
fn an_acceptance_of_something_else_approves_nothing() {
    let host = dialect("iso93-ascii");
    for text in ["300", "400", "500", "600", "800", "900", "901"] {
        let reply = reply_of(&host, text);
        assert_eq!(reply.outcome, Some(Outcome::Unknown), "{text} in answer to a purchase");
        assert_ne!(reply.code, Some(Code::Approved), "{text}");
    }
    let heard = |mti: &[u8; 4], text| {
        let elements = [(11, "000456"), (24, "400"), (39, text)];
        let elements = if mti[1] == b'8' { &elements[..] } else { &[elements[0], elements[2]] };
        host.read(&message(&host, mti, elements), today()).expect("understood").outcome
    };
    for (mti, text) in [(b"1430", "400"), (b"1410", "400"), (b"1814", "800"), (b"1230", "900")] {
        assert_eq!(heard(mti, text), Some(Outcome::Approved), "{text}");
    }
    assert_eq!(heard(b"1430", "800"), Some(Outcome::Unknown));
}
