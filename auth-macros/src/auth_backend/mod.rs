//! `#[auth_backend]`: enters a way to recognise users in the registry.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::ItemFn;

use crate::diagnostics::Diagnostics;
use crate::runtime_path::runtime_path;
use crate::syntax::{Registered, Shape, constructor, spans};

const SHAPE: Shape = Shape {
    form: "fn backend(context: &Context) -> Result<impl AuthBackend, auth::Error>",
    is_async: false,
    arguments: &["Context"],
};

pub(crate) fn run(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut errors = Diagnostics::default();
    let registered =
        Registered::parse(arguments, "auth_backend(\"ldap\")", Registered::WORD, &mut errors);
    let function = constructor(item.clone(), &SHAPE, &mut errors);
    match (registered, function) {
        (Some(registered), Some(function)) if errors.is_empty() => {
            let entry = expand(&registered, &function);
            quote!(#item #entry)
        }
        _ => {
            let errors = errors.into_tokens();
            quote!(#errors #item)
        }
    }
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
