//! The tables that are there: what the catalogue says of one, and how a schema lies in it.

use std::sync::Arc;

use tokio_postgres::Row;

use super::{
    Layout, build, codec, composite,
    keep::Stray,
    key,
    link::Link,
    modifier::Modifier,
    name::quoted,
    pool::Session,
    query::Statement,
    rows::Output,
    schema::{Column, Index, Table, Takes, VersionAt, qualified},
    statement::Statements,
    wire::{Kind, Scalar},
};
use crate::{
    error::{Error, Result},
    record::Schema,
    store::Limits,
};

/// A table and what is made for it once.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) schema: Schema,
    pub(super) table: Arc<Table>,
    pub(super) statements: Arc<Statements>,
    pub(super) output: Arc<Output>,
}

impl Opened {
    pub(super) fn new(schema: Schema, table: Table) -> Opened {
        let output = Arc::new(Output::whole(&table));
        Opened { schema, table: Arc::new(table), statements: Arc::default(), output }
    }
}

/// A table as the catalogue has it.
#[derive(Clone, Debug)]
pub(super) struct Live {
    /// `r` table, `p` partitioned, `v` view, `m` materialised view, `f` foreign.
    pub(super) relation: String,
    /// Whether each row is one row of a table, which the server updates by itself.
    pub(super) locks: bool,
    pub(super) columns: Vec<LiveColumn>,
    pub(super) indexes: Vec<LiveIndex>,
}

#[derive(Clone, Debug)]
pub(super) struct LiveColumn {
    pub(super) name: String,
    /// `None` where this backend does not know the type.
    pub(super) kind: Option<Kind>,
    pub(super) type_name: String,
    pub(super) not_null: bool,
    pub(super) by_bytes: bool,
    /// Whether equality has to say that it is one of bytes.
    pub(super) equal_by_bytes: bool,
    pub(super) primary: bool,
    pub(super) modifier: Option<Modifier>,
    /// Whether only what has the same bytes is equal in it.
    pub(super) deterministic: bool,
    pub(super) takes: Takes,
    /// What the server puts there where nothing else is said, in SQL.
    pub(super) default: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct LiveIndex {
    pub(super) name: String,
    pub(super) unique: bool,
    pub(super) state: build::State,
    /// The column, where it is on one alone.
    pub(super) column: Option<String>,
    /// Whether it tells values apart by their bytes, and as soon as they are written.
    pub(super) exact: bool,
}

/// What the catalogue says of each column. Text is compared by bytes under the collations `C` and `POSIX` alone: a database of
/// another provider tells `C` of a library that it does not ask, and one of another `LC_CTYPE` knows other letters.
const COLUMNS: &str = "SELECT c.relkind::text, a.attname::text, a.atttypid::bigint, format_type(a.atttypid, a.atttypmod), \
    a.attnotnull, a.attcollation = 0 OR COALESCE(CASE o.collprovider \
        WHEN 'c' THEN o.collcollate IN ('C', 'POSIX') AND o.collctype IN ('C', 'POSIX') \
        WHEN 'b' THEN to_jsonb(o) ->> 'colllocale' = 'C' \
        WHEN 'd' THEN (SELECT CASE COALESCE(to_jsonb(d) ->> 'datlocprovider', 'c') \
            WHEN 'c' THEN d.datcollate IN ('C', 'POSIX') AND d.datctype IN ('C', 'POSIX') \
            WHEN 'b' THEN to_jsonb(d) ->> 'datlocale' = 'C' END \
            FROM pg_database d WHERE d.datname = current_database()) END, false), \
    EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary \
        AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])), \
    a.atttypmod, COALESCE(o.collisdeterministic, true), a.attgenerated <> '', a.attidentity = 'a', \
    CASE WHEN a.attidentity <> '' \
        THEN format('nextval(%L::regclass)', pg_get_serial_sequence(c.oid::regclass::text, a.attname)) \
        WHEN a.attgenerated = '' \
        THEN (SELECT pg_get_expr(f.adbin, f.adrelid) FROM pg_attrdef f WHERE f.adrelid = c.oid AND f.adnum = a.attnum) END, \
    c.relkind IN ('v', 'f') AND pg_relation_is_updatable(c.oid, false) & 4 <> 0 \
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
    LEFT JOIN pg_collation o ON o.oid = a.attcollation WHERE c.oid = to_regclass($1) ORDER BY a.attnum";

fn indexes() -> String {
    format!(
        "SELECT c.relname::text, i.indisunique, CASE WHEN i.indnkeyatts = 1 AND i.indpred IS NULL THEN a.attname::text END, {}, \
         i.indimmediate AND COALESCE(o.collisdeterministic, true) \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
         LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] \
         LEFT JOIN pg_collation o ON o.oid = i.indcollation[0] \
         WHERE i.indrelid = to_regclass($1) AND NOT i.indisprimary ORDER BY 1",
        build::State::COLUMNS
    )
}

pub(super) fn text(row: &Row, at: usize) -> Result<String> {
    let raw = codec::raw(row, at)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(raw).into_owned())
}

pub(super) fn maybe_text(row: &Row, at: usize) -> Result<Option<String>> {
    Ok(codec::raw(row, at)?.map(|raw| String::from_utf8_lossy(raw).into_owned()))
}

pub(super) fn flag(row: &Row, at: usize) -> Result<bool> {
    Ok(codec::raw(row, at)? == Some(&[1]))
}

/// Asks the catalogue something of a table, which `$1` names.
pub(super) fn ask<T>(
    session: &mut Session,
    sql: &str,
    qualified: &str,
    read: impl Fn(&Row) -> Result<T>,
) -> Result<Vec<T>> {
    let mut statement = Statement::new(sql);
    statement.kinds.push(Scalar::Text.one());
    statement.values.put(qualified.as_bytes());
    session.query(&statement)?.iter().map(read).collect()
}

/// What the catalogue says of a table; `None` where there is none of this name.
pub(super) fn inspect(session: &mut Session, qualified: &str) -> Result<Option<Live>> {
    let column = |row: &Row| {
        let oid = codec::raw(row, 2)?.and_then(|raw| raw.try_into().ok()).map_or(0, i64::from_be_bytes);
        let typmod = codec::raw(row, 7)?.and_then(|raw| raw.try_into().ok()).map_or(-1, i32::from_be_bytes);
        let kind = Kind::of_oid(oid as u32);
        let column = LiveColumn {
            name: text(row, 1)?,
            kind,
            type_name: text(row, 3)?,
            not_null: flag(row, 4)?,
            by_bytes: flag(row, 5)?,
            equal_by_bytes: false,
            primary: flag(row, 6)?,
            modifier: kind.and_then(|kind| Modifier::of(kind, typmod)),
            deterministic: flag(row, 8)?,
            takes: match (flag(row, 9)?, flag(row, 10)?) {
                (true, _) => Takes::Never,
                (_, true) => Takes::InNewRows,
                _ => Takes::Always,
            },
            default: maybe_text(row, 11)?,
        };
        Ok(((text(row, 0)?, flag(row, 12)?), column))
    };
    let (relations, mut columns): (Vec<_>, Vec<_>) = ask(session, COLUMNS, qualified, column)?.into_iter().unzip();
    let Some((relation, locks)) = relations.into_iter().next() else { return Ok(None) };
    if columns.iter().any(|column| !column.by_bytes) {
        let compared = super::catalogue::compared_by_c(session, qualified)?;
        columns.iter_mut().for_each(|column| column.equal_by_bytes = compared.contains(&column.name));
    }
    let indexes = ask(session, &indexes(), qualified, |row| {
        let column = maybe_text(row, 2)?;
        let (state, exact) = (build::State::of(row, 3)?, flag(row, 5)?);
        Ok(LiveIndex { name: text(row, 0)?, unique: flag(row, 1)?, state, column, exact })
    })?;
    Ok(Some(Live { relation, locks, columns, indexes }))
}

impl Live {
    pub(super) fn find(&self, name: &str) -> Option<&LiveColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
    /// Whether the whole record lies in one column.
    pub(super) fn layout(&self) -> Layout {
        let kind = |name: &str| self.find(name).and_then(|column| column.kind);
        match (kind("_data"), kind("_id")) {
            (Some(Kind { scalar: Scalar::Jsonb, array: false }), Some(_)) => Layout::Document,
            _ => Layout::Columns,
        }
    }
    /// Whether a column alone is the primary key, of a type that ids have.
    pub(super) fn is_key(&self, column: &str) -> bool {
        self.primary().is_some_and(|primary| primary.name == column && primary.kind.is_some_and(is_id))
    }
    /// Whether it has rows of its own, with indexes and versions, and is no view of others.
    pub(super) fn has_rows(&self) -> bool {
        matches!(self.relation.as_str(), "r" | "p")
    }
    /// Whether no two rows have the same id in this column.
    fn keeps_ids(&self, column: &str) -> bool {
        self.primary().is_some_and(|primary| primary.name == column)
            || self.kept_apart().any(|index| index.exact && index.column.as_deref() == Some(column))
    }
    /// Whether no two rows have the same value where this index should be.
    fn keeps(&self, wanted: &Index) -> bool {
        self.primary().is_some_and(|primary| primary.name == wanted.column)
            || self.kept_apart().any(|index| index.name == wanted.name || index.column.as_ref() == Some(&wanted.column))
    }
    fn kept_apart(&self) -> impl Iterator<Item = &LiveIndex> {
        self.indexes.iter().filter(|index| index.unique && index.state == build::State::Valid)
    }
    /// The one column of the primary key.
    pub(super) fn primary(&self) -> Option<&LiveColumn> {
        let mut primary = self.columns.iter().filter(|column| column.primary);
        primary.next().filter(|_| primary.next().is_none())
    }
}

impl LiveColumn {
    /// The column as a store uses it, where its type can hold what is expected of it.
    fn serves(&self, expected: &Column) -> Option<Column> {
        let in_array = |kind: Kind| expected.array.is_some_and(|array| holds(kind, array));
        let kind = self.kind.filter(|kind| holds(*kind, expected.kind) || in_array(*kind))?;
        let (modifier, takes) = (self.modifier, self.takes);
        let (by_bytes, equal_by_bytes) = (self.by_bytes, self.equal_by_bytes);
        Some(Column { kind, nullable: !self.not_null, by_bytes, equal_by_bytes, modifier, takes, ..expected.clone() })
    }
}

/// Whether values that were meant for one kind of column can lie in another. That each value fits is checked when it is
/// written and when it is read.
pub(super) fn holds(live: Kind, expected: Kind) -> bool {
    let family = |scalar: Scalar| match scalar {
        Scalar::Int2 | Scalar::Int4 | Scalar::Int8 => 1,
        Scalar::Float4 | Scalar::Float8 => 2,
        Scalar::TimestampTz | Scalar::Timestamp => 3,
        Scalar::Json | Scalar::Jsonb => 4,
        _ => 0,
    };
    let (a, b) = (live.scalar, expected.scalar);
    let integers = |scalar: Scalar| scalar.is_integer() || scalar == Scalar::Numeric;
    live.array == expected.array
        && (a == b || (family(a) != 0 && family(a) == family(b)) || (!live.array && integers(a) && integers(b)))
}

/// How a schema lies in a table that is there.
///
/// # Errors
/// `Configuration`, naming each column that is missing or of another type; `Unsupported` where there is no key to find
/// records by.
pub(super) fn adapt(expected: Table, live: &Live) -> Result<Table> {
    let mut faults = Vec::new();
    let mut columns = Vec::new();
    for column in &expected.columns {
        match live.find(&column.name).map(|found| (found, found.serves(column))) {
            Some((_, Some(found))) => columns.push(found),
            Some((found, None)) => {
                faults.push(format!("`{}` is {}, not {}", column.name, found.type_name, column.kind.sql()));
            }
            None => faults.push(format!("`{}` is missing; it would be {}", column.name, expected.declaration(column))),
        }
    }
    faults.extend(envelope_faults(&expected, live));
    if !faults.is_empty() {
        let all = faults.join("; ");
        return Err(Error::configuration(format!(
            "the table {} does not hold this record: {all}. `migrate` does what is safe",
            expected.qualified
        ))
        .in_store(&expected.name));
    }
    if let (Some(extra), None) = (&expected.extra, expected.extra.as_ref().and_then(|extra| live.find(&extra.name))) {
        let why = format!(
            "the table {} has no column for undeclared fields, {}: open it with the schema that `describe` gives, or add the column",
            expected.qualified,
            expected.declaration(extra)
        );
        return Err(Error::unsupported(why).in_store(&expected.name));
    }
    refuse_lacking_unique(&expected, live)?;
    let optional = |column: &Option<Column>| {
        column.as_ref().and_then(|column| live.find(&column.name).and_then(|found| found.serves(column)))
    };
    let Key { id, field: id_field, columns: key } = id_column(&expected, live, &columns)?;
    for (place, column) in columns.iter_mut().enumerate() {
        // An identity is the server's own, and the key's too unless a new record brings one.
        let is_key = id_field == Some(place) || key.iter().any(|part| part.name == column.name);
        if column.takes == Takes::InNewRows && !is_key {
            column.takes = Takes::Never;
        }
    }
    let version = match &expected.version {
        VersionAt::Token(column) => {
            live.find(&column.name).and_then(|found| found.serves(column)).map(VersionAt::Token)
        }
        _ => None,
    };
    let own = if live.has_rows() { VersionAt::Xmin } else { VersionAt::Nowhere { locks: live.locks } };
    Ok(Table {
        extra: optional(&expected.extra),
        created_at: optional(&expected.created_at),
        updated_at: optional(&expected.updated_at),
        metadata: optional(&expected.metadata),
        version: version.unwrap_or(own),
        indexes: unique_fields(&expected, live),
        strays: strays(&expected, live),
        restricted: columns.iter().any(|column| column.modifier.is_some() || column.takes == Takes::Never),
        id_default: live.find(&id.name).and_then(|found| found.default.clone()),
        id_follows: id_field != expected.id_field || !key.is_empty(),
        key,
        columns,
        id,
        id_field,
        ..expected
    })
}

/// What the columns of the envelope do not hold: times that the server would round, JSON that is not compared.
fn envelope_faults(expected: &Table, live: &Live) -> Vec<String> {
    let times = expected.created_at.iter().chain(&expected.updated_at);
    let found = |column: &Column| live.find(&column.name).map(|found| (found, found.kind));
    let fault = |column: &Column| match found(column)? {
        (found, kind) if found.modifier.is_some() || kind == Some(Scalar::Json.one()) => Some(format!(
            "`{}` is {1}, not {2}: ALTER TABLE {3} ALTER COLUMN {4} TYPE {2}",
            column.name,
            found.type_name,
            column.kind.sql(),
            expected.qualified,
            column.quoted
        )),
        _ => None,
    };
    times.chain(&expected.metadata).chain(&expected.extra).filter_map(fault).collect()
}

/// The columns inside nested records that the schema does not know, with the innermost record around each.
fn strays(expected: &Table, live: &Live) -> Vec<Stray> {
    let unknown = live
        .columns
        .iter()
        .filter(|column| !column.not_null && !expected.columns.iter().any(|c| c.name == column.name));
    let around = |column: &LiveColumn| {
        let name_of = |place: usize| expected.columns.get(place).map_or("", |c| c.name.as_str());
        let holds = |place: &usize| column.name.strip_prefix(name_of(*place)).is_some_and(|rest| rest.starts_with('.'));
        let presence = expected.presences.iter().copied().filter(holds).max_by_key(|place| name_of(*place).len())?;
        Some(Stray { quoted: quoted(&column.name), presence })
    };
    unknown.filter_map(around).collect()
}

/// Refuses a table that does not keep apart what the schema says is unique (semantics 2.3).
fn refuse_lacking_unique(expected: &Table, live: &Live) -> Result<()> {
    let lacking: Vec<_> = expected.indexes.iter().filter(|index| index.unique && !live.keeps(index)).collect();
    let Some(first) = lacking.first() else { return Ok(()) };
    let fields = lacking.iter().map(|index| format!("`{}`", index.field)).collect::<Vec<_>>().join(", ");
    let error = match live.has_rows() {
        true => {
            let sql = lacking.iter().map(|index| expected.create_index(index, true)).collect::<Vec<_>>().join("; ");
            Error::configuration(format!(
                "the table {} has no unique index of {fields}, so it would keep the same value twice; `migrate` makes it, or: {sql}",
                expected.qualified
            ))
        }
        false => Error::unsupported(format!(
            "{} is no table, so it does not keep the values of {fields} apart: leave `unique` to the table behind it",
            expected.qualified
        )),
    };
    Err(error.in_store(&expected.name).at_field(first.field.clone()))
}

/// What records are found by.
struct Key {
    id: Column,
    /// The place of that among the columns of the record.
    field: Option<usize>,
    /// The columns of a key of several.
    columns: Vec<Column>,
}

/// What records are found by: the column that the schema names, else the primary key.
///
/// # Errors
/// `Configuration` where two rows may have the same id in it.
fn id_column(expected: &Table, live: &Live, columns: &[Column]) -> Result<Key> {
    let key = key_of(expected, live, columns)?;
    if !key.columns.is_empty() {
        return Ok(key);
    }
    let (column, place) = (&key.id, key.field);
    let refused = |why: String| {
        let why =
            format!("the ids of its records are in the column {} of {}, {why}", column.quoted, expected.qualified);
        Err(Error::configuration(why).in_store(&expected.name).at_field(column.name.clone()))
    };
    let found = live.find(&column.name);
    let deterministic = found.is_none_or(|found| found.deterministic);
    match () {
        () if found.is_some_and(|found| found.takes == Takes::Never) => refused(
            "which is generated from others, so that no record has the id it is given: take a view to read it"
                .to_owned(),
        ),
        // It would be stored under its own field, and its id be another.
        () if place != expected.id_field && !key::is_foreign(column.kind) => {
            refused("which is a field of the record: mark that as its id".to_owned())
        }
        () if !deterministic => refused(format!(
            "by whose collation different ids are equal; to have another: ALTER TABLE {} ALTER COLUMN {} TYPE text COLLATE \"C\"",
            expected.qualified, column.quoted
        )),
        // What a view shows is kept apart by the tables behind it, or not.
        () if live.has_rows() && !live.keeps_ids(&column.name) => refused(format!(
            "and nothing keeps two rows from having the same one: mark the field of the primary key as the id, or make an index: \
             CREATE UNIQUE INDEX ON {} ({})",
            expected.qualified, column.quoted
        )),
        () => Ok(key),
    }
}

fn key_of(expected: &Table, live: &Live, columns: &[Column]) -> Result<Key> {
    let one = |id: Column, field| Ok(Key { id, field, columns: Vec::new() });
    if let Some(place) = expected.id_field {
        return one(columns[place].clone(), Some(place));
    }
    if let Some(own) = live.find(&expected.id.name).and_then(|found| found.serves(&expected.id)) {
        return one(own, None);
    }
    let unfit = |why: String| {
        let why = format!("the table {} has {why}, so its records have no ids", expected.qualified);
        let instead = "mark a field as the id whose column is text, a UUID or an integer, and unique";
        Error::unsupported(format!("{why}: {instead}")).in_store(&expected.name)
    };
    let part = |primary: &LiveColumn| {
        let kind = primary.kind.filter(|kind| is_id(*kind) || key::is_foreign(*kind));
        let column = kind.and_then(|kind| primary.serves(&Column::new(primary.name.clone(), kind, false)));
        column.ok_or_else(|| unfit(format!("a primary key of type {}", primary.type_name)))
    };
    let primary: Vec<_> = live.columns.iter().filter(|column| column.primary).collect();
    match primary.as_slice() {
        [] => Err(unfit("no primary key".to_owned())),
        [only] => one(part(only)?, columns.iter().position(|column| column.name == only.name)),
        several => {
            for part in several {
                let refused = |why: &str| {
                    let why = format!("the ids of its records follow from the key of {}, {why}", expected.qualified);
                    Err(Error::configuration(why).in_store(&expected.name).at_field(part.name.clone()))
                };
                match () {
                    () if !columns.iter().any(|column| column.name == part.name) => {
                        return refused("of which the type has no such field: add it");
                    }
                    () if part.takes == Takes::Never => return refused("which the server generates in part"),
                    () if !part.deterministic => return refused("by whose collation different keys are equal"),
                    () => {}
                }
            }
            let columns = several.iter().map(|column| part(column)).collect::<Result<Vec<_>>>()?;
            Ok(Key { id: composite::column(&columns), field: None, columns })
        }
    }
}

/// Whether ids are kept in columns of this kind as they are.
fn is_id(kind: Kind) -> bool {
    !kind.array && (kind.scalar.is_integer() || matches!(kind.scalar, Scalar::Text | Scalar::Uuid))
}

/// The unique indexes of the table, with the fields that they keep apart.
fn unique_fields(expected: &Table, live: &Live) -> Vec<Index> {
    let known = |name: &str| expected.indexes.iter().find(|index| index.name == name).cloned();
    let found = |index: &LiveIndex| {
        let column = index.column.clone()?;
        let named = Index {
            name: index.name.clone(),
            field: column.clone(),
            expression: quoted(&column),
            column,
            unique: true,
            words: false,
        };
        Some(known(&index.name).unwrap_or(named))
    };
    let live = live.indexes.iter().filter(|index| index.unique);
    live.filter_map(|index| known(&index.name).or_else(|| found(index))).collect()
}

/// Looks a table up, and makes it where there is none and it should be made.
///
/// # Errors
/// As [`adapt`]; `Configuration` where there is no such table and none is to be made.
pub(super) fn open(link: &Link, schema: &Schema, name: &str) -> Result<Table> {
    if let Some(table) = find(link, schema, name)? {
        return Ok(table);
    }
    let config = link.config();
    let expected = Table::of(schema, name, config.schema.as_deref(), config.layout)?;
    if !config.create_tables {
        let why = format!("there is no table {}; make it with `ensure`", expected.qualified);
        return Err(Error::configuration(why).in_store(name));
    }
    create(link, &expected, schema)?;
    Ok(expected)
}

/// Looks a table up; `None` where there is none.
///
/// # Errors
/// As [`adapt`].
pub(super) fn find(link: &Link, schema: &Schema, name: &str) -> Result<Option<Table>> {
    let namespace = link.config().schema.as_deref();
    let Some(live) = look(link, &qualified(namespace, name))? else { return Ok(None) };
    adapt(Table::of(schema, name, namespace, live.layout())?, &live).map(Some)
}

pub(super) fn look(link: &Link, qualified: &str) -> Result<Option<Live>> {
    link.read(Limits::NONE, |session| inspect(session, qualified))
}

/// Makes a table and its indexes, all or nothing; others that make it at the same time wait, in a transaction until that ends.
pub(super) fn create(link: &Link, table: &Table, schema: &Schema) -> Result<()> {
    let config = link.config();
    let alone = super::alone(&table.qualified);
    let made = link.read(Limits::NONE, |session| {
        let sql = super::migrate::creation(session, config, table, schema)?;
        session.batch(&format!("{alone}; {sql}"))
    });
    made.map_err(|e| e.in_store(&table.name))
}
