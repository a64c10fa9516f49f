//! The cash in simulated terminals: always enough, until somebody says otherwise.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use terms::Amount;

/// The smallest note there is.
const NOTE: u64 = 1_000;

/// What a street of terminals has to pay out, shared with whoever changes it.
#[derive(Clone, Debug, Default)]
pub struct Cash(Arc<Mutex<Short>>);

#[derive(Debug, Default)]
struct Short {
    everywhere: bool,
    at: BTreeSet<usize>,
}

impl Cash {
    /// From now on the terminal of that number, or every one, has too little for anybody.
    pub fn run_short(&self, terminal: Option<usize>) {
        self.with(|short| match terminal {
            Some(number) => drop(short.at.insert(number)),
            None => short.everywhere = true,
        });
    }

    /// Everybody has enough again.
    pub fn refill(&self) {
        self.with(|short| *short = Short::default());
    }

    /// What that terminal pays out when it is asked for so much: half of the notes where it has too little,
    /// which may be none.
    pub fn pay_out(&self, terminal: usize, amount: Amount) -> Amount {
        let is_short = self.with(|short| short.everywhere || short.at.contains(&terminal));
        match is_short {
            true => Self::half(amount),
            false => amount,
        }
    }

    /// Half of the notes, which may be none.
    pub fn half(amount: Amount) -> Amount {
        Amount::minor(amount.minor_units() / NOTE / 2 * NOTE)
    }

    fn with<R>(&self, act: impl FnOnce(&mut Short) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_that_has_too_little_pays_out_half_the_notes() {
        let cash = Cash::default();
        let paid = |terminal, amount| cash.pay_out(terminal, Amount::minor(amount)).minor_units();
        assert_eq!(paid(1, 5_000), 5_000);
        cash.run_short(Some(1));
        assert_eq!((paid(1, 5_000), paid(1, 1_000), paid(2, 5_000)), (2_000, 0, 5_000));
        cash.run_short(None);
        assert_eq!(paid(2, 4_000), 2_000);
        cash.refill();
        assert_eq!(paid(1, 5_000), 5_000);
    }
}
