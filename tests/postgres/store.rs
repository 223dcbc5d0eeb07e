//! What is special about PostgreSQL: transactions, layouts, migrations, writes by query, what is told when it cannot be reached.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use dk_data::{
    Changes, Database, Document, Draft, Effect, Error, ErrorKind, FieldDef, Filter, Key, Outcome, Query, Schema, Store,
    Transactional, Type,
    backend::postgres::{Isolation, Layout, Postgres, PostgresConfig, Tls},
    document,
};

use crate::{
    proxy::Proxy,
    server::{self, Scratch, address, url},
};

fn people() -> Schema {
    let home =
        Schema::new("home").field(FieldDef::new("city", Type::Text)).field(FieldDef::new("zip", Type::U16).nullable());
    Schema::new("people")
        .field(FieldDef::new("name", Type::Text).indexed())
        .field(FieldDef::new("age", Type::U8).nullable())
        .field(FieldDef::new("email", Type::Text).unique().nullable())
        .field(FieldDef::new("home", Type::record(home)).nullable())
}

/// A database in a schema of its own.
fn open(scratch: &Scratch, more: &str) -> Postgres {
    Postgres::connect(&format!("{}?schema={}{more}", server::url(), scratch.name)).expect("the server answers")
}

fn ann(n: usize) -> Document {
    document! { "name" => format!("ann {n}"), "age" => (n % 90) as u8, "email" => format!("{n}@x"),
    "home" => document! { "city" => "Oslo", "zip" => 150_u16 } }
}

#[test]
fn what_is_wrong_with_a_connection_is_told_at_once() {
    let started = Instant::now();
    let url = server::url();
    let cases = [
        (server::with_account(&url, "app:wrong"), ErrorKind::Configuration, "password authentication failed"),
        (url.replace("/test", "/no_such_database"), ErrorKind::Configuration, "does not exist"),
        ("postgres://app:secret@127.0.0.1:1/test".to_owned(), ErrorKind::Connection, "refused"),
    ];
    for (url, kind, why) in cases {
        let error = Postgres::connect(&url).expect_err("it cannot be reached");
        let text = format!("{error} {error:?}");
        assert_eq!(error.kind(), kind, "{text}");
        assert!(text.contains(why) && !text.contains("secret") && !text.contains("wrong"), "{text}");
    }
    assert!(started.elapsed() < Duration::from_secs(8), "never after the time-out of the pool");
}

#[test]
fn tls_is_required_or_verified_as_asked() {
    let config = PostgresConfig::from_url(&server::url()).expect("the URL is ours");
    let encrypted = |tls: Tls| {
        let db = config.clone().tls(tls).connect()?;
        db.describe("no_such_table").expect_err("there is none");
        Ok::<_, Error>(db)
    };
    encrypted(Tls::Require).expect("the server has a certificate");
    encrypted(Tls::Verify(server::ca_file())).expect("the authority is the one that signed it");
    let foreign = tempfile::NamedTempFile::new().expect("a file");
    let refused = encrypted(Tls::Verify(foreign.path().into())).expect_err("it holds no authority");
    assert_eq!(refused.kind(), ErrorKind::Configuration, "{refused}");
}

#[test]
fn a_transaction_is_all_or_nothing_and_goes_on_after_a_failed_write() {
    let scratch = Scratch::new();
    let db = open(&scratch, "");
    let people = db.documents("people", people()).expect("it is made");
    let failed: Result<(), Error> = db.transaction(|tx| {
        tx.documents("people", self::people())?.create(ann(1))?;
        Err(Error::invalid("no"))
    });
    assert!(failed.is_err());
    assert_eq!(people.count(Query::new()).expect("it counts"), 0);
    db.transaction(|tx| {
        let people = tx.documents("people", self::people())?;
        people.create(Draft::of(ann(1)).id("a")?)?;
        let taken = people.create(Draft::of(ann(2)).id("a")?).expect_err("the id is taken");
        assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
        let same = people.create(Draft::of(ann(1)).id("b")?).expect_err("the address is taken");
        assert_eq!(same.place().field.as_deref(), Some("email"));
        let undone: Result<(), Error> = tx.savepoint(|| {
            people.delete("a")?;
            Err(Error::invalid("no"))
        });
        assert!(undone.is_err());
        assert!(people.read("a")?.is_some());
        Ok::<_, Error>(())
    })
    .expect("it stands");
    assert_eq!(people.count(Query::new()).expect("it counts"), 1);
}

#[test]
fn a_stream_in_a_transaction_shows_what_was_there_and_lets_writes_pass() {
    let scratch = Scratch::new();
    let db = open(&scratch, "");
    db.transaction(|tx| {
        let people = tx.documents("people", people())?;
        people.create_batch((0..2_500).map(ann).collect::<Vec<_>>())?.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut seen = 0;
        for person in people.stream(Query::new())? {
            people.delete(person?.storage_id())?;
            seen += 1;
        }
        assert_eq!((seen, people.count(Query::new())?), (2_500, 0));
        Ok::<_, Error>(())
    })
    .expect("it stands");
}

#[test]
fn sixteen_threads_count_exactly_in_serializable_transactions() {
    let scratch = Scratch::new();
    let db = open(&scratch, "&pool_size=20");
    let counters = || Schema::new("counters").field(FieldDef::new("n", Type::I64));
    let store = db.documents("counters", counters()).expect("it is made");
    store.create(Draft::of(document! { "n" => 0 }).id("c").expect("an id")).expect("it is new");
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                for _ in 0..5 {
                    db.transaction_repeating(Isolation::Serializable, 1_000, |tx| {
                        let counters = tx.documents("counters", counters())?;
                        let n = counters.read("c")?.and_then(|row| row["n"].as_int()).unwrap_or_default();
                        counters.update("c", document! { "n" => n as i64 + 1 }).map(drop)
                    })
                    .expect("it gets its turn");
                }
            });
        }
    });
    assert_eq!(store.read("c").expect("it reads").map(|row| row["n"].clone()), Some(80.into()));
}

#[test]
fn a_batch_tells_offenders_from_the_rest_and_keeps_its_order() {
    let scratch = Scratch::new();
    let db = open(&scratch, "&load_connections=2");
    let store = db.documents("people", people()).expect("it is made");
    store.create(Draft::of(ann(70_000)).id("taken").expect("an id")).expect("it is new");
    let mut batch: Vec<_> = (0..12_000).map(|n| Draft::of(ann(n))).collect();
    batch[17] = Draft::of(ann(70_001)).id("taken").expect("an id");
    batch[9_000] = Draft::of(ann(70_000));
    batch[9_001] = Draft::of(document! { "age" => 3_u8 });
    let outcomes = store.create_batch(batch).expect("it is tried");
    let failed: Vec<_> =
        outcomes.iter().enumerate().filter_map(|(at, o)| o.as_ref().err().map(|e| (at, e.kind()))).collect();
    let expected = [(17, ErrorKind::AlreadyExists), (9_000, ErrorKind::AlreadyExists), (9_001, ErrorKind::Invalid)];
    assert_eq!(failed, expected);
    assert_eq!(outcomes[9_000].as_ref().err().and_then(|e| e.place().field.clone()).as_deref(), Some("email"));
    assert_eq!(store.count(Query::new()).expect("it counts"), 11_998);
}

/// However many are refused, each is told why, and the others are written without the server seeing any of them often.
#[test]
fn refused_records_of_a_batch_are_found_in_a_few_tries() {
    const ROWS: usize = 3_000;
    let mut scratch = Scratch::new();
    let db = open(&scratch, "");
    let store = db.documents("people", people()).expect("it is made");
    let schema = &scratch.name;
    let sql = format!(
        "CREATE SEQUENCE tries; CREATE FUNCTION tried() RETURNS boolean LANGUAGE sql AS $$ SELECT nextval('{schema}.tries') > 0 $$; \
         ALTER TABLE people ADD CONSTRAINT no_seven CHECK ({schema}.tried() AND age IS DISTINCT FROM 7)"
    );
    scratch.client.batch_execute(&sql).expect("the schema is ours");
    let id = |n: usize| dk_data::Id::new(&format!("{n:05}"));
    let person = |n: usize, bad: bool| {
        let draft = Draft::of(document! { "name" => "ann", "age" => if bad { 7_u8 } else { 8 } });
        draft.id(id(n).expect("an id")).expect("an id")
    };
    for every in [1, 3, 50, 2_999] {
        for verb in ["create", "upsert", "update", "transaction"] {
            let all = || (0..ROWS).map(|n| person(n, n % every == 0)).collect::<Vec<_>>();
            store.clear().expect("they go");
            let is_new = matches!(verb, "create" | "transaction");
            if !is_new {
                store.create_batch((0..ROWS).map(|n| person(n, false)).collect::<Vec<_>>()).expect("they are good");
            }
            scratch.client.batch_execute("ALTER SEQUENCE tries RESTART").expect("ours");
            let outcomes = match verb {
                "create" => store.create_batch(all()),
                "upsert" => store.upsert_batch(all()),
                "update" => store.update_batch(all()),
                _ => db.transaction(|tx| tx.documents("people", people())?.create_batch(all())),
            };
            let outcomes = outcomes.expect("it is tried");
            for (n, outcome) in outcomes.iter().enumerate() {
                let told =
                    outcome.as_ref().map_err(|e| (e.kind(), e.place().id.clone(), e.to_string().contains("no_seven")));
                match n % every == 0 {
                    true => {
                        assert_eq!(told.err(), Some((ErrorKind::Validation, id(n).ok(), true)), "{verb}")
                    }
                    false => {
                        assert!(told.is_ok_and(|done| (done.effect == Effect::Created) == is_new), "{verb}")
                    }
                }
            }
            let eights = Filter::eq("age", 8).bind::<Document>(store.schema()).expect("it fits");
            let bad = ROWS.div_ceil(every);
            assert_eq!(store.count(eights).expect("it counts"), (ROWS - if is_new { bad } else { 0 }) as u64, "{verb}");
            let tries: i64 = scratch.client.query_one("SELECT last_value FROM tries", &[]).expect("it answers").get(0);
            assert!(tries < 10 * ROWS as i64, "{verb}, one of {every} is refused: {tries} tries");
        }
    }
}

#[test]
fn writes_by_query_are_one_statement_and_mean_the_same() {
    let scratch = Scratch::new();
    let db = open(&scratch, "");
    let store = db.documents("people", people()).expect("it is made");
    store.create_batch((0..200).map(ann).collect::<Vec<_>>()).expect("it is written");
    let young = || Filter::le("age", 9).bind::<Document>(store.schema()).expect("it fits");
    let before = store.search(young()).expect("it reads");
    assert_eq!(store.update_where(young(), Changes::set("name", "young")).expect("it is changed"), before.len() as u64);
    let after = store.search(young()).expect("it reads");
    assert!(
        after.iter().all(|row| row["name"] == "young".into() && row.envelope.updated_at() >= row.envelope.created_at())
    );
    let unmoved = after.iter().filter(|row| before.iter().any(|b| b.envelope.version() == row.envelope.version()));
    assert_eq!(unmoved.count(), 0, "every version has moved");
    let refused = store.update_where(young(), Changes::set("age", 300));
    assert_eq!(refused.err().map(|e| e.kind()), Some(ErrorKind::Invalid));
    assert_eq!(store.delete_where(young()).expect("they go"), before.len() as u64);
    assert_eq!(store.clear().expect("they go"), 200 - before.len() as u64);
}

#[test]
fn a_store_moves_between_layouts_in_place() {
    let scratch = Scratch::new();
    let db = open(&scratch, "&layout=document");
    let store = db.documents("people", people()).expect("it is made");
    let drafts = (0..1_500).map(|n| Draft::of(ann(n)).meta("n", n));
    store.create_batch(drafts.collect::<Vec<_>>()).expect("it is written");
    let sorted = || Query::<Document>::new().sort(Key::asc("email"));
    let before = store.search(sorted()).expect("it reads");
    for layout in [Layout::Columns, Layout::Document] {
        let shape = std::sync::Arc::new(people());
        assert_eq!(db.relayout::<Document>("people", shape, layout).expect("it moves"), 1_500);
        let store = db.documents("people", people()).expect("it is there");
        let after = store.search(sorted()).expect("it reads");
        let same = before.iter().zip(&after).all(|(a, b)| {
            a.record == b.record
                && a.envelope.id() == b.envelope.id()
                && a.envelope.created_at() == b.envelope.created_at()
                && a.envelope.metadata() == b.envelope.metadata()
        });
        assert!(same && after.len() == 1_500, "{layout:?}");
        let taken = store.create(ann(3)).expect_err("unique fields stay unique");
        assert_eq!(taken.kind(), ErrorKind::AlreadyExists);
    }
}

#[test]
fn a_table_follows_its_schema_where_that_is_safe() {
    let mut scratch = Scratch::new();
    let db = open(&scratch, "");
    let old = Schema::new("people").field(FieldDef::new("name", Type::Text)).field(FieldDef::new("age", Type::I16));
    db.ensure_named("people", &old).expect("it is made");
    db.documents("people", old.clone())
        .expect("it opens")
        .create(document! { "name" => "a", "age" => 1_i16 })
        .expect("it is new");
    assert_eq!(db.diff("people", &old).expect("it compares"), []);
    let new = Schema::new("people")
        .field(FieldDef::new("name", Type::Text).indexed())
        .field(FieldDef::new("age", Type::I64).nullable())
        .field(FieldDef::new("city", Type::Text).nullable());
    let refused = db.documents("people", new.clone()).map(drop).expect_err("a column is missing");
    assert!(refused.to_string().contains("`city` is missing"), "{refused}");
    let run = db.migrate("people", &new).expect("all of it is safe");
    assert!(run.iter().any(|sql| sql.contains("CREATE INDEX CONCURRENTLY")), "{run:?}");
    assert_eq!(
        db.diff("people", &new).expect("it compares"),
        [],
        "a column that differs in two ways is mended in both"
    );
    let store = db.documents("people", new.clone()).expect("it fits now");
    store.create(document! { "name" => "b", "age" => i64::MAX, "city" => "Oslo" }).expect("it is new");
    assert_eq!(store.count(Query::new()).expect("it counts"), 2);
    let narrower =
        Schema::new("people").field(FieldDef::new("name", Type::I32)).field(FieldDef::new("zip", Type::Text));
    let refused = db.migrate("people", &narrower).expect_err("a person decides");
    assert!(refused.to_string().contains("ALTER COLUMN \"name\" TYPE integer"), "{refused}");
    scratch.client.batch_execute("DROP TABLE people").expect("it is ours");
}

#[test]
fn a_table_of_somebody_elses_is_a_store_as_it_is() {
    let mut scratch = Scratch::new();
    let made = "CREATE TABLE cities (id integer PRIMARY KEY, name varchar(40) NOT NULL, area numeric(12,3), tags text[], \
                founded date, seen timestamp, extra json); \
                INSERT INTO cities VALUES (7, 'Oslo', 480.750, '{fjord,capital}', '1048-01-01', '2024-01-01 12:00', '{\"a\": 1}'), \
                (10, 'Bergen', NULL, NULL, NULL, NULL, NULL)";
    scratch.client.batch_execute(made).expect("it is made");
    let db = open(&scratch, "&create_tables=false");
    let schema = db.describe("cities").expect("every column is read");
    let cities = db.documents("cities", schema).expect("it opens");
    let oslo = cities.read(7).expect("it reads").expect("it is there");
    assert_eq!(oslo["area"], dk_data::Value::Decimal("480.75".parse().expect("a decimal")));
    assert_eq!(oslo["tags"], dk_data::Value::List(vec!["fjord".into(), "capital".into()]));
    assert!(oslo.envelope.created_at().is_none() && oslo.envelope.version().is_some());
    let names = |query: Query<Document>| {
        let rows = cities.search(query).expect("it answers");
        rows.iter().map(|row| row["name"].as_text().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(Query::new().sort(Key::asc("_id"))), ["Oslo", "Bergen"], "by number");
    let stale = oslo.clone();
    cities.patch(7, Changes::set("name", "OSLO")).expect("it is changed");
    assert_eq!(cities.save(stale).err().map(|e| e.kind()), Some(ErrorKind::Conflict), "its version is its transaction");
    let lacks = cities.search(Query::new().sort(Key::asc("_created_at"))).expect_err("there is no such column");
    assert_eq!(lacks.kind(), ErrorKind::Unsupported);
    assert!(lacks.to_string().contains("ADD COLUMN \"_created_at\""), "{lacks}");
}

#[test]
fn sorted_pages_and_equalities_are_served_by_indexes() {
    let mut scratch = Scratch::new();
    let db = open(&scratch, "");
    let store = db.documents("people", people()).expect("it is made");
    store.create_batch((0..5_000).map(ann).collect::<Vec<_>>()).expect("it is written");
    scratch.client.batch_execute("ANALYZE people").expect("it is ours");
    let by = |filter: Filter| Query::new().filter(filter.bind::<Document>(store.schema()).expect("it fits"));
    for filter in
        [Filter::eq("email", "7@x"), Filter::starts_with("name", "ann 77"), Filter::like("name", "ann 4_9", false)]
    {
        let plan = store.server_plan(by(filter.clone())).expect("it is planned");
        assert!(plan.contains("Index"), "{filter}: {plan}");
    }
    let page = store.page(&Query::new().limit(10), None).expect("it answers");
    let plan = store.server_plan(Query::new().limit(10).after(page.next)).expect("it is planned");
    assert!(plan.contains("Index Scan") && !plan.contains("Sort"), "{plan}");
    let explained = store.explain(by(Filter::eq("email", "7@x"))).expect("it is planned");
    assert!(explained.native.contains("\"email\" = $1") && explained.native.contains("7@x"), "{explained}");
}

/// A record with a field of each kind that aggregates differ by.
#[derive(Clone, Debug, PartialEq, dk_data::Record)]
#[record(name = "sales")]
struct Sale {
    city: Option<String>,
    items: Option<u64>,
    price: rust_decimal::Decimal,
    weight: f64,
    paid: bool,
    seller: uuid::Uuid,
}

#[test]
fn aggregates_of_the_server_agree_with_memory() {
    use dk_data::{Aggregating, backend::memory::Memory, query::aggregate::Count};
    let scratch = Scratch::new();
    let sale = |n: u64| Sale {
        city: (!n.is_multiple_of(5)).then(|| ["Oslo", "oslo", "Ålesund", "Bergen"][(n % 4) as usize].to_owned()),
        items: (!n.is_multiple_of(7)).then_some(u64::MAX - n),
        price: rust_decimal::Decimal::new(n as i64 * 37, 2),
        weight: [1e16, 1.0, -1e16, 0.1][(n % 4) as usize],
        paid: n.is_multiple_of(3),
        seller: uuid::Uuid::from_u128(u128::from(n % 3)),
    };
    let sales: Vec<_> = (0..400).map(sale).collect();
    let memory = Memory::new().store::<Sale>().expect("it opens");
    memory.create_batch(&sales).expect("it is written");
    for layout in ["columns", "document"] {
        let db = open(&scratch, &format!("&layout={layout}"));
        let store = db.store_named::<Sale>(layout).expect("it is made");
        store.create_batch(&sales).expect("it is written");
        let terms =
            || (Count, Sale::ITEMS.sum(), Sale::ITEMS.avg(), Sale::PRICE.sum(), Sale::PRICE.max(), Sale::CITY.min());
        let grouped =
            || Query::new().filter(Sale::ITEMS.not_null() | Sale::PAID.eq(true)).group_by((Sale::CITY, Sale::PAID));
        let (here, there) = (memory.aggregate(grouped(), terms()), store.aggregate(grouped(), terms()));
        assert_eq!(here.ok(), Some(there.expect("the server folds")), "{layout}");
        let others = || {
            (
                Sale::PAID.min(),
                Sale::SELLER.max(),
                Sale::CITY.distinct(),
                Sale::PRICE.count_distinct(),
                Sale::WEIGHT.min(),
            )
        };
        let (here, there) = (memory.aggregate(Query::new(), others()), store.aggregate(Query::new(), others()));
        assert_eq!(here.ok(), Some(there.expect("the server folds")), "{layout}");
        let (here, there) =
            (memory.aggregate(Query::new(), Sale::WEIGHT.sum()), store.aggregate(Query::new(), Sale::WEIGHT.sum()));
        let (here, there) = (here.ok().flatten().unwrap_or(f64::NAN), there.ok().flatten().unwrap_or(f64::NAN));
        assert!((here - there).abs() <= 1e-9 * here.abs(), "{layout}: {here} {there}");
        let nothing = store.aggregate(Sale::PRICE.lt(rust_decimal::Decimal::ZERO), (Count, Sale::WEIGHT.avg()));
        assert_eq!(nothing.expect("it answers"), (0, None));
    }
}

/// Two programs, each with a type of its own, write the same record at the same time; each knows a field that the other does not,
/// in the record and in the one inside (semantics 5.10).
#[test]
fn two_programs_with_two_types_lose_nothing_of_each_other() {
    let program = |field: &'static str| {
        let home = Schema::new("home").field(FieldDef::new(field, Type::I64));
        Schema::new("people")
            .field(FieldDef::new(field, Type::I64).nullable())
            .field(FieldDef::new("home", Type::record(home)).nullable())
    };
    let home = Schema::new("home")
        .field(FieldDef::new("a", Type::I64).nullable())
        .field(FieldDef::new("b", Type::I64).nullable());
    let both = Schema::new("people")
        .field(FieldDef::new("a", Type::I64).nullable())
        .field(FieldDef::new("b", Type::I64).nullable())
        .field(FieldDef::new("home", Type::record(home)).nullable());
    let of = |field: &'static str, n: i64| document! { field => n, "home" => document! { field => n } };
    for layout in ["columns", "document"] {
        let scratch = Scratch::new();
        let open = || self::open(&scratch, &format!("&layout={layout}"));
        let whole = open().documents("people", both.clone()).expect("it is made");
        whole.create(Draft::of(document! { "home" => Document::new() }).id("x").expect("an id")).expect("it is new");
        std::thread::scope(|scope| {
            for field in ["a", "b"] {
                let store = open().documents("people", program(field)).expect("it is there");
                scope.spawn(move || {
                    for n in 1..=100 {
                        match n % 3 {
                            0 => store.update("x", of(field, n)).map(drop),
                            1 => store.upsert("x", of(field, n)).map(drop),
                            _ => store
                                .update_batch((0..10).map(|_| Draft::of(of(field, n)).id("x").expect("an id")))
                                .map(drop),
                        }
                        .expect("it is written");
                    }
                });
            }
        });
        let found = whole.read("x").expect("it answers").expect("it is there").record;
        let home = document! { "a" => 100, "b" => 100 };
        assert_eq!(found, document! { "a" => 100, "b" => 100, "home" => home }, "{layout}");
    }
}

/// What a type does not know of a record inside goes with that record (semantics 3.9).
#[test]
fn a_record_that_is_taken_away_leaves_nothing_of_itself_behind() {
    let with = |home: Schema| {
        Schema::new("people")
            .field(FieldDef::new("name", Type::Text))
            .field(FieldDef::new("home", Type::record(home)).nullable())
    };
    let city = || FieldDef::new("city", Type::Text).nullable();
    let small = with(Schema::new("home").field(city()));
    let large = with(Schema::new("home").field(city()).field(FieldDef::new("floor", Type::I32).nullable()));
    for layout in ["columns", "document"] {
        let scratch = Scratch::new();
        let db = open(&scratch, &format!("&layout={layout}"));
        let large = db.documents("people", large.clone()).expect("it is made");
        let small = db.documents("people", small.clone()).expect("it is there");
        let home = || document! { "city" => "Oslo" };
        let lives = |floor: i32| {
            let home = document! { "city" => "Oslo", "floor" => floor };
            Draft::of(document! { "name" => "ann", "home" => home })
        };
        let gone = document! { "name" => "ann" };
        let ids = ["update", "upsert", "batch"];
        for id in ids {
            large.create(lives(3).id(id).expect("an id")).expect("it is new");
        }
        small.update("update", gone.clone()).expect("it is there");
        small.upsert("upsert", gone.clone()).expect("it is there");
        let batch = (0..9).map(|_| Draft::of(gone.clone()).id("batch").expect("an id"));
        small.update_batch(batch).expect("it writes").into_iter().for_each(|outcome| drop(outcome.expect("there")));
        let floor = || Filter::eq(dk_data::record::Path::field("home").then("floor"), 3);
        let third = floor().bind::<Document>(large.schema()).expect("it fits");
        assert_eq!(large.count(third).expect("it counts"), 0, "{layout}: nobody lives there");
        for id in ids {
            small.update(id, document! { "name" => "ann", "home" => home() }).expect("it is there");
            let found = large.read(id).expect("it answers").expect("it is there").record;
            assert_eq!(found, document! { "name" => "ann", "home" => home() }, "{layout}, {id}: another home");
        }
    }
}

#[test]
fn a_table_that_a_transaction_makes_is_in_the_way_of_no_other() {
    let scratch = Scratch::new();
    let db = scratch.config().statement_timeout(Duration::from_secs(5)).connect().expect("the server answers");
    db.transaction(|tx| {
        tx.documents("inside", people())?;
        let beside = db.documents("beside", people()).expect("nobody else makes this table");
        assert_eq!(beside.count(Query::new())?, 0);
        Ok::<_, Error>(())
    })
    .expect("it stands");
}

/// A batch is taken from its caller in blocks, whose length is no promise; what a caller sees is.
#[test]
fn a_batch_of_several_blocks_is_one_and_holds_no_connection_while_its_iterator_runs() {
    const MANY: usize = 70_000;
    let scratch = Scratch::new();
    let db = open(&scratch, "&pool_size=1");
    let schema = Schema::new("numbers").field(FieldDef::new("n", Type::U32));
    let store = db.documents("numbers", schema).expect("it is made");
    // The last id is the first one again, many blocks later.
    let drafts = |words: fn(usize) -> u32| {
        let store = store.clone();
        (0..=MANY).map(move |n| {
            if n == MANY {
                store.count(Query::new()).expect("the pool has a connection for whoever asks meanwhile");
            }
            Draft::of(document! { "n" => words(n) }).id(format!("{}", n % MANY)).expect("it is an id")
        })
    };
    let created = store.create_batch(drafts(|n| n as u32)).expect("it is tried");
    let (last, others) = created.split_last().expect("there are some");
    assert_eq!(last.as_ref().expect_err("the id is taken").kind(), ErrorKind::AlreadyExists);
    assert!(others.iter().enumerate().all(|(n, w)| w.as_ref().is_ok_and(|w| w.id.to_string() == n.to_string())));
    let replaced = store.upsert_batch(drafts(|n| n as u32 + 1)).expect("it is tried");
    assert_eq!(replaced.len(), MANY + 1);
    assert!(replaced.iter().all(|written| written.as_ref().is_ok_and(|w| w.effect == Effect::Updated)));
    let first = store.read("0").expect("it answers").expect("it is there");
    assert_eq!(first.record["n"], dk_data::Value::from(MANY as u32 + 1), "the last one wins");
    assert_eq!(first.envelope.version(), replaced[MANY].as_ref().ok().and_then(|w| w.version.as_ref()));
}

/// Of records that are handed over no more are gathered than a block may weigh, however few they are.
#[test]
fn a_block_of_a_batch_is_bounded_in_bytes_too() {
    const MANY: u32 = 100;
    let scratch = Scratch::new();
    let store = open(&scratch, "").documents("files", Schema::new("files").field(FieldDef::new("data", Type::Bytes)));
    let store = store.expect("it is made");
    let written = Cell::new(0);
    let drafts = (0..MANY).map(|n| {
        if n + 1 == MANY {
            written.set(store.count(Query::new()).expect("nobody holds a connection"));
        }
        document! { "data" => vec![0_u8; 1 << 20] }
    });
    let outcomes = store.create_batch(drafts).expect("it is tried");
    assert!(outcomes.len() == MANY as usize && outcomes.iter().all(Outcome::is_ok));
    assert_eq!(written.get(), 64, "one block was written before the last record was asked for");
}

/// References are checked when all rows are written, and only then does it show that another transaction took one away.
#[test]
fn a_batch_that_loses_to_another_transaction_says_so_at_once() {
    let mut scratch = Scratch::new();
    let sql = "CREATE TABLE countries (id text PRIMARY KEY); INSERT INTO countries VALUES ('NO'); \
               CREATE TABLE cities (id text PRIMARY KEY, country text NOT NULL REFERENCES countries)";
    scratch.client.batch_execute(sql).expect("they are made");
    let proxy = Proxy::before(address(&url()));
    let config = scratch.config_at(&proxy.address()).isolation(Isolation::RepeatableRead);
    let db = config.connect().expect("the server answers");
    let schema = db.describe("cities").expect("it is there");
    let outcomes = db.transaction(|tx| {
        let cities = tx.documents("cities", schema)?;
        cities.count(Query::new())?;
        scratch.client.batch_execute("DELETE FROM countries").expect("nobody holds it");
        proxy.take_log();
        cities.upsert_batch((0..64).map(|n| document! { "id" => n.to_string(), "country" => "NO" }))
    });
    for outcome in outcomes.expect("it is tried") {
        let error = outcome.expect_err("what it refers to is gone");
        assert!(error.kind() == ErrorKind::Conflict && error.is_retryable(), "{error:?}");
    }
    let staged = proxy.take_log().iter().filter(|sql| sql.contains("CREATE TEMPORARY TABLE")).count();
    assert_eq!(staged, 1, "nobody looks for the record that is to blame");
}

/// References are checked when all rows are written: what that says belongs to the record that is wrong, and to no other.
#[test]
fn a_reference_that_leads_nowhere_is_the_failure_of_its_record_alone() {
    let mut scratch = Scratch::new();
    let sql = "CREATE TABLE countries (id text PRIMARY KEY); INSERT INTO countries VALUES ('NO'); \
               CREATE TABLE cities (id text PRIMARY KEY, country text NOT NULL REFERENCES countries)";
    scratch.client.batch_execute(sql).expect("they are made");
    let db = scratch.database();
    let cities = db.documents("cities", db.describe("cities").expect("it is there")).expect("it opens");
    let country = |n: u32| if n == 33 { "nowhere" } else { "NO" };
    let drafts = || (0..40).map(|n| document! { "id" => n.to_string(), "country" => country(n) });
    let is_right = |(n, outcome): (u32, &Outcome)| match outcome {
        Ok(_) => n != 33,
        Err(error) => n == 33 && error.kind() == ErrorKind::Validation,
    };
    for outcomes in [cities.upsert_batch(drafts()), cities.upsert_batch(drafts()), cities.create_batch(drafts())] {
        let outcomes = outcomes.expect("it is tried");
        let created =
            outcomes.iter().filter(|outcome| matches!(outcome, Err(e) if e.kind() == ErrorKind::AlreadyExists));
        match created.count() {
            0 => assert!((0..).zip(&outcomes).all(is_right), "{outcomes:?}"),
            taken => assert_eq!(taken, 39, "{outcomes:?}"),
        }
    }
    assert_eq!(cities.count(Query::new()).expect("it counts"), 39);
}
