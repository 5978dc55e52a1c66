//! `#[recent_login(within = "5m")]`: how long ago whoever asks may have proved who they are.

mod seconds;

use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::parse::Parser as _;

use crate::diagnostics::Diagnostics;
use crate::guard::{self, Asks, Guard};
use crate::runtime_path::runtime_path;
use crate::syntax::Settings;

const EXAMPLE: &str = "5m";

pub(crate) fn run(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Diagnostics::default();
    let mut settings = Settings::default();
    errors.ok((|input: syn::parse::ParseStream| settings.parse(input)).parse2(arguments));
    let binding = settings.ident("as", "granted", &mut errors);
    let auth = runtime_path(settings.path("crate", "auth", &mut errors).as_ref());
    let within = settings.text("within", EXAMPLE, &mut errors);
    settings.finish(&["within", "as", "crate"], &mut errors);
    if within.is_none() && errors.is_empty() {
        let text = format!("how long ago may it have been? write `#[recent_login(within = \"{EXAMPLE}\")]`");
        errors.push(Span::call_site(), text);
    }
    let seconds = within.as_ref().and_then(|within| errors.ok(seconds::parse(within)));
    let guard = within.zip(seconds).map(|(within, seconds)| {
        let asks = Asks::For(quote_spanned!(within.span()=> #auth::__private::RecentLogin<#seconds>));
        Guard { auth, asks, binding }
    });
    guard::run("recent_login", guard, errors, item)
}
