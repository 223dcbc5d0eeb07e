//! Data stays data: texts that break quoting, encodings and parsers go through every text input, and memory is asked the same.
//!
//! The texts are the big list of naughty strings, and some that are aimed at SQL, at the wire and at this backend.

use std::collections::BTreeSet;

use dk_data::{
    Changes, Cursor, Database, Document, Draft, ErrorKind, FieldDef, Filter, Id, Key, Path, Query, Schema, Store,
    Stored, Type, Value,
    backend::{
        memory::{Memory, MemoryStore},
        postgres::PostgresStore,
    },
    document, meta,
};

use crate::{data::shared, server::Scratch};

/// What the list of naughty strings lacks: what would end a literal, an identifier, a COPY or a parameter's place.
const AIMED: [&str; 24] = [
    "'; DROP TABLE people; --",
    "\"; DROP TABLE people; --",
    "\" CASCADE; --",
    "$1",
    "$$; DROP SCHEMA public; $$",
    "$tag$",
    "E'\\''",
    "U&'\\0061'",
    "\\.",
    "\\N",
    "\\x00",
    "{\"a\",NULL}",
    "{}",
    "(1,2)",
    "NULL",
    "%",
    "_",
    "\\%",
    "%_%\\\\%",
    "a\tb\nc\rd",
    "::regclass",
    "xmin",
    "ctid",
    "tableoid",
];

/// Every text, once.
fn naughty() -> Vec<String> {
    let list: Vec<String> = serde_json::from_slice(&shared("naughty-strings.json")).expect("a list of texts");
    let all: BTreeSet<String> = list.into_iter().chain(AIMED.map(str::to_owned)).collect();
    assert!(all.len() > 500, "the list is whole");
    all.into_iter().filter(|text| !text.contains('\0')).collect()
}

/// A store on the server and one in memory, with the same schema.
struct Both {
    /// Keeps the schema of the database alive.
    _scratch: Scratch,
    server: PostgresStore<Document>,
    memory: MemoryStore<Document>,
}

impl Both {
    fn new(schema: Schema) -> Both {
        let scratch = Scratch::new();
        let server = scratch.database().documents("people", schema.clone()).expect("the schema is ours");
        let memory = Memory::new().documents("people", schema).expect("the schema is valid");
        Both { _scratch: scratch, server, memory }
    }

    /// Creates the same record in both.
    fn create(&self, draft: &Draft<'_, Document>) {
        let (server, memory) = (self.server.create(draft.clone()), self.memory.create(draft.clone()));
        let kinds = (server.map(|w| w.id).map_err(|e| e.kind()), memory.map(|w| w.id).map_err(|e| e.kind()));
        assert_eq!(kinds.0, kinds.1, "{draft:?}");
    }

    /// Both find as many; says how many. What one refuses the other never sees.
    #[track_caller]
    fn count(&self, filter: &Filter) -> u64 {
        let bound = match filter.clone().bind::<Document>(self.memory.schema()) {
            Ok(bound) => bound,
            Err(refused) => {
                assert_eq!(refused.kind(), ErrorKind::Query, "{filter:?}");
                return 0;
            }
        };
        let found = self.server.count(bound.clone()).unwrap_or_else(|error| panic!("{filter:?}: {error:?}"));
        assert_eq!(found, self.memory.count(bound).expect("memory answers"), "{filter:?}");
        found
    }

    /// Both find as many, and the same first ones; says how many.
    #[track_caller]
    fn agree(&self, filter: &Filter, key: Key<Document>) -> u64 {
        let bound = filter.clone().bind::<Document>(self.memory.schema()).expect("the fields are there");
        let query = Query::new().filter(bound).sort(key).limit(3);
        let ids =
            |rows: Vec<Stored<Document>>| -> Vec<Id> { rows.iter().map(|row| row.storage_id().clone()).collect() };
        let server = ids(self.server.search(&query).unwrap_or_else(|error| panic!("{filter:?}: {error:?}")));
        assert_eq!(server, ids(self.memory.search(&query).expect("memory answers")), "{filter:?}");
        self.count(filter)
    }
}

fn schema() -> Schema {
    Schema::new("people")
        .field(FieldDef::new("number", Type::I64))
        .field(FieldDef::new("text", Type::Text).nullable())
        .field(FieldDef::new("list", Type::list(Type::Text)).nullable())
        .field(FieldDef::new("json", Type::Json).nullable())
}

fn record(number: usize, text: &str) -> Document {
    let number = i64::try_from(number).expect("a small number");
    let list = Value::List(vec![text.into(), "other".into()]);
    document! { "number" => number, "text" => text, "list" => list, "json" => serde_json::json!({ text: [text] }) }
}

#[test]
fn a_text_in_a_record_comes_back_as_it_was() {
    let (both, texts) = (Both::new(schema()), naughty());
    let records: Vec<Document> = texts.iter().enumerate().map(|(number, text)| record(number, text)).collect();
    for outcome in both.server.create_batch(&records).expect("the server writes") {
        outcome.expect("every text is legal");
    }
    for (number, wanted) in records.iter().enumerate() {
        let filter = Filter::eq("number", i64::try_from(number).expect("small")).bind(both.server.schema());
        let found = both.server.search(filter.expect("the field is there")).expect("the server answers");
        assert_eq!(found.iter().map(|row| &row.record).collect::<Vec<_>>(), [wanted]);
        both.server.update(found[0].storage_id(), wanted).expect("it is there");
        let single = both.server.read(found[0].storage_id()).expect("the server answers").expect("it is there");
        assert_eq!(&single.record, wanted, "written alone and in a batch it is the same");
    }
}

#[test]
fn a_text_in_a_predicate_is_a_literal() {
    let (both, texts) = (Both::new(schema()), naughty());
    for (number, text) in texts.iter().enumerate() {
        both.create(&Draft::of(record(number, text)).id(format!("n{number}")).expect("a plain id"));
    }
    for (number, text) in texts.iter().enumerate() {
        let found = both.count(&Filter::eq("text", text.as_str()));
        assert_eq!(found, 1, "{text:?}");
        // The other operators look at every record each time: a third of the texts must do, and those that are aimed.
        if number % 3 > 0 && !AIMED.contains(&text.as_str()) {
            continue;
        }
        both.agree(&Filter::gt("text", text.as_str()), Key::desc("text"));
        both.count(&Filter::is_in("text", [text.as_str(), "true", "x"]).not());
        both.count(&Filter::between("text", text.as_str(), "~"));
        both.count(&Filter::starts_with("text", text.as_str()));
        both.count(&Filter::ends_with("text", text.as_str()));
        both.count(&Filter::contains("text", text.as_str()));
        both.count(&Filter::contains("list", text.as_str()));
        // As a pattern it matches the same records in both, or is refused by both.
        both.count(&Filter::like("text", text.as_str(), false));
        both.count(&Filter::like("text", format!("%{text}%"), true).not());
    }
    assert_eq!(both.server.count(Query::new()).ok(), Some(texts.len() as u64));
}

#[test]
fn a_text_as_an_id_is_only_an_id() {
    let (both, texts) = (Both::new(schema()), naughty());
    let mut ids = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        match Draft::of(record(number, text)).id(text.as_str()) {
            Ok(draft) => {
                both.create(&draft);
                ids.push(text.as_str());
            }
            Err(refused) => assert_eq!(refused.kind(), ErrorKind::Invalid, "{text:?}"),
        }
    }
    assert!(ids.len() > 400, "most texts are legal ids: {}", ids.len());
    let read = both.server.read_batch(ids.iter().copied()).expect("the server answers");
    for (id, found) in ids.iter().zip(read) {
        assert_eq!(found.expect("it is there")["text"].as_text(), Some(*id));
        both.count(&Filter::eq("_id", *id));
        both.agree(&Filter::gt("_id", *id), Key::desc("_id"));
        both.server.patch(*id, Changes::add("number", 1)).expect("it is there");
    }
    assert_eq!(both.agree(&Filter::all(), Key::asc("_id")), ids.len() as u64);
    for id in ids {
        assert!(both.server.delete(id).expect("the server writes"), "{id:?}");
    }
    assert_eq!(both.server.count(Query::new()).ok(), Some(0));
}

#[test]
fn a_text_as_metadata_is_a_name_and_a_value() {
    let both = Both::new(schema());
    for (number, text) in naughty().iter().enumerate() {
        let draft = Draft::of(record(number, text))
            .id(format!("n{number}"))
            .expect("a plain id")
            .meta(text.clone(), text.clone());
        both.create(&draft);
        let name = meta(text.clone());
        assert_eq!(
            both.server.count(name.clone().eq(text.as_str())).ok(),
            both.memory.count(name.clone().eq(text.as_str())).ok()
        );
        let sorted = Query::new().sort(name.clone().desc()).limit(1);
        let first = |rows: dk_data::Result<Vec<Stored<Document>>>| {
            rows.ok().map(|rows| rows.first().map(|row| row.storage_id().clone()))
        };
        assert_eq!(first(both.server.search(&sorted)), first(both.memory.search(&sorted)), "{text:?}");
    }
}

#[test]
fn a_text_as_a_field_is_a_name() {
    let named: Vec<FieldDef> = naughty()
        .into_iter()
        .map(|name| FieldDef::new(name, Type::Text).nullable())
        .filter(|field| Schema::new("people").field(field.clone()).validate().is_ok())
        .collect();
    assert!(named.len() > 450, "most texts are legal names: {}", named.len());
    for fields in named.chunks(60) {
        let whole = fields.iter().cloned().fold(Schema::new("people"), Schema::field);
        let both = Both::new(whole);
        let value: Document = fields.iter().map(|field| (field.name.to_string(), Value::from(&*field.name))).collect();
        both.create(&Draft::of(&value).id("all").expect("a plain id"));
        both.create(&Draft::of(Document::new()).id("none").expect("a plain id"));
        assert_eq!(both.server.read("all").expect("the server answers").map(|row| row.record), Some(value));
        for field in fields {
            let path = || Path::field(field.name.clone());
            assert_eq!(both.agree(&Filter::eq(path(), &*field.name), Key::desc(path())), 1, "{:?}", field.name);
            assert_eq!(both.agree(&Filter::is_null(path()), Key::asc(path())), 1, "{:?}", field.name);
            both.server.patch("none", Changes::set(path(), "x")).expect("the field is there");
            both.server.patch("none", Changes::set(path(), Value::Null)).expect("the field is there");
        }
    }
}

#[test]
fn a_text_as_a_field_of_an_open_document_is_a_name() {
    let both = Both::new(Schema::open("people"));
    for (number, text) in naughty().iter().enumerate() {
        let mut open = document! { "number" => i64::try_from(number).expect("small") };
        open.set(text.clone(), text.as_str());
        let draft = Draft::of(open).id(format!("n{number}")).expect("a plain id");
        both.create(&draft);
        if !text.starts_with('_') && !text.is_empty() {
            let path = || Path::field(text.clone());
            both.agree(&Filter::eq(path(), text.as_str()), Key::desc(path()));
        }
    }
}

#[test]
fn a_cursor_is_a_place_and_nothing_else() {
    let (both, texts) = (Both::new(schema()), naughty());
    let records: Vec<Document> = texts.iter().enumerate().map(|(number, text)| record(number, text)).collect();
    both.server.create_batch(&records).expect("the server writes");
    let query = Query::new().sort(Key::desc("text")).limit(7);
    let (mut seen, mut after) = (Vec::new(), None::<Cursor>);
    loop {
        let page = both.server.page(&query, after).expect("the server answers");
        seen.extend(page.rows.iter().map(|row| row["text"].as_text().unwrap_or_default().to_owned()));
        after = page.next.map(|cursor| cursor.to_string().parse().expect("a cursor survives its text"));
        if after.is_none() {
            break;
        }
    }
    let wanted: Vec<String> = texts.iter().rev().cloned().collect();
    assert_eq!(seen, wanted, "texts sort by bytes, and each page begins where the last one ended");
    for text in &texts {
        if let Ok(cursor) = text.parse::<Cursor>() {
            let refused = both.server.page(&query, cursor).map(|page| page.rows.len());
            assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::Query), "{text:?}");
        }
    }
}

#[test]
fn a_store_is_never_called_what_would_need_quotes() {
    let scratch = Scratch::new();
    for text in naughty() {
        if let Err(refused) = scratch.database().documents(&text, Schema::open("people")) {
            assert_eq!(refused.kind(), ErrorKind::Configuration, "{text:?}");
        } else {
            assert!(
                text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b)),
                "{text:?}"
            );
        }
    }
}
