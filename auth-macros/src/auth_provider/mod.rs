//! `#[auth_provider]`: enters another party that people log in by in the registry.

use proc_macro2::TokenStream;

use crate::syntax::Provided;

const PROVIDED: Provided = Provided {
    example: "auth_provider(\"github\")",
    form: "fn provider(context: &Context) -> Result<impl AuthProvider, auth::Error>",
    entry: "AuthProviderEntry",
};

pub(crate) fn run(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    PROVIDED.run(arguments, item)
}
