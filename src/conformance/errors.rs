//! Semantics 7: errors, and inputs that are meant to break things.

use super::{Suite, matching, refused};
use crate::{
    document,
    error::{ErrorKind, Result},
    query::{Cursor, Filter, Key, Query, meta},
    record::{Changes, Document, Draft, FieldDef, Path, Schema, Type},
    store::{Database, Store},
    value::Value,
};

/// Kind, store, id and field, as far as each is known.
pub fn semantics_7_1_an_error_says_what_and_where<D: Database>(suite: &Suite<D>) -> Result<()> {
    let name = suite.fresh_name();
    let store = suite.database.documents(&name, super::people())?;
    store.create(Draft::of(document! { "name" => "ann" }).id("ann")?)?;
    let failures = [
        (store.create(Draft::of(document! { "name" => "x" }).id("ann")?).map(drop), ErrorKind::AlreadyExists, None),
        (store.update("bob", document! { "name" => "x" }).map(drop), ErrorKind::NotFound, None),
        (store.create(document! { "name" => "x", "score" => f64::NAN }).map(drop), ErrorKind::Invalid, Some("score")),
        (store.patch("ann", Changes::set("age", "x")).map(drop), ErrorKind::Invalid, Some("age")),
        (store.patch("ann", Changes::set("agee", 1)).map(drop), ErrorKind::Query, Some("agee")),
        (store.search(Query::new().sort(Key::asc("agee"))).map(drop), ErrorKind::Query, Some("agee")),
    ];
    for (result, kind, field) in failures {
        let Err(error) = result else { panic!("a {kind:?} was expected") };
        let place = error.place();
        assert_eq!((error.kind(), place.field.as_deref()), (kind, field), "{error}");
        assert_eq!(place.store.as_deref(), Some(name.as_str()), "{error:?} should name the store");
        assert!(!error.is_retryable() && !error.message().is_empty(), "{error:?}");
    }
    Ok(())
}

/// Texts that break quoting, encodings, parsers and terminals somewhere.
const NAUGHTY: [&str; 24] = [
    "'",
    "\"",
    "';--",
    "' or '1'='1",
    "\\",
    "\\'",
    "%s%n",
    "${jndi:x}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "$(reboot)",
    "`id`",
    "\u{202e}",
    "\u{feff}",
    "\u{fffe}",
    "Z\u{335}a\u{301}",
    "👩‍👩‍👧‍👦",
    "ﷺ",
    "İ",
    "true",
    "NaN",
    "\r\nX: y",
    "{\"$gt\":\"\"}",
];

/// As value, as id, in predicates, in patterns, as names of fields and of metadata.
pub fn semantics_7_4_naughty_texts_are_only_texts<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.open_store()?;
    let fit_for_ids = |text: &&str| !text.contains(char::is_control);
    for text in NAUGHTY {
        let document = document! { "v" => text, text => text, "list" => Value::List(vec![text.into()]) };
        let draft = Draft::of(&document).meta(text, text);
        let draft = if fit_for_ids(&text) { draft.id(text)? } else { draft };
        let id = store.create(draft)?.id;
        assert_eq!(store.read(&id)?.map(|row| row.record), Some(document), "{text:?}");
        let field = || Path::field(text);
        let filters = [
            Filter::eq("v", text),
            Filter::is_in("v", [text, "other"]),
            Filter::eq(field(), text),
            Filter::is_null(field()).not(),
            Filter::starts_with("v", text),
            Filter::contains("list", text),
            Filter::between("v", text, text),
        ];
        for filter in filters {
            assert!(matching(&store, filter.clone(), "v")?.iter().any(|found| found == text), "{filter:?}");
        }
        assert_eq!(store.count(meta(text).eq(text))?, 1, "metadata {text:?}");
        let first = store.first(Query::new().sort(Key::asc(field())))?;
        assert_eq!(first.map(|row| row.record["v"].clone()), Some(text.into()), "nulls are last by {text:?}");
        store.patch(&id, Changes::set(field(), Value::Null).and(meta(text).set(Value::Null)))?;
        assert_eq!(store.count(meta(text).not_null())?, 0);
    }
    for text in NAUGHTY {
        // As a pattern a text may be anything, and is either refused or matched.
        let bound = Filter::like("v", text, true).bind::<Document>(store.schema());
        if let Ok(bound) = bound {
            store.count(bound)?;
        }
    }
    assert_eq!(store.count(Query::new())?, NAUGHTY.len() as u64);
    Ok(())
}

/// Whatever the texts, of which a test brings many: as value, as id where one may be, as metadata, in predicates.
///
/// # Errors
/// What the store reports and should not.
pub fn any_text_is_only_text<D: Database>(suite: &Suite<D>, texts: &[String]) -> Result<()> {
    let store = suite.store(super::people())?;
    let texts: std::collections::BTreeSet<&String> = texts.iter().filter(|text| !text.contains('\0')).collect();
    let draft = |text: &&String| {
        let draft =
            Draft::of(document! { "name" => text.as_str(), "city" => text.to_uppercase() }).meta("text", text.as_str());
        if crate::Id::new(text).is_ok() { draft.id(text.as_str()) } else { Ok(draft) }
    };
    let drafts = texts.iter().map(draft).collect::<Result<Vec<_>>>()?;
    let outcomes = store.create_batch(drafts)?;
    let ids = outcomes.into_iter().map(|outcome| outcome.map(|w| w.id)).collect::<Result<Vec<_>>>()?;
    for (text, row) in texts.iter().zip(store.read_batch(&ids)?) {
        let Some(row) = row else { panic!("{text:?} is gone") };
        assert_eq!(
            (row.record["name"].as_text(), row.envelope.metadata().get("text")),
            (Some(text.as_str()), Some(&serde_json::json!(text)))
        );
        if crate::Id::new(text).is_ok() {
            assert_eq!(row.storage_id().to_string(), **text);
        }
    }
    let escaped = |text: &str| {
        text.chars()
            .fold(String::new(), |p, c| if matches!(c, '%' | '_' | '\\') { p + "\\" } else { p } + &c.to_string())
    };
    for text in &texts {
        let one = [
            Filter::eq("name", text.as_str()),
            Filter::is_in("name", [text.as_str()]),
            Filter::like("name", escaped(text), false),
            Filter::between("name", text.as_str(), text.as_str()),
            Filter::eq(Path::field("_metadata").then("text"), text.as_str()),
        ];
        for filter in one {
            assert_eq!(matching(&store, filter.clone(), "name")?, [text.as_str()], "{filter:?}");
        }
        let part: String = text.chars().take(5).collect();
        let (begins, holds) = (Filter::starts_with("name", part.as_str()), Filter::contains("name", part.as_str()));
        let begin = texts.iter().filter(|t| t.starts_with(&part)).count();
        let hold = texts.iter().filter(|t| t.contains(&part)).count();
        assert_eq!(store.count(begins.bind::<Document>(store.schema())?)?, begin as u64, "{part:?}");
        assert_eq!(store.count(holds.bind::<Document>(store.schema())?)?, hold as u64, "{part:?}");
    }
    let sorted = store.search(Query::new().sort(Key::asc("name")))?;
    assert!(
        sorted.iter().map(|row| row.record["name"].as_text()).eq(texts.iter().map(|text| Some(text.as_str()))),
        "by bytes"
    );
    Ok(())
}

/// A filter 10,000 deep, a list of 100,000, a path of 1,000, a cursor of anything: an answer or a refusal, at once.
pub fn semantics_7_4_nothing_panics_or_hangs<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.open_store()?;
    store.create(document! { "v" => 1 })?;
    let deep = (0..10_000).fold(Filter::eq("v", 1), |f, n| match n % 2 {
        0 => f.and_also(Filter::ne("w", n)).not(),
        _ => f.or_else(Filter::ne("w", n)),
    });
    refused(deep.bind::<Document>(store.schema()), ErrorKind::Query, "a filter of 10,000 levels");
    let wide = Filter::is_in("v", 0..100_000).bind::<Document>(store.schema())?;
    assert_eq!(store.count(wide)?, 1);
    let long = vec!["a"; 1_000].join(".");
    refused(long.parse::<Path>(), ErrorKind::Query, "a path of 1,000 segments");
    for text in NAUGHTY {
        refused(text.parse::<Cursor>(), ErrorKind::Query, text);
    }
    let lists = |levels| (1..levels).fold(Value::List(vec![1.into()]), |inner, _| Value::List(vec![inner]));
    let records = |levels| (1..levels).fold(document! { "v" => 1 }, |inner, _| document! { "v" => inner });
    for (held, too_deep) in [
        (document! { "v" => lists(50) }, document! { "v" => lists(51) }),
        (records(51), records(52)),
        (records(9), records(2_000)),
    ] {
        let id = store.create(&held)?.id;
        assert_eq!(store.read(&id)?.map(|row| row.record), Some(held));
        refused(store.create(&too_deep), ErrorKind::Invalid, "a record of many levels");
    }
    Ok(())
}

/// Names outside the rule, and schemas that no store can keep, are refused before anything is made.
pub fn semantics_8_4_store_names<D: Database>(suite: &Suite<D>) -> Result<()> {
    for good in ["a", "a-b_c9", &format!("c{}", "x".repeat(62))] {
        suite.database.documents(good, Schema::open("good")).map(drop)?;
    }
    let long = "x".repeat(64);
    for bad in ["", "A", "1a", "_a", "-a", "a b", "a.b", "a/b", "é", "a\0", "../a", "a;drop", &long] {
        refused(suite.database.documents(bad, Schema::open("bad")).map(drop), ErrorKind::Configuration, bad);
    }
    let bad = [
        Schema::new("bad").field(FieldDef::new("", Type::Text)),
        Schema::new("bad").field(FieldDef::new("_id", Type::Text)),
        Schema::new("bad").field(FieldDef::new("a", Type::Text)).field(FieldDef::new("a", Type::I64)),
        Schema::new("bad").field(FieldDef::new("a", Type::F64).id()),
    ];
    for schema in bad {
        refused(suite.store(schema.clone()).map(drop), ErrorKind::Configuration, schema);
    }
    Ok(())
}

/// What is in one is in no other.
pub fn semantics_8_4_stores_are_kept_apart<D: Database>(suite: &Suite<D>) -> Result<()> {
    let (a, b) = (suite.open_store()?, suite.open_store()?);
    a.create(Draft::of(document! { "in" => "a" }).id("same")?)?;
    b.create(Draft::of(document! { "in" => "b" }).id("same")?)?;
    b.update("same", document! { "in" => "b again" })?;
    assert_eq!(a.read("same")?.map(|row| row.record), Some(document! { "in" => "a" }));
    assert_eq!((b.clear()?, a.count(Query::new())?), (1, 1));
    Ok(())
}
