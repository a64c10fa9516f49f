//! Public messages of other people's systems, where the workspace has them beside the repository. Each is read
//! under a dialect composed of the settings that are recorded with it; what its source says of its elements must
//! come out.

mod given;

use dialects::Dialect;
use serde_json::Value;
use std::{fs, path::PathBuf};

/// A sample's settings as a dialect file, or why they cannot be said.
fn dialect_of(profile: &Value) -> Result<Dialect, String> {
    let setting = |key: &str| profile.get(key).and_then(Value::as_str).unwrap_or("");
    let like = if setting("table") == "1993" { "iso93-ascii" } else { "iso87-ascii" };
    if profile.get("tert").is_some_and(|tert| tert != "none") {
        return Err("a third bitmap told by an element".into());
    }
    let packed = match profile.get("padr") {
        Some(Value::String(all)) if all == "all" => "bcd-end-0",
        _ => "bcd",
    };
    let coding = |key: &str, otherwise: &str| match setting(key) {
        "" => otherwise.to_string(),
        "bcd" => packed.to_string(),
        "ebcdic" => "ebcdic500".to_string(),
        "bin" => "binary".to_string(),
        "hex" => "hex".to_string(),
        "raw" => "binary".to_string(),
        other => other.to_string(),
    };
    let numbers = coding("num", "ascii");
    let text = coding("txt", "ascii");
    let tracks = coding("z", if setting("num") == "bcd" { &numbers } else { &text });
    let bytes = coding("binf", "binary");
    let (lengths, binary_bytes) = match setting("ln") {
        "bin1" => ("binary".to_string(), Some(1)),
        "bin2" => ("binary".to_string(), Some(2)),
        "bcd" => ("bcd".to_string(), None),
        _ => (coding("ln", "ascii"), None),
    };
    let bitmap = match setting("bmp") {
        "bin" => "binary",
        "ebcdic" => "hex-ebcdic",
        _ => "hex",
    };
    let mti = coding("mti", "ascii").replace(packed, "bcd");
    let mut toml = format!(
        "name = \"sample\"\nlike = \"{like}\"\n[style]\nmti = \"{mti}\"\nbitmap = \"{bitmap}\"\nnumbers = \"{numbers}\"\ntext = \"{text}\"\ntracks = \"{tracks}\"\nbytes = \"{bytes}\"\nlengths = \"{lengths}\"\n[fields]\n"
    );
    let style = Overrides { left_end: profile.get("padr") == Some(&Value::Bool(true)), binary_bytes };
    toml.push_str(&style.write(&toml, profile)?);
    Dialect::load(&toml)
        .map_err(|findings| findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
}

/// Nobody's table: what is asked here is how elements lie, not what codes mean.
const CODES_OF_THREE: &str = r#"
[codes]
inherit = false
"000" = "approved"
"100" = "declined"
"904" = "format_error"
"911" = "no_answer"
"907" = "host_down"
"908" = "no_route"
"913" = "duplicate"
"909" = "malfunction"
"923" = "busy"
otherwise = "do_not_honour"
"#;

struct Overrides {
    left_end: bool,
    binary_bytes: Option<u8>,
}

impl Overrides {
    fn write(&self, head: &str, profile: &Value) -> Result<String, String> {
        let mut out = String::new();
        let stated = profile.get("field_overrides").and_then(Value::as_object).cloned().unwrap_or_default();
        for (de, field) in &stated {
            let Some([kind, sort, length, options @ ..]) = field.as_array().map(Vec::as_slice) else {
                return Err(format!("DE {de}: a form of element that is not known"));
            };
            let (kind, sort) = (kind.as_str().unwrap_or(""), sort.as_str().unwrap_or(""));
            let option = |key: &str| {
                options.first().and_then(|all| all.get(key)).and_then(Value::as_str).unwrap_or("")
            };
            let sort = if sort == "xn" { "x+n" } else { sort };
            let length = length.as_u64().unwrap_or(0) - u64::from(sort == "x+n");
            let digits = kind.strip_prefix('L').and_then(|digits| digits.parse::<usize>().ok());
            let prefix = match (digits, option("ln")) {
                (None, _) => String::new(),
                (Some(_), "bin1") => " L:binary".into(),
                (Some(_), "bin2") => " LL:binary".into(),
                (Some(digits), "") => {
                    format!(" {}", "L".repeat(self.binary_bytes.map_or(digits, usize::from)))
                }
                (Some(digits), coding) => format!(" {}:{coding}", "L".repeat(digits)),
            };
            let coding = match option("enc") {
                "" => "",
                "bcd" => " bcd",
                "ebcdic" => " ebcdic500",
                "hex" => " hex",
                _ if sort == "b" => " binary",
                _ => " ascii",
            };
            let dots = if digits.is_some() { ".." } else { "" };
            out.push_str(&format!("{de} = \"{sort}{dots}{length}{prefix}{coding}\"\n"));
        }
        // Sources are laxer than the editions: lengths of zero, and chip data that is none.
        let plain = given::loaded(head);
        for de in (2..=128_u8).filter(|de| !stated.contains_key(&de.to_string())) {
            let Some(format) = plain.explain(de).map(|said| said.format) else { continue };
            let Some((body, rest)) = format.split_once(" LL") else { continue };
            let coding = rest.split(' ').nth(1).unwrap_or("ascii");
            // Only elements of varying length begin at the left: each of them says so.
            let coding = if self.left_end && coding == "bcd" { "bcd-end-0" } else { coding };
            let prefix = match self.binary_bytes {
                Some(bytes) => "L".repeat(usize::from(bytes)),
                None if rest.starts_with('L') => "LLL".into(),
                None => "LL".into(),
            };
            let wire = if rest.split(' ').next().is_some_and(|prefix| prefix.ends_with("wire")) {
                ":wire"
            } else {
                ""
            };
            let body = body.replacen("1..", "..", 1);
            let body = if self.binary_bytes == Some(1) { body.replace("..999", "..255") } else { body };
            out.push_str(&format!("{de} = \"{body} {prefix}{wire} {coding}\"\n"));
        }
        if stated.get("39").is_some_and(|field| field[2] == 3) && profile["table"] == "1987" {
            out.push_str(CODES_OF_THREE);
        }
        Ok(out)
    }
}

/// Why the element does not say what the sample's source says, or `None` where it does. Numbers may have lost
/// their leading zeros on the way into the source's words, and texts the spaces at their end.
fn differs(found: Option<String>, expected: &str) -> bool {
    let plain = |text: &str| text.trim_end().trim_start_matches('0').to_uppercase().replace('D', "=");
    found.is_none_or(|found| plain(&found) != plain(expected))
}

#[test]
fn public_messages_say_what_their_sources_say_they_say() {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/iso8583_samples.jsonl");
    let Ok(lines) = fs::read_to_string(&path) else {
        println!("skipped: {} not found", path.display());
        return;
    };
    let (mut read, mut refused, mut skipped, mut wrong) = (0, 0, Vec::new(), Vec::new());
    for line in lines.lines() {
        let sample: Value = serde_json::from_str(line).expect("a line is JSON");
        let id = sample["id"].as_str().unwrap_or("?").to_string();
        match check(&sample) {
            Ok(Checked::Read) => read += 1,
            Ok(Checked::Refused(why)) => {
                refused += 1;
                println!("refused as it should: {id}: {why}");
            }
            Err(Unfit::Skipped(why)) => skipped.push(format!("{id}: {why}")),
            Err(Unfit::Wrong(why)) => wrong.push(format!("{id}: {why}")),
        }
    }
    println!("{read} read, {refused} refused as they should, {} skipped:", skipped.len());
    skipped.iter().for_each(|line| println!("  {line}"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

enum Checked {
    Read,
    Refused(String),
}

enum Unfit {
    Skipped(String),
    Wrong(String),
}

fn check(sample: &Value) -> Result<Checked, Unfit> {
    let skip = |why: &str| Err(Unfit::Skipped(why.into()));
    let (Some("hex"), Some(data)) = (sample["encoding"].as_str(), sample["data"].as_str()) else {
        return skip("no bytes, only elements");
    };
    let checked = sample["check"].as_str().unwrap_or("");
    let bad = sample.get("expect_error").is_some();
    if sample["profile"].get("table").is_none() {
        return skip(checked);
    }
    let bytes = unhex(data).ok_or(Unfit::Skipped("its bytes are not hex".into()))?;
    let Some(body) = bytes.get(header_bytes(sample["framing"].as_str().unwrap_or(""))..) else {
        return skip("shorter than its header");
    };
    let mut profile = sample["profile"].clone();
    if profile.get("fixed128").is_some()
        && body.get(4).is_some_and(|first| !b"89ABCDEFabcdef".contains(first))
    {
        return skip("a second bitmap that the first does not announce");
    }
    profile.as_object_mut().map(|all| all.remove("fixed128"));
    let dialect = dialect_of(&profile).map_err(Unfit::Skipped)?;
    let message = match iso8583::decode(dialect.spec(), body) {
        Ok(message) => message,
        Err(refusal) if bad => return Ok(Checked::Refused(refusal.to_string())),
        Err(refusal) if !checked.starts_with("decoded") => {
            return Err(Unfit::Skipped(format!("its settings are not recorded: {refusal}")));
        }
        Err(refusal) => return Err(Unfit::Skipped(format!("stricter than its source: {refusal}"))),
    };
    for (de, expected) in sample["expected"].as_object().into_iter().flatten() {
        let (Ok(number), Some(expected)) = (de.parse::<usize>(), expected.as_str()) else { continue };
        let found = if number == 0 {
            Some(String::from_utf8_lossy(&message.mti()).into_owned())
        } else {
            message.get(number).map(|value| {
                let mut text = Vec::new();
                value.text_into(&mut text);
                String::from_utf8_lossy(&text).into_owned()
            })
        };
        if differs(found, expected) && !checked.contains("differs") && !bad {
            return Err(Unfit::Wrong(format!("DE {de} differs")));
        }
    }
    // Reading it as a transaction may refuse it for what is in it; it never stops.
    let _ = dialect.read(body, given::today());
    Ok(Checked::Read)
}

fn header_bytes(framing: &str) -> usize {
    match framing {
        "5-byte TPDU" => 5,
        "4 ASCII digits length" => 4,
        other => other
            .strip_prefix("header ")
            .and_then(|rest| rest.split(' ').next())
            .and_then(|number| number.parse().ok())
            .unwrap_or(0),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}
