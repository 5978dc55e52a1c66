//! Where tokens and tries are kept, as the builder is told.

use std::sync::Arc;

use super::{AuthBuilder, Error};
use crate::limits::{self, LimitStore};
use crate::records::{self, DynRecordStore, RecordStore};
use crate::registry::{Context, Url};
use crate::users::UserModel;

impl<U: UserModel> AuthBuilder<U> {
    /// Keeps tokens, API keys, second factors and tickets where this address says: `database:` (the application's own; what is done
    /// if nothing is said and there is one), `memory:`, `redis://…`, or another database. What is not lasting there is lost: a user
    /// whose second factors are gone needs a password only.
    pub fn records(self, url: &str) -> Self {
        Self { records: Some(Url::new(url)), ..self }
    }

    /// Keeps tokens, API keys, second factors and tickets in this store. Then neither the program nor the environment says an address.
    pub fn record_store(self, store: impl RecordStore) -> Self {
        Self { record_store: Some(Arc::new(store)), ..self }
    }

    /// Counts tries where this address says: `memory:`, if nothing is said, which is for one server; `database:` (the
    /// application's own) or `redis://…` for several, which share their limits then.
    pub fn limits(self, url: &str) -> Self {
        Self { limits: Some(Url::new(url)), ..self }
    }

    /// Counts tries in this store. Then neither the program nor the environment says an address.
    pub fn limit_store(self, store: impl LimitStore) -> Self {
        Self { limit_store: Some(Arc::new(store)), ..self }
    }
}

pub(super) async fn records(
    given: Option<DynRecordStore>,
    url: Option<&Url>,
    default_place: &Url,
    context: &Context,
) -> Result<DynRecordStore, Error> {
    match (given, url) {
        (Some(_), Some(_)) => Err(both("records", "record_store")),
        (Some(store), None) => Ok(store),
        (None, url) => {
            let url = url.unwrap_or(default_place);
            if url.scheme() == "memory" && default_place.scheme() == "database" {
                tracing::warn!(
                    "second factors, keys and tokens are kept in this process, the users in a database: after a restart a password \
                     is enough for whoever had a second factor"
                );
            }
            Ok(records::connect(url, context).await?)
        }
    }
}

pub(super) async fn limits(
    given: Option<Arc<dyn LimitStore>>,
    url: Option<&Url>,
    context: &Context,
) -> Result<Arc<dyn LimitStore>, Error> {
    match (given, url) {
        (Some(_), Some(_)) => Err(both("limits", "limit_store")),
        (Some(store), None) => Ok(store),
        (None, url) => {
            let memory = Url::new("memory:");
            let connected = limits::connect(url.unwrap_or(&memory), context).await;
            connected.map_err(|error| Error::Limits(Box::new(error)))
        }
    }
}

fn both(setting: &str, method: &str) -> Error {
    Error::Configuration(format!(
        "an address is set for `{setting}`, and the program gives a store by `{method}`: unset one"
    ))
}
