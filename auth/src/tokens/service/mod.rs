//! Pairs of an access token and a refresh token: issued, verified, renewed, revoked.

mod outcome;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use self::outcome::{
    AccessRefused, AccessToken, AccessVerdict, RefreshDenied, Refreshed, TokenPair, TokenScope, TokenSubjects,
};
use super::{
    BlacklistReason, Claims, JwtAuth, JwtError, OpaqueToken, RefreshGrant, Rotation, TokenBlacklist, TokenError,
    TokenLogin, TokenPrefix, TokenRefused, TokenRotationManager,
};
use crate::audit::{Audit, AuditAction};
use crate::clock::{Clock, SystemClock};
use crate::secret::SecretString;

/// Issues, verifies, renews and revokes pairs of tokens: an access token of ten minutes, signed (RFC 9068), and a refresh
/// token that is good for one use.
///
/// | kind ([`TokenScope`]) | what it is | accepted by |
/// | --- | --- | --- |
/// | access | a JWT with `typ` `at+jwt` | [`verify`](Self::verify) |
/// | refresh | `auth_refresh_…` | [`refresh`](Self::refresh) |
/// | API key | `auth_…` | [`ApiKeys`](super::ApiKeys) |
///
/// Beside the registered claims an access token has `sid`, the family of its refresh token; `ver`, the version of the user's
/// credentials at the login; `client_id` and `scope`, where there are; `auth_time` and `amr`, where the login is known.
///
/// # Security
/// What was revoked is refused at the next request: a token by its id, a login by its family, a user by a moment. When a
/// method fails, nobody knows whether a token is valid: refuse it (ASVS 7.4.1). Neither tokens nor parts of them
/// stand in an answer, an error or the [`Audit`].
///
/// `iat` has whole seconds. So that a token issued right after [`revoke_user`](Self::revoke_user) is welcome, its `iat` may lie a
/// second in the future: leave [`JwtAuth::leeway`] at two seconds at least.
#[derive(Clone)]
pub struct TokenService {
    jwt: JwtAuth,
    rotation: TokenRotationManager,
    blacklist: Arc<dyn TokenBlacklist>,
    subjects: Arc<dyn TokenSubjects>,
    audit: Audit,
    clock: Arc<dyn Clock>,
}

/// What an access token says beside the registered claims.
#[derive(Serialize, Deserialize)]
struct Access {
    sid: String,
    ver: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amr: Option<Vec<String>>,
}

const LIFETIME: Duration = Duration::from_mins(10);
const LONGEST: Duration = Duration::from_hours(1);
/// For how long something is kept on the blacklist: longer than any access token lives, by any clock.
const KEPT: TimeDelta = TimeDelta::minutes(80);

impl TokenService {
    /// Signs access tokens with the keys of `jwt`, whose type and lifetime are set here.
    ///
    /// # Errors
    /// [`TokenError::Signing`] when a setting of `jwt` does not fit.
    pub fn new(
        jwt: JwtAuth,
        rotation: TokenRotationManager,
        blacklist: Arc<dyn TokenBlacklist>,
        subjects: Arc<dyn TokenSubjects>,
    ) -> Result<Self, TokenError> {
        let jwt = jwt.token_type("at+jwt")?.lifetime(LIFETIME)?;
        Ok(Self { jwt, rotation, blacklist, subjects, audit: Audit::new(), clock: Arc::new(SystemClock) })
    }

    /// The same, going by this clock; `jwt` and the stores should go by it as well.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same, telling this of what is issued, refused and revoked.
    #[must_use]
    pub fn with_audit(mut self, audit: Audit) -> Self {
        self.audit = audit;
        self
    }

    /// The same with access tokens that live so long: a minute to an hour.
    ///
    /// # Errors
    /// [`TokenError::Configuration`] for less or more.
    pub fn with_access_lifetime(mut self, lifetime: Duration) -> Result<Self, TokenError> {
        if lifetime < Duration::from_mins(1) || lifetime > LONGEST {
            return Err(TokenError::Configuration("an access token lives a minute to an hour".to_owned()));
        }
        self.jwt = self.jwt.lifetime(lifetime)?;
        Ok(self)
    }

    /// What access tokens are signed with: its keys can be rotated, and published.
    pub fn jwt(&self) -> &JwtAuth {
        &self.jwt
    }

    /// What refresh tokens are rotated by: it lists a user's families.
    pub fn rotation(&self) -> &TokenRotationManager {
        &self.rotation
    }

    /// Which tokens were revoked.
    pub fn blacklist(&self) -> &Arc<dyn TokenBlacklist> {
        &self.blacklist
    }

    /// Which kind of credential that is by its looks; whether it is valid is another matter.
    pub fn scope_of(&self, token: &str) -> Option<TokenScope> {
        let prefix = token.rsplit_once('_').and_then(|(prefix, _)| TokenPrefix::new(prefix).ok());
        if let Some(prefix) = prefix.filter(|prefix| OpaqueToken::parse(prefix, token).is_some()) {
            return Some(if prefix == *self.rotation.prefix() { TokenScope::Refresh } else { TokenScope::ApiKey });
        }
        (token.split('.').count() == 3).then_some(TokenScope::Access)
    }

    /// A pair for somebody who has just logged in, with the version of their credentials that was checked.
    ///
    /// # Errors
    /// [`TokenError`]: nothing is issued.
    pub async fn issue(
        &self,
        user_id: &str,
        credential: i64,
        client_id: Option<&str>,
        scope: Option<&str>,
    ) -> Result<TokenPair, TokenError> {
        let (client_id, scope) = (client_id.map(str::to_owned), scope.map(str::to_owned));
        self.issue_grant(RefreshGrant { user_id: user_id.to_owned(), credential, client_id, scope, login: None }).await
    }

    /// The same for all that a grant says.
    ///
    /// # Errors
    /// [`TokenError`]: nothing is issued.
    pub async fn issue_grant(&self, grant: RefreshGrant) -> Result<TokenPair, TokenError> {
        let issued_at = self.issue_at(&grant.user_id).await?;
        let refresh = self.rotation.begin(grant.clone()).await?;
        let (user_id, client) = (grant.user_id.clone(), client_name(grant.client_id.as_deref()).into());
        let pair = self.pair(grant, refresh.token, refresh.family, issued_at)?;
        let family = pair.family.clone().into();
        self.audit.record(AuditAction::TokensIssued { family, client }, Some(&user_id)).await;
        Ok(pair)
    }

    /// Whether an access token is valid, and not revoked: one round trip to the blacklist.
    ///
    /// # Errors
    /// [`TokenError`] when the blacklist cannot tell: refuse it.
    pub async fn verify(&self, token: &str) -> Result<AccessVerdict, TokenError> {
        let token = match self.read(token) {
            Ok(token) => token,
            Err(refused) => return Ok(AccessVerdict::Refused(refused)),
        };
        let ids = [token.jti.as_str(), token.family.as_str()];
        Ok(match self.blacklist.check(&ids, &token.user_id, token.issued_at).await? {
            Some(reason) => AccessVerdict::Refused(AccessRefused::Revoked(reason)),
            None => AccessVerdict::Accepted(token),
        })
    }

    /// The next pair for a refresh token, if its user is still active and has the credentials of the login.
    ///
    /// # Errors
    /// [`TokenError`] when a store cannot tell: nothing is issued, and the token may be used up.
    pub async fn refresh(&self, token: &str, client_id: Option<&str>) -> Result<Refreshed, TokenError> {
        if let Some(kind) = self.scope_of(token).filter(|kind| *kind != TokenScope::Refresh) {
            return self.deny(RefreshDenied::Kind(kind), None).await;
        }
        // All that can fail for another reason comes before the token is used up.
        let mut issued_at = self.clock.now();
        if let Some(family) = self.rotation.family_of(token).await? {
            let user_id = &family.grant.user_id;
            let denied = match self.subjects.current(user_id).await? {
                Some(credential) if credential == family.grant.credential => None,
                Some(_) => Some(RefreshDenied::CredentialsChanged),
                None => Some(RefreshDenied::Inactive),
            };
            if let Some(denied) = denied {
                self.rotation.revoke_family(&family.id).await?;
                self.end_access(&family.id, BlacklistReason::ManualRevoke).await?;
                return self.deny(denied, Some(user_id)).await;
            }
            issued_at = self.issue_at(user_id).await?;
        }
        match self.rotation.rotate(token, client_id).await? {
            Rotation::Rotated(next) => {
                let user_id = next.grant.user_id.clone();
                let pair = self.pair(next.grant, next.token, next.family, issued_at)?;
                let (family, client) = (pair.family.clone().into(), client_name(client_id).into());
                self.audit.record(AuditAction::TokensRefreshed { family, client }, Some(&user_id)).await;
                Ok(Refreshed::Issued(pair))
            }
            Rotation::Reused { family, user_id } => {
                self.end_access(&family, BlacklistReason::Compromised).await?;
                self.audit.record(AuditAction::TokenReused { family: family.into() }, Some(&user_id)).await;
                Ok(Refreshed::Refused(RefreshDenied::Reused))
            }
            Rotation::Ended { family } => {
                // If it ended by a second use, and then the blacklist failed, this makes good for it.
                self.end_access(&family, BlacklistReason::Compromised).await?;
                self.deny(RefreshDenied::Ended, None).await
            }
            Rotation::Refused(refused) => self.deny(RefreshDenied::Token(refused), None).await,
        }
    }

    /// Logs out with a token of either kind: ends its family, and every access token that came of it (RFC 7009). Says whether
    /// it was a token of ours; one that is not needs no logout.
    ///
    /// # Errors
    /// [`TokenError`] when a store cannot tell: ask again.
    pub async fn revoke(&self, token: &str) -> Result<bool, TokenError> {
        // Whose it is, while the family still says so: sockets and the trail want to know.
        let living = self.rotation.family_of(token).await?;
        let (family, user_id) = match self.rotation.revoke(token).await? {
            Some(family) => (family, living.map(|living| living.grant.user_id)),
            None => match self.read(token) {
                Ok(token) => {
                    self.rotation.revoke_family(&token.family).await?;
                    (token.family, Some(token.user_id))
                }
                Err(_) => return Ok(false),
            },
        };
        self.end_access(&family, BlacklistReason::Logout).await?;
        self.tell_revoked(&family, "logout", user_id.as_deref()).await;
        Ok(true)
    }

    /// Ends one login of a user's, as they choose it from a list. Says whether it was theirs, and lived.
    ///
    /// # Errors
    /// [`TokenError`] when a store cannot tell: ask again.
    pub async fn revoke_family(&self, user_id: &str, family: &str) -> Result<bool, TokenError> {
        if !self.rotation.revoke_family_of(user_id, family).await? {
            return Ok(false);
        }
        self.end_access(family, BlacklistReason::ManualRevoke).await?;
        self.tell_revoked(family, "manual", Some(user_id)).await;
        Ok(true)
    }

    /// Ends all logins of a user, and every access token that was issued until now; one issued afterwards is welcome. Says how
    /// many logins there were.
    ///
    /// # Errors
    /// [`TokenError`] when a store cannot tell: ask again.
    pub async fn revoke_user(&self, user_id: &str, reason: BlacklistReason) -> Result<u64, TokenError> {
        // First what gives new access tokens: one that is being issued has an `iat` from before then.
        let ended = self.rotation.revoke_user(user_id).await;
        // If that failed, the access tokens end all the same.
        let last = self.issue_at(user_id).await?;
        let before = last + TimeDelta::seconds(1);
        self.blacklist.blacklist_user(user_id, before, before + KEPT, reason).await?;
        let ended = ended?;
        self.tell_revoked("all", "user", Some(user_id)).await;
        Ok(ended)
    }

    /// Removes what has expired, that many records at the most of each kind, and says how many.
    ///
    /// # Errors
    /// [`TokenError`] when a store fails.
    pub async fn cleanup_expired(&self, batch: u32) -> Result<u64, TokenError> {
        let families = self.rotation.cleanup_expired(batch).await?;
        Ok(families + self.blacklist.cleanup_expired(batch).await?)
    }

    /// What `iat` a token of this user gets now: the present second, or the first that is not revoked.
    async fn issue_at(&self, user_id: &str) -> Result<DateTime<Utc>, TokenError> {
        let second = |time: DateTime<Utc>| DateTime::from_timestamp(time.timestamp(), 0).unwrap_or(time);
        let now = second(self.clock.now());
        let Some(before) = self.blacklist.revoked_before(user_id).await? else { return Ok(now) };
        let whole = second(before);
        let first = if whole == before { whole } else { whole + TimeDelta::seconds(1) };
        Ok(now.max(first))
    }

    fn pair(
        &self,
        grant: RefreshGrant,
        refresh_token: SecretString,
        family: String,
        issued_at: DateTime<Utc>,
    ) -> Result<TokenPair, TokenError> {
        let RefreshGrant { user_id, credential, client_id, scope, login } = grant;
        let mut claims = self.jwt.claims(user_id);
        let lifetime = claims.exp - claims.iat.unwrap_or(claims.exp);
        claims.iat = Some(issued_at.timestamp());
        claims.exp = issued_at.timestamp() + lifetime;
        let (auth_time, amr) = login.map(|TokenLogin { auth_time, amr }| (auth_time, amr)).unzip();
        let extra = Access { sid: family.clone(), ver: credential, client_id, scope: scope.clone(), auth_time, amr };
        let access_token = self.jwt.encode(&claims.with_extra(extra))?;
        let expires_in = lifetime.unsigned_abs();
        Ok(TokenPair { access_token, refresh_token, expires_in, token_type: "Bearer", scope, family })
    }

    /// An access token whose signature and times hold.
    fn read(&self, token: &str) -> Result<AccessToken, AccessRefused> {
        match self.scope_of(token) {
            None | Some(TokenScope::Access) => {}
            Some(kind) => return Err(AccessRefused::Kind(kind)),
        }
        let claims = self.jwt.decode::<Access>(token).map_err(AccessRefused::Token)?;
        let Claims { sub, jti, iat, extra, .. } = &*claims;
        let issued_at = iat.and_then(|iat| DateTime::from_timestamp(iat, 0));
        let issued_at = issued_at.ok_or(AccessRefused::Token(TokenRefused::MissingClaim("iat")))?;
        Ok(AccessToken {
            user_id: sub.clone(),
            credential: extra.ver,
            jti: jti.clone(),
            family: extra.sid.clone(),
            client_id: extra.client_id.clone(),
            scope: extra.scope.clone(),
            login: extra
                .auth_time
                .map(|auth_time| TokenLogin { auth_time, amr: extra.amr.clone().unwrap_or_default() }),
            issued_at,
            expires_at: claims.expires_at(),
        })
    }

    /// Revokes every access token that came of a family.
    async fn end_access(&self, family: &str, reason: BlacklistReason) -> Result<(), TokenError> {
        self.blacklist.blacklist(family, self.clock.now() + KEPT, reason).await
    }

    async fn tell_revoked(&self, token: &str, reason: &'static str, user_id: Option<&str>) {
        let revoked = AuditAction::TokensRevoked { token: token.to_owned().into(), reason: reason.into() };
        self.audit.record(revoked, user_id).await;
    }

    async fn deny(&self, denied: RefreshDenied, user_id: Option<&str>) -> Result<Refreshed, TokenError> {
        // Anybody can send what is no token of ours: that fills no trail.
        if !matches!(denied, RefreshDenied::Kind(_) | RefreshDenied::Token(_)) {
            let refused = AuditAction::TokenRefused { kind: "refresh".into(), reason: denied.reason().into() };
            self.audit.record(refused, user_id).await;
        }
        Ok(Refreshed::Refused(denied))
    }
}

/// For the trail.
fn client_name(client_id: Option<&str>) -> String {
    client_id.unwrap_or_default().to_owned()
}

impl From<JwtError> for TokenError {
    fn from(error: JwtError) -> Self {
        Self::Signing(Box::new(error))
    }
}

impl fmt::Debug for TokenService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TokenService");
        shown.field("jwt", &self.jwt).field("rotation", &self.rotation).finish_non_exhaustive()
    }
}
