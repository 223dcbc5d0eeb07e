//! Semantics 1: identity and metadata.

use jiff::Timestamp;
use serde_json::json;

use super::{Suite, refused, texts};
use crate::{
    document,
    error::{ErrorKind, Result},
    id::Id,
    query::{Key, Query, created_at, id, meta, updated_at},
    record::{Changes, Document, Draft, FieldDef, Metadata, Path, Schema, Type},
    store::{Database, Store},
    value::Value,
};

/// Texts that are ids, each another one, and each a trap for somebody.
fn legal() -> Vec<String> {
    let short = [
        "a",
        "A",
        "a/b",
        "a/",
        "/a",
        "//",
        ".",
        "..",
        "../..",
        "a b",
        " a",
        "a ",
        "%2F",
        "%",
        "_",
        "'",
        "\"",
        "\"q\"",
        "'; drop table x; --",
        "\\",
        "\\\\x",
        "?q=1&r=2#f",
        "*",
        "null",
        "NULL",
        "0",
        "42",
        "042",
        "-1",
        "1e3",
        "true",
        "日本語",
        "é",
        "e\u{301}",
        "💣",
        "\u{fffd}",
        "\u{202e}rtl",
        "a.b",
        "{}",
        "[1]",
        "$1",
        "a:b",
        "<a>",
        "a,b",
        "a;b",
        "018f0000-0000-7000-8000-000000000000",
        "018F0000-0000-7000-8000-00000000000A",
        "018f0000-0000-7000-8000-00000000000a",
        "18446744073709551615",
        "18446744073709551616",
        "_id",
        "_doc",
    ];
    short.into_iter().map(str::to_owned).chain(["a".repeat(512), "é".repeat(256)]).collect()
}

/// Texts that are no ids.
fn illegal() -> Vec<String> {
    let short = ["", "a\nb", "a\r", "\t", "\0", "a\0", "\u{7f}", "\u{85}"];
    short.into_iter().map(str::to_owned).chain(["a".repeat(513), "é".repeat(257)]).collect()
}

/// Slashes, quotes, spaces and all: stored, read, found, replaced and deleted, each without touching another.
pub fn semantics_1_1_ids_hold_any_text_of_up_to_512_bytes<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.open_store()?;
    let ids = legal();
    for text in &ids {
        let written = store.create(Draft::of(document! { "text" => text }).id(text)?)?;
        assert_eq!(written.id.to_string(), *text);
    }
    for text in &ids {
        let row = store.read(text)?.unwrap_or_else(|| panic!("{text:?} was not found"));
        assert_eq!((row.storage_id().to_string(), &row.record["text"]), (text.clone(), &Value::from(text)));
        assert_eq!(texts(&store, id().eq(text), "text")?, std::slice::from_ref(text), "found by `_id`");
        store.update(text, document! { "text" => text, "again" => true })?;
    }
    assert_eq!(store.count(Query::new())?, ids.len() as u64);
    for (deleted, text) in (1..).zip(&ids) {
        assert!(store.delete(text)?, "{text:?}");
        assert_eq!(store.read(text)?, None);
        assert_eq!(store.count(Query::new())?, ids.len() as u64 - deleted);
    }
    Ok(())
}

/// Before anything is sent.
pub fn semantics_1_1_other_ids_are_refused_by_every_verb<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.open_store()?;
    let record = || document! { "n" => 1 };
    for text in illegal() {
        refused(Draft::of(record()).id(&text), ErrorKind::Invalid, &text);
        refused(store.read(&text), ErrorKind::Invalid, &text);
        refused(store.read_with(&text, |_| ()), ErrorKind::Invalid, &text);
        refused(store.update(&text, record()), ErrorKind::Invalid, &text);
        refused(store.upsert(&text, record()), ErrorKind::Invalid, &text);
        refused(store.delete(&text), ErrorKind::Invalid, &text);
        refused(store.patch(&text, Changes::set("n", 2)), ErrorKind::Invalid, &text);
        refused(store.read_batch([&text]), ErrorKind::Invalid, &text);
    }
    assert_eq!(store.count(Query::new())?, 0);
    Ok(())
}

/// Version 7, lower case, hyphenated, each later one greater.
pub fn semantics_1_2_the_store_assigns_uuids_that_grow<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.open_store()?;
    let mut last = String::new();
    for n in 0..50 {
        let id = store.create(document! { "n" => n })?.id;
        let uuid = id.as_uuid().unwrap_or_else(|| panic!("{id} is no UUID"));
        assert_eq!((uuid.get_version_num(), uuid.hyphenated().to_string()), (7, id.to_string()));
        assert!(id.to_string() > last, "{id} after {last}");
        last = id.to_string();
    }
    let outcomes = store.create_batch((0..50).map(|n| document! { "n" => n }))?;
    let batch = outcomes.into_iter().map(|o| o.map(|w| w.id)).collect::<Result<Vec<Id>>>()?;
    assert!(batch.is_sorted() && batch[0].to_string() > last, "a batch is numbered in order");
    Ok(())
}

fn accounts() -> Schema {
    Schema::new("accounts")
        .field(FieldDef::new("email", Type::Text).id())
        .field(FieldDef::new("n", Type::I64).nullable())
}

/// The canonical text of the field is the id.
pub fn semantics_1_2_a_record_with_an_id_is_stored_under_it<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.store(accounts())?;
    assert_eq!(store.create(document! { "email" => "a@b", "n" => 1 })?.id.to_string(), "a@b");
    store.update("a@b", document! { "email" => "a@b", "n" => 2 })?;
    store.update_batch([document! { "email" => "a@b", "n" => 3 }])?.remove(0)?;
    assert_eq!(store.read("a@b")?.map(|r| r.record["n"].clone()), Some(Value::Int(3)));
    refused(store.create(document! { "email" => "a@b" }), ErrorKind::AlreadyExists, "the id is taken");
    refused(store.create(document! { "n" => 1 }), ErrorKind::Invalid, "an id that is null");
    refused(store.create(document! { "email" => "" }), ErrorKind::Invalid, "an id that is empty");
    refused(store.create(document! { "email" => "a\nb" }), ErrorKind::Invalid, "an id with a line break");
    Ok(())
}

/// Nor be moved to another by a patch.
pub fn semantics_1_2_a_record_with_an_id_cannot_be_stored_under_another<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.store(accounts())?;
    let ann = || document! { "email" => "ann" };
    refused(store.create(Draft::of(ann()).id("bob")?), ErrorKind::Invalid, "create under another id");
    store.create(ann())?;
    store.create(document! { "email" => "bob", "n" => 1 })?;
    refused(store.update("bob", ann()), ErrorKind::Invalid, "update under another id");
    refused(store.upsert("bob", ann()), ErrorKind::Invalid, "upsert under another id");
    refused(store.patch("ann", Changes::set("email", "bob")), ErrorKind::Unsupported, "a patch of the id");
    assert_eq!(store.read("bob")?.map(|r| r.record["n"].clone()), Some(Value::Int(1)));
    Ok(())
}

/// 9 before 10, and numbers below zero before all.
pub fn semantics_1_3_integer_ids_order_by_number<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.store(Schema::new("numbers").field(FieldDef::new("n", Type::I64).id()))?;
    let numbers = [10, 9, -1, 100, -10, i64::MAX, i64::MIN, 0];
    store.create_batch(numbers.map(|n| document! { "n" => n }))?.into_iter().try_for_each(|o| o.map(drop))?;
    let ids = |query: Query<Document>| -> Result<Vec<i128>> {
        Ok(store.search(query)?.iter().filter_map(|r| r.record["n"].as_int()).collect())
    };
    let mut sorted = numbers.map(i128::from);
    sorted.sort_unstable();
    assert_eq!(ids(Query::new().limit(100))?, sorted);
    sorted.reverse();
    assert_eq!(ids(Query::new().sort(id().desc()))?, sorted);
    Ok(())
}

/// By UTF-8 bytes: 10 before 9, `Z` before `a`, `é` after `z`.
pub fn semantics_1_3_text_ids_order_by_bytes<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.open_store()?;
    let mut ids = ["z", "9", "10", "é", "Z", "a", "a b", "a/b", "-1", "\u{ffff}", "\u{10000}", "42"];
    for text in ids {
        store.create(Draft::of(document! { "text" => text }).id(text)?)?;
    }
    ids.sort_unstable();
    assert_eq!(texts(&store, Query::new().limit(100), "text")?, ids);
    Ok(())
}

/// Neither its fields nor their finest digits.
pub fn semantics_1_4_storing_never_changes_the_callers_record<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.open_store()?;
    let moment: jiff::Timestamp = jiff::Timestamp::new(1, 123_456_789).expect("it is in range");
    let record = document! { "at" => moment, "zero" => -0.0 };
    let before = record.clone();
    let id = store.create(&record)?.id;
    store.upsert(&id, &record)?;
    assert_eq!(record, before);
    assert!(record["zero"].as_float().is_some_and(f64::is_sign_negative));
    assert_ne!(store.read(&id)?.map(|r| r.record), Some(before), "the stored one is cut");
    Ok(())
}

/// Id, version, times and metadata; the record has none of them.
pub fn semantics_1_4_what_the_store_adds_comes_back_in_the_envelope<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.open_store()?;
    let record = document! { "id" => "mine", "version" => 7, "created_at" => "never" };
    let written = store.create(Draft::of(&record).meta("source", "form"))?;
    let Some(row) = store.read(&written.id)? else { panic!("what was written is there") };
    assert_eq!(row.record, record);
    assert_eq!((row.envelope.id(), row.envelope.version()), (&written.id, written.version.as_ref()));
    assert_eq!(row.envelope.version().is_some(), suite.supports.versions);
    assert_eq!(row.envelope.metadata().get("source"), Some(&json!("form")));
    assert!(row.envelope.created_at().is_some() && row.envelope.created_at() == row.envelope.updated_at());
    Ok(())
}

/// `meta("source").eq("csv")`, with the rules of open documents; names may hold anything.
pub fn semantics_1_5_metadata_is_filtered_and_sorted_on<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let names = ["rows", "a.b", "a\"b", "ünï", "$x", "_id", "'; --"];
    for (name, rows) in [("ann", Some(10)), ("bob", Some(9)), ("cid", None)] {
        let draft = Draft::of(document! { "name" => name }).meta("who", name);
        store.create(names.iter().filter_map(|n| Some((*n, rows?))).fold(draft, |d, (n, rows)| d.meta(n, rows)))?;
    }
    for name in names {
        let ordered = Query::new().sort(meta(name).asc());
        assert_eq!(texts(&store, ordered, "name")?, ["bob", "ann", "cid"], "by {name}");
        assert_eq!(texts(&store, meta(name).ge(10), "name")?, ["ann"], "{name} >= 10");
        assert_eq!(texts(&store, meta(name).is_null(), "name")?, ["cid"], "{name} is null");
        assert_eq!(store.count(meta(name).ne(9))?, 2, "{name} != 9 is true of null");
        assert_eq!(store.count(meta(name).eq("10"))?, 0, "a number is no text");
    }
    assert_eq!(texts(&store, meta("who").starts_with("a"), "name")?, ["ann"]);
    assert_eq!(texts(&store, meta("who").is_in(["bob", "x"]), "name")?, ["bob"]);
    Ok(())
}

/// Id, times and metadata under every operator, as fields are.
pub fn semantics_1_5_the_envelope_is_asked_like_fields<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let moment = |second: i64| Timestamp::from_second(second).expect("the tests keep to the range of timestamps");
    let drafts = [("ann", 1_000, 9_000), ("bob", 2_000, 8_000), ("cid", 3_000, 7_000)];
    for (name, created, updated) in drafts {
        let draft = Draft::of(document! { "name" => name }).id(format!("id-{name}"))?;
        let draft = if name == "cid" { draft } else { draft.meta("who", name.to_uppercase()) };
        store.create(draft.times(Some(moment(created)), Some(moment(updated))))?;
    }
    let (early, late) = (moment(1_500), moment(2_500));
    let asked = [
        (created_at().gt(early), vec!["bob", "cid"]),
        (created_at().le(moment(2_000)), vec!["ann", "bob"]),
        (created_at().between(early, late), vec!["bob"]),
        (created_at().not_between(early, late), vec!["ann", "cid"]),
        (updated_at().lt(moment(8_000)), vec!["cid"]),
        (updated_at().ge(moment(8_000)), vec!["ann", "bob"]),
        (updated_at().eq(moment(9_000)), vec!["ann"]),
        (updated_at().ne(moment(9_000)), vec!["bob", "cid"]),
        (updated_at().not_in([moment(9_000), moment(7_000)]), vec!["bob"]),
        (id().like("id-%n"), vec!["ann"]),
        (id().not_like("id-%n"), vec!["bob", "cid"]),
        (id().is_in(["id-bob", "id-nobody"]), vec!["bob"]),
        (id().ends_with("d"), vec!["cid"]),
        (meta("who").contains("N"), vec!["ann"]),
        (meta("who").ilike("%b"), vec!["bob"]),
        (meta("who").ends_with("B"), vec!["bob"]),
        (meta("who").gt("ANN"), vec!["bob"]),
        (meta("who").lt("BOB"), vec!["ann"]),
        (meta("who").not_like("A%"), vec!["bob", "cid"]),
        (meta("who").not_in(["ANN"]), vec!["bob", "cid"]),
        (meta("who").not_between("A", "AZ"), vec!["bob", "cid"]),
        (meta("who").not_null(), vec!["ann", "bob"]),
    ];
    for (predicate, names) in asked {
        assert_eq!(
            texts(&store, Query::new().filter(predicate.clone()).sort(Key::asc("name")), "name")?,
            names,
            "{predicate:?}"
        );
        assert_eq!(store.count(!predicate)?, 3 - names.len() as u64);
    }
    assert_eq!(texts(&store, Query::new().sort(updated_at().asc()), "name")?, ["cid", "bob", "ann"]);
    assert_eq!(texts(&store, Query::new().sort(created_at().asc()), "name")?, ["ann", "bob", "cid"]);
    Ok(())
}

/// An update that says nothing of metadata keeps it; one that does replaces all of it.
pub fn semantics_1_5_metadata_is_kept_unless_a_draft_brings_some<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let ann = || document! { "name" => "ann" };
    let id = store.create(Draft::of(ann()).meta("a", 1).meta("b", json!({ "deep": [1, null, "x"] })))?.id;
    let metadata = || Ok::<_, crate::Error>(store.read(&id)?.map(|r| r.envelope.metadata().clone()));
    let first: Metadata = [("a", json!(1)), ("b", json!({ "deep": [1, null, "x"] }))].into_iter().collect();
    store.update(&id, ann())?;
    store.upsert(&id, ann())?;
    store.patch(&id, Changes::set("age", 3))?;
    assert_eq!(metadata()?, Some(first));
    store.update(&id, Draft::of(ann()).meta("c", true))?;
    assert_eq!(metadata()?, Some([("c", json!(true))].into_iter().collect()));
    store.upsert(&id, Draft::of(ann()).metadata(Metadata::new()))?;
    assert_eq!(metadata()?, Some(Metadata::new()), "a draft that brings none of it on purpose");
    Ok(())
}

/// `_metadata.<name>` in a patch; null takes the name out.
pub fn semantics_1_5_metadata_changes_without_the_record<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let ann = document! { "name" => "ann", "age" => 40 };
    let id = store.create(Draft::of(&ann).meta("rows", 1).meta("gone", 1))?.id;
    let path = |name: &'static str| Path::field("_metadata").then(name);
    let changes =
        meta("source").set("csv").and(Changes::add(path("rows"), 2)).and(Changes::set(path("gone"), Value::Null));
    store.patch(&id, changes)?;
    let Some(row) = store.read(&id)? else { panic!("a patch deleted the record") };
    let after: Metadata = [("source", json!("csv")), ("rows", json!(3))].into_iter().collect();
    assert_eq!((row.record, row.envelope.metadata()), (ann, &after));
    Ok(())
}

/// Names of 1 to 128 bytes, 64 KiB in all.
pub fn semantics_1_5_metadata_has_limits<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let ann = || Draft::of(document! { "name" => "ann" });
    let fits = ann().meta("n".repeat(128), 1).meta("text", "x".repeat(60_000));
    let id = store.create(fits.by_ref())?.id;
    assert_eq!(store.read(&id)?.map(|r| r.envelope.metadata().clone()).as_ref(), fits.given_metadata());
    let too_much = [
        ann().meta("", 1),
        ann().meta("n".repeat(129), 1),
        ann().meta("a\0", 1),
        ann().meta("text", "a\0b"),
        ann().meta("text", "x".repeat(64 * 1024)),
    ];
    for draft in too_much {
        refused(store.create(draft.by_ref()), ErrorKind::Invalid, &draft);
        refused(store.update(&id, draft), ErrorKind::Invalid, "update with the same");
    }
    refused(store.patch(&id, meta("text").set("x".repeat(64 * 1024))), ErrorKind::Invalid, "a patch beyond the limit");
    assert_eq!(store.count(Query::new())?, 1);
    Ok(())
}
