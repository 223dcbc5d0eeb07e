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
}

impl Cell {
    pub(super) fn of(column: &Column) -> Cell {
        Cell {
            sql: column.quoted.clone(),
            form: Form::Native(column.kind),
            nullable: column.nullable,
            by_bytes: column.by_bytes,
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
                Ok(Cell { sql, form: Form::Plain, nullable: true, by_bytes: true })
            }
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
                        let sql = column.map_or_else(String::new, |column| column.quoted.clone());
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
            None => Cell { sql: "TRUE".to_owned(), form: Form::There, nullable: false, by_bytes: true },
        }
    }
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
    Cell { form, ..cell }
}

/// The expression of a value inside JSON. `tagged` says whether the JSON is a value, whose fields stand behind a tag, or
/// a record, whose fields stand in it.
fn inside(mut sql: String, steps: &[Step], schema: &Schema, target: &Target, tagged: bool) -> Cell {
    let mut here = Some(schema);
    let mut tagged = tagged;
    let mut by_type = Type::Any;
    for step in steps {
        if tagged {
            sql = format!("{sql} -> '$record'");
        }
        sql = format!("{sql} -> {}", literal(&step.name));
        let field = here.zip(step.index).and_then(|(schema, index)| schema.fields.get(index));
        by_type = field.map_or(Type::Any, |field| field.ty.clone());
        here = field.and_then(|field| match &field.ty {
            Type::Record(schema) => Some(&**schema),
            _ => None,
        });
        tagged = true;
    }
    debug_assert!(by_type == target.ty || !matches!(target.part, Part::Field(_)), "the steps lead to the target");
    extracted(&format!("({sql})"), &target.ty)
}

/// A value inside JSON as the type that it has.
fn extracted(json: &str, ty: &Type) -> Cell {
    let cell = |sql: String, form| Cell { sql, form, nullable: true, by_bytes: true };
    let native = |sql: String, kind| cell(format!("({sql})::{}", Kind::sql(kind)), Form::Native(kind));
    let kind = kind_of(ty);
    match (ty, kind.scalar) {
        (Type::Any | Type::List(_), _) => cell(json.to_owned(), Form::Tagged),
        (Type::Record(_) | Type::Json | Type::Vector(_), _) => cell(json.to_owned(), Form::There),
        (Type::Text | Type::Enum(_), _) => cell(format!("(({json} #>> '{{}}') COLLATE \"C\")"), Form::Native(kind)),
        (Type::Bytes, _) => cell(format!("decode({json} ->> '$bytes', 'base64')"), Form::Native(kind)),
        (Type::Decimal, _) => native(format!("{json} ->> '$decimal'"), kind),
        (_, Scalar::Uuid) => native(format!("{json} ->> '$uuid'"), kind),
        (_, Scalar::TimestampTz) => native(format!("{json} ->> '$timestamp'"), kind),
        (_, Scalar::Date) => native(format!("{json} ->> '$date'"), kind),
        _ => native(format!("{json} #>> '{{}}'"), kind),
    }
}
