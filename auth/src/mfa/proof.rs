use std::fmt;

use crate::secret::SecretString;

/// What somebody brings as the second factor: for [`Auth::log_in_with_factor`](crate::Auth::log_in_with_factor).
///
/// ```
/// use auth::mfa::FactorProof;
///
/// let typed = FactorProof::totp("123 456"); // spaces do not matter
/// assert_eq!(format!("{typed:?}"), r#"FactorProof("totp")"#); // codes are not shown
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum FactorProof {
    /// A code of an authenticator app.
    Totp(SecretString),
    /// A recovery code, which is used up by that.
    RecoveryCode(SecretString),
    /// A code that was sent.
    SentCode {
        /// What it was sent with: the `challenge` of a `SentCode`.
        challenge: String,
        /// The code.
        code: SecretString,
    },
    /// A passkey's answer.
    Passkey {
        /// What it was asked with: the `challenge` of a `PasskeyChallenge`.
        challenge: String,
        /// What the browser's `navigator.credentials.get` gave, as JSON.
        response: String,
    },
}

impl FactorProof {
    /// A code of an authenticator app.
    pub fn totp(code: impl Into<SecretString>) -> Self {
        Self::Totp(code.into())
    }

    /// A recovery code: capital letters, spaces and hyphens do not matter.
    pub fn recovery_code(code: impl Into<SecretString>) -> Self {
        Self::RecoveryCode(code.into())
    }

    /// A passkey's answer to what was asked under this id.
    pub fn passkey(challenge: impl Into<String>, response: impl Into<String>) -> Self {
        Self::Passkey { challenge: challenge.into(), response: response.into() }
    }

    /// The kind, for the trail.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Totp(_) => "totp",
            Self::RecoveryCode(_) => "recovery code",
            Self::SentCode { .. } => "sent code",
            Self::Passkey { .. } => "passkey",
        }
    }
}

impl fmt::Debug for FactorProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FactorProof").field(&self.method()).finish()
    }
}
