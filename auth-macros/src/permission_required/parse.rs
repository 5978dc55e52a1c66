use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote};
use syn::ext::IdentExt as _;
use syn::parse::{ParseStream, Parser as _};
use syn::punctuated::Punctuated;
use syn::{LitStr, Path, Token, parenthesized};

use crate::diagnostics::Diagnostics;
use crate::guard::{Asks, Guard};
use crate::runtime_path::runtime_path;
use crate::syntax::{Settings, permission_path};

const KNOWN: &[&str] = &["on", "hidden", "as", "from", "crate"];
const EXAMPLE: &str = "write `#[permission_required(\"blog.add_post\")]`, or `all(…)` or `any(…)` of several names";
/// The longest tuple that is a requirement.
const LONGEST_TUPLE: usize = 8;

/// What is asked for: one name, or several.
enum Requirement {
    One(LitStr),
    All(Vec<Self>),
    Any(Vec<Self>),
}

pub(super) fn parse(arguments: TokenStream, errors: &mut Diagnostics) -> Option<Guard> {
    let mut settings = Settings::default();
    let mut required = None;
    let parser = |input: ParseStream| {
        if input.is_empty() {
            return Err(syn::Error::new(Span::call_site(), format!("no permission is named: {EXAMPLE}")));
        }
        required = Some(requirement(input)?);
        if !input.is_empty() {
            input.parse::<Token![,]>().map_err(|error| syn::Error::new(error.span(), "`,` stands before a setting"))?;
        }
        if input.peek(LitStr) {
            let message =
                "say whether all of them are asked for or any: write `all(\"blog.add_post\", \"blog.view_post\")`";
            return Err(syn::Error::new(input.span(), message));
        }
        settings.parse(input)
    };
    errors.ok(parser.parse2(arguments));
    let on = settings.ident("on", "post", errors);
    let hidden = settings.flag("hidden", errors);
    let binding = settings.ident("as", "granted", errors);
    let from = settings.path("from", "crate::permissions", errors);
    let auth = runtime_path(settings.path("crate", "auth", errors).as_ref());
    settings.finish(KNOWN, errors);
    if let (None, Some(hidden)) = (&on, &hidden) {
        errors.push(hidden.span(), "`hidden` hides an object: it goes with `on = …`");
    }
    let requirement = required?.into_type(&auth, from.as_ref(), errors);
    let asks = match on {
        None => Asks::For(requirement),
        Some(object) => Asks::About { requirement, object, hidden },
    };
    Some(Guard { auth, asks, binding })
}

fn requirement(input: ParseStream) -> syn::Result<Requirement> {
    if input.peek(LitStr) {
        return input.parse().map(Requirement::One);
    }
    let word = input
        .call(Ident::parse_any)
        .map_err(|error| syn::Error::new(error.span(), format!("a permission stands here: {EXAMPLE}")))?;
    let several: fn(Vec<Requirement>) -> Requirement = match word.to_string().as_str() {
        "all" => Requirement::All,
        "any" => Requirement::Any,
        _ => {
            let message = format!("`{word}` is not a permission: {EXAMPLE}");
            return Err(syn::Error::new(word.span(), message));
        }
    };
    if !input.peek(syn::token::Paren) {
        let message = format!("write `{word}(\"blog.add_post\", \"blog.change_post\")`");
        return Err(syn::Error::new(word.span(), message));
    }
    let content;
    parenthesized!(content in input);
    let parts: Punctuated<Requirement, Token![,]> = content.parse_terminated(requirement, Token![,])?;
    // Nothing can be granted by asking for nothing.
    if parts.is_empty() {
        let message = format!("`{word}()` asks for nothing: name at least one permission");
        return Err(syn::Error::new(word.span(), message));
    }
    Ok(several(parts.into_iter().collect()))
}

impl Requirement {
    fn into_type(self, auth: &TokenStream, from: Option<&Path>, errors: &mut Diagnostics) -> TokenStream {
        let (several, parts) = match self {
            Self::One(name) => {
                let path = errors.ok(permission_path(&name, from));
                return path.unwrap_or_else(|| name.to_token_stream());
            }
            Self::All(parts) => (quote!(#auth::__private::All), parts),
            Self::Any(parts) => (quote!(#auth::__private::Any), parts),
        };
        let parts = parts.into_iter().map(|part| part.into_type(auth, from, errors)).collect();
        nest(&several, parts)
    }
}

/// `All<(A, B)>`; of more parts than a tuple may have, several of them in one.
fn nest(several: &TokenStream, mut parts: Vec<TokenStream>) -> TokenStream {
    while parts.len() > LONGEST_TUPLE {
        parts = parts.chunks(LONGEST_TUPLE).map(|parts| quote!(#several<(#(#parts,)*)>)).collect();
    }
    match parts.as_slice() {
        [one] => one.clone(),
        parts => quote!(#several<(#(#parts,)*)>),
    }
}
