//! A predicate of one's own: no operator knows distances on a sphere, so this program brings one.
//!
//! Its type stands wherever a predicate can stand, beside filters and under `&`, `|` and `!`. It runs on engines that have the
//! records at hand, and on any other through `emulated`, which says how much the client may read for it.

use dk_data::{
    Database, Document, Emulate, Filter, Key, Predicate, Query, Result, RunsOn, Schema, Seen, Store,
    backend::memory::Memory,
    capability::{Caps, OwnCode, Provides},
    document,
    layer::Budget,
    own,
    query::Where,
};

/// The mean radius of the earth in kilometres.
const EARTH_KM: f64 = 6371.0;

/// True of places within a distance of a point. A place without coordinates is nowhere near (semantics 3.2).
#[derive(Clone)]
struct Within {
    km: f64,
    lat: f64,
    lon: f64,
}

impl Within {
    /// The great-circle distance in kilometres, by the haversine formula; degrees in.
    fn distance_km(&self, lat: f64, lon: f64) -> f64 {
        let half = |a: f64, b: f64| ((a - b).to_radians() / 2.0).sin().powi(2);
        let across = self.lat.to_radians().cos() * lat.to_radians().cos() * half(lon, self.lon);
        2.0 * EARTH_KM * (half(lat, self.lat) + across).sqrt().asin()
    }
}

impl Predicate<Document> for Within {
    fn matches(&self, row: Seen<'_, Document>) -> bool {
        let at = |name: &str| row.record[name].as_float();
        at("lat").zip(at("lon")).is_some_and(|(lat, lon)| self.distance_km(lat, lon) <= self.km)
    }
    /// There is no form as data: only this code knows what it means.
    fn lower(&self) -> Option<Filter> {
        None
    }
    fn needs(&self) -> Caps {
        Caps::OWN_CODE
    }
}

/// It runs on every engine that runs a user's code.
impl<E: Provides<OwnCode>> RunsOn<E> for Within {}

fn main() -> Result<()> {
    let cities = Memory::new().documents("cities", Schema::open("cities"))?;
    for (name, lat, lon) in
        [("Oslo", 59.91, 10.75), ("Bergen", 60.39, 5.32), ("Stockholm", 59.33, 18.07), ("Lisbon", 38.72, -9.14)]
    {
        cities.create(document! { "name" => name, "lat" => lat, "lon" => lon })?;
    }
    cities.create(document! { "name" => "Atlantis" })?;

    let near = Where(Within { km: 500.0, lat: 59.91, lon: 10.75 });
    let others = Where(Filter::ne("name", "Oslo").bind(cities.schema())?);
    let query = Query::new().filter(near.clone() & others).sort(Key::asc("name"));
    println!("within 500 km of Oslo: {}", names(&cities.search(&query)?));

    // The exact complement: Atlantis is in it, because nobody knows where it is.
    println!(
        "not within 500 km: {}",
        names(&cities.search(Query::new().filter(!near.clone()).sort(Key::asc("name")))?)
    );

    // Where a type is too much, a closure will do.
    let short = own(|city: &Document| city["name"].as_text().is_some_and(|name| name.len() < 7));
    println!("short names: {}", cities.count(short)?);

    // On an engine that cannot run it, the client can: it reads at most so many records, or it is an error. Memory can, so
    // the query is passed on and costs no budget.
    println!("within a budget: {}", cities.emulated(Budget::rows(100)).count(near.clone())?);
    Ok(())
}

fn names(cities: &[dk_data::Stored<Document>]) -> String {
    cities.iter().filter_map(|city| city["name"].as_text()).collect::<Vec<_>>().join(", ")
}
