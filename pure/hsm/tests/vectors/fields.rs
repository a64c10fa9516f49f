//! What stands in a vector.

use hsm::{Cipher, Key};
use serde_json::Value;
use terms::Pan;
use wire::hex::{Charset, read, write};

pub(crate) fn text<'a>(vector: &'a Value, key: &str) -> &'a str {
    vector[key].as_str().unwrap_or_else(|| panic!("{key} is no text in {vector}"))
}

pub(crate) fn has(vector: &Value, key: &str) -> bool {
    vector.get(key).is_some()
}

pub(crate) fn unhexed(hex: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    read(Charset::Ascii, hex.as_bytes(), &mut bytes).expect("vectors hold hex");
    bytes
}

pub(crate) fn bytes(vector: &Value, key: &str) -> Vec<u8> {
    unhexed(text(vector, key))
}

pub(crate) fn array<const N: usize>(vector: &Value, key: &str) -> [u8; N] {
    bytes(vector, key).try_into().expect("as many bytes as the algorithm takes")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    write(Charset::Ascii, bytes, &mut out);
    String::from_utf8(out).expect("hex is text")
}

pub(crate) fn key(vector: &Value, name: &str) -> Key {
    Key::new(Cipher::Tdes, &bytes(vector, name)).expect("a key of a vector")
}

pub(crate) fn aes_key(vector: &Value, name: &str) -> Key {
    Key::new(Cipher::Aes, &bytes(vector, name)).expect("a key of a vector")
}

pub(crate) fn pan(vector: &Value) -> Pan {
    vector["pan"].as_str().map_or(Pan::NONE, |digits| Pan::new(digits.as_bytes()).expect("digits"))
}
