//! The parser of the text form: one function for each rule of the grammar.

use base64::{Engine, prelude::BASE64_STANDARD};
use rust_decimal::Decimal;

use crate::{
    error::{Error, Result},
    query::{
        filter::{Filter, MAX_DEPTH, Node, Op, Operand},
        text::lex::Lexer,
    },
    record::target::nearest,
    value::Value,
};

/// The words that can stand behind an operand, for the hint.
const OPERATORS: [&str; 11] = [
    "between",
    "in",
    "like",
    "ilike",
    "matches",
    "search",
    "starts with",
    "ends with",
    "contains",
    "is null",
    "not in",
];

/// The words that begin a typed literal, for the hint.
const TYPES: [&str; 6] = ["timestamp", "date", "uuid", "decimal", "bytes", "value"];

pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    depth: usize,
}

impl<'a> Parser<'a> {
    pub fn new(text: &'a str) -> Self {
        Parser { lexer: Lexer::new(text), depth: 0 }
    }
    pub fn filter(mut self) -> Result<Filter> {
        let filter = self.disjunction()?;
        self.end("`and`, `or` or the end").map(|()| filter)
    }
    pub fn operand_alone(mut self) -> Result<Operand> {
        let operand = self.operand()?;
        self.end("the end").map(|()| operand)
    }
    fn end(&self, or: &str) -> Result<()> {
        if self.lexer.is_at_end() { Ok(()) } else { Err(self.lexer.expected(or)) }
    }

    fn disjunction(&mut self) -> Result<Filter> {
        let start = self.lexer;
        let mut list = vec![self.conjunction()?];
        while self.lexer.keyword("or") {
            list.push(self.conjunction()?);
        }
        not_too_deep(Filter::or(list), start)
    }
    fn conjunction(&mut self) -> Result<Filter> {
        let start = self.lexer;
        let mut list = vec![self.negation()?];
        while self.lexer.keyword("and") {
            list.push(self.negation()?);
        }
        not_too_deep(Filter::and(list), start)
    }
    fn negation(&mut self) -> Result<Filter> {
        let start = self.lexer;
        if self.lexer.keyword("not") {
            let inside = self.deeper(start, Parser::negation)?;
            return not_too_deep(inside.not(), start);
        }
        if self.lexer.sign("(") {
            let inside = self.deeper(start, Parser::disjunction)?;
            self.lexer
                .expect_sign(")")
                .map_err(|e| if self.lexer.is_at_end() { open_parenthesis(start) } else { e })?;
            return Ok(inside);
        }
        match self.constant() {
            Some(constant) => Ok(constant),
            None => self.test().and_then(|filter| not_too_deep(filter, start)),
        }
    }
    /// One level deeper, where there is one left: what recurses ends here.
    fn deeper(&mut self, start: Lexer<'a>, rule: fn(&mut Self) -> Result<Filter>) -> Result<Filter> {
        if self.depth == MAX_DEPTH {
            return Err(too_deep(start));
        }
        self.depth += 1;
        let filter = rule(self);
        self.depth -= 1;
        filter
    }
    fn constant(&mut self) -> Option<Filter> {
        match () {
            () if self.lexer.keyword("all") || self.lexer.keyword("true") => Some(Filter::all()),
            () if self.lexer.keyword("none") || self.lexer.keyword("false") => Some(Filter::none()),
            () => None,
        }
    }

    fn operand(&mut self) -> Result<Operand> {
        if !self.lexer.is_at_length() {
            return self.lexer.path().map(Operand::Field);
        }
        self.lexer.keyword("len");
        self.lexer.expect_sign("(")?;
        let path = self.lexer.path()?;
        self.lexer.expect_sign(")")?;
        Ok(Operand::Len(path))
    }

    fn test(&mut self) -> Result<Filter> {
        let operand = self.operand()?;
        if self.lexer.keyword("is") {
            return self.is_something(operand);
        }
        if self.lexer.keyword("not") {
            return self.word_test(operand).map(Filter::not);
        }
        match self.comparison() {
            Some((op, negated)) => {
                let filter = Filter::compare(operand, op, self.literal()?);
                Ok(if negated { filter.not() } else { filter })
            }
            None => self.word_test(operand),
        }
    }
    /// A sign of comparison, and whether its complement is meant.
    fn comparison(&mut self) -> Option<(Op, bool)> {
        const SIGNS: [(&str, Op, bool); 8] = [
            ("==", Op::Eq, false),
            ("=", Op::Eq, false),
            ("!=", Op::Eq, true),
            ("<>", Op::Eq, true),
            ("<=", Op::Le, false),
            (">=", Op::Ge, false),
            ("<", Op::Lt, false),
            (">", Op::Gt, false),
        ];
        SIGNS.iter().find(|(sign, ..)| self.lexer.sign(sign)).map(|(_, op, negated)| (*op, *negated))
    }
    fn is_something(&mut self, operand: Operand) -> Result<Filter> {
        let negated = self.lexer.keyword("not");
        let filter = match operand {
            operand if self.lexer.keyword("null") => Filter::is_null(operand),
            Operand::Field(path) if self.lexer.keyword("empty") => Filter::eq(Operand::Len(path), 0),
            _ => return Err(self.lexer.expected("`null`, `empty`, `not null` or `not empty`")),
        };
        Ok(if negated { filter.not() } else { filter })
    }
    fn word_test(&mut self, operand: Operand) -> Result<Filter> {
        match () {
            () if self.lexer.keyword("between") => self.between(operand),
            () if self.lexer.keyword("in") => Ok(Node::In(operand, self.list()?).into()),
            () if self.lexer.keyword("like") => Ok(Filter::like(operand, self.lexer.text()?, false)),
            () if self.lexer.keyword("ilike") => Ok(Filter::like(operand, self.lexer.text()?, true)),
            () if self.lexer.keyword("matches") => Ok(Filter::matches(operand, self.lexer.text()?)),
            () if self.lexer.keyword("search") => Ok(Filter::search(operand, self.lexer.text()?)),
            () if self.lexer.keyword("contains") => Ok(Filter::contains(operand, self.literal()?)),
            () if self.with("starts", "starts_with")? => Ok(Filter::starts_with(operand, self.lexer.text()?)),
            () if self.with("ends", "ends_with")? => Ok(Filter::ends_with(operand, self.lexer.text()?)),
            () => Err(self.no_operator()),
        }
    }
    /// `starts with`, or the same in one word.
    fn with(&mut self, word: &str, both: &str) -> Result<bool> {
        match () {
            () if self.lexer.keyword(both) => Ok(true),
            () if !self.lexer.keyword(word) => Ok(false),
            () if self.lexer.keyword("with") => Ok(true),
            () => Err(self.lexer.expected("`with`")),
        }
    }
    #[cold]
    fn no_operator(&self) -> Error {
        let word = self.lexer.word();
        let hint = Some(word).filter(|w| !w.is_empty()).and_then(|w| nearest(w, OPERATORS.into_iter()));
        match hint {
            Some(hint) => self.lexer.fault(format!("`{word}` is no operator; did you mean `{hint}`?")).with_value(word),
            None => self.lexer.expected("an operator such as `=`, `in`, `like`, `is null`"),
        }
    }
    fn between(&mut self, operand: Operand) -> Result<Filter> {
        let low = self.literal()?;
        if !self.lexer.keyword("and") {
            return Err(self.lexer.expected("`and` with the upper end of `between`"));
        }
        Ok(Filter::between(operand, low, self.literal()?))
    }
    fn list(&mut self) -> Result<Vec<Value>> {
        self.lexer.expect_sign("(")?;
        let mut list = Vec::new();
        if self.lexer.sign(")") {
            return Ok(list);
        }
        loop {
            list.push(self.literal()?);
            if self.lexer.sign(")") {
                return Ok(list);
            }
            if !self.lexer.sign(",") {
                return Err(self.lexer.expected("`,` or `)`"));
            }
        }
    }

    fn literal(&mut self) -> Result<Value> {
        match () {
            () if self.lexer.is_at_text() => self.lexer.text().map(Value::Text),
            () if self.lexer.is_at_number() => self.number(),
            () if self.lexer.keyword("true") => Ok(Value::Bool(true)),
            () if self.lexer.keyword("false") => Ok(Value::Bool(false)),
            () => self.typed(),
        }
    }
    fn number(&mut self) -> Result<Value> {
        let start = self.lexer;
        let (written, whole) = self.lexer.number()?;
        if whole {
            let too_large = |_| start.fault("an integer has at most 128 bits").with_value(written);
            return written.parse().map(Value::Int).map_err(too_large);
        }
        match written.parse::<f64>() {
            Ok(v) if v.is_finite() => Ok(Value::Float(v)),
            _ => Err(start.fault("the number is too large for a float").with_value(written)),
        }
    }
    /// `date("2026-01-31")` and its like.
    fn typed(&mut self) -> Result<Value> {
        let start = self.lexer;
        let word = self.lexer.word().to_ascii_lowercase();
        let Some(name) = TYPES.into_iter().find(|name| *name == word) else {
            return Err(self.no_literal(&word));
        };
        self.lexer.keyword(name);
        self.lexer.expect_sign("(")?;
        let text = self.lexer.text()?;
        let value = typed_value(name, &text).ok_or_else(|| start.fault(format!("not a {name}")).with_value(&text))?;
        self.lexer.expect_sign(")").map(|()| value)
    }
    #[cold]
    fn no_literal(&self, word: &str) -> Error {
        match nearest(word, TYPES.into_iter()).filter(|_| !word.is_empty()) {
            _ if word == "null" => self.lexer.fault("nothing compares with null; write `is null` or `is not null`"),
            Some(hint) => {
                self.lexer.expected(&format!("a value (text is written in quotes; did you mean `{hint}(\"..\")`?)"))
            }
            None => self.lexer.expected("a value (text is written in quotes)"),
        }
    }
}

fn typed_value(name: &str, text: &str) -> Option<Value> {
    match name {
        "timestamp" => text.parse().ok().map(Value::Timestamp),
        "date" => text.parse().ok().map(Value::Date),
        "uuid" => text.parse().ok().map(Value::Uuid),
        "decimal" => Decimal::from_str_exact(text).ok().map(Value::Decimal),
        "bytes" => BASE64_STANDARD.decode(text).ok().map(Value::Bytes),
        _ => serde_json::from_str(text).ok(),
    }
}

fn not_too_deep(filter: Filter, start: Lexer<'_>) -> Result<Filter> {
    match filter.node() {
        Node::TooDeep => Err(too_deep(start)),
        _ => Ok(filter),
    }
}

#[cold]
fn too_deep(here: Lexer<'_>) -> Error {
    here.fault(format!("the filter nests deeper than {MAX_DEPTH} levels; write lists with `in`, or split the query"))
}

#[cold]
fn open_parenthesis(here: Lexer<'_>) -> Error {
    here.fault("the parenthesis that opens here is not closed")
}
