//! Aggregates are held against loops that anyone would write.

use std::collections::BTreeMap;

use dk_data::{
    Aggregating, Database, Document, Envelope, ErrorKind, Id, Query, Schema, Seen, Store, Value,
    backend::memory::Memory,
    document, meta,
    query::{
        aggregate::{Aggregate, Count, Folder, GroupKeys},
        handle::{Column, Handle, Member},
    },
    record::FieldType,
};
use proptest::prelude::*;
use rust_decimal::Decimal;

/// A record that is folded without a store.
#[derive(Clone, Debug, Default)]
struct Sale {
    city: Option<String>,
    pieces: Option<i64>,
    serial: u64,
    weight: Option<f64>,
    price: Option<Decimal>,
}

macro_rules! members {
    ($($name:ident $field:ident $ty:ty, $null:expr;)*) => { $(
        #[derive(Clone, Copy, Debug)]
        struct $name;
        impl Member for $name {
            type Record = Sale;
            type Type = $ty;
            const SELF: Self = $name;
            const NAME: &'static str = stringify!($field);
            fn get(sale: &Sale) -> &$ty { &sale.$field }
            fn is_null(sale: &Sale) -> bool { let null: fn(&$ty) -> bool = $null; null(&sale.$field) }
            fn to_value(value: &$ty) -> Option<Value> { FieldType::to_value(value) }
        }
    )* };
}
members! {
    City city Option<String>, Option::is_none;
    Pieces pieces Option<i64>, Option::is_none;
    Serial serial u64, |_| false;
    Weight weight Option<f64>, Option::is_none;
    Price price Option<Decimal>, Option::is_none;
}
const CITY: Column<City> = Handle::NEW;
const PIECES: Column<Pieces> = Handle::NEW;
const SERIAL: Column<Serial> = Handle::NEW;
const WEIGHT: Column<Weight> = Handle::NEW;
const PRICE: Column<Price> = Handle::NEW;

/// Folds in parts of three records, merged one after the other.
fn fold<K: GroupKeys<Sale>, A: Aggregate<Sale>>(
    sales: &[Sale],
    keys: K,
    of: A,
) -> dk_data::Result<Vec<(K::Row, A::Out)>> {
    let envelope = Envelope::of(Id::from(1_u64));
    let parts = sales.chunks(3).map(|part| {
        let mut folder = Folder::new(&keys, &of);
        part.iter().for_each(|record| folder.add(Seen { record, envelope: &envelope }));
        folder
    });
    parts.fold(Folder::new(&keys, &of), Folder::merge).finish()
}

fn all<A: Aggregate<Sale>>(sales: &[Sale], of: A) -> dk_data::Result<A::Out> {
    fold(sales, (), of).map(|mut rows| rows.remove(0).1)
}

fn sale() -> impl Strategy<Value = Sale> {
    let integers = prop_oneof![Just(i64::MIN), Just(i64::MAX), any::<i64>(), -3..3_i64];
    let serials = prop_oneof![Just(u64::MAX), any::<u64>(), 0..3_u64];
    let floats = prop_oneof![-1e12..1e12_f64, Just(0.0), Just(1e-9)];
    let decimals = prop_oneof![
        (any::<i64>(), 0..=18_u32).prop_map(|(n, scale)| Decimal::new(n, scale)),
        Just(Decimal::new(1, 28)),
        Just(Decimal::new(-25, 1)),
    ];
    let city = proptest::option::of("[ab]{0,2}");
    let of = proptest::option::of::<_>;
    (city, of(integers), serials, proptest::option::of(floats), proptest::option::of(decimals))
        .prop_map(|(city, pieces, serial, weight, price)| Sale { city, pieces, serial, weight, price })
}

proptest! {
    #[test]
    fn integers_are_summed_exactly_and_their_ends_found(sales in proptest::collection::vec(sale(), 0..60)) {
        let pieces: Vec<i64> = sales.iter().filter_map(|s| s.pieces).collect();
        let (sum, avg, min, max) = all(&sales, (PIECES.sum(), PIECES.avg(), PIECES.min(), PIECES.max())).expect("it fits");
        let naive: i128 = pieces.iter().map(|n| i128::from(*n)).sum();
        prop_assert_eq!(sum, (!pieces.is_empty()).then_some(naive));
        prop_assert_eq!((min, max), (pieces.iter().min().copied(), pieces.iter().max().copied()));
        let mean = naive as f64 / pieces.len() as f64;
        prop_assert!(avg.is_none_or(|avg| (avg - mean).abs() <= mean.abs() * 1e-9 + 1e-9));
        let serials: i128 = sales.iter().map(|s| i128::from(s.serial)).sum();
        prop_assert_eq!(all(&sales, SERIAL.sum()).expect("it fits").unwrap_or(0), serials);
    }

    #[test]
    fn floats_are_summed_within_a_billionth(sales in proptest::collection::vec(sale(), 0..60)) {
        let weights: Vec<f64> = sales.iter().filter_map(|s| s.weight).collect();
        let (sum, max) = all(&sales, (WEIGHT.sum(), WEIGHT.max())).expect("it fits");
        // Thousandths of a billionth as integers of 128 bits: more digits than a float has.
        let exact: i128 = weights.iter().map(|w| (w * 1e12) as i128).sum();
        let size: f64 = weights.iter().map(|w| w.abs()).sum();
        prop_assert!(sum.is_none_or(|sum| (sum - exact as f64 / 1e12).abs() <= size * 1e-15 + 1e-9));
        prop_assert_eq!(sum.is_none(), weights.is_empty());
        prop_assert_eq!(max, weights.iter().copied().reduce(f64::max));
    }

    #[test]
    fn decimals_are_summed_digit_by_digit(sales in proptest::collection::vec(sale(), 0..60)) {
        let prices: Vec<Decimal> = sales.iter().filter_map(|s| s.price).collect();
        let unit = 10_i128.pow(28);
        let parts = |p: &Decimal| {
            let one = 10_i128.pow(p.scale());
            (p.mantissa() / one, p.mantissa() % one * (unit / one))
        };
        let (whole, fraction) = prices.iter().map(parts).fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
        match all(&sales, PRICE.sum()) {
            Ok(sum) => {
                let found = sum.as_ref().map_or((0, 0), parts);
                let (carry, left) = ((fraction - found.1) / unit, (fraction - found.1) % unit);
                prop_assert_eq!((found.0, left), (whole + carry, 0));
                prop_assert_eq!(sum.is_none(), prices.is_empty());
            }
            Err(error) => prop_assert_eq!(error.place().field.as_deref(), Some("price")),
        }
    }

    #[test]
    fn groups_are_those_of_a_naive_map_in_key_order(sales in proptest::collection::vec(sale(), 0..80)) {
        let mut naive: BTreeMap<(bool, Option<String>, u64), (u64, i128)> = BTreeMap::new();
        for sale in &sales {
            let group = naive.entry((sale.city.is_none(), sale.city.clone(), sale.serial)).or_default();
            group.0 += 1;
            group.1 += i128::from(sale.pieces.unwrap_or(0));
        }
        let groups = fold(&sales, (CITY, SERIAL), (Count, PIECES.sum())).expect("it fits");
        let found = groups.into_iter().map(|((city, serial), (count, sum))| ((city, serial), (count, sum.unwrap_or(0))));
        let naive = naive.into_iter().map(|((_, city, serial), answer)| ((city, Some(serial)), answer));
        prop_assert_eq!(found.collect::<Vec<_>>(), naive.collect::<Vec<_>>());
    }

    #[test]
    fn distinct_values_come_once_in_order_without_null(sales in proptest::collection::vec(sale(), 0..80)) {
        let mut naive: Vec<String> = sales.iter().filter_map(|s| s.city.clone()).collect();
        naive.sort();
        naive.dedup();
        let (count, values) = all(&sales, (CITY.count_distinct(), CITY.distinct())).expect("nothing is summed");
        prop_assert_eq!(count, naive.len() as u64);
        prop_assert_eq!(values, naive);
    }
}

#[test]
fn of_nothing_every_aggregate_is_null_and_the_count_zero() {
    let of = (Count, PIECES.sum(), WEIGHT.avg(), PRICE.min(), CITY.max(), CITY.distinct());
    for sales in [vec![], vec![Sale::default()]] {
        let (count, sum, avg, min, max, distinct) = all(&sales, of).expect("nothing is summed");
        assert_eq!(count, sales.len() as u64);
        assert_eq!((sum, avg, min, max, distinct), (None, None, None, None, vec![]));
    }
    assert!(fold(&[], CITY, of).expect("nothing is summed").is_empty(), "no records, no groups");
}

#[test]
fn the_null_group_is_last_and_minus_zero_is_zero() {
    let of = |weight| Sale { weight, ..Sale::default() };
    let sales = [of(None), of(Some(0.5)), of(Some(-0.0)), of(Some(0.0)), of(Some(-1.0)), of(None)];
    let groups = fold(&sales, WEIGHT, Count).expect("nothing is summed");
    assert_eq!(groups, [(Some(-1.0), 1), (Some(0.0), 2), (Some(0.5), 1), (None, 2)]);
}

#[test]
fn a_sum_that_does_not_fit_names_its_field() {
    let sales = [Decimal::MAX, Decimal::ONE].map(|price| Sale { price: Some(price), ..Sale::default() });
    let error = all(&sales, PRICE.sum()).expect_err("it has 97 bits");
    assert_eq!((error.kind(), error.place().field.as_deref()), (ErrorKind::Invalid, Some("price")));
    let mean = all(&sales, PRICE.avg()).expect("the mean fits").expect("there are prices");
    assert_eq!(mean, (Decimal::MAX - Decimal::ONE) / Decimal::TWO + Decimal::ONE);
    let sales = [f64::MAX, f64::MAX].map(|weight| Sale { weight: Some(weight), ..Sale::default() });
    assert!(all(&sales, WEIGHT.sum()).is_err(), "an infinity is no sum");
}

#[test]
fn memory_folds_many_chunks_and_refuses_a_limit() {
    let people = Memory::new().documents("people", Schema::open("people")).expect("the schema is valid");
    let all: Vec<_> = (0..20_000).map(|n| document! { "n" => n }).collect();
    people.create_batch(&all).expect("memory writes");
    assert_eq!(people.aggregate(Query::<Document>::new(), (Count,)).ok(), Some((20_000,)));
    assert_eq!(people.aggregate(meta("source").eq("csv"), Count).ok(), Some(0));
    let refused = people.aggregate(Query::new().limit(5), Count).map_err(|e| e.kind());
    assert_eq!(refused, Err(ErrorKind::Query));
}
