use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sea_query::{Alias, CaseStatement, Cond, Condition, Expr, ExprTrait as _, Query, SelectStatement, Value as Bound};

use super::DatabaseUserStore;
use super::layout::{CREDENTIAL, GROUP, Join, PERMISSION, is_permission};
use super::read::{can_be_stored, one};
use crate::database::{
    Attempts, Column, ColumnError, DatabaseError, Dialect, Field as _, Role, Transaction, Value, check, check_all,
    index_name, read,
};
use crate::passwords::PasswordHash;
use crate::users::stores::common;
use crate::users::{PasswordChange, PrimaryKey, UserError, UserModel};

impl<U: UserModel> DatabaseUserStore<U> {
    pub(super) async fn insert(&self, mut user: U) -> Result<U, UserError> {
        if !U::PrimaryKey::GENERATED && user.primary_key().is_nil() {
            match U::PrimaryKey::fresh() {
                Some(key) => user.set_primary_key(key),
                None => return Err(ColumnError::new(self.layout.key, "must be set").into()),
            }
        }
        let values = check_all(U::COLUMNS, user.values()?)?;
        let mut attempts = Attempts::begin();
        loop {
            match self.database.in_time(self.insert_once(&user, values.clone())).await {
                Err(error) if is_contention(&error) && attempts.pause().await => {}
                Ok(key) => {
                    if let Some(key) = key {
                        user.set_primary_key(key);
                    }
                    // Written later, the struct must not bring this password back over another.
                    user.set_password_hash(user.password_hash().stored());
                    return Ok(user);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives the key back, if the database made it.
    async fn insert_once(&self, user: &U, values: Vec<Value>) -> Result<Option<U::PrimaryKey>, UserError> {
        let mut transaction = self.database.begin().await?;
        let written =
            U::COLUMNS.iter().zip(values).filter(|(column, _)| !(U::PrimaryKey::GENERATED && column.is(Role::Id)));
        let (mut columns, mut row): (Vec<_>, Vec<_>) =
            written.map(|(column, value)| (column.name, Expr::val(Bound::from(value)))).unzip();
        columns.push(CREDENTIAL);
        row.push(Expr::val(common::new_credential_version()));
        let mut insert = Query::insert();
        insert.into_table(self.layout.user).columns(columns).values_panic(row);

        let generated = if !U::PrimaryKey::GENERATED {
            transaction.execute(self.database.build(&insert)).await.map_err(taken::<U>)?;
            None
        } else if transaction.dialect() == Dialect::Postgres {
            insert.returning_col(self.layout.key);
            let rows = transaction.fetch(self.database.build(&insert)).await;
            let rows = rows.map_err(taken::<U>)?;
            rows.first().map(|row| read(row, 0, self.layout.key)).transpose()?
        } else {
            let done = transaction.execute(self.database.build(&insert)).await;
            done.map_err(taken::<U>)?.last_key
        };
        let generated = match generated {
            Some(key) => Some(
                U::PrimaryKey::from_generated(key)
                    .ok_or_else(|| ColumnError::new(self.layout.key, "the database gave a key that does not fit"))?,
            ),
            None => None,
        };
        let key = generated.as_ref().unwrap_or(user.primary_key());
        let (groups, permissions) = user.memberships();
        for (join, names) in [(Join::Groups, groups), (Join::Permissions, permissions)] {
            for name in names.iter().collect::<BTreeSet<_>>() {
                self.insert_membership(&mut transaction, key, join, name).await?;
            }
        }
        transaction.commit().await?;
        Ok(generated)
    }

    async fn insert_membership(
        &self,
        transaction: &mut Transaction,
        key: &U::PrimaryKey,
        join: Join,
        name: &str,
    ) -> Result<(), UserError> {
        let target = Target::new(join, name)?;
        let mut link = target.select();
        link.expr(Expr::val(Bound::from(key.to_value()))).column((target.table, "id"));
        let insert = self.insert_into(join, link)?;
        match transaction.execute(self.database.build(&insert)).await?.rows {
            0 => Err(target.unknown(name)),
            _ => Ok(()),
        }
    }

    fn insert_into(&self, join: Join, select: SelectStatement) -> Result<sea_query::InsertStatement, UserError> {
        let mut insert = Query::insert();
        insert
            .into_table(self.layout.join(join))
            .columns(["user_id", join.column()])
            .select_from(select)
            .map_err(|error| UserError::Store(Box::new(error)))?;
        Ok(insert)
    }

    pub(super) async fn write_columns(&self, user: &U, only: Option<&[&str]>) -> Result<(), UserError> {
        let known = |name: &&&str| U::COLUMNS.iter().any(|column| column.name == **name && !column.is(Role::Id));
        if let Some(name) = only.unwrap_or_default().iter().find(|name| !known(name)) {
            return Err(UserError::UnknownColumn((*name).chars().take(100).collect()));
        }
        let (mut written, mut ends_sessions) = (Vec::new(), Cond::any());
        for (column, value) in U::COLUMNS.iter().zip(user.values()?) {
            // A hash that was only read is not written: it may have been changed meanwhile.
            let stale = column.is(Role::Password) && !user.password_hash().is_changed();
            if stale || !common::is_written(column, only) {
                continue;
            }
            let value = Bound::from(check(column, value)?);
            if common::ends_sessions(column) {
                ends_sessions = ends_sessions.add(Expr::col(column.name).ne(Expr::val(value.clone())));
            }
            written.push((column.name, Expr::val(value)));
        }
        let mut update = Query::update();
        update.table(self.layout.user).and_where(self.is(user.primary_key()));
        if !ends_sessions.is_empty() {
            // In front: MySQL would compare with the values that were set already.
            let version = CaseStatement::new()
                .case(ends_sessions, common::new_credential_version())
                .finally(Expr::col(CREDENTIAL));
            update.value(CREDENTIAL, version);
        }
        update.values(written);
        if !can_be_stored(&user.primary_key().to_value()) {
            return Err(UserError::NotFound);
        }
        if update.get_values().is_empty() {
            return if self.is_there(user.primary_key()).await? { Ok(()) } else { Err(UserError::NotFound) };
        }
        match self.database.execute(self.database.build(&update)).await.map_err(taken::<U>)?.rows {
            0 => Err(UserError::NotFound),
            _ => Ok(()),
        }
    }

    pub(super) async fn write_password(
        &self,
        key: &U::PrimaryKey,
        hash: &PasswordHash,
        change: PasswordChange<'_>,
    ) -> Result<bool, UserError> {
        let column = column::<U>(Role::Password)?;
        let value = Bound::from(check(column, hash.to_value())?);
        let mut update = Query::update();
        update.table(self.layout.user).and_where(self.is(key));
        match change {
            PasswordChange::NewPassword => {
                update.value(CREDENTIAL, common::new_credential_version());
            }
            PasswordChange::Rehash(old) => {
                let old = old.to_value();
                if !can_be_stored(&old) {
                    return Ok(false);
                }
                update.and_where(Expr::col(column.name).eq(Bound::from(old)));
            }
        }
        update.value(column.name, value);
        Ok(self.change(key, &update).await? > 0)
    }

    pub(super) async fn write_last_login(&self, key: &U::PrimaryKey, time: DateTime<Utc>) -> Result<(), UserError> {
        let Some(column) = U::column_of(Role::LastLogin) else { return Ok(()) };
        let value = Bound::from(check(column, Value::Time(Some(time)))?);
        let mut update = Query::update();
        update.table(self.layout.user).and_where(self.is(key)).value(column.name, value);
        match self.change(key, &update).await? {
            0 => Err(UserError::NotFound),
            _ => Ok(()),
        }
    }

    pub(super) async fn remove(&self, key: &U::PrimaryKey) -> Result<bool, UserError> {
        let delete = Query::delete().from_table(self.layout.user).and_where(self.is(key)).to_owned();
        Ok(self.change(key, &delete).await? > 0)
    }

    pub(super) async fn link(&self, key: &U::PrimaryKey, join: Join, name: &str) -> Result<bool, UserError> {
        let target = Target::new(join, name)?;
        let mut link = target.select();
        link.column((self.layout.user, self.layout.key))
            .column((target.table, "id"))
            .from(self.layout.user)
            .and_where(self.is(key));
        let table = self.layout.join(join);
        let already = Query::select()
            .expr(Expr::cust("1"))
            .from_as(table, Alias::new("already"))
            .and_where(Expr::col(("already", "user_id")).equals((self.layout.user, self.layout.key)))
            .and_where(Expr::col(("already", join.column())).equals((target.table, "id")))
            .to_owned();
        link.and_where(Expr::exists(already).not());
        let insert = self.insert_into(join, link)?;
        match self.change(key, &insert).await {
            Ok(0) => {
                self.explain(key, &target, name).await?;
                Ok(false)
            }
            Ok(_) => Ok(true),
            // Somebody else gave the same at the same moment.
            Err(error) if error.unique_violation().is_some() => Ok(false),
            // Somebody else removed the user or the group at the same moment.
            Err(error) if error.is_foreign_key_violation() => {
                self.explain(key, &target, name).await?;
                Err(error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) async fn unlink(&self, key: &U::PrimaryKey, join: Join, name: &str) -> Result<bool, UserError> {
        let target = Target::new(join, name)?;
        let mut ids = target.select();
        ids.column((target.table, "id"));
        let delete = Query::delete()
            .from_table(self.layout.join(join))
            .and_where(Expr::col("user_id").eq(Bound::from(key.to_value())))
            .and_where(Expr::col(join.column()).in_subquery(ids))
            .to_owned();
        let changed = self.change(key, &delete).await? > 0;
        if !changed {
            self.explain(key, &target, name).await?;
        }
        Ok(changed)
    }

    /// Why a grant changed nothing: an error, unless it was so already.
    async fn explain(&self, key: &U::PrimaryKey, target: &Target, name: &str) -> Result<(), UserError> {
        let mut known = target.select();
        known.expr(Expr::cust("1"));
        if self.database.fetch_first(self.database.build(&known)).await?.is_none() {
            return Err(target.unknown(name));
        }
        if self.is_there(key).await? { Ok(()) } else { Err(UserError::NotFound) }
    }

    async fn is_there(&self, key: &U::PrimaryKey) -> Result<bool, UserError> {
        if !can_be_stored(&key.to_value()) {
            return Ok(false);
        }
        let select = one().from(self.layout.user).and_where(self.is(key)).to_owned();
        Ok(self.database.fetch_first(self.database.build(&select)).await?.is_some())
    }

    fn is(&self, key: &U::PrimaryKey) -> Expr {
        self.layout.column(self.layout.key).eq(Bound::from(key.to_value()))
    }

    /// Runs a statement about that user, unless no user can have the key. Says how many rows it changed.
    async fn change(
        &self,
        key: &U::PrimaryKey,
        statement: &impl sea_query_sqlx::SqlxBinder,
    ) -> Result<u64, DatabaseError> {
        if !can_be_stored(&key.to_value()) {
            return Ok(0);
        }
        Ok(self.database.execute(self.database.build(statement)).await?.rows)
    }
}

impl Join {
    fn column(self) -> &'static str {
        match self {
            Self::Groups => "group_id",
            Self::Permissions => "permission_id",
        }
    }
}

/// What a user is given: a group or a permission.
struct Target {
    join: Join,
    table: &'static str,
    condition: Condition,
}

impl Target {
    fn new(join: Join, name: &str) -> Result<Self, UserError> {
        Ok(match join {
            Join::Groups if !common::is_group_name(name) => {
                return Err(common::unknown_group(name));
            }
            Join::Groups => {
                let condition = Cond::all().add(Expr::col((GROUP, "name")).eq(name));
                Self { join, table: GROUP, condition }
            }
            Join::Permissions => {
                let (app_label, codename) = common::parts(name)?;
                let condition = is_permission(app_label, codename);
                Self { join, table: PERMISSION, condition }
            }
        })
    }

    fn select(&self) -> SelectStatement {
        Query::select().from(self.table).cond_where(self.condition.clone()).to_owned()
    }

    fn unknown(&self, name: &str) -> UserError {
        match self.join {
            Join::Groups => common::unknown_group(name),
            Join::Permissions => common::unknown_permission(name),
        }
    }
}

fn column<U: UserModel>(role: Role) -> Result<&'static Column, UserError> {
    U::column_of(role).ok_or_else(|| UserError::UnknownColumn(format!("{role:?}")))
}

/// A unique violation, told by the column.
fn taken<U: UserModel>(error: DatabaseError) -> UserError {
    let Some(told) = error.unique_violation() else { return error.into() };
    let is_it = |column: &&Column| {
        column.name == told
            || index_name(U::TABLE, &[column.name], true) == told
            || (column.is(Role::Id) && (told == "PRIMARY" || told.ends_with("_pkey")))
    };
    match U::COLUMNS.iter().find(is_it) {
        Some(column) => UserError::AlreadyExists { column: column.name },
        None => error.into(),
    }
}

fn is_contention(error: &UserError) -> bool {
    match error {
        UserError::Store(source) => source.downcast_ref::<DatabaseError>().is_some_and(DatabaseError::is_contention),
        _ => false,
    }
}
