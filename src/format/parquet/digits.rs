//! What a column of INT96 becomes when its file is written anew. Nothing of 64 bits holds all that it may hold, so its values are
//! looked at: none loses a digit without a word.

use arrow_array::{Array, RecordBatch, cast::AsArray, types::TimestampMicrosecondType, types::TimestampNanosecondType};
use arrow_schema::TimeUnit;
use parquet::arrow::{
    ProjectionMask,
    arrow_reader::{
        ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
    },
};

use super::{
    fault::{guarded, raised},
    int96::{columns, in_unit},
    layout::Opened,
    source::Source,
};
use crate::error::Result;

/// What the columns of INT96 hold beyond microseconds.
#[derive(Debug, Default)]
pub(super) struct Digits {
    /// Those that have finer digits, and whose values nanoseconds hold all.
    pub(super) nanoseconds: Vec<usize>,
    /// One that neither unit holds.
    pub(super) neither: Option<usize>,
}

/// What was seen of a column.
#[derive(Clone, Copy, Default)]
struct Seen {
    /// A value has digits below the microsecond.
    fine: bool,
    /// A value is beyond what nanoseconds reach.
    far: bool,
}

impl<I: Source> Opened<I> {
    /// The same file with some columns of INT96 in nanoseconds.
    ///
    /// # Errors
    /// `Corrupt` where the schema does not fit.
    pub(super) fn in_nanoseconds(&self, columns: &[usize]) -> Result<Opened<I>> {
        if columns.is_empty() {
            return Ok(self.clone());
        }
        let schema = in_unit(self.columns(), columns, TimeUnit::Nanosecond);
        let options = ArrowReaderOptions::new().with_schema(schema);
        let meta = guarded(|| ArrowReaderMetadata::try_new(self.meta.metadata().clone(), options));
        Ok(Opened { meta: meta.map_err(|cause| raised(cause, "the schema"))?, ..self.clone() })
    }

    /// Looks at all values of the columns of INT96, where there are such.
    ///
    /// # Errors
    /// `Corrupt` where they do not read.
    pub(super) fn digits(&self) -> Result<Digits> {
        let columns = columns(self.columns(), self.meta.metadata());
        let mut digits = Digits::default();
        if columns.is_empty() {
            return Ok(digits);
        }
        let mut seen = vec![Seen::default(); columns.len()];
        // The two readers give the same rows together.
        let coarse = self.only(&columns)?;
        let mut fine = self.in_nanoseconds(&columns)?.only(&columns)?;
        for batch in coarse {
            let failed = |cause: arrow_schema::ArrowError| raised(cause.into(), "a column of INT96");
            let Some(exact) = guarded(|| Ok(fine.next())).map_err(|cause| raised(cause, "a column of INT96"))? else {
                break;
            };
            look(&batch.map_err(failed)?, &exact.map_err(failed)?, &mut seen);
        }
        for (column, seen) in columns.into_iter().zip(seen) {
            match seen {
                Seen { fine: true, far: false } => digits.nanoseconds.push(column),
                Seen { fine: true, far: true } => digits.neither = digits.neither.or(Some(column)),
                Seen { fine: false, .. } => {}
            }
        }
        Ok(digits)
    }

    fn only(&self, columns: &[usize]) -> Result<ParquetRecordBatchReader> {
        let (input, meta) = (self.input.clone(), self.meta.clone());
        let reader = guarded(|| {
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, meta);
            let leaves = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
            builder.with_projection(leaves).build()
        });
        reader.map_err(|cause| raised(cause, "a column of INT96"))
    }
}

/// Takes some rows in. Both units wrap around, so what one lacks the other tells.
fn look(coarse: &RecordBatch, fine: &RecordBatch, seen: &mut [Seen]) {
    for ((coarse, fine), seen) in coarse.columns().iter().zip(fine.columns()).zip(seen) {
        let (coarse, fine) =
            (coarse.as_primitive::<TimestampMicrosecondType>(), fine.as_primitive::<TimestampNanosecondType>());
        for row in (0..coarse.len().min(fine.len())).filter(|row| coarse.is_valid(*row)) {
            let (us, ns) = (coarse.value(row), fine.value(row));
            let rest = ns.wrapping_sub(us.wrapping_mul(1_000));
            seen.fine |= rest != 0;
            seen.far |= us.checked_mul(1_000).and_then(|whole| whole.checked_add(rest)) != Some(ns);
        }
    }
}
