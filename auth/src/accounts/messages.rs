//! Messages to people, as the builder is told of them.

use std::fmt;
use std::sync::Arc;

use super::AuthBuilder;
#[cfg(feature = "mfa-codes")]
use super::Error;
#[cfg(feature = "mfa-codes")]
use crate::limits::Limiter;
use crate::mail::Mailer;
#[cfg(feature = "mfa-codes")]
use crate::mail::SmsSender;
#[cfg(feature = "mfa-codes")]
use crate::mfa::MFAAuthentication;
use crate::users::UserModel;

#[derive(Default)]
pub(super) struct Messages {
    pub(super) mailer: Option<Arc<dyn Mailer>>,
    #[cfg(feature = "mfa-codes")]
    mail_codes: bool,
    #[cfg(feature = "mfa-codes")]
    sms: Option<Arc<dyn SmsSender>>,
}

impl<U: UserModel> AuthBuilder<U> {
    /// Sends mail by this. Whoever has a mail address is told when their password, their second factors or their accounts at other
    /// providers change (OWASP ASVS 6.3.7); nothing else is sent that is not asked for.
    ///
    /// Mail goes to the address that is stored for the user. One that cannot be sent is reported, and undoes nothing.
    ///
    /// ```
    /// # async fn example() -> Result<(), auth::Error> {
    /// use auth::mail::Outbox;
    /// use auth::prelude::*;
    /// # use auth::testing::TestUser;
    ///
    /// let outbox = Outbox::new();
    /// let auth = Auth::<TestUser>::builder().mailer(outbox.clone()).build().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn mailer(mut self, mailer: impl Mailer) -> Self {
        self.messages.mailer = Some(Arc::new(mailer));
        self
    }

    /// Allows codes by mail as a second factor; they need [`AuthBuilder::mailer`].
    ///
    /// # Security
    /// Mail is no second factor where mail also resets the password: whoever reads the mail has both (OWASP ASVS 6.3.6). Allow
    /// it only where passwords are reset in another way.
    #[cfg(feature = "mfa-codes")]
    pub fn mail_codes(mut self) -> Self {
        self.messages.mail_codes = true;
        self
    }

    /// Allows codes as text messages as a second factor, and sends them by this.
    ///
    /// # Security
    /// Numbers are taken over, and messages read on their way (NIST SP 800-63B-4 §3.2.9): offer something better beside them.
    #[cfg(feature = "mfa-codes")]
    pub fn sms_codes(mut self, sender: impl SmsSender) -> Self {
        self.messages.sms = Some(Arc::new(sender));
        self
    }
}

#[cfg(feature = "mfa-codes")]
impl Messages {
    /// Allows the codes that the application allows.
    pub(super) fn send_codes(&self, mut mfa: MFAAuthentication, limiter: &Limiter) -> Result<MFAAuthentication, Error> {
        match &self.mailer {
            Some(mailer) if self.mail_codes => mfa = mfa.with_mail_codes(mailer.clone()),
            None if self.mail_codes => {
                return Err(Error::Configuration("codes by mail need a mailer: call `.mailer(…)`".to_owned()));
            }
            _ => {}
        }
        if let Some(sms) = &self.sms {
            mfa = mfa.with_sms_codes(sms.clone());
        }
        Ok(mfa.with_limiter(limiter.clone()))
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").field("mailer", &self.mailer).finish_non_exhaustive()
    }
}
