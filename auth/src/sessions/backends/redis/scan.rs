use super::RedisSessionBackend;
use crate::BoxFuture;
use crate::sessions::{ScanCursor, ScanPage, SessionDigest, SessionError, SessionScan};

impl SessionScan for RedisSessionBackend {
    fn scan<'a>(&'a self, after: Option<&'a ScanCursor>, batch: u32) -> BoxFuture<'a, Result<ScanPage, SessionError>> {
        Box::pin(async move {
            if !self.connection.has_all_keys() {
                let rule = "a cluster cannot tell all its sessions: no server of it has all keys";
                return Err(SessionError::Configuration(rule.to_owned()));
            }
            let after = after.map_or(Ok(0), |after| after.as_str().parse()).map_err(|_| ScanCursor::unknown())?;
            let (next, keys) = self.connection.scan(after, &self.pattern(), batch.max(1)).await?;
            let id = |key: &Vec<u8>| {
                SessionDigest::parse(std::str::from_utf8(key.strip_prefix(self.prefix.as_bytes())?).ok()?)
            };
            let mut sessions = Vec::new();
            for id in keys.iter().filter_map(id) {
                if let Some(record) = self.load_now(&id).await? {
                    sessions.push((id, record));
                }
            }
            Ok(ScanPage::new(sessions, (next != 0).then(|| ScanCursor::new(next.to_string()))))
        })
    }
}

impl RedisSessionBackend {
    /// Matches what begins with the prefix, in which no character stands for others, and has as many characters as a
    /// digest: no set of a user.
    fn pattern(&self) -> String {
        format!("{}{}", self.prefix, "?".repeat(64))
    }
}
