//! `groups!`: groups declared in code, of permissions that the compiler knows.

mod expand;
mod parse;

use proc_macro2::TokenStream;
use syn::parse::Parser as _;

use crate::diagnostics::Diagnostics;

pub(crate) fn run(input: TokenStream) -> TokenStream {
    let mut errors = Diagnostics::default();
    let parsed = (|input: syn::parse::ParseStream| parse::parse(input, &mut errors)).parse2(input);
    let groups = errors.ok(parsed).unwrap_or_default();
    let (groups, errors) = (expand::expand(&groups), errors.into_tokens());
    quote::quote!(#groups #errors)
}
