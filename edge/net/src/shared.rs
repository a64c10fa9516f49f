use crate::conn::Place;
use crate::party::Party;
use crate::{CloseReason, Conn, Handler};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use terms::ConnId;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// The network of one thread. A clone is another hold on the same one.
#[derive(Clone)]
pub struct Net(pub(crate) Rc<Shared>);

/// How a [`Net`] works.
#[derive(Clone, Copy, Debug)]
pub struct NetConfig {
    /// Random bits from outside, for the jitter of reconnecting.
    pub seed: u64,
    /// How often time-outs are looked for; one is noticed never early and at most twice this late. Cost: a
    /// look at every connection, about 20 ns each.
    pub sweep_ms: u32,
}

/// Most bytes any connection reads in one turn; see [`Party::read_bytes`].
pub(crate) const READ_BYTES_MAX: usize = 64 * 1_024;

/// A connection that heard nothing for this long gives its memory back.
const QUIET_MS: u32 = 2_000;

/// The number of a connection is its place in the table below a serial number that never comes again.
const PLACE_BITS: u32 = 20;

pub(crate) struct Shared {
    began: Instant,
    sweep_ms: u32,
    now_ms: Cell<u64>,
    random: Cell<u64>,
    table: RefCell<Table>,
    dirty: RefCell<Vec<Conn>>,
    touched: RefCell<Vec<Rc<dyn Handler>>>,
    turn_due: Cell<bool>,
    turn_waker: RefCell<Option<Waker>>,
    /// One read buffer for all connections: only one is read at a time.
    pub(crate) read_buffer: Cell<Vec<u8>>,
    read_buffer_bytes: Cell<usize>,
}

#[derive(Default)]
struct Table {
    places: Vec<Option<Conn>>,
    free: Vec<u32>,
    serial: u64,
    open: usize,
}

impl Default for NetConfig {
    fn default() -> Self {
        Self { seed: 0, sweep_ms: 500 }
    }
}

impl Net {
    /// Starts the network of this thread.
    ///
    /// Panics: outside a `tokio::runtime::LocalRuntime`, or a `tokio::task::LocalSet`, with I/O and time. The
    /// former costs up to a tenth less processor time when few connections are busy.
    pub fn new(config: NetConfig) -> Self {
        let shared = Rc::new(Shared {
            began: Instant::now(),
            sweep_ms: config.sweep_ms.max(1),
            now_ms: Cell::new(1),
            random: Cell::new(config.seed | 1),
            table: RefCell::default(),
            dirty: RefCell::default(),
            touched: RefCell::default(),
            turn_due: Cell::new(false),
            turn_waker: RefCell::default(),
            read_buffer: Cell::default(),
            read_buffer_bytes: Cell::new(0),
        });
        tokio::task::spawn_local(take_turns(shared.clone()));
        tokio::task::spawn_local(sweep(shared.clone()));
        Self(shared)
    }

    /// Writes out what was queued on all connections, one write each. Happens by itself at the end of a turn;
    /// call it when something was sent from elsewhere and should not wait for that.
    pub fn flush(&self) {
        self.0.flush();
    }

    /// The open connection of that identity.
    pub fn conn(&self, id: ConnId) -> Option<Conn> {
        self.0.conn(id)
    }

    /// Every open connection.
    pub fn conns(&self) -> Vec<Conn> {
        self.0.conns()
    }

    /// Connections open now.
    pub fn open(&self) -> usize {
        self.0.table.borrow().open
    }
}

impl Shared {
    /// Milliseconds since the start, as of the last sweep: good enough for time-outs, and free.
    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    /// Whether `timeout_ms` have passed for certain since `since_ms`, which was a sweep old at most.
    pub(crate) fn is_over(&self, since_ms: u64, timeout_ms: u32) -> bool {
        self.now_ms().saturating_sub(since_ms) >= u64::from(timeout_ms) + u64::from(self.sweep_ms)
    }

    pub(crate) fn admit(self: &Rc<Self>, at: Place, party: Rc<Party>) -> Conn {
        let mut table = self.table.borrow_mut();
        let place = match table.free.pop() {
            Some(place) => place,
            None => {
                table.places.push(None);
                (table.places.len() - 1) as u32
            }
        };
        assert!(place < 1 << PLACE_BITS, "the operating system allows fewer connections than this");
        table.serial += 1;
        table.open += 1;
        let id = ConnId(table.serial << PLACE_BITS | u64::from(place));
        let conn = Conn::new(id, at, party, self.clone());
        table.places[place as usize] = Some(conn.clone());
        conn
    }

    pub(crate) fn forget(&self, id: ConnId) {
        let place = place_of(id);
        let mut table = self.table.borrow_mut();
        let gone = table.places[place].take().expect("a connection is forgotten once");
        assert_eq!(gone.id(), id, "a place belongs to one connection at a time");
        table.free.push(place as u32);
        table.open -= 1;
    }

    fn conn(&self, id: ConnId) -> Option<Conn> {
        let table = self.table.borrow();
        table.places.get(place_of(id))?.as_ref().filter(|conn| conn.id() == id).cloned()
    }

    pub(crate) fn conns(&self) -> Vec<Conn> {
        self.table.borrow().places.iter().flatten().cloned().collect()
    }

    /// Makes sure the read buffer holds an unfinished frame of this framing and a full read beside it.
    pub(crate) fn make_room_for(&self, framing: &wire::Framing) {
        let needed_bytes = READ_BYTES_MAX + framing.body_bytes_max + 256;
        if needed_bytes > self.read_buffer_bytes.get() {
            self.read_buffer_bytes.set(needed_bytes);
            self.read_buffer.set(vec![0; needed_bytes]);
        }
    }

    pub(crate) fn dirty(&self, conn: Conn) {
        self.dirty.borrow_mut().push(conn);
        self.due();
    }

    /// The handler is to be told when this turn ends.
    pub(crate) fn touch(&self, handler: &Rc<dyn Handler>) {
        let mut touched = self.touched.borrow_mut();
        if !touched.iter().any(|known| Rc::ptr_eq(known, handler)) {
            touched.push(handler.clone());
        }
        drop(touched);
        self.due();
    }

    /// Puts the end of the turn behind everything that is ready to run now.
    fn due(&self) {
        if self.turn_due.replace(true) {
            return;
        }
        if let Some(waker) = self.turn_waker.borrow().as_ref() {
            waker.wake_by_ref();
        }
    }

    fn end_turn(&self) {
        let mut touched = self.touched.take();
        for handler in touched.drain(..) {
            handler.turn_ended();
        }
        give_back(&self.touched, touched);
        self.flush();
    }

    fn flush(&self) {
        let mut dirty = self.dirty.take();
        for conn in dirty.drain(..) {
            conn.flush();
        }
        give_back(&self.dirty, dirty);
    }

    fn sweep(&self) {
        self.now_ms.set(1 + self.began.elapsed().as_millis() as u64);
        for conn in self.table.borrow().places.iter().flatten() {
            sweep_one(conn);
        }
    }

    /// `ms` and up to a fifth more or less, so that links that fell together do not dial together.
    pub(crate) fn jittered_ms(&self, ms: u32) -> u64 {
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.set(x);
        let ms = u64::from(ms);
        ms - ms / 5 + x % (ms * 2 / 5 + 1)
    }
}

fn place_of(id: ConnId) -> usize {
    (id.0 & ((1 << PLACE_BITS) - 1)) as usize
}

/// Keeps the allocation of an emptied list for the next turn.
fn give_back<T>(list: &RefCell<Vec<T>>, emptied: Vec<T>) {
    let mut list = list.borrow_mut();
    if list.is_empty() {
        *list = emptied;
    }
}

/// Tasks run in the order they were woken, so this one runs after every connection that was ready when the
/// first of them asked for it: that is the end of the turn.
async fn take_turns(shared: Rc<Shared>) {
    poll_fn(|cx: &mut Context<'_>| {
        {
            let mut waker = shared.turn_waker.borrow_mut();
            if !waker.as_ref().is_some_and(|kept| kept.will_wake(cx.waker())) {
                *waker = Some(cx.waker().clone());
            }
        }
        if shared.turn_due.replace(false) {
            shared.end_turn();
        }
        Poll::<()>::Pending
    })
    .await;
}

async fn sweep(shared: Rc<Shared>) {
    let mut ticks = interval(Duration::from_millis(u64::from(shared.sweep_ms)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        shared.sweep();
    }
}

/// Ends a connection that used up one of its time-outs.
fn sweep_one(conn: &Conn) {
    let (inner, limits) = (&conn.0, &conn.0.party.limits);
    let over = |since_ms, timeout_ms| inner.net.is_over(since_ms, timeout_ms);
    if inner.blocked.get() && over(inner.stalled_since_ms.get(), limits.write_stall_ms) {
        inner.abandoned.set(true);
        let (timeout_ms, unsent_bytes) = (limits.write_stall_ms, conn.unsent_bytes());
        return conn.end(CloseReason::WriteStalled { unsent_bytes, timeout_ms });
    }
    let (pending_bytes, timeout_ms) = (inner.pending_bytes.get(), limits.frame_timeout_ms);
    if pending_bytes > 0 && over(inner.pending_since_ms.get(), timeout_ms) {
        return conn.end(CloseReason::FrameTimeout { pending_bytes, timeout_ms });
    }
    let timeout_ms = limits.answer_timeout_ms;
    if inner.asked.get() {
        if !inner.answered.get() && over(inner.heard_ms.get(), timeout_ms) {
            conn.end(CloseReason::Unanswered { timeout_ms });
        }
        return;
    }
    if let Some(timeout_ms) = limits.idle_timeout_ms
        && over(inner.heard_ms.get(), timeout_ms)
    {
        return conn.end(CloseReason::Idle { timeout_ms });
    }
    if conn.unsent_bytes() == 0 && over(inner.heard_ms.get(), QUIET_MS) {
        conn.shrink();
    }
}
