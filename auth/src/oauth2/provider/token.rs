//! Grants, and the access tokens that come of them (RFC 9068, or opaque).

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::consent::{self, Allowed};
use super::oidc::NewIdToken;
use super::store::{Found, Kept};
use super::{
    AccessTokenFormat, GrantType, OAuth2Application, OAuth2Authentication, OAuth2Error, OAuth2RecordKind, Scope,
};
use crate::audit::AuditAction;
use crate::mfa::AuthMethods;
use crate::secret::SecretString;
use crate::tokens::{OpaqueToken, RefreshGrant, TokenPrefix};

pub(super) const ACCESS: TokenPrefix = TokenPrefix::fixed("auth_access");

/// What a client was granted: every token that came of it ends with it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OAuth2Grant {
    /// Which; it may stand in logs. It is also its family of refresh tokens, if it has one.
    pub id: String,
    /// How.
    pub grant_type: GrantType,
    /// To which client.
    pub client_id: String,
    /// By which user; by none where the client acts in its own name.
    pub user_id: Option<String>,
    /// The version that the user's credentials had.
    pub credential: i64,
    /// What.
    pub scope: Scope,
    /// What its access tokens are for.
    pub audience: String,
    /// When the user had logged in.
    pub auth_time: Option<DateTime<Utc>>,
    /// By which ways, as in `amr`.
    pub methods: Vec<String>,
    /// What stores know the session by in which the user allowed it.
    pub session: Option<String>,
    /// When it began.
    pub created_at: DateTime<Utc>,
    /// What it came of, and ends with.
    consent: Option<String>,
    expires_at: DateTime<Utc>,
}

/// What an access token says. In a signed one it stands beside the registered claims.
#[derive(Clone, Serialize, Deserialize)]
struct Access {
    /// What no other token here has.
    grant: String,
    grant_type: GrantType,
    client_id: String,
    /// As one text (RFC 9068 §2.2.3).
    #[serde(default)]
    scope: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
}

/// What is kept of an opaque access token.
#[derive(Serialize, Deserialize)]
pub(super) struct OpaqueAccess {
    id: String,
    digest: String,
    access: Access,
    sub: String,
    audience: String,
    issued_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

/// What a valid access token stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OAuth2AccessToken {
    /// For whom it acts; for nobody where the client acts in its own name.
    pub user_id: Option<String>,
    /// Whose it is.
    pub client_id: String,
    /// What it may do, at the most.
    pub scope: Scope,
    /// What it is for.
    pub audience: String,
    /// Its id.
    pub jti: String,
    /// What it came of.
    pub grant: String,
    /// How.
    pub grant_type: GrantType,
    /// The version that the user's credentials had: compare it with the user's of now.
    pub credential: i64,
    /// When the user had logged in.
    pub auth_time: Option<DateTime<Utc>>,
    /// By which ways.
    pub methods: AuthMethods,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// When it expires.
    pub expires_at: DateTime<Utc>,
}

/// Whether an access token is valid.
#[must_use = "only `Accepted` is a success"]
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "whoever asks must know all of them")]
pub enum OAuth2TokenVerdict {
    /// It is.
    Accepted(Box<OAuth2AccessToken>),
    /// It was issued here, and is not any more, or is for something else; the reason is for the log.
    Refused(&'static str),
    /// It was not issued here.
    Foreign,
}

/// What a client gets (RFC 6749 §5.1).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TokenResponse {
    /// For requests.
    pub access_token: SecretString,
    /// How many seconds it is valid.
    pub expires_in: u64,
    /// For the next one.
    pub refresh_token: Option<SecretString>,
    /// What it may do.
    pub scope: Scope,
    /// Who the user is (OpenID Connect).
    pub id_token: Option<SecretString>,
}

impl OAuth2Authentication {
    /// Begins a grant of what a user allowed, if that is allowed still. The token for the next access token is given if the
    /// client may have one: then the hundred that this client and user used last live.
    pub(super) async fn begin_grant(
        &self,
        application: &OAuth2Application,
        grant_type: GrantType,
        scope: Scope,
        allowed: &Allowed,
    ) -> Result<Option<(OAuth2Grant, Option<SecretString>)>, OAuth2Error> {
        let consent = consent::id_of(&allowed.user_id, &application.client_id);
        let mut grant = self.new_grant(application, grant_type, scope);
        grant.user_id = Some(allowed.user_id.clone());
        grant.credential = allowed.credential;
        grant.auth_time = Some(allowed.auth_time);
        grant.methods.clone_from(&allowed.methods);
        grant.session.clone_from(&allowed.session);
        grant.consent = Some(consent.clone());
        let mut refresh_token = None;
        if application.may(GrantType::RefreshToken) {
            let begun = self.inner.rotation.begin(RefreshGrant {
                // Whose it is: so each client has families of its own, and they end with what it was allowed.
                user_id: consent,
                credential: allowed.credential,
                client_id: Some(application.client_id.clone()),
                scope: Some(grant.scope.to_string()),
                login: None,
            });
            let begun = begun.await?;
            for family in begun.ended {
                self.end_grant(&family).await?;
            }
            grant.id = begun.family;
            grant.expires_at += self.inner.refresh_absolute;
            refresh_token = Some(begun.token);
        }
        self.insert_grant(&grant).await?;
        // Not before: whoever ends what was allowed finds this grant, or is found here.
        if self.is_still_allowed(allowed, application, &grant.scope).await? {
            return Ok(Some((grant, refresh_token)));
        }
        self.end_grant(&grant.id).await?;
        Ok(None)
    }

    /// A grant to the client itself, which nobody has allowed.
    pub(super) fn new_grant(
        &self,
        application: &OAuth2Application,
        grant_type: GrantType,
        scope: Scope,
    ) -> OAuth2Grant {
        let now = self.now();
        OAuth2Grant {
            id: OpaqueToken::generate(&ACCESS).id().to_owned(),
            grant_type,
            client_id: application.client_id.clone(),
            user_id: None,
            credential: 0,
            scope,
            audience: application.audience.clone().unwrap_or_else(|| self.audience().to_owned()),
            auth_time: None,
            methods: Vec::new(),
            session: None,
            created_at: now,
            consent: None,
            // Longer than the last of its tokens, by any clock.
            expires_at: now + self.inner.access_lifetime + TimeDelta::minutes(5),
        }
    }

    pub(super) async fn insert_grant(&self, grant: &OAuth2Grant) -> Result<(), OAuth2Error> {
        if self.store().insert(grant).await? { Ok(()) } else { Err(OAuth2Error::Contended) }
    }

    /// The grant of this id, if it lives.
    pub(super) async fn grant(&self, id: &str) -> Result<Option<OAuth2Grant>, OAuth2Error> {
        Ok(self.store().find(id).await?.map(|found: Found<OAuth2Grant>| found.value))
    }

    /// Ends a grant and all that came of it. Says whether it lived.
    pub(super) async fn end_grant(&self, id: &str) -> Result<bool, OAuth2Error> {
        // First what every access token asks about.
        let ended = self.store().take::<OAuth2Grant>(id).await?.is_some();
        self.inner.rotation.revoke_family(id).await?;
        Ok(ended)
    }

    /// The tokens of a grant.
    pub(super) async fn respond(
        &self,
        application: &OAuth2Application,
        grant: &OAuth2Grant,
        scope: Scope,
        refresh_token: Option<SecretString>,
        nonce: Option<&str>,
    ) -> Result<TokenResponse, OAuth2Error> {
        let access_token = self.issue_access_token(application, grant, &scope).await?;
        let id_token = match &grant.user_id {
            Some(user_id) if scope.contains("openid") => {
                let new = NewIdToken {
                    client_id: &grant.client_id,
                    user_id,
                    auth_time: grant.auth_time,
                    methods: &grant.methods,
                    nonce,
                    session: grant.session.as_deref(),
                    access_token: Some(access_token.expose()),
                };
                Some(self.id_tokens().issue(new).await?)
            }
            _ => None,
        };
        let expires_in = self.inner.access_lifetime.num_seconds().unsigned_abs();
        Ok(TokenResponse { access_token, expires_in, refresh_token, scope, id_token })
    }

    /// Tells the trail.
    pub(super) async fn tell_issued(&self, grant: &OAuth2Grant) {
        let (family, client) = (grant.id.clone().into(), grant.client_id.clone().into());
        self.audit().record(AuditAction::TokensIssued { family, client }, grant.user_id.as_deref()).await;
    }

    pub(super) async fn issue_access_token(
        &self,
        application: &OAuth2Application,
        grant: &OAuth2Grant,
        scope: &Scope,
    ) -> Result<SecretString, OAuth2Error> {
        self.issuer()?;
        // Without a user, the subject is the client (RFC 9068 §2.2). That no user is meant says the grant.
        let sub = grant.user_id.clone().unwrap_or_else(|| grant.client_id.clone());
        let access = Access {
            grant: grant.id.clone(),
            grant_type: grant.grant_type,
            client_id: grant.client_id.clone(),
            scope: scope.to_string(),
            auth_time: grant.auth_time.map(|at| at.timestamp()),
            amr: grant.methods.clone(),
        };
        match application.access_tokens {
            AccessTokenFormat::Jwt => {
                let jwt = self.inner.jwt.clone().audience(&grant.audience);
                Ok(jwt.encode(&jwt.claims(sub).with_extra(access))?)
            }
            AccessTokenFormat::Opaque => {
                let (token, now) = (OpaqueToken::generate(&ACCESS), self.now());
                let (id, digest, expires_at) =
                    (token.id().to_owned(), token.digest(), now + self.inner.access_lifetime);
                let audience = grant.audience.clone();
                let kept = OpaqueAccess { id, digest, access, sub, audience, issued_at: now, expires_at };
                if self.store().insert(&kept).await? { Ok(token.expose()) } else { Err(OAuth2Error::Contended) }
            }
        }
    }

    /// Whether an access token is valid here and now: issued here and for here, not expired and not revoked, of a client that is
    /// registered, for a user who is active and has not changed the password. Its [`scope`](OAuth2AccessToken::scope) is the
    /// most that it may do.
    ///
    /// # Errors
    /// [`OAuth2Error`] when a store cannot tell: refuse it.
    pub async fn verify_token(&self, token: &str) -> Result<OAuth2TokenVerdict, OAuth2Error> {
        self.verify_for(token, self.audience()).await
    }

    /// The same for whoever is called that.
    pub(super) async fn verify_for(&self, token: &str, audience: &str) -> Result<OAuth2TokenVerdict, OAuth2Error> {
        let token = match self.verify_without_user(token, audience).await? {
            OAuth2TokenVerdict::Accepted(token) => token,
            other => return Ok(other),
        };
        if let Some(user_id) = &token.user_id
            && self.inner.subjects.current(user_id).await? != Some(token.credential)
        {
            return Ok(OAuth2TokenVerdict::Refused("its user is gone, inactive, or has another password"));
        }
        Ok(OAuth2TokenVerdict::Accepted(token))
    }

    /// The same without a look at the user, for who looks there next.
    pub(crate) async fn verify_without_user(
        &self,
        token: &str,
        audience: &str,
    ) -> Result<OAuth2TokenVerdict, OAuth2Error> {
        let Some(read) = self.read_access_token(token, audience).await? else {
            return Ok(OAuth2TokenVerdict::Foreign);
        };
        if read.audience != audience {
            return Ok(OAuth2TokenVerdict::Refused("it is for something else"));
        }
        if read.expires_at <= self.now() {
            return Ok(OAuth2TokenVerdict::Refused("the token has expired"));
        }
        let Some(grant) = self.grant(&read.access.grant).await? else {
            return Ok(OAuth2TokenVerdict::Refused("the token was revoked"));
        };
        let application = self.application(&grant.client_id).await?;
        if grant.client_id != read.access.client_id || !application.is_some_and(|known| grant.is_of(&known)) {
            return Ok(OAuth2TokenVerdict::Refused("its client is gone"));
        }
        let Ok(scope) = Scope::parse(&read.access.scope) else {
            return Ok(OAuth2TokenVerdict::Refused("its scope is none"));
        };
        Ok(OAuth2TokenVerdict::Accepted(Box::new(OAuth2AccessToken {
            user_id: grant.user_id,
            client_id: grant.client_id,
            scope,
            audience: read.audience,
            jti: read.id,
            grant: grant.id,
            grant_type: grant.grant_type,
            credential: grant.credential,
            auth_time: grant.auth_time,
            methods: AuthMethods::from_names(grant.methods.iter().map(String::as_str)),
            issued_at: read.issued_at,
            expires_at: read.expires_at,
        })))
    }

    /// What a token says that was issued here.
    async fn read_access_token(&self, token: &str, audience: &str) -> Result<Option<OpaqueAccess>, OAuth2Error> {
        if let Some(token) = OpaqueToken::parse(&ACCESS, token) {
            let found = self.store().find::<OpaqueAccess>(token.id()).await?.map(|found| found.value);
            return Ok(found.filter(|kept| token.has_digest(&kept.digest)));
        }
        if !self.inner.jwt.has_made(token) {
            return Ok(None);
        }
        let jwt = self.inner.jwt.clone();
        let jwt = if audience == self.audience() { jwt } else { jwt.audience(audience) };
        let Ok(claims) = jwt.decode::<Access>(token) else { return Ok(None) };
        let issued_at = claims.iat.and_then(|iat| DateTime::from_timestamp(iat, 0)).unwrap_or_default();
        Ok(Some(OpaqueAccess {
            id: claims.jti.clone(),
            digest: String::new(),
            access: claims.extra.clone(),
            sub: claims.sub.clone(),
            audience: audience.to_owned(),
            issued_at,
            expires_at: claims.expires_at(),
        }))
    }
}

impl OAuth2Grant {
    /// Whether that is the client: not another one that was registered under the name of one that is gone.
    pub(super) fn is_of(&self, application: &OAuth2Application) -> bool {
        self.client_id == application.client_id && self.created_at >= application.created_at()
    }
}

impl Kept for OAuth2Grant {
    const KIND: OAuth2RecordKind = OAuth2RecordKind::Grant;

    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&str> {
        self.consent.as_deref()
    }

    fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }
}

impl Kept for OpaqueAccess {
    const KIND: OAuth2RecordKind = OAuth2RecordKind::AccessToken;

    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&str> {
        None
    }

    fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }
}

impl fmt::Debug for OAuth2Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("OAuth2Grant");
        shown.field("id", &self.id).field("client_id", &self.client_id).field("scope", &self.scope);
        shown.finish_non_exhaustive()
    }
}
