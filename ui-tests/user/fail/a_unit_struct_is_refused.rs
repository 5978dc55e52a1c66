use auth::User;

#[derive(User, Clone)]
struct Author;

fn main() {}
