use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::cache::{Cache, TokenDigest, Verified};
use super::settings::{self, Settings};
use super::{Claims, JwtError, JwtKey, KeyRing, NoExtra, TokenRefused, header, members};
use crate::clock::Clock;
use crate::secret::{self, SecretString};

/// Signs and verifies JSON Web Tokens (RFC 7519). Clones are the same one.
///
/// ```
/// use auth::tokens::JwtAuth;
///
/// let jwt = JwtAuth::new("9ZPvnIRcHkGfWbRfbTGZHkwJn8Tn0kHJ")?.issuer("https://example.org");
/// let token = jwt.generate_token("42", "ada")?;
/// assert_eq!(jwt.verify_token(token.expose())?.sub, "42");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A token has 8192 bytes at the most. It must have `sub` and `exp`, and expire within 400 days; `iss` and `aud` are
/// exact where they are set. One that was verified before is known again by its SHA-256, while it has 2048 bytes at the
/// most.
///
/// # Security
/// It follows RFC 8725: the key fixes the algorithm (§3.1), nothing unsigned, encrypted, compressed or nested is read
/// (§3.2, §3.6), keys come from the [`KeyRing`] and never from a token (§3.10), and `typ` is exact, so that one kind of
/// token does not pass for another (§3.11, §3.12): give each kind a [`JwtAuth::token_type`] of its own.
///
/// A token that is valid is not yet welcome: whether it was revoked, and whether its user still may, is to be asked at
/// each request. What is remembered of a token says nothing about that.
#[derive(Clone)]
pub struct JwtAuth(Arc<Shared>);

struct Shared {
    settings: Settings,
    current: RwLock<Arc<Current>>,
    signature_checks: AtomicU64,
    cache_hits: AtomicU64,
}

/// The keys of now, and what was verified with them: with other keys, nothing was.
struct Current {
    ring: KeyRing,
    /// The header of each key's tokens, as text.
    headers: Box<[String]>,
    cache: Cache,
}

/// How much work verifying took; see [`JwtAuth::statistics`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct JwtStatistics {
    /// Signatures that were checked.
    pub signature_checks: u64,
    /// Tokens that were known from before.
    pub cache_hits: u64,
    /// How many tokens are known now.
    pub cached: usize,
}

impl JwtAuth {
    /// The most bytes of a token.
    pub const MAX_TOKEN: usize = 8192;
    /// The most bytes of a token that is remembered.
    const MAX_CACHED: usize = 2048;

    /// Signs and verifies with HS256 and this secret, of 32 bytes at least.
    ///
    /// # Errors
    /// As [`JwtKey::hs256`].
    pub fn new(secret: impl AsRef<[u8]>) -> Result<Self, JwtError> {
        JwtKey::hs256(secret).and_then(KeyRing::new).map(Self::with_keys)
    }

    /// Signs and verifies with these keys.
    pub fn with_keys(keys: KeyRing) -> Self {
        Self::of(Settings::default(), keys)
    }

    /// Sets `iss`, and demands it. Like every setting, it is made before use: it gives another [`JwtAuth`], which
    /// neither remembers the tokens of this one nor hears of its later rotations.
    pub fn issuer(self, issuer: impl Into<String>) -> Self {
        self.set(|settings| settings.issuer = Some(issuer.into()))
    }

    /// Sets `aud`, and demands it. Without, a token that is for anybody in particular is refused.
    pub fn audience(self, audience: impl Into<String>) -> Self {
        self.set(|settings| settings.audience = Some(audience.into()))
    }

    /// Sets the header's `typ`, and demands it, letter by letter: "JWT" unless set, "at+jwt" for access tokens (RFC
    /// 9068).
    ///
    /// # Errors
    /// [`JwtError::Setting`] unless it has 1 to 64 visible ASCII characters.
    pub fn token_type(self, token_type: &str) -> Result<Self, JwtError> {
        let token_type = settings::token_type(token_type)?;
        Ok(self.set(|settings| settings.token_type = token_type))
    }

    /// How long a token is valid: 24 hours unless set, 400 days at the most.
    ///
    /// # Errors
    /// [`JwtError::Setting`] for more than that, or less than a second.
    pub fn lifetime(self, lifetime: Duration) -> Result<Self, JwtError> {
        let lifetime = settings::lifetime(lifetime)?;
        Ok(self.set(|settings| settings.lifetime = lifetime))
    }

    /// By how much the clocks of issuer and verifier may differ: 5 seconds unless set, 5 minutes at the most (RFC 7519
    /// §4.1.4).
    ///
    /// # Errors
    /// [`JwtError::Setting`] for more than that.
    pub fn leeway(self, leeway: Duration) -> Result<Self, JwtError> {
        let leeway = settings::leeway(leeway)?;
        Ok(self.set(|settings| settings.leeway = leeway))
    }

    /// How many verified tokens are remembered: 4096 unless set, none with 0.
    pub fn cached_tokens(self, count: usize) -> Self {
        self.set(|settings| settings.cached = count)
    }

    /// Takes the time from this clock.
    pub fn clock(self, clock: impl Clock) -> Self {
        self.set(|settings| settings.clock = Arc::new(clock))
    }

    pub(crate) fn shared_clock(self, clock: Arc<dyn Clock>) -> Self {
        self.set(|settings| settings.clock = clock)
    }

    /// Signs and verifies with other keys from now on, in every clone. Tokens of keys that are in both rings stay
    /// valid; those of a key that is not are refused at once.
    pub fn rotate(&self, keys: KeyRing) {
        let current = Arc::new(Current::new(&self.0.settings, keys));
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = current;
    }

    /// The keys of now.
    pub fn keys(&self) -> KeyRing {
        self.current().ring.clone()
    }

    /// Claims for this user: issued now, for as long as tokens live here, with a new id.
    pub fn claims(&self, user_id: impl Into<String>) -> Claims {
        let (settings, now) = (&self.0.settings, self.0.settings.now());
        Claims {
            iss: settings.issuer.clone(),
            sub: user_id.into(),
            aud: settings.audience.iter().cloned().collect(),
            exp: now + settings.lifetime,
            nbf: None,
            iat: Some(now),
            jti: BASE64.encode(secret::random::<16>()),
            username: None,
            extra: NoExtra {},
        }
    }

    /// A token for this user.
    ///
    /// # Errors
    /// [`JwtError::VerifiesOnly`]; [`JwtError::WouldBeRefused`] for an id or a name that is empty or has more than 255
    /// bytes.
    pub fn generate_token(&self, user_id: &str, username: &str) -> Result<SecretString, JwtError> {
        self.encode(&self.claims(user_id).with_username(username))
    }

    /// What a token says that [`JwtAuth::generate_token`] made, if it is valid.
    ///
    /// # Errors
    /// [`TokenRefused`] when it is not.
    pub fn verify_token(&self, token: &str) -> Result<Arc<Claims>, TokenRefused> {
        self.decode(token)
    }

    /// A token that says this.
    ///
    /// # Errors
    /// [`JwtError::VerifiesOnly`]; [`JwtError::WouldBeRefused`] for claims that [`JwtAuth::decode`] does not accept;
    /// [`JwtError::ReservedClaim`] when claims of one's own have the name of another.
    pub fn encode<Extra: Serialize>(&self, claims: &Claims<Extra>) -> Result<SecretString, JwtError> {
        let current = self.current();
        let signing = current.ring.signing().ok_or(JwtError::VerifiesOnly)?;
        let settings = &self.0.settings;
        settings.check(claims, settings.now()).map_err(JwtError::WouldBeRefused)?;
        let payload = members::write(claims)?;
        let header = &current.headers[signing];
        // A signature of the largest key has 1366 characters, of most keys 86.
        let mut token = String::with_capacity(header.len() + payload.len() * 4 / 3 + 96);
        token.push_str(header);
        token.push('.');
        BASE64.encode_string(&payload, &mut token);
        let signature = current.ring.keys()[signing].sign(token.as_bytes())?;
        token.push('.');
        BASE64.encode_string(signature, &mut token);
        if token.len() > Self::MAX_TOKEN {
            return Err(JwtError::WouldBeRefused(TokenRefused::TooLong));
        }
        Ok(token.into())
    }

    /// What a token says, if it is valid, with the application's own claims as `Extra`.
    ///
    /// # Errors
    /// [`TokenRefused`] when it is not; the reason is logged.
    pub fn decode<Extra>(&self, token: &str) -> Result<Arc<Claims<Extra>>, TokenRefused>
    where
        Extra: DeserializeOwned + Send + Sync + 'static,
    {
        let claims = self.known_or_read(token);
        if let Err(refused) = &claims {
            tracing::info!(reason = %refused.reason(), "a token is refused");
        }
        claims
    }

    /// Whether a token has the header of those that are made here; whether it is valid is another matter.
    #[cfg(feature = "oauth2-provider")]
    pub(crate) fn has_made(&self, token: &str) -> bool {
        let header = token.split('.').next().unwrap_or_default();
        self.current().headers.iter().any(|known| known == header)
    }

    /// How much work verifying took since this was made.
    pub fn statistics(&self) -> JwtStatistics {
        JwtStatistics {
            signature_checks: self.0.signature_checks.load(Ordering::Relaxed),
            cache_hits: self.0.cache_hits.load(Ordering::Relaxed),
            cached: self.current().cache.len(),
        }
    }

    fn known_or_read<Extra>(&self, token: &str) -> Result<Arc<Claims<Extra>>, TokenRefused>
    where
        Extra: DeserializeOwned + Send + Sync + 'static,
    {
        if token.len() > Self::MAX_TOKEN {
            return Err(TokenRefused::TooLong);
        }
        let (current, settings) = (self.current(), &self.0.settings);
        let now = settings.now();
        let remembered = token.len() <= Self::MAX_CACHED && !current.cache.is_off();
        let digest = remembered.then(|| TokenDigest::of(token));
        let known = digest.as_ref().and_then(|digest| current.cache.get(digest));
        if let Some(known) = known.and_then(|known| known.claims(now, settings.leeway)) {
            self.0.cache_hits.fetch_add(1, Ordering::Relaxed);
            return known;
        }
        let claims = Arc::new(self.read(&current, token, now)?);
        if let Some(digest) = digest {
            current.cache.insert(digest, Verified { times: claims.times(), claims: claims.clone() });
        }
        Ok(claims)
    }

    fn read<Extra: DeserializeOwned>(
        &self,
        current: &Current,
        token: &str,
        now: i64,
    ) -> Result<Claims<Extra>, TokenRefused> {
        let parts = Parts::of(token)?;
        let key = current.key_for(parts.header, &self.0.settings.token_type)?;
        // The signature of the largest RSA key.
        let mut signature = [0; 1024];
        let length = BASE64.decode_slice(parts.signature, &mut signature).map_err(|error| match error {
            base64::DecodeSliceError::DecodeError(_) => TokenRefused::Encoding,
            base64::DecodeSliceError::OutputSliceTooSmall => TokenRefused::Signature,
        })?;
        self.0.signature_checks.fetch_add(1, Ordering::Relaxed);
        if !key.verify(parts.signed.as_bytes(), &signature[..length]) {
            return Err(TokenRefused::Signature);
        }
        let payload = BASE64.decode(parts.payload).map_err(|_| TokenRefused::Encoding)?;
        let mut claims = members::read(&payload)?;
        if claims.jti.is_empty() {
            // Not of the signature: another one of the same token may be valid as well (ECDSA).
            claims.jti = BASE64.encode(Sha256::digest(parts.signed));
        }
        self.0.settings.check(&claims, now)?;
        Ok(claims)
    }

    fn current(&self) -> Arc<Current> {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.0.settings.clone();
        change(&mut settings);
        Self::of(settings, self.keys())
    }

    fn of(settings: Settings, keys: KeyRing) -> Self {
        let current = RwLock::new(Arc::new(Current::new(&settings, keys)));
        let (signature_checks, cache_hits) = Default::default();
        Self(Arc::new(Shared { settings, current, signature_checks, cache_hits }))
    }
}

impl fmt::Debug for JwtAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtAuth")
            .field("settings", &self.0.settings)
            .field("keys", &self.current().ring)
            .finish_non_exhaustive()
    }
}

impl Current {
    fn new(settings: &Settings, ring: KeyRing) -> Self {
        let header = |key: &JwtKey| BASE64.encode(header::write(key.algorithm(), &settings.token_type, key.id()));
        Self { headers: ring.keys().iter().map(header).collect(), ring, cache: Cache::new(settings.cached) }
    }

    /// The one key that may verify a token with this header, if that is a header of this type of token.
    fn key_for(&self, encoded: &str, token_type: &str) -> Result<&JwtKey, TokenRefused> {
        // The tokens that were made here begin with one of a few texts, whose meaning is known.
        if let Some(place) = self.headers.iter().position(|known| known == encoded) {
            return Ok(&self.ring.keys()[place]);
        }
        let json = BASE64.decode(encoded).map_err(|_| TokenRefused::Encoding)?;
        let header = header::read(&json)?;
        let key = self.ring.key_for(&header)?;
        if header.token_type.as_deref() == Some(token_type) { Ok(key) } else { Err(TokenRefused::TokenType) }
    }
}

/// The parts of a token in its compact form (RFC 7515 §7.1).
pub(super) struct Parts<'a> {
    pub(super) header: &'a str,
    pub(super) payload: &'a str,
    pub(super) signature: &'a str,
    /// The first two, with their point.
    pub(super) signed: &'a str,
}

impl<'a> Parts<'a> {
    pub(super) fn of(token: &'a str) -> Result<Self, TokenRefused> {
        let parts = token.rsplit_once('.').and_then(|(signed, signature)| {
            let (header, payload) = signed.split_once('.')?;
            Some(Self { header, payload, signature, signed })
        });
        let parts = parts.ok_or(TokenRefused::Parts)?;
        match parts.payload.bytes().filter(|byte| *byte == b'.').count() {
            0 if parts.header.is_empty() || parts.payload.is_empty() => Err(TokenRefused::Parts),
            0 => Ok(parts),
            2 => Err(TokenRefused::Encrypted),
            _ => Err(TokenRefused::Parts),
        }
    }
}
