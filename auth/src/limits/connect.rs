use std::sync::Arc;

use super::{InMemoryLimitStore, LimitError, LimitStore};
use crate::registry::{Context, Url};

/// The store that an address asks for: `memory:`, `database:` (the application's own), or a Redis (`redis://…`,
/// `redis+sentinel://…`, `redis+cluster://…`, and the same with `rediss`).
///
/// # Errors
/// [`LimitError::NotEnabled`] when a feature would bring the store, [`LimitError::UnknownStore`] for other schemes,
/// [`LimitError::Configuration`] when the application has no database or the address is none, [`LimitError::Store`] when
/// the server cannot be reached.
pub async fn connect(url: &Url, context: &Context) -> Result<Arc<dyn LimitStore>, LimitError> {
    match url.scheme() {
        "memory" => Ok(Arc::new(InMemoryLimitStore::new())),
        "database" => database(context),
        redis if ["redis", "rediss"].contains(&redis.split('+').next().unwrap_or_default()) => self::redis(url).await,
        _ => Err(LimitError::UnknownStore(url.shown_scheme().to_owned())),
    }
}

#[cfg(feature = "__sql")]
fn database(context: &Context) -> Result<Arc<dyn LimitStore>, LimitError> {
    match &context.database {
        Some(database) => Ok(Arc::new(super::DatabaseLimitStore::new(database.clone()))),
        None => Err(LimitError::Configuration(
            "limits are to be kept in the application's database, and it has none".to_owned(),
        )),
    }
}

#[cfg(not(feature = "__sql"))]
fn database(_: &Context) -> Result<Arc<dyn LimitStore>, LimitError> {
    let feature = "database-sqlite`, `database-postgres` or `database-mysql";
    Err(LimitError::NotEnabled { scheme: "database".to_owned(), feature })
}

#[cfg(feature = "limit-redis")]
async fn redis(url: &Url) -> Result<Arc<dyn LimitStore>, LimitError> {
    Ok(Arc::new(super::RedisLimitStore::connect(url).await?))
}

#[cfg(not(feature = "limit-redis"))]
fn redis(url: &Url) -> impl Future<Output = Result<Arc<dyn LimitStore>, LimitError>> {
    let scheme = url.shown_scheme().to_owned();
    std::future::ready(Err(LimitError::NotEnabled { scheme, feature: "limit-redis" }))
}
