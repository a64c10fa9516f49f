//! What is said of money in parts and in legs: partial reversals, and the halves of a transfer.

mod given;

use dialects::{Dialect, WriteError};
use given::{element, ours, today};
use terms::{Amount, Answer, Code, Kind, LocalTime, MessageType, Outcome, Stan, Text, Txn};

/// What stands in which element.
type Written = [(usize, Option<&'static str>); 4];

/// A reversal of 300.00, of which 100.00 was dispensed, in the two ways networks say so.
#[test]
fn a_partial_reversal_is_said_in_each_editions_way_and_understood_in_both() {
    let reversal = || Txn {
        kind: Kind::Withdrawal,
        processing_code: Text::clipped(b"010000"),
        amount: Amount::minor(30_000),
        remaining: Some(Amount::minor(10_000)),
        stan: Stan(77),
        transmitted_at: Text::clipped(b"1122091500"),
        local_time: LocalTime::new(today(), 18, 15, 0),
        ..Txn::new(MessageType::from_digits([4, 2, 0]).expect("0420"))
    };
    let de_95 = "000000010000000000000000C00000000C00000000";
    #[rustfmt::skip]
    let table: [(&str, Written); 5] = [
        ("iso87-ascii",  [(4, Some("000000030000")), (24, None),        (30, None), (95, Some(de_95))]),
        ("iso87-binary", [(4, Some("000000030000")), (24, None),        (30, None), (95, Some(de_95))]),
        ("iso93-ascii",  [(4, Some("000000010000")), (24, Some("401")), (30, Some("000000030000000000000000")), (95, None)]),
        ("iso93-binary", [(4, Some("000000010000")), (24, Some("401")), (30, Some("000000030000000000000000")), (95, None)]),
        ("card-center",  [(4, Some("000000010000")), (24, Some("401")), (30, Some("000000030000000000000000")), (95, None)]),
    ];
    for (name, wanted) in table {
        let dialect = Dialect::named(name).expect("it is shipped");
        assert!(dialect.says_remaining(), "{name}");
        let mut body = Vec::new();
        dialect.write_request(&reversal(), &ours(), &mut body).expect("it can be said");
        for (de, text) in wanted {
            assert_eq!(element(&dialect, &body, de).as_deref(), text, "{name} DE {de}");
        }
        let read = dialect.read(&body, today()).expect("and understood");
        assert_eq!((read.amount, read.remaining), (reversal().amount, reversal().remaining), "{name}");
        let mut answer = Vec::new();
        let yes = Answer::ours(Code::Approved, Outcome::Approved);
        dialect.write_answer(&read, &yes, &mut answer).expect("and answered");
        assert_eq!(element(&dialect, &answer, 4), element(&dialect, &body, 4), "{name}: as it was asked");

        let whole = Txn { remaining: None, ..reversal() };
        let mut body = Vec::new();
        dialect.write_request(&whole, &ours(), &mut body).expect("it can be said");
        let read = dialect.read(&body, today()).expect("and understood");
        assert_eq!((read.amount, read.remaining), (whole.amount, None), "{name}: all of it");
        assert_ne!(element(&dialect, &body, 24).as_deref(), Some("401"));
    }
}

#[test]
fn a_function_code_for_a_part_wants_the_elements_it_is_about() {
    let text = "name = \"x\"\nlike = \"iso87-ascii\"\npartial_reversal = \"401\"\n";
    let said: Vec<String> = Dialect::check(text).iter().map(ToString::to_string).collect();
    assert!(said.iter().any(|line| line.contains("needs `function_code` and `original_amount`")), "{said:?}");
    let short = "name = \"x\"\nlike = \"iso93-ascii\"\npartial_reversal = \"41\"\n";
    assert!(Dialect::load(short).is_err());
    let without = "name = \"x\"\nlike = \"iso93-ascii\"\npartial_reversal = \"none\"\n";
    assert!(!Dialect::load(without).expect("good").says_remaining());
}

/// The legs of a transfer are written under each network's own digits, and never under those of the whole.
#[test]
fn a_leg_of_a_transfer_is_never_written_as_a_whole_one() {
    let leg = |kind| Txn {
        kind,
        processing_code: Text::clipped(b"451020"),
        amount: Amount::minor(30_000),
        transmitted_at: Text::clipped(b"1122091500"),
        ..Txn::new(MessageType::from_digits([2, 0, 0]).expect("0200"))
    };
    let plain = "name = \"x\"\nlike = \"iso87-ascii\"\n";
    #[rustfmt::skip]
    let table = [
        // kinds of the network                                   debit           credit
        ("",                                                      Some("411020"), Some("461020")),
        ("[kinds]\n\"45\" = \"transfer\"\n",                      Some("411020"), Some("461020")),
        ("[kinds]\n\"45\" = \"transfer_out\"\n",                  Some("451020"), Some("461020")),
        ("[kinds]\n\"47\" = \"transfer_in\"\n\"46\" = \"none\"\n", Some("411020"), Some("471020")),
        ("[kinds]\n\"41\" = \"none\"\n\"46\" = \"none\"\n",        None,           None),
    ];
    for (kinds, debit, credit) in table {
        let dialect = Dialect::load(&format!("{plain}{kinds}")).expect("good");
        for (kind, wanted) in [(Kind::TransferOut, debit), (Kind::TransferIn, credit)] {
            assert_eq!(dialect.writes_kind(kind), wanted.is_some(), "{kinds}: {kind}");
            let mut body = Vec::new();
            let written =
                dialect.write_request(&leg(kind), &ours(), &mut body).map(|()| element(&dialect, &body, 3));
            match wanted {
                Some(digits) => {
                    assert_eq!(written.expect("it can be said").as_deref(), Some(digits), "{kinds}")
                }
                None => {
                    assert!(matches!(written, Err(WriteError::UnknownKind { .. })), "{kinds}: {written:?}")
                }
            }
        }
    }
}
