//! What identifies the original of a reversal or an advice: DE 90 in 1987, DE 56 in 1993.
//!
//! Source: ISO 8583:1987, DE 90; ISO 8583:1993, DE 56.

use terms::{MessageType, Original, Stan, Text};

/// Reads DE 90 of 1987 (42 digits); parts that are missing or all zeros are unknown.
pub(crate) fn from_1987(digits: &[u8]) -> Original {
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    read(part(1, 4), part(4, 10), part(10, 20), b"", part(20, 31), part(31, 42))
}

/// Reads DE 56 of 1993: type 4, trace number 6, local time 12, then the acquirer with its length.
pub(crate) fn from_1993(digits: &[u8]) -> Original {
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    read(part(1, 4), part(4, 10), b"", part(10, 22), digits.get(24..).unwrap_or_default(), b"")
}

/// Writes DE 90 of 1987.
pub(crate) fn to_1987(original: &Original) -> Text<42> {
    let mut out = [b'0'; 42];
    if let Some(message) = original.message {
        out[1..4].copy_from_slice(&message.digits().map(|digit| digit + b'0'));
    }
    fill_number(&mut out[4..10], original.stan.unwrap_or_default().0);
    fill(&mut out[10..20], original.transmitted_at.as_bytes());
    fill_identity(&mut out[20..31], original.acquirer_id.as_bytes());
    fill_identity(&mut out[31..42], original.forwarder_id.as_bytes());
    Text::clipped(&out)
}

/// Writes DE 56 of 1993.
pub(crate) fn to_1993(original: &Original) -> Text<42> {
    let mut out = [b'0'; 35];
    out[0] = b'1';
    if let Some(message) = original.message {
        out[1..4].copy_from_slice(&message.digits().map(|digit| digit + b'0'));
    }
    fill_number(&mut out[4..10], original.stan.unwrap_or_default().0);
    fill(&mut out[10..22], original.local_time.as_bytes());
    let acquirer = original.acquirer_id.as_bytes();
    fill_number(&mut out[22..24], acquirer.len() as u32);
    out[24..24 + acquirer.len()].copy_from_slice(acquirer);
    Text::clipped(&out[..24 + acquirer.len()])
}

fn read(kind: &[u8], stan: &[u8], sent: &[u8], local: &[u8], acquirer: &[u8], forwarder: &[u8]) -> Original {
    let digits = <[u8; 3]>::try_from(kind).ok().filter(|digits| digits.iter().all(u8::is_ascii_digit));
    Original {
        message: digits.and_then(|digits| MessageType::from_digits(digits.map(|digit| digit - b'0'))),
        stan: number(stan).filter(|&number| number != 0).map(Stan),
        transmitted_at: known(sent),
        local_time: known(local),
        acquirer_id: identity(acquirer),
        forwarder_id: identity(forwarder),
    }
}

/// The part, or nothing where it is all spaces or all zeros.
fn known<const N: usize>(part: &[u8]) -> Text<N> {
    if part.iter().all(|&byte| byte == b' ' || byte == b'0') { Text::EMPTY } else { Text::clipped(part) }
}

fn identity(part: &[u8]) -> Text<11> {
    let begin = part.iter().position(|&byte| byte != b'0' && byte != b' ').unwrap_or(part.len());
    Text::clipped(&part[begin..])
}

fn number(digits: &[u8]) -> Option<u32> {
    (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
        .then(|| digits.iter().fold(0, |sum: u32, digit| sum.wrapping_mul(10) + u32::from(digit - b'0')))
}

fn fill(place: &mut [u8], part: &[u8]) {
    if !part.is_empty() {
        place[..part.len()].copy_from_slice(part);
    }
}

fn fill_identity(place: &mut [u8], part: &[u8]) {
    if !part.is_empty() {
        let begin = place.len() - part.len();
        place[..begin].fill(b'0');
        place[begin..].copy_from_slice(part);
    }
}

fn fill_number(place: &mut [u8], number: u32) {
    let mut rest = number;
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Original {
        Original {
            message: MessageType::from_digits([2, 0, 0]),
            stan: Some(Stan(123_456)),
            transmitted_at: Text::clipped(b"1122181500"),
            local_time: Text::clipped(b"261122181500"),
            acquirer_id: Text::clipped(b"123456"),
            forwarder_id: Text::clipped(b"98765432101"),
        }
    }

    #[test]
    fn each_edition_keeps_what_its_element_has_room_for() {
        let of_1987 = from_1987(to_1987(&whole()).as_bytes());
        assert_eq!(of_1987, Original { local_time: Text::EMPTY, ..whole() });
        let of_1993 = from_1993(to_1993(&whole()).as_bytes());
        assert_eq!(of_1993, Original { transmitted_at: Text::EMPTY, forwarder_id: Text::EMPTY, ..whole() });
    }

    #[test]
    fn a_short_or_foreign_original_is_read_as_far_as_it_goes() {
        assert_eq!(from_1987(b"0200").stan, None);
        assert_eq!(from_1993(b""), Original::default());
        assert_eq!(from_1987(&[0xFF; 60]).message, None);
    }
}
