use std::fmt;
use std::sync::Arc;

use super::factor::FactorStore;
use super::{AuthMethods, Factor, FactorKind, FactorProof, MfaError, recovery_codes};
use crate::clock::{Clock, SystemClock};
use crate::records::{DynRecordStore, InMemoryRecordStore};
use crate::secret::SecretKey;

/// The second factors of all users: what they have, and whether a proof is right.
///
/// `auth.mfa()` gives the application's, and logins ask it by themselves. Users change their factors by
/// [`Auth::change_factors`](crate::Auth::change_factors), which stands on this one.
///
/// Users are named by their primary key as text (`user.id.to_string()`). An `attempt` is what something is asked in: the id of a login
/// or of a session, any text of the caller's; an answer counts in the attempt in which it was asked for.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), auth::mfa::MfaError> {
/// use auth::mfa::MFAAuthentication;
///
/// let mfa = MFAAuthentication::new("Example");
/// assert!(mfa.required("42").await?.is_empty()); // the password is enough for this user
/// assert!(mfa.factors("42").await?.is_empty());
/// # Ok(())
/// # }
/// ```
///
/// # Security
/// It checks factors, and neither limits tries nor asks whether the caller may change them; it ends no sessions and tells nobody.
/// Whoever calls it beside a flow of [`Auth`](crate::Auth) does that.
#[derive(Clone)]
pub struct MFAAuthentication {
    pub(super) issuer: Arc<str>,
    pub(super) factors: FactorStore,
    #[cfg(any(feature = "mfa-totp", feature = "mfa-webauthn"))]
    pub(super) challenges: super::challenge::Challenges,
    pub(super) secret: SecretKey,
    pub(super) clock: Arc<dyn Clock>,
    #[cfg(feature = "mfa-totp")]
    pub(super) totp: super::TotpConfig,
    #[cfg(feature = "mfa-codes")]
    pub(super) records: DynRecordStore,
    #[cfg(feature = "mfa-codes")]
    pub(super) senders: super::sent_codes::CodeSenders,
    #[cfg(feature = "mfa-webauthn")]
    pub(super) relying_party: Option<Arc<webauthn_rs::Webauthn>>,
}

impl MFAAuthentication {
    /// Factors of users of this application, by the name that authenticator apps show, kept in this process under a secret that
    /// ends with it.
    pub fn new(issuer: &str) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let records = Arc::new(InMemoryRecordStore::with_clock(clock.clone()));
        Self::over(issuer, records, SecretKey::random(), clock)
    }

    /// Factors in this store, encrypted by this secret.
    pub fn over(issuer: &str, records: DynRecordStore, secret: SecretKey, clock: Arc<dyn Clock>) -> Self {
        Self {
            issuer: issuer.into(),
            #[cfg(any(feature = "mfa-totp", feature = "mfa-webauthn"))]
            challenges: super::challenge::Challenges::over(records.clone(), clock.clone()),
            #[cfg(feature = "mfa-totp")]
            totp: super::TotpConfig::default(),
            #[cfg(feature = "mfa-codes")]
            senders: super::sent_codes::CodeSenders::none(clock.clone()),
            #[cfg(feature = "mfa-codes")]
            records: records.clone(),
            #[cfg(feature = "mfa-webauthn")]
            relying_party: None,
            factors: FactorStore::over(records),
            secret,
            clock,
        }
    }

    /// The user's factors, the oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn factors(&self, user_id: &str) -> Result<Vec<Factor>, MfaError> {
        Ok(self.factors.of(user_id).await?.iter().map(super::factor::Kept::shown).collect())
    }

    /// By which kinds of factors the user can go on with a login. None: the first factor is enough, as recovery codes alone are no
    /// second one.
    ///
    /// # Errors
    /// When the store fails: then nobody knows whether the first factor is enough.
    pub async fn required(&self, user_id: &str) -> Result<Vec<FactorKind>, MfaError> {
        let mut kinds: Vec<_> = self.factors.of(user_id).await?.iter().map(|kept| kept.stored.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        if kinds == [FactorKind::RecoveryCodes] { Ok(Vec::new()) } else { Ok(kinds) }
    }

    /// Whether that proves the user's second factor, and by which methods. `None`: it does not.
    ///
    /// `attempt` is the login or the session in which it was asked for. What can be used once is used up by that, on all servers
    /// together. Proofs of a kind whose feature is off prove nothing.
    ///
    /// # Errors
    /// When a store fails: then nobody knows whether it does.
    pub async fn verify(
        &self,
        user_id: &str,
        attempt: &str,
        proof: &FactorProof,
    ) -> Result<Option<AuthMethods>, MfaError> {
        // Without features there are recovery codes only, which need neither.
        let _ = (attempt, &self.secret);
        match proof {
            #[cfg(feature = "mfa-totp")]
            FactorProof::Totp(code) => Ok(self.verify_code(user_id, code.expose()).await?.then_some(AuthMethods::TOTP)),
            #[cfg(not(feature = "mfa-totp"))]
            FactorProof::Totp(_) => Ok(None),
            FactorProof::RecoveryCode(code) => {
                let used = self.verify_recovery_code(user_id, code.expose()).await?;
                Ok(used.then_some(AuthMethods::RECOVERY_CODE))
            }
            #[cfg(feature = "mfa-codes")]
            FactorProof::SentCode { challenge, code } => self.verify_sent_code(user_id, attempt, challenge, code).await,
            #[cfg(not(feature = "mfa-codes"))]
            FactorProof::SentCode { .. } => Ok(None),
            #[cfg(feature = "mfa-webauthn")]
            FactorProof::Passkey { challenge, response } => {
                self.verify_passkey(user_id, attempt, challenge, response).await
            }
            #[cfg(not(feature = "mfa-webauthn"))]
            FactorProof::Passkey { .. } => Ok(None),
        }
    }

    /// Gives a factor another name: 1 to 64 characters. Says whether there is such a factor.
    ///
    /// # Errors
    /// [`MfaError::Invalid`], and when the store fails.
    pub async fn rename(&self, user_id: &str, factor_id: &str, name: &str) -> Result<bool, MfaError> {
        self.factors.rename(user_id, factor_id, name).await
    }

    /// Removes a factor, if it is this user's, and gives it. Recovery codes go with the last factor that they stand in for.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn remove(&self, user_id: &str, factor_id: &str) -> Result<Option<Factor>, MfaError> {
        let removed = self.factors.remove(user_id, factor_id).await?;
        if removed.is_some() && self.required(user_id).await?.is_empty() {
            // Not all that there are: one may have been added meanwhile.
            self.factors.remove(user_id, &recovery_codes::id(user_id)).await?;
        }
        Ok(removed)
    }

    /// Removes all factors of a user, and says how many there were: for whoever has lost them all, after the administrator has
    /// made sure who asks; and when an account is erased.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn reset(&self, user_id: &str) -> Result<u64, MfaError> {
        self.factors.remove_all(user_id).await
    }
}

impl fmt::Debug for MFAAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MFAAuthentication").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
