use super::keys::{Protection, misfit};
use super::{Header, Version, WrapError};
use crate::drbg::Random;
use crate::secret::Key;
use alloc::string::String;
use alloc::vec::Vec;
use wire::hex::{Charset, write};
use zeroize::Zeroizing;

/// Longest block a header can state.
const CHARACTERS_MAX: usize = 9_999;

/// Makes the block of a key. The filling behind the key is drawn from `random`; the same key never looks alike.
/// Source: ANSI X9.143:2021, 7.
///
/// # Errors
/// [`WrapError`].
pub fn wrap(kbpk: &Key, header: &Header, key: &Key, random: &mut dyn Random) -> Result<String, WrapError> {
    let version = header.version;
    if matches!(version, Version::A | Version::C) {
        return Err(WrapError::Retired { version });
    }
    if let Some(expected) = misfit(version, kbpk) {
        return Err(WrapError::ProtectionKey { version, expected });
    }
    wrap_by(&Protection::new(version, kbpk), header, key, random)
}

/// [`wrap`] with keys already derived.
pub(crate) fn wrap_by(
    protection: &Protection,
    header: &Header,
    key: &Key,
    random: &mut dyn Random,
) -> Result<String, WrapError> {
    let version = header.version;
    let length = (key.length() + 2).next_multiple_of(version.cipher_block());
    let mut data = Zeroizing::new(Vec::with_capacity(length));
    data.extend((key.length() as u16 * 8).to_be_bytes());
    data.extend(key.expose());
    let filled_from = data.len();
    data.resize(length, 0);
    random.fill(&mut data[filled_from..]);

    let mut header = header.clone();
    align(&mut header);
    let characters = header.write(0).len() + 2 * (length + version.mac_bytes());
    if characters > CHARACTERS_MAX || header.optional.len() > 99 {
        return Err(WrapError::TooLong);
    }
    let text = header.write(characters);
    // The MAC covers the plain key in B and D, and what it has become in the others.
    let mac = if protection.covers_plain() {
        let mac = protection.mac(text.as_bytes(), &data);
        protection.encrypt(text.as_bytes(), &mac, &mut data);
        mac
    } else {
        protection.encrypt(text.as_bytes(), &[], &mut data);
        protection.mac(text.as_bytes(), &data)
    };
    let mut block = text.into_bytes();
    write(Charset::Ascii, &data, &mut block);
    write(Charset::Ascii, &mac, &mut block);
    let block = String::from_utf8(block).expect("a header is printable and hex is too");
    Ok(if version == Version::S0 || version == Version::S1 { alloc::format!("S{block}") } else { block })
}

/// Optional blocks must fill whole blocks of the cipher; what lacks is a last one named PB. Source: ANSI
/// X9.143:2021, 6.3.6.3.
fn align(header: &mut Header) {
    let block = header.version.cipher_block();
    let over = header.write(0).len() % block;
    if over != 0 {
        let room = (block - over) % block;
        let length = if room < 4 { room + block } else { room };
        let text = core::iter::repeat_n('0', length - 4).collect();
        header.optional.push(super::Optional { id: *b"PB", text });
    }
}
