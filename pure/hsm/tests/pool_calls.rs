//! Modules that are called instead of being sent commands: the same health, the same patience.

use hsm::drbg::SEED_BYTES;
use hsm::ops::{Answer, Fault, Hsm as _, NewKey, Request, Role};
use hsm::payshield::test_lmk;
use hsm::pool::{
    Condition, DeviceConfig, Effect, Failure, Operations, Pool, PoolConfig, Tell, Ticket, Way, Why,
};
use hsm::software::SoftwareHsm;
use terms::{ConnId, Instant};

type Done = Vec<(Ticket, Result<Answer, Failure>)>;

struct World {
    now: Instant,
    pool: Pool,
    module: SoftwareHsm,
    calls: Vec<(ConnId, u32, Request)>,
    done: Done,
    tells: Vec<Tell>,
    hung_up: Vec<ConnId>,
}

impl World {
    fn new(devices: usize) -> Self {
        let master = test_lmk::masters()[2].1.clone();
        let module = SoftwareHsm::new(master, &[3; SEED_BYTES]).expect("it computes rightly");
        let device = DeviceConfig {
            way: Way::Calls,
            header_bytes: 4,
            lmk_check: module.master().check(),
            in_flight_max: 1,
            allowed: Operations::ALL,
        };
        let pool = Pool::new(PoolConfig::default(), vec![device; devices]);
        let (calls, done, tells, hung_up) = Default::default();
        let mut world = Self { now: Instant::from_us(1), pool, module, calls, done, tells, hung_up };
        for device in 0..devices {
            world.act(|pool, now, out| pool.opened(now, device, ConnId(device as u64), out));
        }
        world.answer_all();
        world
    }

    fn act(&mut self, act: impl FnOnce(&mut Pool, Instant, &mut Vec<Effect>)) {
        let mut out = Vec::new();
        act(&mut self.pool, self.now, &mut out);
        for effect in out {
            match effect {
                Effect::Call { conn, number, request } => self.calls.push((conn, number, request)),
                Effect::Done { ticket, result } => self.done.push((ticket, result)),
                Effect::HangUp { conn } => self.hung_up.push(conn),
                Effect::Tell(tell) => self.tells.push(tell),
                Effect::Send { .. } => panic!("nothing is sent to what is called"),
            }
        }
    }

    fn ask(&mut self, ticket: u64, request: Request) {
        self.act(|pool, now, out| pool.ask(now, Ticket(ticket), request, out));
    }

    fn answer(&mut self, make: impl FnOnce(&mut SoftwareHsm, &Request) -> Result<Answer, Fault>) {
        let (conn, number, request) = self.calls.remove(0);
        let answer = make(&mut self.module, &request);
        self.act(|pool, now, out| pool.called(now, conn.0 as usize, (conn, number), answer, out));
    }

    fn answer_all(&mut self) {
        while !self.calls.is_empty() {
            self.answer(|module, request| module.ask(request));
        }
    }

    fn wait_ms(&mut self, ms: u32) {
        self.now = self.now.plus_ms(ms);
        self.act(|pool, now, out| pool.tick(now, out));
    }

    fn condition(&self, device: usize) -> Condition {
        self.pool.seen()[device].condition.clone()
    }
}

#[test]
fn a_call_is_made_once_the_module_has_shown_its_master_key_and_one_at_a_time() {
    let mut w = World::new(1);
    assert_eq!(w.tells, [Tell::Well { device: 0 }]);
    w.ask(1, Request::Random { bytes: 8 });
    w.ask(2, Request::Echo(b"second".to_vec()));
    assert_eq!(w.calls.len(), 1, "one call at a time on a line");
    w.answer_all();
    assert!(matches!(&w.done[0], (Ticket(1), Ok(Answer::Random(bytes))) if bytes.len() == 8));
    assert_eq!(w.done[1], (Ticket(2), Ok(Answer::Echoed(b"second".to_vec()))));
    // What no command could say is asked here too: the module itself knows what it does not do.
    w.ask(3, Request::KnownAnswers);
    w.answer_all();
    assert!(matches!(&w.done[2].1, Ok(Answer::KnownAnswers(all)) if all[0].is_right == Some(true)));
}

#[test]
fn a_call_that_fails_goes_to_the_other_module_and_the_one_that_failed_it_is_tested() {
    let mut w = World::new(2);
    w.tells.clear();
    w.ask(1, Request::Random { bytes: 8 });
    let failed = w.calls[0].0.0 as usize;
    w.answer(|_, _| Err(Fault::Device(*b"30")));
    assert_eq!(w.condition(failed), Condition::Tested);
    assert_eq!(w.tells, [Tell::Suspect { device: failed, why: Why::Fault(Fault::Device(*b"30")) }]);
    w.answer_all();
    assert!(matches!(w.done[..], [(Ticket(1), Ok(Answer::Random(_)))]));
    assert_eq!(w.condition(failed), Condition::Well);
}

#[test]
fn a_call_that_does_not_come_back_is_given_up_and_a_key_is_never_made_twice() {
    let mut w = World::new(1);
    w.ask(1, Request::Generate { key: NewKey::aes(Role::Zak, 16), under: None });
    w.wait_ms(1_001);
    assert_eq!(w.done, [(Ticket(1), Err(Failure::Lost))], "it may have been made");
    assert_eq!(w.condition(0), Condition::Tested);
    // It comes after all: nobody waits for it, and the test that was asked behind it is next.
    w.answer_all();
    assert_eq!((w.pool.seen()[0].counts.late, w.condition(0)), (1, Condition::Well));
    assert_eq!(w.done.len(), 1);
}

#[test]
fn one_that_hangs_for_good_is_dropped_and_let_go() {
    let mut w = World::new(1);
    w.ask(1, Request::Random { bytes: 8 });
    (0..3).for_each(|_| w.wait_ms(1_001));
    assert!(matches!(w.condition(0), Condition::Dropped { .. }));
    assert_eq!(w.hung_up, [ConnId(0)]);
    // Whatever still comes by that line is nobody's.
    w.answer_all();
    assert!(matches!(w.condition(0), Condition::Dropped { .. }));
    assert_eq!(w.done, [(Ticket(1), Err(Failure::Late))]);
}

#[test]
fn another_master_key_is_refused_and_nothing_but_a_test_is_an_answer_to_one() {
    let mut w = World::new(1);
    w.wait_ms(5_001);
    w.answer(|_, _| {
        Ok(Answer::Status { lmk_check: "1122334455667788".into(), firmware: "another token".into() })
    });
    assert!(
        matches!(w.condition(0), Condition::OtherMaster { ref shown, .. } if shown == "1122334455667788")
    );
    w.ask(1, Request::Random { bytes: 8 });
    assert_eq!(w.done, [(Ticket(1), Err(Failure::NoModule))]);
    let mut w = World::new(1);
    w.wait_ms(5_001);
    w.answer(|_, _| Ok(Answer::Verified));
    assert_eq!((w.pool.seen()[0].counts.unusable, w.hung_up.len()), (1, 1));
}
