//! `#[session_backend]`: enters a session backend in the registry.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::ItemFn;

use crate::diagnostics::Diagnostics;
use crate::runtime_path::runtime_path;
use crate::syntax::{Registered, Shape, constructor, spans, with_entry};

const SHAPE: Shape = Shape {
    form: "async fn connect(url: &Url, context: &Context) -> Result<impl SessionBackend, SessionError>",
    is_async: true,
    arguments: 2,
};

pub(crate) fn run(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Diagnostics::default();
    let registered = Registered::parse(arguments, "session_backend(\"redis\")", &Registered::SCHEME, &mut errors);
    let function = constructor(item, &SHAPE, &mut errors);
    let entry = registered.zip(function).map(|(registered, function)| expand(&registered, &function));
    with_entry(item, entry.as_ref(), errors)
}

fn expand(Registered { name, crate_path }: &Registered, function: &ItemFn) -> TokenStream {
    let auth = runtime_path(crate_path.as_ref());
    let connect = &function.sig.ident;
    let (arguments, output) = spans(function);
    let arguments: Vec<_> =
        arguments.iter().zip(["url", "context"]).map(|(span, name)| Ident::new(name, *span)).collect();
    let [url, context] = arguments.as_slice() else { return TokenStream::new() };
    let shared = quote_spanned! {output=>
        let backend: #auth::__private::DynSessionBackend =
            ::std::sync::Arc::new(#connect(#url, #context).await?);
        ::core::result::Result::Ok(backend)
    };
    quote! {
        #auth::__private::inventory::submit! {
            #auth::__private::SessionBackendEntry {
                scheme: #name,
                connect: |#url, #context| ::std::boxed::Box::pin(async move { #shared }),
                place: #auth::__private::Place::new(
                    ::core::module_path!(),
                    ::core::file!(),
                    ::core::line!(),
                ),
            }
        }
    }
}
