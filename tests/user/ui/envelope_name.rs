use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    _age: u8,
}

fn main() {}
