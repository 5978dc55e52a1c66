use std::collections::HashSet;

use proc_macro2::Ident;
use quote::ToTokens as _;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{LitStr, Path, Token, bracketed};

use crate::diagnostics::Diagnostics;
use crate::syntax::crate_line;

/// Django's limit for a group's name.
const LONGEST_NAME: usize = 150;

/// What `groups!` was given, as far as it was right.
#[derive(Default)]
pub(super) struct Groups {
    pub(super) crate_path: Option<Path>,
    pub(super) groups: Vec<Group>,
}

pub(super) struct Group {
    pub(super) name: Ident,
    pub(super) title: LitStr,
    pub(super) permissions: Vec<Path>,
}

pub(super) fn parse(input: ParseStream, errors: &mut Diagnostics) -> syn::Result<Groups> {
    let mut groups = Groups { crate_path: crate_line(input)?, ..Groups::default() };
    let mut names = HashSet::new();
    while !input.is_empty() {
        let group = group(input, errors)?;
        let name = group.name.unraw().to_string();
        if name.len() > LONGEST_NAME {
            let message = format!("a group's name has at most {LONGEST_NAME} characters");
            errors.push(group.name.span(), message);
        } else if names.insert(name) {
            groups.groups.push(group);
        } else {
            errors.push(group.name.span(), format!("the group `{}` is declared twice", group.name));
        }
        if !input.is_empty() {
            input
                .parse::<Token![;]>()
                .map_err(|error| syn::Error::new(error.span(), "`;` stands between two groups"))?;
        }
    }
    Ok(groups)
}

/// `editors: "Editors" => [blog::change_post, blog::publish_post]`
fn group(input: ParseStream, errors: &mut Diagnostics) -> syn::Result<Group> {
    let form = |name: &str| format!("write `{name}: \"Title\" => [app_label::codename];`");
    let name = input
        .call(Ident::parse_any)
        .map_err(|error| syn::Error::new(error.span(), format!("a group's name stands here: {}", form("editors"))))?;
    let in_form = |error: syn::Error| syn::Error::new(error.span(), format!("{error}; {}", form(&name.to_string())));
    input.parse::<Token![:]>().map_err(in_form)?;
    let title = input.parse().map_err(in_form)?;
    input.parse::<Token![=>]>().map_err(in_form)?;
    let content;
    bracketed!(content in input);
    if content.peek(LitStr) {
        let message = "a permission is named by its path here: write `blog::add_post`, without quotes";
        return Err(syn::Error::new(content.span(), message));
    }
    let permissions: Punctuated<Path, Token![,]> = content.parse_terminated(Path::parse_mod_style, Token![,])?;
    let mut seen = HashSet::new();
    for path in &permissions {
        if !seen.insert(path.to_token_stream().to_string()) {
            errors.push(path.span(), format!("`{name}` holds this permission twice"));
        }
    }
    Ok(Group { name, title, permissions: permissions.into_iter().collect() })
}
