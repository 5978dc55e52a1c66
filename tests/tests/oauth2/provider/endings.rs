//! What ends what a client has, and what it was about to get.

use auth::accounts::AuthCredentials;
use auth::audit::Origin;
use auth::clock::Clock as _;
use auth::mfa::{Totp, TotpConfig};
use auth::oauth2::provider::{
    OAuth2Application, OAuth2Authentication, OAuth2Error, OAuth2ErrorCode, OAuth2TokenVerdict, RequestVerdict,
    ResourceOwner, TokenRequest, TokenResponse,
};
use auth::prelude::*;
use auth::tokens::TokenRotationManager;
use auth::users::Extra;
use auth_tests::http::PASSWORD;
use axum::http::StatusCode;
use serde_json::json;

use super::devices::{device, error};
use super::site::{CALLBACK, confidential, parameter};
use super::{Client, Flow, Site};

/// What ends all that a user is logged in with.
#[derive(Clone, Copy, Debug)]
enum Ending {
    LogoutEverywhere,
    PasswordChange,
    Deactivation,
    FactorAdded,
    FactorRemoved,
    FactorsReset,
}

/// Somebody logged in, without a browser.
struct Member {
    session: Session,
    principal: Principal,
}

impl Member {
    async fn join(site: &Site, name: &str) -> Self {
        site.auth.users().create_user(name, Some(PASSWORD), Extra::new()).await.unwrap();
        let session = site.auth.new_session();
        let password = AuthCredentials::password(name, PASSWORD);
        let login = site.auth.log_in(&session, password, &Origin::unknown()).await.unwrap();
        Self { session, principal: login.principal().clone() }
    }

    fn owner(&self, site: &Site) -> ResourceOwner {
        site.auth.resource_owner(&self.principal, &self.session).unwrap()
    }

    /// Adds a factor, and gives its id.
    async fn add_factor(&mut self, site: &Site) -> String {
        let changes = site.auth.change_factors(&self.principal, &self.session, &Origin::unknown()).await.unwrap();
        let begun = changes.begin_totp().await.unwrap();
        let app = Totp::from_base32(begun.secret.expose(), TotpConfig::default()).unwrap();
        let code = app.code_at(site.clock.now());
        let added = changes.confirm_totp(&begun.challenge, code.expose(), "Phone").await.unwrap().unwrap();
        let (session, principal) = site.auth.resume(self.session.key()).await.unwrap();
        (self.session, self.principal) = (session, principal.unwrap());
        added.factor.id
    }
}

/// What a client asks for a code, and gets at once.
async fn code(oauth2: &OAuth2Authentication, client: &Client, owner: &ResourceOwner) -> (String, Flow) {
    let flow = client.flow();
    let RequestVerdict::Accepted(request) = oauth2.read_authorization_request(&flow.parameters).await.unwrap() else {
        panic!("the request is as it should be");
    };
    let to = oauth2.allow(&request, owner).await.unwrap();
    (parameter(&to, "code").unwrap(), flow)
}

async fn exchange(
    oauth2: &OAuth2Authentication,
    application: &OAuth2Application,
    (code, flow): &(String, Flow),
) -> Result<TokenResponse, OAuth2Error> {
    let verifier = flow.verifier.expose();
    let form =
        [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK), ("code_verifier", verifier)];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
    oauth2.exchange_code(application, &TokenRequest::read(&form).unwrap()).await
}

fn is_invalid_grant<T>(result: &Result<T, OAuth2Error>) -> bool {
    matches!(result, Err(OAuth2Error::Refused { code: OAuth2ErrorCode::InvalidGrant, .. }))
}

async fn lives(oauth2: &OAuth2Authentication, tokens: &TokenResponse) -> bool {
    matches!(oauth2.verify_token(tokens.access_token.expose()).await.unwrap(), OAuth2TokenVerdict::Accepted(_))
}

async fn nothing_is_given_after(ending: Ending) {
    let site = Site::start().await;
    let oauth2 = site.auth.oauth2();
    let (client, origin) = (site.client().await, Origin::unknown());
    let application = oauth2.application(&client.id).await.unwrap().unwrap();
    let mut member = Member::join(&site, "ada").await;
    let factor = match ending {
        Ending::FactorRemoved => Some(member.add_factor(&site).await),
        _ => None,
    };
    let (owner, user_id) = (member.owner(&site), member.principal.id().to_owned());
    let code_before = code(oauth2, &client, &owner).await;
    assert!(exchange(oauth2, &application, &code_before).await.is_ok(), "{ending:?}: otherwise this shows nothing");
    let code_before = code(oauth2, &client, &owner).await;
    let (television, begun) = device(&site).await;
    let typed = begun["user_code"].as_str().unwrap();
    let waiting = oauth2.device_request(&owner, typed).await.unwrap().unwrap();
    assert!(oauth2.answer_device(&waiting, &owner, true).await.unwrap());

    let users = site.auth.users();
    let mut user = users.get_by_username("ada").await.unwrap().unwrap();
    match ending {
        Ending::LogoutEverywhere => site.auth.log_out_everywhere(&user_id).await.unwrap(),
        Ending::PasswordChange => users.set_password(&user.id, "another-password-27").await.unwrap(),
        Ending::Deactivation => {
            user.is_active = false;
            users.update_columns(&user, &["is_active"]).await.unwrap();
        }
        Ending::FactorAdded => drop(member.add_factor(&site).await),
        Ending::FactorRemoved => {
            let changes = site.auth.change_factors(&member.principal, &member.session, &origin).await.unwrap();
            assert!(changes.remove(&factor.unwrap()).await.unwrap());
        }
        Ending::FactorsReset => assert_eq!(site.auth.reset_factors(&user_id, &origin).await.unwrap(), 0),
    }
    assert!(is_invalid_grant(&exchange(oauth2, &application, &code_before).await), "{ending:?}");
    assert_eq!(error(&television, &begun).await, json!("invalid_grant"), "{ending:?}");
}

macro_rules! nothing_is_given_after {
    ($($name:ident: $ending:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $name() {
            nothing_is_given_after(Ending::$ending).await;
        })+
    };
}

nothing_is_given_after! {
    neither_a_code_nor_a_device_outlives_a_logout_everywhere: LogoutEverywhere,
    neither_a_code_nor_a_device_outlives_a_change_of_the_password: PasswordChange,
    neither_a_code_nor_a_device_outlives_its_user: Deactivation,
    neither_a_code_nor_a_device_outlives_a_factor_that_is_added: FactorAdded,
    neither_a_code_nor_a_device_outlives_a_factor_that_is_removed: FactorRemoved,
    neither_a_code_nor_a_device_outlives_a_reset_of_factors: FactorsReset,
}

/// What is agreed to is remembered, and what is allowed from then on is as good as ever.
#[tokio::test]
async fn after_a_logout_everywhere_clients_are_allowed_anew() {
    let site = Site::start().await;
    let (client, member) = (site.client().await, site.member("ada").await);
    let id = site.user_id("ada").await;
    client.tokens(&site, &member).await;
    site.auth.log_out_everywhere(&id).await.unwrap();
    assert_eq!(site.auth.oauth2().consents(&id).await.unwrap().len(), 1);
    let body = json!({ "username": "ada", "password": PASSWORD });
    assert_eq!(member.post("/login", &body).await.status, StatusCode::OK);
    let tokens = client.tokens(&site, &member).await;
    assert_eq!(site.api(tokens["access_token"].as_str().unwrap()).await.status, StatusCode::OK);
    assert_eq!(client.refresh(tokens["refresh_token"].as_str().unwrap()).await.status, StatusCode::OK);
}

/// However many grants the user has besides, and however many there are of it.
#[tokio::test]
async fn all_grants_of_a_consent_end_with_it() {
    let site = Site::start().await;
    let oauth2 = site.auth.oauth2();
    let member = Member::join(&site, "ada").await;
    let owner = member.owner(&site);
    // Without refresh tokens there are as many as are asked for.
    let application = || OAuth2Application::confidential("Many").redirect_uri(CALLBACK).scope("read");
    let grants = async |count| {
        let client = site.register(application()).await;
        let application = oauth2.application(&client.id).await.unwrap().unwrap();
        let mut tokens = Vec::new();
        for _ in 0..count {
            let code = code(oauth2, &client, &owner).await;
            tokens.push(exchange(oauth2, &application, &code).await.unwrap());
        }
        (client, tokens)
    };
    let ((few, of_few), (_, of_many)) = (grants(5).await, grants(1010).await);
    assert!(oauth2.revoke_consent(&owner.user_id, &few.id).await.unwrap());
    for tokens in &of_few {
        assert!(!lives(oauth2, tokens).await);
    }
    for tokens in &of_many {
        assert!(lives(oauth2, tokens).await);
    }
    assert_eq!(oauth2.end_grants_of(&owner.user_id).await.unwrap(), 1010);
    for tokens in &of_many {
        assert!(!lives(oauth2, tokens).await);
    }
    assert_eq!(oauth2.end_grants_of(&owner.user_id).await.unwrap(), 0);
}

/// So all of them can be told, and ended.
#[tokio::test]
async fn a_user_has_a_bounded_number_of_consents() {
    let site = Site::start().await;
    let oauth2 = site.auth.oauth2();
    let member = Member::join(&site, "ada").await;
    let owner = member.owner(&site);
    let (first, mut second) = (site.client().await, None);
    let application = oauth2.application(&first.id).await.unwrap().unwrap();
    let of_first = code(oauth2, &first, &owner).await;
    let tokens = exchange(oauth2, &application, &of_first).await.unwrap();
    for _ in 1..OAuth2Authentication::MAX_CONSENTS {
        site.clock.advance(TimeDelta::milliseconds(1));
        let client = site.client().await;
        code(oauth2, &client, &owner).await;
        second = second.or(Some(client));
    }
    assert!(lives(oauth2, &tokens).await);
    // Agreed to again: now another one is the oldest.
    code(oauth2, &first, &owner).await;
    site.clock.advance(TimeDelta::milliseconds(1));
    code(oauth2, &site.client().await, &owner).await;
    let consents = oauth2.consents(&owner.user_id).await.unwrap();
    let has = |client: &Client| consents.iter().any(|consent| consent.client_id == client.id);
    assert_eq!(consents.len(), OAuth2Authentication::MAX_CONSENTS);
    assert!(has(&first) && !has(&second.unwrap()) && lives(oauth2, &tokens).await);
}

/// A client that logs in often takes no room but its own.
#[tokio::test]
async fn logins_of_a_client_end_neither_the_users_own_nor_another_clients() {
    let site = Site::start().await;
    let (oauth2, auth) = (site.auth.oauth2(), &site.auth);
    let member = Member::join(&site, "ada").await;
    let (owner, origin) = (member.owner(&site), Origin::unknown());
    let password = AuthCredentials::password("ada", PASSWORD);
    let mut ada = auth.authentication().authenticate(password, &origin).await.unwrap();
    let own = auth.issue_tokens(&mut ada, None, None).await.unwrap();
    let (quiet, busy) = (site.client().await, site.register(confidential()).await);
    let application = async |client: &Client| oauth2.application(&client.id).await.unwrap().unwrap();
    let (quiet_one, busy_one) = (application(&quiet).await, application(&busy).await);
    let kept = exchange(oauth2, &quiet_one, &code(oauth2, &quiet, &owner).await).await.unwrap();
    let first = exchange(oauth2, &busy_one, &code(oauth2, &busy, &owner).await).await.unwrap();
    for _ in 0..TokenRotationManager::MAX_PER_USER {
        site.clock.advance(TimeDelta::milliseconds(1));
        exchange(oauth2, &busy_one, &code(oauth2, &busy, &owner).await).await.unwrap();
    }
    assert!(auth.refresh(&own.refresh_token, None, &origin).await.is_ok());
    // Of its own, the one that was used least recently is over, whole.
    assert!(!lives(oauth2, &first).await);
    assert_eq!(busy.refresh(first.refresh_token.unwrap().expose()).await.status, StatusCode::BAD_REQUEST);
    // And the user's own end none of a client's.
    for _ in 0..TokenRotationManager::MAX_PER_USER {
        auth.issue_tokens(&mut ada, None, None).await.unwrap();
    }
    assert!(lives(oauth2, &kept).await);
    assert_eq!(quiet.refresh(kept.refresh_token.unwrap().expose()).await.status, StatusCode::OK);
}
