//! A filter as text, with no more parentheses than it needs.

use std::fmt::{self, Display, Write};

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    query::{
        filter::{Filter, Node, Op, Operand},
        text::is_reserved,
    },
    record::Path,
    value::Value,
};

impl Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.node() {
            Node::And(list) if list.is_empty() => f.write_str("all"),
            Node::Or(list) if list.is_empty() => f.write_str("none"),
            Node::And(list) => joined(f, list, " and "),
            Node::Or(list) => joined(f, list, " or "),
            Node::Not(inner) => negated(f, inner),
            node => test(f, node, ""),
        }
    }
}

/// `and` binds tighter than `or`, and both looser than everything else; a list of one or none needs no sign of its own.
fn joined(f: &mut fmt::Formatter<'_>, list: &[Filter], between: &str) -> fmt::Result {
    let tight = between == " and ";
    for (i, part) in list.iter().enumerate() {
        f.write_str(if i > 0 { between } else { "" })?;
        match part.node() {
            Node::Or(inner) if tight && !inner.is_empty() => write!(f, "({part})")?,
            _ => write!(f, "{part}")?,
        }
    }
    Ok(())
}

fn negated(f: &mut fmt::Formatter<'_>, inner: &Filter) -> fmt::Result {
    match inner.node() {
        Node::Compare(operand, Op::Eq, value) => write!(f, "{operand} != {}", Literal(value)),
        Node::IsNull(operand) => write!(f, "{operand} is not null"),
        Node::And(list) | Node::Or(list) if !list.is_empty() => write!(f, "not ({inner})"),
        Node::And(_) | Node::Or(_) | Node::Not(_) | Node::Compare(..) => write!(f, "not {inner}"),
        node => test(f, node, "not "),
    }
}

fn test(f: &mut fmt::Formatter<'_>, node: &Node, not: &str) -> fmt::Result {
    match node {
        Node::Compare(operand, op, value) => write!(f, "{operand} {} {}", op.symbol(), Literal(value)),
        Node::Between(operand, low, high) => {
            write!(f, "{operand} {not}between {} and {}", Literal(low), Literal(high))
        }
        Node::In(operand, list) => {
            write!(f, "{operand} {not}in (")?;
            for (i, value) in list.iter().enumerate() {
                write!(f, "{}{}", if i > 0 { ", " } else { "" }, Literal(value))?;
            }
            f.write_str(")")
        }
        Node::Like(operand, text, false) => write!(f, "{operand} {not}like {}", Quoted(text)),
        Node::Like(operand, text, true) => write!(f, "{operand} {not}ilike {}", Quoted(text)),
        Node::StartsWith(operand, text) => write!(f, "{operand} {not}starts with {}", Quoted(text)),
        Node::EndsWith(operand, text) => write!(f, "{operand} {not}ends with {}", Quoted(text)),
        Node::Contains(operand, value) => write!(f, "{operand} {not}contains {}", Literal(value)),
        Node::Matches(operand, text) => write!(f, "{operand} {not}matches {}", Quoted(text)),
        Node::Search(operand, text) => write!(f, "{operand} {not}search {}", Quoted(text)),
        Node::IsNull(operand) => write!(f, "{operand} is null"),
        // Not in the grammar: a filter that is refused wherever it is used has no text that could be read again.
        Node::TooDeep => f.write_str("<nested too deep>"),
        Node::And(_) | Node::Or(_) | Node::Not(_) => Ok(()),
    }
}

impl Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Field(path) => field(f, path),
            Operand::Len(path) => {
                f.write_str("len(")?;
                field(f, path)?;
                f.write_str(")")
            }
        }
    }
}

/// A path, with quotes around a first segment that would be taken for a keyword.
fn field(f: &mut fmt::Formatter<'_>, path: &Path) -> fmt::Result {
    match path.first() {
        first if is_reserved(first) => {
            write!(f, "\"{first}\"")?;
            path.segments()[1..].iter().try_for_each(|s| write!(f, ".{}", Path::field(s.clone())))
        }
        _ => write!(f, "{path}"),
    }
}

struct Literal<'a>(&'a Value);

impl Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Bool(v) => write!(f, "{v}"),
            Value::Int(v) => write!(f, "{v}"),
            // The debug form always has a point or an exponent, so that it is not taken for an integer.
            Value::Float(v) if v.is_finite() => write!(f, "{v:?}"),
            Value::Text(text) => write!(f, "{}", Quoted(text)),
            Value::Timestamp(v) => write!(f, "timestamp(\"{v}\")"),
            Value::Date(v) => write!(f, "date(\"{v}\")"),
            Value::Uuid(v) => write!(f, "uuid(\"{v}\")"),
            Value::Decimal(v) => write!(f, "decimal(\"{v}\")"),
            Value::Bytes(v) => write!(f, "bytes(\"{}\")", BASE64_STANDARD.encode(v)),
            other => {
                let json = serde_json::to_string(other).map_err(|_| fmt::Error)?;
                write!(f, "value({})", Quoted(&json))
            }
        }
    }
}

struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_str("\"")
    }
}
