//! From a table of the configuration to what the lane, the net or the loop takes.

use super::Names;
use crate::config::api::SOURCE;
use crate::config::{
    BusinessDayToml, ConsistencyToml, DepositsToml, DrawnBy, LinkToml, ListenerKind, ListenerToml,
    TransmissionTime, UnknownCreditsToml,
};
use crate::run::parties::Exchanging;
use dialects::Dialect;
use net::{AllowedPeer, Limits, ListenerConfig, PoolRule, Service, TlsServer};
use switch::{
    BreakerConfig, Consistency, Demands, ForwardConfig, HostProfile, LinkConfig, Management, SourceConfig,
};
use terms::{NetworkTypes, Text};
use wire::Framing;

pub(super) fn link_config(link: &LinkToml, dialect: &Dialect) -> LinkConfig {
    LinkConfig {
        name: Text::clipped(link.name.as_bytes()),
        reply_timeout_ms: link.reply_timeout_ms,
        in_flight_max: link.in_flight_max,
        pairing: dialect.pairing(),
        breaker: BreakerConfig {
            requests_min: link.breaker.requests_min,
            unanswered_percent: link.breaker.unanswered_percent,
            probe_after_ms: link.breaker.probe_after_ms,
        },
        transmits_utc: link.transmission_time == TransmissionTime::Utc,
        host: HostProfile {
            tombstones: link.host.tombstones,
            dedups_reversals: link.host.dedups_reversals,
            marks_repeats: link.host.marks_repeats,
            deposits_are_posted: link.host.deposits == DepositsToml::Post,
            guard_ms: link.host.guard_ms,
            day_is_calendar: link.host.business_day == BusinessDayToml::Calendar,
            days_ahead_max: link.host.days_ahead_max,
            partial_reversals: dialect.says_remaining(),
            demands: Demands::of(dialect.demands_of_owed()),
            unknown_credits_approved: link.host.unknown_credits == UnknownCreditsToml::Approve,
        },
        forward: ForwardConfig {
            reply_timeout_ms: link.forward.reply_timeout_ms,
            repeat_ms: link.forward.repeat_ms,
            window: link.forward.window,
            catch_up_window: link.forward.catch_up_window,
            alarm_after: link.forward.alarm_after,
            recovery_first: link.forward.recovery_first,
        },
        timers: link.timers.timers(),
        management: management_of(link, dialect),
        reconciliation: link
            .reconciliation
            .as_ref()
            .zip(dialect.reconciliation())
            .map(|(table, rule)| table.reconciliation(rule.message, rule.reversals, rule.net)),
    }
}

pub(super) fn management_of(link: &LinkToml, dialect: &Dialect) -> Management {
    let types = dialect.network_types();
    match &link.management {
        Some(management) => management.management(types),
        None => Management { types, ..Management::default() },
    }
}

/// Applications: they can look up what became of a submission, and take it back.
pub(super) fn applications() -> SourceConfig {
    SourceConfig {
        name: Text::clipped(SOURCE.as_bytes()),
        terminal_required: false,
        consistency: Some(Consistency::Reversal),
        per_terminal_max: 0,
        // They are told by events.
        told_of_days: NetworkTypes::default(),
    }
}

pub(super) fn source_config(name: &str, listener: &ListenerToml) -> SourceConfig {
    SourceConfig {
        name: Text::clipped(name.as_bytes()),
        terminal_required: listener.terminal_required,
        consistency: listener.consistency.map(|consistency| match consistency {
            ConsistencyToml::Reversal => Consistency::Reversal,
            ConsistencyToml::Completion => Consistency::Completion,
            ConsistencyToml::Inquiry => Consistency::Inquiry,
        }),
        per_terminal_max: listener.per_terminal_max,
        ..SourceConfig::default()
    }
}

pub(super) fn listener_config(
    listener: &ListenerToml,
    framing: Framing,
    names: &mut Names,
) -> ListenerConfig {
    let service = match (listener.kind, listener.pool) {
        (ListenerKind::Access, _) => Service::Persistent,
        (ListenerKind::Atmc, None) => Service::OneRequest(PoolRule::default()),
        (ListenerKind::Atmc, Some(pool)) => Service::OneRequest(PoolRule {
            size_min: pool.min,
            size_initial: pool.initial,
            size_max: pool.max,
            ..PoolRule::default()
        }),
    };
    let name = Text::clipped(listener.name.as_bytes());
    let standard = ListenerConfig::new(name, listener.listen, framing, service);
    let allow = listener.peer.iter().map(|peer| AllowedPeer {
        address: peer.address,
        name: Text::clipped(peer.name.as_bytes()),
        source: names.source(&peer.name),
    });
    let allow: Vec<AllowedPeer> = allow.collect();
    ListenerConfig {
        source: names.source(&listener.name),
        tls: listener.tls.as_ref().map(|tls| TlsServer {
            certificate: tls.certificate.clone(),
            key: tls.key.clone(),
            client_authorities: tls.client_authorities.clone(),
        }),
        limits: Limits {
            frame_timeout_ms: listener.frame_timeout_ms,
            idle_timeout_ms: listener.idle_timeout_ms.or(standard.limits.idle_timeout_ms),
            ..standard.limits
        },
        connections_max: listener.connections_max,
        per_address_max: listener.per_address_max,
        allow: (!allow.is_empty()).then_some(allow),
        ..standard
    }
}

pub(super) fn exchanging(link: &LinkToml) -> Option<Exchanging> {
    let config = link.key_exchange?;
    let we_draw = config.drawn_by == DrawnBy::Us;
    Some(Exchanging { we_draw, every_ms: config.every_ms, yields: config.yields })
}
