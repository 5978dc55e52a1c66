use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote};

/// The path of the runtime crate: what `crate = path` says, or what the dependency is called in the user's manifest.
///
/// Inside the runtime crate itself, and in its examples and doctests, it is `::auth`: the crate says
/// `extern crate self as auth`. If nothing is found it is `::auth` too, and the compiler says what is missing.
pub(crate) fn runtime_path(given: Option<&syn::Path>) -> TokenStream {
    if let Some(path) = given {
        return path.to_token_stream();
    }
    let name = match crate_name("auth") {
        Ok(FoundCrate::Name(name)) => Ident::new(&name, Span::call_site()),
        Ok(FoundCrate::Itself) | Err(_) => Ident::new("auth", Span::call_site()),
    };
    quote!(::#name)
}

/// The path at another place: the compiler points at where a path begins.
pub(crate) fn at(path: &TokenStream, span: Span) -> TokenStream {
    let moved = |mut token: TokenTree| {
        token.set_span(span);
        token
    };
    path.clone().into_iter().map(moved).collect()
}
