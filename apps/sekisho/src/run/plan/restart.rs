//! What a changed configuration changes that a running switch cannot take over.

use super::Plan;
use crate::config::{ApiToml, LinkToml, ListenerToml, TransmissionTime};
use std::collections::BTreeMap;

impl Plan {
    /// What differs in `other` that cannot change while running, in words.
    pub(crate) fn needs_restart(&self, other: &Self) -> Vec<String> {
        let mut what = Vec::new();
        for listener in &self.config.listener {
            let changed = other.config.listener.iter().find(|other| other.name == listener.name);
            if changed.is_some_and(|changed| self.fixed_in(listener) != other.fixed_in(changed)) {
                what.push(format!(
                    "[[listener]] `{}` (where it listens, its kind, framing, limits, security)",
                    listener.name
                ));
            }
        }
        for link in &self.config.link {
            match other.config.link.iter().find(|other| other.name == link.name) {
                Some(changed) if self.fixed_of(link) == other.fixed_of(changed) => {}
                Some(_) => what
                    .push(format!("[[link]] `{}` (where it dials, its framing, tls, security)", link.name)),
                None => what.push(format!("[[link]] `{}` is gone: drain it first", link.name)),
            }
        }
        let api = |plan: &Self| {
            let api = plan.config.api.clone().map(|api| ApiToml { default_link: None, ..api });
            format!("{api:?}")
        };
        let differs = [
            (format!("{:?}", self.config.journal) != format!("{:?}", other.config.journal), "[journal]"),
            (self.config.time_zone != other.config.time_zone, "time_zone"),
            (format!("{:?}", self.config.http) != format!("{:?}", other.config.http), "[http]"),
            (self.config.control_socket() != other.config.control_socket(), "[control]"),
            (self.config.keys != other.config.keys, "[keys]"),
            (format!("{:?}", self.config.hsm) != format!("{:?}", other.config.hsm), "[[hsm]]"),
            (format!("{:?}", self.config.security) != format!("{:?}", other.config.security), "[security]"),
            (api(self) != api(other), "[api] (other than default_link)"),
            (self.config.lane.remembered_max != other.config.lane.remembered_max, "[lane]"),
        ];
        what.extend(differs.into_iter().filter(|(differs, _)| *differs).map(|(_, what)| what.to_string()));
        what
    }

    /// Everything of a listener but what is taken over while it listens.
    fn fixed_in(&self, listener: &ListenerToml) -> String {
        let framing = self.framing_named(&listener.dialect, listener.framing.as_ref());
        let rest = ListenerToml {
            default_link: None,
            consistency: None,
            per_terminal_max: 0,
            unreadable_max: 0,
            terminal_required: false,
            dialect: String::new(),
            framing: Some(framing),
            peer: Vec::new(),
            tls: None,
            ..listener.clone()
        };
        format!("{rest:?}")
    }

    /// Everything of a link but what is taken over while it is connected.
    fn fixed_of(&self, link: &LinkToml) -> String {
        let framing = self.framing_named(&link.dialect, link.framing.as_ref());
        let rest = LinkToml {
            reply_timeout_ms: 0,
            in_flight_max: 0,
            breaker: Default::default(),
            transmission_time: TransmissionTime::Utc,
            host: Default::default(),
            forward: Default::default(),
            timers: Default::default(),
            management: None,
            reconciliation: None,
            dialect: String::new(),
            framing: Some(framing),
            ..link.clone()
        };
        format!("{rest:?}")
    }

    fn framing_named(&self, dialect: &str, wanted: Option<&String>) -> String {
        let own = || self.dialect(dialect, &mut BTreeMap::new()).framing().to_owned();
        wanted.cloned().unwrap_or_else(own)
    }
}
