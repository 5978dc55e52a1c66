use std::fmt;
use std::sync::Arc;

use auth::BoxFuture;
use auth::records::{DynRecordStore, NewRecord, Record, RecordError, RecordKind, RecordReplaced, RecordStore};

type Hook = dyn Fn(RecordCall, RecordKind) -> BoxFuture<'static, Result<(), RecordError>> + Send + Sync;

/// A store of records before whose calls something happens, or fails.
#[derive(Clone)]
pub struct BeforeRecords {
    store: DynRecordStore,
    hook: Arc<Hook>,
}

/// What is about to be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are all")]
pub enum RecordCall {
    /// `get`
    Get,
    /// `insert`
    Insert,
    /// `replace`
    Replace,
    /// `take`
    Take,
    /// `owned`
    Owned,
    /// `delete_owned`
    DeleteOwned,
}

impl BeforeRecords {
    /// Has this done before each call that is about records of one kind.
    pub fn new<F: Future<Output = Result<(), RecordError>> + Send + 'static>(
        store: DynRecordStore,
        hook: impl Fn(RecordCall, RecordKind) -> F + Send + Sync + 'static,
    ) -> Self {
        Self { store, hook: Arc::new(move |call, kind| Box::pin(hook(call, kind))) }
    }
}

impl RecordStore for BeforeRecords {
    fn get<'a>(
        &'a self,
        kind: RecordKind,
        ids: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Vec<Option<Record>>, RecordError>> {
        Box::pin(async move {
            (self.hook)(RecordCall::Get, kind).await?;
            self.store.get(kind, ids).await
        })
    }

    fn insert<'a>(
        &'a self,
        kind: RecordKind,
        id: &'a str,
        record: NewRecord,
    ) -> BoxFuture<'a, Result<bool, RecordError>> {
        Box::pin(async move {
            (self.hook)(RecordCall::Insert, kind).await?;
            self.store.insert(kind, id, record).await
        })
    }

    fn replace<'a>(
        &'a self,
        kind: RecordKind,
        id: &'a str,
        version: u64,
        record: NewRecord,
    ) -> BoxFuture<'a, Result<RecordReplaced, RecordError>> {
        Box::pin(async move {
            (self.hook)(RecordCall::Replace, kind).await?;
            self.store.replace(kind, id, version, record).await
        })
    }

    fn take<'a>(&'a self, kind: RecordKind, id: &'a str) -> BoxFuture<'a, Result<Option<Record>, RecordError>> {
        Box::pin(async move {
            (self.hook)(RecordCall::Take, kind).await?;
            self.store.take(kind, id).await
        })
    }

    fn owned<'a>(
        &'a self,
        kind: RecordKind,
        owner: &'a str,
    ) -> BoxFuture<'a, Result<Vec<(String, Record)>, RecordError>> {
        Box::pin(async move {
            (self.hook)(RecordCall::Owned, kind).await?;
            self.store.owned(kind, owner).await
        })
    }

    fn delete_owned<'a>(&'a self, kind: RecordKind, owner: &'a str) -> BoxFuture<'a, Result<u64, RecordError>> {
        Box::pin(async move {
            (self.hook)(RecordCall::DeleteOwned, kind).await?;
            self.store.delete_owned(kind, owner).await
        })
    }

    fn count(&self, kind: RecordKind) -> BoxFuture<'_, Result<u64, RecordError>> {
        self.store.count(kind)
    }

    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, RecordError>> {
        self.store.cleanup_expired(batch)
    }
}

impl fmt::Debug for BeforeRecords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BeforeRecords").field("store", &self.store).finish_non_exhaustive()
    }
}
