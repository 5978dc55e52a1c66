use std::sync::Arc;

use super::{COLUMNS, DatabaseSessionBackend, ID, record};
use crate::BoxFuture;
use crate::database::{AnyRow, ColumnError, read};
use crate::sessions::{ScanCursor, ScanPage, SessionDigest, SessionError, SessionRecord, SessionScan};

impl SessionScan for DatabaseSessionBackend {
    fn scan<'a>(&'a self, after: Option<&'a ScanCursor>, batch: u32) -> BoxFuture<'a, Result<ScanPage, SessionError>> {
        Box::pin(async move {
            // Every id comes after the empty one.
            let after = after.map(ScanCursor::digest).transpose()?.map(|id| id.to_string()).unwrap_or_default();
            let batch = u64::from(batch.max(1));
            let scan = self.statements.scan.with([after.into(), self.now(), batch.into()]);
            let rows = self.database.fetch(scan).await?;
            let full = u64::try_from(rows.len()).is_ok_and(|rows| rows == batch);
            let last = rows.last().filter(|_| full).map(id).transpose().map_err(SessionError::store)?;
            let read = |row| match session(&row) {
                Ok(session) => Some(session),
                Err(error) => {
                    tracing::warn!(%error, "a damaged session counts as none");
                    None
                }
            };
            let sessions = rows.into_iter().filter_map(read).collect();
            Ok(ScanPage::new(sessions, last.as_ref().map(ScanCursor::after)))
        })
    }
}

fn id(row: &AnyRow) -> Result<SessionDigest, ColumnError> {
    let id = read::<String>(row, COLUMNS.len(), ID)?;
    SessionDigest::parse(&id).ok_or_else(|| ColumnError::new(ID, "is no digest"))
}

fn session(row: &AnyRow) -> Result<(SessionDigest, Arc<SessionRecord>), ColumnError> {
    Ok((id(row)?, Arc::new(record(row)?)))
}
