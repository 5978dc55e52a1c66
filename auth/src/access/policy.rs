use super::{CurrentUser, Requirement};
use crate::permissions::DeclaredPermission;

/// Decides whether a user who holds permission `P` may use it on this object.
///
/// ```
/// # use auth::prelude::*;
/// # mod permissions { auth::permissions! { blog { model Post; } } }
/// # struct Author { id: i64 }
/// # struct Post { author: i64 }
/// impl Policy<permissions::blog::change_post, Post> for Author {
///     fn allows(user: &CurrentUser<Author>, post: &Post) -> bool {
///         post.author == user.id
///     }
/// }
/// # fn main() {}
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no policy for `{P}` on `{T}`",
    label = "this object is guarded by a permission without a policy",
    note = "write `impl Policy<{P}, {T}> for {Self}`"
)]
pub trait Policy<P, T: ?Sized>: Sized {
    /// Whether the user may. It is only asked when the user holds the permission and is no superuser.
    fn allows(user: &CurrentUser<Self>, object: &T) -> bool;
}

/// An object that policies guard: it says whose. How a handler gets it is its own extractor.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which user type its policies belong to",
    note = "write `impl Guarded for {Self} {{ type User = …; }}`"
)]
pub trait Guarded {
    /// The application's user struct.
    type User: Send + Sync + 'static;
}

/// A requirement that can be asked about a single object: the permission and its policy.
pub trait ObjectRequirement<U, T: ?Sized>: Requirement {
    /// Whether the user meets it for this object. An active superuser always does.
    fn is_met_on(user: &CurrentUser<U>, object: &T) -> bool;
}

impl<P: DeclaredPermission, U: Policy<P, T>, T: ?Sized> ObjectRequirement<U, T> for P {
    fn is_met_on(user: &CurrentUser<U>, object: &T) -> bool {
        user.has::<P>() && (user.principal().is_superuser() || U::allows(user, object))
    }
}
