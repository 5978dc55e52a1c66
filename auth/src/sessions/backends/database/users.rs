use std::sync::Arc;

use super::{COLUMNS, DatabaseSessionBackend, ID, is_storable, key, record};
use crate::BoxFuture;
use crate::database::{AnyRow, ColumnError, read};
use crate::sessions::{
    SaveIf, Saved, SessionDigest, SessionError, SessionLimit, SessionRecord, UserSession, UserSessions,
};

impl UserSessions for DatabaseSessionBackend {
    fn sessions_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Vec<UserSession>, SessionError>> {
        Box::pin(async move {
            if !is_storable(user_id) {
                return Ok(Vec::new());
            }
            let list = self.statements.list_of.with([user_id.into(), self.now()]);
            let rows = self.database.fetch(list).await?;
            let read = |row| match session(&row) {
                Ok(session) => Some(session),
                Err(error) => {
                    tracing::warn!(%error, "a damaged session counts as none");
                    None
                }
            };
            Ok(rows.into_iter().filter_map(read).collect())
        })
    }

    fn count_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<u64, SessionError>> {
        Box::pin(async move {
            if !is_storable(user_id) {
                return Ok(0);
            }
            let count = self.statements.count_of.with([user_id.into(), self.now()]);
            let row = self.database.fetch_first(count).await?;
            let count = row.map_or(Ok(0), |row| read::<i64>(&row, 0, "count")).map_err(SessionError::store)?;
            u64::try_from(count).map_err(SessionError::store)
        })
    }

    fn delete_of<'a>(&'a self, user_id: &'a str, id: &'a SessionDigest) -> BoxFuture<'a, Result<bool, SessionError>> {
        Box::pin(async move {
            if !is_storable(user_id) {
                return Ok(false);
            }
            let delete = self.statements.delete_of.with([user_id.into(), key(id), self.now()]);
            Ok(self.database.execute(delete).await?.rows > 0)
        })
    }

    fn delete_all_of<'a>(
        &'a self,
        user_id: &'a str,
        except: Option<&'a SessionDigest>,
    ) -> BoxFuture<'a, Result<u64, SessionError>> {
        Box::pin(async move {
            if !is_storable(user_id) {
                return Ok(0);
            }
            // No session stands under the empty id.
            let except = except.map_or_else(|| "".into(), key);
            let delete = self.statements.delete_all_of.with([user_id.into(), except, self.now()]);
            Ok(self.database.execute(delete).await?.rows)
        })
    }

    fn save_within<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        limit: SessionLimit,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(self.save_within_now(id, record, condition, limit))
    }
}

pub(super) fn session(row: &AnyRow) -> Result<UserSession, ColumnError> {
    let id = read::<String>(row, COLUMNS.len(), ID)?;
    let id = SessionDigest::parse(&id).ok_or_else(|| ColumnError::new(ID, "is no digest"))?;
    Ok(UserSession::new(id, Arc::new(record(row)?)))
}
