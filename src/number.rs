//! Exact comparison between numbers of different kinds, without rounding (semantics 2.9). Pure functions.

use std::cmp::Ordering;

use rust_decimal::Decimal;

/// An integer against a float, by exact value; `None` against NaN.
#[inline]
pub(crate) fn cmp_int_float(int: i128, float: f64) -> Option<Ordering> {
    /// 2^127, which a float holds exactly.
    const LIMIT: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if float.is_nan() {
        return None;
    }
    if float >= LIMIT {
        return Some(Ordering::Less);
    }
    if float < -LIMIT {
        return Some(Ordering::Greater);
    }
    // In this range the whole part is an integer that converts exactly.
    let whole = float.trunc();
    Some(int.cmp(&(whole as i128)).then_with(|| 0.0_f64.partial_cmp(&(float - whole)).unwrap_or(Ordering::Equal)))
}

/// A decimal against an integer, by exact value.
pub(crate) fn cmp_decimal_int(decimal: Decimal, int: i128) -> Ordering {
    // A decimal has 96 bits before and after the point together, so its whole part always fits.
    let whole = decimal.trunc().mantissa();
    whole.cmp(&int).then_with(|| decimal.fract().cmp(&Decimal::ZERO))
}

/// A decimal against a float, by exact value; `None` against NaN.
pub(crate) fn cmp_decimal_float(decimal: Decimal, float: f64) -> Option<Ordering> {
    let by_whole = cmp_whole(decimal, float)?;
    if by_whole.is_ne() {
        return Some(by_whole);
    }
    Some(cmp_fractions(decimal.fract(), float.fract()))
}

/// The whole parts, cut toward zero.
fn cmp_whole(decimal: Decimal, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    cmp_int_float(decimal.trunc().mantissa(), float.trunc())
}

/// Two fractions of absolute value under one, of which either may be below zero.
fn cmp_fractions(mut decimal: Decimal, mut float: f64) -> Ordering {
    // Doubling both and comparing whole parts reads the fractions bit by bit: a float's doubling is exact, and a
    // decimal's fraction has at most 28 digits, so that its double has one bit more and never overflows.
    for _ in 0..1_100 {
        if decimal.is_zero() || float == 0.0 {
            break;
        }
        decimal *= Decimal::TWO;
        float *= 2.0;
        let by_whole = cmp_int_float(decimal.trunc().mantissa(), float.trunc()).unwrap_or(Ordering::Equal);
        if by_whole.is_ne() {
            return by_whole;
        }
        decimal = decimal.fract();
        float = float.fract();
    }
    let sign = |positive: bool| if positive { Ordering::Greater } else { Ordering::Less };
    match (decimal.is_zero(), float == 0.0) {
        (true, true) => Ordering::Equal,
        (true, false) => sign(float < 0.0),
        (false, _) => sign(decimal.is_sign_positive()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_floats_compare_without_rounding() {
        let two_53 = 1_i128 << 53;
        assert_eq!(cmp_int_float(two_53 + 1, two_53 as f64), Some(Ordering::Greater));
        assert_eq!(cmp_int_float(0, f64::MIN_POSITIVE), Some(Ordering::Less));
        assert_eq!(cmp_int_float(-1, -1.5), Some(Ordering::Greater));
        assert_eq!(cmp_int_float(i128::MAX, 1e308), Some(Ordering::Less));
        assert_eq!(cmp_int_float(i128::MIN, f64::NEG_INFINITY), Some(Ordering::Greater));
        assert_eq!(cmp_int_float(0, -0.0), Some(Ordering::Equal));
        assert_eq!(cmp_int_float(0, f64::NAN), None);
    }

    #[test]
    fn decimals_compare_by_exact_value() {
        let decimal = |text: &str| text.parse::<Decimal>().unwrap_or_default();
        assert_eq!(cmp_decimal_float(decimal("0.1"), 0.1), Some(Ordering::Less), "the float is a little more");
        assert_eq!(cmp_decimal_float(decimal("0.5"), 0.5), Some(Ordering::Equal));
        assert_eq!(cmp_decimal_float(decimal("-0.1"), -0.1), Some(Ordering::Greater));
        assert_eq!(cmp_decimal_float(decimal("0.25"), 0.125), Some(Ordering::Greater));
        assert_eq!(cmp_decimal_float(decimal("0"), f64::MIN_POSITIVE), Some(Ordering::Less));
        assert_eq!(cmp_decimal_int(decimal("-1.5"), -1), Ordering::Less);
        assert_eq!(cmp_decimal_int(decimal("2.0"), 2), Ordering::Equal);
        assert_eq!(cmp_decimal_int(Decimal::MAX, i128::MAX), Ordering::Less);
    }
}
