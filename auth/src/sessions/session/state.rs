//! What a session holds between its loads and saves.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::sessions::formats::{self, Encoder};
use crate::sessions::{Device, Login, SessionError, SessionKey, SessionRecord};

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
    /// The next save is under another key.
    pub(super) renew: bool,
    pub(super) encoder: Encoder,
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
        *self = Self { accessed: true, encoder: self.encoder, ..Self::default() };
    }

    pub(super) fn note_change(&mut self) {
        self.modified = true;
        self.generation += 1;
    }

    pub(super) fn items(&mut self) -> &mut Map<String, Value> {
        self.accessed = true;
        let record = self.record.as_ref();
        // A record that cannot be read was not loaded.
        let stored = || record.and_then(|record| formats::decode(&record.data)).unwrap_or_default();
        self.items.get_or_insert_with(stored)
    }

    /// Makes the same changes on top of a newer record. Not if its key was changed: then what this request came with
    /// opens it no more.
    pub(super) fn rebase(&mut self, newer: Arc<SessionRecord>) -> Result<(), SessionError> {
        if self.record.as_ref().is_none_or(|held| held.verifier != newer.verifier) {
            return Err(SessionError::Ended);
        }
        let mut items = formats::decode(&newer.data).ok_or(SessionError::Ended)?;
        self.changes.apply(&mut items);
        self.items = Some(items);
        self.record = Some(newer);
        Ok(())
    }
}
