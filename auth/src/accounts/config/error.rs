use std::fmt;

/// Everything that is wrong with the settings, one line each.
///
/// No value of a secret, and no address, is in it.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    errors: Vec<ConfigError>,
}

/// One thing that is wrong with the settings, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub(super) setting: Option<&'static str>,
    line: String,
}

impl ConfigError {
    /// About one setting, or about what is none; the place is the file and its line, or the variable.
    pub(super) fn new(setting: Option<&'static str>, place: &str, problem: &str) -> Self {
        let line = if place.is_empty() { problem.to_owned() } else { format!("{place}: {problem}") };
        // A file's name and an operator's text may hold anything: here they are one line.
        Self { setting, line: line.replace(char::is_control, "\u{fffd}") }
    }

    /// The setting's name in the file, if it is about one.
    pub fn setting(&self) -> Option<&str> {
        self.setting
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl std::error::Error for ConfigError {}

impl ConfigErrors {
    /// `Ok` when there is none.
    pub(super) fn of(errors: Vec<ConfigError>) -> Result<(), Self> {
        if errors.is_empty() { Ok(()) } else { Err(Self { errors }) }
    }

    /// Each of them: those of files first, by their lines, then those of variables, then those of settings that do not go
    /// together.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.errors.iter()
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

/// The same words as `Display`: `main` shows an error by its `Debug`.
impl fmt::Debug for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ConfigErrors {}
