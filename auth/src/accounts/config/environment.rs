use std::collections::BTreeMap;
use std::ffi::OsString;

use zeroize::Zeroizing;

use super::nearest::nearest;
use super::setting::Setting;
use super::table::SETTINGS;
use super::{AuthConfig, ConfigError, SettingSource};

/// The variable that names the file.
const FILE: &str = "AUTH_CONFIG";

impl AuthConfig {
    /// Over what was read before, the file that `AUTH_CONFIG` names, if it names one, and over that the variables `AUTH_…`,
    /// one for each setting. Lists are separated by commas. An empty variable counts as none.
    ///
    /// A variable whose name is nearly one of these is refused. Others that begin with `AUTH_` are somebody else's: where a
    /// service is called `auth`, container platforms set some.
    pub fn with_environment(
        self,
        variables: impl IntoIterator<Item = (impl Into<OsString>, impl Into<OsString>)>,
    ) -> Self {
        let variables = variables.into_iter().filter_map(|(name, value)| {
            let name = name.into().into_string().ok().filter(|name| name.starts_with("AUTH_"))?;
            Some((name, value.into()))
        });
        let mut variables: BTreeMap<String, OsString> = variables.filter(|(_, value)| !value.is_empty()).collect();
        let mut config = match variables.remove(FILE) {
            Some(path) => self.with_named_file(path),
            None => self,
        };
        for setting in SETTINGS {
            let Some(value) = variables.remove(&setting.variable()) else { continue };
            let source = SettingSource::Environment;
            let value = value.into_string().map(Zeroizing::new).map_err(|_| "this is not text (UTF-8)".to_owned());
            let raw = value.and_then(|text| setting.kind.read(&text));
            if let Err(problem) = raw.and_then(|raw| config.give(setting, raw, source.clone())) {
                config.wrong(ConfigError::new(Some(setting.key), &source.place(setting.key), &problem));
            }
        }
        let known: Vec<_> = SETTINGS.iter().map(Setting::variable).chain([FILE.to_owned()]).collect();
        for name in variables.keys() {
            if let Some(meant) = nearest(name, known.iter().map(String::as_str), 2) {
                config.wrong(ConfigError::new(None, name, &format!("there is no such setting: `{meant}` is one")));
            }
        }
        config
    }

    #[cfg(feature = "config-toml")]
    fn with_named_file(self, path: OsString) -> Self {
        self.with_file(path)
    }

    #[cfg(not(feature = "config-toml"))]
    fn with_named_file(mut self, _: OsString) -> Self {
        self.wrong(ConfigError::new(None, FILE, "a file of settings needs the feature `config-toml`"));
        self
    }
}
