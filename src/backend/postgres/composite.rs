//! Ids of rows that a key of several columns tells apart: the ids of its columns, in their order, with a comma between each two. A
//! comma in a text is `%2C` there, and a percent sign `%25`, so each row has one id and each id names one row.
//!
//! The server takes such an id apart itself, so that it is one parameter everywhere, and the index of the key finds the row.

use super::{
    cell::Cell,
    key,
    schema::{Column, Table, literal},
    wire::Scalar,
};
use crate::id::{Id, IdBuffer};

/// What stands for what, in the order in which it is put there.
const ESCAPES: [(&str, &str); 2] = [("%", "%25"), (",", "%2C")];

impl Table {
    /// The id of a row of `of`, in SQL: a table with a point behind it, or nothing.
    pub(super) fn id_sql(&self, of: &str) -> String {
        match self.key.as_slice() {
            [] => format!("{of}{}", self.id.quoted),
            key => joined(key, of),
        }
    }

    /// The condition that the id of a row of `of` is the parameter at this place.
    pub(super) fn id_is(&self, place: usize) -> String {
        match self.key.as_slice() {
            [] => format!("{} = ${place}", self.id.quoted),
            key => format!("({}) = ({})", compared(key), parts(key, &format!("${place}"))),
        }
    }

    /// The condition that it is one of those in the parameter at this place.
    pub(super) fn id_among(&self, place: usize) -> String {
        match self.key.as_slice() {
            [] => format!("{} = ANY(${place})", self.id.quoted),
            key => {
                let parts = parts(key, "one");
                format!("({}) IN (SELECT {parts} FROM unnest(${place}) AS one)", compared(key))
            }
        }
    }

    /// The condition that rows of two tables have the same id.
    pub(super) fn same_id(&self, one: &str, other: &str) -> String {
        let columns = self.id_columns();
        let same = columns.iter().map(|column| format!("{one}.{0} = {other}.{0}", column.quoted));
        same.collect::<Vec<_>>().join(" AND ")
    }

    /// The columns of the key.
    pub(super) fn id_columns(&self) -> &[Column] {
        if self.key.is_empty() { std::slice::from_ref(&self.id) } else { &self.key }
    }

    /// Whether a column is one of them.
    pub(super) fn is_of_key(&self, column: &Column) -> bool {
        self.id_columns().iter().any(|part| part.name == column.name)
    }

    /// Whether a row of a key of several columns can have this id.
    pub(super) fn can_have(&self, id: &Id) -> bool {
        self.key.is_empty() || is_of(&self.key, id.text(&mut IdBuffer::new()))
    }
}

/// The id column of such a key: what it holds is an expression.
pub(super) fn column(key: &[Column]) -> Column {
    let names: Vec<_> = key.iter().map(|column| column.name.as_str()).collect();
    Column { quoted: joined(key, ""), ..Column::new(names.join(","), Scalar::Text.one(), false) }
}

/// The id of these ids of columns.
pub(super) fn text(parts: impl Iterator<Item = String>) -> String {
    let escaped = |part: String| ESCAPES.iter().fold(part, |part, (what, by)| part.replace(what, by));
    parts.map(escaped).collect::<Vec<_>>().join(",")
}

fn is_of(key: &[Column], id: &str) -> bool {
    let parts: Vec<_> = id.split(',').collect();
    let can = |(column, part): (&Column, &&str)| {
        let plain = ESCAPES.iter().rev().fold((*part).to_owned(), |part, (what, by)| part.replace(by, what));
        // The server reads no years before the first as ISO 8601 writes them.
        let is_early = matches!(column.kind.scalar, Scalar::Date | Scalar::Timestamp | Scalar::TimestampTz)
            && (plain.starts_with('-') || plain.starts_with("0000"));
        let is_one = !is_early && key::literal(&plain, column.kind.scalar).is_some();
        is_one && text(std::iter::once(plain)) == **part
    };
    parts.len() == key.len() && key.iter().zip(&parts).all(can)
}

fn compared(key: &[Column]) -> String {
    key.iter().map(|column| Cell::of(column).equal()).collect::<Vec<_>>().join(", ")
}

fn joined(key: &[Column], of: &str) -> String {
    let part = |column: &Column| {
        let text = match column.kind.scalar {
            Scalar::Text => column.quoted.clone(),
            scalar if key::is_foreign(column.kind) => return key::text_sql(&format!("{of}{}", column.quoted), scalar),
            _ => return format!("{of}{}::text", column.quoted),
        };
        let escape =
            |sql: String, (what, by): &(&str, &str)| format!("replace({sql}, {}, {})", literal(what), literal(by));
        ESCAPES.iter().fold(format!("{of}{text}"), escape)
    };
    let parts: Vec<_> = key.iter().map(part).collect();
    format!("(({}) COLLATE \"C\")", parts.join(" || ',' || "))
}

/// The values of the columns in an id, in SQL.
fn parts(key: &[Column], id: &str) -> String {
    let part = |(at, column): (usize, &Column)| {
        let text = format!("split_part({id}, ',', {})", at + 1);
        match column.kind.scalar {
            Scalar::Text => {
                let escapes = ESCAPES.iter().rev();
                escapes.fold(text, |sql, (what, by)| format!("replace({sql}, {}, {})", literal(by), literal(what)))
            }
            scalar => format!("{text}::{}", scalar.sql()),
        }
    };
    key.iter().enumerate().map(part).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(scalars: &[Scalar]) -> Vec<Column> {
        let column = |(at, scalar): (usize, &Scalar)| Column::new(format!("k{at}"), scalar.one(), false);
        scalars.iter().enumerate().map(column).collect()
    }

    #[test]
    fn an_id_names_one_row() {
        let key = key(&[Scalar::Int4, Scalar::Text, Scalar::Date]);
        assert!(is_of(&key, "7,a%2Cb%25,2024-02-29") && is_of(&key, "7,,2024-02-29"));
        for other in [
            "7,a",
            "7,a,2024-02-29,",
            "07,a,2024-02-29",
            "7,a,2024-2-29",
            "7,%2c,2024-02-29",
            "7,%,2024-02-29",
            "7,a,0000-01-01",
            "",
        ] {
            assert!(!is_of(&key, other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn texts_come_back_from_their_id(parts in prop::collection::vec("[a%,25C]{0,6}", 2..4)) {
            let key = key(&vec![Scalar::Text; parts.len()]);
            let id = text(parts.iter().cloned());
            prop_assert!(is_of(&key, &id), "{id}");
            let plain: Vec<_> = id.split(',').map(|part| part.replace("%2C", ",").replace("%25", "%")).collect();
            prop_assert_eq!(plain, parts);
        }
    }
}
