//! The conformance suite on memory, on the toy backend, on a database chosen at run time, and through the layers. A binary
//! of its own, because it takes the compiler as long as everything else.

mod toy;

use dk_data::{
    AnyDatabase, Database, Emulate, Observe, RecordCodec, Result, Store,
    backend::memory::{Memory, MemoryStore},
    conformance::{Suite, Supports, errors},
    layer::{Budget, Emulated, EmulatedEngine, Event, Observed, Observer},
    store::{Limits, With},
};

use toy::Toy;

/// Where what lies below has answered more questions already.
const BEHIND: Supports = Supports { queries: 1_000, queries_in_transaction: 200, ..Supports::ALL };

dk_data::conformance::suite!(on_toy, Toy::default);
dk_data::conformance::suite!(
    memory,
    Memory::new,
    Supports::ALL,
    [aggregates, split, own_code, transactions, in_transaction]
);
dk_data::conformance::suite!(any, any_memory, BEHIND, [aggregates, split, own_code, transactions, in_transaction]);
dk_data::conformance::suite!(layered, Layered::default, BEHIND, [aggregates, split, own_code]);

fn any_memory() -> AnyDatabase {
    AnyDatabase::open_url("memory:").expect("memory opens")
}

/// Memory whose every store is observed, emulated and limited.
#[derive(Default)]
struct Layered(Memory);

/// Hears everything and says nothing.
#[derive(Clone)]
struct Quiet;

impl Observer for Quiet {
    fn call(&self, _: &Event<'_>) {}
}

impl Database for Layered {
    type Engine = EmulatedEngine<Memory>;
    type Store<R: RecordCodec> = With<Emulated<Observed<MemoryStore<R>, Quiet>>>;

    fn open<R: RecordCodec>(&self, name: &str, shape: R::Shape) -> Result<Self::Store<R>> {
        let store = self.0.open::<R>(name, shape)?.observed(Quiet).emulated(Budget::default());
        Ok(store.with(Limits::default().chunk(64)))
    }
}

/// A collection of texts that have broken something somewhere, of the shared real data.
fn naughty() -> Vec<String> {
    let path = format!("{}/../shared/data/naughty-strings.json", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_slice(&bytes).expect("the file is JSON")
}

/// semantics 2.6, 7.4
#[test]
fn naughty_strings_are_only_text_in_every_store() {
    let texts = naughty();
    assert!(texts.len() > 400, "the list is whole");
    let on = |tested: Result<()>| tested.unwrap_or_else(|error| panic!("{error}"));
    on(errors::any_text_is_only_text(&Suite::new(Memory::new(), Supports::ALL), &texts));
    on(errors::any_text_is_only_text(&Suite::new(Toy::default(), Supports::ALL), &texts));
}
