use crate::{Cause, LinkState};
use alloc::{boxed::Box, sync::Arc, vec::Vec};
use journal::{CutStage, Record};
use terms::{
    Answer, Balance, BusinessDate, Class, Code, ConnId, ForwardId, Kind, LinkId, Outcome, Outgoing, SourceId,
    Txn, TxnId,
};

/// Proof that a record stands in the outbox before whatever is sent with it. Made by `Outbox::record` and
/// nowhere else.
#[derive(Debug)]
pub struct Recorded(());

/// Proof that a message moves no money, so that it may leave before its record is durable.
#[derive(Clone, Copy, Debug)]
pub struct NoMoney(());

impl NoMoney {
    /// The proof, for a message that is no more than a question: by its class, and by what is wanted, never by
    /// a field that any message may carry.
    pub fn of(request: &Txn) -> Option<Self> {
        let is_question = match request.message.class {
            Class::Network => true,
            Class::Authorization | Class::Financial => !request.kind.moves_money(),
            Class::FileAction
            | Class::Reversal
            | Class::Reconciliation
            | Class::Administrative
            | Class::FeeCollection => false,
        };
        is_question.then_some(Self(()))
    }

    /// The proof, for saying no to something we do not do: nothing happens, so nothing can be lost.
    pub(crate) const fn of_refusal() -> Self {
        Self(())
    }
}

/// Leave to speak: because something was written first, or because no money hangs on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Permit {
    durable_first: bool,
}

impl From<&Recorded> for Permit {
    fn from(_: &Recorded) -> Self {
        Self { durable_first: true }
    }
}

impl From<NoMoney> for Permit {
    fn from(_: NoMoney) -> Self {
        Self { durable_first: false }
    }
}

/// What a step wants done, in this order. The loop holds a send marked `durable_first` until everything
/// recorded before it has reached the disk.
#[derive(Debug)]
pub enum Effect {
    /// Append this to the journal.
    Record(Record),
    /// Ask a host.
    ToHost {
        /// Over which link.
        link: LinkId,
        /// For which transaction.
        id: TxnId,
        /// What the source asked.
        request: Arc<Txn>,
        /// What is ours in it.
        ours: Outgoing,
        /// Not before the journal is durable up to here.
        durable_first: bool,
    },
    /// Answer a source.
    ToSource {
        /// Set where this is the first telling of a decision: when it cannot be delivered, and that is proved,
        /// the lane wants to know ([`crate::Event::Undelivered`]).
        decision: Option<TxnId>,
        /// Which source.
        source: SourceId,
        /// On which connection.
        conn: ConnId,
        /// What it asked.
        request: Arc<Txn>,
        /// What it is told.
        answer: Answer,
        /// Not before the journal is durable up to here.
        durable_first: bool,
    },
    /// What a host said to an exchange of keys; nothing where it did not say anything, or could not be asked.
    KeysTold {
        /// Over which link.
        link: LinkId,
        /// Its answer.
        reply: Option<Box<Txn>>,
    },
    /// Answer a host that asked us something.
    ToHostAnswer {
        /// Over which link.
        link: LinkId,
        /// On which connection.
        conn: ConnId,
        /// What it asked.
        request: Arc<Txn>,
        /// What it is told.
        answer: Answer,
        /// It says that something was done that is written down: the record has to be durable first.
        durable_first: bool,
    },
    /// Say something to every connection of a source that stands. Whoever is not there misses it.
    Announce {
        /// Which source.
        source: SourceId,
        /// What.
        message: Arc<Txn>,
        /// What is ours in it.
        ours: Outgoing,
        /// Not before the journal is durable up to here.
        durable_first: bool,
    },
    /// The answer this connection waits for will go to another: the same request came again there.
    Displaced {
        /// Which connection waits in vain.
        conn: ConnId,
    },
    /// Break every connection of a link, whatever is queued on it: nobody is there.
    HangUp {
        /// Which link.
        link: LinkId,
    },
    /// Tell people (and counters).
    Tell(Tell),
}

/// Something people or counters want to know. Nothing here decides anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tell {
    /// A request was decided.
    Decided {
        /// Which.
        id: TxnId,
        /// What was wanted.
        kind: Kind,
        /// Which host, where one was asked.
        link: Option<LinkId>,
        /// What became of it.
        outcome: Outcome,
        /// What the source is told.
        code: Code,
        /// Microseconds from the question to the decision.
        took_us: u64,
    },
    /// A request came again; it was swallowed or given the stored answer.
    Repeated {
        /// Which.
        id: TxnId,
        /// Whether it was still in flight.
        in_flight: bool,
    },
    /// A host answered after we had stopped waiting. It changes nothing.
    LateAnswer {
        /// Which transaction.
        id: TxnId,
        /// Over which link.
        link: LinkId,
        /// What it would have been.
        outcome: Outcome,
    },
    /// A host answered a second time. It changes nothing.
    SecondAnswer {
        /// Which transaction.
        id: TxnId,
        /// Over which link.
        link: LinkId,
    },
    /// A host answered something nobody asked.
    StrangeAnswer {
        /// Over which link.
        link: LinkId,
        /// Whether the trace number was ours and something else disagreed.
        stan_known: bool,
    },
    /// A link was given up for a while.
    BreakerOpened {
        /// Which.
        link: LinkId,
    },
    /// A link answers again.
    BreakerClosed {
        /// Which.
        link: LinkId,
    },
    /// After an unclean stop: the host was told of everything owed to it, and gets new requests from now on.
    Recovered {
        /// Which.
        link: LinkId,
    },
    /// There is no room to remember finished transactions as long as they are to be: so many were forgotten before
    /// their time since this was told last. Told once a minute at most.
    ForgetsEarly {
        /// How many.
        count: u64,
    },
    /// A person has to look at a transaction: there is an exception record about it.
    NeedsAPerson {
        /// Which.
        id: TxnId,
    },
    /// An owed message has been tried so often, or has waited so long, that people should know.
    ForwardAlarm {
        /// Which message.
        forward: ForwardId,
        /// To which link.
        link: LinkId,
        /// How often.
        attempts: u32,
    },
    /// An owed message was accepted.
    Forwarded {
        /// Which message.
        forward: ForwardId,
        /// By which link's host.
        link: LinkId,
        /// The transaction it was owed for.
        id: TxnId,
    },
    /// A person settled an owed message by hand.
    Settled {
        /// Which message.
        forward: ForwardId,
        /// To which link.
        link: LinkId,
        /// The transaction it was owed for.
        id: TxnId,
    },
    /// The business day of a host changed.
    HostDate {
        /// Whose.
        link: LinkId,
    },
    /// Our own day changed.
    OwnDate {
        /// What it was; `None` at the very beginning.
        from: Option<BusinessDate>,
        /// What it is.
        to: BusinessDate,
    },
    /// The totals of a day were sent.
    TotalsSent {
        /// To whom.
        link: LinkId,
        /// Which day.
        date: BusinessDate,
        /// The how manyeth time.
        number: u32,
    },
    /// Nobody answered them in time; they are sent again.
    TotalsUnanswered {
        /// Who.
        link: LinkId,
        /// Which day.
        date: BusinessDate,
        /// How often they were sent.
        attempts: u32,
    },
    /// They were sent so often that people should know.
    TotalsOverdue {
        /// Who does not answer.
        link: LinkId,
        /// Which day.
        date: BusinessDate,
        /// How often they were sent.
        attempts: u32,
    },
    /// The totals of a day were compared.
    Compared {
        /// With whom.
        link: LinkId,
        /// Which day.
        date: BusinessDate,
        /// What it came to; `None` where the host refused.
        balance: Option<Balance>,
    },
    /// A transaction became known after the totals of its day were told.
    LateResult {
        /// Which.
        id: TxnId,
    },
    /// A link has come to another state.
    Link {
        /// Which.
        link: LinkId,
        /// The state.
        state: LinkState,
        /// Why.
        cause: Cause,
    },
    /// The change of a host's day has come so far; [`Tell::HostDate`] is its end.
    Cutover {
        /// Whose.
        link: LinkId,
        /// How far.
        stage: CutStage,
    },
    /// A host wanted a day that cannot be: refused.
    CutoverRefused {
        /// Which.
        link: LinkId,
        /// The day it named, where it named one.
        date: Option<BusinessDate>,
    },
    /// The change of a host's day hangs.
    CutoverOverdue {
        /// Whose.
        link: LinkId,
        /// How far it had come.
        stage: CutStage,
    },
    /// An echo of ours went unanswered.
    EchoMissed {
        /// On which link.
        link: LinkId,
        /// In a row.
        misses: u32,
    },
    /// An event met a state it means nothing to; nothing was done.
    Meaningless {
        /// Which transaction.
        id: TxnId,
    },
}

/// What one step wants done. Reused from step to step.
#[derive(Debug, Default)]
pub struct Outbox {
    effects: Vec<Effect>,
}

impl Outbox {
    /// With nothing in it.
    pub const fn new() -> Self {
        Self { effects: Vec::new() }
    }

    /// Takes everything out, in order, and keeps the room.
    pub fn drain(&mut self) -> impl Iterator<Item = Effect> {
        self.effects.drain(..)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.effects.is_empty()
    }

    pub(crate) fn record(&mut self, record: Record) -> Recorded {
        self.effects.push(Effect::Record(record));
        Recorded(())
    }

    pub(crate) fn ask_host(
        &mut self,
        permit: impl Into<Permit>,
        link: LinkId,
        id: TxnId,
        request: Arc<Txn>,
        ours: Outgoing,
    ) {
        let durable_first = permit.into().durable_first;
        self.effects.push(Effect::ToHost { link, id, request, ours, durable_first });
    }

    pub(crate) fn answer_source(
        &mut self,
        permit: impl Into<Permit>,
        (source, conn): (SourceId, ConnId),
        request: Arc<Txn>,
        answer: Answer,
    ) {
        let durable_first = permit.into().durable_first;
        let decision = None;
        self.effects.push(Effect::ToSource { decision, source, conn, request, answer, durable_first });
    }

    /// Tells a source the decision of its request for the first time.
    pub(crate) fn tell_decision(
        &mut self,
        _: &Recorded,
        id: TxnId,
        (source, conn): (SourceId, ConnId),
        request: Arc<Txn>,
        answer: Answer,
    ) {
        let (decision, durable_first) = (Some(id), true);
        self.effects.push(Effect::ToSource { decision, source, conn, request, answer, durable_first });
    }

    pub(crate) fn answer_host(
        &mut self,
        permit: impl Into<Permit>,
        (link, conn): (LinkId, ConnId),
        request: Arc<Txn>,
        answer: Answer,
    ) {
        let durable_first = permit.into().durable_first;
        self.effects.push(Effect::ToHostAnswer { link, conn, request, answer, durable_first });
    }

    pub(crate) fn announce(&mut self, _: &Recorded, source: SourceId, message: Arc<Txn>, ours: Outgoing) {
        self.effects.push(Effect::Announce { source, message, ours, durable_first: true });
    }

    pub(crate) fn keys_told(&mut self, link: LinkId, reply: Option<Txn>) {
        self.effects.push(Effect::KeysTold { link, reply: reply.map(Box::new) });
    }

    /// How many effects stand in it.
    pub(crate) fn len(&self) -> usize {
        self.effects.len()
    }

    /// What was recorded since there were so many effects in it.
    pub(crate) fn recorded_since(&self, from: usize) -> impl Iterator<Item = &Record> {
        self.effects.get(from..).unwrap_or_default().iter().filter_map(|effect| match effect {
            Effect::Record(record) => Some(record),
            _ => None,
        })
    }

    pub(crate) fn displace(&mut self, conn: ConnId) {
        self.effects.push(Effect::Displaced { conn });
    }

    pub(crate) fn hang_up(&mut self, link: LinkId) {
        self.effects.push(Effect::HangUp { link });
    }

    pub(crate) fn tell(&mut self, tell: Tell) {
        self.effects.push(Effect::Tell(tell));
    }
}
