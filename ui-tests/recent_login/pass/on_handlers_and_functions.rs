use auth::access::{CurrentUser, Granted, PermissionDenied, RecentLogin};
use auth::recent_login;

struct Author;

#[recent_login(within = "30s")]
async fn handler() {}

#[recent_login(within = "5m", as = granted, crate = ::auth)]
async fn proved() {
    proof(&granted);
}

#[recent_login(within = "24h")]
fn function(#[user] user: &CurrentUser<Author>) -> Result<(), PermissionDenied> {
    let _ = user;
    Ok(())
}

fn proof(_: &Granted<RecentLogin<300>>) {}

fn main() {
    assert_eq!(auth::registry::entries::<auth::access::GuardEntry>().len(), 3);
    let _ = (handler, proved, function);
}
