use std::collections::HashSet;

use proc_macro2::Ident;
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{LitStr, Path, Token, braced};

use crate::diagnostics::Diagnostics;
use crate::syntax::{crate_line, identifier, snake_case};

/// What `permissions!` was given, as far as it was right.
#[derive(Default)]
pub(super) struct Declarations {
    pub(super) crate_path: Option<Path>,
    pub(super) apps: Vec<App>,
}

pub(super) struct App {
    pub(super) label: Ident,
    pub(super) permissions: Vec<Permission>,
}

pub(super) struct Permission {
    pub(super) codename: Ident,
    pub(super) title: String,
}

pub(super) fn parse(input: ParseStream, errors: &mut Diagnostics) -> syn::Result<Declarations> {
    let mut declarations = Declarations { crate_path: crate_line(input)?, ..Declarations::default() };
    let mut labels = HashSet::new();
    while !input.is_empty() {
        let label = input.call(Ident::parse_any).map_err(|error| {
            let message = "an application's label stands here: write `blog { publish_post: \"Can publish posts\"; }`";
            syn::Error::new(error.span(), message)
        })?;
        if !input.peek(syn::token::Brace) {
            let message = format!("the permissions of `{label}` stand in braces: write `{label} {{ … }}`");
            return Err(syn::Error::new(input.span(), message));
        }
        let content;
        braced!(content in input);
        let permissions = permissions(&content, errors)?;
        if let Some(known) = checked(&label.unraw().to_string(), &label, errors) {
            if labels.insert(known.unraw()) {
                declarations.apps.push(App { label: known, permissions });
            } else {
                let message = format!("`{label}` stands here twice: put all its permissions into one block");
                errors.push(label.span(), message);
            }
        }
    }
    Ok(declarations)
}

fn permissions(input: ParseStream, errors: &mut Diagnostics) -> syn::Result<Vec<Permission>> {
    let mut codenames = HashSet::new();
    let mut permissions = Vec::new();
    while !input.is_empty() {
        let line = line(input, errors)?;
        for permission in line {
            if codenames.insert(permission.codename.unraw()) {
                permissions.push(permission);
            } else {
                let message = format!("`{}` is declared twice", permission.codename.unraw());
                errors.push(permission.codename.span(), message);
            }
        }
        if !input.is_empty() {
            input
                .parse::<Token![;]>()
                .map_err(|error| syn::Error::new(error.span(), "`;` stands between two permissions"))?;
        }
    }
    Ok(permissions)
}

/// `model Post` or `publish_post: "Can publish posts"`.
fn line(input: ParseStream, errors: &mut Diagnostics) -> syn::Result<Vec<Permission>> {
    let word = input.call(Ident::parse_any).map_err(|error| {
        let message = "a permission stands here: write `publish_post: \"Can publish posts\";` or `model Post;`";
        syn::Error::new(error.span(), message)
    })?;
    if word == "model" && input.peek(Ident::peek_any) {
        let model = input.call(Ident::parse_any)?;
        return Ok(of_model(&model, errors));
    }
    if !input.peek(Token![:]) {
        let message = format!("say what `{word}` permits: write `{word}: \"Can …\";`");
        return Err(syn::Error::new(word.span(), message));
    }
    input.parse::<Token![:]>()?;
    let title: LitStr = input.parse().map_err(|error| {
        let message = format!("a text for people stands here: write `{word}: \"Can …\";`");
        syn::Error::new(error.span(), message)
    })?;
    let codename = checked(&word.unraw().to_string(), &word, errors);
    Ok(codename.map(|codename| Permission { codename, title: title.value() }).into_iter().collect())
}

/// Django's four, named as Django does: the model in small letters, without a line between its words.
fn of_model(model: &Ident, errors: &mut Diagnostics) -> Vec<Permission> {
    let name = model.unraw().to_string();
    let words = snake_case(&name).replace('_', " ");
    let mut of = |verb: &str| {
        let codename = checked(&format!("{verb}_{}", name.to_lowercase()), model, errors)?;
        Some(Permission { codename, title: format!("Can {verb} {words}") })
    };
    // The first that is wrong says what is wrong with all four.
    let Some(add) = of("add") else { return Vec::new() };
    let others = ["change", "delete", "view"].into_iter().filter_map(of);
    std::iter::once(add).chain(others).collect()
}

fn checked(name: &str, at: &Ident, errors: &mut Diagnostics) -> Option<Ident> {
    identifier(name, at.span())
        .map_err(|unfit| {
            errors.push(at.span(), format!("`{name}` cannot be part of a permission name: {unfit}"));
        })
        .ok()
}
