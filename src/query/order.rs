//! Sort keys: data, with a comparator that was made for the field's type, so that no query type grows.
//!
//! The order of a query is total and the same on every backend (semantics 4.1): its keys, nulls last in both directions
//! unless asked otherwise, then the storage id in the last key's direction.

use std::{cmp::Ordering, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    id::{Id, IdOrder},
    query::{
        filter::Operand,
        handle::{Column, Field},
        predicate::{Seen, order},
    },
    record::{Part, RecordCodec, Schema, Target, Type},
    value::{Value, ValueRef},
};

/// Where nulls go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nulls {
    /// Before everything else.
    First,
    /// After everything else, in both directions.
    #[default]
    Last,
}

/// One sort key over records of type `R`: `Person::AGE.desc()`, or [`Key::asc`] of a path.
pub struct Key<R> {
    operand: Operand,
    descending: bool,
    nulls: Nulls,
    typed: Option<Comparator<R>>,
}

/// Compares one field of two records: ascending, both sides' nulls told apart by the caller's rule.
type Comparator<R> = fn(&R, &R, Direction) -> Ordering;

/// Direction and null placement of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction {
    /// From the greatest to the least.
    pub descending: bool,
    /// Where nulls go.
    pub nulls: Nulls,
}

impl Direction {
    /// The order of two values that may be null.
    #[inline]
    fn place<T>(self, a: Option<T>, b: Option<T>, compare: impl FnOnce(T, T) -> Ordering) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if self.descending => compare(b, a),
            (Some(a), Some(b)) => compare(a, b),
            (None, None) => Ordering::Equal,
            (a, _) => match (a.is_none(), self.nulls) {
                (true, Nulls::First) | (false, Nulls::Last) => Ordering::Less,
                _ => Ordering::Greater,
            },
        }
    }
}

impl<R> Clone for Key<R> {
    fn clone(&self) -> Self {
        Key { operand: self.operand.clone(), ..*self }
    }
}

impl<R> fmt::Debug for Key<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<R> fmt::Display for Key<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.operand {
            Operand::Field(path) => write!(f, "{path}")?,
            Operand::Len(path) => write!(f, "len({path})")?,
        }
        f.write_str(if self.descending { " desc" } else { "" })?;
        f.write_str(if self.nulls == Nulls::First { " nulls first" } else { "" })
    }
}

impl<R> Key<R> {
    /// A key over a path, from the least to the greatest.
    pub fn asc(operand: impl Into<Operand>) -> Key<R> {
        Key { operand: operand.into(), descending: false, nulls: Nulls::Last, typed: None }
    }
    /// A key over a path, from the greatest to the least.
    pub fn desc(operand: impl Into<Operand>) -> Key<R> {
        Key { descending: true, ..Key::asc(operand) }
    }
    /// Places nulls before everything else.
    #[must_use]
    pub fn nulls_first(mut self) -> Key<R> {
        self.nulls = Nulls::First;
        self
    }
    /// Places nulls after everything else, which is the default.
    #[must_use]
    pub fn nulls_last(mut self) -> Key<R> {
        self.nulls = Nulls::Last;
        self
    }
    /// What is sorted by.
    pub fn operand(&self) -> &Operand {
        &self.operand
    }
    /// Direction and null placement.
    pub fn direction(&self) -> Direction {
        Direction { descending: self.descending, nulls: self.nulls }
    }
}

impl<F: Field> Column<F> {
    /// A sort key, from the least to the greatest, nulls last.
    pub fn asc(self) -> Key<F::Record> {
        Key { operand: F::SELF.operand(), descending: false, nulls: Nulls::Last, typed: Some(compare_fields::<F>) }
    }
    /// A sort key, from the greatest to the least, nulls last.
    pub fn desc(self) -> Key<F::Record> {
        Key { descending: true, ..self.asc() }
    }
}

fn compare_fields<F: Field>(a: &F::Record, b: &F::Record, direction: Direction) -> Ordering {
    direction.place(F::SELF.get(a), F::SELF.get(b), order::<F::Value>)
}

/// The keys of a query resolved against a schema: a total order of records.
pub struct Ordered<R> {
    keys: Vec<(Key<R>, Target)>,
    ids: IdOrder,
    ids_descending: bool,
}

impl<R> Clone for Ordered<R> {
    fn clone(&self) -> Self {
        Ordered { keys: self.keys.clone(), ids: self.ids, ids_descending: self.ids_descending }
    }
}

impl<R: RecordCodec> Ordered<R> {
    /// No keys, and ids that are texts: before a schema is known.
    pub(crate) fn by_id() -> Ordered<R> {
        Ordered { keys: Vec::new(), ids: IdOrder::Text, ids_descending: false }
    }

    /// Resolves the keys.
    ///
    /// # Errors
    /// `Query`, with the field, for an unknown one and for what has no order.
    pub fn new(keys: &[Key<R>], schema: &Schema) -> Result<Ordered<R>> {
        let resolve = |key: &Key<R>| {
            let target = schema.resolve(key.operand.path())?;
            check_sortable(&target, &key.operand)?;
            Ok((key.clone(), target))
        };
        let keys = keys.iter().map(resolve).collect::<Result<Vec<_>>>()?;
        let ids_descending = keys.last().is_some_and(|(key, _)| key.descending);
        Ok(Ordered { keys, ids: id_order(schema), ids_descending })
    }

    /// The total order.
    #[inline]
    pub fn compare(&self, a: Seen<'_, R>, b: Seen<'_, R>) -> Ordering {
        let by_key = self.keys.iter().map(|key| self.compare_by(key, a, b)).find(|o| o.is_ne());
        by_key.unwrap_or_else(|| self.compare_ids(a, b))
    }

    #[inline]
    fn compare_by(&self, (key, target): &(Key<R>, Target), a: Seen<'_, R>, b: Seen<'_, R>) -> Ordering {
        match key.typed {
            Some(compare) => compare(a.record, b.record, key.direction()),
            None if target.part == Part::Id => self.place_ids(key, a.envelope.id(), b.envelope.id()),
            None => {
                let (a, b) = (key.view(a.value(target)), key.view(b.value(target)));
                key.direction().place(present(a), present(b), |a, b| a.order(&b))
            }
        }
    }

    /// Ids as a sort key: in the order of their declared type, not of their text (semantics 1.3).
    fn place_ids(&self, key: &Key<R>, a: &Id, b: &Id) -> Ordering {
        key.direction().place(Some(a), Some(b), |a, b| self.ids.compare(a, b))
    }

    fn compare_ids(&self, a: Seen<'_, R>, b: Seen<'_, R>) -> Ordering {
        let by_id = self.ids.compare(a.envelope.id(), b.envelope.id());
        if self.ids_descending { by_id.reverse() } else { by_id }
    }

    /// The values of the keys, for a cursor.
    pub(crate) fn values(&self, row: Seen<'_, R>) -> Vec<Value> {
        self.keys.iter().map(|(key, target)| key.view(row.value(target)).into_owned()).collect()
    }

    /// How a record stands to a place in the order.
    pub(crate) fn compare_to(&self, row: Seen<'_, R>, values: &[Value], id: &Id) -> Ordering {
        let by_key = self.keys.iter().zip(values).map(|((key, target), value)| match target.part {
            Part::Id => self.place_ids(key, row.envelope.id(), id),
            _ => {
                key.direction().place(present(key.view(row.value(target))), present(value.as_ref()), |a, b| a.order(&b))
            }
        });
        let by_id = || {
            let by_id = self.ids.compare(row.envelope.id(), id);
            if self.ids_descending { by_id.reverse() } else { by_id }
        };
        by_key.into_iter().find(|o| o.is_ne()).unwrap_or_else(by_id)
    }

    /// The keys, each with what it leads to.
    pub fn keys(&self) -> &[(Key<R>, Target)] {
        &self.keys
    }
    /// Whether ids, the last key of all, go from the greatest to the least.
    pub fn ids_descending(&self) -> bool {
        self.ids_descending
    }
}

impl<R> Key<R> {
    /// The value, or its length where that is meant.
    fn view<'a>(&self, value: ValueRef<'a>) -> ValueRef<'a> {
        match (&self.operand, value) {
            (Operand::Field(_), value) => value,
            (Operand::Len(_), ValueRef::List(items)) => ValueRef::Int(items.len() as i128),
            (Operand::Len(_), _) => ValueRef::Null,
        }
    }
}

fn present(value: ValueRef<'_>) -> Option<ValueRef<'_>> {
    (!value.is_null()).then_some(value)
}

/// How ids of a schema are ordered (semantics 1.3).
pub fn id_order(schema: &Schema) -> IdOrder {
    match schema.id_field().map(|(_, field)| &field.ty) {
        Some(ty) if ty.integer_range().is_some() => IdOrder::Integer,
        Some(Type::Uuid) => IdOrder::Uuid,
        _ => IdOrder::Text,
    }
}

fn check_sortable(target: &Target, operand: &Operand) -> Result<()> {
    let refused = |why: &'static str| {
        Err(Error::query(format!("a {} cannot be sorted by: {why}", target.ty)).at_field(target.path.to_string()))
    };
    match (operand, &target.ty) {
        (Operand::Len(_), Type::List(_) | Type::Any) => Ok(()),
        (Operand::Len(_), _) => refused("only a list has a length"),
        _ if target.large => refused("it is declared `large`"),
        (_, ty) if !ty.is_ordered() => refused("it has no order"),
        _ => Ok(()),
    }
}
