//! What the application does, without HTTP. It cannot be called without a check: the proof is an argument.

use auth::prelude::*;

use crate::permissions;
use crate::posts::{Post, Posts};

/// Publishes a post.
pub(crate) fn publish(_: &Granted<permissions::blog::publish_post>, posts: &Posts, id: u64) -> Option<Post> {
    posts.change(id, |post| post.published = true)
}
