//! The process: the loop that runs a lane, with a journal on a disk that can fail, and a power switch.

use crate::host::{Frame, is_deposit};
use crate::invariant::Invariant;
use crate::marks::Mark;
use crate::mutant::Mutant;
use crate::swarm::Fault;
use crate::truth::is_money;
use crate::world::{Coming, MS, SECOND, World};
use journal::memory::Memory;
use journal::{Act, Batch, Cause, Duty, Journal, Key, Record, Ruling, Seq, Snapshot, Vault};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use switch::{Effect, Event, Lane, Outbox, Tell};
use terms::{
    Answer, BusinessDate, Class, Code, ConnId, ForwardId, Function, LinkId, Outcome, Outgoing, SourceId,
    Text, Txn, TxnId,
};

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
    batch: Batch,
    records: Vec<Record>,
    /// Batches that are closed and wait for the disk: with an honest loop there are none.
    closed: VecDeque<(Batch, Vec<Record>)>,
    syncing: Option<Syncing>,
    spare: Option<Batch>,
    held: VecDeque<(Seq, Speech)>,
    /// The first record that is not known to be durable.
    pub(crate) durable_next: Seq,
    /// Records of the batch the disk had when the power failed.
    pub(crate) unacked: Vec<Record>,
    /// Records of a recovery that died.
    pub(crate) recovering: Vec<Record>,
    /// What a wrong rule has flipped.
    pub(crate) flipped: BTreeSet<usize>,
    pub(crate) snapshot_due: u64,
    tick_at: u64,
    /// Connections made before this number died with an earlier life.
    pub(crate) conns_from: u64,
    pub(crate) conns: u64,
    pub(crate) dates: [Option<BusinessDate>; 2],
    pub(crate) on_hold: BTreeSet<u64>,
    missed: Vec<Event>,
    outbox: Outbox,
}

struct Syncing {
    batch: Batch,
    records: Vec<Record>,
    snapshot: Option<Snapshot>,
}

/// Something to be said once its record is durable.
enum Speech {
    Request { link: LinkId, id: TxnId, request: Arc<Txn>, ours: Outgoing, meant_at: u64 },
    Answer { decision: Option<TxnId>, source: SourceId, conn: ConnId, request: Arc<Txn>, answer: Answer },
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
            snapshot_due: SNAPSHOT_EVERY,
            tick_at: u64::MAX,
            conns_from: 0,
            conns: 0,
            dates: [None; 2],
            on_hold: BTreeSet::new(),
            missed: Vec::new(),
            outbox: Outbox::new(),
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

    /// Begins a life with what recovery left.
    pub(crate) fn begin(&mut self, lane: Lane, journal: Journal<Memory>, now: u64) {
        let next = journal.position().next;
        self.batch.restart_at(next);
        self.records.clear();
        (self.lane, self.journal, self.durable_next) = (Some(lane), Some(journal), next);
        self.snapshot_due = next.0 + SNAPSHOT_EVERY;
        self.tick_at = u64::MAX;
        self.paused_until = now;
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
        for missed in std::mem::take(&mut self.process.missed) {
            self.step_now(missed);
        }
        self.step_now(event);
    }

    fn step_now(&mut self, event: Event) {
        let now = self.clocks();
        let Some(lane) = &mut self.process.lane else { return };
        let mut outbox = std::mem::take(&mut self.process.outbox);
        lane.step(now, event, &mut outbox);
        let (in_flight, most) = (lane.in_flight(), 2 * crate::recovery::IN_FLIGHT_MAX as usize);
        if in_flight > most {
            self.truth.breaks(Invariant::I42, None, format!("{in_flight} in flight"));
        }
        self.carry_out(&mut outbox);
        self.process.outbox = outbox;
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
        if life == self.process.life && self.process.tick_at <= self.now {
            self.process.tick_at = u64::MAX;
            self.step(Event::Tick);
        }
    }

    pub(crate) fn on_source_frame(&mut self, at: usize, conn: u64, txn: Txn) {
        if self.process.lane.is_none() || conn >> 16 < self.process.conns_from {
            return;
        }
        let txn = match &self.codec {
            Some(codec) => match codec.up(&txn) {
                Some(read) => read,
                None => return,
            },
            None => txn,
        };
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
        if self.mutant == Some(Mutant::GuardsArrival) && txn.code == Some(Code::NotFound) {
            self.judge_by_arrival(link, &mut txn);
        }
        self.step(Event::HostSaid { link, conn: ConnId(1_000 + u64::from(link.0)), txn });
    }

    fn judge_by_arrival(&mut self, link: LinkId, txn: &mut Txn) {
        let owed = self.truth.owed.values().find(|o| o.link == link && o.stan == txn.stan.0 && !o.ended);
        if let Some(op) = owed.map(|owed| owed.op)
            && self.now >= self.truth.ops[op].asked_at + self.truth.guard_us
        {
            (txn.code, txn.outcome) = (Some(Code::Approved), Some(Outcome::Approved));
        }
    }

    pub(crate) fn carry_out(&mut self, outbox: &mut Outbox) {
        for effect in outbox.drain() {
            if self.seed % 64 == 5 {
                self.look_for_cards(&effect);
            }
            match effect {
                Effect::Record(record) => self.record(record),
                Effect::Tell(tell) => self.hear(tell),
                Effect::Displaced { .. } | Effect::ToHostAnswer { .. } | Effect::HangUp { .. } => {}
                Effect::ToHost { link, id, request, ours, durable_first } => {
                    let meant_at = self.now;
                    self.on_meant(link, id, &request);
                    let speech = Speech::Request { link, id, request, ours, meant_at };
                    let early = self.mutant == Some(Mutant::SpeaksFirst);
                    self.say(durable_first && !early, speech);
                }
                Effect::ToSource { decision, source, conn, request, answer, durable_first } => {
                    let answer = self.on_told(source, &request, answer);
                    let early = self.mutant == Some(Mutant::TellsFirst);
                    self.say(
                        durable_first && !early,
                        Speech::Answer { decision, source, conn, request, answer },
                    );
                }
            }
        }
    }

    fn record(&mut self, record: Record) {
        self.note_record(&record);
        if self.mutant == Some(Mutant::OwesLater)
            && let Record::TimedOut { id, answer, owes: Some(forward), at } = &record
        {
            let owed = Record::Owed { id: *id, forward: *forward, why: journal::Why::Asked, at: *at };
            self.push(Record::TimedOut { id: *id, answer: *answer, owes: None, at: *at });
            let next = self.process.batch.next_seq();
            let full = std::mem::replace(&mut self.process.batch, Batch::starting_at(next));
            let records = std::mem::take(&mut self.process.records);
            self.process.closed.push_back((full, records));
            return self.push(owed);
        }
        self.push(record);
    }

    fn push(&mut self, record: Record) {
        self.process.batch.push(&record, &self.process.vault);
        self.process.records.push(record);
    }

    /// What a record says at the moment it is written, before anybody knows whether it will be durable.
    fn note_record(&mut self, record: &Record) {
        match record {
            Record::Sent(sent) | Record::Inquired(sent) | Record::Advised { sent, .. } => {
                let op = self.truth.op(sent.key, sent.kind, sent.amount.minor_units(), sent.link, false);
                self.truth.by_id.insert(sent.id.0, op);
                if let Record::Advised { .. } = record {
                    self.marks.hit(Mark::ReportBeforeRequest);
                } else {
                    self.truth.ops[op].asked_at = self.now;
                }
            }
            Record::HostDate { link, date, .. } => {
                self.process.dates[usize::from(link.0)] = Some(*date);
            }
            Record::Decided { id, owes: Some(_), .. } | Record::Owed { id, .. } => self.undoing(*id),
            Record::TimedOut { id, owes: Some(forward), .. } => match forward.duty {
                Duty::Reversal => self.undoing(*id),
                Duty::Advice => self.marks.hit(Mark::DepositAdvised),
            },
            _ => {}
        }
        self.marks_of(record);
        if self.is_telling() {
            let op = record.id().and_then(|id| self.truth.by_id.get(&id.0).copied());
            let op = op.or_else(|| match record {
                Record::Attempt { forward, .. } | Record::Forwarded { forward, .. } => {
                    self.truth.owed.get(&forward.0).map(|owed| owed.op)
                }
                _ => None,
            });
            let record = record.clone();
            self.tell(op, || format!("record {}", short(&record)));
        }
    }

    fn undoing(&mut self, id: TxnId) {
        if let Some(&op) = self.truth.by_id.get(&id.0) {
            self.truth.ops[op].undoing = true;
        }
    }

    fn marks_of(&mut self, record: &Record) {
        let reason = |reason: &Text<40>, words: &str| reason.as_str().contains(words);
        let mark = match record {
            Record::Kept(_) => Mark::ReversalBeforeRequest,
            Record::Marked { mark: journal::Mark::Reverse { .. }, .. } => Mark::ReversalInFlight,
            Record::Marked { mark: journal::Mark::Confirm, .. } => Mark::ReportInFlight,
            Record::NotSent { .. } => Mark::Unsent,
            Record::Owed { why: journal::Why::Undelivered, .. } => Mark::Undelivered,
            Record::Exception { reason: why, .. } if reason(why, "day changed") => Mark::DepositDateMismatch,
            Record::Exception { reason: why, .. } if reason(why, "reported after") => {
                Mark::ReportAfterRefusal
            }
            Record::Exception { forward: Some(_), .. } => Mark::HandedToAPerson,
            Record::Forwarded { wire_code, .. } if wire_code.as_bytes() == b"25" => Mark::NoOriginalBelieved,
            Record::Declined(declined) if declined.reason.as_str() == "too much under way" => Mark::Shed,
            Record::Ruled { .. } => Mark::Ruled,
            _ => return,
        };
        self.marks.hit(mark);
    }

    fn hear(&mut self, tell: Tell) {
        let mark = match tell {
            Tell::LateAnswer { id, outcome: Outcome::Approved, .. } => {
                self.on_late_approval(id);
                Mark::LateApproval
            }
            Tell::SecondAnswer { .. } => Mark::SecondAnswer,
            Tell::StrangeAnswer { .. } => Mark::StrangeAnswer,
            Tell::Repeated { in_flight: true, .. } => Mark::RepeatInFlight,
            Tell::Repeated { in_flight: false, .. } => Mark::RepeatDecided,
            Tell::BreakerOpened { .. } => Mark::BreakerOpened,
            _ => return,
        };
        self.marks.hit(mark);
    }

    fn on_late_approval(&mut self, id: TxnId) {
        let Some(&op) = self.truth.by_id.get(&id.0) else { return };
        self.tell(Some(op), || "the host approves, too late".into());
        let tried = self.truth.owed.values().any(|owed| owed.op == op && owed.attempts > 0);
        if tried {
            self.marks.hit(Mark::LateApprovalAfterSent);
        }
        if self.mutant == Some(Mutant::LateFlips) {
            self.process.flipped.insert(op);
        }
    }

    /// The lane means to send this now.
    fn on_meant(&mut self, link: LinkId, id: TxnId, request: &Txn) {
        let Some(&op) = self.truth.by_id.get(&id.0) else { return };
        let owed = request.message.function == Function::Advice;
        if owed && is_deposit(request.kind) {
            let today = self.process.dates[usize::from(link.0)];
            let same = today.is_none()
                || self.truth.ops[op].business_date.is_none()
                || today == self.truth.ops[op].business_date;
            self.truth
                .holds(same, Invariant::I35, op, |op| format!("day {:?}, today {today:?}", op.business_date));
        }
        if !owed {
            let free = !self.truth.ops[op].tombstone;
            self.truth.holds(free, Invariant::I20, op, |_| "asked, though taken back before".into());
        }
    }

    /// The lane means to tell this now.
    fn on_told(&mut self, source: SourceId, request: &Txn, answer: Answer) -> Answer {
        let Some(op) = self.truth.find(&key_of(source, request)) else { return answer };
        let class = (request.message.class, request.message.function);
        if self.mutant == Some(Mutant::LateFlips)
            && class == (Class::Financial, Function::Request)
            && self.process.flipped.contains(&op)
        {
            return Answer::ours(Code::Approved, Outcome::Approved);
        }
        let (approves, known) = (answer.outcome == Outcome::Approved, &self.truth.ops[op]);
        match class {
            (Class::Financial, Function::Request) if is_money(request.kind) => {
                // A stranger who reports, takes back and asks again is a person's already.
                let contradicts = approves && known.undoing && (known.honest || known.listed == 0);
                if known.tombstone && answer.code == Code::Declined {
                    self.marks.hit(Mark::RequestAfterTombstone);
                }
                if answer.code == Code::Duplicate {
                    self.marks.hit(Mark::OtherContent);
                }
                self.truth.holds(!contradicts, Invariant::I17, op, |_| "approved, while it is undone".into());
            }
            (Class::Reversal, _) | (Class::Financial, Function::Advice) if known.honest => {
                self.truth.holds(approves, Invariant::I44, op, |_| format!("answered {}", answer.code));
            }
            _ => {}
        }
        answer
    }

    fn say(&mut self, durable_first: bool, speech: Speech) {
        match durable_first {
            true => {
                let after = Seq(self.process.batch.next_seq().0 - 1);
                self.process.held.push_back((after, speech));
            }
            false => self.speak(speech),
        }
    }

    fn speak(&mut self, speech: Speech) {
        match speech {
            Speech::Request { link, id, request, ours, meant_at } => {
                self.ask_host(link, id, request, ours, meant_at);
            }
            Speech::Answer { decision, source, conn, request, answer } => {
                self.answer(decision, source, conn.0, request, &answer);
            }
        }
    }

    fn ask_host(&mut self, link: LinkId, id: TxnId, request: Arc<Txn>, ours: Outgoing, meant_at: u64) {
        let Some(conn) = self.hosts[usize::from(link.0)].conn else {
            return self.step(Event::Unsent { link, host_stan: ours.stan, id });
        };
        let op = self.truth.by_id.get(&id.0).copied();
        if let Some(op) = op {
            self.check_request(op, link, &request, ours, meant_at);
        }
        let digits = request.message.digits();
        self.tell(op, || format!("to host {}: {digits:?} stan {} repeat {}", link.0, ours.stan, ours.repeat));
        let mut frame = Frame { link, conn, op, request, ours };
        if let Some(codec) = &self.codec {
            match codec.to_host(&frame) {
                // What the host reads names its own sender's numbers; the checks need the terminal's.
                Some(read) => frame.request = Arc::new(Txn { stan: frame.request.stan, ..read }),
                None => return self.step(Event::Unsent { link, host_stan: ours.stan, id }),
            }
        }
        let is_request = frame.request.message.function == Function::Request;
        if self.mutant == Some(Mutant::DoublesFrames) && is_request && self.luck.below(8) == 0 {
            self.count_frame(op, &frame.request);
            self.transmit(frame.clone());
        }
        self.transmit(frame);
    }

    pub(crate) fn count_frame(&mut self, op: Option<usize>, request: &Txn) {
        let Some(op) = op.filter(|_| is_money(request.kind)) else { return };
        self.truth.ops[op].frames += 1;
        let once = self.truth.ops[op].frames == 1;
        self.truth.holds(once, Invariant::I13, op, |op| format!("{} frames", op.frames));
    }

    fn check_request(&mut self, op: usize, link: LinkId, request: &Txn, ours: Outgoing, meant_at: u64) {
        if request.message.function == Function::Request {
            self.count_frame(Some(op), request);
            let durable = self.truth.ops[op].id.is_some() || !is_money(request.kind);
            let same = !durable
                || !is_money(request.kind)
                || self.truth.ops[op].sent_amount == request.amount.minor_units();
            self.truth.holds(durable, Invariant::I11, op, |_| "bytes before the record".into());
            self.truth.holds(same, Invariant::I18, op, |op| format!("other content than {}", op.sent_amount));
            return;
        }
        let original = request.original.and_then(|original| original.stan);
        let names_it = original.is_none_or(|stan| stan.0 == self.truth.ops[op].host_stan);
        self.truth.holds(names_it, Invariant::I22, op, |op| format!("{original:?}, not {}", op.host_stan));
        let owed = self.truth.owed.values_mut().rev();
        let owed = owed.into_iter().find(|o| o.link == link && o.stan == ours.stan.0 && o.op == op);
        match owed {
            Some(owed) => {
                owed.tried_at = meant_at;
                let (durable, repeats) = (owed.attempts > 0, owed.attempts > 1 || !ours.repeat);
                self.truth
                    .holds(durable && repeats, Invariant::I23, op, |_| "bytes before the attempt".into());
            }
            None => self.truth.breaks(Invariant::I23, Some(op), "bytes before the attempt is durable"),
        }
    }

    fn answer(
        &mut self,
        decision: Option<TxnId>,
        source: SourceId,
        conn: u64,
        request: Arc<Txn>,
        answer: &Answer,
    ) {
        self.check_answer(source, &request, answer);
        let at = (conn & 0xFFFF) as usize;
        if self.terminals.get(at).is_none_or(|terminal| terminal.conn != Some(conn)) {
            if let Some(id) = decision {
                self.step(Event::Undelivered { source, request, id });
            }
            return;
        }
        let Some(message) = request.message.answered_by() else { return };
        let told = Txn {
            stan: request.stan,
            terminal_id: request.terminal_id,
            code: Some(answer.code),
            outcome: Some(answer.outcome),
            ..Txn::new(message)
        };
        self.deliver(at, conn, told);
    }

    pub(crate) fn deliver(&mut self, at: usize, conn: u64, told: Txn) {
        if self.strikes(Fault::TermLoss) {
            return;
        }
        let copies = 1 + u64::from(self.strikes(Fault::TermDup));
        for _ in 0..copies {
            let wait = self.leg_delay();
            self.after(wait, Coming::ToTerminal(at, conn, Box::new(told.clone())));
        }
    }

    fn check_answer(&mut self, source: SourceId, request: &Txn, answer: &Answer) {
        if (request.message.class, request.message.function) != (Class::Financial, Function::Request)
            || !is_money(request.kind)
        {
            return;
        }
        let Some(op) = self.truth.find(&key_of(source, request)) else { return };
        let known = &self.truth.ops[op];
        let ours = answer.outcome == Outcome::NotSent
            || (answer.code, answer.outcome) == (Code::Declined, Outcome::Refused);
        let said = known.decided.map(|said| (said.outcome, said.code, said.approval_code));
        let same = said == Some((answer.outcome, answer.code, answer.approval_code));
        let invariant = if said.is_none() { Invariant::I12 } else { Invariant::I19 };
        let fits = same || (ours && (said.is_none() || answer.code != Code::NoAnswer));
        self.truth.holds(fits, invariant, op, |op| format!("told {}, decided {:?}", answer.code, op.decided));
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
        let snapshot = due.then(|| snapshot_of(process.lane.as_ref(), &process.vault));
        if due {
            process.snapshot_due = last + SNAPSHOT_EVERY;
        }
        process.syncing = Some(Syncing { batch, records, snapshot });
        let life = process.life;
        let wait = match self.strikes(Fault::SlowSync) {
            true => self.luck.between(50 * MS, 2 * SECOND),
            false => self.luck.between(200, 3 * MS),
        };
        self.after(wait, Coming::Synced(life));
    }

    pub(crate) fn on_synced(&mut self, life: u64) {
        if life != self.process.life {
            return;
        }
        let process = &mut self.process;
        let (Some(mut syncing), Some(journal)) = (process.syncing.take(), process.journal.as_mut()) else {
            return;
        };
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
        for record in records {
            self.truth.apply(record);
        }
        self.truth.committed();
        if self.truth.pending() > 20 {
            self.marks.hit(Mark::Backlog);
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
        self.terminals.iter_mut().for_each(|terminal| terminal.conn = None);
        self.hosts.iter_mut().for_each(|host| host.conn = None);
        let life = self.process.life;
        let wait = self.luck.between(500 * MS, 30 * SECOND);
        self.tell(None, || "the process dies".into());
        self.after(wait, Coming::Start(life));
    }

    pub(crate) fn cut_link(&mut self, link: LinkId) {
        let host = &mut self.hosts[usize::from(link.0)];
        if host.conn.take().is_none() {
            return;
        }
        let life = self.process.life;
        let wait = self.luck.about(10 * SECOND);
        self.step(Event::LinkDown { link });
        self.after(100 * MS + wait, Coming::LinkUp(link, life));
    }

    pub(crate) fn link_up(&mut self, link: LinkId, life: u64) {
        let host = &mut self.hosts[usize::from(link.0)];
        if life != self.process.life || host.conn.is_some() {
            return;
        }
        host.lives += 1;
        host.conn = Some(host.lives);
        self.step(Event::LinkUp { link });
    }

    /// A person decides something about some owed message. What must not be sent twice they leave alone.
    pub(crate) fn rule(&mut self) {
        let open: Vec<u64> = (self.truth.owed.iter())
            .filter(|(_, owed)| !owed.ended && self.hosts[usize::from(owed.link.0)].profile.dedups_reversals)
            .map(|(id, _)| *id)
            .collect();
        if open.is_empty() {
            return;
        }
        let id = open[self.luck.below(open.len() as u64) as usize];
        let ruling =
            [Ruling::Hold, Ruling::Release, Ruling::Retry, Ruling::Settle][self.luck.below(4) as usize];
        if ruling == Ruling::Hold {
            // For good: a release may be forgotten by a crash.
            self.process.on_hold.insert(id);
        }
        self.ruled(id, ruling);
    }

    pub(crate) fn release_what_is_held(&mut self) {
        if self.process.lane.is_none() {
            return;
        }
        for id in self.process.on_hold.clone() {
            self.ruled(id, Ruling::Release);
        }
    }

    fn ruled(&mut self, id: u64, ruling: Ruling) {
        let by = Text::clipped(b"operator");
        self.step(Event::Ruled { forward: ForwardId(id), ruling, by, reason: Text::EMPTY });
    }

    fn look_for_cards(&mut self, effect: &Effect) {
        let told = format!("{effect:?}");
        let cards = |prefix: &str| {
            told.match_indices(prefix).any(|(at, _)| {
                told.as_bytes()[at..].iter().take(16).filter(|byte| byte.is_ascii_digit()).count() == 16
            })
        };
        if cards("41110000") || cards("62220000") {
            self.truth.breaks(Invariant::I45, None, "a card number is shown");
        }
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

/// A record in a few words.
fn short(record: &Record) -> String {
    match record {
        Record::Decided { answer, owes, .. } => {
            format!("decided {} owes {:?}", answer.code, owes.map(|f| f.id))
        }
        Record::TimedOut { owes, .. } => format!("timed_out owes {:?}", owes.map(|f| (f.id, f.duty))),
        Record::Owed { forward, why, .. } => format!("owed {} {why:?}", forward.id),
        Record::Attempt { forward, number, host_stan, .. } => {
            format!("attempt {number} of {forward} stan {host_stan}")
        }
        Record::Exception { reason, forward, .. } => format!("exception {forward:?} {}", reason.as_str()),
        Record::Ruled { forward, ruling, .. } => format!("ruled {forward} {ruling:?}"),
        other => other.name().to_owned(),
    }
}
