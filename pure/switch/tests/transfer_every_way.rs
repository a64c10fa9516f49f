//! Every way one transfer between two hosts can go: what each host does, what the source says and when, and the
//! power failing behind every record, its sends gone out or not. In the end either both hosts have it, or
//! neither has, or a person has it on his list.

mod world;

use journal::{Record, Remembered, Why};
use std::collections::VecDeque;
use std::sync::Arc;
use switch::{Effect, Event, Lane, LaneConfig, Outbox, Receiver, Replay};
use terms::{
    Answer, Class, Code, ConnId, Function, Kind, LinkId, MessageType, Now, Original, Outcome, Outgoing, Stan,
    Text, Txn, TxnId,
};
use world::*;

/// What a host does with a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Approves,
    Refuses,
    /// Posts it, and its answer is lost.
    PostsInSilence,
    /// Never gets it.
    Misses,
    /// It is proved that it never left us.
    Unsent,
}
use Does::{Approves, Misses, PostsInSilence, Refuses, Unsent};

/// What the source says besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Nothing,
    TakesBack,
    Repeats,
    Reports,
}

/// When it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    DebitInFlight,
    CreditInFlight,
    Decided,
}

#[derive(Clone, Copy, Debug)]
struct Plot {
    debit: Does,
    credit: Does,
    says: (Says, When),
    /// The first telling of the decision reaches nobody, and that is proved.
    undelivered: bool,
    /// What was credited is spent: its reversal is refused.
    spent: bool,
    /// Behind how many records the power fails, and whether the last one's sends went out.
    dies: Option<(usize, bool)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Book {
    asked: u32,
    posted: bool,
    reversed: bool,
    /// Its reversal came first.
    buried: bool,
}

impl Book {
    fn stands(self) -> bool {
        self.posted && !self.reversed
    }
}

struct Play {
    plot: Plot,
    lane: Lane,
    now: Now,
    journal: Vec<Record>,
    dead: bool,
    died: bool,
    coming: VecDeque<Event>,
    /// Answers to requests, held back until the plot is there.
    answers: VecDeque<Event>,
    books: [Book; 2],
    told: Vec<Answer>,
    taken_back: bool,
}

fn transfer() -> Txn {
    let mut txn = Txn {
        kind: Kind::Transfer,
        to_account: Text::clipped(b"6228480000001234567"),
        processing_code: Text::clipped(b"450000"),
        ..withdrawal(7)
    };
    txn.carried.push(terms::Noun::Account2, b"6228480000001234567");
    txn.carried.push(terms::Noun::PinBlock, &[1, 2, 3, 4, 5, 6, 7, 8]);
    txn
}

fn configured() -> LaneConfig {
    let mut config = config();
    let (prefix, name) = (Text::clipped(b"62"), Text::clipped(b"to union"));
    config.routes = config.routes.with_receivers(vec![Receiver { prefix, source: None, link: CARDS, name }]);
    // Tombstones, so that "no such original" needs no guard here: the guard has its own stories.
    config.links.iter_mut().for_each(|link| link.host.tombstones = true);
    config
}

impl Play {
    fn new(plot: Plot) -> Self {
        let w = World::with(configured());
        let World { lane, now, journal, .. } = w;
        let (coming, answers) = (VecDeque::new(), VecDeque::new());
        let (books, told) = ([Book::default(); 2], Vec::new());
        Self {
            plot,
            lane,
            now,
            journal,
            dead: false,
            died: false,
            coming,
            answers,
            books,
            told,
            taken_back: false,
        }
    }

    fn run(mut self) -> Self {
        let (_, when) = self.plot.says;
        let began = self.journal.len();
        self.plot.dies = self.plot.dies.map(|(records, out)| (began + records, out));
        self.ask(transfer());
        for at in [When::DebitInFlight, When::CreditInFlight, When::Decided] {
            if when == at {
                self.source_says();
            }
            if let Some(answer) = self.answers.pop_front() {
                self.coming.push_back(answer);
            }
            self.pump();
            if at != When::DebitInFlight || self.plot.debit != Approves {
                self.wait_ms(REPLY_TIMEOUT_MS);
            }
        }
        // Faults are over: what is owed is answered.
        for _ in 0..12 {
            self.answers.clear();
            self.wait_ms(30_000);
        }
        if self.died && !self.taken_back && self.plot.says.0 == Says::TakesBack {
            self.source_says();
            (0..12).for_each(|_| self.wait_ms(30_000));
        }
        self
    }

    fn source_says(&mut self) {
        let digits = match self.plot.says.0 {
            Says::Nothing => return,
            Says::Repeats => return self.ask(transfer()),
            Says::TakesBack => [4, 2, 0],
            Says::Reports => [2, 2, 0],
        };
        let message = MessageType::from_digits(digits).expect("a type");
        let original = Some(Original { stan: Some(Stan(7)), ..Original::default() });
        let original = original.filter(|_| digits[0] == 4);
        self.ask(Txn { message, original, ..transfer() });
    }

    fn ask(&mut self, txn: Txn) {
        self.coming.push_back(Event::Asked { source: TILL, conn: ConnId(1), txn });
        self.pump();
    }

    fn wait_ms(&mut self, ms: u32) {
        self.now.instant = self.now.instant.plus_ms(ms);
        self.coming.push_back(Event::Tick);
        self.pump();
    }

    fn pump(&mut self) {
        while let Some(event) = self.coming.pop_front() {
            let mut out = Outbox::new();
            self.lane.step(self.now, event, &mut out);
            self.carry_out(out);
            if self.dead {
                self.come_back();
            }
        }
    }

    /// Records become durable one by one, and what waits for each goes out behind it.
    fn carry_out(&mut self, mut out: Outbox) {
        for effect in out.drain().collect::<Vec<_>>() {
            let died_here = self.plot.dies.is_some_and(|(records, _)| self.journal.len() == records);
            if let Effect::Record(record) = effect {
                if died_here && !self.died {
                    self.dead = true;
                    return;
                }
                self.journal.push(record);
                continue;
            }
            let goes_out = !died_here || self.died || self.plot.dies.is_some_and(|(_, out)| out);
            match effect {
                _ if !goes_out => {}
                Effect::ToHost { link, id, request, ours, durable_first } => {
                    assert!(durable_first, "money is asked for behind its record");
                    self.host_hears(link, id, &request, ours);
                }
                Effect::ToSource { decision, conn, request, answer, source, durable_first } => {
                    assert!(durable_first, "and told behind its record");
                    self.source_hears(decision, (source, conn), request, answer);
                }
                _ => {}
            }
        }
        let now_dead = self.plot.dies.is_some_and(|(records, _)| self.journal.len() == records);
        self.dead = now_dead && !self.died;
    }

    fn come_back(&mut self) {
        (self.dead, self.died) = (false, true);
        self.coming.clear();
        self.answers.clear();
        let mut out = Outbox::new();
        self.lane = replayed(&self.journal, self.now, &mut out);
        self.carry_out(out);
        for link in [BANK, CARDS] {
            self.coming.push_back(Event::LinkUp { link });
        }
    }

    fn host_hears(&mut self, link: LinkId, id: TxnId, request: &Txn, ours: Outgoing) {
        let at = usize::from(link.0);
        let does = if at == 0 { self.plot.debit } else { self.plot.credit };
        assert_eq!(request.kind, if at == 0 { Kind::TransferOut } else { Kind::TransferIn });
        assert_eq!(request.to_account.as_str(), "6228480000001234567", "every message names it");
        let has_pin = request.carried.get(terms::Noun::PinBlock).is_some();
        assert!(at == 0 || !has_pin, "the PIN is for the host that pays");
        let book = &mut self.books[at];
        let code = match (request.message.class, request.message.function) {
            (Class::Financial, Function::Request) => {
                book.asked += 1;
                match does {
                    Unsent => {
                        return self.coming.push_back(Event::Unsent { link, host_stan: ours.stan, id });
                    }
                    Misses => return,
                    Refuses => Code::InvalidCard,
                    Approves | PostsInSilence => {
                        book.posted = !book.buried;
                        Code::Approved
                    }
                }
            }
            (Class::Reversal, _) if self.plot.spent && at == 1 && book.posted => Code::FormatError,
            (Class::Reversal, _) => {
                assert!(!book.reversed || ours.repeat, "reversed once");
                (book.reversed, book.buried) = (book.posted, !book.posted);
                Code::Approved
            }
            _ => {
                book.posted = true;
                Code::Approved
            }
        };
        let message = request.message.answered_by().expect("it wants an answer");
        let answer = Event::HostSaid { link, conn: ConnId(9), txn: Txn { message, ..reply(ours, code) } };
        match request.message.function {
            Function::Request if does == PostsInSilence => {}
            Function::Request => self.answers.push_back(answer),
            _ => self.coming.push_back(answer),
        }
    }

    fn source_hears(
        &mut self,
        decision: Option<TxnId>,
        (source, conn): (terms::SourceId, ConnId),
        request: Arc<Txn>,
        answer: Answer,
    ) {
        if request.message.class == Class::Reversal {
            assert_eq!(answer.code, Code::Approved, "a reversal is acknowledged, whatever becomes of it");
            self.taken_back = true;
        } else if request.message.function == Function::Request {
            if let Some(id) = decision
                && self.plot.undelivered
            {
                return self.coming.push_back(Event::Undelivered { source, request, id });
            }
            if conn != ConnId(0) {
                self.told.push(answer);
            }
        }
    }

    fn listed(&self) -> usize {
        self.journal.iter().filter(|record| matches!(record, Record::Exception { .. })).count()
    }

    fn check(&self) {
        let [debit, credit] = self.books;
        let listed = self.listed();
        assert_eq!(self.lane.pending(), 0, "everything owed has ended");
        assert!(debit.asked <= 1 && credit.asked <= 1, "each host is asked once");
        assert!(listed <= 1, "listed once: {listed}");
        let decides = |record: &&Record| {
            matches!(record, Record::Decided { .. } | Record::TimedOut { .. } | Record::NotSent { .. })
        };
        assert!(self.journal.iter().filter(decides).count() <= 1, "one decision");
        if listed == 0 {
            assert_eq!(debit.stands(), credit.stands(), "both or neither");
            // What was never told is undone, unless its credit is owed: then it stands, for who asks again.
            let given_back = |record: &Record| matches!(record, Record::Owed { why: Why::Undelivered, .. });
            if self.taken_back || self.journal.iter().any(given_back) {
                assert!(!debit.stands(), "what was taken back, or never told, is undone");
            } else if let Some(last) = self.told.last() {
                match last.outcome {
                    Outcome::Approved => assert!(debit.stands(), "told as done, and done"),
                    Outcome::Refused | Outcome::NotSent => assert!(!debit.stands(), "told as not done"),
                    Outcome::Unknown => {}
                }
            }
        } else {
            // A person compares; but money is never made: what was credited was paid for.
            assert!(debit.stands() || !credit.stands(), "credited, and nobody paid");
        }
    }

    /// A lane is the fold of its records, and of its snapshot.
    fn check_fold(&self) {
        let snapshot = |lane: &Lane| {
            let mut records = Vec::new();
            lane.snapshot(|record| records.push(record));
            records
        };
        let mut out = Outbox::new();
        let live = snapshot(&self.lane);
        assert_eq!(snapshot(&replayed(&self.journal, self.now, &mut out)), live, "from its records");
        assert_eq!(snapshot(&replayed(&live, self.now, &mut out)), live, "from its snapshot");
    }
}

fn replayed(records: &[Record], now: Now, out: &mut Outbox) -> Lane {
    let nothing = LaneConfig { remembered_max: 8, ..LaneConfig::default() };
    let mut replay = Replay::into_lane(Lane::new(nothing, secrets()));
    for record in records {
        replay.apply(record.clone()).expect("what a lane records, a lane can read");
    }
    replay.finish(now, |_| configured(), out).expect("cards open under their key")
}

fn plots() -> Vec<Plot> {
    const DOES: [Does; 5] = [Approves, Refuses, PostsInSilence, Misses, Unsent];
    let mut plots = Vec::new();
    for debit in DOES {
        for credit in DOES {
            for says in [Says::Nothing, Says::TakesBack, Says::Repeats, Says::Reports] {
                for when in [When::DebitInFlight, When::CreditInFlight, When::Decided] {
                    for (undelivered, spent) in [(false, false), (true, false), (false, true)] {
                        plots.push(Plot {
                            debit,
                            credit,
                            says: (says, when),
                            undelivered,
                            spent,
                            dies: None,
                        });
                    }
                }
            }
        }
    }
    plots
}

#[test]
fn whatever_happens_both_hosts_have_it_or_neither_or_a_person() {
    for plot in plots() {
        let shown = format!("{plot:?}");
        let play = Play::new(plot).run();
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            play.check();
            play.check_fold();
        }))
        .unwrap_or_else(|why| {
            let books = &play.books;
            panic!("{shown}\n{books:?}\n{:?}\n{:#?}\n{why:?}", play.told, names(&play.journal))
        });
    }
}

#[test]
fn nor_does_it_matter_behind_which_record_the_power_fails() {
    let mut deaths = 0;
    for plot in plots() {
        let records = Play::new(plot).run().journal.len();
        for dies in (0..records).flat_map(|records| [(records, false), (records, true)]) {
            let plot = Plot { dies: Some(dies), ..plot };
            let shown = format!("{plot:?}");
            let play = Play::new(plot).run();
            deaths += u32::from(play.died);
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                play.check();
                play.check_fold();
            }))
            .unwrap_or_else(|why| {
                let books = &play.books;
                panic!("{shown}\n{books:?}\n{:?}\n{:#?}\n{why:?}", play.told, names(&play.journal))
            });
        }
    }
    println!("the power failed {deaths} times");
    assert!(deaths > 9_000, "the power failed {deaths} times");
}

/// What each pair of hosts comes to for the customer, when nothing else happens.
#[test]
fn the_customer_is_told_what_the_two_legs_came_to() {
    let approved = (Code::Approved, Outcome::Approved);
    let unknown = (Code::NoAnswer, Outcome::Unknown);
    let unsent = (Code::HostDown, Outcome::NotSent);
    #[rustfmt::skip]
    let table = [
        // the debit    the credit      the customer is told                    paid   credited
        (Approves,       Approves,       approved,                               true,  true),
        (Approves,       Refuses,        (Code::InvalidCard, Outcome::Refused),  false, false),
        (Approves,       PostsInSilence, approved,                               true,  true),
        (Approves,       Misses,         approved,                               true,  true),
        (Approves,       Unsent,         (Code::HostDown, Outcome::Refused),     false, false),
        (Refuses,        Approves,       (Code::InvalidCard, Outcome::Refused),  false, false),
        (PostsInSilence, Approves,       unknown,                                false, false),
        (Misses,         Approves,       unknown,                                false, false),
        (Unsent,         Approves,       unsent,                                 false, false),
    ];
    for (debit, credit, told, paid, credited) in table {
        let says = (Says::Nothing, When::Decided);
        let plot = Plot { debit, credit, says, undelivered: false, spent: false, dies: None };
        let play = Play::new(plot).run();
        let [answer] = &play.told[..] else { panic!("{plot:?} is told once: {:?}", play.told) };
        assert_eq!((answer.code, answer.outcome), told, "{plot:?}");
        let [paying, receiving] = play.books;
        assert_eq!((paying.stands(), receiving.stands()), (paid, credited), "{plot:?}");
        assert_eq!(receiving.asked, u32::from(debit == Approves), "nothing is credited on a maybe: {plot:?}");
        assert_eq!(play.listed(), 0);
    }
}

fn names(journal: &[Record]) -> Vec<String> {
    let answer = |record: &Record| match record {
        Record::Decided { answer: Remembered { code, outcome, .. }, .. }
        | Record::TimedOut { answer: Remembered { code, outcome, .. }, .. } => {
            format!(" {code:?} {outcome:?}")
        }
        Record::Exception { reason, .. } => format!(" {reason}"),
        _ => String::new(),
    };
    journal.iter().map(|record| format!("{}{}", record.name(), answer(record))).collect()
}
