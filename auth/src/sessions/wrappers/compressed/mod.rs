//! Sessions made smaller.

mod algorithm;

use std::sync::Arc;

pub use self::algorithm::Compression;
use crate::BoxFuture;
use crate::sessions::{
    CleanupExpired, SaveIf, Saved, ScanCursor, ScanPage, SessionBackend, SessionDigest, SessionError, SessionLimit,
    SessionRecord, SessionScan, UserSession, UserSessions, user_sessions,
};

/// Begins data that this wrapper wrote: no format of a dictionary has this tag. Then the algorithm (0: none), the length
/// in four bytes, the packed data.
const MARK: u8 = 0xfc;
const AS_IT_IS: u8 = 0;

/// Compresses sessions' data on their way to a backend, from 512 bytes on.
///
/// What was stored before it was put in place still loads, and so does what another algorithm wrote, if its feature is
/// on: the data say what was done to them. Data that do not shrink are kept as they are. The work is done in place, on
/// the runtime's own thread; with [`Compression::Brotli`] a session of a megabyte takes tens of milliseconds.
///
/// # Security
/// Nothing is compressed unless this is put around a backend. The length of compressed data tells something of what is
/// in them: if a session holds a secret beside text that an attacker chooses, and the attacker can see how long the
/// stored record is (a store's metrics, the size of a file, encrypted traffic to the store), then each try that makes
/// it shorter guesses a part of the secret, as in the attacks on TLS called CRIME and BREACH. Compress only where
/// records' sizes stay among those who may read them.
///
/// What takes more than two megabytes unpacked, or another length than was noted, is no session: a few bytes cannot make
/// a program run out of memory.
#[derive(Clone, Debug)]
pub struct CompressedSessionBackend<B> {
    inner: B,
    algorithm: Compression,
    threshold: usize,
}

impl<B: SessionBackend> CompressedSessionBackend<B> {
    /// As many bytes are worth the work, unless another number is set.
    pub const THRESHOLD: usize = 512;

    /// Compresses what goes to this backend.
    pub fn new(inner: B, algorithm: Compression) -> Self {
        Self { inner, algorithm, threshold: Self::THRESHOLD }
    }

    /// The same, from this many bytes on.
    #[must_use]
    pub fn with_threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// The backend inside.
    pub fn inner(&self) -> &B {
        &self.inner
    }

    /// The record to store.
    fn packed(&self, record: Arc<SessionRecord>) -> Result<Arc<SessionRecord>, SessionError> {
        Ok(match self.pack(&record.data)? {
            Some(data) => Arc::new(SessionRecord { data, ..without_data(&record) }),
            None => record,
        })
    }

    /// The data to store instead, if they are not to be stored as they are.
    fn pack(&self, data: &[u8]) -> Result<Option<Box<[u8]>>, SessionError> {
        let length = u32::try_from(data.len()).ok().filter(|_| data.len() <= SessionRecord::MAX_DATA);
        let length = length.ok_or(SessionError::TooLarge { max: SessionRecord::MAX_DATA })?;
        let framed =
            |tag, packed: &[u8]| -> Box<[u8]> { [&[MARK, tag][..], &length.to_be_bytes(), packed].concat().into() };
        if data.len() >= self.threshold {
            let packed = framed(self.algorithm.tag(), &self.algorithm.compress(data).map_err(SessionError::store)?);
            if packed.len() < data.len() {
                return Ok(Some(packed));
            }
        }
        Ok((data.first() == Some(&MARK)).then(|| framed(AS_IT_IS, data)))
    }
}

/// The record that was stored so; nothing, if it cannot be read.
fn unpacked(id: &SessionDigest, record: Arc<SessionRecord>) -> Option<Arc<SessionRecord>> {
    if record.data.first() != Some(&MARK) {
        return Some(record);
    }
    let Some(data) = unpack(&record.data) else {
        tracing::warn!(session = ?id, "a session's compressed data cannot be read; it counts as none");
        return None;
    };
    Some(Arc::new(SessionRecord { data: data.into(), ..without_data(&record) }))
}

/// The data that were packed so; nothing, if these are not such.
fn unpack(data: &[u8]) -> Option<Vec<u8>> {
    let (&[_, tag, a, b, c, d], packed) = data.split_first_chunk()?;
    let length =
        usize::try_from(u32::from_be_bytes([a, b, c, d])).ok().filter(|length| *length <= SessionRecord::MAX_DATA)?;
    if tag == AS_IT_IS {
        return (packed.len() == length).then(|| packed.to_vec());
    }
    Compression::of(tag)?.decompress(packed, length).ok()
}

impl<B: SessionBackend> SessionBackend for CompressedSessionBackend<B> {
    fn load<'a>(&'a self, id: &'a SessionDigest) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(async move { Ok(self.inner.load(id).await?.and_then(|record| unpacked(id, record))) })
    }

    fn load_fresh<'a>(
        &'a self,
        id: &'a SessionDigest,
    ) -> BoxFuture<'a, Result<Option<Arc<SessionRecord>>, SessionError>> {
        Box::pin(async move { Ok(self.inner.load_fresh(id).await?.and_then(|record| unpacked(id, record))) })
    }

    fn save<'a>(
        &'a self,
        id: &'a SessionDigest,
        record: Arc<SessionRecord>,
        condition: SaveIf,
    ) -> BoxFuture<'a, Result<Saved, SessionError>> {
        Box::pin(async move { self.inner.save(id, self.packed(record)?, condition).await })
    }

    pass_on!([inner] touch, delete, exists);
    user_sessions_as_inside!([inner]);

    fn scan(&self) -> Option<&dyn SessionScan> {
        self.inner.scan().map(|_| self as &dyn SessionScan)
    }
}

impl<B: SessionBackend> SessionScan for CompressedSessionBackend<B> {
    fn scan<'a>(&'a self, after: Option<&'a ScanCursor>, batch: u32) -> BoxFuture<'a, Result<ScanPage, SessionError>> {
        Box::pin(async move {
            let Some(inner) = self.inner.scan() else { return Ok(ScanPage::default()) };
            let ScanPage { sessions, next } = inner.scan(after, batch).await?;
            let sessions = sessions.into_iter().filter_map(|(id, record)| Some((id, unpacked(&id, record)?)));
            Ok(ScanPage::new(sessions.collect(), next))
        })
    }
}

impl<B: SessionBackend> UserSessions for CompressedSessionBackend<B> {
    pass_users_on!([inner] count_of, delete_of, delete_all_of);

    fn sessions_of<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Vec<UserSession>, SessionError>> {
        Box::pin(async move {
            let sessions = user_sessions::of(&self.inner)?.sessions_of(user_id).await?;
            let unpacked = |UserSession { id, record }| Some(UserSession::new(id, unpacked(&id, record)?));
            Ok(sessions.into_iter().filter_map(unpacked).collect())
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
            user_sessions::of(&self.inner)?.save_within(id, self.packed(record)?, condition, limit).await
        })
    }
}

impl<B: CleanupExpired> CleanupExpired for CompressedSessionBackend<B> {
    fn cleanup_expired(&self, batch: u32) -> BoxFuture<'_, Result<u64, SessionError>> {
        self.inner.cleanup_expired(batch)
    }
}

/// The rest of a record: data may be large, so they are not cloned to be thrown away.
fn without_data(record: &SessionRecord) -> SessionRecord {
    let &SessionRecord { version, verifier, created_at, seen_at, expires_at, ends_at, .. } = record;
    SessionRecord {
        version,
        verifier,
        login: record.login.clone(),
        device: record.device.clone(),
        created_at,
        seen_at,
        expires_at,
        ends_at,
        data: Box::default(),
    }
}
