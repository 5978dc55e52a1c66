//! `#[derive(User)]`: the traits of a user, and its row in a table.

mod check;
mod expand;
mod fallback;
mod model;
mod parse;

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::diagnostics::Diagnostics;

pub(crate) fn run(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let mut errors = Diagnostics::default();
    let (settings, fields) = parse::parse(&input, &mut errors);
    let user = fields.and_then(|fields| check::check(&input, &settings, fields, &mut errors));
    match user {
        Some(user) if errors.is_empty() => expand::expand(&user),
        _ => {
            let fallback = fallback::expand(&input, &settings);
            let errors = errors.into_tokens();
            quote!(#errors #fallback)
        }
    }
}
