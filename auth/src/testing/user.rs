use chrono::{DateTime, Utc};

use crate::database::{Column, ColumnError, Field as _, Model, Role, Row, Value, column, read};
use crate::passwords::{Argon2Hasher, PasswordHash};
use crate::users::{BaseUser, PermissionsMixin, User, UserModel};

/// The user that the suites keep in stores: every role that a store knows of, and a unique column that may be NULL.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "tests make one field by field")]
pub struct TestUser {
    /// The primary key, given by the store.
    pub id: i64,
    /// What the user logs in with.
    pub username: String,
    /// The mail address. Several users may have the same.
    pub email: String,
    /// The password's hash.
    pub password_hash: PasswordHash,
    /// When the user last logged in.
    pub last_login: Option<DateTime<Utc>>,
    /// Whether the account is in use.
    pub is_active: bool,
    /// Whether the user has every permission.
    pub is_superuser: bool,
    /// Unique among those who have one.
    pub badge: Option<i32>,
    /// Text of any length.
    pub about: String,
    /// The names of the user's groups.
    pub groups: Vec<String>,
    /// The permissions held directly.
    pub user_permissions: Vec<String>,
}

impl TestUser {
    /// An active user of that name, with nothing else.
    pub fn named(username: &str) -> Self {
        Self {
            id: 0,
            username: username.to_owned(),
            email: String::new(),
            password_hash: PasswordHash::default(),
            last_login: None,
            is_active: true,
            is_superuser: false,
            badge: None,
            about: String::new(),
            groups: Vec::new(),
            user_permissions: Vec::new(),
        }
    }
}

impl User for TestUser {
    fn id(&self) -> String {
        self.id.to_string()
    }

    fn username(&self) -> &str {
        &self.username
    }

    fn is_active(&self) -> bool {
        self.is_active
    }

    fn is_superuser(&self) -> bool {
        self.is_superuser
    }
}

impl BaseUser for TestUser {
    type PrimaryKey = i64;
    type Hasher = Argon2Hasher;

    fn get_username_field() -> &'static str {
        "username"
    }

    fn primary_key(&self) -> &i64 {
        &self.id
    }

    fn password_hash(&self) -> &PasswordHash {
        &self.password_hash
    }

    fn set_password_hash(&mut self, hash: PasswordHash) {
        self.password_hash = hash;
    }

    fn last_login(&self) -> Option<DateTime<Utc>> {
        self.last_login
    }

    fn set_last_login(&mut self, time: DateTime<Utc>) {
        self.last_login = Some(time);
    }
}

impl PermissionsMixin for TestUser {
    fn user_permissions(&self) -> &[String] {
        &self.user_permissions
    }

    fn groups(&self) -> &[String] {
        &self.groups
    }
}

impl Model for TestUser {
    const TABLE: &'static str = "test_user";
    const COLUMNS: &'static [Column] = &[
        column::<i64>("id").role(Role::Id),
        column::<String>("username").role(Role::Username),
        column::<String>("email").role(Role::Email),
        column::<PasswordHash>("password").role(Role::Password),
        column::<Option<DateTime<Utc>>>("last_login").role(Role::LastLogin),
        column::<bool>("is_active").role(Role::IsActive),
        column::<bool>("is_superuser").role(Role::IsSuperuser),
        column::<Option<i32>>("badge").unique(),
        column::<String>("about"),
    ];

    fn values(&self) -> Result<Vec<Value>, ColumnError> {
        Ok(vec![
            self.id.to_value(),
            self.username.to_value(),
            self.email.to_value(),
            self.password_hash.to_value(),
            self.last_login.to_value(),
            self.is_active.to_value(),
            self.is_superuser.to_value(),
            self.badge.to_value(),
            self.about.to_value(),
        ])
    }

    fn from_row(row: &dyn Row) -> Result<Self, ColumnError> {
        Ok(Self {
            id: read(row, 0, "id")?,
            username: read(row, 1, "username")?,
            email: read(row, 2, "email")?,
            password_hash: read(row, 3, "password")?,
            last_login: read(row, 4, "last_login")?,
            is_active: read(row, 5, "is_active")?,
            is_superuser: read(row, 6, "is_superuser")?,
            badge: read(row, 7, "badge")?,
            about: read(row, 8, "about")?,
            groups: Vec::new(),
            user_permissions: Vec::new(),
        })
    }
}

impl UserModel for TestUser {
    fn set_primary_key(&mut self, key: i64) {
        self.id = key;
    }

    fn set_username(&mut self, username: String) {
        self.username = Self::normalize_username(&username);
    }

    fn memberships(&self) -> (&[String], &[String]) {
        (&self.groups, &self.user_permissions)
    }

    fn set_memberships(&mut self, groups: Vec<String>, permissions: Vec<String>) {
        (self.groups, self.user_permissions) = (groups, permissions);
    }
}
