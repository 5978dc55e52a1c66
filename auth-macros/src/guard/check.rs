use proc_macro2::Ident;
use syn::spanned::Spanned as _;
use syn::{FnArg, ItemFn, Meta, Pat, PatType, Path, Signature};

use super::{Asks, Guard, mark};
use crate::diagnostics::Diagnostics;

const MARK: &str = "mark who is asking, for example `#[user] user: &CurrentUser<Author>`";

/// Where the check goes.
pub(super) enum Plan {
    /// An extractor in front of the arguments of a handler.
    Handler { object: Option<usize> },
    /// A check of this argument at the top of the body.
    Function { user: Ident, object: Option<usize> },
}

/// Finds out where the check goes. If that cannot be told, nothing is guessed: it is refused.
pub(super) fn check(
    attribute: &str,
    guard: Option<&Guard>,
    function: &mut ItemFn,
    errors: &mut Diagnostics,
) -> Option<Plan> {
    runs_in_rust_at_run_time(attribute, &function.sig, errors);
    let users = users(&function.sig, errors);
    mark::note_users(&mut function.sig);
    let object = guard.and_then(|guard| object(guard, &function.sig, errors));
    refuse_conditions(&mut function.sig, object, errors);
    match users {
        Users::Wrong => None,
        Users::One(user) => {
            if let Some(Asks::About { hidden: Some(hidden), .. }) = guard.map(|guard| &guard.asks) {
                let message = "`hidden` chooses the answer of a handler; a function returns `PermissionDenied`, and its caller chooses";
                errors.push(hidden.span(), message);
            }
            Some(Plan::Function { user, object })
        }
        Users::None => is_handler(attribute, guard, function, errors).then_some(Plan::Handler { object }),
    }
}

/// A `const fn` runs where there is no request, and foreign code knows nothing of `Result`.
fn runs_in_rust_at_run_time(attribute: &str, signature: &Signature, errors: &mut Diagnostics) {
    if let Some(constness) = signature.constness {
        let message = format!("`#[{attribute}]` checks at run time, which a `const fn` cannot");
        errors.push(constness.span, message);
    }
    if let Some(abi) = &signature.abi {
        let message = "foreign code cannot be told of a refusal: guard the function that this one calls";
        errors.push(abi.extern_token.span, message);
    }
}

/// The check stands on these arguments: one that is sometimes not there would take the check with it.
fn refuse_conditions(signature: &mut Signature, object: Option<usize>, errors: &mut Diagnostics) {
    for (place, argument) in signature.inputs.iter_mut().enumerate() {
        if Some(place) != object && !mark::marks_user(argument) {
            continue;
        }
        // Taken away, so that the next guard does not tell it again.
        mark::attributes_mut(argument).retain(|attribute| {
            let is_condition = mark::is_condition(attribute);
            if is_condition {
                let message = "a guard stands on this argument, which must always be there: write the condition on the whole function";
                errors.push(attribute.meta.span(), message);
            }
            !is_condition
        });
    }
}

enum Users {
    None,
    One(Ident),
    Wrong,
}

/// The one argument that says who asks.
fn users(signature: &Signature, errors: &mut Diagnostics) -> Users {
    let mut found = Users::None;
    for argument in signature.inputs.iter().filter(|argument| mark::marks_user(argument)) {
        for attribute in mark::attributes(argument).iter().filter(|a| mark::is_user(a)) {
            if !matches!(attribute.meta, Meta::Path(_)) {
                errors.push(attribute.meta.span(), "`#[user]` on an argument takes no settings");
            }
        }
        let name = match argument {
            FnArg::Receiver(receiver) => {
                let message = format!("`self` carries no permissions of this request: {MARK}");
                errors.push(receiver.self_token.span, message);
                None
            }
            FnArg::Typed(PatType { pat, .. }) => {
                let name = plain_name(pat);
                if name.is_none() {
                    let message = "give the argument a plain name: write `#[user] user: …`";
                    errors.push(pat.span(), message);
                }
                name
            }
        };
        found = match (found, name) {
            (Users::None, Some(name)) => Users::One(name.clone()),
            (Users::One(_), Some(name)) => {
                let message = "only one argument is who asks: take one `#[user]` away";
                errors.push(name.span(), message);
                Users::Wrong
            }
            (Users::Wrong, _) | (_, None) => Users::Wrong,
        };
    }
    found
}

fn plain_name(pattern: &Pat) -> Option<&Ident> {
    match pattern {
        Pat::Ident(name) if name.by_ref.is_none() && name.subpat.is_none() => Some(&name.ident),
        _ => None,
    }
}

/// A handler is an `async fn` that is no method.
fn is_handler(attribute: &str, guard: Option<&Guard>, function: &ItemFn, errors: &mut Diagnostics) -> bool {
    let signature = &function.sig;
    if let Some(receiver) = signature.receiver() {
        errors.push(receiver.self_token.span, format!("nobody is asked here: {MARK}"));
        return false;
    }
    if signature.asyncness.is_none() {
        let message = format!("a handler is an `async fn`; on any other function {MARK}");
        errors.push(signature.fn_token.span, message);
        return false;
    }
    // Beside a method no type can be declared, and only its own `Self` gives it away.
    if let Some(Asks::Test(test)) = guard.map(|guard| &guard.asks)
        && says_self(function, test)
    {
        let message =
            format!("`#[{attribute}]` on a handler needs a free function: move it out of the `impl` block, or {MARK}");
        errors.push(signature.ident.span(), message);
        return false;
    }
    true
}

fn says_self(function: &ItemFn, test: &Path) -> bool {
    struct Finder(bool);
    impl syn::visit::Visit<'_> for Finder {
        fn visit_ident(&mut self, ident: &Ident) {
            self.0 |= ident == "Self";
        }
    }
    let mut finder = Finder(false);
    syn::visit::Visit::visit_item_fn(&mut finder, function);
    syn::visit::Visit::visit_path(&mut finder, test);
    finder.0
}

/// The place of the argument that `on =` names.
fn object(guard: &Guard, signature: &Signature, errors: &mut Diagnostics) -> Option<usize> {
    let Asks::About { object, .. } = &guard.asks else { return None };
    // Two checks of one object would be two loads of it; and of two objects, only one can stand first.
    if signature.inputs.iter().any(mark::is_checked) {
        let message = "one function has one `on =`: ask for several permissions in one attribute, `all(…)`";
        errors.push(object.span(), message);
        return None;
    }
    let mut names = Vec::new();
    for (place, argument) in signature.inputs.iter().enumerate() {
        let FnArg::Typed(PatType { pat, .. }) = argument else { continue };
        match plain_name(pat) {
            Some(name) if name == object => return Some(place),
            Some(name) => names.push(format!("`{name}`")),
            None => {}
        }
    }
    let there = match names.as_slice() {
        [] => "there is none with a plain name".to_owned(),
        names => format!("there are: {}", names.join(", ")),
    };
    errors.push(object.span(), format!("no argument is named `{object}`; {there}"));
    None
}
