//! `sekisho tool kcv`

use super::hexed::{Hex, ended};
use crate::commands::paper::Paper;
use crate::exit;
use hsm::check_value::{CheckValue, Method, MethodError, check_value};
use hsm::{Cipher, KeyLengthError};
use serde::Serialize;
use std::process::ExitCode;

/// A key whose check value is wanted.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// A test key
    #[arg(long, value_name = "HEX")]
    key: Hex,
    /// How it is made; without it, des, or aes-cmac for a key of 32 bytes
    #[arg(long, value_name = "NAME", value_enum)]
    method: Option<Named>,
    /// The check value it should have; ends with 1 where it has another
    #[arg(long, value_name = "HEX")]
    expect: Option<Hex>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
For test keys: a command line is seen by everybody on the machine.

Exit: 0 printed · 1 another check value than expected · 65 the key does not fit the method
Example: sekisho tool kcv --key 0123456789ABCDEFFEDCBA9876543210";

/// Methods as the command line names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Named {
    Des,
    AesEcb,
    AesCmac,
}

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("--key: {0}")]
    Key(#[from] KeyLengthError),
    #[error("--expect: a check value has 2 to 8 bytes")]
    Expect,
    #[error(transparent)]
    Method(#[from] MethodError),
}

#[derive(Serialize)]
struct Shown {
    method: &'static str,
    kcv: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    agrees: Option<bool>,
}

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    ended(told(args))
}

fn told(args: &Args) -> Result<ExitCode, Refused> {
    let otherwise = if args.key.bytes().len() == 32 { Named::AesCmac } else { Named::Des };
    let (method, cipher, name) = match args.method.unwrap_or(otherwise) {
        Named::Des => (Method::Des, Cipher::Tdes, "des"),
        Named::AesEcb => (Method::Ecb, Cipher::Aes, "aes-ecb"),
        Named::AesCmac => (Method::Cmac, Cipher::Aes, "aes-cmac"),
    };
    let all = check_value(&args.key.key(cipher)?, method)?;
    let agrees = args.expect.as_ref().map(|expected| compared(all, expected)).transpose()?;
    let kcv = all.first(method.usual_bytes()).to_string();
    let mut paper = Paper::new();
    if args.json {
        paper.json(&Shown { method: name, kcv, agrees });
    } else {
        paper.line(kcv);
    }
    Ok(if agrees == Some(false) { ExitCode::from(exit::NO) } else { ExitCode::SUCCESS })
}

/// Whether a check value is the expected one, as far as that goes; says so where it is not.
pub(super) fn agrees(found: CheckValue, expected: &Hex) -> Option<bool> {
    let expected = CheckValue::told(expected.bytes())?;
    let agrees = found.agrees_with(&expected);
    if !agrees {
        let shown = found.first(expected.as_bytes().len());
        eprintln!("the check value is {shown}, not {expected}: it is another key");
    }
    Some(agrees)
}

fn compared(found: CheckValue, expected: &Hex) -> Result<bool, Refused> {
    agrees(found, expected).ok_or(Refused::Expect)
}
