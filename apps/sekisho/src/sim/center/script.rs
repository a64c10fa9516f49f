//! What a simulated card centre does, as data.

use crate::sim::ledger::Promises;
use crate::sim::rules::{CodeName, Manner, Rules};
use serde::Deserialize;
use std::net::SocketAddr;
use terms::{BusinessDate, Code};

/// A card centre, as a person writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CenterToml {
    /// What it speaks.
    #[serde(default = "CenterToml::dialect")]
    pub dialect: String,
    /// How frames are told apart; without it as the dialect suggests.
    pub framing: Option<String>,
    /// Where it is called, or called back.
    pub listen: SocketAddr,
    /// Where it calls first; without it the switch calls.
    pub calls: Option<SocketAddr>,
    /// Connections of its own to there.
    #[serde(default = "CenterToml::call_count")]
    pub call_count: u16,
    /// From one attempt to call to the next.
    #[serde(default = "CenterToml::call_again_ms")]
    pub call_again_ms: u32,
    /// Its business day at first, `YYYY-MM-DD`; without it the local date.
    pub business_date: Option<DayText>,
    /// Whether business is refused until somebody signed on.
    #[serde(default = "CenterToml::needs_sign_on")]
    pub needs_sign_on: bool,
    /// Same seed, same luck.
    #[serde(default)]
    pub seed: u64,
    /// How a sign-on is answered.
    #[serde(default)]
    pub sign_on: Reaction,
    /// How a sign-off is answered.
    #[serde(default)]
    pub sign_off: Reaction,
    /// How an echo is answered.
    #[serde(default)]
    pub echo: Reaction,
    /// How a wish for cutover is answered, and whether it is followed.
    #[serde(default)]
    pub cutover: CutoverToml,
    /// How totals are compared.
    #[serde(default)]
    pub totals: super::totals::TotalsToml,
    /// How business is answered.
    #[serde(default)]
    pub business: Rules,
    /// What it does of its own accord, one after the other.
    #[serde(default)]
    pub step: Vec<StepToml>,
}

impl CenterToml {
    fn dialect() -> String {
        "card-center".into()
    }

    const fn call_count() -> u16 {
        1
    }

    const fn call_again_ms() -> u32 {
        1_000
    }

    const fn needs_sign_on() -> bool {
        true
    }

    /// Reads a script.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        let mut script: Self = toml::from_str(text)?;
        // A centre keeps what it promised: nothing of it is owed twice.
        if script.business.promises == Promises::default() {
            script.business.promises.tombstones = true;
        }
        Ok(script)
    }
}

/// How it answers one sort of network message.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Reaction {
    /// In which manner: `answer`, `silent`, `garbage`, `cut`, `twice`.
    pub manner: Manner,
    /// With which code.
    pub code: CodeName,
    /// After how long.
    pub delay_ms: u64,
    /// So many times; then it answers as anybody would. 0 for always.
    pub times: u32,
}

impl Reaction {
    /// The reaction to one message, and the reaction to the next.
    #[must_use]
    pub fn taken(self) -> (Self, Self) {
        match self.times {
            0 => (self, self),
            1 => (self, Self::default()),
            times => (self, Self { times: times - 1, ..self }),
        }
    }

    /// Whether it says yes.
    pub fn accepts(self) -> bool {
        self.code.0.outcome() == Code::Approved.outcome()
    }
}

/// What a wish for cutover leads to.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct CutoverToml {
    /// How the wish is answered.
    pub answer: Reaction,
    /// Whether the day is changed after a wish that was accepted.
    pub follow: bool,
    /// How long after.
    pub after_ms: u64,
    /// Where the dialect changes the day in two messages: from the first to the second.
    pub between_ms: u64,
}

impl Default for CutoverToml {
    /// Accepted, and followed at once.
    fn default() -> Self {
        Self { answer: Reaction::default(), follow: true, after_ms: 50, between_ms: 50 }
    }
}

/// `[[step]]`
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct StepToml {
    /// How long after the step before it.
    pub after_ms: u64,
    /// What it does.
    #[serde(rename = "do")]
    pub deed: Deed,
}

/// What a centre does of its own accord. The same words may be typed while it runs.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Signs on.
    SignOn,
    /// Signs off.
    SignOff,
    /// Asks for an echo.
    Echo,
    /// Changes the day.
    Cutover,
    /// Says again what it said at the last change of the day.
    CutoverAgain,
    /// Says that the day is another than the next.
    CutoverWrong,
    /// Asks for the totals of the day that ended last, and says its own.
    Totals,
    /// Asks for them, and says nothing of its own.
    TotalsBlank,
    /// Breaks one connection.
    DropOne,
    /// Breaks every connection.
    DropAll,
    /// Says nothing from now on.
    Silent,
    /// Speaks again.
    Speak,
    /// Says something nobody can read.
    Malformed,
}

impl Deed {
    /// Every one.
    pub const ALL: [Self; 13] = [
        Self::SignOn,
        Self::SignOff,
        Self::Echo,
        Self::Cutover,
        Self::CutoverAgain,
        Self::CutoverWrong,
        Self::Totals,
        Self::TotalsBlank,
        Self::DropOne,
        Self::DropAll,
        Self::Silent,
        Self::Speak,
        Self::Malformed,
    ];

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignOn => "sign-on",
            Self::SignOff => "sign-off",
            Self::Echo => "echo",
            Self::Cutover => "cutover",
            Self::CutoverAgain => "cutover-again",
            Self::CutoverWrong => "cutover-wrong",
            Self::Totals => "totals",
            Self::TotalsBlank => "totals-blank",
            Self::DropOne => "drop-one",
            Self::DropAll => "drop-all",
            Self::Silent => "silent",
            Self::Speak => "speak",
            Self::Malformed => "malformed",
        }
    }

    /// The one of that word.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.name() == name)
    }
}

/// A day as people write it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct DayText(pub BusinessDate);

impl TryFrom<String> for DayText {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut parts = text.split('-');
        let mut number = || parts.next().and_then(|part| part.parse::<u16>().ok());
        let day = || {
            let (year, month, day) = (number()?, number()?, number()?);
            BusinessDate::new(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
        };
        let mut day = day;
        day().map(Self).ok_or_else(|| format!("`{text}` is no day such as 2026-11-22"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_deed_is_written_as_it_is_typed() {
        for deed in Deed::ALL {
            let text = format!("listen = \"127.0.0.1:0\"\n[[step]]\nafter_ms = 1\ndo = \"{}\"", deed.name());
            assert_eq!(CenterToml::parse(&text).expect("a script").step[0].deed, deed);
            assert_eq!(Deed::named(deed.name()), Some(deed));
        }
    }

    #[test]
    fn a_reaction_wears_off_when_it_is_told_to() {
        let reaction = Reaction { manner: Manner::Silent, times: 2, ..Reaction::default() };
        let (first, next) = reaction.taken();
        let (second, after) = next.taken();
        assert_eq!(
            [first.manner, second.manner, after.manner],
            [Manner::Silent, Manner::Silent, Manner::Answer]
        );
    }

    #[test]
    fn a_script_says_what_is_wrong_with_it() {
        for (text, said) in [
            ("", "missing field `listen`"),
            ("listen = \"127.0.0.1:0\"\nbusiness_date = \"tomorrow\"", "no day such as"),
            ("listen = \"127.0.0.1:0\"\n[[step]]\nafter_ms = 1\ndo = \"dance\"", "unknown variant `dance`"),
        ] {
            let error = CenterToml::parse(text).expect_err("wrong").to_string();
            assert!(error.contains(said), "{error}");
        }
        let day =
            CenterToml::parse("listen = \"127.0.0.1:0\"\nbusiness_date = \"2026-11-22\"").expect("good");
        assert_eq!(day.business_date.map(|day| day.0), BusinessDate::new(2026, 11, 22));
    }

    #[test]
    fn the_script_that_ships_is_one() {
        let script = CenterToml::parse(include_str!("../../../../../deploy/center-sim.toml")).expect("good");
        assert!(script.calls.is_some(), "it calls first");
    }
}
