use auth::access::{CurrentUser, Granted, PermissionDenied, Superuser};
use auth::superuser_required;

struct Author;

#[superuser_required]
async fn handler() {}

#[superuser_required(as = granted, crate = ::auth)]
async fn proved() {
    proof(&granted);
}

#[superuser_required(as = granted)]
fn function(#[user] user: &CurrentUser<Author>) -> Result<(), PermissionDenied> {
    proof(&granted);
    let _ = user;
    Ok(())
}

fn proof(_: &Granted<Superuser>) {}

fn main() {
    assert_eq!(auth::registry::entries::<auth::access::GuardEntry>().len(), 3);
    let _ = (handler, proved, function);
}
