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
    /// Sends mail by this: `SmtpMailer` in production (feature `mail-smtp`), [`ConsoleMailer`](crate::mail::ConsoleMailer) while
    /// developing, [`Outbox`](crate::mail::Outbox) in tests. Whoever has a mail address is told when their password, their second
    /// factors or their accounts at other providers change (OWASP ASVS 6.3.7); nothing else is sent that is not asked for.
    ///
    /// Mail goes to the address that is stored for the user. One that cannot be sent is reported to the log, and undoes nothing. The
    /// request that made the change waits for it.
    ///
    /// ```
    /// # async fn example() -> Result<(), auth::Error> {
    /// use auth::mail::Outbox;
    /// use auth::prelude::*;
    /// # use auth::users::DefaultUser;
    ///
    /// let outbox = Outbox::new();
    /// let auth = Auth::<DefaultUser>::builder().mailer(outbox.clone()).build().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn mailer(mut self, mailer: impl Mailer) -> Self {
        self.messages.mailer = Some(Arc::new(mailer));
        self
    }

    /// Allows codes by mail as a second factor; they need [`AuthBuilder::mailer`], or [`AuthBuilder::build`] fails. Six digits, good
    /// for ten minutes and five tries, go to the address that is stored for the user.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use auth::accounts::AuthCredentials;
    /// use auth::audit::Origin;
    /// use auth::mail::Outbox;
    /// use auth::mfa::SendCodeOutcome;
    /// use auth::prelude::*;
    /// use auth::secret::SecretString;
    /// use auth::users::{DefaultUser, Extra};
    ///
    /// let outbox = Outbox::new(); // in production an `SmtpMailer`
    /// let auth = Auth::<DefaultUser>::builder().mailer(outbox.clone()).mail_codes().build().await?;
    /// # let (session, origin, password) = (auth.new_session(), Origin::unknown(), "a horse, a battery, a staple");
    /// # let extra = Extra::from_iter([("email".to_owned(), "ada@example.com".into())]);
    /// # auth.users().create_user("ada", Some(password), extra).await?;
    /// let login = auth.log_in(&session, AuthCredentials::password("ada", password), &origin).await?;
    ///
    /// // What the routes under `/factors` do:
    /// let changes = auth.change_factors(login.principal(), &session, &origin).await?;
    /// let SendCodeOutcome::Sent(sent) = changes.begin_mail_code("Mail").await? else { return Err("wait".into()) };
    /// let code = SecretString::from(&outbox.take_mail()[0].text[..6]); // what the user types
    /// assert!(changes.confirm_sent_code(&sent.challenge, &code).await?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Security
    /// Whoever reads the mail of a user has both factors where mail also resets the password: allow it only where passwords are reset
    /// in another way. OWASP ASVS 6.3.6 (level 3) and NIST SP 800-63B-4 §3.1.3.1 want no mail as a factor at all.
    #[cfg(feature = "mfa-codes")]
    pub fn mail_codes(mut self) -> Self {
        self.messages.mail_codes = true;
        self
    }

    /// Allows codes as text messages as a second factor, and sends them by this: your own [`SmsSender`], over the service that you use.
    /// Six digits, good for ten minutes and five tries, go to a number that its owner has typed and confirmed.
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
