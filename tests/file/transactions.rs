//! Transactions over several files, and batches: what is whole stays whole, whoever is killed and whatever the disk does.

use std::path::Path;

use dk_data::{
    Database, Document, Draft, Error, ErrorKind, FieldDef, Query, Result, Schema, Store, Type,
    backend::file::{Durability, Files, Options, disk::Disk, salvage},
    document,
    store::{Atomicity, Driver, Limits, Transactional, Write},
};

use crate::disk::{Failing, Fault, Unsynced};

fn schema() -> Schema {
    Schema::open("accounts")
}

fn open<D: Disk>(disk: D, folder: &Path) -> Result<Files<D>> {
    Files::open_on(disk, folder, Options::default().checkpoint_bytes(1_000))
}

/// Writes the same number to both stores, and a record of its own to each.
fn both<D: Disk>(files: &Files<D>, n: i64) -> Result<()> {
    files.transaction(|tx| {
        for (name, text) in [("left", "l"), ("right", "r")] {
            let store = tx.documents(name, schema())?;
            let pad = text.repeat(100);
            store.upsert("sum", Draft::of(document! { "n" => n, "pad" => pad.as_str() }))?;
            store.upsert(format!("{}", n % 9), Draft::of(document! { "n" => n }))?;
        }
        Ok(())
    })
}

/// What stands under `sum` in both stores.
fn sums<D: Disk>(files: &Files<D>) -> Result<[Option<i128>; 2]> {
    let sum = |name: &str| -> Result<_> {
        Ok(files.documents(name, schema())?.read("sum")?.and_then(|row| row.record["n"].as_int()))
    };
    Ok([sum("left")?, sum("right")?])
}

/// A copy of a folder's files, where no handle of this process knows them.
fn copied(from: &Path) -> std::path::PathBuf {
    let to = crate::folder();
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        std::fs::copy(&path, to.join(path.file_name().expect("a name"))).expect("it is copied");
    }
    to
}

/// Every operation of the end of a transaction fails in turn: both files have it, or neither, whoever opens them then.
#[test]
fn every_operation_may_fail_and_no_file_has_half_of_it() {
    for fault in [Fault::Refused, Fault::Short, Fault::Torn] {
        let mut nth = 0;
        loop {
            let folder = crate::folder();
            let what = format!("{fault:?} at operation {nth}");
            let disk = Failing::at(nth, fault);
            let (mut acknowledged, mut unsure) = (None, Vec::new());
            if let Ok(files) = open(disk.clone(), &folder) {
                for n in 0..4 {
                    match both(&files, n) {
                        Ok(()) => {
                            acknowledged = Some(i128::from(n));
                            unsure.clear();
                        }
                        Err(_) => unsure.push(Some(i128::from(n))),
                    }
                }
            }
            let again = open(Unsynced, &copied(&folder)).expect("it opens");
            let [left, right] = sums(&again).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(left, right, "{what}: half of a transaction");
            assert!(left == acknowledged || unsure.contains(&left), "{what}: {left:?}, not {acknowledged:?}");
            for name in ["left", "right"] {
                let store = again.documents(name, schema()).expect("it opens");
                let rows = store.search(Query::new()).unwrap_or_else(|error| panic!("{what}: {error}"));
                let last = rows.iter().filter(|row| *row.storage_id() != "sum");
                assert_eq!(last.filter_map(|row| row.record["n"].as_int()).max(), left, "{what}: {name} is whole");
            }
            let _ = std::fs::remove_dir_all(&folder);
            if !disk.has_failed() {
                assert!(unsure.is_empty() && nth > 100, "{what}: the scenario is one");
                break;
            }
            nth += 1;
        }
    }
}

/// A transaction that was decided and is in one journal of two is finished by whoever comes: opening, writing, salvaging.
#[test]
fn what_was_left_behind_is_finished_by_whoever_comes() {
    let folder = crate::folder();
    let files = open(Unsynced, &folder).expect("it opens");
    both(&files, 1).expect("it is done");
    // The journal of the second file cannot be written any more once the first one has been.
    let mut found = false;
    for nth in 0..200 {
        let copy = copied(&folder);
        let disk = Failing::at(nth, Fault::Refused);
        let Ok(files) = open(disk, &copy) else { continue };
        let done = both(&files, 2);
        // As a killed process leaves it: closing would finish it.
        std::mem::forget(files);
        let error = match done {
            Err(error) if error.kind() == ErrorKind::Ambiguous => error,
            _ => continue,
        };
        found = true;
        assert!(error.to_string().contains("finishes it"), "{error}");
        assert!(copy.join("dk_data.transaction").exists(), "the intent is there");
        let opened = open(Unsynced, &copied(&copy)).expect("it opens");
        assert_eq!(sums(&opened).expect("they read"), [Some(2), Some(2)], "by opening");
        let saved = copied(&copy);
        for name in ["left", "right"] {
            let saved = salvage(saved.join(format!("{name}.csv")), schema()).expect("it reads");
            assert!(saved.losses.is_empty(), "{:?}", saved.losses);
            let sum = saved.records.iter().find(|row| *row.storage_id() == "sum").expect("it is there");
            assert_eq!(sum.record["n"].as_int(), Some(2), "by salvaging {name}");
        }
        let writes = open(Unsynced, &copied(&copy)).expect("it opens");
        let left = writes.documents("left", schema()).expect("it opens");
        left.create(document! { "n" => 3 }).expect("it is written");
        assert_eq!(sums(&writes).expect("they read"), [Some(2), Some(2)], "by writing");
    }
    assert!(found, "no journal failed behind the decision");
}

/// Adds one in each of these stores, and creates a record; something happens before the end.
fn patches<D: Disk>(files: &Files<D>, names: &[&str], meanwhile: impl FnOnce()) -> Result<()> {
    files.transaction(|tx| {
        for name in names {
            let store = tx.documents(name, schema())?;
            store.patch("sum", dk_data::Changes::add("n", 1))?;
            store.create(document! { "n" => 7 })?;
        }
        meanwhile();
        Ok(())
    })
}

/// A checkpoint of somebody else while the transaction runs is no conflict; a change of the same record is one.
#[test]
fn a_checkpoint_meanwhile_is_no_conflict() {
    let folder = crate::folder();
    let files = open(Unsynced, &folder).expect("it opens");
    both(&files, 1).expect("it is done");
    let (left, right) =
        (files.documents("left", schema()).expect("it opens"), files.documents("right", schema()).expect("it opens"));
    for names in [&["left"][..], &["left", "right"]] {
        let before = sums(&files).expect("they read");
        patches(&files, names, || {
            left.checkpoint().expect("it is put into the base");
            right.checkpoint().expect("it is put into the base");
        })
        .expect("nobody wrote the same records");
        assert_eq!(sums(&files).expect("they read")[0], before[0].map(|n| n + 1));
        let lost = patches(&files, names, || {
            left.patch("sum", dk_data::Changes::add("n", 10)).expect("it is there");
            left.checkpoint().expect("it is put into the base");
        });
        assert_eq!(lost.expect_err("somebody was faster").kind(), ErrorKind::Conflict);
        assert_eq!(sums(&files).expect("they read")[0], before[0].map(|n| n + 11));
    }
}

/// The file of the intent is checked like all others: damage is told, and nothing is written over it.
#[test]
fn a_damaged_intent_is_told() {
    let folder = crate::folder();
    std::fs::write(folder.join("dk_data.transaction"), "dkt1 and no more").expect("it is written");
    let files = open(Unsynced, &folder).expect("it opens");
    let error = files.documents("left", schema()).map(drop).expect_err("what it says is not known");
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert!(error.place().url.as_deref().is_some_and(|url| url.contains("dk_data.transaction")), "{error}");
}

/// One file as a database: its one store takes part, whatever it is called.
#[test]
fn one_file_has_transactions_too() {
    let path = crate::folder().join("people.jsonl");
    let options = Options::default().durability(Durability::Os);
    let files = Files::open_file(&path, options).expect("it opens");
    let people = files.documents("people", schema()).expect("it opens");
    let done: Result<()> = files.transaction(|tx| {
        let store = tx.documents("people", schema())?;
        store.create(document! { "n" => 1 })?;
        Err(Error::invalid("on purpose"))
    });
    assert!(done.is_err() && people.count(Query::new()).expect("it counts") == 0);
    files
        .transaction(|tx| tx.documents("people", schema())?.create(document! { "n" => 1 }).map(drop))
        .expect("it is done");
    assert_eq!(people.count(Query::new()).expect("it counts"), 1);
    assert!(!path.with_file_name("dk_data.transaction.lock").exists(), "and nothing of it is left");
}

/// A write that waits for one before it of the same record is not overtaken by one behind it, which takes its unique value.
#[test]
fn a_write_that_was_refused_lets_no_other_pass() {
    let schema = Schema::new("people").field(FieldDef::new("u", Type::Text).unique().nullable());
    let draft = |id: &str, u: &str| Draft::of(document! { "u" => u }).id(id).expect("an id");
    let path = crate::folder().join("people.csv");
    let files = Files::open_file_on(Unsynced, &path, Options::default()).expect("it opens");
    let store: dk_data::backend::file::FileStore<Document, Unsynced> =
        files.documents("people", schema).expect("it opens");
    store.create_batch([draft("a", "1"), draft("b", "taken")]).expect("they are written");
    let writes = [
        Write::Update(draft("a", "taken")),
        Write::Update(draft("a", "wanted")),
        Write::Create(draft("c", "wanted")),
        Write::Create(draft("d", "1")),
    ];
    let outcomes = store.write(writes, Atomicity::Each, Limits::NONE).expect("it is tried");
    let kinds: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().err().map(Error::kind)).collect();
    assert_eq!(kinds, [Some(ErrorKind::AlreadyExists), None, Some(ErrorKind::AlreadyExists), None]);
}

/// A store of accounts, no two of which have the same name.
fn accounts() -> impl Store<Document> {
    let schema = Schema::new("accounts").field(FieldDef::new("name", Type::Text).unique().nullable());
    let files = open(Unsynced, &crate::folder()).expect("the folder opens");
    files.documents("accounts", schema).expect("it opens")
}

fn named(id: &str, name: &str) -> Draft<'static, Document> {
    Draft::of(document! { "name" => name }).id(id).expect("an id")
}

/// What a write found of the writes before it stands, whatever becomes of those behind it.
#[test]
fn semantics_5_4_a_refusal_in_a_batch_does_not_run_what_came_before_it_again() {
    let store = accounts();
    store.create(named("a", "x")).expect("it is new");
    store.create(named("b", "y")).expect("it is new");
    let batch = [
        Write::Delete { id: "a".parse().expect("an id"), expected: None },
        Write::Update(named("a", "w")),
        Write::Create(named("a", "z")),
        Write::Create(named("a", "v")),
        Write::Update(named("a", "y")),
    ];
    let outcomes = store.write(batch, Atomicity::Each, &Limits::default()).expect("it answers");
    let kinds: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().err().map(Error::kind)).collect();
    let taken = Some(ErrorKind::AlreadyExists);
    assert_eq!(kinds, [None, Some(ErrorKind::NotFound), None, taken, taken]);
    let found = store.read("a").expect("it reads").map(|row| row.record["name"].clone());
    assert_eq!(found, Some("z".into()));
}

/// A write that waits for one before it is not overtaken by one behind it that frees a value which it asks for.
#[test]
fn semantics_5_4_a_write_that_waits_in_a_batch_is_not_overtaken() {
    let store = accounts();
    store.create(named("b", "x")).expect("it is new");
    let batch = [Write::Create(named("a", "x")), Write::Create(named("a", "x")), Write::Update(named("b", "y"))];
    let outcomes = store.write(batch, Atomicity::Each, &Limits::default()).expect("it answers");
    let kinds: Vec<_> = outcomes.iter().map(|outcome| outcome.as_ref().err().map(Error::kind)).collect();
    let taken = Some(ErrorKind::AlreadyExists);
    assert_eq!(kinds, [taken, taken, None]);
    assert!(store.read("a").expect("it reads").is_none());
}
