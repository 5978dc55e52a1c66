use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::mfa::AuthMethods;
use crate::permissions::{DeclaredPermission, PermissionSet};
use crate::users::{Account, CredentialVersion, User, UserModel, narrowed};

/// An active user who was authenticated for this request, with what the user holds now.
///
/// Only the framework makes one, from what the user store says at that moment.
#[derive(Clone)]
pub struct Principal {
    inner: Arc<Inner>,
}

struct Inner {
    user: Arc<dyn AnyUser>,
    /// The user's, once somebody asked: most requests only check a permission.
    id: OnceLock<String>,
    is_staff: bool,
    is_superuser: bool,
    permissions: PermissionSet,
    /// All that the user holds, where somebody acts for them with a part of it.
    without_scope: Option<PermissionSet>,
    authenticated_at: DateTime<Utc>,
    login: Option<PrincipalLogin>,
    credential: CredentialVersion,
}

/// What is known of a login in person.
#[derive(Clone, Copy)]
struct PrincipalLogin {
    methods: AuthMethods,
    /// The moment of the request, by the application's clock.
    now: DateTime<Utc>,
}

/// A user of any type, which can still be told.
trait AnyUser: User + Any {}

impl<U: User> AnyUser for U {}

impl Principal {
    /// Nobody, if the user is inactive: an inactive user is never a principal.
    pub(crate) fn new<U: User>(account: &Account<U>, authenticated_at: DateTime<Utc>) -> Option<Self> {
        let user = &account.user;
        if !user.is_active() || !user.is_authenticated() {
            return None;
        }
        let is_superuser = user.is_superuser();
        let permissions = if is_superuser { PermissionSet::everything() } else { account.permissions.clone() };
        let inner = Inner {
            user: user.clone(),
            id: OnceLock::new(),
            is_staff: user.is_admin(),
            is_superuser,
            permissions,
            without_scope: None,
            authenticated_at,
            login: None,
            credential: account.credential,
        };
        Some(Self { inner: Arc::new(inner) })
    }

    /// The same, in a login in person: by which ways they proved who they are, and what time it is now.
    pub(crate) fn in_person(mut self, methods: AuthMethods, now: DateTime<Utc>) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.login = Some(PrincipalLogin { methods, now });
        }
        self
    }

    /// The user of this account with what stands in `scopes` at the most, as somebody else acts for them: with an API key,
    /// say. Staff and superusers are neither then, nor is the struct. Nobody, if the user is inactive.
    pub(crate) fn delegated<U: UserModel>(
        account: &Account<U>,
        authenticated_at: DateTime<Utc>,
        scopes: &PermissionSet,
    ) -> Option<Self> {
        let all = Self::new(account, authenticated_at)?.inner.permissions.clone();
        let permissions = all.intersection(scopes);
        let user = narrowed(&*account.user, &permissions)
            .inspect_err(|error| tracing::warn!(%error, "a user for whom somebody acts could not be narrowed"))
            .ok()?;
        let inner = Inner {
            user: Arc::new(user),
            id: OnceLock::new(),
            is_staff: false,
            is_superuser: false,
            permissions,
            without_scope: Some(all),
            authenticated_at,
            login: None,
            credential: account.credential,
        };
        Some(Self { inner: Arc::new(inner) })
    }

    /// Whether somebody acts for the user with a part of what the user holds: an API key, a token with scopes. Ask it where
    /// only the user in person may do something.
    pub fn is_delegated(&self) -> bool {
        self.inner.without_scope.is_some()
    }

    /// Who it would be with every scope; nobody where nobody acts for the user.
    pub(super) fn with_every_scope(&self) -> Option<Self> {
        let permissions = self.inner.without_scope.clone()?;
        Some(self.with(permissions.clone(), Some(permissions)))
    }

    /// Who it would be if the user did it, in a login of which nothing is known; neither staff nor superuser.
    pub(super) fn without_delegate(&self) -> Option<Self> {
        Some(self.with(self.inner.without_scope.clone()?, None))
    }

    fn with(&self, permissions: PermissionSet, without_scope: Option<PermissionSet>) -> Self {
        let Inner { is_staff, is_superuser, authenticated_at, login, credential, .. } = *self.inner;
        let (user, id) = (self.inner.user.clone(), self.inner.id.clone());
        let inner =
            Inner { user, id, is_staff, is_superuser, permissions, without_scope, authenticated_at, login, credential };
        Self { inner: Arc::new(inner) }
    }

    /// The user's primary key as text.
    pub fn id(&self) -> &str {
        self.inner.id.get_or_init(|| self.inner.user.id())
    }

    /// What the user logs in with.
    pub fn username(&self) -> &str {
        self.inner.user.username()
    }

    /// Whether the user may enter the administration.
    pub fn is_staff(&self) -> bool {
        self.inner.is_staff
    }

    /// Whether the user has every permission.
    pub fn is_superuser(&self) -> bool {
        self.inner.is_superuser
    }

    /// What the user held when this request asked.
    pub fn permissions(&self) -> &PermissionSet {
        &self.inner.permissions
    }

    /// When the user last proved who they are.
    pub fn authenticated_at(&self) -> DateTime<Utc> {
        self.inner.authenticated_at
    }

    /// By which ways the user proved who they are. None where that is not known, as with an API key.
    pub fn auth_methods(&self) -> AuthMethods {
        self.inner.login.map_or(AuthMethods::NONE, |login| login.methods)
    }

    /// Whether the user proved who they are by two factors, in person.
    pub fn is_multi_factor(&self) -> bool {
        !self.is_delegated() && self.auth_methods().is_multi_factor()
    }

    /// Whether the user proved who they are, in person, within that time before the request.
    pub fn is_recent(&self, within: Duration) -> bool {
        let Ok(within) = TimeDelta::from_std(within) else { return false };
        let age = |login: PrincipalLogin| login.now.signed_duration_since(self.inner.authenticated_at);
        !self.is_delegated() && self.inner.login.is_some_and(|login| age(login) <= within)
    }

    /// Whether that is the user in person, by whatever they brought: nobody acts for them.
    #[cfg(feature = "oauth2-provider")]
    pub(crate) fn is_in_person(&self) -> bool {
        !self.is_delegated() && self.inner.login.is_some()
    }

    /// The version that the user's credentials had.
    pub(crate) fn credential(&self) -> CredentialVersion {
        self.inner.credential
    }

    /// Whether the user holds the permission.
    #[inline]
    pub fn has<P: DeclaredPermission>(&self) -> bool {
        self.inner.permissions.has::<P>()
    }

    /// Whether the user holds the permission of that name.
    pub fn has_perm(&self, name: &str) -> bool {
        self.inner.permissions.has_name(name)
    }

    /// The same with the user's struct, if it is a `U`.
    pub(crate) fn downcast<U: Send + Sync + 'static>(&self) -> Option<CurrentUser<U>> {
        let user: Arc<dyn Any + Send + Sync> = self.inner.user.clone();
        let user = user.downcast().ok()?;
        Some(CurrentUser { user, principal: self.clone() })
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Principal");
        shown.field("id", &self.id()).field("permissions", &self.inner.permissions).finish_non_exhaustive()
    }
}

/// The user who makes this request, as the store had it when the request first asked.
///
/// As an argument of a handler it demands a login (401 otherwise); `Option<CurrentUser<U>>` does not. It dereferences
/// to the user's struct; its `has_perm` answers from the database, where the struct's own could only answer from its fields.
///
/// # Security
/// Where somebody acts for the user, with an API key or a token with scopes, the struct holds no more than they do: it is in
/// no group, and neither staff nor superuser.
pub struct CurrentUser<U> {
    user: Arc<U>,
    principal: Principal,
}

impl<U> CurrentUser<U> {
    /// Who asks, without the struct.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The user's struct.
    pub fn user(&self) -> &Arc<U> {
        &self.user
    }

    /// Everything the user holds now.
    pub fn permissions(&self) -> &PermissionSet {
        self.principal.permissions()
    }

    /// Whether whoever asks may enter the administration; nobody may with an API key.
    pub fn is_staff(&self) -> bool {
        self.principal.is_staff()
    }

    /// The same, by the name that [`User`] has for it.
    pub fn is_admin(&self) -> bool {
        self.principal.is_staff()
    }

    /// Whether whoever asks has every permission; nobody has with an API key.
    pub fn is_superuser(&self) -> bool {
        self.principal.is_superuser()
    }

    /// Whether the user holds the permission: `user.has::<permissions::blog::add_post>()`.
    #[inline]
    pub fn has<P: DeclaredPermission>(&self) -> bool {
        self.principal.has::<P>()
    }

    /// Whether the user holds the permission of that name.
    pub fn has_perm(&self, name: &str) -> bool {
        self.principal.has_perm(name)
    }

    /// Whether the user holds all of them. An empty list is held by nobody.
    pub fn has_perms(&self, names: &[&str]) -> bool {
        !names.is_empty() && names.iter().all(|name| self.has_perm(name))
    }

    /// Whether the user holds any permission of that application.
    pub fn has_module_perms(&self, app_label: &str) -> bool {
        self.permissions().has_module(app_label)
    }

    /// Everything the user holds now, by Django's name.
    pub fn get_all_permissions(&self) -> &PermissionSet {
        self.permissions()
    }
}

impl<U> Clone for CurrentUser<U> {
    fn clone(&self) -> Self {
        Self { user: self.user.clone(), principal: self.principal.clone() }
    }
}

impl<U> Deref for CurrentUser<U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.user
    }
}

impl<U> fmt::Debug for CurrentUser<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentUser").field("principal", &self.principal).finish_non_exhaustive()
    }
}

/// A value that carries this request's effective permissions: [`CurrentUser`], [`Principal`], and references to them.
///
/// A bare user struct does not: it could not know of a permission revoked since it was read.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not carry the permissions that hold now",
    note = "mark a `CurrentUser<…>`, a reference to one, or a `Principal` with `#[user]`; a bare user struct could not know of a revocation"
)]
pub trait Subject: sealed::Sealed {
    /// Who asks.
    fn principal(&self) -> &Principal;
}

impl Subject for Principal {
    fn principal(&self) -> &Principal {
        self
    }
}

impl<U> Subject for CurrentUser<U> {
    fn principal(&self) -> &Principal {
        &self.principal
    }
}

impl<T: Subject + ?Sized> Subject for &T {
    fn principal(&self) -> &Principal {
        (**self).principal()
    }
}

/// A subject whose struct is known: what a policy is asked about.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say whose policies to ask",
    note = "mark a `CurrentUser<…>` or a reference to one with `#[user]`"
)]
pub trait TypedSubject: Subject {
    /// The user's struct.
    type User;
    /// The current user.
    fn current_user(&self) -> &CurrentUser<Self::User>;
}

impl<U> TypedSubject for CurrentUser<U> {
    type User = U;

    fn current_user(&self) -> &CurrentUser<U> {
        self
    }
}

impl<T: TypedSubject + ?Sized> TypedSubject for &T {
    type User = T::User;

    fn current_user(&self) -> &CurrentUser<T::User> {
        (**self).current_user()
    }
}

mod sealed {
    /// Whoever could implement `Subject` could invent permissions.
    pub trait Sealed {}
    impl Sealed for super::Principal {}
    impl<U> Sealed for super::CurrentUser<U> {}
    impl<T: Sealed + ?Sized> Sealed for &T {}
}
