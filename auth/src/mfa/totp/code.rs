use std::fmt;
use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::mfa::{MfaError, base32};
use crate::secret::SecretString;

/// The hash that codes are made by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TotpAlgorithm {
    /// HMAC-SHA-1, the only one that every authenticator app knows. What is known against SHA-1 does not touch HMAC.
    #[default]
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

impl TotpAlgorithm {
    const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];

    /// Its name, as `otpauth://` URLs have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}

/// How codes are made and checked: by SHA-1, with six digits, a new one every 30 seconds, and one step early or late.
///
/// Several authenticator apps read only these defaults and pass over others without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TotpConfig {
    algorithm: TotpAlgorithm,
    digits: u8,
    time_step: u16,
    window: u8,
}

const DIGITS: RangeInclusive<u8> = 6..=8;
const TIME_STEP: RangeInclusive<u16> = 15..=300;
const MAX_WINDOW: u8 = 5;

impl TotpConfig {
    /// Makes codes by another hash.
    pub fn with_algorithm(self, algorithm: TotpAlgorithm) -> Self {
        Self { algorithm, ..self }
    }

    /// Makes codes of so many digits: 6 to 8 (RFC 4226 §5.3).
    ///
    /// # Errors
    /// [`MfaError::Invalid`]
    pub fn with_digits(self, digits: u8) -> Result<Self, MfaError> {
        let fits = DIGITS.contains(&digits);
        if fits { Ok(Self { digits, ..self }) } else { Err(MfaError::Invalid("a code has 6 to 8 digits")) }
    }

    /// Makes a new code every so many seconds: 15 to 300.
    ///
    /// # Errors
    /// [`MfaError::Invalid`]
    pub fn with_time_step(self, seconds: u16) -> Result<Self, MfaError> {
        let fits = TIME_STEP.contains(&seconds);
        if fits {
            Ok(Self { time_step: seconds, ..self })
        } else {
            Err(MfaError::Invalid("a code is new every 15 to 300 seconds"))
        }
    }

    /// Takes codes that are so many steps early or late: 5 at the most. RFC 6238 §5.2 recommends one, for clocks that are
    /// not quite right and codes that are typed slowly.
    ///
    /// # Security
    /// Each step more is another code that a guess may hit.
    ///
    /// # Errors
    /// [`MfaError::Invalid`]
    pub fn with_window(self, steps: u8) -> Result<Self, MfaError> {
        let fits = steps <= MAX_WINDOW;
        if fits {
            Ok(Self { window: steps, ..self })
        } else {
            Err(MfaError::Invalid("a code is 5 steps early or late at the most"))
        }
    }

    /// The hash.
    pub fn algorithm(&self) -> TotpAlgorithm {
        self.algorithm
    }

    /// How many digits a code has.
    pub fn digits(&self) -> u8 {
        self.digits
    }

    /// Every how many seconds there is a new code.
    pub fn time_step(&self) -> u16 {
        self.time_step
    }

    /// How many steps a code may be early or late.
    pub fn window(&self) -> u8 {
        self.window
    }
}

impl Default for TotpConfig {
    fn default() -> Self {
        Self { algorithm: TotpAlgorithm::Sha1, digits: 6, time_step: 30, window: 1 }
    }
}

/// What makes one-time codes of a secret: by a counter (HOTP, RFC 4226), and by the time (TOTP, RFC 6238).
///
/// ```
/// use auth::clock::{Clock, SystemClock};
/// use auth::mfa::{Totp, TotpConfig};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let totp = Totp::from_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", TotpConfig::default()).ok_or("not base32")?;
/// let now = SystemClock.now();
/// let step = totp.step_of(totp.code_at(now).expose(), now, None);
/// assert!(step.is_some());
/// assert_eq!(totp.step_of(totp.code_at(now).expose(), now, step), None, "a code is used once");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Totp {
    secret: Zeroizing<Vec<u8>>,
    config: TotpConfig,
}

impl Totp {
    /// Codes of this secret.
    pub fn new(secret: &[u8], config: TotpConfig) -> Self {
        Self { secret: Zeroizing::new(secret.to_vec()), config }
    }

    /// Codes of a secret in base32, as people type it into authenticator apps: also in small letters and with spaces.
    pub fn from_base32(secret: &str, config: TotpConfig) -> Option<Self> {
        Some(Self { secret: base32::decode(base32::RFC_4648, secret)?, config })
    }

    /// The secret in base32.
    pub fn base32(&self) -> SecretString {
        base32::encode(base32::RFC_4648, &self.secret).as_str().into()
    }

    /// How codes are made and checked.
    pub fn config(&self) -> TotpConfig {
        self.config
    }

    /// The code of this moment.
    pub fn code_at(&self, time: DateTime<Utc>) -> SecretString {
        self.hotp(self.step_at(time))
    }

    /// The code of a counter (RFC 4226).
    pub fn hotp(&self, counter: u64) -> SecretString {
        let digits = usize::from(self.config.digits);
        format!("{:0digits$}", self.value(counter)).into()
    }

    /// The time step of a moment (RFC 6238 §4.2).
    pub fn step_at(&self, time: DateTime<Utc>) -> u64 {
        u64::try_from(time.timestamp()).unwrap_or(0) / u64::from(self.config.time_step)
    }

    /// The time step that the code is of, within the window around this moment, and after the step that was used last: whoever
    /// keeps it as that takes each code once. `None` if it is the code of no such step.
    ///
    /// Spaces between the digits do not matter.
    pub fn step_of(&self, code: &str, time: DateTime<Utc>, last_used: Option<u64>) -> Option<u64> {
        self.matches(Code::read(code)?, time, last_used)
    }

    pub(super) fn secret(&self) -> &[u8] {
        &self.secret
    }

    pub(super) fn matches(&self, code: Code, time: DateTime<Utc>, last_used: Option<u64>) -> Option<u64> {
        if code.digits != self.config.digits {
            return None;
        }
        let (now, window) = (self.step_at(time), u64::from(self.config.window));
        // All of them, so that the time tells nothing; the last, as two steps may have the same code.
        let steps = now.saturating_sub(window)..=now.saturating_add(window);
        let right = |step: &u64| bool::from(self.value(*step).ct_eq(&code.value));
        steps.filter(right).filter(|step| last_used.is_none_or(|last| *step > last)).max()
    }

    /// The code as a number.
    fn value(&self, counter: u64) -> u32 {
        let mac = match self.config.algorithm {
            TotpAlgorithm::Sha1 => tag::<Hmac<Sha1>>(&self.secret, counter),
            TotpAlgorithm::Sha256 => tag::<Hmac<Sha256>>(&self.secret, counter),
            TotpAlgorithm::Sha512 => tag::<Hmac<Sha512>>(&self.secret, counter),
        };
        truncated(&mac) % 10_u32.pow(self.config.digits.into())
    }
}

/// Dynamic truncation (RFC 4226 §5.3).
fn truncated(mac: &[u8]) -> u32 {
    let offset = usize::from(mac.last().map_or(0, |byte| byte & 0xf));
    mac[offset..offset + 4].iter().fold(0, |value, byte| value << 8 | u32::from(*byte)) & 0x7fff_ffff
}

fn tag<M: Mac + KeyInit>(secret: &[u8], counter: u64) -> Zeroizing<Vec<u8>> {
    let mac = <M as KeyInit>::new_from_slice(secret).expect("HMAC takes a key of any length");
    Zeroizing::new(mac.chain_update(counter.to_be_bytes()).finalize().into_bytes().to_vec())
}

impl fmt::Debug for Totp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Totp").field("config", &self.config).finish_non_exhaustive()
    }
}

/// A code as somebody typed it.
#[derive(Clone, Copy)]
pub(super) struct Code {
    value: u32,
    digits: u8,
}

impl Code {
    /// Digits as many as a code may have, and spaces; nothing else, and not many of them.
    pub(super) fn read(text: &str) -> Option<Self> {
        const LONGEST: usize = 32;
        if text.len() > LONGEST {
            return None;
        }
        let mut code = Self { value: 0, digits: 0 };
        for byte in text.bytes().filter(|byte| *byte != b' ') {
            if !byte.is_ascii_digit() || code.digits == *DIGITS.end() {
                return None;
            }
            code = Self { value: code.value * 10 + u32::from(byte - b'0'), digits: code.digits + 1 };
        }
        DIGITS.contains(&code.digits).then_some(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4226 appendix D.
    #[test]
    fn the_published_vectors_of_hotp() {
        let totp = Totp::new(b"12345678901234567890", TotpConfig::default());
        let expected =
            ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
        for (counter, code) in (0..).zip(expected) {
            assert_eq!(totp.hotp(counter).expose(), code);
        }
        let macs = [
            (0, "cc93cf18508d94934c64b65d8ba7667fb7cde4b0", 1_284_755_224),
            (1, "75a48a19d4cbe100644e8ac1397eea747a2d33ab", 1_094_287_082),
            (2, "0bacb7fa082fef30782211938bc1c5e70416ff44", 137_359_152),
            (3, "66c28227d03a2d5529262ff016a1e6ef76557ece", 1_726_969_429),
            (4, "a904c900a64b35909874b33e61c5938a8e15ed1c", 1_640_338_314),
            (5, "a37e783d7b7233c083d4f62926c7a25f238d0316", 868_254_676),
            (6, "bc9cd28561042c83f219324d3c607256c03272ae", 1_918_287_922),
            (7, "a4fb960c0bc06e1eabb804e5b397cdc4b45596fa", 82_162_583),
            (8, "1b3c89f65e6c9e883012052823443f048b4332db", 673_399_871),
            (9, "1637409809a679dc698207310c8c7fc07290d9e5", 645_520_489),
        ];
        for (counter, mac, truncated) in macs {
            let tag = tag::<Hmac<Sha1>>(b"12345678901234567890", counter);
            let hex = tag.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
            assert_eq!((hex.as_str(), super::truncated(&tag)), (mac, truncated));
        }
    }

    /// RFC 6238 appendix B, with the secrets of its reference implementation.
    #[test]
    fn the_published_vectors_of_totp() {
        let secret = b"1234567890123456789012345678901234567890123456789012345678901234";
        let vectors = [
            (59, 0x1, ["94287082", "46119246", "90693936"]),
            (1_111_111_109, 0x0235_23ec, ["07081804", "68084774", "25091201"]),
            (1_111_111_111, 0x0235_23ed, ["14050471", "67062674", "99943326"]),
            (1_234_567_890, 0x0273_ef07, ["89005924", "91819424", "93441116"]),
            (2_000_000_000, 0x03f9_40aa, ["69279037", "90698825", "38618901"]),
            (20_000_000_000, 0x27bc_86aa, ["65353130", "77737706", "47863826"]),
        ];
        for (seconds, step, codes) in vectors {
            let time = DateTime::from_timestamp(seconds, 0).unwrap();
            for ((algorithm, length), code) in TotpAlgorithm::ALL.into_iter().zip([20, 32, 64]).zip(codes) {
                let config = TotpConfig::default().with_algorithm(algorithm).with_digits(8).unwrap();
                let totp = Totp::new(&secret[..length], config);
                assert_eq!((totp.step_at(time), totp.code_at(time).expose()), (step, code), "{}", algorithm.name());
                assert_eq!(totp.step_of(code, time, None), Some(step));
            }
        }
    }

    #[test]
    fn a_code_counts_within_the_window_and_once() {
        let at = |step: i64| DateTime::from_timestamp(step * 30 + 7, 0).unwrap();
        for window in 0..=MAX_WINDOW {
            let totp = Totp::new(b"12345678901234567890", TotpConfig::default().with_window(window).unwrap());
            let code = totp.code_at(at(100));
            for step in 90..=110 {
                let within = 100_u64.abs_diff(step) <= window.into();
                let now = at(i64::try_from(step).unwrap());
                assert_eq!(totp.step_of(code.expose(), now, None), within.then_some(100), "{window} {step}");
                assert_eq!(totp.step_of(code.expose(), now, Some(99)), within.then_some(100));
                assert_eq!(totp.step_of(code.expose(), now, Some(100)), None);
                assert_eq!(totp.step_of(code.expose(), now, Some(101)), None);
            }
        }
        let totp = Totp::new(b"12345678901234567890", TotpConfig::default());
        let first = totp.hotp(0);
        assert_eq!(totp.step_of(first.expose(), at(0), None), Some(0));
        assert_eq!(totp.step_of(first.expose(), at(-100), None), Some(0), "there is no time before 1970");
    }

    /// Two neighbouring steps have the same code once in a million: it is used up for both.
    #[test]
    fn of_two_steps_with_the_same_code_the_later_counts() {
        let totp = Totp::new(b"12345678901234567890", TotpConfig::default());
        let twin = 910_737;
        assert_eq!(totp.hotp(twin), totp.hotp(twin + 1));
        let now = DateTime::from_timestamp(27_322_110, 0).unwrap();
        let used = totp.step_of(totp.hotp(twin).expose(), now, None);
        assert_eq!(used, Some(twin + 1));
        assert_eq!(totp.step_of(totp.hotp(twin).expose(), now, used), None);
    }

    #[test]
    fn what_is_typed_is_digits_and_spaces() {
        let read = |text: &str| Code::read(text).map(|code| (code.value, code.digits));
        assert_eq!(read("012345"), Some((12_345, 6)));
        assert_eq!(read(" 123 456 "), Some((123_456, 6)));
        assert_eq!(read("1 2 3 4 5 6 7 8"), Some((12_345_678, 8)));
        assert_eq!(read(&format!("123456{}", " ".repeat(26))), Some((123_456, 6)));
        let long = format!("123456{}", " ".repeat(27));
        for bad in
            ["", " ", "12345", "123456789", "-12345", "+12345", "123-456", "123456\\n", "12345a", "１２３４５６", &long]
        {
            assert_eq!(read(bad), None, "{bad:?}");
        }
        let totp = Totp::new(b"12345678901234567890", TotpConfig::default());
        let longer = format!("0{}", totp.hotp(0).expose());
        assert_eq!(totp.step_of(&longer, DateTime::UNIX_EPOCH, None), None, "a code has as many digits as it has");
    }

    #[test]
    fn settings_have_bounds() {
        let config = TotpConfig::default();
        for (good, bad) in [(6, 5), (7, 0), (8, 9)] {
            assert_eq!(config.with_digits(good).unwrap().digits(), good);
            assert!(config.with_digits(bad).is_err());
        }
        for (good, bad) in [(15, 14), (30, 0), (300, 301)] {
            assert_eq!(config.with_time_step(good).unwrap().time_step(), good);
            assert!(config.with_time_step(bad).is_err());
        }
        assert_eq!(config.with_window(0).unwrap().window(), 0);
        assert!(config.with_window(5).is_ok() && config.with_window(6).is_err());
    }

    #[test]
    fn nothing_secret_is_shown() {
        let totp = Totp::new(b"12345678901234567890", TotpConfig::default());
        let shown = format!("{totp:?}");
        assert!(shown.contains("Sha1") && !shown.contains("1234") && !shown.contains("49, 50"), "{shown}");
        assert!(!shown.contains(totp.base32().expose()));
    }
}
