use std::sync::Arc;

use super::MigratingSessionBackend;
use super::mark::Held;
use crate::BoxFuture;
use crate::sessions::{
    SaveIf, Saved, SessionBackend, SessionDigest, SessionError, SessionLimit, SessionRecord, UserSession, UserSessions,
    user_sessions,
};

impl<F: SessionBackend, T: SessionBackend> MigratingSessionBackend<F, T> {
    /// Moves a user's sessions out of the old store, and gives the new one, which then knows them all.
    async fn gather(&self, user_id: &str) -> Result<&dyn UserSessions, SessionError> {
        let (from, to) = (user_sessions::of(&self.from)?, user_sessions::of(&self.to)?);
        for session in from.sessions_of(user_id).await? {
            self.settle(&session.id, Some(session.record)).await?;
        }
        Ok(to)
    }
}

impl<F: SessionBackend, T: SessionBackend> UserSessions for MigratingSessionBackend<F, T> {
    fn sessions_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Vec<UserSession>, SessionError>> {
        Box::pin(async move {
            let sessions = self.gather(user_id).await?.sessions_of(user_id).await?;
            let whole = sessions.into_iter().filter_map(|UserSession { id, record }| match Held::of(record)? {
                Held::Session(record) => Some(UserSession::new(id, record)),
                _ => None,
            });
            Ok(whole.collect())
        })
    }

    fn count_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<u64, SessionError>> {
        Box::pin(async move { self.gather(user_id).await?.count_of(user_id).await })
    }

    fn delete_of<'a>(&'a self, user_id: &'a str, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move { self.gather(user_id).await?.delete_of(user_id, id).await })
    }

    fn delete_all_of<'a>(
        &'a self,
        user_id: &'a str,
        except: Option<&'a SessionDigest>,
    ) -> BoxFuture<'a, Result<u64, SessionError>> {
        Box::pin(async move { self.gather(user_id).await?.delete_all_of(user_id, except).await })
    }

    fn save_within<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        limit: SessionLimit,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move {
            if let Some(user_id) = record.user_id() {
                self.gather(user_id).await?;
            }
            self.save_now(id, record, condition, Some(limit)).await
        })
    }
}
