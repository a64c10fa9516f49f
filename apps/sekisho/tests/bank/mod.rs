//! A bank that authenticates messages and exchanges keys, beside the program's own code for both.
#![allow(dead_code, reason = "each test program uses its own part")]

pub(crate) mod atm;

use dialects::{Dialect, TravellingKey};
use hsm::Key;
use hsm::check_value::{Method, check_value};
use hsm::lmk::{Scheme, decrypt_under, encrypt_under};
use hsm::mac::{Algorithm, Padding, make};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use stories::Speech;
use terms::{Answer, BusinessDate, Carried, Class, Code, MessageType, Network, Outgoing, Stan, Txn};
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
    books: Arc<Mutex<Books>>,
}

pub(crate) fn speech() -> Speech {
    let dialect = Dialect::load(DIALECT).expect("a legal dialect");
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
pub(crate) fn sealed(over: &Key, what: dialects::KeyWhat, key: &Key) -> TravellingKey {
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

impl Bank {
    /// With that transport key and that first key for codes.
    pub(crate) fn with(zmk: Key, code: Key) -> Self {
        let address = stories::free_address();
        let listener = TcpListener::bind(address).expect("it is free");
        let books = Books {
            manner: Manner::Accept,
            zmk,
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
                std::thread::spawn(move || serve(&books, stream));
            }
        });
        Self { address, books }
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        lock(&self.books)
    }

    /// Sends keys of its own accord; gives what it was told.
    pub(crate) fn pushes(&self, keys: &[TravellingKey]) -> Option<Code> {
        let speech = speech();
        let contents =
            speech.dialect.key_exchange().expect("it says how").compose(false, keys).expect("they fit");
        self.says(|txn| txn.carried.push(terms::Noun::Reserved62, &contents))
    }

    /// Says something about keys; gives what it was told.
    pub(crate) fn says(&self, say: impl FnOnce(&mut Txn)) -> Option<Code> {
        let speech = speech();
        let mut books = self.books();
        books.stan += 1;
        let (stan, before) = (Stan(books.stan), books.told.len());
        let mut txn = Txn::new(MessageType::from_digits([8, 0, 0]).expect("0800"));
        (txn.network, txn.stan) = (Network::KeyExchange, stan);
        txn.transmitted_at = terms::Text::clipped(b"1122091500");
        say(&mut txn);
        let ours = Outgoing { stan, rrn: txn.rrn, transmitted_at: txn.transmitted_at, repeat: false };
        let mut body = Vec::new();
        speech.dialect.write_request(&txn, &ours, &mut body).expect("a legal message");
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

fn serve(books: &Mutex<Books>, mut stream: TcpStream) {
    let speech = speech();
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
            let request_is_guarded = txn.message.class != Class::Network;
            if request_is_guarded {
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
            return Some(if right { yes() } else { Answer::ours(Code::WrongMac, Code::WrongMac.outcome()) });
        }
        let rule = speech.dialect.key_exchange().expect("it says how");
        let Some(sent) = txn.carried.get(rule.noun).filter(|_| txn.network == Network::KeyExchange) else {
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
        let opened: Vec<_> = keys.iter().map(|key| opened(&self.zmk, key)).collect();
        assert!(opened.iter().all(|(_, right)| *right), "every check value is right");
        self.codes.push(opened[1].0.clone());
        (self.manner == Manner::Accept).then(|| Answer { carried: Carried::default(), ..yes() })
    }
}
