//! The words of an application: the permissions and groups that it declares, and sets of them.
//!
//! `permissions!` makes a type of each name; [`DeclaredPermission`] ties the two together. [`PermissionSet`] is what
//! somebody holds. Who may hold what is for `users`, who is asked for what for `access`.

mod declared;
mod set;

pub use declared::{DeclaredPermission, GroupEntry, PermissionEntry, PermissionIndex, is_permission_name};
pub use set::PermissionSet;
