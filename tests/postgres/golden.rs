//! The SQL of queries and writes, held against a file, so that a change of it is seen.
//!
//! Where it is meant to change: `DK_GOLDEN=write` makes `tests/postgres/golden.sql` anew, and the difference is read before it is
//! committed. The name of the schema is left out.

use std::{env, fmt::Write, fs, path::Path};

use dk_data::{
    Changes, Database, Document, Draft, FieldDef, Filter, Key, Query, Record, Schema, Store, Type,
    backend::postgres::PostgresStore,
    document,
    query::{Op, Operand},
    record::Path as FieldPath,
};

use crate::{
    proxy::Proxy,
    server::{Scratch, address, url},
};

fn people() -> Schema {
    let home = Schema::new("home").field(FieldDef::new("city", Type::Text).nullable());
    Schema::new("people")
        .field(FieldDef::new("name", Type::Text))
        .field(FieldDef::new("nick", Type::Text).nullable())
        .field(FieldDef::new("age", Type::I32))
        .field(FieldDef::new("score", Type::F32).nullable())
        .field(FieldDef::new("home", Type::record(home)).nullable())
        .field(FieldDef::new("tags", Type::list(Type::Text)))
}

/// A smaller record of the same table.
#[derive(Record, Clone, Debug)]
#[record(name = "people")]
struct Brief {
    name: String,
    home: Option<Place>,
}

#[derive(Record, Clone, Debug)]
struct Place {
    city: Option<String>,
}

fn city() -> FieldPath {
    FieldPath::field("home").then("city")
}

/// The conditions: each operator, on what can be null and what cannot, and what negation makes of it.
fn conditions() -> Vec<Filter> {
    let nick = || Filter::eq("nick", "bo");
    let name = || Filter::eq("name", "ann");
    vec![
        name(),
        nick(),
        Filter::ne("name", "ann"),
        Filter::ne("nick", "bo"),
        Filter::not(Filter::gt("age", 18)),
        Filter::compare("age", Op::Ge, 17.5),
        Filter::lt("age", 3_000_000_000_i64),
        Filter::le("score", 0.1),
        Filter::between("age", 18, 65),
        Filter::not(Filter::between("nick", "a", "b")),
        Filter::is_in("age", [1, 2, 3]),
        Filter::not(Filter::is_in("nick", ["a", "b"])),
        Filter::is_in::<i32>("age", []),
        Filter::is_null("nick"),
        Filter::not(Filter::is_null("nick")),
        Filter::is_null("name"),
        Filter::like("name", "a%_\\%", false),
        Filter::like("nick", "A%", true),
        Filter::not(Filter::like("nick", "%b", false)),
        Filter::starts_with("name", "an"),
        Filter::ends_with("nick", "n%"),
        Filter::contains("name", "n_"),
        Filter::contains("tags", "x"),
        Filter::compare(Operand::Len(FieldPath::field("tags")), Op::Gt, 2),
        Filter::eq(city(), "Oslo"),
        Filter::is_null("home"),
        Filter::eq(FieldPath::field("_metadata").then("source"), "csv"),
        Filter::eq("_id", "a"),
        Filter::and(vec![name(), Filter::or(vec![nick(), Filter::gt("age", 18)])]),
        Filter::not(Filter::and(vec![name(), nick()])),
        Filter::and(vec![]),
        Filter::or(vec![]),
    ]
}

fn orders() -> Vec<Vec<Key<Document>>> {
    vec![
        vec![Key::asc("age")],
        vec![Key::desc("age")],
        vec![Key::asc("nick")],
        vec![Key::desc("nick")],
        vec![Key::asc("nick").nulls_first(), Key::desc("age")],
        vec![Key::desc("_id")],
        vec![Key::asc(city())],
    ]
}

/// Everything that is asked for, with its SQL and parameters.
fn queries(store: &PostgresStore<Document>, out: &mut String) {
    let mut say = |what: &str, plan: dk_data::Plan| writeln!(out, "-- {what}\n{}\n", plan.native).expect("a text");
    for filter in conditions() {
        let bound = filter.clone().bind::<Document>(store.schema()).expect("it fits");
        say(&filter.to_string(), store.explain(Query::new().filter(bound)).expect("a plan"));
    }
    for keys in orders() {
        let named = keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let query = keys.into_iter().fold(Query::new(), Query::sort).limit(2);
        say(&format!("by {named}"), store.explain(&query).expect("a plan"));
        let page = store.page(&query, None).expect("it answers");
        say(&format!("by {named}, the next page"), store.explain(query.after(page.next)).expect("a plan"));
    }
    say("a page without keys", store.explain(Query::new().limit(3).offset(4)).expect("a plan"));
}

/// The statements that verbs send: those of the second time, when everything is prepared.
fn writes(proxy: &Proxy, store: &PostgresStore<Document>, what: &str, out: &mut String) {
    type Do = fn(&PostgresStore<Document>) -> dk_data::Result<()>;
    let verbs: [(&str, Do); 11] = [
        ("create", |s| s.create(Draft::of(ann()).id("new")?).map(drop)),
        ("read", |s| s.read("new").map(drop)),
        ("update", |s| s.update("new", ann()).map(drop)),
        ("save", |s| s.read("new")?.map_or(Ok(()), |row| s.save(row).map(drop))),
        ("upsert", |s| s.upsert("new", ann()).map(drop)),
        ("upsert with metadata", |s| s.upsert("new", Draft::of(ann()).meta("source", "csv")).map(drop)),
        ("update_where", |s| s.update_where(dk_data::query::id().eq("new"), Changes::set("age", 3)).map(drop)),
        ("delete", |s| s.delete("new").map(drop)),
        ("create_batch", |s| s.create_batch(many()?).map(drop)),
        ("upsert_batch", |s| s.upsert_batch(many()?).map(drop)),
        ("delete_batch", |s| s.delete_batch(many()?.iter().filter_map(|d| d.given_id().cloned())).map(drop)),
    ];
    for round in 0..2 {
        for (name, verb) in &verbs {
            proxy.take_log();
            verb(store).unwrap_or_else(|error| panic!("{name}: {error}"));
            let sent = proxy.take_log();
            if round == 1 {
                writeln!(out, "-- {what}: {name}\n{}\n", sent.join(";\n")).expect("a text");
            }
        }
    }
}

fn ann() -> Document {
    document! { "name" => "ann", "age" => 40, "tags" => vec![dk_data::Value::from("x")], "home" => document! { "city" => "Oslo" } }
}

fn many() -> dk_data::Result<Vec<Draft<'static, Document>>> {
    (0..10).map(|n| Draft::of(ann()).id(format!("many {n}"))).collect()
}

#[test]
fn the_sql_is_the_one_that_was_looked_at() {
    let scratch = Scratch::new();
    let proxy = Proxy::before(address(&url()));
    let db = scratch.config_at(&proxy.address()).connect().expect("the server answers");
    let store = db.documents("people", people()).expect("the table is made");
    let first = store.explain(Query::new()).expect("a plan").native;
    let whole = first.split(" FROM ").next().expect("a statement").to_owned();
    let mut sql = format!("-- a whole row\n{whole}\n\n");
    for n in 0..4 {
        let nick = if n % 2 == 0 { dk_data::Value::Null } else { format!("nick {n}").into() };
        let person = document! { "name" => format!("name {n}"), "age" => n, "nick" => nick, "tags" => vec![dk_data::Value::from("x")] };
        store.create(Draft::of(person).id(n.to_string()).expect("an id")).expect("it is new");
    }
    queries(&store, &mut sql);
    let brief = db.store::<Brief>().expect("the same table");
    let projected = brief.explain(Query::new().filter(Brief::NAME.eq("ann")).select::<Named>()).expect("a plan");
    writeln!(sql, "-- a projection\n{}\n", projected.native).expect("a text");
    writes(&proxy, &store, "columns", &mut sql);
    let documents = scratch.config_at(&proxy.address()).layout(dk_data::backend::postgres::Layout::Document);
    let documents = documents.connect().expect("the server answers").documents("notes", people()).expect("made");
    for filter in [Filter::eq("age", 3), Filter::not(Filter::like("nick", "a%", false)), Filter::eq(city(), "Oslo")] {
        let bound = filter.clone().bind::<Document>(documents.schema()).expect("it fits");
        let plan = documents.explain(Query::new().filter(bound)).expect("a plan");
        writeln!(sql, "-- document: {filter}\n{}\n", plan.native).expect("a text");
    }
    writes(&proxy, &documents, "document", &mut sql);
    let (head, rest) = sql.split_at(whole.len() + 20);
    compare(&(head.to_owned() + &rest.replace(&whole, "SELECT ..")).replace(&format!("\"{}\".", scratch.name), ""));
}

/// A part of the record.
#[derive(Record, Clone, Debug)]
#[record(of = Brief)]
struct Named {
    name: String,
}

fn compare(sql: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/postgres/golden.sql");
    if env::var("DK_GOLDEN").is_ok_and(|how| how == "write") {
        fs::write(&path, sql).expect("the file is ours");
    }
    let golden = fs::read_to_string(&path).expect("the file is there");
    let differs = sql.lines().zip(golden.lines()).position(|(now, then)| now != then);
    if let Some(line) = differs {
        let (now, then) = (sql.lines().nth(line), golden.lines().nth(line));
        panic!(
            "line {} is no longer as it was (`DK_GOLDEN=write` accepts it)\n was: {then:?}\n now: {now:?}",
            line + 1
        );
    }
    assert_eq!(sql.lines().count(), golden.lines().count(), "as many statements (`DK_GOLDEN=write` accepts it)");
}
