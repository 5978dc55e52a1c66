use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use crate::database::{Column, ColumnError, Field as _, FieldError, Kind, Role, Row, Value, check, check_all};
use crate::passwords::PasswordHash;
use crate::permissions::{GroupEntry, PermissionEntry, PermissionSet};
use crate::registry;
use crate::users::stores::common;
use crate::users::{
    Account, CredentialVersion, Group, Page, PasswordChange, PrimaryKey, UserError, UserLookup, UserModel,
};

/// All that a database would hold.
pub(super) struct State<U: UserModel> {
    users: BTreeMap<U::PrimaryKey, Held<U>>,
    /// Who has a value in a unique column, which is named by its place.
    taken: HashMap<(usize, String), U::PrimaryKey>,
    groups: BTreeMap<String, HeldGroup>,
    permissions: BTreeSet<&'static str>,
    last_key: i64,
}

pub(super) struct Held<U> {
    values: Values,
    groups: BTreeSet<String>,
    permissions: BTreeSet<String>,
    /// Ready to be given away, so that a lookup is a lookup.
    account: Account<U>,
}

#[derive(Default)]
struct HeldGroup {
    title: String,
    permissions: BTreeSet<String>,
}

/// A row as a database would give it back.
#[derive(Clone)]
struct Values(Vec<Value>);

impl Row for Values {
    fn get(&self, index: usize, kind: Kind) -> Result<Value, FieldError> {
        match self.0.get(index) {
            Some(value) if value.kind() == kind => Ok(value.clone()),
            _ => Err("there is no such column".into()),
        }
    }
}

impl<U: UserModel> State<U> {
    pub(super) fn new() -> Self {
        let names = registry::entries::<PermissionEntry>();
        let permissions = names.into_iter().map(|permission| permission.name).collect();
        let mut groups = BTreeMap::<String, HeldGroup>::new();
        for group in registry::entries::<GroupEntry>() {
            let held = groups.entry(group.name.to_owned()).or_default();
            group.title.clone_into(&mut held.title);
            held.permissions.extend(group.permissions.iter().map(ToString::to_string));
        }
        Self { users: BTreeMap::new(), taken: HashMap::new(), groups, permissions, last_key: 0 }
    }

    pub(super) fn groups(&self) -> Vec<Group> {
        let group = |(name, held): (&String, &HeldGroup)| {
            Group::new(name, &held.title, held.permissions.iter().cloned().collect())
        };
        self.groups.iter().map(group).collect()
    }

    pub(super) fn create_group(&mut self, name: &str, title: &str) -> Result<(), UserError> {
        common::check_new_group(name, title)?;
        if self.groups.contains_key(name) {
            return Err(UserError::GroupExists(name.to_owned()));
        }
        let held = HeldGroup { title: title.to_owned(), permissions: BTreeSet::new() };
        self.groups.insert(name.to_owned(), held);
        Ok(())
    }

    pub(super) fn delete_group(&mut self, name: &str) -> Result<bool, UserError> {
        let there = self.groups.remove(name).is_some();
        if there {
            for held in self.users.values_mut().filter(|held| held.groups.contains(name)) {
                held.groups.remove(name);
                held.refresh(&self.groups)?;
            }
        }
        Ok(there)
    }

    pub(super) fn change_group(&mut self, name: &str, permission: &str, grant: bool) -> Result<bool, UserError> {
        self.known_permission(permission)?;
        let group = self.groups.get_mut(name).ok_or_else(|| common::unknown_group(name))?;
        let changed = change(&mut group.permissions, permission, grant);
        if changed {
            for held in self.users.values_mut().filter(|held| held.groups.contains(name)) {
                held.refresh(&self.groups)?;
            }
        }
        Ok(changed)
    }

    pub(super) fn find(&self, by: &UserLookup<'_, U::PrimaryKey>) -> Option<Account<U>> {
        let held = match by {
            UserLookup::Id(key) => self.users.get(key),
            UserLookup::Username(name) => self.only(Role::Username, name),
            UserLookup::Email(email) => self.only(Role::Email, email),
        };
        held.map(|held| held.account.clone())
    }

    fn only(&self, role: Role, text: &str) -> Option<&Held<U>> {
        let place = U::COLUMNS.iter().position(|column| column.is(role))?;
        if U::COLUMNS[place].unique {
            return self.users.get(self.taken.get(&(place, text.to_owned()))?);
        }
        let is_it = |held: &&Held<U>| matches!(&held.values.0[place], Value::Text(Some(t)) if t == text);
        let mut found = self.users.values().filter(is_it);
        found.next().filter(|_| found.next().is_none())
    }

    pub(super) fn create(&mut self, mut user: U) -> Result<U, UserError> {
        let next = self.last_key + 1;
        if U::PrimaryKey::GENERATED {
            let key = U::PrimaryKey::from_generated(next);
            user.set_primary_key(key.ok_or_else(|| key_error::<U>("no more keys"))?);
        } else if user.primary_key().is_nil() {
            let key = U::PrimaryKey::fresh();
            user.set_primary_key(key.ok_or_else(|| key_error::<U>("must be set"))?);
        }
        let values = Values(check_all(U::COLUMNS, user.values()?)?);
        let key = user.primary_key().clone();
        self.check_unique(&values, None)?;
        if self.users.contains_key(&key) {
            return Err(UserError::AlreadyExists { column: key_column::<U>() });
        }
        let (groups, permissions) = user.memberships();
        for group in groups {
            self.known_group(group)?;
        }
        for permission in permissions {
            self.known_permission(permission)?;
        }
        let (groups, permissions) = (groups.iter().cloned().collect(), permissions.iter().cloned().collect());
        let credential = common::new_credential_version();
        let held = Held::new(values, groups, permissions, credential, &self.groups)?;
        self.take(&held.values, &key);
        self.users.insert(key, held);
        self.last_key = next;
        // Written later, the struct must not bring this password back over another.
        user.set_password_hash(user.password_hash().stored());
        Ok(user)
    }

    pub(super) fn update(&mut self, user: &U, only: Option<&[&str]>) -> Result<(), UserError> {
        let known = |name: &&&str| U::COLUMNS.iter().any(|column| column.name == **name && !column.is(Role::Id));
        if let Some(name) = only.unwrap_or_default().iter().find(|name| !known(name)) {
            return Err(UserError::UnknownColumn((*name).chars().take(100).collect()));
        }
        let mut changes = Vec::new();
        for (place, value) in user.values()?.into_iter().enumerate() {
            let column = &U::COLUMNS[place];
            // A hash that was only read is not written: it may have been changed meanwhile.
            let stale = column.is(Role::Password) && !user.password_hash().is_changed();
            if !stale && common::is_written(column, only) {
                changes.push((place, check(column, value)?));
            }
        }
        let key = user.primary_key();
        let held = self.users.get(key).ok_or(UserError::NotFound)?;
        let ends_sessions = |(place, value): &(usize, Value)| {
            common::ends_sessions(&U::COLUMNS[*place]) && held.values.0[*place] != *value
        };
        let credential =
            if changes.iter().any(ends_sessions) { common::new_credential_version() } else { held.account.credential };
        self.write(key, changes, credential)
    }

    pub(super) fn set_password_hash(
        &mut self,
        key: &U::PrimaryKey,
        hash: &PasswordHash,
        change: PasswordChange<'_>,
    ) -> Result<bool, UserError> {
        let (place, column) =
            column::<U>(Role::Password).ok_or_else(|| UserError::UnknownColumn("password".to_owned()))?;
        let value = check(column, hash.to_value())?;
        let Some(held) = self.users.get(key) else { return Ok(false) };
        let credential = match change {
            PasswordChange::NewPassword => common::new_credential_version(),
            PasswordChange::Rehash(old) if held.account.user.password_hash() != old => {
                return Ok(false);
            }
            PasswordChange::Rehash(_) => held.account.credential,
        };
        self.write(key, vec![(place, value)], credential)?;
        Ok(true)
    }

    pub(super) fn set_last_login(&mut self, key: &U::PrimaryKey, time: DateTime<Utc>) -> Result<(), UserError> {
        let Some((place, column)) = column::<U>(Role::LastLogin) else { return Ok(()) };
        let value = check(column, Value::Time(Some(time)))?;
        let held = self.users.get(key).ok_or(UserError::NotFound)?;
        let credential = held.account.credential;
        self.write(key, vec![(place, value)], credential)
    }

    fn write(
        &mut self,
        key: &U::PrimaryKey,
        changes: Vec<(usize, Value)>,
        credential: CredentialVersion,
    ) -> Result<(), UserError> {
        let held = self.users.get(key).ok_or(UserError::NotFound)?;
        let mut values = held.values.clone();
        for (place, value) in changes {
            values.0[place] = value;
        }
        self.check_unique(&values, Some(key))?;
        let (groups, permissions) = (held.groups.clone(), held.permissions.clone());
        let next = Held::new(values, groups, permissions, credential, &self.groups)?;
        self.take(&next.values, key);
        if let Some(before) = self.users.insert(key.clone(), next) {
            self.leave(key, &before.values);
        }
        Ok(())
    }

    pub(super) fn delete(&mut self, key: &U::PrimaryKey) -> bool {
        let Some(held) = self.users.remove(key) else { return false };
        self.leave(key, &held.values);
        true
    }

    pub(super) fn list(&self, page: Page, wanted: impl Fn(&Held<U>) -> bool) -> Vec<U> {
        let part = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        self.users
            .values()
            .filter(|held| wanted(held))
            .skip(part(page.offset))
            .take(part(page.limit.min(1000)))
            .map(|held| U::clone(&held.account.user))
            .collect()
    }

    pub(super) fn with_permission(&self, permission: &str, page: Page) -> Vec<U> {
        if common::parts(permission).is_err() {
            return Vec::new();
        }
        self.list(page, |held| {
            let account = &held.account;
            account.user.is_active() && (account.user.is_superuser() || account.permissions.has_name(permission))
        })
    }

    pub(super) fn change_permissions(
        &mut self,
        key: &U::PrimaryKey,
        permission: &str,
        grant: bool,
    ) -> Result<bool, UserError> {
        self.known_permission(permission)?;
        let held = self.users.get_mut(key).ok_or(UserError::NotFound)?;
        let changed = change(&mut held.permissions, permission, grant);
        held.refresh(&self.groups)?;
        Ok(changed)
    }

    pub(super) fn change_groups(&mut self, key: &U::PrimaryKey, group: &str, add: bool) -> Result<bool, UserError> {
        self.known_group(group)?;
        let held = self.users.get_mut(key).ok_or(UserError::NotFound)?;
        let changed = change(&mut held.groups, group, add);
        held.refresh(&self.groups)?;
        Ok(changed)
    }

    fn known_permission(&self, name: &str) -> Result<(), UserError> {
        if self.permissions.contains(name) { Ok(()) } else { Err(common::unknown_permission(name)) }
    }

    fn known_group(&self, name: &str) -> Result<(), UserError> {
        if self.groups.contains_key(name) { Ok(()) } else { Err(common::unknown_group(name)) }
    }

    fn check_unique(&self, row: &Values, except: Option<&U::PrimaryKey>) -> Result<(), UserError> {
        for (place, text) in unique::<U>(row) {
            if self.taken.get(&(place, text)).is_some_and(|owner| Some(owner) != except) {
                return Err(UserError::AlreadyExists { column: U::COLUMNS[place].name });
            }
        }
        Ok(())
    }

    fn take(&mut self, row: &Values, key: &U::PrimaryKey) {
        self.taken.extend(unique::<U>(row).map(|entry| (entry, key.clone())));
    }

    /// Frees the values that the user does not have any more.
    fn leave(&mut self, key: &U::PrimaryKey, before: &Values) {
        let now: Vec<_> = self.users.get(key).map(|held| unique::<U>(&held.values).collect()).unwrap_or_default();
        for entry in unique::<U>(before).filter(|entry| !now.contains(entry)) {
            self.taken.remove(&entry);
        }
    }
}

impl<U: UserModel> Held<U> {
    fn new(
        values: Values,
        groups: BTreeSet<String>,
        permissions: BTreeSet<String>,
        credential: CredentialVersion,
        all: &BTreeMap<String, HeldGroup>,
    ) -> Result<Self, UserError> {
        let mut user = U::from_row(&values)?;
        user.set_memberships(groups.iter().cloned().collect(), permissions.iter().cloned().collect());
        let of_groups = groups.iter().filter_map(|name| all.get(name));
        let held = permissions.iter().chain(of_groups.flat_map(|group| &group.permissions));
        let account = Account::new(user, PermissionSet::of(held), credential);
        Ok(Self { values, groups, permissions, account })
    }

    /// Works out again what the user holds.
    fn refresh(&mut self, all: &BTreeMap<String, HeldGroup>) -> Result<(), UserError> {
        let (groups, permissions) = (self.groups.clone(), self.permissions.clone());
        *self = Self::new(self.values.clone(), groups, permissions, self.account.credential, all)?;
        Ok(())
    }
}

fn change(set: &mut BTreeSet<String>, name: &str, add: bool) -> bool {
    if add { set.insert(name.to_owned()) } else { set.remove(name) }
}

/// The values of unique columns; any number of rows may have NULL there.
fn unique<U: UserModel>(row: &Values) -> impl Iterator<Item = (usize, String)> {
    let values = U::COLUMNS.iter().zip(&row.0).enumerate();
    values.filter(|(_, (column, value))| column.unique && !value.is_null()).map(|(place, (_, value))| match value {
        Value::Text(Some(text)) => (place, text.clone()),
        value => (place, format!("{value:?}")),
    })
}

fn column<U: UserModel>(role: Role) -> Option<(usize, &'static Column)> {
    U::COLUMNS.iter().enumerate().find(|(_, column)| column.is(role))
}

fn key_column<U: UserModel>() -> &'static str {
    U::column_of(Role::Id).map_or("id", |column| column.name)
}

fn key_error<U: UserModel>(reason: &'static str) -> UserError {
    ColumnError::new(key_column::<U>(), reason).into()
}
