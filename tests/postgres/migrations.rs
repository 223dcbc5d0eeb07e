//! What goes wrong while a table follows its type: half-made indexes, and fields that would be lost on the way to another layout.

use std::sync::Arc;

use dk_data::{
    Database, Document, Draft, ErrorKind, FieldDef, Query, Schema, Store, Type, Value,
    backend::postgres::{Layout, Postgres, PostgresIndex},
    document,
};

use crate::server::Scratch;

fn people(email: FieldDef) -> Schema {
    Schema::new("people").field(FieldDef::new("name", Type::Text)).field(email)
}

fn plain() -> Schema {
    people(FieldDef::new("email", Type::Text).nullable())
}

fn unique() -> Schema {
    people(FieldDef::new("email", Type::Text).unique().nullable())
}

/// Two people share an address.
fn sharing(db: &Postgres) {
    let store = db.documents("people", plain()).expect("it is made");
    for (id, email) in [("1", "a@x"), ("2", "a@x"), ("3", "b@x")] {
        let person = document! { "name" => id, "email" => email };
        store.create(Draft::of(person).id(id).expect("an id")).expect("nothing is unique yet");
    }
}

/// Name and validity of the table's indexes, without the key's.
fn indexes(scratch: &mut Scratch) -> Vec<(String, bool)> {
    let sql = "SELECT c.relname::text, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
               WHERE i.indrelid = 'people'::regclass AND NOT i.indisprimary ORDER BY 1";
    let rows = scratch.client.query(sql, &[]).expect("the catalogue answers");
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[test]
fn a_unique_index_that_cannot_be_made_leaves_nothing_and_names_its_field() {
    let mut scratch = Scratch::new();
    let db = scratch.database();
    sharing(&db);
    for _ in 0..2 {
        let refused = db.migrate("people", &unique()).expect_err("two share an address");
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists, "{refused}");
        assert_eq!(refused.place().field.as_deref(), Some("email"));
        let told = refused.to_string();
        assert!(told.contains("the unique index of `email` was not made") && told.contains("a@x"), "{told}");
        assert!(indexes(&mut scratch).iter().all(|(name, valid)| *valid && name != "people.email.key"));
    }
    db.documents("people", plain()).expect("it opens").delete("2").expect("it is there");
    db.migrate("people", &unique()).expect("nobody shares one");
    assert_eq!(db.diff("people", &unique()).expect("it compares"), []);
    let store = db.documents("people", unique()).expect("it opens");
    let taken = store.create(document! { "name" => "4", "email" => "b@x" }).expect_err("it is taken");
    assert_eq!((taken.kind(), taken.place().field.as_deref()), (ErrorKind::AlreadyExists, Some("email")));
}

#[test]
fn an_index_that_was_left_half_made_is_named_and_made_again() {
    let mut scratch = Scratch::new();
    let index = || PostgresIndex::new("people", "one_name").by_folded("email").unique();
    let plain_db = scratch.database();
    sharing(&plain_db);
    // What a process leaves behind that was killed while it made the indexes, or that knew no better.
    let half = "CREATE UNIQUE INDEX CONCURRENTLY \"people.email.key\" ON people (email)";
    assert!(scratch.client.batch_execute(half).is_err(), "two share an address");
    assert_eq!(indexes(&mut scratch), [("people.email.key".to_owned(), false)]);
    let differences = plain_db.diff("people", &unique()).expect("it compares");
    let told = differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    assert!(told.contains("the unique index of `email` is not valid"), "{told}");
    assert!(told.contains("`email` has no unique index") && differences.iter().all(|d| d.safe), "{told}");
    plain_db.documents("people", plain()).expect("it opens").delete("2").expect("it is there");
    plain_db.migrate("people", &unique()).expect("nobody shares one");
    assert!(indexes(&mut scratch).contains(&("people.email.key".to_owned(), true)));
    assert_eq!(plain_db.diff("people", &unique()).expect("it compares"), []);

    // The same of one that the configuration asks for.
    let db = scratch.config().index(index()).connect().expect("the server answers");
    let missing = db.diff("people", &unique()).expect("it compares");
    let [wanted] = missing.as_slice() else { panic!("one is missing: {missing:?}") };
    let store = plain_db.documents("people", unique()).expect("it opens");
    store.create(Draft::of(document! { "name" => "5", "email" => "B@x" }).id("5").expect("an id")).expect("it is new");
    assert!(scratch.client.batch_execute(&wanted.sql).is_err(), "folded they are the same");
    assert_eq!(indexes(&mut scratch).iter().filter(|(_, valid)| !valid).count(), 1, "its server process gave up");
    let differences = db.diff("people", &unique()).expect("it compares");
    assert!(
        differences[0].what.contains("people.one_name~") && differences[0].what.contains("is not valid"),
        "{differences:?}"
    );
    let refused = db.migrate("people", &unique()).expect_err("folded they are the same");
    let told = refused.to_string();
    assert!(told.contains("the index `people.one_name~") && told.contains("was not made"), "{told}");
    assert!(indexes(&mut scratch).iter().all(|(_, valid)| *valid), "nothing is left of it");
    assert!(scratch.client.batch_execute(&wanted.sql).is_err(), "folded they are the same");
    assert_eq!(indexes(&mut scratch).iter().filter(|(_, valid)| !valid).count(), 1, "its server process gave up");
    store.delete("5").expect("it is there");
    db.ensure_named("people", &unique()).expect("what is left half made is no index");
    assert_eq!(db.diff("people", &unique()).expect("it compares"), []);
    assert!(indexes(&mut scratch).iter().all(|(_, valid)| *valid));
}

/// A type, and one that knows less at every depth.
fn large_and_small() -> (Schema, Schema) {
    let home = |more: bool| {
        let home = Schema::new("home").field(FieldDef::new("city", Type::Text).nullable());
        if more { home.field(FieldDef::new("zip", Type::Text).nullable()) } else { home }
    };
    let schema = |more: bool| {
        let schema = Schema::new("people")
            .field(FieldDef::new("name", Type::Text))
            .field(FieldDef::new("home", Type::record(home(more))).nullable())
            .field(FieldDef::new("homes", Type::list(Type::record(home(more)))).nullable());
        if more { schema.field(FieldDef::new("age", Type::U8).nullable()) } else { schema }
    };
    (schema(true), schema(false))
}

#[test]
fn a_change_of_layout_by_a_type_that_knows_less_is_refused_and_loses_nothing() {
    let lives = || document! { "city" => "Oslo", "zip" => "0150" };
    let whole =
        document! { "name" => "ann", "home" => lives(), "homes" => vec![Value::Record(lives())], "age" => 7_u8 };
    let bare = || document! { "name" => "bob", "home" => document! { "city" => "Oslo" }, "homes" => vec![Value::Record(document! { "city" => "Oslo" })] };
    let (large, small) = large_and_small();
    for (layout, other) in [(Layout::Document, Layout::Columns), (Layout::Columns, Layout::Document)] {
        let scratch = Scratch::new();
        let db = scratch.config().layout(layout).connect().expect("the server answers");
        let store = db.documents("people", large.clone()).expect("it is made");
        store.create(Draft::of(whole.clone()).id("ann").expect("an id")).expect("it is new");
        store.create(Draft::of(bare()).id("bob").expect("an id")).expect("it is new");
        let move_by = |schema: &Schema| db.relayout::<Document>("people", Arc::new(schema.clone()), other);
        let refused = move_by(&small).expect_err("the type knows less");
        assert_eq!(refused.kind(), ErrorKind::Configuration, "{refused}");
        let told = refused.to_string();
        for lost in ["`age`", "`home.zip`", "`homes.zip`"] {
            assert!(told.contains(lost), "{layout:?}: {lost}: {told}");
        }
        let store = db.documents("people", large.clone()).expect("it is as it was");
        assert_eq!(store.read("ann").expect("it reads").expect("it is there").record, whole, "{layout:?}");
        // A field that no record has is none to be lost.
        store.delete("ann").expect("it is there");
        assert_eq!(move_by(&small).expect("nothing is lost"), 1, "{layout:?}");
        let store = db.documents("people", small.clone()).expect("it opens");
        assert_eq!(store.read("bob").expect("it reads").expect("it is there").record, bare(), "{layout:?}");
    }
}

#[test]
fn a_change_of_layout_keeps_undeclared_fields_or_is_refused() {
    for (layout, other) in [(Layout::Document, Layout::Columns), (Layout::Columns, Layout::Document)] {
        let scratch = Scratch::new();
        let db = scratch.config().layout(layout).connect().expect("the server answers");
        let open = || Schema { open: true, ..plain() };
        let store = db.documents("people", open()).expect("it is made");
        let person = document! { "name" => "ann", "email" => "a@x", "shoe" => 41 };
        store.create(Draft::of(person.clone()).id("ann").expect("an id")).expect("it is new");
        let refused = db.relayout::<Document>("people", Arc::new(plain()), other).expect_err("it knows no shoes");
        let named = if layout == Layout::Document { "`shoe`" } else { "`_extra`" };
        assert!(refused.to_string().contains(named), "{layout:?}: {refused}");
        assert_eq!(db.relayout::<Document>("people", Arc::new(open()), other).expect("it knows all"), 1);
        let store = db.documents("people", open()).expect("it opens");
        let found = store.search(Query::new()).expect("it reads");
        assert_eq!(found[0].record, person, "{layout:?}");
    }
}
