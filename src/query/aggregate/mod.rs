//! Aggregates as types: folds over the records of a query, alone or by group, with tuples for several at once.
//!
//! Semantics 4.8: sums of integers and decimals are exact, nulls are left out, the empty set gives null, groups come in
//! key order with the null group last. This module folds what it is shown; it reads no store.

mod fold;
mod keys;
mod total;

pub use self::{
    fold::{Folder, Groups},
    keys::{AsGrouped, GroupKeys, Grouped},
    total::{CompensatedTotal, DecimalTotal, IntegerTotal, Overflow, Summed, Total},
};

use std::{cmp::Ordering, fmt, marker::PhantomData};

use crate::{
    error::{Error, Result},
    query::{
        filter::Operand,
        handle::{Column, Field},
        predicate::{Seen, order},
    },
    record::{
        FieldDef,
        field_type::{FieldType, Scalar},
    },
    value::Value,
};

/// An aggregate as data: what an engine translates.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AggregateTerm {
    /// How many records there are.
    Count,
    /// The least value.
    Min(Operand),
    /// The greatest value.
    Max(Operand),
    /// The sum of the values.
    Sum(Operand),
    /// The mean of the values.
    Avg(Operand),
    /// How many values differ.
    CountDistinct(Operand),
    /// The values that differ.
    Distinct(Operand),
}

/// A fold over records of type `R`; tuples of up to eight fold side by side.
///
/// The law: the answer does not depend on the order of the records, nor on how they are parted among states that are
/// [merged](Aggregate::merge) (float sums within 1e-9 relative). It must not panic, and may use any store.
#[diagnostic::on_unimplemented(
    message = "this is not an aggregate over `{R}`",
    label = "expected `Count`, `FIELD.sum()` and the like, or a tuple of up to eight of them"
)]
pub trait Aggregate<R>: Clone + Send + Sync + 'static {
    /// What is kept while folding; the default is that of no records.
    type State: Default + Send;
    /// The answer.
    type Out: Send;
    /// Takes a record in.
    fn add(&self, state: &mut Self::State, row: Seen<'_, R>);
    /// Takes in what was folded elsewhere.
    fn merge(&self, state: &mut Self::State, other: Self::State);
    /// The answer.
    ///
    /// # Errors
    /// `Invalid`, with the field, where a sum does not fit its type.
    fn finish(&self, state: Self::State) -> Result<Self::Out>;
    /// The same as data, one term for each answer, in order.
    fn lower(&self) -> Vec<AggregateTerm>;
    /// The answer out of what an engine says of the terms of [`lower`](Aggregate::lower): one value for each, but for sums
    /// and means two, the sum as decimal text and how many values it has. Takes those of its own terms.
    ///
    /// # Errors
    /// As [`finish`](Aggregate::finish); `Unsupported` where it cannot be had from what an engine says.
    fn answer(&self, _values: &mut impl Iterator<Item = Value>) -> Result<Self::Out> {
        Err(Error::unsupported("this aggregate is folded where records are at hand, and the engine is a server"))
    }
}

/// A count that an engine says.
fn said_count(values: &mut impl Iterator<Item = Value>) -> Result<u64> {
    let count = values.next().and_then(|value| value.as_int()).and_then(|count| u64::try_from(count).ok());
    count.ok_or_else(|| Error::backend("the engine answered a count without one"))
}

/// A value of a field that an engine says.
fn said_literal<F: Field>(value: Value) -> Result<Option<LiteralOf<F>>> {
    if value.is_null() {
        return Ok(None);
    }
    let path = F::SELF.path().to_string();
    let field = FieldDef { nullable: true, ..FieldDef::new(path, <F::Value as FieldType>::TYPE) };
    let value = <F::Value as FieldType>::from_value(&field, value)?;
    Ok(Some(F::Value::keep(value.look())))
}

/// How many records there are, whatever they hold.
#[derive(Clone, Copy, Debug)]
pub struct Count;

impl<R> Aggregate<R> for Count {
    type State = u64;
    type Out = u64;
    #[inline]
    fn add(&self, state: &mut u64, _: Seen<'_, R>) {
        *state += 1;
    }
    fn merge(&self, state: &mut u64, other: u64) {
        *state += other;
    }
    fn finish(&self, state: u64) -> Result<u64> {
        Ok(state)
    }
    fn lower(&self) -> Vec<AggregateTerm> {
        vec![AggregateTerm::Count]
    }
    fn answer(&self, values: &mut impl Iterator<Item = Value>) -> Result<u64> {
        said_count(values)
    }
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident $method:ident $(: $bound:ident)?;)*) => { $(
        $(#[$doc])*
        pub struct $name<F>(PhantomData<F>);
        impl<F> Clone for $name<F> {
            fn clone(&self) -> Self { *self }
        }
        impl<F> Copy for $name<F> {}
        impl<F: Field> fmt::Debug for $name<F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&F::SELF.operand()).finish()
            }
        }
        impl<F: Field $(<Value: $bound>)?> Column<F> {
            $(#[$doc])*
            pub fn $method(self) -> $name<F> { $name(PhantomData) }
        }
    )* };
}
fields! {
    /// The least value; `None` where there is none that is not null.
    Min min;
    /// The greatest value; `None` where there is none that is not null.
    Max max;
    /// The sum: `i128` of integers and [`Decimal`](rust_decimal::Decimal) of decimals, both exact, `f64` of floats, within
    /// 1e-9 relative. A sum that does not fit is an error. `None` where no value is not null.
    Sum sum: Summed;
    /// The mean: `f64` of integers and floats, [`Decimal`](rust_decimal::Decimal) of decimals. Nulls are not counted;
    /// `None` where no value is not null.
    Avg avg: Summed;
    /// How many different values there are, null not counted.
    CountDistinct count_distinct;
    /// The different values in order, without null.
    Distinct distinct;
}

type LiteralOf<F> = <<F as Field>::Value as Scalar>::Literal;

/// Keeps the first or the last value of the scalar order.
macro_rules! extremes {
    ($($name:ident $term:ident $better:path;)*) => { $(
        impl<F: Field> Aggregate<F::Record> for $name<F> {
            type State = Option<LiteralOf<F>>;
            type Out = Option<LiteralOf<F>>;
            #[inline]
            fn add(&self, state: &mut Self::State, row: Seen<'_, F::Record>) {
                let Some(seen) = F::SELF.get(row.record) else { return };
                let held = state.as_ref().map(|held| order::<F::Value>(seen, F::Value::view(held)));
                if held.is_none_or($better) {
                    let kept = F::Value::keep(seen);
                    *state = Some(kept);
                }
            }
            fn merge(&self, state: &mut Self::State, other: Self::State) {
                let Some(other) = other else { return };
                let held = state.as_ref().map(|held| order::<F::Value>(F::Value::view(&other), F::Value::view(held)));
                if held.is_none_or($better) {
                    *state = Some(other);
                }
            }
            fn finish(&self, state: Self::State) -> Result<Self::Out> {
                Ok(state)
            }
            fn lower(&self) -> Vec<AggregateTerm> {
                vec![AggregateTerm::$term(F::SELF.operand())]
            }
            fn answer(&self, values: &mut impl Iterator<Item = Value>) -> Result<Self::Out> {
                said_literal::<F>(values.next().unwrap_or_default())
            }
        }
    )* };
}
extremes! { Min Min Ordering::is_lt; Max Max Ordering::is_gt; }

type TotalOf<F> = <<F as Field>::Value as Summed>::Total;

/// Adds up and counts the values that are not null.
macro_rules! totals {
    ($($name:ident $term:ident $out:ident |$total:ident, $count:ident| $finish:expr;)*) => { $(
        impl<F: Field<Value: Summed>> Aggregate<F::Record> for $name<F> {
            type State = (TotalOf<F>, u64);
            type Out = Option<<TotalOf<F> as Total>::$out>;
            #[inline]
            fn add(&self, (total, count): &mut Self::State, row: Seen<'_, F::Record>) {
                let Some(seen) = F::SELF.get(row.record) else { return };
                F::Value::add_to(seen, total);
                *count += 1;
            }
            fn merge(&self, (total, count): &mut Self::State, other: Self::State) {
                total.merge(other.0);
                *count += other.1;
            }
            fn finish(&self, ($total, $count): Self::State) -> Result<Self::Out> {
                if $count == 0 {
                    return Ok(None);
                }
                $finish.map(Some).map_err(|Overflow(why)| Error::invalid(why).at_field(F::SELF.path().to_string()))
            }
            fn lower(&self) -> Vec<AggregateTerm> {
                vec![AggregateTerm::$term(F::SELF.operand())]
            }
            fn answer(&self, values: &mut impl Iterator<Item = Value>) -> Result<Self::Out> {
                let (sum, count) = (values.next().unwrap_or_default(), said_count(values)?);
                let total = match sum.as_text() {
                    None => TotalOf::<F>::default(),
                    Some(text) => TotalOf::<F>::of_text(text)
                        .ok_or_else(|| Error::invalid("the sum does not fit its type").at_field(F::SELF.path().to_string()))?,
                };
                self.finish((total, count))
            }
        }
    )* };
}
totals! { Sum Sum Sum |total, count| total.sum(); Avg Avg Mean |total, count| total.mean(count); }

/// Keeps each value once.
macro_rules! distincts {
    ($($name:ident $term:ident $out:ty, |$values:ident| $finish:expr, |$said:ident| $answer:expr;)*) => { $(
        impl<F: Field> Aggregate<F::Record> for $name<F> {
            type State = Groups<F::Record, Column<F>, ()>;
            type Out = $out;
            #[inline]
            fn add(&self, state: &mut Self::State, row: Seen<'_, F::Record>) {
                if F::SELF.get(row.record).is_some() {
                    state.entry(&crate::query::handle::Handle::NEW, row, |()| ());
                }
            }
            fn merge(&self, state: &mut Self::State, other: Self::State) {
                state.merge(other, |(), ()| ());
            }
            fn finish(&self, state: Self::State) -> Result<Self::Out> {
                let $values = state.into_rows().into_iter().filter_map(|(value, ())| value);
                Ok($finish)
            }
            fn lower(&self) -> Vec<AggregateTerm> {
                vec![AggregateTerm::$term(F::SELF.operand())]
            }
            fn answer(&self, $said: &mut impl Iterator<Item = Value>) -> Result<Self::Out> {
                $answer
            }
        }
    )* };
}
distincts! {
    CountDistinct CountDistinct u64, |values| values.count() as u64, |said| said_count(said);
    Distinct Distinct Vec<LiteralOf<F>>, |values| values.collect(), |said| match said.next() {
        Some(Value::List(items)) => items.into_iter().filter_map(|item| said_literal::<F>(item).transpose()).collect(),
        _ => Ok(Vec::new()),
    };
}

macro_rules! tuples {
    ($($($name:ident $place:tt),+;)*) => { $(
        impl<R, $($name: Aggregate<R>),+> Aggregate<R> for ($($name,)+) {
            type State = ($($name::State,)+);
            type Out = ($($name::Out,)+);
            #[inline]
            fn add(&self, state: &mut Self::State, row: Seen<'_, R>) {
                $( self.$place.add(&mut state.$place, row); )+
            }
            fn merge(&self, state: &mut Self::State, other: Self::State) {
                $( self.$place.merge(&mut state.$place, other.$place); )+
            }
            fn finish(&self, state: Self::State) -> Result<Self::Out> {
                Ok(($( self.$place.finish(state.$place)?, )+))
            }
            fn lower(&self) -> Vec<AggregateTerm> {
                let mut terms = Vec::new();
                $( terms.extend(self.$place.lower()); )+
                terms
            }
            fn answer(&self, values: &mut impl Iterator<Item = Value>) -> Result<Self::Out> {
                Ok(($( self.$place.answer(values)?, )+))
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
    A 0, B 1, C 2, D 3, E 4, F 5, G 6;
    A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7;
}
