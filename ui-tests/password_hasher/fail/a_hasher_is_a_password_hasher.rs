#[auth::password_hasher("plain")]
#[derive(Debug, Default)]
struct Plain;


fn main() {}
