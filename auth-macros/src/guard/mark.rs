use proc_macro2::{Ident, Span};
use quote::quote;
use syn::{Attribute, FnArg, Meta, Signature, parse_quote};

/// `#[user]` as the user writes it.
pub(super) fn is_user(attribute: &Attribute) -> bool {
    attribute.path().is_ident("user")
}

/// What a guard leaves on an argument for the next: `#[cfg_attr(any(), word)]`.
fn is_note(attribute: &Attribute, word: &str) -> bool {
    match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            let word = Ident::new(word, Span::call_site());
            list.tokens.to_string() == quote!(any(), #word).to_string()
        }
        _ => false,
    }
}

fn note(word: &str) -> Attribute {
    let word = Ident::new(word, Span::call_site());
    parse_quote!(#[cfg_attr(any(), #word)])
}

pub(super) fn attributes(argument: &FnArg) -> &[Attribute] {
    match argument {
        FnArg::Receiver(receiver) => &receiver.attrs,
        FnArg::Typed(typed) => &typed.attrs,
    }
}

pub(super) fn attributes_mut(argument: &mut FnArg) -> &mut Vec<Attribute> {
    match argument {
        FnArg::Receiver(receiver) => &mut receiver.attrs,
        FnArg::Typed(typed) => &mut typed.attrs,
    }
}

/// Whether the argument is who asks: marked by the user, or noted by a guard before this one.
pub(super) fn marks_user(argument: &FnArg) -> bool {
    attributes(argument).iter().any(|a| is_user(a) || is_note(a, "user"))
}

/// Whether the attribute makes an argument one that is only sometimes there, or can.
pub(super) fn is_condition(attribute: &Attribute) -> bool {
    let path = attribute.path();
    (path.is_ident("cfg") || path.is_ident("cfg_attr")) && !is_note(attribute, "user") && !is_note(attribute, "checked")
}

/// Whether an earlier guard has asked about this argument.
pub(super) fn is_checked(argument: &FnArg) -> bool {
    attributes(argument).iter().any(|a| is_note(a, "checked"))
}

pub(super) fn note_checked(argument: &mut FnArg) {
    attributes_mut(argument).push(note("checked"));
}

/// Turns `#[user]`, which the compiler does not know, into the note that later guards find.
pub(super) fn note_users(signature: &mut Signature) {
    for argument in &mut signature.inputs {
        for attribute in attributes_mut(argument) {
            if is_user(attribute) {
                *attribute = note("user");
            }
        }
    }
}
