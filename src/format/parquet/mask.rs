//! A predicate on whole columns: which rows of a batch it is true of, without decoding one (semantics 3).
//!
//! All cells that the predicate reads are looked at before any logic, so that the order of `and` does not matter; a row with
//! one that does not read is an error and neither a hit nor a miss (semantics 3.12). Comparisons that are common run over the
//! values of a column; all others go through the one evaluator, row by row.

use std::convert::Infallible;

use arrow_array::Array;
use arrow_buffer::{BooleanBuffer, NullBuffer};
use jiff::Timestamp;

use super::{
    batch::Batch,
    cells::{Cells, Fault, Unit},
    decode::{Place, RowDecoder},
    encode::days,
    layout::column_of,
};
use crate::{
    query::{
        bound::{self, Column, Test},
        filter::Op,
    },
    record::{Document, FieldDef, FieldType, Part, Schema, Step, Target, Type},
    value::{Value, ValueRef},
};

/// Which rows are hits, and which do not read.
pub(super) struct Mask {
    pub(super) hits: BooleanBuffer,
    /// By row; each row once.
    pub(super) faults: Vec<RowFault>,
}

/// A row with a cell that does not read.
pub(super) struct RowFault {
    pub(super) row: usize,
    pub(super) column: String,
    pub(super) fault: Fault,
}

/// Evaluates a predicate on a batch that has all columns that it reads.
pub(super) fn evaluate(test: &Test, targets: &[Target], schema: &Schema, batch: &Batch) -> Mask {
    let mut faults = Vec::new();
    let operands: Vec<Operand> = targets.iter().map(|target| Operand::of(target, schema, batch, &mut faults)).collect();
    faults.sort_by_key(|fault: &RowFault| fault.row);
    faults.dedup_by_key(|fault| fault.row);
    let mut hits = Columns { operands: &operands, targets, len: batch.len }.holds(test);
    if !faults.is_empty() {
        let mut sound = vec![true; batch.len];
        faults.iter().for_each(|fault| sound[fault.row] = false);
        hits = &hits & &BooleanBuffer::from(sound);
    }
    Mask { hits, faults }
}

/// What one slot of the predicate reads.
#[derive(Debug)]
enum Operand {
    /// A column, with the nulls of the records around it.
    Cells(Cells, Option<NullBuffer>),
    /// Values that were converted one by one.
    Values(Vec<Value>),
    /// Not in the file: null.
    Absent,
}

impl Operand {
    fn of(target: &Target, schema: &Schema, batch: &Batch, faults: &mut Vec<RowFault>) -> Operand {
        if let Part::Metadata(name) = &target.part {
            return Operand::metadata(name, target, batch, faults);
        }
        let Some((column, inside)) =
            column_of(target, schema, batch.columns.iter().map(|column| (column.place, column.name.as_ref())))
        else {
            return Operand::extra(target, batch, faults);
        };
        let Some(found) = batch.columns.get(column) else { return Operand::Absent };
        if inside.is_empty() && !is_sure(&found.cells, &target.ty) {
            let values = converted(target, batch, column, faults);
            return Operand::Values(with_extra(values, target, batch, faults));
        }
        let declared = match found.place {
            Place::Field(index) => schema.fields.get(index),
            _ => None,
        };
        let operand = Operand::inside(&found.cells, None, inside, declared, target, faults);
        match (found.place, operand) {
            (Place::Undeclared, operand) if has_extra(batch) => {
                let values = (0..batch.len).map(|row| operand.value(row).into_owned()).collect();
                Operand::Values(with_extra(values, target, batch, faults))
            }
            (_, operand) => operand,
        }
    }

    /// A field that the schema does not declare and that no column is named after.
    fn extra(target: &Target, batch: &Batch, faults: &mut Vec<RowFault>) -> Operand {
        match has_extra(batch) && matches!(&target.part, Part::Field(_)) {
            true => Operand::Values(with_extra(vec![Value::Null; batch.len], target, batch, faults)),
            false => Operand::Absent,
        }
    }

    /// A value out of the column of metadata.
    fn metadata(name: &str, target: &Target, batch: &Batch, faults: &mut Vec<RowFault>) -> Operand {
        let Some(column) = batch.columns.iter().find(|column| column.name == super::METADATA) else {
            return Operand::Absent;
        };
        let mut read = |row: usize| match super::envelope::metadata(&column.cells, row) {
            Ok(metadata) => metadata.cell(name).into_owned(),
            Err(fault) => {
                faults.push(RowFault { row, column: target.path.to_string(), fault });
                Value::Null
            }
        };
        Operand::Values((0..batch.len).map(&mut read).collect())
    }

    /// Follows the steps into records inside records.
    fn inside(
        cells: &Cells,
        around: Option<NullBuffer>,
        steps: &[Step],
        declared: Option<&FieldDef>,
        target: &Target,
        faults: &mut Vec<RowFault>,
    ) -> Operand {
        let nulls = NullBuffer::union(around.as_ref(), cells.nulls());
        let Some((step, rest)) = steps.split_first() else {
            return match is_sure(cells, &target.ty) {
                true => checked(cells.clone(), nulls, target, faults),
                false => Operand::Values(read_all(cells, nulls.as_ref(), target, faults)),
            };
        };
        match cells {
            Cells::Record(record) => {
                let field = match declared.map(|field| &field.ty) {
                    Some(Type::Record(schema)) => step.index.and_then(|index| schema.fields.get(index)),
                    _ => None,
                };
                let called = |name: &str| field.map_or(name == step.name, |field| field.is_called(name));
                match record.names.iter().position(|name| called(name)) {
                    Some(at) => Operand::inside(&record.fields[at], nulls, rest, field, target, faults),
                    None => Operand::Absent,
                }
            }
            Cells::Tagged(_) => {
                let values = read_all(cells, nulls.as_ref(), target, faults);
                Operand::Values(values.into_iter().map(|value| below(value, steps)).collect())
            }
            _ => Operand::Absent,
        }
    }

    fn value(&self, row: usize) -> ValueRef<'_> {
        match self {
            Operand::Cells(_, Some(nulls)) if nulls.is_null(row) => ValueRef::Null,
            // Those that do not read were reported before.
            Operand::Cells(cells, _) => cells.value(row).unwrap_or_default(),
            Operand::Values(values) => values.get(row).map_or(ValueRef::Null, Value::as_ref),
            Operand::Absent => ValueRef::Null,
        }
    }
}

/// Whether every value of a column is one of the type, or at least seen by one look at the numbers.
pub(super) fn is_sure(cells: &Cells, ty: &Type) -> bool {
    match (cells, ty) {
        (Cells::Null(_), _) => true,
        (Cells::Bool(_), Type::Bool | Type::Any) => true,
        (Cells::I8(_), Type::I8 | Type::I16 | Type::I32 | Type::I64 | Type::Any) => true,
        (Cells::I16(_), Type::I16 | Type::I32 | Type::I64 | Type::Any) => true,
        (Cells::I32(_), Type::I32 | Type::I64 | Type::Any) => true,
        (Cells::I64(_), Type::I64 | Type::Any) => true,
        (Cells::U8(_), ty) => ty.integer_range().is_some_and(|(_, greatest)| greatest >= 255) || *ty == Type::Any,
        (Cells::U16(_), ty) => ty.integer_range().is_some_and(|(_, greatest)| greatest >= 65_535) || *ty == Type::Any,
        (Cells::U32(_), Type::U32 | Type::U64 | Type::I64 | Type::Any) => true,
        (Cells::U64(_), Type::U64 | Type::Any) => true,
        (Cells::F32(_), Type::F32 | Type::F64 | Type::Any) => true,
        (Cells::F64(_), Type::F64 | Type::Any) => true,
        (Cells::Text(_), Type::Text | Type::Any) => true,
        (Cells::Bytes(_) | Cells::Fixed(_), Type::Bytes | Type::Any) => true,
        (Cells::Uuid(_), Type::Uuid | Type::Any) => true,
        (Cells::Timestamp(..), Type::Timestamp | Type::Any) => true,
        (Cells::Date(_), Type::Date | Type::Any) => true,
        // The names of an enum are compared as texts are; an unknown one is found when the record is decoded.
        (Cells::Text(_), Type::Enum(_)) => true,
        _ => false,
    }
}

/// A column whose doubtful values are reported.
fn checked(cells: Cells, nulls: Option<NullBuffer>, target: &Target, faults: &mut Vec<RowFault>) -> Operand {
    let sound = match &cells {
        Cells::F64(a) => a.values().iter().all(|v| v.is_finite()),
        Cells::F32(a) => a.values().iter().all(|v| v.is_finite()),
        Cells::Timestamp(a, unit) => within_calendar(a.values(), *unit),
        Cells::Date(a) => {
            a.values().iter().all(|day| (days(jiff::civil::Date::MIN)..=days(jiff::civil::Date::MAX)).contains(day))
        }
        _ => true,
    };
    if !sound {
        // Values under a null may be anything; only those that are there count.
        let present = |row: &usize| !nulls.as_ref().is_some_and(|nulls| nulls.is_null(*row));
        for row in (0..cells.len()).filter(present) {
            if let Err(fault) = cells.value(row) {
                faults.push(RowFault { row, column: target.path.to_string(), fault });
            }
        }
    }
    Operand::Cells(cells, nulls)
}

fn within_calendar(counts: &[i64], unit: Unit) -> bool {
    let bound =
        |moment: Timestamp| (moment.as_nanosecond() / unit.nanoseconds()).clamp(i64::MIN.into(), i64::MAX.into());
    let (least, greatest) = (bound(Timestamp::MIN) as i64, bound(Timestamp::MAX) as i64);
    counts.iter().all(|count| (least..=greatest).contains(count))
}

/// Every value of a column, those that do not read reported and null.
fn read_all(cells: &Cells, nulls: Option<&NullBuffer>, target: &Target, faults: &mut Vec<RowFault>) -> Vec<Value> {
    let mut read = |row: usize| match cells.value(row) {
        _ if nulls.is_some_and(|nulls| nulls.is_null(row)) => Value::Null,
        Ok(value) => value.into_owned(),
        Err(fault) => {
            faults.push(RowFault { row, column: target.path.to_string(), fault });
            Value::Null
        }
    };
    (0..cells.len()).map(&mut read).collect()
}

/// Every value of a column of another type, as the field's type has it.
fn converted(target: &Target, batch: &Batch, column: usize, faults: &mut Vec<RowFault>) -> Vec<Value> {
    let field = FieldDef::new(target.path.to_string(), target.ty.clone()).nullable();
    let read = |row: usize| match (&target.part, batch.columns.get(column).map(|column| column.cells.value(row))) {
        (Part::Id, Some(Ok(ValueRef::Uuid(uuid)))) => Ok(Some(Value::Text(uuid.to_string()))),
        _ => Value::read(&field, &mut RowDecoder::at(batch, row, column)),
    };
    let mut read = |row: usize| match read(row) {
        Ok(value) => value.unwrap_or_default(),
        Err(error) => {
            let fault = error.message().to_owned().into();
            faults.push(RowFault { row, column: target.path.to_string(), fault });
            Value::Null
        }
    };
    (0..batch.len).map(&mut read).collect()
}

fn has_extra(batch: &Batch) -> bool {
    batch.columns.iter().any(|column| column.place == Place::Extra)
}

/// Values of an undeclared field, filled up from the column that keeps what no column was made for.
fn with_extra(mut values: Vec<Value>, target: &Target, batch: &Batch, faults: &mut Vec<RowFault>) -> Vec<Value> {
    let Some(extra) = batch.columns.iter().find(|column| column.place == Place::Extra) else { return values };
    if target.steps().first().is_none_or(|step| step.index.is_some()) {
        return values;
    }
    for (row, value) in values.iter_mut().enumerate().filter(|(_, value)| value.is_null()) {
        match extra.cells.value(row) {
            Ok(ValueRef::Record(document)) => *value = document.cell_owned(target.steps()),
            Ok(_) => {}
            Err(fault) => faults.push(RowFault { row, column: extra.name.to_string(), fault }),
        }
    }
    values
}

trait CellOwned {
    fn cell_owned(&self, steps: &[Step]) -> Value;
}

impl CellOwned for Document {
    fn cell_owned(&self, steps: &[Step]) -> Value {
        crate::record::RecordCodec::cell(self, steps).into_owned()
    }
}

/// What the steps lead to inside a value.
fn below(value: Value, steps: &[Step]) -> Value {
    match value {
        Value::Record(inside) => inside.cell_owned(steps),
        _ => Value::Null,
    }
}

/// The operands of a batch; evaluates tests to masks.
struct Columns<'a> {
    operands: &'a [Operand],
    targets: &'a [Target],
    len: usize,
}

/// One row of the operands, for the one evaluator.
struct Row<'a> {
    operands: &'a [Operand],
    row: usize,
}

impl bound::Cells for Row<'_> {
    type Error = Infallible;
    fn cell(&self, slot: usize, _: &Target) -> Result<ValueRef<'_>, Infallible> {
        Ok(self.operands.get(slot).map_or(ValueRef::Null, |operand| operand.value(self.row)))
    }
}

impl Columns<'_> {
    fn holds(&self, test: &Test) -> BooleanBuffer {
        match test {
            Test::And(list) => {
                let mut all = BooleanBuffer::new_set(self.len);
                for test in list {
                    all = &all & &self.holds(test);
                    if !all.has_true() {
                        break;
                    }
                }
                all
            }
            Test::Or(list) => self.any(list),
            Test::Nor(list) => !&self.any(list),
            leaf => self.fast(leaf).unwrap_or_else(|| self.slow(leaf)),
        }
    }

    fn any(&self, list: &[Test]) -> BooleanBuffer {
        let mut any = BooleanBuffer::new_unset(self.len);
        for test in list {
            any = &any | &self.holds(test);
        }
        any
    }

    /// Row by row, through the one evaluator.
    fn slow(&self, leaf: &Test) -> BooleanBuffer {
        BooleanBuffer::collect_bool(self.len, |row| {
            let Ok(holds) = leaf.leaf_holds(&Row { operands: self.operands, row }, self.targets);
            holds
        })
    }

    /// Over the values of a column, where the test and the column are of a common kind.
    fn fast(&self, leaf: &Test) -> Option<BooleanBuffer> {
        let column = column_of_leaf(leaf)?;
        if column.len {
            return None;
        }
        let operand = self.operands.get(column.slot)?;
        if let Operand::Absent = operand {
            let is_null = matches!(leaf, Test::IsNull(_));
            return Some(if is_null { BooleanBuffer::new_set(self.len) } else { BooleanBuffer::new_unset(self.len) });
        }
        let Operand::Cells(cells, nulls) = operand else { return None };
        if let Test::IsNull(_) = leaf {
            let null = |cells: &Cells| matches!(cells, Cells::Null(_));
            return Some(match nulls {
                _ if null(cells) => BooleanBuffer::new_set(self.len),
                Some(nulls) => !nulls.inner(),
                None => BooleanBuffer::new_unset(self.len),
            });
        }
        let hits = numbers(leaf, column, cells).or_else(|| floats(leaf, cells)).or_else(|| texts(leaf, column, cells));
        hits.or_else(|| others(leaf, cells)).map(|hits| match nulls {
            Some(nulls) => &hits & nulls.inner(),
            None => hits,
        })
    }
}

pub(super) fn column_of_leaf(leaf: &Test) -> Option<Column> {
    Some(match leaf {
        Test::And(_) | Test::Or(_) | Test::Nor(_) => return None,
        Test::Compare(column, ..) | Test::Between(column, ..) | Test::In(column, _) | Test::Like(column, _) => *column,
        Test::StartsWith(column, _) | Test::EndsWith(column, _) | Test::Contains(column, _) => *column,
        Test::IsNull(column) | Test::Matches(column, _) | Test::Search(column) => *column,
    })
}

// ---- integers, moments and days: a comparison is a range

/// The whole numbers of which a comparison is true, both ends included; empty where the first is greater.
type Range = (i128, i128);

const EMPTY: Range = (1, 0);

/// How a literal lies among whole numbers: the greatest that is not above it, and the least that is not below.
struct Neighbours {
    floor: i128,
    ceil: i128,
}

fn range_of(leaf: &Test, neighbours: impl Fn(&Value) -> Option<Neighbours>) -> Option<Range> {
    let side = |op: Op, value: &Value| {
        let at = neighbours(value)?;
        Some(match op {
            Op::Eq if at.floor == at.ceil => (at.floor, at.floor),
            Op::Eq => EMPTY,
            Op::Gt => (at.floor.saturating_add(1), i128::MAX),
            Op::Ge => (at.ceil, i128::MAX),
            Op::Lt => (i128::MIN, at.ceil.saturating_sub(1)),
            Op::Le => (i128::MIN, at.floor),
        })
    };
    match leaf {
        Test::Compare(_, op, value) => side(*op, value),
        Test::Between(_, low, high) => Some((side(Op::Ge, low)?.0, side(Op::Le, high)?.1)),
        _ => None,
    }
}

fn whole(value: &Value, column: Column) -> Option<Neighbours> {
    match value {
        Value::Int(v) => Some(Neighbours { floor: *v, ceil: *v }),
        // Within the integers that a float holds exactly; what is beyond goes through the evaluator.
        Value::Float(v) if v.abs() < 9_007_199_254_740_992.0 => {
            Some(Neighbours { floor: v.floor() as i128, ceil: v.ceil() as i128 })
        }
        Value::Decimal(v) if column.declared => {
            Some(Neighbours { floor: v.floor().trunc().mantissa(), ceil: v.ceil().trunc().mantissa() })
        }
        _ => None,
    }
}

fn numbers(leaf: &Test, column: Column, cells: &Cells) -> Option<BooleanBuffer> {
    macro_rules! within {
        ($array:expr, $range:expr, $native:ty) => {{
            let (low, high): Range = $range;
            let low = low.max(<$native>::MIN.into());
            let high = high.min(<$native>::MAX.into());
            let values: &[$native] = $array.values();
            match (<$native>::try_from(low), <$native>::try_from(high)) {
                (Ok(low), Ok(high)) => {
                    BooleanBuffer::collect_bool(values.len(), |row| (low <= values[row]) & (values[row] <= high))
                }
                _ => BooleanBuffer::new_unset(values.len()),
            }
        }};
    }
    let range = || range_of(leaf, |value| whole(value, column));
    Some(match cells {
        Cells::I8(a) => within!(a, range()?, i8),
        Cells::I16(a) => within!(a, range()?, i16),
        Cells::I32(a) => within!(a, range()?, i32),
        Cells::I64(a) => within!(a, range()?, i64),
        Cells::U8(a) => within!(a, range()?, u8),
        Cells::U16(a) => within!(a, range()?, u16),
        Cells::U32(a) => within!(a, range()?, u32),
        Cells::U64(a) => within!(a, range()?, u64),
        Cells::Timestamp(a, unit) => within!(a, range_of(leaf, |value| moments(value, *unit))?, i64),
        Cells::Date(a) => within!(a, range_of(leaf, calendar_days)?, i32),
        _ => return None,
    })
}

fn moments(value: &Value, unit: Unit) -> Option<Neighbours> {
    let Value::Timestamp(moment) = value else { return None };
    let (nanoseconds, unit) = (moment.as_nanosecond(), unit.nanoseconds());
    let floor = nanoseconds.div_euclid(unit);
    Some(Neighbours { floor, ceil: floor + i128::from(nanoseconds.rem_euclid(unit) != 0) })
}

fn calendar_days(value: &Value) -> Option<Neighbours> {
    let Value::Date(day) = value else { return None };
    Some(Neighbours { floor: days(*day).into(), ceil: days(*day).into() })
}

// ---- floats

fn floats(leaf: &Test, cells: &Cells) -> Option<BooleanBuffer> {
    macro_rules! compared {
        ($array:expr) => {{
            let values = $array.values();
            let hits = |test: &float::Comparison| {
                BooleanBuffer::collect_bool(values.len(), |row| test.holds(f64::from(values[row])))
            };
            hits(&float::Comparison::of(leaf)?)
        }};
    }
    Some(match cells {
        Cells::F64(a) => compared!(a),
        Cells::F32(a) => compared!(a),
        _ => return None,
    })
}

/// Comparisons of floats with floats.
mod float {
    use super::{Op, Test, Value};

    pub(super) enum Comparison {
        Eq(f64),
        /// Ends included or not.
        Within {
            low: f64,
            low_in: bool,
            high: f64,
            high_in: bool,
        },
    }

    impl Comparison {
        pub(super) fn of(leaf: &Test) -> Option<Comparison> {
            let (low, high) = (f64::NEG_INFINITY, f64::INFINITY);
            Some(match leaf {
                Test::Compare(_, op, Value::Float(v)) if v.is_finite() => match op {
                    Op::Eq => Comparison::Eq(*v),
                    Op::Gt => Comparison::Within { low: *v, low_in: false, high, high_in: true },
                    Op::Ge => Comparison::Within { low: *v, low_in: true, high, high_in: true },
                    Op::Lt => Comparison::Within { low, low_in: true, high: *v, high_in: false },
                    Op::Le => Comparison::Within { low, low_in: true, high: *v, high_in: true },
                },
                Test::Between(_, Value::Float(low), Value::Float(high)) if low.is_finite() && high.is_finite() => {
                    Comparison::Within { low: *low, low_in: true, high: *high, high_in: true }
                }
                _ => return None,
            })
        }
        #[inline(always)]
        pub(super) fn holds(&self, value: f64) -> bool {
            match self {
                Comparison::Eq(v) => value == *v,
                Comparison::Within { low, low_in, high, high_in } => {
                    let above = if *low_in { value >= *low } else { value > *low };
                    let below = if *high_in { value <= *high } else { value < *high };
                    above & below
                }
            }
        }
    }
}

// ---- text

fn texts(leaf: &Test, column: Column, cells: &Cells) -> Option<BooleanBuffer> {
    let Cells::Text(a) = cells else { return None };
    let each = a.len();
    Some(match leaf {
        Test::Compare(_, Op::Eq, Value::Text(text)) => {
            let (text, offsets, data) = (text.as_bytes(), a.value_offsets(), a.value_data());
            BooleanBuffer::collect_bool(each, |row| {
                let (start, end) = (offsets[row] as usize, offsets[row + 1] as usize);
                end - start == text.len() && &data[start..end] == text
            })
        }
        Test::Compare(_, op, Value::Text(text)) => {
            BooleanBuffer::collect_bool(each, |row| op.holds(Some(a.value(row).as_bytes().cmp(text.as_bytes()))))
        }
        Test::Like(_, pattern) => BooleanBuffer::collect_bool(each, |row| pattern.matches(a.value(row))),
        Test::StartsWith(_, text) => BooleanBuffer::collect_bool(each, |row| a.value(row).starts_with(text.as_str())),
        Test::EndsWith(_, text) => BooleanBuffer::collect_bool(each, |row| a.value(row).ends_with(text.as_str())),
        Test::In(_, list) => BooleanBuffer::collect_bool(each, |row| list.hold(column, &ValueRef::text(a.value(row)))),
        Test::Contains(_, part) if matches!(part.0, Value::Text(_)) => {
            BooleanBuffer::collect_bool(each, |row| part.1.find(a.value(row).as_bytes()).is_some())
        }
        _ => return None,
    })
}

// ---- the rest

fn others(leaf: &Test, cells: &Cells) -> Option<BooleanBuffer> {
    Some(match (leaf, cells) {
        (Test::Compare(_, Op::Eq, Value::Bool(true)), Cells::Bool(a)) => a.values().clone(),
        (Test::Compare(_, Op::Eq, Value::Bool(false)), Cells::Bool(a)) => !a.values(),
        (Test::Compare(_, Op::Eq, Value::Uuid(uuid)), Cells::Uuid(a)) => {
            BooleanBuffer::collect_bool(a.len(), |row| a.value(row) == uuid.as_bytes())
        }
        _ => return None,
    })
}

/// The values that statistics hold, as predicates see them.
pub(super) fn statistic(cells: &Cells, row: usize) -> Option<Value> {
    let value = cells.value(row).ok()?;
    (!value.is_null()).then(|| value.into_owned())
}
