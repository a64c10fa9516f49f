//! What must have happened at least once, or the seeds were too tame to prove anything.

use journal::LinkOrder;

macro_rules! marks {
    ($($(#[$doc:meta])* $mark:ident $name:literal;)*) => {
        /// Something worth having seen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Mark { $($(#[$doc])* $mark,)* }

        /// What each mark means, in their order.
        pub(crate) const NAMES: &[&str] = &[$($name,)*];
    };
}

#[rustfmt::skip]
marks! {
    LateApproval            "late approval";
    LateApprovalAfterSent   "late approval after the reversal was sent";
    ReversalBeforeRequest   "0420 before its request";
    ReversalInFlight        "0420 while its request is in flight";
    ReversalAfterApproval   "0420 after the approval";
    PartialDispense         "partial dispense";
    ReportBeforeRequest     "0220 whose request never came";
    ReportInFlight          "0220 while its request is in flight";
    ReportAfterRefusal      "0220 after its request was refused";
    RequestAfterTombstone   "request refused because its reversal came first";
    RefusedByDeadline       "request not sent: its deadline passed while it waited for the disk";
    RefusedByState          "request not sent: decided while it waited for the disk";
    Unsent                  "request proved unsent";
    Undelivered             "answer proved undelivered";
    RepeatInFlight          "repeat while in flight";
    RepeatDecided           "repeat after the decision";
    OtherContent            "same key, other content";
    SecondAnswer            "host answered twice";
    StrangeAnswer           "answer to nothing we asked";
    RequestLingered         "request overtaken by its own reversal";
    NoOriginalBeforeGuard   "no such original, before the guard";
    NoOriginalByTombstone   "no such original, believed of a host with tombstones";
    NoOriginalByGuard       "no such original, believed behind the guard";
    DepositAdvised          "unknown deposit posted by advice";
    DepositDateMismatch     "deposit owed, and the host's day changed";
    DateChangedInFlight     "host date changed with requests in flight";
    HandedToAPerson         "owed message handed to a person";
    Withdrawn               "posting withdrawn before it left: taken back";
    UndoneWhenPosted        "taken back while it was being posted, and undone when it was";
    AlarmRaised             "people told that something is owed too long";
    Backlog                 "more than twenty messages owed at once";
    Flood                   "more than a thousand messages owed at once";
    Held                    "a person held what is owed";
    Released                "a person released what was held";
    Retried                 "a person had it tried at once";
    Settled                 "a person settled it";
    RulingRefused           "order refused: it may have arrived, and must not be sent twice";
    CrashWithSyncRunning    "crash between a record and its sync";
    CrashAfterSync          "crash between a sync and what it releases";
    CrashInRecovery         "crash inside recovery";
    CrashBeforeTailDurable  "crash inside recovery before the tail it found was durable";
    TornTailCut             "torn tail cut";
    UnackedBatchKept        "unacknowledged batch found again";
    InFlightAtRestart       "requests in flight at a restart";
    OwedAtRestart           "messages owed at a restart";
    DiskFailed              "disk failed";
    SnapshotFolded          "recovery began from a snapshot";
    Paused                  "process paused";
    Zombie                  "process resumed after the deadline of a request";
    MachineStoodStill       "machine stood still, and its clock with it";
    WallJumpedBack          "wall clock jumped back";
    WallJumpedAhead         "wall clock jumped ahead";
    ShedInquiry             "inquiry shed";
    ShedManagement          "management request shed";
    ShedPayment             "bill payment shed";
    ShedDeposit             "deposit shed";
    ShedWithdrawal          "withdrawal shed";
    TerminalBusy            "request refused: its terminal has one under way";
    RecoveryFirst           "request refused: after an unclean stop what is owed goes first";
    BreakerOpened           "breaker opened";
    BreakerRefused          "request refused by an open breaker";
    BreakerClosed           "breaker closed";
    LinkCutMidFlight        "link cut with messages under way";
    FrameCutInHalf          "frame cut in half";
    TransferOfOne           "transfer within one host told approved";
    TransferOfTwo           "transfer between two hosts told approved";
    DebitUnknown            "debit unanswered: given back, and nothing credited";
    NoWayToCredit           "debit approved, and its credit could not be sent";
    CreditUnsent            "debit approved, and its credit proved unsent";
    CreditRefused           "debit approved and credit refused: debit given back";
    CreditAdvised           "credit unanswered: owed as an advice";
    TakenBackInFlight       "transfer taken back while its credit is in flight";
    TransferUndone          "transfer taken back, and both legs undone in order";
    TransferStranded        "transfer between two hosts reported without its request";
    CrashBetweenLegs        "crash between the legs: the credit's record not durable";
    CrashWithCredit         "crash with a credit in flight";
    SignedOn                "sign-on of ours accepted";
    SignOnRefused           "sign-on of ours refused";
    SignOnUnanswered        "sign-on of ours unanswered";
    SignOnRetried           "sign-on tried again by itself";
    PeerSignedOn            "host signed on by itself";
    PeerSignedOff           "host signed off by itself";
    PeerMeetsDrain          "host signed on to a link that is drained by order";
    SignedOff               "sign-off of ours accepted";
    SignOffUnanswered       "sign-off of ours unanswered";
    WoundDown               "link closed when nothing was in flight any more";
    EchoMissed              "echo unanswered";
    GivenUp                 "link given up: echoes unanswered";
    OrderedOn               "a person ordered a sign-on";
    OrderedOff              "a person ordered a sign-off";
    OrderedDrain            "a person drained a link";
    OrderedReady            "a person brought a link back to business";
    OrderedOut              "a person took a link out of service";
    OrderedCutover          "a person asked a host to end its day";
    OrderAlready            "order refused: it is so already";
    OrderRefused            "order refused: it cannot be as things stand";
    TwoOrders               "two people gave orders about one link at once";
    TwoRulings              "two people ruled about one owed message at once";
    OutAtRestart            "link drained or out of service at a restart";
    LinkNotOpen             "request refused: its link is not signed on, drained or out of service";
    LeftBetweenSessions     "request not sent: its session was over before the disk had it";
    CutInTime               "host's day changed when it was due";
    CutEarly                "host's day changed before midnight";
    CutLate                 "host's day changed late, and behind the calendar";
    CutTwice                "change of day told twice";
    CutInBurst              "day changed with more than five requests in flight";
    CutInRecovery           "day changed while what was owed went first";
    CutBegun                "change of day begun by the first of two messages";
    CutEndAlone             "change of day ended, and nobody heard it begin";
    CutRefused              "day refused: it cannot be";
    CutPromised             "host promised to end its day when asked";
    CutOverdue              "people told that a change of day hangs";
    CutAgainAfterDeath      "host said its day again to a process that had died over it";
    CrashUnderADay          "crash while the end of a day waited for the disk";
    SettledElsewhere        "host settled on another day than was stamped, and said so";
    RecoveryWaits           "recovery waits for a person";
    RecoveryOrdered         "a person let recovery begin";
    Recovered               "host told of everything it is owed after an unclean stop";
    CodeVerified            "code verified";
    CodeOfPrevious          "code under the key before, inside its window";
    CodeOfRetired           "code under a key whose window is over: refused";
    WrongCodeOfHost         "wrong code of a host: taken for no answer";
    WrongCodeOfTerminal     "wrong code of a terminal: refused, and nothing recorded";
    KeyOnUse                "key came into force by being used";
    KeyChangedInFlight      "key changed with requests in flight";
    LeftUnderPrevious       "key changed while a code was being made under the one before";
    ModuleLost              "security module lost";
    ModuleSuspect           "security module suspect: silence or a fault of its own";
    ModuleDropped           "security module let alone for a while";
    AllModulesDown          "no security module left";
    EchoWithoutModules      "echo goes on without a security module";
    NoModule                "refused: no security module is well";
    ModuleRefuses           "refused: the module says that key or set-up are wrong";
    ModuleLate              "refused: no module answered in time";
    Withheld                "request withheld: its code could not be made";
    ErrandTooLate           "code made too late: its request does not leave";
    ErrandsLost             "crash with errands under way";
    TotalsBalanced          "totals of a day compared: the same on both sides";
    TotalsDiffered          "totals of a day compared: out of balance";
    TotalsNotThere          "host has no totals yet";
    TotalsRefused           "totals refused";
    TotalsSilent            "totals unanswered";
    TotalsRepeated          "totals told again";
    TotalsOverdue           "people told that nobody answers totals";
    TotalsTwice             "totals answered twice";
    TotalsGarbled           "figures of a host garbled, and called out of balance";
    TotalsNotBelieved       "host calls balanced what differs";
    TotalsOnceMore          "a person wanted totals compared once more";
    TotalsAskedEarly        "host asked for totals that were not there";
    PeerAskedTotals         "host asked for totals, and got them";
    PeerToldTotals          "host told its totals, and they were compared";
    LateResult              "result known after its day's totals were told";
    CutUnderTotals          "day ended while totals were under way";
    CrashUnderTotals        "crash between totals and their answer";
    ThroughTheCodec         "seeds whose messages went through dialects";
    Unwritable              "stranger's message that no dialect can write";
}

impl Mark {
    /// An order that was carried out.
    pub(crate) const fn of_order(order: LinkOrder) -> Option<Self> {
        match order {
            LinkOrder::SignOn => Some(Self::OrderedOn),
            LinkOrder::SignOff => Some(Self::OrderedOff),
            LinkOrder::Drain => Some(Self::OrderedDrain),
            LinkOrder::Ready => Some(Self::OrderedReady),
            LinkOrder::Maintain => Some(Self::OrderedOut),
            LinkOrder::AskCutover => Some(Self::OrderedCutover),
            LinkOrder::Echo => None,
        }
    }
}

/// How often each mark was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Marks(pub(crate) [u64; NAMES.len()]);

impl Marks {
    pub(crate) fn none() -> Self {
        Self([0; NAMES.len()])
    }

    pub(crate) fn hit(&mut self, mark: Mark) {
        self.0[mark as usize] += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, more)| *sum += more);
    }

    /// Those never seen.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        NAMES.iter().zip(self.0).filter(|(_, count)| *count == 0).map(|(name, _)| *name).collect()
    }
}

/// What the design wants seen and cannot happen here yet, and why.
pub const NOT_THERE: &[(&str, &str)] = &[
    ("permit refused by epoch", "one lane, one process: there are no epochs yet"),
    ("takeover with open permits", "one lane, one process"),
    (
        "commit unknown at the request's and at the decision's record",
        "the journal is a file: a sync returns or fails",
    ),
];
