//! A server that takes a statement and says nothing more, while the connection stays open: nobody waits for ever.

use std::time::{Duration, Instant};

use dk_data::{
    Changes, Database, Document, Draft, ErrorKind, FieldDef, Limits, Query, Schema, Store, Type,
    backend::postgres::{Postgres, PostgresConfig, PostgresStore},
    document,
};

use crate::{
    proxy::{Cut, Proxy},
    server::{Scratch, address, url},
};

fn counters() -> Schema {
    Schema::new("counters").field(FieldDef::new("n", Type::I64))
}

/// A store behind a proxy that can fall silent.
struct Line {
    scratch: Scratch,
    proxy: Proxy,
    store: PostgresStore<Document>,
}

impl Line {
    fn new(with: impl FnOnce(PostgresConfig) -> PostgresConfig) -> Line {
        let scratch = Scratch::new();
        let proxy = Proxy::before(address(&url()));
        let config = with(scratch.config_at(&proxy.address()));
        let db: Postgres = config.connect().expect("the server answers");
        let store = db.documents("counters", counters()).expect("the table is made");
        store.create(Draft::of(document! { "n" => 1 }).id("a").expect("an id")).expect("nothing is armed");
        Line { scratch, proxy, store }
    }

    fn count(&mut self) -> i64 {
        self.scratch.client.query_one("SELECT sum(n)::bigint FROM counters", &[]).expect("it answers").get(0)
    }
}

/// Runs something that must end in good time.
#[track_caller]
fn soon<T>(within: Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    assert!(start.elapsed() < within, "it took {:?}", start.elapsed());
    done
}

#[test]
fn a_deadline_holds_where_the_server_is_silent() {
    let line = Line::new(|config| config.silence(None));
    line.proxy.stall(true);
    let store = line.store.with(Limits::default().deadline_in(Duration::from_millis(400)));
    let late = soon(Duration::from_secs(8), || store.read("a")).expect_err("nothing comes");
    assert_eq!(late.kind(), ErrorKind::Timeout, "{late:?}");
    // The first statement of a write is let through, its answer is not.
    line.proxy.stall(false);
    assert_eq!(line.store.count(Query::new()).ok(), Some(1), "the pool has recovered");
    line.proxy.cut_next("insert", Cut::Silence);
    let store = line.store.with(Limits::default().deadline_in(Duration::from_millis(400)));
    let late = soon(Duration::from_secs(8), || store.create(document! { "n" => 1 })).expect_err("nothing comes");
    assert_eq!(late.kind(), ErrorKind::Ambiguous, "it may have been written: {late:?}");
}

#[test]
fn a_stream_with_a_deadline_ends_where_the_server_is_silent() {
    let line = Line::new(|config| config.silence(None));
    let fill = (0..20_000).map(|n| document! { "n" => n });
    line.store.create_batch(fill).expect("it is written").into_iter().for_each(|outcome| drop(outcome.expect("new")));
    let store = line.store.with(Limits::default().deadline_in(Duration::from_secs(1)));
    let mut rows = store.stream(Query::new()).expect("it begins");
    assert!(rows.next().is_some_and(|row| row.is_ok()));
    line.proxy.stall(true);
    let last = soon(Duration::from_secs(8), || rows.find_map(Result::err)).expect("it is not whole");
    assert!(matches!(last.kind(), ErrorKind::Timeout | ErrorKind::Connection), "{last:?}");
}

#[test]
fn without_a_deadline_a_server_that_answers_nobody_is_given_up() {
    let second = Duration::from_secs(1);
    let line = Line::new(|config| config.silence(Some(second)).connect_timeout(3 * second).pool_timeout(second));
    line.proxy.stall(true);
    let lost = soon(Duration::from_secs(40), || line.store.read("a")).expect_err("nothing comes");
    assert!(matches!(lost.kind(), ErrorKind::Connection | ErrorKind::Timeout), "{lost:?}");
}

#[test]
fn an_answer_that_the_network_has_swallowed_is_asked_for_again_or_looked_for() {
    let mut line = Line::new(|config| config.silence(Some(Duration::from_millis(300))));
    line.proxy.cut_next("select", Cut::Silence);
    let read = soon(Duration::from_secs(15), || line.store.read("a")).expect("a read is asked again");
    assert!(read.is_some() && line.proxy.struck() == 1);
    line.proxy.cut_next("update", Cut::Silence);
    soon(Duration::from_secs(15), || line.store.patch("a", Changes::add("n", 1))).expect("it is found to be done");
    // The connection is a new one: it prepares the statement first.
    line.proxy.cut_nth("insert", 2, Cut::Silence);
    soon(Duration::from_secs(15), || line.store.create(document! { "n" => 10 })).expect("it is found to be done");
    assert_eq!((line.proxy.struck(), line.count()), (3, 12), "each was done once");
}

#[test]
fn a_statement_that_takes_long_is_waited_for() {
    let mut line = Line::new(|config| config.silence(Some(Duration::from_millis(200))));
    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
                $$ BEGIN PERFORM pg_sleep(2.5); RETURN NEW; END $$; \
                CREATE TRIGGER slow BEFORE INSERT ON counters FOR EACH ROW EXECUTE FUNCTION slow()";
    line.scratch.client.batch_execute(slow).expect("the schema is ours");
    let before = line.proxy.accepted();
    let start = Instant::now();
    line.store.create(document! { "n" => 1 }).expect("it is written");
    assert!(start.elapsed() >= Duration::from_millis(2_400));
    assert!(line.proxy.accepted() > before, "the server was asked meanwhile");
    assert_eq!(line.count(), 2);
}
