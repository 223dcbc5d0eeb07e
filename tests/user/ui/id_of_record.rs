use dk_data::Record;

#[derive(Record, Clone)]
struct Key {
    n: u8,
}

#[derive(Record, Clone)]
struct Person {
    #[record(id)]
    key: Key,
}

fn main() {}
