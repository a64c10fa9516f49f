//! Transfers between two hosts, through the front door: each host speaks its own dialect, and what happened is
//! told by the commands of the night shift.

mod typed;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use stories::*;
use terms::{Class, Code, Function, Kind, MessageType, Noun, Original, Text, Txn};
use typed::{Said, sekisho};

const ACCOUNT: &[u8] = b"6228480000001234567";

/// The host that pays, the host that receives, and a switch between them and the terminals.
struct Town {
    paying: Host,
    receiving: Host,
    setup: Setup,
}

impl Town {
    fn new() -> Self {
        Self::receiving_in("iso87-ascii")
    }

    fn receiving_in(dialect: &'static str) -> Self {
        let (paying, receiving) = (Host::acting(|_| Act::Answer), Host::speaking(dialect, |_| Act::Answer));
        let link = |name, host: &Host| LinkSetup {
            name,
            reply_timeout_ms: 400,
            more: "breaker = { unanswered_percent = 0 }\nhost = { tombstones = true }\n\
                   forward = { reply_timeout_ms = 300, repeat_ms = 400 }"
                .into(),
            ..LinkSetup::to(host)
        };
        let mut setup = Setup::with_links(vec![link("core", &paying), link("cards", &receiving)]);
        setup.links[1].more += "\n[[receiver]]\nprefix = \"62\"\nlink = \"cards\"\n";
        Self { paying, receiving, setup }
    }

    fn transfers(terminal: &mut Terminal, minor_units: u64) -> Txn {
        let mut txn =
            Txn { to_account: Text::clipped(ACCOUNT), ..terminal.asks(Kind::Transfer, minor_units) };
        txn.carried.push(Noun::Account2, ACCOUNT);
        txn
    }

    fn shown(&self, txn: u64) -> Said {
        let config = self.setup.config_path().display().to_string();
        sekisho(&["txn", "show", &txn.to_string(), "--config", &config]).ends(0).fits()
    }

    /// Every advice and reversal of these hosts, with what it undoes or posts.
    fn owed(host: &Host) -> Vec<(Class, Kind)> {
        host.owed_seen().iter().map(|seen| (seen.txn.message.class, seen.txn.kind)).collect()
    }
}

fn taken_back(asked: &Txn) -> Txn {
    let message = MessageType { class: Class::Reversal, function: Function::Advice, origin: 0 };
    let original = Original {
        message: Some(asked.message),
        stan: Some(asked.stan),
        transmitted_at: asked.transmitted_at,
        ..Original::default()
    };
    Txn { message, original: Some(original), ..asked.clone() }
}

#[test]
fn money_leaves_one_host_and_arrives_at_the_other_in_each_hosts_own_words() {
    let town = Town::new();
    let daemon = town.setup.start();
    let mut client = Client::of(&daemon, "acquirer");
    let mut terminal = Terminal::named("TERM0001");
    let answer = client.ask(&Town::transfers(&mut terminal, 30_000));
    assert_eq!(answer.code, Some(Code::Approved));
    let [debit] = &town.paying.seen()[..] else { panic!("one debit") };
    let [credit] = &town.receiving.seen()[..] else { panic!("one credit") };
    assert_eq!(
        (debit.txn.kind, debit.txn.processing_code.as_str()),
        (Kind::TransferOut, "410000"),
        "the digits this network writes"
    );
    assert_eq!((credit.txn.kind, credit.txn.processing_code.as_str()), (Kind::TransferIn, "460000"));
    assert_eq!(credit.txn.to_account.as_bytes(), ACCOUNT);
    assert!(
        debit.txn.carried.get(Noun::PinBlock).is_some() && credit.txn.carried.get(Noun::PinBlock).is_none()
    );
    assert!(debit.at < credit.at, "the debit first");
    assert_eq!(
        answer.approval_code.as_str(),
        format!("{:06}", debit.txn.stan.0),
        "the paying host's approval"
    );

    let at_home = Txn { to_account: Text::clipped(b"0123"), ..Town::transfers(&mut terminal, 500) };
    assert_eq!(client.ask(&Txn { carried: no_account(&at_home), ..at_home }).code, Some(Code::Approved));
    assert_eq!((town.paying.seen_count(), town.receiving.seen_count()), (2, 1), "one message, to one host");

    let said = town.shown(1).out.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        "transfer 30000",
        "a transfer between two hosts",
        "to 62 -> cards",
        "answered the debit 00",
        "the credit: the debit is approved",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

fn no_account(txn: &Txn) -> terms::Carried {
    let mut carried = terms::Carried::default();
    for (number, contents) in txn.carried.iter() {
        let noun = Noun::numbered(number).expect("ours");
        carried.push(noun, if noun == Noun::Account2 { b"0123" } else { contents });
    }
    carried
}

#[test]
fn a_refused_credit_gives_the_debit_back_and_says_so() {
    let town = Town::new();
    town.receiving.acts(|_| Act::Refuse(Code::InvalidCard));
    let daemon = town.setup.start();
    let mut client = Client::of(&daemon, "acquirer");
    let answer = client.ask(&Town::transfers(&mut Terminal::named("TERM0001"), 30_000));
    assert_eq!(answer.code, Some(Code::InvalidCard));
    daemon.wait_for_figure("/transactions/paid", 1);
    assert_eq!(Town::owed(&town.paying), [(Class::Reversal, Kind::TransferOut)]);
    assert_eq!(Town::owed(&town.receiving), []);
    let said = town.shown(1).out.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in ["the credit was refused, so the debit is given back", "core accepted saf/1"] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

#[test]
fn a_credit_without_an_answer_is_told_as_done_and_posted_until_it_is() {
    let town = Town::new();
    let deaf = Arc::new(AtomicBool::new(true));
    town.receiving.acts(|_| Act::Silence);
    let still_deaf = deaf.clone();
    town.receiving.acts_when_owed(move |_| match still_deaf.load(Ordering::SeqCst) {
        true => Act::Silence,
        false => Act::Answer,
    });
    let mut daemon = town.setup.start();
    let mut client = Client::of(&daemon, "acquirer");
    let answer = client.ask(&Town::transfers(&mut Terminal::named("TERM0001"), 30_000));
    assert_eq!(answer.code, Some(Code::Approved));
    town.receiving.wait_for_owed(1);
    daemon.kill();
    deaf.store(false, Ordering::SeqCst);
    let daemon = town.setup.start();
    daemon.wait_for_figure("/transactions/paid", 1);
    let owed = town.receiving.owed_seen();
    let last = &owed.last().expect("an advice").txn;
    assert_eq!((last.message.class, last.kind), (Class::Financial, Kind::TransferIn));
    assert_eq!(last.to_account.as_bytes(), ACCOUNT, "the account is known after the crash");
    assert!(town.paying.owed_seen().is_empty(), "the debit stands");
}

#[test]
fn a_crash_between_the_legs_owes_what_the_leg_in_flight_needs() {
    for (holds_debit, duty) in [(true, "reversal"), (false, "advice")] {
        let town = Town::new();
        let holds = if holds_debit { &town.paying } else { &town.receiving };
        holds.acts(|_| Act::Hold);
        let mut daemon = town.setup.start();
        let mut client = Client::of(&daemon, "acquirer");
        client.send(&Town::transfers(&mut Terminal::named("TERM0001"), 30_000));
        holds.wait_for_requests(1);
        daemon.kill();
        let daemon = town.setup.start();
        daemon.wait_for_figure("/transactions/paid", 1);
        let (paying, receiving) = (Town::owed(&town.paying), Town::owed(&town.receiving));
        match holds_debit {
            true => {
                assert_eq!((&paying[..], receiving.len()), (&[(Class::Reversal, Kind::TransferOut)][..], 0))
            }
            false => {
                assert_eq!((paying.len(), &receiving[..]), (0, &[(Class::Financial, Kind::TransferIn)][..]))
            }
        }
        let said = town.shown(1).out;
        assert!(said.contains(duty) && said.contains("started again"), "{said}");
    }
}

#[test]
fn a_transfer_taken_back_is_undone_at_the_receiving_host_first() {
    let town = Town::new();
    let daemon = town.setup.start();
    let mut client = Client::of(&daemon, "acquirer");
    let asked = Town::transfers(&mut Terminal::named("TERM0001"), 30_000);
    assert_eq!(client.ask(&asked).code, Some(Code::Approved));
    assert_eq!(client.ask(&taken_back(&asked)).code, Some(Code::Approved));
    daemon.wait_for_figure("/transactions/paid", 2);
    let (first, second) = (&town.receiving.owed_seen()[0], &town.paying.owed_seen()[0]);
    assert!(first.is_reversal() && second.is_reversal() && first.at < second.at);
    let said = town.shown(1).out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("the credit is undone, so now the debit is given back"), "{said}");
}

#[test]
fn a_host_whose_dialect_has_no_words_for_a_leg_is_refused_at_the_start() {
    let town = Town::new();
    town.setup.write();
    let dialect = "name = \"dumb\"\nlike = \"iso87-binary\"\n[kinds]\n\"46\" = \"none\"\n\"41\" = \"none\"\n";
    let path = town.setup.scratch.path().join("dumb.toml");
    std::fs::write(&path, dialect).expect("the scratch directory can be written");
    let toml =
        town.setup.toml().replace("\"iso87-binary\"", "\"dumb\"").replace("\"iso87-ascii\"", "\"dumb\"");
    town.setup.write_text(&format!("[dialect]\ndumb = \"{}\"\n\n{toml}", path.display()));
    let config = town.setup.config_path().display().to_string();
    let wrong = sekisho(&["config", "check", &config]).ends(78);
    for words in [
        "link `core`: there are [[receiver]] lines, and dialect `dumb` has no processing code for transfer_out",
        "link `cards`: there are [[receiver]] lines, and dialect `dumb` has no processing code for transfer_in",
    ] {
        assert!(wrong.err.contains(words), "{words}: {}", wrong.err);
    }
}

/// The receiving host's dialect demands elements in advices and reversals that only the request had.
#[test]
fn a_strict_host_is_paid_what_it_is_owed_after_a_crash_too() {
    let town = Town::receiving_in("atm-access");
    town.receiving.acts(|_| Act::Silence);
    town.receiving.acts_when_owed(|_| Act::Silence);
    let mut daemon = town.setup.start();
    let mut client = Client::of(&daemon, "acquirer");
    let asked = Town::transfers(&mut Terminal::named("TERM0001"), 30_000);
    assert_eq!(client.ask(&asked).code, Some(Code::Approved));
    let first = &town.receiving.wait_for_owed(1)[0];
    assert_eq!(first.txn.message.origin, 0, "the first attempt itself was written");
    daemon.kill();
    town.receiving.acts_when_owed(|_| Act::Answer);
    let daemon = town.setup.start();
    daemon.wait_for_figure("/transactions/paid", 1);
    let back = Client::of(&daemon, "acquirer").ask(&taken_back(&asked));
    assert_eq!(back.code, Some(Code::Approved));
    daemon.wait_for_figure("/transactions/paid", 2);
    let owed = town.receiving.owed_seen();
    let last = &owed.last().expect("its reversal").txn;
    assert_eq!((last.message.class, last.kind), (Class::Reversal, Kind::TransferIn));
    assert_eq!(last.processing_code.as_str(), "400000");
    assert_eq!(last.carried.get(Noun::ForwarderId), Some(&b"12345678901"[..]));
}

#[test]
fn a_dialect_that_demands_what_nobody_keeps_is_refused_at_the_start() {
    let town = Town::new();
    let greedy = "name = \"greedy\"\nlike = \"iso87-binary\"\n[message.\"0420\"]\nmandatory = [3, 4, 7, 11, 48]\n\
                  rest = \"optional\"\n";
    for (more, is_good) in [("", false), ("default = { 48 = \"NONE\" }\n", true)] {
        let path = town.setup.scratch.path().join("greedy.toml");
        std::fs::write(&path, format!("{greedy}{more}")).expect("the scratch directory can be written");
        let toml = town.setup.toml().replace("\"iso87-binary\"", "\"greedy\"");
        town.setup.write_text(&format!("[dialect]\ngreedy = \"{}\"\n\n{toml}", path.display()));
        let config = town.setup.config_path().display().to_string();
        let said = sekisho(&["config", "check", &config]).ends(if is_good { 0 } else { 78 });
        let wanted = "link `core`: dialect `greedy` demands additional_private in reversals or advices";
        assert_eq!(said.err.contains(wanted), !is_good, "{}", said.err);
    }
}
