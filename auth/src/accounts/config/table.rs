//! Every setting there is. Files, variables, checks, the documentation and `describe` go by this table.

use std::num::NonZeroU32;
use std::time::Duration;

use super::setting::{Kind, Setting};
use super::target::delta;
use crate::accounts::settings;
use crate::sessions::{Lifetime, SameSite, WhenFull};

const MILLION: u32 = 1_000_000;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const MONTH: Duration = Duration::from_hours(30 * 24);
const YEAR: Duration = Duration::from_hours(365 * 24);
const TEN_YEARS: Duration = Duration::from_hours(3660 * 24);

/// In the order of the documentation.
pub(super) static SETTINGS: &[Setting] = &[
    Setting::new(
        "database",
        Kind::Address(|target, url| target.database = Some(url)),
        "memory",
        "Where users, groups, permissions and sessions are kept.",
    ),
    Setting::new(
        "sessions",
        Kind::Address(|target, url| target.sessions = Some(url)),
        "the database",
        "Where sessions are kept instead.",
    ),
    Setting::new(
        "limits",
        Kind::Address(|target, url| target.limits = Some(url)),
        "memory",
        "Where tries are counted.",
    ),
    Setting::new(
        "records",
        Kind::Address(|target, url| target.records = Some(url)),
        "the database",
        "Where tokens, keys and tickets are kept.",
    ),
    Setting::new(
        "secret",
        Kind::Secret(|target, secret| target.secret = Some(secret)),
        "",
        "The application's secret: 32 random bytes or more, the same on all servers.",
    ),
    Setting::new(
        "secret_fallbacks",
        Kind::Secrets(|target, secrets| target.secret_fallbacks = secrets),
        "",
        "Older secrets, which still verify what they signed.",
    ),
    Setting::new(
        "backends",
        Kind::Texts(not_empty, |target, names| target.auth_backends = names),
        "users",
        "The auth backends to ask, in this order.",
    ),
    Setting::new(
        "user_cache",
        Kind::Duration(SECOND, MINUTE, |target, bound| target.user_cache = Some(bound)),
        "",
        "How long users of requests are kept in the process; without it every request reads its user.",
    ),
    Setting::new(
        "origins",
        Kind::Texts(settings::origin, |target, origins| target.web.trusted_origins = origins),
        "",
        "This site's origins; without any it is the host that a request is sent to.",
    ),
    Setting::new(
        "trusted_proxies",
        Kind::Sources(|target, proxies| target.web.trusted_proxies = proxies),
        "",
        "The addresses of proxies whose `X-Forwarded-For` counts.",
    ),
    Setting::new(
        "login_url",
        Kind::Text(settings::path, |target, path| target.web.login_url = path),
        "/login",
        "Where people log in.",
    ),
    Setting::new(
        "home_url",
        Kind::Text(settings::path, |target, path| target.web.home_url = path),
        "/",
        "Where people go after logging in or out.",
    ),
    Setting::new(
        "session.name",
        Kind::Text(any, |target, name| target.web.http_sessions.name = name),
        "session",
        "The cookie's name, without its prefix.",
    ),
    Setting::new(
        "session.idle",
        Kind::Duration(MINUTE, TEN_YEARS, |target, idle| {
            let lifetime = &mut target.web.http_sessions.lifetime;
            *lifetime = Lifetime::new(delta(idle), lifetime.absolute());
        }),
        "1h",
        "A session ends so long after its last use.",
    ),
    Setting::new(
        "session.absolute",
        Kind::Duration(MINUTE, TEN_YEARS, |target, absolute| {
            let lifetime = &mut target.web.http_sessions.lifetime;
            *lifetime = Lifetime::new(lifetime.idle(), delta(absolute));
        }),
        "1d",
        "A session ends so long after it began.",
    ),
    Setting::new(
        "session.same_site",
        Kind::Choice(&[
            ("strict", |target| target.web.http_sessions.same_site = SameSite::Strict),
            ("lax", |target| target.web.http_sessions.same_site = SameSite::Lax),
            ("none", |target| target.web.http_sessions.same_site = SameSite::None),
        ]),
        "lax",
        "With which requests from other sites the cookie goes along; `none` loosens.",
    ),
    Setting::new(
        "session.path",
        Kind::Text(any, |target, path| target.web.http_sessions.path = path),
        "/",
        "Below which path the cookie is sent.",
    ),
    Setting::new(
        "session.domain",
        Kind::Text(any, |target, domain| target.web.http_sessions.domain = Some(domain)),
        "",
        "The domain to which, with every host below it, the cookie is sent: loosens.",
    ),
    Setting::new(
        "session.without_host_prefix",
        Kind::Switch(|target, without| target.web.http_sessions.host_prefix = !without),
        "false",
        "Calls the cookie `__Secure-…`, as a path or a domain needs: loosens.",
    ),
    Setting::new(
        "session.insecure_cookies",
        Kind::Switch(|target, insecure| target.web.http_sessions.insecure = insecure),
        "false",
        "Sends cookies over plain http: whoever listens can take over sessions.",
    ),
    Setting::new(
        "session.max_per_user",
        Kind::Number(1, MILLION, |target, max| target.max_per_user = NonZeroU32::new(max)),
        "",
        "How many sessions a user may be logged in to at once.",
    ),
    Setting::new(
        "session.at_limit",
        Kind::Choice(&[
            ("refuse", |target| target.at_limit = WhenFull::Refuse),
            ("end_oldest", |target| target.at_limit = WhenFull::EndOldest),
        ]),
        "refuse",
        "What a login does that would be one more.",
    ),
    Setting::new(
        "password.min_length",
        Kind::Number(1, 4096, |target, length| target.password.min_length = size(length)),
        "15",
        "The fewest characters of a new password, 15 or more.",
    ),
    Setting::new(
        "password.max_length",
        Kind::Number(1, 4096, |target, length| target.password.max_length = size(length)),
        "4096",
        "The most characters of a new password, 64 or more.",
    ),
    Setting::new(
        "password.hash_memory",
        Kind::Size(1 << 20, 1 << 30, |target, bytes| target.password.hash_memory = bytes),
        "19MiB",
        "The memory of one argon2id hash.",
    ),
    Setting::new(
        "password.hash_passes",
        Kind::Number(1, 64, |target, passes| target.password.hash_passes = passes),
        "2",
        "The passes of one argon2id hash over its memory.",
    ),
    Setting::new(
        "password.hash_threads",
        Kind::Number(1, 1024, |target, threads| target.password.hash_threads = size(threads)),
        "one for each core",
        "How many passwords are hashed at the same time.",
    ),
    Setting::new(
        "password.hash_waiting",
        Kind::Number(1, 1 << 20, |target, waiting| target.password.hash_waiting = size(waiting)),
        "256",
        "How many more may wait for that.",
    ),
    Setting::new(
        "password.hash_deadline",
        Kind::Duration(SECOND, HOUR, |target, deadline| target.password.hash_deadline = deadline),
        "10s",
        "How long one may wait for that.",
    ),
    Setting::new(
        "login.account.free_tries",
        Kind::Number(1, MILLION, |target, tries| target.login.account.free = tries),
        "20",
        "How many passwords may be tried at an account without a wait, whoever tries.",
    ),
    Setting::new(
        "login.account.lock_after",
        Kind::Number(1, MILLION, |target, tries| target.login.account.lock_after = tries),
        "100",
        "After how many tries there are none for a while, 100 at the most.",
    ),
    Setting::new(
        "login.account.locked_for",
        Kind::Duration(SECOND, MONTH, |target, time| target.login.account.locked_for = time),
        "1d",
        "For how long.",
    ),
    Setting::new(
        "login.account_and_source.free_tries",
        Kind::Number(1, MILLION, |target, tries| target.login.account_and_source.free = tries),
        "5",
        "How many passwords may be tried at an account from one source without a wait.",
    ),
    Setting::new(
        "login.account_and_source.lock_after",
        Kind::Number(1, MILLION, |target, tries| target.login.account_and_source.lock_after = tries),
        "100",
        "After how many tries there are none for a while, 100 at the most.",
    ),
    Setting::new(
        "login.account_and_source.locked_for",
        Kind::Duration(SECOND, MONTH, |target, time| target.login.account_and_source.locked_for = time),
        "1d",
        "For how long.",
    ),
    Setting::new(
        "login.source.free_tries",
        Kind::Number(1, MILLION, |target, tries| target.login.source.free = tries),
        "50",
        "How many passwords may be tried from one source without a wait.",
    ),
    Setting::new(
        "login.source.lock_after",
        Kind::Number(1, MILLION, |target, tries| target.login.source.lock_after = tries),
        "1000",
        "After how many tries there are none for a while.",
    ),
    Setting::new(
        "login.source.locked_for",
        Kind::Duration(SECOND, MONTH, |target, time| target.login.source.locked_for = time),
        "1h",
        "For how long.",
    ),
    Setting::new(
        "token.issuer",
        Kind::Text(not_empty, |target, issuer| target.web.tokens.issuer = Some(issuer)),
        "",
        "Who issues tokens: the claim `iss`.",
    ),
    Setting::new(
        "token.audience",
        Kind::Text(not_empty, |target, audience| target.web.tokens.audience = Some(audience)),
        "",
        "Whom tokens are for: the claim `aud`.",
    ),
    Setting::new(
        "token.access_lifetime",
        Kind::Duration(MINUTE, HOUR, |target, lifetime| target.web.tokens.access_lifetime = lifetime),
        "10m",
        "How long an access token lives.",
    ),
    Setting::new(
        "token.refresh_idle",
        Kind::Duration(MINUTE, YEAR, |target, idle| target.web.tokens.refresh_idle = idle),
        "14d",
        "A refresh token ends so long after it was issued, unless it is used.",
    ),
    Setting::new(
        "token.refresh_absolute",
        Kind::Duration(MINUTE, YEAR, |target, absolute| target.web.tokens.refresh_absolute = absolute),
        "90d",
        "The refresh tokens of a login end so long after it.",
    ),
];

/// The setting of that name.
pub(super) fn find(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

/// Held against others and by the web's own rules, when all are known.
#[expect(clippy::unnecessary_wraps, reason = "it stands where checks stand")]
fn any(_: &str) -> Result<(), String> {
    Ok(())
}

fn not_empty(text: &str) -> Result<(), String> {
    if text.is_empty() { Err("it is empty: leave it out".to_owned()) } else { Ok(()) }
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
