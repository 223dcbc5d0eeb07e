use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    ages: Vec<Vec<u16>>,
}

fn main() {}
