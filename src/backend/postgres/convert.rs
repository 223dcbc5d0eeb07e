//! How the values of a column become those of another type, in SQL that runs as it is: what `ALTER TABLE` needs where the server has no
//! cast of its own. Pure.

use super::{
    schema::Column,
    wire::{Kind, Scalar},
};

/// Whether every value of one kind is one of the other.
pub(super) fn widens(from: Kind, to: Kind) -> bool {
    let rank = |scalar: Scalar| match scalar {
        Scalar::Int2 => Some((0, 0)),
        Scalar::Int4 => Some((0, 1)),
        Scalar::Int8 => Some((0, 2)),
        Scalar::Numeric => Some((0, 3)),
        Scalar::Float4 => Some((1, 0)),
        Scalar::Float8 => Some((1, 1)),
        _ => None,
    };
    let wider = rank(from.scalar).zip(rank(to.scalar)).is_some_and(|(a, b)| a.0 == b.0 && a.1 < b.1);
    from.array == to.array && (wider || from == to)
}

/// The type of a column as it is declared.
pub(super) fn declared(kind: Kind) -> String {
    let collation = if kind.scalar == Scalar::Text { " COLLATE \"C\"" } else { "" };
    format!("{}{collation}", kind.sql())
}

/// The statements that give a column another type. `filled` says that the server has a value for it where none is given, which may
/// be none of the new type.
pub(super) fn retyped(table: &str, column: &Column, from: Option<Kind>, filled: bool) -> String {
    let (to, required, column) = (column.kind, !column.nullable, &column.quoted);
    let is_json = |kind: Kind| !kind.array && matches!(kind.scalar, Scalar::Json | Scalar::Jsonb);
    if from.is_some_and(is_json) && to.array {
        let set =
            if required { format!("; ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL") } else { String::new() };
        return anew(table, column, to) + &set;
    }
    let default = if filled { format!("ALTER COLUMN {column} DROP DEFAULT, ") } else { String::new() };
    format!(
        "ALTER TABLE {table} {default}ALTER COLUMN {column} TYPE {} USING {}",
        declared(to),
        using(column, from, to)
    )
}

/// The items of a JSON list are rows to the server, which no `USING` may ask for.
fn anew(table: &str, column: &str, to: Kind) -> String {
    let new = format!("{}~new\"", column.strip_suffix('"').unwrap_or(column));
    let item = one("item", Scalar::Text, to.scalar);
    format!(
        "ALTER TABLE {table} ADD COLUMN {new} {}; UPDATE {table} SET {new} = \
         ARRAY(SELECT {item} FROM jsonb_array_elements_text({column}::jsonb) AS item) WHERE jsonb_typeof({column}::jsonb) = 'array'; \
         ALTER TABLE {table} DROP COLUMN {column}; ALTER TABLE {table} RENAME COLUMN {new} TO {column}",
        declared(to)
    )
}

fn using(column: &str, from: Option<Kind>, to: Kind) -> String {
    let Some(from) = from else { return format!("{column}::text::{}", to.sql()) };
    match (from.array, to.array) {
        (false, false) => one(column, from.scalar, to.scalar),
        (true, true) => format!("{column}::text[]::{}", to.sql()),
        (false, true) => {
            format!("CASE WHEN {column} IS NULL THEN NULL ELSE ARRAY[{}] END", one(column, from.scalar, to.scalar))
        }
        (true, false) => match to.scalar {
            Scalar::Jsonb => format!("to_jsonb({column})"),
            Scalar::Json => format!("to_json({column})"),
            Scalar::Text => format!("array_to_string({column}, ',')"),
            // The others would be lost: then the first one is chosen by whoever runs this, and not in silence.
            to => {
                format!("CASE cardinality({column}) WHEN 1 THEN {} END", one(&format!("{column}[1]"), from.scalar, to))
            }
        },
    }
}

fn one(value: &str, from: Scalar, to: Scalar) -> String {
    use Scalar::{Bool, Bytea, Date, Json, Jsonb, Numeric, Text, Timestamp, TimestampTz};
    let is_number = |s: Scalar| s.is_integer() || matches!(s, Numeric | Scalar::Float4 | Scalar::Float8);
    let ty = to.sql();
    match (from, to) {
        (from, Bool) if is_number(from) => format!("({value} <> 0)"),
        (Bool, to) if is_number(to) => format!("{value}::integer::{ty}"),
        (Timestamp, TimestampTz) | (TimestampTz, Timestamp) => format!("({value} AT TIME ZONE 'UTC')"),
        (TimestampTz, Date) => format!("({value} AT TIME ZONE 'UTC')::date"),
        (Date, TimestampTz) => format!("({value}::timestamp AT TIME ZONE 'UTC')"),
        (Date, Timestamp) | (Timestamp, Date) => format!("{value}::{ty}"),
        // Seconds since 1970.
        (from, TimestampTz) if is_number(from) => format!("to_timestamp({value})"),
        (TimestampTz, to) if is_number(to) => format!("extract(epoch FROM {value})::{ty}"),
        (Json | Jsonb, Json | Jsonb) | (Text, Json | Jsonb) => format!("{value}::{ty}"),
        (_, Jsonb) => format!("to_jsonb({value})"),
        (_, Json) => format!("to_json({value})"),
        (Json | Jsonb, Bytea) => format!("convert_to({value} #>> '{{}}', 'UTF8')"),
        (Json | Jsonb, _) => format!("({value} #>> '{{}}')::{ty}"),
        (Bytea, Bytea) => value.to_owned(),
        (Bytea, _) => format!("convert_from({value}, 'UTF8')::{ty}"),
        (_, Bytea) => format!("convert_to({value}::text, 'UTF8')"),
        (from, to) if from == to || from == Text || to == Text || (is_number(from) && is_number(to)) => {
            format!("{value}::{ty}")
        }
        _ => format!("{value}::text::{ty}"),
    }
}

/// A value of the kind that stands for none, for the rows that are there already. Whoever runs the statement may know a better one.
pub(super) fn stand_in(kind: Kind) -> &'static str {
    match kind.scalar {
        _ if kind.array => "'{}'",
        Scalar::Bool => "false",
        Scalar::Int2 | Scalar::Int4 | Scalar::Int8 | Scalar::Float4 | Scalar::Float8 | Scalar::Numeric => "0",
        Scalar::Text | Scalar::Bytea => "''",
        Scalar::Uuid => "gen_random_uuid()",
        Scalar::TimestampTz | Scalar::Timestamp => "now()",
        Scalar::Date => "current_date",
        Scalar::Json | Scalar::Jsonb => "'[]'",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_has_no_cast_is_reached_by_another_way() {
        let using = |from: Kind, to: Kind| using("\"a\"", Some(from), to);
        assert_eq!(using(Scalar::Text.one(), Scalar::Int8.one()), "\"a\"::bigint");
        assert_eq!(using(Scalar::Int8.one(), Scalar::Bool.one()), "(\"a\" <> 0)");
        assert_eq!(using(Scalar::Uuid.one(), Scalar::Int8.one()), "\"a\"::text::bigint");
        let list = "CASE WHEN \"a\" IS NULL THEN NULL ELSE ARRAY[\"a\"::text] END";
        assert_eq!(using(Scalar::Text.one(), Scalar::Text.many()), list);
        let column = Column::new("a", Scalar::Text.many(), true);
        let sql = retyped("t", &column, Some(Scalar::Jsonb.one()), false);
        assert!(sql.contains("ADD COLUMN \"a~new\" text[] COLLATE \"C\";") && sql.ends_with("TO \"a\""), "{sql}");
    }
}
