use std::net::IpAddr;

/// What the application chose, for the web layer.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) cookie_name: String,
    pub(crate) insecure_cookies: bool,
    pub(crate) trusted_origins: Vec<String>,
    pub(crate) trusted_proxies: Vec<IpAddr>,
    pub(crate) login_url: String,
    pub(crate) home_url: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cookie_name: "session".to_owned(),
            insecure_cookies: false,
            trusted_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            login_url: "/login".to_owned(),
            home_url: "/".to_owned(),
        }
    }
}
