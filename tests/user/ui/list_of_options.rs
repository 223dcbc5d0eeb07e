use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    ages: Vec<Option<u8>>,
}

fn main() {}
