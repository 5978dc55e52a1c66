//! A handler gets the check as its first argument, before anything reads the body.
use auth::access::{CurrentUser, Granted, Guarded, Policy};
use auth::permission_required as pr;
use auth::permission_required;

mod permissions {
    auth::permissions! { blog { model Post; publish_post: "Can publish posts"; } }
}
mod words {
    auth::permissions! { wiki { edit_page: "Can edit pages" } }
}

#[derive(Clone)]
struct Author;
struct Post;

impl Policy<permissions::blog::change_post, Post> for Author {
    fn allows(_: &CurrentUser<Self>, _: &Post) -> bool {
        true
    }
}

impl Guarded for Post {
    type User = Author;
}

fn change(_: &mut Post) {}

fn proof(_: &Granted<permissions::blog::publish_post>) {}

#[permission_required("blog.add_post")]
async fn plain() -> &'static str {
    "done"
}

#[permission_required("blog.publish_post", as = granted)]
async fn proved(id: i64) -> i64 {
    proof(&granted);
    id
}

#[permission_required("wiki.edit_page", from = crate::words)]
async fn elsewhere() {}

#[permission_required("blog.change_post", on = post)]
async fn object(id: i64, post: Post, body: String) -> String {
    let _ = (id, post);
    body
}

#[permission_required("blog.change_post", on = post, hidden, as = _granted)]
async fn hidden(mut post: Post) {
    change(&mut post);
}

#[pr("blog.add_post")]
#[permission_required("blog.change_post", on = post)]
#[auth::login_required]
#[auth::user_passes_test(self::is_somebody)]
pub(crate) async fn stacked<T, U: ?Sized>(state: T, post: Post) -> impl Sized
where
    T: Clone + AsRef<U>,
{
    let _ = post;
    state
}

fn is_somebody(_: &CurrentUser<Author>) -> bool {
    true
}

struct Handlers;

impl Handlers {
    #[permission_required("blog.view_post")]
    async fn associated<'a>(text: &'a str) -> &'a str {
        text
    }
}

fn main() {
    fn none<A, F>(_: impl FnOnce(A) -> F) {}
    fn one<A, B, F>(_: impl FnOnce(A, B) -> F) {}
    fn two<A, B, C, F>(_: impl FnOnce(A, B, C) -> F) {}
    none(plain);
    none(elsewhere);
    none(hidden);
    one(proved);
    one(|check, text| Handlers::associated(check, text));
    two(object);
    let _ = |a, b, c, d, e: String| stacked::<String, str>(a, b, c, d, e);
}
