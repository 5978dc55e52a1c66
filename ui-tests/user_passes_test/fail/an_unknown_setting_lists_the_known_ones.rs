#[auth::user_passes_test(is_adult, as = granted)]
async fn handler() {}

fn main() {}
