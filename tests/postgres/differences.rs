//! What differs between a table and a type: all of it is named, what is told as SQL runs, and what is refused leaves the table as it is.

use std::sync::{Arc, Barrier};

use dk_data::{
    Database, Document, Draft, ErrorKind, FieldDef, Filter, Key, Query, Schema, Store, Type,
    backend::postgres::{Difference, Layout, Postgres},
    document,
};

use crate::server::Scratch;

fn field(name: &'static str, ty: Type) -> FieldDef {
    FieldDef::new(name, ty)
}

fn keyed(name: &str) -> Schema {
    Schema::new(name.to_owned()).field(field("id", Type::Text).id())
}

#[track_caller]
fn made(scratch: &mut Scratch, sql: &str) {
    scratch.client.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

#[track_caller]
fn differences(db: &Postgres, schema: &Schema) -> Vec<Difference> {
    db.diff(&schema.name, schema).expect("it compares")
}

/// One difference that is told in these words.
#[track_caller]
fn told<'d>(all: &'d [Difference], words: &str) -> &'d Difference {
    all.iter().find(|d| d.what.contains(words)).unwrap_or_else(|| panic!("nothing of {words}: {all:#?}"))
}

#[test]
fn a_table_of_somebody_elses_keeps_noticing_every_writer() {
    let mut scratch = Scratch::new();
    made(&mut scratch, "CREATE TABLE cities (id text PRIMARY KEY, name text); INSERT INTO cities VALUES ('1', 'Oslo')");
    let db = scratch.database();
    let schema = db.describe("cities").expect("it is described");
    for _ in 0..2 {
        let cities = db.documents("cities", schema.clone()).expect("it opens");
        let stale = cities.read("1").expect("it reads").expect("it is there");
        made(&mut scratch, "UPDATE cities SET name = 'Kristiania'");
        let lost = cities.save(stale).expect_err("somebody was faster");
        assert_eq!(lost.kind(), ErrorKind::Conflict, "{lost}");
        assert_eq!(db.migrate("cities", &schema).expect("nothing is refused"), [""; 0], "and nothing is done");
        for part in ["`_version` is missing", "`_created_at` is missing", "`_updated_at` is", "`_metadata` is missing"]
        {
            let part = told(&differences(&db, &schema), part).clone();
            assert!(!part.safe && !part.needed && part.sql.contains("ADD COLUMN"), "{part:?}");
        }
    }
}

#[test]
fn every_difference_is_named() {
    let mut scratch = Scratch::new();
    let table = "CREATE TABLE odd (id text COLLATE \"C\" PRIMARY KEY, a text COLLATE \"C\" UNIQUE, b text COLLATE \"en-x-icu\", \
                 c varchar(3) COLLATE \"C\", d numeric(5,2), e timestamptz(0), f timestamptz(6), \
                 g integer CONSTRAINT large CHECK (g > 5), h integer NOT NULL, n smallint, CONSTRAINT pair UNIQUE (b, c)); \
                 CREATE UNIQUE INDEX large_ones ON odd (g) WHERE g > 7; CREATE UNIQUE INDEX with_id ON odd (id, g)";
    made(&mut scratch, table);
    let db = scratch.database();
    let schema =
        ["a", "b", "c"].iter().fold(keyed("odd"), |schema, name| schema.field(field(name, Type::Text).nullable()));
    let schema = schema.field(field("d", Type::Decimal).nullable()).field(field("e", Type::Timestamp).nullable());
    let schema = schema.field(field("f", Type::Timestamp).nullable()).field(field("g", Type::I32).nullable());
    let schema = schema.field(field("n", Type::I64));
    let all = differences(&db, &schema);
    for (words, needed) in [
        ("`h` is never null and has no default", true),
        ("`b` is of the collation \"en-x-icu\"", false),
        ("`c` is character varying(3)", false),
        ("`d` is numeric(5,2)", false),
        ("`e` is timestamp(0)", false),
        ("the constraint `large`", false),
        ("the unique index `odd_a_key`", false),
        ("the unique index `pair`", false),
        ("the unique index `large_ones`", false),
        ("`n` is never null", true),
    ] {
        let one = told(&all, words);
        assert!(!one.safe && one.needed == needed, "{one:?}");
    }
    assert!(told(&all, "`n` is smallint").safe);
    let all = all.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(!all.contains("`f` is") && !all.contains("with_id"), "{all}");
    // Nothing is run where one thing is refused, and all that is refused is named at once.
    let refused = db.migrate("odd", &schema).expect_err("a person decides").to_string();
    assert!(refused.contains("`h` is never null") && refused.contains("`n` is never null"), "{refused}");
    assert!(!refused.contains("large"), "what the type can do with is no reason: {refused}");
    assert!(told(&differences(&db, &schema), "`n` is smallint").safe, "it is as it was");
    for difference in differences(&db, &schema) {
        made(&mut scratch, &difference.sql.replace("CONCURRENTLY ", ""));
    }
    assert_eq!(differences(&db, &schema), []);
    let odd = db.documents("odd", schema).expect("it opens");
    odd.create(document! { "id" => "1", "c" => "longer", "g" => 1, "n" => i64::MAX }).expect("nothing is in its way");
}

#[test]
fn a_renamed_field_is_not_taken_for_two() {
    let scratch = Scratch::new();
    let db = scratch.database();
    db.ensure_named("people", &Schema::new("people").field(field("name", Type::Text))).expect("it is made");
    let renamed = Schema::new("people").field(field("full_name", Type::Text).nullable());
    let refused = db.migrate("people", &renamed).expect_err("no record could be created");
    assert!(refused.to_string().contains("`name` is never null and has no default"), "{refused}");
    assert!(told(&differences(&db, &renamed), "`full_name` is missing").safe, "nothing was run");
}

#[test]
fn the_sql_that_is_told_runs() {
    let mut scratch = Scratch::new();
    let db = scratch.database();
    let list = |ty: Type| Type::list(ty);
    let changes = [
        ("text", "'5'", Type::I64),
        ("text", "'00000000-0000-0000-0000-000000000001'", Type::Uuid),
        ("text", "'2020-01-01T00:00:00Z'", Type::Timestamp),
        ("text DEFAULT 'x'", "'true'", Type::Bool),
        ("text", "'{}'", Type::Json),
        ("text", "'a'", Type::Bytes),
        ("text", "'a'", list(Type::Text)),
        ("bigint", "5", Type::Text),
        ("bigint", "1", Type::Bool),
        ("bigint", "1", Type::Timestamp),
        ("bigint", "1", list(Type::I64)),
        ("boolean", "true", Type::I64),
        ("double precision", "1", Type::I64),
        ("date", "'2020-01-01'", Type::Timestamp),
        ("timestamptz", "'2020-01-01'", Type::Date),
        ("uuid", "gen_random_uuid()", Type::Text),
        ("bytea", "'a'", Type::Text),
        ("jsonb", "'[\"a\"]'", list(Type::Text)),
        ("json", "'[1]'", list(Type::I64)),
        ("jsonb", "'5'", Type::I64),
        ("integer[]", "'{1}'", list(Type::I64)),
        ("text[]", "'{1}'", list(Type::I64)),
        ("text[]", "'{a}'", Type::Text),
        ("integer[]", "'{7}'", Type::I32),
        ("inet", "'127.0.0.1'", Type::Text),
    ];
    for (place, (from, value, to)) in changes.iter().enumerate() {
        let name = format!("c{place}");
        let sql = format!(
            "CREATE TABLE {name} (id text COLLATE \"C\" PRIMARY KEY, x {from} NOT NULL); INSERT INTO {name} VALUES ('a', {value})"
        );
        made(&mut scratch, &sql);
        let schema = keyed(&name).field(field("x", to.clone()));
        let all = differences(&db, &schema);
        made(&mut scratch, &told(&all, "`x` is").sql);
        let left = differences(&db, &schema);
        assert!(left.iter().all(|d| !d.what.contains("`x`")), "{from} to {to:?}: {left:?}");
        let rows = db.documents(&name, schema).expect("it opens").count(Query::new()).expect("it counts");
        assert_eq!(rows, 1);
    }
    // What is required is filled in where there are rows, and where there are nulls.
    made(
        &mut scratch,
        "CREATE TABLE filled (id text COLLATE \"C\" PRIMARY KEY, y text COLLATE \"C\"); INSERT INTO filled VALUES ('a', NULL)",
    );
    let types = [
        Type::Text,
        Type::Bool,
        Type::I8,
        Type::F64,
        Type::Decimal,
        Type::Bytes,
        Type::Uuid,
        Type::Timestamp,
        Type::Date,
    ];
    let names = ["x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8"];
    let schema = keyed("filled").field(field("y", Type::Text)).field(field("l", list(Type::I64)));
    let schema = names.into_iter().zip(types).fold(schema, |schema, (name, ty)| schema.field(field(name, ty)));
    for difference in differences(&db, &schema).iter().filter(|difference| difference.needed) {
        made(&mut scratch, &difference.sql);
    }
    assert!(differences(&db, &schema).iter().all(|difference| !difference.needed));
    assert_eq!(db.documents("filled", schema).expect("it opens").search(Query::new()).expect("it reads").len(), 1);
}

#[test]
fn an_index_of_another_kind_or_order_is_not_the_one() {
    let mut scratch = Scratch::new();
    let db = scratch.database();
    let table = "CREATE TABLE h (id text COLLATE \"C\" PRIMARY KEY, a bigint); CREATE INDEX ON h USING hash (a); \
                 CREATE INDEX ON h (a NULLS FIRST); CREATE INDEX ON h (a) WHERE a > 1; CREATE INDEX ON h ((a + 1)); \
                 INSERT INTO h SELECT 'i' || n, n FROM generate_series(1, 3000) n; ANALYZE h";
    made(&mut scratch, table);
    let schema = keyed("h").field(field("a", Type::I64).indexed().nullable());
    // The one with the nulls first, read backwards, is the one that descends with the nulls last.
    let run = db.migrate("h", &schema).expect("it is safe");
    assert!(run.len() == 1 && run[0].contains("\"h.a.idx\""), "{run:?}");
    made(&mut scratch, "DROP INDEX h_a_idx1");
    let run = db.migrate("h", &schema).expect("it is safe");
    assert!(run.len() == 1 && run[0].contains("\"h.a.desc\"") && run[0].contains("DESC NULLS LAST"), "{run:?}");
    let plan = |key| {
        let h = db.documents("h", schema.clone()).expect("it opens");
        h.server_plan(Query::<Document>::new().sort(key).limit(10)).expect("it is planned")
    };
    assert!(plan(Key::desc("a")).contains("h.a.desc") && plan(Key::asc("a")).contains("h.a.idx"));
    // One that has the name and is another is replaced.
    made(&mut scratch, "DROP INDEX \"h.a.idx\"; CREATE INDEX \"h.a.idx\" ON h USING hash (a)");
    let run = db.migrate("h", &schema).expect("it is safe");
    assert!(run.len() == 2 && run[0].starts_with("DROP INDEX"), "{run:?}");
    assert!(db.migrate("h", &schema).expect("it is done").is_empty());
}

#[test]
fn a_unique_index_of_the_type_is_made_on_a_table_that_is_there() {
    let mut scratch = Scratch::new();
    made(
        &mut scratch,
        "CREATE TABLE q (id text PRIMARY KEY, email text, phone text UNIQUE); INSERT INTO q VALUES ('1', 'a@x', '1'), ('2', 'a@x', '2')",
    );
    let db = scratch.database();
    let unique = |name| field(name, Type::Text).unique().nullable();
    let schema = keyed("q").field(unique("email")).field(unique("phone"));
    for shared in [db.migrate("q", &schema).map(drop), db.ensure_named("q", &schema)] {
        let shared = shared.expect_err("two share an address");
        assert_eq!((shared.kind(), shared.place().field.as_deref()), (ErrorKind::AlreadyExists, Some("email")));
    }
    made(&mut scratch, "UPDATE q SET email = 'b@x' WHERE id = '2'");
    let run = db.migrate("q", &schema).expect("nobody shares one");
    assert!(
        run.iter().any(|sql| sql.contains("UNIQUE INDEX CONCURRENTLY") && sql.contains("\"q.email.key\"")),
        "{run:?}"
    );
    assert!(!run.iter().any(|sql| sql.contains("q.phone.key")), "one is there: {run:?}");
    let q = db.documents("q", schema).expect("it opens");
    for (email, phone, at) in [("b@x", "3", "email"), ("c@x", "1", "phone")] {
        let taken = q.create(document! { "id" => "3", "email" => email, "phone" => phone }).expect_err("it is taken");
        assert_eq!((taken.kind(), taken.place().field.as_deref()), (ErrorKind::AlreadyExists, Some(at)));
    }
}

#[test]
fn ensure_makes_the_indexes_that_fields_ask_for_and_changes_nothing_else() {
    let mut scratch = Scratch::new();
    let db = scratch.database();
    let plain = Schema::new("notes").field(field("body", Type::Text)).field(field("year", Type::I32));
    db.ensure_named("notes", &plain).expect("it is made");
    let asks = Schema::new("notes")
        .field(field("body", Type::Text).searched("english"))
        .field(field("year", Type::I32).indexed().nullable());
    db.ensure_named("notes", &asks).expect("its indexes are made");
    let sql = "SELECT indexname::text FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1";
    let rows = scratch.client.query(sql, &[]).expect("the catalogue answers");
    let names: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(names, ["notes.body.text.english", "notes.year.desc", "notes.year.idx", "notes_pkey"]);
    let left = differences(&db, &asks);
    assert!(left.len() == 1 && left[0].what == "`year` may be null", "{left:?}");
}

#[test]
fn many_may_migrate_at_once_and_each_thing_is_done_by_one() {
    let mut scratch = Scratch::new();
    let old = Schema::new("people").field(field("name", Type::Text)).field(field("age", Type::I32));
    let new = Schema::new("people")
        .field(field("name", Type::Text).indexed())
        .field(field("age", Type::I64).unique().nullable())
        .field(field("city", Type::Text).nullable());
    for round in 0..4 {
        made(&mut scratch, "DROP TABLE IF EXISTS people");
        let db = scratch.database();
        let alone = if round % 2 == 0 { vec![old.clone()] } else { Vec::new() };
        alone.iter().for_each(|old| db.ensure_named("people", old).expect("it is made"));
        let wanted = differences(&db, &new).len();
        let start = Barrier::new(8);
        let run = std::thread::scope(|scope| {
            let many: Vec<_> = (0..8)
                .map(|_| {
                    let (db, start, new) = (scratch.config().pool_size(1).connect(), &start, &new);
                    scope.spawn(move || {
                        let db = db.expect("the server answers");
                        start.wait();
                        db.migrate("people", new).expect("the others are waited for")
                    })
                })
                .collect();
            many.into_iter().flat_map(|one| one.join().expect("it does not panic")).collect::<Vec<_>>()
        });
        assert_eq!(run.len(), wanted, "{run:#?}");
        assert_eq!(differences(&db, &new), []);
    }
}

#[test]
fn a_change_of_layout_takes_nothing_away_in_silence() {
    let mut scratch = Scratch::new();
    let db = scratch.database();
    let schema = Schema::new("people").field(field("name", Type::Text).indexed()).field(field("age", Type::I64));
    let people = db.documents("people", schema.clone()).expect("it is made");
    people.create(Draft::of(document! { "name" => "ann", "age" => 7 }).id("ann").expect("an id")).expect("it is new");
    let hung = "CREATE INDEX by_age ON people (age); ALTER TABLE people ADD CONSTRAINT grown CHECK (age > 0); \
                ALTER TABLE people ADD CONSTRAINT own UNIQUE (age, name); CREATE VIEW old AS SELECT * FROM people; \
                CREATE TABLE pets (owner text COLLATE \"C\" REFERENCES people); GRANT SELECT (name) ON people TO trusty; \
                COMMENT ON COLUMN people.name IS 'in full'; ALTER TABLE people ALTER COLUMN age SET DEFAULT 1; \
                ALTER TABLE people ADD COLUMN loud text GENERATED ALWAYS AS (upper(name)) STORED";
    made(&mut scratch, hung);
    let kept = "GRANT SELECT, INSERT ON people TO trusty; COMMENT ON TABLE people IS 'who''s who'";
    made(&mut scratch, kept);
    let shape = Arc::new(schema.clone());
    let refused = db.relayout::<Document>("people", shape.clone(), Layout::Document).expect_err("much would be lost");
    assert_eq!(refused.kind(), ErrorKind::Configuration, "{refused}");
    let told = refused.to_string();
    for lost in [
        "the index `by_age`",
        "the CHECK `grown`",
        "the UNIQUE constraint `own`",
        "the view",
        "the foreign key of",
        "the GRANT on the column `name`",
        "the comment on the column `name`",
        "the default of the column `age`",
        "the generated column `loud`",
    ] {
        assert!(told.contains(lost), "{lost}: {told}");
    }
    assert!(!told.contains("people.name.idx") && !told.contains("people_pkey"), "the new one has its own: {told}");
    let found = Filter::eq("name", "ann").bind::<Document>(&schema).expect("it fits");
    assert_eq!(people.count(found).expect("it is as it was"), 1);
    let freed = "DROP INDEX by_age; ALTER TABLE people DROP CONSTRAINT grown, DROP CONSTRAINT own, ALTER COLUMN age DROP DEFAULT; \
                 DROP VIEW old; DROP TABLE pets; REVOKE SELECT (name) ON people FROM trusty; \
                 COMMENT ON COLUMN people.name IS NULL; ALTER TABLE people DROP COLUMN loud";
    made(&mut scratch, freed);
    assert_eq!(db.relayout::<Document>("people", shape, Layout::Document).expect("nothing is lost"), 1);
    let asked = "SELECT has_table_privilege('trusty', 'people', 'INSERT'), has_table_privilege('trusty', 'people', 'DELETE'), \
                 obj_description('people'::regclass, 'pg_class')";
    let row = scratch.client.query_one(asked, &[]).expect("the catalogue answers");
    assert_eq!((row.get(0), row.get(1), row.get(2)), (true, false, "who's who"));
}
