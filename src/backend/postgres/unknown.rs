//! What a table holds beyond the fields of a type: it would be lost where all records are read and written again by that type.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

use super::{
    Layout, Postgres,
    link::Link,
    live::{self, Live, flag},
    query::Statement,
    schema::Table,
    store::PostgresStore,
};
use crate::{
    error::{Error, Result},
    query::{Bound, Filter, Query},
    record::{Document, FieldDef, Path, Schema, Type},
    store::{Driver, Limits},
    value::Value,
};

/// The most fields that an error names.
const MOST: usize = 20;

/// Refuses a table whose records hold what the schema does not know.
///
/// # Errors
/// `Configuration`, naming the fields.
pub(super) fn refuse(link: &Link, table: &Table, live: &Live, schema: &Schema) -> Result<()> {
    let mut unknown = match table.layout {
        Layout::Columns => columns(link, table, live)?,
        Layout::Document => BTreeSet::new(),
    };
    inside(link, table, live, schema, &mut unknown)?;
    if unknown.is_empty() {
        return Ok(());
    }
    let all = unknown.iter().take(MOST).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let more = if unknown.len() > MOST { " and others" } else { "" };
    let why = format!("the type does not know {all}{more}, which records hold and would lose: add them to it");
    Err(Error::configuration(why))
}

/// Columns of which the table as the type sees it has none, and that are not null in all rows.
fn columns(link: &Link, table: &Table, live: &Live) -> Result<BTreeSet<String>> {
    let known: BTreeSet<_> = table.written().map(|column| column.name.as_str()).collect();
    let unknown: Vec<_> = live.columns.iter().filter(|column| !known.contains(column.name.as_str())).collect();
    if unknown.is_empty() {
        return Ok(BTreeSet::new());
    }
    let used = unknown.iter().map(|column| format!("count({}) > 0", super::name::quoted(&column.name)));
    let sql = format!("SELECT {} FROM {}", used.collect::<Vec<_>>().join(", "), table.qualified);
    let rows = link.read(Limits::NONE, |session| session.query(&Statement::new(sql.as_str())))?;
    let row = rows.first().ok_or_else(|| Error::backend("the server counted nothing"))?;
    let found = unknown.iter().enumerate().map(|(at, column)| Ok(flag(row, at)?.then(|| column.name.clone())));
    Ok(found.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// What documents and records in lists hold.
fn inside(link: &Link, table: &Table, live: &Live, schema: &Schema, found: &mut BTreeSet<String>) -> Result<()> {
    let probe = match table.layout {
        Layout::Document => Schema::open(schema.name.clone()),
        Layout::Columns => lists_of_records(schema),
    };
    if probe.fields.is_empty() && !probe.open {
        return Ok(());
    }
    let mut seen = Table::of(&probe, &table.name, None, table.layout)?;
    seen.qualified.clone_from(&table.qualified);
    let opened = live::Opened::new(probe.clone(), live::adapt(seen, live)?);
    let store = PostgresStore::<Document>::new(link.clone(), &opened, Arc::new(probe));
    let all: Bound<Document> = Filter::all().bind(store.shape())?;
    let query = Query::new().filter(all).on::<Postgres>(store.shape())?;
    for row in store.scan(query, Limits::NONE)? {
        in_record(schema, &row?.record, None, found);
        if found.len() > MOST {
            break;
        }
    }
    Ok(())
}

/// The part of a schema that lies in columns of JSON and is made of records.
fn lists_of_records(schema: &Schema) -> Schema {
    let part = |field: &FieldDef| {
        let ty = match &field.ty {
            Type::List(item) if matches!(item.ty, Type::Record(_)) => Type::Any,
            Type::Record(inner) => match lists_of_records(inner) {
                inner if inner.fields.is_empty() => return None,
                inner => Type::record(inner),
            },
            _ => return None,
        };
        let plain = FieldDef { nullable: true, ..FieldDef::new(field.name.clone(), ty) };
        Some(FieldDef { nullable: field.nullable || plain.ty == Type::Any, ..plain })
    };
    Schema { fields: Cow::Owned(schema.fields.iter().filter_map(part).collect()), ..Schema::new(schema.name.clone()) }
}

fn in_record(schema: &Schema, record: &Document, at: Option<&Path>, found: &mut BTreeSet<String>) {
    for (name, value) in record.iter().filter(|(_, value)| !value.is_null()) {
        let path = at.map_or_else(|| Path::field(name.to_owned()), |at| at.clone().then(name.to_owned()));
        match schema.find(name) {
            Some((_, field)) => in_value(&field.ty, value, &path, found),
            None if schema.open => {}
            None => drop(found.insert(path.to_string())),
        }
    }
}

fn in_value(ty: &Type, value: &Value, at: &Path, found: &mut BTreeSet<String>) {
    match (ty, value) {
        (Type::Record(schema), Value::Record(record)) => in_record(schema, record, Some(at), found),
        (Type::List(item), Value::List(items)) => items.iter().for_each(|value| in_value(&item.ty, value, at, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn unknown_fields_are_found_at_every_depth_and_nulls_are_none() {
        let home = Schema::new("home").field(FieldDef::new("city", Type::Text));
        let schema = Schema::new("people")
            .field(FieldDef::new("home", Type::record(home.clone())))
            .field(FieldDef::new("homes", Type::list(Type::record(home))));
        let lives = document! { "city" => "Oslo", "zip" => "1" };
        let record = document! { "home" => lives.clone(), "homes" => vec![Value::Record(lives)], "age" => 1, "x" => Value::Null };
        let mut found = BTreeSet::new();
        in_record(&schema, &record, None, &mut found);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["age", "home.zip", "homes.zip"]);
        let lists = lists_of_records(&schema);
        assert_eq!(lists.fields.iter().map(|field| field.name.as_ref()).collect::<Vec<_>>(), ["homes"]);
    }
}
