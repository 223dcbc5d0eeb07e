//! Semantics 2: values.

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde_json::json;
use uuid::Uuid;

use super::{Suite, matching, refused, texts};
use crate::{
    capability::Engine,
    document,
    error::{ErrorKind, Result},
    query::{Filter, Key, Query},
    record::{Changes, Document, Draft, FieldDef, Schema, Type},
    store::{Database, Store},
    value::Value,
};

fn moment(seconds: i64, nanoseconds: i32) -> Timestamp {
    Timestamp::new(seconds, nanoseconds).expect("the tests keep to the range of timestamps")
}

fn day(text: &str) -> Date {
    text.parse().expect("the tests write dates")
}

fn values<T: Into<Value>>(list: impl IntoIterator<Item = T>) -> Vec<Value> {
    list.into_iter().map(Into::into).collect()
}

/// Texts that some format takes for something else.
pub(crate) const TEXTS: [&str; 34] = [
    "",
    " ",
    "   ",
    "\t",
    "\n",
    "\r\n",
    "a\r\nb",
    "\\N",
    "\\",
    "\"",
    "\"\"",
    "'",
    "null",
    "NULL",
    "None",
    "0",
    "02",
    "1e3",
    "1.0",
    "-0",
    "NaN",
    "inf",
    "true",
    "TRUE",
    "{}",
    "[1]",
    "{\"a\":1}",
    "a,b;c\td",
    "2024-01-01",
    "=1+1",
    "\u{feff}bom",
    "e\u{301} é",
    "💣\u{10ffff}",
    "\u{1}\u{7f}\u{85}\u{2028}",
];

/// Every type, with the values at its ends.
pub(crate) fn extremes() -> Vec<(Type, Vec<Value>)> {
    let mut all = numbers();
    all.extend(others());
    all.extend(composites());
    all
}

fn numbers() -> Vec<(Type, Vec<Value>)> {
    let two53 = 1_i64 << 53;
    let decimals = ["0", "1.10", "-0.0000000000000000000000000001", "79228162514264337593543950335", "1e-10"];
    vec![
        (Type::Bool, values([true, false])),
        (Type::I8, values([i8::MIN, 0, i8::MAX])),
        (Type::I16, values([i16::MIN, i16::MAX])),
        (Type::I32, values([i32::MIN, i32::MAX])),
        (Type::I64, values([i64::MIN, -two53 - 1, 0, two53, two53 + 1, i64::MAX])),
        (Type::U8, values([0, u8::MAX])),
        (Type::U16, values([0, u16::MAX])),
        (Type::U32, values([0, u32::MAX])),
        (Type::U64, values([0, (1 << 53) + 1, i64::MAX as u64 + 1, u64::MAX])),
        (Type::F32, values([0.0, 0.1, f32::MIN_POSITIVE, f32::MAX, f32::MIN, f32::from_bits(1), 16_777_216.0])),
        (Type::F64, values([0.0, 0.1, f64::MIN_POSITIVE, f64::MAX, f64::MIN, 5e-324, 1e308, 1e22, 1e16, 2.5e-8])),
        (
            Type::Decimal,
            decimals.iter().filter_map(|d| Decimal::from_scientific(d).or(d.parse()).ok()).map(Value::from).collect(),
        ),
    ]
}

fn others() -> Vec<(Type, Vec<Value>)> {
    let moments = [
        moment(0, 0),
        moment(-1, 0),
        moment(1, 123_456_000),
        moment(-62_135_596_800, 0),
        moment(253_402_207_200, 999_999_000),
    ];
    let names = ["red", "dark green", "NULL"];
    vec![
        (Type::Text, values(TEXTS)),
        (Type::Bytes, values([vec![], vec![0], vec![0, 255, 10, 13, 34], (0..=255).collect::<Vec<u8>>()])),
        (Type::Uuid, values([Uuid::nil(), Uuid::max(), Uuid::from_u128(0x018f_0000_0000_7000_8000_0000_0000_0001)])),
        (Type::Timestamp, values(moments)),
        (Type::Date, values([day("0001-01-01"), day("1970-01-01"), day("2024-02-29"), day("9999-12-31")])),
        (Type::Enum(names.map(Into::into).to_vec().into()), values(names)),
        (
            Type::Json,
            values([
                json!({}),
                json!([]),
                json!({ "type": "vector", "a": { "b": [null, 1, "x", { "c": null }] } }),
                json!(""),
                json!("text"),
                json!(0),
                json!(1e300),
                json!(u64::MAX),
                json!(i64::MIN),
                json!(true),
                json!([[[]]]),
                json!({ "": 1, "a.b": 2, "$ref": 3, "_id": 4 }),
                json!(0.1),
                json!(1e22),
            ]),
        ),
        (
            Type::Vector(3),
            vec![Value::Vector(vec![0.0, 0.1, -1.5]), Value::Vector(vec![f32::MAX, f32::MIN, f32::from_bits(1)])],
        ),
    ]
}

fn composites() -> Vec<(Type, Vec<Value>)> {
    let inner = Schema::new("inner")
        .field(FieldDef::new("a", Type::I64).nullable())
        .field(FieldDef::new("b", Type::Text).nullable());
    let outer = Schema::new("outer")
        .field(FieldDef::new("inner", Type::record(inner.clone())).nullable())
        .field(FieldDef::new("list", Type::list(Type::I64)).nullable());
    let list = |items: Vec<Value>| Value::List(items);
    vec![
        (Type::list(Type::Text), vec![list(vec![]), list(values([""])), list(values(TEXTS)), list(values(["", ""]))]),
        (Type::list(Type::I64), vec![list(vec![]), list(values([i64::MIN, 0, i64::MAX]))]),
        (Type::list(Type::F64), vec![list(values([0.1, 1e308, 5e-324]))]),
        (Type::list(Type::Bool), vec![list(values([true, false]))]),
        (
            Type::list(Type::record(inner.clone())),
            vec![list(values([document! { "a" => 1 }, document! { "b" => "" }]))],
        ),
        (Type::record(inner), values([document! { "a" => i64::MAX, "b" => "" }, document! { "b" => "x" }])),
        (
            Type::record(outer),
            values([
                document! { "inner" => document! { "a" => 1 }, "list" => Value::List(vec![]) },
                document! { "list" => Value::List(values([1, 2])) },
            ]),
        ),
    ]
}

/// A null field is one that was not named, in the record and in every predicate.
pub fn semantics_2_1_null_and_missing_are_one<D: Database>(suite: &Suite<D>) -> Result<()> {
    for store in [suite.people()?, suite.open_store()?] {
        let null = store.create(document! { "name" => "null", "age" => Value::Null })?.id;
        let missing = store.create(document! { "name" => "missing" })?.id;
        for (id, name) in [(null, "null"), (missing, "missing")] {
            let Some(row) = store.read(id)? else { panic!("what was written is there") };
            assert_eq!((row.record.get("age"), &row.record), (None, &document! { "name" => name }));
        }
        assert_eq!(matching(&store, Filter::is_null("age"), "name")?, ["missing", "null"]);
    }
    Ok(())
}

/// Null at the top of a JSON field is null; inside it is a value.
pub fn semantics_2_1_null_inside_json_is_kept<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.store(Schema::new("json").field(FieldDef::new("v", Type::Json).nullable()))?;
    let inside = json!({ "a": null, "b": [null] });
    let id = store.create(document! { "v" => inside.clone() })?.id;
    assert_eq!(store.read(id)?.and_then(|r| r.record.get("v").cloned()), Some(Value::Json(inside)));
    let id = store.create(document! { "v" => Value::Json(json!(null)) })?.id;
    assert_eq!(store.read(id)?.map(|r| r.record), Some(Document::new()));
    assert_eq!(store.count(Filter::is_null("v").bind::<Document>(store.schema())?)?, 1);
    Ok(())
}

/// Through create, read, search, update and a batch, at the extremes of every type.
pub fn semantics_2_2_a_round_trip_is_the_identity<D: Database>(suite: &Suite<D>) -> Result<()> {
    for (ty, values) in extremes() {
        if !ty.needs().within(<D::Engine as Engine>::HOLDS) {
            continue;
        }
        let schema =
            Schema::new("one").field(FieldDef::new("n", Type::I64)).field(FieldDef::new("v", ty.clone()).nullable());
        let store = suite.store(schema)?;
        let documents: Vec<_> = (0_i64..).zip(&values).map(|(n, v)| document! { "n" => n, "v" => v.clone() }).collect();
        let outcomes = store.create_batch(&documents)?;
        for (document, outcome) in documents.iter().zip(outcomes) {
            let id = outcome?.id;
            assert_eq!(store.read(&id)?.map(|r| r.record).as_ref(), Some(document), "a {ty} written in a batch");
            store.update(&id, document! { "n" => -1 })?;
            assert_eq!(store.read(&id)?.map(|r| r.record), Some(document! { "n" => -1 }), "a {ty} set to null");
            store.update(&id, document)?;
        }
        let found = store.search(Query::new().sort(Key::asc("n")))?;
        assert!(found.iter().map(|r| &r.record).eq(&documents), "{ty}: {found:?} should be {documents:?}");
    }
    Ok(())
}

/// Nothing is guessed from a value's look.
pub fn semantics_2_2_open_documents_keep_the_types_of_their_values<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.open_store()?;
    for (ty, values) in extremes() {
        if !ty.needs().within(<D::Engine as Engine>::HOLDS) {
            continue;
        }
        for value in values {
            let document = document! { "v" => value.clone(), "w" => Value::List(vec![]) };
            let id = store.create(&document)?.id;
            let found = store.read(id)?.map(|r| r.record);
            assert_eq!(found.as_ref(), Some(&document), "a {ty}");
            let kind = found.and_then(|d| d.get("v").map(Value::kind));
            assert_eq!(kind, Some(value.kind()), "a {ty} comes back as what it was");
        }
    }
    Ok(())
}

/// A nested record whose fields are all null is there.
pub fn semantics_2_2_some_of_all_nulls_is_not_none<D: Database>(suite: &Suite<D>) -> Result<()> {
    let inner = Schema::new("inner").field(FieldDef::new("a", Type::I64).nullable());
    let store = suite.store(
        Schema::new("outer")
            .field(FieldDef::new("name", Type::Text))
            .field(FieldDef::new("inner", Type::record(inner)).nullable()),
    )?;
    let some = document! { "name" => "some", "inner" => Document::new() };
    let none = document! { "name" => "none" };
    for document in [&some, &none] {
        let id = store.create(document)?.id;
        assert_eq!(store.read(id)?.map(|r| r.record).as_ref(), Some(document));
    }
    assert_eq!(matching(&store, Filter::is_null("inner"), "name")?, ["none"]);
    let path: crate::Path = "inner.a".parse()?;
    assert_eq!(matching(&store, Filter::is_null(path), "name")?, ["none", "some"]);
    Ok(())
}

/// 1.10 is 1.1, and 1e16 is 10000000000000000 inside JSON.
pub fn semantics_2_2_equality_is_by_value<D: Database>(suite: &Suite<D>) -> Result<()> {
    let decimal = |text: &str| Value::Decimal(text.parse().unwrap_or_default());
    let store = suite.store(Schema::new("prices").field(FieldDef::new("price", Type::Decimal)))?;
    let id = store.create(document! { "price" => decimal("1.10") })?.id;
    assert_eq!(store.read(id)?.map(|r| r.record), Some(document! { "price" => decimal("1.1") }));
    for literal in [decimal("1.1"), decimal("1.100"), Value::Text("1.1".to_owned())] {
        assert_eq!(store.count(Filter::eq("price", literal).bind::<Document>(store.schema())?)?, 1);
    }
    let store = suite.store(Schema::new("json").field(FieldDef::new("v", Type::Json)))?;
    let id = store.create(document! { "v" => json!({ "a": 1e16, "b": 1 }) })?.id;
    let same = document! { "v" => json!({ "b": 1, "a": 10_000_000_000_000_000_u64 }) };
    assert_eq!(store.read(id)?.map(|r| r.record), Some(same));
    Ok(())
}

/// Before any data moves, and only that.
pub fn semantics_2_3_what_the_engine_cannot_hold_is_refused_on_opening<D: Database>(suite: &Suite<D>) -> Result<()> {
    for (ty, _) in extremes() {
        let schema = Schema::new("one").field(FieldDef::new("v", ty.clone()).nullable());
        let opened = suite.store(schema).map(drop);
        match ty.needs().within(<D::Engine as Engine>::HOLDS) {
            true => opened?,
            false => refused(opened, ErrorKind::Unsupported, ty),
        }
    }
    Ok(())
}

/// A number out of range, another type, an unknown name of an enum, null where it is not nullable, an unknown field.
pub fn semantics_2_3_what_the_field_cannot_hold_is_refused<D: Database>(suite: &Suite<D>) -> Result<()> {
    let misfits = [
        (Type::I8, Value::Int(128)),
        (Type::U8, Value::Int(-1)),
        (Type::I64, Value::Int(i128::from(i64::MAX) + 1)),
        (Type::I64, Value::Float(1.0)),
        (Type::F32, Value::Float(0.1)),
        (Type::F64, Value::Int(1)),
        (Type::Text, Value::Int(1)),
        (Type::Bool, Value::Text("true".to_owned())),
        (Type::Enum(vec!["red".into()].into()), Value::Text("green".to_owned())),
        (Type::Text, Value::Null),
        (Type::Any, Value::Int(i128::from(u64::MAX) + 1)),
    ];
    for (ty, value) in misfits {
        let store = suite.store(Schema::new("one").field(FieldDef::new("v", ty.clone())))?;
        let refusal = store.create(document! { "v" => value.clone() });
        assert_eq!(refusal.as_ref().err().and_then(|e| e.place().field.as_deref()), Some("v"), "{ty} {value:?}");
        refused(refusal, ErrorKind::Invalid, (&ty, &value));
        assert_eq!(store.count(Query::new())?, 0);
    }
    let store = suite.people()?;
    let id = store.create(document! { "name" => "ann" })?.id;
    refused(store.create(document! { "name" => "x", "agee" => 1 }), ErrorKind::Invalid, "a field that is not declared");
    refused(store.patch(&id, Changes::set("name", Value::Null)), ErrorKind::Invalid, "a patch to null");
    refused(store.patch(&id, Changes::set("age", "forty")), ErrorKind::Invalid, "a patch to text");
    refused(suite.open_store()?.create(document! { "_x" => 1 }), ErrorKind::Invalid, "a name of the envelope");
    Ok(())
}

/// Finer digits are cut off, before 1970 as well.
pub fn semantics_2_4_timestamps_are_cut_to_microseconds_toward_the_past<D: Database>(suite: &Suite<D>) -> Result<()> {
    let schema = Schema::new("moments").field(FieldDef::new("at", Type::Timestamp));
    for store in [suite.store(schema)?, suite.open_store()?] {
        for (given, kept) in [
            (moment(1, 123_456_789), moment(1, 123_456_000)),
            (moment(0, -1), moment(0, -1_000)),
            (moment(-5, -999_999_999), moment(-6, 0)),
            (moment(7, 0), moment(7, 0)),
        ] {
            let id = store.create(document! { "at" => given })?.id;
            assert_eq!(store.read(&id)?.map(|r| r.record), Some(document! { "at" => kept }), "{given}");
            store.patch(&id, Changes::set("at", given))?;
            assert_eq!(store.read(&id)?.map(|r| r.record), Some(document! { "at" => kept }), "{given} in a patch");
        }
    }
    Ok(())
}

/// Half a microsecond equals nothing, and lies between its neighbours; so do literals outside a field's range.
pub fn semantics_2_4_literals_are_not_cut<D: Database>(suite: &Suite<D>) -> Result<()> {
    let schema = Schema::new("mixed")
        .field(FieldDef::new("at", Type::Timestamp))
        .field(FieldDef::new("small", Type::I8))
        .field(FieldDef::new("single", Type::F32));
    let store = suite.store(schema)?;
    store.create(document! { "at" => moment(1, 1_000), "small" => 127, "single" => 0.1_f32 })?;
    let half = moment(1, 1_500);
    let truths = [
        (Filter::eq("at", half), false),
        (Filter::ge("at", half), false),
        (Filter::gt("at", half), false),
        (Filter::le("at", half), true),
        (Filter::lt("at", half), true),
        (Filter::is_in("at", [half]), false),
        (Filter::between("at", moment(1, 999), half), true),
        (Filter::lt("small", 128), true),
        (Filter::ge("small", 128), false),
        (Filter::eq("small", 383), false),
        (Filter::gt("small", -1_000_000_000_000_i64), true),
        (Filter::lt("small", 127.5), true),
        (Filter::eq("small", 127.0), true),
        (Filter::eq("single", 0.1_f32), true),
        (Filter::eq("single", 0.1_f64), false),
        (Filter::lt("single", 1e300), true),
    ];
    for (filter, truth) in truths {
        let found = store.count(filter.clone().bind::<Document>(store.schema())?)?;
        assert_eq!(found == 1, truth, "{filter:?}");
    }
    Ok(())
}

/// At the top, in a list, in a nested record, in a vector; the error names the field.
pub fn semantics_2_5_nan_and_infinities_are_refused_with_their_field<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.open_store()?;
    let id = store.create(document! { "v" => 1.0 })?.id;
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let shapes = [
            Value::Float(bad),
            Value::List(vec![Value::Float(1.0), Value::Float(bad)]),
            Value::Record(document! { "x" => bad }),
            Value::Vector(vec![bad as f32]),
        ];
        for value in shapes {
            let refusal = store.create(document! { "v" => value.clone() });
            let field = refusal.as_ref().err().and_then(|e| e.place().field.clone()).unwrap_or_default();
            assert!(field.starts_with('v'), "{value:?} was refused without its field: {refusal:?}");
            refused(refusal, ErrorKind::Invalid, &value);
            refused(store.upsert(&id, document! { "v" => value.clone() }), ErrorKind::Invalid, &value);
            refused(store.patch(&id, Changes::set("v", value.clone())), ErrorKind::Invalid, &value);
        }
    }
    refused(
        store.patch(&id, Changes::set("v", f64::MAX).and(Changes::add("v", f64::MAX))),
        ErrorKind::Invalid,
        "a sum",
    );
    assert_eq!(store.read(&id)?.map(|r| r.record), Some(document! { "v" => 1.0 }));
    assert_eq!(store.count(Query::new())?, 1);
    Ok(())
}

/// -0.0 is written as 0.0, equals it and sorts with it.
pub fn semantics_2_5_minus_zero_is_zero<D: Database>(suite: &Suite<D>) -> Result<()> {
    for store in [suite.people()?, suite.open_store()?] {
        for (id, zero) in [("1", 0.0), ("2", -0.0), ("3", 0.0)] {
            store.create(Draft::of(document! { "name" => id, "score" => zero }).id(id)?)?;
        }
        for row in store.search(Query::new())? {
            let sign = row.record["score"].as_float().map(f64::is_sign_positive);
            assert_eq!(sign, Some(true), "{row:?}");
        }
        for literal in [0.0, -0.0] {
            assert_eq!(matching(&store, Filter::eq("score", literal), "name")?.len(), 3);
            assert_eq!(matching(&store, Filter::is_in("score", [literal]), "name")?.len(), 3);
            assert_eq!(matching(&store, Filter::lt("score", literal), "name")?.len(), 0);
        }
        assert_eq!(texts(&store, Query::new().sort(Key::asc("score")), "name")?, ["1", "2", "3"], "they tie");
    }
    Ok(())
}

/// Composed and decomposed forms differ.
pub fn semantics_2_6_text_is_never_normalised<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.people()?;
    let forms = ["é", "e\u{301}", "ﬁ", "fi", "Å", "\u{212b}", "ß", "ss", "İ", "i"];
    for name in forms {
        store.create(document! { "name" => name })?;
    }
    for name in forms {
        assert_eq!(matching(&store, Filter::eq("name", name), "name")?, [name]);
        assert_eq!(matching(&store, Filter::like("name", name, false), "name")?, [name]);
    }
    assert_eq!(matching(&store, Filter::like("name", "É", true), "name")?, [""; 0], "ilike folds ASCII letters only");
    Ok(())
}

/// In text, in lists, in JSON, in names.
pub fn semantics_2_6_the_character_zero_is_refused<D: Database>(suite: &Suite<D>) -> Result<()> {
    let store = suite.open_store()?;
    let id = store.create(document! { "v" => "fine" })?.id;
    let bad = [
        document! { "v" => "\0" },
        document! { "v" => "a\0b" },
        document! { "v" => Value::List(values(["fine", "a\0"])) },
        document! { "v" => document! { "x" => "a\0" } },
        document! { "v" => json!({ "x": ["a\0"] }) },
        document! { "v" => json!({ "a\0": 1 }) },
        document! { "a\0" => 1 },
    ];
    for document in bad {
        refused(store.create(&document), ErrorKind::Invalid, &document);
        refused(store.update(&id, &document), ErrorKind::Invalid, &document);
    }
    assert_eq!(store.read(&id)?.map(|r| r.record), Some(document! { "v" => "fine" }));
    // In a predicate it is a text that no record has.
    assert_eq!(store.count(Filter::eq("v", "fine\0").bind::<Document>(store.schema())?)?, 0);
    Ok(())
}

/// And compared so: neither by UTF-16 units, nor as a language sorts.
pub fn semantics_2_7_text_sorts_by_bytes<D: Database>(suite: &Suite<D>) -> Result<()> {
    let mut names = [
        "a",
        "A",
        "b",
        "B",
        "Z",
        "z",
        "aa",
        "a b",
        "a-b",
        "ab",
        "ä",
        "é",
        "zz",
        "10",
        "9",
        "\u{ffff}",
        "\u{10000}",
        "",
    ];
    for store in [suite.people()?, suite.open_store()?] {
        for name in names.iter().rev() {
            store.create(document! { "name" => *name })?;
        }
        names.sort_unstable();
        assert_eq!(texts(&store, Query::new().sort(Key::asc("name")), "name")?, names);
        for (place, name) in names.iter().enumerate() {
            assert_eq!(matching(&store, Filter::lt("name", *name), "name")?, names[..place]);
            assert_eq!(matching(&store, Filter::ge("name", *name), "name")?, names[place..]);
        }
    }
    Ok(())
}

/// 32,766 bytes; 2,048 where it is indexed or unique; more where it is declared large, and then without comparisons.
pub fn semantics_2_8_text_has_limits<D: Database>(suite: &Suite<D>) -> Result<()> {
    let plain = FieldDef::new("v", Type::Text);
    for (field, limit) in [(plain.clone(), 32_766), (plain.clone().indexed(), 2_048), (plain.clone().unique(), 2_048)] {
        let store = suite.store(Schema::new("texts").field(field))?;
        let fits = document! { "v" => "é".repeat(limit / 2) };
        let id = store.create(&fits)?.id;
        assert_eq!(store.read(id)?.map(|r| r.record), Some(fits));
        refused(store.create(document! { "v" => "x".repeat(limit + 1) }), ErrorKind::Invalid, limit);
        refused(store.create(document! { "v" => format!("x{}", "é".repeat(limit / 2)) }), ErrorKind::Invalid, limit);
    }
    let store = suite.store(Schema::new("texts").field(plain.large()))?;
    let long = document! { "v" => "é\n".repeat(100_000) };
    let id = store.create(&long)?.id;
    assert_eq!(store.read(id)?.map(|r| r.record), Some(long));
    refused(Filter::eq("v", "x").bind::<Document>(store.schema()), ErrorKind::Query, "a comparison of large text");
    refused(store.search(Query::new().sort(Key::asc("v"))), ErrorKind::Query, "a sort by large text");
    assert_eq!(store.count(Filter::is_null("v").not().bind::<Document>(store.schema())?)?, 1);
    Ok(())
}

/// 2^53 and 2^53 + 1 differ, as field and as literal.
pub fn semantics_2_9_integers_compare_with_floats_exactly<D: Database>(suite: &Suite<D>) -> Result<()> {
    let two53 = 1_i64 << 53;
    for store in [suite.people()?, suite.open_store()?] {
        for age in [two53 - 1, two53, two53 + 1, i64::MAX] {
            store.create(document! { "name" => age.to_string(), "age" => age })?;
        }
        let [below, at, above, most] = [two53 - 1, two53, two53 + 1, i64::MAX].map(|n| n.to_string());
        assert_eq!(matching(&store, Filter::eq("age", two53 as f64), "name")?, [at.as_str()]);
        assert_eq!(matching(&store, Filter::eq("age", i64::MAX as f64), "name")?, [""; 0]);
        assert_eq!(matching(&store, Filter::lt("age", i64::MAX as f64), "name")?.len(), 4);
        assert_eq!(matching(&store, Filter::gt("age", two53 as f64), "name")?, [above.as_str(), most.as_str()]);
        assert_eq!(matching(&store, Filter::is_in("age", [two53 + 1]), "name")?, [above.as_str()]);
        assert_eq!(matching(&store, Filter::lt("age", two53), "name")?, [below]);
    }
    Ok(())
}
