//! A world of terminals, links, hosts, disks and clocks around one lane: the same code that runs in the
//! program, in virtual time, on one thread, with every fault drawn from a seed. The same seed is the same run.
//!
//! Of a run three journals are compared: what each terminal did with its cash, what the switch recorded, what
//! each host's ledger holds ([`Invariant`]). First with faults, then without, until everything rests.
#![forbid(unsafe_code)]

mod codec;
mod host;
mod invariant;
mod luck;
mod marks;
mod mutant;
mod process;
mod recovery;
mod swarm;
mod terminal;
mod truth;
mod world;
mod wrong;

pub use invariant::{Broken, Invariant, NOT_CHECKED};
pub use mutant::Mutant;
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

/// The faults without which a failing seed does not fail, with their rates.
pub fn minimise(seed: u64, manner: Manner) -> Vec<(&'static str, u32)> {
    let fails = |swarm: &Swarm| {
        World::new(seed, swarm.clone(), manner.mutant, manner.money_only, false).run().broken.is_some()
    };
    let mut swarm = swarm_of(seed, manner);
    let faults: Vec<_> = swarm.faults().collect();
    for (fault, ..) in faults {
        let less = swarm.without(fault);
        if fails(&less) {
            swarm = less;
        }
    }
    swarm.faults().map(|(_, name, rate)| (name, rate)).collect()
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
    /// The digests of all seeds, joined without regard to their order.
    pub hash: u64,
    marks: Marks,
}

impl Default for Sum {
    fn default() -> Self {
        Self { seeds: 0, transactions: 0, events: 0, hash: 0, marks: Marks::none() }
    }
}

impl Sum {
    /// Adds one seed.
    pub fn add(&mut self, ended: &Ended) {
        self.seeds += 1;
        self.transactions += ended.transactions;
        self.events += ended.events;
        self.hash ^= ended.hash;
        self.marks.add(&ended.marks);
    }

    /// Adds what another thread came to.
    pub fn join(&mut self, other: &Self) {
        self.seeds += other.seeds;
        self.transactions += other.transactions;
        self.events += other.events;
        self.hash ^= other.hash;
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
