use std::net::IpAddr;

use super::config::TokenConfig;
use crate::sessions::HttpSessionConfig;

/// What the application chose, for the web layer.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) http_sessions: HttpSessionConfig,
    pub(crate) trusted_origins: Vec<String>,
    pub(crate) trusted_proxies: Vec<IpAddr>,
    pub(crate) login_url: String,
    pub(crate) home_url: String,
    pub(crate) tokens: TokenConfig,
    #[cfg(feature = "mfa-totp")]
    pub(crate) totp: crate::mfa::TotpConfig,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            http_sessions: HttpSessionConfig::new(),
            trusted_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            login_url: "/login".to_owned(),
            home_url: "/".to_owned(),
            tokens: TokenConfig::default(),
            #[cfg(feature = "mfa-totp")]
            totp: crate::mfa::TotpConfig::default(),
        }
    }
}

impl Settings {
    /// The address of another page of the routes: it stands beside the login page.
    #[cfg_attr(not(feature = "__web"), expect(dead_code, reason = "only the web has pages"))]
    pub(crate) fn beside_login(&self, page: &str) -> String {
        let (folder, _) = self.login_url.rsplit_once('/').unwrap_or_default();
        format!("{folder}/{page}")
    }
}

/// Whether that is an origin as browsers write it.
pub(crate) fn is_origin(origin: &str) -> bool {
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    host.is_some_and(|host| {
        !host.is_empty() && !host.contains(['/', '?', '#', '@', ' ']) && *host == host.to_lowercase()
    })
}

/// Says what is wrong with an origin.
pub(super) fn origin(origin: &str) -> Result<(), String> {
    if is_origin(origin) {
        return Ok(());
    }
    Err(format!("`{origin}` is not an origin: write it as \"https://example.com\""))
}

/// Says what is wrong with a path on this site.
pub(super) fn path(path: &str) -> Result<(), String> {
    if path.starts_with('/') && !path.starts_with("//") && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\') {
        return Ok(());
    }
    Err(format!("`{path}` is not a path on this site: write it as \"/login\""))
}
