/// How many requests a one-request listener works on at once: the size of the process pool such gateways
/// used to have, kept by the same rules. Connections beyond it wait in line.
///
/// Every `check_ms` the requests served since the last check are divided by the size. Above `grow_above`, or
/// when somebody had to wait in line, the pool grows by `step`; below `shrink_below` for `idle_checks` checks
/// in a row it shrinks by `step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolRule {
    /// Never smaller.
    pub size_min: u32,
    /// At the start.
    pub size_initial: u32,
    /// Never larger.
    pub size_max: u32,
    /// Requests per place and check above which it is busy.
    pub grow_above: u32,
    /// Requests per place and check below which it is idle.
    pub shrink_below: u32,
    /// Places added or taken at once.
    pub step: u32,
    /// Idle checks in a row before places are taken.
    pub idle_checks: u32,
    /// Time between two checks.
    pub check_ms: u32,
    /// Connections that may wait in line; the next is refused.
    pub waiting_max: u32,
    /// Longest wait in line.
    pub waiting_timeout_ms: u32,
}

/// The size of a pool, and how long it has been idle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSize {
    /// Places.
    pub size: u32,
    /// Idle checks in a row up to now.
    pub idle_checks: u32,
}

impl Default for PoolRule {
    fn default() -> Self {
        Self {
            size_min: 16,
            size_initial: 64,
            size_max: 1_024,
            grow_above: 50,
            shrink_below: 1,
            step: 32,
            idle_checks: 3,
            check_ms: 5_000,
            waiting_max: 1_024,
            waiting_timeout_ms: 10_000,
        }
    }
}

impl PoolRule {
    /// The rule as it can be kept: the sizes in order and at least one, a step that moves.
    pub fn in_order(self) -> Self {
        let size_min = self.size_min.max(1);
        let size_max = self.size_max.max(size_min);
        Self {
            size_min,
            size_max,
            size_initial: self.size_initial.clamp(size_min, size_max),
            step: self.step.max(1),
            check_ms: self.check_ms.max(1),
            ..self
        }
    }

    /// The size at the start.
    pub fn start(self) -> PoolSize {
        PoolSize { size: self.size_initial, idle_checks: 0 }
    }

    /// The size after a check: `served` requests since the last one, `waited` whether any had to wait.
    pub fn check(self, now: PoolSize, served: u64, waited: bool) -> PoolSize {
        let places = u64::from(now.size);
        if waited || served > places * u64::from(self.grow_above) {
            let size = now.size.saturating_add(self.step).min(self.size_max);
            return PoolSize { size, idle_checks: 0 };
        }
        if served >= places * u64::from(self.shrink_below) {
            return PoolSize { idle_checks: 0, ..now };
        }
        if now.idle_checks + 1 < self.idle_checks {
            return PoolSize { idle_checks: now.idle_checks + 1, ..now };
        }
        let size = now.size.saturating_sub(self.step).max(self.size_min);
        PoolSize { size, idle_checks: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULE: PoolRule = PoolRule {
        size_min: 4,
        size_initial: 10,
        size_max: 20,
        grow_above: 5,
        shrink_below: 2,
        step: 6,
        idle_checks: 3,
        check_ms: 5_000,
        waiting_max: 8,
        waiting_timeout_ms: 1_000,
    };

    #[test]
    fn the_pool_grows_when_busy_and_shrinks_when_idle_for_long() {
        #[rustfmt::skip]
        let table = [
            // size idle   served waited    size idle   why
            ((10,   0),    50,    false,    (10,  0),   "exactly at the upper mark is not busy"),
            ((10,   0),    51,    false,    (16,  0),   "busy: one step more"),
            ((16,   0),   900,    false,    (20,  0),   "never above the maximum"),
            ((20,   0),   900,    true,     (20,  0),   "and not at it either"),
            ((10,   2),    51,    false,    (16,  0),   "being busy ends idleness"),
            ((10,   0),     0,    true,     (16,  0),   "somebody waited: slow answers make a pool busy too"),
            ((10,   0),    19,    false,    (10,  1),   "idle once"),
            ((10,   1),    19,    false,    (10,  2),   "idle twice"),
            ((10,   2),    19,    false,    ( 4,  0),   "idle for long: one step less"),
            ((10,   2),    20,    false,    (10,  0),   "exactly at the lower mark is not idle"),
            (( 4,   2),     0,    false,    ( 4,  0),   "never below the minimum"),
        ];
        for ((size, idle), served, waited, (size_after, idle_after), why) in table {
            let after = RULE.check(PoolSize { size, idle_checks: idle }, served, waited);
            assert_eq!(after, PoolSize { size: size_after, idle_checks: idle_after }, "{why}");
        }
    }

    proptest! {
        #[test]
        fn the_size_stays_between_its_ends_whatever_happens(
            checks in prop::collection::vec((0_u64..1_000, any::<bool>()), 0..50),
            size_min in 0_u32..10, size_max in 0_u32..30, size_initial in 0_u32..40, step in 0_u32..10,
        ) {
            let rule = PoolRule { size_min, size_max, size_initial, step, ..RULE }.in_order();
            let mut now = rule.start();
            for (served, waited) in checks {
                prop_assert!((rule.size_min..=rule.size_max).contains(&now.size) && now.size > 0);
                now = rule.check(now, served, waited);
            }
        }
    }
}
