use std::net::IpAddr;

use chrono::{DateTime, Utc};
use sea_query::Value as Bound;

use super::chain::AuditHead;
use super::number;
use crate::audit::AuditEvent;
use crate::database::{AnyRow, ColumnError, read};

pub(super) const SEQ: &str = "seq";
pub(super) const AT: &str = "at";
pub(super) const ACTION: &str = "action";
pub(super) const USER_ID: &str = "user_id";
/// All columns, in the order of [`read_row`].
pub(super) const COLUMNS: [&str; 10] =
    [SEQ, AT, ACTION, "succeeded", USER_ID, "actor", "source", "user_agent", "details", "mac"];

/// What is written of an event.
#[derive(Debug)]
pub(super) struct Fields {
    /// Microseconds since 1970.
    pub(super) at: i64,
    pub(super) action: String,
    pub(super) succeeded: bool,
    /// The user, the actor, the source, what the client calls itself.
    pub(super) texts: [Option<String>; 4],
    pub(super) details: String,
}

impl From<&AuditEvent> for Fields {
    fn from(event: &AuditEvent) -> Self {
        let AuditEvent { at, action, user, origin } = event;
        let details = action.details().into_iter().map(|(name, text)| (name.to_owned(), text.into()));
        Self {
            at: at.timestamp_micros(),
            action: action.name().to_owned(),
            succeeded: action.succeeded(),
            texts: [
                user.clone(),
                origin.actor.clone(),
                origin.source.map(|source| source.to_string()),
                origin.user_agent.clone(),
            ],
            details: serde_json::Value::Object(details.collect()).to_string(),
        }
    }
}

/// A row, whole.
pub(super) struct Stored {
    pub(super) seq: i64,
    pub(super) fields: Fields,
    pub(super) mac: Vec<u8>,
}

pub(super) fn read_row(row: &AnyRow) -> Result<Stored, ColumnError> {
    let text = |index: usize| read::<Option<String>>(row, index, COLUMNS[index]);
    Ok(Stored {
        seq: read(row, 0, SEQ)?,
        fields: Fields {
            at: read(row, 1, AT)?,
            action: read(row, 2, ACTION)?,
            succeeded: read(row, 3, COLUMNS[3])?,
            texts: [text(4)?, text(5)?, text(6)?, text(7)?],
            details: read(row, 8, COLUMNS[8])?,
        },
        mac: read(row, 9, COLUMNS[9])?,
    })
}

/// The values of [`COLUMNS`].
pub(super) fn values(head: &AuditHead, fields: Fields) -> [Bound; 10] {
    let Fields { at, action, succeeded, texts, details } = fields;
    let [user, actor, source, user_agent] = texts;
    [
        number(head.seq),
        at.into(),
        action.into(),
        succeeded.into(),
        user.into(),
        actor.into(),
        source.into(),
        user_agent.into(),
        details.into(),
        head.mac.to_vec().into(),
    ]
}

/// An entry, read back. Whether it is what was written, [`verify`](super::DatabaseAuditSink::verify) tells.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Its number; the first is 1.
    pub seq: u64,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened: [`AuditAction::name`](crate::audit::AuditAction::name).
    pub action: String,
    /// Whether what was tried succeeded.
    pub succeeded: bool,
    /// The user whom it concerns.
    pub user: Option<String>,
    /// Who did it.
    pub actor: Option<String>,
    /// From where.
    pub source: Option<IpAddr>,
    /// What the client said it is.
    pub user_agent: Option<String>,
    /// What else there is to say: [`AuditAction::details`](crate::audit::AuditAction::details), as an object.
    pub details: serde_json::Value,
}

impl TryFrom<Stored> for AuditEntry {
    type Error = ColumnError;

    fn try_from(Stored { seq, fields, .. }: Stored) -> Result<Self, ColumnError> {
        let [user, actor, source, user_agent] = fields.texts;
        let source = source.map(|source| source.parse()).transpose();
        Ok(Self {
            seq: seq.try_into().map_err(|_| ColumnError::new(SEQ, "must not be negative"))?,
            at: DateTime::from_timestamp_micros(fields.at).ok_or_else(|| ColumnError::new(AT, "is no moment"))?,
            action: fields.action,
            succeeded: fields.succeeded,
            user,
            actor,
            source: source.map_err(|_| ColumnError::new(COLUMNS[6], "is no address"))?,
            user_agent,
            details: serde_json::from_str(&fields.details).map_err(|_| ColumnError::new(COLUMNS[8], "is no JSON"))?,
        })
    }
}

/// Which entries to read: all that meet every condition, the last first.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AuditFilter {
    /// Only those that concern this user.
    pub user: Option<String>,
    /// Only those done by this user.
    pub actor: Option<String>,
    /// Only of this [name](crate::audit::AuditAction::name).
    pub action: Option<String>,
    /// Only since then.
    pub from: Option<DateTime<Utc>>,
    /// Only before then.
    pub until: Option<DateTime<Utc>>,
    /// Only with a smaller number: the last one of a page asks for the next page.
    pub before: Option<u64>,
    /// How many at the most: 100, if nothing is said, and never more than 1000.
    pub limit: u32,
}

impl AuditFilter {
    /// All of them.
    pub fn new() -> Self {
        Self { user: None, actor: None, action: None, from: None, until: None, before: None, limit: 100 }
    }

    /// Only those that concern this user.
    pub fn user(self, user: impl Into<String>) -> Self {
        Self { user: Some(user.into()), ..self }
    }

    /// Only those done by this user.
    pub fn actor(self, actor: impl Into<String>) -> Self {
        Self { actor: Some(actor.into()), ..self }
    }

    /// Only of this [name](crate::audit::AuditAction::name).
    pub fn action(self, name: impl Into<String>) -> Self {
        Self { action: Some(name.into()), ..self }
    }

    /// Only since then.
    pub fn from(self, from: DateTime<Utc>) -> Self {
        Self { from: Some(from), ..self }
    }

    /// Only before then.
    pub fn until(self, until: DateTime<Utc>) -> Self {
        Self { until: Some(until), ..self }
    }

    /// Only with a smaller number: the last one of a page asks for the next page.
    pub fn before(self, seq: u64) -> Self {
        Self { before: Some(seq), ..self }
    }

    /// That many at the most; never more than 1000.
    pub fn limit(self, limit: u32) -> Self {
        Self { limit, ..self }
    }
}

impl Default for AuditFilter {
    fn default() -> Self {
        Self::new()
    }
}
