use dk_data::Record;

#[derive(Record, Clone)]
struct Person {
    #[record(id)]
    id: Option<u64>,
}

fn main() {}
