use std::fmt::{self, Write as _};

use chrono::{DateTime, Utc};
use qrcode::QrCode;

use super::{Totp, qr};
use crate::secret::SecretString;

/// An authenticator app that waits for its first code: what its owner is shown, once.
///
/// It is in force when [`confirm_totp`](crate::mfa::MFAAuthentication::confirm_totp) has seen a right code.
///
/// # Security
/// The URL, the secret and both images are all that it takes to make codes: an answer that shows them is stored by no cache.
#[derive(Clone)]
#[non_exhaustive]
pub struct TotpEnrolment {
    /// What it is confirmed by; no secret.
    pub challenge: String,
    /// What authenticator apps read: `otpauth://totp/…` (Key URI format).
    pub url: SecretString,
    /// The secret in base32, to be typed where there is no camera.
    pub secret: SecretString,
    /// Until when it waits.
    pub expires_at: DateTime<Utc>,
    pub(super) code: QrCode,
}

impl TotpEnrolment {
    /// The URL as a QR code: a PNG image in black and white, eight pixels a module, with the quiet zone around it.
    pub fn qr_png(&self) -> Vec<u8> {
        qr::png(&self.code)
    }

    /// The URL as a QR code: an SVG document without scripts, eight units a module. Within a page it begins at `<svg`, without
    /// the XML declaration before it.
    pub fn qr_svg(&self) -> String {
        qr::svg(&self.code)
    }
}

impl fmt::Debug for TotpEnrolment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TotpEnrolment");
        shown.field("challenge", &self.challenge).field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// The URL in Key URI format. A colon parts issuer and account there, so that one within them becomes a space.
pub(super) fn url(totp: &Totp, issuer: &str, account_name: &str) -> SecretString {
    let [issuer, account_name] = [issuer, account_name].map(|name| percent_encoded(&name.replace(':', " ")));
    let (secret, config) = (totp.base32(), totp.config());
    format!(
        "otpauth://totp/{issuer}:{account_name}?secret={}&issuer={issuer}&algorithm={}&digits={}&period={}",
        secret.expose(),
        config.algorithm().name(),
        config.digits(),
        config.time_step(),
    )
    .into()
}

/// With nothing but unreserved characters (RFC 3986 §2.3): a space is `%20`, which all apps read, and not `+`.
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes everything");
        }
        encoded
    })
}
