//! The statements of one table, written once: inserts, updates, upserts, deletes, reads by id. Pure.

use std::{
    fmt::Write,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    keep,
    live::Opened,
    query::Statement,
    rows::Output,
    schema::{Column, Table, Takes, VersionAt},
    wire::{Kind, Scalar, Values},
};
use crate::record::{Draft, RecordCodec};

/// What a write brings beside the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Brings {
    pub(super) metadata: bool,
    pub(super) created_at: bool,
    pub(super) updated_at: bool,
    /// The version that the row must have.
    pub(super) expected: bool,
}

impl Brings {
    const COMBINATIONS: usize = 16;
    pub(super) fn of<R: RecordCodec>(draft: &Draft<'_, R>) -> Brings {
        let (created, updated) = draft.given_times().unwrap_or_default();
        Brings {
            metadata: draft.given_metadata().is_some(),
            created_at: created.is_some(),
            updated_at: updated.is_some(),
            expected: draft.expected().is_some(),
        }
    }
    fn index(self) -> usize {
        [self.metadata, self.created_at, self.updated_at, self.expected]
            .iter()
            .fold(0, |index, flag| index * 2 + usize::from(*flag))
    }
}

/// A statement whose parameters are still to come.
#[derive(Debug)]
pub(super) struct Template {
    pub(super) sql: String,
    pub(super) kinds: Vec<Kind>,
    /// By which a connection finds what it has prepared; no other template of the process has it.
    pub(super) number: u64,
}

impl Template {
    pub(super) fn new(sql: String, kinds: Vec<Kind>) -> Arc<Template> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Arc::new(Template { sql, kinds, number: NEXT.fetch_add(1, Ordering::Relaxed) })
    }
    pub(super) fn with(self: &Arc<Template>, values: Values) -> Statement {
        Statement { template: Some(self.clone()), values, ..Statement::default() }
    }
}

/// The statements of one table.
#[derive(Debug, Default)]
pub(super) struct Statements {
    pub(super) fetch: OnceLock<Arc<Template>>,
    pub(super) fetch_one: OnceLock<Arc<Template>>,
    insert: OnceLock<Arc<Template>>,
    updates: [OnceLock<Arc<Template>>; Brings::COMBINATIONS],
    upserts: [OnceLock<Arc<Template>>; Brings::COMBINATIONS],
    /// The table as it was looked up again, by batches that it had become another one for.
    pub(super) renewed: OnceLock<Arc<Opened>>,
}

/// How the version of a row is compared: its kind as a parameter.
pub(super) fn version_kind(table: &Table) -> Kind {
    match table.version {
        VersionAt::Token(_) => Scalar::Uuid.one(),
        _ => Scalar::Int8.one(),
    }
}

/// The version of a row where it is compared.
pub(super) fn version_compared(table: &Table) -> &str {
    match &table.version {
        VersionAt::Token(column) => &column.quoted,
        _ => "(xmin::text::bigint)",
    }
}

/// What every write gives back of a table whose versions are its transactions.
pub(super) fn returned_version(table: &Table) -> &'static str {
    if table.version == VersionAt::Xmin { ", xmin" } else { "" }
}

impl Statements {
    /// Parameters: the columns of [`Table::written`]. Gives back what the version is, if that is the server's own.
    pub(super) fn insert(&self, table: &Table) -> &Arc<Template> {
        self.insert.get_or_init(|| insert(table))
    }
    /// Parameters: the columns of the record, version, update time, then what it brings, then id and expected version.
    pub(super) fn update(&self, table: &Table, brings: Brings) -> &Arc<Template> {
        self.updates[brings.index()].get_or_init(|| update(table, brings))
    }
    /// Parameters as those of an insert. Gives back whether the row is new.
    pub(super) fn upsert(&self, table: &Table, brings: Brings) -> &Arc<Template> {
        self.upserts[brings.index()].get_or_init(|| upsert(table, brings))
    }
}

/// The names of columns, in order.
pub(super) fn names<'c>(columns: impl Iterator<Item = &'c Column>) -> String {
    let names: Vec<_> = columns.map(|column| column.quoted.as_str()).collect();
    names.join(", ")
}

fn insert(table: &Table) -> Arc<Template> {
    let returning = match returned_version(table) {
        "" => "",
        _ => " RETURNING xmin",
    };
    let (sql, kinds) = plain_insert(table);
    Template::new(sql + returning, kinds)
}

fn plain_insert(table: &Table) -> (String, Vec<Kind>) {
    let kinds: Vec<_> = table.written().map(|column| column.kind).collect();
    let places: Vec<_> = (1..=kinds.len()).map(|place| format!("${place}")).collect();
    let (columns, insisting) = (names(table.written()), insisting(table));
    (format!("INSERT INTO {} ({columns}){insisting} VALUES ({})", table.qualified, places.join(", ")), kinds)
}

/// What an insert says of a table whose key would be the server's alone.
pub(super) fn insisting(table: &Table) -> &'static str {
    match table.written().any(|column| column.takes == Takes::InNewRows) {
        true => " OVERRIDING SYSTEM VALUE",
        false => "",
    }
}

fn update(table: &Table, brings: Brings) -> Arc<Template> {
    let mut set = Vec::new();
    let mut kinds = Vec::new();
    let mut place = |kind: Kind| {
        kinds.push(kind);
        kinds.len()
    };
    let mut places = Vec::new();
    for column in table.record_columns() {
        let at = if column.takes == Takes::Never { 0 } else { place(column.kind) };
        places.push(at);
        if column.takes == Takes::Always {
            set.push(keep::assigned(table, column, &column.quoted, &format!("${at}")));
        }
    }
    set.extend(keep::strays(table, str::to_owned, |at, _| format!("${}", places.get(at).copied().unwrap_or_default())));
    if let VersionAt::Token(column) = &table.version {
        set.push(format!("{} = ${}", column.quoted, place(column.kind)));
    }
    if let Some(column) = &table.updated_at {
        let at = place(column.kind);
        set.push(match brings.updated_at {
            true => format!("{} = ${at}", column.quoted),
            // Time never goes back (semantics 5.3).
            false => format!("{0} = GREATEST({0}, ${at})", column.quoted),
        });
    }
    if let Some(column) = table.created_at.as_ref().filter(|_| brings.created_at) {
        set.push(format!("{} = ${}", column.quoted, place(column.kind)));
    }
    if let Some(column) = table.metadata.as_ref().filter(|_| brings.metadata) {
        set.push(format!("{} = ${}", column.quoted, place(column.kind)));
    }
    let mut sql = format!("UPDATE {} SET {}", table.qualified, set.join(", "));
    let _ = write!(sql, " WHERE {}", table.id_is(place(table.id.kind)));
    if brings.expected {
        let _ = write!(sql, " AND {} = ${}", version_compared(table), place(version_kind(table)));
    }
    if !returned_version(table).is_empty() {
        sql.push_str(" RETURNING xmin");
    }
    Template::new(sql, kinds)
}

fn upsert(table: &Table, brings: Brings) -> Arc<Template> {
    let (mut sql, kinds) = plain_insert(table);
    sql.push_str(&on_conflict(table, brings));
    let _ = write!(sql, " RETURNING (xmax = 0){}", returned_version(table));
    Template::new(sql, kinds)
}

/// What happens to a row that is there already.
pub(super) fn on_conflict(table: &Table, brings: Brings) -> String {
    let taken = |column: &Column| format!("{0} = EXCLUDED.{0}", column.quoted);
    let old = |quoted: &str| format!("{}.{quoted}", table.qualified);
    let put = |c: &Column| keep::assigned(table, c, &old(&c.quoted), &format!("EXCLUDED.{}", c.quoted));
    let mut set: Vec<_> = table.changed_columns().map(put).collect();
    set.extend(keep::strays(table, old, |_, presence| format!("EXCLUDED.{}", presence.quoted)));
    if let VersionAt::Token(column) = &table.version {
        set.push(taken(column));
    }
    if let Some(column) = &table.updated_at {
        set.push(match brings.updated_at {
            true => taken(column),
            false => format!("{0} = GREATEST({1}.{0}, EXCLUDED.{0})", column.quoted, table.qualified),
        });
    }
    set.extend(table.created_at.as_ref().filter(|_| brings.created_at).map(taken));
    set.extend(table.metadata.as_ref().filter(|_| brings.metadata).map(taken));
    format!(" ON CONFLICT ({}) DO UPDATE SET {}", names(table.id_columns().iter()), set.join(", "))
}

/// Updates rows from a table beside theirs.
pub(super) fn update_from(table: &Table, brings: Brings, stage: &str) -> String {
    let taken = |column: &Column| format!("{0} = stage.{0}", column.quoted);
    let old = |quoted: &str| format!("target.{quoted}");
    let put = |c: &Column| keep::assigned(table, c, &old(&c.quoted), &format!("stage.{}", c.quoted));
    let mut set: Vec<_> = table.changed_columns().map(put).collect();
    set.extend(keep::strays(table, old, |_, presence| format!("stage.{}", presence.quoted)));
    if let VersionAt::Token(column) = &table.version {
        set.push(taken(column));
    }
    if let Some(column) = &table.updated_at {
        set.push(match brings.updated_at {
            true => taken(column),
            false => format!("{0} = GREATEST(target.{0}, stage.{0})", column.quoted),
        });
    }
    set.extend(table.created_at.as_ref().filter(|_| brings.created_at).map(taken));
    set.extend(table.metadata.as_ref().filter(|_| brings.metadata).map(taken));
    let condition = match (brings.expected, &table.version) {
        (false, _) => String::new(),
        (true, VersionAt::Token(column)) => format!(" AND target.{} = stage._expected", column.quoted),
        (true, _) => " AND target.xmin::text::bigint = stage._expected".to_owned(),
    };
    let (same, set) = (table.same_id("target", "stage"), set.join(", "));
    format!("UPDATE {} AS target SET {set} FROM {stage} AS stage WHERE {same}{condition}", table.qualified)
}

/// The statement that reads rows by their ids, which are one parameter.
pub(super) fn fetch(table: &Table, output: &Output) -> Arc<Template> {
    let sql = format!("SELECT {} FROM {} WHERE {}", output.sql, table.qualified, table.id_among(1));
    Template::new(sql, vec![Kind { array: true, ..table.id.kind }])
}

/// The statement that reads one row by its id.
pub(super) fn fetch_one(table: &Table, output: &Output) -> Arc<Template> {
    let sql = format!("SELECT {} FROM {} WHERE {}", output.sql, table.qualified, table.id_is(1));
    Template::new(sql, vec![table.id.kind])
}
