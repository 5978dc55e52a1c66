//! What people allowed clients, to be shown to them and taken back.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::store::{Found, Kept};
use super::{
    AuthorizationRequest, OAuth2Application, OAuth2Authentication, OAuth2Error, OAuth2RecordKind, ResourceOwner, Scope,
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
    id: String,
}

/// After so long without use the user is asked again.
const REMEMBERED: TimeDelta = TimeDelta::days(366);
const TRIES: usize = 16;

impl OAuth2Authentication {
    /// What a user allowed clients, for "connected applications"; the first 1000.
    ///
    /// # Errors
    /// [`OAuth2Error`] when the store cannot tell.
    pub async fn consents(&self, user_id: &str) -> Result<Vec<Consent>, OAuth2Error> {
        self.store().owned(user_id).await
    }

    /// Takes back what a user allowed a client, and ends what came of it: its access tokens are refused from now on, its
    /// refresh tokens and codes give no more. Says whether there was anything.
    ///
    /// # Errors
    /// [`OAuth2Error`] when the store fails: ask again.
    pub async fn revoke_consent(&self, user_id: &str, client_id: &str) -> Result<bool, OAuth2Error> {
        let consent = self.store().take::<Consent>(&id_of(user_id, client_id)).await?;
        let ended = self.end_grants(user_id, |grant| grant.client_id == client_id).await?;
        let any = consent.is_some() || ended > 0;
        if any {
            let client = client_id.to_owned().into();
            self.audit().record(AuditAction::ConsentRevoked { client }, Some(user_id)).await;
        }
        Ok(any)
    }

    /// Whether a user agreed to that, and did not take it back.
    pub(super) async fn has_consent(
        &self,
        user_id: &str,
        application: &OAuth2Application,
        scope: &Scope,
    ) -> Result<bool, OAuth2Error> {
        let found = self.store().find(&id_of(user_id, &application.client_id)).await?;
        Ok(found.is_some_and(|found: Found<Consent>| {
            // Not what was agreed to of another client that had the same name.
            let is_of = found.value.granted_at >= application.created_at();
            is_of && scope.is_within(&found.value.scope)
        }))
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
                let is_of = found.value.granted_at >= application.created_at();
                let before = if is_of { found.value.scope.clone() } else { Scope::default() };
                found.value = Consent { scope: before.and(scope), granted_at, ..found.value };
                let written = self.store().replace(&found).await? == RecordReplaced::Done;
                if written && is_of && scope.is_within(&before) {
                    return Ok(());
                }
                written
            } else {
                let (user_id, client_id) = (user_id.to_owned(), client_id.to_owned());
                let consent = Consent { user_id, client_id, scope: scope.clone(), granted_at, id: id.clone() };
                self.store().insert(&consent).await?
            };
            if written {
                let (client, scope) = (client_id.to_owned().into(), scope.to_string().into());
                self.audit().record(AuditAction::ConsentGranted { client, scope }, Some(user_id)).await;
                return Ok(());
            }
        }
        Err(OAuth2Error::Contended)
    }
}

fn id_of(user_id: &str, client_id: &str) -> String {
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
