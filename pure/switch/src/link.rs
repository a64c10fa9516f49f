//! The life of one link, above its connections: who may send business over it, and who says so.
//!
//! ```text
//!                  a connection            accepted                 sign-off, drain, maintenance
//!  disconnected ──────────────▶ connected ─▶ signing on ─▶ signed on ────────────────────────▶ draining
//!       ▲                          ▲  │                        ▲                                  │ nothing in
//!       │ the last one lost,       │  └── the peer signs on ───┘                                  ▼ flight
//!       │ or echoes unanswered     └────── refused, unanswered          signed off ◀────────── signing off
//! ```
//! A link without sign-on is used as soon as it is connected, and knows no more states than disconnected,
//! connected, draining and maintenance. The pure part is [`Position::step`]: every state meets every happening
//! in `link.table`. Times and messages are kept around it, in `management`.
//!
//! Nothing of this is durable but what a person took out of service (see `Lane::on_link_ordered`): whether a
//! link is signed on is a fact about a conversation, and a conversation does not outlive the process. The next
//! start signs on afresh, by order or by itself, as the configuration says.

use journal::LinkOrder;

/// Where a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkState {
    /// No connection stands.
    Disconnected,
    /// A connection stands. A link without sign-on is used now, any other waits to be signed on.
    Connected,
    /// We asked to sign on and wait for the answer.
    SigningOn,
    /// Business may pass.
    SignedOn,
    /// Nothing new begins; what is in flight is waited for.
    Draining,
    /// We said that we close and wait for the answer.
    SigningOff,
    /// Closed in good order, by us or by the peer.
    SignedOff,
    /// A person took it out of service.
    Maintenance,
}

impl LinkState {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Disconnected,
        Self::Connected,
        Self::SigningOn,
        Self::SignedOn,
        Self::Draining,
        Self::SigningOff,
        Self::SignedOff,
        Self::Maintenance,
    ];

    /// Its name, as people and JSON write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Connected => "connected",
            Self::SigningOn => "signing-on",
            Self::SignedOn => "signed-on",
            Self::Draining => "draining",
            Self::SigningOff => "signing-off",
            Self::SignedOff => "signed-off",
            Self::Maintenance => "maintenance",
        }
    }
}

/// Why an order cannot be carried out as things stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CannotOrder {
    /// The configuration has no such link.
    #[error("no such link")]
    NoSuchLink,
    /// No connection stands.
    #[error("no connection stands")]
    NoConnection,
    /// The link is not one that signs on.
    #[error("this link has no sign-on: a connection is all it needs")]
    NoSignOn,
    /// The partner's dialect has no such message.
    #[error("the link's dialect has no such message")]
    NotSpoken,
    /// There is no business to be stopped.
    #[error("it is not signed on")]
    NotSignedOn,
    /// A question of ours has to be answered first.
    #[error("an answer to our own sign-on or sign-off is awaited")]
    AwaitsAnswer,
    /// It was drained, or is being drained.
    #[error("it is drained by order")]
    IsDrained,
    /// A person took it out of service.
    #[error("it is in maintenance")]
    InMaintenance,
    /// Our calendar moves the host's day, and asking for the next one would move nothing.
    #[error("its day goes with the calendar, at midnight: nobody is asked to move it")]
    DayIsCalendar,
    /// It is in service as it is.
    #[error("it was not taken out of service")]
    NotOut,
    /// The peer's day is as far ahead of the calendar as it may be: its change to the next would be refused.
    #[error("its business day is ahead of the calendar already: the next one would be refused")]
    DayIsAhead,
}

/// What people (or the configuration) want of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wish {
    /// Business.
    Business,
    /// To be signed off.
    Rest,
    /// No new business, and the session left as it is.
    Drain,
    /// Out of service.
    Maintenance,
}

/// State and wish of a link: all that decides its next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Position {
    pub(crate) state: LinkState,
    pub(crate) wish: Wish,
}

/// What a link is like, for one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    /// It needs a sign-on.
    pub(crate) signs_on: bool,
    /// It signs on by itself.
    pub(crate) automatic: bool,
    /// A connection stands.
    pub(crate) connected: bool,
    /// Nothing is in flight on it.
    pub(crate) quiet: bool,
    /// We said that we close, nobody answered, and nobody knows whether the peer takes the session for closed.
    pub(crate) unsure: bool,
}

/// What can happen to a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Happening {
    /// Its first connection stands.
    Connected,
    /// Its last connection is gone.
    Lost,
    /// A person wants something.
    Ordered(LinkOrder),
    /// The peer signs on.
    PeerSignsOn,
    /// The peer signs off.
    PeerSignsOff,
    /// Our sign-on or sign-off was accepted.
    Accepted,
    /// It was refused.
    Refused,
    /// It was not answered in time, or could not be sent.
    Unanswered,
    /// Nothing is in flight any more.
    Quiet,
    /// The time has come to try the sign-on again.
    RetryDue,
    /// So many echoes went unanswered that nobody can be there.
    EchoesMissed,
}

/// What a step wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// Nothing.
    Nothing,
    /// What was ordered is so already, or under way.
    Already,
    /// Ask to sign on.
    SignOn,
    /// Say that we close.
    SignOff,
    /// Ask whether anybody is there.
    Echo,
    /// Ask the peer to change its day.
    AskCutover,
    /// Try the sign-on again later.
    TryLater,
    /// Break every connection: nobody is there.
    HangUp,
    /// It cannot be: told to whoever wanted it, and nothing changes.
    Refuse(CannotOrder),
}

impl Position {
    /// Where a link begins.
    pub(crate) const fn first(signs_on: bool, automatic: bool) -> Self {
        let wish = if signs_on && !automatic { Wish::Rest } else { Wish::Business };
        Self { state: LinkState::Disconnected, wish }
    }

    /// Whether new business may pass.
    pub(crate) fn takes_business(self, signs_on: bool) -> bool {
        match self.state {
            LinkState::SignedOn => true,
            LinkState::Connected => !signs_on,
            LinkState::Disconnected
            | LinkState::SigningOn
            | LinkState::Draining
            | LinkState::SigningOff
            | LinkState::SignedOff
            | LinkState::Maintenance => false,
        }
    }

    /// One step of a link's life. Pure.
    #[must_use]
    pub(crate) fn step(self, facts: Facts, happening: Happening) -> (Self, Act) {
        match happening {
            Happening::Connected => self.on_connected(facts),
            Happening::Lost => self.on_lost(),
            Happening::Ordered(order) => self.on_order(facts, order),
            Happening::PeerSignsOn => self.on_peer_signs_on(facts),
            Happening::PeerSignsOff => self.on_peer_signs_off(facts),
            Happening::Accepted => self.on_accepted(),
            Happening::Refused | Happening::Unanswered => self.on_failed(facts),
            Happening::Quiet => self.on_quiet(facts),
            Happening::RetryDue => self.on_retry(facts),
            Happening::EchoesMissed => self.on_echoes_missed(),
        }
    }

    const fn to(self, state: LinkState) -> Self {
        Self { state, ..self }
    }

    const fn wishing(self, wish: Wish) -> Self {
        Self { wish, ..self }
    }

    fn on_connected(self, facts: Facts) -> (Self, Act) {
        match (self.state, self.wish) {
            (LinkState::Disconnected, Wish::Business) if facts.signs_on => self.sign_on(),
            (LinkState::Disconnected, Wish::Drain) if !facts.signs_on => {
                (self.to(LinkState::Draining), Act::Nothing)
            }
            (LinkState::Disconnected, _) => (self.to(LinkState::Connected), Act::Nothing),
            // One more connection, or one of a link in maintenance.
            _ => (self, Act::Nothing),
        }
    }

    fn on_lost(self) -> (Self, Act) {
        match self.wish {
            Wish::Maintenance => (self.to(LinkState::Maintenance), Act::Nothing),
            Wish::Business | Wish::Rest | Wish::Drain => (self.to(LinkState::Disconnected), Act::Nothing),
        }
    }

    fn sign_on(self) -> (Self, Act) {
        (Self { state: LinkState::SigningOn, wish: Wish::Business }, Act::SignOn)
    }

    /// Stops business, for as far as the wish goes.
    fn wind_down(self, facts: Facts, wish: Wish) -> (Self, Act) {
        match facts.quiet && wish != Wish::Drain {
            true => self.wishing(wish).close(facts),
            false => (Self { state: LinkState::Draining, wish }, Act::Nothing),
        }
    }

    /// Nothing is in flight: closes.
    fn close(self, facts: Facts) -> (Self, Act) {
        match (facts.signs_on, self.wish) {
            (true, _) => (self.to(LinkState::SigningOff), Act::SignOff),
            (false, Wish::Maintenance) => (self.to(LinkState::Maintenance), Act::Nothing),
            (false, _) => (self, Act::Nothing),
        }
    }

    fn on_order(self, facts: Facts, order: LinkOrder) -> (Self, Act) {
        let refuse = |why| (self, Act::Refuse(why));
        match order {
            LinkOrder::SignOn | LinkOrder::SignOff if !facts.signs_on => refuse(CannotOrder::NoSignOn),
            LinkOrder::Echo if !facts.connected => refuse(CannotOrder::NoConnection),
            LinkOrder::Echo => (self, Act::Echo),
            LinkOrder::SignOn => self.order_sign_on(),
            LinkOrder::SignOff => self.order_sign_off(facts),
            LinkOrder::Drain => self.order_drain(facts),
            LinkOrder::Ready => self.order_ready(facts),
            LinkOrder::Maintain => self.order_maintenance(facts),
            // The day belongs to whoever is in session: nobody asks a stranger to end it.
            LinkOrder::AskCutover if self.takes_business(facts.signs_on) => (self, Act::AskCutover),
            LinkOrder::AskCutover => refuse(self.why_not_in_session()),
        }
    }

    /// Why nothing can be asked that belongs into a session: what has to be done first.
    const fn why_not_in_session(self) -> CannotOrder {
        match (self.state, self.wish) {
            (LinkState::Disconnected, _) => CannotOrder::NoConnection,
            (LinkState::Maintenance, _) | (LinkState::Draining, Wish::Maintenance) => {
                CannotOrder::InMaintenance
            }
            (LinkState::SigningOn | LinkState::SigningOff, _) => CannotOrder::AwaitsAnswer,
            (LinkState::Draining, _) | (_, Wish::Drain) => CannotOrder::IsDrained,
            (LinkState::Connected | LinkState::SignedOn | LinkState::SignedOff, _) => {
                CannotOrder::NotSignedOn
            }
        }
    }

    fn order_sign_on(self) -> (Self, Act) {
        match self.state {
            LinkState::Disconnected => (self, Act::Refuse(CannotOrder::NoConnection)),
            LinkState::Connected | LinkState::SignedOff if self.wish == Wish::Drain => {
                (self, Act::Refuse(CannotOrder::IsDrained))
            }
            LinkState::Connected | LinkState::SignedOff => self.sign_on(),
            LinkState::SigningOn | LinkState::SignedOn => (self, Act::Already),
            LinkState::Draining if self.wish == Wish::Maintenance => {
                (self, Act::Refuse(CannotOrder::InMaintenance))
            }
            LinkState::Draining => (self, Act::Refuse(CannotOrder::IsDrained)),
            LinkState::SigningOff => (self, Act::Refuse(CannotOrder::AwaitsAnswer)),
            LinkState::Maintenance => (self, Act::Refuse(CannotOrder::InMaintenance)),
        }
    }

    fn order_sign_off(self, facts: Facts) -> (Self, Act) {
        let is_wish = self.wish == Wish::Rest;
        match self.state {
            LinkState::Disconnected | LinkState::Connected | LinkState::SignedOff if is_wish => {
                (self, Act::Already)
            }
            LinkState::Disconnected | LinkState::Connected | LinkState::SignedOff => {
                (self.wishing(Wish::Rest), Act::Nothing)
            }
            LinkState::SigningOn => (self, Act::Refuse(CannotOrder::AwaitsAnswer)),
            LinkState::Draining if is_wish || self.wish == Wish::Maintenance => (self, Act::Already),
            LinkState::SignedOn | LinkState::Draining => self.wind_down(facts, Wish::Rest),
            LinkState::SigningOff | LinkState::Maintenance => (self, Act::Already),
        }
    }

    fn order_drain(self, facts: Facts) -> (Self, Act) {
        match self.state {
            LinkState::SignedOn => self.wind_down(facts, Wish::Drain),
            LinkState::Connected if !facts.signs_on => self.wind_down(facts, Wish::Drain),
            LinkState::Draining if self.wish == Wish::Drain => (self, Act::Already),
            LinkState::Draining | LinkState::SigningOff => (self, Act::Refuse(CannotOrder::AwaitsAnswer)),
            LinkState::Disconnected => (self, Act::Refuse(CannotOrder::NoConnection)),
            LinkState::Connected | LinkState::SigningOn | LinkState::SignedOff => {
                (self, Act::Refuse(CannotOrder::NotSignedOn))
            }
            LinkState::Maintenance => (self, Act::Refuse(CannotOrder::InMaintenance)),
        }
    }

    fn order_ready(self, facts: Facts) -> (Self, Act) {
        let open = if facts.signs_on { LinkState::SignedOn } else { LinkState::Connected };
        match (self.state, self.wish) {
            (LinkState::SigningOff, _) => (self, Act::Refuse(CannotOrder::AwaitsAnswer)),
            // The peer may have closed: a second sign-on harms nobody, business in a closed session does.
            (LinkState::Draining, _) if facts.unsure && facts.signs_on => self.sign_on(),
            (LinkState::Draining, _) => (Self { state: open, wish: Wish::Business }, Act::Nothing),
            (LinkState::Maintenance, _) if !facts.connected => {
                (Self { state: LinkState::Disconnected, wish: Wish::Business }, Act::Nothing)
            }
            (LinkState::Maintenance, _) if facts.signs_on => self.sign_on(),
            (LinkState::Maintenance, _) => {
                (Self { state: LinkState::Connected, wish: Wish::Business }, Act::Nothing)
            }
            (LinkState::Connected | LinkState::SignedOff, Wish::Drain) => self.sign_on(),
            (LinkState::Disconnected, Wish::Drain) => (self.wishing(Wish::Business), Act::Nothing),
            (LinkState::SigningOn | LinkState::SignedOn, _) => (self, Act::Already),
            (LinkState::Connected, _) if !facts.signs_on => (self, Act::Already),
            (LinkState::Disconnected | LinkState::Connected | LinkState::SignedOff, _) => {
                (self, Act::Refuse(CannotOrder::NotOut))
            }
        }
    }

    fn order_maintenance(self, facts: Facts) -> (Self, Act) {
        match self.state {
            LinkState::Maintenance => (self, Act::Already),
            LinkState::Draining | LinkState::SigningOff if self.wish == Wish::Maintenance => {
                (self, Act::Already)
            }
            LinkState::SigningOff => (self.wishing(Wish::Maintenance), Act::Nothing),
            LinkState::SigningOn => (self, Act::Refuse(CannotOrder::AwaitsAnswer)),
            LinkState::SignedOn | LinkState::Draining => self.wind_down(facts, Wish::Maintenance),
            LinkState::Connected if !facts.signs_on => self.wind_down(facts, Wish::Maintenance),
            LinkState::Disconnected | LinkState::Connected | LinkState::SignedOff => {
                (Self { state: LinkState::Maintenance, wish: Wish::Maintenance }, Act::Nothing)
            }
        }
    }

    /// The peer may open as well as we, unless a person stands in the way.
    fn on_peer_signs_on(self, facts: Facts) -> (Self, Act) {
        match self.state {
            _ if !facts.signs_on || self.state == LinkState::SignedOn => (self, Act::Nothing),
            LinkState::Connected | LinkState::SigningOn | LinkState::SignedOff => match self.wish {
                Wish::Drain => (self.to(LinkState::Draining), Act::Nothing),
                Wish::Business | Wish::Rest | Wish::Maintenance => {
                    (Self { state: LinkState::SignedOn, wish: Wish::Business }, Act::Nothing)
                }
            },
            LinkState::Disconnected => (self, Act::Refuse(CannotOrder::NoConnection)),
            LinkState::SignedOn | LinkState::Draining => (self, Act::Nothing),
            LinkState::SigningOff => (self, Act::Refuse(CannotOrder::AwaitsAnswer)),
            LinkState::Maintenance => (self, Act::Refuse(CannotOrder::InMaintenance)),
        }
    }

    /// Nothing of ours brings it back on the same connection: the peer signs on, or a person orders it.
    fn on_peer_signs_off(self, facts: Facts) -> (Self, Act) {
        match self.state {
            _ if !facts.signs_on => (self, Act::Nothing),
            LinkState::Disconnected | LinkState::Maintenance => (self, Act::Nothing),
            LinkState::Connected
            | LinkState::SigningOn
            | LinkState::SignedOn
            | LinkState::Draining
            | LinkState::SigningOff
            | LinkState::SignedOff => (self.closed(), Act::Nothing),
        }
    }

    const fn closed(self) -> Self {
        match self.wish {
            Wish::Maintenance => self.to(LinkState::Maintenance),
            Wish::Business | Wish::Rest | Wish::Drain => self.to(LinkState::SignedOff),
        }
    }

    fn on_accepted(self) -> (Self, Act) {
        match self.state {
            LinkState::SigningOn => (self.to(LinkState::SignedOn), Act::Nothing),
            LinkState::SigningOff => (self.closed(), Act::Nothing),
            // Overtaken by the peer's own message, or by the end of the connection.
            _ => (self, Act::Nothing),
        }
    }

    fn on_failed(self, facts: Facts) -> (Self, Act) {
        match self.state {
            LinkState::SigningOn if facts.automatic => (self.to(LinkState::Connected), Act::TryLater),
            // Whoever ordered it is told, and orders it again.
            LinkState::SigningOn => (Self { state: LinkState::Connected, wish: Wish::Rest }, Act::Nothing),
            LinkState::SigningOff if self.wish == Wish::Maintenance => {
                (self.to(LinkState::Maintenance), Act::Nothing)
            }
            // Nobody knows whether the peer takes the link for open: no business, and no end without a person.
            LinkState::SigningOff => (Self { state: LinkState::Draining, wish: Wish::Drain }, Act::Nothing),
            _ => (self, Act::Nothing),
        }
    }

    fn on_quiet(self, facts: Facts) -> (Self, Act) {
        match (self.state, self.wish) {
            (LinkState::Draining, Wish::Rest | Wish::Maintenance) => self.close(facts),
            _ => (self, Act::Nothing),
        }
    }

    fn on_retry(self, facts: Facts) -> (Self, Act) {
        match (self.state, self.wish) {
            (LinkState::Connected, Wish::Business) if facts.signs_on => self.sign_on(),
            _ => (self, Act::Nothing),
        }
    }

    fn on_echoes_missed(self) -> (Self, Act) {
        match self.state {
            LinkState::Disconnected => (self, Act::Nothing),
            _ => (self.on_lost().0, Act::HangUp),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{format, string::String};

    const ALWAYS: Facts =
        Facts { signs_on: true, automatic: true, connected: true, quiet: true, unsure: false };

    #[rustfmt::skip]
    const KINDS: [(&str, Facts); 5] = [
        ("automatic",  ALWAYS),
        ("busy",       Facts { quiet: false, ..ALWAYS }),
        ("by order",   Facts { automatic: false, ..ALWAYS }),
        ("no sign-on", Facts { signs_on: false, ..ALWAYS }),
        ("unsure",     Facts { unsure: true, ..ALWAYS }),
    ];

    #[rustfmt::skip]
    const POSITIONS: [(LinkState, Wish); 18] = [
        (LinkState::Disconnected, Wish::Business),
        (LinkState::Disconnected, Wish::Rest),
        (LinkState::Disconnected, Wish::Drain),
        (LinkState::Connected,    Wish::Business),
        (LinkState::Connected,    Wish::Rest),
        (LinkState::Connected,    Wish::Drain),
        (LinkState::SigningOn,    Wish::Business),
        (LinkState::SignedOn,     Wish::Business),
        (LinkState::Draining,     Wish::Rest),
        (LinkState::Draining,     Wish::Drain),
        (LinkState::Draining,     Wish::Maintenance),
        (LinkState::SigningOff,   Wish::Business),
        (LinkState::SigningOff,   Wish::Rest),
        (LinkState::SigningOff,   Wish::Maintenance),
        (LinkState::SignedOff,    Wish::Business),
        (LinkState::SignedOff,    Wish::Rest),
        (LinkState::SignedOff,    Wish::Drain),
        (LinkState::Maintenance,  Wish::Maintenance),
    ];

    #[rustfmt::skip]
    const HAPPENINGS: [(&str, Happening); 17] = [
        ("connected",      Happening::Connected),
        ("lost",           Happening::Lost),
        ("order sign-on",  Happening::Ordered(LinkOrder::SignOn)),
        ("order sign-off", Happening::Ordered(LinkOrder::SignOff)),
        ("order echo",     Happening::Ordered(LinkOrder::Echo)),
        ("order drain",    Happening::Ordered(LinkOrder::Drain)),
        ("order ready",    Happening::Ordered(LinkOrder::Ready)),
        ("order maint",    Happening::Ordered(LinkOrder::Maintain)),
        ("order cutreq",   Happening::Ordered(LinkOrder::AskCutover)),
        ("peer signs on",  Happening::PeerSignsOn),
        ("peer signs off", Happening::PeerSignsOff),
        ("accepted",       Happening::Accepted),
        ("refused",        Happening::Refused),
        ("unanswered",     Happening::Unanswered),
        ("quiet",          Happening::Quiet),
        ("retry due",      Happening::RetryDue),
        ("echoes missed",  Happening::EchoesMissed),
    ];

    fn in_a_line(position: Position, facts: Facts, happening: Happening) -> String {
        let connected = position.state != LinkState::Disconnected;
        let (after, act) = position.step(Facts { connected, ..facts }, happening);
        let wish = if after.wish == position.wish { String::new() } else { format!(" for {:?}", after.wish) };
        let act = match act {
            Act::Nothing => String::new(),
            act => format!(" | {act:?}"),
        };
        format!("{}{wish}{act}", after.state.name())
    }

    /// Every state and every happening, the refused pairs too. A line that changes is a rule that changes.
    #[test]
    fn every_state_meets_every_happening_as_written_in_the_table() {
        let mut table = String::new();
        for (kind, facts) in KINDS {
            for (state, wish) in POSITIONS {
                for (happening, happened) in HAPPENINGS {
                    let position = Position { state, wish };
                    let wish = format!("{wish:?}");
                    let line = in_a_line(position, facts, happened);
                    table += &format!("{kind:10} {:12} {wish:11} {happening:14} -> {line}\n", state.name());
                }
            }
        }
        let written = include_str!("link.table");
        for (at, (now, before)) in table.lines().zip(written.lines()).enumerate() {
            assert_eq!(now, before, "line {} of link.table", at + 1);
        }
        assert_eq!(table.lines().count(), written.lines().count(), "the whole table is now:\n{table}");
    }

    #[test]
    fn no_step_opens_for_business_what_a_person_took_out_of_service() {
        for (kind, facts) in KINDS {
            for (state, wish) in POSITIONS.into_iter().filter(|(_, wish)| *wish == Wish::Maintenance) {
                for (name, happening) in HAPPENINGS {
                    let (after, _) = Position { state, wish }.step(facts, happening);
                    let is_ready = happening == Happening::Ordered(LinkOrder::Ready);
                    let may = is_ready || !after.takes_business(facts.signs_on);
                    assert!(may, "{kind}: {state:?} and {name}: {after:?}");
                }
            }
        }
    }

    #[test]
    fn business_passes_only_where_it_was_let_in() {
        for (_, facts) in KINDS.into_iter().filter(|(_, facts)| facts.signs_on) {
            for (state, wish) in POSITIONS {
                for (name, happening) in HAPPENINGS {
                    let before = Position { state, wish };
                    let (after, _) = before.step(facts, happening);
                    let opens = after.takes_business(true) && !before.takes_business(true);
                    let may_open = matches!(
                        happening,
                        Happening::Accepted | Happening::PeerSignsOn | Happening::Ordered(LinkOrder::Ready)
                    );
                    assert!(!opens || may_open, "{before:?} and {name}: {after:?}");
                }
            }
        }
    }
}
