//! Moves all live sessions from one store to another while the application runs: nobody is logged out.
//!
//! 1. Start every server of the application with both stores:
//!    `.session_backend(MigratingSessionBackend::new(old, new))`. From now on new sessions go to the new store, and old
//!    ones move when they are used.
//! 2. Move the rest. What is printed last is where a run that was stopped can go on; one from the beginning is as good.
//!
//!    ```text
//!    cargo run -p migrate-sessions -- sqlite:old.db redis://127.0.0.1
//!    cargo run -p migrate-sessions -- sqlite:old.db redis://127.0.0.1 --resume 4fe1…
//!    ```
//!
//!    Addresses: `sqlite:`, `postgres:`, `redis:`, `file:`; with `--features mysql`, `mysql:`.
//! 3. Start the servers with the new store alone.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;

use auth::clock::SystemClock;
use auth::registry::{Context, Url};
use auth::secret::SecretKey;
use auth::sessions::{MigratingSessionBackend, MigrationProgress, ScanCursor, SessionMigration, connect};

const USAGE: &str = "usage: migrate-sessions <old store> <new store> [--resume <cursor>]";

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut cause: Option<&dyn Error> = Some(&*error);
            while let Some(error) = cause {
                eprintln!("{error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let (old, new, cursor) = match arguments[..] {
        [old, new] => (old, new, None),
        [old, new, "--resume", cursor] => (old, new, Some(ScanCursor::new(cursor))),
        _ => return Err(USAGE.into()),
    };
    // No store of these needs a secret.
    let context = Context::new(Arc::new(SystemClock), SecretKey::random());
    let old = connect(&Url::new(old), &context).await?;
    let new = connect(&Url::new(new), &context).await?;
    let both = MigratingSessionBackend::new(old, new);

    let mut migration = SessionMigration::new(&both)?;
    if let Some(cursor) = cursor {
        migration = migration.resume(cursor);
    }
    while let Some(MigrationProgress { moved, skipped, cursor, .. }) = migration.next_batch().await? {
        match cursor {
            Some(cursor) => println!("{moved} sessions moved, {skipped} ended before; --resume {cursor}"),
            None => println!("{moved} sessions moved, {skipped} ended before: that was all"),
        }
    }
    Ok(())
}
