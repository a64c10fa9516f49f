//! The process: the loop that runs a lane, with a journal on a disk that can fail, and a power switch.

use crate::links::Seen;
use crate::marks::Mark;
use crate::mutant::Mutant;
use crate::recovery::StopFigures;
use crate::speech::Speech;
use crate::swarm::Fault;
use crate::world::{Coming, HOSTS, MS, SECOND, World};
use journal::memory::Memory;
use journal::{Act, Batch, Cause, Journal, Key, Record, Seq, Snapshot, Vault};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use switch::{Effect, Event, Lane, Outbox};
use terms::{BusinessDate, ConnId, LinkId, SourceId, Txn};

const SEGMENT_BYTES: u64 = 256 << 10;
const SNAPSHOT_EVERY: u64 = 150;

pub(crate) struct Process {
    /// Which start of it this is.
    pub(crate) life: u64,
    pub(crate) born: u64,
    /// How long the monotonic clock of this life stood still.
    pub(crate) stood_still: u64,
    pub(crate) stood_still_next: u64,
    pub(crate) paused_until: u64,
    pub(crate) lane: Option<Lane>,
    pub(crate) journal: Option<Journal<Memory>>,
    /// The disk, while nobody has it.
    pub(crate) disk: Option<Memory>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) batch: Batch,
    pub(crate) records: Vec<Record>,
    /// Batches that are closed and wait for the disk: with an honest loop there are none.
    pub(crate) closed: VecDeque<(Batch, Vec<Record>)>,
    syncing: Option<Syncing>,
    spare: Option<Batch>,
    pub(crate) held: VecDeque<(Seq, Speech)>,
    /// The first record that is not known to be durable.
    pub(crate) durable_next: Seq,
    /// Records of the batch the disk had when the power failed.
    pub(crate) unacked: Vec<Record>,
    /// Records of a recovery that died.
    pub(crate) recovering: Vec<Record>,
    /// What a wrong rule has flipped.
    pub(crate) flipped: BTreeSet<usize>,
    /// The disk as it was some batches ago, for a wrong rule.
    pub(crate) old_disk: Option<Memory>,
    pub(crate) snapshot_due: u64,
    tick_at: u64,
    /// Connections made before this number died with an earlier life.
    pub(crate) conns_from: u64,
    pub(crate) conns: u64,
    /// What a wrong rule keeps for the next life.
    pub(crate) outlived: Option<Speech>,
    /// Requests nobody has decided yet, and since when they are in flight, by the lane's clock.
    pub(crate) open: BTreeMap<u64, u64>,
    pub(crate) dates: [Option<BusinessDate>; HOSTS],
    /// The links, as people and peers have said.
    pub(crate) seen: [Seen; HOSTS],
    /// Orders written down about links.
    pub(crate) orders: u64,
    /// A person has not let recovery begin yet.
    pub(crate) recovery_waits: bool,
    /// When people were told last what a link is owed too long, by the lane's clock.
    pub(crate) alarmed_at: [u64; HOSTS],
    /// Messages owed as far as the lane has said, durable or not.
    pub(crate) owed: u64,
    /// What each host has to hear of since the last unclean stop, before anything new.
    pub(crate) to_tell_first: BTreeSet<(LinkId, u64)>,
    pub(crate) stops: StopFigures,
    /// For which operation each of them was ever owed.
    pub(crate) owed_for: BTreeMap<u64, usize>,
    /// Attempts nobody has answered: to which link, and when, by the lane's clock.
    pub(crate) outstanding: BTreeMap<u64, (LinkId, u64)>,
    pub(crate) on_hold: BTreeSet<u64>,
    /// A link to be cut when a request to it waits for the disk.
    pub(crate) cut_wanted: Option<LinkId>,
    /// A pause to be made when a request waits for the disk.
    pub(crate) pause_wanted: u64,
    /// Somebody waits for a moment between the legs of a transfer: to cut its second link, and to die.
    pub(crate) cut_between_legs: bool,
    pub(crate) die_between_legs: bool,
    /// Somebody waits for the end of a day to wait for the disk, to die under it.
    pub(crate) die_under_a_day: bool,
    /// A day has ended, or its totals stand: a moment to count again.
    pub(crate) totals_due: bool,
    missed: Vec<Event>,
    was_paused: bool,
    outbox: Outbox,
    effects: Vec<Effect>,
}

struct Syncing {
    batch: Batch,
    records: Vec<Record>,
    snapshot: Option<Snapshot>,
}

impl Process {
    pub(crate) fn new(secret: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&secret.to_le_bytes());
        Self {
            life: 0,
            born: 0,
            stood_still: 0,
            stood_still_next: 0,
            paused_until: 0,
            lane: None,
            journal: None,
            disk: Some(Memory::new(SEGMENT_BYTES)),
            vault: Arc::new(Vault::new(key, 0)),
            batch: Batch::starting_at(Seq(1)),
            records: Vec::new(),
            closed: VecDeque::new(),
            syncing: None,
            spare: None,
            held: VecDeque::new(),
            durable_next: Seq(1),
            unacked: Vec::new(),
            recovering: Vec::new(),
            flipped: BTreeSet::new(),
            old_disk: None,
            snapshot_due: SNAPSHOT_EVERY,
            tick_at: u64::MAX,
            conns_from: 0,
            conns: 0,
            outlived: None,
            open: BTreeMap::new(),
            dates: [None; HOSTS],
            seen: [Seen::default(); HOSTS],
            orders: 0,
            recovery_waits: false,
            alarmed_at: [0; HOSTS],
            owed: 0,
            to_tell_first: BTreeSet::new(),
            stops: StopFigures::default(),
            owed_for: BTreeMap::new(),
            outstanding: BTreeMap::new(),
            on_hold: BTreeSet::new(),
            cut_wanted: None,
            pause_wanted: 0,
            cut_between_legs: false,
            die_between_legs: false,
            die_under_a_day: false,
            totals_due: false,
            missed: Vec::new(),
            was_paused: false,
            outbox: Outbox::new(),
            effects: Vec::new(),
        }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.lane.as_ref().is_some_and(|lane| lane.in_flight() == 0 && lane.pending() == 0)
            && self.batch.is_empty()
            && self.closed.is_empty()
            && self.syncing.is_none()
            && self.held.is_empty()
    }

    /// Disks stop failing.
    pub(crate) fn heal(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.storage_mut().restart();
        }
    }

    pub(crate) fn pause(&mut self, until: u64) {
        (self.paused_until, self.was_paused) = (until, true);
    }

    /// Begins a life with what recovery left.
    pub(crate) fn begin(&mut self, lane: Lane, journal: Journal<Memory>, now: u64) {
        let next = journal.position().next;
        self.batch.restart_at(next);
        self.records.clear();
        self.owed = lane.pending() as u64;
        (self.lane, self.journal, self.durable_next) = (Some(lane), Some(journal), next);
        self.snapshot_due = next.0 + SNAPSHOT_EVERY;
        self.tick_at = u64::MAX;
        self.paused_until = now;
        self.was_paused = false;
        self.alarmed_at = [0; HOSTS];
        self.outstanding.clear();
        self.open.clear();
        self.conns_from = self.conns + 1;
    }
}

impl World {
    /// One event for the lane, and all it wants done.
    pub(crate) fn step(&mut self, event: Event) {
        if self.process.paused_until > self.now {
            return self.process.missed.push(event);
        }
        if self.process.stood_still_next > 0 {
            self.process.stood_still += std::mem::take(&mut self.process.stood_still_next);
        }
        if std::mem::take(&mut self.process.was_paused) {
            self.on_resumed();
        }
        for missed in std::mem::take(&mut self.process.missed) {
            self.step_now(missed);
        }
        self.step_now(event);
    }

    fn on_resumed(&mut self) {
        let (now, lane) = (self.clocks().instant, self.process.lane.as_ref());
        let is_late = lane.is_some_and(|lane| {
            lane.in_flight() > 0 && lane.next_deadline().is_some_and(|deadline| deadline <= now)
        });
        if is_late {
            self.marks.hit(Mark::Zombie);
        }
    }

    fn step_now(&mut self, event: Event) {
        let now = self.clocks();
        let Some(event) = self.sabotage_event(event) else { return };
        let heard = self.before_step(&event);
        let Some(lane) = &mut self.process.lane else { return };
        let is_tick = matches!(event, Event::Tick);
        let mut outbox = std::mem::take(&mut self.process.outbox);
        let mut effects = std::mem::take(&mut self.process.effects);
        lane.step(now, event, &mut outbox);
        effects.extend(outbox.drain());
        self.process.outbox = outbox;
        self.sabotage_effects(&mut effects);
        self.look_at(heard, &effects);
        self.note_answered(heard, &effects);
        self.carry_out(&mut effects);
        self.process.effects = effects;
        self.after_step(is_tick);
        self.submit();
        self.wake();
    }

    /// Asks to be woken when the lane wants it, and twice a minute for the calendar.
    fn wake(&mut self) {
        let Some(lane) = &self.process.lane else { return };
        let process = &self.process;
        let deadline =
            lane.next_deadline().map_or(u64::MAX, |at| at.as_us() + process.born + process.stood_still);
        let wanted = deadline.max(self.now).min(self.now + 30 * SECOND);
        if wanted < self.process.tick_at || self.process.tick_at <= self.now {
            self.process.tick_at = wanted;
            let life = self.process.life;
            self.after(wanted - self.now, Coming::Tick(life));
        }
    }

    pub(crate) fn on_tick(&mut self, life: u64) {
        if life != self.process.life || self.process.tick_at > self.now {
            return;
        }
        self.process.tick_at = u64::MAX;
        if !(self.calm && self.mutant == Some(Mutant::Stops)) {
            self.step(Event::Tick);
        }
    }

    pub(crate) fn on_source_frame(&mut self, at: usize, conn: u64, txn: Txn) {
        if self.process.lane.is_none() || conn >> 16 < self.process.conns_from {
            return;
        }
        let Some(txn) = self.read_of_terminal(at, txn) else { return };
        assert!(
            self.mutant != Some(Mutant::Panics) || txn.stan != terms::Stan(0),
            "the wrong rule wants a trace number"
        );
        let source = self.source_of(&txn);
        let op = self.truth.find(&key_of(source, &txn));
        let digits = txn.message.digits();
        self.tell(op, || format!("switch hears {digits:?} of terminal {at}"));
        if self.mutant_hears(at, conn, op, &txn) {
            return;
        }
        self.step(Event::Asked { source, conn: ConnId(conn), txn });
    }

    pub(crate) fn on_host_frame(&mut self, link: LinkId, conn: u64, mut txn: Txn) {
        if self.hosts[usize::from(link.0)].conn != Some(conn) {
            return;
        }
        self.mutant_judges(link, &mut txn);
        self.hear_host(link, txn, conn);
    }

    /// The lane hears what a host has said.
    pub(crate) fn hear_host(&mut self, link: LinkId, txn: Txn, conn: u64) {
        self.hear_of_link(link, &txn);
        self.step(Event::HostSaid { link, conn: ConnId(conn), txn });
    }

    pub(crate) fn push(&mut self, record: Record) {
        self.process.batch.push(&record, &self.process.vault);
        self.process.records.push(record);
    }

    /// Gives the disk the next batch when it is idle.
    fn submit(&mut self) {
        let process = &mut self.process;
        if process.syncing.is_some() || process.journal.is_none() {
            return;
        }
        let (batch, records) = match process.closed.pop_front() {
            Some(closed) => closed,
            None if process.batch.is_empty() => return,
            None => {
                let next = process.batch.next_seq();
                let mut fresh = process.spare.take().unwrap_or_else(|| Batch::starting_at(next));
                fresh.restart_at(next);
                let full = std::mem::replace(&mut process.batch, fresh);
                (full, std::mem::take(&mut process.records))
            }
        };
        let last = batch.next_seq().0;
        let due = last >= process.snapshot_due && process.closed.is_empty() && process.batch.is_empty();
        let snapshot = due.then(|| self.take_snapshot());
        let process = &mut self.process;
        if due {
            process.totals_due = true;
            process.snapshot_due = last + SNAPSHOT_EVERY * self.swarm.snapshots_apart;
        }
        process.syncing = Some(Syncing { batch, records, snapshot });
        let life = process.life;
        let wait = match self.strikes(Fault::SlowSync) {
            // A disk that hangs for longer than anybody waits for an answer.
            true if self.luck.below(10) == 0 => self.luck.between(25 * SECOND, 45 * SECOND),
            true => self.luck.between(50 * MS, 2 * SECOND),
            false => self.luck.between(200, 3 * MS),
        };
        let wait = if self.dies_under_a_day() { 60 * MS } else { wait };
        self.after(wait, Coming::Synced(life));
        self.cut_under_a_request();
        self.pause_under_a_request();
        self.die_under_a_credit();
    }

    /// The death that waits for a day to end: a slow disk has the record of it, and loses it perhaps.
    fn dies_under_a_day(&mut self) -> bool {
        let ends = |record: &Record| matches!(record, Record::HostDate { .. });
        let syncing = self.process.syncing.as_ref();
        let dies = self.process.die_under_a_day && syncing.is_some_and(|s| s.records.iter().any(ends));
        if dies {
            self.process.die_under_a_day = false;
            self.marks.hit(Mark::CrashUnderADay);
            self.after(30 * MS, Coming::Dies(self.process.life));
        }
        dies
    }

    pub(crate) fn on_synced(&mut self, life: u64) {
        if life != self.process.life {
            return;
        }
        let process = &mut self.process;
        let (Some(mut syncing), Some(journal)) = (process.syncing.take(), process.journal.as_mut()) else {
            return;
        };
        if self.mutant == Some(Mutant::Lies) && syncing.batch.next_seq().0 % 4 == 0 {
            process.old_disk = Some(journal.storage().clone());
        }
        if journal.commit(&mut syncing.batch).is_err() {
            self.marks.hit(Mark::DiskFailed);
            self.process.unacked = syncing.records;
            return self.power_off();
        }
        if let Some(snapshot) = &syncing.snapshot
            && journal.keep_snapshot(snapshot).is_err()
        {
            self.marks.hit(Mark::DiskFailed);
        }
        process.durable_next = journal.position().next;
        process.spare = Some(syncing.batch);
        self.durable(&syncing.records);
        if self.strikes(Fault::CrashAgain) && self.luck.below(40) == 0 {
            self.marks.hit(Mark::CrashAfterSync);
            return self.power_off();
        }
        self.release();
        self.submit();
    }

    pub(crate) fn durable(&mut self, records: &[Record]) {
        self.truth.lane_now = self.clocks().instant.as_us();
        for record in records {
            let settled = self.settled_by(record);
            self.truth.apply(record);
            self.count(record);
            self.durable_order(record);
            settled.iter().for_each(|owed| self.put_right_by_hand(owed));
        }
        self.truth.committed();
        let pending = self.truth.pending();
        if pending > 20 {
            self.marks.hit(Mark::Backlog);
        }
        if pending > 1_000 {
            self.marks.hit(Mark::Flood);
        }
    }

    fn release(&mut self) {
        while let Some((after, _)) = self.process.held.front()
            && *after < self.process.durable_next
        {
            let Some((_, speech)) = self.process.held.pop_front() else { return };
            self.speak(speech);
        }
    }

    pub(crate) fn fail_disk(&mut self) {
        let act = [Act::Sync, Act::Write][self.luck.below(2) as usize];
        if let Some(journal) = &mut self.process.journal {
            journal.storage_mut().fail(act, 0, Cause::Os(5));
        }
    }

    /// The process dies here and now.
    pub(crate) fn crash(&mut self) {
        if self.process.lane.is_none() {
            return;
        }
        if let Some(mut syncing) = self.process.syncing.take() {
            self.marks.hit(Mark::CrashWithSyncRunning);
            self.process.unacked = std::mem::take(&mut syncing.records);
            if self.luck.below(4) > 0 {
                // The bytes are on their way: any of them may arrive.
                let nth = self.luck.below(4) as u32;
                if let Some(journal) = &mut self.process.journal {
                    journal.storage_mut().fail(Act::Sync, nth, Cause::Os(5));
                    let _ = journal.commit(&mut syncing.batch);
                }
            }
        }
        self.power_off();
    }

    fn power_off(&mut self) {
        self.mark_deaths_between_legs();
        self.mark_deaths_under_totals();
        self.count_from_the_disk();
        self.keep_for_the_next_life();
        self.process.stops.found_again += self.process.to_tell_first.len() as u64;
        self.process.to_tell_first.clear();
        let coin = self.luck.next();
        let process = &mut self.process;
        let Some(mut disk) = process.journal.take().map(Journal::into_storage) else { return };
        match coin % 3 {
            0 => disk.restart(),
            _ => disk.crash_by_seed(coin),
        }
        process.disk = Some(disk);
        process.life += 1;
        process.lane = None;
        process.closed.clear();
        process.held.clear();
        process.missed.clear();
        process.syncing = None;
        process.records.clear();
        process.paused_until = 0;
        process.stood_still_next = 0;
        self.sabotage_disk();
        self.terminals.iter_mut().for_each(|terminal| terminal.conn = None);
        self.on_death_of_links();
        self.errands_die();
        self.process.recovery_waits = false;
        self.hosts.iter_mut().for_each(|host| host.conn = None);
        let life = self.process.life;
        let wait = self.luck.between(500 * MS, 30 * SECOND);
        self.tell_all(|| "the process dies".into());
        self.after(wait, Coming::Start(life));
    }

    pub(crate) fn cut_link(&mut self, link: LinkId, for_us: u64) {
        let host = &mut self.hosts[usize::from(link.0)];
        if host.conn.take().is_none() {
            return;
        }
        let life = self.process.life;
        self.tell_all(|| format!("link {} is cut for {} s", link.0, for_us / SECOND));
        self.step(Event::LinkDown { link });
        self.after(100 * MS + for_us, Coming::LinkUp(link, life));
    }

    /// Begins the pause that waits for a request that waits for the disk.
    fn pause_under_a_request(&mut self) {
        let waits = |(_, speech): &(Seq, Speech)| matches!(speech, Speech::Request { .. });
        if self.process.pause_wanted > 0 && self.process.held.iter().any(waits) {
            let wait = std::mem::take(&mut self.process.pause_wanted);
            self.process.pause(self.now + wait);
        }
    }

    /// Cuts the link for which somebody waits until a request to it waits for the disk.
    fn cut_under_a_request(&mut self) {
        let Some(link) = self.process.cut_wanted else { return };
        let waits = |speech: &Speech| matches!(speech, Speech::Request { link: to, .. } if *to == link);
        if self.process.held.iter().any(|(_, speech)| waits(speech)) {
            self.process.cut_wanted = None;
            let wait = self.luck.about(10 * SECOND);
            self.cut_link(link, wait);
        }
    }

    pub(crate) fn link_up(&mut self, link: LinkId, life: u64) {
        let host = &mut self.hosts[usize::from(link.0)];
        if life != self.process.life || self.process.lane.is_none() || host.conn.is_some() {
            return;
        }
        if host.away_until > self.now && !self.calm {
            let wait = host.away_until - self.now;
            return self.after(wait, Coming::LinkUp(link, life));
        }
        host.lives += 1;
        host.conn = Some(host.lives);
        self.tell_all(|| format!("link {} is up", link.0));
        self.step(Event::LinkUp { link });
        self.send_from_the_last_life(link);
    }
}

pub(crate) fn snapshot_of(lane: Option<&Lane>, vault: &Vault) -> Snapshot {
    let mut snapshot = Snapshot::new();
    if let Some(lane) = lane {
        lane.snapshot(|record| snapshot.push(&record, vault));
    }
    snapshot
}

pub(crate) fn key_of(source: SourceId, txn: &Txn) -> Key {
    Key { source, terminal_id: txn.terminal_id, stan: txn.stan, local_time: txn.local_time }
}
