#[auth::user_passes_test(is_adult)]
async fn handler() {}

fn main() {}
