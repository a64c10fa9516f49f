//! Keys that come and go: drawn, taken, given.

use super::order::{End, WhichKey, named};
use super::person::second_of_two;
use super::place::{Desk, Why, check_value, no_such_key};
use super::{of_fault, of_module, of_store};
use crate::commands::link::door::Failure;
use crate::commands::paper::Paper;
use crate::exit;
use clap::ValueEnum as _;
use hsm::Cipher;
use hsm::check_value::CheckValue;
use hsm::lmk::Scheme;
use hsm::ops::{Answer, Form, NewKey, Request, Role, StoredKey, Wrapped};
use keys::{HeldKey, New, Order, Origin, Owner, Start, State};
use keystore::Act;
use serde::Serialize;
use std::io::Read as _;
use std::process::ExitCode;

/// A key to be drawn.
#[derive(Debug, clap::Args)]
pub struct GenerateArgs {
    #[command(flatten)]
    which: WhichKey,
    #[command(flatten)]
    shape: Shape,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    end: End,
}

/// What a key is like.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Shape {
    /// Its cipher
    #[arg(long, value_name = "NAME", value_enum, default_value = "tdes")]
    cipher: CipherName,
    /// Its length in bytes [default: 16; of aes 32]
    #[arg(long, value_name = "N")]
    bytes: Option<usize>,
}

/// Ciphers as people name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum CipherName {
    /// Triple DES.
    Tdes,
    /// AES.
    Aes,
    /// SM4.
    Sm4,
}

impl Shape {
    /// An AES key of 32 bytes.
    pub(crate) const AES: Self = Self { cipher: CipherName::Aes, bytes: None };

    pub(crate) fn cipher(self) -> (Cipher, usize) {
        match self.cipher {
            CipherName::Tdes => (Cipher::Tdes, self.bytes.unwrap_or(16)),
            CipherName::Aes => (Cipher::Aes, self.bytes.unwrap_or(32)),
            CipherName::Sm4 => (Cipher::Sm4, self.bytes.unwrap_or(16)),
        }
    }

    pub(crate) fn of(self, role: Role) -> NewKey {
        let (cipher, bytes) = self.cipher();
        NewKey { role, cipher, bytes, attributes: None }
    }
}

/// A key that came under a transport key.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The cryptogram comes from standard input: a key block, or a scheme letter and hex digits."
)]
pub struct ImportArgs {
    #[command(flatten)]
    which: WhichKey,
    #[command(flatten)]
    shape: Shape,
    /// What it comes under [default: zmk, of a terminal tmk]
    #[arg(long, value_name = "KEY", value_parser = super::order::role)]
    under: Option<Role>,
    /// What the sender says its check value is; another one is refused
    #[arg(long, value_name = "HEX", value_parser = check_value)]
    check: CheckValue,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    end: End,
}

/// A key that goes under a transport key.
#[derive(Debug, clap::Args)]
pub struct ExportArgs {
    #[command(flatten)]
    which: WhichKey,
    /// Which generation [default: the newest that is not over]
    #[arg(long, value_name = "N")]
    generation: Option<u32>,
    /// What it goes under [default: zmk, of a terminal tmk]
    #[arg(long, value_name = "KEY", value_parser = super::order::role)]
    under: Option<Role>,
    /// How it travels
    #[arg(long, value_name = "FORM", value_enum, default_value = "tr31")]
    form: FormName,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    end: End,
}

/// Forms as people name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FormName {
    /// A key block of X9.143.
    Tr31,
    /// A key block of the payShield.
    Payshield,
    /// Two parts as ANSI X9.17 has them.
    X,
    /// Two parts, each under its variant.
    U,
    /// Three parts, each under its variant.
    T,
    /// One part.
    Z,
    /// By the AES key wrap of RFC 3394.
    Kw,
}

impl FormName {
    const fn form(self) -> Form {
        match self {
            Self::Tr31 => Form::Tr31,
            Self::Payshield => Form::PayShield,
            Self::X => Form::Scheme(Scheme::X),
            Self::U => Form::Scheme(Scheme::U),
            Self::T => Form::Scheme(Scheme::T),
            Self::Z => Form::Scheme(Scheme::Z),
            Self::Kw => Form::KeyWrap,
        }
    }
}

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
pub(super) struct Made<'a> {
    object: &'static str,
    owner: String,
    key: &'static str,
    generation: u32,
    state: &'static str,
    check_value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cryptogram: Option<&'a str>,
}

impl Made<'_> {
    /// A key that came, without a cryptogram.
    pub(super) fn of(
        owner: &Owner,
        role: Role,
        generation: u32,
        state: &'static str,
        check: CheckValue,
    ) -> Self {
        let (owner, check_value) = (owner.to_string(), check.to_string());
        Self { object: "key", owner, key: role.name(), generation, state, check_value, cryptogram: None }
    }
}

pub(super) fn generate(args: &GenerateArgs) -> Result<ExitCode, Failure> {
    args.end.place.knows(&args.which.owner)?;
    let mut desk = args.end.place.desk()?;
    let WhichKey { owner, role } = args.which;
    let answer = desk.module.ask(&Request::Generate { key: args.shape.of(role), under: None });
    let Answer::Generated { key, check: Some(check), .. } = answer.map_err(of_module)? else {
        return Err(strange());
    };
    let act = desk.act("generate", &args.why);
    let generation = add(&mut desk, &owner, key, check, Origin::Drawn, None, &act)?;
    print(&args.end, &owner, role, generation, State::Generated, check);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn import(args: &ImportArgs) -> Result<ExitCode, Failure> {
    let mut desk = args.end.place.desk()?;
    let WhichKey { owner, role } = args.which;
    let carrier = transport(&mut desk, &owner, args.under)?;
    let transport = carrier.key.expect("it is in force");
    let mut text = String::new();
    let read = std::io::stdin().take(4_096).read_to_string(&mut text);
    let wrapped = Wrapped(text.split_whitespace().collect());
    if read.is_err() || wrapped.0.is_empty() {
        return Err(Failure::Said {
            code: "KEY2012-E",
            said: "no cryptogram came from standard input".into(),
            state: "nothing was changed".into(),
            next: "sekisho key import ... < FILE".into(),
            exit: exit::NO_INPUT,
        });
    }
    let (key, expected) = (args.shape.of(role), Some(args.check));
    let answer = desk.module.ask(&Request::Import { key, transport, wrapped, expected });
    let Answer::Imported { key, check, parity_mended } = answer.map_err(of_module)? else {
        return Err(strange());
    };
    if parity_mended {
        eprintln!("warning: its parity was wrong; it was mended, and the check value is the same");
    }
    let act = desk.act("import", &args.why);
    // Who sent it told its check value: that is the confirmation.
    let generation = add(&mut desk, &owner, key, check, Origin::Imported, Some(args.check), &act)?;
    print(&args.end, &owner, role, generation, State::Confirmed, check);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn export(args: &ExportArgs) -> Result<ExitCode, Failure> {
    let mut desk = args.end.place.desk()?;
    let WhichKey { owner, role } = args.which;
    let carrier = transport(&mut desk, &owner, args.under)?;
    let transport = carrier.key.clone().expect("it is in force");
    let holding = desk.holding(&owner)?;
    let key = match args.generation {
        Some(generation) => holding.generation(role, generation),
        None => holding.newest(role),
    };
    let key = key.filter(|key| !key.state.is_over() && key.key.is_some());
    let key = key.ok_or_else(|| no_such_key(&owner, &format!("{} that may be given", role.name())))?;
    let stored = key.key.clone().expect("looked at above");
    let request = Request::Export { key: stored, transport, form: args.form.form() };
    // Tried before the second person is asked for: what the module forbids takes nobody's time.
    let answer = desk.module.ask(&request).map_err(of_module)?;
    // Both agree on all of it: which key, under which, in which form.
    let what = format!(
        "export {} under {} as {}",
        named(&owner, key),
        named(&owner, &carrier),
        args.form.to_possible_value().expect("each form has a name").get_name()
    );
    let first = second_of_two(desk.store.directory(), &what, &desk.by, &args.why.reason, desk.now)?;
    let Answer::Exported { wrapped, check } = answer else { return Err(strange()) };
    // Some commands of older devices tell none.
    let check = check.unwrap_or(key.check);
    let act = Act { second: first, ..desk.act("export", &args.why) };
    let said = format!("{} generation {}: given out, check value {check}", role.name(), key.generation);
    desk.store.note(desk.now, &act, &owner.to_string(), vec![said]).map_err(of_store)?;
    let mut paper = Paper::new();
    if args.end.json {
        let (generation, state, check_value) = (key.generation, key.state.name(), check.to_string());
        let (owner, cryptogram) = (owner.to_string(), Some(wrapped.0.as_str()));
        paper.json(&Made {
            object: "key",
            owner,
            key: role.name(),
            generation,
            state,
            check_value,
            cryptogram,
        });
    } else {
        paper.line(&wrapped.0);
        paper.flush();
        eprintln!(
            "key/{owner} {} generation {}, check value {check}: tell it by another way",
            role.name(),
            key.generation
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// The key others travel under.
fn transport(desk: &mut Desk, owner: &Owner, named: Option<Role>) -> Result<HeldKey, Failure> {
    let usual = if matches!(owner, Owner::Terminal(_)) { Role::Tmk } else { Role::Zmk };
    let role = named.unwrap_or(usual);
    let holding = desk.holding(owner)?;
    let active = holding.in_state(role, State::Active).filter(|key| key.key.is_some()).cloned();
    active.ok_or_else(|| no_such_key(owner, &format!("{} in force", role.name())))
}

/// Keeps a key that has come. One whose check value its sender told is confirmed by that.
pub(crate) fn add(
    desk: &mut Desk,
    owner: &Owner,
    key: StoredKey,
    check: CheckValue,
    origin: Origin,
    told: Option<CheckValue>,
    act: &Act,
) -> Result<u32, Failure> {
    let role = key.role;
    let new = New { key, check, origin, start: Start::ByOrder, set: 0 };
    let now = desk.now;
    let mut generation = 0;
    let added = desk.store.change_by(owner, now, act, |holding| {
        // Counted under the lock: two people at once get two numbers, and each is told their own.
        generation = holding.next_generation(role);
        let mut changes = holding.apply(now, Order::Add(new))?;
        if let Some(told) = told {
            changes.extend(holding.apply(now, Order::Confirm(role, generation, told))?);
        }
        Ok(changes)
    });
    added.map_err(of_store)?;
    Ok(generation)
}

fn print(end: &End, owner: &Owner, role: Role, generation: u32, state: State, check: CheckValue) {
    let mut paper = Paper::new();
    match end.json {
        true => paper.json(&Made::of(owner, role, generation, state.name(), check)),
        false => paper.line(format_args!(
            "key/{owner} {} generation {generation} {state}, check value {check}",
            role.name()
        )),
    }
}

fn strange() -> Failure {
    of_fault(hsm::ops::Fault::Request)
}
