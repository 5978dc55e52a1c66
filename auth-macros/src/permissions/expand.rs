use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;

use super::parse::{App, Declarations, Permission};
use crate::runtime_path::runtime_path;

pub(super) fn expand(declarations: &Declarations) -> TokenStream {
    let auth = runtime_path(declarations.crate_path.as_ref());
    let apps = declarations.apps.iter().map(|app| expand_app(app, &auth));
    quote!(#(#apps)*)
}

fn expand_app(app: &App, auth: &TokenStream) -> TokenStream {
    let label = &app.label;
    let doc = format!(" The permissions of `{}`.", label.unraw());
    let permissions = app.permissions.iter().map(|permission| expand_one(app, permission, auth));
    quote! {
        #[doc = #doc]
        pub mod #label {
            #(#permissions)*
        }
    }
}

fn expand_one(app: &App, permission: &Permission, auth: &TokenStream) -> TokenStream {
    let Permission { codename, title } = permission;
    let name = format!("{}.{}", app.label.unraw(), codename.unraw());
    let doc = format!(" `{name}`: {title}.");
    let line = line_of(codename);
    // The compiler shows where the type is declared: at its name.
    let declared = quote_spanned!(codename.span().resolved_at(Span::mixed_site())=> pub struct);
    quote! {
        #[doc = #doc]
        #[allow(non_camel_case_types)]
        #[derive(::core::fmt::Debug)]
        #declared #codename {}

        impl #auth::__private::DeclaredPermission for #codename {
            const NAME: &'static str = #name;

            fn index() -> &'static #auth::__private::PermissionIndex {
                static INDEX: #auth::__private::PermissionIndex =
                    #auth::__private::PermissionIndex::new();
                &INDEX
            }
        }

        #auth::__private::inventory::submit! {
            #auth::__private::PermissionEntry {
                name: #name,
                title: #title,
                place: #auth::__private::Place::new(
                    ::core::module_path!(),
                    ::core::file!(),
                    #line,
                ),
                index: <#codename as #auth::__private::DeclaredPermission>::index,
            }
        }
    }
}

/// The line of one name: `line!()` would say where the whole list begins.
pub(crate) fn line_of(name: &proc_macro2::Ident) -> u32 {
    u32::try_from(name.span().unwrap().line()).unwrap_or_default()
}
