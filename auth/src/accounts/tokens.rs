//! Tokens for users: who they are for, what they permit, and how they end.

use std::fmt;
use std::sync::Arc;

use chrono::DateTime;

use super::config::TokenConfig;
use super::service::{AuthResult, AuthenticationService};
use super::{Auth, AuthenticationError, Error};
use crate::BoxFuture;
use crate::access::Principal;
use crate::audit::{AuditAction, Origin};
use crate::mfa::AuthMethods;
use crate::permissions::PermissionSet;
use crate::records::DynRecordStore;
use crate::registry::Context;
use crate::secret::SecretString;
use crate::tokens::{
    AccessRefused, AccessVerdict, BlacklistReason, JwtAuth, JwtError, JwtKey, KeyRing, RecordBlacklist,
    RecordRefreshStore, RefreshGrant, Refreshed, TokenError, TokenLogin, TokenPair, TokenRefused, TokenRotationManager,
    TokenService, TokenSubjects,
};
use crate::users::{Account, UserManager, UserModel};

/// The users, as tokens ask for them.
pub(super) struct Subjects<U: UserModel>(pub(super) UserManager<U>);

impl<U: UserModel> fmt::Debug for Subjects<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subjects")
    }
}

impl<U: UserModel> TokenSubjects for Subjects<U> {
    fn current<'a>(&'a self, user_id: &'a str) -> BoxFuture<'a, Result<Option<i64>, TokenError>> {
        Box::pin(async move {
            let account = self.0.find_by_id_text(user_id).await.map_err(TokenError::subjects)?;
            Ok(account.filter(|account| account.user.is_active()).map(|account| account.credential))
        })
    }
}

/// The application's tokens: kept in its records, signed with what was given or with keys made of its secrets.
pub(super) fn service<U: UserModel>(
    users: &UserManager<U>,
    given: Option<JwtAuth>,
    settings: &TokenConfig,
    records: &DynRecordStore,
    context: &Context,
) -> Result<TokenService, Error> {
    let mut jwt = match given {
        Some(jwt) => jwt,
        None => JwtAuth::with_keys(own_keys(context).map_err(TokenError::from)?),
    };
    if let Some(issuer) = &settings.issuer {
        jwt = jwt.issuer(issuer);
    }
    if let Some(audience) = &settings.audience {
        jwt = jwt.audience(audience);
    }
    // Keys that only verify are noticed here, not at the first login.
    jwt.encode(&jwt.claims("nobody")).map_err(TokenError::from)?;
    let families = Arc::new(RecordRefreshStore::over(records.clone()));
    let rotation = TokenRotationManager::new(families, &context.secret)
        .with_clock(context.clock.clone())
        .with_lifetimes(settings.refresh_idle, settings.refresh_absolute)?;
    let blacklist = Arc::new(RecordBlacklist::over(records.clone()));
    let subjects = Arc::new(Subjects(users.clone()));
    let service = TokenService::new(jwt.shared_clock(context.clock.clone()), rotation, blacklist, subjects)?;
    Ok(service.with_clock(context.clock.clone()).with_access_lifetime(settings.access_lifetime)?)
}

/// The newest secret signs, older ones still verify.
fn own_keys(context: &Context) -> Result<KeyRing, JwtError> {
    let key = context.secret.derive("auth: access tokens");
    let mut keys = key.each(&[b"HS256"]).map(JwtKey::hs256);
    let newest = keys.next().expect("there is a current secret")?;
    keys.try_fold(KeyRing::new(newest)?, |ring, key| ring.and_verify(key?))
}

impl<U: UserModel> AuthenticationService<U> {
    /// A token gives what its user holds now; with a scope no more than the permissions that it names.
    pub(super) async fn by_token(
        &self,
        token: &SecretString,
        origin: &Origin,
    ) -> Result<AuthResult<U>, AuthenticationError> {
        let inner = self.inner();
        #[cfg(feature = "oauth2-provider")]
        if let Some(result) = self.by_oauth2_token(token, origin).await? {
            return Ok(result);
        }
        let token = match inner.tokens.verify(token.expose()).await? {
            AccessVerdict::Accepted(token) => token,
            AccessVerdict::Refused(refused) => {
                tracing::info!(reason = %refused.reason(), "an access token is refused");
                return Err(AuthenticationError::InvalidToken { reason: kind_of(refused) });
            }
        };
        let scopes = token.scope.as_deref().map(|scope| PermissionSet::of(scope.split_ascii_whitespace()));
        let login = token.login.as_ref().and_then(|login| {
            let methods = AuthMethods::from_names(login.amr.iter().map(String::as_str));
            Some((DateTime::from_timestamp(login.auth_time, 0)?, methods))
        });
        let holds = |account: Account<U>| {
            if account.credential != token.credential {
                return None;
            }
            let principal = match (&scopes, login) {
                (Some(scopes), _) => Principal::delegated(&account, token.issued_at, scopes)?,
                (None, Some((at, methods))) => Principal::new(&account, at)?.in_person(methods, inner.clock.now()),
                (None, None) => Principal::new(&account, token.issued_at)?,
            };
            Some(AuthResult::of(&principal, account.credential))
        };
        let Some(mut result) = inner.users.find_recent(&token.user_id, holds).await? else {
            let reason = "its user is gone, inactive, or has another password";
            let refused = AuditAction::TokenRefused { kind: "access".into(), reason: reason.into() };
            inner.audit.from(origin.clone()).record(refused, Some(&token.user_id)).await;
            return Err(AuthenticationError::InvalidToken { reason });
        };
        result.expires_at = Some(token.expires_at);
        Ok(result)
    }
}

/// In a few words, which do not change with what the token says.
fn kind_of(refused: AccessRefused) -> &'static str {
    match refused {
        AccessRefused::Kind(_) => "a token of another kind",
        AccessRefused::Token(TokenRefused::Expired) => "the token has expired",
        AccessRefused::Token(_) => "the token is not valid",
        AccessRefused::Revoked(_) => "the token was revoked",
    }
}

impl<U: UserModel> Auth<U> {
    /// Access tokens and refresh tokens.
    pub fn tokens(&self) -> &TokenService {
        &self.authentication().inner().tokens
    }

    /// The same, telling the trail where it comes from.
    pub(crate) fn tokens_from(&self, origin: &Origin) -> TokenService {
        self.tokens().clone().with_audit(self.audit().from(origin.clone()))
    }

    /// A pair of tokens for somebody who has just been authenticated; for a client of that name, if it has one. With a scope,
    /// names of permissions with spaces between them, the tokens permit no more than it says.
    ///
    /// ```
    /// # use auth::prelude::*;
    /// # use auth::accounts::{AuthCredentials, AuthenticationError};
    /// # use auth::audit::Origin;
    /// # use auth::tokens::TokenPair;
    /// # use auth::users::DefaultUser;
    /// async fn log_in(auth: &Auth<DefaultUser>, name: &str, password: &str) -> Result<TokenPair, AuthenticationError> {
    ///     let credentials = AuthCredentials::password(name, password);
    ///     let mut result = auth.authentication().authenticate(credentials, &Origin::unknown()).await?;
    ///     auth.issue_tokens(&mut result, None, None).await
    /// }
    /// ```
    ///
    /// # Errors
    /// [`AuthenticationError::InvalidToken`] for who came with a token, an API key or a proxy's word: these are not exchanged for
    /// more. [`AuthenticationError::SecondFactorRequired`] where one was added meanwhile, and
    /// [`AuthenticationError::Unavailable`] when a store fails.
    pub async fn issue_tokens(
        &self,
        result: &mut AuthResult<U>,
        client_id: Option<&str>,
        scope: Option<&str>,
    ) -> Result<TokenPair, AuthenticationError> {
        result.check_login()?;
        let tokens = self.tokens_from(&result.origin);
        let principal = result.principal();
        let amr = result.methods.names().into_iter().map(str::to_owned).collect();
        let grant = RefreshGrant {
            user_id: principal.id().to_owned(),
            credential: result.credential,
            client_id: client_id.map(str::to_owned),
            scope: scope.map(str::to_owned),
            login: Some(TokenLogin { auth_time: principal.authenticated_at().timestamp(), amr }),
        };
        let pair = tokens.issue_grant(grant).await?;
        // Whoever added a factor since the first one was proved has ended all tokens that there were, and these were not.
        if let Err(error) = self.authentication().second_step(result).await {
            tokens.revoke_family(result.principal().id(), &pair.family).await?;
            return Err(error);
        }
        result.token = Some(pair.clone());
        Ok(pair)
    }

    /// The next pair for a refresh token.
    ///
    /// # Errors
    /// [`AuthenticationError::InvalidToken`] for a token that gives none: its user is gone, inactive or has another password, or it
    /// was used before, and then its whole family has ended. [`AuthenticationError::Unavailable`] when a store fails.
    pub async fn refresh(
        &self,
        refresh_token: &SecretString,
        client_id: Option<&str>,
        origin: &Origin,
    ) -> Result<TokenPair, AuthenticationError> {
        match self.tokens_from(origin).refresh(refresh_token.expose(), client_id).await? {
            Refreshed::Issued(pair) => Ok(pair),
            Refreshed::Refused(denied) => Err(AuthenticationError::InvalidToken { reason: denied.reason() }),
        }
    }

    /// Ends everything that a user is logged in with: sessions, refresh tokens, access tokens, clients' too, and codes that
    /// clients have not exchanged yet. API keys stay.
    ///
    /// # Errors
    /// When a store fails, or cannot tell a user's sessions: then some may still be alive.
    pub async fn log_out_everywhere(&self, user_id: &str) -> Result<(), Error> {
        let revoked = self.tokens().revoke_user(user_id, BlacklistReason::Logout).await;
        let destroyed = match self.session_manager() {
            Ok(sessions) => sessions.destroy_all(user_id).await.map_err(Error::from),
            Err(error) => Err(error),
        };
        // After the sessions, in which clients are allowed more. What can be ended is, whatever failed before.
        #[cfg(feature = "oauth2-provider")]
        let ended = self.oauth2().end_grants_of(user_id).await;
        destroyed?;
        revoked?;
        #[cfg(feature = "oauth2-provider")]
        ended?;
        Ok(())
    }
}
