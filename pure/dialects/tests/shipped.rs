//! The dialects that come with the switch: they load, and what they read they write.

mod given;

use dialects::{Dialect, ReadError};
use given::{dialect, element, loaded, message, mti, ours, purchase, today};
use terms::{Amount, Answer, Code, Kind, Network, Noun, Outcome, Stan};

#[test]
fn every_shipped_dialect_loads_without_a_finding() {
    for (name, text) in Dialect::shipped() {
        let findings = Dialect::check(text);
        assert!(
            findings.is_empty(),
            "{name}: {}",
            findings.iter().map(|f| format!("\n  {f}")).collect::<String>()
        );
        let dialect = dialect(name);
        assert_eq!(dialect.name(), *name);
        assert!(!dialect.summary().is_empty());
    }
}

#[test]
fn a_load_generators_purchase_is_understood() {
    let dialect = dialect("iso87-ascii");
    let body = message(&dialect, b"0200", &purchase());
    let txn = dialect.read(&body, today()).expect("understood");
    assert_eq!(txn.message.digits(), [2, 0, 0]);
    assert_eq!(txn.kind, Kind::Purchase);
    assert_eq!(txn.amount, Amount::minor(12_345));
    assert_eq!(txn.currency.number(), 840);
    assert_eq!(txn.stan, Stan(123));
    assert_eq!(txn.rrn.as_str(), "000000004711");
    assert_eq!(txn.terminal_id.as_str(), "TERM0001");
    assert_eq!(txn.acquirer_id.as_str(), "12345678901");
    assert_eq!(txn.pan.expose(), b"4111111111111111");
    assert_eq!(txn.local_time.map(|time| time.hms()), Some((18, 15, 0)));
    assert_eq!(txn.local_time.map(|time| time.date), Some(today()));
    assert_eq!(txn.carried.get(Noun::PinBlock), Some(&given::PIN_BLOCK[..]));
    assert_eq!(txn.carried.get(Noun::IccData).map(<[u8]>::len), Some(120));
    assert_eq!(txn.carried.get(Noun::MerchantType), Some(&b"5411"[..]));
    assert_eq!(txn.code, None);
}

#[test]
fn the_answer_gives_the_terminal_its_own_words_back() {
    let dialect = dialect("iso87-ascii");
    let request = dialect.read(&message(&dialect, b"0200", &purchase()), today()).expect("understood");
    let mut answer = Answer::ours(Code::Approved, Outcome::Approved);
    answer.approval_code = terms::Text::clipped(b"654321");
    answer.rrn = terms::Text::clipped(b"999999999999");
    let mut out = Vec::new();
    dialect.write_answer(&request, &answer, &mut out).expect("writable");
    assert_eq!(&mti(&dialect, &out), b"0210");
    for de in [2, 3, 4, 7, 11, 12, 13, 25, 32, 37, 41, 42, 49] {
        let asked = purchase().into_iter().find(|(one, _)| *one == de).map(|(_, text)| text.to_string());
        assert_eq!(element(&dialect, &out, de), asked, "DE {de}");
    }
    assert_eq!(element(&dialect, &out, 38).as_deref(), Some("654321"));
    assert_eq!(element(&dialect, &out, 39).as_deref(), Some("00"));
    assert_eq!(element(&dialect, &out, 52), None);
    assert_eq!(element(&dialect, &out, 64), None);
}

#[test]
fn a_host_simulators_answer_is_understood() {
    let dialect = dialect("iso87-ascii");
    let mut elements: Vec<_> = purchase()
        .into_iter()
        .filter(|(de, _)| [2, 3, 4, 7, 11, 12, 13, 25, 32, 37, 41, 42, 49].contains(de))
        .chain([(38, "000007"), (39, "51")])
        .collect();
    elements.sort_by_key(|(de, _)| *de);
    let txn = dialect.read(&message(&dialect, b"0210", &elements), today()).expect("understood");
    assert_eq!(txn.code, Some(Code::InsufficientFunds));
    assert_eq!(txn.outcome, Some(Outcome::Refused));
    assert_eq!(txn.wire_code.as_str(), "51");
    let echo = message(&dialect, b"0810", &[(7, "1122091500"), (11, "000009"), (39, "00"), (70, "301")]);
    assert_eq!(dialect.read(&echo, today()).expect("understood").network, Network::Echo);
}

#[test]
fn a_purchase_read_and_written_in_one_dialect_says_the_same() {
    for (name, _) in Dialect::shipped() {
        let dialect = dialect(name);
        let body = request_in(&dialect);
        let txn = dialect.read(&body, today()).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        let mut out = Vec::new();
        dialect.write_request(&txn, &ours(), &mut out).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut again = dialect.read(&out, today()).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        assert_eq!(again.stan, ours().stan, "{name}");
        (again.stan, again.rrn, again.transmitted_at) = (txn.stan, txn.rrn, txn.transmitted_at);
        assert_eq!(again, txn, "{name}");
    }
}

/// The purchase as a dialect's own terminal would send it, made by translation and completed by hand.
fn request_in(target: &Dialect) -> Vec<u8> {
    let source = dialect("iso87-ascii");
    let mut elements = purchase();
    elements.push((33, "00000900"));
    elements.sort_by_key(|(de, _)| *de);
    let txn = source.read(&message(&source, b"0200", &elements), today()).expect("understood");
    let mut out = Vec::new();
    target
        .write_request(&txn, &ours(), &mut out)
        .unwrap_or_else(|error| panic!("{}: {error}", target.name()));
    out
}

#[test]
fn a_source_of_1987_is_served_by_hosts_of_either_edition() {
    let source = dialect("iso87-ascii");
    let request = source.read(&message(&source, b"0200", &purchase()), today()).expect("understood");
    for (host, mti_expected, approved) in [
        ("iso87-binary", b"0200", "00"),
        ("iso87-ebcdic", b"0200", "00"),
        ("iso93-ascii", b"1200", "000"),
        ("iso93-binary", b"1200", "000"),
        ("card-center", b"1200", "000"),
    ] {
        let host = dialect(host);
        let mut out = Vec::new();
        host.write_request(&request, &ours(), &mut out)
            .unwrap_or_else(|error| panic!("{}: {error}", host.name()));
        assert_eq!(&mti(&host, &out), mti_expected);
        assert_eq!(element(&host, &out, 11).as_deref(), Some("777001"));
        assert_eq!(element(&host, &out, 64), None, "each leg has its own authentication code");
        assert_eq!(element(&host, &out, 35).as_deref(), Some("4111111111111111=30122011234567800000"));
        let at_host = host.read(&out, today()).unwrap_or_else(|refusal| panic!("{}: {refusal}", host.name()));
        assert_eq!(at_host.local_time, request.local_time);
        assert_eq!(at_host.pan, request.pan);
        assert_eq!(at_host.carried.get(Noun::IccData), request.carried.get(Noun::IccData));
        assert_eq!(at_host.carried.get(Noun::AcceptorName), request.carried.get(Noun::AcceptorName));

        let mut said = Answer::ours(Code::Approved, Outcome::Approved);
        said.approval_code = terms::Text::clipped(b"654321");
        let mut back = Vec::new();
        host.write_answer(&at_host, &said, &mut back)
            .unwrap_or_else(|error| panic!("{}: {error}", host.name()));
        assert_eq!(element(&host, &back, 39).as_deref(), Some(approved));
        let heard = host.read(&back, today()).unwrap_or_else(|refusal| panic!("{}: {refusal}", host.name()));
        assert_eq!((heard.code, heard.outcome), (Some(Code::Approved), Some(Outcome::Approved)));
        assert_eq!(heard.stan, ours().stan);
        assert_eq!(heard.approval_code.as_str(), "654321");
    }
}

#[test]
fn an_echo_crosses_the_editions() {
    let (old, new) = (dialect("iso87-ascii"), dialect("iso93-ascii"));
    let body = message(&old, b"0800", &[(7, "1122091500"), (11, "000009"), (70, "301")]);
    let txn = old.read(&body, today()).expect("understood");
    let mut out = Vec::new();
    new.write_request(&txn, &ours(), &mut out).expect("writable");
    assert_eq!(&mti(&new, &out), b"1804");
    assert_eq!(element(&new, &out, 24).as_deref(), Some("831"));
    let there = new.read(&out, today()).expect("understood");
    assert_eq!(there.network, Network::Echo);
    let mut back = Vec::new();
    new.write_answer(&there, &Answer::ours(Code::Approved, Outcome::Approved), &mut back).expect("writable");
    assert_eq!(&mti(&new, &back), b"1814");
    assert_eq!(element(&new, &back, 39).as_deref(), Some("800"));
}

#[test]
fn a_refused_message_still_yields_what_an_answer_needs() {
    let dialect = dialect("iso87-ascii");
    let mut body = message(&dialect, b"0200", &purchase());
    let at = body.len() - 300;
    body.truncate(at);
    let refusal = dialect.read(&body, today()).expect_err("cut short");
    assert!(matches!(refusal.error, ReadError::Decode(_)));
    let partial = refusal.partial.expect("the beginning was read");
    assert_eq!(partial.stan, Stan(123));
    let mut out = Vec::new();
    dialect
        .write_answer(&partial, &Answer::ours(Code::FormatError, Outcome::Refused), &mut out)
        .expect("writable");
    assert_eq!(element(&dialect, &out, 39).as_deref(), Some("30"));
    assert_eq!(element(&dialect, &out, 11).as_deref(), Some("000123"));
}

#[test]
fn every_code_can_be_said_and_only_approvals_are_heard_as_one() {
    for (name, _) in Dialect::shipped() {
        let dialect = dialect(name);
        let request = dialect.read(&request_in(&dialect), today()).expect("understood");
        for &code in Code::ALL {
            let mut out = Vec::new();
            dialect
                .write_answer(&request, &Answer::ours(code, code.outcome()), &mut out)
                .unwrap_or_else(|error| panic!("{name} {code}: {error}"));
            let heard =
                dialect.read(&out, today()).unwrap_or_else(|refusal| panic!("{name} {code}: {refusal}"));
            let approval = |outcome| outcome == Some(Outcome::Approved);
            assert_eq!(approval(heard.outcome), approval(Some(code.outcome())), "{name} {code}");
            assert!(!dialect.code_text(Code::Approved).is_empty());
        }
    }
}

#[test]
fn no_message_stops_the_reader_whatever_byte_of_it_is_wrong() {
    for (name, _) in Dialect::shipped() {
        let dialect = dialect(name);
        let body = request_in(&dialect);
        for at in 0..body.len() {
            for wrong in [0x00, 0x20, 0x39, 0x44, 0x5A, 0x80, 0xFF] {
                let mut spoilt = body.clone();
                spoilt[at] = wrong;
                if let Err(refusal) = dialect.read(&spoilt, today())
                    && let Some(partial) = &refusal.partial
                {
                    // Whatever was read of a request can be answered, or is refused for a reason.
                    let answer = Answer::ours(Code::FormatError, Outcome::Refused);
                    let _ = dialect.write_answer(partial, &answer, &mut Vec::new());
                }
            }
            let _ = dialect.read(&body[..at], today());
        }
    }
}

#[test]
fn an_answer_arrives_even_where_its_trimmings_do_not_fit() {
    let dialect = dialect("iso87-ascii");
    let request = dialect.read(&message(&dialect, b"0200", &purchase()), today()).expect("understood");
    let mut answer = Answer::ours(Code::Approved, Outcome::Approved);
    answer.carried.push(Noun::AdditionalResponse, &[b'A'; 99]);
    let mut out = Vec::new();
    dialect.write_answer(&request, &answer, &mut out).expect("written without them");
    assert_eq!(element(&dialect, &out, 39).as_deref(), Some("00"));
    assert_eq!(element(&dialect, &out, 44), None);
}

#[test]
fn a_reason_in_two_digits_is_no_reason_in_three() {
    let (old, new) = (dialect("iso87-ascii"), dialect("iso93-ascii"));
    let elements =
        [(3, "010000"), (4, "000000000001"), (7, "1122091500"), (11, "000456"), (12, "181500"), (39, "22")];
    let txn = old.read(&message(&old, b"0420", &elements), today()).expect("understood");
    assert_eq!((txn.code, txn.wire_code.as_str()), (None, "22"));
    let mut out = Vec::new();
    new.write_request(&txn, &ours(), &mut out).expect("writable");
    assert_eq!(element(&new, &out, 39), None);
    out.clear();
    old.write_request(&txn, &ours(), &mut out).expect("writable");
    assert_eq!(element(&old, &out, 39).as_deref(), Some("22"));
}

/// The transactions of a self-service terminal under the digits each shipped dialect writes for them; `None` where
/// it has none, so that whoever runs one states them.
#[test]
fn every_transaction_has_its_digits_where_there_are_any() {
    #[rustfmt::skip]
    let table: [(Kind, Option<&str>, Option<&str>); 13] = [
        // transaction          neutral       ATM access
        (Kind::Withdrawal,     Some("01"),   Some("01")),
        (Kind::Transfer,       Some("40"),   Some("45")),
        (Kind::TransferOut,    Some("41"),   Some("41")),
        (Kind::TransferIn,     Some("46"),   Some("40")),
        (Kind::BalanceInquiry, Some("30"),   Some("31")),
        (Kind::PinChange,      Some("70"),   Some("91")),
        (Kind::CardStatus,     Some("38"),   Some("95")),
        (Kind::Deposit,        Some("21"),   Some("21")),
        (Kind::CardActivation, Some("72"),   Some("72")),
        (Kind::History,        Some("39"),   Some("39")),
        (Kind::BillInquiry,    Some("80"),   None),
        (Kind::BillPayment,    Some("50"),   Some("17")),
        (Kind::CardType,       Some("95"),   Some("80")),
    ];
    let said = |name: &str, kind| {
        // Its presence rules are not what is asked here.
        let all = "[message.\"0200\"]\nmandatory = [3]\nrest = \"optional\"\n";
        let dialect = loaded(&format!("name = \"x\"\nlike = \"{name}\"\n{all}"));
        let mut txn = dialect.read(&message(&dialect, b"0200", &purchase()), today()).expect("understood");
        // No digits of its own, so that the network's are written.
        (txn.kind, txn.processing_code) = (kind, terms::Text::EMPTY);
        let mut body = Vec::new();
        dialect.writes_kind(kind).then_some(())?;
        dialect.write_request(&txn, &ours(), &mut body).expect("it can be said");
        element(&dialect, &body, 3).map(|digits| digits[..2].to_string())
    };
    for (kind, neutral, access) in table {
        for (names, wanted) in [(&["iso87-ascii", "iso87-binary"][..], neutral), (&["atm-access"], access)] {
            for name in names {
                assert_eq!(said(name, kind).as_deref(), wanted, "{name}: {kind}");
            }
        }
    }
}

/// What a reversal or an advice cannot be written without, beyond what every record keeps: a dialect that demands
/// an element nobody keeps could never be paid what it is owed.
#[test]
fn what_a_dialect_demands_of_what_it_is_owed_can_be_kept() {
    use Noun::{AcceptorId, AcceptorName, ConditionCode, EntryMode, ForwarderId, MerchantType};
    for (name, _) in Dialect::shipped() {
        let mut demanded: Vec<Noun> = dialect(name).demands_of_owed().collect();
        demanded.sort_by_key(|noun| *noun as u8);
        demanded.dedup();
        let wanted: &[Noun] = match *name {
            "atm-access" => &[MerchantType, EntryMode, ConditionCode, ForwarderId, AcceptorId, AcceptorName],
            "pos-tpdu" => &[EntryMode, ConditionCode, AcceptorId],
            _ => &[],
        };
        assert_eq!(demanded, wanted, "{name}");
    }
}
