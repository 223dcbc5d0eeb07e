//! Real data: airports of the world, loaded from CSV, joined by hand in SQL, and asked the same through the stores.
//!
//! What the server joins and what a program joins from our queries must be one; so must what memory answers to the same questions.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, OnceLock, PoisonError},
};

use dk_data::{
    Database, Query, Record, Store, Typed,
    backend::{
        memory::{Memory, MemoryStore},
        postgres::{Postgres, PostgresStore},
    },
    format::csv::Csv,
};

use crate::{data::shared, server::Scratch};

#[derive(Record, Clone, Debug, PartialEq)]
#[record(name = "countries")]
struct Country {
    #[record(id)]
    id: u64,
    #[record(unique)]
    code: String,
    name: String,
    continent: String,
    wikipedia_link: String,
    keywords: Option<String>,
}

#[derive(Record, Clone, Debug, PartialEq)]
#[record(name = "regions")]
struct Region {
    #[record(id)]
    id: u64,
    #[record(unique)]
    code: String,
    local_code: Option<String>,
    name: String,
    continent: String,
    #[record(index)]
    iso_country: String,
    wikipedia_link: Option<String>,
    keywords: Option<String>,
}

#[derive(Record, Clone, Debug, PartialEq)]
#[record(name = "frequencies")]
struct Frequency {
    #[record(id)]
    id: u64,
    #[record(index)]
    airport_ref: u64,
    airport_ident: String,
    #[record(rename = "type")]
    service: Option<String>,
    description: Option<String>,
    frequency_mhz: f64,
}

#[derive(Record, Clone, Debug, PartialEq)]
#[record(name = "runways")]
struct Runway {
    #[record(id)]
    id: u64,
    #[record(index)]
    airport_ref: u64,
    airport_ident: String,
    length_ft: Option<i32>,
    width_ft: Option<i32>,
    surface: Option<String>,
    lighted: u8,
    closed: u8,
    le_ident: Option<String>,
    le_latitude_deg: Option<f64>,
    le_longitude_deg: Option<f64>,
    le_elevation_ft: Option<i32>,
    #[record(rename = "le_heading_degT")]
    le_heading: Option<f64>,
    le_displaced_threshold_ft: Option<i32>,
    he_ident: Option<String>,
    he_latitude_deg: Option<f64>,
    he_longitude_deg: Option<f64>,
    he_elevation_ft: Option<i32>,
    #[record(rename = "he_heading_degT")]
    he_heading: Option<f64>,
    he_displaced_threshold_ft: Option<i32>,
}

/// The records of a file; every line reads.
fn read<R: Typed>(file: &str) -> Vec<R> {
    let bytes = shared(&format!("ourairports/{file}.csv"));
    let rows = Csv::default().read(bytes.as_slice()).expect("the header reads");
    rows.map(|row| row.unwrap_or_else(|error| panic!("{file}: {error}"))).collect()
}

/// Loads a file into a store, as a user does, and into memory.
fn load<R: Typed>(db: &Postgres, memory: &Memory, file: &str) -> (PostgresStore<R>, MemoryStore<R>) {
    let (store, twin) = (db.store::<R>().expect("the table is made"), memory.store::<R>().expect("memory opens"));
    let records = read::<R>(file);
    for store_of in [store.create_batch(&records), twin.create_batch(&records)] {
        for outcome in store_of.expect("it loads") {
            outcome.unwrap_or_else(|error| panic!("{file}: {error}"));
        }
    }
    assert_eq!(store.count(Query::new()).ok(), Some(records.len() as u64));
    (store, twin)
}

/// The stores, loaded once for all tests of this file. The schema lives as long as the process; the server is private.
struct Airports {
    scratch: Mutex<Scratch>,
    countries: PostgresStore<Country>,
    regions: PostgresStore<Region>,
    frequencies: PostgresStore<Frequency>,
    runways: PostgresStore<Runway>,
    memory_runways: MemoryStore<Runway>,
    memory_frequencies: MemoryStore<Frequency>,
}

fn airports() -> &'static Airports {
    static LOADED: OnceLock<Airports> = OnceLock::new();
    LOADED.get_or_init(|| {
        let (scratch, memory) = (Scratch::new(), Memory::new());
        let db = scratch.database();
        let (countries, _) = load(&db, &memory, "countries");
        let (regions, _) = load(&db, &memory, "regions");
        let (frequencies, memory_frequencies) = load(&db, &memory, "airport-frequencies");
        let (runways, memory_runways) = load(&db, &memory, "runways");
        let scratch = Mutex::new(scratch);
        Airports { scratch, countries, regions, frequencies, runways, memory_runways, memory_frequencies }
    })
}

impl Airports {
    /// The rows of a statement written by hand: a key and a number.
    fn by_hand<K: for<'a> postgres::types::FromSql<'a> + Ord>(&self, sql: &str) -> BTreeMap<K, i64> {
        let mut scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = scratch.client.query(sql, &[]).unwrap_or_else(|error| panic!("{sql}: {error}"));
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}

#[test]
fn every_record_of_the_files_comes_back_as_it_was() {
    fn same<R: Typed + PartialEq + std::fmt::Debug>(store: &PostgresStore<R>, file: &str) {
        let mut stored = BTreeMap::new();
        for row in store.stream(Query::new()).expect("it streams") {
            let row = row.expect("it reads");
            stored.insert(row.storage_id().clone(), row.record);
        }
        let records = read::<R>(file);
        assert_eq!(stored.len(), records.len(), "{file}");
        for record in &records {
            let id = record.own_id(R::SCHEMA).expect("ids are numbers").expect("there is one");
            assert_eq!(stored.get(&id), Some(record), "{file}");
        }
    }
    let airports = airports();
    same(&airports.countries, "countries");
    same(&airports.regions, "regions");
    same(&airports.frequencies, "airport-frequencies");
    same(&airports.runways, "runways");
}

#[test]
fn regions_by_country_are_what_a_join_says() {
    let airports = airports();
    let by_hand = airports.by_hand::<String>(
        "SELECT c.name, count(r.id) FROM countries c JOIN regions r ON r.iso_country = c.code \
         WHERE c.continent IN ('EU', 'AF') GROUP BY c.name",
    );
    assert!(by_hand.len() > 80, "Europe and Africa have many countries");
    let countries = airports.countries.search(Country::CONTINENT.is_in(["EU", "AF"])).expect("it answers");
    let mut asked = BTreeMap::new();
    for country in &countries {
        let regions = airports.regions.count(Region::ISO_COUNTRY.eq(country.code.as_str())).expect("it counts");
        if regions > 0 {
            asked.insert(country.name.clone(), regions.cast_signed());
        }
    }
    assert_eq!(asked, by_hand);
}

#[test]
fn frequencies_by_service_are_what_group_by_says() {
    let airports = airports();
    let by_hand = airports.by_hand::<Option<String>>("SELECT type, count(*) FROM frequencies GROUP BY type");
    let mut asked = BTreeMap::new();
    for service in by_hand.keys() {
        let counted = match service {
            Some(service) => airports.frequencies.count(Frequency::SERVICE.eq(service.as_str())),
            None => airports.frequencies.count(Frequency::SERVICE.is_null()),
        };
        asked.insert(service.clone(), counted.expect("it counts").cast_signed());
    }
    assert_eq!(asked, by_hand);
}

#[test]
fn airports_with_a_tower_and_a_long_lighted_runway_are_what_a_join_says() {
    let airports = airports();
    let by_hand = airports.by_hand::<i64>(
        "SELECT r.airport_ref::int8, count(DISTINCT r.id) FROM runways r JOIN frequencies f ON f.airport_ref = r.airport_ref \
         WHERE f.type = 'TWR' AND r.lighted = 1 AND r.closed = 0 AND r.length_ft >= 10000 GROUP BY 1",
    );
    assert!(by_hand.len() > 300, "there are many such airports: {}", by_hand.len());
    let long = Runway::LIGHTED.eq(1_u8) & Runway::CLOSED.eq(0_u8) & Runway::LENGTH_FT.ge(10_000);
    let mut runways: BTreeMap<u64, i64> = BTreeMap::new();
    for runway in airports.runways.search(long).expect("it answers") {
        *runways.entry(runway.airport_ref).or_default() += 1;
    }
    let with_tower = Frequency::SERVICE.eq("TWR") & Frequency::AIRPORT_REF.is_in(runways.keys().copied());
    let towers: BTreeSet<u64> =
        airports.frequencies.search(with_tower).expect("it answers").iter().map(|row| row.airport_ref).collect();
    let asked: BTreeMap<i64, i64> = runways
        .into_iter()
        .filter(|(airport, _)| towers.contains(airport))
        .map(|(airport, count)| (airport.cast_signed(), count))
        .collect();
    assert_eq!(asked, by_hand);
}

#[test]
fn questions_to_the_server_and_to_memory_have_one_answer() {
    fn ids<R: Typed>(rows: dk_data::Result<Vec<dk_data::Stored<R>>>) -> Vec<dk_data::Id> {
        rows.expect("it answers").iter().map(|row| row.storage_id().clone()).collect()
    }
    let airports = airports();
    let runways = [
        Query::new().filter(Runway::SURFACE.like("%ASP%")).sort(Runway::LENGTH_FT.desc()).limit(500).dynamic(),
        Query::new().filter(!Runway::SURFACE.like("%ASP%")).sort(Runway::SURFACE.asc()).offset(10).limit(500).dynamic(),
        Query::new().filter(Runway::LE_LATITUDE_DEG.between(-1.0, 1.0)).sort(Runway::LE_LATITUDE_DEG.asc()).dynamic(),
        Query::new().filter(Runway::LE_HEADING.ne(0.0) & Runway::WIDTH_FT.is_null()).sort(Runway::ID.desc()).dynamic(),
        Query::new()
            .filter(!(Runway::WIDTH_FT.gt(50) | Runway::CLOSED.eq(1_u8)))
            .sort(Runway::AIRPORT_IDENT.desc())
            .limit(99)
            .dynamic(),
    ];
    for query in runways {
        let query = query.expect("it has a data form");
        let answer = ids(airports.runways.search(&query));
        assert!(!answer.is_empty());
        assert_eq!(answer, ids(airports.memory_runways.search(&query)));
        assert_eq!(airports.runways.count(&query).ok(), Some(answer.len() as u64));
    }
    let frequencies = [
        Query::new()
            .filter(Frequency::FREQUENCY_MHZ.eq(122.9))
            .sort(Frequency::DESCRIPTION.desc())
            .limit(300)
            .dynamic(),
        Query::new()
            .filter(Frequency::DESCRIPTION.ilike("%tower%"))
            .sort(Frequency::FREQUENCY_MHZ.asc())
            .limit(300)
            .dynamic(),
        Query::new()
            .filter(Frequency::DESCRIPTION.not_in(["CTAF", "UNICOM"]))
            .sort(Frequency::SERVICE.asc())
            .limit(300)
            .dynamic(),
    ];
    for query in frequencies {
        let query = query.expect("it has a data form");
        assert_eq!(ids(airports.frequencies.search(&query)), ids(airports.memory_frequencies.search(&query)));
    }
}
