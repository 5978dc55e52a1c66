use auth::User;

#[derive(User, Clone)]
struct Author(String);

fn main() {}
