//! Several modules as one: who is asked, what is asked again, what is refused, and how a sick one comes back.

use hsm::drbg::SEED_BYTES;
use hsm::mac::{Algorithm, Padding};
use hsm::ops::{Answer, Fault, MacData, NewKey, Request, Role, StoredKey};
use hsm::payshield::{Client, Server, ServerConfig, test_lmk};
use hsm::pool::{
    Condition, DeviceConfig, Effect, Failure, Operations, Pool, PoolConfig, Tell, Ticket, Way, Why,
};
use std::collections::{BTreeMap, VecDeque};
use terms::{ConnId, Instant, Sealed};

const CONFIG: PoolConfig = PoolConfig {
    deadline_ms: 1_000,
    give_up_ms: 3_000,
    queue_max: 4,
    key_queue_max: 2,
    key_commands_max: 1,
    test_every_ms: 5_000,
    faults_max: 3,
    back_off_ms: 1_000,
    back_off_max_ms: 4_000,
};
/// Commands that fit on the one line of a module.
const ROOM: usize = 4;

/// A pool before modules whose answers wait until they are let through.
struct World {
    now: Instant,
    pool: Pool,
    servers: Vec<Server>,
    /// Module and line of every connection that stands.
    lines: BTreeMap<ConnId, usize>,
    commands: VecDeque<(ConnId, Vec<u8>)>,
    done: BTreeMap<Ticket, Result<Answer, Failure>>,
    tells: Vec<Tell>,
    hung_up: Vec<ConnId>,
    next: u64,
    key: Option<StoredKey>,
}

fn device() -> DeviceConfig {
    DeviceConfig {
        way: Way::Commands(Client::of_blocks(*b"02")),
        header_bytes: 4,
        lmk_check: test_lmk::checks()[2].clone(),
        in_flight_max: ROOM,
        allowed: Operations::ALL,
    }
}

impl World {
    fn of(devices: Vec<DeviceConfig>) -> Self {
        let server =
            |seed| Server::new(ServerConfig::default(), &[seed; SEED_BYTES]).expect("it computes rightly");
        Self {
            now: Instant::from_us(1),
            servers: (0..devices.len()).map(|at| server(at as u8)).collect(),
            pool: Pool::new(CONFIG, devices),
            lines: BTreeMap::new(),
            commands: VecDeque::new(),
            done: BTreeMap::new(),
            tells: Vec::new(),
            hung_up: Vec::new(),
            next: 0,
            key: None,
        }
    }

    /// Two modules, each with one line, both well.
    fn new() -> Self {
        let mut world = Self::of(vec![device(), device()]);
        (0..2).for_each(|at| _ = world.connect(at));
        world.answer_all();
        assert_eq!(world.tells, [Tell::Well { device: 0 }, Tell::Well { device: 1 }]);
        let ticket = world.ask(Request::Generate { key: NewKey::tdes(Role::Zak), under: None });
        world.answer_all();
        match world.done.remove(&ticket) {
            Some(Ok(Answer::Generated { key, .. })) => world.key = Some(key),
            other => panic!("{other:?}"),
        }
        world.tells.clear();
        world
    }

    fn act(&mut self, act: impl FnOnce(&mut Pool, Instant, &mut Vec<Effect>)) {
        let mut out = Vec::new();
        act(&mut self.pool, self.now, &mut out);
        for effect in out {
            match effect {
                Effect::Send { conn, bytes } => self.commands.push_back((conn, bytes)),
                Effect::Done { ticket, result } => {
                    assert!(self.done.insert(ticket, result).is_none(), "each is answered once");
                }
                Effect::HangUp { conn } => {
                    self.lines.remove(&conn);
                    self.commands.retain(|(other, _)| *other != conn);
                    self.hung_up.push(conn);
                }
                Effect::Tell(tell) => self.tells.push(tell),
                Effect::Call { .. } => panic!("these modules are spoken to in commands"),
            }
        }
    }

    fn connect(&mut self, device: usize) -> ConnId {
        self.next += 1;
        let conn = ConnId(self.next);
        self.lines.insert(conn, device);
        self.act(|pool, now, out| pool.opened(now, device, conn, out));
        conn
    }

    fn cut(&mut self, device: usize) {
        let conns: Vec<ConnId> =
            self.lines.iter().filter(|(_, of)| **of == device).map(|(conn, _)| *conn).collect();
        for conn in conns {
            self.lines.remove(&conn);
            self.commands.retain(|(other, _)| *other != conn);
            self.act(|pool, now, out| pool.closed(now, device, conn, out));
        }
    }

    fn ask(&mut self, request: Request) -> Ticket {
        self.next += 1;
        let ticket = Ticket(self.next);
        self.act(|pool, now, out| pool.ask(now, ticket, request, out));
        ticket
    }

    fn mac(&mut self) -> Ticket {
        let key = self.key.clone().expect("made at the start");
        let (algorithm, padding) = (Algorithm::Iso3, Padding::Zeros);
        self.ask(Request::MakeMac(MacData { key, algorithm, padding, data: Sealed::new(vec![7; 20]) }))
    }

    /// What waits before that module, and what it asks there.
    fn before(&self, device: usize) -> Vec<Request> {
        let of = |(conn, bytes): &(ConnId, Vec<u8>)| {
            let of = self.lines.get(conn).copied();
            (of == Some(device)).then(|| self.servers[device].understand(bytes).expect("a command"))
        };
        self.commands.iter().filter_map(of).collect()
    }

    /// The oldest command before that module is answered so.
    fn answer(&mut self, device: usize, make: impl FnOnce(&mut Server, &[u8]) -> Vec<u8>) {
        let found = self.commands.iter().position(|(conn, _)| self.lines.get(conn) == Some(&device));
        let (conn, bytes) = self.commands.remove(found.expect("a command waits there")).expect("it does");
        let answer = make(&mut self.servers[device], &bytes);
        self.act(|pool, now, out| pool.heard(now, device, conn, &answer, out));
    }

    fn answer_rightly(&mut self, device: usize) {
        self.answer(device, |server, command| server.answer(command).expect("a whole command"));
    }

    fn answer_all(&mut self) {
        while let Some((conn, _)) = self.commands.front() {
            let device = self.lines[conn];
            self.answer_rightly(device);
        }
    }

    fn wait_ms(&mut self, ms: u32) {
        for _ in 0..ms / 20 {
            self.now = self.now.plus_ms(20);
            self.act(|pool, now, out| pool.tick(now, out));
        }
    }

    /// The same, one module answering whatever it is asked.
    fn wait_while_answering_ms(&mut self, ms: u32, device: usize) {
        for _ in 0..ms / 20 {
            self.wait_ms(20);
            while !self.before(device).is_empty() {
                self.answer_rightly(device);
            }
        }
    }

    fn conditions(&self) -> Vec<Condition> {
        self.pool.seen().into_iter().map(|device| device.condition).collect()
    }

    fn is_right(&self, ticket: Ticket) -> bool {
        matches!(self.done.get(&ticket), Some(Ok(Answer::Mac(_))))
    }

    fn failure(&self, ticket: Ticket) -> Option<Failure> {
        self.done.get(&ticket).and_then(|result| result.as_ref().err().copied())
    }
}

#[test]
fn the_module_with_the_fewest_commands_under_way_is_asked() {
    let mut w = World::new();
    let tickets: Vec<Ticket> = (0..4).map(|_| w.mac()).collect();
    assert_eq!((w.before(0).len(), w.before(1).len()), (2, 2));
    w.answer_rightly(0);
    w.answer_rightly(0);
    w.mac();
    w.mac();
    assert_eq!((w.before(0).len(), w.before(1).len()), (2, 2));
    w.answer_all();
    assert!(tickets.iter().all(|&ticket| w.is_right(ticket)));
}

#[test]
fn answers_find_their_requests_in_whatever_order_they_come() {
    let mut w = World::of(vec![device()]);
    w.connect(0);
    w.answer_all();
    let tickets: Vec<Ticket> = (0..3_u8).map(|byte| w.ask(Request::Echo(vec![byte; 3]))).collect();
    w.commands.make_contiguous().reverse();
    w.answer_all();
    for (ticket, byte) in tickets.into_iter().zip(0_u8..) {
        assert_eq!(w.done.get(&ticket), Some(&Ok(Answer::Echoed(vec![byte; 3]))));
    }
}

#[test]
fn what_a_module_lost_on_its_way_is_done_by_another_and_nobody_notices() {
    let mut w = World::new();
    let tickets: Vec<Ticket> = (0..4).map(|_| w.mac()).collect();
    w.cut(0);
    assert_eq!(w.before(1).len(), 4);
    w.answer_all();
    assert!(tickets.iter().all(|&ticket| w.is_right(ticket)));
    assert_eq!(w.conditions(), [Condition::Away, Condition::Well]);
    w.connect(0);
    w.answer_all();
    assert_eq!(w.conditions(), [Condition::Well, Condition::Well]);
}

#[test]
fn a_silent_module_is_suspect_then_dropped_and_each_time_let_alone_for_longer() {
    let mut w = World::new();
    let ticket = w.mac();
    assert_eq!(w.before(0).len(), 1);
    w.wait_ms(1_000);
    assert_eq!(w.before(1).len(), 1, "the other is asked when the first did not answer in time");
    assert_eq!(w.tells, [Tell::Suspect { device: 0, why: Why::Silence }]);
    w.answer_rightly(1);
    assert!(w.is_right(ticket));
    let second = w.mac();
    assert_eq!(w.before(1).len(), 1, "nothing is asked of it before it has answered a test");
    w.answer_rightly(1);
    assert!(w.is_right(second));
    w.wait_ms(2_000);
    assert_eq!(w.tells.last(), Some(&Tell::Dropped { device: 0, back_off_ms: 1_000 }));
    assert_eq!(w.hung_up.len(), 1, "its line is broken");
    // It takes lines and says nothing.
    for (back_off_ms, longer) in [(1_000, 2_000), (2_000, 4_000), (4_000, 4_000)] {
        w.connect(0);
        assert!(w.before(0).is_empty(), "let alone");
        w.wait_while_answering_ms(back_off_ms + 1_100, 1);
        assert_eq!(w.tells.last(), Some(&Tell::Dropped { device: 0, back_off_ms: longer }));
    }
    w.connect(0);
    w.wait_while_answering_ms(4_000, 1);
    w.answer_all();
    assert_eq!(w.conditions(), [Condition::Well, Condition::Well]);
}

#[test]
fn an_answer_that_comes_too_late_is_nobodys_and_does_not_harm_its_line() {
    let mut w = World::new();
    let ticket = w.mac();
    w.wait_ms(1_000);
    w.answer_rightly(1);
    assert!(w.is_right(ticket));
    w.answer_rightly(0);
    w.answer_all();
    assert_eq!(w.pool.seen()[0].counts.late, 1);
    assert_eq!((w.conditions(), w.hung_up.len()), (vec![Condition::Well, Condition::Well], 0));
}

#[test]
fn a_module_that_says_it_is_not_well_is_tested_and_its_command_goes_to_another() {
    for code in [b"12", b"13", b"33", b"40", b"41", b"42"] {
        let mut w = World::new();
        let ticket = w.mac();
        w.answer(0, |server, command| server.refuse(command, Fault::Device(*code)).expect("a command"));
        assert_eq!(w.tells, [Tell::Suspect { device: 0, why: Why::Fault(Fault::Device(*code)) }]);
        assert!(matches!(w.before(0)[..], [Request::Status]));
        w.answer_all();
        assert!(w.is_right(ticket));
        assert_eq!(w.conditions(), [Condition::Well, Condition::Well]);
    }
}

#[test]
fn what_a_module_says_of_a_transaction_is_the_answer_and_nothing_is_asked_again() {
    for fault in
        [Fault::PinBlock, Fault::NotVerified, Fault::Usage, Fault::NotAuthentic, Fault::Other(*b"99")]
    {
        let mut w = World::new();
        let ticket = w.mac();
        w.answer(0, |server, command| server.refuse(command, fault).expect("a command"));
        assert_eq!(w.failure(ticket), Some(Failure::Fault(fault)));
        assert!(w.commands.is_empty() && w.tells.is_empty(), "{fault}");
    }
}

#[test]
fn a_key_is_never_made_twice_but_where_a_module_says_that_it_made_none() {
    let make = || Request::Generate { key: NewKey::tdes(Role::Zpk), under: None };
    let mut w = World::new();
    let lost = w.ask(make());
    w.cut(0);
    assert_eq!(w.failure(lost), Some(Failure::Lost));
    assert!(w.before(1).is_empty());
    let silent = w.ask(make());
    w.wait_ms(1_000);
    assert_eq!(w.failure(silent), Some(Failure::Lost));
    let mut w = World::new();
    let refused = w.ask(make());
    w.answer(0, |server, command| server.refuse(command, Fault::Device(*b"41")).expect("a command"));
    w.answer_all();
    assert!(matches!(w.done.get(&refused), Some(Ok(Answer::Generated { .. }))));
}

#[test]
fn a_line_that_brings_what_nobody_asked_is_broken_and_its_commands_go_elsewhere() {
    type Bad = fn(&[u8]) -> Vec<u8>;
    let bad: [(&str, Bad); 5] = [
        ("another header", |answer| [b"FFFF", &answer[4..]].concat()),
        ("short", |answer| answer[..3].to_vec()),
        ("no code", |answer| answer[..5].to_vec()),
        ("another command's", |answer| [&answer[..4], b"CB00", &answer[8..]].concat()),
        ("more", |answer| [answer, b"0"].concat()),
    ];
    for (name, spoil) in bad {
        let mut w = World::new();
        let tickets = [w.mac(), w.mac(), w.mac(), w.mac()];
        w.answer(0, |server, command| spoil(&server.answer(command).expect("a command")));
        assert_eq!((w.hung_up.len(), w.before(1).len()), (1, 4), "{name}");
        w.answer_all();
        assert!(tickets.iter().all(|&ticket| w.is_right(ticket)), "{name}");
    }
}

#[test]
fn a_module_with_another_master_key_is_asked_nothing() {
    let other = DeviceConfig { lmk_check: "1122334455667788".into(), ..device() };
    let mut w = World::of(vec![other, device()]);
    w.connect(0);
    w.answer_all();
    let shown = test_lmk::checks()[2].clone();
    assert_eq!(w.tells, [Tell::OtherMaster { device: 0, shown }]);
    let ticket = w.ask(Request::Echo(b"anybody".to_vec()));
    assert_eq!(w.failure(ticket), Some(Failure::NoModule));
    w.connect(1);
    w.answer_all();
    let ticket = w.ask(Request::Echo(b"anybody".to_vec()));
    assert!(w.before(0).is_empty());
    w.answer_all();
    assert!(matches!(w.done.get(&ticket), Some(Ok(_))));
}

#[test]
fn a_master_key_that_changes_under_way_takes_the_module_out() {
    let mut w = World::new();
    while w.before(0).is_empty() {
        w.wait_ms(20);
    }
    assert!(matches!(w.before(0)[..], [Request::Status]), "it is tested while it is well");
    w.answer(0, |server, command| {
        let mut answer = server.answer(command).expect("a command");
        answer[8..24].copy_from_slice(b"1122334455667788");
        answer
    });
    assert!(matches!(w.conditions()[0], Condition::OtherMaster { .. }));
    assert_eq!(w.hung_up.len(), 1);
}

#[test]
fn with_all_of_them_gone_everybody_is_refused_at_once() {
    let mut w = World::new();
    let tickets: Vec<Ticket> = (0..10).map(|_| w.mac()).collect();
    w.cut(0);
    w.cut(1);
    assert!(tickets.iter().all(|&ticket| w.failure(ticket) == Some(Failure::NoModule)));
    assert_eq!(w.tells.last(), Some(&Tell::AllDown));
    let ticket = w.mac();
    assert_eq!(w.failure(ticket), Some(Failure::NoModule));
    assert!(!w.pool.is_up());
    w.connect(1);
    let ticket = w.mac();
    assert_eq!(w.failure(ticket), None, "one that is being tested is worth waiting for");
    w.answer_all();
    assert!(w.is_right(ticket));
}

#[test]
fn what_waits_is_bounded_in_number_and_in_time() {
    let mut w = World::new();
    let under_way: Vec<Ticket> = (0..2 * ROOM).map(|_| w.mac()).collect();
    let waiting: Vec<Ticket> = (0..CONFIG.queue_max).map(|_| w.mac()).collect();
    assert_eq!(w.pool.queued(), (CONFIG.queue_max, 0));
    let refused = w.mac();
    assert_eq!(w.failure(refused), Some(Failure::Full));
    // Both modules say nothing any more.
    w.wait_ms(4_000);
    for ticket in under_way.into_iter().chain(waiting) {
        assert!(
            matches!(w.failure(ticket), Some(Failure::Late | Failure::NoModule)),
            "{:?}",
            w.done.get(&ticket)
        );
    }
}

#[test]
fn keys_are_managed_beside_the_traffic_and_not_instead_of_it() {
    let mut w = World::of(vec![device()]);
    w.connect(0);
    w.answer_all();
    let make = || Request::Generate { key: NewKey::tdes(Role::Zpk), under: None };
    let first = w.ask(make());
    let second = w.ask(make());
    let third = w.ask(make());
    let fourth = w.ask(make());
    assert_eq!(w.failure(fourth), Some(Failure::Full), "two wait, and one is under way");
    let echo = w.ask(Request::Echo(b"traffic".to_vec()));
    assert_eq!(w.before(0).len(), 2, "one that makes a key, and the traffic");
    w.answer_all();
    for ticket in [first, second, third] {
        assert!(matches!(w.done.get(&ticket), Some(Ok(Answer::Generated { .. }))));
    }
    assert!(matches!(w.done.get(&echo), Some(Ok(_))));
}

#[test]
fn a_module_is_asked_what_it_is_allowed_and_nothing_else() {
    let only_macs = Operations::NONE.and("make_mac").and_then(|some| some.and("status")).expect("names");
    let mut w = World::of(vec![DeviceConfig { allowed: only_macs, ..device() }]);
    w.connect(0);
    w.answer_all();
    let ticket = w.ask(Request::Echo(b"no".to_vec()));
    assert_eq!(w.failure(ticket), Some(Failure::NotAllowed));
    let ticket = w.ask(Request::Random { bytes: 8 });
    assert_eq!(w.failure(ticket), Some(Failure::NotAllowed));
    assert_eq!(Operations::NONE.and("open_a_pin"), None);
}

#[test]
fn a_family_without_a_command_says_so_before_anything_is_sent() {
    let mut w = World::new();
    let ticket = w.ask(Request::Random { bytes: 8 });
    assert!(matches!(w.failure(ticket), Some(Failure::Misfit(_))));
    assert!(w.commands.is_empty());
}

#[test]
fn people_may_ask_one_module_whether_it_is_well_or_not() {
    let mut w = World::new();
    w.next += 1;
    let ticket = Ticket(w.next);
    w.act(|pool, now, out| pool.ask_one(now, 1, ticket, Request::Status, out));
    assert_eq!((w.before(0).len(), w.before(1).len()), (0, 1));
    w.answer_all();
    assert!(matches!(w.done.get(&ticket), Some(Ok(Answer::Status { .. }))));
    w.cut(1);
    w.next += 1;
    let ticket = Ticket(w.next);
    w.act(|pool, now, out| pool.ask_one(now, 1, ticket, Request::Status, out));
    assert_eq!(w.failure(ticket), Some(Failure::NoModule));
}

#[test]
fn a_module_without_headers_is_asked_one_thing_at_a_time_on_each_line() {
    let bare = DeviceConfig { header_bytes: 0, ..device() };
    let mut w = World::of(vec![bare]);
    let setup = ServerConfig { header_bytes: 0, ..ServerConfig::default() };
    w.servers[0] = Server::new(setup, &[1; SEED_BYTES]).expect("it computes rightly");
    w.connect(0);
    w.answer_all();
    let tickets = [1_u8, 2, 3].map(|byte| w.ask(Request::Echo(vec![byte])));
    assert_eq!(w.before(0).len(), 1);
    w.answer_all();
    for (ticket, byte) in tickets.into_iter().zip(1_u8..) {
        assert_eq!(w.done.get(&ticket), Some(&Ok(Answer::Echoed(vec![byte]))));
    }
}

#[test]
fn answers_that_are_lost_for_ever_leave_a_module_its_room() {
    // One line of four, and one of a single command; one answer in seven is lost.
    for header_bytes in [4, 0] {
        let mut w = World::of(vec![DeviceConfig { header_bytes, ..device() }]);
        let setup = ServerConfig { header_bytes, ..ServerConfig::default() };
        w.servers[0] = Server::new(setup, &[1; SEED_BYTES]).expect("it computes rightly");
        let (mut asked, mut commands) = (Vec::new(), 0);
        for second in 0..600 {
            if w.lines.is_empty() {
                w.connect(0);
            }
            if second % 3 == 0 {
                asked.push(w.ask(Request::Echo(vec![1])));
            }
            for _ in 0..50 {
                w.wait_ms(20);
                while !w.commands.is_empty() {
                    commands += 1;
                    match commands % 7 {
                        0 => drop(w.commands.pop_front()),
                        _ => w.answer_rightly(0),
                    }
                }
            }
        }
        let right = asked.iter().filter(|&&ticket| matches!(w.done.get(&ticket), Some(Ok(_)))).count();
        assert!(right * 10 > asked.len() * 6, "{header_bytes}: {right} of {}", asked.len());
        assert!(w.pool.seen()[0].under_way <= ROOM / 2 + 1, "{header_bytes}: {:?}", w.pool.seen());
    }
}

#[test]
fn what_no_module_takes_now_does_not_hold_up_what_one_does() {
    let only = |name| Operations::NONE.and(name).and_then(|some| some.and("status")).expect("names");
    let echoes = DeviceConfig { allowed: only("echo"), ..device() };
    let macs = DeviceConfig { allowed: only("make_mac").and("generate").expect("a name"), ..device() };
    let mut w = World::of(vec![echoes, macs]);
    (0..2).for_each(|at| _ = w.connect(at));
    w.answer_all();
    let made = w.ask(Request::Generate { key: NewKey::tdes(Role::Zak), under: None });
    w.answer_all();
    let Some(Ok(Answer::Generated { key, .. })) = w.done.remove(&made) else { panic!("a key") };
    w.key = Some(key);
    // The one that echoes is full, and one more waits for it.
    let echoed: Vec<Ticket> = (0..=ROOM).map(|_| w.ask(Request::Echo(vec![1]))).collect();
    let mac = w.mac();
    assert_eq!(w.before(1).len(), 1, "it does not stand behind what its module never does");
    w.answer_rightly(1);
    assert!(w.is_right(mac));
    // With its module gone it is refused, and nothing else is.
    w.cut(0);
    assert!(echoed.iter().all(|&ticket| w.failure(ticket) == Some(Failure::NoModule)), "{:?}", w.done);
    let mac = w.mac();
    w.answer_rightly(1);
    assert!(w.is_right(mac));
}

#[test]
fn no_two_commands_on_a_line_have_the_same_header_however_many_are_asked() {
    let narrow = DeviceConfig { header_bytes: 1, in_flight_max: 64, ..device() };
    let mut w = World::of(vec![narrow]);
    let setup = ServerConfig { header_bytes: 1, ..ServerConfig::default() };
    w.servers[0] = Server::new(setup, &[1; SEED_BYTES]).expect("it computes rightly");
    w.connect(0);
    w.answer_all();
    let tickets: Vec<_> = (0_u8..20).map(|byte| (byte, w.ask(Request::Echo(vec![byte])))).collect();
    assert_eq!(w.before(0).len(), 16, "as many as there are headers of one digit");
    // Nor does a person get a header that somebody else has.
    w.next += 1;
    let ticket = Ticket(w.next);
    w.act(|pool, now, out| pool.ask_one(now, 0, ticket, Request::Status, out));
    assert_eq!(w.failure(ticket), Some(Failure::Full));
    w.answer_all();
    for (byte, ticket) in tickets {
        assert_eq!(w.done.get(&ticket), Some(&Ok(Answer::Echoed(vec![byte]))));
    }
}
