//! The routes, and what each of them asks for.

use auth::access::{HasPerm, IsAdminUser};
use auth::prelude::*;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};

use crate::posts::{Change, Post, Posts};
use crate::{Author, permissions, service};

/// | route | who may |
/// | --- | --- |
/// | `GET /posts` | everybody sees what is published |
/// | `POST /posts` | writers |
/// | `PUT /posts/{id}` | writers, their own; nobody else learns that it is there |
/// | `POST /posts/{id}/publish` | editors |
/// | `GET /drafts` | editors and staff |
pub(crate) fn router(auth: &Auth<Author>) -> Router {
    let drafts = Router::new()
        .route("/drafts", get(drafts))
        .route_layer(auth.require(IsAdminUser | HasPerm::<permissions::blog::publish_post>::new()));
    auth.protected(
        Router::new()
            .route("/posts", post(add))
            .route("/posts/{id}", put(edit))
            .route("/posts/{id}/publish", post(publish)),
    )
    .merge(drafts)
    .route("/posts", get(list))
    .merge(auth.routes())
    .layer(auth.layer())
    .with_state(Posts::default())
}

async fn list(State(posts): State<Posts>) -> Json<Vec<Post>> {
    Json(posts.all(|post| post.published))
}

async fn drafts(State(posts): State<Posts>) -> Json<Vec<Post>> {
    Json(posts.all(|post| !post.published))
}

#[permission_required("blog.add_post")]
async fn add(
    user: CurrentUser<Author>,
    State(posts): State<Posts>,
    Json(change): Json<Change>,
) -> (StatusCode, Json<Post>) {
    (StatusCode::CREATED, Json(posts.add(user.id, change)))
}

// The permission is checked before the post is loaded, its policy after it.
#[permission_required("blog.change_post", on = post, hidden)]
async fn edit(post: Post, State(posts): State<Posts>, Json(change): Json<Change>) -> Result<Json<Post>, StatusCode> {
    posts.change(post.id, |post| post.title = change.title).map(Json).ok_or(StatusCode::NOT_FOUND)
}

// The check leaves its proof behind, and the service demands it.
#[permission_required("blog.publish_post", as = granted)]
async fn publish(State(posts): State<Posts>, Path(id): Path<u64>) -> Result<Json<Post>, StatusCode> {
    service::publish(&granted, &posts, id).map(Json).ok_or(StatusCode::NOT_FOUND)
}
