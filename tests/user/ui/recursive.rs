use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    parent: Option<Box<Person>>,
}

fn main() {}
