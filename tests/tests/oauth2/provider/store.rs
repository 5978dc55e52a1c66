//! The suite of the provider's store, on every store of records.

use auth::oauth2::provider::RecordOAuth2Store;

use crate::records::on_every_store;

on_every_store!(oauth2_token_store_suite, |store| RecordOAuth2Store::over(store) => RecordOAuth2Store);
