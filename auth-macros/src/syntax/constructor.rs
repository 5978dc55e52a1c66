use proc_macro2::TokenStream;
use syn::spanned::Spanned as _;
use syn::{FnArg, ItemFn, ReturnType, Type};

use crate::diagnostics::Diagnostics;

/// What a function must look like that makes something for a registry.
pub(crate) struct Shape {
    /// The whole signature, to copy.
    pub(crate) form: &'static str,
    pub(crate) is_async: bool,
    /// How many arguments it takes, all of them shared references.
    pub(crate) arguments: usize,
}

/// The function, if it looks like that. What the types are called in the user's module is left to the compiler.
pub(crate) fn constructor(item: &TokenStream, shape: &Shape, errors: &mut Diagnostics) -> Option<ItemFn> {
    let Shape { form, is_async, arguments } = shape;
    let function: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            errors.push(error.span(), format!("a function stands here: write `{form}`"));
            return None;
        }
    };
    let signature = &function.sig;
    let wrong = match (signature.asyncness, is_async) {
        (None, true) => Some((signature.fn_token.span, "`async`")),
        (Some(token), false) => Some((token.span, "not `async`")),
        _ => None,
    };
    if let Some((span, what)) = wrong {
        errors.push(span, format!("the function is {what}: write `{form}`"));
    }
    if let Some(parameter) = signature.generics.params.first() {
        let message = format!("the registry calls the function and cannot choose a parameter: write `{form}`");
        errors.push(parameter.span(), message);
    }
    if signature.inputs.len() == *arguments {
        for argument in &signature.inputs {
            shared_reference(argument, form, errors);
        }
    } else {
        let count = if *arguments == 1 { "one argument" } else { "two arguments" };
        errors.push(signature.ident.span(), format!("the function takes {count}: write `{form}`"));
    }
    if matches!(signature.output, ReturnType::Default) {
        errors.push(signature.ident.span(), format!("the function returns what it makes: write `{form}`"));
    }
    Some(function)
}

fn shared_reference(argument: &FnArg, form: &str, errors: &mut Diagnostics) {
    match argument {
        FnArg::Receiver(receiver) => {
            let message = format!("the function is no method: write `{form}`");
            errors.push(receiver.self_token.span, message);
        }
        FnArg::Typed(typed) => match &*typed.ty {
            Type::Reference(reference) if reference.mutability.is_none() => {}
            other => {
                let message = format!("the arguments are shared references: write `{form}`");
                errors.push(other.span(), message);
            }
        },
    }
}

/// The places of the arguments' types, and of what is returned.
pub(crate) fn spans(function: &ItemFn) -> (Vec<proc_macro2::Span>, proc_macro2::Span) {
    let arguments = function.sig.inputs.iter().map(|argument| match argument {
        FnArg::Typed(typed) => typed.ty.span(),
        FnArg::Receiver(receiver) => receiver.self_token.span,
    });
    let output = match &function.sig.output {
        ReturnType::Type(_, ty) => ty.span(),
        ReturnType::Default => function.sig.ident.span(),
    };
    (arguments.collect(), output)
}
