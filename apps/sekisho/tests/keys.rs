//! `sekisho key`, `ceremony` and `audit`, typed by two people.

mod typed;

use std::path::Path;
use typed::{Said, place, sekisho_as};

/// What somebody types.
fn types(who: &str, keys: &Path, line: &str, input: &str) -> Said {
    let keys = keys.display().to_string();
    let words: Vec<&str> = line.split_whitespace().chain(["--keys", &keys]).collect();
    sekisho_as(who, &words, input.as_bytes())
}

const ONE: &str = "00112233445566778899AABBCCDDEEFF0123456789ABCDEFFEDCBA9876543210";
const TWO: &str = "8F1E2D3C4B5A69788796A5B4C3D2E1F0112233445566778899AABBCCDDEEFF00";
const HALF_ONE: &str = "0123456789ABCDEFFEDCBA9876543210";
const HALF_TWO: &str = "89ABCDEF012345677654321089ABCDEF";

/// A master key of two people's components.
fn with_master(keys: &Path) {
    types("mori", keys, "ceremony start lmk --reason first", "").ends(0);
    types("mori", keys, "ceremony component", ONE).ends(0);
    types("sato", keys, "ceremony component", TWO).ends(0);
    types("sato", keys, "ceremony commit --reason first", "").ends(0);
}

/// A transport key of two people's components, in force.
fn with_zmk(keys: &Path) {
    types("mori", keys, "ceremony start link/cn zmk --reason new", "").ends(0);
    types("mori", keys, "ceremony component", HALF_ONE).ends(0);
    types("sato", keys, "ceremony component", HALF_TWO).ends(0);
    let made = types("mori", keys, "ceremony commit --reason new", "").ends(0);
    let check = made.out.trim().rsplit(' ').next().expect("words").to_owned();
    types("mori", keys, &format!("key activate link/cn zmk --check {check} --reason read-aloud"), "").ends(0);
}

/// The newest generation's check value.
fn check_of(keys: &Path, owner: &str, role: &str) -> String {
    let shown = types("mori", keys, &format!("key show {owner} --json"), "").ends(0).json();
    let rows = shown["data"].as_array().expect("a list");
    let row = rows.iter().rev().find(|row| row["key"] == role).expect("it is there");
    row["check_value"].as_str().expect("text").to_owned()
}

/// Nothing that was typed as a secret stands anywhere: not in what was said, not in a file.
fn assert_nowhere(keys: &Path, said: &[&Said]) {
    for secret in [ONE, TWO, HALF_ONE, HALF_TWO] {
        let bytes: Vec<u8> = (0..secret.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&secret[at..at + 2], 16).expect("hex"))
            .collect();
        for said in said {
            let text = format!("{}{}", said.out, said.err).to_uppercase();
            assert!(!text.contains(secret), "a component was printed");
        }
        for file in std::fs::read_dir(keys).expect("a directory") {
            let path = file.expect("readable").path();
            let contents = std::fs::read(&path).expect("readable");
            let is_there = |window: &[u8]| contents.windows(window.len()).any(|found| found == window);
            let upper = contents.to_ascii_uppercase();
            let in_text = upper.windows(secret.len()).any(|found| found == secret.as_bytes());
            assert!(!is_there(&bytes) && !in_text, "a component lies in {}", path.display());
        }
    }
}

#[test]
fn without_a_master_key_nothing_begins_and_the_way_to_one_is_said() {
    let keys = place("keys-none");
    let said = types("mori", &keys, "key ls", "").ends(78);
    assert!(said.err.contains("KEY1001-E") && said.err.contains("sekisho ceremony start lmk"), "{said:?}");
}

#[test]
fn two_people_make_a_master_key_and_neither_sees_the_others_component() {
    let keys = place("keys-lmk");
    types("mori", &keys, "ceremony start lmk --reason first", "").ends(0);
    let again = types("sato", &keys, "ceremony start lmk --reason second", "").ends(6);
    assert!(again.err.contains("CER2002-E"), "{again:?}");
    let early = types("mori", &keys, "ceremony commit --reason first", "").ends(6);
    assert!(early.err.contains("CER2005-E  0 of 2"), "{early:?}");
    for (wrong, exit) in
        [("", 65), ("0011", 65), ("zz", 65), (HALF_ONE, 65), (&"00".repeat(32), 6), (&"11".repeat(200), 65)]
    {
        types("mori", &keys, "ceremony component", wrong).ends(exit);
    }
    let first = types("mori", &keys, "ceremony component", ONE).ends(0);
    assert!(first.out.contains("component 1 of 2 entered by mori, check value "), "{first:?}");
    let alone = types("mori", &keys, "ceremony component", TWO).ends(6);
    assert!(alone.err.contains("CER2003-E"), "one person is no ceremony: {alone:?}");
    let copied = types("sato", &keys, "ceremony component", ONE).ends(6);
    assert!(copied.err.contains("CER2007-E"), "the same component twice is nothing: {copied:?}");
    let status = types("sato", &keys, "ceremony status", "").ends(0);
    let shown = first.out.trim().rsplit(' ').next().expect("words");
    assert!(!status.out.contains(shown), "another's check value is shown to nobody: {status:?}");
    let second = types("sato", &keys, "ceremony component", TWO).ends(0);
    assert_nowhere(&keys, &[&first, &alone, &copied, &status, &second]);
    types("ueda", &keys, "ceremony component", &"11".repeat(32)).ends(6);
    let made = types("sato", &keys, "ceremony commit --reason first", "").ends(0);
    assert!(made.out.starts_with("lmk made of 2 components, check value "), "{made:?}");
    assert!(!keys.join("ceremony.json").exists() && !keys.join("ceremony.key").exists());
    types("mori", &keys, "ceremony start lmk --reason again", "").ends(6);
    types("mori", &keys, "ceremony draw --reason again", "").ends(2);
    types("mori", &keys, "ceremony draw --for-tests --reason again", "").ends(6);
    let audit = types("mori", &keys, "audit export", "").ends(0);
    assert!(!audit.out.contains(shown), "nor does the audit tell a component's check value: {audit:?}");
    assert_nowhere(&keys, &[&made]);
}

#[test]
fn a_ceremony_that_is_aborted_leaves_nothing() {
    let keys = place("keys-abort");
    types("mori", &keys, "ceremony start lmk --components 3 --reason first", "").ends(0);
    types("mori", &keys, "ceremony component", ONE).ends(0);
    types("sato", &keys, "ceremony abort --reason wrong-papers", "").ends(0);
    assert!(types("mori", &keys, "ceremony status", "").ends(5).err.contains("CER2001-E"));
    assert_nowhere(&keys, &[]);
    types("mori", &keys, "ceremony start lmk --reason again", "").ends(0);
}

#[test]
fn a_key_is_drawn_given_to_its_peer_by_two_people_confirmed_and_used() {
    let keys = place("keys-draw");
    with_master(&keys);
    with_zmk(&keys);
    let made = types("mori", &keys, "key generate link/cn zpk --reason daily", "").ends(0);
    assert!(made.out.contains("generation 1 generated"), "{made:?}");
    let early = types("mori", &keys, "key activate link/cn zpk --reason hurry", "").ends(6);
    assert!(early.err.contains("KEY2002-E"), "not confirmed: {early:?}");
    let alone = types("mori", &keys, "key export link/cn zpk --form x --reason daily", "").ends(4);
    assert!(alone.err.contains("KEY2011-E"), "{alone:?}");
    types("mori", &keys, "key export link/cn zpk --form x --reason daily", "").ends(4);
    // Another form is another thing to agree on.
    types("sato", &keys, "key export link/cn zpk --form tr31 --reason daily", "").ends(4);
    let given = types("sato", &keys, "key export link/cn zpk --form x --reason daily", "").ends(0);
    assert!(given.out.trim().starts_with('X') && given.out.trim().len() == 33, "{given:?}");
    let check = check_of(&keys, "link/cn", "zpk");
    let wrong = types("mori", &keys, "key activate link/cn zpk --check AAAAAA --reason read", "").ends(6);
    assert!(wrong.err.contains("KEY2003-E"), "{wrong:?}");
    types("mori", &keys, &format!("key activate link/cn zpk --check {check} --reason read"), "").ends(0);
    // What was given out is the same key: taken under another purpose it is refused, as is the same again.
    for role in ["zpk", "zak"] {
        let line = format!("key import link/cn {role} --check {check} --reason replay");
        let replayed = types("mori", &keys, &line, &given.out).ends(6);
        assert!(replayed.err.contains("KEY2008-E"), "{role}: {replayed:?}");
    }
    let listed = types("mori", &keys, "key ls", "").ends(0);
    assert!(listed.out.contains("active") && listed.out.contains(&check), "{listed:?}");
    assert_nowhere(&keys, &[&made, &given, &listed]);
}

#[test]
fn a_key_that_comes_is_kept_only_with_the_check_value_its_sender_told() {
    let (ours, theirs) = (place("keys-ours"), place("keys-theirs"));
    for keys in [&ours, &theirs] {
        with_master(keys);
        with_zmk(keys);
    }
    types("mori", &theirs, "key generate link/cn zak --reason daily", "").ends(0);
    types("mori", &theirs, "key export link/cn zak --reason daily", "").ends(4);
    let block = types("sato", &theirs, "key export link/cn zak --reason daily", "").ends(0).out;
    let check = check_of(&theirs, "link/cn", "zak");
    let import = |role: &str, check: &str, input: &str| {
        types("mori", &ours, &format!("key import link/cn {role} --check {check} --reason daily"), input)
    };
    assert!(import("zak", "AAAAAA", &block).ends(6).err.contains("KEY2003-E"), "another check value");
    assert!(import("zpk", &check, &block).ends(6).err.contains("another use"), "another purpose");
    let mut bent = block.clone();
    bent.replace_range(40..41, if &block[40..41] == "0" { "1" } else { "0" });
    assert!(import("zak", &check, &bent).ends(65).err.contains("not authentic"), "one digit changed");
    import("zak", &check, &block[..block.len() / 2]).ends(65);
    assert!(import("zak", &check, "").ends(66).err.contains("KEY2012-E"), "nothing at all");
    import("zak", &check, &block).ends(0);
    types("mori", &ours, "key activate link/cn zak --reason daily", "").ends(0);
    assert_eq!(check_of(&ours, "link/cn", "zak"), check);
}

#[test]
fn going_back_takes_two_people_and_an_overlap_that_lasts() {
    let keys = place("keys-back");
    with_master(&keys);
    for generation in 1..=2 {
        types("mori", &keys, "key generate link/cn zak --reason daily", "").ends(0);
        let check = check_of(&keys, "link/cn", "zak");
        let line = format!("key activate link/cn zak --check {check} --reason read --overlap-ms 600000");
        let active = types("mori", &keys, &line, "").ends(0);
        assert!(active.out.contains(&format!("generation {generation} active")), "{active:?}");
    }
    types("mori", &keys, "key rollback link/cn zak --reason peer-lost-it", "").ends(4);
    types("mori", &keys, "key rollback link/cn zak --reason peer-lost-it", "").ends(4);
    types("sato", &keys, "key rollback link/cn zak --reason peer-lost-it", "").ends(0);
    let audit = types("sato", &keys, "audit ls --json", "").ends(0).json();
    let last = audit["data"].as_array().expect("a list").last().expect("entries").clone();
    assert_eq!(
        (last["act"].as_str(), last["by"].as_str(), last["second"].as_str()),
        (Some("rollback"), Some("sato"), Some("mori"))
    );
    // There is nothing further to go back to, and the first of two is told so at once.
    assert!(
        types("mori", &keys, "key rollback link/cn zak --reason again", "").ends(6).err.contains("KEY2007-E")
    );
    types("mori", &keys, "key suspend link/cn zak --reason odd", "").ends(0);
    types("mori", &keys, "key resume link/cn zak --reason fine", "").ends(4);
    types("sato", &keys, "key resume link/cn zak --reason fine", "").ends(0);
    // What the first agreed to is gone once another key would be meant.
    types("mori", &keys, "key suspend link/cn zak --reason odd", "").ends(0);
    types("mori", &keys, "key resume link/cn zak --reason fine", "").ends(4);
    types("mori", &keys, "key generate link/cn zak --reason next", "").ends(0);
    let check = check_of(&keys, "link/cn", "zak");
    types("mori", &keys, &format!("key activate link/cn zak --check {check} --reason next"), "").ends(0);
    types("mori", &keys, "key suspend link/cn zak --reason odd", "").ends(0);
    let other = types("sato", &keys, "key resume link/cn zak --reason fine", "").ends(4);
    assert!(other.err.contains("generation 3") && other.err.contains("sato is the first"), "{other:?}");
    types("mori", &keys, "key resume link/cn zak --reason fine", "").ends(0);
    let shown = types("mori", &keys, "key show link/cn --json", "").ends(0).json();
    let second = shown["data"].as_array().expect("a list").iter().find(|row| row["generation"] == 2);
    let check = second.expect("it is there")["check_value"].as_str().expect("text");
    let line = format!("key destroy link/cn zak --generation 2 --check {check} --reason over");
    types("mori", &keys, &line, "").ends(0);
    assert!(types("mori", &keys, &line, "").ends(6).err.contains("KEY2005-E"));
    let told = types("mori", &keys, "key compromise link/cn zak --reason seen", "").ends(0);
    assert!(
        told.out.contains("zak generation 3, check value") && told.out.contains("generation 1"),
        "{told:?}"
    );
    assert!(
        types("mori", &keys, "key activate link/cn zak --generation 1 --reason please", "")
            .ends(6)
            .err
            .contains("KEY2006-E")
    );
    types("mori", &keys, "key suspend link/nobody zak --reason odd", "").ends(5);
}

#[test]
fn an_audit_that_was_bent_is_found_and_one_noted_elsewhere_proves_its_end() {
    let keys = place("keys-audit");
    with_master(&keys);
    types("mori", &keys, "key generate link/cn zak --reason daily", "").ends(0);
    let whole = types("mori", &keys, "audit verify", "").ends(0);
    let noted = whole
        .out
        .lines()
        .find_map(|line| line.strip_prefix("note   "))
        .expect("it says what to note")
        .to_owned();
    types("mori", &keys, "key generate link/cn zpk --reason daily", "").ends(0);
    types("mori", &keys, &format!("audit verify --since {noted}"), "").ends(0);
    let exported = types("mori", &keys, "audit export", "").ends(0);
    let log = keys.join("audit.log");
    let text = std::fs::read_to_string(&log).expect("it is there");
    assert_eq!(exported.out, text);
    // Its end cut off.
    let lines: Vec<&str> = text.lines().collect();
    std::fs::write(&log, lines[..4].join("\n") + "\n").expect("room");
    assert!(
        types("mori", &keys, &format!("audit verify --since {noted}"), "").ends(1).err.contains("cut off")
    );
    // One word changed.
    std::fs::write(&log, text.replacen("\"daily\"", "\"weekly\"", 1)).expect("room");
    let found = types("mori", &keys, "audit verify", "").ends(1);
    assert!(found.err.contains("is not what was written"), "{found:?}");
    types("mori", &keys, "key ls", "").ends(78);
}

#[test]
fn no_key_is_ever_an_argument() {
    let keys = place("keys-arguments");
    for line in [
        format!("ceremony component {ONE}"),
        format!("key import link/cn zak {HALF_ONE} --check AAAAAA --reason x"),
        format!("ceremony component --hex {ONE}"),
    ] {
        types("mori", &keys, &line, "").ends(2);
    }
}

#[test]
fn no_key_is_made_for_a_link_the_configuration_does_not_have() {
    let place = place("nobody");
    let config = typed::file(
        &place,
        "sekisho.toml",
        format!(
            "[journal]\ndir = \"{}\"\n[[listener]]\nname = \"atm\"\nkind = \"atmc\"\nlisten = \"127.0.0.1:0\"\n\
             dialect = \"iso87-ascii\"\ndefault_link = \"nicos\"\n[[link]]\nname = \"nicos\"\ndial = \"127.0.0.1:1\"\n\
             dialect = \"iso87-ascii\"\nreply_timeout_ms = 1000\n",
            place.join("data").display()
        ),
    );
    let line = ["key", "generate", "link/nicso", "zpk", "--reason", "typed", "--config", &config];
    let refused = sekisho_as("mori", &line, b"").ends(5);
    assert!(refused.err.contains("KEY2001-E") && refused.err.contains("did you mean `nicos`"), "{refused:?}");
}

/// The power fails while a master key is made of components.
#[test]
fn a_master_key_is_never_there_without_its_entry_and_a_commit_that_was_cut_off_is_typed_again() {
    let keys = place("keys-cut-off");
    types("mori", &keys, "ceremony start lmk --reason first", "").ends(0);
    types("mori", &keys, "ceremony component", &"0123456789ABCDEF".repeat(4)).ends(0);
    types("sato", &keys, "ceremony component", &"89ABCDEF01234567".repeat(4)).ends(0);
    let copies: Vec<_> = ["ceremony.json", "ceremony.key"]
        .map(|name| (keys.join(name), std::fs::read(keys.join(name)).expect("it is under way")))
        .into();
    // Its entry cannot be written: then it is not made.
    let mode = |mode| {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(keys.join("audit.log"), mode).expect("ours");
    };
    mode(0o644);
    assert_ne!(types("mori", &keys, "ceremony commit --reason first", "").code, 0);
    assert!(!keys.join("lmk").exists(), "no key without its entry");
    mode(0o600);
    types("mori", &keys, "ceremony commit --reason first", "").ends(0);
    // It was cut off behind the key: the ceremony stands as it stood.
    for (path, bytes) in &copies {
        std::fs::write(path, bytes).expect("room");
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(path, private).expect("ours");
    }
    let before = std::fs::read(keys.join("lmk")).expect("it is there");
    types("mori", &keys, "ceremony commit --reason first", "").ends(0);
    assert_eq!(std::fs::read(keys.join("lmk")).expect("it is there"), before);
    assert!(copies.iter().all(|(path, _)| !path.exists()), "what was entered is erased");
    let audit = types("mori", &keys, "audit ls --json", "").ends(0).json();
    let entries = audit["data"].as_array().expect("a list");
    assert!(
        entries.iter().any(|entry| entry["act"] == "ceremony-commit" && entry["second"] == "mori and sato")
    );
    // Another key does not take its place.
    types("mori", &keys, "ceremony draw --for-tests --reason no", "").ends(6);
    types("mori", &keys, "audit verify", "").ends(0);
}

#[test]
fn a_secret_that_was_being_written_when_the_power_failed_is_wiped() {
    let keys = place("keys-unfinished");
    with_master(&keys);
    for name in ["lmk.tmp", "ceremony.tmp"] {
        std::fs::write(keys.join(name), [7; 32]).expect("room");
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(keys.join(name), private).expect("ours");
    }
    types("mori", &keys, "key generate link/cn zak --reason daily", "").ends(0);
    assert!(!keys.join("lmk.tmp").exists() && !keys.join("ceremony.tmp").exists());
}
