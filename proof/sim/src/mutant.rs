//! Wrong rules, each worked into the simulator around an unchanged lane, and each to be found out: those of the
//! design, which are what switches written by hand often do, and those that show of each invariant that it can
//! fail.

use crate::invariant::Invariant::{self, *};

macro_rules! mutants {
    ($($mutant:ident $name:literal $breaks:expr, $what:literal;)*) => {
        /// One wrong rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutant { $(#[doc = $what] $mutant,)* }

        impl Mutant {
            /// Every one, with its name, what it breaks, and what is wrong with it. Those of the design first.
            pub const ALL: &[(Self, &str, &[Invariant], &str)] =
                &[$((Self::$mutant, $name, &$breaks, $what),)*];
        }
    };
}

#[rustfmt::skip]
mutants! {
    SpeaksFirst    "m1"  [I11], "A request leaves before its record is durable.";
    LateFlips      "m2"  [I17, I19], "A late approval flips the decision of silence.";
    TellsFirst     "m3"  [I12], "An answer leaves before its decision is durable.";
    OwesLater      "m4"  [I5], "What a time-out owes is written by a second sync.";
    AsksAgain      "m5"  [I13], "A restart sends open requests again.";
    IgnoresFlight  "m6"  [I1], "A reversal is acknowledged and ignored while its request is in flight.";
    Believes       "m7"  [I21], "No such original is believed of a host without tombstones.";
    DoublesFrames  "m9"  [I13], "What carries requests to the host delivers some twice.";
    GuardsArrival  "m10" [I21], "The guard is judged by when no such original arrives, not by when it was asked.";
    RepostsLate    "d2x" [I1, I2], "A deposit cancelled is posted again when its report comes.";
    AnswersKnown   "d3"  [I1], "A report whose request is decided is acknowledged and nothing more.";
    AnswersFlight  "d4"  [I1], "A report whose request is in flight is acknowledged and nothing more.";

    Trusts         "trusts"      [I3],  "A host that does not know repeats is taken for one that does.";
    Doubts         "doubts"      [I4],  "An answer that was handed over is taken for one that reached nobody.";
    Miscounts      "miscounts"   [I7],  "What remains of a partial reversal is more than was asked for.";
    LeavesLate     "leaves-late" [I14, I23], "A request leaves when its record is durable, however late.";
    Unseen         "unseen"      [I15], "A late answer is written down nowhere.";
    Changes        "changes"     [I18], "A request is sent with another amount than was recorded.";
    Embroiders     "embroiders"  [I19], "A repeat is told another approval code.";
    Digs           "digs"        [I20], "A request is sent although its reversal came first.";
    Insists        "insists"     [I22], "What is owed is sent twice for one attempt.";
    Hastens        "hastens"     [I23], "What is owed leaves before its attempt is durable.";
    Loses          "loses"       [I24], "That a debt is paid is not written down.";
    Hushes         "hushes"      [I25], "Nobody is told of what is owed too long.";
    Sleeps         "sleeps"      [I26, I41], "The lane is not told that a link is back.";
    Wavers         "wavers"      [I27], "A second recovery remembers less than the first.";
    Lies           "lies"        [I28], "The disk calls durable what it has not written.";
    Garbles        "garbles"     [I29], "The disk changes a byte of what it has written.";
    Rushes         "rushes"      [I30], "After an unclean stop business begins at once.";
    Dates          "dates"       [I32, I35], "The lane is not told that the host's day changes.";
    Crosses        "crosses"     [I38], "An answer goes to the next terminal.";
    Stops          "stops"       [I41], "Nobody looks at the clock when the faults are over.";
    Floods         "floods"      [I42], "The limits of what is in flight are not observed.";
    Panics         "panics"      [I43], "A message without a trace number panics.";
    Shuns          "shuns"       [I44], "Reversals are refused under load.";
    Shows          "shows"       [I45], "A card number is told to people.";
    Outruns        "outruns"     [I11], "The credit of a transfer is sent before its debit is known.";
    Keeps          "keeps"       [I1, I33],  "The debit of a transfer is kept when its credit is refused.";
    Anew           "anew"        [I2],  "A credit nobody answered is advised without naming its request.";
    Backdates      "backdates"   [I31, I32], "A request is stamped with the day that was closed.";
    Doubles        "doubles"     [I34], "What a host says twice about its day moves it twice.";
    Overlooks      "overlooks"   [I33], "The totals do not hear that an advice was accepted late.";
    Anticipates    "anticipates" [I32, Told], "A host hears that its day is changed before that is durable.";
    Straggles      "straggles"   [I35], "A deposit is advised although the host's day has moved.";
    Ajar           "ajar"        [I30, I41], "The gate opens with one message left.";
    Hurries        "hurries"     [I30], "A recovery that is to wait for a person does not.";
    Unlocks        "unlocks"     [Link], "A restart loses that a person drained a link, or took it out of service.";
    Barges         "barges"      [Link, I36], "Business is sent on a link whose host has signed off.";
    Outlives       "outlives"    [I36], "A request permitted in one life of the process is sent in the next.";
    Clings         "clings"      [I37], "A link on which nobody answers echoes is not given up.";
    Abandons       "abandons"    [I40], "A restart leaves a request it found open undecided.";
    Thaws          "thaws"       [Told], "That the totals of a day stand is not written down.";
    Redraws        "redraws"     [Told], "Totals told again count what was asked since as well.";
    Nets           "nets"        [I33], "What was undone is left out of the totals told.";
    Gullible       "gullible"    [I33], "A host that calls balanced what differs is believed.";
    Mutes          "mutes"       [I41], "Totals that nobody answered are not told again.";
    Recounts       "recounts"    [I33], "A recovery counts again what a snapshot has counted.";
    Reopens        "reopens"     [I33, Told], "A snapshot forgets that the totals of a day stand.";
    Credulous      "credulous"   [Guard], "A host's answer with a wrong code is believed.";
    Nostalgic      "nostalgic"   [Guard], "A key whose window is over is still taken.";
    Touchy         "touchy"      [Guard], "A message under the key before is refused inside its window.";
    Impatient      "impatient"   [Guard], "A request leaves before a module has made its code.";
    Overstays      "overstays"   [I14], "A request leaves when its code is made, however late.";
    Mumbles        "mumbles"     [Wire], "A dialect cannot write what it has to.";
}

impl Mutant {
    /// How many of them the design names.
    pub const OF_THE_DESIGN: usize = 12;

    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, ..)| *known == name).map(|m| m.0)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}
