//! The macros of the `auth` crate, which re-exports them: write `auth::permission_required`, not `auth_macros::…`.
//!
//! Each macro has a folder with its steps: `parse` knows the syntax, `check` the rules, `expand` the code, which names
//! only `auth::__private`. Pieces that several need are in `syntax` and, for the guards, in `guard`.

mod auth_backend;
mod auth_provider;
mod diagnostics;
mod groups;
mod guard;
mod login_required;
mod password_hasher;
mod permission_required;
mod permissions;
mod recent_login;
mod runtime_path;
mod session_backend;
mod syntax;
mod user;
mod user_passes_test;

use proc_macro::TokenStream;

/// Makes a struct a user: `User`, `BaseUser`, `Model` and `UserModel`, and what else its fields allow.
///
/// ```
/// use auth::User;
/// use auth::passwords::PasswordHash;
/// use chrono::{DateTime, Utc};
/// use uuid::Uuid;
///
/// #[derive(User, Clone)]
/// #[user(table = "author", username = email)]
/// struct Author {
///     id: Uuid,
///     email: String,
///     password_hash: PasswordHash,
///     last_login: Option<DateTime<Utc>>,
///     is_active: bool,
///     is_superuser: bool,
///     groups: Vec<String>,
///     user_permissions: Vec<String>,
///     #[user(editable)]
///     pen_name: String,
///     #[user(json)]
///     links: Vec<String>,
/// }
///
/// use auth::users::BaseUser as _;
/// assert_eq!(Author::get_username_field(), "email");
/// ```
///
/// # Roles
///
/// What a field means to the framework follows from its name, or from `#[user(role)]` on a field of another name.
///
/// | role | type | |
/// | --- | --- | --- |
/// | `id` | `Uuid`, `i64`, `i32` or `String` | needed |
/// | `username` | `String` | needed; unique; `#[user(username = email)]` on the struct names the field |
/// | `password_hash` | `PasswordHash` | needed; the column is `password`, as in Django |
/// | `last_login` | `Option<DateTime<Utc>>` | needed |
/// | `is_active` | `bool` | needed |
/// | `is_staff`, `is_superuser` | `bool` | false without the field |
/// | `email`, `first_name`, `last_name`, `date_joined` | `String`, `DateTime<Utc>` | all four make a `FullUser` |
/// | `groups`, `user_permissions` | `Vec<String>` | no columns: read from the join tables; both make a `PermissionsMixin` |
///
/// A user whose name is the mail address logs in with it in any spelling: it is kept in NFKC and small letters.
///
/// # Settings
///
/// On the struct: `table = "author"` (the struct's name in `snake_case` without it), `username = field`,
/// `hasher = path` (a `PasswordHasher`; Argon2id without it), and `crate = path`, where `auth` is reached by another path.
///
/// On a field: `column = "name"`, `unique`, `editable` (the user may set it, at registration and in the profile), `json`
/// (any serde type with a `Default`, which it has until something is written), `skip` (not stored; `Default` when read).
///
/// A new user of whom nothing is said has zero, an empty text or `None` in a field; a field that is `unique` must be given,
/// so write `Option` for what may be absent. `Extra`, `update_columns`, JSON bodies and forms name columns, not fields.
///
/// Generic structs, lifetimes, tuple structs, enums and unions are refused: a user is one table, and owns what it holds.
#[proc_macro_derive(User, attributes(user))]
pub fn derive_user(input: TokenStream) -> TokenStream {
    user::run(input.into()).into()
}

/// Declares the permissions of an application: a type for each, `permissions::blog::add_post`.
///
/// ```
/// mod permissions {
///     auth::permissions! {
///         blog {
///             model Post; // add_post, change_post, delete_post, view_post
///             publish_post: "Can publish posts";
///         }
///     }
/// }
///
/// fn main() {
///     use auth::permissions::DeclaredPermission as _;
///     assert_eq!(permissions::blog::publish_post::NAME, "blog.publish_post");
///     assert_eq!(permissions::blog::view_post::NAME, "blog.view_post");
/// }
/// ```
///
/// It stands in the module `permissions` at the crate root, where the guards look. Permissions of another crate come in
/// beside it: `pub use shop::permissions::shop;`. Names are in `snake_case`, at most 100 characters; keywords may be
/// names (`type`), `self`, `super`, `crate` and `Self` may not. `model BlogPost` makes `add_blogpost`, as Django does.
///
/// Where `auth` is reached by another path, the first line is `crate = path;`, with a path from `crate::` or `::`.
#[proc_macro]
pub fn permissions(input: TokenStream) -> TokenStream {
    permissions::run(input.into()).into()
}

/// Declares groups of permissions, which `migrate` brings to the database.
///
/// ```
/// mod permissions {
///     auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
///     auth::groups! {
///         editors: "Editors" => [blog::change_post, blog::publish_post];
///     }
/// }
/// # fn main() {
/// let groups = auth::registry::entries::<auth::permissions::GroupEntry>();
/// assert_eq!(groups[0].permissions, ["blog.change_post", "blog.publish_post"]);
/// # }
/// ```
///
/// Permissions are named by their paths, so that the compiler knows them. Where `auth` is reached by another path, the
/// first line is `crate = path;`, with a path from `crate::` or `::`.
#[proc_macro]
pub fn groups(input: TokenStream) -> TokenStream {
    groups::run(input.into()).into()
}

/// Lets a handler, a function or a method run only for a user who holds the permission.
///
/// An `async fn` is a handler: it gets the check as its first argument, which runs before the body of the request is
/// read. Any other function marks who asks with `#[user]`, and returns a `Result` whose error can be made from
/// `PermissionDenied`.
///
/// ```
/// use auth::access::{CurrentUser, Granted, PermissionDenied};
/// use auth::permission_required;
///
/// mod permissions {
///     auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
/// }
/// # struct Author;
///
/// #[permission_required("blog.add_post")]
/// async fn handler() -> &'static str {
///     "added"
/// }
///
/// #[permission_required(all("blog.change_post", any("blog.publish_post", "blog.delete_post")))]
/// fn function(#[user] user: &CurrentUser<Author>, title: &str) -> Result<(), PermissionDenied> {
///     println!("{} may change {title}", user.principal().username());
///     Ok(())
/// }
///
/// #[permission_required("blog.publish_post", as = granted)] // the check leaves its proof behind
/// async fn publish() {
///     store(&granted);
/// }
///
/// fn store(_: &Granted<permissions::blog::publish_post>) {}
/// # fn main() {}
/// ```
///
/// A name that nobody declared does not compile: `"blog.add_post"` is the type `crate::permissions::blog::add_post`.
///
/// # Settings
///
/// - `as = granted` binds the proof, a `Granted<…>`, to a name.
/// - `on = post` asks about one object, the argument of that name: the permission first, then the policy of the user's
///   type for it. A handler loads the object only after the first; one that may not be seen is 403, or 404 with
///   `on = post, hidden`. One function has one `on =`.
/// - `from = path` looks for the permissions elsewhere than in `crate::permissions`.
/// - `crate = path`, where `auth` is reached by another path.
///
/// ```
/// use auth::access::{CurrentUser, Guarded, PermissionDenied, Policy};
/// # mod permissions { auth::permissions! { blog { model Post; } } }
/// # struct Author { id: i64 }
/// # struct Post { author: i64 }
/// impl Guarded for Post {
///     type User = Author;
/// }
///
/// impl Policy<permissions::blog::change_post, Post> for Author {
///     fn allows(user: &CurrentUser<Author>, post: &Post) -> bool {
///         post.author == user.id
///     }
/// }
///
/// #[auth::permission_required("blog.change_post", on = post)]
/// async fn edit(post: Post, text: String) {
///     # let _ = (post, text);
/// }
///
/// #[auth::permission_required("blog.change_post", on = post)]
/// fn rename(#[user] user: &CurrentUser<Author>, post: &mut Post) -> Result<(), PermissionDenied> {
///     # let _ = (user, post);
///     Ok(())
/// }
/// # fn main() {}
/// ```
///
/// # Security
///
/// Several guards on one function all hold, under whatever name they were imported. `#[user]` takes only what carries the
/// permissions of this request, `CurrentUser`, a reference to it, or `Principal`. Where it cannot be told who asks, the
/// guard does not compile; it never becomes no check. So the argument that a guard stands on takes no `cfg`.
#[proc_macro_attribute]
pub fn permission_required(arguments: TokenStream, item: TokenStream) -> TokenStream {
    permission_required::run(arguments.into(), item.into()).into()
}

/// Lets a handler, a function or a method run only for a user who is logged in.
///
/// It stands where [`macro@permission_required`] can stand, and takes its settings `as` and `crate`.
///
/// ```
/// #[auth::login_required]
/// async fn profile() -> &'static str {
///     "yours"
/// }
/// ```
#[proc_macro_attribute]
pub fn login_required(arguments: TokenStream, item: TokenStream) -> TokenStream {
    login_required::run("login_required", "LoggedIn", arguments.into(), item.into()).into()
}

/// Lets a handler, a function or a method run only for staff and for superusers.
///
/// It stands where [`macro@permission_required`] can stand, and takes its settings `as` and `crate`.
///
/// ```
/// # use auth::access::{CurrentUser, PermissionDenied};
/// # struct Author;
/// #[auth::staff_required]
/// fn report(#[user] user: &CurrentUser<Author>) -> Result<String, PermissionDenied> {
///     Ok(format!("for {}", user.principal().username()))
/// }
/// ```
#[proc_macro_attribute]
pub fn staff_required(arguments: TokenStream, item: TokenStream) -> TokenStream {
    login_required::run("staff_required", "Staff", arguments.into(), item.into()).into()
}

/// Lets a handler, a function or a method run only for superusers.
///
/// It stands where [`macro@permission_required`] can stand, and takes its settings `as` and `crate`.
///
/// ```
/// #[auth::superuser_required]
/// async fn settings() {}
/// ```
#[proc_macro_attribute]
pub fn superuser_required(arguments: TokenStream, item: TokenStream) -> TokenStream {
    login_required::run("superuser_required", "Superuser", arguments.into(), item.into()).into()
}

/// Lets a handler, a function or a method run only for a user who logged in by two factors, in person: not with an API key,
/// nor with a token that has scopes.
///
/// Two factors are a password, or another provider's word, with anything that is held: an authenticator app, a passkey, a recovery
/// code, a code that was sent; or a passkey alone, whose device has verified who holds it. Whoever is not logged in is sent to the login.
/// People who are, with one factor only, are sent to `/factors`, where they can add another; `auth.factor_routes()` has that page.
/// Programs get 401 with `"step_up": "second_factor"`, and 403 with an API key or a token that has scopes.
///
/// It stands where [`macro@permission_required`] can stand, and takes its settings `as` and `crate`.
///
/// ```
/// #[auth::mfa_required]
/// async fn payroll() -> &'static str {
///     "for two factors"
/// }
/// ```
///
/// # Security
///
/// It says how strong the login was, not how old it is: beside it, [`macro@recent_login`] asks again. It asks for no factor by itself:
/// where a user has one, every login does.
#[proc_macro_attribute]
pub fn mfa_required(arguments: TokenStream, item: TokenStream) -> TokenStream {
    login_required::run("mfa_required", "MultiFactor", arguments.into(), item.into()).into()
}

/// Lets a handler, a function or a method run only for a user who proved who they are a short while ago, in person.
///
/// `within` is from `"1s"` to `"24h"`, in seconds, minutes or hours: `"90s"`, `"5m"`, `"1h"`. People for whom it was longer ago are sent
/// to `/reauthenticate`, where they are asked for their password, and what else they log in with, and come back; `auth.routes()` has that
/// page. What they had sent by a form is not sent again: put the guard on the page with the form, too. Programs get 401 with
/// `"step_up": "reauthenticate"` and `"max_age"`, the seconds, and 403 with an API key or a token that has scopes.
///
/// It stands where [`macro@permission_required`] can stand, and takes its settings `as` and `crate`.
///
/// ```
/// #[auth::recent_login(within = "5m")]
/// async fn close_account() -> &'static str {
///     "closed"
/// }
/// ```
///
/// # Security
///
/// For what an open browser must not be enough for: paying, closing the account, changing what one logs in with (OWASP ASVS 7.5.1, 7.5.3).
///
/// A login by another provider is as old as the one there, where the provider tells (`auth_time`), and whoever proves it again by an
/// OpenID Connect issuer has to be asked there anew. GitHub and Google cannot be told to ask: who is logged in there passes.
#[proc_macro_attribute]
pub fn recent_login(arguments: TokenStream, item: TokenStream) -> TokenStream {
    recent_login::run(arguments.into(), item.into()).into()
}

/// Lets a handler, a function or a method run only for a user of whom a function says yes.
///
/// The function is a `fn(&CurrentUser<U>) -> bool`. It stands where [`macro@permission_required`] can stand, but a handler
/// is a free function here: beside a method no type can be declared.
///
/// ```
/// use auth::access::CurrentUser;
///
/// struct Author {
///     age: u8,
/// }
///
/// fn is_adult(user: &CurrentUser<Author>) -> bool {
///     user.age >= 18
/// }
///
/// #[auth::user_passes_test(is_adult)]
/// async fn handler() {}
/// # fn main() {}
/// ```
#[proc_macro_attribute]
pub fn user_passes_test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    user_passes_test::run(arguments.into(), item.into()).into()
}

/// Enters a session backend in the registry, under the scheme of the addresses that it serves.
///
/// ```
/// use auth::registry::{Context, Url};
/// use auth::sessions::{SessionBackend, SessionError};
/// # fn backend(_: &Url) -> Result<std::sync::Arc<dyn SessionBackend>, SessionError> { Err(SessionError::Ended) }
///
/// #[auth::session_backend("etcd")]
/// async fn connect(url: &Url, _: &Context) -> Result<impl SessionBackend, SessionError> {
///     backend(url)
/// }
/// # fn main() {}
/// ```
///
/// A crate that nothing names registers nothing: the application writes `use that_crate as _;`.
#[proc_macro_attribute]
pub fn session_backend(arguments: TokenStream, item: TokenStream) -> TokenStream {
    session_backend::run(arguments.into(), &item.into()).into()
}

/// Enters a way to recognise users in the registry, under the name that settings choose it by.
///
/// ```
/// use auth::accounts::{AuthBackend, AuthBackendError, Verdict};
/// use auth::registry::Context;
/// use auth::secret::SecretString;
///
/// #[derive(Debug)]
/// struct Ldap;
///
/// impl AuthBackend for Ldap {
///     fn authenticate<'a>(
///         &'a self,
///         username: &'a str,
///         password: &'a SecretString,
///     ) -> auth::BoxFuture<'a, Result<Verdict, AuthBackendError>> {
///         # let _ = (username, password);
///         Box::pin(async { Ok(Verdict::Next) })
///     }
/// }
///
/// #[auth::auth_backend("ldap")]
/// fn ldap(_: &Context) -> Result<impl AuthBackend, auth::Error> {
///     Ok(Ldap)
/// }
/// # fn main() {}
/// ```
///
/// A crate that nothing names registers nothing: the application writes `use that_crate as _;`.
#[proc_macro_attribute]
pub fn auth_backend(arguments: TokenStream, item: TokenStream) -> TokenStream {
    auth_backend::run(arguments.into(), &item.into()).into()
}

/// Registers another party that people log in by: GitHub, Google, one of your own.
///
/// It stands on a function that makes it, which is called once for each `Auth::builder().build()`. The name is the provider's own, too
/// (1 to 64 small letters, digits, `-` and `_`), and stands in the paths `/login/{name}` and `/login/{name}/callback` of
/// `auth.provider_routes()`. Two of one name, and a provider that calls itself something else, are errors of `build()`. A provider whose
/// secrets the program reads by itself is registered as well by `auth.authentication().register_provider(…)`.
///
/// ```
/// use auth::BoxFuture;
/// use auth::oauth2::{AuthProvider, AuthProviderError, AuthorizationFlow, AuthorizationResponse, OAuthUserInfo};
/// use auth::registry::Context;
///
/// #[derive(Debug)]
/// struct Forge;
///
/// impl AuthProvider for Forge {
///     fn name(&self) -> &str {
///         "forge"
///     }
///
///     fn get_auth_url<'a>(&'a self, flow: &'a AuthorizationFlow) -> BoxFuture<'a, Result<String, AuthProviderError>> {
///         let url = format!("https://forge.example/authorize?state={}", flow.state());
///         Box::pin(std::future::ready(Ok(url)))
///     }
///
///     fn exchange_code<'a>(
///         &'a self,
///         response: &'a AuthorizationResponse,
///         flow: &'a AuthorizationFlow,
///     ) -> BoxFuture<'a, Result<OAuthUserInfo, AuthProviderError>> {
///         # let _ = (response, flow);
///         Box::pin(async { Err(AuthProviderError::refused("the forge knows nobody yet")) })
///     }
/// }
///
/// #[auth::auth_provider("forge")]
/// fn forge(_: &Context) -> Result<impl AuthProvider, auth::Error> {
///     Ok(Forge)
/// }
/// # fn main() {}
/// ```
///
/// With the feature `oauth2-client`, `auth::oauth2::client` has those that the function can make.
///
/// A crate that nothing names registers nothing: the application writes `use that_crate as _;`.
#[proc_macro_attribute]
pub fn auth_provider(arguments: TokenStream, item: TokenStream) -> TokenStream {
    auth_provider::run(arguments.into(), &item.into()).into()
}

/// Enters a password hasher in the registry, under what its hashes begin with.
///
/// It stands on a type that is a `PasswordHasher` and has a `Default`.
///
/// ```
/// use auth::passwords::{PasswordError, PasswordHash, PasswordHasher};
///
/// #[auth::password_hasher("rot13")]
/// #[derive(Debug, Default)]
/// struct Rot13;
///
/// impl PasswordHasher for Rot13 {
///     fn hash(&self, password: &str) -> Result<PasswordHash, PasswordError> {
///         // …
///         # Ok(PasswordHash::new(password))
///     }
///     # fn verify(&self, _: &str, _: &PasswordHash) -> Result<bool, PasswordError> { Ok(false) }
///     # fn needs_rehash(&self, _: &PasswordHash) -> bool { true }
///     // …
/// }
/// # fn main() {}
/// ```
///
/// A crate that nothing names registers nothing: the application writes `use that_crate as _;`.
#[proc_macro_attribute]
pub fn password_hasher(arguments: TokenStream, item: TokenStream) -> TokenStream {
    password_hasher::run(arguments.into(), &item.into()).into()
}
