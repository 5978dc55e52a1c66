use auth::access::{CurrentUser, Granted, PermissionDenied, Staff};
use auth::staff_required;

struct Author;

#[staff_required]
async fn handler() {}

#[staff_required(as = granted, crate = ::auth)]
async fn proved() {
    proof(&granted);
}

#[staff_required(as = granted)]
fn function(#[user] user: &CurrentUser<Author>) -> Result<(), PermissionDenied> {
    proof(&granted);
    let _ = user;
    Ok(())
}

fn proof(_: &Granted<Staff>) {}

fn main() {
    assert_eq!(auth::registry::entries::<auth::access::GuardEntry>().len(), 3);
    let _ = (handler, proved, function);
}
