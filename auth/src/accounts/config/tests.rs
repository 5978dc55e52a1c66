use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use super::setting::{Kind, Raw, Setting};
use super::table::{self, SETTINGS};
use super::target::{LoginSettings, PasswordSettings, Target};
use super::{AuthConfig, units};
use crate::limits::{Limiter, LoginLimiter};
use crate::passwords::{Argon2Params, PasswordConfig};

#[test]
fn the_documentation_has_the_table() {
    let mut table =
        String::from("| setting | variable | takes | default | what it says |\n| --- | --- | --- | --- | --- |\n");
    for setting in SETTINGS {
        let Setting { key, about, .. } = setting;
        let _ = writeln!(
            table,
            "| `{key}` | `{}` | {} | {} | {about} |",
            setting.variable(),
            takes(setting),
            default(setting)
        );
    }
    let docs = include_str!("settings.md");
    assert!(docs.contains(&table), "settings.md should have this table:\n{table}");
    let rows = docs.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, SETTINGS.len());
}

fn takes(setting: &Setting) -> String {
    let range = |from: String, to: String| format!("{}, `{from}` to `{to}`", setting.kind.wanted());
    match &setting.kind {
        Kind::Choice(choices) => choices.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(", "),
        Kind::Number(from, to, _) => range(from.to_string(), to.to_string()),
        Kind::Duration(from, to, _) => range(units::show_duration(*from), units::show_duration(*to)),
        Kind::Size(from, to, _) => range(units::show_size(*from), units::show_size(*to)),
        kind => kind.wanted().to_owned(),
    }
}

fn default(setting: &Setting) -> String {
    match setting.default {
        "" => "—".to_owned(),
        default if is_a_value(setting) => format!("`{default}`"),
        words => words.to_owned(),
    }
}

/// Some defaults are no value that one could write, but words on it.
fn is_a_value(setting: &Setting) -> bool {
    let is_address = matches!(setting.kind, Kind::Address(_));
    !setting.default.is_empty() && !is_address && setting.kind.read(setting.default).is_ok()
}

#[test]
fn the_defaults_are_those_that_are_told() {
    let defaults = format!("{:?}", Target::default());
    for setting in SETTINGS.iter().filter(|setting| is_a_value(setting)) {
        let mut target = Target::default();
        setting.kind.set(&setting.kind.read(setting.default).unwrap(), &mut target).unwrap();
        assert_eq!(format!("{target:?}"), defaults, "{}", setting.key);
    }
    let password = PasswordSettings::default();
    assert_eq!(password.argon2(), Ok(Argon2Params::default()));
    assert_eq!(format!("{:?}", password.rules()), format!("{:?}", Ok::<_, ()>(PasswordConfig::default())));
    let limiter = Limiter::in_memory();
    let login = LoginSettings::default().limiter(limiter.clone()).unwrap();
    assert_eq!(format!("{login:?}"), format!("{:?}", LoginLimiter::new(limiter)));
    AuthConfig::new().check().unwrap();
}

#[test]
fn every_setting_does_something_of_its_own() {
    let defaults = format!("{:?}", Target::default());
    let mut seen = BTreeSet::new();
    for setting in SETTINGS {
        let raw = match &setting.kind {
            Kind::Address(_) => Raw::Text("memory:".into()),
            Kind::Secret(_) => Raw::Text("qwertyuiopasdfghjklzxcvbnm0123456789".into()),
            Kind::Secrets(_) => Raw::List(vec!["qwertyuiopasdfghjklzxcvbnm0123456789".into()]),
            Kind::Text(..) => Raw::Text("/x".into()),
            Kind::Texts(..) => Raw::List(vec!["https://example.com".into()]),
            Kind::Sources(_) => Raw::List(vec!["127.0.0.1".into()]),
            Kind::Choice(choices) => {
                let other = choices.iter().find(|(name, _)| *name != setting.default).unwrap();
                Raw::Text(other.0.into())
            }
            Kind::Switch(_) => Raw::Switch(true),
            Kind::Number(..) => Raw::Number(63),
            Kind::Duration(from, ..) => Raw::Text(units::show_duration(*from + Duration::from_secs(2)).into()),
            Kind::Size(..) => Raw::Text("33MiB".into()),
        };
        let mut target = Target::default();
        setting.kind.set(&raw, &mut target).unwrap();
        let changed = format!("{target:?}");
        assert!(changed != defaults && seen.insert(changed), "{}", setting.key);
    }
}

#[test]
fn names_and_variables_are_told_apart() {
    let keys: BTreeSet<_> = SETTINGS.iter().map(|setting| setting.key).collect();
    let variables: BTreeSet<_> = SETTINGS.iter().map(Setting::variable).collect();
    assert_eq!((keys.len(), variables.len()), (SETTINGS.len(), SETTINGS.len()));
    assert!(!variables.contains("AUTH_CONFIG"));
    assert_eq!(table::find("session.idle").unwrap().variable(), "AUTH_SESSION_IDLE");
}
