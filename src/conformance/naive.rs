//! The semantics of predicates and order once more, written as plainly as can be: what the random tests hold stores against.
//!
//! It shares no code with the evaluators that it checks but the types of data: it walks documents by name, compares values
//! by a table of its own, and matches patterns by trying.

use std::cmp::Ordering;

use jiff::Timestamp;

use crate::{
    query::{Filter, Key, Node, Nulls, Op, Operand},
    record::{Document, Metadata, Path},
    value::Value,
};

/// A record with all that a query can ask of it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) document: Document,
    pub(super) metadata: Metadata,
}

impl Row {
    fn value(&self, operand: &Operand) -> Value {
        let found = self.at(operand.path());
        match (operand, found) {
            (Operand::Field(_), found) => found,
            (Operand::Len(_), Value::List(items)) => Value::Int(items.len() as i128),
            (Operand::Len(_), _) => Value::Null,
        }
    }
    fn at(&self, path: &Path) -> Value {
        match path.segments() {
            [id] if id == "_id" => Value::Text(self.id.clone()),
            [metadata, name] if metadata == "_metadata" => self.metadata.get(name).map_or(Value::Null, of_json),
            _ => self.document.at(path).cloned().unwrap_or_default(),
        }
    }
}

fn of_json(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::String(text) => Value::Text(text.clone()),
        json => json.as_i64().map_or(Value::Null, |n| Value::Int(n.into())),
    }
}

/// Semantics 3.
pub(super) fn holds(filter: &Filter, row: &Row) -> bool {
    let text = |operand: &Operand| match row.value(operand) {
        Value::Text(text) => Some(text),
        _ => None,
    };
    match filter.node() {
        Node::And(list) => list.iter().all(|f| holds(f, row)),
        Node::Or(list) => list.iter().any(|f| holds(f, row)),
        Node::Not(inner) => !holds(inner, row),
        Node::IsNull(operand) => row.value(operand).is_null(),
        Node::Compare(operand, op, literal) => related(&row.value(operand), *op, literal),
        Node::Between(operand, low, high) => {
            related(&row.value(operand), Op::Ge, low) && related(&row.value(operand), Op::Le, high)
        }
        Node::In(operand, list) => list.iter().any(|literal| related(&row.value(operand), Op::Eq, literal)),
        Node::Like(operand, pattern, fold) => text(operand).is_some_and(|text| like(&text, pattern, *fold)),
        Node::StartsWith(operand, part) => text(operand).is_some_and(|text| text.starts_with(part.as_str())),
        Node::EndsWith(operand, part) => text(operand).is_some_and(|text| text.ends_with(part.as_str())),
        Node::Contains(operand, part) => match (row.value(operand), part) {
            (Value::Text(text), Value::Text(part)) => text.contains(part.as_str()),
            (Value::List(items), part) => items.iter().any(|item| related(item, Op::Eq, part)),
            _ => false,
        },
        other => panic!("the random tests make no {other:?}"),
    }
}

fn related(value: &Value, op: Op, literal: &Value) -> bool {
    let Some(ordering) = compared(value, literal) else { return false };
    match op {
        Op::Eq => ordering == Ordering::Equal,
        Op::Gt => ordering == Ordering::Greater,
        Op::Ge => ordering != Ordering::Less,
        Op::Lt => ordering == Ordering::Less,
        Op::Le => ordering != Ordering::Greater,
    }
}

fn compared(a: &Value, b: &Value) -> Option<Ordering> {
    Some(match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b)?,
        (Value::Int(a), Value::Float(b)) => whole(*a, *b),
        (Value::Float(a), Value::Int(b)) => whole(*b, *a).reverse(),
        (Value::Decimal(a), Value::Decimal(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Uuid(a), Value::Uuid(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Timestamp(a), Value::Timestamp(b)) => nanoseconds(*a).cmp(&nanoseconds(*b)),
        (Value::Date(a), Value::Date(b)) => (a.year(), a.month(), a.day()).cmp(&(b.year(), b.month(), b.day())),
        _ => return None,
    })
}

/// An integer against a float: the whole parts first, then what is behind the point.
fn whole(int: i128, float: f64) -> Ordering {
    let behind = float - float.trunc();
    int.cmp(&(float.trunc() as i128)).then(0.0.partial_cmp(&behind).unwrap_or(Ordering::Equal))
}

fn nanoseconds(moment: Timestamp) -> i128 {
    moment.as_nanosecond()
}

/// By trying every run for every `%`; for short texts.
pub(super) fn like(text: &str, pattern: &str, fold: bool) -> bool {
    let folded = |c: char| if fold { c.to_ascii_lowercase() } else { c };
    let mut rest = pattern.chars();
    let behind = |text: &str| text.chars().next().map(|c| (c, text[c.len_utf8()..].to_owned()));
    match rest.next() {
        None => text.is_empty(),
        Some('%') => {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| like(&text[at..], rest.as_str(), fold))
        }
        Some('_') => behind(text).is_some_and(|(_, text)| like(&text, rest.as_str(), fold)),
        Some(c) => {
            let wanted = if c == '\\' { rest.next().unwrap_or(c) } else { c };
            behind(text).is_some_and(|(c, text)| folded(c) == folded(wanted) && like(&text, rest.as_str(), fold))
        }
    }
}

/// Semantics 4.1.
pub(super) fn order(keys: &[Key<Document>], a: &Row, b: &Row) -> Ordering {
    for key in keys {
        let (x, y) = (a.value(key.operand()), b.value(key.operand()));
        let by_key = placed(key, &x, &y);
        if by_key.is_ne() {
            return by_key;
        }
    }
    let by_id = a.id.as_bytes().cmp(b.id.as_bytes());
    if keys.last().is_some_and(|key| key.direction().descending) { by_id.reverse() } else { by_id }
}

fn placed(key: &Key<Document>, a: &Value, b: &Value) -> Ordering {
    let nulls_first = key.direction().nulls == Nulls::First;
    match (a.is_null(), b.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) if nulls_first => Ordering::Less,
        (true, false) => Ordering::Greater,
        (false, true) if nulls_first => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => {
            // Unlike kinds occur in metadata only: numbers before text.
            let rank = |value: &Value| u8::from(matches!(value, Value::Text(_)));
            let ascending = rank(a).cmp(&rank(b)).then(compared(a, b).unwrap_or(Ordering::Equal));
            if key.direction().descending { ascending.reverse() } else { ascending }
        }
    }
}
