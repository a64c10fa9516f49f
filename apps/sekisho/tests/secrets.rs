//! Cards, tracks, PIN blocks and keys: looked for in everything a switch writes, says or leaves behind.

mod secrecy;
mod typed;

use secrecy::{Needles, Secret, secret};
use sekisho::sim::question::card;
use std::path::Path;
use stories::*;
use terms::{Kind, Noun};
use typed::{place, sekisho, sekisho_reading};

const CARD: &[u8] = b"4929071836255147";
const TRACK: &[u8] = b"4929071836255147=30122019182736450000";
const PIN_BLOCK: &[u8] = &[0x9C, 0x4E, 0x77, 0x2B, 0xD1, 0x08, 0xE3, 0x5A];
const ONE: &str = "9B71333A13F9FAE72F9D0E2DAB4AD6784718012F9244033F3F26A2DE0C8AA11B";
const TWO: &str = "8F1E2D3C4B5A69788796A5B4C3D2E1F0112233445566778899AABBCCDDEEFF01";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

fn secrets() -> Vec<Secret> {
    let (one, two) = (bytes(ONE), bytes(TWO));
    let master: Vec<u8> = one.iter().zip(&two).map(|(one, two)| one ^ two).collect();
    vec![
        secret("the card", CARD),
        secret("the track", TRACK),
        secret("the PIN block", PIN_BLOCK),
        secret("a component", &one),
        secret("the other component", &two),
        secret("the master key", &master),
    ]
}

/// The master key of a software module lies in its file, and nowhere else.
fn may_hold(path: &Path, name: &str) -> bool {
    name.starts_with("the master key,") && path.file_name().is_some_and(|file| file == "lmk")
}

#[test]
fn the_scanner_finds_what_is_planted_however_it_is_written() {
    let needles = Needles::of(&secrets());
    for secret in secrets() {
        for (form, planted) in secrecy::forms(&secret) {
            let hidden = [&[0x55; 1000][..], &planted, &[0xAA; 77]].concat();
            let found = needles.found(&hidden);
            let mut of = found.iter().filter(|(what, _)| what.starts_with(secret.name));
            assert!(of.any(|(_, &at)| at == 1_000), "{} {form}: {found:?}", secret.name);
        }
    }
    assert!(needles.found(b"4929071836255148 4929071836255 929071836255146 492907******5147").is_empty());
    let place = place("planted");
    std::fs::create_dir_all(place.join("deep/er")).expect("room");
    std::fs::write(place.join("deep/er/file"), [b"xx".as_slice(), TRACK].concat()).expect("room");
    std::fs::write(place.join("lmk"), &secrets()[5].bytes).expect("room");
    let said = needles.scan(&place, &may_hold);
    assert_eq!(said.len(), 2, "the track and the card in it, and the master key is at home: {said:?}");
    assert_eq!(needles.scan(&place, &|_, _| false).len(), 3);
}

/// A switch that worked for a while, with keys of a ceremony, refusals, silence and things owed.
fn worked(setup: &Setup, host: &Host) -> (Daemon, Vec<String>) {
    let keys = setup.data.join("keys").display().to_string();
    let type_as = |who: &str, line: &str, input: &str| {
        // One thread of this test types, so the variable is this command's alone.
        let words: Vec<&str> = line.split_whitespace().chain(["--keys", &keys]).collect();
        let said = typed::sekisho_as(who, &words, input.as_bytes()).ends(0);
        said.out + &said.err
    };
    let mut said = vec![
        type_as("mori", "ceremony start lmk --reason first", ""),
        type_as("mori", "ceremony component", ONE),
        type_as("sato", "ceremony component", TWO),
        type_as("sato", "ceremony commit --reason first", ""),
        type_as("mori", "key generate link/core zpk --reason daily", ""),
    ];
    let daemon = setup.start();
    let mut client = Client::of(&daemon, "acquirer");
    let mut terminal = Terminal::with_card("TERM0001", core::str::from_utf8(CARD).expect("digits"));
    for (number, kind) in
        [Kind::Withdrawal, Kind::BalanceInquiry, Kind::Deposit].into_iter().cycle().take(30).enumerate()
    {
        if number == 24 {
            host.acts(|_| Act::Silence);
        }
        let mut txn = terminal.asks(kind, 30_000);
        let mut carried = terms::Carried::default();
        for (noun, contents) in txn.carried.iter() {
            let noun = Noun::numbered(noun).expect("a noun");
            let contents = match noun {
                Noun::Track2 => TRACK,
                Noun::PinBlock => PIN_BLOCK,
                _ => contents,
            };
            carried.push(noun, contents);
        }
        txn.carried = carried;
        drop(client.ask(&txn));
    }
    // What cannot be read is kept for people to look at, masked.
    let body = Speech::named("iso87-ascii").body(&terminal.asks(Kind::Withdrawal, 1));
    client.send_body(&body[..body.len() - 9]);
    wait_for("the specimen", || (daemon.figure("/transactions/unreadable") > 0).then_some(()));
    for page in ["/metrics", "/v1/status", "/healthz", "/readyz"] {
        said.push(daemon.get(page).1);
    }
    let config = setup.config_path().display().to_string();
    let data = setup.data.display().to_string();
    for words in [
        vec!["txn", "ls", "--config", &config],
        vec!["txn", "ls", "--json", "--config", &config],
        vec!["saf", "ls", "--json", "--config", &config],
        vec!["journal", "ls", &data, "--json"],
        vec!["key", "ls", "--all", "--json", "--config", &config],
        vec!["audit", "export", "--config", &config],
    ] {
        let answer = sekisho(&words);
        assert_eq!(answer.code, 0, "{words:?}: {answer:?}");
        said.push(answer.out + &answer.err);
    }
    (daemon, said)
}

#[test]
fn nothing_a_switch_writes_or_says_holds_a_card_a_track_a_pin_block_or_a_key() {
    let host = Host::approving();
    let mut setup = Setup::with_host(&host);
    setup.links[0].reply_timeout_ms = 300;
    setup.links[0].more = "breaker = { unanswered_percent = 0 }".into();
    let (daemon, mut said) = worked(&setup, &host);
    said.push(daemon.stderr());
    let needles = Needles::of(&secrets());
    for said in &said {
        let found = needles.found(said.as_bytes());
        assert!(found.is_empty(), "{found:?} {said}");
    }
    drop(daemon);
    let found = needles.scan(setup.scratch.path(), &may_hold);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_switch_that_is_struck_dead_leaves_no_core_file() {
    let host = Host::approving();
    let setup = Setup::with_host(&host);
    let daemon = setup.start();
    let pid = daemon.pid_of_switch().expect("it runs");
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).expect("Linux");
    let core =
        limits.lines().find(|line| line.starts_with("Max core file size")).expect("every system has it");
    let columns: Vec<&str> = core.split_whitespace().collect();
    assert_eq!(&columns[4..6], ["0", "0"], "and it cannot be raised again");
    daemon.signal("ABRT");
    let mut daemon = daemon;
    let ended = daemon.wait();
    use std::os::unix::process::ExitStatusExt as _;
    assert_eq!((ended.signal(), ended.core_dumped()), (Some(6), false));
}

/// A demo draws its cards by a seed: none of them stands in what it writes and says.
#[test]
fn a_demo_leaves_no_card_behind() {
    let place = place("demo-secrets");
    let data = place.join("data").display().to_string();
    let words = ["demo", "--for", "3s", "--tps", "60", "--seed", "7", "--assert", "--data", &data];
    let free = ["--http", "127.0.0.1:0", "--iso", "127.0.0.1:0"];
    let said = sekisho_reading(&[&words[..], &free].concat(), b"").ends(0);
    let cards = ["411111", "555555"]
        .into_iter()
        .flat_map(|prefix| (0..1_000).map(move |number| card(prefix, number)));
    let secrets: Vec<Secret> = cards.map(|card| secret("a card of the demo", card.expose())).collect();
    let needles = Needles::of(&secrets);
    let found = needles.found((said.out + &said.err).as_bytes());
    assert!(found.is_empty(), "{found:?}");
    let found = needles.scan(&place, &|_, _| false);
    assert!(found.is_empty(), "{found:?}");
}
