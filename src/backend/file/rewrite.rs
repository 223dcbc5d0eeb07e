//! A base file of text written anew: rows that nobody changed as they stand, byte for byte, the others in their places, new
//! ones behind them, encoded on all cores.

use std::{borrow::Cow, collections::HashSet};

use rayon::prelude::*;

use super::{
    base::Setup,
    coding::FRAME_BYTES,
    config::Format,
    disk::Disk,
    layout::{CsvLayout, Layout},
    overlay::{Delta, Held},
    progress::Watch,
    raw::RawRow,
    row::{self, COLUMNS, CsvRow, Native, Parts, Types},
    rows::Row as Changed,
    sink::Sink,
    text::{BOM, TextBase, identities},
};
use crate::{
    error::{Error, Result},
    format::{
        block::Block,
        csv::{Columns, Dialect, Layout as Spread, Quoting, RawRecord, Row},
        json::{encode_list, encode_record, encode_vector},
        timestamp,
    },
    id::Id,
    record::{Document, Envelope, FieldDef, Name, Part, Path, RecordCodec, Schema, Step, Target, Type},
    store::Limits,
    value::Value,
};

/// Writes a base file anew with changes.
pub(super) fn rewrite<D: Disk>(
    base: &TextBase<D>,
    delta: &Delta<'_>,
    setup: &Setup,
    out: &mut Sink<D>,
    watch: &mut Watch,
) -> Result<()> {
    if base.marked {
        out.text().extend_from_slice(&BOM);
    }
    if let Some(count) = base.known_count() {
        watch.total(count + delta.added().len() as u64);
    }
    match &base.layout {
        Layout::Csv(csv) => {
            let table = Table::new(csv, base, delta, setup)?;
            table.put_header(out.text());
            let rows = rows(base, delta, setup, (out, watch), |row, held, id, out| table.put_row(row, held, id, out))?;
            added(delta, rows, (out, watch), |_, changed, out| table.put_new(changed, out))
        }
        Layout::Lines => {
            let objects = Objects::new(base, setup);
            let put = |row: RawRow<'_, '_>, held: Option<&Held>, id: &Id, out: &mut Vec<u8>| {
                objects.put_row(row, held, id, &[], out)
            };
            let rows = rows(base, delta, setup, (out, watch), put)?;
            added(delta, rows, (out, watch), |_, changed, out| objects.put_new(changed, &[], out))
        }
        Layout::Array => array(base, delta, setup, out, watch),
    }
}

fn array<D: Disk>(
    base: &TextBase<D>,
    delta: &Delta<'_>,
    setup: &Setup,
    out: &mut Sink<D>,
    watch: &mut Watch,
) -> Result<()> {
    let objects = Objects::new(base, setup);
    let begun = std::cell::Cell::new(false);
    let before = || if begun.replace(true) { &b",\n"[..] } else { &b"[\n"[..] };
    let put = |row: RawRow<'_, '_>, held: Option<&Held>, id: &Id, out: &mut Vec<u8>| {
        objects.put_row(row, held, id, before(), out)
    };
    let rows = rows(base, delta, setup, (out, watch), put)?;
    let begun = begun.get();
    added(delta, rows, (out, watch), |at, changed, out| {
        objects.put_new(changed, if begun || at > 0 { b",\n" } else { b"[\n" }, out)
    })?;
    let end: &[u8] = if !begun && delta.added().is_empty() { b"[]\n" } else { b"\n]\n" };
    out.text().extend_from_slice(end);
    Ok(())
}

/// Shows every row that stays to `put`, with its id and what became of it; says how many rows there are.
fn rows<D: Disk>(
    base: &TextBase<D>,
    delta: &Delta<'_>,
    setup: &Setup,
    (out, watch): (&mut Sink<D>, &mut Watch),
    put: impl Fn(RawRow<'_, '_>, Option<&Held>, &Id, &mut Vec<u8>) -> Result<()>,
) -> Result<u64> {
    let ask = identities(setup, &Limits::default());
    let mut ordinal: u64 = 0;
    for block in base.blocks() {
        let block: Block = block.map_err(|error| base.raised(&error))?;
        let mut failed = None;
        base.each_row(&block, |mut raw| {
            ordinal += 1;
            let done = (|| {
                // A row that stays is copied, whatever it says beside its id.
                let (identity, parts) = raw.read_parts::<super::identity::Identity>(&ask.shape, &Parts::only_id())?;
                let id = match identity.own_id(&ask.shape)?.or(parts.id) {
                    Some(id) => id,
                    None => base.ordinal_id(ordinal)?,
                };
                let held = delta.get(&id);
                if held.is_some_and(|held| held.row.is_none()) {
                    return Ok(());
                }
                put(raw, held, &id, out.text())
            })();
            failed = done.err();
            failed.is_none()
        });
        if let Some(error) = failed {
            return Err(error);
        }
        out.pass()?;
        watch.at(ordinal, out.written());
    }
    Ok(ordinal)
}

/// Shows every record that the base has not to `put`, on all cores, with its number in the order in which they were created.
fn added<D: Disk>(
    delta: &Delta<'_>,
    rows: u64,
    (out, watch): (&mut Sink<D>, &mut Watch),
    put: impl Fn(usize, &Changed, &mut Vec<u8>) -> Result<()> + Sync,
) -> Result<()> {
    let added = delta.added();
    let encode = |(place, rows): (usize, &[&Changed])| {
        let mut text = Vec::with_capacity(FRAME_BYTES + FRAME_BYTES / 4);
        rows.iter().enumerate().try_for_each(|(at, row)| put(place + at, row, &mut text))?;
        Ok(text)
    };
    let (mut ready, mut done) = (Vec::new(), rows);
    for window in windows(&added) {
        let (written, texts) = match window.as_slice() {
            // Too little to be shared out.
            [part] if ready.is_empty() => (Ok(()), encode(*part).map(|text| vec![text])),
            // What is encoded is written while the next is encoded.
            parts => rayon::join(
                || out.put_texts(std::mem::take(&mut ready)),
                || parts.par_iter().copied().map(encode).collect::<Result<Vec<_>>>(),
            ),
        };
        written?;
        ready = texts?;
        done += window.iter().map(|(_, rows)| rows.len() as u64).sum::<u64>();
        watch.at(done, out.written());
    }
    out.put_texts(ready)
}

/// Parts of about a frame, with the number of the first row of each, as many together as keep all cores busy.
fn windows<'r, 'd>(rows: &'r [&'d Changed]) -> impl Iterator<Item = Vec<(usize, &'r [&'d Changed])>> {
    let most = 4 * rayon::current_num_threads();
    let mut at = 0;
    std::iter::from_fn(move || {
        let mut window = Vec::with_capacity(most);
        while window.len() < most && at < rows.len() {
            let (start, mut bytes) = (at, 0);
            while at < rows.len() && bytes < FRAME_BYTES {
                // The envelope takes about as much.
                bytes += rows[at].body().len() + 128;
                at += 1;
            }
            window.push((start, &rows[start..at]));
        }
        (!window.is_empty()).then_some(window)
    })
}

// ---- JSON

/// How objects are written.
pub(super) struct Objects {
    /// Whether `_id` is written: where records have no id of their own.
    with_id: bool,
    /// Whether rows that nobody changed have to be given their ids.
    give_ids: bool,
    line_end: &'static [u8],
}

impl Objects {
    fn new<D: Disk>(base: &TextBase<D>, setup: &Setup) -> Objects {
        let with_id = !setup.ids.in_record(&setup.schema);
        let line_end: &[u8] = if matches!(base.layout, Layout::Lines) { b"\n" } else { b"" };
        Objects { with_id, give_ids: with_id, line_end }
    }

    /// How they are written into a new file.
    pub(super) fn of_new(setup: &Setup) -> Objects {
        let with_id = !setup.ids.in_record(&setup.schema);
        let line_end: &[u8] = if setup.format == Format::JsonLines { b"\n" } else { b"" };
        Objects { with_id, give_ids: with_id, line_end }
    }

    fn put_row(
        &self,
        raw: RawRow<'_, '_>,
        held: Option<&Held>,
        id: &Id,
        before: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        if let Some(changed) = held.and_then(|held| held.row.as_ref()) {
            return self.put_new(changed, before, out);
        }
        let RawRow::Json(_, text, _) = raw else { return Err(Error::corrupt("a row that is no JSON")) };
        out.extend_from_slice(before);
        let text = text.trim_ascii();
        match self.give_ids && !has_id(text)? {
            true => row::put_object(&Envelope::of(id.clone()), true, text.as_bytes(), out)?,
            false => out.extend_from_slice(text.as_bytes()),
        }
        out.extend_from_slice(self.line_end);
        Ok(())
    }

    pub(super) fn put_new(&self, changed: &Changed, before: &[u8], out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(before);
        row::put_object(changed.envelope(), self.with_id, changed.body(), out)?;
        out.extend_from_slice(self.line_end);
        Ok(())
    }
}

fn has_id(text: &str) -> Result<bool> {
    let (_, parts) = row::decode_parts::<super::identity::Identity>(&text, &Schema::open(""), &Parts::only_id())?;
    Ok(parts.id.is_some())
}

// ---- CSV

/// The columns of the new file.
pub(super) struct Table<'s> {
    setup: &'s Setup,
    dialect: Dialect,
    old: &'s CsvLayout,
    /// What the header is; that of the old file where no column came.
    names: Vec<Name>,
    /// For each column, where its value is in a record.
    cells: Vec<Cell>,
    /// The undeclared fields that have a column.
    undeclared: HashSet<Name>,
    /// The columns of the old file.
    width: usize,
    line_end: &'static [u8],
}

enum Cell {
    Field(Target),
    /// Whether a record is there whose fields have cells of their own.
    Presence(Target),
    Envelope(&'static str),
}

impl<'s> Table<'s> {
    fn new<D: Disk>(old: &'s CsvLayout, base: &TextBase<D>, delta: &Delta<'_>, setup: &'s Setup) -> Result<Table<'s>> {
        let needs = Needs::of(delta, setup)?;
        let give_ids = !setup.ids.in_record(&setup.schema) && (needs.rows || base_has_rows(base)?);
        Table::with(old, needs, give_ids, setup)
    }

    /// That of a new file; with the columns of the envelope, where they are asked for.
    pub(super) fn of_new(old: &'s CsvLayout, needs: Needs, envelope: bool, setup: &'s Setup) -> Result<Table<'s>> {
        // Where nothing names the columns, only those of the records' own fields are told apart.
        let give_ids = !setup.ids.in_record(&setup.schema) && (setup.options.header || envelope);
        let columns = declared(old, &setup.schema).into_iter().chain(needs.undeclared).collect();
        let needs = Needs { rows: envelope, metadata: envelope, undeclared: columns, ..needs };
        Table::with(old, needs, give_ids, setup)
    }

    fn with(old: &'s CsvLayout, needs: Needs, give_ids: bool, setup: &'s Setup) -> Result<Table<'s>> {
        let mut names = old.columns.names().to_vec();
        let width = names.len();
        let mut seen: HashSet<Name> = names.iter().cloned().collect();
        let mut add = |name: Name, names: &mut Vec<Name>| {
            if seen.insert(name.clone()) {
                names.push(name);
            }
        };
        if needs.rows {
            declared(old, &setup.schema).into_iter().for_each(|name| add(name, &mut names));
        }
        // Without a header there are no names, so that another column would be taken for something else.
        let named = setup.options.header;
        let room = if width == 0 { names.len() } else { width };
        needs.undeclared.into_iter().for_each(|name| add(name, &mut names));
        let beside = needs.rows && named;
        let wanted = [("_id", give_ids), ("_version", beside), ("_created_at", beside), ("_updated_at", beside)];
        let more = [("_metadata", needs.metadata), ("_types", needs.types)];
        for (name, _) in wanted.into_iter().chain(more).filter(|(_, wanted)| *wanted) {
            add(Cow::Borrowed(name), &mut names);
        }
        if !named && let Some(more) = names.get(room) {
            let why = "a file without a header has no place for ids, metadata and new columns: give it a header, or name its id column";
            return Err(Error::unsupported(why).at_field(more.to_string()));
        }
        // What is written must open again.
        let why =
            "a record stands in columns of its fields, which do not hold all that it may be; give each field a column";
        let columns = Columns::settle(names.clone(), &setup.schema);
        let columns = columns.map_err(|cause| Error::unsupported(why).caused_by(cause))?;
        if needs.rows && !columns.cover(&setup.schema) {
            return Err(Error::unsupported(why));
        }
        let line_end: &[u8] = if old.crlf { b"\r\n" } else { b"\n" };
        let cell = |(column, name)| match Cell::of(name, setup)? {
            Cell::Field(target) if columns.is_presence(column) => Ok(Cell::Presence(target)),
            cell => Ok(cell),
        };
        let cells = names.iter().enumerate().map(cell).collect::<Result<_>>()?;
        let undeclared = names.iter().filter(|name| setup.schema.find(name).is_none()).cloned().collect();
        Ok(Table { setup, dialect: old.dialect, old, names, cells, undeclared, width, line_end })
    }

    pub(super) fn put_header(&self, out: &mut Vec<u8>) {
        if !self.setup.options.header || self.names.is_empty() {
            return;
        }
        out.extend_from_slice(&self.old.header);
        let mut more = Vec::new();
        let mut row = Row::new(&mut more, self.dialect);
        for name in &self.names[self.width..] {
            // A name with U+0000 is in no schema and in no record.
            let _ = row.text(name, Quoting::Needed);
        }
        row.end();
        if self.names.len() > self.width {
            if self.width > 0 {
                out.push(self.dialect.delimiter());
            }
            out.extend_from_slice(more.trim_ascii_end());
        }
        out.extend_from_slice(self.line_end);
    }

    fn put_row(&self, raw: RawRow<'_, '_>, held: Option<&Held>, id: &Id, out: &mut Vec<u8>) -> Result<()> {
        let RawRow::Csv(_, old) = raw else { return Err(Error::corrupt("a row that is no CSV")) };
        match held.and_then(|held| held.row.as_ref()) {
            Some(changed) => self.put_changed(old, changed, out),
            None => {
                let columns = &self.old.columns;
                let place = columns.names().iter().position(|name| name == "_id");
                let missing = place.is_some_and(|place| old.field(place).is_none_or(|cell| cell.is_blank()));
                for column in 0..self.width {
                    if column > 0 {
                        out.push(self.dialect.delimiter());
                    }
                    match missing && Some(column) == place {
                        true => self.put_text(&id.to_string(), out)?,
                        false => out.extend_from_slice(old.cell_bytes(column)),
                    }
                }
                for cell in &self.cells[self.width..] {
                    out.push(self.dialect.delimiter());
                    match cell {
                        Cell::Envelope("_id") => self.put_text(&id.to_string(), out)?,
                        _ => out.extend_from_slice(self.dialect.null()),
                    }
                }
                out.extend_from_slice(self.line_end);
                Ok(())
            }
        }
    }

    fn put_text(&self, text: &str, out: &mut Vec<u8>) -> Result<()> {
        let mut cell = Vec::new();
        let mut row = Row::new(&mut cell, self.dialect);
        row.text(text, Quoting::Needed).map_err(|_| Error::invalid("a text holds U+0000"))?;
        row.end();
        out.extend_from_slice(cell.strip_suffix(self.dialect.line_end().bytes()).unwrap_or(&cell));
        Ok(())
    }

    /// A row that was changed: cells whose values are still the same stay as they stand.
    fn put_changed(&self, old: RawRecord<'_, '_>, changed: &Changed, out: &mut Vec<u8>) -> Result<()> {
        let schema = open(&self.setup.schema);
        let was = row::decode::<Document>(&CsvRow { columns: &self.old.columns, row: old }, &schema).ok();
        let now = Content::of(changed, &schema)?;
        for (column, cell) in self.cells.iter().enumerate() {
            if column > 0 {
                out.push(self.dialect.delimiter());
            }
            let same = match (cell, &was) {
                (Cell::Field(target), Some((was, _))) if column < self.width => {
                    was.cell(target.steps()).into_owned() == now.document.cell(target.steps()).into_owned()
                }
                (Cell::Presence(target), Some((was, _))) if column < self.width => {
                    was.cell(target.steps()).is_null() == now.document.cell(target.steps()).is_null()
                }
                _ => false,
            };
            match same {
                true => out.extend_from_slice(old.cell_bytes(column)),
                false => self.put_cell(cell, &now, out)?,
            }
        }
        out.extend_from_slice(self.line_end);
        Ok(())
    }

    pub(super) fn put_new(&self, changed: &Changed, out: &mut Vec<u8>) -> Result<()> {
        let now = Content::of(changed, &open(&self.setup.schema))?;
        // An export looks for columns before it writes.
        let has_column = |name: &str| self.undeclared.contains(name) || self.setup.schema.find(name).is_some();
        if let Some((name, _)) = now.document.iter().find(|(name, _)| !has_column(name)) {
            let why = "a record that came meanwhile has a field for which there is no column: try again";
            return Err(Error::conflict(why).at_field(name.to_owned()).at_id(changed.envelope().id()).retryable(true));
        }
        for (column, cell) in self.cells.iter().enumerate() {
            if column > 0 {
                out.push(self.dialect.delimiter());
            }
            self.put_cell(cell, &now, out)?;
        }
        out.extend_from_slice(self.line_end);
        Ok(())
    }

    fn put_cell(&self, cell: &Cell, now: &Content<'_>, out: &mut Vec<u8>) -> Result<()> {
        let mut bytes = Vec::new();
        let mut row = Row::new(&mut bytes, self.dialect);
        match cell {
            Cell::Field(target) => put_value(&now.document.cell(target.steps()).into_owned(), &target.ty, &mut row)?,
            Cell::Presence(target) if now.document.cell(target.steps()).is_null() => row.null(),
            Cell::Presence(_) => row.bool(true),
            Cell::Envelope(name) => now.put_envelope(name, &mut row)?,
        }
        row.end();
        out.extend_from_slice(bytes.strip_suffix(self.dialect.line_end().bytes()).unwrap_or(&bytes));
        Ok(())
    }
}

impl Cell {
    fn of(name: &Name, setup: &Setup) -> Result<Cell> {
        if let Some(part) = COLUMNS.into_iter().find(|part| part == name) {
            return Ok(Cell::Envelope(part));
        }
        // Another tool's column, that has its name from there.
        if name.starts_with('_') {
            let steps = [Step { name: name.clone(), index: None }];
            let (path, part) = (Path::field(name.clone()), Part::Field(steps.into()));
            return Ok(Cell::Field(Target { path, part, ty: Type::Any, nullable: true, large: false }));
        }
        let schema = open(&setup.schema);
        // A declared path such as `home.city`, or else one name as it stands.
        let path = Columns::path_of(name, &setup.schema);
        Ok(Cell::Field(schema.resolve(&path)?))
    }
}

fn open(schema: &Schema) -> Schema {
    Schema { open: true, ..schema.clone() }
}

/// Refuses writes that no checkpoint could put into the file: all of them, or one whose record needs columns that cannot be
/// there.
///
/// # Errors
/// `Unsupported`, with why.
pub(super) fn admit<D: Disk>(base: &TextBase<D>, row: Option<&Changed>, setup: &Setup) -> Result<()> {
    if let Some((column, why)) = &base.foreign {
        let why = format!(
            "`{column}` stands for something else in this file ({why}): rename it, and the file can be written"
        );
        return Err(Error::unsupported(why).at_field(column.clone()));
    }
    let Layout::Csv(old) = &base.layout else { return Ok(()) };
    let columns = |needs: Needs| Table::with(old, needs, !setup.ids.in_record(&setup.schema), setup).map(drop);
    let any = || Needs { rows: true, ..Needs::default() };
    if !base.takes_rows(|| columns(any()).is_ok()) {
        return columns(any());
    }
    match row {
        Some(row) if !setup.options.header => {
            let mut needs = any();
            needs.add(row, setup)?;
            columns(needs)
        }
        _ => Ok(()),
    }
}

fn base_has_rows<D: Disk>(base: &TextBase<D>) -> Result<bool> {
    Ok(base.count(&Limits::default())? > 0)
}

/// The columns of declared fields that the old file has not.
fn declared(old: &CsvLayout, schema: &Schema) -> Vec<Name> {
    let spread = Spread::of(schema);
    let names = spread.names(schema).into_iter();
    names.filter(|name| !old.columns.holds(name, schema)).map(Cow::Owned).collect()
}

/// What the changed records need columns for.
#[derive(Default)]
pub(super) struct Needs {
    rows: bool,
    metadata: bool,
    types: bool,
    undeclared: Vec<Name>,
    seen: HashSet<String>,
}

impl Needs {
    fn of(delta: &Delta<'_>, setup: &Setup) -> Result<Needs> {
        let mut needs = Needs::default();
        let mut rows: Vec<&Changed> = delta.rows().collect();
        rows.sort_by_key(|row| row.envelope().microseconds().0);
        rows.into_iter().try_for_each(|row| needs.add(row, setup))?;
        Ok(needs)
    }

    /// Takes one record in.
    ///
    /// # Errors
    /// `Corrupt` where it does not read.
    pub(super) fn add(&mut self, row: &Changed, setup: &Setup) -> Result<()> {
        self.rows = true;
        self.metadata |= !row.envelope().metadata().is_empty();
        let content = Content::of(row, &setup.open)?;
        self.types |= !content.types.is_empty();
        for (name, _) in content.document.iter() {
            if setup.schema.find(name).is_none() && self.seen.insert(name.to_owned()) {
                self.undeclared.push(Cow::Owned(name.to_owned()));
            }
        }
        Ok(())
    }
}

/// A changed record, ready to be written as cells.
struct Content<'c> {
    envelope: &'c Envelope,
    document: Document,
    types: Types,
}

impl<'c> Content<'c> {
    fn of(changed: &'c Changed, schema: &Schema) -> Result<Content<'c>> {
        let (document, _) = row::decode_body::<Document>(changed.body(), schema)?;
        let types = Types::of(&document, schema, Native::Csv);
        Ok(Content { envelope: changed.envelope(), document: types.written(document)?, types })
    }

    fn put_envelope(&self, name: &str, row: &mut Row<'_>) -> Result<()> {
        let mut put = |text: Option<String>| match text {
            None => {
                row.null();
                Ok(())
            }
            Some(text) => row.text(&text, Quoting::Needed).map_err(|_| Error::invalid("a text holds U+0000")),
        };
        let envelope = self.envelope;
        match name {
            "_id" => put(Some(envelope.id().to_string())),
            "_version" => put(envelope.version().map(ToString::to_string)),
            "_created_at" => put(envelope.created_at().map(|moment| moment.to_string())),
            "_updated_at" => put(envelope.updated_at().map(|moment| moment.to_string())),
            "_metadata" => {
                let json = (!envelope.metadata().is_empty()).then(|| serde_json::to_string(envelope.metadata()));
                put(json.transpose().map_err(no_json)?)
            }
            _ => {
                let json = (!self.types.is_empty()).then(|| serde_json::to_string(&self.types));
                put(json.transpose().map_err(no_json)?)
            }
        }
    }
}

fn no_json(cause: serde_json::Error) -> Error {
    Error::invalid("what stands beside a record has no JSON form").caused_by(cause)
}

/// Writes a value as one cell (semantics 2.10).
fn put_value(value: &Value, ty: &Type, row: &mut Row<'_>) -> Result<()> {
    let mut text = Vec::new();
    let quoting = match value {
        Value::Null => {
            row.null();
            return Ok(());
        }
        Value::Bool(v) => {
            row.bool(*v);
            return Ok(());
        }
        Value::Int(v) => {
            row.int(*v);
            return Ok(());
        }
        Value::Float(v) if *ty == Type::F32 => {
            row.float(*v as f32);
            return Ok(());
        }
        Value::Float(v) => {
            row.float(*v);
            return Ok(());
        }
        Value::Text(v) => {
            text.extend_from_slice(v.as_bytes());
            Quoting::Distinct
        }
        Value::Bytes(v) => {
            text.extend_from_slice(base64::Engine::encode(&base64::prelude::BASE64_STANDARD, v).as_bytes());
            if *ty == Type::Any { Quoting::Distinct } else { Quoting::Needed }
        }
        other => {
            put_other(other, ty, &mut text)?;
            Quoting::Needed
        }
    };
    let text = std::str::from_utf8(&text).map_err(|_| Error::invalid("a cell is not UTF-8"))?;
    row.text(text, quoting).map_err(|_| Error::invalid("a text holds U+0000"))
}

fn put_other(value: &Value, ty: &Type, out: &mut Vec<u8>) -> Result<()> {
    match (value, ty) {
        (Value::Decimal(v), _) => out.extend_from_slice(v.to_string().as_bytes()),
        (Value::Uuid(v), _) => out.extend_from_slice(v.to_string().as_bytes()),
        (Value::Timestamp(v), _) => timestamp::print(*v, out),
        (Value::Date(v), _) => out.extend_from_slice(v.to_string().as_bytes()),
        (Value::Vector(v), _) => encode_vector(v, out),
        (Value::Json(v), _) => serde_json::to_writer(out, v).map_err(no_json)?,
        (Value::List(items), Type::List(item)) => encode_list(items, item, out)?,
        (Value::List(items), _) => encode_list(items, &FieldDef::new("", Type::Any).nullable(), out)?,
        (Value::Record(inside), Type::Record(schema)) => encode_record(inside, schema, out)?,
        (Value::Record(inside), _) => encode_record(inside, &Schema::open(""), out)?,
        _ => {}
    }
    Ok(())
}
