//! What the columns of a file become when it is written anew: their places, names and types stay, unless a declared field needs a
//! wider one; and what cannot be written into them.

use arrow_array::new_empty_array;
use arrow_schema::{DataType, Field};

use super::{
    ParquetFile, Parts,
    builder::Builder,
    digits::Digits,
    encode::ColumnEncoder,
    fault::raised,
    fit::{fitted, fitted_column, widened},
    infer,
    layout::{Opened, alike, is_of_envelope, is_reserved},
    schema,
    source::Source,
};
use crate::{
    error::{Error, Result},
    record::{Document, FieldDef, FieldType, Schema, Type},
};

const FOREIGN: &str =
    "the file has a column of this name that is no part of an envelope: rename it, and the file can be written";
const TOO_WIDE: &str = "the column is of INT96, with digits below the microsecond beside years that nanoseconds do not reach \
     (1677 to 2262), which no other type holds: round it, and the file can be written";

/// What the columns of the new file are.
#[derive(Debug)]
pub(crate) struct Plan {
    columns: Vec<Column>,
    /// The fields that changed records are encoded by: the declared ones, and those of the old file.
    schema: Schema,
    /// Whether records have other fields, too.
    pub(super) open: bool,
    /// A column that keeps the file from being written, and why: its name stands for something else here, or nothing that is
    /// written holds its values.
    obstacle: Option<(String, &'static str)>,
    /// The columns of INT96 that are read and written in nanoseconds.
    pub(super) nanoseconds: Vec<usize>,
    /// The places in the schema of the fields whose columns do not hold all that the fields may be.
    narrow: Vec<usize>,
    /// Columns of types that nothing here is written as: their cells stay, and others get none.
    pub(super) copied: Vec<String>,
}

/// A column of the new file.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) field: Field,
    pub(super) from: Origin,
    /// Whether the cell of a changed record is held against the old one, and stays where the values are the same.
    pub(super) held: bool,
}

/// Where the cells of a column come from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Origin {
    /// From the old file, for rows that are in it; from the records.
    Cells { old: Option<usize>, new: Option<Part> },
    /// From the records alone, of rows that nobody changed, too: the old column is of a type that the new one cannot widen.
    Records(usize),
    /// The ids.
    Ids,
}

/// A part of a record that has a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Part {
    /// Of its envelope, by the place among the parts.
    Beside(usize),
    Field(usize),
    Extra,
}

impl Plan {
    fn of<I: Source>(opened: &Opened<I>, declared: &Schema) -> Result<Plan> {
        let Digits { nanoseconds, neither } = opened.digits()?;
        let opened = &opened.in_nanoseconds(&nanoseconds)?;
        let neither = neither.map(|column| (opened.columns().field(column).name().clone(), TOO_WIDE));
        let mut plan = Plan {
            columns: Vec::new(),
            schema: Schema { open: true, ..declared.clone() },
            open: declared.open,
            obstacle: neither,
            nanoseconds,
            narrow: Vec::new(),
            copied: Vec::new(),
        };
        for (at, column) in opened.columns().fields().iter().enumerate() {
            plan.take(opened, at, column, declared);
        }
        for (index, field) in declared.fields.iter().enumerate() {
            if !plan.has(Part::Field(index)) && !plan.columns.iter().any(|column| column.from == Origin::Records(index))
            {
                let new = Schema { fields: vec![field.clone()].into(), ..Schema::new("") };
                let field = schema::columns(&new, &[]).into_iter().next();
                // Rows that have been there lack it.
                let field = field.map(|field| field.with_nullable(true));
                plan.columns.extend(field.map(|field| Column::new(field, Part::Field(index))));
            }
        }
        Ok(plan)
    }

    fn has(&self, part: Part) -> bool {
        self.columns.iter().any(|column| matches!(column.from, Origin::Cells { new: Some(new), .. } if new == part))
    }

    fn take<I: Source>(&mut self, opened: &Opened<I>, at: usize, column: &Field, declared: &Schema) {
        let name = column.name();
        let mut push = |field: Field, from: Origin, held: bool| self.columns.push(Column { field, from, held });
        let kept = Origin::Cells { old: Some(at), new: None };
        let loose = column.clone().with_nullable(true);
        if let Some((index, field)) = declared.find(name) {
            let made = schema::data_type(field);
            match widened(field, column) {
                Some(out) => {
                    let same = alike(&made, out.data_type());
                    if !same {
                        self.narrow.push(index);
                    }
                    let from = Origin::Cells { old: Some(at), new: Some(Part::Field(index)) };
                    self.columns.push(Column { field: out, from, held: !same });
                }
                None => {
                    let nullable = schema::is_nullable(field) || column.is_nullable();
                    let field = schema::marked(Field::new(name, made, nullable), &field.ty);
                    push(field, Origin::Records(index), false);
                }
            }
            return;
        }
        if is_reserved(name) {
            if opened.is_extra(column) {
                return push(loose, Origin::Cells { old: Some(at), new: Some(Part::Extra) }, false);
            }
            push(loose, kept, false);
            if !is_of_envelope(column) {
                self.obstacle.get_or_insert_with(|| (name.clone(), FOREIGN));
            }
            return;
        }
        let field = opened.field_of(column).ok();
        let ty = column.data_type();
        let fits = |field: &FieldDef| fitted(&new_empty_array(&schema::data_type(field)), ty).is_some();
        // What no type of a field stands for is looked at value by value.
        let any = FieldDef::new(name.clone(), Type::Any);
        let any = || fitted_column(&new_empty_array(&schema::data_type(&any)), ty).map(|_| any);
        match field.filter(fits).or_else(any) {
            Some(field) => {
                let same = alike(&schema::data_type(&field), column.data_type());
                let index = self.schema.fields.len();
                if !same || field.decimal.is_some() {
                    self.narrow.push(index);
                }
                push(loose, Origin::Cells { old: Some(at), new: Some(Part::Field(index)) }, !same);
                let field = FieldDef { id: false, unique: false, ..field }.nullable();
                self.schema.fields.to_mut().push(field);
            }
            None => {
                push(loose, kept, true);
                self.copied.push(name.clone());
            }
        }
    }

    /// The fields of the new file: those that records have and no column holds get columns. Where a column of the name is there, and of
    /// another type, there is no second one.
    pub(super) fn schema<'d>(&self, shown: impl Iterator<Item = &'d Document>) -> Schema {
        let mut schema = infer::columns(&self.schema, shown);
        let is_there = |name: &str| self.columns.iter().any(|column| column.field.name() == name);
        let (known, found) = schema.fields.split_at(self.schema.fields.len());
        let found = found.iter().filter(|field| !is_there(&field.name));
        schema.fields = known.iter().chain(found).cloned().collect();
        schema
    }

    /// Whether there is a column for what fits no other.
    pub(super) fn extra<'d>(&self, schema: &Schema, mut shown: impl Iterator<Item = &'d Document>) -> bool {
        let leaves = |document: &Document| {
            let rest = infer::rest_of(document, schema);
            rest.names().any(|name| !self.copied.iter().any(|copied| copied == name))
        };
        self.has(Part::Extra) || shown.any(leaves)
    }

    /// The columns of the new file.
    pub(super) fn columns(&self, schema: &Schema, extra: bool, all: Parts) -> Vec<Column> {
        let mut columns = self.columns.clone();
        let known = self.schema.fields.len();
        let fresh = Schema { fields: schema.fields[known..].to_vec().into(), ..Schema::new("") };
        let fields = schema::columns(&fresh, &[]).into_iter().zip(known..);
        columns.extend(fields.map(|(field, at)| Column::new(field, Part::Field(at))));
        if extra && !self.has(Part::Extra) {
            columns.push(Column::new(schema::extra(), Part::Extra));
        }
        let beside = Parts { id: false, ..all }.columns();
        for (at, field) in beside.into_iter().enumerate() {
            match columns.iter_mut().find(|column| column.field.name() == field.name()) {
                Some(Column { from: Origin::Cells { new, .. }, .. }) => *new = Some(Part::Beside(at)),
                _ => columns.push(Column::new(field, Part::Beside(at))),
            }
        }
        let of_ids = Parts { id: all.id, ..Parts::default() };
        for field in of_ids.columns() {
            let ids = Column { field, from: Origin::Ids, held: false };
            match columns.iter_mut().find(|column| column.field.name() == ids.field.name()) {
                Some(column) => *column = ids,
                None => columns.push(ids),
            }
        }
        columns
    }

    /// The schema by which the rows are read: that of the ids, and of fields whose columns are made from records.
    pub(crate) fn read_by(&self, ids: &Schema) -> Schema {
        let wanted = |field: &FieldDef| {
            let is_made = |column: &Column| match column.from {
                Origin::Records(index) => self.schema.fields[index].name == field.name,
                _ => false,
            };
            field.id || self.columns.iter().any(is_made)
        };
        let fields = ids.fields.iter().filter(|field| wanted(field)).cloned().collect::<Vec<_>>();
        Schema { fields: fields.into(), open: false, ..ids.clone() }
    }

    /// Refuses what this file could not be written with: anything, or a record that its columns do not hold.
    ///
    /// # Errors
    /// `Unsupported` or `Invalid`, with the field.
    pub(crate) fn admit(
        &self,
        record: impl FnOnce() -> Result<Option<Document>>,
        old: impl FnOnce() -> Result<Option<Document>>,
    ) -> Result<()> {
        if let Some((name, why)) = &self.obstacle {
            return Err(Error::unsupported(*why).at_field(name.clone()));
        }
        if self.narrow.is_empty() && self.copied.is_empty() {
            return Ok(());
        }
        let Some(record) = record()? else { return Ok(()) };
        self.narrow.iter().try_for_each(|index| self.holds(&record, *index))?;
        if self.copied.iter().all(|name| record.get(name).is_none()) {
            return Ok(());
        }
        let old = old()?.unwrap_or_default();
        let changed = self.copied.iter().find(|name| record.get(name).is_some_and(|v| old.get(name) != Some(v)));
        changed.map_or(Ok(()), |name| Err(only_kept(name)))
    }

    /// Refuses a record of which a column does not hold the field.
    fn holds(&self, record: &Document, index: usize) -> Result<()> {
        let Some(field) = self.schema.fields.get(index) else { return Ok(()) };
        let column = self.columns.iter().find(
            |column| matches!(column.from, Origin::Cells { new: Some(Part::Field(found)), .. } if found == index),
        );
        let (Some(column), Some(value)) = (column, record.get(&field.name)) else { return Ok(()) };
        // Of another kind than the column of an undeclared field: it is kept beside.
        if value.check(&FieldDef { decimal: None, ..field.clone() }).is_err() {
            return Ok(());
        }
        let mut builder = Builder::new(&column.made(field));
        value.encode(field, &mut ColumnEncoder::new(std::slice::from_mut(&mut builder)))?;
        let array = builder.take().map_err(|cause| raised(cause.into(), ""))?;
        match fitted_column(&array, column.field.data_type()) {
            Some(_) => Ok(()),
            None => Err(column.too_narrow()),
        }
    }
}

#[cold]
pub(super) fn only_kept(name: &str) -> Error {
    Error::unsupported("the column is of a type that is kept as it stands, and not written here")
        .at_field(name.to_owned())
}

impl Column {
    /// A column of what the old file has not.
    fn new(field: Field, part: Part) -> Column {
        Column { field, from: Origin::Cells { old: None, new: Some(part) }, held: false }
    }

    /// What the values of records are gathered in before they are made to fit.
    pub(super) fn made(&self, field: &FieldDef) -> Field {
        let ty = match self.field.data_type() {
            // Refused with the value where it does not fit.
            decimal @ (DataType::Decimal128(..) | DataType::Decimal256(..)) if field.ty == Type::Decimal => {
                decimal.clone()
            }
            _ => schema::data_type(field),
        };
        Field::new(field.name.as_ref(), ty, true)
    }

    #[cold]
    pub(super) fn too_narrow(&self) -> Error {
        let ty = self.field.data_type();
        let advice = if matches!(ty, DataType::Map(..)) { "; a map is a JSON object here" } else { "" };
        let why = format!("the column is of the type {ty}, which cannot hold it exactly{advice}");
        Error::invalid(why).at_field(self.field.name().clone())
    }
}

impl<I: Source> ParquetFile<I> {
    /// What the columns will be when this file is written anew.
    ///
    /// # Errors
    /// `Corrupt` where a column that has to be looked at does not read.
    pub(crate) fn plan(&self, declared: &Schema) -> Result<Plan> {
        Plan::of(&self.0, declared)
    }
}
