//! `#[password_hasher]`: enters a hasher in the registry.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::{Generics, Item};

use crate::diagnostics::Diagnostics;
use crate::runtime_path::runtime_path;
use crate::syntax::{Registered, with_entry};

pub(crate) fn run(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Diagnostics::default();
    let registered = Registered::parse(arguments, "password_hasher(\"argon2id\")", &Registered::WORD, &mut errors);
    let hasher = errors.ok(hasher(item));
    let entry = registered.zip(hasher).map(|(registered, hasher)| expand(&registered, &hasher));
    with_entry(item, entry.as_ref(), errors)
}

/// The name of the type, which has no parameters: a registry holds one hasher, not a family.
fn hasher(item: &TokenStream) -> syn::Result<Ident> {
    let (ident, generics): (Ident, Generics) = match syn::parse2::<Item>(item.clone())? {
        Item::Struct(item) => (item.ident, item.generics),
        Item::Enum(item) => (item.ident, item.generics),
        other => {
            let message =
                "a hasher is a type: write `#[password_hasher(\"…\")]` on the struct that is a `PasswordHasher`";
            return Err(syn::Error::new(other.span(), message));
        }
    };
    match generics.params.first() {
        None => Ok(ident),
        Some(parameter) => Err(syn::Error::new(
            parameter.span(),
            "the registry makes one hasher and cannot choose a parameter: write it on a struct without parameters",
        )),
    }
}

fn expand(Registered { name, crate_path }: &Registered, hasher: &Ident) -> TokenStream {
    let auth = runtime_path(crate_path.as_ref());
    let make = quote_spanned! {hasher.span()=>
        || ::std::boxed::Box::new(<#hasher as ::core::default::Default>::default())
    };
    quote! {
        #auth::__private::inventory::submit! {
            #auth::__private::PasswordHasherEntry {
                prefix: #name,
                make: #make,
                place: #auth::__private::Place::new(
                    ::core::module_path!(),
                    ::core::file!(),
                    ::core::line!(),
                ),
            }
        }
    }
}
