//! Every example that needs no server is a program that is run here, and whose output is checked.

use std::{env, process::Command};

/// What an example prints. Cargo is asked to run it, so that it is never an old one; it was built with the tests.
#[track_caller]
fn output(name: &str, arguments: &[&str]) -> String {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["run", "--quiet", "--locked", "--example", name]);
    // The same features and profile as the tests, so that nothing is built twice.
    cargo.args(cfg!(feature = "conformance").then_some("--all-features"));
    cargo.args((!cfg!(debug_assertions)).then_some("--release"));
    let output = cargo.arg("--").args(arguments).output().expect("cargo runs");
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("an example prints text")
}

/// Fails unless all these lines are printed, in this order.
#[track_caller]
fn assert_lines(output: &str, wanted: &[&str]) {
    let mut lines = output.lines();
    for line in wanted {
        assert!(lines.any(|printed| printed == *line), "`{line}` is missing, or not in its place, in:\n{output}");
    }
}

#[test]
fn elements_shows_a_table_an_aggregate_and_json() {
    assert_lines(
        &output("elements", &[]),
        &[
            "118 elements in the store",
            "      80  Hg      Mercury        234.321        629.769",
            "      35  Br      Bromine         265.95         331.95",
            "  Os      Osmium      22.587",
            "  Iodine          1811",
            "       6        32         1735       222                    1.58",
            "The first noble gases as JSON:",
            r#"{"symbol":"He","number":2,"name":"Helium","group":18,"period":1,"category":"noble gas","atomic_mass":4.0026,"density":0.0001785,"boiling_point":4.222,"discovered":1868,"discovered_by":"Pierre Janssen, Norman Lockyer"}"#,
        ],
    );
}

#[test]
fn elements_reads_any_csv_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("places.csv");
    std::fs::write(&path, "name,code\n\"Oslo, Norway\",02\nBergen,\n").expect("a file");
    let printed = output("elements", &[path.to_str().expect("a path of text")]);
    assert_lines(&printed, &["2 rows in the store, 0 refused", "  name: 2", "  code: 1"]);
    assert!(printed.contains(r#"{"name":"Oslo, Norway","code":"02"}"#), "{printed}");
}

#[test]
fn own_predicate_finds_what_no_operator_can() {
    assert_lines(
        &output("own_predicate", &[]),
        &[
            "within 500 km of Oslo: Bergen, Stockholm",
            "not within 500 km: Atlantis, Lisbon",
            "short names: 3",
            "within a budget: 3",
        ],
    );
}

#[test]
fn transfer_money_moves_all_or_nothing() {
    assert_lines(
        &output("transfer_money", &[]),
        &[
            "after the transfer:  ann 7000, bo 3000",
            "to nobody:           not found",
            "after two failures:  ann 7000, bo 3000",
            "after ten at once:   ann 6000, bo 4000",
        ],
    );
}
