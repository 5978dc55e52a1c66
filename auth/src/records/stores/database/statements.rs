use sea_query::{Alias, DynIden, Expr, ExprTrait as _, IntoIden as _, Order, Query};

use super::{COLUMNS, EXPIRES_AT, ID, KIND, OWNER, RECORD_TABLE, VERSION};
use crate::database::{Database, Dialect, Statement};
use crate::records::stores::memory::MOST_OWNED;

/// Built once; each call gives the values.
pub(super) struct Statements {
    /// For one id, for two, and so on.
    get: Vec<Statement>,
    pub(super) insert: Statement,
    pub(super) replace: Statement,
    pub(super) delete: Statement,
    pub(super) take_away: Statement,
    pub(super) owned: Statement,
    pub(super) delete_owned: Statement,
    pub(super) count: Statement,
    pub(super) cleanup: Statement,
}

/// For how many ids a statement is ready.
const READY: usize = 8;

impl Statements {
    pub(super) fn new(database: &Database) -> Self {
        let table = || Alias::new(RECORD_TABLE).into_iden();
        let is = || Expr::col(KIND).eq("").and(Expr::col(ID).eq(""));
        let owned_by = || Expr::col(KIND).eq("").and(Expr::col(OWNER).eq(""));
        let alive = || Expr::col(EXPIRES_AT).gt(0_i64);

        let mut insert = Query::insert();
        insert
            .into_table(table())
            .columns([KIND].into_iter().chain(COLUMNS))
            .values_panic((0..=COLUMNS.len()).map(|_| Expr::val(0_i64)));
        let mut replace = Query::update();
        replace
            .table(table())
            .values([VERSION, "value", EXPIRES_AT].map(|column| (column, Expr::val(0_i64))))
            .and_where(is())
            .and_where(Expr::col(VERSION).eq(0_i64))
            .and_where(alive());
        let mut delete = Query::delete();
        delete.from_table(table()).and_where(is()).and_where(Expr::col(VERSION).eq(0_i64)).and_where(alive());
        let mut take_away = Query::delete();
        take_away.from_table(table()).and_where(is()).and_where(Expr::col(EXPIRES_AT).lte(0_i64));
        let mut owned = Query::select();
        owned
            .columns(COLUMNS)
            .from(table())
            .and_where(owned_by())
            .and_where(alive())
            .order_by(ID, Order::Asc)
            .limit(MOST_OWNED as u64);
        let mut delete_owned = Query::delete();
        delete_owned.from_table(table()).and_where(owned_by()).and_where(alive());
        let mut count = Query::select();
        count.expr(Expr::cust("COUNT(*)")).from(table()).and_where(Expr::col(KIND).eq(""));
        Self {
            get: (1..=READY).map(|ids| get(database, ids)).collect(),
            insert: database.build(&insert),
            replace: database.build(&replace),
            delete: database.build(&delete),
            take_away: database.build(&take_away),
            owned: database.build(&owned),
            delete_owned: database.build(&delete_owned),
            count: database.build(&count),
            cleanup: cleanup(database, table()),
        }
    }

    /// Finds so many records, of one at least.
    pub(super) fn get(&self, database: &Database, ids: usize) -> Statement {
        self.get.get(ids - 1).cloned().unwrap_or_else(|| get(database, ids))
    }
}

fn get(database: &Database, ids: usize) -> Statement {
    let mut get = Query::select();
    get.columns(COLUMNS)
        .from(Alias::new(RECORD_TABLE))
        .and_where(Expr::col(KIND).eq(""))
        .and_where(Expr::col(EXPIRES_AT).gt(0_i64))
        .and_where(Expr::col(ID).is_in((0..ids).map(|_| "")));
    database.build(&get)
}

/// The oldest first. MySQL limits the removal itself; the others only a search.
fn cleanup(database: &Database, table: DynIden) -> Statement {
    let expired = || Expr::col(EXPIRES_AT).lte(0_i64);
    let mut delete = Query::delete();
    delete.from_table(table.clone()).and_where(expired());
    if database.dialect() == Dialect::MySql {
        delete.order_by(EXPIRES_AT, Order::Asc).limit(1);
        return database.build(&delete);
    }
    let oldest = Query::select()
        .columns([KIND, ID])
        .from(table)
        .and_where(expired())
        .order_by(EXPIRES_AT, Order::Asc)
        .limit(1)
        .to_owned();
    delete.and_where(Expr::tuple([Expr::col(KIND), Expr::col(ID)]).in_subquery(oldest));
    database.build(&delete)
}
