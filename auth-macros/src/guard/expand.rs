use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;
use syn::{Expr, FnArg, Item, ItemFn, Pat, PatType, Path, ReturnType, Stmt, Token, Type};

use super::check::Plan;
use super::{Asks, Guard, mark};
use crate::runtime_path::at;

pub(super) fn expand(guard: &Guard, plan: Plan, mut function: ItemFn) -> TokenStream {
    let entry = entry(guard, &function);
    let (check, sibling) = match plan {
        Plan::Function { user, object } => (Some(check_in_body(guard, &user, object, &mut function)), None),
        Plan::Handler { object: Some(place) } => (wrap_object(guard, place, &mut function), None),
        Plan::Handler { object: None } => (None, insert_extractor(guard, &mut function)),
    };
    let statement = |tokens| Stmt::Expr(Expr::Verbatim(tokens), None);
    let body = &mut function.block.stmts;
    // Items run nothing, and clippy wants them before all statements; the check comes before all that runs.
    let items = body.iter().take_while(|statement| is_plain_item(statement)).count();
    body.splice(items..items, check.map(statement));
    body.insert(0, statement(entry));
    quote!(#function #sibling)
}

/// A macro could be anything, so it is none.
fn is_plain_item(statement: &Stmt) -> bool {
    matches!(statement, Stmt::Item(item) if !matches!(item, Item::Macro(_) | Item::Verbatim(_)))
}

/// Enters the guard into its registry, from inside the body: that works in generic functions and in `impl` blocks.
fn entry(guard: &Guard, function: &ItemFn) -> TokenStream {
    let auth = &guard.auth;
    let name = function.sig.ident.unraw().to_string();
    let (requirement, permissions) = match &guard.asks {
        Asks::For(requirement) | Asks::About { requirement, .. } => {
            (quote!(#auth::__private::describe::<#requirement>), quote!(#auth::__private::permissions::<#requirement>))
        }
        Asks::Test(test) => {
            let words = words_of(test);
            (quote!(|| ::std::string::String::from(#words)), quote!(::std::vec::Vec::new))
        }
    };
    quote! {
        #auth::__private::inventory::submit! {
            #auth::__private::GuardEntry {
                function: ::core::concat!(::core::module_path!(), "::", #name),
                requirement: #requirement,
                permissions: #permissions,
                place: #auth::__private::Place::new(
                    ::core::module_path!(),
                    ::core::file!(),
                    ::core::line!(),
                ),
            }
        }
    }
}

/// The check of a function that says who asks.
fn check_in_body(guard: &Guard, user: &Ident, object: Option<usize>, function: &mut ItemFn) -> TokenStream {
    let checked = match (&guard.asks, object) {
        (Asks::For(requirement), _) => {
            let auth = at(&guard.auth, user.span());
            quote_spanned!(user.span()=> #auth::__private::check::<#requirement>(&#user))
        }
        (Asks::Test(test), _) => {
            let (auth, words) = (at(&guard.auth, test.span()), words_of(test));
            quote_spanned!(test.span()=> #auth::__private::check_test(&#user, #words, #test))
        }
        (Asks::About { requirement, object, .. }, place) => {
            let auth = at(&guard.auth, object.span());
            let mut borrowed = quote_spanned!(object.span()=> &#object);
            let mut object_type = quote!(_);
            if let Some(argument) = place.and_then(|place| function.sig.inputs.get_mut(place)) {
                if let FnArg::Typed(PatType { ty, .. }) = &argument {
                    let ty = match referent(ty) {
                        None => ty,
                        Some(ty) => {
                            borrowed = quote_spanned!(object.span()=> &*#object);
                            ty
                        }
                    };
                    // The compiler can name the type in its message then; an `impl Trait` cannot be written here.
                    if !says_impl(ty) {
                        object_type = ty.to_token_stream();
                    }
                }
                mark::note_checked(argument);
            }
            quote_spanned! {object.span()=>
                #auth::__private::check_on::<#requirement, _, #object_type>(&#user, #borrowed)
            }
        }
    };
    let output = match &function.sig.output {
        ReturnType::Default => function.sig.ident.span(),
        ReturnType::Type(_, ty) => ty.span(),
    };
    let auth = at(&guard.auth, output);
    let refuse = quote_spanned!(output=> return #auth::__private::Refuse::refuse(denied));
    if let Some(binding) = &guard.binding {
        quote! {
            let #binding = match #checked {
                ::core::result::Result::Ok(granted) => granted,
                ::core::result::Result::Err(denied) => #refuse,
            };
        }
    } else {
        quote! {
            if let ::core::result::Result::Err(denied) = #checked {
                #refuse;
            }
        }
    }
}

/// The extractor of a handler, in front of its arguments, and the type it needs beside it.
fn insert_extractor(guard: &Guard, function: &mut ItemFn) -> Option<TokenStream> {
    let auth = &guard.auth;
    let binding = binding(guard);
    let (extractor, sibling) = match &guard.asks {
        Asks::Test(test) => {
            let (name, sibling) = test_type(auth, test, function);
            (quote!(#auth::__private::Tested<#name>), Some(sibling))
        }
        Asks::For(requirement) | Asks::About { requirement, .. } => {
            (quote!(#auth::__private::Granted<#requirement>), None)
        }
    };
    function.sig.inputs.insert(0, argument(binding, extractor));
    sibling
}

/// Wraps the object of `on =` in the extractor that checks before it loads, and puts it first.
fn wrap_object(guard: &Guard, place: usize, function: &mut ItemFn) -> Option<TokenStream> {
    let auth = &guard.auth;
    let Asks::About { requirement, object, hidden } = &guard.asks else { return None };
    let mut inputs: Vec<FnArg> = std::mem::take(&mut function.sig.inputs).into_iter().collect();
    let FnArg::Typed(PatType { attrs, pat, ty, .. }) = inputs.remove(place) else { return None };
    let (binding, hidden) = (binding(guard), hidden.is_some());
    let mut checked = argument(
        quote!(#auth::__private::Checked(#pat, #binding)),
        quote!(#auth::__private::Checked<#requirement, #ty, #hidden>),
    );
    if let FnArg::Typed(typed) = &mut checked {
        typed.attrs = attrs;
    }
    mark::note_checked(&mut checked);
    inputs.insert(0, checked);
    function.sig.inputs = inputs.into_iter().collect();
    // Where the type cannot be written, the extractor itself says that there is no policy.
    if says_impl(&ty) {
        return None;
    }
    let auth = at(auth, object.span());
    Some(quote_spanned!(object.span()=> #auth::__private::assert_policy::<#requirement, #ty>();))
}

fn binding(guard: &Guard) -> TokenStream {
    guard.binding.as_ref().map_or_else(|| quote!(_), quote::ToTokens::to_token_stream)
}

fn argument(pattern: TokenStream, ty: TokenStream) -> FnArg {
    FnArg::Typed(PatType {
        attrs: Vec::new(),
        pat: Box::new(Pat::Verbatim(pattern)),
        colon_token: Token![:](Span::call_site()),
        ty: Box::new(Type::Verbatim(ty)),
    })
}

/// The hidden type that stands for a test in the type of a handler's argument.
fn test_type(auth: &TokenStream, test: &Path, function: &ItemFn) -> (Ident, TokenStream) {
    let vis = &function.vis;
    let words = words_of(test);
    let passed = words.replace("::", "_").replace("r#", "");
    let name = format_ident!("__{}_passes_{}", function.sig.ident.unraw(), passed, span = test.span());
    let sibling = quote_spanned! {test.span()=>
        #[doc(hidden)]
        #[allow(non_camel_case_types)]
        #[derive(::core::fmt::Debug)]
        #vis struct #name {}

        impl #auth::__private::UserTest for #name {
            const NAME: &'static str = #words;

            fn passes(principal: &#auth::__private::Principal) -> ::core::option::Option<bool> {
                #auth::__private::run_test(principal, #test)
            }
        }
    };
    (name, sibling)
}

/// The type behind a type that is written as a reference.
fn referent(ty: &Type) -> Option<&Type> {
    match ty {
        Type::Reference(reference) => Some(match &*reference.elem {
            Type::Paren(paren) => &paren.elem,
            elem => elem,
        }),
        Type::Group(group) => referent(&group.elem),
        Type::Paren(paren) => referent(&paren.elem),
        _ => None,
    }
}

fn says_impl(ty: &Type) -> bool {
    struct Finder(bool);
    impl syn::visit::Visit<'_> for Finder {
        fn visit_type_impl_trait(&mut self, _: &syn::TypeImplTrait) {
            self.0 = true;
        }
    }
    let mut finder = Finder(false);
    syn::visit::Visit::visit_type(&mut finder, ty);
    finder.0
}

fn words_of(test: &Path) -> String {
    test.to_token_stream().to_string().replace(' ', "")
}
