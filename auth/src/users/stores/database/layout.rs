//! The names of the tables and how they are joined: all that another layout, a live Django database, would change.

use std::sync::OnceLock;

use sea_query::{
    Alias, BinOper, Cond, Condition, DynIden, Expr, ExprTrait as _, Func, IntoIden as _, Query, SelectStatement,
};

use crate::database::{Column, ColumnSpec, Dialect, Kind, Role, TableSpec};
use crate::users::UserModel;
use crate::users::stores::common::TITLE;

pub(super) const GROUP: &str = "auth_group";
pub(super) const PERMISSION: &str = "auth_permission";
pub(super) const GROUP_PERMISSIONS: &str = "auth_group_permissions";
pub(super) const DECLARATION: &str = "auth_declaration";
/// The framework's own column in the user's table.
pub(super) const CREDENTIAL: &str = "credential_version";

/// What stands between the names in a list. No name has a control character in it.
pub(super) const SEPARATOR: char = '\u{1f}';

/// The tables around one user table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) user: &'static str,
    pub(super) key: &'static str,
    columns: &'static [Column],
}

/// One of the joins from users to what they have.
#[derive(Clone, Copy, Debug)]
pub(super) enum Join {
    Groups,
    Permissions,
}

impl Layout {
    pub(super) fn of<U: UserModel>() -> Self {
        // The derive refuses a struct without one; a table without a key would be found out by its first statement.
        let key = U::column_of(Role::Id).map_or("id", |column| column.name);
        Self { user: U::TABLE, key, columns: U::COLUMNS }
    }

    /// The table of a join.
    pub(super) fn join(&self, join: Join) -> DynIden {
        Alias::new(self.join_name(join)).into_iden()
    }

    fn join_name(&self, join: Join) -> String {
        match join {
            Join::Groups => format!("{}_groups", self.user),
            Join::Permissions => format!("{}_user_permissions", self.user),
        }
    }

    /// A column of the user's table.
    pub(super) fn column(&self, name: &'static str) -> Expr {
        Expr::col((self.user, name))
    }

    /// The names of the user's groups.
    pub(super) fn groups(&self, dialect: Dialect) -> Expr {
        let mine = self.join(Join::Groups);
        let mut select = Query::select();
        select
            .expr(list(dialect, Expr::col((GROUP, "name"))))
            .from(mine.clone())
            .inner_join(GROUP, Expr::col((GROUP, "id")).equals((mine.clone(), "group_id")))
            .and_where(Expr::col((mine, "user_id")).equals((self.user, self.key)));
        subquery(select)
    }

    /// The names of the permissions that the user holds directly.
    pub(super) fn direct_permissions(&self, dialect: Dialect) -> Expr {
        let mine = self.join(Join::Permissions);
        let mut select = Query::select();
        select
            .expr(list(dialect, permission_name()))
            .from(mine.clone())
            .inner_join(PERMISSION, Expr::col((PERMISSION, "id")).equals((mine.clone(), "permission_id")))
            .and_where(Expr::col((mine, "user_id")).equals((self.user, self.key)));
        subquery(select)
    }

    /// The names of the permissions of the user's groups, some of them more than once.
    pub(super) fn group_permissions(&self, dialect: Dialect) -> Expr {
        let mut select = self.permissions_of_groups();
        select.expr(list(dialect, permission_name()));
        subquery(select)
    }

    fn permissions_of_groups(&self) -> SelectStatement {
        let mine = self.join(Join::Groups);
        let group = Expr::col((GROUP_PERMISSIONS, "group_id")).equals((mine.clone(), "group_id"));
        Query::select()
            .from(mine.clone())
            .inner_join(GROUP_PERMISSIONS, group)
            .inner_join(PERMISSION, permission_of_group())
            .and_where(Expr::col((mine, "user_id")).equals((self.user, self.key)))
            .to_owned()
    }

    /// That the user has the permission: directly, through a group, or as a superuser; and is active.
    pub(super) fn holds(&self, app_label: &str, codename: &str) -> Condition {
        let mine = self.join(Join::Permissions);
        let direct = Query::select()
            .expr(Expr::cust("1"))
            .from(mine.clone())
            .inner_join(PERMISSION, Expr::col((PERMISSION, "id")).equals((mine.clone(), "permission_id")))
            .and_where(Expr::col((mine, "user_id")).equals((self.user, self.key)))
            .cond_where(is_permission(app_label, codename))
            .to_owned();
        let through_group = self
            .permissions_of_groups()
            .expr(Expr::cust("1"))
            .cond_where(is_permission(app_label, codename))
            .to_owned();
        let flag = |role| {
            let column = self.columns.iter().find(move |column| column.is(role));
            column.map(|column| self.column(column.name).eq(true))
        };
        let held =
            Cond::any().add(Expr::exists(direct)).add(Expr::exists(through_group)).add_option(flag(Role::IsSuperuser));
        Cond::all().add_option(flag(Role::IsActive)).add(held)
    }

    /// All tables, each after those that it refers to.
    pub(super) fn tables(&self) -> Vec<TableSpec> {
        let mut user = TableSpec::new(self.user, vec![self.key], self.columns.iter().map(ColumnSpec::from).collect());
        let mut key = ColumnSpec::new("user_id", Kind::BigInt);
        for (column, spec) in self.columns.iter().zip(&mut user.columns) {
            if column.is(Role::Id) {
                spec.generated = matches!(column.kind, Kind::Integer | Kind::BigInt);
                (key.kind, key.max_length) = (column.kind, column.max_length);
            } else if column.unique {
                user.unique.push(vec![column.name]);
            } else if column.is(Role::Email) {
                user.indexes.push(vec![column.name]);
            }
        }
        user.columns.push(ColumnSpec::new(CREDENTIAL, Kind::BigInt));

        let mut tables = shared_tables();
        tables.push(user);
        for (join, target, id) in [(Join::Groups, GROUP, "group_id"), (Join::Permissions, PERMISSION, "permission_id")]
        {
            let mut table = pairs(self.join_name(join), key, ColumnSpec::new(id, Kind::BigInt));
            table.references = vec![("user_id", self.user.to_owned(), self.key), (id, target.to_owned(), "id")];
            tables.push(table);
        }
        tables
    }
}

/// The tables that all user tables of a database share.
fn shared_tables() -> Vec<TableSpec> {
    static TABLES: OnceLock<Vec<TableSpec>> = OnceLock::new();
    TABLES
        .get_or_init(|| {
            let id = ColumnSpec::new("id", Kind::BigInt).generated();
            let mut group = TableSpec::new(
                GROUP,
                vec!["id"],
                vec![id, ColumnSpec::text("name", 150), ColumnSpec::text("title", TITLE)],
            );
            group.unique.push(vec!["name"]);
            let mut permission = TableSpec::new(
                PERMISSION,
                vec!["id"],
                vec![
                    id,
                    ColumnSpec::text("app_label", 100),
                    ColumnSpec::text("codename", 100),
                    ColumnSpec::text("name", TITLE),
                ],
            );
            permission.unique.push(vec!["app_label", "codename"]);
            let mut of_groups = pairs(
                GROUP_PERMISSIONS.to_owned(),
                ColumnSpec::new("group_id", Kind::BigInt),
                ColumnSpec::new("permission_id", Kind::BigInt),
            );
            of_groups.references =
                vec![("group_id", GROUP.to_owned(), "id"), ("permission_id", PERMISSION.to_owned(), "id")];
            let declaration = TableSpec::new(
                DECLARATION,
                vec!["kind", "name"],
                vec![ColumnSpec::text("kind", 20), ColumnSpec::text("name", 400)],
            );
            vec![group, permission, of_groups, declaration]
        })
        .clone()
}

fn pairs(name: String, first: ColumnSpec, second: ColumnSpec) -> TableSpec {
    let mut table = TableSpec::new(name, vec![first.name, second.name], vec![first, second]);
    table.indexes.push(vec![second.name]);
    table
}

pub(super) fn permission_of_group() -> Expr {
    Expr::col((PERMISSION, "id")).equals((GROUP_PERMISSIONS, "permission_id"))
}

pub(super) fn is_permission(app_label: &str, codename: &str) -> Condition {
    Cond::all()
        .add(Expr::col((PERMISSION, "app_label")).eq(app_label))
        .add(Expr::col((PERMISSION, "codename")).eq(codename))
}

/// `app_label.codename`
pub(super) fn permission_name() -> Expr {
    const CONCAT: BinOper = BinOper::Custom("||"); // MySQL's connections are set to it, too
    Expr::col((PERMISSION, "app_label"))
        .binary(CONCAT, Expr::cust("'.'"))
        .binary(CONCAT, Expr::col((PERMISSION, "codename")))
}

/// All values of a column in one text. No value is bound in it, so that a statement's first value stays the first.
pub(super) fn list(dialect: Dialect, column: Expr) -> Expr {
    match dialect {
        #[cfg(feature = "database-sqlite")]
        Dialect::Sqlite => Func::cust("group_concat").arg(column).arg(Expr::cust("char(31)")).into(),
        #[cfg(feature = "database-postgres")]
        Dialect::Postgres => Func::cust("string_agg").arg(column).arg(Expr::cust("chr(31)")).into(),
        #[cfg(feature = "database-mysql")]
        Dialect::MySql => Expr::cust_with_expr("GROUP_CONCAT(? SEPARATOR 0x1F)", column),
    }
}

pub(super) fn subquery(select: SelectStatement) -> Expr {
    Expr::SubQuery(None, Box::new(select.into()))
}
