//! Filters as handles say them: static predicates of any shape, for the random tests.
//!
//! A random filter is turned into the predicate that a program would write with the handles of [`Chance`], built of the same
//! types; what no handle says, a float compared with an integer field, is left out.

use rust_decimal::Decimal;
use uuid::Uuid;

use crate::{
    Record,
    error::Result,
    query::{
        Filter, Operand, Predicate, RunsOn, Seen, Where,
        envelope::EnvelopeColumn,
        filter::{Node, Op},
        handle::{Column, Field, ListColumn, ListField},
        id,
        literal::Literal,
        meta,
        predicate::{AllOf, And, AnyOf, Not, Or},
        widen::Side,
    },
    record::{
        FieldDef,
        field_type::{Scalar, Text},
    },
    value::Value,
};

/// What random documents hold, as a type.
#[derive(Record, Clone, Debug)]
pub(super) struct Chance {
    f0: Option<bool>,
    f1: Option<i64>,
    f2: Option<u64>,
    f3: Option<f64>,
    f4: Option<Decimal>,
    f5: Option<String>,
    f6: Option<Vec<u8>>,
    f7: Option<Uuid>,
    f8: Option<jiff::Timestamp>,
    f9: Option<jiff::civil::Date>,
    f10: Option<i16>,
    f11: Option<f32>,
    f12: Option<Vec<String>>,
    inner: Option<Inside>,
}

/// The record inside.
#[derive(Record, Clone, Debug)]
pub(super) struct Inside {
    x: Option<i64>,
    t: Option<String>,
}

/// A predicate whose parts have the types that a program's own predicates have.
#[derive(Clone, Debug)]
pub(super) enum Static {
    Leaf(Leaf),
    And(Box<And<Static, Static>>),
    Or(Box<Or<Static, Static>>),
    AllOf(AllOf<Static>),
    AnyOf(AnyOf<Static>),
    Not(Box<Not<Static>>),
}

/// What one handle says. It is said anew whenever it is asked, because each handle's predicates have types of their own.
#[derive(Clone, Debug)]
pub(super) struct Leaf(Filter);

impl Static {
    /// The same as a filter; `None` where no handle can say it.
    pub(super) fn of(filter: &Filter) -> Option<Static> {
        let all = |list: &[Filter]| list.iter().map(Static::of).collect::<Option<Vec<_>>>();
        Some(match filter.node() {
            Node::Not(inner) => Static::Not(Box::new(Not(Static::of(inner)?))),
            Node::And(list) => match <[Static; 2]>::try_from(all(list)?) {
                Ok([a, b]) => Static::And(Box::new(And(a, b))),
                Err(list) => Static::AllOf(AllOf(list)),
            },
            Node::Or(list) => match <[Static; 2]>::try_from(all(list)?) {
                Ok([a, b]) => Static::Or(Box::new(Or(a, b))),
                Err(list) => Static::AnyOf(AnyOf(list)),
            },
            _ => {
                let leaf = Leaf(filter.clone());
                leaf.ask(Lower)?;
                Static::Leaf(leaf)
            }
        })
    }
}

macro_rules! each {
    ($predicate:expr, $part:ident => $asked:expr) => {
        match $predicate {
            Static::Leaf($part) => $asked,
            Static::And($part) => $asked,
            Static::Or($part) => $asked,
            Static::AllOf($part) => $asked,
            Static::AnyOf($part) => $asked,
            Static::Not($part) => $asked,
        }
    };
}

impl Predicate<Chance> for Static {
    fn matches(&self, row: Seen<'_, Chance>) -> bool {
        each!(self, part => part.matches(row))
    }
    fn lower(&self) -> Option<Filter> {
        each!(self, part => part.lower())
    }
    fn bound(&self, side: Side) -> Filter {
        each!(self, part => part.bound(side))
    }
    fn is_all(&self) -> bool {
        each!(self, part => part.is_all())
    }
    fn check(&self) -> Result<()> {
        each!(self, part => part.check())
    }
}
impl<E> RunsOn<E> for Static {}

impl Predicate<Chance> for Leaf {
    fn matches(&self, row: Seen<'_, Chance>) -> bool {
        self.ask(Matches(row)).unwrap_or(false)
    }
    fn lower(&self) -> Option<Filter> {
        self.ask(Lower)?
    }
    fn check(&self) -> Result<()> {
        self.ask(Check).unwrap_or(Ok(()))
    }
}

/// A question to a predicate of any type.
trait Ask {
    type Answer;
    fn ask<P: Predicate<Chance>>(self, predicate: Where<P>) -> Self::Answer;
}

struct Matches<'a>(Seen<'a, Chance>);
impl Ask for Matches<'_> {
    type Answer = bool;
    fn ask<P: Predicate<Chance>>(self, predicate: Where<P>) -> bool {
        predicate.matches(self.0)
    }
}

struct Lower;
impl Ask for Lower {
    type Answer = Option<Filter>;
    fn ask<P: Predicate<Chance>>(self, predicate: Where<P>) -> Option<Filter> {
        predicate.lower()
    }
}

struct Check;
impl Ask for Check {
    type Answer = Result<()>;
    fn ask<P: Predicate<Chance>>(self, predicate: Where<P>) -> Result<()> {
        predicate.check()
    }
}

impl Leaf {
    fn operand(&self) -> Option<&Operand> {
        Some(match self.0.node() {
            Node::Compare(operand, ..) | Node::Between(operand, ..) | Node::In(operand, ..) => operand,
            Node::Like(operand, ..) | Node::StartsWith(operand, ..) | Node::EndsWith(operand, ..) => operand,
            Node::Contains(operand, ..) | Node::IsNull(operand) => operand,
            _ => return None,
        })
    }
    /// Asks the predicate of the handle; `None` where there is none.
    fn ask<A: Ask>(&self, ask: A) -> Option<A::Answer> {
        let node = self.0.node();
        match self.operand()?.path().to_string().as_str() {
            "f0" => scalar(Chance::F0, node, ask),
            "f1" => scalar(Chance::F1, node, ask),
            "f2" => scalar(Chance::F2, node, ask),
            "f3" => scalar(Chance::F3, node, ask),
            "f4" => scalar(Chance::F4, node, ask),
            "f5" => text(Chance::F5, node, ask),
            "f6" => scalar(Chance::F6, node, ask),
            "f7" => scalar(Chance::F7, node, ask),
            "f8" => scalar(Chance::F8, node, ask),
            "f9" => scalar(Chance::F9, node, ask),
            "f10" => scalar(Chance::F10, node, ask),
            "f11" => scalar(Chance::F11, node, ask),
            "f12" => list(Chance::F12, node, ask),
            "inner.x" => scalar(Chance::INNER.at(Inside::X), node, ask),
            "inner.t" => text(Chance::INNER.at(Inside::T), node, ask),
            "_id" => envelope(id(), node, ask),
            "_metadata.m" => envelope(meta("m"), node, ask),
            _ => None,
        }
    }
}

/// A value as a literal of the field; `None` where it is of another type.
fn literal<V: Scalar + Literal<V>>(value: &Value) -> Option<V> {
    let literal = V::from_value(&FieldDef::EMPTY, value.clone()).ok()?;
    (V::value(&literal.clone().literal()) == *value).then_some(literal)
}

fn scalar<F: Field<Record = Chance>, A: Ask>(column: Column<F>, node: &Node, ask: A) -> Option<A::Answer>
where
    F::Value: Literal<F::Value>,
{
    let of = literal::<F::Value>;
    Some(match node {
        Node::Compare(_, Op::Eq, value) => ask.ask(column.eq(of(value)?)),
        Node::Compare(_, Op::Gt, value) => ask.ask(column.gt(of(value)?)),
        Node::Compare(_, Op::Ge, value) => ask.ask(column.ge(of(value)?)),
        Node::Compare(_, Op::Lt, value) => ask.ask(column.lt(of(value)?)),
        Node::Compare(_, Op::Le, value) => ask.ask(column.le(of(value)?)),
        Node::Between(_, low, high) => ask.ask(column.between(of(low)?, of(high)?)),
        Node::In(_, list) => ask.ask(column.is_in(list.iter().map(of).collect::<Option<Vec<_>>>()?)),
        Node::IsNull(_) => ask.ask(column.is_null()),
        _ => return None,
    })
}

fn text<F: Field<Record = Chance>, A: Ask>(column: Column<F>, node: &Node, ask: A) -> Option<A::Answer>
where
    F::Value: Text + Literal<F::Value>,
{
    Some(match node {
        Node::Like(_, pattern, false) => ask.ask(column.like(pattern)),
        Node::Like(_, pattern, true) => ask.ask(column.ilike(pattern)),
        Node::StartsWith(_, part) => ask.ask(column.starts_with(part)),
        Node::EndsWith(_, part) => ask.ask(column.ends_with(part)),
        Node::Contains(_, Value::Text(part)) => ask.ask(column.contains(part)),
        _ => return scalar(column, node, ask),
    })
}

fn list<F, A: Ask>(column: ListColumn<F>, node: &Node, ask: A) -> Option<A::Answer>
where
    F: ListField<Record = Chance>,
    F::Item: Scalar + Literal<F::Item>,
{
    match node {
        Node::Contains(_, item) => Some(ask.ask(column.contains(literal::<F::Item>(item)?))),
        Node::IsNull(Operand::Field(_)) => Some(ask.ask(column.is_null())),
        Node::Compare(Operand::Len(_), Op::Eq, Value::Int(0)) => Some(ask.ask(column.is_empty())),
        _ => scalar(column.len(), node, ask),
    }
}

fn envelope<A: Ask>(column: EnvelopeColumn, node: &Node, ask: A) -> Option<A::Answer> {
    Some(match node {
        Node::Compare(_, Op::Eq, value) => ask.ask(column.eq(value.clone())),
        Node::Compare(_, Op::Gt, value) => ask.ask(column.gt(value.clone())),
        Node::Compare(_, Op::Ge, value) => ask.ask(column.ge(value.clone())),
        Node::Compare(_, Op::Lt, value) => ask.ask(column.lt(value.clone())),
        Node::Compare(_, Op::Le, value) => ask.ask(column.le(value.clone())),
        Node::Between(_, low, high) => ask.ask(column.between(low.clone(), high.clone())),
        Node::In(_, list) => ask.ask(column.is_in(list.iter().cloned())),
        Node::Like(_, pattern, false) => ask.ask(column.like(pattern)),
        Node::Like(_, pattern, true) => ask.ask(column.ilike(pattern)),
        Node::StartsWith(_, part) => ask.ask(column.starts_with(part)),
        Node::EndsWith(_, part) => ask.ask(column.ends_with(part)),
        Node::Contains(_, part) => ask.ask(column.contains(part.clone())),
        Node::IsNull(_) => ask.ask(column.is_null()),
        _ => return None,
    })
}
