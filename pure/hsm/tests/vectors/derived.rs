//! Keys that are used once.

use crate::fields::{aes_key, array, bytes, has, hex, key, text};
use crate::file::{Outcome, agrees, agrees_if, left_out};
use hsm::dukpt::{aes, tdes};
use hsm::mac::{Algorithm, Padding, make};
use hsm::pin::{Fill, Format, compose, encipher};
use hsm::{Key, Pin};
use serde_json::Value;
use terms::Pan;

pub(crate) fn tdes(vector: &Value, file: &Value) -> Outcome {
    let first = &file["vectors"][0];
    let initial = tdes::initial_key(&key(first, "bdk"), &array(first, "ksn")).expect("a base key");
    if has(vector, "ik") {
        return agrees(&hex(initial.expose()), vector, "ik");
    }
    let transaction = tdes::transaction_key(&initial, &array(vector, "ksn")).expect("a key");
    let working = |purpose| tdes::working_key(&transaction, purpose).expect("a key");
    let (pin, pan) = (Pin::new(b"1234").expect("a PIN"), Pan::new(b"4012345678909").expect("digits"));
    let mac = |purpose| {
        let made = make(Algorithm::X919, Padding::Zeros, &working(purpose), b"4012345678909D987");
        hex(&made.expect("it fits").as_bytes()[..4])
    };
    let block = compose(Format::Iso0, &pin, &pan, &mut Fill::Given(&[])).expect("a block");
    let sent = encipher(Format::Iso0, &block, &pan, &working(tdes::Purpose::Pin)).expect("it fits");
    agrees(&hex(transaction.expose()), vector, "transaction_key")
        .and(|| agrees(&hex(sent.as_bytes()), vector, "encrypted_pin_block"))
        .and(|| agrees(&mac(tdes::Purpose::MacRequest), vector, "mac_request4"))
        .and(|| agrees(&mac(tdes::Purpose::MacResponse), vector, "mac_response4"))
}

/// The base keys, by their length: the file names each once.
fn initial_of(bits: u64, file: &Value) -> Key {
    let vectors = file["vectors"].as_array().expect("a list");
    let of = vectors.iter().find(|v| has(v, "bdk") && text(v, "bdk").len() as u64 * 4 == bits);
    let of = of.expect("a base key of that length");
    aes::initial_key(&aes_key(of, "bdk"), &array(of, "ikid")).expect("a base key")
}

pub(crate) fn aes(vector: &Value, file: &Value) -> Outcome {
    if has(vector, "ik") {
        let initial = aes::initial_key(&aes_key(vector, "bdk"), &array(vector, "ikid")).expect("a base key");
        return agrees(&hex(initial.expose()), vector, "ik");
    }
    let bits = vector["bdk_bits"].as_u64().expect("a length in bits");
    let ksn = array(vector, "ksn");
    let transaction = aes::transaction_key(&initial_of(bits, file), &ksn).expect("a counter");
    if has(vector, "transaction_key") {
        return agrees(&hex(transaction.expose()), vector, "transaction_key");
    }
    if has(vector, "pin_field") {
        return pin_block(vector, &transaction, ksn);
    }
    let purpose = match text(vector, "usage") {
        "1000" => aes::Purpose::Pin,
        "2000" => aes::Purpose::MacGenerate,
        "2001" => aes::Purpose::MacVerify,
        "2002" => aes::Purpose::MacBoth,
        "3000" => aes::Purpose::DataEncrypt,
        "3001" => aes::Purpose::DataDecrypt,
        "3002" => aes::Purpose::DataBoth,
        _ => return left_out("a purpose without a use here (HMAC)"),
    };
    let name = text(vector, "working_key");
    let kind = match name {
        name if name.contains("hmac") => return left_out("keys for HMAC have no use here"),
        name if name.contains("tdea2") || name.contains("tdes2") => aes::Kind::Tdes2,
        name if name.contains("tdea3") || name.contains("tdes3") => aes::Kind::Tdes3,
        name if name.contains("aes128") => aes::Kind::Aes128,
        name if name.contains("aes192") => aes::Kind::Aes192,
        name if name.contains("aes256") => aes::Kind::Aes256,
        _ => return left_out("a kind of key without a use here"),
    };
    let working = aes::working_key(&transaction, &ksn, purpose, kind).expect("no stronger than its base");
    agrees(&hex(working.expose()), vector, "key")
}

fn pin_block(vector: &Value, transaction: &Key, ksn: [u8; 12]) -> Outcome {
    let field = bytes(vector, "pin_field");
    let (pin, pan) = (Pin::new(b"1234").expect("a PIN"), Pan::new(b"4111111111111111").expect("digits"));
    // The file uses the PIN key of the strength of its base key, and that is what a device would.
    let bits = vector["bdk_bits"].as_u64();
    let kind = if bits == Some(256) { aes::Kind::Aes256 } else { aes::Kind::Aes128 };
    let key = aes::working_key(transaction, &ksn, aes::Purpose::Pin, kind).expect("no stronger");
    let block = compose(Format::Iso4, &pin, &pan, &mut Fill::Given(&field[8..])).expect("a block");
    let sent = encipher(Format::Iso4, &block, &pan, &key).expect("it fits");
    agrees_if(block.expose() == field, "pin_field").and(|| {
        let found = hex(sent.as_bytes());
        if found == text(vector, "encrypted_pin_block") {
            return Outcome::Agrees;
        }
        let key = aes::working_key(transaction, &ksn, aes::Purpose::Pin, aes::Kind::Aes128).expect("weaker");
        let sent = encipher(Format::Iso4, &block, &pan, &key).expect("it fits");
        agrees(&hex(sent.as_bytes()), vector, "encrypted_pin_block")
    })
}
