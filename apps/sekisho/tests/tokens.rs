//! A switch whose keys of codes are kept by a PKCS#11 token: drawn, given and brought into force by the commands people
//! type, used both ways on a link, and refused, without harm, while the token is away, ill or somebody else's.

mod guarded;
#[path = "../../../edge/pkcs11/tests/soft/mod.rs"]
mod soft;
mod typed;

use guarded::*;
use hsm::{Cipher, Key, check_value, keywrap};
use sekisho::sim::keyring::{key_named, write_partner};
use sekisho::sim::speech::Speech;
use soft::{PIN, Soft};
use std::ffi::OsString;
use std::path::PathBuf;
use stories::{Daemon, LinkSetup, Scratch, Setup, wait_for};
use terms::{Code, Outcome};
use typed::{Said, typed_by};

const APPROVED: (Code, Outcome) = (Code::Approved, Outcome::Approved);
/// The transport key both sides entered with their own tools.
const ZMK: [u8; 32] = *b"entered by two people, each half";

/// A bank with a token.
struct Bank {
    soft: Soft,
    setup: Setup,
    host_slot: HostSlot,
}

/// The host begins once its key is known.
type HostSlot = std::net::SocketAddr;

impl Bank {
    /// A token with master keys and a transport key, and a configuration that names it; `None` without SoftHSM.
    fn new(module: impl FnOnce(&Soft) -> PathBuf) -> Option<Self> {
        let soft = Soft::new(false)?;
        soft.token("bank");
        let module = module(&soft);
        let host_slot = stories::free_address();
        let link = LinkSetup {
            name: "core",
            dial: host_slot,
            dialect: "iso87-ascii",
            reply_timeout_ms: 1_500,
            in_flight_max: 4_096,
            more: "framing = \"ascii4\"\nbreaker = { unanswered_percent = 0 }\n\
                   forward = { repeat_ms = 300, reply_timeout_ms = 1000 }\n\
                   security = { mac = \"aes-cmac\" }\n"
                .into(),
        };
        let mut setup = Setup::with_links(vec![link]);
        setup.listeners_more =
            "framing = \"ascii4\"\nsecurity = { keys = \"listener\", mac = \"tdes-cbc\" }\n".into();
        let mut bank = Self { soft, setup, host_slot };
        bank.name_token(&module);
        Some(bank)
    }

    /// Draws the master keys and writes the table that `hsm master` shows into the configuration.
    fn name_token(&mut self, module: &std::path::Path) {
        let pin = self.soft.pin_file("bank.pin", PIN).display().to_string();
        let (module, keys) =
            (module.display().to_string(), self.setup.data.join("keys").display().to_string());
        let words = ["hsm", "master", "--module", &module, "--token", "bank", "--pin-file", &pin];
        let words = [&words[..], &["--keys", &keys, "--reason", "first installation"]].concat();
        let said = self.typed("mori", &words).ends(0);
        assert!(said.out.starts_with("master keys drawn in the token, check value "), "{said:?}");
        let table = said.out.split_once("[[hsm]]").expect("a table to be copied").1;
        self.setup.tables_more = format!(
            "[security]\ncommand_timeout_ms = 400\ngive_up_ms = 1500\ntest_every_ms = 300\nback_off_ms = 200\n\
             back_off_max_ms = 500\n\n[[hsm]]{table}connections = 2\nreconnect_ms = 50\n"
        );
        // A second time they are not drawn: keys may lie under them.
        let again = self.typed("mori", &words).ends(6);
        assert!(again.err.contains("HSM3003-E") && again.err.contains("--key-label"), "{again:?}");
        // The transport key is put there by the token's own tool, and taken into the books.
        let file = self.soft.directory.join("zmk.bin");
        std::fs::write(&file, ZMK).expect("room");
        let file = file.display().to_string();
        self.soft.util(&[
            "--import", &file, "--aes", "--token", "bank", "--label", "zmk", "--id", "01", "--pin", PIN,
        ]);
        self.setup.write();
    }

    fn typed(&self, who: &str, words: &[&str]) -> Said {
        let environment = self.soft.environment();
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| (*name, value.to_str().expect("text"))).collect();
        typed_by(who, &environment, words, b"")
    }

    /// The same about this switch.
    fn types(&self, who: &str, line: &str) -> Said {
        let config = self.setup.config_path().display().to_string();
        let words: Vec<&str> = line.split_whitespace().chain(["--config", &config]).collect();
        self.typed(who, &words)
    }

    /// Adopts the transport key, draws a key of codes, gives it to the other side, and brings it into force. Gives
    /// what the other side opened.
    fn exchanged(&self, owner: &str, cipher: Cipher) -> Key {
        let known = check_value::usual(&Key::aes(&ZMK).expect("32 bytes"));
        let adopted =
            self.types("mori", &format!("key adopt {owner} zmk --label zmk --reason entered")).ends(0);
        assert!(adopted.out.contains(&known.to_string()), "{adopted:?}");
        assert!(adopted.err.contains("CKA_DECRYPT"), "SoftHSM's own tool lets it decipher: {adopted:?}");
        self.types("mori", &format!("key activate {owner} zmk --check {known} --reason agreed")).ends(0);
        let shape = if cipher == Cipher::Aes { "--cipher aes" } else { "--cipher tdes" };
        let drawn = self
            .types("mori", &format!("key generate {owner} zak {shape} --reason daily --json"))
            .ends(0)
            .json();
        let export = format!("key export {owner} zak --form kw --reason daily");
        self.types("mori", &export).ends(4);
        let given = self.types("sato", &export).ends(0);
        let bytes = keywrap::read(given.out.trim()).expect("a letter and hex");
        let theirs =
            keywrap::unwrap(&Key::aes(&ZMK).expect("32 bytes"), cipher, &bytes).expect("it is whole");
        // They read theirs aloud, and it comes into force.
        let check = check_value::usual(&theirs).to_string();
        assert_eq!(drawn["check_value"], check.as_str());
        self.types("mori", &format!("key activate {owner} zak --check {check} --reason agreed")).ends(0);
        theirs
    }

    fn start(&self) -> Daemon {
        let environment = self.soft.environment();
        let words: Vec<OsString> = (environment.iter())
            .map(|(name, value)| {
                let mut word = OsString::from(format!("{name}="));
                word.push(value);
                word
            })
            .collect();
        let words: Vec<_> = words.iter().map(OsString::as_os_str).collect();
        self.setup.write();
        let daemon = Daemon::spawn_under("env", &words, &self.setup.config_path());
        daemon.wait_until_ready();
        daemon
    }

    /// What stands in the status about the token.
    fn token(&self, daemon: &Daemon) -> serde_json::Value {
        daemon.status()["hsm"]["data"][0].clone()
    }
}

/// A partner with a key of codes in clear, and PINs that pass as they are.
fn speech(algorithm: &str, mac: &Key) -> Speech {
    let scratch = Scratch::new();
    let path = scratch.path().join("keys.toml");
    write_partner(&path, algorithm, mac, Some(&key_named("their TPK"))).expect("room for a test");
    Speech::named("iso87-ascii", Some("ascii4"))
        .and_then(|speech| speech.with_keys(Some(&path)))
        .expect("keys")
}

#[test]
fn codes_are_made_and_verified_by_a_token_both_ways_and_business_waits_out_its_absence() {
    let Some(bank) = Bank::new(|soft| soft.module.clone()) else { return };
    let hosts = bank.exchanged("link/core", Cipher::Aes);
    let acquirers = bank.exchanged("listener/acquirer", Cipher::Tdes);
    let (terminals, hosts) = (speech("tdes-cbc", &acquirers), speech("aes-cmac", &hosts));
    let _host = PlayedHost::answering_at(bank.host_slot, hosts.clone(), hosts);
    let daemon = bank.start();
    wait_for_state(&daemon, "token", "well");
    let mut terminal = PlayedTerminal::at(&daemon, terminals);
    for _ in 0..20 {
        assert_eq!(terminal.withdraws(), APPROVED, "the host believed it, and so did the terminal");
    }
    wait_for("the figures", || (security(&daemon, "made") == 40).then_some(()));
    assert_eq!(security(&daemon, "verified"), 40);
    // Wrong on purpose: not a word of it reaches the host.
    let txn = terminal.withdrawal();
    let mut body = terminal.written(&txn);
    let last = body.len() - 1;
    body[last] = if body[last] == b'0' { b'1' } else { b'0' };
    terminal.send(&body);
    assert_eq!(terminal.hears().code, Some(as_told(Code::WrongMac)));

    // The token is pulled. Business is refused, and the line is alive.
    bank.soft.pull();
    wait_for("it to be missed", || (state_of(&daemon, "token") != "well").then_some(()));
    let txn = terminal.withdrawal();
    let body = terminal.written(&txn);
    terminal.send(&body);
    let (answer, has_code) = terminal.hears_anything();
    assert_eq!((answer.code, has_code), (Some(as_told(Code::Malfunction)), false));
    let body = terminal.written(&echo(900_001));
    terminal.send(&body);
    assert_eq!(terminal.hears_anything().0.code, Some(Code::Approved), "the line is alive");
    wait_for("why to be told", || {
        bank.token(&daemon)["trouble"]
            .as_str()
            .is_some_and(|why| why.contains("there is no token `bank`"))
            .then_some(())
    });
    let listed = bank.types("mori", "hsm ls").ends(1);
    assert!(listed.out.contains("there is no token `bank`; there are: none"), "{listed:?}");
    let generated = bank.types("mori", "key generate link/core zak --cipher aes --reason daily").ends(73);
    assert!(generated.err.contains("there is no token `bank`"), "{generated:?}");

    // It is put back: business goes on, and the request that was refused is the first of its kind.
    bank.soft.put_back();
    wait_for_state(&daemon, "token", "well");
    assert_eq!(terminal.asks(&txn).code, Some(Code::Approved));
    assert_eq!(terminal.withdraws(), APPROVED);
    let audit = bank.types("mori", "audit verify").ends(0);
    assert!(audit.out.contains("whole"), "{audit:?}");
}

#[test]
fn what_a_token_can_do_is_shown_and_tested_with_answers_that_are_known() {
    let Some(bank) = Bank::new(|soft| soft.module.clone()) else { return };
    let daemon = bank.start();
    wait_for_state(&daemon, "token", "well");
    let shown = bank.types("mori", "hsm status").ends(0);
    assert!(shown.out.contains("pkcs11:token=bank"), "{shown:?}");
    assert!(
        shown.out.contains("codes by iso9797-1, tdes-cbc, aes-cmac, unionpay-ecb, unionpay-cbc"),
        "{shown:?}"
    );
    let json = bank.types("mori", "hsm ls --json").ends(0).json();
    let token = &json["data"][0];
    assert_eq!((token["kind"].as_str(), token["connections"].as_u64()), (Some("pkcs11"), Some(2)));
    let operations: Vec<_> =
        token["operations"].as_array().expect("a list").iter().filter_map(|one| one.as_str()).collect();
    assert!(operations.contains(&"make_mac") && !operations.contains(&"translate_pin"), "{operations:?}");
    let tested = bank.types("mori", "hsm test token --json").ends(0).json();
    let steps = tested["steps"].as_array().expect("a list");
    let said = |asked: &str| {
        let step = steps.iter().find(|step| step["asked"] == asked);
        step.unwrap_or_else(|| panic!("no {asked} in {steps:?}"))["said"].as_str().expect("text").to_owned()
    };
    assert!(said("diagnosis").contains("SoftHSM"), "{steps:?}");
    for known in ["AES-CMAC", "triple DES in CBC", "key wrap of RFC 3394", "random bytes"] {
        assert_eq!(said(known), "comes out");
    }
    // A software module knows its answers too, and its test tells them.
    let ceremony = bank.types("mori", "ceremony start link/core zmk --reason no").ends(6);
    assert!(ceremony.err.contains("CER2014-E") && ceremony.err.contains("key adopt"), "{ceremony:?}");
    let pin = bank.types("mori", "key generate link/core zpk --reason no").ends(6);
    assert!(pin.err.contains("cannot translate PINs without showing them: use a payment module"), "{pin:?}");
    let missing = bank.types("mori", "key adopt link/core zmk --label nobody --reason no");
    assert_ne!(missing.code, 0, "{missing:?}");
    assert!(missing.err.contains("KEY2013-E"), "{missing:?}");
}

#[test]
fn a_token_with_other_master_keys_is_refused_by_the_switch_and_by_every_command() {
    let Some(mut bank) = Bank::new(|soft| soft.module.clone()) else { return };
    let hosts = bank.exchanged("link/core", Cipher::Aes);
    // Somebody makes the token anew and draws master keys in it: the same label, the same PIN.
    let words = ["--init-token", "--token", "bank", "--label", "bank", "--so-pin", "31415926", "--pin", PIN];
    let before = bank.setup.tables_more.clone();
    let module = bank.soft.module.clone();
    bank.soft.util(&words);
    bank.name_token_again(&module);
    assert_ne!(before, bank.setup.tables_more, "they have another check value");
    bank.setup.tables_more = before;
    let _host =
        PlayedHost::answering_at(bank.host_slot, speech("aes-cmac", &hosts), speech("aes-cmac", &hosts));
    let daemon = bank.start();
    wait_for_state(&daemon, "token", "other_master_key");
    let listed = bank.types("mori", "hsm ls").ends(1);
    assert!(listed.out.contains("it is not used"), "{listed:?}");
    let refused = bank.types("mori", "key generate link/core zak --cipher aes --reason no").ends(73);
    assert!(refused.err.contains("it shows another master key"), "{refused:?}");
    let adopted = bank.types("mori", "key adopt link/core zmk --label zmk --reason no").ends(73);
    assert!(adopted.err.contains("shows another master key"), "{adopted:?}");
}

impl Bank {
    /// Master keys of a token that was made anew.
    fn name_token_again(&mut self, module: &std::path::Path) {
        let keys = std::mem::replace(&mut self.setup.data, self.soft.directory.join("elsewhere"));
        self.name_token(module);
        self.setup.data = keys;
    }
}

#[test]
fn a_library_that_hangs_holds_up_nobody_longer_than_a_command_may_take() {
    let Some(bank) = Bank::new(Soft::ill) else { return };
    let hosts = bank.exchanged("link/core", Cipher::Aes);
    let acquirers = bank.exchanged("listener/acquirer", Cipher::Tdes);
    let (terminals, hosts) = (speech("tdes-cbc", &acquirers), speech("aes-cmac", &hosts));
    let _host = PlayedHost::answering_at(bank.host_slot, hosts.clone(), hosts);
    let mut daemon = bank.start();
    wait_for_state(&daemon, "token", "well");
    let mut terminal = PlayedTerminal::at(&daemon, terminals);
    assert_eq!(terminal.withdraws(), APPROVED);
    bank.soft.fall_ill("hangs");
    wait_for("it to be dropped", || (state_of(&daemon, "token") == "dropped").then_some(()));
    let txn = terminal.withdrawal();
    let body = terminal.written(&txn);
    terminal.send(&body);
    assert_eq!(terminal.hears_anything().0.code, Some(as_told(Code::Malfunction)));
    let began = std::time::Instant::now();
    let refused = bank.types("mori", "key generate link/core zak --cipher aes --reason daily").ends(73);
    assert!(began.elapsed().as_secs() < 10, "{refused:?}");
    bank.soft.fall_ill("");
    wait_for_state(&daemon, "token", "well");
    assert_eq!(terminal.asks(&txn).code, Some(Code::Approved));
    // Nor does it keep the switch from ending in order.
    bank.soft.fall_ill("hangs");
    wait_for("it to be missed", || (state_of(&daemon, "token") != "well").then_some(()));
    drop(terminal);
    stories::send_signal(daemon.id(), "TERM");
    assert_eq!(daemon.wait().code(), Some(0), "drained, with the clean mark");
}

#[test]
fn a_configuration_that_lets_a_token_move_pins_or_does_not_name_it_whole_is_refused() {
    let token = "[[hsm]]\nname = \"token\"\nkind = \"pkcs11\"\nmodule = \"/usr/lib/x.so\"\ntoken = \"bank\"\n\
                 pin_file = \"bank.pin\"\nlmk_check = \"0011223344556677\"\n";
    let host = stories::Host::approving();
    let without =
        |line: &str| token.lines().filter(|one| !one.starts_with(line)).collect::<Vec<_>>().join("\n");
    let with = |more: &str| format!("{token}{more}\n");
    let pins = "security = { keys = \"listener\", mac = \"aes-cmac\", pin_format = 0 }\n";
    #[rustfmt::skip]
    let cases = [
        (token.into(),                               pins, "this token cannot translate PINs without showing them: use a payment module"),
        (without("module"),                          "",   "module is missing"),
        (token.replace("/usr/lib/x.so", "x.so"),     "",   "from / on"),
        (without("token"),                           "",   "token is missing"),
        (without("pin_file"),                        "",   "pin_file is missing"),
        (without("lmk_check"),                       "",   "as `sekisho hsm master` shows it"),
        (token.replace("0011223344556677", "0011"),  "",   "lmk_check has 16 hex digits"),
        (with("address = \"127.0.0.1:1500\""),       "",   "a token has no address"),
        (with("key_label = \"a b\""),                "",   "key_label is 1 to 32"),
        (without("kind"),                            "",   "are for kind = \"pkcs11\""),
        (format!("{token}{}", token.replace("\"token\"", "\"other\"").replace("7\"", "8\"")), "", "different master keys"),
    ];
    for (tables, listeners, wanted) in cases {
        let mut setup = Setup::with_host(&host);
        (setup.tables_more, setup.listeners_more) = (tables, listeners.into());
        setup.write();
        let said = typed::sekisho(&["config", "check", &setup.config_path().display().to_string()]);
        assert_ne!(said.code, 0, "{wanted}");
        assert!(said.err.contains(wanted) || said.out.contains(wanted), "{wanted}: {said:?}");
    }
}
