//! Connecting: what is wrong is said at once, with the server's own words and without secrets; TLS; runtimes of async programs.

use std::{
    fs,
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use dk_data::{
    AnyDatabase, Database, Document, Error, ErrorKind, Query, Schema, Store, Transactional,
    backend::postgres::{Postgres, PostgresConfig, Tls},
    document,
};

use crate::server::{Scratch, address, ca_file, url, with_account};

/// How long a refusal may take.
const AT_ONCE: Duration = Duration::from_secs(3);

/// What somebody would see of an error: all of its forms, down to the last cause.
fn shown(error: &Error) -> String {
    let mut shown = format!("{error} {error:?} {error:#?}");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        shown.push_str(&format!(" {inner} {inner:?}"));
        cause = inner.source();
    }
    shown
}

#[track_caller]
fn refused(config: PostgresConfig, kind: ErrorKind, words: &str) {
    let start = Instant::now();
    let error = config.clone().connect().expect_err("it is wrong");
    assert!(start.elapsed() < AT_ONCE, "told after {:?}: {error}", start.elapsed());
    assert_eq!(error.kind(), kind, "{error:?}");
    let shown = format!("{} {config:?}", shown(&error));
    assert!(shown.to_lowercase().contains(words), "`{words}` is not in: {shown}");
    assert!(!shown.contains("s3cr3t"), "a secret is shown: {shown}");
}

fn config() -> PostgresConfig {
    PostgresConfig::from_url(&url()).expect("the URL is ours")
}

#[test]
fn what_is_wrong_is_told_at_once_with_its_reason_and_without_the_password() {
    refused(config().password("s3cr3t"), ErrorKind::Configuration, "password authentication failed");
    refused(config().user("nobody").password("s3cr3t"), ErrorKind::Configuration, "password authentication failed");
    refused(config().database("no such database").password("secret"), ErrorKind::Configuration, "no such database");
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    refused(config().port(free.port()).password("s3cr3t"), ErrorKind::Connection, "refused");
    refused(config().host("no-such-host.invalid").password("s3cr3t"), ErrorKind::Connection, "");
}

#[test]
fn what_cannot_be_told_to_anybody_is_refused() {
    let wrong = [
        (config().pool_timeout(Duration::ZERO), "pool_timeout_ms"),
        (config().pool_timeout(Duration::MAX), "pool_timeout_ms"),
        (config().pool_size(u32::MAX), "pool_size"),
        (config().keepalive(Some(Duration::from_millis(10))), "keepalive_ms"),
        (config().keepalive(Some(Duration::from_secs(1_000_000))), "keepalive_ms"),
        (config().tcp_user_timeout(Some(Duration::MAX)), "tcp_user_timeout_ms"),
        (config().statement_timeout(Duration::from_micros(500)), "statement_timeout_ms"),
    ];
    for (config, key) in wrong {
        refused(config.password("s3cr3t"), ErrorKind::Configuration, key);
    }
}

#[test]
fn what_goes_wrong_after_the_start_is_told_at_once_too() {
    let scratch = Scratch::new();
    let proxy = crate::proxy::Proxy::before(address(&url()));
    let gone = scratch.config_at(&proxy.address()).connect().expect("it answers");
    let store = gone.documents("things", Schema::open("things")).expect("it is made");
    proxy.refuse(true);
    proxy.cut_all();
    // More often than the pool has connections.
    for attempt in 0..24 {
        let start = Instant::now();
        let error = store.read("x").expect_err("nobody is there");
        assert_eq!(error.kind(), ErrorKind::Connection, "{attempt}: {error:?}");
        assert!(start.elapsed() < AT_ONCE, "{attempt}: told after {:?}", start.elapsed());
    }
    proxy.refuse(false);
    crate::server::wait_until("it answers again", || store.read("x").is_ok());

    let mut admin = crate::server::client(&crate::server::admin_url());
    let name = scratch.name.clone();
    admin.batch_execute(&format!("CREATE ROLE {name} LOGIN PASSWORD 'before'")).expect("the superuser may");
    let account = scratch.config().user(name.as_str()).password("before").create_tables(false);
    let db = account.connect().expect("that is its password");
    admin.batch_execute(&format!("ALTER ROLE {name} PASSWORD 'after'")).expect("the superuser may");
    assert!(crate::server::terminate(&crate::server::admin_url(), &name) > 0);
    let start = Instant::now();
    let error = db.describe("none").expect_err("it was its password");
    admin.batch_execute(&format!("DROP ROLE {name}")).expect("it owns nothing");
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
    assert!(error.to_string().contains("password authentication failed"), "{error}");
    assert!(start.elapsed() < AT_ONCE, "told after {:?}", start.elapsed());
}

#[test]
fn a_host_that_never_answers_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("it is bound").port();
    let soon = config().password("s3cr3t").connect_timeout(Duration::from_millis(400));
    refused(soon.clone().port(port), ErrorKind::Connection, "did not answer");
    // A server whose answers are lost on the way is no better.
    let proxy = crate::proxy::Proxy::before(address(&url()));
    proxy.stall(true);
    let port = proxy.address().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port");
    refused(soon.port(port), ErrorKind::Connection, "did not answer");
}

#[test]
fn a_url_is_refused_without_its_secrets_by_any_database_too() {
    for url in [
        "postgres://app:s3cr3t@127.0.0.1:1/test",
        "postgres://app:s3cr3t@127.0.0.1:99999/test",
        "postgres://app:s3cr3t%@127.0.0.1/test",
        "postgres://app:s3cr3t@127.0.0.1/test?pool_sise=3",
        "postgres:/app:s3cr3t@127.0.0.1/test",
    ] {
        let error = AnyDatabase::open_url(url).map(drop).expect_err(url);
        assert!(!shown(&error).contains("s3cr3t"), "{}", shown(&error));
    }
    assert!(AnyDatabase::open_url(&url()).is_ok(), "the same road with the right password");
}

#[test]
fn semantics_7_2_a_server_that_stops_answering_is_named_and_never_looks_empty() {
    let scratch = Scratch::new();
    let proxy = crate::proxy::Proxy::before(address(&url()));
    let db = scratch.config_at(&proxy.address()).pool_timeout(Duration::from_millis(500)).connect();
    let db = db.expect("it answers");
    let store = db.documents("things", Schema::open("things")).expect("it is made");
    store.create(document! { "n" => 1 }).expect("it writes");
    proxy.refuse(true);
    proxy.cut_all();
    for attempt in 0..3 {
        let start = Instant::now();
        let failures = [
            store.count(Query::new()).map(drop),
            store.search(Query::new()).map(drop),
            store.read("x").map(drop),
            store.create(document! { "n" => 2 }).map(drop),
            db.transaction(|tx| tx.documents("things", Schema::open("things")).map(drop)),
        ];
        for failure in failures {
            let error = failure.expect_err("nobody is there");
            assert_eq!(error.kind(), ErrorKind::Connection, "{attempt}: {error:?}");
            assert!(error.is_retryable());
        }
        assert!(start.elapsed() < Duration::from_secs(20), "given up in bounded time: {:?}", start.elapsed());
    }
    proxy.refuse(false);
    crate::server::wait_until("it answers again", || store.count(Query::new()).is_ok_and(|count| count == 1));
}

#[test]
fn every_way_to_show_a_password_is_taken() {
    for (account, password) in [("app", "secret"), ("md5user", "secret"), ("pwuser", "secret"), ("trusty", "")] {
        let config = config().user(account).password(password);
        config.connect().unwrap_or_else(|error| panic!("{account}: {error}"));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("password");
    fs::write(&file, "secret\nnot this\n").expect("it is ours");
    let config = config().user("app").password_file(&file).expect("it reads");
    config.connect().expect("the first line is the password");
    let missing = PostgresConfig::new().password_file(folder.path().join("none")).expect_err("there is none");
    assert_eq!(missing.kind(), ErrorKind::Configuration);
}

// ---- TLS

/// Whether the connections of this application are encrypted, as the server sees it.
fn encrypted(scratch: &mut Scratch) -> Vec<bool> {
    let name = scratch.name.clone();
    let asked = "SELECT s.ssl FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.application_name = $1";
    scratch.client.query(asked, &[&name]).expect("it answers").iter().map(|row| row.get(0)).collect()
}

#[test]
fn tls_is_what_the_server_sees_and_a_wrong_authority_is_refused() {
    let mut scratch = Scratch::new();
    let plain = scratch.database();
    plain.describe("none").expect_err("there is none, and the connection was used");
    assert_eq!(encrypted(&mut scratch), [false]);
    drop(plain);
    let verify = |file| scratch.config().host("localhost").tls(Tls::Verify(file));
    let verified = verify(ca_file()).connect().expect("the authority signed the certificate, which names localhost");
    let store = verified.documents("things", Schema::open("things")).expect("it is made");
    store.create(document! { "n" => 1 }).expect("it writes");
    crate::server::wait_until("the plain connection is gone", || encrypted(&mut scratch).iter().all(|tls| *tls));
    scratch.config().tls(Tls::Require).connect().expect("nobody looks at the certificate");

    let stranger = tempfile::tempdir().expect("a folder");
    let file = stranger.path().join("ca.crt");
    let made = std::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-subj",
            "/CN=stranger",
        ])
        .arg("-keyout")
        .arg(stranger.path().join("ca.key"))
        .arg("-out")
        .arg(&file)
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let verify = |file| scratch.config().host("localhost").tls(Tls::Verify(file));
    let error = verify(file).connect().expect_err("a stranger signed nothing");
    assert_eq!(error.kind(), ErrorKind::Connection, "{error:?}");
    assert!(shown(&error).to_lowercase().contains("certificate"), "{}", shown(&error));
    let error = verify(stranger.path().join("none")).connect().expect_err("there is no such file");
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
    fs::write(stranger.path().join("empty"), "").expect("it is ours");
    let error = verify(stranger.path().join("empty")).connect().expect_err("it holds no authority");
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
}

#[test]
fn an_account_that_must_use_tls_is_told_so() {
    let plain = PostgresConfig::from_url(&with_account(&url(), "tlsonly:secret")).expect("the URL is ours");
    let error = plain.clone().connect().expect_err("the server wants TLS");
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error:?}");
    plain.tls(Tls::Require).connect().expect("with TLS it may");
}

// ---- async programs

fn every_call(db: &Postgres, store: &impl Store<Document>) -> Vec<dk_data::Result<()>> {
    vec![
        Postgres::connect(&url()).map(drop),
        store.create(document! { "n" => 1 }).map(drop),
        store.create_batch([document! { "n" => 1 }]).map(drop),
        store.read("x").map(drop),
        store.delete("x").map(drop),
        store.search(Query::new()).map(drop),
        store.stream(Query::new()).map(drop),
        store.count(Query::new()).map(drop),
        db.documents("others", Schema::open("others")).map(drop),
        db.transaction(|_| Ok(())),
    ]
}

fn names_the_way_out(results: Vec<dk_data::Result<()>>) {
    for (number, result) in results.into_iter().enumerate() {
        let error = result.expect_err("it would block the runtime");
        assert!(error.to_string().contains("spawn_blocking"), "call {number}: {error:?}");
        assert_eq!(error.kind(), ErrorKind::Unsupported, "call {number}");
    }
}

#[test]
fn a_thread_that_drives_a_runtime_is_told_of_spawn_blocking() {
    let scratch = Scratch::new();
    let db = scratch.database();
    let store = db.documents("things", Schema::open("things")).expect("it is made");
    let current = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let many = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    for runtime in [&current, &many] {
        runtime.block_on(async { names_the_way_out(every_call(&db, &store)) });
        let (db, store) = (db.clone(), store.clone());
        let spawned = runtime.spawn(async move { names_the_way_out(every_call(&db, &store)) });
        runtime.block_on(spawned).expect("no call panics");
        let store = scratch.database().documents("things", Schema::open("things")).expect("it is there");
        let counted = runtime.spawn_blocking(move || store.count(Query::new()));
        assert!(runtime.block_on(counted).expect("it does not panic").is_ok(), "the way out is one");
    }
    assert_eq!(store.count(Query::new()).ok(), Some(0), "nothing was written, and the store still works");
}

#[test]
fn what_began_elsewhere_is_refused_there_too_and_goes_on_elsewhere() {
    let scratch = Scratch::new();
    let db = scratch.database();
    let store = db.documents("things", Schema::open("things")).expect("it is made");
    store.ensure_watch().expect("the table is ours");
    store.create_batch((0..5_000).map(|n| document! { "n" => n })).expect("it writes");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let mut rows = store.stream(Query::new()).expect("it streams");
    assert!(rows.next().is_some_and(|row| row.is_ok()));
    let mut watch = store.watch(Query::new()).expect("it listens");
    runtime.block_on(async {
        let row = rows.next().expect("it is not at its end");
        names_the_way_out(vec![row.map(drop), watch.next_within(Duration::ZERO).map(drop)]);
        assert!(rows.next().is_none(), "an error ends a stream");
    });
    watch.next_within(Duration::ZERO).expect("nothing is lost");
    let done = db.transaction(|tx| {
        let inside = tx.documents("things", Schema::open("things"))?;
        let (mut first, second) = (inside.stream(Query::new())?, inside.stream(Query::new())?);
        assert!(first.next().is_some_and(|row| row.is_ok()));
        runtime.block_on(async {
            let batch = (0..20).map(|n| document! { "n" => n });
            let batch = inside.create_batch(batch).and_then(|all| all.into_iter().collect::<Result<Vec<_>, _>>());
            names_the_way_out(vec![
                inside.create(document! { "n" => 1 }).map(drop),
                batch.map(drop),
                inside.read("x").map(drop),
                inside.delete("x").map(drop),
                inside.search(Query::new().limit(3)).map(drop),
                inside.stream(Query::new()).map(drop),
                inside.count(Query::new()).map(drop),
                tx.documents("others", Schema::open("others")).map(drop),
                tx.savepoint(|| Ok::<_, Error>(())),
                first.find_map(Result::err).map_or(Ok(()), Err),
            ]);
            drop((first, second));
        });
        inside.create(document! { "n" => 1 }).map(drop)
    });
    done.expect("the transaction goes on");
    assert_eq!(store.count(Query::new()).ok(), Some(5_001));
}

#[test]
fn a_database_may_be_dropped_on_a_thread_that_drives_a_runtime() {
    let scratch = Scratch::new();
    let db = scratch.database();
    let store = db.documents("things", Schema::open("things")).expect("it is made");
    store.create_batch((0..5_000).map(|n| document! { "n" => n })).expect("it writes");
    let mut rows = store.stream(Query::new()).expect("it streams");
    assert!(rows.next().is_some_and(|row| row.is_ok()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async move {
        // A stream that is not at its end, its store and the pool.
        drop((rows, store, db));
    });
}

// ---- a pool that is used up

#[test]
fn a_pool_that_is_used_up_says_so_in_bounded_time() {
    let scratch = Scratch::new();
    let db = scratch.config().pool_size(2).pool_timeout(Duration::from_secs(2)).connect().expect("it answers");
    let store = db.documents("things", Schema::open("things")).expect("it is made");
    store.create_batch((0..20_000).map(|n| document! { "n" => n })).expect("it writes");
    let streams: Vec<_> = (0..2).map(|_| store.stream(Query::new()).expect("it streams")).collect();
    let start = Instant::now();
    let error = store.count(Query::new()).expect_err("both connections are in use");
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert!(error.to_string().contains("pool_size"), "it says what to do: {error}");
    assert!(error.is_retryable());
    // A deadline that is nearer than the pool's counts.
    let limits = dk_data::Limits::default().deadline_in(Duration::from_millis(50));
    let start = Instant::now();
    assert!(store.with(limits).count(Query::new()).is_err());
    assert!(start.elapsed() < Duration::from_millis(1_500), "{:?}", start.elapsed());
    drop(streams);
    assert_eq!(store.count(Query::new()).ok(), Some(20_000), "what streams held is free again");
}

#[test]
fn those_who_wait_for_a_connection_get_it_when_it_is_free() {
    let scratch = Scratch::new();
    let db = scratch.config().pool_size(2).connect().expect("it answers");
    let store = db.documents("things", Schema::open("things")).expect("it is made");
    thread::scope(|scope| {
        for worker in 0..12 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..20 {
                    store.create(document! { "worker" => worker, "n" => n }).expect("it waits its turn");
                }
            });
        }
    });
    assert_eq!(store.count(Query::new()).ok(), Some(240));
}
