//! A thread for each session: calls block, and whoever decides must not.

use crate::{Abilities, Token, TokenConfig};
use hsm::ops::{Answer, Class, Fault, Hsm as _, Request};
use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use terms::ConnId;

/// What a session has to tell.
#[derive(Clone, Debug)]
pub enum Told {
    /// It stands.
    Opened {
        /// Its number, never used again.
        conn: ConnId,
        /// What the token can do.
        can: Abilities,
    },
    /// It could not be opened, or not again. Told when the reason is another than before.
    NotOpened {
        /// Why.
        why: String,
    },
    /// A call was answered.
    Answered {
        /// On which.
        conn: ConnId,
        /// The call's number.
        number: u32,
        /// How.
        answer: Result<Answer, Fault>,
    },
    /// It is over.
    Closed {
        /// Which.
        conn: ConnId,
    },
}

/// Sessions with one token. Dropped, they end with the calls under way, which is waited for: a process that ends in the
/// middle of a library's call ends badly. Not for ever, though.
#[derive(Debug)]
pub struct Workers {
    lines: Vec<Sender<Job>>,
    /// Nothing comes by it but its end, once the last thread has let go of the library.
    alive: Receiver<Infallible>,
}

/// How long calls under way are waited for.
const LAST_CALLS: Duration = Duration::from_secs(2);

/// Most sessions with one token: the number of a session says which line it is on.
const LINES: u64 = 64;

enum Job {
    Call { conn: ConnId, number: u32, request: Request },
    LetGo { conn: ConnId },
}

static NEXT: AtomicU64 = AtomicU64::new(1);

/// Holds so many sessions with a token, each on its own thread, opened again after `reconnect_ms` where they are lost.
///
/// # Errors
/// The system has no thread for it.
pub fn spawn<T>(config: &TokenConfig, sessions: u16, reconnect_ms: u32, tell: T) -> io::Result<Workers>
where
    T: Fn(Told) + Send + Clone + 'static,
{
    let (alive_in_each, alive) = channel();
    let line = |at| {
        let (send, jobs) = channel();
        let reconnect = Duration::from_millis(reconnect_ms.into());
        let line = Line {
            config: config.clone(),
            reconnect,
            jobs,
            tell: tell.clone(),
            at,
            said: None,
            _alive: alive_in_each.clone(),
        };
        std::thread::Builder::new().name("pkcs11".into()).spawn(move || line.run())?;
        Ok(send)
    };
    let lines = (0..u64::from(sessions).min(LINES)).map(line).collect::<io::Result<_>>()?;
    Ok(Workers { lines, alive })
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.lines.clear();
        // Gone, or not in time: in neither case is there more to do.
        let _ = self.alive.recv_timeout(LAST_CALLS);
    }
}

impl Workers {
    /// How many there are to be.
    pub fn wanted(&self) -> usize {
        self.lines.len()
    }

    /// Makes a call on the session of that number; where it is over, nobody answers.
    pub fn call(&self, conn: ConnId, number: u32, request: Request) {
        self.tell(conn, Job::Call { conn, number, request });
    }

    /// Ends the session of that number, once its call has come back.
    pub fn let_go(&self, conn: ConnId) {
        self.tell(conn, Job::LetGo { conn });
    }

    fn tell(&self, conn: ConnId, job: Job) {
        let line = self.lines.get((conn.0 % LINES) as usize);
        // A thread that is gone takes nothing.
        if let Some(line) = line {
            let _ = line.send(job);
        }
    }
}

struct Line<T> {
    config: TokenConfig,
    reconnect: Duration,
    jobs: Receiver<Job>,
    tell: T,
    at: u64,
    /// Why it could not be opened the last time.
    said: Option<String>,
    /// Goes last, after the session and its library.
    _alive: Sender<Infallible>,
}

/// Nobody wants this session any more.
struct Over;

impl<T: Fn(Told)> Line<T> {
    fn run(mut self) {
        while self.serve().is_ok() && self.wait().is_ok() {}
    }

    /// One session from its beginning to its end.
    fn serve(&mut self) -> Result<(), Over> {
        let mut token = match Token::open(&self.config) {
            Ok(token) => token,
            Err(error) => {
                let why = error.to_string();
                if self.said.as_ref() != Some(&why) {
                    (self.tell)(Told::NotOpened { why: why.clone() });
                    self.said = Some(why);
                }
                return Ok(());
            }
        };
        self.said = None;
        let conn = ConnId(NEXT.fetch_add(1, Ordering::Relaxed) * LINES + self.at);
        (self.tell)(Told::Opened { conn, can: token.abilities() });
        let end = self.answer_calls(conn, &mut token);
        (self.tell)(Told::Closed { conn });
        end
    }

    fn answer_calls(&self, conn: ConnId, token: &mut Token) -> Result<(), Over> {
        loop {
            match self.jobs.recv() {
                Err(_) => return Err(Over),
                Ok(Job::LetGo { conn: other }) if other == conn => return Ok(()),
                Ok(Job::Call { conn: other, number, request }) if other == conn => {
                    let answer = token.ask(&request);
                    // A session that failed is not used again: what it was in the middle of, nobody knows.
                    let is_sick = answer.as_ref().is_err_and(|fault| fault.class() == Class::Device);
                    (self.tell)(Told::Answered { conn, number, answer });
                    if is_sick {
                        return Ok(());
                    }
                }
                Ok(_) => {}
            }
        }
    }

    fn wait(&self) -> Result<(), Over> {
        let until = Instant::now() + self.reconnect;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.jobs.recv_timeout(left) {
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => return Err(Over),
                // For a session that is over.
                Ok(_) => {}
            }
        }
    }
}
