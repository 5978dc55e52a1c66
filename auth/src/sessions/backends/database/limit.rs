//! A limit on a user's sessions, exact because logins of one user wait for each other.

use std::sync::Arc;

use sea_query::Value as Bound;
use sha2::{Digest as _, Sha256};

use super::users::session;
use super::{DatabaseSessionBackend, is_storable, key, micros, row, version_of};
use crate::database::{Attempts, DatabaseError};
use crate::sessions::{SaveIf, Saved, SessionDigest, SessionError, SessionLimit, SessionRecord, UserSession};

impl DatabaseSessionBackend {
    pub(super) async fn save_within_now(
        &self,
        id: &SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
        limit: SessionLimit,
    ) -> Result<Saved, SessionError> {
        let mut attempts = Attempts::begin();
        loop {
            let once = Box::pin(self.save_within_once(id, &record, condition, limit));
            match self.database.in_time(once).await {
                Err(SessionError::Store(error))
                    if error.downcast_ref().is_some_and(DatabaseError::is_contention) && attempts.pause().await => {}
                result => return result,
            }
        }
    }

    async fn save_within_once(
        &self,
        id: &SessionDigest,
        record: &SessionRecord,
        condition: SaveIf,
        limit: SessionLimit,
    ) -> Result<Saved, SessionError> {
        let values = row(record)?;
        let Some(user_id) = record.user_id().filter(|id| is_storable(id)) else {
            return self.save_now(id, record, condition).await;
        };
        let mut transaction = self.database.begin().await?;
        transaction.execute(self.statements.take_turn.with(turn(user_id, record))).await?;
        let list = self.statements.list_of.with([user_id.into(), self.now()]);
        let found = transaction.fetch(list).await?;
        let sessions: Vec<_> = found.iter().filter_map(|row| session(row).ok()).collect();
        for oldest in UserSession::too_many(&sessions, id, limit)? {
            let delete = self.statements.delete_of.with([user_id.into(), key(&oldest), self.now()]);
            transaction.execute(delete).await?;
        }
        let saved = match condition {
            SaveIf::Absent => {
                transaction.execute(self.statements.take_away.with([key(id), self.now()])).await?;
                let insert = self.statements.insert.with(values.into_iter().chain([key(id)]));
                match transaction.execute(insert).await {
                    Ok(_) => Saved::Done,
                    Err(error) if error.unique_violation().is_some() => return Ok(Saved::Conflict),
                    Err(error) => return Err(error.into()),
                }
            }
            SaveIf::Version(version) => {
                let condition = [key(id), version_of(version)?, self.now()];
                let update = self.statements.update.with(values.into_iter().chain(condition));
                if transaction.execute(update).await?.rows > 0 {
                    Saved::Done
                } else {
                    drop(transaction);
                    return Ok(if self.is_alive(id).await? { Saved::Conflict } else { Saved::Gone });
                }
            }
        };
        transaction.commit().await?;
        Ok(saved)
    }
}

/// A row that is nobody's session: no key leads to it. Whoever writes it has the user's turn until the transaction ends.
fn turn(user_id: &str, record: &SessionRecord) -> [Bound; 7] {
    let id = Sha256::new().chain_update(b"auth: turn: ").chain_update(user_id).finalize();
    let id = key(&SessionDigest::from_bytes(id.into()));
    let (began, ends) = (micros(record.created_at), micros(record.ends_at));
    [0_i64.into(), began.clone(), began, ends.clone(), ends, Vec::<u8>::new().into(), id]
}
