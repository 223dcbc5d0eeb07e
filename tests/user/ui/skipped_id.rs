use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(id, skip)]
    id: u64,
}

fn main() {}
