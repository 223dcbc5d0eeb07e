use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(large)]
    age: u8,
}

fn main() {}
