use auth::access::CurrentUser;

struct Author;

fn is_adult(_: &CurrentUser<Author>) -> bool {
    true
}

impl Author {
    #[auth::user_passes_test(is_adult)]
    async fn handler() {}
}

fn main() {}
