//! `permissions!`: the permissions of the application, a unit type for each.

mod expand;
mod parse;

pub(crate) use expand::line_of;
use proc_macro2::TokenStream;
use syn::parse::Parser as _;

use crate::diagnostics::Diagnostics;

pub(crate) fn run(input: TokenStream) -> TokenStream {
    let mut errors = Diagnostics::default();
    let parsed = (|input: syn::parse::ParseStream| parse::parse(input, &mut errors)).parse2(input);
    let declarations = errors.ok(parsed).unwrap_or_default();
    let (declared, errors) = (expand::expand(&declarations), errors.into_tokens());
    quote::quote!(#declared #errors)
}
