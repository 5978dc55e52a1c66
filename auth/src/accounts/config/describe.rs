use std::fmt;
use std::sync::Arc;

use super::AuthConfig;
use super::setting::Setting;
use super::table::{self, SETTINGS};

/// A setting, as [`AuthConfig::describe`] tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DescribedSetting {
    /// Its name in a file: `session.idle`.
    pub name: &'static str,
    /// Its name in the environment: `AUTH_SESSION_IDLE`.
    pub variable: String,
    /// What it is for.
    pub about: &'static str,
    /// What holds: of a secret that it is set, of an address its scheme. Empty if nothing is set, nor by default.
    pub value: String,
    /// Where that stands.
    pub source: SettingSource,
}

/// Where the value of a setting stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingSource {
    /// Nowhere: the default holds, or what the program says.
    NotGiven,
    /// In a file.
    #[non_exhaustive]
    File {
        /// The file, if it was read as one.
        name: Option<Arc<str>>,
        /// The line, counted from 1.
        line: usize,
    },
    /// In a variable of the environment.
    Environment,
}

impl AuthConfig {
    /// Every setting there is: what it is, what holds, and where that stands. Settings that are wrong are told by
    /// [`AuthConfig::check`] instead.
    pub fn describe(&self) -> Vec<DescribedSetting> {
        SETTINGS.iter().map(|setting| self.describe_one(setting)).collect()
    }

    fn describe_one(&self, setting: &'static Setting) -> DescribedSetting {
        let Setting { key: name, about, .. } = *setting;
        let (value, source) = match self.given.get(name) {
            Some(given) => (setting.kind.show(&given.raw), given.source.clone()),
            None => (setting.default.to_owned(), SettingSource::NotGiven),
        };
        DescribedSetting { name, variable: setting.variable(), about, value, source }
    }
}

impl SettingSource {
    /// Where that setting stands, as an error says it.
    pub(super) fn place(&self, key: &str) -> String {
        match self {
            Self::Environment => table::find(key).map(Setting::variable).unwrap_or_default(),
            Self::NotGiven => key.to_owned(),
            Self::File { .. } => format!("{self}: {key}"),
        }
    }
}

impl fmt::Display for SettingSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotGiven => f.write_str("default"),
            Self::Environment => f.write_str("environment"),
            Self::File { name: Some(name), line } => write!(f, "{name}:{line}"),
            Self::File { name: None, line } => write!(f, "line {line}"),
        }
    }
}
