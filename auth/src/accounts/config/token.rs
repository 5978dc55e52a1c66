use std::time::Duration;

/// The settings of tokens, section `[token]`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenConfig {
    /// Who issues them, the claim `iss` (RFC 7519 §4.1.1).
    pub issuer: Option<String>,
    /// Whom they are for, the claim `aud` (RFC 7519 §4.1.3).
    pub audience: Option<String>,
    /// How long an access token lives: ten minutes.
    pub access_lifetime: Duration,
    /// After how long without use a refresh token ends: fourteen days.
    pub refresh_idle: Duration,
    /// After how long the last of a login's refresh tokens ends: ninety days.
    pub refresh_absolute: Duration,
}

impl Default for TokenConfig {
    fn default() -> Self {
        Self {
            issuer: None,
            audience: None,
            access_lifetime: Duration::from_mins(10),
            refresh_idle: Duration::from_hours(14 * 24),
            refresh_absolute: Duration::from_hours(90 * 24),
        }
    }
}
