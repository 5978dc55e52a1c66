use sea_query::{Expr, ExprTrait as _, Order, Query, SelectStatement, Value as Bound};

use super::DatabaseUserStore;
use super::layout::{CREDENTIAL, Layout, SEPARATOR};
use crate::database::{AnyRow, ColumnError, Database, Field as _, Role, Statement, Value, is_storable, read};
use crate::permissions::PermissionSet;
use crate::users::stores::common;
use crate::users::{Account, Page, UserError, UserLookup, UserModel};

/// The statements of every request, built once; their first value is what the user is looked up by.
#[derive(Debug)]
pub(super) struct Queries {
    by_id: Statement,
    by_username: Option<Statement>,
    by_email: Option<Statement>,
}

impl Queries {
    pub(super) fn new<U: UserModel>(database: &Database, layout: &Layout) -> Self {
        let by = |column: &'static str| {
            // A second row is asked for, so that an address that two users have is known as such.
            let mut select = select::<U>(database, layout);
            select.expr(layout.group_permissions(database.dialect()));
            select.and_where(layout.column(column).eq("")).limit(2);
            database.build(&select)
        };
        let with = |role| U::column_of(role).map(|column| by(column.name));
        Self { by_id: by(layout.key), by_username: with(Role::Username), by_email: with(Role::Email) }
    }
}

/// The columns of the user, the credential version, the names of groups and of direct permissions.
fn select<U: UserModel>(database: &Database, layout: &Layout) -> SelectStatement {
    Query::select()
        .columns(U::COLUMNS.iter().map(|column| (layout.user, column.name)))
        .column((layout.user, CREDENTIAL))
        .expr(layout.groups(database.dialect()))
        .expr(layout.direct_permissions(database.dialect()))
        .from(layout.user)
        .to_owned()
}

impl<U: UserModel> DatabaseUserStore<U> {
    pub(super) async fn read_one(&self, by: UserLookup<'_, U::PrimaryKey>) -> Result<Option<Account<U>>, UserError> {
        let (query, value) = match by {
            UserLookup::Id(key) => (Some(&self.queries.by_id), key.to_value()),
            UserLookup::Username(name) => (self.queries.by_username.as_ref(), Value::Text(Some(name.to_owned()))),
            UserLookup::Email(email) => (self.queries.by_email.as_ref(), Value::Text(Some(email.to_owned()))),
        };
        let Some(query) = query.filter(|_| can_be_stored(&value)) else { return Ok(None) };
        let rows = self.database.fetch(query.with([Bound::from(value)])).await?;
        match rows.as_slice() {
            [row] => Ok(Some(account(row)?)),
            _ => Ok(None),
        }
    }

    pub(super) async fn read_many(&self, page: Page, permission: Option<&str>) -> Result<Vec<U>, UserError> {
        let mut select = select::<U>(&self.database, &self.layout);
        select
            .order_by((self.layout.user, self.layout.key), Order::Asc)
            .limit(Ord::min(page.limit, 1000))
            .offset(Ord::min(page.offset, i64::MAX.unsigned_abs()));
        if let Some(permission) = permission {
            // What is no permission's name is held by nobody, superusers included.
            let Ok((app_label, codename)) = common::parts(permission) else {
                return Ok(Vec::new());
            };
            select.cond_where(self.layout.holds(app_label, codename));
        }
        let rows = self.database.fetch(self.database.build(&select)).await?;
        rows.iter().map(|row| Ok(user(row)?.0)).collect()
    }
}

/// Whether any row can have that value: none has a NUL in a text.
pub(super) fn can_be_stored(value: &Value) -> bool {
    match value {
        Value::Text(Some(text)) => is_storable(text),
        _ => true,
    }
}

fn account<U: UserModel>(row: &AnyRow) -> Result<Account<U>, ColumnError> {
    let (user, mut permissions) = user::<U>(row)?;
    let credential = read(row, U::COLUMNS.len(), CREDENTIAL)?;
    permissions.extend(list(row, U::COLUMNS.len() + 3, "permissions")?);
    Ok(Account::new(user, PermissionSet::of(permissions), credential))
}

/// The user, and the permissions that it holds directly.
fn user<U: UserModel>(row: &AnyRow) -> Result<(U, Vec<String>), ColumnError> {
    let mut user = U::from_row(row)?;
    let mut groups = list(row, U::COLUMNS.len() + 1, "groups")?;
    let mut permissions = list(row, U::COLUMNS.len() + 2, "user_permissions")?;
    groups.sort_unstable();
    permissions.sort_unstable();
    user.set_memberships(groups, permissions.clone());
    Ok((user, permissions))
}

/// A list that the database joined; NULL where it is empty.
pub(super) fn list(row: &AnyRow, index: usize, what: &'static str) -> Result<Vec<String>, ColumnError> {
    let joined: Option<String> = read(row, index, what)?;
    Ok(joined.map(|text| text.split(SEPARATOR).map(str::to_owned).collect()).unwrap_or_default())
}

/// A select that finds a row if there is one.
pub(super) fn one() -> SelectStatement {
    Query::select().expr(Expr::cust("1")).limit(1).to_owned()
}
