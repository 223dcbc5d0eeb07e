//! Streams: bounded memory, one moment, nothing left behind on the server, in parts, and beside writes in a transaction.

use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use dk_data::{
    CancelToken, Changes, Database, Error, ErrorKind, Limits, Query, Record, Result, Split, Store, Transactional,
    backend::postgres::PostgresStore,
};

use crate::{
    proxy::Proxy,
    server::{Scratch, address, url, wait_until},
};

#[derive(Record, Clone, Debug, PartialEq)]
#[record(name = "things")]
struct Thing {
    #[record(id)]
    id: i64,
    n: i64,
    text: String,
}

fn fill(store: &PostgresStore<Thing>, count: i64, bytes: usize) {
    let text = "x".repeat(bytes);
    let things = (0..count).map(|id| Ok(Thing { id, n: 0, text: text.clone() }));
    let loaded = store.load(things, |outcome| drop(outcome.expect("it is new"))).expect("it loads");
    assert_eq!(loaded.created, count.cast_unsigned());
}

#[test]
fn a_stream_holds_a_fraction_of_its_result() {
    const COUNT: i64 = 20_000;
    const BYTES: usize = 4_000;
    let (scratch, proxy) = (Scratch::new(), Proxy::before(address(&url())));
    let db = scratch.config_at(&proxy.address()).connect().expect("it answers");
    let store = db.store::<Thing>().expect("the table is made");
    fill(&store, COUNT, BYTES);
    let whole = usize::try_from(COUNT).expect("small") * BYTES;
    let before = proxy.relayed();
    let mut rows = store.stream(Query::new()).expect("it streams");
    for _ in 0..100 {
        rows.next().expect("there are more").expect("it reads");
    }
    // Whatever would come by itself has had its time.
    thread::sleep(Duration::from_millis(300));
    let read_ahead = proxy.relayed() - before;
    assert!(read_ahead < whole / 4, "{read_ahead} of {whole} bytes were taken for 100 of {COUNT} records");
    let rest = rows.map(|row| row.expect("it reads").id).collect::<BTreeSet<_>>();
    assert_eq!(rest.len(), usize::try_from(COUNT).expect("small") - 100);
    assert!(proxy.relayed() - before >= whole, "all of it has come through here");
}

/// The server's processes of this test that work on something.
fn at_work(scratch: &mut Scratch) -> i64 {
    let name = scratch.name.clone();
    let asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND state <> 'idle'";
    scratch.client.query_one(asked, &[&name]).expect("it answers").get(0)
}

#[test]
fn a_stream_that_is_dropped_leaves_no_work_on_the_server() {
    let mut scratch = Scratch::new();
    let store =
        scratch.config().pool_size(2).connect().expect("it answers").store::<Thing>().expect("the table is made");
    fill(&store, 20_000, 1_000);
    for _ in 0..5 {
        let mut rows = store.stream(Query::new().sort(Thing::ID.desc())).expect("it streams");
        assert!(rows.next().is_some_and(|row| row.is_ok()));
    }
    wait_until("the server works on nothing of ours", || at_work(&mut scratch) == 0);
    assert_eq!(store.count(Query::new()).ok(), Some(20_000), "the pool of two is not used up");
}

#[test]
fn a_stream_shows_one_moment_while_others_write() {
    let scratch = Scratch::new();
    let store = scratch.database().store::<Thing>().expect("the table is made");
    fill(&store, 5_000, 100);
    let mut rows = store.with(Limits::default().chunk(100)).stream(Query::new()).expect("it streams");
    let first = rows.next().expect("there are some").expect("it reads").id;
    store.update_where(Thing::ID.ge(0), Changes::add("n", 1)).expect("it writes");
    store.delete_where(Thing::ID.ge(2_500)).expect("it writes");
    let mut seen = BTreeSet::from([first]);
    for row in rows {
        let row = row.expect("it reads");
        assert_eq!(row.n, 0, "the record as it was when the stream began");
        assert!(seen.insert(row.id), "each once");
    }
    assert_eq!(seen.len(), 5_000);
}

#[test]
fn a_stream_in_a_transaction_goes_on_beside_writes() {
    let scratch = Scratch::new();
    let db = scratch.database();
    let store = db.store::<Thing>().expect("the table is made");
    fill(&store, 2_000, 10);
    let seen = db.transaction(|tx| -> Result<usize> {
        let store = tx.store::<Thing>()?;
        let mut seen = 0;
        for row in store.with(Limits::default().chunk(50)).stream(Query::new())? {
            let row = row?;
            store.patch(row.id, Changes::add("n", 1))?;
            seen += 1;
        }
        Ok(seen)
    });
    assert_eq!(seen.expect("it commits"), 2_000);
    assert_eq!(store.count(Thing::N.eq(1_i64)).ok(), Some(2_000));
}

#[test]
fn a_stream_in_a_transaction_ends_at_its_deadline_and_the_transaction_goes_on() {
    let mut scratch = Scratch::new();
    let db = scratch.database();
    let store = db.store::<Thing>().expect("the table is made");
    fill(&store, 2_000, 10);
    let slow = "CREATE VIEW slow AS SELECT id, n, text FROM things \
                WHERE (SELECT true FROM pg_sleep(CASE WHEN id < 1000 THEN 0 ELSE 0.02 END))";
    scratch.client.batch_execute(slow).expect("the table is ours");
    let started = Instant::now();
    let counted = db.transaction(|tx| {
        let things = tx.store::<Thing>()?;
        things.patch(0, Changes::add("n", 1))?;
        let limits = || Limits::default().deadline_in(Duration::from_millis(700)).chunk(500);
        let mut rows = tx.store_named::<Thing>("slow")?.with(limits()).stream(Query::new())?;
        let read = rows.by_ref().take_while(Result::is_ok).count();
        assert_eq!(read, 1_000, "the second half takes the server twenty seconds");
        drop(rows);
        // The same of an answer that comes at once.
        let late = tx.store_named::<Thing>("slow")?.with(limits()).count(Query::new()).expect_err("it is too slow");
        assert_eq!(late.kind(), ErrorKind::Timeout, "{late}");
        things.count(Thing::N.eq(1_i64))
    });
    assert_eq!(counted.expect("it commits"), 1);
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    assert_eq!(store.count(Thing::N.eq(1_i64)).ok(), Some(1));
}

#[test]
fn a_stream_in_a_transaction_says_that_it_was_too_slow_or_cancelled() {
    let scratch = Scratch::new();
    let db = scratch.database();
    fill(&db.store::<Thing>().expect("the table is made"), 1_000, 10);
    let token = CancelToken::new();
    let run = |limits: Limits, stop: &dyn Fn()| {
        db.transaction(|tx| {
            let mut rows = tx.store::<Thing>()?.with(limits).stream(Query::new())?;
            assert!(rows.next().is_some_and(|row| row.is_ok()));
            stop();
            let error = rows.find_map(Result::err).expect("it is stopped");
            assert!(rows.next().is_none(), "nothing comes behind that");
            tx.store::<Thing>()?.count(Query::new())?;
            Ok::<_, Error>(error.kind())
        })
    };
    let short = || Limits::default().chunk(10).deadline_in(Duration::from_millis(300));
    let late = run(short(), &|| thread::sleep(Duration::from_millis(400)));
    assert_eq!(late.expect("it commits"), ErrorKind::Timeout);
    let cancelled = run(Limits::default().chunk(10).cancel(&token), &|| token.set());
    assert_eq!(cancelled.expect("it commits"), ErrorKind::Cancelled);
}

#[test]
fn a_stream_may_outlive_the_handles_it_came_from_and_change_its_thread() {
    let scratch = Scratch::new();
    let mut rows = {
        let db = scratch.database();
        let store = db.store::<Thing>().expect("the table is made");
        fill(&store, 3_000, 10);
        store.stream(Query::new()).expect("it streams")
    };
    let first = rows.next().expect("there are some").map(|row| row.id);
    assert!(first.is_ok());
    let rest = thread::spawn(move || rows.filter(Result::is_ok).count());
    assert_eq!(rest.join().expect("it does not panic"), 2_999);
}

#[test]
fn a_stream_of_an_ended_transaction_is_an_error_and_no_short_answer() {
    let scratch = Scratch::new();
    let db = scratch.database();
    let store = db.store::<Thing>().expect("the table is made");
    fill(&store, 1_000, 10);
    let mut rows = db
        .transaction(|tx| {
            let store = tx.store::<Thing>()?.with(Limits::default().chunk(10));
            let mut rows = store.stream(Query::new())?;
            rows.next().ok_or_else(|| Error::not_found("a row"))??;
            Ok::<_, Error>(rows)
        })
        .expect("it commits");
    let rest: Vec<_> = rows.by_ref().collect();
    assert!(rest.len() < 20 && rest.last().is_some_and(|row| row.is_err()), "{} rows", rest.len());
}

/// Connections of a test that hold a transaction.
const HELD: &str = "SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND xact_start IS NOT NULL";

/// Two that take several connections each would else wait for each other until the pool's time is over.
#[test]
fn parts_wait_for_no_connection_that_others_hold() {
    let scratch = Scratch::new();
    let db = scratch.config().pool_size(4).pool_timeout(Duration::from_secs(30)).connect().expect("it answers");
    let store = db.store::<Thing>().expect("the table is made");
    fill(&store, 2_000, 200);
    let first = store.streams(Query::new(), 100).expect("it streams");
    let sessions =
        |parts: &[_]| (parts.len(), scratch.connect().query(HELD, &[&scratch.name]).expect("it answers").len());
    assert_eq!(sessions(&first), (100, 3), "one connection is left");
    store.create(Thing { id: -1, n: 0, text: String::new() }).expect("it takes that one");
    let second = store.streams(Query::new(), 100).expect("it streams over that one");
    assert_eq!(sessions(&second), (100, 4));
    let count = |parts: Vec<_>| parts.into_iter().flatten().filter(Result::is_ok).count();
    assert_eq!((count(second), count(first)), (2_001, 2_000));
    assert_eq!(store.streams(Query::new(), 2).map(|parts| parts.len()).ok(), Some(2), "all are back");
    let in_transaction = |tx: &dk_data::backend::postgres::PostgresTransaction<'_>| {
        let parts = tx.store::<Thing>()?.streams(Query::new(), 5)?;
        Ok::<_, Error>((parts.len(), count(parts)))
    };
    assert_eq!(db.transaction(in_transaction).ok(), Some((5, 2_001)), "one has them all");
}
