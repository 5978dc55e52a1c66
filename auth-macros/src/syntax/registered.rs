use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::parse::{ParseStream, Parser as _};
use syn::{LitStr, Path, Token};

use super::Settings;
use crate::diagnostics::Diagnostics;

/// What an attribute says that enters something in a registry: `#[session_backend("redis")]`.
pub(crate) struct Registered {
    pub(crate) name: LitStr,
    pub(crate) crate_path: Option<Path>,
}

/// What a name in a registry is made of.
pub(crate) struct NameRule {
    fits: fn(&str) -> bool,
    words: &'static str,
}

impl Registered {
    /// `argon2id`
    pub(crate) const WORD: NameRule = NameRule {
        fits: |name| {
            let of_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
            !name.is_empty() && name.bytes().all(of_word)
        },
        words: "it is made of `a` to `z`, digits, `_` and `-`",
    };

    /// `postgres`, as RFC 3986 section 3.1 has it, in small letters.
    pub(crate) const SCHEME: NameRule = NameRule {
        fits: |name| {
            let of_scheme = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b);
            name.starts_with(|c: char| c.is_ascii_lowercase()) && name.bytes().all(of_scheme)
        },
        words: "a scheme is made of `a` to `z`, digits, `+`, `-` and `.`, and begins with a letter",
    };

    pub(crate) fn parse(
        arguments: TokenStream,
        example: &str,
        rule: &NameRule,
        errors: &mut Diagnostics,
    ) -> Option<Self> {
        let mut settings = Settings::default();
        let parser = |input: ParseStream| {
            let at = if input.is_empty() { Span::call_site() } else { input.span() };
            let name: LitStr =
                input.parse().map_err(|_| syn::Error::new(at, format!("a name stands here: write `#[{example}]`")))?;
            if !(rule.fits)(&name.value()) {
                let message = format!("`{}` cannot be the name: {}", name.value(), rule.words);
                return Err(syn::Error::new(name.span(), message));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
            settings.parse(input)?;
            Ok(name)
        };
        let name = errors.ok(parser.parse2(arguments));
        let crate_path = settings.path("crate", "auth", errors);
        settings.finish(&["crate"], errors);
        Some(Self { name: name?, crate_path })
    }
}

/// The item with its entry, or with what is wrong.
pub(crate) fn with_entry(item: &TokenStream, entry: Option<&TokenStream>, errors: Diagnostics) -> TokenStream {
    if errors.is_empty() {
        quote!(#item #entry)
    } else {
        let errors = errors.into_tokens();
        quote!(#errors #item)
    }
}
