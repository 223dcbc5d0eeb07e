//! What the compiler says after a mistake: one message, at the token that is wrong, that says what to write instead.
//!
//! A changed message is reviewed, then taken over with `TRYBUILD=overwrite`.

#[test]
fn every_mistake_has_a_message_that_says_what_to_write() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    cases.pass("tests/ui/pass/*.rs");
}
