use std::fmt;
use std::marker::PhantomData;
use std::ops::{BitAnd, BitOr, Not};

use http::Method;

use super::{Principal, Requirement};
use crate::BoxFuture;

/// What a permission class is asked about.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PermissionContext<'a> {
    /// The request's method.
    pub method: &'a Method,
    /// The request's path.
    pub path: &'a str,
    /// Who asks; nobody, if nobody is logged in. A principal is always active.
    pub principal: Option<&'a Principal>,
}

impl<'a> PermissionContext<'a> {
    /// A context to ask about.
    pub fn new(method: &'a Method, path: &'a str, principal: Option<&'a Principal>) -> Self {
        Self { method, path, principal }
    }
}

/// Whether it is allowed cannot be told: an answer 503, never access.
pub type CannotTell = Box<dyn std::error::Error + Send + Sync>;

/// A permission class, as in Django REST framework: asked with the whole request, composed with `&`, `|` and `!`.
///
/// Declared permissions are checked by guards; classes are for rules that hold for a whole router:
/// `router.route_layer(auth.require(IsAdminUser | HasPerm::<permissions::blog::publish_post>::new()))`.
/// To begin an expression with a class of your own, call [`Permission::and`] and its kin.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a permission class",
    note = "implement `auth::access::Permission` for `{Self}`; a declared permission becomes one with `HasPerm::<…>::new()`"
)]
pub trait Permission: fmt::Debug + Send + Sync + 'static {
    /// Whether the request is allowed.
    ///
    /// # Errors
    /// When that cannot be told.
    fn has_permission<'a>(&'a self, context: &'a PermissionContext<'a>) -> BoxFuture<'a, Result<bool, CannotTell>>;

    /// Whether it is allowed for this object; the same as without one, if nothing else is said.
    ///
    /// # Errors
    /// When that cannot be told.
    fn has_object_permission<'a>(
        &'a self,
        context: &'a PermissionContext<'a>,
        object: &'a (dyn std::any::Any + Send + Sync),
    ) -> BoxFuture<'a, Result<bool, CannotTell>> {
        let _ = object;
        self.has_permission(context)
    }

    /// Both.
    fn and<R: Permission>(self, other: R) -> And<Self, R>
    where
        Self: Sized,
    {
        And(self, other)
    }

    /// Either.
    fn or<R: Permission>(self, other: R) -> Or<Self, R>
    where
        Self: Sized,
    {
        Or(self, other)
    }

    /// The opposite.
    fn negate(self) -> Inverse<Self>
    where
        Self: Sized,
    {
        Inverse(self)
    }
}

/// Allows what both allow. See [`Permission`].
#[derive(Clone, Copy, Debug)]
pub struct And<A, B>(A, B);

/// Allows what either allows. If the first cannot tell, the second is not asked.
#[derive(Clone, Copy, Debug)]
pub struct Or<A, B>(A, B);

/// Allows what the other refuses. What cannot be told stays untold.
#[derive(Clone, Copy, Debug)]
pub struct Inverse<A>(A);

type Object<'a> = &'a (dyn std::any::Any + Send + Sync);

async fn ask(
    class: &impl Permission,
    context: &PermissionContext<'_>,
    object: Option<Object<'_>>,
) -> Result<bool, CannotTell> {
    match object {
        Some(object) => class.has_object_permission(context, object).await,
        None => class.has_permission(context).await,
    }
}

impl<A: Permission, B: Permission> And<A, B> {
    async fn decide(&self, context: &PermissionContext<'_>, object: Option<Object<'_>>) -> Result<bool, CannotTell> {
        Ok(ask(&self.0, context, object).await? && ask(&self.1, context, object).await?)
    }
}

impl<A: Permission, B: Permission> Or<A, B> {
    async fn decide(&self, context: &PermissionContext<'_>, object: Option<Object<'_>>) -> Result<bool, CannotTell> {
        Ok(ask(&self.0, context, object).await? || ask(&self.1, context, object).await?)
    }
}

impl<A: Permission> Inverse<A> {
    async fn decide(&self, context: &PermissionContext<'_>, object: Option<Object<'_>>) -> Result<bool, CannotTell> {
        Ok(!ask(&self.0, context, object).await?)
    }
}

macro_rules! composed {
    (<$($part:ident),*> $name:ty) => {
        impl<$($part: Permission),*> Permission for $name {
            fn has_permission<'a>(
                &'a self,
                context: &'a PermissionContext<'a>,
            ) -> BoxFuture<'a, Result<bool, CannotTell>> {
                Box::pin(self.decide(context, None))
            }

            fn has_object_permission<'a>(
                &'a self,
                context: &'a PermissionContext<'a>,
                object: Object<'a>,
            ) -> BoxFuture<'a, Result<bool, CannotTell>> {
                Box::pin(self.decide(context, Some(object)))
            }
        }
    };
}

composed!(<A, B> And<A, B>);
composed!(<A, B> Or<A, B>);
composed!(<A> Inverse<A>);

/// The operators, for a class that is ours.
macro_rules! operators {
    ([$($p:ident $(: $bound:path)?),*] $name:ty) => {
        impl<Right: Permission, $($p $(: $bound)?),*> BitAnd<Right> for $name {
            type Output = And<Self, Right>;

            fn bitand(self, right: Right) -> Self::Output {
                And(self, right)
            }
        }

        impl<Right: Permission, $($p $(: $bound)?),*> BitOr<Right> for $name {
            type Output = Or<Self, Right>;

            fn bitor(self, right: Right) -> Self::Output {
                Or(self, right)
            }
        }

        impl<$($p $(: $bound)?),*> Not for $name {
            type Output = Inverse<Self>;

            fn not(self) -> Self::Output {
                Inverse(self)
            }
        }
    };
}

operators!([A, B] And<A, B>);
operators!([A, B] Or<A, B>);
operators!([A] Inverse<A>);

macro_rules! class {
    ($(#[$doc:meta])* $name:ident, |$context:ident| $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name;

        impl Permission for $name {
            fn has_permission<'a>(
                &'a self,
                $context: &'a PermissionContext<'a>,
            ) -> BoxFuture<'a, Result<bool, CannotTell>> {
                Box::pin(std::future::ready(Ok($allowed)))
            }
        }

        operators!([] $name);
    };
}

class!(
    /// Allows everybody.
    AllowAny, |_context| true
);
class!(
    /// Allows whoever is logged in.
    IsAuthenticated, |context| context.principal.is_some()
);
class!(
    /// Allows staff.
    IsAdminUser, |context| context.principal.is_some_and(Principal::is_staff)
);
class!(
    /// Allows active users: whoever is logged in, since an inactive user never is.
    IsActiveUser, |context| context.principal.is_some()
);
class!(
    /// Allows everybody to read (GET, HEAD, OPTIONS), and whoever is logged in to do the rest.
    IsAuthenticatedOrReadOnly, |context| context.principal.is_some() || is_reading(context.method)
);

fn is_reading(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Allows whoever meets a requirement: a declared permission, or several in [`All`](super::All) or [`Any`](super::Any).
pub struct HasPerm<R>(PhantomData<fn() -> R>);

impl<R: Requirement> HasPerm<R> {
    /// `HasPerm::<permissions::blog::publish_post>::new()`
    #[expect(clippy::new_without_default, reason = "the type must be named anyway")]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R: Requirement> fmt::Debug for HasPerm<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HasPerm(")?;
        R::describe(f)?;
        f.write_str(")")
    }
}

impl<R: Requirement> Permission for HasPerm<R> {
    fn has_permission<'a>(&'a self, context: &'a PermissionContext<'a>) -> BoxFuture<'a, Result<bool, CannotTell>> {
        Box::pin(std::future::ready(Ok(context.principal.is_some_and(R::is_met))))
    }
}

operators!([R: Requirement] HasPerm<R>);

/// Asks for the permission that goes with the method, as Django's `DjangoModelPermissions`: `View` to read (GET, HEAD,
/// OPTIONS), `Add` for POST, `Change` for PUT and PATCH, `Delete` for DELETE. Any other method is refused.
pub struct ModelPermissions<View, Add, Change, Delete> {
    classes: (HasPerm<View>, HasPerm<Add>, HasPerm<Change>, HasPerm<Delete>),
}

impl<View, Add, Change, Delete> ModelPermissions<View, Add, Change, Delete>
where
    View: Requirement,
    Add: Requirement,
    Change: Requirement,
    Delete: Requirement,
{
    /// `ModelPermissions::<blog::view_post, blog::add_post, blog::change_post, blog::delete_post>::new()`
    #[expect(clippy::new_without_default, reason = "the type must be named anyway")]
    pub fn new() -> Self {
        Self { classes: (HasPerm::new(), HasPerm::new(), HasPerm::new(), HasPerm::new()) }
    }
}

impl<View, Add, Change, Delete> fmt::Debug for ModelPermissions<View, Add, Change, Delete> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ModelPermissions")
    }
}

impl<View, Add, Change, Delete> Permission for ModelPermissions<View, Add, Change, Delete>
where
    View: Requirement,
    Add: Requirement,
    Change: Requirement,
    Delete: Requirement,
{
    fn has_permission<'a>(&'a self, context: &'a PermissionContext<'a>) -> BoxFuture<'a, Result<bool, CannotTell>> {
        let (view, add, change, delete) = &self.classes;
        match *context.method {
            Method::POST => add.has_permission(context),
            Method::PUT | Method::PATCH => change.has_permission(context),
            Method::DELETE => delete.has_permission(context),
            ref method if is_reading(method) => view.has_permission(context),
            _ => Box::pin(std::future::ready(Ok(false))),
        }
    }
}

operators!([View: Requirement, Add: Requirement, Change: Requirement, Delete: Requirement] ModelPermissions<View, Add, Change, Delete>);

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[derive(Debug)]
    struct Broken;

    impl Permission for Broken {
        fn has_permission<'a>(&'a self, _: &'a PermissionContext<'a>) -> BoxFuture<'a, Result<bool, CannotTell>> {
            Box::pin(ready(Err("the store is gone".into())))
        }
    }

    /// Nobody asks. `None`: it could not be told.
    fn asked(class: &impl Permission, method: &Method) -> Option<bool> {
        let context = PermissionContext::new(method, "/", None);
        match pin!(class.has_permission(&context)).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer.ok(),
            Poll::Pending => panic!("no class here waits"),
        }
    }

    #[test]
    fn classes_compose() {
        let get = &Method::GET;
        assert_eq!(asked(&(AllowAny & !IsAuthenticated), get), Some(true));
        assert_eq!(asked(&(IsAuthenticated | IsAdminUser), get), Some(false));
        assert_eq!(asked(&((IsAuthenticated | AllowAny) & !(IsActiveUser & AllowAny)), get), Some(true));
        assert_eq!(asked(&(AllowAny.and(IsAuthenticated).negate().or(IsAdminUser)), get), Some(true));
    }

    #[test]
    fn strangers_may_only_read() {
        assert_eq!(asked(&IsAuthenticatedOrReadOnly, &Method::HEAD), Some(true));
        for method in [&Method::POST, &Method::DELETE, &Method::TRACE, &Method::from_bytes(b"BREW").unwrap()] {
            assert_eq!(asked(&IsAuthenticatedOrReadOnly, method), Some(false), "{method}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_never_access() {
        let get = &Method::GET;
        assert_eq!(asked(&Broken, get), None);
        assert_eq!(asked(&(Broken.negate()), get), None);
        assert_eq!(asked(&(Broken.or(AllowAny)), get), None);
        assert_eq!(asked(&(AllowAny & Broken), get), None);
        assert_eq!(asked(&(!(IsAuthenticated | Broken)), get), None);
    }
}
