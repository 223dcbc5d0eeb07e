//! Semantics 5: writes.

use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::json;

use super::{Suite, matching, people, refused, texts};
use crate::{
    document,
    error::{Error, ErrorKind, Result},
    id::Id,
    query::{Filter, Query, meta},
    record::{Changes, Document, Draft, FieldDef, Path, Schema, Stored, Type},
    store::{Atomicity, Database, Driver, Effect, Limits, Outcome, Store, Write, Written},
    value::Value,
    version::Version,
};

fn named(name: &str) -> Document {
    document! { "name" => name }
}

fn draft(id: &str) -> Result<Draft<'static, Document>> {
    Draft::of(named(id)).id(id)
}

/// The record with this id, which must be there.
#[track_caller]
fn there<S: Store<Document>>(store: &S, id: &str) -> Result<Stored<Document>> {
    Ok(store.read(id)?.unwrap_or_else(|| panic!("there should be a record `{id}`")))
}

/// What became of each write, in words.
fn words(outcomes: &[Outcome]) -> Vec<String> {
    let word = |outcome: &Outcome| match outcome {
        Ok(written) => format!("{:?}", written.effect),
        Err(error) => format!("{:?}", error.kind()),
    };
    outcomes.iter().map(word).collect()
}

/// And leaves what is there as it is.
pub fn semantics_5_1_create_fails_where_the_id_is_taken<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let written = store.create(draft("a")?)?;
    assert_eq!((written.id.to_string().as_str(), written.effect), ("a", Effect::Created));
    let before = there(&store, "a")?;
    let refusal = store.create(Draft::of(named("other")).id("a")?);
    assert_eq!(
        refusal.as_ref().err().and_then(|e| e.place().id.clone()),
        Some(Id::new("a")?),
        "the error names the id"
    );
    refused(refusal, ErrorKind::AlreadyExists, "a");
    assert_eq!(there(&store, "a")?, before);
    Ok(())
}

/// `update`, `patch` and `save` of what is not there are `NotFound`, and make nothing.
pub fn semantics_5_1_update_of_what_is_missing_is_not_found<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    refused(store.update("a", named("a")), ErrorKind::NotFound, "update");
    refused(store.patch("a", Changes::set("age", 1)), ErrorKind::NotFound, "patch");
    assert_eq!((store.read("a")?, store.count(Query::new())?), (None, 0));
    store.create(draft("a")?)?;
    assert_eq!(store.update("a", named("b"))?.effect, Effect::Updated);
    assert_eq!(there(&store, "a")?.record, named("b"), "it is replaced, not merged");
    Ok(())
}

/// Once.
pub fn semantics_5_1_delete_says_whether_there_was_something<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    store.create(draft("a")?)?;
    assert!(!store.delete("b")?);
    assert!(store.delete("a")?);
    assert!(!store.delete("a")?);
    assert_eq!((store.read("a")?, store.read_with("a", |_| ())?, store.count(Query::new())?), (None, None, 0));
    Ok(())
}

/// Created or replaced.
pub fn semantics_5_1_upsert_says_which_it_did<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    assert_eq!(store.upsert("a", document! { "name" => "a", "age" => 1 })?.effect, Effect::Created);
    assert_eq!(store.upsert("a", named("b"))?.effect, Effect::Updated);
    assert_eq!((there(&store, "a")?.record, store.count(Query::new())?), (named("b"), 1));
    Ok(())
}

/// No two records share a value of it; null is shared by any number, and what was let go is free again.
pub fn semantics_5_1_unique_values_are_kept_apart<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.store(people().field(FieldDef::new("email", Type::Text).unique().nullable()))?;
    let with = |name: &str, email: Option<&str>| document! { "name" => name, "email" => email.map(str::to_owned) };
    for (id, email) in [("a", Some("a@x")), ("b", Some("b@x")), ("c", None), ("d", None)] {
        store.create(Draft::of(with(id, email)).id(id)?)?;
    }
    refused(store.create(with("e", Some("a@x"))), ErrorKind::AlreadyExists, "create");
    refused(store.update("b", with("b", Some("a@x"))), ErrorKind::AlreadyExists, "update");
    refused(store.upsert("e", with("e", Some("a@x"))), ErrorKind::AlreadyExists, "upsert");
    refused(store.patch("c", Changes::set("email", "a@x")), ErrorKind::AlreadyExists, "patch");
    let batch = store.create_batch([with("e", Some("e@x")), with("f", Some("e@x"))])?;
    assert_eq!(words(&batch), ["Created", "AlreadyExists"], "within a batch too");
    assert_eq!(there(&store, "b")?.record, with("b", Some("b@x")), "a refused write changes nothing");
    store.update("a", with("still a", Some("a@x")))?;
    store.update("a", with("a", Some("a2@x")))?;
    store.update("b", with("b", Some("a@x")))?;
    store.delete("b")?;
    store.patch("c", Changes::set("email", "a@x"))?;
    store.create(with("g", Some("b@x")))?;
    refused(store.create(with("h", Some("a2@x"))), ErrorKind::AlreadyExists, "what is still held");
    Ok(())
}

/// A field of a record in the record is unique in the store, too; where there is no such record, it has no value.
pub fn semantics_2_3_unique_fields_of_records_inside_are_kept_apart<D: Database>(suite: &Suite<D>) -> Result<()> {
    let badge = Schema::new("badge")
        .field(FieldDef::new("number", Type::Decimal).unique())
        .field(FieldDef::new("since", Type::Timestamp).unique().nullable())
        .field(FieldDef::new("colour", Type::Text));
    let desk = Schema::new("desk").field(FieldDef::new("badge", Type::record(badge)).nullable());
    let schema = Schema::new("clerks").field(FieldDef::new("desk", Type::record(desk)));
    let store = suite.store(schema)?;
    let clerk = |number: &str, since: Option<&str>| -> Result<Document> {
        let since = since.map(|text| text.parse::<Timestamp>().expect("a moment"));
        let number: Decimal = number.parse().expect("a number");
        let badge = document! { "number" => number, "since" => since, "colour" => "red" };
        Ok(document! { "desk" => document! { "badge" => badge } })
    };
    let none = document! { "desk" => Document::new() };
    for (id, clerk) in [("a", clerk("1.5", None)?), ("b", clerk("2", Some("2024-02-29T12:00:00.5Z"))?), ("c", none)] {
        store.create(Draft::of(clerk).id(id)?)?;
    }
    let taken = |done: Result<Written>, field: &str| {
        let error = done.expect_err("somebody has the value");
        assert_eq!((error.kind(), error.place().field.as_deref()), (ErrorKind::AlreadyExists, Some(field)), "{error}");
    };
    taken(store.create(clerk("1.50", None)?), "desk.badge.number");
    taken(store.update("c", clerk("3", Some("2024-02-29T12:00:00.500Z"))?), "desk.badge.since");
    let batch = store.create_batch([clerk("4", None)?, clerk("4.0", None)?])?;
    assert_eq!(words(&batch), ["Created", "AlreadyExists"]);
    store.delete("a")?;
    store.update("c", clerk("1.5", None)?)?;
    Ok(())
}

/// Every write that took effect makes another one; A, B and A again are three.
pub fn semantics_5_2_every_write_makes_a_fresh_version<D: Database>(suite: &Suite<D>) -> Result<()> {
    if !suite.supports.versions {
        return Ok(());
    }
    let store = suite.people()?;
    let mut versions: Vec<Option<Version>> = vec![store.create(draft("a")?)?.version];
    for name in ["b", "a", "a"] {
        versions.push(store.update("a", named(name))?.version);
    }
    versions.push(store.upsert("a", named("a"))?.version);
    versions.push(store.patch("a", Changes::set("age", 1))?.version);
    versions.push(store.patch("a", meta("x").set(1))?.version);
    assert_eq!(there(&store, "a")?.envelope.version(), versions.last().and_then(Option::as_ref));
    store.delete("a")?;
    versions.push(store.create(draft("a")?)?.version);
    for (place, version) in versions.iter().enumerate() {
        assert!(version.is_some() && !versions[..place].contains(version), "{place}: {versions:?}");
    }
    let read = there(&store, "a")?.envelope.version().cloned();
    assert_eq!(store.read("a")?.and_then(|r| r.envelope.version().cloned()), read, "reading is no write");
    Ok(())
}

/// With the version that is there they win; with any other they lose, and change nothing.
pub fn semantics_5_2_conditional_writes_lose_when_the_version_moved_on<D: Database>(suite: &Suite<D>) -> Result<()> {
    if !suite.supports.versions {
        return Ok(());
    }
    let store = suite.people()?;
    let Some(old) = store.create(draft("a")?)?.version else { panic!("a version was promised") };
    let Some(new) = store.update("a", named("b"))?.version else { panic!("a version was promised") };
    store.update("a", Draft::of(named("c")).expect(new))?;
    let before = there(&store, "a")?;
    let patch = |version: &Version| -> Result<Vec<Outcome>> {
        let write =
            Write::Patch { id: Id::new("a")?, changes: Changes::set("age", 1), expected: Some(version.clone()) };
        store.write([write], Atomicity::Each, Limits::NONE)
    };
    refused(store.update("a", Draft::of(named("x")).expect(old.clone())), ErrorKind::Conflict, "update");
    refused(store.upsert("a", Draft::of(named("x")).expect(old.clone())), ErrorKind::Conflict, "upsert");
    refused(store.delete_if("a", &old), ErrorKind::Conflict, "delete");
    assert_eq!(words(&patch(&old)?), ["Conflict"]);
    let foreign = Version::text("never given");
    refused(store.update("a", Draft::of(named("x")).expect(foreign.clone())), ErrorKind::Conflict, "a foreign version");
    refused(store.delete_if("a", &foreign), ErrorKind::Conflict, "delete with a foreign version");
    assert_eq!(there(&store, "a")?, before);
    let Some(now) = before.envelope.version() else { panic!("a version was promised") };
    assert_eq!(words(&patch(now)?), ["Updated"]);
    let Some(now) = there(&store, "a")?.envelope.version().cloned() else { panic!("a version was promised") };
    store.delete_if("a", &now)?;
    refused(store.delete_if("a", &now), ErrorKind::Conflict, "delete of what is gone");
    refused(
        store.upsert("a", Draft::of(named("x")).expect(now.clone())),
        ErrorKind::Conflict,
        "upsert of what is gone",
    );
    refused(store.update("a", Draft::of(named("x")).expect(now)), ErrorKind::NotFound, "update of what is gone");
    assert_eq!(store.count(Query::new())?, 0);
    Ok(())
}

/// A record that was read and changed goes back if nobody has written it since.
pub fn semantics_5_2_save_writes_back_what_nobody_else_wrote<D: Database>(suite: &Suite<D>) -> Result<()> {
    if !suite.supports.versions {
        return Ok(());
    }
    let store = suite.people()?;
    store.create(draft("a")?.meta("source", "form"))?;
    let (mut mine, mut theirs) = (there(&store, "a")?, there(&store, "a")?);
    mine.record.set("age", 1);
    theirs.record.set("age", 2);
    store.save(mine.clone())?;
    refused(store.save(theirs), ErrorKind::Conflict, "the second of two");
    let now = there(&store, "a")?;
    assert_eq!((&now.record, now.envelope.metadata()), (&mine.record, mine.envelope.metadata()));
    assert_eq!(now.envelope.created_at(), mine.envelope.created_at());
    assert!(now.envelope.updated_at() >= mine.envelope.updated_at());
    store.delete("a")?;
    refused(store.save(now), ErrorKind::NotFound, "what is gone");
    Ok(())
}

/// `created_at` stays; `updated_at` moves, never back.
pub fn semantics_5_3_times_follow_the_writes<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let before = Timestamp::now();
    store.create(draft("a")?)?;
    let times = || -> Result<(Timestamp, Timestamp)> {
        let row = there(&store, "a")?;
        row.envelope.created_at().zip(row.envelope.updated_at()).ok_or_else(|| Error::backend("a time is missing"))
    };
    let (created, mut last) = times()?;
    let far = Duration::from_secs(600);
    assert!(created == last && created >= before - far && created <= Timestamp::now() + far, "{created}");
    for write in 0..4 {
        std::thread::sleep(Duration::from_millis(2));
        match write {
            0 => store.update("a", named("b"))?,
            1 => store.upsert("a", named("c"))?,
            2 => store.patch("a", Changes::set("age", 1))?,
            _ => store.patch("a", meta("x").set(1))?,
        };
        let (same, now) = times()?;
        assert_eq!(same, created, "write {write} changed created_at");
        assert!(now > last, "write {write} did not move updated_at");
        last = now;
    }
    refused(store.create(draft("a")?), ErrorKind::AlreadyExists, "a write that fails");
    assert_eq!(times()?, (created, last), "moves nothing");
    Ok(())
}

/// Copy and restore set both, and a later write never goes behind them.
pub fn semantics_5_3_a_copy_keeps_its_times<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let moment = |second: i64| Timestamp::from_second(second).expect("the tests keep to the range of timestamps");
    let (created, updated) = (moment(1_000), moment(4_000_000_000));
    let times = |row: &Stored<Document>| (row.envelope.created_at(), row.envelope.updated_at());
    store.create(draft("a")?.meta("source", "old").times(Some(created), Some(updated)))?;
    let original = there(&store, "a")?;
    assert_eq!(times(&original), (Some(created), Some(updated)));
    let copies = suite.people()?;
    copies.create(original.clone())?;
    let copy = there(&copies, "a")?;
    assert_eq!((times(&copy), copy.envelope.metadata()), (times(&original), original.envelope.metadata()));
    copies.update("a", named("later"))?;
    assert_eq!(times(&there(&copies, "a")?), (Some(created), Some(updated)), "updated_at = max(now, previous)");
    copies.upsert("a", original)?;
    assert_eq!(times(&there(&copies, "a")?), (Some(created), Some(updated)));
    Ok(())
}

/// What was read, changed and written back is a change of now, whether alone or in a batch; a draft can say otherwise.
pub fn semantics_5_3_an_update_of_what_was_read_moves_its_time<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    store.create(draft("a")?)?;
    let updated_at = || -> Result<Option<Timestamp>> { Ok(there(&store, "a")?.envelope.updated_at()) };
    let mut last = updated_at()?;
    for write in 0..3 {
        std::thread::sleep(Duration::from_millis(2));
        let mut row = there(&store, "a")?;
        row.record.set("age", write);
        match write {
            0 => drop(store.update("a", row)?),
            1 => drop(store.update_batch([row])?.pop().transpose()?),
            _ if suite.supports.versions => drop(store.save(row)?),
            _ => drop(store.update("a", row)?),
        }
        let now = updated_at()?;
        assert!(now > last, "write {write} did not move updated_at");
        last = now;
    }
    let later = last.and_then(|last| Timestamp::from_second(last.as_second() + 1_000).ok());
    store.update("a", Draft::of(named("restored")).times(last, later))?;
    let row = there(&store, "a")?;
    assert_eq!((row.envelope.created_at(), row.envelope.updated_at()), (last, later));
    Ok(())
}

/// Id and version, or the error; the good beside the bad are written.
pub fn semantics_5_4_a_batch_has_one_outcome_each_in_order<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    store.create(draft("taken")?)?;
    let bad = document! { "name" => "bad", "score" => f64::NAN };
    let batch =
        [draft("a")?, draft("taken")?, Draft::of(bad).id("bad")?, draft("b")?, Draft::of(document! {}), draft("c")?];
    let outcomes = store.create_batch(batch)?;
    assert_eq!(words(&outcomes), ["Created", "AlreadyExists", "Invalid", "Created", "Invalid", "Created"]);
    let ids: Vec<_> = outcomes.iter().flatten().map(|w| w.id.to_string()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    for written in outcomes.iter().flatten() {
        assert_eq!(there(&store, &written.id.to_string())?.envelope.version(), written.version.as_ref());
    }
    let found = store.read_batch(["c", "nobody", "a", "c", "bad"])?;
    let found: Vec<_> = found.iter().map(|row| row.as_ref().and_then(|r| r.record["name"].as_text())).collect();
    assert_eq!(found, [Some("c"), None, Some("a"), Some("c"), None]);
    assert_eq!(store.count(Query::new())?, 4);
    // A text that is no id is one outcome.
    let patch = |id| (id, Changes::set("age", 2));
    assert_eq!(
        words(&store.patch_batch(["a", "", "b", "nobody"].map(patch))?),
        ["Updated", "Invalid", "Updated", "NotFound"]
    );
    let gone = store.delete_batch(["c", "\n", "nobody"])?;
    let gone: Vec<_> = gone.iter().map(|gone| gone.as_ref().map_err(Error::kind).copied()).collect();
    assert_eq!(gone, [Ok(true), Err(ErrorKind::Invalid), Ok(false)]);
    assert_eq!(store.count(Query::new())?, 3);
    assert!(store.create_batch(Vec::<Document>::new())?.is_empty() && store.read_batch(Vec::<Id>::new())?.is_empty());
    Ok(())
}

/// The first use of an id wins; in an upsert the last; update and delete run in order.
pub fn semantics_5_4_an_id_twice_in_a_batch<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let with = |id: &str, age: i64| Draft::of(document! { "name" => id, "age" => age }).id(id);
    let age = |id: &str| there(&store, id).map(|r| r.record["age"].as_int());
    let outcomes = store.create_batch([with("a", 1)?, with("b", 1)?, with("a", 2)?, with("a", 3)?])?;
    assert_eq!(words(&outcomes), ["Created", "Created", "AlreadyExists", "AlreadyExists"]);
    assert_eq!(age("a")?, Some(1));
    let outcomes = store.upsert_batch([with("a", 4)?, with("c", 1)?, with("a", 5)?, with("c", 2)?])?;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!((age("a")?, age("c")?), (Some(5), Some(2)));
    let outcomes = store.update_batch([with("a", 6)?, with("nobody", 1)?, with("a", 7)?])?;
    assert_eq!(words(&outcomes), ["Updated", "NotFound", "Updated"]);
    assert_eq!(age("a")?, Some(7));
    let gone = store.delete_batch(["a", "nobody", "a", "b"])?.into_iter().collect::<Result<Vec<_>>>()?;
    assert_eq!(gone, [true, false, false, true]);
    let add = || Changes::add("age", 10);
    let outcomes = store.patch_batch([("c", add()), ("a", add()), ("c", add())])?;
    assert_eq!(words(&outcomes), ["Updated", "NotFound", "Updated"]);
    assert_eq!((age("c")?, store.count(Query::new())?), (Some(22), 1));
    Ok(())
}

/// Whatever the size, and the order holds.
pub fn semantics_5_4_large_batches_keep_their_order<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let many = 10_000;
    // Every id comes twice, and every tenth record is bad.
    let drafts = (0..many).map(|n| {
        let document = document! { "name" => n.to_string(), "score" => if n % 10 == 3 { f64::NAN } else { 1.0 } };
        Draft::of(document).id(format!("{}", n % (many / 2)))
    });
    let outcomes = store.create_batch(drafts.collect::<Result<Vec<_>>>()?)?;
    let expected = (0..many).map(|n| match n {
        n if n % 10 == 3 => "Invalid",
        n if n < many / 2 => "Created",
        _ => "AlreadyExists",
    });
    assert!(words(&outcomes).iter().eq(expected.collect::<Vec<_>>().iter()));
    for written in outcomes.iter().flatten() {
        let row = there(&store, &written.id.to_string())?;
        assert_eq!(row.record["name"].as_text(), Some(written.id.to_string().as_str()), "the first one won");
        assert_eq!(row.envelope.version(), written.version.as_ref());
    }
    let ids: Vec<String> = (0..many).map(|n| n.to_string()).collect();
    let gone = store.delete_batch(&ids)?.into_iter().collect::<Result<Vec<_>>>()?;
    assert!(gone.iter().zip(0..many).all(|(gone, n)| *gone == (n < many / 2 && n % 10 != 3)));
    assert_eq!(store.count(Query::new())?, 0);
    Ok(())
}

/// The first failure undoes everything and is the error of the call; where an engine cannot, it refuses.
pub fn semantics_5_4_all_or_nothing<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    store.create(draft("a")?)?;
    store.create(draft("gone")?)?;
    let before = there(&store, "a")?;
    let delete = |id: &str| Ok::<_, Error>(Write::Delete { id: Id::new(id)?, expected: None });
    let writes = |last: &str| -> Result<Vec<Write<'static, Document>>> {
        Ok(vec![
            Write::Create(draft("b")?),
            Write::Update(Draft::of(named("new")).id("a")?),
            delete("gone")?,
            Write::Create(draft(last)?),
        ])
    };
    if !suite.supports.atomic_batches {
        refused(store.write_all(writes("c")?), ErrorKind::Unsupported, "all or nothing");
        assert_eq!((there(&store, "a")?, store.count(Query::new())?), (before, 2));
        return Ok(());
    }
    refused(store.write_all(writes("b")?), ErrorKind::AlreadyExists, "a batch with one bad write");
    let missing = vec![Write::Create(draft("b")?), Write::Update(draft("nobody")?)];
    refused(store.write_all(missing), ErrorKind::NotFound, "a batch with an update of nothing");
    assert_eq!((there(&store, "a")?, store.read("b")?), (before, None));
    assert_eq!(store.count(Query::new())?, 2);
    let effects: Vec<_> = store.write_all(writes("c")?)?.iter().map(|w| w.effect).collect();
    assert_eq!(effects, [Effect::Created, Effect::Updated, Effect::Deleted, Effect::Created]);
    let mut names = texts(&store, Query::new(), "name")?;
    names.sort();
    assert_eq!(names, ["b", "c", "new"]);
    Ok(())
}

/// A reader's items go in chunk by chunk; items that did not read are outcomes at their places.
pub fn semantics_5_5_a_load_of_any_length<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?.with(Limits::default().chunk(7));
    let items = (0..100).map(|n| match n % 10 {
        3 => Err(Error::invalid("it did not read")),
        4 => Ok(document! { "name" => "bad", "age" => "text" }),
        _ => Ok(named(&n.to_string())),
    });
    let mut outcomes = Vec::new();
    let loaded = store.load(items, |outcome| outcomes.push(outcome.is_ok()))?;
    assert_eq!((loaded.created, loaded.failed, store.count(Query::new())?), (80, 20, 80));
    assert!(outcomes.iter().zip(0..).all(|(ok, n)| *ok == !matches!(n % 10, 3 | 4)), "in input order");
    Ok(())
}

/// A get by id, a search, a count; through a clone, and through a second store of the same name.
pub fn semantics_5_7_what_was_written_is_seen<D: Database>(suite: &Suite<D>) -> Result<()> {
    let name = suite.fresh_name();
    let first = suite.database.documents(&name, people())?;
    let second = suite.database.documents(&name, people())?;
    let clone = first.clone();
    for n in 0..20_i64 {
        let id = n.to_string();
        first.create(draft(&id)?)?;
        for other in [&first, &second, &clone] {
            assert_eq!(there(other, &id)?.record, named(&id));
            assert_eq!(matching(other, Filter::eq("name", id.as_str()), "name")?, std::slice::from_ref(&id));
        }
        second.patch(&id, Changes::set("age", n))?;
        for other in [&clone, &first] {
            assert_eq!(other.count(Filter::eq("age", n).bind::<Document>(other.schema())?)?, 1);
        }
        if n % 2 == 0 {
            clone.delete(&id)?;
        }
        assert_eq!(second.count(Query::new())?, (n as u64).div_ceil(2));
    }
    Ok(())
}

/// Set and add, on nested fields and metadata, all in order or none.
pub fn semantics_5_10_a_patch_is_atomic<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.open_store()?;
    let inner = document! { "n" => 1, "x.y" => "old" };
    store.create(Draft::of(document! { "age" => 40, "home" => inner, "s" => "text" }).id("a")?.meta("m", 1))?;
    let path = |text: &str| text.parse::<Path>();
    let changes = Changes::add("age", 2)
        .and(Changes::set("age", 50))
        .and(Changes::add("age", -1))
        .and(Changes::set(path("home.\"x.y\"")?, "new"))
        .and(Changes::add(path("home.n")?, 1))
        .and(Changes::set("s", Value::Null))
        .and(Changes::add("missing", 1))
        .and(Changes::set("new", true));
    assert_eq!(store.patch("a", changes)?.effect, Effect::Updated);
    let after = document! { "age" => 49, "home" => document! { "n" => 2, "x.y" => "new" }, "new" => true };
    assert_eq!(there(&store, "a")?.record, after);
    let before = there(&store, "a")?;
    let failing = [
        Changes::set("age", 1).and(Changes::add("new", 1)),
        Changes::set("age", 1).and(Changes::set("age", f64::NAN)),
        Changes::set("age", 1).and(Changes::set(path("age.x")?, 1)),
        meta("m").set(2).and(Changes::add("home", 1)),
    ];
    for changes in failing {
        refused(store.patch("a", changes.clone()), ErrorKind::Invalid, &changes);
        assert_eq!(there(&store, "a")?, before, "{changes:?} changed something");
    }
    refused(store.patch("a", Changes::set("_id", "b")), ErrorKind::Unsupported, "a patch of the id");
    refused(store.patch("a", Changes::set("_created_at", Timestamp::now())), ErrorKind::Unsupported, "of a time");
    refused(suite.people()?.patch("a", Changes::set("agee", 1)), ErrorKind::Query, "of an unknown field");
    assert_eq!(there(&store, "a")?, before);
    Ok(())
}

/// Sums are checked against the field's range.
pub fn semantics_5_10_a_sum_that_does_not_fit_is_refused<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    store.create(Draft::of(document! { "name" => "a", "age" => i64::MAX }).id("a")?)?;
    refused(store.patch("a", Changes::add("age", 1)), ErrorKind::Invalid, "a sum beyond i64");
    store.patch("a", Changes::add("age", i64::MIN))?;
    assert_eq!(there(&store, "a")?.record["age"], Value::Int(-1));
    Ok(())
}

/// And of no others.
pub fn semantics_5_10_update_where_and_delete_where_give_counts<D: Database>(suite: &Suite<D>) -> Result<()> {
    for chunk in [1, 3, 1_000] {
        let store = suite.people()?.with(Limits::default().chunk(chunk));
        for n in 0..10_i64 {
            let document = document! { "name" => n.to_string(), "age" => (n % 2 == 0).then_some(n) };
            store.create(Draft::of(document).meta("n", json!(n)))?;
        }
        let bound = |filter: Filter| filter.bind::<Document>(store.schema());
        assert_eq!(store.update_where(bound(Filter::ge("age", 4))?, Changes::add("age", 100))?, 3);
        assert_eq!(matching(&store, Filter::gt("age", 100), "name")?, ["4", "6", "8"]);
        assert_eq!(store.update_where(bound(Filter::ge("age", 1_000))?, Changes::add("age", 1))?, 0);
        refused(store.update_where(bound(Filter::all())?, Changes::set("agee", 1)), ErrorKind::Query, "unknown field");
        assert_eq!(store.delete_where(bound(Filter::ne("age", 104))?)?, 9, "ne is true of null");
        let left = store.search(Query::new())?;
        let left: Vec<_> =
            left.iter().map(|r| (r.record["age"].as_int(), r.envelope.metadata().get("n").cloned())).collect();
        assert_eq!(left, [(Some(104), Some(json!(4)))]);
        assert_eq!((store.clear()?, store.clear()?, store.count(Query::new())?), (1, 0, 0));
    }
    Ok(())
}

/// Made where there is none; the closure is not called where there is one.
pub fn semantics_5_10_read_or_create<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    assert_eq!(store.read_or_create("a", || named("first"))?.record, named("first"));
    let again = store.read_or_create("a", || -> Document { panic!("there is one") })?;
    assert_eq!((again.record, store.count(Query::new())?), (named("first"), 1));
    // What is taken is another record's: there is nothing to read, and the error says why.
    let unique = suite.store(people().field(FieldDef::new("email", Type::Text).unique().nullable()))?;
    let with_email = || document! { "name" => "a", "email" => "a@x" };
    unique.read_or_create("a", with_email)?;
    refused(unique.read_or_create("b", with_email), ErrorKind::AlreadyExists, "a unique value that is taken");
    Ok(())
}
