//! A document while its fields come.

use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use super::{Document, FEW};
use crate::{record::schema::Name, value::Value};

/// A document that is being filled. A name that is set again takes the place of the first; of many names, each is found by its
/// hash, so that a row of a hundred thousand fields takes no longer than its length asks.
#[derive(Default)]
pub(super) struct Filling {
    document: Document,
    /// Where each name is, once there are many.
    places: HashMap<Name, usize, RandomState>,
    /// The names that were [added](Filling::add) with null, which a document does not keep.
    nulls: HashSet<Name, RandomState>,
}

impl Filling {
    /// Sets a field; null removes it.
    pub(super) fn set(&mut self, name: Name, value: Value) {
        let Filling { document, places, .. } = self;
        let count = document.names.len();
        if count < FEW {
            document.set(name, value);
            return;
        }
        if places.is_empty() {
            places.extend(document.names.iter().cloned().zip(0..));
        }
        match places.get(&name) {
            Some(place) => document.values[*place] = value,
            None if value.is_null() => {}
            None => {
                places.insert(name.clone(), count);
                document.push(name, value);
            }
        }
    }

    /// Adds a field that must be new.
    ///
    /// # Errors
    /// Its name where there is one, and be it null.
    pub(super) fn add(&mut self, name: Name, value: Value) -> Result<(), Name> {
        let known = match self.places.is_empty() {
            true => self.document.names.contains(&name),
            false => self.places.contains_key(&name),
        };
        if known || self.nulls.contains(&name) {
            return Err(name);
        }
        match value {
            Value::Null => drop(self.nulls.insert(name)),
            value => self.set(name, value),
        }
        Ok(())
    }

    /// The document.
    pub(super) fn done(self) -> Document {
        self.document
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_fields_are_set_as_few_are() {
        let mut few = Document::new();
        let mut filling = Filling::default();
        for n in 0..300_i64 {
            let name = format!("f{}", n * 7 % 100);
            let value = if n % 5 == 0 { Value::Null } else { Value::Int(n.into()) };
            few.set(name.clone(), value.clone());
            filling.set(name.into(), value);
        }
        let many = filling.done();
        assert!(many == few && many.iter().eq(few.iter()), "in the same order, too");
        few.set("f1", "another");
        assert_ne!(many, few);
    }

    #[test]
    fn a_name_is_added_once() {
        for fields in [2, FEW + 7] {
            let mut filling = Filling::default();
            let value = |n: usize| if n.is_multiple_of(3) { Value::Null } else { Value::Int(n as i128) };
            for n in 0..fields {
                assert_eq!(filling.add(format!("f{n}").into(), value(n)), Ok(()));
            }
            for n in 0..fields {
                assert!(filling.add(format!("f{n}").into(), Value::Int(1)).is_err(), "f{n} of {fields}");
                assert!(filling.add(format!("f{n}").into(), Value::Null).is_err(), "f{n} of {fields}");
            }
        }
    }

    #[test]
    fn a_hundred_thousand_fields_take_no_time() {
        let all = || (0..100_000_i64).map(|n| (format!("f{n}"), n)).collect::<Document>();
        assert_eq!(all(), all());
    }
}
