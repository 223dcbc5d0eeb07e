//! JSON as bytes and tokens.
