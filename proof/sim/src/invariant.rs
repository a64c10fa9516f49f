//! What must always hold, by the numbers of the design, and who looks after it.

macro_rules! invariants {
    ($($name:ident $kind:ident $what:literal;)*) => {
        /// One thing that must hold.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Invariant { $(#[doc = $what] $name,)* }

        impl Invariant {
            /// Every one the simulator checks: number, whether money itself says so, meaning.
            pub const ALL: &[(Self, &str, bool, &str)] =
                &[$((Self::$name, stringify!($name), invariants!(@$kind), $what),)*];
        }
    };
    (@money) => { true };
    (@rule) => { false };
}

#[rustfmt::skip]
invariants! {
    I1   money "at rest, cash and books agree, or a person has been told, once";
    I2   money "no key is posted twice";
    I3   money "no key is reversed more often than posted";
    I4   money "what was dispensed and not taken back is never reversed";
    I5   rule  "a time-out and what it owes are one record, and one thing is owed";
    I6   rule  "nothing is owed without an original";
    I7   rule  "a reversal is of the original's amount, a partial one of less";
    I8   money "accounts and cassettes move by the same sum, but for what persons were told of";
    I9   rule  "attempts are numbered one by one, and only of what is owed";
    I10  rule  "one decision for each key";
    I11  rule  "no byte of a request before its record is durable";
    I12  rule  "no answer before its decision is durable, and none that says otherwise";
    I13  rule  "one request frame for each key, and for each leg of a transfer";
    I14  rule  "no byte of a request after its deadline";
    I15  rule  "an answer to what is decided changes nothing and is written down once";
    I16  rule  "what was never sent is never reversed";
    I17  rule  "what is being undone is not told as approved";
    I18  rule  "the same key with other content is refused and reaches no host";
    I19  rule  "a repeat gets the answer of the first";
    I20  rule  "a request whose reversal came first never reaches a host";
    I21  rule  "no such original ends a reversal only by tombstone or guard";
    I22  rule  "repeats of what is owed keep their original, one is out at a time, and no more than the window";
    I23  rule  "an attempt is durable before its bytes";
    I24  rule  "created = done + pending + handed over";
    I25  rule  "what is owed too long has been told to people";
    I26  rule  "what is due is sent: business never stops it, nor a link that is back";
    I27  rule  "a crash inside recovery changes nothing about its end";
    I28  rule  "what was acknowledged as durable is there after any crash";
    I29  rule  "the journal opens and folds after any crash";
    I30  rule  "after an unclean stop a host is told of everything owed to it before it gets anything new";
    I31  rule  "one business date for each key";
    I32  rule  "nothing is stamped with a day that is closed";
    I33  money "the totals of each day with each host are what its ledger says, but for what persons were told of, once";
    I34  rule  "a day moves forward, and once, however often it is told";
    I35  rule  "no deposit is owed to a host on another day";
    I36  rule  "what leaves was permitted in this life of the process, and leaves in a session: no other sends";
    I37  rule  "a link that nobody answers on for so many echoes, by our own clock, is given up, and nothing leaves on it";
    I38  rule  "an answer reaches only whoever asked";
    I39  rule  "no trace number stands for two open messages";
    I40  rule  "whatever dies, what was open is decided in time: at the restart, or at its deadline";
    I41  rule  "when faults stop, everything comes to an end, and nothing of it stays in memory";
    I42  rule  "what is in flight stays within its limits";
    I43  rule  "nothing panics";
    I44  rule  "a reversal or a report is always acknowledged";
    I45  rule  "no card number in anything told";
    Told rule  "totals are told when they stand durably, and each time word for word the same";
    Guard rule "what is guarded is heard and leaves with a right code under a key that may be used, and only then; no other is refused for its code";
    Link rule  "business leaves on a link in session and in service, as people ordered, and two orders are as one after another";
    Wire rule  "what honest parties say can be written and read in their dialects";
}

/// Those of the design this simulator does not check, and why. With one lane in one process the epoch of I36 is a life
/// of the process and a session of a link, the lease of I37 is what echoes say of that session, and what I40 says of
/// nodes holds of the process that dies and of its links.
pub const NOT_CHECKED: &[(&str, &str)] = &[];

impl Invariant {
    /// Its number.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Whether money alone says so, without looking at how the switch works.
    pub fn is_about_money(self) -> bool {
        Self::ALL[self as usize].2
    }

    /// What it says.
    pub fn meaning(self) -> &'static str {
        Self::ALL[self as usize].3
    }
}

/// An invariant that did not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub invariant: Invariant,
    /// What was seen.
    pub why: String,
    /// The transaction, by its number in the simulated world.
    pub op: Option<usize>,
    /// The moment, in microseconds of simulated time.
    pub at_us: u64,
}
