//! A TCP proxy that understands as much of the PostgreSQL protocol as it takes to cut a connection at a named statement.
//!
//! It stands between a client without TLS and a server, forwards whole exchanges (everything up to `Sync`, or a simple query), knows
//! the SQL of each, and keeps a log of what was executed. One fault can be armed at a time: it strikes the n-th execution whose
//! SQL contains a text, once, on whichever connection that happens.

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// Where in the exchange the connection is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cut {
    /// Nothing of the statement reaches the server.
    Before,
    /// The server gets half of it, and never the rest.
    InRequest,
    /// The server runs it; half of its answer reaches the client.
    InReply,
    /// The server runs it; nothing of its answer reaches the client.
    After,
    /// The same, and the connection stays open: from now on the client hears nothing.
    Silence,
}

impl Cut {
    /// What ends the connection.
    pub const ALL: [Cut; 4] = [Cut::Before, Cut::InRequest, Cut::InReply, Cut::After];

    /// Whether the server ran the statement.
    pub fn ran(self) -> bool {
        matches!(self, Cut::InReply | Cut::After | Cut::Silence)
    }
}

struct Fault {
    sql: String,
    passes: usize,
    cut: Cut,
}

#[derive(Default)]
struct Shared {
    server: Mutex<Option<SocketAddr>>,
    fault: Mutex<Option<Fault>>,
    log: Mutex<Vec<String>>,
    open: Mutex<Vec<Arc<Pair>>>,
    struck: AtomicUsize,
    accepted: AtomicUsize,
    relayed: AtomicUsize,
    refusing: AtomicBool,
    stalled: AtomicBool,
    posing: AtomicBool,
    closed: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread of the proxy panics")
}

/// The proxy: a server's address with faults in it. Dropped, it cuts everything.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Proxy {
    /// In front of the server at this address (`127.0.0.1:5432`).
    pub fn before(server: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared::default());
        *lock(&shared.server) = Some(server.parse().expect("an address"));
        let accepting = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &accepting));
        Proxy { address, shared }
    }

    /// Where clients connect to.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Cuts at the next execution of a statement whose SQL contains this text.
    pub fn cut_next(&self, sql: &str, cut: Cut) {
        self.cut_nth(sql, 1, cut);
    }

    /// Cuts at the n-th execution, from now on, of a statement whose SQL contains this text; of any, where it is empty. Preparing a
    /// statement counts as `PREPARE` and its SQL, each piece of the data of a COPY as `COPY DATA`, its end as `COPY DONE`.
    pub fn cut_nth(&self, sql: &str, nth: usize, cut: Cut) {
        let armed = Fault { sql: sql.to_lowercase(), passes: nth - 1, cut };
        *lock(&self.shared.fault) = Some(armed);
    }

    /// Takes back a cut that has not struck; says whether there was one.
    pub fn disarm(&self) -> bool {
        lock(&self.shared.fault).take().is_some()
    }

    /// How many faults have struck.
    pub fn struck(&self) -> usize {
        self.shared.struck.load(Ordering::SeqCst)
    }

    /// How many connections were opened so far.
    pub fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// How many bytes of answers have reached clients.
    pub fn relayed(&self) -> usize {
        self.shared.relayed.load(Ordering::SeqCst)
    }

    /// The SQL of what was executed since the last look.
    pub fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.shared.log))
    }

    /// Cuts all connections that are open.
    pub fn cut_all(&self) {
        lock(&self.shared.open).drain(..).for_each(|pair| pair.cut());
    }

    /// Whether new connections are closed at once.
    pub fn refuse(&self, refusing: bool) {
        self.shared.refusing.store(refusing, Ordering::SeqCst);
    }

    /// Whether answers are held back, as if the network had swallowed them; both sides believe that all is well.
    pub fn stall(&self, stalled: bool) {
        self.shared.stalled.store(stalled, Ordering::SeqCst);
    }

    /// Whether new connections get keys of the proxy's own to cancel with, as those of a pooler do.
    pub fn pose_as_pooler(&self, posing: bool) {
        self.shared.posing.store(posing, Ordering::SeqCst);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        self.cut_all();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

/// The two ends of one connection, and what is to become of the server's next answer.
struct Pair {
    client: TcpStream,
    server: TcpStream,
    /// The cut that waits for the answer.
    pending: Mutex<Option<Cut>>,
}

impl Pair {
    fn cut(&self) {
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for client in listener.incoming() {
        if shared.closed.load(Ordering::SeqCst) {
            return;
        }
        let Ok(client) = client else { continue };
        if shared.refusing.load(Ordering::SeqCst) {
            continue;
        }
        shared.accepted.fetch_add(1, Ordering::SeqCst);
        let address = lock(&shared.server).expect("it is set when the proxy is made");
        let Ok(server) = TcpStream::connect(address) else { continue };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let pair = Arc::new(Pair { client, server, pending: Mutex::default() });
        lock(&shared.open).push(Arc::clone(&pair));
        let (forward, back) = ((Arc::clone(&pair), Arc::clone(shared)), (pair, Arc::clone(shared)));
        thread::spawn(move || {
            let _ = Requests::new(&forward.0, &forward.1).pump();
            forward.0.cut();
        });
        thread::spawn(move || {
            let _ = pump_replies(&back.0, &back.1);
            back.0.cut();
        });
    }
}

/// A message: its type and everything of it, the type included.
fn read_message(mut from: &TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut message = vec![0; 5];
    from.read_exact(&mut message)?;
    let length = u32::from_be_bytes([message[1], message[2], message[3], message[4]]) as usize;
    message.resize(length + 1, 0);
    from.read_exact(&mut message[5..])?;
    Ok((message[0], message))
}

/// The first message of a connection, which has no type.
fn read_startup(mut from: &TcpStream) -> io::Result<Vec<u8>> {
    let mut message = vec![0; 4];
    from.read_exact(&mut message)?;
    let length = u32::from_be_bytes([message[0], message[1], message[2], message[3]]) as usize;
    message.resize(length.max(8), 0);
    from.read_exact(&mut message[4..])?;
    Ok(message)
}

/// The text up to the next NUL, and what follows.
fn text(bytes: &[u8]) -> (String, &[u8]) {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    (String::from_utf8_lossy(&bytes[..end]).into_owned(), bytes.get(end + 1..).unwrap_or_default())
}

/// The way from the client to the server.
struct Requests<'a> {
    pair: &'a Pair,
    shared: &'a Shared,
    /// The SQL of each prepared statement and each portal, by name.
    statements: HashMap<String, String>,
    portals: HashMap<String, String>,
    /// What was read of the exchange so far, and the SQL it executes.
    held: Vec<u8>,
    sql: Option<String>,
}

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;

impl<'a> Requests<'a> {
    fn new(pair: &'a Pair, shared: &'a Shared) -> Requests<'a> {
        let (statements, portals) = (HashMap::new(), HashMap::new());
        Requests { pair, shared, statements, portals, held: Vec::new(), sql: None }
    }

    fn pump(mut self) -> io::Result<()> {
        self.start()?;
        loop {
            let (kind, message) = read_message(&self.pair.client)?;
            self.note(kind, &message[5..]);
            self.held.extend_from_slice(&message);
            // `Sync`, `Query`, `Flush`, what belongs to a password, a COPY, and the farewell end what can be held back.
            if matches!(kind, b'S' | b'Q' | b'H' | b'p' | b'd' | b'f' | b'X') {
                self.forward()?;
            }
        }
    }

    /// Encryption is declined: the proxy could not read it.
    fn start(&self) -> io::Result<()> {
        loop {
            let message = read_startup(&self.pair.client)?;
            let code = u32::from_be_bytes([message[4], message[5], message[6], message[7]]);
            if code == SSL_REQUEST || code == GSS_REQUEST {
                (&self.pair.client).write_all(b"N")?;
                continue;
            }
            return (&self.pair.server).write_all(&message);
        }
    }

    /// Keeps what a message tells of the SQL.
    fn note(&mut self, kind: u8, body: &[u8]) {
        match kind {
            b'P' => {
                let (name, rest) = text(body);
                let sql = text(rest).0;
                self.sql.get_or_insert_with(|| format!("PREPARE {sql}"));
                self.statements.insert(name, sql);
            }
            b'B' => {
                let (portal, rest) = text(body);
                let sql = self.statements.get(&text(rest).0).cloned().unwrap_or_default();
                self.portals.insert(portal, sql);
            }
            b'E' => self.sql = Some(self.portals.get(&text(body).0).cloned().unwrap_or_default()),
            b'Q' => self.sql = Some(text(body).0),
            b'd' => self.sql = Some("COPY DATA".to_owned()),
            b'c' => self.sql = Some("COPY DONE".to_owned()),
            _ => {}
        }
    }

    /// Sends what was held back, unless a fault strikes here.
    fn forward(&mut self) -> io::Result<()> {
        let exchange = std::mem::take(&mut self.held);
        let cut = self.sql.take().and_then(|sql| self.shared.executed(&sql));
        match cut {
            None => (&self.pair.server).write_all(&exchange),
            Some(Cut::Before) => Err(io::ErrorKind::ConnectionAborted.into()),
            Some(Cut::InRequest) => {
                (&self.pair.server).write_all(&exchange[..exchange.len() / 2])?;
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            Some(cut) => {
                *lock(&self.pair.pending) = Some(cut);
                (&self.pair.server).write_all(&exchange)
            }
        }
    }
}

impl Shared {
    /// Logs an execution; the cut that strikes it.
    fn executed(&self, sql: &str) -> Option<Cut> {
        if sql != "COPY DATA" {
            lock(&self.log).push(sql.to_owned());
        }
        let mut armed = lock(&self.fault);
        let fault = armed.as_mut().filter(|fault| sql.to_lowercase().contains(&fault.sql))?;
        if fault.passes > 0 {
            fault.passes -= 1;
            return None;
        }
        self.struck.fetch_add(1, Ordering::SeqCst);
        armed.take().map(|fault| fault.cut)
    }
}

/// The way from the server to the client.
fn pump_replies(pair: &Pair, shared: &Shared) -> io::Result<()> {
    let mut withheld = Vec::new();
    loop {
        let (kind, mut message) = read_message(&pair.server)?;
        if kind == b'K' && shared.posing.load(Ordering::SeqCst) {
            message[5..9].copy_from_slice(&7_i32.to_be_bytes());
        }
        while shared.stalled.load(Ordering::SeqCst) && !shared.closed.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(5));
        }
        let pending = *lock(&pair.pending);
        let Some(cut) = pending else {
            (&pair.client).write_all(&message)?;
            shared.relayed.fetch_add(message.len(), Ordering::SeqCst);
            continue;
        };
        if cut == Cut::Silence {
            continue;
        }
        withheld.extend_from_slice(&message);
        // The server has done what it was asked to, or waits for the data of a COPY.
        if matches!(kind, b'Z' | b'G') {
            let passed = if cut == Cut::InReply { withheld.len() / 2 } else { 0 };
            let _ = (&pair.client).write_all(&withheld[..passed]);
            return Ok(());
        }
    }
}

mod tests {
    //! The proxy does what the faults' tests take for granted.

    use super::{Cut, Proxy};
    use crate::server::{Scratch, address, client, url, wait_until, with_address};

    fn counted(scratch: &mut Scratch) -> i64 {
        scratch.client.query_one("SELECT count(*) FROM kept", &[]).expect("the server answers").get(0)
    }

    #[test]
    fn a_cut_strikes_its_statement_and_the_server_has_run_it_or_not() {
        let mut scratch = Scratch::new();
        scratch.client.batch_execute("CREATE TABLE kept (id int)").expect("the schema is ours");
        let proxy = Proxy::before(address(&url()));
        let insert = format!("INSERT INTO {}.kept VALUES ($1)", scratch.name);
        let mut wanted = 0;
        for cut in Cut::ALL {
            let mut through = client(&with_address(&url(), &proxy.address()));
            let statement = through.prepare(&insert).expect("nothing is armed");
            through.execute(&statement, &[&1_i32]).expect("nothing is armed");
            proxy.cut_nth("insert into", 2, cut);
            through.execute(&statement, &[&2_i32]).expect("the second is meant");
            through.execute(&statement, &[&3_i32]).expect_err("the connection is cut");
            wanted += 2 + i64::from(cut.ran());
            assert_eq!(counted(&mut scratch), wanted, "{cut:?}");
        }
        assert_eq!(proxy.struck(), 4);
        assert_eq!(proxy.accepted(), 4);
    }

    #[test]
    fn the_log_names_what_was_executed() {
        let proxy = Proxy::before(address(&url()));
        let mut through = client(&with_address(&url(), &proxy.address()));
        proxy.take_log();
        let statement = through.prepare("SELECT 1").expect("it is valid");
        through.query(&statement, &[]).expect("it answers");
        through.batch_execute("SELECT 2").expect("it answers");
        assert_eq!(proxy.take_log(), ["PREPARE SELECT 1", "SELECT 1", "SELECT 2"]);
    }

    #[test]
    fn all_connections_can_be_cut_and_new_ones_refused() {
        let proxy = Proxy::before(address(&url()));
        let address = with_address(&url(), &proxy.address());
        let mut through = client(&address);
        proxy.cut_all();
        wait_until("the client has noticed", || through.simple_query("SELECT 1").is_err());
        proxy.refuse(true);
        assert!(postgres::Client::connect(&address, postgres::NoTls).is_err());
        proxy.refuse(false);
        client(&address).simple_query("SELECT 1").expect("it answers again");
    }

    #[test]
    fn the_end_of_a_copy_is_a_statement_of_its_own() {
        let mut scratch = Scratch::new();
        scratch.client.batch_execute("CREATE TABLE kept (id int)").expect("the schema is ours");
        let proxy = Proxy::before(address(&url()));
        for cut in Cut::ALL {
            let mut through = client(&with_address(&url(), &proxy.address()));
            proxy.cut_next("copy done", cut);
            let before = counted(&mut scratch);
            let mut copy = through.copy_in(&format!("COPY {}.kept FROM STDIN", scratch.name)).expect("it begins");
            std::io::Write::write_all(&mut copy, b"1\n2\n").expect("it is taken");
            copy.finish().expect_err("the connection is cut");
            assert_eq!(counted(&mut scratch) - before, if cut.ran() { 2 } else { 0 }, "{cut:?}");
        }
    }
}
