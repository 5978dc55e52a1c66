//! Second factors: codes of authenticator apps, passkeys, recovery codes, codes by mail and text message.
//!
//! Users change their factors by `auth.factor_routes()`, or by `auth.change_factors(…)` in handlers of one's own: it asks for a recent
//! login, ends the user's other logins, and tells of it. [`MFAAuthentication`], `auth.mfa()`, is what stands under both; it checks,
//! keeps and removes, and asks nobody. Factors are records with their user as owner
//! ([`records`](crate::records)), so they are in memory, in Redis and in a database alike. Secrets in them are encrypted by the
//! application's secret.
//!
//! A further kind of factor is another file here, a variant of [`FactorKind`] and one of [`FactorProof`], and a branch in
//! `MFAAuthentication::verify`. What it asks and expects an answer to is kept as a challenge (`challenge.rs`): on the server, for
//! one user, one attempt and one use.

#[cfg(any(feature = "mfa-codes", feature = "mfa-totp", feature = "mfa-webauthn"))]
mod asked;
mod authentication;
mod base32;
#[cfg(any(feature = "mfa-totp", feature = "mfa-webauthn"))]
mod challenge;
mod error;
mod factor;
mod methods;
#[cfg(feature = "mfa-webauthn")]
mod passkeys;
mod proof;
mod recovery_codes;
#[cfg(feature = "mfa-webauthn")]
mod relying_party;
#[cfg(feature = "mfa-codes")]
mod sent_codes;
#[cfg(feature = "mfa-totp")]
mod totp;

#[cfg(any(feature = "mfa-codes", feature = "mfa-totp", feature = "mfa-webauthn"))]
use asked::Asked;
pub use authentication::MFAAuthentication;
pub use error::MfaError;
pub use factor::{Factor, FactorKind};
pub use methods::AuthMethods;
#[cfg(feature = "mfa-webauthn")]
pub use passkeys::PasskeyChallenge;
pub use proof::FactorProof;
#[cfg(feature = "mfa-codes")]
pub use sent_codes::{SendCodeOutcome, SentCode};
#[cfg(feature = "mfa-totp")]
pub use totp::{Totp, TotpAlgorithm, TotpConfig, TotpEnrolment};
