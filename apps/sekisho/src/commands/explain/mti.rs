//! `sekisho explain mti`
//!
//! Source: ISO 8583:1987 4.1, ISO 8583:1993 4.1.

use crate::commands::paper::Paper;
use crate::commands::table::Table;
use crate::exit;
use serde::Serialize;
use std::process::ExitCode;
use terms::{Class, Function, MessageType};

/// Which type.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Four digits, such as 0421
    #[arg(value_name = "NNNN")]
    mti: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// `--json`. Fields are added to it, never changed.
#[derive(Serialize)]
struct Explained {
    object: &'static str,
    mti: String,
    version: &'static str,
    class: &'static str,
    function: &'static str,
    origin: &'static str,
    is_repeat: bool,
    /// `null` where it wants no answer.
    answered_by: Option<String>,
    /// What the switch does when a source sends it.
    from_a_source: &'static str,
}

#[rustfmt::skip]
const VERSIONS: [(u8, &str); 4] = [
    (b'0', "ISO 8583:1987"),
    (b'1', "ISO 8583:1993"),
    (b'2', "ISO 8583:2003"),
    (b'9', "private"),
];

#[rustfmt::skip]
const CLASSES: [&str; 10] = [
    "reserved", "authorization: may this be done?", "financial: do it, or it is done", "file action: change a file",
    "reversal or chargeback: undo it", "reconciliation: compare totals", "administrative: texts, tables, look-ups",
    "fee collection", "network management: sign-on, keys, cutover, echo", "reserved",
];

#[rustfmt::skip]
const FUNCTIONS: [&str; 10] = [
    "request: may be refused", "response to a request", "advice: has happened, may only be acknowledged",
    "acknowledges an advice", "notification: for information", "acknowledges a notification",
    "instruction", "acknowledges an instruction", "reserved", "reserved",
];

#[rustfmt::skip]
const ORIGINS: [&str; 10] = [
    "acquirer", "acquirer, repeated", "issuer", "issuer, repeated", "other", "other, repeated",
    "reserved", "reserved", "reserved", "reserved",
];

/// Does it.
pub(super) fn run(args: &Args) -> ExitCode {
    let Some(explained) = explained(&args.mti) else {
        eprintln!("error  `{}` is no message type: it is four digits, the first 0, 1, 2 or 9", args.mti);
        return ExitCode::from(exit::USAGE);
    };
    let mut paper = Paper::new();
    if args.json {
        paper.json(&explained);
    } else {
        paper.text(table(&explained));
    }
    ExitCode::SUCCESS
}

fn explained(mti: &str) -> Option<Explained> {
    let digits: [u8; 4] = mti.as_bytes().try_into().ok()?;
    let version = VERSIONS.iter().find(|(digit, _)| *digit == digits[0])?.1;
    let digit = |at: usize| digits[at].is_ascii_digit().then(|| usize::from(digits[at] - b'0'));
    let (class, function, origin) = (digit(1)?, digit(2)?, digit(3)?);
    let known = MessageType::from_digits([class as u8, function as u8, origin as u8]);
    let written = |message: MessageType| {
        let [class, function, origin] = message.digits();
        format!("{}{class}{function}{origin}", mti.get(..1).unwrap_or_default())
    };
    Some(Explained {
        object: "message_type",
        mti: mti.into(),
        version,
        class: CLASSES[class],
        function: FUNCTIONS[function],
        origin: ORIGINS[origin],
        is_repeat: origin % 2 == 1 && origin < 6,
        answered_by: known.and_then(MessageType::answered_by).map(written),
        from_a_source: known.map_or("refused: not supported", from_a_source),
    })
}

/// What the switch does with it, by the same distinctions the lane makes.
const fn from_a_source(message: MessageType) -> &'static str {
    match (message.class, message.function) {
        (Class::Authorization | Class::Financial, Function::Request) => {
            "routed to a host, written to disk before it is sent; the same again is answered the same"
        }
        (Class::Financial, Function::Advice) => {
            "a report of what happened: acknowledged once it is on disk, and owed to the host where it has not \
             heard of it"
        }
        (Class::Reversal, Function::Request | Function::Advice) => {
            "takes a request back: acknowledged once it is on disk, and owed to the host where it may have done \
             it; before its request, it makes the request refused"
        }
        (Class::Network, Function::Request | Function::Advice) => "answered here",
        (_, Function::Response | Function::AdviceResponse | Function::NotificationAck) => {
            "an answer to nothing: a source is not asked"
        }
        _ => "refused: not supported",
    }
}

fn table(explained: &Explained) -> Table {
    let mut table = Table::new(&["", ""]);
    let mut row = |name: &str, text: &str| table.row([name.to_string(), text.to_string()]);
    row(&explained.mti, explained.version);
    row("class", explained.class);
    row("function", explained.function);
    row("origin", explained.origin);
    row("answered by", explained.answered_by.as_deref().unwrap_or("nothing"));
    row("from a source", explained.from_a_source);
    table
}
