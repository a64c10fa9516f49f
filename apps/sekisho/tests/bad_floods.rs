//! Many at once, and none of them means well: random frames by the thousand, connections that are never used.
//! What a good client notices of it is bounded and printed.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use stories::*;
use terms::{Kind, Outcome};

/// Answers a good client may have to wait for while others flood, on a machine that runs all of it at once.
const SLOWEST_ANSWER: Duration = Duration::from_secs(3);
const FLOODERS: usize = 3;

/// A fifth of the long form, unless the long one is asked for.
fn frames_wanted() -> usize {
    let is_long = !cfg!(debug_assertions) || std::env::var_os("SEKISHO_LONG").is_some();
    if is_long {
        100_000
    } else {
        println!("short form: 20,000 frames; 100,000 with --release or SEKISHO_LONG=1");
        20_000
    }
}

/// What one flooder sends at once: frames around nonsense, nonsense without frames, messages almost right.
fn nonsense(luck: &mut Luck, speech: &Speech, good: &[u8], frames: usize) -> (Vec<u8>, usize) {
    if luck.below(10) == 0 {
        let count = 1 + luck.below(200);
        return (luck.bytes(count), 1);
    }
    let mut bytes = Vec::new();
    for _ in 0..frames {
        let body = match luck.below(3) {
            0 => {
                let count = 1 + luck.below(600);
                luck.bytes(count)
            }
            _ => mutated(luck, good),
        };
        bytes.extend_from_slice(&speech.frame(&body));
    }
    (bytes, frames)
}

fn mutated(luck: &mut Luck, good: &[u8]) -> Vec<u8> {
    let mut body = good.to_vec();
    for _ in 0..=luck.below(4) {
        let at = luck.below(body.len());
        match luck.below(4) {
            0 => body[at] = luck.next() as u8,
            1 => body[at] = b'0' + luck.below(10) as u8,
            2 => body.truncate(at.max(1)),
            _ => body.insert(at, luck.next() as u8),
        }
    }
    body
}

/// Sends until the frames are used up; each connection is read to its end, so that nothing it was told is lost.
fn flood(address: SocketAddr, mut luck: Luck, left: &AtomicUsize, frames_at_once: usize) {
    let speech = Speech::named("iso87-ascii");
    let good = speech.body(&Terminal::named("FLOOD001").withdraws(1_000));
    loop {
        let (bytes, frames) = nonsense(&mut luck, &speech, &good, frames_at_once);
        let before = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
            (left > 0).then(|| left.saturating_sub(frames))
        });
        if before.is_err() {
            return;
        }
        let Ok(mut stream) = TcpStream::connect(address) else { continue };
        // Closed while we write or read is one of the right answers.
        let _ = stream.write_all(&bytes).and_then(|()| stream.shutdown(Shutdown::Write));
        let _ = stream.set_read_timeout(Some(PATIENCE));
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

/// Tells the good client to stop, also where the test fails.
struct Enough<'a>(&'a AtomicBool);

impl Drop for Enough<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asks one question after the other until `done`; says how many, and how long the slowest answer took.
fn ask_until(done: &AtomicBool, client: &mut Client) -> (usize, Duration) {
    let (mut terminal, mut asked, mut slowest) = (Terminal::named("GOOD0001"), 0, Duration::ZERO);
    while !done.load(Ordering::Relaxed) {
        let began = Instant::now();
        let answer = client.ask(&terminal.asks(Kind::BalanceInquiry, 0));
        assert_eq!(answer.outcome, Some(Outcome::Approved));
        slowest = slowest.max(began.elapsed());
        asked += 1;
    }
    (asked, slowest)
}

/// `frames_at_once` is what a flooder sends before it looks at what became of its connection.
fn a_flood_changes_nothing_for_a_good_client(listener: &str, frames_at_once: usize) {
    let host = Host::approving();
    let setup = Setup::with_host(&host);
    let mut daemon = setup.start();
    let luck = Luck::from_environment(8_583);
    let (frames, address) = (frames_wanted(), daemon.listener(listener));
    let mut good = Client::of(&daemon, "acquirer");
    let (done, left, began) = (AtomicBool::new(false), AtomicUsize::new(frames), Instant::now());
    let (asked, slowest) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| ask_until(&done, &mut good));
        let flooders: Vec<_> = (0..FLOODERS)
            .map(|at| {
                let (mut luck, left) = (luck.clone(), &left);
                let luck = Luck::seeded(luck.next() + at as u64);
                scope.spawn(move || flood(address, luck, left, frames_at_once))
            })
            .collect();
        for flooder in flooders {
            flooder.join().expect("a flooder meets nothing it cannot bear");
        }
        done.store(true, Ordering::Relaxed);
        asking.join().expect("the good client is served throughout")
    });
    let memory_mib = daemon.memory_kib("VmHWM") / 1_024;
    println!(
        "{listener}: {frames} frames in {:?}; the good client got {asked} answers, the slowest in {slowest:?}; \
         at most {memory_mib} MiB",
        began.elapsed()
    );
    assert!(asked > 50, "only {asked} answers in all that time");
    assert!(slowest < SLOWEST_ANSWER, "the slowest answer took {slowest:?}");
    assert!(memory_mib < 256, "{memory_mib} MiB");
    assert!(daemon.is_running(), "it is still the same process");
    let wanted = frames as u64 / 4;
    daemon.wait_for_figure("/transactions/unreadable", wanted);
    wait_for("every connection counted", || {
        (daemon.count(listener, "accepted") >= (frames / frames_at_once) as u64).then_some(())
    });
    assert!(daemon.count(listener, "closed_framing") > 0);
    wait_for("everybody gone but the good client", || {
        let open = daemon.count("acquirer", "open") + daemon.count("atm", "open");
        (open == 1).then_some(())
    });
}

#[test]
fn a_flood_of_frames_on_an_access_line_changes_nothing_for_a_good_client() {
    a_flood_changes_nothing_for_a_good_client("acquirer", 4);
}

#[test]
fn a_flood_of_frames_from_terminals_changes_nothing_for_a_good_client() {
    a_flood_changes_nothing_for_a_good_client("atm", 1);
}

/// Files this process may hold open, after its soft limit was raised to the hard one.
fn open_files_max() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("Linux");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("a line of that name");
    let hard = line.split_whitespace().nth(4).expect("soft and hard");
    let pid = std::process::id().to_string();
    let raised = std::process::Command::new("prlimit")
        .args(["--pid", &pid, &format!("--nofile={hard}:{hard}")])
        .status();
    assert!(raised.is_ok_and(|status| status.success()), "prlimit raises the soft limit");
    hard.parse().unwrap_or(usize::MAX)
}

#[test]
fn ten_thousand_connections_that_never_finish_a_frame_cost_memory_and_nobody_his_answer() {
    // Below this many files other tests and the program itself find room.
    let connections = open_files_max().saturating_sub(1_000).min(10_000);
    if connections < 10_000 {
        println!("the hard limit of open files allows {connections} connections only");
    }
    let host = Host::approving();
    let mut setup = Setup::with_host(&host);
    setup.frame_timeout_ms = 120_000;
    setup.listeners_more = "per_address_max = 16384".into();
    let daemon = setup.start();
    let address = daemon.listener("acquirer");
    let mut good = Client::of(&daemon, "acquirer");
    let (before_kib, done) = (daemon.memory_kib("VmRSS"), AtomicBool::new(false));
    let (half_open, (asked, slowest)) = std::thread::scope(|scope| {
        let enough = Enough(&done);
        let asking = scope.spawn(|| ask_until(&done, &mut good));
        let connect = |_| {
            let mut stream = TcpStream::connect(address).expect("there is room for one more");
            stream.write_all(b"012").expect("three bytes go through");
            stream
        };
        let half_open: Vec<TcpStream> = (0..connections).map(connect).collect();
        let all_in = || (daemon.count("acquirer", "open") == connections as u64 + 1).then_some(());
        wait_for("all of them counted", all_in);
        drop(enough);
        (half_open, asking.join().expect("the good client is served throughout"))
    });
    let memory_kib = daemon.memory_kib("VmRSS");
    println!(
        "{connections} half-open connections: {} MiB, {} bytes each; the good client got {asked} answers, the \
         slowest in {slowest:?}",
        memory_kib / 1_024,
        (memory_kib.saturating_sub(before_kib)) * 1_024 / connections as u64
    );
    assert!(memory_kib <= 600 * 1_024, "{memory_kib} KiB");
    assert!(slowest < SLOWEST_ANSWER, "the slowest answer took {slowest:?}");
    drop(half_open);
    wait_for("all of them gone", || (daemon.count("acquirer", "open") == 1).then_some(()));
    ask_until(&AtomicBool::new(true), &mut good);
}

#[test]
fn a_low_soft_limit_of_open_files_is_raised_at_the_start() {
    let host = Host::approving();
    let setup = Setup::with_host(&host);
    setup.write();
    let lowered = "ulimit -S -n 128; exec \"$0\" \"$@\"";
    let daemon = Daemon::spawn_under("sh", &["-c".as_ref(), lowered.as_ref()], &setup.config_path());
    daemon.wait_until_ready();
    let mut visitors: Vec<Client> = (0..300).map(|_| Client::of(&daemon, "acquirer")).collect();
    let mut terminal = Terminal::named("MANY0001");
    daemon.wait_for_link("core", "up");
    for visitor in &mut visitors {
        assert_eq!(visitor.ask(&terminal.withdraws(1_000)).outcome, Some(Outcome::Approved));
    }
}
