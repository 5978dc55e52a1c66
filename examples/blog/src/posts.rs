//! Posts, and who may do what with a single one.

use std::sync::{Arc, Mutex, PoisonError};

use auth::access::Guarded;
use auth::prelude::*;
use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};

use crate::{Author, permissions};

/// A post.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Post {
    pub(crate) id: u64,
    pub(crate) author: i64,
    pub(crate) title: String,
    pub(crate) published: bool,
}

/// What an author sends.
#[derive(Debug, Deserialize)]
pub(crate) struct Change {
    pub(crate) title: String,
}

impl Policy<permissions::blog::change_post, Post> for Author {
    fn allows(user: &CurrentUser<Author>, post: &Post) -> bool {
        post.author == user.id
    }
}

impl Guarded for Post {
    type User = Author;
}

/// A handler gets the post that its path names.
impl FromRequestParts<Posts> for Post {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, posts: &Posts) -> Result<Self, StatusCode> {
        let Path(id) = Path::<u64>::from_request_parts(parts, posts).await.map_err(|_| StatusCode::NOT_FOUND)?;
        posts.all(|post| post.id == id).pop().ok_or(StatusCode::NOT_FOUND)
    }
}

/// All posts, in memory: what a blog keeps in its own database.
#[derive(Clone, Debug, Default)]
pub(crate) struct Posts(Arc<Mutex<Vec<Post>>>);

impl Posts {
    pub(crate) fn all(&self, wanted: impl Fn(&Post) -> bool) -> Vec<Post> {
        self.lock().iter().filter(|post| wanted(post)).cloned().collect()
    }

    pub(crate) fn add(&self, author: i64, change: Change) -> Post {
        let mut posts = self.lock();
        let post = Post { id: posts.len() as u64 + 1, author, title: change.title, published: false };
        posts.push(post.clone());
        post
    }

    pub(crate) fn change(&self, id: u64, change: impl FnOnce(&mut Post)) -> Option<Post> {
        let mut posts = self.lock();
        let post = posts.iter_mut().find(|post| post.id == id)?;
        change(post);
        Some(post.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Post>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
