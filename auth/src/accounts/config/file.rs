use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::nearest::nearest;
use super::setting::{Raw, Setting};
use super::table::{self, SETTINGS};
use super::{AuthConfig, ConfigError, MOST_ERRORS, SettingSource};
use crate::accounts::secret_file;

/// The longest file, in bytes.
const LIMIT: usize = 1 << 20;

impl AuthConfig {
    /// Only what stands in this text; see [`AuthConfig::with_toml`].
    pub fn from_toml(text: &str) -> Self {
        Self::new().with_toml(text)
    }

    /// Only what stands in this file; see [`AuthConfig::with_file`].
    pub fn from_file(path: impl AsRef<Path>) -> Self {
        Self::new().with_file(path)
    }

    /// Over what was read before, a text in TOML, 1 MiB at the most. A setting that there is not is refused, and so is a value
    /// of another type: a number in quotes is none.
    pub fn with_toml(mut self, text: &str) -> Self {
        if text.len() > LIMIT {
            self.wrong(ConfigError::new(None, "", TOO_LONG));
        } else {
            Reading::new(&mut self, None, text).document(text);
        }
        self
    }

    /// Over what was read before, a file in TOML; see [`AuthConfig::with_toml`].
    ///
    /// # Security
    /// On Unix, a file that holds a secret, or an address with a user, and that others than its owner can read, is refused.
    pub fn with_file(mut self, path: impl AsRef<Path>) -> Self {
        let name: Arc<str> = path.as_ref().display().to_string().into();
        match read(path.as_ref()) {
            Err(error) => self.wrong(ConfigError::new(None, &name, &error.to_string())),
            Ok((text, privacy)) => {
                Reading::new(&mut self, Some(name.clone()), &text).document(&text);
                let is_here = |source: &SettingSource| matches!(source, SettingSource::File { name: Some(file), .. } if *file == name);
                let holds = |setting: &&Setting| {
                    let given = self.given.get(setting.key);
                    given.is_some_and(|given| is_here(&given.source) && setting.kind.is_secret(&given.raw))
                };
                if let (Err(error), Some(setting)) = (privacy, SETTINGS.iter().find(holds)) {
                    let problem = format!("{error}, for it holds `{}`, or set {}", setting.key, setting.variable());
                    self.wrong(ConfigError::new(None, &name, &problem));
                }
            }
        }
        self
    }
}

const TOO_LONG: &str = "this is longer than 1 MiB";

/// The text, and whether nobody else can read it.
fn read(path: &Path) -> io::Result<(Zeroizing<String>, io::Result<()>)> {
    let file = File::open(path)?;
    let privacy = secret_file::check_private(&file);
    let mut text = Zeroizing::new(String::new());
    file.take(LIMIT as u64 + 1).read_to_string(&mut text)?;
    if text.len() > LIMIT { Err(io::Error::other(TOO_LONG)) } else { Ok((text, privacy)) }
}

/// One text that is being read.
struct Reading<'a> {
    config: &'a mut AuthConfig,
    name: Option<Arc<str>>,
    /// Where its lines end.
    ends: Vec<usize>,
    /// Lines that are no TOML: what the parser makes of them is not looked at, so that one mistake is one line.
    spoilt: BTreeSet<usize>,
    errors: Vec<(usize, ConfigError)>,
}

impl<'a> Reading<'a> {
    fn new(config: &'a mut AuthConfig, name: Option<Arc<str>>, text: &str) -> Self {
        let ends = text.bytes().enumerate().filter_map(|(index, byte)| (byte == b'\n').then_some(index)).collect();
        Self { config, name, ends, spoilt: BTreeSet::new(), errors: Vec::new() }
    }

    fn document(mut self, text: &str) {
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let line = self.line(error.span().unwrap_or_default().start);
            // The parser's own `Display` shows the whole line, and with it a secret.
            if self.spoilt.insert(line) {
                let place = self.source(line).to_string();
                self.errors.push((line, ConfigError::new(None, &place, error.message())));
            }
        }
        self.section("", table.get_ref());
        self.errors.sort_by_key(|(line, _)| *line);
        self.errors.into_iter().for_each(|(_, error)| self.config.wrong(error));
    }

    fn section(&mut self, section: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            if self.errors.len() > MOST_ERRORS {
                return;
            }
            let name =
                if section.is_empty() { key.get_ref().to_string() } else { format!("{section}.{}", key.get_ref()) };
            let line = self.line(key.span().start);
            let lines = line..=line.max(self.line(value.span().end));
            match (value.get_ref(), table::find(&name)) {
                (DeValue::Table(table), None) if is_section(&name) => self.section(&name, table),
                _ if self.spoilt.range(lines).next().is_some() => {}
                (value, Some(setting)) => {
                    let source = self.source(line);
                    if let Err(problem) = self.config.give(setting, raw(value), source.clone()) {
                        self.errors
                            .push((line, ConfigError::new(Some(setting.key), &source.place(setting.key), &problem)));
                    }
                }
                (value, None) => {
                    let name = presentable(&name);
                    let problem = if is_section(name) {
                        format!("this is a section: write [{name}], and its settings below")
                    } else {
                        unknown(name, matches!(value, DeValue::Table(_)))
                    };
                    let place = self.source(line).place(name);
                    self.errors.push((line, ConfigError::new(None, &place, &problem)));
                }
            }
        }
    }

    fn source(&self, line: usize) -> SettingSource {
        SettingSource::File { name: self.name.clone(), line }
    }

    fn line(&self, at: usize) -> usize {
        self.ends.partition_point(|end| *end < at) + 1
    }
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.as_ref().into()),
        DeValue::Boolean(on) => Raw::Switch(*on),
        DeValue::Integer(number) => match u64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Raw::Number(number),
            Err(_) => Raw::Other("a number that is negative or too large"),
        },
        DeValue::Float(_) => Raw::Other("a number with a point"),
        DeValue::Datetime(_) => Raw::Other("a date or time"),
        DeValue::Table(_) => Raw::Other("a table"),
        DeValue::Array(items) => {
            let text = |item: &DeValue<'_>| match item {
                DeValue::String(text) => Some(text.as_ref().into()),
                _ => None,
            };
            let texts: Option<Vec<_>> = items.iter().map(|item| text(item.get_ref())).collect();
            texts.map_or(Raw::Other("a list of something else"), Raw::List)
        }
    }
}

fn sections() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().flat_map(|setting| setting.key.match_indices('.').map(|(at, _)| &setting.key[..at]))
}

fn is_section(name: &str) -> bool {
    sections().any(|section| section == name)
}

/// A name as an error may show it: somebody may have pasted a secret where a name belongs.
fn presentable(name: &str) -> &str {
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    if name.len() <= 40 && name.bytes().all(is_name) { name } else { "…" }
}

/// What may have been meant.
fn unknown(name: &str, is_table: bool) -> String {
    let keys = || SETTINGS.iter().map(|setting| setting.key);
    if is_table {
        let known: BTreeSet<_> = sections().collect();
        return match nearest(name, known.iter().copied(), few(name)) {
            Some(meant) => format!("there is no such section: `{meant}` is one"),
            None => format!("there is no such section: there are {}", list(known.into_iter())),
        };
    }
    let (section, last) = name.rsplit_once('.').unwrap_or(("", name));
    let elsewhere = || keys().find(|key| key.rsplit_once('.').is_some_and(|(_, known)| known == last));
    if let Some(meant) = nearest(name, keys(), few(name)).or_else(elsewhere) {
        return format!("there is no such setting: `{meant}` is one");
    }
    let beside = keys().filter(|key| key.rsplit_once('.').map_or("", |(section, _)| section) == section);
    format!("there is no such setting: there are {}", list(beside))
}

/// Slips of the pen, of which a longer name has more.
fn few(name: &str) -> usize {
    (name.len() / 3).clamp(1, 3)
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
