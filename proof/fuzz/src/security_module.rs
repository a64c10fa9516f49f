//! Key blocks, PIN blocks and the host commands of security modules: nothing panics, what opens can be closed again,
//! and what is understood can be said again.

use hsm::drbg::{Drbg, SEED_BYTES};
use hsm::keyblock::{Version, open, wrap};
use hsm::lmk::Scheme;
use hsm::mac::{Algorithm, Padding};
use hsm::ops::{Answer, Form, MacData, NewKey, PinSide, Request, Role, StoredKey};
use hsm::payshield::{Client, Server, ServerConfig};
use hsm::pin::{ClearBlock, Fill, Format, compose, extract};
use hsm::{Cipher, Key};
use std::cell::RefCell;
use terms::{Pan, Sealed};

const HEADER: &[u8] = b"0042";
const FORMATS: [Format; 6] =
    [Format::Iso0, Format::Iso1, Format::Iso2, Format::Iso3, Format::Iso4, Format::Filled];

thread_local! {
    static SERVER: RefCell<Server> = RefCell::new(server());
}

fn server() -> Server {
    Server::new(ServerConfig::default(), &[7; SEED_BYTES]).expect("this machine computes rightly")
}

/// The first byte chooses what the rest is taken for.
pub fn check(bytes: &[u8]) {
    let Some((&which, rest)) = bytes.split_first() else { return };
    match which % 4 {
        0 => command(rest),
        1 => answer(rest),
        2 => key_block(rest),
        _ => pin_block(rest),
    }
}

/// A module answers whatever has a command, under the header it came with; what it understands a host can ask.
fn command(bytes: &[u8]) {
    SERVER.with_borrow_mut(|server| {
        let answer = server.answer(bytes);
        assert_eq!(answer.is_some(), bytes.len() >= 6, "half a command is not answered, a whole one is");
        if let Some(answer) = answer {
            assert!(
                answer.len() >= 8 && answer[..4] == bytes[..4],
                "the header comes back, and a code with it"
            );
        }
        let Ok(request) = server.understand(bytes) else { return };
        for client in [Client::of_variants(), Client::of_blocks(*b"01")] {
            let Ok(again) = client.encode(&request, HEADER) else { continue };
            let same = server.understand(&again).map(|again| again.name());
            // A block kept by one kind of module is no key of the other.
            if let Ok(same) = same {
                assert_eq!(same, request.name());
            }
        }
    });
}

/// A host reads whatever a module may say, or refuses it.
fn answer(bytes: &[u8]) {
    let client = Client::of_variants();
    for request in requests() {
        let _ = client.decode(&request, HEADER, bytes);
    }
}

fn key_block(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for kbpk in [protecting(Cipher::Tdes), protecting(Cipher::Aes)] {
        let Ok(opened) = open(&kbpk, text) else { continue };
        let Some(Ok(key)) = opened.key() else { continue };
        if matches!(opened.header.version, Version::A | Version::C) {
            continue;
        }
        let again = wrap(&kbpk, &opened.header, &key, &mut Drbg::new(&[3; SEED_BYTES]));
        let again = again.expect("what was a block can be one");
        assert!(open(&kbpk, &again).is_ok_and(|again| again.expose() == opened.expose()));
    }
}

fn protecting(cipher: Cipher) -> Key {
    let bytes: [u8; 32] = std::array::from_fn(|at| at as u8 * 7 + 1);
    Key::new(cipher, if cipher == Cipher::Aes { &bytes } else { &bytes[..16] }).expect("a length it has")
}

/// What opens closes to the same bytes, where nothing is drawn.
fn pin_block(bytes: &[u8]) {
    let Some((&which, rest)) = bytes.split_first() else { return };
    let (format, pan) = (FORMATS[usize::from(which) % FORMATS.len()], card());
    let Some(block) = ClearBlock::new(rest) else { return };
    let Ok(pin) = extract(format, &block, &pan) else { return };
    if matches!(format, Format::Iso0 | Format::Iso2 | Format::Filled) {
        let again = compose(format, &pin, &pan, &mut Fill::Given(&[]));
        assert!(again.as_ref() == Ok(&block), "{format}");
    }
}

fn card() -> Pan {
    Pan::new(b"4111111111111111").expect("digits")
}

/// One of each, with keys that are none.
fn requests() -> Vec<Request> {
    let key = |role| StoredKey::new(role, "U00000000000000000000000000000000");
    let side = |role| PinSide { key: key(role), format: Format::Iso0, pan: card() };
    let (algorithm, padding) = (Algorithm::Iso3, Padding::Bit);
    let data = MacData { key: key(Role::Zak), algorithm, padding, data: Sealed::new(b"0200".to_vec()) };
    let under = Some((key(Role::Zmk), Form::Scheme(Scheme::U)));
    let block = Sealed::new(vec![1; 8]);
    vec![
        Request::Generate { key: NewKey::tdes(Role::Zpk), under: None },
        Request::Generate { key: NewKey::tdes(Role::Tpk), under },
        Request::Export { key: key(Role::Zpk), transport: key(Role::Zmk), form: Form::Tr31 },
        Request::CheckValue { key: key(Role::Zak), method: None },
        Request::TranslatePin { block, from: side(Role::Tpk), to: side(Role::Zpk) },
        Request::MakeMac(data.clone()),
        Request::VerifyMac { data, mac: vec![0; 8] },
        Request::Status,
        Request::Echo(b"PING".to_vec()),
    ]
}

/// Commands and answers of whole modules, blocks of every version, and PIN blocks.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let mut server = server();
    for client in [Client::of_variants(), Client::of_blocks(*b"01"), Client::of_blocks(*b"02")] {
        let generate = Request::Generate { key: NewKey::tdes(Role::Zak), under: None };
        for request in requests().into_iter().chain([generate]) {
            let Ok(command) = client.encode(&request, HEADER) else { continue };
            let answer = server.answer(&command).expect("a whole command");
            if let Ok(Ok(Answer::Generated { key, .. })) = client.decode(&request, HEADER, &answer) {
                let value = Request::CheckValue { key, method: None };
                let command = client.encode(&value, HEADER).expect("a command");
                seeds.push([&[0], &command[..]].concat());
            }
            seeds.push([&[0], &command[..]].concat());
            seeds.push([&[1], &answer[..]].concat());
        }
    }
    let mut random = Drbg::new(&[5; SEED_BYTES]);
    for version in [Version::B, Version::D, Version::S0, Version::S1] {
        let cipher = if matches!(version, Version::D | Version::S1) { Cipher::Aes } else { Cipher::Tdes };
        let header = hsm::keyblock::Header::new(version, *b"P0", b'T', b'E');
        let key = Key::tdes(b"0123456789ABCDEF").expect("16 bytes");
        let block = wrap(&protecting(cipher), &header, &key, &mut random).expect("a block");
        seeds.push([&[2], block.as_bytes()].concat());
    }
    let pin = hsm::Pin::new(b"1234").expect("a PIN");
    for (which, format) in FORMATS.into_iter().enumerate() {
        let block = compose(format, &pin, &card(), &mut Fill::Random(&mut random)).expect("a block");
        seeds.push([&[3, which as u8], block.expose()].concat());
    }
    seeds
}
