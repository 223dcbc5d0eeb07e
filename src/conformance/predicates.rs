//! Semantics 3: predicates.

use std::collections::BTreeSet;

use super::{Suite, matching, people, refused, texts};
use crate::{
    capability::{Caps, Engine, OwnCode, Provides},
    document,
    error::{ErrorKind, Result},
    query::{Bound, Filter, Key, Operand, Query, own},
    record::{Changes, Document, FieldDef, Path, Schema, Type},
    store::{Database, Store},
    value::Value,
};

/// Five people; of `nil` everything is null.
fn five<D: Database>(suite: &Suite<D>, schema: Schema) -> Result<D::Store<Document>> {
    let store = suite.store(schema)?;
    let all = [
        document! { "name" => "ann", "age" => 40, "city" => "Oslo", "score" => 1.5, "active" => true },
        document! { "name" => "bob", "age" => 9, "city" => "Bergen", "score" => -2.5, "active" => false },
        document! { "name" => "cid", "age" => 40, "score" => 0.0, "active" => true },
        document! { "name" => "dan", "city" => "oslo", "score" => 1e300 },
        document! { "name" => "nil" },
    ];
    store.create_batch(all)?.into_iter().try_for_each(|outcome| outcome.map(drop))?;
    Ok(store)
}

fn bind<S: Store<Document>>(store: &S, filter: Filter) -> Result<Bound<Document>> {
    filter.bind(store.schema())
}

/// Every positive operator, with the people of whom it is true.
fn positive() -> Vec<(Filter, Vec<&'static str>)> {
    vec![
        (Filter::eq("age", 40), vec!["ann", "cid"]),
        (Filter::eq("age", 41), vec![]),
        (Filter::gt("age", 9), vec!["ann", "cid"]),
        (Filter::ge("age", 9), vec!["ann", "bob", "cid"]),
        (Filter::lt("age", 40), vec!["bob"]),
        (Filter::le("age", 40), vec!["ann", "bob", "cid"]),
        (Filter::lt("age", 9.5), vec!["bob"]),
        (Filter::between("age", 9, 40), vec!["ann", "bob", "cid"]),
        (Filter::between("age", 10, 39), vec![]),
        (Filter::is_in("age", [9, 10, 11]), vec!["bob"]),
        (Filter::is_in("age", 30..60), vec!["ann", "cid"]),
        (Filter::eq("city", "Oslo"), vec!["ann"]),
        (Filter::lt("city", "Oslo"), vec!["bob"]),
        (Filter::is_in("city", ["Oslo", "oslo", "Paris"]), vec!["ann", "dan"]),
        (Filter::like("city", "%slo", false), vec!["ann", "dan"]),
        (Filter::like("city", "OSLO", true), vec!["ann", "dan"]),
        (Filter::starts_with("city", "Os"), vec!["ann"]),
        (Filter::starts_with("city", ""), vec!["ann", "bob", "dan"]),
        (Filter::ends_with("city", "en"), vec!["bob"]),
        (Filter::contains("city", "sl"), vec!["ann", "dan"]),
        (Filter::contains("city", ""), vec!["ann", "bob", "dan"]),
        (Filter::eq("score", 0), vec!["cid"]),
        (Filter::gt("score", 0), vec!["ann", "dan"]),
        (Filter::lt("score", -2), vec!["bob"]),
        (Filter::eq("active", true), vec!["ann", "cid"]),
        (Filter::lt("active", true), vec!["bob"]),
        (Filter::is_in("active", [false]), vec!["bob"]),
    ]
}

const ALL: [&str; 5] = ["ann", "bob", "cid", "dan", "nil"];

fn others(of: &[&str]) -> Vec<&'static str> {
    ALL.into_iter().filter(|name| !of.contains(name)).collect()
}

/// Two-valued: with every operator, and with De Morgan's laws on top.
pub fn semantics_3_1_a_query_and_its_negation_split_the_store<D: Database>(suite: &Suite<D>) -> Result<()> {
    for schema in [people(), Schema::open("people")] {
        let store = five(suite, schema)?;
        let filters: Vec<Filter> = positive().into_iter().map(|(filter, _)| filter).collect();
        for a in &filters {
            let yes: BTreeSet<_> = matching(&store, a.clone(), "name")?.into_iter().collect();
            let no: BTreeSet<_> = matching(&store, a.clone().not(), "name")?.into_iter().collect();
            assert!(yes.is_disjoint(&no) && yes.len() + no.len() == ALL.len(), "{a:?}: {yes:?} and {no:?}");
            assert_eq!(store.count(bind(&store, a.clone())?)?, yes.len() as u64);
            for b in filters.iter().step_by(5) {
                let [p, q] = [a, b].map(Clone::clone);
                let both = matching(&store, p.clone().and_also(q.clone()).not(), "name")?;
                assert_eq!(both, matching(&store, p.clone().not().or_else(q.clone().not()), "name")?);
                let either = matching(&store, p.clone().or_else(q.clone()).not(), "name")?;
                assert_eq!(either, matching(&store, p.not().and_also(q.not()), "name")?);
            }
        }
    }
    Ok(())
}

/// And true of exactly those that they should be.
pub fn semantics_3_2_positive_operators_are_false_of_null<D: Database>(suite: &Suite<D>) -> Result<()> {
    for schema in [people(), Schema::open("people")] {
        let store = five(suite, schema)?;
        for (filter, names) in positive() {
            assert_eq!(matching(&store, filter.clone(), "name")?, names, "{filter:?}");
        }
        assert_eq!(matching(&store, Filter::is_null("age"), "name")?, ["dan", "nil"]);
    }
    Ok(())
}

/// Unlike SQL's; `.and(field.not_null())` gives SQL's answer.
pub fn semantics_3_3_negative_operators_are_true_of_null<D: Database>(suite: &Suite<D>) -> Result<()> {
    for schema in [people(), Schema::open("people")] {
        let store = five(suite, schema)?;
        for (filter, names) in positive() {
            assert_eq!(matching(&store, filter.clone().not(), "name")?, others(&names), "not {filter:?}");
            assert_eq!(matching(&store, filter.clone().not().not(), "name")?, names, "not not {filter:?}");
        }
        assert_eq!(matching(&store, Filter::ne("city", "Oslo"), "name")?, ["bob", "cid", "dan", "nil"]);
        let as_in_sql = Filter::ne("city", "Oslo").and_also(Filter::is_null("city").not());
        assert_eq!(matching(&store, as_in_sql, "name")?, ["bob", "dan"]);
    }
    Ok(())
}

/// `in []` is false, `and []` true, `or []` false; reversed bounds match nothing.
pub fn semantics_3_4_empty_lists_and_reversed_bounds<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = five(suite, people())?;
    let nothing: [&str; 0] = [];
    let truths = [
        (Filter::is_in("age", [0_i64; 0]), nothing.to_vec()),
        (Filter::is_in("age", [0_i64; 0]).not(), ALL.to_vec()),
        (Filter::and(vec![]), ALL.to_vec()),
        (Filter::or(vec![]), nothing.to_vec()),
        (Filter::and(vec![]).not(), nothing.to_vec()),
        (Filter::or(vec![]).not(), ALL.to_vec()),
        (Filter::between("age", 40, 9), nothing.to_vec()),
        (Filter::between("age", 40, 9).not(), ALL.to_vec()),
        (Filter::between("age", 40, 40), vec!["ann", "cid"]),
        (Filter::eq("age", 9).or_else(Filter::or(vec![])), vec!["bob"]),
        (Filter::eq("age", 9).and_also(Filter::and(vec![])), vec!["bob"]),
    ];
    for (filter, names) in truths {
        assert_eq!(matching(&store, filter.clone(), "name")?, names, "{filter:?}");
    }
    Ok(())
}

/// In no operator: the way is `is_null`.
pub fn semantics_3_5_null_is_no_literal<D: Database>(suite: &Suite<D>) -> Result<()> {
    for schema in [people(), Schema::open("people")] {
        let store = five(suite, schema)?;
        let filters = [
            Filter::eq("age", Value::Null),
            Filter::ne("age", Value::Null),
            Filter::lt("age", Value::Null),
            Filter::is_in("age", [Value::Int(9), Value::Null]),
            Filter::between("age", Value::Null, 3),
            Filter::contains("city", Value::Null),
        ];
        for filter in filters {
            refused(bind(&store, filter.clone()), ErrorKind::Query, filter);
        }
        assert_eq!(matching(&store, Filter::is_null("city"), "name")?, ["cid", "nil"]);
        assert_eq!(matching(&store, Filter::is_null("city").not(), "name")?, ["ann", "bob", "dan"]);
    }
    Ok(())
}

/// Whole value, case-sensitive; every character but `%`, `_` and `\` is literal.
pub fn semantics_3_6_like<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let names = [
        "a.b", "axb", "a%b", "a_b", "a\\b", "A.B", "ab", "a\nb", "aéb", "a💣b", "", "a*b", "a[b]", "^ab$", "a'b", "Éa",
    ];
    for name in names {
        store.create(document! { "name" => name })?;
    }
    let mut one = ["a%b", "a'b", "a*b", "a.b", "a\\b", "a\nb", "a_b", "axb", "aéb", "a💣b"];
    one.sort_unstable();
    let truths: [(&str, bool, &[&str]); 17] = [
        ("a.b", false, &["a.b"]),
        ("a_b", false, &one),
        ("a__b", false, &[]),
        (r"a\%b", false, &["a%b"]),
        (r"a\_b", false, &["a_b"]),
        (r"a\\b", false, &["a\\b"]),
        (r"a\xb", false, &["axb"]),
        ("a*b", false, &["a*b"]),
        ("a[b]", false, &["a[b]"]),
        ("^ab$", false, &["^ab$"]),
        ("a'b", false, &["a'b"]),
        ("", false, &[""]),
        ("ab", false, &["ab"]),
        ("A.B", true, &["A.B", "a.b"]),
        ("éA", true, &[]),
        ("ÉA", true, &["Éa"]),
        ("a\nb", false, &["a\nb"]),
    ];
    for (pattern, fold, expected) in truths {
        assert_eq!(matching(&store, Filter::like("name", pattern, fold), "name")?, expected, "like {pattern:?}");
    }
    assert_eq!(matching(&store, Filter::like("name", "%", false), "name")?.len(), names.len());
    assert_eq!(matching(&store, Filter::like("name", "a%b", false), "name")?.len(), one.len() + 1);
    Ok(())
}

/// An error, not a match.
pub fn semantics_3_6_a_lone_escape_is_refused<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    for pattern in ["\\", "a\\", "%\\\\\\"] {
        refused(bind(&store, Filter::like("name", pattern, false)), ErrorKind::Query, pattern);
    }
    Ok(())
}

/// `%a%a%a…` on a long text ends at once.
pub fn semantics_3_6_like_is_linear<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    store.create(document! { "name" => "a".repeat(30_000) })?;
    for pattern in ["%a".repeat(1_000) + "b", "%a_".repeat(1_000) + "b", "%".repeat(10_000) + "b"] {
        assert_eq!(store.count(bind(&store, Filter::like("name", pattern, true))?)?, 0);
    }
    Ok(())
}

/// Before anything is sent, with the field, its type and the nearest known name.
pub fn semantics_3_7_what_does_not_fit_is_refused_with_the_nearest_name<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = five(suite, people())?;
    let cases = [
        (Filter::eq("agee", 1), "agee", "`age`"),
        (Filter::eq("Name", "x"), "Name", "`name`"),
        (Filter::eq("age", "forty"), "age", "i64"),
        (Filter::eq("city", 1), "city", "text"),
        (Filter::gt("active", 1), "active", "bool"),
        (Filter::like("age", "4%", false), "age", "i64"),
        (Filter::contains("age", 4), "age", "i64"),
        (Filter::eq(Operand::Len("city".into()), 1), "city", "text"),
        (Filter::is_null("nobody"), "nobody", "no field"),
        (Filter::eq(Path::field("_metdata").then("x"), 1), "_metdata.x", "_metadata"),
        (Filter::eq("age", 1).and_also(Filter::eq("agee", 1).not()), "agee", "`age`"),
    ];
    for (filter, field, word) in cases {
        let Err(error) = bind(&store, filter.clone()) else { panic!("{filter:?} should have been refused") };
        assert_eq!((error.kind(), error.place().field.as_deref()), (ErrorKind::Query, Some(field)), "{error}");
        assert!(error.to_string().contains(word), "{error} should name {word}");
    }
    refused(store.search(Query::new().sort(crate::Key::asc("agee"))), ErrorKind::Query, "a sort by an unknown field");
    refused(store.search(Query::new().fields([Path::field("agee")])), ErrorKind::Query, "an unknown field selected");
    Ok(())
}

/// On open documents: numbers by value, every other pair false, never an error.
pub fn semantics_3_8_unlike_types_are_unequal_and_unordered<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.open_store()?;
    let kinds = [
        ("int", Value::Int(1)),
        ("float", Value::Float(1.0)),
        ("text", Value::Text("1".to_owned())),
        ("bool", Value::Bool(true)),
        ("list", Value::List(vec![Value::Int(1)])),
        ("record", Value::Record(document! { "x" => 1 })),
        ("null", Value::Null),
    ];
    for (name, value) in kinds {
        store.create(document! { "name" => name, "v" => value })?;
    }
    let none: [&str; 0] = [];
    let truths: Vec<(Filter, Vec<&str>)> = vec![
        (Filter::eq("v", 1), vec!["float", "int"]),
        (Filter::eq("v", 1.0), vec!["float", "int"]),
        (Filter::ge("v", 0), vec!["float", "int"]),
        (Filter::eq("v", "1"), vec!["text"]),
        (Filter::ge("v", ""), vec!["text"]),
        (Filter::eq("v", true), vec!["bool"]),
        (Filter::le("v", true), vec!["bool"]),
        (Filter::is_in("v", [Value::Int(1), Value::Bool(true)]), vec!["bool", "float", "int"]),
        (Filter::contains("v", 1), vec!["list"]),
        (Filter::contains("v", "1"), vec!["text"]),
        (Filter::like("v", "%", false), vec!["text"]),
        (Filter::between("v", 0, 2), vec!["float", "int"]),
        (Filter::gt("v", 1), none.to_vec()),
        (Filter::eq("unheard of", 1), none.to_vec()),
        (Filter::ne("v", 1), vec!["bool", "list", "null", "record", "text"]),
        (Filter::lt("v", 0).not(), vec!["bool", "float", "int", "list", "null", "record", "text"]),
        (Filter::eq(Path::field("v").then("x"), 1), vec!["record"]),
        (Filter::is_null("v"), vec!["null"]),
    ];
    for (filter, names) in truths {
        assert_eq!(matching(&store, filter.clone(), "name")?, names, "{filter:?}");
    }
    Ok(())
}

/// By segments, whatever they hold; a path through a null record is null.
pub fn semantics_3_9_paths_lead_into_records<D: Database>(suite: &Suite<D>) -> Result<()> {
    let deep = Schema::new("geo").field(FieldDef::new("lat", Type::F64).nullable());
    let home = Schema::new("home")
        .field(FieldDef::new("city", Type::Text).nullable())
        .field(FieldDef::new("a.b", Type::I64).nullable())
        .field(FieldDef::new("geo", Type::record(deep)).nullable());
    let schema = people().field(FieldDef::new("home", Type::record(home)).nullable());
    for schema in [schema, Schema::open("people")] {
        let store = suite.store(schema)?;
        let lat = |lat: f64| document! { "lat" => lat };
        let all = [
            document! { "name" => "a", "home" => document! { "city" => "Oslo", "a.b" => 1, "geo" => lat(59.9) } },
            document! { "name" => "b", "home" => document! { "city" => "Rome", "geo" => lat(41.9) } },
            document! { "name" => "c", "home" => document! { "a.b" => 2 } },
            document! { "name" => "d" },
        ];
        store.create_batch(all)?.into_iter().try_for_each(|o| o.map(drop))?;
        let path = |text: &str| text.parse::<Path>();
        let truths: Vec<(Filter, Vec<&str>)> = vec![
            (Filter::eq(path("home.city")?, "Oslo"), vec!["a"]),
            (Filter::ne(path("home.city")?, "Oslo"), vec!["b", "c", "d"]),
            (Filter::is_null(path("home.city")?), vec!["c", "d"]),
            (Filter::is_null("home"), vec!["d"]),
            (Filter::ge(path("home.\"a.b\"")?, 1), vec!["a", "c"]),
            (Filter::gt(path("home.geo.lat")?, 50), vec!["a"]),
            (Filter::gt(path("home.geo.lat")?, 50).not(), vec!["b", "c", "d"]),
            (Filter::is_null(path("home.geo.lat")?), vec!["c", "d"]),
        ];
        for (filter, names) in truths {
            assert_eq!(matching(&store, filter.clone(), "name")?, names, "{filter:?}");
        }
        let by_lat = Query::new().sort(crate::Key::desc(path("home.geo.lat")?));
        assert_eq!(texts(&store, by_lat, "name")?[..2], ["a", "b"]);
    }
    Ok(())
}

/// `contains`, `is_empty`, `len`; all false of null.
pub fn semantics_3_9_lists<D: Database>(suite: &Suite<D>) -> Result<()> {
    let list = |items: &[&str]| Value::List(items.iter().map(|item| Value::from(*item)).collect());
    let declared = Schema::new("tags")
        .field(FieldDef::new("name", Type::Text))
        .field(FieldDef::new("tags", Type::list(Type::Text)).nullable());
    for schema in [declared, Schema::open("tags")] {
        if !Type::list(Type::Text).needs().within(<D::Engine as Engine>::HOLDS) {
            continue;
        }
        let store = suite.store(schema)?;
        for (name, tags) in
            [("two", list(&["x", "y"])), ("one", list(&[""])), ("none", list(&[])), ("null", Value::Null)]
        {
            store.create(document! { "name" => name, "tags" => tags })?;
        }
        let len = || Operand::Len("tags".into());
        let truths: Vec<(Filter, Vec<&str>)> = vec![
            (Filter::contains("tags", "x"), vec!["two"]),
            (Filter::contains("tags", ""), vec!["one"]),
            (Filter::contains("tags", "x").not(), vec!["none", "null", "one"]),
            (Filter::eq(len(), 0), vec!["none"]),
            (Filter::ge(len(), 1), vec!["one", "two"]),
            (Filter::ne(len(), 0), vec!["null", "one", "two"]),
            (Filter::is_in(len(), [0, 2]), vec!["none", "two"]),
            (Filter::is_null("tags"), vec!["null"]),
        ];
        for (filter, names) in truths {
            assert_eq!(matching(&store, filter.clone(), "name")?, names, "{filter:?}");
        }
        let by_length = Query::new().sort(crate::Key::desc(len()));
        assert_eq!(texts(&store, by_length, "name")?, ["two", "one", "none", "null"]);
    }
    Ok(())
}

/// 200 levels on every backend; what is beyond is refused by name. What can be flattened does not count.
pub fn semantics_3_10_two_hundred_levels<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = five(suite, people())?;
    // Each turn is one `and` and one `not`, two levels that cannot be flattened.
    let nested =
        |turns: i64| (0..turns).fold(Filter::eq("age", 9), |f, n| f.and_also(Filter::ne("age", 1_000 + n)).not());
    assert_eq!(matching(&store, nested(12), "name")?, ["bob"]);
    assert_eq!(matching(&store, nested(98), "name")?, ["bob"]);
    refused(bind(&store, nested(101)), ErrorKind::Query, "a filter of 203 levels");
    refused(bind(&store, nested(5_000)), ErrorKind::Query, "a filter of 10,000 levels");
    let flat = (0..10_000).fold(Filter::eq("age", 9), |f, _| f.not().not().and_also(Filter::all()));
    assert_eq!(matching(&store, flat, "name")?, ["bob"]);
    Ok(())
}

/// And lists of them inside others.
pub fn semantics_3_10_ten_thousand_values<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = five(suite, people())?;
    assert_eq!(matching(&store, Filter::is_in("age", 35..10_035), "name")?, ["ann", "cid"]);
    let names = (0..10_000).map(|n| format!("n{n}")).chain(["dan".to_owned()]);
    let filter = Filter::is_in("name", names.map(Value::from));
    assert_eq!(matching(&store, filter.clone(), "name")?, ["dan"]);
    assert_eq!(matching(&store, filter.not(), "name")?, ["ann", "bob", "cid", "nil"]);
    assert_eq!(matching(&store, Filter::or((0..1_000).map(|n| Filter::eq("age", n)).collect()), "name")?.len(), 3);
    Ok(())
}

/// And nothing is run.
pub fn semantics_3_11_the_plan_names_the_engine<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = five(suite, people())?;
    let plan = store.explain(bind(&store, Filter::eq("age", 9))?)?;
    assert!(!plan.engine.is_empty() && plan.to_string().contains(plan.engine), "{plan}");
    Ok(())
}

/// Where the engine has them they mean what the `regex` crate means; where not they are refused, and not skipped.
pub fn regular_expressions_match_or_are_refused<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    for name in ["ann", "Bob", "carl\nnine", "é", ""] {
        store.create(document! { "name" => name })?;
    }
    store.create(document! { "name" => "x", "city" => "ann" })?;
    let provided = suite.supports.regex && Caps::REGEX.within(<D::Engine as Engine>::PROVIDES);
    for (pattern, wanted) in
        [("^[ab]", vec!["ann"]), ("n", vec!["ann", "carl\nnine"]), ("(?i)^b", vec!["Bob"]), ("^.$", vec!["x", "é"])]
    {
        let filter = Filter::matches("name", pattern);
        match provided {
            true => assert_eq!(matching(&store, filter, "name")?, wanted, "{pattern}"),
            false => refused(matching(&store, filter, "name"), ErrorKind::Unsupported, pattern),
        }
    }
    if provided {
        let complement = Filter::matches("city", "n").not();
        assert_eq!(matching(&store, complement, "name")?.len(), 5, "true of null");
        refused(
            Filter::matches("name", "(").bind::<Document>(store.schema()).and_then(|f| store.count(f)),
            ErrorKind::Query,
            "(",
        );
    }
    Ok(())
}

/// A predicate of the user's own runs like any other: alone, beside others, negated, ordered, counted, and to write by.
pub fn semantics_3_11_own_code_is_a_predicate_like_others<D>(suite: &Suite<D>) -> Result<()>
where
    D: Database<Engine: Provides<OwnCode>>,
{
    let store = suite.people()?;
    store.create_batch((0..100_i64).map(|age| document! { "name" => format!("{age:02}"), "age" => age }))?;
    let square = || {
        own(|person: &Document| {
            let age = person["age"].as_int().unwrap_or(-1);
            (0..10).any(|root| root * root == age)
        })
    };
    assert_eq!((store.count(square())?, store.count(!square())?), (10, 90));
    let large = Filter::gt("age", 20).bind::<Document>(store.schema())?;
    let query = Query::new().filter(square()).filter(large).sort(Key::desc("age")).offset(1).limit(3);
    assert_eq!(texts(&store, query, "name")?, ["64", "49", "36"]);
    assert_eq!(store.update_where(square(), Changes::set("city", "Squareville"))?, 10);
    assert_eq!(store.delete_where(square())?, 10);
    assert_eq!((store.count(square())?, store.count(Query::new())?), (0, 90));
    Ok(())
}
