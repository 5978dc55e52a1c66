use std::collections::HashMap;

use proc_macro2::{Ident, Span};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{DeriveInput, GenericArgument, LitStr, PathArguments, Type};

use super::model::{GivenField, RULES, Role, Rule, Storage, UserField, UserSettings, UserStruct};
use crate::diagnostics::Diagnostics;
use crate::runtime_path::runtime_path;
use crate::syntax::{is_snake_case, snake_case};

/// `_user_permissions` is appended, and `PostgreSQL` cuts what is longer than 63.
const LONGEST_TABLE: usize = 40;
const LONGEST_COLUMN: usize = 63;
/// The framework's own column, which ties sessions to the password.
const RESERVED_COLUMN: &str = "credential_version";

pub(super) fn check(
    input: &DeriveInput,
    settings: &UserSettings,
    mut fields: Vec<GivenField>,
    errors: &mut Diagnostics,
) -> Option<UserStruct> {
    let table = table(input, settings, errors);
    username_of_the_struct(settings, &mut fields, errors);
    one_field_for_a_role(&fields, errors);
    one_role_for_a_field(&fields, errors);
    let roles = roles(&fields);
    required_roles(input, &fields, &roles, errors);
    for (field, roles) in fields.iter().zip(&roles) {
        settings_that_go_together(field, roles, errors);
        // A second role is that of a mail address that is also the name: the type is the same.
        if let Some(role) = roles.first() {
            type_of_a_role(field, role.rule(), errors);
        }
    }
    let fields: Vec<_> = fields.into_iter().zip(roles).map(|(field, roles)| user_field(field, roles, errors)).collect();
    one_column_once(&fields, errors);
    errors.is_empty().then(|| UserStruct {
        auth: runtime_path(settings.crate_path.as_ref()),
        ident: input.ident.clone(),
        table,
        hasher: settings.hasher.clone(),
        fields: fields.into_iter().map(|(field, _)| field).collect(),
    })
}

fn table(input: &DeriveInput, settings: &UserSettings, errors: &mut Diagnostics) -> String {
    let (name, span) = match &settings.table {
        Some(table) => (table.value(), table.span()),
        None => (snake_case(&input.ident.unraw().to_string()), input.ident.span()),
    };
    let example = "`#[user(table = \"author\")]`";
    if !is_snake_case(&name) {
        let message = format!(
            "`{name}` cannot be a table: its name is made of `a` to `z`, digits and `_`, and begins with no digit; write {example}"
        );
        errors.push(span, message);
    } else if name.len() > LONGEST_TABLE {
        let message = format!(
            "a table's name has at most {LONGEST_TABLE} characters, because others are made from it; this one has {}: write {example}",
            name.len()
        );
        errors.push(span, message);
    }
    name
}

/// `#[user(username = email)]` on the struct is `#[user(username)]` on the field.
fn username_of_the_struct(settings: &UserSettings, fields: &mut [GivenField], errors: &mut Diagnostics) {
    let Some(username) = &settings.username else { return };
    let names: Vec<_> = fields.iter().map(|field| format!("`{}`", field.ident)).collect();
    match fields.iter_mut().find(|field| field.ident == *username) {
        Some(field) => field.roles.push((Role::Username, username.span())),
        None => {
            errors.push(username.span(), format!("there is no field `{username}`; there are: {}", names.join(", ")));
        }
    }
}

/// Two fields with one role would be two answers to one question.
fn one_field_for_a_role(fields: &[GivenField], errors: &mut Diagnostics) {
    for rule in RULES {
        let spans = fields.iter().flat_map(|field| &field.roles);
        for (_, span) in spans.filter(|(role, _)| *role == rule.role).skip(1) {
            errors.push(*span, format!("`{}` is given twice", rule.word));
        }
    }
}

/// Only a mail address can be something else too: what the user logs in with.
fn one_role_for_a_field(fields: &[GivenField], errors: &mut Diagnostics) {
    for field in fields {
        let mut roles = field.roles.iter();
        let Some((first, _)) = roles.next() else { continue };
        for (role, span) in roles.filter(|(role, _)| role != first) {
            if !matches!((first, role), (Role::Username, Role::Email) | (Role::Email, Role::Username)) {
                let message = format!(
                    "`{}` is already the {}; only `username` and `email` can be one field",
                    field.ident,
                    first.rule().word,
                );
                errors.push(*span, message);
            }
        }
    }
}

/// The roles of each field: those it was given, and that of its name where no other field was given it.
fn roles(fields: &[GivenField]) -> Vec<Vec<Role>> {
    let is_given = |role| fields.iter().any(|field| field.roles.iter().any(|(given, _)| *given == role));
    let of_name = |field: &GivenField| {
        let rule = RULES.iter().find(|rule| field.ident.unraw() == rule.word)?;
        let fits = field.roles.iter().all(|(given, _)| {
            matches!((given, rule.role), (Role::Username, Role::Email) | (Role::Email, Role::Username))
        });
        (fits && !is_given(rule.role)).then_some(rule.role)
    };
    fields.iter().map(|field| field.roles.iter().map(|(role, _)| *role).chain(of_name(field)).collect()).collect()
}

fn required_roles(input: &DeriveInput, fields: &[GivenField], roles: &[Vec<Role>], errors: &mut Diagnostics) {
    for rule in RULES.iter().filter(|rule| rule.required) {
        if roles.iter().flatten().any(|role| *role == rule.role) {
            continue;
        }
        let Rule { word, ty, .. } = rule;
        let other = match rule.role {
            Role::Username if fields.iter().any(|field| field.ident == "email") => {
                ", or `#[user(username = email)]` on the struct".to_owned()
            }
            Role::Username => ", or `#[user(username)]` on the field that the user logs in with".to_owned(),
            _ => format!(", or mark a field `#[user({word})]`"),
        };
        errors.push(input.ident.span(), format!("a user needs `{word}`: add `{word}: {ty},`{other}"));
    }
}

fn settings_that_go_together(field: &GivenField, roles: &[Role], errors: &mut Diagnostics) {
    let GivenField { skip, json, unique, editable, column, .. } = field;
    let rule = roles.first().map(|role| role.rule());
    if let Some(skip) = skip {
        let column = column.as_ref().map(LitStr::span);
        let others = [("json", json), ("unique", unique), ("editable", editable)]
            .into_iter()
            .filter_map(|(word, given)| Some((word, given.as_ref()?.span())))
            .chain(column.map(|span| ("column", span)));
        for (word, span) in others {
            errors.push(span, format!("`{word}` says how a field is stored, and `skip` that it is not"));
        }
        if let Some(Rule { word, .. }) = rule {
            let message = format!(
                "the field is the user's `{word}` and cannot be left out; give it another name if it is something else"
            );
            errors.push(skip.span(), message);
        }
        return;
    }
    if let Some(Rule { column_role: None, word, .. }) = rule {
        let column = column.as_ref().map(LitStr::span);
        let given = [json, unique, editable].into_iter().flatten().map(Ident::span);
        for span in given.chain(column) {
            let message = format!("`{word}` is kept in a table of its own and has no column");
            errors.push(span, message);
        }
        return;
    }
    if let Some(json) = json {
        if let Some(Rule { word, ty, .. }) = rule {
            errors.push(json.span(), format!("the field is the user's `{word}` and is stored as `{ty}`, not as JSON"));
        }
        // One document has many spellings, and MySQL has no index on it.
        if let Some(unique) = unique {
            errors.push(unique.span(), "a JSON column cannot be unique");
        }
    }
    if let (Some(editable), Some(Rule { word, may_be_editable: false, .. })) = (editable, rule) {
        let message = format!("`{word}` decides who the user is or what they may do; no user may set it in a profile");
        errors.push(editable.span(), message);
    }
}

/// Says in our words what the compiler would say of generated code, where the type is surely another one.
fn type_of_a_role(field: &GivenField, rule: &Rule, errors: &mut Diagnostics) {
    if !is_surely_wrong(&field.ty, rule) {
        return;
    }
    let name = &field.ident;
    let message = match rule.role {
        Role::Id => format!(
            "`{name}` cannot be the primary key as this type: take `Uuid` (made by us), `i64` or `i32` (made by the database), or `String` (made by the application)"
        ),
        Role::PasswordHash => format!(
            "the user's `password_hash` has the type `PasswordHash`, which is redacted, never serialised and wiped: write `{name}: auth::PasswordHash`"
        ),
        _ => format!("the user's `{}` has the type `{}`: write `{name}: {}`", rule.word, rule.ty, rule.ty),
    };
    errors.push(field.ty.span(), message);
}

/// Whether the type cannot be the right one under another name.
fn is_surely_wrong(ty: &Type, rule: &Rule) -> bool {
    /// Types whose names nobody gives to something else.
    const WELL_KNOWN: &[&str] = &[
        "Arc",
        "Box",
        "Cow",
        "DateTime",
        "HashMap",
        "HashSet",
        "NaiveDate",
        "NaiveDateTime",
        "Option",
        "Rc",
        "String",
        "Uuid",
        "Vec",
        "bool",
        "char",
        "f32",
        "f64",
        "i128",
        "i16",
        "i32",
        "i64",
        "i8",
        "isize",
        "u128",
        "u16",
        "u32",
        "u64",
        "u8",
        "usize",
    ];
    let path = match ty {
        Type::Path(path) => &path.path,
        Type::Group(group) => return is_surely_wrong(&group.elem, rule),
        Type::Paren(paren) => return is_surely_wrong(&paren.elem, rule),
        Type::Reference(_) | Type::Tuple(_) | Type::Array(_) | Type::Slice(_) | Type::Ptr(_) => {
            return true;
        }
        _ => return false,
    };
    let Some(last) = path.segments.last() else { return false };
    if last.ident != rule.type_word {
        let is_key = rule.role == Role::Id && ["i32", "i64", "String"].iter().any(|word| last.ident == word);
        return !is_key && WELL_KNOWN.iter().any(|word| last.ident == word);
    }
    let inner = match &last.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
            Some(GenericArgument::Type(Type::Path(inner))) => inner.path.segments.last(),
            _ => None,
        },
        _ => None,
    };
    let wanted = match rule.type_word {
        "Vec" => "String",
        "Option" => "DateTime",
        _ => return false,
    };
    inner.is_some_and(|inner| inner.ident != wanted && WELL_KNOWN.iter().any(|word| inner.ident == word))
}

/// The field with its column, and the span of that column's name.
fn user_field(field: GivenField, roles: Vec<Role>, errors: &mut Diagnostics) -> (UserField, Span) {
    let joined = roles.iter().any(|role| role.rule().column_role.is_none());
    let span = field.column.as_ref().map_or_else(|| field.ident.span(), LitStr::span);
    let storage = if field.skip.is_some() || joined {
        Storage::None
    } else {
        let name = match &field.column {
            Some(column) => column.value(),
            None if roles.contains(&Role::PasswordHash) => "password".to_owned(),
            None => field.ident.unraw().to_string(),
        };
        column_name(&name, span, errors);
        Storage::Column {
            name,
            json: field.json.is_some(),
            unique: field.unique.is_some(),
            editable: field.editable.is_some(),
        }
    };
    (UserField { ident: field.ident, ty: field.ty, roles, storage }, span)
}

fn column_name(name: &str, span: Span, errors: &mut Diagnostics) {
    if !is_snake_case(name) {
        let message = format!(
            "`{name}` cannot be a column: its name is made of `a` to `z`, digits and `_`, and begins with no digit; write `#[user(column = \"pen_name\")]`"
        );
        errors.push(span, message);
    } else if name.len() > LONGEST_COLUMN {
        let message = format!(
            "a column's name has at most {LONGEST_COLUMN} characters; this one has {}: write `#[user(column = \"pen_name\")]`",
            name.len()
        );
        errors.push(span, message);
    } else if name == RESERVED_COLUMN {
        let message = format!(
            "the column `{RESERVED_COLUMN}` is the framework's own, which ties sessions to the password; take another name"
        );
        errors.push(span, message);
    }
}

fn one_column_once(fields: &[(UserField, Span)], errors: &mut Diagnostics) {
    let mut seen: HashMap<&str, &Ident> = HashMap::new();
    for (field, span) in fields {
        let Storage::Column { name, .. } = &field.storage else { continue };
        if let Some(other) = seen.insert(name, &field.ident) {
            errors.push(*span, format!("the column `{name}` is already that of `{other}`"));
        }
    }
}
