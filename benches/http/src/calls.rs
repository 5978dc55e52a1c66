//! `http calls [MODES] [--quick]`: the same route called in the process, without sockets. What is over `bare` is what
//! the check costs; the kernel's share, which hides it in `serve`, is left out.

use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Request, header};
use timing::{Bench, Figure};
use tokio::runtime::Runtime;
use tower::Service as _;

/// Times the route of each of these routers. All but the first want a login.
pub fn run(runtime: Runtime, modes: Vec<(&str, Router)>) -> Result<()> {
    let runtime = Arc::new(runtime);
    let mut figure = Figure::new("protected route, calls in the process");
    for (name, router) in modes {
        let (mut router, cookie) = runtime.block_on(async {
            // As `axum::serve` has it: the layers are put around the routes once, not at each call.
            let mut router = router.with_state(());
            let cookie = log_in(&mut router, name).await?;
            anyhow::Ok((router, cookie))
        })?;
        let runtime = runtime.clone();
        figure = figure.add(name, move || {
            let call = async { router.call(protected(&cookie)).await.expect("infallible") };
            let response = runtime.block_on(call);
            assert!(response.status().is_success());
            response
        });
    }
    Bench::from_args().run(figure);
    Ok(())
}

fn protected(cookie: &Option<HeaderValue>) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = axum::http::Uri::from_static("/protected");
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_static("bench"));
    if let Some(cookie) = cookie {
        headers.insert(header::COOKIE, cookie.clone());
    }
    request
}

async fn log_in(router: &mut Router, name: &str) -> Result<Option<HeaderValue>> {
    if name == "bare" {
        return Ok(None);
    }
    let refused = router.call(protected(&None)).await?;
    anyhow::ensure!(refused.status() == 401, "{name} lets strangers in");
    let login = Request::post("/login")
        .header(header::HOST, "bench")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from("username=alice&password=secret"))?;
    let answer = router.call(login).await?;
    let pair = |set: &HeaderValue| Some(set.to_str().ok()?.split(';').next()?.to_owned());
    let pairs: Vec<_> = answer.headers().get_all(header::SET_COOKIE).iter().filter_map(pair).collect();
    anyhow::ensure!(!pairs.is_empty(), "{name} sets no cookie");
    Ok(Some(HeaderValue::try_from(pairs.join("; ")).context("a cookie")?))
}
