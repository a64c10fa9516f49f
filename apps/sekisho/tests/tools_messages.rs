//! `sekisho tool decode` and `encode`, typed.

mod typed;

use serde_json::{Value, json};
use std::process::{Command, Stdio};
use typed::{Said, file, place, sekisho, sekisho_reading};

const PAN: &str = "4111111111111111";
const TRACK: &str = "4111111111111111=30122011234567800";
const PIN: &str = "1A2B3C4D5E6F7081";

/// Every shipped dialect, with a message type of its edition and the framing it travels in.
#[rustfmt::skip]
const DIALECTS: [(&str, &str, &str); 8] = [
    ("iso87-ascii",  "0200", "ascii4"),     ("iso87-binary", "0200", "bin2"),
    ("iso87-ebcdic", "0200", "bin2"),       ("iso93-ascii",  "1200", "ascii4"),
    ("iso93-binary", "1200", "bin2"),       ("pos-tpdu",     "0200", "bin2+hdr11"),
    ("atm-access",   "0200", "bin4"),       ("card-center",  "1200", "bin2"),
];

fn withdrawal(mti: &str) -> Value {
    json!({"mti": mti, "fields": {
        "2": PAN, "3": "010000", "4": "20000", "7": "1122091500", "11": "000123", "35": TRACK,
        "37": "632614000481", "41": "ATM00007", "49": "840", "52": PIN,
        "55": {"9F26": "0102030405060708", "9F27": "80", "9F10": "06010A03A0A000"}
    }})
}

fn encoded(dialect: &str, frame: &str, message: &Value) -> String {
    let said = sekisho_reading(
        &["tool", "encode", "--dialect", dialect, "--frame", frame, "-"],
        message.to_string().as_bytes(),
    );
    said.ends(0).out.trim().to_string()
}

fn field<'a>(decoded: &'a Value, de: &str) -> &'a Value {
    let fields = decoded["fields"].as_array().expect("a list");
    fields.iter().find(|field| field["de"] == de).unwrap_or(&Value::Null)
}

#[test]
fn what_decode_prints_encode_makes_into_the_same_bytes_in_every_dialect() {
    for (dialect, mti, frame) in DIALECTS {
        for frame in ["none", frame] {
            let hex = encoded(dialect, frame, &withdrawal(mti));
            let words =
                ["tool", "decode", "--dialect", dialect, "--frame", frame, "--json", "--unmask", &hex];
            let decoded = sekisho(&words).ends(0);
            let json = decoded.json();
            assert_eq!(json["dialect"], dialect);
            assert_eq!(json["mti"], mti);
            assert_eq!(json["error"], Value::Null);
            assert_eq!(field(&json, "2")["value"], PAN, "{dialect}");
            assert_eq!(field(&json, "4")["value"], "000000020000", "{dialect}");
            assert_eq!(field(&json, "55.9F26")["value"], "0102030405060708", "{dialect}");
            assert_eq!(field(&json, "52")["value"], PIN, "{dialect}");
            let again = sekisho_reading(&["tool", "encode", "-"], decoded.out.as_bytes()).ends(0);
            assert_eq!(again.out.trim(), hex, "{dialect} {frame}");
        }
    }
}

#[test]
fn every_sample_that_decodes_is_encoded_into_the_same_bytes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/samples/iso8583_samples.jsonl");
    let Ok(samples) = std::fs::read_to_string(path) else {
        return println!("skipped: {path} not found");
    };
    let mut whole = 0;
    for line in samples.lines() {
        let sample: Value = serde_json::from_str(line).expect("a sample is JSON");
        let Some(hex) = sample["data"].as_str().filter(|_| sample["encoding"] == "hex") else { continue };
        let decoded = sekisho(&["tool", "decode", "--json", "--unmask", hex]);
        let json = decoded.json();
        if decoded.code == 65 {
            assert!(json["error"]["expected"].is_string(), "{}", sample["id"]);
            continue;
        }
        let said = sekisho_reading(&["tool", "encode"], decoded.ends(0).out.as_bytes()).ends(0);
        assert_eq!(said.out.trim(), hex.to_uppercase(), "{}", sample["id"]);
        whole += 1;
    }
    println!("{whole} samples decode");
    assert!(whole >= 10, "{whole} samples decode");
}

#[test]
fn nothing_secret_is_shown_unless_it_is_asked_for() {
    for (dialect, mti, frame) in DIALECTS {
        let hex = encoded(dialect, frame, &withdrawal(mti));
        for form in [&["--json"][..], &[]] {
            let words =
                [&["tool", "decode", "--dialect", dialect, "--frame", frame][..], form, &[&hex]].concat();
            let said = sekisho(&words).ends(0);
            for secret in [PAN, &TRACK[..20], "30122011234567800", PIN] {
                assert!(!said.out.contains(secret) && !said.err.contains(secret), "{dialect}: {said:?}");
            }
            assert!(said.out.contains("411111******1111"), "{dialect}: {said:?}");
            assert!(!said.err.contains("unmasked"));
            let words = [&words[..], &["--unmask"]].concat();
            let said = sekisho(&words).ends(0);
            assert!(said.out.contains(PAN) && said.err.contains("unmasked"), "{dialect}: {said:?}");
        }
    }
}

#[test]
fn a_broken_message_says_which_element_which_byte_and_shows_what_came_before() {
    let whole = encoded("iso87-ascii", "none", &withdrawal("0200"));
    // The eighth digit of the amount becomes a letter.
    let at = 4 + 16 + 2 + 16 + 6 + 7;
    let broken = format!("{}58{}", &whole[..at * 2], &whole[at * 2 + 2..]);
    let words = ["tool", "decode", "--dialect", "iso87-ascii", "--json", &broken];
    let json = sekisho(&words).ends(65).json();
    let error = json!({"de": "4", "offset": at, "expected": "12 digits", "found": "0x58"});
    assert_eq!(json["error"], error);
    assert_eq!(field(&json, "3")["value"], "010000");
    assert_eq!(field(&json, "4"), &Value::Null);
    let said = sekisho(&["tool", "decode", "--dialect", "iso87-ascii", &broken]).ends(65);
    assert!(
        said.err.contains(&format!("error: DE 4 at byte {at}: expected 12 digits, found 0x58")),
        "{said:?}"
    );
    assert!(said.out.contains("processing code"));
    let said = sekisho(&["tool", "decode", "--dialect", "iso87-ascii", &whole[..60]]).ends(65);
    assert!(said.err.contains("error: DE 2 at byte 22"), "{said:?}");
}

#[test]
fn offsets_count_from_the_body_and_the_frame_is_told() {
    let bare = encoded("iso87-ascii", "none", &withdrawal("0200"));
    let framed = encoded("iso87-ascii", "ascii4", &withdrawal("0200"));
    assert_eq!(framed.len(), bare.len() + 8);
    let decode = |words: &[&str], hex: &str| {
        let words = [&["tool", "decode", "--dialect", "iso87-ascii", "--json"], words, &[hex]].concat();
        sekisho(&words).ends(0).json()
    };
    let (bare, told) = (decode(&[], &bare), decode(&["--frame", "ascii4"], &framed));
    let guessed = decode(&[], &framed);
    assert_eq!(told["fields"], bare["fields"]);
    assert_eq!(guessed["fields"], bare["fields"]);
    assert_eq!(bare.get("frame"), None);
    assert_eq!(told["frame"], json!({"framing": "ascii4", "header": "", "body_offset": 4, "left": 0}));
    let said =
        sekisho(&["tool", "decode", "--frame", "bin2", "--dialect", "iso87-ascii", "--json", "00FF30"]);
    let json = said.ends(65).json();
    assert_eq!(json["error"]["de"], "frame");
    assert_eq!(json["mti"], Value::Null);
}

#[test]
fn without_a_dialect_the_one_that_explains_most_is_taken_and_the_reason_given() {
    for (dialect, mti, frame) in DIALECTS {
        let hex = encoded(dialect, frame, &withdrawal(mti));
        let said = sekisho(&["tool", "decode", "--json", &hex]).ends(0);
        assert!(said.err.starts_with("chose "), "{said:?}");
        let json = said.json();
        let chosen = &json["chosen"];
        let also = chosen["also"].as_array().expect("a list");
        let is_found = chosen["dialect"] == dialect || also.iter().any(|name| name == dialect);
        // These two refuse what their partners would not send: the neutral one finds less odd in it.
        assert!(
            is_found || ["atm-access", "card-center", "pos-tpdu"].contains(&dialect),
            "{dialect}: {said:?}"
        );
        assert_eq!(field(&json, "4")["value"], "000000020000", "{dialect}: {said:?}");
        assert!(chosen["why"].is_string() && chosen["tried"].as_u64() > Some(7));
    }
}

#[test]
fn a_message_is_found_in_whatever_it_is_pasted_with() {
    let hex = encoded("iso87-ascii", "ascii4", &withdrawal("0200"));
    let bytes: Vec<u8> =
        (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).expect("hex")).collect();
    let spaced: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let place = place("inputs");
    let dump: String = (bytes.chunks(16).enumerate())
        .map(|(line, row)| {
            let words: Vec<String> =
                row.chunks(2).map(|pair| pair.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
            format!("{:08x}: {}  {}\n", line * 16, words.join(" "), "?".repeat(row.len()))
        })
        .collect();
    for (name, contents) in [
        ("hex", hex.clone().into_bytes()),
        ("lines", spaced.chunks(16).map(|row| row.join(" ") + "\n").collect::<String>().into_bytes()),
        ("colons", spaced.join(":").into_bytes()),
        ("prefixed", spaced.iter().map(|byte| format!("0x{byte}, ")).collect::<String>().into_bytes()),
        ("bytes", bytes.clone()),
        ("dump", dump.into_bytes()),
        ("log", format!("18:31:21 atm-7 received [{hex}] from 10.0.0.1:4711\n").into_bytes()),
    ] {
        let json = |said: Said| {
            let json = said.ends(0).json();
            assert_eq!(field(&json, "11")["value"], "000123", "{name}");
        };
        let path = file(&place, name, &contents);
        json(sekisho(&["tool", "decode", "--json", "--dialect", "iso87-ascii", &path]));
        json(sekisho_reading(&["tool", "decode", "--json", "--dialect", "iso87-ascii", "-"], &contents));
    }
    let words: Vec<&str> =
        ["tool", "decode", "--json"].into_iter().chain(spaced.iter().map(String::as_str)).collect();
    assert_eq!(field(&sekisho(&words).ends(0).json(), "11")["value"], "000123");
}

#[test]
fn what_is_not_there_or_makes_no_sense_has_its_own_exit_code() {
    #[rustfmt::skip]
    let cases: [(&[&str], i32, &str); 8] = [
        (&["tool", "decode", "no-such.hex"],                          66, "no such file"),
        (&["tool", "decode", "-"],                                    66, "nothing to read"),
        (&["tool", "decode", "--dialect", "iso78", "0800"],           66, "iso87-ascii, iso87-binary"),
        (&["tool", "decode", "--frame", "ascii9", "0800"],             2, "no such length prefix"),
        (&["tool", "decode", "--dialect", "iso87-ascii", "305830"],   65, "error: MTI at byte 0"),
        (&["tool", "encode", "--dialect", "iso87-ascii", "no.json"],  66, "no.json"),
        (&["tool", "encode", r#"{"mti":"0800","fields":{}}"#],         2, "--dialect"),
        (&["tool", "encode", "--dialect", "iso87-ascii", "{"],        65, "line 1, column 1"),
    ];
    for (words, code, wanted) in cases {
        let said = sekisho(words).ends(code);
        assert!(said.err.contains(wanted), "{words:?}: {said:?}");
    }
}

#[test]
fn a_value_that_does_not_fit_is_named_and_never_repeated() {
    #[rustfmt::skip]
    let cases = [
        (json!({"4": "1234567890123"}),                "DE 4:"),
        (json!({"2": "41111111111111111111"}),         "DE 2:"),
        (json!({"11": "12E456"}),                      "DE 11:"),
        (json!({"52": "12"}),                          "DE 52:"),
        (json!({"55": {"9F26": "0"}}),                 "DE 55"),
        (json!({"3": {"1": "01"}}),                    "DE 3"),
        (json!({"999": "1"}),                          "`999` is no data element"),
        (json!({"2": [1]}),                            "not the JSON of a message"),
        (json!([{"de": "2", "value": "4", "masked": true}]), "DE 2 is masked"),
    ];
    for (fields, wanted) in cases {
        let message = json!({"mti": "0200", "fields": fields}).to_string();
        let said =
            sekisho_reading(&["tool", "encode", "--dialect", "iso87-ascii"], message.as_bytes()).ends(65);
        assert!(said.err.contains(wanted), "{message}: {said:?}");
        assert!(!said.err.contains("411111") && !said.err.contains("12E456"), "{said:?}");
        assert_eq!(said.out, "");
    }
    let masked = sekisho(&[
        "tool",
        "decode",
        "--json",
        "--dialect",
        "iso87-ascii",
        &encoded("iso87-ascii", "none", &withdrawal("0200")),
    ]);
    let said = sekisho_reading(&["tool", "encode"], masked.out.as_bytes()).ends(65);
    assert!(said.err.contains("DE 2 is masked"), "{said:?}");
}

#[test]
fn a_tree_fits_eighty_columns() {
    let mut message = withdrawal("0200");
    message["fields"]["48"] = json!("x".repeat(300));
    let hex = encoded("iso87-ascii", "none", &message);
    sekisho(&["tool", "decode", "--dialect", "iso87-ascii", &hex]).ends(0).fits();
}

#[test]
fn whatever_is_decoded_nothing_panics() {
    let seed = 0x5EC1_5400_u64;
    let mut state = seed;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let place = place("garbage");
    let hex = encoded("iso87-binary", "bin2", &withdrawal("0200"));
    for round in 0..60 {
        let length = next() % 200;
        let mut bytes: Vec<u8> = (0..length).map(|_| next() as u8).collect();
        if round % 2 == 0 {
            bytes = hex.as_bytes().to_vec();
            let at = next() as usize % bytes.len();
            bytes[at] = next() as u8;
        }
        let path = file(&place, "garbage", &bytes);
        for form in ["--json", "--unmask"] {
            let said = sekisho(&["tool", "decode", form, &path]);
            assert!([0, 65, 66].contains(&said.code), "seed {seed:#x}, round {round}: {said:?}");
            assert!(!said.err.contains("panicked"), "seed {seed:#x}, round {round}: {said:?}");
        }
    }
}

#[test]
fn a_reader_that_leaves_early_hears_no_complaint() {
    for words in [
        &["dialect", "show", "iso87-ascii"][..],
        &["dialect", "ls"],
        &["dialect", "show", "pos-tpdu", "--toml"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_sekisho"))
            .args(words)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built for this test");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{words:?}");
        assert!(output.status.success(), "{words:?}");
    }
}
