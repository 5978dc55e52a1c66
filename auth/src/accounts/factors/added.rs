use super::{FactorChanges, FactorError};
use crate::access::{Granted, MultiFactor};
use crate::audit::AuditAction;
use crate::mfa::{Factor, FactorKind};
use crate::secret::SecretString;
use crate::sessions::Session;
use crate::users::UserModel;

/// A factor that is in force now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AddedFactor {
    /// The factor.
    pub factor: Factor,
    /// With the first one: what stands in for it. They are shown once.
    pub recovery_codes: Option<Vec<SecretString>>,
}

impl<U: UserModel> FactorChanges<'_, U> {
    /// What follows a factor that was just proved: with the first one come recovery codes.
    pub(super) async fn added(&self, factor: Factor) -> Result<AddedFactor, FactorError> {
        let user_id = self.principal.id();
        let added = AuditAction::FactorAdded { kind: factor.kind.name().into() };
        if let Err(error) = self.settle(&factor).await {
            // As if it had never been, so that it can be begun anew.
            if self.mfa().remove(user_id, &factor.id).await.is_err() {
                self.tell(added).await;
            }
            return Err(error);
        }
        self.changed(added, factor.kind.into()).await?;
        let has_codes = self.mfa().factors(user_id).await?.iter().any(|it| it.kind == FactorKind::RecoveryCodes);
        let recovery_codes = if has_codes { None } else { Some(self.generate_recovery_codes().await?) };
        Ok(AddedFactor { factor, recovery_codes })
    }

    /// Ends everything else, now that there is this factor.
    async fn settle(&self, factor: &Factor) -> Result<(), FactorError> {
        let mut others = self.mfa().factors(self.principal.id()).await?.into_iter().filter(|it| it.id != factor.id);
        // Of two who add the first one at the same moment, neither was asked for the other's.
        if others.any(|it| it.kind != FactorKind::RecoveryCodes) {
            Granted::<MultiFactor>::check(self.principal)?;
        }
        Ok(self.end_others().await?)
    }

    /// In what a factor is asked for that is to be added: it is confirmed there only.
    pub(super) fn attempt(&self) -> String {
        let digest = self.session.and_then(Session::stored_digest);
        digest.map_or_else(|| "token".to_owned(), |digest| digest.to_string())
    }
}
