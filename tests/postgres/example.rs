//! The example that loads a file: what it prints, with a server and without one.

use std::{
    env,
    process::{Command, Output},
};

use crate::server::{Scratch, url};

/// Cargo is asked to run it, so that it is never an old one; it was built with the tests.
fn run(url: Option<&str>, arguments: &[&str]) -> Output {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["run", "--quiet", "--locked", "--all-features"]);
    cargo.args((!cfg!(debug_assertions)).then_some("--release")).args(["--example", "load_postgres", "--"]);
    match url {
        Some(url) => cargo.env("DK_POSTGRES_URL", url),
        None => cargo.env_remove("DK_POSTGRES_URL"),
    };
    cargo.args(arguments).output().expect("cargo runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("an example prints text")
}

#[test]
fn load_postgres_loads_a_file_and_asks_questions_of_it() {
    let scratch = Scratch::new();
    let url = format!("{}?schema={}", url(), scratch.name);
    let done = run(Some(&url), &[]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let mut lines = text(&done.stdout).lines();
    for wanted in [
        "100000 readings in the store",
        "  north  50",
        "  west   48",
        "   -19.99 °C  west (reading 347)",
        "How PostgreSQL is asked:",
    ] {
        assert!(lines.any(|line| line == wanted), "`{wanted}` is missing in:\n{}", text(&done.stdout));
    }
}

#[test]
fn load_postgres_tells_of_the_rows_that_it_refuses() {
    let scratch = Scratch::new();
    let url = format!("{}?schema={}", url(), scratch.name);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("readings.csv");
    std::fs::write(&path, "number,station,centidegrees\n1,north,-150\n1,south,3\nx,east,\n2,west,\n").expect("a file");
    let done = run(Some(&url), &[path.to_str().expect("a path of text")]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(text(&done.stdout).starts_with("2 readings in the store\n"), "{}", text(&done.stdout));
    assert_eq!(text(&done.stderr).matches("refused: ").count(), 2, "{}", text(&done.stderr));
}

#[test]
fn load_postgres_says_what_it_needs() {
    let without = run(None, &[]);
    assert_eq!(without.status.code(), Some(2));
    assert!(without.stdout.is_empty());
    assert!(text(&without.stderr).contains("set DK_POSTGRES_URL"), "{}", text(&without.stderr));
    let closed = run(Some("postgres://app:secret@127.0.0.1:1/test"), &[]);
    assert_eq!(closed.status.code(), Some(1));
    let said = text(&closed.stderr);
    assert!(said.contains("refused") && !said.contains("secret"), "{said}");
}
