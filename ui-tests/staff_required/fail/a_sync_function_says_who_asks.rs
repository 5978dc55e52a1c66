#[auth::staff_required]
fn handler() {}

fn main() {}
