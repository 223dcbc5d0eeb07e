//! Changes of single fields as data: `Person::AGE.add(1)`, `.set(41)` (semantics 5.10).

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    record::{
        codec::RecordCodec,
        path::Path,
        schema::Schema,
        stored::{Metadata, json_of},
        target::{Part, Target},
    },
    value::Value,
};

/// One change of one field, as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// Gives the field this value; null clears it. `_metadata.<name>` changes metadata.
    Set(Path, Value),
    /// Adds to a number; a null stays null, and what would not fit is refused.
    Add(Path, Value),
}

impl Change {
    /// The field it changes.
    pub fn path(&self) -> &Path {
        match self {
            Change::Set(path, _) | Change::Add(path, _) => path,
        }
    }
}

/// Changes of a record of type `R`: one, or a list made with [`and`](Changes::and) or from an iterator.
///
/// ```
/// # use dk_data::{Changes, Document, Value};
/// let changes = Changes::<Document>::set("city", "Oslo").and(Changes::add("visits", 1));
/// assert_eq!(changes.list().len(), 2);
/// ```
#[derive(Debug)]
pub struct Changes<R> {
    list: Vec<Change>,
    /// A field whose value has no form as data: what it was set to is told when the changes are bound.
    refused: Option<Path>,
    record: PhantomData<fn() -> R>,
}

impl<R> Clone for Changes<R> {
    fn clone(&self) -> Self {
        Changes { list: self.list.clone(), refused: self.refused.clone(), record: PhantomData }
    }
}

impl<R> Changes<R> {
    /// These changes, in this order.
    pub fn of(list: Vec<Change>) -> Changes<R> {
        Changes { list, refused: None, record: PhantomData }
    }
    /// Gives a field a value.
    pub fn set(path: impl Into<Path>, value: impl Into<Value>) -> Changes<R> {
        Changes::of(vec![Change::Set(path.into(), value.into())])
    }
    /// Gives a field a value that has no form as data, which is an error once it is known of which store.
    pub(crate) fn refused(path: Path) -> Changes<R> {
        Changes { refused: Some(path), ..Changes::of(Vec::new()) }
    }
    /// Adds to a number.
    pub fn add(path: impl Into<Path>, amount: impl Into<Value>) -> Changes<R> {
        Changes::of(vec![Change::Add(path.into(), amount.into())])
    }
    /// These changes, then those.
    #[must_use]
    pub fn and(mut self, then: Changes<R>) -> Changes<R> {
        self.list.extend(then.list);
        self.refused = self.refused.or(then.refused);
        self
    }
    /// The changes, in order.
    pub fn list(&self) -> &[Change] {
        &self.list
    }
}

impl<R> FromIterator<Changes<R>> for Changes<R> {
    fn from_iter<I: IntoIterator<Item = Changes<R>>>(all: I) -> Changes<R> {
        all.into_iter().fold(Changes::of(Vec::new()), Changes::and)
    }
}

/// Changes resolved against a schema once, to be applied to many records.
#[derive(Debug)]
pub struct BoundChanges<R> {
    steps: Vec<(Target, Verb, Value)>,
    record: PhantomData<fn() -> R>,
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    Set,
    Add,
}

impl<R: RecordCodec> Changes<R> {
    /// Resolves the paths.
    ///
    /// # Errors
    /// `Query` for an unknown field, `Invalid` for a value that cannot be written as JSON, `Unsupported` for a part of the envelope other than metadata and for the id.
    pub fn bind(&self, schema: &Schema) -> Result<BoundChanges<R>> {
        if let Some(path) = &self.refused {
            return Err(Error::invalid("its new value has no JSON form").at_field(path.to_string()));
        }
        let steps = self.list.iter().map(|change| {
            let target = schema.resolve(change.path())?;
            refuse_fixed(&target, schema)?;
            Ok(match change {
                Change::Set(_, value) => (target, Verb::Set, value.clone()),
                Change::Add(_, value) => (target, Verb::Add, value.clone()),
            })
        });
        Ok(BoundChanges { steps: steps.collect::<Result<_>>()?, record: PhantomData })
    }
}

fn refuse_fixed(target: &Target, schema: &Schema) -> Result<()> {
    let own_id = match target.steps() {
        [only] => schema.id_field().is_some_and(|(_, field)| field.name == only.name),
        _ => false,
    };
    match target.part {
        Part::Id | Part::CreatedAt | Part::UpdatedAt => {
            Err(Error::unsupported("the store alone sets ids and times").at_field(target.path.to_string()))
        }
        Part::Field(_) if own_id => {
            Err(Error::unsupported("a record's id never changes; create another record")
                .at_field(target.path.to_string()))
        }
        Part::Field(_) | Part::Metadata(_) => Ok(()),
    }
}

impl<R: RecordCodec> BoundChanges<R> {
    /// Applies them in order. On an error the record may have some of them: apply to a copy.
    ///
    /// # Errors
    /// `Invalid`, with the field, where a value does not fit.
    pub fn apply(&self, schema: &Schema, record: &mut R, metadata: &mut Metadata) -> Result<()> {
        for (target, verb, value) in &self.steps {
            let new = match verb {
                Verb::Set => value.clone(),
                Verb::Add => {
                    let old = match &target.part {
                        Part::Metadata(name) => metadata.cell(name).into_owned(),
                        _ => record.cell(target.steps()).into_owned(),
                    };
                    sum(old, value).map_err(|e| e.at_field(target.path.to_string()))?
                }
            };
            match &target.part {
                Part::Metadata(name) => {
                    metadata.set(name.as_ref(), json_of(&new));
                }
                _ => record.put(schema, target.steps(), new)?,
            }
        }
        Ok(())
    }
}

/// The sum; null stays null.
fn sum(old: Value, amount: &Value) -> Result<Value> {
    let too_large = || Error::invalid("the sum does not fit the field");
    match (old, amount) {
        (Value::Null, _) => Ok(Value::Null),
        (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map(Value::Int).ok_or_else(too_large),
        (Value::Float(a), Value::Float(b)) => Ok(Value::Float(a + b)),
        (Value::Float(a), Value::Int(b)) => Ok(Value::Float(a + *b as f64)),
        (Value::Decimal(a), Value::Decimal(b)) => a.checked_add(*b).map(Value::Decimal).ok_or_else(too_large),
        (Value::Decimal(a), Value::Int(b)) => {
            let amount = rust_decimal::Decimal::try_from_i128_with_scale(*b, 0).map_err(|_| too_large())?;
            a.checked_add(amount).map(Value::Decimal).ok_or_else(too_large)
        }
        (old, amount) => Err(Error::invalid(format!("a {} cannot be added to a {}", amount.kind(), old.kind()))),
    }
}
