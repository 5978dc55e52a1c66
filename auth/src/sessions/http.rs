use std::fmt;

use chrono::TimeDelta;

use super::Lifetime;
#[cfg(any(feature = "__web", test))]
use super::SessionError;

/// How sessions travel over HTTP: the cookie, and how long it and its session live.
///
/// Without a word more it is `__Host-session`, `Secure`, `HttpOnly`, `SameSite=Lax`, `Path=/`, as old as its session may
/// get, and that is an hour without use and a day in all. On loopback names, where browsers refuse `Secure` over plain
/// http, it is `session` without `Secure` and domain. The cookie that cross-site tokens are bound to before login has
/// the same attributes, and `-csrf` after its name.
///
/// ```
/// use auth::sessions::{HttpSessionConfig, SameSite};
///
/// let config = HttpSessionConfig::new().name("blog").same_site(SameSite::Strict).expires_at_browser_close();
/// assert!(config.loosened().is_empty());
/// ```
///
/// # Security
/// What loosens a rule has a name that says so, and is listed by [`HttpSessionConfig::loosened`] and in `Debug`.
/// Combinations that browsers drop or that make a promise empty are refused when the `Auth` or the middleware is made.
#[derive(Clone, PartialEq)]
#[must_use]
pub struct HttpSessionConfig {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) domain: Option<String>,
    pub(crate) host_prefix: bool,
    pub(crate) http_only: bool,
    pub(crate) insecure: bool,
    pub(crate) same_site: SameSite,
    pub(crate) max_age: MaxAge,
    pub(crate) lifetime: Lifetime,
}

/// Whether the cookie goes along with requests that another site caused (RFC 6265bis §4.1.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SameSite {
    /// With none: who follows a link to this site arrives logged out.
    Strict,
    /// With links, not with forms, scripts or frames. The default.
    Lax,
    /// With all: for a site that works inside other sites' frames. The cross-site rules stand alone then.
    None,
}

/// How long a browser keeps the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MaxAge {
    OfTheSession,
    AtMost(TimeDelta),
    UntilBrowserCloses,
}

impl HttpSessionConfig {
    /// The safe defaults.
    pub fn new() -> Self {
        Self {
            name: "session".to_owned(),
            path: "/".to_owned(),
            domain: None,
            host_prefix: true,
            http_only: true,
            insecure: false,
            same_site: SameSite::Lax,
            max_age: MaxAge::OfTheSession,
            lifetime: Lifetime::default(),
        }
    }

    /// The cookie's name, to which the prefix is added: `session`, if nothing is said.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Sent with requests below this path only. Needs [`HttpSessionConfig::without_host_prefix`].
    ///
    /// # Security
    /// It keeps nobody out: a page of the same host can open a page below the path and read along.
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Sent to this domain and every host below it. Needs [`HttpSessionConfig::without_host_prefix`].
    ///
    /// # Security
    /// Each of these hosts gets the session's key, and can act for whoever visits it.
    pub fn domain(mut self, domain: &str) -> Self {
        self.domain = Some(domain.to_owned());
        self
    }

    /// Calls the cookie `__Secure-…`: browsers hold `__Host-` to `Path=/` and no domain (RFC 6265bis §4.1.3.2).
    ///
    /// # Security
    /// Hosts below the same domain can then plant a cookie of that name, and with it another session.
    pub fn without_host_prefix(self) -> Self {
        Self { host_prefix: false, ..self }
    }

    /// With which cross-site requests the cookie goes along: [`SameSite::Lax`], if nothing is said.
    pub fn same_site(self, same_site: SameSite) -> Self {
        Self { same_site, ..self }
    }

    /// Has browsers keep the cookie no longer than that, counted from when it was set, at login for one. The session's own
    /// end is set by [`HttpSessionConfig::lifetime`].
    pub fn max_age(self, max_age: TimeDelta) -> Self {
        Self { max_age: MaxAge::AtMost(max_age), ..self }
    }

    /// Has browsers forget the cookie when they are closed. (Those that restore their tabs keep it.)
    pub fn expires_at_browser_close(self) -> Self {
        Self { max_age: MaxAge::UntilBrowserCloses, ..self }
    }

    /// How long a session lives on the server: an hour without use and a day in all, if nothing is said. Its cookie lives
    /// as long: thirty days, used or not, are `Lifetime::new(TimeDelta::days(30), TimeDelta::days(30))`.
    pub fn lifetime(self, lifetime: Lifetime) -> Self {
        Self { lifetime, ..self }
    }

    /// Sends cookies over plain http on any host. Whoever listens can then take over sessions.
    pub fn insecure_cookies(self) -> Self {
        Self { insecure: true, ..self }
    }

    /// Leaves `HttpOnly` out: a script that somebody smuggles into a page can carry the session away.
    pub fn allow_scripts_to_read_the_cookie(self) -> Self {
        Self { http_only: false, ..self }
    }

    /// What was loosened, by the names of the calls.
    pub fn loosened(&self) -> Vec<&'static str> {
        let calls = [
            (self.domain.is_some(), "domain"),
            (!self.host_prefix, "without_host_prefix"),
            (self.same_site == SameSite::None, "same_site(None)"),
            (self.insecure, "insecure_cookies"),
            (!self.http_only, "allow_scripts_to_read_the_cookie"),
        ];
        calls.into_iter().filter_map(|(made, call)| made.then_some(call)).collect()
    }

    #[cfg(any(feature = "__web", test))]
    pub(crate) fn check(&self) -> Result<(), SessionError> {
        match self.problems().into_iter().next() {
            None => Ok(()),
            Some((_, problem)) => Err(SessionError::Configuration(problem)),
        }
    }

    /// Everything that is wrong, each with the calls that it is about.
    pub(crate) fn problems(&self) -> Vec<(&'static [&'static str], String)> {
        let mut problems: Vec<(&'static [&'static str], String)> = Vec::new();
        let mut wrong = |calls, text: &str| problems.push((calls, text.to_owned()));
        let Self { name, path, domain, .. } = self;
        if !is_name(name) {
            let text = format!("`{name}` cannot be a cookie's name: use letters, digits, `-` and `_`, and no prefix");
            wrong(&["name"], &text);
        }
        if !is_path(path) {
            wrong(&["path"], &format!("`{path}` cannot be a cookie's path: write it as \"/app\""));
        }
        if let Some(domain) = domain.as_ref().filter(|domain| !is_domain(domain)) {
            wrong(&["domain"], &format!("`{domain}` cannot be a cookie's domain: write it as \"example.com\""));
        }
        if self.host_prefix && (domain.is_some() || path != "/") {
            wrong(
                &["path", "domain", "without_host_prefix"],
                "a `__Host-` cookie has no domain and the path `/`, or browsers drop it: leave both out, or also call \
                 `without_host_prefix()`",
            );
        }
        if self.insecure && self.same_site == SameSite::None {
            wrong(
                &["same_site", "insecure_cookies"],
                "browsers drop a `SameSite=None` cookie that is not `Secure`: leave out `insecure_cookies()` or \
                 `SameSite::None`",
            );
        }
        if matches!(self.max_age, MaxAge::AtMost(age) if age.num_seconds() < 1) {
            wrong(&["max_age"], "a cookie's `max_age` is a second at least");
        }
        if matches!(self.max_age, MaxAge::AtMost(age) if age > self.lifetime.absolute()) {
            wrong(
                &["max_age", "absolute"],
                "a cookie's `max_age` is longer than its session may get, so it would change nothing: the session's own end \
                 is set by `lifetime(…)`",
            );
        }
        problems
    }
}

impl Default for HttpSessionConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HttpSessionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("HttpSessionConfig");
        shown.field("name", &self.name).field("path", &self.path).field("domain", &self.domain);
        shown.field("same_site", &self.same_site).field("max_age", &self.max_age).field("lifetime", &self.lifetime);
        shown.field("loosened", &self.loosened()).finish_non_exhaustive()
    }
}

/// A token (RFC 9110 §5.6.2) without a prefix of its own.
fn is_name(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.len() <= 64 && name.bytes().all(token) && !name.starts_with("__")
}

fn is_path(path: &str) -> bool {
    path.starts_with('/') && path.len() <= 256 && path.bytes().all(|b| b.is_ascii_graphic() && b != b';')
}

/// Two labels at least: browsers take no cookie for a whole top level. No address: nothing is below one.
fn is_domain(domain: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_number = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
    domain.len() <= 253
        && domain.split('.').all(label)
        && domain.rsplit_once('.').is_some_and(|(_, last)| !is_number(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> HttpSessionConfig {
        HttpSessionConfig::new()
    }

    fn refused(config: &HttpSessionConfig) -> String {
        config.check().expect_err("it is refused").to_string()
    }

    #[test]
    fn what_browsers_would_drop_is_refused() {
        assert!(refused(&config().domain("example.com")).contains("without_host_prefix()"));
        assert!(refused(&config().path("/app")).contains("without_host_prefix()"));
        assert!(refused(&config().same_site(SameSite::None).insecure_cookies()).contains("SameSite=None"));
        assert!(refused(&config().max_age(TimeDelta::milliseconds(999))).contains("max_age"));
        assert!(refused(&config().max_age(TimeDelta::seconds(-1))).contains("max_age"));
        assert!(refused(&config().max_age(TimeDelta::days(30))).contains("`lifetime(…)`"));
        for good in [
            config(),
            config().domain("a.Example-1.com").path("/app").without_host_prefix(),
            config().same_site(SameSite::None),
            config().same_site(SameSite::Strict).insecure_cookies(),
            config().max_age(TimeDelta::seconds(1)),
            config().max_age(TimeDelta::days(1)),
        ] {
            good.check().unwrap();
        }
    }

    #[test]
    fn a_name_is_a_name_a_path_a_path_and_a_domain_a_domain() {
        for name in ["", "a;b", "a=b", "a b", "a\n", "é", "__Host-x", "__x", &"a".repeat(65)] {
            assert!(refused(&config().name(name)).contains("name"), "{name}");
        }
        let open = config().without_host_prefix();
        for path in ["", "app", "/a;b", "/a b", "/a\r\nb", "/é", &format!("/{}", "a".repeat(256))] {
            assert!(refused(&open.clone().path(path)).contains("path"), "{path}");
        }
        let long = format!("{}.com", "a".repeat(64));
        let longer = format!("{}com", "a.".repeat(130));
        for domain in
            ["", ".", "com", ".example.com", "example.com.", "a b.com", "a;b.com", "-a.com", "127.0.0.1", "é.com"]
        {
            assert!(refused(&open.clone().domain(domain)).contains("domain"), "{domain}");
        }
        assert!(open.clone().domain(&long).check().is_err() && open.domain(&longer).check().is_err());
    }

    #[test]
    fn what_was_loosened_is_shown() {
        assert!(config().loosened().is_empty());
        let open = config().same_site(SameSite::None).allow_scripts_to_read_the_cookie();
        let open = open.without_host_prefix().domain("example.com");
        let calls = ["domain", "without_host_prefix", "same_site(None)", "allow_scripts_to_read_the_cookie"];
        assert_eq!(open.loosened(), calls);
        assert!(calls.iter().all(|call| format!("{open:?}").contains(call)));
        assert_eq!(config().insecure_cookies().loosened(), ["insecure_cookies"]);
    }
}
