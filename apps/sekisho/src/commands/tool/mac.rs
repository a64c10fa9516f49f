//! `sekisho tool mac`

use super::hexed::{Hex, ended};
use super::shown::hex;
use crate::commands::paper::Paper;
use hsm::KeyLengthError;
use hsm::mac::{Algorithm, MacError, Padding, make};
use serde::Serialize;
use std::process::ExitCode;

/// Data, a key, and how to make a MAC of them.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// How it is made
    #[arg(long, value_name = "NAME", value_enum)]
    alg: Named,
    /// A test key
    #[arg(long, value_name = "HEX")]
    key: Hex,
    /// How the data is filled up, for iso9797-1, iso9797-3 and tdes-cbc: method 1, 2 or 3 of ISO/IEC 9797-1
    #[arg(long, value_name = "1|2|3", value_parser = clap::value_parser!(u8).range(1..=3))]
    padding: Option<u8>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The data
    #[arg(value_name = "HEXDATA", required = true, num_args = 1..)]
    data: Vec<String>,
}

const AFTER_HELP: &str = "\
All of the MAC is printed: 8 bytes, of aes-cmac and sm4-cbc 16. What travels is its beginning; of unionpay-ecb
the first eight hex digits, as text. For test keys: a command line is seen by everybody on the machine.

Exit: 0 printed · 65 key or filling do not fit the algorithm
Example: sekisho tool mac --alg x99 --key 0123456789ABCDEF 3031323334353637";

/// Algorithms as the command line names them.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Named {
    X99,
    X919,
    #[value(name = "iso9797-1")]
    Iso1,
    #[value(name = "iso9797-3")]
    Iso3,
    TdesCbc,
    AesCmac,
    UnionpayEcb,
    UnionpayCbc,
    Sm4Cbc,
}

impl From<Named> for Algorithm {
    fn from(named: Named) -> Self {
        match named {
            Named::X99 => Self::X99,
            Named::X919 => Self::X919,
            Named::Iso1 => Self::Iso1,
            Named::Iso3 => Self::Iso3,
            Named::TdesCbc => Self::TdesCbc,
            Named::AesCmac => Self::AesCmac,
            Named::UnionpayEcb => Self::UnionPayEcb,
            Named::UnionpayCbc => Self::UnionPayCbc,
            Named::Sm4Cbc => Self::Sm4Cbc,
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("--key: {0}")]
    Key(#[from] KeyLengthError),
    #[error("HEXDATA: {0}")]
    Data(#[from] super::hexed::HexError),
    #[error(transparent)]
    Mac(#[from] MacError),
}

#[derive(Serialize)]
struct Shown {
    algorithm: String,
    padding: String,
    mac: String,
}

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    ended(told(args))
}

fn told(args: &Args) -> Result<ExitCode, Refused> {
    let algorithm = Algorithm::from(args.alg);
    let key = args.key.key(algorithm.cipher())?;
    let number = args.padding.unwrap_or(1);
    let padding = Padding::of_method(number).expect("the command line takes 1, 2 and 3");
    let data: Hex = args.data.concat().parse()?;
    let mac = hex(make(algorithm, padding, &key, data.bytes())?.as_bytes());
    let mut paper = Paper::new();
    if args.json {
        paper.json(&Shown { algorithm: algorithm.to_string(), padding: padding.to_string(), mac });
    } else {
        paper.line(mac);
    }
    Ok(ExitCode::SUCCESS)
}
