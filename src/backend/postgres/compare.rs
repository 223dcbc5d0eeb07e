//! What differs between a table and the type of its records, and what would mend it. Pure: it compares what was read, and
//! [`migrate`](super::migrate) runs what is safe.

use std::fmt;

use super::{
    Layout,
    build::{self, Making, State},
    catalogue::{Declared, DeclaredIndex},
    convert::{declared, retyped, stand_in, widens},
    live::{Live, LiveColumn, holds},
    name::{fitted, quoted},
    schema::{Column, Index, Table, VersionAt, qualified},
    wire::Scalar,
};

/// One difference between a table and the schema of its records.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// What differs.
    pub what: String,
    /// What would mend it, in SQL.
    pub sql: String,
    /// Whether [`migrate`](super::Postgres::migrate) does it: nothing is lost by it, and no row can stand in its way, or where rows
    /// can, as in that of a unique index, nothing has changed then.
    pub safe: bool,
    /// Whether the type cannot do with the table as it is: records that it allows could not be written, or what is there could
    /// not be read. What is neither `safe` nor `needed` is told and left as it is: the store works, and whoever owns the table may
    /// have wanted it so, as a part of the envelope that it lacks, another collation, or a constraint.
    pub needed: bool,
    /// The index that the statement makes.
    pub(super) making: Option<Making>,
}

impl Difference {
    pub(super) fn safe(what: impl Into<String>, sql: impl Into<String>) -> Difference {
        Difference { what: what.into(), sql: sql.into(), safe: true, needed: true, making: None }
    }
    /// What a person has to decide before the type can do with the table.
    pub(super) fn needed(what: impl Into<String>, sql: impl Into<String>) -> Difference {
        Difference { safe: false, ..Difference::safe(what, sql) }
    }
    /// What the type can do with.
    pub(super) fn told(what: impl Into<String>, sql: impl Into<String>) -> Difference {
        Difference { needed: false, ..Difference::needed(what, sql) }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.sql)
    }
}

/// A table that is there, beside what is expected of it.
pub(super) struct Comparison<'a> {
    pub(super) expected: &'a Table,
    pub(super) namespace: Option<&'a str>,
    pub(super) live: &'a Live,
    pub(super) declared: &'a Declared,
}

impl Comparison<'_> {
    /// Whether the table is one of this crate's: others keep no write tokens.
    fn is_ours(&self) -> bool {
        self.live.find("_version").is_some()
    }
    /// Whether it is a table at all, and not a view or another server's.
    fn is_table(&self) -> bool {
        self.live.has_rows()
    }
    fn alter(&self) -> String {
        format!("ALTER TABLE {}", self.expected.qualified)
    }
    fn is_own_id(&self, column: &Column) -> bool {
        *column == self.expected.id && self.expected.id_field.is_none()
    }
    /// The column of the primary key, where records are found by that.
    fn foreign_key(&self) -> Option<&LiveColumn> {
        let missing = self.expected.id_field.is_none() && self.live.find(&self.expected.id.name).is_none();
        self.live.primary().filter(|_| missing)
    }

    /// The table as it will be when it follows its type: the columns of the schema, and what of them stays as it lies there.
    pub(super) fn settled(&self) -> Table {
        let (expected, live) = (self.expected, self.live);
        let follow = |column: &Column| match live.find(&column.name) {
            Some(found) => Column {
                kind: found.kind.filter(|kind| stays(*kind, column)).unwrap_or(column.kind),
                by_bytes: found.by_bytes,
                equal_by_bytes: found.equal_by_bytes,
                ..column.clone()
            },
            None => column.clone(),
        };
        let part = |column: &Option<Column>| {
            column.as_ref().filter(|column| self.is_ours() || live.find(&column.name).is_some()).map(follow)
        };
        let columns: Vec<_> = expected.columns.iter().map(follow).collect();
        let id = match (expected.id_field, self.foreign_key()) {
            (Some(place), _) => columns[place].clone(),
            (None, Some(key)) => Column {
                by_bytes: key.by_bytes,
                equal_by_bytes: key.equal_by_bytes,
                ..Column::new(key.name.clone(), key.kind.unwrap_or(expected.id.kind), false)
            },
            (None, None) => follow(&expected.id),
        };
        Table {
            created_at: part(&expected.created_at),
            updated_at: part(&expected.updated_at),
            metadata: part(&expected.metadata),
            columns,
            id,
            ..expected.clone()
        }
    }

    /// All that differs in columns, in what they are held to, and in the indexes that fields ask for. Names of indexes that begin
    /// with one of `configured` are somebody else's business.
    pub(super) fn differences(&self, configured: &[&str]) -> Vec<Difference> {
        let mut all = Vec::new();
        for column in self.expected.written() {
            match self.live.find(&column.name) {
                Some(found) => self.column(column, found, &mut all),
                None => all.extend(self.missing(column)),
            }
        }
        if self.is_table() {
            all.extend(self.unknown());
            all.extend(self.indexes());
            all.extend(self.constraints());
            all.extend(self.unique_beyond(configured));
        }
        all
    }

    fn missing(&self, column: &Column) -> Option<Difference> {
        let (what, alter) = (format!("`{}` is missing", column.name), self.alter());
        if !self.is_table() {
            return (!column.nullable && !column.name.starts_with('_'))
                .then(|| Difference::needed(what, "the query of the view would have it"));
        }
        // Run again where its reply was lost, it finds its own work done.
        let add = format!("{alter} ADD COLUMN IF NOT EXISTS {}", self.expected.declaration(column));
        if self.is_own_id(column) {
            let key = format!("{add} DEFAULT gen_random_uuid()::text PRIMARY KEY");
            let what = "there is no primary key, so records have no ids".to_owned();
            let has_key = self.live.columns.iter().any(|column| column.primary);
            return (!has_key).then(|| Difference::needed(what, key));
        }
        let default = match (&self.expected.version, column.name.as_str()) {
            (VersionAt::Token(_), "_version") => " DEFAULT gen_random_uuid()",
            (_, "_created_at" | "_updated_at") => " DEFAULT now()",
            _ => "",
        };
        match column.name.as_str() {
            "_version" => Some(Difference::told(
                format!(
                    "{what}, and the version is that of the transaction which wrote a row: it notices every writer. \
                         A token notices only those that write one"
                ),
                add + default,
            )),
            "_created_at" | "_updated_at" | "_metadata" if !self.is_ours() => {
                Some(Difference::told(what, add + default))
            }
            "_created_at" | "_updated_at" => Some(Difference::safe(what, add + default)),
            _ if column.nullable => Some(Difference::safe(what, add)),
            _ => Some(Difference::needed(
                what,
                format!("{add} DEFAULT {} /* for the rows that are there */", stand_in(column.kind)),
            )),
        }
    }

    fn column(&self, column: &Column, found: &LiveColumn, all: &mut Vec<Difference>) {
        let (alter, name) = (self.alter(), &column.quoted);
        let told = self.declared.column(&column.name);
        // Where an array is there, a list lies in it as well as in the column that would be made.
        let is_array = found.kind.zip(column.array).is_some_and(|(kind, array)| holds(kind, array));
        if found.kind != Some(column.kind) && !is_array {
            let what = format!("`{}` is {}, not {}", column.name, found.type_name, column.kind.sql());
            let other =
                retyped(&self.expected.qualified, column, found.kind, told.is_some_and(|declared| declared.filled));
            all.push(match found.kind {
                _ if !self.is_table() => Difference::told(what, "the query of the view would have it"),
                Some(kind) if widens(kind, column.kind) => {
                    Difference::safe(what, format!("{alter} ALTER COLUMN {name} TYPE {}", column.kind.sql()))
                }
                // Each value is tested when it is written and when it is read.
                Some(kind) if holds(kind, column.kind) => Difference::told(what, other),
                _ => Difference::needed(what, other),
            });
        } else if self.is_table() && !is_array {
            let whole = declared(column.kind);
            if !found.by_bytes && column.kind.scalar == Scalar::Text {
                let collation = told.map_or("another", |declared| declared.collation.as_str());
                all.push(Difference::told(
                    format!(
                        "`{}` is of the collation {collation}, and indexes in its order are not in that of queries",
                        column.name
                    ),
                    format!("{alter} ALTER COLUMN {name} TYPE {whole}"),
                ));
            }
            if told.is_some_and(|declared| declared.narrowed) {
                all.push(Difference::told(
                    format!("`{}` is {} and does not hold all that the type does", column.name, found.type_name),
                    format!("{alter} ALTER COLUMN {name} TYPE {whole}"),
                ));
            }
        }
        match (found.not_null, column.nullable) {
            _ if !self.is_table() => {}
            (true, true) => {
                let (what, sql) =
                    (format!("`{}` may be null", column.name), format!("{alter} ALTER COLUMN {name} DROP NOT NULL"));
                all.push(if found.primary { Difference::needed(what, sql) } else { Difference::safe(what, sql) });
            }
            (false, false) => all.push(Difference::needed(
                format!("`{}` is never null", column.name),
                format!(
                    "UPDATE {} SET {name} = {} WHERE {name} IS NULL; {alter} ALTER COLUMN {name} SET NOT NULL",
                    self.expected.qualified,
                    stand_in(column.kind)
                ),
            )),
            _ => {}
        }
    }

    /// Columns that the type does not know and that have to have a value: no record could be created.
    fn unknown(&self) -> impl Iterator<Item = Difference> {
        let key = self.foreign_key().map(|key| key.name.as_str());
        let known = move |name: &str| key == Some(name) || self.expected.written().any(|column| column.name == name);
        let filled = |name: &str| self.declared.column(name).is_some_and(|declared| declared.filled);
        let unknown = self.live.columns.iter().filter(move |column| column.not_null && !known(&column.name));
        unknown.filter(move |column| !filled(&column.name)).map(|column| {
            let kind = column.kind.filter(|_| column.primary).map(|kind| kind.scalar);
            let change = match kind {
                None => "DROP NOT NULL",
                Some(scalar) if scalar.is_integer() => "ADD GENERATED BY DEFAULT AS IDENTITY",
                Some(Scalar::Uuid) => "SET DEFAULT gen_random_uuid()",
                Some(_) => "SET DEFAULT gen_random_uuid()::text",
            };
            let sql = format!("{} ALTER COLUMN {} {change}", self.alter(), quoted(&column.name));
            let why = "is never null and has no default, and the type does not have it: no record can be created";
            Difference::needed(format!("`{}` {why}", column.name), sql)
        })
    }

    fn constraints(&self) -> impl Iterator<Item = Difference> {
        self.declared.constraints.iter().map(|constraint| {
            Difference::told(
                format!("the constraint `{}` refuses what the type allows: {}", constraint.name, constraint.definition),
                format!("{} DROP CONSTRAINT {}", self.alter(), quoted(&constraint.name)),
            )
        })
    }

    /// The statement that takes an index away, and whether nobody else counts on it.
    fn dropping(&self, index: &DeclaredIndex) -> (String, bool) {
        match &index.constraint {
            Some(constraint) => (format!("{} DROP CONSTRAINT {}", self.alter(), quoted(constraint)), false),
            None => (build::dropping(&qualified(self.namespace, &index.name)), true),
        }
    }

    /// Unique indexes that the type does not know.
    fn unique_beyond(&self, configured: &[&str]) -> impl Iterator<Item = Difference> {
        let expected = self.expected;
        let asked = move |index: &DeclaredIndex| {
            let unique =
                |wanted: &Index| wanted.unique && (wanted.name == index.name || index.keeps_apart(&wanted.column));
            expected.indexes.iter().any(unique) || configured.iter().any(|stem| index.name.starts_with(stem))
        };
        let id = self.foreign_key().map_or(expected.id.name.as_str(), |key| key.name.as_str());
        // With the id among its keys no two records could share them.
        let beyond = |index: &&DeclaredIndex| index.unique && !index.primary && !index.is_by(id) && !asked(index);
        self.declared
            .indexes
            .iter()
            .filter(beyond)
            .map(|index| {
                let what = format!("the unique index `{}` refuses what the type allows", index.name);
                Difference::told(what, self.dropping(index).0)
            })
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// What differs in the indexes that fields ask for, and in that of ids.
    pub(super) fn indexes(&self) -> Vec<Difference> {
        let settled = self.settled();
        let mut all = Vec::new();
        for index in &settled.indexes {
            let column = settled.columns.iter().find(|column| column.name == index.column && !index.words);
            match column.filter(|_| settled.layout == Layout::Columns) {
                Some(column) => self.index_of(column, index, &mut all),
                // An index of an expression is known by its name.
                None => {
                    let same = |found: &DeclaredIndex| found.state == State::Valid && found.unique == index.unique;
                    if !self.declared.index(&index.name).is_some_and(same) {
                        all.extend(self.make(index));
                    }
                }
            }
        }
        // The index of the key is in the order of its column, which is not that of pages.
        let id = &settled.id;
        let indexed = settled.indexes.iter().any(|index| index.column == id.name && !index.words);
        if id.kind.scalar == Scalar::Text && !id.by_bytes && !indexed {
            self.index_of(id, &plain_index(&settled, id, &id.name), &mut all);
        }
        all
    }

    /// What an index on one column lacks: that it keeps values apart, or that it is in the order of queries.
    fn index_of(&self, column: &Column, index: &Index, all: &mut Vec<Difference>) {
        let apart = || self.declared.indexes.iter().any(|found| found.keeps_apart(&column.name));
        let descending = index.expression.ends_with(DESCENDING);
        let ordered = || self.declared.indexes.iter().any(|f| f.orders(&column.name, column.by_bytes, descending));
        if index.unique && !apart() {
            all.extend(self.make(&by_c(index, column)));
        } else if !ordered() {
            let plain = if index.unique { plain_index(self.expected, column, &index.field) } else { index.clone() };
            all.extend(self.make(&by_c(&plain, column)));
        }
    }

    /// Makes an index, in the place of one that has its name.
    fn make(&self, index: &Index) -> Vec<Difference> {
        let (what, missing) = match (index.words, index.unique) {
            (true, _) => ("the index of the words of", "no index of its words"),
            (_, true) => ("the unique index of", "no unique index"),
            _ => ("the index of", "no index in the order of queries"),
        };
        let field = &index.field;
        let name = qualified(self.namespace, &index.name);
        let making = Making { name, what: format!("{what} `{field}`"), field: Some(field.clone()) };
        let found = self.declared.index(&index.name);
        let mut all = Vec::new();
        if let Some(found) = found.filter(|found| found.state == State::Valid) {
            let what = format!("the index `{}` is not the one that `{field}` asks for", index.name);
            let (sql, safe) = self.dropping(found);
            all.push(if safe { Difference::safe(what, sql) } else { Difference::needed(what, sql) });
        }
        // The server makes none on a table in parts without holding writers up.
        let sql = self.expected.create_index(index, self.live.relation != "p");
        let half = found.map(|found| found.state);
        all.extend(build::missing(half, making, format!("`{field}` has {missing}"), sql));
        all
    }
}

/// What the expression of an index ends with whose rows come descending.
const DESCENDING: &str = " DESC NULLS LAST";

/// Whether a column of another kind is left as it is.
fn stays(found: super::wire::Kind, column: &Column) -> bool {
    holds(found, column.kind) && !widens(found, column.kind)
}

fn plain_index(table: &Table, column: &Column, field: &str) -> Index {
    Index {
        name: fitted(format!("{}.{}.idx", table.name, column.name)),
        field: field.to_owned(),
        column: column.name.clone(),
        unique: false,
        expression: column.quoted.clone(),
        words: false,
    }
}

/// The index in the order in which queries compare the column.
fn by_c(index: &Index, column: &Column) -> Index {
    let is_text = column.kind.scalar == Scalar::Text;
    match index.expression.strip_prefix(&column.quoted).filter(|_| is_text && !column.by_bytes) {
        Some(rest) => Index { expression: format!("{} COLLATE \"C\"{rest}", column.quoted), ..index.clone() },
        None => index.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{FieldDef, Schema, Type};

    use super::super::{schema::Takes, wire::Kind};

    fn found(ty: Type, nullable: bool, kind: Kind, not_null: bool) -> Vec<Difference> {
        let live = |name: &str, kind: Kind, not_null: bool| LiveColumn {
            name: name.to_owned(),
            kind: Some(kind),
            type_name: kind.sql(),
            not_null,
            by_bytes: true,
            equal_by_bytes: false,
            primary: name == "_id",
            modifier: None,
            deterministic: true,
            takes: Takes::Always,
            default: None,
        };
        let field = FieldDef { nullable, ..FieldDef::new("a", ty) };
        let expected = Table::of(&Schema::new("t").field(field), "t", None, Layout::Columns).expect("it fits");
        let mut columns: Vec<_> = expected.written().map(|c| live(&c.name, c.kind, !c.nullable)).collect();
        columns[0] = live("a", kind, not_null);
        let live = Live { relation: "r".to_owned(), locks: false, columns, indexes: Vec::new() };
        let declared = Declared::default();
        Comparison { expected: &expected, namespace: None, live: &live, declared: &declared }.differences(&[])
    }

    #[test]
    fn numbers_are_widened_and_never_narrowed() {
        let wide = found(Type::I64, false, Scalar::Int4.one(), true);
        assert!(matches!(wide.as_slice(), [wide] if wide.safe), "{wide:?}");
        assert_eq!(wide[0].sql, "ALTER TABLE \"t\" ALTER COLUMN \"a\" TYPE bigint");
        let narrow = found(Type::I32, false, Scalar::Int8.one(), true);
        assert!(matches!(narrow.as_slice(), [narrow] if !narrow.safe && !narrow.needed), "{narrow:?}");
        let other = found(Type::Text, false, Scalar::Int8.one(), true);
        assert!(matches!(other.as_slice(), [other] if !other.safe && other.needed), "{other:?}");
    }

    #[test]
    fn nulls_are_let_in_and_never_shut_out() {
        assert!(found(Type::I64, true, Scalar::Int8.one(), true)[0].safe);
        assert!(!found(Type::I64, false, Scalar::Int8.one(), false)[0].safe);
        assert_eq!(found(Type::I64, false, Scalar::Int8.one(), true), []);
    }

    #[test]
    fn a_column_may_differ_in_several_ways() {
        let both = found(Type::I64, false, Scalar::Int2.one(), false);
        assert!(matches!(both.as_slice(), [wide, null] if wide.safe && !null.safe && null.needed), "{both:?}");
    }
}
