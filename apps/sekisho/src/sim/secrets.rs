//! PINs and authentication codes of simulated partners, under test keys in a file: whoever reads it has them all.

use super::speech::{SimError, Speech};
use dialects::{MacJoin, WriteError};
use hsm::mac::{self, Algorithm, Padding, unionpay};
use hsm::pin::{Fill, Format, compose, decipher, encipher, extract};
use hsm::{Key, Pin};
use serde::Deserialize;
use std::path::Path;
use std::sync::Arc;
use terms::{Answer, BusinessDate, Carried, Noun, Outgoing, Txn};

/// `--keys FILE`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeysToml {
    /// How codes are made; without it there are none.
    mac: Option<String>,
    /// Their key, hex.
    mac_key: Option<String>,
    /// The key of PIN blocks, hex; without it there are constants in their place.
    pin_key: Option<String>,
    /// Their format.
    #[serde(default)]
    pin_format: u8,
    /// The PIN of every card.
    #[serde(default = "usual_pin")]
    pin: String,
}

fn usual_pin() -> String {
    "1234".to_owned()
}

/// What one side of a line shares with the switch.
#[derive(Clone)]
pub struct Secrets {
    mac: Option<(Algorithm, Key)>,
    pin: Option<(Format, Key, Pin)>,
}

/// Why a message is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It cannot be read.
    Unreadable,
    /// Its code is missing or wrong.
    Code,
}

impl Secrets {
    /// Reads a file of test keys.
    ///
    /// # Errors
    /// [`SimError`]: no such file, no such algorithm, keys that are none.
    pub fn load(path: &Path) -> Result<Arc<Self>, SimError> {
        let at = || path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| SimError::File { path: at(), source })?;
        let keys: KeysToml = toml::from_str(&text)
            .map_err(|source| SimError::Rules { path: at(), source: Box::new(source) })?;
        let wrong = |what: &str| SimError::Keys { path: at(), what: what.to_owned() };
        let mac = match (&keys.mac, &keys.mac_key) {
            (Some(name), Some(key)) => {
                let algorithm = Algorithm::named(name).ok_or_else(|| wrong("no such algorithm"))?;
                let key =
                    Key::new(algorithm.cipher(), &unhexed(key).ok_or_else(|| wrong("mac_key is no hex"))?);
                Some((algorithm, key.map_err(|_| wrong("mac_key has no length of its cipher"))?))
            }
            (None, None) => None,
            _ => return Err(wrong("mac and mac_key go together")),
        };
        let pin = match &keys.pin_key {
            Some(key) => {
                let format = Format::of_iso(keys.pin_format).ok_or_else(|| wrong("no such pin_format"))?;
                let bytes = unhexed(key).ok_or_else(|| wrong("pin_key is no hex"))?;
                let key = if format == Format::Iso4 { Key::aes(&bytes) } else { Key::tdes(&bytes) };
                let key = key.map_err(|_| wrong("pin_key has no length of its cipher"))?;
                let pin = Pin::new(keys.pin.as_bytes()).ok_or_else(|| wrong("pin has 4 to 12 digits"))?;
                Some((format, key, pin))
            }
            None => None,
        };
        Ok(Arc::new(Self { mac, pin }))
    }

    /// Codes by X9.19 under one key, PINs in format 0 under another; every card's PIN is 1234.
    pub fn of(mac: Key, pin: Key) -> Arc<Self> {
        let usual = Pin::new(b"1234").expect("four digits");
        Arc::new(Self { mac: Some((Algorithm::X919, mac)), pin: Some((Format::Iso0, pin, usual)) })
    }

    /// The block of this card's PIN in a request that has room for one.
    pub fn put_pin(&self, txn: &mut Txn) {
        let Some((format, key, pin)) = &self.pin else { return };
        let Ok(clear) = compose(*format, pin, &txn.pan, &mut Fill::Given(&[0xAA; 16])) else { return };
        let Ok(block) = encipher(*format, &clear, &txn.pan, key) else { return };
        let mut carried = Carried::with_capacity(512);
        for (number, contents) in txn.carried.iter() {
            let Some(noun) = Noun::numbered(number) else { continue };
            let is_pin = noun == Noun::PinBlock;
            carried.push(noun, if is_pin { block.as_bytes() } else { contents });
        }
        txn.carried = carried;
    }

    /// Whether the PIN of a request is the card's; a request without one is as it should be.
    pub fn pin_is_right(&self, txn: &Txn) -> bool {
        let (Some((format, key, pin)), Some(block)) = (&self.pin, txn.carried.get(Noun::PinBlock)) else {
            return true;
        };
        let opened =
            decipher(*format, block, &txn.pan, key).and_then(|clear| extract(*format, &clear, &txn.pan));
        opened.is_ok_and(|found| found.expose() == pin.expose())
    }
}

impl Speech {
    /// Writes a request, with its code where one was agreed on.
    pub fn write_request(&self, txn: &Txn, ours: &Outgoing, out: &mut Vec<u8>) -> Result<(), WriteError> {
        match self.codes() {
            None => self.dialect.write_request(txn, ours, out),
            Some(_) => {
                let start = out.len();
                self.dialect.write_request_with_room(txn, ours, out)?;
                self.seal(&mut out[start..]);
                Ok(())
            }
        }
    }

    /// Writes an answer, with its code where one was agreed on.
    pub fn write_answer(&self, request: &Txn, answer: &Answer, out: &mut Vec<u8>) -> Result<(), WriteError> {
        match self.codes() {
            None => self.dialect.write_answer(request, answer, out),
            Some(_) => {
                let start = out.len();
                self.dialect.write_answer_with_room(request, answer, out)?;
                self.seal(&mut out[start..]);
                Ok(())
            }
        }
    }

    /// Reads a message whose code is right, where one was agreed on.
    pub fn read(&self, body: &[u8], today: BusinessDate) -> Result<Txn, Doubt> {
        let txn = self.dialect.read(body, today).map_err(|_| Doubt::Unreadable)?;
        let Some((algorithm, key)) = self.codes().filter(|_| self.dialect.authenticates(txn.message)) else {
            return Ok(txn);
        };
        let covered = self.dialect.covered(body).map_err(|_| Doubt::Code)?;
        let code = covered.code.as_deref().ok_or(Doubt::Code)?;
        let data = self.cleaned(covered.data.expose());
        let right = mac::verify(*algorithm, Padding::Zeros, key, &data, code).is_ok_and(|right| right);
        if right { Ok(txn) } else { Err(Doubt::Code) }
    }

    fn codes(&self) -> Option<&(Algorithm, Key)> {
        self.secrets.as_ref().and_then(|secrets| secrets.mac.as_ref())
    }

    fn cleaned(&self, data: &[u8]) -> Vec<u8> {
        match self.dialect.mac().map(|rule| rule.join) {
            Some(MacJoin::Spaces) => unionpay::plain([data]),
            _ => data.to_vec(),
        }
    }

    /// Puts the code into a message that has room for it; one without room carries none.
    fn seal(&self, body: &mut [u8]) {
        let Some((algorithm, key)) = self.codes() else { return };
        let Ok(covered) = self.dialect.covered(body) else { return };
        let data = self.cleaned(covered.data.expose());
        let Ok(mac) = mac::make(*algorithm, Padding::Zeros, key, &data) else { return };
        // Without room it is a type that carries none.
        let _ = self.dialect.put_code(&covered, mac.as_bytes(), body);
    }
}

fn unhexed(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let bytes = digits.chunks(2).map(|two| match two {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    bytes.collect()
}
