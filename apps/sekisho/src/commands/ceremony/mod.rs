//! `sekisho ceremony`: a key made of components that people enter, each alone.

mod device;
mod secret_input;

pub(super) use secret_input::line as quiet_line;

use super::key::person::person;
use super::key::place::{Place, Why, fresh, now, owner, store};
use super::key::{Shape, role};
use super::key::{add, ended, of_ceremony, of_module, of_store};
use super::link::door::Failure;
use super::paper::Paper;
use crate::exit;
use crate::run::guard::{KeyModule, NotAsked};
use hsm::check_value::CheckValue;
use hsm::drbg::{Drbg, SEED_BYTES};
use hsm::ops::Role;
use hsm::payshield::test_lmk;
use hsm::{Cipher, Key};
use keys::Origin;
use keystore::{Act, Ceremony, Made, Maker, MasterFile, Purpose};
use std::process::ExitCode;
use zeroize::Zeroizing;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Begin one, for the master key or for a key of an owner (changes)
    Start(StartArgs),
    /// Enter your component: typed without an echo, or piped in; never as an argument (changes)
    Component(ComponentArgs),
    /// How far it is (reads)
    Status(StatusArgs),
    /// Make the key, once all components are in (changes)
    Commit(EndArgs),
    /// End it and erase what was entered (changes)
    Abort(EndArgs),
    /// Draw a master key without a ceremony: for demos and tests (changes)
    Draw(DrawArgs),
}

/// What the key is to be.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
sekisho ceremony start lmk --reason TEXT
sekisho ceremony start link/cn zmk --components 3 --reason TEXT")]
pub struct StartArgs {
    /// lmk, or link/NAME, listener/NAME, terminal/ID or house
    #[arg(value_name = "OWNER")]
    what: String,
    /// Which key of that owner: zmk, tmk, ...
    #[arg(value_name = "KEY", value_parser = role)]
    role: Option<Role>,
    /// How many people enter one
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(2..=9))]
    components: u8,
    #[command(flatten)]
    shape: Shape,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    place: Place,
}

/// Where.
#[derive(Debug, clap::Args)]
pub struct ComponentArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Where.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Why, and where.
#[derive(Debug, clap::Args)]
pub struct EndArgs {
    #[command(flatten)]
    why: Why,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// What for, why, and where.
#[derive(Debug, clap::Args)]
pub struct DrawArgs {
    /// It is for tests: `run`, `hsm ls` and `status` say so as long as it is there
    #[arg(long)]
    for_tests: bool,
    #[command(flatten)]
    end: EndArgs,
}

/// Does it. Exit: 0 done, 5 no ceremony, 6 refused, 65 no component, 73 cannot be written, 78 the store is wrong.
pub fn run(command: Command) -> ExitCode {
    ended(match command {
        Command::Start(args) => start(&args),
        Command::Component(args) => component(&args),
        Command::Status(args) => status(&args),
        Command::Commit(args) => commit(&args),
        Command::Abort(args) => abort(&args),
        Command::Draw(args) => draw(&args),
    })
}

fn start(args: &StartArgs) -> Result<ExitCode, Failure> {
    let (purpose, shape) = match (args.what.as_str(), args.role) {
        ("lmk", None) => (Purpose::Master, Shape::AES),
        (text, Some(role)) => (Purpose::Key(owner(text).map_err(|said| usage(&said))?, role), args.shape),
        _ => return Err(usage("a ceremony is for `lmk`, or for an owner and a key: link/NAME zmk")),
    };
    let (directory, _) = args.place.directory()?;
    if args.place.has_tokens()? {
        return Err(device::of_token());
    }
    let maker = if args.place.devices()?.is_some() { Maker::Device } else { Maker::Software };
    if maker == Maker::Device {
        device::may_start(&purpose, shape)?;
    }
    if purpose == Purpose::Master && MasterFile::read(&directory).is_ok() {
        return Err(of_store(keystore::StoreError::MasterThere { path: directory.join("lmk") }));
    }
    let (by, wanted) = (person()?, usize::from(args.components));
    let begun = Ceremony::start(&directory, &purpose, shape.cipher(), (wanted, maker), &by, &*fresh()?);
    let ceremony = begun.map_err(of_ceremony)?;
    let about = format!("ceremony {}", ceremony.purpose_text());
    note(&args.place, &act("ceremony-start", &by, &args.why.reason), &about)?;
    Paper::new().line(format_args!("ceremony/{} started, {wanted} components", ceremony.purpose_text()));
    Ok(ExitCode::SUCCESS)
}

fn component(args: &ComponentArgs) -> Result<ExitCode, Failure> {
    let (directory, _) = args.place.directory()?;
    let mut ceremony = Ceremony::under_way(&directory).map_err(of_ceremony)?;
    let (cipher, bytes) = ceremony.shape().map_err(of_ceremony)?;
    let number = ceremony.entered().len() + 1;
    device::is_same(&ceremony, &args.place)?;
    let by = person()?;
    if ceremony.maker() == Maker::Device {
        let check = device::enter(&mut ceremony, &args.place, &by, number)?;
        return entered(args, &ceremony, &by, number, check);
    }
    let typed = secret_input::hex(&format!(
        "component {number} of {}, {bytes} bytes in hex: ",
        ceremony.purpose_text()
    ))?;
    let length = || of_ceremony(keystore::CeremonyError::Length { expected: bytes });
    let key = Key::new(cipher, &typed).map_err(|_| length())?;
    let mut random = Drbg::new(&*fresh::<SEED_BYTES>()?);
    let check = ceremony.enter(&by, &key, &mut random).map_err(of_ceremony)?;
    entered(args, &ceremony, &by, number, check)
}

/// Writes down that a component is in, and shows its check value to whoever entered it.
fn entered(
    args: &ComponentArgs,
    ceremony: &Ceremony,
    by: &str,
    number: usize,
    check: CheckValue,
) -> Result<ExitCode, Failure> {
    let about = format!("ceremony {}", ceremony.purpose_text());
    // Whoever reads the audit is not told a check value that only who entered the component has seen.
    let reason = format!("component {number} of {}", ceremony.wanted());
    note(&args.place, &act("ceremony-component", by, &reason), &about)?;
    let (mut paper, entered, wanted) = (Paper::new(), ceremony.entered().len(), ceremony.wanted());
    match args.json {
        true => paper.json(&serde_json::json!({
            "object": "component", "by": by, "check_value": check.to_string(), "entered": entered, "wanted": wanted,
        })),
        false => paper.line(format_args!("component {entered} of {wanted} entered by {by}, check value {check}")),
    }
    Ok(ExitCode::SUCCESS)
}

fn status(args: &StatusArgs) -> Result<ExitCode, Failure> {
    let (directory, _) = args.place.directory()?;
    let ceremony = Ceremony::under_way(&directory).map_err(of_ceremony)?;
    let mut paper = Paper::new();
    // Each person has seen the check value of their own component; nobody is shown another's.
    let people: Vec<&str> = ceremony.entered().iter().map(|entered| entered.by.as_str()).collect();
    let (what, by, wanted) = (ceremony.purpose_text(), ceremony.started_by(), ceremony.wanted());
    match args.json {
        true => paper.json(&serde_json::json!({
            "object": "ceremony", "for": what, "started_by": by, "entered_by": people, "wanted": wanted,
        })),
        false => {
            let people = if people.is_empty() { "nobody".into() } else { people.join(", ") };
            paper.line(format_args!(
                "ceremony/{what} started by {by}, {} of {wanted} components, by {people}",
                ceremony.entered().len()
            ));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn commit(args: &EndArgs) -> Result<ExitCode, Failure> {
    let (directory, _) = args.place.directory()?;
    let ceremony = Ceremony::under_way(&directory).map_err(of_ceremony)?;
    device::is_same(&ceremony, &args.place)?;
    // Looked at first: one that lacks components makes nothing.
    ceremony.enciphered().map_err(of_ceremony)?;
    let people: Vec<&str> = ceremony.entered().iter().map(|entered| entered.by.as_str()).collect();
    let people = people.join(" and ");
    let check = match ceremony.purpose().map_err(of_ceremony)? {
        Purpose::Master => {
            let components = ceremony.components().map_err(of_ceremony)?;
            let sum = components.iter().skip(1).try_fold(components[0].clone(), |sum, next| sum.xor(next));
            let sum = sum.map_err(|_| of_ceremony(keystore::CeremonyError::Weak))?;
            let check = keep_master(args, &sum, "ceremony-commit", &people, Made::ByPeople)?;
            Ceremony::end(&directory).map_err(of_store)?;
            format!("lmk made of {} components, check value {check}", components.len())
        }
        Purpose::Key(owner, role) => {
            let mut desk = args.place.desk()?;
            let (cipher, bytes) = ceremony.shape().map_err(of_ceremony)?;
            let new = hsm::ops::NewKey { role, cipher, bytes, attributes: None };
            let (key, check) = match &mut desk.module {
                KeyModule::Software(module) => {
                    let components = ceremony.components().map_err(of_ceremony)?;
                    module.form(&new, &components).map_err(NotAsked::Fault).map_err(of_module)?
                }
                devices => device::form(devices, &new, &ceremony)?,
            };
            let act = Act { second: people, ..desk.act("ceremony-commit", &args.why) };
            let generation = add(&mut desk, &owner, key, check, Origin::Components, None, &act)?;
            Ceremony::end(&directory).map_err(of_store)?;
            format!("key/{owner} {} generation {generation} generated, check value {check}", role.name())
        }
    };
    answer(args.json, &check);
    Ok(ExitCode::SUCCESS)
}

fn abort(args: &EndArgs) -> Result<ExitCode, Failure> {
    let (directory, _) = args.place.directory()?;
    // What cannot be read any more is ended like anything else.
    let about = match Ceremony::under_way(&directory) {
        Ok(ceremony) => format!("ceremony {}", ceremony.purpose_text()),
        Err(keystore::CeremonyError::Damaged) => "ceremony".to_string(),
        Err(error) => return Err(of_ceremony(error)),
    };
    let by = person()?;
    // Written down first: what is done is in the audit, whatever cuts it off.
    note(&args.place, &act("ceremony-abort", &by, &args.why.reason), &about)?;
    Ceremony::end(&directory).map_err(of_store)?;
    answer(args.json, &format!("{about} aborted; what was entered is erased"));
    Ok(ExitCode::SUCCESS)
}

fn draw(args: &DrawArgs) -> Result<ExitCode, Failure> {
    if !args.for_tests {
        return Err(usage("a master key that one person draws is for tests alone: say --for-tests"));
    }
    let args = &args.end;
    if args.place.devices()?.is_some() {
        return Err(device::own_master());
    }
    let drawn: Zeroizing<[u8; 32]> = fresh()?;
    let key = Key::new(Cipher::Aes, &*drawn).expect("32 bytes are a key of AES");
    let check = keep_master(args, &key, "draw-lmk", "", Made::ForTests)?;
    eprintln!(
        "warning: this master key was drawn by one person. It is for demos and tests, not for live keys"
    );
    answer(args.json, &format!("lmk drawn, check value {check}"));
    Ok(ExitCode::SUCCESS)
}

/// Writes the master key and that it was made.
fn keep_master(args: &EndArgs, key: &Key, what: &str, people: &str, made: Made) -> Result<String, Failure> {
    let by = person()?;
    let (directory, _) = args.place.directory()?;
    if key.expose().iter().all(|&byte| byte == 0) {
        return Err(of_ceremony(keystore::CeremonyError::Weak));
    }
    let Some(check) = MasterFile::check_of(key) else {
        return Err(of_ceremony(keystore::CeremonyError::Length { expected: 32 }));
    };
    let is_there = match MasterFile::read(&directory) {
        Ok(there) if there.check() == check => true,
        Err(keystore::StoreError::NoMaster { .. }) => false,
        Err(keystore::StoreError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            false
        }
        Err(error) => return Err(of_store(error)),
        Ok(_) => {
            return Err(of_store(keystore::StoreError::MasterThere { path: directory.join("lmk") }));
        }
    };
    if test_lmk::checks().contains(&check) {
        eprintln!("warning: this is the public test key: everything under it is in clear");
    }
    let reason = format!("{}; check value {check}", args.why.reason);
    let act = Act { second: people.into(), ..act(what, &by, &reason) };
    // Written down first: no master key is there without its entry. Typed again after something cut it off, nothing
    // is made twice.
    let word = if is_there { "was made already" } else { "made" };
    let changes = vec![format!("lmk: {word}, check value {check}")];
    store(&directory, &check)?.note(now(), &act, "lmk", changes).map_err(of_store)?;
    MasterFile::write(&directory, key, made).map_err(of_store)?;
    Ok(check)
}

/// Writes an act down that changed no key. The audit needs no master key.
fn note(place: &Place, act: &Act, on: &str) -> Result<(), Failure> {
    let (directory, _) = place.directory()?;
    let mut store = keystore::Store::open(&directory, "", &*fresh()?).map_err(of_store)?;
    store.note(now(), act, on, Vec::new()).map_err(of_store).map(drop)
}

fn act(what: &str, by: &str, reason: &str) -> Act {
    Act { act: what.into(), by: by.into(), second: String::new(), reason: reason.into() }
}

fn answer(json: bool, said: &str) {
    let mut paper = Paper::new();
    match json {
        true => paper.json(&serde_json::json!({ "object": "done", "said": said })),
        false => paper.line(said),
    }
}

fn usage(said: &str) -> Failure {
    Failure::Said {
        code: "CER2000-E",
        said: said.into(),
        state: "nothing was changed".into(),
        next: "sekisho ceremony start --help".into(),
        exit: exit::USAGE,
    }
}
