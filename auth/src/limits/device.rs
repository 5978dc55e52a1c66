use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding as _};

use crate::clock::Clock;
use crate::secret::{MacKey, SecretKey, SecretString, random};

/// Knows the devices from which an account was logged in to, by a token that the device keeps: OWASP's device cookies
/// (*Slow Down Online Guessing Attacks with Device Cookies*).
///
/// After each login give the device a new token ([`KnownDevices::issue`]); at the next login ask whether it is known for
/// that account ([`KnownDevices::recognise`]), and count it by itself
/// ([`LoginAttempt::known_device`](super::LoginAttempt::known_device)). Then others' guesses at the account, which lock
/// out all unknown devices, do not lock out this one. Nothing is stored: the token holds a random id, the moment it
/// expires and a MAC over both and the account.
///
/// A token is 75 letters, digits, `.`, `-` and `_`, fit for a cookie; make that one `HttpOnly`, `Secure`,
/// `SameSite=Lax`, and let it outlive the session. It tells nothing of the account. A browser that several people use
/// keeps one for each, or that of the last.
///
/// # Security
/// The token gives no access: whoever steals one has a device's tries at one account, no more than
/// [`Backoff::ACCOUNT_AND_SOURCE`](super::Backoff::ACCOUNT_AND_SOURCE) allows, beside those of all unknown devices.
/// Issue it only after a login that is complete, or an attacker could make themselves known. A device that fails too
/// often waits and is locked by itself, and is refused meanwhile, as OWASP has it: were it then to count as unknown,
/// whoever has a token would have twice as many tries. It is taken for unknown when it leaves the token away.
///
/// A token is good until it expires, 180 days unless something else is said, or until the secret and the older ones
/// change. It cannot be taken back alone, and need not be.
#[derive(Clone)]
pub struct KnownDevices {
    key: MacKey,
    clock: Arc<dyn Clock>,
    lifetime: Duration,
}

/// What a token begins with; another format has another version.
const VERSION: &str = "v1.";
const ID: usize = 16;
const EXPIRES: usize = 6;
const TAG: usize = 32;
/// Divisible by three, so that a token has one spelling.
const BYTES: usize = ID + EXPIRES + TAG;
const CHARS: usize = BYTES / 3 * 4;

impl KnownDevices {
    /// How long a device is known, unless something else is said: 180 days.
    pub const LIFETIME: Duration = Duration::from_hours(180 * 24);

    /// With a key of their own that is derived from the application's secret.
    pub fn new(secret: &SecretKey, clock: Arc<dyn Clock>) -> Self {
        Self { key: secret.derive("auth known device"), clock, lifetime: Self::LIFETIME }
    }

    /// Knows devices for so long, in whole seconds.
    #[must_use]
    pub fn with_lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime, ..self }
    }

    /// A token for a new device, from which somebody has just logged in to this account.
    pub fn issue(&self, account_id: &str) -> SecretString {
        let id = random::<ID>();
        let expires = self.now().saturating_add(self.lifetime.as_secs()).min((1 << (8 * EXPIRES)) - 1);
        let expires = &expires.to_be_bytes()[8 - EXPIRES..];
        let tag = self.key.sign(&[account_id.as_bytes(), &id, expires]);
        let token = Base64UrlUnpadded::encode_string(&[&id[..], expires, &tag].concat());
        [VERSION, &token].concat().into()
    }

    /// The id of the device, if this token was issued for this account and has not expired.
    ///
    /// A token of another account, expired, forged or malformed is none; how long that takes tells nothing of it but its
    /// form.
    pub fn recognise(&self, account_id: &str, token: &str) -> Option<String> {
        let text = token.strip_prefix(VERSION).filter(|text| text.len() == CHARS)?;
        let mut bytes = [0; BYTES];
        Base64UrlUnpadded::decode(text, &mut bytes).ok()?;
        let (id, rest) = bytes.split_at(ID);
        let (expires, tag) = rest.split_at(EXPIRES);
        let is_ours = self.key.verify(&[account_id.as_bytes(), id, expires], tag);
        let expires = expires.iter().fold(0, |sum, byte| (sum << 8) | u64::from(*byte));
        (is_ours && self.now() < expires).then(|| Base64UrlUnpadded::encode_string(id))
    }

    /// Seconds since 1970.
    fn now(&self) -> u64 {
        self.clock.now().timestamp().try_into().unwrap_or_default()
    }
}

impl fmt::Debug for KnownDevices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownDevices").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}
