//! Pieces that several macros parse.

mod constructor;
mod crate_line;
mod name;
mod provided;
mod registered;
mod settings;

pub(crate) use constructor::{Shape, constructor, spans};
pub(crate) use crate_line::crate_line;
pub(crate) use name::{identifier, is_snake_case, permission_path, snake_case};
pub(crate) use provided::Provided;
pub(crate) use registered::{Registered, with_entry};
pub(crate) use settings::Settings;
