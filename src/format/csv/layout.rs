//! Which columns the fields of a schema take (semantics 2.10). Pure: it reads no file and writes none.
//!
//! A nested record is spread over columns called `home.city` where every row can be: where all its fields are declared,
//! and, if the record may be null, where one of its fields never is, so that its being there can be told from its being
//! null. Any other nested record is JSON text in one cell.

use std::collections::HashSet;

use crate::record::{FieldDef, Path, Schema, Type, path::MAX_SEGMENTS};

/// The columns of a schema's records, as the writer lays them out.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    fields: Vec<Columns>,
    width: usize,
    all_may_be_null: bool,
}

/// What a field takes.
#[derive(Clone, Debug)]
struct Columns {
    /// Those of a record that is spread; otherwise the field is one cell.
    spread: Option<Layout>,
    /// Whether all of its cells may be null.
    may_be_null: bool,
}

impl Layout {
    /// The layout of a schema's records.
    pub(crate) fn of(schema: &Schema) -> Layout {
        let mut layout = Layout::within(schema, MAX_SEGMENTS);
        for (columns, field) in layout.fields.iter_mut().zip(schema.fields.iter()) {
            let Some(inside) = &columns.spread else { continue };
            let mut names = Vec::new();
            inside.names_under(&Path::field(field.name.clone()), field, &mut names);
            if names.iter().any(|name| schema.find(name).is_some()) {
                *columns = Columns { spread: None, may_be_null: may_lack(field) };
            }
        }
        Layout::new(layout.fields)
    }

    /// The layout of a record in which paths may have this many segments.
    fn within(schema: &Schema, levels: usize) -> Layout {
        Layout::new(schema.fields.iter().map(|field| Columns::of(field, levels)).collect())
    }

    fn new(fields: Vec<Columns>) -> Layout {
        let width = fields.iter().map(|columns| columns.spread.as_ref().map_or(1, |inside| inside.width)).sum();
        Layout { width, all_may_be_null: fields.iter().all(|columns| columns.may_be_null), fields }
    }

    /// The names of the columns, in order.
    pub(crate) fn names(&self, schema: &Schema) -> Vec<String> {
        let mut names = Vec::with_capacity(self.width);
        for (columns, field) in self.fields.iter().zip(schema.fields.iter()) {
            match &columns.spread {
                None => names.push(field.name.to_string()),
                Some(inside) => inside.names_under(&Path::field(field.name.clone()), field, &mut names),
            }
        }
        names
    }

    fn names_under(&self, path: &Path, field: &FieldDef, names: &mut Vec<String>) {
        let Type::Record(schema) = &field.ty else { return };
        for (columns, field) in self.fields.iter().zip(schema.fields.iter()) {
            let path = path.clone().then(field.name.clone());
            match &columns.spread {
                None => names.push(path.to_string()),
                Some(inside) => inside.names_under(&path, field, names),
            }
        }
    }

    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// The columns of the field at this place, where it is a record that is spread.
    #[inline]
    pub(super) fn spread_at(&self, place: usize) -> Option<&Layout> {
        self.fields.get(place)?.spread.as_ref()
    }

    /// Whether there is a field at this place.
    #[inline]
    pub(super) fn has(&self, place: usize) -> bool {
        place < self.fields.len()
    }

    /// Whether a record may have no cell that is not null, and no second cell: a blank line, which readers pass over.
    pub(crate) fn may_be_blank(&self) -> bool {
        self.width == 0 || (self.width == 1 && self.all_may_be_null)
    }
}

impl Columns {
    fn of(field: &FieldDef, levels: usize) -> Columns {
        let one = Columns { spread: None, may_be_null: may_lack(field) };
        let Type::Record(schema) = &field.ty else { return one };
        if schema.open || schema.fields.is_empty() || levels < 2 || !distinct(schema) {
            return one;
        }
        let inside = Layout::within(schema, levels - 1);
        match may_lack(field) && inside.all_may_be_null {
            true => one,
            false => Columns { may_be_null: may_lack(field) || inside.all_may_be_null, spread: Some(inside) },
        }
    }
}

/// Names that are there twice would be columns of one name.
fn distinct(schema: &Schema) -> bool {
    let mut names = HashSet::new();
    schema.fields.iter().all(|field| names.insert(&field.name))
}

/// Whether a record may lack the field; a document may lack one that has a default.
pub(super) fn may_lack(field: &FieldDef) -> bool {
    field.nullable || field.default || field.ty == Type::Any
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(schema: &Schema) -> Vec<String> {
        Layout::of(schema).names(schema)
    }

    fn text(name: &'static str) -> FieldDef {
        FieldDef::new(name, Type::Text)
    }

    fn home(city: FieldDef) -> Type {
        Type::record(Schema::new("home").field(city).field(text("zip").nullable()))
    }

    #[test]
    fn a_record_that_is_always_there_is_spread() {
        let schema = Schema::new("t").field(text("name")).field(FieldDef::new("home", home(text("city").nullable())));
        assert_eq!(names(&schema), ["name", "home.city", "home.zip"]);
        assert_eq!(Layout::of(&schema).width(), 3);
    }

    #[test]
    fn a_record_that_may_be_null_is_spread_where_one_of_its_fields_never_is() {
        let with = |city| Schema::new("t").field(FieldDef::new("home", home(city)).nullable());
        assert_eq!(names(&with(text("city"))), ["home.city", "home.zip"]);
        assert_eq!(names(&with(text("city").nullable())), ["home"]);
    }

    #[test]
    fn what_is_always_there_may_stand_deeper() {
        let inner = Type::record(Schema::new("inner").field(text("a").nullable()).field(text("b")));
        let outer = Type::record(Schema::new("outer").field(FieldDef::new("in", inner)));
        let schema = Schema::new("t").field(FieldDef::new("out", outer).nullable());
        assert_eq!(names(&schema), ["out.in.a", "out.in.b"]);
    }

    #[test]
    fn names_with_dots_are_quoted_and_never_meet_others() {
        let inside = Type::record(Schema::new("in").field(text("a.b")).field(text("c")));
        let schema = Schema::new("t").field(FieldDef::new("x", inside.clone()));
        assert_eq!(names(&schema), ["x.\"a.b\"", "x.c"]);
        let schema = Schema::new("t").field(text("x.c")).field(FieldDef::new("x", inside));
        assert_eq!(names(&schema), ["x.c", "x"]);
    }

    #[test]
    fn open_and_empty_records_are_text() {
        let schema = Schema::new("t")
            .field(FieldDef::new("open", Type::record(Schema::open("open").field(text("a")))))
            .field(FieldDef::new("empty", Type::record(Schema::new("empty"))));
        assert_eq!(names(&schema), ["open", "empty"]);
    }

    #[test]
    fn what_may_be_a_blank_line_is_known() {
        let blank = |field: FieldDef| {
            let schema = Schema::new("t").field(field);
            Layout::of(&schema).may_be_blank()
        };
        let one = |city| Type::record(Schema::new("home").field(city));
        assert!(blank(text("a").nullable()) && !blank(text("a")));
        assert!(blank(FieldDef::new("home", one(text("city").nullable()))));
        assert!(!blank(FieldDef::new("home", one(text("city")))));
        assert!(blank(FieldDef::new("home", one(text("city"))).nullable()));
        assert!(Layout::of(&Schema::new("t")).may_be_blank());
    }
}
