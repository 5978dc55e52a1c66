use super::{FactorChanges, FactorError};
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
        self.changed(added, factor.kind.into()).await?;
        let has_codes = self.mfa().factors(user_id).await?.iter().any(|it| it.kind == FactorKind::RecoveryCodes);
        let recovery_codes = if has_codes { None } else { Some(self.generate_recovery_codes().await?) };
        Ok(AddedFactor { factor, recovery_codes })
    }

    /// In what a factor is asked for that is to be added: it is confirmed there only.
    pub(super) fn attempt(&self) -> String {
        let digest = self.session.and_then(Session::stored_digest);
        digest.map_or_else(|| "token".to_owned(), |digest| digest.to_string())
    }
}
