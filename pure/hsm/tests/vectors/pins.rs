//! PIN blocks, clear and enciphered, there and back.

use crate::fields::{bytes, has, hex, pan, text, unhexed};
use crate::file::{Outcome, agrees, agrees_if};
use hsm::pin::{ClearBlock, Fill, Format, compose, decipher, encipher, extract, iso4_fields};
use hsm::{Key, Pin};
use serde_json::Value;

pub(crate) fn pin_block(vector: &Value, _: &Value) -> Outcome {
    let number = text(vector, "format").strip_prefix("ISO-").expect("ISO formats alone");
    let format = Format::of_iso(number.parse().expect("a digit")).expect("a format of ISO 9564");
    let (pin, pan) = (Pin::new(text(vector, "pin").as_bytes()).expect("a PIN"), pan(vector));
    if format == Format::Iso4 {
        return format_4(vector, &pin);
    }
    let given: Vec<u8> = match (vector["fill_nibbles"].as_str(), vector["transaction_field"].as_str()) {
        (Some(fill), _) | (None, Some(fill)) => {
            fill.chars().map(|digit| digit.to_digit(16).expect("hex") as u8).collect()
        }
        (None, None) => Vec::new(),
    };
    let block = compose(format, &pin, &pan, &mut Fill::Given(&given)).expect("a block");
    agrees(&hex(block.expose()), vector, "clear")
        .and(|| agrees_if(extract(format, &block, &pan).as_ref() == Ok(&pin), "the PIN comes back"))
        .and(|| {
            if !has(vector, "encrypted_tdes_ecb") {
                return Outcome::Agrees;
            }
            let key = Key::tdes(&bytes(vector, "key")).expect("a key");
            let sent = encipher(format, &block, &pan, &key).expect("it fits");
            let back = decipher(format, sent.as_bytes(), &pan, &key).expect("it fits");
            agrees(&hex(sent.as_bytes()), vector, "encrypted_tdes_ecb")
                .and(|| agrees_if(back == block, "the clear block comes back"))
        })
}

fn format_4(vector: &Value, pin: &Pin) -> Outcome {
    let pan = pan(vector);
    let field = bytes(vector, "pin_field");
    let (pin_field, card_field) = iso4_fields(pin, &pan, &mut Fill::Given(&field[8..])).expect("both fields");
    let key = Key::aes(&bytes(vector, "key")).expect("a key");
    let block = ClearBlock::new(&*pin_field).expect("16 bytes");
    let sent = encipher(Format::Iso4, &block, &pan, &key).expect("it fits");
    let back = decipher(Format::Iso4, &unhexed(text(vector, "encrypted")), &pan, &key).expect("it fits");
    agrees(&hex(&*pin_field), vector, "pin_field")
        .and(|| agrees(&hex(&*card_field), vector, "pan_field"))
        .and(|| agrees(&hex(sent.as_bytes()), vector, "encrypted"))
        .and(|| agrees_if(extract(Format::Iso4, &back, &pan).as_ref() == Ok(pin), "the PIN comes back"))
}
