//! Sessions of this process: each is one with the switch, belongs to one call at a time, and hears events as long
//! as it lives. When the process dies its connections do, and the switch releases them.

use crate::http::{self, Events, Question, Reply, SOON};
use crate::rc::Rc;
use crate::{place, sending::Sent};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Events kept for whoever does not receive them; then the oldest go.
const EVENTS_KEPT: usize = 1_024;

static SESSIONS: Mutex<BTreeMap<u32, Arc<Session>>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicU32 = AtomicU32::new(1);

/// A session.
#[derive(Debug)]
pub(crate) struct Session {
    /// The process that opened it: a child has none.
    pid: u32,
    socket: PathBuf,
    /// As the switch knows it.
    pub(crate) id: String,
    /// The link it is about.
    pub(crate) link: String,
    /// What the application is called.
    application: String,
    busy: AtomicBool,
    /// The connection its life hangs on.
    lifeline: UnixStream,
    pub(crate) inbox: Mutex<Inbox>,
    /// Something came into the inbox.
    pub(crate) news: Condvar,
    last_seq: AtomicU32,
}

/// What came for a session.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    pub(crate) events: VecDeque<Value>,
    /// What was sent and not received yet, by sequence number.
    pub(crate) sent: BTreeMap<u32, Sent>,
    /// The day each number was last sent on in this session, by the name it went under.
    pub(crate) days: BTreeMap<u32, u64>,
    /// The switch has ended it, or is gone.
    pub(crate) is_over: bool,
}

/// A session while one call uses it.
pub(crate) struct Held(Arc<Session>);

impl std::ops::Deref for Held {
    type Target = Arc<Session>;

    fn deref(&self) -> &Arc<Session> {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::Release);
    }
}

fn sessions() -> MutexGuard<'static, BTreeMap<u32, Arc<Session>>> {
    SESSIONS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens one; gives its number in this process.
pub(crate) fn open() -> Result<u32, Rc> {
    let socket = place::socket()?;
    let link = the_link(&socket)?;
    let application = place::application();
    let body = json!({ "application": application, "link": link });
    let opened = http::ask(&socket, &Question::post("/v1/sessions", &body), SOON)?;
    let id = match (opened.status, opened.body["id"].as_str()) {
        (200..=299, Some(id)) => id.to_owned(),
        (503, _) => return Err(Rc::ROUTE_BUSY),
        _ => return Err(Rc::ERR_OPENSESSION),
    };
    let (events, lifeline) = Events::open(&socket, &format!("/v1/sessions/{id}/events"))?;
    let session = Arc::new(Session {
        pid: std::process::id(),
        socket,
        last_seq: AtomicU32::new(first_seq(&id)),
        id,
        link,
        application,
        busy: AtomicBool::new(false),
        lifeline,
        inbox: Mutex::default(),
        news: Condvar::new(),
    });
    let listening = session.clone();
    let thread = std::thread::Builder::new().name("fx-events".into());
    thread.spawn(move || listening.listen(events)).map_err(|_| Rc::ERR_OPENSESSION)?;
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    sessions().insert(number, session);
    Ok(number)
}

/// Takes one for one call. Errors: [`Rc::NO_SESSION_ID`], [`Rc::USE_SESSION_ID`], [`Rc::PKG_IS_NOT_STARTED`] where
/// the switch is gone.
pub(crate) fn take(number: u32) -> Result<Held, Rc> {
    let session = sessions().get(&number).cloned().ok_or(Rc::NO_SESSION_ID)?;
    if session.pid != std::process::id() {
        return Err(Rc::NO_SESSION_ID);
    }
    if session.busy.swap(true, Ordering::Acquire) {
        return Err(Rc::USE_SESSION_ID);
    }
    let held = Held(session);
    if held.inbox().is_over {
        // Whoever comes back to a switch that was started again has to open anew.
        return Err(match UnixStream::connect(&held.socket) {
            Ok(_) => Rc::NO_SESSION_ID,
            Err(_) => Rc::PKG_IS_NOT_STARTED,
        });
    }
    Ok(held)
}

/// Closes one. One that is over is closed all the same.
pub(crate) fn close(number: u32) -> Result<(), Rc> {
    let is_over = |session: &Arc<Session>| session.pid == std::process::id() && session.inbox().is_over;
    let over = sessions().get(&number).is_some_and(is_over);
    if over {
        sessions().remove(&number);
        return Ok(());
    }
    let held = take(number)?;
    if held.inbox().sent.values().any(|sent| !sent.is_answered()) {
        return Err(Rc::REMAIN_MSG);
    }
    sessions().remove(&number);
    let place = format!("/v1/sessions/{}", held.id);
    let question = Question { method: "DELETE", ..Question::get(&place) };
    // Where the switch has gone it holds nothing; where it did not hear, it misses the line in a moment.
    let _ = held.ask(&question);
    let _ = held.lifeline.shutdown(Shutdown::Both);
    Ok(())
}

impl Session {
    /// What came.
    pub(crate) fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the switch something that it answers at once.
    pub(crate) fn ask(&self, question: &Question<'_>) -> Result<Reply, Rc> {
        Ok(http::ask(&self.socket, question, SOON)?)
    }

    /// Looks at something.
    pub(crate) fn get(&self, place: &str) -> Result<Value, Rc> {
        let reply = self.ask(&Question::get(place))?;
        if reply.status == 200 { Ok(reply.body) } else { Err(Rc::ERROR_DAEMON) }
    }

    /// Gives an order that says who gives it, and more.
    pub(crate) fn order(&self, place: &str, more: Value) -> Result<Reply, Rc> {
        let mut body = json!({ "by": self.application });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        self.ask(&Question::post(place, &body))
    }

    /// Asks as [`Self::ask`], and waits for a host.
    pub(crate) fn ask_at_length(&self, question: &Question<'_>) -> Result<Reply, http::Silence> {
        http::ask(&self.socket, question, http::AT_LENGTH)
    }

    /// The next sequence number of this session. Sessions begin at places of their own, and the switch refuses a
    /// number that was used on the same day.
    pub(crate) fn next_seq(&self) -> u32 {
        let next = |last: u32| Some(last % SEQ_MAX + 1);
        let before = self.last_seq.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        before.unwrap_or_else(|last| last) % SEQ_MAX + 1
    }

    /// Hears events until there are no more.
    fn listen(&self, mut events: Events) {
        while let Some(event) = events.next() {
            if event["type"] == "session.closed" {
                break;
            }
            let mut inbox = self.inbox();
            inbox.events.push_back(event);
            if inbox.events.len() > EVENTS_KEPT {
                inbox.events.pop_front();
            }
            drop(inbox);
            self.news.notify_all();
        }
        self.inbox().is_over = true;
        self.news.notify_all();
    }
}

/// Highest sequence number: trace numbers have six digits.
pub(crate) const SEQ_MAX: u32 = 999_999;

/// Where a session begins to count: anywhere, by its name, which is random.
fn first_seq(id: &str) -> u32 {
    id.bytes().fold(2_166_136_261_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(16_777_619))
        % SEQ_MAX
}

/// The link meant: named, `cn`, or the only one.
fn the_link(socket: &std::path::Path) -> Result<String, Rc> {
    if let Some(named) = place::link() {
        return Ok(named);
    }
    let links = http::ask(socket, &Question::get("/v1/links"), SOON)?;
    let names = links.body["data"].as_array().ok_or(Rc::ERROR_DAEMON)?.iter();
    let names: Vec<&str> = names.filter_map(|link| link["name"].as_str()).collect();
    let chosen = names.iter().find(|name| **name == "cn").or(match &names[..] {
        [only] => Some(only),
        _ => None,
    });
    chosen.map(|name| (*name).to_owned()).ok_or(Rc::ERR_OPEN_FILE)
}
