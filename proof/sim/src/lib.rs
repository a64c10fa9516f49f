//! A world of terminals, links, hosts, disks and clocks around one lane: the same code that runs in the
//! program, in virtual time, on one thread, with every fault drawn from a seed. The same seed is the same run.
//!
//! Of a run three journals are compared: what each terminal did with its cash, what the switch recorded, what
//! each host's ledger holds ([`Invariant`]). First with faults, then without, until everything rests.
#![forbid(unsafe_code)]

mod codec;
mod days;
mod figures;
mod guard;
mod host;
mod invariant;
mod items;
mod ledger;
mod links;
mod luck;
mod marks;
mod mutant;
mod operator;
mod process;
mod recon;
mod recovery;
mod session;
mod speech;
mod swarm;
mod terminal;
mod totals;
mod totals_wrong;
mod transfer;
#[cfg(test)]
mod transfer_table;
mod transfer_wrong;
mod truth;
#[cfg(test)]
mod truth_table;
mod watch;
mod world;
mod wrong;

pub use figures::DayFigures;
pub use invariant::{Broken, Invariant, NOT_CHECKED};
pub use marks::NOT_THERE;
pub use mutant::Mutant;
pub use recovery::StopFigures;
pub use totals::Comparisons;
pub use world::{Ended, Line};

use marks::{Marks, NAMES};
use swarm::Swarm;
use world::World;

/// How seeds are run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// With this wrong rule.
    pub mutant: Option<Mutant>,
    /// Looking at money alone, not at how the switch works.
    pub money_only: bool,
}

/// Runs one seed to its end.
pub fn run(seed: u64, manner: Manner) -> Ended {
    World::new(seed, swarm_of(seed, manner), manner.mutant, manner.money_only, false).run()
}

/// Runs one seed to its end and keeps what happened.
pub fn replay(seed: u64, manner: Manner) -> Ended {
    World::new(seed, swarm_of(seed, manner), manner.mutant, manner.money_only, true).run()
}

/// Lives so many days with three hosts, faults and all.
pub fn live(seed: u64, days: u64) -> Ended {
    World::new(seed, Swarm::of_days(seed, days), None, false, false).run()
}

/// The faults without which a failing seed does not fail, with their rates.
pub fn minimise(seed: u64, manner: Manner) -> Vec<(&'static str, u32)> {
    let broken = |swarm: &Swarm| {
        let ended = World::new(seed, swarm.clone(), manner.mutant, manner.money_only, false).run();
        ended.broken.map(|broken| broken.invariant)
    };
    let mut swarm = swarm_of(seed, manner);
    let first = broken(&swarm);
    let fails = |swarm: &Swarm| first.is_some() && broken(swarm) == first;
    let faults: Vec<_> = swarm.faults().collect();
    for (fault, ..) in faults {
        let less = swarm.without(fault);
        if fails(&less) {
            swarm = less;
        }
    }
    swarm.faults().map(|(_, name, rate)| (name, rate)).collect()
}

/// A wrong rule found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Killed {
    /// By which seed.
    pub seed: u64,
    /// What it broke first.
    pub invariant: Invariant,
    /// Within how many transactions, that seed's own included.
    pub transactions: u64,
}

/// Runs seeds with a wrong rule until one finds it out; `None` where none does within so many transactions.
pub fn kill(mutant: Mutant, transactions_max: u64) -> Option<Killed> {
    let manner = Manner { mutant: Some(mutant), money_only: false };
    let mut transactions = 0;
    for seed in 0.. {
        let ended = run(seed, manner);
        transactions += ended.transactions;
        if let Some(broken) = ended.broken {
            return Some(Killed { seed, invariant: broken.invariant, transactions });
        }
        if transactions > transactions_max {
            break;
        }
    }
    None
}

fn swarm_of(seed: u64, manner: Manner) -> Swarm {
    let mut swarm = Swarm::of(seed);
    if manner.mutant == Some(Mutant::RepostsLate) {
        swarm.hosts.iter_mut().for_each(|host| host.deposits_are_posted = false);
    }
    swarm
}

/// The faults of a seed, with their rates.
pub fn faults(seed: u64) -> Vec<(&'static str, u32)> {
    Swarm::of(seed).faults().map(|(_, name, rate)| (name, rate)).collect()
}

/// What many seeds came to.
#[derive(Clone, Debug)]
pub struct Sum {
    /// Seeds run.
    pub seeds: u64,
    /// Operations begun.
    pub transactions: u64,
    /// Things that happened.
    pub events: u64,
    /// Ends of the process that were not in order.
    pub stops: StopFigures,
    /// The digests of all seeds, joined without regard to their order.
    pub hash: u64,
    marks: Marks,
}

impl Default for Sum {
    fn default() -> Self {
        Self {
            seeds: 0,
            transactions: 0,
            events: 0,
            stops: StopFigures::default(),
            hash: 0,
            marks: Marks::none(),
        }
    }
}

impl Sum {
    /// Adds one seed.
    pub fn add(&mut self, ended: &Ended) {
        self.seeds += 1;
        self.transactions += ended.transactions;
        self.events += ended.events;
        self.hash ^= ended.hash;
        self.stops.add(&ended.stops);
        self.marks.add(&ended.marks);
    }

    /// Adds what another thread came to.
    pub fn join(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.transactions += other.transactions;
        self.events += other.events;
        self.hash ^= other.hash;
        self.stops.add(&other.stops);
        self.marks.add(&other.marks);
    }

    /// How often each thing was seen that must be seen.
    pub fn marks(&self) -> impl Iterator<Item = (&'static str, u64)> {
        NAMES.iter().copied().zip(self.marks.0)
    }

    /// What was never seen and must be.
    pub fn missing(&self) -> Vec<&'static str> {
        self.marks.missing()
    }
}
