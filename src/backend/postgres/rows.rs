//! The rows of a query: what is selected, how a row becomes a record, and streams that own the connection they read from.

use std::{marker::PhantomData, sync::Arc, vec};

use tokio_postgres::Row;
use uuid::Uuid;

use super::{
    Layout,
    cell::Form,
    client::Rows,
    codec::{self, CellDecoder, Shape},
    error::{failure, is_lost, is_stale},
    key,
    link::Transaction,
    pool::{Loan, Pool, elsewhere, refuse_in_runtime},
    query::Statement,
    schema::{Column, Table, VersionAt, flattened, kind_of, width},
    store::PostgresStore,
    wire::{Kind, Scalar},
};
use crate::{
    error::{Error, Result},
    id::Id,
    query::Select,
    record::{Decoder, Envelope, FieldDef, Metadata, Part, Path, RecordCodec, Schema, Stored, Type},
    store::Limits,
    version::Version,
};

/// A part of the envelope, which has no name among the fields.
static ENVELOPE: FieldDef = FieldDef::EMPTY;

/// What a query selects, and how a row of it is read.
#[derive(Clone, Debug)]
pub(super) struct Output {
    /// The list after `SELECT`.
    pub(super) sql: String,
    kinds: Vec<Kind>,
    shape: Shape,
    id: (usize, Kind),
    version: Option<(usize, bool)>,
    created_at: Option<usize>,
    updated_at: Option<usize>,
    metadata: Option<usize>,
}

impl Output {
    /// The whole record and its envelope.
    pub(super) fn whole(table: &Table) -> Output {
        let columns: Vec<_> = table.record_columns().map(|c| (c.quoted.clone(), c.kind)).collect();
        let shape = match (table.layout, &table.extra) {
            (Layout::Document, _) => Shape::Document,
            (_, Some(_)) => Shape::Open,
            _ => Shape::Flat,
        };
        Output::with_envelope(columns, shape, table, table.id_field)
    }

    /// The envelope alone.
    pub(super) fn envelope(table: &Table) -> Output {
        Output::with_envelope(Vec::new(), Shape::Flat, table, None)
    }

    /// The fields of a smaller record, where each has columns or an expression of its own; `None` where the whole record
    /// has to be read.
    fn fields(table: &Table, of: &Schema, paths: &[Path], out: &Schema) -> Result<Option<Output>> {
        let mut columns = Vec::new();
        let flat = table.layout == Layout::Columns;
        for (path, field) in paths.iter().zip(out.fields.iter()) {
            let target = of.resolve(path)?;
            if !matches!(target.part, Part::Field(_)) {
                return Ok(None);
            }
            match flattened(&target.ty) {
                Some(_) if flat => match own_columns(table, of, path, field) {
                    Some(own) => columns.extend(own.iter().map(|c| (c.quoted.clone(), c.kind))),
                    None => return Ok(None),
                },
                _ => {
                    let cell = table.cell(of, &target)?;
                    let kind = match cell.form {
                        Form::Native(kind) => kind,
                        Form::There if table.layout == Layout::Document => Scalar::Jsonb.one(),
                        Form::There => kind_of(&target.ty),
                        _ => Scalar::Jsonb.one(),
                    };
                    // JSON inside a document is a tagged value, which its own decoder does not read.
                    let tagged_json = matches!(target.ty, Type::Json) && cell.sql.contains("->");
                    if tagged_json {
                        return Ok(None);
                    }
                    columns.push((cell.sql, kind));
                }
            }
        }
        let shape = if flat { Shape::Flat } else { Shape::Chosen };
        Ok(Some(Output::with_envelope(columns, shape, table, None)))
    }

    fn with_envelope(mut columns: Vec<(String, Kind)>, shape: Shape, table: &Table, id_at: Option<usize>) -> Output {
        let kinds = columns.iter().map(|(_, kind)| *kind).collect();
        let mut push = |column: &Column| {
            columns.push((column.quoted.clone(), column.kind));
            columns.len() - 1
        };
        let id = (id_at.unwrap_or_else(|| push(&table.id)), table.id.kind);
        let created_at = table.created_at.as_ref().map(&mut push);
        let updated_at = table.updated_at.as_ref().map(&mut push);
        let metadata = table.metadata.as_ref().map(&mut push);
        let version = match &table.version {
            VersionAt::Token(column) => Some((push(column), false)),
            VersionAt::Xmin => {
                columns.push(("xmin".to_owned(), Scalar::Int4.one()));
                Some((columns.len() - 1, true))
            }
            VersionAt::Nowhere { .. } => None,
        };
        let list: Vec<_> = columns.into_iter().map(|(sql, _)| sql).collect();
        Output { sql: list.join(", "), kinds, shape, id, version, created_at, updated_at, metadata }
    }

    /// A row as a stored record.
    pub(super) fn stored<R: RecordCodec>(&self, row: &Row, schema: &Schema) -> Result<Stored<R>> {
        let id = self.id_of(row).map_err(|e| self.unread(row, e))?;
        let record = codec::decode_record(row, &self.kinds, self.shape, schema);
        let record = record.map_err(|e| self.unread(row, e).at_id(&id))?;
        Ok(Stored { envelope: self.envelope_of(row, id)?, record })
    }

    /// Why a row does not read: its columns may be others than they were when the table was looked up.
    #[cold]
    fn unread(&self, row: &Row, error: Error) -> Error {
        let columns = self.kinds.iter().copied().enumerate().chain([self.id]);
        let found = columns.map(|(at, kind)| (row.columns().get(at), kind));
        // Those of a document that are chosen are expressions, whose types are the query's own.
        let other = found
            .filter(|_| !matches!(self.shape, Shape::Chosen))
            .find(|(column, kind)| column.is_some_and(|column| Kind::of_oid(column.type_().oid()) != Some(*kind)));
        let Some((Some(column), kind)) = other else { return error };
        let is = Kind::of_oid(column.type_().oid()).map_or_else(|| column.type_().to_string(), Kind::sql);
        changed(column.name(), kind, &is).caused_by(error)
    }

    fn id_of(&self, row: &Row) -> Result<Id> {
        let (at, kind) = self.id;
        id_of(codec::raw(row, at)?, kind)
    }

    pub(super) fn envelope_of(&self, row: &Row, id: Id) -> Result<Envelope> {
        let moment = |at: Option<usize>| match at {
            None => Ok(None),
            Some(at) => CellDecoder { kind: Scalar::TimestampTz.one(), raw: codec::raw(row, at)? }.timestamp(&ENVELOPE),
        };
        let mut envelope = Envelope::of(id).with_times(moment(self.created_at)?, moment(self.updated_at)?);
        if let Some(version) = self.version_of(row)? {
            envelope = envelope.with_version(version);
        }
        match self.metadata.map(|at| codec::raw(row, at)).transpose()?.flatten() {
            None => Ok(envelope),
            Some(raw) => Ok(envelope.with_metadata(metadata_of(raw)?)),
        }
    }

    pub(super) fn version_of(&self, row: &Row) -> Result<Option<Version>> {
        let Some((at, is_xmin)) = self.version else { return Ok(None) };
        let damaged = || Error::corrupt("the version of the row does not read back");
        let Some(raw) = codec::raw(row, at)? else { return Ok(None) };
        match is_xmin {
            true => Ok(Some(Version::counter(u32::from_be_bytes(raw.try_into().map_err(|_| damaged())?).into()))),
            false => Ok(Some(Version::token(raw.try_into().map_err(|_| damaged())?))),
        }
    }
}

/// The columns of a record that is a field of the outermost one, where the smaller record has the same ones.
fn own_columns<'t>(table: &'t Table, of: &Schema, path: &Path, field: &FieldDef) -> Option<&'t [Column]> {
    let [only] = path.segments() else { return None };
    let (index, known) = of.find(only)?;
    let at: usize = of.fields.iter().take(index).map(width).sum();
    if width(known) != width(field) || known.nullable != field.nullable {
        return None;
    }
    table.columns.get(at..at + width(known))
}

/// What is said of a column that is of another type than it was.
#[cold]
pub(super) fn changed(column: &str, was: Kind, is: &str) -> Error {
    super::notice_change();
    let was = was.sql();
    Error::configuration(format!("`{column}` was {was} when the store was opened, and is {is} now: open it again"))
}

/// An id as its column holds it.
pub(super) fn id_of(raw: Option<&[u8]>, kind: Kind) -> Result<Id> {
    let damaged =
        || Error::corrupt("the id of a row is none: 1 to 512 bytes without control characters, and nothing infinite");
    let mut cell = CellDecoder { kind, raw };
    Ok(match kind.scalar {
        Scalar::Uuid => Uuid::from_u128(cell.uuid(&ENVELOPE)?.ok_or_else(damaged)?).into(),
        Scalar::Text => {
            Id::new(&cell.text(&ENVELOPE)?.ok_or_else(damaged)?).map_err(|cause| damaged().caused_by(cause))?
        }
        _ if key::is_foreign(kind) => raw.and_then(|raw| key::id(kind.scalar, raw)).ok_or_else(damaged)?,
        _ => cell.int(&ENVELOPE)?.ok_or_else(damaged)?.into(),
    })
}

fn metadata_of(raw: &[u8]) -> Result<Metadata> {
    let damaged = || Error::corrupt("the metadata of a row is no JSON object");
    let text = if let [1, text @ ..] = raw { text } else { raw };
    match super::tagged::read_json(text).map_err(|cause| damaged().caused_by(cause))? {
        serde_json::Value::Object(map) => Ok(map.into_iter().collect()),
        _ => Err(damaged()),
    }
}

// ---- raw rows

/// A running query, with the connection that it runs on.
struct Running {
    rows: Rows,
    loan: Loan,
}

/// Rows as the server sends them.
pub(super) enum RawRows {
    /// All at hand.
    Ready(vec::IntoIter<Row>),
    Streaming(Box<Streaming>),
    Cursor(Box<Cursor>),
}

/// Rows that are read as they are asked for. Dropped early, the query is cancelled and its connection closed.
pub(super) struct Streaming {
    running: Option<Running>,
    pool: Pool,
    /// The query runs in a transaction of its own, which ends with it.
    in_transaction: bool,
}

impl RawRows {
    /// Starts a query over a connection of the pool; over another one where the first turns out to be dead.
    pub(super) fn stream(pool: &Pool, statement: &Statement, limits: &Limits) -> Result<RawRows> {
        for _ in 0..pool.config.pool_size {
            match Streaming::start(pool.get(limits)?, pool, statement) {
                Err(failed) if is_lost(&failed.0) && failed.1.client.is_closed() => {}
                done => return done.map_err(|failed| failed.0),
            }
        }
        Streaming::start(pool.get(limits)?, pool, statement).map_err(|failed| failed.0)
    }

    pub(super) fn cursor(transaction: Arc<Transaction>, name: String, limits: &Limits) -> RawRows {
        let fetch = format!("FETCH FORWARD {} FROM {name}", limits.chunk.clamp(1, 1_000_000));
        let (limits, rows) = (limits.clone(), Vec::new().into_iter());
        RawRows::Cursor(Box::new(Cursor { transaction, name, fetch, limits, rows, done: false }))
    }
}

impl Streaming {
    pub(super) fn start(loan: Loan, pool: &Pool, statement: &Statement) -> Result<RawRows, Box<(Error, Loan)>> {
        let mut loan = loan;
        let in_transaction = loan.in_transaction;
        let mut tries = 0;
        loan.expect(true);
        loop {
            let prepared = match loan.prepare(statement) {
                Ok(prepared) => prepared,
                Err(cause) => return Err(Box::new((failure(cause), loan))),
            };
            match loan.client.stream(&prepared, statement.values.iter()) {
                Ok(rows) => {
                    let running = Some(Running { rows, loan });
                    return Ok(RawRows::Streaming(Box::new(Streaming { running, pool: pool.clone(), in_transaction })));
                }
                Err(cause) => {
                    let stale = is_stale(&cause);
                    if stale {
                        loan.forget_all();
                    }
                    if !stale || tries > 0 || in_transaction {
                        return Err(Box::new((failure(cause), loan)));
                    }
                    tries += 1;
                }
            }
        }
    }

    fn next(&mut self) -> Option<Result<Row>> {
        let Running { rows, loan } = self.running.as_mut()?;
        if let Err(refused) = refuse_in_runtime() {
            self.abandon();
            return Some(Err(refused));
        }
        match loan.client.next(rows) {
            Some(Ok(row)) => Some(Ok(row)),
            end => {
                self.finish();
                end.map(|end| end.map_err(failure))
            }
        }
    }

    /// Gives the connection back.
    fn finish(&mut self) {
        let Some(Running { mut loan, .. }) = self.running.take() else { return };
        loan.expect(false);
        if self.in_transaction && loan.batch("COMMIT").is_ok() {
            loan.in_transaction = false;
        }
    }
}

impl Streaming {
    /// Lets go of a query that is not at its end.
    fn abandon(&mut self) {
        let Some(Running { mut loan, .. }) = self.running.take() else { return };
        // What is still coming is of no use to anybody: the server is told to stop, and the connection is not handed on.
        loan.in_transaction = true;
        let pool = self.pool.clone();
        elsewhere(move || pool.cancel(&loan));
    }
}

impl Drop for Streaming {
    fn drop(&mut self) {
        self.abandon();
    }
}

/// Rows of a cursor, fetched in chunks; other statements of the transaction may run between them.
pub(super) struct Cursor {
    transaction: Arc<Transaction>,
    name: String,
    fetch: String,
    limits: Limits,
    rows: vec::IntoIter<Row>,
    done: bool,
}

impl Cursor {
    fn next(&mut self) -> Option<Result<Row>> {
        if let Some(row) = self.rows.next() {
            return Some(Ok(row));
        }
        if self.done {
            return None;
        }
        let fetched = self.transaction.read(&self.limits, |session| session.query_unprepared(&self.fetch));
        match fetched {
            Ok(rows) => {
                self.done = rows.is_empty();
                self.rows = rows.into_iter();
                self.rows.next().map(Ok)
            }
            Err(error) => {
                self.done = true;
                Some(Err(error))
            }
        }
    }
}

impl Drop for Cursor {
    fn drop(&mut self) {
        // After the transaction there is nothing to close, and what is refused here is closed with it.
        let close = format!("CLOSE {}", self.name);
        let _ = self.transaction.guarded(Limits::NONE, |session| session.batch(&close));
    }
}

impl Iterator for RawRows {
    type Item = Result<Row>;
    fn next(&mut self) -> Option<Result<Row>> {
        match self {
            RawRows::Ready(rows) => rows.next().map(Ok),
            RawRows::Streaming(rows) => rows.next(),
            RawRows::Cursor(rows) => rows.next(),
        }
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            RawRows::Ready(rows) => rows.size_hint(),
            _ => (0, None),
        }
    }
}

// ---- records

/// How the rows of a query become what it selects.
pub(super) enum Picked<R: RecordCodec, S: Select<R>> {
    /// The whole record is read, and the selection takes what it wants.
    Here(R::Shape, S),
    /// The server sends only what is selected.
    There(<S::Out as RecordCodec>::Shape),
}

impl<R: RecordCodec, S: Select<R>> Picked<R, S> {
    /// What to ask for, and how to read it.
    pub(super) fn of(store: &PostgresStore<R>, selection: &S) -> Result<(Arc<Output>, Picked<R, S>)> {
        if let Some(paths) = selection.columns() {
            let out = selection.shape(&store.shape)?;
            if let Some(output) = Output::fields(&store.table, &store.shape, &paths, &out)? {
                return Ok((Arc::new(output), Picked::There(out)));
            }
        }
        Ok((store.output.clone(), Picked::Here(store.shape.clone(), selection.clone())))
    }

    /// What a row holds of it.
    pub(super) fn read(&self, output: &Output, row: &Row) -> Result<Stored<S::Out>> {
        match self {
            Picked::There(shape) => output.stored(row, shape),
            Picked::Here(shape, selection) => {
                let Stored { envelope, record } = output.stored::<R>(row, shape)?;
                Ok(Stored { envelope, record: selection.take(record) })
            }
        }
    }
}

/// The records of a query on a PostgreSQL store. Owns its connection; `Send`.
pub struct PostgresRows<R: RecordCodec, P, S: Select<R>> {
    pub(super) raw: RawRows,
    pub(super) output: Arc<Output>,
    pub(super) picked: Picked<R, S>,
    pub(super) name: Arc<str>,
    pub(super) predicate: PhantomData<fn(P)>,
}

impl<R: RecordCodec, P, S: Select<R>> Iterator for PostgresRows<R, P, S> {
    type Item = Result<Stored<S::Out>>;
    fn next(&mut self) -> Option<Self::Item> {
        let row = self.raw.next()?;
        let read = row.and_then(|row| self.picked.read(&self.output, &row));
        Some(read.map_err(|e| e.in_store(&self.name)))
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.raw.size_hint()
    }
}
