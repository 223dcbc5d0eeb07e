//! The house rules that a program can check, read off the source tree as text.
//!
//! Each rule is a pure function from sources to findings, run twice: on the tree, where it must find nothing, and on a bad snippet,
//! where it must find something. Rules that rustc or clippy know (unsafe code, missing docs) are theirs.

#[path = "tidy/source.rs"]
mod source;

use std::{collections::BTreeMap, fs};

use source::{Source, block_end, is_word, line_of, lines_with, root};

/// What the top level may hold besides dot-files.
const TOP: &[&str] =
    &["Cargo.toml", "Cargo.lock", "README.md", "src", "dk-derive", "tests", "benches", "examples", "target"];

/// The modules of `src` from the ground up: one names only modules of rows above its own, and its neighbours in the row.
const MODULES: &[&[&str]] = &[
    &["id"],
    &["version"],
    &["number"],
    &["like"],
    &["error"],
    // What a record is and how it is asked for are one thing seen from two sides: a document holds values, the type of a
    // field says what its handle can do, and a predicate says what an engine must be capable of.
    &["value", "value_json", "record", "query", "capability"],
    &["store"],
    &["validate"],
    &["format"],
    &["http"],
    &["backend"],
    &["layer"],
    &["any"],
    &["transfer"],
    &["conformance"],
    &["docs"],
    // The first page stands on everything.
    &["lib"],
];

/// The one place that may name a trait object: the standard library's own signature for a cause, and the box that holds a cause
/// that no variant knows.
const DYN_ALLOWED: (&str, [&str; 2]) =
    ("src/error.rs", ["Option<&(dyn std::error::Error + 'static)>", "Box<dyn std::error::Error + Send + Sync>"]);

/// Macros that leave work undone or write to a terminal that is not ours.
const MACROS_REFUSED: [&str; 7] = ["todo!", "unimplemented!", "dbg!", "print!", "println!", "eprint!", "eprintln!"];

/// The longest function allowed in `src`, in lines from `fn` to the closing brace.
const FUNCTION_LINES_MAX: usize = 80;

/// What a rule found, one line each: place and reason.
type Findings = Vec<String>;

fn finding(source: &Source, line: usize, what: &str) -> String {
    format!("{}:{line}: {what}", source.path)
}

/// Fails with all findings at once, so that one run shows all there is to do.
fn assert_none(findings: Findings) {
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// The sources of both crates, as shipped.
fn crates() -> Vec<Source> {
    let mut sources = Source::tree("src");
    sources.extend(Source::tree("dk-derive/src"));
    sources.retain(Source::is_rust);
    assert!(sources.len() > 1, "the tree was not found");
    sources
}

/// Everything that belongs to the project, of whatever kind.
fn everything() -> Vec<Source> {
    let folders = TOP.iter().filter(|name| **name != "target").copied();
    folders.chain([".ci", ".gitignore", ".rustfmt.toml"]).flat_map(Source::tree).collect()
}

// ---- no dyn, no unsafe, nothing undone

#[test]
fn there_is_no_dyn_but_the_boxed_cause() {
    assert_none(crates().iter().flat_map(dyn_used).collect());
}

fn dyn_used(source: &Source) -> Findings {
    let mut code = source.code.clone();
    if source.path == DYN_ALLOWED.0 {
        for allowed in DYN_ALLOWED.1 {
            code = code.replace(allowed, "");
        }
    }
    lines_with(&code, "dyn").into_iter().map(|line| finding(source, line, "`dyn`: be generic instead")).collect()
}

#[test]
fn a_dyn_is_found() {
    let boxed = "struct A(Box<dyn Fn()>);";
    let cause = "struct Cause(Box<dyn std::error::Error + Send + Sync>);";
    assert_eq!(dyn_used(&Source::new("src/error.rs", boxed)).len(), 1);
    assert_eq!(dyn_used(&Source::new("src/id.rs", cause)).len(), 1);
    assert_none(dyn_used(&Source::new("src/error.rs", cause)));
    assert_none(dyn_used(&Source::new("src/id.rs", "// no dyn here\nfn dynamic() {}")));
}

#[test]
fn there_is_no_unsafe_code() {
    assert_none(crates().iter().flat_map(unsafe_used).collect());
}

fn unsafe_used(source: &Source) -> Findings {
    lines_with(&source.code, "unsafe").into_iter().map(|line| finding(source, line, "`unsafe`")).collect()
}

#[test]
fn an_unsafe_block_is_found() {
    assert_eq!(unsafe_used(&Source::new("src/x.rs", "fn f() {\n    unsafe { g() }\n}")), ["src/x.rs:2: `unsafe`"]);
    assert_none(unsafe_used(&Source::new("src/lib.rs", "#![deny(unsafe_code)]")));
}

#[test]
fn nothing_is_left_undone_or_printed() {
    assert_none(crates().iter().flat_map(macros_refused).collect());
}

fn macros_refused(source: &Source) -> Findings {
    let lines =
        |name: &&str| lines_with(&source.code, name).into_iter().map(|line| finding(source, line, name)).collect();
    MACROS_REFUSED.iter().flat_map(|name| -> Findings { lines(name) }).collect()
}

#[test]
fn a_macro_that_prints_or_postpones_is_found() {
    assert_eq!(macros_refused(&Source::new("src/x.rs", "fn f() { todo!() }\nfn g() { std::println!(\"\") }")).len(), 2);
    assert_none(macros_refused(&Source::new("src/x.rs", "/// println!(\"{}\", 1)\nfn f() { writeln!(w, \"dbg!\") }")));
}

// ---- what the tree holds

#[test]
fn the_top_level_holds_only_what_a_reader_needs() {
    let names = fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_none(top_unknown(names));
}

fn top_unknown(names: impl Iterator<Item = String>) -> Findings {
    names.filter(|name| !name.starts_with('.') && !TOP.contains(&name.as_str())).collect()
}

#[test]
fn a_stray_file_at_the_top_is_found() {
    let names = ["Cargo.toml", ".gitignore", "notes.txt"].map(String::from);
    assert_eq!(top_unknown(names.into_iter()), ["notes.txt"]);
}

#[test]
fn every_file_says_what_it_is() {
    let rust = everything().into_iter().filter(Source::is_rust).filter(|source| !source.path.contains("/ui/"));
    assert_none(rust.filter_map(|source| undescribed(&source)).collect());
}

/// A file that is included into another one cannot begin with `//!`: it says what it is in a plain comment.
fn undescribed(source: &Source) -> Option<String> {
    let included = source.path.starts_with("benches/compile_cost/src/") && source.text.starts_with("// ");
    (!source.text.starts_with("//! ") && !included)
        .then(|| finding(source, 1, "a file begins with `//!` and says what it is"))
}

#[test]
fn a_file_without_a_description_is_found() {
    assert!(undescribed(&Source::new("src/x.rs", "use std::fs;")).is_some());
    assert!(undescribed(&Source::new("src/x.rs", "// What this is.")).is_some());
    assert!(undescribed(&Source::new("src/x.rs", "//! What this is.")).is_none());
}

#[test]
fn no_file_names_a_machine_or_a_private_registry() {
    assert_none(everything().iter().flat_map(private_places).collect());
}

/// Folders of one machine, and the ways to point cargo at another registry.
///
/// The needles are cut in two here, so that this file does not find itself.
fn private_places(source: &Source) -> Findings {
    let needles = [
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
        concat!("/wo", "rk/"),
        concat!("/t", "mp/"),
        concat!("C:", "\\"),
        concat!("spa", "rse+"),
        concat!("replace", "-with"),
        concat!("[sou", "rce."),
    ];
    let named = |line: &str| needles.iter().any(|needle| holds_place(line, needle)) || is_foreign_source(line);
    let lines = source.text.lines().enumerate().filter(|(_, line)| named(line));
    lines.map(|(at, line)| finding(source, at + 1, line.trim())).collect()
}

/// Whether `line` names the place itself, not a longer path or word that ends like it.
fn holds_place(line: &str, needle: &str) -> bool {
    line.match_indices(needle).any(|(at, _)| !line[..at].chars().next_back().is_some_and(|c| is_word(c) || c == '.'))
}

/// A line of `Cargo.lock` whose package does not come from the public registry.
fn is_foreign_source(line: &str) -> bool {
    const PUBLIC: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    line.starts_with("source = ") && line != PUBLIC
}

#[test]
fn a_machine_or_a_private_registry_is_found() {
    let bad = [
        concat!("let path = \"/ho", "me/ann/data\";"),
        concat!("# see /t", "mp/out"),
        "source = \"registry+https://mirror.example/index\"",
        concat!("replace", "-with = \"mirror\""),
    ];
    for line in bad {
        assert_eq!(private_places(&Source::new("x", line)).len(), 1, "{line}");
    }
    assert_none(private_places(&Source::new("x", concat!("GET /people/ho", "me/city"))));
}

// ---- arrows point down

#[test]
fn a_module_names_only_what_stands_above_it() {
    let sources: Vec<Source> = Source::tree("src").into_iter().filter(Source::is_rust).collect();
    let exports = exports(&sources);
    assert_none(sources.iter().flat_map(|source| arrows_up(source, &exports)).collect());
}

/// The module of `src` that a file belongs to.
fn module_of(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
}

/// The row of a module in [`MODULES`].
fn row(module: &str) -> Option<usize> {
    MODULES.iter().position(|row| row.contains(&module))
}

/// Which module each name comes from that `lib.rs` passes on with `pub use`.
fn exports(sources: &[Source]) -> BTreeMap<String, String> {
    let first_page = sources.iter().find(|source| source.path == "src/lib.rs");
    let code = first_page.map_or("", |source| source.code.as_str());
    let mut exports = BTreeMap::new();
    for (at, _) in code.match_indices("pub use ") {
        let item = &code[at + "pub use ".len()..block_end_of_use(code, at)];
        let module = item.trim_start_matches("crate::").split("::").next().unwrap_or("").trim().to_owned();
        let names = item.split(|c: char| !is_word(c)).filter(|name| !name.is_empty());
        exports.extend(names.map(|name| (name.to_owned(), module.clone())));
    }
    exports
}

fn block_end_of_use(code: &str, start: usize) -> usize {
    code[start..].find(';').map_or(code.len(), |length| start + length)
}

fn arrows_up(source: &Source, exports: &BTreeMap<String, String>) -> Findings {
    let module = module_of(&source.path);
    let Some(own) = row(module) else {
        return vec![finding(source, 1, "a module that the table in tests/it/tidy.rs does not know")];
    };
    let code = source.product_code();
    let used = used_roots(&code).into_iter();
    used.filter_map(|(line, name)| {
        let target = if row(&name).is_some() { &name } else { exports.get(&name)? };
        let upward = row(target)? > own;
        upward.then(|| finding(source, line, &format!("`{module}` names `{target}`, which stands below it")))
    })
    .collect()
}

/// The first segments that follow `crate::` in the code, those in braces too, each with its line.
fn used_roots(code: &str) -> Vec<(usize, String)> {
    let mut roots = Vec::new();
    for (at, found) in code.match_indices("crate::") {
        let line = line_of(code, at);
        let rest = &code[at + found.len()..];
        let segments = match rest.strip_prefix('{') {
            Some(group) => group_heads(group),
            None => vec![head(rest)],
        };
        roots.extend(segments.into_iter().map(|name| (line, name)));
    }
    roots
}

fn head(path: &str) -> String {
    path.trim_start().chars().take_while(|c| is_word(*c)).collect()
}

/// The heads of `a::b, c::{d, e}, f}…`: those outside inner braces.
fn group_heads(group: &str) -> Vec<String> {
    let mut heads = vec![head(group)];
    let mut depth = 1_usize;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => heads.push(head(&group[at + 1..])),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    heads.retain(|name| !name.is_empty());
    heads
}

#[test]
fn an_arrow_that_points_up_is_found() {
    let page = Source::new("src/lib.rs", "pub use store::{Store, Database};\npub use error::Error;");
    let exports = exports(&[page]);
    let up = |path, text| arrows_up(&Source::new(path, text), &exports).len();
    assert_eq!(up("src/id/mod.rs", "use crate::store::Store;"), 1);
    assert_eq!(up("src/store/mod.rs", "use crate::{error::{Error, Result}, layer::Cached, backend};"), 2);
    assert_eq!(up("src/id/mod.rs", "use crate::Store;"), 1, "through the first page, too");
    assert_eq!(up("src/gadget.rs", ""), 1, "every module has its place");
    assert_eq!(up("src/store/mod.rs", "use crate::{Error, id::Id, store::write};"), 0);
    assert_eq!(up("src/id/mod.rs", "#[cfg(test)]\nmod tests {\n    use crate::store::Store;\n}"), 0);
}

// ---- functions are short

#[test]
fn no_function_is_longer_than_a_screen() {
    let sources = crates();
    let mut lengths: Vec<usize> = sources.iter().flat_map(functions).map(|(_, _, length)| length).collect();
    lengths.sort_unstable();
    let quantile = |percent: usize| lengths.get(lengths.len() * percent / 100).copied().unwrap_or(0);
    println!("{} functions, lines: median {}, 90th percentile {}", lengths.len(), quantile(50), quantile(90));
    assert_none(sources.iter().flat_map(long_functions).collect());
}

fn long_functions(source: &Source) -> Findings {
    let long = functions(source).into_iter().filter(|(_, _, length)| *length > FUNCTION_LINES_MAX);
    long.map(|(line, name, length)| finding(source, line, &format!("`{name}` has {length} lines"))).collect()
}

/// The functions with a body: line, name and length in lines.
fn functions(source: &Source) -> Vec<(usize, String, usize)> {
    let code = &source.code;
    let starts = code.match_indices("fn ").filter(|(at, _)| !code[..*at].chars().next_back().is_some_and(is_word));
    starts
        .filter_map(|(at, _)| {
            let body = &code[at..block_end(code, at)?];
            let name = head(body[3..].trim_start_matches('$'));
            body.ends_with('}').then(|| (line_of(code, at), name, body.lines().count()))
        })
        .collect()
}

#[test]
fn a_long_function_is_found() {
    let long = format!(
        "fn short() -> [u8; 2] {{\n}}\nfn long() {{\n{}}}\ntrait T {{ fn none(&self); }}",
        "    x();\n".repeat(80)
    );
    let source = Source::new("src/x.rs", &long);
    assert_eq!(functions(&source).len(), 2);
    assert_eq!(long_functions(&source), ["src/x.rs:3: `long` has 82 lines"]);
}

// ---- every clause of the semantics has a test

#[test]
fn every_clause_has_a_test_that_is_named_after_it() {
    let page = include_str!("../../src/docs/semantics.md");
    let sources: Vec<_> = ["src", "tests"].into_iter().flat_map(Source::tree).filter(Source::is_rust).collect();
    assert!(clauses(page).count() > 60, "the page has its clauses");
    assert_none(untested(page, &sources));
}

/// The numbers of the clauses: `- **5.10** …`.
fn clauses(page: &str) -> impl Iterator<Item = &str> {
    page.lines().filter_map(|line| Some(line.strip_prefix("- **")?.split_once("**")?.0))
}

fn untested(page: &str, sources: &[Source]) -> Findings {
    let named = |clause: &&str| {
        let name = format!("fn semantics_{}_", clause.replace('.', "_"));
        !sources.iter().any(|source| source.code.contains(&name))
    };
    clauses(page).filter(named).map(|clause| format!("no test is named after semantics {clause}")).collect()
}

#[test]
fn a_clause_without_a_test_is_found() {
    let page = "- **1.1** Ids.\n  *Decided:* more.\n- **1.10** Others.\n";
    let sources = [Source::new("tests/x.rs", "#[test]\nfn semantics_1_10_others() {}")];
    assert_eq!(untested(page, &sources), ["no test is named after semantics 1.1"]);
}

// ---- the toy backend is what the page for authors of backends shows

#[test]
fn the_toy_backend_is_short_and_stands_on_the_page() {
    let toy = include_str!("../suite/toy.rs");
    let page = include_str!("../../src/docs/new_backend.md");
    assert!(toy.lines().count() < 150, "it has {} lines", toy.lines().count());
    let code: String = toy.lines().skip_while(|line| line.starts_with("//!")).map(|line| format!("{line}\n")).collect();
    assert!(page.contains(code.trim()), "the page shows another toy than tests/suite/toy.rs");
}
