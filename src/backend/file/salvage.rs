//! Recovering what is whole of damaged files: nothing is changed, and what is lost is told.

use std::{
    collections::HashMap,
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use super::{
    base::{Ask, Base, IdRule, Setup},
    coding::{Coding, Intact},
    config::{Compression, Format, Options, format_of},
    core::canonical,
    disk::{Disk, DiskFile, Os, read_full},
    intent::Place,
    journal::{Change, Frame, whole_frames},
    lock::{Paths, shown},
    store::stored,
};
use crate::{
    error::{Error, Result},
    id::Id,
    record::{Document, Schema, Stored},
    store::Limits,
};

/// What was recovered of a file and its journal.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Salvaged {
    /// The records that are whole, in their newest state that is.
    pub records: Vec<Stored<Document>>,
    /// What does not read, each with its place.
    pub losses: Vec<Error>,
    /// How many writes the journal gave.
    pub journal_writes: u64,
}

/// Reads all that is whole of a store's file and of its journal, whatever state they are in. Neither is changed.
///
/// Rows and journal entries that do not read are passed over and listed in [`Salvaged::losses`]. A journal of another state
/// of the file is applied all the same: a record may then be newer or older than it was.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("people.csv");
/// std::fs::write(&path, "name,age\nAnn,40\nBob,41,too many\nCid,42\n")?;
/// let salvaged = dk_data::backend::file::salvage(&path, dk_data::Schema::open("people"))?;
/// assert_eq!((salvaged.records.len(), salvaged.losses.len()), (2, 1));
/// # Ok::<(), dk_data::Error>(())
/// ```
///
/// # Errors
/// `Configuration` where the name does not say the format; `Backend` where a file cannot be read at all.
pub fn salvage(path: impl AsRef<Path>, schema: Schema) -> Result<Salvaged> {
    salvage_with(path, schema, Options::default())
}

/// The same, of a file that is opened with options: a format that its name does not say, a dialect, an id column.
///
/// # Errors
/// As [`salvage`], and `Configuration` where the schema has no such id column.
pub fn salvage_with(path: impl AsRef<Path>, schema: Schema, options: Options) -> Result<Salvaged> {
    let path = &canonical(path.as_ref());
    let schema = Arc::new(schema);
    let ids = IdRule::of(&options, &schema)?;
    let setup = Setup::new(format_of(path, &options)?, options, schema.clone(), ids);
    let mut salvaged = Salvaged::default();
    let mut rows = base_rows(path, &setup, &mut salvaged);
    let mut order: Vec<Id> = rows.iter().map(|row| row.envelope.id().clone()).collect();
    let mut records: HashMap<Id, Stored<Document>> =
        rows.drain(..).map(|row| (row.envelope.id().clone(), row)).collect();
    for change in journal_changes(path, &mut salvaged)? {
        match change {
            Change::Deleted { id } => drop(records.remove(&id)),
            Change::Put(row) => match stored::<Document>(&row, &schema) {
                Ok(row) => {
                    let id = row.envelope.id().clone();
                    if records.insert(id.clone(), row).is_none() {
                        order.push(id);
                    }
                }
                Err(error) => salvaged.losses.push(error),
            },
        }
    }
    salvaged.records = order.into_iter().filter_map(|id| records.remove(&id)).collect();
    Ok(salvaged)
}

fn base_rows(path: &Path, setup: &Setup, salvaged: &mut Salvaged) -> Vec<Stored<Document>> {
    let (rows, losses) = match read_rows(path, setup) {
        (rows, losses) if losses.is_empty() => (rows, losses),
        // What is behind the damage of a compressed file is in frames of its own.
        from_the_front => by_frames(path, setup).ok().flatten().unwrap_or(from_the_front),
    };
    salvaged.losses.extend(losses);
    rows
}

/// The rows that read, and why the others do not.
type Read = (Vec<Stored<Document>>, Vec<Error>);

fn read_rows(path: &Path, setup: &Setup) -> Read {
    let ask: Ask<Document> = Ask::all(setup.schema.clone(), setup.ids.clone(), &Limits::default());
    let (mut rows, mut losses) = (Vec::new(), Vec::new());
    let batches = match Base::open_damaged(&Os, path, setup, &mut losses).and_then(|base| base.scan(ask)) {
        Ok(batches) => batches,
        Err(error) => return (rows, vec![error]),
    };
    for row in batches.flatten() {
        match row.stored {
            Ok(stored) => rows.push(stored),
            Err(error) => losses.push(error),
        }
    }
    (rows, losses)
}

/// The rows of the frames that read, where it is known where frames begin, and what the columns are.
fn by_frames(path: &Path, setup: &Setup) -> io::Result<Option<Read>> {
    let file = Os.open(path)?;
    let Some(mut intact) = Coding::of(setup.compression, &file, file.stamp()?.length)?.intact(&file)? else {
        return Ok(None);
    };
    let lost_first = intact.lost.first().is_some_and(|lost| lost.text.start == 0);
    let is_table = matches!(setup.format, Format::Csv | Format::Tsv);
    let (rows, of_rows) = match is_table && lost_first && setup.options.header {
        true => (Vec::new(), vec![Error::corrupt("the header is lost, so what the cells are is not known")]),
        false => {
            if setup.format == Format::Json {
                mend_array(&mut intact);
            }
            let mut plain = tempfile::NamedTempFile::new()?;
            plain.write_all(&intact.text)?;
            read_rows(plain.path(), &Setup { compression: Compression::None, ..setup.clone() })
        }
    };
    let of_frames = intact.lost.iter().map(|lost| {
        Error::corrupt(format!("the compressed bytes {} to {} do not read", lost.file.start, lost.file.end))
    });
    let losses = of_frames.chain(of_rows).map(|error| error.at_url(&shown(path)));
    Ok(Some((rows, losses.collect())))
}

/// An array whose first or last frame is lost begins and ends all the same.
fn mend_array(intact: &mut Intact) {
    let all = intact.text.len();
    for lost in intact.lost.iter().map(|lost| lost.text.clone()).filter(|text| !text.is_empty()) {
        if lost.start == 0 {
            intact.text[0] = b'[';
            // The comma before the first element that is left.
            if let Some(comma) = intact.text.get_mut(lost.end).filter(|byte| **byte == b',') {
                *comma = b' ';
            }
        }
        if lost.end == all {
            intact.text[all - 1] = b']';
        }
    }
}

/// The changes of all frames that are whole, in order.
fn journal_changes(path: &Path, salvaged: &mut Salvaged) -> Result<Vec<Change>> {
    let journal = Paths::of(path).journal;
    let failed =
        |cause: std::io::Error| Error::backend("the journal cannot be read").caused_by(cause).at_url(&shown(&journal));
    let Some(stamp) = Os.stamp(&journal).map_err(failed)? else { return Ok(Vec::new()) };
    let file = Os.open(&journal).map_err(failed)?;
    let mut bytes = vec![0; usize::try_from(file.stamp().map_err(failed)?.length.max(stamp.length)).unwrap_or(0)];
    let read = read_full(&file, &mut bytes, 0).map_err(failed)?;
    bytes.truncate(read);
    let mut changes = Vec::new();
    let mut end = super::journal::HEADER.min(bytes.len());
    let mut gap = |from: usize, to: usize| {
        let between = bytes.get(from..to).unwrap_or_default();
        if between.iter().any(|byte| *byte != 0) {
            let why = format!("bytes {from} to {to} of the journal do not read");
            salvaged.losses.push(Error::corrupt(why).at_url(&shown(&journal)));
        }
    };
    let mut tokens = Vec::new();
    for (range, frame) in whole_frames(&bytes) {
        gap(end, range.start);
        end = range.end;
        let entries = match frame {
            Frame::Commit(entries) => entries,
            Frame::Transaction(token, entries) => {
                tokens.push(token);
                entries
            }
            Frame::Grown(_) | Frame::Checkpoint(_) => continue,
        };
        salvaged.journal_writes += entries.len() as u64;
        changes.extend(entries.into_iter().map(|entry| entry.change));
    }
    gap(end, bytes.len());
    // A transaction over several files that was not put into this one's journal any more.
    match Place::of(&Paths::of(path).folder).read(&Os) {
        Ok(Some(intent)) if !tokens.contains(&intent.token) => {
            let entries = intent.of(path).map_or_else(Vec::new, |part| part.entries.clone());
            salvaged.journal_writes += entries.len() as u64;
            changes.extend(entries.into_iter().map(|entry| entry.change));
        }
        Ok(_) => {}
        Err(error) => salvaged.losses.push(error),
    }
    Ok(changes)
}
