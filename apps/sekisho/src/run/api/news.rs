//! What the lane tells, as the events applications know.

use super::event::{Event, Severity};
use crate::run::core::Core;
use journal::CutStage;
use serde_json::json;
use std::collections::BTreeMap;
use switch::{Cause, LinkState, Tell};
use terms::{Balance, BusinessDate, LinkId, LinkName, Timestamp, TxnId};

impl Core {
    /// Puts up what applications want to know of what the lane tells.
    pub(crate) fn publish_told(&mut self, tell: Tell) {
        let event = match tell {
            Tell::Link { link, state, cause } => self.of_link(link, state, cause),
            Tell::Cutover { link, stage } => {
                let name = match stage {
                    CutStage::Open => "cutover.given_up",
                    CutStage::Asked => "cutover.requested",
                    CutStage::Begun => "cutover.received",
                };
                Some(self.about(link, name, Severity::Info))
            }
            Tell::HostDate { link } => Some(self.about(link, "cutover.completed", Severity::Info)),
            Tell::CutoverRefused { link, date } => {
                let date = date.map(|date| date.to_string());
                Some(self.about(link, "cutover.refused", Severity::Error).with("date", json!(date)))
            }
            Tell::CutoverOverdue { link, stage } => {
                Some(self.about(link, "cutover.overdue", Severity::Error).with("stage", json!(stage.name())))
            }
            Tell::OwnDate { from, to } => Some(self.of_own_day(from, to)),
            Tell::TotalsSent { link, date, number } => {
                let event =
                    self.about(link, "recon.sent", Severity::Info).with("date", json!(date.to_string()));
                Some(event.with("attempts", json!(number)))
            }
            Tell::TotalsOverdue { link, date, attempts } => {
                let event = self.about(link, "recon.overdue", Severity::Error);
                Some(event.with("date", json!(date.to_string())).with("attempts", json!(attempts)))
            }
            Tell::Compared { link, date, balance } => {
                let (name, severity) = match balance {
                    Some(Balance::Balanced) => ("recon.balanced", Severity::Info),
                    Some(Balance::OutOfBalance) => ("recon.out_of_balance", Severity::Error),
                    Some(Balance::NotAvailable) => ("recon.not_available", Severity::Warning),
                    None => ("recon.refused", Severity::Error),
                };
                Some(self.about(link, name, severity).with("date", json!(date.to_string())))
            }
            Tell::LateResult { id } => {
                Some(Event::new("recon.late_result", Severity::Warning, self.clock.now().wall).of(id))
            }
            Tell::Recovered { link } => Some(self.about(link, "recovery.completed", Severity::Info)),
            Tell::StrangeAnswer { link, stan_known } => {
                let reason =
                    if stan_known { "the trace number is ours, the rest disagrees" } else { "not asked" };
                Some(self.about(link, "message.discarded", Severity::Warning).with("reason", json!(reason)))
            }
            Tell::SecondAnswer { id, link } => {
                let event = self.about(link, "message.discarded", Severity::Warning);
                Some(event.of(id).with("reason", json!("second answer")))
            }
            Tell::LateAnswer { id, link, outcome } => {
                let event = self.about(link, "transaction.late_answer", Severity::Warning);
                Some(event.of(id).with("would_have_been", json!(outcome.name())))
            }
            // Only those of applications have anybody here who waits for the last word.
            Tell::Forwarded { link, id, .. } | Tell::Settled { link, id, .. }
                if self.lane.submission(id).is_some() =>
            {
                Some(self.resolved(link, id, Severity::Info))
            }
            Tell::NeedsAPerson { id } if self.lane.submission(id).is_some() => {
                let event = Event::new("transaction.needs_a_person", Severity::Error, self.clock.now().wall);
                Some(event.of(id))
            }
            Tell::Decided { .. }
            | Tell::Repeated { .. }
            | Tell::BreakerOpened { .. }
            | Tell::BreakerClosed { .. }
            | Tell::NeedsAPerson { .. }
            | Tell::ForwardAlarm { .. }
            | Tell::Forwarded { .. }
            | Tell::Settled { .. }
            | Tell::ForgetsEarly { .. }
            | Tell::TotalsUnanswered { .. }
            | Tell::EchoMissed { .. }
            | Tell::Meaningless { .. } => None,
        };
        event.into_iter().for_each(|event| self.publish(event));
    }

    /// Puts up again how days changed in lives before this one, as far back as they are at hand: an application that
    /// comes back to a switch that was started again hears of those it has missed.
    pub(crate) fn recall_days(&mut self) {
        let now = self.clock.now();
        let mut ended = BTreeMap::<(LinkName, BusinessDate), Timestamp>::new();
        for day in self.lane.reconciliations(now.instant) {
            ended.insert((day.link, day.date), day.ended_at);
        }
        let mut recalled = Vec::new();
        for seen in self.lane.days_seen() {
            let days: Vec<_> = ended.iter().filter(|((link, _), _)| *link == seen.link).collect();
            let follow = days.iter().skip(1).map(|((_, date), _)| Some(*date)).chain([seen.date]);
            for (((link, from), at), to) in days.iter().zip(follow) {
                let Some(to) = to else { continue };
                let event = Event::new("cutover.completed", Severity::Info, **at);
                let event = event.on(&link.to_string(), to.to_string());
                recalled.push(event.with("from", json!(from.to_string())));
            }
        }
        if let Some(own) = self.lane.own_day() {
            let mut event = Event::new("business_day.opened", Severity::Info, own.since);
            event.business_date = Some(own.date.to_string());
            recalled.push(event);
        }
        // Of 1970 is what nobody knows the time of.
        recalled.retain(|event| event.at_ms > 0);
        recalled.sort_by_key(|event| event.at_ms);
        recalled.into_iter().for_each(|event| self.bulletin.post(event.recalled()));
    }

    /// Connections of a link came or went.
    pub(crate) fn announce_lines(&mut self, link: LinkId, lines: LinesNow, cause: &str) {
        let LinesNow { stand, wanted } = lines;
        let (name, severity) = lines.event();
        let event = self.about(link, name, severity).with("cause", json!(cause));
        self.publish(event.with("connections", json!(stand)).with("connections_wanted", json!(wanted)));
    }

    /// Somebody sent what nobody can read. Where and why, never what.
    pub(crate) fn announce_unreadable(
        &mut self,
        link: Option<LinkId>,
        from: &str,
        why: &dialects::ReadError,
    ) {
        let name = "message.format_error";
        let event = match link {
            Some(link) => self.about(link, name, Severity::Warning),
            None => Event::new(name, Severity::Warning, self.clock.now().wall),
        };
        self.publish(event.with("from", json!(from)).with("why", json!(why.to_string())));
    }

    /// The order to recover was given.
    pub(crate) fn announce_recovery(&mut self) {
        self.publish(Event::new("recovery.started", Severity::Info, self.clock.now().wall));
    }

    fn of_own_day(&self, from: Option<BusinessDate>, to: BusinessDate) -> Event {
        let mut event = Event::new("business_day.opened", Severity::Info, self.clock.now().wall);
        event.business_date = Some(to.to_string());
        event.with("from", json!(from.map(|from| from.to_string())))
    }

    fn of_link(&self, link: LinkId, state: LinkState, cause: Cause) -> Option<Event> {
        let (name, severity) = of_session(state, cause)?;
        let event = self.about(link, name, severity);
        Some(event.with("state", json!(state.name())).with("cause", json!(cause.name())))
    }

    fn resolved(&self, link: LinkId, id: TxnId, severity: Severity) -> Event {
        self.about(link, "transaction.resolved", severity).of(id)
    }

    /// An event about a link.
    pub(crate) fn about(&self, link: LinkId, name: &'static str, severity: Severity) -> Event {
        let now = self.clock.now();
        let link_name =
            self.links.get(usize::from(link.0)).map_or_else(String::new, |link| link.name.to_string());
        let date = self.lane.date_with(now, link).to_string();
        Event::new(name, severity, now.wall).on(&link_name, date)
    }
}

/// How many connections of a link stand, of how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinesNow {
    pub(crate) stand: usize,
    pub(crate) wanted: usize,
}

impl LinesNow {
    /// What is said of that: one of the three that applications have always known as 41, 42 and 43.
    const fn event(self) -> (&'static str, Severity) {
        match self.stand {
            0 => ("link.down", Severity::Error),
            stand if stand < self.wanted => ("link.degraded", Severity::Warning),
            _ => ("link.connected", Severity::Info),
        }
    }
}

/// What is said of a link that came to this state. Connections are spoken of apart: see [`LinesNow`].
const fn of_session(state: LinkState, cause: Cause) -> Option<(&'static str, Severity)> {
    match (state, cause) {
        (LinkState::SignedOn, _) => Some(("link.signed_on", Severity::Info)),
        (LinkState::SignedOff, _) => Some(("link.signed_off", Severity::Info)),
        (LinkState::Draining, _) => Some(("link.draining", Severity::Info)),
        (LinkState::Maintenance, Cause::Lost | Cause::EchoesMissed) => None,
        (LinkState::Maintenance, _) => Some(("link.maintenance", Severity::Info)),
        (LinkState::Connected, Cause::Refused(_) | Cause::Unanswered) => {
            Some(("link.sign_on_failed", Severity::Warning))
        }
        // Out of maintenance, or drained no more, where no sign-on is needed or no connection stands.
        (LinkState::Connected | LinkState::Disconnected, Cause::Ordered(_)) => {
            Some(("link.ready", Severity::Info))
        }
        // Its connections say it.
        (LinkState::Connected | LinkState::Disconnected, _) => None,
        // Said in a moment by what they end in.
        (LinkState::SigningOn | LinkState::SigningOff, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use journal::LinkOrder;
    use terms::Code;

    /// Connections: what applications have always known as 41, 42 and 43.
    #[test]
    fn connections_are_all_there_or_some_or_none() {
        #[rustfmt::skip]
        let table = [
            (0, 4, "link.down"),
            (1, 4, "link.degraded"),
            (3, 4, "link.degraded"),
            (4, 4, "link.connected"),
            (0, 1, "link.down"),
            (1, 1, "link.connected"),
        ];
        for (stand, wanted, name) in table {
            assert_eq!(LinesNow { stand, wanted }.event().0, name, "{stand} of {wanted}");
        }
    }

    /// Every state and every cause: what is said of it, or `-` for nothing. 44 and 45 are the session's own.
    #[test]
    fn every_state_a_link_comes_to_is_said_by_its_name_or_by_nothing() {
        let ordered = |order| Cause::Ordered(order);
        let causes = [
            Cause::Beginning,
            Cause::Connected,
            Cause::Lost,
            ordered(LinkOrder::SignOn),
            ordered(LinkOrder::Ready),
            Cause::PeerSignedOn,
            Cause::PeerSignedOff,
            Cause::Accepted,
            Cause::Refused(Code::NotSupported),
            Cause::Unanswered,
            Cause::Quiet,
            Cause::Retried,
            Cause::EchoesMissed,
        ];
        const ON: &str = "link.signed_on";
        const OFF: &str = "link.signed_off";
        const DRAIN: &str = "link.draining";
        const MAINT: &str = "link.maintenance";
        const READY: &str = "link.ready";
        const FAILED: &str = "link.sign_on_failed";
        #[rustfmt::skip]
        let table = [
            //                           begin  conn   lost   order  ready  p.on   p.off  accept refuse silent quiet  retry  echoes
            (LinkState::Disconnected,  ["-",   "-",   "-",   READY, READY, "-",   "-",   "-",   "-",    "-",    "-",   "-",   "-"]),
            (LinkState::Connected,     ["-",   "-",   "-",   READY, READY, "-",   "-",   "-",   FAILED, FAILED, "-",   "-",   "-"]),
            (LinkState::SigningOn,     ["-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",    "-",    "-",   "-",   "-"]),
            (LinkState::SignedOn,      [ON,    ON,    ON,    ON,    ON,    ON,    ON,    ON,    ON,     ON,     ON,    ON,    ON]),
            (LinkState::Draining,      [DRAIN, DRAIN, DRAIN, DRAIN, DRAIN, DRAIN, DRAIN, DRAIN, DRAIN,  DRAIN,  DRAIN, DRAIN, DRAIN]),
            (LinkState::SigningOff,    ["-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",   "-",    "-",    "-",   "-",   "-"]),
            (LinkState::SignedOff,     [OFF,   OFF,   OFF,   OFF,   OFF,   OFF,   OFF,   OFF,   OFF,    OFF,    OFF,   OFF,   OFF]),
            (LinkState::Maintenance,   [MAINT, MAINT, "-",   MAINT, MAINT, MAINT, MAINT, MAINT, MAINT,  MAINT,  MAINT, MAINT, "-"]),
        ];
        assert_eq!(table.map(|(state, _)| state), LinkState::ALL);
        for (state, row) in table {
            for (cause, said) in causes.into_iter().zip(row) {
                let name = of_session(state, cause).map_or("-", |(name, _)| name);
                assert_eq!(name, said, "{} by {cause:?}", state.name());
            }
        }
    }
}
