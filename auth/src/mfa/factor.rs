use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::MfaError;
use crate::records::{DynRecordStore, NewRecord, Record, RecordKind, RecordReplaced};

/// What a second factor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FactorKind {
    /// An authenticator app (RFC 6238).
    Totp,
    /// A passkey (WebAuthn).
    Passkey,
    /// A set of recovery codes. Alone it is no second factor: there is another, which it stands in for.
    RecoveryCodes,
    /// Codes that are sent to the user's mail address.
    MailCode,
    /// Codes that are sent as text messages.
    SmsCode,
}

impl FactorKind {
    /// Its name, as routes, the trail and stores have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Passkey => "passkey",
            Self::RecoveryCodes => "recovery_codes",
            Self::MailCode => "mail_code",
            Self::SmsCode => "sms_code",
        }
    }
}

/// A second factor of a user, for the list of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Factor {
    /// Its id, which is no secret.
    pub id: String,
    /// What it is.
    pub kind: FactorKind,
    /// What its owner calls it.
    pub name: String,
    /// Since when it is in force.
    pub created_at: DateTime<Utc>,
    /// When it was used last.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A factor as it is kept.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) id: String,
    /// What the store knows it by.
    version: u64,
    pub(super) stored: Stored,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) kind: FactorKind,
    pub(super) name: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) last_used_at: Option<DateTime<Utc>>,
    /// What only its kind can read.
    pub(super) data: Value,
}

impl Kept {
    pub(super) fn shown(&self) -> Factor {
        let Stored { kind, name, created_at, last_used_at, .. } = self.stored.clone();
        Factor { id: self.id.clone(), kind, name, created_at, last_used_at }
    }
}

/// The factors of all users: a record for each.
#[derive(Clone, Debug)]
pub(super) struct FactorStore {
    records: DynRecordStore,
}

const KIND: RecordKind = RecordKind::new("mfa_factor");
/// The most factors of a user.
pub(super) const MAX_FACTORS: usize = 20;
/// The most characters of a factor's name.
const MAX_NAME: usize = 64;

impl FactorStore {
    pub(super) fn over(records: DynRecordStore) -> Self {
        Self { records }
    }

    /// All of a user's, the oldest first.
    pub(super) async fn of(&self, user_id: &str) -> Result<Vec<Kept>, MfaError> {
        let records = self.records.owned(KIND, user_id).await?;
        let mut kept: Vec<_> = records.into_iter().map(|(id, record)| read(id, &record)).collect::<Result<_, _>>()?;
        kept.sort_by(|a, b| (a.stored.created_at, &a.id).cmp(&(b.stored.created_at, &b.id)));
        Ok(kept)
    }

    /// One of them, if it is this user's.
    pub(super) async fn find(&self, user_id: &str, id: &str) -> Result<Option<Kept>, MfaError> {
        Ok(self.find_any(id).await?.filter(|(owner, _)| owner == user_id).map(|(_, kept)| kept))
    }

    /// One and whose it is.
    pub(super) async fn find_any(&self, id: &str) -> Result<Option<(String, Kept)>, MfaError> {
        let Some(record) = self.records.get(KIND, &[id]).await?.pop().flatten() else { return Ok(None) };
        let Some(owner) = record.owner.clone() else { return Ok(None) };
        Ok(Some((owner, read(id.to_owned(), &record)?)))
    }

    /// Whether the user may have one more.
    ///
    /// The bound keeps stores small, and is no promise: it is looked at before a factor is added and not together with that, so
    /// that those who add some at once pass it by as many.
    pub(super) async fn has_room(&self, user_id: &str) -> Result<(), MfaError> {
        let full = self.records.owned(KIND, user_id).await?.len() >= MAX_FACTORS;
        if full { Err(MfaError::TooMany { max: MAX_FACTORS }) } else { Ok(()) }
    }

    /// Keeps a new one under this id, within the bound, which keeps nobody from having recovery codes. `None`: there is one.
    pub(super) async fn add_as(
        &self,
        id: &str,
        user_id: &str,
        kind: FactorKind,
        name: &str,
        data: Value,
        now: DateTime<Utc>,
    ) -> Result<Option<Factor>, MfaError> {
        if kind != FactorKind::RecoveryCodes {
            self.has_room(user_id).await?;
        }
        let stored = Stored { kind, name: named(name)?, created_at: now, last_used_at: None, data };
        let added = self.records.insert(KIND, id, record(user_id, &stored)?).await?;
        Ok(added.then(|| Kept { id: id.to_owned(), version: 0, stored }.shown()))
    }

    /// Writes over one as it was found: of many who do at once, one does.
    pub(super) async fn replace(&self, user_id: &str, kept: &Kept) -> Result<RecordReplaced, MfaError> {
        Ok(self.records.replace(KIND, &kept.id, kept.version, record(user_id, &kept.stored)?).await?)
    }

    /// Changes one in one atomic step: `change` sees it as it is when it is written, and says whether it is. Says whether it was.
    pub(super) async fn update(
        &self,
        user_id: &str,
        mut kept: Kept,
        mut change: impl FnMut(&mut Stored) -> Result<bool, MfaError> + Send,
    ) -> Result<bool, MfaError> {
        for _ in 0..TRIES {
            if !change(&mut kept.stored)? {
                return Ok(false);
            }
            match self.replace(user_id, &kept).await? {
                RecordReplaced::Done => return Ok(true),
                RecordReplaced::Gone => return Ok(false),
                RecordReplaced::Changed => {}
            }
            let Some(next) = self.find(user_id, &kept.id).await? else { return Ok(false) };
            kept = next;
        }
        Err(MfaError::Contended)
    }

    /// Gives one another name. Says whether there is one.
    pub(super) async fn rename(&self, user_id: &str, id: &str, name: &str) -> Result<bool, MfaError> {
        let name = named(name)?;
        let Some(kept) = self.find(user_id, id).await? else { return Ok(false) };
        let change = |stored: &mut Stored| {
            stored.name.clone_from(&name);
            Ok(true)
        };
        self.update(user_id, kept, change).await
    }

    /// Removes one, if it is this user's, and gives it.
    pub(super) async fn remove(&self, user_id: &str, id: &str) -> Result<Option<Factor>, MfaError> {
        if self.find(user_id, id).await?.is_none() {
            return Ok(None);
        }
        // It never changes hands.
        let taken = self.records.take(KIND, id).await?;
        taken.map(|record| read(id.to_owned(), &record).map(|kept| kept.shown())).transpose()
    }

    /// Removes all of a user's, and says how many there were.
    pub(super) async fn remove_all(&self, user_id: &str) -> Result<u64, MfaError> {
        Ok(self.records.delete_owned(KIND, user_id).await?)
    }
}

/// How often others may be quicker: more often than a set has recovery codes.
pub(super) const TRIES: usize = 16;

/// An id that nobody else draws: 122 bits, in 32 characters.
#[cfg(any(feature = "mfa-codes", feature = "mfa-totp"))]
pub(super) fn new_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// A name of 1 to 64 characters, without control characters.
pub(super) fn named(name: &str) -> Result<String, MfaError> {
    let name = name.trim();
    let fits = !name.is_empty() && name.chars().count() <= MAX_NAME && !name.chars().any(char::is_control);
    if fits { Ok(name.to_owned()) } else { Err(MfaError::Invalid("a name has 1 to 64 characters")) }
}

fn record(user_id: &str, stored: &Stored) -> Result<NewRecord, MfaError> {
    let value = serde_json::to_vec(stored).map_err(|_| MfaError::Damaged)?;
    Ok(NewRecord { owner: Some(user_id.to_owned()), value, expires_at: never() })
}

fn read(id: String, record: &Record) -> Result<Kept, MfaError> {
    let stored = serde_json::from_slice(&record.value).map_err(|_| MfaError::Damaged)?;
    Ok(Kept { id, version: record.version, stored })
}

/// An end that nobody lives to see, and that every store can hold.
pub(super) fn never() -> DateTime<Utc> {
    const YEAR_9000: i64 = 221_845_392_000;
    DateTime::from_timestamp(YEAR_9000, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("id", &self.id).field("kind", &self.stored.kind).finish_non_exhaustive()
    }
}
