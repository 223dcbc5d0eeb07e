//! Sums that can be parted and merged: exact for integers and decimals, compensated for floats. Pure arithmetic.

use rust_decimal::Decimal;

use crate::record::field_type::Number;

/// Why there is no answer: the sum does not fit its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow(pub &'static str);

/// A sum in the making.
pub trait Total: Default + Send {
    /// The type of the sum.
    type Sum: Send;
    /// The type of the mean.
    type Mean: Send;
    /// Adds another one.
    fn merge(&mut self, other: Self);
    /// The one that a sum in decimal text stands for; `None` where it does not fit.
    fn of_text(sum: &str) -> Option<Self>;
    /// The sum.
    ///
    /// # Errors
    /// Where it does not fit.
    fn sum(self) -> Result<Self::Sum, Overflow>;
    /// The sum divided by how many values it has, which is not zero.
    ///
    /// # Errors
    /// Where the sum does not fit.
    fn mean(self, count: u64) -> Result<Self::Mean, Overflow>;
}

/// A number that can be summed.
#[diagnostic::on_unimplemented(message = "`{Self}` cannot be summed", label = "only a number has a sum and a mean")]
pub trait Summed: Number {
    /// What it is summed in.
    type Total: Total;
    /// Adds a value.
    fn add_to(seen: Self::Ref<'_>, total: &mut Self::Total);
}

// ---- integers

/// A sum of integers in 128 bits.
///
/// `None` once it has overflowed, which takes 2^63 values of 64 bits: no order of any real data comes there.
#[derive(Clone, Copy, Debug)]
pub struct IntegerTotal(Option<i128>);

impl Default for IntegerTotal {
    fn default() -> Self {
        IntegerTotal(Some(0))
    }
}

impl IntegerTotal {
    #[inline]
    fn add(&mut self, value: i128) {
        self.0 = self.0.and_then(|sum| sum.checked_add(value));
    }
}

impl Total for IntegerTotal {
    type Sum = i128;
    type Mean = f64;
    fn of_text(sum: &str) -> Option<Self> {
        sum.parse().ok().map(|sum| IntegerTotal(Some(sum)))
    }
    fn merge(&mut self, other: Self) {
        self.0 = self.0.zip(other.0).and_then(|(a, b)| a.checked_add(b));
    }
    fn sum(self) -> Result<i128, Overflow> {
        self.0.ok_or(Overflow("the sum does not fit 128 bits"))
    }
    fn mean(self, count: u64) -> Result<f64, Overflow> {
        let (sum, count) = (self.sum()?, i128::from(count));
        Ok((sum / count) as f64 + (sum % count) as f64 / count as f64)
    }
}

macro_rules! integers { ($($native:ty),*) => { $(
    impl Summed for $native {
        type Total = IntegerTotal;
        #[inline]
        fn add_to(seen: $native, total: &mut IntegerTotal) { total.add(seen.into()); }
    }
)* }; }
integers!(i8, i16, i32, i64, u8, u16, u32, u64);

// ---- floats

/// A sum of floats with the digits kept that each addition loses (Neumaier's improvement of Kahan's summation): its error
/// does not grow with the number of values.
#[derive(Clone, Copy, Debug, Default)]
pub struct CompensatedTotal {
    sum: f64,
    lost: f64,
}

impl CompensatedTotal {
    #[inline]
    fn add(&mut self, value: f64) {
        let sum = self.sum + value;
        // The smaller of the two is the one that lost digits.
        self.lost += if self.sum.abs() >= value.abs() { (self.sum - sum) + value } else { (value - sum) + self.sum };
        self.sum = sum;
    }
}

impl Total for CompensatedTotal {
    type Sum = f64;
    type Mean = f64;
    fn of_text(sum: &str) -> Option<Self> {
        sum.parse().ok().filter(|sum: &f64| sum.is_finite()).map(|sum| CompensatedTotal { sum, lost: 0.0 })
    }
    fn merge(&mut self, other: Self) {
        self.add(other.sum);
        self.lost += other.lost;
    }
    fn sum(self) -> Result<f64, Overflow> {
        let sum = self.sum + self.lost;
        if sum.is_finite() { Ok(sum) } else { Err(Overflow("the sum is beyond the largest float")) }
    }
    fn mean(self, count: u64) -> Result<f64, Overflow> {
        Ok(self.sum()? / count as f64)
    }
}

macro_rules! floats { ($($native:ty),*) => { $(
    impl Summed for $native {
        type Total = CompensatedTotal;
        #[inline]
        fn add_to(seen: $native, total: &mut CompensatedTotal) { total.add(seen.into()); }
    }
)* }; }
floats!(f32, f64);

// ---- decimals

/// 10^28: the finest digit that a decimal has.
const FINEST: i128 = 10_i128.pow(Decimal::MAX_SCALE);

/// A sum of decimals, exact: whole parts and fractions apart, so that nothing is rounded while it grows.
#[derive(Clone, Copy, Debug)]
pub struct DecimalTotal {
    /// `None` once it has overflowed, which takes 2^31 values of the largest size.
    whole: Option<i128>,
    /// In units of 10^-28; less than one in absolute value.
    fraction: i128,
}

impl Default for DecimalTotal {
    fn default() -> Self {
        DecimalTotal { whole: Some(0), fraction: 0 }
    }
}

impl DecimalTotal {
    fn add(&mut self, value: Decimal) {
        let unit = 10_i128.pow(value.scale());
        let (whole, fraction) = (value.mantissa() / unit, value.mantissa() % unit);
        self.add_parts(whole, fraction * (FINEST / unit));
    }
    fn add_parts(&mut self, whole: i128, fraction: i128) {
        let fraction = self.fraction + fraction;
        let carried = whole.checked_add(fraction / FINEST);
        self.whole = self.whole.zip(carried).and_then(|(a, b)| a.checked_add(b));
        self.fraction = fraction % FINEST;
    }
    /// Whole part and fraction, of the same sign.
    fn parts(self) -> Result<(i128, i128), Overflow> {
        let whole = self.whole.ok_or(TOO_LARGE)?;
        Ok(match (whole.signum(), self.fraction.signum()) {
            (1, -1) => (whole - 1, self.fraction + FINEST),
            (-1, 1) => (whole + 1, self.fraction - FINEST),
            _ => (whole, self.fraction),
        })
    }
}

const TOO_LARGE: Overflow = Overflow("the sum has more digits than a decimal holds (96 bits)");

/// The decimal of a whole part and a fraction in units of 10^-28, exactly.
fn exact(whole: i128, mut fraction: i128) -> Result<Decimal, Overflow> {
    let mut scale = Decimal::MAX_SCALE;
    while scale > 0 && fraction % 10 == 0 {
        fraction /= 10;
        scale -= 1;
    }
    let mantissa = whole.checked_mul(10_i128.pow(scale)).and_then(|whole| whole.checked_add(fraction));
    let decimal = mantissa.and_then(|mantissa| Decimal::try_from_i128_with_scale(mantissa, scale).ok());
    decimal.ok_or(TOO_LARGE)
}

impl Total for DecimalTotal {
    type Sum = Decimal;
    type Mean = Decimal;
    fn of_text(sum: &str) -> Option<Self> {
        let mut total = DecimalTotal::default();
        total.add(Decimal::from_str_exact(sum).ok()?);
        Some(total)
    }
    fn merge(&mut self, other: Self) {
        match other.whole {
            Some(whole) => self.add_parts(whole, other.fraction),
            None => self.whole = None,
        }
    }
    fn sum(self) -> Result<Decimal, Overflow> {
        let (whole, fraction) = self.parts()?;
        exact(whole, fraction)
    }
    /// Rounded to the digits of a decimal; the sum itself may be larger than one.
    fn mean(self, count: u64) -> Result<Decimal, Overflow> {
        let (whole, fraction) = self.parts()?;
        let wide = i128::from(count);
        let (quotient, left) = (exact(whole / wide, 0)?, exact(whole % wide, 0)?);
        let rest = exact(0, fraction)?.checked_add(left).and_then(|rest| rest.checked_div(count.into()));
        rest.and_then(|rest| quotient.checked_add(rest)).ok_or(TOO_LARGE)
    }
}

impl Summed for Decimal {
    type Total = DecimalTotal;
    fn add_to(seen: Decimal, total: &mut DecimalTotal) {
        total.add(seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_integer_sum_past_128_bits_is_an_overflow() {
        let mut total = IntegerTotal(Some(i128::MAX));
        total.add(1);
        total.add(-1);
        assert!(total.sum().is_err(), "an overflow is not forgotten");
    }

    #[test]
    fn a_decimal_sum_goes_beyond_its_type_and_comes_back() {
        let mut total = DecimalTotal::default();
        [Decimal::MAX, Decimal::MAX, Decimal::MIN, Decimal::new(1, 28), Decimal::MIN]
            .into_iter()
            .for_each(|v| total.add(v));
        assert_eq!(total.sum(), Ok(Decimal::new(1, 28)));
        total.add(Decimal::MAX);
        assert_eq!(total.sum(), Err(TOO_LARGE), "rounding would be silent");
        assert!(total.mean(2).is_ok());
    }
}
