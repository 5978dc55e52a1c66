use std::fmt;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization as _;

use super::new_user::{Extra, NewUser, build};
use super::{
    Account, DefaultUser, Group, InMemoryUserStore, Page, PasswordChange, UserError, UserLookup, UserModel, UserStore,
    username,
};
use crate::clock::{Clock, SystemClock};
use crate::database::{ColumnError, Role};
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
        let username = U::normalize_username(username);
        Ok(self.store.find(UserLookup::Username(&username)).await?.map(into_user))
    }

    /// The user with that mail address; none where several have it.
    pub async fn get_by_email(&self, email: &str) -> Result<Option<U>, UserError> {
        Ok(self.store.find(UserLookup::Email(&Self::canonical_email(email))).await?.map(into_user))
    }

    /// The user with that key, and everything the user holds now.
    pub async fn find_by_id(&self, id: &U::PrimaryKey) -> Result<Option<Account<U>>, UserError> {
        self.store.find(UserLookup::Id(id)).await
    }

    /// The same by the key's text. What is no key is nobody's.
    pub async fn find_by_id_text(&self, id: &str) -> Result<Option<Account<U>>, UserError> {
        let Some(id) = id.parse().ok() else { return Ok(None) };
        self.find_by_id(&id).await
    }

    /// The user whom somebody means who typed this to log in: a name, else a mail address.
    pub async fn find_by_login(&self, login: &str) -> Result<Option<Account<U>>, UserError> {
        let username = U::normalize_username(login);
        let found = self.store.find(UserLookup::Username(&username)).await?;
        let by_email = U::column_of(Role::Email).is_some_and(|column| !column.is(Role::Username));
        if found.is_some() || !by_email || !login.contains('@') {
            return Ok(found);
        }
        self.store.find(UserLookup::Email(&Self::canonical_email(login))).await
    }

    /// Writes all columns of that user. Groups and permissions are changed by granting and revoking only; a password
    /// only where the struct's was set since it was read.
    pub async fn update(&self, user: &U) -> Result<(), UserError> {
        self.store.update(user, None).await
    }

    /// Writes only these columns of that user.
    pub async fn update_columns(&self, user: &U, columns: &[&str]) -> Result<(), UserError> {
        self.store.update(user, Some(columns)).await
    }

    /// Sets another password, which ends every session of the user.
    ///
    /// # Errors
    /// [`UserError::WeakPassword`], [`UserError::NotFound`]
    pub async fn set_password(&self, id: &U::PrimaryKey, password: &str) -> Result<(), UserError> {
        let user = self.get_by_id(id).await?.ok_or(UserError::NotFound)?;
        let hash = self.new_hash(password, &PasswordContext::new().field("username", user.username())).await?;
        if self.store.set_password_hash(id, &hash, PasswordChange::NewPassword).await? {
            Ok(())
        } else {
            Err(UserError::NotFound)
        }
    }

    /// Removes the user with all memberships. Says whether there was one.
    pub async fn delete(&self, id: &U::PrimaryKey) -> Result<bool, UserError> {
        self.store.delete(id).await
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
        tracing::info!(user = %id, permission, changed, "permission granted");
        Ok(changed)
    }

    /// Takes the permission of that name from the user.
    ///
    /// # Errors
    /// [`UserError::UnknownPermission`], [`UserError::NotFound`]
    pub async fn revoke_named(&self, id: &U::PrimaryKey, permission: &str) -> Result<bool, UserError> {
        let changed = self.store.revoke(id, permission).await?;
        tracing::info!(user = %id, permission, changed, "permission revoked");
        Ok(changed)
    }

    /// Puts the user into a group. Says whether that changed anything.
    ///
    /// # Errors
    /// [`UserError::UnknownGroup`], [`UserError::NotFound`]
    pub async fn add_to_group(&self, id: &U::PrimaryKey, group: &str) -> Result<bool, UserError> {
        let changed = self.store.add_to_group(id, group).await?;
        tracing::info!(user = %id, group, changed, "added to a group");
        Ok(changed)
    }

    /// Takes the user out of a group, from the next request on. Says whether that changed anything.
    ///
    /// # Errors
    /// [`UserError::UnknownGroup`], [`UserError::NotFound`]
    pub async fn remove_from_group(&self, id: &U::PrimaryKey, group: &str) -> Result<bool, UserError> {
        let changed = self.store.remove_from_group(id, group).await?;
        tracing::info!(user = %id, group, changed, "removed from a group");
        Ok(changed)
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
        let hash = match password {
            Some(password) => {
                let texts = extra.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
                let context = PasswordContext::new().field("username", &username);
                let context = texts.fold(context, |context, (name, value)| context.field(name, value));
                self.new_hash(password, &context).await?
            }
            None => PasswordHash::unusable(),
        };
        self.store.create(build(&username, hash, canonical_emails::<U>(extra)?, how, self.clock.now())?).await
    }

    async fn new_hash(&self, password: &str, context: &PasswordContext<'_>) -> Result<PasswordHash, UserError> {
        self.passwords.validate(password, context).map_err(UserError::WeakPassword)?;
        Ok(self.passwords.hash(&SecretString::from(password)).await?)
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
        Self { store: self.store.clone(), passwords: self.passwords.clone(), clock: self.clock.clone() }
    }
}

impl<U: UserModel> fmt::Debug for UserManager<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserManager").field("store", &self.store).finish_non_exhaustive()
    }
}
