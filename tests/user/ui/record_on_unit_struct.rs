use dk_data::Record;

#[derive(Record, Clone)]
struct Person;

fn main() {}
