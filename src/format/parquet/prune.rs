//! What statistics and bloom filters rule out: parts of a file in which a predicate is true of no row, or of every one.
//!
//! Both answers are kept, so that `not` is exact: it swaps them. What is not known is neither. Minimum and maximum may be
//! truncated, which makes them bounds and nothing more; nulls are counted apart; NaN is in no statistics of floats, so that a
//! comparison of floats is never taken to hold of every row (semantics 3.11).

use std::cmp::Ordering;

use super::mask::column_of_leaf;
use crate::{
    query::{
        bound::{Column, Test},
        filter::Op,
    },
    value::{Value, ValueRef},
};

/// What is known of a predicate in a part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// True of no row.
    pub(super) none: bool,
    /// True of every row.
    pub(super) all: bool,
}

const UNKNOWN: Answer = Answer { none: false, all: false };
const NONE: Answer = Answer { none: true, all: false };
const ALL: Answer = Answer { none: false, all: true };

impl Answer {
    fn not(self) -> Answer {
        Answer { none: self.all, all: self.none }
    }
}

/// What is known of the values of one column in a part of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Span {
    /// No value is below it.
    pub(super) min: Option<Value>,
    /// No value is above it.
    pub(super) max: Option<Value>,
    /// How many are null; `None` where that is not known.
    pub(super) nulls: Option<u64>,
    /// How many rows there are.
    pub(super) rows: u64,
}

/// Something that knows about parts of columns.
pub(super) trait Knows {
    /// What is known of the column in a slot.
    fn span(&self, slot: usize) -> Option<Span>;
    /// Whether a value is certainly not in the column of a slot: what bloom filters tell.
    fn lacks(&self, slot: usize, value: &Value) -> bool;
}

/// What is known of a predicate where `knows` looks.
pub(super) fn answer<K: Knows>(test: &Test, knows: &K) -> Answer {
    match test {
        Test::And(list) => every(list, knows),
        Test::Or(list) => any(list, knows),
        Test::Nor(list) => any(list, knows).not(),
        leaf => leaf_answer(leaf, knows),
    }
}

fn every<K: Knows>(list: &[Test], knows: &K) -> Answer {
    let mut all = ALL;
    for test in list {
        let one = answer(test, knows);
        if one.none {
            return NONE;
        }
        all.all &= one.all;
    }
    all
}

fn any<K: Knows>(list: &[Test], knows: &K) -> Answer {
    let mut any = NONE;
    for test in list {
        let one = answer(test, knows);
        if one.all {
            return ALL;
        }
        any.none &= one.none;
    }
    any
}

fn leaf_answer<K: Knows>(leaf: &Test, knows: &K) -> Answer {
    let Some(column) = column_of_leaf(leaf).filter(|column| !column.len) else { return UNKNOWN };
    let Some(span) = knows.span(column.slot) else { return UNKNOWN };
    let is_null = matches!(leaf, Test::IsNull(_));
    match span.nulls {
        Some(nulls) if nulls >= span.rows => return if is_null { ALL } else { NONE },
        Some(0) if is_null => return NONE,
        _ if is_null => return UNKNOWN,
        _ => {}
    }
    let found = within(leaf, column, &span);
    // A null is no match, so only a part without nulls can match as a whole.
    let found = Answer { all: found.all && span.nulls == Some(0), ..found };
    if found.none || !absent(leaf, column, knows) { found } else { NONE }
}

/// Whether bloom filters rule the literals out.
fn absent<K: Knows>(leaf: &Test, column: Column, knows: &K) -> bool {
    /// Reading a filter and asking it for this many values costs less than a page.
    const LITERALS_MAX: usize = 64;
    match leaf {
        Test::Compare(_, Op::Eq, value) => knows.lacks(column.slot, value),
        Test::In(_, list) if list.wholes.is_empty() && list.sorted.len() <= LITERALS_MAX => {
            list.sorted.iter().all(|value| knows.lacks(column.slot, value))
        }
        _ => false,
    }
}

/// How a literal lies to the least and the greatest value.
struct Sides {
    min: Option<Ordering>,
    max: Option<Ordering>,
}

impl Sides {
    fn of(column: Column, span: &Span, literal: &Value) -> Sides {
        let side = |bound: &Option<Value>| column.compare(&bound.as_ref()?.as_ref(), literal);
        Sides { min: side(&span.min), max: side(&span.max) }
    }
    fn min_is(&self, test: fn(Ordering) -> bool) -> bool {
        self.min.is_some_and(test)
    }
    fn max_is(&self, test: fn(Ordering) -> bool) -> bool {
        self.max.is_some_and(test)
    }
    fn is_outside(&self) -> bool {
        self.min_is(Ordering::is_gt) || self.max_is(Ordering::is_lt)
    }
}

/// What the bounds say, of the values that are not null.
fn within(leaf: &Test, column: Column, span: &Span) -> Answer {
    let is_float = matches!(span.min, Some(Value::Float(_))) || matches!(span.max, Some(Value::Float(_)));
    let found = match leaf {
        Test::Compare(_, op, literal) => compared(*op, &Sides::of(column, span, literal)),
        Test::Between(_, low, high) => {
            let (low, high) = (Sides::of(column, span, low), Sides::of(column, span, high));
            let (from, to) = (compared(Op::Ge, &low), compared(Op::Le, &high));
            Answer { none: from.none || to.none, all: from.all && to.all }
        }
        Test::In(_, list) if list.wholes.is_empty() => {
            let none = list.sorted.iter().all(|literal| Sides::of(column, span, literal).is_outside());
            Answer { none, all: false }
        }
        Test::StartsWith(_, prefix) => prefixed(prefix, span),
        Test::Like(_, pattern) => Answer { all: false, ..prefixed(pattern.literal_prefix(), span) },
        _ => UNKNOWN,
    };
    Answer { all: found.all && !is_float, ..found }
}

fn compared(op: Op, sides: &Sides) -> Answer {
    match op {
        Op::Eq => {
            Answer { none: sides.is_outside(), all: sides.min_is(Ordering::is_eq) && sides.max_is(Ordering::is_eq) }
        }
        Op::Gt => Answer { none: sides.max_is(Ordering::is_le), all: sides.min_is(Ordering::is_gt) },
        Op::Ge => Answer { none: sides.max_is(Ordering::is_lt), all: sides.min_is(Ordering::is_ge) },
        Op::Lt => Answer { none: sides.min_is(Ordering::is_ge), all: sides.max_is(Ordering::is_lt) },
        Op::Le => Answer { none: sides.min_is(Ordering::is_gt), all: sides.max_is(Ordering::is_le) },
    }
}

/// Texts with a prefix lie together, from the prefix itself on.
fn prefixed(prefix: &str, span: &Span) -> Answer {
    let text = |bound: &Option<Value>| match bound.as_ref().map(Value::as_ref) {
        Some(ValueRef::Text(text)) => Some(text.into_owned()),
        _ => None,
    };
    let (min, max) = (text(&span.min), text(&span.max));
    let begins = |bound: &Option<String>| bound.as_ref().is_some_and(|text| text.starts_with(prefix));
    let above = min.as_ref().is_some_and(|min| min.as_bytes() > prefix.as_bytes() && !min.starts_with(prefix));
    let below = max.as_ref().is_some_and(|max| max.as_bytes() < prefix.as_bytes());
    Answer { none: above || below, all: begins(&min) && begins(&max) }
}
