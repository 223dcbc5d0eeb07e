use dk_data::Record;

#[derive(Record, Clone)]
#[record(name = "")]
struct Person {
    age: u8,
}

fn main() {}
