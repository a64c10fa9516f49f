use terms::Timestamp;

/// How many lines a second peers can make us log: a flood of bad messages must fill neither the disk nor the
/// log that a person reads during it. What is left out is counted and said.
#[derive(Default)]
pub(crate) struct LogBudget {
    second: i64,
    lines: u32,
    left_out: u64,
}

impl LogBudget {
    const LINES_PER_SECOND: u32 = 20;

    /// Whether one more line may be logged now.
    pub(crate) fn allows(&mut self, now: Timestamp) -> bool {
        let second = now.as_unix_ms().div_euclid(1_000);
        if second != self.second {
            if self.left_out > 0 {
                tracing::warn!(lines = self.left_out, "log lines about peers left out");
            }
            *self = Self { second, ..Self::default() };
        }
        let allowed = self.lines < Self::LINES_PER_SECOND;
        if allowed {
            self.lines += 1;
        } else {
            self.left_out += 1;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_logs_twenty_lines_a_second_and_then_goes_on() {
        let mut budget = LogBudget::default();
        let count = |budget: &mut LogBudget, ms| {
            (0..1_000).filter(|_| budget.allows(Timestamp::from_unix_ms(ms))).count()
        };
        assert_eq!(count(&mut budget, 5_000), 20);
        assert_eq!(count(&mut budget, 5_999), 0);
        assert_eq!(count(&mut budget, 6_000), 20);
    }
}
