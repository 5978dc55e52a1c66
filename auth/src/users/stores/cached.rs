//! Users as they were a moment ago, for requests.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::BoxFuture;
use crate::clock::{Clock, SystemClock};
use crate::passwords::PasswordHash;
use crate::users::{Account, Group, GroupStore, Page, PasswordChange, UserError, UserLookup, UserModel, UserStore};

/// Keeps the users of requests for a moment, in this process, so that a request need not ask the store below.
///
/// Only [`UserStore::find_recent`] answers from it: who a session, a token or a key belongs to. What logs in, judges a
/// password, or is changed is always read from below, and what this process changes is forgotten at once. What *another*
/// process changes is seen after the bound: five seconds, if nothing else is said, and a minute at the most. A user who looks
/// inactive, or whose login looks out of date, is read again before anybody is refused.
///
/// # Security
/// For as long as the bound, a right that was revoked, or a user who was disabled, on another server still counts here. The
/// hash of a password stays in this process, as in every user that is read.
pub struct CachedUserStore<U: UserModel> {
    below: Arc<dyn UserStore<U>>,
    bound: Duration,
    clock: Arc<dyn Clock>,
    shards: [Mutex<HashMap<U::PrimaryKey, Kept<U>>>; SHARDS],
    /// Grows with every change, so that what was read before it is not kept after it.
    changes: AtomicU64,
    capacity: usize,
}

struct Kept<U> {
    account: Account<U>,
    read_at: DateTime<Utc>,
}

const SHARDS: usize = 16;

impl<U: UserModel> CachedUserStore<U> {
    /// The longest bound.
    pub const MAX_BOUND: Duration = Duration::from_mins(1);
    /// The bound, unless another is said.
    pub const BOUND: Duration = Duration::from_secs(5);
    /// How many users are kept, unless something else is said.
    pub const CAPACITY: usize = 10_000;

    /// In front of this store.
    pub fn new(below: Arc<dyn UserStore<U>>) -> Self {
        Self {
            below,
            bound: Self::BOUND,
            clock: Arc::new(SystemClock),
            shards: std::array::from_fn(|_| Mutex::default()),
            changes: AtomicU64::new(0),
            capacity: Self::CAPACITY.div_ceil(SHARDS),
        }
    }

    /// For that long; [`CachedUserStore::MAX_BOUND`] at the most.
    #[must_use]
    pub fn with_bound(self, bound: Duration) -> Self {
        Self { bound: bound.min(Self::MAX_BOUND), ..self }
    }

    /// About so many users.
    #[must_use]
    pub fn with_capacity(self, users: usize) -> Self {
        Self { capacity: users.div_ceil(SHARDS).max(1), ..self }
    }

    /// Goes by this clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    fn shard(&self, id: &U::PrimaryKey) -> MutexGuard<'_, HashMap<U::PrimaryKey, Kept<U>>> {
        use std::hash::BuildHasher as _;
        let shard = usize::try_from(rustc_hash::FxBuildHasher.hash_one(id) >> 32).unwrap_or_default() % SHARDS;
        // No code panics while it holds the lock, so what a poisoned lock guards is whole.
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_recent(&self, kept: &Kept<U>, now: DateTime<Utc>) -> bool {
        (now - kept.read_at).to_std().is_ok_and(|age| age < self.bound)
    }

    async fn recent(&self, id: &U::PrimaryKey) -> Result<Option<Account<U>>, UserError> {
        let now = self.clock.now();
        if let Some(kept) = self.shard(id).get(id).filter(|kept| self.is_recent(kept, now)) {
            return Ok(Some(kept.account.clone()));
        }
        let before = self.changes.load(Ordering::SeqCst);
        let found = self.below.find(UserLookup::Id(id)).await?;
        let mut shard = self.shard(id);
        // Under the lock: a change that comes now clears what is put here.
        if self.changes.load(Ordering::SeqCst) == before
            && let Some(account) = &found
        {
            if shard.len() >= self.capacity {
                shard.retain(|_, kept| self.is_recent(kept, now));
            }
            if shard.len() >= self.capacity {
                shard.clear();
            }
            shard.insert(id.clone(), Kept { account: account.clone(), read_at: now });
        }
        Ok(found)
    }

    /// Whatever came of the change: it may have been made although an error came back.
    fn changed<T>(&self, result: T, id: Option<&U::PrimaryKey>) -> T {
        self.changes.fetch_add(1, Ordering::SeqCst);
        match id {
            Some(id) => drop(self.shard(id).remove(id)),
            None => self.shards.iter().for_each(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).clear()),
        }
        result
    }
}

impl<U: UserModel> fmt::Debug for CachedUserStore<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("CachedUserStore");
        shown.field("below", &self.below).field("bound", &self.bound).finish_non_exhaustive()
    }
}

impl<U: UserModel> GroupStore for CachedUserStore<U> {
    fn groups(&self) -> BoxFuture<'_, Result<Vec<Group>, UserError>> {
        self.below.groups()
    }

    fn create_group<'a>(&'a self, name: &'a str, title: &'a str) -> BoxFuture<'a, Result<(), UserError>> {
        self.below.create_group(name, title)
    }

    fn delete_group<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(async move { self.changed(self.below.delete_group(name).await, None) })
    }

    fn grant_to_group<'a>(&'a self, group: &'a str, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(async move { self.changed(self.below.grant_to_group(group, permission).await, None) })
    }

    fn revoke_from_group<'a>(&'a self, group: &'a str, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(async move { self.changed(self.below.revoke_from_group(group, permission).await, None) })
    }
}

impl<U: UserModel> UserStore<U> for CachedUserStore<U> {
    fn find<'a>(&'a self, by: UserLookup<'a, U::PrimaryKey>) -> BoxFuture<'a, Result<Option<Account<U>>, UserError>> {
        self.below.find(by)
    }

    fn find_recent<'a>(&'a self, id: &'a U::PrimaryKey) -> BoxFuture<'a, Result<Option<Account<U>>, UserError>> {
        Box::pin(self.recent(id))
    }

    fn create(&self, user: U) -> BoxFuture<'_, Result<U, UserError>> {
        self.below.create(user)
    }

    fn update<'a>(&'a self, user: &'a U, only: Option<&'a [&'a str]>) -> BoxFuture<'a, Result<(), UserError>> {
        Box::pin(async move { self.changed(self.below.update(user, only).await, Some(user.primary_key())) })
    }

    fn set_password_hash<'a>(
        &'a self,
        id: &'a U::PrimaryKey,
        hash: &'a PasswordHash,
        change: PasswordChange<'a>,
    ) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(async move { self.changed(self.below.set_password_hash(id, hash, change).await, Some(id)) })
    }

    fn set_last_login<'a>(
        &'a self,
        id: &'a U::PrimaryKey,
        time: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<(), UserError>> {
        Box::pin(async move { self.changed(self.below.set_last_login(id, time).await, Some(id)) })
    }

    fn delete<'a>(&'a self, id: &'a U::PrimaryKey) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(async move { self.changed(self.below.delete(id).await, Some(id)) })
    }

    fn list(&self, page: Page) -> BoxFuture<'_, Result<Vec<U>, UserError>> {
        self.below.list(page)
    }

    fn with_permission<'a>(&'a self, permission: &'a str, page: Page) -> BoxFuture<'a, Result<Vec<U>, UserError>> {
        self.below.with_permission(permission, page)
    }

    fn grant<'a>(&'a self, id: &'a U::PrimaryKey, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(async move { self.changed(self.below.grant(id, permission).await, Some(id)) })
    }

    fn revoke<'a>(&'a self, id: &'a U::PrimaryKey, permission: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(async move { self.changed(self.below.revoke(id, permission).await, Some(id)) })
    }

    fn add_to_group<'a>(&'a self, id: &'a U::PrimaryKey, group: &'a str) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(async move { self.changed(self.below.add_to_group(id, group).await, Some(id)) })
    }

    fn remove_from_group<'a>(
        &'a self,
        id: &'a U::PrimaryKey,
        group: &'a str,
    ) -> BoxFuture<'a, Result<bool, UserError>> {
        Box::pin(async move { self.changed(self.below.remove_from_group(id, group).await, Some(id)) })
    }
}
