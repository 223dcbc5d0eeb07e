//! What a record weighs: an encoder that adds up bytes and keeps nothing.

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    error::Result,
    record::{Encoder, FieldDef, FieldType, RecordCodec, Schema},
};

/// About how many bytes a record takes: texts and bytes by their length, everything else by its width. What does not
/// encode weighs what was added up until then.
pub(crate) fn weight<R: RecordCodec>(record: &R, schema: &Schema) -> u64 {
    let mut weigher = Weigher(0);
    // An upper limit needs no error of its own: what cannot be encoded is refused by whoever needs it encoded.
    let _ = record.encode(schema, &mut weigher);
    weigher.0
}

/// About how many bytes a draft has taken over from the caller. What it borrows lies in the caller's memory in any case.
#[cfg(feature = "postgres")]
pub(crate) fn handed_over<R: RecordCodec>(draft: &crate::record::Draft<'_, R>, schema: &Schema) -> u64 {
    let mut weigher = Weigher(0);
    if let Some(metadata) = &draft.metadata {
        let _ = serde_json::to_writer(&mut weigher, metadata);
    }
    match &draft.record {
        std::borrow::Cow::Owned(record) => weigher.0.saturating_add(weight(record, schema)),
        std::borrow::Cow::Borrowed(_) => weigher.0,
    }
}

struct Weigher(u64);

impl Weigher {
    fn add(&mut self, bytes: usize) -> Result<()> {
        self.0 = self.0.saturating_add(bytes as u64);
        Ok(())
    }
}

/// Counts what JSON would write.
impl std::io::Write for Weigher {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len() as u64);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Encoder for Weigher {
    fn null(&mut self, _: &FieldDef) -> Result<()> {
        self.add(1)
    }
    fn bool(&mut self, _: &FieldDef, _: bool) -> Result<()> {
        self.add(1)
    }
    fn int(&mut self, _: &FieldDef, _: i64) -> Result<()> {
        self.add(8)
    }
    fn uint(&mut self, _: &FieldDef, _: u64) -> Result<()> {
        self.add(8)
    }
    fn float32(&mut self, _: &FieldDef, _: f32) -> Result<()> {
        self.add(4)
    }
    fn float(&mut self, _: &FieldDef, _: f64) -> Result<()> {
        self.add(8)
    }
    fn decimal(&mut self, _: &FieldDef, _: Decimal) -> Result<()> {
        self.add(16)
    }
    fn text(&mut self, _: &FieldDef, value: &str) -> Result<()> {
        self.add(value.len())
    }
    fn bytes(&mut self, _: &FieldDef, value: &[u8]) -> Result<()> {
        self.add(value.len())
    }
    fn uuid(&mut self, _: &FieldDef, _: Uuid) -> Result<()> {
        self.add(16)
    }
    fn timestamp(&mut self, _: &FieldDef, _: Timestamp) -> Result<()> {
        self.add(8)
    }
    fn date(&mut self, _: &FieldDef, _: Date) -> Result<()> {
        self.add(4)
    }
    fn vector(&mut self, _: &FieldDef, value: &[f32]) -> Result<()> {
        self.add(4 * value.len())
    }
    fn json<T: Serialize>(&mut self, _: &FieldDef, value: &T) -> Result<()> {
        // The writer cannot fail, and what JSON cannot hold weighs nothing.
        let _ = serde_json::to_writer(self, value);
        Ok(())
    }
    fn list<T: FieldType>(&mut self, _: &FieldDef, item: &FieldDef, items: &[T]) -> Result<()> {
        items.iter().try_for_each(|value| value.encode(item, self))
    }
    fn record<N: RecordCodec>(&mut self, _: &FieldDef, schema: &Schema, record: &N) -> Result<()> {
        record.encode(schema, self)
    }
}

#[cfg(all(test, feature = "postgres"))]
mod tests {
    use super::*;
    use crate::Draft;
    use crate::{document, record::Document};

    #[test]
    fn a_draft_weighs_what_is_its_own() {
        let (record, schema) = (document! { "text" => "x".repeat(1_000), "n" => 1 }, Schema::open("texts"));
        let weigh = |draft: Draft<'_, Document>| handed_over(&draft, &schema);
        assert_eq!(weigh(Draft::of(record.clone())), 1_008);
        assert_eq!(weigh(Draft::of(&record)), 0);
        assert_eq!(weigh(Draft::of(&record).meta("m", "x".repeat(100))), 108, "metadata is never borrowed");
    }
}
