use proc_macro2::{Ident, Span};
use syn::ext::IdentExt as _;
use syn::parse::ParseStream;
use syn::{LitStr, Path, Token};

use crate::diagnostics::Diagnostics;

/// One setting of an attribute: `skip`, `table = "author"`, `hasher = path`.
pub(crate) struct Setting {
    pub(crate) name: Ident,
    value: Option<Value>,
}

enum Value {
    Text(LitStr),
    Path(Path),
}

impl Value {
    fn span(&self) -> Span {
        match self {
            Self::Text(text) => text.span(),
            Self::Path(path) => syn::spanned::Spanned::span(path),
        }
    }
}

/// The settings of one item. Each is taken out once; what is left over was unknown or given twice.
#[derive(Default)]
pub(crate) struct Settings {
    given: Vec<Setting>,
}

impl Settings {
    /// Adds what stands in one attribute, separated by commas.
    pub(crate) fn parse(&mut self, input: ParseStream) -> syn::Result<()> {
        while !input.is_empty() {
            let name = input.call(Ident::parse_any).map_err(|error| {
                syn::Error::new(error.span(), "this is no setting; a setting is a word, or `word = value`")
            })?;
            let value = match input.parse::<Option<Token![=]>>()? {
                None => None,
                Some(_) if input.peek(LitStr) => Some(Value::Text(input.parse()?)),
                Some(_) => Some(Value::Path(input.parse().map_err(|error| {
                    let message = format!("`{name} =` takes a name, a path or a string");
                    syn::Error::new(error.span(), message)
                })?)),
            };
            self.given.push(Setting { name, value });
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }

    fn take(&mut self, name: &str) -> Option<Setting> {
        let at = self.given.iter().position(|setting| setting.name.unraw() == name)?;
        Some(self.given.remove(at))
    }

    /// Takes a setting that is only a word.
    pub(crate) fn flag(&mut self, name: &str, errors: &mut Diagnostics) -> Option<Ident> {
        let setting = self.take(name)?;
        if let Some(value) = setting.value {
            errors.push(value.span(), format!("`{name}` takes no value; write `{name}`"));
        }
        Some(setting.name)
    }

    /// Takes a setting whose value is a string.
    pub(crate) fn text(&mut self, name: &str, example: &str, errors: &mut Diagnostics) -> Option<LitStr> {
        let setting = self.take(name)?;
        match setting.value {
            Some(Value::Text(text)) => return Some(text),
            Some(Value::Path(path)) => errors.push(
                syn::spanned::Spanned::span(&path),
                format!("`{name}` takes a string: write `{name} = \"{example}\"`"),
            ),
            None => errors.push(setting.name.span(), format!("`{name}` needs a value: write `{name} = \"{example}\"`")),
        }
        None
    }

    /// Takes a setting whose value is a path.
    pub(crate) fn path(&mut self, name: &str, example: &str, errors: &mut Diagnostics) -> Option<Path> {
        self.unquoted(name, "a path", example, errors)
    }

    fn unquoted(&mut self, name: &str, what: &str, example: &str, errors: &mut Diagnostics) -> Option<Path> {
        let setting = self.take(name)?;
        match setting.value {
            Some(Value::Path(path)) => return Some(path),
            Some(Value::Text(text)) => {
                errors.push(text.span(), format!("`{name}` takes {what} without quotes: write `{name} = {example}`"));
            }
            None => errors.push(setting.name.span(), format!("`{name}` needs a value: write `{name} = {example}`")),
        }
        None
    }

    /// Takes a setting whose value is a single name.
    pub(crate) fn ident(&mut self, name: &str, example: &str, errors: &mut Diagnostics) -> Option<Ident> {
        let path = self.unquoted(name, "a name", example, errors)?;
        let ident = path.get_ident().cloned();
        if ident.is_none() {
            errors.push(
                syn::spanned::Spanned::span(&path),
                format!("`{name}` takes one name: write `{name} = {example}`"),
            );
        }
        ident
    }

    /// Refuses what nobody took: a known setting was there before, any other means nothing here.
    pub(crate) fn finish(self, known: &[&str], errors: &mut Diagnostics) {
        for Setting { name, .. } in self.given {
            let word = name.unraw();
            if known.iter().any(|known| word == known) {
                errors.push(name.span(), format!("`{word}` is given twice"));
            } else {
                let known: Vec<_> = known.iter().map(|known| format!("`{known}`")).collect();
                let known = known.join(", ");
                errors.push(name.span(), format!("unknown setting `{word}`; known: {known}"));
            }
        }
    }
}
