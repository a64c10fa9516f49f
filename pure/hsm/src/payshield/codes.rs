use crate::ops::Fault;

/// Error codes and what they mean. The first code of a fault is the one written.
#[rustfmt::skip]
const CODES: &[(&[u8; 2], Fault)] = &[
    (b"01", Fault::NotVerified),
    (b"27", Fault::KeyLength),    // Incompatible key length.
    (b"02", Fault::KeyLength),
    (b"05", Fault::KeyLength),
    (b"A5", Fault::KeyLength),
    (b"15", Fault::Request),
    (b"03", Fault::Components),
    (b"04", Fault::Request),      // Key type code.
    (b"26", Fault::Request),      // Key scheme.
    (b"28", Fault::Request),      // Key type.
    (b"25", Fault::Request),      // Decimalisation table.
    (b"10", Fault::Parity),
    (b"11", Fault::SecondParity),
    (b"17", Fault::NotAuthorised),
    (b"20", Fault::PinBlock),
    (b"22", Fault::Account),
    (b"23", Fault::NoSuchFormat),
    (b"24", Fault::PinLength),
    (b"29", Fault::NotExportable),
    (b"AA", Fault::NotExportable),
    (b"69", Fault::Forbidden),    // Format disabled.
    (b"68", Fault::NotOffered),
    (b"67", Fault::NotOffered),
    (b"47", Fault::NotOffered),
    (b"68", Fault::WouldShowPin),
    (b"80", Fault::DataLength),
    (b"A2", Fault::NoSuchLmk),
    (b"A1", Fault::NoSuchLmk),
    (b"A3", Fault::NoSuchLmk),
    (b"A4", Fault::NotAuthentic),
    (b"84", Fault::CheckMismatch),
    (b"A6", Fault::Usage),
    (b"A8", Fault::Mode),
    (b"A9", Fault::Component),    // Key version number.
    (b"83", Fault::Unreadable),
    (b"75", Fault::Weaker),
];

/// Codes by which a module says that it is not well: storage, master key, firmware, hardware, algorithm.
const DEVICE: &[&[u8; 2]] = &[b"12", b"13", b"16", b"33", b"40", b"41", b"42"];

/// What an error code means; `00` is none, and what is unknown keeps its code.
pub fn fault_of(code: [u8; 2]) -> Option<Fault> {
    if code == *b"00" {
        return None;
    }
    let known = CODES.iter().find(|(known, _)| **known == code).map(|(_, fault)| *fault);
    let is_device = || DEVICE.contains(&&code);
    Some(known.unwrap_or_else(|| if is_device() { Fault::Device(code) } else { Fault::Other(code) }))
}

/// The error code of a fault.
pub fn code_of(fault: Fault) -> [u8; 2] {
    match fault {
        Fault::Device(code) | Fault::Other(code) => code,
        fault => *CODES.iter().find(|(_, known)| *known == fault).expect("every fault has a code").0,
    }
}
