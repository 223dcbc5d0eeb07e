use dk_data::Record;

#[derive(Record)]
struct Person {
    age: u8,
}

fn main() {}
