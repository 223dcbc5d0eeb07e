//! Semantics 4.8: aggregates, held against loops that anyone would write. For databases that provide them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{
    Suite,
    random::{self, Random},
    refused,
};
use crate::{
    Record,
    capability::{Aggregates, Provides},
    error::{ErrorKind, Result},
    query::{Key, aggregate::Count},
    store::{Aggregating, Database, Store},
};

/// A sale, of which anything may be unknown.
#[derive(Record, Clone, Debug, Default, PartialEq)]
#[record(name = "sales")]
pub struct Sale {
    /// Where.
    city: Option<String>,
    /// When.
    day: Option<Date>,
    /// How many.
    pieces: Option<i64>,
    /// A number that is never unknown.
    serial: u64,
    /// Half a number.
    small: Option<i16>,
    /// In kilograms.
    weight: Option<f64>,
    /// In euros.
    price: Option<Decimal>,
    /// Whether it was paid.
    paid: Option<bool>,
}

/// A database on which sales can be folded.
pub trait Folds: Database<Engine: Provides<Aggregates>, Store<Sale>: Aggregating<Sale>> {}
impl<D: Database<Engine: Provides<Aggregates>, Store<Sale>: Aggregating<Sale>>> Folds for D {}

/// A store of these sales, or none where the suite ends: there aggregates must be refused.
fn sold<D: Folds>(suite: &Suite<D>, sales: &[Sale]) -> Result<Option<D::Store<Sale>>> {
    let Some(store) = suite.typed::<Sale>()? else { return Ok(None) };
    let outcomes = store.create_batch(sales)?;
    outcomes.into_iter().try_for_each(|outcome| outcome.map(drop))?;
    if suite.supports.aggregates {
        return Ok(Some(store));
    }
    refused(store.aggregate(Sale::query(), Count), ErrorKind::Unsupported, "an aggregate");
    Ok(None)
}

fn pieces(all: impl IntoIterator<Item = Option<i64>>) -> Vec<Sale> {
    all.into_iter().map(|pieces| Sale { pieces, ..Sale::default() }).collect()
}

/// Whatever their size, as long as 128 bits hold them; nulls are left out.
pub fn semantics_4_8_sums_of_integers_are_exact<D: Folds>(suite: &Suite<D>) -> Result<()> {
    let mut sales = pieces([Some(i64::MAX), None, Some(i64::MAX), Some(1), Some(i64::MAX), None]);
    (sales[0].serial, sales[1].serial, sales[2].serial) = (u64::MAX, u64::MAX, 7);
    (sales[0].small, sales[3].small) = (Some(i16::MAX), Some(i16::MAX));
    let Some(store) = sold(suite, &sales)? else { return Ok(()) };
    let (pieces, serial, small) =
        store.aggregate(Sale::query(), (Sale::PIECES.sum(), Sale::SERIAL.sum(), Sale::SMALL.sum()))?;
    assert_eq!(pieces, Some(3 * i128::from(i64::MAX) + 1));
    assert_eq!((serial, small), (Some(2 * i128::from(u64::MAX) + 7), Some(2 * i128::from(i16::MAX))));
    let least = store.aggregate(Sale::PIECES.lt(2), Sale::PIECES.sum())?;
    assert_eq!(least, Some(1), "of those of which the predicate is true");
    let near = store.aggregate(Sale::query(), Sale::PIECES.avg())?.unwrap_or_default();
    let mean = (3.0 * i64::MAX as f64 + 1.0) / 4.0;
    assert!((near - mean).abs() <= mean * 1e-9, "{near} should be {mean}");
    Ok(())
}

/// A decimal has 28 digits, and each of them is right.
pub fn semantics_4_8_sums_of_decimals_are_exact<D: Folds>(suite: &Suite<D>) -> Result<()> {
    let of = |price: Option<Decimal>| Sale { price, ..Sale::default() };
    let sales =
        [Some(Decimal::new(1, 10)), None, Some(Decimal::new(10_000_000_000, 0)), Some(Decimal::new(-5, 1))].map(of);
    let Some(store) = sold(suite, &sales)? else { return Ok(()) };
    let (sum, least, most) =
        store.aggregate(Sale::query(), (Sale::PRICE.sum(), Sale::PRICE.min(), Sale::PRICE.max()))?;
    let exact = "9999999999.5000000001".parse::<Decimal>().ok();
    assert_eq!((sum, least, most), (exact, sales[3].price, sales[2].price));
    let halves = store.aggregate(Sale::PRICE.lt(Decimal::ONE), Sale::PRICE.avg())?;
    assert_eq!(halves, Some(Decimal::new(-24_999_999_995, 11)), "the mean of a decimal is one");
    Ok(())
}

/// What does not fit is an error that names the field, not a number that was cut.
pub fn semantics_4_8_a_sum_that_does_not_fit_is_an_error<D: Folds>(suite: &Suite<D>) -> Result<()> {
    let of = |price: Decimal, weight: f64| Sale { price: Some(price), weight: Some(weight), ..Sale::default() };
    let Some(store) = sold(suite, &[of(Decimal::MAX, f64::MAX), of(Decimal::MAX, f64::MAX)])? else { return Ok(()) };
    let price = store.aggregate(Sale::query(), Sale::PRICE.sum());
    assert_eq!(price.as_ref().err().and_then(|e| e.place().field.clone()).as_deref(), Some("price"), "{price:?}");
    refused(price, ErrorKind::Invalid, "a sum of 97 bits");
    refused(store.aggregate(Sale::query(), Sale::WEIGHT.sum()), ErrorKind::Invalid, "an infinite sum");
    assert_eq!(store.aggregate(Sale::query(), Sale::PRICE.max())?, Some(Decimal::MAX));
    Ok(())
}

/// Of nothing, and of nulls alone, every aggregate is null; records are counted, null or not.
pub fn semantics_4_8_of_nothing_aggregates_are_null<D: Folds>(suite: &Suite<D>) -> Result<()> {
    for sales in [vec![], vec![Sale::default(); 3]] {
        let Some(store) = sold(suite, &sales)? else { return Ok(()) };
        let of = (Count, Sale::PIECES.sum(), Sale::WEIGHT.avg(), Sale::PRICE.min(), Sale::CITY.max());
        assert_eq!(store.aggregate(Sale::query(), of)?, (sales.len() as u64, None, None, None, None));
        let of =
            (Sale::DAY.max(), Sale::PAID.min(), Sale::CITY.count_distinct(), Sale::CITY.distinct(), Sale::PRICE.sum());
        assert_eq!(store.aggregate(Sale::query(), of)?, (None, None, 0, vec![], None));
        assert_eq!(store.aggregate(Sale::query().filter(Sale::CITY.eq("nowhere")), Count)?, 0);
    }
    let Some(store) = sold(suite, &[])? else { return Ok(()) };
    assert_eq!(store.aggregate(Sale::query().group_by(Sale::CITY), Count)?, [], "no records, no groups");
    Ok(())
}

/// In the order of the keys, text by bytes, nulls last in each of several.
pub fn semantics_4_8_groups_come_in_key_order_nulls_last<D: Folds>(suite: &Suite<D>) -> Result<()> {
    let of = |city: Option<&str>, paid: Option<bool>, pieces: i64| Sale {
        city: city.map(str::to_owned),
        paid,
        pieces: Some(pieces),
        ..Sale::default()
    };
    let sales = [
        of(None, None, 1),
        of(Some("b"), None, 2),
        of(Some("B"), Some(true), 3),
        of(None, Some(false), 4),
        of(Some("b"), Some(false), 5),
        of(Some("é"), Some(true), 6),
        of(None, None, 7),
        of(Some("b"), None, 8),
        of(Some(""), Some(true), 9),
    ];
    let Some(store) = sold(suite, &sales)? else { return Ok(()) };
    let text = |city: &str| Some(city.to_owned());
    let by_city = store.aggregate(Sale::query().group_by(Sale::CITY), (Count, Sale::PIECES.sum()))?;
    let wanted = [
        (text(""), (1, Some(9))),
        (text("B"), (1, Some(3))),
        (text("b"), (3, Some(15))),
        (text("é"), (1, Some(6))),
        (None, (3, Some(12))),
    ];
    assert_eq!(by_city, wanted);
    let by_both = store.aggregate(Sale::query().group_by((Sale::PAID, Sale::CITY)), Sale::PIECES.sum())?;
    let wanted = [
        ((Some(false), text("b")), Some(5)),
        ((Some(false), None), Some(4)),
        ((Some(true), text("")), Some(9)),
        ((Some(true), text("B")), Some(3)),
        ((Some(true), text("é")), Some(6)),
        ((None, text("b")), Some(10)),
        ((None, None), Some(8)),
    ];
    assert_eq!(by_both, wanted);
    Ok(())
}

/// A page of groups would be a page of records, so a limit is refused; a sort key changes nothing.
pub fn semantics_4_8_an_aggregate_has_no_page<D: Folds>(suite: &Suite<D>) -> Result<()> {
    let Some(store) = sold(suite, &pieces([Some(1), Some(2)]))? else { return Ok(()) };
    refused(store.aggregate(Sale::query().limit(1), Count), ErrorKind::Query, "a limit");
    refused(store.aggregate(Sale::query().offset(1), Count), ErrorKind::Query, "an offset");
    let sorted = Sale::query().sort(Key::desc("pieces"));
    assert_eq!(store.aggregate(sorted, (Count, Sale::PIECES.max()))?, (2, Some(2)));
    Ok(())
}

fn chance(random: &mut Random) -> Sale {
    let some = |random: &mut Random| !random.percent(25);
    Sale {
        city: some(random).then(|| (*random.pick(&["Oslo", "Bergen", "", "oslo"])).to_owned()),
        day: some(random)
            .then(|| Date::constant(2_024, 1, 1).saturating_add(jiff::Span::new().days(random.below(3) as i64))),
        pieces: some(random).then(|| *random.pick(&[i64::MIN, i64::MAX, -1, 0, 1, 2, 1 << 53])),
        serial: *random.pick(&[0, 1, u64::MAX]),
        small: some(random).then(|| random.below(100) as i16 - 50),
        weight: some(random).then(|| random.below(2_000_000) as f64 / 7.0 - 100_000.0),
        price: some(random)
            .then(|| Decimal::new(random.below(2_000_000) as i64 - 1_000_000, 1 + random.below(4) as u32)),
        paid: some(random).then(|| random.percent(50)),
    }
}

fn near(found: Option<f64>, wanted: Option<f64>, size: f64) -> bool {
    match (found, wanted) {
        (Some(found), Some(wanted)) => (found - wanted).abs() <= size * 1e-9,
        (found, wanted) => found == wanted,
    }
}

/// What a loop finds in these sales: count, sums, the ends of two fields, different cities.
type Naive = (u64, Option<i128>, Option<i128>, Option<Decimal>, Ends<i64>, Ends<Date>, u64);
type Ends<T> = (Option<T>, Option<T>);

fn naive(sales: &[&Sale]) -> Naive {
    let sum = |numbers: Vec<i128>| (!numbers.is_empty()).then(|| numbers.iter().sum());
    let pieces: Vec<i64> = sales.iter().filter_map(|s| s.pieces).collect();
    let prices: Vec<Decimal> = sales.iter().filter_map(|s| s.price).collect();
    let days: Vec<Date> = sales.iter().filter_map(|s| s.day).collect();
    let cities: std::collections::BTreeSet<_> = sales.iter().filter_map(|s| s.city.as_ref()).collect();
    (
        sales.len() as u64,
        sum(pieces.iter().map(|n| i128::from(*n)).collect()),
        sum(sales.iter().map(|s| i128::from(s.serial)).collect()),
        (!prices.is_empty()).then(|| prices.iter().sum()),
        (pieces.iter().min().copied(), pieces.iter().max().copied()),
        (days.iter().min().copied(), days.iter().max().copied()),
        cities.len() as u64,
    )
}

/// Random sales, whole and in groups of one and two fields, with and without a predicate.
pub fn semantics_4_8_random_sales_fold_as_a_loop_does<D: Folds>(suite: &Suite<D>) -> Result<()> {
    let seed = random::seed();
    let mut random = Random::new(seed);
    for _ in 0..random::rounds(12) {
        let many = *random.pick(&[1, 7, 40, 150]);
        let sales: Vec<Sale> = (0..many).map(|_| chance(&mut random)).collect();
        let Some(store) = sold(suite, &sales)? else { return Ok(()) };
        let some: Vec<&Sale> = sales.iter().filter(|s| s.small.is_none_or(|n| n < 0)).collect();
        let of = || {
            let ends = (Sale::PIECES.min(), Sale::PIECES.max());
            let days = (Sale::DAY.min(), Sale::DAY.max());
            (Count, Sale::PIECES.sum(), Sale::SERIAL.sum(), Sale::PRICE.sum(), ends, days, Sale::CITY.count_distinct())
        };
        let query = || Sale::query().filter(!Sale::SMALL.ge(0));
        assert_eq!(store.aggregate(query(), of())?, naive(&some), "DK_SEED={seed}");
        let weights: Vec<f64> = some.iter().filter_map(|s| s.weight).collect();
        let (sum, size) = (weights.iter().sum::<f64>(), weights.iter().map(|w| w.abs()).sum::<f64>());
        let sum = (!weights.is_empty()).then_some(sum);
        let (total, mean) = store.aggregate(query(), (Sale::WEIGHT.sum(), Sale::WEIGHT.avg()))?;
        assert!(near(total, sum, size), "DK_SEED={seed}: {total:?} should be {sum:?}");
        assert!(near(mean, sum.map(|sum| sum / weights.len() as f64), size), "DK_SEED={seed}: {mean:?}");
        let mut groups: BTreeMap<_, Vec<&Sale>> = BTreeMap::new();
        for sale in &some {
            // Nulls last.
            let key = (sale.city.is_none(), sale.city.clone(), sale.paid.is_none(), sale.paid);
            groups.entry(key).or_default().push(sale);
        }
        let wanted: Vec<_> = groups.into_iter().map(|((_, city, _, paid), s)| ((city, paid), naive(&s))).collect();
        let grouped = store.aggregate(query().group_by((Sale::CITY, Sale::PAID)), of())?;
        assert_eq!(grouped, wanted, "DK_SEED={seed}");
    }
    Ok(())
}
