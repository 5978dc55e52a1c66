//! Stores of users and sessions, on every database. Those that need a server are run with `--include-ignored`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

/// The same tests on each database.
macro_rules! on_every_database {
    ($($test:ident),* $(,)?) => {
        on_every_database! { @on sqlite [] $($test)* }
        on_every_database! { @on postgres [#[ignore = "needs PostgreSQL"]] $($test)* }
        on_every_database! { @on mysql [#[ignore = "needs MariaDB"]] $($test)* }
    };
    (@on $database:ident $attributes:tt $($test:ident)*) => {
        mod $database {
            $( on_every_database! { @one $database $attributes $test } )*
        }
    };
    (@one $database:ident [$($attribute:tt)*] $test:ident) => {
        #[tokio::test(flavor = "multi_thread")]
        $($attribute)*
        async fn $test() {
            super::$test(auth_tests::$database().await).await;
        }
    };
}

mod agreement;
mod audit;
mod cache;
mod cached_users;
mod derived;
mod events;
mod failovers;
mod files;
mod formats;
mod invalidations;
mod ldap;
mod migrations;
mod records;
mod redis;
mod scan;
mod sessions;
mod users;
