use std::fmt;
use std::marker::PhantomData;

use super::current_user::TypedSubject;
use super::{CurrentUser, Guarded, ObjectRequirement, Principal, Requirement, StepUp, Subject};

/// Proof that a check was passed. It cannot be made, copied or deserialised outside this crate, and takes no space.
///
/// As an argument of a handler it makes the check, before the body is read. A function of the application demands
/// `&Granted<permissions::blog::publish_post>`, so that calling it without a check does not compile:
///
/// ```compile_fail
/// # mod permissions { auth::permissions! { blog { publish_post: "Can publish posts"; } } }
/// fn publish(_: &auth::Granted<permissions::blog::publish_post>) {}
/// fn main() {
///     publish(&auth::Granted); // cannot be made here
/// }
/// ```
pub struct Granted<R>(PhantomData<fn() -> R>);

impl<R: Requirement> Granted<R> {
    /// Makes the check for somebody who is already known: for services and jobs outside a handler.
    ///
    /// # Errors
    /// [`PermissionDenied`] when the subject does not meet the requirement.
    pub fn check(subject: &impl Subject) -> Result<Self, PermissionDenied> {
        if R::is_met(subject.principal()) {
            Ok(Self(PhantomData))
        } else {
            Err(PermissionDenied::of::<R>(subject.principal()))
        }
    }

    /// Makes the check for somebody and one object: the permission and its policy.
    ///
    /// # Errors
    /// [`PermissionDenied`] when the user lacks the permission or the policy refuses the object.
    pub fn check_on<U, T: ?Sized>(user: &CurrentUser<U>, object: &T) -> Result<Self, PermissionDenied>
    where
        R: ObjectRequirement<U, T>,
    {
        if R::is_met_on(user, object) {
            Ok(Self(PhantomData))
        } else {
            Err(PermissionDenied::of::<R>(user.principal()))
        }
    }
}

impl<R: Requirement> fmt::Debug for Granted<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Granted(")?;
        R::describe(f)?;
        f.write_str(")")
    }
}

/// The answer no. It says what was asked for to whoever reads the log; the HTTP answer does not.
#[derive(Clone, PartialEq, Eq)]
pub struct PermissionDenied {
    required: String,
    step_up: Option<StepUp>,
    missing_scope: Option<String>,
}

impl PermissionDenied {
    pub(crate) fn of<R: Requirement>(principal: &Principal) -> Self {
        Self {
            required: super::guard::describe::<R>(),
            step_up: R::step_up(principal),
            missing_scope: missing_scope::<R>(principal),
        }
    }

    pub(crate) fn named(required: &str) -> Self {
        Self { required: required.to_owned(), step_up: None, missing_scope: None }
    }

    /// What the user can do about it, where a better login is all that is missing.
    pub fn step_up(&self) -> Option<StepUp> {
        self.step_up
    }

    /// The scope that a token lacks whose user may do it: all permissions that were asked for, with spaces between them. Empty
    /// where no scope is enough, because the user has to do it in person.
    ///
    /// # Security
    /// It tells whoever acts for a user that the user may do this, and nothing else of what the user holds: of `any(…)` all are
    /// named. Where the user may not either, there is nothing.
    pub fn missing_scope(&self) -> Option<&str> {
        self.missing_scope.as_deref()
    }

    /// What was asked for: `all(blog.add_post, blog.publish_post)`.
    pub fn required(&self) -> &str {
        &self.required
    }
}

fn missing_scope<R: Requirement>(principal: &Principal) -> Option<String> {
    // It was the object's policy.
    if R::is_met(principal) {
        return None;
    }
    if R::is_met(&principal.with_every_scope()?) {
        return Some(super::guard::permissions::<R>().join(" "));
    }
    let in_person = principal.without_delegate()?;
    (R::is_met(&in_person) || R::step_up(&in_person).is_some()).then(String::new)
}

impl fmt::Debug for PermissionDenied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PermissionDenied({})", self.required)
    }
}

impl fmt::Display for PermissionDenied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "permission denied: {} is required", self.required)
    }
}

impl std::error::Error for PermissionDenied {}

// What follows is named by generated code only, through `__private`.

/// An argument that an attribute with `on =` wraps: the object, and the proof.
#[derive(Debug)]
pub struct Checked<R: Requirement, T, const HIDDEN: bool = false>(pub T, pub Granted<R>);

/// The test of `#[user_passes_test]` on a handler.
pub trait UserTest: Send + Sync + 'static {
    /// Asks it. `None` when the user is of another type than the test's.
    fn passes(principal: &Principal) -> Option<bool>;
    /// The path of the test, for messages.
    const NAME: &'static str;
}

/// The extractor that `#[user_passes_test]` puts in front of a handler.
pub struct Tested<T>(pub(crate) PhantomData<fn() -> T>);

impl<T> fmt::Debug for Tested<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tested")
    }
}

/// Asks a test of whatever user type it takes.
pub fn run_test<U: Send + Sync + 'static>(
    principal: &Principal,
    test: impl FnOnce(&CurrentUser<U>) -> bool,
) -> Option<bool> {
    principal.downcast().map(|user| test(&user))
}

/// `#[permission_required]` on a function with `#[user]`.
///
/// # Errors
/// [`PermissionDenied`]
pub fn check<R: Requirement>(subject: &impl Subject) -> Result<Granted<R>, PermissionDenied> {
    Granted::check(subject)
}

/// The same with `on =`.
///
/// # Errors
/// [`PermissionDenied`]
pub fn check_on<R, S, T>(subject: &S, object: &T) -> Result<Granted<R>, PermissionDenied>
where
    S: TypedSubject,
    R: ObjectRequirement<S::User, T>,
    T: ?Sized,
{
    Granted::check_on(subject.current_user(), object)
}

/// `#[user_passes_test]` on a function with `#[user]`.
///
/// # Errors
/// [`PermissionDenied`]
pub fn check_test<S: TypedSubject>(
    subject: &S,
    name: &str,
    test: impl FnOnce(&CurrentUser<S::User>) -> bool,
) -> Result<(), PermissionDenied> {
    if test(subject.current_user()) { Ok(()) } else { Err(PermissionDenied::named(name)) }
}

/// Says first, and in our words, that an object's policy is missing.
pub const fn assert_policy<R, T>()
where
    T: Guarded,
    R: ObjectRequirement<T::User, T>,
{
}

/// A return type that can carry a refusal.
#[diagnostic::on_unimplemented(
    message = "a guarded function can refuse, and `{Self}` cannot say so",
    note = "return `Result<_, E>` where `E: From<auth::PermissionDenied>`"
)]
pub trait Refuse {
    /// The refusal.
    fn refuse(denied: PermissionDenied) -> Self;
}

impl<T, E: From<PermissionDenied>> Refuse for Result<T, E> {
    fn refuse(denied: PermissionDenied) -> Self {
        Err(denied.into())
    }
}
