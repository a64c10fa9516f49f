//! A lane with hands: asks, answers, waits, and remembers what came out.
#![allow(dead_code, reason = "each test file uses what it needs")]

use journal::{Record, Vault};
use std::sync::Arc;
use switch::{
    BreakerConfig, Consistency, Effect, Event, ForwardConfig, HostProfile, Lane, LaneConfig, LinkConfig,
    Outbox, Replay, Route, Routes, Secrets, SourceConfig, Tell,
};
use terms::{
    Amount, Answer, Code, ConnId, Instant, Kind, LinkId, MessageType, Now, Outcome, Outgoing, Pairing, Pan,
    SourceId, Stan, Text, Timestamp, Txn, TxnId,
};

pub(crate) const REPLY_TIMEOUT_MS: u32 = 30_000;
pub(crate) const TILL: SourceId = SourceId(0);
pub(crate) const BANK: LinkId = LinkId(0);
pub(crate) const CARDS: LinkId = LinkId(1);

pub(crate) fn secrets() -> Secrets {
    Secrets { fingerprint: [7; 16], vault: Arc::new(Vault::new([1; 32], 0)) }
}

pub(crate) struct World {
    pub(crate) lane: Lane,
    pub(crate) now: Now,
    pub(crate) config: LaneConfig,
    /// Everything ever recorded, in order.
    pub(crate) journal: Vec<Record>,
    /// Everything asked of hosts since the last start.
    pub(crate) asked: Vec<(LinkId, TxnId, Outgoing)>,
    last_asked: Option<Txn>,
    /// Everything recorded, counted as somebody with the whole journal counts it.
    book: book::Book,
    out: Outbox,
}

/// What one step left behind.
#[derive(Debug, Default)]
pub(crate) struct Left {
    pub(crate) records: Vec<Record>,
    pub(crate) asked: Vec<(LinkId, TxnId, Outgoing, bool)>,
    pub(crate) answers: Vec<(ConnId, Answer, bool)>,
    pub(crate) told: Vec<Tell>,
    /// Links whose connections are to be broken.
    pub(crate) hung_up: Vec<LinkId>,
    /// How exchanges of keys ended: what the host said, or nothing.
    pub(crate) keys_told: Vec<(LinkId, Option<Code>)>,
    /// What sources were told of their own accord.
    pub(crate) announced: Vec<(SourceId, Arc<Txn>, Outgoing)>,
    /// One letter an effect, in order: `r`ecord, `h`ost, `s`ource, `t`ell.
    pub(crate) order: String,
}

impl Left {
    pub(crate) fn answer(&self) -> (Code, Outcome) {
        let [(_, answer, _)] = self.answers.as_slice() else { panic!("one answer, not {:?}", self.answers) };
        (answer.code, answer.outcome)
    }

    pub(crate) fn asked_once(&self) -> (LinkId, TxnId, Outgoing) {
        let [(link, id, ours, _)] = self.asked.as_slice() else {
            panic!("one question, not {:?}", self.asked)
        };
        (*link, *id, *ours)
    }

    pub(crate) fn record_names(&self) -> Vec<&'static str> {
        self.records.iter().map(Record::name).collect()
    }
}

pub(crate) fn config() -> LaneConfig {
    let link = |name: &str| LinkConfig {
        name: Text::clipped(name.as_bytes()),
        reply_timeout_ms: REPLY_TIMEOUT_MS,
        in_flight_max: 3,
        pairing: Pairing { terminal_id: true, rrn: true, ..Pairing::default() },
        breaker: BreakerConfig { requests_min: 4, ..BreakerConfig::default() },
        transmits_utc: true,
        host: HostProfile::default(),
        forward: ForwardConfig::default(),
        ..LinkConfig::retired(Text::EMPTY)
    };
    let line = |prefix: &str, link, name: &str| Route {
        prefix: Text::clipped(prefix.as_bytes()),
        source: None,
        kind: None,
        link,
        name: Text::clipped(name.as_bytes()),
    };
    LaneConfig {
        sources: vec![SourceConfig {
            name: Text::clipped(b"till"),
            terminal_required: true,
            consistency: Some(Consistency::Reversal),
            ..SourceConfig::default()
        }],
        links: vec![link("bank"), link("cards")],
        routes: Routes::new(vec![line("4", BANK, "visa"), line("62", CARDS, "union")]),
        remembered_max: 8,
        ..LaneConfig::default()
    }
}

/// A withdrawal of a terminal, under that trace number.
pub(crate) fn withdrawal(stan: u32) -> Txn {
    let message = MessageType::from_digits([2, 0, 0]).expect("0200");
    Txn {
        kind: Kind::Withdrawal,
        pan: Pan::new(b"4111111111111111").expect("digits"),
        amount: Amount::minor(30_000),
        stan: Stan(stan),
        terminal_id: Text::clipped(b"ATM00001"),
        rrn: Text::clipped(b"632614000481"),
        processing_code: Text::clipped(b"010000"),
        ..Txn::new(message)
    }
}

pub(crate) fn inquiry(stan: u32) -> Txn {
    Txn { kind: Kind::BalanceInquiry, ..withdrawal(stan) }
}

/// The host's answer to a question of ours.
pub(crate) fn reply(ours: Outgoing, code: Code) -> Txn {
    let message = MessageType::from_digits([2, 1, 0]).expect("0210");
    Txn {
        stan: ours.stan,
        rrn: ours.rrn,
        terminal_id: Text::clipped(b"ATM00001"),
        code: Some(code),
        outcome: Some(code.outcome()),
        wire_code: Text::clipped(b"00"),
        approval_code: Text::clipped(b"A1B2C3"),
        ..Txn::new(message)
    }
}

impl World {
    /// Both links up.
    #[allow(clippy::new_without_default, reason = "a world is made on purpose")]
    pub(crate) fn new() -> Self {
        Self::with(config())
    }

    pub(crate) fn with(config: LaneConfig) -> Self {
        let now = Now {
            instant: Instant::from_us(0),
            wall: Timestamp::from_unix_ms(1_795_305_791_482),
            utc_offset_s: 0,
        };
        let nothing = LaneConfig { remembered_max: config.remembered_max, ..LaneConfig::default() };
        let lane = Lane::new(nothing, secrets());
        let mut world = Self {
            lane,
            now,
            config: config.clone(),
            journal: Vec::new(),
            asked: Vec::new(),
            last_asked: None,
            book: book::Book::new(),
            out: Outbox::new(),
        };
        world.reconfigure(config);
        world.links_up();
        // The first look at the calendar tells each host's day.
        world.wait_ms(0);
        world
    }

    pub(crate) fn links_up(&mut self) {
        for link in [BANK, CARDS] {
            self.step(Event::LinkUp { link });
        }
    }

    pub(crate) fn wait_ms(&mut self, ms: u32) -> Left {
        self.now.instant = self.now.instant.plus_ms(ms);
        self.now.wall = Timestamp::from_unix_ms(self.now.wall.as_unix_ms() + i64::from(ms));
        self.step(Event::Tick)
    }

    pub(crate) fn reconfigure(&mut self, config: LaneConfig) -> Left {
        self.lane.reconfigure(config.clone(), &mut self.out);
        self.config = config;
        self.collect()
    }

    pub(crate) fn step(&mut self, event: Event) -> Left {
        self.lane.step(self.now, event, &mut self.out);
        self.collect()
    }

    pub(crate) fn ask(&mut self, txn: Txn) -> Left {
        self.ask_on(ConnId(1), txn)
    }

    pub(crate) fn ask_on(&mut self, conn: ConnId, txn: Txn) -> Left {
        self.step(Event::Asked { source: TILL, conn, txn })
    }

    pub(crate) fn host_says(&mut self, link: LinkId, txn: Txn) -> Left {
        self.step(Event::HostSaid { link, conn: ConnId(100), txn })
    }

    /// Dies, and is started again from everything it recorded.
    pub(crate) fn restart(&mut self) -> Left {
        let left = self.start_from(self.journal.clone());
        self.links_up();
        left
    }

    /// Is closed in order, and started again.
    pub(crate) fn close_and_start(&mut self) -> Left {
        self.journal.push(Record::Closed { at: self.now.wall });
        self.restart()
    }

    /// Dies, and is started again from a snapshot of what it is now.
    pub(crate) fn restart_from_snapshot(&mut self) -> Left {
        let mut records = Vec::new();
        self.lane.snapshot(|record| records.push(record));
        let left = self.start_from(records);
        self.links_up();
        left
    }

    /// As [`World::restart_from_snapshot`], and no host can be reached yet.
    pub(crate) fn restart_from_snapshot_with_links_down(&mut self) -> Left {
        let mut records = Vec::new();
        self.lane.snapshot(|record| records.push(record));
        self.start_from(records)
    }

    /// The last message to a host.
    pub(crate) fn last_asked(&self) -> Option<&Txn> {
        self.last_asked.as_ref()
    }

    /// Everything asked of hosts since the last start.
    pub(crate) fn all_asked_since_restart(&self) -> &[(LinkId, TxnId, Outgoing)] {
        &self.asked
    }

    /// Dies, and is started again where no host can be reached.
    pub(crate) fn restart_with_links_down(&mut self) -> Left {
        self.start_from(self.journal.clone())
    }

    /// Dies, and is started again past so many trace numbers.
    pub(crate) fn restart_skipping(&mut self, count: u32) -> Left {
        let left = self.start_past(count, self.journal.clone());
        self.links_up();
        left
    }

    fn start_from(&mut self, records: Vec<Record>) -> Left {
        self.start_past(0, records)
    }

    fn start_past(&mut self, count: u32, records: Vec<Record>) -> Left {
        self.asked.clear();
        // What was never durable is in no journal.
        self.book = book::Book::new();
        self.journal.iter().for_each(|record| self.book.apply(record));
        let nothing = LaneConfig { remembered_max: self.config.remembered_max, ..LaneConfig::default() };
        let mut replay = Replay::into_lane(Lane::new(nothing, secrets()));
        for record in records {
            replay.apply(record).expect("what a lane records, a lane can read");
        }
        replay.skip_trace_numbers(count);
        let configure = |_: &Lane| self.config.clone();
        self.lane = replay.finish(self.now, configure, &mut self.out).expect("cards open under their key");
        self.collect()
    }

    fn collect(&mut self) -> Left {
        let mut left = Left::default();
        for effect in self.out.drain() {
            match effect {
                Effect::Record(record) => {
                    left.order.push('r');
                    self.book.apply(&record);
                    self.journal.push(record.clone());
                    left.records.push(record);
                }
                Effect::ToHost { link, id, ours, durable_first, request } => {
                    left.order.push('h');
                    self.asked.push((link, id, ours));
                    self.last_asked = Some(Txn::clone(&request));
                    left.asked.push((link, id, ours, durable_first));
                }
                Effect::ToSource { conn, answer, durable_first, .. } => {
                    left.order.push('s');
                    left.answers.push((conn, answer, durable_first));
                }
                Effect::ToHostAnswer { conn, answer, durable_first, .. } => {
                    left.order.push('s');
                    left.answers.push((conn, answer, durable_first));
                }
                Effect::Displaced { .. } => {}
                Effect::KeysTold { link, reply } => {
                    left.keys_told.push((link, reply.and_then(|reply| reply.code)))
                }
                Effect::Announce { source, message, ours, durable_first } => {
                    assert!(durable_first, "nobody goes by a day that a death may take back");
                    left.announced.push((source, message, ours));
                }
                Effect::HangUp { link } => left.hung_up.push(link),
                Effect::Tell(tell) => {
                    left.order.push('t');
                    left.told.push(tell);
                }
            }
        }
        self.totals_agree();
        left
    }

    /// The lane's totals are those of the journal, always: as far back as the lane keeps them.
    fn totals_agree(&mut self) {
        drop(self.book.take_late());
        let lane = self.lane.book();
        let kept_from = lane.totals().map(|(bucket, _)| bucket.date).min();
        let is_kept =
            |(bucket, _): &(&book::Bucket, &book::Totals)| kept_from.is_some_and(|from| bucket.date >= from);
        let of = |book: &book::Book| -> Vec<(book::Bucket, book::Totals)> {
            let totals = book.totals().filter(is_kept).map(|(bucket, totals)| (*bucket, *totals));
            totals.filter(|(_, totals)| *totals != book::Totals::default()).collect()
        };
        let late = |book: &book::Book| -> Vec<(book::Bucket, book::Totals)> {
            book.late().filter(is_kept).map(|(bucket, totals)| (*bucket, *totals)).collect()
        };
        assert_eq!(of(lane), of(&self.book), "what the lane has counted, and what the journal comes to");
        assert_eq!(late(lane), late(&self.book), "what came late");
    }
}
