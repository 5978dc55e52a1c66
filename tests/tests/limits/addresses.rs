//! Which store an address asks for.

use std::sync::Arc;

use auth::clock::SystemClock;
use auth::limits::{self, LimitError};
use auth::registry::{Context, Url};
use auth::secret::SecretKey;

fn context() -> Context {
    Context::new(Arc::new(SystemClock), SecretKey::random())
}

#[tokio::test]
async fn memory_and_the_applications_database() {
    let in_memory = limits::connect(&Url::new("memory:"), &context()).await.unwrap();
    assert!(format!("{in_memory:?}").starts_with("InMemoryLimitStore"));
    let test = auth_tests::sqlite_in_memory().await;
    let mut context = context();
    let without = limits::connect(&Url::new("database:"), &context).await.unwrap_err();
    assert!(matches!(without, LimitError::Configuration(_)), "{without:?}");
    context.database = Some(test.database.clone());
    let in_database = limits::connect(&Url::new("database:"), &context).await.unwrap();
    assert!(format!("{in_database:?}").starts_with("DatabaseLimitStore"));
}

#[tokio::test]
#[ignore = "needs Redis"]
async fn redis() {
    let test = auth_tests::redis();
    let url = format!("{}?prefix={}", test.url, test.prefix);
    let in_redis = limits::connect(&Url::new(&url), &context()).await.unwrap();
    assert!(format!("{in_redis:?}").contains(&test.prefix));
}

#[tokio::test]
async fn what_is_no_store_is_refused_and_not_shown() {
    for (address, told) in [
        ("hunter2", "no store of limits is called `hunter2`"),
        ("memcached://hunter2@host", "no store of limits is called `memcached`"),
        ("a password of mine: hunter2", "no store of limits is called `…`"),
        ("redis://host/hunter2", "no address of a Redis"),
        ("redis://host?timeout=hunter2", "no address of a Redis"),
        ("redis+unix://hunter2", "no address of a Redis"),
        ("redissimo://hunter2", "no store of limits is called `redissimo`"),
    ] {
        let error = limits::connect(&Url::new(address), &context()).await.unwrap_err();
        let shown = error.to_string();
        assert!(shown.starts_with(told), "{address}: {shown}");
        assert!(address == "hunter2" || !format!("{shown} {error:?}").contains("hunter2"), "{error:?}");
    }
    let nobody = limits::connect(&Url::new("redis://127.0.0.1:1?timeout=500"), &context()).await.unwrap_err();
    assert!(matches!(nobody, LimitError::Store(_)), "{nobody:?}");
}
