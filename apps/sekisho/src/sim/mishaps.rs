//! What goes wrong at simulated terminals by itself, now and then: lines that break and dispensers that jam.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use terms::Kind;

/// Mishaps of a street of terminals, counted over all of them, so that however short a day is they happen in it.
/// Without any they never do.
#[derive(Clone, Debug, Default)]
pub struct Mishaps(Option<Arc<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    withdrawals: AtomicU64,
    deposits: AtomicU64,
    paid_out: AtomicU64,
}

/// Every so manyeth withdrawal is asked on a line that breaks before the answer.
const WITHDRAWAL_CUT_OFF: u64 = 40;
/// The same of deposits, of which there are fewer.
const DEPOSIT_CUT_OFF: u64 = 12;
/// Every so manyeth time notes get stuck on their way out.
const JAM: u64 = 50;

impl Mishaps {
    /// Every now and then.
    pub fn now_and_then() -> Self {
        Self(Some(Arc::default()))
    }

    /// Whether the line breaks after this request, before its answer.
    pub fn cuts_off(&self, kind: Kind) -> bool {
        self.0.as_ref().is_some_and(|counts| match kind {
            Kind::Withdrawal => is_due(&counts.withdrawals, WITHDRAWAL_CUT_OFF),
            Kind::Deposit => is_due(&counts.deposits, DEPOSIT_CUT_OFF),
            _ => false,
        })
    }

    /// Whether some of the notes stay in the machine this time.
    pub fn jams(&self) -> bool {
        self.0.as_ref().is_some_and(|counts| is_due(&counts.paid_out, JAM))
    }
}

/// Counts one more. The first is due half-way, so that a short day has one too.
fn is_due(count: &AtomicU64, every: u64) -> bool {
    count.fetch_add(1, Ordering::Relaxed) % every == every / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mishaps_come_now_and_then_or_never() {
        let cut_off = |mishaps: &Mishaps, kind| (0..120).filter(|_| mishaps.cuts_off(kind)).count();
        let mishaps = Mishaps::now_and_then();
        assert_eq!((cut_off(&mishaps, Kind::Withdrawal), cut_off(&mishaps, Kind::Deposit)), (3, 10));
        assert_eq!(cut_off(&mishaps, Kind::BalanceInquiry), 0);
        assert_eq!((0..100).filter(|_| mishaps.jams()).count(), 2);
        let never = Mishaps::default();
        assert_eq!((cut_off(&never, Kind::Deposit), never.jams()), (0, false));
    }
}
