//! Settings, as TOML and as variables.

use auth::accounts::config::AuthConfig;

/// What nobody may see who sees errors and descriptions.
const SECRET: &str = "canary-canary-canary-canary-canary-0123456789";

/// The whole as a file; and each line, `NAME=value`, as a variable. `%` stands for a secret.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let text = text.replacen('%', SECRET, 4);
    let file = AuthConfig::from_toml(&text);
    // A variable that names a file would have one read.
    let variables =
        || text.lines().filter(|line| !line.starts_with("AUTH_CONFIG=")).filter_map(|line| line.split_once('='));
    let environment = AuthConfig::new().with_environment(variables());
    for config in [&file, &environment, &file.clone().with_environment(variables())] {
        judged(config);
    }
}

fn judged(config: &AuthConfig) {
    let verdict = config.check();
    assert_eq!(verdict, config.check(), "asked again, it is the same");
    if let Err(errors) = &verdict {
        assert!(errors.iter().count() <= 300, "so many errors help nobody");
        for error in errors.iter() {
            let line = error.to_string();
            assert!(!line.contains(char::is_control) && line.len() < 4096, "{line:?}");
            assert!(!line.contains("canary-canary") || error.setting().is_some_and(is_plain), "{line}");
        }
    }
    let described = config.describe();
    for setting in &described {
        assert!(!format!("{setting:?}").contains("canary-canary-canary") || is_plain(setting.name), "{setting:?}");
    }
    if !described.iter().any(|setting| is_plain(setting.name) && setting.value.contains("canary")) {
        assert!(!format!("{config:?}").contains("canary"), "{config:?}");
    }
    assert_eq!(config.tokens().is_ok(), verdict.is_ok());
}

/// Settings that anybody may see: neither a secret nor an address.
fn is_plain(name: &str) -> bool {
    !["secret", "secret_fallbacks", "database", "sessions", "limits", "records"].contains(&name)
        && !name.contains("password")
}
