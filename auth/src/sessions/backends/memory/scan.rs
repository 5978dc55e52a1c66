use std::future::ready;

use super::{InMemorySessionBackend, SHARDS, alive, lock};
use crate::BoxFuture;
use crate::sessions::{ScanCursor, ScanPage, SessionDigest, SessionError, SessionScan};

impl SessionScan for InMemorySessionBackend {
    fn scan<'a>(&'a self, after: Option<&'a ScanCursor>, batch: u32) -> BoxFuture<'a, Result<ScanPage, SessionError>> {
        let after = after.map(ScanCursor::digest).transpose();
        Box::pin(ready(after.map(|after| self.page(after, batch))))
    }
}

impl InMemorySessionBackend {
    /// Shard by shard, in each in the order of digests.
    fn page(&self, after: Option<SessionDigest>, batch: u32) -> ScanPage {
        let (now, batch_size) = (self.clock.now(), usize::try_from(batch).unwrap_or(usize::MAX));
        let first = after.map_or(0, |id| usize::from(id.as_bytes()[0]) % SHARDS);
        let mut found = Vec::new();
        for (index, shard) in self.shards.iter().enumerate().skip(first) {
            let begun = after.filter(|_| index == first);
            let mut of_shard: Vec<_> = {
                let shard = lock(shard);
                let later = |id: &SessionDigest| begun.is_none_or(|after| after < *id);
                let live = shard.records.iter().filter(|(id, record)| later(id) && alive(record, now));
                live.map(|(id, record)| (*id, record.clone())).collect()
            };
            of_shard.sort_unstable_by_key(|(id, _)| *id);
            found.extend(of_shard);
            if found.len() > batch_size {
                break;
            }
        }
        ScanPage::of(found, batch, false)
    }
}
