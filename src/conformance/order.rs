//! Semantics 4: order, paging, projection, counting.

use std::collections::BTreeSet;

use super::{Suite, refused, texts};
use crate::{
    document,
    error::{ErrorKind, Result},
    query::{Cursor, Filter, Key, Operand, Query},
    record::{Changes, Document, Draft, Path, Stored},
    store::{Database, Limits, Store},
    value::Value,
};

/// Records with ties and nulls in both keys; ids `00` to `19`.
fn twenty<D: Database>(suite: &Suite<D>) -> Result<D::Store<Document>> {
    let store = suite.people()?;
    for n in 0..20_i64 {
        let mut document = document! { "name" => format!("{n:02}") };
        document.set("age", (n % 4 > 0).then_some(n % 4));
        document.set("city", (n % 3 > 0).then(|| ["b", "a"][n as usize % 2]));
        store.create(Draft::of(document).id(format!("{n:02}"))?)?;
    }
    Ok(store)
}

/// In both directions; `nulls_first` asks.
pub fn semantics_4_1_nulls_come_last_unless_asked<D: Database>(suite: &Suite<D>) -> Result<()> {
    for store in [suite.people()?, suite.open_store()?] {
        for (name, age) in [("null", None), ("two", Some(2)), ("one", Some(1))] {
            store.create(document! { "name" => name, "age" => age })?;
        }
        let orders = [
            (Key::asc("age"), ["one", "two", "null"]),
            (Key::desc("age"), ["two", "one", "null"]),
            (Key::asc("age").nulls_first(), ["null", "one", "two"]),
            (Key::desc("age").nulls_first(), ["null", "two", "one"]),
        ];
        for (key, names) in orders {
            assert_eq!(texts(&store, Query::new().sort(key.clone()), "name")?, names, "{key}");
        }
    }
    Ok(())
}

/// Descending where the last key is.
pub fn semantics_4_1_ties_go_by_id_in_the_last_keys_direction<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    for id in ["b", "a", "c"] {
        store.create(Draft::of(document! { "name" => id, "age" => 1 }).id(id)?)?;
    }
    let orders = [
        (vec![Key::asc("age")], ["a", "b", "c"]),
        (vec![Key::desc("age")], ["c", "b", "a"]),
        (vec![Key::asc("age"), Key::desc("city")], ["c", "b", "a"]),
        (vec![Key::desc("age"), Key::asc("city")], ["a", "b", "c"]),
    ];
    for (keys, names) in orders {
        let query = keys.iter().cloned().fold(Query::new(), Query::sort);
        assert_eq!(texts(&store, query, "name")?, names, "{keys:?}");
    }
    Ok(())
}

/// A limit, an offset or a cursor asks for an order.
pub fn semantics_4_1_a_page_without_keys_is_in_id_order<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    for id in ["c", "é", "a", "Z", "b"] {
        store.create(Draft::of(document! { "name" => id }).id(id)?)?;
    }
    assert_eq!(texts(&store, Query::new().limit(10), "name")?, ["Z", "a", "b", "c", "é"]);
    assert_eq!(texts(&store, Query::new().offset(1), "name")?, ["a", "b", "c", "é"]);
    let first = store.page(&Query::new().limit(2), None)?;
    assert_eq!(texts(&store, Query::new().after(first.next), "name")?, ["b", "c", "é"]);
    Ok(())
}

/// In whatever order.
pub fn semantics_4_1_an_unordered_query_gives_each_record_once<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = twenty(suite)?;
    let mut names = texts(&store, Query::new(), "name")?;
    names.sort();
    assert_eq!(names, (0..20).map(|n| format!("{n:02}")).collect::<Vec<_>>());
    Ok(())
}

/// `limit(0)` is empty; an offset works without a limit, and beyond the end is empty.
pub fn semantics_4_2_limit_and_offset<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = twenty(suite)?;
    let all = texts(&store, Query::new().sort(Key::asc("name")), "name")?;
    for offset in [0, 1, 5, 19, 20, 21, usize::MAX] {
        for limit in [None, Some(0), Some(1), Some(7), Some(20), Some(21), Some(usize::MAX)] {
            let query = Query::new().sort(Key::asc("name")).offset(offset);
            let query = limit.into_iter().fold(query, Query::limit);
            let expected: Vec<_> = all.iter().skip(offset).take(limit.unwrap_or(usize::MAX)).collect();
            assert!(texts(&store, &query, "name")?.iter().eq(expected.iter().copied()), "{offset} {limit:?}");
            assert_eq!(store.count(&query)?, expected.len() as u64, "count with {offset} {limit:?}");
            assert_eq!(store.exists(&query)?, !expected.is_empty(), "exists with {offset} {limit:?}");
        }
    }
    assert_eq!(store.first(Query::new().sort(Key::desc("name")))?.map(|r| r.record["name"].clone()), Some("19".into()));
    Ok(())
}

/// The orders that pages are tried with: several keys, mixed directions, nullable keys, lengths, ids.
fn orders() -> Vec<Vec<Key<Document>>> {
    vec![
        vec![],
        vec![Key::asc("name")],
        vec![Key::asc("age")],
        vec![Key::desc("age")],
        vec![Key::asc("age").nulls_first(), Key::desc("city")],
        vec![Key::desc("city"), Key::asc("age")],
        vec![Key::desc("age").nulls_first(), Key::desc("city").nulls_first()],
        vec![Key::asc("active"), Key::desc("score"), Key::asc("city"), Key::desc("age")],
        vec![Key::asc("city"), Key::desc(Path::field("_created_at"))],
        vec![Key::desc(Path::field("_id"))],
    ]
}

/// The names of all pages, read to the end; each cursor goes through its text.
fn paged<S: Store<Document>>(
    store: &S,
    query: &Query<Document>,
    mut between: impl FnMut(&str) -> Result<()>,
) -> Result<Vec<String>> {
    let (mut names, mut after) = (Vec::new(), None);
    for _ in 0..100 {
        let page = store.page(query, after)?;
        names.extend(page.rows.iter().map(|row| row.record["name"].as_text().unwrap_or("").to_owned()));
        let Some(next) = page.next else { return Ok(names) };
        let text = next.to_string();
        let read: Cursor = text.parse()?;
        assert_eq!(read, next, "a cursor is its text");
        between(names.last().map_or("", String::as_str))?;
        after = Some(read);
    }
    panic!("the pages do not end: {names:?}")
}

/// Pages of every size give what the whole query gives.
pub fn semantics_4_3_pages_follow_mixed_directions_and_nulls<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = twenty(suite)?;
    for keys in orders() {
        let query = keys.iter().cloned().fold(Query::new(), Query::sort);
        let whole = texts(&store, query.clone().limit(100), "name")?;
        assert_eq!(whole.len(), 20);
        for size in [1, 3, 7, 10, 19, 20, 21] {
            let found = paged(&store, &query.clone().limit(size), |_| Ok(()))?;
            assert_eq!(found, whole, "pages of {size} by {keys:?}");
        }
        assert!(
            store.page(&query.clone().limit(20), None)?.next.is_none(),
            "nothing is behind a last page that is full"
        );
        let chunked = store.with(Limits::default().chunk(6));
        assert_eq!(paged(&chunked, &query, |_| Ok(()))?, whole, "pages of the handle's chunk");
    }
    Ok(())
}

/// A record that was there with unchanged keys is neither repeated nor skipped.
pub fn semantics_4_3_pages_stand_while_others_write<D: Database>(suite: &Suite<D>) -> Result<()> {
    for keys in orders() {
        let store = twenty(suite)?;
        let query = keys.iter().cloned().fold(Query::new(), Query::sort).limit(3);
        let (mut turn, mut touched) = (0, BTreeSet::new());
        let names = paged(&store, &query, |last| {
            turn += 1;
            // The one that the page ended with goes, another one moves, and new ones come in before and behind.
            store.delete(last)?;
            touched.insert(last.to_owned());
            let moved = format!("{:02}", (turn * 7) % 20);
            if store.read(&moved)?.is_some() {
                store.patch(&moved, Changes::set("age", 9).and(Changes::set("city", Value::Null)))?;
                touched.insert(moved);
            }
            for new in [format!("00-{turn}"), format!("99-{turn}")] {
                store.create(Draft::of(document! { "name" => &new, "age" => turn % 5 }).id(&new)?)?;
                touched.insert(new);
            }
            store.read(last).map(drop)
        });
        let names = names?;
        let still: Vec<_> = names.iter().filter(|name| !touched.contains(*name)).collect();
        let unique: BTreeSet<_> = still.iter().collect();
        let all = (0..20).map(|n| format!("{n:02}")).filter(|name| !touched.contains(name)).count();
        assert_eq!((still.len(), unique.len()), (all, all), "by {keys:?}: {names:?}");
    }
    Ok(())
}

/// Of another order, cut, flipped, or no cursor at all.
pub fn semantics_4_3_foreign_and_damaged_cursors_are_refused<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = twenty(suite)?;
    let query = Query::new().sort(Key::asc("age")).sort(Key::desc("city")).limit(3);
    let Some(cursor) = store.page(&query, None)?.next else { panic!("there are more than three") };
    let others = [
        Query::new(),
        Query::new().sort(Key::asc("age")),
        Query::new().sort(Key::asc("age")).sort(Key::asc("city")),
        Query::new().sort(Key::desc("city")).sort(Key::asc("age")),
        Query::new().sort(Key::asc("age").nulls_first()).sort(Key::desc("city")),
        Query::new().sort(Key::asc(Operand::Field("score".into()))).sort(Key::desc("city")),
    ];
    for other in others {
        refused(store.search(other.clone().after(cursor.clone())), ErrorKind::Query, other.keys());
        refused(store.page(&other, cursor.clone()).map(drop), ErrorKind::Query, other.keys());
    }
    let text = cursor.to_string();
    assert!(text.len() < 160, "{text}");
    let elsewhere = suite.people()?;
    refused(elsewhere.search(query.clone().after(cursor.clone())), ErrorKind::Query, "of another store");
    refused(elsewhere.page(&query, cursor.clone()).map(drop), ErrorKind::Query, "of another store");
    for place in 0..text.len() {
        let flipped = if text.as_bytes()[place] == b'A' { "B" } else { "A" };
        let damaged = [text[..place].to_owned(), [&text[..place], flipped, &text[place + 1..]].concat()];
        for damaged in damaged {
            refused(damaged.parse::<Cursor>(), ErrorKind::Query, damaged);
        }
    }
    for foreign in ["", "A", "null", "{}", "💣", "0", &"A".repeat(1 << 21)] {
        refused(foreign.parse::<Cursor>().map(drop), ErrorKind::Query, foreign.len());
    }
    Ok(())
}

/// No stop at 10, 1,000 or 10,000.
pub fn semantics_4_4_results_of_any_size<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let many = 12_000_i64;
    let people = (0..many).map(|n| document! { "name" => format!("{n:05}"), "age" => n });
    let outcomes = store.create_batch(people)?;
    assert_eq!((outcomes.len() as i64, outcomes.iter().filter(|o| o.is_err()).count()), (many, 0));
    assert_eq!(store.search(Query::new())?.len() as i64, many);
    let sorted = texts(&store, Query::new().sort(Key::desc("age")).offset(10_500), "name")?;
    assert_eq!((sorted.len(), sorted.first().map(String::as_str)), (1_500, Some("01499")));
    assert_eq!(store.count(Filter::ge("age", 1).bind::<Document>(store.schema())?)? as i64, many - 1);
    Ok(())
}

/// Named as their paths are written; order and page are those of the query.
pub fn semantics_4_5_a_projection_has_the_named_fields_only<D: Database>(suite: &Suite<D>) -> Result<()> {
    for store in [suite.people()?, suite.open_store()?] {
        for (name, age, city) in [("ann", Some(40), "Oslo"), ("bob", None, "Rome")] {
            store.create(Draft::of(document! { "name" => name, "age" => age, "city" => city }).id(name)?)?;
        }
        let by_city = || Query::new().sort(Key::desc("city"));
        let rows = store.search(by_city().fields([Path::field("age"), Path::field("name")]))?;
        let found: Vec<_> = rows.iter().map(|row| (row.storage_id().to_string(), &row.record)).collect();
        let bob = document! { "name" => "bob" };
        let ann = document! { "name" => "ann", "age" => 40 };
        assert_eq!(found, [("bob".to_owned(), &bob), ("ann".to_owned(), &ann)]);
        let nothing = store.search(by_city().fields([]).limit(1))?;
        assert_eq!(nothing.iter().map(|r| r.record.len()).collect::<Vec<_>>(), [0]);
        let filtered = by_city().filter(Filter::eq("age", 40).bind::<Document>(store.schema())?);
        let rows = store.search(filtered.fields([Path::field("city")]))?;
        assert_eq!(rows.iter().map(|r| r.record.clone()).collect::<Vec<_>>(), [document! { "city" => "Oslo" }]);
    }
    Ok(())
}

/// The same answer that a search would give.
pub fn semantics_4_6_count_and_exists<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = twenty(suite)?;
    let filters = [
        Filter::all(),
        Filter::none(),
        Filter::eq("age", 1),
        Filter::ne("age", 1),
        Filter::is_null("city"),
        Filter::gt("age", 99),
    ];
    for filter in filters {
        let bound = || filter.clone().bind::<Document>(store.schema());
        let found = store.search(bound()?)?.len() as u64;
        assert_eq!((store.count(bound()?)?, store.exists(bound()?)?), (found, found > 0), "{filter:?}");
        let mut seen = 0;
        assert_eq!(store.for_each(bound()?, |_| seen += 1)?, found);
        assert_eq!(seen, found);
    }
    let page = Query::new().filter(Filter::ne("age", 1).bind::<Document>(store.schema())?).offset(3).limit(5);
    assert_eq!(store.count(page)?, 5, "of what the query delivers");
    Ok(())
}

/// What is counted does not depend on an order, and neither do limit and offset of a count.
pub fn semantics_4_7_counts_have_no_order<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = twenty(suite)?;
    let ordered = Query::new().sort(Key::asc("age")).sort(Key::desc("name"));
    assert_eq!((store.count(Query::new())?, store.count(&ordered)?), (20, 20));
    assert_eq!(store.count(ordered.clone().offset(3).limit(5))?, 5);
    assert!(store.exists(&ordered)?);
    Ok(())
}

/// What was passed over once is not passed over again, and a cursor that the query has itself holds.
pub fn semantics_4_3_an_offset_moves_the_first_page_only<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    store.create_batch((0..20).map(|age| document! { "name" => format!("p{age:02}"), "age" => age }))?;
    let names = |rows: &[Stored<Document>]| rows.iter().map(|row| row.record["name"].clone()).collect::<Vec<_>>();
    let query = Query::new().sort(Key::asc("age")).offset(3).limit(4);
    let mut seen = Vec::new();
    let mut next = None;
    loop {
        let page = store.page(&query, next)?;
        seen.extend(names(&page.rows));
        next = page.next;
        if next.is_none() || seen.len() > 20 {
            break;
        }
    }
    assert_eq!(seen, names(&store.search(Query::new().sort(Key::asc("age")).offset(3))?));
    let first = store.page(&query, None)?;
    let rest = store.page(&query.clone().offset(1).after(first.next), None)?;
    assert_eq!(names(&rest.rows), ["p08", "p09", "p10", "p11"].map(Value::from), "both the query's own");
    Ok(())
}
