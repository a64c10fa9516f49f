//! Hosts as peers of a session: they answer sign-on, sign-off, echo and cutover requests or do not, sign on and off
//! themselves, and tell their day: once, twice, late, early, in one message or in two, until they are believed.

use crate::host::Frame;
use crate::marks::Mark;
use crate::recon::PeerAnswer;
use crate::swarm::Fault;
use crate::terminal::message;
use crate::world::{Coming, DAY, MS, SECOND, World};
use switch::{Event, LinkState};
use terms::{Answer, BusinessDate, Class, Code, ConnId, LinkId, Network, Stan, Text, Txn};

/// A host that is not believed says it again after so long.
const AGAIN_AFTER: u64 = 20 * SECOND;
/// How often a host says its day before its people leave it at that.
const SAID_MAX: u32 = 12;

/// What a host has to say about its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Announced {
    old: BusinessDate,
    new: BusinessDate,
    /// The first of two messages comes next.
    begins: bool,
    said: u32,
    /// To which life of the process it was said last.
    life: u64,
}

impl World {
    /// A network message of ours has reached its host.
    pub(crate) fn host_manages(&mut self, frame: &Frame) {
        let about = frame.request.network;
        let host = &self.hosts[usize::from(frame.link.0)];
        if host.conn != Some(frame.conn) || host.dead_until > self.now {
            return;
        }
        if about == Network::Echo && self.all_modules_are_down() {
            self.marks.hit(Mark::EchoWithoutModules);
        }
        let is_silent = self.strikes(Fault::PeerSilent);
        let refuses = about != Network::Echo && self.strikes(Fault::PeerRefuses);
        let code = if refuses { Code::HostDown } else { Code::Approved };
        self.tell_all(|| {
            let says = if is_silent { "nothing".to_owned() } else { code.to_string() };
            format!("host {} hears {about} and says {says}", frame.link.0)
        });
        if is_silent {
            return;
        }
        let Some(kind) = frame.request.message.answered_by() else { return };
        let day = self.hosts[usize::from(frame.link.0)].day;
        let says_day = about == Network::SignOn && self.tells_day(frame.link);
        let answer = Txn {
            network: about,
            stan: frame.ours.stan,
            code: Some(code),
            outcome: Some(code.outcome()),
            wire_code: Text::clipped(if code == Code::Approved { b"00" } else { b"91" }),
            settlement_date: says_day.then_some(day),
            ..Txn::new(kind)
        };
        let Some(answer) = self.read_of_host(frame, answer) else { return };
        let wait = self.luck.between(MS, 50 * MS);
        self.after(wait, Coming::FromHost(frame.link, frame.conn, Box::new(answer)));
        if about == Network::Cutover && code == Code::Approved {
            // It was only asked to: it does so when it likes.
            let wait = self.luck.about(20 * SECOND);
            self.after(wait, Coming::DayEnds(frame.link));
        }
    }

    /// Whether its day is the host's own to tell.
    pub(crate) fn tells_day(&self, link: LinkId) -> bool {
        !self.hosts[usize::from(link.0)].profile.day_is_calendar
    }

    /// A host says something about the link by itself.
    pub(crate) fn peer_says(&mut self, link: LinkId, about: Network, date: Option<BusinessDate>) {
        let host = &mut self.hosts[usize::from(link.0)];
        let Some(conn) = host.conn else { return };
        host.last_stan += 1;
        let stan = Stan(900_000 + host.last_stan % 99_999);
        let digits = self.swarm.links[usize::from(link.0)].types.of(about).map(|kind| kind.digits());
        let Some(digits) = digits else { return };
        let txn = Txn { network: about, stan, settlement_date: date, ..Txn::new(message(digits)) };
        self.tell_all(|| format!("host {} says {about} {date:?}", link.0));
        let Some(txn) = self.read_of_peer(link, txn) else { return };
        let copies = 1 + u32::from(self.strikes(Fault::CutTwice));
        for _ in 0..copies {
            let wait = self.luck.between(MS, 50 * MS);
            self.after(wait, Coming::FromHost(link, conn, Box::new(txn.clone())));
        }
        if copies > 1 && matches!(about, Network::Cutover | Network::CutoverEnd) {
            self.marks.hit(Mark::CutTwice);
        }
    }

    /// An answer of ours reaches the host that asked.
    pub(crate) fn peer_hears(&mut self, link: LinkId, conn: u64, answer: &PeerAnswer) {
        if answer.class == Class::Reconciliation {
            return self.host_hears_totals(link, answer);
        }
        let about = answer.about;
        let in_two = self.swarm.links[usize::from(link.0)].types.of(Network::CutoverEnd).is_some();
        let host = &mut self.hosts[usize::from(link.0)];
        if host.conn != Some(conn) || answer.code != Code::Approved {
            return;
        }
        let Some(said) = &mut host.announced else { return };
        let ends = if in_two { Network::CutoverEnd } else { Network::Cutover };
        if said.begins && about == Network::Cutover {
            (said.begins, said.said) = (false, 0);
            let wait = self.luck.about(10 * SECOND);
            self.after(wait, Coming::Announces(link));
        } else if !said.begins && about == ends && answer.date == Some(said.new) {
            let new = said.new;
            let old = said.old;
            host.announced = None;
            self.acknowledged_day(link, new);
            self.wonders(link, old);
        }
    }

    /// What the switch answers a host, on its way.
    pub(crate) fn answer_peer(&mut self, link: LinkId, conn: ConnId, request: &Txn, answer: &Answer) {
        self.on_answer_to_peer(link, request.network, answer.code);
        let said = PeerAnswer {
            class: request.message.class,
            about: request.network,
            code: answer.code,
            date: answer.settlement_date,
            totals: answer.totals.clone(),
        };
        if let Some(totals) = said.totals.as_deref() {
            self.totals_leave(link, totals);
        }
        if self.strikes(Fault::PeerSilent) {
            // The answer is lost with whatever the peer's machine was doing.
            return;
        }
        let wait = self.luck.between(MS, 20 * MS);
        self.after(wait, Coming::ToPeer(link, conn.0, Box::new(said)));
    }

    /// The switch gives a link up: whatever stands on it is broken, and dialled anew.
    pub(crate) fn hang_up(&mut self, link: LinkId) {
        if self.hosts[usize::from(link.0)].conn.take().is_some() {
            let wait = self.luck.between(100 * MS, 3 * SECOND);
            let life = self.process.life;
            self.step(Event::LinkDown { link });
            self.after(wait, Coming::LinkUp(link, life));
        }
    }

    /// By its own clock a host ends its day around midnight, a little early, a little late, or not at all tonight.
    pub(crate) fn keep_the_hours(&mut self, link: LinkId) {
        let local = self.now + 18 * 3_600 * SECOND + 1_391 * SECOND;
        let midnight = DAY - local % DAY;
        let (early, late) = (self.luck.below(2 * 3_600), self.luck.below(2 * 3_600));
        self.after(midnight + 3 * 3_600 * SECOND, Coming::Midnight(link));
        if self.luck.below(20) > 0 {
            let ends = (midnight + late * SECOND).saturating_sub(early * SECOND);
            self.after(ends, Coming::DayEnds(link));
        }
    }

    /// The host's day ends: it is another from now on, and the switch has to be told.
    pub(crate) fn end_day(&mut self, link: LinkId) {
        let at = usize::from(link.0);
        if !self.tells_day(link) || self.calm {
            return;
        }
        if self.hosts[at].answers_until > self.now {
            // What it has answered today reaches us today.
            let wait = self.hosts[at].answers_until - self.now + MS;
            return self.after(wait, Coming::DayEnds(link));
        }
        if self.hosts[at].announced.is_some() && self.luck.below(4) > 0 {
            // Nobody has believed the last one yet; few begin another.
            return;
        }
        let (old, today) = (self.hosts[at].day, self.clocks().local().date);
        let new = match old < today && self.luck.below(2) == 0 {
            // It had been away, too.
            true => today,
            false => old.next(),
        };
        let in_two = self.swarm.links[at].types.of(Network::CutoverEnd).is_some();
        let begins = in_two && !self.strikes(Fault::CutLost);
        self.hosts[at].day = new;
        self.hosts[at].announced = Some(Announced { old, new, begins, said: 0, life: self.process.life });
        if self.totals_under_way(link) {
            self.marks.hit(Mark::CutUnderTotals);
        }
        if in_two && !begins {
            self.marks.hit(Mark::CutEndAlone);
        }
        let lane = self.process.lane.as_ref();
        if lane.is_some_and(|lane| lane.in_flight() > 0) {
            self.marks.hit(Mark::DateChangedInFlight);
        }
        if lane.is_some_and(|lane| lane.in_flight() > 5) {
            self.marks.hit(Mark::CutInBurst);
        }
        if self.process.to_tell_first.iter().any(|(to, _)| *to == link) {
            self.marks.hit(Mark::CutInRecovery);
        }
        self.marks.hit(if new > today { Mark::CutEarly } else { Mark::CutInTime });
        if new < today {
            self.marks.hit(Mark::CutLate);
        }
        self.announce(link);
    }

    /// Says it, and again until it is believed.
    pub(crate) fn announce(&mut self, link: LinkId) {
        let at = usize::from(link.0);
        let Some(said) = &mut self.hosts[at].announced else { return };
        said.said += 1;
        if said.said > SAID_MAX {
            return;
        }
        let has_died = std::mem::replace(&mut said.life, self.process.life) != self.process.life;
        let said = *said;
        self.after(AGAIN_AFTER, Coming::Announces(link));
        if has_died {
            self.marks.hit(Mark::CutAgainAfterDeath);
        }
        if self.strikes(Fault::CutLost) {
            return;
        }
        let in_two = self.swarm.links[at].types.of(Network::CutoverEnd).is_some();
        let (about, date) = match (in_two, said.begins) {
            (true, true) => (Network::Cutover, said.old),
            (true, false) => (Network::CutoverEnd, said.new),
            (false, _) => (Network::Cutover, said.new),
        };
        self.peer_says(link, about, Some(date));
    }

    /// A peer signs off, and on again, as it pleases.
    pub(crate) fn peer_signs(&mut self) {
        let link = LinkId(self.luck.below(crate::world::HOSTS as u64) as u16);
        if !self.signs_on(link) {
            return;
        }
        let about = if self.luck.below(3) == 0 { Network::SignOn } else { Network::SignOff };
        self.peer_says(link, about, None);
    }

    /// Somebody looks after a link that is not open: its host signs on, or a person does what is to be done.
    pub(crate) fn attend(&mut self, link: LinkId) {
        let wait = if self.calm { 10 * SECOND } else { 15 * SECOND + self.luck.about(30 * SECOND) };
        self.after(wait, Coming::Attend(link));
        let at = usize::from(link.0);
        if self.process.lane.is_none() || self.process.paused_until > self.now {
            return;
        }
        if self.process.recovery_waits && (self.calm || self.luck.below(2) == 0) {
            self.begin_recovery();
        }
        if self.process.seen[at].open_since.is_some() || self.hosts[at].conn.is_none() {
            return;
        }
        let wanted = self.process.seen[at].wanted;
        if wanted != crate::links::Wanted::Business && !self.calm && self.luck.below(3) > 0 {
            return;
        }
        let order = match self.state_of_link(link) {
            Some(LinkState::Maintenance | LinkState::Draining) => journal::LinkOrder::Ready,
            Some(LinkState::Connected | LinkState::SignedOff) => {
                if self.signs_on(link) && self.luck.below(2) == 0 {
                    return self.peer_says(link, Network::SignOn, None);
                }
                match wanted == crate::links::Wanted::Drained {
                    true => journal::LinkOrder::Ready,
                    false => journal::LinkOrder::SignOn,
                }
            }
            _ => return,
        };
        self.order(link, order, "attendant");
    }

    /// A person lets the recovery begin that waited for one.
    pub(crate) fn begin_recovery(&mut self) {
        if std::mem::take(&mut self.process.recovery_waits) {
            self.tell_all(|| "a person begins the recovery".into());
            self.marks.hit(Mark::RecoveryOrdered);
            self.step(Event::Recover);
        }
    }
}
