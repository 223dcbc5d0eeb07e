#!/usr/bin/env python3
"""Writes the queries of this crate, `src/queries.rs` and `src/by_hand.rs`, and their record, `src/wide.rs`: run it and commit
what it wrote.

Each query is another type: three tests on other fields, joined in another way. One in two counts, the other gives records.
The same tests stand in the closures.
"""

from pathlib import Path

QUERIES = 200
FIELDS = [("i64", "int", 8), ("u32", "count", 6), ("f64", "rate", 6), ("String", "text", 10), ("Option<i64>", "maybe", 4),
          ("Option<String>", "note", 4), ("bool", "flag", 2)]
HERE = Path(__file__).parent / "src"
WRITTEN = "// Written by generate.py.\n\n"


def names(kind):
    return [f"{kind}_{i}" for _, name, count in FIELDS if name == kind for i in range(count)]


def number(k):
    kind = ["int", "count"][k % 2]
    field = names(kind)[k // 2 % len(names(kind))]
    low = k % 50
    return [
        (f"{field.upper()}.ge({low})", f"row.{field} >= {low}"),
        (f"{field.upper()}.lt({low})", f"row.{field} < {low}"),
        (f"{field.upper()}.between({low}, {low + 9})", f"({low}..={low + 9}).contains(&row.{field})"),
    ][k % 3]


def text(k):
    field = names("text")[k % len(names("text"))]
    return [
        (f'{field.upper()}.eq("a{k}")', f'row.{field} == "a{k}"'),
        (f'{field.upper()}.starts_with("b{k}")', f'row.{field}.starts_with("b{k}")'),
        (f'{field.upper()}.contains("c{k}")', f'row.{field}.contains("c{k}")'),
        (f'{field.upper()}.ne("d{k}")', f'row.{field} != "d{k}"'),
    ][k // 3 % 4]


def other(k):
    rate, maybe, note, flag = (names(kind)[k % len(names(kind))] for kind in ["rate", "maybe", "note", "flag"])
    return [
        (f"{rate.upper()}.gt({k}.5)", f"row.{rate} > {k}.5"),
        (f"{maybe.upper()}.is_null()", f"row.{maybe}.is_none()"),
        (f"{maybe.upper()}.gt({k})", f"row.{maybe}.is_some_and(|seen| seen > {k})"),
        (f'{note.upper()}.eq("n{k}")', f'row.{note}.as_deref() == Some("n{k}")'),
        (f"{flag.upper()}.eq(true)", f"row.{flag}"),
    ][k // 7 % 5]


def queries():
    for k in range(QUERIES):
        parts = [number(k), text(k), other(k)]
        parts = parts[k % 3:] + parts[:k % 3]
        first, second, third = (f"Wide::{typed}" for typed, _ in parts)
        a, b, c = (by_hand for _, by_hand in parts)
        joined = [(f"{first} & {second} & {third}", f"{a} && {b} && {c}"), (f"{first} & ({second} | {third})", f"{a} && ({b} || {c})")]
        yield k, *joined[k // 5 % 2]


def main():
    kinds = [(kind, name, f"{name}_{i}") for kind, name, count in FIELDS for i in range(count)]
    wide = "".join(f"            pub {field}: {kind},\n" for kind, _, field in kinds)
    head = "macro_rules! wide {\n    ($(#[$attribute:meta])*) => {\n        $(#[$attribute])*\n        pub struct Wide {\n"
    (HERE / "wide.rs").write_text(f"{WRITTEN}{head}{wide}        }}\n    }};\n}}\n")
    typed, closures, typed_calls, calls = WRITTEN, WRITTEN, "", ""
    for k, predicate, by_hand in queries():
        counts = k % 2 == 0
        body = f"store.count({predicate})" if counts else f"store.search(Wide::query().filter({predicate})).map(|rows| found(&rows))"
        typed += f"fn query_{k}(store: &WideStore) -> Result<u64> {{\n    {body}\n}}\n\n"
        kept = f"rows.iter().filter(|row| {by_hand})"
        body = f"{kept}.count() as u64" if counts else f"found(&{kept}.cloned().collect::<Vec<_>>())"
        closures += f"fn query_{k}(rows: &[Wide]) -> u64 {{\n    {body}\n}}\n\n"
        typed_calls += f"    sum += query_{k}(store)?;\n"
        calls += f"    sum += query_{k}(rows);\n"
    typed += f"fn all(store: &WideStore) -> Result<u64> {{\n    let mut sum = 0;\n{typed_calls}    Ok(sum)\n}}\n"
    closures += f"fn all(rows: &[Wide]) -> u64 {{\n    let mut sum = 0;\n{calls}    sum\n}}\n"
    (HERE / "queries.rs").write_text(typed)
    (HERE / "by_hand.rs").write_text(closures)


main()
