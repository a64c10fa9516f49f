//! The start of a process: journal, fold, what was left open, and deaths in the middle of it.

use crate::invariant::Invariant;
use crate::links::ECHO_MISSES_MAX;
use crate::luck::mix;
use crate::marks::Mark;
use crate::mutant::Mutant;
use crate::process::snapshot_of;
use crate::speech::REPLY_TIMEOUT_MS;
use crate::swarm::Fault;
use crate::transfer::with_receivers;
use crate::world::{Coming, HOSTS, MS, World};
use journal::memory::Memory;
use journal::{Act, Batch, Cause, Journal, Record, Recovered, Seq, Storage, Vault};
use std::sync::Arc;
use switch::{
    BreakerConfig, Consistency, Effect, Event, ForwardConfig, Lane, LaneConfig, LinkConfig, Management,
    Outbox, Replay, Route, Routes, Secrets, SourceConfig, Standing, Timers,
};
use terms::{ForwardId, Instant, LinkId, Now, Pairing, Text};

pub(crate) const IN_FLIGHT_MAX: u32 = 40;
/// What the links are called.
pub(crate) const LINK_NAMES: [&str; HOSTS] = ["bank", "cards", "net"];

/// The ends of the process that were not in order, and what came of what they left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StopFigures {
    /// How many.
    pub stops: u64,
    /// Messages that were owed at the restart: system cancels and advices, those of stops before among them.
    pub found: u64,
    /// Of these, attempted before anything new went to their host.
    pub attempted: u64,
    /// Of these, ended by a person, or handed to one.
    pub to_people: u64,
    /// Of these, still waiting when the next death came, and found again.
    pub found_again: u64,
}

/// A lane that came back, and what it writes before it may go on.
struct Back<S> {
    lane: Lane,
    journal: Journal<S>,
    found: Recovered,
    batch: Batch,
    records: Vec<Record>,
    was_open: usize,
}

impl StopFigures {
    pub(crate) fn add(&mut self, other: &Self) {
        self.stops += other.stops;
        self.found += other.found;
        self.attempted += other.attempted;
        self.to_people += other.to_people;
        self.found_again += other.found_again;
    }

    /// Whether nothing that was found was left out.
    pub fn is_whole(&self) -> bool {
        self.found == self.attempted + self.to_people + self.found_again
    }
}

impl World {
    pub(crate) fn start(&mut self, life: u64) {
        if life != self.process.life || self.process.lane.is_some() {
            return;
        }
        let Some(mut disk) = self.process.disk.take() else { return };
        (self.process.born, self.process.stood_still) = (self.now, 0);
        let now = self.clocks();
        let config = self.lane_config();
        let vault = self.process.vault.clone();
        let mut allowed = Vec::new();
        if self.strikes(Fault::CrashAgain) {
            self.marks.hit(Mark::CrashInRecovery);
            let undisturbed =
                |disk: Memory| come_back(disk, now, &config, &vault).map(|back| back.state(&vault));
            allowed.extend(undisturbed(disk.clone()));
            let mut without_tail = disk.clone();
            without_tail.crash(|_, _| false);
            if !self.die_recovering(&mut disk, now, &config) {
                // It died before what it read was durable, and did nothing by it: a tail that nobody was told
                // of may be gone for good.
                self.marks.hit(Mark::CrashBeforeTailDurable);
                allowed.extend(undisturbed(without_tail));
            }
        }
        let config = match self.mutant {
            Some(Mutant::Wavers) if !allowed.is_empty() => LaneConfig { remembered_max: 16, ..config },
            _ => config,
        };
        match come_back(disk, now, &config, &vault) {
            Ok(back) => self.resume(back, &allowed),
            Err(why) => self.truth.breaks(Invariant::I29, None, why),
        }
    }

    /// Recovers as far as some point, and dies there. Whether the journal was open by then: from there on what
    /// it found is durable, and stays.
    fn die_recovering(&mut self, disk: &mut Memory, now: Now, config: &LaneConfig) -> bool {
        let vault = self.process.vault.clone();
        let point = self.luck.below(4);
        if point == 0 {
            let nth = self.luck.below(2) as u32;
            disk.fail(Act::Sync, nth, Cause::Os(5));
        }
        let back = come_back(&mut *disk, now, config, &vault);
        let was_open = back.is_ok();
        if let Ok(back) = &back {
            self.check_found(back.found.position.next.0);
        }
        if let (2 | 3, Ok(Back { mut journal, mut batch, records, .. })) = (point, back) {
            if point == 2 {
                journal.storage_mut().fail(Act::Sync, 0, Cause::Os(5));
            }
            let _ = journal.commit(&mut batch);
            self.process.recovering = records;
        }
        match self.luck.below(2) {
            0 => disk.restart(),
            _ => disk.crash_by_seed(self.luck.next()),
        }
        self.tell_all(|| format!("recovery dies, the journal open: {was_open}"));
        was_open
    }

    /// Goes on from a recovery that ends in one of the `allowed` states; any will do where none is named.
    fn resume(&mut self, mut back: Back<Memory>, allowed: &[u64]) {
        let life = self.process.life;
        self.check_found(back.found.position.next.0);
        let state = back.state(&self.process.vault);
        if !allowed.is_empty() && !allowed.contains(&state) {
            self.truth.breaks(Invariant::I27, None, "recovery after a death in recovery ends elsewhere");
        }
        self.marks_of_recovery(&back);
        if self.mutant == Some(Mutant::Abandons) {
            back.abandon_one(&self.process.vault);
        }
        if back.journal.commit(&mut back.batch).is_err() {
            return self.truth.breaks(Invariant::I29, None, "a whole disk refuses the first batch");
        }
        let reopened = self.open_requests();
        self.durable(&back.records);
        if let Some(op) = self.open_requests().first().copied() {
            self.truth.breaks(Invariant::I40, Some(op), "open before the death, and open after the restart");
        }
        self.truth.forget_attempts();
        let (owed, known) = (back.lane.pending() as u64, self.truth.pending());
        if owed != known {
            self.truth.breaks(
                Invariant::I24,
                None,
                format!("{owed} owed after a restart, {known} by the journal"),
            );
        }
        for op in &mut self.truth.ops {
            (op.undoing, op.a_persons) = (op.undone, op.is_listed());
        }
        let status = back.lane.status();
        let dates = core::array::from_fn(|at| status.links.get(at).and_then(|link| link.date));
        self.process.dates = dates;
        let held = |id: u64| {
            let seen = back.lane.owed_one(Instant::default(), ForwardId(id));
            seen.is_none_or(|seen| seen.standing == Standing::Held)
        };
        self.process.to_tell_first =
            self.truth.owed_to.iter().filter(|(_, id)| !held(*id)).copied().collect();
        let stops = &mut self.process.stops;
        stops.stops += u64::from(life > 0);
        stops.found += self.process.to_tell_first.len() as u64;
        let mut lane = back.lane;
        let waits = self.swarm.recovery_asks && lane.is_recovering();
        if waits {
            self.marks.hit(Mark::RecoveryWaits);
            if self.mutant != Some(Mutant::Hurries) {
                lane.wait_for_recovery();
            }
        }
        self.process.begin(lane, back.journal, self.now);
        self.process.recovery_waits = waits;
        self.tell_all(|| "the process is back".into());
        self.recount();
        self.look_at_orders();
        self.open_doors(reopened);
    }

    fn open_doors(&mut self, reopened: Vec<usize>) {
        self.leave_ajar();
        self.dial_modules();
        let life = self.process.life;
        for at in 0..HOSTS {
            let wait = self.luck.between(10 * MS, 500 * MS);
            self.after(wait, Coming::LinkUp(LinkId(at as u16), life));
            if !self.hosts[at].profile.day_is_calendar && self.process.dates[at].is_none() {
                // Nobody has told it yet.
                let (link, date) = (LinkId(at as u16), self.hosts[at].day);
                self.step(Event::HostDate { link, date });
            }
        }
        self.step(Event::Tick);
        if self.strikes(Fault::Operator) {
            // Somebody was waiting for it to come back.
            self.rule();
        }
        if self.calm {
            self.release_what_is_held();
        }
        if self.mutant == Some(Mutant::AsksAgain) {
            reopened.into_iter().for_each(|op| self.ask_again(op));
        }
    }

    /// Requests that are open as far as the disk knows.
    fn open_requests(&self) -> Vec<usize> {
        let open = |op: &crate::truth::Op| op.id.is_some() && op.decided.is_none();
        (self.truth.ops.iter().enumerate()).filter(|(_, op)| open(op)).map(|(at, _)| at).collect()
    }

    /// Every acknowledged record is there; beyond them one batch that was under way, whole, or nothing.
    fn check_found(&mut self, found: u64) {
        let durable = self.process.durable_next.0;
        let mut under_way = std::mem::take(&mut self.process.unacked);
        under_way.append(&mut self.process.recovering);
        let batch = under_way.len() as u64;
        if found != durable && found != durable + batch {
            let why = format!("{found} records found, {durable} durable, {batch} under way");
            return self.truth.breaks(Invariant::I28, None, why);
        }
        if found > durable {
            self.marks.hit(Mark::UnackedBatchKept);
            self.durable(&under_way);
            self.process.durable_next = Seq(found);
        }
    }

    fn marks_of_recovery(&mut self, back: &Back<Memory>) {
        let marks = [
            (back.found.cut.is_some(), Mark::TornTailCut),
            (back.found.snapshot.is_some(), Mark::SnapshotFolded),
            (back.was_open > 0, Mark::InFlightAtRestart),
            (back.lane.pending() > 0, Mark::OwedAtRestart),
        ];
        marks.into_iter().filter(|(seen, _)| *seen).for_each(|(_, mark)| self.marks.hit(mark));
    }

    /// A digest of all the lane knows.
    pub(crate) fn state_hash(&self) -> u64 {
        state_of(self.process.lane.as_ref(), &self.process.vault)
    }

    fn lane_config(&self) -> LaneConfig {
        let link = |at: usize, name: &str| {
            let mut host = self.hosts[at].profile;
            host.tombstones |= self.mutant == Some(Mutant::Believes);
            host.dedups_reversals |= self.mutant == Some(Mutant::Trusts);
            LinkConfig {
                name: Text::clipped(name.as_bytes()),
                reply_timeout_ms: REPLY_TIMEOUT_MS,
                in_flight_max: IN_FLIGHT_MAX,
                pairing: Pairing { terminal_id: true, rrn: true, ..Pairing::default() },
                breaker: BreakerConfig { requests_min: self.swarm.breaker_min, ..BreakerConfig::default() },
                transmits_utc: true,
                host,
                forward: ForwardConfig {
                    window: self.swarm.window,
                    recovery_first: self.mutant != Some(Mutant::Rushes),
                    catch_up_window: self.swarm.catch_up_window.min(self.swarm.window),
                    ..ForwardConfig::default()
                },
                timers: Timers { control_ms: 15_000, close_ms: 15_000, echo_ms: 10_000, ..Timers::default() },
                management: Management {
                    sign_on: self.swarm.links[at].sign_on,
                    sign_on_retry_ms: 10_000,
                    echo_idle_ms: self.swarm.links[at].echo_idle_ms,
                    echo_misses_max: if self.mutant == Some(Mutant::Clings) {
                        1_000
                    } else {
                        ECHO_MISSES_MAX
                    },
                    types: self.swarm.links[at].types,
                    ..Management::default()
                },
                reconciliation: self.swarm.links[at].recon.map(|recon| recon.config()),
            }
        };
        let line = |prefix: &str, link, name: &str| Route {
            prefix: Text::clipped(prefix.as_bytes()),
            source: None,
            kind: None,
            link: LinkId(link),
            name: Text::clipped(name.as_bytes()),
        };
        let source = |name: &str, consistency| SourceConfig {
            name: Text::clipped(name.as_bytes()),
            terminal_required: true,
            consistency,
            per_terminal_max: self.swarm.per_terminal_max,
            ..SourceConfig::default()
        };
        LaneConfig {
            sources: vec![source("atms", Some(Consistency::Reversal)), source("kiosks", None)],
            links: (0..HOSTS).map(|at| link(at, LINK_NAMES[at])).collect(),
            routes: with_receivers(Routes::new(vec![
                line("4", 0, "four"),
                line("6", 1, "six"),
                line("5", 2, "five"),
            ])),
            remembered_max: if self.swarm.days > 0 { 1 << 14 } else { 4_096 },
            remembered_min_s: 0,
            in_flight_max: if self.mutant == Some(Mutant::Floods) { 0 } else { self.swarm.in_flight_max },
            ..LaneConfig::default()
        }
    }
}

impl<S: Storage> Back<S> {
    /// One of the decisions it owes is not written down.
    fn abandon_one(&mut self, vault: &Vault) {
        let is_decision = |record: &Record| matches!(record, Record::TimedOut { .. });
        if let Some(at) = self.records.iter().position(is_decision) {
            self.records.remove(at);
            self.batch = Batch::starting_at(self.journal.position().next);
            for record in &self.records {
                self.batch.push(record, vault);
            }
        }
    }

    fn state(&self, vault: &Vault) -> u64 {
        state_of(Some(&self.lane), vault)
    }
}

/// From a disk to a lane, up to the batch that has to be durable before business begins.
fn come_back<S: Storage>(
    disk: S,
    now: Now,
    config: &LaneConfig,
    vault: &Arc<Vault>,
) -> Result<Back<S>, String> {
    let nothing = LaneConfig { remembered_max: config.remembered_max, ..LaneConfig::default() };
    let secrets = Secrets { fingerprint: [7; 16], vault: vault.clone() };
    let mut replay = Replay::into_lane(Lane::new(nothing, secrets));
    let mut wrong = None;
    let opened = Journal::open(disk, 0, &mut |record| {
        if wrong.is_none() {
            wrong = replay.apply(record).err();
        }
    });
    let (journal, found) = opened.map_err(|error| error.to_string())?;
    if let Some(wrong) = wrong {
        return Err(wrong.to_string());
    }
    let was_open = replay.open();
    let mut outbox = Outbox::new();
    let configure = |_: &Lane| config.clone();
    let lane = replay.finish(now, configure, &mut outbox).map_err(|error| error.to_string())?;
    let mut batch = Batch::starting_at(journal.position().next);
    let mut records = Vec::new();
    for effect in outbox.drain() {
        if let Effect::Record(record) = effect {
            batch.push(&record, vault);
            records.push(record);
        }
    }
    Ok(Back { lane, journal, found, batch, records, was_open })
}

fn state_of(lane: Option<&Lane>, vault: &Vault) -> u64 {
    const HEAD_BYTES: usize = 80;
    const SUM_BYTES: usize = 32;
    let position = journal::Position { segment: 0, offset: 0, next: Seq(0), chain: [0; 32] };
    let bytes = snapshot_of(lane, vault).seal(0, &position);
    let records = &bytes[HEAD_BYTES..bytes.len() - SUM_BYTES];
    records.chunks(8).fold(records.len() as u64, |hash, piece| {
        let mut word = [0; 8];
        word[..piece.len()].copy_from_slice(piece);
        mix(hash ^ u64::from_le_bytes(word))
    })
}
