#![doc = include_str!("settings.md")]
#![doc = concat!("```toml\n", include_str!("auth.toml"), "```")]

mod apply;
mod describe;
mod environment;
mod error;
#[cfg(feature = "config-toml")]
mod file;
mod nearest;
mod rules;
mod setting;
mod table;
mod target;
mod token;
mod units;

use std::collections::BTreeMap;
use std::fmt;

use self::setting::{Raw, Setting};
use self::table::SETTINGS;
use self::target::Target;

pub(super) use self::target::LoginSettings;
pub use describe::{DescribedSetting, SettingSource};
pub use error::{ConfigError, ConfigErrors};
pub use token::TokenConfig;

/// The settings of an application, from a file and the environment.
///
/// Each `with_…` lies over what was read before. What is wrong is kept, and told all at once: by [`AuthConfig::check`], or
/// when the [`Auth`](crate::Auth) is built. Over what the program says a setting lies where it is given.
///
/// ```
/// use auth::accounts::config::AuthConfig;
///
/// let config = AuthConfig::new().with_environment([("AUTH_SESSION_IDLE", "30m"), ("AUTH_SESSION_SAME_SITE", "strict")]);
/// config.check()?;
///
/// let wrong = AuthConfig::new().with_environment([("AUTH_SESSION_IDLE", "30"), ("AUTH_SECRET", "hunter2")]);
/// assert_eq!(
///     wrong.check().unwrap_err().to_string(),
///     "AUTH_SECRET: the application's secret has fewer than 32 bytes; `openssl rand -base64 48` makes a good one\n\
///      AUTH_SESSION_IDLE: \"30\" is not a duration: write it as \"90s\", \"30m\", \"24h\" or \"14d\""
/// );
/// # Ok::<(), auth::accounts::config::ConfigErrors>(())
/// ```
///
/// # Security
/// Secrets and addresses, which may hold a password, are in no error, in no `Debug` and not in [`AuthConfig::describe`]; weak
/// secrets are refused.
#[derive(Clone, Default)]
#[must_use]
pub struct AuthConfig {
    given: BTreeMap<&'static str, Given>,
    errors: Vec<ConfigError>,
}

/// Who has more to mend begins with these.
const MOST_ERRORS: usize = 100;

/// What somebody gave, and where; it is right.
#[derive(Clone)]
struct Given {
    raw: Raw,
    source: SettingSource,
}

impl AuthConfig {
    /// Nothing but the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// The file that `AUTH_CONFIG` names, if it names one, and over it the environment. An [`Auth`](crate::Auth) that is
    /// built without a word on its configuration has this one.
    pub fn load() -> Self {
        Self::new().with_environment(std::env::vars_os())
    }

    /// Looks for everything that is wrong, as for a program that says nothing itself.
    ///
    /// # Errors
    /// [`ConfigErrors`] with all of it.
    pub fn check(&self) -> Result<(), ConfigErrors> {
        let mut target = Target::default();
        self.apply(&mut target);
        self.check_with(&target)
    }

    /// The settings of tokens.
    ///
    /// # Errors
    /// [`ConfigErrors`], as for [`AuthConfig::check`].
    pub fn tokens(&self) -> Result<TokenConfig, ConfigErrors> {
        let mut target = Target::default();
        self.apply(&mut target);
        self.check_with(&target)?;
        Ok(target.web.tokens)
    }

    /// Takes a value if it is right.
    fn give(&mut self, setting: &'static Setting, raw: Raw, source: SettingSource) -> Result<(), String> {
        setting.kind.set(&raw, &mut Target::default())?;
        self.given.insert(setting.key, Given { raw, source });
        Ok(())
    }

    fn wrong(&mut self, error: ConfigError) {
        if self.errors.len() < MOST_ERRORS {
            self.errors.push(error);
        }
    }

    fn is_given(&self, key: &str) -> bool {
        self.given.contains_key(key)
    }

    fn is_given_below(&self, section: &str) -> bool {
        self.given.keys().any(|key| key.starts_with(section))
    }

    fn apply(&self, target: &mut Target) {
        let given = SETTINGS.iter().filter_map(|setting| Some((setting, self.given.get(setting.key)?)));
        for (setting, given) in given {
            setting.kind.set(&given.raw, target).expect("what is given was set once before");
        }
    }

    /// What is wrong in the sources, and with all settings together.
    fn check_with(&self, target: &Target) -> Result<(), ConfigErrors> {
        let mut errors = self.errors.clone();
        for conflict in rules::conflicts(target, &|key| self.is_given(key)) {
            // What is wrong already is not there, so that what misses it would mislead.
            if conflict.keys.iter().any(|key| self.errors.iter().any(|error| error.setting == Some(key))) {
                continue;
            }
            let given: Vec<_> = conflict.keys.iter().filter_map(|key| self.given.get_key_value(key.as_str())).collect();
            let places: Vec<_> = given.iter().map(|(key, given)| given.source.place(key)).collect();
            let setting = given.first().map(|(key, _)| **key);
            errors.push(ConfigError::new(setting, &places.join(", "), &conflict.problem));
        }
        ConfigErrors::of(errors)
    }
}

impl fmt::Debug for AuthConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("AuthConfig");
        for setting in SETTINGS {
            if let Some(given) = self.given.get(setting.key) {
                shown.field(setting.key, &format_args!("{}", setting.kind.show(&given.raw)));
            }
        }
        shown.field("errors", &self.errors.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
