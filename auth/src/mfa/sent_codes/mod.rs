//! Codes that are sent by mail or as text messages: off, unless the application allows them.
//!
//! A factor is an address, sealed. What is sent is a code for one user and one attempt; a newer one takes its place.

mod code;
mod destination;
mod sending;

pub(super) use sending::CodeSenders;
pub use sending::{SendCodeOutcome, SentCode};

use std::sync::Arc;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::destination::Destination;
use super::factor::{named, new_id};
use super::{Asked, AuthMethods, Factor, FactorKind, MFAAuthentication, MfaError};
use crate::audit::Origin;
use crate::limits::Limiter;
use crate::mail::{Mailer, SmsSender};
use crate::records::RecordReplaced;
use crate::secret::SecretString;

const MINUTES: i64 = 10;
const LIFETIME: TimeDelta = TimeDelta::minutes(MINUTES);
/// What a code is good for: a code for the one is none for the other.
const PROOF: &str = "proof";
const ENROLMENT: &str = "enrolment";

/// What a code that is right leads to.
#[derive(Clone, Serialize, Deserialize)]
enum Meant {
    /// This factor is proved.
    Proof { factor: String },
    /// This becomes a factor.
    Enrolment { kind: FactorKind, name: String, sealed: String },
}

impl MFAAuthentication {
    /// Allows codes by mail as a second factor; the builder does it by `mail_codes`.
    ///
    /// # Security
    /// Whoever reads the mail of a user has both factors where mail also resets the password. OWASP ASVS 6.3.6 (level 3) and NIST
    /// SP 800-63B-4 §3.1.3.1 want no mail as a factor at all.
    #[must_use]
    pub fn with_mail_codes(mut self, mailer: Arc<dyn Mailer>) -> Self {
        self.senders.mailer = Some(mailer);
        self
    }

    /// Allows codes as text messages as a second factor; the builder does it by `sms_codes`.
    ///
    /// # Security
    /// Numbers are taken over and messages read on their way (NIST SP 800-63B-4 §3.2.9): offer something better beside them.
    #[must_use]
    pub fn with_sms_codes(mut self, sender: Arc<dyn SmsSender>) -> Self {
        self.senders.sms = Some(sender);
        self
    }

    /// Counts what is sent here; in this process, if nothing is said.
    #[must_use]
    pub fn with_limiter(mut self, limiter: Limiter) -> Self {
        self.senders.limiter = limiter;
        self
    }

    /// Whether codes of that kind are allowed.
    pub fn sends(&self, kind: FactorKind) -> bool {
        self.senders.sends(kind)
    }

    /// Begins to make the user's mail address a second factor, under that name: a code goes there, and
    /// [`MFAAuthentication::confirm_sent_code`] ends it.
    ///
    /// # Security
    /// `address` is the one that is stored for the user, never one that a request brings.
    ///
    /// # Errors
    /// [`MfaError::Invalid`] for what is no address, [`MfaError::Configuration`] where such codes are not allowed; as for
    /// [`MFAAuthentication::send_code`].
    pub async fn enrol_mail_codes(
        &self,
        user_id: &str,
        attempt: &str,
        name: &str,
        address: &str,
        origin: &Origin,
    ) -> Result<SendCodeOutcome, MfaError> {
        self.enrol(Asked { user_id, purpose: ENROLMENT, attempt }, name, Destination::mail(address)?, origin).await
    }

    /// Begins to make a phone number a second factor, under that name: a code goes there, and
    /// [`MFAAuthentication::confirm_sent_code`] ends it. Spaces, hyphens, dots and brackets in the number are passed over.
    ///
    /// # Errors
    /// [`MfaError::Invalid`] for a number that is not as in E.164: `+4912345678`; [`MfaError::Configuration`] where such
    /// codes are not allowed; as for [`MFAAuthentication::send_code`].
    pub async fn enrol_sms_codes(
        &self,
        user_id: &str,
        attempt: &str,
        name: &str,
        number: &str,
        origin: &Origin,
    ) -> Result<SendCodeOutcome, MfaError> {
        self.enrol(Asked { user_id, purpose: ENROLMENT, attempt }, name, Destination::phone(number)?, origin).await
    }

    async fn enrol(
        &self,
        asked: Asked<'_>,
        name: &str,
        destination: Destination,
        origin: &Origin,
    ) -> Result<SendCodeOutcome, MfaError> {
        let kind = destination.kind();
        if !self.sends(kind) {
            return Err(MfaError::Configuration(format!("the application does not allow `{}`", kind.name())));
        }
        let sealed = destination.seal(&self.secret, asked.user_id)?;
        let limits = [
            Some(sending::by_user(asked.user_id)),
            sending::by_source(origin),
            Some(self.by_destination(&destination)),
        ];
        self.send(asked, &destination, Meant::Enrolment { kind, name: named(name)?, sealed }, &limits).await
    }

    /// Makes the address a factor that this code went to, if the code is right: the newest one that was sent to enrol in this
    /// attempt, within ten minutes and five tries. `None`: the code is wrong, or nothing waits for it any more.
    ///
    /// # Errors
    /// [`MfaError::TooMany`], and when a store fails.
    pub async fn confirm_sent_code(
        &self,
        user_id: &str,
        attempt: &str,
        challenge: &str,
        code: &SecretString,
    ) -> Result<Option<Factor>, MfaError> {
        let asked = Asked { user_id, purpose: ENROLMENT, attempt };
        let Some(Meant::Enrolment { kind, name, sealed }) = self.answer(asked, challenge, code).await? else {
            return Ok(None);
        };
        let (id, data) = (new_id(), Value::String(sealed));
        self.factors.add_as(&id, user_id, kind, &name, data, self.clock.now()).await
    }

    /// Sends a code to a factor of the user. Of an attempt, which is the login or the session in which it is asked for, only
    /// the newest code counts: once, within ten minutes and five tries. It is answered as
    /// [`FactorProof::SentCode`](crate::mfa::FactorProof::SentCode).
    ///
    /// ```
    /// # use auth::audit::Origin;
    /// # use auth::mfa::{MFAAuthentication, MfaError, SendCodeOutcome};
    /// # async fn example(mfa: &MFAAuthentication, user: &str, login: &str, phone: &str, origin: &Origin) -> Result<(), MfaError> {
    /// match mfa.send_code(user, login, phone, origin).await? {
    ///     SendCodeOutcome::Sent(sent) => println!("it went to {}; answer {}", sent.to, sent.challenge),
    ///     SendCodeOutcome::Wait(wait) => println!("another one in {} seconds", wait.as_secs()),
    ///     _ => println!("there is no such factor"),
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`MfaError::Failed`] when it cannot be sent; when a store fails.
    pub async fn send_code(
        &self,
        user_id: &str,
        attempt: &str,
        factor_id: &str,
        origin: &Origin,
    ) -> Result<SendCodeOutcome, MfaError> {
        let found = self.factors.find(user_id, factor_id).await?.filter(|kept| self.sends(kept.stored.kind));
        let Some(kept) = found else { return Ok(SendCodeOutcome::NoFactor) };
        let destination = Destination::open(&self.secret, user_id, kept.stored.kind, &kept.stored.data)?;
        let limits = [Some(sending::by_user(user_id)), sending::by_source(origin)];
        let asked = Asked { user_id, purpose: PROOF, attempt };
        self.send(asked, &destination, Meant::Proof { factor: kept.id }, &limits).await
    }

    /// Whether that is the newest code of this attempt, and its factor still one.
    pub(super) async fn verify_sent_code(
        &self,
        user_id: &str,
        attempt: &str,
        challenge: &str,
        code: &SecretString,
    ) -> Result<Option<AuthMethods>, MfaError> {
        let asked = Asked { user_id, purpose: PROOF, attempt };
        let Some(Meant::Proof { factor }) = self.answer(asked, challenge, code).await? else { return Ok(None) };
        let Some(mut kept) = self.factors.find(user_id, &factor).await? else { return Ok(None) };
        kept.stored.last_used_at = Some(self.clock.now());
        match self.factors.replace(user_id, &kept).await? {
            RecordReplaced::Gone => Ok(None),
            // Whoever renames it meanwhile does not make the code wrong.
            RecordReplaced::Done | RecordReplaced::Changed => Ok(Some(kept.stored.kind.into())),
        }
    }
}
