//! Exact comparison between numbers of different kinds, without rounding (semantics 2.9). Pure functions.
//!
//! A float stands for the one number that its bits say, not for the short text that it prints as: the float `0.1` is a little
//! more than the decimal 0.1. Hashes do not follow these equalities.

use std::cmp::Ordering;

use rust_decimal::Decimal;

/// An integer against a float, by exact value; `None` against NaN.
#[inline]
pub(crate) fn cmp_int_float(int: i128, float: f64) -> Option<Ordering> {
    /// Up to 2^53 every integer is a float, so nothing is rounded; and it fits an `i64`, which the processor converts.
    const EXACT: u128 = 1 << f64::MANTISSA_DIGITS;
    if int.unsigned_abs() <= EXACT { (int as i64 as f64).partial_cmp(&float) } else { cmp_large_int_float(int, float) }
}

fn cmp_large_int_float(int: i128, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    Some(match whole_part(float) {
        Ok(whole) => int.cmp(&whole).then_with(|| 0.0_f64.total_cmp(&positive_zero(float.fract()))),
        Err(beyond) => beyond,
    })
}

/// A decimal against an integer, by exact value.
pub(crate) fn cmp_decimal_int(decimal: Decimal, int: i128) -> Ordering {
    let (whole, fraction, _) = parts(decimal);
    whole.cmp(&int).then(fraction.cmp(&0))
}

/// A decimal against a float, by exact value; `None` against NaN.
pub(crate) fn cmp_decimal_float(decimal: Decimal, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    let (whole, fraction, unit) = parts(decimal);
    Some(match whole_part(float) {
        // Cutting toward zero never swaps two numbers, so unlike whole parts decide.
        Ok(other) => whole.cmp(&other).then_with(|| cmp_fractions(fraction, unit, float.fract())),
        Err(beyond) => beyond,
    })
}

/// Two floats in the order of sorting: by value, -0.0 equal to 0.0, and NaN, which no record holds, after all others.
#[inline]
pub(crate) fn order_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// The float cut toward zero, or how every `i128` compares with a float that is beyond them all. Not for NaN.
fn whole_part(float: f64) -> Result<i128, Ordering> {
    /// 2^127, which a float holds exactly.
    const LIMIT: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    match float {
        above if above >= LIMIT => Err(Ordering::Less),
        below if below < -LIMIT => Err(Ordering::Greater),
        // An integer in this range converts exactly.
        within => Ok(within.trunc() as i128),
    }
}

/// The whole part of a decimal, and the rest in units of 1 / `unit`. Both have the sign of the decimal or are zero.
fn parts(decimal: Decimal) -> (i128, i128, i128) {
    // A decimal is 96 bits over a power of ten up to 10^28, so all three are far inside an `i128`.
    let unit = 10_i128.pow(decimal.scale());
    (decimal.mantissa() / unit, decimal.mantissa() % unit, unit)
}

/// `fraction / unit` against `float`, both of absolute value under one.
fn cmp_fractions(fraction: i128, unit: i128, float: f64) -> Ordering {
    let (sign, other_sign) = (fraction.cmp(&0), positive_zero(float).total_cmp(&0.0));
    let absolute = || cmp_digits(fraction.unsigned_abs(), unit.unsigned_abs(), float.abs());
    match sign {
        _ if sign != other_sign => sign.cmp(&other_sign),
        Ordering::Less => absolute().reverse(),
        Ordering::Equal => Ordering::Equal,
        Ordering::Greater => absolute(),
    }
}

/// Compares `fraction / unit` with `float`, both from zero to under one, digit by digit to the base 2^32.
///
/// Each digit takes 32 bits of the float away for good, so the loop ends after at most 34 of them.
fn cmp_digits(mut fraction: u128, unit: u128, mut float: f64) -> Ordering {
    const BITS: u32 = 32;
    const BASE: f64 = (1_u64 << BITS) as f64;
    while float > 0.0 {
        // Below 2^94 · 2^32, because the unit is at most 10^28.
        fraction <<= BITS;
        // Scaling by a power of two is exact, for subnormal floats too.
        float *= BASE;
        let by_digit = (fraction / unit).cmp(&(float as u128));
        if by_digit.is_ne() {
            return by_digit;
        }
        fraction %= unit;
        float = float.fract();
    }
    fraction.cmp(&0)
}

/// -0.0 as 0.0, so that the total order of the bits is the order of the values.
fn positive_zero(float: f64) -> f64 {
    float + 0.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LESS: Option<Ordering> = Some(Ordering::Less);
    const EQUAL: Option<Ordering> = Some(Ordering::Equal);
    const GREATER: Option<Ordering> = Some(Ordering::Greater);

    fn decimal(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    /// semantics 2.9
    #[test]
    fn integers_and_floats_compare_without_rounding() {
        const TWO_53: i128 = 1 << 53;
        for (int, float, expected) in [
            (TWO_53 + 1, TWO_53 as f64, GREATER),
            (TWO_53, TWO_53 as f64, EQUAL),
            (-TWO_53 - 1, -TWO_53 as f64, LESS),
            (u64::MAX.into(), u64::MAX as f64, LESS),
            (i64::MAX.into(), i64::MAX as f64, LESS),
            (i64::MIN.into(), i64::MIN as f64, EQUAL),
            (0, f64::MIN_POSITIVE, LESS),
            (0, -5e-324, GREATER),
            (-1, -1.5, GREATER),
            (1, 1.5, LESS),
            (0, -0.0, EQUAL),
            (TWO_53 + 1, -0.0, GREATER),
            (TWO_53 + 1, 0.5, GREATER),
            (i128::MAX, i128::MAX as f64, LESS),
            (i128::MIN, i128::MIN as f64, EQUAL),
            (i128::MAX, 1e308, LESS),
            (i128::MIN, -1e308, GREATER),
            (i128::MAX, f64::INFINITY, LESS),
            (i128::MIN, f64::NEG_INFINITY, GREATER),
            (7, f64::INFINITY, LESS),
            (7, f64::NAN, None),
            (i128::MAX, f64::NAN, None),
        ] {
            assert_eq!(cmp_int_float(int, float), expected, "{int} against {float:e}");
        }
    }

    /// semantics 2.9
    #[test]
    fn decimals_and_floats_compare_by_exact_value() {
        for (text, float, expected) in [
            // The float is 0.1000000000000000055511151231257827…
            ("0.1", 0.1, LESS),
            ("-0.1", -0.1, GREATER),
            ("0.1000000000000000055511151231", 0.1, LESS),
            ("0.1000000000000000055511151232", 0.1, GREATER),
            // The float is 0.299999999999999988897769753748…
            ("0.3", 0.3, GREATER),
            ("1.1", 1.1, LESS),
            ("0.5", 0.5, EQUAL),
            ("0.500", 0.5, EQUAL),
            ("-2.25", -2.25, EQUAL),
            ("0.25", 0.125, GREATER),
            ("-0.5", 0.25, LESS),
            ("0.5", -0.75, GREATER),
            ("0", -0.0, EQUAL),
            ("-0.00", 0.0, EQUAL),
            ("0", f64::MIN_POSITIVE, LESS),
            ("0", -5e-324, GREATER),
            ("0.0000000000000000000000000001", f64::MIN_POSITIVE, GREATER),
            ("0.0000000000000000000000000001", 1e-28, GREATER),
            ("-0.0000000000000000000000000001", 5e-324, LESS),
            ("9007199254740993", 9_007_199_254_740_992.0, GREATER),
            ("79228162514264337593543950335", 79_228_162_514_264_337_593_543_950_336.0, LESS),
            ("79228162514264337593543950335", 1e308, LESS),
            ("-79228162514264337593543950335", f64::MIN, GREATER),
            ("1", f64::INFINITY, LESS),
            ("1", f64::NAN, None),
        ] {
            assert_eq!(cmp_decimal_float(decimal(text), float), expected, "{text} against {float:e}");
        }
    }

    /// semantics 2.9
    #[test]
    fn decimals_and_integers_compare_by_exact_value() {
        for (text, int, expected) in [
            ("-1.5", -1, LESS),
            ("-0.5", 0, LESS),
            ("0.5", 0, GREATER),
            ("-0.0", 0, EQUAL),
            ("2.00", 2, EQUAL),
            ("1.9999999999999999999999999999", 2, LESS),
            ("79228162514264337593543950335", 79_228_162_514_264_337_593_543_950_335, EQUAL),
            ("79228162514264337593543950335", i128::MAX, LESS),
            ("-79228162514264337593543950335", i128::MIN, GREATER),
        ] {
            assert_eq!(Some(cmp_decimal_int(decimal(text), int)), expected, "{text} against {int}");
        }
    }

    #[test]
    fn floats_sort_totally() {
        let mut floats = [f64::NAN, 1.0, f64::INFINITY, -f64::NAN, -1e308, 5e-324, f64::NEG_INFINITY];
        floats.sort_by(|a, b| order_floats(*a, *b));
        assert_eq!(floats[..5], [f64::NEG_INFINITY, -1e308, 5e-324, 1.0, f64::INFINITY]);
        assert_eq!(order_floats(-0.0, 0.0), Ordering::Equal);
        assert_eq!(order_floats(f64::NAN, -f64::NAN), Ordering::Equal);
    }

    /// A non-negative integer of any size, in words of 32 bits, lowest first: enough of one to be the judge here.
    #[derive(Clone, PartialEq, Eq)]
    struct Big(Vec<u32>);

    impl Big {
        fn new(mut number: u128) -> Self {
            let mut words = Vec::new();
            while number > 0 {
                words.push(number as u32);
                number >>= 32;
            }
            Big(words)
        }

        fn times(mut self, factor: u32, count: u32) -> Self {
            for _ in 0..count {
                let mut carry = 0;
                for word in &mut self.0 {
                    carry += u64::from(*word) * u64::from(factor);
                    *word = carry as u32;
                    carry >>= 32;
                }
                if carry > 0 {
                    self.0.push(carry as u32);
                }
            }
            self
        }

        fn cmp(&self, other: &Big) -> Ordering {
            self.0.len().cmp(&other.0.len()).then_with(|| self.0.iter().rev().cmp(other.0.iter().rev()))
        }
    }

    /// `mantissa / 10^scale` against a finite float, both brought to integers: m · 2^k against n · 10^scale · 2^e.
    fn judge(mantissa: i128, scale: u32, float: f64) -> Option<Ordering> {
        let bits = float.abs().to_bits();
        let (exponent, fraction) = ((bits >> 52) as u32, bits & ((1 << 52) - 1));
        let normal = exponent > 0;
        let significand = fraction | u64::from(normal) << 52;
        let power = exponent.max(1).cast_signed() - 1075;
        let left = Big::new(mantissa.unsigned_abs()).times(2, power.min(0).unsigned_abs());
        let right = Big::new(significand.into()).times(10, scale).times(2, power.max(0).cast_unsigned());
        let signs = (mantissa.signum(), if significand == 0 { 0 } else { float.signum() as i128 });
        Some(match signs {
            (a, b) if a != b => a.cmp(&b),
            (-1, _) => right.cmp(&left),
            _ => left.cmp(&right),
        })
    }

    /// Every finite float, by its bits, and those near numbers that people write.
    fn floats() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |float| float.is_finite()),
            (-1000_i32..1000, 1..1000_i32).prop_map(|(a, b)| f64::from(a) / f64::from(b)),
            (any::<i64>(), 0..40_i32).prop_map(|(a, power)| a as f64 / 2_f64.powi(power)),
        ]
    }

    /// Floats one step around `near`, which are where rounding would show.
    fn around(near: f64) -> [f64; 4] {
        [near, near.next_up(), near.next_down(), -near]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// semantics 2.9
        #[test]
        fn integers_against_floats_agree_with_big_integers(int in any::<i128>(), shift in 0..127_u32, float in floats()) {
            let int = int >> shift;
            for float in around(int as f64).into_iter().chain([float]) {
                prop_assert_eq!(cmp_int_float(int, float), judge(int, 0, float), "{} against {:e}", int, float);
            }
            let whole = (float.trunc() as i128).saturating_add(1);
            prop_assert_eq!(cmp_int_float(whole, float), judge(whole, 0, float), "{} against {:e}", whole, float);
        }

        /// semantics 2.9
        #[test]
        fn decimals_against_floats_agree_with_big_integers(
            mantissa in -(1_i128 << 96) + 1..1 << 96, shift in 0..96_u32, scale in 0..=28_u32, float in floats(),
        ) {
            let mantissa = mantissa >> shift;
            let decimal = Decimal::from_i128_with_scale(mantissa, scale);
            let near: f64 = decimal.to_string().parse().unwrap();
            for float in around(near).into_iter().chain([float]) {
                prop_assert_eq!(cmp_decimal_float(decimal, float), judge(mantissa, scale, float), "{} against {:e}", decimal, float);
            }
        }

        /// semantics 2.9
        #[test]
        fn decimals_against_the_floats_that_they_hold_exactly_are_equal(numerator in -(1_i64 << 53)..1 << 53, power in 0..20_u32) {
            // numerator / 2^power = numerator · 5^power / 10^power
            if let Some(mantissa) = i128::from(numerator).checked_mul(5_i128.pow(power)).filter(|m| m.unsigned_abs() < 1 << 96) {
                let decimal = Decimal::from_i128_with_scale(mantissa, power);
                prop_assert_eq!(cmp_decimal_float(decimal, numerator as f64 / 2_f64.powi(power.cast_signed())), EQUAL);
            }
        }

        /// semantics 2.9
        #[test]
        fn decimals_against_integers_agree_with_big_integers(mantissa in -(1_i128 << 96) + 1..1 << 96, scale in 0..=28_u32, step in -1..=1_i128) {
            let int = mantissa / 10_i128.pow(scale) + step;
            let scaled = int.checked_mul(10_i128.pow(scale));
            prop_assume!(scaled.is_some());
            let decimal = Decimal::from_i128_with_scale(mantissa, scale);
            prop_assert_eq!(Some(cmp_decimal_int(decimal, int)), scaled.map(|scaled| mantissa.cmp(&scaled)));
        }
    }
}
