use crate::accounts::{Auth, Error};
use crate::audit::{AuditAction, Origin};
use crate::sessions::SessionKey;
#[cfg(feature = "token-jwt")]
use crate::tokens::BlacklistReason;
use crate::users::UserModel;

impl<U: UserModel> Auth<U> {
    /// Removes all second factors of a user who has lost them, and ends whatever the user is logged in with. Says how many there
    /// were.
    ///
    /// # Security
    /// The password alone logs in then: an administrator makes sure first who asks.
    ///
    /// # Errors
    /// When a store fails: call it again.
    pub async fn reset_factors(&self, user_id: &str, origin: &Origin) -> Result<u64, Error> {
        let removed = self.mfa().reset(user_id).await?;
        if removed > 0 {
            let all = AuditAction::FactorRemoved { kind: "all".into() };
            self.audit().from(origin.clone()).record(all, Some(user_id)).await;
        }
        self.end_logins(user_id, None, origin).await?;
        Ok(removed)
    }

    /// Ends all that a user is logged in with but this session, whatever of it fails.
    pub(in crate::accounts) async fn end_logins(
        &self,
        user_id: &str,
        except: Option<&SessionKey>,
        origin: &Origin,
    ) -> Result<(), Error> {
        #[cfg(feature = "token-jwt")]
        let revoked = self.tokens_from(origin).revoke_user(user_id, BlacklistReason::ManualRevoke).await;
        let destroyed = match self.session_manager().map(|sessions| sessions.by(origin.clone())) {
            Ok(sessions) => match except {
                Some(key) => sessions.destroy_others(user_id, key).await.map(drop),
                None => sessions.destroy_all(user_id).await.map(drop),
            },
            Err(_) => Ok(()),
        };
        // After the sessions, in which clients are allowed more.
        #[cfg(feature = "oauth2-provider")]
        let ended = self.oauth2().end_grants_of(user_id).await;
        destroyed?;
        #[cfg(feature = "token-jwt")]
        revoked?;
        #[cfg(feature = "oauth2-provider")]
        ended?;
        Ok(())
    }
}
