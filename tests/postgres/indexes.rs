//! Indexes that the configuration asks for: on expressions, on several fields, of some of the rows.

use dk_data::{
    Database, Document, ErrorKind, Filter, Key, Path, Query, Record, Schema, Store,
    backend::postgres::{Layout, Postgres, PostgresIndex, PostgresStore},
    document,
};

use crate::server::Scratch;

#[derive(Record, Clone, Debug)]
#[record(name = "orders")]
struct Order {
    #[record(id)]
    id: i64,
    customer: String,
    state: String,
    day: Option<u32>,
    tags: Vec<String>,
}

fn order(id: i64) -> Order {
    Order {
        id,
        customer: format!("Customer {:04}", id * 7_919 % 5_000),
        state: if id % 50 == 0 { "it's \"open\" $1" } else { "done" }.to_owned(),
        day: (id % 7 != 0).then_some(u32::try_from(id % 3_000).expect("small")),
        tags: (0..id % 5).map(|n| n.to_string()).collect(),
    }
}

fn open_orders() -> Filter {
    Filter::eq("state", "it's \"open\" $1")
}

fn indexes() -> [PostgresIndex; 4] {
    [
        PostgresIndex::new("orders", "folded").by_folded("customer"),
        PostgresIndex::new("orders", "open").by("customer").by_desc("day").only(open_orders()),
        PostgresIndex::new("orders", "tags").by(dk_data::query::Operand::Len(Path::field("tags"))),
        PostgresIndex::new("orders", "source").by(Path::field("_metadata").then("source")),
    ]
}

fn database(scratch: &Scratch, indexes: impl IntoIterator<Item = PostgresIndex>) -> Postgres {
    let config = indexes.into_iter().fold(scratch.config(), dk_data::backend::postgres::PostgresConfig::index);
    config.connect().expect("the server answers")
}

fn orders(scratch: &mut Scratch, db: &Postgres) -> PostgresStore<Order> {
    let store = db.store::<Order>().expect("the table is made");
    for outcome in store.create_batch((0..5_000).map(order)).expect("it writes") {
        outcome.expect("it is new");
    }
    scratch.client.batch_execute("VACUUM ANALYZE orders").expect("the table is ours");
    store
}

/// The names of the table's indexes, without their checksums.
fn names(scratch: &mut Scratch) -> Vec<String> {
    let sql = "SELECT indexname::text FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1";
    let rows = scratch.client.query(sql, &[]).expect("the catalogue answers");
    rows.iter().map(|row| row.get::<_, String>(0)).map(|name| name.split('~').next().unwrap_or("").to_owned()).collect()
}

#[test]
fn what_is_asked_as_it_is_indexed_is_found_by_the_index() {
    let mut scratch = Scratch::new();
    let db = database(&scratch, indexes());
    let store = orders(&mut scratch, &db);
    let planned = |query: Query<Order, dk_data::Bound<Order>>, index: &str| {
        let plan = store.server_plan(&query).expect("it is planned");
        assert!(plan.contains(&format!("orders.{index}~")) && !plan.contains("Seq Scan"), "not by {index}:\n{plan}");
    };
    let asked = |filter: Filter| Query::new().filter(filter.bind(store.schema()).expect("it fits")).dynamic();
    let asked = |filter| asked(filter).expect("it has a data form");
    planned(asked(Filter::like("customer", "cUSTOMER 00%", true)), "folded");
    planned(asked(open_orders().and_also(Filter::ge("customer", "Customer 49"))), "open");
    planned(asked(Filter::eq(dk_data::query::Operand::Len(Path::field("tags")), 4)), "tags");
    planned(asked(Filter::eq(Path::field("_metadata").then("source"), "csv")), "source");
    let sorted = asked(open_orders()).sort(Order::CUSTOMER.asc()).sort(Order::DAY.desc()).limit(5);
    planned(sorted, "open");
    // And the answers are those of a table without.
    let found = store.count(asked(open_orders())).expect("it counts");
    assert_eq!(found, (0..5_000).filter(|id| id % 50 == 0).count() as u64);
    assert!(store.count(asked(Filter::like("customer", "CUSTOMER 00%", true))).expect("it counts") == 100);
}

#[test]
fn they_are_made_once_compared_and_replaced() {
    let mut scratch = Scratch::new();
    let plain = scratch.database();
    plain.ensure::<Order>().expect("it is made");
    assert_eq!(names(&mut scratch), ["orders_pkey"]);
    let db = database(&scratch, indexes());
    let schema = <Order as dk_data::Typed>::SCHEMA;
    let missing = db.diff("orders", schema).expect("it compares");
    assert_eq!(missing.len(), 4, "{missing:?}");
    assert!(missing.iter().all(|d| d.safe && d.sql.contains("INDEX CONCURRENTLY")), "{missing:?}");
    for _ in 0..2 {
        db.ensure::<Order>().expect("they are made, once");
        assert_eq!(
            names(&mut scratch),
            ["orders.folded", "orders.open", "orders.source", "orders.tags", "orders_pkey"]
        );
        assert_eq!(db.diff("orders", schema).expect("it compares"), []);
    }
    let other = database(&scratch, [PostgresIndex::new("orders", "open").by("day").only(open_orders())]);
    let changed = other.diff("orders", schema).expect("it compares");
    assert_eq!(changed.len(), 2, "the new one is missing, the old one is in the way: {changed:?}");
    assert_eq!(other.migrate("orders", schema).expect("both are safe").len(), 2);
    assert_eq!(other.diff("orders", schema).expect("it compares"), []);
    assert_eq!(names(&mut scratch).iter().filter(|name| *name == "orders.open").count(), 1);
}

#[test]
fn a_unique_one_of_some_rows_keeps_those_apart_and_is_not_made_over_rows_that_share() {
    let mut scratch = Scratch::new();
    let unique = || PostgresIndex::new("orders", "one_open").by("customer").unique().only(open_orders());
    let store = database(&scratch, [unique()]).store::<Order>().expect("the table is made");
    let make = |id: i64, state: i64| Order { id, customer: "Ann".to_owned(), ..order(state) };
    store.create(make(1, 0)).expect("it is the first");
    store.create(make(2, 1)).expect("it is not open");
    let taken = store.create(make(3, 0)).expect_err("another one is open");
    assert_eq!(taken.kind(), ErrorKind::AlreadyExists, "{taken}");
    assert_eq!(store.count(Query::new()).expect("it counts"), 2);

    let name: String = scratch
        .client
        .query_one("SELECT indexname::text FROM pg_indexes WHERE schemaname = current_schema() AND indexname LIKE 'orders.one%'", &[])
        .expect("it is there")
        .get(0);
    scratch.client.batch_execute(&format!("DROP INDEX \"{name}\"")).expect("it is ours");
    store.create(make(3, 0)).expect("nothing keeps them apart");
    let db = database(&scratch, [unique()]);
    for _ in 0..2 {
        let shared = db.ensure::<Order>().expect_err("two rows share the value");
        assert_eq!(shared.kind(), ErrorKind::AlreadyExists, "{shared}");
    }
    store.delete(3).expect("it is there");
    db.ensure::<Order>().expect("now it can be made");
    assert_eq!(names(&mut scratch), ["orders.one_open", "orders_pkey"]);
}

#[test]
fn they_follow_documents_and_a_change_of_layout() {
    let mut scratch = Scratch::new();
    let index = PostgresIndex::new("things", "by_size").by("size").only_sql("true");
    let config = scratch.config().layout(Layout::Document).index(index);
    let db = config.connect().expect("the server answers");
    let things = db.documents("things", Schema::open("things")).expect("it is made");
    things.create_batch((0..2_000).map(|n| document! { "size" => n }).collect::<Vec<_>>()).expect("it writes");
    scratch.client.batch_execute("VACUUM ANALYZE things").expect("the table is ours");
    let by_size = |n: i32| Filter::eq("size", n).bind::<Document>(&Schema::open("things")).expect("it fits");
    let plan = things.server_plan(by_size(7)).expect("it is planned");
    assert!(plan.contains("things.by_size~"), "{plan}");
    drop(things);
    let shape = std::sync::Arc::new(Schema::open("things"));
    assert_eq!(db.relayout::<Document>("things", shape, Layout::Columns).expect("it moves"), 2_000);
    let things = db.documents("things", Schema::open("things")).expect("it is there");
    scratch.client.batch_execute("VACUUM ANALYZE things").expect("the table is ours");
    let plan = things.server_plan(by_size(7)).expect("it is planned");
    assert!(plan.contains("things.by_size~"), "{plan}");
    let sorted = Query::<Document>::new().sort(Key::asc("size")).limit(1);
    assert_eq!(things.search(sorted).expect("it reads")[0]["size"], 0.into());
}

#[test]
fn what_cannot_be_indexed_is_told_with_the_name_of_the_index() {
    let scratch = Scratch::new();
    for (index, why) in [
        (PostgresIndex::new("orders", "wrong").by("custommer"), "did you mean `customer`"),
        (PostgresIndex::new("orders", "wrong"), "without keys"),
        (PostgresIndex::new("orders", "wrong").by("day").only(Filter::eq("day", "x")), "wrong"),
    ] {
        let error = database(&scratch, [index]).store::<Order>().err().expect("it is refused");
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        assert!(error.to_string().contains(why) && error.to_string().contains("`wrong`"), "{error}");
    }
}
