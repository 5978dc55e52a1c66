use auth::access::{CurrentUser, PermissionDenied};
struct Author;

mod tests {
    pub fn is_adult(_: &super::CurrentUser<super::Author>) -> bool {
        true
    }
}

#[auth::user_passes_test(tests::is_adult)]
#[auth::user_passes_test(crate::tests::is_adult)]
async fn handler() {}

#[auth::user_passes_test(tests::is_adult, crate = ::auth)]
fn function(#[user] user: &CurrentUser<Author>) -> Result<(), PermissionDenied> {
    let _ = user;
    Ok(())
}

fn main() {
    let entries = auth::registry::entries::<auth::access::GuardEntry>();
    let asked: Vec<_> = entries.iter().map(|entry| (entry.requirement)()).collect();
    assert_eq!(asked, ["tests::is_adult", "tests::is_adult", "crate::tests::is_adult"]);
    let _ = (handler, function);
}
