//! How a schema lies in a table: one typed column for each field, nested records flattened, the envelope beside them.
//! Pure: what is made and compared here is run by [`migrate`](super::migrate).

use std::fmt::Write;

use super::{
    Layout,
    cell::Form,
    keep::Stray,
    modifier::Modifier,
    name::{column_of, fitted, quoted},
    wire::{Kind, Scalar},
};
use crate::{
    error::{Error, Result},
    record::{FieldDef, Path, Schema, Target, Type},
};

/// The most columns that a table can have, less what the envelope needs.
const MAX_COLUMNS: usize = 1_590;

/// One column of a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    /// The name in quotes.
    pub(super) quoted: String,
    pub(super) kind: Kind,
    pub(super) nullable: bool,
    /// Whether its text is compared by bytes already; where not, every comparison says so.
    pub(super) by_bytes: bool,
    /// Whether equality has to say so as well: alone it means another thing, or finds no index.
    pub(super) equal_by_bytes: bool,
    /// What its type leaves of the values of its kind.
    pub(super) modifier: Option<Modifier>,
    /// When it takes a value that is written.
    pub(super) takes: Takes,
    /// The array that holds it as well, where a table that is there has one.
    pub(super) array: Option<Kind>,
}

/// When a column takes a value that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Always,
    /// In new rows, where the statement insists on it: a key that is generated always as an identity.
    InNewRows,
    /// The server generates it.
    Never,
}

impl Column {
    pub(super) fn new(name: impl Into<String>, kind: Kind, nullable: bool) -> Column {
        let name = name.into();
        Column {
            quoted: quoted(&name),
            name,
            kind,
            nullable,
            by_bytes: true,
            equal_by_bytes: false,
            modifier: None,
            takes: Takes::Always,
            array: None,
        }
    }
}

/// Where the version of a row is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum VersionAt {
    /// A write token of 16 bytes in a column of its own.
    Token(Column),
    /// The transaction that wrote the row, which the server keeps for every table.
    Xmin,
    /// Views have none.
    Nowhere {
        /// Whether a row of it can be locked: it is one row of a table.
        locks: bool,
    },
}

/// A table as one store sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    /// The store's name.
    pub(super) name: String,
    /// The name in quotes, with the schema that it is in.
    pub(super) qualified: String,
    pub(super) layout: Layout,
    /// The columns of the record, in the order in which it encodes its fields.
    pub(super) columns: Vec<Column>,
    /// Where undeclared fields go.
    pub(super) extra: Option<Column>,
    pub(super) id: Column,
    /// The place of the id among the columns of the record, where it is one of its fields.
    pub(super) id_field: Option<usize>,
    /// The columns of a key of several, which are fields of the record; none where the id is a column of its own.
    pub(super) key: Vec<Column>,
    /// Whether the id follows from fields that are not declared as the id.
    pub(super) id_follows: bool,
    pub(super) version: VersionAt,
    pub(super) created_at: Option<Column>,
    pub(super) updated_at: Option<Column>,
    pub(super) metadata: Option<Column>,
    /// Indexes that the schema asks for: the columns, and whether their values must differ.
    pub(super) indexes: Vec<Index>,
    /// The schema of the record, where the whole of it lies in one column.
    pub(super) document: Option<Schema>,
    /// Places of the columns that say whether a nested record is there.
    pub(super) presences: Vec<usize>,
    /// Columns that are there inside nested records and that the schema does not know.
    pub(super) strays: Vec<Stray>,
    /// Whether some column of the record does not take every value: then each record is looked through.
    pub(super) restricted: bool,
    /// What the server makes an id of, in SQL, where its key has a default.
    pub(super) id_default: Option<String>,
}

/// An index on one column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Index {
    pub(super) name: String,
    /// The field's path, for errors.
    pub(super) field: String,
    pub(super) column: String,
    pub(super) unique: bool,
    /// What is indexed, in SQL.
    pub(super) expression: String,
    /// An index of words.
    pub(super) words: bool,
}

/// The kind of column that a type is kept in.
pub(super) fn kind_of(ty: &Type) -> Kind {
    scalar_of(ty).map(Scalar::one).unwrap_or_else(|| match ty {
        Type::Vector(_) => Scalar::Float4.many(),
        Type::List(item) if !item.nullable => {
            scalar_of(&item.ty).map_or(Scalar::Jsonb.one(), |scalar| Kind { scalar, array: true })
        }
        _ => Scalar::Jsonb.one(),
    })
}

fn scalar_of(ty: &Type) -> Option<Scalar> {
    Some(match ty {
        Type::Bool => Scalar::Bool,
        Type::I8 | Type::I16 | Type::U8 => Scalar::Int2,
        Type::I32 | Type::U16 => Scalar::Int4,
        Type::I64 | Type::U32 => Scalar::Int8,
        Type::U64 | Type::Decimal => Scalar::Numeric,
        Type::F32 => Scalar::Float4,
        Type::F64 => Scalar::Float8,
        Type::Text | Type::Enum(_) => Scalar::Text,
        Type::Bytes => Scalar::Bytea,
        Type::Uuid => Scalar::Uuid,
        Type::Timestamp => Scalar::TimestampTz,
        Type::Date => Scalar::Date,
        _ => return None,
    })
}

/// The array that a list of scalars lies in which may be null. Tables of ours keep such lists as JSON.
fn array_of(ty: &Type) -> Option<Kind> {
    match ty {
        Type::List(item) if item.nullable => scalar_of(&item.ty).map(Scalar::many),
        _ => None,
    }
}

/// The schema of a record that lies in columns of its own; an open one lies in one column as JSON.
pub(super) fn flattened(ty: &Type) -> Option<&Schema> {
    match ty {
        Type::Record(schema) if !schema.open => Some(schema),
        _ => None,
    }
}

/// How many columns a field takes.
pub(super) fn width(field: &FieldDef) -> usize {
    match flattened(&field.ty) {
        Some(schema) => usize::from(field.nullable) + schema.fields.iter().map(width).sum::<usize>(),
        None => 1,
    }
}

impl Table {
    /// The table that a store of this schema has.
    ///
    /// # Errors
    /// `Unsupported` for more fields than a table can have columns.
    pub(super) fn of(schema: &Schema, name: &str, namespace: Option<&str>, layout: Layout) -> Result<Table> {
        let mut table = Table {
            name: name.to_owned(),
            qualified: qualified(namespace, name),
            layout,
            columns: Vec::new(),
            extra: None,
            id: Column::new("_id", Scalar::Text.one(), false),
            id_field: None,
            key: Vec::new(),
            id_follows: false,
            version: VersionAt::Token(Column::new("_version", Scalar::Uuid.one(), false)),
            created_at: Some(Column::new("_created_at", Scalar::TimestampTz.one(), false)),
            updated_at: Some(Column::new("_updated_at", Scalar::TimestampTz.one(), false)),
            metadata: Some(Column::new("_metadata", Scalar::Jsonb.one(), true)),
            indexes: Vec::new(),
            document: (layout == Layout::Document).then(|| schema.clone()),
            presences: Vec::new(),
            strays: Vec::new(),
            restricted: false,
            id_default: None,
        };
        match layout {
            Layout::Columns => table.lay_out(schema)?,
            Layout::Document => table.lay_out_document(schema),
        }
        table.lay_indexes(schema)?;
        Ok(table)
    }

    fn lay_out(&mut self, schema: &Schema) -> Result<()> {
        schema.fields.iter().for_each(|field| self.push(field, None, false));
        if self.columns.len() > MAX_COLUMNS {
            let why = format!("{} columns, and a table has at most {MAX_COLUMNS}", self.columns.len());
            return Err(Error::unsupported(format!("{why}: mark records `json`, or take the document layout")));
        }
        if schema.open {
            self.extra = Some(Column::new("_extra", Scalar::Jsonb.one(), true));
        }
        if let Some((place, column)) = id_place(schema).and_then(|at| Some((at, self.columns.get(at)?))) {
            (self.id, self.id_field) = (column.clone(), Some(place));
        }
        Ok(())
    }

    fn push(&mut self, field: &FieldDef, parent: Option<&Path>, nullable: bool) {
        let path = match parent {
            Some(parent) => parent.clone().then(field.name.clone()),
            None => Path::field(field.name.clone()),
        };
        let nullable = nullable || field.nullable || field.ty == Type::Any;
        let name = column_of(&path);
        let Some(inside) = flattened(&field.ty) else {
            let array = array_of(&field.ty);
            return self.columns.push(Column { array, ..Column::new(name, kind_of(&field.ty), nullable) });
        };
        if field.nullable {
            // Tells a record that is there, all of it null, from one that is not.
            self.presences.push(self.columns.len());
            self.columns.push(Column::new(name, Scalar::Bool.one(), true));
        }
        inside.fields.iter().for_each(|inner| self.push(inner, Some(&path), nullable));
    }

    /// One column for the whole record.
    fn lay_out_document(&mut self, schema: &Schema) {
        self.columns = vec![Column::new("_data", Scalar::Jsonb.one(), false)];
        // Ids are kept in the type that they order by (semantics 1.3).
        if let Some(scalar) = schema.id_field().and_then(|(_, field)| scalar_of(&field.ty)) {
            self.id = Column::new("_id", scalar.one(), false);
        }
    }

    /// The indexes that fields ask for, of the expressions that queries have for them.
    fn lay_indexes(&mut self, schema: &Schema) -> Result<()> {
        // The table's key keeps ids apart and in order, and finds no words in them.
        if let Some((_, id)) = schema.id_field().filter(|(_, field)| field.text.is_some()) {
            let target = schema.resolve(&Path::field(id.name.clone()))?;
            self.lay_indexes_of(schema, &target, &FieldDef { unique: false, index: false, ..id.clone() })?;
        }
        let fields = schema.declared(|field| field.index || field.unique || field.text.is_some());
        fields.iter().try_for_each(|(target, field)| self.lay_indexes_of(schema, target, field))
    }

    fn lay_indexes_of(&mut self, schema: &Schema, target: &Target, field: &FieldDef) -> Result<()> {
        let cell = self.cell(schema, target)?;
        let column = column_of(&target.path);
        let index = |ending: &str, expression: String| Index {
            name: fitted(format!("{}.{column}.{ending}", self.name)),
            field: target.path.to_string(),
            column: column.clone(),
            unique: false,
            expression,
            words: false,
        };
        let key = if cell.sql == quoted(&column) { cell.sql.clone() } else { format!("({})", cell.sql) };
        if let Some(language) = &field.text {
            let (expression, ending) = super::search::index_of(language, &cell.sql);
            self.indexes.push(Index { words: true, ..index(&ending, expression) });
        }
        if field.unique {
            self.indexes.push(Index { unique: true, ..index("key", key.clone()) });
        } else if field.index {
            self.indexes.push(index("idx", key.clone()));
        }
        if (field.unique || field.index) && cell.nullable && matches!(cell.form, Form::Native(_)) {
            // Read backwards the first one has the nulls first, and pages have them last in both directions.
            self.indexes.push(index("desc", format!("{key} DESC NULLS LAST")));
        }
        Ok(())
    }

    /// Whether ids have a column beside those of the record.
    pub(super) fn has_own_id(&self) -> bool {
        self.id_field.is_none() && self.key.is_empty()
    }

    /// Columns of the record, then what holds the rest of it.
    pub(super) fn record_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().chain(&self.extra)
    }

    /// Those of them that an update writes.
    pub(super) fn changed_columns(&self) -> impl Iterator<Item = &Column> {
        self.record_columns().filter(|column| column.takes == Takes::Always)
    }

    /// All columns, in the order in which rows are written: the record, the id, version, times, metadata.
    pub(super) fn written(&self) -> impl Iterator<Item = &Column> {
        let id = self.has_own_id().then_some(&self.id);
        let version = match &self.version {
            VersionAt::Token(column) => Some(column),
            _ => None,
        };
        let times = self.created_at.iter().chain(&self.updated_at);
        let record = self.record_columns().filter(|column| column.takes != Takes::Never);
        record.chain(id).chain(version).chain(times).chain(&self.metadata)
    }

    /// The statement that makes the table.
    pub(super) fn create(&self) -> String {
        let mut sql = format!("CREATE TABLE IF NOT EXISTS {} (", self.qualified);
        for column in self.written() {
            let _ = write!(sql, "{}, ", self.declaration(column));
        }
        let _ = write!(sql, "PRIMARY KEY ({}))", self.id.quoted);
        sql
    }

    /// A column as it is declared.
    pub(super) fn declaration(&self, column: &Column) -> String {
        let collation = if column.kind.scalar == Scalar::Text { " COLLATE \"C\"" } else { "" };
        let not_null = if column.nullable { "" } else { " NOT NULL" };
        format!("{} {}{collation}{not_null}", column.quoted, column.kind.sql())
    }

    /// The statement that makes an index.
    pub(super) fn create_index(&self, index: &Index, concurrently: bool) -> String {
        let unique = if index.unique { "UNIQUE " } else { "" };
        let concurrently = if concurrently { "CONCURRENTLY " } else { "" };
        format!(
            "CREATE {unique}INDEX {concurrently}IF NOT EXISTS {} ON {} {}({})",
            quoted(&index.name),
            self.qualified,
            if index.words { "USING gin " } else { "" },
            index.expression
        )
    }
}

/// The name of a table, with the schema that it is in.
pub(super) fn qualified(namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{}.{}", quoted(namespace), quoted(name)),
        None => quoted(name),
    }
}

/// The place of the id field's column, where ids can be kept in it: a text, a UUID or an integer.
fn id_place(schema: &Schema) -> Option<usize> {
    let (index, field) = schema.id_field()?;
    let place = schema.fields.iter().take(index).map(width).sum();
    (field.ty != Type::Any).then_some(place)
}

/// A text as SQL writes it where no parameter can stand: the key of a JSON object. The same with any setting of
/// `standard_conforming_strings`.
pub(super) fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') { format!("E'{}'", doubled.replace('\\', "\\\\")) } else { format!("'{doubled}'") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> Schema {
        let home = Schema::new("home").field(FieldDef::new("city", Type::Text)).field(FieldDef::new("zip", Type::U16));
        Schema::new("people")
            .field(FieldDef::new("email", Type::Text).id())
            .field(FieldDef::new("age", Type::U64).nullable())
            .field(FieldDef::new("home", Type::record(home)).nullable())
            .field(FieldDef::new("tags", Type::list(Type::Text)))
            .field(FieldDef::new("nick", Type::Text).unique().nullable())
    }

    #[test]
    fn a_schema_lies_in_typed_columns() {
        let table = Table::of(&people(), "people", Some("app"), Layout::Columns).expect("it fits");
        assert_eq!(
            table.create(),
            "CREATE TABLE IF NOT EXISTS \"app\".\"people\" (\"email\" text COLLATE \"C\" NOT NULL, \"age\" numeric, \
             \"home\" boolean, \"home.city\" text COLLATE \"C\", \"home.zip\" integer, \
             \"tags\" text[] COLLATE \"C\" NOT NULL, \"nick\" text COLLATE \"C\", \"_version\" uuid NOT NULL, \
             \"_created_at\" timestamp with time zone NOT NULL, \"_updated_at\" timestamp with time zone NOT NULL, \
             \"_metadata\" jsonb, PRIMARY KEY (\"email\"))"
        );
        assert_eq!(
            table.create_index(&table.indexes[0], true),
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS \"people.nick.key\" ON \"app\".\"people\" (\"nick\")"
        );
    }

    #[test]
    fn an_open_schema_has_a_place_for_the_rest_and_a_document_one_for_all() {
        let open = Table::of(&Schema::open("things"), "things", None, Layout::Columns).expect("it fits");
        assert_eq!(open.extra.map(|column| column.name).as_deref(), Some("_extra"));
        let document = Table::of(&people(), "people", None, Layout::Document).expect("it fits");
        assert_eq!(document.written().map(|c| c.name.as_str()).collect::<Vec<_>>()[..2], ["_data", "_id"]);
    }

    #[test]
    fn a_literal_is_one_with_any_setting() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
    }
}
