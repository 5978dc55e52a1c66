#[auth::staff_required(on = post)]
async fn handler() {}

fn main() {}
