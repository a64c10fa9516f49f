//! Card and PIN verification values, and cryptograms of chip cards.

use crate::fields::{array, bytes, has, hex, key, pan, text};
use crate::file::{Outcome, agrees, agrees_if};
use hsm::mac::Padding;
use hsm::{Key, Pin, card, emv};
use serde_json::Value;

pub(crate) fn card_value(vector: &Value, _: &Value) -> Outcome {
    match text(vector, "kind") {
        "Visa PVV" => {
            let pin = Pin::new(text(vector, "pin").as_bytes()).expect("a PIN");
            let account = text(vector, "pan_12_rightmost_excl_check").as_bytes();
            let account = account.try_into().expect("twelve digits");
            let index = text(vector, "pvki").as_bytes()[0];
            let pvv = card::pvv(&key(vector, "pvk"), account, index, &pin).expect("it fits");
            agrees(&String::from_utf8_lossy(&pvv), vector, "pvv")
        }
        "IBM 3624" => {
            let pin = Pin::new(text(vector, "pin").as_bytes()).expect("a PIN");
            let (pvk, data) = (key(vector, "pvk"), array(vector, "validation_data"));
            let table = text(vector, "decimalisation_table").as_bytes().try_into().expect("sixteen digits");
            let natural = card::natural_pin(&pvk, &data, table).expect("it fits");
            let offset = card::offset(&pvk, &data, table, &pin).expect("it fits");
            let first = |digits: &[u8]| String::from_utf8_lossy(&digits[..pin.length()]).into_owned();
            agrees(&first(&*natural), vector, "natural_pin").and(|| agrees(&first(&offset), vector, "offset"))
        }
        _ => {
            let digits = |name| text(vector, name).as_bytes();
            let cvv = card::cvv(&key(vector, "cvk"), &pan(vector), digits("expiry"), digits("service_code"));
            agrees(&String::from_utf8_lossy(&cvv.expect("it fits")), vector, "cvv")
        }
    }
}

/// The vectors of one origin share the card and session key of the first.
pub(crate) fn cryptogram(vector: &Value, file: &Value) -> Outcome {
    let first = &file["vectors"][0];
    let card = || {
        emv::card_key(&key(first, "imk"), text(first, "pan").as_bytes(), b"00").expect("a card of 16 digits")
    };
    let session = || emv::session_key(&card(), emv::by_counter(array(first, "atc"))).expect("a key");
    let request =
        |key: &Key, padding| hex(&emv::arqc(key, padding, &bytes(vector, "data")).expect("it fits"));
    match text(vector, "what") {
        "option A ICC master key + common session key" => {
            agrees(&hex(card().expose()), vector, "mk").and(|| agrees(&hex(session().expose()), vector, "sk"))
        }
        "ARQC, padding 2 (EMV), common session key" => {
            agrees(&request(&session(), Padding::Bit), vector, "arqc")
        }
        "ARQC, padding zero, common session key" => {
            agrees(&request(&session(), Padding::Zeros), vector, "arqc")
        }
        "ARQC, Visa CVN10 style (no session key), padding zero" => {
            agrees(&request(&card(), Padding::Zeros), vector, "arqc")
        }
        "ARPC method 1" => {
            let arpc = emv::arpc_by_code(&session(), array(vector, "arqc"), array(vector, "arc"));
            agrees(&hex(&arpc.expect("it fits")), vector, "arpc")
        }
        "ARPC method 2 (4 bytes)" => {
            let arpc = emv::arpc_by_status(&session(), array(vector, "arqc"), array(vector, "csu"), &[]);
            agrees(&hex(&arpc.expect("it fits")), vector, "arpc")
        }
        "ARPC method 1 with the ICC master key (VIS)" => {
            let arpc = emv::arpc_by_code(&card(), array(vector, "arqc"), array(vector, "arc"));
            agrees(&hex(&arpc.expect("it fits")), vector, "arpc")
        }
        what if what.starts_with("payShield KQ") => {
            let number = text(vector, "pan_psn").as_bytes();
            let (pan, sequence) = number.split_at(14);
            let sequence = sequence.try_into().expect("two digits");
            let card = emv::card_key(&key(vector, "mk_ac"), pan, sequence).expect("it fits");
            agrees(&request(&card, Padding::Zeros), vector, "arqc")
        }
        what if what.starts_with("pyemv HSM-checked") => hsm_checked(vector),
        _ => agrees_if(has(vector, "what"), "a vector without a name"),
    }
}

fn hsm_checked(vector: &Value) -> Outcome {
    let sequence = text(vector, "psn").as_bytes().try_into().expect("two digits");
    let card = emv::card_key(&key(vector, "imk"), text(vector, "pan").as_bytes(), sequence).expect("a card");
    let session = emv::session_key(&card, [0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56]).expect("a key");
    let arqc = emv::arqc(&session, Padding::Bit, &bytes(vector, "data")).expect("it fits");
    agrees(&hex(&arqc), vector, "arqc").and(|| {
        // Its answer code is two bytes of nought.
        let arpc = emv::arpc_by_code(&card, arqc, [0, 0]).expect("it fits");
        agrees(&hex(&arpc), vector, "arpc")
    })
}
