//! Every transaction a terminal knows, through the front door: what it does when its host approves, refuses, stays
//! silent or cannot be reached, and when it is asked twice.

use std::fmt::Write;
use terms::{Class, Code, Kind, Txn};

/// What a host is owed for a transaction it did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owes {
    Nothing,
    Reversal,
    Advice,
}
use Owes::{Advice, Nothing, Reversal};
use stories::*;

#[rustfmt::skip]
const TABLE: [(Kind, &str, u64, Owes); 12] = [
    // what                 DE 3      amount   silence owes
    (Kind::Withdrawal,     "010000",  30_000,  Reversal),
    // To an account that the same host keeps; between two hosts is a story of its own.
    (Kind::Transfer,       "400000",  30_000,  Reversal),
    (Kind::BalanceInquiry, "300000",       0,  Nothing),
    // Nobody knows which PIN is good: the customer is told so, and nothing is sent again.
    (Kind::PinChange,      "700000",       0,  Nothing),
    (Kind::CardStatus,     "380000",       0,  Nothing),
    // The cash is in the machine.
    (Kind::Deposit,        "210000",  30_000,  Advice),
    (Kind::CardActivation, "720000",       0,  Nothing),
    (Kind::History,        "390000",       0,  Nothing),
    (Kind::BillInquiry,    "800000",       0,  Nothing),
    (Kind::BillPayment,    "500000",  30_000,  Reversal),
    (Kind::Purchase,       "000000",  30_000,  Reversal),
    (Kind::CardType,       "950000",       0,  Nothing),
];

/// Approves, refuses or says nothing, as the terminal's name begins.
fn act_of(txn: &Txn) -> Act {
    match txn.terminal_id.as_bytes().first() {
        Some(b'R') => Act::Refuse(Code::DoNotHonour),
        Some(b'S') => Act::Silence,
        _ => Act::Answer,
    }
}

fn town(host: &Host, listeners_more: &str) -> Setup {
    let mut setup = Setup::with_host(host);
    setup.links[0].reply_timeout_ms = 400;
    setup.links[0].more = "breaker = { unanswered_percent = 0 }\nhost = { tombstones = true }\n\
                           forward = { reply_timeout_ms = 400, repeat_ms = 600000 }"
        .into();
    setup.listeners_more = listeners_more.into();
    setup
}

fn terminal(sort: char, at: usize) -> Terminal {
    Terminal::named(&format!("{sort}ERM{at:04}"))
}

#[test]
fn each_transaction_ends_as_the_table_says_whatever_its_host_does() {
    let host = Host::acting(act_of);
    let setup = town(&host, "");
    let daemon = setup.start();
    let mut client = Client::of(&daemon, "acquirer");
    for (at, (kind, digits, amount, _)) in TABLE.into_iter().enumerate() {
        let asked = terminal('A', at).asks(kind, amount);
        let told = client.ask(&asked);
        assert_eq!((told.code, told.processing_code.as_str()), (Some(Code::Approved), digits), "{kind}");
        let at_host = host.seen().last().expect("it was asked").txn.clone();
        assert_eq!((at_host.kind, at_host.processing_code.as_str()), (kind, digits), "in its own digits");
        let before = host.seen_count();
        let again = client.ask(&asked);
        assert_eq!((again.code, again.approval_code), (told.code, told.approval_code), "{kind}: the same");
        assert_eq!(host.seen_count(), before, "{kind}: asked twice, sent once");
        let refused = client.ask(&terminal('R', at).asks(kind, amount));
        assert_eq!(refused.code, Some(Code::DoNotHonour), "{kind}");
    }
    assert!(host.owed_seen().is_empty(), "an answer owes nothing");

    // All of them silent at once: one time-out for the whole table.
    let silent: Vec<Txn> = TABLE
        .into_iter()
        .enumerate()
        .map(|(at, (kind, _, amount, _))| terminal('S', at).asks(kind, amount))
        .collect();
    silent.iter().for_each(|asked| client.send(asked));
    for _ in &silent {
        assert_eq!(client.answer().code, Some(Code::NoAnswer), "told that nobody knows");
    }
    let owing = TABLE.iter().filter(|(.., owes)| *owes != Nothing).count();
    daemon.wait_for_figure("/transactions/paid", owing as u64);
    for (asked, (kind, digits, _, owes)) in silent.iter().zip(TABLE) {
        let owed = host.owed_seen();
        let owed: Vec<_> = owed.iter().filter(|seen| seen.txn.terminal_id == asked.terminal_id).collect();
        match (owes, &owed[..]) {
            (Nothing, []) => {}
            (Reversal | Advice, [one]) => {
                let wanted = if owes == Reversal { Class::Reversal } else { Class::Financial };
                assert_eq!((one.txn.message.class, one.txn.kind), (wanted, kind));
                assert_eq!(one.txn.processing_code.as_str(), digits);
                assert_eq!(one.txn.amount, asked.amount);
            }
            _ => panic!("{kind} owes {owes:?}, and the host saw {}", owed.len()),
        }
    }

    // Nobody there: nothing is sent, nothing is owed, and the customer hears at once.
    host.set_open(false);
    daemon.wait_for_link("core", "down");
    let before = daemon.figure("/transactions/owed");
    for (at, (kind, _, amount, _)) in TABLE.into_iter().enumerate() {
        assert_eq!(client.ask(&terminal('U', at).asks(kind, amount)).code, Some(Code::HostDown), "{kind}");
    }
    assert_eq!(daemon.figure("/transactions/owed"), before);
}

/// A listener that does not say how its terminals make an unknown end consistent gets no cash services, and all
/// the others.
#[test]
fn without_a_way_to_consistency_there_is_no_cash() {
    for (way, cash) in
        [(None, false), (Some("reversal"), true), (Some("completion"), true), (Some("inquiry"), true)]
    {
        let host = Host::acting(act_of);
        let setup = town(&host, "");
        let stated = way.map_or_else(String::new, |way| format!("consistency = \"{way}\""));
        setup.write_text(&setup.toml().replace("consistency = \"reversal\"", &stated));
        let daemon = Daemon::spawn(&setup.config_path(), &[]);
        daemon.wait_until_ready();
        daemon.wait_for_link("core", "up");
        let mut client = Client::of(&daemon, "acquirer");
        let mut said = String::new();
        for (at, (kind, _, amount, _)) in TABLE.into_iter().enumerate() {
            let is_cash = matches!(kind, Kind::Withdrawal | Kind::Deposit);
            let told = client.ask(&terminal('A', at).asks(kind, amount)).code;
            let wanted = if is_cash && !cash { Code::NotAllowedOnDevice } else { Code::Approved };
            let _ = writeln!(said, "{kind}: {told:?}");
            assert_eq!(told, Some(wanted), "{way:?}\n{said}");
        }
    }
}
