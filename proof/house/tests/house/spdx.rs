//! Licence expressions: `MIT OR Apache-2.0`, `(A OR B) AND C`, `Apache-2.0 WITH LLVM-exception`.

use std::collections::BTreeSet;

/// Whether the expression lets us use the work under licences of this set alone. An exception (`WITH`) only
/// gives more than its licence does, so the licence before it decides.
pub(crate) fn permits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let permitted = any_of(&mut rest, allowed);
    assert!(rest.is_empty(), "not a licence expression: {expression}");
    permitted
}

fn any_of(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut permitted = all_of(words, allowed);
    while skip(words, "OR") {
        permitted |= all_of(words, allowed);
    }
    permitted
}

fn all_of(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    let mut permitted = one(words, allowed);
    while skip(words, "AND") {
        permitted &= one(words, allowed);
    }
    permitted
}

fn one(words: &mut &[&str], allowed: &BTreeSet<String>) -> bool {
    if skip(words, "(") {
        let permitted = any_of(words, allowed);
        assert!(skip(words, ")"), "a bracket is not closed");
        return permitted;
    }
    let licence = take(words);
    if skip(words, "WITH") {
        take(words);
    }
    allowed.contains(licence)
}

fn take<'a>(words: &mut &[&'a str]) -> &'a str {
    let (first, rest) = words.split_first().expect("a licence expression does not end in an operator");
    *words = rest;
    first
}

fn skip(words: &mut &[&str], wanted: &str) -> bool {
    let found = words.first() == Some(&wanted);
    if found {
        take(words);
    }
    found
}

#[test]
fn a_choice_needs_one_licence_and_a_sum_needs_all() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "Zlib".to_owned()]);
    #[rustfmt::skip]
    let cases = [
        ("MIT",                               true),
        ("GPL-3.0",                           false),
        ("GPL-3.0 OR MIT",                    true),
        ("GPL-3.0 AND MIT",                   false),
        ("(GPL-3.0 OR MIT) AND Zlib",         true),
        ("GPL-3.0 OR MIT AND Zlib",           true),
        ("(GPL-3.0 OR MIT) AND ISC",          false),
        ("MIT WITH LLVM-exception",           true),
        ("GPL-3.0 WITH LLVM-exception",       false),
    ];
    for (expression, permitted) in cases {
        assert_eq!(permits(expression, &allowed), permitted, "{expression}");
    }
}
