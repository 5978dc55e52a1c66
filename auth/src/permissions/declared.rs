use std::collections::HashMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rustc_hash::FxBuildHasher;

use crate::registry::{self, DuplicateEntry, Entry, Place};

/// A permission that the application declared with `permissions!`: the type that stands for its name.
///
/// The type proves nothing; that somebody holds the permission is proved by `Granted<P>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a declared permission",
    note = "declare it with `permissions!` and name it by its path, for example `permissions::blog::add_post`"
)]
pub trait DeclaredPermission: Send + Sync + 'static {
    /// The name, as `app_label.codename`.
    const NAME: &'static str;

    /// The permission's place in a [`PermissionSet`](super::PermissionSet).
    #[doc(hidden)]
    fn index() -> &'static PermissionIndex;
}

/// The place of a permission in every [`PermissionSet`](super::PermissionSet), known once the registry has been read.
#[derive(Debug)]
pub struct PermissionIndex(AtomicU32);

impl PermissionIndex {
    /// Not known yet.
    #[expect(clippy::new_without_default, reason = "only ever a static of generated code")]
    pub const fn new() -> Self {
        Self(AtomicU32::new(u32::MAX))
    }

    /// Before the registry is read this is past the end of every set, so the answer is no.
    #[inline]
    pub(super) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed) as usize
    }
}

/// A declared permission in the registry.
#[derive(Debug)]
pub struct PermissionEntry {
    /// The name, as `app_label.codename`.
    pub name: &'static str,
    /// What it permits, for people: "Can publish posts".
    pub title: &'static str,
    /// Where it was declared.
    pub place: Place,
    /// Its index.
    pub index: fn() -> &'static PermissionIndex,
}

inventory::collect!(PermissionEntry);

impl Entry for PermissionEntry {
    const KIND: &'static str = "permission";

    fn name(&self) -> &'static str {
        self.name
    }

    fn place(&self) -> Place {
        self.place
    }

    fn check() -> Result<(), DuplicateEntry> {
        check_indices()
    }
}

/// A group declared with `groups!`.
#[derive(Debug)]
pub struct GroupEntry {
    /// The name it is looked up by: `editors`.
    pub name: &'static str,
    /// The name for people: "Editors".
    pub title: &'static str,
    /// The names of its permissions.
    pub permissions: &'static [&'static str],
    /// Where it was declared.
    pub place: Place,
}

inventory::collect!(GroupEntry);

impl Entry for GroupEntry {
    const KIND: &'static str = "group";

    fn name(&self) -> &'static str {
        self.name
    }

    fn place(&self) -> Place {
        self.place
    }
}

/// Whether a text has the form of a permission's name, `app_label.codename`: two identifiers and a dot.
///
/// Anything else never matches, for anyone, superusers included.
pub fn is_permission_name(name: &str) -> bool {
    let identifier = |part: &str| {
        !part.is_empty()
            && part.len() <= 100
            && !part.starts_with(|c: char| c.is_ascii_digit())
            && part.chars().all(|c| c == '_' || c.is_alphanumeric())
    };
    name.split_once('.').is_some_and(|(app, codename)| identifier(app) && identifier(codename))
}

/// Looks for an index that stands in the entries of two names: who held the one permission would hold the other.
pub(crate) fn check_indices() -> Result<(), DuplicateEntry> {
    match shared(&registry::entries::<PermissionEntry>()).first() {
        None => Ok(()),
        Some((first, second)) => Err(DuplicateEntry {
            kind: "index of the permission",
            name: first.name,
            first: first.place,
            second: second.place,
        }),
    }
}

/// The entries with the index of another name, each with an entry of that name.
fn shared<'a>(entries: &[&'a PermissionEntry]) -> Vec<(&'a PermissionEntry, &'a PermissionEntry)> {
    let mut owners: HashMap<*const PermissionIndex, &PermissionEntry> = HashMap::new();
    let owned = entries.iter().map(|&entry| (*owners.entry((entry.index)()).or_insert(entry), entry));
    owned.filter(|(owner, entry)| owner.name != entry.name).collect()
}

/// The declared permissions, each with its index.
pub(super) struct Declared {
    pub(super) names: Vec<&'static str>,
    by_name: HashMap<&'static str, u32, FxBuildHasher>,
}

impl Declared {
    /// Reads the registry once, and tells each permission its index. One name is one index, however often it stands there;
    /// an index that two names claim is nobody's, so that whoever asks is told no.
    pub(super) fn get() -> &'static Self {
        static DECLARED: OnceLock<Declared> = OnceLock::new();
        DECLARED.get_or_init(|| {
            let mut names: Vec<&'static str> = Vec::new();
            let mut by_name = HashMap::default();
            let entries = registry::entries::<PermissionEntry>();
            let claimed: Vec<*const PermissionIndex> =
                shared(&entries).into_iter().map(|(owner, _)| std::ptr::from_ref((owner.index)())).collect();
            for entry in entries {
                let next = u32::try_from(names.len()).expect("a program has fewer than 2^32 permissions");
                let index = *by_name.entry(entry.name).or_insert(next);
                if index == next {
                    names.push(entry.name);
                }
                let cell = (entry.index)();
                if !claimed.contains(&std::ptr::from_ref(cell)) {
                    // What was told once stays.
                    _ = cell.0.compare_exchange(u32::MAX, index, Ordering::Relaxed, Ordering::Relaxed);
                }
            }
            Self { names, by_name }
        })
    }

    #[inline]
    pub(super) fn index_of(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).map(|index| *index as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::is_permission_name;

    #[test]
    fn a_permission_name_is_two_identifiers_and_a_dot() {
        for good in ["blog.add_post", "a.b", "_x._y", "auth2.view_user2"] {
            assert!(is_permission_name(good), "{good}");
        }
        let long = format!("a.{}", "b".repeat(101));
        for bad in ["", ".", "blog", "blog.", ".add", "a.b.c", "a b.c", "a.b ", "1a.b", "a.1b", "a.b\n", "*.*", &long] {
            assert!(!is_permission_name(bad), "{bad:?}");
        }
    }
}
