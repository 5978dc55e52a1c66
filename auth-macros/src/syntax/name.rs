use std::fmt;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote_spanned;
use syn::{LitStr, Path};

/// Django's limit for a codename and for an application's label.
const LONGEST_NAME: usize = 100;

/// Words of every edition that an identifier can only be in raw form.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Words that not even a raw identifier can be.
const PATH_WORDS: &[&str] = &["self", "Self", "super", "crate", "_"];

/// Why a word cannot name a permission or an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfit {
    NotSnakeCase,
    PathWord,
    TooLong,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSnakeCase => f.write_str("a name is made of `a` to `z`, digits and `_`, and begins with no digit"),
            Self::PathWord => f.write_str("the word means a module in Rust; take another"),
            Self::TooLong => write!(f, "a name has at most {LONGEST_NAME} characters"),
        }
    }
}

/// The identifier of a name, raw where it is a keyword.
pub(crate) fn identifier(name: &str, span: Span) -> Result<Ident, Unfit> {
    if PATH_WORDS.contains(&name) {
        Err(Unfit::PathWord)
    } else if !is_snake_case(name) {
        Err(Unfit::NotSnakeCase)
    } else if name.len() > LONGEST_NAME {
        Err(Unfit::TooLong)
    } else if KEYWORDS.contains(&name) {
        Ok(Ident::new_raw(name, span))
    } else {
        Ok(Ident::new(name, span))
    }
}

/// `[a-z_][a-z0-9_]*`
pub(crate) fn is_snake_case(name: &str) -> bool {
    name.starts_with(|c: char| c == '_' || c.is_ascii_lowercase())
        && name.chars().all(|c| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// `BlogPost` → `blog_post`, `HTTPUser` → `http_user`.
pub(crate) fn snake_case(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (i, c) in chars.iter().enumerate() {
        let begins_word = c.is_uppercase()
            && i > 0
            && chars[i - 1] != '_'
            && (!chars[i - 1].is_uppercase() || chars.get(i + 1).is_some_and(|c| c.is_lowercase()));
        if begins_word {
            snake.push('_');
        }
        snake.extend(c.to_lowercase());
    }
    snake
}

/// `"blog.add_post"` → `crate::permissions::blog::add_post`, all of it at the place of the string: that is where the
/// compiler then says that there is no such name.
pub(crate) fn permission_path(name: &LitStr, from: Option<&Path>) -> syn::Result<TokenStream> {
    let text = name.value();
    // Shown at the string, but known to be no path that the user wrote: lints on paths leave it alone.
    let span = name.span().resolved_at(Span::call_site());
    let Some((app, codename)) = text.split_once('.') else {
        let message = format!(
            "`{text}` is not a permission name; write it as \"app_label.codename\", for example \"blog.add_post\""
        );
        return Err(syn::Error::new(name.span(), message));
    };
    let part = |part: &str| {
        identifier(part, span).map_err(|unfit| {
            let message = format!(
                "`{part}` in \"{text}\" cannot be part of a permission name: {unfit}; write it as \"app_label.codename\", for example \"blog.add_post\""
            );
            syn::Error::new(name.span(), message)
        })
    };
    let (app, codename) = (part(app)?, part(codename)?);
    let base = from.map_or_else(|| quote_spanned!(span=> crate::permissions), quote::ToTokens::to_token_stream);
    Ok(quote_spanned!(span=> #base::#app::#codename))
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::{Unfit, identifier, snake_case};

    #[test]
    fn a_struct_name_becomes_a_table_name_word_by_word() {
        for (name, snake) in [
            ("Author", "author"),
            ("BlogPost", "blog_post"),
            ("HTTPUser", "http_user"),
            ("UserV2", "user_v2"),
            ("Blog_Post", "blog_post"),
        ] {
            assert_eq!(snake_case(name), snake);
        }
    }

    #[test]
    fn keywords_become_raw_and_path_words_are_refused() {
        let of = |name| identifier(name, Span::call_site()).map(|ident| ident.to_string());
        assert_eq!(of("add_post"), Ok("add_post".to_owned()));
        assert_eq!(of("type"), Ok("r#type".to_owned()));
        assert_eq!(of("gen"), Ok("r#gen".to_owned()));
        for word in ["self", "super", "crate", "Self", "_"] {
            assert_eq!(of(word), Err(Unfit::PathWord));
        }
        for word in ["", "Add", "1st", "a-b", "ä"] {
            assert_eq!(of(word), Err(Unfit::NotSnakeCase));
        }
        assert_eq!(of(&"a".repeat(101)), Err(Unfit::TooLong));
    }
}
