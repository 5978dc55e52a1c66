use std::fmt;
use std::sync::Arc;

use super::super::user_sessions;
use crate::BoxFuture;
use crate::sessions::{
    DynSessionBackend, Invalidated, SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionInvalidations,
    SessionLimit, SessionRecord, UserSessions,
};

/// Tells of every session that ends, whoever ends it, before whoever ends it hears of it.
#[derive(Clone)]
pub(crate) struct AnnouncingSessionBackend {
    inner: DynSessionBackend,
    told: Arc<dyn SessionInvalidations>,
}

impl AnnouncingSessionBackend {
    pub(crate) fn new(inner: DynSessionBackend, told: Arc<dyn SessionInvalidations>) -> Self {
        Self { inner, told }
    }

    /// Whatever came of it: it may have ended although an error came back.
    fn tell<T>(&self, what: Invalidated, result: T) -> T {
        self.told.publish(what);
        result
    }
}

impl SessionBackend for AnnouncingSessionBackend {
    pass_on!([inner] load, load_fresh, save, touch, exists, scan);
    user_sessions_as_inside!([inner]);

    fn delete<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move { self.tell(Invalidated::One(*id), self.inner.delete(id).await) })
    }
}

impl UserSessions for AnnouncingSessionBackend {
    pass_users_on!([inner] sessions_of, count_of);

    fn delete_of<'a>(&'a self, user_id: &'a str, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            let users = user_sessions::of(&self.inner)?;
            self.tell(Invalidated::One(*id), users.delete_of(user_id, id).await)
        })
    }

    fn delete_all_of<'a>(
        &'a self,
        user_id: &'a str,
        except: Option<&'a SessionDigest>,
    ) -> BoxFuture<'a, Result<u64, SessionError>> {
        Box::pin(async move {
            let users = user_sessions::of(&self.inner)?;
            self.tell(Invalidated::of_user(user_id), users.delete_all_of(user_id, except).await)
        })
    }

    fn save_within<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        limit: SessionLimit,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move {
            let user = record.user_id().map(Invalidated::of_user);
            let saved = user_sessions::of(&self.inner)?.save_within(id, record, condition, limit).await;
            match user {
                // The oldest may have made room.
                Some(user) => self.tell(user, saved),
                None => saved,
            }
        })
    }
}

impl fmt::Debug for AnnouncingSessionBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.inner, f)
    }
}
