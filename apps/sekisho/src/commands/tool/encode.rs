//! `sekisho tool encode`

mod written;

use super::input::{self, InputError, unhexed};
use super::shown::hex;
use crate::commands::dialect::find;
use crate::commands::paper::Paper;
use crate::exit;
use iso8583::{EncodeError, encode_tree};
use std::convert::Infallible;
use std::process::ExitCode;
use terms::limits::FIELDS_MAX;
use wire::Framing;
use written::{Unreadable, Written};

/// What to make a message of, and how.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    /// A shipped dialect or a dialect file; without it, the one the JSON names
    #[arg(long, value_name = "NAME|FILE")]
    dialect: Option<String>,
    /// Put the message into a frame: ascii4, bin2, bin2+tpdu, ...; without it, the one the JSON names
    #[arg(long, value_name = "FRAMING")]
    frame: Option<Framing>,
    /// The message in JSON: a file, the JSON itself, or - for standard input
    #[arg(value_name = "FILE|-")]
    input: Option<String>,
}

const AFTER_HELP: &str = r#"The JSON: {"mti":"0200","fields":{"2":"4111111111111111","55":{"9F26":"0102030405060708"}}}
Text as it is, bytes as hex, composites as objects in the order of their tags. What
`sekisho tool decode --json --unmask` prints is understood too, frame and all.

Exit: 0 printed as hex · 65 a value does not fit, or no JSON · 66 no input · 78 the dialect file is wrong"#;

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    match encode(args) {
        Ok(bytes) => {
            Paper::new().line(hex(&bytes));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(error.exit_code())
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Dialect(#[from] find::NotFound),
    #[error("no dialect: name one with --dialect, or in the JSON")]
    NoDialect,
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error(transparent)]
    Encode(#[from] Box<EncodeError>),
    #[error("`{name}` is no data element: elements are numbers from 2 to {FIELDS_MAX}")]
    NoElement { name: String },
    #[error("the message type is four digits")]
    MessageType,
    #[error("the frame the JSON names is none: {0}")]
    FrameName(wire::NameError),
    #[error("the frame's header is no hex")]
    HeaderNotHex,
    #[error(transparent)]
    Frame(#[from] wire::WriteError<Infallible>),
}

impl Failure {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Input(_) => exit::NO_INPUT,
            Self::Dialect(error) => error.exit_code(),
            Self::NoDialect => exit::USAGE,
            Self::Unreadable(_)
            | Self::Encode(_)
            | Self::NoElement { .. }
            | Self::MessageType
            | Self::FrameName(_)
            | Self::HeaderNotHex
            | Self::Frame(_) => exit::UNDECODABLE,
        }
    }
}

fn encode(args: &Args) -> Result<Vec<u8>, Failure> {
    let json = match args.input.as_deref().map(str::trim) {
        Some(json) if json.starts_with('{') => json.as_bytes().to_vec(),
        path => input::text(path)?,
    };
    let written = Written::parse(&json)?;
    let name = args.dialect.as_deref().or(written.dialect.as_deref()).ok_or(Failure::NoDialect)?;
    let dialect = find::one(name)?.dialect;
    let mti = written.mti.as_bytes().try_into().map_err(|_| Failure::MessageType)?;
    for (name, _) in &written.fields.nodes {
        if !name.parse::<usize>().is_ok_and(|de| (2..=FIELDS_MAX).contains(&de)) {
            return Err(Failure::NoElement { name: name.chars().take(8).collect() });
        }
    }
    let mut body = Vec::new();
    encode_tree(dialect.spec(), mti, &written.fields, &mut body)?;
    framed(args.frame.as_ref(), &written, body)
}

fn framed(asked: Option<&Framing>, written: &Written, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
    let named = written.frame.as_ref().map(|frame| Framing::named(&frame.framing)).transpose();
    let Some(framing) = asked.cloned().or(named.map_err(Failure::FrameName)?) else {
        return Ok(body);
    };
    let ours = framing.request_header();
    let theirs = written.frame.as_ref().map_or("", |frame| &frame.header);
    let header = match theirs {
        "" => ours.as_bytes().to_vec(),
        text => unhexed(text).ok_or(Failure::HeaderNotHex)?,
    };
    let mut frame = Vec::new();
    framing.write(&header, &mut frame, |out| {
        out.extend_from_slice(&body);
        Ok(())
    })?;
    Ok(frame)
}
