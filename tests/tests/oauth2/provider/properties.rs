//! Whatever is sent, nothing panics, and nobody is redirected to what was not registered.

use std::sync::OnceLock;

use auth::oauth2::provider::{ClientCredentials, RequestVerdict, Scope, TokenRequest};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use super::site::{CALLBACK, confidential};
use super::{Client, Site};

struct World {
    runtime: Runtime,
    site: Site,
    client: Client,
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let runtime = Runtime::new().unwrap();
        let site = runtime.block_on(Site::start());
        let client = runtime.block_on(site.register(confidential().client_id("prints")));
        World { runtime, site, client }
    })
}

fn parameters() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = prop_oneof![
        9 => proptest::sample::select(vec![
            "client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method",
            "prompt", "max_age", "login_after", "response_mode", "grant_type", "code", "code_verifier",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let value = prop_oneof![
        6 => proptest::sample::select(vec![
            "prints", CALLBACK, "code", "token", "read", "S256", "plain", "none", "login", "0", "-1", "",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "https://evil.example/cb", "http://127.0.0.1:1/cb",
            "authorization_code", "18446744073709551615", "9223372036854775807",
        ]).prop_map(str::to_owned),
        2 => any::<String>(),
        1 => "https://client\\.example/cb.{0,12}",
    ];
    proptest::collection::vec((name, value), 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_request_leads_to_what_was_not_registered(
        sent in parameters(),
        begins_well in any::<bool>(),
    ) {
        let World { runtime, site, client } = world();
        let mut parameters = if begins_well { client.flow().parameters } else { Vec::new() };
        parameters.retain(|(name, _)| !sent.iter().any(|(other, _)| other == name));
        parameters.extend(sent);
        let verdict = runtime.block_on(site.auth.oauth2().read_authorization_request(&parameters)).unwrap();
        match verdict {
            RequestVerdict::Accepted(request) => prop_assert_eq!(request.redirect_uri, CALLBACK),
            RequestVerdict::Redirect(location) => {
                let rest = location.strip_prefix(CALLBACK);
                prop_assert!(rest.is_some_and(|rest| rest.starts_with(['?', '#'])), "{}", location);
                prop_assert!(location.bytes().all(|b| b.is_ascii_graphic()));
            }
            RequestVerdict::Untrusted { .. } => {}
        }
    }

    #[test]
    fn no_form_makes_a_panic(form in parameters(), header in any::<Option<String>>(), text in any::<String>()) {
        drop(TokenRequest::read(&form));
        drop(ClientCredentials::read(header.as_deref(), Some(&text), None));
        drop(ClientCredentials::read(Some(&format!("Basic {text}")), None, None));
        if let Ok(scope) = Scope::parse(&text) {
            prop_assert_eq!(Scope::parse(&scope.to_string()), Ok(scope));
        }
    }
}

/// Strangers send as many parameters as a request has room for: all but a hundred of them make no work.
#[test]
fn thousands_of_parameters_are_not_read() {
    let World { runtime, site, client } = world();
    let many = (0..16_000).map(|number| (format!("{number:x}"), String::new()));
    let asked = [("client_id", client.id.as_str()), ("redirect_uri", CALLBACK), ("response_type", "code")];
    let asked = asked.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let parameters: Vec<_> = asked.into_iter().chain(many).collect();
    let verdict = runtime.block_on(site.auth.oauth2().read_authorization_request(&parameters)).unwrap();
    assert!(matches!(&verdict, RequestVerdict::Redirect(url) if url.contains("100")), "{verdict:?}");
    let refused = TokenRequest::read(&parameters).unwrap_err();
    assert!(refused.to_string().contains("more than 100"), "{refused}");
    // A request that is right in all else, and has as many as may be, is read.
    let fits = runtime.block_on(site.auth.oauth2().read_authorization_request(&parameters[..100])).unwrap();
    assert!(matches!(&fits, RequestVerdict::Redirect(url) if !url.contains("more")), "{fits:?}");
}
