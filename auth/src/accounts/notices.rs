//! What users are told by mail.

use std::fmt;
use std::future::ready;
use std::sync::Arc;

use super::{AuthBuilder, factors};
use crate::BoxFuture;
use crate::audit::{Audit, AuditAction, AuditError, AuditEvent, AuditSink};
use crate::mail::{Mail, Mailer};
use crate::mfa::FactorKind;
use crate::users::{UserManager, UserModel};

/// Whoever can log in to an account in another way than before is told (OWASP ASVS 6.3.7), whoever made it so and from wherever:
/// the trail hears of each such change.
#[derive(Clone)]
struct Notices<U: UserModel> {
    mailer: Arc<dyn Mailer>,
    users: UserManager<U>,
    issuer: String,
}

impl<U: UserModel> AuthBuilder<U> {
    /// Also tells users, if there is something to tell them by.
    pub(super) fn with_notices(&self, audit: Audit, users: &UserManager<U>) -> Audit {
        let Some(mailer) = self.messages.mailer.clone() else { return audit };
        let issuer = factors::issuer(self.mfa_issuer.as_deref(), &self.settings).to_owned();
        audit.with_sink(Notices { mailer, users: users.clone(), issuer })
    }
}

impl<U: UserModel> AuditSink for Notices<U> {
    fn record<'a>(&'a self, event: &'a AuditEvent) -> BoxFuture<'a, Result<(), AuditError>> {
        match (changed(&event.action), &event.user) {
            (Some(what), Some(user)) => {
                // In a task of its own: whoever hangs up in the middle of a request must not keep its owner from being told.
                let (notices, user, event) = (self.clone(), user.clone(), event.clone());
                let told = tokio::spawn(async move { notices.tell(&user, what, &event).await });
                Box::pin(async move { told.await? })
            }
            _ => Box::pin(ready(Ok(()))),
        }
    }
}

impl<U: UserModel> Notices<U> {
    async fn tell(&self, user: &str, what: String, event: &AuditEvent) -> Result<(), AuditError> {
        let Some(account) = self.users.find_by_id_text(user).await? else { return Ok(()) };
        let Some(address) = UserManager::email_of(&*account.user)? else { return Ok(()) };
        let issuer = &self.issuer;
        let at = event.at.format("%Y-%m-%d %H:%M UTC");
        // Not what the client calls itself: whoever has broken in would have a letter written in the application's name.
        let from = event.origin.source.map(|source| format!(", from {source}")).unwrap_or_default();
        let text = format!(
            "{what}\n\nThis was done at {at}{from}.\n\nIf it was you, there is nothing to do. If it was not, somebody else can use \
             your account at {issuer}: change your password and look through your second factors and linked accounts.\n"
        );
        self.mailer.send(&Mail::new(address, format!("Your account at {issuer} was changed"), text)).await
    }
}

/// What is said of it, if it is told at all. No secrets, and nothing that whoever did it could choose.
fn changed(action: &AuditAction) -> Option<String> {
    use AuditAction::{FactorAdded, FactorRemoved, IdentityLinked, IdentityUnlinked, PasswordChanged};
    Some(match action {
        PasswordChanged => "Your password was changed.".to_owned(),
        FactorAdded { kind } => format!("A second factor was added to your account: {}.", factor(kind)),
        FactorRemoved { kind } if kind == "all" => "All second factors were removed from your account.".to_owned(),
        FactorRemoved { kind } => format!("A second factor was removed from your account: {}.", factor(kind)),
        IdentityLinked { provider } => format!("From now on one can log in to your account with {provider}."),
        IdentityUnlinked { provider } => format!("One can no longer log in to your account with {provider}."),
        _ => return None,
    })
}

fn factor(name: &str) -> &str {
    const NAMES: [(FactorKind, &str); 5] = [
        (FactorKind::Totp, "an authenticator app"),
        (FactorKind::Passkey, "a passkey"),
        (FactorKind::RecoveryCodes, "recovery codes"),
        (FactorKind::MailCode, "codes by mail"),
        (FactorKind::SmsCode, "codes as text messages"),
    ];
    NAMES.iter().find(|(kind, _)| kind.name() == name).map_or(name, |(_, words)| words)
}

impl<U: UserModel> fmt::Debug for Notices<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notices").field("mailer", &self.mailer).finish_non_exhaustive()
    }
}
