use auth::permission_required;

mod permissions {
    pub use auth_ui_tests::permissions::shop;
}

#[permission_required("shop.refund_ordr")]
async fn handler() {}

fn main() {}
