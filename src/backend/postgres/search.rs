//! Full text: the server's own words, ranks and headlines, by the configuration that a field's attribute names.
//!
//! A text is searched as the expression that its index is made of, so no column is added and existing tables are searched
//! like any other. What people write goes through `websearch_to_tsquery`, which has no wrong input.

use super::{
    Postgres,
    cell::{Cell, Form},
    codec,
    order::PageOf,
    query::{Answer, Lowering, Statement},
    rows::Output,
    schema::literal,
    store::{PostgresStore, filter_of, page_of},
};
use crate::{
    capability::{FullText, Provides},
    error::{Error, Result},
    query::{Filter, Node, Operand, Predicate, Runnable, Whole},
    record::{RecordCodec, Schema, Target, Type},
    store::{
        Limits, Searching,
        search::{Highlight, Hit},
    },
};

impl Provides<FullText> for Postgres {}

/// The words of a text, as the server's indexes hold them.
pub(super) fn vector(language: &str, text: &str) -> String {
    format!("to_tsvector({}::regconfig, {text})", literal(language))
}

/// The language of the field that a target leads to; without one, words are taken as they are.
fn language<'s>(schema: &'s Schema, target: &Target) -> &'s str {
    let (mut here, mut found) = (Some(schema), None);
    for step in target.steps() {
        let field = here.zip(step.index).and_then(|(schema, index)| schema.fields.get(index));
        found = field.and_then(|field| field.text.as_deref());
        here = field.and_then(|field| match &field.ty {
            Type::Record(nested) => Some(&**nested),
            _ => None,
        });
    }
    found.unwrap_or("simple")
}

/// What is searched, and how: the text in SQL, its language, whether it can be null.
struct Searched {
    text: String,
    language: String,
    answer: Answer,
}

/// The text itself: how it is compared is of no account to words.
fn text_of(cell: &Cell) -> (String, Answer) {
    match cell.form {
        Form::Native(_) => (cell.sql.clone(), Answer::of(cell)),
        _ => (super::json::json_string(&cell.sql), Answer::MaybeNull),
    }
}

impl Lowering<'_> {
    fn searched(&self, operand: &Operand) -> Result<Searched> {
        let (cell, target) = self.text_operand(operand)?;
        if !matches!(target.ty, Type::Text | Type::Any) {
            return Err(Error::query("only text is searched for words").at_field(target.path.to_string()));
        }
        let (text, answer) = text_of(&cell);
        Ok(Searched { text, language: literal(language(self.schema, &target)), answer })
    }

    /// Appends the condition that a text has words.
    pub(super) fn search(&self, operand: &Operand, words: &str, out: &mut Statement) -> Result<Answer> {
        let Searched { text, language, answer } = self.searched(operand)?;
        out.push(&format!("(to_tsvector({language}::regconfig, {text}) @@ "));
        asked(&language, words, out);
        out.push(")");
        Ok(answer)
    }
}

/// Appends what was written into the search box. U+0000, which no stored text holds, parts words like any other sign.
fn asked(language: &str, words: &str, out: &mut Statement) {
    out.push(&format!("websearch_to_tsquery({language}::regconfig, "));
    out.bind_text(&words.replace('\0', " "));
    out.push(")");
}

/// What a filter searches for, but not under `not`.
fn searches<'f>(filter: &'f Filter, found: &mut Vec<(&'f Operand, &'f str)>) {
    match filter.node() {
        Node::And(list) | Node::Or(list) => list.iter().for_each(|inner| searches(inner, found)),
        Node::Search(operand, words) => found.push((operand, words)),
        _ => {}
    }
}

impl<R: RecordCodec> Searching<R> for PostgresStore<R> {
    fn ranked<P: Predicate<R>>(
        &self,
        query: Runnable<Postgres, R, P, Whole>,
        highlight: &Highlight,
        limits: &Limits,
    ) -> Result<Vec<Hit<R>>> {
        let run = || {
            let statement = self.hits_statement(&filter_of(&query)?, &page_of(&query), highlight)?;
            let rows = self.link.read(limits, |session| session.query(&statement))?;
            let hit = |row: &tokio_postgres::Row| self.hit(row, highlight.fields.len());
            rows.iter().map(hit).collect::<Result<Vec<_>>>()
        };
        run().map_err(|e: Error| e.in_store(&self.name))
    }
}

impl<R: RecordCodec> PostgresStore<R> {
    fn hits_statement(&self, filter: &Filter, page: &PageOf<'_, R>, highlight: &Highlight) -> Result<Statement> {
        let output: &Output = &self.output;
        let lowering = self.lowering();
        let mut found = Vec::new();
        searches(filter, &mut found);
        let mut statement = Statement::new(format!("SELECT {}, ", output.sql));
        push_rank(&lowering, &found, &mut statement)?;
        for path in &highlight.fields {
            statement.push(", ");
            push_headline(&lowering, &Operand::Field(path.clone()), &found, highlight, &mut statement)?;
        }
        statement.push(&format!(" FROM {}", self.table.qualified));
        lowering.ranked_clauses(filter, page, RANK, &mut statement)?;
        Ok(statement)
    }

    /// Rank and highlights stand behind the columns of the record.
    fn hit(&self, row: &tokio_postgres::Row, highlights: usize) -> Result<Hit<R>> {
        let first = row.len().saturating_sub(highlights + 1);
        let damaged = || Error::backend("the server answered a search without its ranks");
        let rank = codec::raw(row, first)?.and_then(|raw| raw.try_into().ok()).map(f64::from_be_bytes);
        let text = |at: usize| Ok(codec::raw(row, at)?.map(|raw| String::from_utf8_lossy(raw).into_owned()));
        Ok(Hit {
            stored: self.output.stored(row, &self.shape)?,
            rank: rank.ok_or_else(damaged)?,
            highlights: (first + 1..row.len()).map(text).collect::<Result<_>>()?,
        })
    }
}

/// What the rank is called in a statement; no field has such a name.
const RANK: &str = "\"_rank\"";

fn push_rank(lowering: &Lowering<'_>, found: &[(&Operand, &str)], out: &mut Statement) -> Result<()> {
    out.push("(0::float8");
    for (operand, words) in found {
        let Searched { text, language, .. } = lowering.searched(operand)?;
        out.push(&format!(" + coalesce(ts_rank(to_tsvector({language}::regconfig, {text}), "));
        asked(&language, words, out);
        out.push(")::float8, 0)");
    }
    out.push(&format!(") AS {RANK}"));
    Ok(())
}

/// The text of a field with the words marked that are searched for in it.
fn push_headline(
    lowering: &Lowering<'_>,
    field: &Operand,
    found: &[(&Operand, &str)],
    highlight: &Highlight,
    out: &mut Statement,
) -> Result<()> {
    let Searched { text, language, .. } = lowering.searched(field)?;
    let own: Vec<_> = found.iter().filter(|(operand, _)| *operand == field).collect();
    if own.is_empty() {
        out.push("NULL::text");
        return Ok(());
    }
    out.push(&format!("ts_headline({language}::regconfig, {text}, "));
    for (place, (_, words)) in own.iter().enumerate() {
        out.push(if place > 0 { " || " } else { "" });
        asked(&language, words, out);
    }
    out.push(", ");
    out.bind_text(&options(highlight));
    out.push(")");
    Ok(())
}

/// The options of a headline, as the server reads them.
fn options(highlight: &Highlight) -> String {
    let quoted = |mark: &str| format!("\"{}\"", mark.replace('\0', "").replace('"', "\"\""));
    let much = match highlight.words {
        None => "HighlightAll=true".to_owned(),
        Some(words) => format!("MaxWords={words}, MinWords={}, MaxFragments=0", (words / 2).max(1)),
    };
    format!("StartSel={}, StopSel={}, {much}", quoted(&highlight.before), quoted(&highlight.after))
}

/// The index that a field's attribute asks for: what is indexed, and the ending of its name.
pub(super) fn index_of(language: &str, text: &str) -> (String, String) {
    (vector(language, text), format!("text.{language}"))
}
