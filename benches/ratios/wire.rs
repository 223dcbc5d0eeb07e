//! The protocol of PostgreSQL over a blocking socket, as far as the rows of the table speak it: what is left of an answer when no
//! driver stands between the socket and the record.

use std::{
    io::{BufReader, Read as _, Write as _},
    net::TcpStream,
};

use ::postgres::Config;
use bytes::BytesMut;
use postgres_protocol::{
    IsNull,
    authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256},
    message::frontend,
};

/// A connection, with one statement that is prepared on it at a time.
pub struct Wire {
    incoming: BufReader<TcpStream>,
    outgoing: BytesMut,
    /// The last message, without its kind and its length.
    body: Vec<u8>,
}

impl Wire {
    pub fn connect(url: &str) -> Wire {
        let config: Config = url.parse().expect("the URL is the test server's");
        let (user, database) = (config.get_user().expect("a user"), config.get_dbname().expect("a database"));
        let password = config.get_password().unwrap_or_default();
        let address = format!("127.0.0.1:{}", config.get_ports().first().expect("a port"));
        let socket = TcpStream::connect(address).expect("the server answers");
        socket.set_nodelay(true).expect("it is a socket");
        let incoming = BufReader::with_capacity(64 * 1024, socket);
        let mut wire = Wire { incoming, outgoing: BytesMut::new(), body: Vec::new() };
        let parameters = [("user", user), ("database", database)];
        frontend::startup_message(parameters, &mut wire.outgoing).expect("they are short");
        wire.send();
        wire.prove(password);
        wire.until_ready(|_| {});
        wire
    }

    /// SCRAM, or nothing where the server asks for nothing.
    fn prove(&mut self, password: &[u8]) {
        let mut scram = ScramSha256::new(password, ChannelBinding::unsupported());
        loop {
            assert_eq!(self.receive(), b'R', "the server asks who we are");
            let (code, rest) = self.body.split_first_chunk::<4>().expect("the protocol is known");
            match i32::from_be_bytes(*code) {
                0 => return,
                10 => frontend::sasl_initial_response(SCRAM_SHA_256, scram.message(), &mut self.outgoing),
                11 => {
                    scram.update(rest).expect("the server knows the password");
                    frontend::sasl_response(scram.message(), &mut self.outgoing)
                }
                12 => {
                    scram.finish(rest).expect("it is the server");
                    continue;
                }
                other => panic!("the test server asks for a way of authentication that is not spoken here: {other}"),
            }
            .expect("it is short");
            self.send();
        }
    }

    pub fn prepare(&mut self, sql: &str) {
        frontend::close(b'S', "s", &mut self.outgoing).expect("it is short");
        frontend::parse("s", sql, [], &mut self.outgoing).expect("it is short");
        frontend::sync(&mut self.outgoing);
        self.send();
        self.until_ready(|_| {});
    }

    /// Runs what was prepared, with binary parameters and binary rows.
    pub fn query(&mut self, parameters: &[&[u8]], mut each: impl FnMut(&[u8])) {
        let put = |parameter: &&[u8], out: &mut BytesMut| {
            out.extend_from_slice(parameter);
            Ok(IsNull::No)
        };
        let bound = frontend::bind("", "s", [1], parameters, put, [1], &mut self.outgoing);
        assert!(bound.is_ok(), "the parameters are short");
        frontend::execute("", 0, &mut self.outgoing).expect("it is short");
        frontend::sync(&mut self.outgoing);
        self.send();
        self.until_ready(&mut each);
    }

    fn send(&mut self) {
        self.incoming.get_mut().write_all(&self.outgoing).expect("the server takes it");
        self.outgoing.clear();
    }

    /// Reads a message and says of which kind it is.
    fn receive(&mut self) -> u8 {
        let mut head = [0; 5];
        self.incoming.read_exact(&mut head).expect("the server answers");
        let [kind, length @ ..] = head;
        self.body.resize(u32::from_be_bytes(length) as usize - 4, 0);
        self.incoming.read_exact(&mut self.body).expect("the server answers");
        kind
    }

    /// Hands out the cells of each row, behind their number, until the server waits again.
    fn until_ready(&mut self, mut each: impl FnMut(&[u8])) {
        loop {
            match self.receive() {
                b'D' => each(self.body.get(2..).expect("the protocol is known")),
                b'E' => panic!("the server refused it: {}", String::from_utf8_lossy(&self.body)),
                b'Z' => return,
                _ => {}
            }
        }
    }
}

/// Takes the next cell off a row; null is none.
pub fn cell<'r>(row: &mut &'r [u8]) -> Option<&'r [u8]> {
    let (length, rest) = row.split_first_chunk::<4>().expect("the row is whole");
    let length = usize::try_from(i32::from_be_bytes(*length)).ok();
    let (cell, rest) = rest.split_at(length.unwrap_or_default());
    *row = rest;
    length.map(|_| cell)
}
