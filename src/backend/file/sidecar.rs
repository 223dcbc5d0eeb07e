//! A schema beside a file: `people.csv.schema.json` declares the types of a store of documents where the file cannot say them.

use std::path::{Path, PathBuf};

use super::{
    core::canonical,
    disk::{Disk, DiskFile, read_full},
    lock::shown,
};
use crate::{
    error::{Error, Result},
    record::Schema,
};

/// The longest schema that is read, in bytes.
const BYTES_MAX: u64 = 4 << 20;

/// The schema with the fields that the file beside the base declares and the schema does not. A closed schema says all itself.
///
/// # Errors
/// `Configuration`, with the file and the line, for what is no schema; `Backend` where it cannot be read.
pub(super) fn completed<D: Disk>(disk: &D, base: &Path, schema: Schema) -> Result<Schema> {
    if !schema.open {
        return Ok(schema);
    }
    let path = beside(&canonical(base));
    let Some(beside) = read(disk, &path).map_err(|error| error.at_url(&shown(&path)))? else { return Ok(schema) };
    let more = beside.fields.iter().filter(|field| schema.find(&field.name).is_none());
    let completed = more.fold(schema.clone(), |schema, field| schema.field(field.clone()));
    completed.validate().map_err(|error| error.at_url(&shown(&path)))?;
    Ok(completed)
}

fn beside(base: &Path) -> PathBuf {
    let mut name = base.file_name().unwrap_or_default().to_owned();
    name.push(".schema.json");
    base.with_file_name(name)
}

fn read<D: Disk>(disk: &D, path: &Path) -> Result<Option<Schema>> {
    let failed = |cause: std::io::Error| Error::backend("the schema cannot be read").caused_by(cause);
    let Some(stamp) = disk.stamp(path).map_err(failed)? else { return Ok(None) };
    if stamp.length > BYTES_MAX {
        return Err(Error::configuration(format!("the schema has {} bytes, more than {BYTES_MAX}", stamp.length)));
    }
    let file = disk.open(path).map_err(failed)?;
    let mut bytes = vec![0; usize::try_from(file.stamp().map_err(failed)?.length.min(BYTES_MAX)).unwrap_or(0)];
    let read = read_full(&file, &mut bytes, 0).map_err(failed)?;
    bytes.truncate(read);
    let misread = |cause: serde_json::Error| {
        let line = cause.line() as u64;
        Error::configuration("the file is no schema").caused_by(cause).at_line(line, None)
    };
    serde_json::from_slice(&bytes).map(Some).map_err(misread)
}
