//! Key blocks of both families, and keys under a master key of variants.

use crate::fields::{bytes, has, hex, text, unhexed};
use crate::file::{Outcome, agrees, agrees_if, left_out};
use hsm::check_value::usual;
use hsm::drbg::{Drbg, SEED_BYTES};
use hsm::keyblock::{Version, open, wrap};
use hsm::lmk::{KeyType, Scheme, VariantLmk, decrypt_under, encrypt_under};
use hsm::{Cipher, Key};
use serde_json::Value;

/// The cipher of the key that protects a block, which the file does not say.
fn protection(block: &str, vector: &Value) -> Key {
    let cipher =
        if block.starts_with(['D', '1']) || block.starts_with("S1") { Cipher::Aes } else { Cipher::Tdes };
    Key::new(cipher, &bytes(vector, "kbpk")).expect("a key")
}

pub(crate) fn tr31(vector: &Value, _: &Value) -> Outcome {
    let block = text(vector, "key_block");
    if block.starts_with('E') {
        return left_out("version E (AES in counter mode, ISO 20038) is not built: no partner uses it");
    }
    let kbpk = protection(block, vector);
    match open(&kbpk, block) {
        Ok(opened) => agrees(&hex(opened.expose()), vector, "key").and(|| again(&kbpk, &opened)),
        Err(error) => Outcome::Differs(format!("{error}: {}", &block[..block.len().min(60)])),
    }
}

pub(crate) fn pay_shield(vector: &Value, _: &Value) -> Outcome {
    let block = format!("S{}", text(vector, "block"));
    let kbpk = protection(&block, vector);
    match open(&kbpk, &block) {
        Ok(opened) => agrees(&hex(opened.expose()), vector, "clear_key")
            .and(|| agrees_if(block[1..].starts_with(text(vector, "header")), "header"))
            .and(|| {
                let key = opened.key().expect("a cipher of ours").expect("a length of it");
                if has(vector, "kcv") {
                    agrees(&usual(&key).to_string(), vector, "kcv")
                } else {
                    Outcome::Agrees
                }
            })
            .and(|| again(&kbpk, &opened)),
        Err(error) => Outcome::Differs(format!("{error}: {block}")),
    }
}

/// What was opened is wrapped anew, where such blocks are still made, and opens to the same.
fn again(kbpk: &Key, opened: &hsm::keyblock::Opened) -> Outcome {
    let Some(Ok(key)) = opened.key() else { return Outcome::Agrees };
    if matches!(opened.header.version, Version::A | Version::C) {
        return Outcome::Agrees;
    }
    let mut random = Drbg::new(&[7; SEED_BYTES]);
    let block = wrap(kbpk, &opened.header, &key, &mut random).expect("what was a block can be one");
    match open(kbpk, &block) {
        Ok(back) => {
            agrees_if(back.key() == opened.key() && back.header.usage == opened.header.usage, "again")
        }
        Err(error) => Outcome::Differs(format!("wrapped anew: {error}: {block}")),
    }
}

pub(crate) fn under_lmk(vector: &Value, file: &Value) -> Outcome {
    let lmk = test_lmk(&file["test_lmk_pairs"]);
    let under = text(vector, "under_lmk");
    let (scheme, digits) = match under.chars().next().and_then(|letter| Scheme::of_letter(letter as u8)) {
        Some(scheme) => (scheme, &under[1..]),
        None => (Scheme::Z, under),
    };
    let kind = KeyType::parse(text(vector, "key_type").as_bytes()).expect("a type of key");
    let over = lmk.key_for(kind);
    let key = match decrypt_under(&over, scheme, &unhexed(digits)) {
        Ok(key) => key,
        Err(error) => return Outcome::Differs(error.to_string()),
    };
    agrees(&hex(key.expose()), vector, "clear")
        .and(|| agrees(&usual(&key).to_string(), vector, "kcv"))
        .and(|| {
            agrees_if(vector["odd_parity"].as_bool().is_none_or(|odd| odd == key.parity_holds()), "parity")
        })
        .and(|| {
            let back = encrypt_under(&over, scheme, &key).expect("what came out goes in");
            agrees_if(hex(&back[..key.length()]) == digits, "enciphered again")
        })
}

fn test_lmk(pairs: &Value) -> VariantLmk {
    let pairs: Vec<[u8; 16]> = (0..20)
        .map(|at| format!("{:02}-{:02}", at * 2, at * 2 + 1))
        .map(|name| unhexed(text(pairs, &name)).try_into().expect("sixteen bytes"))
        .collect();
    VariantLmk::new(&pairs.try_into().expect("twenty pairs"))
}
