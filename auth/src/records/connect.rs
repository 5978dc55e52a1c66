use std::sync::Arc;

use super::{DynRecordStore, InMemoryRecordStore, RecordError};
use crate::registry::{Context, Url};

/// The store that an address asks for.
///
/// | address | |
/// | --- | --- |
/// | `memory:` | this process |
/// | `database:` | the application's own database, where `auth::accounts::migrate` makes the table |
/// | `sqlite:…`, `postgres://…`, `mysql://…` | another database, where the table is made if it is not there |
/// | `redis://…`, `redis+sentinel://…`, `redis+cluster://…`, and `rediss…` | a Redis (feature `record-redis`) |
///
/// # Errors
/// [`RecordError::NotEnabled`] when a feature would bring the store, [`RecordError::Configuration`] when nothing has such
/// addresses, and whatever the store says.
pub async fn connect(url: &Url, context: &Context) -> Result<DynRecordStore, RecordError> {
    match url.scheme() {
        "memory" => Ok(Arc::new(InMemoryRecordStore::with_clock(context.clock.clone()))),
        "database" => shared(context),
        "sqlite" | "postgres" | "postgresql" | "mysql" | "mariadb" => own(url, context).await,
        "redis" | "rediss" | "redis+sentinel" | "rediss+sentinel" | "redis+cluster" | "rediss+cluster" => {
            redis(url, context).await
        }
        _ => {
            let known = "memory, database, sqlite, postgres, mysql, redis";
            let unknown = format!("no store of records is called `{}`; known: {known}", url.shown_scheme());
            Err(RecordError::Configuration(unknown))
        }
    }
}

#[cfg(feature = "__sql")]
fn shared(context: &Context) -> Result<DynRecordStore, RecordError> {
    let Some(database) = &context.database else {
        let none = "records are to be kept in the application's database, and it has none";
        return Err(RecordError::Configuration(none.to_owned()));
    };
    Ok(Arc::new(super::DatabaseRecordStore::new(database.clone()).with_clock(context.clock.clone())))
}

#[cfg(not(feature = "__sql"))]
fn shared(_: &Context) -> Result<DynRecordStore, RecordError> {
    Err(not_enabled("database", "database-sqlite`, `database-postgres` or `database-mysql"))
}

#[cfg(feature = "__sql")]
async fn own(url: &Url, context: &Context) -> Result<DynRecordStore, RecordError> {
    let database = crate::database::Database::connect(url).await?;
    let store = super::DatabaseRecordStore::new(database).with_clock(context.clock.clone());
    store.create_table().await?;
    Ok(Arc::new(store))
}

#[cfg(not(feature = "__sql"))]
async fn own(url: &Url, _: &Context) -> Result<DynRecordStore, RecordError> {
    let feature = match url.scheme() {
        "sqlite" => "database-sqlite",
        "mysql" | "mariadb" => "database-mysql",
        _ => "database-postgres",
    };
    std::future::ready(Err(not_enabled(url.scheme(), feature))).await
}

#[cfg(feature = "record-redis")]
async fn redis(url: &Url, context: &Context) -> Result<DynRecordStore, RecordError> {
    Ok(Arc::new(super::RedisRecordStore::connect(url).await?.with_clock(context.clock.clone())))
}

#[cfg(not(feature = "record-redis"))]
async fn redis(url: &Url, _: &Context) -> Result<DynRecordStore, RecordError> {
    std::future::ready(Err(not_enabled(url.scheme(), "record-redis"))).await
}

#[cfg(not(all(feature = "__sql", feature = "record-redis")))]
fn not_enabled(scheme: &str, feature: &'static str) -> RecordError {
    RecordError::NotEnabled { scheme: scheme.to_owned(), feature }
}
