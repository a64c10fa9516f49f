use core::fmt;

/// A moment of the monotonic clock, in microseconds since the process began to count. Deadlines are made of
/// these and of nothing else: a wall clock that jumps must not time anybody out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Instant(u64);

impl Instant {
    /// So many microseconds after the beginning.
    pub const fn from_us(us: u64) -> Self {
        Self(us)
    }

    /// Microseconds since the beginning.
    pub const fn as_us(self) -> u64 {
        self.0
    }

    /// This moment and `ms` milliseconds.
    pub const fn plus_ms(self, ms: u32) -> Self {
        Self(self.0.saturating_add(ms as u64 * 1_000))
    }

    /// Microseconds from `earlier` to this moment; 0 when `earlier` is the later one.
    pub const fn us_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A moment of the wall clock, in milliseconds since 1970-01-01 UTC. For people and for message fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// So many milliseconds since 1970-01-01 UTC.
    pub const fn from_unix_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub const fn as_unix_ms(self) -> i64 {
        self.0
    }

    /// The same moment on a clock that is `offset_s` seconds ahead of UTC, as date and time of day.
    pub fn local(self, offset_s: i32) -> LocalTime {
        let seconds = self.0.div_euclid(1_000) + i64::from(offset_s);
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400) as u32);
        LocalTime { date: BusinessDate::from_days(days), second_of_day: second }
    }
}

/// Writes `YYYY-MM-DDThh:mm:ss.mmmZ`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = self.local(0);
        let (h, m, s) = local.hms();
        write!(f, "{}T{h:02}:{m:02}:{s:02}.{:03}Z", local.date, self.0.rem_euclid(1_000))
    }
}

/// What the lane is told about the present: both clocks, read once for one step by whoever owns a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Monotonic: for deadlines.
    pub instant: Instant,
    /// Wall: for people, and for the date and time written into messages.
    pub wall: Timestamp,
    /// Seconds the local clock of this switch is ahead of UTC.
    pub utc_offset_s: i32,
}

impl Now {
    /// The wall clock as local date and time of day.
    pub fn local(self) -> LocalTime {
        self.wall.local(self.utc_offset_s)
    }
}

/// How far the day may be that is said without its year.
const HALF_A_YEAR_DAYS: i64 = 183;

/// A date of the calendar, also the day money is counted under. Always with its year.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BusinessDate(u32);

impl BusinessDate {
    /// The date, when there is such a day between the years 1 and 9999.
    pub const fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        if year == 0 || year > 9_999 || month == 0 || month > 12 || day == 0 || day > days_in(year, month) {
            return None;
        }
        Some(Self(year as u32 * 10_000 + month as u32 * 100 + day as u32))
    }

    /// The date as the number `YYYYMMDD`.
    pub const fn as_yyyymmdd(self) -> u32 {
        self.0
    }

    /// The date of a number `YYYYMMDD`.
    pub const fn from_yyyymmdd(number: u32) -> Option<Self> {
        Self::new((number / 10_000) as u16, (number / 100 % 100) as u8, (number % 100) as u8)
    }

    /// Year, month, day.
    pub const fn ymd(self) -> (u16, u8, u8) {
        ((self.0 / 10_000) as u16, (self.0 / 100 % 100) as u8, (self.0 % 100) as u8)
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> i64 {
        // The civil calendar with years that begin in March: the leap day is then the last of its year.
        let (year, month, day) = self.ymd();
        let year = year as i64 - (month <= 2) as i64;
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let month_from_march = (month as i64 + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + day as i64 - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    /// The date so many days after 1970-01-01, clamped to the years 1 to 9999.
    pub const fn from_days(days: i64) -> Self {
        let days = days + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + (month <= 2) as i64;
        if year < 1 {
            return Self(10_101);
        }
        if year > 9_999 {
            return Self(99_991_231);
        }
        Self((year * 10_000 + month * 100 + day) as u32)
    }

    /// The next day.
    pub const fn next(self) -> Self {
        Self::from_days(self.days() + 1)
    }

    /// The date that a message means by month and day alone: the one nearest to `self`, at most half a year
    /// away on either side. `None` when no such day exists near (30 February, or 29 February far from one).
    ///
    /// Source: the fields of ISO 8583:1987 carry no year; a switch must supply it from its own clock.
    pub fn nearest(self, month: u8, day: u8) -> Option<Self> {
        let (year, ..) = self.ymd();
        [year.checked_sub(1), Some(year), year.checked_add(1)]
            .into_iter()
            .flatten()
            .filter_map(|year| Self::new(year, month, day))
            .min_by_key(|date| (date.days() - self.days()).abs())
            .filter(|date| (date.days() - self.days()).abs() <= HALF_A_YEAR_DAYS)
    }
}

/// Writes `YYYY-MM-DD`.
impl fmt::Display for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Debug for BusinessDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A date and a time of day on somebody's own clock, to the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalTime {
    /// The day.
    pub date: BusinessDate,
    /// Seconds since midnight, 0..86_400.
    pub second_of_day: u32,
}

impl LocalTime {
    /// The moment, when there is such a time of day.
    pub fn new(date: BusinessDate, hour: u8, minute: u8, second: u8) -> Option<Self> {
        let fits = hour < 24 && minute < 60 && second < 60;
        let second_of_day = u32::from(hour) * 3_600 + u32::from(minute) * 60 + u32::from(second);
        fits.then_some(Self { date, second_of_day })
    }

    /// Hour, minute, second.
    pub const fn hms(self) -> (u8, u8, u8) {
        let s = self.second_of_day;
        ((s / 3_600) as u8, (s / 60 % 60) as u8, (s % 60) as u8)
    }
}

const fn days_in(year: u16, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn date(y: u16, m: u8, d: u8) -> BusinessDate {
        BusinessDate::new(y, m, d).expect("a day of the calendar")
    }

    #[test]
    fn every_day_of_four_centuries_survives_the_trip_through_a_day_number() {
        let (first, last) = (date(1800, 1, 1).days(), date(2200, 12, 31).days());
        let mut before = None;
        for days in first..=last {
            let day = BusinessDate::from_days(days);
            assert_eq!(day.days(), days);
            assert!(before < Some(day), "{day} follows the day before it");
            before = Some(day);
        }
        assert_eq!(date(1970, 1, 1).days(), 0);
    }

    #[test]
    fn a_month_and_a_day_mean_the_nearest_one() {
        assert_eq!(date(2026, 12, 31).nearest(1, 1), Some(date(2027, 1, 1)));
        assert_eq!(date(2027, 1, 1).nearest(12, 31), Some(date(2026, 12, 31)));
        assert_eq!(date(2026, 11, 22).nearest(11, 22), Some(date(2026, 11, 22)));
        assert_eq!(date(2026, 11, 22).nearest(2, 30), None);
        assert_eq!(date(2027, 3, 1).nearest(2, 29), None, "the next is a year away");
        assert_eq!(date(2027, 12, 1).nearest(2, 29), Some(date(2028, 2, 29)));
    }

    #[test]
    fn the_leap_day_exists_only_where_it_does() {
        assert!(BusinessDate::new(2028, 2, 29).is_some());
        assert!(BusinessDate::new(2100, 2, 29).is_none());
        assert!(BusinessDate::new(2000, 2, 29).is_some());
    }

    #[test]
    fn a_timestamp_reads_as_people_write_it() {
        assert_eq!(Timestamp::from_unix_ms(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from_unix_ms(-1).to_string(), "1969-12-31T23:59:59.999Z");
        let tokyo = Timestamp::from_unix_ms(1_795_305_791_482).local(9 * 3_600);
        assert_eq!(tokyo.date.days() * 86_400 + i64::from(tokyo.second_of_day), 1_795_305_791 + 9 * 3_600);
    }
}
