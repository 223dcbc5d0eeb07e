use dk_data::{Record, Store, backend::memory::Memory, Database};

#[derive(Record, Clone)]
struct Person {
    #[record(text = "english")]
    name: String,
}

fn main() {
    let people = Memory::new().store::<Person>().unwrap();
    let _ = people.count(Person::query().filter(Person::NAME.search("ann")));
}
