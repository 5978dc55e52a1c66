use std::fmt;
use std::ops::BitOr;

use super::FactorKind;

/// By which ways somebody has proved who they are, in one login.
///
/// As `amr` in tokens the ways have the names of RFC 8176 where it has one.
///
/// ```
/// use auth::mfa::AuthMethods;
///
/// let methods = AuthMethods::PASSWORD | AuthMethods::TOTP;
/// assert!(methods.is_multi_factor());
/// assert_eq!(methods.names(), ["pwd", "otp", "mfa"]);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct AuthMethods(u8);

impl AuthMethods {
    /// By none: nothing is known of it.
    pub const NONE: Self = Self(0);
    /// By a password.
    pub const PASSWORD: Self = Self(1);
    /// By a code of an authenticator app.
    pub const TOTP: Self = Self(1 << 1);
    /// By a recovery code.
    pub const RECOVERY_CODE: Self = Self(1 << 2);
    /// By a code that was sent by mail.
    pub const MAIL_CODE: Self = Self(1 << 3);
    /// By a code that was sent as a text message.
    pub const SMS_CODE: Self = Self(1 << 4);
    /// By a passkey.
    pub const PASSKEY: Self = Self(1 << 5);
    /// By another identity provider, whatever that one asked for.
    pub const PROVIDER: Self = Self(1 << 6);
    /// The passkey's device has verified who held it, by a PIN, a finger or a face: two factors in one.
    pub const USER_VERIFIED: Self = Self(1 << 7);

    const NAMES: [(Self, &'static str); 8] = [
        (Self::PASSWORD, "pwd"),
        (Self::TOTP, "otp"),
        (Self::RECOVERY_CODE, "recovery"),
        (Self::MAIL_CODE, "mail"),
        (Self::SMS_CODE, "sms"),
        (Self::PASSKEY, "pop"),
        (Self::PROVIDER, "fed"),
        (Self::USER_VERIFIED, "user"),
    ];

    /// What stands for them in a byte.
    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    /// What the byte stands for: each has a meaning.
    pub(crate) const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// Whether all of these are among them.
    pub const fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Whether there are two factors of different kinds among them: something known, or another provider's word, and something
    /// held; or a passkey whose device verified its user.
    pub const fn is_multi_factor(self) -> bool {
        let known = self.0 & (Self::PASSWORD.0 | Self::PROVIDER.0) != 0;
        let held = Self::TOTP.0 | Self::RECOVERY_CODE.0 | Self::MAIL_CODE.0 | Self::SMS_CODE.0 | Self::PASSKEY.0;
        (known && self.0 & held != 0) || self.contains(Self(Self::PASSKEY.0 | Self::USER_VERIFIED.0))
    }

    /// Their names, as in `amr` (RFC 8176), with `mfa` where there are two factors.
    pub fn names(self) -> Vec<&'static str> {
        let named = Self::NAMES.iter().filter(|(method, _)| self.contains(*method)).map(|(_, name)| *name);
        named.chain(self.is_multi_factor().then_some("mfa")).collect()
    }

    /// The methods of these names; others are passed over.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let of = |name: &str| Self::NAMES.iter().find(|(_, known)| *known == name).map_or(Self::NONE, |(it, _)| *it);
        names.into_iter().map(of).fold(Self::NONE, BitOr::bitor)
    }
}

impl BitOr for AuthMethods {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl From<FactorKind> for AuthMethods {
    fn from(kind: FactorKind) -> Self {
        match kind {
            FactorKind::Totp => Self::TOTP,
            FactorKind::Passkey => Self::PASSKEY,
            FactorKind::RecoveryCodes => Self::RECOVERY_CODE,
            FactorKind::MailCode => Self::MAIL_CODE,
            FactorKind::SmsCode => Self::SMS_CODE,
        }
    }
}

impl fmt::Debug for AuthMethods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuthMethods({})", self.names().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_factors_are_of_two_kinds() {
        let password = AuthMethods::PASSWORD;
        for held in [AuthMethods::TOTP, AuthMethods::RECOVERY_CODE, AuthMethods::SMS_CODE, AuthMethods::PASSKEY] {
            assert!((password | held).is_multi_factor() && !held.is_multi_factor());
        }
        assert!((AuthMethods::PROVIDER | AuthMethods::TOTP).is_multi_factor());
        assert!((AuthMethods::PASSKEY | AuthMethods::USER_VERIFIED).is_multi_factor());
        for few in [AuthMethods::NONE, password, password | AuthMethods::PROVIDER, AuthMethods::USER_VERIFIED] {
            assert!(!few.is_multi_factor(), "{few:?}");
        }
        assert!(!(AuthMethods::TOTP | AuthMethods::SMS_CODE).is_multi_factor());
    }

    #[test]
    fn names_are_read_back() {
        for bits in 0..=u8::MAX {
            let methods = AuthMethods::from_bits(bits);
            assert_eq!(AuthMethods::from_names(methods.names()), methods);
        }
    }
}
