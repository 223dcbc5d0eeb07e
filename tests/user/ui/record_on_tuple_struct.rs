use dk_data::Record;

#[derive(Record, Clone)]
struct Person(u8);

fn main() {}
