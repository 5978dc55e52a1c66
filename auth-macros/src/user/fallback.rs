use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use super::model::UserSettings;
use crate::runtime_path::runtime_path;

/// Impls that are never run, because something is wrong with the struct: so that whatever uses it adds no message to that one.
pub(super) fn expand(input: &DeriveInput, settings: &UserSettings) -> TokenStream {
    // A user is `'static` and one type; with parameters no impl could be written.
    if !input.generics.params.is_empty() {
        return TokenStream::new();
    }
    let auth = runtime_path(settings.crate_path.as_ref());
    let user = &input.ident;
    quote! {
        impl #auth::__private::User for #user {
            fn id(&self) -> ::std::string::String { ::core::unreachable!() }
            fn username(&self) -> &str { ::core::unreachable!() }
            fn is_active(&self) -> bool { ::core::unreachable!() }
        }
        impl #auth::__private::BaseUser for #user {
            type PrimaryKey = ::std::string::String;
            type Hasher = #auth::__private::DefaultHasher;
            fn get_username_field() -> &'static str { ::core::unreachable!() }
            fn primary_key(&self) -> &Self::PrimaryKey { ::core::unreachable!() }
            fn password_hash(&self) -> &#auth::__private::PasswordHash { ::core::unreachable!() }
            fn set_password_hash(&mut self, _: #auth::__private::PasswordHash) { ::core::unreachable!() }
            fn last_login(&self) -> ::core::option::Option<#auth::__private::Time> { ::core::unreachable!() }
            fn set_last_login(&mut self, _: #auth::__private::Time) { ::core::unreachable!() }
        }
        impl #auth::__private::FullUser for #user {
            fn email(&self) -> &str { ::core::unreachable!() }
            fn first_name(&self) -> &str { ::core::unreachable!() }
            fn last_name(&self) -> &str { ::core::unreachable!() }
            fn date_joined(&self) -> #auth::__private::Time { ::core::unreachable!() }
        }
        impl #auth::__private::PermissionsMixin for #user {
            fn user_permissions(&self) -> &[::std::string::String] { ::core::unreachable!() }
            fn groups(&self) -> &[::std::string::String] { ::core::unreachable!() }
        }
        impl #auth::__private::Model for #user {
            const TABLE: &'static str = "";
            const COLUMNS: &'static [#auth::__private::Column] = &[];
            fn values(&self) -> ::core::result::Result<
                ::std::vec::Vec<#auth::__private::Value>,
                #auth::__private::ColumnError,
            > { ::core::unreachable!() }
            fn from_row(_: &dyn #auth::__private::Row) -> ::core::result::Result<
                Self,
                #auth::__private::ColumnError,
            > { ::core::unreachable!() }
        }
        impl #auth::__private::UserModel for #user {
            fn set_primary_key(&mut self, _: Self::PrimaryKey) { ::core::unreachable!() }
            fn set_username(&mut self, _: ::std::string::String) { ::core::unreachable!() }
        }
    }
}
