use proc_macro2::TokenStream;
use quote::ToTokens as _;
use syn::spanned::Spanned as _;
use syn::{Item, ItemFn, TraitItemFn};

use super::mark;

/// The function under the guard, or why there is none and what to hand back of the item.
pub(super) fn parse(attribute: &str, item: TokenStream) -> Result<ItemFn, (syn::Error, TokenStream)> {
    let unparsed = match syn::parse2::<ItemFn>(item.clone()) {
        Ok(function) => return Ok(function),
        Err(error) => error,
    };
    if let Ok(mut declared) = syn::parse2::<TraitItemFn>(item.clone()) {
        mark::note_users(&mut declared.sig);
        let message =
            format!("there is no body to guard: write `#[{attribute}(…)]` on the methods of the `impl` blocks");
        return Err((syn::Error::new(declared.sig.ident.span(), message), declared.into_token_stream()));
    }
    let error = match syn::parse2::<Item>(item.clone()) {
        Err(_) => unparsed,
        Ok(Item::Impl(block)) => syn::Error::new(
            block.impl_token.span,
            format!("a guard stands on one function: write `#[{attribute}(…)]` on each method"),
        ),
        Ok(Item::Mod(module)) => syn::Error::new(
            module.mod_token.span,
            format!("a guard stands on one function: write `#[{attribute}(…)]` on each function"),
        ),
        Ok(other) => syn::Error::new(
            other.span(),
            format!("`#[{attribute}(…)]` guards a function or a method; there is nothing to run here"),
        ),
    };
    Err((error, item))
}
