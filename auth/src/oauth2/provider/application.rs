use std::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use super::store::Kept;
use super::{InvalidScope, OAuth2Authentication, OAuth2Error, OAuth2RecordKind, Scope, redirect_uri};
use crate::audit::AuditAction;
use crate::records::RecordReplaced;
use crate::secret::SecretString;
use crate::tokens::{OpaqueToken, TokenPrefix};

/// Whether a client can keep a secret (RFC 6749 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "RFC 6749 has these two")]
pub enum ClientType {
    /// A program on a server of its own.
    Confidential,
    /// A program on its user's machine, or in their browser.
    Public,
}

/// How a client may come by tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum GrantType {
    /// A person sends the client a code, by their browser (RFC 6749 §4.1), with PKCE.
    AuthorizationCode,
    /// In its own name, for nobody (RFC 6749 §4.4).
    ClientCredentials,
    /// By a token that it was given with the last one (RFC 6749 §6).
    RefreshToken,
    /// A person types what a device shows, on another device (RFC 8628).
    DeviceCode,
    /// A token in the address of a page (RFC 6749 §4.2).
    ///
    /// # Security
    /// It stands in the browser's history and in whatever reads addresses, and nothing binds it to the client: RFC 9700 §2.1.2
    /// advises against it.
    #[cfg(feature = "danger-oauth2-implicit")]
    Implicit,
}

impl GrantType {
    /// As it is written in `grant_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::RefreshToken => "refresh_token",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            #[cfg(feature = "danger-oauth2-implicit")]
            Self::Implicit => "implicit",
        }
    }
}

/// What access tokens of a client look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "a token says something, or nothing")]
pub enum AccessTokenFormat {
    /// Signed, and to be read by whoever has the key (RFC 9068).
    #[default]
    Jwt,
    /// Saying nothing; to be asked about here.
    Opaque,
}

/// A program that may ask for tokens: a client, as RFC 6749 calls it.
///
/// ```
/// use auth::oauth2::provider::{GrantType, OAuth2Application};
///
/// let photos = OAuth2Application::confidential("Photo prints")
///     .redirect_uri("https://prints.example/callback")
///     .scope("photos.read_photo")
///     .grant(GrantType::RefreshToken);
/// # let _ = photos;
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OAuth2Application {
    /// What it calls itself in requests; made when it is registered, unless it was set.
    pub client_id: String,
    /// What it is called on the page where people agree.
    pub name: String,
    /// Whether it has a secret.
    pub client_type: ClientType,
    /// Where codes are sent.
    pub redirect_uris: Vec<String>,
    /// Where people may be sent after a logout (OpenID Connect).
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<String>,
    /// How it may come by tokens.
    pub grants: Vec<GrantType>,
    /// The most that it may have.
    pub scopes: Scope,
    /// What its access tokens look like.
    pub access_tokens: AccessTokenFormat,
    /// Whether people are not asked: for the application's own programs.
    pub skips_consent: bool,
    /// What its access tokens are for; what the provider's configuration says, unless it is set.
    pub audience: Option<String>,
    secrets: Vec<String>,
    created_at: DateTime<Utc>,
    /// What was given as a scope and is none.
    #[serde(skip)]
    unfit: Option<String>,
}

/// A client that was just registered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RegisteredApplication {
    /// The client.
    pub application: OAuth2Application,
    /// Its secret, if it is confidential: it is shown now or never.
    pub client_secret: Option<SecretString>,
}

/// What secrets begin with.
const SECRET: TokenPrefix = TokenPrefix::fixed("auth_client");
/// The owner of all applications, by which they are listed.
const ALL: &str = "applications";
/// One for now and one that takes its place.
const MAX_SECRETS: usize = 2;
const TRIES: usize = 16;

impl OAuth2Application {
    /// A client that can keep a secret, as a program on a server can; people read this name where they agree. It may use
    /// authorization codes, until something else is said, and needs a [`redirect_uri`](Self::redirect_uri) for them.
    pub fn confidential(name: &str) -> Self {
        Self::of(name, ClientType::Confidential)
    }

    /// A client that cannot, as it runs in a browser, on a desktop or a telephone. Otherwise as [`confidential`](Self::confidential).
    ///
    /// # Security
    /// Anybody can say to be this client. So people are asked each time, unless codes go to an https address (RFC 8252 §8.6).
    pub fn public(name: &str) -> Self {
        Self::of(name, ClientType::Public)
    }

    fn of(name: &str, client_type: ClientType) -> Self {
        Self {
            client_id: String::new(),
            name: name.to_owned(),
            client_type,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            grants: vec![GrantType::AuthorizationCode],
            scopes: Scope::default(),
            access_tokens: AccessTokenFormat::Jwt,
            skips_consent: false,
            audience: None,
            secrets: Vec::new(),
            created_at: DateTime::UNIX_EPOCH,
            unfit: None,
        }
    }

    /// Has this id instead of a random one: 1 to 128 visible ASCII characters, without quotes, backslashes and colons. It is no secret,
    /// and there can be no two of it.
    #[must_use]
    pub fn client_id(self, client_id: &str) -> Self {
        Self { client_id: client_id.to_owned(), ..self }
    }

    /// Codes may be sent there: compared byte by byte, but for the port of `http://127.0.0.1` and `http://[::1]`. It is an address with
    /// https, one with http on this machine, or one of a private scheme, a domain's name in reverse: `com.example.app:/callback`. It
    /// has 1024 bytes at the most, no fragment and no wildcard.
    #[must_use]
    pub fn redirect_uri(mut self, uri: &str) -> Self {
        self.redirect_uris.push(uri.to_owned());
        self
    }

    /// People may be sent there after a logout (OpenID Connect RP-Initiated Logout §3.1), by the rules of
    /// [`redirect_uri`](Self::redirect_uri).
    #[must_use]
    pub fn post_logout_redirect_uri(mut self, uri: &str) -> Self {
        self.post_logout_redirect_uris.push(uri.to_owned());
        self
    }

    /// May use this grant too.
    #[must_use]
    pub fn grant(mut self, grant: GrantType) -> Self {
        if !self.grants.contains(&grant) {
            self.grants.push(grant);
        }
        self
    }

    /// May use these grants and no others.
    #[must_use]
    pub fn grants(self, grants: impl IntoIterator<Item = GrantType>) -> Self {
        Self { grants: grants.into_iter().collect(), ..self }
    }

    /// May ask for these scopes, names with spaces between them. Names of permissions let it do, for a user, what the user may;
    /// they are declared ones, where their application declares any.
    #[must_use]
    pub fn scope(mut self, scope: &str) -> Self {
        match Scope::parse(scope) {
            Ok(more) => self.scopes = self.scopes.and(&more),
            Err(_) => self.unfit = Some(scope.to_owned()),
        }
        self
    }

    /// Gets access tokens that say nothing.
    #[must_use]
    pub fn opaque_access_tokens(self) -> Self {
        Self { access_tokens: AccessTokenFormat::Opaque, ..self }
    }

    /// Is the application's own: people are not asked. Native programs, which anybody could be, ask all the same (RFC 8252
    /// §8.6).
    #[must_use]
    pub fn skip_consent(self) -> Self {
        Self { skips_consent: true, ..self }
    }

    /// Gets access tokens for this resource, the claim `aud`.
    #[must_use]
    pub fn audience(self, audience: &str) -> Self {
        Self { audience: Some(audience.to_owned()), ..self }
    }

    /// Whether it may use this grant.
    pub fn may(&self, grant: GrantType) -> bool {
        self.grants.contains(&grant)
    }

    /// When it was registered.
    pub fn created_at(&self) -> DateTime<Utc> {
        self.created_at
    }

    /// Whether a secret is one of its own; in constant time, also where it has none.
    pub(super) fn has_secret(&self, secret: &str) -> bool {
        let given = digest(secret);
        let decoy = [digest(""), digest("")];
        let known = self.secrets.iter().chain(&decoy).take(MAX_SECRETS);
        let hits = known.map(|known| bool::from(known.as_bytes().ct_eq(given.as_bytes())));
        let any = hits.fold(false, |any, hit| any | hit);
        any && !secret.is_empty() && !self.secrets.is_empty()
    }

    pub(super) fn is_confidential(&self) -> bool {
        self.client_type == ClientType::Confidential
    }

    /// The registered redirect URI that this is.
    pub(super) fn has_redirect_uri(&self, given: &str) -> bool {
        self.redirect_uris.iter().any(|known| redirect_uri::is_same(known, given))
    }

    fn check(&self) -> Result<(), OAuth2Error> {
        let wrong = |said: String| Err(OAuth2Error::Configuration(format!("the application `{}`: {said}", self.name)));
        let is_plain = |text: &str| text.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\:".contains(&b));
        if self.name.trim().is_empty() || self.name.len() > 255 || self.name.chars().any(char::is_control) {
            return wrong("a name has 1 to 255 letters".to_owned());
        }
        if self.client_id.len() > 128 || !is_plain(&self.client_id) {
            return wrong("a client's id has at most 128 visible ASCII characters, and no colon".to_owned());
        }
        if let Some(unfit) = &self.unfit {
            return wrong(format!("`{unfit}` is no scope: {InvalidScope}"));
        }
        if let Some(name) = self.scopes.undeclared() {
            return wrong(format!("`{name}` is a permission that nobody declares"));
        }
        for uri in self.redirect_uris.iter().chain(&self.post_logout_redirect_uris) {
            if let Err(reason) = redirect_uri::check(uri) {
                return wrong(format!("`{uri}` cannot be a redirect URI: {reason}"));
            }
        }
        let needs_uri = self.may(GrantType::AuthorizationCode);
        #[cfg(feature = "danger-oauth2-implicit")]
        let needs_uri = needs_uri || self.may(GrantType::Implicit);
        if needs_uri && self.redirect_uris.is_empty() {
            return wrong("codes are sent to a redirect URI, and there is none".to_owned());
        }
        if self.may(GrantType::ClientCredentials) && !self.is_confidential() {
            return wrong("only a confidential client has credentials".to_owned());
        }
        Ok(())
    }
}

impl OAuth2Authentication {
    /// Registers a client. A confidential one gets a secret of 256 bits, of which a digest is kept.
    ///
    /// # Errors
    /// [`OAuth2Error::Configuration`] when something of it cannot be, or its id is taken.
    pub async fn register_application(
        &self,
        mut application: OAuth2Application,
    ) -> Result<RegisteredApplication, OAuth2Error> {
        application.check()?;
        if application.client_id.is_empty() {
            application.client_id = Uuid::new_v4().simple().to_string();
        }
        application.created_at = self.now();
        application.secrets.clear();
        let client_secret = application.is_confidential().then(|| new_secret(&mut application));
        if !self.store().insert(&application).await? {
            let text = format!("there is a client `{}` already", application.client_id);
            return Err(OAuth2Error::Configuration(text));
        }
        let client = application.client_id.clone().into();
        self.audit().record(AuditAction::ClientRegistered { client }, None).await;
        Ok(RegisteredApplication { application, client_secret })
    }

    /// The client of this id.
    ///
    /// # Errors
    /// [`OAuth2Error`] when the store cannot tell.
    pub async fn application(&self, client_id: &str) -> Result<Option<OAuth2Application>, OAuth2Error> {
        Ok(self.store().find(client_id).await?.map(|found| found.value))
    }

    /// The first 1000 clients.
    ///
    /// # Errors
    /// [`OAuth2Error`] when the store cannot tell.
    pub async fn applications(&self) -> Result<Vec<OAuth2Application>, OAuth2Error> {
        self.store().owned(ALL).await
    }

    /// Gives a confidential client a second secret; the one before still counts until the next is made or
    /// [`revoke_old_secrets`](Self::revoke_old_secrets) is called. `None` if there is no such client.
    ///
    /// # Errors
    /// [`OAuth2Error`] when the store fails.
    pub async fn rotate_secret(&self, client_id: &str) -> Result<Option<SecretString>, OAuth2Error> {
        let change =
            |application: &mut OAuth2Application| application.is_confidential().then(|| new_secret(application));
        let secret = self.change(client_id, change).await?;
        if secret.is_some() {
            self.audit().record(AuditAction::ClientSecretRotated { client: client_id.to_owned().into() }, None).await;
        }
        Ok(secret)
    }

    /// From now on only the newest secret counts. Says whether there is such a client.
    ///
    /// # Errors
    /// [`OAuth2Error`] when the store fails.
    pub async fn revoke_old_secrets(&self, client_id: &str) -> Result<bool, OAuth2Error> {
        let changed = self.change(client_id, |application| {
            application.secrets.truncate(1);
            Some(())
        });
        let is_known = changed.await?.is_some();
        if is_known {
            self.audit().record(AuditAction::ClientSecretsRevoked { client: client_id.to_owned().into() }, None).await;
        }
        Ok(is_known)
    }

    /// Removes a client: it gets no more tokens, and those it has are refused. Says whether there was one.
    ///
    /// # Errors
    /// [`OAuth2Error`] when the store fails.
    pub async fn delete_application(&self, client_id: &str) -> Result<bool, OAuth2Error> {
        let was_known = self.store().take::<OAuth2Application>(client_id).await?.is_some();
        if was_known {
            self.audit().record(AuditAction::ClientDeleted { client: client_id.to_owned().into() }, None).await;
        }
        Ok(was_known)
    }

    async fn change<T>(
        &self,
        client_id: &str,
        change: impl Fn(&mut OAuth2Application) -> Option<T>,
    ) -> Result<Option<T>, OAuth2Error> {
        for _ in 0..TRIES {
            let Some(mut found) = self.store().find::<OAuth2Application>(client_id).await? else { return Ok(None) };
            let Some(changed) = change(&mut found.value) else { return Ok(None) };
            match self.store().replace(&found).await? {
                RecordReplaced::Done => return Ok(Some(changed)),
                RecordReplaced::Gone => return Ok(None),
                RecordReplaced::Changed => {}
            }
        }
        Err(OAuth2Error::Contended)
    }
}

/// The newest first.
fn new_secret(application: &mut OAuth2Application) -> SecretString {
    let secret = OpaqueToken::generate(&SECRET).expose();
    application.secrets.insert(0, digest(secret.expose()));
    application.secrets.truncate(MAX_SECRETS);
    secret
}

fn digest(secret: &str) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(secret))
}

impl Kept for OAuth2Application {
    const KIND: OAuth2RecordKind = OAuth2RecordKind::Application;

    fn id(&self) -> &str {
        &self.client_id
    }

    fn owner(&self) -> Option<&str> {
        Some(ALL)
    }

    /// Until it is deleted.
    fn expires_at(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(253_402_300_799, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

impl fmt::Debug for OAuth2Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("OAuth2Application");
        shown.field("client_id", &self.client_id).field("name", &self.name).field("type", &self.client_type);
        shown.finish_non_exhaustive()
    }
}
