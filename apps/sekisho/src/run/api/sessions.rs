//! Sessions of applications: opened by one, alive while it listens, gone when it is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// From its opening to the first listening.
const UNHEARD: Duration = Duration::from_secs(10);
/// From one listening to the next.
const BETWEEN: Duration = Duration::from_secs(2);
/// Open at once, at most. Each holds a connection.
const MOST: usize = 10_000;
/// Of these, one caller's at most: nobody leaves none for the others.
const MOST_OF_ONE: usize = 5_000;

/// All that are open.
#[derive(Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<BTreeMap<u32, Session>>>);

/// One of them.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// Names it, and is known to whoever opened it alone.
    pub(crate) id: String,
    /// The smallest number that was free.
    pub(crate) number: u32,
    /// What the application calls itself.
    pub(crate) application: String,
    /// Who opened it.
    pub(crate) caller: String,
    /// The link it is about; `None` for all of them.
    pub(crate) link: Option<String>,
    /// When, UTC.
    pub(crate) opened_at: String,
    /// Whether somebody listens, or until when that is waited for.
    life: Life,
    /// Set when it is closed: whoever listens looks at this alone.
    closed: Arc<AtomicBool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Heard,
    Until(Instant),
}

/// Why a session cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CannotUse {
    NoSuch,
    Foreign,
    InUse,
}

impl Session {
    /// Whether its application listens.
    pub(crate) fn is_heard(&self) -> bool {
        self.life == Life::Heard
    }

    fn is_over(&self, now: Instant) -> bool {
        matches!(self.life, Life::Until(moment) if moment <= now)
    }
}

impl Sessions {
    fn open_ones(&self) -> MutexGuard<'_, BTreeMap<u32, Session>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        held.retain(|_, session| {
            let over = session.is_over(now);
            if over {
                let Session { number, application, .. } = session;
                tracing::info!(
                    number,
                    application = application.as_str(),
                    "session released: nobody listens"
                );
            }
            !over
        });
        held
    }

    /// Opens one; `None` where there are too many.
    pub(crate) fn open(
        &self,
        id: String,
        application: String,
        caller: String,
        link: Option<String>,
        opened_at: String,
    ) -> Option<Session> {
        let mut held = self.open_ones();
        let callers_own = held.values().filter(|session| session.caller == caller).count();
        if held.len() >= MOST || callers_own >= MOST_OF_ONE {
            return None;
        }
        let number = (1..).zip(held.keys()).find(|(free, taken)| free != *taken).map(|(free, _)| free);
        let number = number.unwrap_or(held.len() as u32 + 1);
        let life = Life::Until(Instant::now() + UNHEARD);
        let closed = Arc::default();
        let session = Session { id, number, application, caller, link, opened_at, life, closed };
        held.insert(number, session.clone());
        Some(session)
    }

    /// All that are open, by their numbers.
    pub(crate) fn list(&self) -> Vec<Session> {
        self.open_ones().values().cloned().collect()
    }

    /// How many are open for that link, or for all; for whoever wants to close it, or everything.
    pub(crate) fn count(&self, link: Option<&str>) -> usize {
        self.count_besides(link, None)
    }

    /// The same without the one of that id: who gives the order may hold one.
    pub(crate) fn count_besides(&self, link: Option<&str>, own: Option<&str>) -> usize {
        let is_about =
            |session: &&Session| link.is_none() || session.link.is_none() || session.link.as_deref() == link;
        let is_another = |session: &&Session| own != Some(session.id.as_str());
        self.open_ones().values().filter(is_about).filter(is_another).count()
    }

    /// The session of that id, for that caller.
    pub(crate) fn find(&self, id: &str, caller: &str) -> Result<Session, CannotUse> {
        let held = self.open_ones();
        let found = held.values().find(|session| session.id == id).ok_or(CannotUse::NoSuch)?;
        if found.caller == caller { Ok(found.clone()) } else { Err(CannotUse::Foreign) }
    }

    /// Its application listens from now on, until what this gives is dropped.
    pub(crate) fn listen(&self, id: &str, caller: &str) -> Result<Listening, CannotUse> {
        let number = self.find(id, caller)?.number;
        let mut held = self.open_ones();
        let session = held.get_mut(&number).filter(|session| session.id == id).ok_or(CannotUse::NoSuch)?;
        if session.is_heard() {
            return Err(CannotUse::InUse);
        }
        session.life = Life::Heard;
        let closed = session.closed.clone();
        Ok(Listening { sessions: self.clone(), number, id: id.to_owned(), closed })
    }

    /// Closes it.
    pub(crate) fn close(&self, id: &str, caller: &str) -> Result<Session, CannotUse> {
        let session = self.find(id, caller)?;
        self.purge(session.number);
        Ok(session)
    }

    /// Closes the one of that number, whoever opened it: an order of the switch's own operators.
    pub(crate) fn purge(&self, number: u32) -> Option<Session> {
        let purged = self.open_ones().remove(&number);
        purged.inspect(|session| session.closed.store(true, Ordering::Relaxed))
    }
}

/// An application that listens. Dropped when its connection is gone.
pub(crate) struct Listening {
    sessions: Sessions,
    number: u32,
    id: String,
    closed: Arc<AtomicBool>,
}

impl Listening {
    /// Whether the session was closed meanwhile.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut held = self.sessions.open_ones();
        if let Some(session) = held.get_mut(&self.number).filter(|session| session.id == self.id) {
            session.life = Life::Until(Instant::now() + BETWEEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(sessions: &Sessions, id: &str, caller: &str) -> Session {
        let (id, application) = (id.to_owned(), "POS1".to_owned());
        sessions.open(id, application, caller.into(), None, String::new()).expect("there is room")
    }

    #[test]
    fn numbers_are_the_smallest_that_are_free() {
        let sessions = Sessions::default();
        let numbers: Vec<u32> = ["a", "b", "c"].map(|id| opened(&sessions, id, "x").number).into();
        assert_eq!(numbers, [1, 2, 3]);
        sessions.close("b", "x").expect("it is open");
        assert_eq!(opened(&sessions, "d", "x").number, 2);
        assert_eq!(opened(&sessions, "e", "x").number, 4);
        assert_eq!(sessions.count(None), 4);
        assert_eq!([Some("a"), Some("b"), None].map(|own| sessions.count_besides(None, own)), [3, 4, 4]);
    }

    #[test]
    fn a_session_is_its_callers_alone_and_has_one_listener() {
        let sessions = Sessions::default();
        opened(&sessions, "a", "x");
        assert_eq!(sessions.find("a", "y").err(), Some(CannotUse::Foreign));
        assert_eq!(sessions.find("b", "x").err(), Some(CannotUse::NoSuch));
        let listening = sessions.listen("a", "x").expect("nobody listens yet");
        assert_eq!(sessions.listen("a", "x").err(), Some(CannotUse::InUse));
        drop(listening);
        let listening = sessions.listen("a", "x").expect("it comes back in time");
        assert!(!listening.is_closed());
        sessions.close("a", "x").expect("it is open");
        assert!(listening.is_closed());
    }
}
