//! Whose an account at another provider is, on every store.

use auth::accounts::{AuthCredentials, FlowPurpose, LinkOutcome, LinkedIdentity};
use auth::audit::Origin;
use auth::oauth2::AuthorizationResponse;
use auth::records::DynRecordStore;
use auth::testing::ManualClock;
use auth_tests::http::{Answer, PASSWORD, Visitor};
use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use reqwest::Url;
use serde_json::json;

use super::fake::Fake;
use super::site::{Person, Site, assert_logged_in, log_in, who};

async fn site(store: DynRecordStore, clock: ManualClock) -> (Fake, Site) {
    let fake = Fake::by_clock(clock).await;
    let site = Site::with(&fake, |builder| builder.record_store(store)).await;
    (fake, site)
}

async fn identities(site: &Site, user: &Person) -> Vec<LinkedIdentity> {
    site.auth.identities(&user.id.to_string()).await.unwrap()
}

/// Begins to link, as a program does, and says where the browser is sent.
async fn begin_link(visitor: &Visitor, provider: &str) -> String {
    let answer = visitor.post(&format!("/link/{provider}"), &json!({ "next": "/welcome" })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    answer.json()["location"].as_str().unwrap().to_owned()
}

async fn link(visitor: &Visitor, fake: &Fake, provider: &str) -> Answer {
    let url = begin_link(visitor, provider).await;
    visitor.browse(&fake.approve(&url)).await
}

async fn unlink(visitor: &Visitor, id: &str) -> String {
    let request = visitor.request(Method::POST, "/unlink").header("origin", visitor.address());
    visitor.send(request.body(id.to_owned())).await.text
}

async fn a_linked_account_logs_its_user_in(store: DynRecordStore, clock: ManualClock) {
    let (fake, site) = site(store, clock).await;
    let (alice, user) = site.member("alice").await;
    assert_logged_in(&link(&alice, &fake, "id").await);
    assert_logged_in(&link(&alice, &fake, "github").await);
    assert_logged_in(&link(&alice, &fake, "github").await);
    let known = identities(&site, &user).await;
    assert_eq!(known.iter().map(|it| it.provider.as_str()).collect::<std::collections::BTreeSet<_>>().len(), 2);
    assert_eq!((known.len(), site.user("jane").await.is_none()), (2, true));
    let elsewhere = site.visitor();
    assert_logged_in(&log_in(&elsewhere, &fake, "id").await);
    assert_eq!(who(&elsewhere).await.as_deref(), Some("alice"));

    let id = &known.iter().find(|it| it.provider == "id").unwrap().id;
    assert!(unlink(&alice, id).await.contains("Unlinked"));
    assert!(unlink(&alice, id).await.contains("NotFound"));
    assert_eq!(identities(&site, &user).await.len(), 1);
    assert_eq!((who(&alice).await.as_deref(), who(&elsewhere).await), (Some("alice"), None), "who came by it is out");
    // From now on it is nobody's: another user is made.
    assert_logged_in(&log_in(&elsewhere, &fake, "id").await);
    assert_eq!(who(&elsewhere).await.as_deref(), Some("jane"));
}

/// A form's page leads on by itself: the policy of the page before may forbid a redirection.
async fn a_form_leads_on(store: DynRecordStore, clock: ManualClock) {
    let (fake, site) = site(store, clock).await;
    let (alice, user) = site.member("alice").await;
    let page = alice.submit("/link/id", &[("next", "/welcome")]).await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.text);
    let url = page.text.split_once("0;url=").unwrap().1.split('"').next().unwrap().replace("&amp;", "&");
    assert!(Url::parse(&url).unwrap().path() == "/authorize", "{url}");
    assert_logged_in(&alice.browse(&fake.approve(&url)).await);
    assert_eq!(identities(&site, &user).await.len(), 1);
}

async fn what_is_somebody_elses_stays_theirs(store: DynRecordStore, clock: ManualClock) {
    let (fake, site) = site(store, clock).await;
    assert_logged_in(&log_in(&site.visitor(), &fake, "id").await);
    let jane = site.user("jane").await.unwrap();
    let (alice, user) = site.member("alice").await;
    let answer = link(&alice, &fake, "id").await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.text);
    assert!(identities(&site, &user).await.is_empty());
    let id = &identities(&site, &jane).await[0].id;
    assert!(unlink(&alice, id).await.contains("NotFound"));
    assert_eq!(identities(&site, &jane).await.len(), 1);
}

async fn only_a_recent_login_in_person_links(store: DynRecordStore, clock: ManualClock) {
    let (fake, site) = site(store, clock).await;
    let stranger = site.visitor().post("/link/id", &json!({})).await;
    assert_eq!(stranger.status, StatusCode::UNAUTHORIZED);
    let (alice, user) = site.member("alice").await;
    assert_logged_in(&link(&alice, &fake, "github").await);
    // A page of another site.
    let forged = alice.request(Method::POST, "/link/id").header("origin", "https://evil.example");
    assert_eq!(alice.send(forged.json(&json!({}))).await.status, StatusCode::FORBIDDEN);
    fake.clock.advance(TimeDelta::seconds(301));
    let late = alice.post("/link/id", &json!({})).await;
    assert!(late.status.is_client_error() && !late.text.contains("location"), "{}", late.text);
    let id = &identities(&site, &user).await[0].id;
    assert!(unlink(&alice, id).await.contains("PermissionDenied"));

    // Whoever acts for the user.
    let made = site.auth.api_keys().create(&user.id.to_string(), "ci", &[], None).await.unwrap();
    let key = AuthCredentials::api_key(made.1);
    let result = site.auth.authentication().authenticate(key, &Origin::unknown()).await.unwrap();
    let session = site.auth.new_session();
    assert!(site.auth.begin_link(&session, result.principal(), "id", None, &Origin::unknown()).await.unwrap().is_err());
    assert!(site.auth.unlink_identity(&session, result.principal(), id, &Origin::unknown()).await.unwrap().is_err());
    // A login somewhere else.
    let password = AuthCredentials::password("alice", PASSWORD);
    let result = site.auth.authentication().authenticate(password, &Origin::unknown()).await.unwrap();
    assert!(site.auth.begin_link(&session, result.principal(), "id", None, &Origin::unknown()).await.unwrap().is_err());
    assert_eq!(identities(&site, &user).await.len(), 1);
}

async fn who_began_to_link_is_who_links(store: DynRecordStore, clock: ManualClock) {
    let (fake, site) = site(store, clock).await;
    let (alice, user) = site.member("alice").await;
    let back = fake.approve(&begin_link(&alice, "id").await);
    // Somebody else logs in there.
    let body = json!({ "username": "bob", "password": PASSWORD });
    assert_eq!(alice.post("/register", &body).await.status, StatusCode::CREATED);
    assert_eq!(alice.post("/login", &body).await.status, StatusCode::OK);
    assert!(alice.browse(&back).await.status.is_client_error());
    let bob = site.user("bob").await.unwrap();
    assert_eq!((identities(&site, &user).await.len(), identities(&site, &bob).await.len()), (0, 0));
    assert_eq!(fake.asked("/token"), 0);
}

async fn the_last_way_in_stays(store: DynRecordStore, clock: ManualClock) {
    let (fake, site) = site(store, clock).await;
    let jane = site.visitor();
    assert_logged_in(&log_in(&jane, &fake, "id").await);
    let user = site.user("jane").await.unwrap();
    let first = identities(&site, &user).await.remove(0);
    assert!(unlink(&jane, &first.id).await.contains("LastWayIn"));
    assert_eq!(identities(&site, &user).await, std::slice::from_ref(&first));
    assert_logged_in(&link(&jane, &fake, "github").await);
    assert!(unlink(&jane, &first.id).await.contains("Unlinked"));
    // Of both at the same moment, one stays.
    assert_logged_in(&link(&jane, &fake, "id").await);
    for _ in 0..4 {
        let both = identities(&site, &user).await;
        let tasks: Vec<_> = both
            .into_iter()
            .map(|identity| {
                let jane = jane.clone();
                tokio::spawn(async move { unlink(&jane, &identity.id).await })
            })
            .collect();
        for task in tasks {
            let outcome = task.await.unwrap();
            assert!(outcome.contains("Unlinked") || outcome.contains("LastWayIn"), "{outcome}");
        }
        assert!(!identities(&site, &user).await.is_empty());
        assert_logged_in(&link(&jane, &fake, "id").await);
        assert_logged_in(&link(&jane, &fake, "github").await);
    }
}

/// Of many who link one account at once, one gets it.
async fn an_account_is_one_users(store: DynRecordStore, clock: ManualClock) {
    let (fake, site) = site(store, clock).await;
    let mut tasks = Vec::new();
    for name in ["ada", "bob", "carol", "dave"] {
        let (visitor, _) = site.member(name).await;
        let back = fake.approve(&begin_link(&visitor, "id").await);
        tasks.push(tokio::spawn(async move { visitor.browse(&back).await.status }));
    }
    let mut linked = 0;
    for task in tasks {
        linked += usize::from(task.await.unwrap() == StatusCode::SEE_OTHER);
    }
    assert_eq!(linked, 1);
}

/// The same without HTTP, and the flow of a login does not link.
async fn a_program_links_too(store: DynRecordStore, clock: ManualClock) {
    let (fake, site) = site(store, clock).await;
    site.member("alice").await;
    let (auth, session) = (&site.auth, site.auth.new_session());
    let password = AuthCredentials::password("alice", PASSWORD);
    let result = auth.log_in(&session, password, &Origin::unknown()).await.unwrap();
    let alice = result.principal();
    for links in [false, true] {
        let url = if links {
            auth.begin_link(&session, alice, "id", None, &Origin::unknown()).await.unwrap().unwrap()
        } else {
            auth.begin_login(&session, "id", None, &Origin::unknown()).await.unwrap()
        };
        let back = Url::parse("http://x").unwrap().join(&fake.approve(&url)).unwrap();
        let of = |wanted| back.query_pairs().find(|(name, _)| name == wanted).unwrap().1.into_owned();
        let begun = auth.take_flow(&session, "id", &of("state")).await.unwrap().unwrap();
        assert_eq!(matches!(begun.purpose, FlowPurpose::Link { .. }), links);
        let response = AuthorizationResponse::new(of("code"));
        let outcome = auth.link_identity(alice, &begun, &response, &Origin::unknown()).await;
        assert_eq!(outcome.is_ok_and(|outcome| matches!(outcome, LinkOutcome::Linked(_))), links);
        assert!(auth.take_flow(&session, "id", &of("state")).await.unwrap().is_none());
    }
}

crate::records::tests_on_every_store!(
    a_linked_account_logs_its_user_in,
    a_form_leads_on,
    what_is_somebody_elses_stays_theirs,
    only_a_recent_login_in_person_links,
    who_began_to_link_is_who_links,
    the_last_way_in_stays,
    an_account_is_one_users,
    a_program_links_too,
);
