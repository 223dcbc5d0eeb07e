//! Tests of the text form: what is read, what is refused and where, and that printing and parsing are inverse.

use proptest::prelude::*;

use super::*;
use crate::{
    query::filter::{MAX_DEPTH, Node, Op},
    record::{Document, Path},
    value::Value,
};

fn parse(text: &str) -> Filter {
    text.parse().unwrap_or_else(|e: Error| panic!("{text}: {e}"))
}

fn refused(text: &str) -> (u64, String) {
    let error = text.parse::<Filter>().map(|f| panic!("{text} was read as {f}")).unwrap_or_else(|e| e);
    assert_eq!(error.kind(), crate::ErrorKind::Query);
    (error.place().column.unwrap_or(0), error.message().to_owned())
}

#[test]
fn every_form_is_read_and_printed() {
    for (text, printed) in [
        ("age==18", "age = 18"),
        ("age != 18", "age != 18"),
        ("age<>18", "age != 18"),
        ("not age = 18", "age != 18"),
        ("not not age = 18", "age = 18"),
        ("age>=-18", "age >= -18"),
        ("age < 1.5", "age < 1.5"),
        ("age <= 2e3", "age <= 2000.0"),
        ("age > -1.5e-7", "age > -1.5e-7"),
        ("age = 170141183460469231731687303715884105727", "age = 170141183460469231731687303715884105727"),
        ("on = TRUE", "on = true"),
        ("on = false", "on = false"),
        ("age between 1 and 2 and b = 1", "age between 1 and 2 and b = 1"),
        ("age NOT BETWEEN 1 AND 2", "age not between 1 and 2"),
        ("not age between 1 and 2", "age not between 1 and 2"),
        ("city in (\"Oslo\",'Bergen')", r#"city in ("Oslo", "Bergen")"#),
        ("city in()", "city in ()"),
        ("city not in (1)", "city not in (1)"),
        ("name like 'A%'", r#"name like "A%""#),
        ("name not like 'A%'", r#"name not like "A%""#),
        ("name ilike 'A%' or name not ilike 'b'", r#"name ilike "A%" or name not ilike "b""#),
        ("name starts with 'A'", r#"name starts with "A""#),
        ("name starts_with 'A'", r#"name starts with "A""#),
        ("name not ends   with 'A'", r#"name not ends with "A""#),
        ("name contains 'A' and tags contains 3", r#"name contains "A" and tags contains 3"#),
        (r#"body search 'quick "fox"'"#, r#"body search "quick \"fox\"""#),
        (r"name matches '^A\\d'", r#"name matches "^A\\d""#),
        ("nick is null or nick is not null", "nick is null or nick is not null"),
        ("not nick is null", "nick is not null"),
        ("tags is empty", "len(tags) = 0"),
        ("tags is not empty", "len(tags) != 0"),
        ("len ( tags ) >= 2", "len(tags) >= 2"),
        ("all", "all"),
        ("FALSE", "none"),
        ("not all", "not all"),
        ("true and a = 1", "a = 1"),
        ("none and a = 1", "none and a = 1"),
        ("a = 1 or b = 2 and c = 3", "a = 1 or b = 2 and c = 3"),
        ("(a = 1 or b = 2) and ((c = 3))", "(a = 1 or b = 2) and c = 3"),
        ("not (a = 1 or b = 2)", "not (a = 1 or b = 2)"),
        ("not a = 1 and b = 2", "a != 1 and b = 2"),
        ("not a > 1", "not a > 1"),
        (r#""a.b".c = "a.b""#, r#""a.b".c = "a.b""#),
        (r#"home."post.code" = 1"#, r#"home."post.code" = 1"#),
        (r#""not" = 1 and "Len".x is null"#, r#""not" = 1 and "Len".x is null"#),
        (
            "in in (1) and like like 'x' and between between 1 and 2",
            r#"in in (1) and like like "x" and between between 1 and 2"#,
        ),
        ("2020 = 1 and a-b = 1 and -x = 1", "2020 = 1 and a-b = 1 and -x = 1"),
        ("_metadata.source = 'csv'", r#"_metadata.source = "csv""#),
        (r#"t = "a\"b\\c\n\t\r\u{1F600}\u{0}é""#, "t = \"a\\\"b\\\\c\\n\\t\\r😀\\u{0}é\""),
        (r#"t = 'it\'s "so"'"#, r#"t = "it's \"so\"""#),
        ("t = timestamp('2026-01-31T10:00:00.0000005Z')", r#"t = timestamp("2026-01-31T10:00:00.0000005Z")"#),
        ("t = DATE('0001-01-01')", r#"t = date("0001-01-01")"#),
        ("t = uuid('00000000-0000-0000-0000-0000000000AB')", r#"t = uuid("00000000-0000-0000-0000-0000000000ab")"#),
        ("t = decimal('1.10')", r#"t = decimal("1.10")"#),
        ("t = bytes('AAH/')", r#"t = bytes("AAH/")"#),
        (r#"t = value("{\"$float\":\"NaN\"}")"#, r#"t = value("{\"$float\":\"NaN\"}")"#),
        ("t = value('[1, 2]')", r#"t = value("[1,2]")"#),
        ("  a\n=\t1 ", "a = 1"),
        ("größe = 1", "größe = 1"),
    ] {
        assert_eq!(parse(text).to_string(), printed, "{text}");
        assert_eq!(parse(printed).to_string(), printed, "{printed}");
    }
}

#[test]
fn what_is_wrong_is_named_where_it_stands() {
    for (text, column, words) in [
        ("", 1, "expected a field, but the filter ends here"),
        ("   ", 4, "ends here"),
        ("age", 4, "expected an operator"),
        ("age >", 6, "expected a value"),
        ("age > x", 7, "text is written in quotes"),
        ("age > date", 11, "expected `(`"),
        ("age > dat('x')", 7, "did you mean `date(\"..\")`?"),
        ("age = null", 7, "write `is null`"),
        ("age >= 18 and city lik 'O%'", 20, "did you mean `like`?"),
        ("age = 1 and", 12, "expected a field"),
        ("age = 1 and and b = 2", 13, "found `and`"),
        ("age = 1 b = 2", 9, "expected `and`, `or` or the end, found `b`"),
        ("age = 1)", 8, "found `)`"),
        ("(age = 1", 1, "the parenthesis that opens here is not closed"),
        ("(age = 1 b", 10, "expected `)`, found `b`"),
        ("age in 1", 8, "expected `(`"),
        ("age in (1 2)", 11, "expected `,` or `)`"),
        ("age in (1,)", 11, "expected a value"),
        ("age between 1, 2", 14, "the upper end of `between`"),
        ("age is 1", 8, "`null`, `empty`"),
        ("name starts 'A'", 13, "expected `with`"),
        ("name like 5", 11, "a text in quotes"),
        ("name = 'abc", 8, "the quote that opens here is not closed"),
        ("\"na me = 1", 1, "the quote that opens here is not closed"),
        (r"name = 'a\%'", 10, "a backslash itself is written twice"),
        (r"name = '\u{D800}'", 9, "no such escape"),
        ("ååå = 18abc", 7, "expected a number"),
        ("a = 1.", 5, "expected a number"),
        ("a = -", 5, "expected a number"),
        ("a = 1e", 5, "expected a number"),
        ("a = 1.2.3", 5, "expected a number"),
        ("a = 1e999", 5, "too large for a float"),
        ("a = 170141183460469231731687303715884105728", 5, "at most 128 bits"),
        ("a = date('2026-02-30')", 5, "not a date"),
        ("a. = 1", 3, "expected a field"),
        ("a ~ 1", 3, "found `~`"),
        ("len(tags = 1", 10, "expected `)`"),
        ("len = 1", 1, "written in quotes"),
        ("a => 1", 4, "expected a value"),
    ] {
        let (found, message) = refused(text);
        assert!(message.contains(words) && found == column, "{text}: column {found}: {message}");
    }
}

#[test]
fn nesting_and_length_are_limited() {
    let nested = |open: &str, levels: usize, close: &str| {
        format!("{}a > 1{}", open.repeat(levels), close.repeat(levels)).parse::<Filter>()
    };
    for (open, close) in [("(", ")"), ("not ", ""), ("not (", ")"), ("(b = 1 or (b = 2 and ", "))")] {
        assert!(nested(open, 50, close).is_ok(), "{open}");
        for levels in [201, 10_000, 100_000] {
            let error = nested(open, levels, close).err();
            assert!(error.is_some_and(|e| e.kind() == crate::ErrorKind::Query), "{open} {levels}");
        }
    }
    assert!(nested("(", MAX_DEPTH, ")").is_ok());
    let (column, message) = refused(&"(".repeat(10_000));
    assert!(message.contains("200 levels"), "{message}");
    assert_eq!(column, MAX_DEPTH as u64 + 1);
    assert!("a".repeat(MAX_BYTES + 1).parse::<Filter>().is_err());
    let long = format!("a in ({}1)", "1, ".repeat(100_000));
    assert!(matches!(parse(&long).node(), Node::In(_, list) if list.len() == 100_001));
}

#[test]
fn a_filter_at_the_depth_limit_survives_its_text() {
    let deep = (1..).scan(Filter::gt("a", 1), |f, i| {
        let next = match i % 3 {
            0 => f.clone().and_also(Filter::eq("b", i)),
            1 => f.clone().or_else(Filter::eq("b", i)),
            _ => f.clone().not(),
        };
        Some(std::mem::replace(f, next))
    });
    let deepest = deep.take_while(|f| *f.node() != Node::TooDeep).last().expect("the first is flat");
    assert!(deepest.depth() > MAX_DEPTH - 2);
    assert_eq!(deepest.to_string().parse().ok(), Some(deepest));
}

fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,4}",
        any::<String>().prop_map(|s| s.chars().take(6).collect()),
        prop::sample::select(vec!["not", "AND", "len", "true", "none", "is", "in", "1", "-1", "a.b", "\"", "\\", ""])
            .prop_map(str::to_owned),
    ]
}

fn operand() -> impl Strategy<Value = Operand> {
    (prop::collection::vec(segment(), 1..4), prop::bool::weighted(0.2)).prop_map(|(segments, len)| {
        let mut segments = segments.into_iter();
        let first = Path::field(segments.next().unwrap_or_default());
        let path = segments.fold(first, Path::then);
        if len { Operand::Len(path) } else { Operand::Field(path) }
    })
}

pub(super) fn scalar() -> impl Strategy<Value = Value> {
    let moment = -62_000_000_000_000_000_000_i128..253_000_000_000_000_000_000;
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i128>().prop_map(Value::Int),
        any::<i8>().prop_map(Value::from),
        any::<f64>().prop_filter("equal to itself", |v| !v.is_nan()).prop_map(Value::Float),
        (any::<i64>(), 0_u32..28).prop_map(|(n, scale)| Value::Decimal(rust_decimal::Decimal::new(n, scale))),
        any::<String>().prop_map(Value::Text),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::Bytes),
        any::<u128>().prop_map(|v| Value::Uuid(uuid::Uuid::from_u128(v))),
        moment.prop_map(|ns| Value::Timestamp(jiff::Timestamp::from_nanosecond(ns).unwrap_or_default())),
        (-9999_i16..=9999, 1_i8..=12, 1_i8..=28).prop_map(|(y, m, d)| Value::Date(jiff::civil::date(y, m, d))),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let whole = prop_oneof![
        Just(Value::Null),
        prop::collection::vec(-1e9_f32..1e9, 0..3).prop_map(Value::Vector),
        Just(Value::Json(serde_json::json!({"a": [1, "\"", null]}))),
        any::<String>().prop_map(|text| Value::Record(Document::from_iter([("a b", Value::Text(text))]))),
        prop::collection::vec(scalar(), 0..3).prop_map(Value::List),
    ];
    prop_oneof![5 => scalar(), 1 => whole]
}

/// Any filter that the constructors make.
pub(crate) fn filters() -> impl Strategy<Value = Filter> {
    let op = prop::sample::select(vec![Op::Eq, Op::Gt, Op::Ge, Op::Lt, Op::Le]);
    let leaf = prop_oneof![
        (operand(), op, value()).prop_map(|(o, op, v)| Filter::compare(o, op, v)),
        (operand(), value(), value()).prop_map(|(o, a, b)| Filter::between(o, a, b)),
        (operand(), prop::collection::vec(value(), 0..4)).prop_map(|(o, list)| Filter::is_in(o, list)),
        (operand(), any::<String>(), any::<bool>()).prop_map(|(o, t, fold)| Filter::like(o, t, fold)),
        (operand(), any::<String>()).prop_map(|(o, t)| Filter::starts_with(o, t)),
        (operand(), any::<String>()).prop_map(|(o, t)| Filter::ends_with(o, t)),
        (operand(), any::<String>()).prop_map(|(o, t)| Filter::matches(o, t)),
        (operand(), any::<String>()).prop_map(|(o, t)| Filter::search(o, t)),
        (operand(), value()).prop_map(|(o, v)| Filter::contains(o, v)),
        operand().prop_map(Filter::is_null),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![list.clone().prop_map(Filter::and), list.prop_map(Filter::or), inner.prop_map(Filter::not),]
    })
}

proptest! {
    #[test]
    fn printing_and_parsing_is_the_identity(filter in filters()) {
        let text = filter.to_string();
        let again = text.parse::<Filter>();
        prop_assert_eq!(again.map_err(|e| format!("{text}: {e}")), Ok(filter));
    }

    #[test]
    fn json_is_the_identity(filter in filters()) {
        let json = serde_json::to_string(&filter).expect("it serializes");
        prop_assert_eq!(Filter::from_json(&json).map_err(|e| format!("{json}: {e}")), Ok(filter));
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = text.parse::<Filter>();
        let _ = Filter::from_json(&text);
    }

    #[test]
    fn no_jumble_of_tokens_makes_it_panic(words in prop::collection::vec(prop::sample::select(vec![
        "a", "\"", "'", "(", ")", "and", "or", "not", "in", "between", "is", "null", "=", "<", ".", ",", "-", "1", "1e",
        "\\", "\\u{", "}", "len", "date", "like", "é", "\u{2028}", " ", "true", "value", "{", "[", "starts", "with",
    ]), 0..12), spaced in any::<bool>()) {
        let text = words.join(if spaced { " " } else { "" });
        if let Ok(filter) = text.parse::<Filter>() {
            prop_assert_eq!(filter.to_string().parse::<Filter>().ok(), Some(filter));
        }
    }
}
