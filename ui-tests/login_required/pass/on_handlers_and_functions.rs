use auth::access::{CurrentUser, Granted, PermissionDenied, LoggedIn};
use auth::login_required;

struct Author;

#[login_required]
async fn handler() {}

#[login_required(as = granted, crate = ::auth)]
async fn proved() {
    proof(&granted);
}

#[login_required(as = granted)]
fn function(#[user] user: &CurrentUser<Author>) -> Result<(), PermissionDenied> {
    proof(&granted);
    let _ = user;
    Ok(())
}

fn proof(_: &Granted<LoggedIn>) {}

fn main() {
    assert_eq!(auth::registry::entries::<auth::access::GuardEntry>().len(), 3);
    let _ = (handler, proved, function);
}
