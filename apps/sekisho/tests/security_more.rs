//! What does not happen every day: a new PIN, an answer that cannot be given its code, set-ups that do not fit, and the
//! commands about security modules.

mod guarded;
mod typed;

use guarded::*;
use hsm::pin::{Fill, Format, compose, encipher, extract};
use hsm::{Pin, mac};
use sekisho::sim::keyring::key_named;
use stories::wait_for;
use terms::{Code, Kind, Noun, Outcome};
use typed::{file, place, sekisho};

/// The block of a PIN under a named key, for the card of that request.
fn block_of(pin: &[u8], key: &str, txn: &terms::Txn) -> Vec<u8> {
    let pin = Pin::new(pin).expect("a PIN");
    let clear = compose(Format::Iso0, &pin, &txn.pan, &mut Fill::Given(&[])).expect("a block");
    encipher(Format::Iso0, &clear, &txn.pan, &key_named(key)).expect("it fits").as_bytes().to_vec()
}

#[test]
fn a_pin_change_moves_both_blocks_and_what_stands_before_the_new_one_travels_with_it() {
    let terminals = partner("atm-access", "a terminal's TAK", "its TPK");
    let hosts = partner("atm-access", "the host's ZAK", "the host's ZPK");
    let host = PlayedHost::answering(hosts.clone(), hosts.clone());
    let mut setup = setup(&host, &With::Software);
    setup.links[0].dialect = "atm-access";
    let toml = setup.toml().replace("dialect = \"iso87-ascii\"", "dialect = \"atm-access\"");
    setup.write_text(&toml);
    let daemon = stories::Daemon::spawn(&setup.config_path(), &[]);
    daemon.wait_until_ready();
    daemon.wait_for_link("core", "up");
    let mut terminal = PlayedTerminal::at(&daemon, terminals);
    let mut txn = terminal.question(Kind::PinChange);
    let mut new = vec![0];
    new.extend(block_of(b"98765", "its TPK", &txn));
    txn.carried.push(Noun::NewPinBlock, &new);
    txn.carried.push(Noun::ForwarderId, b"040100");
    let answer = terminal.asks(&txn);
    assert_eq!(answer.code, Some(Code::Approved));
    let sent = host.heard().pop().expect("the host was asked");
    let moved = carried(&hosts, &sent, Noun::NewPinBlock).expect("a new PIN");
    assert_eq!((moved.len(), moved[0]), (9, 0));
    let key = key_named("the host's ZPK");
    let clear = hsm::pin::decipher(Format::Iso0, &moved[1..], &txn.pan, &key).expect("a block");
    assert_eq!(extract(Format::Iso0, &clear, &txn.pan).expect("a PIN").expose(), b"98765");
    wait_for("the figures", || (security(&daemon, "pins_moved") == 2).then_some(()));
}

/// What DE 53 says of a PIN block is each partner's own: of another kind than agreed it is refused, and the host is told
/// in its words.
#[test]
fn what_a_message_says_of_its_pin_block_is_compared_and_said_anew_to_the_host() {
    let host = PlayedHost::honest();
    let mut setup = setup(&host, &With::Software);
    for (name, with_pan) in [("atms", "2000000000000000"), ("bank", "2600000000000000")] {
        let text = format!(
            "name = \"{name}\"\nsummary = \"a test\"\nlike = \"iso87-ascii\"\n[pin_info]\nwith_pan = \"{with_pan}\"\n"
        );
        std::fs::write(setup.scratch.path().join(format!("{name}.toml")), text).expect("room");
    }
    setup.links[0].dialect = "bank";
    setup.tables_more += "[dialect]\natms = \"atms.toml\"\nbank = \"bank.toml\"\n";
    setup.write_text(&setup.toml().replace("dialect = \"iso87-ascii\"", "dialect = \"atms\""));
    let daemon = stories::Daemon::spawn(&setup.config_path(), &[]);
    daemon.wait_until_ready();
    daemon.wait_for_link("core", "up");
    let mut terminal = PlayedTerminal::at(&daemon, terminals_side());
    let mut asks = |says: Option<[u8; 8]>| {
        let mut txn = terminal.withdrawal();
        says.iter().for_each(|says| txn.carried.push(Noun::SecurityInfo, says));
        terminal.asks(&txn).code
    };
    for says in [None, Some([0x20, 0, 0, 0, 0, 0, 0, 0])] {
        assert_eq!(asks(says), Some(Code::Approved), "{says:?}: {}", daemon.stderr());
        let sent = host.heard().pop().expect("the host was asked");
        let said = carried(&hosts_side(), &sent, Noun::SecurityInfo);
        assert_eq!(said.as_deref(), Some(&[0x26, 0, 0, 0, 0, 0, 0, 0][..]), "{says:?}");
    }
    let heard = host.heard().len();
    for wrong in [[0x10, 0, 0, 0, 0, 0, 0, 0], [0x26, 0, 0, 0, 0, 0, 0, 0]] {
        assert_eq!(asks(Some(wrong)), Some(Code::WrongPinBlock), "{}", daemon.stderr());
    }
    assert_eq!(host.heard().len(), heard, "nothing of it reached the host");
}

#[test]
fn a_yes_that_cannot_be_given_its_code_is_not_said_and_is_undone() {
    let host = PlayedHost::new({
        let side = hosts_side();
        move |body| {
            let request = side.read(body, today()).ok().filter(|request| request.message.asks())?;
            // Long enough for the modules to be gone before the answer comes.
            if !is_reversal(body) {
                std::thread::sleep(std::time::Duration::from_millis(700));
            }
            let mut out = Vec::new();
            let answer = terms::Answer::ours(Code::Approved, Outcome::Approved);
            side.write_answer(&request, &answer, &mut out).expect("it can be said");
            Some(out)
        }
    });
    // The host's codes are not looked at here, so that its yes comes in while no module is there.
    let address = stories::free_address();
    let mut module = Module::simulated_at(address, &[]);
    let mut setup = setup(&host, &With::Devices(&[&module]));
    setup.links[0].more = setup.links[0].more.replace("security = { mac = \"x919\", pin_format = 0 }\n", "");
    setup.listeners_more = setup.listeners_more.replace(", pin_format = 0", "");
    let daemon = setup.start();
    wait_for_state(&daemon, "hsm-1", "well");
    let side = partner("iso87-ascii", "a terminal's TAK", "its TPK");
    let mut terminal = PlayedTerminal::at(&daemon, side);
    let txn = terminal.withdrawal();
    let body = terminal.written(&txn);
    terminal.send(&body);
    wait_for("the host to be asked", || (!host.heard().is_empty()).then_some(()));
    module.die();
    wait_for("it to be taken back", || host.types().contains(&"0420".to_owned()).then_some(()));
    wait_for("the figures", || (security(&daemon, "not_sealed") > 0).then_some(()));
}

#[test]
fn a_pin_that_one_side_moves_and_the_other_does_not_is_withheld() {
    let host = PlayedHost::honest();
    let mut setup = setup(&host, &With::Software);
    setup.links[0].more = setup.links[0].more.replace(", pin_format = 0", "");
    let daemon = setup.start();
    let mut terminal = PlayedTerminal::at(&daemon, terminals_side());
    assert_eq!(terminal.withdraws().1, Outcome::Refused);
    daemon.wait_to_say("pin_format is missing on the other");
    assert!(host.heard().is_empty());
}

#[test]
fn a_configuration_that_brings_the_first_pin_format_moves_pins_from_then_on() {
    let host = PlayedHost::honest();
    let mut setup = setup(&host, &With::Software);
    let guarded = std::mem::replace(&mut setup.links[0].more, "framing = \"ascii4\"\n".into());
    let doors = std::mem::replace(&mut setup.listeners_more, "framing = \"ascii4\"\n".into());
    setup.links[0].name = "spare";
    let daemon = setup.start();
    let listen = stories::free_address();
    let more = format!(
        "[[link]]\nname = \"core\"\ndial = \"{}\"\ndialect = \"iso87-ascii\"\nreply_timeout_ms = 1500\n{guarded}\n\
         [[listener]]\nname = \"branch\"\nkind = \"access\"\nlisten = \"{listen}\"\ndialect = \"iso87-ascii\"\n\
         consistency = \"reversal\"\ndefault_link = \"core\"\n{doors}\n",
        host.address
    );
    setup.write_text(&format!("{}\n{more}", setup.toml()));
    daemon.signal("HUP");
    daemon.wait_to_say(r#""link":"core","state":"connected""#);
    let mut terminal = PlayedTerminal::on(listen, terminals_side());
    assert_eq!(terminal.withdraws().1, Outcome::Approved);
    wait_for("the figures", || (security(&daemon, "pins_moved") == 1).then_some(()));
}

#[test]
fn set_ups_that_do_not_fit_are_refused_in_words() {
    let folder = place("guards");
    let good = "[journal]\ndir = \"data\"\n[security]\nallow_test_lmk = true\n\
        [[hsm]]\nname = \"soft\"\nsoftware = \"public-test\"\n\
        [[listener]]\nname = \"atm\"\nkind = \"access\"\nlisten = \"127.0.0.1:0\"\ndialect = \"iso87-ascii\"\n\
        default_link = \"core\"\nsecurity = { keys = \"terminal\", mac = \"x919\", pin_format = 0 }\n\
        [[link]]\nname = \"core\"\ndial = \"127.0.0.1:9\"\ndialect = \"iso87-ascii\"\nreply_timeout_ms = 1000\n\
        security = { mac = \"x919\", pin_format = 0 }\n";
    let device =
        "[[hsm]]\nname = \"one\"\naddress = \"127.0.0.1:1500\"\nlmk = \"02\"\nlmk_check = \"112233\"\n";
    let soft = "[[hsm]]\nname = \"soft\"\nsoftware = \"public-test\"\n";
    let check = |toml: &str| {
        let path = file(&folder, "sekisho.toml", toml);
        sekisho(&["config", "check", &path])
    };
    check(good).ends(0);
    #[rustfmt::skip]
    let table: [(String, &str); 14] = [
        (good.replace("allow_test_lmk = true", ""),                   "its master key is public"),
        (good.replace(soft, ""),                                      "there is no [[hsm]]"),
        (good.replace(soft, &(soft.to_owned() + device)),             "the software module stands alone"),
        (good.replace(soft, &device.replace("lmk = \"02\"\n", "")),   "lmk is \"variants\""),
        (good.replace(soft, &device.replace("lmk_check = \"112233\"\n", "")), "lmk_check is missing"),
        (good.replace(soft, &device.replace("112233", "11223G")),     "6 to 16 hex digits"),
        (good.replace(soft, &(device.to_owned() + &device.replace("one", "two").replace("112233", "112234"))), "different master keys"),
        (good.replace("software = \"public-test\"", "software = \"public-test\"\noperations = [\"make_mack\"]"), "did you mean `make_mac`"),
        (good.replacen("keys = \"terminal\", ", "", 1),               "whose keys these are"),
        (good.replacen("mac = \"x919\"", "mac = \"x91\"", 1),         "is no algorithm"),
        (good.replacen("mac = \"x919\"", "mac = \"dialect\"", 1),     "names no algorithm"),
        (good.replacen("mac = \"x919\"", "mac = \"x919\", mac_padding = 2", 1), "filled with zeros and no other way"),
        (good.replacen("mac = \"x919\"", "mac = \"unionpay-cbc\"", 1), "must name the elements"),
        (good.replacen("pin_format = 0", "pin_format = 2", 1),        "pin_format is 0, 1, 3 or 4"),
    ];
    for (toml, wanted) in table {
        let said = check(&toml).ends(78);
        assert!(said.err.contains(wanted) || said.out.contains(wanted), "{wanted}: {said:?}");
    }
}

#[test]
fn people_see_modules_and_test_them() {
    let host = PlayedHost::honest();
    let mut modules = [Module::simulated(&[]), Module::simulated(&[])];
    let setup = setup(&host, &With::Devices(&[&modules[0], &modules[1]]));
    let daemon = setup.start();
    ["hsm-1", "hsm-2"].iter().for_each(|name| wait_for_state(&daemon, name, "well"));
    let config = setup.config_path().display().to_string();
    let typed = |words: &[&str]| sekisho(&[words, &["--config", &config]].concat());
    let listed = typed(&["hsm", "ls", "--ascii"]).ends(0);
    assert!(listed.out.contains("[+] well") && listed.out.contains("2/2"), "{}", listed.out);
    assert!(listed.out.contains("public test key"), "{}", listed.out);
    let tested = typed(&["hsm", "test", "hsm-1"]).ends(0);
    assert!(tested.out.contains("the same came back") && tested.out.contains("DB3FB663EE"), "{}", tested.out);
    assert_eq!(typed(&["hsm", "test", "hsm-2", "--json"]).ends(0).json()["ok"], true);
    let said = typed(&["hsm", "test", "nobody"]).ends(5);
    assert!(said.err.contains("HSM3001-E") && said.err.contains("sekisho hsm ls"), "{}", said.err);
    assert!(typed(&["check", "hsm"]).ends(0).out.contains("2 well"));
    modules[1].die();
    wait_for_state(&daemon, "hsm-2", "away");
    let asked = typed(&["check", "hsm"]).ends(1);
    assert!(asked.out.contains("hsm-2 is away"), "{}", asked.out);
    let status = typed(&["hsm", "status", "--json"]).ends(1).json();
    assert_eq!((&status["data"][1]["state"], &status["security"]["withheld"]), (&"away".into(), &0.into()));
    typed(&["hsm", "test", "hsm-2"]).ends(1);
    let (_, metrics) = daemon.get("/metrics");
    assert!(metrics.contains("sekisho_hsm_well{hsm=\"hsm-1\"} 1"), "{metrics}");
    drop(daemon);
    sekisho(&["hsm", "ls", "--config", &config]).ends(3);
}

#[test]
fn the_software_module_says_what_it_is_at_the_start_and_in_every_status() {
    let host = PlayedHost::honest();
    let setup = setup(&host, &With::Software);
    let daemon = setup.start();
    daemon.wait_to_say("not a PCI HSM and not for live PINs");
    let config = setup.config_path().display().to_string();
    let said = sekisho(&["hsm", "status", "--config", &config]).ends(0);
    assert!(said.out.contains("not a PCI HSM and not for live PINs"), "{}", said.out);
    assert!(sekisho(&["hsm", "test", "soft", "--config", &config]).ends(0).out.contains("yes"));
}

#[test]
fn the_software_module_takes_the_master_key_people_entered_and_no_other() {
    let host = PlayedHost::honest();
    let mut setup = setup(&host, &With::Software);
    setup.tables_more = "[[hsm]]\nname = \"soft\"\nsoftware = \"store\"\n".into();
    setup.write();
    let config = setup.config_path().display().to_string();
    let no_master = stories::Daemon::spawn(&setup.config_path(), &[]).end();
    assert!(no_master.1.contains("no master key"), "{no_master:?}");
    // Keys of another master key are there already: a master key that does not fit them is refused.
    let one = "00112233445566778899AABBCCDDEEFF0123456789ABCDEFFEDCBA9876543210";
    let two = "8F1E2D3C4B5A69788796A5B4C3D2E1F0112233445566778899AABBCCDDEEFF00";
    let ceremony = || {
        let keys = setup.data.join("keys").display().to_string();
        let typed = |who: &str, words: &[&str], input: &str| {
            typed::sekisho_as(who, &[words, &["--keys", &keys]].concat(), input.as_bytes()).ends(0);
        };
        typed("mori", &["ceremony", "start", "lmk", "--reason", "first"], "");
        typed("mori", &["ceremony", "component"], one);
        typed("sato", &["ceremony", "component"], two);
        typed("sato", &["ceremony", "commit", "--reason", "first"], "");
    };
    ceremony();
    let other_master = stories::Daemon::spawn(&setup.config_path(), &[]).end();
    assert_ne!(other_master.0, Some(0), "{other_master:?}");
    std::fs::remove_dir_all(setup.data.join("keys")).expect("the store is there");
    ceremony();
    let daemon = setup.start();
    let said = sekisho(&["hsm", "test", "soft", "--config", &config]).ends(0);
    assert!(said.out.contains("software"), "{}", said.out);
    drop(daemon);
}

#[test]
fn every_dialect_carries_codes_by_every_way_there_is_for_triple_des() {
    for (dialect, algorithm) in [
        ("iso87-binary", "tdes-cbc"),
        ("iso87-ebcdic", "iso9797-3"),
        ("iso93-ascii", "iso9797-1"),
        ("iso93-binary", "x919"),
        ("pos-tpdu", "unionpay-ecb"),
    ] {
        let terminals = partner_by(dialect, algorithm, "a terminal's TAK", "its TPK");
        let hosts = partner_by(dialect, algorithm, "the host's ZAK", "the host's ZPK");
        let host = PlayedHost::answering(hosts.clone(), hosts);
        let setup = setup(&host, &With::Software);
        let toml = setup.toml().replace("dialect = \"iso87-ascii\"", &format!("dialect = \"{dialect}\""));
        setup.write_text(&toml.replace("mac = \"x919\"", &format!("mac = \"{algorithm}\"")));
        let daemon = stories::Daemon::spawn(&setup.config_path(), &[]);
        daemon.wait_until_ready();
        daemon.wait_for_link("core", "up");
        let mut terminal = PlayedTerminal::at(&daemon, terminals);
        let txn = terminal.question(Kind::Purchase);
        assert_eq!(terminal.asks(&txn).code, Some(Code::Approved), "{dialect} {algorithm}");
        let mut forged = terminal.question(Kind::Purchase);
        let body = terminal.written(&forged);
        forged.amount = terms::Amount::minor(90_000);
        let mut spliced = terminal.written(&forged);
        spliced.truncate(body.len());
        let tail = if dialect == "iso87-binary" || dialect == "iso93-binary" || dialect == "pos-tpdu" {
            8
        } else {
            16
        };
        let at = spliced.len() - tail;
        spliced[at..].copy_from_slice(&body[body.len() - tail..]);
        terminal.send(&spliced);
        let answer = terminal.hears();
        assert_eq!(answer.outcome, Some(Outcome::Refused), "{dialect} {algorithm}");
        assert_eq!(host.heard().len(), 1, "{dialect} {algorithm}");
    }
}

#[test]
fn codes_of_played_partners_are_those_anybody_computes() {
    let mut terminal_request = terms::Txn::new(sekisho::sim::question::REQUEST);
    terminal_request.pan = terms::Pan::new(b"4111111111111111").expect("digits");
    let key = key_named("a terminal's TAK");
    let side = terminals_side();
    let place = sekisho::sim::question::Place::numbered("ATM", 1);
    let mut txn = sekisho::sim::question::question(
        Kind::Withdrawal,
        &terminal_request.pan,
        terms::Amount::minor(100),
        &place,
    );
    let at = local_time();
    sekisho::sim::question::stamp(&mut txn, terms::Stan(1), terms::Text::clipped(b"000000000001"), at);
    let mut body = Vec::new();
    let stamped = sekisho::sim::question::as_stamped(&txn, false);
    side.write_request(&txn, &stamped, &mut body).expect("it can be said");
    let covered = side.dialect.covered(&body).expect("a message");
    let code = covered.code.clone().expect("a code");
    let data = covered.data.expose();
    assert_eq!(data, &body[..body.len() - 16], "all but the code");
    let right = mac::verify(mac::Algorithm::X919, mac::Padding::Zeros, &key, data, &code);
    assert_eq!(right, Ok(true));
}
