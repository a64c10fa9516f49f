//! A bank that authenticates messages and exchanges keys, beside the program's own code for both.
#![allow(dead_code, reason = "each test program uses its own part")]

pub(crate) mod atm;

use dialects::{Dialect, KeyWhat, TravellingKey};
use hsm::check_value::{Method, check_value};
use hsm::lmk::{Scheme, decrypt_under, encrypt_under};
use hsm::mac::{Algorithm, Padding, make};
use hsm::pin::{Fill, Format, compose, decipher, encipher, extract};
use hsm::{Key, Pin};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use stories::Speech;
use terms::{
    Answer, BusinessDate, Carried, Class, Code, MessageType, Network, Noun, Outgoing, Pan, Stan, Txn,
};
use wire::Next;

/// What it speaks: keys in DE 62, a code over five elements in DE 128.
pub(crate) const DIALECT: &str = r#"
name    = "bank"
summary = "A bank that authenticates messages and exchanges keys"
like    = "iso87-ascii"
framing = "bin2"

[key_exchange]
carried_in = "reserved_62"
parts      = ["pin 32", "check 16", "mac 32", "check 16"]
master     = ["master 32", "check 16"]

[mac]
algorithm           = "x919"
position            = 128
input               = [3, 4, 11, 39, 41]
compared_characters = 16
"#;

/// The same by the edition of 1993: 1804 with function 811, keys as bytes in DE 96, and each message that carries keys
/// authenticated by the new one.
pub(crate) const DIALECT_1993: &str = r#"
name    = "bank"
summary = "A bank that exchanges keys by the edition of 1993"
like    = "iso93-ascii"
framing = "bin2"

[key_exchange]
carried_in = "key_data"
parts      = ["pin 32", "check 6", "mac 32", "check 6"]
binary     = true
code_by    = "new_key"

[mac]
algorithm           = "x919"
position            = 128
input               = [3, 4, 11, 24, 39, 41, 96]
compared_characters = 16
classes             = ["financial", "reversal", "network"]
"#;

/// A bank that sends one key in each message: DE 53 says which and how long, DE 48 holds it, and a key for codes
/// authenticates its own message.
pub(crate) const DIALECT_EACH_ALONE: &str = r#"
name    = "bank"
summary = "A bank that sends each key alone"
like    = "iso87-ascii"
framing = "bin2"

[key_exchange]
carried_in = "additional_private"
parts      = ["key 32", "check 8"]
info       = { pin = "1", mac = "2", single = "0", double = "6" }
code_by    = "new_key"

[network]
"101" = { is = "key_exchange", as = "0820" }

[mac]
algorithm           = "x919"
position            = 128
input               = [3, 4, 11, 39, 41, 48, 53]
compared_characters = 16
classes             = ["financial", "reversal", "network"]
"#;

/// What it does when keys come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Takes them.
    Accept,
    /// Takes them, and its yes is lost.
    AcceptInSilence,
    /// Says no.
    Refuse,
    /// Says nothing.
    Silence,
    /// Hangs up.
    HangUp,
}

/// What it knows and saw.
pub(crate) struct Books {
    pub(crate) manner: Manner,
    pub(crate) zmk: Key,
    /// Keys for PINs, the one in force last; none while PINs are not looked at.
    pub(crate) pins: Vec<Key>,
    pub(crate) wrong_pins: usize,
    /// What it was asked for, where it draws the keys.
    pub(crate) wanted: Vec<Option<KeyWhat>>,
    /// Keys for codes, the one in force last.
    pub(crate) codes: Vec<Key>,
    pub(crate) wrong_codes: usize,
    pub(crate) served: usize,
    /// Cryptograms that came.
    pub(crate) offered: Vec<Vec<TravellingKey>>,
    /// Answers to what it said of its own accord.
    pub(crate) told: Vec<Option<Code>>,
    conns: Vec<TcpStream>,
    stan: u32,
}

pub(crate) struct Bank {
    pub(crate) address: SocketAddr,
    text: &'static str,
    books: Arc<Mutex<Books>>,
}

pub(crate) fn speech() -> Speech {
    speech_of(DIALECT)
}

fn speech_of(text: &str) -> Speech {
    let dialect = Dialect::load(text).expect("a legal dialect");
    let framing = wire::Framing::named(dialect.framing()).expect("it suggests a framing");
    Speech { dialect, framing }
}

fn today() -> BusinessDate {
    BusinessDate::new(2026, 11, 22).expect("a day")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

/// Eight bytes of check value.
pub(crate) fn check_of(key: &Key) -> String {
    check_value(key, Method::Des).expect("a DES key").to_string()
}

/// A key that came under another, and whether its check value is right.
pub(crate) fn opened(over: &Key, travelling: &TravellingKey) -> (Key, bool) {
    let key = decrypt_under(over, Scheme::X, &unhex(&travelling.cryptogram)).expect("two parts");
    let right = check_of(&key).starts_with(&travelling.check);
    (key, right)
}

/// A key put under another.
pub(crate) fn sealed(over: &Key, what: KeyWhat, key: &Key) -> TravellingKey {
    let bytes = encrypt_under(over, Scheme::X, key).expect("two parts");
    TravellingKey { what, cryptogram: hex(&bytes[..16]), check: check_of(key) }
}

/// Puts a code into a message with room for it.
pub(crate) fn put_code(speech: &Speech, key: &Key, body: &mut [u8]) {
    let covered = speech.dialect.covered(body).expect("it has room");
    let mac = make(Algorithm::X919, Padding::Zeros, key, covered.data.expose()).expect("a key of two parts");
    speech.dialect.put_code(&covered, mac.as_bytes(), body).expect("it has room");
}

/// Whether a message's code is right under that key.
pub(crate) fn code_is_right(speech: &Speech, key: &Key, body: &[u8]) -> bool {
    let Ok(covered) = speech.dialect.covered(body) else { return false };
    let mac = make(Algorithm::X919, Padding::Zeros, key, covered.data.expose()).expect("a key of two parts");
    covered.code.as_deref() == Some(mac.as_bytes())
}

/// The PIN everybody has.
const PIN: &[u8] = b"4711";

/// Its block for a card, under a key.
pub(crate) fn pin_block(key: &Key, pan: &Pan) -> Vec<u8> {
    let pin = Pin::new(PIN).expect("a PIN");
    let clear = compose(Format::Iso0, &pin, pan, &mut Fill::Given(&[])).expect("a block");
    encipher(Format::Iso0, &clear, pan, key).expect("it fits").as_bytes().to_vec()
}

fn pin_is_right(key: &Key, block: &[u8], pan: &Pan) -> bool {
    let clear = decipher(Format::Iso0, block, pan, key).ok();
    clear.and_then(|clear| extract(Format::Iso0, &clear, pan).ok()).is_some_and(|pin| pin.expose() == PIN)
}

impl Bank {
    /// With that transport key and that first key for codes.
    pub(crate) fn with(zmk: Key, code: Key) -> Self {
        Self::speaking(DIALECT, zmk, code)
    }

    /// The same in another dialect.
    pub(crate) fn speaking(text: &'static str, zmk: Key, code: Key) -> Self {
        let address = stories::free_address();
        let listener = TcpListener::bind(address).expect("it is free");
        let books = Books {
            manner: Manner::Accept,
            zmk,
            pins: Vec::new(),
            wrong_pins: 0,
            wanted: Vec::new(),
            codes: vec![code],
            wrong_codes: 0,
            served: 0,
            offered: Vec::new(),
            told: Vec::new(),
            conns: Vec::new(),
            stan: 900_000,
        };
        let books = Arc::new(Mutex::new(books));
        let accepting = books.clone();
        // Ends with the test's process; each test has a port of its own.
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let books = accepting.clone();
                lock(&books).conns.extend(stream.try_clone());
                std::thread::spawn(move || serve(&books, text, stream));
            }
        });
        Self { address, text, books }
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }

    /// Sends keys of its own accord; gives what it was told.
    pub(crate) fn pushes(&self, keys: &[TravellingKey]) -> Option<Code> {
        let code =
            keys.iter().find(|key| key.what == KeyWhat::Mac).map(|key| opened(&self.books().zmk, key).0);
        self.pushes_by(keys, code.as_ref())
    }

    /// The same, the message authenticated by that key where its dialect has codes there.
    pub(crate) fn pushes_by(&self, keys: &[TravellingKey], code: Option<&Key>) -> Option<Code> {
        let speech = speech_of(self.text);
        let rule = speech.dialect.key_exchange().expect("it says how").clone();
        let alone = rule.info.as_ref().map(|_| keys[0].what);
        let rule = alone.map_or(rule.clone(), |what| rule.of(what));
        // What it sends is as long as its parts: a check value is cut to them.
        let contents = rule.compose(false, keys).expect("they fit");
        let info = alone.and_then(|what| speech.dialect.key_exchange().and_then(|rule| rule.info_of(what)));
        self.says_by(code, |txn| {
            txn.carried.push(rule.noun, &contents);
            info.iter().for_each(|info| txn.carried.push(Noun::SecurityInfo, info));
        })
    }

    /// Says something about keys; gives what it was told.
    pub(crate) fn says(&self, say: impl FnOnce(&mut Txn)) -> Option<Code> {
        self.says_by(None, say)
    }

    fn says_by(&self, code: Option<&Key>, say: impl FnOnce(&mut Txn)) -> Option<Code> {
        let speech = speech_of(self.text);
        let mut books = self.books();
        books.stan += 1;
        let (stan, before) = (Stan(books.stan), books.told.len());
        let function = if self.text == DIALECT_1993 { 4 } else { 0 };
        let mut txn = Txn::new(MessageType::from_digits([8, 0, function]).expect("about the network"));
        (txn.network, txn.stan) = (Network::KeyExchange, stan);
        txn.transmitted_at = terms::Text::clipped(b"1122091500");
        say(&mut txn);
        let ours = Outgoing { stan, rrn: txn.rrn, transmitted_at: txn.transmitted_at, repeat: false };
        let mut body = Vec::new();
        match code.filter(|_| speech.dialect.authenticates(txn.message)) {
            None => speech.dialect.write_request(&txn, &ours, &mut body).expect("a legal message"),
            Some(code) => {
                speech.dialect.write_request_with_room(&txn, &ours, &mut body).expect("a legal message");
                put_code(&speech, code, &mut body);
            }
        }
        let frame = speech.frame(&body);
        let conn = books.conns.last_mut().expect("the switch has dialled");
        conn.write_all(&frame).expect("it stands");
        drop(books);
        stories::wait_for("an answer about keys", || self.books().told.get(before).copied())
    }
}

fn lock(books: &Mutex<Books>) -> MutexGuard<'_, Books> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(books: &Mutex<Books>, text: &str, mut stream: TcpStream) {
    let speech = speech_of(text);
    let (mut received, mut bytes) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let Ok(count @ 1..) = stream.read(&mut bytes) else { return };
        received.extend_from_slice(&bytes[..count]);
        while let Next::Frame { body, consumed, .. } = speech.framing.next(&received).expect("frames") {
            let body = body.to_vec();
            received.drain(..consumed);
            let txn = speech.dialect.read(&body, today()).expect("its dialect");
            let mut books = lock(books);
            if !txn.message.asks() {
                books.told.push(txn.code);
                continue;
            }
            let Some(answer) = books.decide(&speech, &txn, &body) else {
                if books.manner == Manner::HangUp {
                    let _ = stream.shutdown(std::net::Shutdown::Both);
                }
                continue;
            };
            let mut out = Vec::new();
            if speech.dialect.authenticates(txn.message) {
                speech.dialect.write_answer_with_room(&txn, &answer, &mut out).expect("a legal answer");
                let code = books.codes.last().expect("it has one").clone();
                put_code(&speech, &code, &mut out);
            } else {
                speech.dialect.write_answer(&txn, &answer, &mut out).expect("a legal answer");
            }
            // In the order it decided: keys are others from the very next message on.
            if stream.write_all(&speech.frame(&out)).is_err() {
                return;
            }
        }
    }
}

impl Books {
    fn decide(&mut self, speech: &Speech, txn: &Txn, body: &[u8]) -> Option<Answer> {
        let yes = || Answer::ours(Code::Approved, Code::Approved.outcome());
        if txn.message.class != Class::Network {
            self.served += 1;
            // The one in force, and what was on its way under the one before.
            let right = self.codes.iter().rev().take(2).any(|key| code_is_right(speech, key, body));
            self.wrong_codes += usize::from(!right);
            if let Some(block) = txn.carried.get(Noun::PinBlock).filter(|_| !self.pins.is_empty()) {
                let right = self.pins.iter().rev().take(2).any(|key| pin_is_right(key, block, &txn.pan));
                self.wrong_pins += usize::from(!right);
            }
            return Some(if right { yes() } else { Answer::ours(Code::WrongMac, Code::WrongMac.outcome()) });
        }
        if txn.network != Network::KeyExchange {
            return Some(yes());
        }
        let rule = speech.dialect.key_exchange().expect("it says how");
        let rule = rule.said(txn.carried.get(Noun::SecurityInfo)).expect("it says which key it is");
        let Some(sent) = txn.carried.get(rule.noun) else {
            // Asked for keys of its own: they come in a message of their own.
            self.wanted.push(rule.info.as_ref().map(|_| rule.parts[0].what));
            return Some(yes());
        };
        let keys = rule.take_apart(false, sent).expect("as the dialect says");
        self.offered.push(keys.clone());
        match self.manner {
            Manner::Refuse => {
                return Some(Answer::ours(Code::SecurityFailure, Code::SecurityFailure.outcome()));
            }
            Manner::Silence | Manner::HangUp => return None,
            Manner::Accept | Manner::AcceptInSilence => {}
        }
        let opened: Vec<_> = keys.iter().map(|key| (key.what, opened(&self.zmk, key))).collect();
        assert!(opened.iter().all(|(_, (_, right))| *right), "every check value is right");
        let of = |what| opened.iter().find(|(of, _)| *of == what).map(|(_, (key, _))| key.clone());
        if speech.dialect.authenticates(txn.message) {
            let by = of(KeyWhat::Mac).unwrap_or_else(|| self.codes.last().expect("it has one").clone());
            self.wrong_codes += usize::from(!code_is_right(speech, &by, body));
        }
        self.codes.extend(of(KeyWhat::Mac));
        self.pins.extend(of(KeyWhat::Pin));
        (self.manner == Manner::Accept).then(|| Answer { carried: Carried::default(), ..yes() })
    }
}
