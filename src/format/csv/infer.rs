//! What an unquoted cell is taken for where no schema says it: the one rule of semantics 2.10. Pure.
//!
//! | cell | is |
//! |---|---|
//! | empty | null |
//! | `true`, `false` | bool |
//! | `-?(0\|[1-9][0-9]*)`, within `i64` or `u64` | integer |
//! | the same with `.[0-9]+`, an exponent, or both; see below | float |
//! | `YYYY-MM-DD`, a real day of the years 0001 to 9999 | date |
//! | `YYYY-MM-DDThh:mm:ss[.f]` with 1 to 9 digits `f`, and `Z` or `±hh:mm` | timestamp |
//! | `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`, hexadecimal in lower case | UUID |
//! | anything else | text |
//!
//! Nothing that is taken for another type loses anything by it. So `02`, `+1`, ` 1`, `1_000`, `.5`, `1.`, `NaN`, `inf`,
//! `True`, `1e999` and a time without a zone are text, an integer beyond 64 bits is text, and a number with a fraction
//! or an exponent is a float only where the shortest form of that float is the same number again: `1.10` is 1.1,
//! `1e22` is 1e22, but `0.1000000000000000055` is text. Whoever wants such columns as decimals gives a schema.

use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::format::timestamp;

/// What a cell is, decoded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Inferred {
    Null,
    Bool(bool),
    /// An integer that fits `i64`.
    Int(i64),
    /// An integer above `i64::MAX`.
    Uint(u64),
    Float(f64),
    Date(Date),
    Timestamp(Timestamp),
    Uuid(Uuid),
    Text,
}

/// What the unquoted cell `text` is taken for.
pub(crate) fn inferred(text: &str) -> Inferred {
    special(text).unwrap_or(Inferred::Text)
}

/// What `text` is if it is not text. Most text is told by its first byte.
fn special(text: &str) -> Option<Inferred> {
    match text.as_bytes() {
        [] => Some(Inferred::Null),
        b"true" => Some(Inferred::Bool(true)),
        b"false" => Some(Inferred::Bool(false)),
        [b'0'..=b'9', ..] if is_uuid(text) => uuid(text),
        [b'0'..=b'9', ..] => number(text).or_else(|| temporal(text)),
        [b'-', ..] => number(text),
        [b'a'..=b'f', ..] => uuid(text),
        _ => None,
    }
}

fn number(text: &str) -> Option<Inferred> {
    let parts = Parts::of(text)?;
    if parts.fraction.is_empty() && parts.exponent.is_empty() {
        return integer(text);
    }
    let float: f64 = text.parse().ok()?;
    (float.is_finite() && is_exact(&parts, float)).then_some(Inferred::Float(float))
}

fn integer(text: &str) -> Option<Inferred> {
    let int = text.parse().map(Inferred::Int);
    int.or_else(|_| text.parse().map(Inferred::Uint)).ok()
}

/// A number of JSON's grammar, taken apart. Fraction and exponent are empty where there is none.
#[derive(Clone, Copy)]
struct Parts<'a> {
    whole: &'a str,
    fraction: &'a str,
    exponent: &'a str,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (whole, rest) = digits(text.strip_prefix('-').unwrap_or(text))?;
        if whole.len() > 1 && whole.starts_with('0') {
            return None;
        }
        let (fraction, rest) = match rest.strip_prefix('.') {
            Some(rest) => digits(rest)?,
            None => ("", rest),
        };
        let exponent = match rest.strip_prefix(['e', 'E']) {
            Some(exponent) => exponent,
            None if rest.is_empty() => return Some(Self { whole, fraction, exponent: "" }),
            None => return None,
        };
        let (_, rest) = digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))?;
        rest.is_empty().then_some(Self { whole, fraction, exponent })
    }

    /// The digits without zeros at either end, and the power of ten of the last of them. Zero has no digits.
    fn normal(self) -> (impl Iterator<Item = u8> + Clone + use<'a>, i64) {
        let all = move || self.whole.bytes().chain(self.fraction.bytes());
        let total = self.whole.len() + self.fraction.len();
        let leading = all().take_while(|&digit| digit == b'0').count();
        let trailing = all().rev().take_while(|&digit| digit == b'0').count().min(total - leading);
        let exponent: i64 = if self.exponent.is_empty() { 0 } else { self.exponent.parse().unwrap_or(i64::MAX / 2) };
        let power = exponent.saturating_sub(self.fraction.len() as i64).saturating_add(trailing as i64);
        (all().skip(leading).take(total - leading - trailing), power)
    }
}

/// At least one digit, and what follows them.
fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Whether the shortest form of `float` is the same number as the text it was read from.
fn is_exact(parts: &Parts<'_>, float: f64) -> bool {
    let (digits, power) = parts.normal();
    let count = digits.clone().count();
    // Every decimal of up to 15 digits survives a normal double; the others are compared.
    if count <= 15 && (-300..=280).contains(&power) {
        return true;
    }
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(float);
    Parts::of(shortest).is_some_and(|parts| {
        let (shortest, same_power) = parts.normal();
        digits.eq(shortest) && (count == 0 || power == same_power)
    })
}

fn temporal(text: &str) -> Option<Inferred> {
    let date = date(text.get(..10)?)?;
    match text.get(10..)? {
        "" => Some(Inferred::Date(date)),
        time if is_time_with_zone(time.as_bytes()) => timestamp::read(text).map(Inferred::Timestamp),
        _ => None,
    }
}

fn date(text: &str) -> Option<Date> {
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = text.as_bytes() else { return None };
    let year = two(y0, y1)? * 100 + two(y2, y3)?;
    let (month, day) = (two(m0, m1)? as i8, two(d0, d1)? as i8);
    if year == 0 {
        return None;
    }
    Date::new(year, month, day).ok()
}

fn two(tens: &u8, ones: &u8) -> Option<i16> {
    let both = tens.is_ascii_digit() && ones.is_ascii_digit();
    both.then(|| i16::from(tens - b'0') * 10 + i16::from(ones - b'0'))
}

/// `Thh:mm:ss`, a fraction, a zone. Whether the hour exists is for the parser to say; leap seconds do not.
fn is_time_with_zone(text: &[u8]) -> bool {
    let [b'T', h0, h1, b':', m0, m1, b':', s0, s1, rest @ ..] = text else { return false };
    let second = two(s0, s1);
    let is_time = two(h0, h1).is_some() && two(m0, m1).is_some() && second.is_some_and(|second| second < 60);
    is_time && is_fraction_and_zone(rest)
}

fn is_fraction_and_zone(text: &[u8]) -> bool {
    let zone = match text.strip_prefix(b".") {
        None => text,
        Some(rest) => {
            let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            match length {
                1..=9 => &rest[length..],
                _ => return false,
            }
        }
    };
    match zone {
        b"Z" => true,
        [b'+' | b'-', h0, h1, b':', m0, m1] => two(h0, h1).is_some() && two(m0, m1).is_some(),
        _ => false,
    }
}

/// Whether hyphens stand where only those of a UUID do: no number has more than two, no date has one there.
fn is_uuid(text: &str) -> bool {
    let hyphen = |at: usize| text.as_bytes().get(at) == Some(&b'-');
    text.len() == 36 && [8, 13, 18, 23].into_iter().all(hyphen)
}

fn uuid(text: &str) -> Option<Inferred> {
    let hyphenated = is_uuid(text) && !text.bytes().any(|byte| byte.is_ascii_uppercase());
    hyphenated.then(|| text.parse().map(Inferred::Uuid).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_looks_like_a_number_but_is_not_written_like_one_stays_text() {
        let texts = [
            "02",
            "+1",
            " 1",
            "1 ",
            "1_000",
            "NaN",
            "inf",
            "-inf",
            "nan",
            "Infinity",
            ".5",
            "1.",
            "-",
            "-.5",
            "1e",
            "1e+",
            "0x10",
            "--1",
            "1.2.3",
            "1,5",
            "00",
            "-01",
            "01.5",
            "1e999",
            "-1e999",
            "1e-400",
            "١٢",
            "1\u{a0}",
            "18446744073709551616",
            "-9223372036854775809",
            "0.1000000000000000055",
            "9007199254740993.0",
            "1.2345e-322",
        ];
        for text in texts {
            assert_eq!(inferred(text), Inferred::Text, "{text:?}");
        }
    }

    #[test]
    fn numbers_are_numbers_to_their_last_digit() {
        let ints =
            [("0", 0), ("-0", 0), ("7", 7), ("-9223372036854775808", i64::MIN), ("9223372036854775807", i64::MAX)];
        for (text, int) in ints {
            assert_eq!(inferred(text), Inferred::Int(int), "{text}");
        }
        assert_eq!(inferred("18446744073709551615"), Inferred::Uint(u64::MAX));
        let floats = [
            ("0.5", 0.5),
            ("-0.5", -0.5),
            ("1.10", 1.1),
            ("1e22", 1e22),
            ("1E+2", 100.0),
            ("100e-2", 1.0),
            ("5e-324", 5e-324),
            ("1.7976931348623157e308", f64::MAX),
            ("2.2250738585072014e-308", f64::MIN_POSITIVE),
            ("0.0", 0.0),
            ("0e5", 0.0),
            ("0.30000000000000004", 0.30000000000000004),
            ("9007199254740992.0", 9007199254740992.0),
            ("0e999999", 0.0),
        ];
        for (text, float) in floats {
            assert_eq!(inferred(text), Inferred::Float(float), "{text}");
        }
    }

    #[test]
    fn words_days_and_moments_have_one_form_each() {
        assert_eq!(inferred(""), Inferred::Null);
        assert_eq!(inferred("true"), Inferred::Bool(true));
        assert_eq!(inferred("false"), Inferred::Bool(false));
        assert_eq!(inferred("2024-02-29"), Inferred::Date(jiff::civil::date(2024, 2, 29)));
        assert_eq!(inferred("0001-01-01"), Inferred::Date(jiff::civil::date(1, 1, 1)));
        assert_eq!(inferred("9999-12-31"), Inferred::Date(jiff::civil::date(9999, 12, 31)));
        let moment: Timestamp = "2024-02-29T10:20:30.123456Z".parse().unwrap();
        assert_eq!(inferred("2024-02-29T10:20:30.123456Z"), Inferred::Timestamp(moment));
        assert_eq!(inferred("2024-02-29T12:20:30.123456+02:00"), Inferred::Timestamp(moment));
        let uuid = "67e55044-10b1-426f-9247-bb680e5fe0c8";
        assert_eq!(inferred(uuid), Inferred::Uuid(uuid.parse().unwrap()));
        let texts = [
            "True",
            "TRUE",
            "t",
            "yes",
            "null",
            "NULL",
            "\\N",
            "2023-02-29",
            "2024-2-29",
            "0000-01-01",
            "2024-02-29 10:20:30Z",
            "2024-02-29T10:20:30",
            "2024-02-29t10:20:30z",
            "2024-02-29T10:20Z",
            "2024-02-29T24:00:00Z",
            "2024-02-29T10:20:60Z",
            "2024-02-29T10:20:30.Z",
            "2024-02-29T10:20:30.1234567890Z",
            "20240229",
            "2024-02-29T10:20:30+0200",
            "2024-060",
            "67E55044-10b1-426f-9247-bb680e5fe0c8",
            "67e5504410b1426f9247bb680e5fe0c8",
            "2024-02-29T10:20:30Z[UTC]",
        ];
        for text in texts.iter().filter(|&&text| text != "20240229") {
            assert_eq!(inferred(text), Inferred::Text, "{text:?}");
        }
        assert_eq!(inferred("20240229"), Inferred::Int(20240229));
    }

    proptest! {
        #[test]
        fn every_float_is_read_back_from_its_shortest_form(bits: u64) {
            let float = f64::from_bits(bits);
            prop_assume!(float.is_finite());
            let text = zmij::Buffer::new().format_finite(float).to_owned();
            prop_assert_eq!(inferred(&text), Inferred::Float(float));
        }

        #[test]
        fn a_float_is_taken_only_for_the_number_that_was_written(text in "-?(0|[1-9][0-9]{0,20})\\.[0-9]{1,22}(e-?[0-9]{1,2})?") {
            if let Inferred::Float(float) = inferred(&text) {
                let shortest = zmij::Buffer::new().format_finite(float).to_owned();
                let (digits, power) = Parts::of(&text).unwrap().normal();
                let (same, same_power) = Parts::of(&shortest).unwrap().normal();
                prop_assert!(digits.clone().eq(same));
                prop_assert!(power == same_power || digits.count() == 0);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            inferred(&text);
        }
    }
}
