//! Reads a CSV file, keeps its rows in a store, asks questions of it, and exports the answer as JSON.
//!
//! `cargo run --release --example elements` works on the chemical elements that are shipped in `examples/data`;
//! `cargo run --release --example elements -- FILE` shows any CSV file with a header line.

use std::{
    env,
    error::Error,
    fs::File,
    io::{self, Write},
    process::ExitCode,
};

use dk_data::{
    Aggregating, Database, Document, Filter, Path, Predicate, Query, Record, RunsOn, Schema, Store, Stored, Value,
    backend::memory::Memory,
    capability::{Aggregates, Provides},
    created_at, document,
    format::{
        csv::{Csv, CsvReader},
        json::Json,
    },
    query::aggregate::Count,
    store::Outcome,
};

const ELEMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/elements.csv");

/// The most rows of a foreign file that are printed.
const ROWS_SHOWN: usize = 10;
/// The most columns of a foreign file that are printed.
const COLUMNS_SHOWN: usize = 6;
/// The widest cell that is printed, in characters.
const CELL_WIDTH: usize = 24;

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    let path = env::args().nth(1);
    let done = match &path {
        None => elements(ELEMENTS, &mut out),
        Some(path) => any_file(path, &mut out),
    };
    let Err(error) = done else { return ExitCode::SUCCESS };
    // The error and what caused it, each on a line.
    eprintln!("{}: {error}", path.as_deref().unwrap_or(ELEMENTS));
    let mut cause = error.source();
    while let Some(deeper) = cause {
        eprintln!("  because {deeper}");
        cause = deeper.source();
    }
    ExitCode::FAILURE
}

// ---- the elements

/// One element. What is not known is null, and null is neither less nor greater than anything.
#[derive(Record, Clone, Debug)]
#[record(name = "elements")]
struct Element {
    #[record(id)]
    symbol: String,
    #[record(unique)]
    number: u8,
    name: String,
    group: Option<u8>,
    period: u8,
    category: Option<String>,
    atomic_mass: f64,
    /// On Pauling's scale.
    electronegativity: Option<f64>,
    /// In g/cm³, near room temperature.
    density: Option<f64>,
    /// In kelvin, at 101.325 kPa.
    melting_point: Option<f64>,
    /// In kelvin, at 101.325 kPa.
    boiling_point: Option<f64>,
    discovered: Option<i16>,
    discovered_by: Option<String>,
}

/// 25 °C in kelvin.
const ROOM: f64 = 298.15;

fn elements(path: &str, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let db = Memory::new();
    let elements = db.store::<Element>()?;
    let loaded = elements.load(Csv::default().read::<Element, _>(File::open(path)?)?, |outcome| report(&outcome))?;
    writeln!(out, "{} elements in the store", loaded.created)?;

    let liquid = Element::MELTING_POINT.lt(ROOM) & Element::BOILING_POINT.gt(ROOM);
    let query = Element::query().filter(liquid).sort(Element::MELTING_POINT.asc());
    let columns = [Element::NUMBER.path(), Element::SYMBOL.path(), Element::NAME.path()];
    let points = [Element::MELTING_POINT.path(), Element::BOILING_POINT.path()];
    writeln!(out, "\nLiquid at 25 °C:")?;
    write_found(&elements, query, columns.into_iter().chain(points), out)?;

    let query = Element::query().filter(Element::DENSITY.gt(19.0)).sort(Element::DENSITY.desc()).limit(5);
    writeln!(out, "\nThe densest, in g/cm³:")?;
    write_found(&elements, query, [Element::SYMBOL.path(), Element::NAME.path(), Element::DENSITY.path()], out)?;

    // A filter that a user typed is bound to the schema once, and then is a predicate like any other.
    let typed: Filter = r#"category = "halogen" and not discovered >= 1900"#.parse()?;
    let query = Element::query().filter(typed.bind(elements.schema())?).sort(Element::NUMBER.asc());
    writeln!(out, "\nHalogens that were known before 1900:")?;
    write_found(&elements, query, [Element::NAME.path(), Element::DISCOVERED.path()], out)?;

    write_periods(&elements, out)?;

    let noble = elements
        .search(Element::query().filter(Element::CATEGORY.eq("noble gas")).sort(Element::NUMBER.asc()).limit(3))?;
    writeln!(out, "\nThe first noble gases as JSON:")?;
    let mut json = Json::default().write::<Element, _>(out);
    noble.iter().try_for_each(|element| json.write(element))?;
    Ok(json.finish().map(drop)?)
}

/// Shows these columns of the elements that a query finds. Only they leave the store.
fn write_found<S: Store<Element>, P: Predicate<Element> + RunsOn<S::Engine>>(
    elements: &S,
    query: Query<Element, P>,
    columns: impl IntoIterator<Item = Path>,
    out: &mut impl Write,
) -> Result<(), Box<dyn Error>> {
    let columns: Vec<Path> = columns.into_iter().collect();
    let names: Vec<String> = columns.iter().map(ToString::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    write_table(&names, &elements.search(query.fields(columns))?, out)
}

/// An aggregate by group, where the records are: nothing is fetched.
fn write_periods<S>(elements: &S, out: &mut impl Write) -> Result<(), Box<dyn Error>>
where
    S: Aggregating<Element> + Store<Element>,
    S::Engine: Provides<Aggregates>,
{
    let wanted = (Count, Element::DISCOVERED.min(), Element::ATOMIC_MASS.max(), Element::ELECTRONEGATIVITY.avg());
    let groups = elements.aggregate(Element::query().group_by(Element::PERIOD), wanted)?;
    let rows: Vec<Document> = groups
        .into_iter()
        .map(|(period, (count, first, heaviest, mean))| {
            let mean = mean.map(|mean| (mean * 100.0).round() / 100.0);
            document! {
                "period" => period, "elements" => count, "first dated" => first, "heaviest" => heaviest, "mean electronegativity" => mean,
            }
        })
        .collect();
    writeln!(out, "\nBy period:")?;
    write_table(&["period", "elements", "first dated", "heaviest", "mean electronegativity"], &rows, out)
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
        writeln!(out, "  {name}: {}", rows.aggregate(filled, Count)?)?;
    }
    writeln!(out, "\nThe rows of the table as JSON:")?;
    Ok(write_json(&first, out)?)
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

/// The rows of a CSV file as documents; a row that does not read is an item. A cell without quotes that
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
