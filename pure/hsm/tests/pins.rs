//! PIN blocks that are wrong, and translations that are not done.

use hsm::drbg::{Drbg, SEED_BYTES};
use hsm::pin::{
    ClearBlock, Fill, Format, PinError, PinLeg, Policy, TranslateError, compose, decipher, encipher, extract,
    translate,
};
use hsm::{Cipher, Key, Pin};
use proptest::prelude::*;
use terms::Pan;

fn pan(digits: &str) -> Pan {
    Pan::new(digits.as_bytes()).expect("digits")
}

fn card() -> Pan {
    pan("4111111111111111")
}

fn random() -> Drbg {
    Drbg::new(&[7; SEED_BYTES])
}

fn tdes(byte: u8) -> Key {
    let bytes: Vec<u8> = (0..16).map(|at| byte.wrapping_mul(at + 3)).collect();
    Key::tdes(&bytes).expect("16 bytes").with_parity()
}

fn aes(byte: u8) -> Key {
    Key::aes(&[byte; 16]).expect("16 bytes")
}

fn key_for(format: Format, byte: u8) -> Key {
    if format == Format::Iso4 { aes(byte) } else { tdes(byte) }
}

const ALL: [Format; 6] =
    [Format::Iso0, Format::Iso1, Format::Iso2, Format::Iso3, Format::Iso4, Format::Filled];

#[test]
fn a_block_that_is_none_is_refused_and_the_refusal_says_what_does_not_fit() {
    use Format::{Filled, Iso0, Iso1, Iso2, Iso3, Iso4};
    #[rustfmt::skip]
    let blocks: &[(Format, &[u8], PinError)] = &[
        // The four bytes after the PIN show the card number added to them; for a card of ones each is EE.
        (Iso0, b"\x14\x12\x25\xEE\xEE\xEE\xEE\xEE", PinError::Control { format: Iso0 }),
        (Iso0, b"\x03\x12\x25\xEE\xEE\xEE\xEE\xEE", PinError::PinLength { format: Iso0 }),
        (Iso0, b"\x0D\x12\x25\xEE\xEE\xEE\xEE\xEE", PinError::PinLength { format: Iso0 }),
        (Iso0, b"\x04\xA2\x25\xEE\xEE\xEE\xEE\xEE", PinError::Contents { format: Iso0 }),
        (Iso0, b"\x04\x12\x25\xEE\xEE\xEE\xEE\xED", PinError::Contents { format: Iso0 }),
        (Iso0, b"\x04\x12\x25\xEE\xEE\xEE\xEE\xEE\0\0\0\0\0\0\0\0", PinError::Length { format: Iso0, found: 16 }),
        (Iso1, b"\x24\x12\x34\x56\x78\x90\x12\x34", PinError::Control { format: Iso1 }),
        (Iso1, b"\x14\x12\x3A\x56\x78\x90\x12\x34", PinError::Contents { format: Iso1 }),
        (Iso2, b"\x24\x12\x34\xFF\xFF\xFF\xFF\xF0", PinError::Contents { format: Iso2 }),
        (Iso3, b"\x34\x12\x25\xBA\xDC\xFE\xBA\xD1", PinError::Contents { format: Iso3 }),
        (Iso4, b"\x44\x12\x34\xAA\xAA\xAA\xAA\xAB\0\0\0\0\0\0\0\0", PinError::Contents { format: Iso4 }),
        (Iso4, b"\x44\x12\x34\xAA\xAA\xAA\xAA\xAA", PinError::Length { format: Iso4, found: 8 }),
        (Filled, b"\x12\x3F\xFF\xFF\xFF\xFF\xFF\xFF", PinError::Contents { format: Filled }),
        (Filled, b"\x12\x34\xF1\xFF\xFF\xFF\xFF\xFF", PinError::Contents { format: Filled }),
    ];
    for (format, bytes, error) in blocks {
        let block = ClearBlock::new(bytes).expect("8 or 16 bytes");
        assert_eq!(extract(*format, &block, &card()).err(), Some(*error), "{bytes:02X?}");
    }
    assert_eq!(ClearBlock::new(&[0; 9]), None);
}

#[test]
fn another_card_number_does_not_open_a_bound_block() {
    let pin = Pin::new(b"1234").expect("a PIN");
    for format in [Format::Iso0, Format::Iso3, Format::Iso4] {
        let block = compose(format, &pin, &card(), &mut Fill::Random(&mut random())).expect("a block");
        let key = key_for(format, 5);
        let sent = encipher(format, &block, &card(), &key).expect("a block");
        let other = pan("4222222222222222");
        let clear = decipher(format, sent.as_bytes(), &other, &key).expect("its length fits");
        assert!(extract(format, &clear, &other).is_err(), "{format}");
    }
}

#[test]
fn a_block_without_what_its_format_needs_is_not_made() {
    let pin = Pin::new(b"1234").expect("a PIN");
    let short = pan("41111111111");
    for format in [Format::Iso0, Format::Iso3] {
        let made = compose(format, &pin, &short, &mut Fill::Random(&mut random()));
        assert_eq!(made.err(), Some(PinError::NoCard { format }));
    }
    let made = compose(Format::Iso3, &pin, &card(), &mut Fill::Given(&[1; 10]));
    assert!(matches!(made, Err(PinError::Filling { format: Format::Iso3, .. })));
    let made = compose(Format::Iso4, &pin, &card(), &mut Fill::Given(&[1; 7]));
    assert!(matches!(made, Err(PinError::Filling { format: Format::Iso4, .. })));
    let refused = decipher(Format::Iso0, &[0; 8], &card(), &aes(1));
    let (expected, found) = (Cipher::Tdes, Cipher::Aes);
    assert_eq!(refused.err(), Some(PinError::Cipher { format: Format::Iso0, expected, found }));
    for bad in [&b"123"[..], b"1234567890123", b"12a4", b""] {
        assert_eq!(Pin::new(bad), None);
    }
}

#[test]
fn a_pin_moves_only_where_the_rules_let_it() {
    let pin = Pin::new(b"24680").expect("a PIN");
    for from in ALL {
        for to in ALL {
            let (received, sent) = (key_for(from, 3), key_for(to, 9));
            let clear = compose(from, &pin, &card(), &mut Fill::Random(&mut random())).expect("a block");
            let block = encipher(from, &clear, &card(), &received).expect("a block");
            let (card, mut random) = (card(), random());
            let (one, two) = (
                PinLeg { format: from, key: &received, pan: &card },
                PinLeg { format: to, key: &sent, pan: &card },
            );
            let moved = translate(Policy::Strict, block.as_bytes(), one, two, &mut random);
            let travels = |format| !matches!(format, Format::Iso2 | Format::Filled);
            let permitted = travels(from) && travels(to) && (to.binds_card() || !from.binds_card());
            assert_eq!(moved.is_ok(), permitted, "{from} to {to}");
            if !permitted {
                assert_eq!(moved.err(), Some(TranslateError::Forbidden { from, to }));
            }
            let (moved, digits) =
                translate(Policy::Anything, block.as_bytes(), one, two, &mut random).expect("it can be done");
            let clear = decipher(to, moved.as_bytes(), &card, &sent).expect("a block");
            assert_eq!(extract(to, &clear, &card), Ok(pin.clone()), "{from} to {to}");
            assert_eq!(digits, 5);
        }
    }
}

#[test]
fn a_pin_does_not_move_from_one_card_to_another() {
    let pin = Pin::new(b"1234").expect("a PIN");
    let (from_card, to_card, key) = (card(), pan("4222222222222222"), tdes(7));
    let clear = compose(Format::Iso0, &pin, &from_card, &mut Fill::Given(&[])).expect("a block");
    let block = encipher(Format::Iso0, &clear, &from_card, &key).expect("a block");
    let from = PinLeg { format: Format::Iso0, key: &key, pan: &from_card };
    let to = PinLeg { format: Format::Iso0, key: &key, pan: &to_card };
    let moved = translate(Policy::Strict, block.as_bytes(), from, to, &mut random());
    assert_eq!(moved.err(), Some(TranslateError::OtherCard));
    let wrong_key = PinLeg { key: &tdes(8), ..from };
    let moved = translate(Policy::Strict, block.as_bytes(), wrong_key, from, &mut random());
    assert!(matches!(moved, Err(TranslateError::Received(_))));
}

proptest! {
    #[test]
    fn every_pin_comes_back_from_every_format(
        digits in "[0-9]{4,12}",
        number in "[0-9]{13,19}",
        seed in any::<[u8; 8]>(),
        at in 0..6_usize,
    ) {
        let (format, pan) = (ALL[at], pan(&number));
        let pin = Pin::new(digits.as_bytes()).expect("a PIN");
        let mut seeded = [0; SEED_BYTES];
        seeded[..8].copy_from_slice(&seed);
        let mut random = Drbg::new(&seeded);
        let key = key_for(format, seed[0]);
        let clear = compose(format, &pin, &pan, &mut Fill::Random(&mut random)).expect("a block");
        let sent = encipher(format, &clear, &pan, &key).expect("a block");
        prop_assert_eq!(sent.as_bytes().len(), format.block_bytes());
        let back = decipher(format, sent.as_bytes(), &pan, &key).expect("a block");
        prop_assert_eq!(extract(format, &back, &pan), Ok(pin));
    }

    #[test]
    fn no_bytes_make_a_block_panic(bytes in proptest::collection::vec(any::<u8>(), 0..20), at in 0..6_usize) {
        let format = ALL[at];
        let _ = decipher(format, &bytes, &card(), &key_for(format, 1))
            .and_then(|clear| extract(format, &clear, &card()));
    }
}
