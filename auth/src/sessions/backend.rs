use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{SessionDigest, SessionError, SessionKey, SessionRecord, SessionScan, UserSessions, formats};
use crate::BoxFuture;
use crate::registry::{self, Context, Entry, Place, UnknownEntry, Url};

/// When a record may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SaveIf {
    /// No live record stands under the digest: a new session never overwrites another.
    Absent,
    /// The stored record has this version: no change of another request is lost.
    Version(u64),
}

/// What became of a save.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Saved {
    /// It was written.
    Done,
    /// Another version stands there, or (with [`SaveIf::Absent`]) any.
    Conflict,
    /// [`SaveIf::Version`] was asked and there is no record: the session ended. It is not brought back.
    Gone,
}

/// Where session records are kept. Every method is one atomic operation, and an expired record is no record.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a session backend",
    note = "implement `auth::sessions::SessionBackend` for `{Self}`"
)]
pub trait SessionBackend: fmt::Debug + Send + Sync + 'static {
    /// The record, unless it is absent or expired. A damaged record counts as none and is logged.
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>>;

    /// The same, and never from a copy that is held nearby. Only a backend that holds copies need say more than `load`.
    fn load_fresh<'a>(
        &'a self,
        id: &'a SessionDigest,
    ) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        self.load(id)
    }

    /// Writes the record, with the version that stands in it, if the condition holds.
    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>>;

    /// Moves `seen_at` and `expires_at` of a live record; the version stays. Says whether there was one.
    fn touch<'a>(
        &'a self,
        id: &'a SessionDigest,
        seen_at: DateTime<Utc>,
        expires_at: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<bool, SessionError>>;

    /// Removes the record. Says whether there was a live one.
    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>>;

    /// Whether there is a live record.
    fn exists<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>>;

    /// The same store as one that can tell a user's sessions, if it can. A wrapper answers for itself: it must not give
    /// what it wraps.
    fn user_sessions(&self) -> Option<&dyn UserSessions> {
        None
    }

    /// The same store as one that can tell all its sessions, if it can. A wrapper that stores other records than it is
    /// given answers for itself.
    fn scan(&self) -> Option<&dyn SessionScan> {
        None
    }
}

/// Any backend.
pub type DynSessionBackend = Arc<dyn SessionBackend>;

impl<B: SessionBackend + ?Sized> SessionBackend for Arc<B> {
    pass_on!([as_ref()] load, load_fresh, save, touch, delete, exists);

    fn user_sessions(&self) -> Option<&dyn UserSessions> {
        (**self).user_sessions()
    }

    fn scan(&self) -> Option<&dyn SessionScan> {
        (**self).scan()
    }
}

impl<B: SessionBackend + ?Sized> UserSessions for Arc<B> {
    pass_users_on!([as_ref()] sessions_of, count_of, delete_of, delete_all_of, save_within);
}

/// A store that does not forget expired records by itself.
pub trait CleanupExpired: Send + Sync {
    /// Removes expired records, and says how many: at most `batch`, so that requests are not held up. Call it until it says
    /// 0, with a pause between two calls: SQLite lets one write at a time, and not in the order of asking.
    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, SessionError>>;
}

/// A session backend in the registry; `#[session_backend("scheme")]` makes one.
pub struct SessionBackendEntry {
    /// The scheme of the addresses it serves.
    pub scheme: &'static str,
    /// Connects it.
    pub connect: for<'a> fn(&'a Url, &'a Context) -> BoxFuture<'a, Result<DynSessionBackend, SessionError>>,
    /// Where it was declared.
    pub place: Place,
}

inventory::collect!(SessionBackendEntry);

impl Entry for SessionBackendEntry {
    const KIND: &'static str = "session backend";

    fn name(&self) -> &'static str {
        self.scheme
    }

    fn place(&self) -> Place {
        self.place
    }
}

impl fmt::Debug for SessionBackendEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionBackendEntry({} at {})", self.scheme, self.place)
    }
}

/// The backend that an address asks for: `memory:`, `database:`, `postgres://…`.
///
/// # Errors
/// [`SessionError::UnknownBackend`] when nothing is registered for its scheme, [`SessionError::NotEnabled`] when a feature
/// would bring it, and whatever the backend says.
pub async fn connect(url: &Url, context: &Context) -> Result<DynSessionBackend, SessionError> {
    match registry::find::<SessionBackendEntry>(url.scheme()) {
        Ok(backend) => (backend.connect)(url, context).await,
        Err(unknown) => Err(match feature_of(url.scheme()) {
            Some(feature) => SessionError::NotEnabled { scheme: url.scheme().to_owned(), feature },
            None if url.scheme() == "cookie" => {
                SessionError::Configuration("sessions in cookies are kept in no store".to_owned())
            }
            None => UnknownEntry { name: url.shown_scheme().to_owned(), ..unknown }.into(),
        }),
    }
}

/// The feature that is missing where nothing is registered for this scheme of ours.
fn feature_of(scheme: &str) -> Option<&'static str> {
    Some(match scheme {
        "cookie" if cfg!(not(feature = "session-cookie")) => "session-cookie",
        "database" => "database-sqlite`, `database-postgres` or `database-mysql",
        "file" => "session-file",
        "mariadb" | "mysql" => "database-mysql",
        "memcached" => "cache-memcached",
        "postgres" | "postgresql" => "database-postgres",
        "sqlite" => "database-sqlite",
        redis if redis.starts_with("redis") => "session-redis",
        cache if cache.starts_with("cache+redis") => "cache-redis",
        _ => return None,
    })
}

/// The live record that this key opens. One whose data cannot be read is none.
pub(super) async fn find(
    backend: &impl SessionBackend,
    key: &SessionKey,
    now: DateTime<Utc>,
) -> Result<Option<Arc<SessionRecord>>, SessionError> {
    let (id, opens) = (key.digest(), |record: &Arc<SessionRecord>| record.is_opened_by(key));
    let mut found = backend.load(&id).await?;
    if found.as_ref().is_some_and(|record| !opens(record)) {
        // A copy held nearby may be older than the key.
        found = backend.load_fresh(&id).await?.filter(opens);
    }
    Ok(found.filter(|record| record.is_alive(now) && formats::is_readable(&record.data)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_of_ours_names_its_feature() {
        for (scheme, feature) in [
            ("file", "session-file"),
            ("redis", "session-redis"),
            ("rediss+cluster", "session-redis"),
            ("memcached", "cache-memcached"),
            ("cache+redis", "cache-redis"),
            ("mysql", "database-mysql"),
        ] {
            assert_eq!(feature_of(scheme), Some(feature), "{scheme}");
        }
        assert_eq!(feature_of("elsewhere"), None);
    }
}
