use std::fmt;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization as _;

use super::new_user::{Extra, NewUser, build};
use super::stores::common;
use super::{
    Account, DefaultUser, Group, InMemoryUserStore, Page, PasswordChange, UserError, UserLookup, UserModel, UserStore,
    username,
};
use crate::audit::{Audit, AuditAction, Origin};
use crate::clock::{Clock, SystemClock};
use crate::database::{ColumnError, Role, Value};
use crate::passwords::{PasswordContext, PasswordHash, PasswordHashers, Passwords};
use crate::permissions::DeclaredPermission;
use crate::secret::SecretString;

/// Makes users: Django's `BaseUserManager`.
pub trait BaseUserManager: Send + Sync {
    /// The user's struct.
    type User;

    /// Makes a user with this name, in canonical form, and password; without one, nobody can log in until one is set.
    /// `extra` gives further columns; the others get the default of their kind.
    ///
    /// # Errors
    /// [`UserError::AlreadyExists`] when the name is taken, [`UserError::WeakPassword`] with everything that is wrong
    /// with the password, [`UserError::UnknownColumn`], [`UserError::Invalid`]
    fn create_user(
        &self,
        username: &str,
        password: Option<&str>,
        extra: Extra,
    ) -> impl Future<Output = Result<Self::User, UserError>> + Send;

    /// Makes a user who is staff and has every permission.
    ///
    /// # Errors
    /// As for [`BaseUserManager::create_user`].
    fn create_superuser(
        &self,
        username: &str,
        password: Option<&str>,
        extra: Extra,
    ) -> impl Future<Output = Result<Self::User, UserError>> + Send;

    /// Writes an address's domain in small letters, as Django does.
    fn normalize_email(email: &str) -> String {
        match email.trim().rsplit_once('@') {
            Some((name, domain)) => format!("{name}@{}", domain.to_lowercase()),
            None => email.trim().to_owned(),
        }
    }
}

/// The users of an application, over any store. Cloning is cheap.
///
/// Names are brought to their canonical form on every way in.
pub struct UserManager<U: UserModel> {
    store: Arc<dyn UserStore<U>>,
    passwords: Passwords,
    clock: Arc<dyn Clock>,
    audit: Audit,
}

/// Users of the ready-made type; `DefaultUserManager::in_memory()` is for tests and prototypes.
pub type DefaultUserManager = UserManager<DefaultUser>;

impl<U: UserModel> UserManager<U> {
    /// The users in this store.
    pub fn over(store: Arc<dyn UserStore<U>>) -> Self {
        Self {
            store,
            passwords: Passwords::new(PasswordHashers::new(U::Hasher::default())),
            clock: Arc::new(SystemClock),
            audit: Audit::new(),
        }
    }

    /// Users who are gone with the process.
    pub fn in_memory() -> Self {
        Self::over(Arc::new(InMemoryUserStore::new()))
    }

    /// Hashes and judges passwords like this.
    #[must_use]
    pub fn with_passwords(self, passwords: Passwords) -> Self {
        Self { passwords, ..self }
    }

    /// Goes by this clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Tells this of every change; `tracing` alone, if nothing is said. Changes that are made in the store itself are not told.
    #[must_use]
    pub fn with_audit(self, audit: Audit) -> Self {
        Self { audit, ..self }
    }

    /// What its changes are told to.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// The same users, for changes that this administrator makes from there: `users.by(Origin::source(ip).by("7"))`.
    #[must_use]
    pub fn by(&self, origin: Origin) -> Self {
        Self { audit: self.audit.from(origin), ..self.clone() }
    }

    /// The store below.
    pub fn store(&self) -> &Arc<dyn UserStore<U>> {
        &self.store
    }

    /// How passwords are hashed and judged.
    pub fn passwords(&self) -> &Passwords {
        &self.passwords
    }

    /// The user with that key.
    ///
    /// # Errors
    /// When the store fails; so with every method here.
    pub async fn get_by_id(&self, id: &U::PrimaryKey) -> Result<Option<U>, UserError> {
        Ok(self.find_by_id(id).await?.map(into_user))
    }

    /// The user with that name.
    pub async fn get_by_username(&self, username: &str) -> Result<Option<U>, UserError> {
        Ok(self.find_by_username(username).await?.map(into_user))
    }

    /// The user with that mail address; none where several have it.
    pub async fn get_by_email(&self, email: &str) -> Result<Option<U>, UserError> {
        Ok(self.store.find(UserLookup::Email(&Self::canonical_email(email))).await?.map(into_user))
    }

    /// The user with that key, and everything the user holds now.
    pub async fn find_by_id(&self, id: &U::PrimaryKey) -> Result<Option<Account<U>>, UserError> {
        self.store.find(UserLookup::Id(id)).await
    }

    /// The user with that name, and everything the user holds now.
    pub async fn find_by_username(&self, username: &str) -> Result<Option<Account<U>>, UserError> {
        self.store.find(UserLookup::Username(&U::normalize_username(username))).await
    }

    /// The same by the key's text. What is no key is nobody's.
    pub async fn find_by_id_text(&self, id: &str) -> Result<Option<Account<U>>, UserError> {
        let Some(id) = id.parse().ok() else { return Ok(None) };
        self.find_by_id(&id).await
    }

    /// The user of the key of that text about whom `holds` is so, read recently ([`UserStore::find_recent`]). Before anybody is
    /// refused, the user is read as it is now.
    pub(crate) async fn find_recent<T>(
        &self,
        id: &str,
        holds: impl Fn(Account<U>) -> Option<T>,
    ) -> Result<Option<T>, UserError> {
        let Some(id) = id.parse().ok() else { return Ok(None) };
        match self.store.find_recent(&id).await?.and_then(&holds) {
            None => Ok(self.find_by_id(&id).await?.and_then(&holds)),
            found => Ok(found),
        }
    }

    /// The user whom somebody means who typed this to log in: with an @ a mail address, else a name.
    pub async fn find_by_login(&self, login: &str) -> Result<Option<Account<U>>, UserError> {
        let has_addresses = U::column_of(Role::Email).is_some_and(|column| !column.is(Role::Username));
        if has_addresses && login.contains('@') {
            let found = self.store.find(UserLookup::Email(&Self::canonical_email(login))).await?;
            if found.is_some() {
                return Ok(found);
            }
        }
        self.store.find(UserLookup::Username(&U::normalize_username(login))).await
    }

    /// The user's mail address, if there is one.
    pub fn email_of(user: &U) -> Result<Option<String>, UserError> {
        Ok(text_of(user, Role::Email)?.filter(|email| !email.is_empty()))
    }

    /// The one form by which tries to log in with this are counted, whether there is such a user or not.
    pub(crate) fn canonical_login(login: &str) -> String {
        let login = if login.contains('@') { Self::canonical_email(login) } else { login.to_owned() };
        U::normalize_username(&login)
    }

    /// Writes what the struct says of the user, but not what may have been changed since it was read: active, staff,
    /// superuser and the last login are written by [`UserManager::update_columns`] only, groups and permissions by
    /// granting and revoking. A password is written where the struct's was set since it was read, and ends every session.
    ///
    /// # Errors
    /// [`UserError::NotFound`], [`UserError::AlreadyExists`], [`UserError::Invalid`]
    pub async fn update(&self, user: &U) -> Result<(), UserError> {
        let (user, before) = self.renamed(user).await?;
        self.store.update(&user, None).await?;
        self.changed(&user, &other_columns(&*before, &user)?).await;
        Ok(())
    }

    /// Writes only these columns of that user.
    pub async fn update_columns(&self, user: &U, columns: &[&str]) -> Result<(), UserError> {
        let names = [Role::Username, Role::Email].map(column_name::<U>);
        if columns.iter().any(|column| names.contains(column)) {
            self.store.update(&self.renamed(user).await?.0, Some(columns)).await?;
        } else {
            self.store.update(user, Some(columns)).await?;
        }
        self.changed(user, columns).await;
        Ok(())
    }

    /// Sets another password, which ends every session of the user.
    ///
    /// # Errors
    /// [`UserError::WeakPassword`], [`UserError::NotFound`]
    pub async fn set_password(&self, id: &U::PrimaryKey, password: &str) -> Result<(), UserError> {
        let user = self.get_by_id(id).await?.ok_or(UserError::NotFound)?;
        let hash = self.new_hash(password, &user).await?;
        if self.store.set_password_hash(id, &hash, PasswordChange::NewPassword).await? {
            self.audit.record(AuditAction::PasswordChanged, Some(&id.to_string())).await;
            Ok(())
        } else {
            Err(UserError::NotFound)
        }
    }

    /// Removes the user with all memberships. Says whether there was one.
    pub async fn delete(&self, id: &U::PrimaryKey) -> Result<bool, UserError> {
        let deleted = self.store.delete(id).await?;
        self.told(deleted, id, || AuditAction::UserDeleted).await
    }

    /// Users in the order of their keys.
    pub async fn list(&self, page: Page) -> Result<Vec<U>, UserError> {
        self.store.list(page).await
    }

    /// The active users who hold a permission, directly, through a group, or as superusers.
    pub async fn with_permission<P: DeclaredPermission>(&self, page: Page) -> Result<Vec<U>, UserError> {
        self.store.with_permission(P::NAME, page).await
    }

    /// Gives the user a permission: `users.grant::<permissions::blog::publish_post>(&id)`. Says whether that changed anything.
    pub async fn grant<P: DeclaredPermission>(&self, id: &U::PrimaryKey) -> Result<bool, UserError> {
        self.grant_named(id, P::NAME).await
    }

    /// Takes a permission from the user, from the next request on. Says whether that changed anything.
    pub async fn revoke<P: DeclaredPermission>(&self, id: &U::PrimaryKey) -> Result<bool, UserError> {
        self.revoke_named(id, P::NAME).await
    }

    /// Gives the user the permission of that name.
    ///
    /// # Errors
    /// [`UserError::UnknownPermission`], [`UserError::NotFound`]
    pub async fn grant_named(&self, id: &U::PrimaryKey, permission: &str) -> Result<bool, UserError> {
        let changed = self.store.grant(id, permission).await?;
        self.told(changed, id, || AuditAction::PermissionGranted { permission: permission.to_owned().into() }).await
    }

    /// Takes the permission of that name from the user.
    ///
    /// # Errors
    /// [`UserError::UnknownPermission`], [`UserError::NotFound`]
    pub async fn revoke_named(&self, id: &U::PrimaryKey, permission: &str) -> Result<bool, UserError> {
        let changed = self.store.revoke(id, permission).await?;
        self.told(changed, id, || AuditAction::PermissionRevoked { permission: permission.to_owned().into() }).await
    }

    /// Puts the user into a group. Says whether that changed anything.
    ///
    /// # Errors
    /// [`UserError::UnknownGroup`], [`UserError::NotFound`]
    pub async fn add_to_group(&self, id: &U::PrimaryKey, group: &str) -> Result<bool, UserError> {
        let changed = self.store.add_to_group(id, group).await?;
        self.told(changed, id, || AuditAction::GroupJoined { group: group.to_owned().into() }).await
    }

    /// Takes the user out of a group, from the next request on. Says whether that changed anything.
    ///
    /// # Errors
    /// [`UserError::UnknownGroup`], [`UserError::NotFound`]
    pub async fn remove_from_group(&self, id: &U::PrimaryKey, group: &str) -> Result<bool, UserError> {
        let changed = self.store.remove_from_group(id, group).await?;
        self.told(changed, id, || AuditAction::GroupLeft { group: group.to_owned().into() }).await
    }

    /// All groups, sorted by name. Make and change them with the [`GroupStore`](super::GroupStore) methods of [`UserManager::store`].
    pub async fn groups(&self) -> Result<Vec<Group>, UserError> {
        self.store.groups().await
    }

    /// Makes a user of what a stranger sent: in `extra` only columns marked `#[user(editable)]` are accepted.
    ///
    /// # Errors
    /// As for [`BaseUserManager::create_user`].
    pub async fn register(&self, username: &str, password: &str, extra: Extra) -> Result<U, UserError> {
        self.create(username, Some(password), extra, NewUser::Registered).await
    }

    async fn create(&self, username: &str, password: Option<&str>, extra: Extra, how: NewUser) -> Result<U, UserError> {
        let username = U::normalize_username(username);
        username::check::<U>(&username)?;
        // What is cheap comes first: the fields, whether the name is free, and only then the password.
        let mut user: U = build(&username, canonical_emails::<U>(extra)?, how, self.clock.now())?;
        if self.store.find(UserLookup::Username(&username)).await?.is_some() {
            return Err(UserError::AlreadyExists { column: column_name::<U>(Role::Username) });
        }
        if how == NewUser::Registered {
            self.check_address_is_free(&user).await?;
        }
        user.set_password_hash(match password {
            Some(password) => self.new_hash(password, &user).await?,
            None => PasswordHash::unusable(),
        });
        let user = self.store.create(user).await?;
        self.audit.record(AuditAction::UserCreated, Some(&user.id())).await;
        Ok(user)
    }

    /// Passes on whether something changed, and tells of it if it did.
    async fn told(
        &self,
        changed: bool,
        id: &U::PrimaryKey,
        action: impl FnOnce() -> AuditAction,
    ) -> Result<bool, UserError> {
        if changed {
            self.audit.record(action(), Some(&id.to_string())).await;
        }
        Ok(changed)
    }

    /// Tells which columns were written; of the password's only where the struct has another one than was read.
    async fn changed(&self, user: &U, columns: &[&str]) {
        let id = user.id();
        let password = column_name::<U>(Role::Password);
        let others: Vec<_> = columns.iter().copied().filter(|column| *column != password).collect();
        if !others.is_empty() {
            self.audit.record(AuditAction::UserChanged { columns: others.join(", ").into() }, Some(&id)).await;
        }
        if columns.contains(&password) && user.password_hash().is_changed() {
            self.audit.record(AuditAction::PasswordChanged, Some(&id)).await;
        }
    }

    /// Whoever has an address logs in with it, so a stranger cannot take one that somebody has.
    async fn check_address_is_free(&self, user: &U) -> Result<(), UserError> {
        let Some(email) = Self::email_of(user)? else { return Ok(()) };
        match self.store.find(UserLookup::Email(&email)).await? {
            Some(_) => Err(UserError::AlreadyExists { column: column_name::<U>(Role::Email) }),
            None => Ok(()),
        }
    }

    /// A user's new name is brought to its canonical form; name and address are judged where they are other than before.
    /// Gives back also the user as stored until now.
    async fn renamed(&self, user: &U) -> Result<(U, Arc<U>), UserError> {
        let before = self.find_by_id(user.primary_key()).await?.ok_or(UserError::NotFound)?;
        let mut user = user.clone();
        if before.user.username() != user.username() {
            let username = U::normalize_username(user.username());
            username::check::<U>(&username)?;
            user.set_username(username);
        }
        let email = text_of(&user, Role::Email)?;
        if let Some(email) = email.filter(|email| !email.is_empty())
            && text_of(&*before.user, Role::Email)?.as_ref() != Some(&email)
            && (Self::canonical_email(&email) != email || !username::is_address(&email))
        {
            let text = "is not a mail address in canonical form: see `normalize_email`";
            return Err(ColumnError::new(column_name::<U>(Role::Email), text).into());
        }
        Ok((user, before.user))
    }

    async fn new_hash(&self, password: &str, user: &U) -> Result<PasswordHash, UserError> {
        let values = user.values()?;
        let texts = U::COLUMNS.iter().zip(&values).filter_map(|(column, value)| match value {
            Value::Text(Some(text)) if !column.is(Role::Password) => Some((column.name, text.as_str())),
            _ => None,
        });
        let context = texts.fold(PasswordContext::new(), |context, (name, text)| context.field(name, text));
        let password = SecretString::from(password);
        self.passwords.validate(&password, &context).await?.map_err(UserError::WeakPassword)?;
        Ok(self.passwords.hash(&password).await?)
    }

    /// Where the address is the name, it has the name's canonical form.
    fn canonical_email(email: &str) -> String {
        match U::column_of(Role::Email) {
            Some(column) if column.is(Role::Username) => U::normalize_username(email),
            _ => Self::normalize_email(&email.nfkc().collect::<String>()),
        }
    }
}

/// An address is normalised first and judged after that.
fn canonical_emails<U: UserModel>(mut extra: Extra) -> Result<Extra, UserError> {
    let Some(column) = U::column_of(Role::Email) else { return Ok(extra) };
    if let Some(serde_json::Value::String(email)) = extra.get_mut(column.name)
        && !email.is_empty()
    {
        *email = UserManager::<U>::canonical_email(email);
        if !username::is_address(email) {
            return Err(ColumnError::new(column.name, "is not a mail address").into());
        }
    }
    Ok(extra)
}

/// The name of the column with that role; of none, the empty name, which no column has.
fn column_name<U: UserModel>(role: Role) -> &'static str {
    U::column_of(role).map_or("", |column| column.name)
}

/// The columns of which an update of the whole user writes another value.
fn other_columns<U: UserModel>(before: &U, after: &U) -> Result<Vec<&'static str>, ColumnError> {
    let (before, after) = (before.values()?, after.values()?);
    let pairs = U::COLUMNS.iter().zip(before.iter().zip(&after));
    let other = pairs.filter(|(column, (before, after))| before != after && common::is_written(column, None));
    Ok(other.map(|(column, _)| column.name).collect())
}

/// The text in the column with that role.
fn text_of<U: UserModel>(user: &U, role: Role) -> Result<Option<String>, ColumnError> {
    let Some(index) = U::COLUMNS.iter().position(|column| column.is(role)) else { return Ok(None) };
    match user.values()?.swap_remove(index) {
        Value::Text(text) => Ok(text),
        _ => Ok(None),
    }
}

fn into_user<U: Clone>(account: Account<U>) -> U {
    Arc::unwrap_or_clone(account.user)
}

impl<U: UserModel> BaseUserManager for UserManager<U> {
    type User = U;

    async fn create_user(&self, username: &str, password: Option<&str>, extra: Extra) -> Result<U, UserError> {
        self.create(username, password, extra, NewUser::Ordinary).await
    }

    async fn create_superuser(&self, username: &str, password: Option<&str>, extra: Extra) -> Result<U, UserError> {
        self.create(username, password, extra, NewUser::Superuser).await
    }
}

impl<U: UserModel> Clone for UserManager<U> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            passwords: self.passwords.clone(),
            clock: self.clock.clone(),
            audit: self.audit.clone(),
        }
    }
}

impl<U: UserModel> fmt::Debug for UserManager<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserManager").field("store", &self.store).finish_non_exhaustive()
    }
}
