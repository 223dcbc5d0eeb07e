//! What an update through a record type leaves alone: stored fields that the type does not know (semantics 5.10). The server
//! does it, in the statement that writes, so that nothing is lost whoever else writes the same row. Pure.

use super::schema::{Column, Table, flattened, literal};
use crate::record::Schema;

/// A column inside a nested record that the type knows, but not this part of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stray {
    /// The column, in quotes.
    pub(super) quoted: String,
    /// The place of the column that says whether the record is there.
    pub(super) presence: usize,
}

/// What a column of the record becomes, given the expressions of what it was and of what is written.
pub(super) fn assigned(table: &Table, column: &Column, old: &str, new: &str) -> String {
    let value = match &table.document {
        Some(schema) => merged(schema, old, new),
        None => new.to_owned(),
    };
    format!("{} = {value}", column.quoted)
}

/// The assignments of all strays: a record that is not there any more keeps nothing.
pub(super) fn strays<'t>(
    table: &'t Table,
    old: impl Fn(&str) -> String + 't,
    new: impl Fn(usize, &Column) -> String + 't,
) -> impl Iterator<Item = String> + 't {
    table.strays.iter().filter_map(move |stray| {
        let presence = new(stray.presence, table.columns.get(stray.presence)?);
        Some(format!("{0} = CASE WHEN {presence} THEN {1} END", stray.quoted, old(&stray.quoted)))
    })
}

/// The document `new`, with what `old` holds beyond the fields of the schema, in nested records too.
fn merged(schema: &Schema, old: &str, new: &str) -> String {
    if schema.open {
        return new.to_owned();
    }
    let names: Vec<_> = schema.fields.iter().map(|field| literal(&field.name)).collect();
    let mut sql = format!("(({old} - ARRAY[{}]::text[]) || {new}", names.join(", "));
    for field in schema.fields.iter() {
        let Some(inner) = flattened(&field.ty) else { continue };
        let name = literal(&field.name);
        let inside = |of: &str| format!("({of} -> {name} -> '$record')");
        let (before, after) = (inside(old), inside(new));
        sql.push_str(&format!(
            " || CASE WHEN jsonb_typeof({before}) = 'object' AND jsonb_typeof({after}) = 'object' THEN \
             jsonb_build_object({name}::text, jsonb_build_object('$record'::text, {})) ELSE '{{}}'::jsonb END",
            merged(inner, &before, &after)
        ));
    }
    sql.push(')');
    sql
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{FieldDef, Type};

    #[test]
    fn a_document_keeps_what_its_schema_does_not_name() {
        let home = Schema::new("home").field(FieldDef::new("city", Type::Text));
        let schema = Schema::new("people")
            .field(FieldDef::new("it's", Type::Text))
            .field(FieldDef::new("home", Type::record(home)).nullable());
        assert_eq!(
            merged(&schema, "o", "n"),
            "((o - ARRAY['it''s', 'home']::text[]) || n || CASE WHEN jsonb_typeof((o -> 'home' -> '$record')) = 'object' \
             AND jsonb_typeof((n -> 'home' -> '$record')) = 'object' THEN jsonb_build_object('home'::text, \
             jsonb_build_object('$record'::text, (((o -> 'home' -> '$record') - ARRAY['city']::text[]) || \
             (n -> 'home' -> '$record')))) ELSE '{}'::jsonb END)"
        );
        assert_eq!(merged(&Schema::open("people"), "o", "n"), "n", "an open type knows every field");
    }
}
