//! What a document keeps of the one that it replaces: the fields that whoever wrote it did not know (semantics 5.10).

use super::Document;
use crate::{
    record::schema::{Schema, Type},
    value::Value,
};

impl Document {
    /// This document with the fields of `old` that a closed schema does not name, in nested records too. An open schema knows
    /// every field, so of that nothing is kept. For engines that hold documents under records of any type.
    #[must_use]
    pub fn keeping_unknown(mut self, old: &Document, schema: &Schema) -> Document {
        if schema.open {
            return self;
        }
        for (name, before) in old.iter() {
            match schema.find(name) {
                None => drop(self.set(name.to_owned(), before.clone())),
                Some((_, field)) => {
                    if let (Type::Record(inner), Value::Record(before)) = (&field.ty, before)
                        && let Some(now) = self.record_mut(name)
                    {
                        *now = std::mem::take(now).keeping_unknown(before, inner);
                    }
                }
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        document,
        record::{FieldDef, Schema, Type},
    };

    #[test]
    fn what_the_schema_does_not_name_stays_at_every_depth() {
        let inner = Schema::new("home").field(FieldDef::new("city", Type::Text).nullable());
        let schema = Schema::new("person")
            .field(FieldDef::new("name", Type::Text).nullable())
            .field(FieldDef::new("home", Type::record(inner)).nullable());
        let old = document! { "name" => "Ann", "age" => 40, "home" => document! { "city" => "Oslo", "zip" => "1" } };
        let moved = document! { "home" => document! { "city" => "Bergen" } };
        let kept = document! { "home" => document! { "city" => "Bergen", "zip" => "1" }, "age" => 40 };
        assert_eq!(moved.clone().keeping_unknown(&old, &schema), kept);
        assert_eq!(
            document! {}.keeping_unknown(&old, &schema),
            document! { "age" => 40 },
            "a null record keeps nothing"
        );
        assert_eq!(moved.clone().keeping_unknown(&old, &Schema::open("person")), moved);
    }
}
