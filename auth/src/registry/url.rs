use std::fmt;

use crate::secret::SecretString;

/// The address of a store: `sqlite:blog.db`, `postgres://user:password@host/name`.
///
/// Only the scheme is read here; the rest is for the backend that the scheme chooses. It may hold a password, so it
/// is never shown whole.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    text: SecretString,
    scheme: usize,
}

impl Url {
    /// Takes an address. Without a colon all of it is the scheme, in any letter case.
    pub fn new(text: &str) -> Self {
        let scheme = text.find(':').unwrap_or(text.len());
        let text = format!("{}{}", text[..scheme].to_ascii_lowercase(), &text[scheme..]);
        Self { text: text.into(), scheme }
    }

    /// What stands before the first colon, in small letters: the name a backend is registered under.
    pub fn scheme(&self) -> &str {
        &self.text.expose()[..self.scheme]
    }

    /// The scheme, if that is what it is: of an address without one, a password could stand before the first colon.
    pub(crate) fn shown_scheme(&self) -> &str {
        let is_scheme = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+.-".contains(c);
        let scheme = self.scheme();
        if (1..=20).contains(&scheme.len()) && scheme.chars().all(is_scheme) { scheme } else { "…" }
    }

    /// The whole address, with whatever password stands in it.
    pub fn expose(&self) -> &str {
        self.text.expose()
    }
}

impl From<&str> for Url {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<&Url> for Url {
    fn from(url: &Url) -> Self {
        url.clone()
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({}:…)", self.shown_scheme())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_shows_its_scheme_and_nothing_else() {
        let url = Url::new("Postgres://me:hunter2@host/db");
        assert_eq!(url.scheme(), "postgres");
        assert_eq!(url.expose(), "postgres://me:hunter2@host/db");
        assert_eq!(format!("{url:?}"), "Url(postgres:…)");
        for hidden in ["hunter2@host/db", "me hunter2:x", "a-password-of-more-than-20-letters", "", "höst:"] {
            assert_eq!(format!("{:?}", Url::new(hidden)), "Url(…:…)");
        }
        assert_eq!(Url::new("memory").scheme(), "memory");
        assert_eq!(Url::new("").scheme(), "");
    }
}
