use auth::accounts::AuthProviderEntry;
use auth::oauth2::AuthProvider;
use auth::permissions::{GroupEntry, PermissionEntry};
use auth::registry::{self, Context, Place, Url};
use auth::sessions::{SessionBackend, SessionBackendEntry, SessionError};

mod permissions {
    auth::permissions! { blog { publish_post: "Can publish posts"; } }
    auth::groups! { editors: "Editors" => [blog::publish_post]; }
}

mod other {
    auth::permissions! { blog { publish_post: "Can publish"; } }
    auth::groups! { editors: "Others" => [blog::publish_post]; }
}

#[auth::session_backend("memory")]
async fn connect(_: &Url, _: &Context) -> Result<impl SessionBackend, SessionError> {
    Err::<std::sync::Arc<dyn SessionBackend>, _>(SessionError::Ended)
}

mod providers {
    use super::{AuthProvider, Context};

    #[auth::auth_provider("forge")]
    fn one(_: &Context) -> Result<impl AuthProvider, auth::Error> {
        Err::<std::sync::Arc<dyn AuthProvider>, _>(auth::Error::Configuration(String::new()))
    }

    #[auth::auth_provider("forge")]
    fn another(_: &Context) -> Result<impl AuthProvider, auth::Error> {
        Err::<std::sync::Arc<dyn AuthProvider>, _>(auth::Error::Configuration(String::new()))
    }
}

// By hand, as the macros do it.
auth::__private::inventory::submit! {
    GroupEntry { name: "by_hand", title: "By hand", permissions: &[], place: Place::new(module_path!(), file!(), line!()) }
}

fn main() {
    for error in [
        registry::check::<PermissionEntry>().unwrap_err(),
        registry::check::<GroupEntry>().unwrap_err(),
        registry::check::<SessionBackendEntry>().unwrap_err(),
        registry::check::<AuthProviderEntry>().unwrap_err(),
    ] {
        let text = error.to_string();
        assert!(text.contains("is declared twice: at ") && text.matches(".rs:").count() == 2, "{text}");
        assert_ne!(error.first, error.second);
    }
    assert!(registry::find::<GroupEntry>("by_hand").is_ok());
    let unknown = registry::find::<GroupEntry>("nobody").unwrap_err().to_string();
    assert!(unknown.contains("known: by_hand, editors, editors") && unknown.contains("use that_crate as _;"), "{unknown}");
}
