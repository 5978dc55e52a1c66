#[auth::password_hasher]
#[derive(Debug, Default)]
struct Plain;


fn main() {}
