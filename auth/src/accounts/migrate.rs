//! Brings a database to what this program declares: its tables, its permissions, its groups.

pub use crate::database::Migrated;
use crate::database::{Database, DatabaseError, Migration};
use crate::limits::DatabaseLimitStore;
use crate::users::UserModel;
use crate::users::stores::database::migrate as users;
use crate::{audit, records, sessions};

/// Makes the tables of `U`, of groups and permissions, of sessions, limits, records and the trail, and brings in what is declared in code.
///
/// Only the difference is applied, so it can run at every start, of several servers at once. It adds the columns that
/// the struct has and the table has not, and never removes or changes one. A declared group is made once, and a
/// permission is given to it once: what is taken away by hand afterwards stays away.
///
/// # Errors
/// [`DatabaseError`]; nothing is changed then, but on MySQL, where the tables made so far stay.
pub async fn migrate<U: UserModel>(database: &Database) -> Result<Migrated, DatabaseError> {
    let mut migration = Migration::begin(database).await?;
    users::tables::<U>(&mut migration).await?;
    migration.table(&sessions::session_table(sessions::SESSION_TABLE)).await?;
    migration.table(&DatabaseLimitStore::table()).await?;
    migration.table(&records::record_table()).await?;
    for table in audit::audit_tables() {
        migration.table(&table).await?;
    }
    migration.schema_is_done().await?;
    users::declarations(&mut migration).await?;
    migration.finish().await
}
