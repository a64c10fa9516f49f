//! What the lane is asked on behalf of applications, and what it says.

use switch::{CannotCapture, Submission};
use terms::{Answer, Carried, Txn, TxnId};
use tokio::sync::oneshot;

/// What the lane is asked.
pub enum ApiOrder {
    /// A request under a name of its caller's.
    Submit {
        /// The request.
        submitting: Box<Submitting>,
        /// Where its answer goes. Nobody need be there any more: the request goes on all the same.
        answer: oneshot::Sender<Submitted>,
    },
    /// Whether that name was used, and what became of it. Begins nothing.
    Known {
        /// Who.
        caller: String,
        /// Under which name.
        name: String,
        /// A digest of what was to be submitted.
        contents: [u8; 32],
        /// Where it is said, when it is durable.
        answer: oneshot::Sender<Submitted>,
    },
    /// Show a submission.
    Show {
        /// Which.
        which: Which,
        /// Who wants to know.
        caller: String,
        /// Where it goes; `None` where there is none, or none of this caller.
        answer: oneshot::Sender<Option<Shown>>,
    },
    /// Take a submission back.
    TakeBack {
        /// Which.
        id: TxnId,
        /// Who wants it.
        caller: String,
        /// Where it is said, when it is durable.
        answer: oneshot::Sender<TakenBack>,
    },
}

/// A request of an application.
pub struct Submitting {
    /// Who.
    pub(crate) caller: String,
    /// Under which name.
    pub(crate) name: String,
    /// A digest of everything it says, but for the session it says it in.
    pub(crate) contents: [u8; 32],
    /// What it says. No trace number and no local time where the application left them to us.
    pub(crate) txn: Txn,
    /// In captures: the submission whose card, terminal and reference number this is about.
    pub(crate) of: Option<TxnId>,
}

/// Which submission.
pub enum Which {
    /// By its number.
    Id(TxnId),
    /// By the name its caller gave it.
    Name(String),
}

/// What became of a submission.
pub enum Submitted {
    /// It is answered; with what the host said besides.
    Answered(Box<Shown>, Carried),
    /// It was answered before.
    Replayed(Box<Shown>),
    /// It is under way, under the same name.
    UnderWay(Box<Shown>),
    /// The name was used for something else.
    OtherContents(TxnId),
    /// Terminal, trace number and local time are those of another submission, or of this one under another name.
    SameIdentity(TxnId),
    /// It was refused and left no trace: it may be submitted again.
    Refused(Box<Answer>),
    /// Nothing was submitted under that name.
    NotKnown,
    /// A capture of something that is not remembered.
    NoOriginal,
    /// A capture of something that cannot be captured.
    CannotCapture(TxnId, CannotCapture),
    /// The configuration has no `[api]`.
    NoApplications,
}

/// What became of taking something back.
pub enum TakenBack {
    /// It is ours from here on, or was before.
    Accepted(Box<Shown>),
    /// There is no such submission, or none of this caller.
    NoSuch,
    /// Too little of it is remembered.
    Forgotten,
    /// It was captured, by that one: the money went by the capture, which can be taken back.
    Captured(TxnId),
    /// A person has it: what becomes of it is theirs to say.
    APersons,
}

/// A submission as it stands, with the names of what it touches.
#[derive(Clone, Debug)]
pub struct Shown {
    /// As the lane knows it.
    pub(crate) submission: Submission,
    /// The link it went to.
    pub(crate) link: Option<String>,
    /// Milliseconds until silence becomes the answer.
    pub(crate) left_ms: Option<u64>,
}
