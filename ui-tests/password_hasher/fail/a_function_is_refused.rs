#[auth::password_hasher("plain")]
fn plain() {}


fn main() {}
