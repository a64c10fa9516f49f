//! One event, in the one envelope there is.

use serde::Serialize;
use serde_json::{Map, Value, json};
use terms::{Timestamp, TxnId};
use utoipa::ToSchema;

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    Info,
    Warning,
    Error,
}

/// Something that happened. Fields are added to it, never changed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Event {
    /// Its name: give it back as `Last-Event-ID` to go on behind it.
    pub(crate) id: String,
    /// What happened, such as `cutover.completed`.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// When, UTC.
    pub(crate) time: String,
    /// `info`, `warning` or `error`.
    pub(crate) severity: Severity,
    /// What it is about: a link by its name, or a transaction by its id.
    pub(crate) subject: Option<String>,
    /// The business day of that link.
    pub(crate) business_date: Option<String>,
    /// What else there is to say.
    pub(crate) data: Map<String, Value>,
    /// The how manyeth event since the start.
    pub(crate) seq: u64,
    /// `time` in milliseconds since 1970.
    #[serde(skip)]
    pub(crate) at_ms: i64,
    /// It happened in a life before this one, and is told again to those who may have missed it.
    #[serde(skip)]
    pub(crate) is_recalled: bool,
}

impl Event {
    pub(crate) fn new(kind: &'static str, severity: Severity, at: Timestamp) -> Self {
        let time = at.to_string();
        Self {
            id: String::new(),
            kind,
            time,
            severity,
            subject: None,
            business_date: None,
            data: Map::new(),
            seq: 0,
            at_ms: at.as_unix_ms(),
            is_recalled: false,
        }
    }

    /// About this link, on its business day.
    pub(crate) fn on(mut self, link: &str, business_date: String) -> Self {
        self.data.insert("link".into(), json!(link));
        Self { subject: Some(link.to_owned()), business_date: Some(business_date), ..self }
    }

    /// About this transaction.
    pub(crate) fn of(mut self, id: TxnId) -> Self {
        let id = super::ids::of_txn(id);
        self.data.insert("transaction".into(), json!(id));
        Self { subject: Some(id), ..self }
    }

    /// With this besides.
    pub(crate) fn with(mut self, name: &str, value: Value) -> Self {
        self.data.insert(name.into(), value);
        self
    }

    /// From a life before this one.
    pub(crate) fn recalled(self) -> Self {
        Self { is_recalled: true, ..self.with("again", json!(true)) }
    }

    /// Whether a business day is another from here on: what nobody may miss.
    pub(crate) fn changes_a_day(&self) -> bool {
        matches!(self.kind, "cutover.completed" | "business_day.opened")
    }

    /// Numbers it, and names it by the life it belongs to and by its time: a later life knows from that since when
    /// somebody has heard nothing.
    pub(super) fn number(&mut self, life: i64, seq: u64) {
        self.seq = seq;
        self.id = format!("evt_{life:x}_{seq}_{:x}", self.at_ms);
    }

    /// Whether one of these patterns, such as `link.*`, means it. No pattern means all.
    pub(crate) fn is_wanted(&self, patterns: &[String]) -> bool {
        let means = |pattern: &String| match pattern.strip_suffix('*') {
            Some(front) => self.kind.starts_with(front),
            None => self.kind == pattern,
        };
        patterns.is_empty() || patterns.iter().any(means)
    }
}
