//! What a session holds between its loads and saves.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{Device, Login, SessionKey, SessionRecord, formats};

#[derive(Default)]
pub(super) struct State {
    pub(super) key: Option<SessionKey>,
    /// As the store had it when this session last read or wrote it.
    pub(super) record: Option<Arc<SessionRecord>>,
    /// The record's dictionary, once somebody asked for it, with the changes made.
    pub(super) items: Option<Map<String, Value>>,
    pub(super) changes: Changes,
    pub(super) modified: bool,
    pub(super) accessed: bool,
    /// Counts changes, so that one made while a save was under way is not taken for saved.
    pub(super) generation: u64,
    /// When the session began and when it ends at the latest, if its key was changed since.
    pub(super) began: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

/// What was done since the last save. It can be done again on top of what another request saved meanwhile.
#[derive(Clone, Default)]
pub(super) struct Changes {
    pub(super) cleared: bool,
    pub(super) items: BTreeMap<String, Option<Value>>,
    pub(super) login: Option<Login>,
    pub(super) device: Option<Device>,
}

impl Changes {
    pub(super) fn apply(&self, items: &mut Map<String, Value>) {
        if self.cleared {
            items.clear();
        }
        for (key, value) in &self.items {
            match value {
                Some(value) => items.insert(key.clone(), value.clone()),
                None => items.remove(key),
            };
        }
    }
}

impl State {
    /// Nothing is stored any more.
    pub(super) fn forget(&mut self) {
        *self = Self { accessed: true, ..Self::default() };
    }

    pub(super) fn note_change(&mut self) {
        self.modified = true;
        self.generation += 1;
    }

    pub(super) fn items(&mut self) -> &mut Map<String, Value> {
        self.accessed = true;
        let record = self.record.as_ref();
        self.items.get_or_insert_with(|| {
            record.map(|record| formats::decode(&record.data).unwrap_or_default()).unwrap_or_default()
        })
    }

    /// Makes everything that the record holds a change, to be saved under a key to come.
    pub(super) fn detach(&mut self) {
        let items = self.items().clone();
        let Some(record) = self.record.take() else { return };
        self.changes.items = items.into_iter().map(|(key, value)| (key, Some(value))).collect();
        self.changes.login = self.changes.login.take().or_else(|| record.login.clone());
        self.changes.device = self.changes.device.take().or_else(|| record.device.clone());
        self.began = Some((record.created_at, record.ends_at));
        self.key = None;
    }

    /// Makes the same changes on top of a newer record.
    pub(super) fn rebase(&mut self, newer: Arc<SessionRecord>) {
        let mut items = formats::decode(&newer.data).unwrap_or_default();
        self.changes.apply(&mut items);
        self.items = Some(items);
        self.record = Some(newer);
    }
}
