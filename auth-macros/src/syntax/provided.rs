use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ItemFn;

use super::{Registered, Shape, constructor, spans, with_entry};
use crate::diagnostics::Diagnostics;
use crate::runtime_path::runtime_path;

/// What an attribute enters in a registry that stands on a function of the context: `#[auth_backend("ldap")]`.
pub(crate) struct Provided {
    /// The attribute, to copy.
    pub(crate) example: &'static str,
    /// The function, to copy.
    pub(crate) form: &'static str,
    /// The runtime's type of the entry.
    pub(crate) entry: &'static str,
}

impl Provided {
    pub(crate) fn run(&self, arguments: TokenStream, item: &TokenStream) -> TokenStream {
        let mut errors = Diagnostics::default();
        let shape = Shape { form: self.form, is_async: false, arguments: 1 };
        let registered = Registered::parse(arguments, self.example, &Registered::WORD, &mut errors);
        let function = constructor(item, &shape, &mut errors);
        let entry = registered.zip(function).map(|(registered, function)| self.expand(&registered, &function));
        with_entry(item, entry.as_ref(), errors)
    }

    fn expand(&self, Registered { name, crate_path }: &Registered, function: &ItemFn) -> TokenStream {
        let auth = runtime_path(crate_path.as_ref());
        let (entry, make) = (Ident::new(self.entry, Span::call_site()), &function.sig.ident);
        let (arguments, output) = spans(function);
        let [argument] = arguments.as_slice() else { return TokenStream::new() };
        let context = Ident::new("context", *argument);
        let shared = quote_spanned! {output=>
            ::core::result::Result::Ok(::std::sync::Arc::new(#make(#context)?))
        };
        quote! {
            #auth::__private::inventory::submit! {
                #auth::__private::#entry {
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
}
