//! PostgreSQL against the bare `postgres` client used by hand: statements prepared once, COPY encoded by hand, rows read into the
//! same struct. Both sides write and read the same columns, those of the envelope too.
//!
//! Single operations are measured with the client and the server on one core: waking an idle core costs more than the whole
//! statement does, and would hide what each side adds to it. Rows that are about many records are free to use all cores.
//!
//! The rows of the driver hold it, used by hand as the rivals use it, against the bare protocol on a blocking socket: what its own
//! runtime adds. Our side has the same driver without that runtime, and may be faster than the rival by it.
//!
//! A database of its own on the server of `DK_POSTGRES_ADMIN_URL`, with `synchronous_commit = off`: a disk is not what is compared.

use std::{
    cell::RefCell,
    env,
    hint::black_box,
    io::Write as _,
    process::{self, Command, Stdio},
    rc::Rc,
};

use ::postgres::{Client, NoTls, Row as Record, Statement, fallible_iterator::FallibleIterator};
use dk_data::{
    Database, Query, Store,
    backend::postgres::{PostgresConfig, PostgresStore},
    store::Outcome as Written,
};
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    data::Data,
    harness::{Outcome, Row},
    people::Person,
    wire::{Wire, cell},
};

pub const ROWS: &[Row] = &[
    Row::new("postgres/read_by_id", 0.95, raw_read, ours_read).counted(singles),
    Row::new("postgres/create", 0.95, raw_create, ours_create).counted(singles),
    Row::new("postgres/create_batch", 0.92, raw_create_batch, ours_create_batch).counted(bulk),
    // The rival is our own side over one connection.
    Row::new("postgres/create_batch_2", 1.2, ours_create_batch, ours_create_batch_2).counted(bulk),
    Row::new("postgres/upsert_batch", 0.95, raw_upsert_batch, ours_upsert_batch).counted(bulk),
    Row::new("postgres/stream_all", 0.95, raw_stream_all, ours_stream_all).counted(bulk),
    Row::new("postgres/search_100", 0.95, raw_search, ours_search).counted(searches),
    Row::new("postgres/count", 0.95, raw_count, ours_count).counted(counts),
    Row::new("postgres/read_batch", 0.9, raw_read_batch, ours_read_batch).counted(bulk),
    // What the driver itself costs: it is the other side here, used by hand as the rival above, against a bare socket.
    Row::new("postgres/driver/read_by_id", 0.0, wire_read, raw_read).counted(singles),
    Row::new("postgres/driver/stream_all", 0.0, wire_stream_all, raw_stream_all).counted(bulk),
];

/// The database that the rows work in; made anew by each run.
const DATABASE: &str = "dk_ratios";

/// How many records a search finds, and how many ids a batch of reads has.
const FOUND: usize = 100;
const BATCH: usize = 1_000;

/// How many records the tables hold.
fn bulk(data: &Data) -> usize {
    data.rows().min(200_000)
}

fn singles(data: &Data) -> usize {
    data.rows().min(20_000)
}

fn searches(data: &Data) -> usize {
    singles(data).div_ceil(10)
}

fn counts(_: &Data) -> usize {
    20
}

/// Which cores the client and the server may use.
#[derive(Clone, Copy, PartialEq)]
enum Cores {
    One,
    All,
}

/// The server with both sides' tables, and the hand-written side's client.
struct Bed {
    client: Client,
    read: Statement,
    insert: Statement,
    cores: Option<Cores>,
    /// How many people both tables were filled with and still hold, laid out by the same COPY and looked at by the server.
    filled: Option<usize>,
    /// Our side, over one connection and over two.
    ours: PostgresStore<Person>,
    ours_2: PostgresStore<Person>,
    wire: Wire,
}

/// The columns as both sides have them: the record's own, then the envelope's.
const COLUMNS: &str =
    "id, name, email, age, city, score, active, created_at, tags, _version, _created_at, _updated_at, _metadata";

const TABLE: &str = r#"CREATE TABLE raw (
    id uuid PRIMARY KEY, name text COLLATE "C" NOT NULL, email text COLLATE "C" NOT NULL, age bigint NOT NULL,
    city text COLLATE "C" NOT NULL, score double precision NOT NULL, active boolean NOT NULL, created_at timestamptz NOT NULL,
    tags text[] COLLATE "C" NOT NULL, _version uuid NOT NULL, _created_at timestamptz NOT NULL, _updated_at timestamptz NOT NULL,
    _metadata jsonb)"#;

/// A record as it is read by hand: with its envelope.
struct Read {
    person: Person,
    _version: Uuid,
    _created_at: Timestamp,
    _updated_at: Timestamp,
    _metadata: Option<Value>,
}

fn person(row: &Record) -> Read {
    Read {
        person: Person {
            id: row.get(0),
            name: row.get(1),
            email: row.get(2),
            age: u32::try_from(row.get::<_, i64>(3)).expect("ages are small"),
            city: row.get(4),
            score: row.get(5),
            active: row.get(6),
            created_at: row.get(7),
            tags: row.get(8),
        },
        _version: row.get(9),
        _created_at: row.get(10),
        _updated_at: row.get(11),
        _metadata: row.get(12),
    }
}

impl Bed {
    /// A fresh database with an empty table.
    fn new() -> Bed {
        let admin_url = env::var("DK_POSTGRES_ADMIN_URL").expect("main has checked that the server's address is set");
        let mut admin = Client::connect(&admin_url, NoTls).expect("the server answers");
        for statement in [
            format!("DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)"),
            format!("CREATE DATABASE {DATABASE} OWNER app"),
            format!("ALTER DATABASE {DATABASE} SET synchronous_commit = off"),
        ] {
            admin.batch_execute(&statement).expect("the superuser may");
        }
        let mut client = Client::connect(&url(), NoTls).expect("the database is there");
        client.batch_execute(TABLE).expect("the database is ours");
        client.batch_execute("CREATE INDEX ON raw (created_at)").expect("the database is ours");
        let read = client.prepare(&format!("SELECT {COLUMNS} FROM raw WHERE id = $1")).expect("it is valid");
        let insert = format!("INSERT INTO raw ({COLUMNS}) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)");
        let insert = client.prepare(&insert).expect("it is valid");
        println!("postgres: {}", about(&mut client));
        let (ours, ours_2) = (open(1), open(2));
        client.batch_execute("CREATE INDEX ON people (created_at)").expect("the database is ours");
        Bed { client, read, insert, cores: None, filled: None, ours, ours_2, wire: Wire::connect(&url()) }
    }

    /// Puts the client and the server on one core, or frees them.
    fn pin(&mut self, cores: Cores) {
        if self.cores == Some(cores) {
            return;
        }
        let mut pids = vec![i64::from(process::id())];
        let query = "SELECT pid::int8 FROM pg_stat_activity WHERE datname = current_database()";
        pids.extend(self.client.query(query, &[]).expect("it answers").iter().map(|row| row.get::<_, i64>(0)));
        let done = pids.iter().filter(|pid| pinned(**pid, cores)).count();
        if done < pids.len() {
            println!("postgres: not pinned ({} of {} processes): `taskset` is missing or may not", done, pids.len());
        } else if cores == Cores::One {
            println!("postgres: client and server on one core, of {done} processes");
        } else {
            println!("postgres: client and server on all cores");
        }
        self.cores = Some(cores);
    }

    /// Both tables hold these people and nothing else, the one filled as the other.
    fn fill(&mut self, people: &[Person]) {
        if self.filled == Some(people.len()) {
            return;
        }
        self.clear();
        for table in ["raw", "people"] {
            copy(&mut self.client, table, people);
            self.client.batch_execute(&format!("VACUUM ANALYZE {table}")).expect("the table is ours");
        }
        self.filled = Some(people.len());
    }

    /// Empties both tables.
    fn clear(&mut self) {
        self.filled = None;
        self.client.batch_execute("TRUNCATE raw, people").expect("the tables are ours");
    }
}

/// The database of the rows, as its owner.
fn url() -> String {
    let url = env::var("DK_POSTGRES_URL").expect("main has checked that the server's address is set");
    let (server, _) = url.rsplit_once('/').expect("a URL with a database");
    format!("{server}/{DATABASE}")
}

/// Our side, with so many connections for a batch.
fn open(load_connections: usize) -> PostgresStore<Person> {
    let config =
        PostgresConfig::from_url(&url()).expect("the URL is the test server's").load_connections(load_connections);
    config.connect().expect("the database is there").store().expect("the table is ours")
}

fn about(client: &mut Client) -> String {
    let settings = "SELECT 'PostgreSQL ' || current_setting('server_version') || ', fsync ' || current_setting('fsync') || \
                    ', synchronous_commit ' || current_setting('synchronous_commit')";
    client.query_one(settings, &[]).expect("it answers").get(0)
}

/// Every thread of a process on the first core, or on all.
fn pinned(pid: i64, cores: Cores) -> bool {
    let list = if cores == Cores::One { "0" } else { "0-1023" };
    let mut taskset = Command::new("taskset");
    taskset.args(["-a", "-c", "-p", list, &pid.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    taskset.status().is_ok_and(|status| status.success())
}

thread_local! {
    static BED: Rc<RefCell<Bed>> = Rc::new(RefCell::new(Bed::new()));
}

/// Runs one side on the server, pinned or not.
fn on_bed<T>(cores: Cores, run: impl FnOnce(&mut Bed) -> T) -> T {
    let bed = BED.with(Rc::clone);
    let mut bed = bed.borrow_mut();
    bed.pin(cores);
    run(&mut bed)
}

/// A write token, as each write stores one.
fn token() -> Uuid {
    Uuid::from_bytes(rand::random())
}

// ---- COPY by hand

/// 2000-01-01 in microseconds since 1970: where PostgreSQL counts from.
const EPOCH_US: i64 = 946_684_800_000_000;

/// How much is encoded before it is sent.
const PIECE: usize = 64 * 1024;

fn put(buffer: &mut Vec<u8>, bytes: &[u8]) {
    buffer.extend_from_slice(&i32::try_from(bytes.len()).expect("a short cell").to_be_bytes());
    buffer.extend_from_slice(bytes);
}

fn put_tags(buffer: &mut Vec<u8>, tags: &[String]) {
    const TEXT: i32 = 25;
    let length: usize = tags.iter().map(|tag| 4 + tag.len()).sum();
    buffer.extend_from_slice(&i32::try_from(20 + length).expect("a short list").to_be_bytes());
    let dimensions = i32::from(!tags.is_empty());
    for word in [dimensions, 0, TEXT, i32::try_from(tags.len()).expect("a short list"), 1] {
        buffer.extend_from_slice(&word.to_be_bytes());
    }
    tags.iter().for_each(|tag| put(buffer, tag.as_bytes()));
}

fn put_person(buffer: &mut Vec<u8>, person: &Person, now: i64) {
    buffer.extend_from_slice(&13_i16.to_be_bytes());
    put(buffer, person.id.as_bytes());
    put(buffer, person.name.as_bytes());
    put(buffer, person.email.as_bytes());
    put(buffer, &i64::from(person.age).to_be_bytes());
    put(buffer, person.city.as_bytes());
    put(buffer, &person.score.to_be_bytes());
    put(buffer, &[u8::from(person.active)]);
    put(buffer, &(person.created_at.as_microsecond() - EPOCH_US).to_be_bytes());
    put_tags(buffer, &person.tags);
    put(buffer, token().as_bytes());
    put(buffer, &(now - EPOCH_US).to_be_bytes());
    put(buffer, &(now - EPOCH_US).to_be_bytes());
    buffer.extend_from_slice(&(-1_i32).to_be_bytes());
}

fn copy(client: &mut Client, table: &str, people: &[Person]) -> u64 {
    let statement = format!("COPY {table} ({COLUMNS}) FROM STDIN (FORMAT binary)");
    let mut target = client.copy_in(&statement).expect("the table is ours");
    let now = Timestamp::now().as_microsecond();
    let mut buffer = Vec::with_capacity(PIECE + 1_024);
    buffer.extend_from_slice(b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0");
    for person in people {
        put_person(&mut buffer, person, now);
        if buffer.len() >= PIECE {
            target.write_all(&buffer).expect("the server takes it");
            buffer.clear();
        }
    }
    buffer.extend_from_slice(&(-1_i16).to_be_bytes());
    target.write_all(&buffer).expect("the server takes it");
    target.finish().expect("the rows are valid")
}

// ---- the rivals

fn raw_read(data: &Data) -> Outcome {
    let ids: Vec<Uuid> = data.visits().iter().copied().take(singles(data)).collect();
    let people = &data.people()[..bulk(data)];
    let wanted: Vec<Uuid> = ids.into_iter().map(|id| nearest(people, id)).collect();
    on_bed(Cores::One, |bed| {
        bed.fill(people);
        let Bed { client, read, .. } = bed;
        let mut age =
            |id: &Uuid| u64::from(black_box(person(&client.query_one(&*read, &[id]).expect("it is there"))).person.age);
        Outcome::of(|| wanted.iter().map(&mut age).sum())
    })
}

/// A person who is in the table, in the order of a shuffled id.
fn nearest(people: &[Person], id: Uuid) -> Uuid {
    let at = people.partition_point(|person| person.id < id).min(people.len() - 1);
    people[at].id
}

fn raw_create(data: &Data) -> Outcome {
    let people = &data.people()[..singles(data)];
    on_bed(Cores::One, |bed| {
        bed.clear();
        let Bed { client, insert, .. } = bed;
        let mut create = |person: &Person| {
            let (version, now, age) = (token(), Timestamp::now(), i64::from(person.age));
            client
                .execute(
                    &*insert,
                    &[
                        &person.id,
                        &person.name,
                        &person.email,
                        &age,
                        &person.city,
                        &person.score,
                        &person.active,
                        &person.created_at,
                        &person.tags,
                        &version,
                        &now,
                        &now,
                        &None::<Value>,
                    ],
                )
                .expect("it is new")
        };
        Outcome::of(|| people.iter().map(&mut create).sum())
    })
}

fn raw_create_batch(data: &Data) -> Outcome {
    let people = &data.people()[..bulk(data)];
    on_bed(Cores::All, |bed| {
        bed.clear();
        Outcome::of(|| copy(&mut bed.client, "raw", people))
    })
}

/// Half of the people are there.
fn raw_upsert_batch(data: &Data) -> Outcome {
    let people = &data.people()[..bulk(data)];
    on_bed(Cores::All, |bed| {
        bed.clear();
        copy(&mut bed.client, "raw", &people[..people.len() / 2]);
        Outcome::of(|| upsert(&mut bed.client, people))
    })
}

fn upsert(client: &mut Client, people: &[Person]) -> u64 {
    let own = COLUMNS.split(", ").filter(|column| !["id", "_created_at", "_metadata"].contains(column));
    let set: Vec<String> = own.map(|column| format!("{column} = excluded.{column}")).collect();
    client
        .batch_execute("BEGIN; CREATE TEMPORARY TABLE staged (LIKE raw) ON COMMIT DROP")
        .expect("temporary tables are allowed");
    copy(client, "staged", people);
    let merge = format!(
        "INSERT INTO raw ({COLUMNS}) SELECT {COLUMNS} FROM staged ON CONFLICT (id) DO UPDATE SET {}",
        set.join(", ")
    );
    let written = client.execute(&merge, &[]).expect("the rows are valid");
    client.batch_execute("COMMIT").expect("it commits");
    written
}

fn raw_stream_all(data: &Data) -> Outcome {
    let people = &data.people()[..bulk(data)];
    on_bed(Cores::All, |bed| {
        bed.fill(people);
        let all = bed.client.prepare(&format!("SELECT {COLUMNS} FROM raw")).expect("it is valid");
        Outcome::of(|| {
            let rows = bed.client.query_raw(&all, Vec::<i32>::new()).expect("it answers");
            rows.fold(0, |sum, row| Ok(sum + u64::from(black_box(person(&row)).person.age))).expect("it goes on")
        })
    })
}

/// The people of a stretch of time, which are [`FOUND`]; each search has its own.
fn stretch(people: &[Person], number: usize) -> (Timestamp, Timestamp) {
    let start = number * 37 % people.len().saturating_sub(FOUND).max(1);
    let end = (start + FOUND).min(people.len()) - 1;
    (people[start].created_at, people[end].created_at)
}

fn raw_search(data: &Data) -> Outcome {
    let people = &data.people()[..bulk(data)];
    on_bed(Cores::One, |bed| {
        bed.fill(people);
        let search = format!("SELECT {COLUMNS} FROM raw WHERE created_at BETWEEN $1 AND $2");
        let search = bed.client.prepare(&search).expect("it is valid");
        let mut found = |number| {
            let (from, to) = stretch(people, number);
            let rows = bed.client.query(&search, &[&from, &to]).expect("it answers");
            let people: Vec<Read> = rows.iter().map(person).collect();
            black_box(people).len() as u64
        };
        Outcome::of(|| (0..searches(data)).map(&mut found).sum())
    })
}

fn raw_count(data: &Data) -> Outcome {
    let people = &data.people()[..bulk(data)];
    on_bed(Cores::One, |bed| {
        bed.fill(people);
        let count = bed.client.prepare("SELECT count(*) FROM raw WHERE age >= $1").expect("it is valid");
        let mut counted = |age: i64| {
            let count: i64 = bed.client.query_one(&count, &[&age]).expect("it answers").get(0);
            count.cast_unsigned()
        };
        Outcome::of(|| (0..counts(data)).map(|number| counted(20 + number as i64)).sum())
    })
}

/// A record as the wire has it.
fn person_of(mut row: &[u8]) -> Read {
    fn fixed<const N: usize>(row: &mut &[u8]) -> [u8; N] {
        cell(row).expect("it is never null").try_into().expect("it is this long")
    }
    fn text(row: &mut &[u8]) -> String {
        str::from_utf8(cell(row).expect("it is never null")).expect("it is text").to_owned()
    }
    let moment =
        |row: &mut &[u8]| Timestamp::from_microsecond(i64::from_be_bytes(fixed(row)) + EPOCH_US).expect("it is near");
    let tags = |row: &mut &[u8]| {
        let mut items = cell(row).expect("it is never null").get(20..).unwrap_or_default();
        let mut tags = Vec::new();
        while !items.is_empty() {
            tags.push(text(&mut items));
        }
        tags
    };
    let row = &mut row;
    Read {
        person: Person {
            id: Uuid::from_bytes(fixed(row)),
            name: text(row),
            email: text(row),
            age: u32::try_from(i64::from_be_bytes(fixed(row))).expect("ages are small"),
            city: text(row),
            score: f64::from_be_bytes(fixed(row)),
            active: fixed(row) == [1],
            created_at: moment(row),
            tags: tags(row),
        },
        _version: Uuid::from_bytes(fixed(row)),
        _created_at: moment(row),
        _updated_at: moment(row),
        _metadata: cell(row).map(|json| serde_json::from_slice(&json[1..]).expect("it is JSON")),
    }
}

fn wire_read(data: &Data) -> Outcome {
    let people = &data.people()[..bulk(data)];
    let wanted: Vec<Uuid> = data.visits().iter().take(singles(data)).map(|id| nearest(people, *id)).collect();
    on_bed(Cores::One, |bed| {
        bed.fill(people);
        let wire = &mut bed.wire;
        wire.prepare(&format!("SELECT {COLUMNS} FROM raw WHERE id = $1"));
        let mut age = |id: &Uuid| {
            let mut age = 0;
            wire.query(&[id.as_bytes()], |row| age = u64::from(black_box(person_of(row)).person.age));
            age
        };
        Outcome::of(|| wanted.iter().map(&mut age).sum())
    })
}

fn wire_stream_all(data: &Data) -> Outcome {
    let people = &data.people()[..bulk(data)];
    on_bed(Cores::All, |bed| {
        bed.fill(people);
        bed.wire.prepare(&format!("SELECT {COLUMNS} FROM raw"));
        Outcome::of(|| {
            let mut sum = 0;
            bed.wire.query(&[], |row| sum += u64::from(black_box(person_of(row)).person.age));
            sum
        })
    })
}

fn raw_read_batch(data: &Data) -> Outcome {
    let people = &data.people()[..bulk(data)];
    on_bed(Cores::All, |bed| {
        bed.fill(people);
        let read = format!("SELECT {COLUMNS} FROM raw WHERE id = ANY($1)");
        let read = bed.client.prepare(&read).expect("it is valid");
        let ids: Vec<Uuid> = people.iter().map(|person| person.id).collect();
        let mut found = |ids: &[Uuid]| {
            let rows = bed.client.query(&read, &[&ids]).expect("it answers");
            let mut by_id: std::collections::HashMap<Uuid, Read> =
                rows.iter().map(|row| (row.get(0), person(row))).collect();
            let people: Vec<Option<Read>> = ids.iter().map(|id| by_id.remove(id)).collect();
            black_box(people).iter().flatten().count() as u64
        };
        Outcome::of(|| ids.chunks(BATCH).map(&mut found).sum())
    })
}

// ---- ours

fn ours_read(data: &Data) -> Outcome {
    let people = &data.people()[..bulk(data)];
    let wanted: Vec<Uuid> = data.visits().iter().take(singles(data)).map(|id| nearest(people, *id)).collect();
    on_bed(Cores::One, |bed| {
        bed.fill(people);
        let age = |id: &Uuid| u64::from(black_box(bed.ours.read(id).expect("it answers").expect("it is there")).age);
        Outcome::of(|| wanted.iter().map(age).sum())
    })
}

fn ours_create(data: &Data) -> Outcome {
    let people = &data.people()[..singles(data)];
    on_bed(Cores::One, |bed| {
        bed.clear();
        let create = |person: &Person| black_box(bed.ours.create(person)).is_ok();
        Outcome::of(|| people.iter().filter(|person| create(person)).count() as u64)
    })
}

fn written(outcomes: &[Written]) -> u64 {
    outcomes.iter().filter(|outcome| outcome.is_ok()).count() as u64
}

fn ours_create_batch(data: &Data) -> Outcome {
    let people = &data.people()[..bulk(data)];
    on_bed(Cores::All, |bed| {
        bed.clear();
        Outcome::of(|| written(&bed.ours.create_batch(people).expect("the server writes")))
    })
}

fn ours_create_batch_2(data: &Data) -> Outcome {
    let people = &data.people()[..bulk(data)];
    on_bed(Cores::All, |bed| {
        bed.clear();
        Outcome::of(|| written(&bed.ours_2.create_batch(people).expect("the server writes")))
    })
}

fn ours_upsert_batch(data: &Data) -> Outcome {
    let people = &data.people()[..bulk(data)];
    on_bed(Cores::All, |bed| {
        bed.clear();
        copy(&mut bed.client, "people", &people[..people.len() / 2]);
        Outcome::of(|| written(&bed.ours.upsert_batch(people).expect("the server writes")))
    })
}

fn ours_stream_all(data: &Data) -> Outcome {
    let people = &data.people()[..bulk(data)];
    on_bed(Cores::All, |bed| {
        bed.fill(people);
        let rows = || bed.ours.stream(Query::new()).expect("it streams");
        Outcome::of(|| rows().map(|row| u64::from(black_box(row.expect("it reads")).age)).sum())
    })
}

fn ours_search(data: &Data) -> Outcome {
    let people = &data.people()[..bulk(data)];
    on_bed(Cores::One, |bed| {
        bed.fill(people);
        let found = |number| {
            let (from, to) = stretch(people, number);
            let found = bed.ours.search(Person::CREATED_AT.between(from, to)).expect("it answers");
            black_box(found).len() as u64
        };
        Outcome::of(|| (0..searches(data)).map(found).sum())
    })
}

fn ours_count(data: &Data) -> Outcome {
    let people = &data.people()[..bulk(data)];
    on_bed(Cores::One, |bed| {
        bed.fill(people);
        let counted = |number: usize| bed.ours.count(Person::AGE.ge(20 + number as u32)).expect("it counts");
        Outcome::of(|| (0..counts(data)).map(counted).sum())
    })
}

fn ours_read_batch(data: &Data) -> Outcome {
    let people = &data.people()[..bulk(data)];
    on_bed(Cores::All, |bed| {
        bed.fill(people);
        let ids: Vec<Uuid> = people.iter().map(|person| person.id).collect();
        let found = |ids: &[Uuid]| {
            let people = bed.ours.read_batch(ids).expect("it answers");
            black_box(people).iter().flatten().count() as u64
        };
        Outcome::of(|| ids.chunks(BATCH).map(found).sum())
    })
}
