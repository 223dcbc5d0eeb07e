//! Records: what they are made of, how they become bytes and rows, and what a store keeps beside them.

pub mod change;
pub mod codec;
#[doc(hidden)]
pub mod declared;
pub mod document;
pub mod draft;
pub mod field_type;
pub mod json_field;
pub mod path;
pub mod schema;
pub mod stored;
pub mod target;
pub(crate) mod weight;

pub(crate) use self::codec::REPEATED;
pub use self::{
    change::{BoundChanges, Change, Changes},
    codec::{Decoder, Encoder, Form, Next, RecordCodec, TypeSet, Typed},
    document::{Document, DocumentReader, DocumentWriter, FromValue},
    draft::{Draft, IntoDraft, IntoId},
    field_type::{FieldType, TextEnum},
    path::Path,
    schema::{FieldChange, FieldDef, Name, Schema, SchemaChange, Shared, Type},
    stored::{Envelope, Metadata, Stored},
    target::{Part, Step, Target},
};
