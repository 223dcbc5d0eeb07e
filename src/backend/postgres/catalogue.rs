//! What the catalogue says of a table beyond what opens it: how its columns and indexes were declared, and what else hangs on it.

use tokio_postgres::Row;

use super::{
    build::State,
    live::{ask, flag, maybe_text, text},
    pool::Session,
};
use crate::error::Result;

/// A table as it was declared.
#[derive(Clone, Debug, Default)]
pub(super) struct Declared {
    pub(super) columns: Vec<DeclaredColumn>,
    pub(super) indexes: Vec<DeclaredIndex>,
    pub(super) constraints: Vec<Constraint>,
}

#[derive(Clone, Debug)]
pub(super) struct DeclaredColumn {
    pub(super) name: String,
    /// Whether its type has fewer digits or letters than it could: `varchar(3)`, `numeric(6,2)`, `timestamptz(0)`.
    pub(super) narrowed: bool,
    pub(super) collation: String,
    /// Whether the server has a value for it where none is given.
    pub(super) filled: bool,
}

#[derive(Clone, Debug)]
pub(super) struct DeclaredIndex {
    pub(super) name: String,
    pub(super) state: State,
    pub(super) unique: bool,
    pub(super) primary: bool,
    /// Of all rows.
    pub(super) whole: bool,
    pub(super) method: String,
    /// The constraint that it serves.
    pub(super) constraint: Option<String>,
    pub(super) keys: Vec<IndexKey>,
}

/// What an index is by, in its place.
#[derive(Clone, Debug)]
pub(super) struct IndexKey {
    /// `None` for an expression.
    pub(super) column: Option<String>,
    pub(super) descending: bool,
    pub(super) nulls_first: bool,
    /// In the column's own order.
    pub(super) as_column: bool,
    /// In the order of bytes, by `COLLATE "C"`.
    pub(super) as_c: bool,
    /// Compared as `<` and `=` do.
    pub(super) usual: bool,
}

/// A rule that records are held to and that no type tells.
#[derive(Clone, Debug)]
pub(super) struct Constraint {
    pub(super) name: String,
    pub(super) definition: String,
}

impl DeclaredIndex {
    /// The one key, where all rows are in it in an order.
    fn only_key(&self) -> Option<&IndexKey> {
        let [key] = self.keys.as_slice() else { return None };
        let serves = self.state == State::Valid && self.whole && self.method == "btree" && key.usual;
        serves.then_some(key)
    }
    /// Whether rows come from it in the order that queries ask for; read backwards, an index has the other one.
    pub(super) fn orders(&self, column: &str, by_bytes: bool, descending: bool) -> bool {
        self.only_key().is_some_and(|key| {
            let alike = if by_bytes { key.as_column } else { key.as_c };
            let backwards = key.descending != descending;
            // Ascending and descending alike, queries have the nulls last.
            key.column.as_deref() == Some(column) && alike && key.nulls_first == backwards
        })
    }
    /// Whether no two rows share a value of the column.
    pub(super) fn keeps_apart(&self, column: &str) -> bool {
        self.unique && self.only_key().is_some_and(|key| key.column.as_deref() == Some(column))
    }
    pub(super) fn is_by(&self, column: &str) -> bool {
        self.keys.iter().any(|key| key.column.as_deref() == Some(column))
    }
}

impl Declared {
    pub(super) fn column(&self, name: &str) -> Option<&DeclaredColumn> {
        self.columns.iter().find(|column| column.name == name)
    }
    pub(super) fn index(&self, name: &str) -> Option<&DeclaredIndex> {
        self.indexes.iter().find(|index| index.name == name)
    }
}

const COLUMNS: &str = "SELECT a.attname::text, \
    a.atttypmod <> -1 AND NOT (a.atttypmod = 6 AND a.atttypid IN ('timestamp'::regtype, 'timestamptz'::regtype, \
    'timestamp[]'::regtype, 'timestamptz[]'::regtype)), \
    CASE WHEN o.collname = 'default' THEN 'that of the database' ELSE quote_ident(o.collname) END, \
    a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL \
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation o ON o.oid = a.attcollation \
    WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

/// The collation of bytes, as the catalogue numbers it.
const C: &str = "(SELECT oid FROM pg_collation WHERE collname = 'C' AND collnamespace = 'pg_catalog'::regnamespace)";

/// One row for each key of each index.
fn keys() -> String {
    format!(
        "SELECT c.relname::text, i.indisunique, i.indisprimary, i.indpred IS NULL, m.amname::text, k.conname::text, \
         {}, a.attname::text, i.indoption[n] & 1 = 1, i.indoption[n] & 2 = 2, \
         i.indcollation[n] = coalesce(a.attcollation, 0), i.indcollation[n] = {C}, o.opcdefault \
         FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam \
         CROSS JOIN LATERAL generate_series(0, i.indnkeyatts - 1) n JOIN pg_opclass o ON o.oid = i.indclass[n] \
         LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n] AND a.attnum > 0 \
         LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x') \
         WHERE i.indrelid = to_regclass($1) ORDER BY c.relname, n",
        State::COLUMNS
    )
}

const CONSTRAINTS: &str = "SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint \
    WHERE conrelid = to_regclass($1) AND contype IN ('c', 'f', 'x') ORDER BY conname";

/// Columns that are not compared by bytes and of which equality has to say that it is: `=` alone means another thing there, or
/// finds no index because the only one is by `COLLATE "C"`.
fn equal_by_bytes() -> String {
    let valid = "FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisvalid";
    format!(
        "SELECT a.attname::text FROM pg_attribute a JOIN pg_collation o ON o.oid = a.attcollation \
         WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped AND (NOT o.collisdeterministic OR \
         (EXISTS (SELECT 1 {valid} AND EXISTS (SELECT 1 FROM generate_series(0, i.indnkeyatts - 1) n \
         WHERE i.indkey[n] = a.attnum AND i.indcollation[n] = {C})) AND NOT EXISTS (SELECT 1 {valid} AND i.indpred IS NULL \
         AND i.indkey[0] = a.attnum AND i.indcollation[0] = a.attcollation)))"
    )
}

/// The names of the columns of which equality has to say that it is one of bytes.
pub(super) fn compared_by_c(session: &mut Session, qualified: &str) -> Result<Vec<String>> {
    ask(session, &equal_by_bytes(), qualified, |row| text(row, 0))
}

/// How a table was declared.
pub(super) fn declared(session: &mut Session, qualified: &str) -> Result<Declared> {
    let columns = ask(session, COLUMNS, qualified, |row| {
        let (name, collation) = (text(row, 0)?, text(row, 2)?);
        Ok(DeclaredColumn { name, narrowed: flag(row, 1)?, collation, filled: flag(row, 3)? })
    })?;
    let rows = ask(session, &keys(), qualified, |row| {
        let key = IndexKey {
            column: maybe_text(row, 8)?,
            descending: flag(row, 9)?,
            nulls_first: flag(row, 10)?,
            as_column: flag(row, 11)?,
            as_c: flag(row, 12)?,
            usual: flag(row, 13)?,
        };
        Ok(DeclaredIndex {
            name: text(row, 0)?,
            unique: flag(row, 1)?,
            primary: flag(row, 2)?,
            whole: flag(row, 3)?,
            method: text(row, 4)?,
            constraint: maybe_text(row, 5)?,
            state: State::of(row, 6)?,
            keys: vec![key],
        })
    })?;
    let mut indexes: Vec<DeclaredIndex> = Vec::new();
    for row in rows {
        match indexes.last_mut().filter(|last| last.name == row.name) {
            Some(last) => last.keys.extend(row.keys),
            None => indexes.push(row),
        }
    }
    let constraint = |row: &Row| Ok(Constraint { name: text(row, 0)?, definition: text(row, 1)? });
    Ok(Declared { columns, indexes, constraints: ask(session, CONSTRAINTS, qualified, constraint)? })
}

/// What hangs on a table and is not in it, as a table that takes its place would not have it: kind and name of each.
const ATTACHED: &str = "WITH t AS (SELECT to_regclass($1)::oid AS oid) \
    SELECT 'index', c.relname::text FROM t JOIN pg_index i ON i.indrelid = t.oid JOIN pg_class c ON c.oid = i.indexrelid \
    WHERE NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = t.oid) \
    UNION ALL SELECT CASE contype WHEN 'c' THEN 'CHECK' WHEN 'f' THEN 'foreign key' WHEN 'u' THEN 'UNIQUE constraint' \
    WHEN 'x' THEN 'EXCLUDE constraint' ELSE 'constraint' END, conname::text FROM t JOIN pg_constraint ON conrelid = t.oid \
    WHERE contype NOT IN ('p', 'n') \
    UNION ALL SELECT 'foreign key of ' || conrelid::regclass::text, conname::text FROM t JOIN pg_constraint ON confrelid = t.oid \
    WHERE contype = 'f' AND conrelid <> t.oid \
    UNION ALL SELECT DISTINCT CASE v.relkind WHEN 'm' THEN 'materialised view' WHEN 'v' THEN 'view' ELSE 'rule on' END, \
    v.oid::regclass::text FROM t JOIN pg_depend d ON d.refobjid = t.oid AND d.refclassid = 'pg_class'::regclass \
    AND d.classid = 'pg_rewrite'::regclass JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class \
    UNION ALL SELECT 'trigger', tgname::text FROM t JOIN pg_trigger ON tgrelid = t.oid \
    WHERE NOT tgisinternal AND tgname NOT IN ('dk_watch', 'dk_watch_all') \
    UNION ALL SELECT 'policy', polname::text FROM t JOIN pg_policy ON polrelid = t.oid \
    UNION ALL SELECT 'GRANT on the column', attname::text FROM t JOIN pg_attribute ON attrelid = t.oid \
    WHERE attacl IS NOT NULL AND NOT attisdropped \
    UNION ALL SELECT 'comment on the column', attname::text FROM t JOIN pg_description d ON d.objoid = t.oid \
    AND d.classoid = 'pg_class'::regclass JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.objsubid \
    WHERE d.objsubid > 0 \
    UNION ALL SELECT CASE WHEN attgenerated <> '' THEN 'generated column' ELSE 'default of the column' END, attname::text FROM t JOIN pg_attribute a ON a.attrelid = t.oid \
    WHERE (a.atthasdef OR a.attidentity <> '') AND a.attname NOT IN ('_version', '_created_at', '_updated_at') \
    AND NOT a.attisdropped \
    UNION ALL SELECT 'table', inhrelid::regclass::text FROM t JOIN pg_inherits ON inhparent = t.oid \
    UNION ALL SELECT 'table', inhparent::regclass::text FROM t JOIN pg_inherits ON inhrelid = t.oid \
    UNION ALL SELECT 'publication', pubname::text FROM t JOIN pg_publication_rel ON prrelid = t.oid \
    JOIN pg_publication p ON p.oid = prpubid \
    UNION ALL SELECT 'statistics', stxname::text FROM t JOIN pg_statistic_ext ON stxrelid = t.oid ORDER BY 1, 2";

/// What hangs on a table: kind and name of each.
pub(super) fn attached(session: &mut Session, qualified: &str) -> Result<Vec<(String, String)>> {
    ask(session, ATTACHED, qualified, |row| Ok((text(row, 0)?, text(row, 1)?)))
}

/// Statements that give a table what another one has, whatever its columns are: owner, grants, comment, the values that the
/// server has for versions and times, whether rows are hidden.
pub(super) fn carried(session: &mut Session, from: &str, to: &str) -> Result<Vec<String>> {
    let to = to.replace('\'', "''");
    let sql = format!(
        "WITH t AS (SELECT * FROM pg_class WHERE oid = to_regclass($1)) \
         SELECT format('ALTER TABLE %s OWNER TO %I', '{to}', pg_get_userbyid(relowner)) FROM t \
         WHERE pg_get_userbyid(relowner) <> current_user \
         UNION ALL SELECT format('GRANT %s ON %s TO %s%s', g.privilege_type, '{to}', \
         CASE WHEN g.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END, \
         CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) \
         FROM t CROSS JOIN LATERAL aclexplode(t.relacl) g WHERE g.grantee <> t.relowner \
         UNION ALL SELECT format('COMMENT ON TABLE %s IS %L', '{to}', obj_description(t.oid, 'pg_class')) FROM t \
         WHERE obj_description(t.oid, 'pg_class') IS NOT NULL \
         UNION ALL SELECT format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', '{to}', a.attname, \
         pg_get_expr(d.adbin, d.adrelid)) FROM t JOIN pg_attribute a ON a.attrelid = t.oid \
         JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum \
         WHERE a.attname IN ('_version', '_created_at', '_updated_at') AND a.attgenerated = ''"
    );
    ask(session, &sql, from, |row| text(row, 0))
}
