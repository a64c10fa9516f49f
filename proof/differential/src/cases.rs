//! One random case: what the others are asked, and how their answer is compared with ours.

use crate::draw::Draw;
use hsm::check_value::{Method, check_value};
use hsm::keyblock::{Header, Version, open, wrap};
use hsm::mac::{Algorithm, Padding, make};
use hsm::pin::{ClearBlock, Fill, Format, account, compose, decipher, encipher, extract};
use hsm::{Cipher, Key, card, emv};
use terms::Pan;
use wire::hex::{Charset, read, write};

/// A question and what is right.
pub(crate) struct Case {
    pub(crate) what: &'static str,
    /// A word, then arguments, spaces between.
    pub(crate) question: String,
    /// Whether an answer agrees with us.
    pub(crate) agrees: Box<dyn Fn(&str) -> bool>,
}

pub(crate) fn any(draw: &mut Draw) -> Case {
    const KINDS: &[fn(&mut Draw) -> Case] = &[
        cbc_mac,
        retail_mac,
        aes_cmac,
        sm4_cbc,
        pin_0_and_2,
        pin_3,
        pin_4,
        pin_3_of_theirs,
        pin_4_of_theirs,
        tdes_check_value,
        aes_check_value,
        cvv,
        pvv,
        offset,
        card_key,
        session_key,
        arqc,
        arpc,
        our_block,
        their_block,
    ];
    draw.pick(KINDS)(draw)
}

fn hex(bytes: &[u8]) -> String {
    let mut out = Vec::new();
    write(Charset::Ascii, bytes, &mut out);
    // An argument of nothing must still be a word.
    String::from_utf8(out)
        .map_or_else(|_| unreachable!("hex is text"), |text| if text.is_empty() { "-".into() } else { text })
}

fn unhexed(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    read(Charset::Ascii, text.as_bytes(), &mut bytes).ok()?;
    Some(bytes)
}

fn text(digits: &[u8]) -> String {
    String::from_utf8_lossy(digits).into_owned()
}

/// They must say exactly this.
fn same(what: &'static str, question: String, ours: String) -> Case {
    Case { what, question, agrees: Box::new(move |answer| answer == ours) }
}

fn padding(draw: &mut Draw) -> (u8, Padding) {
    let method = 1 + draw.below(3) as u8;
    (method, Padding::of_method(method).expect("1 to 3"))
}

fn some_bytes(draw: &mut Draw) -> Vec<u8> {
    let count = draw.below(70);
    draw.bytes(count)
}

fn cbc_mac(draw: &mut Draw) -> Case {
    let (key, (method, padding), data) =
        (draw.key(Cipher::Tdes, &[8, 16, 24]), padding(draw), some_bytes(draw));
    let mac = make(Algorithm::Iso1, padding, &key, &data).expect("it fits");
    let question = format!("cbc_mac {} {} {method}", hex(key.expose()), hex(&data));
    same("MAC, ISO 9797-1 algorithm 1", question, hex(mac.as_bytes()))
}

fn retail_mac(draw: &mut Draw) -> Case {
    let (key, (method, padding), data) = (draw.key(Cipher::Tdes, &[16]), padding(draw), some_bytes(draw));
    let mac = make(Algorithm::Iso3, padding, &key, &data).expect("it fits");
    let question = format!("retail_mac {} {} {method}", hex(key.expose()), hex(&data));
    same("MAC, ISO 9797-1 algorithm 3", question, hex(mac.as_bytes()))
}

fn aes_cmac(draw: &mut Draw) -> Case {
    let (key, data) = (draw.key(Cipher::Aes, &[16, 24, 32]), some_bytes(draw));
    let mac = make(Algorithm::AesCmac, Padding::Zeros, &key, &data).expect("it fits");
    same("MAC, AES-CMAC", format!("aes_cmac {} {}", hex(key.expose()), hex(&data)), hex(mac.as_bytes()))
}

fn sm4_cbc(draw: &mut Draw) -> Case {
    let (key, data) = (draw.key(Cipher::Sm4, &[16]), some_bytes(draw));
    let mac = make(Algorithm::Sm4Cbc, Padding::Zeros, &key, &data).expect("it fits");
    same("MAC, SM4 in CBC", format!("sm4_cbc {} {}", hex(key.expose()), hex(&data)), hex(mac.as_bytes()))
}

fn pin_0_and_2(draw: &mut Draw) -> Case {
    let (pin, pan) = (draw.pin(), draw.pan());
    let (format, word) = draw.pick(&[(Format::Iso0, "pin_0"), (Format::Iso2, "pin_2")]);
    let block = compose(format, &pin, &pan, &mut Fill::Given(&[])).expect("a block");
    let question = format!("{word} {} {}", text(pin.expose()), text(pan.expose()));
    same("PIN blocks, formats 0 and 2", question, hex(block.expose()))
}

fn pin_3(draw: &mut Draw) -> Case {
    let (pin, pan) = (draw.pin(), draw.pan());
    let block = compose(Format::Iso3, &pin, &pan, &mut Fill::Random(draw.random())).expect("a block");
    let question = format!("open_3 {} {}", hex(block.expose()), text(pan.expose()));
    same("PIN blocks of ours, format 3", question, text(pin.expose()))
}

fn pin_4(draw: &mut Draw) -> Case {
    let (pin, pan, key) = (draw.pin(), draw.pan(), draw.key(Cipher::Aes, &[16, 24, 32]));
    let block = compose(Format::Iso4, &pin, &pan, &mut Fill::Random(draw.random())).expect("a block");
    let sent = encipher(Format::Iso4, &block, &pan, &key).expect("it fits");
    let question = format!("open_4 {} {} {}", hex(key.expose()), hex(sent.as_bytes()), text(pan.expose()));
    same("PIN blocks of ours, format 4", question, text(pin.expose()))
}

fn pin_3_of_theirs(draw: &mut Draw) -> Case {
    let (pin, pan) = (draw.pin(), draw.pan());
    let question = format!("pin_3 {} {}", text(pin.expose()), text(pan.expose()));
    let agrees = move |answer: &str| {
        let block = unhexed(answer).and_then(|block| ClearBlock::new(&block));
        block.is_some_and(|block| extract(Format::Iso3, &block, &pan).as_ref() == Ok(&pin))
    };
    Case { what: "PIN blocks of theirs, format 3", question, agrees: Box::new(agrees) }
}

fn pin_4_of_theirs(draw: &mut Draw) -> Case {
    let (pin, pan, key) = (draw.pin(), draw.pan(), draw.key(Cipher::Aes, &[16, 24, 32]));
    let question = format!("pin_4 {} {} {}", hex(key.expose()), text(pin.expose()), text(pan.expose()));
    let agrees = move |answer: &str| {
        let block = unhexed(answer).and_then(|block| decipher(Format::Iso4, &block, &pan, &key).ok());
        block.is_some_and(|block| extract(Format::Iso4, &block, &pan).as_ref() == Ok(&pin))
    };
    Case { what: "PIN blocks of theirs, format 4", question, agrees: Box::new(agrees) }
}

fn tdes_check_value(draw: &mut Draw) -> Case {
    let key = draw.key(Cipher::Tdes, &[8, 16, 24]);
    let value = check_value(&key, Method::Des).expect("the method fits");
    same("check values, DES", format!("kcv {}", hex(key.expose())), hex(value.as_bytes()))
}

fn aes_check_value(draw: &mut Draw) -> Case {
    let key = draw.key(Cipher::Aes, &[16, 24, 32]);
    let value = check_value(&key, Method::Cmac).expect("the method fits").first(5);
    same("check values, AES", format!("kcv_cmac {}", hex(key.expose())), hex(value.as_bytes()))
}

fn cvv(draw: &mut Draw) -> Case {
    let (key, pan, expiry, service) =
        (draw.key(Cipher::Tdes, &[16]), draw.pan(), draw.digits(4), draw.digits(3));
    let cvv = card::cvv(&key, &pan, expiry.as_bytes(), service.as_bytes()).expect("it fits");
    let question = format!("cvv {} {} {expiry} {service}", hex(key.expose()), text(pan.expose()));
    same("card verification values", question, text(&cvv))
}

fn pvv(draw: &mut Draw) -> Case {
    let (key, pan, pin, index) =
        (draw.key(Cipher::Tdes, &[16]), draw.pan(), draw.pin(), draw.below(10) as u8);
    let pvv = card::pvv(&key, &account(&pan), b'0' + index, &pin).expect("it fits");
    // Of a longer PIN the first four digits count; they take no others.
    let four = text(&pin.expose()[..4]);
    let question = format!("pvv {} {index} {four} {}", hex(key.expose()), text(pan.expose()));
    same("PIN verification values", question, text(&pvv))
}

fn offset(draw: &mut Draw) -> Case {
    let (key, pin, table, validation) =
        (draw.key(Cipher::Tdes, &[16]), draw.pin(), draw.digits(16), draw.digits(16));
    let table_bytes = table.as_bytes().try_into().expect("sixteen digits");
    let data = unhexed(&validation).and_then(|data| data.try_into().ok()).expect("sixteen digits");
    let offset = card::offset(&key, &data, table_bytes, &pin).expect("it fits");
    let question = format!("offset {} {table} {validation} {}", hex(key.expose()), text(pin.expose()));
    same("offsets of PINs", question, text(&offset[..pin.length()]))
}

/// A card number of up to sixteen digits.
fn short_pan(draw: &mut Draw) -> Pan {
    let length = 12 + draw.below(5);
    Pan::new(draw.digits(length).as_bytes()).expect("digits")
}

fn card_key(draw: &mut Draw) -> Case {
    let (master, pan, sequence) = (draw.key(Cipher::Tdes, &[16]), short_pan(draw), draw.digits(2));
    let number = sequence.as_bytes().try_into().expect("two digits");
    let key = emv::card_key(&master, pan.expose(), number).expect("it fits");
    let question = format!("card_key {} {} {sequence}", hex(master.expose()), text(pan.expose()));
    same("keys of chip cards", question, hex(key.expose()))
}

fn session_key(draw: &mut Draw) -> Case {
    let (card, by) = (draw.key(Cipher::Tdes, &[16]), draw.array::<8>());
    // They set the parity, which DES does not look at.
    let key = emv::session_key(&card, by).expect("it fits").with_parity();
    same("session keys", format!("session_key {} {}", hex(card.expose()), hex(&by)), hex(key.expose()))
}

fn arqc(draw: &mut Draw) -> Case {
    let (key, data) = (draw.key(Cipher::Tdes, &[16]), some_bytes(draw));
    let (word, padding) = draw.pick(&[("arqc_emv", Padding::Bit), ("arqc_visa", Padding::Zeros)]);
    let arqc = emv::arqc(&key, padding, &data).expect("it fits");
    same("cryptograms of requests", format!("{word} {} {}", hex(key.expose()), hex(&data)), hex(&arqc))
}

fn arpc(draw: &mut Draw) -> Case {
    let (key, arqc) = (draw.key(Cipher::Tdes, &[16]), draw.array::<8>());
    if draw.below(2) == 0 {
        let code = draw.array::<2>();
        let arpc = emv::arpc_by_code(&key, arqc, code).expect("it fits");
        let question = format!("arpc_1 {} {} {}", hex(key.expose()), hex(&arqc), hex(&code));
        return same("cryptograms of answers", question, hex(&arpc));
    }
    let (status, count) = (draw.array::<4>(), draw.below(9));
    let own = draw.bytes(count);
    let arpc = emv::arpc_by_status(&key, arqc, status, &own).expect("it fits");
    let question = format!("arpc_2 {} {} {} {}", hex(key.expose()), hex(&arqc), hex(&status), hex(&own));
    same("cryptograms of answers", question, hex(&arpc))
}

/// A protecting key, and a key no stronger than it, for a version.
fn keys(draw: &mut Draw, version: Version) -> (Key, Key, u8) {
    if version == Version::D {
        let kbpk = draw.key(Cipher::Aes, &[16, 24, 32]);
        let lengths: Vec<usize> =
            [16, 24, 32].into_iter().filter(|&length| length <= kbpk.length()).collect();
        (kbpk, draw.key(Cipher::Aes, &lengths), b'A')
    } else {
        let kbpk = draw.key(Cipher::Tdes, &[16, 24]);
        let lengths: Vec<usize> = [8, 16, 24].into_iter().filter(|&length| length <= kbpk.length()).collect();
        (kbpk, draw.key(Cipher::Tdes, &lengths), b'T')
    }
}

fn our_block(draw: &mut Draw) -> Case {
    let version = draw.pick(&[Version::B, Version::D]);
    let (kbpk, key, algorithm) = keys(draw, version);
    let mut header = Header::new(version, *b"P0", algorithm, b'E');
    if draw.below(2) == 0 {
        let length = draw.below(40);
        header.optional.push(hsm::keyblock::Optional { id: *b"KS", text: draw.digits(length) });
    }
    let block = wrap(&kbpk, &header, &key, draw.random()).expect("a block");
    same("key blocks of ours", format!("unwrap {} {block}", hex(kbpk.expose())), hex(key.expose()))
}

fn their_block(draw: &mut Draw) -> Case {
    let version = draw.pick(&[Version::A, Version::B, Version::C, Version::D]);
    let (kbpk, key, algorithm) = keys(draw, version);
    let letter = match version {
        Version::A => 'A',
        Version::B => 'B',
        Version::C => 'C',
        _ => 'D',
    };
    let question =
        format!("wrap {} {letter} {} {}", hex(kbpk.expose()), char::from(algorithm), hex(key.expose()));
    let agrees = move |answer: &str| open(&kbpk, answer).is_ok_and(|opened| opened.expose() == key.expose());
    Case { what: "key blocks of theirs", question, agrees: Box::new(agrees) }
}
