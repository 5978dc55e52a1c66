use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::access::{Granted, PermissionDenied, Principal, RecentLogin};
use crate::accounts::{Auth, AuthenticationError, Error};
use crate::audit::Origin;
use crate::limits::Rate;
use crate::oauth2::{AuthorizationFlow, CodeChallenge, CodeVerifier};
use crate::records::{NewRecord, RecordError, RecordKind};
use crate::secret::{self, MacKey, SecretString};
use crate::sessions::Session;
use crate::users::UserModel;

const KIND: RecordKind = RecordKind::new("oauth_flow");
const LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// Where a session keeps what its browser is known by.
const KEY: &str = "auth.browser";

/// How recently the user must have logged in to link or unlink an identity.
pub(super) type Recently = RecentLogin<{ 5 * 60 }>;

/// What a flow was begun for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FlowPurpose {
    /// To log in.
    LogIn,
    /// To link the account there to this user.
    Link {
        /// The user, by primary key.
        user_id: String,
    },
}

/// A flow that was begun in this browser, and is under way no longer.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BegunFlow {
    /// What was sent along.
    pub flow: AuthorizationFlow,
    /// What for.
    pub purpose: FlowPurpose,
    /// Where the visitor wanted to go after that, as it was given: whoever sends them there checks it (`auth::web::is_safe_next`).
    pub next: Option<String>,
}

/// A flow as it is kept, under a digest of its state. The verifier is made of the state, under the application's secret: whoever
/// reads the store knows neither.
#[derive(Serialize, Deserialize)]
struct Stored {
    provider: String,
    redirect_uri: String,
    purpose: FlowPurpose,
    next: Option<String>,
    /// Whoever is logged in already proves it anew, from then on.
    #[serde(default)]
    prove_since: Option<DateTime<Utc>>,
    /// A digest of what the browser is known by.
    browser: String,
    /// Of the verifier, by which the right one of several secrets is known.
    challenge: String,
}

impl<U: UserModel> Auth<U> {
    /// Begins a login by the provider of that name, and says where the browser is to be sent. Whoever is logged in already has to prove
    /// to the provider anew who they are, if it can ask them. What comes back with it goes to
    /// [`Auth::take_flow`]. `next` is where the visitor wants to go after that: it comes back as it was given, and the routes follow
    /// only a path on this site.
    ///
    /// # Errors
    /// [`AuthenticationError::TooMany`], by source; [`AuthenticationError::Unavailable`], also when there is no such provider, or no
    /// [origin](super::super::AuthBuilder::origin) of this site is set.
    pub async fn begin_login(
        &self,
        session: &Session,
        provider: &str,
        next: Option<&str>,
        origin: &Origin,
    ) -> Result<String, AuthenticationError> {
        self.begin_flow(session, provider, FlowPurpose::LogIn, next, origin).await
    }

    /// Begins to link an account at the provider of that name to whoever is logged in in this session, in person, and has proved
    /// that within five minutes. `PermissionDenied` for anybody else.
    ///
    /// # Errors
    /// As [`Auth::begin_login`].
    pub async fn begin_link(
        &self,
        session: &Session,
        principal: &Principal,
        provider: &str,
        next: Option<&str>,
        origin: &Origin,
    ) -> Result<Result<String, PermissionDenied>, AuthenticationError> {
        if let Err(denied) = Granted::<Recently>::check(principal) {
            return Ok(Err(denied));
        }
        if session.login().is_none_or(|login| login.user_id != principal.id()) {
            return Ok(Err(PermissionDenied::named("a login in this session")));
        }
        let purpose = FlowPurpose::Link { user_id: principal.id().to_owned() };
        self.begin_flow(session, provider, purpose, next, origin).await.map(Ok)
    }

    async fn begin_flow(
        &self,
        session: &Session,
        provider: &str,
        purpose: FlowPurpose,
        next: Option<&str>,
        origin: &Origin,
    ) -> Result<String, AuthenticationError> {
        let known = self.authentication().provider(provider)?;
        // Each takes some room for ten minutes.
        let rate = Rate::new(Duration::from_secs(1), 100).expect("a hundred seconds are not 30 days");
        self.authentication().limited("login by provider begun", rate, origin).await?;
        let state = Base64UrlUnpadded::encode_string(&secret::random::<32>());
        let verifier = verifiers(&self.flow_key(), &state).next().unwrap_or_else(CodeVerifier::generate);
        let now = self.inner().clock.now();
        let again = purpose == FlowPurpose::LogIn && session.login().is_some();
        let stored = Stored {
            provider: provider.to_owned(),
            redirect_uri: self.callback_url(provider)?,
            purpose,
            next: next.map(str::to_owned),
            prove_since: again.then_some(now),
            browser: digest(&browser(session)?),
            challenge: verifier.challenge().as_str().to_owned(),
        };
        let flow = AuthorizationFlow::of(provider, &stored.redirect_uri, state.into(), verifier);
        let flow = flow.with_prove_since(stored.prove_since);
        let failed = |error| Error::Backend { name: provider.to_owned(), source: Box::new(error) };
        let url = known.get_auth_url(&flow).await.map_err(failed)?;
        let value = serde_json::to_vec(&stored).map_err(|error| Error::from(RecordError::store(error)))?;
        let record = NewRecord { owner: None, value, expires_at: now + LIFETIME };
        self.records().insert(KIND, &digest(flow.state()), record).await.map_err(Error::from)?;
        Ok(url)
    }

    /// The flow that an answer belongs to. It is given once. `None`, if none was begun with this state in this session for this
    /// provider, or more than ten minutes ago: somebody else may have begun it, to have this browser logged in as them.
    ///
    /// # Errors
    /// When a store fails.
    pub async fn take_flow(&self, session: &Session, provider: &str, state: &str) -> Result<Option<BegunFlow>, Error> {
        let Some(record) = self.records().take(KIND, &digest(state)).await? else { return Ok(None) };
        let Ok(stored) = serde_json::from_slice::<Stored>(&record.value) else { return Ok(None) };
        let Some(browser) = session.get::<String>(KEY)? else { return Ok(None) };
        let is_same = bool::from(digest(&browser).as_bytes().ct_eq(stored.browser.as_bytes()));
        if !is_same || stored.provider != provider {
            return Ok(None);
        }
        let Ok(challenge) = CodeChallenge::parse(&stored.challenge) else { return Ok(None) };
        let made = verifiers(&self.flow_key(), state).find(|verifier| challenge.verify(verifier));
        let Some(verifier) = made else { return Ok(None) };
        let state = SecretString::from(state);
        let flow = AuthorizationFlow::of(&stored.provider, &stored.redirect_uri, state, verifier);
        let flow = flow.with_prove_since(stored.prove_since);
        Ok(Some(BegunFlow { flow, purpose: stored.purpose, next: stored.next }))
    }

    fn flow_key(&self) -> MacKey {
        self.inner().secret.derive("auth: authorization flows")
    }

    /// Each provider has an address of its own to come back to, so that one cannot answer in another's place (RFC 9700 §4.4).
    fn callback_url(&self, provider: &str) -> Result<String, Error> {
        let settings = &self.inner().settings;
        let Some(origin) = settings.trusted_origins.first() else {
            let text =
                "other providers must be told where this site is: set AUTH_ORIGIN, or call `.origin(\"https://…\")`";
            return Err(Error::Configuration(text.to_owned()));
        };
        Ok(format!("{origin}{}/{provider}/callback", settings.login_url))
    }
}

/// The verifiers that the application's secrets make of a state, of the newest first.
fn verifiers(key: &MacKey, state: &str) -> impl Iterator<Item = CodeVerifier> {
    let tags: Vec<_> = key.each(&[state.as_bytes()]).collect();
    tags.into_iter().filter_map(|tag| CodeVerifier::parse(&Base64UrlUnpadded::encode_string(&tag)).ok())
}

/// What this browser is known by, in all its flows.
fn browser(session: &Session) -> Result<String, Error> {
    if let Some(known) = session.get::<String>(KEY)? {
        return Ok(known);
    }
    let fresh = Base64UrlUnpadded::encode_string(&secret::random::<32>());
    session.set(KEY, &fresh)?;
    Ok(fresh)
}

fn digest(text: &str) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(text))
}
