//! The servers under test: the shared one of the run, schemas of a test's own in it, and servers of a test's own to be killed.

use std::{
    env,
    path::{Path, PathBuf},
    process::{self, Command},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use dk_data::backend::postgres::{Postgres, PostgresConfig};
use postgres::{Client, NoTls};

/// What the test command exports, or how to get it.
fn exported(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: these tests need a server. Run them by `bash tests/run.sh`, or alone by \
             `bash tests/services/with.sh postgres -- cargo test --all-features --test postgres`"
        )
    })
}

/// The shared server, as the owner of the database `test`.
pub fn url() -> String {
    exported("DK_POSTGRES_URL")
}

/// The shared server, as its superuser.
pub fn admin_url() -> String {
    exported("DK_POSTGRES_ADMIN_URL")
}

/// The certificate of the authority that signed the servers' own.
pub fn ca_file() -> PathBuf {
    exported("DK_POSTGRES_CA").into()
}

/// `127.0.0.1:port` of a URL of ours.
pub fn address(url: &str) -> &str {
    let rest = url.rsplit_once('@').expect("a URL with an account").1;
    rest.split_once('/').expect("a URL with a database").0
}

/// The same URL with another account.
pub fn with_account(url: &str, account: &str) -> String {
    let (_, rest) = url.rsplit_once('@').expect("a URL with an account");
    format!("postgres://{account}@{rest}")
}

/// The same URL at another address.
pub fn with_address(url: &str, address: &str) -> String {
    url.replacen(self::address(url), address, 1)
}

/// A plain client, beside the library.
pub fn client(url: &str) -> Client {
    Client::connect(url, NoTls).expect("the server answers")
}

/// The number that is next in this process: for names that no other test has.
fn next() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A schema of one test's own on a server, dropped with it.
pub struct Scratch {
    /// Its name.
    pub name: String,
    /// A client whose search path is the schema.
    pub client: Client,
    url: String,
}

impl Scratch {
    /// On the shared server.
    pub fn new() -> Scratch {
        Scratch::on(&url())
    }

    pub fn on(url: &str) -> Scratch {
        let name = format!("t{}_{}", process::id(), next());
        let mut client = client(url);
        client.batch_execute(&format!("CREATE SCHEMA {name}; SET search_path = {name}")).expect("the database is ours");
        Scratch { name, client, url: url.to_owned() }
    }

    /// How to reach the database under test, in this schema.
    pub fn config(&self) -> PostgresConfig {
        PostgresConfig::from_url(&self.url)
            .expect("the URL is ours")
            .schema(self.name.as_str())
            .application_name(self.name.as_str())
    }

    /// The database under test, in this schema.
    pub fn database(&self) -> Postgres {
        self.config().connect().expect("the server answers")
    }

    /// The same at another address, where a proxy stands in between.
    pub fn config_at(&self, address: &str) -> PostgresConfig {
        let (host, port) = address.rsplit_once(':').expect("an address with a port");
        self.config().host(host).port(port.parse().expect("a port"))
    }

    /// Another client with the same search path.
    pub fn connect(&self) -> Client {
        let mut client = client(&self.url);
        client.batch_execute(&format!("SET search_path = {}", self.name)).expect("the schema is there");
        client
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let drop = format!("DROP SCHEMA IF EXISTS {} CASCADE", self.name);
        // A client that a test has broken is no reason to leave the schema behind; a server that is gone is.
        if self.client.batch_execute(&drop).is_err() {
            let _ = Client::connect(&self.url, NoTls).map(|mut client| client.batch_execute(&drop));
        }
    }
}

/// A server of one test's own: it may be stopped, killed and started again.
pub struct Server {
    folder: PathBuf,
    extra: String,
    url: String,
}

impl Server {
    /// Starts one, with more lines of configuration.
    pub fn start(extra: &str) -> Server {
        let folder = Path::new(&exported("DK_SERVICES")).join(format!("postgres-{}-{}", process::id(), next()));
        let mut server = Server { folder, extra: extra.to_owned(), url: String::new() };
        server.start_again();
        server
    }

    /// Starts it at its old port with its old data, whatever happened to it. It may run.
    pub fn start_again(&mut self) {
        let printed = self.script("start");
        let line = printed.lines().find_map(|line| line.strip_prefix("DK_POSTGRES_URL="));
        self.url = line.expect("the script prints its addresses").to_owned();
    }

    fn script(&self, verb: &str) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services/postgres.sh");
        let mut bash = Command::new("bash");
        bash.arg(script).arg(verb).arg(&self.folder).env("PG_EXTRA", &self.extra);
        let output = bash.output().expect("bash runs");
        assert!(output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("the script prints text")
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn stop(&self) {
        self.script("stop");
    }

    /// The number of the first process.
    fn process(&self) -> String {
        let file = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).expect("the server runs");
        file.lines().next().expect("a process id").to_owned()
    }

    /// No file of the server's grows beyond this many bytes, in connections made from now on.
    pub fn limit_files(&self, bytes: u64) {
        // Root may drop to the server's user, who may do this; on some machines root itself may not.
        let arguments = ["prlimit", "--pid", &self.process(), &format!("--fsize={bytes}")];
        let own_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"];
        let who = Command::new("id").arg("-u").output().expect("id runs").stdout;
        let dropped = own_user.iter().filter(|_| who.starts_with(b"0\n")).chain(&arguments).copied();
        let command: Vec<&str> = dropped.collect();
        let limited = Command::new(command[0]).args(&command[1..]).status().expect("prlimit runs");
        assert!(limited.success(), "the limit is set");
    }

    /// `kill -9` for the first process: no checkpoint, no farewell to the clients. The others follow by themselves.
    pub fn kill(&self) {
        let process = self.process();
        let killed = Command::new("kill").args(["-9", &process]).status().expect("kill runs");
        assert!(killed.success(), "the server was not there to be killed");
        // Until it is gone, it would be taken for one that runs and need not be started.
        wait_until("the killed process is gone", || {
            let state = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            state.rsplit(") ").next().is_none_or(|rest| rest.is_empty() || rest.starts_with('Z'))
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Ends the server's processes of all connections with this application name; says how many there were.
pub fn terminate(admin_url: &str, application: &str) -> usize {
    let ended = client(admin_url)
        .query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1", &[&application])
        .expect("the superuser may");
    ended.len()
}

/// Waits until `done` is true; fails after ten seconds, naming what was waited for.
#[track_caller]
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(10), "after ten seconds, still not: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_schema_of_a_test_is_gone_with_the_test() {
    let name = Scratch::new().name.clone();
    let left = client(&url()).query("SELECT 1 FROM pg_namespace WHERE nspname = $1", &[&name]).expect("it answers");
    assert!(left.is_empty());
}

#[test]
fn a_killed_server_comes_back_with_what_it_had() {
    let mut server = Server::start("");
    let mut before = client(server.url());
    before.batch_execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)").expect("the server writes");
    server.kill();
    wait_until("the client has noticed", || before.simple_query("SELECT 1").is_err());
    let url = server.url().to_owned();
    server.start_again();
    assert_eq!(server.url(), url, "those who wait for the server know no other address");
    let kept: i64 = client(&url).query_one("SELECT count(*) FROM kept", &[]).expect("the server reads").get(0);
    assert_eq!(kept, 1);
}
