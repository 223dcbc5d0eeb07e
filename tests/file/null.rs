//! CSV files in which null has a spelling of its own.

use std::path::Path;

use dk_data::{
    AnyDatabase, Changes, Database, Document, Draft, ErrorKind, FieldDef, Filter, Key, Query, Schema, Store, Stored,
    Type, Value,
    backend::{
        file::{FileStore, Files, Options},
        memory::Memory,
    },
    document,
};

use crate::disk::Unsynced;

/// Nulls, empty cells, and texts that look like either, in fields of every sort.
const TEXT: &str = "name,age,home.city,home.zip,more\r\n\
                    NA,NA,NA,NA,NA\r\n\
                    \"NA\",40,Oslo,NA,\"NA\"\r\n\
                    ,,,,\r\n\
                    \"\",41,NA,,x\r\n\
                    na,,Rome,7,12\r\n\
                    Nan,42,\"NA\",8,\"12\"\r\n";

fn schema() -> Schema {
    let home =
        Schema::new("home").field(FieldDef::new("city", Type::Text)).field(FieldDef::new("zip", Type::U16).nullable());
    Schema::open("people")
        .field(FieldDef::new("name", Type::Text).nullable())
        .field(FieldDef::new("age", Type::U8).nullable())
        .field(FieldDef::new("home", Type::record(home)).nullable())
}

fn spelled(null: &str) -> Options {
    Options::default().null(null).expect("it is a spelling")
}

fn open(path: &Path, options: Options) -> FileStore<Document, Unsynced> {
    let db = Files::open_file_on(Unsynced, path, options).expect("it opens");
    db.documents("people", schema()).expect("it opens")
}

fn people(store: &impl Store<Document>) -> Vec<Document> {
    store.search(Query::new().limit(1_000)).expect("it reads").into_iter().map(|row| row.record).collect()
}

#[test]
fn an_empty_cell_is_the_empty_text_where_null_is_spelled_and_null_where_it_has_no_value() {
    let path = crate::folder().join("people.csv");
    std::fs::write(&path, TEXT).expect("it is written");
    let home = |city: Option<&str>, zip: Option<i64>| document! { "city" => city, "zip" => zip };
    let expected = [
        document! {},
        document! { "name" => "NA", "age" => 40, "home" => home(Some("Oslo"), None), "more" => "NA" },
        document! { "name" => "", "home" => home(Some(""), None), "more" => "" },
        document! { "name" => "", "age" => 41, "more" => "x" },
        document! { "name" => "na", "home" => home(Some("Rome"), Some(7)), "more" => 12 },
        document! { "name" => "Nan", "age" => 42, "home" => home(Some("NA"), Some(8)), "more" => "12" },
    ];
    assert_eq!(people(&open(&path, spelled("NA"))), expected);
    // Without the spelling it is a text like others, and no number.
    let rows: Vec<_> = open(&path, Options::default()).stream(Query::new()).expect("it starts").collect();
    assert_eq!(
        rows.iter().filter_map(|row| row.as_ref().err()).map(|e| e.place().line).collect::<Vec<_>>(),
        [Some(2), Some(3)]
    );
}

/// What is tested on raw cells, and what on records, is the same as in memory, which has no cells.
#[test]
fn semantics_3_1_a_spelled_null_is_null_to_every_predicate() {
    let path = crate::folder().join("people.csv");
    std::fs::write(&path, TEXT).expect("it is written");
    let file = open(&path, spelled("NA"));
    let rows = file.search(Query::new()).expect("it reads");
    let memory = Memory::new().documents("people", schema()).expect("it opens");
    let drafts = rows.into_iter().map(|row| Draft::of(row.record).id(row.envelope.id().to_string()).expect("an id"));
    assert!(memory.create_batch(drafts).expect("it writes").iter().all(Result::is_ok));
    let mut filters = Vec::new();
    for field in ["name", "age", "home", "home.city", "home.zip", "more"] {
        filters.push(Filter::is_null(field));
    }
    for field in ["name", "home.city", "more"] {
        for text in ["NA", "", "na", "Oslo", "x"] {
            filters.extend([Filter::eq(field, text), Filter::ne(field, text), Filter::gt(field, text)]);
            filters.extend([Filter::like(field, format!("{text}%"), true), Filter::is_in(field, [text, "Rome"])]);
        }
    }
    for field in ["age", "home.zip", "more"] {
        filters.extend([Filter::eq(field, 40), Filter::ne(field, 7), Filter::lt(field, 41), Filter::ge(field, 12)]);
    }
    let both = Filter::is_null("age").and_also(Filter::ne("name", "NA"));
    filters.extend([both, Filter::eq("name", "").or_else(Filter::is_null("home.zip"))]);
    let negated: Vec<_> = filters.iter().map(|filter| filter.clone().not()).collect();
    for filter in filters.into_iter().chain(negated) {
        let bound = || filter.clone().bind::<Document>(file.schema()).expect("it fits");
        let found = ids(file.search(bound()));
        assert_eq!(found, ids(memory.search(bound())), "{filter:?}");
    }
}

fn ids(found: dk_data::Result<Vec<Stored<Document>>>) -> Vec<String> {
    let mut ids: Vec<_> = found.expect("it reads").iter().map(|row| row.envelope.id().to_string()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn a_checkpoint_keeps_the_spelling_and_every_cell_that_nobody_changed() {
    let path = crate::folder().join("people.csv");
    std::fs::write(&path, TEXT).expect("it is written");
    let store = open(&path, spelled("NA"));
    let before = people(&store);
    store.patch("0000000005", Changes::set("name", "NA")).expect("it is there");
    store.patch("0000000006", Changes::set("age", Value::Null)).expect("it is there");
    let fresh = document! { "name" => "Zoe", "home" => document! { "city" => "" }, "bytes" => b"5\xe9\xe5".to_vec() };
    store.create(Draft::of(fresh.clone()).id("zoe").expect("an id")).expect("it is new");
    store.checkpoint().expect("it is put into the file");
    let text = std::fs::read_to_string(&path).expect("it is there");
    let rows: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(rows[0], "name,age,home.city,home.zip,more,bytes,_id,_version,_created_at,_updated_at,_types");
    for (row, was) in TEXT.split("\r\n").enumerate().skip(1).take(4) {
        assert_eq!(rows[row], format!("{was},NA,000000000{row},NA,NA,NA,NA"), "as it stood");
    }
    assert!(rows[5].starts_with("\"NA\",,Rome,7,12,NA,0000000005,t"), "{}", rows[5]);
    assert!(rows[6].starts_with("Nan,NA,\"NA\",8,\"12\",NA,0000000006,t"), "{}", rows[6]);
    assert!(rows[7].starts_with("Zoe,NA,\"\",NA,NA,Nenl,zoe,t"), "{}", rows[7]);
    let mut expected = before;
    expected[4].set("name", "NA");
    expected[5].set("age", Value::Null);
    expected.push(fresh);
    assert_eq!(people(&store), expected);
    drop(store);
    assert_eq!(people(&open(&path, spelled("NA"))), expected);
    // Bytes that are written like the spelling are told from it by their quotes.
    std::fs::remove_file(&path).expect("it is there");
    let store = open(&path, spelled("Nenl"));
    people_of(&store, &expected);
    store.checkpoint().expect("it is put into the file");
    assert!(std::fs::read_to_string(&path).expect("it is there").contains(",\"Nenl\","));
    assert_eq!(people(&store), expected);
}

/// Stores the documents in their order.
fn people_of(store: &impl Store<Document>, documents: &[Document]) {
    let drafts = documents.iter().enumerate();
    let drafts = drafts.map(|(n, document)| Draft::of(document.clone()).id(format!("{n:02}")).expect("an id"));
    assert!(store.create_batch(drafts).expect("it writes").iter().all(Result::is_ok));
}

#[test]
fn rows_that_another_tool_adds_may_spell_what_stands_beside_a_record_or_leave_it_empty() {
    let path = crate::folder().join("people.csv");
    let store = open(&path, spelled("\\N"));
    store.create(Draft::of(document! { "name" => "Ann" }).id("ann").expect("an id")).expect("it is new");
    store.checkpoint().expect("it is put into the file");
    drop(store);
    let text = std::fs::read_to_string(&path).expect("it is there");
    let width = text.lines().next().expect("a header").split(',').count();
    let row = |name: &str, null: &str| format!("{name}{}\n", format!(",{null}").repeat(width - 1));
    std::fs::write(&path, format!("{text}{}{}", row("Bob", "\\N"), row("Cid", ""))).expect("it is written");
    let store = open(&path, spelled("\\N"));
    let rows = store.search(Query::new().sort(Key::asc("name"))).expect("it reads");
    let ids: Vec<_> = rows.iter().map(|row| row.envelope.id().to_string()).collect();
    assert_eq!(ids, ["ann", "row-0000000002", "row-0000000003"]);
    store.delete("ann").expect("it is there");
    store.checkpoint().expect("it is put into the file");
    let named = store.read("row-0000000003").expect("it reads").map(|row| row.record["name"].clone());
    assert_eq!(named, Some("Cid".into()));
}

#[test]
fn a_url_spells_null_and_what_cannot_is_refused() {
    let path = crate::folder().join("people.csv");
    std::fs::write(&path, "name;age\nn/a;n/a\n;1\n").expect("it is written");
    let open = |options: &str| AnyDatabase::open_url(&format!("file:{}?{options}", path.display()));
    let store = open("null=n/a&delimiter=;").and_then(|db| db.documents("people", Schema::open("people")));
    let store = store.expect("it opens");
    assert_eq!(people(&store), [document! {}, document! { "name" => "", "age" => 1 }]);
    drop(store);
    let refused = |options| open(options).and_then(|db| db.documents("a", Schema::open("a"))).map(drop).unwrap_err();
    for options in ["null=-999", "null=true", "null=a%20much%20longer%20one", "null=a;b&delimiter=;"] {
        assert_eq!(refused(options).kind(), ErrorKind::Configuration, "{options}");
    }
}
