//! What settings are held to when all are known, the program's own among them.

use super::target::{Target, Tries};
use crate::accounts::{AuthBackendEntry, UserStoreBackend, secret, settings};
use crate::limits::{Backoff, BackoffError, Limiter, LoginLimiter};
use crate::passwords::PasswordConfigError;
use crate::registry;
use crate::secret::SecretKey;
use crate::users::{CachedUserStore, DefaultUser};

/// What is wrong, and which settings have to do with it.
pub(super) struct Conflict {
    pub(super) keys: Vec<String>,
    pub(super) problem: String,
}

/// Everything that is wrong. `given` says whether a file or a variable has the setting.
pub(super) fn conflicts(target: &Target, given: &dyn Fn(&str) -> bool) -> Vec<Conflict> {
    let mut found = Found { conflicts: Vec::new() };
    program(target, given, &mut found);
    site(target, &mut found);
    secret(target, &mut found);
    session(target, given, &mut found);
    password(target, &mut found);
    login(target, &mut found);
    token(target, given, &mut found);
    found.conflicts
}

struct Found {
    conflicts: Vec<Conflict>,
}

impl Found {
    fn add(&mut self, keys: &[&str], problem: impl Into<String>) {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        self.conflicts.push(Conflict { keys, problem: problem.into() });
    }
}

/// What the program made itself is not changed from outside: what stands around it would be lost without a word.
fn program(target: &Target, given: &dyn Fn(&str) -> bool, found: &mut Found) {
    const RULES: &[&str] = &["password.min_length", "password.max_length"];
    const HASHES: &[&str] = &["password.hash_memory", "password.hash_passes"];
    const WORK: &[&str] = &["password.hash_threads", "password.hash_waiting", "password.hash_deadline"];
    let program = target.program;
    let mut refuse = |is_made: bool, keys: &[&str], what: &str| {
        for key in keys.iter().filter(|key| is_made && given(key)) {
            found.add(&[key], format!("{what}: leave it out, or have the program read it"));
        }
    };
    refuse(program.session_backend, &["sessions"], "the program keeps sessions in a backend of its own");
    for keys in [RULES, HASHES, WORK] {
        refuse(program.passwords, keys, "the program says itself how passwords are hashed and judged");
    }
    if !program.passwords {
        refuse(program.other_hasher, HASHES, "the users' passwords are hashed by something else than argon2id");
    }
    for limit in ["account", "account_and_source", "source"] {
        let keys = ["free_tries", "lock_after", "locked_for"].map(|name| format!("login.{limit}.{name}"));
        let keys = keys.each_ref().map(String::as_str);
        refuse(program.login_limiter, &keys, "the program limits logins itself");
    }
}

fn site(target: &Target, found: &mut Found) {
    for (key, path) in [("login_url", &target.web.login_url), ("home_url", &target.web.home_url)] {
        if let Err(problem) = settings::path(path) {
            found.add(&[key], problem);
        }
    }
    for problem in target.web.trusted_origins.iter().filter_map(|origin| settings::origin(origin).err()) {
        found.add(&["origins"], problem);
    }
    if target.user_cache.is_some_and(|bound| bound > CachedUserStore::<DefaultUser>::MAX_BOUND) {
        found.add(&["user_cache"], "users are kept for a minute at the most: `.user_cache(…)`");
    }
    if target.auth_backends.is_empty() {
        found.add(&["backends"], "without an auth backend nobody can log in");
    }
    for name in target.auth_backends.iter().filter(|name| *name != UserStoreBackend::<DefaultUser>::NAME) {
        if let Err(unknown) = registry::find::<AuthBackendEntry>(name) {
            found.add(&["backends"], unknown.to_string());
        }
    }
}

fn secret(target: &Target, found: &mut Found) {
    if let Some(weak) = target.secret.as_ref().and_then(|secret| SecretKey::new(secret.expose()).err()) {
        found.add(&["secret"], weak.to_string());
    }
    for weak in target.secret_fallbacks.iter().filter_map(|secret| SecretKey::new(secret.expose()).err()) {
        found.add(&["secret_fallbacks"], weak.to_string());
    }
    #[cfg(not(feature = "__sql"))]
    if target.database.is_some() {
        found.add(&["database"], "a database needs one of the features `database-…`");
    }
    let is_server = target.database.as_ref().is_some_and(secret::is_server);
    if is_server && target.secret.is_none() {
        found.add(&["database", "secret"], secret::NO_SECRET);
    }
}

fn session(target: &Target, given: &dyn Fn(&str) -> bool, found: &mut Found) {
    let sessions = &target.web.http_sessions;
    for (calls, problem) in sessions.problems() {
        let keys = calls.iter().map(|call| format!("session.{call}")).collect();
        found.conflicts.push(Conflict { keys, problem });
    }
    // Without being asked for it is no mistake: the session then ends at its end.
    if given("session.idle") && sessions.lifetime.idle() > sessions.lifetime.absolute() {
        let problem = "a session would end before it is out of use for that long: `session.idle` is at most \
                       `session.absolute`";
        found.add(&["session.idle", "session.absolute"], problem);
    }
    if given("session.at_limit") && target.max_per_user.is_none() {
        found.add(&["session.at_limit", "session.max_per_user"], "there is no limit: also set `session.max_per_user`");
    }
}

fn password(target: &Target, found: &mut Found) {
    let (least, most) = ("password.min_length", "password.max_length");
    match target.password.rules() {
        Ok(_) => {}
        Err(error @ PasswordConfigError::MinimumTooShort { .. }) => found.add(&[least], error.to_string()),
        Err(error) => found.add(&[least, most], error.to_string()),
    }
    if let Err(error) = target.password.argon2() {
        found.add(&["password.hash_memory", "password.hash_passes"], error.to_string());
    }
}

fn login(target: &Target, found: &mut Found) {
    let limiter = || LoginLimiter::new(Limiter::in_memory());
    let account = |tries: Tries, like| limiter().by_account(tries.backoff(like)?).map(drop);
    let source = |tries: Tries, like| tries.backoff(like).map(drop);
    let login = target.login;
    for (limit, checked) in [
        ("account", account(login.account, Backoff::ACCOUNT)),
        ("account_and_source", account(login.account_and_source, Backoff::ACCOUNT_AND_SOURCE)),
        ("source", source(login.source, Backoff::SOURCE)),
    ] {
        let Err(error) = checked else { continue };
        let names: &[&str] = match error {
            BackoffError::Tries => &["free_tries", "lock_after"],
            BackoffError::TooManyTries => &["lock_after"],
            _ => &["locked_for"],
        };
        let keys = names.iter().map(|name| format!("login.{limit}.{name}")).collect();
        found.conflicts.push(Conflict { keys, problem: error.to_string() });
    }
}

fn token(target: &Target, given: &dyn Fn(&str) -> bool, found: &mut Found) {
    let tokens = &target.web.tokens;
    let (access, idle, absolute) = ("token.access_lifetime", "token.refresh_idle", "token.refresh_absolute");
    if given(idle) && tokens.refresh_idle > tokens.refresh_absolute {
        let problem = "a refresh token would end before it is out of use for that long: `token.refresh_idle` is at most \
                       `token.refresh_absolute`";
        found.add(&[idle, absolute], problem);
    }
    if tokens.access_lifetime > tokens.refresh_idle.min(tokens.refresh_absolute) {
        found.add(&[access, idle, absolute], "a refresh token would end before its access token");
    }
}
