//! A street of simulated terminals: customers come by luck, stand in line, and are served.

use super::books::{Afterwards, Asked, Told};
use super::customers::{Crowd, Customer};
use super::luck::Luck;
use super::terminal::{Habits, Served, Terminal};
use hdrhistogram::Histogram;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use terms::Outcome;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Customers that wait for each terminal at most; the next one goes away.
const WAITING_PER_TERMINAL: usize = 20;

/// No answer takes longer than ten minutes, or it counts as that.
pub const LONGEST_US: u64 = 600_000_000;

/// A street to be simulated.
#[derive(Clone, Debug)]
pub struct StreetPlan {
    /// How its terminals behave.
    pub habits: Habits,
    /// How many there are.
    pub terminals: usize,
    /// Customers a second, all together.
    pub tps: f64,
    /// Who comes.
    pub crowd: Crowd,
    /// When they come.
    pub luck: Luck,
    /// Whether every request is remembered, for comparing; about 100 bytes each.
    pub keeps_view: bool,
}

/// What a street has seen, shared with whoever looks.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Sight>>);

/// What was seen since the start.
#[derive(Clone, Debug)]
pub struct Sight {
    /// Requests that came to their end.
    pub asked: u64,
    /// By what they were told: approved, refused, unknown, not sent.
    pub told: [u64; 4],
    /// Told nothing at all.
    pub unheard: u64,
    /// Times a request was asked again.
    pub repeats: u64,
    /// Requests taken back, whole or in part (0420).
    pub taken_back: u64,
    /// Requests reported after silence (0220).
    pub reported: u64,
    /// Reversals and reports that nobody acknowledged.
    pub unacknowledged: u64,
    /// Customers who went away because too many stood in line.
    pub went_away: u64,
    /// Microseconds from question to answer.
    pub took_us: Histogram<u64>,
    /// Of these, what came since somebody last took it.
    recent_us: Histogram<u64>,
    /// Everything, where it is remembered.
    pub view: Vec<Asked>,
}

impl Default for Sight {
    fn default() -> Self {
        Self {
            asked: 0,
            told: [0; 4],
            unheard: 0,
            repeats: 0,
            taken_back: 0,
            reported: 0,
            unacknowledged: 0,
            went_away: 0,
            took_us: Histogram::new_with_bounds(1, LONGEST_US, 3).expect("bounds in order"),
            recent_us: Histogram::new_with_bounds(1, LONGEST_US, 2).expect("bounds in order"),
            view: Vec::new(),
        }
    }
}

impl Sight {
    fn note(&mut self, served: &Served, keeps_view: bool) {
        self.asked += 1;
        self.repeats += u64::from(served.repeats);
        match served.asked.afterwards {
            Afterwards::Nothing => {}
            Afterwards::TookBack => self.taken_back += 1,
            Afterwards::Reported => self.reported += 1,
            Afterwards::Unheard => self.unacknowledged += 1,
        }
        match served.asked.told {
            Told::Nothing => self.unheard += 1,
            Told::Said(_, outcome) => {
                self.told[place_of(outcome)] += 1;
                let took_us = served.took.as_micros() as u64;
                self.took_us.saturating_record(took_us);
                self.recent_us.saturating_record(took_us);
            }
        }
        if keeps_view {
            self.view.push(served.asked);
        }
    }

    /// Microseconds from question to answer, of what came since the last time.
    pub fn take_recent(&mut self) -> Histogram<u64> {
        let nothing = Histogram::new_from(&self.recent_us);
        std::mem::replace(&mut self.recent_us, nothing)
    }

    /// Told "approved".
    pub fn approved(&self) -> u64 {
        self.told[place_of(Outcome::Approved)]
    }
}

const fn place_of(outcome: Outcome) -> usize {
    match outcome {
        Outcome::Approved => 0,
        Outcome::Refused => 1,
        Outcome::Unknown => 2,
        Outcome::NotSent => 3,
    }
}

impl Seen {
    /// Looks at it.
    pub fn with<R>(&self, look: impl FnOnce(&mut Sight) -> R) -> R {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl StreetPlan {
    /// Runs the street on this thread until `stop` says so; then every terminal finishes what it is doing.
    pub async fn run(self, seen: Seen, mut stop: watch::Receiver<bool>) {
        let habits = Rc::new(self.habits.clone());
        let line = Rc::new(Waiting::default());
        let mut terminals = JoinSet::new();
        for number in 1..=self.terminals {
            let terminal = Terminal::numbered(number, habits.clone());
            terminals.spawn_local(work(terminal, line.clone(), seen.clone(), self.keeps_view));
        }
        tokio::select! {
            () = self.send_customers(&line, &seen) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
        line.close();
        while terminals.join_next().await.is_some() {}
    }

    async fn send_customers(mut self, line: &Waiting, seen: &Seen) {
        let mut due = Instant::now();
        loop {
            due += Duration::from_micros(self.luck.wait_us(1e6 / self.tps));
            sleep_until(due).await;
            if !line.join(self.crowd.next_customer(), self.terminals * WAITING_PER_TERMINAL) {
                seen.with(|sight| sight.went_away += 1);
            }
        }
    }
}

async fn work(mut terminal: Terminal, line: Rc<Waiting>, seen: Seen, keeps_view: bool) {
    while let Some(customer) = line.next().await {
        let served = terminal.serve(&customer).await;
        seen.with(|sight| sight.note(&served, keeps_view));
    }
}

/// The line customers stand in.
#[derive(Default)]
struct Waiting {
    people: RefCell<VecDeque<Customer>>,
    closed: std::cell::Cell<bool>,
    news: Notify,
}

impl Waiting {
    fn join(&self, customer: Customer, waiting_max: usize) -> bool {
        let mut people = self.people.borrow_mut();
        if people.len() >= waiting_max {
            return false;
        }
        people.push_back(customer);
        self.news.notify_one();
        true
    }

    /// Sends everybody home and lets nobody in.
    fn close(&self) {
        self.closed.set(true);
        self.people.borrow_mut().clear();
        self.news.notify_waiters();
    }

    async fn next(&self) -> Option<Customer> {
        loop {
            // Asked for before looking, so that nothing that happens in between is missed.
            let news = self.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            if let Some(customer) = self.people.borrow_mut().pop_front() {
                return Some(customer);
            }
            if self.closed.get() {
                return None;
            }
            news.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cash::Cash;
    use super::super::customers::Mix;
    use super::super::host::{HostCounts, HostPlan, network};
    use super::super::mishaps::Mishaps;
    use super::super::rules::{Every, Rules};
    use super::super::speech::{SimError, Speech, on_one_thread};
    use super::*;

    /// Terminals that ask a host directly until so many requests have ended.
    fn played(dialect: &str, every: Every, one_shot: bool, asked_min: u64) -> (Sight, HostCounts) {
        let played = on_one_thread(async {
            let speech = Speech::named(dialect, None)?;
            let net = network(1);
            let rules = Rules { every, ..Rules::default() };
            let listen = "127.0.0.1:0".parse().expect("an address");
            let (name, keeps_postings) = ("HOST".into(), true);
            let plan = HostPlan { name, listen, speech: speech.clone(), rules, seed: 1, keeps_postings };
            let host = plan.open(&net)?;
            let answer_timeout = Duration::from_millis(500);
            let habits = Habits {
                address: host.address(),
                speech,
                one_shot,
                answer_timeout,
                repeats_max: 3,
                insists_max: 10,
                cash: Cash::default(),
                mishaps: Mishaps::default(),
            };
            let crowd = Crowd::new(Mix::default(), vec!["411111".into()], 10, Luck::seeded(1));
            let (seen, (stop, stopped)) = (Seen::default(), watch::channel(false));
            let luck = Luck::seeded(2);
            let plan = StreetPlan { habits, terminals: 4, tps: 500.0, crowd, luck, keeps_view: true };
            let street = tokio::task::spawn_local(plan.run(seen.clone(), stopped));
            while seen.with(|sight| sight.asked) < asked_min {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            stop.send_replace(true);
            street.await.expect("the street ends in order");
            Ok::<_, SimError>((seen.with(|sight| sight.clone()), host.counts()))
        });
        played.expect("everything is here")
    }

    #[test]
    fn terminals_and_host_agree_on_what_was_paid() {
        for (dialect, one_shot) in [("iso87-ascii", false), ("iso93-binary", false), ("iso87-binary", true)] {
            let (sight, counts) = played(dialect, Every::default(), one_shot, 100);
            assert_eq!((sight.approved(), sight.repeats, sight.unheard), (sight.asked, 0, 0), "{dialect}");
            let moving = sight.view.iter().filter(|asked| asked.kind.moves_money());
            let sum: u64 = moving.clone().map(|asked| asked.amount.minor_units()).sum();
            assert_eq!(
                (counts.posted.count, counts.posted.minor_units),
                (moving.count() as u64, sum),
                "{dialect}"
            );
        }
    }

    #[test]
    fn a_terminal_that_hears_nothing_asks_again_and_is_paid_once() {
        for every in [
            Every { silent: 10, ..Every::default() },
            Every { cut: 10, ..Every::default() },
            Every { garbage: 10, ..Every::default() },
            Every { twice: 10, ..Every::default() },
        ] {
            let (sight, counts) = played("iso87-ascii", every, false, 60);
            assert_eq!((sight.approved(), sight.unheard), (sight.asked, 0), "{every:?}");
            assert_eq!(sight.repeats > 0, every.twice == 0, "{every:?}");
            let moving = sight.view.iter().filter(|asked| asked.kind.moves_money()).count();
            assert_eq!(counts.posted.count, moving as u64, "{every:?}");
        }
    }

    #[test]
    fn without_a_host_terminals_hear_nothing_and_end_all_the_same() {
        let seen = on_one_thread(async {
            // A port that was free a moment ago and that nobody listens on.
            let taken = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
            let address = taken.map_err(SimError::system("cannot find a port"))?;
            let speech = Speech::named("iso87-ascii", None)?;
            let answer_timeout = Duration::from_millis(50);
            let habits = Habits {
                address,
                speech,
                one_shot: false,
                answer_timeout,
                repeats_max: 1,
                insists_max: 1,
                cash: Cash::default(),
                mishaps: Mishaps::default(),
            };
            let mut terminal = Terminal::numbered(1, Rc::new(habits));
            let mut crowd = Crowd::new(Mix::default(), vec!["4".into()], 1, Luck::seeded(1));
            Ok(terminal.serve(&crowd.next_customer()).await)
        });
        let served = seen.expect("it ends");
        assert_eq!((served.asked.told, served.repeats), (Told::Nothing, 1));
        assert_eq!(served.asked.held, terms::Amount::default(), "nothing is paid out on silence");
    }
}
