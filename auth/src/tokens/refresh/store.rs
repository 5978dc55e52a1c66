use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{RefreshGrant, TokenLogin};
use crate::BoxFuture;
use crate::clock::Clock;
use crate::records::{DynRecordStore, InMemoryRecordStore, NewRecord, Record, RecordKind, RecordReplaced, RecordStore};
use crate::tokens::TokenError;

/// All refresh tokens that came of one login: one of them is in force, those before it are used up.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefreshFamily {
    /// Which family; it may stand in logs.
    pub id: String,
    /// What was granted.
    pub grant: RefreshGrant,
    /// How often it was rotated.
    pub generation: u64,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// When it was rotated last.
    pub used_at: DateTime<Utc>,
    /// When it ends, if it is not used before.
    pub expires_at: DateTime<Utc>,
    /// Of the secret of the token that is in force.
    pub(super) digest: String,
    /// What the store knows it by.
    pub(super) version: u64,
}

impl fmt::Debug for RefreshFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RefreshFamily");
        shown.field("id", &self.id).field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// Where families of refresh tokens are kept. Each operation on one of them is atomic.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store of refresh tokens",
    note = "implement `auth::tokens::RefreshTokenStore` for `{Self}`"
)]
pub trait RefreshTokenStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps a new family. Says whether its id was free.
    fn begin<'a>(&'a self, family: &'a RefreshFamily) -> BoxFuture<'a, Result<bool, TokenError>>;

    /// The family of this id, if it lives.
    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<RefreshFamily>, TokenError>>;

    /// Writes over a family as it was found: of many who do at once, one does.
    fn advance<'a>(&'a self, family: &'a RefreshFamily) -> BoxFuture<'a, Result<RecordReplaced, TokenError>>;

    /// Ends a family. Says whether it lived.
    fn end<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<bool, TokenError>>;

    /// The families of a user; the first 1000.
    fn of_user<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Vec<RefreshFamily>, TokenError>>;

    /// Ends all families of a user, and says how many there were.
    fn end_all<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<u64, TokenError>>;

    /// How many families there are; expired ones may be among them.
    fn count(&self) -> BoxFuture<'_, Result<u64, TokenError>>;

    /// Removes expired families, that many at the most, and says how many.
    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, TokenError>>;
}

/// Families of refresh tokens in a store of records.
#[derive(Debug)]
pub struct RecordRefreshStore<S: ?Sized = dyn RecordStore> {
    store: Arc<S>,
}

/// Families of refresh tokens in this process.
pub type InMemoryRefreshStore = RecordRefreshStore<InMemoryRecordStore>;

const KIND: RecordKind = RecordKind::new("refresh_family");

/// What a record holds; its owner is the user. Moments in milliseconds since 1970.
#[derive(Serialize, Deserialize)]
struct Stored {
    digest: String,
    generation: u64,
    credential: i64,
    client_id: Option<String>,
    scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    login: Option<TokenLogin>,
    created_at: i64,
    used_at: i64,
}

impl InMemoryRefreshStore {
    /// An empty store.
    pub fn new() -> Self {
        Self { store: Arc::default() }
    }

    /// An empty store that goes by this clock.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { store: Arc::new(InMemoryRecordStore::with_clock(clock)) }
    }
}

impl Default for InMemoryRefreshStore {
    fn default() -> Self {
        Self::new()
    }
}

impl RecordRefreshStore {
    /// Families in this store.
    pub fn over(store: DynRecordStore) -> Self {
        Self { store }
    }
}

impl<S: ?Sized> Clone for RecordRefreshStore<S> {
    fn clone(&self) -> Self {
        Self { store: self.store.clone() }
    }
}

fn record(family: &RefreshFamily) -> Result<NewRecord, TokenError> {
    let RefreshGrant { user_id, credential, client_id, scope, login } = &family.grant;
    let stored = Stored {
        digest: family.digest.clone(),
        generation: family.generation,
        credential: *credential,
        client_id: client_id.clone(),
        scope: scope.clone(),
        login: login.clone(),
        created_at: family.created_at.timestamp_millis(),
        used_at: family.used_at.timestamp_millis(),
    };
    let value = serde_json::to_vec(&stored).map_err(TokenError::Damaged)?;
    Ok(NewRecord { owner: Some(user_id.clone()), value, expires_at: family.expires_at })
}

fn read(id: &str, record: Record) -> Result<RefreshFamily, TokenError> {
    let stored: Stored = serde_json::from_slice(&record.value).map_err(TokenError::Damaged)?;
    let moment = |millis| DateTime::from_timestamp_millis(millis).unwrap_or(DateTime::<Utc>::MIN_UTC);
    let Stored { digest, generation, credential, client_id, scope, login, .. } = stored;
    Ok(RefreshFamily {
        id: id.to_owned(),
        grant: RefreshGrant { user_id: record.owner.unwrap_or_default(), credential, client_id, scope, login },
        generation,
        created_at: moment(stored.created_at),
        used_at: moment(stored.used_at),
        expires_at: record.expires_at,
        digest,
        version: record.version,
    })
}

impl<S: RecordStore + ?Sized> RefreshTokenStore for RecordRefreshStore<S> {
    fn begin<'a>(&'a self, family: &'a RefreshFamily) -> BoxFuture<'a, Result<bool, TokenError>> {
        Box::pin(async move { Ok(self.store.insert(KIND, &family.id, record(family)?).await?) })
    }

    fn find<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Option<RefreshFamily>, TokenError>> {
        Box::pin(async move {
            let found = self.store.get(KIND, &[id]).await?.pop().flatten();
            found.map(|record| read(id, record)).transpose()
        })
    }

    fn advance<'a>(&'a self, family: &'a RefreshFamily) -> BoxFuture<'a, Result<RecordReplaced, TokenError>> {
        Box::pin(async move { Ok(self.store.replace(KIND, &family.id, family.version, record(family)?).await?) })
    }

    fn end<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<bool, TokenError>> {
        Box::pin(async move { Ok(self.store.take(KIND, id).await?.is_some()) })
    }

    fn of_user<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Vec<RefreshFamily>, TokenError>> {
        Box::pin(async move {
            let found = self.store.owned(KIND, user_id).await?;
            found.into_iter().map(|(id, record)| read(&id, record)).collect()
        })
    }

    fn end_all<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<u64, TokenError>> {
        Box::pin(async move { Ok(self.store.delete_owned(KIND, user_id).await?) })
    }

    fn count(&self) -> BoxFuture<'_, Result<u64, TokenError>> {
        Box::pin(async move { Ok(self.store.count(KIND).await?) })
    }

    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, TokenError>> {
        Box::pin(async move { Ok(self.store.cleanup_expired(batch).await?) })
    }
}
