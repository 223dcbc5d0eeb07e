//! A path resolved against a schema once, so that nothing is looked up by name per record.

use crate::{
    error::{Error, Result},
    record::{
        path::{MAX_SEGMENTS, Path},
        schema::{FieldDef, Name, Schema, Type},
    },
};

/// What a path leads to: a field of the record, or a part of its envelope.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The path, as it was written.
    pub path: Path,
    /// Field or part of the envelope.
    pub part: Part,
    /// Its type; [`Type::Any`] where only the value tells.
    pub ty: Type,
    /// Whether it can be null: it, or a record on the way to it.
    pub nullable: bool,
    /// Whether it was declared `large`, so that only null tests are possible (semantics 2.8).
    pub large: bool,
}

/// A field of the record, or a part of its envelope (names that begin with `_`, semantics 3.9).
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A field, by its steps from the outermost record.
    Field(Box<[Step]>),
    /// `_id`
    Id,
    /// `_created_at`
    CreatedAt,
    /// `_updated_at`
    UpdatedAt,
    /// `_metadata.<name>`
    Metadata(Name),
}

/// One segment of a resolved path.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The field's name in the store.
    pub name: Name,
    /// Its place among the declared fields of its record; `None` for undeclared ones.
    pub index: Option<usize>,
}

impl Target {
    /// The steps of a field; empty for parts of the envelope.
    pub fn steps(&self) -> &[Step] {
        match &self.part {
            Part::Field(steps) => steps,
            _ => &[],
        }
    }
}

impl Schema {
    /// Resolves a path.
    ///
    /// # Errors
    /// `Query`, naming the segment and the nearest known name (semantics 3.7), when a closed schema has no such field, or
    /// when the path goes on below a field that is no record, or has more than [`MAX_SEGMENTS`] segments.
    pub fn resolve(&self, path: &Path) -> Result<Target> {
        match path.segments() {
            long if long.len() > MAX_SEGMENTS => {
                let why = format!("a path has at most {MAX_SEGMENTS} segments, and this one has {}", long.len());
                Err(Error::query(why).at_field(long[0].clone()))
            }
            [first, rest @ ..] if first.starts_with('_') => envelope_part(self, path, first, rest),
            segments => self.resolve_field(path, segments),
        }
    }

    fn resolve_field(&self, path: &Path, segments: &[Name]) -> Result<Target> {
        let mut here = Some(self);
        let mut steps = Vec::with_capacity(segments.len());
        let mut target = Target { path: path.clone(), part: Part::Id, ty: Type::Any, nullable: false, large: false };
        for segment in segments {
            let schema = here.ok_or_else(|| not_a_record(path, segment, &target.ty))?;
            let found = schema.find(segment);
            let (index, declared) = match found {
                Some((index, field)) => (Some(index), Some(field)),
                None if schema.open => (None, None),
                None => return Err(schema.unknown(path, segment)),
            };
            steps.push(Step { name: declared.map_or_else(|| segment.clone(), |f| f.name.clone()), index });
            target.nullable |= declared.is_none_or(|f| f.nullable);
            target.large = declared.is_some_and(|f| f.large);
            target.ty = declared.map_or(Type::Any, |f| f.ty.clone());
            here = declared.map_or(Some(&OPEN), |f| f.inside());
        }
        target.part = Part::Field(steps.into());
        Ok(target)
    }

    fn unknown(&self, path: &Path, segment: &str) -> Error {
        let names = self.fields.iter().map(|f| f.name.as_ref());
        let hint = nearest(segment, names).map_or(String::new(), |name| format!("; did you mean `{name}`?"));
        Error::query(format!("`{}` has no field `{segment}`{hint}", self.name)).at_field(path.to_string())
    }
}

/// What stands for the schema below a field whose type only its value tells.
static OPEN: Schema =
    Schema { name: std::borrow::Cow::Borrowed(""), fields: std::borrow::Cow::Borrowed(&[]), open: true };

impl Schema {
    /// The declared fields of which this is true, also those of records inside; not the id, and no items of lists. An
    /// engine asks for the unique ones, all of which it keeps apart (semantics 2.3).
    ///
    /// ```
    /// use dk_data::{FieldDef, Schema, Type};
    /// let badge = Schema::new("badge").field(FieldDef::new("number", Type::U32).unique());
    /// let people = Schema::new("people").field(FieldDef::new("badge", Type::record(badge)).nullable());
    /// let unique = people.declared(|field| field.unique);
    /// assert_eq!((unique[0].0.path.to_string().as_str(), unique[0].0.nullable), ("badge.number", true));
    /// ```
    pub fn declared(&self, is: impl Fn(&FieldDef) -> bool) -> Vec<(Target, &FieldDef)> {
        let mut found = Vec::new();
        self.declare(None, &is, &mut found);
        found
    }

    fn declare<'s>(
        &'s self,
        around: Option<&Target>,
        is: &impl Fn(&FieldDef) -> bool,
        found: &mut Vec<(Target, &'s FieldDef)>,
    ) {
        for (index, field) in self.fields.iter().enumerate().filter(|(_, field)| !field.id || around.is_some()) {
            let step = Step { name: field.name.clone(), index: Some(index) };
            let name = field.name.clone();
            let target = Target {
                path: match around {
                    Some(around) => around.path.clone().then(name),
                    None => Path::field(name),
                },
                part: Part::Field(around.map_or(&[][..], Target::steps).iter().cloned().chain([step]).collect()),
                ty: field.ty.clone(),
                nullable: field.nullable || around.is_some_and(|around| around.nullable),
                large: field.large,
            };
            if let Type::Record(inside) = &field.ty {
                inside.declare(Some(&target), is, found);
            }
            if is(field) {
                found.push((target, field));
            }
        }
    }
}

impl FieldDef {
    /// The schema of the record that this field holds, where it holds one.
    fn inside(&self) -> Option<&Schema> {
        match &self.ty {
            Type::Record(schema) => Some(schema),
            Type::Any => Some(&OPEN),
            _ => None,
        }
    }
}

fn not_a_record(path: &Path, segment: &str, ty: &Type) -> Error {
    Error::query(format!("`{segment}` is looked for inside a {ty}, which has no fields")).at_field(path.to_string())
}

const ENVELOPE: [&str; 4] = ["_id", "_created_at", "_updated_at", "_metadata"];

fn envelope_part(schema: &Schema, path: &Path, first: &str, rest: &[Name]) -> Result<Target> {
    let (part, ty, nullable) = match (first, rest) {
        // Ids of integers compare by number, all others by their text (semantics 1.3).
        ("_id", []) => match schema.id_field().map(|(_, field)| &field.ty).filter(|ty| ty.integer_range().is_some()) {
            Some(integer) => (Part::Id, integer.clone(), false),
            None => (Part::Id, Type::Text, false),
        },
        ("_created_at", []) => (Part::CreatedAt, Type::Timestamp, true),
        ("_updated_at", []) => (Part::UpdatedAt, Type::Timestamp, true),
        ("_metadata", [name]) => (Part::Metadata(name.clone()), Type::Any, true),
        ("_metadata", _) => return Err(unknown_part(path, "write `_metadata.<name>`, with one name")),
        _ => {
            let hint = nearest(first, ENVELOPE.into_iter()).unwrap_or("_id");
            return Err(unknown_part(path, &format!("the envelope has no such part; did you mean `{hint}`?")));
        }
    };
    Ok(Target { path: path.clone(), part, ty, nullable, large: false })
}

fn unknown_part(path: &Path, why: &str) -> Error {
    Error::query(format!("names that begin with `_` belong to the envelope: {why}")).at_field(path.to_string())
}

/// The known name that is nearest to a misspelt one, where one is near enough to be meant.
pub(crate) fn nearest<'a>(wrong: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let alike = |name: &str| strsim::jaro_winkler(&wrong.to_lowercase(), &name.to_lowercase());
    let best = known.map(|name| (alike(name), name)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 > 0.7).then_some(best.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        let home = Schema::new("home").field(FieldDef::new("city", Type::Text));
        Schema::new("people")
            .field(FieldDef::new("age", Type::U8))
            .field(FieldDef::new("home", Type::record(home)).nullable())
    }

    fn resolve(path: &str) -> Result<Target> {
        schema().resolve(&path.parse()?)
    }

    #[test]
    fn a_path_through_a_nullable_record_is_nullable() {
        let target = resolve("home.city").expect("it is declared");
        assert!(target.nullable);
        assert_eq!(target.steps().iter().map(|s| s.index).collect::<Vec<_>>(), [Some(1), Some(0)]);
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest_one() {
        for (path, hint) in
            [("agee", "`age`"), ("home.town", "no field `town`"), ("age.x", "no fields"), ("_ids", "`_id`")]
        {
            let message = resolve(path).map(|_| String::new()).unwrap_or_else(|e| e.to_string());
            assert!(message.contains(hint), "{path}: {message}");
        }
    }

    #[test]
    fn metadata_is_addressed_by_one_name() {
        assert_eq!(resolve("_metadata.source").map(|t| t.part).ok(), Some(Part::Metadata("source".into())));
        assert!(resolve("_metadata").is_err());
    }
}
