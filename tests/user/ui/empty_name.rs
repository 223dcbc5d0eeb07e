use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(rename = "")]
    age: u8,
}

fn main() {}
