//! [`Filter`]: a predicate as plain data. Backends translate it, `explain` prints it, the run-time world builds it.
//!
//! A filter is not tied to a schema; [`bind`](Filter::bind) checks it against one and makes it a predicate. It is kept
//! flat while it is built (and-of-and, or-of-or, double negation), and never nests deeper than [`MAX_DEPTH`], so that no
//! walk over it can overflow the stack (semantics 3.10).

use crate::{record::Path, value::Value};

/// The deepest nesting of a filter after flattening (semantics 3.10). What goes beyond is refused when it is bound.
pub const MAX_DEPTH: usize = 200;

/// A predicate as data.
///
/// ```
/// use dk_data::Filter;
/// let adults = Filter::ge("age", 18).and_also(Filter::is_in("city", ["Oslo", "Bergen"]));
/// assert_eq!(adults.depth(), 2);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    node: Node,
    depth: u16,
}

/// What a filter says at its top. New operators may come: match with a last arm that refuses what it does not know.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Node {
    /// A comparison with a value that is not null.
    Compare(Operand, Op, Value),
    /// From one value to another, both ends included.
    Between(Operand, Value, Value),
    /// One of these values.
    In(Operand, Vec<Value>),
    /// Like a pattern; ASCII letters of both cases alike where the flag is set (`ilike`).
    Like(Operand, String, bool),
    /// A text that begins with another.
    StartsWith(Operand, String),
    /// A text that ends with another.
    EndsWith(Operand, String),
    /// A text that holds another, or a list that holds an item.
    Contains(Operand, Value),
    /// Null or missing.
    IsNull(Operand),
    /// A regular expression that matches somewhere.
    Matches(Operand, String),
    /// Words that a text has, as people write them into a search box; only engines know which.
    Search(Operand, String),
    /// All of these; of none, true.
    And(Vec<Filter>),
    /// At least one of these; of none, false.
    Or(Vec<Filter>),
    /// The complement.
    Not(Box<Filter>),
    /// What was here nested deeper than [`MAX_DEPTH`] and was let go; it is refused when bound.
    TooDeep,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Equal.
    Eq,
    /// Greater.
    Gt,
    /// Greater or equal.
    Ge,
    /// Less.
    Lt,
    /// Less or equal.
    Le,
}

impl Op {
    /// Whether the relation holds of an ordering; never of two values that have none (semantics 3.2, 3.8).
    #[inline]
    pub fn holds(self, ordering: Option<std::cmp::Ordering>) -> bool {
        ordering.is_some_and(|o| match self {
            Op::Eq => o.is_eq(),
            Op::Gt => o.is_gt(),
            Op::Ge => o.is_ge(),
            Op::Lt => o.is_lt(),
            Op::Le => o.is_le(),
        })
    }
    /// `=`, `>`, `>=`, `<`, `<=`.
    pub fn symbol(self) -> &'static str {
        match self {
            Op::Eq => "=",
            Op::Gt => ">",
            Op::Ge => ">=",
            Op::Lt => "<",
            Op::Le => "<=",
        }
    }
}

/// What is compared: a field, or the length of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Operand {
    /// The value at a path; names that begin with `_` are parts of the envelope.
    Field(Path),
    /// The length of the list at a path.
    Len(Path),
}

impl Operand {
    /// The path.
    pub fn path(&self) -> &Path {
        match self {
            Operand::Field(path) | Operand::Len(path) => path,
        }
    }
}

impl From<Path> for Operand {
    fn from(path: Path) -> Operand {
        Operand::Field(path)
    }
}
impl From<&'static str> for Operand {
    /// One segment, taken as it is.
    fn from(name: &'static str) -> Operand {
        Operand::Field(Path::field(name))
    }
}

impl From<Node> for Filter {
    fn from(node: Node) -> Filter {
        let inner = match &node {
            Node::And(list) | Node::Or(list) => list.iter().map(|f| f.depth).max().unwrap_or(0),
            Node::Not(inner) => inner.depth,
            _ => 0,
        };
        Filter::around(node, inner)
    }
}

impl Filter {
    /// A node around filters that nest this deep at most.
    fn around(node: Node, inner: u16) -> Filter {
        match usize::from(inner) {
            MAX_DEPTH.. => Filter { node: Node::TooDeep, depth: 1 },
            _ => Filter { node, depth: inner + 1 },
        }
    }
}

/// Constructors: an operand is a field's name or a [`Path`], a value anything that is [`Into<Value>`].
impl Filter {
    /// True of every record.
    pub fn all() -> Filter {
        Node::And(Vec::new()).into()
    }
    /// True of no record.
    pub fn none() -> Filter {
        Node::Or(Vec::new()).into()
    }
    /// A comparison.
    pub fn compare(operand: impl Into<Operand>, op: Op, value: impl Into<Value>) -> Filter {
        Node::Compare(operand.into(), op, value.into()).into()
    }
    /// Equal.
    pub fn eq(operand: impl Into<Operand>, value: impl Into<Value>) -> Filter {
        Filter::compare(operand, Op::Eq, value)
    }
    /// Not equal; true of null (semantics 3.3).
    pub fn ne(operand: impl Into<Operand>, value: impl Into<Value>) -> Filter {
        Filter::eq(operand, value).not()
    }
    /// Greater.
    pub fn gt(operand: impl Into<Operand>, value: impl Into<Value>) -> Filter {
        Filter::compare(operand, Op::Gt, value)
    }
    /// Greater or equal.
    pub fn ge(operand: impl Into<Operand>, value: impl Into<Value>) -> Filter {
        Filter::compare(operand, Op::Ge, value)
    }
    /// Less.
    pub fn lt(operand: impl Into<Operand>, value: impl Into<Value>) -> Filter {
        Filter::compare(operand, Op::Lt, value)
    }
    /// Less or equal.
    pub fn le(operand: impl Into<Operand>, value: impl Into<Value>) -> Filter {
        Filter::compare(operand, Op::Le, value)
    }
    /// From one value to another, both included.
    pub fn between(operand: impl Into<Operand>, low: impl Into<Value>, high: impl Into<Value>) -> Filter {
        Node::Between(operand.into(), low.into(), high.into()).into()
    }
    /// One of these.
    pub fn is_in<V: Into<Value>>(operand: impl Into<Operand>, list: impl IntoIterator<Item = V>) -> Filter {
        Node::In(operand.into(), list.into_iter().map(Into::into).collect()).into()
    }
    /// Like a pattern; `fold` makes it `ilike`.
    pub fn like(operand: impl Into<Operand>, pattern: impl Into<String>, fold: bool) -> Filter {
        Node::Like(operand.into(), pattern.into(), fold).into()
    }
    /// A text that begins with another.
    pub fn starts_with(operand: impl Into<Operand>, prefix: impl Into<String>) -> Filter {
        Node::StartsWith(operand.into(), prefix.into()).into()
    }
    /// A text that ends with another.
    pub fn ends_with(operand: impl Into<Operand>, suffix: impl Into<String>) -> Filter {
        Node::EndsWith(operand.into(), suffix.into()).into()
    }
    /// A text that holds another, or a list that holds an item.
    pub fn contains(operand: impl Into<Operand>, part: impl Into<Value>) -> Filter {
        Node::Contains(operand.into(), part.into()).into()
    }
    /// Null or missing.
    pub fn is_null(operand: impl Into<Operand>) -> Filter {
        Node::IsNull(operand.into()).into()
    }
    /// A regular expression that matches somewhere in the text.
    pub fn matches(operand: impl Into<Operand>, pattern: impl Into<String>) -> Filter {
        Node::Matches(operand.into(), pattern.into()).into()
    }
    /// Words that a text has, as people write them into a search box: `quick "brown fox" -lazy or hound`.
    pub fn search(operand: impl Into<Operand>, words: impl Into<String>) -> Filter {
        Node::Search(operand.into(), words.into()).into()
    }
    /// All of these, flattened.
    pub fn and(list: Vec<Filter>) -> Filter {
        flat(list, |node| if let Node::And(inner) = node { Some(inner) } else { None }, Node::And)
    }
    /// At least one of these, flattened.
    pub fn or(list: Vec<Filter>) -> Filter {
        flat(list, |node| if let Node::Or(inner) = node { Some(inner) } else { None }, Node::Or)
    }
    /// The complement; of a complement, what was inside.
    #[allow(clippy::should_implement_trait, reason = "`!` is there too; this one can be named as a function")]
    pub fn not(self) -> Filter {
        match self.node {
            Node::Not(inner) => *inner,
            node => Node::Not(Box::new(Filter { node, depth: self.depth })).into(),
        }
    }
    /// This and that.
    #[must_use]
    pub fn and_also(self, other: Filter) -> Filter {
        Filter::and(vec![self, other])
    }
    /// This or that.
    #[must_use]
    pub fn or_else(self, other: Filter) -> Filter {
        Filter::or(vec![self, other])
    }
    /// What it says at its top.
    pub fn node(&self) -> &Node {
        &self.node
    }
    /// What it says at its top, owned.
    pub fn into_node(self) -> Node {
        self.node
    }
    /// How deep it nests; 1 for a comparison.
    pub fn depth(&self) -> usize {
        self.depth.into()
    }
    /// Whether it is true of every record, as it stands.
    pub fn is_all(&self) -> bool {
        matches!(&self.node, Node::And(list) if list.is_empty())
    }
}

impl std::ops::Not for Filter {
    type Output = Filter;
    fn not(self) -> Filter {
        Filter::not(self)
    }
}

/// One list out of nested ones of the same kind; a list of one is that one. What is in the first list is not looked at again, so
/// that a list can grow filter by filter.
fn flat(list: Vec<Filter>, inside: fn(&mut Node) -> Option<&mut Vec<Filter>>, wrap: fn(Vec<Filter>) -> Node) -> Filter {
    let mut parts = Vec::with_capacity(list.len());
    let mut deepest = 0;
    for mut filter in list {
        let depth = filter.depth;
        match inside(&mut filter.node) {
            Some(inner) => {
                deepest = deepest.max(depth - 1);
                match parts.is_empty() {
                    true => parts = std::mem::take(inner),
                    false => parts.append(inner),
                }
            }
            None => {
                deepest = deepest.max(depth);
                parts.push(filter);
            }
        }
    }
    match parts.len() {
        1 => parts.swap_remove(0),
        _ => Filter::around(wrap(parts), deepest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_stay_flat() {
        let [a, b, c] = ["a", "b", "c"].map(|n| Filter::eq(n, 1));
        let nested = a.clone().and_also(b.clone()).and_also(c.clone().not().not());
        assert_eq!(nested, Filter::and(vec![a.clone(), b, c]));
        assert_eq!(nested.depth(), 2);
        assert_eq!(Filter::all().and_also(a.clone()), a);
    }

    #[test]
    fn a_list_grows_filter_by_filter_in_the_time_that_its_length_asks() {
        let begun = std::time::Instant::now();
        for join in [Filter::and_also, Filter::or_else] {
            let grown = (0..200_000).fold(Filter::eq("a", 1).not(), |all, n| join(all, Filter::eq("a", n)));
            assert!(matches!(grown.node(), Node::And(list) | Node::Or(list) if list.len() == 200_001));
            assert_eq!(grown.depth(), 3);
        }
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }

    #[test]
    fn ten_thousand_levels_are_let_go_of() {
        let deep = (0..10_000).fold(Filter::eq("a", 1), |f, i| match i % 2 {
            0 => f.and_also(Filter::eq("b", i)).not(),
            _ => f.or_else(Filter::eq("b", i)),
        });
        assert!(deep.depth() <= MAX_DEPTH);
    }
}
