use std::fs;
use std::sync::Arc;

use super::directory::{Directory, absent_is_none};
use super::{FileSessionBackend, Files};
use crate::BoxFuture;
use crate::sessions::{ScanCursor, ScanPage, SessionDigest, SessionError, SessionScan};

impl SessionScan for FileSessionBackend {
    fn scan<'a>(&'a self, after: Option<&'a ScanCursor>, batch: u32) -> BoxFuture<'a, Result<ScanPage, SessionError>> {
        Box::pin(async move {
            let after = after.map(ScanCursor::digest).transpose()?;
            self.run(move |files| files.page(after, batch)).await
        })
    }
}

impl Files {
    /// Folder by folder, which is the order of digests.
    fn page(&self, after: Option<SessionDigest>, batch: u32) -> Result<ScanPage, SessionError> {
        let batch_size = usize::try_from(batch).unwrap_or(usize::MAX).max(1);
        let mut found = Vec::new();
        for folder in after.map_or(0, |id| id.as_bytes()[0])..=u8::MAX {
            for id in self.directory.ids(folder)? {
                if after.is_some_and(|after| id <= after) {
                    continue;
                }
                if found.len() == batch_size {
                    return Ok(ScanPage::of(found, batch, true));
                }
                if let Some(record) = self.live(&id)? {
                    found.push((id, Arc::new(record)));
                }
            }
        }
        Ok(ScanPage::of(found, batch, false))
    }
}

impl Directory {
    /// What the files of a folder are named by, in order.
    fn ids(&self, folder: u8) -> Result<Vec<SessionDigest>, SessionError> {
        let mut ids = Vec::new();
        for entry in absent_is_none(fs::read_dir(self.folder(folder)))?.into_iter().flatten() {
            ids.extend(entry?.file_name().to_str().and_then(SessionDigest::parse));
        }
        ids.sort_unstable();
        Ok(ids)
    }
}
