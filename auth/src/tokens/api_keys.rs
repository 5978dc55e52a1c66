use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::TokenError;
use super::opaque::{OpaqueToken, TokenPrefix};
use crate::audit::{Audit, AuditAction};
use crate::clock::{Clock, SystemClock};
use crate::permissions::is_permission_name;
use crate::records::{DynRecordStore, InMemoryRecordStore, NewRecord, Record, RecordKind};
use crate::secret::SecretString;

/// An API key, as its owner sees it in a list. The key itself is shown once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiKey {
    /// Which key: what stands behind the prefix, 22 characters. It may stand in logs.
    pub id: String,
    /// Whose it is: a user's id.
    pub owner: String,
    /// What the owner called it.
    pub name: String,
    /// The names of the permissions it is for, in their order. None at all permit nothing.
    ///
    /// # Security
    /// What a key permits is what stands here **and** its owner holds now (ASVS 10.3.2).
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From then on it is refused.
    pub expires_at: DateTime<Utc>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// Whether a key is accepted.
#[must_use = "only `Accepted` is a success"]
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever verifies must know both answers")]
pub enum ApiKeyVerdict {
    /// It is this one. Whether its owner still may, is to be asked.
    Accepted(ApiKey),
    /// It is not.
    Refused(ApiKeyRefused),
}

/// Why a key is refused. Displayed it is one and the same text; the reason is for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApiKeyRefused {
    /// It is not written as one; nothing was looked up.
    Malformed,
    /// There is none of that id: there never was, or it was revoked.
    Unknown,
    /// There is one of that id, with another secret.
    WrongSecret,
    /// It has expired.
    Expired,
}

impl ApiKeyRefused {
    /// The reason, for the log.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Malformed => "that is no API key",
            Self::Unknown => "there is no such API key",
            Self::WrongSecret => "the API key has another secret",
            Self::Expired => "the API key has expired",
        }
    }
}

impl fmt::Display for ApiKeyRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token is not valid")
    }
}

impl std::error::Error for ApiKeyRefused {}

/// Makes, checks, lists and revokes API keys.
///
/// ```
/// # async fn example() -> Result<(), auth::tokens::TokenError> {
/// use auth::tokens::{ApiKeyVerdict, ApiKeys};
///
/// let keys = ApiKeys::in_memory().with_prefix("blog")?;
/// let (key, shown_once) = keys.create("42", "my backup", &["blog.read_post"], None).await?;
/// assert!(shown_once.expose().starts_with("blog_"));
/// assert!(matches!(keys.verify(shown_once.expose()).await?, ApiKeyVerdict::Accepted(found) if found.id == key.id));
/// # Ok(()) }
/// ```
///
/// A key lives 90 days unless something else is said, 366 at the most; an owner has 100 at the most. Expired keys are
/// listed for another 30 days, unless there is need of the room.
///
/// # Security
/// A key is an [`OpaqueToken`]: 256 random bits, of which the store has a digest; it is found by its id in one step. When it
/// is revoked it is refused at once. When a method fails, nobody knows whether a key is valid: refuse it.
#[derive(Clone)]
pub struct ApiKeys {
    store: DynRecordStore,
    prefix: TokenPrefix,
    max: usize,
    clock: Arc<dyn Clock>,
    audit: Audit,
}

const KIND: RecordKind = RecordKind::new("api_key");
const LIFETIME: TimeDelta = TimeDelta::days(90);
const LONGEST: TimeDelta = TimeDelta::days(366);
/// For how long it can be told that a key has expired.
const REMEMBERED: TimeDelta = TimeDelta::days(30);
/// How exact the last use is.
const USE: TimeDelta = TimeDelta::minutes(1);
const MAX_NAME: usize = 100;
const MAX_SCOPES: usize = 100;

/// What a record holds; its owner is the user. Moments in milliseconds since 1970.
#[derive(Serialize, Deserialize)]
struct Stored {
    digest: String,
    name: String,
    scopes: Vec<String>,
    created_at: i64,
    expires_at: i64,
    used_at: Option<i64>,
}

impl ApiKeys {
    /// How many keys an owner has at the most, unless something else is said.
    pub const MAX_PER_OWNER: usize = 100;

    /// Keeps keys in this store.
    pub fn new(store: DynRecordStore) -> Self {
        let (prefix, clock) = (TokenPrefix::fixed("auth"), Arc::new(SystemClock));
        Self { store, prefix, max: Self::MAX_PER_OWNER, clock, audit: Audit::new() }
    }

    /// Keeps keys in this process.
    pub fn in_memory() -> Self {
        Self::new(Arc::new(InMemoryRecordStore::new()))
    }

    /// The same, going by this clock; the store should go by it as well.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same, telling this of every key that is made or revoked.
    #[must_use]
    pub fn with_audit(mut self, audit: Audit) -> Self {
        self.audit = audit;
        self
    }

    /// The same with keys that begin otherwise than with `auth_`: with the application's name. Those of before are refused.
    ///
    /// # Errors
    /// [`TokenError::Configuration`] as [`TokenPrefix::new`].
    pub fn with_prefix(mut self, prefix: &str) -> Result<Self, TokenError> {
        self.prefix = TokenPrefix::new(prefix)?;
        Ok(self)
    }

    /// The same with so many keys for an owner at the most; 1000 are the most that can be listed.
    #[must_use]
    pub fn with_max_per_owner(mut self, max: usize) -> Self {
        self.max = max.min(999);
        self
    }

    /// What its keys begin with.
    pub fn prefix(&self) -> &TokenPrefix {
        &self.prefix
    }

    /// Makes a key. The second part is the key itself: whoever asked for it sees it now or never.
    ///
    /// The name has 1 to 100 characters, none of which changes how the others are shown. Scopes are permission names, 100 at
    /// the most. It ends at that moment, or in 90 days.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] when something of that does not fit, [`TokenError::TooMany`] when the owner has as many as one
    /// may have, and whatever the store says.
    pub async fn create(
        &self,
        owner: &str,
        name: &str,
        scopes: &[&str],
        expires_at: Option<DateTime<Utc>>,
    ) -> Result<(ApiKey, SecretString), TokenError> {
        let now = self.now();
        let name = checked_name(name)?;
        let scopes = checked_scopes(scopes)?;
        let expires_at = expires_at.unwrap_or(now + LIFETIME).trunc_subsecs(3);
        if expires_at <= now || expires_at > now + LONGEST {
            return Err(TokenError::Invalid("an API key ends within 366 days, and not before it is made"));
        }
        self.make_room(owner, now).await?;
        let token = OpaqueToken::generate(&self.prefix);
        let (id, created_at) = (token.id().to_owned(), now);
        let key = ApiKey { id, owner: owner.to_owned(), name, scopes, created_at, expires_at, last_used_at: None };
        // Nobody draws 131 bits that somebody else has drawn.
        if !self.store.insert(KIND, &key.id, record(&key, token.digest())?).await? {
            return Err(TokenError::Contended);
        }
        // Others may have made one since.
        if self.store.owned(KIND, owner).await?.len() > self.max {
            self.store.take(KIND, &key.id).await?;
            return Err(TokenError::TooMany { max: self.max });
        }
        let made = AuditAction::ApiKeyCreated { key: key.id.clone().into(), name: key.name.clone().into() };
        self.audit.record(made, Some(owner)).await;
        Ok((key, token.expose()))
    }

    /// Whose key that is, and what it is for.
    ///
    /// # Errors
    /// [`TokenError`] when the store cannot tell: refuse it.
    pub async fn verify(&self, key: &str) -> Result<ApiKeyVerdict, TokenError> {
        let refused = |reason| Ok(ApiKeyVerdict::Refused(reason));
        let Some(token) = OpaqueToken::parse(&self.prefix, key) else { return refused(ApiKeyRefused::Malformed) };
        let Some(found) = self.find(token.id()).await? else { return refused(ApiKeyRefused::Unknown) };
        let version = found.version;
        let (mut key, digest) = read(token.id(), found)?;
        if !token.has_digest(&digest) {
            return refused(ApiKeyRefused::WrongSecret);
        }
        let now = self.now();
        if now >= key.expires_at {
            return refused(ApiKeyRefused::Expired);
        }
        if key.last_used_at.is_none_or(|used| now >= used + USE) {
            key.last_used_at = Some(now);
            self.note_use(&key, digest, version).await;
        }
        Ok(ApiKeyVerdict::Accepted(key))
    }

    /// The keys of an owner, the newest first; those that have expired are among them for a while.
    ///
    /// # Errors
    /// [`TokenError`] when the store cannot tell.
    pub async fn list(&self, owner: &str) -> Result<Vec<ApiKey>, TokenError> {
        let found = self.store.owned(KIND, owner).await?;
        let keys = found.into_iter().map(|(id, record)| Ok(read(&id, record)?.0));
        let mut keys = keys.collect::<Result<Vec<_>, TokenError>>()?;
        keys.sort_by(|one, other| (other.created_at, &other.id).cmp(&(one.created_at, &one.id)));
        Ok(keys)
    }

    /// Revokes a key of this owner. Says whether there was one.
    ///
    /// # Errors
    /// [`TokenError`] when the store cannot tell: ask again.
    pub async fn revoke(&self, owner: &str, id: &str) -> Result<bool, TokenError> {
        // It never changes hands.
        let is_theirs = self.find(id).await?.is_some_and(|found| found.owner.as_deref() == Some(owner));
        let revoked = is_theirs && self.store.take(KIND, id).await?.is_some();
        if revoked {
            self.audit.record(AuditAction::ApiKeyRevoked { key: id.to_owned().into() }, Some(owner)).await;
        }
        Ok(revoked)
    }

    /// Revokes all keys of an owner, and says how many there were.
    ///
    /// # Errors
    /// [`TokenError`] when the store cannot tell: ask again.
    pub async fn revoke_all(&self, owner: &str) -> Result<u64, TokenError> {
        let revoked = self.store.delete_owned(KIND, owner).await?;
        if revoked > 0 {
            self.audit.record(AuditAction::ApiKeyRevoked { key: "all".into() }, Some(owner)).await;
        }
        Ok(revoked)
    }

    /// How many keys there are; expired ones may be among them.
    ///
    /// # Errors
    /// [`TokenError`] when the store cannot tell.
    pub async fn count(&self) -> Result<u64, TokenError> {
        Ok(self.store.count(KIND).await?)
    }

    /// Removes records that have ended, that many at the most, and says how many.
    ///
    /// # Errors
    /// [`TokenError`] when the store fails.
    pub async fn cleanup_expired(&self, batch: u32) -> Result<u64, TokenError> {
        Ok(self.store.cleanup_expired(batch).await?)
    }

    /// As stores keep it.
    fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(3)
    }

    async fn find(&self, id: &str) -> Result<Option<Record>, TokenError> {
        Ok(self.store.get(KIND, &[id]).await?.pop().flatten())
    }

    /// Expired keys go when there is need of their room.
    async fn make_room(&self, owner: &str, now: DateTime<Utc>) -> Result<(), TokenError> {
        let mut keys = self.list(owner).await?;
        if keys.len() < self.max {
            return Ok(());
        }
        for expired in keys.extract_if(.., |key| key.expires_at <= now) {
            self.store.take(KIND, &expired.id).await?;
        }
        if keys.len() < self.max { Ok(()) } else { Err(TokenError::TooMany { max: self.max }) }
    }

    /// Nobody waits for it to succeed: another use may be noted meanwhile, or the key revoked, which it then stays.
    async fn note_use(&self, key: &ApiKey, digest: String, version: u64) {
        let noted =
            async { Ok::<_, TokenError>(self.store.replace(KIND, &key.id, version, record(key, digest)?).await?) };
        if let Err(error) = noted.await {
            tracing::warn!(%error, key = key.id, "the use of an API key could not be noted");
        }
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ApiKeys");
        shown.field("store", &self.store).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// A list of keys is read by people: nothing in a name may hide or reorder what stands beside it.
fn checked_name(name: &str) -> Result<String, TokenError> {
    let deceives = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let name = name.trim();
    if name.is_empty() || name.len() > 4 * MAX_NAME || name.chars().count() > MAX_NAME || name.contains(deceives) {
        return Err(TokenError::Invalid("an API key's name has 1 to 100 characters, all of them visible"));
    }
    Ok(name.to_owned())
}

fn checked_scopes(scopes: &[&str]) -> Result<Vec<String>, TokenError> {
    if scopes.len() > MAX_SCOPES {
        return Err(TokenError::Invalid("an API key has at most 100 scopes"));
    }
    if !scopes.iter().all(|scope| is_permission_name(scope)) {
        return Err(TokenError::Invalid("an API key's scopes are names of permissions: `app_label.codename`"));
    }
    let mut scopes: Vec<_> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    Ok(scopes)
}

fn record(key: &ApiKey, digest: String) -> Result<NewRecord, TokenError> {
    let stored = Stored {
        digest,
        name: key.name.clone(),
        scopes: key.scopes.clone(),
        created_at: key.created_at.timestamp_millis(),
        expires_at: key.expires_at.timestamp_millis(),
        used_at: key.last_used_at.map(|used| used.timestamp_millis()),
    };
    let value = serde_json::to_vec(&stored).map_err(TokenError::Damaged)?;
    Ok(NewRecord { owner: Some(key.owner.clone()), value, expires_at: key.expires_at + REMEMBERED })
}

/// A key, and the digest of its secret.
fn read(id: &str, record: Record) -> Result<(ApiKey, String), TokenError> {
    let Stored { digest, name, scopes, created_at, expires_at, used_at } =
        serde_json::from_slice(&record.value).map_err(TokenError::Damaged)?;
    let moment = |millis| DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::<Utc>::MIN_UTC);
    let key = ApiKey {
        id: id.to_owned(),
        owner: record.owner.unwrap_or_default(),
        name,
        scopes,
        created_at: moment(created_at),
        expires_at: moment(expires_at),
        last_used_at: used_at.map(moment),
    };
    Ok((key, digest))
}
