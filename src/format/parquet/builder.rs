//! Columns while they are being filled: plain vectors that become Arrow arrays, and that can be cut back when a record turns
//! out to be refused.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, ListArray, PrimitiveArray, StringArray, StructArray,
    types::{
        ArrowPrimitiveType, Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type,
        Int32Type, Int64Type, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_buffer::{BooleanBufferBuilder, Buffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, TimeUnit};

use crate::error::{Error, Result};

/// One column while it is being filled.
#[derive(Debug)]
pub(super) enum Builder {
    Bool(Bits),
    I8(Values<Int8Type>),
    I16(Values<Int16Type>),
    I32(Values<Int32Type>),
    I64(Values<Int64Type>),
    U8(Values<UInt8Type>),
    U16(Values<UInt16Type>),
    U32(Values<UInt32Type>),
    U64(Values<UInt64Type>),
    F32(Values<Float32Type>),
    F64(Values<Float64Type>),
    Decimal128(Values<Decimal128Type>, u8, i8),
    Decimal256(Values<Decimal256Type>, u8, i8),
    Date(Values<Date32Type>),
    Timestamp(Values<TimestampMicrosecondType>),
    Text(Spans),
    Bytes(Spans),
    Uuid(Spans),
    List(Box<Items>),
    Record(Parts),
}

/// Values of one width.
#[derive(Debug)]
pub(super) struct Values<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    nulls: NullBufferBuilder,
}

impl<T: ArrowPrimitiveType> Values<T> {
    fn new() -> Self {
        Values { values: Vec::new(), nulls: NullBufferBuilder::new(0) }
    }
    #[inline]
    pub(super) fn push(&mut self, value: T::Native) {
        self.values.push(value);
        self.nulls.append_non_null();
    }
    fn push_null(&mut self) {
        self.values.push(T::Native::default());
        self.nulls.append_null();
    }
    fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
        self.nulls.truncate(len);
    }
    fn take(&mut self) -> PrimitiveArray<T> {
        let room = self.values.len();
        let values = std::mem::replace(&mut self.values, Vec::with_capacity(room));
        PrimitiveArray::new(ScalarBuffer::from(values), self.nulls.finish())
    }
}

/// Bools.
#[derive(Debug)]
pub(super) struct Bits {
    bits: BooleanBufferBuilder,
    nulls: NullBufferBuilder,
}

impl Bits {
    #[inline]
    pub(super) fn push(&mut self, value: bool) {
        self.bits.append(value);
        self.nulls.append_non_null();
    }
}

/// Values of any length, one behind the other.
#[derive(Debug)]
pub(super) struct Spans {
    data: Vec<u8>,
    /// Where each ends; the first begins at 0.
    ends: Vec<i32>,
    nulls: NullBufferBuilder,
    /// How many bytes a null takes: those of a value, where all have one width.
    width: usize,
}

impl Spans {
    fn new(width: usize) -> Self {
        Spans { data: Vec::new(), ends: Vec::new(), nulls: NullBufferBuilder::new(0), width }
    }
    #[inline]
    pub(super) fn push(&mut self, value: &[u8]) -> Result<()> {
        self.data.extend_from_slice(value);
        self.end()
    }
    /// Lets `write` append the value. What it leaves behind when it fails is cut off with the record.
    #[inline]
    pub(super) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
        write(&mut self.data)?;
        self.end()
    }
    #[inline]
    fn end(&mut self) -> Result<()> {
        let end = i32::try_from(self.data.len()).map_err(|_| too_large())?;
        self.ends.push(end);
        self.nulls.append_non_null();
        Ok(())
    }
    fn push_null(&mut self) {
        self.data.resize(self.data.len() + self.width, 0);
        self.ends.push(self.ends.last().copied().unwrap_or(0) + self.width as i32);
        self.nulls.append_null();
    }
    fn truncate(&mut self, len: usize) {
        self.ends.truncate(len);
        self.nulls.truncate(len);
        self.data.truncate(self.ends.last().copied().unwrap_or(0) as usize);
    }
    fn take(&mut self) -> (OffsetBuffer<i32>, Buffer, Option<arrow_buffer::NullBuffer>) {
        let (room, bytes) = (self.ends.len(), self.data.len());
        let ends = std::mem::replace(&mut self.ends, Vec::with_capacity(room));
        let data = std::mem::replace(&mut self.data, Vec::with_capacity(bytes));
        (offsets(ends), Buffer::from_vec(data), self.nulls.finish())
    }
}

#[cold]
fn too_large() -> Error {
    Error::invalid("a column of one row group would hold more than 2 GiB; write smaller row groups")
}

/// Offsets from ends: they ascend, because each end was the length of what grows.
fn offsets(ends: Vec<i32>) -> OffsetBuffer<i32> {
    let mut all = Vec::with_capacity(ends.len() + 1);
    all.push(0);
    all.extend(ends);
    OffsetBuffer::new(ScalarBuffer::from(all))
}

/// A list's items, and where each list ends.
#[derive(Debug)]
pub(super) struct Items {
    pub(super) item: Builder,
    field: FieldRef,
    ends: Vec<i32>,
    nulls: NullBufferBuilder,
}

impl Items {
    /// Ends a list of what was put into `item` since the last one ended.
    pub(super) fn end(&mut self) -> Result<()> {
        self.ends.push(i32::try_from(self.item.len()).map_err(|_| too_large())?);
        self.nulls.append_non_null();
        Ok(())
    }
    fn push_null(&mut self) {
        self.ends.push(self.ends.last().copied().unwrap_or(0));
        self.nulls.append_null();
    }
    fn truncate(&mut self, len: usize) {
        self.ends.truncate(len);
        self.nulls.truncate(len);
        self.item.truncate(self.ends.last().copied().unwrap_or(0) as usize);
    }
    fn take(&mut self) -> Result<ArrayRef, ArrowError> {
        let ends = offsets(std::mem::take(&mut self.ends));
        let items = self.item.take()?;
        Ok(Arc::new(ListArray::try_new(self.field.clone(), ends, items, self.nulls.finish())?))
    }
}

/// The fields of records inside records.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) fields: Vec<Builder>,
    named: arrow_schema::Fields,
    nulls: NullBufferBuilder,
}

impl Parts {
    /// Ends a record whose fields were put into `fields`.
    pub(super) fn end(&mut self) {
        self.nulls.append_non_null();
    }
    fn push_null(&mut self) {
        self.fields.iter_mut().for_each(Builder::push_null);
        self.nulls.append_null();
    }
    fn take(&mut self) -> Result<ArrayRef, ArrowError> {
        let fields = self.fields.iter_mut().map(Builder::take).collect::<Result<Vec<_>, _>>()?;
        // Where the whole record is null its fields are, too, whether or not they are declared so.
        Ok(Arc::new(StructArray::try_new(self.named.clone(), fields, self.nulls.finish())?))
    }
}

/// Calls for each kind of column: `each!(self, values => .., spans => ..)`.
macro_rules! each {
    ($builder:expr, bits $b:ident => $bits:expr, values $v:ident => $values:expr, spans $s:ident => $spans:expr,
     list $l:ident => $list:expr, record $r:ident => $record:expr) => {
        match $builder {
            Builder::Bool($b) => $bits,
            Builder::I8($v) => $values,
            Builder::I16($v) => $values,
            Builder::I32($v) => $values,
            Builder::I64($v) => $values,
            Builder::U8($v) => $values,
            Builder::U16($v) => $values,
            Builder::U32($v) => $values,
            Builder::U64($v) => $values,
            Builder::F32($v) => $values,
            Builder::F64($v) => $values,
            Builder::Decimal128($v, ..) => $values,
            Builder::Decimal256($v, ..) => $values,
            Builder::Date($v) => $values,
            Builder::Timestamp($v) => $values,
            Builder::Text($s) | Builder::Bytes($s) | Builder::Uuid($s) => $spans,
            Builder::List($l) => $list,
            Builder::Record($r) => $record,
        }
    };
}

impl Builder {
    /// A column of this field. The types are those that [`schema`](super::schema) makes.
    pub(super) fn new(field: &Field) -> Builder {
        match field.data_type() {
            DataType::Boolean => {
                Builder::Bool(Bits { bits: BooleanBufferBuilder::new(0), nulls: NullBufferBuilder::new(0) })
            }
            DataType::Int8 => Builder::I8(Values::new()),
            DataType::Int16 => Builder::I16(Values::new()),
            DataType::Int32 => Builder::I32(Values::new()),
            DataType::Int64 => Builder::I64(Values::new()),
            DataType::UInt8 => Builder::U8(Values::new()),
            DataType::UInt16 => Builder::U16(Values::new()),
            DataType::UInt32 => Builder::U32(Values::new()),
            DataType::UInt64 => Builder::U64(Values::new()),
            DataType::Float32 => Builder::F32(Values::new()),
            DataType::Float64 => Builder::F64(Values::new()),
            DataType::Decimal128(precision, scale) => Builder::Decimal128(Values::new(), *precision, *scale),
            DataType::Decimal256(precision, scale) => Builder::Decimal256(Values::new(), *precision, *scale),
            DataType::Date32 => Builder::Date(Values::new()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => Builder::Timestamp(Values::new()),
            DataType::Binary => Builder::Bytes(Spans::new(0)),
            DataType::FixedSizeBinary(_) => Builder::Uuid(Spans::new(16)),
            DataType::List(item) => Builder::List(Box::new(Items {
                item: Builder::new(item),
                field: item.clone(),
                ends: Vec::new(),
                nulls: NullBufferBuilder::new(0),
            })),
            DataType::Struct(fields) => Builder::Record(Parts {
                fields: fields.iter().map(|field| Builder::new(field)).collect(),
                named: fields.clone(),
                nulls: NullBufferBuilder::new(0),
            }),
            _ => Builder::Text(Spans::new(0)),
        }
    }

    /// How many values it holds.
    pub(super) fn len(&self) -> usize {
        each!(self, bits b => b.bits.len(), values v => v.values.len(), spans s => s.ends.len(),
              list l => l.ends.len(), record r => r.nulls.len())
    }

    /// How many bytes its values take.
    pub(super) fn bytes(&self) -> usize {
        each!(self, bits b => b.bits.len() / 8, values v => size_of_val(v.values.as_slice()),
              spans s => s.data.len() + 4 * s.ends.len(), list l => l.item.bytes() + 4 * l.ends.len(),
              record r => r.fields.iter().map(Builder::bytes).sum())
    }

    /// Appends null; in a column that has none it stands under a null of the record around it.
    #[inline]
    pub(super) fn push_null(&mut self) {
        each!(self, bits b => { b.bits.append(false); b.nulls.append_null() }, values v => v.push_null(),
              spans s => s.push_null(), list l => l.push_null(), record r => r.push_null());
    }

    /// Cuts it back.
    pub(super) fn truncate(&mut self, len: usize) {
        each!(self, bits b => { b.bits.truncate(len); b.nulls.truncate(len) }, values v => v.truncate(len),
              spans s => s.truncate(len), list l => l.truncate(len),
              record r => { r.fields.iter_mut().for_each(|field| field.truncate(len)); r.nulls.truncate(len) });
    }

    /// What it holds as an array; it is empty afterwards.
    ///
    /// # Errors
    /// Where Arrow refuses what was built.
    pub(super) fn take(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Builder::Bool(b) => Arc::new(BooleanArray::new(b.bits.finish(), b.nulls.finish())),
            Builder::I8(v) => Arc::new(v.take()),
            Builder::I16(v) => Arc::new(v.take()),
            Builder::I32(v) => Arc::new(v.take()),
            Builder::I64(v) => Arc::new(v.take()),
            Builder::U8(v) => Arc::new(v.take()),
            Builder::U16(v) => Arc::new(v.take()),
            Builder::U32(v) => Arc::new(v.take()),
            Builder::U64(v) => Arc::new(v.take()),
            Builder::F32(v) => Arc::new(v.take()),
            Builder::F64(v) => Arc::new(v.take()),
            Builder::Decimal128(v, precision, scale) => {
                Arc::new(v.take().with_precision_and_scale(*precision, *scale)?)
            }
            Builder::Decimal256(v, precision, scale) => {
                Arc::new(v.take().with_precision_and_scale(*precision, *scale)?)
            }
            Builder::Date(v) => Arc::new(v.take()),
            Builder::Timestamp(v) => Arc::new(v.take().with_timezone("UTC")),
            Builder::Text(s) => {
                let (offsets, data, nulls) = s.take();
                Arc::new(StringArray::try_new(offsets, data, nulls)?)
            }
            Builder::Bytes(s) => {
                let (offsets, data, nulls) = s.take();
                Arc::new(BinaryArray::try_new(offsets, data, nulls)?)
            }
            Builder::Uuid(s) => {
                let (_, data, nulls) = s.take();
                Arc::new(FixedSizeBinaryArray::try_new(16, data, nulls)?)
            }
            Builder::List(items) => items.take()?,
            Builder::Record(parts) => parts.take()?,
        })
    }
}
