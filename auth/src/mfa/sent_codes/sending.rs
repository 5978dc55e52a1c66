use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::destination::Destination;
use super::{MINUTES, Meant};
use crate::audit::Origin;
use crate::clock::Clock;
use crate::limits::{Decision, InMemoryLimitStore, Limit, LimitKey, Limiter, OnSuccess, Rate};
use crate::mail::{Mail, MailError, Mailer, SmsSender, TextMessage};
use crate::mfa::Asked;
use crate::mfa::{FactorKind, MFAAuthentication, MfaError};

/// By what codes are sent, and how often.
#[derive(Clone)]
pub(in crate::mfa) struct CodeSenders {
    pub(super) mailer: Option<Arc<dyn Mailer>>,
    pub(super) sms: Option<Arc<dyn SmsSender>>,
    pub(super) limiter: Limiter,
}

/// A code that is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SentCode {
    /// What it is answered by, together with the code. No secret.
    pub challenge: String,
    /// Where it went, so that its owner knows it and nobody else: `j…@example.com`, `…78`.
    pub to: String,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
}

/// What became of the wish for a code.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendCodeOutcome {
    /// It is on its way.
    Sent(SentCode),
    /// Too many were sent: HTTP 429. Nothing was done, and what was sent before still counts.
    Wait(Duration),
    /// There is no such factor, or none that codes are sent to.
    NoFactor,
}

impl CodeSenders {
    /// By nothing: such codes are not allowed.
    pub(in crate::mfa) fn none(clock: Arc<dyn Clock>) -> Self {
        Self { mailer: None, sms: None, limiter: Limiter::new(Arc::new(InMemoryLimitStore::new()), clock) }
    }

    pub(super) fn sends(&self, kind: FactorKind) -> bool {
        match kind {
            FactorKind::MailCode => self.mailer.is_some(),
            FactorKind::SmsCode => self.sms.is_some(),
            FactorKind::Totp | FactorKind::Passkey | FactorKind::RecoveryCodes => false,
        }
    }

    async fn deliver(&self, issuer: &str, destination: &Destination, code: &str) -> Result<(), MailError> {
        let text = format!(
            "{code} is your code for {issuer}. It is good for {MINUTES} minutes, and for nobody but you: nobody will ask you \
             for it. If you do not expect it, somebody else may know your password."
        );
        match (destination, &self.mailer, &self.sms) {
            (Destination::Mail(address), Some(mailer), _) => {
                mailer.send(&Mail::new(address.as_str(), format!("Your code for {issuer}"), text)).await
            }
            (Destination::Phone(number), _, Some(sms)) => sms.send(&TextMessage::new(number.as_str(), text)).await,
            _ => Err("such codes are not allowed".into()),
        }
    }
}

impl MFAAuthentication {
    /// Keeps a new code in the place of an older one, and sends it.
    pub(super) async fn send(
        &self,
        asked: Asked<'_>,
        destination: &Destination,
        meant: Meant,
        limits: &[Option<Limit>],
    ) -> Result<SendCodeOutcome, MfaError> {
        let limiter = &self.senders.limiter;
        let limits: Vec<_> = limits.iter().flatten().copied().collect();
        let ticket = match limiter.attempt(&limits).await.map_err(failed)? {
            Decision::Allowed(ticket) => ticket,
            Decision::Wait(wait) => return Ok(SendCodeOutcome::Wait(wait)),
        };
        let (code, challenge, expires_at) = self.keep_code(asked, meant).await?;
        if let Err(error) = self.senders.deliver(&self.issuer, destination, &code).await {
            limiter.not_made(ticket).await.map_err(failed)?;
            return Err(MfaError::Failed(error));
        }
        Ok(SendCodeOutcome::Sent(SentCode { challenge, to: destination.masked(), expires_at }))
    }

    /// What can be sent to somebody by others who claim the address. Its owner's own logins are not counted here, so that
    /// nobody can be kept from them. There are few numbers: who reads the store must not find them from a digest.
    pub(super) fn by_destination(&self, destination: &Destination) -> Limit {
        let address = destination.as_str().to_lowercase();
        let tag = self.secret.derive("auth: limits by address").sign(&[address.as_bytes()]);
        limit("code sent to address", &tag, Duration::from_hours(1), 3)
    }
}

/// What somebody who knows the password can have sent to its owner.
pub(super) fn by_user(user_id: &str) -> Limit {
    limit("code sent to user", user_id.as_bytes(), Duration::from_mins(5), 3)
}

/// What can be sent from one place: an office, or somebody who has many accounts.
pub(super) fn by_source(origin: &Origin) -> Option<Limit> {
    Limit::by_source("code sent for source", origin.source, rate(Duration::from_secs(10), 60), OnSuccess::Keep)
}

fn limit(of: &str, part: &[u8], period: Duration, burst: u32) -> Limit {
    Limit::new(LimitKey::new(of, &[part]), rate(period, burst), OnSuccess::Keep)
}

fn rate(period: Duration, burst: u32) -> Rate {
    Rate::new(period, burst).expect("the rates here are within the rules")
}

fn failed(error: impl std::error::Error + Send + Sync + 'static) -> MfaError {
    MfaError::Failed(Box::new(error))
}

impl fmt::Debug for CodeSenders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeSenders").field("mailer", &self.mailer).field("sms", &self.sms).finish_non_exhaustive()
    }
}
