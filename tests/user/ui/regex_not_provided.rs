use dk_data::{Record, Store};

#[derive(Record, Clone)]
struct Person {
    name: String,
}

/// A store of whose engine nothing is known, not even that it has regular expressions.
fn find<S: Store<Person>>(store: &S) {
    let _ = store.count(Person::query().filter(Person::NAME.matches("^A")));
}

fn main() {}
