//! What all guards share: a check in front of a handler, a function or a method.
//!
//! A guard sees an item and the settings of its own attribute, never the other attributes: they may be renamed. What one
//! guard tells the next stands on the arguments, as `#[cfg_attr(any(), …)]`, which the compiler drops.

mod check;
mod expand;
mod item;
mod mark;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::Path;

use crate::diagnostics::Diagnostics;

/// One guard, as its attribute says.
pub(crate) struct Guard {
    /// The path of the runtime crate.
    pub(crate) auth: TokenStream,
    pub(crate) asks: Asks,
    /// The name that the proof is bound to.
    pub(crate) binding: Option<Ident>,
}

pub(crate) enum Asks {
    /// A type that is a `Requirement`.
    For(TokenStream),
    /// The same, about one of the arguments.
    About { requirement: TokenStream, object: Ident, hidden: Option<Ident> },
    /// A test of the user.
    Test(Path),
}

/// Puts the guard on the item. What is wrong with either is told beside the item as it was, so that one mistake is one message.
pub(crate) fn run(attribute: &str, guard: Option<Guard>, mut errors: Diagnostics, item: TokenStream) -> TokenStream {
    let mut function = match item::parse(attribute, item) {
        Ok(function) => function,
        Err((error, item)) => {
            errors.absorb(error);
            let errors = errors.into_tokens();
            return quote!(#errors #item);
        }
    };
    let plan = check::check(attribute, guard.as_ref(), &mut function, &mut errors);
    match (guard, plan) {
        (Some(guard), Some(plan)) if errors.is_empty() => expand::expand(&guard, plan, function),
        _ => {
            let errors = errors.into_tokens();
            quote!(#errors #function)
        }
    }
}
