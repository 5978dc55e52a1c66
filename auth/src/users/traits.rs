use std::fmt;
use std::hash::Hash;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;
use uuid::Uuid;

use crate::database::{Field, Model};
use crate::passwords::{PasswordError, PasswordHash, PasswordHasher};
use crate::permissions::{GroupEntry, PermissionSet};
use crate::registry;

/// What can be asked of anybody, signed in or not.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a user",
    note = "write `#[derive(User)]` on `{Self}`, or implement `auth::User` by hand"
)]
pub trait User: Send + Sync + 'static {
    /// The primary key as text: opaque, permanent, never given to anybody else.
    fn id(&self) -> String;

    /// What the user logs in with.
    fn username(&self) -> &str;

    /// The same, by Django's name.
    fn get_username(&self) -> &str {
        self.username()
    }

    /// Whether this is somebody. Only [`AnonymousUser`](super::AnonymousUser) says no.
    fn is_authenticated(&self) -> bool {
        true
    }

    /// Whether the account is in use. An inactive user cannot log in and holds no permission.
    fn is_active(&self) -> bool;

    /// Whether the user may enter the administration (Django's `is_staff`).
    fn is_admin(&self) -> bool {
        false
    }

    /// Whether the user has every permission.
    fn is_superuser(&self) -> bool {
        false
    }
}

/// A user with a password: Django's `AbstractBaseUser`.
///
/// Hashing here is synchronous and takes about ten milliseconds, as in Django: for scripts and tests. Whatever
/// serves requests calls `UserManager::set_password` and `Auth::log_in`, which do the work elsewhere.
pub trait BaseUser: User {
    /// The type of the primary key.
    type PrimaryKey: PrimaryKey;
    /// How new passwords are hashed.
    type Hasher: PasswordHasher + Default;

    /// The name of the field that the user logs in with.
    fn get_username_field() -> &'static str;

    /// The primary key.
    fn primary_key(&self) -> &Self::PrimaryKey;

    /// The password's hash.
    fn password_hash(&self) -> &PasswordHash;

    /// Takes another hash.
    fn set_password_hash(&mut self, hash: PasswordHash);

    /// When the user last logged in.
    fn last_login(&self) -> Option<DateTime<Utc>>;

    /// Notes a login.
    fn set_last_login(&mut self, time: DateTime<Utc>);

    /// Hashes the password and keeps the hash. Does not ask the validators and writes nothing to a store.
    ///
    /// # Errors
    /// [`PasswordError`] when the password is too long to be hashed.
    fn set_password(&mut self, password: &str) -> Result<(), PasswordError> {
        self.set_password_hash(Self::Hasher::default().hash(password)?);
        Ok(())
    }

    /// Whether this is the user's password. Unusable and damaged hashes verify nothing.
    ///
    /// # Errors
    /// [`PasswordError`] when the check could not be made.
    fn check_password(&self, password: &str) -> Result<bool, PasswordError> {
        if self.has_usable_password() {
            Self::Hasher::default().verify(password, self.password_hash())
        } else {
            Ok(false)
        }
    }

    /// Takes the password away: nobody can log in with one until another is set.
    fn set_unusable_password(&mut self) {
        self.set_password_hash(PasswordHash::unusable());
    }

    /// Whether there is a password at all.
    fn has_usable_password(&self) -> bool {
        self.password_hash().is_usable()
    }

    /// Django's session authentication hash: HMAC-SHA256 of the password column under `key`, in hex.
    ///
    /// Kept for applications beside Django. This framework's own sessions are tied to a credential version instead,
    /// so that a re-hash of the same password ends no session.
    fn get_session_auth_hash(&self, key: &[u8]) -> String {
        const SALT: &str = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash";
        let key = Sha256::new().chain_update(SALT).chain_update(key).finalize();
        let mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes a key of any length");
        let tag = mac.chain_update(self.password_hash().expose()).finalize().into_bytes();
        let digit = |nibble: u8| char::from_digit(nibble.into(), 16).expect("half a byte is one hexadecimal digit");
        tag.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }

    /// The one form of a name that is stored, looked up and limited by: Unicode NFKC.
    ///
    /// Where the name is a mail address, the derive also writes it in small letters.
    fn normalize_username(username: &str) -> String {
        username.nfkc().collect()
    }
}

/// A user with a name and an address: Django's `AbstractUser`.
pub trait FullUser: BaseUser {
    /// The mail address.
    fn email(&self) -> &str;
    /// The first name.
    fn first_name(&self) -> &str;
    /// The last name.
    fn last_name(&self) -> &str;
    /// When the account was made.
    fn date_joined(&self) -> DateTime<Utc>;

    /// Whether the user may enter the administration: [`User::is_admin`] by Django's name.
    fn is_staff(&self) -> bool {
        self.is_admin()
    }

    /// First and last name with a space between, or what there is of them.
    fn get_full_name(&self) -> String {
        format!("{} {}", self.first_name(), self.last_name()).trim().to_owned()
    }

    /// The first name.
    fn get_short_name(&self) -> &str {
        self.first_name()
    }
}

/// What a user struct knows of its own permissions: Django's `PermissionsMixin`.
///
/// It answers from the struct's fields and from the groups declared with `groups!`, so it can be asked without a
/// database. It cannot know of a group changed in the database or of a permission revoked since the struct was
/// read; `CurrentUser` does, and is what guards ask.
pub trait PermissionsMixin: User {
    /// The permissions the user holds directly.
    fn user_permissions(&self) -> &[String];

    /// The names of the user's groups.
    fn groups(&self) -> &[String];

    /// The permissions held directly; none for an inactive user.
    fn get_user_permissions(&self) -> PermissionSet {
        if self.is_active() { PermissionSet::of(self.user_permissions()) } else { PermissionSet::default() }
    }

    /// The permissions held through groups declared in code; none for an inactive user.
    fn get_group_permissions(&self) -> PermissionSet {
        if !self.is_active() {
            return PermissionSet::default();
        }
        let mine = |group: &&GroupEntry| self.groups().iter().any(|name| name == group.name);
        PermissionSet::of(
            registry::entries::<GroupEntry>().into_iter().filter(mine).flat_map(|group| group.permissions),
        )
    }

    /// All of them: everything for an active superuser, nothing for an inactive user.
    fn get_all_permissions(&self) -> PermissionSet {
        if !self.is_active() {
            return PermissionSet::default();
        }
        if self.is_superuser() {
            return PermissionSet::everything();
        }
        let (direct, group) = (self.get_user_permissions(), self.get_group_permissions());
        PermissionSet::of(direct.names().chain(group.names()))
    }

    /// Whether the user holds the permission of that name.
    fn has_perm(&self, name: &str) -> bool {
        self.get_all_permissions().has_name(name)
    }

    /// Whether the user holds all of them. An empty list is held by nobody: it asks for nothing that could be granted.
    fn has_perms(&self, names: &[&str]) -> bool {
        let held = self.get_all_permissions();
        !names.is_empty() && names.iter().all(|name| held.has_name(name))
    }

    /// Whether the user holds any permission of that application.
    fn has_module_perms(&self, app_label: &str) -> bool {
        self.get_all_permissions().has_module(app_label)
    }
}

/// The type of a primary key: `Uuid`, `i32`, `i64` or `String`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a user's primary key",
    note = "take `Uuid` (made by us), `i64` or `i32` (made by the database), or `String` (made by the application)"
)]
pub trait PrimaryKey:
    Field + Clone + Eq + Hash + Ord + fmt::Debug + fmt::Display + FromStr + Send + Sync + 'static
{
    /// Whether the database gives it, so that the value in a new struct does not count.
    const GENERATED: bool = false;

    /// A new key, where we make it: given to a new user whose key is nil.
    fn fresh() -> Option<Self> {
        None
    }

    /// Whether it stands for no key yet.
    fn is_nil(&self) -> bool;

    /// The key that the database gave.
    #[doc(hidden)]
    fn from_generated(_: i64) -> Option<Self> {
        None
    }
}

impl PrimaryKey for Uuid {
    fn fresh() -> Option<Self> {
        Some(Self::new_v4())
    }

    fn is_nil(&self) -> bool {
        Self::is_nil(self)
    }
}

impl PrimaryKey for i64 {
    const GENERATED: bool = true;

    fn is_nil(&self) -> bool {
        *self == 0
    }

    fn from_generated(key: i64) -> Option<Self> {
        Some(key)
    }
}

impl PrimaryKey for i32 {
    const GENERATED: bool = true;

    fn is_nil(&self) -> bool {
        *self == 0
    }

    fn from_generated(key: i64) -> Option<Self> {
        key.try_into().ok()
    }
}

impl PrimaryKey for String {
    fn is_nil(&self) -> bool {
        self.is_empty()
    }
}

/// A user that a store can keep; `#[derive(User)]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a user that a store can keep",
    note = "write `#[derive(User, Clone)]` on `{Self}`"
)]
pub trait UserModel: BaseUser + Model + Clone {
    /// Takes the key that the store gave.
    fn set_primary_key(&mut self, key: Self::PrimaryKey);

    /// Takes a canonical name: [`BaseUser::normalize_username`] of what it was given.
    fn set_username(&mut self, username: String);

    /// The names of groups and of direct permissions that the struct holds, if it has the fields.
    fn memberships(&self) -> (&[String], &[String]) {
        (&[], &[])
    }

    /// Takes what the store knows of groups and direct permissions, into the fields that the struct has.
    fn set_memberships(&mut self, groups: Vec<String>, permissions: Vec<String>) {
        let _ = (groups, permissions);
    }
}
