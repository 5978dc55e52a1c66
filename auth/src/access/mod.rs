//! Who may do what: the proof that a check leaves behind, and the checks.
//!
//! A [`Principal`] is who asks, with what the user store said of them for this request; [`CurrentUser`] is the same
//! with the application's user struct. A [`Requirement`] is a type that a principal meets or not; [`Granted`] proves
//! that one was met. A [`Policy`] decides on single objects.

mod classes;
mod current_user;
mod granted;
mod guard;
mod policy;
mod requirement;

pub use classes::{
    AllowAny, And, CannotTell, HasPerm, Inverse, IsActiveUser, IsAdminUser, IsAuthenticated, IsAuthenticatedOrReadOnly,
    ModelPermissions, Or, Permission, PermissionContext,
};
pub use current_user::{CurrentUser, Principal, Subject};
pub use granted::{Granted, PermissionDenied};
pub use guard::GuardEntry;
pub use policy::{Guarded, ObjectRequirement, Policy};
pub use requirement::{All, Any, LoggedIn, MultiFactor, RecentLogin, Requirement, Staff, StepUp, Superuser};

/// What generated code names, through `__private`.
pub(crate) mod generated {
    pub use super::current_user::TypedSubject;
    pub use super::granted::{Checked, Refuse, Tested, UserTest, assert_policy, check, check_on, check_test, run_test};
    pub use super::guard::{describe, permissions};
}
