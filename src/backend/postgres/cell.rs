//! Where a field or a part of the envelope is in a table, as an SQL expression of a known form. Pure.

use super::{
    Layout,
    name::quoted,
    schema::{Column, Table, flattened, kind_of, literal, width},
    wire::{Kind, Scalar},
};
use crate::{
    error::{Error, Result},
    record::{Part, Schema, Step, Target, Type},
};

/// In what form an expression holds a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As a type of the server's own.
    Native(Kind),
    /// As self-describing JSON: what is of run-time type.
    Tagged,
    /// As JSON that stands for itself: metadata.
    Plain,
    /// Only whether it is there can be asked.
    There,
}

/// An expression of a known form.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) sql: String,
    pub(super) form: Form,
    pub(super) nullable: bool,
    /// Whether text in it is compared by bytes without saying so.
    pub(super) by_bytes: bool,
    /// Whether equality has to say that it is by bytes. Where it need not it does not, so that the column's own indexes serve it.
    pub(super) equal_by_bytes: bool,
}

/// A column in SQL. Of `json` the server knows neither operators nor the parts, so it is taken for `jsonb`.
fn sql_of(column: &Column) -> String {
    match column.kind {
        Kind { scalar: Scalar::Json, array: false } => format!("({}::jsonb)", column.quoted),
        _ => column.quoted.clone(),
    }
}

impl Cell {
    pub(super) fn of(column: &Column) -> Cell {
        Cell {
            sql: sql_of(column),
            form: Form::Native(column.kind),
            nullable: column.nullable,
            by_bytes: column.by_bytes,
            equal_by_bytes: column.equal_by_bytes,
        }
    }
    /// The expression as text that equals what has the same bytes.
    pub(super) fn equal(&self) -> String {
        match self.equal_by_bytes {
            true => self.text(),
            false => self.sql.clone(),
        }
    }
    /// The expression as text that is compared by bytes.
    pub(super) fn text(&self) -> String {
        match self.by_bytes {
            true => self.sql.clone(),
            false => format!("({} COLLATE \"C\")", self.sql),
        }
    }
}

impl Table {
    /// The expression of what a path leads to.
    ///
    /// # Errors
    /// `Unsupported` for a part of the envelope that an existing table lacks.
    pub(super) fn cell(&self, schema: &Schema, target: &Target) -> Result<Cell> {
        let part = |column: &Option<Column>, name: &str| match column {
            Some(column) => Ok(Cell::of(column)),
            None => Err(self.lacks(name)),
        };
        match &target.part {
            Part::Id => Ok(Cell::of(&self.id)),
            Part::CreatedAt => part(&self.created_at, "_created_at"),
            Part::UpdatedAt => part(&self.updated_at, "_updated_at"),
            Part::Metadata(name) => {
                let metadata = part(&self.metadata, "_metadata")?;
                let sql = format!("({} -> {})", metadata.sql, literal(name));
                Ok(Cell { sql, form: Form::Plain, nullable: true, by_bytes: true, equal_by_bytes: false })
            }
            // A record that carries its id is stored under it.
            Part::Field(steps) if self.layout == Layout::Document && is_id(schema, steps) => Ok(Cell::of(&self.id)),
            Part::Field(steps) if self.layout == Layout::Document => {
                Ok(inside(quoted("_data"), steps, schema, target, false))
            }
            Part::Field(steps) => Ok(self.field(schema, steps, target)),
        }
    }

    /// The error of a part of the envelope that the table has no column for.
    pub(super) fn lacks(&self, column: &str) -> Error {
        let ty = if column == "_metadata" { "jsonb" } else { "timestamptz" };
        let add = format!("ALTER TABLE {} ADD COLUMN \"{column}\" {ty}", self.qualified);
        Error::unsupported(format!("the table has no column `{column}`; to have one: {add}"))
    }

    fn field(&self, schema: &Schema, steps: &[Step], target: &Target) -> Cell {
        let (mut here, mut at, mut there) = (schema, 0, None);
        for (depth, step) in steps.iter().enumerate() {
            let rest = steps.get(depth + 1..).unwrap_or(&[]);
            let Some((index, field)) = step.index.and_then(|index| Some((index, here.fields.get(index)?))) else {
                // Only an open schema has undeclared fields, and a table of one has a place for them.
                let column = self.extra.as_ref().map_or_else(|| quoted("_extra"), |column| column.quoted.clone());
                return inside(column, steps.get(depth..).unwrap_or(&[]), &OPEN, target, false);
            };
            at += here.fields.iter().take(index).map(width).sum::<usize>();
            let Some(nested) = flattened(&field.ty) else {
                let column = self.columns.get(at);
                return match (column, rest) {
                    (Some(column), []) => of_type(Cell::of(column), &target.ty),
                    (column, rest) => {
                        let sql = column.map_or_else(String::new, sql_of);
                        let nested = if let Type::Record(schema) = &field.ty { schema } else { &OPEN };
                        inside(sql, rest, nested, target, true)
                    }
                };
            };
            if field.nullable {
                there = self.columns.get(at);
                at += 1;
            }
            here = nested;
        }
        // The path ends at a record: it is there where the nearest nullable one around it is.
        match there {
            Some(column) => Cell { form: Form::There, ..Cell::of(column) },
            None => Cell {
                sql: "TRUE".to_owned(),
                form: Form::There,
                nullable: false,
                by_bytes: true,
                equal_by_bytes: false,
            },
        }
    }
}

/// Whether a path leads to the record's id, of a type that the table's own column of ids has.
fn is_id(schema: &Schema, steps: &[Step]) -> bool {
    let [Step { index: Some(index), .. }] = steps else { return false };
    schema.fields.get(*index).is_some_and(|field| field.id && field.ty != Type::Any)
}

/// What stands for the schema of what is of run-time type.
static OPEN: Schema =
    Schema { name: std::borrow::Cow::Borrowed(""), fields: std::borrow::Cow::Borrowed(&[]), open: true };

/// A column in the form that its type has in queries.
fn of_type(cell: Cell, ty: &Type) -> Cell {
    let form = match (cell.form, ty) {
        (_, Type::Any) => match cell.form {
            Form::Native(Kind { scalar: Scalar::Json | Scalar::Jsonb, .. }) => Form::Tagged,
            form => form,
        },
        (Form::Native(Kind { scalar: Scalar::Json | Scalar::Jsonb, array: false }), Type::List(_)) => Form::Tagged,
        (_, Type::Record(_) | Type::Json | Type::Vector(_)) => Form::There,
        (form, _) => form,
    };
    // Of an item that is not found beside nulls the server does not say that it is not there.
    let nullable = cell.nullable || matches!(ty, Type::List(item) if item.nullable);
    Cell { form, nullable, ..cell }
}

/// The expression of a value inside JSON. `tagged` says whether the JSON is a value, whose fields stand behind a tag, or
/// a record, whose fields stand in it.
fn inside(mut sql: String, steps: &[Step], schema: &Schema, target: &Target, tagged: bool) -> Cell {
    let mut here = Some(schema);
    let mut tagged = tagged;
    let mut by_type = Type::Any;
    let mut by_index = false;
    for step in steps {
        if tagged {
            sql = format!("{sql} -> '$record'");
        }
        sql = format!("{sql} -> {}", literal(&step.name));
        let field = here.zip(step.index).and_then(|(schema, index)| schema.fields.get(index));
        by_type = field.map_or(Type::Any, |field| field.ty.clone());
        by_index = field.is_some_and(|field| field.index || field.unique);
        here = field.and_then(|field| match &field.ty {
            Type::Record(schema) => Some(&**schema),
            _ => None,
        });
        tagged = true;
    }
    debug_assert!(by_type == target.ty || !matches!(target.part, Part::Field(_)), "the steps lead to the target");
    extracted(&format!("({sql})"), &target.ty, by_index)
}

/// A value inside JSON as the type that it has, on request by an expression that an index can have.
fn extracted(json: &str, ty: &Type, by_index: bool) -> Cell {
    let cell = |sql: String, form| Cell { sql, form, nullable: true, by_bytes: true, equal_by_bytes: false };
    let native = |sql: String, kind| cell(format!("({sql})::{}", Kind::sql(kind)), Form::Native(kind));
    let kind = kind_of(ty);
    match (ty, kind.scalar) {
        (Type::Any | Type::List(_), _) => cell(json.to_owned(), Form::Tagged),
        (Type::Record(_) | Type::Json | Type::Vector(_), _) => cell(json.to_owned(), Form::There),
        (Type::Text | Type::Enum(_), _) => cell(format!("(({json} #>> '{{}}') COLLATE \"C\")"), Form::Native(kind)),
        (Type::Bytes, _) => cell(format!("decode({json} ->> '$bytes', 'base64')"), Form::Native(kind)),
        (Type::Decimal, _) => native(format!("{json} ->> '$decimal'"), kind),
        (_, Scalar::Uuid) => native(format!("{json} ->> '$uuid'"), kind),
        (_, Scalar::TimestampTz) if by_index => cell(made_moment(&moment_text(json)), Form::Native(kind)),
        (_, Scalar::TimestampTz) => cell(moment(json), Form::Native(kind)),
        (_, Scalar::Date) if by_index => cell(made_day(&day_text(json)), Form::Native(kind)),
        (_, Scalar::Date) => cell(day(json), Form::Native(kind)),
        _ => native(format!("{json} #>> '{{}}'"), kind),
    }
}

fn moment_text(json: &str) -> String {
    format!("({json} ->> '$timestamp')")
}

fn day_text(json: &str) -> String {
    format!("({json} ->> '$date')")
}

/// A moment inside JSON.
pub(super) fn moment(json: &str) -> String {
    let text = moment_text(json);
    read_or_made(&text, "timestamptz", &made_moment(&text))
}

/// A date inside JSON.
pub(super) fn day(json: &str) -> String {
    let text = day_text(json);
    read_or_made(&text, "date", &made_day(&text))
}

/// The server reads no year before the first one as it is written here.
fn read_or_made(text: &str, ty: &str, made: &str) -> String {
    format!("(CASE WHEN {text} < '0001' COLLATE \"C\" THEN {made} ELSE {text}::{ty} END)")
}

/// A moment from its parts. Unlike what the server reads, it depends on no setting, so that an index can have it.
fn made_moment(text: &str) -> String {
    let (year, rest) = year_and_rest(text);
    let part = |at: u8| format!("substr({rest}, {at}, 2)::int");
    let [month, day, hour, minute] = [2, 5, 8, 11].map(part);
    let second = format!("rtrim(substr({rest}, 14), 'Z')::float8");
    format!("timezone('UTC', make_timestamp({year}, {month}, {day}, {hour}, {minute}, {second}))")
}

/// A date from its parts.
fn made_day(text: &str) -> String {
    let (year, rest) = year_and_rest(text);
    format!("make_date({year}, substr({rest}, 2, 2)::int, substr({rest}, 5, 2)::int)")
}

/// The year as the server counts it, to which the year before the first is -1, and what is written behind it. A year before
/// the year 0 has a sign and six digits, any other one four.
fn year_and_rest(text: &str) -> (String, String) {
    let place = |early: &str, late: &str| format!("CASE WHEN {text} LIKE '-%' THEN {early} ELSE {late} END");
    let year = place(&format!("substr({text}, 1, 7)"), &format!("substr({text}, 1, 4)"));
    let rest = place(&format!("substr({text}, 8)"), &format!("substr({text}, 5)"));
    (format!("(({year})::int - (({year})::int < 1)::int)"), format!("({rest})"))
}
