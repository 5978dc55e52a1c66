//! What clients can find out by themselves (RFC 8414, OpenID Connect Discovery).

use serde_json::{Value, json};

use super::oidc::{ID_TOKEN_CLAIMS, IdTokens, OPENID_SCOPES, UserColumns};
use super::{GrantType, OAuth2Authentication, OAuth2Error};

/// Where the endpoints are, under the issuer.
pub(crate) mod paths {
    pub(crate) const AUTHORIZE: &str = "/oauth2/authorize";
    pub(crate) const TOKEN: &str = "/oauth2/token";
    pub(crate) const REVOKE: &str = "/oauth2/revoke";
    pub(crate) const INTROSPECT: &str = "/oauth2/introspect";
    pub(crate) const DEVICE_AUTHORIZATION: &str = "/oauth2/device_authorization";
    pub(crate) const DEVICE: &str = "/oauth2/device";
    pub(crate) const USERINFO: &str = "/oauth2/userinfo";
    pub(crate) const JWKS: &str = "/oauth2/jwks";
    pub(crate) const LOGOUT: &str = "/oauth2/logout";
    #[cfg(feature = "web-axum")]
    pub(crate) const CONFIRM_LOGOUT: &str = "/oauth2/logout/confirm";
    #[cfg(feature = "web-axum")]
    pub(crate) const OPENID: &str = "/.well-known/openid-configuration";
    #[cfg(feature = "web-axum")]
    pub(crate) const METADATA: &str = "/.well-known/oauth-authorization-server";
}

impl OAuth2Authentication {
    /// The metadata of RFC 8414 §2 and of OpenID Connect Discovery §3, which are one.
    ///
    /// # Errors
    /// [`OAuth2Error::Configuration`] where there is no issuer.
    pub fn metadata(&self) -> Result<Value, OAuth2Error> {
        let issuer = self.issuer()?;
        let at = |path: &str| format!("{issuer}{path}");
        let described = self.described_scopes().iter().map(|(name, _)| name.as_str());
        let of_openid =
            OPENID_SCOPES.iter().map(|(name, _)| *name).filter(|name| !described.clone().any(|it| it == *name));
        let scopes: Vec<_> = of_openid.chain(described.clone()).collect();
        let grants = [
            GrantType::AuthorizationCode,
            GrantType::ClientCredentials,
            GrantType::RefreshToken,
            GrantType::DeviceCode,
            #[cfg(feature = "danger-oauth2-implicit")]
            GrantType::Implicit,
        ];
        let responses: &[&str] = if cfg!(feature = "danger-oauth2-implicit") { &["code", "token"] } else { &["code"] };
        Ok(json!({
            "issuer": issuer,
            "authorization_endpoint": at(paths::AUTHORIZE),
            "token_endpoint": at(paths::TOKEN),
            "revocation_endpoint": at(paths::REVOKE),
            "introspection_endpoint": at(paths::INTROSPECT),
            "device_authorization_endpoint": at(paths::DEVICE_AUTHORIZATION),
            "userinfo_endpoint": at(paths::USERINFO),
            "jwks_uri": at(paths::JWKS),
            "end_session_endpoint": at(paths::LOGOUT),
            "response_types_supported": responses,
            "response_modes_supported": if responses.len() > 1 { json!(["query", "fragment"]) } else { json!(["query"]) },
            "grant_types_supported": grants.map(GrantType::as_str),
            "scopes_supported": scopes,
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
            "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "authorization_response_iss_parameter_supported": true,
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.id_tokens().keys().algorithm().name()],
            "claim_types_supported": ["normal"],
            "claims_supported": ID_TOKEN_CLAIMS.iter().chain(&UserColumns::CLAIMS).collect::<Vec<_>>(),
            "acr_values_supported": [IdTokens::MULTI_FACTOR],
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            "claims_parameter_supported": false,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
        }))
    }
}
