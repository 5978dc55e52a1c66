use proc_macro2::{Ident, Span, TokenStream};
use syn::{LitStr, Path, Type};

/// What a field means to the framework.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Id,
    Username,
    Email,
    PasswordHash,
    LastLogin,
    IsActive,
    IsStaff,
    IsSuperuser,
    FirstName,
    LastName,
    DateJoined,
    Groups,
    UserPermissions,
}

/// What is fixed about a role.
pub(super) struct Rule {
    pub(super) role: Role,
    /// The setting that gives it, and the name of the field that has it without one.
    pub(super) word: &'static str,
    /// The variant of the runtime's `Role`; none for what is no column.
    pub(super) column_role: Option<&'static str>,
    /// The type of the field, as it is written in a message.
    pub(super) ty: &'static str,
    /// The last word of that type.
    pub(super) type_word: &'static str,
    pub(super) required: bool,
    /// Whether the user may change the field in the own profile. What decides on rights and identity is changed elsewhere.
    pub(super) may_be_editable: bool,
}

macro_rules! rules {
    ($($role:ident $word:literal $column_role:expr, $ty:literal $type_word:literal $required:literal $editable:literal;)*) => {
        pub(super) const RULES: &[Rule] = &[$(Rule {
            role: Role::$role,
            word: $word,
            column_role: $column_role,
            ty: $ty,
            type_word: $type_word,
            required: $required,
            may_be_editable: $editable,
        }),*];
    };
}

rules! {
    // role         word               column role          type                   its word     required editable
    Id              "id"               Some("Id"),          "Uuid"                  "Uuid"         true  false;
    Username        "username"         Some("Username"),    "String"                "String"       true  false;
    Email           "email"            Some("Email"),       "String"                "String"       false true;
    PasswordHash    "password_hash"    Some("Password"),    "auth::PasswordHash" "PasswordHash" true  false;
    LastLogin       "last_login"       Some("LastLogin"),   "Option<DateTime<Utc>>" "Option"       true  false;
    IsActive        "is_active"        Some("IsActive"),    "bool"                  "bool"         true  false;
    IsStaff         "is_staff"         Some("IsStaff"),     "bool"                  "bool"         false false;
    IsSuperuser     "is_superuser"     Some("IsSuperuser"), "bool"                  "bool"         false false;
    FirstName       "first_name"       Some("FirstName"),   "String"                "String"       false true;
    LastName        "last_name"        Some("LastName"),    "String"                "String"       false true;
    DateJoined      "date_joined"      Some("DateJoined"),  "DateTime<Utc>"         "DateTime"     false false;
    Groups          "groups"           None,                "Vec<String>"           "Vec"          false false;
    UserPermissions "user_permissions" None,                "Vec<String>"           "Vec"          false false;
}

impl Role {
    pub(super) fn rule(self) -> &'static Rule {
        // `RULES` has one line for each role, in the order of the enum; a test holds them together.
        &RULES[self as usize]
    }
}

/// The settings of the struct.
#[derive(Default)]
pub(super) struct UserSettings {
    pub(super) table: Option<LitStr>,
    pub(super) username: Option<Ident>,
    pub(super) hasher: Option<Path>,
    pub(super) crate_path: Option<Path>,
}

/// A field with its settings, before the roles are given out.
pub(super) struct GivenField {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) skip: Option<Ident>,
    pub(super) json: Option<Ident>,
    pub(super) unique: Option<Ident>,
    pub(super) editable: Option<Ident>,
    pub(super) column: Option<LitStr>,
    pub(super) roles: Vec<(Role, Span)>,
}

/// A struct in which everything fits.
pub(super) struct UserStruct {
    pub(super) auth: TokenStream,
    pub(super) ident: Ident,
    pub(super) table: String,
    pub(super) hasher: Option<Path>,
    pub(super) fields: Vec<UserField>,
}

pub(super) struct UserField {
    pub(super) ident: Ident,
    pub(super) ty: Type,
    pub(super) roles: Vec<Role>,
    pub(super) storage: Storage,
}

/// Where the value of a field is kept.
pub(super) enum Storage {
    Column {
        name: String,
        json: bool,
        unique: bool,
        editable: bool,
    },
    /// In a join table, or nowhere.
    None,
}

impl UserStruct {
    pub(super) fn field(&self, role: Role) -> Option<&UserField> {
        self.fields.iter().find(|field| field.roles.contains(&role))
    }
}

#[cfg(test)]
mod tests {
    use super::RULES;

    #[test]
    fn every_role_finds_its_own_rule() {
        for (place, rule) in RULES.iter().enumerate() {
            assert_eq!(rule.role as usize, place);
            assert_eq!(rule.role.rule().word, rule.word);
        }
    }
}
