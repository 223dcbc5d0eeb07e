//! Indexes beyond those of attributes: on expressions, on several fields, of some of the rows.

use super::{
    build::{self, Making, State},
    compare::Difference,
    config::PostgresConfig,
    live::Live,
    name::{cut, quoted},
    pool::Session,
    query::{Lowering, Statement},
    schema::Table,
};
use crate::{
    error::{Error, Result},
    query::{Filter, Operand, cursor::checksum},
    record::Schema,
};

/// The longest part of an index's name before its checksum, in bytes.
const MAX_STEM: usize = 46;

/// An index of one store that no attribute asks for. Given to [`PostgresConfig::index`](super::PostgresConfig::index), it is
/// made with the table and by [`ensure`](super::Postgres::ensure), and [`diff`](super::Postgres::diff) and
/// [`migrate`](super::Postgres::migrate) know it.
///
/// Fields are written as queries write them, so that what is asked is what is indexed. An index has a name of the store's
/// and its own, with a checksum of what it is: one that was asked for in another way before is told from it, and replaced by
/// [`migrate`](super::Postgres::migrate).
///
/// ```
/// use dk_data::{Filter, backend::postgres::{Postgres, PostgresIndex}};
/// let config = Postgres::builder()
///     .index(PostgresIndex::new("people", "by_folded_name").by_folded("name"))
///     .index(PostgresIndex::new("orders", "open_by_day").by("customer").by_desc("day").only(Filter::eq("state", "open")));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct PostgresIndex {
    store: String,
    name: String,
    unique: bool,
    keys: Vec<Key>,
    only: Option<Filter>,
    only_sql: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
enum Key {
    Field {
        operand: Operand,
        descending: bool,
    },
    /// The text in lower case, as `ilike` compares it.
    Folded(Operand),
    Sql(String),
}

impl PostgresIndex {
    /// An index of a store, by the store's name. It needs at least one key.
    pub fn new(store: impl Into<String>, name: impl Into<String>) -> PostgresIndex {
        let (store, name) = (store.into(), name.into());
        PostgresIndex { store, name, unique: false, keys: Vec::new(), only: None, only_sql: None }
    }
    /// By a field, a part of the envelope (`_created_at`, a value of the metadata) or the length of a list, ascending.
    #[must_use]
    pub fn by(self, operand: impl Into<Operand>) -> Self {
        self.key(Key::Field { operand: operand.into(), descending: false })
    }
    /// The same, descending, with nulls last.
    #[must_use]
    pub fn by_desc(self, operand: impl Into<Operand>) -> Self {
        self.key(Key::Field { operand: operand.into(), descending: true })
    }
    /// By a text in lower case: `ilike` with a pattern that begins with a literal starts there.
    #[must_use]
    pub fn by_folded(self, operand: impl Into<Operand>) -> Self {
        self.key(Key::Folded(operand.into()))
    }
    /// By an expression in SQL, which is taken as it is: never pass what others wrote.
    #[must_use]
    pub fn by_sql(self, expression: impl Into<String>) -> Self {
        self.key(Key::Sql(expression.into()))
    }
    /// No two of its rows may share the keys; null is shared by any number.
    #[must_use]
    pub fn unique(mut self) -> Self {
        self.unique = true;
        self
    }
    /// Only of records of which this is true. Queries that ask for the same use it.
    #[must_use]
    pub fn only(mut self, filter: Filter) -> Self {
        self.only = Some(filter);
        self
    }
    /// Only of rows of which a condition in SQL is true, which is taken as it is: never pass what others wrote.
    #[must_use]
    pub fn only_sql(mut self, condition: impl Into<String>) -> Self {
        self.only_sql = Some(condition.into());
        self
    }

    fn key(mut self, key: Key) -> Self {
        self.keys.push(key);
        self
    }

    /// What stands behind the name of the table.
    fn definition(&self, session: &mut Session, lowering: &Lowering<'_>) -> Result<String> {
        if self.keys.is_empty() {
            return Err(Error::configuration("an index without keys: say `by`"));
        }
        let keys = self.keys.iter().map(|key| key.sql(lowering)).collect::<Result<Vec<_>>>()?;
        let mut sql = format!("({})", keys.join(", "));
        let mut conditions = Vec::new();
        if let Some(filter) = &self.only {
            let mut statement = Statement::default();
            lowering.condition(filter, &mut statement)?;
            conditions.push(written_out(session, &statement)?);
        }
        conditions.extend(self.only_sql.iter().map(|condition| format!("({condition})")));
        if !conditions.is_empty() {
            sql.push_str(&format!(" WHERE {}", conditions.join(" AND ")));
        }
        Ok(sql)
    }
}

impl Key {
    fn sql(&self, lowering: &Lowering<'_>) -> Result<String> {
        Ok(match self {
            Key::Sql(expression) => format!("({expression})"),
            Key::Folded(operand) => format!("lower({})", lowering.text_expression(operand)?),
            Key::Field { operand, descending } => {
                let (cell, _) = lowering.operand(operand)?;
                let order = match (descending, cell.nullable) {
                    (false, _) => "",
                    (true, false) => " DESC",
                    (true, true) => " DESC NULLS LAST",
                };
                format!("({}){order}", cell.text())
            }
        })
    }
}

/// A condition with its parameters written into it, each as the server itself writes it.
fn written_out(session: &mut Session, statement: &Statement) -> Result<String> {
    if statement.kinds.is_empty() {
        return Ok(statement.sql.clone());
    }
    let items = (1..=statement.kinds.len()).map(|n| format!("quote_literal(${n}::text) || '::' || pg_typeof(${n})"));
    let ask = Statement { sql: format!("SELECT {}", items.collect::<Vec<_>>().join(", ")), ..statement.clone() };
    let rows = session.query(&ask)?;
    let row = rows.first().ok_or_else(|| Error::backend("the server did not write the values out"))?;
    let literal = |at: usize| {
        let raw = super::codec::raw(row, at)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(raw).into_owned())
    };
    let literals = (0..statement.kinds.len()).map(literal).collect::<Result<Vec<_>>>()?;
    Ok(filled(&statement.sql, &literals))
}

/// Puts literals in the places of parameters; what is in quotes is left as it is.
fn filled(sql: &str, literals: &[String]) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut within = None;
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        match (within, c) {
            (Some(quote), c) if quote == c => within = None,
            (None, '\'' | '"') => within = Some(c),
            (None, '$') => {
                let mut number = 0_usize;
                while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
                    number = number * 10 + digit as usize;
                    chars.next();
                }
                if let Some(literal) = number.checked_sub(1).and_then(|place| literals.get(place)) {
                    out.push_str(literal);
                }
                continue;
            }
            _ => {}
        }
        out.push(c);
    }
    out
}

/// An index as it should be.
pub(super) struct Wanted {
    name: String,
    /// What the names of all its forms begin with.
    pub(super) stem: String,
    unique: bool,
    /// `ON table (..) WHERE ..`
    on: String,
}

impl Wanted {
    pub(super) fn create(&self, concurrently: bool) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        let concurrently = if concurrently { "CONCURRENTLY " } else { "" };
        format!("CREATE {unique}INDEX {concurrently}IF NOT EXISTS {} {}", quoted(&self.name), self.on)
    }
}

/// The indexes that the configuration asks for on a table.
///
/// # Errors
/// `Query`, with the field, for what the schema does not have; `Configuration` for an index without keys.
pub(super) fn wanted(
    session: &mut Session,
    config: &PostgresConfig,
    table: &Table,
    schema: &Schema,
) -> Result<Vec<Wanted>> {
    let lowering = Lowering { table, schema };
    let own = config.indexes.iter().filter(|index| index.store == table.name);
    let wanted = own.map(|index| {
        let refused = |e: Error| Error::configuration(format!("the index `{}`: {e}", index.name)).because(e);
        let on = format!("ON {} {}", table.qualified, index.definition(session, &lowering).map_err(refused)?);
        let whole = format!("{}.{}", table.name, index.name);
        let stem = format!("{}~", cut(&whole, MAX_STEM));
        // Two long names that begin alike differ in their checksums.
        let sum = checksum(format!("{whole} {} {on}", index.unique).as_bytes());
        Ok(Wanted { name: format!("{stem}{sum:016x}"), stem, unique: index.unique, on })
    });
    wanted.collect::<Result<_>>().map_err(|e: Error| e.in_store(&table.name))
}

/// What differs between the indexes that are wanted and those that are there.
pub(super) fn differences(wanted: &[Wanted], namespace: Option<&str>, live: &Live) -> Vec<Difference> {
    let mut all = Vec::new();
    for index in wanted {
        let found = live.indexes.iter().find(|found| found.name == index.name).map(|found| found.state);
        if found != Some(State::Valid) {
            let name = super::schema::qualified(namespace, &index.name);
            let making = Making { name, what: format!("the index `{}`", index.name), field: None };
            let told = format!("there is no index `{}`", index.name);
            all.extend(build::missing(found, making, told, index.create(true)));
        }
        let old = live
            .indexes
            .iter()
            .map(|found| &found.name)
            .filter(|name| name.starts_with(&index.stem) && !wanted.iter().any(|wanted| wanted.name == **name));
        for name in old {
            let sql = build::dropping(&super::schema::qualified(namespace, name));
            let what = format!("the index `{name}` is what `{}` was before", index.name);
            all.push(Difference::safe(what, sql));
        }
    }
    all
}

impl PostgresConfig {
    /// Adds an index to one of the stores.
    #[must_use]
    pub fn index(mut self, index: PostgresIndex) -> Self {
        self.indexes.push(index);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_filled_in_outside_of_quotes_only() {
        let literals = ["'a$2'::text".to_owned(), "'7'::integer".to_owned()];
        let sql = "((\"$1\" = $1) AND (x -> '$2') > $2 AND y = 'it''s $1' AND z < $2)";
        let wanted = "((\"$1\" = 'a$2'::text) AND (x -> '$2') > '7'::integer AND y = 'it''s $1' AND z < '7'::integer)";
        assert_eq!(filled(sql, &literals), wanted);
    }
}
