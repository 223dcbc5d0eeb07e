//! `numeric` in its binary form, from and to plain decimal text. Exact in both directions; pure.

use std::fmt::Write;

/// Digits to the base 10,000, as the server keeps them.
const BASE_DIGITS: usize = 4;

/// Appends the binary form of a number written as `-12.340`: digits, at most one dot, a sign before them.
pub(super) fn encode(text: &str, out: &mut Vec<u8>) {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole = whole.trim_start_matches('0');
    let mut groups = whole_groups(whole);
    let weight = groups.len() as i32 - 1;
    groups.extend(fraction_groups(fraction));
    let leading = groups.iter().take_while(|digit| **digit == 0).count();
    let end = groups.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1);
    let groups = groups.get(leading..end).unwrap_or(&[]);
    let weight = if groups.is_empty() { 0 } else { weight - leading as i32 };
    let sign: u16 = if negative && !groups.is_empty() { 0x4000 } else { 0 };
    out.extend_from_slice(&(groups.len() as i16).to_be_bytes());
    out.extend_from_slice(&(weight as i16).to_be_bytes());
    out.extend_from_slice(&sign.to_be_bytes());
    out.extend_from_slice(&(fraction.len() as i16).to_be_bytes());
    groups.iter().for_each(|digit| out.extend_from_slice(&digit.to_be_bytes()));
}

fn whole_groups(digits: &str) -> Vec<i16> {
    let first = digits.len() % BASE_DIGITS;
    let (head, tail) = digits.as_bytes().split_at(first);
    let head = (!head.is_empty()).then(|| group(head, head.len()));
    head.into_iter().chain(tail.chunks(BASE_DIGITS).map(|chunk| group(chunk, BASE_DIGITS))).collect()
}

fn fraction_groups(digits: &str) -> impl Iterator<Item = i16> {
    digits.as_bytes().chunks(BASE_DIGITS).map(|chunk| group(chunk, BASE_DIGITS))
}

/// The digits as one number of this many places.
fn group(digits: &[u8], places: usize) -> i16 {
    (0..places).fold(0, |all, at| all * 10 + digits.get(at).map_or(0, |digit| i16::from(digit - b'0')))
}

/// The plain decimal text of a binary number; `None` for NaN, infinities and what is damaged.
pub(super) fn decode(raw: &[u8]) -> Option<String> {
    let word = |at: usize| raw.get(at..at + 2).map(|b| u16::from_be_bytes([b[0], b[1]]));
    let (count, weight, sign, scale) = (word(0)?, word(2)? as i16, word(4)?, usize::from(word(6)?));
    if !matches!(sign, 0 | 0x4000) || raw.len() != 8 + 2 * usize::from(count) {
        return None;
    }
    let digit = |place: i32| match usize::try_from(place) {
        Ok(place) if place < usize::from(count) => word(8 + 2 * place).unwrap_or(0),
        _ => 0,
    };
    let mut text = String::with_capacity(8 + scale);
    if sign == 0x4000 {
        text.push('-');
    }
    let weight = i32::from(weight);
    let mut whole = String::new();
    for place in 0..=weight {
        let _ = write!(whole, "{:04}", digit(place));
    }
    let whole = whole.trim_start_matches('0');
    text.push_str(if whole.is_empty() { "0" } else { whole });
    if scale > 0 {
        let mut fraction = String::new();
        let groups = scale.div_ceil(BASE_DIGITS) as i32;
        for place in weight + 1..weight + 1 + groups {
            let _ = write!(fraction, "{:04}", digit(place));
        }
        text.push('.');
        text.push_str(fraction.get(..scale)?);
    }
    Some(text)
}

/// How many digits of a binary number stand before its point, and how many behind it, without zeros at either end: of 0.05
/// they are -1 and 2, of 1200 they are 4 and -2. `None` for zero, and for what is damaged.
pub(super) fn extent(raw: &[u8]) -> Option<(i32, i32)> {
    let weight = i32::from(i16::from_be_bytes([*raw.get(2)?, *raw.get(3)?]));
    let groups = raw.get(8..)?.chunks_exact(2).map(|pair| i32::from(pair[0]) << 8 | i32::from(pair[1]));
    let mut there = groups.zip(0..).filter(|(group, _)| *group != 0);
    let (first, above) = there.next()?;
    let (last, below) = there.last().unwrap_or((first, above));
    let exponent = |at: i32| (weight - at) * BASE_DIGITS as i32;
    let digits = (1..=BASE_DIGITS as i32).take_while(|places| first >= 10_i32.pow(*places as u32 - 1)).count() as i32;
    let zeros = (1..BASE_DIGITS as u32).take_while(|places| last % 10_i32.pow(*places) == 0).count() as i32;
    Some((exponent(above) + digits, -exponent(below) - zeros))
}

/// The exact decimal text of a finite float.
pub(super) fn text_of_float(value: f64) -> String {
    // No double has more digits behind the point than that.
    const MAX_FRACTION: usize = 1_074;
    let text = if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.MAX_FRACTION$}") };
    match text.contains('.') {
        true => text.trim_end_matches('0').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round(text: &str) -> Option<String> {
        let mut raw = Vec::new();
        encode(text, &mut raw);
        decode(&raw)
    }

    #[test]
    fn numbers_survive_with_their_scale() {
        for text in [
            "0",
            "1",
            "-1",
            "10000",
            "1.10",
            "0.0001",
            "-0.00000001",
            "79228162514264337593543950335",
            "123456789.000100",
        ] {
            assert_eq!(round(text).as_deref(), Some(text));
        }
        assert_eq!(round("0.00").as_deref(), Some("0.00"));
        assert_eq!(round("-0.0").as_deref(), Some("0.0"));
        assert_eq!(round(&u64::MAX.to_string()).as_deref(), Some("18446744073709551615"));
    }

    #[test]
    fn what_is_no_finite_number_is_none() {
        assert_eq!(decode(&[0, 0, 0, 0, 0xc0, 0, 0, 0]), None);
        assert_eq!(decode(&[0, 1, 0, 0, 0, 0]), None);
    }

    #[test]
    fn floats_have_an_exact_text() {
        assert_eq!(text_of_float(0.5), "0.5");
        assert_eq!(text_of_float(1e22), "10000000000000000000000");
        assert!(text_of_float(0.1).starts_with("0.1000000000000000055511151231257827"));
        assert_eq!(text_of_float(5e-324).len(), 2 + 1_074);
    }

    #[test]
    fn the_extent_of_a_number_has_no_zeros_at_its_ends() {
        let extent = |text: &str| {
            let mut raw = Vec::new();
            encode(text, &mut raw);
            super::extent(&raw)
        };
        for (text, found) in [
            ("0", None),
            ("0.00", None),
            ("7", Some((1, 0))),
            ("1200", Some((4, -2))),
            ("-12000000", Some((8, -6))),
            ("1.50", Some((1, 1))),
            ("0.05", Some((-1, 2))),
            ("0.0000012", Some((-5, 7))),
            ("123456789.000100", Some((9, 4))),
        ] {
            assert_eq!(extent(text), found, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_decimal_survives(whole in "(0|[1-9][0-9]{0,30})", fraction in "(\\.[0-9]{1,30})?", minus: bool) {
            let text = format!("{whole}{fraction}");
            let zero = text.bytes().all(|b| matches!(b, b'0' | b'.'));
            let text = if minus && !zero { format!("-{text}") } else { text };
            prop_assert_eq!(round(&text), Some(text));
        }
    }
}
