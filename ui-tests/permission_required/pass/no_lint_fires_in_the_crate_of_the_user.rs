//! What the macros write raises no warning, however strict the crate is.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused, unused_qualifications)]
#![deny(non_camel_case_types, private_interfaces, single_use_lifetimes, unit_bindings, let_underscore_drop)]

use auth::access::{CurrentUser, PermissionDenied};
use auth::database::Model as _;
use auth::passwords::PasswordHash;
use auth::{User, permission_required, user_passes_test};
use chrono::{DateTime, Utc};

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
    auth::groups! { editors: "Editors" => [blog::change_post]; }
}
use permissions::blog;

#[derive(User, Clone, Debug)]
struct Author {
    id: i64,
    username: String,
    password_hash: PasswordHash,
    last_login: Option<DateTime<Utc>>,
    is_active: bool,
    groups: Vec<String>,
}

#[permission_required("blog.add_post")]
#[user_passes_test(is_somebody)]
async fn handler() {}

#[permission_required("blog.add_post", as = granted)]
#[user_passes_test(is_somebody)]
fn function(#[user] user: &CurrentUser<Author>) -> Result<(), PermissionDenied> {
    use std::result::Result::Ok as Fine;
    proof(&granted, user);
    Fine(())
}

fn proof(_: &auth::access::Granted<blog::add_post>, _: &CurrentUser<Author>) {}

fn is_somebody(_: &CurrentUser<Author>) -> bool {
    true
}

fn main() {
    let _ = (handler, function, Author::TABLE);
}
