//! Recovering what is whole of damaged files: nothing is changed, and what is lost is told.

use std::{collections::HashMap, path::Path, sync::Arc};

use super::{
    base::{Ask, Base, IdRule, Setup},
    config::{Options, named},
    disk::{Disk, DiskFile, Os, read_full},
    intent::Place,
    journal::{Change, Frame, whole_frames},
    lock::{Paths, shown},
    overlay::Row,
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
    let path = path.as_ref();
    let coded =
        named(path).ok_or_else(|| Error::configuration("the name does not say the format").at_url(&shown(path)))?;
    let schema = Arc::new(schema);
    let setup = Setup::new(coded, Options::default(), schema.clone(), IdRule::default());
    let mut salvaged = Salvaged::default();
    let mut rows = base_rows(path, &setup, &mut salvaged);
    let mut order: Vec<Id> = rows.iter().map(|row| row.envelope.id().clone()).collect();
    let mut records: HashMap<Id, Stored<Document>> =
        rows.drain(..).map(|row| (row.envelope.id().clone(), row)).collect();
    for change in journal_changes(path, &mut salvaged)? {
        match change {
            Change::Deleted { id } => drop(records.remove(&id)),
            Change::Put { envelope, body } => match stored::<Document>(Row { envelope, body }, &schema) {
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
    let ask: Ask<Document> = Ask::all(setup.schema.clone(), setup.ids.clone(), &Limits::default());
    let batches = match Base::open(&Os, path, setup).and_then(|base| base.scan(ask)) {
        Ok(batches) => batches,
        Err(error) => {
            salvaged.losses.push(error);
            return Vec::new();
        }
    };
    let mut rows = Vec::new();
    for row in batches.flatten() {
        match row.stored {
            Ok(stored) => rows.push(stored),
            Err(error) => salvaged.losses.push(error),
        }
    }
    rows
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
