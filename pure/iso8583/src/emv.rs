//! Names of the EMV objects that travel in authorizations, and which of them nobody may see.

use crate::spec::Secret;

/// What people call a tag; empty for one that is not in the table.
pub(crate) fn name(tag: u32) -> &'static str {
    TAGS.binary_search_by_key(&tag, |(tag, ..)| *tag).map_or("", |at| TAGS[at].1)
}

/// What may be shown of it.
pub(crate) fn secret(tag: u32) -> Secret {
    TAGS.binary_search_by_key(&tag, |(tag, ..)| *tag).map_or(Open, |at| TAGS[at].2)
}

use Secret::{Hidden, Open, Pan, Pin, Track};

/// Ascending by tag. Source: EMV 4.3 Book 3, annex A; Book 4 for the terminal's own.
#[rustfmt::skip]
static TAGS: &[(u32, &str, Secret)] = &[
    (0x42,   "issuer identification number", Open),
    (0x4F,   "application identifier (card)", Open),
    (0x50,   "application label", Open),
    (0x56,   "track 1 equivalent data", Track),
    (0x57,   "track 2 equivalent data", Track),
    (0x5A,   "application primary account number", Pan),
    (0x70,   "record template", Open),
    (0x71,   "issuer script template 1", Open),
    (0x72,   "issuer script template 2", Open),
    (0x77,   "response template 2", Open),
    (0x82,   "application interchange profile", Open),
    (0x84,   "dedicated file name", Open),
    (0x86,   "issuer script command", Hidden),
    (0x8A,   "authorization response code", Open),
    (0x8E,   "cardholder verification method list", Open),
    (0x8F,   "certification authority public key index", Open),
    (0x91,   "issuer authentication data", Open),
    (0x95,   "terminal verification results", Open),
    (0x99,   "transaction PIN data", Pin),
    (0x9A,   "transaction date", Open),
    (0x9B,   "transaction status information", Open),
    (0x9C,   "transaction type", Open),
    (0x5F20, "cardholder name", Hidden),
    (0x5F24, "application expiration date", Open),
    (0x5F25, "application effective date", Open),
    (0x5F28, "issuer country code", Open),
    (0x5F2A, "transaction currency code", Open),
    (0x5F30, "service code", Open),
    (0x5F34, "application PAN sequence number", Open),
    (0x9F01, "acquirer identifier", Open),
    (0x9F02, "amount, authorized", Open),
    (0x9F03, "amount, other", Open),
    (0x9F06, "application identifier (terminal)", Open),
    (0x9F07, "application usage control", Open),
    (0x9F08, "application version number (card)", Open),
    (0x9F09, "application version number (terminal)", Open),
    (0x9F0B, "cardholder name, extended", Hidden),
    (0x9F0D, "issuer action code, default", Open),
    (0x9F0E, "issuer action code, denial", Open),
    (0x9F0F, "issuer action code, online", Open),
    (0x9F10, "issuer application data", Open),
    (0x9F11, "issuer code table index", Open),
    (0x9F12, "application preferred name", Open),
    (0x9F15, "merchant category code", Open),
    (0x9F16, "merchant identifier", Open),
    (0x9F18, "issuer script identifier", Open),
    (0x9F1A, "terminal country code", Open),
    (0x9F1C, "terminal identification", Open),
    (0x9F1E, "interface device serial number", Open),
    (0x9F1F, "track 1 discretionary data", Track),
    (0x9F20, "track 2 discretionary data", Track),
    (0x9F21, "transaction time", Open),
    (0x9F26, "application cryptogram", Open),
    (0x9F27, "cryptogram information data", Open),
    (0x9F33, "terminal capabilities", Open),
    (0x9F34, "cardholder verification method results", Open),
    (0x9F35, "terminal type", Open),
    (0x9F36, "application transaction counter", Open),
    (0x9F37, "unpredictable number", Open),
    (0x9F39, "point-of-service entry mode", Open),
    (0x9F41, "transaction sequence counter", Open),
    (0x9F4C, "ICC dynamic number", Open),
    (0x9F4E, "merchant name and location", Open),
    (0x9F53, "transaction category code", Open),
    (0x9F5B, "issuer script results", Open),
    (0x9F63, "product identification", Open),
    (0x9F6B, "track 2 data", Track),
    (0x9F6E, "form factor indicator", Open),
    (0x9F74, "issuer authorization code", Open),
    (0xDF31, "issuer script results", Open),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_ascending_each_tag_once() {
        assert!(TAGS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn what_is_on_the_stripe_is_secret_in_the_chip_too() {
        assert_eq!([secret(0x57), secret(0x9F1F), secret(0x56)], [Track; 3]);
        assert_eq!((secret(0x5A), secret(0x5F24), secret(0x1234)), (Pan, Open, Open));
    }
}
