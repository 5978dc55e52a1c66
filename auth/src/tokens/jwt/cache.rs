use std::any::Any;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxBuildHasher;

use super::TokenRefused;
use super::claims::Times;

/// Tokens that were verified before, by their SHA-256: what they say, never what they are.
///
/// It is cut into shards with a lock each. A shard has two maps: the older one is dropped when the younger is full, and
/// what is seen again moves into the younger. So a token that is used stays, with no list to keep in order.
pub(super) struct Cache {
    shards: Box<[Mutex<Shard>]>,
    /// The most entries of one map.
    half: usize,
}

#[derive(Default)]
struct Shard {
    young: Entries,
    old: Entries,
}

type Entries = HashMap<TokenDigest, Verified, FxBuildHasher>;

/// What a token said when its signature was checked.
#[derive(Clone)]
pub(super) struct Verified {
    pub(super) times: Times,
    /// `Claims<Extra>`, for some `Extra`.
    pub(super) claims: Arc<dyn Any + Send + Sync>,
}

/// SHA-256 of a whole token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct TokenDigest([u8; 32]);

impl TokenDigest {
    pub(super) fn of(token: &str) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes());
        Self(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    fn number(&self) -> u64 {
        self.0.first_chunk().copied().map_or(0, u64::from_le_bytes)
    }
}

impl Hash for TokenDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.number());
    }
}

impl Cache {
    const SHARDS: usize = 16;

    /// Keeps so many tokens at the most; none when that is none.
    pub(super) fn new(capacity: usize) -> Self {
        let shards = if capacity >= 32 * Self::SHARDS { Self::SHARDS } else { 1 };
        let shards: Box<[_]> = (0..shards).map(|_| Mutex::default()).collect();
        Self { half: capacity / (2 * shards.len()), shards }
    }

    pub(super) fn is_off(&self) -> bool {
        self.half == 0
    }

    pub(super) fn get(&self, token: &TokenDigest) -> Option<Verified> {
        let mut shard = self.shard(token).lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(verified) = shard.young.get(token) {
            return Some(verified.clone());
        }
        let verified = shard.old.remove(token)?;
        let dropped = shard.insert(*token, verified.clone(), self.half);
        drop(shard);
        drop(dropped);
        Some(verified)
    }

    pub(super) fn insert(&self, token: TokenDigest, verified: Verified) {
        let mut shard = self.shard(&token).lock().unwrap_or_else(PoisonError::into_inner);
        let dropped = shard.insert(token, verified, self.half);
        drop(shard);
        drop(dropped);
    }

    pub(super) fn len(&self) -> usize {
        let count = |shard: &Mutex<Shard>| {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.young.len() + shard.old.len()
        };
        self.shards.iter().map(count).sum()
    }

    fn shard(&self, token: &TokenDigest) -> &Mutex<Shard> {
        &self.shards[usize::from(token.0[31]) % self.shards.len()]
    }
}

impl Shard {
    /// What it drops is given back, for the lock to be free by then.
    fn insert(&mut self, token: TokenDigest, verified: Verified, half: usize) -> Option<Entries> {
        let full = self.young.len() >= half && !self.young.contains_key(&token);
        let dropped = full.then(|| std::mem::replace(&mut self.old, std::mem::take(&mut self.young)));
        self.young.insert(token, verified);
        dropped
    }
}

impl Verified {
    /// The claims, if they were read as this type before, and time has not made them false.
    pub(super) fn claims<C: Any + Send + Sync>(self, now: i64, leeway: i64) -> Option<Result<Arc<C>, TokenRefused>> {
        let claims = self.claims.downcast::<C>().ok()?;
        Some(self.times.check(now, leeway).map(|()| claims))
    }
}
