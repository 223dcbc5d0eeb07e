//! The JSON form of a [`Filter`]: for configs, stored queries and other programs.
//!
//! Every filter is an object with one field, the operator:
//!
//! | JSON | means |
//! |---|---|
//! | `{"eq": ["age", 18]}`, also `ne`, `gt`, `gte` or `ge`, `lt`, `lte` or `le` | a comparison |
//! | `{"between": ["age", 1, 2]}`, `{"not_between": ..}` | both ends included |
//! | `{"in": ["city", ["Oslo"]]}`, `{"not_in": ..}` | one of a list |
//! | `{"like": ["name", "A%"]}`, `ilike`, `starts_with`, `ends_with`, `contains`, `matches`, `search`, each also with `not_` | text, lists |
//! | `{"is_null": "nick"}`, `{"not_null": "nick"}`, `{"is_empty": "tags"}`, `{"not_empty": "tags"}` | null, empty |
//! | `{"and": [..]}`, `{"or": [..]}`, `{"not": {..}}` | logic; `{"and": []}` is true, `{"or": []}` false |
//!
//! A field is a path as in the [text form](crate::query::text), or `len(path)`. A value is the JSON of a
//! [`Value`](crate::Value), with tags for what JSON lacks: `{"$uuid": ".."}`. Complements are true of null (semantics 3.3).
//! What is written here uses the operators without `not_`, inside `not`.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
    ser::SerializeMap,
};

use crate::{
    error::{Error, Result},
    query::filter::{Filter, MAX_DEPTH, Node, Op, Operand},
    record::target::nearest,
    value::Value,
};

/// The operators, for the hint.
const OPERATORS: [&str; 32] = [
    "eq",
    "ne",
    "gt",
    "gte",
    "ge",
    "lt",
    "lte",
    "le",
    "between",
    "not_between",
    "in",
    "not_in",
    "like",
    "not_like",
    "ilike",
    "not_ilike",
    "starts_with",
    "not_starts_with",
    "ends_with",
    "not_ends_with",
    "contains",
    "not_contains",
    "matches",
    "not_matches",
    "search",
    "not_search",
    "is_null",
    "not_null",
    "is_empty",
    "not_empty",
    "and",
    "or",
];

/// The most brackets inside each other that [`Filter::from_json`] reads: two for each level, and what a value may have.
const MAX_BRACKETS: usize = 2 * MAX_DEPTH + 64;

impl Filter {
    /// Reads the JSON form. Reads every filter of up to [`MAX_DEPTH`] levels, where `serde_json::from_str` stops at 128
    /// brackets inside each other.
    ///
    /// ```
    /// use dk_data::Filter;
    /// let filter = Filter::from_json(r#"{"and": [{"gte": ["age", 18]}, {"not": {"in": ["home.city", ["Oslo"]]}}]}"#)?;
    /// assert_eq!(filter.to_string(), r#"age >= 18 and home.city not in ("Oslo")"#);
    /// # Ok::<(), dk_data::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Query`, with line and column, for what is no filter: an unknown operator is answered with the nearest one.
    pub fn from_json(json: &str) -> Result<Filter> {
        if brackets(json) > MAX_BRACKETS {
            return Err(Error::query(format!("the filter nests deeper than {MAX_DEPTH} levels")));
        }
        let mut from = serde_json::Deserializer::from_str(json);
        // The depth was looked at above, and is small.
        from.disable_recursion_limit();
        let filter = Filter::deserialize(&mut from).and_then(|filter| from.end().map(|()| filter));
        filter.map_err(|cause| {
            let (line, column) = (cause.line() as u64, cause.column() as u64);
            Error::query(format!("not the JSON of a filter: {cause}")).at_line(line, Some(column)).caused_by(cause)
        })
    }
}

/// How many brackets are open inside each other at most.
fn brackets(json: &str) -> usize {
    let (mut open, mut most, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b'{' | b'[') => {
                open += 1;
                most = most.max(open);
            }
            (false, b'}' | b']') => open = open.saturating_sub(1),
            _ => {}
        }
    }
    most
}

impl Serialize for Operand {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Operand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        match self.node() {
            Node::Compare(operand, op, value) => map.serialize_entry(op_name(*op), &(operand, value))?,
            Node::Between(operand, low, high) => map.serialize_entry("between", &(operand, low, high))?,
            Node::In(operand, list) => map.serialize_entry("in", &(operand, list))?,
            Node::Like(operand, text, false) => map.serialize_entry("like", &(operand, text))?,
            Node::Like(operand, text, true) => map.serialize_entry("ilike", &(operand, text))?,
            Node::StartsWith(operand, text) => map.serialize_entry("starts_with", &(operand, text))?,
            Node::EndsWith(operand, text) => map.serialize_entry("ends_with", &(operand, text))?,
            Node::Contains(operand, value) => map.serialize_entry("contains", &(operand, value))?,
            Node::Matches(operand, text) => map.serialize_entry("matches", &(operand, text))?,
            Node::Search(operand, text) => map.serialize_entry("search", &(operand, text))?,
            Node::IsNull(operand) => map.serialize_entry("is_null", operand)?,
            Node::And(list) => map.serialize_entry("and", list)?,
            Node::Or(list) => map.serialize_entry("or", list)?,
            Node::Not(inner) => map.serialize_entry("not", inner)?,
            Node::TooDeep => return Err(serde::ser::Error::custom(too_deep())),
        }
        map.end()
    }
}

fn op_name(op: Op) -> &'static str {
    match op {
        Op::Eq => "eq",
        Op::Gt => "gt",
        Op::Ge => "gte",
        Op::Lt => "lt",
        Op::Le => "lte",
    }
}

fn too_deep() -> String {
    format!("the filter nests deeper than {MAX_DEPTH} levels")
}

impl<'de> Deserialize<'de> for Filter {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OneOperator)
    }
}

struct OneOperator;

impl<'de> Visitor<'de> for OneOperator {
    type Value = Filter;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with one operator, such as {\"eq\": [\"age\", 18]}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Filter, A::Error> {
        let Some(operator) = map.next_key::<String>()? else {
            return Err(A::Error::custom("an object without an operator; `{\"and\": []}` is true of everything"));
        };
        let filter = match operator.as_str() {
            "and" => Filter::and(map.next_value()?),
            "or" => Filter::or(map.next_value()?),
            "not" => map.next_value::<Filter>()?.not(),
            operator => test(operator, &mut map)?,
        };
        match (filter.node(), map.next_key::<String>()?) {
            (_, Some(second)) => {
                Err(A::Error::custom(format!("two operators in one object, `{operator}` and `{second}`; use `and`")))
            }
            (Node::TooDeep, None) => Err(A::Error::custom(too_deep())),
            _ => Ok(filter),
        }
    }
}

/// Everything but logic.
fn test<'de, A: MapAccess<'de>>(operator: &str, map: &mut A) -> Result<Filter, A::Error> {
    if !OPERATORS.contains(&operator) {
        return Err(unknown(operator));
    }
    if let Some(positive) = operator.strip_prefix("not_").filter(|rest| !matches!(*rest, "null" | "empty")) {
        return test(positive, map).map(Filter::not);
    }
    match operator {
        "ne" => test("eq", map).map(Filter::not),
        "between" => {
            let (operand, low, high): (Operand, Value, Value) = map.next_value()?;
            Ok(Filter::between(operand, low, high))
        }
        "in" => {
            let (operand, list): (Operand, Vec<Value>) = map.next_value()?;
            Ok(Filter::is_in(operand, list))
        }
        "is_null" => map.next_value::<Operand>().map(Filter::is_null),
        "not_null" => map.next_value::<Operand>().map(|operand| Filter::is_null(operand).not()),
        "is_empty" => empty(map),
        "not_empty" => empty(map).map(Filter::not),
        "like" | "ilike" | "starts_with" | "ends_with" | "matches" | "search" => text_test(operator, map),
        _ => value_test(operator, map),
    }
}

fn empty<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Filter, A::Error> {
    match map.next_value()? {
        Operand::Field(path) => Ok(Filter::eq(Operand::Len(path), 0)),
        Operand::Len(_) => Err(A::Error::custom("a length is not empty; name the list itself")),
    }
}

fn text_test<'de, A: MapAccess<'de>>(operator: &str, map: &mut A) -> Result<Filter, A::Error> {
    let (operand, text): (Operand, String) = map.next_value()?;
    Ok(match operator {
        "like" => Filter::like(operand, text, false),
        "ilike" => Filter::like(operand, text, true),
        "starts_with" => Filter::starts_with(operand, text),
        "ends_with" => Filter::ends_with(operand, text),
        "search" => Filter::search(operand, text),
        _ => Filter::matches(operand, text),
    })
}

fn value_test<'de, A: MapAccess<'de>>(operator: &str, map: &mut A) -> Result<Filter, A::Error> {
    let (operand, value): (Operand, Value) = map.next_value()?;
    Ok(match operator {
        "eq" => Filter::eq(operand, value),
        "gt" => Filter::gt(operand, value),
        "ge" | "gte" => Filter::ge(operand, value),
        "lt" => Filter::lt(operand, value),
        "le" | "lte" => Filter::le(operand, value),
        _ => Filter::contains(operand, value),
    })
}

fn unknown<E: serde::de::Error>(operator: &str) -> E {
    let known = OPERATORS.into_iter().chain(["not"]);
    let hint = nearest(operator, known).map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    E::custom(format!("`{operator}` is no operator of a filter{hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(json: &str) -> String {
        Filter::from_json(json).map(|f| f.to_string()).map_or_else(|e| e.to_string(), |f| format!("read as {f}"))
    }

    #[test]
    fn every_operator_reads_and_prints() {
        for (json, text) in [
            (r#"{"eq": ["age", 18]}"#, "age = 18"),
            (r#"{"ne": ["age", 18]}"#, "age != 18"),
            (r#"{"gte": ["age", 1.5]}"#, "age >= 1.5"),
            (r#"{"ge": ["age", -1]}"#, "age >= -1"),
            (r#"{"le": ["age", -1]}"#, "age <= -1"),
            (r#"{"lt": ["a.b", true]}"#, "a.b < true"),
            (r#"{"gt": ["\"a.b\".c", {"$date": "2026-01-31"}]}"#, "\"a.b\".c > date(\"2026-01-31\")"),
            (r#"{"eq": ["len(tags)", 2]}"#, "len(tags) = 2"),
            (r#"{"between": ["age", 1, 2]}"#, "age between 1 and 2"),
            (r#"{"not_between": ["age", 1, 2]}"#, "age not between 1 and 2"),
            (r#"{"in": ["city", ["Oslo"]]}"#, "city in (\"Oslo\")"),
            (r#"{"not_in": ["city", []]}"#, "city not in ()"),
            (r#"{"like": ["name", "A%"]}"#, "name like \"A%\""),
            (r#"{"not_ilike": ["name", "A%"]}"#, "name not ilike \"A%\""),
            (r#"{"starts_with": ["name", "A"]}"#, "name starts with \"A\""),
            (r#"{"not_ends_with": ["name", "A"]}"#, "name not ends with \"A\""),
            (r#"{"contains": ["tags", 1]}"#, "tags contains 1"),
            (r#"{"matches": ["name", "^A"]}"#, "name matches \"^A\""),
            (r#"{"not_search": ["name", "ann"]}"#, "name not search \"ann\""),
            (r#"{"is_null": "nick"}"#, "nick is null"),
            (r#"{"not_null": "nick"}"#, "nick is not null"),
            (r#"{"is_empty": "tags"}"#, "len(tags) = 0"),
            (r#"{"not_empty": "tags"}"#, "len(tags) != 0"),
            (r#"{"and": []}"#, "all"),
            (r#"{"or": []}"#, "none"),
            (
                r#"{"or": [{"eq": ["a", 1]}, {"not": {"and": [{"eq": ["b", 1]}, {"gt": ["c", 1]}]}}]}"#,
                "a = 1 or not (b = 1 and c > 1)",
            ),
        ] {
            assert_eq!(error(json), format!("read as {text}"), "{json}");
        }
    }

    #[test]
    fn a_wrong_operator_is_answered_with_the_nearest() {
        assert!(error(r#"{"betwen": ["a", 1, 2]}"#).contains("did you mean `between`?"));
        assert!(error(r#"{"eq": ["a", 1], "gt": ["a", 1]}"#).contains("two operators"));
        assert!(error(r#"{"and": [], "and": []}"#).contains("two operators"));
        assert!(error("{}").contains("without an operator"));
        assert!(error(r#"{"eq": ["a b", 1]}"#).contains("column 3"));
        assert!(error(r#"{"eq": ["a"]}"#).contains("not the JSON of a filter"));
        assert!(error("[]").contains("an object with one operator"));
        assert!(error(r#"{"eq": ["a", 1]} x"#).contains("trailing"));
    }

    #[test]
    fn two_hundred_levels_are_read_and_ten_thousand_refused() {
        let nested = |levels: usize, inner: &str| -> String {
            let open = (0..levels).map(|i| if i % 2 == 0 { r#"{"and": [{"eq": ["b", 1]}, "# } else { r#"{"not": "# });
            let close = (0..levels).rev().map(|i| if i % 2 == 0 { "]}" } else { "}" });
            open.chain([inner]).chain(close).collect()
        };
        let at_limit = Filter::from_json(&nested(MAX_DEPTH - 1, r#"{"eq": ["a", 1]}"#)).expect("200 levels");
        assert_eq!(at_limit.depth(), MAX_DEPTH);
        let again = Filter::from_json(&serde_json::to_string(&at_limit).expect("it serializes"));
        assert_eq!(again.expect("200 levels"), at_limit);
        for levels in [MAX_DEPTH, 300, 10_000] {
            let json = nested(levels, r#"{"eq": ["a", 1]}"#);
            assert!(Filter::from_json(&json).is_err(), "{levels} levels");
            assert!(serde_json::from_str::<Filter>(&json).is_err(), "{levels} levels");
        }
        assert!(Filter::from_json(&format!("{}{}", r#"{"eq": ["a", "#, "[".repeat(100_000))).is_err());
    }
}
