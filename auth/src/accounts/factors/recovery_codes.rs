use super::{FactorChanges, FactorError};
use crate::audit::AuditAction;
use crate::mfa::FactorKind;
use crate::secret::SecretString;
use crate::users::UserModel;

impl<U: UserModel> FactorChanges<'_, U> {
    /// A new set of recovery codes, to be shown once. Those that there were are void; logins stay.
    ///
    /// # Errors
    /// [`FactorError::Failed`], also where there is no other factor that they would stand in for.
    pub async fn generate_recovery_codes(&self) -> Result<Vec<SecretString>, FactorError> {
        let codes = self.mfa().generate_recovery_codes(self.principal.id()).await?;
        self.tell(AuditAction::FactorAdded { kind: FactorKind::RecoveryCodes.name().into() }).await;
        Ok(codes)
    }
}
