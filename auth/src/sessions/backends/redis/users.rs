use std::sync::Arc;

use super::RedisSessionBackend;
use crate::BoxFuture;
use crate::redis::each;
use crate::sessions::{
    SaveIf, Saved, SessionDigest, SessionError, SessionLimit, SessionRecord, UserSession, UserSessions,
};

impl RedisSessionBackend {
    async fn sessions_now(&self, user: &str) -> Result<Vec<UserSession>, SessionError> {
        let entries = self.entries(user.as_bytes()).await?;
        let theirs = |id| async move { Ok(self.load_now(&id).await?.filter(|record| record.user_id() == Some(user))) };
        let confirmed = self.confirm(user.as_bytes(), entries, theirs).await?;
        let mut sessions: Vec<_> =
            confirmed.standing.into_iter().map(|(id, record)| UserSession::new(id, record)).collect();
        UserSession::sort(&mut sessions);
        Ok(sessions)
    }

    async fn count_now(&self, user: &str) -> Result<u64, SessionError> {
        let user = user.as_bytes();
        let confirmed =
            self.confirm(user, self.entries(user).await?, |id| async move { self.standing(user, &id).await }).await?;
        Ok(confirmed.standing.len() as u64)
    }

    async fn delete_all_now(&self, user: &str, except: Option<&SessionDigest>) -> Result<u64, SessionError> {
        let mut entries = self.entries(user.as_bytes()).await?;
        entries.retain(|entry| Some(&entry.id) != except);
        let ids: Vec<_> = entries.iter().map(|entry| entry.id).collect();
        let ended = each(&ids, |id| async move { self.delete_now(&id, Some(user.as_bytes())).await }).await?;
        Ok(ended.into_iter().map(u64::from).sum())
    }
}

impl UserSessions for RedisSessionBackend {
    fn sessions_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Vec<UserSession>, SessionError>> {
        Box::pin(self.connection.in_time(self.sessions_now(user_id)))
    }

    fn count_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<u64, SessionError>> {
        Box::pin(self.connection.in_time(self.count_now(user_id)))
    }

    fn delete_of<'a>(&'a self, user_id: &'a str, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(self.connection.in_time(self.delete_now(id, Some(user_id.as_bytes()))))
    }

    fn delete_all_of<'a>(
        &'a self,
        user_id: &'a str,
        except: Option<&'a SessionDigest>,
    ) -> BoxFuture<'a, Result<u64, SessionError>> {
        Box::pin(self.connection.in_time(self.delete_all_now(user_id, except)))
    }

    fn save_within<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        limit: SessionLimit,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(self.connection.in_time(async move { self.save_within_now(id, &record, condition, limit).await }))
    }
}
