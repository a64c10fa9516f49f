//! Who comes to simulated terminals, and what they want.

use super::luck::Luck;
use super::question::card;
use terms::{Amount, Kind, Pan};

/// What one customer wants.
#[derive(Clone, Debug)]
pub struct Customer {
    /// His card.
    pub card: Pan,
    /// What he wants.
    pub kind: Kind,
    /// How much of it; nothing where it is a question.
    pub amount: Amount,
}

/// What customers want, and how often in proportion: `withdrawal:70,balance_inquiry:20,deposit:10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix(Vec<(Kind, u64)>);

/// A crowd that customers come out of.
#[derive(Clone, Debug)]
pub struct Crowd {
    mix: Mix,
    /// First digits of their cards, by luck one of these.
    prefixes: Vec<String>,
    cards: u64,
    luck: Luck,
}

impl Default for Mix {
    fn default() -> Self {
        Self(vec![(Kind::Withdrawal, 70), (Kind::BalanceInquiry, 20), (Kind::Deposit, 10)])
    }
}

impl std::str::FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let part = |part: &str| {
            let (name, share) = part.split_once(':').unwrap_or((part, "1"));
            let kind = Kind::named(name).ok_or_else(|| format!("`{name}` is no kind of transaction"))?;
            let share = share.parse().map_err(|_| format!("`{share}` is no number"))?;
            Ok((kind, share))
        };
        let mix: Vec<(Kind, u64)> = text.split(',').map(part).collect::<Result<_, String>>()?;
        if mix.iter().all(|(_, share)| *share == 0) {
            Err("nobody wants anything".into())
        } else {
            Ok(Self(mix))
        }
    }
}

impl Mix {
    /// The usual, and some who send money to an account that may be another host's.
    pub fn with_transfers() -> Self {
        let Self(mut mix) = Self::default();
        mix.push((Kind::Transfer, 15));
        Self(mix)
    }

    fn draw(&self, luck: &mut Luck) -> Kind {
        let mut left = luck.below(self.0.iter().map(|(_, share)| share).sum());
        for &(kind, share) in &self.0 {
            if left < share {
                return kind;
            }
            left -= share;
        }
        self.0[0].0
    }
}

impl Crowd {
    /// People with so many different cards under each of these first digits.
    pub fn new(mix: Mix, prefixes: Vec<String>, cards: u64, luck: Luck) -> Self {
        Self { mix, prefixes, cards, luck }
    }

    /// The next one.
    pub fn next_customer(&mut self) -> Customer {
        let kind = self.mix.draw(&mut self.luck);
        let prefix = self.luck.pick(&self.prefixes).clone();
        let card = card(&prefix, self.luck.below(self.cards.max(1)));
        // Machines pay out notes of a thousand.
        let amount = if is_question(kind) { 0 } else { self.luck.between(1, 50) * 1_000 };
        Customer { card, kind, amount: Amount::minor(amount) }
    }
}

/// Whether there is no amount to it.
fn is_question(kind: Kind) -> bool {
    !kind.moves_money() || matches!(kind, Kind::PinChange | Kind::CardActivation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_is_kept_in_proportion() {
        let mix: Mix = "withdrawal:70,balance_inquiry:20,deposit:10".parse().expect("a mix");
        assert_eq!(mix, Mix::default());
        let mut luck = Luck::seeded(1);
        let withdrawals = (0..10_000).filter(|_| mix.draw(&mut luck) == Kind::Withdrawal).count();
        assert!((6_800..7_200).contains(&withdrawals), "{withdrawals}");
    }

    #[test]
    fn a_mix_that_makes_no_sense_is_refused() {
        for text in ["theft:1", "withdrawal:x", "withdrawal:0", ""] {
            assert!(text.parse::<Mix>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_same_seed_sends_the_same_people() {
        let crowd = || Crowd::new(Mix::default(), vec!["4".into(), "5".into()], 100, Luck::seeded(7));
        let (mut one, mut other) = (crowd(), crowd());
        for _ in 0..100 {
            let (a, b) = (one.next_customer(), other.next_customer());
            assert_eq!((a.card, a.kind, a.amount), (b.card, b.kind, b.amount));
        }
    }
}
