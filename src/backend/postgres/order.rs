//! The order and the pages of a query as SQL. Pure.

use super::{
    cell::{self, Cell, Form},
    fold::{self, Literal},
    json::{json_as, json_string, plain_digits},
    key,
    query::{Lowering, Statement, bind_literal},
    schema::VersionAt,
    tagged,
    wire::{Kind, Scalar},
};
use crate::{
    error::{Error, Result},
    query::{Cursor, Filter, Key, Nulls, Operand},
    record::{Part, Target, Type},
    value::Value,
};

/// The most rows of a page that are sorted once more when they are there.
const MAX_SORTED: usize = 10_000;

/// One expression that rows are sorted by.
struct SortColumn {
    sql: String,
    kind: Kind,
    descending: bool,
    nulls: Nulls,
    nullable: bool,
    /// Its value at the end of a page.
    bound: Option<Option<Literal>>,
}

impl Lowering<'_> {
    /// Appends `ORDER BY`, and to the conditions what comes behind a cursor.
    fn sort_columns<R>(
        &self,
        keys: &[(Key<R>, Target)],
        descending: bool,
        after: Option<&Cursor>,
    ) -> Result<Vec<SortColumn>> {
        let mut columns = Vec::new();
        let mut has_id = false;
        for (place, (key, target)) in keys.iter().enumerate() {
            let (cell, target) = match key.operand() {
                Operand::Field(_) => (self.table.cell(self.schema, target)?, target.clone()),
                operand => self.operand(operand)?,
            };
            has_id |= target.part == Part::Id;
            let value = after.map(|cursor| cursor.values().get(place).unwrap_or(&Value::Null));
            let value = match (&target.part, after) {
                (Part::Id, Some(cursor)) => Some(id_value(cursor)),
                _ => value.cloned(),
            };
            let direction = key.direction();
            for (cell, bound) in sorted_by(&cell, &target, value.as_ref())? {
                columns.push(SortColumn {
                    sql: cell.text(),
                    kind: native(&cell),
                    descending: direction.descending,
                    nulls: direction.nulls,
                    nullable: cell.nullable,
                    bound,
                });
            }
        }
        if !has_id {
            let cell = Cell::of(&self.table.id);
            let bound = after.map(|cursor| id_literal(&cell, &id_value(cursor))).transpose()?;
            let (sql, kind) = (cell.text(), native(&cell));
            columns.push(SortColumn {
                sql,
                kind,
                descending,
                nulls: Nulls::Last,
                nullable: false,
                bound: bound.map(Some),
            });
        }
        Ok(columns)
    }

    /// Appends the clauses of a query: its condition, what comes behind its cursor, its order, its page.
    pub(super) fn clauses<R>(&self, filter: &Filter, page: &PageOf<'_, R>, out: &mut Statement) -> Result<()> {
        let columns = match page.ordered || page.after.is_some() {
            true => self.sort_columns(page.keys, page.ids_descending, page.after)?,
            false => Vec::new(),
        };
        let all = filter.is_all();
        if !all {
            out.push(" WHERE ");
            self.condition(filter, out)?;
        }
        if page.after.is_some() {
            out.push(if all { " WHERE " } else { " AND " });
            behind(&columns, out);
        }
        if page.ordered {
            out.push(" ORDER BY ");
            order_by(&columns, out);
        }
        push_page(page, out);
        Ok(())
    }

    /// Appends the clauses of a query whose order is that of its keys, then of a rank, then of ids.
    pub(super) fn ranked_clauses<R>(
        &self,
        filter: &Filter,
        page: &PageOf<'_, R>,
        rank: &str,
        out: &mut Statement,
    ) -> Result<()> {
        if !filter.is_all() {
            out.push(" WHERE ");
            self.condition(filter, out)?;
        }
        let mut columns = self.sort_columns(page.keys, page.ids_descending, None)?;
        let best_first = SortColumn {
            sql: rank.to_owned(),
            kind: Scalar::Float8.one(),
            descending: true,
            nulls: Nulls::Last,
            nullable: false,
            bound: None,
        };
        // Ids that the query asks for by itself are a key like others; those that break ties come behind the rank.
        let breaks_ties = page.keys.iter().all(|(_, target)| target.part != Part::Id);
        columns.insert(columns.len() - usize::from(breaks_ties), best_first);
        out.push(" ORDER BY ");
        order_by(&columns, out);
        push_page(page, out);
        Ok(())
    }

    /// The statement of a page that begins among the values of a first key which may be null. The rows behind it are two
    /// ranges of an index, the greater values and then the nulls, and no one condition on both is one for an index; so they are
    /// asked for one after the other, the nulls only where the values did not fill the page. `None` where this does not apply.
    pub(super) fn two_ranges<R>(
        &self,
        selected: &str,
        filter: &Filter,
        page: &PageOf<'_, R>,
    ) -> Result<Option<Statement>> {
        let (Some(_), Some(limit), 0) = (page.after, page.limit.filter(|limit| *limit <= MAX_SORTED), page.offset)
        else {
            return Ok(None);
        };
        let columns = self.sort_columns(page.keys, page.ids_descending, page.after)?;
        let Some((first, rest)) = columns.split_first() else { return Ok(None) };
        // A key of run-time type sorts by several expressions, which have no index.
        let one_each = columns.len() <= page.keys.len() + 1;
        if !one_each || !first.nullable || first.nulls == Nulls::First || !matches!(first.bound, Some(Some(_))) {
            return Ok(None);
        }
        let mut out = Statement::default();
        if !filter.is_all() {
            self.condition(filter, &mut out)?;
            out.push(" AND ");
        }
        let condition = std::mem::take(&mut out.sql);
        behind_values(&columns, &mut out);
        let values = std::mem::take(&mut out.sql);
        order_by(&columns, &mut out);
        let order = std::mem::take(&mut out.sql);
        order_by(rest, &mut out);
        let order_of_nulls = std::mem::take(&mut out.sql);
        out.bind_int(i64::try_from(limit).unwrap_or(i64::MAX));
        let limit = std::mem::take(&mut out.sql);
        let all = if self.table.version == VersionAt::Xmin { "*, xmin" } else { "*" };
        let rows = format!("SELECT {all} FROM {} WHERE {condition}", self.table.qualified);
        // No store has a name that begins so.
        out.sql = format!(
            "WITH _values AS MATERIALIZED ({rows}{values} ORDER BY {order} LIMIT {limit}) \
             SELECT {selected} FROM (SELECT * FROM _values UNION ALL ({rows}{} IS NULL AND \
             (SELECT count(*) FROM _values) < {limit} ORDER BY {order_of_nulls} LIMIT {limit})) AS _page \
             ORDER BY {order} LIMIT {limit}",
            first.sql
        );
        Ok(Some(out))
    }
}

fn push_page<R>(page: &PageOf<'_, R>, out: &mut Statement) {
    if let Some(limit) = page.limit {
        out.push(" LIMIT ");
        out.bind_int(i64::try_from(limit).unwrap_or(i64::MAX));
    }
    if page.offset > 0 {
        out.push(" OFFSET ");
        out.bind_int(i64::try_from(page.offset).unwrap_or(i64::MAX));
    }
}

/// The order and the page of a query.
pub(super) struct PageOf<'q, R> {
    pub(super) keys: &'q [(Key<R>, Target)],
    pub(super) ids_descending: bool,
    pub(super) ordered: bool,
    pub(super) limit: Option<usize>,
    pub(super) offset: usize,
    pub(super) after: Option<&'q Cursor>,
}

fn native(cell: &Cell) -> Kind {
    match cell.form {
        Form::Native(kind) => kind,
        _ => Scalar::Jsonb.one(),
    }
}

fn id_value(cursor: &Cursor) -> Value {
    Value::Text(cursor.id().to_string())
}

/// The value of an id in the type of its column.
pub(super) fn id_literal(cell: &Cell, id: &Value) -> Result<Literal> {
    let foreign = || Error::query("the cursor belongs to a query with another order; start again without it");
    let Value::Text(text) = id else { return Err(foreign()) };
    let scalar = native(cell).scalar;
    match scalar {
        Scalar::Text | Scalar::Uuid => fold::exactly(id, scalar, &Type::Any),
        scalar => key::literal(text, scalar),
    }
    .ok_or_else(foreign)
}

type Bound = Option<Option<Literal>>;

/// The expressions that a key sorts by, each with its value in a cursor. A value of run-time type has one for its kind and
/// one for each family of kinds.
fn sorted_by(cell: &Cell, target: &Target, value: Option<&Value>) -> Result<Vec<(Cell, Bound)>> {
    match cell.form {
        Form::Native(kind) => {
            let bound = value.map(|value| match (value, &target.part) {
                (Value::Null, _) => Ok(None),
                (value, Part::Id) => id_literal(cell, value).map(Some),
                (value, _) => fold::exactly(value, kind.scalar, &target.ty).map(Some).ok_or_else(|| {
                    Error::query("the cursor belongs to a query with another order; start again without it")
                }),
            });
            Ok(vec![(cell.clone(), bound.transpose()?)])
        }
        Form::There => Err(Error::query("it has no order").at_field(target.path.to_string())),
        form => Ok(families(&cell.sql, form, value)),
    }
}

/// The sort expressions of a JSON value: its rank among kinds, then its value within each kind.
fn families(json: &str, form: Form, value: Option<&Value>) -> Vec<(Cell, Bound)> {
    let tag = |name: &str, rank: u8| format!("WHEN {json} ? '${name}' THEN {rank} ");
    let objects = match form {
        Form::Plain => "THEN 10".to_owned(),
        _ => format!(
            "THEN CASE {}{}{}{}{}{}{}ELSE 10 END",
            tag("decimal", 2),
            tag("bytes", 4),
            tag("uuid", 5),
            tag("timestamp", 6),
            tag("date", 7),
            tag("record", 9),
            tag("vector", 11)
        ),
    };
    let rank = format!(
        "(CASE jsonb_typeof({json}) WHEN 'boolean' THEN 0 WHEN 'number' THEN 1 WHEN 'string' THEN 3 WHEN 'array' THEN 8 \
         WHEN 'object' {objects} END)"
    );
    let cell = |sql: String, scalar: Scalar| Cell {
        sql,
        form: Form::Native(scalar.one()),
        nullable: true,
        by_bytes: true,
        equal_by_bytes: false,
    };
    let rank_of = |value: &Value| match value {
        Value::Null => None,
        value => Some(Literal::Int(rank_of(value).into())),
    };
    let within = |scalar: Scalar, value: &Value| match (value, scalar) {
        (Value::Float(float), Scalar::Numeric) => {
            let text = tagged::value_text(&Value::Float(*float)).unwrap_or_default();
            Some(Literal::Numeric(plain_digits(&String::from_utf8_lossy(&text))))
        }
        (Value::Decimal(_), Scalar::Numeric) => None,
        (value, scalar) => fold::exactly(value, scalar, &Type::Decimal),
    };
    let bound = |scalar: Scalar| value.map(|value| within(scalar, value));
    let mut all = vec![
        (cell(rank, Scalar::Int4), value.map(rank_of)),
        (cell(json_as(json, "boolean", "boolean"), Scalar::Bool), bound(Scalar::Bool)),
        (cell(json_as(json, "number", "numeric"), Scalar::Numeric), bound(Scalar::Numeric)),
        (cell(json_string(json), Scalar::Text), bound(Scalar::Text)),
    ];
    if form == Form::Tagged {
        let decimal = value.map(|value| match value {
            Value::Decimal(_) => fold::exactly(value, Scalar::Numeric, &Type::Decimal),
            _ => None,
        });
        let only = |scalar: Scalar, is: fn(&Value) -> bool| value.map(|v| if is(v) { within(scalar, v) } else { None });
        all.extend([
            (cell(format!("({json} ->> '$decimal')::numeric"), Scalar::Numeric), decimal),
            (cell(format!("decode({json} ->> '$bytes', 'base64')"), Scalar::Bytea), bound(Scalar::Bytea)),
            (
                cell(format!("({json} ->> '$uuid')::uuid"), Scalar::Uuid),
                only(Scalar::Uuid, |v| matches!(v, Value::Uuid(_))),
            ),
            (cell(cell::moment(json), Scalar::TimestampTz), bound(Scalar::TimestampTz)),
            (cell(cell::day(json), Scalar::Date), bound(Scalar::Date)),
        ]);
        // A UUID is no text here.
        if let Some((_, bound)) = all.get_mut(3)
            && matches!(value, Some(Value::Uuid(_)))
        {
            *bound = Some(None);
        }
    }
    all
}

/// The rank of a kind in the order of values.
fn rank_of(value: &Value) -> i8 {
    match value {
        Value::Bool(_) => 0,
        Value::Int(_) | Value::Float(_) => 1,
        Value::Decimal(_) => 2,
        Value::Text(_) => 3,
        Value::Bytes(_) => 4,
        Value::Uuid(_) => 5,
        Value::Timestamp(_) => 6,
        Value::Date(_) => 7,
        Value::List(_) => 8,
        Value::Record(_) => 9,
        Value::Json(_) => 10,
        Value::Vector(_) => 11,
        Value::Null => 12,
    }
}

fn order_by(columns: &[SortColumn], out: &mut Statement) {
    for (place, column) in columns.iter().enumerate() {
        out.push(if place > 0 { ", " } else { "" });
        out.push(&column.sql);
        out.push(if column.descending { " DESC" } else { "" });
        // The server's own places: last where ascending, first where descending.
        out.push(match (column.nullable, column.descending, column.nulls) {
            (true, false, Nulls::First) => " NULLS FIRST",
            (true, true, Nulls::Last) => " NULLS LAST",
            _ => "",
        });
    }
}

/// What comes behind the values of a cursor: a comparison of rows where an index can serve one, else key by key.
fn behind(columns: &[SortColumn], out: &mut Statement) {
    match columns {
        [first, ..] if !first.nullable => behind_values(columns, out),
        _ => behind_key_by_key(columns, out),
    }
}

/// The same without the rows whose first key is null.
fn behind_values(columns: &[SortColumn], out: &mut Statement) {
    let Some((first, rest)) = columns.split_first() else { return out.push("FALSE") };
    if rest.iter().all(|c| !c.nullable && c.descending == first.descending) {
        let names: Vec<_> = columns.iter().map(|c| c.sql.as_str()).collect();
        out.push(&format!("(({}) {} (", names.join(", "), if first.descending { "<" } else { ">" }));
        for (place, column) in columns.iter().enumerate() {
            out.push(if place > 0 { ", " } else { "" });
            bind_bound(column, out);
        }
        return out.push("))");
    }
    // Where the first key ends a range of an index; the rest is tested in it.
    out.push(&format!("({} {} ", first.sql, if first.descending { "<=" } else { ">=" }));
    bind_bound(first, out);
    out.push(&format!(" AND ({} <> ", first.sql));
    bind_bound(first, out);
    out.push(" OR ");
    behind(rest, out);
    out.push("))");
}

fn bind_bound(column: &SortColumn, out: &mut Statement) {
    match &column.bound {
        Some(Some(literal)) => bind_literal(column.kind.scalar, literal, out),
        _ => out.push("NULL"),
    }
}

fn behind_key_by_key(columns: &[SortColumn], out: &mut Statement) {
    let Some((column, rest)) = columns.split_first() else { return out.push("FALSE") };
    let at_null = !matches!(column.bound, Some(Some(_)));
    let sql = &column.sql;
    out.push("(");
    match (at_null, column.nulls) {
        (true, Nulls::Last) => out.push("FALSE"),
        (true, Nulls::First) => out.push(&format!("{sql} IS NOT NULL")),
        (false, nulls) => {
            out.push(&format!("{sql} {} ", if column.descending { "<" } else { ">" }));
            bind_bound(column, out);
            if column.nullable && nulls == Nulls::Last {
                out.push(&format!(" OR {sql} IS NULL"));
            }
        }
    }
    if !rest.is_empty() {
        out.push(" OR (");
        match at_null {
            true => out.push(&format!("{sql} IS NULL")),
            false => {
                out.push(&format!("{sql} = "));
                bind_bound(column, out);
            }
        }
        out.push(" AND ");
        behind_key_by_key(rest, out);
        out.push(")");
    }
    out.push(")");
}
