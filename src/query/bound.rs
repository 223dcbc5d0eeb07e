//! [`Bound`]: a filter checked against a schema once. The one evaluator for everything that is not a decoded struct.
//!
//! CSV cells, JSON peeks, documents and stored envelopes are seen through [`Cells`]. Every column that the filter reads
//! has a slot, so that a row's cells can be parsed before any logic runs (semantics 3.12).

use std::{cmp::Ordering, convert::Infallible, marker::PhantomData, sync::Arc};

use memchr::memmem;

use crate::{
    capability::Caps,
    error::{Error, Result},
    like::{CaseFold, Pattern},
    query::{
        coerce::coerce,
        filter::{Filter, Node, Op, Operand},
        predicate::{Predicate, RunsOn, Seen, check_regex, check_search},
    },
    record::{Envelope, Part, RecordCodec, Schema, Target, Type},
    value::{Value, ValueRef},
};

/// A row whose cells can be asked for.
pub trait Cells {
    /// What a cell that does not parse reports.
    type Error;
    /// The value of a column. `slot` is its place in [`Bound::columns`].
    ///
    /// # Errors
    /// Where the cell does not parse.
    fn cell(&self, slot: usize, target: &Target) -> Result<ValueRef<'_>, Self::Error>;
    /// Shows the value of a column to a closure: what giving it comes to, without a copy where the row holds its values.
    ///
    /// # Errors
    /// Where the cell does not parse.
    #[inline]
    fn show<T>(&self, slot: usize, target: &Target, look: impl FnOnce(&ValueRef<'_>) -> T) -> Result<T, Self::Error> {
        Ok(look(&self.cell(slot, target)?))
    }
    /// Whether the value of a column with a declared type compares so with a literal.
    ///
    /// # Errors
    /// Where the cell does not parse.
    #[inline]
    fn compares(&self, slot: usize, target: &Target, op: Op, literal: &Value) -> Result<bool, Self::Error> {
        self.show(slot, target, |cell| compares(cell, op, literal))
    }
}

/// Whether a value compares so with a literal, numbers of all kinds by value (semantics 3.8).
#[inline]
pub(crate) fn compares(cell: &ValueRef<'_>, op: Op, literal: &Value) -> bool {
    match (cell, literal) {
        // What most filters compare. Texts of unlike lengths are told apart without a look at what they hold, which may be
        // far away in memory.
        (ValueRef::Int(a), Value::Int(b)) => op.holds(Some(a.cmp(b))),
        (ValueRef::Float(a), Value::Float(b)) => op.holds(a.partial_cmp(b)),
        (ValueRef::Text(a), Value::Text(b)) => text_compares(a, op, b),
        _ => other_compares(cell, op, literal),
    }
}

#[inline(never)]
fn other_compares(cell: &ValueRef<'_>, op: Op, literal: &Value) -> bool {
    op.holds(cell.compare_numbers(&literal.as_ref()))
}

/// The same of texts.
#[inline]
pub(crate) fn text_compares(text: &str, op: Op, literal: &str) -> bool {
    match op {
        Op::Eq => text == literal,
        _ => op.holds(Some(text.as_bytes().cmp(literal.as_bytes()))),
    }
}

impl Envelope {
    /// A part of the envelope as predicates see it; null for fields of the record.
    pub(crate) fn cell<'a>(&'a self, target: &Target) -> ValueRef<'a> {
        match &target.part {
            Part::Id if target.ty.integer_range().is_some() => {
                self.id().as_integer().map_or(ValueRef::Null, ValueRef::Int)
            }
            Part::Id => ValueRef::Text(self.id().to_string().into()),
            Part::CreatedAt => self.created_at().map_or(ValueRef::Null, ValueRef::Timestamp),
            Part::UpdatedAt => self.updated_at().map_or(ValueRef::Null, ValueRef::Timestamp),
            Part::Metadata(name) => self.metadata().cell(name),
            Part::Field(_) => ValueRef::Null,
        }
    }
}

impl<R: RecordCodec> Seen<'_, R> {
    /// The value that a target leads to.
    #[inline]
    pub(crate) fn value(&self, target: &Target) -> ValueRef<'_> {
        match &target.part {
            Part::Field(steps) => self.record.cell(steps),
            _ => self.envelope.cell(target),
        }
    }
}

impl<R: RecordCodec> Cells for Seen<'_, R> {
    type Error = Infallible;
    #[inline]
    fn cell(&self, _: usize, target: &Target) -> Result<ValueRef<'_>, Infallible> {
        Ok(self.value(target))
    }
    #[inline]
    fn compares(&self, _: usize, target: &Target, op: Op, literal: &Value) -> Result<bool, Infallible> {
        Ok(match &target.part {
            Part::Field(steps) => self.record.compares(steps, op, literal),
            _ => compares(&self.envelope.cell(target), op, literal),
        })
    }
}

/// Cells that were parsed before: one for each of [`Bound::columns`].
impl Cells for [ValueRef<'_>] {
    type Error = Infallible;
    fn cell(&self, slot: usize, _: &Target) -> Result<ValueRef<'_>, Infallible> {
        Ok(self.get(slot).cloned().unwrap_or_default())
    }
    #[inline]
    fn show<T>(&self, slot: usize, _: &Target, look: impl FnOnce(&ValueRef<'_>) -> T) -> Result<T, Infallible> {
        Ok(look(self.get(slot).unwrap_or(&ValueRef::Null)))
    }
}

/// A filter bound to a schema; a predicate like any typed one.
///
/// ```
/// use dk_data::{Document, Filter, Schema, FieldDef, Type};
/// let schema = Schema::new("people").field(FieldDef::new("age", Type::U8));
/// let adults = Filter::ge("age", 18).bind::<Document>(&schema)?;
/// let wrong = Filter::ge("agee", 18).bind::<Document>(&schema).unwrap_err();
/// assert!(wrong.to_string().contains("did you mean `age`?"));
/// # Ok::<(), dk_data::Error>(())
/// ```
pub struct Bound<R> {
    filter: Filter,
    columns: Vec<Target>,
    test: Test,
    schema: Arc<Schema>,
    record: PhantomData<fn(R)>,
}

impl<R> Clone for Bound<R> {
    fn clone(&self) -> Self {
        Bound {
            filter: self.filter.clone(),
            columns: self.columns.clone(),
            test: self.test.clone(),
            schema: self.schema.clone(),
            record: PhantomData,
        }
    }
}

impl<R> std::fmt::Debug for Bound<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&self.filter, f)
    }
}

/// A filter with its columns resolved and its literals in the columns' types.
#[derive(Clone, Debug)]
pub(crate) enum Test {
    Compare(Column, Op, Value),
    Between(Column, Value, Value),
    /// In the order of [`ValueRef::order`], without duplicates.
    In(Column, Literals),
    Like(Column, Box<Pattern>),
    StartsWith(Column, String),
    EndsWith(Column, String),
    Contains(Column, Box<(Value, memmem::Finder<'static>)>),
    IsNull(Column),
    Matches(Column, regex::Regex),
    /// What only an engine with full text tells; any other refuses the query before it comes here.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code, reason = "only tests of whole columns ask where it is"))]
    Search(Column),
    And(Vec<Test>),
    Or(Vec<Test>),
    /// None of these; what `not` makes, of a list of one.
    Nor(Vec<Test>),
}

/// Which column, and how it is seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Its place in [`Bound::columns`].
    pub(crate) slot: usize,
    /// The length of the list is meant, not the list.
    pub(crate) len: bool,
    /// The type is declared, so that numbers of all kinds compare; else the rules of open documents hold (semantics 3.8).
    pub(crate) declared: bool,
}

impl Filter {
    /// Checks the filter against a schema and makes it a predicate: paths are resolved, literals brought into the types
    /// of their fields, patterns compiled.
    ///
    /// # Errors
    /// `Query`, with the field: an unknown name (with the nearest known one), a literal of another type, a comparison
    /// with null or of what has no order, a pattern that does not parse, nesting beyond
    /// [`MAX_DEPTH`](crate::query::filter::MAX_DEPTH) (semantics 3.5, 3.7, 3.10).
    pub fn bind<R>(self, schema: &Schema) -> Result<Bound<R>> {
        self.bind_to(&Arc::new(schema.clone()))
    }

    pub(crate) fn bind_to<R>(self, schema: &Arc<Schema>) -> Result<Bound<R>> {
        let mut binder = Binder { schema, columns: Vec::new() };
        let test = binder.bind(&self)?;
        Ok(Bound { filter: self, columns: binder.columns, test, schema: schema.clone(), record: PhantomData })
    }
}

impl<R> Bound<R> {
    /// The filter, as it was before it was bound.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }
    /// The columns that the filter reads, each once.
    pub fn columns(&self) -> &[Target] {
        &self.columns
    }
    /// Whether it is true of a row.
    ///
    /// # Errors
    /// The first cell that does not parse.
    pub fn test<C: Cells + ?Sized>(&self, row: &C) -> Result<bool, C::Error> {
        self.test.holds(row, &self.columns)
    }
    /// The filter with its columns resolved, for formats that test whole columns.
    #[cfg(feature = "parquet")]
    pub(crate) fn tree(&self) -> &Test {
        &self.test
    }
    /// This and another filter, bound to the same schema.
    pub(crate) fn narrowed(&mut self, filter: Filter) -> Result<()> {
        let both = self.filter.clone().and_also(filter.clone());
        if *both.node() == Node::TooDeep {
            return Err(too_deep());
        }
        let mut binder = Binder { schema: &self.schema, columns: self.columns.clone() };
        let test = binder.bind(&filter)?;
        self.columns = binder.columns;
        self.filter = both;
        match &mut self.test {
            Test::And(list) => list.push(test),
            _ => {
                let old = std::mem::replace(&mut self.test, Test::And(Vec::new()));
                self.test = Test::And(vec![old, test]);
            }
        }
        Ok(())
    }
}

impl<R: RecordCodec> Predicate<R> for Bound<R> {
    #[inline]
    fn matches(&self, row: Seen<'_, R>) -> bool {
        let Ok(holds) = self.test(&row);
        holds
    }
    fn lower(&self) -> Option<Filter> {
        Some(self.filter.clone())
    }
    fn is_all(&self) -> bool {
        matches!(self.filter.node(), Node::And(parts) if parts.is_empty())
    }
    fn needs(&self) -> Caps {
        self.filter.needs()
    }
}
/// Decided at run time, by what the filter needs.
impl<E, R> RunsOn<E> for Bound<R> {}

impl Filter {
    /// What an engine must provide to run it.
    pub fn needs(&self) -> Caps {
        match self.node() {
            Node::And(list) | Node::Or(list) => list.iter().fold(Caps::NONE, |caps, f| caps.or(f.needs())),
            Node::Not(inner) => inner.needs(),
            Node::Matches(..) => Caps::REGEX,
            Node::Search(..) => Caps::FULL_TEXT,
            _ => Caps::NONE,
        }
    }
}

struct Binder<'a> {
    schema: &'a Schema,
    columns: Vec<Target>,
}

impl Binder<'_> {
    /// What recurses is kept apart from what does not, so that 200 levels take little of the stack.
    fn bind(&mut self, filter: &Filter) -> Result<Test> {
        match filter.node() {
            Node::And(list) => self.bind_all(list).map(Test::And),
            Node::Or(list) => self.bind_all(list).map(Test::Or),
            Node::Not(inner) => self.bind_all(std::slice::from_ref(&**inner)).map(Test::Nor),
            node => self.leaf(node),
        }
    }

    fn bind_all(&mut self, list: &[Filter]) -> Result<Vec<Test>> {
        let mut tests = Vec::with_capacity(list.len());
        for filter in list {
            tests.push(self.bind(filter)?);
        }
        Ok(tests)
    }

    #[inline(never)]
    fn leaf(&mut self, node: &Node) -> Result<Test> {
        Ok(match node {
            // Logic was bound before.
            Node::And(_) | Node::Or(_) | Node::Not(_) | Node::TooDeep => return Err(too_deep()),
            Node::IsNull(operand) => Test::IsNull(self.column(operand)?.0),
            Node::Compare(operand, op, value) => {
                let (column, target) = self.ordered(operand)?;
                Test::Compare(column, *op, coerce(value, &target, *op == Op::Eq)?)
            }
            Node::Between(operand, low, high) => {
                let (column, target) = self.ordered(operand)?;
                Test::Between(column, coerce(low, &target, false)?, coerce(high, &target, false)?)
            }
            Node::In(operand, list) => {
                let (column, target) = self.ordered(operand)?;
                Test::In(column, Literals::new(column, list, &target)?)
            }
            Node::Contains(operand, part) => self.contains(operand, part)?,
            Node::Like(operand, pattern, fold) => {
                let (column, target) = self.text(operand)?;
                let fold = if *fold { CaseFold::Ascii } else { CaseFold::No };
                let pattern = Pattern::new(pattern, fold);
                Test::Like(column, Box::new(pattern.map_err(|e| Error::from(e).at_field(target.path.to_string()))?))
            }
            Node::StartsWith(operand, text) => Test::StartsWith(self.text(operand)?.0, text.clone()),
            Node::EndsWith(operand, text) => Test::EndsWith(self.text(operand)?.0, text.clone()),
            Node::Search(operand, words) => Test::Search(self.searched(operand, words)?),
            Node::Matches(operand, source) => {
                let (column, target) = self.text(operand)?;
                Test::Matches(column, check_regex(source).map_err(|e| e.at_field(target.path.to_string()))?)
            }
        })
    }

    /// The column of an operand, in a slot of its own or one that it shares.
    fn column(&mut self, operand: &Operand) -> Result<(Column, Target)> {
        let target = self.schema.resolve(operand.path())?;
        let len = matches!(operand, Operand::Len(_));
        if len && !matches!(target.ty, Type::List(_) | Type::Any) {
            return Err(misused(&target, "only a list has a length"));
        }
        let slot = self.columns.iter().position(|c| c.part == target.part).unwrap_or_else(|| {
            self.columns.push(target.clone());
            self.columns.len() - 1
        });
        let target = if len { Target { ty: Type::U64, ..target } } else { target };
        let declared = target.ty != Type::Any;
        Ok((Column { slot, len, declared }, target))
    }

    fn ordered(&mut self, operand: &Operand) -> Result<(Column, Target)> {
        let (column, target) = self.column(operand)?;
        match () {
            () if target.large => Err(misused(&target, "it is declared `large` and can only be tested for null")),
            () if matches!(target.ty, Type::List(_)) => {
                Err(misused(&target, "a list has `contains`, `is_empty` and `len`"))
            }
            () if !target.ty.is_ordered() => Err(misused(&target, "it can only be tested for null")),
            () => Ok((column, target)),
        }
    }

    fn text(&mut self, operand: &Operand) -> Result<(Column, Target)> {
        let (column, target) = self.ordered(operand)?;
        match target.ty {
            Type::Text | Type::Any => Ok((column, target)),
            _ => Err(misused(&target, "only text has text operators")),
        }
    }

    /// Texts of any length are searched, also those that are not compared.
    fn searched(&mut self, operand: &Operand, words: &str) -> Result<Column> {
        let (column, target) = self.column(operand)?;
        match (operand, &target.ty) {
            (Operand::Field(_), Type::Text | Type::Any) => {
                check_search(words).map_err(|e| e.at_field(target.path.to_string())).map(|()| column)
            }
            _ => Err(misused(&target, "only text is searched for words")),
        }
    }

    fn contains(&mut self, operand: &Operand, part: &Value) -> Result<Test> {
        let (mut column, target) = self.column(operand)?;
        let part = match &target.ty {
            Type::List(item) => {
                column.declared = item.ty != Type::Any;
                coerce(part, &Target { ty: item.ty.clone(), ..target.clone() }, true)?
            }
            Type::Text | Type::Any if !target.large => coerce(part, &target, true)?,
            _ => return Err(misused(&target, "only text and lists have `contains`")),
        };
        let finder = match &part {
            Value::Text(text) => memmem::Finder::new(text).into_owned(),
            _ => memmem::Finder::new("").into_owned(),
        };
        Ok(Test::Contains(column, Box::new((part, finder))))
    }
}

/// The literals of an `in`.
#[derive(Clone, Debug)]
pub(crate) struct Literals {
    /// Scalars, in order, so that a long list is searched in logarithmic time.
    pub(crate) sorted: Vec<Value>,
    /// Lists, records and JSON: they are equal or not, and have no order that a search could rely on.
    pub(crate) wholes: Vec<Value>,
}

impl Literals {
    fn new(column: Column, list: &[Value], target: &Target) -> Result<Literals> {
        let list = list.iter().map(|v| coerce(v, target, true)).collect::<Result<Vec<_>>>()?;
        let is_whole = |v: &Value| matches!(v, Value::List(_) | Value::Record(_) | Value::Json(_) | Value::Vector(_));
        let (wholes, mut sorted): (Vec<_>, Vec<_>) = list.into_iter().partition(is_whole);
        // What does not equal itself (NaN) equals nothing, and would spoil the order.
        sorted.retain(|v| column.compare(&v.as_ref(), v).is_some());
        sorted.sort_by(|a, b| column.order(&a.as_ref(), &b.as_ref()));
        Ok(Literals { sorted, wholes })
    }
    pub(crate) fn hold(&self, column: Column, cell: &ValueRef<'_>) -> bool {
        let same = |literal: &Value| column.compares(cell, Op::Eq, literal);
        let scalar = match self.sorted.len() {
            0..=8 => self.sorted.iter().any(same),
            // What was found is compared again: a cell without a place in the order (NaN) is found anywhere.
            _ => self.sorted.binary_search_by(|l| column.order(&l.as_ref(), cell)).is_ok_and(|i| same(&self.sorted[i])),
        };
        scalar || self.wholes.iter().any(same)
    }
}

fn misused(target: &Target, why: &'static str) -> Error {
    Error::query(format!("a {} is compared wrongly: {why}", target.ty)).at_field(target.path.to_string())
}

pub(crate) fn too_deep() -> Error {
    let levels = crate::query::filter::MAX_DEPTH;
    Error::query(format!("the filter nests deeper than {levels} levels; write lists with `in`, or split the query"))
}

impl Test {
    fn holds<C: Cells + ?Sized>(&self, row: &C, columns: &[Target]) -> Result<bool, C::Error> {
        match self {
            Test::And(list) => every(list, row, columns),
            Test::Or(list) => every_not(list, row, columns).map(|none| !none),
            Test::Nor(list) => every_not(list, row, columns),
            leaf => leaf.leaf_holds(row, columns),
        }
    }
    pub(crate) fn leaf_holds<C: Cells + ?Sized>(&self, row: &C, columns: &[Target]) -> Result<bool, C::Error> {
        match self {
            // Logic was looked at before.
            Test::And(_) | Test::Or(_) | Test::Nor(_) | Test::Search(_) => Ok(false),
            Test::Compare(column, op, value) => column.holds(row, columns, *op, value),
            Test::Between(column, low, high) => column
                .show(row, columns, |cell| column.compares(cell, Op::Ge, low) && column.compares(cell, Op::Le, high)),
            Test::In(column, list) => column.show(row, columns, |cell| list.hold(*column, cell)),
            Test::Like(column, pattern) => column.tells(row, columns, |text| pattern.matches(text)),
            Test::StartsWith(column, start) => column.tells(row, columns, |text| text.starts_with(start.as_str())),
            Test::EndsWith(column, end) => column.tells(row, columns, |text| text.ends_with(end.as_str())),
            Test::Contains(column, part) => column.show(row, columns, |cell| column.holds_part(cell, &part.0, &part.1)),
            Test::IsNull(column) => column.show(row, columns, |cell| cell.is_null()),
            Test::Matches(column, regex) => column.tells(row, columns, |text| regex.is_match(text)),
        }
    }
}

fn every<C: Cells + ?Sized>(list: &[Test], row: &C, columns: &[Target]) -> Result<bool, C::Error> {
    for test in list {
        if !test.holds(row, columns)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn every_not<C: Cells + ?Sized>(list: &[Test], row: &C, columns: &[Target]) -> Result<bool, C::Error> {
    for test in list {
        if test.holds(row, columns)? {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Column {
    #[inline]
    fn show<C: Cells + ?Sized, T>(
        self,
        row: &C,
        columns: &[Target],
        look: impl FnOnce(&ValueRef<'_>) -> T,
    ) -> Result<T, C::Error> {
        match columns.get(self.slot) {
            Some(target) if self.len => row.show(self.slot, target, |cell| look(&length(cell))),
            Some(target) => row.show(self.slot, target, look),
            // A slot is made together with its column, so it is always there.
            None => Ok(look(&ValueRef::Null)),
        }
    }
    /// What a closure says of a text; nothing else has what it asks for.
    #[inline]
    fn tells<C: Cells + ?Sized>(
        self,
        row: &C,
        columns: &[Target],
        ask: impl FnOnce(&str) -> bool,
    ) -> Result<bool, C::Error> {
        self.show(row, columns, |cell| matches!(cell, ValueRef::Text(text) if ask(text)))
    }
    #[inline]
    fn holds<C: Cells + ?Sized>(self, row: &C, columns: &[Target], op: Op, literal: &Value) -> Result<bool, C::Error> {
        match columns.get(self.slot) {
            Some(target) if self.declared && !self.len => row.compares(self.slot, target, op, literal),
            _ => self.show(row, columns, |cell| self.compares(cell, op, literal)),
        }
    }
    #[inline]
    pub(crate) fn compares(self, cell: &ValueRef<'_>, op: Op, literal: &Value) -> bool {
        if self.declared { compares(cell, op, literal) } else { op.holds(cell.compare(&literal.as_ref())) }
    }
    /// How a value and a literal compare; `None` where they do not.
    pub(crate) fn compare(self, cell: &ValueRef<'_>, literal: &Value) -> Option<Ordering> {
        if self.declared { cell.compare_numbers(&literal.as_ref()) } else { cell.compare(&literal.as_ref()) }
    }
    /// The order in which the literals of a list stand. Where a type is declared they are of one family, and numbers of all
    /// kinds have one order by value; where not, each kind stands by itself.
    fn order(self, a: &ValueRef<'_>, b: &ValueRef<'_>) -> Ordering {
        let by_value = if self.declared { a.compare_numbers(b) } else { None };
        by_value.unwrap_or_else(|| a.order(b))
    }
    fn holds_part(self, cell: &ValueRef<'_>, part: &Value, finder: &memmem::Finder<'_>) -> bool {
        match (cell, part) {
            (ValueRef::Text(text), Value::Text(_)) => finder.find(text.as_bytes()).is_some(),
            (ValueRef::List(items), part) => items.iter().any(|item| self.compares(&item.as_ref(), Op::Eq, part)),
            _ => false,
        }
    }
}

fn length(cell: &ValueRef<'_>) -> ValueRef<'static> {
    match cell {
        ValueRef::List(items) => ValueRef::Int(items.len() as i128),
        _ => ValueRef::Null,
    }
}
