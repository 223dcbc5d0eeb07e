//! Layers: what the client does for an engine that cannot, and what an observer is told.

use std::sync::{Arc, Mutex};

use dk_data::{
    Aggregating, Changes, Database, Document, Emulate, Error, ErrorKind, Filter, Id, Key, Limits, Observe, Path, Plan,
    Predicate, Query, RecordCodec, Schema, Split, Store, Stored,
    backend::memory::{Memory, MemoryStore},
    capability::{Caps, Engine, OwnCode, Provides},
    document,
    layer::{Budget, Event, Verb},
    own,
    query::{Bound, Runnable, RunsOn, Seen, Select, Where, aggregate::Count},
    store::{Atomicity, Driver, Outcome, Write},
};
use proptest::prelude::*;

/// Memory that says that it can do nothing beyond the core.
#[derive(Clone)]
struct Core<D>(D);

/// The engine of [`Core`].
struct CoreEngine;

impl Engine for CoreEngine {
    const NAME: &'static str = "core";
    const PROVIDES: Caps = Caps::NONE;
}

impl<R: RecordCodec, D: Driver<R, Engine = Memory>> Driver<R> for Core<D> {
    type Engine = CoreEngine;
    type Rows<P: Predicate<R>, S: Select<R>> = D::Rows<P, S>;

    fn shape(&self) -> &R::Shape {
        self.0.shape()
    }
    fn name(&self) -> &str {
        self.0.name()
    }
    fn write<'a>(
        &self,
        writes: impl IntoIterator<Item = Write<'a, R>>,
        atomicity: Atomicity,
        limits: &Limits,
    ) -> Result<Vec<Outcome>, Error>
    where
        R: 'a,
    {
        self.0.write(writes, atomicity, limits)
    }
    fn fetch(&self, ids: &[Id], limits: &Limits) -> Result<Vec<Option<Stored<R>>>, Error> {
        self.0.fetch(ids, limits)
    }
    fn scan<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<CoreEngine, R, P, S>,
        limits: &Limits,
    ) -> Result<D::Rows<P, S>, Error> {
        self.0.scan(query.retarget()?, limits)
    }
    fn count_matching<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<CoreEngine, R, P, S>,
        limits: &Limits,
    ) -> Result<u64, Error> {
        self.0.count_matching(query.retarget()?, limits)
    }
    fn plan<P: Predicate<R>, S: Select<R>>(&self, query: &Runnable<CoreEngine, R, P, S>) -> Result<Plan, Error> {
        self.0.plan(&query.clone().retarget()?)
    }
}

const PEOPLE: i64 = 100;

fn memory() -> MemoryStore<Document> {
    let people = Memory::new().documents("people", Schema::open("people")).expect("the schema is valid");
    let all = (0..PEOPLE).map(|i| document! { "n" => i, "name" => format!("name {i:02}"), "odd" => i % 2 == 1 });
    let outcomes = people.create_batch(all.collect::<Vec<_>>()).expect("memory writes");
    assert!(outcomes.iter().all(Result::is_ok));
    people
}

fn core() -> Core<MemoryStore<Document>> {
    Core(memory())
}

fn bind(text: &str) -> Bound<Document> {
    let filter: Filter = text.parse().expect("it is written well");
    filter.bind(&Schema::open("people")).expect("it fits")
}

fn numbers(rows: &[Stored<Document>]) -> Vec<i64> {
    rows.iter().map(|row| row.get_as("n").expect("it is a number").expect("it is there")).collect()
}

fn divides_by_seven(doc: &Document) -> bool {
    doc["n"].as_int().is_some_and(|n| n % 7 == 0)
}

#[test]
fn what_the_engine_lacks_is_refused_without_the_layer_and_done_with_it() {
    let core = core();
    let refused = core.count(bind("name matches '^name 0[0-4]$'")).expect_err("the engine has no expressions");
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    let emulated = core.emulated(Budget::default());
    assert_eq!(emulated.count(bind("name matches '^name 0[0-4]$'")).expect("the client has them"), 5);
    assert_eq!(emulated.count(own(divides_by_seven)).expect("the client runs own code"), 15);
    assert_eq!(emulated.count(!own(divides_by_seven)).expect("and its complement"), 85);
}

#[test]
fn order_offset_limit_cursor_and_selection_hold() {
    let store = core().emulated(Budget::default());
    let query = Query::new().filter(own(divides_by_seven)).sort(Key::desc("n"));
    let page = store.search(query.clone().offset(2).limit(3)).expect("it runs");
    assert_eq!(numbers(&page), [84, 77, 70]);
    assert_eq!(store.search(query.clone().limit(0)).expect("it runs").len(), 0);
    assert_eq!(store.count(query.clone().offset(10)).expect("it runs"), 5);
    assert_eq!(store.count(query.clone().limit(4)).expect("it runs"), 4);

    let mut all = Vec::new();
    let mut next = None;
    loop {
        let page = store.page(&query.clone().limit(4), next).expect("it runs");
        all.extend(numbers(&page.rows));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(all, (0..15).rev().map(|i| 7 * i).collect::<Vec<_>>());

    let chosen = store.search(query.limit(1).fields([Path::field("name")])).expect("it runs");
    assert_eq!(chosen[0].record, document! { "name" => "name 98" });
}

#[test]
fn a_limit_alone_is_in_id_order_as_everywhere() {
    let memory = memory();
    let query = Query::new().filter(own(divides_by_seven)).limit(5);
    let direct = memory.search(query.clone()).expect("memory runs own code");
    let emulated = Core(memory).emulated(Budget::default()).search(query).expect("the client does");
    assert_eq!(numbers(&direct), numbers(&emulated));
}

#[test]
fn a_budget_of_rows_ends_the_query_with_an_error_that_names_it() {
    let store = core().emulated(Budget::rows(10));
    let error = store.search(own(divides_by_seven)).expect_err("there are more rows");
    assert_eq!(error.kind(), ErrorKind::Budget);
    assert!(error.message().contains("10 rows") && error.place().store.as_deref() == Some("people"), "{error}");
    let mut rows = store.stream(Query::new().filter(own(divides_by_seven)).sort(Key::asc("n"))).expect("it starts");
    let delivered: Vec<_> = rows.by_ref().map_while(Result::ok).collect();
    assert_eq!(numbers(&delivered), [0, 7]);
    assert!(rows.next().is_none(), "the error was the last item");

    // What the engine tests costs nothing.
    let narrow = Query::new().filter(own(divides_by_seven)).filter(bind("n < 10"));
    assert_eq!(numbers(&store.search(narrow.sort(Key::asc("n"))).expect("ten rows are within")), [0, 7]);
    assert_eq!(store.count(bind("n >= 0")).expect("the engine does it alone"), 100);
}

/// A type of the user's own, written as the trait asks and no more.
#[derive(Clone)]
struct Odd;

impl Predicate<Document> for Odd {
    fn matches(&self, row: Seen<'_, Document>) -> bool {
        row.record["n"].as_int().is_some_and(|n| n % 2 == 1)
    }
    fn lower(&self) -> Option<Filter> {
        None
    }
}

impl<E: Provides<OwnCode>> RunsOn<E> for Odd {}

#[test]
fn a_predicate_without_a_data_form_is_own_code() {
    assert_eq!(Predicate::<Document>::needs(&Odd), Caps::OWN_CODE);
    assert_eq!(core().emulated(Budget::default()).count(Where(Odd)).expect("the client runs it"), 50);
    let error = core().emulated(Budget::rows(5)).count(Where(Odd)).expect_err("there are more rows");
    assert_eq!(error.kind(), ErrorKind::Budget);
}

#[test]
fn a_budget_of_bytes_ends_the_query_with_an_error_that_names_it() {
    let store = core().emulated(Budget::new(1_000, 200));
    let error = store.search(own(divides_by_seven)).expect_err("there are more bytes");
    assert_eq!(error.kind(), ErrorKind::Budget);
    assert!(error.message().contains("200 bytes"), "{error}");
    assert_eq!(core().emulated(Budget::new(1_000, 10_000)).count(own(divides_by_seven)).expect("that is enough"), 15);
}

#[test]
fn explain_says_what_is_pushed_and_what_is_tested_here() {
    let store = core().emulated(Budget::rows(50));
    let plan = store.explain(bind("odd = true and name matches '1$'")).expect("it plans");
    assert_eq!(plan.pushed.as_ref().map(ToString::to_string).as_deref(), Some("odd = true"));
    assert!(plan.tested_again);
    let shown = plan.to_string();
    assert!(
        shown.contains("filter: odd = true") && shown.contains("emulated here: odd = true and name matches \"1$\"")
    );
    assert!(shown.contains("budget: 50 rows"), "{shown}");

    let alone = store.explain(bind("odd = true")).expect("it plans");
    assert!(!alone.tested_again, "{alone}");
    let own = Query::new().filter(own(divides_by_seven)).filter(bind("n > 3")).limit(2);
    let shown = store.explain(own).expect("it plans").to_string();
    assert!(shown.contains("filter: n > 3") && shown.contains("limit 2 applied here"), "{shown}");
}

#[test]
fn a_deadline_stops_a_query_that_finds_nothing() {
    let store = core().emulated(Budget::default());
    let limits = Limits::default().deadline_in(std::time::Duration::ZERO);
    let error = store.with(limits).count(own(|_: &Document| false)).expect_err("the time is over");
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

fn filters() -> impl Strategy<Value = Filter> {
    let leaf = prop_oneof![
        (0..PEOPLE).prop_map(|n| Filter::gt("n", n)),
        (0..PEOPLE).prop_map(|n| Filter::le("n", n)),
        any::<bool>().prop_map(|odd| Filter::eq("odd", odd)),
        (0..10).prop_map(|digit| Filter::matches("name", format!("{digit}$"))),
        (0..10).prop_map(|digit| Filter::matches("name", format!(" {digit}"))),
    ];
    leaf.prop_recursive(4, 12, 3, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![list.clone().prop_map(Filter::and), list.prop_map(Filter::or), inner.prop_map(Filter::not)]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_client_and_an_engine_that_can_give_the_same_answer(filter in filters(), own_too in any::<bool>()) {
        let memory = memory();
        let bound: Bound<Document> = filter.bind(memory.schema()).expect("it fits");
        let own = dk_data::query::Where(bound).and(own(move |doc: &Document| !own_too || divides_by_seven(doc)));
        let query = Query::new().filter(own.clone()).sort(Key::asc("n"));
        let direct = memory.search(query.clone()).expect("memory can");
        let helped = Core(memory.clone()).emulated(Budget::default());
        prop_assert_eq!(numbers(&direct), numbers(&helped.search(query).expect("the client can")));
        prop_assert_eq!(memory.count(!own.clone()).expect("memory can"), helped.count(!own).expect("the client can"));
    }
}

// ---- observed

type Told = Arc<Mutex<Vec<(Verb, u64, u64, Option<ErrorKind>)>>>;

fn listener(told: &Told) -> impl dk_data::layer::Observer + use<> {
    let told = told.clone();
    move |event: &Event<'_>| {
        assert_eq!(event.store, "people");
        let heard = (event.verb, event.rows, event.failed, event.error.map(Error::kind));
        told.lock().expect("no observer panicked").push(heard);
    }
}

#[test]
fn an_observer_is_told_of_every_call_once() {
    let told = Told::default();
    let people = memory().observed(listener(&told));
    let id = people.create(document! { "n" => 1_000 }).expect("it is new").id;
    people.create_batch([document! { "n" => 1_001 }, document! { "n" => f64::NAN }]).expect("the batch is tried");
    people.read(&id).expect("memory reads");
    people.count(bind("n < 10")).expect("memory counts");
    people.search(bind("n < 10")).expect("memory searches");
    drop(people.stream(bind("n < 10")).expect("memory streams").next());
    people.update(Id::generate(), document! { "n" => 1 }).expect_err("it is not there");
    people.explain(bind("n < 10")).expect("memory plans");
    people.aggregate(bind("n < 10"), Count).expect("memory folds");
    let expected = [
        (Verb::Write, 1, 0, None),
        (Verb::Write, 1, 1, None),
        (Verb::Fetch, 1, 0, None),
        (Verb::Count, 10, 0, None),
        (Verb::Scan, 10, 0, None),
        (Verb::Scan, 1, 0, None),
        (Verb::Write, 0, 0, Some(ErrorKind::NotFound)),
        (Verb::Plan, 0, 0, None),
        (Verb::Aggregate, 1, 0, None),
    ];
    assert_eq!(*told.lock().expect("no observer panicked"), expected);
}

/// Keeps what is logged, of one thread at a time.
struct Kept;

static KEPT: Mutex<Vec<(log::Level, String)>> = Mutex::new(Vec::new());

impl log::Log for Kept {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        let line = record.args().to_string();
        if line.contains("logged_people") {
            KEPT.lock().expect("no logger panicked").push((record.level(), line));
        }
    }
    fn flush(&self) {}
}

/// The log says what was done and how long it took, and no value of a record (semantics 7.5).
#[test]
fn semantics_7_5_slow_calls_are_logged_as_warnings_and_nothing_shows_a_value() {
    log::set_logger(&Kept).expect("nobody else logs in these tests");
    log::set_max_level(log::LevelFilter::Debug);
    let db = dk_data::backend::memory::Memory::new();
    let people = db.documents("logged_people", Schema::open("people")).expect("memory opens");
    let observed = people.observed(|_: &Event<'_>| {});
    for slow_after in [std::time::Duration::from_secs(3_600), std::time::Duration::ZERO] {
        let store = observed.clone().slow_after(slow_after);
        store.create(document! { "name" => "Secret" }).expect("it is new");
        store.search(Filter::eq("name", "Secret").bind::<Document>(store.schema()).expect("it fits")).expect("it runs");
        store.delete("nobody@secret").expect("memory answers");
    }
    let kept = KEPT.lock().expect("no logger panicked").clone();
    let levels: Vec<_> = kept.iter().map(|(level, _)| *level).collect();
    assert_eq!(levels, [[log::Level::Debug; 3], [log::Level::Warn; 3]].concat());
    let lines: Vec<_> = kept.iter().map(|(_, line)| line.as_str()).collect();
    assert!(lines[0].starts_with("Write in logged_people: 1 rows, 0 failed, 6 bytes, 0 retries, "), "{lines:?}");
    assert!(lines[4].starts_with("slow: Scan in logged_people: 2 rows, 0 failed, 12 bytes, 0 retries, "), "{lines:?}");
    assert!(!lines.concat().to_lowercase().contains("secret"), "{lines:?}");
}

#[test]
fn an_observer_hears_how_often_a_race_was_lost() {
    let told: Arc<Mutex<Vec<(Verb, u64, u64)>>> = Arc::default();
    let hears = told.clone();
    let people = memory();
    let watched = people.observed(move |event: &Event<'_>| {
        hears.lock().expect("no observer panicked").push((event.verb, event.rows, event.retries));
    });
    // While the set is looked for, somebody else writes two of its records, once.
    let (rival, once) = (people.clone(), Arc::new(Mutex::new(vec![3, 7])));
    let seven = own(move |doc: &Document| {
        let n = doc["n"].as_int();
        let due = once.lock().expect("no test panicked").iter().position(|due| n == Some(*due));
        if let Some(place) = due {
            let due = once.lock().expect("no test panicked").swap_remove(place);
            let row = rival.first(bind(&format!("n = {due}"))).expect("memory reads").expect("it is there");
            rival.patch(row.storage_id(), Changes::set("name", "changed")).expect("memory writes");
        }
        n < Some(10)
    });
    assert_eq!(watched.delete_where(seven).ok(), Some(10));
    assert_eq!(*told.lock().expect("no observer panicked"), [(Verb::Write, 10, 2)]);
}

#[test]
fn an_observer_hears_of_a_query_that_ends_in_an_error() {
    let told = Told::default();
    let people = core().emulated(Budget::rows(5)).observed(listener(&told));
    let query = || Query::new().filter(own(divides_by_seven)).sort(Key::asc("n"));
    people.search(query()).expect_err("the budget is small");
    assert_eq!(people.stream(query()).map(Iterator::count).ok(), Some(2));
    // Of a search that fails nobody has a record; of a stream, whoever read that far.
    let expected = [0, 1].map(|rows| (Verb::Scan, rows, rows, Some(ErrorKind::Budget)));
    assert_eq!(*told.lock().expect("no observer panicked"), expected);
}

#[test]
fn aggregates_run_through_any_store_and_through_an_emulated_one() {
    use dk_data::AnyDatabase;

    #[derive(dk_data::Record, Clone)]
    struct Sale {
        city: Option<String>,
        price: u32,
    }
    let sales = AnyDatabase::open_url("memory:").and_then(|db| db.store::<Sale>()).expect("memory opens");
    for (city, price) in [(Some("Oslo"), 3), (None, 5), (Some("Bergen"), 7), (Some("Oslo"), 1)] {
        sales.create(Sale { city: city.map(str::to_owned), price }).expect("it is new");
    }
    let grouped = || Sale::query().filter(Sale::PRICE.gt(1)).group_by(Sale::CITY);
    let wanted = vec![
        (Some("Bergen".to_owned()), (1, Some(7), Some(7))),
        (Some("Oslo".to_owned()), (1, Some(3), Some(3))),
        (None, (1, Some(5), Some(5))),
    ];
    let of = || (Count, Sale::PRICE.max(), Sale::PRICE.sum());
    assert_eq!(sales.aggregate(grouped(), of()).expect("memory folds"), wanted);
    assert_eq!(sales.emulated(Budget::rows(10)).aggregate(grouped(), of()).expect("it fits the budget"), wanted);
    let poor = sales.emulated(Budget::rows(1)).aggregate(grouped(), of());
    assert_eq!(poor.err().map(|e| e.kind()), Some(ErrorKind::Budget));
}

// ---- set-based writes and parts

impl<R: RecordCodec, D: Split<R> + Driver<R, Engine = Memory>> Split<R> for Core<D> {
    fn split<P: Predicate<R>, S: Select<R>>(
        &self,
        query: Runnable<CoreEngine, R, P, S>,
        parts: usize,
        limits: &Limits,
    ) -> Result<Vec<D::Rows<P, S>>, Error> {
        self.0.split(query.retarget()?, parts, limits)
    }
}

#[test]
fn set_based_writes_by_own_code_are_done_by_the_client_within_the_budget() {
    let core = core();
    let store = core.emulated(Budget::default());
    let refused = core.emulated(Budget::rows(50)).delete_where(own(divides_by_seven));
    assert_eq!(refused.map_err(|e| e.kind()), Err(ErrorKind::Budget));
    assert_eq!(store.count(Query::new()).expect("memory counts"), 100, "a budget that is used up writes nothing");
    assert_eq!(store.update_where(own(divides_by_seven), Changes::set("name", "seven")).expect("it runs"), 15);
    assert_eq!(store.count(bind("name = 'seven'")).expect("memory counts"), 15);
    assert_eq!(store.delete_where(!own(divides_by_seven)).expect("it runs"), 85);
    assert_eq!(store.count(Query::new()).expect("memory counts"), 15);
}

#[test]
fn the_parts_of_a_query_share_one_budget() {
    let read = |budget: u64| {
        let parts = core().emulated(Budget::rows(budget)).streams(own(divides_by_seven), 4).expect("it begins");
        assert!(parts.len() > 1, "there is something to share");
        let rows = parts.into_iter().flatten().collect::<Result<Vec<_>, Error>>();
        rows.map(|rows| rows.len()).map_err(|e| e.kind())
    };
    assert_eq!(read(100), Ok(15));
    assert_eq!(read(99), Err(ErrorKind::Budget));
}

#[test]
fn an_observer_is_told_of_a_set_once_and_of_each_part() {
    let told = Told::default();
    let people = memory().observed(listener(&told));
    people.update_where(bind("n < 10"), Changes::set("name", "x")).expect("memory writes");
    people.delete_where(bind("n < 5")).expect("memory writes");
    let parts = people.streams(Query::new(), 3).expect("memory splits");
    let (many, rows) = (parts.len(), parts.into_iter().flatten().filter(Result::is_ok).count());
    let told = told.lock().expect("no observer panicked");
    assert_eq!(told[..2], [(Verb::Write, 10, 0, None), (Verb::Write, 5, 0, None)]);
    let scans: Vec<_> = told[2..].iter().filter(|(verb, ..)| *verb == Verb::Scan).collect();
    assert_eq!((scans.len(), scans.iter().map(|(_, rows, ..)| rows).sum::<u64>()), (many, rows as u64));
    assert_eq!((rows, told.len()), (95, 2 + many));
}

#[test]
fn progress_knows_its_total_where_it_costs_nothing() {
    let total = |stream: dk_data::store::Progress| stream.total;
    let people = memory();
    people.delete_where(bind("n < 5")).expect("memory writes");
    let whole = people.stream(Query::new()).expect("memory streams").progress();
    assert_eq!(total(whole), Some(95), "a whole store, without the places of what was deleted");
    let sorted = people.stream(Query::new().filter(bind("n < 10")).sort(Key::asc("n"))).expect("memory streams");
    assert_eq!(total(sorted.progress()), Some(5));
    let some = people.stream(bind("n < 10")).expect("memory streams");
    assert_eq!(total(some.progress()), None, "nobody has counted");
    let mut observed = people.observed(listener(&Told::default())).stream(Query::new()).expect("memory streams");
    observed.next();
    assert_eq!((observed.progress().done, total(observed.progress())), (1, Some(95)));
    let helped = core().emulated(Budget::default()).stream(own(divides_by_seven)).expect("it runs");
    assert_eq!(total(helped.progress()), None);
}
