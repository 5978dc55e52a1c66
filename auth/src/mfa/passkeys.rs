//! Passkeys (WebAuthn Level 3): as second factors, and as the only one.

use std::sync::Arc;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;
use webauthn_rs::Webauthn;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential, RegisterPublicKeyCredential,
    RequestChallengeResponse,
};

use super::factor::{Kept, TRIES};
use super::relying_party::relying_party;
use super::{Asked, AuthMethods, Factor, FactorKind, MFAAuthentication, MfaError};
use crate::records::RecordReplaced;

/// What the browser is asked, for `navigator.credentials`. Sent to a page as JSON, it is used like this:
///
/// ```js
/// const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked.publicKey);
/// const credential = await navigator.credentials.create({ publicKey });
/// // … back go `asked.challenge` and `credential.toJSON()`
/// ```
///
/// For a login it is `parseRequestOptionsFromJSON` and `navigator.credentials.get`. The pages of `auth.routes()` and
/// `auth.factor_routes()` do it by themselves.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PasskeyChallenge {
    /// The id that the answer comes back with: it counts for five minutes, and once, as long as nothing newer was asked in that
    /// session or login.
    pub challenge: String,
    /// The options, as `PublicKeyCredential.parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON` read them.
    #[serde(rename = "publicKey")]
    pub public_key: Value,
}

/// What a factor of this kind keeps: nothing secret, as the private key never leaves the authenticator.
#[derive(Serialize, Deserialize)]
struct Stored {
    /// What authenticators know the user by: drawn, so that it tells nothing of the user (WebAuthn Level 3 §14.6.1).
    handle: Uuid,
    passkey: Passkey,
}

#[derive(Serialize, Deserialize)]
struct Registration {
    handle: Uuid,
    state: PasskeyRegistration,
}

const LIFETIME: TimeDelta = TimeDelta::minutes(5);
const REGISTRATION: &str = "passkey registration";
const AUTHENTICATION: &str = "passkey";
const LOGIN: &str = "passkey login";
/// Whom a login is asked of that says by itself who it is.
const NOBODY: &str = "";

const NO_RELYING_PARTY: &str = "passkeys are bound to this site's origin, and it has none that they can be bound to: call \
                                `.origin(\"https://example.com\")` or set AUTH_ORIGINS; while developing, \
                                `http://localhost:3000` will do, and an IP address never does";

impl MFAAuthentication {
    /// Passkeys are bound to the host of the first of these origins, and are answers to pages of it, of its subdomains and its
    /// other ports as far as these are named here. Only origins with https and a host name count, and `http://localhost`.
    #[must_use]
    pub fn with_relying_party(self, origins: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        Self { relying_party: relying_party(&self.issuer, origins).map(Arc::new), ..self }
    }

    /// Whether there is an origin that passkeys can be bound to.
    pub fn has_relying_party(&self) -> bool {
        self.relying_party.is_some()
    }

    /// Asks the browser to make a passkey for this user, under the name that the user knows the account by. The passkeys that
    /// the user has are excluded.
    ///
    /// # Errors
    /// [`MfaError::Configuration`] without an origin to bind it to, and when a store fails.
    pub async fn start_passkey_registration(
        &self,
        user_id: &str,
        user_name: &str,
        display_name: &str,
        attempt: &str,
    ) -> Result<PasskeyChallenge, MfaError> {
        let relying_party = self.relying_party()?;
        let known = self.passkeys(user_id).await?;
        // One for all of a user's passkeys, so that an authenticator shows one account.
        let handle = known.first().map_or_else(Uuid::new_v4, |known| known.handle);
        let excluded = known.iter().map(|known| known.passkey.cred_id().clone()).collect();
        let started = relying_party.start_passkey_registration(handle, user_name, display_name, Some(excluded));
        let (asked, state) = started.map_err(|error| MfaError::Failed(error.into()))?;
        let mut public_key = serde_json::to_value(asked.public_key).map_err(|_| MfaError::Damaged)?;
        // One that the authenticator finds by itself needs no name at a login.
        public_key["authenticatorSelection"]["residentKey"] = "preferred".into();
        let asked = Asked { user_id, purpose: REGISTRATION, attempt };
        let challenge = self.challenges.begin(asked, &Registration { handle, state }, LIFETIME).await?;
        Ok(PasskeyChallenge { challenge, public_key })
    }

    /// Keeps the passkey that the browser has made: what `navigator.credentials.create` gave, as JSON. `None` if it is no answer
    /// to what was asked, if its user was not verified, or if somebody has it already.
    ///
    /// # Errors
    /// [`MfaError::Invalid`] for a name that none can have, [`MfaError::TooMany`], and when a store fails.
    pub async fn finish_passkey_registration(
        &self,
        user_id: &str,
        attempt: &str,
        challenge: &str,
        response: &str,
        name: &str,
    ) -> Result<Option<Factor>, MfaError> {
        let relying_party = self.relying_party()?;
        let asked = Asked { user_id, purpose: REGISTRATION, attempt };
        let Some(Registration { handle, state }) = self.challenges.take(challenge, asked).await? else {
            return Ok(None);
        };
        let Ok(response) = serde_json::from_str::<RegisterPublicKeyCredential>(response) else { return Ok(None) };
        let passkey = match relying_party.finish_passkey_registration(&response, &state) {
            Ok(passkey) => passkey,
            Err(error) => {
                tracing::info!(%error, "a passkey is not registered");
                return Ok(None);
            }
        };
        let id = factor_id(passkey.cred_id());
        let data = serde_json::to_value(Stored { handle, passkey }).map_err(|_| MfaError::Damaged)?;
        self.factors.add_as(&id, user_id, FactorKind::Passkey, name, data, self.clock.now()).await
    }

    /// Asks for one of the user's passkeys. `None` if there is none.
    ///
    /// # Errors
    /// As [`MFAAuthentication::start_passkey_registration`].
    pub async fn start_passkey_authentication(
        &self,
        user_id: &str,
        attempt: &str,
    ) -> Result<Option<PasskeyChallenge>, MfaError> {
        let relying_party = self.relying_party()?;
        let passkeys: Vec<_> = self.passkeys(user_id).await?.into_iter().map(|known| known.passkey).collect();
        if passkeys.is_empty() {
            return Ok(None);
        }
        let (named, _) =
            relying_party.start_passkey_authentication(&passkeys).map_err(|error| MfaError::Failed(error.into()))?;
        let asked = Asked { user_id, purpose: AUTHENTICATION, attempt };
        let name_them = |request: &mut RequestChallengeResponse| {
            request.public_key.allow_credentials = named.public_key.allow_credentials;
        };
        self.ask(asked, name_them).await.map(Some)
    }

    /// Asks for a passkey of whoever is there: a login that needs neither a name nor a password.
    ///
    /// # Errors
    /// As [`MFAAuthentication::start_passkey_registration`].
    pub async fn start_passkey_login(&self, attempt: &str) -> Result<PasskeyChallenge, MfaError> {
        self.ask(Asked { user_id: NOBODY, purpose: LOGIN, attempt }, |_| {}).await
    }

    /// Whose passkey that is, and by which methods it proves it. `None`: nobody's. Whether the user is active is not looked at.
    ///
    /// # Errors
    /// As [`MFAAuthentication::start_passkey_registration`].
    pub async fn verify_passkey_login(
        &self,
        attempt: &str,
        challenge: &str,
        response: &str,
    ) -> Result<Option<(String, AuthMethods)>, MfaError> {
        self.answered(Asked { user_id: NOBODY, purpose: LOGIN, attempt }, challenge, response).await
    }

    /// The same for a user who is known.
    pub(super) async fn verify_passkey(
        &self,
        user_id: &str,
        attempt: &str,
        challenge: &str,
        response: &str,
    ) -> Result<Option<AuthMethods>, MfaError> {
        let asked = Asked { user_id, purpose: AUTHENTICATION, attempt };
        Ok(self.answered(asked, challenge, response).await?.map(|(_, methods)| methods))
    }

    /// What is kept of it names no passkeys: they are read when the answer comes, with the counters of then.
    async fn ask(
        &self,
        asked: Asked<'_>,
        narrow: impl FnOnce(&mut RequestChallengeResponse),
    ) -> Result<PasskeyChallenge, MfaError> {
        let started = self.relying_party()?.start_discoverable_authentication();
        let (mut request, state) = started.map_err(|error| MfaError::Failed(error.into()))?;
        narrow(&mut request);
        let public_key = serde_json::to_value(request.public_key).map_err(|_| MfaError::Damaged)?;
        let challenge = self.challenges.begin(asked, &state, LIFETIME).await?;
        Ok(PasskeyChallenge { challenge, public_key })
    }

    async fn answered(
        &self,
        asked: Asked<'_>,
        challenge: &str,
        response: &str,
    ) -> Result<Option<(String, AuthMethods)>, MfaError> {
        let relying_party = self.relying_party()?;
        let Some(state) = self.challenges.take::<DiscoverableAuthentication>(challenge, asked).await? else {
            return Ok(None);
        };
        let Ok(response) = serde_json::from_str::<PublicKeyCredential>(response) else { return Ok(None) };
        if is_embedded(&response) {
            return Ok(None);
        }
        let id = factor_id(response.get_credential_id());
        for _ in 0..TRIES {
            let Some((user_id, mut kept)) = self.factors.find_any(&id).await? else { return Ok(None) };
            let mut stored = read(&kept)?;
            if !(asked.user_id == NOBODY || asked.user_id == user_id) || !names(&response, stored.handle, asked) {
                return Ok(None);
            }
            let result = relying_party.finish_discoverable_authentication_v2(&response, state.clone(), &stored.passkey);
            let result = match result {
                Ok(result) => result,
                Err(error) => {
                    tracing::info!(factor = id, %error, "a passkey's answer is refused");
                    return Ok(None);
                }
            };
            stored.passkey.update_credential(&result);
            kept.stored.last_used_at = Some(self.clock.now());
            kept.stored.data = serde_json::to_value(stored).map_err(|_| MfaError::Damaged)?;
            match self.factors.replace(&user_id, &kept).await? {
                RecordReplaced::Done => {
                    let verified = if result.user_verified() { AuthMethods::USER_VERIFIED } else { AuthMethods::NONE };
                    return Ok(Some((user_id, AuthMethods::PASSKEY | verified)));
                }
                RecordReplaced::Gone => return Ok(None),
                // Used somewhere else at the same moment: its counter is another now.
                RecordReplaced::Changed => {}
            }
        }
        Err(MfaError::Contended)
    }

    async fn passkeys(&self, user_id: &str) -> Result<Vec<Stored>, MfaError> {
        let factors = self.factors.of(user_id).await?;
        factors.iter().filter(|kept| kept.stored.kind == FactorKind::Passkey).map(read).collect()
    }

    fn relying_party(&self) -> Result<&Webauthn, MfaError> {
        self.relying_party.as_deref().ok_or_else(|| MfaError::Configuration(NO_RELYING_PARTY.to_owned()))
    }
}

/// The factor of a credential, whoever's it is: so the store itself keeps it from being registered twice.
fn factor_id(credential_id: &[u8]) -> String {
    let digest: [u8; 32] = Sha256::digest(credential_id).into();
    Uuid::from_bytes(std::array::from_fn(|at| digest[at])).simple().to_string()
}

fn read(kept: &Kept) -> Result<Stored, MfaError> {
    Stored::deserialize(&kept.stored.data).map_err(|_| MfaError::Damaged)
}

/// Whether the authenticator says that it is of this user. It may say nothing where the user is known (WebAuthn Level 3 §7.2).
fn names(response: &PublicKeyCredential, handle: Uuid, asked: Asked<'_>) -> bool {
    match response.get_user_unique_id() {
        Some(said) => said == handle.as_bytes(),
        None => asked.user_id != NOBODY,
    }
}

/// Whether the page that asked stood inside another site's.
fn is_embedded(response: &PublicKeyCredential) -> bool {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ClientData {
        #[serde(default)]
        cross_origin: bool,
    }
    serde_json::from_slice(&response.response.client_data_json).is_ok_and(|data: ClientData| data.cross_origin)
}
