use std::fmt;
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::TokenError;
use crate::BoxFuture;
use crate::clock::Clock;
use crate::records::{
    DynRecordStore, InMemoryRecordStore, NewRecord, Record, RecordError, RecordKind, RecordReplaced, RecordStore,
};

/// Why a token was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BlacklistReason {
    /// Its user logged out.
    Logout,
    /// Somebody else has it, or may have it.
    Compromised,
    /// An administrator, or its user, took it back.
    ManualRevoke,
    /// Another took its place.
    Rotated,
}

/// How much is on a blacklist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlacklistStatistics {
    /// Tokens, families and users on it; some may have expired.
    pub entries: u64,
}

/// Tokens that were revoked before they expire: by their id, or all of a user's that were issued before a moment.
///
/// An entry is kept until the last token it is about has expired. What is said is in force at the next request, and never
/// loosened: neither does a second entry end the first, nor an earlier moment a later one.
///
/// # Security
/// When a method fails, nobody knows whether a token was revoked: refuse it (ASVS 7.4.1).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a token blacklist",
    note = "implement `auth::tokens::TokenBlacklist` for `{Self}`"
)]
pub trait TokenBlacklist: fmt::Debug + Send + Sync + 'static {
    /// Revokes the token, or the family of tokens, of this id, which expires then.
    fn blacklist<'a>(
        &'a self,
        jti: &'a str,
        expires_at: DateTime<Utc>,
        reason: BlacklistReason,
    ) -> BoxFuture<'a, Result<(), TokenError>>;

    /// Why the token of this id was revoked, if it was.
    fn is_blacklisted<'a>(&'a self, jti: &'a str) -> BoxFuture<'a, Result<Option<BlacklistReason>, TokenError>>;

    /// Revokes all of a user's tokens that were issued before that moment; the last of them expires at `kept_until`.
    fn blacklist_user<'a>(
        &'a self,
        user_id: &'a str,
        before: DateTime<Utc>,
        kept_until: DateTime<Utc>,
        reason: BlacklistReason,
    ) -> BoxFuture<'a, Result<(), TokenError>>;

    /// The moment before which all of a user's tokens are revoked, if there is one.
    fn revoked_before<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Option<DateTime<Utc>>, TokenError>>;

    /// Why a user's token is not to be accepted, if so: one of these ids was revoked, or it was issued too long ago. In one
    /// round trip.
    fn check<'a>(
        &'a self,
        ids: &'a [&'a str],
        user_id: &'a str,
        issued_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Option<BlacklistReason>, TokenError>>;

    /// Removes expired entries, that many at the most, and says how many.
    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, TokenError>>;

    /// How much is on it.
    fn statistics(&self) -> BoxFuture<'_, Result<BlacklistStatistics, TokenError>>;
}

/// A blacklist in a store of records.
///
/// An id can be any text; the record stands under its SHA-256.
#[derive(Debug)]
pub struct RecordBlacklist<S: ?Sized = dyn RecordStore> {
    store: Arc<S>,
}

/// A blacklist in this process.
pub type InMemoryBlacklist = RecordBlacklist<InMemoryRecordStore>;

const KIND: RecordKind = RecordKind::new("token_blacklist");
/// How often others may be quicker.
const TRIES: usize = 100;

/// What a record holds. It is about a token unless there is a moment.
#[derive(Serialize, Deserialize)]
struct Entry {
    reason: BlacklistReason,
    /// In milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<i64>,
}

impl InMemoryBlacklist {
    /// An empty blacklist.
    pub fn new() -> Self {
        Self { store: Arc::default() }
    }

    /// An empty blacklist that goes by this clock.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { store: Arc::new(InMemoryRecordStore::with_clock(clock)) }
    }
}

impl Default for InMemoryBlacklist {
    fn default() -> Self {
        Self::new()
    }
}

impl RecordBlacklist {
    /// A blacklist in this store.
    pub fn over(store: DynRecordStore) -> Self {
        Self { store }
    }
}

impl<S: ?Sized> Clone for RecordBlacklist<S> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone() }
    }
}

impl<S: RecordStore + ?Sized> RecordBlacklist<S> {
    async fn find(&self, id: &str) -> Result<Option<Record>, RecordError> {
        Ok(self.store.get(KIND, &[id]).await?.pop().flatten())
    }

    /// Writes an entry, or makes the one that is there stricter.
    async fn write(&self, id: &str, expires_at: DateTime<Utc>, entry: Entry) -> Result<(), TokenError> {
        for _ in 0..TRIES {
            let Some(found) = self.find(id).await? else {
                if self.store.insert(KIND, id, record(expires_at, &entry)?).await? {
                    return Ok(());
                }
                continue;
            };
            let standing = read(&found)?;
            if standing.before >= entry.before && found.expires_at >= expires_at {
                return Ok(());
            }
            let strictest = if standing.before >= entry.before { &standing } else { &entry };
            let strictest = record(expires_at.max(found.expires_at), strictest)?;
            if self.store.replace(KIND, id, found.version, strictest).await? == RecordReplaced::Done {
                return Ok(());
            }
        }
        Err(TokenError::Contended)
    }

    async fn check_now(
        &self,
        ids: &[&str],
        user_id: &str,
        issued_at: DateTime<Utc>,
    ) -> Result<Option<BlacklistReason>, TokenError> {
        let ids: Vec<_> = ids.iter().map(|id| token(id)).chain([user(user_id)]).collect();
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        for found in self.store.get(KIND, &ids).await?.iter().flatten() {
            let entry = read(found)?;
            if entry.before.is_none_or(|before| issued_at.timestamp_millis() < before) {
                return Ok(Some(entry.reason));
            }
        }
        Ok(None)
    }

    async fn is_blacklisted_now(&self, jti: &str) -> Result<Option<BlacklistReason>, TokenError> {
        let found = self.find(&token(jti)).await?;
        Ok(found.as_ref().map(read).transpose()?.map(|entry| entry.reason))
    }

    async fn revoked_before_now(&self, user_id: &str) -> Result<Option<DateTime<Utc>>, TokenError> {
        let found = self.find(&user(user_id)).await?;
        let before = found.as_ref().map(read).transpose()?.and_then(|entry| entry.before);
        Ok(before.map(|before| DateTime::from_timestamp_millis(before).unwrap_or(DateTime::<Utc>::MAX_UTC)))
    }
}

fn token(jti: &str) -> String {
    digest("t.", jti)
}

fn user(user_id: &str) -> String {
    digest("u.", user_id)
}

/// Any text fits a store this way, and tokens and users do not meet.
fn digest(what: &str, id: &str) -> String {
    format!("{what}{}", Base64UrlUnpadded::encode_string(&Sha256::digest(id)))
}

fn record(expires_at: DateTime<Utc>, entry: &Entry) -> Result<NewRecord, TokenError> {
    let value = serde_json::to_vec(entry).map_err(TokenError::Damaged)?;
    Ok(NewRecord { owner: None, value, expires_at })
}

fn read(record: &Record) -> Result<Entry, TokenError> {
    serde_json::from_slice(&record.value).map_err(TokenError::Damaged)
}

impl<S: RecordStore + ?Sized> TokenBlacklist for RecordBlacklist<S> {
    fn blacklist<'a>(
        &'a self,
        jti: &'a str,
        expires_at: DateTime<Utc>,
        reason: BlacklistReason,
    ) -> BoxFuture<'a, Result<(), TokenError>> {
        Box::pin(async move { self.write(&token(jti), expires_at, Entry { reason, before: None }).await })
    }

    fn is_blacklisted<'a>(&'a self, jti: &'a str) -> BoxFuture<'a, Result<Option<BlacklistReason>, TokenError>> {
        Box::pin(self.is_blacklisted_now(jti))
    }

    fn blacklist_user<'a>(
        &'a self,
        user_id: &'a str,
        before: DateTime<Utc>,
        kept_until: DateTime<Utc>,
        reason: BlacklistReason,
    ) -> BoxFuture<'a, Result<(), TokenError>> {
        // Rounded up: a part of a millisecond loosens nothing.
        let millis = before.timestamp_millis();
        let whole = DateTime::from_timestamp_millis(millis).is_some_and(|whole| whole == before);
        let before = Some(if whole { millis } else { millis + 1 });
        Box::pin(async move { self.write(&user(user_id), kept_until, Entry { reason, before }).await })
    }

    fn revoked_before<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Option<DateTime<Utc>>, TokenError>> {
        Box::pin(self.revoked_before_now(user_id))
    }

    fn check<'a>(
        &'a self,
        ids: &'a [&'a str],
        user_id: &'a str,
        issued_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Option<BlacklistReason>, TokenError>> {
        Box::pin(self.check_now(ids, user_id, issued_at))
    }

    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, TokenError>> {
        Box::pin(async move { Ok(self.store.cleanup_expired(batch).await?) })
    }

    fn statistics(&self) -> BoxFuture<'_, Result<BlacklistStatistics, TokenError>> {
        Box::pin(async move { Ok(BlacklistStatistics { entries: self.store.count(KIND).await? }) })
    }
}
