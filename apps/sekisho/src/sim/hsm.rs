//! A simulated security module: speaks the payShield protocol, works in software with public test keys, and is as
//! slow, as limited and as faulty as it is told to be.

use super::luck::Luck;
use super::speech::{SimError, again};
use hsm::drbg::SEED_BYTES;
use hsm::ops::Fault;
use hsm::payshield::{MESSAGE_BYTES_MAX, Server, ServerConfig};
use net::{CloseReason, Conn, Handler, ListenerConfig, Listening, Net, Service};
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use terms::LinkName;
use tokio::time::Instant;
use wire::{Framing, Prefix};

/// A module to be simulated.
#[derive(Clone, Debug)]
pub struct HsmPlan {
    /// What it is called.
    pub name: String,
    /// Where it listens; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// How it is set up.
    pub setup: ServerConfig,
    /// How it behaves.
    pub manners: Manners,
    /// Same seed, same faults and same keys: a simulated module has no secrets.
    pub seed: u64,
}

/// How a module behaves besides being right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manners {
    /// How long a command takes at least, in microseconds.
    pub latency_us: u64,
    /// And up to so much more, by luck.
    pub jitter_us: u64,
    /// Commands it works off in a second, one after another; `None` for as many as come.
    pub calls_per_second: Option<u32>,
    /// Every so many commands it answers `fault`; 0 for never.
    pub fault_every: u64,
    /// What it answers then.
    pub fault: [u8; 2],
    /// Every so many commands it says nothing; 0 for never.
    pub silent_every: u64,
    /// Every so many commands it answers what nobody can read; 0 for never.
    pub garbage_every: u64,
    /// Every so many commands it cuts the connection; 0 for never.
    pub cut_every: u64,
}

/// What a module has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HsmCounts {
    /// Commands that came.
    pub asked: u64,
    /// Commands answered, errors among them.
    pub answered: u64,
    /// Faults answered because it was told to.
    pub faults: u64,
    /// Commands it left, garbled or cut because it was told to.
    pub spoilt: u64,
    /// Messages that were no commands.
    pub unreadable: u64,
}

/// A module at work on this thread's network.
#[derive(Clone)]
pub struct HsmAtWork {
    address: SocketAddr,
    name: LinkName,
    listening: Rc<RefCell<Listening>>,
    device: Rc<Device>,
}

struct Device {
    net: Net,
    desk: RefCell<Desk>,
}

/// Everything an answer is made from.
struct Desk {
    server: Server,
    manners: Manners,
    luck: Luck,
    counts: HsmCounts,
    /// When it has worked off what came before.
    free_at: Instant,
}

/// What becomes of one command.
enum Deed {
    Answer(Vec<u8>),
    Cut,
    Nothing,
}

impl HsmPlan {
    /// Opens for business on this thread's network.
    pub fn open(self, net: &Net) -> Result<HsmAtWork, SimError> {
        let mut seed = [0; SEED_BYTES];
        let mut luck = Luck::seeded(self.seed);
        seed.chunks_mut(8).for_each(|part| part.copy_from_slice(&luck.draw().to_le_bytes()));
        let server = Server::new(self.setup, &seed).map_err(|source| SimError::SelfTest { source })?;
        let (manners, counts, free_at) = (self.manners, HsmCounts::default(), Instant::now());
        let desk = RefCell::new(Desk { server, manners, luck, counts, free_at });
        let device = Rc::new(Device { net: net.clone(), desk });
        let name = LinkName::clipped(self.name.as_bytes());
        let listening = device.listen(name, self.listen)?;
        let address = listening.local_addr();
        Ok(HsmAtWork { address, name, listening: Rc::new(RefCell::new(listening)), device })
    }
}

impl HsmAtWork {
    /// Where it listens, while it lives.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on it behaves so.
    pub fn behave(&self, manners: Manners) {
        self.device.desk.borrow_mut().manners = manners;
    }

    /// It is gone: nobody is let in, and whoever was in is out.
    pub fn die(&self) {
        let listening = self.listening.borrow();
        listening.stop();
        listening.close_all();
    }

    /// It is back, on the same address. The socket that was closed may take a moment to be gone.
    pub async fn revive(&self) -> Result<(), SimError> {
        let listening = again(|| self.device.listen(self.name, self.address)).await?;
        self.listening.replace(listening);
        Ok(())
    }

    /// What it has counted.
    pub fn counts(&self) -> HsmCounts {
        self.device.desk.borrow().counts
    }
}

impl Desk {
    /// What becomes of a command, and when.
    fn serve(&mut self, command: &[u8]) -> (Deed, Instant) {
        self.counts.asked += 1;
        let at = self.done_at();
        let nth = |every: u64| every > 0 && self.counts.asked.is_multiple_of(every);
        let Manners { fault_every, fault, silent_every, garbage_every, cut_every, .. } = self.manners;
        if nth(silent_every) || nth(cut_every) {
            let deed = if nth(cut_every) { Deed::Cut } else { Deed::Nothing };
            self.counts.spoilt += 1;
            return (deed, at);
        }
        let answer = if nth(fault_every) {
            self.counts.faults += 1;
            self.server.refuse(command, Fault::Device(fault))
        } else {
            self.server.answer(command)
        };
        let Some(mut answer) = answer else {
            self.counts.unreadable += 1;
            return (Deed::Nothing, at);
        };
        if self.manners.garbage_every > 0 && self.counts.asked.is_multiple_of(garbage_every) {
            self.counts.spoilt += 1;
            answer.iter_mut().for_each(|byte| *byte ^= 0x55);
        } else {
            self.counts.answered += 1;
        }
        (Deed::Answer(answer), at)
    }

    /// One command after another at the pace of the device, and each as long as it takes besides.
    fn done_at(&mut self) -> Instant {
        let now = Instant::now();
        let began = self.free_at.max(now);
        if let Some(pace) = self.manners.calls_per_second.filter(|&pace| pace > 0) {
            self.free_at = began + Duration::from_secs(1) / pace;
        } else {
            self.free_at = now;
        }
        let taking = self.manners.latency_us + self.luck.below(self.manners.jitter_us + 1);
        self.free_at.max(now) + Duration::from_micros(taking)
    }
}

impl Device {
    fn listen(self: &Rc<Self>, name: LinkName, address: SocketAddr) -> Result<Listening, SimError> {
        let mut framing = Framing::named("bin2").expect("a length of two bytes has a name");
        debug_assert!(framing.length == Prefix::BinaryBig(2));
        framing.body_bytes_max = MESSAGE_BYTES_MAX;
        let mut config = ListenerConfig::new(name, address, framing, Service::Persistent);
        config.per_address_max = config.connections_max;
        config.ban = None;
        (self.net.listen(config, Rc::new(Counter(self.clone()))))
            .map_err(|error| SimError::CannotListen { address, source: Box::new(error) })
    }

    fn act(conn: &Conn, deed: &Deed) {
        match deed {
            // Whoever asked and went away is told nothing.
            Deed::Answer(answer) => drop(conn.send_bytes(&[], answer)),
            Deed::Cut => conn.abort(),
            Deed::Nothing => {}
        }
    }
}

/// What net calls: a hold on the device that it can hand to a task which answers later.
struct Counter(Rc<Device>);

impl Handler for Counter {
    fn opened(&self, _: &Conn) {}

    fn frame(&self, conn: &Conn, _: &[u8], body: &[u8]) {
        let (deed, at) = self.0.desk.borrow_mut().serve(body);
        if at <= Instant::now() {
            return Device::act(conn, &deed);
        }
        let (device, conn) = (self.0.clone(), conn.clone());
        tokio::task::spawn_local(async move {
            tokio::time::sleep_until(at).await;
            Device::act(&conn, &deed);
            device.net.flush();
        });
    }

    fn closed(&self, _: &Conn, _: &CloseReason) {}
}
