//! A transaction as applications are shown it: the same words whether it was just answered, answered before or
//! looked up.

use super::currency;
use super::ids;
use super::orders::Shown;
use journal::After;
use serde::Serialize;
use std::collections::BTreeMap;
use switch::Seen;
use terms::{Carried, Code, Noun, Outcome};
use utoipa::ToSchema;

/// How a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stands {
    /// The host did it.
    Approved,
    /// The host did a part of it.
    Partial,
    /// The host said no.
    Declined,
    /// The host said no, and wants to be asked by voice.
    Referred,
    /// The host said no, and wants the card.
    PickUp,
    /// Nobody knows. Do not pay out, and do not send it again under another key.
    Unknown,
    /// Nothing stands of it.
    Reversed,
    /// No host saw it.
    Rejected,
}

/// What is done about a transaction after its decision, or instead of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// The host has not answered.
    InFlight,
    /// The host is owed a reversal, until it takes it.
    Reversing,
    /// It took it.
    Reversed,
    /// The host is owed an advice, until it takes it.
    Posting,
    /// It took it.
    Posted,
    /// The authorization is spent.
    Captured,
    /// Somebody has to look.
    WithAPerson,
    /// Nothing has to be done.
    NothingOwed,
}

/// A transaction. Fields are added to it, never changed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TransactionJson {
    /// `transaction`
    pub(crate) object: &'static str,
    /// Its name: `txn_` and its number in the journal.
    pub(crate) id: String,
    /// What was wanted: `withdrawal`, `purchase` and so on.
    #[serde(rename = "type")]
    pub(crate) kind: Option<&'static str>,
    /// How it stands now.
    pub(crate) outcome: Stands,
    /// What was decided at first, where that is another thing now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decided: Option<Stands>,
    /// In the characters of ISO 8583:1987; `null` while nothing is decided.
    pub(crate) response_code: Option<String>,
    /// What it means, as a word for programs.
    pub(crate) code: Option<&'static str>,
    /// What it means, as a sentence for people.
    pub(crate) message: Option<&'static str>,
    /// The host's approval code.
    pub(crate) auth_code: Option<String>,
    /// Minor units.
    pub(crate) amount: Option<u64>,
    /// ISO 4217, three letters.
    pub(crate) currency: Option<String>,
    /// The card.
    pub(crate) card: Option<CardJson>,
    /// The terminal.
    pub(crate) terminal: Option<String>,
    /// The reference number the host knows it by.
    pub(crate) rrn: Option<String>,
    /// The application's trace number.
    pub(crate) stan: u32,
    /// Date and time at the terminal.
    pub(crate) local_time: Option<String>,
    /// The day money is counted under.
    pub(crate) business_date: Option<String>,
    /// Which way it went; `null` where no host was asked.
    pub(crate) route: Option<RouteJson>,
    /// What is done about it after the decision; `null` where nothing is.
    pub(crate) resolution: Option<ResolutionJson>,
    /// What to do now, where that is not plain.
    pub(crate) advice: Option<&'static str>,
    /// When it was submitted, UTC.
    pub(crate) created: String,
    /// When it was decided, UTC.
    pub(crate) decided_at: Option<String>,
    /// What else the host said, by name; in the first answer alone.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) fields: BTreeMap<&'static str, String>,
}

/// A card as people may see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct CardJson {
    /// Its first six and last four digits.
    pub(crate) masked: String,
}

/// Which way it went.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RouteJson {
    /// The line of the routing table.
    pub(crate) name: String,
    /// The link.
    pub(crate) link: Option<String>,
    /// Our trace number there.
    pub(crate) stan: u32,
}

/// What is done about it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ResolutionJson {
    /// What.
    pub(crate) state: Step,
    /// The message that is owed: `sekisho saf show`.
    pub(crate) saf: Option<String>,
    /// Milliseconds until silence becomes the answer.
    pub(crate) left_ms: Option<u64>,
    /// Where to look.
    pub(crate) url: String,
    /// The event that says that it changed.
    pub(crate) event: &'static str,
}

const UNKNOWN: &str =
    "Do not pay out. Do not send it again under another key. Wait for the event or read the URL.";
const ADVICE_OWED: &str = "The host is told of it until it takes it. Nothing has to be done.";
const UNDONE_NEXT: &str = "It was taken back while the host was being told of it: it is undone as soon as the host has it. Do not send it again.";
const BY_HAND: &str = "Do not send it again. Somebody has to look at it: ask whoever runs the switch.";
const SPENT: &str = "It was captured. To give the money back, reverse the capture.";
const TAKEN_BACK: &str = "Nothing stands of it. It may be asked for again under another key.";

impl TransactionJson {
    pub(crate) fn of(shown: &Shown, carried: &Carried) -> Self {
        let submission = &shown.submission;
        let seen = submission.seen.as_ref();
        let sent = seen.and_then(|seen| seen.sent.as_ref());
        let answer = seen.and_then(|seen| seen.answer.as_ref());
        let id = ids::of_txn(submission.id);
        let outcome = seen.map_or(Stands::Unknown, outcome);
        let decided = answer.map(|answer| decided(answer.outcome, answer.code));
        let (resolution, advice) = match seen {
            Some(seen) => resolution(seen, shown.left_ms, &id),
            None => (None, Some(BY_HAND)),
        };
        let text = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
        let own_rrn = answer.and_then(|answer| text(answer.rrn.as_str()));
        Self {
            object: "transaction",
            kind: seen.map(|seen| seen.kind.name()),
            outcome,
            decided: decided.filter(|decided| *decided != outcome),
            response_code: answer.map(|answer| digits(answer.code)),
            code: answer.map(|answer| answer.code.name()),
            message: answer.map(|answer| answer.code.meaning()),
            auth_code: answer.and_then(|answer| text(answer.approval_code.as_str())),
            amount: sent.map(|sent| sent.amount.minor_units()),
            currency: sent.and_then(|sent| currency::letters(sent.currency)),
            card: sent
                .filter(|sent| !sent.pan.is_none())
                .map(|sent| CardJson { masked: sent.pan.masked().to_string() }),
            terminal: text(submission.key.terminal_id.as_str()),
            rrn: own_rrn.or_else(|| sent.and_then(|sent| text(sent.rrn.as_str()))),
            stan: submission.key.stan.0,
            local_time: submission.key.local_time.map(|time| {
                let (h, m, s) = time.hms();
                format!("{}T{h:02}:{m:02}:{s:02}", time.date)
            }),
            business_date: sent.map(|sent| sent.business_date.to_string()),
            route: sent.map(|sent| RouteJson {
                name: sent.route.to_string(),
                link: shown.link.clone(),
                stan: sent.stan.0,
            }),
            resolution,
            advice,
            created: submission.submitted_at.to_string(),
            decided_at: seen.filter(|seen| seen.answer.is_some()).map(|seen| seen.at.to_string()),
            fields: said_besides(carried),
            id,
        }
    }
}

/// How it stands now.
fn outcome(seen: &Seen) -> Stands {
    let Some(answer) = &seen.answer else { return Stands::Unknown };
    match (seen.after, answer.outcome) {
        (After::Reversed, _) => Stands::Reversed,
        // Ours from the moment the application took it back: it will be reversed, and cannot stand any more.
        (After::Reversing(_), Outcome::Approved) => Stands::Reversed,
        // The same where it is posted first, and where a person does what was owed.
        (After::Confirming(_) | After::Exception, Outcome::Approved) if seen.taken_back => Stands::Reversed,
        (After::Confirmed, Outcome::Unknown) => Stands::Approved,
        (_, outcome) => decided(outcome, answer.code),
    }
}

const fn decided(outcome: Outcome, code: Code) -> Stands {
    match (outcome, code) {
        (Outcome::Approved, Code::ApprovedPartly) => Stands::Partial,
        (Outcome::Approved, _) => Stands::Approved,
        (Outcome::Refused, Code::ReferToIssuer) => Stands::Referred,
        (
            Outcome::Refused,
            Code::PickUpCard | Code::PinTriesExceededPickUp | Code::LostCard | Code::StolenCard,
        ) => Stands::PickUp,
        (Outcome::Refused, _) => Stands::Declined,
        (Outcome::Unknown, _) => Stands::Unknown,
        (Outcome::NotSent, _) => Stands::Rejected,
    }
}

/// What is done about it, and what to do.
fn resolution(seen: &Seen, left_ms: Option<u64>, id: &str) -> (Option<ResolutionJson>, Option<&'static str>) {
    let made = |state, saf| ResolutionJson {
        state,
        saf,
        left_ms: None,
        url: format!("/v1/transactions/{id}"),
        event: "transaction.resolved",
    };
    let owed = |forward| Some(ids::of_owed(forward));
    let Some(answer) = &seen.answer else {
        let state = if seen.taken_back { Step::Reversing } else { Step::InFlight };
        return (Some(ResolutionJson { left_ms, ..made(state, None) }), Some(UNKNOWN));
    };
    match (seen.after, answer.outcome) {
        (After::Reversing(forward), Outcome::Approved) => {
            (Some(made(Step::Reversing, owed(forward))), Some(TAKEN_BACK))
        }
        (After::Reversing(forward), _) => (Some(made(Step::Reversing, owed(forward))), Some(UNKNOWN)),
        (After::Confirming(forward), _) if seen.taken_back => {
            (Some(made(Step::Posting, owed(forward))), Some(UNDONE_NEXT))
        }
        (After::Confirming(forward), Outcome::Approved) => {
            (Some(made(Step::Posting, owed(forward))), Some(ADVICE_OWED))
        }
        (After::Confirming(forward), _) => (Some(made(Step::Posting, owed(forward))), Some(UNKNOWN)),
        (After::Reversed, _) => (Some(made(Step::Reversed, None)), Some(TAKEN_BACK)),
        (After::Confirmed, _) => (Some(made(Step::Posted, None)), None),
        (After::Captured(_), _) => (Some(made(Step::Captured, None)), Some(SPENT)),
        (After::Exception, _) => (Some(made(Step::WithAPerson, None)), Some(BY_HAND)),
        (After::Nothing, _) if seen.noted => (Some(made(Step::WithAPerson, None)), Some(BY_HAND)),
        // A question that moves no money, unanswered.
        (After::Nothing, Outcome::Unknown) => (Some(made(Step::NothingOwed, None)), None),
        (After::Nothing, _) => (None, None),
    }
}

/// What else the host said: text as it is, bytes in hex, and nothing that nobody may see.
fn said_besides(carried: &Carried) -> BTreeMap<&'static str, String> {
    let known = carried.iter().filter_map(|(number, bytes)| Some((Noun::numbered(number)?, bytes)));
    let known = known.filter(|(noun, _)| !noun.is_secret() && *noun != Noun::Header);
    known
        .map(|(noun, bytes)| {
            let is_text = bytes.iter().all(|byte| matches!(byte, 0x20..=0x7E))
                && !matches!(noun, Noun::IccData | Noun::SecurityInfo);
            let text = match is_text {
                true => String::from_utf8_lossy(bytes).into_owned(),
                false => bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02X}")),
            };
            (noun.name(), text)
        })
        .collect()
}

/// The characters most networks of 1987 write.
fn digits(code: Code) -> String {
    thread_local! {
        static TABLE: Option<dialects::Dialect> = dialects::Dialect::named("iso87-ascii");
    }
    TABLE.with(|table| table.as_ref().map_or_else(String::new, |table| table.code_text(code).to_string()))
}
