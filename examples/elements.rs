//! Reads a CSV file, keeps its rows in a store, asks questions of it, and exports the answer as JSON.
//!
//! `cargo run --release --example elements` works on the chemical elements that are shipped in `examples/data`;
//! `cargo run --release --example elements -- FILE` shows any CSV file with a header line.

use std::{
    env,
    error::Error,
    fs::File,
    io::{self, Write},
};

use dk_data::{
    Database, Document, Filter, Key, Path, Query, Schema, Store, Stored, Value,
    backend::memory::Memory,
    created_at, document,
    format::{
        csv::{Csv, CsvReader},
        json::Json,
    },
    store::Outcome,
};

const ELEMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/elements.csv");

/// The most rows of a foreign file that are printed.
const ROWS_SHOWN: usize = 10;
/// The most columns of a foreign file that are printed.
const COLUMNS_SHOWN: usize = 6;
/// The widest cell that is printed, in characters.
const CELL_WIDTH: usize = 24;

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout().lock();
    match env::args().nth(1) {
        None => elements(ELEMENTS, &mut out),
        Some(path) => any_file(&path, &mut out),
    }
}

// ---- the elements

fn elements(path: &str, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let db = Memory::new();
    let elements = db.documents("elements", Schema::open("elements"))?;
    let loaded = elements.load(read_csv(path)?, |outcome| report(&outcome))?;
    writeln!(out, "{} elements in the store", loaded.created)?;

    // A filter as text, as a user would type it: bound to the schema once, then a predicate like any other.
    let liquid: Filter = "melting_point < 298.15 and boiling_point > 298.15".parse()?;
    let columns = ["number", "symbol", "name", "melting_point", "boiling_point"];
    let query = Query::new().filter(liquid.bind(elements.schema())?).sort(Key::asc("melting_point"));
    writeln!(out, "\nLiquid at 25 °C:")?;
    write_table(&columns, &elements.search(&query)?, out)?;

    // The same kind of filter, built in the program. What is not known is null, and null is greater than nothing.
    let dense = Filter::gt("density", 19.0).bind(elements.schema())?;
    let query = Query::new().filter(dense).sort(Key::desc("density")).limit(5);
    writeln!(out, "\nThe densest, in g/cm³:")?;
    write_table(&["symbol", "name", "density"], &elements.search(&query)?, out)?;

    write_periods(&elements, out)?;

    // Only the fields that are asked for leave the store.
    let noble = Filter::eq("category", "noble gas").bind(elements.schema())?;
    let fields = ["number", "symbol", "name", "boiling_point"].map(Path::from);
    let noble = elements.search(Query::new().filter(noble).sort(Key::asc("number")).fields(fields))?;
    writeln!(out, "\nThe noble gases as JSON:")?;
    Ok(write_json(&noble, out)?)
}

/// How many elements each period has, and how many of those were known before 1800: those that antiquity knew have no year.
fn write_periods(elements: &impl Store<Document>, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut rows = Vec::new();
    for period in 1..=7 {
        let all = Filter::eq("period", period);
        let early = all.clone().and_also(Filter::lt("discovered", 1800).or_else(Filter::is_null("discovered")));
        let count = |filter: Filter| elements.count(filter.bind(elements.schema())?);
        rows.push(document! { "period" => period, "elements" => count(all)?, "before 1800" => count(early)? });
    }
    writeln!(out, "\nBy period:")?;
    write_table(&["period", "elements", "before 1800"], &rows, out)
}

// ---- any file

fn any_file(path: &str, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let db = Memory::new();
    let rows = db.documents("rows", Schema::open("rows"))?;
    let loaded = rows.load(read_csv(path)?, |outcome| report(&outcome))?;
    writeln!(out, "{} rows in the store, {} refused", loaded.created, loaded.failed)?;

    let first = rows.search(Query::new().sort(created_at().asc()).limit(ROWS_SHOWN))?;
    let names = names(&rows)?;
    let columns: Vec<&str> = names.iter().map(String::as_str).take(COLUMNS_SHOWN).collect();
    write_table(&columns, &first, out)?;

    writeln!(out, "\nFilled cells by column:")?;
    for name in names {
        let filled = Filter::is_null(Path::field(name.clone())).not().bind(rows.schema())?;
        writeln!(out, "  {name}: {}", rows.count(filled)?)?;
    }
    writeln!(out, "\nThe first row as JSON:")?;
    Ok(write_json(&first[..first.len().min(1)], out)?)
}

/// The names of all fields that occur, in the order in which they do.
fn names(rows: &impl Store<Document>) -> dk_data::Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    rows.for_each(Query::new().sort(created_at().asc()), |row| {
        let new: Vec<_> =
            row.names().filter(|name| !names.iter().any(|known| known == name)).map(str::to_owned).collect();
        names.extend(new);
    })?;
    Ok(names)
}

fn report(outcome: &Outcome) {
    if let Err(error) = outcome {
        eprintln!("refused: {error}");
    }
}

// ---- reading and writing

/// The rows of a CSV file as documents, one after the other; a row that does not read is an item. A cell without quotes that
/// looks like a number is one, an empty one is null, and `02` stays text.
fn read_csv(path: &str) -> dk_data::Result<CsvReader<Document, File>> {
    Csv::default().read_documents(File::open(path)?, Schema::open("rows"))
}

/// One JSON object a line.
fn write_json(rows: &[Stored<Document>], out: &mut impl Write) -> dk_data::Result<()> {
    let mut json = Json::default().write_documents(out, Schema::open("rows"));
    rows.iter().try_for_each(|row| json.write(row))?;
    json.finish().map(drop)
}

// ---- the table

/// Writes columns as wide as their widest cell: numbers to the right, the rest to the left.
fn write_table(names: &[&str], rows: &[impl AsDocument], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let cells = |row: &Document| names.iter().map(|name| shown(&row[name])).collect::<Vec<_>>();
    let rows: Vec<(Vec<String>, &Document)> = rows.iter().map(|row| (cells(row.document()), row.document())).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|(cells, _)| cells[column].chars().count());
        cells.max().unwrap_or(0).max(names[column].chars().count())
    };
    let widths: Vec<usize> = (0..names.len()).map(width).collect();
    let is_number = |column: usize| rows.iter().any(|(_, row)| row[names[column]].as_float().is_some());
    let right: Vec<bool> = (0..names.len()).map(is_number).collect();

    let header: Vec<String> = names.iter().map(ToString::to_string).collect();
    for cells in [&header].into_iter().chain(rows.iter().map(|(cells, _)| cells)) {
        let padded = cells.iter().zip(&widths).zip(&right).map(|((cell, width), right)| match right {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        writeln!(out, "  {}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

/// What a row of a table is made of.
trait AsDocument {
    fn document(&self) -> &Document;
}
impl AsDocument for Document {
    fn document(&self) -> &Document {
        self
    }
}
impl AsDocument for Stored<Document> {
    fn document(&self) -> &Document {
        &self.record
    }
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "–".to_owned(),
        Value::Text(text) => text.clone(),
        Value::Int(v) => v.to_string(),
        Value::Float(v) => v.to_string(),
        other => format!("{other:?}"),
    };
    match text.chars().count() {
        0..=CELL_WIDTH => text,
        _ => text.chars().take(CELL_WIDTH - 1).chain(['…']).collect(),
    }
}
