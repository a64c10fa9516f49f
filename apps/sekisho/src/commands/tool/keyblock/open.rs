//! `sekisho tool keyblock open`

use crate::commands::paper::Paper;
use crate::commands::table::Table;
use crate::commands::tool::hexed::{Hex, ended};
use crate::commands::tool::kcv;
use crate::commands::tool::shown::hex;
use crate::exit;
use hsm::check_value::{Method, check_value, usual};
use hsm::keyblock::{BlockError, Exportable, Header, Opened, Version, open, peek};
use hsm::{Cipher, Key, KeyLengthError};
use serde::Serialize;
use std::process::ExitCode;

/// A key block, and the key that protects it.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The test key that protects the block
    #[arg(long, value_name = "HEX")]
    kbpk: Hex,
    /// The check value the key in it should have; ends with 1 where it has another
    #[arg(long, value_name = "HEX")]
    expect: Option<Hex>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The block: versions A to D of X9.143 (TR-31), or one of the payShield, which begins with S
    #[arg(value_name = "BLOCK")]
    block: String,
}

const AFTER_HELP: &str = "\
For test keys: the key is printed, and a command line is seen by everybody on the machine.

Exit: 0 printed · 1 another check value than expected · 65 no such block, or not authentic";

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("--kbpk: {0}")]
    Kbpk(#[from] KeyLengthError),
    #[error(transparent)]
    Block(#[from] BlockError),
    #[error("the block is authentic, but what is in it is no key: {0}")]
    Inside(KeyLengthError),
    #[error("--expect: a check value has 2 to 8 bytes")]
    Expect,
}

#[derive(Serialize)]
struct Shown {
    version: String,
    usage: String,
    algorithm: char,
    mode: char,
    key_version: String,
    exportable: &'static str,
    reserved: String,
    optional: Vec<Part>,
    key: String,
    key_bits: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    kcv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agrees: Option<bool>,
}

#[derive(Serialize)]
struct Part {
    id: String,
    text: String,
}

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    ended(told(args))
}

fn told(args: &Args) -> Result<ExitCode, Refused> {
    let block = args.block.trim();
    let version = peek(block)?.version;
    let kbpk = args.kbpk.key(protecting_cipher(version))?;
    let opened = open(&kbpk, block)?;
    let key = opened.key().transpose().map_err(Refused::Inside)?;
    let agrees = match (&args.expect, &key) {
        (Some(expected), Some(key)) => Some(compared(key, expected)?),
        _ => None,
    };
    let shown = Shown::of(&opened, key.as_ref(), agrees);
    let mut paper = Paper::new();
    if args.json {
        paper.json(&shown)
    } else {
        paper.text(shown.table())
    }
    Ok(if agrees == Some(false) { ExitCode::from(exit::NO) } else { ExitCode::SUCCESS })
}

/// The cipher of the key that protects blocks of a version.
pub(super) const fn protecting_cipher(version: Version) -> Cipher {
    match version {
        Version::A | Version::B | Version::C | Version::S0 => Cipher::Tdes,
        Version::D | Version::S1 => Cipher::Aes,
    }
}

fn compared(key: &Key, expected: &Hex) -> Result<bool, Refused> {
    let method = Method::usual(key.cipher());
    let found = check_value(key, method).expect("the usual method fits");
    kcv::agrees(found, expected).ok_or(Refused::Expect)
}

impl Shown {
    fn of(opened: &Opened, key: Option<&Key>, agrees: Option<bool>) -> Self {
        let Header { version, algorithm, mode, key_version, exportable, optional, reserved, .. } =
            &opened.header;
        let pair = |bytes: &[u8; 2]| bytes.iter().map(|&byte| char::from(byte)).collect::<String>();
        Self {
            version: version.to_string(),
            usage: opened.header.usage_text().into(),
            algorithm: char::from(*algorithm),
            mode: char::from(*mode),
            key_version: pair(key_version),
            exportable: match exportable {
                Exportable::Yes => "yes",
                Exportable::No => "no",
                Exportable::Sensitive => "sensitive",
            },
            reserved: pair(reserved),
            optional: optional
                .iter()
                .map(|part| Part { id: pair(&part.id), text: part.text.clone() })
                .collect(),
            key: hex(opened.expose()),
            key_bits: opened.expose().len() * 8,
            kcv: key.map(|key| usual(key).to_string()),
            agrees,
        }
    }

    fn table(&self) -> String {
        let mut table = Table::new(&["WHAT", "=VALUE"]);
        let mut row = |what: &str, value: String| table.row([what.to_string(), value]);
        row("version", self.version.clone());
        row("usage", self.usage.clone());
        row("algorithm", self.algorithm.into());
        row("mode", self.mode.into());
        row("key version", self.key_version.clone());
        row("exportable", self.exportable.into());
        row("reserved", self.reserved.clone());
        for part in &self.optional {
            row(&format!("optional {}", part.id), part.text.clone());
        }
        row("key", self.key.clone());
        row("key bits", self.key_bits.to_string());
        if let Some(kcv) = &self.kcv {
            row("check value", kcv.clone());
        }
        table.to_string()
    }
}
