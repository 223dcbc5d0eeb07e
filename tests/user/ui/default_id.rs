use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(id, default)]
    id: u64,
}

fn main() {}
