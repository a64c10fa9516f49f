//! The switch dies, or its disk fails, at every single step of a scripted morning: each write and sync of the
//! journal, each byte from and to a socket, each step of a start, of a recovery and of a snapshot. It is started
//! again, and then the books of terminals, journal and host are compared.
//!
//! Where a process dies between two calls to the system, nobody can tell from outside where exactly; so these
//! calls are all the places there are. With the crash points of the design:
//!
//! ```text
//!   request read ─ K0 ─ [pwrite Sent ─ fdatasync] ─ K1, K2 ─ [send to host] ─ K4 ─ [read answer] ─ K5
//!     ─ [pwrite Decided ─ fdatasync] ─ K6, K8 ─ [send to terminal] ─ K7
//!   time is over ─ [pwrite TimedOut and what it owes ─ fdatasync] ─ K9 ─ [pwrite Attempt ─ fdatasync] ─ K10
//!     ─ [send to host] ─ K11 ─ [read answer] ─ K12 ─ [pwrite Forwarded]
//!   start ─ [each write, sync and rename of it] ─ K13
//!   a write or sync that fails, or whose success nobody is told: K15, K16
//! ```
//! K3, the middle of a frame, is one call here: to the journal it is K2, and to the host it is nothing. K14 needs a
//! cutover and K17 to K19 several machines; neither is there yet.
//!
//! `SEKISHO_CRASH_POINTS=all` visits every one, `SEKISHO_CRASH_POINTS=N` some N of them, evenly spread.

mod money;

use money::*;
use sekisho::sim::books::Asked;
use sekisho::sim::cash::Cash;
use sekisho::sim::customers::Customer;
use sekisho::sim::host::Trouble;
use sekisho::sim::mishaps::Mishaps;
use sekisho::sim::question::card;
use sekisho::sim::rules::Manner;
use sekisho::sim::speech::{Speech as Spoken, on_one_thread};
use sekisho::sim::terminal::{Habits, Terminal as Machine};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use stories::*;
use terms::{Amount, Kind};

/// Points visited when nobody says how many.
const SHORT: usize = 24;
/// Points visited at once: most of the time each of them waits for something.
const AT_ONCE: usize = 4;
/// Posted and not answered.
const SILENT: u64 = 77_000;
const REFUSED: u64 = 66_000;
const RULES: &str = r#"
    delay_us = 2000
    [[rule]]
    amount_from = 66000
    amount_to = 66000
    code = "insufficient_funds"
    [[rule]]
    amount_from = 77000
    amount_to = 77000
    manner = "silent"
"#;

/// Where something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    /// In a thread of a switch at work, by the thread's name.
    Thread(&'static str),
    /// While it starts for the first time.
    Birth,
    /// While it starts after it was killed with requests in flight and reversals owed.
    Recovery,
}

/// One point: the `nth` call of that name there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Point {
    place: Place,
    call: &'static str,
    how: &'static str,
    nth: usize,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, call, how, nth } = self;
        write!(f, "{place:?}: {call} {nth} ({how})")
    }
}

const KILL: &str = "signal=KILL";
const EIO: &str = "error=EIO";
const ENOSPC: &str = "error=ENOSPC";
const START: [&str; 8] = ["pwrite64", "fdatasync", "fsync", "rename", "openat", "ftruncate", "write", "bind"];

/// What is done where.
#[rustfmt::skip]
const MENU: &[(Place, &[&str], &[&str])] = &[
    (Place::Thread("journal"),  &["pwrite64"],                                      &[KILL, EIO, ENOSPC]),
    (Place::Thread("journal"),  &["fdatasync"],                                     &[KILL, EIO]),
    // It wakes the lane: the batch is durable, and nobody knows.
    (Place::Thread("journal"),  &["write"],                                         &[KILL]),
    (Place::Thread("lane"),     &["recvfrom", "sendto", "write", "writev"],         &[KILL]),
    (Place::Thread("snapshot"), &["openat", "write", "fsync", "rename", "unlink"],  &[KILL, EIO]),
    (Place::Birth,              &START,                                             &[KILL]),
    (Place::Birth,              &["pwrite64", "fdatasync", "fsync"],                &[EIO, ENOSPC]),
    (Place::Recovery,           &START,                                             &[KILL]),
    (Place::Recovery,           &["pwrite64", "fdatasync"],                         &[EIO, ENOSPC]),
];

/// The morning: machine, what its customer wants, how much. One after the other, so that every run makes the same
/// calls.
const SCRIPT: &[(usize, Kind, u64)] = &[
    (PATIENT, Kind::Withdrawal, 1_000),
    (PATIENT, Kind::Deposit, 2_000),
    (PATIENT, Kind::Withdrawal, REFUSED),
    (PATIENT, Kind::BalanceInquiry, 0),
    (PATIENT, Kind::Withdrawal, SILENT),
    (PATIENT, Kind::Deposit, SILENT),
    (SHORT_OF_CASH, Kind::Withdrawal, 4_000),
    (HASTY, Kind::Withdrawal, SILENT),
    (HASTY, Kind::Deposit, SILENT),
    (HASTY, Kind::Withdrawal, 5_000),
    (PATIENT, Kind::Withdrawal, 3_000),
];
/// Asks again until it is answered.
const PATIENT: usize = 0;
/// Pays out half, and takes the rest back.
const SHORT_OF_CASH: usize = 1;
/// Asks once; then it takes back what it asked for, or reports the cash it has swallowed.
const HASTY: usize = 2;

/// Machines that play the script on a thread of their own, through every restart.
fn play(address: SocketAddr) -> JoinHandle<Vec<Asked>> {
    std::thread::spawn(move || {
        let played = on_one_thread(async {
            let speech = Spoken::named("iso87-ascii", None)?;
            let habits = |answer_ms, repeats_max| Habits {
                address,
                speech: speech.clone(),
                one_shot: false,
                answer_timeout: Duration::from_millis(answer_ms),
                repeats_max,
                insists_max: 200,
                cash: Cash::default(),
                mishaps: Mishaps::default(),
            };
            let short = habits(3_000, 100);
            short.cash.run_short(None);
            let habits = [habits(3_000, 100), short, habits(120, 0)];
            let machine = |(at, habits)| Machine::numbered(at + 1, Rc::new(habits));
            let mut machines: Vec<Machine> = habits.into_iter().enumerate().map(machine).collect();
            let mut view = Vec::new();
            for (number, &(machine, kind, amount)) in SCRIPT.iter().enumerate() {
                let customer =
                    Customer { card: card("411111", number as u64), kind, amount: Amount::minor(amount) };
                view.push(machines[machine].serve(&customer).await.asked);
            }
            Ok(view)
        });
        played.expect("the dialect is there")
    })
}

/// What came of one point.
struct Visit {
    deaths: usize,
    summary: String,
    trace: String,
}

/// A morning with that in it; nothing but counting where there is no point.
fn visit(place: Place, point: Option<Point>) -> Visit {
    let host = LedgerHost::open(RULES);
    let setup = setup(host.address());
    setup.write();
    let traced = setup.scratch.path().join("trace");
    let options = options(place, point, &traced.display().to_string());
    let mut tracer = None;
    let (machines, daemon) = match place {
        Place::Birth => (play(setup.acquirer), spawn_traced(&setup, &options)),
        Place::Thread(name) => {
            let daemon = started(&setup);
            tracer = Some(attach(&daemon, name, &options));
            (play(setup.acquirer), daemon)
        }
        Place::Recovery => {
            let machines = play(setup.acquirer);
            host.suffers(Trouble::Always(Manner::Silent));
            let mut daemon = started(&setup);
            daemon.wait_for_figure("/transactions/pending", 1);
            daemon.wait_for_figure("/transactions/in_flight", 1);
            daemon.kill();
            host.suffers(Trouble::None);
            (machines, spawn_traced(&setup, &options))
        }
    };
    let mut life = Life { setup: &setup, daemon, deaths: 0 };
    life.until(&format!("{point:?}: the machines to end"), |_| machines.is_finished());
    let view = machines.join().expect("machines do not panic");
    life.settle();
    life.end();
    drop(tracer);
    let deaths = life.deaths;
    let may_die = point.map_or(0, |point| if point.how == KILL { 1 } else { usize::MAX });
    assert!(deaths <= may_die, "{point:?}: it died by itself: {}", life.daemon.stderr());
    let books = host.close();
    let verdict = compare_books(&setup.data, &view, books);
    assert!(verdict.is_clean(), "{point:?}:\n{verdict}\nthe terminals saw {view:?}");
    let trace = fs::read_to_string(traced).unwrap_or_default();
    Visit { deaths, summary: verdict.to_string(), trace }
}

/// A switch that is started again whenever it has ended, now without anybody tracing it.
struct Life<'a> {
    setup: &'a Setup,
    daemon: Daemon,
    deaths: usize,
}

impl Life<'_> {
    fn until(&mut self, what: &str, is_so: impl Fn(&Daemon) -> bool) {
        let deadline = Instant::now() + 2 * PATIENCE;
        while !is_so(&self.daemon) {
            if !self.daemon.is_running() {
                self.deaths += 1;
                self.daemon = started(self.setup);
            }
            assert!(Instant::now() < deadline, "waited for {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Until nothing is in flight and nothing owed, for longer than a status may be old.
    fn settle(&mut self) {
        let unsettled = Cell::new(Instant::now());
        self.until("everything decided and paid", |daemon| {
            if daemon.is_settled() != Some(true) {
                unsettled.set(Instant::now());
            }
            unsettled.get().elapsed() > Duration::from_millis(500)
        });
    }

    /// Ends it in order. What fails while it ends is a failure like any other, and the next life ends in order.
    fn end(&mut self) {
        loop {
            if let Some(pid) = self.daemon.pid_of_switch() {
                // The point may be reached just now, and nobody be there to hear it.
                let _ = Command::new("kill").args(["-TERM", &pid.to_string()]).stderr(Stdio::null()).status();
            }
            if self.daemon.end().0 == Some(0) {
                return;
            }
            self.deaths += 1;
            assert!(self.deaths < 3, "it does not end in order: {}", self.daemon.stderr());
            self.daemon = started(self.setup);
            self.settle();
        }
    }
}

fn setup(host: SocketAddr) -> Setup {
    let mut setup = Setup::with_links(vec![LinkSetup {
        name: "core",
        dial: host,
        dialect: LedgerHost::DIALECT,
        reply_timeout_ms: 300,
        in_flight_max: 64,
        more: "breaker = { unanswered_percent = 0 }\nhost = { tombstones = true }\n\
               forward = { reply_timeout_ms = 300, repeat_ms = 300 }"
            .into(),
    }]);
    setup.journal_more = "snapshot_every_records = 12".into();
    // The same for every life, and free for now.
    setup.acquirer = free_address();
    setup
}

fn started(setup: &Setup) -> Daemon {
    let daemon = setup.spawn();
    daemon.wait_until_ready();
    daemon
}

fn options(place: Place, point: Option<Point>, traced: &str) -> Vec<String> {
    let calls: Vec<&str> =
        MENU.iter().filter(|(of, ..)| *of == place).flat_map(|(_, calls, _)| calls.iter().copied()).collect();
    let mut options = vec!["-o".into(), traced.into(), "-e".into(), format!("trace={}", calls.join(","))];
    if !matches!(place, Place::Thread(_)) {
        options.push("-f".into());
    }
    if let Some(Point { call, how, nth, .. }) = point {
        options.extend(["-e".into(), format!("inject={call}:{how}:when={nth}")]);
    }
    options
}

fn spawn_traced(setup: &Setup, options: &[String]) -> Daemon {
    let options: Vec<_> = options.iter().map(AsRef::as_ref).collect();
    Daemon::spawn_under("strace", &options, &setup.config_path())
}

/// A tracer of one thread, gone when it is dropped.
struct Tracer(Child);

impl Drop for Tracer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn attach(daemon: &Daemon, thread: &str, options: &[String]) -> Tracer {
    let tid = wait_for(thread, || daemon.thread(thread)).to_string();
    let mut command = Command::new("strace");
    command.args(options).args(["-p", &tid]).stdin(Stdio::null()).stderr(Stdio::null());
    let mut tracer = Tracer(command.spawn().expect("it was tried before"));
    wait_for("the tracer", || {
        // On a busy machine it gives up now and then before it has taken hold.
        if tracer.0.try_wait().is_ok_and(|ended| ended.is_some()) {
            tracer = Tracer(command.spawn().expect("it was tried before"));
        }
        let status = fs::read_to_string(format!("/proc/{tid}/status")).unwrap_or_default();
        let traced_by = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
        traced_by.is_some_and(|pid| pid.trim() != "0").then_some(())
    });
    tracer
}

/// Every point there is, counted in a morning in which nothing happens.
fn points() -> Vec<Point> {
    let mut points = Vec::new();
    let mut places: Vec<Place> = MENU.iter().map(|(place, ..)| *place).collect();
    places.dedup();
    for place in places {
        let visit = visit(place, None);
        assert_eq!(visit.deaths, 0);
        let counts = counts(&visit.trace);
        for (_, calls, hows) in MENU.iter().filter(|(of, ..)| *of == place) {
            for (&call, &how) in calls.iter().flat_map(|call| hows.iter().map(move |how| (call, how))) {
                let count = counts.get(call).copied().unwrap_or(0);
                points.extend((1..=count).map(|nth| Point { place, call, how, nth }));
            }
        }
    }
    points
}

/// How often each call was made, by whichever thread made it most often: each thread counts for itself.
fn counts(trace: &str) -> BTreeMap<String, usize> {
    let mut by_thread: BTreeMap<(String, String), usize> = BTreeMap::new();
    for line in trace.lines() {
        let (thread, rest) = match line.split_once(' ') {
            Some((first, rest)) if first.bytes().all(|byte| byte.is_ascii_digit()) => {
                (first, rest.trim_start())
            }
            _ => ("", line),
        };
        let Some((call, _)) = rest.split_once('(') else { continue };
        if call.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            *by_thread.entry((thread.to_owned(), call.to_owned())).or_default() += 1;
        }
    }
    let mut counts = BTreeMap::new();
    for ((_, call), count) in by_thread {
        let most = counts.entry(call).or_insert(0);
        *most = count.max(*most);
    }
    counts
}

#[test]
fn wherever_it_dies_and_whatever_its_disk_refuses_every_book_agrees() {
    if !can_trace() {
        return;
    }
    let (all, began) = (points(), Instant::now());
    let wanted = match std::env::var("SEKISHO_CRASH_POINTS").ok() {
        Some(all_of_them) if all_of_them == "all" => all.len(),
        Some(some) => some.parse().expect("a number of points, or all"),
        None => SHORT,
    };
    let wanted = wanted.clamp(1, all.len());
    let chosen: Vec<Point> = (0..wanted).map(|at| all[at * all.len() / wanted]).collect();
    let (next, reached) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(&point) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let visit = visit(point.place, Some(point));
                    println!("{point}: {} deaths\n{}", visit.deaths, visit.summary);
                    let mut reached = reached.lock().expect("nobody panics with it");
                    let (visits, deaths) = reached.entry((point.place, point.how)).or_insert((0, 0));
                    (*visits, *deaths) = (*visits + 1, *deaths + visit.deaths);
                }
            });
        }
    });
    println!("{wanted} of {} points in {:.0?}: 0 lost, 0 doubled", all.len(), began.elapsed());
    for ((place, how), (visits, deaths)) in reached.into_inner().expect("nobody panicked with it") {
        println!("  {place:?} {how}: {visits} visited, {deaths} ended the switch");
        let may_survive = how != KILL;
        assert!(deaths * 2 > visits || may_survive, "{place:?} {how}: most of them were never reached");
    }
}
