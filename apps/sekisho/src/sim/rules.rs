//! What a simulated host answers, as data: rules by card, kind and amount. The first that fits decides.

use super::ledger::Promises;
use super::luck::Luck;
use serde::Deserialize;
use terms::{Class, Code, Function, Kind, Outcome, Txn};

/// The rules of one host, as a person writes them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The code of what no rule names; `approved` when nothing is said.
    #[serde(default)]
    pub otherwise: CodeName,
    /// Least time an answer takes.
    #[serde(default)]
    pub delay_us: u64,
    /// Up to so much more, by luck.
    #[serde(default)]
    pub jitter_us: u64,
    /// What each card has at the beginning; without it nobody counts and everybody has enough.
    pub opening_balance: Option<u64>,
    /// In order.
    #[serde(default)]
    pub rule: Vec<Rule>,
    /// Things that go wrong every so many requests, besides the rules.
    #[serde(default)]
    pub every: Every,
    /// What the host promises about reversals and advices.
    #[serde(default)]
    pub promises: Promises,
}

/// One rule: all that it names must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// First digits of the card.
    #[serde(default)]
    pub prefix: String,
    /// What is wanted.
    pub kind: Option<KindName>,
    /// Least amount in minor units.
    pub amount_from: Option<u64>,
    /// Greatest amount in minor units.
    pub amount_to: Option<u64>,
    /// How many in a hundred of those that fit, by luck; without it all.
    pub percent: Option<u8>,
    /// What is answered; without it as if the rule were not there.
    pub code: Option<CodeName>,
    /// How long that takes, in place of the host's own.
    pub delay_us: Option<u64>,
    /// How it is answered.
    #[serde(default)]
    pub manner: Manner,
}

/// Counts after which something goes wrong; 0 is never.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Every {
    /// Nothing is said, although it was done.
    pub silent: u64,
    /// What is said cannot be read.
    pub garbage: u64,
    /// The connection is cut instead.
    pub cut: u64,
    /// It is said twice.
    pub twice: u64,
}

/// How a host answers.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Manner {
    /// In good order.
    #[default]
    Answer,
    /// Done, and nothing said.
    Silent,
    /// Neither done nor said: the request is lost on the host's side.
    Deaf,
    /// Done, and something said that cannot be read.
    Garbage,
    /// Done, and the connection cut.
    Cut,
    /// Done, and said twice.
    Twice,
}

/// What a host does with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deed {
    /// What it says.
    pub code: Code,
    /// How long it takes.
    pub delay_us: u64,
    /// How it says it.
    pub manner: Manner,
}

/// A [`Code`] by its name.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct CodeName(pub Code);

/// A [`Kind`] by its name.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct KindName(pub Kind);

impl Rules {
    /// Reads a rules file.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// What to do with the `count`th request (from 1). Looks at nothing but its arguments.
    pub fn decide(&self, request: &Txn, count: u64, luck: &mut Luck) -> Deed {
        let own_delay_us = self.delay_us + luck.below(self.jitter_us.saturating_add(1));
        if !is_business(request) {
            return Deed { code: Code::Approved, delay_us: own_delay_us, manner: Manner::Answer };
        }
        if is_owed(request) {
            // It has happened, so no rule can refuse it; what goes wrong may still go wrong.
            let manner = self.every.manner(count).unwrap_or_default();
            return Deed { code: Code::Approved, delay_us: own_delay_us, manner };
        }
        let rule = self.rule.iter().find(|rule| rule.fits(request, luck));
        let manner = self.every.manner(count).or(rule.map(|rule| rule.manner)).unwrap_or_default();
        Deed {
            code: rule.and_then(|rule| rule.code).unwrap_or(self.otherwise).0,
            delay_us: rule.and_then(|rule| rule.delay_us).unwrap_or(own_delay_us),
            manner,
        }
    }
}

/// Management messages are answered whatever the rules say.
fn is_business(request: &Txn) -> bool {
    matches!(request.message.class, Class::Authorization | Class::Financial | Class::Reversal)
}

/// Whether it is a reversal or an advice.
pub fn is_owed(request: &Txn) -> bool {
    request.message.class == Class::Reversal || request.message.function == Function::Advice
}

impl Rule {
    fn fits(&self, request: &Txn, luck: &mut Luck) -> bool {
        let amount = request.amount.minor_units();
        request.pan.starts_with(self.prefix.as_bytes())
            && self.kind.is_none_or(|kind| kind.0 == request.kind)
            && self.amount_from.is_none_or(|from| amount >= from)
            && self.amount_to.is_none_or(|to| amount <= to)
            && self.percent.is_none_or(|percent| luck.percent(percent))
    }
}

impl Every {
    fn manner(self, count: u64) -> Option<Manner> {
        let table = [
            (self.cut, Manner::Cut),
            (self.silent, Manner::Silent),
            (self.garbage, Manner::Garbage),
            (self.twice, Manner::Twice),
        ];
        table
            .into_iter()
            .find(|&(every, _)| every > 0 && count.is_multiple_of(every))
            .map(|(_, manner)| manner)
    }
}

impl Default for CodeName {
    fn default() -> Self {
        Self(Code::Approved)
    }
}

impl TryFrom<String> for CodeName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Code::named(&name).map(Self).ok_or_else(|| format!("`{name}` is no code"))
    }
}

impl std::str::FromStr for CodeName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::try_from(name.to_owned())
    }
}

impl TryFrom<String> for KindName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        Kind::named(&name).map(Self).ok_or_else(|| format!("`{name}` is no kind of transaction"))
    }
}

/// Whether this code says that the money moved.
pub fn posts(code: Code) -> bool {
    code.outcome() == Outcome::Approved
}

#[cfg(test)]
mod tests {
    use super::super::question::{Place, card, question};
    use super::*;
    use terms::{Amount, MessageType};

    const RULES: &str = r#"
        otherwise = "approved"
        delay_us = 10

        [[rule]]
        prefix = "4999"
        code = "stolen_card"

        [[rule]]
        kind = "withdrawal"
        amount_from = 100_001
        code = "over_amount_limit"
        delay_us = 3_000_000

        [[rule]]
        prefix = "5"
        amount_to = 99
        manner = "silent"

        [[rule]]
        prefix = "6"
        manner = "cut"
        code = "do_not_honour"
    "#;

    fn asked(prefix: &str, kind: Kind, amount: u64) -> Txn {
        question(kind, &card(prefix, 1), Amount::minor(amount), &Place::numbered("ATM", 1))
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = Rules::parse(RULES).expect("good rules");
        #[rustfmt::skip]
        let table = [
            // prefix  kind               amount   code                  delay_us   manner
            ("4111", Kind::Withdrawal,     1_000, Code::Approved,              10, Manner::Answer),
            ("4999", Kind::Withdrawal,     1_000, Code::StolenCard,            10, Manner::Answer),
            ("4999", Kind::Withdrawal,   500_000, Code::StolenCard,            10, Manner::Answer),
            ("4111", Kind::Withdrawal,   100_000, Code::Approved,              10, Manner::Answer),
            ("4111", Kind::Withdrawal,   100_001, Code::OverAmountLimit, 3_000_000, Manner::Answer),
            ("4111", Kind::Deposit,      100_001, Code::Approved,              10, Manner::Answer),
            ("5555", Kind::BalanceInquiry,     0, Code::Approved,              10, Manner::Silent),
            ("5555", Kind::Withdrawal,       100, Code::Approved,              10, Manner::Answer),
            ("6228", Kind::Deposit,            1, Code::DoNotHonour,           10, Manner::Cut),
        ];
        for (prefix, kind, amount, code, delay_us, manner) in table {
            let deed = rules.decide(&asked(prefix, kind, amount), 1, &mut Luck::seeded(1));
            assert_eq!(deed, Deed { code, delay_us, manner }, "{prefix} {kind} {amount}");
        }
    }

    #[test]
    fn things_go_wrong_every_so_many_requests() {
        let rules = Rules { every: Every { silent: 2, garbage: 3, cut: 5, twice: 7 }, ..Rules::default() };
        let manner =
            |count| rules.decide(&asked("4111", Kind::Deposit, 1), count, &mut Luck::seeded(1)).manner;
        let seen: Vec<Manner> = [1, 2, 3, 5, 6, 7, 10].map(manner).to_vec();
        use Manner::{Answer, Cut, Garbage, Silent, Twice};
        assert_eq!(seen, [Answer, Silent, Garbage, Cut, Silent, Twice, Cut]);
    }

    #[test]
    fn a_percentage_is_kept_by_luck_and_the_same_seed_keeps_it_the_same() {
        let rules = Rules::parse("[[rule]]\npercent = 5\ncode = \"wrong_pin\"").expect("good rules");
        let refused = |seed| {
            let mut luck = Luck::seeded(seed);
            let codes = (0..10_000).map(|_| rules.decide(&asked("4", Kind::Deposit, 1), 1, &mut luck).code);
            codes.filter(|code| *code == Code::WrongPin).count()
        };
        assert!((400..600).contains(&refused(7)), "{}", refused(7));
        assert_eq!(refused(7), refused(7));
    }

    #[test]
    fn management_messages_are_answered_whatever_the_rules_say() {
        let rules =
            Rules::parse("otherwise = \"do_not_honour\"\nevery = { silent = 1 }").expect("good rules");
        let echo = Txn::new(MessageType::from_digits([8, 0, 0]).expect("0800"));
        let deed = rules.decide(&echo, 1, &mut Luck::seeded(1));
        assert_eq!((deed.code, deed.manner), (Code::Approved, Manner::Answer));
    }

    #[test]
    fn a_rule_that_makes_no_sense_is_refused_in_words() {
        for (text, wanted) in [
            ("otherwise = \"aproved\"", "`aproved` is no code"),
            ("[[rule]]\nkind = \"theft\"", "`theft` is no kind of transaction"),
            ("[[rule]]\nprefx = \"4\"", "unknown field `prefx`"),
        ] {
            let said = Rules::parse(text).expect_err("no rules").to_string();
            assert!(said.contains(wanted), "{said}");
        }
    }
}
