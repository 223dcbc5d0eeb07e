//! Filters on JSON objects, tested before the record is decoded: the fields that the filter reads are cells, the rest of the
//! object is checked and passed over (semantics 3.12).

use std::convert::Infallible;

use super::decode::{JsonDecoder, MemberNames, decode_object};
use crate::{
    error::Result,
    query::{Bound, Cells},
    record::{Decoder, FieldDef, Next, RecordCodec, Schema, Target, Type},
    value::ValueRef,
};

/// A filter, and the fields that it reads.
pub(crate) struct Peek<R> {
    filter: Bound<R>,
    fields: Selection,
    /// For each column of the filter the place of its field; none for a part of the envelope, which is null here.
    columns: Vec<Option<usize>>,
}

impl<R> Peek<R> {
    pub(crate) fn new(filter: Bound<R>, schema: &Schema) -> Peek<R> {
        let mut schema = Schema { open: false, ..schema.clone() };
        let mut read = Vec::new();
        let place = |target: &Target| {
            let name = &target.steps().first()?.name;
            let declared = schema.fields.iter().position(|field| field.name == *name);
            let index = declared.unwrap_or_else(|| {
                schema.fields.to_mut().push(FieldDef::new(name.clone(), Type::Any).nullable());
                schema.fields.len() - 1
            });
            Some(read.iter().position(|other| *other == index).unwrap_or_else(|| {
                read.push(index);
                read.len() - 1
            }))
        };
        let columns = filter.columns().iter().map(place).collect();
        Peek { columns, fields: Selection::new(schema, &read), filter }
    }

    #[cfg(feature = "file")]
    pub(crate) fn filter(&self) -> &Bound<R> {
        &self.filter
    }

    /// Whether the filter is true of an object, whose cells are read into `cells`. `other` takes the value of a member that is
    /// no field of the schema.
    ///
    /// # Errors
    /// `Corrupt` or `Invalid`, with the field, for what does not read.
    pub(crate) fn admits<'t>(
        &self,
        text: &'t str,
        cells: &mut Vec<ValueRef<'t>>,
        other: impl FnMut(&mut JsonDecoder<'t>) -> Result<()>,
    ) -> Result<bool> {
        self.fields.read(text, cells, other)?;
        let Ok(holds) = self.filter.test(&Peeked { cells, columns: &self.columns });
        Ok(holds)
    }
}

/// The fields that were read of a row, and for each column of the filter the place of its field.
struct Peeked<'p, 't> {
    cells: &'p [ValueRef<'t>],
    columns: &'p [Option<usize>],
}

impl Cells for Peeked<'_, '_> {
    type Error = Infallible;
    fn cell(&self, slot: usize, target: &Target) -> Result<ValueRef<'_>, Infallible> {
        self.show(slot, target, |cell| cell.clone().into_owned().into_ref())
    }
    #[inline]
    fn show<T>(&self, slot: usize, target: &Target, look: impl FnOnce(&ValueRef<'_>) -> T) -> Result<T, Infallible> {
        let cell = self.columns.get(slot).and_then(|place| self.cells.get((*place)?)).unwrap_or(&ValueRef::Null);
        Ok(match (target.steps(), cell) {
            ([] | [_], cell) => look(cell),
            ([_, inside @ ..], ValueRef::Record(record)) => look(&record.cell(inside)),
            _ => look(&ValueRef::Null),
        })
    }
}

/// Which fields of JSON objects are read where only some are asked for.
#[derive(Debug)]
struct Selection {
    schema: Schema,
    names: MemberNames,
    /// For each field its place among those that are read.
    places: Vec<Option<usize>>,
    count: usize,
}

impl Selection {
    /// Those fields of a schema.
    fn new(schema: Schema, fields: &[usize]) -> Selection {
        let place = |index| fields.iter().position(|other| *other == index);
        let places = (0..schema.fields.len()).map(place).collect();
        Selection { names: MemberNames::of(&schema), places, count: fields.len(), schema }
    }

    /// Reads the values of an object into `values`, those that it lacks as null, and lets nothing pass that is no JSON.
    ///
    /// # Errors
    /// `Corrupt` or `Invalid`, with the field, for what does not read.
    fn read<'t>(
        &self,
        text: &'t str,
        values: &mut Vec<ValueRef<'t>>,
        mut other: impl FnMut(&mut JsonDecoder<'t>) -> Result<()>,
    ) -> Result<()> {
        values.clear();
        values.extend((0..self.count).map(|_| ValueRef::Null));
        decode_object(text, |object| {
            let mut comes = 0;
            loop {
                let next = match object.take_member(&self.names, comes) {
                    true => Next::Field(comes),
                    false => object.next(&self.schema)?,
                };
                match next {
                    Next::Field(index) => {
                        comes = index + 1;
                        match self.places[index] {
                            Some(place) => object.put_value(&self.schema.fields[index], &mut values[place])?,
                            None => object.skip()?,
                        }
                    }
                    Next::Undeclared => other(object)?,
                    Next::End => return Ok(()),
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[test]
    fn of_an_object_some_fields_are_read_and_all_of_it_is_checked() {
        let fields = [("name", Type::Text), ("age", Type::U8), ("tags", Type::Any), ("a\"b", Type::I64)];
        let fields = fields.map(|(name, ty)| FieldDef::new(name, ty));
        let schema = Schema { open: false, fields: fields.to_vec().into(), ..Schema::open("people") };
        let selection = Selection::new(schema, &[3, 1]);
        let read = |text| {
            let mut values = Vec::new();
            let read = selection.read(text, &mut values, JsonDecoder::skip);
            read.map(|()| values.into_iter().map(ValueRef::into_owned).collect::<Vec<_>>())
        };
        for (text, values) in [
            (r#"{"name":"x","age":7,"tags":[1,{}],"a\"b":-3}"#, [(-3).into(), 7.into()]),
            (r#" { "a\u0022b" : 2 , "\u0061ge" : 8 , "new": [true] } "#, [2.into(), 8.into()]),
            (r#"{"_id":"k","age":255}"#, [Value::Null, 255.into()]),
            ("{}", [Value::Null, Value::Null]),
        ] {
            assert_eq!(read(text).expect(text), values, "{text}");
        }
        for text in [
            r#"{"age":256}"#,
            r#"{"age":1.5}"#,
            r#"{"age":"7"}"#,
            r#"{"age":null}"#,
            r#"{"age":7,"name":"\x"}"#,
            r#"{"age":7,"name":"x","age":7}"#,
            r#"{"\u0061ge":7,"age":7}"#,
            r#"{"age":7,"name":"x}"#,
            r#"{"age":7,"tags":[01]}"#,
            r#"{"age":7 "tags":1}"#,
            r#"{,"age":7}"#,
            r#"{"age":7,}"#,
            r#"{"age":7}}"#,
            r#"{"age":7"#,
            "[]",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
