use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::{InMemoryRefreshStore, RefreshFamily, RefreshTokenStore};
use crate::clock::{Clock, SystemClock};
use crate::records::RecordReplaced;
use crate::secret::{MacKey, SecretKey, SecretString};
use crate::tokens::TokenError;
use crate::tokens::opaque::{ID, OpaqueToken, SECRET, TokenPrefix, digits, random_text};

/// What a refresh token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever issues tokens makes it")]
pub struct RefreshGrant {
    /// Whose it is.
    pub user_id: String,
    /// The version of the user's credentials at the login: after a change of the password it is another.
    pub credential: i64,
    /// The client that it was issued to; nothing for the application's own.
    pub client_id: Option<String>,
    /// The scope, as RFC 6749 §3.3 has it.
    pub scope: Option<String>,
    /// The login that it came of, where that is known.
    pub login: Option<TokenLogin>,
}

/// The login that a token came of. It stays the same however often the token is renewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "whoever issues tokens makes it")]
pub struct TokenLogin {
    /// When the user proved who they are, in seconds since 1970 (`auth_time`, OpenID Connect Core §2).
    pub auth_time: i64,
    /// By which ways (`amr`, RFC 8176).
    pub amr: Vec<String>,
}

/// A new refresh token.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RefreshToken {
    /// The token itself.
    pub token: SecretString,
    /// Its family.
    pub family: String,
    /// When it ends, if it is not used before.
    pub expires_at: DateTime<Utc>,
    /// The families that ended to make room for it.
    pub ended: Vec<String>,
}

/// A refresh token that took another's place.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RotatedToken {
    /// The token itself.
    pub token: SecretString,
    /// Its family.
    pub family: String,
    /// What the family stands for.
    pub grant: RefreshGrant,
    /// When it ends, if it is not used before.
    pub expires_at: DateTime<Utc>,
}

/// What became of a rotation.
#[must_use = "only `Rotated` is a success"]
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever rotates must know all of them")]
pub enum Rotation {
    /// The token was in force; this one is now.
    Rotated(RotatedToken),
    /// The token is in somebody else's hands: it was used before, or another client sent it. Its family has ended.
    Reused {
        /// The family.
        family: String,
        /// Whose it was.
        user_id: String,
    },
    /// The token was issued here, and its family has ended.
    Ended {
        /// The family.
        family: String,
    },
    /// It is no token of ours.
    Refused(RefreshRefused),
}

/// Why a text is no refresh token of ours. Displayed it is one and the same text; the reason is for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshRefused {
    /// It is not written as one.
    Malformed,
    /// It was not issued here, or with a secret that the application no longer has.
    Forged,
}

impl RefreshRefused {
    /// The reason, for the log.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Malformed => "that is no refresh token",
            Self::Forged => "the refresh token was not issued here",
        }
    }
}

impl fmt::Display for RefreshRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token is not valid")
    }
}

impl std::error::Error for RefreshRefused {}

/// Issues refresh tokens, each of which is good for one use and gives the next.
///
/// | | default | at the most |
/// | --- | --- | --- |
/// | ends when it is not used for | 14 days | 366 days |
/// | ends, however it is used, after | 90 days | 366 days |
///
/// A family is one record, which knows the digest of the token that is in force. A token says itself that it was issued here:
/// a part of its secret is a MAC of the rest. So of a token that is genuine, and not the one in force, nothing has to be
/// remembered to know that it was used before; and a text that somebody made up ends no family.
///
/// # Security
/// A token that is used a second time is in two hands, and nobody knows whose are the right ones: the whole family ends, the
/// newest token with it (RFC 9700 §4.14.2; ASVS 10.4.5). That is exact among all who use the store, and there is no time in
/// which an old token still works: a client whose answer is lost logs in again. A token that another client sends has
/// leaked: its family ends as well (RFC 6749 §10.4).
///
/// When a method fails, nobody knows what became of the token: issue nothing.
#[derive(Clone)]
pub struct TokenRotationManager {
    store: Arc<dyn RefreshTokenStore>,
    key: MacKey,
    prefix: TokenPrefix,
    idle: TimeDelta,
    absolute: TimeDelta,
    clock: Arc<dyn Clock>,
}

/// A random part, and a MAC of 125 bits.
const RANDOM: usize = 22;
/// How often others may be quicker. Whoever was quicker has used the token, so the second look tells.
const TRIES: usize = 8;
const MAX_SCOPE: usize = 4096;

impl TokenRotationManager {
    /// How many families a user has at the most: a login beyond ends the one that was used least recently. For clients of the OAuth 2
    /// provider it is so many for each client and user.
    pub const MAX_PER_USER: usize = 100;

    const LONGEST: Duration = Duration::from_hours(366 * 24);

    /// Keeps families in this store, and tells its tokens by a key derived from the application's secret.
    pub fn new(store: Arc<dyn RefreshTokenStore>, secret: &SecretKey) -> Self {
        Self {
            store,
            key: secret.derive("refresh token"),
            prefix: TokenPrefix::fixed("auth_refresh"),
            idle: TimeDelta::days(14),
            absolute: TimeDelta::days(90),
            clock: Arc::new(SystemClock),
        }
    }

    /// Keeps families in this process.
    pub fn in_memory(secret: &SecretKey) -> Self {
        Self::new(Arc::new(InMemoryRefreshStore::new()), secret)
    }

    /// The same, going by this clock; the store should go by it as well.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same with tokens that begin otherwise than with `auth_refresh_`. Those of before are refused.
    ///
    /// # Errors
    /// [`TokenError::Configuration`] as [`TokenPrefix::new`].
    pub fn with_prefix(mut self, prefix: &str) -> Result<Self, TokenError> {
        self.prefix = TokenPrefix::new(prefix)?;
        Ok(self)
    }

    /// The same with families that end when they are not used for so long, and after so long however they are used.
    ///
    /// # Errors
    /// [`TokenError::Configuration`] unless both are between a minute and 366 days, and the first is not the longer one.
    pub fn with_lifetimes(mut self, idle: Duration, absolute: Duration) -> Result<Self, TokenError> {
        let fits = idle >= Duration::from_mins(1) && idle <= absolute && absolute <= Self::LONGEST;
        let (Ok(idle), Ok(absolute), true) = (TimeDelta::from_std(idle), TimeDelta::from_std(absolute), fits) else {
            let rule = "refresh tokens live from a minute to 366 days, and unused not longer than used";
            return Err(TokenError::Configuration(rule.to_owned()));
        };
        (self.idle, self.absolute) = (idle, absolute);
        Ok(self)
    }

    /// What its tokens begin with.
    pub fn prefix(&self) -> &TokenPrefix {
        &self.prefix
    }

    /// Begins a family: after a login.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] for a user or a scope that no store takes, and whatever the store says.
    pub async fn begin(&self, grant: RefreshGrant) -> Result<RefreshToken, TokenError> {
        let too_long = |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() > MAX_SCOPE);
        if too_long(&grant.scope) || too_long(&grant.client_id) {
            return Err(TokenError::Invalid("a client and a scope have at most 4096 bytes"));
        }
        let (id, now) = (random_text(ID), self.now());
        let token = self.token(&id);
        let family = RefreshFamily {
            id: id.to_string(),
            grant,
            generation: 0,
            created_at: now,
            used_at: now,
            expires_at: self.ends(now, now),
            digest: token.digest(),
            version: 0,
        };
        // Nobody draws 131 bits that somebody else has drawn.
        if !self.store.begin(&family).await? {
            return Err(TokenError::Contended);
        }
        let ended = self.make_room(&family).await?;
        Ok(RefreshToken { token: token.expose(), family: family.id, expires_at: family.expires_at, ended })
    }

    /// Ends the user's families that were used least recently, where there are more than there may be.
    async fn make_room(&self, newest: &RefreshFamily) -> Result<Vec<String>, TokenError> {
        let mut families = self.store.of_user(&newest.grant.user_id).await?;
        families.retain(|family| family.id != newest.id);
        families.sort_by_key(|family| family.used_at);
        let too_many = (families.len() + 1).saturating_sub(Self::MAX_PER_USER);
        let mut ended = Vec::with_capacity(too_many);
        for family in families.into_iter().take(too_many) {
            self.store.end(&family.id).await?;
            ended.push(family.id);
        }
        Ok(ended)
    }

    /// Takes a token for the next one.
    ///
    /// # Errors
    /// [`TokenError`] when the store cannot tell. Then nothing is to be issued, and the token may be used up.
    pub async fn rotate(&self, token: &str, client_id: Option<&str>) -> Result<Rotation, TokenError> {
        let token = match self.read(token) {
            Ok(token) => token,
            Err(refused) => return Ok(Rotation::Refused(refused)),
        };
        let family = token.id().to_owned();
        for _ in 0..TRIES {
            let now = self.now();
            let Some(mut found) = self.living(&family, now).await? else { return Ok(Rotation::Ended { family }) };
            if !token.has_digest(&found.digest) || found.grant.client_id.as_deref() != client_id {
                self.store.end(&family).await?;
                return Ok(Rotation::Reused { family, user_id: found.grant.user_id });
            }
            let next = self.token(&family);
            found.generation = found.generation.saturating_add(1);
            found.digest = next.digest();
            (found.used_at, found.expires_at) = (now, self.ends(found.created_at, now));
            match self.store.advance(&found).await? {
                RecordReplaced::Done => {
                    let (token, expires_at) = (next.expose(), found.expires_at);
                    return Ok(Rotation::Rotated(RotatedToken { token, family, grant: found.grant, expires_at }));
                }
                RecordReplaced::Changed => {}
                RecordReplaced::Gone => return Ok(Rotation::Ended { family }),
            }
        }
        Err(TokenError::Contended)
    }

    /// The living family of a token that was issued here, whether it is in force or used up. Nothing is changed.
    ///
    /// # Errors
    /// [`TokenError`] when the store cannot tell.
    pub async fn family_of(&self, token: &str) -> Result<Option<RefreshFamily>, TokenError> {
        let Ok(token) = self.read(token) else { return Ok(None) };
        self.living(token.id(), self.now()).await
    }

    /// The living family in which this token is in force. Nothing is changed.
    ///
    /// # Errors
    /// [`TokenError`] when the store cannot tell.
    pub async fn in_force(&self, token: &str) -> Result<Option<RefreshFamily>, TokenError> {
        let Ok(token) = self.read(token) else { return Ok(None) };
        let found = self.living(token.id(), self.now()).await?;
        Ok(found.filter(|family| token.has_digest(&family.digest)))
    }

    /// Ends the family of a token that was issued here, whether it is in force or used up (RFC 7009). Says which family that
    /// is, also when it has ended before.
    ///
    /// # Errors
    /// [`TokenError`] when the store cannot tell: ask again.
    pub async fn revoke(&self, token: &str) -> Result<Option<String>, TokenError> {
        let Ok(token) = self.read(token) else { return Ok(None) };
        self.store.end(token.id()).await?;
        Ok(Some(token.id().to_owned()))
    }

    /// Ends a family, whosever it is. Says whether it lived.
    ///
    /// # Errors
    /// [`TokenError`] when the store cannot tell: ask again.
    pub async fn revoke_family(&self, family: &str) -> Result<bool, TokenError> {
        self.store.end(family).await
    }

    /// Ends a family if it is this user's. Says whether it was, and lived.
    ///
    /// # Errors
    /// [`TokenError`] when the store cannot tell: ask again.
    pub async fn revoke_family_of(&self, user_id: &str, family: &str) -> Result<bool, TokenError> {
        // It never changes hands.
        match self.store.find(family).await? {
            Some(found) if found.grant.user_id == user_id => self.store.end(family).await,
            _ => Ok(false),
        }
    }

    /// Ends all families of a user, and says how many there were.
    ///
    /// # Errors
    /// [`TokenError`] when the store cannot tell: ask again.
    pub async fn revoke_user(&self, user_id: &str) -> Result<u64, TokenError> {
        self.store.end_all(user_id).await
    }

    /// The living families of a user, for "your apps"; the first 1000.
    ///
    /// # Errors
    /// [`TokenError`] when the store cannot tell.
    pub async fn families(&self, user_id: &str) -> Result<Vec<RefreshFamily>, TokenError> {
        let now = self.now();
        let mut families = self.store.of_user(user_id).await?;
        families.retain(|family| now < self.ends(family.created_at, family.used_at));
        Ok(families)
    }

    /// How many families there are; expired ones may be among them.
    ///
    /// # Errors
    /// [`TokenError`] when the store cannot tell.
    pub async fn count(&self) -> Result<u64, TokenError> {
        self.store.count().await
    }

    /// Removes expired families, that many at the most, and says how many.
    ///
    /// # Errors
    /// [`TokenError`] when the store fails.
    pub async fn cleanup_expired(&self, batch: u32) -> Result<u64, TokenError> {
        self.store.cleanup_expired(batch).await
    }

    /// A family that lives by the limits of now, which may be shorter than those it began with.
    async fn living(&self, family: &str, now: DateTime<Utc>) -> Result<Option<RefreshFamily>, TokenError> {
        let found = self.store.find(family).await?;
        Ok(found.filter(|found| now < self.ends(found.created_at, found.used_at)))
    }

    /// As stores keep it.
    fn now(&self) -> DateTime<Utc> {
        self.clock.now().trunc_subsecs(3)
    }

    fn ends(&self, created_at: DateTime<Utc>, used_at: DateTime<Utc>) -> DateTime<Utc> {
        let after = |since: DateTime<Utc>, limit| since.checked_add_signed(limit).unwrap_or(DateTime::<Utc>::MAX_UTC);
        after(created_at, self.absolute).min(after(used_at, self.idle))
    }

    /// A new token of a family.
    fn token(&self, family: &str) -> OpaqueToken {
        let random = random_text(RANDOM);
        let mac = mac_text(&self.key.sign(&self.parts(family, &random)));
        OpaqueToken::of(&self.prefix, family, &zeroize::Zeroizing::new(format!("{}{mac}", &*random)))
    }

    /// What a token's MAC is of. With the prefix: whoever has one kind of token must not make another kind of it.
    fn parts<'a>(&'a self, family: &'a str, random: &'a str) -> [&'a [u8]; 3] {
        [self.prefix.as_str(), family, random].map(str::as_bytes)
    }

    /// A token that was issued here.
    fn read(&self, text: &str) -> Result<OpaqueToken, RefreshRefused> {
        let token = OpaqueToken::parse(&self.prefix, text).ok_or(RefreshRefused::Malformed)?;
        let (random, given) = token.secret().split_at(RANDOM);
        let parts = self.parts(token.id(), random);
        let is_ours = self.key.each(&parts).any(|tag| mac_text(&tag).as_bytes().ct_eq(given.as_bytes()).into());
        if is_ours { Ok(token) } else { Err(RefreshRefused::Forged) }
    }
}

/// A tag, as far as it has room in a secret.
fn mac_text(tag: &[u8; 32]) -> String {
    let bits = tag.first_chunk().copied().map_or(0, u128::from_be_bytes);
    digits(bits, SECRET - RANDOM)
}

impl fmt::Debug for TokenRotationManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TokenRotationManager");
        shown.field("store", &self.store).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_none_under_another_prefix() {
        let secret = SecretKey::random();
        let own = TokenRotationManager::in_memory(&secret);
        let clients = TokenRotationManager::in_memory(&secret).with_prefix("auth_oauth_refresh").unwrap();
        let token = clients.token(&random_text(ID));
        assert!(clients.read(token.expose().expose()).is_ok());
        let renamed = OpaqueToken::of(own.prefix(), token.id(), token.secret());
        assert!(matches!(own.read(renamed.expose().expose()), Err(RefreshRefused::Forged)));
    }
}
