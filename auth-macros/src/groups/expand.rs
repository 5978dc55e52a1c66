use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

use super::parse::{Group, Groups};
use crate::permissions::line_of;
use crate::runtime_path::runtime_path;

pub(super) fn expand(groups: &Groups) -> TokenStream {
    let auth = runtime_path(groups.crate_path.as_ref());
    let groups = groups.groups.iter().map(|group| expand_one(group, &auth));
    quote!(#(#groups)*)
}

fn expand_one(group: &Group, auth: &TokenStream) -> TokenStream {
    let Group { name, title, permissions } = group;
    let line = line_of(name);
    let name = name.unraw().to_string();
    let permissions = permissions.iter().map(|permission| {
        quote_spanned! {permission.span()=>
            <#permission as #auth::__private::DeclaredPermission>::NAME
        }
    });
    quote! {
        #auth::__private::inventory::submit! {
            #auth::__private::GroupEntry {
                name: #name,
                title: #title,
                permissions: &[#(#permissions),*],
                place: #auth::__private::Place::new(
                    ::core::module_path!(),
                    ::core::file!(),
                    #line,
                ),
            }
        }
    }
}
