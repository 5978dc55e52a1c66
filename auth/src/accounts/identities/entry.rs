use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use crate::accounts::Error;
use crate::oauth2::{AuthProvider, is_name};
use crate::registry::{self, Context, Entry, Place};

/// An auth provider in the registry; `#[auth_provider("name")]` makes one.
#[derive(Debug)]
pub struct AuthProviderEntry {
    /// The name that it is asked for by.
    pub name: &'static str,
    /// Makes it.
    pub make: fn(&Context) -> Result<Arc<dyn AuthProvider>, Error>,
    /// Where it was declared.
    pub place: Place,
}

inventory::collect!(AuthProviderEntry);

impl Entry for AuthProviderEntry {
    const KIND: &'static str = "auth provider";

    fn name(&self) -> &'static str {
        self.name
    }

    fn place(&self) -> Place {
        self.place
    }
}

/// Providers by their names.
pub(in crate::accounts) type Providers = RwLock<BTreeMap<String, Arc<dyn AuthProvider>>>;

/// All that were declared.
pub(in crate::accounts) fn registered(context: &Context) -> Result<Providers, Error> {
    let mut providers = BTreeMap::new();
    for entry in registry::entries::<AuthProviderEntry>() {
        let provider = (entry.make)(context)?;
        if provider.name() != entry.name {
            let text =
                format!("the auth provider `{}` at {} calls itself `{}`", entry.name, entry.place, provider.name());
            return Err(Error::Configuration(text));
        }
        if !is_name(entry.name) {
            let text = format!("the auth provider at {} cannot have the name `{}`", entry.place, entry.name);
            return Err(Error::Configuration(text));
        }
        providers.insert(entry.name.to_owned(), provider);
    }
    Ok(RwLock::new(providers))
}
