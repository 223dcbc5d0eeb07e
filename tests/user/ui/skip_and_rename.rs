use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(skip, rename = "years")]
    age: u8,
}

fn main() {}
