//! Settings from files and from the environment, and an application that is set up by them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use auth::accounts::config::{AuthConfig, SettingSource};
use auth::limits::{Limiter, LoginLimiter};
use auth::passwords::{Argon2Hasher, PasswordHashers, Passwords};
use auth::prelude::*;
use auth::sessions::{HttpSessionConfig, InMemorySessionBackend};
use auth::users::InMemoryUserStore;
use auth_tests::http::PASSWORD;
use axum::http::StatusCode;
use chrono::TimeDelta;
use proptest::prelude::*;
use serde_json::json;

use crate::app::{Author, Site};

const SECRET: &str = "correct-horse-battery-staple-0123456789";
const NO_VARIABLES: [(&str, &str); 0] = [];

/// A file that goes with the test, readable by its owner only.
struct TestFile(PathBuf);

impl TestFile {
    fn new(text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("auth-settings-{}.toml", Uuid::new_v4()));
        std::fs::write(&path, text).unwrap();
        let file = Self(path);
        file.set_mode(0o600);
        file
    }

    #[cfg(unix)]
    fn set_mode(&self, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&self.0, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[cfg(not(unix))]
    fn set_mode(&self, _: u32) {}

    fn name(&self) -> String {
        self.0.display().to_string()
    }
}

impl AsRef<Path> for TestFile {
    fn as_ref(&self) -> &Path {
        &self.0
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

fn refused(config: &AuthConfig) -> String {
    config.check().unwrap_err().to_string()
}

fn value(config: &AuthConfig, name: &str) -> (String, SettingSource) {
    let all = config.describe();
    let setting = all.iter().find(|setting| setting.name == name).unwrap();
    (setting.value.clone(), setting.source.clone())
}

#[test]
fn every_mistake_of_a_file_is_one_line() {
    let file = TestFile::new(
        r#"databse = "sqlite:x.db"
secret = "short"
origins = ["https://example.com", "example.org"]
login_url = "login"
user_cache = 5

[session]
idle = "5 minutes"
absolute = "30s"
max_per_user = "3"
same_site = "sometimes"
insecure_cookies = "yes"
domain = "example.com"
colour = "red"

[password]
min_length = 8
hash_memory = "2MiB"
hash_passes = -1

[login.account]
lock_after = 101
free_tries = 0x0

[sesion]
name = "blog"

[token]
refresh_idle = "14d"
refresh_absolute = "7d"
"#,
    );
    let name = file.name();
    let config = AuthConfig::from_file(&file);
    let expected = [
        "1: databse: there is no such setting: `database` is one",
        "2: secret: the application's secret has fewer than 32 bytes; `openssl rand -base64 48` makes a good one",
        "3: origins: `example.org` is not an origin: write it as \"https://example.com\"",
        "4: login_url: `login` is not a path on this site: write it as \"/login\"",
        "5: user_cache: a number instead of a duration: write it as \"90s\", \"30m\", \"24h\" or \"14d\"",
        "8: session.idle: \"5 minutes\" is not a duration: write it as \"90s\", \"30m\", \"24h\" or \"14d\"",
        "9: session.absolute: 30s is not from 1m to 3660d",
        "10: session.max_per_user: a text instead of a whole number: write it without quotes, as 1",
        "11: session.same_site: \"sometimes\" is none of \"strict\", \"lax\", \"none\"",
        "12: session.insecure_cookies: a text instead of true or false: write it without quotes, as true or false",
        "14: session.colour: there is no such setting: there are `session.name`, `session.idle`, `session.absolute`, \
         `session.same_site`, `session.path`, `session.domain`, `session.without_host_prefix`, `session.insecure_cookies`, \
         `session.max_per_user`, `session.at_limit`",
        "19: password.hash_passes: a number that is negative or too large instead of a whole number: write it as 1",
        "23: login.account.free_tries: 0 is not from 1 to 1000000",
        "25: sesion: there is no such section: `session` is one",
        "13: session.domain: a `__Host-` cookie has no domain and the path `/`, or browsers drop it: leave both out, or also \
         call `without_host_prefix()`",
        "17: password.min_length: passwords need at least 15 characters (NIST SP 800-63B-4 §3.1.1.2; ASVS 6.2.1)",
        "22: login.account.lock_after: an account is locked after at most 100 tries (NIST SP 800-63B-4 §3.2.2)",
    ];
    let token = format!(
        "{name}:29: token.refresh_idle, {name}:30: token.refresh_absolute: a refresh token would end before it is out of use \
         for that long: `token.refresh_idle` is at most `token.refresh_absolute`"
    );
    let mut expected: Vec<_> = expected.iter().map(|line| format!("{name}:{line}")).collect();
    expected.push(token);
    assert_eq!(refused(&config).lines().collect::<Vec<_>>(), expected);

    let errors = config.check().unwrap_err();
    assert_eq!(errors.iter().count(), expected.len());
    assert_eq!(errors.iter().nth(1).unwrap().setting(), Some("secret"));
    assert_eq!(format!("{errors:?}"), errors.to_string());
}

#[test]
fn every_mistake_of_the_environment_is_one_line() {
    let config = AuthConfig::new().with_environment([
        ("AUTH_SESSION_MAX_PER_USER", "many"),
        ("AUTH_SESSION_INSECURE_COOKIES", "1"),
        ("AUTH_SESSION_IDEL", "30m"),
        ("AUTH_TRUSTED_PROXIES", "10.0.0.1, proxy"),
        ("AUTH_DATABASE", "x y"),
        ("AUTH_PASSWORD_HASH_MEMORY", "64MB"),
        ("AUTH_SECRET", "change-me-change-me-change-me-change-me"),
        ("AUTH_BACKENDS", "users,elsewhere"),
        ("AUTH_SESSION_AT_LIMIT", "end_oldest"),
        ("AUTH_HOME_URL", "//evil.example"),
        // Somebody else's.
        ("AUTH_SERVICE_HOST", "10.0.0.7"),
        ("AUTH_TEST_REDIS", "redis://127.0.0.1"),
        ("PATH", "/bin"),
    ]);
    let expected = "AUTH_DATABASE: this is not an address: it begins with a scheme, as \"sqlite:blog.db?mode=rwc\"
AUTH_SECRET: the application's secret looks like a placeholder; `openssl rand -base64 48` makes a good one
AUTH_TRUSTED_PROXIES: \"proxy\" is not a list of IP addresses: write it as [\"10.0.0.1\", \"::1\"]
AUTH_HOME_URL: `//evil.example` is not a path on this site: write it as \"/login\"
AUTH_SESSION_INSECURE_COOKIES: \"1\" is not true or false: write it as true or false
AUTH_SESSION_MAX_PER_USER: \"many\" is not a whole number: write it as 1
AUTH_PASSWORD_HASH_MEMORY: \"64MB\" is not a size: write it as \"512KiB\", \"64MiB\" or \"1GiB\"
AUTH_SESSION_IDEL: there is no such setting: `AUTH_SESSION_IDLE` is one
AUTH_BACKENDS: there is no auth backend `elsewhere`";
    assert!(refused(&config).starts_with(expected), "{}", refused(&config));
}

#[test]
fn what_does_not_go_together_is_refused() {
    for (text, expected) in [
        ("session.idle = '2h'\nsession.absolute = '1h'", "line 1: session.idle, line 2: session.absolute: "),
        (
            "session.same_site = 'none'\nsession.insecure_cookies = true",
            "line 1: session.same_site, line 2: session.insec",
        ),
        ("session.path = '/app'", "line 1: session.path: a `__Host-` cookie"),
        ("session.at_limit = 'end_oldest'", "line 1: session.at_limit: there is no limit"),
        (
            "password.min_length = 100\npassword.max_length = 64",
            "line 1: password.min_length, line 2: password.max_length: ",
        ),
        ("password.hash_passes = 1", "line 1: password.hash_passes: argon2id needs at least"),
        ("login.source.free_tries = 2000", "line 1: login.source.free_tries: free tries are"),
        (
            "token.refresh_absolute = '5m'",
            "line 1: token.refresh_absolute: a refresh token would end before its access",
        ),
        ("session = 5", "line 1: session: this is a section: write [session]"),
        ("[database]\nurl = 'x'", "line 1: database: a table instead of an address"),
        ("idle = '1h'", "line 1: idle: there is no such setting: `session.idle` is one"),
        ("session.idle = 1.5", "line 1: session.idle: a number with a point instead of a duration"),
        ("origins = 'https://example.com'", "line 1: origins: a text instead of a list of texts"),
        ("origins = [1]", "line 1: origins: a list of something else instead of"),
        ("session.name = 'a;b'", "line 1: session.name: `a;b` cannot be a cookie's name"),
        ("database = 'postgres://db.example/x'", "line 1: database: set AUTH_SECRET, or call"),
    ] {
        let said = refused(&AuthConfig::from_toml(text));
        assert!(said.starts_with(expected) && said.lines().count() == 1, "{text}: {said}");
    }
    for good in [
        "session.absolute = '30m'", // then it does not matter that sessions could be idle for an hour
        "session.path = '/app'\nsession.domain = 'example.com'\nsession.without_host_prefix = true",
        "session.max_per_user = 3\nsession.at_limit = 'end_oldest'",
        "password.hash_memory = '47104KiB'\npassword.hash_passes = 1",
        "login.source.locked_for = '1s'",
        "",
    ] {
        AuthConfig::from_toml(good).check().unwrap();
    }
}

#[test]
fn what_is_no_toml_is_told_by_its_lines() {
    let config =
        AuthConfig::from_toml("secret = \"correct-horse\nlogin_url = /login\n\n[session]\nidle = 30m\nname = 5\n");
    let said = refused(&config);
    let lines: Vec<_> = said.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(lines, ["line 1", "line 2", "line 5", "line 6"], "{said}");
    assert!(!said.contains("correct-horse"), "{said}");
    let twice = refused(&AuthConfig::from_toml("home_url = '/a'\nhome_url = '/b'\n"));
    assert!(twice.starts_with("line 2: duplicate key"), "{twice}");
}

#[test]
fn each_source_lies_over_the_one_before() {
    let file = TestFile::new("home_url = '/file'\nlogin_url = '/file/login'\n[session]\nidle = '20m'\n");
    let config = AuthConfig::new().with_environment([
        ("AUTH_CONFIG", file.name().as_str()),
        ("AUTH_HOME_URL", "/environment"),
        ("AUTH_LOGIN_URL", ""),
        ("AUTH_ORIGINS", "https://a.example, https://b.example"),
    ]);
    config.check().unwrap();
    assert_eq!(value(&config, "home_url"), ("/environment".to_owned(), SettingSource::Environment));
    let (login, source) = value(&config, "login_url");
    assert_eq!((login.as_str(), source.to_string()), ("/file/login", format!("{}:2", file.name())));
    let (idle, source) = value(&config, "session.idle");
    assert_eq!((idle.as_str(), source.to_string()), ("20m", format!("{}:4", file.name())));
    assert_eq!(value(&config, "session.absolute"), ("1d".to_owned(), SettingSource::NotGiven));
    assert_eq!(value(&config, "origins").0, "https://a.example, https://b.example");
    let config = config.with_toml("home_url = '/later'");
    assert_eq!(value(&config, "home_url").1.to_string(), "line 1");
}

#[test]
fn no_secret_is_shown() {
    let database = "postgres://me:hunter2hunter2@db.example/x";
    let file = TestFile::new(&format!(
        "secret = \"{SECRET}\"\nsecret_fallbacks = [\"{SECRET}-old\"]\ndatabase = \"{database}\"\nhome_url = 5\n"
    ));
    let right = AuthConfig::from_file(&file);
    let values: Vec<_> = ["secret", "secret_fallbacks", "database"].map(|name| value(&right, name).0).into();
    assert_eq!(values, ["set", "1 set", "postgres:…"]);
    let builder = Auth::<Author>::builder().config(right.clone());
    let mut shown = format!("{right:?} {builder:?} {:?} {}", right.describe(), refused(&right));
    assert!(shown.contains("postgres:…"), "{shown}");
    for wrong in [
        format!("secret = \"{SECRET}"),
        format!("secret = {SECRET}"),
        format!("secret = [\"{SECRET}\"]"),
        format!("secret_fallbacks = \"{SECRET}\""),
        format!("secret_fallbacks = [\"{SECRET}\", \"hunter2\"]"),
        format!("secert = \"{SECRET}\""),
        format!("\"{SECRET} {SECRET}\" = 1"),
        format!("session = \"{SECRET}\""),
        format!("[{SECRET}{SECRET}]\nx = 1"),
        format!("database = \"{} me:hunter2@db\"", "x".repeat(30)),
        "secret = \"hunter2\"".to_owned(),
        format!("user_cache = \"{SECRET}-{SECRET}\""),
    ] {
        let config = AuthConfig::from_toml(&wrong);
        writeln!(shown, "{config:?} {:?} {}", config.describe(), refused(&config)).unwrap();
    }
    for (name, secret) in [("AUTH_SECRET", "hunter2"), ("AUTH_SECRET_FALLBACKS", "hunter2,"), ("AUTH_SECERT", SECRET)] {
        let config = AuthConfig::new().with_environment([(name, secret)]);
        writeln!(shown, "{config:?} {:?} {}", config.describe(), refused(&config)).unwrap();
    }
    for secret in [SECRET, "hunter2", "correct-horse"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}

#[cfg(unix)]
#[test]
fn a_secret_that_others_can_read_is_refused() {
    for (text, expected) in [
        (format!("home_url = '/'\nsecret = '{SECRET}'\n"), "`secret`, or set AUTH_SECRET"),
        (format!("secret_fallbacks = ['{SECRET}']\n"), "`secret_fallbacks`, or set AUTH_SECRET_FALLBACKS"),
        ("limits = 'redis://:hunter2@cache.example'\n".to_owned(), "`limits`, or set AUTH_LIMITS"),
    ] {
        let file = TestFile::new(&text);
        AuthConfig::from_file(&file).check().unwrap();
        for mode in [0o604, 0o640, 0o602] {
            file.set_mode(mode);
            let said = refused(&AuthConfig::from_file(&file));
            let expected = format!("{}: others can read it: `chmod 600` it, for it holds {expected}", file.name());
            assert_eq!(said, expected);
        }
    }
    let harmless = TestFile::new("sessions = 'redis://cache.example'\n");
    harmless.set_mode(0o644);
    AuthConfig::from_file(&harmless).check().unwrap();
}

#[test]
fn a_file_that_cannot_be_read_is_refused() {
    let missing = refused(&AuthConfig::new().with_environment([("AUTH_CONFIG", "/nowhere/auth.toml")]));
    assert!(missing.starts_with("/nowhere/auth.toml: ") && missing.lines().count() == 1, "{missing}");
    let long = TestFile::new(&"#".repeat((1 << 20) + 1));
    assert_eq!(refused(&AuthConfig::from_file(&long)), format!("{}: this is longer than 1 MiB", long.name()));
    assert_eq!(refused(&AuthConfig::from_toml(&"#".repeat((1 << 20) + 1))), "this is longer than 1 MiB");
    let fits = TestFile::new(&"#".repeat(1 << 20));
    AuthConfig::from_file(&fits).check().unwrap();
    std::fs::write(&fits, [0xff, 0xfe]).unwrap();
    assert!(refused(&AuthConfig::from_file(&fits)).starts_with(&fits.name()));
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_no_text_is_refused() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;
    let bytes = OsString::from_vec(vec![b'/', 0xff]);
    let config = AuthConfig::new().with_environment([("AUTH_HOME_URL", bytes.clone()), ("HOME", bytes)]);
    assert_eq!(refused(&config), "AUTH_HOME_URL: this is not text (UTF-8)");
}

#[test]
fn mistakes_without_end_end() {
    let text: String =
        (0..50_000).flat_map(|number| ["wrong".to_owned(), number.to_string(), " = 1\n".to_owned()]).collect();
    assert!(refused(&AuthConfig::from_toml(&text)).lines().count() <= 101);
    let nested = format!("session = {}{}", "[".repeat(5000), "]".repeat(5000));
    assert!(AuthConfig::from_toml(&nested).check().is_err());
}

#[test]
fn the_example_is_right() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../auth/src/accounts/config/auth.toml");
    let config = AuthConfig::from_file(path);
    config.check().unwrap();
    let tokens = config.tokens().unwrap();
    assert_eq!(tokens.issuer.as_deref(), Some("https://example.com"));
    assert_eq!((tokens.access_lifetime.as_secs(), tokens.refresh_idle.as_secs()), (300, 7 * 86_400));
}

#[tokio::test]
async fn an_application_is_set_up_by_its_file_and_environment() {
    let file = TestFile::new(
        "login_url = '/enter'\n[session]\nname = 'file'\nidle = '10m'\nabsolute = '15m'\nmax_per_user = 1\n\
         [login.account_and_source]\nfree_tries = 2\n[password]\nmin_length = 20\nhash_passes = 3\n",
    );
    let config = AuthConfig::from_file(&file).with_environment([("AUTH_SESSION_NAME", "environment")]);
    // Wherever it stands among the calls.
    let site = Site::with(|builder| {
        let program = HttpSessionConfig::new().name("program").expires_at_browser_close();
        builder.config(config).http_sessions(program).login_url("/program").home_url("/home")
    })
    .await;
    let (visitor, _) = site.member("alice").await;
    assert!(visitor.cookie().unwrap().contains("environment="), "{:?}", visitor.cookie());
    assert_eq!(visitor.get("/closed").await.status, StatusCode::OK);
    assert_eq!(site.visitor().browse("/closed").await.location(), Some("/enter?next=/closed"));

    let short = json!({ "username": "bob", "password": "vortex-lantern-29" });
    assert_eq!(site.visitor().post("/register", &short).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let hash = site.user("alice").await.password_hash;
    assert!(hash.expose().contains("m=19456,t=3,p=1"));

    let right = json!({ "username": "alice", "password": PASSWORD });
    assert_eq!(site.visitor().post("/login", &right).await.status, StatusCode::FORBIDDEN);
    site.clock.advance(TimeDelta::minutes(9));
    assert_eq!(visitor.get("/closed").await.status, StatusCode::OK);
    site.clock.advance(TimeDelta::minutes(9));
    assert_eq!(visitor.get("/closed").await.status, StatusCode::UNAUTHORIZED);

    let wrong = json!({ "username": "alice", "password": "wrong-wrong-wrong-wrong" });
    let stranger = site.visitor();
    for expected in [StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS] {
        assert_eq!(stranger.post("/login", &wrong).await.status, expected);
    }
}

#[tokio::test]
async fn what_is_wrong_in_the_program_is_told_with_what_is_wrong_outside() {
    let config = AuthConfig::from_toml("home_url = 'home'\nsession.domain = 'example.com'\n");
    let builder = Auth::<Author>::builder().config(config).secret("short").login_url("login").origin("example.com");
    let said = builder.build().await.unwrap_err().to_string();
    let starts = [
        "line 1: home_url: `home`",
        "`login` is not a path",
        "`example.com` is not",
        "the application's secret",
        "line 2: ",
    ];
    assert_eq!(said.lines().count(), starts.len(), "{said}");
    assert!(said.lines().zip(starts).all(|(line, start)| line.starts_with(start)), "{said}");

    // What the program says can make right what is not so by itself, and the other way round.
    let config =
        AuthConfig::from_toml("session.domain = 'example.com'\nsecret = 'correct-horse-battery-staple-0123456789'");
    let open = HttpSessionConfig::new().without_host_prefix();
    Auth::<Author>::builder().config(config).secret("short").http_sessions(open).build().await.unwrap();
}

#[tokio::test]
async fn what_the_program_made_itself_is_not_changed_from_outside() {
    let builder = || Auth::<Author>::builder();
    let limiter = || LoginLimiter::new(Limiter::in_memory());
    let passwords = || Passwords::new(PasswordHashers::new(Argon2Hasher::default()));
    for (builder, variable, value) in [
        (builder().session_backend(Arc::new(InMemorySessionBackend::new())), "AUTH_SESSIONS", "memory:"),
        (builder().passwords(passwords()), "AUTH_PASSWORD_MIN_LENGTH", "20"),
        (builder().passwords(passwords()), "AUTH_PASSWORD_HASH_THREADS", "2"),
        (builder().login_limiter(limiter()), "AUTH_LOGIN_ACCOUNT_FREE_TRIES", "3"),
    ] {
        let config = AuthConfig::new().with_environment([(variable, value)]);
        config.check().unwrap();
        let said = builder.config(config).build().await.unwrap_err().to_string();
        let expected = format!("{variable}: the program ");
        assert!(said.starts_with(&expected) && said.lines().count() == 1, "{said}");
    }
    let config = AuthConfig::new().with_environment([("AUTH_DATABASE", "sqlite:/nowhere/at/all.db")]);
    builder().users(InMemoryUserStore::new()).config(config).build().await.unwrap();
}

proptest! {
    #[test]
    fn no_file_makes_it_panic(text in "\\PC{0,200}") {
        let _ = AuthConfig::from_toml(&text).check();
    }

    #[test]
    fn no_setting_makes_it_panic(
        lines in proptest::collection::vec((0_usize..50, "[\\[\"']?[a-z0-9_./:, -]{0,12}[\\]\"']?|-?[0-9]{1,30}|true|'[0-9]{1,20}[smhd]'"), 0..8),
    ) {
        let all = AuthConfig::new().describe();
        let line = |(index, value): &(usize, String)| format!("{} = {value}\n", all[index % all.len()].name);
        let config = AuthConfig::from_toml(&lines.iter().map(line).collect::<String>());
        let said = config.check().err().map_or(String::new(), |errors| errors.to_string());
        prop_assert!(said.lines().all(|line| !line.is_empty()));
        let variables = lines.iter().map(|(index, value)| (all[index % all.len()].variable.clone(), value.clone()));
        let config = config.with_environment(variables);
        drop((config.check(), config.describe(), config.tokens(), format!("{config:?}")));
    }

    #[test]
    fn a_variable_and_a_file_mean_the_same(seconds in 60_u32..100_000, name in "[a-z]{1,20}") {
        let idle = format!("{seconds}s");
        let text = format!("[session]\nidle = \"{idle}\"\nabsolute = \"{idle}\"\nname = \"{name}\"\n");
        let file = AuthConfig::from_toml(&text);
        let variables = [("AUTH_SESSION_IDLE", &idle), ("AUTH_SESSION_ABSOLUTE", &idle), ("AUTH_SESSION_NAME", &name)];
        let environment = AuthConfig::new().with_environment(variables);
        prop_assert_eq!(format!("{file:?}"), format!("{environment:?}"));
        prop_assert!(file.check().is_ok() && environment.check().is_ok());
    }
}

#[test]
fn without_a_word_nothing_is_set() {
    let config = AuthConfig::new().with_environment(NO_VARIABLES);
    assert!(config.describe().iter().all(|setting| setting.source == SettingSource::NotGiven));
    config.check().unwrap();
}
