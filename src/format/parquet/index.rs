//! Statistics and bloom filters of a file, for the columns of one predicate.

use std::{cell::RefCell, collections::HashMap, ops::Range, sync::Arc};

use arrow_array::{Array, ArrayRef, UInt64Array};
use arrow_schema::{DataType, Field};
use parquet::{
    arrow::arrow_reader::statistics::StatisticsConverter, basic::Type as Physical, bloom_filter::Sbbf,
    errors::ParquetError,
};

use super::{
    cells::Cells,
    fault::guarded,
    layout::{Layout, Opened},
    mask::{is_sure, statistic},
    prune::{Answer, Knows, Span, answer},
    source::Source,
};
use crate::{
    query::bound::Test,
    record::{Schema, Step, Target, Type},
    value::Value,
};

/// What a file says of the columns of a predicate.
pub(super) struct Index<'a, I> {
    opened: &'a Opened<I>,
    slots: Vec<Option<Slot>>,
    blooms: RefCell<HashMap<(usize, usize), Option<Sbbf>>>,
}

/// The column of one slot.
struct Slot {
    leaf: usize,
    field: Arc<Field>,
    groups: Bounds,
}

/// The bounds of some parts.
struct Bounds {
    mins: Cells,
    maxes: Cells,
    nulls: UInt64Array,
}

impl Bounds {
    fn of(mins: &ArrayRef, maxes: &ArrayRef, nulls: UInt64Array, field: &Field) -> Option<Bounds> {
        Some(Bounds { mins: Cells::of(mins, field, None).ok()?, maxes: Cells::of(maxes, field, None).ok()?, nulls })
    }
    fn span(&self, part: usize, rows: usize) -> Span {
        let at = |cells: &Cells| (part < cells.len()).then(|| statistic(cells, part)).flatten();
        let nulls = (part < self.nulls.len() && self.nulls.is_valid(part)).then(|| self.nulls.value(part));
        Span { min: at(&self.mins), max: at(&self.maxes), nulls, rows: rows as u64 }
    }
}

impl<'a, I: Source> Index<'a, I> {
    pub(super) fn new(opened: &'a Opened<I>, layout: &Layout, targets: &[Target], schema: &Schema) -> Index<'a, I> {
        let slot = |target| Slot::of(opened, layout, target, schema);
        Index { opened, slots: targets.iter().map(slot).collect(), blooms: RefCell::default() }
    }

    /// What is known of the predicate in a row group.
    pub(super) fn of_group(&self, test: &Test, group: usize) -> Answer {
        answer(test, &Group { index: self, group })
    }

    /// The parts of a row group between which the pages of some column begin, with what is known of the predicate in each;
    /// `None` without page indexes.
    pub(super) fn of_pages(&self, test: &Test, group: usize) -> Option<Vec<(Range<usize>, Answer)>> {
        let rows = self.opened.rows_of(group);
        let pages: Vec<Option<Pages>> =
            self.slots.iter().map(|slot| slot.as_ref().and_then(|slot| self.pages(slot, group, rows))).collect();
        pages.iter().flatten().next()?;
        let parts = self.opened.parts(group, pages.iter().flatten().flat_map(|pages| pages.starts.iter().copied()));
        let told = |part: Range<usize>| (part.clone(), answer(test, &Part { pages: &pages, row: part.start }));
        Some(parts.into_iter().map(told).collect())
    }

    fn pages(&self, slot: &Slot, group: usize, rows: usize) -> Option<Pages> {
        let metadata = self.opened.meta.metadata();
        let index = metadata.page_index()?;
        index.column_index(group, slot.leaf)?;
        let starts = self.opened.page_starts(group, slot.leaf)?;
        let bounds = guarded(|| {
            let converter = converter(self.opened, slot)?;
            let groups = [group];
            let mins = converter.data_page_mins(index.as_ref(), &groups)?;
            let maxes = converter.data_page_maxes(index.as_ref(), &groups)?;
            let nulls = converter.data_page_null_counts(index.as_ref(), &groups)?;
            Ok(Bounds::of(&mins, &maxes, nulls, &slot.field))
        });
        Some(Pages { starts, rows, bounds: bounds.ok()?? })
    }

    /// Whether a bloom filter rules a value out.
    fn lacks(&self, slot: usize, group: usize, value: &Value) -> bool {
        let Some(Some(column)) = self.slots.get(slot) else { return false };
        let mut blooms = self.blooms.borrow_mut();
        let bloom = blooms.entry((slot, group)).or_insert_with(|| {
            let chunk = self.opened.meta.metadata().row_group(group).column(column.leaf);
            // A filter that does not read rules nothing out.
            guarded(|| Sbbf::read_from_column_chunk(chunk, &self.opened.input)).ok().flatten()
        });
        bloom.as_ref().is_some_and(|bloom| lacks(bloom, self.opened, column.leaf, value))
    }
}

/// The value as the filter hashes it: in Parquet's plain form.
fn lacks<I>(bloom: &Sbbf, opened: &Opened<I>, leaf: usize, value: &Value) -> bool {
    let physical = opened.meta.parquet_schema().column(leaf).physical_type();
    match (value, physical) {
        (Value::Text(text), Physical::BYTE_ARRAY) => !bloom.check(text.as_bytes()),
        (Value::Bytes(bytes), Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY) => !bloom.check(bytes.as_slice()),
        (Value::Uuid(uuid), Physical::FIXED_LEN_BYTE_ARRAY) => !bloom.check(uuid.as_bytes().as_slice()),
        (Value::Int(v), Physical::INT64) => match (i64::try_from(*v), u64::try_from(*v)) {
            (Ok(v), _) => !bloom.check(&v),
            (_, Ok(v)) => !bloom.check(&v.cast_signed()),
            _ => false,
        },
        (Value::Int(v), Physical::INT32) => match (i32::try_from(*v), u32::try_from(*v)) {
            (Ok(v), _) => !bloom.check(&v),
            (_, Ok(v)) => !bloom.check(&v.cast_signed()),
            _ => false,
        },
        _ => false,
    }
}

impl Slot {
    fn of<I>(opened: &Opened<I>, layout: &Layout, target: &Target, schema: &Schema) -> Option<Slot> {
        if layout.is_doubtful(target) {
            return None;
        }
        let (column, inside) = layout.column_of(target, schema)?;
        let (field, path) = leaf_field(opened.columns().fields().get(column)?, inside)?;
        let leaves = opened.meta.parquet_schema();
        let leaf = leaves.columns().iter().position(|leaf| leaf.path().parts() == path)?;
        // Orders of INT96 and of old statistics of texts are not those of the values.
        let descriptor = leaves.column(leaf);
        let deprecated = |group: &parquet::file::metadata::RowGroupMetaData| {
            group.column(leaf).statistics().is_some_and(|s| s.is_min_max_deprecated())
        };
        let old = opened.meta.metadata().row_groups().iter().any(deprecated);
        let ordered = matches!(descriptor.physical_type(), Physical::INT32 | Physical::INT64)
            && field.data_type().is_signed_integer();
        if descriptor.physical_type() == Physical::INT96 || (old && !ordered) {
            return None;
        }
        let mut slot = Slot {
            leaf,
            field,
            groups: Bounds { mins: Cells::Null(0), maxes: Cells::Null(0), nulls: UInt64Array::from(Vec::<u64>::new()) },
        };
        slot.groups = guarded(|| {
            let converter = converter(opened, &slot)?;
            let groups = opened.meta.metadata().row_groups();
            let (mins, maxes) = (converter.row_group_mins(groups)?, converter.row_group_maxes(groups)?);
            Ok(Bounds::of(&mins, &maxes, converter.row_group_null_counts(groups)?, &slot.field))
        })
        .ok()??;
        // Values that are converted one by one are not in the order of their statistics.
        let decimal = matches!(slot.groups.mins, Cells::Decimal128(..) | Cells::Decimal256(..))
            && matches!(target.ty, Type::Decimal | Type::Any);
        (decimal || is_sure(&slot.groups.mins, &target.ty)).then_some(slot)
    }
}

fn converter<'s, I>(opened: &'s Opened<I>, slot: &'s Slot) -> Result<StatisticsConverter<'s>, ParquetError> {
    let orders = opened.meta.metadata().file_metadata().column_orders();
    let converter = StatisticsConverter::from_column_index(slot.leaf, &slot.field, opened.meta.parquet_schema())?;
    Ok(converter.with_missing_null_counts_as_zero(false).with_column_orders(orders.map(Vec::as_slice)))
}

/// The field at the end of steps through records, and its path; `None` where it is no scalar.
fn leaf_field(column: &Arc<Field>, inside: &[Step]) -> Option<(Arc<Field>, Vec<String>)> {
    let (mut field, mut path) = (column, vec![column.name().clone()]);
    for step in inside {
        let DataType::Struct(fields) = field.data_type() else { return None };
        field = fields.iter().find(|field| *field.name() == step.name)?;
        path.push(field.name().clone());
    }
    (!field.data_type().is_nested()).then(|| (field.clone(), path))
}

/// The pages of one column in one row group.
struct Pages {
    /// The row with which each begins.
    starts: Vec<usize>,
    rows: usize,
    bounds: Bounds,
}

impl Pages {
    fn span(&self, row: usize) -> Span {
        let page = self.starts.partition_point(|start| *start <= row).saturating_sub(1);
        let end = self.starts.get(page + 1).copied().unwrap_or(self.rows);
        self.bounds.span(page, end.saturating_sub(self.starts[page]))
    }
}

/// One row group.
struct Group<'a, I> {
    index: &'a Index<'a, I>,
    group: usize,
}

impl<I: Source> Knows for Group<'_, I> {
    fn span(&self, slot: usize) -> Option<Span> {
        let found = self.index.slots.get(slot)?.as_ref()?;
        Some(found.groups.span(self.group, self.index.opened.rows_of(self.group)))
    }
    fn lacks(&self, slot: usize, value: &Value) -> bool {
        self.index.lacks(slot, self.group, value)
    }
}

/// Some rows of a row group that lie in one page of each column.
struct Part<'a> {
    pages: &'a [Option<Pages>],
    row: usize,
}

impl Knows for Part<'_> {
    fn span(&self, slot: usize) -> Option<Span> {
        Some(self.pages.get(slot)?.as_ref()?.span(self.row))
    }
    fn lacks(&self, _: usize, _: &Value) -> bool {
        false
    }
}
