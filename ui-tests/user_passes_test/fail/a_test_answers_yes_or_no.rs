use auth::access::CurrentUser;

struct Author;

fn is_adult(_: &CurrentUser<Author>) -> u8 {
    18
}

#[auth::user_passes_test(is_adult)]
async fn handler() {}

fn main() {}
