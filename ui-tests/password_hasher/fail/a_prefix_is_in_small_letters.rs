#[auth::password_hasher("Plain")]
#[derive(Debug, Default)]
struct Plain;


fn main() {}
