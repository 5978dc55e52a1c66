use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt as _;
use syn::spanned::Spanned as _;

use super::model::{Role, Storage, UserField, UserStruct};
use crate::runtime_path::at;

/// The impls. What a field's type can get wrong stands at that type.
pub(super) fn expand(user: &UserStruct) -> TokenStream {
    let impls = [
        Some(expand_user(user)),
        Some(expand_base_user(user)),
        expand_full_user(user),
        expand_permissions_mixin(user),
        Some(expand_model(user)),
        Some(expand_user_model(user)),
    ];
    let impls = impls.iter().flatten();
    quote!(#(#impls)*)
}

/// A method that returns what stands in the field of that role, if there is one.
fn getter(
    user: &UserStruct,
    role: Role,
    name: &str,
    of: impl Fn(&UserField) -> (TokenStream, TokenStream),
) -> Option<TokenStream> {
    let field = user.field(role)?;
    let (returns, value) = of(field);
    let span = field.ty.span();
    let name = Ident::new(name, span);
    Some(quote_spanned!(span=> fn #name(&self) -> #returns { #value }))
}

fn flag(user: &UserStruct, role: Role, name: &str) -> Option<TokenStream> {
    getter(user, role, name, |UserField { ident, ty, .. }| {
        let span = ty.span();
        (quote_spanned!(span=> bool), quote_spanned!(span=> self.#ident))
    })
}

fn text(user: &UserStruct, role: Role, name: &str) -> Option<TokenStream> {
    getter(user, role, name, |UserField { ident, ty, .. }| {
        let span = ty.span();
        (quote_spanned!(span=> &str), quote_spanned!(span=> &self.#ident))
    })
}

fn names(user: &UserStruct, role: Role, name: &str) -> Option<TokenStream> {
    getter(user, role, name, |UserField { ident, ty, .. }| {
        let span = ty.span();
        (quote_spanned!(span=> &[::std::string::String]), quote_spanned!(span=> &self.#ident))
    })
}

fn expand_user(user: &UserStruct) -> TokenStream {
    let UserStruct { auth, ident, .. } = user;
    let username = text(user, Role::Username, "username");
    let is_active = flag(user, Role::IsActive, "is_active");
    let is_admin = flag(user, Role::IsStaff, "is_admin");
    let is_superuser = flag(user, Role::IsSuperuser, "is_superuser");
    quote! {
        impl #auth::__private::User for #ident {
            fn id(&self) -> ::std::string::String {
                #auth::__private::key_text(self)
            }
            #username
            #is_active
            #is_admin
            #is_superuser
        }
    }
}

fn expand_base_user(user: &UserStruct) -> TokenStream {
    let UserStruct { auth, ident, hasher, .. } = user;
    let hasher =
        hasher.as_ref().map_or_else(|| quote!(#auth::__private::DefaultHasher), quote::ToTokens::to_token_stream);
    let key_type = user.field(Role::Id).map(|id| &id.ty);
    let primary_key = getter(user, Role::Id, "primary_key", |UserField { ident, ty, .. }| {
        (quote!(&#ty), quote_spanned!(ty.span()=> &self.#ident))
    });
    let password_hash = getter(user, Role::PasswordHash, "password_hash", |field| {
        let (name, span) = (&field.ident, field.ty.span());
        let returns = quote_spanned!(span=> &#auth::__private::PasswordHash);
        (returns, quote_spanned!(span=> &self.#name))
    });
    let last_login = getter(user, Role::LastLogin, "last_login", |UserField { ident, ty, .. }| {
        let returns = quote_spanned!(ty.span()=> ::core::option::Option<#auth::__private::Time>);
        (returns, quote_spanned!(ty.span()=> self.#ident))
    });
    let set_password_hash = user.field(Role::PasswordHash).map(|UserField { ident, ty, .. }| {
        let auth = at(auth, ty.span());
        quote_spanned! {ty.span()=>
            fn set_password_hash(&mut self, hash: #auth::__private::PasswordHash) {
                self.#ident = hash;
            }
        }
    });
    let set_last_login = user.field(Role::LastLogin).map(|UserField { ident, ty, .. }| {
        let auth = at(auth, ty.span());
        quote_spanned! {ty.span()=>
            fn set_last_login(&mut self, time: #auth::__private::Time) {
                self.#ident = ::core::option::Option::Some(time);
            }
        }
    });
    let username = user.field(Role::Username);
    let username_field = username.map(|field| field.ident.unraw().to_string());
    let is_address = username.is_some_and(|field| field.roles.contains(&Role::Email));
    let normalize_username = is_address.then(|| {
        quote! {
            fn normalize_username(username: &str) -> ::std::string::String {
                #auth::__private::normalize_address(username)
            }
        }
    });
    quote! {
        impl #auth::__private::BaseUser for #ident {
            type PrimaryKey = #key_type;
            type Hasher = #hasher;

            fn get_username_field() -> &'static str {
                #username_field
            }
            #primary_key
            #password_hash
            #set_password_hash
            #last_login
            #set_last_login
            #normalize_username
        }
    }
}

fn expand_full_user(user: &UserStruct) -> Option<TokenStream> {
    let UserStruct { auth, ident, .. } = user;
    let email = text(user, Role::Email, "email")?;
    let first_name = text(user, Role::FirstName, "first_name")?;
    let last_name = text(user, Role::LastName, "last_name")?;
    let date_joined = getter(user, Role::DateJoined, "date_joined", |UserField { ident, ty, .. }| {
        let span = ty.span();
        (quote_spanned!(span=> #auth::__private::Time), quote_spanned!(span=> self.#ident))
    })?;
    Some(quote! {
        impl #auth::__private::FullUser for #ident {
            #email
            #first_name
            #last_name
            #date_joined
        }
    })
}

fn expand_permissions_mixin(user: &UserStruct) -> Option<TokenStream> {
    let UserStruct { auth, ident, .. } = user;
    let user_permissions = names(user, Role::UserPermissions, "user_permissions")?;
    let groups = names(user, Role::Groups, "groups")?;
    Some(quote! {
        impl #auth::__private::PermissionsMixin for #ident {
            #user_permissions
            #groups
        }
    })
}

/// The mapping: a constant for each column, and the impl that lists them.
fn expand_model(user: &UserStruct) -> TokenStream {
    let UserStruct { auth, ident, table, fields, .. } = user;
    let (mut constants, mut columns, mut writes, mut reads) = (vec![], vec![], vec![], vec![]);
    for UserField { ident: field, ty, roles, storage } in fields {
        let span = ty.span();
        let Storage::Column { name, json, unique, editable } = storage else {
            reads.push(quote_spanned!(span=> #field: ::core::default::Default::default()));
            continue;
        };
        let index = columns.len();
        let constant = format_ident!("COLUMN_{}", field.unraw().to_string().to_uppercase(), span = Span::mixed_site());
        let auth = at(auth, span);
        let mapped = if *json {
            quote_spanned!(span=> #auth::__private::mapped_json::<#ty>(#name))
        } else if roles.contains(&Role::Id) {
            quote_spanned!(span=> #auth::__private::mapped_key::<#ident>(#name))
        } else {
            quote_spanned!(span=> #auth::__private::mapped::<#ty>(#name))
        };
        constants.push(quote!(const #constant: #auth::__private::Mapped<#ty> = #mapped;));
        let roles = roles.iter().filter_map(|role| {
            let role = Ident::new(role.rule().column_role?, Span::call_site());
            Some(quote!(.role(#auth::__private::Role::#role)))
        });
        let unique = unique.then(|| quote!(.unique()));
        let editable = editable.then(|| quote!(.editable()));
        columns.push(quote!(#constant.column() #(#roles)* #unique #editable));
        writes.push(quote!(#constant.write(&self.#field)?));
        reads.push(quote!(#field: #constant.read(row, #index)?));
    }
    quote! {
        const _: () = {
            #(#constants)*

            impl #auth::__private::Model for #ident {
                const TABLE: &'static str = #table;
                const COLUMNS: &'static [#auth::__private::Column] = &[#(#columns),*];

                fn values(&self) -> ::core::result::Result<
                    ::std::vec::Vec<#auth::__private::Value>,
                    #auth::__private::ColumnError,
                > {
                    ::core::result::Result::Ok(::std::vec![#(#writes),*])
                }

                fn from_row(row: &dyn #auth::__private::Row) -> ::core::result::Result<
                    Self,
                    #auth::__private::ColumnError,
                > {
                    ::core::result::Result::Ok(Self { #(#reads),* })
                }
            }
        };
    }
}

fn expand_user_model(user: &UserStruct) -> TokenStream {
    let UserStruct { auth, ident, .. } = user;
    let id = user.field(Role::Id).map(|field| &field.ident);
    let username = user.field(Role::Username).map(|field| &field.ident);
    let groups = user.field(Role::Groups).map(|field| &field.ident);
    let permissions = user.field(Role::UserPermissions).map(|field| &field.ident);
    let memberships = (groups.is_some() || permissions.is_some()).then(|| {
        let held = |field: Option<&Ident>| field.map_or_else(|| quote!(&[]), |field| quote!(&self.#field));
        let take = |field: Option<&Ident>, value: TokenStream| {
            let target = field.map_or_else(|| quote!(_), |field| quote!(self.#field));
            quote!(#target = #value;)
        };
        let (held_groups, held_permissions) = (held(groups), held(permissions));
        let take_groups = take(groups, quote!(groups));
        let take_permissions = take(permissions, quote!(permissions));
        quote! {
            fn memberships(&self) -> (&[::std::string::String], &[::std::string::String]) {
                (#held_groups, #held_permissions)
            }

            fn set_memberships(
                &mut self,
                groups: ::std::vec::Vec<::std::string::String>,
                permissions: ::std::vec::Vec<::std::string::String>,
            ) {
                #take_groups
                #take_permissions
            }
        }
    });
    quote! {
        impl #auth::__private::UserModel for #ident {
            fn set_primary_key(&mut self, key: <Self as #auth::__private::BaseUser>::PrimaryKey) {
                self.#id = key;
            }

            fn set_username(&mut self, username: ::std::string::String) {
                self.#username = username;
            }
            #memberships
        }
    }
}
