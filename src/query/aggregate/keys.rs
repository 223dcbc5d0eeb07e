//! What records are grouped by: nothing, a field, or a tuple of fields; and queries with such keys.

use std::cmp::Ordering;

use crate::{
    error::{Error, Result},
    query::{
        AsQuery, Bound, Query, Where,
        filter::Operand,
        handle::{Column, Field},
        predicate::{Predicate, Seen, order},
        select::{Select, Whole},
    },
    record::{RecordCodec, field_type::Scalar},
    value::Value,
};

/// What records of type `R` are grouped by: `()`, a field, or a tuple of up to six fields.
///
/// The law: [`compare`](GroupKeys::compare) is a total order of rows, with null behind everything else in every field,
/// and [`stands`](GroupKeys::stands) says how a row stands to that of a record.
#[diagnostic::on_unimplemented(
    message = "records of `{R}` cannot be grouped by this",
    label = "expected a scalar field, or a tuple of up to six of them"
)]
pub trait GroupKeys<R>: Clone + Send + Sync + 'static {
    /// The values of a group.
    type Row: Clone + Send;
    /// The values of a record.
    fn row(&self, seen: Seen<'_, R>) -> Self::Row;
    /// How a row stands to the values of a record, without copying those.
    fn stands(&self, row: &Self::Row, seen: Seen<'_, R>) -> Ordering;
    /// The order of groups.
    fn compare(a: &Self::Row, b: &Self::Row) -> Ordering;
    /// The row of the one group that is there even without records; `None` where keys make the groups.
    fn always() -> Option<Self::Row> {
        None
    }
    /// The same as data.
    fn lower(&self) -> Vec<Operand>;
    /// The row of a group out of the values that an engine says of its keys. Takes those of its own keys.
    ///
    /// # Errors
    /// What a field's type cannot hold; `Unsupported` where rows cannot be had from what an engine says.
    fn row_of(&self, _values: &mut impl Iterator<Item = Value>) -> Result<Self::Row> {
        Err(Error::unsupported("these keys group where records are at hand, and the engine is a server"))
    }
}

impl<R> GroupKeys<R> for () {
    type Row = ();
    #[inline]
    fn row(&self, _: Seen<'_, R>) {}
    #[inline]
    fn stands(&self, (): &(), _: Seen<'_, R>) -> Ordering {
        Ordering::Equal
    }
    fn compare((): &(), (): &()) -> Ordering {
        Ordering::Equal
    }
    fn always() -> Option<()> {
        Some(())
    }
    fn lower(&self) -> Vec<Operand> {
        Vec::new()
    }
    fn row_of(&self, _: &mut impl Iterator<Item = Value>) -> Result<()> {
        Ok(())
    }
}

impl<F: Field> GroupKeys<F::Record> for Column<F> {
    type Row = Option<<F::Value as Scalar>::Literal>;
    fn row(&self, seen: Seen<'_, F::Record>) -> Self::Row {
        F::SELF.get(seen.record).map(F::Value::keep)
    }
    #[inline]
    fn stands(&self, row: &Self::Row, seen: Seen<'_, F::Record>) -> Ordering {
        nulls_last(row.as_ref().map(F::Value::view), F::SELF.get(seen.record), order::<F::Value>)
    }
    fn compare(a: &Self::Row, b: &Self::Row) -> Ordering {
        let (a, b) = (a.as_ref().map(F::Value::view), b.as_ref().map(F::Value::view));
        nulls_last(a, b, order::<F::Value>)
    }
    fn lower(&self) -> Vec<Operand> {
        vec![F::SELF.operand()]
    }
    fn row_of(&self, values: &mut impl Iterator<Item = Value>) -> Result<Self::Row> {
        super::said_literal::<F>(values.next().unwrap_or_default())
    }
}

#[inline]
fn nulls_last<T>(a: Option<T>, b: Option<T>, compare: impl FnOnce(T, T) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare(a, b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

macro_rules! tuples {
    ($($($name:ident $place:tt),+;)*) => { $(
        impl<R, $($name: GroupKeys<R>),+> GroupKeys<R> for ($($name,)+) {
            type Row = ($($name::Row,)+);
            fn row(&self, seen: Seen<'_, R>) -> Self::Row {
                ($( self.$place.row(seen), )+)
            }
            #[inline]
            fn stands(&self, row: &Self::Row, seen: Seen<'_, R>) -> Ordering {
                Ordering::Equal $( .then_with(|| self.$place.stands(&row.$place, seen)) )+
            }
            fn compare(a: &Self::Row, b: &Self::Row) -> Ordering {
                Ordering::Equal $( .then_with(|| $name::compare(&a.$place, &b.$place)) )+
            }
            fn lower(&self) -> Vec<Operand> {
                let mut operands = Vec::new();
                $( operands.extend(self.$place.lower()); )+
                operands
            }
            fn row_of(&self, values: &mut impl Iterator<Item = Value>) -> Result<Self::Row> {
                Ok(($( self.$place.row_of(values)?, )+))
            }
        }
    )* };
}
tuples! {
    A 0;
    A 0, B 1;
    A 0, B 1, C 2;
    A 0, B 1, C 2, D 3;
    A 0, B 1, C 2, D 3, E 4;
    A 0, B 1, C 2, D 3, E 4, F 5;
}

/// A query whose records are grouped by keys; [`Query::group_by`] makes it.
#[derive(Clone, Debug)]
pub struct Grouped<R, P, K> {
    query: Query<R, P, Whole>,
    keys: K,
}

impl<R: RecordCodec, P: Predicate<R>> Query<R, P, Whole> {
    /// Groups the records by a field, or by each combination of several: `group_by((Person::CITY, Person::AGE))`.
    pub fn group_by<K: GroupKeys<R>>(self, keys: K) -> Grouped<R, P, K> {
        Grouped { query: self, keys }
    }
}

impl<R: RecordCodec, P: Predicate<R>, K: GroupKeys<R>> Grouped<R, P, K> {
    /// The query over whole records, and the keys.
    ///
    /// # Errors
    /// `Query` where it has a limit or an offset: it is not said whether they count records or groups.
    pub fn into_parts(self) -> Result<(Query<R, P, Whole>, K)> {
        if self.query.rows.limit.is_some() || self.query.rows.offset > 0 {
            return Err(Error::query("an aggregate is over all records of a query: leave out limit and offset"));
        }
        // What is folded has no order, and nobody pays for one (semantics 4.7).
        Ok((self.query, self.keys))
    }
}

/// What can be aggregated: a query or a predicate, which gives one answer, or a [`Grouped`] query, which gives one for
/// each group.
pub trait AsGrouped<R: RecordCodec> {
    /// Its predicate.
    type Predicate: Predicate<R>;
    /// Its keys.
    type Keys: GroupKeys<R>;
    /// The answer, where each group's is an `O`.
    type Answer<O>;
    /// The query with its keys.
    fn into_grouped(self) -> Grouped<R, Self::Predicate, Self::Keys>;
    /// The answer, from the groups.
    ///
    /// # Errors
    /// `Backend` where an engine left out the one group of a query without keys.
    fn answer<O>(groups: Groups<R, Self, O>) -> Result<Self::Answer<O>>;
}

/// The groups of an answer.
type Groups<R, Q, O> = Vec<(<<Q as AsGrouped<R>>::Keys as GroupKeys<R>>::Row, O)>;

/// Whatever is a query is one group; not said of all [`AsQuery`] at once, because [`Grouped`] has its own answer.
macro_rules! ungrouped {
    ($([$($life:lifetime)? $($param:ident: $bound:ident $(<$of:ident>)?),*] $query:ty;)*) => { $(
        impl<$($life,)? R: RecordCodec, $($param: $bound $(<$of>)?),*> AsGrouped<R> for $query {
            type Predicate = <$query as AsQuery<R>>::Predicate;
            type Keys = ();
            type Answer<O> = O;
            fn into_grouped(self) -> Grouped<R, Self::Predicate, ()> {
                Grouped { query: self.into_query().selecting(Whole), keys: () }
            }
            fn answer<O>(mut groups: Vec<((), O)>) -> Result<O> {
                let one = groups.pop().ok_or_else(|| Error::backend("the engine answered an aggregate without a row"))?;
                Ok(one.1)
            }
        }
    )* };
}
ungrouped! {
    [P: Predicate<R>, S: Select<R>] Query<R, P, S>;
    ['q P: Predicate<R>, S: Select<R>] &'q Query<R, P, S>;
    [P: Predicate<R>] Where<P>;
    [] Bound<R>;
}

impl<R: RecordCodec, P: Predicate<R>, K: GroupKeys<R>> AsGrouped<R> for Grouped<R, P, K> {
    type Predicate = P;
    type Keys = K;
    type Answer<O> = Vec<(K::Row, O)>;
    fn into_grouped(self) -> Self {
        self
    }
    fn answer<O>(groups: Vec<(K::Row, O)>) -> Result<Vec<(K::Row, O)>> {
        Ok(groups)
    }
}
