//! A module that speaks these commands: software behind the real protocol, for tests and simulators.

use super::codes::code_of;
use super::fields::on_the_line;
use super::message::{Message, answering};
use super::tasks::{Reply, Task};
use super::test_lmk;
use crate::drbg::SEED_BYTES;
use crate::keyblock::peek;
use crate::ops::{Answer, Fault, Hsm as _, Request, StoredKey};
use crate::self_test::SelfTestFailed;
use crate::software::SoftwareHsm;
use alloc::vec::Vec;
use core::fmt;
use wire::hex::{Charset, write};

/// What it calls itself: nine characters.
const FIRMWARE: &[u8; 9] = b"0000-SIMU";

/// How a module is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// Length of the header in front of each message.
    pub header_bytes: usize,
    /// Hex digits of a transport key that has no letter in front: 16 in the oldest setting, 32 else.
    pub bare_zmk_digits: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self { header_bytes: 4, bare_zmk_digits: 32 }
    }
}

/// A module with three master keys, all public test keys: `00` of variants, `01` of blocks under triple DES, `02`
/// of blocks under AES.
pub struct Server {
    config: ServerConfig,
    modules: Vec<([u8; 2], SoftwareHsm)>,
}

impl Server {
    /// A module whose random bits begin with `seed`.
    ///
    /// # Errors
    /// [`SelfTestFailed`].
    pub fn new(config: ServerConfig, seed: &[u8; SEED_BYTES]) -> Result<Self, SelfTestFailed> {
        let mut modules = Vec::new();
        for (at, (id, master)) in test_lmk::masters().into_iter().enumerate() {
            let mut own = *seed;
            own[0] ^= at as u8;
            modules.push((id, SoftwareHsm::new(master, &own)?.without_rules()));
        }
        Ok(Self { config, modules })
    }

    /// How it is set up.
    pub const fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// Answers a message without its length; `None` where nothing can be answered, because it ends before its
    /// command does.
    pub fn answer(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (message, task) = self.taken_apart(bytes)?;
        let mut body = Vec::with_capacity(128);
        if let Err(fault) = task.and_then(|task| self.work(&task, &mut body)) {
            body.clear();
            body.extend(code_of(fault));
        }
        let (header, trailer) = (message.header, message.trailer);
        Some(Message { header, code: answering(message.code), body: &body, trailer }.write())
    }

    /// What a command asks, without doing it.
    ///
    /// # Errors
    /// The [`Fault`] that would be answered.
    pub fn understand(&self, bytes: &[u8]) -> Result<Request, Fault> {
        let (_, task) = self.taken_apart(bytes).ok_or(Fault::Request)?;
        task.map(|task| task.request)
    }

    /// A message and what it asks. What looks like a trailer may be the end of a command's data: only where the
    /// command makes no sense with it, or takes whatever is left as data, it is a trailer.
    fn taken_apart<'a>(&self, bytes: &'a [u8]) -> Option<(Message<'a>, Result<Task, Fault>)> {
        let message = Message::read(bytes, self.config.header_bytes).ok()?;
        let understood = |body| Task::of(message.code, body, self.config.bare_zmk_digits);
        let takes_the_rest = matches!(&message.code, b"MA" | b"MC");
        if message.trailer.is_some() && !takes_the_rest {
            let body = &bytes[self.config.header_bytes + 2..];
            if let Ok(task) = understood(body) {
                return Some((Message { body, trailer: None, ..message }, Ok(task)));
            }
        }
        Some((message, understood(message.body)))
    }

    /// An answer that says nothing but an error: for whoever simulates faults.
    pub fn refuse(&self, bytes: &[u8], fault: Fault) -> Option<Vec<u8>> {
        let message = Message::read(bytes, self.config.header_bytes).ok()?;
        let (header, trailer) = (message.header, message.trailer);
        Some(Message { header, code: answering(message.code), body: &code_of(fault), trailer }.write())
    }

    fn work(&mut self, task: &Task, body: &mut Vec<u8>) -> Result<(), Fault> {
        let id = task.lmk.or_else(|| lmk_of(&task.request)).unwrap_or(*b"00");
        let module = self.modules.iter_mut().find(|(known, _)| *known == id).ok_or(Fault::NoSuchLmk)?;
        let mut answer = module.1.ask(&task.request)?;
        // Older commands tell all of a check value, which otherwise nobody does.
        if let Reply::Key { check_digits: 16 } = task.reply {
            let key = match (&answer, &task.request) {
                (Answer::Imported { key, .. }, _) | (_, Request::Export { key, .. }) => Some(key.clone()),
                _ => None,
            };
            let whole =
                key.map(|key| module.1.ask(&Request::CheckValue { key, method: None })).transpose()?;
            if let (Some(Answer::CheckValue(whole)), Answer::Imported { check, .. }) = (&whole, &mut answer) {
                *check = *whole;
            }
            if let (Some(Answer::CheckValue(whole)), Answer::Exported { check, .. }) = (whole, &mut answer) {
                *check = Some(whole);
            }
        }
        // A wrong parity of an imported key is mended, and said by a code of its own.
        let mended = matches!(answer, Answer::Imported { parity_mended: true, .. });
        body.extend(if mended { b"01" } else { b"00" });
        write_answer(task.reply, &answer, body);
        Ok(())
    }
}

/// The master key that the keys of a request name.
fn lmk_of(request: &Request) -> Option<[u8; 2]> {
    let named = |key: &StoredKey| peek(&key.text).ok().map(|header| header.reserved);
    match request {
        Request::Generate { under, .. } => under.as_ref().and_then(|(key, _)| named(key)),
        Request::Import { transport, .. } | Request::Export { transport, .. } => named(transport),
        Request::Form { components, .. } => components.first().and_then(named),
        Request::CheckValue { key, .. } => named(key),
        Request::TranslatePin { from, .. } => named(&from.key),
        Request::MakeMac(data) | Request::VerifyMac { data, .. } => named(&data.key),
        Request::Derive { base, .. } => named(base),
        Request::Random { .. } | Request::Status | Request::Echo(_) | Request::KnownAnswers => None,
    }
}

fn write_answer(reply: Reply, answer: &Answer, body: &mut Vec<u8>) {
    match (reply, answer) {
        (Reply::Generated, Answer::Generated { key, wrapped, check }) => {
            body.extend(key.text.as_bytes());
            body.extend(wrapped.iter().flat_map(|wrapped| on_the_line(wrapped).into_bytes()));
            write_check(check.as_ref(), 6, body);
        }
        (Reply::AbroadFirst { check_digits }, Answer::Generated { key, wrapped, check }) => {
            body.extend(wrapped.iter().flat_map(|wrapped| on_the_line(wrapped).into_bytes()));
            body.extend(key.text.as_bytes());
            write_check(check.as_ref(), check_digits, body);
        }
        (Reply::Key { check_digits }, Answer::Imported { key, check, .. }) => {
            body.extend(key.text.as_bytes());
            write_check(Some(check), check_digits, body);
        }
        (Reply::Key { check_digits }, Answer::Exported { wrapped, check }) => {
            body.extend(on_the_line(wrapped).as_bytes());
            write_check(check.as_ref(), check_digits, body);
        }
        (Reply::Check { digits }, Answer::CheckValue(check)) => write_check(Some(check), digits, body),
        (Reply::Pin { format }, Answer::Pin { block, digits }) => {
            body.extend([b'0' + digits / 10, b'0' + digits % 10]);
            write(Charset::Ascii, block, body);
            body.extend(format);
        }
        (Reply::Mac { bytes }, Answer::Mac(mac)) => write(Charset::Ascii, &mac[..bytes], body),
        (Reply::Diagnosis, Answer::Status { lmk_check, .. }) => {
            body.extend(lmk_check.as_bytes());
            body.extend(FIRMWARE);
        }
        // Buffer of 32 kB, TCP, 64 sockets, firmware, and nothing of what the rest would say.
        (Reply::Settings, _) => body.extend([b"3164".as_slice(), FIRMWARE, b"00001"].concat()),
        (Reply::Echo, Answer::Echoed(data)) => body.extend(data),
        (Reply::Nothing, _) => {}
        // A task is made with the reply its request is answered by.
        (reply, answer) => unreachable!("{answer:?} is no answer of kind {}", reply.name()),
    }
}

fn write_check(check: Option<&crate::check_value::CheckValue>, digits: usize, body: &mut Vec<u8>) {
    if let Some(check) = check {
        let bytes = check.as_bytes();
        write(Charset::Ascii, &bytes[..bytes.len().min(digits / 2)], body);
    }
}

impl Reply {
    const fn name(self) -> &'static str {
        match self {
            Self::Generated => "generated",
            Self::AbroadFirst { .. } => "abroad first",
            Self::Key { .. } => "key",
            Self::Check { .. } => "check value",
            Self::Pin { .. } => "PIN",
            Self::Mac { .. } => "MAC",
            Self::Nothing => "nothing",
            Self::Diagnosis => "diagnosis",
            Self::Settings => "settings",
            Self::Echo => "echo",
        }
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a simulated module with {} test master keys", self.modules.len())
    }
}
