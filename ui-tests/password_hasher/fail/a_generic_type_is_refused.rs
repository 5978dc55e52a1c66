#[auth::password_hasher("plain")]
#[derive(Debug, Default)]
struct Plain<T>(T);


fn main() {}
