//! Filters as SQL. Pure: text and parameters come out, nothing is sent.
//!
//! A condition is true where the filter is true, and false or null where it is false: `WHERE` takes both alike. What may be
//! null is made two-valued only under `not` (semantics 3.1), so positive conjunctions stay as an index wants them.

use std::sync::Arc;

use super::{
    cell::{Cell, Form},
    fold::{self, Folded, Literal},
    json::{json_contains, json_string, plain_compare, plain_json, tagged_compare, tagged_json},
    key,
    pattern::{escaped, literal_prefix, successor},
    regex::Native,
    schema::Table,
    statement::Template,
    wire::{Kind, Scalar, Values},
    write::{push_id, push_item},
};
use crate::{
    error::{Error, Result},
    id::Id,
    query::{Filter, Node, Op, Operand, coerce::coerce},
    record::{Part, Schema, Target, Type},
    value::Value,
};

/// A statement in the making: its text, and its parameters with their types.
#[derive(Clone, Debug, Default)]
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) kinds: Vec<Kind>,
    pub(super) values: Values,
    /// What the text and the types of the parameters are, where they were written beforehand.
    pub(super) template: Option<Arc<Template>>,
}

impl Statement {
    pub(super) fn new(sql: impl Into<String>) -> Statement {
        Statement { sql: sql.into(), ..Statement::default() }
    }
    pub(super) fn sql(&self) -> &str {
        self.template.as_ref().map_or(&self.sql, |template| &template.sql)
    }
    pub(super) fn kinds(&self) -> &[Kind] {
        self.template.as_ref().map_or(&self.kinds, |template| &template.kinds)
    }
    pub(super) fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }
    /// Adds a parameter and writes its place.
    pub(super) fn bind(&mut self, kind: Kind, put: impl FnOnce(&mut Values)) {
        put(&mut self.values);
        self.kinds.push(kind);
        self.sql.push('$');
        self.sql.push_str(itoa::Buffer::new().format(self.kinds.len()));
    }
    /// Adds the condition that the id is one of these.
    pub(super) fn among(&mut self, table: &Table, ids: &Values) {
        let kind = table.id.kind;
        self.values.array(kind.scalar, ids);
        self.kinds.push(Kind { array: true, ..kind });
        self.sql.push_str(&table.id_among(self.kinds.len()));
    }
    pub(super) fn bind_int(&mut self, value: i64) {
        self.bind(Scalar::Int8.one(), |out| out.i64(value));
    }
    /// The parameters for a reader: `$1: text = 4 bytes`; values that are short and plain are shown as they are.
    pub(super) fn shown_parameters(&self) -> String {
        let shown = self
            .kinds()
            .iter()
            .zip(self.values.iter())
            .enumerate()
            .map(|(place, (kind, value))| format!("${}: {} = {}", place + 1, kind.sql(), shown(*kind, value.0)));
        shown.collect::<Vec<_>>().join("\n")
    }
    pub(super) fn bind_text(&mut self, value: &str) {
        self.bind(Scalar::Text.one(), |out| out.put(value.as_bytes()));
    }
    pub(super) fn bind_jsonb(&mut self, json: &[u8]) {
        self.bind(Scalar::Jsonb.one(), |out| {
            out.with(|bytes| {
                bytes.push(1);
                bytes.extend_from_slice(json);
            });
        });
    }
}

/// A parameter for a reader.
fn shown(kind: Kind, raw: Option<&[u8]>) -> String {
    let Some(raw) = raw else { return "null".to_owned() };
    let cell = super::codec::CellDecoder { kind, raw: Some(raw) };
    let value = match (kind.array, kind.scalar) {
        (true, _) => return format!("{} items", super::wire::array_items(raw).map_or(0, |items| items.len())),
        (false, Scalar::Jsonb) => return String::from_utf8_lossy(raw.get(1..).unwrap_or_default()).into_owned(),
        _ => {
            let mut cell = cell;
            crate::record::Decoder::any(&mut cell)
        }
    };
    value.map_or_else(|_| format!("{} bytes", raw.len()), |value| format!("{value:?}"))
}

/// Whether a condition can be null.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Answer {
    TrueOrFalse,
    MaybeNull,
}

impl Answer {
    pub(super) fn of(cell: &Cell) -> Answer {
        if cell.nullable { Answer::MaybeNull } else { Answer::TrueOrFalse }
    }
    fn and(self, other: Answer) -> Answer {
        if self == Answer::TrueOrFalse { other } else { self }
    }
}

/// Writes conditions on one table.
pub(super) struct Lowering<'a> {
    pub(super) table: &'a Table,
    pub(super) schema: &'a Schema,
}

impl Lowering<'_> {
    /// Appends the condition of a filter.
    ///
    /// # Errors
    /// `Query`, with the field, for what does not fit; `Unsupported` for what the table or the server cannot do.
    pub(super) fn condition(&self, filter: &Filter, out: &mut Statement) -> Result<()> {
        self.node(filter, out).map(drop)
    }

    /// What recurses is kept apart from what does not, so that 200 levels take little of the stack.
    fn node(&self, filter: &Filter, out: &mut Statement) -> Result<Answer> {
        match filter.node() {
            Node::And(list) => self.all(list, " AND ", "TRUE", out),
            Node::Or(list) => self.all(list, " OR ", "FALSE", out),
            Node::Not(inner) => {
                let start = out.sql.len();
                let answer = self.node(inner, out)?;
                match answer {
                    Answer::TrueOrFalse => out.sql.insert_str(start, "NOT "),
                    Answer::MaybeNull => out.push(" IS NOT TRUE"),
                }
                out.sql.insert(start, '(');
                out.push(")");
                Ok(Answer::TrueOrFalse)
            }
            leaf => self.leaf(leaf, out),
        }
    }

    fn all(&self, list: &[Filter], between: &str, none: &str, out: &mut Statement) -> Result<Answer> {
        if list.is_empty() {
            out.push(none);
            return Ok(Answer::TrueOrFalse);
        }
        let mut answer = Answer::TrueOrFalse;
        out.push("(");
        for (place, filter) in list.iter().enumerate() {
            out.push(if place > 0 { between } else { "" });
            answer = answer.and(self.node(filter, out)?);
        }
        out.push(")");
        Ok(answer)
    }

    #[inline(never)]
    fn leaf(&self, node: &Node, out: &mut Statement) -> Result<Answer> {
        match node {
            Node::IsNull(operand) => {
                let (cell, _) = self.operand(operand)?;
                out.push(&if cell.nullable { format!("({} IS NULL)", cell.sql) } else { "FALSE".to_owned() });
                Ok(Answer::TrueOrFalse)
            }
            Node::Compare(operand, op, value) => {
                let (cell, target) = self.operand(operand)?;
                self.compare(&cell, *op, &coerce(value, &target, *op == Op::Eq)?, &target, out)
            }
            Node::Between(operand, low, high) => {
                let (cell, target) = self.operand(operand)?;
                out.push("(");
                let low = self.compare(&cell, Op::Ge, &coerce(low, &target, false)?, &target, out)?;
                out.push(" AND ");
                let high = self.compare(&cell, Op::Le, &coerce(high, &target, false)?, &target, out)?;
                out.push(")");
                Ok(low.and(high))
            }
            Node::In(operand, list) => {
                let (cell, target) = self.operand(operand)?;
                let list = list.iter().map(|value| coerce(value, &target, true)).collect::<Result<Vec<_>>>()?;
                self.is_in(&cell, &list, &target, out)
            }
            Node::Like(_, text, _) | Node::StartsWith(_, text) | Node::EndsWith(_, text) if text.contains('\0') => {
                // No stored text holds it.
                out.push("FALSE");
                Ok(Answer::TrueOrFalse)
            }
            Node::Contains(operand, part) => self.contains(operand, part, out),
            Node::Like(operand, pattern, fold) => self.like(operand, pattern, *fold, out),
            Node::StartsWith(operand, prefix) => {
                let (cell, _) = self.text_operand(operand)?;
                let (cell, answer) = text_of(&cell);
                self.starts_with(&cell, prefix, out);
                Ok(answer)
            }
            Node::EndsWith(operand, suffix) => {
                let (cell, _) = self.text_operand(operand)?;
                let (cell, answer) = text_of(&cell);
                out.push(&format!("({cell} LIKE "));
                out.bind_text(&format!("%{}", escaped(suffix)));
                out.push(")");
                Ok(answer)
            }
            Node::Search(operand, words) => self.search(operand, words, out),
            Node::Matches(operand, source) => self.matches(operand, source, out),
            _ => Err(Error::unsupported("PostgreSQL is not asked this operator by this version of the backend")),
        }
    }

    /// The expression of an operand, and what it leads to.
    pub(super) fn operand(&self, operand: &Operand) -> Result<(Cell, Target)> {
        let target = self.schema.resolve(operand.path())?;
        let cell = self.table.cell(self.schema, &target)?;
        match operand {
            Operand::Field(_) => Ok((cell, target)),
            Operand::Len(_) => Ok((length(&cell), Target { ty: Type::U64, ..target })),
        }
    }

    /// The same where text is asked for.
    pub(super) fn text_operand(&self, operand: &Operand) -> Result<(Cell, Target)> {
        let (cell, target) = self.operand(operand)?;
        Ok((as_text(cell, &target), target))
    }

    /// The expression of an operand as text, as text operators write it.
    pub(super) fn text_expression(&self, operand: &Operand) -> Result<String> {
        Ok(text_of(&self.text_operand(operand)?.0).0)
    }

    pub(super) fn compare(
        &self,
        cell: &Cell,
        op: Op,
        value: &Value,
        target: &Target,
        out: &mut Statement,
    ) -> Result<Answer> {
        match cell.form {
            Form::Tagged => tagged_compare(&cell.sql, op, value, out),
            Form::Plain => plain_compare(&cell.sql, op, value, out),
            Form::There => Err(Error::query("it can only be tested for null").at_field(target.path.to_string())),
            Form::Native(_) if op == Op::Eq && self.is_composite(target) => {
                Ok(self.is_id_of(std::slice::from_ref(value), out))
            }
            Form::Native(kind) => {
                if let Some(folded) = folded_id(kind, op, target, value) {
                    return Ok(native_compare(cell, folded, kind, out));
                }
                let cell = &as_compared(cell, kind, target, value);
                let Form::Native(kind) = cell.form else { return Ok(Answer::of(cell)) };
                Ok(native_compare(cell, fold::fold(op, value, kind.scalar, &target.ty), kind, out))
            }
        }
    }

    fn is_in(&self, cell: &Cell, list: &[Value], target: &Target, out: &mut Statement) -> Result<Answer> {
        let Form::Native(kind) = cell.form else { return self.is_in_json(cell, list, target, out) };
        if self.is_composite(target) {
            return Ok(self.is_id_of(list, out));
        }
        let exactly = |value: &Value| match folded_id(kind, Op::Eq, target, value) {
            Some(Folded::With(_, literal)) => Some(literal),
            Some(_) => None,
            None => fold::exactly(value, kind.scalar, &target.ty),
        };
        let literals: Vec<_> = list.iter().filter_map(exactly).collect();
        let scalar = compared_as(&literals, kind.scalar);
        match literals.is_empty() {
            true => out.push("FALSE"),
            false => {
                out.push(&format!("({} = ANY(", native_sql(cell, kind.scalar, scalar, Op::Eq)));
                bind_list(scalar, &literals, out);
                out.push("))");
            }
        }
        Ok(if literals.is_empty() { Answer::TrueOrFalse } else { Answer::of(cell) })
    }

    /// Whether an operand is the id of rows that a key of several columns tells apart.
    fn is_composite(&self, target: &Target) -> bool {
        target.part == Part::Id && !self.table.key.is_empty()
    }

    /// Whether the id is one of these, as the index of its key finds it.
    fn is_id_of(&self, values: &[Value], out: &mut Statement) -> Answer {
        let id = |value: &Value| if let Value::Text(text) = value { Id::new(text).ok() } else { None };
        let ids: Vec<Id> = values.iter().filter_map(id).filter(|id| self.table.can_have(id)).collect();
        out.push("(");
        match ids.as_slice() {
            [] => out.push("FALSE"),
            [one] => {
                out.kinds.push(self.table.id.kind);
                push_id(one, self.table, &mut out.values);
                out.push(&self.table.id_is(out.kinds.len()));
            }
            several => {
                let mut items = Values::default();
                several.iter().for_each(|id| push_item(id, self.table, &mut items));
                out.among(self.table, &items);
            }
        }
        out.push(")");
        Answer::TrueOrFalse
    }

    fn is_in_json(&self, cell: &Cell, list: &[Value], target: &Target, out: &mut Statement) -> Result<Answer> {
        if cell.form == Form::There {
            return Err(Error::query("it can only be tested for null").at_field(target.path.to_string()));
        }
        let mut items = Values::default();
        for value in list {
            let json = if cell.form == Form::Plain { plain_json(value) } else { tagged_json(value)? };
            if let Some(json) = json {
                items.with(|bytes| {
                    bytes.push(1);
                    bytes.extend_from_slice(&json);
                });
            }
        }
        out.push(&format!("({} = ANY(", cell.sql));
        out.bind(Scalar::Jsonb.many(), |values| values.array(Scalar::Jsonb, &items));
        out.push("))");
        Ok(Answer::MaybeNull)
    }

    fn contains(&self, operand: &Operand, part: &Value, out: &mut Statement) -> Result<Answer> {
        let (cell, target) = self.text_operand(operand)?;
        if let Type::List(item) = &target.ty {
            let item_target = Target { ty: item.ty.clone(), ..target.clone() };
            let part = coerce(part, &item_target, true)?;
            let Form::Native(kind) = cell.form else { return json_contains(&cell, &part, out) };
            let Some(literal) = fold::exactly(&part, kind.scalar, &item.ty) else {
                out.push("FALSE");
                return Ok(Answer::TrueOrFalse);
            };
            out.push("(");
            bind_literal(compared_as(std::slice::from_ref(&literal), kind.scalar), &literal, out);
            out.push(&format!(" = ANY({}))", native_sql(&cell, kind.scalar, kind.scalar, Op::Eq)));
            return Ok(Answer::of(&cell));
        }
        let part = coerce(part, &target, true)?;
        if matches!(&part, Value::Text(text) if text.contains('\0')) {
            out.push("FALSE");
            return Ok(Answer::TrueOrFalse);
        }
        match (&part, cell.form) {
            (Value::Text(text), Form::Native(_)) => {
                let (cell, answer) = text_of(&cell);
                contains_text(&cell, text, out);
                Ok(answer)
            }
            (_, Form::Native(_) | Form::There) => {
                Err(Error::query("only text and lists have `contains`").at_field(target.path.to_string()))
            }
            (Value::Text(text), _) => {
                out.push("(");
                contains_text(&text_of(&cell).0, text, out);
                out.push(" OR ");
                json_contains(&cell, &part, out)?;
                out.push(")");
                Ok(Answer::MaybeNull)
            }
            _ => json_contains(&cell, &part, out),
        }
    }

    fn like(&self, operand: &Operand, pattern: &str, fold: bool, out: &mut Statement) -> Result<Answer> {
        let (cell, _) = self.text_operand(operand)?;
        let (cell, answer) = text_of(&cell);
        let prefix = if fold { String::new() } else { literal_prefix(pattern) };
        out.push("(");
        if !prefix.is_empty() {
            // An index can start there, also in a plan that is made before the pattern is known.
            self.starts_with(&cell, &prefix, out);
            out.push(" AND ");
        }
        match fold {
            // By bytes, only ASCII letters have a lower case (semantics 3.6).
            true => out.push(&format!("lower({cell}) LIKE ")),
            false => out.push(&format!("{cell} LIKE ")),
        }
        let folded = if fold { pattern.to_ascii_lowercase() } else { pattern.to_owned() };
        out.bind_text(&folded);
        out.push(")");
        Ok(answer)
    }

    fn matches(&self, operand: &Operand, source: &str, out: &mut Statement) -> Result<Answer> {
        let (cell, target) = self.text_operand(operand)?;
        let (cell, answer) = text_of(&cell);
        let native = Native::of(source).map_err(|e| e.at_field(target.path.to_string()))?;
        out.push("(");
        if !native.prefix.is_empty() {
            self.starts_with(&cell, &native.prefix, out);
            out.push(" AND ");
        }
        out.push(&format!("{cell} ~ "));
        out.bind_text(&native.pattern);
        out.push(")");
        Ok(answer)
    }

    /// A range of texts, which an index by bytes serves in any plan.
    fn starts_with(&self, cell: &str, prefix: &str, out: &mut Statement) {
        out.push(&format!("({cell} >= "));
        out.bind_text(prefix);
        match successor(prefix) {
            Some(end) => {
                out.push(&format!(" AND {cell} < "));
                out.bind_text(&end);
            }
            None => {
                out.push(&format!(" AND {cell} LIKE "));
                out.bind_text(&format!("{}%", escaped(prefix)));
            }
        }
        out.push(")");
    }
}

/// An id that is kept as a UUID, compared with what is none, is compared as the text that it is.
fn as_compared(cell: &Cell, kind: Kind, target: &Target, value: &Value) -> Cell {
    let is_uuid = matches!(value, Value::Text(text) if fold::exactly(&Value::Text(text.clone()), Scalar::Uuid, &Type::Uuid).is_some());
    if kind.scalar == Scalar::Uuid && target.part == Part::Id && !is_uuid {
        return as_text(cell.clone(), target);
    }
    cell.clone()
}

/// A key of the server's own types is compared with the text of an id as with the value that it stands for.
fn folded_id(kind: Kind, op: Op, target: &Target, value: &Value) -> Option<Folded> {
    let Value::Text(text) = value else { return None };
    let applies = target.part == Part::Id && !matches!(kind.scalar, Scalar::Text | Scalar::Uuid);
    applies.then(|| key::literal(text, kind.scalar).map_or(Folded::Never, |literal| Folded::With(op, literal)))
}

/// An id as the text that it is, whatever its column holds.
fn as_text(cell: Cell, target: &Target) -> Cell {
    match cell.form {
        Form::Native(kind) if target.part == Part::Id && kind.scalar != Scalar::Text => {
            Cell { sql: key::text_sql(&cell.sql, kind.scalar), form: Form::Native(Scalar::Text.one()), ..cell }
        }
        _ => cell,
    }
}

/// A `real` column is compared as `double precision` with what no `real` equals.
fn compared_as(literals: &[Literal], scalar: Scalar) -> Scalar {
    let exact = |literal: &Literal| match literal {
        Literal::Float(value) => f64::from(*value as f32) == *value,
        _ => true,
    };
    if scalar == Scalar::Float4 && !literals.iter().all(exact) { Scalar::Float8 } else { scalar }
}

fn native_sql(cell: &Cell, of: Scalar, compared: Scalar, op: Op) -> String {
    match (of, compared) {
        (Scalar::Text, _) if op == Op::Eq => cell.equal(),
        (Scalar::Text, _) => cell.text(),
        (of, compared) if of != compared => format!("{}::{}", cell.sql, compared.sql()),
        _ => cell.sql.clone(),
    }
}

pub(super) fn native_compare(cell: &Cell, folded: Folded, kind: Kind, out: &mut Statement) -> Answer {
    match folded {
        Folded::Never => {
            out.push("FALSE");
            return Answer::TrueOrFalse;
        }
        Folded::Always if cell.nullable => out.push(&format!("({} IS NOT NULL)", cell.sql)),
        Folded::Always => out.push("TRUE"),
        Folded::With(op, literal) => {
            let scalar = compared_as(std::slice::from_ref(&literal), kind.scalar);
            out.push(&format!("({} {} ", native_sql(cell, kind.scalar, scalar, op), op.symbol()));
            bind_literal(scalar, &literal, out);
            out.push(")");
            return Answer::of(cell);
        }
    }
    Answer::TrueOrFalse
}

pub(super) fn bind_literal(scalar: Scalar, literal: &Literal, out: &mut Statement) {
    out.bind(scalar.one(), |values| literal.push(scalar, values));
}

fn bind_list(scalar: Scalar, literals: &[Literal], out: &mut Statement) {
    let mut items = Values::default();
    literals.iter().for_each(|literal| literal.push(scalar, &mut items));
    out.bind(scalar.many(), |values| values.array(scalar, &items));
}

/// A text expression, and whether it can be null. Of JSON, what is no text is null.
fn text_of(cell: &Cell) -> (String, Answer) {
    match cell.form {
        Form::Native(_) => (cell.text(), Answer::of(cell)),
        _ => (json_string(&cell.sql), Answer::MaybeNull),
    }
}

fn contains_text(cell: &str, text: &str, out: &mut Statement) {
    out.push(&format!("(strpos({cell}, "));
    out.bind_text(text);
    out.push(") > 0)");
}

/// The length of a list.
fn length(cell: &Cell) -> Cell {
    let sql = match cell.form {
        Form::Native(_) => format!("cardinality({})", cell.sql),
        _ => format!("(CASE WHEN jsonb_typeof({0}) = 'array' THEN jsonb_array_length({0}) END)", cell.sql),
    };
    let nullable = cell.nullable || !matches!(cell.form, Form::Native(_));
    Cell { sql, form: Form::Native(Scalar::Int4.one()), nullable, by_bytes: true, equal_by_bytes: false }
}
