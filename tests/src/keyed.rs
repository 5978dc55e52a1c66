use std::collections::BTreeMap;

use auth::database::{
    Column, ColumnError, Field, Model, Role, Row, Value, column, json_column, read, read_json, to_json,
};
use auth::passwords::{Argon2Hasher, PasswordHash};
use auth::users::{BaseUser, PrimaryKey, User, UserModel};
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// A user with any type of key, and with a field of each type.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the fields are there for their types")]
pub struct Keyed<K> {
    pub key: K,
    pub name: String,
    pub password: PasswordHash,
    pub tiny: i8,
    pub small: i16,
    pub int: i32,
    pub octet: u8,
    pub word: u16,
    pub long_word: u32,
    pub big: i64,
    pub single: f32,
    pub double: f64,
    pub flag: bool,
    pub text: Option<String>,
    pub bytes: Vec<u8>,
    pub uuid: Option<Uuid>,
    pub time: DateTime<Utc>,
    pub date: Option<NaiveDate>,
    pub json: BTreeMap<String, serde_json::Value>,
}

impl<K> Keyed<K> {
    /// One with small values.
    pub fn new(key: K, name: &str) -> Self {
        Self {
            key,
            name: name.to_owned(),
            password: PasswordHash::default(),
            tiny: 0,
            small: 0,
            int: 0,
            octet: 0,
            word: 0,
            long_word: 0,
            big: 0,
            single: 0.0,
            double: 0.0,
            flag: false,
            text: None,
            bytes: Vec::new(),
            uuid: None,
            time: DateTime::UNIX_EPOCH,
            date: None,
            json: BTreeMap::new(),
        }
    }
}

impl<K: PrimaryKey> User for Keyed<K> {
    fn id(&self) -> String {
        self.key.to_string()
    }

    fn username(&self) -> &str {
        &self.name
    }

    fn is_active(&self) -> bool {
        true
    }
}

impl<K: PrimaryKey> BaseUser for Keyed<K> {
    type PrimaryKey = K;
    type Hasher = Argon2Hasher;

    fn get_username_field() -> &'static str {
        "name"
    }

    fn primary_key(&self) -> &K {
        &self.key
    }

    fn password_hash(&self) -> &PasswordHash {
        &self.password
    }

    fn set_password_hash(&mut self, hash: PasswordHash) {
        self.password = hash;
    }

    fn last_login(&self) -> Option<DateTime<Utc>> {
        None
    }

    fn set_last_login(&mut self, _: DateTime<Utc>) {}
}

impl<K: PrimaryKey> Model for Keyed<K> {
    // Names that have to be quoted.
    const TABLE: &'static str = "order";
    const COLUMNS: &'static [Column] = &[
        column::<K>("key").role(Role::Id),
        column::<String>("name").role(Role::Username),
        column::<PasswordHash>("password").role(Role::Password),
        column::<i8>("tiny"),
        column::<i16>("small"),
        column::<i32>("int"),
        column::<u8>("octet"),
        column::<u16>("word"),
        column::<u32>("long_word"),
        column::<i64>("big"),
        column::<f32>("single"),
        column::<f64>("double"),
        column::<bool>("group"),
        column::<Option<String>>("text"),
        column::<Vec<u8>>("bytes"),
        column::<Option<Uuid>>("uuid"),
        column::<DateTime<Utc>>("time"),
        column::<Option<NaiveDate>>("date"),
        json_column("json"),
    ];

    fn values(&self) -> Result<Vec<Value>, ColumnError> {
        Ok(vec![
            self.key.to_value(),
            self.name.to_value(),
            self.password.to_value(),
            self.tiny.to_value(),
            self.small.to_value(),
            self.int.to_value(),
            self.octet.to_value(),
            self.word.to_value(),
            self.long_word.to_value(),
            self.big.to_value(),
            self.single.to_value(),
            self.double.to_value(),
            self.flag.to_value(),
            self.text.to_value(),
            self.bytes.to_value(),
            self.uuid.to_value(),
            self.time.to_value(),
            self.date.to_value(),
            to_json(&self.json, "json")?,
        ])
    }

    fn from_row(row: &dyn Row) -> Result<Self, ColumnError> {
        Ok(Self {
            key: read(row, 0, "key")?,
            name: read(row, 1, "name")?,
            password: read(row, 2, "password")?,
            tiny: read(row, 3, "tiny")?,
            small: read(row, 4, "small")?,
            int: read(row, 5, "int")?,
            octet: read(row, 6, "octet")?,
            word: read(row, 7, "word")?,
            long_word: read(row, 8, "long_word")?,
            big: read(row, 9, "big")?,
            single: read(row, 10, "single")?,
            double: read(row, 11, "double")?,
            flag: read(row, 12, "group")?,
            text: read(row, 13, "text")?,
            bytes: read(row, 14, "bytes")?,
            uuid: read(row, 15, "uuid")?,
            time: read(row, 16, "time")?,
            date: read(row, 17, "date")?,
            json: read_json(row, 18, "json")?,
        })
    }
}

impl<K: PrimaryKey> UserModel for Keyed<K> {
    fn set_primary_key(&mut self, key: K) {
        self.key = key;
    }

    fn set_username(&mut self, username: String) {
        self.name = username;
    }
}
