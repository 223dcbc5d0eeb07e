use dk_data::Record;

#[derive(Record, Clone)]
#[record(handles = false)]
struct Person {
    age: u8,
}

fn main() {}
