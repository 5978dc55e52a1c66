use super::flows::Recently;
use super::{BegunFlow, FlowPurpose, LinkedIdentity};
use crate::access::{Granted, PermissionDenied, Principal};
use crate::accounts::{Auth, AuthenticationError, Error};
use crate::audit::{AuditAction, Origin};
use crate::oauth2::AuthorizationResponse;
use crate::sessions::Session;
use crate::users::UserModel;

/// What became of linking.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum LinkOutcome {
    /// The account there belongs to the user now.
    Linked(LinkedIdentity),
    /// It belonged to the user already.
    AlreadyLinked,
    /// It belongs to somebody else, and stays theirs.
    BelongsToAnother,
}

/// What became of unlinking.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum UnlinkOutcome {
    /// The account there belongs to the user no longer.
    Unlinked(LinkedIdentity),
    /// The user has no such identity.
    NotFound,
    /// The user has no password, and would not get in any more: it stays.
    LastWayIn,
}

impl<U: UserModel> Auth<U> {
    /// The accounts at other providers that belong to a user, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn identities(&self, user_id: &str) -> Result<Vec<LinkedIdentity>, Error> {
        Ok(self.authentication().inner().identities.of(user_id).await?)
    }

    /// Links the account that the provider vouches for to whoever began that ([`Auth::begin_link`]), and is still the one who is
    /// logged in.
    ///
    /// # Errors
    /// [`AuthenticationError::SessionExpired`] for anybody else; [`AuthenticationError::InvalidToken`], where what came back proves
    /// nothing; [`AuthenticationError::Unavailable`]
    pub async fn link_identity(
        &self,
        principal: &Principal,
        begun: &BegunFlow,
        response: &AuthorizationResponse,
        origin: &Origin,
    ) -> Result<LinkOutcome, AuthenticationError> {
        let is_own = matches!(&begun.purpose, FlowPurpose::Link { user_id } if user_id == principal.id());
        if !is_own || principal.is_delegated() {
            return Err(AuthenticationError::SessionExpired);
        }
        let (service, provider) = (self.authentication(), begun.flow.provider());
        let info = service.vouched(&begun.flow, response).await?;
        let identity = LinkedIdentity::new(provider, &info, self.inner().clock.now());
        let store = &service.inner().identities;
        if store.insert(principal.id(), &identity).await.map_err(Error::from)? {
            let linked = AuditAction::IdentityLinked { provider: provider.to_owned().into() };
            self.audit().from(origin.clone()).record(linked, Some(principal.id())).await;
            return Ok(LinkOutcome::Linked(identity));
        }
        let owner = store.owner(&info).await.map_err(Error::from)?;
        Ok(if owner.as_deref() == Some(principal.id()) {
            LinkOutcome::AlreadyLinked
        } else {
            LinkOutcome::BelongsToAnother
        })
    }

    /// Takes an identity from whoever is logged in, in person, and has proved that within five minutes; `PermissionDenied` for
    /// anybody else. Without a password, the last one at a provider that there still is stays.
    ///
    /// Whoever came by it is logged out: everything ends that the user is logged in with, but for this session.
    ///
    /// # Errors
    /// When a store fails: then it stays too, as far as that can be done.
    pub async fn unlink_identity(
        &self,
        session: &Session,
        principal: &Principal,
        id: &str,
        origin: &Origin,
    ) -> Result<Result<UnlinkOutcome, PermissionDenied>, Error> {
        if let Err(denied) = Granted::<Recently>::check(principal) {
            return Ok(Err(denied));
        }
        let (user_id, store) = (principal.id(), &self.authentication().inner().identities);
        let account = self.users().find_by_id_text(user_id).await?;
        let has_password = account.is_some_and(|account| account.user.password_hash().is_usable());
        let Some(identity) = store.take(user_id, id).await? else { return Ok(Ok(UnlinkOutcome::NotFound)) };
        // Looked at afterwards, so that of two that go at the same moment one comes back; and so does one where nobody can tell.
        let known = self.authentication().providers();
        let opens = |left: Vec<LinkedIdentity>| left.iter().any(|other| known.contains(&other.provider));
        let is_last = if has_password { Ok(false) } else { store.of(user_id).await.map(|left| !opens(left)) };
        if !matches!(is_last, Ok(false)) {
            store.insert(user_id, &identity).await?;
            return Ok(is_last.map(|_| Ok(UnlinkOutcome::LastWayIn))?);
        }
        let is_theirs = session.login().is_some_and(|login| login.user_id == user_id);
        let kept = session.stored_key().filter(|_| is_theirs);
        if let Err(error) = self.end_logins(user_id, kept.as_ref(), origin).await {
            store.insert(user_id, &identity).await?;
            return Err(error);
        }
        let unlinked = AuditAction::IdentityUnlinked { provider: identity.provider.clone().into() };
        self.audit().from(origin.clone()).record(unlinked, Some(user_id)).await;
        Ok(Ok(UnlinkOutcome::Unlinked(identity)))
    }

    /// Takes all identities from a user, and says how many there were: when an account is erased.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn forget_identities(&self, user_id: &str) -> Result<u64, Error> {
        Ok(self.authentication().inner().identities.take_all(user_id).await?)
    }
}
