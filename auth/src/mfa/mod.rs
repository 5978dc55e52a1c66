//! Second factors (multi-factor authentication): authenticator apps, passkeys, recovery codes, codes by mail and text message.
//!
//! A user who has one is asked for it at every login, whatever the first factor was: a password, or another provider's word.
//! Until then nobody is logged in. A passkey can also be the only thing that a login takes.
//!
//! | to … | feature | do this |
//! | --- | --- | --- |
//! | have people enrol an authenticator app, by a page with a QR code | `mfa-totp` | merge `auth.factor_routes()` beside `auth.routes()`, and link to `/factors` |
//! | have them add passkeys, and log in by them | `mfa-webauthn` | the same, and [`AuthBuilder::origin`](crate::accounts::AuthBuilder::origin): `https://example.com`, or `http://localhost:3000` while developing |
//! | offer codes by mail | `mfa-codes` | the same, with [`mailer`](crate::accounts::AuthBuilder::mailer) and `mail_codes` on the builder |
//! | offer codes by text message | `mfa-codes` | the same, with `sms_codes` on the builder and a [`SmsSender`](crate::mail::SmsSender) of your own |
//! | give people recovery codes | | nothing: ten of them come with the first factor |
//! | open a handler to logins by two factors only | | [`#[mfa_required]`](crate::mfa_required) |
//! | ask once more before something that matters | | [`#[recent_login(within = "5m")]`](crate::recent_login) |
//! | make pages or routes of your own | | [`Auth::change_factors`](crate::Auth::change_factors) to add and remove, [`Auth::log_in_with_factor`](crate::Auth::log_in_with_factor) for the second step of a login |
//! | help somebody who has lost everything | | [`Auth::reset_factors`](crate::Auth::reset_factors), once you know who asks |
//! | erase an account | | [`Auth::reset_factors`](crate::Auth::reset_factors), before the user is deleted |
//!
//! `cargo run -p mfa` is a small application with all of it. Without its routes, an authenticator app is enrolled and asked for
//! like this:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(all(feature = "mfa-totp", feature = "testing"))] {
//! use auth::accounts::{AuthCredentials, AuthenticationError};
//! use auth::audit::Origin;
//! use auth::clock::Clock as _;
//! use auth::mfa::{FactorProof, Totp, TotpConfig};
//! use auth::prelude::*;
//! use auth::testing::ManualClock;
//! use auth::users::{DefaultUser, Extra};
//!
//! let clock = ManualClock::new(); // for this example; without `.clock(…)` the system's
//! let auth = Auth::<DefaultUser>::builder().clock(clock.clone()).mfa_issuer("Example").build().await?;
//! let password = "a horse, a battery, a staple";
//! auth.users().create_user("ada", Some(password), Extra::new()).await?;
//! let (session, origin) = (auth.new_session(), Origin::unknown());
//! let login = auth.log_in(&session, AuthCredentials::password("ada", password), &origin).await?;
//!
//! // Ada enrols an app: it scans `qr_svg()` or `qr_png()`, and she types the first code that it shows.
//! let changes = auth.change_factors(login.principal(), &session, &origin).await?;
//! let enrolment = changes.begin_totp().await?;
//! assert!(enrolment.qr_svg().contains("<svg"));
//! let app = Totp::from_base32(enrolment.secret.expose(), TotpConfig::default()).ok_or("not base32")?;
//! let code = app.code_at(clock.now());
//! let added = changes.confirm_totp(&enrolment.challenge, code.expose(), "Phone").await?.ok_or("a wrong code")?;
//! assert_eq!(added.recovery_codes.map(|codes| codes.len()), Some(10)); // shown now, and never again
//!
//! // From now on the password alone logs nobody in. A code counts once, so this one is the next.
//! clock.advance(TimeDelta::seconds(30));
//! let session = auth.new_session();
//! let first = auth.log_in(&session, AuthCredentials::password("ada", password), &origin).await;
//! assert!(matches!(first, Err(AuthenticationError::SecondFactorRequired(_))));
//! let proof = FactorProof::totp(app.code_at(clock.now()));
//! let login = auth.log_in_with_factor(&session, &proof, &origin).await?;
//! assert!(login.principal().auth_methods().is_multi_factor());
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! # What holds by default
//!
//! | | |
//! | --- | --- |
//! | second step of a login | ten minutes and five tries, then the login begins anew |
//! | tries of one user | five at once, then ever longer waits, to 15 minutes; none for a day after a hundred ([`Backoff::ACCOUNT_AND_SOURCE`](crate::limits::Backoff::ACCOUNT_AND_SOURCE)) |
//! | authenticator app | HMAC-SHA-1, 6 digits, 30 seconds, one time step early or late, a secret of 160 bits; each code counts once (RFC 6238 §5.2) |
//! | its enrolment | ten minutes and five tries to type the first code |
//! | passkey | five minutes to answer, once; its device verifies who holds it (PIN, finger, face) each time |
//! | recovery codes | ten of 120 random bits, each counts once; a new set voids the old one |
//! | codes by mail and text message | six digits, ten minutes, five tries; of one login only the newest counts |
//! | how many are sent | to one user three at once, then one in five minutes; from one source 60, then one in ten seconds; to an address that is being enrolled three, then one an hour |
//! | factors of one user | 20, each with a name of 1 to 64 characters |
//! | to change them | a login of the last five minutes, and by two factors where there are two |
//!
//! What can be used once is used up on all servers together. The limits are shared by them where the
//! [limits' store](crate::accounts::AuthBuilder::limits) is.
//!
//! # What the application does
//!
//! - It is served by https. Passkeys exist on a host name with https, or on `localhost`; never on an IP address.
//! - It keeps its [secret](crate::accounts::AuthBuilder::secret), by which authenticator apps' secrets, addresses and numbers are
//!   encrypted. When it changes, the old one stays as a [fallback](crate::accounts::AuthBuilder::secret_fallback): apps move to the
//!   new one when they are used, addresses and numbers when they are enrolled anew.
//! - It says where [records](crate::accounts::AuthBuilder::records) are kept: in the database if there is one, else in memory. If
//!   they are lost, a password is enough again.
//! - It sends mail ([`AuthBuilder::mailer`](crate::accounts::AuthBuilder::mailer)), so that people hear of factors that somebody
//!   added or removed.
//!
//! # Errors
//!
//! A code that is wrong is an answer, not an error. [`MfaError`] is for what cannot be: a full list, a setting that is missing, a
//! store that fails; then nobody is logged in.
//!
//! # Security
//!
//! - A factor that is added or removed ends the user's other sessions and tokens, and is told to the user and to the trail
//!   (OWASP ASVS 6.3.7, 7.4.3).
//! - Passkeys resist phishing, as they answer to one origin only; typed codes do not (NIST SP 800-63B-4 §3.2.5). Codes by text message
//!   are restricted (§3.2.9), and mail is no second factor at all there (§3.1.3.1), nor in OWASP ASVS 6.3.6: both are off until the
//!   application allows them.
//! - Whoever calls [`MFAAuthentication`] (`auth.mfa()`) without a flow of [`Auth`](crate::Auth) limits tries and checks who asks: it
//!   does neither.

// A further kind of factor is another file here, a variant of `FactorKind` and one of `FactorProof`, and a branch in
// `MFAAuthentication::verify`. What it asks and expects an answer to is kept as a challenge (`challenge.rs`): on the server, for
// one user, one attempt and one use.

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
