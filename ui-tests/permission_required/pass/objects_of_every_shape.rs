//! `on =` with lists, references, `dyn`, `impl Trait` and generic objects.
use auth::access::{CurrentUser, Granted, Guarded, PermissionDenied, Policy};
use auth::permission_required;
use std::fmt::Debug;

mod permissions {
    auth::permissions! { blog { model Post; } }
}
use permissions::blog::{change_post, delete_post};

struct Author;
#[derive(Debug)]
struct Post<T>(T);

impl<T: ?Sized> Policy<change_post, T> for Author {
    fn allows(_: &CurrentUser<Self>, _: &T) -> bool {
        true
    }
}
impl<T> Policy<delete_post, Post<T>> for Author {
    fn allows(_: &CurrentUser<Self>, _: &Post<T>) -> bool {
        true
    }
}
impl<T> Guarded for Post<T> {
    type User = Author;
}

#[permission_required(all("blog.change_post", any("blog.delete_post")), on = post, as = granted)]
async fn handler<T: Send>(post: Post<T>) -> T {
    both(&granted);
    post.0
}

fn both(_: &Granted<auth::access::All<(change_post, delete_post)>>) {}

#[permission_required(all("blog.change_post", "blog.delete_post"), on = post)]
fn generic<T: Debug>(#[user] user: CurrentUser<Author>, mut post: Post<T>) -> Result<T, PermissionDenied> {
    let _ = (user, &mut post);
    Ok(post.0)
}

#[permission_required("blog.change_post", on = post)]
fn exclusive(#[user] user: &CurrentUser<Author>, post: &mut Post<u8>) -> Result<u8, PermissionDenied> {
    let _ = user;
    post.0 += 1;
    Ok(post.0)
}

#[permission_required("blog.change_post", on = post)]
async fn dynamic<'a>(
    #[user] user: &CurrentUser<Author>,
    post: &'a (dyn Debug + Sync),
) -> Result<&'a (dyn Debug + Sync), PermissionDenied> {
    let _ = user;
    Ok(post)
}

#[permission_required("blog.change_post", on = post)]
fn hidden_type(#[user] user: &CurrentUser<Author>, post: &impl Debug) -> Result<(), PermissionDenied> {
    let _ = (user, post);
    Ok(())
}

fn main() {
    let _ = (handler::<u8>, generic::<u8>, exclusive, dynamic);
    let _ = |user: &CurrentUser<Author>| hidden_type(user, &1);
}
