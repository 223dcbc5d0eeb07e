//! Records as CSV, with a header; a field is a column (semantics 2.10).

use std::{io::Write, sync::Arc};

use super::{Dialect, Layout, Quoting, Row, encode::RowEncoder};
use crate::{
    error::{Error, Result},
    record::{Document, RecordCodec, Schema, Typed},
};

/// Bytes that are gathered before they are handed on.
const BUFFER: usize = 64 << 10;

/// Writes records as CSV. [`finish`](CsvWriter::finish) hands on what is gathered and reports what dropping cannot.
pub struct CsvWriter<R: RecordCodec, W: Write> {
    out: W,
    shape: R::Shape,
    layout: Layout,
    dialect: Dialect,
    buffer: Vec<u8>,
    scratch: Vec<u8>,
    /// A record of one null, or of nothing, would be a blank line, which readers pass over: such files get a column of
    /// ordinals.
    ordinal: Option<u64>,
}

impl<R: RecordCodec, W: Write> CsvWriter<R, W> {
    fn new(out: W, shape: R::Shape, dialect: Dialect, header: bool) -> Result<Self> {
        if shape.open {
            let why = "the columns of CSV are settled by its header: give a schema that is not open";
            return Err(Error::configuration(why));
        }
        let layout = Layout::of(&shape);
        let ordinal = layout.may_be_blank().then_some(1);
        let mut writer = CsvWriter {
            out,
            shape,
            layout,
            dialect,
            buffer: Vec::with_capacity(BUFFER + BUFFER / 4),
            scratch: Vec::new(),
            ordinal,
        };
        if header {
            writer.header()?;
        }
        Ok(writer)
    }

    fn header(&mut self) -> Result<()> {
        let mut row = Row::new(&mut self.buffer, self.dialect);
        if self.ordinal.is_some() {
            row.plain("_id");
        }
        for name in self.layout.names(&self.shape) {
            let refused = |_| Error::configuration("the name of a field holds U+0000").at_field(name.clone());
            row.text(&name, Quoting::Needed).map_err(refused)?;
        }
        row.end();
        Ok(())
    }

    /// Writes one record. A record that is refused leaves nothing behind.
    ///
    /// # Errors
    /// `Invalid` for what cannot be written, with the field; `Backend` where writing failed.
    pub fn write(&mut self, record: &R) -> Result<()> {
        let before = self.buffer.len();
        let mut row = Row::new(&mut self.buffer, self.dialect);
        if let Some(ordinal) = self.ordinal {
            row.int(ordinal);
        }
        let written = record.encode(&self.shape, &mut RowEncoder::new(&mut row, &self.layout, &mut self.scratch));
        row.end();
        if let Err(refused) = written {
            self.buffer.truncate(before);
            return Err(refused);
        }
        self.ordinal = self.ordinal.map(|ordinal| ordinal + 1);
        if self.buffer.len() >= BUFFER { self.flush_buffer() } else { Ok(()) }
    }

    fn flush_buffer(&mut self) -> Result<()> {
        self.out.write_all(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Writes what is gathered, flushes, and gives the output back.
    ///
    /// # Errors
    /// `Backend` where writing failed.
    pub fn finish(mut self) -> Result<W> {
        self.flush_buffer()?;
        self.out.flush()?;
        Ok(self.out)
    }
}

pub(super) fn write<R: Typed, W: Write>(out: W, dialect: Dialect, header: bool) -> Result<CsvWriter<R, W>> {
    CsvWriter::new(out, R::SCHEMA, dialect, header)
}

pub(super) fn write_documents<W: Write>(
    out: W,
    schema: Schema,
    dialect: Dialect,
    header: bool,
) -> Result<CsvWriter<Document, W>> {
    CsvWriter::new(out, Arc::new(schema), dialect, header)
}
