//! `sekisho hsm master`

use crate::commands::key::of_store;
use crate::commands::key::person::person;
use crate::commands::key::place::{Place, Why, fresh, now};
use crate::commands::link::door::Failure;
use crate::commands::paper::Paper;
use crate::exit;
use keystore::{Act, Store};
use pkcs11::{OpenError, Token, TokenConfig};
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// Which token, and why.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit: 0 drawn · 5 no such token · 6 there are some already, or the PIN was refused · 73 the token \
                  failed · 78 the library, the file of the PIN or the store is wrong"
)]
pub struct Args {
    /// The library of the token, by its whole path
    #[arg(long, value_name = "FILE")]
    module: PathBuf,
    /// The label of the token
    #[arg(long, value_name = "LABEL", required_unless_present = "serial")]
    token: Option<String>,
    /// Its serial number, where labels do not tell tokens apart
    #[arg(long, value_name = "NUMBER")]
    serial: Option<String>,
    /// A file with its PIN, mode 0600
    #[arg(long, value_name = "FILE")]
    pin_file: PathBuf,
    /// What the labels of the keys are to begin with
    #[arg(long, value_name = "LABEL", default_value = "sekisho")]
    key_label: String,
    #[command(flatten)]
    why: Why,
    #[command(flatten)]
    place: Place,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
struct Shown<'a> {
    object: &'static str,
    token: Option<&'a str>,
    serial: Option<&'a str>,
    key_label: &'a str,
    lmk_check: &'a str,
}

/// Does it.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !(1..=32).contains(&args.key_label.len()) || !args.key_label.bytes().all(legal) {
        return Err(Failure::Said {
            code: "HSM3002-E",
            said: "a label is 1 to 32 letters, digits, `-`, `_`, `.`".into(),
            state: "nothing was drawn".into(),
            next: "sekisho hsm master --help".into(),
            exit: exit::USAGE,
        });
    }
    let by = person()?;
    let (directory, _) = args.place.directory()?;
    // Looked at first: what cannot be written down is not done.
    let mut store = Store::open(&directory, "", &*fresh()?).map_err(of_store)?;
    let config = TokenConfig {
        module: args.module.clone(),
        label: args.token.clone(),
        serial: args.serial.clone(),
        pin_file: args.pin_file.clone(),
        key: args.key_label.clone(),
        refused: Some(directory.join("pin-refused.by-hand")),
    };
    let check = Token::make_masters(&config).map_err(of_token)?;
    let act = Act { act: "draw-lmk".into(), by, second: String::new(), reason: args.why.reason.clone() };
    let which = args.token.iter().chain(&args.serial).cloned().collect::<Vec<_>>().join(", serial number ");
    let changes = vec![format!("lmk: drawn in token {which} as {}, check value {check}", args.key_label)];
    store.note(now(), &act, "lmk", changes).map_err(of_store)?;
    let mut paper = Paper::new();
    if args.json {
        let (token, serial) = (args.token.as_deref(), args.serial.as_deref());
        let key_label = &args.key_label;
        paper.json(&Shown { object: "hsm_master", token, serial, key_label, lmk_check: &check });
        return Ok(ExitCode::SUCCESS);
    }
    paper.line(format_args!("master keys drawn in the token, check value {check}"));
    paper.line("");
    paper.line("[[hsm]]");
    let mut setting =
        |name: &str, value: &str| paper.line(format_args!("{name} = \"{}\"", value.escape_default()));
    setting("name", "token");
    setting("kind", "pkcs11");
    setting("module", &args.module.display().to_string());
    args.token.iter().for_each(|label| setting("token", label));
    args.serial.iter().for_each(|serial| setting("serial", serial));
    setting("pin_file", &args.pin_file.display().to_string());
    if args.key_label != "sekisho" {
        setting("key_label", &args.key_label);
    }
    setting("lmk_check", &check);
    Ok(ExitCode::SUCCESS)
}

fn of_token(error: OpenError) -> Failure {
    let (code, next, exit) = match &error {
        OpenError::NoToken { .. } | OpenError::SeveralTokens { .. } => {
            ("HSM3005-E", "name a token that is there, by --token and --serial", exit::NO_SUCH_THING)
        }
        OpenError::MasterThere { .. } | OpenError::SeveralMasters { .. } | OpenError::WeakMaster { .. } => (
            "HSM3003-E",
            "sekisho hsm test NAME   (shows the check value of those that are there; --key-label draws others)",
            exit::REFUSED,
        ),
        OpenError::PinRefused { .. } | OpenError::PinNotTried { .. } => {
            ("HSM3004-E", "write the right PIN into the file, then type the same again", exit::REFUSED)
        }
        OpenError::PinFile { .. } => {
            ("HSM3006-E", "chmod 600 on a file with the PIN in one line", exit::CONFIG)
        }
        OpenError::Module { .. } | OpenError::Lacks { .. } => {
            ("HSM3007-E", "name the library its maker ships, by --module", exit::CONFIG)
        }
        OpenError::NoMaster { .. } | OpenError::Call { .. } => (
            "HSM3008-E",
            "look at the token with its own tool, then type the same again",
            exit::CANNOT_CREATE,
        ),
    };
    Failure::Said {
        code,
        said: error.to_string(),
        state: "nothing was drawn".into(),
        next: next.into(),
        exit,
    }
}
