use auth::User;

#[derive(User, Clone)]
enum Author {
    Known,
}

fn main() {}
