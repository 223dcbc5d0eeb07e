//! Rows by COPY BINARY, into the server and out of it.

use std::{
    collections::HashMap,
    io::{self, Read},
    mem,
};

use bytes::Bytes;
use foldhash::fast::RandomState;

use super::{
    codec,
    error::{failure, is_broken, is_lost},
    live::text,
    pool::{Backend, Session},
    query::Statement,
    rows::changed,
    statement::names,
    store::PostgresStore,
    wire::{Kind, Values, ValuesIter},
    write::ambiguous,
};
use crate::{
    error::{Error, Result},
    record::RecordCodec,
};

/// What comes before the rows: the signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What comes behind them.
const TRAILER: [u8; 2] = (-1_i16).to_be_bytes();
/// The columns of a table, which is the parameter behind it.
const TYPES: &str = "SELECT attname::text, atttypid FROM pg_attribute WHERE attrelid = to_regclass(";
/// Bytes that are sent together.
const PIECE: usize = 64 * 1024;

/// Why rows were not copied.
pub(super) enum Refusal {
    /// A record cannot be encoded; nothing of the copy stands.
    Record(usize, Error),
    /// What the server or the way to it refused.
    Server(tokio_postgres::Error),
    /// The way to the server broke before anything could take effect.
    Undone(Error),
    /// The columns are of other types than they were; nothing was sent.
    Changed(Error),
    /// The way to the server broke, and this process of the server's may still be at work.
    Lost(Backend, Error),
}

impl Refusal {
    /// What failed before anything could take effect: work that is lost with its connection can be done again.
    pub(super) fn undone(error: Error) -> Refusal {
        if is_lost(&error) { Refusal::Undone(error) } else { Refusal::whole(error) }
    }

    /// The same, of work that is not committed yet.
    pub(super) fn uncommitted(self) -> Refusal {
        match self {
            Refusal::Server(cause) if is_broken(&cause) => Refusal::Undone(failure(cause)),
            other => other,
        }
    }

    /// The same, of work that commits itself over a connection of the pool.
    pub(super) fn committing(self, backend: Backend) -> Refusal {
        match self {
            Refusal::Server(cause) if is_broken(&cause) => Refusal::Lost(backend, ambiguous(failure(cause))),
            other => other,
        }
    }

    /// What has to do with no record of its own.
    pub(super) fn whole(error: Error) -> Refusal {
        Refusal::Record(usize::MAX, error)
    }
}

impl From<tokio_postgres::Error> for Refusal {
    fn from(cause: tokio_postgres::Error) -> Self {
        Refusal::Server(cause)
    }
}

impl<R: RecordCodec> PostgresStore<R> {
    /// Refuses to copy into columns that are of other types than they were when the table was looked up. COPY is not told what the
    /// bytes are, and takes those of a right length for whatever the column is now.
    pub(super) fn check_columns(&self, session: &mut Session) -> Result<(), Refusal> {
        let mut statement = Statement::new(TYPES);
        statement.bind_text(&self.table.qualified);
        statement.push("::text) AND attnum > 0 AND NOT attisdropped");
        let rows = session.query(&statement).map_err(Refusal::undone)?;
        let mut types = HashMap::with_capacity_and_hasher(rows.len(), RandomState::default());
        for row in &rows {
            let name = text(row, 0).map_err(Refusal::whole)?;
            let oid = codec::raw(row, 1).map_err(Refusal::whole)?.and_then(|raw| raw.try_into().ok());
            types.insert(name, oid.map_or(0, u32::from_be_bytes));
        }
        for column in self.table.written() {
            let Some(kind) = types.get(&column.name).and_then(|oid| Kind::of_oid(*oid)) else { continue };
            if kind != column.kind {
                return Err(Refusal::Changed(changed(&column.name, column.kind, &kind.sql())));
            }
        }
        Ok(())
    }

    /// Copies so many rows into the table, and says how many it took. `encode` appends the columns of one, or says that there is
    /// none.
    pub(super) fn copy_in(
        &self,
        session: &mut Session,
        rows: usize,
        mut encode: impl FnMut(usize, &mut Values) -> bool,
    ) -> Result<u64, Refusal> {
        self.check_columns(session)?;
        let columns = self.table.written().count();
        let sql = format!("COPY {} ({}) FROM STDIN BINARY", self.table.qualified, names(self.table.written()));
        copy(session, &sql, rows, |place, out| {
            let start = out.bytes.len();
            out.bytes.extend_from_slice(&(columns as i16).to_be_bytes());
            if !encode(place, out) {
                out.bytes.truncate(start);
            }
            Ok(())
        })
    }
}

/// Sends rows, encoded as they are sent, and says how many were taken: a trigger may set some aside.
pub(super) fn copy(
    session: &mut Session,
    sql: &str,
    rows: usize,
    mut encode: impl FnMut(usize, &mut Values) -> Result<()>,
) -> Result<u64, Refusal> {
    let broken = |cause: tokio_postgres::Error| Refusal::from(cause).uncommitted();
    session.expect(true);
    let statement = session.prepare(&Statement::new(sql)).map_err(broken)?;
    let mut writer = session.client.copy_in(&statement).map_err(broken)?;
    let room = || Vec::with_capacity(PIECE + PIECE / 4);
    let mut values = Values { bytes: room(), count: 0 };
    values.bytes.extend_from_slice(HEADER);
    for place in 0..rows {
        // Left without `finish`, the copy is undone.
        encode(place, &mut values).map_err(|error| Refusal::Record(place, error))?;
        if values.bytes.len() >= PIECE {
            let piece = mem::replace(&mut values.bytes, room());
            writer.send(Bytes::from(piece)).map_err(broken)?;
        }
    }
    values.bytes.extend_from_slice(&TRAILER);
    writer.send(Bytes::from(values.bytes)).map_err(broken)?;
    let taken = writer.finish()?;
    session.expect(false);
    Ok(taken)
}

/// Hands out the rows that a statement gives back, while the server still works on those behind them: as rows of a plain
/// statement they would only come when all of it is done.
pub(super) fn copy_out(
    session: &mut Session,
    sql: &str,
    mut each: impl FnMut(ValuesIter<'_>) -> Result<()>,
) -> Result<(), Refusal> {
    session.expect(true);
    let statement = session.prepare(&Statement::new(format!("COPY ({sql}) TO STDOUT BINARY")))?;
    let mut reader = session.client.copy_out(&statement)?;
    let mut row = Values::default();
    take(&mut reader, HEADER.len(), &mut row.bytes)?;
    loop {
        row.clear();
        let Ok(cells) = usize::try_from(i16::from_be_bytes(number(&mut reader)?)) else { break };
        for _ in 0..cells {
            let length = number(&mut reader)?;
            row.bytes.extend_from_slice(&length);
            take(&mut reader, i32::from_be_bytes(length).max(0) as usize, &mut row.bytes)?;
            row.count += 1;
        }
        each(row.iter()).map_err(Refusal::whole)?;
    }
    io::copy(&mut reader, &mut io::sink()).map_err(driver_error)?;
    reader.finish()?;
    session.expect(false);
    Ok(())
}

fn number<const N: usize>(reader: &mut impl Read) -> Result<[u8; N], Refusal> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes).map_err(driver_error)?;
    Ok(bytes)
}

/// Appends so many bytes.
fn take(reader: &mut impl Read, length: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
    let start = out.len();
    out.resize(start + length, 0);
    reader.read_exact(&mut out[start..]).map_err(driver_error)
}

/// The driver's error inside that of a reader or a writer.
fn driver_error(cause: std::io::Error) -> Refusal {
    let shown = cause.to_string();
    match cause.into_inner().and_then(|inner| inner.downcast::<tokio_postgres::Error>().ok()) {
        // Without its end the data counts for nothing.
        Some(inner) => Refusal::Server(*inner).uncommitted(),
        None => Refusal::whole(Error::new(crate::error::ErrorKind::Connection, shown)),
    }
}
