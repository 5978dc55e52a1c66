//! `#[permission_required]`: what a handler, a function or a method asks of its caller.

mod parse;

use proc_macro2::TokenStream;

use crate::diagnostics::Diagnostics;
use crate::guard;

pub(crate) fn run(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Diagnostics::default();
    let guard = parse::parse(arguments, &mut errors);
    guard::run("permission_required", guard, errors, item)
}
