//! Writes by query: one statement for all records of which a predicate is true (semantics 5.10).

use super::{
    Layout, Postgres,
    cell::{Cell, Form},
    fold,
    query::{Statement, bind_literal},
    schema::VersionAt,
    store::{PostgresStore, filter_of},
    wire::{Kind, Scalar},
    write::now,
};
use crate::{
    error::Result,
    query::{Filter, Predicate, Runnable, Whole},
    record::{Change, Changes, FieldType, Form as Stored, Part, RecordCodec, Type},
    store::Limits,
    value::Value,
};

impl<R: RecordCodec> PostgresStore<R> {
    pub(super) fn delete_where_true<P: Predicate<R>>(
        &self,
        query: &Runnable<Postgres, R, P, Whole>,
        limits: &Limits,
    ) -> Result<u64> {
        let mut statement = Statement::new(format!("DELETE FROM {}", self.table.qualified));
        self.where_true(&filter_of(query)?, &mut statement)?;
        self.run_once(&statement, limits)
    }

    /// `None` where the changes are not such that the server alone can make them.
    pub(super) fn patch_where_true<P: Predicate<R>>(
        &self,
        query: &Runnable<Postgres, R, P, Whole>,
        changes: &Changes<R>,
        limits: &Limits,
    ) -> Result<Option<u64>> {
        changes.bind(&self.shape)?;
        self.refuse_generated(changes)?;
        let mut statement = Statement::new(format!("UPDATE {} SET ", self.table.qualified));
        for change in changes.list() {
            if !self.set(change, &mut statement)? {
                return Ok(None);
            }
            statement.push(", ");
        }
        if let VersionAt::Token(column) = &self.table.version {
            // One token for all that this statement writes: each record's version is new, which is what counts.
            statement.push(&format!("{} = ", column.quoted));
            statement.bind(Scalar::Uuid.one(), |out| out.uuid(crate::id::random_token()));
            statement.push(", ");
        }
        if let Some(column) = &self.table.updated_at {
            statement.push(&format!("{0} = GREATEST({0}, ", column.quoted));
            statement.bind(column.kind, |out| out.i64(now()));
            statement.push("), ");
        }
        let end = statement.sql.trim_end_matches(", ").len();
        statement.sql.truncate(end);
        self.where_true(&filter_of(query)?, &mut statement)?;
        self.run_once(&statement, limits).map(Some)
    }

    /// One assignment; false where the server alone cannot make it as it is meant: what is kept as JSON, sums, and fields
    /// of records that may be missing.
    fn set(&self, change: &Change, out: &mut Statement) -> Result<bool> {
        let Change::Set(path, value) = change else { return Ok(false) };
        let target = self.shape.resolve(path)?;
        let ([only], Part::Field(_), Layout::Columns) = (target.steps(), &target.part, self.table.layout) else {
            return Ok(false);
        };
        let Some(field) = only.index.and_then(|index| self.shape.fields.get(index)) else { return Ok(false) };
        let Cell { sql, form: Form::Native(Kind { scalar, array: false }), .. } =
            self.table.cell(&self.shape, &target)?
        else {
            return Ok(false);
        };
        if !matches!(value.check(field), Ok(Stored::Stored)) || matches!(field.ty, Type::Json | Type::Any) {
            return Ok(false);
        }
        out.push(&format!("{sql} = "));
        match (value, fold::exactly(value, scalar, &field.ty)) {
            (Value::Null, _) => out.push("NULL"),
            (_, Some(literal)) => {
                let mark = out.values.mark();
                bind_literal(scalar, &literal, out);
                let column = self.table.columns.iter().find(|column| column.quoted == sql);
                let mut value = column.into_iter().zip(out.values.since(mark));
                value.try_for_each(|(column, value)| column.refuse_misfit(value))?;
            }
            (_, None) => return Ok(false),
        }
        Ok(true)
    }

    fn where_true(&self, filter: &Filter, out: &mut Statement) -> Result<()> {
        if !filter.is_all() {
            out.push(" WHERE ");
            self.lowering().condition(filter, out)?;
        }
        Ok(())
    }

    /// How many rows a statement touched that must not run twice.
    fn run_once(&self, statement: &Statement, limits: &Limits) -> Result<u64> {
        self.link.write_once(statement, limits).map(|(_, touched)| touched)
    }
}
