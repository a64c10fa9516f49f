//! Keys made, taken, given and exchanged by devices: simulated ones with every kind of master key, and an independent
//! one written in Python, where the workspace has it beside the repository.

mod bank;
mod guarded;
mod typed;

use bank::atm::{ALL, Atm, of_terminals, speech_of_terminals, sum};
use bank::{Bank, Manner, check_of, hex, sealed, unhex};
use dialects::KeyWhat;
use guarded::Module;
use hsm::Key;
use hsm::drbg::{Drbg, SEED_BYTES};
use hsm::keyblock::{Family, Header, Version, wrap};
use hsm::lmk::{Scheme, decrypt_under, encrypt_under};
use hsm::ops::Role;
use hsm::payshield::test_lmk;
use sekisho::sim::keyring::install_under;
use stories::*;
use terms::{Code, Network, Stan};
use typed::{Said, sekisho_as};

const ONE: &str = "0123456789ABCDEFFEDCBA9876543210";
const TWO: &str = "89ABCDEF012345677654321089ABCDEF";
const THREE: &str = "1F1F2F2F3F3F4F4F5F5F6F6F7F7F8F8F";
const FOUR: &str = "4A4A4B4B4C4C4D4D5E5E5F5F61616262";

/// How a device keeps keys: the words of the configuration, and its place among the public test keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Variants,
    TripleDes,
    Aes,
}

const EVERY: [Kept; 3] = [Kept::Variants, Kept::TripleDes, Kept::Aes];

impl Kept {
    const fn id(self) -> &'static str {
        match self {
            Self::Variants => "variants",
            Self::TripleDes => "01",
            Self::Aes => "02",
        }
    }

    /// A component as a custodian has it from the device's console.
    fn component(self, role: Role, number: u8, key: &Key) -> String {
        let attributes = role.attributes(Family::PayShield);
        let (version, over) = match self {
            Self::Variants => {
                let over = test_lmk::variants().key_for(role.key_type());
                return format!("U{}", hex(&encrypt_under(&over, Scheme::U, key).expect("two parts")[..16]));
            }
            Self::TripleDes => {
                (Version::S0, Key::tdes(&unhex("0123456789ABCDEF8080808080808080FEDCBA9876543210")))
            }
            Self::Aes => (
                Version::S1,
                Key::aes(&unhex("9B71333A13F9FAE72F9D0E2DAB4AD6784718012F9244033F3F26A2DE0C8AA11A")),
            ),
        };
        let mut header = Header::new(version, attributes.usage, b'T', attributes.mode);
        header.key_version = [b'c', b'0' + number];
        header.reserved = self.id().as_bytes().try_into().expect("two digits");
        let mut random = Drbg::new(&[number; SEED_BYTES]);
        wrap(&over.expect("its length"), &header, key, &mut random).expect("it fits")
    }
}

/// A device and what the configuration says of it.
struct Device {
    module: Module,
    kept: Kept,
    check: String,
}

impl Device {
    fn simulated(kept: Kept) -> Self {
        Self { module: Module::simulated(&[]), kept, check: test_lmk::checks()[kept as usize].clone() }
    }

    /// The independent one shows the same for every master key.
    fn independent(kept: Kept) -> Option<Self> {
        let module = Module::independent()?;
        Some(Self { check: module.lmk_check.clone(), module, kept })
    }

    fn tables(&self) -> String {
        format!(
            "[keys]\noverlap_ms = 5000\n[security]\nallow_test_lmk = true\ncommand_timeout_ms = 1000\n\
             give_up_ms = 3000\nback_off_ms = 100\nback_off_max_ms = 200\n\n[[hsm]]\nname = \"hsm-1\"\n\
             address = \"{}\"\nlmk = \"{}\"\nlmk_check = \"{}\"\nreconnect_ms = 50\n\n",
            self.module.address,
            self.kept.id(),
            self.check
        )
    }
}

fn types(setup: &Setup, who: &str, line: &str, input: &str) -> Said {
    let config = setup.config_path().display().to_string();
    let words: Vec<&str> = line.split_whitespace().chain(["--config", &config]).collect();
    sekisho_as(who, &words, input.as_bytes())
}

/// A switch with that device between a bank's link and its terminals, no key in it yet.
fn setup(device: &Device, bank: &Bank, exchange: &str) -> Setup {
    let link = LinkSetup {
        name: "bank",
        dial: bank.address,
        dialect: "bank",
        reply_timeout_ms: 20_000,
        in_flight_max: 4_096,
        more: format!(
            "security = {{ mac = \"dialect\" }}\nkey_exchange = {exchange}\ntimers = {{ t800_ms = 2000 }}\n"
        ),
    };
    let mut setup = Setup::with_links(vec![link]);
    std::fs::write(setup.scratch.path().join("bank.toml"), bank::DIALECT).expect("room");
    setup.tables_more = format!("[dialect]\nbank = \"bank.toml\"\n{}", device.tables());
    setup.write();
    setup
}

/// A key of two people's components, by the device; gives what the commit said.
fn enter(setup: &Setup, device: &Device, owner: &str, role: Role, one: &str, two: &str) {
    let made = |line: &str, who: &str, input: &str| types(setup, who, line, input).ends(0);
    made(&format!("ceremony start {owner} {} --reason test", role.name()), "mori", "");
    for (number, who, component) in [(1, "mori", one), (2, "sato", two)] {
        let component = Key::tdes(&unhex(component)).expect("16 bytes").with_parity();
        let said = made("ceremony component", who, &device.kept.component(role, number, &component));
        // Each sees the check value of their own.
        assert!(said.out.contains(&check_of(&component)[..6]), "{said:?}");
    }
    let said = made("ceremony commit --reason test", "mori", "");
    let check = check_of(&whole(one, two));
    assert!(said.out.contains(&check[..6]), "{said:?}");
    made(&format!("key activate {owner} {} --check {} --reason test", role.name(), &check[..6]), "mori", "");
}

/// What such components come to.
fn whole(one: &str, two: &str) -> Key {
    let with_parity = |text: &str| hex(Key::tdes(&unhex(text)).expect("16 bytes").with_parity().expose());
    sum(&with_parity(one), &with_parity(two))
}

/// The same keys, put there by another hand: where a device makes none of components.
fn install(setup: &Setup, device: &Device, keys: &[(&str, Role, &Key)]) {
    let master = test_lmk::masters()[device.kept as usize].1.clone();
    install_under(master, &setup.data.join("keys"), &device.check, 5_000, keys)
        .expect("the store takes them");
}

fn in_force(setup: &Setup, owner: &str, role: &str) -> Option<(u64, String)> {
    let shown = types(setup, "mori", &format!("key show {owner} --json"), "").ends(0).json();
    let rows = shown["data"].as_array().expect("a list");
    let row = rows.iter().find(|row| row["key"] == role && row["state"] == "active")?;
    Some((row["generation"].as_u64()?, row["check_value"].as_str()?.to_owned()))
}

/// Draws a key, gives it out under the transport key, and takes one in: what the bank opens is what was told.
fn makes_gives_and_takes(setup: &Setup, zmk: &Key, takes: bool) {
    let made = types(setup, "mori", "key generate link/bank zpk --reason test --json", "").ends(0).json();
    let check = made["check_value"].as_str().expect("a check value").to_owned();
    let export = "key export link/bank zpk --form x --reason test";
    types(setup, "mori", export, "").ends(4);
    let said = types(setup, "sato", export, "").ends(0);
    let cryptogram = said.out.trim().strip_prefix('X').expect("its letter").to_owned();
    let key = decrypt_under(zmk, Scheme::X, &unhex(&cryptogram)).expect("two parts");
    assert!(check_of(&key).starts_with(&check), "the bank has the key that was drawn");
    types(setup, "mori", &format!("key activate link/bank zpk --check {check} --reason test"), "").ends(0);
    if !takes {
        return;
    }
    let theirs = whole(TWO, THREE);
    let travelling = sealed(zmk, KeyWhat::Mac, &theirs);
    let cryptogram = format!("X{}", travelling.cryptogram);
    let import = |check: &str| format!("key import link/bank zak --check {check} --reason test");
    let wrong = types(setup, "mori", &import("123456"), &cryptogram).ends(6);
    assert!(wrong.err.contains("KEY2003-E"), "{wrong:?}");
    types(setup, "mori", &import(&travelling.check[..6]), &cryptogram).ends(0);
    types(setup, "mori", "key activate link/bank zak --reason test", "").ends(0);
    let (_, found) = in_force(setup, "link/bank", "zak").expect("it is");
    assert!(travelling.check.starts_with(&found));
}

#[test]
fn custodians_make_take_and_give_keys_by_a_device_of_every_kind() {
    for kept in EVERY {
        let device = Device::simulated(kept);
        let zmk = whole(ONE, TWO);
        let bank = Bank::with(zmk.clone(), zmk.clone());
        let setup = setup(&device, &bank, "{ drawn_by = \"us\" }");
        enter(&setup, &device, "link/bank", Role::Zmk, ONE, TWO);
        makes_gives_and_takes(&setup, &zmk, true);
        types(&setup, "mori", "audit verify", "").ends(0);
        let stored = std::fs::read_to_string(setup.data.join("keys/link.bank.json")).expect("it is there");
        assert!(!stored.contains(&hex(zmk.expose())), "{kept:?}: no key lies in clear");
    }
}

#[test]
fn an_independent_device_makes_gives_and_takes_keys_and_says_what_it_has_no_command_for() {
    for kept in EVERY {
        let Some(device) = Device::independent(kept) else { return };
        let zmk = whole(ONE, TWO);
        let bank = Bank::with(zmk.clone(), zmk.clone());
        let setup = setup(&device, &bank, "{ drawn_by = \"us\" }");
        install(&setup, &device, &[("link/bank", Role::Zmk, &zmk)]);
        // That program takes keys under variants alone.
        makes_gives_and_takes(&setup, &zmk, kept == Kept::Variants);
        // It has no command that makes a key of components, and says so: nothing is kept of it.
        types(&setup, "mori", "ceremony start link/bank zak --reason test", "").ends(0);
        for (number, who, component) in [(1, "mori", ONE), (2, "sato", TWO)] {
            let component = Key::tdes(&unhex(component)).expect("16 bytes").with_parity();
            types(&setup, who, "ceremony component", &kept.component(Role::Zak, number, &component)).ends(0);
        }
        let said = types(&setup, "mori", "ceremony commit --reason test", "").ends(6);
        assert!(said.err.contains("KEY2014-E") && said.err.contains("does not offer this"), "{said:?}");
        types(&setup, "mori", "ceremony abort --reason test", "").ends(0);
    }
}

fn is_approved(daemon: &Daemon, terminal: &mut Terminal) -> bool {
    Client::of(daemon, "acquirer").ask(&terminal.withdraws(10_000)).code == Some(Code::Approved)
}

fn orders_an_exchange(setup: &Setup) -> Said {
    types(setup, "mori", "key exchange link/bank --reason test", "")
}

/// The keys both sides begin with, then keys drawn here, refused and drawn again, and keys the bank sends.
fn exchanges(setup: &Setup, bank: &Bank, zmk: &Key, takes: bool) {
    let daemon = setup.start();
    let mut terminal = Terminal::named("TERM0001");
    wait_for("the device", || is_approved(&daemon, &mut terminal).then_some(()));
    for generation in 2..=3 {
        let said = orders_an_exchange(setup).ends(0);
        assert_eq!(said.out.trim(), "key/link/bank exchanged");
        let (found, check) = in_force(setup, "link/bank", "zak").expect("one is in force");
        assert_eq!(found, generation);
        assert!(check_of(bank.books().codes.last().expect("it took it")).starts_with(&check));
        assert!(is_approved(&daemon, &mut terminal), "under the new key: {}", daemon.stderr());
    }
    bank.books().manner = Manner::Refuse;
    let said = orders_an_exchange(setup).ends(6);
    assert!(said.err.contains("KEY2023-E") && said.err.contains("three times"), "{said:?}");
    assert!(is_approved(&daemon, &mut terminal), "the keys in force stay: {}", daemon.stderr());
    bank.books().manner = Manner::Accept;
    if takes {
        let [pin, code] = [whole(ONE, FOUR), whole(TWO, THREE)];
        let keys = [sealed(zmk, KeyWhat::Pin, &pin), sealed(zmk, KeyWhat::Mac, &code)];
        assert_eq!(bank.pushes(&keys), Some(Code::Approved), "{}", daemon.stderr());
        bank.books().codes.push(code);
        assert!(is_approved(&daemon, &mut terminal), "under its key: {}", daemon.stderr());
        // A check value that is another key's.
        let mut wrong =
            [sealed(zmk, KeyWhat::Pin, &whole(TWO, FOUR)), sealed(zmk, KeyWhat::Mac, &whole(THREE, FOUR))];
        wrong[1].check = check_of(zmk);
        assert_ne!(bank.pushes(&wrong), Some(Code::Approved));
        assert!(is_approved(&daemon, &mut terminal), "and nothing changed: {}", daemon.stderr());
    }
    assert_eq!(bank.books().wrong_codes, 0);
}

#[test]
fn keys_are_exchanged_with_a_bank_by_a_device_of_every_kind() {
    for kept in EVERY {
        let device = Device::simulated(kept);
        let zmk = whole(ONE, TWO);
        let bank = Bank::with(zmk.clone(), whole(ONE, THREE));
        let setup = setup(&device, &bank, "{ drawn_by = \"us\" }");
        enter(&setup, &device, "link/bank", Role::Zmk, ONE, TWO);
        enter(&setup, &device, "link/bank", Role::Zak, ONE, THREE);
        exchanges(&setup, &bank, &zmk, true);
    }
}

#[test]
fn keys_are_exchanged_with_a_bank_by_an_independent_device() {
    for kept in EVERY {
        let Some(device) = Device::independent(kept) else { return };
        let zmk = whole(ONE, TWO);
        let bank = Bank::with(zmk.clone(), whole(ONE, THREE));
        let setup = setup(&device, &bank, "{ drawn_by = \"us\" }");
        let first = whole(ONE, THREE);
        install(&setup, &device, &[("link/bank", Role::Zmk, &zmk), ("link/bank", Role::Zak, &first)]);
        exchanges(&setup, &bank, &zmk, kept == Kept::Variants);
    }
}

#[test]
fn a_terminal_fetches_its_keys_from_a_device_of_every_kind() {
    for kept in EVERY {
        let device = Device::simulated(kept);
        let host = Host::approving();
        let mut setup = Setup::with_host(&host);
        std::fs::write(setup.scratch.path().join("atms.toml"), of_terminals(ALL)).expect("room");
        setup.listeners_more = "security = { keys = \"terminal\", mac = \"dialect\" }".into();
        setup.tables_more = format!("[dialect]\natms = \"atms.toml\"\n{}", device.tables());
        setup.write_text(&setup.toml().replace("dialect = \"iso87-ascii\"", "dialect = \"atms\""));
        enter(&setup, &device, "terminal/TERM0001", Role::Tmk, ONE, TWO);
        enter(&setup, &device, "terminal/TERM0001", Role::Tak, ONE, THREE);
        let daemon = Daemon::spawn(&setup.config_path(), &[]);
        daemon.wait_until_ready();
        daemon.wait_for_link("core", "up");
        let client = Client::of(&daemon, "acquirer").speaking(speech_of_terminals(ALL));
        let mut terminal = Terminal::named("TERM0001");
        terminal.stan = Stan(100);
        let mut atm = Atm { client, terminal, master: whole(ONE, TWO), code: whole(ONE, THREE) };
        wait_for("the device", || (atm.withdraws() == Some(Code::Approved)).then_some(()));
        let master = atm.master.clone();
        // INT: a new master key under the old one. Until working keys are fetched under it there are none.
        let (code, keys) = atm.fetches(Network::MasterKey, &master);
        assert_eq!((code, keys.len()), (Some(Code::Approved), 1), "{kept:?}: {}", daemon.stderr());
        let new_master = keys[0].clone();
        let seen = host.seen_count();
        assert_eq!(atm.withdraws(), Some(Code::MacKeyOutOfStep), "{kept:?}");
        assert_eq!(host.seen_count(), seen, "{kept:?}: nothing of it reached the host");
        // RQK: working keys under the new one.
        let (code, keys) = atm.fetches(Network::KeyExchange, &new_master);
        assert_eq!((code, keys.len()), (Some(Code::Approved), 2), "{kept:?}: {}", daemon.stderr());
        atm.code = keys[1].clone();
        assert_eq!(atm.withdraws(), Some(Code::Approved), "{kept:?}: {}", daemon.stderr());
        wait_for("all three to be in force", || {
            let of = |role| in_force(&setup, "terminal/TERM0001", role).map(|(generation, _)| generation);
            (of("tmk") == Some(2) && of("tak") == Some(2) && of("tpk") == Some(1)).then_some(())
        });
    }
}

#[test]
fn what_a_device_does_not_do_by_its_host_port_is_refused_with_the_way_to_do_it() {
    let device = Device::simulated(Kept::Variants);
    let zmk = whole(ONE, TWO);
    let bank = Bank::with(zmk.clone(), zmk.clone());
    let setup = setup(&device, &bank, "{ drawn_by = \"us\" }");
    let refused = |line: &str, input: &str, exit: i32, said: &[&str]| {
        let answer = types(&setup, "mori", line, input).ends(exit);
        assert!(said.iter().all(|word| answer.err.contains(word)), "{line}: {answer:?}");
    };
    // Its master key is its own.
    for line in ["ceremony start lmk --reason test", "ceremony draw --for-tests --reason test"] {
        refused(line, "", 6, &["CER2010-E", "own console", "lmk_check"]);
    }
    refused("ceremony start link/bank zmk --bytes 8 --reason test", "", 6, &["CER2012-E"]);
    refused("ceremony start link/bank zmk --cipher sm4 --reason test", "", 6, &["CER2012-E"]);
    // A component in clear is not taken, nor one of another length, nor nonsense; one person is no ceremony.
    types(&setup, "mori", "ceremony start link/bank zmk --reason test", "").ends(0);
    let component = |text: &str, number| {
        let key = Key::tdes(&unhex(text)).expect("16 bytes").with_parity();
        Kept::Variants.component(Role::Zmk, number, &key)
    };
    for wrong in [ONE.to_string(), format!("U{}", &ONE[..16]), "nonsense".into(), "é".into()] {
        refused("ceremony component", &wrong, 65, &["CER20"]);
    }
    // One the device cannot open.
    refused("ceremony component", &format!("U{ONE}"), 65, &["KEY2013-E", "parity"]);
    types(&setup, "mori", "ceremony component", &component(ONE, 1)).ends(0);
    refused("ceremony component", &component(TWO, 2), 6, &["CER2003-E"]);
    refused("ceremony commit --reason test", "", 6, &["CER2005-E"]);
    let same = types(&setup, "sato", "ceremony component", &component(ONE, 1)).ends(6);
    assert!(same.err.contains("CER2007-E"), "{same:?}");
    // Under another kind of module it does not go on.
    let keys = setup.data.join("keys").display().to_string();
    let words = ["ceremony", "component", "--keys", &keys];
    let other = sekisho_as("sato", &words, ONE.as_bytes()).ends(6);
    assert!(other.err.contains("CER2013-E"), "{other:?}");
    types(&setup, "sato", "ceremony component", &component(TWO, 2)).ends(0);
    types(&setup, "sato", "ceremony commit --reason test", "").ends(0);
    let check = &check_of(&zmk)[..6];
    types(&setup, "mori", &format!("key activate link/bank zmk --check {check} --reason test"), "").ends(0);
    // No blocks under variants, and no other cipher.
    refused("key generate link/bank zpk --cipher aes --reason test", "", 6, &["KEY2018-E", "DES keys alone"]);
    // Under a terminal's transport key keys go by a scheme, and none comes back.
    enter(&setup, &device, "terminal/TERM0001", Role::Tmk, TWO, THREE);
    types(&setup, "mori", "key generate terminal/TERM0001 tpk --reason test", "").ends(0);
    refused(
        "key export terminal/TERM0001 tpk --form tr31 --reason test",
        "",
        6,
        &["KEY2018-E", "by a scheme"],
    );
    types(&setup, "mori", "key export terminal/TERM0001 tpk --form x --reason test", "").ends(4);
    let given = types(&setup, "sato", "key export terminal/TERM0001 tpk --form x --reason test", "").ends(0);
    let import = "key import terminal/TERM0001 tak --check 123456 --reason test";
    refused(import, given.out.trim(), 6, &["KEY2018-E", "between institutions alone"]);
    assert_eq!(in_force(&setup, "link/bank", "zpk"), None);
}

#[test]
fn a_device_that_is_away_another_one_or_not_allowed_changes_nothing_and_is_said() {
    let device = Device::simulated(Kept::Aes);
    let zmk = whole(ONE, TWO);
    let bank = Bank::with(zmk.clone(), zmk.clone());
    let setup = setup(&device, &bank, "{ drawn_by = \"us\" }");
    enter(&setup, &device, "link/bank", Role::Zmk, ONE, TWO);
    let generate = "key generate link/bank zpk --reason test";
    let config = std::fs::read_to_string(setup.config_path()).expect("it was written");
    let with = |from: &str, to: &str| {
        assert!(config.contains(from), "{config}");
        setup.write_text(&config.replacen(from, to, 1));
        types(&setup, "mori", generate, "")
    };
    // It holds another master key than the one agreed on.
    let other =
        with(&format!("lmk_check = \"{}\"", device.check), "lmk_check = \"1234567890ABCDEF\"").ends(73);
    let shown = format!("shows another master key, {}", device.check);
    assert!(other.err.contains("KEY2026-E") && other.err.contains(&shown), "{other:?}");
    // And keys that lie under one are not shown as if they lay under another.
    let other = types(&setup, "mori", "key ls", "").ends(78);
    assert!(other.err.contains("KEY1003-E"), "{other:?}");
    // It may not be asked that.
    let not_allowed =
        with("reconnect_ms = 50", "reconnect_ms = 50\noperations = [\"make_mac\", \"status\"]").ends(78);
    assert!(not_allowed.err.contains("KEY2019-E"), "{not_allowed:?}");
    // Nobody is there.
    let nobody = free_address();
    let away = with(&device.module.address.to_string(), &nobody.to_string()).ends(73);
    assert!(away.err.contains("KEY2026-E") && away.err.contains("no line to it stands"), "{away:?}");
    // It wants an officer first.
    let strict = Module::simulated(&["--fault-every", "2", "--fault-code", "17"]);
    let asks = with(&device.module.address.to_string(), &strict.address.to_string()).ends(6);
    assert!(asks.err.contains("KEY2017-E") && asks.err.contains("officer"), "{asks:?}");
    assert_eq!(
        types(&setup, "mori", "key ls --json", "").ends(0).json()["data"].as_array().map(Vec::len),
        Some(1)
    );
}
