use super::{
    ImportError, Imported, bounded,
    draft::{Description, Draft, Inner, Tags},
};
use crate::notation::{Notation, Prefix};
use alloc::{
    borrow::ToOwned,
    format,
    string::{String, ToString},
    vec::Vec,
};
use iso8583::spec::{Alphabet, Coding, Counts, Pad};
use serde_json::{Map, Value};
use terms::limits::NESTING_MAX;

/// Reads a message specification of moov-io/iso8583 (JSON) and writes it as a dialect file. Both forms are known:
/// the present one (`fields`, each with type, length, encoding and prefix) and the first one (`elements`, each
/// with a format in the standard's letters, and `encoding` for all).
///
/// Whatever has no counterpart is named in [`Imported::unmapped`] and its element left out.
///
/// - Errors: [`ImportError`]. Panics: never. Cost: some milliseconds.
/// - Source: the JSON form as published with moov-io/iso8583; compatible by name only.
pub fn import_moov(json: &str) -> Result<Imported, ImportError> {
    let value: Value = serde_json::from_str(bounded(json)?)
        .map_err(|error| ImportError::Json { line: error.line(), column: error.column() })?;
    let mut description = Description::new("a moov-io specification");
    if let Some(Value::Object(fields)) = value.get("fields") {
        for (key, field) in fields {
            read_top(key, field, &mut description);
        }
    } else if let Some(Value::Object(elements)) = value.get("elements") {
        let codings = Codings::of(value.get("encoding"), &mut description);
        for (key, element) in elements {
            read_element(key, element, &codings, &mut description);
        }
    }
    description.settle()
}

fn read_top(key: &str, field: &Value, description: &mut Description) {
    let unmapped = &mut description.unmapped;
    match key.parse::<u8>() {
        Ok(0) => match coding(text(field, "enc")) {
            Some(coding) => description.mti = coding,
            None => unmapped.push(format!("message type: encoding {} is not known", text(field, "enc"))),
        },
        Ok(1) => match coding(text(field, "enc")) {
            Some(coding) => description.bitmap = as_bytes(coding),
            None => unmapped.push(format!("bitmap: encoding {} is not known", text(field, "enc"))),
        },
        Ok(de @ 2..=192) if text(field, "type") != "Bitmap" => match read_field(field, 1) {
            Ok(draft) => drop(description.fields.insert(de, draft)),
            Err(reason) => unmapped.push(format!("DE {de}: {reason}")),
        },
        Ok(de @ 2..=192) => {
            unmapped.push(format!("DE {de}: a bitmap of its own is told by the elements above it"))
        }
        Ok(_) | Err(_) => unmapped.push(format!("element {key}: elements run from 0 to 192")),
    }
}

fn read_field(field: &Value, depth: usize) -> Result<Draft, String> {
    if depth > NESTING_MAX {
        return Err(format!("nested deeper than {NESTING_MAX} levels"));
    }
    let sort = text(field, "type");
    let composite = sort == "Composite";
    let enc = text(field, "enc");
    let coding = match (coding(enc), composite) {
        (Some(coding), _) => coding,
        (None, true) if enc.is_empty() => Coding::Ascii,
        (None, _) => return Err(format!("encoding {enc} is not known")),
    };
    let length = field.get("length").and_then(Value::as_u64).and_then(|length| u16::try_from(length).ok());
    let length = length.filter(|&length| length <= 9_999).ok_or("its length is no number up to 9999")?;
    let (alphabet, vague) = match sort {
        "Numeric" => (Alphabet::N, false),
        "String" if is_bytes(coding) => (Alphabet::B, false),
        "String" => (Alphabet::Ans, true),
        "Binary" | "Hex" => (Alphabet::B, false),
        "Track2" | "Track3" => (Alphabet::Z, false),
        "Track1" => (Alphabet::Ans, false),
        "Composite" => (Alphabet::Any, false),
        other => return Err(format!("type {other} is not known")),
    };
    let coding = if alphabet == Alphabet::B { as_bytes(coding) } else { coding };
    // Digits that are packed are digits, whatever else the type would allow.
    let alphabet = match (alphabet, coding) {
        (Alphabet::Ans, Coding::Bcd { .. }) => Alphabet::N,
        (alphabet, _) => alphabet,
    };
    let prefix = read_prefix(text(field, "prefix"))?;
    let min = if prefix.is_some() { 0 } else { length };
    let pad = read_padding(field.get("padding"), prefix.is_some());
    let tlv = composite && field.get("tag").is_some_and(|tag| text(tag, "enc") == "BerTLVTag");
    let (alphabet, coding) = if tlv { (Alphabet::B, Coding::Binary) } else { (alphabet, coding) };
    let notation =
        Notation { alphabet, min, max: length, prefix, coding: Some(coding), pad, secret: None, tlv };
    let inside = if composite && !tlv { read_inside(field, depth)? } else { Inner::Plain };
    Ok(Draft { notation, name: text(field, "description").to_owned(), inside, vague })
}

fn read_inside(field: &Value, depth: usize) -> Result<Inner, String> {
    if field.get("bitmap").is_some_and(|bitmap| !bitmap.is_null()) {
        return Err("a composite told by a bitmap is not known".into());
    }
    let empty = Map::new();
    let subfields = field.get("subfields").and_then(Value::as_object).unwrap_or(&empty);
    let mut parts = Vec::new();
    for (key, part) in subfields {
        let draft = read_field(part, depth + 1).map_err(|reason| format!("part {key}: {reason}"))?;
        parts.push((key.clone(), draft));
    }
    // Keys are numbers where there are no tags, and stand in the order of these numbers.
    parts.sort_by_key(|(key, _)| (key.parse::<u32>().unwrap_or(u32::MAX), key.clone()));
    let tag = field.get("tag").filter(|tag| tag.get("length").and_then(Value::as_u64).unwrap_or(0) > 0);
    let Some(tag) = tag else {
        return Ok(Inner::Positional(parts.into_iter().map(|(_, part)| part).collect()));
    };
    let width =
        tag.get("length").and_then(Value::as_u64).filter(|&width| width <= 16).ok_or("a tag too long")?;
    let coding = coding(text(tag, "enc")).ok_or("the encoding of its tags is not known")?;
    let mut prefixes = parts.iter().map(|(_, part)| part.notation.prefix);
    let Some(Some(first)) = prefixes.next() else { return Err("its parts say no length".into()) };
    if prefixes.any(|prefix| prefix != Some(first)) {
        return Err("the lengths of its parts differ in width".into());
    }
    Ok(Inner::Tagged(Tags {
        width: width as u8,
        coding,
        length_width: first.digits,
        length_coding: first.coding.unwrap_or(Coding::Ascii),
        known: parts,
    }))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn coding(name: &str) -> Option<Coding> {
    Some(match name {
        "ASCII" => Coding::Ascii,
        "EBCDIC" => Coding::Ebcdic037,
        "BCD" => Coding::Bcd { left: true, fill: 0 },
        "LBCD" => Coding::Bcd { left: false, fill: 0 },
        "Binary" | "ASCIIHexToBytes" | "ASCIIToHex" => Coding::Binary,
        "Hex" | "HexToASCII" | "BytesToASCIIHex" => Coding::HexAscii,
        _ => return None,
    })
}

const fn is_bytes(coding: Coding) -> bool {
    matches!(coding, Coding::Binary | Coding::HexAscii)
}

/// How bytes look in a coding of characters.
const fn as_bytes(coding: Coding) -> Coding {
    match coding {
        Coding::Ascii => Coding::HexAscii,
        Coding::Ebcdic037 | Coding::Ebcdic500 => Coding::HexEbcdic,
        other => other,
    }
}

fn read_prefix(name: &str) -> Result<Option<Prefix>, String> {
    let (family, size) = name.split_once('.').unwrap_or((name, "Fixed"));
    if size == "Fixed" || family == "None" {
        return Ok(None);
    }
    let unknown = || format!("prefix {name} is not known");
    let all_l = (1..=4).contains(&size.len()) && size.bytes().all(|byte| byte == b'L');
    let coding = coding(family).filter(|coding| all_l && *coding != Coding::HexAscii).ok_or_else(unknown)?;
    Ok(Some(Prefix { digits: size.len() as u8, coding: Some(coding), counts: Counts::Characters }))
}

fn read_padding(padding: Option<&Value>, varies: bool) -> Option<Pad> {
    let padding = padding?;
    let with = text(padding, "pad").bytes().next().filter(u8::is_ascii)?;
    match text(padding, "type") {
        "Left" if !varies => Some(Pad::Left(with)),
        "Right" if !varies => Some(Pad::Right(with)),
        _ => None,
    }
}

/// The codings of the first form, one for each sort of element.
struct Codings {
    numbers: Coding,
    text: Coding,
    bytes: Coding,
    tracks: Coding,
    lengths: Coding,
}

impl Codings {
    fn of(encoding: Option<&Value>, description: &mut Description) -> Self {
        let named = |key: &str, otherwise: Coding| match encoding.map_or("", |all| text(all, key)) {
            "CHAR" | "ASCII" => Coding::Ascii,
            "EBCDIC" => Coding::Ebcdic037,
            "BCD" | "HBCD" => Coding::Bcd { left: true, fill: 0 },
            "RBCD" => Coding::Bcd { left: false, fill: 0 },
            "HEX" => Coding::HexAscii,
            "BIN" | "BINARY" => Coding::Binary,
            _ => otherwise,
        };
        description.mti = named("mti_enc", Coding::Ascii);
        description.bitmap = named("bmp_enc", Coding::HexAscii);
        Self {
            numbers: named("num_enc", Coding::Ascii),
            text: named("chr_enc", Coding::Ascii),
            bytes: named("bin_enc", Coding::HexAscii),
            tracks: named("trk_enc", Coding::Ascii),
            lengths: named("len_enc", Coding::Ascii),
        }
    }

    fn of_alphabet(&self, alphabet: Alphabet) -> Coding {
        match alphabet {
            Alphabet::N | Alphabet::Xn => self.numbers,
            Alphabet::B => self.bytes,
            Alphabet::Z => self.tracks,
            Alphabet::A | Alphabet::An | Alphabet::Ans | Alphabet::Ns | Alphabet::As | Alphabet::Any => {
                self.text
            }
        }
    }
}

/// An element of the first form: `n..11` has two digits of length, `ans...999` three, `b 64` counts bits.
fn read_element(key: &str, element: &Value, codings: &Codings, description: &mut Description) {
    let Some(de) = key.parse::<u8>().ok().filter(|de| (2..=192).contains(de)) else { return };
    let format = text(element, "Describe");
    let format = format.split(';').next().unwrap_or_default();
    let compact: String = format.chars().filter(|one| !one.is_whitespace()).collect();
    let dots = compact.bytes().filter(|&byte| byte == b'.').count();
    let ours = match dots {
        0 => compact.clone(),
        _ => format!("{} {}", compact.replace(&".".repeat(dots), ".."), "L".repeat(dots)),
    };
    let Ok(mut notation) = Notation::parse(&ours) else {
        return description.unmapped.push(format!("DE {de}: format {format} is not known"));
    };
    notation.coding = Some(codings.of_alphabet(notation.alphabet));
    if notation.alphabet == Alphabet::B && notation.prefix.is_none() {
        (notation.min, notation.max) = (notation.min.div_ceil(8), notation.max.div_ceil(8));
    }
    if let Some(prefix) = &mut notation.prefix {
        prefix.coding = Some(codings.lengths);
    }
    let name = text(element, "Description").to_string();
    description.fields.insert(de, Draft { notation, name, inside: Inner::Plain, vague: false });
}
