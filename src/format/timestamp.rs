//! Timestamps as text, RFC 3339 in UTC. The forms that nearly every file has are read and written here, in a fraction of the
//! time; anything else is left to [`jiff`].

use jiff::Timestamp;

/// The timestamp that a text is: RFC 3339, and whatever else `jiff` reads.
#[inline]
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    in_utc(text.as_bytes()).or_else(|| text.parse().ok())
}

/// Appends a moment in UTC, with as many digits as needed.
pub(crate) fn print(moment: Timestamp, out: &mut Vec<u8>) {
    let nanoseconds = moment.subsec_nanosecond();
    // Both have the sign of the moment, and a text counts its fraction forwards.
    let (seconds, nanoseconds) = match nanoseconds < 0 {
        true => (moment.as_second() - 1, nanoseconds + 1_000_000_000),
        false => (moment.as_second(), nanoseconds),
    };
    let (year, month, day) = date_of(seconds.div_euclid(86_400));
    if !(0..=9999).contains(&year) {
        out.extend_from_slice(moment.to_string().as_bytes());
        return;
    }
    // Short numbers are divided faster.
    let [year, month, day, of_day] = [year, month, day, seconds.rem_euclid(86_400)].map(|number| number as u32);
    let mut text = *b"0000-00-00T00:00:00.000000000Z";
    put_two(&mut text, 0, year / 100);
    put_two(&mut text, 2, year % 100);
    put_two(&mut text, 5, month);
    put_two(&mut text, 8, day);
    put_two(&mut text, 11, of_day / 3_600);
    put_two(&mut text, 14, of_day / 60 % 60);
    put_two(&mut text, 17, of_day % 60);
    let mut end = 19;
    let groups = [(20, nanoseconds / 1_000_000), (23, nanoseconds / 1_000 % 1_000), (26, nanoseconds % 1_000)];
    for (at, group) in groups.map(|(at, group)| (at, group as u32)) {
        if group != 0 {
            text[at] += (group / 100) as u8;
            put_two(&mut text, at + 1, group % 100);
            end = at + 3;
        }
    }
    if end > 19 {
        end -= text[..end].iter().rev().take_while(|digit| **digit == b'0').count();
    }
    text[end] = b'Z';
    out.extend_from_slice(&text[..=end]);
}

#[inline]
fn put_two(text: &mut [u8; 30], at: usize, number: u32) {
    text[at] += (number / 10) as u8;
    text[at + 1] += (number % 10) as u8;
}

/// Reads `YYYY-MM-DDThh:mm:ss`, a fraction of up to nine digits if there is one, and `Z`. Nothing for what is of another
/// form or no such moment.
fn in_utc(text: &[u8]) -> Option<Timestamp> {
    let (moment, rest) = text.split_first_chunk::<19>()?;
    let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1] = *moment else {
        return None;
    };
    let year = 100 * two_digits(y0, y1)? + two_digits(y2, y3)?;
    let (month, day) = (two_digits(m0, m1)?, two_digits(d0, d1)?);
    let (hour, minute, second) = (two_digits(h0, h1)?, two_digits(n0, n1)?, two_digits(s0, s1)?);
    let real = (1..=12).contains(&month)
        && (1..=days_of_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let seconds = 86_400 * days_since_1970(year, month, day) + 3_600 * hour + 60 * minute + second;
    let nanoseconds = nanoseconds(rest)?;
    if real { Timestamp::new(seconds, nanoseconds).ok() } else { None }
}

#[inline]
fn two_digits(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    if (tens < 10) & (ones < 10) { Some(i64::from(10 * tens + ones)) } else { None }
}

/// What stands behind the seconds: `Z`, or a fraction and `Z`.
#[inline]
fn nanoseconds(rest: &[u8]) -> Option<i32> {
    let [b'.', digits @ .., b'Z'] = rest else { return (rest == b"Z").then_some(0) };
    if !(1..=9).contains(&digits.len()) {
        return None;
    }
    let mut value = 0;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = 10 * value + i32::from(digit);
    }
    Some(value * 10_i32.pow(9 - digits.len() as u32))
}

fn days_of_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Counts years from March on, so that the leap day is the last of its year: <https://howardhinnant.github.io/date_algorithms.html>.
#[inline]
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + 365 * of_era + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The year, month and day of a day counted from 1970, by the same reckoning.
#[inline]
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + 400 * era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_days_of_all_years_are_those_that_jiff_knows() {
        for year in 0..=9_999 {
            for day in ["01-01", "02-28", "02-29", "03-01", "12-30", "12-31"] {
                let text = format!("{year:04}-{day}T00:00:00Z");
                let moment = in_utc(text.as_bytes());
                assert_eq!(moment, text.parse().ok(), "{text}");
                assert!(moment.is_none_or(|moment| printed(moment) == text), "{text}");
            }
        }
    }

    #[test]
    fn what_is_no_moment_is_left_alone() {
        for text in [
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "2024-04-31T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:60Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00.1234567890Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00+00:00",
            "2024-01-01 00:00:00Z",
            "2024-01-01t00:00:00z",
            "",
        ] {
            assert_eq!(in_utc(text.as_bytes()), None, "{text}");
        }
        assert_eq!(read("2024-01-01T01:00:00+01:00"), "2024-01-01T00:00:00Z".parse().ok());
        assert_eq!(read("2024-01-01T00:00:00.5Z").map(|t| t.subsec_nanosecond()), Some(500_000_000));
    }

    fn printed(moment: Timestamp) -> String {
        let mut text = Vec::new();
        print(moment, &mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn the_ends_of_time_are_printed() {
        for moment in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
            assert_eq!(printed(moment), moment.to_string());
        }
    }

    proptest! {
        #[test]
        fn every_moment_is_printed_as_it_is_elsewhere(
            seconds in Timestamp::MIN.as_second()..Timestamp::MAX.as_second(),
            nanoseconds in 0..1_000_000_000_i32,
            unit in prop::sample::select(vec![1, 1_000, 1_000_000, 10_000_000, 1_000_000_000]),
        ) {
            let moment = Timestamp::new(seconds, nanoseconds / unit * unit).unwrap();
            prop_assert_eq!(printed(moment), moment.to_string());
            prop_assert_eq!(read(&printed(moment)), Some(moment));
        }

        #[test]
        fn every_text_reads_as_it_does_elsewhere(
            text in "[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,10})?Z?|.{0,30}"
        ) {
            prop_assert_eq!(read(&text), text.parse().ok());
        }
    }
}
