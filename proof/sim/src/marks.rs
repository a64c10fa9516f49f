//! What must have happened at least once, or the seeds were too tame to prove anything.

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
    ReportBeforeRequest     "0220 whose request never came";
    ReportInFlight          "0220 while its request is in flight";
    ReportAfterRefusal      "0220 after its request was refused";
    RequestAfterTombstone   "request refused because its reversal came first";
    Unsent                  "request proved unsent";
    Undelivered             "answer proved undelivered";
    RepeatInFlight          "repeat while in flight";
    RepeatDecided           "repeat after the decision";
    OtherContent            "same key, other content";
    SecondAnswer            "host answered twice";
    StrangeAnswer           "answer to nothing we asked";
    NoOriginalBeforeGuard   "no such original, before the guard";
    NoOriginalBelieved      "no such original, believed";
    DepositAdvised          "unknown deposit posted by advice";
    DepositDateMismatch     "deposit owed, and the host's day changed";
    DateChangedInFlight     "host date changed with requests in flight";
    PartialDispense         "partial dispense";
    HandedToAPerson         "owed message handed to a person";
    Ruled                   "a person ruled";
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
    WallJumpedBack          "wall clock jumped back";
    WallJumpedAhead         "wall clock jumped ahead";
    Shed                    "request shed";
    BreakerOpened           "breaker opened";
    LinkCutMidFlight        "link cut with messages under way";
    RequestLingered         "request overtaken by its own reversal";
    ThroughTheCodec         "seeds whose messages went through dialects";
    Backlog                 "more than twenty messages owed at once";
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
