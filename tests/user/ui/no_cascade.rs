use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(indx)]
    name: String,
    age: Option<Option<u8>>,
}

fn main() {
    let query = Person::query().filter(Person::NAME.eq("Ann"));
    let _ = query.limit(1);
}
