use std::fmt;

use super::FactorError;
use crate::access::{Granted, MultiFactor, Principal, RecentLogin};
use crate::accounts::{Auth, Error};
use crate::audit::{AuditAction, Origin};
use crate::mfa::{AuthMethods, MFAAuthentication};
use crate::sessions::{Login, Session, SessionError};
use crate::users::UserModel;

/// How long ago the login may have been.
const RECENT: u64 = 5 * 60;

/// The proof that a user may change their own second factors now, and the changes: [`Auth::change_factors`] gives it.
///
/// With a factor added or removed, everything else ends that the user is logged in with: other sessions, and tokens, clients'
/// too. This session gets a new key. All of it is told to the trail.
///
/// # Security
/// Sessions that are kept in their cookies, or in a store that cannot tell a user's, do not end by it.
pub struct FactorChanges<'a, U: UserModel> {
    pub(super) auth: &'a Auth<U>,
    pub(super) principal: &'a Principal,
    /// The session in which the user is logged in, if it is one.
    pub(super) session: Option<&'a Session>,
    pub(super) origin: Origin,
}

impl<U: UserModel> Auth<U> {
    /// Lets a user change their own second factors, who proved who they are in the last five minutes, and with a second factor if
    /// they have one.
    ///
    /// ```
    /// # use auth::prelude::*;
    /// # use auth::accounts::FactorError;
    /// # use auth::audit::Origin;
    /// # use auth::users::DefaultUser;
    /// async fn remove(
    ///     auth: Auth<DefaultUser>,
    ///     who: Principal,
    ///     session: Session,
    ///     origin: Origin,
    ///     id: &str,
    /// ) -> Result<bool, FactorError> {
    ///     auth.change_factors(&who, &session, &origin).await?.remove(id).await
    /// }
    /// ```
    ///
    /// # Errors
    /// [`FactorError::Denied`] for whoever acts for the user, and where it has been too long. [`FactorError::Failed`]
    pub async fn change_factors<'a>(
        &'a self,
        principal: &'a Principal,
        session: &'a Session,
        origin: &Origin,
    ) -> Result<FactorChanges<'a, U>, FactorError> {
        Granted::<RecentLogin<RECENT>>::check(principal)?;
        if !self.mfa().required(principal.id()).await?.is_empty() {
            Granted::<MultiFactor>::check(principal)?;
        }
        let is_theirs = session.login().is_some_and(|login| login.user_id == principal.id());
        let origin = origin.clone().by(principal.id());
        Ok(FactorChanges { auth: self, principal, session: is_theirs.then_some(session), origin })
    }
}

impl<U: UserModel> FactorChanges<'_, U> {
    /// Gives a factor another name: 1 to 64 characters. Says whether there is such a factor.
    ///
    /// # Errors
    /// [`FactorError::Failed`]
    pub async fn rename(&self, factor_id: &str, name: &str) -> Result<bool, FactorError> {
        Ok(self.mfa().rename(self.principal.id(), factor_id, name).await?)
    }

    /// Removes a factor. Says whether there was such a one.
    ///
    /// # Errors
    /// [`FactorError::Failed`]
    pub async fn remove(&self, factor_id: &str) -> Result<bool, FactorError> {
        let (mfa, user_id) = (self.mfa(), self.principal.id());
        if !mfa.factors(user_id).await?.iter().any(|factor| factor.id == factor_id) {
            return Ok(false);
        }
        // Before it as well: should that fail, the factor is still there, and this can be asked again.
        self.end_others().await?;
        let Some(factor) = mfa.remove(user_id, factor_id).await? else { return Ok(false) };
        let ended = self.end_others().await;
        self.changed(AuditAction::FactorRemoved { kind: factor.kind.name().into() }, AuthMethods::NONE).await?;
        ended?;
        Ok(true)
    }

    pub(super) fn mfa(&self) -> &MFAAuthentication {
        self.auth.mfa()
    }

    pub(super) async fn tell(&self, action: AuditAction) {
        self.auth.audit().from(self.origin.clone()).record(action, Some(self.principal.id())).await;
    }

    /// Ends everything else that the user is logged in with: as much of it as can be, where something fails.
    pub(super) async fn end_others(&self) -> Result<(), Error> {
        let session = self.session.and_then(Session::stored_key);
        self.auth.end_logins(self.principal.id(), session.as_ref(), &self.origin).await
    }

    /// Notes a change in the session, and tells of it.
    pub(super) async fn changed(&self, action: AuditAction, proved: AuthMethods) -> Result<(), Error> {
        let renewed = self.renew(proved).await;
        // Last: a mail takes its time.
        self.tell(action).await;
        Ok(renewed?)
    }

    /// Gives the session a new key, and notes by what else the user has proved who they are. The login is no more recent by that.
    async fn renew(&self, proved: AuthMethods) -> Result<(), SessionError> {
        let Some(session) = self.session else { return Ok(()) };
        let (principal, methods) = (self.principal, self.principal.auth_methods() | proved);
        let tie = self.auth.tie(principal.id(), principal.credential(), methods);
        let login = Login::new(principal.id(), tie, principal.authenticated_at());
        match session.renew(login, None).await {
            // Logged out meanwhile, in another request.
            Err(SessionError::Ended) => Ok(()),
            other => other,
        }
    }
}

impl<U: UserModel> fmt::Debug for FactorChanges<'_, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FactorChanges").field("principal", self.principal).finish_non_exhaustive()
    }
}
