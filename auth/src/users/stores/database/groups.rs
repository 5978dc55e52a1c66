use sea_query::{Expr, ExprTrait as _, InsertStatement, Order, Query};

use super::layout::{
    GROUP, GROUP_PERMISSIONS, PERMISSION, is_permission, list, permission_name, permission_of_group, subquery,
};
use super::read;
use crate::database::{Database, read as column};
use crate::users::stores::common;
use crate::users::{Group, UserError};

pub(super) async fn all(database: &Database) -> Result<Vec<Group>, UserError> {
    let mut permissions = Query::select();
    permissions
        .expr(list(database.dialect(), permission_name()))
        .from(GROUP_PERMISSIONS)
        .inner_join(PERMISSION, permission_of_group())
        .and_where(Expr::col((GROUP_PERMISSIONS, "group_id")).equals((GROUP, "id")));
    let select = Query::select()
        .columns([(GROUP, "name"), (GROUP, "title")])
        .expr(subquery(permissions))
        .from(GROUP)
        .order_by((GROUP, "name"), Order::Asc)
        .to_owned();
    let rows = database.fetch(database.build(&select)).await?;
    let group = |row| -> Result<Group, UserError> {
        let mut permissions = read::list(row, 2, "permissions")?;
        permissions.sort_unstable();
        let (name, title): (String, String) = (column(row, 0, "name")?, column(row, 1, "title")?);
        Ok(Group::new(name, title, permissions))
    };
    rows.iter().map(group).collect()
}

pub(super) async fn create(database: &Database, name: &str, title: &str) -> Result<(), UserError> {
    common::check_new_group(name, title)?;
    let insert = Query::insert()
        .into_table(GROUP)
        .columns(["name", "title"])
        .values_panic([Expr::val(name), Expr::val(title)])
        .to_owned();
    match database.execute(database.build(&insert)).await {
        Err(error) if error.unique_violation().is_some() => Err(UserError::GroupExists(name.to_owned())),
        result => Ok(result.map(drop)?),
    }
}

pub(super) async fn delete(database: &Database, name: &str) -> Result<bool, UserError> {
    if !common::is_group_name(name) {
        return Ok(false);
    }
    let delete = Query::delete().from_table(GROUP).and_where(Expr::col("name").eq(name)).to_owned();
    Ok(database.execute(database.build(&delete)).await?.rows > 0)
}

pub(super) async fn grant(database: &Database, group: &str, permission: &str) -> Result<bool, UserError> {
    let insert = new_pair(group, permission)?;
    match database.execute(database.build(&insert)).await {
        Ok(done) if done.rows > 0 => Ok(true),
        Ok(_) => explain(database, group, permission).await,
        // Somebody else gave the same at the same moment.
        Err(error) if error.unique_violation().is_some() => Ok(false),
        // Somebody else removed the group at the same moment.
        Err(error) if error.is_foreign_key_violation() => {
            explain(database, group, permission).await?;
            Err(error.into())
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn revoke(database: &Database, group: &str, permission: &str) -> Result<bool, UserError> {
    let (app_label, codename) = common::parts(permission)?;
    if !common::is_group_name(group) {
        return Err(common::unknown_group(group));
    }
    let ids = |table| Query::select().column((table, "id")).from(table).to_owned();
    let groups = ids(GROUP).and_where(Expr::col((GROUP, "name")).eq(group)).to_owned();
    let permissions = ids(PERMISSION).cond_where(is_permission(app_label, codename)).to_owned();
    let delete = Query::delete()
        .from_table(GROUP_PERMISSIONS)
        .and_where(Expr::col("group_id").in_subquery(groups))
        .and_where(Expr::col("permission_id").in_subquery(permissions))
        .to_owned();
    match database.execute(database.build(&delete)).await?.rows {
        0 => explain(database, group, permission).await,
        _ => Ok(true),
    }
}

/// Gives the group the permission, if both are there and it has not got it.
pub(super) fn new_pair(group: &str, permission: &str) -> Result<InsertStatement, UserError> {
    let (app_label, codename) = common::parts(permission)?;
    if !common::is_group_name(group) {
        return Err(common::unknown_group(group));
    }
    let already = Query::select()
        .expr(Expr::cust("1"))
        .from_as(GROUP_PERMISSIONS, "already")
        .and_where(Expr::col(("already", "group_id")).equals((GROUP, "id")))
        .and_where(Expr::col(("already", "permission_id")).equals((PERMISSION, "id")))
        .to_owned();
    let pair = Query::select()
        .columns([(GROUP, "id"), (PERMISSION, "id")])
        .from(GROUP)
        .from(PERMISSION)
        .and_where(Expr::col((GROUP, "name")).eq(group))
        .cond_where(is_permission(app_label, codename))
        .and_where(Expr::exists(already).not())
        .to_owned();
    let mut insert = Query::insert();
    insert
        .into_table(GROUP_PERMISSIONS)
        .columns(["group_id", "permission_id"])
        .select_from(pair)
        .map_err(|error| UserError::Store(Box::new(error)))?;
    Ok(insert)
}

/// Why nothing changed: an error, unless it was so already.
async fn explain(database: &Database, group: &str, permission: &str) -> Result<bool, UserError> {
    let (app_label, codename) = common::parts(permission)?;
    let known = read::one().from(PERMISSION).cond_where(is_permission(app_label, codename)).to_owned();
    if database.fetch_first(database.build(&known)).await?.is_none() {
        return Err(common::unknown_permission(permission));
    }
    let known = read::one().from(GROUP).and_where(Expr::col("name").eq(group)).to_owned();
    match database.fetch_first(database.build(&known)).await? {
        Some(_) => Ok(false),
        None => Err(common::unknown_group(group)),
    }
}
