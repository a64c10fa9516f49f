//! Dumps as `tcpdump`, `xxd`, `hexdump` and others print them, and what a TCP packet carries.

use super::input::unhexed;

/// The bytes of a dump with an offset in front of each line; `None` where the text is none.
pub(super) fn dump(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut lines = 0;
    for line in text.lines() {
        let Some((offset, rest)) = offset(line) else { continue };
        // The last line of `hexdump` is the total alone.
        if offset != bytes.len() {
            return None;
        }
        bytes.extend(row(rest));
        lines += 1;
    }
    (lines > 0 && !bytes.is_empty()).then_some(bytes)
}

/// The offset in front of a line, and the rest of the line.
fn offset(line: &str) -> Option<(usize, &str)> {
    let line = line.trim_start();
    let (word, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
    let has_colon = word.ends_with(':');
    let digits = word.trim_end_matches(':').trim_start_matches("0x");
    let is_offset = has_colon || rest.starts_with([' ', '\t']) || rest.is_empty();
    if !(4..=8).contains(&digits.len()) || !is_offset {
        return None;
    }
    usize::from_str_radix(digits, 16).ok().map(|offset| (offset, rest))
}

/// The bytes of one line: groups of hex digits, up to the gap or the bar before the characters.
fn row(rest: &str) -> Vec<u8> {
    let hex = rest.trim_start().split('|').next().unwrap_or_default();
    let mut bytes = Vec::new();
    let mut words = hex.split([' ', '\t']).peekable();
    while let Some(word) = words.next() {
        let gap = word.is_empty();
        // `hexdump -C` leaves a gap after eight bytes too; only there may one be followed by more hex.
        if gap && bytes.len() != 8 {
            break;
        }
        match unhexed(word) {
            Some(group) => bytes.extend(group),
            None if gap && words.peek().is_some() => {}
            None => break,
        }
    }
    bytes.truncate(16);
    bytes
}

const ETHERNET_BYTES: usize = 14;
const TCP: u8 = 6;

/// What a packet carries: TCP over IPv4 or IPv6, with or without an Ethernet head. `None` for anything else.
pub(super) fn payload(packet: &[u8]) -> Option<&[u8]> {
    let ethernet = match packet.get(12..ETHERNET_BYTES) {
        Some([0x08, 0x00] | [0x86, 0xDD]) => packet.get(ETHERNET_BYTES..),
        _ => None,
    };
    ethernet.and_then(of_ip).or_else(|| of_ip(packet)).filter(|payload| !payload.is_empty())
}

/// Source: RFC 791, clause 3.1; RFC 8200, clause 3.
fn of_ip(packet: &[u8]) -> Option<&[u8]> {
    let length = |at: usize| Some(usize::from(u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?])));
    match packet.first()? {
        first @ 0x45..=0x4F if packet.get(9) == Some(&TCP) => {
            of_tcp(packet.get(usize::from(first & 15) * 4..length(2)?.min(packet.len()))?)
        }
        0x60..=0x6F if packet.get(6) == Some(&TCP) => {
            of_tcp(packet.get(40..(40 + length(4)?).min(packet.len()))?)
        }
        _ => None,
    }
}

/// Source: RFC 9293, clause 3.1.
fn of_tcp(segment: &[u8]) -> Option<&[u8]> {
    let words = usize::from(segment.get(12)? >> 4);
    if words < 5 { None } else { segment.get(words * 4..) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_gives_what_the_packet_carries() {
        let text = "18:31:21.5 IP 10.0.0.1.40000 > 10.0.0.2.9000: Flags [P.], length 8\n\
            \t0x0000:  4500 0030 0001 4000 4006 0000 0a00 0001  E..0..@.@.......\n\
            \t0x0010:  0a00 0002 9c40 2328 0000 0001 0000 0001  .....@#(........\n\
            \t0x0020:  5018 0200 0000 0000 3030 3034 3038 3030  P.......00040800\n";
        let bytes = dump(text).expect("a dump");
        assert_eq!(bytes.len(), 48);
        assert_eq!(payload(&bytes), Some(&b"00040800"[..]));
        let mut framed = vec![0; 12];
        framed.extend([0x08, 0x00]);
        framed.extend(&bytes);
        assert_eq!(payload(&framed), Some(&b"00040800"[..]));
    }

    #[test]
    fn every_dump_gives_its_bytes() {
        for text in [
            "00000000: 3038 3030 8220 0000 0000 0000 0000 0041  0800. .........A\n00000010: 42  B\n",
            "00000000  30 38 30 30 82 20 00 00  00 00 00 00 00 00 00 41  |0800. .........A|\n00000010  42  |B|\n00000011\n",
            "0000   30 38 30 30 82 20 00 00 00 00 00 00 00 00 00 41   0800. .........A\n0010   42   B\n",
        ] {
            let bytes = dump(text).expect("a dump");
            assert_eq!((bytes.len(), bytes[15], bytes[16]), (17, 0x41, 0x42), "{text}");
        }
    }

    #[test]
    fn hex_alone_is_no_dump() {
        assert_eq!(dump("0800 8220 0000"), None);
        assert_eq!(dump("0800822000000000"), None);
    }
}
