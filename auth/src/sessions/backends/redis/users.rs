use std::sync::Arc;

use redis::Script;

use super::RedisSessionBackend;
use crate::BoxFuture;
use crate::sessions::{
    SaveIf, Saved, SessionDigest, SessionError, SessionLimit, SessionRecord, UserSession, UserSessions, encoding,
};

impl RedisSessionBackend {
    /// What the keys of users' sets begin with. A digest has no `u`, so no record stands there.
    pub(super) fn users(&self) -> String {
        format!("{}user:", self.prefix)
    }

    /// A script about all of a user's sessions.
    fn about<'a>(&self, script: &'a Script, user_id: &str) -> redis::ScriptInvocation<'a> {
        let mut script = script.key(self.users() + user_id);
        script.arg(self.now()).arg(&*self.prefix).arg(user_id);
        script
    }

    async fn sessions_now(&self, user_id: &str) -> Result<Vec<UserSession>, SessionError> {
        let mut script = self.about(&self.scripts.list_of, user_id);
        let found: Vec<Vec<u8>> = self.connection.run(script.arg(encoding::MAX_BYTES)).await?;
        let read = |pair: &[Vec<u8>]| {
            let id = SessionDigest::parse(std::str::from_utf8(&pair[0]).ok()?)?;
            Some(UserSession::new(id, Arc::new(encoding::decode(&pair[1])?)))
        };
        let (mut sessions, whole) = (Vec::new(), found.len() / 2);
        sessions.extend(found.chunks_exact(2).filter_map(read));
        if sessions.len() < whole {
            tracing::warn!("damaged sessions count as none");
        }
        UserSession::sort(&mut sessions);
        Ok(sessions)
    }
}

impl UserSessions for RedisSessionBackend {
    fn sessions_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Vec<UserSession>, SessionError>> {
        Box::pin(self.sessions_now(user_id))
    }

    fn count_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<u64, SessionError>> {
        Box::pin(async move { self.connection.run(&self.about(&self.scripts.count_of, user_id)).await })
    }

    fn delete_of<'a>(&'a self, user_id: &'a str, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            let mut script = self.scripts.delete_of.key(self.key(id));
            script.key(self.users() + user_id).arg(self.now()).arg(user_id).arg(id.to_string());
            self.connection.run(&script).await
        })
    }

    fn delete_all_of<'a>(
        &'a self,
        user_id: &'a str,
        except: Option<&'a SessionDigest>,
    ) -> BoxFuture<'a, Result<u64, SessionError>> {
        Box::pin(async move {
            let mut script = self.about(&self.scripts.delete_all_of, user_id);
            script.arg(except.map(SessionDigest::to_string).unwrap_or_default());
            self.connection.run(&script).await
        })
    }

    fn save_within<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        limit: SessionLimit,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move { self.save_now(id, &record, condition, Some(limit)).await })
    }
}
