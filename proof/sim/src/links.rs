//! What is true of the links: what people ordered, what each session came to, and that nothing is said on a link
//! outside of them. Kept from what was said on the wires and what was written down, never from what the lane
//! thinks of it.

use crate::invariant::Invariant;
use crate::marks::Mark;
use crate::world::{HOSTS, World};
use journal::{LinkOrder, Record};
use switch::{LinkState, Tell};
use terms::{Class, Code, Function, LinkId, Network, Outcome, Stan, Txn};

/// Echoes unanswered in a row after which a link is given up, as the switch is told.
pub(crate) const ECHO_MISSES_MAX: u32 = 2;

/// What people want of a link, by their orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Business, once it is open.
    #[default]
    Business,
    /// It is to be signed off, until somebody signs it on.
    Rest,
    /// Nothing new.
    Drained,
    /// Out of service.
    Out,
}

/// One link, and the session on it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    /// A sign-on was accepted on this connection, by either side; or a connection is all it needs.
    pub(crate) in_session: bool,
    pub(crate) wanted: Wanted,
    /// As far as the disk knows.
    durable: Wanted,
    asked: Option<(Stan, Network)>,
    /// Echoes of ours in a row, and nothing heard since.
    echoes: u32,
    /// What the lane says of itself: only to know when it could have sent.
    pub(crate) state: Option<LinkState>,
    /// Since when it says that business may pass.
    pub(crate) open_since: Option<u64>,
}

impl Wanted {
    /// What an order makes of it.
    const fn after(self, order: LinkOrder) -> Self {
        match order {
            LinkOrder::SignOn | LinkOrder::Ready => Self::Business,
            LinkOrder::SignOff => Self::Rest,
            LinkOrder::Drain => Self::Drained,
            LinkOrder::Maintain => Self::Out,
            LinkOrder::Echo | LinkOrder::AskCutover => self,
        }
    }

    /// Whether it outlives the process.
    const fn outlives(self) -> bool {
        matches!(self, Self::Drained | Self::Out)
    }
}

impl World {
    pub(crate) fn signs_on(&self, link: LinkId) -> bool {
        self.swarm.links[usize::from(link.0)].sign_on != switch::SignOn::None
    }

    fn seen(&mut self, link: LinkId) -> &mut Seen {
        &mut self.process.seen[usize::from(link.0)]
    }

    /// A connection stands.
    pub(crate) fn on_line_up(&mut self, link: LinkId) {
        let signs_on = self.signs_on(link);
        let seen = self.seen(link);
        (seen.in_session, seen.echoes, seen.asked) = (!signs_on, 0, None);
    }

    /// It is gone, and its session with it.
    pub(crate) fn on_line_down(&mut self, link: LinkId) {
        let seen = self.seen(link);
        (seen.in_session, seen.echoes, seen.asked, seen.open_since) = (false, 0, None, None);
    }

    /// The process died: what was ordered and is not durable was never ordered, and no session outlives it.
    pub(crate) fn on_death_of_links(&mut self) {
        for seen in &mut self.process.seen {
            let wanted = if seen.durable.outlives() { seen.durable } else { Wanted::Business };
            *seen = Seen { wanted, durable: seen.durable, ..Seen::default() };
        }
    }

    /// The host said something; nothing of it has reached the lane yet.
    pub(crate) fn hear_of_link(&mut self, link: LinkId, txn: &Txn) {
        let signs_on = self.signs_on(link);
        let seen = self.seen(link);
        seen.echoes = 0;
        if txn.message.asks() {
            if txn.network == Network::SignOff && txn.message.class == Class::Network {
                // From here on it takes nothing, whatever we answer.
                seen.in_session &= !signs_on;
            }
            return;
        }
        if txn.message.class == Class::Network && seen.asked.is_some_and(|(stan, _)| stan == txn.stan) {
            let about = seen.asked.take().map(|(_, about)| about);
            match (about, txn.outcome == Some(Outcome::Approved)) {
                (Some(Network::SignOn), true) => seen.in_session = true,
                // It refuses to close: the session stands.
                (Some(Network::SignOff), false) => seen.in_session = true,
                _ => {}
            }
        }
    }

    /// The switch answers a host's own question.
    pub(crate) fn on_answer_to_peer(&mut self, link: LinkId, about: Network, code: Code) {
        let signs_on = self.signs_on(link);
        if about == Network::SignOn && code == Code::Approved && signs_on {
            let seen = self.seen(link);
            seen.in_session = true;
            if seen.wanted == Wanted::Rest {
                seen.wanted = Wanted::Business;
            }
        }
    }

    /// The lane means to say this to a host now.
    pub(crate) fn on_meant_for_link(&mut self, link: LinkId, stan: Stan, request: &Txn) {
        if request.message.class == Class::Reconciliation {
            return self.look_at_totals(link);
        }
        if request.message.class != Class::Network {
            return self.look_at_business(link, request);
        }
        let seen = self.seen(link);
        match request.network {
            Network::Echo => {
                seen.echoes += 1;
                let echoes = seen.echoes;
                if echoes > ECHO_MISSES_MAX {
                    self.truth.breaks(Invariant::I37, None, format!("echo {echoes} to nobody"));
                }
            }
            Network::SignOff => {
                (seen.in_session, seen.asked) = (false, Some((stan, Network::SignOff)));
            }
            about => seen.asked = Some((stan, about)),
        }
    }

    /// Totals go in a session, whether business does or not.
    fn look_at_totals(&mut self, link: LinkId) {
        let in_session = self.seen(link).in_session;
        if self.process.recovery_waits || !in_session {
            let why =
                "totals are meant for a host outside of a session, or before a person let recovery begin";
            self.truth.breaks(Invariant::Link, None, why);
        }
    }

    fn look_at_business(&mut self, link: LinkId, request: &Txn) {
        let seen = *self.seen(link);
        let is_new = request.message.function == Function::Request;
        let what = if is_new { "a request" } else { "what is owed" };
        if self.process.recovery_waits {
            let why = format!("{what} is meant for a host, and a person has not begun the recovery");
            self.truth.breaks(Invariant::I30, None, why);
        }
        if !seen.in_session {
            self.truth.breaks(Invariant::Link, None, format!("{what} outside of a session"));
        }
        if seen.wanted != Wanted::Business {
            self.truth.breaks(Invariant::Link, None, format!("{what}, and people want {:?}", seen.wanted));
        }
    }

    /// Bytes of business leave for a host: the life and the session they belong to are not over.
    pub(crate) fn look_at_session(&mut self, link: LinkId, life: u64, op: Option<usize>) {
        let seen = *self.seen(link);
        if life != self.process.life {
            let why = format!("permitted in life {life}, sent in {}", self.process.life);
            self.truth.breaks(Invariant::I36, op, why);
        }
        if !seen.in_session {
            self.truth.breaks(Invariant::I36, op, "permitted in a session, sent outside of one");
        }
        if seen.echoes > ECHO_MISSES_MAX {
            self.truth.breaks(Invariant::I37, op, "sent on a link that was to be given up");
        }
    }

    /// An order is written down.
    pub(crate) fn note_order(&mut self, record: &Record) {
        if let Record::LinkOrdered { link, order, .. } = record {
            let order = *order;
            let seen = self.seen(*link);
            seen.wanted = seen.wanted.after(order);
            if let Some(mark) = Mark::of_order(order) {
                self.marks.hit(mark);
            }
        }
    }

    /// It is durable.
    pub(crate) fn durable_order(&mut self, record: &Record) {
        if let Record::LinkOrdered { link, order, .. } = record {
            let seen = self.seen(*link);
            seen.durable = seen.durable.after(*order);
        }
    }

    /// What the lane tells of a link's life.
    pub(crate) fn hear_of_state(&mut self, link: LinkId, state: LinkState) {
        let (now, signs_on) = (self.now, self.signs_on(link));
        let is_open = match state {
            LinkState::SignedOn => true,
            LinkState::Connected => !signs_on,
            _ => false,
        };
        let seen = self.seen(link);
        seen.state = Some(state);
        seen.open_since = is_open.then(|| seen.open_since.unwrap_or(now));
        self.tell_all(|| format!("link {} is {}", link.0, state.name()));
    }

    /// What a restart found, against what people had ordered.
    pub(crate) fn look_at_orders(&mut self) {
        for at in 0..HOSTS {
            let link = LinkId(at as u16);
            // A batch that was under way may have been found again, and orders in it.
            let durable = self.process.seen[at].durable;
            self.process.seen[at].wanted = if durable.outlives() { durable } else { Wanted::Business };
            let lane = self.process.lane.as_ref();
            let state =
                lane.and_then(|lane| lane.link_seen(terms::Instant::default(), link)).map(|s| s.state);
            let wanted = self.process.seen[at].wanted;
            self.process.seen[at].state = state;
            if wanted == Wanted::Out && state != Some(LinkState::Maintenance) {
                let why = format!("link {at} was in maintenance, and is {state:?} after the restart");
                self.truth.breaks(Invariant::Link, None, why);
            }
            if wanted.outlives() {
                self.marks.hit(Mark::OutAtRestart);
            }
        }
    }

    /// The state the lane has told of a link.
    pub(crate) fn state_of_link(&self, link: LinkId) -> Option<LinkState> {
        self.process.seen[usize::from(link.0)].state
    }

    /// What the lane tells about links, and what of it is worth having seen.
    pub(crate) fn hear_of_links(&mut self, tell: &Tell) {
        use switch::Cause;
        match tell {
            Tell::Link { link, state, cause } => {
                self.hear_of_state(*link, *state);
                let mark = match (cause, state) {
                    (Cause::Accepted, LinkState::SignedOn) => Mark::SignedOn,
                    (Cause::Accepted, LinkState::SignedOff) => Mark::SignedOff,
                    (Cause::Refused(_), LinkState::Connected) => Mark::SignOnRefused,
                    (Cause::Unanswered, LinkState::Connected) => Mark::SignOnUnanswered,
                    (Cause::Unanswered, LinkState::Draining) => Mark::SignOffUnanswered,
                    (Cause::PeerSignedOn, LinkState::SignedOn) => Mark::PeerSignedOn,
                    (Cause::PeerSignedOn, LinkState::Draining) => Mark::PeerMeetsDrain,
                    (Cause::PeerSignedOff, _) => Mark::PeerSignedOff,
                    (Cause::Retried, _) => Mark::SignOnRetried,
                    (Cause::Quiet, _) => Mark::WoundDown,
                    (Cause::EchoesMissed, _) => Mark::GivenUp,
                    _ => return,
                };
                self.marks.hit(mark);
            }
            Tell::EchoMissed { .. } => self.marks.hit(Mark::EchoMissed),
            Tell::Recovered { .. } => self.marks.hit(Mark::Recovered),
            Tell::CutoverRefused { .. } => self.marks.hit(Mark::CutRefused),
            Tell::TotalsUnanswered { .. } => self.marks.hit(Mark::TotalsSilent),
            Tell::TotalsSent { number, .. } if *number > 1 => self.marks.hit(Mark::TotalsRepeated),
            Tell::TotalsOverdue { .. } => self.marks.hit(Mark::TotalsOverdue),
            Tell::LateResult { .. } => self.marks.hit(Mark::LateResult),
            Tell::CutoverOverdue { .. } => self.marks.hit(Mark::CutOverdue),
            Tell::Cutover { stage: journal::CutStage::Asked, .. } => self.marks.hit(Mark::CutPromised),
            Tell::Cutover { stage: journal::CutStage::Begun, .. } => self.marks.hit(Mark::CutBegun),
            _ => {}
        }
    }
}
