//! The host's side: requests as commands, answers of the module as answers.

use super::codes::fault_of;
use super::fields::{Fields, number, off_the_line, on_the_line};
use super::message::{Message, MessageError, answering};
use super::roles::{BY_BLOCK, attributes_of, code_of_algorithm, code_of_format, code_of_padding, letter_of};
use crate::check_value::CheckValue;
use crate::mac::Padding;
use crate::ops::{Answer, Fault, Form, MacData, NewKey, PinSide, Request, Role, StoredKey};
use crate::pin::account;
use crate::secret::Cipher;
use alloc::string::String;
use alloc::vec::Vec;
use wire::hex::{Charset, write};

/// How the module keeps keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// As cryptograms under the variants of its master key.
    Variants,
    /// As key blocks under the master key of that id.
    Blocks {
        /// The id, two digits.
        lmk: [u8; 2],
    },
}

/// What a host must know of a module to speak with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// How it keeps keys.
    pub keeping: Keeping,
    /// Whether terminal keys are made by HC and HA rather than A0: older modules, whose answer tells no check value.
    pub older_terminal_keys: bool,
}

/// Why a request is no command of this family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// The family has no command for it that we know.
    #[error("this family of modules has no command for {request}")]
    NoCommand {
        /// What was asked.
        request: &'static str,
    },
    /// It has, but not so.
    #[error("this family of modules does not {request} in this way: {why}")]
    NotSo {
        /// What was asked.
        request: &'static str,
        /// What does not fit.
        why: &'static str,
    },
}

/// Why an answer is none. The link it came by is no longer to be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It ends before its code does.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// Its header is another request's.
    #[error("the answer's header is not that of the request")]
    Header,
    /// It answers another command.
    #[error("the answer is to another command")]
    Command,
    /// A field is missing, or is not what stands there.
    #[error("the answer ends early, or a field of it is none")]
    Field,
    /// More follows than the command answers.
    #[error("the answer goes on for {bytes} bytes behind its end")]
    More {
        /// How many.
        bytes: usize,
    },
}

impl Client {
    /// A module that keeps key blocks under the master key of that id.
    pub const fn of_blocks(lmk: [u8; 2]) -> Self {
        Self { keeping: Keeping::Blocks { lmk }, older_terminal_keys: false }
    }

    /// A module with a variant LMK.
    pub const fn of_variants() -> Self {
        Self { keeping: Keeping::Variants, older_terminal_keys: false }
    }

    /// A request as a command: header, code, fields; without the length in front.
    ///
    /// # Errors
    /// [`Misfit`].
    pub fn encode(&self, request: &Request, header: &[u8]) -> Result<Vec<u8>, Misfit> {
        let mut body = Vec::with_capacity(128);
        let code = self.command(request).ok_or(Misfit::NoCommand { request: request.name() })?;
        if matches!(
            request,
            Request::Generate { under: Some((_, Form::KeyWrap)), .. }
                | Request::Export { form: Form::KeyWrap, .. }
        ) {
            return Err(Misfit::NotSo { request: request.name(), why: "it has no key wrap of RFC 3394" });
        }
        self.write_fields(request, &mut body)?;
        Ok(Message { header, code: *code, body: &body, trailer: None }.write())
    }

    /// The module's answer to a request that [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`Unusable`]. A fault that the module answers is not one of them: it stands inside.
    pub fn decode(
        &self,
        request: &Request,
        header: &[u8],
        bytes: &[u8],
    ) -> Result<Result<Answer, Fault>, Unusable> {
        let message = Message::read(bytes, header.len())?;
        // What we are told may end in what looks like a trailer; we send none, so all of it is the body.
        let body = &bytes[header.len() + 2..];
        if message.header != header {
            return Err(Unusable::Header);
        }
        if self.command(request).map(|code| answering(*code)) != Some(message.code) {
            return Err(Unusable::Command);
        }
        let mut fields = Fields(body);
        let code: [u8; 2] = fields.array().map_err(|_| Unusable::Field)?;
        let mended = matches!(request, Request::Import { .. }) && code == *b"01" && !fields.0.is_empty();
        if let Some(fault) = fault_of(code).filter(|_| !mended) {
            return Ok(Err(fault));
        }
        let answer = self.read_answer(request, mended, &mut fields).map_err(|_| Unusable::Field)?;
        if !fields.0.is_empty() {
            return Err(Unusable::More { bytes: fields.0.len() });
        }
        // A check value that is not the one told makes the key useless, whichever module looked.
        if let (Request::Import { expected: Some(expected), .. }, Answer::Imported { check, .. }) =
            (request, &answer)
            && !expected.agrees_with(check)
        {
            return Ok(Err(Fault::CheckMismatch));
        }
        Ok(Ok(answer))
    }

    fn command(&self, request: &Request) -> Option<&'static [u8; 2]> {
        Some(match request {
            Request::Generate { key, under } => match (self.older(key, under.as_ref()), key.role) {
                (false, _) => b"A0",
                (true, Role::Tak) => b"HA",
                (true, _) => b"HC",
            },
            Request::Import { .. } => b"A6",
            Request::Export { key, transport, .. } if self.gives_to_terminal(transport) => match key.role {
                Role::Tak => b"AG",
                _ => b"AE",
            },
            Request::Export { .. } => b"A8",
            Request::Form { .. } => b"A4",
            Request::CheckValue { .. } => b"BU",
            Request::TranslatePin { from, .. } if from.key.role == Role::Tpk => b"CA",
            Request::TranslatePin { .. } => b"CC",
            Request::MakeMac(_) => b"M6",
            Request::VerifyMac { .. } => b"M8",
            Request::Status => b"NC",
            Request::Echo(_) => b"B2",
            Request::Derive { .. } | Request::Random { .. } | Request::KnownAnswers => return None,
        })
    }

    fn older(&self, key: &NewKey, under: Option<&(StoredKey, Form)>) -> bool {
        let is_terminals = matches!(key.role, Role::Tmk | Role::Tpk | Role::Tak | Role::Pvk);
        let by_scheme = matches!(under, Some((over, Form::Scheme(_))) if over.role == Role::Tmk);
        self.older_terminal_keys && is_terminals && by_scheme
    }

    /// Under variants a terminal's transport key is of another type, and another command takes it.
    fn gives_to_terminal(&self, transport: &StoredKey) -> bool {
        self.keeping == Keeping::Variants && transport.role == Role::Tmk
    }

    fn write_fields(&self, request: &Request, body: &mut Vec<u8>) -> Result<(), Misfit> {
        let misfit = |why| Misfit::NotSo { request: request.name(), why };
        match request {
            Request::Generate { key, under } => match under {
                Some((over, form)) if self.older(key, under.as_ref()) => {
                    put(body, &over.text);
                    body.extend([b';', letter_of(*form), self.scheme_for(key).map_err(misfit)?, b'0']);
                }
                _ => self.write_generate(key, under.as_ref(), body).map_err(misfit)?,
            },
            Request::Import { transport, .. } if transport.role != Role::Zmk => {
                return Err(misfit("it takes keys from under a transport key between institutions alone"));
            }
            Request::Import { key, transport, wrapped, .. } => {
                body.extend(self.key_type(key.role));
                put(body, &transport.text);
                let written = on_the_line(wrapped);
                put(body, &written);
                body.push(self.scheme_for(key).map_err(misfit)?);
                // A block says what its key is for; of anything else the module must be told.
                let says_itself = written.starts_with(['S', 'R']) && key.attributes.is_none();
                self.write_tail((!says_itself).then_some(key), body);
            }
            Request::Export { key, transport, form } if self.gives_to_terminal(transport) => {
                let Form::Scheme(_) = form else {
                    return Err(misfit(
                        "under variants a terminal's keys travel by a scheme, not as key blocks",
                    ));
                };
                if !matches!(key.role, Role::Tmk | Role::Tpk | Role::Tak | Role::Pvk) {
                    return Err(misfit("under a terminal's transport key travel that terminal's keys alone"));
                }
                put(body, &transport.text);
                put(body, &key.text);
                body.extend([b';', letter_of(*form), b'0', b'0']);
            }
            Request::Export { key, transport, form } => {
                body.extend(self.key_type(key.role));
                if transport.role == Role::Tmk {
                    body.extend(b";1");
                }
                put(body, &transport.text);
                put(body, &key.text);
                body.push(letter_of(*form));
                self.write_tail(None, body);
            }
            Request::Form { key, components } => {
                let digit = u8::try_from(components.len()).ok().filter(|count| (2..=9).contains(count));
                body.push(b'0' + digit.ok_or(misfit("a key is made of two to nine components"))?);
                body.extend(self.key_type(key.role));
                body.push(self.scheme_for(key).map_err(misfit)?);
                components.iter().for_each(|one| put(body, &one.text));
                if let Keeping::Blocks { lmk } = self.keeping {
                    body.push(b'%');
                    body.extend(lmk);
                    // A version, and no optional blocks; what the key is for the components say.
                    body.extend(b"#0000");
                }
            }
            Request::CheckValue { key, method: None } => {
                body.extend(b"FF");
                body.push(self.length_flag(&key.text));
                put(body, &key.text);
                body.push(b';');
                body.extend(self.key_type(key.role));
                body.extend(b";000");
            }
            Request::CheckValue { .. } => return Err(misfit("the module chooses the method")),
            Request::TranslatePin { block, from, to } => {
                self.write_translation(block.expose(), from, to, body).map_err(misfit)?;
            }
            Request::MakeMac(data) => self.write_mac(data, 8, body).map_err(misfit)?,
            Request::VerifyMac { data, mac } => {
                self.write_mac(data, mac.len(), body).map_err(misfit)?;
                write(Charset::Ascii, mac, body);
            }
            // Of several master keys the one our keys lie under is meant.
            Request::Status => self.write_tail(None, body),
            Request::Echo(data) => {
                let length =
                    u16::try_from(data.len()).map_err(|_| misfit("more bytes than a length can say"))?;
                write(Charset::Ascii, &length.to_be_bytes(), body);
                body.extend(data);
            }
            Request::Derive { .. } | Request::Random { .. } | Request::KnownAnswers => {
                return Err(Misfit::NoCommand { request: request.name() });
            }
        }
        Ok(())
    }

    fn write_generate(
        &self,
        key: &NewKey,
        under: Option<&(StoredKey, Form)>,
        body: &mut Vec<u8>,
    ) -> Result<(), &'static str> {
        body.push(if under.is_some() { b'1' } else { b'0' });
        body.extend(self.key_type(key.role));
        body.push(self.scheme_for(key)?);
        if let Some((over, form)) = under {
            // Modules with blocks take the flag as it is, those with variants behind a semicolon.
            if self.keeping == Keeping::Variants {
                body.push(b';');
            }
            body.push(if over.role == Role::Tmk { b'1' } else { b'0' });
            put(body, &over.text);
            body.push(letter_of(*form));
        }
        self.write_tail(Some(key), body);
        Ok(())
    }

    fn write_translation(
        &self,
        block: &[u8],
        from: &PinSide,
        to: &PinSide,
        body: &mut Vec<u8>,
    ) -> Result<(), &'static str> {
        let format = |side: &PinSide| code_of_format(side.format).ok_or("no such PIN block format");
        let number = account(&from.pan);
        // The command has one account number for both sides.
        if number != account(&to.pan) || from.pan.expose().len() < 13 {
            return Err("the two sides need one card number, of 13 digits at least");
        }
        if to.key.role != Role::Zpk {
            return Err("a PIN goes to a key between institutions alone");
        }
        put(body, &from.key.text);
        put(body, &to.key.text);
        body.extend(b"12");
        write(Charset::Ascii, block, body);
        body.extend(format(from)?);
        body.extend(format(to)?);
        body.extend(number);
        self.write_tail(None, body);
        Ok(())
    }

    fn write_mac(&self, mac: &MacData, mac_bytes: usize, body: &mut Vec<u8>) -> Result<(), &'static str> {
        let algorithm = code_of_algorithm(mac.algorithm).ok_or("no such algorithm")?;
        let size = match mac_bytes {
            4 => b'0',
            8 => b'1',
            _ => return Err("a MAC has 4 or 8 bytes"),
        };
        let padding = if mac.algorithm.has_choice_of_padding() { mac.padding } else { Padding::Zeros };
        // One message, and its data as hex: as bytes it might hold what stands before a trailer.
        body.extend([b'0', b'1', size, algorithm, code_of_padding(padding)]);
        body.extend(self.key_type(mac.key.role));
        put(body, &mac.key.text);
        let length =
            u16::try_from(mac.data.expose().len() * 2).map_err(|_| "more data than a command takes")?;
        write(Charset::Ascii, &length.to_be_bytes(), body);
        write(Charset::Ascii, mac.data.expose(), body);
        Ok(())
    }

    /// The master key's id, and how a new key is marked, where the module keeps blocks.
    fn write_tail(&self, new: Option<&NewKey>, body: &mut Vec<u8>) {
        let Keeping::Blocks { lmk } = self.keeping else { return };
        body.push(b'%');
        body.extend(lmk);
        if let Some(new) = new {
            body.push(b'#');
            body.extend(attributes_of(new));
        }
    }

    fn key_type(&self, role: Role) -> [u8; 3] {
        match self.keeping {
            Keeping::Variants => role.key_type().text(),
            Keeping::Blocks { .. } => *BY_BLOCK,
        }
    }

    /// The letter under which a new key is to be kept.
    fn scheme_for(&self, key: &NewKey) -> Result<u8, &'static str> {
        match (self.keeping, key.cipher, key.bytes) {
            (Keeping::Blocks { .. }, Cipher::Sm4, _) => Err("the family has no SM4"),
            (Keeping::Blocks { .. }, ..) => Ok(b'S'),
            (Keeping::Variants, Cipher::Tdes, 8) => Ok(b'Z'),
            (Keeping::Variants, Cipher::Tdes, 16) => Ok(b'U'),
            (Keeping::Variants, Cipher::Tdes, 24) => Ok(b'T'),
            (Keeping::Variants, ..) => Err("a variant LMK keeps DES keys alone"),
        }
    }

    fn length_flag(&self, text: &str) -> u8 {
        match (self.keeping, text.as_bytes().first()) {
            (Keeping::Blocks { .. }, _) => b'F',
            (_, Some(b'U' | b'X')) => b'1',
            (_, Some(b'T' | b'Y')) => b'2',
            _ => b'0',
        }
    }

    fn read_answer(&self, request: &Request, mended: bool, fields: &mut Fields<'_>) -> Result<Answer, Fault> {
        Ok(match request {
            Request::Generate { key, under } if self.older(key, under.as_ref()) => {
                let wrapped = Some(off_the_line(fields.key(16)?));
                Answer::Generated { key: StoredKey::new(key.role, fields.key(16)?), wrapped, check: None }
            }
            Request::Generate { key, under } => {
                let stored = StoredKey::new(key.role, fields.key(16)?);
                let wrapped = under.as_ref().map(|_| fields.key(16).map(off_the_line)).transpose()?;
                Answer::Generated { key: stored, wrapped, check: Some(check_of(fields)?) }
            }
            Request::Form { key, .. } => {
                let stored = StoredKey::new(key.role, fields.key(16)?);
                Answer::Generated { key: stored, wrapped: None, check: Some(check_of(fields)?) }
            }
            // One of these commands answers the key and nothing more.
            Request::Export { transport, .. } if self.gives_to_terminal(transport) => {
                let wrapped = off_the_line(fields.key(16)?);
                let check = if fields.0.is_empty() { None } else { Some(check_of(fields)?) };
                Answer::Exported { wrapped, check }
            }
            Request::Import { key, .. } => {
                let stored = StoredKey::new(key.role, fields.key(16)?);
                Answer::Imported { key: stored, check: check_of(fields)?, parity_mended: mended }
            }
            Request::Export { .. } => {
                Answer::Exported { wrapped: off_the_line(fields.key(16)?), check: Some(check_of(fields)?) }
            }
            Request::CheckValue { .. } => Answer::CheckValue(check_of(fields)?),
            Request::TranslatePin { .. } => {
                let digits = number(fields.take(2)?).ok_or(Fault::Request)? as u8;
                let block = fields.hex(16)?;
                fields.take(2)?;
                Answer::Pin { block, digits }
            }
            Request::MakeMac(_) => {
                let mut digits = fields.0.len();
                // Some firmware states the length of the MAC in front of it.
                if digits % 8 == 4 {
                    fields.take(4)?;
                    digits -= 4;
                }
                if !matches!(digits, 8 | 16) {
                    return Err(Fault::Request);
                }
                Answer::Mac(fields.hex(digits)?)
            }
            Request::VerifyMac { .. } => Answer::Verified,
            Request::Status => {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                // Sixteen digits of most master keys, fewer of some; the firmware has nine characters always.
                let digits = fields.0.len().checked_sub(9).filter(|digits| (6..=16).contains(digits));
                let lmk_check = text(fields.take(digits.ok_or(Fault::Request)?)?);
                Answer::Status { lmk_check, firmware: text(fields.take(fields.0.len())?) }
            }
            Request::Echo(_) => Answer::Echoed(fields.take(fields.0.len())?.to_vec()),
            Request::Derive { .. } | Request::Random { .. } | Request::KnownAnswers => {
                return Err(Fault::NotOffered);
            }
        })
    }
}

/// The rest as a check value: six digits, or sixteen.
fn check_of(fields: &mut Fields<'_>) -> Result<CheckValue, Fault> {
    let bytes = fields.hex(fields.0.len())?;
    CheckValue::told(&bytes).ok_or(Fault::Request)
}

fn put(body: &mut Vec<u8>, text: &str) {
    body.extend(text.as_bytes());
}
