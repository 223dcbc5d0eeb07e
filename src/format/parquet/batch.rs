//! Some rows of a file, column by column, and where they stand in it.

use arrow_array::RecordBatch;

use super::{
    cells::{Cells, Fault},
    decode::Place,
    layout::{Layout, Source},
};
use crate::record::Name;

/// Some rows of one row group.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) columns: Vec<Column>,
    pub(super) len: usize,
    /// The row group, for the place of an error.
    group: usize,
    rows: Rows,
}

/// One column of a batch.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: Name,
    pub(super) place: Place,
    pub(super) cells: Cells,
}

/// The ordinals of rows in the file.
#[derive(Clone, Debug)]
pub(super) enum Rows {
    /// All from this one on.
    From(u64),
    /// These.
    These(Vec<u64>),
}

impl Rows {
    #[inline]
    pub(super) fn at(&self, place: usize) -> u64 {
        match self {
            Rows::From(first) => first + place as u64,
            Rows::These(all) => all.get(place).copied().unwrap_or_default(),
        }
    }

    /// So many of them, from one on.
    pub(super) fn part(&self, place: usize, count: usize) -> Rows {
        match self {
            Rows::From(first) => Rows::From(first + place as u64),
            Rows::These(all) => Rows::These(all.iter().skip(place).take(count).copied().collect()),
        }
    }
}

/// A column that cannot be looked at, and why.
pub(super) struct Unreadable {
    pub(super) column: String,
    pub(super) fault: Fault,
}

impl Column {
    /// Those of a batch: `which` of the layout's they are, in the order of the file.
    pub(super) fn all(batch: &RecordBatch, layout: &Layout, which: &[usize]) -> Result<Vec<Column>, Unreadable> {
        let pairs = which.iter().zip(batch.columns().iter().zip(batch.schema_ref().fields()));
        let columns = pairs.filter_map(|(which, pair)| Some((layout.columns.get(*which)?, pair)));
        let columns = columns.map(|(source, (array, field)): (&Source, _)| {
            let cells = Cells::of(array, field, source.hint.as_ref());
            let cells = cells.map_err(|fault| Unreadable { column: source.name.to_string(), fault })?;
            Ok(Column { name: source.name.clone(), place: source.place, cells })
        });
        columns.collect()
    }
}

impl Batch {
    /// `which` are the columns of the layout that were read, in the order of the file.
    pub(super) fn of(
        batch: &RecordBatch,
        layout: &Layout,
        which: &[usize],
        group: usize,
        rows: Rows,
    ) -> Result<Batch, Unreadable> {
        Ok(Batch { columns: Column::all(batch, layout, which)?, len: batch.num_rows(), group, rows })
    }

    /// The ordinal in the file of a row of the batch.
    #[inline]
    pub(super) fn ordinal(&self, row: usize) -> u64 {
        self.rows.at(row)
    }

    /// A row's place in words; rows are counted from 1.
    pub(super) fn place_of(&self, row: usize) -> String {
        format!("row {} of the file, in row group {}", self.ordinal(row) + 1, self.group)
    }
}
