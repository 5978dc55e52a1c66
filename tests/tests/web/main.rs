//! The axum adapter over real HTTP: guards, sessions, cookies, cross-site rules, limits, and bad input.
#![expect(clippy::unwrap_used, reason = "a test panics when something is wrong")]

mod app;
mod attacks;
mod bearer;
mod carried;
mod cookies;
mod credentials;
mod cross_site;
mod csrf;
mod devices;
mod dumps;
mod ended;
mod failures;
mod flood;
mod guards;
mod input;
mod kept;
mod keys;
mod logins;
mod outages;
mod passkeys;
mod probes;
mod redis;
mod restarts;
mod service;
mod sessions;
mod settings;
mod step_up;
mod steps;
mod websocket;

pub(crate) mod permissions {
    auth::permissions! {
        blog {
            model Post;
            publish_post: "Can publish posts";
        }
    }
    auth::groups! { editors: "Editors" => [blog::change_post, blog::publish_post]; }
}
