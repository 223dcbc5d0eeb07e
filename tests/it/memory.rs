//! What is special about memory; what every engine means is tested by the suite.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use dk_data::{
    Changes, Database, Document, Draft, Error, ErrorKind, FieldDef, Filter, Key, Query, Record, Schema, Store,
    Transactional, Type,
    backend::memory::{Memory, MemoryStore},
    document, own,
    store::{CancelToken, Limits, Write},
};

fn people() -> (Memory, MemoryStore<Document>) {
    let db = Memory::new();
    let schema = Schema::new("people")
        .field(FieldDef::new("name", Type::Text))
        .field(FieldDef::new("email", Type::Text).unique().nullable())
        .field(FieldDef::new("age", Type::U8).nullable());
    let people = db.documents("people", schema).expect("the schema is valid");
    (db, people)
}

#[test]
fn a_closure_that_is_shown_a_record_may_write_to_the_same_store() {
    let (_, people) = people();
    let id = people.create(document! { "name" => "Ann" }).expect("it is new").id;
    let seen = people.read_with(&id, |ann| {
        people.patch(ann.storage_id(), Changes::set("age", 40)).expect("no lock is held");
        ann["age"].is_null()
    });
    assert_eq!(seen.expect("memory answers"), Some(true));
    assert_eq!(people.read(&id).expect("memory answers").map(|p| p["age"].clone()), Some(40.into()));
}

#[test]
fn a_stream_shows_what_was_there_when_it_began() {
    let (_, people) = people();
    let all: Vec<_> = (0..1_000).map(|i| document! { "name" => format!("p{i}") }).collect();
    people.create_batch(&all).expect("memory writes");
    let mut seen = 0;
    for person in people.stream(Query::new()).expect("memory streams") {
        let person = person.expect("memory reads");
        people.delete(person.storage_id()).expect("memory deletes");
        people.create(document! { "name" => "new" }).expect("memory writes");
        seen += 1;
    }
    assert_eq!((seen, people.count(Query::new()).ok()), (1_000, Some(1_000)));
}

#[test]
fn a_unique_value_is_free_again_when_its_record_lets_go() {
    let (_, people) = people();
    let ann = people.create(document! { "name" => "Ann", "email" => "a@x" }).expect("it is new");
    let again = people.create(document! { "name" => "Bob", "email" => "a@x" });
    assert_eq!(again.err().map(|e| e.kind()), Some(ErrorKind::AlreadyExists));
    people.patch(&ann.id, Changes::set("email", "b@x")).expect("b@x is free");
    people.create(document! { "name" => "Bob", "email" => "a@x" }).expect("a@x is free now");
}

#[test]
fn a_transaction_is_all_or_nothing_and_reads_its_own_writes() {
    let (db, people) = people();
    let schema = people.schema().clone();
    let failed: Result<(), Error> = db.transaction(|tx| {
        let people = tx.documents("people", schema.clone())?;
        people.create(Draft::of(document! { "name" => "Ann" }).id("a")?)?;
        assert!(people.read("a")?.is_some());
        assert_eq!(people.count(Query::new())?, 1);
        Err(Error::invalid("no"))
    });
    assert!(failed.is_err());
    assert_eq!(people.count(Query::new()).ok(), Some(0));
    let done: Result<(), Error> = db.transaction(|tx| {
        tx.documents("people", schema.clone())?.create(Draft::of(document! { "name" => "Ann" }).id("a")?)?;
        Ok(())
    });
    done.expect("nobody else writes");
    assert!(people.read("a").expect("memory answers").is_some());
}

#[test]
fn a_transaction_loses_to_a_faster_writer() {
    let (db, people) = people();
    people.create(Draft::of(document! { "name" => "Ann", "age" => 1 }).id("a").expect("an id")).expect("it is new");
    let schema = people.schema().clone();
    let lost: Result<(), Error> = db.transaction(|tx| {
        let inside = tx.documents("people", schema.clone())?;
        inside.patch("a", Changes::add("age", 1))?;
        people.patch("a", Changes::add("age", 1))?;
        Ok(())
    });
    assert_eq!(lost.err().map(|e| e.kind()), Some(ErrorKind::Conflict));
    assert_eq!(people.read("a").expect("memory answers").map(|p| p["age"].clone()), Some(2.into()));
}

#[test]
fn four_threads_count_exactly() {
    let (db, people) = people();
    people.create(Draft::of(document! { "name" => "n", "age" => 0 }).id("n").expect("an id")).expect("it is new");
    let schema = people.schema().clone();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let counted: Result<(), Error> = db.transaction_retrying(
                        10_000,
                        |tx| tx.documents("people", schema.clone())?.patch("n", Changes::add("age", 1)).map(drop),
                        Error::is_conflict,
                    );
                    counted.expect("conflicts end");
                }
            });
        }
    });
    assert_eq!(people.read("n").expect("memory answers").map(|p| p["age"].clone()), Some(80.into()));
}

#[test]
fn pages_follow_each_other_through_ties_and_nulls() {
    let (_, people) = people();
    let all: Vec<_> =
        (0..100_i64).map(|i| document! { "name" => "x", "age" => (i % 7 != 0).then_some(i % 5) }).collect();
    people.create_batch(&all).expect("memory writes");
    for key in [Key::asc("age"), Key::desc("age"), Key::desc("age").nulls_first()] {
        let query = Query::new().sort(key);
        let whole: Vec<_> =
            people.search(&query).expect("memory answers").iter().map(|p| p.storage_id().clone()).collect();
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let page = people.page(&query.clone().limit(9), after).expect("memory answers");
            paged.extend(page.rows.iter().map(|p| p.storage_id().clone()));
            after = page.next.map(|c| c.to_string().parse().expect("a cursor survives its text"));
            if after.is_none() {
                break;
            }
        }
        assert_eq!(paged, whole);
    }
}

#[test]
fn set_based_writes_say_how_many() {
    let (_, people) = people();
    let all: Vec<_> = (0..50_i64).map(|i| document! { "name" => "x", "age" => i }).collect();
    people.create_batch(&all).expect("memory writes");
    let young = Filter::lt("age", 10).bind(people.schema()).expect("the field is there");
    assert_eq!(people.update_where(young.clone(), Changes::add("age", 100)).ok(), Some(10));
    assert_eq!(people.delete_where(young).ok(), Some(0));
    assert_eq!(people.clear().ok(), Some(50));
}

static PROBED: OnceLock<MemoryStore<Probed>> = OnceLock::new();

/// A record whose clone looks into the store that keeps it.
#[derive(Record, Debug, PartialEq)]
struct Probed {
    #[record(id)]
    id: u64,
    value: u64,
}

impl Clone for Probed {
    fn clone(&self) -> Self {
        assert_eq!(PROBED.get().and_then(|store| store.count(Query::new()).ok()), Some(100));
        Probed { ..*self }
    }
}

/// Semantics 8.4. Writers copy what a stream still shows; the copies are made by the user's code.
#[test]
fn records_are_cloned_with_no_lock_held() {
    let (done, finished) = mpsc::channel();
    thread::spawn(move || {
        let store = PROBED.get_or_init(|| Memory::new().store().expect("memory opens"));
        store.create_batch((0..100).map(|id| Probed { id, value: 0 })).expect("memory writes");
        let before = store.stream(Query::new()).expect("memory streams");
        store.update(7, Probed { id: 7, value: 1 }).expect("it is there");
        let many = (10..90).map(|id| Write::Update(Draft::of(Probed { id, value: 1 })));
        store.write_all(many).expect("nobody else writes");
        let shown = before.map(|row| row.map_or(1, |row| row.value)).sum::<u64>();
        done.send((shown, store.count(Probed::VALUE.eq(1)).ok())).expect("the test waits");
    });
    let found = finished.recv_timeout(Duration::from_secs(60));
    assert_eq!(found, Ok((0, Some(81))), "the stream shows what was there, and nothing waits for a lock");
}

#[test]
fn a_commit_loses_a_unique_value_to_a_faster_writer() {
    let (db, people) = people();
    let schema = people.schema().clone();
    let ann = |id: &str| Draft::of(document! { "name" => "Ann", "email" => "a@x" }).id(id).expect("an id");
    let lost: Result<(), Error> = db.transaction(|tx| {
        tx.documents("people", schema.clone())?.create(ann("inside"))?;
        people.create(ann("outside")).map(drop)
    });
    assert_eq!(lost.err().map(|e| e.kind()), Some(ErrorKind::AlreadyExists));
    assert_eq!(people.count(Query::new()).ok(), Some(1));
    assert!(people.read("outside").expect("memory answers").is_some());
    people.delete("outside").expect("memory deletes");
    people.create(ann("again")).expect("the commit that lost holds no value");
}

fn numbers(count: i64) -> MemoryStore<Document> {
    let store = Memory::new().documents("numbers", Schema::open("numbers")).expect("memory opens");
    store.create_batch((0..count).map(|n| document! { "n" => n })).expect("memory writes");
    store
}

/// A predicate that sets the token when it is asked the thousandth time, and is true of none.
fn stopping(token: &CancelToken) -> impl Fn(&Document) -> bool + Clone + Send + Sync + 'static + use<> {
    let (token, asked) = (token.clone(), Arc::new(AtomicUsize::new(0)));
    move |_| {
        if asked.fetch_add(1, Ordering::Relaxed) == 1_000 {
            token.set();
        }
        false
    }
}

#[test]
fn a_search_that_finds_nothing_stops_when_it_is_told_to() {
    let store = numbers(100_000);
    let token = CancelToken::new();
    let limited = store.with(Limits::default().cancel(&token));
    let found = limited.search(own(stopping(&token)));
    assert_eq!(found.err().map(|e| e.kind()), Some(ErrorKind::Cancelled));
    // The same question to the end.
    assert_eq!(store.search(own(stopping(&token))).map(|rows| rows.len()).ok(), Some(0));
}

#[test]
fn a_batch_that_is_stopped_says_of_each_record_what_became_of_it() {
    for schema in [Schema::open("n"), Schema::open("n").field(FieldDef::new("n", Type::I64).unique())] {
        let store = Memory::new().documents("n", schema).expect("memory opens");
        let token = CancelToken::new();
        let stopping = token.clone();
        let records = (0..30_000_i64).map(|n| {
            if n == 20_000 {
                stopping.set();
            }
            document! { "n" => n }
        });
        let outcomes = store.with(Limits::default().cancel(&token)).create_batch(records).expect("it is tried");
        let written = outcomes.iter().take_while(|outcome| outcome.is_ok()).count();
        assert_eq!(outcomes.len(), 30_000);
        assert!((1..=20_000).contains(&written), "{written}");
        assert!(outcomes[written..].iter().flat_map(|o| o.as_ref().err()).all(|e| e.kind() == ErrorKind::Cancelled));
        assert!(outcomes[written..].iter().all(Result::is_err));
        assert_eq!(store.count(Query::new()).ok(), Some(written as u64));
    }
}

#[test]
fn a_set_based_write_that_is_stopped_says_how_many_records_it_wrote() {
    let store = numbers(1_000);
    let token = CancelToken::new();
    let stopping = token.clone();
    let until = own(move |doc: &Document| {
        if doc["n"].as_int() == Some(500) {
            stopping.set();
        }
        true
    });
    let stopped = store.with(Limits::default().chunk(10).cancel(&token)).delete_where(until);
    let error = stopped.expect_err("it is stopped");
    let deleted = 1_000 - store.count(Query::new()).expect("memory counts");
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert!(error.message().ends_with(&format!("; {deleted} records were written before")), "{error}");
}

/// semantics 6.6: what was written behind the record that was refused counts, too.
#[test]
fn a_set_based_write_of_which_some_are_refused_says_how_many_it_wrote() {
    let (_, people) = people();
    let ages = (0..100_u8).rev().map(|age| document! { "name" => "x", "age" => age });
    assert!(people.create_batch(ages).expect("memory takes them").iter().all(Result::is_ok));
    let error = people.update_where(dk_data::query::All, Changes::add("age", 200)).expect_err("some grow too old");
    let written = people.count(Filter::ge("age", 200).bind(people.schema()).expect("it binds")).expect("memory counts");
    assert_eq!((error.kind(), written), (ErrorKind::Invalid, 56));
    assert!(error.message().ends_with("; 56 records were written before"), "{error}");
}

/// semantics 5.10: a record that another writer has changed meanwhile is looked at again.
#[test]
fn a_set_based_write_leaves_alone_what_is_no_longer_meant() {
    let store = numbers(10);
    let (other, changed) = (store.clone(), Arc::new(OnceLock::new()));
    let small = own(move |doc: &Document| {
        let meant = doc["n"].as_int().is_some_and(|n| n < 5);
        if doc["n"].as_int() == Some(3) && changed.set(()).is_ok() {
            let three = Filter::eq("n", 3).bind(other.schema()).expect("it binds");
            assert_eq!(other.update_where(three, Changes::set("n", 300)).expect("it is there"), 1);
        }
        meant
    });
    assert_eq!(store.update_where(small, Changes::set("seen", true)).expect("memory writes"), 4);
    let unseen = Filter::eq("n", 300).bind::<Document>(store.schema()).expect("it binds");
    assert!(store.first(unseen).expect("memory reads").expect("it is there").record["seen"].is_null());
}

/// Each of ten thousand finds out at once whether another in the transaction has its value, also when that has let go of it.
#[test]
fn many_unique_values_of_a_transaction_are_told_apart() {
    let (db, people) = people();
    let person = |n: usize, email: String| Draft::of(document! { "name" => "x", "email" => email }).id(format!("{n}"));
    let done: Result<(), Error> = db.transaction(|tx| {
        let inside = tx.documents("people", people.schema().clone())?;
        for n in 0..10_000 {
            inside.create(person(n, format!("{n}@x"))?)?;
        }
        let taken = inside.create(person(10_000, "77@x".to_owned())?).expect_err("77 has it");
        assert_eq!((taken.kind(), taken.place().field.as_deref()), (ErrorKind::AlreadyExists, Some("email")));
        inside.patch("77", Changes::set("email", "other@x"))?;
        inside.create(person(10_000, "77@x".to_owned())?)?;
        inside.delete("10000")?;
        inside.patch("78", Changes::set("email", "77@x"))?;
        inside.create(person(10_001, "78@x".to_owned())?).map(drop)
    });
    done.expect("it is committed");
    assert_eq!(people.count(Query::new()).expect("memory counts"), 10_001);
}

/// What the compiler calls a type does not tell it from another one: two in blocks of one function are called the same.
#[test]
fn a_store_of_another_type_of_the_same_name_is_refused() {
    let db = Memory::new();
    {
        #[derive(Record, Clone)]
        #[record(name = "notes")]
        struct Note {
            text: String,
        }
        db.store::<Note>().expect("it is new").create(Note { text: "x".to_owned() }).expect("memory writes");
    }
    {
        #[derive(Record, Clone)]
        #[record(name = "notes")]
        struct Note {
            text: String,
        }
        let refused = db.store::<Note>().map(|notes| notes.count(Note::TEXT.eq("x"))).expect_err("another type");
        assert_eq!((refused.kind(), refused.place().store.as_deref()), (ErrorKind::Configuration, Some("notes")));
        assert!(refused.message().contains("another type called"), "{refused}");
    }
}
