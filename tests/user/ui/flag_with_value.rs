use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(index = true)]
    age: u8,
}

fn main() {}
