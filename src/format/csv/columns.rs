//! Which column of a file is which field, settled once by its header (semantics 2.10). Pure.
//!
//! A column is the field of its name or alias, or, spelt `home.city`, a field inside a record. Where no field is called
//! like it, it is undeclared. A record that may be null, and stands in columns of its fields, may have a column of its own,
//! which says whether it is there: all of its fields may be null, too.

use std::collections::HashSet;

use super::{RawRecord, decode::RowDecoder, layout::may_lack};
#[cfg(feature = "file")]
use crate::record::FieldDef;
use crate::{
    error::{Error, Result},
    record::{Name, Schema, Type, path::take_segment},
};

/// What each column of a file is.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    /// The names in the header.
    pub(super) names: Vec<Name>,
    pub(super) top: Level,
}

/// The columns of one record, nested ones in their own levels.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    pub(super) entries: Vec<Entry>,
    /// The column that says whether the record is there.
    presence: Option<usize>,
}

/// A field of a level.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// What an undeclared field is called.
    pub(super) name: Name,
    /// Its place in the schema of the level; `None` where that does not declare it.
    pub(super) field: Option<usize>,
    /// Its column, or the first one of a record that is spread over several.
    pub(super) column: usize,
    /// The columns of a record that is spread.
    pub(super) inside: Option<Level>,
    /// Whether an empty cell is a value of the field where null has another spelling.
    empty_is_value: bool,
}

/// Whether an empty cell is a value of this type, where that is not how null is spelled.
#[inline]
pub(super) fn empty_is_value(ty: &Type) -> bool {
    matches!(ty, Type::Text | Type::Bytes | Type::Any)
}

/// Where a column leads: places in nested schemas, and the name where the last one is open and has no such field.
#[derive(Debug, Default, PartialEq)]
struct Place {
    fields: Vec<usize>,
    undeclared: Option<String>,
}

impl Columns {
    /// The columns that these names are.
    ///
    /// # Errors
    /// `Corrupt`, with the column, where two of them are the same field.
    pub(crate) fn settle(names: Vec<Name>, schema: &Schema) -> Result<Columns> {
        let mut top = Level::default();
        for (column, name) in names.iter().enumerate() {
            let place = Place::of(name, schema);
            if !top.add(&place, name, column, schema) {
                let why = format!("the column `{name}` is another name of a field that is there already");
                return Err(Error::corrupt(why).at_line(1, Some(column as u64 + 1)));
            }
        }
        Ok(Columns { names, top })
    }

    /// The path that the column of this name leads to; the name alone where no field is called like it.
    #[cfg(feature = "file")]
    pub(crate) fn path_of(name: &str, schema: &Schema) -> crate::record::Path {
        let Place { fields, undeclared } = Place::of(name, schema);
        let mut here = Some(schema);
        let mut path: Option<crate::record::Path> = None;
        for index in fields {
            let Some(field) = here.and_then(|schema| schema.fields.get(index)) else { break };
            path = Some(match path {
                None => crate::record::Path::field(field.name.clone()),
                Some(path) => path.then(field.name.clone()),
            });
            here = match &field.ty {
                Type::Record(inside) => Some(&**inside),
                _ => None,
            };
        }
        match (path, undeclared) {
            (Some(path), Some(last)) => path.then(last),
            (Some(path), None) => path,
            (None, _) => crate::record::Path::field(name.to_owned()),
        }
    }

    /// Whether the file has a column for what a column of this name would hold, whatever it is called there.
    #[cfg(feature = "file")]
    pub(crate) fn holds(&self, name: &str, schema: &Schema) -> bool {
        let wanted = Place::of(name, schema);
        self.names.iter().any(|name| {
            let place = Place::of(name, schema);
            !place.fields.is_empty() && wanted.fields.starts_with(&place.fields)
        })
    }

    /// Whether each field has columns for all that it may hold.
    #[cfg(feature = "file")]
    pub(crate) fn cover(&self, schema: &Schema) -> bool {
        self.top.covers(schema)
    }

    /// Whether a column says no more of a record than that it is there.
    #[cfg(feature = "file")]
    pub(crate) fn is_presence(&self, column: usize) -> bool {
        fn within(level: &Level, column: usize) -> bool {
            let inside = level.entries.iter().filter_map(|entry| entry.inside.as_ref());
            level.presence == Some(column) || inside.into_iter().any(|level| within(level, column))
        }
        within(&self.top, column)
    }

    /// The names in the header.
    #[cfg(feature = "file")]
    pub(crate) fn names(&self) -> &[Name] {
        &self.names
    }

    /// Refuses a header in which a name stands twice.
    ///
    /// # Errors
    /// `Corrupt`, with the column.
    pub(crate) fn distinct(names: &[Name]) -> Result<()> {
        let mut seen = HashSet::with_capacity(names.len());
        match names.iter().position(|name| !seen.insert(name)) {
            None => Ok(()),
            Some(column) => {
                let why = format!("two columns of the header are called `{}`; rename one", names[column]);
                Err(Error::corrupt(why).at_line(1, Some(column as u64 + 1)))
            }
        }
    }
}

impl Level {
    /// Adds a column; says whether its place was free.
    fn add(&mut self, place: &Place, name: &Name, column: usize, schema: &Schema) -> bool {
        let Some((&first, rest)) = place.fields.split_first() else {
            let name = place.undeclared.clone().map_or_else(|| name.clone(), Name::Owned);
            self.entries.push(Entry { name, field: None, column, inside: None, empty_is_value: true });
            return true;
        };
        let deeper = !rest.is_empty() || place.undeclared.is_some();
        let Some(field) = schema.fields.get(first) else { return false };
        let known = self.entries.iter_mut().find(|entry| entry.field == Some(first));
        let inside = match (known, deeper) {
            (Some(Entry { inside: Some(inside), .. }), true) => inside,
            (Some(Entry { inside: Some(inside), .. }), false) if may_lack(field) && inside.presence.is_none() => {
                inside.presence = Some(column);
                return true;
            }
            (Some(entry @ Entry { inside: None, .. }), true) if may_lack(field) => {
                let presence = Some(std::mem::replace(&mut entry.column, column));
                entry.inside.insert(Level { presence, ..Level::default() })
            }
            (Some(_), _) => return false,
            (None, _) => {
                let inside = deeper.then(Level::default);
                let empty_is_value = empty_is_value(&field.ty);
                self.entries.push(Entry { name: name.clone(), field: Some(first), column, inside, empty_is_value });
                match self.entries.last_mut() {
                    Some(Entry { inside: Some(inside), .. }) => inside,
                    _ => return true,
                }
            }
        };
        let Type::Record(schema) = &field.ty else { return false };
        inside.add(&Place { fields: rest.to_vec(), undeclared: place.undeclared.clone() }, name, column, schema)
    }

    /// Whether the record is null: all cells of it are, and none says that it is there.
    ///
    /// # Errors
    /// `Invalid`, with the column, where the one that says it is no truth value.
    pub(super) fn is_null(&self, row: RawRecord<'_, '_>) -> Result<bool> {
        if let Some(column) = self.presence
            && RowDecoder::is_said(row, column)?
        {
            return Ok(false);
        }
        for entry in &self.entries {
            let is_null = match &entry.inside {
                Some(inside) => inside.is_null(row)?,
                None => row.field(entry.column).is_none_or(|cell| cell.is_null_for(entry.empty_is_value)),
            };
            if !is_null {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether every field of a record has a column.
    #[cfg(feature = "file")]
    fn covers(&self, schema: &Schema) -> bool {
        let has = |(index, field): (usize, &FieldDef)| {
            let entry = self.entries.iter().find(|entry| entry.field == Some(index));
            entry.is_some_and(|entry| match (&entry.inside, &field.ty) {
                (Some(inside), Type::Record(schema)) => !schema.open && inside.covers(schema),
                _ => true,
            })
        };
        schema.fields.iter().enumerate().all(has)
    }
}

impl Place {
    /// Where the column of this name leads; to no field where it is undeclared.
    fn of(name: &str, schema: &Schema) -> Place {
        let mut place = Place::default();
        if !place.find(name, schema, true) {
            place = Place::default();
        }
        place
    }

    fn find(&mut self, name: &str, schema: &Schema, top: bool) -> bool {
        if let Some((index, _)) = schema.find(name) {
            self.fields.push(index);
            return true;
        }
        // In a path a segment of other characters stands in quotes; at the top a name is taken as it is.
        let quoted = take_segment(name).ok().filter(|_| !top || !name.starts_with('"'));
        if let Some((whole, "")) = &quoted
            && let Some((index, _)) = schema.find(whole)
        {
            self.fields.push(index);
            return true;
        }
        let records = schema.fields.iter().enumerate().filter_map(|(index, field)| match &field.ty {
            Type::Record(inside) => Some((index, field, inside)),
            _ => None,
        });
        for (index, field, inside) in records {
            let segment = quoted.as_ref().filter(|(first, _)| field.is_called(first)).map(|(_, after)| *after);
            // Foreign headers have such names without quotes.
            let plain = field.names().filter_map(|called| name.strip_prefix(called));
            let rests = segment.into_iter().chain(plain).filter_map(|after| after.strip_prefix('.'));
            for rest in rests {
                self.fields.push(index);
                if self.find(rest, inside, false) {
                    return true;
                }
                self.fields.pop();
            }
        }
        if !top && schema.open {
            self.undeclared =
                Some(quoted.filter(|(_, rest)| rest.is_empty()).map_or(name.to_owned(), |(name, _)| name));
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::FieldDef;

    fn schema() -> Schema {
        let text = |name| FieldDef::new(name, Type::Text);
        let place = Schema::new("place").field(text("a.b")).field(text("post code"));
        let open = Schema::open("open").field(text("a"));
        Schema::new("t")
            .field(text("x"))
            .field(text("home.x"))
            .field(FieldDef::new("home", Type::record(place)))
            .field(FieldDef::new("more", Type::record(open)))
    }

    #[test]
    fn a_name_leads_to_a_field_however_it_is_spelt() {
        let place = |name| Place::of(name, &schema());
        let fields = |fields: &[usize]| Place { fields: fields.to_vec(), undeclared: None };
        assert_eq!(place("x"), fields(&[0]));
        assert_eq!(place("home.x"), fields(&[1]));
        assert_eq!(place("home"), fields(&[2]));
        assert_eq!(place("home.a.b"), fields(&[2, 0]));
        assert_eq!(place("home.\"a.b\""), fields(&[2, 0]));
        assert_eq!(place("home.post code"), fields(&[2, 1]));
        assert_eq!(place("home.\"post code\""), fields(&[2, 1]));
        assert_eq!(place("more.a"), fields(&[3, 0]));
        assert_eq!(place("more.b.c"), Place { fields: vec![3], undeclared: Some("b.c".to_owned()) });
        for undeclared in ["y", "home.y", "x.a", "", ".", "home.", "\"x\""] {
            assert_eq!(place(undeclared), Place::default(), "{undeclared}");
        }
    }

    #[test]
    fn a_field_that_is_there_twice_is_refused() {
        for names in [["home", "home.a.b"], ["home.a.b", "home"], ["home.a.b", "home.\"a.b\""]] {
            let settled = Columns::settle(names.map(Name::from).to_vec(), &schema());
            assert_eq!(settled.map(|_| ()).map_err(|e| e.place().column), Err(Some(2)), "{names:?}");
        }
        // Of a record that may be null one column says whether it is there, and no second one does.
        let home = Type::record(Schema::new("home").field(FieldDef::new("x", Type::Text)));
        let home = FieldDef { aliases: vec![Name::from("house")].into(), ..FieldDef::new("home", home).nullable() };
        let nullable = Schema::new("t").field(home);
        let settle =
            |names: &[&'static str]| Columns::settle(names.iter().map(|name| Name::from(*name)).collect(), &nullable);
        for names in [["home", "home.x"], ["home.x", "house"]] {
            #[cfg_attr(not(feature = "file"), allow(unused_variables))]
            let settled = settle(&names).expect("they are told apart");
            #[cfg(feature = "file")]
            assert_eq!([0, 1].map(|n| settled.is_presence(n)), names.map(|name| !name.contains('.')), "{names:?}");
        }
        assert!(settle(&["home", "house", "home.x"]).is_err() && settle(&["home", "home.x", "house"]).is_err());
        let columns = ["home.a.b", "x", "home.post code"].map(Name::from).to_vec();
        assert!(Columns::settle(columns, &schema()).is_ok_and(|settled| settled.top.entries.len() == 2));
    }
}
