//! What every store does the same way: names, lengths, versions.

use crate::database::{Column, ColumnError, Role};
use crate::permissions::is_permission_name;
use crate::secret;
use crate::users::{CredentialVersion, UserError};

/// The most characters of a group's name, as in Django.
const GROUP_NAME: usize = 150;
/// The most characters of a title, as in Django.
pub(super) const TITLE: u32 = 255;

/// Whether a group can have that name. Control characters could pass for the line that is not there, or part a list.
pub(super) fn is_group_name(name: &str) -> bool {
    (1..=4 * GROUP_NAME).contains(&name.len())
        && name.chars().count() <= GROUP_NAME
        && !name.chars().any(char::is_control)
}

pub(super) fn check_new_group(name: &str, title: &str) -> Result<(), UserError> {
    if !is_group_name(name) {
        let rule = "must have 1 to 150 characters and no control character among them";
        return Err(ColumnError::new("name", rule).into());
    }
    if title.chars().count() > TITLE as usize || title.contains('\0') {
        return Err(ColumnError::new("title", "must not have more than 255 characters").into());
    }
    Ok(())
}

/// A permission's name in its two parts.
pub(super) fn parts(permission: &str) -> Result<(&str, &str), UserError> {
    match permission.split_once('.') {
        Some(parts) if is_permission_name(permission) => Ok(parts),
        _ => Err(unknown_permission(permission)),
    }
}

/// What was asked for may be a megabyte of anything.
pub(super) fn unknown_permission(name: &str) -> UserError {
    UserError::UnknownPermission(shown(name))
}

pub(super) fn unknown_group(name: &str) -> UserError {
    UserError::UnknownGroup(shown(name))
}

fn shown(name: &str) -> String {
    name.chars().take(GROUP_NAME + 60).collect()
}

/// Whether an update writes the column: one that is named, or, of a whole user, one that decides no rights. A struct that
/// was read before an administrator took them away would give them back.
pub(in crate::users) fn is_written(column: &Column, only: Option<&[&str]>) -> bool {
    const NAMED_ONLY: [Role; 4] = [Role::IsActive, Role::IsStaff, Role::IsSuperuser, Role::LastLogin];
    !column.is(Role::Id)
        && match only {
            Some(only) => only.contains(&column.name),
            None => !NAMED_ONLY.into_iter().any(|role| column.is(role)),
        }
}

/// Whether another value in the column is another credential version: a new password, and an account taken out of use, so
/// that its sessions are not there again when it comes back.
pub(super) fn ends_sessions(column: &Column) -> bool {
    column.is(Role::Password) || column.is(Role::IsActive)
}

/// Never 0, which rows have that were there before the column was.
pub(super) fn new_credential_version() -> CredentialVersion {
    match i64::from_le_bytes(secret::random()) {
        0 => 1,
        version => version,
    }
}
