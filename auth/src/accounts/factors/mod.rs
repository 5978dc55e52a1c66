//! Second factors: what the builder is told of them, and how users change their own.

#[cfg(any(feature = "mfa-codes", feature = "mfa-totp", feature = "mfa-webauthn"))]
mod added;
mod change;
mod error;
#[cfg(feature = "mfa-webauthn")]
mod passkeys;
mod recovery_codes;
mod reset;
#[cfg(feature = "mfa-codes")]
mod sent_codes;
#[cfg(feature = "mfa-totp")]
mod totp;

#[cfg(any(feature = "mfa-codes", feature = "mfa-totp", feature = "mfa-webauthn"))]
pub use added::AddedFactor;
pub use change::FactorChanges;
pub use error::FactorError;

use super::{AuthBuilder, Settings};
use crate::mfa::MFAAuthentication;
use crate::records::DynRecordStore;
use crate::registry::Context;
use crate::users::UserModel;

impl<U: UserModel> AuthBuilder<U> {
    /// What authenticator apps, passkeys and messages call this application, for people to read: the host of its first
    /// [`origin`](Self::origin), if nothing is said, else `auth`. A colon in it becomes a space in authenticator apps.
    pub fn mfa_issuer(self, name: &str) -> Self {
        Self { mfa_issuer: Some(name.to_owned()), ..self }
    }

    /// How codes of authenticator apps are made and checked: by SHA-1, with 6 digits, every 30 seconds, and one step early or late, if
    /// nothing is said; that is what every app reads. Apps that are enrolled go on as they were, but for the window.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use auth::mfa::TotpConfig;
    /// use auth::prelude::*;
    /// use auth::users::DefaultUser;
    ///
    /// let auth = Auth::<DefaultUser>::builder().totp(TotpConfig::default().with_digits(8)?).build().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "mfa-totp")]
    pub fn totp(mut self, config: crate::mfa::TotpConfig) -> Self {
        self.settings.totp = config;
        self
    }
}

pub(super) fn mfa(
    issuer: Option<&str>,
    settings: &Settings,
    records: &DynRecordStore,
    context: &Context,
) -> MFAAuthentication {
    let issuer = self::issuer(issuer, settings);
    let mfa = MFAAuthentication::over(issuer, records.clone(), context.secret.clone(), context.clock.clone());
    #[cfg(feature = "mfa-totp")]
    let mfa = mfa.with_totp(settings.totp);
    #[cfg(feature = "mfa-webauthn")]
    let mfa = mfa.with_relying_party(&settings.trusted_origins);
    mfa
}

/// What the application is called where people read it.
pub(super) fn issuer<'a>(given: Option<&'a str>, settings: &'a Settings) -> &'a str {
    let host = || settings.trusted_origins.first().and_then(|origin| origin.split("://").nth(1));
    given.or_else(host).unwrap_or("auth")
}
