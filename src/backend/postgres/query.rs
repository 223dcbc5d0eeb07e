//! Filters, orders and pages as SQL. Pure: text and parameters come out, nothing is sent.
//!
//! A condition is true where the filter is true, and false or null where it is false: `WHERE` takes both alike. What may be
//! null is made two-valued only under `not` (semantics 3.1), so positive conjunctions stay as an index wants them.

use std::sync::Arc;

use super::{
    cell::{self, Cell, Form},
    fold::{self, Folded, Literal},
    key,
    regex::Native,
    schema::{Table, VersionAt},
    statement::Template,
    tagged,
    wire::{self, Kind, Scalar, Values},
};
use crate::{
    error::{Error, Result},
    query::{Cursor, Filter, Key, Node, Nulls, Op, Operand, coerce::coerce},
    record::{Part, Schema, Target, Type},
    value::Value,
};

/// The most rows of a page that are sorted once more when they are there.
const MAX_SORTED: usize = 10_000;

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
    fn bind_jsonb(&mut self, json: &[u8]) {
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

fn native_compare(cell: &Cell, folded: Folded, kind: Kind, out: &mut Statement) -> Answer {
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

pub(super) fn json_string(json: &str) -> String {
    format!("(CASE WHEN jsonb_typeof({json}) = 'string' THEN {json} #>> '{{}}' END COLLATE \"C\")")
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

// ---- values inside JSON

fn tagged_json(value: &Value) -> Result<Option<Vec<u8>>> {
    match value {
        // NaN and infinities equal nothing that is stored, and have no JSON.
        Value::Float(float) if !float.is_finite() => Ok(None),
        // No stored one is before the first that the server holds.
        Value::Timestamp(moment) if wire::micros_of(*moment).is_none() => Ok(None),
        Value::Date(date) if wire::days_of(*date).is_none() => Ok(None),
        value => Ok(Some(tagged::value_text(value)?).filter(|json| !tagged::holds_zero(json))),
    }
}

/// The JSON of a value as metadata holds it; `None` for a kind that metadata has not.
fn plain_json(value: &Value) -> Option<Vec<u8>> {
    let json = plain(value)?;
    let mut out = Vec::new();
    tagged::push_json(&json, &mut out).ok()?;
    (!tagged::holds_zero(&out)).then_some(out)
}

fn plain(value: &Value) -> Option<serde_json::Value> {
    use serde_json::Value as Json;
    Some(match value {
        Value::Null => Json::Null,
        Value::Bool(v) => Json::from(*v),
        Value::Int(v) => i64::try_from(*v).map(Json::from).or_else(|_| u64::try_from(*v).map(Json::from)).ok()?,
        Value::Float(v) => Json::Number(serde_json::Number::from_f64(*v)?),
        Value::Text(v) => Json::from(v.as_str()),
        Value::Json(json @ Json::Object(_)) => json.clone(),
        Value::List(items) => Json::Array(items.iter().map(plain).collect::<Option<_>>()?),
        _ => return None,
    })
}

/// Compares a value of run-time type with a literal; values of another kind compare with nothing (semantics 3.8).
fn tagged_compare(json: &str, op: Op, value: &Value, out: &mut Statement) -> Result<Answer> {
    let typed = |scalar: Scalar, sql: String, out: &mut Statement| {
        let cell =
            Cell { sql, form: Form::Native(scalar.one()), nullable: true, by_bytes: true, equal_by_bytes: false };
        let ty = if scalar == Scalar::Numeric { Type::Decimal } else { Type::Any };
        Ok(native_compare(&cell, fold::fold(op, value, scalar, &ty), scalar.one(), out))
    };
    match value {
        _ if op == Op::Eq => json_equal(json, tagged_json(value)?, out),
        Value::Decimal(_) => typed(Scalar::Numeric, format!("({json} ->> '$decimal')::numeric"), out),
        Value::Bytes(_) => typed(Scalar::Bytea, format!("decode({json} ->> '$bytes', 'base64')"), out),
        Value::Uuid(_) => typed(Scalar::Uuid, format!("({json} ->> '$uuid')::uuid"), out),
        Value::Timestamp(_) => typed(Scalar::TimestampTz, cell::moment(json), out),
        Value::Date(_) => typed(Scalar::Date, cell::day(json), out),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) => scalar_compare(json, op, value, out),
        // Lists, records, JSON and vectors are equal or unordered.
        _ if matches!(op, Op::Ge | Op::Le) => json_equal(json, tagged_json(value)?, out),
        _ => {
            out.push("FALSE");
            Ok(Answer::TrueOrFalse)
        }
    }
}

/// The same on metadata, which has JSON's own kinds only.
fn plain_compare(json: &str, op: Op, value: &Value, out: &mut Statement) -> Result<Answer> {
    match value {
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Text(_) if op != Op::Eq => {
            scalar_compare(json, op, value, out)
        }
        _ if matches!(op, Op::Eq | Op::Ge | Op::Le) => json_equal(json, plain_json(value), out),
        _ => {
            out.push("FALSE");
            Ok(Answer::TrueOrFalse)
        }
    }
}

fn json_equal(json: &str, literal: Option<Vec<u8>>, out: &mut Statement) -> Result<Answer> {
    let Some(literal) = literal else {
        out.push("FALSE");
        return Ok(Answer::TrueOrFalse);
    };
    out.push(&format!("({json} = "));
    out.bind_jsonb(&literal);
    out.push(")");
    Ok(Answer::MaybeNull)
}

fn scalar_compare(json: &str, op: Op, value: &Value, out: &mut Statement) -> Result<Answer> {
    let (scalar, sql) = match value {
        Value::Bool(_) => (Scalar::Bool, json_as(json, "boolean", "boolean")),
        Value::Text(_) => (Scalar::Text, json_string(json)),
        _ => (Scalar::Numeric, json_as(json, "number", "numeric")),
    };
    let cell = Cell { sql, form: Form::Native(scalar.one()), nullable: true, by_bytes: true, equal_by_bytes: false };
    let literal = match value {
        // As stored floats are: by digits that order as the floats do.
        Value::Float(float) if float.is_finite() => {
            let text = tagged::value_text(&Value::Float(*float))?;
            Folded::With(op, Literal::Numeric(plain_digits(&String::from_utf8_lossy(&text))))
        }
        value => fold::fold(op, value, scalar, &Type::Decimal),
    };
    Ok(native_compare(&cell, literal, scalar.one(), out))
}

fn json_as(json: &str, kind: &str, ty: &str) -> String {
    format!("(CASE WHEN jsonb_typeof({json}) = '{kind}' THEN ({json})::{ty} END)")
}

/// A number without an exponent.
fn plain_digits(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return text.to_owned() };
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let point = whole.len() as i64 + exponent;
    match usize::try_from(point) {
        Ok(point) if point >= digits.len() => format!("{sign}{digits}{}", "0".repeat(point - digits.len())),
        Ok(point) if point > 0 => format!("{sign}{}.{}", &digits[..point], &digits[point..]),
        _ => format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
    }
}

/// Whether a list inside JSON holds an item.
fn json_contains(cell: &Cell, part: &Value, out: &mut Statement) -> Result<Answer> {
    let json = if cell.form == Form::Plain { plain_json(part) } else { tagged_json(part)? };
    let Some(json) = json else {
        out.push("FALSE");
        return Ok(Answer::TrueOrFalse);
    };
    let sql = &cell.sql;
    let list = format!("CASE WHEN jsonb_typeof({sql}) = 'array' THEN {sql} END");
    out.push(&format!("EXISTS (SELECT 1 FROM jsonb_array_elements({list}) AS item(value) WHERE item.value = "));
    out.bind_jsonb(&json);
    out.push(")");
    Ok(Answer::TrueOrFalse)
}

// ---- patterns

/// A text as a pattern that matches it alone.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

/// What everything that matches a pattern begins with.
fn literal_prefix(pattern: &str) -> String {
    let mut prefix = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' | '_' => break,
            '\\' => prefix.extend(chars.next()),
            c => prefix.push(c),
        }
    }
    prefix
}

/// The least text behind everything that begins with this one; `None` where there is none.
fn successor(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = match last {
            '\u{d7ff}' => Some('\u{e000}'),
            last => char::from_u32(last as u32 + 1),
        };
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

// ---- order and pages

/// One expression that rows are sorted by.
struct SortColumn {
    sql: String,
    kind: Kind,
    descending: bool,
    nulls: Nulls,
    nullable: bool,
    /// Its value at the end of a page.
    bound: Option<Option<Literal>>,
}

impl Lowering<'_> {
    /// Appends `ORDER BY`, and to the conditions what comes behind a cursor.
    fn sort_columns<R>(
        &self,
        keys: &[(Key<R>, Target)],
        descending: bool,
        after: Option<&Cursor>,
    ) -> Result<Vec<SortColumn>> {
        let mut columns = Vec::new();
        let mut has_id = false;
        for (place, (key, target)) in keys.iter().enumerate() {
            let (cell, target) = match key.operand() {
                Operand::Field(_) => (self.table.cell(self.schema, target)?, target.clone()),
                operand => self.operand(operand)?,
            };
            has_id |= target.part == Part::Id;
            let value = after.map(|cursor| cursor.values().get(place).unwrap_or(&Value::Null));
            let value = match (&target.part, after) {
                (Part::Id, Some(cursor)) => Some(id_value(cursor)),
                _ => value.cloned(),
            };
            let direction = key.direction();
            for (cell, bound) in sorted_by(&cell, &target, value.as_ref())? {
                columns.push(SortColumn {
                    sql: cell.text(),
                    kind: native(&cell),
                    descending: direction.descending,
                    nulls: direction.nulls,
                    nullable: cell.nullable,
                    bound,
                });
            }
        }
        if !has_id {
            let cell = Cell::of(&self.table.id);
            let bound = after.map(|cursor| id_literal(&cell, &id_value(cursor))).transpose()?;
            let (sql, kind) = (cell.text(), native(&cell));
            columns.push(SortColumn {
                sql,
                kind,
                descending,
                nulls: Nulls::Last,
                nullable: false,
                bound: bound.map(Some),
            });
        }
        Ok(columns)
    }

    /// Appends the clauses of a query: its condition, what comes behind its cursor, its order, its page.
    pub(super) fn clauses<R>(&self, filter: &Filter, page: &PageOf<'_, R>, out: &mut Statement) -> Result<()> {
        let columns = match page.ordered || page.after.is_some() {
            true => self.sort_columns(page.keys, page.ids_descending, page.after)?,
            false => Vec::new(),
        };
        let all = filter.is_all();
        if !all {
            out.push(" WHERE ");
            self.condition(filter, out)?;
        }
        if page.after.is_some() {
            out.push(if all { " WHERE " } else { " AND " });
            behind(&columns, out);
        }
        if page.ordered {
            out.push(" ORDER BY ");
            order_by(&columns, out);
        }
        push_page(page, out);
        Ok(())
    }

    /// Appends the clauses of a query whose order is that of its keys, then of a rank, then of ids.
    pub(super) fn ranked_clauses<R>(
        &self,
        filter: &Filter,
        page: &PageOf<'_, R>,
        rank: &str,
        out: &mut Statement,
    ) -> Result<()> {
        if !filter.is_all() {
            out.push(" WHERE ");
            self.condition(filter, out)?;
        }
        let mut columns = self.sort_columns(page.keys, page.ids_descending, None)?;
        let best_first = SortColumn {
            sql: rank.to_owned(),
            kind: Scalar::Float8.one(),
            descending: true,
            nulls: Nulls::Last,
            nullable: false,
            bound: None,
        };
        // Ids that the query asks for by itself are a key like others; those that break ties come behind the rank.
        let breaks_ties = page.keys.iter().all(|(_, target)| target.part != Part::Id);
        columns.insert(columns.len() - usize::from(breaks_ties), best_first);
        out.push(" ORDER BY ");
        order_by(&columns, out);
        push_page(page, out);
        Ok(())
    }

    /// The statement of a page that begins among the values of a first key which may be null. The rows behind it are two
    /// ranges of an index, the greater values and then the nulls, and no one condition on both is one for an index; so they are
    /// asked for one after the other, the nulls only where the values did not fill the page. `None` where this does not apply.
    pub(super) fn two_ranges<R>(
        &self,
        selected: &str,
        filter: &Filter,
        page: &PageOf<'_, R>,
    ) -> Result<Option<Statement>> {
        let (Some(_), Some(limit), 0) = (page.after, page.limit.filter(|limit| *limit <= MAX_SORTED), page.offset)
        else {
            return Ok(None);
        };
        let columns = self.sort_columns(page.keys, page.ids_descending, page.after)?;
        let Some((first, rest)) = columns.split_first() else { return Ok(None) };
        // A key of run-time type sorts by several expressions, which have no index.
        let one_each = columns.len() <= page.keys.len() + 1;
        if !one_each || !first.nullable || first.nulls == Nulls::First || !matches!(first.bound, Some(Some(_))) {
            return Ok(None);
        }
        let mut out = Statement::default();
        if !filter.is_all() {
            self.condition(filter, &mut out)?;
            out.push(" AND ");
        }
        let condition = std::mem::take(&mut out.sql);
        behind_values(&columns, &mut out);
        let values = std::mem::take(&mut out.sql);
        order_by(&columns, &mut out);
        let order = std::mem::take(&mut out.sql);
        order_by(rest, &mut out);
        let order_of_nulls = std::mem::take(&mut out.sql);
        out.bind_int(i64::try_from(limit).unwrap_or(i64::MAX));
        let limit = std::mem::take(&mut out.sql);
        let all = if self.table.version == VersionAt::Xmin { "*, xmin" } else { "*" };
        let rows = format!("SELECT {all} FROM {} WHERE {condition}", self.table.qualified);
        // No store has a name that begins so.
        out.sql = format!(
            "WITH _values AS MATERIALIZED ({rows}{values} ORDER BY {order} LIMIT {limit}) \
             SELECT {selected} FROM (SELECT * FROM _values UNION ALL ({rows}{} IS NULL AND \
             (SELECT count(*) FROM _values) < {limit} ORDER BY {order_of_nulls} LIMIT {limit})) AS _page \
             ORDER BY {order} LIMIT {limit}",
            first.sql
        );
        Ok(Some(out))
    }
}

fn push_page<R>(page: &PageOf<'_, R>, out: &mut Statement) {
    if let Some(limit) = page.limit {
        out.push(" LIMIT ");
        out.bind_int(i64::try_from(limit).unwrap_or(i64::MAX));
    }
    if page.offset > 0 {
        out.push(" OFFSET ");
        out.bind_int(i64::try_from(page.offset).unwrap_or(i64::MAX));
    }
}

/// The order and the page of a query.
pub(super) struct PageOf<'q, R> {
    pub(super) keys: &'q [(Key<R>, Target)],
    pub(super) ids_descending: bool,
    pub(super) ordered: bool,
    pub(super) limit: Option<usize>,
    pub(super) offset: usize,
    pub(super) after: Option<&'q Cursor>,
}

fn native(cell: &Cell) -> Kind {
    match cell.form {
        Form::Native(kind) => kind,
        _ => Scalar::Jsonb.one(),
    }
}

fn id_value(cursor: &Cursor) -> Value {
    Value::Text(cursor.id().to_string())
}

/// The value of an id in the type of its column.
pub(super) fn id_literal(cell: &Cell, id: &Value) -> Result<Literal> {
    let foreign = || Error::query("the cursor belongs to a query with another order; start again without it");
    let Value::Text(text) = id else { return Err(foreign()) };
    let scalar = native(cell).scalar;
    match scalar {
        Scalar::Text | Scalar::Uuid => fold::exactly(id, scalar, &Type::Any),
        scalar => key::literal(text, scalar),
    }
    .ok_or_else(foreign)
}

type Bound = Option<Option<Literal>>;

/// The expressions that a key sorts by, each with its value in a cursor. A value of run-time type has one for its kind and
/// one for each family of kinds.
fn sorted_by(cell: &Cell, target: &Target, value: Option<&Value>) -> Result<Vec<(Cell, Bound)>> {
    match cell.form {
        Form::Native(kind) => {
            let bound = value.map(|value| match (value, &target.part) {
                (Value::Null, _) => Ok(None),
                (value, Part::Id) => id_literal(cell, value).map(Some),
                (value, _) => fold::exactly(value, kind.scalar, &target.ty).map(Some).ok_or_else(|| {
                    Error::query("the cursor belongs to a query with another order; start again without it")
                }),
            });
            Ok(vec![(cell.clone(), bound.transpose()?)])
        }
        Form::There => Err(Error::query("it has no order").at_field(target.path.to_string())),
        form => Ok(families(&cell.sql, form, value)),
    }
}

/// The sort expressions of a JSON value: its rank among kinds, then its value within each kind.
fn families(json: &str, form: Form, value: Option<&Value>) -> Vec<(Cell, Bound)> {
    let tag = |name: &str, rank: u8| format!("WHEN {json} ? '${name}' THEN {rank} ");
    let objects = match form {
        Form::Plain => "THEN 10".to_owned(),
        _ => format!(
            "THEN CASE {}{}{}{}{}{}{}ELSE 10 END",
            tag("decimal", 2),
            tag("bytes", 4),
            tag("uuid", 5),
            tag("timestamp", 6),
            tag("date", 7),
            tag("record", 9),
            tag("vector", 11)
        ),
    };
    let rank = format!(
        "(CASE jsonb_typeof({json}) WHEN 'boolean' THEN 0 WHEN 'number' THEN 1 WHEN 'string' THEN 3 WHEN 'array' THEN 8 \
         WHEN 'object' {objects} END)"
    );
    let cell = |sql: String, scalar: Scalar| Cell {
        sql,
        form: Form::Native(scalar.one()),
        nullable: true,
        by_bytes: true,
        equal_by_bytes: false,
    };
    let rank_of = |value: &Value| match value {
        Value::Null => None,
        value => Some(Literal::Int(rank_of(value).into())),
    };
    let within = |scalar: Scalar, value: &Value| match (value, scalar) {
        (Value::Float(float), Scalar::Numeric) => {
            let text = tagged::value_text(&Value::Float(*float)).unwrap_or_default();
            Some(Literal::Numeric(plain_digits(&String::from_utf8_lossy(&text))))
        }
        (Value::Decimal(_), Scalar::Numeric) => None,
        (value, scalar) => fold::exactly(value, scalar, &Type::Decimal),
    };
    let bound = |scalar: Scalar| value.map(|value| within(scalar, value));
    let mut all = vec![
        (cell(rank, Scalar::Int4), value.map(rank_of)),
        (cell(json_as(json, "boolean", "boolean"), Scalar::Bool), bound(Scalar::Bool)),
        (cell(json_as(json, "number", "numeric"), Scalar::Numeric), bound(Scalar::Numeric)),
        (cell(json_string(json), Scalar::Text), bound(Scalar::Text)),
    ];
    if form == Form::Tagged {
        let decimal = value.map(|value| match value {
            Value::Decimal(_) => fold::exactly(value, Scalar::Numeric, &Type::Decimal),
            _ => None,
        });
        let only = |scalar: Scalar, is: fn(&Value) -> bool| value.map(|v| if is(v) { within(scalar, v) } else { None });
        all.extend([
            (cell(format!("({json} ->> '$decimal')::numeric"), Scalar::Numeric), decimal),
            (cell(format!("decode({json} ->> '$bytes', 'base64')"), Scalar::Bytea), bound(Scalar::Bytea)),
            (
                cell(format!("({json} ->> '$uuid')::uuid"), Scalar::Uuid),
                only(Scalar::Uuid, |v| matches!(v, Value::Uuid(_))),
            ),
            (cell(cell::moment(json), Scalar::TimestampTz), bound(Scalar::TimestampTz)),
            (cell(cell::day(json), Scalar::Date), bound(Scalar::Date)),
        ]);
        // A UUID is no text here.
        if let Some((_, bound)) = all.get_mut(3)
            && matches!(value, Some(Value::Uuid(_)))
        {
            *bound = Some(None);
        }
    }
    all
}

/// The rank of a kind in the order of values.
fn rank_of(value: &Value) -> i8 {
    match value {
        Value::Bool(_) => 0,
        Value::Int(_) | Value::Float(_) => 1,
        Value::Decimal(_) => 2,
        Value::Text(_) => 3,
        Value::Bytes(_) => 4,
        Value::Uuid(_) => 5,
        Value::Timestamp(_) => 6,
        Value::Date(_) => 7,
        Value::List(_) => 8,
        Value::Record(_) => 9,
        Value::Json(_) => 10,
        Value::Vector(_) => 11,
        Value::Null => 12,
    }
}

fn order_by(columns: &[SortColumn], out: &mut Statement) {
    for (place, column) in columns.iter().enumerate() {
        out.push(if place > 0 { ", " } else { "" });
        out.push(&column.sql);
        out.push(if column.descending { " DESC" } else { "" });
        // The server's own places: last where ascending, first where descending.
        out.push(match (column.nullable, column.descending, column.nulls) {
            (true, false, Nulls::First) => " NULLS FIRST",
            (true, true, Nulls::Last) => " NULLS LAST",
            _ => "",
        });
    }
}

/// What comes behind the values of a cursor: a comparison of rows where an index can serve one, else key by key.
fn behind(columns: &[SortColumn], out: &mut Statement) {
    match columns {
        [first, ..] if !first.nullable => behind_values(columns, out),
        _ => behind_key_by_key(columns, out),
    }
}

/// The same without the rows whose first key is null.
fn behind_values(columns: &[SortColumn], out: &mut Statement) {
    let Some((first, rest)) = columns.split_first() else { return out.push("FALSE") };
    if rest.iter().all(|c| !c.nullable && c.descending == first.descending) {
        let names: Vec<_> = columns.iter().map(|c| c.sql.as_str()).collect();
        out.push(&format!("(({}) {} (", names.join(", "), if first.descending { "<" } else { ">" }));
        for (place, column) in columns.iter().enumerate() {
            out.push(if place > 0 { ", " } else { "" });
            bind_bound(column, out);
        }
        return out.push("))");
    }
    // Where the first key ends a range of an index; the rest is tested in it.
    out.push(&format!("({} {} ", first.sql, if first.descending { "<=" } else { ">=" }));
    bind_bound(first, out);
    out.push(&format!(" AND ({} <> ", first.sql));
    bind_bound(first, out);
    out.push(" OR ");
    behind(rest, out);
    out.push("))");
}

fn bind_bound(column: &SortColumn, out: &mut Statement) {
    match &column.bound {
        Some(Some(literal)) => bind_literal(column.kind.scalar, literal, out),
        _ => out.push("NULL"),
    }
}

fn behind_key_by_key(columns: &[SortColumn], out: &mut Statement) {
    let Some((column, rest)) = columns.split_first() else { return out.push("FALSE") };
    let at_null = !matches!(column.bound, Some(Some(_)));
    let sql = &column.sql;
    out.push("(");
    match (at_null, column.nulls) {
        (true, Nulls::Last) => out.push("FALSE"),
        (true, Nulls::First) => out.push(&format!("{sql} IS NOT NULL")),
        (false, nulls) => {
            out.push(&format!("{sql} {} ", if column.descending { "<" } else { ">" }));
            bind_bound(column, out);
            if column.nullable && nulls == Nulls::Last {
                out.push(&format!(" OR {sql} IS NULL"));
            }
        }
    }
    if !rest.is_empty() {
        out.push(" OR (");
        match at_null {
            true => out.push(&format!("{sql} IS NULL")),
            false => {
                out.push(&format!("{sql} = "));
                bind_bound(column, out);
            }
        }
        out.push(" AND ");
        behind_key_by_key(rest, out);
        out.push(")");
    }
    out.push(")");
}
