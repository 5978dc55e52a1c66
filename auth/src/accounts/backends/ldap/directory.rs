//! Searches and binds.

use std::fmt;
use std::time::Duration;

use ldap3::{Ldap, Scope, SearchEntry, SearchOptions, dn_escape, ldap_escape};

use super::LdapBackendError;
use super::server::{Server, unreachable};
use super::verdict::{Bound, of_bind};
use crate::accounts::Error;
use crate::secret::{SecretString, random};

#[derive(Clone, Debug)]
pub(super) struct Directory {
    pub(super) server: Server,
    pub(super) mode: Mode,
    pub(super) name_attribute: String,
    pub(super) timeout: Duration,
}

/// How an entry is found.
#[derive(Clone)]
pub(super) enum Mode {
    Search { base: String, filter: Option<String>, account: Option<(String, SecretString)> },
    Bind { pattern: String },
}

/// Whose password was right.
#[derive(Debug)]
pub(super) enum Found {
    Entry(Entry),
    Nobody,
    Refused,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) mail: Option<String>,
    pub(super) given_name: Option<String>,
    pub(super) sn: Option<String>,
}

impl fmt::Debug for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Search { base, filter, .. } => {
                f.debug_struct("Search").field("base", base).field("filter", filter).finish_non_exhaustive()
            }
            Self::Bind { pattern } => f.debug_struct("Bind").field("pattern", pattern).finish(),
        }
    }
}

const PLACEHOLDER: &str = "{username}";

pub(super) fn check_placeholder(template: &str) -> Result<(), Error> {
    if template.contains(PLACEHOLDER) {
        return Ok(());
    }
    Err(Error::Configuration(format!("`{template}` says nowhere `{PLACEHOLDER}`")))
}

pub(super) fn filled_filter(template: &str, username: &str) -> String {
    template.replace(PLACEHOLDER, &ldap_escape(username))
}

fn filled_dn(pattern: &str, username: &str) -> String {
    pattern.replace(PLACEHOLDER, &dn_escape(username))
}

impl Directory {
    pub(super) async fn check(&self, username: &str, password: &SecretString) -> Result<Found, LdapBackendError> {
        let (this, username, password) = (self.clone(), username.to_owned(), password.clone());
        // In a task of its own: the client panics over an answer that is no LDAP.
        let task = tokio::spawn(async move { this.check_now(&username, &password).await });
        let abort = AbortOnDrop(task.abort_handle());
        let checked = tokio::time::timeout(self.timeout, task).await;
        drop(abort);
        checked.map_err(|_| LdapBackendError::TimedOut)?.unwrap_or(Err(LdapBackendError::Malformed))
    }

    async fn check_now(&self, username: &str, password: &SecretString) -> Result<Found, LdapBackendError> {
        let mut ldap = self.server.connect(self.timeout).await?;
        match &self.mode {
            Mode::Search { base, filter, account } => {
                if let Some((dn, password)) = account
                    && let code @ 1.. = ldap.simple_bind(dn, password.expose()).await.map_err(unreachable)?.rc
                {
                    return Err(LdapBackendError::ServiceAccount(code));
                }
                let filter = self.filter(filter.as_deref(), username);
                let Some(entry) = self.search(&mut ldap, base, Scope::Subtree, &filter).await? else {
                    // The same is asked of the directory as for somebody it knows.
                    let nobody = format!("cn={:032x},{base}", u128::from_be_bytes(random()));
                    let _ = bind(&mut ldap, &nobody, password).await?;
                    return Ok(Found::Nobody);
                };
                match bind(&mut ldap, &entry.dn, password).await? {
                    Bound::Yes => Ok(Found::Entry(self.entry(&entry)?)),
                    Bound::No => Ok(Found::Nobody),
                    Bound::Refused => Ok(Found::Refused),
                }
            }
            Mode::Bind { pattern } => {
                let dn = filled_dn(pattern, username);
                match bind(&mut ldap, &dn, password).await? {
                    Bound::Yes => {}
                    Bound::No => return Ok(Found::Nobody),
                    Bound::Refused => return Ok(Found::Refused),
                }
                let entry = self.search(&mut ldap, &dn, Scope::Base, "(objectClass=*)").await?;
                let entry = entry.ok_or_else(|| LdapBackendError::UserName(self.name_attribute.clone()))?;
                Ok(Found::Entry(self.entry(&entry)?))
            }
        }
    }

    /// The one entry; none where several match.
    async fn search(
        &self,
        ldap: &mut Ldap,
        base: &str,
        scope: Scope,
        filter: &str,
    ) -> Result<Option<SearchEntry>, LdapBackendError> {
        const NO_SUCH_OBJECT: u32 = 32;
        const SIZE_LIMIT_EXCEEDED: u32 = 4;
        let attributes = [self.name_attribute.as_str(), "mail", "givenName", "sn"];
        let seconds = i32::try_from(self.timeout.as_secs()).unwrap_or(i32::MAX).max(1);
        ldap.with_search_options(SearchOptions::new().sizelimit(2).timelimit(seconds));
        let found = ldap.search(base, scope, filter, attributes).await.map_err(unreachable)?;
        let (mut entries, code) = (found.0, found.1.rc);
        match code {
            0 if entries.len() < 2 => Ok(entries.pop().map(SearchEntry::construct)),
            0 | SIZE_LIMIT_EXCEEDED => {
                tracing::warn!("several entries of the directory match one name: it is nobody's");
                Ok(None)
            }
            // What whoever is bound may not read is said not to be there.
            NO_SUCH_OBJECT if scope == Scope::Base => Ok(None),
            code => Err(LdapBackendError::Answer(code)),
        }
    }

    fn entry(&self, entry: &SearchEntry) -> Result<Entry, LdapBackendError> {
        // Attributes are named in any letter case.
        let values = |name: &str| {
            let found = entry.attrs.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.map_or(&[][..], |(_, values)| values.as_slice())
        };
        let first = |name: &str| values(name).first().filter(|value| !value.is_empty()).cloned();
        match values(&self.name_attribute) {
            [name] => {
                let name = name.clone();
                Ok(Entry { name, mail: first("mail"), given_name: first("givenName"), sn: first("sn") })
            }
            _ => Err(LdapBackendError::UserName(self.name_attribute.clone())),
        }
    }

    fn filter(&self, template: Option<&str>, username: &str) -> String {
        match template {
            Some(template) => filled_filter(template, username),
            None => filled_filter(&format!("({}={PLACEHOLDER})", self.name_attribute), username),
        }
    }
}

async fn bind(ldap: &mut Ldap, dn: &str, password: &SecretString) -> Result<Bound, LdapBackendError> {
    debug_assert!(!dn.is_empty() && !password.expose().is_empty(), "that would be an anonymous bind");
    let result = ldap.simple_bind(dn, password.expose()).await.map_err(unreachable)?;
    of_bind(result.rc, &result.text)
}

/// A login that nobody waits for any more asks nothing more.
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_a_filter_or_a_dn_is_escaped() {
        assert_eq!(filled_filter("(uid={username})", "*)(uid=*"), "(uid=\\2a\\29\\28uid=\\2a)");
        assert_eq!(filled_filter("(uid={username})", "a\\\0"), "(uid=a\\5c\\00)");
        assert_eq!(filled_dn("uid={username},o=x", "ann,ou=admins"), "uid=ann\\2cou\\3dadmins,o=x");
        assert_eq!(filled_dn("uid={username},o=x", "#a+b=c "), "uid=\\23a\\2bb\\3dc\\20,o=x");
        assert_eq!(filled_dn("{username}{username}", "{username}"), "{username}{username}", "once");
    }

    #[test]
    fn no_character_changes_a_filter_or_a_dn() {
        for c in (0..=0x2fff).filter_map(char::from_u32) {
            for name in [format!("{c}"), format!("a{c}b"), format!("{c}{c}ab"), format!("ab{c}{c}")] {
                let filter = filled_filter("(uid={username})", &name);
                assert!(!filter[5..filter.len() - 1].contains(['(', ')', '*', '\0']), "{name:?}");
                assert!(ldap3::parse_filter(&filter).is_ok(), "{name:?}");
                let dn = filled_dn("uid={username},o=x", &name);
                assert!(!dn[4..dn.len() - 4].contains([',', '+', '=', '"', ';', '<', '>', '\0']), "{name:?}");
            }
        }
    }
}
