use sea_query::{Alias, DynIden, Expr, ExprTrait as _, IntoIden as _, OnConflict, Order, Query};

use super::{COLUMNS, EXPIRES_AT, ID, USER_ID, VERSION};
use crate::database::{Database, Dialect, Statement};

/// Built once; each call gives the values.
pub(super) struct Statements {
    pub(super) load: Statement,
    pub(super) exists: Statement,
    pub(super) insert: Statement,
    pub(super) update: Statement,
    pub(super) touch: Statement,
    pub(super) delete: Statement,
    pub(super) take_away: Statement,
    pub(super) take_turn: Statement,
    pub(super) cleanup: Statement,
    pub(super) scan: Statement,
    pub(super) list_of: Statement,
    pub(super) count_of: Statement,
    pub(super) delete_of: Statement,
    pub(super) delete_all_of: Statement,
}

impl Statements {
    pub(super) fn new(database: &Database, table: &str) -> Self {
        let table: DynIden = Alias::new(table).into_iden();
        let is = || Expr::col(ID).eq("");
        let alive = || Expr::col(EXPIRES_AT).gt(0_i64);
        let expired = || Expr::col(EXPIRES_AT).lte(0_i64);

        let mut load = Query::select();
        load.columns(COLUMNS).from(table.clone()).and_where(is()).and_where(alive());
        let mut exists = Query::select();
        exists.expr(Expr::cust("1")).from(table.clone()).and_where(is()).and_where(alive());
        let mut insert = Query::insert();
        insert
            .into_table(table.clone())
            .columns(COLUMNS.into_iter().chain([ID]))
            .values_panic((0..=COLUMNS.len()).map(|_| Expr::val(0_i64)));
        let mut update = Query::update();
        update
            .table(table.clone())
            .values(COLUMNS.map(|column| (column, Expr::val(0_i64))))
            .and_where(is())
            .and_where(Expr::col(VERSION).eq(0_i64))
            .and_where(alive());
        let mut touch = Query::update();
        touch.table(table.clone()).value("seen_at", 0_i64).value(EXPIRES_AT, 0_i64).and_where(is()).and_where(alive());
        let mut delete = Query::delete();
        delete.from_table(table.clone()).and_where(is()).and_where(alive());
        let mut take_away = Query::delete();
        take_away.from_table(table.clone()).and_where(is()).and_where(expired());
        // Written either way, so that it is locked until the transaction ends.
        let mut take_turn = Query::insert();
        take_turn
            .into_table(table.clone())
            .columns([VERSION, "created_at", "seen_at", EXPIRES_AT, "ends_at", "data", ID])
            .values_panic((0..7).map(|_| Expr::val(0_i64)))
            .on_conflict(OnConflict::column(ID).update_column(EXPIRES_AT).to_owned());
        let mut scan = Query::select();
        scan.columns(COLUMNS.into_iter().chain([ID]))
            .from(table.clone())
            .and_where(Expr::col(ID).gt(""))
            .and_where(alive())
            .order_by(ID, Order::Asc)
            .limit(1);
        let theirs = || Expr::col(USER_ID).eq("");
        let mut list_of = Query::select();
        list_of
            .columns(COLUMNS.into_iter().chain([ID]))
            .from(table.clone())
            .and_where(theirs())
            .and_where(alive())
            .order_by("created_at", Order::Desc)
            .order_by(ID, Order::Asc);
        let mut count_of = Query::select();
        count_of.expr(Expr::cust("COUNT(*)")).from(table.clone()).and_where(theirs()).and_where(alive());
        let mut delete_of = Query::delete();
        delete_of.from_table(table.clone()).and_where(theirs()).and_where(is()).and_where(alive());
        let mut delete_all_of = Query::delete();
        delete_all_of.from_table(table.clone()).and_where(theirs()).and_where(Expr::col(ID).ne("")).and_where(alive());
        Self {
            scan: database.build(&scan),
            list_of: database.build(&list_of),
            count_of: database.build(&count_of),
            delete_of: database.build(&delete_of),
            delete_all_of: database.build(&delete_all_of),
            load: database.build(&load),
            exists: database.build(&exists),
            insert: database.build(&insert),
            update: database.build(&update),
            touch: database.build(&touch),
            delete: database.build(&delete),
            take_away: database.build(&take_away),
            take_turn: database.build(&take_turn),
            cleanup: cleanup(database, table),
        }
    }
}

/// The oldest first. MySQL limits the removal itself; the others only a search.
fn cleanup(database: &Database, table: DynIden) -> Statement {
    let expired = || Expr::col(EXPIRES_AT).lte(0_i64);
    let mut delete = Query::delete();
    delete.from_table(table.clone());
    if database.dialect() == Dialect::MySql {
        delete.and_where(expired()).order_by(EXPIRES_AT, Order::Asc).limit(1);
        return database.build(&delete);
    }
    let oldest = Query::select()
        .column(ID)
        .from(table)
        .and_where(expired())
        .order_by(EXPIRES_AT, Order::Asc)
        .limit(1)
        .to_owned();
    delete.and_where(Expr::col(ID).in_subquery(oldest));
    database.build(&delete)
}
