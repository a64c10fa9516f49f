//! The module's side: commands as requests, and how their answers are written.

use super::fields::{Fields, number, off_the_line};
use super::roles::{
    BY_BLOCK, algorithm_of, form_of, format_of, new_key_of, padding_of, role_of_block, role_of_type, stored,
};
use crate::keyblock::peek;
use crate::lmk::Scheme;
use crate::mac::{Algorithm, Padding};
use crate::ops::{Attributes, Fault, Form, MacData, NewKey, PinSide, Request, Role, StoredKey, Wrapped};
use crate::secret::Cipher;
use alloc::vec::Vec;
use terms::{Pan, Sealed};

/// A command understood.
pub(super) struct Task {
    pub(super) request: Request,
    /// The master key it names, where it names one.
    pub(super) lmk: Option<[u8; 2]>,
    /// What its answer looks like.
    pub(super) reply: Reply,
}

/// What an answer looks like behind its code.
#[derive(Clone, Copy)]
pub(super) enum Reply {
    /// The key at home, the key abroad, six digits of check value.
    Generated,
    /// The key abroad, the key at home, so many digits of check value.
    AbroadFirst { check_digits: usize },
    /// A key, so many digits of check value.
    Key { check_digits: usize },
    /// So many digits of check value.
    Check { digits: usize },
    /// Length of the PIN, block, format.
    Pin { format: [u8; 2] },
    /// So many bytes of MAC.
    Mac { bytes: usize },
    /// Nothing more.
    Nothing,
    /// Check value of the master key, and firmware.
    Diagnosis,
    /// Settings, with the firmware among them.
    Settings,
    /// What was sent.
    Echo,
}

impl Task {
    /// Understands a command. `bare_zmk` is how many digits a transport key without a letter has.
    pub(super) fn of(code: [u8; 2], body: &[u8], bare_zmk: usize) -> Result<Self, Fault> {
        let mut fields = Fields(body);
        let f = &mut fields;
        let task = match &code {
            b"A0" => generate(f, bare_zmk),
            b"A4" => form(f),
            b"A6" => import(f, bare_zmk),
            b"A8" => export(f, bare_zmk),
            b"BU" => check_value(f),
            b"CA" => translate(f, Role::Tpk),
            b"CC" => translate(f, Role::Zpk),
            b"M6" => mac(f, false),
            b"M8" => mac(f, true),
            b"MA" => old_mac(f, false),
            b"MC" => old_mac(f, true),
            b"HC" => for_terminal(f, Role::Tpk),
            b"HA" => for_terminal(f, Role::Tak),
            b"IA" => for_zone(f, bare_zmk),
            b"FA" => old_import(f, Role::Zpk, bare_zmk),
            b"FC" => old_import(f, Role::Tpk, bare_zmk),
            b"MI" => old_import(f, Role::Tak, bare_zmk),
            b"GC" => old_export(f, Role::Zpk, bare_zmk),
            b"FE" => old_export(f, Role::Tpk, bare_zmk),
            b"MG" => old_export(f, Role::Tak, bare_zmk),
            b"FK" => flagged(f).and_then(|role| old_import(f, role, bare_zmk)),
            b"FM" => flagged(f).and_then(|role| old_export(f, role, bare_zmk)),
            b"AE" => again_for_terminal(f, Role::Tpk, 0),
            b"AG" => again_for_terminal(f, Role::Tak, 16),
            b"KA" => old_check_value(f),
            b"NC" => lmk_id(f).map(|lmk| Self { lmk, ..Self::plain(Request::Status, Reply::Diagnosis) }),
            b"NO" => f.take(2).map(|_| Self::plain(Request::Status, Reply::Settings)),
            b"B2" => echo(f),
            b"RA" => Ok(Self::plain(Request::Status, Reply::Nothing)),
            _ => Err(Fault::NotOffered),
        }?;
        if fields.0.is_empty() { Ok(task) } else { Err(Fault::Request) }
    }

    const fn plain(request: Request, reply: Reply) -> Self {
        Self { request, lmk: None, reply }
    }

    const fn under(request: Request, lmk: Option<[u8; 2]>, reply: Reply) -> Self {
        Self { request, lmk, reply }
    }
}

/// `%` and two digits.
fn lmk_id(f: &mut Fields<'_>) -> Result<Option<[u8; 2]>, Fault> {
    if f.skip(b'%') { f.digits().map(Some) } else { Ok(None) }
}

/// `#` and ten characters.
fn attributes(f: &mut Fields<'_>) -> Result<Option<NewKey>, Fault> {
    if f.skip(b'#') { new_key_of(f.array()?).map(Some) } else { Ok(None) }
}

/// A key kept under a variant LMK by the scheme asked for.
fn new_under(role: Role, letter: u8) -> Result<NewKey, Fault> {
    let bytes = match Scheme::of_letter(letter) {
        Some(scheme @ (Scheme::Z | Scheme::U | Scheme::T)) => scheme.key_bytes(),
        _ => return Err(Fault::Request),
    };
    Ok(NewKey { role, cipher: Cipher::Tdes, bytes, attributes: None })
}

fn generate(f: &mut Fields<'_>, bare_zmk: usize) -> Result<Task, Fault> {
    let mode = f.byte()?;
    let (kind, letter): ([u8; 3], u8) = (f.array()?, f.byte()?);
    let under = match mode {
        b'0' => None,
        b'1' => {
            // The flag stands behind a semicolon, or alone before a block; the oldest firmware has none.
            let is_flagged = f.skip(b';') || matches!(f.0, [b'0' | b'1', b'S', ..]);
            let role = carrier_of(if is_flagged { f.byte()? } else { b'0' })?;
            let transport = StoredKey::new(role, f.key(bare_zmk)?);
            Some((transport, form_of(f.byte()?)?))
        }
        _ => return Err(Fault::Request),
    };
    let lmk = lmk_id(f)?;
    let key = match (kind == *BY_BLOCK, attributes(f)?) {
        (true, Some(key)) if letter == b'S' => key,
        (false, None) => new_under(role_of_type(kind)?, letter)?,
        _ => return Err(Fault::Request),
    };
    Ok(Task::under(Request::Generate { key, under }, lmk, Reply::Generated))
}

/// A number of components, their type and scheme, and so many of them.
fn form(f: &mut Fields<'_>) -> Result<Task, Fault> {
    let count = components_of(f.byte()?)?;
    let (kind, letter): ([u8; 3], u8) = (f.array()?, f.byte()?);
    let texts = (0..count).map(|_| f.key(16)).collect::<Result<Vec<_>, _>>()?;
    let lmk = lmk_id(f)?;
    let key = if kind == *BY_BLOCK && letter == b'S' {
        // Behind `#` stand a version for the key and a number of optional blocks.
        let version = if f.skip(b'#') { f.array().map(|[v1, v2, _, _]: [u8; 4]| [v1, v2])? } else { *b"00" };
        let [first, ..] = texts.as_slice() else { return Err(Fault::Request) };
        let says = peek(first).map_err(|_| Fault::Unreadable)?;
        let new = new_of_block(first)?;
        let attributes = Attributes {
            usage: says.usage,
            mode: says.mode,
            key_version: version,
            exportable: says.exportable,
        };
        NewKey { attributes: Some(attributes), ..new }
    } else if kind == *BY_BLOCK {
        return Err(Fault::Request);
    } else {
        new_under(role_of_type(kind)?, letter)?
    };
    let components = texts.into_iter().map(|text| StoredKey::new(key.role, text)).collect();
    Ok(Task::under(Request::Form { key, components }, lmk, Reply::Generated))
}

/// What a flag says carries a key.
const fn carrier_of(flag: u8) -> Result<Role, Fault> {
    match flag {
        b'0' => Ok(Role::Zmk),
        b'1' => Ok(Role::Tmk),
        _ => Err(Fault::Request),
    }
}

fn components_of(digit: u8) -> Result<usize, Fault> {
    match digit {
        b'2'..=b'9' => Ok(usize::from(digit - b'0')),
        _ => Err(Fault::Components),
    }
}

fn import(f: &mut Fields<'_>, bare_zmk: usize) -> Result<Task, Fault> {
    let kind: [u8; 3] = f.array()?;
    let transport = StoredKey::new(Role::Zmk, f.key(bare_zmk)?);
    let wrapped = off_the_line(f.key(16)?);
    let letter = f.byte()?;
    let lmk = lmk_id(f)?;
    let asked = attributes(f)?;
    let key = match (kind == *BY_BLOCK, asked) {
        (true, Some(asked)) if letter == b'S' => asked,
        (true, None) if letter == b'S' => new_of_block(&wrapped.0)?,
        (false, None) => new_under(role_of_type(kind)?, letter)?,
        _ => return Err(Fault::Request),
    };
    let request = Request::Import { key, transport, wrapped, expected: None };
    Ok(Task::under(request, lmk, Reply::Key { check_digits: 6 }))
}

/// What a block says of the key in it. How long that is shows when it is opened; the shortest there is will do.
fn new_of_block(text: &str) -> Result<NewKey, Fault> {
    let role = role_of_block(text)?;
    let is_aes = peek(text).is_ok_and(|header| header.algorithm == b'A');
    let shortest = NewKey { bytes: 8, ..NewKey::tdes(role) };
    Ok(if is_aes { NewKey::aes(role, 16) } else { shortest })
}

fn export(f: &mut Fields<'_>, bare_zmk: usize) -> Result<Task, Fault> {
    let kind: [u8; 3] = f.array()?;
    let role = if f.skip(b';') { carrier_of(f.byte()?)? } else { Role::Zmk };
    let transport = StoredKey::new(role, f.key(bare_zmk)?);
    let key = stored(kind, f.key(16)?)?;
    let form = form_of(f.byte()?)?;
    let lmk = lmk_id(f)?;
    Ok(Task::under(Request::Export { key, transport, form }, lmk, Reply::Key { check_digits: 6 }))
}

fn check_value(f: &mut Fields<'_>) -> Result<Task, Fault> {
    let code: [u8; 2] = f.array()?;
    let bare = match f.byte()? {
        b'0' | b'F' => 16,
        b'1' => 32,
        b'2' => 48,
        _ => return Err(Fault::KeyLength),
    };
    let text = f.key(bare)?;
    let kind = match &code {
        b"FF" if f.skip(b';') => f.array()?,
        b"FF" => return Err(Fault::Request),
        [high, low] => [b'0', *high, *low],
    };
    // Two reserved digits, then how long: all of it, or six digits.
    let digits = if f.skip(b';') {
        match f.array()? {
            [_, _, b'0'] => 16,
            [_, _, b'1'] => 6,
            _ => return Err(Fault::Request),
        }
    } else {
        16
    };
    let lmk = lmk_id(f)?;
    let request = Request::CheckValue { key: stored(kind, text)?, method: None };
    Ok(Task::under(request, lmk, Reply::Check { digits }))
}

fn translate(f: &mut Fields<'_>, from: Role) -> Result<Task, Fault> {
    let from = StoredKey::new(from, f.key(16)?);
    let to = StoredKey::new(Role::Zpk, f.key(16)?);
    let longest = number(f.take(2)?).ok_or(Fault::Request)?;
    if longest != 12 {
        return Err(Fault::Request);
    }
    let block = f.hex(16)?;
    let (came, goes): ([u8; 2], [u8; 2]) = (f.array()?, f.array()?);
    let account: [u8; 12] = f.digits()?;
    let lmk = lmk_id(f)?;
    // The command tells no check digit; none of the formats asks for it.
    let mut digits = account.to_vec();
    digits.push(b'0');
    let pan = Pan::new(&digits).ok_or(Fault::Account)?;
    let request = Request::TranslatePin {
        block: Sealed::new(block),
        from: PinSide { key: from, format: format_of(came)?, pan: pan.clone() },
        to: PinSide { key: to, format: format_of(goes)?, pan },
    };
    Ok(Task::under(request, lmk, Reply::Pin { format: goes }))
}

fn mac(f: &mut Fields<'_>, verifies: bool) -> Result<Task, Fault> {
    let [mode, input, size, algorithm, padding] = f.array()?;
    if mode != b'0' {
        return Err(Fault::Request);
    }
    let bytes = match size {
        b'0' => 4,
        b'1' => 8,
        _ => return Err(Fault::Request),
    };
    let (algorithm, padding) = (algorithm_of(algorithm)?, padding_of(padding)?);
    let kind = f.array()?;
    let text = f.key(16)?;
    let length = f.length()?;
    let data = match input {
        b'0' | b'2' => f.take(length).map_err(|_| Fault::DataLength)?.to_vec(),
        b'1' => f.hex(length).map_err(|_| Fault::DataLength)?,
        _ => return Err(Fault::Request),
    };
    let data = MacData { key: stored(kind, text)?, algorithm, padding, data: Sealed::new(data) };
    if !data.key.role.authenticates() {
        return Err(Fault::Usage);
    }
    let mac = if verifies { f.hex(bytes * 2)? } else { Vec::new() };
    let lmk = lmk_id(f)?;
    Ok(if verifies {
        Task::under(Request::VerifyMac { data, mac }, lmk, Reply::Nothing)
    } else {
        Task::under(Request::MakeMac(data), lmk, Reply::Mac { bytes })
    })
}

/// Under a terminal's key, in CBC, zeros filling: all that is left is data.
fn old_mac(f: &mut Fields<'_>, verifies: bool) -> Result<Task, Fault> {
    let key = StoredKey::new(Role::Tak, f.key(16)?);
    let mac = if verifies { f.hex(8)? } else { Vec::new() };
    let data = Sealed::new(f.take(f.0.len())?.to_vec());
    let data = MacData { key, algorithm: Algorithm::Iso1, padding: Padding::Zeros, data };
    Ok(if verifies {
        Task::plain(Request::VerifyMac { data, mac }, Reply::Nothing)
    } else {
        Task::plain(Request::MakeMac(data), Reply::Mac { bytes: 4 })
    })
}

/// What stands behind the semicolon of older commands: scheme abroad, scheme at home, length of the check value.
struct Options {
    abroad: u8,
    home: u8,
    check_digits: usize,
}

impl Options {
    fn of(f: &mut Fields<'_>, otherwise: u8) -> Result<Self, Fault> {
        if !f.skip(b';') {
            return Ok(Self { abroad: otherwise, home: otherwise, check_digits: 16 });
        }
        let [abroad, home, check] = f.array()?;
        let check_digits = if check == b'1' { 6 } else { 16 };
        let or = |letter| if letter == b'0' { otherwise } else { letter };
        Ok(Self { abroad: or(abroad), home: or(home), check_digits })
    }
}

fn for_terminal(f: &mut Fields<'_>, role: Role) -> Result<Task, Fault> {
    let transport = StoredKey::new(Role::Tmk, f.key(16)?);
    let options = Options::of(f, b'Z')?;
    let under = Some((transport, form_of(options.abroad)?));
    let request = Request::Generate { key: new_under(role, options.home)?, under };
    Ok(Task::plain(request, Reply::AbroadFirst { check_digits: 0 }))
}

fn for_zone(f: &mut Fields<'_>, bare_zmk: usize) -> Result<Task, Fault> {
    let transport = StoredKey::new(Role::Zmk, f.key(bare_zmk)?);
    let options = Options::of(f, b'Z')?;
    let under = Some((transport, form_of(options.abroad)?));
    let request = Request::Generate { key: new_under(Role::Zpk, options.home)?, under };
    Ok(Task::plain(request, Reply::AbroadFirst { check_digits: options.check_digits }))
}

/// The letter a key has, `Z` where it has none.
fn letter(text: &str) -> u8 {
    text.bytes().next().filter(|&letter| Scheme::of_letter(letter).is_some()).unwrap_or(b'Z')
}

fn old_import(f: &mut Fields<'_>, role: Role, bare_zmk: usize) -> Result<Task, Fault> {
    let transport = StoredKey::new(Role::Zmk, f.key(bare_zmk)?);
    let wrapped = f.key(16)?;
    let usual = if letter(&wrapped) == b'X' { b'U' } else { letter(&wrapped) };
    let options = Options::of(f, usual)?;
    let key = new_under(role, options.home)?;
    let request = Request::Import { key, transport, wrapped: Wrapped(wrapped), expected: None };
    Ok(Task::plain(request, Reply::Key { check_digits: options.check_digits }))
}

fn old_export(f: &mut Fields<'_>, role: Role, bare_zmk: usize) -> Result<Task, Fault> {
    let transport = StoredKey::new(Role::Zmk, f.key(bare_zmk)?);
    let key = StoredKey::new(role, f.key(16)?);
    let options = Options::of(f, letter(&key.text))?;
    let form: Form = form_of(options.abroad)?;
    let request = Request::Export { key, transport, form };
    Ok(Task::plain(request, Reply::Key { check_digits: options.check_digits }))
}

/// Which of two keys between institutions: for data, or for MACs.
fn flagged(f: &mut Fields<'_>) -> Result<Role, Fault> {
    match f.byte()? {
        b'0' => Ok(Role::Data),
        b'1' => Ok(Role::Zak),
        _ => Err(Fault::Request),
    }
}

/// A key a terminal has already, once more under its transport key.
fn again_for_terminal(f: &mut Fields<'_>, role: Role, check_digits: usize) -> Result<Task, Fault> {
    let transport = StoredKey::new(Role::Tmk, f.key(16)?);
    let key = StoredKey::new(role, f.key(16)?);
    let options = Options::of(f, letter(&key.text))?;
    let request = Request::Export { key, transport, form: form_of(options.abroad)? };
    Ok(Task::plain(request, Reply::Key { check_digits }))
}

fn old_check_value(f: &mut Fields<'_>) -> Result<Task, Fault> {
    let text = f.key(16)?;
    let [high, low] = f.array()?;
    let digits = Options::of(f, b'Z')?.check_digits;
    let request = Request::CheckValue { key: stored([b'0', high, low], text)?, method: None };
    Ok(Task::plain(request, Reply::Check { digits }))
}

fn echo(f: &mut Fields<'_>) -> Result<Task, Fault> {
    let length = f.length()?;
    let data = f.take(length).map_err(|_| Fault::DataLength)?.to_vec();
    Ok(Task::plain(Request::Echo(data), Reply::Echo))
}
