//! Key blocks that were changed, cut or made under another key.

use hsm::drbg::{Drbg, SEED_BYTES};
use hsm::keyblock::{BlockError, Exportable, Header, Optional, Version, WrapError, open, peek, wrap};
use hsm::{Cipher, Key};
use proptest::prelude::*;

const MADE: [Version; 4] = [Version::B, Version::D, Version::S0, Version::S1];

fn protecting(version: Version) -> Key {
    let bytes: Vec<u8> = (0..32).map(|at| at * 7 + 1).collect();
    match version {
        Version::D | Version::S1 => Key::aes(&bytes).expect("32 bytes"),
        _ => Key::tdes(&bytes[..16]).expect("16 bytes"),
    }
}

fn header(version: Version) -> Header {
    let mut header = Header::new(version, *b"P0", b'T', b'E');
    header.key_version = *b"07";
    header.exportable = Exportable::No;
    header.optional = vec![Optional { id: *b"KS", text: "00604B120F9292800000".into() }];
    header
}

fn block(version: Version, key: &Key) -> String {
    let mut random = Drbg::new(&[7; SEED_BYTES]);
    wrap(&protecting(version), &header(version), key, &mut random).expect("a block")
}

fn pin_key() -> Key {
    Key::tdes(b"0123456789ABCDEF").expect("16 bytes")
}

#[test]
fn what_is_wrapped_opens_to_the_same() {
    for version in MADE {
        let block = block(version, &pin_key());
        let opened = open(&protecting(version), &block).expect("authentic");
        assert_eq!(opened.key(), Some(Ok(pin_key())), "{version}");
        let header = peek(&block).expect("a header");
        assert_eq!(header, opened.header);
        assert_eq!(
            (header.usage_text(), header.key_version, header.exportable),
            ("P0", *b"07", Exportable::No)
        );
        assert_eq!(header.optional[0], self::header(version).optional[0]);
    }
}

#[test]
fn every_character_changed_is_noticed() {
    for version in MADE {
        let block = block(version, &pin_key());
        for at in 0..block.len() {
            let mut changed = block.clone().into_bytes();
            changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(changed).expect("text");
            assert!(open(&protecting(version), &changed).is_err(), "{version}, character {at}");
        }
    }
}

#[test]
fn every_length_cut_is_noticed_and_said() {
    for version in MADE {
        let block = block(version, &pin_key());
        for length in 0..block.len() {
            let refused = open(&protecting(version), &block[..length]).expect_err("it is cut");
            let known = matches!(
                refused,
                BlockError::Truncated { .. } | BlockError::Length { .. } | BlockError::Version { .. }
            );
            assert!(known, "{version} cut at {length}: {refused}");
        }
    }
}

#[test]
fn what_is_wrong_with_a_block_is_said() {
    let block = block(Version::B, &pin_key());
    let with = |at: usize, text: &str| format!("{}{text}{}", &block[..at], &block[at + text.len()..]);
    let kbpk = protecting(Version::B);
    #[rustfmt::skip]
    let cases = [
        (with(0, "Q"),              "version `Q`"),
        (with(1, "00x0"),           "expected the length in four digits"),
        (with(1, "9999"),           "the header says 9999 characters"),
        (with(11, "Y"),             "expected E, N or S"),
        (with(12, "0x"),            "the number of optional blocks"),
        (with(5, "?"),              "expected a letter or digit"),
        (with(18, "ZZ"),            "a length in hex digits"),
        (with(18, "01"),            "a length that covers itself"),
        (with(60, "G"),             "is not hex digits"),
        (with(5, "K0"),             "MAC is wrong"),
        (String::from("Sä"),        "version"),
    ];
    for (block, wanted) in cases {
        let refused = open(&kbpk, &block).expect_err("it is wrong").to_string();
        assert!(refused.contains(wanted), "{block}: {refused}");
    }
    let other = Key::tdes(b"FEDCBA9876543210").expect("16 bytes");
    assert_eq!(open(&other, &block).err(), Some(BlockError::Authentication));
    let aes = open(&protecting(Version::D), &block).expect_err("the wrong kind of key");
    assert_eq!(aes.to_string(), "version B is protected by a triple-DES key of 16 or 24 bytes");
}

#[test]
fn blocks_of_old_versions_are_not_made() {
    for version in [Version::A, Version::C] {
        let made = wrap(&protecting(version), &header(version), &pin_key(), &mut Drbg::new(&[1; SEED_BYTES]));
        assert_eq!(made, Err(WrapError::Retired { version }));
    }
    let long = Optional { id: *b"CT", text: "x".repeat(10_000) };
    let header = Header { optional: vec![long], ..header(Version::D) };
    let made = wrap(&protecting(Version::D), &header, &pin_key(), &mut Drbg::new(&[1; SEED_BYTES]));
    assert_eq!(made, Err(WrapError::TooLong));
}

proptest! {
    #[test]
    fn no_text_makes_opening_panic(text in "[A-DS01E0-9T ]{0,80}", at in 0..4_usize) {
        let _ = open(&protecting(MADE[at]), &text);
        let _ = peek(&text);
    }

    #[test]
    fn every_key_and_text_comes_back(
        bytes in proptest::collection::vec(any::<u8>(), 1..33),
        text in "[ -~]{0,400}",
        at in 0..4_usize,
    ) {
        let version = MADE[at];
        let (cipher, letter) = if bytes.len() % 2 == 0 { (Cipher::Aes, b'A') } else { (Cipher::Tdes, b'T') };
        let length = if cipher == Cipher::Aes { 32 } else { 24 };
        let padded: Vec<u8> = bytes.iter().copied().cycle().take(length).collect();
        let key = Key::new(cipher, &padded).expect("a length of the cipher");
        let mut header = header(version);
        header.algorithm = letter;
        header.optional[0].text = text.clone();
        let mut random = Drbg::new(&[3; SEED_BYTES]);
        let block = wrap(&protecting(version), &header, &key, &mut random).expect("a block");
        let opened = open(&protecting(version), &block).expect("authentic");
        prop_assert_eq!(opened.key(), Some(Ok(key)));
        prop_assert_eq!(&opened.header.optional[0].text, &text);
    }
}
