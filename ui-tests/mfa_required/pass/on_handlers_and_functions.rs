use auth::access::{CurrentUser, Granted, PermissionDenied, MultiFactor};
use auth::mfa_required;

struct Author;

#[mfa_required]
async fn handler() {}

#[mfa_required(as = granted, crate = ::auth)]
async fn proved() {
    proof(&granted);
}

#[mfa_required(as = granted)]
fn function(#[user] user: &CurrentUser<Author>) -> Result<(), PermissionDenied> {
    proof(&granted);
    let _ = user;
    Ok(())
}

fn proof(_: &Granted<MultiFactor>) {}

fn main() {
    assert_eq!(auth::registry::entries::<auth::access::GuardEntry>().len(), 3);
    let _ = (handler, proved, function);
}
