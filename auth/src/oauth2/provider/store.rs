use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::OAuth2Error;
use crate::BoxFuture;
use crate::clock::Clock;
use crate::records::{DynRecordStore, InMemoryRecordStore, NewRecord, Record, RecordKind, RecordReplaced, RecordStore};

/// What the provider remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OAuth2RecordKind {
    /// A registered client.
    Application,
    /// An authorization code, waiting or used.
    AuthorizationCode,
    /// What came of a code, a device's code, or a client's own request: all its tokens end with it.
    Grant,
    /// An opaque access token.
    AccessToken,
    /// A device that waits for a person.
    DeviceCode,
    /// What the person types for it.
    UserCode,
    /// What a person allowed a client.
    Consent,
}

impl OAuth2RecordKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Application,
        Self::AuthorizationCode,
        Self::Grant,
        Self::AccessToken,
        Self::DeviceCode,
        Self::UserCode,
        Self::Consent,
    ];

    fn record(self) -> RecordKind {
        const KINDS: [RecordKind; 7] = [
            RecordKind::new("oauth_application"),
            RecordKind::new("oauth_code"),
            RecordKind::new("oauth_grant"),
            RecordKind::new("oauth_access_token"),
            RecordKind::new("oauth_device_code"),
            RecordKind::new("oauth_user_code"),
            RecordKind::new("oauth_consent"),
        ];
        KINDS[self as usize]
    }
}

/// Something the provider remembers.
#[derive(Clone, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "stores make it")]
pub struct OAuth2Record {
    /// What it is found by; no secret.
    pub id: String,
    /// Whose it is, if anybody's; it stays.
    pub owner: Option<String>,
    /// What is kept. Of secrets there are digests only.
    pub data: Value,
    /// From then on there is no such record.
    pub expires_at: DateTime<Utc>,
    /// What [`OAuth2TokenStore::replace`] knows it by; in a new one it says nothing.
    pub version: u64,
}

impl fmt::Debug for OAuth2Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth2Record").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Where clients, codes, grants, tokens and consents are kept. Each operation on one record is atomic.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a store for the OAuth 2 provider",
    note = "implement `auth::oauth2::provider::OAuth2TokenStore` for `{Self}`"
)]
pub trait OAuth2TokenStore: fmt::Debug + Send + Sync + 'static {
    /// Keeps a new record. Says whether its id was free.
    fn insert<'a>(
        &'a self,
        kind: OAuth2RecordKind,
        record: &'a OAuth2Record,
    ) -> BoxFuture<'a, Result<bool, OAuth2Error>>;

    /// The record of this id, if it lives.
    fn find<'a>(
        &'a self,
        kind: OAuth2RecordKind,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<OAuth2Record>, OAuth2Error>>;

    /// Writes over a record as it was found: of many who do at once, one does.
    fn replace<'a>(
        &'a self,
        kind: OAuth2RecordKind,
        record: &'a OAuth2Record,
    ) -> BoxFuture<'a, Result<RecordReplaced, OAuth2Error>>;

    /// Removes a record and gives it: of many who take it at once, one gets it.
    fn take<'a>(
        &'a self,
        kind: OAuth2RecordKind,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<OAuth2Record>, OAuth2Error>>;

    /// The records of an owner; the first 1000.
    fn owned<'a>(
        &'a self,
        kind: OAuth2RecordKind,
        owner: &'a str,
    ) -> BoxFuture<'a, Result<Vec<OAuth2Record>, OAuth2Error>>;

    /// Removes all records of an owner, and says how many there were. Every record whose insertion had succeeded before is
    /// among them.
    fn delete_owned<'a>(&'a self, kind: OAuth2RecordKind, owner: &'a str) -> BoxFuture<'a, Result<u64, OAuth2Error>>;
}

/// What the provider remembers, in a store of records.
#[derive(Debug)]
pub struct RecordOAuth2Store<S: ?Sized = dyn RecordStore> {
    store: Arc<S>,
}

/// What the provider remembers, in this process.
pub type InMemoryOAuth2Store = RecordOAuth2Store<InMemoryRecordStore>;

impl InMemoryOAuth2Store {
    /// An empty store that goes by this clock.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { store: Arc::new(InMemoryRecordStore::with_clock(clock)) }
    }
}

impl RecordOAuth2Store {
    /// In this store.
    pub fn over(store: DynRecordStore) -> Self {
        Self { store }
    }
}

fn new(record: &OAuth2Record) -> Result<NewRecord, OAuth2Error> {
    let value = serde_json::to_vec(&record.data).map_err(OAuth2Error::Damaged)?;
    Ok(NewRecord { owner: record.owner.clone(), value, expires_at: record.expires_at })
}

fn read(id: &str, record: Record) -> Result<OAuth2Record, OAuth2Error> {
    let data = serde_json::from_slice(&record.value).map_err(OAuth2Error::Damaged)?;
    let Record { version, owner, expires_at, .. } = record;
    Ok(OAuth2Record { id: id.to_owned(), owner, data, expires_at, version })
}

impl<S: RecordStore + ?Sized> OAuth2TokenStore for RecordOAuth2Store<S> {
    fn insert<'a>(
        &'a self,
        kind: OAuth2RecordKind,
        record: &'a OAuth2Record,
    ) -> BoxFuture<'a, Result<bool, OAuth2Error>> {
        Box::pin(async move { Ok(self.store.insert(kind.record(), &record.id, new(record)?).await?) })
    }

    fn find<'a>(
        &'a self,
        kind: OAuth2RecordKind,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<OAuth2Record>, OAuth2Error>> {
        Box::pin(async move {
            let found = self.store.get(kind.record(), &[id]).await?.pop().flatten();
            found.map(|record| read(id, record)).transpose()
        })
    }

    fn replace<'a>(
        &'a self,
        kind: OAuth2RecordKind,
        record: &'a OAuth2Record,
    ) -> BoxFuture<'a, Result<RecordReplaced, OAuth2Error>> {
        Box::pin(async move { Ok(self.store.replace(kind.record(), &record.id, record.version, new(record)?).await?) })
    }

    fn take<'a>(
        &'a self,
        kind: OAuth2RecordKind,
        id: &'a str,
    ) -> BoxFuture<'a, Result<Option<OAuth2Record>, OAuth2Error>> {
        Box::pin(async move {
            let taken = self.store.take(kind.record(), id).await?;
            taken.map(|record| read(id, record)).transpose()
        })
    }

    fn owned<'a>(
        &'a self,
        kind: OAuth2RecordKind,
        owner: &'a str,
    ) -> BoxFuture<'a, Result<Vec<OAuth2Record>, OAuth2Error>> {
        Box::pin(async move {
            let found = self.store.owned(kind.record(), owner).await?;
            found.into_iter().map(|(id, record)| read(&id, record)).collect()
        })
    }

    fn delete_owned<'a>(&'a self, kind: OAuth2RecordKind, owner: &'a str) -> BoxFuture<'a, Result<u64, OAuth2Error>> {
        Box::pin(async move { Ok(self.store.delete_owned(kind.record(), owner).await?) })
    }
}

/// What is kept as a record.
pub(super) trait Kept: Serialize + DeserializeOwned {
    const KIND: OAuth2RecordKind;

    fn id(&self) -> &str;
    fn owner(&self) -> Option<&str>;
    fn expires_at(&self) -> DateTime<Utc>;
}

/// As it was found, to be replaced.
pub(super) struct Found<T> {
    pub(super) value: T,
    version: u64,
}

/// The store, by the types of what is kept.
#[derive(Clone, Debug)]
pub(super) struct Store(pub(super) Arc<dyn OAuth2TokenStore>);

impl Store {
    /// Says whether its id was free.
    pub(super) async fn insert<T: Kept>(&self, value: &T) -> Result<bool, OAuth2Error> {
        self.0.insert(T::KIND, &record(value, 0)?).await
    }

    pub(super) async fn find<T: Kept>(&self, id: &str) -> Result<Option<Found<T>>, OAuth2Error> {
        let found = self.0.find(T::KIND, id).await?;
        found.map(|record| Ok(Found { version: record.version, value: typed(record)? })).transpose()
    }

    pub(super) async fn replace<T: Kept>(&self, found: &Found<T>) -> Result<RecordReplaced, OAuth2Error> {
        self.0.replace(T::KIND, &record(&found.value, found.version)?).await
    }

    pub(super) async fn take<T: Kept>(&self, id: &str) -> Result<Option<T>, OAuth2Error> {
        self.0.take(T::KIND, id).await?.map(typed).transpose()
    }

    pub(super) async fn owned<T: Kept>(&self, owner: &str) -> Result<Vec<T>, OAuth2Error> {
        self.0.owned(T::KIND, owner).await?.into_iter().map(typed).collect()
    }

    pub(super) async fn delete_owned<T: Kept>(&self, owner: &str) -> Result<u64, OAuth2Error> {
        self.0.delete_owned(T::KIND, owner).await
    }
}

fn record<T: Kept>(value: &T, version: u64) -> Result<OAuth2Record, OAuth2Error> {
    let data = serde_json::to_value(value).map_err(OAuth2Error::Damaged)?;
    let owner = value.owner().map(str::to_owned);
    Ok(OAuth2Record { id: value.id().to_owned(), owner, data, expires_at: value.expires_at(), version })
}

fn typed<T: Kept>(record: OAuth2Record) -> Result<T, OAuth2Error> {
    serde_json::from_value(record.data).map_err(OAuth2Error::Damaged)
}
