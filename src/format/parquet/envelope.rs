//! The envelope in columns beside the record's: `_id`, `_version`, `_created_at`, `_updated_at`, `_metadata` (semantics 1.4).
//!
//! Which of them a file has is its maker's choice; what is not there is not known.

use std::sync::Arc;

use arrow_schema::{DataType, Field, TimeUnit};
use jiff::Timestamp;

use super::{
    METADATA,
    batch::Batch,
    builder::Builder,
    cells::{Cells, Fault},
};
use crate::{
    error::{Error, Result},
    record::{Envelope, Metadata, Type},
    value::ValueRef,
};

/// Which parts of the envelope are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// `_id`, the storage id as text.
    pub id: bool,
    /// `_version`, in its text form.
    pub version: bool,
    /// `_created_at` and `_updated_at`.
    pub times: bool,
    /// `_metadata`, as a JSON object.
    pub metadata: bool,
}

/// The parts of an envelope that a row of a file has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundParts {
    /// `_id`
    pub id: Option<String>,
    /// `_version`
    pub version: Option<String>,
    /// `_created_at`
    pub created_at: Option<Timestamp>,
    /// `_updated_at`
    pub updated_at: Option<Timestamp>,
    /// `_metadata`
    pub metadata: Metadata,
}

impl Parts {
    /// How many columns there are.
    pub(super) fn len(self) -> usize {
        usize::from(self.id) + usize::from(self.version) + 2 * usize::from(self.times) + usize::from(self.metadata)
    }

    /// The columns, in order.
    pub(super) fn columns(self) -> Vec<Field> {
        let moment = || DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")));
        let metadata = super::schema::marked(Field::new(METADATA, DataType::Utf8, true), &Type::Json);
        let all = [
            (self.id, Field::new("_id", DataType::Utf8, false)),
            (self.version, Field::new("_version", DataType::Utf8, true)),
            (self.times, Field::new("_created_at", moment(), true)),
            (self.times, Field::new("_updated_at", moment(), true)),
            (self.metadata, metadata),
        ];
        all.into_iter().filter_map(|(wanted, field)| wanted.then_some(field)).collect()
    }

    /// Appends an envelope to its columns.
    pub(super) fn push(self, envelope: &Envelope, columns: &mut [Builder]) -> Result<()> {
        let mut columns = columns.iter_mut();
        let text = |column: Option<&mut Builder>, text: Option<&str>| match (column, text) {
            (Some(Builder::Text(column)), Some(text)) => column.push(text.as_bytes()),
            (Some(column), None) => {
                column.push_null();
                Ok(())
            }
            _ => Ok(()),
        };
        if self.id {
            text(columns.next(), Some(&envelope.id().to_string()))?;
        }
        if self.version {
            text(columns.next(), envelope.version().map(ToString::to_string).as_deref())?;
        }
        if self.times {
            for moment in [envelope.created_at(), envelope.updated_at()] {
                match (columns.next(), moment) {
                    (Some(Builder::Timestamp(column)), Some(moment)) => column.push(moment.as_microsecond()),
                    (Some(column), _) => column.push_null(),
                    (None, _) => {}
                }
            }
        }
        if self.metadata {
            let metadata = envelope.metadata();
            let json = (!metadata.is_empty()).then(|| serde_json::to_string(metadata)).transpose();
            let json = json.map_err(|cause| Error::invalid("the metadata has no JSON form").caused_by(cause))?;
            text(columns.next(), json.as_deref())?;
        }
        Ok(())
    }
}

/// The metadata of a row.
pub(super) fn metadata(cells: &Cells, row: usize) -> Result<Metadata, Fault> {
    match cells {
        _ if cells.is_null(row) => Ok(Metadata::new()),
        Cells::Json(a) | Cells::Text(a) => {
            serde_json::from_str(a.value(row)).map_err(|cause| format!("the metadata in the cell: {cause}").into())
        }
        _ => Err("metadata is a JSON object as text".into()),
    }
}

impl FoundParts {
    /// What the envelope columns of a batch say of a row.
    ///
    /// # Errors
    /// The column, and why it does not read.
    pub(super) fn of(batch: &Batch, row: usize) -> Result<FoundParts, (String, Fault)> {
        let mut found = FoundParts::default();
        for column in batch.columns.iter().filter(|column| column.place == super::decode::Place::Envelope) {
            let at = |fault: Fault| (column.name.to_string(), fault);
            if column.name == METADATA {
                found.metadata = metadata(&column.cells, row).map_err(at)?;
                continue;
            }
            match (column.name.as_ref(), column.cells.value(row).map_err(at)?) {
                (_, ValueRef::Null) => {}
                ("_id", ValueRef::Text(id)) => found.id = Some(id.into_owned()),
                ("_id", ValueRef::Uuid(id)) => found.id = Some(id.to_string()),
                ("_id", ValueRef::Int(id)) => found.id = Some(id.to_string()),
                ("_version", ValueRef::Text(version)) => found.version = Some(version.into_owned()),
                ("_created_at", ValueRef::Timestamp(moment)) => found.created_at = Some(moment),
                ("_updated_at", ValueRef::Timestamp(moment)) => found.updated_at = Some(moment),
                (_, other) => {
                    return Err(at(format!("a part of the envelope cannot be read from this {}", other.kind()).into()));
                }
            }
        }
        Ok(found)
    }
}
