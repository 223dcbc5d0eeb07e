use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(rename = "a", rename = "b")]
    age: u8,
}

fn main() {}
