//! What `inventory` collected from every linked crate, sorted and looked up by name.
//!
//! Each subject has its own entry type (`PermissionEntry`, `SessionBackendEntry`, …) in its own module; this façade
//! is the same for all of them. A macro makes the entry; `inventory::submit!` by hand does the same.
//!
//! A registry holds only what was linked: a crate that nothing names registers nothing. Say `use that_crate as _;`.

mod context;
mod url;

use std::fmt;

pub use context::Context;
pub use url::Url;

/// Where an entry was declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The module, which begins with the crate's name.
    pub module: &'static str,
    /// The source file, as the compiler was told of it.
    pub file: &'static str,
    /// The line in it.
    pub line: u32,
}

impl Place {
    /// `Place::new(module_path!(), file!(), line!())`
    pub const fn new(module: &'static str, file: &'static str, line: u32) -> Self {
        Self { module, file, line }
    }

    /// The crate the entry comes from.
    pub fn origin(&self) -> &'static str {
        self.module.split("::").next().unwrap_or(self.module)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} (crate `{}`)", self.file, self.line, self.origin())
    }
}

/// One entry of a registry.
pub trait Entry: inventory::Collect + 'static {
    /// What the entries are, in words, for messages: "session backend".
    const KIND: &'static str;
    /// Whether two entries may share a name. Guards may: a function can have several.
    const SHARED: bool = false;

    /// The name it is looked up by.
    fn name(&self) -> &'static str;
    /// Where it was declared.
    fn place(&self) -> Place;

    /// What else must be right with the entries, beside their names.
    ///
    /// # Errors
    /// [`DuplicateEntry`], which names both places.
    #[doc(hidden)]
    fn check() -> Result<(), DuplicateEntry> {
        Ok(())
    }
}

/// Two entries of one registry with the same name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {kind} `{name}` is declared twice: at {first} and at {second}")]
#[non_exhaustive]
pub struct DuplicateEntry {
    /// What the entries are.
    pub kind: &'static str,
    /// The name they share.
    pub name: &'static str,
    /// One place.
    pub first: Place,
    /// The other.
    pub second: Place,
}

/// No entry has the name that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no {kind} `{name}`; known: {known}. A crate that nothing names registers nothing: \
     write `use that_crate as _;`, and enable the feature it comes with"
)]
#[non_exhaustive]
pub struct UnknownEntry {
    /// What was asked for.
    pub kind: &'static str,
    /// The name that nobody registered.
    pub name: String,
    /// The names that are there.
    pub known: String,
}

/// All entries, sorted by name and then by place.
///
/// ```
/// use auth::permissions::PermissionEntry;
/// for permission in auth::registry::entries::<PermissionEntry>() {
///     println!("{} from {}", permission.name, permission.place);
/// }
/// ```
pub fn entries<E: Entry>() -> Vec<&'static E> {
    let mut entries: Vec<&E> = inventory::iter::<E>.into_iter().collect();
    entries.sort_by_key(|entry| {
        let place = entry.place();
        (entry.name(), place.module, place.file, place.line)
    });
    entries
}

/// The entry of that name.
///
/// # Errors
/// [`UnknownEntry`], which lists the names that are there.
pub fn find<E: Entry>(name: &str) -> Result<&'static E, UnknownEntry> {
    let all = entries::<E>();
    all.iter().copied().find(|entry| entry.name() == name).ok_or_else(|| {
        let names: Vec<_> = all.iter().map(|entry| entry.name()).collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        UnknownEntry { kind: E::KIND, name: name.to_owned(), known }
    })
}

/// Looks for names that were declared twice. `Auth::builder().build()` calls this for every registry.
///
/// # Errors
/// [`DuplicateEntry`], which names both places.
pub fn check<E: Entry>() -> Result<(), DuplicateEntry> {
    let all = entries::<E>();
    match all.windows(2).find(|pair| !E::SHARED && pair[0].name() == pair[1].name()) {
        None => E::check(),
        Some(pair) => {
            Err(DuplicateEntry { kind: E::KIND, name: pair[0].name(), first: pair[0].place(), second: pair[1].place() })
        }
    }
}
