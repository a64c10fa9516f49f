//! Descriptions of other people's, as dialects of ours.

mod given;

use dialects::{ImportError, Imported, import_jpos, import_moov};
use given::{element, loaded, message, today};
use terms::{Code, Stan};

const PACKAGER: &str = r#"<?xml version="1.0"?>
<!DOCTYPE isopackager PUBLIC "-//someone//packager//EN" "http://nowhere.invalid/packager.dtd">
<isopackager>
  <isofield id="0" length="4" name="type" class="org.jpos.iso.IFB_NUMERIC" pad="true"/>
  <isofield id="1" length="16" name="map" class="org.jpos.iso.IFB_BITMAP"/>
  <isofield id="2" length="19" name="card" class="org.jpos.iso.IFB_LLNUM" pad="false"/>
  <isofield id="3" length="6" name="what" class="org.jpos.iso.IFB_NUMERIC" pad="true"/>
  <isofield id="4" length="12" name="how much" class="org.jpos.iso.IFB_NUMERIC" pad="true"/>
  <isofield id="7" length="10" name="when" class="org.jpos.iso.IFB_NUMERIC" pad="true"/>
  <isofield id="11" length="6" name="trace" class="org.jpos.iso.IFB_NUMERIC" pad="true"/>
  <isofield id="28" length="9" name="fee" class="org.jpos.iso.IFB_AMOUNT" pad="true"/>
  <isofield id="35" length="37" name="stripe" class="org.jpos.iso.IFB_LLNUM"/>
  <isofield id="39" length="2" name="said" class="org.jpos.iso.IF_CHAR"/>
  <isofield id="41" length="8" name="till" class="org.jpos.iso.IF_CHAR"/>
  <isofield id="43" length="40" name="unused" class="org.jpos.iso.IF_NOP"/>
  <isofieldpackager id="48" length="99" name="own things" class="org.jpos.iso.IFB_LLLHBINARY"
                    emitBitmap="false" packager="org.jpos.iso.packager.GenericSubFieldPackager">
    <isofield id="1" length="2" name="sort" class="org.jpos.iso.IFA_NUMERIC"/>
    <isofield id="2" length="9" name="words" class="org.jpos.iso.IFA_LLCHAR"/>
  </isofieldpackager>
  <isofield id="52" length="8" name="pin" class="org.jpos.iso.IFB_BINARY"/>
  <isofield id="60" length="99" name="odd" class="com.example.IFX_FOO"/>
  <isofield id="70" length="3" name="about" class="org.jpos.iso.IFB_NUMERIC" pad="true"/>
</isopackager>"#;

#[test]
fn a_packager_becomes_a_dialect_that_reads_and_writes() {
    let Imported { toml, unmapped } = import_jpos(PACKAGER).expect("importable");
    assert_eq!(unmapped, ["DE 60: class IFX_FOO is not known"]);
    let dialect = loaded(&toml);
    let elements = [
        (2, "4111111111111111"),
        (3, "010000"),
        (4, "000000020000"),
        (7, "1122091500"),
        (11, "000123"),
        (35, "4111111111111111=30122011234567800"),
        (41, "TERM0001"),
        (52, "1A2B3C4D5E6F7081"),
    ];
    let body = message(&dialect, b"0200", &elements);
    assert_eq!(&body[..2], [0x02, 0x00], "the type is packed");
    let txn = dialect.read(&body, today()).expect("understood");
    assert_eq!(txn.stan, Stan(123));
    assert_eq!(txn.kind, terms::Kind::Withdrawal);
    assert_eq!(dialect.explain(48).map(|said| said.format).as_deref(), Some("any..99 LL:binary binary"));
    assert!(dialect.explain(60).is_none());
    assert!(dialect.explain(43).is_none());
}

#[test]
fn a_packager_with_entities_or_broken_xml_is_refused_with_the_place() {
    let bomb = r#"<!DOCTYPE a [<!ENTITY x "y">]><isopackager>&x;</isopackager>"#;
    assert_eq!(import_jpos(bomb), Err(ImportError::Entities));
    assert!(matches!(
        import_jpos("<isopackager>\n<isofield id=3/></isopackager>"),
        Err(ImportError::Xml { line: 2, .. })
    ));
    assert_eq!(import_jpos("<isopackager/>"), Err(ImportError::NoElements));
    assert!(matches!(import_jpos(&" ".repeat(2 << 20)), Err(ImportError::TooLarge { .. })));
}

const SPECIFICATION: &str = r#"{"name": "own", "fields": {
  "0":  {"type": "String", "length": 4, "enc": "ASCII", "prefix": "ASCII.Fixed"},
  "1":  {"type": "Bitmap", "length": 8, "enc": "Binary", "prefix": "Hex.Fixed"},
  "2":  {"type": "String", "length": 19, "enc": "ASCII", "prefix": "ASCII.LL"},
  "3":  {"type": "Numeric", "length": 6, "enc": "ASCII", "prefix": "ASCII.Fixed", "padding": {"type": "Left", "pad": "0"}},
  "4":  {"type": "String", "length": 12, "enc": "ASCII", "prefix": "ASCII.Fixed", "padding": {"type": "Left", "pad": "0"}},
  "7":  {"type": "String", "length": 10, "enc": "ASCII", "prefix": "ASCII.Fixed"},
  "11": {"type": "String", "length": 6, "enc": "BCD", "prefix": "BCD.Fixed"},
  "39": {"type": "String", "length": 2, "enc": "ASCII", "prefix": "ASCII.Fixed"},
  "48": {"type": "Composite", "length": 99, "prefix": "ASCII.LLL", "description": "tagged",
         "tag": {"length": 2, "enc": "ASCII", "sort": "StringsByInt"},
         "subfields": {"01": {"type": "String", "length": 20, "enc": "ASCII", "prefix": "ASCII.LL"},
                       "02": {"type": "Numeric", "length": 4, "enc": "ASCII", "prefix": "ASCII.LL"}}},
  "52": {"type": "Binary", "length": 8, "enc": "HexToASCII", "prefix": "Hex.Fixed"},
  "55": {"type": "Composite", "length": 255, "prefix": "ASCII.LLL", "tag": {"enc": "BerTLVTag"}, "subfields": {}},
  "60": {"type": "Marvel", "length": 8, "enc": "ASCII", "prefix": "ASCII.LL"},
  "61": {"type": "String", "length": 8, "enc": "ROT13", "prefix": "ASCII.LL"},
  "62": {"type": "String", "length": 8, "enc": "ASCII", "prefix": "Roman.LL"},
  "70": {"type": "Numeric", "length": 3, "enc": "ASCII", "prefix": "ASCII.Fixed"}
}}"#;

#[test]
fn a_specification_becomes_a_dialect_that_reads_and_writes() {
    let Imported { toml, mut unmapped } = import_moov(SPECIFICATION).expect("importable");
    unmapped.sort();
    assert_eq!(
        unmapped,
        [
            "DE 60: type Marvel is not known",
            "DE 61: encoding ROT13 is not known",
            "DE 62: prefix Roman.LL is not known",
        ]
    );
    let dialect = loaded(&toml);
    let elements =
        [(2, "4111111111111111"), (3, "000000"), (4, "000000000100"), (7, "1122091500"), (11, "000042")];
    let body = message(&dialect, b"0200", &elements);
    let txn = dialect.read(&body, today()).expect("understood");
    assert_eq!((txn.stan, txn.amount.minor_units()), (Stan(42), 100));
    let mut out = Vec::new();
    let answer = terms::Answer::ours(Code::NoRoute, terms::Outcome::Refused);
    dialect.write_answer(&txn, &answer, &mut out).expect("writable");
    assert_eq!(element(&dialect, &out, 39).as_deref(), Some("92"));
    let tagged = message(&dialect, b"0200", &[(48, "0105HELLO02041234")]);
    assert_eq!(element(&dialect, &tagged, 48).as_deref(), Some("0105HELLO02041234"));
}

#[test]
fn the_first_form_of_a_specification_is_understood_too() {
    let json = r#"{"elements": {
        "2": {"Describe": "n..19"}, "3": {"Describe": "n 6"}, "4": {"Describe": "n 12"}, "7": {"Describe": "n 10; MMDDhhmmss"},
        "11": {"Describe": "n 6"}, "28": {"Describe": "x+n 8"}, "39": {"Describe": "an 2"}, "48": {"Describe": "ans...999"},
        "52": {"Describe": "b 64"}, "70": {"Describe": "n 3"}, "63": {"Describe": "what?"}},
        "encoding": {"mti_enc": "BCD", "bmp_enc": "HEX", "len_enc": "CHAR", "num_enc": "BCD", "chr_enc": "EBCDIC", "bin_enc": "HEX"}}"#;
    let Imported { toml, unmapped } = import_moov(json).expect("importable");
    assert_eq!(unmapped, ["DE 63: format what? is not known"]);
    let dialect = loaded(&toml);
    let format = |de| dialect.explain(de).map(|said| said.format);
    assert_eq!(format(48).as_deref(), Some("ans..999 LLL:ascii ebcdic"));
    assert_eq!(format(52).as_deref(), Some("b8 hex pin"));
    assert_eq!(format(4).as_deref(), Some("n12 bcd"));
}

#[test]
fn a_broken_specification_is_refused_with_the_place() {
    assert!(matches!(import_moov("{\n  \"fields\": ["), Err(ImportError::Json { line: 2, .. })));
    assert_eq!(import_moov("[]"), Err(ImportError::NoElements));
    let deep = "[".repeat(100_000);
    assert!(matches!(import_moov(&deep), Err(ImportError::Json { .. })));
}

#[test]
fn no_description_stops_the_importers_whatever_byte_of_it_is_wrong() {
    for at in (0..PACKAGER.len()).step_by(23) {
        for wrong in ["", "<", "\"", "9", "\u{7f}", "-"] {
            let spoilt = format!("{}{wrong}{}", &PACKAGER[..at], &PACKAGER[at + 1..]);
            if let Ok(imported) = import_jpos(&spoilt) {
                loaded(&imported.toml);
            }
        }
    }
    for at in (0..SPECIFICATION.len()).step_by(23) {
        for wrong in ["", "{", "\"", "9", "\\", "-"] {
            let spoilt = format!("{}{wrong}{}", &SPECIFICATION[..at], &SPECIFICATION[at + 1..]);
            if let Ok(imported) = import_moov(&spoilt) {
                loaded(&imported.toml);
            }
        }
    }
}

#[test]
fn an_element_that_every_message_needs_and_whose_format_cannot_mean_it_is_left_out_and_said() {
    let odd = PACKAGER.replace(
        r#"name="how much" class="org.jpos.iso.IFB_NUMERIC" pad="true""#,
        r#"name="how much" class="org.jpos.iso.IFB_BINARY""#,
    );
    let Imported { toml, unmapped } = import_jpos(&odd).expect("importable");
    assert!(unmapped.iter().any(|said| said.starts_with("DE 4: left out")), "{unmapped:?}");
    loaded(&toml);
}

#[test]
fn a_head_whose_coding_cannot_hold_it_is_replaced_and_said() {
    let odd = PACKAGER
        .replace(
            r#"name="type" class="org.jpos.iso.IFB_NUMERIC""#,
            r#"name="type" class="org.jpos.iso.IF_CHAR""#,
        )
        .replace("IFB_BITMAP", "IFA_BITMAP");
    assert!(import_jpos(&odd).is_ok_and(|imported| imported.unmapped.len() == 1), "these are legal");
    let odd = r#"{"fields":{"0":{"type":"String","length":4,"enc":"Binary"},
        "1":{"type":"Bitmap","length":8,"enc":"BCD"},
        "11":{"type":"String","length":6,"enc":"ASCII","prefix":"ASCII.Fixed"}}}"#;
    let Imported { toml, unmapped } = import_moov(odd).expect("importable");
    assert!(unmapped.iter().any(|said| said.starts_with("message type:")), "{unmapped:?}");
    assert!(unmapped.iter().any(|said| said.starts_with("bitmap:")), "{unmapped:?}");
    loaded(&toml);
}
