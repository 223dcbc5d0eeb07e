use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(uniqe)]
    age: u8,
}

fn main() {}
