//! `#[auth_backend]`: enters a way to recognise users in the registry.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::ItemFn;

use crate::diagnostics::Diagnostics;
use crate::runtime_path::runtime_path;
use crate::syntax::{Registered, Shape, constructor, spans, with_entry};

const SHAPE: Shape = Shape {
    form: "fn backend(context: &Context) -> Result<impl AuthBackend, auth::Error>",
    is_async: false,
    arguments: 1,
};

pub(crate) fn run(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Diagnostics::default();
    let registered = Registered::parse(arguments, "auth_backend(\"ldap\")", &Registered::WORD, &mut errors);
    let function = constructor(item, &SHAPE, &mut errors);
    let entry = registered.zip(function).map(|(registered, function)| expand(&registered, &function));
    with_entry(item, entry.as_ref(), errors)
}

fn expand(Registered { name, crate_path }: &Registered, function: &ItemFn) -> TokenStream {
    let auth = runtime_path(crate_path.as_ref());
    let backend = &function.sig.ident;
    let (arguments, output) = spans(function);
    let [argument] = arguments.as_slice() else { return TokenStream::new() };
    let context = Ident::new("context", *argument);
    let shared = quote_spanned! {output=>
        ::core::result::Result::Ok(::std::sync::Arc::new(#backend(#context)?))
    };
    quote! {
        #auth::__private::inventory::submit! {
            #auth::__private::AuthBackendEntry {
                name: #name,
                make: |#context| #shared,
                place: #auth::__private::Place::new(
                    ::core::module_path!(),
                    ::core::file!(),
                    ::core::line!(),
                ),
            }
        }
    }
}
