//! Tables that are there already in databases whose texts are in another order than that of bytes: conditions find the indexes that are
//! there, pages those that `migrate` makes, and all of it means what it means elsewhere.

use dk_data::{
    Database, Document, FieldDef, Filter, Key, Predicate, Query, RunsOn, Schema, Store, Type,
    backend::postgres::{Postgres, PostgresStore},
    document,
};

use crate::server::{Scratch, admin_url, client, url};

/// A database of one test's own, dropped with it.
struct Foreign(String);

impl Foreign {
    fn new(name: &str, locale: &str) -> Foreign {
        let name = format!("{name}_{}", std::process::id());
        let sql = format!("CREATE DATABASE {name} OWNER app TEMPLATE template0 {locale}");
        client(&admin_url()).batch_execute(&sql).expect("the superuser may");
        Foreign(name)
    }
    fn scratch(&self) -> Scratch {
        let (server, _) =
            url().rsplit_once('/').map(|(server, name)| (server.to_owned(), name.to_owned())).expect("a URL");
        Scratch::on(&format!("{server}/{}", self.0))
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.0);
        drop(client(&admin_url()).batch_execute(&sql));
    }
}

/// Providers and orders of which none is that of bytes, or none is known to be.
const LOCALES: [(&str, &str); 2] = [
    ("by_icu", "LOCALE_PROVIDER icu ICU_LOCALE 'und' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"),
    ("by_libc", "LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'"),
];

fn customers() -> Schema {
    Schema::new("cust")
        .field(FieldDef::new("id", Type::Text).id())
        .field(FieldDef::new("email", Type::Text).unique())
        .field(FieldDef::new("name", Type::Text).indexed())
        .field(FieldDef::new("nick", Type::Text).indexed().nullable())
        .field(FieldDef::new("n", Type::I32).nullable())
}

fn by(filter: Filter) -> Query<Document, impl Predicate<Document> + RunsOn<Postgres>> {
    Query::new().filter(filter.bind::<Document>(&customers()).expect("it fits"))
}

#[track_caller]
fn uses_an_index<P>(store: &PostgresStore<Document>, query: Query<Document, P>)
where
    P: Predicate<Document> + RunsOn<Postgres>,
{
    let plan = store.server_plan(&query).expect("it is planned");
    let sorts_all = plan.contains("Sort") && !plan.contains("Incremental Sort");
    assert!(plan.contains("Index") && !plan.contains("Seq Scan") && !sorts_all, "{plan}");
}

#[test]
fn conditions_and_pages_use_the_indexes_in_every_locale() {
    for (name, locale) in LOCALES {
        let database = Foreign::new(name, locale);
        let mut scratch = database.scratch();
        let table = "CREATE TABLE cust (id text PRIMARY KEY, email text NOT NULL UNIQUE, name text NOT NULL, nick text, n integer); \
                     CREATE INDEX by_name ON cust (name); INSERT INTO cust SELECT 'i' || g, 'e' || g || '@x', 'n' || g, \
                     CASE WHEN g % 3 = 0 THEN 'k' || g END, g FROM generate_series(1, 20000) g; \
                     INSERT INTO cust VALUES ('B', 'B', 'B'), ('a', 'a', 'a'), ('É', 'É', 'É'), ('e', 'e', 'e'); VACUUM ANALYZE cust";
        for sql in table.split("; ") {
            scratch.client.batch_execute(sql).expect("the database is ours");
        }
        let db = scratch.database();
        let open = || db.documents("cust", db.describe("cust").expect("it is described")).expect("it opens");
        // As it is there, equality finds what it finds in psql.
        let before = open();
        uses_an_index(&before, by(Filter::eq("email", "e7@x")));
        uses_an_index(&before, by(Filter::is_in("email", ["e7@x", "e8@x"])));
        uses_an_index(&before, by(Filter::eq("_id", "i7")));
        uses_an_index(&before, by(Filter::is_in("id", ["i7", "i8"])));
        uses_an_index(&before, by(Filter::eq("name", "n7")));
        // What is in the order of bytes has to be made, without taking anything away.
        db.migrate("cust", &customers()).expect("all of it is safe");
        assert!(db.diff("cust", &customers()).expect("it compares").iter().all(|d| !d.safe && !d.needed));
        scratch.client.batch_execute("ANALYZE cust").expect("the table is ours");
        for dropped in ["", "DROP INDEX by_name"] {
            // Then the index that `migrate` made is the only one, in a locale where it made one.
            scratch.client.batch_execute(dropped).expect("it is there");
            db.migrate("cust", &customers()).expect("all of it is safe");
            let cust = db.documents("cust", customers()).expect("it opens");
            for field in ["email", "name", "nick"] {
                uses_an_index(&cust, by(Filter::eq(field, "n77")));
                uses_an_index(&cust, by(Filter::is_in(field, ["n77", "n78"])));
                uses_an_index(&cust, by(Filter::starts_with(field, "n777")));
                uses_an_index(&cust, by(Filter::like(field, "n777%", false)));
                uses_an_index(&cust, by(Filter::between(field, "n777", "n7777")));
                for key in [Key::asc(field), Key::desc(field)] {
                    uses_an_index(&cust, by(Filter::all()).sort(key).limit(10));
                }
            }
            uses_an_index(&cust, by(Filter::all()).limit(10));
            uses_an_index(&cust, by(Filter::all()).sort(Key::desc("_id")).limit(10));
            let page = cust.page(&by(Filter::all()).limit(10), None).expect("it answers");
            uses_an_index(&cust, by(Filter::all()).limit(10).after(page.next));
            let first = cust.search(by(Filter::lt("name", "n")).sort(Key::asc("name"))).expect("it answers");
            let names: Vec<_> = first.iter().filter_map(|row| row["name"].as_text()).collect();
            assert_eq!(names, ["B", "a", "e"], "{locale}: by bytes");
            assert_eq!(cust.count(by(Filter::starts_with("name", "n777"))).expect("it counts"), 11);
            assert_eq!(cust.count(by(Filter::eq("name", "É"))).expect("it counts"), 1);
        }
        let taken = open().create(document! { "id" => "x", "email" => "a", "name" => "x" });
        assert!(taken.is_err(), "it is unique as before");
    }
}

#[test]
fn texts_that_the_table_takes_for_equal_are_told_apart() {
    let mut scratch = Scratch::new();
    let table = "CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false); \
                 CREATE TABLE cust (id text COLLATE \"C\" PRIMARY KEY, name text COLLATE ci, tags text[] COLLATE ci); \
                 CREATE INDEX ON cust (name); INSERT INTO cust VALUES ('1', 'Ann', '{Tall}'), ('2', 'ann', '{tall}')";
    scratch.client.batch_execute(table).expect("the schema is ours");
    let db = scratch.database();
    let schema = db.describe("cust").expect("it is described");
    let cust = db.documents("cust", schema.clone()).expect("it opens");
    for filter in [Filter::eq("name", "ann"), Filter::is_in("name", ["ann", "x"]), Filter::contains("tags", "tall")] {
        let found = filter.clone().bind::<Document>(&schema).expect("it fits");
        assert_eq!(cust.count(found).expect("it counts"), 1, "{filter}");
    }
}
