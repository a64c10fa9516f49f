//! A ceremony for a key of a device. The device's host port takes no component in clear: each custodian has theirs
//! enciphered at the device's own console, and enters that.

use super::secret_input;
use crate::commands::key::place::Place;
use crate::commands::key::{Shape, of_ceremony, of_module};
use crate::commands::link::door::Failure;
use crate::exit;
use crate::run::guard::{KeyModule, NotAsked};
use hsm::Cipher;
use hsm::check_value::CheckValue;
use hsm::keyblock::peek;
use hsm::lmk::Scheme;
use hsm::ops::{Answer, Fault, NewKey, Request, StoredKey};
use keystore::{Ceremony, Maker, Purpose};

/// Whether a device can make that.
pub(super) fn may_start(purpose: &Purpose, shape: Shape) -> Result<(), Failure> {
    match (purpose, shape.cipher()) {
        (Purpose::Master, _) => Err(own_master()),
        // Sixteen digits of such a component could be one in clear, and nobody could tell.
        (Purpose::Key(..), (Cipher::Tdes, 8)) => {
            Err(refused("CER2012-E", "a device makes keys of two parts at least of components", "--bytes 16"))
        }
        (Purpose::Key(..), (Cipher::Sm4, _)) => {
            Err(refused("CER2012-E", "this family of devices has no SM4", "--cipher tdes"))
        }
        (Purpose::Key(..), _) => Ok(()),
    }
}

/// The master key of a device is not ours to make.
pub(super) fn own_master() -> Failure {
    refused(
        "CER2010-E",
        "the master key of a device is made at the device's own console, and never leaves it",
        "make it there, then set lmk_check in [[hsm]] to the check value the device shows",
    )
}

/// Components of a token's keys are entered at its own tool: here they would be in clear.
pub(super) fn of_token() -> Failure {
    refused(
        "CER2014-E",
        "components of keys of a token are entered with the token's own tool, and never here",
        "sekisho hsm master for its master keys; sekisho key adopt OWNER KEY --label LABEL for one put there by its tool",
    )
}

/// Whether the ceremony is still one of the module the configuration names.
pub(super) fn is_same(ceremony: &Ceremony, place: &Place) -> Result<(), Failure> {
    if (ceremony.maker() == Maker::Device) == place.devices()?.is_some() {
        return Ok(());
    }
    Err(refused(
        "CER2013-E",
        "the ceremony was begun for another kind of module than the configuration names now",
        "sekisho ceremony abort --reason TEXT",
    ))
}

/// Takes one person's component; gives the check value the device tells of it.
pub(super) fn enter(
    ceremony: &mut Ceremony,
    place: &Place,
    by: &str,
    number: usize,
) -> Result<CheckValue, Failure> {
    let Purpose::Key(_, role) = ceremony.purpose().map_err(of_ceremony)? else { return Err(own_master()) };
    let text = secret_input::stored(&format!(
        "component {number} of {}, as the device's console enciphered it: ",
        ceremony.purpose_text()
    ))?;
    let (_, bytes) = ceremony.shape().map_err(of_ceremony)?;
    if !is_enciphered(&text, bytes) {
        return Err(Failure::Said {
            code: "CER2011-E",
            said: "a device takes a component only as its own console enciphers it, marked as a component"
                .into(),
            state: "what was typed is erased; if it was a component in clear, make another".into(),
            next: "encipher it at the device's console, then: sekisho ceremony component".into(),
            exit: exit::UNDECODABLE,
        });
    }
    let component = StoredKey::new(role, text.as_str());
    let mut desk = place.desk()?;
    let answer = desk.module.ask(&Request::CheckValue { key: component, method: None }).map_err(of_module)?;
    let Answer::CheckValue(check) = answer else { return Err(strange()) };
    let check = check.first(3);
    ceremony.enter_enciphered(by, &text, check).map_err(of_ceremony)?;
    Ok(check)
}

/// Makes the key of what was entered.
pub(super) fn form(
    module: &mut KeyModule,
    new: &NewKey,
    ceremony: &Ceremony,
) -> Result<(StoredKey, CheckValue), Failure> {
    let components = ceremony.enciphered().map_err(of_ceremony)?;
    let components = components.into_iter().map(|text| StoredKey::new(new.role, text)).collect();
    let answer = module.ask(&Request::Form { key: *new, components }).map_err(of_module)?;
    match answer {
        Answer::Generated { key, check: Some(check), .. } => Ok((key, check)),
        _ => Err(strange()),
    }
}

/// A cryptogram with the letter of its scheme, or a block that says that it holds a component; digits alone are none:
/// they could be a component in clear.
fn is_enciphered(text: &str, bytes: usize) -> bool {
    if let Ok(header) = peek(text) {
        return text.starts_with('S') && header.key_version[0] == b'c';
    }
    let mut letters = text.bytes();
    let scheme = letters.next().and_then(Scheme::of_letter);
    let fits = |scheme: Scheme| {
        matches!(scheme, Scheme::U | Scheme::T) && scheme.key_bytes() == bytes && text.len() == 1 + 2 * bytes
    };
    scheme.is_some_and(fits) && letters.all(|digit| digit.is_ascii_hexdigit())
}

fn strange() -> Failure {
    of_module(NotAsked::Fault(Fault::Request))
}

fn refused(code: &'static str, said: &str, next: &str) -> Failure {
    Failure::Said {
        code,
        said: said.into(),
        state: "nothing was changed".into(),
        next: next.into(),
        exit: exit::REFUSED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hsm::ops::Role;

    #[test]
    fn digits_alone_may_be_a_component_in_clear_and_are_not_taken() {
        let digits = "0123456789ABCDEFFEDCBA9876543210";
        let block = "S0007252TBc1E0001C9ED3207A1A79BCA1CAB8C05FEC9429E2232067D1F9E908F15E9DCA7";
        let whole_key = block.replacen("c1", "00", 1);
        for (text, taken) in [
            (digits.to_string(), false),
            (format!("Z{digits}"), false),
            (format!("X{digits}"), false),
            (format!("U{digits}"), true),
            (format!("U{}", &digits[..16]), false),
            (format!("U{}G", &digits[..31]), false),
            (block.to_string(), true),
            (whole_key, false),
            (String::new(), false),
        ] {
            assert_eq!(is_enciphered(&text, 16), taken, "{text}");
        }
    }

    #[test]
    fn a_role_of_each_kind_may_be_made_of_components() {
        let shape = Shape::AES;
        assert!(may_start(&Purpose::Key(keys::Owner::House, Role::Zmk), shape).is_ok());
        assert!(may_start(&Purpose::Master, shape).is_err());
    }
}
