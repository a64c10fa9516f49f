//! Wrong rules, each worked into the simulator around an unchanged lane, and each to be found out.

macro_rules! mutants {
    ($($mutant:ident $name:literal $what:literal;)*) => {
        /// One wrong rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutant { $(#[doc = $what] $mutant,)* }

        impl Mutant {
            /// Every one, with its name and what is wrong with it.
            pub const ALL: &[(Self, &str, &str)] = &[$((Self::$mutant, $name, $what),)*];
        }
    };
}

#[rustfmt::skip]
mutants! {
    SpeaksFirst    "m1"  "A request leaves before its record is durable.";
    LateFlips      "m2"  "A late approval flips the decision of silence.";
    TellsFirst     "m3"  "An answer leaves before its decision is durable.";
    OwesLater      "m4"  "What a time-out owes is written by a second sync.";
    AsksAgain      "m5"  "A restart sends open requests again.";
    IgnoresFlight  "m6"  "A reversal is acknowledged and ignored while its request is in flight.";
    Believes       "m7"  "No such original is believed of a host without tombstones.";
    DoublesFrames  "m9"  "What carries requests to the host delivers some twice.";
    GuardsArrival  "m10" "The guard is judged by when no such original arrives, not by when it was asked.";
    RepostsLate    "d2x" "A deposit cancelled is posted again when its report comes.";
    AnswersOnly    "d3"  "A report whose request exists is acknowledged and nothing more.";
}

impl Mutant {
    /// The one of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == name || (name == "d4" && *known == "d3")).map(|m| m.0)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(mutant, ..)| *mutant == self).map_or("", |m| m.1)
    }
}
