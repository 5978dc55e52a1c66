use std::sync::Arc;

use super::{SessionBackend, SessionDigest, SessionError, SessionRecord};
use crate::BoxFuture;

/// A store that can tell the sessions in which a user is logged in: for a list of one's devices, and for ending them.
///
/// What another request saves while one of these runs may or may not be seen; what was saved before is.
/// [`SessionBackend::user_sessions`] gives it for a backend of unknown type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot tell the sessions of a user",
    note = "implement `auth::sessions::UserSessions` for `{Self}`, or keep sessions in memory, a database or Redis"
)]
pub trait UserSessions: SessionBackend {
    /// The user's live sessions, the one that began last first.
    fn sessions_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Vec<UserSession>, SessionError>>;

    /// How many live sessions the user has.
    fn count_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<u64, SessionError>>;

    /// Ends a session, if it is this user's. Says whether there was one.
    ///
    /// # Security
    /// A digest from outside can be handed on as it is: it ends nobody else's session.
    fn delete_of<'a>(&'a self, user_id: &'a str, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>>;

    /// Ends the user's sessions, all but the one that is named. Says how many there were.
    fn delete_all_of<'a>(
        &'a self,
        user_id: &'a str,
        except: Option<&'a SessionDigest>,
    ) -> BoxFuture<'a, Result<u64, SessionError>>;
}

/// One of a user's sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserSession {
    /// What the store knows it by. It can be shown: the session's key does not follow from it.
    pub id: SessionDigest,
    /// The record.
    pub record: Arc<SessionRecord>,
}

impl UserSession {
    /// A session as a store found it.
    pub fn new(id: SessionDigest, record: Arc<SessionRecord>) -> Self {
        Self { id, record }
    }

    /// The order of [`UserSessions::sessions_of`].
    pub(super) fn sort(sessions: &mut [Self]) {
        sessions.sort_unstable_by(|a, b| (b.record.created_at, a.id).cmp(&(a.record.created_at, b.id)));
    }
}

impl SessionRecord {
    /// Whose login it holds.
    pub(super) fn user_id(&self) -> Option<&str> {
        self.login.as_ref().map(|login| login.user_id.as_str())
    }
}
