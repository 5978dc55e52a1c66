use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::declared::Declared;
use super::{DeclaredPermission, is_permission_name};

/// What somebody may do: a bit for each declared permission.
///
/// Names that nobody declared (from a database that other programs use too) are kept as text. Cloning is cheap.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PermissionSet {
    bits: Arc<[u64]>,
    undeclared: Option<Arc<BTreeSet<String>>>,
    everything: bool,
}

impl PermissionSet {
    /// The set of these names. What is no permission's name is left out.
    pub fn of<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        let declared = Declared::get();
        let mut bits = vec![0; declared.names.len().div_ceil(64)];
        let mut undeclared = BTreeSet::new();
        for name in names {
            let name = name.as_ref();
            if let Some(index) = declared.index_of(name) {
                bits[index / 64] |= 1 << (index % 64);
            } else if is_permission_name(name) {
                undeclared.insert(name.to_owned());
            }
        }
        let undeclared = (!undeclared.is_empty()).then(|| Arc::new(undeclared));
        Self { bits: bits.into(), undeclared, everything: false }
    }

    /// What a superuser holds: every permission, declared or not.
    pub fn everything() -> Self {
        static EVERYTHING: OnceLock<PermissionSet> = OnceLock::new();
        EVERYTHING.get_or_init(|| Self { everything: true, ..Self::of(&Declared::get().names) }).clone()
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let bits = self.bits.iter().zip(&*other.bits).map(|(a, b)| a & b).collect();
        let names = |set: &Self| set.undeclared.as_deref().cloned().unwrap_or_default();
        let mut undeclared: BTreeSet<String> = names(self).into_iter().chain(names(other)).collect();
        undeclared.retain(|name| self.has_name(name) && other.has_name(name));
        let undeclared = (!undeclared.is_empty()).then(|| Arc::new(undeclared));
        Self { bits, undeclared, everything: self.everything && other.everything }
    }

    /// Whether the permission is in the set. One load and one bit test, however many there are.
    #[inline]
    pub fn has<P: DeclaredPermission>(&self) -> bool {
        self.bit(P::index().get())
    }

    /// Whether the permission of that name is in the set.
    pub fn has_name(&self, name: &str) -> bool {
        match Declared::get().index_of(name) {
            Some(index) => self.bit(index),
            None if self.everything => is_permission_name(name),
            None => self.undeclared.as_ref().is_some_and(|names| names.contains(name)),
        }
    }

    /// Whether any permission of that application is in the set.
    pub fn has_module(&self, app_label: &str) -> bool {
        let of_app = |name: &str| name.strip_prefix(app_label).is_some_and(|rest| rest.starts_with('.'));
        self.names().any(of_app)
    }

    /// The names in the set: the declared ones sorted, then the others sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let declared = Declared::get().names.iter().enumerate().filter(|(i, _)| self.bit(*i)).map(|(_, name)| *name);
        declared.chain(self.undeclared.iter().flat_map(|names| names.iter().map(String::as_str)))
    }

    /// Whether nothing is in the set.
    pub fn is_empty(&self) -> bool {
        self.names().next().is_none() && !self.everything
    }

    #[inline]
    fn bit(&self, index: usize) -> bool {
        self.bits.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }
}

impl<S: AsRef<str>> FromIterator<S> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        Self::of(names)
    }
}

impl fmt::Debug for PermissionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.everything { f.write_str("{everything}") } else { f.debug_set().entries(self.names()).finish() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_intersection_holds_what_both_hold() {
        let [a, b] = [["x.a", "x.b"], ["x.b", "x.c"]].map(PermissionSet::of);
        assert_eq!(a.intersection(&b), PermissionSet::of(["x.b"]));
        assert_eq!(a.intersection(&PermissionSet::everything()), a);
        assert_eq!(PermissionSet::everything().intersection(&b), b);
        assert!(PermissionSet::everything().intersection(&PermissionSet::everything()).has_name("un.declared"));
        assert!(a.intersection(&PermissionSet::default()).is_empty());
        assert!(PermissionSet::everything().intersection(&PermissionSet::default()).is_empty());
    }
}
