use std::fmt;

use serde::{Deserialize, Serialize};

use crate::permissions::{PermissionEntry, PermissionSet};
use crate::registry;

/// What a client may do, or asks to: names with spaces between them (RFC 6749 §3.3), each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scope(Vec<String>);

/// That is no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a scope has names of visible ASCII characters without quotes and backslashes, 4096 letters at the most")]
#[non_exhaustive]
pub struct InvalidScope;

impl Scope {
    const MAX: usize = 4096;

    /// Reads a scope.
    ///
    /// # Errors
    /// [`InvalidScope`]
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        let is_allowed = |b: u8| (b' '..=b'~').contains(&b) && b != b'"' && b != b'\\';
        if text.len() > Self::MAX || !text.bytes().all(is_allowed) {
            return Err(InvalidScope);
        }
        let mut names = Vec::<String>::new();
        for name in text.split(' ').filter(|name| !name.is_empty()) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        Ok(Self(names))
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether that name is in it.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }

    /// Whether all that is in it is in the other.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.iter().all(|name| other.contains(name))
    }

    /// Its names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The first that looks like a permission of an application that declares its permissions, and not that one.
    pub(super) fn undeclared(&self) -> Option<&str> {
        let entries = registry::entries::<PermissionEntry>();
        let declared: Vec<_> = entries.iter().filter_map(|entry| entry.name.split_once('.')).collect();
        self.names().find(|name| {
            name.split_once('.').is_some_and(|(app_label, codename)| {
                let mut of_app = declared.iter().filter(|(known, _)| *known == app_label).peekable();
                of_app.peek().is_some() && of_app.all(|(_, known)| *known != codename)
            })
        })
    }

    /// The permissions among them, by name.
    pub fn permissions(&self) -> PermissionSet {
        PermissionSet::of(&self.0)
    }

    /// Whether it says who somebody is, at the most (OpenID Connect Core §5.4).
    pub(crate) fn is_of_identity(&self) -> bool {
        const NAMES: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];
        self.names().all(|name| NAMES.contains(&name))
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        let new = other.0.iter().filter(|name| !self.contains(name));
        Self(self.0.iter().chain(new).cloned().collect())
    }

    pub(super) fn without(&self, name: &str) -> Self {
        Self(self.0.iter().filter(|known| *known != name).cloned().collect())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_as_the_standard_has_it() {
        let scope = Scope::parse(" read  write read ").unwrap();
        assert_eq!(scope.to_string(), "read write");
        assert!(scope.contains("read") && !scope.contains("rea"));
        assert!(Scope::parse("write").unwrap().is_within(&scope) && !Scope::parse("delete").unwrap().is_within(&scope));
        for bad in ["\"", "a\\b", "a\nb", "a\tb", "\u{e9}", &"a".repeat(4097)] {
            assert_eq!(Scope::parse(bad), Err(InvalidScope), "{bad}");
        }
    }
}
