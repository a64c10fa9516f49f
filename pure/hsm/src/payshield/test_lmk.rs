//! The master keys the whole industry tests with. They are public: whatever lies under them is in clear.

use crate::keyblock::Version;
use crate::lmk::VariantLmk;
use crate::secret::Key;
use crate::software::Master;

/// Twenty pairs of a variant LMK.
#[rustfmt::skip]
const VARIANTS: [u128; 20] = [
    0x01010101010101017902CD1FD36EF8BA, // 00-01
    0x20202020202020203131313131313131, // 02-03
    0x40404040404040405151515151515151, // 04-05
    0x61616161616161617070707070707070, // 06-07
    0x80808080808080809191919191919191, // 08-09
    0xA1A1A1A1A1A1A1A1B0B0B0B0B0B0B0B0, // 10-11
    0xC1C1010101010101D0D0010101010101, // 12-13
    0xE0E0010101010101F1F1010101010101, // 14-15
    0x1C587F1C13924FEF0101010101010101, // 16-17
    0x01010101010101010101010101010101, // 18-19
    0x02020202020202020404040404040404, // 20-21
    0x07070707070707071010101010101010, // 22-23
    0x13131313131313131515151515151515, // 24-25
    0x16161616161616161919191919191919, // 26-27
    0x1A1A1A1A1A1A1A1A1C1C1C1C1C1C1C1C, // 28-29
    0x23232323232323232525252525252525, // 30-31
    0x26262626262626262929292929292929, // 32-33
    0x2A2A2A2A2A2A2A2A2C2C2C2C2C2C2C2C, // 34-35
    0x2F2F2F2F2F2F2F2F3131313131313131, // 36-37
    0x01010101010101010101010101010101, // 38-39
];
/// The key of blocks under triple DES.
const TRIPLE_DES: [u8; 24] = [
    0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0xFE,
    0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10,
];
/// The key of blocks under AES.
const AES: [u128; 2] = [0x9B71333A13F9FAE72F9D0E2DAB4AD678, 0x4718012F9244033F3F26A2DE0C8AA11A];

/// The test master key of variants.
pub fn variants() -> VariantLmk {
    VariantLmk::new(&VARIANTS.map(u128::to_be_bytes))
}

/// Each with the id it has in a simulated module.
pub fn masters() -> [([u8; 2], Master); 3] {
    let triple_des = Key::tdes(&TRIPLE_DES).expect("24 bytes");
    let aes = Key::aes(AES.map(u128::to_be_bytes).as_flattened()).expect("32 bytes");
    [
        (*b"00", Master::variants(variants())),
        (*b"01", Master::blocks(Version::S0, &triple_des, *b"01")),
        (*b"02", Master::blocks(Version::S1, &aes, *b"02")),
    ]
}

/// Check values of master keys that are public, as a module prints them: a switch in earnest refuses a module that
/// shows one.
pub fn checks() -> [alloc::string::String; 3] {
    masters().map(|(_, master)| master.check())
}
