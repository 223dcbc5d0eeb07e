//! JSON as records: NDJSON, one object a line, or one array of objects (semantics 2.10).
//!
//! ```
//! use dk_data::{Document, Schema, document, format::json::Json};
//! let json = Json::default();
//! let mut out = json.write_documents(Vec::new(), Schema::open("people"));
//! out.write(&document! { "name" => "Ann", "age" => 40 })?;
//! let bytes = out.finish()?;
//! assert_eq!(bytes, b"{\"name\":\"Ann\",\"age\":40}\n");
//! let people: Vec<Document> = json.read_documents(&bytes[..], Schema::open("people")).collect::<Result<_, _>>()?;
//! assert_eq!(people, [document! { "name" => "Ann", "age" => 40 }]);
//! # Ok::<(), dk_data::Error>(())
//! ```

mod array;
mod decode;
mod encode;
mod lines;
mod peek;
mod text;

pub use lines::{Json, JsonReader, JsonWriter};

#[cfg(feature = "file")]
pub(crate) use decode::decode_object;
pub(crate) use decode::{JsonDecoder, decode_field};
pub(crate) use encode::{encode_list, encode_record, encode_vector};
#[cfg(feature = "file")]
pub(crate) use {
    lines::{Frames, placed},
    peek::Peek,
};
