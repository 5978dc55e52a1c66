//! Another crate, as the UI tests see it: it declares permissions, and a user type, that they take over.

use auth::permissions::DeclaredPermission as _;

/// The words of the other crate.
pub mod permissions {
    auth::permissions! {
        shop {
            model Order;
            refund_order: "Can refund orders";
        }
    }
    auth::groups! {
        clerks: "Clerks" => [shop::view_order, shop::refund_order];
    }
}

/// A name of this crate, for what needs one.
pub const REFUND: &str = permissions::shop::refund_order::NAME;
