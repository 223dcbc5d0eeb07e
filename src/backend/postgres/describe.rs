//! A table that is there, as a schema: so that documents can be read from it without saying what it holds.

use super::{
    Postgres, live,
    schema::{Takes, qualified},
    wire::{Kind, Scalar},
};
use crate::{
    error::{Error, Result},
    record::{FieldDef, Schema, Type},
};

impl Postgres {
    /// The schema of a table, by its columns: each is a nullable or a required field of the type that holds it exactly, the
    /// primary key is the id. Columns of the envelope are left to the envelope. What comes out can be given to
    /// [`documents`](crate::Database::documents), or compared with what a program expects.
    ///
    /// ```no_run
    /// use dk_data::{Database, Query, Store, backend::postgres::Postgres};
    /// let db = Postgres::connect("postgres://app:secret@localhost/shop")?;
    /// let orders = db.documents("orders", db.describe("orders")?)?;
    /// for order in orders.stream(Query::new())? {
    ///     println!("{:?}", order?.record);
    /// }
    /// # Ok::<(), dk_data::Error>(())
    /// ```
    ///
    /// # Errors
    /// `Configuration` where there is no such table; `Unsupported`, naming each column whose type no field holds: nothing is
    /// left out in silence.
    pub fn describe(&self, table: &str) -> Result<Schema> {
        crate::store::check_name(table)?;
        let place = qualified(self.pool.config.schema.as_deref(), table);
        let missing = || Error::configuration(format!("there is no table {place}")).in_store(table);
        let live = live::look(&self.link(), &place)?.ok_or_else(missing)?;
        let mut schema = Schema::new(table.to_owned());
        let mut refused = Vec::new();
        for column in live.columns.iter().filter(|column| !is_envelope(&column.name)) {
            let held = column.kind.filter(|kind| !kind.array || !matches!(kind.scalar, Scalar::Json | Scalar::Jsonb));
            match held.map(type_of) {
                Some(ty) if !column.name.starts_with('_') => {
                    let field = FieldDef::new(column.name.clone(), ty);
                    let is_id = live.is_key(&column.name);
                    // What the server gives by itself no record has to bring.
                    let required = column.not_null && (is_id || column.takes == Takes::Always);
                    let field = if required { field } else { field.nullable() };
                    schema = schema.field(if is_id { field.id() } else { field });
                }
                _ => refused.push(format!("`{}` is {}", column.name, column.type_name)),
            }
        }
        if refused.is_empty() {
            return Ok(schema);
        }
        let why = format!("the table {place} has columns that no field holds: {}", refused.join("; "));
        Err(Error::unsupported(format!("{why}. Declare the fields that are wanted, or make a view of them"))
            .in_store(table))
    }
}

fn is_envelope(column: &str) -> bool {
    ["_id", "_version", "_created_at", "_updated_at", "_metadata", "_extra"].contains(&column)
}

/// The type of field that holds whatever such a column can hold.
fn type_of(kind: Kind) -> Type {
    let one = match kind.scalar {
        Scalar::Bool => Type::Bool,
        Scalar::Int2 => Type::I16,
        Scalar::Int4 => Type::I32,
        Scalar::Int8 => Type::I64,
        Scalar::Float4 => Type::F32,
        Scalar::Float8 => Type::F64,
        Scalar::Numeric => Type::Decimal,
        Scalar::Text => Type::Text,
        Scalar::Bytea => Type::Bytes,
        Scalar::Uuid => Type::Uuid,
        Scalar::TimestampTz | Scalar::Timestamp => Type::Timestamp,
        Scalar::Date => Type::Date,
        Scalar::Json | Scalar::Jsonb => Type::Json,
    };
    // Any item of any array may be null.
    if kind.array { Type::List(FieldDef::new("item", one).nullable().into()) } else { one }
}
