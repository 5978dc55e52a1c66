//! Short texts that people and programs send: names, addresses, numbers, paths, keys, codes, scopes.

use auth::mail::{Mail, TextMessage};
use auth::oauth2::provider::Scope;
use auth::oauth2::{CodeChallenge, CodeVerifier};
use auth::permissions::{PermissionSet, is_permission_name};
use auth::registry::Url;
use auth::sessions::{SessionDigest, SessionKey};
use auth::tokens::{OpaqueToken, TokenPrefix};
use auth::users::{BaseUser as _, BaseUserManager as _, DefaultUser, Extra, UserManager};
use auth::web::is_safe_next;

use crate::{block_on, well};

/// One text, as everything that a short text can be.
pub fn run(data: &[u8]) {
    session_keys(data);
    let Ok(text) = std::str::from_utf8(data) else { return };
    if text.len() > 4096 {
        return;
    }
    permissions(text);
    paths(text);
    messages(text);
    users(text);
    tokens(text);
    pkce_and_scopes(text);
    store_addresses(text);
}

fn session_keys(data: &[u8]) {
    if let Some(key) = SessionKey::parse(data) {
        assert_eq!(key.expose().as_bytes(), data, "a key has one spelling");
        assert_eq!(SessionDigest::parse(&key.digest().to_string()), Some(key.digest()));
    }
    if let Some(digest) = std::str::from_utf8(data).ok().and_then(SessionDigest::parse) {
        assert_eq!(digest.to_string().as_bytes(), data, "a digest has one spelling");
    }
}

fn permissions(text: &str) {
    let is_name = is_permission_name(text);
    assert_eq!(PermissionSet::of([text]).has_name(text), is_name);
    assert_eq!(PermissionSet::everything().has_name(text), is_name, "a superuser has what is a name, and nothing else");
    assert!(!PermissionSet::default().has_name(text));
    if is_name {
        let (app, _) = text.split_once('.').expect("a name has a dot");
        assert!(PermissionSet::of([text]).has_module(app));
        assert!(!text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '*'));
    }
}

fn paths(text: &str) {
    if is_safe_next(text) {
        let site = url::Url::parse("https://site.example/login").expect("an address");
        let there = site.join(text).expect("what is safe is a path");
        assert_eq!(there.origin(), site.origin(), "{text:?} leads to {there}");
        assert!(text.len() <= 2048);
    }
}

fn messages(text: &str) {
    let is_hostile = |text: &str| text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}'));
    if Mail::new(text, "a subject", "a text").check().is_ok() {
        assert_eq!(text.matches('@').count(), 1);
        assert!(!is_hostile(text) && text.len() <= 254);
        assert!(!text.contains([' ', ',', ';', '<', '>', '(', ')', '"', '\\', ':']), "one recipient: {text:?}");
        assert!(!text.starts_with('-'), "no option of a program: {text:?}");
    }
    if Mail::new("ada@example.org", text, "a text").check().is_ok() {
        assert!(!is_hostile(text) && !text.is_empty());
    }
    if TextMessage::new(text, "a text").check().is_ok() {
        assert!(text.strip_prefix('+').is_some_and(|digits| digits.parse::<u64>().is_ok_and(|n| n > 0)));
    }
}

/// What has become a user's name is canonical, and nobody else's.
fn users(text: &str) {
    let name = DefaultUser::normalize_username(text);
    assert_eq!(DefaultUser::normalize_username(&name), name, "a name has one canonical form");
    block_on(async {
        let users = UserManager::<DefaultUser>::in_memory();
        let Ok(made) = users.create_user(text, None, Extra::new()).await else { return };
        assert_eq!(made.username, name);
        assert!(!name.contains(|c: char| c.is_control() || c.is_whitespace()) && !name.contains('@'));
        let found = well(users.get_by_username(text).await).map(|user| user.id);
        assert_eq!(found, Some(made.id), "who registers can log in");
        assert!(users.create_user(&name, None, Extra::new()).await.is_err(), "a name is one user's");
    });
}

fn tokens(text: &str) {
    let (prefix, rest) = text.rsplit_once('_').unwrap_or((text, ""));
    let Ok(prefix) = TokenPrefix::new(prefix) else { return };
    assert_eq!(TokenPrefix::new(prefix.as_str()).ok().as_ref(), Some(&prefix));
    let made = OpaqueToken::generate(&prefix);
    assert!(OpaqueToken::parse(&prefix, made.expose().expose()).is_some());
    if let Some(token) = OpaqueToken::parse(&prefix, text) {
        assert_eq!(token.expose().expose(), text, "a token has one spelling");
        assert!(rest.starts_with(token.id()) && token.has_digest(&token.digest()));
        assert!(!made.has_digest(&token.digest()));
    }
}

fn pkce_and_scopes(text: &str) {
    if let Ok(verifier) = CodeVerifier::parse(text) {
        assert_eq!(verifier.expose(), text);
        assert!(verifier.challenge().verify(&verifier));
    }
    if let Ok(challenge) = CodeChallenge::parse(text) {
        assert_eq!((challenge.as_str(), text.len()), (text, 43), "a challenge has one spelling");
        assert!(!challenge.verify(&CodeVerifier::generate()));
    }
    if let Ok(scope) = Scope::parse(text) {
        let again = Scope::parse(&scope.to_string());
        assert_eq!(again.as_ref(), Ok(&scope));
        assert!(scope.names().all(|name| text.split(' ').any(|given| given == name) && scope.contains(name)));
        assert!(scope.is_within(&scope));
    }
}

fn store_addresses(text: &str) {
    let url = Url::new(text);
    let shown = format!("{url:?}");
    let scheme = shown.strip_prefix("Url(").and_then(|rest| rest.strip_suffix(":…)")).expect("a scheme and no more");
    assert!(scheme == "…" || (scheme == url.scheme() && scheme.len() <= 20), "an address may hold a password: {shown}");
}
