//! What the server does with our SQL, by its own EXPLAIN: positive conditions and pages use the indexes, nothing sorts that need not.

use dk_data::{
    Cursor, Database, Predicate, Query, Record, Store,
    backend::postgres::{Layout, PostgresStore},
};
use jiff::{
    Timestamp, ToSpan,
    civil::{Date, date},
};
use rust_decimal::Decimal;

use crate::server::Scratch;

#[derive(Record, Clone, Debug, PartialEq)]
#[record(name = "people")]
struct Person {
    #[record(id)]
    id: i64,
    #[record(index)]
    name: String,
    #[record(index)]
    age: u32,
    #[record(index)]
    nick: Option<String>,
    #[record(index)]
    seen: Timestamp,
    #[record(index)]
    born: Date,
    #[record(unique)]
    badge: Decimal,
    home: Home,
    note: String,
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Home {
    #[record(index)]
    zip: Option<String>,
}

const LAYOUTS: [Layout; 2] = [Layout::Columns, Layout::Document];

const PEOPLE: i64 = 20_000;

/// So many microseconds after the epoch.
fn moment(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).expect("a moment")
}

fn people() -> (Scratch, PostgresStore<Person>) {
    people_in(Layout::Columns)
}

fn people_in(layout: Layout) -> (Scratch, PostgresStore<Person>) {
    let mut scratch = Scratch::new();
    let database = scratch.config().layout(layout).connect().expect("the server answers");
    let store = database.store::<Person>().expect("the table is made");
    let person = |n: i64| Person {
        id: n,
        name: format!("name {:05}", n * 7_919 % PEOPLE),
        age: u32::try_from(n % 2_000).expect("small"),
        nick: (n % 3 == 0).then(|| format!("nick {n:05}")),
        seen: moment(n * 60_000_001),
        born: date(1950, 1, 1) + n.days(),
        badge: Decimal::new(n, 1),
        home: Home { zip: (n % 3 == 0).then(|| format!("{n:05}")) },
        note: "x".repeat(50),
    };
    for outcome in store.create_batch((0..PEOPLE).map(person)).expect("it writes") {
        outcome.expect("it is new");
    }
    scratch.client.batch_execute("VACUUM ANALYZE people").expect("the table is ours");
    (scratch, store)
}

/// The server's plan of a query, in the generic form that a prepared statement gets: no value is known to it.
fn plan<P>(scratch: &mut Scratch, store: &PostgresStore<Person>, query: &Query<Person, P>) -> String
where
    P: Predicate<Person> + dk_data::RunsOn<dk_data::backend::postgres::Postgres>,
{
    let native = store.explain(query).expect("it has a plan").native;
    let sql = native.lines().next().expect("the first line is the statement").to_owned();
    let places = (1..).take_while(|place| sql.contains(&format!("${place}"))).count();
    let mut client = scratch.connect();
    client.batch_execute("SET plan_cache_mode = force_generic_plan").expect("it is a setting");
    client.batch_execute(&format!("PREPARE asked AS {sql}")).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let nulls = vec!["NULL"; places].join(", ");
    let call = if places == 0 { String::new() } else { format!("({nulls})") };
    let rows = client.query(&format!("EXPLAIN EXECUTE asked{call}"), &[]).expect("it explains");
    let lines: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    format!("{sql}\n{}", lines.join("\n"))
}

#[track_caller]
fn uses(plan: &str, index: &str) {
    assert!(plan.contains(index), "not by `{index}`:\n{plan}");
    assert!(!plan.contains("Seq Scan"), "{plan}");
}

#[track_caller]
fn never_sorts(plan: &str) {
    assert!(!plan.contains("Sort"), "{plan}");
}

#[test]
fn positive_conditions_use_the_indexes() {
    LAYOUTS.into_iter().for_each(positive_conditions);
}

fn positive_conditions(layout: Layout) {
    let (mut scratch, store) = people_in(layout);
    let name = "people.name.";
    uses(&plan(&mut scratch, &store, &Query::new().filter(Person::NAME.eq("name 00007"))), name);
    uses(&plan(&mut scratch, &store, &Query::new().filter(Person::NAME.is_in(["name 00007", "x"]))), name);
    uses(&plan(&mut scratch, &store, &Query::new().filter(Person::NAME.starts_with("name 0000"))), name);
    uses(&plan(&mut scratch, &store, &Query::new().filter(Person::NAME.like("name 0000%"))), name);
    uses(&plan(&mut scratch, &store, &Query::new().filter(Person::NAME.between("a", "b"))), name);
    uses(&plan(&mut scratch, &store, &Query::new().filter(Person::AGE.eq(7_u32))), "people.age.");
    uses(&plan(&mut scratch, &store, &Query::new().filter(Person::NICK.eq("nick 00003"))), "people.nick.");
    let seen = Person::SEEN.between(moment(0), moment(600_000_010));
    uses(&plan(&mut scratch, &store, &Query::new().filter(seen.clone())), "people.seen.");
    assert_eq!(store.count(seen).expect("it counts"), 11);
    let born = Person::BORN.lt(date(1950, 1, 11));
    uses(&plan(&mut scratch, &store, &Query::new().filter(born.clone())), "people.born.");
    assert_eq!(store.count(born).expect("it counts"), 10);
    uses(&plan(&mut scratch, &store, &Query::new().filter(Person::BADGE.eq(Decimal::new(70, 2)))), "people.badge.");
    uses(&plan(&mut scratch, &store, &Query::new().filter(Person::HOME.at(Home::ZIP).eq("00003"))), "people.home.zip.");
    let both = Query::new().filter(Person::AGE.eq(7_u32) & Person::NOTE.ne("y"));
    uses(&plan(&mut scratch, &store, &both), "people.age.");
    uses(&plan(&mut scratch, &store, &Query::new().filter(Person::ID.eq(7_i64))), "people_pkey");
    uses(&plan(&mut scratch, &store, &Query::new().filter(dk_data::query::id().is_in([7, 8]))), "people_pkey");
}

#[test]
fn pages_follow_the_indexes_and_sort_nothing() {
    LAYOUTS.into_iter().for_each(pages_follow);
}

fn pages_follow(layout: Layout) {
    let (mut scratch, store) = people_in(layout);
    let by_id = Query::new().limit(10);
    uses(&plan(&mut scratch, &store, &by_id), "people_pkey");
    never_sorts(&plan(&mut scratch, &store, &by_id));
    for query in [
        Query::new().sort(Person::ID.asc()).limit(10),
        Query::new().sort(Person::ID.desc()).limit(10),
        Query::new().sort(Person::NAME.asc()).limit(10),
        Query::new().sort(Person::NAME.desc()).limit(10),
        Query::new().sort(Person::SEEN.asc()).limit(10),
        Query::new().sort(Person::BORN.desc()).limit(10),
    ] {
        let first = plan(&mut scratch, &store, &query);
        assert!(first.contains("Index"), "{first}");
        assert!(!first.contains("Seq Scan"), "{first}");
        // A key that is not unique ties by id: at most the ties are sorted, never the table.
        assert!(!first.contains("Sort") || first.contains("Incremental Sort"), "{first}");
        let page = store.page(&query, None::<Cursor>).expect("it answers");
        let next = query.clone().after(page.next);
        let second = plan(&mut scratch, &store, &next);
        assert!(!second.contains("Seq Scan"), "{second}");
        assert!(second.contains("Index Cond"), "the next page starts in the index: {second}");
        // A document may lack the field. Then the page is two ranges, which are put in order when they are there.
        let sorts_all = second.contains("Sort") && !second.contains("Incremental Sort");
        assert!(!sorts_all || layout == Layout::Document && second.contains("CTE Scan on _values"), "{second}");
    }
}

#[test]
fn a_nullable_column_is_paged_by_an_index_too() {
    for layout in LAYOUTS {
        let (mut scratch, store) = people_in(layout);
        for key in [Person::NICK.asc(), Person::NICK.desc()] {
            for query in [
                Query::new().sort(key.clone()).limit(10),
                Query::new().sort(key.clone()).sort(Person::AGE.asc()).limit(10),
            ] {
                let first = plan(&mut scratch, &store, &query);
                assert!(first.contains("people.nick") && !first.contains("Seq Scan"), "{first}");
                let page = store.page(&query, None::<Cursor>).expect("it answers");
                let second = plan(&mut scratch, &store, &query.clone().after(page.next));
                let condition = second.lines().find(|line| line.contains("Index Cond")).unwrap_or_default();
                assert!(condition.contains("$1"), "the values behind the page are a range of the index: {second}");
                assert!(
                    second.contains("One-Time Filter"),
                    "nulls are looked for where the page is not full: {second}"
                );
                assert!(!second.contains("Seq Scan"), "{second}");
            }
        }
    }
}

/// Pages of every length meet the end of the values, and that of the nulls, in every place.
#[test]
fn pages_over_values_and_then_nulls_are_the_whole_order() {
    for layout in LAYOUTS {
        let (_scratch, store) = people_in(layout);
        let few = || Query::new().filter(Person::ID.lt(40_i64));
        for key in [Person::NICK.asc(), Person::NICK.desc()] {
            let query = few().sort(key).sort(Person::AGE.desc());
            let whole = store.search(&query).expect("it answers");
            assert_eq!(whole.iter().filter(|row| row.nick.is_none()).count(), 26);
            for length in [1, 2, 6, 7, 13, 14, 15, 39, 40, 41] {
                let (mut rows, mut after) = (Vec::new(), None);
                loop {
                    let page = store.page(&query.clone().limit(length), after).expect("it answers");
                    rows.extend(page.rows);
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                assert_eq!(rows, whole, "{layout:?}: pages of {length}");
            }
        }
    }
}

#[test]
fn what_cannot_be_null_is_not_asked_whether_it_is() {
    let (_scratch, store) = people();
    let sql = |query: Query<Person, _>| store.explain(query).expect("it has a plan").native.to_uppercase();
    let negated = sql(Query::new().filter(!Person::AGE.ge(18_u32)));
    assert!(!negated.contains("NULL") && !negated.contains("IS NOT TRUE"), "{negated}");
    let sql = |query: Query<Person, _>| store.explain(query).expect("it has a plan").native.to_uppercase();
    let sorted = sql(Query::new().sort(Person::NAME.desc()).limit(3));
    assert!(!sorted.contains("NULLS"), "{sorted}");
}

#[test]
fn every_value_is_a_parameter() {
    let (_scratch, store) = people();
    let secret = "a value that is never pasted";
    let query = Query::new()
        .filter((Person::NAME.eq(secret) | Person::NOTE.contains(secret)) & Person::NICK.like(secret))
        .filter(Person::AGE.is_in([4_711_u32, 4_712]))
        .sort(Person::NAME.asc())
        .limit(4_713)
        .offset(4_714);
    let plan = store.explain(query).expect("it has a plan");
    let sql = plan.native.lines().next().expect("the statement");
    assert!(!sql.contains(secret) && !sql.contains("47"), "{sql}");
}
