//! Pieces that several macros parse.

mod crate_line;
mod name;
mod settings;

pub(crate) use crate_line::crate_line;
pub(crate) use name::{identifier, is_snake_case, one_text, permission_path, snake_case};
pub(crate) use settings::Settings;
