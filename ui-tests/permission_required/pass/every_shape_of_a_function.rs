//! `#[user]` on sync, async and generic functions, methods, trait methods, with lifetimes, `where` and `impl Trait`.
use auth::access::{CurrentUser, PermissionDenied, Principal, Subject};
use auth::permission_required as pr;
use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; type: "Can type"; } }
    pub use auth_ui_tests::permissions::shop;
}

struct Author;

#[permission_required("blog.add_post")]
fn sync(#[user] user: &CurrentUser<Author>) -> Result<(), PermissionDenied> {
    let _ = user;
    Ok(())
}

#[permission_required("blog.type")]
async fn asynchronous(#[user] user: CurrentUser<Author>, _n: u8) -> Result<String, PermissionDenied> {
    std::future::ready(()).await;
    Ok(user.principal().id().to_owned())
}

#[pr("blog.add_post")]
#[permission_required("shop.refund_order")]
fn generic<'a, I>(
    #[user] user: &Principal,
    items: I,
    text: &'a str,
) -> Result<impl Iterator<Item = &'a str> + use<'a, I>, PermissionDenied>
where
    I: IntoIterator<Item = u8>,
{
    let _ = user.id();
    Ok(items.into_iter().map(move |_| text))
}

#[permission_required(all("blog.add_post", any("blog.publish_post", "shop.view_order")))]
fn nested(#[user] user: &CurrentUser<Author>) -> Result<(), Box<dyn std::error::Error>> {
    let _ = user;
    Ok(())
}

#[permission_required("blog.add_post")]
fn whoever(#[user] user: &impl Subject) -> Result<(), PermissionDenied> {
    let _ = user.principal();
    Ok(())
}

#[permission_required("blog.add_post", as = _granted)]
fn opaque(#[user] user: &Principal) -> impl Sized {
    let _ = user;
    Ok::<u8, PermissionDenied>(1)
}

type Answer<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[permission_required("blog.add_post")]
unsafe fn aliased(#[user] mut user: Principal) -> Answer<Principal> {
    user = user.clone();
    Ok(user)
}

struct Service<T>(T);

impl<T: Clone> Service<T> {
    #[permission_required("blog.change_post", as = granted)]
    async fn change(&mut self, #[user] user: &CurrentUser<Author>) -> Result<T, PermissionDenied> {
        proof(&granted);
        let _ = user;
        Ok(self.0.clone())
    }

    #[pr("blog.change_post", as = granted)]
    #[pr("blog.add_post")]
    #[auth::login_required]
    #[auth::staff_required]
    #[auth::superuser_required]
    #[auth::user_passes_test(is_somebody)]
    #[auth::user_passes_test(Self::test)]
    fn stacked(&self, #[user] user: &CurrentUser<Author>) -> Result<(), PermissionDenied> {
        proof(&granted);
        let _ = user;
        Ok(())
    }

    fn test(_: &CurrentUser<Author>) -> bool {
        true
    }
}

fn is_somebody(_: &CurrentUser<Author>) -> bool {
    true
}

fn proof(_: &auth::access::Granted<permissions::blog::change_post>) {}

trait Publishes {
    async fn publish(&self, user: &CurrentUser<Author>) -> Result<(), PermissionDenied>;

    #[permission_required("blog.publish_post")]
    fn provided(&self, #[user] user: &CurrentUser<Author>) -> Result<(), PermissionDenied> {
        let _ = user;
        Ok(())
    }
}

impl<T> Publishes for Service<T> {
    #[permission_required("blog.publish_post")]
    async fn publish(&self, #[user] user: &CurrentUser<Author>) -> Result<(), PermissionDenied> {
        let _ = user;
        Ok(())
    }
}

fn main() {
    let names = |function: &str| {
        let entries = auth::registry::entries::<auth::access::GuardEntry>();
        let mut found: Vec<_> = entries
            .into_iter()
            .filter(|entry| entry.function.ends_with(function))
            .map(|entry| ((entry.requirement)(), (entry.permissions)()))
            .collect();
        found.sort();
        found
    };
    assert_eq!(names("::sync"), [("blog.add_post".to_owned(), vec!["blog.add_post"])]);
    assert_eq!(
        names("::nested"),
        [(
            "all(blog.add_post, any(blog.publish_post, shop.view_order))".to_owned(),
            vec!["blog.add_post", "blog.publish_post", "shop.view_order"],
        )]
    );
    assert_eq!(names("::generic").len(), 2);
    assert_eq!(names("::stacked").len(), 7);
    let _ = (sync, asynchronous, nested);
    let _ = (generic::<Vec<u8>>, opaque);
    let _ = |user: &Principal| (whoever(user).is_ok(), unsafe { aliased(user.clone()) }.is_ok());
    let _ = (Service::<u8>::change, Service::<u8>::stacked, Service::<u8>::publish, Service::<u8>::provided);
}
