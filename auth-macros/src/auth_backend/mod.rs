//! `#[auth_backend]`: enters a way to recognise users in the registry.

use proc_macro2::TokenStream;

use crate::syntax::Provided;

const PROVIDED: Provided = Provided {
    example: "auth_backend(\"ldap\")",
    form: "fn backend(context: &Context) -> Result<impl AuthBackend, auth::Error>",
    entry: "AuthBackendEntry",
};

pub(crate) fn run(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    PROVIDED.run(arguments, item)
}
