use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use super::target::Target;
use super::units;
use crate::registry::Url;
use crate::secret::{SecretKey, SecretString};

/// A row of the table that everything here is made of.
pub(super) struct Setting {
    /// Its name in a file, with the section before the last point.
    pub(super) key: &'static str,
    /// What it takes, and what is done with it.
    pub(super) kind: Kind,
    /// What holds if nothing is said, as it would be said; or a word on it.
    pub(super) default: &'static str,
    /// One line of documentation.
    pub(super) about: &'static str,
}

/// What a setting takes, and where it goes.
pub(super) enum Kind {
    Address(fn(&mut Target, Url)),
    Secret(fn(&mut Target, SecretString)),
    Secrets(fn(&mut Target, Vec<SecretString>)),
    Text(Check, fn(&mut Target, String)),
    Texts(Check, fn(&mut Target, Vec<String>)),
    Sources(fn(&mut Target, Vec<IpAddr>)),
    Choice(&'static [Choice]),
    Switch(fn(&mut Target, bool)),
    Number(u32, u32, fn(&mut Target, u32)),
    Duration(Duration, Duration, fn(&mut Target, Duration)),
    /// In bytes.
    Size(u64, u64, fn(&mut Target, u64)),
}

/// A word, and what it does.
pub(super) type Choice = (&'static str, fn(&mut Target));

/// Says what is wrong with a text.
pub(super) type Check = fn(&str) -> Result<(), String>;

/// A value as it was written, before it is known to be right.
#[derive(Clone)]
pub(super) enum Raw {
    Text(SecretString),
    List(Vec<SecretString>),
    Number(u64),
    Switch(bool),
    /// What no setting takes.
    #[cfg_attr(not(feature = "config-toml"), expect(dead_code, reason = "only files know types"))]
    Other(&'static str),
}

impl Setting {
    pub(super) const fn new(key: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Self {
        Self { key, kind, default, about }
    }

    /// Its name in the environment.
    pub(super) fn variable(&self) -> String {
        format!("AUTH_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key)
    }
}

impl Kind {
    /// What a variable says, which is always a text.
    pub(super) fn read(&self, text: &str) -> Result<Raw, String> {
        let raw = match self {
            Self::Number(..) => units::number(text).map(Raw::Number),
            Self::Switch(_) => text.parse().ok().map(Raw::Switch),
            Self::Secrets(_) | Self::Texts(..) | Self::Sources(_) => {
                Some(Raw::List(text.split(',').map(|item| item.trim().into()).collect()))
            }
            _ => Some(Raw::Text(text.into())),
        };
        raw.ok_or_else(|| format!("{} is not {}: write it as {}", shown(text), self.wanted(), self.example()))
    }

    /// Puts a value where it belongs, or says what is wrong with it.
    pub(super) fn set(&self, raw: &Raw, target: &mut Target) -> Result<(), String> {
        match (self, raw) {
            (Self::Address(set), Raw::Text(text)) => set(target, address(text)?),
            (Self::Secret(set), Raw::Text(text)) => set(target, strong(text)?),
            (Self::Secrets(set), Raw::List(texts)) => {
                set(target, texts.iter().map(strong).collect::<Result<_, _>>()?);
            }
            (Self::Text(check, set), Raw::Text(text)) => {
                check(text.expose())?;
                set(target, text.expose().to_owned());
            }
            (Self::Texts(check, set), Raw::List(texts)) => {
                texts.iter().try_for_each(|text| check(text.expose()))?;
                set(target, texts.iter().map(|text| text.expose().to_owned()).collect());
            }
            (Self::Sources(set), Raw::List(texts)) => {
                set(
                    target,
                    texts.iter().map(|text| self.parsed(text, |text| text.parse().ok())).collect::<Result<_, _>>()?,
                );
            }
            (Self::Choice(choices), Raw::Text(text)) => {
                let name = text.expose();
                let (_, set) = choices
                    .iter()
                    .find(|(known, _)| *known == name)
                    .ok_or_else(|| format!("{} is none of {}", shown(name), self.example()))?;
                set(target);
            }
            (Self::Switch(set), Raw::Switch(on)) => set(target, *on),
            (Self::Number(from, to, set), Raw::Number(number)) => {
                let number = within(*number, u64::from(*from), u64::from(*to), u64::to_string)?;
                set(target, u32::try_from(number).unwrap_or(*to));
            }
            (Self::Duration(from, to, set), Raw::Text(text)) => {
                let duration = self.parsed(text, units::duration)?;
                set(target, within(duration, *from, *to, |duration| units::show_duration(*duration))?);
            }
            (Self::Size(from, to, set), Raw::Text(text)) => {
                let size = self.parsed(text, units::size)?;
                set(target, within(size, *from, *to, |size| units::show_size(*size))?);
            }
            (Self::Number(..) | Self::Switch(_), Raw::Text(_)) => {
                return Err(format!(
                    "a text instead of {}: write it without quotes, as {}",
                    self.wanted(),
                    self.example()
                ));
            }
            (_, raw) => {
                let problem = format!("{} instead of {}: write it as {}", raw.what(), self.wanted(), self.example());
                return Err(problem);
            }
        }
        Ok(())
    }

    /// As much of a value as may be seen.
    pub(super) fn show(&self, raw: &Raw) -> String {
        match (self, raw) {
            (Self::Secret(_), _) => "set".to_owned(),
            (Self::Secrets(_), Raw::List(secrets)) => format!("{} set", secrets.len()),
            (Self::Address(_), Raw::Text(text)) => format!("{}:…", Url::new(text.expose()).shown_scheme()),
            (_, Raw::Text(text)) => text.expose().to_owned(),
            (_, Raw::List(texts)) => texts.iter().map(SecretString::expose).collect::<Vec<_>>().join(", "),
            (_, Raw::Number(number)) => number.to_string(),
            (_, Raw::Switch(on)) => on.to_string(),
            (_, Raw::Other(what)) => (*what).to_owned(),
        }
    }

    /// Whether this value opens something to whoever reads it.
    #[cfg(feature = "config-toml")]
    pub(super) fn is_secret(&self, raw: &Raw) -> bool {
        match (self, raw) {
            (Self::Secret(_) | Self::Secrets(_), _) => true,
            // A user stands before it, perhaps with a password.
            (Self::Address(_), Raw::Text(text)) => text.expose().contains('@'),
            _ => false,
        }
    }

    /// What it takes, in words.
    pub(super) fn wanted(&self) -> &'static str {
        match self {
            Self::Address(_) => "an address",
            Self::Secret(_) | Self::Text(..) => "a text",
            Self::Secrets(_) | Self::Texts(..) => "a list of texts",
            Self::Sources(_) => "a list of IP addresses",
            Self::Choice(_) => "one of its words",
            Self::Switch(_) => "true or false",
            Self::Number(..) => "a whole number",
            Self::Duration(..) => "a duration",
            Self::Size(..) => "a size",
        }
    }

    /// How that is written in a file.
    pub(super) fn example(&self) -> String {
        match self {
            Self::Address(_) => "\"sqlite:blog.db?mode=rwc\"".to_owned(),
            Self::Secret(_) | Self::Text(..) => "\"…\"".to_owned(),
            Self::Secrets(_) | Self::Texts(..) => "[\"…\", \"…\"]".to_owned(),
            Self::Sources(_) => "[\"10.0.0.1\", \"::1\"]".to_owned(),
            Self::Choice(choices) => {
                choices.iter().map(|(name, _)| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
            }
            Self::Switch(_) => "true or false".to_owned(),
            Self::Number(from, ..) => from.to_string(),
            Self::Duration(..) => "\"90s\", \"30m\", \"24h\" or \"14d\"".to_owned(),
            Self::Size(..) => "\"512KiB\", \"64MiB\" or \"1GiB\"".to_owned(),
        }
    }

    fn parsed<T>(&self, text: &SecretString, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, String> {
        let text = text.expose();
        parse(text).ok_or_else(|| format!("{} is not {}: write it as {}", shown(text), self.wanted(), self.example()))
    }
}

impl Raw {
    fn what(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Number(_) => "a number",
            Self::Switch(_) => "true or false",
            Self::Other(what) => what,
        }
    }
}

/// A wrong value as an error may show it: short, on one line.
pub(super) fn shown(text: &str) -> String {
    if text.chars().count() > 40 { "this text".to_owned() } else { format!("{text:?}") }
}

/// What stands in an address is not shown: there may be a password before the first colon.
fn address(text: &SecretString) -> Result<Url, String> {
    let url = Url::new(text.expose());
    if url.shown_scheme() == "…" {
        return Err("this is not an address: it begins with a scheme, as \"sqlite:blog.db?mode=rwc\"".to_owned());
    }
    Ok(url)
}

fn strong(text: &SecretString) -> Result<SecretString, String> {
    SecretKey::new(text.expose()).map(|_| text.clone()).map_err(|weak| weak.to_string())
}

fn within<T: PartialOrd + Copy>(value: T, from: T, to: T, show: impl Fn(&T) -> String) -> Result<T, String> {
    if (&from..=&to).contains(&&value) {
        return Ok(value);
    }
    Err(format!("{} is not from {} to {}", show(&value), show(&from), show(&to)))
}
