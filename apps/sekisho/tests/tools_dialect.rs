//! `sekisho dialect`, typed.

mod typed;

use serde_json::Value;
use typed::{file, place, sekisho};

const NAMES: [&str; 8] = [
    "iso87-ascii",
    "iso87-binary",
    "iso87-ebcdic",
    "iso93-ascii",
    "iso93-binary",
    "pos-tpdu",
    "atm-access",
    "card-center",
];

#[test]
fn every_shipped_dialect_is_listed_with_what_tells_it_from_the_others() {
    let said = sekisho(&["dialect", "ls"]).ends(0).fits();
    let json = sekisho(&["dialect", "ls", "--json"]).ends(0).json();
    assert_eq!(json["object"], "list");
    let rows = json["data"].as_array().expect("a list");
    assert_eq!(rows.len(), NAMES.len());
    for (name, row) in NAMES.iter().zip(rows) {
        assert_eq!(row["name"], *name);
        assert!(said.out.contains(name));
        for key in ["edition", "numbers", "bitmap", "framing", "summary"] {
            assert!(row[key].as_str().is_some_and(|text| !text.is_empty()), "{name}: {key}");
        }
        assert!(row["fields"].as_u64() > Some(30));
    }
}

#[test]
fn a_dialect_is_shown_whole_and_within_the_screen() {
    for name in NAMES {
        let said = sekisho(&["dialect", "show", name]).ends(0).fits();
        for part in ["ELEMENTS", "MESSAGES", "RESPONSE CODES", "KINDS", "matching", "mac"] {
            assert!(said.out.contains(part), "{name}: {part}");
        }
        let json = sekisho(&["dialect", "show", name, "--json"]).ends(0).json();
        assert_eq!(json["name"], name);
        for key in ["fields", "messages", "codes", "kinds", "network", "coding", "matching"] {
            assert!(json[key].as_array().is_some_and(|list| !list.is_empty()), "{name}: {key}");
        }
    }
    let json = sekisho(&["dialect", "show", "iso87-ascii", "--json"]).ends(0).json();
    let find = |list: &str, key: &str, value: &str| {
        let rows = json[list].as_array().expect("a list").clone();
        rows.into_iter().find(|row| row[key] == *value).unwrap_or(Value::Null)
    };
    assert_eq!(find("codes", "text", "51")["code"], "insufficient_funds");
    assert_eq!(find("codes", "text", "00")["outcome"], "approved");
    assert_eq!(find("messages", "mti", "0210")["mandatory"], serde_json::json!([11, 39]));
    assert_eq!(find("fields", "known_as", "stan")["de"], 11);
}

#[test]
fn the_file_of_a_shipped_dialect_is_printed_as_it_is_and_is_good() {
    let place = place("shown");
    for name in NAMES {
        let toml = sekisho(&["dialect", "show", name, "--toml"]).ends(0).out;
        let path = file(&place, &format!("{name}.toml"), &toml);
        let said = sekisho(&["dialect", "check", &path]).ends(0);
        assert!(said.out.contains(": good"), "{said:?}");
        sekisho(&["dialect", "show", &path]).ends(0);
    }
}

#[test]
fn what_is_wrong_in_a_file_is_said_with_its_line_and_the_nearest_name() {
    let place = place("wrong");
    let good = file(&place, "good.toml", "name = \"mine\"\nlike = \"iso87-ascii\"\n");
    let bad = file(&place, "bad.toml", "name = \"mine\"\nlike = \"iso87-asci\"\n");
    let worse = file(&place, "worse.toml", "name = \"mine\"\nlike = \"iso87-ascii\"\nframng = \"bin2\"\n");
    assert!(sekisho(&["dialect", "check", &good]).ends(0).out.ends_with("good.toml: good\n"));
    let said = sekisho(&["dialect", "check", &good, &bad, &worse]).ends(1);
    assert!(said.out.contains("bad.toml:2: error:") && said.out.contains("`iso87-ascii`"), "{said:?}");
    assert!(said.out.contains("worse.toml:3: error:") && said.out.contains("`framing`"), "{said:?}");
    sekisho(&["dialect", "check", "no-such.toml"]).ends(66);
    let said = sekisho(&["tool", "decode", "--dialect", &bad, "0800"]).ends(78);
    assert!(said.err.contains("bad.toml:2: error:"), "{said:?}");
    sekisho(&["dialect", "show", "no-such"]).ends(66);
}

const PACKAGER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<isopackager>
  <isofield id="0" length="4" name="type" class="org.jpos.iso.IFA_NUMERIC"/>
  <isofield id="1" length="16" name="bitmap" class="org.jpos.iso.IFA_BITMAP"/>
  <isofield id="2" length="19" name="card" class="org.jpos.iso.IFA_LLNUM"/>
  <isofield id="3" length="6" name="code" class="org.jpos.iso.IFA_NUMERIC"/>
  <isofield id="4" length="12" name="amount" class="org.jpos.iso.IFA_NUMERIC"/>
  <isofield id="7" length="10" name="sent" class="org.jpos.iso.IFA_NUMERIC"/>
  <isofield id="11" length="6" name="trace" class="org.jpos.iso.IFA_NUMERIC"/>
  <isofield id="39" length="2" name="answer" class="org.jpos.iso.IF_CHAR"/>
  <isofield id="41" length="8" name="terminal" class="org.jpos.iso.IF_CHAR"/>
  <isofield id="60" length="99" name="odd" class="com.example.IFX_FOO"/>
  <isofield id="70" length="3" name="about" class="org.jpos.iso.IFA_NUMERIC"/>
</isopackager>"#;

#[test]
fn another_programs_description_becomes_a_dialect_that_can_be_used_at_once() {
    let place = place("import");
    let source = file(&place, "Their Packager.xml", PACKAGER);
    let out = place.join("ours.toml").display().to_string();
    let said = sekisho(&["dialect", "import", &source, "--name", "ours", "-o", &out]).ends(0);
    assert_eq!(said.out, "");
    assert!(said.err.contains("DE 60: class IFX_FOO"), "{said:?}");
    let json = sekisho(&["dialect", "show", &out, "--json"]).ends(0).json();
    assert_eq!(json["name"], "ours");
    let message = r#"{"mti":"0800","fields":{"7":"1122183121","11":"000001","70":"301"}}"#;
    let hex = sekisho(&["tool", "encode", "--dialect", &out, message]).ends(0).out;
    sekisho(&["tool", "decode", "--dialect", &out, hex.trim()]).ends(0);
    // Nothing that exists is overwritten, and strictness is a matter of the exit code alone.
    sekisho(&["dialect", "import", &source, "-o", &out]).ends(73);
    let said = sekisho(&["dialect", "import", &source, "--strict"]).ends(1);
    assert!(said.out.contains("name = \"theirpackager\""), "{said:?}");
}

#[test]
fn what_cannot_be_imported_is_said_without_a_dialect() {
    let place = place("no-import");
    for (name, contents, code) in [("a.xml", "<isopackager>", 65), ("b.json", "{", 65), ("c.txt", "DE 2", 65)]
    {
        let said = sekisho(&["dialect", "import", &file(&place, name, contents)]).ends(code);
        assert_eq!(said.out, "");
        assert!(said.err.contains(name), "{said:?}");
    }
    sekisho(&["dialect", "import", "no-such.xml"]).ends(66);
    let source = file(&place, "d.xml", PACKAGER);
    sekisho(&["dialect", "import", &source, "--name", "not good"]).ends(2);
}
