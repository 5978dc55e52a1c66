//! What people allowed clients, to be shown to them and taken back.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::store::Kept;
use super::{
    AuthorizationRequest, OAuth2Application, OAuth2Authentication, OAuth2Error, OAuth2Grant, OAuth2RecordKind,
    ResourceOwner, Scope,
};
use crate::audit::AuditAction;
use crate::records::RecordReplaced;

/// What a user allowed a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Consent {
    /// The user.
    pub user_id: String,
    /// The client.
    pub client_id: String,
    /// What it may do, from all times that the user agreed.
    pub scope: Scope,
    /// When the user last agreed.
    pub granted_at: DateTime<Utc>,
    /// What grants of it, and their families of refresh tokens, are owned by.
    id: String,
    /// Another one after whatever ends all that came of it: what was allowed before gives nothing then.
    generation: Uuid,
}

/// Who allowed a client something, and how: what codes and devices keep until they are exchanged.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Allowed {
    pub(super) user_id: String,
    pub(super) credential: i64,
    pub(super) auth_time: DateTime<Utc>,
    pub(super) methods: Vec<String>,
    pub(super) session: Option<String>,
    /// What the consent had then; nothing where there was none.
    generation: Option<Uuid>,
}

/// After so long without use the user is asked again. Longer than any grant: what came of a consent is found by it.
const REMEMBERED: TimeDelta = TimeDelta::days(367);
const TRIES: usize = 16;

impl OAuth2Authentication {
    /// How many clients a user has allowed something at the most: one more takes back what the user agreed to longest ago.
    pub const MAX_CONSENTS: usize = 200;

    /// What a user allowed clients, for "connected applications".
    ///
    /// # Errors
    /// [`OAuth2Error`] when the store cannot tell.
    pub async fn consents(&self, user_id: &str) -> Result<Vec<Consent>, OAuth2Error> {
        self.store().owned(user_id).await
    }

    /// Takes back what a user allowed a client, and ends what came of it: its access tokens are refused from now on, its
    /// refresh tokens, codes and allowed devices give no more, also where they are being exchanged at this moment. Says whether
    /// there was anything.
    ///
    /// # Errors
    /// [`OAuth2Error`] when the store fails: ask again.
    pub async fn revoke_consent(&self, user_id: &str, client_id: &str) -> Result<bool, OAuth2Error> {
        let id = id_of(user_id, client_id);
        let consent = self.store().take::<Consent>(&id).await?;
        let ended = self.end_grants(&id).await?;
        let any = consent.is_some() || ended > 0;
        if any {
            let client = client_id.to_owned().into();
            self.audit().record(AuditAction::ConsentRevoked { client }, Some(user_id)).await;
        }
        Ok(any)
    }

    /// Ends all that a user granted clients, and says how much there was: access tokens, refresh tokens, codes, and what
    /// devices wait for. What the user agreed to is still remembered.
    ///
    /// # Errors
    /// [`OAuth2Error`] when the store fails: ask again.
    pub async fn end_grants_of(&self, user_id: &str) -> Result<u64, OAuth2Error> {
        let mut ended = 0;
        for consent in self.consents(user_id).await? {
            self.begin_generation(&consent.id).await?;
            ended += self.end_grants(&consent.id).await?;
        }
        Ok(ended)
    }

    async fn begin_generation(&self, consent: &str) -> Result<(), OAuth2Error> {
        for _ in 0..TRIES {
            let Some(mut found) = self.store().find::<Consent>(consent).await? else { return Ok(()) };
            found.value.generation = Uuid::new_v4();
            if self.store().replace(&found).await? != RecordReplaced::Changed {
                return Ok(());
            }
        }
        Err(OAuth2Error::Contended)
    }

    /// Ends every grant of a consent, however many there are, and their families.
    async fn end_grants(&self, consent: &str) -> Result<u64, OAuth2Error> {
        // First what every access token asks about.
        let ended = self.store().delete_owned::<OAuth2Grant>(consent).await?;
        self.inner.rotation.revoke_user(consent).await?;
        Ok(ended)
    }

    /// What a user allows a client now, by a consent that stands.
    pub(super) async fn allowed_by(&self, owner: &ResourceOwner, client_id: &str) -> Result<Allowed, OAuth2Error> {
        let found = self.store().find::<Consent>(&id_of(&owner.user_id, client_id)).await?;
        Ok(Allowed {
            user_id: owner.user_id.clone(),
            credential: owner.credential,
            auth_time: owner.auth_time,
            methods: owner.methods.names().into_iter().map(str::to_owned).collect(),
            session: owner.session.clone(),
            generation: found.map(|found| found.value.generation),
        })
    }

    /// Whether that is allowed still: its user is active, with the credentials of then, and has ended nothing since.
    pub(super) async fn is_still_allowed(
        &self,
        allowed: &Allowed,
        application: &OAuth2Application,
        scope: &Scope,
    ) -> Result<bool, OAuth2Error> {
        let consent = self.consent(&allowed.user_id, application, scope).await?;
        Ok(consent.is_some_and(|consent| Some(consent.generation) == allowed.generation)
            && self.is_current(&allowed.user_id, allowed.credential).await?)
    }

    /// Whether a user agreed to that, and did not take it back.
    pub(super) async fn has_consent(
        &self,
        user_id: &str,
        application: &OAuth2Application,
        scope: &Scope,
    ) -> Result<bool, OAuth2Error> {
        Ok(self.consent(user_id, application, scope).await?.is_some())
    }

    async fn consent(
        &self,
        user_id: &str,
        application: &OAuth2Application,
        scope: &Scope,
    ) -> Result<Option<Consent>, OAuth2Error> {
        let found = self.store().find::<Consent>(&id_of(user_id, &application.client_id)).await?;
        Ok(found
            .map(|found| found.value)
            .filter(|consent| consent.is_of(application) && scope.is_within(&consent.scope)))
    }

    /// Remembers that a user agreed.
    pub(super) async fn remember_consent(
        &self,
        request: &AuthorizationRequest,
        owner: &ResourceOwner,
    ) -> Result<(), OAuth2Error> {
        self.remember(&owner.user_id, &request.application, &request.scope).await
    }

    pub(super) async fn remember(
        &self,
        user_id: &str,
        application: &OAuth2Application,
        scope: &Scope,
    ) -> Result<(), OAuth2Error> {
        let client_id = application.client_id.as_str();
        let (id, granted_at) = (id_of(user_id, client_id), self.now());
        for _ in 0..TRIES {
            let written = if let Some(mut found) = self.store().find::<Consent>(&id).await? {
                let is_of = found.value.is_of(application);
                let before = if is_of { found.value.scope.clone() } else { Scope::default() };
                let generation = if is_of { found.value.generation } else { Uuid::new_v4() };
                found.value = Consent { scope: before.and(scope), granted_at, generation, ..found.value };
                let written = self.store().replace(&found).await? == RecordReplaced::Done;
                if written && is_of && scope.is_within(&before) {
                    return Ok(());
                }
                written
            } else {
                let consent = Consent {
                    user_id: user_id.to_owned(),
                    client_id: client_id.to_owned(),
                    scope: scope.clone(),
                    granted_at,
                    id: id.clone(),
                    generation: Uuid::new_v4(),
                };
                let written = self.store().insert(&consent).await?;
                if written {
                    self.make_room(&consent).await?;
                }
                written
            };
            if written {
                let (client, scope) = (client_id.to_owned().into(), scope.to_string().into());
                self.audit().record(AuditAction::ConsentGranted { client, scope }, Some(user_id)).await;
                return Ok(());
            }
        }
        Err(OAuth2Error::Contended)
    }

    /// Takes back what the user agreed to longest ago, where there is more than there may be.
    async fn make_room(&self, newest: &Consent) -> Result<(), OAuth2Error> {
        let mut consents = self.consents(&newest.user_id).await?;
        let too_many = consents.len().saturating_sub(Self::MAX_CONSENTS);
        consents.retain(|consent| consent.id != newest.id);
        consents.sort_by_key(|consent| consent.granted_at);
        for consent in consents.iter().take(too_many) {
            self.revoke_consent(&consent.user_id, &consent.client_id).await?;
        }
        Ok(())
    }
}

impl Consent {
    /// Whether that is the client: not another one that had the same name.
    fn is_of(&self, application: &OAuth2Application) -> bool {
        self.client_id == application.client_id && self.granted_at >= application.created_at()
    }
}

/// What is allowed a client by a user is found by this.
pub(super) fn id_of(user_id: &str, client_id: &str) -> String {
    let mut digest = Sha256::new();
    for part in [user_id, client_id] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    Base64UrlUnpadded::encode_string(&digest.finalize())
}

impl Kept for Consent {
    const KIND: OAuth2RecordKind = OAuth2RecordKind::Consent;

    fn id(&self) -> &str {
        &self.id
    }

    fn owner(&self) -> Option<&str> {
        Some(&self.user_id)
    }

    fn expires_at(&self) -> DateTime<Utc> {
        self.granted_at + REMEMBERED
    }
}
