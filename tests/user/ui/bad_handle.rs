use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(handle = "the age")]
    age: u8,
}

fn main() {}
