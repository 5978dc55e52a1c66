//! `#[login_required]`, `#[staff_required]` and `#[superuser_required]`: one word each.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::parse::Parser as _;

use crate::diagnostics::Diagnostics;
use crate::guard::{self, Asks, Guard};
use crate::runtime_path::runtime_path;
use crate::syntax::Settings;

/// `requirement` is the runtime's type for the word.
pub(crate) fn run(attribute: &str, requirement: &str, arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Diagnostics::default();
    let mut settings = Settings::default();
    errors.ok((|input: syn::parse::ParseStream| settings.parse(input)).parse2(arguments));
    let binding = settings.ident("as", "granted", &mut errors);
    let auth = runtime_path(settings.path("crate", "auth", &mut errors).as_ref());
    settings.finish(&["as", "crate"], &mut errors);
    let requirement = Ident::new(requirement, Span::call_site());
    let asks = Asks::For(quote!(#auth::__private::#requirement));
    guard::run(attribute, Some(Guard { auth, asks, binding }), errors, item)
}
