use crate::host::Host;
use crate::message::{Message, Say, Word};
use crate::scenario::Scenario;
use crate::terminal::{Stage, Terminal};
use crate::{Budget, Plot};
use journal::Record;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use switch::{Lane, Replay};
use terms::{ForwardId, Instant, Now, Timestamp};

/// Everything there is, at one moment.
#[derive(Clone)]
pub struct World {
    pub(crate) lane: Lane,
    pub(crate) now_ms: u32,
    /// What the disk would give back.
    pub(crate) durable: Arc<Replay>,
    /// What the lane wants done, and the disk has not let go yet: one list a step.
    pub(crate) held: Vec<Vec<Held>>,
    /// Messages on their way, in no order.
    pub(crate) network: Vec<Message>,
    /// What the edge has to tell the lane.
    pub(crate) notices: Vec<Notice>,
    pub(crate) terminal: Terminal,
    pub(crate) host: Host,
    pub(crate) left: Budget,
    pub(crate) link_up: bool,
    /// The last message that came to be owed.
    pub(crate) owed: Option<ForwardId>,
    /// Requests that went to the host.
    pub(crate) frames: u8,
    /// A durable item for a person stands on the list.
    pub(crate) listed: bool,
    /// The journal does not fold.
    pub(crate) unreadable: bool,
    /// "Approved" was said of what did not stand on the account.
    pub(crate) lied: bool,
    /// What some mutants remember of the request; nothing where there is none of them.
    pub(crate) asked: Option<Asked>,
    digest: u64,
}

/// The request as a mutant remembers it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// Our trace number for it.
    pub(crate) stan: u32,
    /// When it cannot linger any more.
    pub(crate) gone_at_ms: u32,
}

/// Something a step wants done.
#[derive(Clone, Debug)]
pub(crate) enum Held {
    Write(Record),
    Send {
        message: Message,
        /// About which transaction, where it matters.
        id: u64,
        /// It is the first telling of the decision.
        first: bool,
    },
}

/// Something the edge knows for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// No byte of the request left.
    Unsent {
        /// Under which trace number.
        stan: u32,
        /// Which transaction.
        id: u64,
    },
    /// The first telling of the decision reached nobody.
    Undelivered {
        /// Which transaction.
        id: u64,
    },
}

impl World {
    pub(crate) fn of(lane: Lane, durable: Replay, scenario: &Scenario) -> Self {
        Self {
            lane,
            now_ms: 0,
            durable: Arc::new(durable),
            held: Vec::new(),
            network: Vec::new(),
            notices: Vec::new(),
            terminal: Terminal::new(scenario),
            host: Host::default(),
            left: scenario.budget,
            link_up: true,
            owed: None,
            frames: 0,
            listed: false,
            unreadable: false,
            lied: false,
            asked: None,
            digest: 0,
        }
    }

    /// The lane's idea of now. The wall stands still: nothing here is decided by it.
    pub(crate) fn now(&self) -> Now {
        let wall = Timestamp::from_unix_ms(1_795_305_791_482);
        Now { instant: Instant::default().plus_ms(self.now_ms), wall, utc_offset_s: 0 }
    }

    /// Its identity: worlds of the same digest have the same futures.
    pub(crate) fn digest(&self) -> u64 {
        self.digest
    }

    /// To be called when a move is over.
    pub(crate) fn seal(&mut self) {
        let mut network = core::mem::take(&mut self.network);
        network.retain(|message| self.may_matter(message));
        self.network = network;
        self.network.sort_unstable();
        let mut hasher = DefaultHasher::new();
        self.lane.digest(self.now().instant, &mut hasher);
        self.durable.digest(&mut hasher);
        self.network.iter().for_each(|message| self.digest_of(message, &mut hasher));
        self.held.iter().for_each(|step| digest_of_step(step, &mut hasher));
        (&self.notices, self.terminal, &self.host, self.left, self.link_up, self.owed).hash(&mut hasher);
        (self.frames, self.listed, self.unreadable, self.lied).hash(&mut hasher);
        self.asked.map(|asked| (asked.stan, asked.gone_at_ms.saturating_sub(self.now_ms))).hash(&mut hasher);
        self.digest = hasher.finish();
    }

    /// Whether a message can still change anything, now or later. Only a death brings an old trace number of an
    /// owed message back; late answers to the request itself are kept, because they are what is asked about.
    fn may_matter(&self, message: &Message) -> bool {
        match message {
            Message::Told(about, _) => self.terminal.may_hear(*about),
            Message::HostSaid { stan, digits, .. } if *digits != [2, 1, 0] => {
                self.left.crashes > 0 || self.awaits(*stan)
            }
            _ => true,
        }
    }

    fn digest_of(&self, message: &Message, into: &mut impl Hasher) {
        match message {
            Message::Request { stan, until_ms } => (stan, until_ms.saturating_sub(self.now_ms)).hash(into),
            other => other.hash(into),
        }
    }

    /// Whether a message of that sort is under way.
    pub(crate) fn is_under_way(&self, sought: impl Fn(&Message) -> bool) -> bool {
        self.network.iter().any(sought)
    }
}

/// What must hold in every world.
impl World {
    pub(crate) fn posts_at_most_once(&self) -> bool {
        self.host.posted() <= 1
    }

    pub(crate) fn reverses_at_most_what_it_posted(&self) -> bool {
        self.host.reversed() <= self.host.posted()
    }

    pub(crate) fn asks_at_most_once(&self) -> bool {
        self.frames <= 1
    }

    pub(crate) fn journal_is_readable(&self) -> bool {
        !self.unreadable
    }

    /// What the terminal did, and did not take back, nobody reverses.
    pub(crate) fn leaves_alone_what_is_done(&self, plot: Plot) -> bool {
        let is_done = self.terminal.done && !self.terminal.asked_back;
        // Where unknown deposits are cancelled, one that was kept all the same is a person's.
        if !is_done || plot == Plot::DepositCancelled {
            return true;
        }
        self.host.reversed() == 0 && !self.is_under_way(|m| matches!(m, Message::Reversal { .. }))
    }

    /// Whether a terminal that wants cash is told "approved" of what does not stand on the account.
    pub(crate) fn is_a_lie(&self, message: &Message) -> bool {
        let says_yes = matches!(message, Message::Told(Say::Request | Say::Repeat, Word::Yes));
        says_yes && !self.terminal.keeps_cash && !self.terminal.asked_back && self.host.balance() < 1
    }

    /// "Approved" is only said of what stands on the account.
    pub(crate) fn says_yes_only_to_what_is_posted(&self, plot: Plot) -> bool {
        let says_yes = |m: &Message| matches!(m, Message::Told(Say::Request | Say::Repeat, Word::Yes));
        // A deposit that was reported is approved because it will be posted.
        if self.terminal.asked_back || !matches!(plot, Plot::Withdrawal | Plot::Forward) {
            return !self.lied;
        }
        !self.lied && !self.is_under_way(says_yes) || self.host.balance() >= 1
    }

    /// Cash and books agree, nobody has anything left to say, and nothing under way can change that; or a
    /// person has been told.
    pub(crate) fn is_consistent(&self) -> bool {
        let quiet = matches!(self.terminal.stage, Stage::Idle | Stage::Finished)
            && self.held.is_empty()
            && self.notices.is_empty()
            && self.network.iter().all(|m| matches!(m, Message::Told(..) | Message::HostSaid { .. }))
            && self.lane.in_flight() == 0
            && self.lane.pending() == 0;
        quiet && (self.listed || self.host.balance() == i16::from(self.terminal.done))
    }
}

pub(crate) const fn is_to_host(message: &Message) -> bool {
    matches!(message, Message::Request { .. } | Message::Reversal { .. } | Message::Advice { .. })
}

fn digest_of_step(step: &[Held], into: &mut impl Hasher) {
    step.len().hash(into);
    for held in step {
        match held {
            // What a record says beyond this is said by the lane that wrote it.
            Held::Write(record) => (record.name(), record.id(), record.forward()).hash(into),
            Held::Send { message, id, first } => (message, id, first).hash(into),
        }
    }
}

impl Hash for World {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.digest.hash(state);
    }
}

impl PartialEq for World {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { now_ms, held, network, notices, terminal, host, left, .. } = self;
        write!(f, "{now_ms} ms {terminal:?} {host:?} network {network:?} {} held ", held.len())?;
        write!(f, "{notices:?} {left:?} in flight {} owed {}", self.lane.in_flight(), self.lane.pending())
    }
}
