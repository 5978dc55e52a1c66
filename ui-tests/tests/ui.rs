//! What the macros accept and what they refuse, with the exact message.
//!
//! `TRYBUILD=overwrite cargo test -p auth-ui-tests` writes the messages anew; read each before it is kept.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.pass("*/pass/*.rs");
    cases.compile_fail("*/fail/*.rs");
}
