use sea_query::{Expr, ExprTrait as _, Order, Query};

use super::entry::{ACTION, AT, AuditFilter, COLUMNS, SEQ, USER_ID};
use crate::audit::event::LONGEST;
use crate::database::{ColumnSpec, Database, Kind, Statement, TableSpec};

const TABLE: &str = "auth_audit";
const PINS: &str = "auth_audit_head";
/// Of the chain's end, which every append locks, and of its beginning, after what was pruned.
const NAME: &str = "name";

/// How many entries are read at once.
pub(super) const BATCH: u32 = 500;

/// The tables, as `migrate` makes them.
pub(crate) fn audit_tables() -> [TableSpec; 2] {
    let text = |name| ColumnSpec::text(name, LONGEST.into());
    let columns = vec![
        ColumnSpec::new(SEQ, Kind::BigInt),
        ColumnSpec::new(AT, Kind::BigInt),
        ColumnSpec::text(ACTION, 64),
        ColumnSpec::new(COLUMNS[3], Kind::Bool),
        text(USER_ID).nullable(),
        text(COLUMNS[5]).nullable(),
        text(COLUMNS[6]).nullable(),
        text(COLUMNS[7]).nullable(),
        // A text, whose bytes come back as they were: a column for JSON may write it otherwise.
        ColumnSpec::new(COLUMNS[8], Kind::Text),
        ColumnSpec::new(COLUMNS[9], Kind::Bytes),
    ];
    let mut entries = TableSpec::new(TABLE, vec![SEQ], columns);
    entries.indexes = vec![vec![USER_ID], vec![ACTION], vec![AT]];
    let columns = vec![
        ColumnSpec::text(NAME, 16),
        ColumnSpec::new(SEQ, Kind::BigInt),
        ColumnSpec::new("mac", Kind::Bytes),
        ColumnSpec::new("seal", Kind::Bytes),
    ];
    [entries, TableSpec::new(PINS, vec![NAME], columns)]
}

/// Built once; each call gives the values.
#[derive(Debug)]
pub(super) struct Statements {
    /// The pin of a name.
    pub(super) pin: Statement,
    /// The same, locked until the transaction ends. (SQLite has locked all of it.)
    pub(super) lock: Statement,
    pub(super) insert_pin: Statement,
    pub(super) move_pin: Statement,
    pub(super) insert: Statement,
    /// The first entry up to a number.
    pub(super) first_up_to: Statement,
    /// A batch behind a number.
    pub(super) batch: Statement,
    pub(super) delete_up_to: Statement,
}

impl Statements {
    pub(super) fn new(database: &Database) -> Self {
        let mut pin = Query::select();
        pin.columns([SEQ, "mac", "seal"]).from(PINS).and_where(Expr::col(NAME).eq(""));
        let mut lock = pin.clone();
        lock.lock_exclusive();
        let mut insert_pin = Query::insert();
        insert_pin.into_table(PINS).columns([SEQ, "mac", "seal", NAME]).values_panic((0..4).map(|_| Expr::val(0_i64)));
        // Never deleted and made anew: whoever waits for the lock would find that there is none.
        let mut move_pin = Query::update();
        move_pin.table(PINS).values([SEQ, "mac", "seal"].map(|column| (column, Expr::val(0_i64))));
        move_pin.and_where(Expr::col(NAME).eq(""));
        let mut insert = Query::insert();
        insert.into_table(TABLE).columns(COLUMNS).values_panic(COLUMNS.map(|_| Expr::val(0_i64)));
        let up_to = || Expr::col(SEQ).lte(0_i64);
        let mut first_up_to = Query::select();
        first_up_to.column(SEQ).from(TABLE).and_where(up_to()).order_by(SEQ, Order::Asc).limit(1);
        let mut batch = Query::select();
        batch
            .columns(COLUMNS)
            .from(TABLE)
            .and_where(Expr::col(SEQ).gt(0_i64))
            .order_by(SEQ, Order::Asc)
            .limit(BATCH.into());
        let mut delete_up_to = Query::delete();
        delete_up_to.from_table(TABLE).and_where(up_to());
        Self {
            pin: database.build(&pin),
            lock: database.build(&lock),
            insert_pin: database.build(&insert_pin),
            move_pin: database.build(&move_pin),
            insert: database.build(&insert),
            first_up_to: database.build(&first_up_to),
            batch: database.build(&batch),
            delete_up_to: database.build(&delete_up_to),
        }
    }
}

/// The entries that are asked for.
pub(super) fn find(database: &Database, filter: &AuditFilter) -> Statement {
    let mut find = Query::select();
    find.columns(COLUMNS).from(TABLE).order_by(SEQ, Order::Desc).limit(Ord::min(filter.limit, 1000).into());
    for (column, text) in [(USER_ID, &filter.user), ("actor", &filter.actor), (ACTION, &filter.action)] {
        if let Some(text) = text {
            find.and_where(Expr::col(column).eq(text.as_str()));
        }
    }
    if let Some(from) = filter.from {
        find.and_where(Expr::col(AT).gte(from.timestamp_micros()));
    }
    if let Some(until) = filter.until {
        find.and_where(Expr::col(AT).lt(until.timestamp_micros()));
    }
    if let Some(before) = filter.before {
        find.and_where(Expr::col(SEQ).lt(i64::try_from(before).unwrap_or(i64::MAX)));
    }
    database.build(&find)
}
