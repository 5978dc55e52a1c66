use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::CacheError;
use crate::BoxFuture;

/// The most bytes of a value, in any cache. A server may take less, as memcached does unless it is told otherwise.
pub const MAX_VALUE: usize = 4 << 20;

/// Keeps bytes under keys for a while. Each operation is atomic, among all who use the server.
///
/// A key is any text. A lifetime is rounded up to what the cache can tell, and cut to what it can hold, at least 30 days;
/// a value may be gone sooner.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a cache",
    note = "implement `auth::cache::Cache` for `{Self}`"
)]
pub trait Cache: fmt::Debug + Send + Sync + 'static {
    /// The value under the key.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Cached>, CacheError>>;

    /// Writes the value if there is none. Says whether it did.
    fn insert<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<bool, CacheError>>;

    /// Writes the value over the one that was got, unless another was written since, be it the same bytes.
    fn replace<'a>(
        &'a self,
        key: &'a str,
        version: &'a CacheVersion,
        value: &'a [u8],
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<Replaced, CacheError>>;

    /// Removes the value. Says whether there was one: of many who remove it at once, one is told so.
    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>>;
}

impl<C: Cache + ?Sized> Cache for Arc<C> {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Cached>, CacheError>> {
        (**self).get(key)
    }

    fn insert<'a>(
        &'a self,
        key: &'a str,
        value: &'a [u8],
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<bool, CacheError>> {
        (**self).insert(key, value, lifetime)
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        version: &'a CacheVersion,
        value: &'a [u8],
        lifetime: Duration,
    ) -> BoxFuture<'a, Result<Replaced, CacheError>> {
        (**self).replace(key, version, value, lifetime)
    }

    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<bool, CacheError>> {
        (**self).delete(key)
    }
}

/// A value as it was found.
#[derive(Clone, PartialEq, Eq)]
pub struct Cached {
    /// Its bytes.
    pub value: Vec<u8>,
    /// What [`Cache::replace`] knows it by.
    pub version: CacheVersion,
}

impl Cached {
    /// A value and its version.
    pub fn new(value: Vec<u8>, version: CacheVersion) -> Self {
        Self { value, version }
    }
}

/// Its length only: values can be secrets.
impl fmt::Debug for Cached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cached({} bytes)", self.value.len())
    }
}

/// Tells one writing of a value from every other, for as long as the server runs. What it says is the cache's own affair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheVersion(Box<[u8]>);

impl CacheVersion {
    /// A version as the cache tells it.
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// What it was made of.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What became of a [`Cache::replace`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "whoever asks must know every answer")]
pub enum Replaced {
    /// It was written.
    Done,
    /// Another value stands there.
    Changed,
    /// There is none any more.
    Gone,
}
