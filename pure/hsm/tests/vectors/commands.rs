//! Whole commands of host modules: those of another simulator's tests, and those recorded from a device.

use crate::fields::{array, bytes, hex, key, text};
use crate::file::{Outcome, agrees, agrees_if, left_out};
use hsm::check_value::usual;
use hsm::drbg::SEED_BYTES;
use hsm::dukpt::tdes;
use hsm::keyblock::open;
use hsm::lmk::{KeyType, Scheme, decrypt_under};
use hsm::mac::{Algorithm, Padding, make};
use hsm::ops::{Answer, Fault, Form, MacData, NewKey, PinSide, Request, Role, StoredKey, Wrapped};
use hsm::payshield::{Client, Keeping, Server, ServerConfig, test_lmk};
use hsm::pin::{Format, account, decipher, extract};
use hsm::{Key, Pin, card};
use serde_json::Value;
use terms::{Pan, Sealed};

/// Commands that are answered here.
const BUILT: &[&str] = &[
    "A0", "A4", "A6", "A8", "BU", "CA", "CC", "M6", "M8", "MA", "MC", "HC", "HA", "IA", "FA", "FC", "MI",
    "GC", "FE", "MG", "FK", "FM", "AE", "AG", "KA", "NC", "NO", "B2", "RA",
];
const OTHERS: &str =
    "is not built: no switch asks it, or not yet (components, printing, data, DUKPT, chip cards, issuers)";

fn server(zmk_digits: usize) -> Server {
    let config = ServerConfig { header_bytes: 4, bare_zmk_digits: zmk_digits };
    Server::new(config, &[7; SEED_BYTES]).expect("this machine computes rightly")
}

/// What a server answers to a command without a header; code and all.
fn answered(server: &mut Server, command: &str) -> String {
    let answer = server.answer(format!("0001{command}").as_bytes()).expect("an answer");
    String::from_utf8_lossy(&answer[4..]).into_owned()
}

pub(crate) fn of_other_simulator(vector: &Value, _: &Value) -> Outcome {
    let (command, body) = (text(vector, "command"), text(vector, "request_body"));
    if let Some(verdict) = issuers(command, body) {
        return agrees(&verdict, vector, "response_body");
    }
    if !BUILT.contains(&command) {
        return left_out(format!("{command} {OTHERS}"));
    }
    if command == "A6" && body.ends_with(['1', '5']) {
        return left_out("a variant of another vendor's transport keys (one digit behind the scheme)");
    }
    if command == "A4" && body.starts_with("3000X") {
        return left_out("a key kept by scheme X: ours are kept by U");
    }
    let digits = if text(vector, "zmk_length") == "single" { 16 } else { 32 };
    // The data of these two is bytes, which the file writes as hex.
    let data_from = match command {
        "MA" => 16,
        "MC" => 24,
        _ => body.len(),
    };
    let data = String::from_utf8(crate::fields::unhexed(&body[data_from..])).expect("it is text");
    let answer = answered(&mut server(digits), &format!("{command}{}{data}", &body[..data_from]));
    let expected = text(vector, "response_body");
    if vector["prefix_only"].as_bool() == Some(true) {
        return agrees_if(answer[2..].starts_with(expected), &format!("{command} {answer}"));
    }
    // That simulator puts a length before a MAC; devices do not.
    let expected = if command == "M6" { expected.replacen("000008", "00", 1) } else { expected.into() };
    agrees_if(answer[2..] == expected, &format!("{command}{body}: {expected}, not {}", &answer[2..]))
}

/// What an issuer's module says of card and PIN values: no command is built for it, but the functions are.
fn issuers(command: &str, body: &str) -> Option<String> {
    let verdict = |right: bool| String::from(if right { "00" } else { "01" });
    let value_of = |rest: &str, cvk: &Key| {
        let (number, rest) = rest.split_once(';').expect("a card number");
        let pan = Pan::new(number.as_bytes()).expect("digits");
        card::cvv(cvk, &pan, &rest.as_bytes()[..4], &rest.as_bytes()[4..7]).expect("it fits")
    };
    match command {
        "CW" => {
            let (cvk, rest) = taken(body, KeyType::CVK, 32);
            Some(format!("00{}", String::from_utf8_lossy(&value_of(rest, &cvk))))
        }
        "CY" => {
            let (cvk, rest) = taken(body, KeyType::CVK, 32);
            Some(verdict(value_of(&rest[3..], &cvk) == rest.as_bytes()[..3]))
        }
        "DC" | "EC" => {
            let kind = if command == "DC" { KeyType::TERMINAL } else { KeyType::ZPK };
            let (pin_key, rest) = taken(body, kind, 16);
            let (pvk, rest) = taken(rest, KeyType::TERMINAL, 32);
            let format = if &rest[16..18] == "03" { Format::Filled } else { Format::Iso0 };
            let pan = pan_of(&rest[18..30]);
            let clear =
                decipher(format, &crate::fields::unhexed(&rest[..16]), &pan, &pin_key).expect("it fits");
            let pin = extract(format, &clear, &pan).expect("a PIN");
            let value = card::pvv(&pvk, &account(&pan), rest.as_bytes()[30], &pin).expect("it fits");
            Some(verdict(value == rest.as_bytes()[31..35]))
        }
        _ => None,
    }
}

/// A key at the beginning of a body, out from under the test master key, and what follows it.
fn taken(body: &str, kind: KeyType, bare: usize) -> (Key, &str) {
    let scheme = Scheme::of_letter(body.as_bytes()[0]);
    let (scheme, begins, digits) =
        scheme.map_or((Scheme::Z, 0, bare), |scheme| (scheme, 1, scheme.key_bytes() * 2));
    let bytes = crate::fields::unhexed(&body[begins..begins + digits]);
    let over = test_lmk::variants().key_for(kind);
    (decrypt_under(&over, scheme, &bytes).expect("a key"), &body[begins + digits..])
}

pub(crate) fn recorded(vector: &Value, _: &Value) -> Outcome {
    if let Some(what) = vector["what"].as_str() {
        return verified(what, vector);
    }
    let frame = text(vector, "frame_ascii_escaped");
    let code = frame.get(4..6).unwrap_or_default();
    if text(vector, "direction") == "request" {
        if BUILT.contains(&code) { request(frame) } else { left_out(format!("{code} {OTHERS}")) }
    } else {
        response(frame, code)
    }
}

/// What a file writes with escapes, as bytes.
fn unescaped(frame: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = frame;
    while let Some(at) = rest.find("\\x") {
        bytes.extend(&rest.as_bytes()[..at]);
        bytes.extend(u8::from_str_radix(&rest[at + 2..at + 4], 16));
        rest = &rest[at + 4..];
    }
    bytes.extend(rest.as_bytes());
    bytes
}

/// A recorded command is understood, and what it asks is written the same way by us.
fn request(frame: &str) -> Outcome {
    let frame = unescaped(frame);
    let understood = match server(32).understand(&frame) {
        Ok(understood) => understood,
        Err(_) if frame.contains(&b'&') => {
            return left_out("an export that changes how the key is marked");
        }
        Err(_) if frame.windows(2).any(|two| two == b"B0") && frame[4..].starts_with(b"CA") => {
            return left_out("a translation to keys that are used once");
        }
        Err(fault) => return Outcome::Differs(format!("{}: {fault}", String::from_utf8_lossy(&frame))),
    };
    let (header, rest) = frame.split_at(4);
    let lmk = if rest.windows(3).any(|three| three == b"%01") || rest.windows(2).any(|two| two == b"S0") {
        Keeping::Blocks { lmk: *b"01" }
    } else {
        Keeping::Variants
    };
    let client = Client { keeping: lmk, older_terminal_keys: false };
    let written = client.encode(&understood, header).expect("what was asked can be asked");
    let (recorded, written) = (&frame[4..], &written[4..]);
    let same = match &frame[4..6] {
        // We send data as hex, and ask for the whole check value; what is asked is the same.
        b"M6" | b"M8" => {
            let again = server(32).understand(&[header, written].concat()).expect("our own command");
            mac_of(&again) == mac_of(&understood)
        }
        b"BU" if recorded.starts_with(b"BUFF") => {
            let end = |command: &[u8]| command.iter().rposition(|&byte| byte == b';').unwrap_or(0);
            recorded[..end(recorded)] == written[..end(written)]
        }
        // We name the master key besides.
        b"A4" => {
            let mut written = written.to_vec();
            if let Some(at) = written.windows(3).position(|three| three == b"%01") {
                written.drain(at..at + 3);
            }
            recorded == written
        }
        b"BU" => {
            return left_out("an older way to name the type, which we understand and do not write");
        }
        _ => recorded == written,
    };
    agrees_if(
        same,
        &format!("{}, not {}", String::from_utf8_lossy(recorded), String::from_utf8_lossy(written)),
    )
}

/// Data, algorithm, filling, key and MAC.
type WholeMac = (Vec<u8>, Algorithm, Padding, String, Vec<u8>);

fn mac_of(request: &Request) -> Option<WholeMac> {
    let (data, mac) = match request {
        Request::MakeMac(data) => (data, Vec::new()),
        Request::VerifyMac { data, mac } => (data, mac.clone()),
        _ => return None,
    };
    Some((data.data.expose().to_vec(), data.algorithm, data.padding, data.key.text.clone(), mac))
}

/// A request whose answer looks so.
fn asked(code: &str, is_long: bool) -> Option<Request> {
    let key = |role| StoredKey::new(role, "U00000000000000000000000000000000");
    let side = |role| PinSide { key: key(role), format: Format::Iso0, pan: Pan::NONE };
    let data = || MacData {
        key: key(Role::Zak),
        algorithm: Algorithm::Iso3,
        padding: Padding::Zeros,
        data: Sealed::default(),
    };
    let abroad = (key(Role::Zmk), Form::PayShield);
    Some(match code {
        "A1" => Request::Generate { key: NewKey::tdes(Role::Zmk), under: is_long.then_some(abroad) },
        "A5" => Request::Form { key: NewKey::tdes(Role::Zmk), components: vec![key(Role::Zmk); 2] },
        "A7" => Request::Import {
            key: NewKey::tdes(Role::Tpk),
            transport: key(Role::Zmk),
            wrapped: Wrapped(String::new()),
            expected: None,
        },
        "A9" => Request::Export { key: key(Role::Tpk), transport: key(Role::Zmk), form: Form::PayShield },
        "BV" => Request::CheckValue { key: key(Role::Zmk), method: None },
        "CB" => {
            Request::TranslatePin { block: Sealed::default(), from: side(Role::Tpk), to: side(Role::Zpk) }
        }
        "CD" => {
            Request::TranslatePin { block: Sealed::default(), from: side(Role::Zpk), to: side(Role::Zpk) }
        }
        "M7" => Request::MakeMac(data()),
        "M9" => Request::VerifyMac { data: data(), mac: vec![0; 4] },
        _ => return None,
    })
}

/// A recorded answer is read; an error code is one we know.
fn response(frame: &str, code: &str) -> Outcome {
    let frame = unescaped(frame);
    if asked(code, false).is_none() {
        return left_out(format!("the answer {code} {OTHERS}"));
    }
    let (header, client) = (&frame[..4], Client::of_blocks(*b"01"));
    if frame.len() < 8 {
        let request = asked(code, false).expect("looked at above");
        return agrees_if(client.decode(&request, header, &frame).is_err(), "an answer cut short is none");
    }
    let read = [false, true].into_iter().find_map(|is_long| {
        let request = asked(code, is_long).expect("looked at above");
        client.decode(&request, header, &frame).ok()
    });
    match read {
        Some(Ok(_)) => Outcome::Agrees,
        Some(Err(fault)) => agrees_if(!matches!(fault, Fault::Other(_)), &format!("{fault}")),
        None => Outcome::Differs(format!("unusable: {}", String::from_utf8_lossy(&frame))),
    }
}

/// Those whose keys lie under the public test key: what the device computed, computed again.
fn verified(what: &str, vector: &Value) -> Outcome {
    match what {
        "BU key check value" | "M8 verify MAC" => {
            agrees(&answered(&mut server(32), text(vector, "request")), vector, "response")
        }
        "A0 generate (mode 0)" => generated(text(vector, "response")),
        "CW CVV" => {
            let request = text(vector, "request");
            let (cvk, rest) = (under_test_lmk(&request[2..75]), &request[75..]);
            let (number, rest) = rest.split_once(';').expect("a card number");
            let pan = Pan::new(number.as_bytes()).expect("digits");
            let cvv = card::cvv(&cvk, &pan, &rest.as_bytes()[..4], &rest.as_bytes()[4..7]).expect("it fits");
            agrees(&format!("CX00{}", String::from_utf8_lossy(&cvv)), vector, "response")
        }
        "EC verify PVV" | "DC verify PVV" => pvv(text(vector, "request")),
        what if what.starts_with("GW") => {
            let ksn = [0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0];
            let initial = tdes::initial_key(&key(vector, "bdk"), &ksn).expect("a base key");
            let mac_key = tdes::working_key(&initial, tdes::Purpose::MacRequest).expect("a key");
            let data = [0xAB, 0xCD, 0xEF, 0x12, 0x34];
            let made = [Algorithm::TdesCbc, Algorithm::X919]
                .map(|way| hex(make(way, Padding::Zeros, &mac_key, &data).expect("it fits").as_bytes()));
            agrees_if(made.iter().any(|made| made == text(vector, "mac")), &format!("{made:?}"))
        }
        what if what.starts_with("GQ") => {
            let ksn = array(vector, "ksn");
            let transaction = tdes::initial_key(&key(vector, "bdk"), &ksn)
                .and_then(|initial| tdes::transaction_key(&initial, &ksn))
                .expect("a base key");
            let pin_key = tdes::working_key(&transaction, tdes::Purpose::Pin).expect("a key");
            let pan = pan_of(text(vector, "account"));
            let clear = decipher(Format::Iso0, &bytes(vector, "pin_block"), &pan, &pin_key).expect("it fits");
            let pin = extract(Format::Iso0, &clear, &pan);
            let pvv = card::pvv(&key(vector, "pvk"), &account(&pan), b'1', &pin.clone().expect("a PIN"));
            agrees_if(pin == Ok(Pin::new(text(vector, "pin").as_bytes()).expect("a PIN")), "pin")
                .and(|| agrees(&String::from_utf8_lossy(&pvv.expect("it fits")), vector, "pvv"))
        }
        _ => left_out("data is enciphered by no operation of ours"),
    }
}

fn pan_of(account: &str) -> Pan {
    Pan::new(format!("{account}0").as_bytes()).expect("digits")
}

fn under_test_lmk(block: &str) -> Key {
    let lmk = Key::tdes(&crate::fields::unhexed("0123456789ABCDEF8080808080808080FEDCBA9876543210"));
    let opened = open(&lmk.expect("24 bytes"), block).expect("authentic");
    opened.key().expect("a cipher of ours").expect("a length of it")
}

fn generated(response: &str) -> Outcome {
    let request = Request::Generate { key: NewKey::tdes(Role::Zmk), under: None };
    let frame = format!("0000{response}");
    match Client::of_blocks(*b"01").decode(&request, b"0000", frame.as_bytes()) {
        Ok(Ok(Answer::Generated { key, check: Some(check), .. })) => {
            agrees_if(usual(&under_test_lmk(&key.text)).agrees_with(&check), "the key's check value")
        }
        other => Outcome::Differs(format!("{other:?}")),
    }
}

/// PIN key, verification key, block, format, account, key index, value.
fn pvv(request: &str) -> Outcome {
    let (pin_key, rest) = request[2..].split_at(73);
    let (pvk, rest) = rest.split_at(73);
    let block = crate::fields::unhexed(&rest[..16]);
    let pan = pan_of(&rest[18..30]);
    let clear = decipher(Format::Iso0, &block, &pan, &under_test_lmk(pin_key)).expect("it fits");
    let pin = extract(Format::Iso0, &clear, &pan).expect("a PIN");
    let value = card::pvv(&under_test_lmk(pvk), &account(&pan), rest.as_bytes()[30], &pin).expect("it fits");
    agrees_if(value == rest.as_bytes()[31..35], "the verification value")
}
