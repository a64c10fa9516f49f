//! The card of a message that names it only where its data stand: in track 2, or in the data of its chip.

use terms::{Carried, Noun, Pan, Sealed};

/// Tags that hold the number of the card; source: EMV Book 3, annex A.
const NUMBER: u8 = 0x5A;
const TRACK_2_EQUIVALENT: u8 = 0x57;

/// Tags of one byte are followed through at most so many objects.
const OBJECTS_MAX: usize = 64;

/// The number of the card that track 2 or the chip names; [`Pan::NONE`] where neither does.
pub(crate) fn named_in_track(carried: &Carried) -> Pan {
    match carried.get(Noun::Track2) {
        Some(track) => Pan::new(before_separator(track)).unwrap_or(Pan::NONE),
        None => carried.get(Noun::IccData).and_then(named_by_chip).unwrap_or(Pan::NONE),
    }
}

/// The digits up to the separator; without one nobody knows where the number ends.
fn before_separator(track: &[u8]) -> &[u8] {
    let end = track.iter().position(|byte| matches!(byte, b'=' | b'D' | b'd'));
    &track[..end.unwrap_or(0)]
}

fn named_by_chip(objects: &[u8]) -> Option<Pan> {
    let packed = [NUMBER, TRACK_2_EQUIVALENT].into_iter().find_map(|tag| object(objects, tag))?;
    let nibbles = packed.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
    let digits = nibbles.take_while(|nibble| *nibble <= 9).map(|nibble| b'0' + nibble);
    let digits = Sealed::new(digits.take(20).collect());
    Pan::new(digits.expose())
}

/// The contents of the first object of this tag, when everything before it is well formed.
fn object(mut rest: &[u8], wanted: u8) -> Option<&[u8]> {
    for _ in 0..OBJECTS_MAX {
        let (&tag, after) = rest.split_first()?;
        let more = if tag & 0x1F == 0x1F { 1 + after.iter().position(|byte| byte & 0x80 == 0)? } else { 0 };
        let (&first, after) = after[more..].split_first()?;
        let (length, after) = match first {
            0..=0x7F => (usize::from(first), after),
            0x81 => after.split_first().map(|(&length, after)| (usize::from(length), after))?,
            0x82 => after
                .split_first_chunk::<2>()
                .map(|(&length, after)| (usize::from(u16::from_be_bytes(length)), after))?,
            _ => return None,
        };
        let (contents, after) = after.split_at_checked(length)?;
        if tag == wanted {
            return Some(contents);
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_ends_where_the_track_separates_or_the_chip_fills_up() {
        let named = |noun, contents: &[u8]| {
            let mut carried = Carried::default();
            carried.push(noun, contents);
            named_in_track(&carried).expose().to_vec()
        };
        assert_eq!(named(Noun::Track2, b"4111111111111111=3012"), b"4111111111111111");
        assert_eq!(named(Noun::Track2, b"4111111111111111D3012"), b"4111111111111111");
        assert_eq!(named(Noun::Track2, b"4111111111111111"), b"");
        let chip = [0x9F, 0x36, 2, 0, 1, 0x5A, 8, 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x1F];
        assert_eq!(named(Noun::IccData, &chip), b"411111111111111");
        let track = [0x57, 10, 0x41, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0xD3, 0x01];
        assert_eq!(named(Noun::IccData, &track), b"4111111111111111");
        for end in 0..chip.len() {
            named(Noun::IccData, &chip[..end]);
        }
    }
}
