//! The only reader of time and entropy.
//!
//! Everything that decides is told the time and handed its random bits; they come from here.
#![forbid(unsafe_code)]

use jiff::tz::TimeZone;
use std::cell::Cell;
use std::time::{SystemTime, UNIX_EPOCH};
use terms::{Instant, Now, Timestamp};

/// Both clocks of this machine, and the offset of the local one. One per thread; reading costs two calls that
/// do not enter the kernel.
#[derive(Debug)]
pub struct Clock {
    began: std::time::Instant,
    local: Local,
    /// The quarter of an hour the offset was last worked out for, and that offset.
    known: Cell<(i64, i32)>,
}

/// What the local clock of the switch follows.
#[derive(Clone, Debug)]
enum Local {
    Fixed,
    Zone(TimeZone),
}

/// Why a time zone cannot be followed. The operator's to mend.
#[derive(Debug, thiserror::Error)]
pub enum ZoneError {
    /// No such zone is known on this machine.
    #[error("time zone {name:?} is not known here")]
    Unknown {
        /// The name as it was given.
        name: String,
        /// What the zone database said.
        #[source]
        source: jiff::Error,
    },
    /// The machine does not say which zone it is in.
    #[error("the time zone of this machine cannot be read")]
    System {
        /// What was tried.
        #[source]
        source: jiff::Error,
    },
}

/// The system gave no random bits.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no entropy")]
pub struct EntropyError {
    #[source]
    source: getrandom::Error,
}

impl Clock {
    /// A clock whose local time is always so many seconds ahead of UTC.
    pub fn with_offset_s(offset_s: i32) -> Self {
        Self { began: std::time::Instant::now(), local: Local::Fixed, known: Cell::new((0, offset_s)) }
    }

    /// A clock that follows the zone this machine is set to.
    pub fn in_system_zone() -> Result<Self, ZoneError> {
        let zone = TimeZone::try_system().map_err(|source| ZoneError::System { source })?;
        Ok(Self::following(zone))
    }

    /// A clock that follows the zone of that name, such as `Asia/Tokyo`.
    pub fn in_zone(name: &str) -> Result<Self, ZoneError> {
        let zone =
            TimeZone::get(name).map_err(|source| ZoneError::Unknown { name: name.to_owned(), source })?;
        Ok(Self::following(zone))
    }

    fn following(zone: TimeZone) -> Self {
        let known = Cell::new((i64::MIN, 0));
        Self { began: std::time::Instant::now(), local: Local::Zone(zone), known }
    }

    /// The present. The monotonic part counts from the making of this clock.
    pub fn now(&self) -> Now {
        let wall = wall();
        Now { instant: self.instant(), wall, utc_offset_s: self.offset_s(wall) }
    }

    /// The monotonic part of the present alone, for those who measure.
    pub fn instant(&self) -> Instant {
        Instant::from_us(self.began.elapsed().as_micros() as u64)
    }

    /// Zones change their offset only on whole quarters of an hour, so it is worked out once in each.
    fn offset_s(&self, wall: Timestamp) -> i32 {
        let (quarter_known, offset_s) = self.known.get();
        let Local::Zone(zone) = &self.local else { return offset_s };
        let quarter = wall.as_unix_ms().div_euclid(15 * 60 * 1_000);
        if quarter == quarter_known {
            return offset_s;
        }
        let offset_s = offset_in(zone, wall);
        self.known.set((quarter, offset_s));
        offset_s
    }
}

/// Fills `bytes` from the operating system's generator, fit for keys.
pub fn entropy(bytes: &mut [u8]) -> Result<(), EntropyError> {
    getrandom::fill(bytes).map_err(|source| EntropyError { source })
}

/// Eight bytes of [`entropy`] as a number: a seed.
pub fn seed() -> Result<u64, EntropyError> {
    let mut bytes = [0; 8];
    entropy(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

/// The wall clock: for what people read, beside the lane.
pub fn utc_now() -> Timestamp {
    wall()
}

fn wall() -> Timestamp {
    let ms = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_millis() as i64,
        Err(before) => -(before.duration().as_millis() as i64),
    };
    Timestamp::from_unix_ms(ms)
}

/// UTC where the calendar of the zone ends, some eight thousand years from here.
fn offset_in(zone: &TimeZone, wall: Timestamp) -> i32 {
    jiff::Timestamp::from_millisecond(wall.as_unix_ms()).map_or(0, |at| zone.to_offset(at).seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_never_goes_back() {
        let clock = Clock::with_offset_s(0);
        let mut before = clock.now().instant;
        for _ in 0..1_000 {
            let now = clock.now().instant;
            assert!(now >= before, "{now:?} after {before:?}");
            before = now;
        }
    }

    #[test]
    fn a_fixed_offset_is_told_unchanged() {
        assert_eq!(Clock::with_offset_s(9 * 3_600).now().utc_offset_s, 9 * 3_600);
    }

    #[test]
    fn a_zone_is_followed_through_its_summer() {
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a rule of two offsets");
        let clock = Clock::following(zone);
        #[rustfmt::skip]
        let moments = [
            // UTC milliseconds        offset   what
            (1_795_305_600_000_i64,    3_600,   "November 2026"),
            (1_782_950_400_000,        7_200,   "July 2026"),
            (1_792_889_999_000,        7_200,   "the last second of summer time 2026"),
            (1_792_890_000_000,        3_600,   "the first second after it"),
        ];
        for (ms, offset_s, what) in moments {
            assert_eq!(clock.offset_s(Timestamp::from_unix_ms(ms)), offset_s, "{what}");
        }
    }

    #[test]
    fn a_zone_that_does_not_exist_is_named_in_the_refusal() {
        let error = Clock::in_zone("Atlantis/Capital").expect_err("no such zone");
        assert!(error.to_string().contains("Atlantis/Capital"), "{error}");
    }

    #[test]
    fn entropy_differs_from_one_call_to_the_next() {
        let (mut first, mut second) = ([0; 32], [0; 32]);
        entropy(&mut first).expect("the system has entropy");
        entropy(&mut second).expect("the system has entropy");
        assert_ne!(first, second);
    }
}
