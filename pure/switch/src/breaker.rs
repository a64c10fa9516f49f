use crate::BreakerConfig;
use terms::Instant;

/// Stops asking a host that does not answer, so that its silence costs one time-out and not thousands.
///
/// ```text
///            too many unanswered                  probe_after_ms passed
///   closed ───────────────────────▶ open ────────────────────────────────▶ probing
///     ▲                              ▲                                        │
///     │ the one answered             │ the one was not answered               │ one request may try
///     └──────────────────────────────┴────────────────────────────────────────┘
/// ```
#[derive(Clone, Debug)]
pub struct Breaker {
    config: BreakerConfig,
    state: BreakerState,
    answered: u32,
    unanswered: u32,
}

/// Whether a link is asked at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Asked freely.
    Closed,
    /// Not asked until that moment.
    Open {
        /// When one request may try.
        until: Instant,
    },
    /// One request is trying; no other may.
    Probing,
}

impl Breaker {
    /// Judged over windows of this many times the fewest requests, so that an hour of good answers does not
    /// hide a host that went silent a second ago.
    const WINDOW_FACTOR: u32 = 5;

    /// Closed, with nothing counted.
    pub const fn new(config: BreakerConfig) -> Self {
        Self { config, state: BreakerState::Closed, answered: 0, unanswered: 0 }
    }

    /// Whether it is open, and until when.
    pub const fn state(&self) -> BreakerState {
        self.state
    }

    /// Whether a request may be sent now. Asking while open and due makes this request the one that tries.
    pub fn allows(&mut self, now: Instant) -> bool {
        match self.state {
            BreakerState::Closed => true,
            BreakerState::Open { until } if now >= until => {
                self.state = BreakerState::Probing;
                true
            }
            BreakerState::Open { .. } | BreakerState::Probing => false,
        }
    }

    /// The host answered a request, whatever it said. True when that closed the breaker.
    pub fn answered(&mut self) -> bool {
        let was_closed = self.state == BreakerState::Closed;
        if was_closed {
            self.count(1, 0);
        } else {
            *self = Self::new(self.config);
        }
        !was_closed
    }

    /// A request stayed unanswered. True when that opened the breaker.
    pub fn unanswered(&mut self, now: Instant) -> bool {
        let opens = match self.state {
            BreakerState::Closed => {
                self.count(0, 1);
                self.too_many()
            }
            BreakerState::Probing => true,
            BreakerState::Open { .. } => false,
        };
        if opens {
            self.state = BreakerState::Open { until: now.plus_ms(self.config.probe_after_ms) };
            (self.answered, self.unanswered) = (0, 0);
        }
        opens
    }

    /// The request that was to try never left us: the next one may try instead.
    pub fn unsent(&mut self, now: Instant) {
        if self.state == BreakerState::Probing {
            self.state = BreakerState::Open { until: now };
        }
    }

    fn count(&mut self, answered: u32, unanswered: u32) {
        let window = self.config.requests_min.saturating_mul(Self::WINDOW_FACTOR);
        if self.answered + self.unanswered >= window.max(1) {
            (self.answered, self.unanswered) = (self.answered / 2, self.unanswered / 2);
        }
        self.answered += answered;
        self.unanswered += unanswered;
    }

    fn too_many(&self) -> bool {
        let all = u64::from(self.answered) + u64::from(self.unanswered);
        self.config.unanswered_percent > 0
            && all >= u64::from(self.config.requests_min)
            && u64::from(self.unanswered) * 100 >= all * u64::from(self.config.unanswered_percent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: BreakerConfig =
        BreakerConfig { requests_min: 4, unanswered_percent: 50, probe_after_ms: 1_000 };

    fn at_ms(ms: u64) -> Instant {
        Instant::from_us(ms * 1_000)
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(CONFIG);
        for _ in 0..3 {
            assert!(!breaker.unanswered(at_ms(0)), "too few to judge by");
        }
        assert!(breaker.unanswered(at_ms(0)));
        breaker
    }

    #[test]
    fn a_silent_host_is_asked_no_more_until_one_request_may_try() {
        let mut breaker = opened();
        assert!(!breaker.allows(at_ms(999)));
        assert!(breaker.allows(at_ms(1_000)), "this one tries");
        assert!(!breaker.allows(at_ms(1_000)), "and no other");
    }

    #[test]
    fn one_answer_closes_it_and_one_more_silence_opens_it_again() {
        let mut breaker = opened();
        assert!(breaker.allows(at_ms(1_000)));
        assert!(breaker.unanswered(at_ms(2_000)));
        assert!(!breaker.allows(at_ms(2_999)));
        assert!(breaker.allows(at_ms(3_000)));
        assert!(breaker.answered());
        assert_eq!(breaker.state(), BreakerState::Closed);
    }

    #[test]
    fn a_try_that_never_left_leaves_the_try_to_the_next() {
        let mut breaker = opened();
        assert!(breaker.allows(at_ms(1_000)));
        breaker.unsent(at_ms(1_001));
        assert!(breaker.allows(at_ms(1_001)));
    }

    #[test]
    fn long_good_service_does_not_hide_a_host_that_went_silent() {
        let mut breaker = Breaker::new(CONFIG);
        for _ in 0..1_000_000 {
            breaker.answered();
        }
        let silences = (1..).find(|_| breaker.unanswered(at_ms(0)));
        assert!(silences <= Some(20), "opened after {silences:?} silences");
    }

    #[test]
    fn at_nought_per_cent_it_never_opens() {
        let mut breaker = Breaker::new(BreakerConfig { unanswered_percent: 0, ..CONFIG });
        assert!((0..1_000).all(|_| !breaker.unanswered(at_ms(0))));
    }
}
