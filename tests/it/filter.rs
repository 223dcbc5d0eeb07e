//! What filters mean: every clause of semantics 3, each case a filter as text, a document and the answer.

use dk_data::{
    Bound, Database, Document, Envelope, ErrorKind, FieldDef, Filter, Id, Key, Metadata, Path, Predicate, Query,
    Schema, Seen, Store, Type, Value,
    backend::memory::Memory,
    document,
    query::{Op, Operand, predicate::Maybe},
};
use proptest::prelude::*;

fn declared() -> Schema {
    let home = Schema::new("home").field(FieldDef::new("city", Type::Text).nullable());
    Schema::new("people")
        .field(FieldDef::new("name", Type::Text).nullable())
        .field(FieldDef::new("age", Type::U8).nullable())
        .field(FieldDef::new("big", Type::I64).nullable())
        .field(FieldDef::new("ratio", Type::F64).nullable())
        .field(FieldDef::new("price", Type::Decimal).nullable())
        .field(FieldDef::new("key", Type::Uuid).nullable())
        .field(FieldDef::new("at", Type::Timestamp).nullable())
        .field(FieldDef::new("day", Type::Date).nullable())
        .field(FieldDef::new("raw", Type::Bytes).nullable())
        .field(FieldDef::new("on", Type::Bool).nullable())
        .field(FieldDef::new("color", Type::Enum(vec!["red".into(), "green".into()].into())).nullable())
        .field(FieldDef::new("tags", Type::list(Type::Text)).nullable())
        .field(FieldDef::new("prices", Type::list(Type::Decimal)).nullable())
        .field(FieldDef::new("home", Type::record(home)).nullable())
        .field(FieldDef::new("essay", Type::Text).nullable().large())
}

fn bind(filter: &Filter, schema: &Schema) -> Bound<Document> {
    filter.clone().bind(schema).unwrap_or_else(|e| panic!("{filter}: {e}"))
}

fn holds(bound: &Bound<Document>, record: &Document) -> bool {
    let envelope = Envelope::of(Id::new("x").expect("a fine id"));
    bound.matches(Seen { record, envelope: &envelope })
}

/// Each filter, and its complement, of each document.
fn check(schema: &Schema, cases: &[(&str, Document, bool)]) {
    for (text, doc, expected) in cases {
        let filter: Filter = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(holds(&bind(&filter, schema), doc), *expected, "{text} of {doc:?}");
        let complement = filter.clone().not();
        assert_eq!(holds(&bind(&complement, schema), doc), !expected, "{complement} of {doc:?} (semantics 3.1)");
    }
}

fn nothing() -> Document {
    Document::new()
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().expect("it is written well")
}

#[test]
fn semantics_3_2_positive_comparisons_with_null_are_false() {
    let tests = [
        "age = 1",
        "age > 1",
        "age >= 1",
        "age < 1",
        "age <= 1",
        "age between 0 and 255",
        "age in (1)",
        "name like '%'",
        "name ilike '%'",
        "name starts with ''",
        "name ends with ''",
        "name contains ''",
        "name matches ''",
        "tags contains 'x'",
        "len(tags) = 0",
        "len(tags) >= 0",
        "tags is empty",
        "home.city = 'x'",
    ];
    check(&declared(), &tests.map(|test| (test, nothing(), false)));
    check(&Schema::open("any"), &tests.map(|test| (test, nothing(), false)));
}

#[test]
fn semantics_3_3_negative_comparisons_are_true_of_null() {
    let tests = [
        "age != 1",
        "age not in (1, 2)",
        "age not in ()",
        "name not like '%'",
        "name not ilike 'a'",
        "age not between 0 and 255",
        "tags is not empty",
        "tags not contains 'x'",
        "name not starts with ''",
    ];
    check(&declared(), &tests.map(|test| (test, nothing(), true)));
    check(&declared(), &[("age != 1 and age is not null", nothing(), false)]);
}

#[test]
fn semantics_3_4_empty_lists_and_ranges() {
    let ann = document! { "age" => 5, "name" => "Ann" };
    check(
        &declared(),
        &[
            ("age in ()", ann.clone(), false),
            ("age not in ()", ann.clone(), true),
            ("age between 5 and 5", ann.clone(), true),
            ("age between 4 and 5", ann.clone(), true),
            ("age between 5 and 6", ann.clone(), true),
            ("age between 6 and 4", ann.clone(), false),
            ("age not between 6 and 4", ann.clone(), true),
            ("name between 'A' and 'Anm'", ann.clone(), false),
            ("name between 'A' and 'Ann'", ann.clone(), true),
            ("all", ann.clone(), true),
            ("none", ann.clone(), false),
            ("all", nothing(), true),
            ("none or age = 5", ann, true),
        ],
    );
}

#[test]
fn semantics_3_5_null_is_asked_for_by_its_own_operator() {
    let schema = declared();
    check(
        &schema,
        &[
            ("age is null", nothing(), true),
            ("age is null", document! { "age" => 1 }, false),
            ("home is null", nothing(), true),
            ("home is null", document! { "home" => document! {} }, false),
            ("essay is null", document! { "essay" => "long" }, false),
        ],
    );
    for filter in [
        Filter::eq("age", Value::Null),
        Filter::is_in("age", [Value::Null]),
        Filter::between("age", Value::Null, 1),
        Filter::contains("tags", Value::Null),
    ] {
        let error = filter.bind::<Document>(&schema).expect_err("null has its own operator");
        assert!(error.message().contains("is null"), "{error}");
    }
}

#[test]
fn semantics_3_6_like_means_the_whole_text() {
    let text = |text: &str| document! { "name" => text };
    check(
        &declared(),
        &[
            ("name like 'A%'", text("Ann"), true),
            ("name like 'a%'", text("Ann"), false),
            ("name ilike 'a%'", text("Ann"), true),
            ("name ilike 'ÅSA'", text("åsa"), false),
            ("name like 'a.b'", text("axb"), false),
            ("name like 'a%b'", text("a\nb"), true),
            ("name like '_'", text("é"), true),
            ("name like '_'", text("😀"), true),
            ("name like '_'", text(""), false),
            ("name like ''", text(""), true),
            (r"name like '100\\%'", text("100%"), true),
            (r"name like '100\\%'", text("1000"), false),
            ("name starts with '%'", text("A%"), false),
            ("name contains '%'", text("A%"), true),
            ("name ends with 'nn'", text("Ann"), true),
            ("name contains ''", text(""), true),
            ("name matches '^A.n$'", text("Ann"), true),
            ("name matches 'n'", text("Ann"), true),
        ],
    );
    let lone = Filter::like("name", "a\\", false).bind::<Document>(&declared()).expect_err("a lone escape");
    assert_eq!((lone.kind(), lone.place().field.as_deref()), (ErrorKind::Query, Some("name")));
    let regex = Filter::matches("name", "(").bind::<Document>(&declared()).expect_err("an open group");
    assert_eq!((regex.kind(), regex.place().field.as_deref()), (ErrorKind::Query, Some("name")));
}

#[test]
fn semantics_3_7_what_does_not_fit_is_refused_with_field_type_and_nearest_name() {
    let schema = declared();
    for (text, field, words) in [
        ("agee = 1", "agee", "did you mean `age`?"),
        ("home.town = 'x'", "home.town", "no field `town`"),
        ("age.x = 1", "age.x", "no fields"),
        ("age = 'x'", "age", "a u8 field cannot be compared with this text"),
        ("age = true", "age", "cannot be compared with this bool"),
        ("name = 5", "name", "a text field cannot be compared with this integer"),
        ("on = 1", "on", "a bool field"),
        ("color = 'blue'", "color", "red"),
        ("color in ('red', 'blue')", "color", "blue"),
        ("key = 'nonsense'", "key", "not written as a uuid"),
        ("day = '2026-02-30'", "day", "not written as a date"),
        ("day = '2026-01-31T10:00:00'", "day", "not written as a date"),
        ("at = '2026-01-31'", "at", "not written as a moment"),
        ("price = 'x'", "price", "not written as a decimal"),
        ("raw = '*'", "raw", "base64"),
        ("age like '1%'", "age", "only text has text operators"),
        ("tags = 'x'", "tags", "`contains`"),
        ("tags contains 5", "tags", "cannot be compared with this integer"),
        ("len(name) = 1", "name", "only a list has a length"),
        ("len(tags) = 'x'", "tags", "cannot be compared"),
        ("home = 'x'", "home", "only be tested for null"),
        ("essay = 'x'", "essay", "large"),
        ("essay contains 'x'", "essay", ""),
        ("_ids = 'x'", "_ids", "did you mean `_id`?"),
    ] {
        let error = parsed::<Filter>(text).bind::<Document>(&schema).expect_err(text);
        assert_eq!((error.kind(), error.place().field.as_deref()), (ErrorKind::Query, Some(field)), "{text}: {error}");
        assert!(error.to_string().contains(words), "{text}: {error}");
    }
}

#[test]
fn semantics_3_7_text_is_read_as_what_the_field_holds() {
    let full = document! {
        "price" => "1.10".parse::<rust_decimal::Decimal>().expect("a decimal"),
        "key" => "6ba7b810-9dad-11d1-80b4-00c04fd430c8".parse::<uuid::Uuid>().expect("a uuid"),
        "at" => "2026-01-31T10:00:00.000001Z".parse::<jiff::Timestamp>().expect("a moment"),
        "day" => "2026-01-31".parse::<jiff::civil::Date>().expect("a date"),
        "raw" => vec![0_u8, 1, 255],
        "color" => "green",
    };
    let cases = [
        ("price = '1.1'", true),
        ("price = 1.1", true),
        ("price > 1", true),
        ("price < 1.2", true),
        ("price in (2, 1.1)", true),
        ("price = decimal('1.100')", true),
        ("price < 1e30", true),
        ("price > -1e300", true),
        ("price < 1e-30", false),
        ("key = '6BA7B810-9DAD-11D1-80B4-00C04FD430C8'", true),
        ("key > '00000000-0000-0000-0000-000000000000'", true),
        ("at = '2026-01-31T11:00:00.000001+01:00'", true),
        ("at between '2026-01-31T10:00:00Z' and '2026-02-01T00:00:00Z'", true),
        ("day = '2026-01-31'", true),
        ("day >= date('2026-02-01')", false),
        ("raw = 'AAH/'", true),
        ("raw = bytes('AAH/')", true),
        ("color = 'green'", true),
        ("color > 'blue'", true),
        ("color in ('red')", false),
    ];
    check(&declared(), &cases.map(|(text, expected)| (text, full.clone(), expected)));
}

#[test]
fn semantics_3_8_unlike_types_in_open_documents_are_unequal_and_unordered() {
    let open = Schema::open("any");
    let mixed = document! { "n" => 5, "t" => "5", "b" => true, "list" => vec![Value::from(5), Value::from("x")] };
    let cases = [
        ("n = 5", true),
        ("n = 5.0", true),
        ("n < 5.5", true),
        ("n = '5'", false),
        ("n > '4'", false),
        ("n < '6'", false),
        ("n = decimal('5')", false),
        ("t = 5", false),
        ("t > 4", false),
        ("t = '5'", true),
        ("b = true", true),
        ("b = 1", false),
        ("b = 'true'", false),
        ("n like '5'", false),
        ("n contains 5", false),
        ("list contains 5", true),
        ("list contains 5.0", true),
        ("list contains '5'", false),
        ("list = 5", false),
        ("len(list) = 2", true),
        ("len(t) = 1", false),
        ("list = value('[5,\"x\"]')", true),
        ("list in (1, value('[5.0,\"x\"]'))", true),
        ("n.x = 5", false),
        ("n.x is null", true),
        ("n between '1' and 9", false),
        ("n in ('5', true, 4.5)", false),
        ("n in ('5', true, 5.0)", true),
    ];
    check(&open, &cases.map(|(text, expected)| (text, mixed.clone(), expected)));
}

#[test]
fn semantics_2_9_integers_and_floats_compare_without_rounding() {
    let big = document! { "big" => 9_007_199_254_740_993_i64, "ratio" => 9_007_199_254_740_992.0, "age" => 255 };
    let cases = [
        ("big = 9007199254740992.0", false),
        ("big > 9007199254740992.0", true),
        ("big = 9007199254740993", true),
        ("ratio = 9007199254740993", false),
        ("ratio < 9007199254740993", true),
        ("ratio = 9007199254740992", true),
        ("big in (9007199254740992.0)", false),
        ("big = decimal('9007199254740993')", true),
        ("age < 300", true),
        ("age = 300", false),
        ("age > -1", true),
        ("age < 170141183460469231731687303715884105727", true),
        ("age = 255.0", true),
        ("age < 255.5", true),
        ("age <= 1e300", true),
        ("ratio > -170141183460469231731687303715884105728", true),
    ];
    check(&declared(), &cases.map(|(text, expected)| (text, big.clone(), expected)));
    let open = cases.iter().filter(|(text, _)| !text.contains("decimal")).map(|(text, yes)| (*text, big.clone(), *yes));
    check(&Schema::open("any"), &open.collect::<Vec<_>>());
}

#[test]
fn literals_without_a_place_among_numbers_equal_nothing() {
    let one = document! { "ratio" => 1.0, "age" => 1, "price" => rust_decimal::Decimal::ONE };
    for field in ["ratio", "age", "price"] {
        let test = |op, literal: f64| holds(&bind(&Filter::compare(field, op, literal), &declared()), &one);
        for op in [Op::Eq, Op::Gt, Op::Ge, Op::Lt, Op::Le] {
            assert!(!test(op, f64::NAN), "{field} {op:?} NaN");
        }
        assert!(test(Op::Lt, f64::INFINITY) && test(Op::Gt, f64::NEG_INFINITY) && !test(Op::Eq, f64::INFINITY));
        let many = (2..20).map(f64::from).chain([f64::NAN, f64::INFINITY]);
        let list = Filter::is_in(field, many.clone());
        assert!(!holds(&bind(&list, &declared()), &one));
        assert!(holds(&bind(&Filter::is_in(field, many.chain([1.0])), &declared()), &one));
    }
    // A record that was never in a store may hold what a store refuses; it equals nothing either.
    let nan = document! { "ratio" => f64::NAN };
    assert!(!holds(&bind(&Filter::is_in("ratio", (0..20).map(f64::from)), &declared()), &nan));
}

#[test]
fn semantics_2_4_literals_finer_than_a_microsecond_are_not_cut() {
    let stored = document! { "at" => "2026-01-31T10:00:00.000001Z".parse::<jiff::Timestamp>().expect("a moment") };
    check(
        &declared(),
        &[
            ("at = '2026-01-31T10:00:00.0000015Z'", stored.clone(), false),
            ("at < '2026-01-31T10:00:00.0000015Z'", stored.clone(), true),
            ("at >= '2026-01-31T10:00:00.0000005Z'", stored.clone(), true),
            ("at > '2026-01-31T10:00:00.0000005Z'", stored.clone(), true),
            ("at >= '2026-01-31T10:00:00.0000015Z'", stored, false),
        ],
    );
}

#[test]
fn semantics_3_9_paths_lists_and_the_envelope() {
    let full = document! {
        "home" => document! { "city" => "Oslo" },
        "tags" => vec![Value::from("a"), Value::from("")],
        "prices" => vec![Value::Decimal(rust_decimal::Decimal::TWO)],
    };
    let empty = document! { "home" => document! {}, "tags" => Vec::<Value>::new() };
    check(
        &declared(),
        &[
            ("home.city = 'Oslo'", full.clone(), true),
            ("home.city is null", empty.clone(), true),
            ("home.city is null", nothing(), true),
            ("home.city != 'Oslo'", nothing(), true),
            ("tags contains ''", full.clone(), true),
            ("tags contains 'b'", full.clone(), false),
            ("tags is empty", full.clone(), false),
            ("tags is empty", empty.clone(), true),
            ("len(tags) = 2", full.clone(), true),
            ("len(tags) between 1 and 2.5", full.clone(), true),
            ("len(tags) in (0, 2)", full.clone(), true),
            ("len(tags) is null", nothing(), true),
            ("prices contains 2", full.clone(), true),
            ("prices contains 2.0", full.clone(), true),
            ("prices contains '2.00'", full.clone(), true),
            ("prices contains 3", full, false),
            ("len(tags) = 0", empty, true),
        ],
    );
    check(&Schema::open("any"), &[(r#""a.b".c = 1"#, document! { "a.b" => document! { "c" => 1 } }, true)]);

    let metadata: Metadata = [("source", "csv")].into_iter().collect();
    let envelope = Envelope::of(Id::new("7").expect("a fine id")).with_metadata(metadata);
    for (text, expected) in [
        ("_id = '7'", true),
        ("_id = 7", true),
        ("_id like '7%'", true),
        ("_metadata.source = 'csv'", true),
        ("_metadata.other is null", true),
        ("_created_at is null", true),
        ("_updated_at >= '2020-01-01T00:00:00Z'", false),
    ] {
        let bound = bind(&parsed(text), &declared());
        assert_eq!(bound.matches(Seen { record: &nothing(), envelope: &envelope }), expected, "{text}");
    }
}

#[test]
fn semantics_3_10_two_hundred_levels_and_ten_thousand_values() {
    let level = |f: Filter, i: usize| {
        if i & 1 == 0 { f.and_also(Filter::eq("age", 5)) } else { f.or_else(Filter::eq("age", 6)) }
    };
    let deep = (0..199).fold(Filter::eq("age", 5), level);
    assert_eq!(deep.depth(), 200);
    assert!(holds(&bind(&deep, &declared()), &document! { "age" => 5 }));
    let deeper = (0..200).fold(Filter::eq("age", 5), level);
    assert_eq!(deeper.bind::<Document>(&declared()).map(drop).map_err(|e| e.kind()), Err(ErrorKind::Query));

    let names = (0..10_000).map(|i| format!("n{i}"));
    let list = bind(&Filter::is_in("name", names), &declared());
    assert!(holds(&list, &document! { "name" => "n9999" }) && !holds(&list, &document! { "name" => "n10000" }));
}

#[test]
fn a_query_narrowed_beyond_the_depth_limit_is_refused_and_stays_as_it_was() {
    let level = |f: Filter, i: usize| {
        if i & 1 == 0 { f.and_also(Filter::eq("age", 5)) } else { f.or_else(Filter::eq("age", 6)) }
    };
    let deep = (0..199).map(|i| i + 1).fold(Filter::eq("age", 5), level);
    let mut query = Query::<Document>::new().dynamic_in(&declared()).expect("true of everything");
    query.narrow(bind(&deep, &declared())).expect("200 levels or fewer");
    let before = query.predicate().filter().clone();
    let grown = query.narrow(bind(&Filter::eq("age", 5), &declared()));
    assert_eq!(grown.map_err(|e| e.kind()), Err(ErrorKind::Query));
    assert_eq!(*query.predicate().filter(), before);
}

// ---- laws

const FIELDS: [&str; 4] = ["a", "b", "c", "d"];

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-3_i64..4).prop_map(Value::from),
        prop::sample::select(vec![-1.5, 0.0, 0.5, 1.0, 2.0, f64::NAN, f64::INFINITY, 9_007_199_254_740_992.0])
            .prop_map(Value::Float),
        prop::sample::select(vec![0_i64, 9_007_199_254_740_993, i64::MAX]).prop_map(Value::from),
        (-20_i64..30, 0_u32..2).prop_map(|(n, scale)| Value::Decimal(rust_decimal::Decimal::new(n, scale))),
        "[ab%]{0,3}".prop_map(Value::Text),
        any::<bool>().prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![4 => scalar(), 1 => prop::collection::vec(scalar(), 0..3).prop_map(Value::List)]
}

fn documents() -> impl Strategy<Value = Document> {
    prop::collection::vec(prop::option::of(value()), FIELDS.len())
        .prop_map(|values| FIELDS.into_iter().zip(values).collect())
}

fn filters() -> impl Strategy<Value = Filter> {
    let operand = prop::sample::select(FIELDS.to_vec()).prop_map(|name| Operand::Field(Path::field(name)));
    let length = prop::sample::select(FIELDS.to_vec()).prop_map(|name| Operand::Len(Path::field(name)));
    let op = prop::sample::select(vec![Op::Eq, Op::Gt, Op::Ge, Op::Lt, Op::Le]);
    let leaf = prop_oneof![
        (operand.clone(), op.clone(), value()).prop_map(|(o, op, v)| Filter::compare(o, op, v)),
        (operand.clone(), scalar(), scalar()).prop_map(|(o, a, b)| Filter::between(o, a, b)),
        (operand.clone(), prop::collection::vec(value(), 0..14)).prop_map(|(o, list)| Filter::is_in(o, list)),
        (prop::sample::select(FIELDS.to_vec()), "[ab%_]{0,3}", any::<bool>())
            .prop_map(|(o, t, fold)| Filter::like(o, t, fold)),
        (prop::sample::select(FIELDS.to_vec()), scalar()).prop_map(|(o, v)| Filter::contains(o, v)),
        (length, op, -1_i64..4).prop_map(|(o, op, n)| Filter::compare(o, op, n)),
        operand.prop_map(Filter::is_null),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![list.clone().prop_map(Filter::and), list.prop_map(Filter::or), inner.prop_map(Filter::not)]
    })
}

fn says(filter: &Filter, schema: &Schema, doc: &Document) -> bool {
    holds(&bind(filter, schema), doc)
}

proptest! {
    #[test]
    fn semantics_3_1_a_filter_and_its_complement_split_the_documents(filter in filters(), doc in documents()) {
        let open = Schema::open("any");
        prop_assert_ne!(says(&filter, &open, &doc), says(&filter.clone().not(), &open, &doc));
    }

    #[test]
    fn semantics_3_1_de_morgan(a in filters(), b in filters(), doc in documents()) {
        let open = Schema::open("any");
        let (not_a, not_b) = (a.clone().not(), b.clone().not());
        let both = a.clone().and_also(b.clone());
        prop_assert_eq!(says(&both, &open, &doc), says(&a, &open, &doc) && says(&b, &open, &doc));
        prop_assert_eq!(
            says(&both.not(), &open, &doc),
            says(&not_a.clone().or_else(not_b.clone()), &open, &doc)
        );
        prop_assert_eq!(
            says(&a.or_else(b).not(), &open, &doc),
            says(&not_a.and_also(not_b), &open, &doc)
        );
    }

    #[test]
    fn a_list_is_the_same_as_its_equalities(list in prop::collection::vec(value(), 0..40), doc in documents()) {
        let open = Schema::open("any");
        let any = Filter::or(list.iter().map(|v| Filter::eq("a", v.clone())).collect());
        prop_assert_eq!(says(&Filter::is_in("a", list), &open, &doc), says(&any, &open, &doc));
    }

    #[test]
    fn a_list_of_numbers_is_the_same_as_its_equalities_where_a_number_is_declared(
        list in prop::collection::vec(scalar(), 0..40), cell in scalar(), ty in prop::sample::select(vec![Type::I64, Type::F64, Type::Decimal])
    ) {
        let schema = Schema::new("numbers").field(FieldDef::new("a", ty));
        let numbers: Vec<_> = list.into_iter().filter(|v| matches!(v, Value::Int(_) | Value::Float(_) | Value::Decimal(_))).collect();
        let any = Filter::or(numbers.iter().map(|v| Filter::eq("a", v.clone())).collect());
        let doc = document! { "a" => cell };
        prop_assert_eq!(says(&Filter::is_in("a", numbers), &schema, &doc), says(&any, &schema, &doc));
    }

    #[test]
    fn a_range_is_the_same_as_its_two_ends(low in scalar(), high in scalar(), doc in documents()) {
        let open = Schema::open("any");
        let ends = Filter::ge("a", low.clone()).and_also(Filter::le("a", high.clone()));
        prop_assert_eq!(says(&Filter::between("a", low, high), &open, &doc), says(&ends, &open, &doc));
    }

    #[test]
    fn a_filter_means_the_same_after_its_text_and_its_json(filter in filters(), doc in documents()) {
        let open = Schema::open("any");
        let expected = says(&filter, &open, &doc);
        prop_assert_eq!(says(&parsed::<Filter>(&filter.to_string()), &open, &doc), expected);
        let json = serde_json::to_string(&filter).expect("it serializes");
        prop_assert_eq!(says(&Filter::from_json(&json).expect("it reads"), &open, &doc), expected);
    }
}

#[test]
fn semantics_3_1_a_query_and_its_negation_split_the_store() {
    use dk_data::{Database, Store};
    let db = Memory::new();
    let store = db.documents("people", declared()).expect("the schema is valid");
    let ages = [None, Some(1), Some(5), Some(9)];
    store.create_batch(ages.map(|age| document! { "name" => "x", "age" => age })).expect("memory writes");
    for text in ["age > 4", "age != 5", "age in (1, 9)", "age is null", "name like 'x' and age < 5", "none"] {
        let count = |filter: Filter| store.count(bind(&filter, &declared())).expect("memory counts");
        let filter: Filter = parsed(text);
        assert_eq!(count(filter.clone()) + count(filter.not()), 4, "{text}");
    }
}

// ---- typed predicates

#[derive(dk_data::Record, Clone, Debug, PartialEq)]
#[record(name = "things")]
struct Thing {
    small: u8,
    count: Option<i64>,
    ratio: f64,
    price: Option<rust_decimal::Decimal>,
    name: Option<String>,
    on: bool,
    tags: Vec<String>,
    spot: Option<Spot>,
}

#[derive(dk_data::Record, Clone, Debug, PartialEq)]
#[record(name = "spot")]
struct Spot {
    city: Option<String>,
}

fn things() -> impl Strategy<Value = Thing> {
    let word = || "[abA%]{0,3}";
    let spot = prop::option::of(prop::option::of(word()).prop_map(|city| Spot { city }));
    let price = prop::option::of((-20_i64..30, 0_u32..2).prop_map(|(n, scale)| rust_decimal::Decimal::new(n, scale)));
    let ratio = prop::sample::select(vec![-1.5, 0.0, 1.0, 2.0, 1e300]);
    let text = (prop::option::of(word()), prop::collection::vec(word(), 0..3), spot);
    let numbers = (0_u8..4, prop::option::of(-2_i64..4), ratio, price, any::<bool>());
    (numbers, text).prop_map(|((small, count, ratio, price, on), (name, tags, spot))| Thing {
        small,
        count,
        ratio,
        price,
        name,
        on,
        tags,
        spot,
    })
}

/// A typed predicate, and what it lowers to once that was bound, of the same record.
fn agree<P: Predicate<Thing>>(predicate: P, thing: &Thing) -> Result<(), TestCaseError> {
    let envelope = Envelope::of(Id::new("x").expect("a fine id"));
    let row = Seen { record: thing, envelope: &envelope };
    let filter = predicate.lower().expect("it has a data form");
    let bound: Bound<Thing> = filter.clone().bind(<Thing as dk_data::Typed>::SCHEMA).expect("it fits");
    prop_assert_eq!(predicate.matches(row), bound.matches(row), "{} of {:?}", filter, thing);
    let negated = dk_data::query::Where(predicate).not();
    prop_assert_eq!(negated.matches(row), !bound.matches(row), "not {} of {:?}", filter, thing);
    Ok(())
}

proptest! {
    #[test]
    fn semantics_3_11_typed_predicates_and_their_filters_agree(
        thing in things(), n in -2_i64..4, small in 0_u8..4, text in "[abA]{0,2}", pattern in "[abA%_]{0,3}"
    ) {
        let price = rust_decimal::Decimal::new(n, 1);
        agree(Thing::SMALL.eq(small), &thing)?;
        agree(Thing::SMALL.between(small, 2), &thing)?;
        agree(Thing::SMALL.is_in((0..20).map(|i| i * 2)), &thing)?;
        agree(Thing::COUNT.ge(n), &thing)?;
        agree(Thing::COUNT.ne(n), &thing)?;
        agree(Thing::COUNT.is_in([n, 1]), &thing)?;
        agree(Thing::COUNT.is_null(), &thing)?;
        agree(Thing::RATIO.lt(n as f64), &thing)?;
        agree(Thing::RATIO.eq(f64::NAN), &thing)?;
        agree(Thing::PRICE.le(price), &thing)?;
        agree(Thing::PRICE.is_in((0..20).map(|i| rust_decimal::Decimal::new(i, 1))), &thing)?;
        agree(Thing::ON.eq(true), &thing)?;
        agree(Thing::NAME.eq(&text), &thing)?;
        agree(Thing::NAME.gt(&text), &thing)?;
        agree(Thing::NAME.like(&pattern), &thing)?;
        agree(Thing::NAME.ilike(&pattern), &thing)?;
        agree(Thing::NAME.starts_with(&text), &thing)?;
        agree(Thing::NAME.ends_with(&text), &thing)?;
        agree(Thing::NAME.contains(&text), &thing)?;
        agree(Thing::TAGS.contains(&text), &thing)?;
        agree(Thing::TAGS.is_empty(), &thing)?;
        agree(Thing::TAGS.len().gt(1_u64), &thing)?;
        agree(Thing::SPOT.is_null(), &thing)?;
        agree(Thing::SPOT.at(Spot::CITY).eq(&text), &thing)?;
        agree(Thing::SPOT.at(Spot::CITY).is_null(), &thing)?;
        agree((Thing::COUNT.ge(n) & Thing::NAME.eq(&text)) | !Thing::ON.eq(true), &thing)?;
        agree(dk_data::any_of([Thing::SMALL.eq(small), Thing::SMALL.eq(1)]), &thing)?;
        agree(dk_data::all_of([Thing::SMALL.ge(small), Thing::SMALL.ge(1)]), &thing)?;
        agree(Maybe(Some(Thing::SMALL.eq(small))), &thing)?;
    }
}

/// Lists of conditions and conditions that may be missing, against what they say in words (semantics 3.4).
#[test]
fn lists_of_conditions_and_missing_ones() {
    let store = dk_data::backend::memory::Memory::new().store::<Spot>().expect("memory opens");
    for city in [Some("Oslo"), Some("Bergen"), None] {
        store.create(Spot { city: city.map(str::to_owned) }).expect("it is new");
    }
    let any = |cities: &[&str]| store.count(dk_data::any_of(cities.iter().map(|city| Spot::CITY.eq(*city)))).ok();
    let all = |cities: &[&str]| store.count(dk_data::all_of(cities.iter().map(|city| Spot::CITY.ne(*city)))).ok();
    assert_eq!([any(&[]), any(&["Oslo"]), any(&["Oslo", "Bergen", "Rome"])], [Some(0), Some(1), Some(2)]);
    assert_eq!([all(&[]), all(&["Oslo"]), all(&["Oslo", "Bergen", "Rome"])], [Some(3), Some(2), Some(1)]);
    let opt = |city: Option<&str>| store.count(Spot::query().filter_opt(city.map(|city| Spot::CITY.eq(city)))).ok();
    assert_eq!([opt(None), opt(Some("Oslo")), opt(Some("Rome"))], [Some(3), Some(1), Some(0)]);
}

/// The text of a filter refuses such a path where it stands; a path that was put together meets the schema first.
#[test]
fn a_path_of_more_than_32_segments_is_refused_however_it_was_made() {
    let path = |segments: usize| (1..segments).fold(Path::field("a"), |path, _| path.then("a"));
    let open = Schema::open("things");
    let bound = |path: Path| Filter::eq(path, 1).bind::<Document>(&open).map(drop);
    assert!(bound(path(32)).is_ok());
    for long in [33, 100_000] {
        let refused = bound(path(long)).expect_err("it is too long");
        assert_eq!(refused.kind(), ErrorKind::Query);
        assert!(refused.to_string().contains("at most 32 segments") && refused.to_string().len() < 200, "{refused}");
    }
    let sorted = Query::<Document>::new().sort(Key::asc(path(33)));
    let refused = Memory::new().documents("things", open.clone()).and_then(|things| things.search(sorted)).map(drop);
    assert_eq!(refused.map_err(|e| e.kind()), Err(ErrorKind::Query));
}

#[test]
fn a_wrong_regular_expression_is_shown_whole_where_it_is_short_and_its_beginning_where_it_is_long() {
    let refused =
        |pattern: &str| Filter::matches("name", pattern).bind::<Document>(&declared()).expect_err("it is wrong");
    let short = refused("a(b");
    assert!(short.message().contains("a(b") && short.message().contains("unclosed group"), "{short}");
    let long = refused(&format!("({}", "error: x".repeat(100_000)));
    assert!(long.message().contains("unclosed group"), "{long}");
    let mut shown = format!("{long} {long:?}").len();
    let mut cause = std::error::Error::source(&long);
    while let Some(error) = cause {
        (shown, cause) = (shown + error.to_string().len(), error.source());
    }
    assert!(shown < 2_000, "{shown} bytes");
}
