//! Faults of a server: killed under load, stopped by a time-out, out of space, undoing transactions that met each other.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use dk_data::{
    Changes, Database, Document, Error, ErrorKind, Key, Limits, Query, Record, Result, Schema, Store, Transactional,
    backend::postgres::{Isolation, Postgres, PostgresConfig, PostgresStore},
    document,
};

use crate::{
    proxy::Proxy,
    server::{Scratch, Server, address, client, terminate, url, wait_until},
};

#[derive(Record, Clone, Debug, PartialEq)]
#[record(name = "accounts")]
struct Account {
    #[record(id)]
    key: String,
    n: i64,
}

fn account(key: impl Into<String>, n: i64) -> Account {
    Account { key: key.into(), n }
}

// ---- killed under load

const THREADS: usize = 16;
/// How often the server is killed.
const KILLS: usize = 4;

/// What a writer knows of its records: the value that is there, and those that may be there instead.
#[derive(Default)]
struct Ledger {
    sure: BTreeMap<String, Option<i64>>,
    perhaps: BTreeMap<String, Vec<Option<i64>>>,
    /// Of the shared counters: increments acknowledged, and increments of which nothing is known.
    added: [u64; 4],
    maybe_added: [u64; 4],
    acknowledged: u64,
    ambiguous: u64,
    failed: u64,
}

impl Ledger {
    /// Takes down what became of a write that would have left `value`.
    fn note<T>(&mut self, key: &str, value: Option<i64>, outcome: Result<T>) {
        match outcome {
            Ok(_) => {
                self.sure.insert(key.to_owned(), value);
                self.perhaps.remove(key);
                self.acknowledged += 1;
            }
            Err(error) if error.kind() == ErrorKind::Ambiguous => {
                self.perhaps.entry(key.to_owned()).or_default().push(value);
                self.ambiguous += 1;
            }
            Err(error) => self.was_not_done(&error),
        }
    }

    fn was_not_done(&mut self, error: &Error) {
        let honest = matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout);
        assert!(honest && error.is_retryable(), "a killed server is no {error:?}");
        self.failed += 1;
        thread::sleep(Duration::from_millis(10));
    }

    /// Whether a record may be as it was found.
    fn allows(&self, key: &str, found: Option<i64>) -> bool {
        let perhaps = self.perhaps.get(key).is_some_and(|values| values.contains(&found));
        perhaps || self.sure.get(key).copied().flatten() == found
    }
}

/// Writes of all kinds, until it is told to stop.
fn write_on(store: &PostgresStore<Account>, worker: usize, stop: &AtomicBool) -> Ledger {
    let mut ledger = Ledger::default();
    for round in 0_i64.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let own = |name: &str| format!("w{worker:02}-{name}");
        let fresh = own(&format!("r{round}"));
        ledger.note(&fresh, Some(round), store.create(account(&fresh, round)));
        ledger.note(&own("upserted"), Some(round), store.upsert(own("upserted"), account(own("upserted"), round)));
        if round % 5 == 1 {
            let old = own(&format!("r{}", round - 1));
            ledger.note(&old, None, store.delete(&*old));
        }
        if round % 7 == 0 {
            let keys: Vec<String> = (0..20).map(|n| own(&format!("b{round}-{n}"))).collect();
            match store.create_batch(keys.iter().map(|key| account(key, round))) {
                Ok(outcomes) => {
                    keys.iter().zip(outcomes).for_each(|(key, outcome)| ledger.note(key, Some(round), outcome))
                }
                Err(error) if error.kind() == ErrorKind::Ambiguous => {
                    keys.iter().for_each(|key| ledger.perhaps.entry(key.clone()).or_default().push(Some(round)));
                }
                Err(error) => ledger.was_not_done(&error),
            }
        }
        let counter = usize::try_from(round).unwrap_or(0) % 4;
        match store.patch(format!("counter{counter}"), Changes::add("n", 1)) {
            Ok(_) => ledger.added[counter] += 1,
            Err(error) if error.kind() == ErrorKind::Ambiguous => ledger.maybe_added[counter] += 1,
            Err(error) => ledger.was_not_done(&error),
        }
    }
    ledger
}

fn open(server: &Server) -> PostgresStore<Account> {
    let config = PostgresConfig::from_url(server.url()).expect("the URL is ours");
    let db = config.pool_timeout(Duration::from_secs(2)).pool_size(20).connect().expect("it answers");
    db.store().expect("the table is made")
}

#[test]
fn a_server_killed_under_load_keeps_every_acknowledged_write_and_doubles_none() {
    let mut server = Server::start("");
    let store = open(&server);
    for counter in 0..4 {
        store.create(account(format!("counter{counter}"), 0)).expect("it is new");
    }
    let (stop, ledgers) = (AtomicBool::new(false), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for worker in 0..THREADS {
            let (store, stop, ledgers) = (store.clone(), &stop, &ledgers);
            scope.spawn(move || {
                let ledger = write_on(&store, worker, stop);
                ledgers.lock().expect("no writer panics").push(ledger);
            });
        }
        for _ in 0..KILLS {
            thread::sleep(Duration::from_millis(700));
            server.kill();
            server.start_again();
        }
        thread::sleep(Duration::from_millis(700));
        stop.store(true, Ordering::Relaxed);
    });
    let ledgers = ledgers.into_inner().expect("no writer panics");
    assert_eq!(ledgers.len(), THREADS, "no writer panics");
    settle(&server, &ledgers);
}

/// Compares what the writers know with what is there.
fn settle(server: &Server, ledgers: &[Ledger]) {
    let rows = client(server.url()).query("SELECT key, n FROM accounts", &[]).expect("the server answers");
    let there: BTreeMap<String, i64> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let sum = |of: fn(&Ledger) -> u64| ledgers.iter().map(of).sum::<u64>();
    println!(
        "acknowledged {}, ambiguous {}, failed {}",
        sum(|l| l.acknowledged),
        sum(|l| l.ambiguous),
        sum(|l| l.failed)
    );
    assert!(sum(|l| l.acknowledged) > 200, "there was load");
    assert!(sum(|l| l.ambiguous) + sum(|l| l.failed) > 0, "the kills were felt");
    for ledger in ledgers {
        for key in ledger.sure.keys().chain(ledger.perhaps.keys()) {
            let found = there.get(key).copied();
            assert!(
                ledger.allows(key, found),
                "{key} is {found:?}, not {:?} or {:?}",
                ledger.sure.get(key),
                ledger.perhaps.get(key)
            );
        }
    }
    for (key, n) in there.iter().filter(|(key, _)| !key.starts_with("counter")) {
        let known = ledgers.iter().any(|ledger| ledger.allows(key, Some(*n)));
        assert!(known, "{key} = {n} is there, and its writer was told that it is not");
    }
    for counter in 0..4 {
        let least: u64 = ledgers.iter().map(|ledger| ledger.added[counter]).sum();
        let most: u64 = least + ledgers.iter().map(|ledger| ledger.maybe_added[counter]).sum::<u64>();
        let found = there[&format!("counter{counter}")].cast_unsigned();
        assert!((least..=most).contains(&found), "counter {counter} is {found}, not {least} to {most}");
    }
}

#[test]
fn connections_ended_by_the_administrator_lose_nothing() {
    let scratch = Scratch::new();
    let store = scratch.database().store::<Account>().expect("the table is made");
    store.create(account("n", 0)).expect("it is new");
    let (stop, ended, admin) = (AtomicBool::new(false), AtomicU64::new(0), crate::server::admin_url());
    let (least, most) = thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let (mut sure, mut perhaps) = (0, 0);
                    while !stop.load(Ordering::Relaxed) {
                        match store.patch("n", Changes::add("n", 1)) {
                            Ok(_) => sure += 1,
                            Err(error) if error.kind() == ErrorKind::Ambiguous => perhaps += 1,
                            Err(error) => assert_eq!(error.kind(), ErrorKind::Connection, "{error:?}"),
                        }
                    }
                    (sure, perhaps)
                })
            })
            .collect();
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(50));
            ended.fetch_add(terminate(&admin, &scratch.name) as u64, Ordering::Relaxed);
        }
        stop.store(true, Ordering::Relaxed);
        writers
            .into_iter()
            .map(|writer| writer.join().expect("no writer panics"))
            .fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
    });
    assert!(ended.load(Ordering::Relaxed) > 20, "connections were ended");
    let found = store.read("n").expect("it answers").expect("it is there").n;
    assert!((least..=least + most).contains(&found), "{found} is not {least} to {}", least + most);
}

// ---- time-outs

#[test]
fn a_statement_that_takes_too_long_is_stopped_and_the_store_goes_on() {
    let mut scratch = Scratch::new();
    let db = scratch.config().statement_timeout(Duration::from_millis(200)).connect().expect("it answers");
    let store = db.store::<Account>().expect("the table is made");
    store.create(account("a", 1)).expect("it is new");
    scratch.client.batch_execute("BEGIN; LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE").expect("the table is ours");
    let failures: [(&str, Result<()>); 4] = [
        ("read", store.read("a").map(drop)),
        ("count", store.count(Query::new()).map(drop)),
        ("create", store.create(account("b", 1)).map(drop)),
        ("search", store.search(Query::new()).map(drop)),
    ];
    for (verb, result) in failures {
        let error = result.expect_err("the table is locked");
        assert_eq!(error.kind(), ErrorKind::Timeout, "{verb}: {error:?}");
    }
    // A deadline does the same for one call alone.
    let start = Instant::now();
    let limits = Limits::default().deadline_in(Duration::from_millis(60));
    let error = store.with(limits).count(Query::new()).expect_err("the table is locked");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert!(start.elapsed() < Duration::from_millis(190), "{:?}", start.elapsed());
    scratch.client.batch_execute("ROLLBACK").expect("it was open");
    assert_eq!(store.count(Query::new()).ok(), Some(1), "nothing was written, and the connections still work");
}

#[test]
fn a_deadline_of_one_call_is_not_the_next_ones() {
    let mut scratch = Scratch::new();
    let db = scratch.config().pool_size(1).connect().expect("it answers");
    let store = db.store::<Account>().expect("the table is made");
    store.create(account("a", 1)).expect("it is new");
    let soon = store.with(Limits::default().deadline_in(Duration::from_millis(150)));
    assert!(soon.read("a").is_ok());
    scratch.client.batch_execute("BEGIN; LOCK TABLE accounts IN ACCESS EXCLUSIVE MODE").expect("the table is ours");
    let read = thread::scope(|scope| {
        let read = scope.spawn(|| store.read("a").map(|row| row.is_some()));
        thread::sleep(Duration::from_millis(400));
        scratch.client.batch_execute("ROLLBACK").expect("it was open");
        read.join().expect("it does not panic")
    });
    assert!(read.expect("without a deadline it waits"));
}

/// Marks and time-outs travel with the statement that they are for, and wait for nothing.
#[test]
fn a_read_in_a_transaction_with_a_deadline_is_one_round_trip() {
    let scratch = Scratch::new();
    let proxy = Proxy::before(address(&url()));
    let db = scratch.config_at(&proxy.address()).pool_size(1).connect().expect("it answers");
    db.store::<Account>().expect("the table is made").create(account("a", 1)).expect("it is new");
    db.transaction(|tx| {
        let store = tx.store::<Account>()?.with(Limits::default().deadline_in(Duration::from_secs(60)));
        assert!(store.read("a")?.is_some(), "it is prepared now");
        for _ in 0..2 {
            proxy.take_log();
            proxy.stall(true);
            let log = thread::scope(|scope| {
                let log = scope.spawn(|| {
                    let mut log = Vec::new();
                    wait_until("it was asked for, and nothing answered", || {
                        log.extend(proxy.take_log());
                        log.last().is_some_and(|sql: &String| sql.starts_with("SELECT"))
                    });
                    proxy.stall(false);
                    log
                });
                assert!(store.read("a")?.is_some());
                Ok::<_, Error>(log.join().expect("it was asked for"))
            })?;
            assert!(log.iter().any(|sql| sql.starts_with("SAVEPOINT")), "{log:?}");
        }
        // What fails between them is undone alone.
        assert_eq!(store.create(account("a", 2)).map_err(|e| e.kind()).err(), Some(ErrorKind::AlreadyExists));
        store.create(account("b", 2)).map(drop)
    })
    .expect("it stands");
    assert_eq!(db.store::<Account>().and_then(|store| store.count(Query::new())).ok(), Some(2));
}

// ---- out of space

fn long_documents(store: &impl Store<Document>, count: usize) {
    let text = "x".repeat(900);
    let documents =
        (0..count).map(|n| document! { "n" => i64::try_from(n).unwrap_or(0), "text" => format!("{n}{text}") });
    for outcome in store.create_batch(documents).expect("it writes") {
        outcome.expect("there is space");
    }
}

#[test]
fn a_sort_without_space_fails_whole_and_the_store_goes_on() {
    let server = Server::start("temp_file_limit = '100kB'\nwork_mem = '64kB'\n");
    let db = Postgres::connect(server.url()).expect("it answers");
    let schema = Schema::new("things")
        .field(dk_data::FieldDef::new("n", dk_data::Type::I64))
        .field(dk_data::FieldDef::new("text", dk_data::Type::Text));
    let store = db.documents("things", schema).expect("it is made");
    long_documents(&store, 4_000);
    let query = Query::new().sort(Key::desc("text"));
    let error = store.search(&query).map(|rows| rows.len()).expect_err("there is no space to sort in");
    assert_eq!(error.kind(), ErrorKind::Backend, "{error:?}");
    assert!(error.to_string().contains("temp_file_limit"), "it says what was too small: {error}");
    assert_eq!(store.count(Query::new()).ok(), Some(4_000));
    assert_eq!(store.search(query.limit(3)).map(|rows| rows.len()).ok(), Some(3));
}

/// Texts that do not compress, so that they take their space.
struct Noise(u64);

impl Noise {
    fn text(&mut self, length: usize) -> String {
        let mut letter = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            char::from(b'0' + u8::try_from(self.0 >> 58).unwrap_or(0))
        };
        (0..length).map(|_| letter()).collect()
    }
}

#[test]
fn a_full_disk_loses_no_acknowledged_write() {
    let server = Server::start("autovacuum = off\n");
    // Files end in the middle of a page, as those on a full disk do. The log's files, which are larger, are there already.
    server.limit_files(20 * 1024 * 1024 + 4_096);
    let config = PostgresConfig::from_url(server.url()).expect("the URL is ours");
    let db = config.connect().expect("it answers");
    let store = db.documents("things", Schema::open("things")).expect("it is made");
    let (mut written, mut refused) = (0, 0);
    let mut noise = Noise(1);
    for n in 0..120 {
        let batch: Vec<_> = (0..20).map(|k| document! { "n" => n, "k" => k, "text" => noise.text(20_000) }).collect();
        match store.create_batch(batch) {
            Ok(outcomes) => {
                for outcome in outcomes {
                    match outcome {
                        Ok(_) => written += 1,
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::Backend, "{error:?}");
                            refused += 1;
                        }
                    }
                }
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Backend, "{error:?}");
                refused += 20;
            }
        }
    }
    assert!(refused > 0, "the disk was full");
    assert_eq!(store.count(Query::new()).ok(), Some(written), "what was acknowledged is there, and nothing else");
}

// ---- transactions that meet

#[test]
fn sixteen_threads_of_serializable_transactions_count_exactly() {
    const EACH: i64 = 25;
    let scratch = Scratch::new();
    let db = scratch.config().pool_size(16).connect().expect("it answers");
    let store = db.store::<Account>().expect("the table is made");
    store.create(account("n", 0)).expect("it is new");
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    db.transaction_repeating(Isolation::Serializable, 10_000, |tx| {
                        let store = tx.store::<Account>()?;
                        let n = store.read("n")?.ok_or_else(|| Error::not_found("the counter"))?.n;
                        store.update("n", account("n", n + 1)).map(drop)
                    })
                    .expect("conflicts end");
                }
            });
        }
    });
    let expected = EACH * i64::try_from(THREADS).expect("a small number");
    assert_eq!(store.read("n").expect("it answers").map(|row| row.n), Some(expected));
}

#[test]
fn a_transaction_that_loses_says_conflict_and_can_be_tried_again() {
    let scratch = Scratch::new();
    let db = scratch.database();
    let store = db.store::<Account>().expect("the table is made");
    store.create(account("a", 1)).expect("it is new");
    let lost = db.transaction_with(Isolation::RepeatableRead, |tx| {
        let inside = tx.store::<Account>()?;
        inside.count(Query::new())?;
        store.patch("a", Changes::add("n", 10))?;
        inside.update("a", account("a", 5)).map(drop)
    });
    let error: Error = lost.expect_err("another writer was faster");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    assert!(error.is_retryable(), "the same closure may win the next time");
    assert_eq!(store.read("a").expect("it answers").map(|row| row.n), Some(11));
}

#[test]
fn a_deadlock_is_a_conflict_for_one_and_success_for_the_other() {
    let scratch = Scratch::new();
    let db = scratch.database();
    let store = db.store::<Account>().expect("the table is made");
    store.create_batch([account("a", 0), account("b", 0)]).expect("it writes");
    let barrier = std::sync::Barrier::new(2);
    let crossed = |first: &str, second: &str| {
        db.transaction(|tx| {
            let store = tx.store::<Account>()?;
            store.patch(first, Changes::add("n", 1))?;
            barrier.wait();
            store.patch(second, Changes::add("n", 1)).map(drop)
        })
    };
    let (one, other) = thread::scope(|scope| {
        let one = scope.spawn(|| crossed("a", "b"));
        let other = scope.spawn(|| crossed("b", "a"));
        (one.join().expect("it does not panic"), other.join().expect("it does not panic"))
    });
    let (won, lost) = if one.is_ok() { (one, other) } else { (other, one) };
    won.expect("one of them goes on");
    let error: Error = lost.expect_err("one of them gives way");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    let sum: i64 = store.search(Query::new()).expect("it answers").iter().map(|row| row.n).sum();
    assert_eq!(sum, 2, "one transaction is there whole, the other not at all");
}

#[test]
fn a_panic_in_a_transaction_undoes_it_and_gives_its_connection_back() {
    let scratch = Scratch::new();
    let db = scratch.config().pool_size(1).connect().expect("it answers");
    let store = db.store::<Account>().expect("the table is made");
    for _ in 0..3 {
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            db.transaction(|tx| -> Result<()> {
                tx.store::<Account>()?.create(account("a", 1))?;
                panic!("the user's own");
            })
        }));
        assert!(panicked.is_err());
        assert_eq!(store.count(Query::new()).expect("the pool has its connection again"), 0);
    }
}

#[test]
fn a_panic_that_is_caught_undoes_its_savepoint() {
    let scratch = Scratch::new();
    let db = scratch.database();
    let store = db.documents("things", Schema::open("things")).expect("it is made");
    let done = db.transaction(|tx| {
        let things = tx.documents("things", Schema::open("things"))?;
        things.create(document! { "n" => 1 })?;
        let work = || -> Result<(), Error> {
            things.create(document! { "n" => 2 })?;
            panic!("work stops in the middle");
        };
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| tx.savepoint(work)));
        assert!(caught.is_err());
        things.create(document! { "n" => 3 })?;
        Ok::<_, Error>(())
    });
    done.expect("the rest stands");
    assert_eq!(store.count(Query::new()).ok(), Some(2), "what the panic has left in the middle does not");
}

/// The statement time-out of a session holds in whichever way it was set, and beside deadlines too.
#[test]
fn the_nearer_of_deadline_and_time_out_counts_and_the_time_out_stays() {
    let mut scratch = Scratch::new();
    let soon = Duration::from_millis(400);
    let by_options = scratch.config().options("-c statement_timeout=400");
    for config in [scratch.config().statement_timeout(soon), by_options] {
        let db = config.pool_size(1).connect().expect("it answers");
        let store = db.documents("things", Schema::open("things")).expect("it is made");
        let free = db.documents("others", Schema::open("others")).expect("it is made");
        let mut lock = scratch.client.transaction().expect("it answers");
        lock.batch_execute("LOCK TABLE things IN ACCESS EXCLUSIVE MODE").expect("it is ours");
        let late = |result: Result<u64, Error>, start: Instant| {
            assert_eq!(result.expect_err("it is locked").kind(), ErrorKind::Timeout);
            assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
        };
        let far = store.with(Limits::default().deadline_in(Duration::from_secs(30)));
        late(far.count(Query::new()), Instant::now());
        late(store.count(Query::new()), Instant::now());
        // In a transaction a read that takes too long ends alone.
        let done = db.transaction(|tx| {
            tx.documents("others", Schema::open("others"))?.create(document! { "n" => 1 })?;
            late(tx.documents("things", Schema::open("things"))?.count(Query::new()), Instant::now());
            tx.documents("others", Schema::open("others"))?.create(document! { "n" => 2 }).map(drop)
        });
        done.expect("it goes on");
        assert_eq!(free.count(Query::new()).ok(), Some(2));
        lock.rollback().expect("it answers");
        scratch.client.batch_execute("DROP TABLE things, others").expect("they are ours");
    }
}
