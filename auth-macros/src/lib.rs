//! The macros of the `auth` crate. Name them through it: `auth::permission_required`, `auth::User`, ….

mod auth_backend;
mod diagnostics;
mod groups;
mod guard;
mod login_required;
mod password_hasher;
mod permission_required;
mod permissions;
mod runtime_path;
mod session_backend;
mod syntax;
mod user;
mod user_passes_test;

use proc_macro::TokenStream;

/// Makes a struct a user
#[proc_macro_derive(User, attributes(user))]
pub fn derive_user(input: TokenStream) -> TokenStream {
    user::run(input.into()).into()
}

/// Declares permissions
#[proc_macro]
pub fn permissions(input: TokenStream) -> TokenStream {
    permissions::run(input.into()).into()
}

/// Declares groups
#[proc_macro]
pub fn groups(input: TokenStream) -> TokenStream {
    groups::run(input.into()).into()
}

/// Guards
#[proc_macro_attribute]
pub fn permission_required(arguments: TokenStream, item: TokenStream) -> TokenStream {
    permission_required::run(arguments.into(), item.into()).into()
}

/// Guards
#[proc_macro_attribute]
pub fn login_required(arguments: TokenStream, item: TokenStream) -> TokenStream {
    login_required::run("login_required", "LoggedIn", arguments.into(), item.into()).into()
}

/// Guards
#[proc_macro_attribute]
pub fn staff_required(arguments: TokenStream, item: TokenStream) -> TokenStream {
    login_required::run("staff_required", "Staff", arguments.into(), item.into()).into()
}

/// Guards
#[proc_macro_attribute]
pub fn superuser_required(arguments: TokenStream, item: TokenStream) -> TokenStream {
    login_required::run("superuser_required", "Superuser", arguments.into(), item.into()).into()
}

/// Guards
#[proc_macro_attribute]
pub fn user_passes_test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    user_passes_test::run(arguments.into(), item.into()).into()
}

/// Registers
#[proc_macro_attribute]
pub fn session_backend(arguments: TokenStream, item: TokenStream) -> TokenStream {
    session_backend::run(arguments.into(), item.into()).into()
}

/// Registers
#[proc_macro_attribute]
pub fn auth_backend(arguments: TokenStream, item: TokenStream) -> TokenStream {
    auth_backend::run(arguments.into(), item.into()).into()
}

/// Registers
#[proc_macro_attribute]
pub fn password_hasher(arguments: TokenStream, item: TokenStream) -> TokenStream {
    password_hasher::run(arguments.into(), item.into()).into()
}
