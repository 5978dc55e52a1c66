use syn::parse::ParseStream;
use syn::spanned::Spanned as _;
use syn::{Attribute, Data, DeriveInput, Field, Fields, GenericParam, Meta};

use super::model::{GivenField, RULES, UserSettings};
use crate::diagnostics::Diagnostics;
use crate::syntax::Settings;

const STRUCT_SETTINGS: &[&str] = &["table", "username", "hasher", "crate"];
const FIELD_SETTINGS: [&str; 5] = ["skip", "json", "column", "unique", "editable"];

/// The settings, and the fields if it is a struct that can be a user.
pub(super) fn parse(input: &DeriveInput, errors: &mut Diagnostics) -> (UserSettings, Option<Vec<GivenField>>) {
    let mut given = settings(&input.attrs, errors);
    let settings = UserSettings {
        table: given.text("table", "author", errors),
        username: given.ident("username", "email", errors),
        hasher: given.path("hasher", "auth::passwords::Argon2Hasher", errors),
        crate_path: given.path("crate", "auth", errors),
    };
    given.finish(STRUCT_SETTINGS, errors);
    refuse_generics(input, errors);
    let fields =
        fields(input, errors).map(|fields| fields.iter().filter_map(|field| parse_field(field, errors)).collect());
    (settings, fields)
}

fn fields<'a>(input: &'a DeriveInput, errors: &mut Diagnostics) -> Option<&'a Fields> {
    let (span, what) = match &input.data {
        Data::Struct(data) => match &data.fields {
            fields @ Fields::Named(_) => return Some(fields),
            Fields::Unnamed(_) => (input.ident.span(), "the columns of a tuple struct have no names"),
            Fields::Unit => (input.ident.span(), "this struct has no fields"),
        },
        Data::Enum(data) => (data.enum_token.span, "an enum is not a row of a table"),
        Data::Union(data) => (data.union_token.span, "a union is not a row of a table"),
    };
    errors.push(span, format!("a user is a struct with named fields: {what}"));
    None
}

/// A user is one table, and lives as long as the program likes.
fn refuse_generics(input: &DeriveInput, errors: &mut Diagnostics) {
    for parameter in &input.generics.params {
        let message = match parameter {
            GenericParam::Lifetime(_) => {
                "a user owns its fields, because it outlives the request that loaded it: take `String` rather than `&str`"
            }
            GenericParam::Type(_) | GenericParam::Const(_) => {
                "a user struct is one table with fixed columns and cannot be generic: write the type into the field"
            }
        };
        errors.push(parameter.span(), message);
    }
}

fn settings(attributes: &[Attribute], errors: &mut Diagnostics) -> Settings {
    let mut settings = Settings::default();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("user")) {
        let parsed = match &attribute.meta {
            Meta::List(list) => list.parse_args_with(|input: ParseStream| settings.parse(input)),
            other => Err(syn::Error::new(other.span(), "settings stand in parentheses: write `#[user(…)]`")),
        };
        errors.ok(parsed);
    }
    settings
}

fn parse_field(field: &Field, errors: &mut Diagnostics) -> Option<GivenField> {
    let ident = field.ident.clone()?;
    let mut given = settings(&field.attrs, errors);
    let roles: Vec<_> =
        RULES.iter().filter_map(|rule| Some((rule.role, given.flag(rule.word, errors)?.span()))).collect();
    let parsed = GivenField {
        ident,
        ty: field.ty.clone(),
        skip: given.flag("skip", errors),
        json: given.flag("json", errors),
        unique: given.flag("unique", errors),
        editable: given.flag("editable", errors),
        column: given.text("column", "pen_name", errors),
        roles,
    };
    let known: Vec<_> = FIELD_SETTINGS.into_iter().chain(RULES.iter().map(|rule| rule.word)).collect();
    given.finish(&known, errors);
    Some(parsed)
}
