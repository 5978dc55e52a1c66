use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_query::{
    DynIden, Expr, ExprTrait as _, InsertStatement, IntoIden as _, LockBehavior, LockType, OnConflict, Order, Query,
    SelectStatement,
};

use crate::BoxFuture;
use crate::database::{
    AnyRow, Attempts, ColumnError, ColumnSpec, Database, DatabaseError, Dialect, Kind, Migration, Statement, TableSpec,
    Transaction, read,
};
use crate::limits::rule::count_all;
use crate::limits::{Attempt, LimitError, LimitKey, LimitRule, LimitStore, Settlement, Tries};

const TABLE: &str = "auth_limit";
const ID: &str = "id";
const COUNT: &str = "count";
const NOT_BEFORE: &str = "not_before";
const EXPIRES_AT: &str = "expires_at";

/// Every so many attempts some of the expired rows are swept: more than came, so that their number falls.
const SWEEP_EVERY: u64 = 64;
const SWEEP: u64 = 256;

/// Counts tries in a database, for all who use it: one row for each key in the table `auth_limit`, times as milliseconds
/// since 1970.
///
/// An attempt is one transaction, in which its rows are locked in the order of their keys, so it is exact whoever else
/// tries. One that has to wait is told so by a read alone: whoever guesses faster than allowed makes the database write
/// nothing. Expired rows count as none, and attempts sweep some of them now and then.
///
/// A database that cannot be reached, or does not answer within the time-out that [`Database::connect`] tells of, is
/// [`LimitError::Store`]. An account that many try at once has them wait for one another; those for whom that takes too
/// long are refused in the same way.
#[derive(Clone)]
pub struct DatabaseLimitStore {
    database: Database,
    sweep: Statement,
    attempts: Arc<AtomicU64>,
}

impl DatabaseLimitStore {
    /// The limits in the table `auth_limit`.
    pub fn new(database: Database) -> Self {
        let sweep = sweep(&database);
        Self { database, sweep, attempts: Arc::default() }
    }

    /// Makes the table, if it is not there.
    ///
    /// # Errors
    /// [`LimitError::Store`]
    pub async fn create_table(&self) -> Result<(), LimitError> {
        let mut migration = Migration::begin(&self.database).await?;
        migration.table(&Self::table()).await?;
        migration.finish().await?;
        Ok(())
    }

    /// The table, as `migrate` makes it.
    pub(crate) fn table() -> TableSpec {
        let number = |name| ColumnSpec::new(name, Kind::BigInt);
        let columns = vec![ColumnSpec::text(ID, 64), number(COUNT), number(NOT_BEFORE), number(EXPIRES_AT)];
        let mut table = TableSpec::new(TABLE, vec![ID], columns);
        table.indexes = vec![vec![EXPIRES_AT]];
        table
    }

    async fn attempt_now(&self, limits: &[(LimitKey, LimitRule)], now: DateTime<Utc>) -> Result<Attempt, LimitError> {
        let ids = ids(limits);
        if ids.is_empty() {
            return Ok(Attempt::Counted(Vec::new()));
        }
        let rows = self.database.fetch(self.database.build(&select(&ids))).await?;
        if let Err(longest) = count_with(limits, &rows, now)? {
            return Ok(Attempt::Wait(longest));
        }
        let answer = self.again_if_contended(|| self.attempt_once(limits, &ids, now)).await?;
        if matches!(answer, Attempt::Counted(_)) {
            self.sweep_some(now).await;
        }
        Ok(answer)
    }

    async fn attempt_once(
        &self,
        limits: &[(LimitKey, LimitRule)],
        ids: &[String],
        now: DateTime<Utc>,
    ) -> Result<Attempt, LimitError> {
        let mut transaction = self.database.begin().await?;
        // Rows that are not there cannot be locked. Those that this makes have expired.
        let absent = ids.iter().map(|id| (id.clone(), Tries { count: 0, not_before: 0, expires: i64::MIN }));
        let same = OnConflict::column(ID).value(COUNT, Expr::col((TABLE, COUNT))).to_owned();
        transaction.execute(self.database.build(insert(absent).on_conflict(same))).await?;
        let rows = self.locked(&mut transaction, ids).await?;
        let counted = match count_with(limits, &rows, now)? {
            Ok(counted) => counted,
            Err(longest) => {
                transaction.rollback().await?;
                return Ok(Attempt::Wait(longest));
            }
        };
        // Of a key that stands there twice, the last one.
        let kept: HashMap<_, _> = limits.iter().map(|(key, _)| key.to_hex()).zip(counted.iter().copied()).collect();
        let kept = ids.iter().filter_map(|id| kept.get(id).map(|tries| (id.clone(), *tries)));
        let overwrite = OnConflict::column(ID).update_columns([COUNT, NOT_BEFORE, EXPIRES_AT]).to_owned();
        transaction.execute(self.database.build(insert(kept).on_conflict(overwrite))).await?;
        transaction.commit().await?;
        Ok(Attempt::Counted(counted))
    }

    async fn settle_once(&self, settlements: &[(LimitKey, Settlement)], now: DateTime<Utc>) -> Result<(), LimitError> {
        let mut transaction = self.database.begin().await?;
        let rows = self.locked(&mut transaction, &ids(settlements)).await?;
        let mut held = held(&rows)?;
        for (key, settlement) in settlements {
            let id = key.to_hex();
            let kept = match (*settlement, held.remove(&id)) {
                (_, None) => continue,
                (Settlement::Forget, _) => None,
                (Settlement::TakeBack { rule, counted }, Some(tries)) => rule.take_back(tries, counted, now),
            };
            let statement = match kept {
                None => self.database.build(Query::delete().from_table(TABLE).and_where(Expr::col(ID).eq(id))),
                Some(tries) => {
                    let mut update = Query::update();
                    update
                        .table(TABLE)
                        .values([
                            (COUNT, i64::from(tries.count).into()),
                            (NOT_BEFORE, tries.not_before.into()),
                            (EXPIRES_AT, tries.expires.into()),
                        ])
                        .and_where(Expr::col(ID).eq(id.as_str()));
                    held.insert(id, tries);
                    self.database.build(&update)
                }
            };
            transaction.execute(statement).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The rows of these keys, which nobody else changes until the transaction ends.
    async fn locked(&self, transaction: &mut Transaction, ids: &[String]) -> Result<Vec<AnyRow>, DatabaseError> {
        let mut select = select(ids);
        if self.database.dialect() != Dialect::Sqlite {
            select.lock_exclusive();
        }
        transaction.fetch(self.database.build(&select)).await
    }

    async fn again_if_contended<T, F>(&self, work: impl Fn() -> F) -> Result<T, LimitError>
    where
        F: Future<Output = Result<T, LimitError>>,
    {
        let mut attempts = Attempts::begin();
        loop {
            match self.database.in_time(Box::pin(work())).await {
                Err(LimitError::Store(error))
                    if error.downcast_ref().is_some_and(DatabaseError::is_contention) && attempts.pause().await => {}
                result => return result,
            }
        }
    }

    /// The try is counted already: whatever happens here is no failure of it.
    async fn sweep_some(&self, now: DateTime<Utc>) {
        if (self.attempts.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(SWEEP_EVERY) {
            let sweep = self.sweep.with([now.timestamp_millis().into(), SWEEP.into()]);
            if let Err(error) = self.database.execute(sweep).await {
                tracing::warn!(%error, "expired limits could not be swept");
            }
        }
    }
}

/// The keys, each once, in the order in which rows are locked.
fn ids<T>(of: &[(LimitKey, T)]) -> Vec<String> {
    let mut ids: Vec<_> = of.iter().map(|(key, _)| key.to_hex()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn select(ids: &[String]) -> SelectStatement {
    Query::select()
        .columns([ID, COUNT, NOT_BEFORE, EXPIRES_AT])
        .from(TABLE)
        .and_where(Expr::col(ID).is_in(ids.iter().map(String::as_str)))
        .order_by(ID, Order::Asc)
        .take()
}

fn insert(rows: impl IntoIterator<Item = (String, Tries)>) -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(TABLE).columns([ID, COUNT, NOT_BEFORE, EXPIRES_AT]);
    for (id, tries) in rows {
        let numbers = [i64::from(tries.count), tries.not_before, tries.expires].map(Expr::val);
        insert.values_panic([Expr::val(id)].into_iter().chain(numbers));
    }
    insert
}

/// What [`count_all`] makes of these rows.
fn count_with(
    limits: &[(LimitKey, LimitRule)],
    rows: &[AnyRow],
    now: DateTime<Utc>,
) -> Result<Result<Vec<Tries>, Duration>, LimitError> {
    let held = held(rows)?;
    Ok(count_all(limits, |key| held.get(&key.to_hex()).copied(), now))
}

fn held(rows: &[AnyRow]) -> Result<HashMap<String, Tries>, LimitError> {
    rows.iter().map(tries).collect::<Result<_, _>>().map_err(LimitError::store)
}

fn tries(row: &AnyRow) -> Result<(String, Tries), ColumnError> {
    let count = read::<i64>(row, 1, COUNT)?.try_into().map_err(|_| ColumnError::new(COUNT, "is no count"))?;
    let (not_before, expires) = (read(row, 2, NOT_BEFORE)?, read(row, 3, EXPIRES_AT)?);
    Ok((read(row, 0, ID)?, Tries { count, not_before, expires }))
}

/// The oldest first. MySQL limits the removal itself; the others only a search. PostgreSQL leaves out the rows that an
/// attempt has: to wait for one while another attempt waits for this would be a deadlock.
fn sweep(database: &Database) -> Statement {
    let expired = || Expr::col(EXPIRES_AT).lte(0_i64);
    let table: DynIden = TABLE.into_iden();
    let mut delete = Query::delete();
    delete.from_table(table.clone());
    if database.dialect() == Dialect::MySql {
        delete.and_where(expired()).order_by(EXPIRES_AT, Order::Asc).limit(1);
        return database.build(&delete);
    }
    let mut oldest = Query::select();
    oldest.column(ID).from(table).and_where(expired()).order_by(EXPIRES_AT, Order::Asc).limit(1);
    if database.dialect() == Dialect::Postgres {
        oldest.lock_with_behavior(LockType::Update, LockBehavior::SkipLocked);
    }
    delete.and_where(Expr::col(ID).in_subquery(oldest));
    database.build(&delete)
}

impl From<DatabaseError> for LimitError {
    fn from(error: DatabaseError) -> Self {
        Self::store(error)
    }
}

impl fmt::Debug for DatabaseLimitStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseLimitStore").finish_non_exhaustive()
    }
}

impl LimitStore for DatabaseLimitStore {
    fn attempt<'a>(
        &'a self,
        limits: &'a [(LimitKey, LimitRule)],
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<Attempt, LimitError>> {
        Box::pin(self.attempt_now(limits, now))
    }

    fn settle<'a>(
        &'a self,
        settlements: &'a [(LimitKey, Settlement)],
        now: DateTime<Utc>,
    ) -> BoxFuture<'a, Result<(), LimitError>> {
        Box::pin(self.again_if_contended(move || self.settle_once(settlements, now)))
    }
}
