use std::sync::Arc;

use super::{SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionLimit, SessionRecord};
use crate::BoxFuture;

/// A store that can tell the sessions in which a user is logged in: for a list of one's devices, for ending them, and for
/// a limit on their number.
///
/// What another request saves while one of these runs may or may not be seen; what was saved before is.
/// [`SessionBackend::user_sessions`] gives it for a backend of unknown type.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot tell the sessions of a user",
    note = "implement `auth::sessions::UserSessions` for `{Self}`, or put `ListedSessionBackend` around it"
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

    /// [`save`](SessionBackend::save), if the user who is logged in has no more live sessions with it than there may be.
    ///
    /// However many logins meet, no more sessions than that are ever there, and none is refused that would fit. A record
    /// in which nobody is logged in is saved as it is.
    ///
    /// # Errors
    /// [`SessionError::LimitReached`] when it would be one too many and the limit says to refuse it.
    fn save_within<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        limit: SessionLimit,
    ) -> BoxFuture<'a, Result<Saved, SessionError>>;
}

/// The backend as one that can tell a user's sessions.
pub(super) fn of(backend: &(impl SessionBackend + ?Sized)) -> Result<&dyn UserSessions, SessionError> {
    required(backend.user_sessions())
}

/// What a backend that must tell a user's sessions answers.
pub(super) fn required(users: Option<&dyn UserSessions>) -> Result<&dyn UserSessions, SessionError> {
    let unable = || SessionError::Configuration("the session store cannot tell the sessions of a user".to_owned());
    users.ok_or_else(unable)
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

    /// Those of a sorted list that end so that one more, which is known by this id, fits.
    pub(super) fn too_many(
        sessions: &[Self],
        id: &SessionDigest,
        limit: SessionLimit,
    ) -> Result<Vec<SessionDigest>, SessionError> {
        let others: Vec<_> = sessions.iter().map(|session| session.id).filter(|other| other != id).collect();
        match others.get(limit.others()..) {
            None | Some([]) => Ok(Vec::new()),
            Some(oldest) if limit.when_full == super::WhenFull::EndOldest => Ok(oldest.to_vec()),
            Some(_) => Err(limit.reached()),
        }
    }
}
