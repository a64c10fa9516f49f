//! The snapshot as OpenMetrics text.
//!
//! Labels are names out of the configuration and fixed words, so their number is bounded by the
//! configuration. No card, terminal or trace number is ever a label.

use super::days::ReconStatus;
use super::status::{LatencyStatus, Status};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, text};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use std::collections::BTreeMap;
use std::fmt::Error;

/// What the text is.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The text.
pub(crate) fn as_text(status: Status) -> Result<String, Error> {
    let mut registry = Registry::with_prefix("sekisho");
    registry.register_collector(Box::new(Figures(status)));
    let mut out = String::new();
    text::encode(&mut out, &registry)?;
    Ok(out)
}

#[derive(Debug)]
struct Figures(Status);

/// One line of a family: its labels and its value.
type Row = (Vec<(&'static str, String)>, u64);

impl Collector for Figures {
    fn encode(&self, mut to: DescriptorEncoder<'_>) -> Result<(), Error> {
        let s = &self.0;
        let one = |value: u64| vec![(Vec::new(), value)];
        gauges(
            &mut to,
            "durable",
            "0 when records are not synced (--unsafe-no-sync)",
            &one(s.durable.into()),
        )?;
        gauges(
            &mut to,
            "takes_requests",
            "0 when every new request is declined: stopping, a full disk, a recovery that waits for a person",
            &one(s.takes_requests.into()),
        )?;
        let ready = one(s.journal.segments_ready as u64);
        gauges(&mut to, "journal_segments_ready", "Segments that stand ready behind the one in use", &ready)?;
        let damaged = one(matches!(s.journal.verified.state, "damaged" | "unread").into());
        gauges(&mut to, "journal_damaged", "1 when the journal is damaged before its snapshot", &damaged)?;
        let pending = one(s.transactions.pending as u64);
        gauges(&mut to, "pending_messages", "Messages hosts have still to accept", &pending)?;
        gauges(&mut to, "in_flight", "Requests waiting for a host", &one(s.transactions.in_flight as u64))?;
        counters(&mut to, "transactions", "Transactions decided", &by_kind(s))?;
        for (name, help, value) in [
            ("turned_away_requests", "Requests declined without a record", s.transactions.turned_away),
            ("repeats", "Requests that came again", s.transactions.repeats),
            ("undelivered_answers", "Answers whose connection had gone", s.transactions.undelivered),
            ("unreadable_messages", "Messages of sources that could not be read", s.transactions.unreadable),
            ("garbled_messages", "Messages of hosts that could not be read", s.transactions.garbled),
            ("owed_messages", "Reversals and advices that came to be owed", s.transactions.owed),
            ("paid_messages", "Of these, accepted by their hosts", s.transactions.paid),
            ("exceptions", "Items for a person", s.transactions.exceptions),
            ("journal_records", "Records made durable", s.journal.synced_records),
            ("journal_syncs", "Syncs of the journal", s.journal.syncs),
            ("journal_bytes", "Bytes written to the journal", s.journal.bytes),
        ] {
            counters(&mut to, name, help, &one(value))?;
        }
        gauges(&mut to, "decision_microseconds", "From question to decision", &quantiles(&s.decision_us))?;
        let api = &s.api;
        gauges(&mut to, "api_sessions", "Sessions of applications", &one(api.sessions as u64))?;
        gauges(&mut to, "api_connections", "Connections to the client API", &one(api.connections))?;
        gauges(&mut to, "api_readers", "Readers of events", &one(api.readers))?;
        for (name, help, value) in [
            ("api_connections_refused", "Connections there was no room for", api.connections_refused),
            ("api_connections_stalled", "Connections on which nothing moved", api.connections_stalled),
            ("api_readers_dropped", "Readers that stopped reading", api.readers_dropped),
            ("api_events", "Events", api.events),
        ] {
            counters(&mut to, name, help, &one(value))?;
        }
        self.links(&mut to)?;
        self.days(&mut to)?;
        self.security(&mut to)?;
        self.lines(&mut to)
    }
}

impl Figures {
    fn links(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let rows = |value: fn(&super::status::LinkStatus) -> u64| -> Vec<Row> {
            self.0.links.iter().map(|link| (vec![("link", link.name.clone())], value(link))).collect()
        };
        gauges(to, "link_up", "1 when a connection stands", &rows(|link| (link.state == "up").into()))?;
        gauges(to, "link_open", "1 when new business may pass", &rows(|link| link.open.into()))?;
        gauges(to, "link_connections", "Connections that stand", &rows(|link| link.connections as u64))?;
        let wanted = rows(|link| link.connections_wanted as u64);
        gauges(to, "link_connections_wanted", "Connections wanted", &wanted)?;
        let open = rows(|link| (link.breaker != "closed").into());
        gauges(to, "link_breaker_open", "1 when the host is not asked", &open)?;
        gauges(to, "link_in_flight", "Requests unanswered", &rows(|link| link.in_flight.into()))?;
        counters(to, "link_requests", "Requests sent", &rows(|link| link.asked))?;
        counters(to, "link_answers", "Answers in time", &rows(|link| link.answered))?;
        counters(to, "link_timeouts", "Requests not answered in time", &rows(|link| link.unanswered))?;
        counters(to, "link_late_answers", "Answers late or twice", &rows(|link| link.late))?;
        counters(to, "link_strange_answers", "Answers to nothing we asked", &rows(|link| link.strange))
    }

    /// Business days, and how their totals compare.
    fn days(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let days = |days: Option<i64>| days.and_then(|days| u64::try_from(days).ok());
        let own = days(self.0.own_day_days).map(|days| (vec![("link", "own".to_owned())], days));
        let links = self.0.links.iter();
        let links = links
            .filter_map(|link| Some((vec![("link", link.name.clone())], days(link.business_date_days)?)));
        let dates: Vec<Row> = own.into_iter().chain(links).collect();
        gauges(to, "business_date_days", "The business day, as days since 1970", &dates)?;
        let rows = |value: fn(&ReconStatus) -> u64| -> Vec<Row> {
            let all = self.0.reconciliations.iter();
            all.map(|one| (vec![("link", one.link.clone()), ("currency", one.currency.clone())], value(one)))
                .collect()
        };
        let unbalanced = rows(|one| one.unbalanced);
        gauges(to, "recon_open_items", "Ended days whose totals differ, or were not compared", &unbalanced)?;
        gauges(to, "recon_waiting", "Ended days whose comparison is to come", &rows(|one| one.open))?;
        let count = rows(|one| one.difference_count);
        gauges(to, "recon_difference_count", "Messages by which both sides differ", &count)?;
        let amount = rows(|one| one.difference_minor_units);
        gauges(to, "recon_difference_minor_units", "Amounts by which both sides differ", &amount)
    }

    /// Security modules, and what was done with them.
    fn security(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let hsm = &self.0.hsm;
        let rows = |value: fn(&super::hsm::HsmJson) -> u64| -> Vec<Row> {
            hsm.data.iter().map(|one| (vec![("hsm", one.name.clone())], value(one))).collect()
        };
        gauges(to, "hsm_well", "1 when the module is asked", &rows(|one| (one.state == "well").into()))?;
        gauges(to, "hsm_connections", "Connections that stand", &rows(|one| one.connections as u64))?;
        gauges(to, "hsm_under_way", "Commands under way", &rows(|one| one.under_way as u64))?;
        counters(to, "hsm_commands", "Commands sent", &rows(|one| one.asked))?;
        counters(to, "hsm_answers", "Commands answered", &rows(|one| one.answered))?;
        counters(to, "hsm_faults", "Answers that it is not well", &rows(|one| one.faults))?;
        counters(to, "hsm_silences", "Commands not answered in time", &rows(|one| one.silent))?;
        counters(to, "hsm_moved", "Commands taken to another module", &rows(|one| one.moved))?;
        gauges(to, "hsm_queued", "Requests that wait for a module", &[(Vec::new(), hsm.queued as u64)])?;
        let did = &hsm.security;
        let rows = [
            ("verified", did.verified),
            ("under_other_key", did.under_other_key),
            ("wrong", did.wrong),
            ("missing", did.missing),
            ("wrong_from_hosts", did.wrong_from_hosts),
            ("not_verified", did.not_verified),
            ("made", did.made),
            ("pins_moved", did.pins_moved),
            ("withheld", did.withheld),
            ("not_sealed", did.not_sealed),
        ];
        let rows = rows.map(|(what, count)| (vec![("what", what.to_owned())], count));
        counters(to, "security", "Authentication codes and PINs", &rows)
    }

    /// The counters of the network, listeners and links alike.
    fn lines(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let listeners = self.0.listeners.iter().map(|listener| (&listener.name, &listener.counts));
        let links = self.0.links.iter().map(|link| (&link.name, &link.counts));
        let mut families: BTreeMap<&'static str, Vec<Row>> = BTreeMap::new();
        for (line, counts) in listeners.chain(links) {
            for &(name, value) in counts {
                families.entry(name).or_default().push((vec![("line", line.clone())], value));
            }
        }
        for (name, rows) in families {
            gauges(to, &format!("net_{name}"), "Network figure of a listener or a link", &rows)?;
        }
        Ok(())
    }
}

fn by_kind(status: &Status) -> Vec<Row> {
    let rows = status.transactions.by_kind.iter();
    rows.map(|(kind, outcome, count)| {
        (vec![("kind", (*kind).to_owned()), ("outcome", (*outcome).to_owned())], *count)
    })
    .collect()
}

fn quantiles(times: &LatencyStatus) -> Vec<Row> {
    [("0.5", times.p50), ("0.99", times.p99), ("0.999", times.p999)]
        .map(|(quantile, value)| (vec![("quantile", quantile.to_owned())], value))
        .to_vec()
}

fn gauges(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, rows: &[Row]) -> Result<(), Error> {
    let kind = ConstGauge::new(0_i64).metric_type();
    let mut family = to.encode_descriptor(name, help, None, kind)?;
    for (labels, value) in rows {
        let gauge = ConstGauge::new(i64::try_from(*value).unwrap_or(i64::MAX));
        if labels.is_empty() {
            return gauge.encode(family);
        }
        gauge.encode(family.encode_family(labels)?)?;
    }
    Ok(())
}

fn counters(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, rows: &[Row]) -> Result<(), Error> {
    let kind = ConstCounter::new(0_u64).metric_type();
    let mut family = to.encode_descriptor(name, help, None, kind)?;
    for (labels, value) in rows {
        let counter = ConstCounter::new(*value);
        if labels.is_empty() {
            return counter.encode(family);
        }
        counter.encode(family.encode_family(labels)?)?;
    }
    Ok(())
}
