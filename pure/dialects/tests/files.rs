//! What a dialect file may say, and what is said to whoever writes it wrong.

mod given;

use dialects::{Dialect, MacInput, ReadError, Severity};
use given::{dialect, element, loaded, message, today};
use terms::{Code, Outcome};

/// A small whole file; each line of it is line n of the text.
const SMALL: &str = r#"name = "small"
base = "1987"
framing = "ascii4"
[map]
stan = 11
response_code = 39
processing_code = 3
pan = 2
[kinds]
"01" = "withdrawal"
[codes]
"00" = "approved"
"05" = "declined"
"30" = "format_error"
"68" = "no_answer"
"91" = "host_down"
"92" = "no_route"
"94" = "duplicate"
"96" = "malfunction"
"09" = "busy"
otherwise = "do_not_honour"
[message."0200"]
mandatory = [3, 11]
optional = [2]
[message."0210"]
mandatory = [11, 39]
optional = [2, 3]
echo = [2, 3, 11]
"#;

#[test]
fn a_small_file_is_a_whole_dialect() {
    assert_eq!(Dialect::check(SMALL), []);
    let dialect = loaded(SMALL);
    assert_eq!(dialect.messages().collect::<Vec<_>>(), [*b"0200", *b"0210"]);
    assert_eq!(dialect.code_text(Code::NoRoute).as_str(), "92");
}

#[test]
fn every_mistake_is_found_on_its_line() {
    #[rustfmt::skip]
    let table: &[(&str, &str, Option<usize>, &str)] = &[
        // change                         to                                line      said
        ("framing = \"ascii4\"",          "framing = \"ascii9\"",           Some(3),  "`ascii9`: no such length prefix"),
        ("base = \"1987\"",               "base = \"1986\"",                Some(2),  "`base` is \"1987\" or \"1993\""),
        ("base = \"1987\"",               "like = \"iso87-asci\"",          Some(2),  "`iso87-asci` is no shipped dialect; did you mean `iso87-ascii`?"),
        ("base = \"1987\"",               "base = \"1987\"\nbasis = 3",     Some(3),  "unknown key `basis` in the file; did you mean `base`?"),
        ("name = \"small\"",              "name = ",                        Some(1),  "string values must be quoted"),
        ("stan = 11",                     "stann = 11",                     Some(5),  "`stann` is no noun of the switch; did you mean `stan`?"),
        ("stan = 11",                     "stan = 0",                       Some(5),  "`stan` is the number of an element, or \"none\""),
        ("stan = 11",                     "stan = 12\nlocal_time = 12",     Some(6),  "DE 12 is both `stan` and `local_time`"),
        ("stan = 11",                     "stan = 41",                      Some(5),  "DE 41 cannot hold `stan`: it has 8 characters, and 1 to 6 are needed"),
        ("stan = 11",                     "stan = 150",                     Some(5),  "`stan` is mapped to DE 150, which has no shape"),
        ("pan = 2",                       "pan = 35",                       Some(8),  "DE 35 cannot hold `pan`: it has 37 characters, and 1 to 19 are needed"),
        ("\"01\" = \"withdrawal\"",       "\"1\" = \"withdrawal\"",         Some(10), "`1`: a kind is told by two digits"),
        ("\"01\" = \"withdrawal\"",       "\"01\" = \"withdraval\"",        Some(10), "`withdraval` is no kind; did you mean `withdrawal`?"),
        ("\"00\" = \"approved\"",         "\"000\" = \"approved\"",         Some(12), "the code \"000\" does not fit a response code of 2 characters"),
        ("\"00\" = \"approved\"",         "\"00\" = \"aproved\"",           Some(12), "`aproved` is no code; did you mean `approved`?"),
        ("\"00\" = \"approved\"",         "\"00\" = { code = \"approved\", outcome = \"good\" }", Some(12), "`good` is no outcome"),
        ("\"92\" = \"no_route\"",         "",                               None,     "[codes] has no text for `no_route`, which the switch must be able to say"),
        ("otherwise = \"do_not_honour\"", "",                               None,     "[codes] does not say what an unlisted code means"),
        ("[message.\"0200\"]",            "[message.\"0300x\"]",            Some(22), "`0300x` is no message type"),
        ("[message.\"0200\"]",            "[message.\"1200\"]",             Some(22), "`1200` is a message type of another edition"),
        ("mandatory = [3, 11]",           "mandatroy = [3, 11]",            Some(23), "unknown key `mandatroy` in [message.\"0200\"]; did you mean `mandatory`?"),
        ("mandatory = [3, 11]",           "mandatory = [3, 11, 60]",        Some(23), "message 0200: DE 60 is mandatory and neither mapped nor given a default"),
        ("mandatory = [3, 11]",           "mandatory = [3, 11, 129]",       Some(23), "message 0200: DE 129 is mandatory and has no shape"),
        ("mandatory = [3, 11]",           "mandatory = [2, 11]",            Some(24), "message 0200: DE 2 is both mandatory and optional"),
        ("mandatory = [3, 11]",           "mandatory = [3, 1]",             Some(23), "a data element is a number from 2 to 192"),
        ("echo = [2, 3, 11]",             "echo = [2, 4, 11]",              Some(28), "message 0210: DE 4 is repeated from the request and not allowed here"),
        ("optional = [2]\n",              "optional = [2]\necho = [2]\n",   Some(25), "message 0200: only an answer repeats elements"),
        ("[map]",                         "[fields]\n48 = \"ans..9999 LLL\"\n[map]", Some(5), "DE 48"),
        ("[map]",                         "[fields]\n48 = \"ans9 LL\"\n[map]", Some(5), "a fixed length has no prefix"),
        ("[map]",                         "[fields]\n48 = { is = \"ans9\", part = [] }\n[map]", Some(5), "unknown key `part` in an element; did you mean `parts`?"),
        ("[map]",                         "[style]\nmti = \"utf8\"\n[map]", Some(5),  "`utf8` is no coding"),
        ("[map]",                         "[matching]\nkey = [\"terminal\"]\n[map]", Some(5), "`terminal` cannot be part of a matching key"),
        ("[map]",                         "[mac]\nposition = 63\n[map]",    Some(5),  "an authentication code stands in element 64 or 128"),
    ];
    for (from, to, line, said) in table {
        assert!(SMALL.contains(from), "{from}");
        let text = SMALL.replacen(from, to, 1);
        let findings = Dialect::check(&text);
        let found = findings.iter().any(|finding| {
            finding.severity == Severity::Error && finding.line == *line && finding.message.contains(said)
        });
        assert!(found, "{to:?}: wanted line {line:?} {said:?}, found {findings:#?}");
        assert!(Dialect::load(&text).is_err());
    }
}

#[test]
fn nothing_in_a_file_makes_the_reader_stop() {
    for (_, text) in Dialect::shipped() {
        for cut in (0..text.len()).step_by(97) {
            let _ = Dialect::check(&text[..cut]);
        }
    }
    let deep = format!("a = {}", "[".repeat(10_000));
    assert!(Dialect::load(&deep).is_err());
    let nested = format!(
        "name = \"n\"\nlike = \"iso87-ascii\"\n[fields]\n48 = {}\"n1\"{}",
        "{ is = \"ans..99 LL\", parts = [".repeat(6),
        "] }".repeat(6)
    );
    assert!(Dialect::check(&nested).iter().any(|finding| finding.message.contains("nested deeper")));
}

#[test]
fn presence_is_held_against_every_message() {
    let dialect = loaded(SMALL);
    let read = |elements: &[(usize, &str)]| {
        dialect.read(&message(&dialect, b"0200", elements), today()).map_err(|refusal| refusal.error)
    };
    assert!(read(&[(3, "010000"), (11, "000001")]).is_ok());
    assert_eq!(read(&[(3, "010000")]), Err(ReadError::Missing { de: 11 }));
    assert_eq!(
        read(&[(3, "010000"), (11, "000001"), (12, "101112")]),
        Err(ReadError::Forbidden { de: 12, offset: 32 })
    );
    let unknown = message(&dialect, b"0220", &[(3, "010000"), (11, "000001")]);
    let refusal = dialect.read(&unknown, today()).expect_err("not named");
    assert_eq!(refusal.error, ReadError::UnknownMessage { mti: *b"0220" });
    assert_eq!(refusal.partial.map(|txn| txn.stan.0), Some(1));
}

#[test]
fn impossible_values_are_refused_by_element_and_byte() {
    let dialect = dialect("iso87-ascii");
    let base = [(3, "000000"), (4, "000000000001"), (7, "1122091500"), (11, "000001")];
    let with = |de: usize, text: &'static str| {
        let mut elements = base.to_vec();
        elements.push((de, text));
        dialect.read(&message(&dialect, b"0200", &elements), today()).map_err(|refusal| refusal.error)
    };
    assert_eq!(with(13, "0230"), Err(ReadError::NoSuchTime { de: 13, offset: 54 }));
    assert!(matches!(with(12, "250000"), Err(ReadError::NoSuchTime { de: 12, .. })));
    assert!(matches!(with(15, "1301"), Err(ReadError::NoSuchTime { de: 15, .. })));
    assert_eq!(with(15, "0000").map(|txn| txn.settlement_date), Ok(None));
    assert!(matches!(with(49, "USD"), Err(ReadError::Impossible { de: 49, .. })));
    let said = with(13, "0230").expect_err("refused").to_string();
    assert!(!said.contains("0230"), "an error never shows contents: {said}");
}

#[test]
fn a_year_is_supplied_near_today_and_kept_where_it_is_stated() {
    let old = dialect("iso87-ascii");
    let new_year = terms::BusinessDate::new(2027, 1, 1).expect("a day");
    let elements =
        [(3, "000000"), (4, "000000000001"), (7, "1231235959"), (11, "000001"), (12, "235959"), (13, "1231")];
    let txn = old.read(&message(&old, b"0200", &elements), new_year).expect("understood");
    assert_eq!(txn.local_time.map(|time| time.date.as_yyyymmdd()), Some(20_261_231));
    let new = dialect("iso93-ascii");
    let mut out = Vec::new();
    new.write_request(&txn, &given::ours(), &mut out).expect("writable");
    assert_eq!(element(&new, &out, 12).as_deref(), Some("261231235959"));
    assert_eq!(element(&new, &out, 22).as_deref(), Some("000000000000"));
    assert_eq!(element(&new, &out, 24).as_deref(), Some("200"));
}

#[test]
fn the_same_digits_mean_different_things_on_different_networks() {
    #[rustfmt::skip]
    let table = [
        ("iso87-ascii", "91",  Code::HostDown,      Outcome::Refused),
        ("pos-tpdu",    "91",  Code::HostDown,      Outcome::Refused),
        ("atm-access",  "91",  Code::NoAnswer,      Outcome::Unknown),
        ("atm-access",  "84",  Code::HostDown,      Outcome::Refused),
        ("pos-tpdu",    "A2",  Code::ApprovedDefective, Outcome::Approved),
        ("iso87-ascii", "ZZ",  Code::DoNotHonour,   Outcome::Refused),
        ("iso93-ascii", "116", Code::InsufficientFunds, Outcome::Refused),
        ("iso93-ascii", "199", Code::DoNotHonour,   Outcome::Refused),
        ("iso93-ascii", "911", Code::NoAnswer,      Outcome::Unknown),
        ("card-center", "103", Code::ReferToIssuer, Outcome::Refused),
        ("card-center", "000", Code::Approved,      Outcome::Approved),
    ];
    for (name, text, code, outcome) in table {
        let dialect = dialect(name);
        let (mti, elements): (_, Vec<(usize, &str)>) = match dialect.spec().version {
            0 => (
                b"0210",
                vec![
                    (3, "000000"),
                    (7, "1122091500"),
                    (11, "000001"),
                    (12, "181500"),
                    (13, "1122"),
                    (32, "123456"),
                    (39, text),
                    (41, "TERM0001"),
                    (42, "MERCHANT0000001"),
                ],
            ),
            _ => (b"1210", vec![(11, "000001"), (38, "000000"), (39, text)]),
        };
        let allowed = |de: usize| name == "atm-access" || ![7, 12, 13, 32].contains(&de);
        let elements: Vec<_> = elements.into_iter().filter(|(de, _)| allowed(*de)).collect();
        let txn = dialect
            .read(&message(&dialect, mti, &elements), today())
            .unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        assert_eq!((txn.code, txn.outcome), (Some(code), Some(outcome)), "{name} {text}");
    }
}

#[test]
fn a_file_that_is_like_another_states_only_its_differences() {
    let dialect = loaded(
        "name = \"ours\"\nlike = \"iso87-ascii\"\n[fields]\n48 = \"none\"\n43 = \"ans..99 LL\"\n[codes]\n\"A0\" = \"wrong_mac\"\n\"1A\" = \"declined\"\n[mac]\ninput = \"body\"\n",
    );
    assert!(dialect.explain(48).is_none());
    assert_eq!(dialect.explain(43).map(|said| said.format).as_deref(), Some("ans..99 LL:ascii ascii"));
    assert_eq!(dialect.code_text(Code::WrongMac).as_str(), "A0");
    assert_eq!(
        dialect.code_text(Code::Declined).as_str(),
        "1A",
        "what a file states itself is what it writes"
    );
    assert_eq!(dialect.mac().map(|mac| &mac.input), Some(&MacInput::WholeBody));
    assert!(dialect.pairing().terminal_id);
}

#[test]
fn an_original_crosses_the_editions() {
    let (old, new) = (dialect("iso87-ascii"), dialect("iso93-ascii"));
    let original = "020000012311220915000000012345600000098765";
    let elements = [
        (3, "010000"),
        (4, "000000000001"),
        (7, "1122091500"),
        (11, "000456"),
        (12, "181500"),
        (13, "1122"),
        (90, original),
    ];
    let txn = old.read(&message(&old, b"0420", &elements), today()).expect("understood");
    let mut out = Vec::new();
    new.write_request(&txn, &given::ours(), &mut out).expect("writable");
    assert_eq!(element(&new, &out, 56).as_deref(), Some("120000012300000000000006123456"));
    out.clear();
    old.write_request(&txn, &given::ours(), &mut out).expect("writable");
    assert_eq!(element(&old, &out, 90).as_deref(), Some(original));
}

#[test]
fn what_the_reference_shows_loads() {
    let reference = include_str!("../../../docs/dialects.md");
    let blocks: Vec<&str> =
        reference.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(Dialect::check(blocks[0]), []);
    for block in &blocks[1..] {
        let file = format!("name = \"shown\"\nlike = \"iso87-ascii\"\n[fields]\n{block}");
        assert_eq!(Dialect::check(&file), [], "{block}");
    }
}

#[test]
fn network_messages_are_sent_as_the_file_says_or_as_the_first_request_it_has() {
    use terms::Network;
    let sent_as = |text: &str| {
        let types = loaded(text).network_types();
        [Network::SignOn, Network::KeyExchange, Network::Echo, Network::CutoverEnd]
            .map(|about| types.of(about).map(|message| message.digits()))
    };
    let like = |base: &str, more: &str| format!("name = \"own\"\nlike = \"{base}\"\n{more}");
    let (request, advice) = (Some([8, 0, 0]), Some([8, 2, 0]));
    assert_eq!(sent_as(&like("iso87-ascii", "")), [request; 4]);
    assert_eq!(sent_as(&like("card-center", "")), [Some([8, 0, 4]), Some([8, 0, 4]), Some([8, 0, 4]), None]);
    let network =
        "[network]\nas = \"0820\"\n\"101\" = { is = \"key_exchange\", as = \"0800\" }\n\"202\" = \"none\"";
    assert_eq!(sent_as(&like("iso87-ascii", network)), [advice, request, advice, None]);
    for (wrong, said) in [
        ("as = \"0810\"", "`0810` is no network message that asks for something"),
        ("as = \"0822\"", "[network]: no [message] table is for type 822"),
        ("\"001\" = { as = \"0800\" }", "`001` does not say what it `is`"),
    ] {
        let found = Dialect::check(&like("iso87-ascii", &format!("[network]\n{wrong}")));
        assert!(found.iter().any(|finding| finding.to_string().contains(said)), "{wrong}: {found:?}");
    }
}
