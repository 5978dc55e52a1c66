//! The attacks of RFC 9700, "Best Current Practice for OAuth 2.0 Security", by its sections.

mod section_4_10_audience;
mod section_4_11_open_redirect;
mod section_4_12_redirects_after_forms;
mod section_4_14_refresh_tokens;
mod section_4_15_clients_are_no_users;
mod section_4_16_clickjacking;
mod section_4_1_redirect_uris;
mod section_4_2_leaks;
mod section_4_4_mix_up;
mod section_4_5_code_injection;
mod section_4_7_cross_site;
mod section_4_8_pkce_downgrade;

use auth::oauth2::CodeVerifier;
use auth::oauth2::provider::{GrantType, OAuth2Application};
use axum::http::{Method, StatusCode};
use serde_json::json;

use super::site::{CALLBACK, confidential, hidden_fields, parameter, public};
use super::{Client, Flow, Site};
