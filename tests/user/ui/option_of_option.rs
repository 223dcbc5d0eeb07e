use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    age: Option<Option<u8>>,
}

fn main() {}
