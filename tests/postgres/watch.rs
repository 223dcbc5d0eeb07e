//! Changes as they happen: seen from other connections, filtered, with gaps told after a broken connection.

use std::time::{Duration, Instant};

use dk_data::{
    Database, Document, Draft, ErrorKind, FieldDef, Filter, Key, Query, Schema, Store, Transactional, Type,
    backend::postgres::{Event, Layout, Postgres, PostgresConfig, PostgresStore, PostgresWatch},
    document,
};

use crate::server::{self, Scratch, Server};

const SOON: Duration = Duration::from_secs(10);
const NOW: Duration = Duration::from_millis(200);

fn orders() -> Schema {
    Schema::new("orders").field(FieldDef::new("state", Type::Text)).field(FieldDef::new("n", Type::I64).nullable())
}

fn store(db: &Postgres) -> PostgresStore<Document> {
    let store = db.documents("orders", orders()).expect("it is made");
    store.ensure_watch().expect("the table is ours");
    store
}

fn open(store: &PostgresStore<Document>) -> PostgresWatch<Document> {
    store.watch(Filter::eq("state", "open").bind::<Document>(&orders()).expect("it fits")).expect("it listens")
}

fn order(id: &str, state: &str) -> Draft<'static, Document> {
    Draft::of(document! { "state" => state }).id(id).expect("an id")
}

/// The next change in words: `+id`, `-id`, `gap`, `none`.
fn next(watch: &mut PostgresWatch<Document>, wait: Duration) -> String {
    match watch.next_within(wait).expect("the server is there") {
        Some(Event::Written(stored)) => format!("+{}", stored.storage_id()),
        Some(Event::Gone(id)) => format!("-{id}"),
        Some(_) => "gap".to_owned(),
        None => "none".to_owned(),
    }
}

#[test]
fn changes_by_others_are_seen_where_the_predicate_is_true_of_them() {
    let mut scratch = Scratch::new();
    for layout in [Layout::Columns, Layout::Document] {
        let here = scratch.config().layout(layout).connect().expect("the server answers");
        let there = scratch.config().layout(layout).connect().expect("the server answers");
        let (store, others) = (store(&here), self::store(&there));
        let mut open = open(&store);
        others.create(order("a", "open")).expect("it is new");
        assert_eq!(next(&mut open, SOON), "+a");
        others.create(order("b", "done")).expect("it is new");
        others.update("a", document! { "state" => "done" }).expect("it is there");
        assert_eq!(next(&mut open, SOON), "-a", "of `b` nothing is told: it never was open");
        others.update("b", document! { "state" => "open" }).expect("it is there");
        assert_eq!(next(&mut open, SOON), "+b");
        others.delete("b").expect("it is there");
        assert_eq!(next(&mut open, SOON), "-b");

        // What a transaction does comes when it commits, and not at all when it does not.
        let undone: Result<(), dk_data::Error> = there.transaction(|tx| {
            tx.documents("orders", orders())?.create(order("c", "open"))?;
            Err(dk_data::Error::invalid("no"))
        });
        undone.expect_err("it is undone");
        there
            .transaction(|tx| {
                let orders = tx.documents("orders", orders())?;
                orders.create(order("d", "open"))?;
                orders.patch("d", dk_data::Changes::set("n", 7))?;
                assert_eq!(next(&mut open, NOW), "none");
                Ok::<_, dk_data::Error>(())
            })
            .expect("it stands");
        match open.next_within(SOON).expect("the server is there") {
            Some(Event::Written(stored)) => assert_eq!(stored["n"], 7.into(), "the record as it is now"),
            other => panic!("{other:?}"),
        }
        assert_eq!(next(&mut open, NOW), "none", "changes that come together are told as one");
        scratch.client.batch_execute("TRUNCATE orders").expect("the table is ours");
        assert_eq!(next(&mut open, SOON), "gap", "which rows went is not told");
        drop(open);
        scratch.client.batch_execute("DROP TABLE orders; DROP FUNCTION \"orders.watch\"").expect("they are ours");
    }
}

/// One's own writes are known by the versions that they returned, on tables that keep a version and on those where it is the
/// server's own.
#[test]
fn an_event_says_which_record_in_which_version() {
    let mut scratch = Scratch::new();
    for own in [true, false] {
        let mut store = store(&scratch.database());
        if !own {
            scratch.client.batch_execute("ALTER TABLE orders DROP COLUMN _version").expect("the table is ours");
            store = self::store(&scratch.database());
        }
        let mut all = store.watch(Query::new()).expect("it listens");
        let mut told = |written: Option<&dk_data::Version>| {
            let event = all.next_within(SOON).expect("the server is there").expect("it was written");
            assert_eq!(event.id().map(ToString::to_string).as_deref(), Some("a"), "own versions: {own}");
            assert_eq!(event.version(), written, "own versions: {own}");
        };
        let created = store.create(order("a", "open")).expect("it is new").version;
        assert!(created.is_some());
        told(created.as_ref());
        let updated = store.update("a", document! { "state" => "done" }).expect("it is there").version;
        assert_ne!(created, updated);
        told(updated.as_ref());
        scratch.client.batch_execute("UPDATE orders SET n = 1").expect("the table is ours");
        let by_others = store.read("a").expect("it reads").expect("it is there").envelope.version().cloned();
        told(by_others.as_ref());
        assert!(store.delete("a").expect("it is there"));
        told(None);
        scratch.client.batch_execute("TRUNCATE orders").expect("the table is ours");
        let gap = all.next_within(SOON).expect("the server is there").expect("it is told");
        assert_eq!((gap.id(), gap.version()), (None, None));
        scratch.client.batch_execute("DROP TABLE orders").expect("it is ours");
    }
}

#[test]
fn a_batch_is_told_whole_and_ids_of_any_kind_arrive() {
    let scratch = Scratch::new();
    let store = store(&scratch.database());
    let mut all = store.watch(Query::new()).expect("it listens");
    let odd = ["é ü/..%\"'\\", "x".repeat(512).as_str(), "日本", "12", "00000000-0000-7000-8000-000000000000"]
        .map(str::to_owned);
    let ids: Vec<_> = (0..2_500).map(|n| format!("n{n}")).chain(odd).collect();
    for outcome in store.create_batch(ids.iter().map(|id| order(id, "x")).collect::<Vec<_>>()).expect("it writes") {
        outcome.expect("it is new");
    }
    let mut seen = std::collections::BTreeSet::new();
    let start = Instant::now();
    while seen.len() < ids.len() && start.elapsed() < SOON {
        if let Some(Event::Written(stored)) = all.next_within(NOW).expect("the server is there") {
            seen.insert(stored.storage_id().to_string());
        }
    }
    assert_eq!(seen, ids.into_iter().collect());
    assert_eq!(store.delete_where(dk_data::query::All).expect("it deletes"), 2_505);
    let mut gone = 0;
    while gone < 2_505 && start.elapsed() < SOON * 2 {
        gone += u32::from(matches!(all.next_within(NOW).expect("the server is there"), Some(Event::Gone(_))));
    }
    assert_eq!(gone, 2_505);
}

#[test]
fn a_killed_connection_leaves_a_gap_and_the_watch_goes_on() {
    let scratch = Scratch::new();
    let watched = scratch.config().application_name(format!("{}_watch", scratch.name)).connect().expect("it answers");
    let others = store(&scratch.database());
    let mut open = open(&store(&watched));
    others.create(order("a", "open")).expect("it is new");
    assert_eq!(next(&mut open, SOON), "+a");
    assert!(server::terminate(&server::admin_url(), &format!("{}_watch", scratch.name)) > 0);
    others.create(order("b", "open")).expect("it is new");
    assert_eq!(next(&mut open, SOON), "gap");
    others.create(order("c", "open")).expect("it is new");
    let mut last = next(&mut open, SOON);
    if last == "+b" {
        last = next(&mut open, SOON);
    }
    assert_eq!(last, "+c");
    assert_eq!(next(&mut open, NOW), "none");
}

#[test]
fn a_server_that_is_gone_is_an_error_and_not_silence() {
    let mut server = Server::start("");
    let scratch = Scratch::on(server.url());
    let config = scratch.config().connect_timeout(Duration::from_secs(2));
    let store = store(&config.connect().expect("the server answers"));
    let mut open = open(&store);
    server.stop();
    let start = Instant::now();
    let gone = loop {
        match open.next_within(NOW) {
            Err(error) => break error,
            Ok(seen) => assert!(seen.is_none() && start.elapsed() < SOON, "{seen:?}"),
        }
    };
    assert_eq!(gone.kind(), ErrorKind::Connection, "{gone}");
    assert!(start.elapsed() < SOON);
    server.start_again();
    let mut first = open.next_within(SOON);
    while first.is_err() && start.elapsed() < SOON * 3 {
        first = open.next_within(NOW);
    }
    assert!(matches!(first, Ok(Some(Event::Gap))), "{first:?}");
    store.create(order("a", "open")).expect("it is new");
    assert_eq!(next(&mut open, SOON), "+a");
}

#[test]
fn waits_are_bounded_and_a_dropped_watch_gives_its_connection_back() {
    let scratch = Scratch::new();
    let db = scratch.config().pool_size(1).pool_timeout(Duration::from_millis(500)).connect().expect("it answers");
    let store = store(&db);
    let mut open = open(&store);
    for wait in [Duration::ZERO, NOW] {
        let start = Instant::now();
        assert_eq!(next(&mut open, wait), "none");
        assert!(start.elapsed() >= wait && start.elapsed() < wait + Duration::from_secs(2), "{:?}", start.elapsed());
    }
    let busy = store.count(Query::new()).expect_err("the watch has the only connection");
    assert_eq!(busy.kind(), ErrorKind::Timeout);
    drop(open);
    // A busy machine may take longer to connect than the pool waits.
    server::wait_until("the connection is free again", || store.count(Query::new()).is_ok());
    // And the connection that it had is not the one that others get: nobody listens any more.
    store.create(order("a", "open")).expect("it is new");
    let mut scratch = scratch;
    let listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND application_name = $1";
    let name = scratch.name.clone();
    server::wait_until("the connection is closed", || {
        let left: i64 = scratch.client.query_one(listening, &[&name]).expect("it answers").get(0);
        left == 0
    });
}

#[test]
fn what_could_not_be_heard_is_refused() {
    let scratch = Scratch::new();
    let db = scratch.database();
    let store = db.documents("orders", orders()).expect("it is made");
    let silent = store.watch(Query::new()).expect_err("nothing would ever come");
    assert_eq!(silent.kind(), ErrorKind::Configuration, "{silent}");
    assert!(silent.to_string().contains("ensure_watch"), "{silent}");
    for _ in 0..2 {
        store.ensure_watch().expect("once or twice alike");
    }
    let paged = store.watch(Query::<Document>::new().sort(Key::asc("n")).limit(3)).expect_err("changes have no order");
    assert_eq!(paged.kind(), ErrorKind::Query);
    let inside = db.transaction(|tx| tx.documents("orders", orders())?.watch(Query::new()).map(drop));
    assert_eq!(inside.expect_err("it would hear nothing").kind(), ErrorKind::Unsupported);
    // A table that changes its layout goes on telling.
    let shape = std::sync::Arc::new(orders());
    db.relayout::<Document>("orders", shape, Layout::Document).expect("it moves");
    let moved = db.documents("orders", orders()).expect("it is there");
    let mut all = moved.watch(Query::new()).expect("it tells its changes");
    moved.create(order("a", "open")).expect("it is new");
    assert_eq!(next(&mut all, SOON), "+a");
    moved.drop_watch().expect("the table is ours");
    moved.watch(Query::new()).expect_err("nothing would ever come");
}

/// Whoever tells and whoever listens may have come to the table in different ways; a table of the same name elsewhere is another.
#[test]
fn a_watch_hears_its_own_table_by_whatever_way_it_was_reached() {
    let (scratch, other) = (Scratch::new(), Scratch::new());
    let by_path = |scratch: &Scratch| {
        let config = PostgresConfig::from_url(&server::url()).expect("the URL is ours");
        config.options(format!("-c search_path={}", scratch.name)).connect().expect("it answers")
    };
    let (named, found) = (scratch.database(), by_path(&scratch));
    let found = store(&found);
    let named = named.documents("orders", orders()).expect("it is there");
    let (mut one, mut two) = (open(&named), open(&found));
    store(&by_path(&other)).create(order("x", "open")).expect("it is new");
    found.create(order("a", "open")).expect("it is new");
    named.create(order("b", "open")).expect("it is new");
    for watch in [&mut one, &mut two] {
        assert_eq!([next(watch, SOON), next(watch, SOON), next(watch, NOW)], ["+a", "+b", "none"]);
    }
}

#[test]
fn the_rows_of_partitions_are_those_of_their_table() {
    let mut scratch = Scratch::new();
    let make = "CREATE TABLE orders (_id text COLLATE \"C\" PRIMARY KEY, state text COLLATE \"C\" NOT NULL, n bigint) \
                PARTITION BY HASH (_id); \
                CREATE TABLE orders_0 PARTITION OF orders FOR VALUES WITH (MODULUS 2, REMAINDER 0); \
                CREATE TABLE orders_1 PARTITION OF orders FOR VALUES WITH (MODULUS 2, REMAINDER 1)";
    scratch.client.batch_execute(make).expect("the schema is ours");
    let store = store(&scratch.database());
    let mut open = open(&store);
    for id in ["a", "b", "c", "d"] {
        let insert = format!("INSERT INTO orders VALUES ('{id}', 'open')");
        scratch.client.batch_execute(&insert).expect("the table is ours");
        assert_eq!(next(&mut open, SOON), format!("+{id}"));
    }
    scratch.client.batch_execute("TRUNCATE orders").expect("the table is ours");
    assert_eq!(next(&mut open, SOON), "gap");
}

#[test]
fn triggers_that_go_and_come_again_are_noticed() {
    let mut scratch = Scratch::new();
    let store = store(&scratch.database());
    let mut open = open(&store);
    let silent = |open: &mut PostgresWatch<Document>| {
        let start = Instant::now();
        let error = loop {
            match open.next_within(NOW) {
                Err(error) => break error,
                Ok(seen) => assert!(seen.is_none() && start.elapsed() < SOON * 2, "{seen:?}"),
            }
        };
        assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
        open.next_within(Duration::ZERO).expect_err("it stays so");
    };
    store.drop_watch().expect("the table is ours");
    silent(&mut open);
    store.create(order("a", "open")).expect("it is new");
    store.ensure_watch().expect("the table is ours");
    assert_eq!(next(&mut open, SOON), "gap", "of `a` nothing was told");
    store.create(order("b", "open")).expect("it is new");
    assert_eq!(next(&mut open, SOON), "+b");
    // In between two looks, and with nobody who tells.
    store.drop_watch().expect("the table is ours");
    store.create(order("c", "open")).expect("it is new");
    store.ensure_watch().expect("the table is ours");
    assert_eq!(next(&mut open, SOON), "gap");
    for trigger in ["dk_watch", "dk_watch_all"] {
        scratch.client.batch_execute(&format!("DROP TRIGGER {trigger} ON orders")).expect("the table is ours");
        silent(&mut open);
        store.watch(Query::new()).expect_err("not all would come");
        store.ensure_watch().expect("the table is ours");
        assert_eq!(next(&mut open, SOON), "gap");
    }
    scratch.client.batch_execute("TRUNCATE orders").expect("the table is ours");
    assert_eq!(next(&mut open, SOON), "gap");
    assert_eq!(next(&mut open, NOW), "none");
}

#[test]
fn many_may_make_the_same_table_tell_its_changes_at_once() {
    let scratch = Scratch::new();
    let db = scratch.database();
    for round in 0..5 {
        let store = db.documents("orders", orders()).expect("it is made");
        let barrier = std::sync::Barrier::new(12);
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    barrier.wait();
                    store.ensure_watch().unwrap_or_else(|error| panic!("round {round}: {error:?}"));
                });
            }
        });
        let mut open = open(&store);
        store.create(order(&format!("r{round}"), "open")).expect("it is new");
        assert_eq!(next(&mut open, SOON), format!("+r{round}"));
        drop(open);
        store.drop_watch().expect("the table is ours");
    }
}
