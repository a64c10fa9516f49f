//! What happened, for applications: a ring the lane writes and never waits for, read by whoever listens.

use super::event::Event;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use terms::Timestamp;
use tokio::sync::{Notify, watch};

/// Events kept for those who come back with the number of the last they saw. About 500 bytes each.
pub(crate) const KEPT: usize = 8_192;
/// Changes of a day kept beyond them. A year of three hosts.
const DAYS_KEPT: usize = 1_024;

/// The last events, in order.
#[derive(Clone, Default)]
pub(crate) struct Bulletin(Arc<Shared>);

#[derive(Default)]
struct Shared {
    ring: Mutex<Ring>,
    news: Notify,
    readers: watch::Sender<u64>,
}

#[derive(Default)]
struct Ring {
    /// When the switch was started, in the names of its events: those of another life mean nothing in this one.
    life: i64,
    /// Number of the next one, from 1.
    next: u64,
    kept: VecDeque<Arc<Event>>,
    /// Older ones by which a day changed.
    days: VecDeque<Arc<Event>>,
}

/// Where somebody goes on who comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At that event.
    At(u64),
    /// What was seen last is of another life, and of then: milliseconds since 1970.
    OfAnotherLife(i64),
}

/// What a reader gets next.
pub(crate) enum Next {
    /// This.
    Event(Arc<Event>),
    /// Nothing yet.
    Nothing,
    /// Events after the last one read are gone already; go on from here.
    Missed {
        /// The number of the oldest that is left.
        oldest: u64,
        /// What of those that are gone has changed a day.
        days: Vec<Arc<Event>>,
    },
}

impl Bulletin {
    /// One of a switch started then.
    pub(crate) fn since(life: Timestamp) -> Self {
        let shared = Shared::default();
        *shared.ring.lock().unwrap_or_else(PoisonError::into_inner) =
            Ring { life: life.as_unix_ms(), next: 1, ..Ring::default() };
        Self(Arc::new(shared))
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts one up. Cost: below a microsecond, whoever reads.
    pub(crate) fn post(&self, mut event: Event) {
        let mut ring = self.ring();
        event.number(ring.life, ring.next);
        ring.next += 1;
        ring.kept.push_back(Arc::new(event));
        if ring.kept.len() > KEPT
            && let Some(gone) = ring.kept.pop_front().filter(|gone| gone.changes_a_day())
        {
            ring.days.push_back(gone);
            if ring.days.len() > DAYS_KEPT {
                ring.days.pop_front();
            }
        }
        drop(ring);
        // One waker, however many read: waking them all is not the lane's work.
        self.0.news.notify_one();
    }

    /// Wakes readers whenever there is something to read; ends with its task.
    pub(crate) async fn ring_out(self) {
        loop {
            self.0.news.notified().await;
            self.0.readers.send_replace(self.next());
        }
    }

    /// The number of the next event.
    pub(crate) fn next(&self) -> u64 {
        self.ring().next
    }

    /// The event with that number, or what there is instead.
    pub(crate) fn read(&self, number: u64) -> Next {
        let ring = self.ring();
        let oldest = ring.next - ring.kept.len() as u64;
        match number.checked_sub(oldest) {
            None => {
                let days = ring.days.iter().filter(|event| event.seq >= number).cloned().collect();
                Next::Missed { oldest, days }
            }
            Some(at) => ring.kept.get(at as usize).map_or(Next::Nothing, |event| Next::Event(event.clone())),
        }
    }

    /// Where somebody goes on who last saw the event of that name.
    pub(crate) fn after(&self, id: &str) -> Place {
        let mut parts = id.strip_prefix("evt_").unwrap_or_default().split('_');
        let life = parts.next().and_then(|part| i64::from_str_radix(part, 16).ok());
        let number = parts.next().and_then(|part| part.parse::<u64>().ok());
        let at_ms = parts.next().and_then(|part| i64::from_str_radix(part, 16).ok());
        let ring = self.ring();
        match number {
            Some(number) if life == Some(ring.life) && number < ring.next => Place::At(number + 1),
            _ => Place::OfAnotherLife(at_ms.unwrap_or(i64::MIN)),
        }
    }

    /// Changes whenever there may be something to read.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.0.readers.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Severity;
    use super::*;

    fn event(kind: &'static str, at_ms: i64) -> Event {
        Event::new(kind, Severity::Info, Timestamp::from_unix_ms(at_ms))
    }

    #[test]
    fn who_comes_back_goes_on_behind_what_was_seen_and_another_life_is_known_by_its_time() {
        let board = Bulletin::since(Timestamp::from_unix_ms(1_000));
        board.post(event("link.down", 1_500));
        let Next::Event(first) = board.read(1) else { panic!("one is there") };
        assert_eq!(board.after(&first.id), Place::At(2));
        let later = Bulletin::since(Timestamp::from_unix_ms(2_000));
        #[rustfmt::skip]
        let table = [
            (first.id.as_str(),    Place::OfAnotherLife(1_500)),
            ("evt_7d0_9_7d5",      Place::OfAnotherLife(2_005)), // of this life, and not given out yet
            ("evt_1_1",            Place::OfAnotherLife(i64::MIN)),
            ("evt_",               Place::OfAnotherLife(i64::MIN)),
            ("nonsense_7d0_0_0",   Place::OfAnotherLife(i64::MIN)),
        ];
        for (id, place) in table {
            assert_eq!(later.after(id), place, "{id}");
        }
    }

    #[test]
    fn who_reads_too_slowly_hears_of_every_change_of_a_day_all_the_same() {
        let board = Bulletin::since(Timestamp::from_unix_ms(0));
        for number in 1..=3 * KEPT as u64 {
            let kind = if number % 1_000 == 0 { "cutover.completed" } else { "message.format_error" };
            board.post(event(kind, number as i64));
        }
        let Next::Missed { oldest, days } = board.read(2_500) else { panic!("much is gone") };
        assert_eq!(oldest, 2 * KEPT as u64 + 1);
        let numbers: Vec<u64> = days.iter().map(|event| event.seq).collect();
        let changed = (3_000..oldest).step_by(1_000);
        assert_eq!(numbers, changed.collect::<Vec<_>>(), "all of them, and those seen before not again");
    }
}
