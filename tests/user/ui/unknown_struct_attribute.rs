use dk_data::Record;

#[derive(Record, Clone)]
#[record(table = "people")]
struct Person {
    age: u8,
}

fn main() {}
