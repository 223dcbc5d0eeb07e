//! Ids in keys of the server's own types. An id is a text (semantics 1.1), so each value of such a key has one text: dates and
//! moments as ISO 8601 writes them, in UTC and with as many digits as needed; numbers plain, without zeros that say nothing;
//! `true` and `false`; bytes in lower-case hexadecimal behind `\x`. No row has an id of any other text. Pure.

use std::fmt::Write;

use jiff::{Timestamp, civil::Date};

use super::{
    fold::{self, Literal},
    numeric,
    schema::literal as quoted,
    wire::{self, Kind, Scalar},
};
use crate::{
    id::{Id, IdBuffer},
    record::Type,
    value::Value,
};

/// What stands before bytes.
const BYTES: &str = "\\x";

/// Whether ids lie in columns of this kind as values of its own, and no type of field is declared as such an id.
pub(super) fn is_foreign(kind: Kind) -> bool {
    let scalars = [Scalar::Bool, Scalar::Numeric, Scalar::Bytea, Scalar::TimestampTz, Scalar::Timestamp, Scalar::Date];
    !kind.array && scalars.contains(&kind.scalar)
}

/// The value of a key that has this text; `None` where no row can have it.
pub(super) fn literal(text: &str, scalar: Scalar) -> Option<Literal> {
    match scalar {
        Scalar::Numeric => is_plain(text).then(|| Literal::Numeric(text.to_owned())),
        scalar => fold::exactly(&value(text, scalar)?, scalar, &Type::Any),
    }
}

/// The same as the value of a field.
pub(super) fn value(text: &str, scalar: Scalar) -> Option<Value> {
    let value = match scalar {
        Scalar::Text => return Some(Value::Text(text.to_owned())),
        Scalar::Uuid => Value::Uuid(text.parse().ok()?),
        Scalar::Bool => Value::Bool(text.parse().ok()?),
        Scalar::Int2 | Scalar::Int4 | Scalar::Int8 => Value::Int(text.parse().ok()?),
        Scalar::Numeric => Value::Decimal(text.parse().ok()?),
        Scalar::Bytea => Value::Bytes(bytes(text)?),
        Scalar::TimestampTz | Scalar::Timestamp => Value::Timestamp(text.parse::<Timestamp>().ok()?),
        Scalar::Date => Value::Date(text.parse::<Date>().ok()?),
        Scalar::Float4 | Scalar::Float8 | Scalar::Json | Scalar::Jsonb => return None,
    };
    // Much else can be read as one of them.
    (self::text(&value)? == text).then_some(value)
}

/// The text of a value; `None` of what is no key.
pub(super) fn text(value: &Value) -> Option<String> {
    Some(match value {
        Value::Text(v) => v.clone(),
        Value::Uuid(v) => v.to_string(),
        Value::Bool(v) => v.to_string(),
        Value::Int(v) => v.to_string(),
        Value::Decimal(v) => trimmed(&v.to_string()).to_owned(),
        Value::Bytes(v) => hexadecimal(v),
        Value::Timestamp(v) => v.to_string(),
        Value::Date(v) => v.to_string(),
        _ => return None,
    })
}

/// The id that a key holds; `None` for what no id can be: infinity, and what is too long.
pub(super) fn id(scalar: Scalar, raw: &[u8]) -> Option<Id> {
    let text = match (scalar, raw) {
        (Scalar::Bool, [byte]) => (*byte != 0).to_string(),
        (Scalar::Numeric, raw) => trimmed(&numeric::decode(raw)?).to_owned(),
        (Scalar::Bytea, raw) if raw.len() < Id::MAX_BYTES => hexadecimal(raw),
        (Scalar::TimestampTz | Scalar::Timestamp, raw) => {
            wire::moment_of(i64::from_be_bytes(raw.try_into().ok()?))?.to_string()
        }
        (Scalar::Date, raw) => wire::date_of(i32::from_be_bytes(raw.try_into().ok()?))?.to_string(),
        _ => return None,
    };
    Id::try_from(text).ok()
}

/// The value of a key that has this id.
pub(super) fn literal_of(id: &Id, scalar: Scalar) -> Option<Literal> {
    literal(id.text(&mut IdBuffer::new()), scalar)
}

/// The expression of a key as the text of its id.
pub(super) fn text_sql(sql: &str, scalar: Scalar) -> String {
    let text = match scalar {
        Scalar::Text => return sql.to_owned(),
        Scalar::Numeric => format!("trim_scale({sql})::text"),
        Scalar::Bytea => format!("({} || encode({sql}, 'hex'))", quoted(BYTES)),
        Scalar::Date => format!("({} || to_char({sql}, '-MM-DD'))", year(sql)),
        Scalar::TimestampTz => return text_sql(&format!("timezone('UTC', {sql})"), Scalar::Timestamp),
        Scalar::Timestamp => {
            let rest = format!("to_char({sql}, '-MM-DD\"T\"HH24:MI:SS.US')");
            format!("({} || rtrim(rtrim({rest}, '0'), '.') || 'Z')", year(sql))
        }
        _ => format!("{sql}::text"),
    };
    format!("({text} COLLATE \"C\")")
}

/// The year as ISO 8601 writes it. The server counts none between -1 and 1.
fn year(sql: &str) -> String {
    format!(
        "CASE WHEN {sql} >= make_date(1, 1, 1) THEN to_char({sql}, 'YYYY') WHEN {sql} >= make_date(-1, 1, 1) THEN '0000' \
         ELSE '-' || lpad((-1 - extract(year FROM {sql})::int)::text, 6, '0') END"
    )
}

/// A number without zeros behind its point that say nothing.
fn trimmed(number: &str) -> &str {
    let number = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    if number == "-0" { "0" } else { number }
}

/// Whether a text is a number as it is printed: no plus, no zeros that say nothing, no exponent.
fn is_plain(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    let good_fraction = fraction.is_none_or(|rest| all_digits(rest) && !rest.ends_with('0'));
    all_digits(whole) && !leading_zero && good_fraction && text != "-0"
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(BYTES.len() + 2 * bytes.len());
    text.push_str(BYTES);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix(BYTES)?.as_bytes();
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let byte = |pair: &[u8]| u8::try_from(digit(pair.first()?)? * 16 + digit(pair.get(1)?)?).ok();
    digits.chunks(2).map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_text() {
        let is = |text: &str, scalar: Scalar| literal(text, scalar).is_some();
        for (scalar, good, bad) in [
            (Scalar::Bool, vec!["true", "false"], vec!["t", "TRUE", "1", ""]),
            (
                Scalar::Numeric,
                vec!["0", "-1", "1.5", "-0.05", "100", "123456789012345678901234567890123456789.5"],
                vec!["1.50", "01", "+1", "-0", "1.", ".5", "1e3", "NaN", "-", "0.0", "1.0", ""],
            ),
            (Scalar::Bytea, vec!["\\x", "\\x00ff"], vec!["00ff", "\\x0", "\\x00FF", "\\xgg", "\\x+f", ""]),
            (
                Scalar::Date,
                vec!["2024-02-29", "0001-01-01", "0000-12-31", "-000001-01-01", "9999-12-31"],
                vec!["2024-2-29", "2023-02-29", "20240229", "2024-02-29T00:00:00", "-005000-01-01", "infinity"],
            ),
            (
                Scalar::TimestampTz,
                vec!["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5Z", "-000001-01-01T00:00:00.000001Z"],
                vec![
                    "2024-01-01T00:00:00+00:00",
                    "2024-01-01 00:00:00Z",
                    "2024-01-01T00:00:00.50Z",
                    "2024-01-01T00:00:00.0000001Z",
                ],
            ),
            (Scalar::Int4, vec!["7", "-7"], vec!["07", "+7", "2147483648"]),
        ] {
            assert!(good.iter().all(|text| is(text, scalar)), "{scalar:?}");
            assert!(!bad.iter().any(|text| is(text, scalar)), "{scalar:?}");
        }
    }

    #[test]
    fn a_key_comes_back_from_its_id() {
        for (scalar, text) in [
            (Scalar::Bool, "false"),
            (Scalar::Numeric, "-12345.678"),
            (Scalar::Numeric, "42"),
            (Scalar::Bytea, "\\x"),
            (Scalar::Bytea, "\\xdeadbeef"),
            (Scalar::Date, "-000001-01-01"),
            (Scalar::Timestamp, "2024-01-01T00:00:00.5Z"),
        ] {
            let mut out = wire::Values::default();
            literal(text, scalar).expect(text).push(scalar, &mut out);
            let raw = out.iter().next().and_then(|param| param.0).expect("a value").to_vec();
            assert_eq!(id(scalar, &raw), Id::new(text).ok(), "{text}");
        }
        let mut zeros = wire::Values::default();
        zeros.numeric("1.500");
        assert_eq!(id(Scalar::Numeric, &zeros.bytes[4..]), Id::new("1.5").ok());
    }
}
