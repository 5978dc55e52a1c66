struct Author;

fn is_adult(_: &Author) -> bool {
    true
}

#[auth::user_passes_test(is_adult)]
async fn handler() {}

fn main() {}
