//! `#[user_passes_test]`: a function of the application decides.

use proc_macro2::{Span, TokenStream};
use syn::parse::{ParseStream, Parser as _};
use syn::{Path, Token};

use crate::diagnostics::Diagnostics;
use crate::guard::{self, Asks, Guard};
use crate::runtime_path::runtime_path;
use crate::syntax::Settings;

pub(crate) fn run(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Diagnostics::default();
    let mut settings = Settings::default();
    let parsed = (|input: ParseStream| parse(input, &mut settings)).parse2(arguments);
    let test = errors.ok(parsed);
    let auth = runtime_path(settings.path("crate", "auth", &mut errors).as_ref());
    settings.finish(&["crate"], &mut errors);
    let guard = test.map(|test| Guard { auth, asks: Asks::Test(test), binding: None });
    guard::run("user_passes_test", guard, errors, item)
}

fn parse(input: ParseStream, settings: &mut Settings) -> syn::Result<Path> {
    let example = "write `#[user_passes_test(is_adult)]`, the path of a `fn(&CurrentUser<Author>) -> bool`";
    if input.is_empty() {
        return Err(syn::Error::new(Span::call_site(), format!("no test is named: {example}")));
    }
    let test = input
        .call(Path::parse_mod_style)
        .map_err(|error| syn::Error::new(error.span(), format!("the path of a function stands here: {example}")))?;
    if !input.is_empty() {
        input.parse::<Token![,]>()?;
    }
    settings.parse(input)?;
    Ok(test)
}
