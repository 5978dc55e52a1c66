use crate::registry::{Entry, Place};

/// A guard in the registry: which function asks for what. Attributes enter it; a bare `Granted<P>` argument does not.
#[derive(Debug)]
pub struct GuardEntry {
    /// The guarded function, with its module.
    pub function: &'static str,
    /// What it asks for, in words.
    pub requirement: fn() -> String,
    /// The names of all permissions in it.
    pub permissions: fn() -> Vec<&'static str>,
    /// Where the attribute stands.
    pub place: Place,
}

inventory::collect!(GuardEntry);

impl Entry for GuardEntry {
    const KIND: &'static str = "guard";
    const SHARED: bool = true;

    fn name(&self) -> &'static str {
        self.function
    }

    fn place(&self) -> Place {
        self.place
    }
}

/// What [`GuardEntry::requirement`] of a requirement says.
///
/// # Panics
/// Never: a `String` takes everything.
pub fn describe<R: super::Requirement>() -> String {
    let mut text = String::new();
    R::describe(&mut text).expect("writing to a String does not fail");
    text
}

/// What [`GuardEntry::permissions`] of a requirement says.
pub fn permissions<R: super::Requirement>() -> Vec<&'static str> {
    let mut names = Vec::new();
    R::permissions(&mut names);
    names
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
