//! Aggregates and groups, folded by the server (semantics 4.8): one statement, one row for each group.

use super::{
    Postgres,
    cell::{Cell, Form},
    codec,
    codec::CellDecoder,
    query::Statement,
    schema::kind_of,
    store::{PostgresStore, filter_of},
    wire::{Kind, Scalar},
};
use crate::{
    capability::{Aggregates, Provides},
    error::{Error, Result},
    query::{
        Operand, Predicate, Runnable, Whole,
        aggregate::{Aggregate, AggregateTerm, GroupKeys},
    },
    record::{FieldDef, FieldType, RecordCodec, Type},
    store::{Aggregating, Limits},
    value::Value,
};

impl Provides<Aggregates> for Postgres {}

impl<R: RecordCodec> Aggregating<R> for PostgresStore<R> {
    fn fold<P: Predicate<R>, K: GroupKeys<R>, A: Aggregate<R>>(
        &self,
        query: Runnable<Postgres, R, P, Whole>,
        keys: &K,
        aggregates: &A,
        limits: &Limits,
    ) -> Result<Vec<(K::Row, A::Out)>> {
        let groups = filter_of(&query)
            .and_then(|filter| self.groups(&filter, &keys.lower(), &aggregates.lower(), limits))
            .map_err(|e| e.in_store(&self.name))?;
        let group = |values: Vec<Value>| {
            let mut values = values.into_iter();
            Ok((keys.row_of(&mut values)?, aggregates.answer(&mut values)?))
        };
        groups.into_iter().map(|values| group(values).map_err(|e: Error| e.in_store(&self.name))).collect()
    }
}

/// One expression of the answer: the SQL, and the type that it is read as.
struct Item {
    sql: String,
    field: FieldDef,
    kind: Kind,
}

impl<R: RecordCodec> PostgresStore<R> {
    /// The values of each group: those of its keys, then those of the terms.
    fn groups(
        &self,
        filter: &crate::Filter,
        keys: &[Operand],
        terms: &[AggregateTerm],
        limits: &Limits,
    ) -> Result<Vec<Vec<Value>>> {
        let mut items = keys.iter().map(|key| self.item(key)).collect::<Result<Vec<_>>>()?;
        for term in terms {
            self.push_term(term, &mut items)?;
        }
        let list: Vec<_> = items.iter().map(|item| item.sql.as_str()).collect();
        let mut statement = Statement::new(format!("SELECT {} FROM {}", list.join(", "), self.table.qualified));
        if !filter.is_all() {
            statement.push(" WHERE ");
            self.lowering().condition(filter, &mut statement)?;
        }
        if !keys.is_empty() {
            let places: Vec<_> = (1..=keys.len()).map(|place| place.to_string()).collect();
            // Ascending, the server puts nulls last by itself.
            let places = places.join(", ");
            statement.push(&format!(" GROUP BY {places} ORDER BY {places}"));
        }
        let rows = self.link.read(limits, |session| session.query(&statement))?;
        let value = |row: &tokio_postgres::Row, (at, item): (usize, &Item)| {
            let mut cell = CellDecoder { kind: item.kind, raw: codec::raw(row, at)? };
            Ok(Value::read(&item.field, &mut cell)?.unwrap_or_default())
        };
        rows.iter().map(|row| items.iter().enumerate().map(|item| value(row, item)).collect()).collect()
    }

    /// The value of a field.
    fn item(&self, operand: &Operand) -> Result<Item> {
        let (cell, target) = self.lowering().operand(operand)?;
        let Form::Native(kind) = cell.form else {
            return Err(Error::unsupported("a field of run-time type is not aggregated in the server")
                .at_field(target.path.to_string()));
        };
        let field = FieldDef { nullable: true, ..FieldDef::new(target.path.to_string(), target.ty) };
        Ok(Item { sql: by_bytes(&cell, kind), field, kind })
    }

    fn push_term(&self, term: &AggregateTerm, items: &mut Vec<Item>) -> Result<()> {
        let count = |of: &str| Item {
            sql: format!("count({of})"),
            field: FieldDef::new("count", Type::I64),
            kind: Scalar::Int8.one(),
        };
        match term {
            AggregateTerm::Count => items.push(count("*")),
            AggregateTerm::Min(operand) => items.push(extreme(self.item(operand)?, "min", "bool_and")),
            AggregateTerm::Max(operand) => items.push(extreme(self.item(operand)?, "max", "bool_or")),
            AggregateTerm::Sum(operand) | AggregateTerm::Avg(operand) => {
                let item = self.item(operand)?;
                items.push(Item { sql: format!("count({})", item.sql), ..count("") });
                let at = items.len() - 1;
                items.insert(at, total(item));
            }
            AggregateTerm::CountDistinct(operand) => {
                items.push(count(&format!("DISTINCT {}", self.item(operand)?.sql)))
            }
            AggregateTerm::Distinct(operand) => {
                let Item { sql, field, kind } = self.item(operand)?;
                items.push(Item {
                    sql: format!("array_agg(DISTINCT {sql} ORDER BY {sql}) FILTER (WHERE {sql} IS NOT NULL)"),
                    field: FieldDef { ty: Type::list(field.ty.clone()), ..field },
                    kind: Kind { array: true, ..kind },
                });
            }
        }
        Ok(())
    }
}

fn by_bytes(cell: &Cell, kind: Kind) -> String {
    if kind.scalar == Scalar::Text { cell.text() } else { cell.sql.clone() }
}

/// The least or the greatest. The server has none of bools, UUIDs and bytes: their order is that of other types that have.
fn extreme(item: Item, name: &str, of_bools: &str) -> Item {
    let of = &item.sql;
    let sql = match item.kind.scalar {
        Scalar::Bool => format!("{of_bools}({of})"),
        Scalar::Uuid => format!("{name}({of}::text COLLATE \"C\")::uuid"),
        Scalar::Bytea => format!("decode({name}(encode({of}, 'hex') COLLATE \"C\"), 'hex')"),
        _ => format!("{name}({of})"),
    };
    Item { sql, ..item }
}

/// An exact sum, as decimal text: of floats by the digits that tell each from its neighbours, so that nothing is lost
/// between a large one and a small one.
fn total(item: Item) -> Item {
    let number = match item.kind.scalar {
        Scalar::Float4 => format!("{}::float8::text::numeric", item.sql),
        Scalar::Float8 => format!("{}::text::numeric", item.sql),
        _ => item.sql,
    };
    let field = FieldDef { ty: Type::Text, ..item.field };
    Item { sql: format!("sum({number})::text"), field, kind: kind_of(&Type::Text) }
}
