//! `sekisho tool keyblock wrap`

use super::open::protecting_cipher;
use crate::commands::paper::Paper;
use crate::commands::tool::hexed::{Hex, ended};
use crate::commands::tool::kcv;
use clock::EntropyError;
use hsm::check_value::{Method, check_value, usual};
use hsm::drbg::{Drbg, SEED_BYTES};
use hsm::keyblock::{Exportable, Header, Optional, Version, WrapError, wrap};
use hsm::{Cipher, KeyLengthError};
use serde::Serialize;
use std::process::ExitCode;

/// A key, what it is for, and the key that is to protect it.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// The test key that is to protect the block
    #[arg(long, value_name = "HEX")]
    kbpk: Hex,
    /// The test key that is to be in it
    #[arg(long, value_name = "HEX")]
    key: Hex,
    /// What the key is for: P0 PINs, M3 MACs by ISO 9797-1 algorithm 3, K0 keys, ...
    #[arg(long, value_name = "XX", value_parser = letters::<2>)]
    usage: [u8; 2],
    /// What may be done with it: E encipher, D decipher, B both, G make, V verify, C both, N anything, ...
    #[arg(long, value_name = "X", default_value = "N", value_parser = letters::<1>)]
    mode: [u8; 1],
    /// How the block is protected: B or D of X9.143, S0 or S1 of the payShield [default: by length of kbpk]
    #[arg(long, value_name = "NAME", value_enum)]
    version: Option<Named>,
    /// The key's cipher [default: by its length; of 16 and 24 bytes tdes]
    #[arg(long, value_name = "NAME", value_enum)]
    algorithm: Option<NamedCipher>,
    /// The version of the key
    #[arg(long, value_name = "XX", default_value = "00", value_parser = letters::<2>)]
    key_version: [u8; 2],
    /// Whether it may leave: E yes, N no, S sensitive
    #[arg(long, value_name = "E|N|S", default_value = "E", value_parser = exportable)]
    export: Exportable,
    /// The id of the LMK, in a block of the payShield
    #[arg(long, value_name = "XX", default_value = "00", value_parser = letters::<2>)]
    lmk: [u8; 2],
    /// An optional block, such as KS=00604B120F9292800000
    #[arg(long, value_name = "ID=TEXT", value_parser = optional)]
    optional: Vec<Optional>,
    /// The check value the key should have; nothing is made where it has another
    #[arg(long, value_name = "HEX")]
    expect: Option<Hex>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
For test keys: a command line is seen by everybody on the machine. The filling is random, so no two blocks of a
key are alike. Blocks of versions A and C can be opened and are not made.

Exit: 0 printed · 1 another check value than expected · 65 keys and header do not fit together
Example: sekisho tool keyblock wrap --kbpk 88E1...57DE6 --key 3F41...F8B8 --usage P0 --mode E";

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Named {
    #[value(name = "A")]
    A,
    #[value(name = "B")]
    B,
    #[value(name = "C")]
    C,
    #[value(name = "D")]
    D,
    #[value(name = "S0")]
    S0,
    #[value(name = "S1")]
    S1,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum NamedCipher {
    Tdes,
    Aes,
    Sm4,
}

#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("--kbpk: {0}")]
    Kbpk(KeyLengthError),
    #[error("--key: {0}")]
    Key(KeyLengthError),
    #[error("--kbpk: a key of {kbpk_bits} bits is weaker than the one of {key_bits} bits it would protect")]
    Weaker { kbpk_bits: usize, key_bits: usize },
    #[error("--expect: a check value has 2 to 8 bytes")]
    Expect,
    #[error(transparent)]
    Wrap(#[from] WrapError),
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

#[derive(Serialize)]
struct Shown {
    block: String,
    kcv: String,
}

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    ended(told(args))
}

fn told(args: &Args) -> Result<ExitCode, Refused> {
    let version = args.version.map_or_else(|| usual_version(args.kbpk.bytes().len()), Version::from);
    let kbpk = args.kbpk.key(protecting_cipher(version)).map_err(Refused::Kbpk)?;
    let cipher = args.algorithm.map_or_else(|| usual_cipher(args.key.bytes().len()), Cipher::from);
    let key = args.key.key(cipher).map_err(Refused::Key)?;
    // Within one cipher length is strength; across ciphers AES is never the weaker.
    let (kbpk_bits, key_bits) = (kbpk.length() * 8, key.length() * 8);
    let crosses = kbpk.cipher() == Cipher::Tdes && cipher != Cipher::Tdes;
    if crosses || (kbpk.cipher() == cipher && kbpk_bits < key_bits) {
        return Err(Refused::Weaker { kbpk_bits, key_bits });
    }
    if let Some(expected) = &args.expect {
        let all = check_value(&key, Method::usual(cipher)).expect("the usual method fits");
        if !kcv::agrees(all, expected).ok_or(Refused::Expect)? {
            return Ok(ExitCode::from(crate::exit::NO));
        }
    }
    let header = Header {
        key_version: args.key_version,
        exportable: args.export,
        optional: args.optional.clone(),
        reserved: args.lmk,
        ..Header::new(version, args.usage, letter(cipher, key.length()), args.mode[0])
    };
    let mut seed = [0; SEED_BYTES];
    clock::entropy(&mut seed)?;
    let block = wrap(&kbpk, &header, &key, &mut Drbg::new(&seed))?;
    let mut paper = Paper::new();
    if args.json {
        paper.json(&Shown { block, kcv: usual(&key).to_string() });
    } else {
        paper.line(block);
    }
    Ok(ExitCode::SUCCESS)
}

/// AES keys of 32 bytes protect version D; of 16 and 24 it is more often triple DES and version B.
const fn usual_version(kbpk_bytes: usize) -> Version {
    if kbpk_bytes == 32 { Version::D } else { Version::B }
}

const fn usual_cipher(key_bytes: usize) -> Cipher {
    if key_bytes == 32 { Cipher::Aes } else { Cipher::Tdes }
}

const fn letter(cipher: Cipher, key_bytes: usize) -> u8 {
    match cipher {
        Cipher::Tdes if key_bytes == 8 => b'D',
        Cipher::Tdes => b'T',
        Cipher::Aes => b'A',
        Cipher::Sm4 => b'S',
    }
}

impl From<Named> for Version {
    fn from(named: Named) -> Self {
        match named {
            Named::A => Self::A,
            Named::B => Self::B,
            Named::C => Self::C,
            Named::D => Self::D,
            Named::S0 => Self::S0,
            Named::S1 => Self::S1,
        }
    }
}

impl From<NamedCipher> for Cipher {
    fn from(named: NamedCipher) -> Self {
        match named {
            NamedCipher::Tdes => Self::Tdes,
            NamedCipher::Aes => Self::Aes,
            NamedCipher::Sm4 => Self::Sm4,
        }
    }
}

fn letters<const N: usize>(text: &str) -> Result<[u8; N], String> {
    let fits = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let wanted = format!("expected {N} letters or digits");
    if fits { text.as_bytes().try_into().map_err(|_| wanted) } else { Err(wanted) }
}

fn exportable(text: &str) -> Result<Exportable, String> {
    let letter = letters::<1>(text).ok().and_then(|[letter]| Exportable::of_letter(letter));
    letter.ok_or_else(|| "expected E, N or S".into())
}

fn optional(text: &str) -> Result<Optional, String> {
    let (id, text) = text.split_once('=').ok_or("expected a name, `=` and text")?;
    let is_text = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_text {
        Ok(Optional { id: letters(id)?, text: text.into() })
    } else {
        Err("no printable text".into())
    }
}
