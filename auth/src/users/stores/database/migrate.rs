use std::collections::{BTreeMap, BTreeSet};

use sea_query::{Expr, ExprTrait as _, Query};

use super::layout::{DECLARATION, GROUP, Layout, PERMISSION, is_permission};
use crate::database::{DatabaseError, Migration};
use crate::permissions::{GroupEntry, PermissionEntry};
use crate::registry;
use crate::users::UserModel;
use crate::users::stores::common;

/// Makes the tables around `U`.
pub(crate) async fn tables<U: UserModel>(migration: &mut Migration) -> Result<(), DatabaseError> {
    for table in Layout::of::<U>().tables() {
        migration.table(&table).await?;
    }
    Ok(())
}

/// Brings the declared permissions and groups into the database: what was declared since the last time, and titles.
///
/// What was applied once is remembered, so that a group or a grant that somebody took away by hand stays away. Nothing
/// is ever deleted: what is no longer declared may be in use by another program, or by the previous version of this one.
pub(crate) async fn declarations(migration: &mut Migration) -> Result<(), DatabaseError> {
    let mut applied = Applied::read(migration).await?;
    permissions(migration).await?;

    let mut groups = titles(migration, GROUP, "name", "title").await?;
    for group in registry::entries::<GroupEntry>() {
        common::check_new_group(group.name, group.title)
            .map_err(|error| DatabaseError::Configuration(error.to_string()))?;
        match groups.get(group.name) {
            Some(title) if title == group.title => {}
            Some(_) => {
                let update = Query::update()
                    .table(GROUP)
                    .value("title", group.title)
                    .and_where(Expr::col("name").eq(group.name))
                    .to_owned();
                migration.execute(&update).await?;
                migration.note(format!("retitle group {}", group.name)).await?;
            }
            None if applied.has("group", group.name) => continue, // deleted by hand
            None => {
                let insert = Query::insert()
                    .into_table(GROUP)
                    .columns(["name", "title"])
                    .values_panic([Expr::val(group.name), Expr::val(group.title)])
                    .to_owned();
                migration.execute(&insert).await?;
                migration.note(format!("create group {}", group.name)).await?;
            }
        }
        groups.insert(group.name.to_owned(), group.title.to_owned());
        applied.remember(migration, "group", group.name).await?;
        for permission in group.permissions {
            let name = format!("{} {permission}", group.name);
            if !applied.has("grant", &name) {
                grant(migration, group.name, permission).await?;
                applied.remember(migration, "grant", &name).await?;
            }
        }
    }
    Ok(())
}

async fn permissions(migration: &mut Migration) -> Result<(), DatabaseError> {
    let select = Query::select().columns(["app_label", "codename", "name"]).from(PERMISSION).to_owned();
    let mut known: BTreeMap<String, String> = migration
        .texts(&select)
        .await?
        .into_iter()
        .map(|[app_label, codename, title]| (format!("{app_label}.{codename}"), title))
        .collect();
    for permission in registry::entries::<PermissionEntry>() {
        let Ok((app_label, codename)) = common::parts(permission.name) else {
            let error = format!("`{}` is no permission's name", permission.name);
            return Err(DatabaseError::Configuration(error));
        };
        // A title is for reading; one that is too long is cut rather than refused at the start of a server.
        let title: String = permission.title.chars().take(common::TITLE as usize).collect();
        match known.get(permission.name) {
            Some(there) if *there == title => continue,
            Some(_) => {
                let update = Query::update()
                    .table(PERMISSION)
                    .value("name", title.as_str())
                    .cond_where(is_permission(app_label, codename))
                    .to_owned();
                migration.execute(&update).await?;
                migration.note(format!("retitle permission {}", permission.name)).await?;
            }
            None => {
                let row = [Expr::val(app_label), Expr::val(codename), Expr::val(title.as_str())];
                let insert = Query::insert()
                    .into_table(PERMISSION)
                    .columns(["app_label", "codename", "name"])
                    .values_panic(row)
                    .to_owned();
                migration.execute(&insert).await?;
                migration.note(format!("create permission {}", permission.name)).await?;
            }
        }
        known.insert(permission.name.to_owned(), title);
    }
    Ok(())
}

async fn grant(migration: &mut Migration, group: &str, permission: &str) -> Result<(), DatabaseError> {
    let select =
        super::groups::new_pair(group, permission).map_err(|error| DatabaseError::Configuration(error.to_string()))?;
    if migration.execute(&select).await?.rows > 0 {
        migration.note(format!("grant {permission} to group {group}")).await?;
    }
    Ok(())
}

async fn titles(
    migration: &mut Migration,
    table: &'static str,
    name: &'static str,
    title: &'static str,
) -> Result<BTreeMap<String, String>, DatabaseError> {
    let select = Query::select().columns([name, title]).from(table).to_owned();
    Ok(migration.texts(&select).await?.into_iter().map(|[name, title]| (name, title)).collect())
}

/// The declarations that were applied already.
struct Applied(BTreeSet<[String; 2]>);

impl Applied {
    async fn read(migration: &mut Migration) -> Result<Self, DatabaseError> {
        let select = Query::select().columns(["kind", "name"]).from(DECLARATION).to_owned();
        Ok(Self(migration.texts(&select).await?.into_iter().collect()))
    }

    fn has(&self, kind: &str, name: &str) -> bool {
        self.0.contains(&[kind.to_owned(), name.to_owned()])
    }

    async fn remember(&mut self, migration: &mut Migration, kind: &str, name: &str) -> Result<(), DatabaseError> {
        if self.0.insert([kind.to_owned(), name.to_owned()]) {
            let insert = Query::insert()
                .into_table(DECLARATION)
                .columns(["kind", "name"])
                .values_panic([Expr::val(kind), Expr::val(name)])
                .to_owned();
            migration.execute(&insert).await?;
        }
        Ok(())
    }
}
