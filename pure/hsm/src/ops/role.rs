use crate::keyblock::{Exportable, Family};
use crate::lmk::KeyType;
use core::fmt;

/// What a key is for, and between whom. A key of one role is never used in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Carries keys between institutions.
    Zmk,
    /// Carries keys to one terminal.
    Tmk,
    /// Enciphers PINs between institutions.
    Zpk,
    /// Enciphers PINs of one terminal.
    Tpk,
    /// Authenticates messages between institutions.
    Zak,
    /// Authenticates messages of one terminal.
    Tak,
    /// Verifies card values.
    Cvk,
    /// Verifies PINs.
    Pvk,
    /// Keys for one use are derived from it.
    Bdk,
    /// Cryptograms of chip cards.
    MasterAc,
    /// Enciphers data.
    Data,
}

/// What one request does with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Encipher, or wrap a key.
    Encipher,
    /// Decipher, or unwrap a key.
    Decipher,
    /// Make a MAC.
    Make,
    /// Verify a MAC.
    Verify,
    /// Derive other keys.
    Derive,
}

/// What a key block says of its key, besides the length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// What it is for.
    pub usage: [u8; 2],
    /// What may be done with it.
    pub mode: u8,
    /// Its version.
    pub key_version: [u8; 2],
    /// Whether it may leave.
    pub exportable: Exportable,
}

/// Usages that mark a role; the first is the one written.
type Usages = &'static [&'static [u8; 2]];

/// Role, usages in blocks of X9.143 and of the payShield, mode written, type under a variant LMK.
type Row = (Role, Usages, Usages, u8, KeyType);

#[rustfmt::skip]
static ROLES: [Row; 11] = [
    (Role::Zmk,      &[b"K0", b"K1"],                      &[b"52", b"K0"],                       b'B', KeyType::ZMK),
    (Role::Tmk,      &[b"K0", b"K1"],                      &[b"51", b"K0"],                       b'B', KeyType::TERMINAL),
    (Role::Zpk,      &[b"P0"],                             &[b"72", b"P0"],                       b'B', KeyType::ZPK),
    (Role::Tpk,      &[b"P0"],                             &[b"71", b"P0"],                       b'B', KeyType::TERMINAL),
    (Role::Zak,      &[b"M0", b"M1", b"M3", b"M6"],        &[b"M0", b"M1", b"M3", b"M5", b"M6"],  b'C', KeyType::ZAK),
    (Role::Tak,      &[b"M0", b"M1", b"M3", b"M6"],        &[b"M0", b"M1", b"M3", b"M5", b"M6"],  b'C', KeyType::TAK),
    (Role::Cvk,      &[b"C0"],                             &[b"C0", b"11", b"12", b"13"],         b'C', KeyType::CVK),
    (Role::Pvk,      &[b"V0", b"V1", b"V2"],               &[b"V0", b"V1", b"V2"],                b'C', KeyType::TERMINAL),
    (Role::Bdk,      &[b"B0"],                             &[b"B0"],                              b'X', KeyType::BDK),
    (Role::MasterAc, &[b"E0"],                             &[b"E0"],                              b'X', KeyType::MASTER_AC),
    (Role::Data,     &[b"D0"],                             &[b"22", b"21", b"23", b"D0"],         b'B', KeyType::ZEK),
];

impl Role {
    fn row(self) -> &'static Row {
        ROLES.iter().find(|row| row.0 == self).expect("every role has its row")
    }

    /// Every one.
    pub fn all() -> impl Iterator<Item = Self> {
        ROLES.iter().map(|row| row.0)
    }

    /// Its name, as files and commands write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zmk => "zmk",
            Self::Tmk => "tmk",
            Self::Zpk => "zpk",
            Self::Tpk => "tpk",
            Self::Zak => "zak",
            Self::Tak => "tak",
            Self::Cvk => "cvk",
            Self::Pvk => "pvk",
            Self::Bdk => "bdk",
            Self::MasterAc => "mk-ac",
            Self::Data => "data",
        }
    }

    /// The one of that name, in capitals or not.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|role| role.name().eq_ignore_ascii_case(name))
    }

    fn usages(self, family: Family) -> Usages {
        match family {
            Family::Tr31 => self.row().1,
            Family::PayShield => self.row().2,
        }
    }

    /// Its type under a variant LMK.
    pub fn key_type(self) -> KeyType {
        self.row().4
    }

    /// The role keys of that type play; the first where there are several.
    pub fn of_key_type(kind: KeyType) -> Option<Self> {
        // Terminal master and PIN keys, and PIN verification keys, share a type. They are told apart by the field
        // they stand in; where there is none, such a key is taken for a PIN key.
        let row = ROLES.iter().find(|row| row.4 == kind && !matches!(row.0, Self::Tmk | Self::Pvk));
        row.map(|row| row.0)
    }

    /// Whether a key so marked may play it.
    pub fn accepts(self, family: Family, usage: [u8; 2]) -> bool {
        self.usages(family).iter().any(|accepted| **accepted == usage)
    }

    /// The role keys so marked play; the first where there are several.
    pub fn of_usage(family: Family, usage: [u8; 2]) -> Option<Self> {
        ROLES.iter().map(|row| row.0).find(|role| role.accepts(family, usage))
    }

    /// How keys of it are marked where nothing else is asked: usable in both directions, never to leave but
    /// under a trusted key.
    pub fn attributes(self, family: Family) -> Attributes {
        // The payShield has no mode for deriving alone.
        let derives = matches!(self, Self::Bdk | Self::MasterAc);
        let mode = if family == Family::PayShield && derives { b'N' } else { self.row().3 };
        Attributes { usage: *self.usages(family)[0], mode, key_version: *b"00", exportable: Exportable::Yes }
    }

    /// Whether it carries other keys.
    pub const fn carries_keys(self) -> bool {
        matches!(self, Self::Zmk | Self::Tmk)
    }

    /// Whether it authenticates messages.
    pub const fn authenticates(self) -> bool {
        matches!(self, Self::Zak | Self::Tak)
    }

    /// Whether it enciphers PINs.
    pub const fn carries_pins(self) -> bool {
        matches!(self, Self::Zpk | Self::Tpk)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zmk => "ZMK",
            Self::Tmk => "TMK",
            Self::Zpk => "ZPK",
            Self::Tpk => "TPK",
            Self::Zak => "ZAK",
            Self::Tak => "TAK",
            Self::Cvk => "CVK",
            Self::Pvk => "PVK",
            Self::Bdk => "BDK",
            Self::MasterAc => "MK-AC",
            Self::Data => "data key",
        })
    }
}

impl Permission {
    /// Whether keys of that mode permit it. Source: ANSI X9.143:2021, table 4.
    pub const fn is_given_by(self, mode: u8) -> bool {
        match self {
            Self::Encipher => matches!(mode, b'B' | b'E' | b'N'),
            Self::Decipher => matches!(mode, b'B' | b'D' | b'N'),
            Self::Make => matches!(mode, b'C' | b'G' | b'N'),
            Self::Verify => matches!(mode, b'C' | b'V' | b'N'),
            Self::Derive => matches!(mode, b'X' | b'N'),
        }
    }
}
