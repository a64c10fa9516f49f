//! Exchanges of keys with hosts and terminals: whoever begins, whatever is lost, whatever is sent again.

mod bank;
mod http;
mod typed;

use bank::atm::{ALL, Atm, MONEY, of_terminals, speech_of_terminals, sum};
use bank::{Bank, Manner, check_of, pin_block, sealed};
use dialects::KeyWhat;
use hsm::Key;
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use stories::*;
use terms::{Code, MessageType, Network, Noun, Stan, Text, Txn};
use typed::{Said, sekisho_as};

const ONE: &str = "0123456789ABCDEFFEDCBA9876543210";
const TWO: &str = "89ABCDEF012345677654321089ABCDEF";
const FOUR: &str = "4A4A4B4B4C4C4D4D5E5E5F5F61616262";
const THREE: &str = "1F1F2F2F3F3F4F4F5F5F6F6F7F7F8F8F";

fn types(setup: &Setup, who: &str, line: &str, input: &str) -> Said {
    let keys = setup.data.join("keys").display().to_string();
    let words: Vec<&str> = line.split_whitespace().chain(["--keys", &keys]).collect();
    sekisho_as(who, &words, input.as_bytes())
}

/// A key that both sides know from the beginning.
fn enter(setup: &Setup, owner: &str, role: &str, one: &str, two: &str) {
    let made = |line: &str, who: &str, input: &str| types(setup, who, line, input).ends(0);
    made(&format!("ceremony start {owner} {role} --reason test"), "mori", "");
    made("ceremony component", "mori", one);
    made("ceremony component", "sato", two);
    made("ceremony commit --reason test", "mori", "");
    let check = check_of(&sum(one, two));
    made(&format!("key activate {owner} {role} --check {check} --reason test"), "mori", "");
}

/// A bank and a switch that share a transport key and a first key for codes.
fn setup(exchange: &str) -> (Bank, Setup) {
    setup_in(bank::DIALECT, exchange)
}

/// The same in another dialect.
fn setup_in(text: &'static str, exchange: &str) -> (Bank, Setup) {
    let bank = Bank::speaking(text, sum(ONE, TWO), sum(ONE, THREE));
    let link = LinkSetup {
        name: "bank",
        dial: bank.address,
        dialect: "bank",
        reply_timeout_ms: 20_000,
        in_flight_max: 4_096,
        more: format!(
            "security = {{ mac = \"dialect\" }}\nkey_exchange = {exchange}\ntimers = {{ t800_ms = 1000 }}\nconnections = 2"
        ),
    };
    let mut setup = Setup::with_links(vec![link]);
    std::fs::write(setup.scratch.path().join("bank.toml"), text).expect("room");
    setup.tables_more = "[dialect]\nbank = \"bank.toml\"\n[keys]\noverlap_ms = 5000\n\
                         [[hsm]]\nname = \"soft\"\nsoftware = \"store\"\n"
        .into();
    types(&setup, "mori", "ceremony draw --for-tests --reason test", "").ends(0);
    enter(&setup, "link/bank", "zmk", ONE, TWO);
    enter(&setup, "link/bank", "zak", ONE, THREE);
    (bank, setup)
}

fn orders_an_exchange(setup: &Setup) -> Said {
    let config = setup.config_path().display().to_string();
    sekisho_as("mori", &["key", "exchange", "link/bank", "--reason", "test", "--config", &config], b"")
}

/// The keys in force, as generation and check value.
fn in_force(setup: &Setup, owner: &str, role: &str) -> Option<(u64, String)> {
    let shown = types(setup, "mori", &format!("key show {owner} --json"), "").ends(0).json();
    let rows = shown["data"].as_array().expect("a list");
    let row = rows.iter().find(|row| row["key"] == role && row["state"] == "active")?;
    Some((row["generation"].as_u64()?, row["check_value"].as_str()?.to_owned()))
}

fn is_approved(daemon: &Daemon, stan: &mut Terminal) -> bool {
    Client::of(daemon, "acquirer").ask(&stan.withdraws(10_000)).code == Some(Code::Approved)
}

#[test]
fn keys_we_draw_are_taken_by_the_bank_and_used_from_then_on() {
    let (bank, setup) = setup("{ drawn_by = \"us\" }");
    let daemon = setup.start();
    let mut terminal = Terminal::named("TERM0001");
    assert!(is_approved(&daemon, &mut terminal), "under the first key: {}", daemon.stderr());
    for generation in 2..=4 {
        let said = orders_an_exchange(&setup).ends(0);
        assert_eq!(said.out.trim(), "key/link/bank exchanged");
        let (found, check) = in_force(&setup, "link/bank", "zak").expect("one is in force");
        assert_eq!(found, generation);
        assert!(check_of(bank.books().codes.last().expect("it took it")).starts_with(&check));
        assert_eq!(
            in_force(&setup, "link/bank", "zpk").map(|(generation, _)| generation),
            Some(generation - 1)
        );
        assert!(is_approved(&daemon, &mut terminal), "under the new key: {}", daemon.stderr());
    }
    assert_eq!(bank.books().wrong_codes, 0);
    let audit = types(&setup, "mori", "audit ls --json", "").ends(0).json();
    let acts = audit["data"].as_array().expect("a list");
    assert!(
        acts.iter().any(|act| act["act"] == "exchange" && act["by"] == "mori" && act["reason"] == "test")
    );
    types(&setup, "mori", "audit verify", "").ends(0);
}

#[test]
fn an_exchange_the_bank_does_not_accept_is_tried_three_times_and_the_keys_in_force_stay() {
    for manner in [Manner::Refuse, Manner::Silence, Manner::HangUp] {
        let (bank, setup) = setup("{ drawn_by = \"us\" }");
        let daemon = setup.start();
        let mut terminal = Terminal::named("TERM0001");
        bank.books().manner = manner;
        let before = in_force(&setup, "link/bank", "zak");
        let said = orders_an_exchange(&setup).ends(6);
        assert!(said.err.contains("KEY2023-E") && said.err.contains("three times"), "{manner:?}: {said:?}");
        let offered = bank.books().offered.clone();
        let mut cryptograms: Vec<_> = offered.iter().map(|keys| keys[1].cryptogram.clone()).collect();
        cryptograms.dedup();
        assert_eq!(cryptograms.len(), offered.len(), "{manner:?}: other keys each time");
        assert_eq!(in_force(&setup, "link/bank", "zak"), before, "{manner:?}");
        daemon.wait_for_link("bank", "up");
        assert!(is_approved(&daemon, &mut terminal), "{manner:?}: {}", daemon.stderr());
        bank.books().manner = Manner::Accept;
        orders_an_exchange(&setup).ends(0);
        assert!(is_approved(&daemon, &mut terminal), "{manner:?}: {}", daemon.stderr());
    }
}

/// The bank has the keys and uses them; its yes never came.
#[test]
fn keys_whose_acceptance_was_lost_come_into_force_when_the_bank_uses_them() {
    let (bank, setup) = setup("{ drawn_by = \"us\" }");
    let daemon = setup.start();
    let mut terminal = Terminal::named("TERM0001");
    bank.books().manner = Manner::AcceptInSilence;
    let config = setup.config_path().display().to_string();
    let words = ["key", "exchange", "link/bank", "--no-wait", "--reason", "test", "--config", &config];
    sekisho_as("mori", &words, b"").ends(0);
    wait_for("the bank to have them", || (bank.books().codes.len() > 1).then_some(()));
    assert!(is_approved(&daemon, &mut terminal), "its answer is under the new key: {}", daemon.stderr());
    wait_for("the key to be in force", || {
        in_force(&setup, "link/bank", "zak").filter(|(generation, _)| *generation >= 2).map(drop)
    });
    assert_eq!(bank.books().wrong_codes, 0);
}

#[test]
fn keys_the_bank_sends_are_in_force_after_our_answer_and_a_replay_is_refused() {
    let (bank, setup) = setup("{ drawn_by = \"peer\" }");
    let daemon = setup.start();
    let mut terminal = Terminal::named("TERM0001");
    assert!(is_approved(&daemon, &mut terminal), "{}", daemon.stderr());
    let zmk = bank.books().zmk.clone();
    let key = |number: u8| {
        Key::tdes(&[number, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, number])
            .expect("16")
            .with_parity()
    };
    let keys =
        |pin: u8, code: u8| [sealed(&zmk, KeyWhat::Pin, &key(pin)), sealed(&zmk, KeyWhat::Mac, &key(code))];
    let uses = |code: u8| bank.books().codes.push(key(code));
    assert_eq!(bank.pushes(&keys(0x20, 0x30)), Some(Code::Approved), "{}", daemon.stderr());
    uses(0x30);
    assert!(is_approved(&daemon, &mut terminal), "{}", daemon.stderr());
    assert_eq!(in_force(&setup, "link/bank", "zak").map(|(generation, _)| generation), Some(2));
    // Our answer was lost, and it sends the same again: yes once more, and nothing changes.
    assert_eq!(bank.pushes(&keys(0x20, 0x30)), Some(Code::Approved));
    assert_eq!(in_force(&setup, "link/bank", "zak").map(|(generation, _)| generation), Some(2));
    assert_eq!(bank.pushes(&keys(0x40, 0x50)), Some(Code::Approved));
    uses(0x50);
    // An old exchange played again, one key for two purposes, and a check value that is another key's.
    let mut wrong = keys(0x60, 0x70);
    wrong[1].check = check_of(&key(0x60));
    for (what, keys) in [
        ("a replay", keys(0x20, 0x30)),
        ("the two changed about", keys(0x50, 0x40)),
        ("a wrong check value", wrong),
    ] {
        assert_ne!(bank.pushes(&keys), Some(Code::Approved), "{what}");
        assert_eq!(in_force(&setup, "link/bank", "zak").map(|(generation, _)| generation), Some(3), "{what}");
        assert!(is_approved(&daemon, &mut terminal), "{what}: {}", daemon.stderr());
    }
    let short = bank.says(|txn| txn.carried.push(Noun::Reserved62, b"0123456789"));
    assert_ne!(short, Some(Code::Approved), "half a message");
    assert!(is_approved(&daemon, &mut terminal), "{}", daemon.stderr());
    assert_eq!(bank.books().wrong_codes, 0);
}

/// Told no, in whichever words.
fn is_refused(code: Option<Code>) -> bool {
    code.is_some_and(|code| code != Code::Approved)
}

/// One key in each message or all in one, by either edition; a message that carries a key for codes authenticated by it.
#[test]
fn a_message_that_carries_a_key_for_codes_is_authenticated_by_that_key_where_the_dialect_says_so() {
    for text in [bank::DIALECT_1993, bank::DIALECT_EACH_ALONE] {
        let alone = text == bank::DIALECT_EACH_ALONE;
        let (bank, setup) = setup_in(text, "{ drawn_by = \"us\" }");
        let daemon = setup.start();
        let mut terminal = Terminal::named("TERM0001");
        assert!(is_approved(&daemon, &mut terminal), "under the first key: {}", daemon.stderr());
        // Ours: the bank counts a code that is not by the key the message carries.
        for generation in 2..=3 {
            orders_an_exchange(&setup).ends(0);
            let (found, check) = in_force(&setup, "link/bank", "zak").expect("one is in force");
            assert_eq!((found, bank.books().wrong_codes), (generation, 0), "{}", daemon.stderr());
            assert!(check_of(bank.books().codes.last().expect("it took it")).starts_with(&check));
            let pin = in_force(&setup, "link/bank", "zpk").expect("one is in force").1;
            assert!(check_of(bank.books().pins.last().expect("it took it")).starts_with(&pin));
            assert!(is_approved(&daemon, &mut terminal), "under the new key: {}", daemon.stderr());
        }
        assert_eq!(bank.books().offered.len(), if alone { 4 } else { 2 });
        // The bank's, authenticated by another key than they carry: refused, and nothing changes.
        let zmk = bank.books().zmk.clone();
        let key = |number: u8| {
            let bytes = [number, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, number];
            Key::tdes(&bytes).expect("16 bytes").with_parity()
        };
        let (pin, code) = (sealed(&zmk, KeyWhat::Pin, &key(0x20)), sealed(&zmk, KeyWhat::Mac, &key(0x30)));
        let with_code: Vec<_> = if alone { vec![code] } else { vec![pin.clone(), code] };
        let in_force_before = bank.books().codes.last().cloned();
        for by in [in_force_before.as_ref(), Some(&key(0x77))] {
            assert!(is_refused(bank.pushes_by(&with_code, by)), "{}", daemon.stderr());
        }
        assert_eq!(in_force(&setup, "link/bank", "zak").map(|(generation, _)| generation), Some(3));
        assert!(is_approved(&daemon, &mut terminal), "{}", daemon.stderr());
        // A key that cannot be taken proves nothing.
        let mut wrong = with_code.clone();
        wrong.last_mut().expect("it is there").check = check_of(&key(0x66));
        assert!(is_refused(bank.pushes_by(&wrong, Some(&key(0x30)))), "{}", daemon.stderr());
        // By their own key: taken.
        assert_eq!(bank.pushes(&with_code), Some(Code::Approved), "{}", daemon.stderr());
        bank.books().codes.push(key(0x30));
        assert_eq!(in_force(&setup, "link/bank", "zak").map(|(generation, _)| generation), Some(4));
        assert!(is_approved(&daemon, &mut terminal), "{}", daemon.stderr());
        if alone {
            // One for PINs alone is authenticated by the key in force.
            assert!(is_refused(bank.pushes_by(std::slice::from_ref(&pin), Some(&key(0x77)))));
            assert_eq!(bank.pushes_by(&[pin], Some(&key(0x30))), Some(Code::Approved), "{}", daemon.stderr());
        }
        assert_eq!(bank.books().wrong_codes, 0);
    }
}

#[test]
fn a_bank_that_sends_each_key_alone_is_asked_for_one_after_the_other() {
    let (bank, setup) = setup_in(bank::DIALECT_EACH_ALONE, "{ drawn_by = \"peer\" }");
    let daemon = setup.start();
    orders_an_exchange(&setup).ends(0);
    assert_eq!(bank.books().wanted, [Some(KeyWhat::Pin), Some(KeyWhat::Mac)], "{}", daemon.stderr());
    // One that does not say which key it carries is refused.
    let said = bank.says(|txn| txn.carried.push(Noun::AdditionalPrivate, &[b'0'; 40]));
    assert!(is_refused(said), "nobody knows by which key it is: {}", daemon.stderr());
}

fn begins_an_exchange(setup: &Setup) {
    let config = setup.config_path().display().to_string();
    let words = ["key", "exchange", "link/bank", "--no-wait", "--reason", "test", "--config", &config];
    sekisho_as("mori", &words, b"").ends(0);
}

/// Three yeses are lost, and a person is called. The bank has the third keys in force.
#[test]
fn keys_the_bank_never_answered_are_kept_because_it_may_have_them_in_force() {
    let (bank, setup) = setup("{ drawn_by = \"us\" }");
    let daemon = setup.start();
    let mut terminal = Terminal::named("TERM0001");
    bank.books().manner = Manner::AcceptInSilence;
    let said = orders_an_exchange(&setup).ends(6);
    assert!(said.err.contains("KEY2023-E") && said.err.contains("did not answer"), "{said:?}");
    assert_eq!(bank.books().codes.len(), 4, "it took all three");
    // What we say under the old key it may refuse; what it says shows which keys it has.
    is_approved(&daemon, &mut terminal);
    wait_for("the third to be in force", || {
        in_force(&setup, "link/bank", "zak").filter(|(generation, _)| *generation == 4).map(drop)
    });
    assert!(is_approved(&daemon, &mut terminal), "{}", daemon.stderr());
    let shown = types(&setup, "mori", "key show link/bank --json", "").ends(0).json();
    let rows = shown["data"].as_array().expect("a list");
    assert!(rows.iter().all(|row| row["state"] != "confirmed"), "nothing else waits: {shown}");
}

/// Both begin at once: one side gives way, or each has the other's keys in force.
#[test]
fn of_two_exchanges_at_once_one_gives_way() {
    let key = |number: u8| {
        Key::tdes(&[number, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, number])
            .expect("16")
            .with_parity()
    };
    for yields in [false, true] {
        let (bank, setup) = setup(&format!("{{ drawn_by = \"us\", yields = {yields} }}"));
        let daemon = setup.start();
        let mut terminal = Terminal::named("TERM0001");
        assert!(is_approved(&daemon, &mut terminal), "{}", daemon.stderr());
        // It has taken ours, and its yes is still on its way.
        bank.books().manner = Manner::AcceptInSilence;
        begins_an_exchange(&setup);
        wait_for("ours to be there", || (bank.books().codes.len() == 2).then_some(()));
        let zmk = bank.books().zmk.clone();
        let keys = [sealed(&zmk, KeyWhat::Pin, &key(0x20)), sealed(&zmk, KeyWhat::Mac, &key(0x30))];
        let told = bank.pushes(&keys);
        let expected = if yields { Code::Approved } else { Code::Busy };
        assert_eq!(told, Some(expected), "{}", daemon.stderr());
        // Where it was told yes its own are in force, where not ours; what it says under ours is believed either way.
        if yields {
            assert_eq!(in_force(&setup, "link/bank", "zak").map(|(generation, _)| generation), Some(3));
            assert!(is_approved(&daemon, &mut terminal) || bank.books().wrong_codes == 1);
            wait_for("its answer to be believed", || {
                in_force(&setup, "link/bank", "zak").filter(|(generation, _)| *generation == 2).map(drop)
            });
        }
        assert!(is_approved(&daemon, &mut terminal), "{yields}: {}", daemon.stderr());
    }
}

/// Without the transport key a line can be spoken into, and keys be guessed: cryptograms bind nothing.
#[test]
fn keys_that_are_guessed_are_not_taken_and_after_three_no_more_are_looked_at() {
    let (bank, setup) = setup("{ drawn_by = \"peer\" }");
    let daemon = setup.start();
    let mut terminal = Terminal::named("TERM0001");
    assert!(is_approved(&daemon, &mut terminal), "{}", daemon.stderr());
    let zmk = bank.books().zmk.clone();
    let key = |number: u8| {
        Key::tdes(&[number, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, number])
            .expect("16")
            .with_parity()
    };
    let right =
        |pin: u8, code: u8| [sealed(&zmk, KeyWhat::Pin, &key(pin)), sealed(&zmk, KeyWhat::Mac, &key(code))];
    // A single key written twice, with the right check value.
    let twice = Key::tdes(&[0x25; 16]).expect("16").with_parity();
    let disguised = [sealed(&zmk, KeyWhat::Pin, &key(0x20)), sealed(&zmk, KeyWhat::Mac, &twice)];
    assert_eq!(bank.pushes(&disguised), Some(Code::SecurityFailure), "{}", daemon.stderr());
    for guess in ["0011223344556677", "7766554433221100"] {
        let mut keys = right(0x30, 0x40);
        keys[0].check = guess.into();
        assert_eq!(bank.pushes(&keys), Some(Code::SecurityFailure), "{}", daemon.stderr());
    }
    wait_for("people to be told", || daemon.stderr().contains("no more are taken for an hour").then_some(()));
    assert_eq!(bank.pushes(&right(0x50, 0x60)), Some(Code::SecurityFailure), "{}", daemon.stderr());
    assert_eq!(in_force(&setup, "link/bank", "zak").map(|(generation, _)| generation), Some(1));
    assert!(is_approved(&daemon, &mut terminal), "the keys in force stay: {}", daemon.stderr());
}

/// Letting a key go on takes two people. An exchange with the stopped party is none of them.
#[test]
fn a_bank_that_a_person_stopped_is_not_let_go_on_by_an_exchange() {
    let (bank, setup) = setup("{ drawn_by = \"peer\" }");
    let daemon = setup.start();
    let mut terminal = Terminal::named("TERM0001");
    assert!(is_approved(&daemon, &mut terminal), "{}", daemon.stderr());
    types(&setup, "mori", "key suspend link/bank zak --reason test", "").ends(0);
    wait_for("nothing to pass", || (!is_approved(&daemon, &mut terminal)).then_some(()));
    let zmk = bank.books().zmk.clone();
    let key = |number: u8| {
        Key::tdes(&[number, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, number])
            .expect("16")
            .with_parity()
    };
    let keys = [sealed(&zmk, KeyWhat::Pin, &key(0x20)), sealed(&zmk, KeyWhat::Mac, &key(0x30))];
    assert_eq!(bank.pushes(&keys), Some(Code::SecurityFailure), "{}", daemon.stderr());
    bank.books().codes.push(key(0x30));
    assert!(!is_approved(&daemon, &mut terminal), "{}", daemon.stderr());
    assert_eq!(in_force(&setup, "link/bank", "zak"), None);
    let shown = types(&setup, "mori", "key show link/bank --json", "").ends(0).json();
    let rows = shown["data"].as_array().expect("a list");
    let states: Vec<_> = rows.iter().filter(|row| row["key"] == "zak").map(|row| &row["state"]).collect();
    assert_eq!(states, ["suspended"], "and nothing came");
}

/// Scheduled exchanges while customers are served, each with a PIN. `SEKISHO_ROTATION_S=60` is the long form.
#[test]
fn keys_change_every_second_under_load_and_nobody_is_declined() {
    let seconds = std::env::var("SEKISHO_ROTATION_S").ok().and_then(|s| s.parse().ok()).unwrap_or(6_u64);
    let (bank, mut setup) = setup("{ drawn_by = \"us\", every_ms = 1000 }");
    setup.listeners_more = "security = { keys = \"listener\", pin_format = 0 }".into();
    setup.links[0].more =
        setup.links[0].more.replace("mac = \"dialect\"", "mac = \"dialect\", pin_format = 0");
    enter(&setup, "listener/acquirer", "zpk", TWO, THREE);
    enter(&setup, "link/bank", "zpk", ONE, FOUR);
    bank.books().pins.push(sum(ONE, FOUR));
    let theirs = sum(TWO, THREE);
    let daemon = setup.start();
    let (ended, asked, declined) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for number in 0..8 {
            let (daemon, ended, asked, declined, theirs) = (&daemon, &ended, &asked, &declined, &theirs);
            scope.spawn(move || {
                let mut terminal = Terminal::named(&format!("TERM{number:04}"));
                let mut client = Client::of(daemon, "acquirer");
                while !ended.load(Ordering::Relaxed) {
                    let mut txn = terminal.withdraws(10_000);
                    txn.carried.push(Noun::PinBlock, &pin_block(theirs, &txn.pan));
                    let answer = client.ask(&txn);
                    asked.fetch_add(1, Ordering::Relaxed);
                    declined.fetch_add(u64::from(answer.code != Some(Code::Approved)), Ordering::Relaxed);
                }
            });
        }
        let until = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < until {
            std::thread::sleep(Duration::from_millis(100));
        }
        ended.store(true, Ordering::Relaxed);
    });
    let (asked, declined) = (asked.into_inner(), declined.into_inner());
    let generation = in_force(&setup, "link/bank", "zak").expect("one is in force").0;
    let wrong = bank.books().wrong_codes;
    let wrong_pins = bank.books().wrong_pins;
    println!(
        "{asked} requests in {seconds} s, {generation} generations, {declined} declined, {wrong} wrong codes, \
         {wrong_pins} wrong PINs"
    );
    assert_eq!((declined, wrong, wrong_pins), (0, 0, 0), "{}", daemon.stderr());
    assert!(bank.books().pins.len() as u64 >= generation, "each exchange brought a key for PINs too");
    // On a machine busy with other work both take longer, and nobody is declined either.
    assert!(generation > 1 + seconds / 6, "keys changed {generation} times in {seconds} s");
    assert!(asked > seconds * 5, "there was load: {asked}");
}

/// A listener whose terminals have keys of their own.
fn setup_of_terminals(classes: &str) -> (Host, Setup) {
    setup_of_terminals_with(classes, "mac = \"dialect\"")
}

fn setup_of_terminals_with(classes: &str, security: &str) -> (Host, Setup) {
    let host = Host::approving();
    let mut setup = Setup::with_host(&host);
    std::fs::write(setup.scratch.path().join("atms.toml"), of_terminals(classes)).expect("room");
    setup.listeners_more = format!("security = {{ keys = \"terminal\", {security} }}");
    setup.tables_more =
        "[dialect]\natms = \"atms.toml\"\n[[hsm]]\nname = \"soft\"\nsoftware = \"store\"\n".into();
    setup.write_text(&setup.toml().replace("dialect = \"iso87-ascii\"", "dialect = \"atms\""));
    types(&setup, "mori", "ceremony draw --for-tests --reason test", "").ends(0);
    enter(&setup, "terminal/TERM0001", "tmk", ONE, TWO);
    enter(&setup, "terminal/TERM0001", "tak", ONE, THREE);
    (host, setup)
}

#[test]
fn a_terminal_fetches_a_master_key_then_working_keys_and_has_none_between_the_two() {
    let (host, setup) = setup_of_terminals(ALL);
    let daemon = Daemon::spawn(&setup.config_path(), &[]);
    daemon.wait_until_ready();
    daemon.wait_for_link("core", "up");
    let client = Client::of(&daemon, "acquirer").speaking(speech_of_terminals(ALL));
    let mut terminal = Terminal::named("TERM0001");
    terminal.stan = Stan(100);
    let mut atm = Atm { client, terminal, master: sum(ONE, TWO), code: sum(ONE, THREE) };
    assert_eq!(atm.withdraws(), Some(Code::Approved), "{}", daemon.stderr());
    // Working keys alone: in force with the first message under them, and not before.
    let master = atm.master.clone();
    let (code, keys) = atm.fetches(Network::KeyExchange, &master);
    assert_eq!((code, keys.len()), (Some(Code::Approved), 2), "{}", daemon.stderr());
    assert_eq!(atm.withdraws(), Some(Code::Approved), "it has not begun to use them: {}", daemon.stderr());
    atm.code = keys[1].clone();
    assert_eq!(atm.withdraws(), Some(Code::Approved), "{}", daemon.stderr());
    wait_for("the new key to be in force", || {
        in_force(&setup, "terminal/TERM0001", "tak").filter(|(generation, _)| *generation == 2).map(drop)
    });
    // A new master key: no money moves until working keys are fetched under it.
    let (code, keys) = atm.fetches(Network::MasterKey, &master);
    assert_eq!((code, keys.len()), (Some(Code::Approved), 1), "{}", daemon.stderr());
    let new_master = keys[0].clone();
    let seen = host.seen_count();
    assert_eq!(atm.withdraws(), Some(Code::MacKeyOutOfStep), "{}", daemon.stderr());
    assert_eq!(host.seen_count(), seen, "nothing of it reached the host");
    let (code, keys) = atm.fetches(Network::KeyExchange, &new_master);
    assert_eq!((code, keys.len()), (Some(Code::Approved), 2), "{}", daemon.stderr());
    atm.code = keys[1].clone();
    assert_eq!(atm.withdraws(), Some(Code::Approved), "{}", daemon.stderr());
    wait_for("all three to be in force", || {
        let of = |role| in_force(&setup, "terminal/TERM0001", role).map(|(generation, _)| generation);
        (of("tmk") == Some(2) && of("tak") == Some(3) && of("tpk") == Some(2)).then_some(())
    });
    // The old key is over for good once its overlap is: here it is still taken, and an older one never.
    atm.code = sum(ONE, THREE);
    assert_ne!(atm.withdraws(), Some(Code::Approved), "a retired key");
}

/// A question for keys in the name of TERM0001, as anybody can write it.
fn question(about: Network, stan: u32) -> Txn {
    let mut txn = Txn::new(MessageType::from_digits([8, 0, 0]).expect("0800"));
    (txn.network, txn.stan, txn.terminal_id) = (about, Stan(stan), Text::clipped(b"TERM0001"));
    txn.transmitted_at = Text::clipped(b"1122091500");
    txn
}

#[test]
fn a_master_key_is_given_to_nobody_who_does_not_authenticate_the_question() {
    let (_host, setup) = setup_of_terminals(MONEY);
    let daemon = Daemon::spawn(&setup.config_path(), &[]);
    daemon.wait_until_ready();
    let mut client = Client::of(&daemon, "acquirer").speaking(speech_of_terminals(MONEY));
    let answer = client.ask(&question(Network::MasterKey, 7));
    assert_eq!(answer.code, Some(Code::SecurityFailure), "{}", daemon.stderr());
    wait_for("a line that says so", || {
        daemon.stderr().contains("without an authentication code").then_some(())
    });
    assert_eq!(in_force(&setup, "terminal/TERM0001", "tak").map(|(generation, _)| generation), Some(1));
}

/// Working keys are as good to stop a terminal with: what it has fetched and not used, or what it works under.
#[test]
fn working_keys_are_given_to_nobody_who_does_not_authenticate_the_question() {
    for security in ["mac = \"dialect\"", "pin_format = 0"] {
        let (_host, setup) = setup_of_terminals_with(MONEY, security);
        let daemon = Daemon::spawn(&setup.config_path(), &[]);
        daemon.wait_until_ready();
        let mut client = Client::of(&daemon, "acquirer").speaking(speech_of_terminals(MONEY));
        let answer = client.ask(&question(Network::KeyExchange, 7));
        assert_eq!(answer.code, Some(Code::SecurityFailure), "{security}: {}", daemon.stderr());
        wait_for("a line that says so", || {
            daemon.stderr().contains("without an authentication code").then_some(())
        });
        let shown = types(&setup, "mori", "key show terminal/TERM0001 --json", "").ends(0).json();
        assert_eq!(shown["data"].as_array().map(Vec::len), Some(2), "{security}: {shown}");
    }
}

/// Partners without codes on these messages: said in the configuration, and a stranger who asks as well takes nothing
/// from the terminal that has not used its keys yet.
#[test]
fn keys_are_given_without_a_code_where_the_configuration_says_so() {
    let (_host, setup) = setup_of_terminals_with(MONEY, "mac = \"dialect\", unauthenticated_keys = true");
    let daemon = Daemon::spawn(&setup.config_path(), &[]);
    daemon.wait_until_ready();
    daemon.wait_for_link("core", "up");
    let client = || Client::of(&daemon, "acquirer").speaking(speech_of_terminals(MONEY));
    let (mut own, mut stranger) = (client(), client());
    let answer = own.ask(&question(Network::KeyExchange, 7));
    assert_eq!(answer.code, Some(Code::Approved), "{}", daemon.stderr());
    let speech = speech_of_terminals(MONEY);
    let rule = speech.dialect.key_exchange().expect("it says how");
    let carried = answer.carried.get(rule.noun).expect("keys");
    let keys = rule.take_apart(false, carried).expect("as the dialect says");
    let (code, right) = bank::opened(&sum(ONE, TWO), &keys[1]);
    assert!(right);
    let answers: Vec<_> =
        (8..14).map(|stan| stranger.ask(&question(Network::KeyExchange, stan)).code).collect();
    assert!(answers.contains(&Some(Code::Busy)), "not again and again: {answers:?}");
    let mut terminal = Terminal::named("TERM0001");
    terminal.stan = Stan(100);
    let mut atm = Atm { client: own, terminal, master: sum(ONE, TWO), code };
    assert_eq!(atm.withdraws(), Some(Code::Approved), "{}", daemon.stderr());
    let mut mine = stranger.ask(&question(Network::MasterKey, 20));
    assert_eq!(mine.code.take(), Some(Code::SecurityFailure), "never a master key");
}

/// The audit says who ordered it, and nobody says that of somebody else.
#[test]
fn an_order_to_exchange_keys_bears_the_name_of_whoever_gave_it() {
    let (_bank, mut setup) = setup("{ drawn_by = \"us\" }");
    let address = free_address();
    setup.tables_more += &format!("[api]\ndefault_link = \"bank\"\nlisten = \"{address}\"\n");
    setup.write();
    let config = setup.config_path().display().to_string();
    let new = ["api", "key", "new", "till-ops", "--role", "operator", "--config", &config];
    let key = sekisho_as("mori", &new, b"").ends(0).out.trim().to_owned();
    let daemon = setup.start();
    let (chief, here) = (http::At::Tcp(address, Some(key)), http::At::socket_of(&setup));
    let place = "/v1/keys/exchange/bank";
    let refuses = |reply: http::Reply, status: u16, code: &str| {
        assert_eq!((reply.status, reply.text("code")), (status, code), "{:?}", reply.body);
    };
    refuses(chief.post(place, &json!({ "by": "mori", "reason": "test" })), 403, "not_the_keys_name");
    for by in ["", "mo\nri", "mori\u{1b}[2K", &"m".repeat(65), "api-key/till-ops"] {
        refuses(here.post(place, &json!({ "by": by, "reason": "test" })), 400, "not_signed");
    }
    for reason in ["", "two\nlines", &"r".repeat(201)] {
        refuses(chief.post(place, &json!({ "reason": reason })), 400, "not_signed");
    }
    chief.post(place, &json!({ "reason": "daily" })).says(200);
    wait_for("it to end", || {
        in_force(&setup, "link/bank", "zak").filter(|(generation, _)| *generation == 2).map(drop)
    });
    let audit = types(&setup, "mori", "audit ls --json", "").ends(0).json();
    let acts = audit["data"].as_array().expect("a list").iter();
    let orders: Vec<_> = acts.filter(|act| act["act"] == "exchange" && act["by"] != "sekisho").collect();
    assert!(!orders.is_empty(), "{}", daemon.stderr());
    assert!(
        orders.iter().all(|act| act["by"] == "api-key/till-ops" && act["reason"] == "daily"),
        "{orders:?}"
    );
}

/// Whoever asks as fast as it can has nobody else wait, and leaves next to nothing behind.
#[test]
fn a_flood_of_questions_for_keys_stops_nobody_elses_exchange() {
    let (_host, setup) = setup_of_terminals_with(MONEY, "mac = \"dialect\", unauthenticated_keys = true");
    enter(&setup, "terminal/TERM0002", "tmk", ONE, TWO);
    let daemon = Daemon::spawn(&setup.config_path(), &[]);
    daemon.wait_until_ready();
    let client = || Client::of(&daemon, "acquirer").speaking(speech_of_terminals(MONEY));
    let entries = |setup: &Setup| {
        let audit = types(setup, "mori", "audit ls --json", "").ends(0).json();
        audit["data"].as_array().expect("a list").len()
    };
    let before = entries(&setup);
    let mut stranger = client();
    for stan in 1..=2_000 {
        stranger.send(&question(Network::KeyExchange, stan));
        let mut other = question(Network::KeyExchange, stan);
        other.terminal_id = Text::clipped(format!("NONE{stan:04}").as_bytes());
        stranger.send(&other);
    }
    let asked = Instant::now();
    let mut own = question(Network::KeyExchange, 9_000);
    own.terminal_id = Text::clipped(b"TERM0002");
    assert_eq!(client().ask(&own).code, Some(Code::Approved), "{}", daemon.stderr());
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(5), "an honest terminal waited {took:?}");
    let given = (0..4_000).filter(|_| stranger.answer().code == Some(Code::Approved)).count();
    // While one is under way the next is refused, so of a quick flood fewer are given.
    assert!((1..=keys::exchange::WAITING_MAX).contains(&given), "{given} in a minute");
    assert!(entries(&setup) <= before + given + 1, "{} entries", entries(&setup) - before);
}
