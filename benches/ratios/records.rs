//! What makes the measured structs records: written by hand as the derive would write it, and nothing else.

use dk_data::{
    FieldDef, FieldType, Id, RecordCodec, Result, Schema, Typed, Value, ValueRef,
    id::IdType,
    query::handle::{Handle, HandleKind, Member},
    record::{Decoder, Encoder, Form, Next, TypeSet, target::Step},
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::people::{Flat, Person};

macro_rules! record {
    ($record:ident in $handles:ident, $name:literal: $($place:literal $field:ident $handle:ident: $type:ty),* $(,)?) => {
        /// One type for each field.
        #[allow(non_camel_case_types, dead_code, reason = "a type that stands for a constant is called as that constant")]
        pub mod $handles {
            $( #[derive(Clone, Copy, Debug)] pub struct $handle; )*
        }
        $(
            impl Member for $handles::$handle {
                type Record = $record;
                type Type = $type;
                const SELF: Self = $handles::$handle;
                const NAME: &'static str = stringify!($field);
                #[inline]
                fn get(record: &$record) -> &$type { &record.$field }
                #[inline]
                fn is_null(record: &$record) -> bool { record.$field.is_null() }
            }
        )*
        #[allow(dead_code, reason = "the derive names all fields, too")]
        impl $record {
            $( pub const $handle: <<$type as FieldType>::Kind as HandleKind>::Handle<$handles::$handle> = Handle::NEW; )*
            const FIELDS: &'static [FieldDef] = &[ $( FieldDef {
                name: std::borrow::Cow::Borrowed(stringify!($field)),
                ty: <$type as FieldType>::TYPE,
                id: $place == 0,
                ..FieldDef::EMPTY
            } ),* ];
        }
        impl Typed for $record {
            const SCHEMA: &'static Schema = &Schema {
                name: std::borrow::Cow::Borrowed($name),
                fields: std::borrow::Cow::Borrowed(Self::FIELDS),
                open: false,
            };
            const TYPES: TypeSet = TypeSet::NONE $( .or(<$type as FieldType>::TYPES) )*;
        }
        impl RecordCodec for $record {
            type Shape = &'static Schema;

            fn encode<E: Encoder>(&self, _: &Schema, out: &mut E) -> Result<()> {
                $( self.$field.encode(&Self::FIELDS[$place], out)?; )*
                Ok(())
            }
            fn decode<D: Decoder>(schema: &Schema, from: &mut D) -> Result<Self> {
                $( let mut $field: Option<$type> = None; )*
                loop {
                    match from.next(schema)? {
                        $( Next::Field($place) => $field = Some(FieldType::decode(&Self::FIELDS[$place], from)?), )*
                        Next::Field(_) | Next::Undeclared => from.skip()?,
                        Next::End => break,
                    }
                }
                Ok($record { $(
                    $field: $field.ok_or_else(|| from.misfit(&Self::FIELDS[$place], "the field is missing"))?,
                )* })
            }
            #[inline]
            fn cell(&self, steps: &[Step]) -> ValueRef<'_> {
                let Some((first, rest)) = steps.split_first() else { return ValueRef::Null };
                match first.index {
                    $( Some($place) => self.$field.cell(rest), )*
                    _ => ValueRef::Null,
                }
            }
            fn put(&mut self, _: &Schema, steps: &[Step], value: Value) -> Result<()> {
                let Some((first, rest)) = steps.split_first() else { return Ok(()) };
                match first.index {
                    $( Some($place) => self.$field.put(&Self::FIELDS[$place], rest, value), )*
                    _ => Ok(()),
                }
            }
            #[inline]
            fn check(&self, _: &Schema) -> Result<Form> {
                Ok(Form::Stored $( .and(self.$field.check(&Self::FIELDS[$place])?) )*)
            }
            fn normalize(&mut self, _: &Schema) {
                $( self.$field.normalize(&Self::FIELDS[$place]); )*
            }
            #[inline]
            fn own_id(&self, _: &Schema) -> Result<Option<Id>> {
                Ok(Some(self.id.to_id()?))
            }
        }
    };
}

record! { Person in person, "people":
    0 id ID: Uuid,
    1 name NAME: String,
    2 email EMAIL: String,
    3 age AGE: u32,
    4 city CITY: String,
    5 score SCORE: f64,
    6 active ACTIVE: bool,
    7 created_at CREATED_AT: Timestamp,
    8 tags TAGS: Vec<String>,
}

record! { Flat in flat, "flats":
    0 id ID: Uuid,
    1 age AGE: u32,
    2 city CITY: u32,
    3 active ACTIVE: bool,
    4 created_at CREATED_AT: Timestamp,
    5 seen_at SEEN_AT: Timestamp,
    6 score SCORE: f64,
    7 balance BALANCE: f64,
    8 height HEIGHT: f64,
    9 weight WEIGHT: f64,
    10 latitude LATITUDE: f64,
    11 longitude LONGITUDE: f64,
    12 visits VISITS: u64,
    13 orders ORDERS: u64,
    14 refunds REFUNDS: u64,
    15 points POINTS: i64,
    16 streak STREAK: i64,
}
