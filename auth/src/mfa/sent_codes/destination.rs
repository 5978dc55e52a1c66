use serde_json::Value;
use zeroize::Zeroizing;

use crate::mail::{is_address, is_number};
use crate::mfa::{FactorKind, MfaError};
use crate::seal;
use crate::secret::{MacKey, SecretKey};

/// Where codes go.
pub(super) enum Destination {
    Mail(Zeroizing<String>),
    Phone(Zeroizing<String>),
}

impl Destination {
    pub(super) fn mail(address: &str) -> Result<Self, MfaError> {
        let address = address.trim();
        if !is_address(address) {
            return Err(MfaError::Invalid("there is no mail address to send codes to"));
        }
        Ok(Self::Mail(address.to_owned().into()))
    }

    /// A number as people write it.
    pub(super) fn phone(number: &str) -> Result<Self, MfaError> {
        let is_written = |c: &char| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}' | '\u{202f}');
        let number: String = number.trim().chars().filter(is_written).take(17).collect();
        if !is_number(&number) {
            return Err(MfaError::Invalid("a phone number begins with a plus sign and the country: +4912345678"));
        }
        Ok(Self::Phone(number.into()))
    }

    pub(super) fn kind(&self) -> FactorKind {
        match self {
            Self::Mail(_) => FactorKind::MailCode,
            Self::Phone(_) => FactorKind::SmsCode,
        }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Mail(text) | Self::Phone(text) => text,
        }
    }

    /// Enough for its owner to know it.
    pub(super) fn masked(&self) -> String {
        match self {
            Self::Mail(address) => {
                let (name, host) = address.split_once('@').unwrap_or_default();
                format!("{}…@{host}", name.chars().next().unwrap_or_default())
            }
            Self::Phone(number) => format!("…{}", number.get(number.len().saturating_sub(2)..).unwrap_or_default()),
        }
    }

    /// As it is kept: it opens for this user and this kind only.
    pub(super) fn seal(&self, secret: &SecretKey, user_id: &str) -> Result<String, MfaError> {
        // An address is shorter than what cannot be sealed.
        seal::seal(&keys(secret), &purpose(self.kind(), user_id), self.as_str().as_bytes()).ok_or(MfaError::Damaged)
    }

    pub(super) fn open(secret: &SecretKey, user_id: &str, kind: FactorKind, kept: &Value) -> Result<Self, MfaError> {
        let sealed = kept.as_str().ok_or(MfaError::Damaged)?;
        let opened = seal::open(&keys(secret), &purpose(kind, user_id), sealed.as_bytes()).ok_or(MfaError::Damaged)?;
        let text = str::from_utf8(&opened).map_err(|_| MfaError::Damaged)?;
        match kind {
            FactorKind::MailCode => Self::mail(text),
            FactorKind::SmsCode => Self::phone(text),
            FactorKind::Totp | FactorKind::Passkey | FactorKind::RecoveryCodes => Err(MfaError::Damaged),
        }
    }
}

fn keys(secret: &SecretKey) -> MacKey {
    secret.derive("auth: addresses that codes go to")
}

fn purpose(kind: FactorKind, user_id: &str) -> Vec<u8> {
    format!("{}:{user_id}", kind.name()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone(number: &str) -> Option<String> {
        Destination::phone(number).ok().map(|number| number.as_str().to_owned())
    }

    #[test]
    fn numbers_are_as_in_e164() {
        for number in ["+4915112345678", "+49 (151) 1234-5678", " +49.151.12345678 ", "+49\u{a0}151/12345678"] {
            assert_eq!(phone(number).as_deref(), Some("+4915112345678"), "{number}");
        }
        for number in [
            "",
            "+",
            "4915112345678",
            "0151 12345678",
            "+0491511234",
            "+123456",
            "+1234567890123456",
            "++4915112345678",
            "+49151+2345678",
            "+49151x2345678",
            "+٤٩١٥١١٢٣٤٥",
            "+4915112345678\r\nX: y",
            "+4915112345678,+4915112345679",
        ] {
            assert_eq!(phone(number), None, "{number}");
        }
        assert_eq!(phone(&format!("+49{}", "1".repeat(1 << 20))), None);
    }

    #[test]
    fn only_so_much_is_shown_as_its_owner_needs() {
        assert_eq!(Destination::mail("jane.doe@example.com").unwrap().masked(), "j…@example.com");
        assert_eq!(Destination::mail("ørsted@example.com").unwrap().masked(), "ø…@example.com");
        assert_eq!(Destination::phone("+4915112345678").unwrap().masked(), "…78");
    }

    #[test]
    fn it_opens_for_its_user_and_its_kind() {
        let secret = SecretKey::random();
        let sealed = Value::String(Destination::phone("+4915112345678").unwrap().seal(&secret, "7").unwrap());
        let open = |secret: &SecretKey, user, kind| {
            Destination::open(secret, user, kind, &sealed).ok().map(|found| found.as_str().to_owned())
        };
        assert_eq!(open(&secret, "7", FactorKind::SmsCode).as_deref(), Some("+4915112345678"));
        assert_eq!(open(&secret, "8", FactorKind::SmsCode), None);
        assert_eq!(open(&secret, "7", FactorKind::MailCode), None);
        assert_eq!(open(&SecretKey::random(), "7", FactorKind::SmsCode), None);
    }
}
