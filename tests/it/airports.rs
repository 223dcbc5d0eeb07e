//! Real files: the tables of OurAirports as documents and as records, and queries that agree with plain loops over the same
//! files by another reader.

use std::collections::BTreeMap;

use dk_data::{
    Aggregating, Database, Document, Filter, Predicate, Query, Record, Store, Stored, Typed,
    backend::memory::Memory,
    format::csv::Csv,
    query::{RunsOn, aggregate::Count},
};

use crate::formats::shared;

#[derive(Record, Clone, Debug, PartialEq)]
struct Country {
    #[record(id)]
    id: u32,
    #[record(unique)]
    code: String,
    name: String,
    continent: String,
    wikipedia_link: Option<String>,
    keywords: Option<String>,
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Region {
    #[record(id)]
    id: u32,
    code: String,
    local_code: String,
    name: String,
    continent: String,
    #[record(index)]
    iso_country: String,
    wikipedia_link: Option<String>,
    keywords: Option<String>,
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Frequency {
    #[record(id)]
    id: u32,
    airport_ref: u32,
    airport_ident: String,
    #[record(rename = "type")]
    kind: String,
    description: Option<String>,
    frequency_mhz: rust_decimal::Decimal,
}

#[derive(Record, Clone, Debug, PartialEq)]
struct Runway {
    #[record(id)]
    id: u32,
    airport_ref: u32,
    airport_ident: String,
    length_ft: Option<u32>,
    /// Some are -1.
    width_ft: Option<i32>,
    surface: Option<String>,
    lighted: bool,
    closed: bool,
    #[record(rename = "le_ident")]
    low: Option<String>,
    #[record(rename = "le_elevation_ft")]
    low_elevation_ft: Option<i32>,
    #[record(rename = "le_heading_degT")]
    low_heading: Option<f64>,
    #[record(rename = "he_heading_degT")]
    high_heading: Option<f64>,
}

/// A file as another reader sees it.
struct Table {
    names: csv::StringRecord,
    rows: Vec<csv::StringRecord>,
}

impl Table {
    fn of(bytes: &[u8]) -> Table {
        let mut reader = csv::Reader::from_reader(bytes);
        let names = reader.headers().expect("a header").clone();
        Table { names, rows: reader.records().map(|row| row.expect("it reads")).collect() }
    }

    /// The ids of the rows of which `test` is true; it is given the cells by their names.
    fn ids(&self, test: impl Fn(&Row<'_>) -> bool) -> Vec<u32> {
        let rows = self.rows.iter().map(|cells| Row { table: self, cells }).filter(test);
        rows.map(|row| row["id"].parse().expect("a number")).collect()
    }
}

struct Row<'a> {
    table: &'a Table,
    cells: &'a csv::StringRecord,
}

impl std::ops::Index<&str> for Row<'_> {
    type Output = str;
    fn index(&self, name: &str) -> &str {
        &self.cells[self.table.names.iter().position(|known| known == name).expect("a column")]
    }
}

impl Row<'_> {
    fn number(&self, name: &str) -> Option<f64> {
        self[name].parse().ok()
    }
}

/// The ids of the records for which a filter is true: typed from raw cells, as documents, and in a store.
fn ids<R: Typed>(
    bytes: &[u8],
    typed: impl Predicate<R> + RunsOn<Memory>,
    text: &str,
    id: impl Fn(&R) -> u32,
) -> Vec<u32> {
    let data = typed.lower().expect("it has a data form");
    let parsed: Filter = text.parse().expect("it parses");
    let read = |filter: Filter| -> Vec<u32> {
        let bound = filter.bind::<R>(R::SCHEMA).expect("it fits");
        let rows = Csv::default().read::<R, _>(bytes).and_then(|rows| rows.matching(bound)).expect("it fits");
        rows.map(|row| id(&row.expect("it reads"))).collect()
    };
    let found = read(data);
    assert_eq!(read(parsed.clone()), found, "{text}");
    let bound = parsed.clone().bind::<Document>(R::SCHEMA).expect("it fits");
    let rows =
        Csv::default().read_documents(bytes, R::SCHEMA.clone()).and_then(|rows| rows.matching(bound)).expect("it fits");
    let documents: Vec<u32> =
        rows.map(|row| row.and_then(|row| row.get_as("id")).expect("it reads").expect("it has an id")).collect();
    assert_eq!(documents, found, "{text}");
    let store = load::<R>(bytes).0.store::<R>().expect("it is there");
    let in_order = |rows: Vec<Stored<R>>| {
        let mut ids: Vec<u32> = rows.iter().map(|row| id(&row.record)).collect();
        ids.sort_unstable();
        ids
    };
    let mut wanted = found.clone();
    wanted.sort_unstable();
    let filtered = store.search(parsed.bind::<R>(R::SCHEMA).expect("it fits")).expect("memory answers");
    assert_eq!(in_order(filtered), wanted, "{text}");
    assert_eq!(in_order(store.search(Query::new().filter(typed)).expect("memory answers")), wanted, "{text}");
    found
}

fn load<R: Typed>(bytes: &[u8]) -> (Memory, u64) {
    let db = Memory::new();
    let store = db.store::<R>().expect("a new store");
    let rows = Csv::default().read::<R, _>(bytes).expect("the header reads");
    let done = store.load(rows, |outcome| drop(outcome.expect("every row is fine"))).expect("memory loads");
    (db, done.created)
}

#[test]
fn every_file_loads_whole_as_records() {
    let count = |file: &str| Table::of(&shared(&format!("ourairports/{file}.csv"))).rows.len() as u64;
    assert_eq!(load::<Country>(&shared("ourairports/countries.csv")).1, count("countries"));
    assert_eq!(load::<Region>(&shared("ourairports/regions.csv")).1, count("regions"));
    assert_eq!(load::<Frequency>(&shared("ourairports/airport-frequencies.csv")).1, count("airport-frequencies"));
    assert_eq!(load::<Runway>(&shared("ourairports/runways.csv")).1, count("runways"));
}

#[test]
fn what_was_read_is_written_and_read_again() {
    fn again<R: Typed + PartialEq + std::fmt::Debug>(file: &str) {
        let bytes = shared(&format!("ourairports/{file}.csv"));
        let all: Vec<R> = Csv::default().read(&bytes[..]).and_then(Iterator::collect).expect("every row reads");
        let mut out = Csv::default().write::<R, _>(Vec::new()).expect("a record type is closed");
        all.iter().for_each(|record| out.write(record).expect("it can be written"));
        let written = out.finish().expect("memory takes it");
        let read: Vec<R> =
            Csv::default().read(&written[..]).and_then(Iterator::collect).expect("what was written reads");
        assert!(read == all, "{file}");
    }
    again::<Country>("countries");
    again::<Region>("regions");
    again::<Frequency>("airport-frequencies");
    again::<Runway>("runways");
}

#[test]
fn queries_on_countries_and_regions_agree_with_plain_loops() {
    let bytes = shared("ourairports/countries.csv");
    let table = Table::of(&bytes);
    let typed = (Country::CONTINENT.eq("EU") & Country::KEYWORDS.is_null()) | Country::CODE.is_in(["NO", "JP"]);
    let text = r#"(continent = "EU" and keywords is null) or code in ("NO", "JP")"#;
    let plain = table
        .ids(|row| &row["continent"] == "EU" && row["keywords"].is_empty() || ["NO", "JP"].contains(&&row["code"]));
    assert_eq!(ids::<Country>(&bytes, typed, text, |country| country.id), plain);
    // The continent NA and the country NA are no nulls.
    let plain = table.ids(|row| &row["continent"] == "NA" || &row["code"] == "NA");
    let typed = Country::CONTINENT.eq("NA") | Country::CODE.eq("NA");
    assert_eq!(ids::<Country>(&bytes, typed, r#"continent = "NA" or code = "NA""#, |country| country.id), plain);

    let bytes = shared("ourairports/regions.csv");
    let plain = Table::of(&bytes).ids(|row| row["local_code"].starts_with('0') && !row["name"].contains(' '));
    let typed = Region::LOCAL_CODE.starts_with("0") & !Region::NAME.contains(" ");
    let text = r#"local_code like "0%" and not name like "% %""#;
    assert_eq!(ids::<Region>(&bytes, typed, text, |region| region.id), plain);
    let plain = Table::of(&bytes)
        .ids(|row| row["wikipedia_link"].is_empty() || row["keywords"].to_ascii_lowercase().contains("air"));
    let typed = Region::WIKIPEDIA_LINK.is_null() | Region::KEYWORDS.ilike("%AIR%");
    let text = r#"wikipedia_link is null or keywords ilike "%AIR%""#;
    assert_eq!(ids::<Region>(&bytes, typed, text, |region| region.id), plain);
}

#[test]
fn queries_on_frequencies_and_runways_agree_with_plain_loops() {
    let bytes = shared("ourairports/airport-frequencies.csv");
    let table = Table::of(&bytes);
    let decimal = |text: &str| text.parse::<rust_decimal::Decimal>().expect("a decimal");
    let plain = table.ids(|row| {
        &row["type"] == "TWR" && (decimal("118.1")..=decimal("118.3")).contains(&decimal(&row["frequency_mhz"]))
    });
    let typed = Frequency::KIND.eq("TWR") & Frequency::FREQUENCY_MHZ.between(decimal("118.1"), decimal("118.3"));
    let text = r#"type = "TWR" and frequency_mhz between 118.1 and 118.3"#;
    assert_eq!(ids::<Frequency>(&bytes, typed, text, |frequency| frequency.id), plain);

    let bytes = shared("ourairports/runways.csv");
    let table = Table::of(&bytes);
    let plain = table.ids(|row| {
        row.number("length_ft").is_some_and(|feet| feet >= 12_000.0)
            && &row["closed"] == "0"
            && (&row["surface"] != "CON")
    });
    let typed = Runway::LENGTH_FT.ge(12_000) & Runway::CLOSED.eq(false) & Runway::SURFACE.ne("CON");
    let text = r#"length_ft >= 12000 and closed = false and surface != "CON""#;
    assert_eq!(ids::<Runway>(&bytes, typed, text, |runway| runway.id), plain);
    let plain = table.ids(|row| {
        row.number("le_elevation_ft").is_some_and(|feet| feet < 0.0)
            || row.number("le_heading_degT").is_some_and(|d| d > 359.5)
    });
    let typed = Runway::LOW_ELEVATION_FT.lt(0) | Runway::LOW_HEADING.gt(359.5);
    let text = "le_elevation_ft < 0 or le_heading_degT > 359.5";
    assert_eq!(ids::<Runway>(&bytes, typed, text, |runway| runway.id), plain);
}

#[test]
fn order_and_aggregates_of_a_store_agree_with_plain_loops() {
    let bytes = shared("ourairports/runways.csv");
    let table = Table::of(&bytes);
    let (db, _) = load::<Runway>(&bytes);
    let runways = db.store::<Runway>().expect("it is there");
    let mut plain: Vec<(i64, u32)> = table
        .rows
        .iter()
        .map(|cells| Row { table: &table, cells })
        .map(|row| (row["length_ft"].parse().unwrap_or(-1), row["id"].parse().expect("a number")))
        .collect();
    plain.sort_by(|a, b| b.cmp(a));
    let top = Query::<Runway>::new().sort(Runway::LENGTH_FT.desc()).limit(50);
    let found: Vec<u32> = runways.search(top).expect("memory answers").iter().map(|runway| runway.id).collect();
    assert_eq!(found, plain.iter().take(50).map(|(_, id)| *id).collect::<Vec<_>>());
    let lighted = table.ids(|row| &row["lighted"] == "1").len() as u64;
    assert_eq!(runways.count(Runway::LIGHTED.eq(true)).ok(), Some(lighted));

    // Of each surface: how many, and the longest.
    let mut surfaces: BTreeMap<Option<String>, (u64, Option<u32>)> = BTreeMap::new();
    for row in table.rows.iter().map(|cells| Row { table: &table, cells }) {
        let surface = Some(row["surface"].to_owned()).filter(|surface| !surface.is_empty());
        let (count, longest) = surfaces.entry(surface).or_default();
        *count += 1;
        *longest = (*longest).max(row["length_ft"].parse().ok());
    }
    let mut plain: Vec<_> = surfaces.into_iter().collect();
    plain.sort_by_key(|(surface, _)| (surface.is_none(), surface.clone()));
    let grouped = Query::<Runway>::new().group_by(Runway::SURFACE);
    assert_eq!(runways.aggregate(grouped, (Count, Runway::LENGTH_FT.max())).expect("memory folds"), plain);
}
